/* SPDX-License-Identifier: ISC */
/*
 * file - is a file what it ought to be: its content, age, size, owner?
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <math.h>
#include <pwd.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "accept.h"
#include "alloc.h"
#include "ask.h"
#include "clock.h"
#include "content.h"
#include "kinds.h"

/* What is read at once, without a helper process. */
#define SMALL (128 * 1024)
#define READINGS 3

enum { AGE, SIZE, MODE, OWNER, GROUP, SHA256, MD5, MATCH, NOMATCH, CHANGED };

static int
parse_mode(struct setting *setting, const char *text, struct ha_err *err);
static int
parse_owner(struct setting *setting, const char *text, struct ha_err *err);
static int
parse_group(struct setting *setting, const char *text, struct ha_err *err);
static int
parse_sha256(struct setting *setting, const char *text, struct ha_err *err);
static int
parse_md5(struct setting *setting, const char *text, struct ha_err *err);

static const struct kind_option options[] = {
	{ "mtime", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL,
	    "time since it was modified" },
	{ "size", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL, "its size" },
	{ "mode", OPTION_TEXT, HA_RANGE_NUMBER, "OCTAL", NULL,
	    "CRIT unless these are its permissions", parse_mode },
	{ "owner", OPTION_TEXT, HA_RANGE_NUMBER, "USER", NULL,
	    "CRIT unless it belongs to this user of /etc/passwd, or number",
	    parse_owner },
	{ "group", OPTION_TEXT, HA_RANGE_NUMBER, "GROUP", NULL,
	    "CRIT unless it belongs to this group", parse_group },
	{ "sha256", OPTION_TEXT, HA_RANGE_NUMBER, "HEX", NULL,
	    "CRIT unless this is the digest of its content", parse_sha256 },
	{ "md5", OPTION_TEXT, HA_RANGE_NUMBER, "HEX", NULL, "likewise",
	    parse_md5 },
	{ "match", OPTION_TEXT, HA_RANGE_NUMBER, "REGEX", NULL,
	    "CRIT unless a line matches (POSIX extended)", ask_parse_regex },
	{ "nomatch", OPTION_TEXT, HA_RANGE_NUMBER, "REGEX", NULL,
	    "CRIT if a line matches", ask_parse_regex },
	{ "changed", OPTION_FLAG, HA_RANGE_NUMBER, NULL, NULL,
	    "CRIT while content, size, mode, owner, group or where a "
	    "symbolic link leads to is other than when it was accepted" },
	{ NULL },
};

enum step { STEP_DONE, STEP_FIND, STEP_OPEN, STEP_READ };

/* What is found; plain memory, a helper's answer. */
struct facts {
	enum step failed;
	int sys; /* why */
	int is_dangling; /* a symbolic link to nothing */
	int is_unstable; /* it changed at each reading */
	struct stat st; /* of what it leads to */
	char link[PATH_MAX]; /* the text of a symbolic link; "" */
	struct content content;
};

struct question {
	const char *path;
	struct content_wish wish;
};

struct data {
	struct question question;
	struct facts facts;
};

/* ---- what is written in a check ---- */

static int
parse_mode(struct setting *setting, const char *text, struct ha_err *err)
{
	char *end;

	setting->number = strtol(text, &end, 8);
	if (*text >= '0' && *text <= '7' && !*end && setting->number <= 07777)
		return 0;
	return ha_err_set(
	    err, EX_USAGE, 0, "'%s' is no octal mode such as 0644", text);
}

static int
parse_id(struct setting *setting, const char *text)
{
	char *end;
	unsigned long id = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || id >= UINT32_MAX)
		return -1;
	setting->number = (int64_t)id;
	return 0;
}

/*
 * Only the local files are asked: a directory service may be what is down.
 */
static int
parse_owner(struct setting *setting, const char *text, struct ha_err *err)
{
	FILE *users = fopen("/etc/passwd", "re");
	struct passwd *user = NULL;

	if (users) {
		while ((user = fgetpwent(users)))
			if (!strcmp(user->pw_name, text))
				break;
		fclose(users);
	}
	if (user)
		setting->number = user->pw_uid;
	else if (parse_id(setting, text))
		return ha_err_set(err, EX_USAGE, 0,
		    "no user '%s' in /etc/passwd; a number is taken, too",
		    text);
	return 0;
}

static int
parse_group(struct setting *setting, const char *text, struct ha_err *err)
{
	FILE *groups = fopen("/etc/group", "re");
	struct group *group = NULL;

	if (groups) {
		while ((group = fgetgrent(groups)))
			if (!strcmp(group->gr_name, text))
				break;
		fclose(groups);
	}
	if (group)
		setting->number = group->gr_gid;
	else if (parse_id(setting, text))
		return ha_err_set(err, EX_USAGE, 0,
		    "no group '%s' in /etc/group; a number is taken, too",
		    text);
	return 0;
}

/* Hexadecimal of that many digits; a lower-case copy is kept. */
static int
parse_digest(struct setting *setting, const char *text, size_t digits,
    struct ha_err *err)
{
	char *copy, *p;

	if (strlen(text) != digits ||
	    strspn(text, "0123456789abcdefABCDEF") != digits)
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' is not %zu hexadecimal digits", text, digits);
	copy = ha_xstrdup(text);
	for (p = copy; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	setting->value = copy;
	return 0;
}

static int
parse_sha256(struct setting *setting, const char *text, struct ha_err *err)
{
	return parse_digest(setting, text, CONTENT_SHA256_SIZE - 1, err);
}

static int
parse_md5(struct setting *setting, const char *text, struct ha_err *err)
{
	return parse_digest(setting, text, CONTENT_MD5_SIZE - 1, err);
}

static void
release(struct check *check)
{
	if (check_setting(check, MATCH)->value)
		regfree(check_setting(check, MATCH)->value);
	if (check_setting(check, NOMATCH)->value)
		regfree(check_setting(check, NOMATCH)->value);
}

static int
prepare(struct check *check, struct ha_err *err)
{
	struct data *data = check->data;

	if (ask_make_absolute(check, err))
		return -1;
	data->question = (struct question){
		.path = check->argument,
		.wish = {
			.sha256 = check_setting(check, SHA256)->text ||
				  check_setting(check, CHANGED)->number,
			.md5 = check_setting(check, MD5)->text != NULL,
			.match = check_setting(check, MATCH)->value,
			.nomatch = check_setting(check, NOMATCH)->value,
		},
	};
	return 0;
}

/* ---- the file ---- */

static int
wants_digest(const struct content_wish *wish)
{
	return wish->sha256 || wish->md5;
}

static int
wants_lines(const struct content_wish *wish)
{
	return wish->match || wish->nomatch;
}

static void
fail(struct facts *facts, enum step step, int sys)
{
	facts->failed = step;
	facts->sys = sys;
}

static void
find_file(const struct question *question, struct facts *facts)
{
	struct stat st;
	ssize_t len;

	if (lstat(question->path, &st)) {
		fail(facts, STEP_FIND, errno);
		return;
	}
	facts->st = st;
	if (!S_ISLNK(st.st_mode))
		return;
	len = readlink(question->path, facts->link, sizeof(facts->link) - 1);
	facts->link[len > 0 ? len : 0] = '\0';
	if (len < 0 || stat(question->path, &facts->st)) {
		facts->is_dangling = errno == ENOENT;
		fail(facts, STEP_FIND, errno);
	}
}

/*
 * A descriptor to read the regular file; -1 when it is none (no longer), or
 * with why in facts.  Nothing but a regular file is ever opened: a device may
 * act on that, a pipe wait.
 */
static int
open_file(const struct question *question, struct facts *facts)
{
	int found = open(question->path, O_PATH | O_CLOEXEC), fd = -1;
	char path[64];

	if (found < 0 || fstat(found, &facts->st)) {
		fail(facts, STEP_FIND, errno);
	} else if (S_ISREG(facts->st.st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", found);
		fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd < 0)
			fail(facts, STEP_OPEN, errno);
	}
	if (found >= 0)
		close(found);
	return fd;
}

static int
is_same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* Was it written to while it was read? */
static int
has_moved(int fd, const struct facts *facts)
{
	struct stat st;

	if (fstat(fd, &st))
		return 1;
	return st.st_size != facts->st.st_size ||
	       !is_same_time(&st.st_mtim, &facts->st.st_mtim) ||
	       !is_same_time(&st.st_ctim, &facts->st.st_ctim);
}

/* A digest is that of one state; a file that is written to is read again. */
static void
read_file(const struct question *question, struct facts *facts)
{
	int readings = READINGS, fd, sys;

	do {
		fd = open_file(question, facts);
		if (fd < 0)
			return;
		sys = content_read(fd, &question->wish, &facts->content);
		if (sys)
			fail(facts, STEP_READ, sys);
		facts->is_unstable = !sys && wants_digest(&question->wish) &&
				     has_moved(fd, facts);
		close(fd);
	} while (facts->is_unstable && --readings);
}

static int
work(const void *argument, struct ha_buf *answer)
{
	const struct question *question = argument;
	struct facts facts = { 0 };

	find_file(question, &facts);
	if (!facts.failed && S_ISREG(facts.st.st_mode) &&
	    (wants_digest(&question->wish) || wants_lines(&question->wish)))
		read_file(question, &facts);
	ha_buf_add(answer, &facts, sizeof(facts));
	return 0;
}

/* A file of no size may be one of /proc, of any length. */
static int
is_small(const struct facts *facts)
{
	return facts->st.st_size > 0 && facts->st.st_size <= SMALL;
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	const struct question *question = &data->question;
	const struct mount *mount = mounts_of(question->path);
	int is_local = mount && !mount->may_block;

	if (is_local)
		find_file(question, &data->facts);
	if (is_local &&
	    (data->facts.failed || !S_ISREG(data->facts.st.st_mode)))
		return;
	/* A regular expression may take any time. */
	if (!is_local || wants_lines(&question->wish) ||
	    (wants_digest(&question->wish) && !is_small(&data->facts)))
		ask_in_helper(check, ask_key(mount), work, question);
	else if (wants_digest(&question->wish))
		read_file(question, &data->facts);
}

/* ---- in words ---- */

static const char *
kind_words(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	case S_IFIFO:
		return "a named pipe";
	case S_IFSOCK:
		return "a socket";
	default:
		return "of an unknown kind";
	}
}

static void
judge_failure(struct check *check, const struct facts *facts)
{
	enum ha_status_state state = ask_state(facts->sys);
	const char *words = strerror(facts->sys);

	if (facts->is_dangling)
		check_say(check, HA_STATUS_CRIT,
		    "is a symbolic link to '%s', which does not exist",
		    facts->link);
	else if (facts->sys == ENOENT || facts->sys == ENOTDIR)
		check_say(check, HA_STATUS_CRIT, "does not exist");
	else if (facts->failed == STEP_FIND)
		check_say(check, state, "can't be found: %s", words);
	else
		check_say(check, state, "can't be read: %s", words);
}

static void
judge_values(struct check *check, const struct stat *st)
{
	struct measured age = {
		.option = AGE,
		.label = "age",
		.value = ask_age_s(&st->st_mtim),
		.unit = "s",
		.min = 0,
		.max = NAN,
	};
	struct measured size = {
		.option = SIZE,
		.value = (double)st->st_size,
		.unit = "B",
		.min = 0,
		.max = NAN,
	};
	char words[64], bytes[WORDS_SIZE];

	check_value(check, &size, 0, "has %s", words_bytes(bytes, size.value));
	ha_clock_words((int64_t)(age.value * 1000), words, sizeof(words));
	check_value(check, &age, 0, "was modified %s ago", words);
}

static void
judge_id(struct check *check, size_t option, unsigned long id)
{
	const struct setting *setting = check_setting(check, option);

	if (setting->text && (unsigned long)setting->number != id)
		check_say(check, HA_STATUS_CRIT,
		    "has the %s %lu, not %s (%lld)", options[option].name, id,
		    setting->text, (long long)setting->number);
}

static void
judge_owner(struct check *check, const struct stat *st)
{
	const struct setting *mode = check_setting(check, MODE);

	if (mode->text && (st->st_mode & 07777) != (mode_t)mode->number)
		check_say(check, HA_STATUS_CRIT, "has the mode %04o, not %04o",
		    (unsigned)st->st_mode & 07777, (unsigned)mode->number);
	judge_id(check, OWNER, st->st_uid);
	judge_id(check, GROUP, st->st_gid);
}

static void
judge_digest(struct check *check, size_t option, const char *digest)
{
	const char *expected = check_setting(check, option)->value;

	if (!expected)
		return;
	if (strcmp(expected, digest) != 0)
		check_say(check, HA_STATUS_CRIT,
		    "has the %s %s, not the expected one", options[option].name,
		    digest);
	else
		check_say(check, HA_STATUS_OK, "%s as expected",
		    options[option].name);
}

static void
judge_lines(struct check *check, const struct content *content)
{
	const char *match = check_setting(check, MATCH)->text;
	const char *nomatch = check_setting(check, NOMATCH)->text;

	if (match)
		check_say(check,
		    content->has_match ? HA_STATUS_OK : HA_STATUS_CRIT,
		    "%s line matches '%s'", content->has_match ? "a" : "no",
		    match);
	if (nomatch)
		check_say(check,
		    content->has_nomatch ? HA_STATUS_CRIT : HA_STATUS_OK,
		    "%s line matches '%s'", content->has_nomatch ? "a" : "no",
		    nomatch);
}

/* ---- changed, and --accept ---- */

/* Read once a run. */
static const struct accepted_list *
accepted_files(struct ha_err *err)
{
	static struct accepted_list list;
	static int is_read;
	char *path;

	if (is_read)
		return &list;
	path = accept_path();
	is_read = !accept_load(&list, path, err);
	free(path);
	return is_read ? &list : NULL;
}

/* Nothing of it is copied. */
static struct accepted
describe(char *path, struct facts *facts, char *when)
{
	return (struct accepted){
		.path = path,
		.mode = facts->st.st_mode,
		.uid = facts->st.st_uid,
		.gid = facts->st.st_gid,
		.size = facts->st.st_size,
		.sha256 = facts->content.sha256,
		.link = facts->link,
		.when = when,
	};
}

static void
judge_changed(struct check *check, struct facts *facts)
{
	const struct accepted_list *list;
	const struct accepted *accepted;
	struct ha_buf words = HA_BUF_INIT;
	char none[] = "";
	struct accepted now = describe(check->argument, facts, none);
	struct ha_err err;

	if (!check_setting(check, CHANGED)->number)
		return;
	list = accepted_files(&err);
	if (!list) {
		check_fail(check, &err);
		return;
	}
	accepted = accept_find(list, check->argument);
	if (!accepted) {
		check_say(check, HA_STATUS_UNKNOWN,
		    "was never accepted: ha-stat --accept file:%s",
		    check->argument);
		return;
	}
	accept_compare(accepted, &now, &words);
	if (words.len)
		check_say(check, HA_STATUS_CRIT,
		    "changed since it was accepted (%s): %s", accepted->when,
		    words.data);
	else
		check_say(check, HA_STATUS_OK, "as accepted");
	ha_buf_release(&words);
}

static int
accept_file(struct check *check, struct ha_err *err)
{
	struct question question = { .path = check->argument,
		.wish.sha256 = 1 };
	char when[HA_CLOCK_RFC3339_SIZE];
	struct facts facts = { 0 };
	struct accepted entry;

	find_file(&question, &facts);
	if (!facts.failed && !S_ISREG(facts.st.st_mode))
		return ha_err_set(err, EX_NOINPUT, 0,
		    "it is %s, not a regular file",
		    kind_words(facts.st.st_mode));
	if (!facts.failed)
		read_file(&question, &facts);
	if (facts.failed)
		return ha_err_set(
		    err, EX_NOINPUT, facts.sys, "it can't be read");
	if (facts.is_unstable)
		return ha_err_set(
		    err, EX_TEMPFAIL, 0, "it changes while it is read");
	ha_clock_rfc3339(when);
	entry = describe(check->argument, &facts, when);
	return accept_save(&entry, 1, err);
}

static void
judge(struct check *check)
{
	struct data *data = check->data;
	struct facts *facts = &data->facts;

	check_subject(check, "%s", check->argument);
	if (check->helper && ask_answer(check, facts, sizeof(*facts)))
		return;
	if (facts->failed) {
		judge_failure(check, facts);
		return;
	}
	if (!S_ISREG(facts->st.st_mode)) {
		check_say(check, HA_STATUS_CRIT, "is %s, not a regular file",
		    kind_words(facts->st.st_mode));
		return;
	}
	judge_values(check, &facts->st);
	judge_owner(check, &facts->st);
	judge_lines(check, &facts->content);
	if (facts->is_unstable) {
		check_say(check, HA_STATUS_UNKNOWN,
		    "changes while it is read: no digest can be had");
		return;
	}
	judge_digest(check, SHA256, facts->content.sha256);
	judge_digest(check, MD5, facts->content.md5);
	judge_changed(check, facts);
}

const struct kind kind_file = {
	.name = "file",
	.argument = "PATH",
	.help = "a regular file is there and is what it ought to be",
	.details =
	    "Symbolic links are followed; anything but a regular file is "
	    "CRIT and not opened. For digests and lines all of it is read: "
	    "what is not read by the deadline (-t) is CRIT. A line longer "
	    "than 64 KiB is looked at in pieces. With changed, "
	    "'ha-stat --accept file:PATH' records the file as it is now, and "
	    "any other state stays CRIT until that is run again.",
	.options = options,
	.size = sizeof(struct data),
	.prepare = prepare,
	.look = look,
	.judge = judge,
	.accept = accept_file,
	.release = release,
};
