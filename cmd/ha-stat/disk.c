/* SPDX-License-Identifier: ISC */
/* disk - how full a file system is: bytes, inodes.  statvfs(3). */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/statvfs.h>

#include "ask.h"
#include "kinds.h"
#include "mounts.h"

enum { USED, FREE, MOUNTED };

static const struct kind_option disk_options[] = {
	{ "used", OPTION_LIMIT, HA_RANGE_BYTES, NULL, "85%,95%",
	    "bytes in use, or percent of what users may use, as df(1) has it" },
	{ "free", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "bytes that users may still use, such as free=10G:,2G: or "
	    "free=10%:" },
	{ "mounted", OPTION_FLAG, HA_RANGE_NUMBER, NULL, NULL,
	    "CRIT unless PATH itself is where something is mounted" },
	{ NULL },
};

static const struct kind_option inode_options[] = {
	{ "used", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "85%,95%",
	    "inodes in use, or percent of all" },
	{ "free", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "inodes that users may still use, such as free=10000:" },
	{ "mounted", OPTION_FLAG, HA_RANGE_NUMBER, NULL, NULL,
	    "CRIT unless PATH itself is where something is mounted" },
	{ NULL },
};

/* What statvfs(3) said, here or in a helper. */
struct answer {
	int sys;
	struct statvfs fs;
};

struct data {
	const struct mount *mount;
	struct answer answer;
};

static void
ask(const char *path, struct answer *answer)
{
	memset(answer, 0, sizeof(*answer));
	if (statvfs(path, &answer->fs))
		answer->sys = errno;
}

static int
work(const void *path, struct ha_buf *answer)
{
	struct answer found;

	ask(path, &found);
	ha_buf_add(answer, &found, sizeof(found));
	return 0;
}

static void
look(struct check *check)
{
	struct data *data = check->data;

	data->mount = mounts_of(check->argument);
	if (data->mount && data->mount->may_block)
		ask_in_helper(
		    check, ask_key(data->mount), work, check->argument);
	else
		ask(check->argument, &data->answer);
}

/* What is measured: users may use limit of all, and left of that. */
struct room {
	double used, left, all;
	const char *unit;
};

static void
judge_room(struct check *check, const struct room *room, const char *used_words,
    const char *left_words)
{
	struct measured used = { .option = USED,
		.value = room->used,
		.whole = room->used + room->left,
		.unit = room->unit,
		.min = 0,
		.max = room->used + room->left };
	struct measured left = { .option = FREE,
		.value = room->left,
		.whole = room->used + room->left,
		.unit = room->unit,
		.min = 0,
		.max = NAN };

	check->gauge = used.whole > 0 ? used.value / used.whole : 0;
	check_value(check, &used, 0, "%s", used_words);
	check_value(check, &left, 1, "%s", left_words);
}

static void
judge_bytes(struct check *check, const struct statvfs *fs)
{
	double unit = (double)(fs->f_frsize ? fs->f_frsize : fs->f_bsize);
	struct room room = { .used =
				 (double)(fs->f_blocks - fs->f_bfree) * unit,
		.left = (double)fs->f_bavail * unit,
		.all = (double)fs->f_blocks * unit,
		.unit = "B" };
	char left[WORDS_SIZE], all[WORDS_SIZE];
	struct ha_buf used_words = HA_BUF_INIT, left_words = HA_BUF_INIT;
	double usable = room.used + room.left;

	words_bytes(left, room.left);
	words_bytes(all, room.all);
	ha_buf_addf(&used_words, "%d%% used, %s free of %s",
	    words_percent(usable > 0 ? 100 * room.used / usable : 0), left,
	    all);
	ha_buf_addf(&left_words, "only %s free", left);
	judge_room(check, &room, used_words.data, left_words.data);
	ha_buf_release(&used_words);
	ha_buf_release(&left_words);
}

static void
judge_inodes(struct check *check, const struct statvfs *fs)
{
	struct room room = { .used = (double)(fs->f_files - fs->f_ffree),
		.left = (double)fs->f_favail,
		.all = (double)fs->f_files,
		.unit = "" };
	struct ha_buf used_words = HA_BUF_INIT, left_words = HA_BUF_INIT;

	if (!fs->f_files) {
		check_say(check, HA_STATUS_OK,
		    "has no number of inodes to run "
		    "out of");
		return;
	}
	ha_buf_addf(&used_words, "%d%% of the inodes used, %.0f free of %.0f",
	    words_percent(100 * room.used / (room.used + room.left)), room.left,
	    room.all);
	ha_buf_addf(&left_words, "only %.0f inodes free", room.left);
	judge_room(check, &room, used_words.data, left_words.data);
	ha_buf_release(&used_words);
	ha_buf_release(&left_words);
}

/* A directory where nothing is mounted is as full as what it lies on. */
static void
judge_place(struct check *check, const struct mount *mount)
{
	if (!mount || !strcmp(mount->point, check->argument))
		return;
	if (check_setting(check, MOUNTED)->number)
		check_say(check, HA_STATUS_CRIT, "nothing is mounted there");
	check_subject(check, "%s (on %s)", check->argument, mount->point);
}

static void
judge_answer(struct check *check, const struct answer *answer)
{
	if (answer->sys) {
		check_say(check, ask_state(answer->sys),
		    "can't be looked at: %s", strerror(answer->sys));
		return;
	}
	judge_place(check, ((struct data *)check->data)->mount);
	if (check->kind == &kind_disk)
		judge_bytes(check, &answer->fs);
	else
		judge_inodes(check, &answer->fs);
	if (answer->fs.f_flag & ST_RDONLY)
		check_say(check, HA_STATUS_OK, "mounted read-only");
}

static void
judge(struct check *check)
{
	struct data *data = check->data;

	check_subject(check, "%s", check->argument);
	if (!check->helper ||
	    !ask_answer(check, &data->answer, sizeof(data->answer)))
		judge_answer(check, &data->answer);
}

const struct kind kind_disk = {
	.name = "disk",
	.argument = "PATH",
	.help = "how full the file system is that PATH is on",
	.details = "A network file system that does not answer is CRIT at -t, "
		   "and nothing hangs for it.",
	.options = disk_options,
	.size = sizeof(struct data),
	.prepare = ask_make_absolute,
	.look = look,
	.judge = judge,
};

const struct kind kind_inode = {
	.name = "inode",
	.argument = "PATH",
	.help = "how many inodes that file system has left",
	.details = "File systems that make inodes as they need them are OK.",
	.options = inode_options,
	.size = sizeof(struct data),
	.prepare = ask_make_absolute,
	.look = look,
	.judge = judge,
};
