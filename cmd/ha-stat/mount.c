/* SPDX-License-Identifier: ISC */
/* mount - is a file system mounted there, which one, and does it answer? */
#include <errno.h>
#include <string.h>
#include <sys/vfs.h>

#include "ask.h"
#include "kinds.h"

enum { TYPE, OPTIONS, SOURCE };

static const struct kind_option options[] = {
	{ "type", OPTION_TEXT, HA_RANGE_NUMBER, "TYPE", NULL,
	    "CRIT unless it is this type of file system" },
	{ "options", OPTION_TEXT, HA_RANGE_NUMBER, "WORD,...", NULL,
	    "CRIT unless it is mounted with all of these (rw, ro, noexec)" },
	{ "source", OPTION_TEXT, HA_RANGE_NUMBER, "SOURCE", NULL,
	    "CRIT unless it is mounted from there" },
	{ NULL },
};

struct data {
	const struct mount *mount; /* NULL: nothing is mounted */
	int sys; /* what statfs(2) failed with */
};

static int
ask_statfs(const void *path, struct ha_buf *answer)
{
	struct statfs st;
	int sys = statfs(path, &st) ? errno : 0;

	ha_buf_add(answer, &sys, sizeof(sys));
	return 0;
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	const struct mount *mounts;
	const char *key;
	struct statfs st;
	struct ha_err err;
	size_t count;

	if (mounts_all(&mounts, &count, &err)) {
		check_fail(check, &err);
		return;
	}
	data->mount = mounts_at(check->argument);
	if (!data->mount)
		return;
	/* What may not answer may also be on the way there. */
	key = ask_key(mounts_of(check->argument));
	if (key)
		ask_in_helper(check, key, ask_statfs, check->argument);
	else if (statfs(check->argument, &st))
		data->sys = errno;
}

static int
is_read_only(const struct mount *mount)
{
	return mounts_has(mount->options, "ro") ||
	       mounts_has(mount->super_options, "ro");
}

/* A file system may be read-only (after an error, for one) under a rw mount. */
static int
has_option(const struct mount *mount, const char *word)
{
	if (!strcmp(word, "ro") || !strcmp(word, "rw"))
		return is_read_only(mount) == !strcmp(word, "ro");
	return mounts_has(mount->options, word) ||
	       mounts_has(mount->super_options, word);
}

static void
judge_options(struct check *check, const struct mount *mount)
{
	const char *p = check_setting(check, OPTIONS)->text;
	char word[256];
	size_t len;

	for (; p && *p; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (!len || len >= sizeof(word))
			continue;
		memcpy(word, p, len);
		word[len] = '\0';
		if (!has_option(mount, word))
			check_say(
			    check, HA_STATUS_CRIT, "is not mounted %s", word);
	}
}

static void
judge_expected(struct check *check, size_t option, const char *actual)
{
	const char *expected = check_setting(check, option)->text;

	if (expected && strcmp(expected, actual) != 0)
		check_say(check, HA_STATUS_CRIT, "has the %s %s, not %s",
		    options[option].name, actual, expected);
}

/* What an automounter has put there when it was asked. */
static const struct mount *
find_automounted(const struct check *check, const struct mount *mount)
{
	const struct mount *now;

	if (strcmp(mount->type, "autofs") != 0)
		return mount;
	mounts_reread();
	now = mounts_at(check->argument);
	return now ? now : mount;
}

static void
judge(struct check *check)
{
	struct data *data = check->data;
	const struct mount *mount = data->mount;

	check_subject(check, "%s", check->argument);
	if (!mount) {
		check_say(check, HA_STATUS_CRIT, "is not mounted");
		return;
	}
	if (check->helper && ask_answer(check, &data->sys, sizeof(data->sys)))
		return;
	mount = find_automounted(check, mount);
	if (data->sys)
		check_say(check, ask_state(data->sys), "does not answer: %s",
		    strerror(data->sys));
	judge_expected(check, TYPE, mount->type);
	judge_expected(check, SOURCE, mount->source);
	judge_options(check, mount);
	check_say(check, HA_STATUS_OK, "is mounted, %s from %s, %s",
	    mount->type, mount->source, is_read_only(mount) ? "ro" : "rw");
}

const struct kind kind_mount = {
	.name = "mount",
	.argument = "PATH",
	.help = "a file system is mounted there and answers",
	.details =
	    "mount:/var/lib/mysql?type=xfs&options=rw finds the one that was "
	    "not mounted, and the one that went read-only after an error.",
	.options = options,
	.size = sizeof(struct data),
	.prepare = ask_make_absolute,
	.look = look,
	.judge = judge,
};
