/* SPDX-License-Identifier: ISC */
/*
 * match - the rules of rsync(1) one by one, and then rsync itself as judge.
 */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "match.h"
#include "run.h"

#define ROUNDS 100
#define DEPTH 4

static const struct {
	const char *pattern;
	const char *path; /* a trailing slash: a directory */
	int excluded;
} cases[] = {
	{ "*.o", "a.o", 1 },
	{ "*.o", "d/a.o", 1 },
	{ "*.o", "a.o/b", 0 },
	{ "foo", "x/foo", 1 },
	{ "foo", "x/foobar", 0 },
	{ "/foo", "foo", 1 },
	{ "/foo", "x/foo", 0 },
	{ "foo/", "foo", 0 },
	{ "foo/", "x/foo/", 1 },
	{ "foo/bar", "foo/bar", 1 },
	{ "foo/bar", "x/foo/bar", 1 },
	{ "foo/bar", "xfoo/bar", 0 },
	{ "foo/bar", "bar", 0 },
	{ "foo/*/bar", "foo/a/bar", 1 },
	{ "foo/*/bar", "x/foo/a/bar", 1 },
	{ "foo/*/bar", "foo/a/b/bar", 0 },
	{ "/foo/**/bar", "foo/a/b/bar", 1 },
	{ "/foo/**/bar", "foo/bar", 0 },
	{ "foo/**/bar", "x/foo/a/b/bar", 1 },
	{ "**/bar", "bar", 1 },
	{ "**/bar", "a/b/bar", 1 },
	{ "**foo", "a/xfoo", 1 },
	{ "foo/***", "foo/", 1 },
	{ "foo/***", "foo", 0 },
	{ "foo/***", "foo/a/b", 1 },
	{ "foo/**", "foo/", 0 },
	{ "foo/**", "foo/a", 1 },
	{ "/*", "a", 1 },
	{ "/*", "a/b", 0 },
	{ "?", "ab/c", 1 },
	{ "a?b", "a/b", 0 },
	{ "/a[/]b", "a/b", 0 },
	{ "[a-c]x", "bx", 1 },
	{ "[!a-c]x", "bx", 0 },
	{ "[^a-c]x", "dx", 1 },
	{ "[]x]", "]", 1 },
	{ "[[:digit:]_]", "7", 1 },
	{ "[[:digit:]_]", "_", 1 },
	{ "[[:nonsense:]]", "n", 0 },
	{ "[a", "[a", 0 },
	{ "a\\b", "a\\b", 1 },
	{ "a\\b*", "ab", 1 },
	{ "a\\\\b*", "a\\b", 1 },
	{ "a\\*", "a*", 1 },
	{ "a\\*", "ab", 0 },
	{ "*", ".hidden", 1 },
	{ "- foo", "foo", 1 },
	{ "+ foo", "foo", 0 },
	{ "-foo", "-foo", 1 },
	{ "!x", "!x", 1 },
	{ "/", "a", 0 },
	{ "**", ".", 0 },
	{ " a", "a", 0 },
};

static void
table(void **state)
{
	struct ha_match *match;
	struct ha_err err;
	char path[32];
	size_t i, len;
	int is_dir;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		match = ha_match_new();
		assert_int_equal(
		    ha_match_add(match, cases[i].pattern, &err), 0);
		strcpy(path, cases[i].path);
		len = strlen(path);
		is_dir = path[len - 1] == '/';
		if (is_dir)
			path[len - 1] = '\0';
		if (ha_match_excludes(match, path, is_dir, NULL) !=
		    cases[i].excluded)
			fail_msg("'%s' against '%s'", cases[i].pattern,
			    cases[i].path);
		ha_match_free(match);
	}
}

static struct ha_match *
rules(const char *const *patterns)
{
	struct ha_match *match = ha_match_new();
	struct ha_err err;

	for (; *patterns; patterns++)
		assert_int_equal(ha_match_add(match, *patterns, &err), 0);
	return match;
}

static void
the_first_match_decides(void **state)
{
	static const char *const patterns[] = { "+ */", "+ *.c", "- *", NULL };
	struct ha_match *match = rules(patterns);
	int rule;

	(void)state;
	assert_false(ha_match_excludes(match, "d", 1, &rule));
	assert_int_equal(rule, 0);
	assert_false(ha_match_excludes(match, "d/x.c", 0, &rule));
	assert_int_equal(rule, 1);
	assert_true(ha_match_excludes(match, "d/x.o", 0, &rule));
	assert_int_equal(rule, 2);
	assert_false(ha_match_excludes(match, ".", 1, &rule));
	assert_int_equal(rule, -1);
	assert_int_equal(ha_match_count(match), 3);
	assert_string_equal(ha_match_pattern(match, 1), "+ *.c");
	ha_match_free(match);
}

static void
a_parent_decides_for_what_is_below(void **state)
{
	static const char *const patterns[] = { "+ keep", "/a/b/", "*.o",
		NULL };
	struct ha_match *match = rules(patterns);
	size_t depth = 0;
	int rule;

	(void)state;
	assert_true(
	    ha_match_excludes_below(match, "a/b/c/keep", 0, &rule, &depth));
	assert_int_equal(rule, 1);
	assert_int_equal(depth, 3);
	assert_true(ha_match_excludes_below(match, "x/y.o", 0, &rule, &depth));
	assert_int_equal(rule, 2);
	assert_int_equal(depth, 5);
	assert_false(ha_match_excludes_below(match, "a/b", 0, &rule, NULL));
	assert_true(ha_match_excludes_below(match, "a/b", 1, NULL, NULL));
	ha_match_free(match);
}

static void
what_rsync_refuses(void **state)
{
	static const char *const bad[] = { "", "- ", "+ " };
	struct ha_match *match = ha_match_new();
	struct ha_err err;
	char longest[4097];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(ha_match_add(match, bad[i], &err), -1);
		assert_int_equal(err.status, EX_USAGE);
	}
	memset(longest, 'x', 4096);
	longest[4096] = '\0';
	assert_int_equal(ha_match_add(match, longest, &err), -1);
	longest[4095] = '\0';
	assert_int_equal(ha_match_add(match, longest, &err), 0);
	assert_int_equal(ha_match_add(match, "!", &err), 0);
	assert_int_equal(ha_match_count(match), 0);
	ha_match_free(match);
}

static void
nothing_clears_what_is_kept(void **state)
{
	struct ha_match *match = ha_match_new();
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_match_keep(match, "", &err), -1);
	assert_int_equal(ha_match_keep(match, "/kept*", &err), 0);
	assert_int_equal(ha_match_add(match, "+ *", &err), 0);
	assert_int_equal(ha_match_add(match, "!", &err), 0);
	assert_int_equal(ha_match_add(match, "+ /kept1", &err), 0);
	assert_int_equal(ha_match_add(match, "other", &err), 0);
	assert_int_equal(ha_match_count(match), 3);
	assert_true(ha_match_excludes(match, "kept1", 0, NULL));
	assert_false(ha_match_excludes(match, "sub/kept1", 0, NULL));
	assert_true(ha_match_excludes(match, "other", 0, NULL));
	ha_match_free(match);
}

static void
write_file(const char *path, const char *text, size_t len)
{
	struct ha_err err;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(ha_fs_write_all(fd, text, len, &err), 0);
	close(fd);
}

static void
files_of_patterns(void **state)
{
	static const char text[] = "# c\n; c\n\na\r\nb\n - \n!\nc d\n+ e\nlast";
	struct ha_match *match = ha_match_new();
	struct ha_err err;

	(void)state;
	write_file("x", text, sizeof(text) - 1);
	assert_int_equal(ha_match_add_file(match, "x", &err), 0);
	assert_int_equal(ha_match_count(match), 3);
	assert_string_equal(ha_match_pattern(match, 0), "c d");
	assert_string_equal(ha_match_pattern(match, 2), "last");
	write_file("x", "a\n- \n", 5);
	assert_int_equal(ha_match_add_file(match, "x", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_non_null(strstr(err.msg, "x:2:"));
	write_file("x", "a\0b\n", 4);
	assert_int_equal(ha_match_add_file(match, "x", &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_int_equal(ha_match_add_file(match, "missing", &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	ha_match_free(match);
}

/* No pattern may stop the watcher. */
static void
hostile_patterns_end_soon(void **state)
{
	static const char *const patterns[] = {
		"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b",
		"**a**a**a**a**a**a**a**a**a**b",
		"**/*a*a*a*a*a*a*a*a*a*a*aaaaaaaaaaaaaaaaaaaaaaaaab",
		"x**[a-z]*[a-z]*[a-z]*[a-z]*[a-z]*[!a]", NULL
	};
	struct ha_match *match = rules(patterns);
	int64_t deadline = ha_clock_deadline(5000);
	char path[4096];
	size_t i;

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	for (i = 250; i < sizeof(path) - 1; i += 250)
		path[i] = '/';
	path[sizeof(path) - 2] = 'c';
	assert_false(ha_match_excludes(match, path, 0, NULL));
	assert_true(ha_clock_now_ns() < deadline);
	ha_match_free(match);
}

static const char *const names[] = { "a", "b", "ab", "ba", "aab", "x.o", "a.b",
	"[a]", "a*b", "a\\b", "-", "]", "7", ".h", "A", " a", "!", "ac" };

#define NAMES (sizeof(names) / sizeof(names[0]))

static const char *const tokens[] = { "a", "b", "ab", "x", ".", "o", "/", "/",
	"/", "*", "*", "*", "**", "**", "***", "?", "?", "[ab]", "[!a]", "[^b]",
	"[a-c]", "[]a]", "[!]]", "[[:alpha:]]", "[[:digit:]]", "[[:punct:]a]",
	"[[:x:]]", "[[:a]", "[a", "[a-]", "[-a]", "[\\]]", "[b\\-a]", "[/]",
	"[!x]", "\\", "\\*", "\\[", "\\a", "\\\\", "]", "7", " ", "!", "[[]",
	"[a-\\c]", "[", "[!", "[\\" };

#define TOKENS (sizeof(tokens) / sizeof(tokens[0]))

static void
make_tree(int fd, int depth)
{
	const char *name;
	size_t i, n = 2 + test_random(4);
	int below;

	for (i = 0; i < n; i++) {
		name = names[test_random(NAMES)];
		if (depth && test_random(3) && !mkdirat(fd, name, 0755)) {
			below = openat(fd, name, O_RDONLY | O_DIRECTORY);
			assert_true(below >= 0);
			make_tree(below, depth - 1);
			close(below);
		} else {
			below = openat(fd, name, O_WRONLY | O_CREAT, 0644);
			if (below >= 0)
				close(below);
		}
	}
}

static void
add_random_pattern(struct ha_buf *text)
{
	size_t start, i, n = 1 + test_random(5);

	if (!test_random(3))
		ha_buf_add_str(text, test_random(2) ? "+ " : "- ");
	start = text->len;
	if (!test_random(4))
		ha_buf_add_char(text, '/');
	for (i = 0; i < n; i++)
		ha_buf_add_str(text, tokens[test_random(TOKENS)]);
	if (!test_random(5))
		ha_buf_add_char(text, '/');
	/* "+ " and "- " would be a prefix, not a pattern. */
	if (text->data[start] == ' ')
		text->data[start] = 'a';
	ha_buf_add_char(text, '\n');
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of text in order, in new memory. */
static char *
sorted(const char *text)
{
	struct ha_buf result = HA_BUF_INIT;
	char *copy = ha_xstrdup(text);
	char *rest = copy, *line;
	char **lines = NULL;
	size_t n = 0, i;

	while ((line = strsep(&rest, "\n"))) {
		lines = ha_xrealloc(lines, (n + 1) * sizeof(*lines));
		lines[n++] = line;
	}
	if (n)
		qsort(lines, n, sizeof(*lines), compare_lines);
	for (i = 0; i < n; i++)
		ha_buf_addf(&result, "%s\n", lines[i]);
	free(lines);
	free(copy);
	return ha_buf_detach(&result);
}

static char *
listed_by_rsync(void)
{
	static const char *const argv[] = { "rsync", "-rn",
		"--exclude-from=rules", "--out-format=%n", "src/", "dst/",
		NULL };
	struct ha_run run = HA_RUN_INIT;
	struct ha_buf out = HA_BUF_INIT;
	struct ha_err err;
	char *result;
	int status;

	run.argv = argv;
	if (ha_run_capture(
		&run, ha_clock_deadline(30000), &out, NULL, &status, &err))
		fail_msg("%s", err.msg);
	assert_int_equal(status, 0);
	result = sorted(out.data);
	ha_buf_release(&out);
	return result;
}

static void
walk(const struct ha_match *match, struct ha_buf *path, struct ha_buf *out)
{
	size_t len = path->len;
	char *folder = ha_xasprintf("src/%s", path->data);
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int is_dir;

	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		is_dir = entry->d_type == DT_DIR;
		ha_buf_truncate(path, len);
		ha_buf_add_str(path, entry->d_name);
		if (ha_match_excludes(match, path->data, is_dir, NULL))
			continue;
		ha_buf_addf(out, "%s%s\n", path->data, is_dir ? "/" : "");
		if (is_dir) {
			ha_buf_add_char(path, '/');
			walk(match, path, out);
		}
	}
	closedir(dir);
	free(folder);
}

static char *
listed_by_us(void)
{
	struct ha_buf path = HA_BUF_INIT, out = HA_BUF_INIT;
	struct ha_match *match = ha_match_new();
	struct ha_err err;
	char *result;

	if (ha_match_add_file(match, "rules", &err))
		fail_msg("%s", err.msg);
	walk(match, &path, &out);
	result = sorted(out.data);
	ha_buf_release(&path);
	ha_buf_release(&out);
	ha_match_free(match);
	return result;
}

static void
compare_once(size_t round)
{
	struct ha_buf text = HA_BUF_INIT;
	char *theirs, *ours;
	size_t i, n = 1 + test_random(4);

	for (i = 0; i < n; i++)
		add_random_pattern(&text);
	if (!test_random(20))
		ha_buf_add_str(&text, "!\n*b\n");
	write_file("rules", text.data, text.len);
	theirs = listed_by_rsync();
	ours = listed_by_us();
	for (i = 0; theirs[i] && theirs[i] == ours[i];)
		i++;
	if (theirs[i] != ours[i]) {
		while (i && theirs[i - 1] != '\n')
			i--;
		fail_msg(
		    "round %zu: rsync goes on with '%.*s', we with '%.*s'; "
		    "rules:\n%s",
		    round, (int)strcspn(theirs + i, "\n"), theirs + i,
		    (int)strcspn(ours + i, "\n"), ours + i, text.data);
	}
	free(theirs);
	free(ours);
	ha_buf_release(&text);
}

static void
rsync_agrees(void **state)
{
	size_t round;
	int fd;

	(void)state;
	test_seed();
	assert_int_equal(mkdir("src", 0755) | mkdir("dst", 0755), 0);
	fd = open("src", O_RDONLY | O_DIRECTORY);
	make_tree(fd, DEPTH);
	close(fd);
	for (round = 0; round < ROUNDS; round++)
		compare_once(round);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(the_first_match_decides),
		cmocka_unit_test(a_parent_decides_for_what_is_below),
		cmocka_unit_test(what_rsync_refuses),
		cmocka_unit_test(nothing_clears_what_is_kept),
		test_in_folder(files_of_patterns),
		cmocka_unit_test(hostile_patterns_end_soon),
		test_in_folder(rsync_agrees),
	};

	return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
