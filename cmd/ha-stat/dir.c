/* SPDX-License-Identifier: ISC */
/* dir - how much is in a directory, and how old it is. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "ask.h"
#include "clock.h"
#include "kinds.h"

#define NAME_SIZE 256
#define OPEN_DIRECTORIES 32

enum { COUNT, NEWEST, OLDEST, RECURSIVE, NAME };

static const struct kind_option options[] = {
	{ "count", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "number of entries" },
	{ "newest", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL,
	    "age of the newest entry (a directory without one is CRIT)" },
	{ "oldest", OPTION_LIMIT, HA_RANGE_SECONDS, NULL, NULL,
	    "age of the oldest entry" },
	{ "recursive", OPTION_FLAG, HA_RANGE_NUMBER, NULL, NULL,
	    "what is below it, too, on the same file system; directories "
	    "themselves are not counted then" },
	{ "name", OPTION_TEXT, HA_RANGE_NUMBER, "PATTERN", NULL,
	    "only names that match, as the shell does (*.sql.gz)" },
	{ NULL },
};

/* What is found; plain memory, a helper's answer. */
struct facts {
	int sys; /* that it could not be read */
	uint64_t count;
	uint64_t unreadable; /* directories below it */
	struct timespec newest, oldest;
	char newest_name[NAME_SIZE], oldest_name[NAME_SIZE];
};

struct question {
	const char *path, *pattern;
	int is_recursive, wants_age;
};

struct data {
	struct question question;
	struct facts facts;
};

static int
is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec > b->tv_sec ||
	       (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

static void
keep_name(char out[NAME_SIZE], const char *name)
{
	size_t len = strnlen(name, NAME_SIZE - 1);

	memcpy(out, name, len);
	out[len] = '\0';
}

static void
add_entry(struct facts *facts, const char *name, const struct stat *st)
{
	if (!facts->count++ || is_later(&st->st_mtim, &facts->newest)) {
		facts->newest = st->st_mtim;
		keep_name(facts->newest_name, name);
	}
	if (facts->count == 1 || is_later(&facts->oldest, &st->st_mtim)) {
		facts->oldest = st->st_mtim;
		keep_name(facts->oldest_name, name);
	}
}

static int
is_wanted(const struct question *question, const char *name)
{
	return !question->pattern || !fnmatch(question->pattern, name, 0);
}

static void
read_directory(const struct question *question, struct facts *facts)
{
	DIR *list = opendir(question->path);
	struct stat st = { 0 };
	struct dirent *entry;

	if (!list) {
		facts->sys = errno;
		return;
	}
	while ((errno = 0, entry = readdir(list))) {
		if (!strcmp(entry->d_name, ".") ||
		    !strcmp(entry->d_name, "..") ||
		    !is_wanted(question, entry->d_name))
			continue;
		/* What is gone meanwhile is not there. */
		if (!question->wants_age || !fstatat(dirfd(list), entry->d_name,
						&st, AT_SYMLINK_NOFOLLOW))
			add_entry(facts, entry->d_name, &st);
	}
	facts->sys = errno;
	closedir(list);
}

/* nftw(3) hands its callback nothing of ours. */
static struct {
	const struct question *question;
	struct facts *facts;
} walk;

static int
visit(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + at->base;

	if (type == FTW_DNR)
		walk.facts->unreadable++;
	else if (type != FTW_D && type != FTW_DP && type != FTW_NS &&
		 is_wanted(walk.question, name))
		add_entry(walk.facts, name, st);
	return 0;
}

static void
walk_directory(const struct question *question, struct facts *facts)
{
	/* So that a link to a directory is that directory. */
	char *top = ha_xasprintf("%s/.", question->path);
	DIR *list = opendir(top);

	walk.question = question;
	walk.facts = facts;
	if (!list || nftw(top, visit, OPEN_DIRECTORIES, FTW_PHYS | FTW_MOUNT))
		facts->sys = errno;
	if (list)
		closedir(list);
	free(top);
}

static int
work(const void *argument, struct ha_buf *answer)
{
	const struct question *question = argument;
	struct facts facts = { 0 };

	if (question->is_recursive)
		walk_directory(question, &facts);
	else
		read_directory(question, &facts);
	ha_buf_add(answer, &facts, sizeof(facts));
	return 0;
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	const char *path = check->argument;
	const char *key = ask_key(mounts_of(path));

	data->question = (struct question){
		.path = path,
		.pattern = check_setting(check, NAME)->text,
		.is_recursive = (int)check_setting(check, RECURSIVE)->number,
		.wants_age = check_setting(check, NEWEST)->is_given ||
			     check_setting(check, OLDEST)->is_given,
	};
	/* An entry may be where something is mounted. */
	if (!key && mounts_block_below(path))
		key = path;
	/* Also here: a directory may have a million entries. */
	ask_in_helper(check, key, work, &data->question);
}

static void
judge_age(struct check *check, size_t option, const struct timespec *time,
    const char *name)
{
	struct measured age = {
		.option = option,
		.value = ask_age_s(time),
		.unit = "s",
		.min = 0,
		.max = NAN,
	};
	char words[64];

	if (!check_setting(check, option)->is_given)
		return;
	ha_clock_words((int64_t)(age.value * 1000), words, sizeof(words));
	check_value(check, &age, 0, "its %s (%s) is %s old",
	    options[option].name, name, words);
}

static void
judge_ages(struct check *check, const struct facts *facts)
{
	if (facts->count) {
		judge_age(check, NEWEST, &facts->newest, facts->newest_name);
		judge_age(check, OLDEST, &facts->oldest, facts->oldest_name);
	} else if (check_setting(check, NEWEST)->is_given) {
		check_say(check, HA_STATUS_CRIT, "has no newest entry");
	}
}

static void
judge(struct check *check)
{
	struct data *data = check->data;
	const struct facts *facts = &data->facts;
	struct measured count = {
		.option = COUNT,
		.unit = "",
		.min = 0,
		.max = NAN,
	};

	check_subject(check, "%s", check->argument);
	if (ask_answer(check, &data->facts, sizeof(data->facts)))
		return;
	if (facts->sys) {
		check_say(check, ask_state(facts->sys), "can't be read: %s",
		    strerror(facts->sys));
		return;
	}
	count.value = (double)facts->count;
	check_value(check, &count, 0, "has %llu %s%s%s",
	    (unsigned long long)facts->count,
	    data->question.is_recursive ? facts->count == 1 ? "file" : "files"
	    : facts->count == 1         ? "entry"
					: "entries",
	    data->question.pattern ? " like " : "",
	    data->question.pattern ? data->question.pattern : "");
	judge_ages(check, facts);
	if (facts->unreadable)
		check_say(check, HA_STATUS_UNKNOWN,
		    "%llu directories below it can't be read",
		    (unsigned long long)facts->unreadable);
}

const struct kind kind_dir = {
	.name = "dir",
	.argument = "PATH",
	.help = "entries of a directory: how many, how old",
	.details =
	    "All names count, also those that begin with a dot. "
	    "dir:/backup?name=*.gz&newest=26h,50h finds the backup that "
	    "was not made, dir:/var/spool/x?oldest=10m,1h the queue that "
	    "stands still.",
	.options = options,
	.size = sizeof(struct data),
	.prepare = ask_make_absolute,
	.look = look,
	.judge = judge,
};
