/* SPDX-License-Identifier: ISC */
/*
 * match - exclude patterns with rsync's meaning.
 */
#include "match.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "in.h"

struct rule {
	char *text; /* as it was added */
	char *pattern; /* without prefix, leading and trailing slash */
	size_t len; /* of pattern */
	size_t slashes; /* in the pattern; an anchoring one counts */
	int include; /* "+ " */
	int only_dir; /* a trailing slash */
	int anchored; /* a leading slash */
	int wild; /* has one of * ? [ */
	int deep; /* has "**" */
	int deep_prefix; /* begins with "**" */
	int with_content; /* ends with three stars: the directory too */
};

struct ha_match {
	struct rule *rules;
	size_t count;
	size_t kept; /* the first ones, which "!" leaves */
};

enum outcome {
	MATCH,
	DIFFERS,
	HOPELESS, /* the text is too short, or a bracket never ends */
};

struct ha_match *
ha_match_new(void)
{
	return ha_xcalloc(1, sizeof(struct ha_match));
}

static void
clear(struct ha_match *match)
{
	size_t i;

	for (i = match->kept; i < match->count; i++) {
		free(match->rules[i].text);
		free(match->rules[i].pattern);
	}
	match->count = match->kept;
}

void
ha_match_free(struct ha_match *match)
{
	if (match) {
		match->kept = 0;
		clear(match);
		free(match->rules);
	}
	free(match);
}

static size_t
count_slashes(const char *s)
{
	size_t n = 0;

	while ((s = strchr(s, '/'))) {
		n++;
		s++;
	}
	return n;
}

static void
compile(struct rule *rule, const char *pattern)
{
	size_t len = strlen(pattern);
	char *p;

	if (len > 1 && pattern[len - 1] == '/') {
		rule->only_dir = 1;
		len--;
	}
	p = ha_xmemdup(pattern, len);
	rule->slashes = count_slashes(p);
	rule->wild = strpbrk(p, "*?[") != NULL;
	rule->deep = strstr(p, "**") != NULL;
	rule->deep_prefix = !strncmp(p, "**", 2);
	rule->with_content = len >= 3 && !strcmp(p + len - 3, "***");
	rule->anchored = *p == '/';
	rule->pattern = p;
	rule->len = len;
	if (rule->anchored)
		memmove(p, p + 1, rule->len--);
}

int
ha_match_add(struct ha_match *match, const char *pattern, struct ha_err *err)
{
	const char *text = pattern;
	struct rule *rule;
	int include = !strncmp(pattern, "+ ", 2);

	if (!strcmp(pattern, "!")) {
		clear(match);
		return 0;
	}
	if (include || !strncmp(pattern, "- ", 2))
		pattern += 2;
	if (!*pattern)
		return ha_err_set(
		    err, EX_USAGE, 0, "'%s' is no exclude pattern", text);
	if (strlen(pattern) >= PATH_MAX)
		return ha_err_set(err, EX_USAGE, 0,
		    "an exclude pattern is longer than a path can be");
	match->rules = ha_xrealloc(
	    match->rules, (match->count + 1) * sizeof(*match->rules));
	rule = &match->rules[match->count++];
	memset(rule, 0, sizeof(*rule));
	rule->text = ha_xstrdup(text);
	rule->include = include;
	compile(rule, pattern);
	return 0;
}

int
ha_match_keep(struct ha_match *match, const char *pattern, struct ha_err *err)
{
	if (ha_match_add(match, pattern, err))
		return -1;
	match->kept = match->count;
	return 0;
}

/* As rsync reads it, a CR ends a line too. */
static int
add_line(struct ha_match *match, const char *path, unsigned long long number,
    char *line, struct ha_err *err)
{
	char *part;

	while ((part = strsep(&line, "\r"))) {
		if (!*part || *part == '#' || *part == ';')
			continue;
		if (ha_match_add(match, part, err))
			return ha_err_set(err, EX_CONFIG, 0, "%s:%llu: %s",
			    path, number, err->msg);
	}
	return 0;
}

static int
add_lines(struct ha_match *match, const char *path, struct ha_in *in,
    struct ha_err *err)
{
	size_t len;
	char *line;
	int more;

	do {
		more = ha_in_fill(in, err);
		if (more < 0 && err->sys != EAGAIN)
			return ha_err_set(
			    err, err->status, 0, "%s: %s", path, err->msg);
		/* rsync takes a last line without its LF. */
		if (!more && ha_in_rest(in))
			ha_buf_add_char(&in->buf, '\n');
		while ((more = ha_in_next(in, &line, &len, err)) > 0) {
			if (strlen(line) != len)
				return ha_err_set(err, EX_CONFIG, 0,
				    "%s:%llu: a NUL byte", path, in->number);
			if (add_line(match, path, in->number, line, err))
				return -1;
		}
		if (more < 0)
			return ha_err_set(
			    err, EX_CONFIG, 0, "%s: %s", path, err->msg);
	} while (!in->eof);
	return 0;
}

int
ha_match_add_file(struct ha_match *match, const char *path, struct ha_err *err)
{
	int is_stdin = !strcmp(path, "-");
	int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	struct ha_in in;
	int result;

	if (fd < 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't open '%s'", path);
	ha_in_init(&in, fd, '\n');
	result = add_lines(match, path, &in, err);
	ha_in_release(&in);
	if (!is_stdin)
		close(fd);
	return result;
}

size_t
ha_match_count(const struct ha_match *match)
{
	return match->count;
}

const char *
ha_match_pattern(const struct ha_match *match, size_t i)
{
	return match->rules[i].text;
}

static const struct {
	const char *name;
	int (*is)(int c);
} classes[] = {
	{ "alnum", isalnum },
	{ "alpha", isalpha },
	{ "blank", isblank },
	{ "cntrl", iscntrl },
	{ "digit", isdigit },
	{ "graph", isgraph },
	{ "lower", islower },
	{ "print", isprint },
	{ "punct", ispunct },
	{ "space", isspace },
	{ "upper", isupper },
	{ "xdigit", isxdigit },
};

/* A member "[:name:]" at *p; 1, 0, or -1 for an unknown name. */
static int
in_class(const char **p, const char *end, unsigned char c)
{
	const char *name = *p + 2;
	size_t len = (size_t)(end - name) - 1;
	size_t i;

	*p = end + 1;
	for (i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (strlen(classes[i].name) == len &&
		    !strncmp(name, classes[i].name, len))
			return classes[i].is(c) != 0;
	return -1;
}

/* Where the "]" of "[:name:]" at p stands; NULL if p begins no such thing. */
static const char *
class_end(const char *p)
{
	const char *end;

	if (p[0] != '[' || p[1] != ':')
		return NULL;
	end = strchr(p + 2, ']');
	return end && end > p + 2 && end[-1] == ':' ? end : NULL;
}

/* One character, a backslash before it taken off; 0 at the pattern's end. */
static unsigned char
bracket_char(const char **p)
{
	if (**p == '\\')
		++*p;
	return (unsigned char)(**p ? *(*p)++ : 0);
}

/*
 * Is c in the brackets that *p is behind the "[" of?  1, 0, or -1 if they are
 * damaged.  *p is then behind the "]".
 */
static int
in_brackets(const char **pattern, unsigned char c)
{
	const char *p = *pattern;
	int negated = *p == '!' || *p == '^';
	unsigned char last = 0, high;
	const char *end;
	int found = 0;
	int is;

	p += negated;
	do {
		if (*p == '-' && last && p[1] && p[1] != ']') {
			p++;
			high = bracket_char(&p);
			if (!high)
				return -1;
			found |= c >= last && c <= high;
			last = 0;
		} else if ((end = class_end(p))) {
			is = in_class(&p, end, c);
			if (is < 0)
				return -1;
			found |= is;
			last = 0;
		} else {
			last = bracket_char(&p);
			if (!last)
				return -1;
			found |= c == last;
		}
	} while (*p != ']');
	*pattern = p + 1;
	return found != negated;
}

/* Does one character of the text fit what stands at *p, which moves on? */
static enum outcome
fits(const char **p, char c)
{
	int in;

	switch (**p) {
	case '\0':
		return DIFFERS;
	case '?':
		++*p;
		return c == '/' ? DIFFERS : MATCH;
	case '[':
		++*p;
		in = in_brackets(p, (unsigned char)c);
		if (in < 0)
			return HOPELESS;
		return in && c != '/' ? MATCH : DIFFERS;
	case '\\':
		++*p;
		/* FALLTHROUGH */
	default:
		if (c != **p)
			return DIFFERS;
		++*p;
		return MATCH;
	}
}

/* A place to return to: what follows stars, and how far these have come. */
struct retry {
	const char *p; /* NULL: no stars yet */
	const char *t;
};

/*
 * A failure behind stars needs only the last "*" to take one character more,
 * and where that meets a slash, the last "**": what was before those can't
 * help.  So there is no recursion, and nothing grows exponentially.
 */
static int
retry(struct retry *star, struct retry *deep, const char **p, const char **t)
{
	struct retry *last = star;

	if (!star->p || *star->t == '/') {
		star->p = NULL;
		last = deep;
	}
	*p = last->p;
	*t = ++last->t;
	return last->p != NULL;
}

static enum outcome
wild_match(const char *p, const char *t, const char *end)
{
	struct retry star = { NULL, t }, deep = { NULL, t };
	enum outcome outcome;
	size_t stars;

	for (;;) {
		stars = strspn(p, "*");
		if (stars) {
			p += stars;
			star = (struct retry){ stars == 1 ? p : NULL, t };
			if (stars > 1)
				deep = (struct retry){ p, t };
		}
		if (t == end)
			return *p ? HOPELESS : MATCH;
		outcome = fits(&p, *t);
		if (outcome == HOPELESS)
			return HOPELESS;
		if (outcome == MATCH)
			t++;
		else if (!retry(&star, &deep, &p, &t))
			return DIFFERS;
	}
}

/* A pattern with an infix "**" may begin behind any slash. */
static int
wild_match_anywhere(const char *p, const char *t, const char *end)
{
	enum outcome outcome;

	while ((outcome = wild_match(p, t, end)) == DIFFERS) {
		t = memchr(t, '/', (size_t)(end - t));
		if (!t)
			return 0;
		t++;
	}
	return outcome == MATCH;
}

/* The last n components of path; NULL if it has fewer. */
static const char *
last_components(const char *path, size_t len, size_t n)
{
	const char *p = path + len;

	while (p > path)
		if (*--p == '/' && !--n)
			return p + 1;
	return n == 1 ? path : NULL;
}

/* A path to be matched, and "/path/" for the rules that want a slash more. */
struct subject {
	const char *path;
	size_t len;
	const char *name;
	int is_dir;
	struct ha_buf slashed;
};

static int
deep_match(const struct rule *rule, struct subject *subject)
{
	const char *t, *end;

	if (!subject->slashed.len)
		ha_buf_addf(&subject->slashed, "/%s/", subject->path);
	t = subject->slashed.data + !rule->deep_prefix;
	end = subject->slashed.data + 1 + subject->len;
	if (rule->with_content && subject->is_dir)
		end++;
	if (rule->anchored || rule->deep_prefix)
		return wild_match(rule->pattern, t, end) == MATCH;
	return wild_match_anywhere(rule->pattern, t, end);
}

static int
literal_match(const struct rule *rule, const struct subject *subject)
{
	const char *tail;

	if (rule->anchored)
		return !strcmp(subject->path, rule->pattern);
	if (!rule->slashes)
		return !strcmp(subject->name, rule->pattern);
	if (subject->len < rule->len)
		return 0;
	tail = subject->path + subject->len - rule->len;
	return !strcmp(tail, rule->pattern) &&
	       (tail == subject->path || tail[-1] == '/');
}

static int
rule_matches(const struct rule *rule, struct subject *subject)
{
	const char *end = subject->path + subject->len;
	const char *t;

	if (rule->only_dir && !subject->is_dir)
		return 0;
	if (!rule->wild)
		return literal_match(rule, subject);
	if (rule->deep)
		return deep_match(rule, subject);
	if (rule->anchored)
		t = subject->path;
	else if (!rule->slashes)
		t = subject->name;
	else
		t = last_components(
		    subject->path, subject->len, rule->slashes + 1);
	return t && wild_match(rule->pattern, t, end) == MATCH;
}

int
ha_match_excludes(
    const struct ha_match *match, const char *path, int is_dir, int *rule)
{
	struct subject subject = {
		.path = path,
		.len = strlen(path),
		.name = strrchr(path, '/'),
		.is_dir = is_dir,
		.slashed = HA_BUF_INIT,
	};
	size_t i = 0;

	subject.name = subject.name ? subject.name + 1 : path;
	if (subject.len && strcmp(path, "."))
		while (i < match->count &&
		       !rule_matches(&match->rules[i], &subject))
			i++;
	else
		i = match->count;
	ha_buf_release(&subject.slashed);
	if (rule)
		*rule = i < match->count ? (int)i : -1;
	return i < match->count && !match->rules[i].include;
}

int
ha_match_excludes_below(const struct ha_match *match, const char *path,
    int is_dir, int *rule, size_t *depth)
{
	char *copy = ha_xstrdup(path);
	char *slash = copy;
	int excluded = 0;

	while (!excluded && (slash = strchr(slash, '/'))) {
		*slash = '\0';
		excluded = ha_match_excludes(match, copy, 1, rule);
		if (!excluded)
			*slash++ = '/';
	}
	if (!excluded)
		excluded = ha_match_excludes(match, copy, is_dir, rule);
	if (excluded && depth)
		*depth = strlen(copy);
	free(copy);
	return excluded;
}
