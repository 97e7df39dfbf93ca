/* SPDX-License-Identifier: ISC */
/*
 * mounts - what is mounted where, and what may not answer.
 */
#include "mounts.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "kernel.h"

/* As many links as path_resolution(7) follows. */
#define MAX_LINKS 40

static struct table {
	struct mount *all;
	size_t count;
	char *text; /* what the strings point into */
	int is_read;
	struct table *before; /* what was borrowed of it stays */
} table;

/* What answers from this machine's memory and disks. */
static const char *const local_types[] = { "bcachefs", "binfmt_misc", "bpf",
	"btrfs", "cgroup", "cgroup2", "configfs", "debugfs", "devpts",
	"devtmpfs", "efivarfs", "erofs", "exfat", "ext2", "ext3", "ext4",
	"f2fs", "fusectl", "hugetlbfs", "iso9660", "jfs", "minix", "mqueue",
	"nilfs2", "nsfs", "ntfs3", "overlay", "proc", "pstore", "ramfs",
	"reiserfs", "rootfs", "securityfs", "selinuxfs", "squashfs", "sysfs",
	"tmpfs", "tracefs", "ubifs", "udf", "vfat", "xfs", "zfs" };

static int
is_local(const char *type)
{
	for (size_t i = 0; i < sizeof(local_types) / sizeof(*local_types); i++)
		if (!strcmp(type, local_types[i]))
			return 1;
	return 0;
}

/* "\040" and such, in place. */
static void
unescape(char *text)
{
	char *to = text;

	for (; *text; text++, to++) {
		*to = *text;
		if (text[0] == '\\' && text[1] >= '0' && text[1] <= '3' &&
		    text[2] >= '0' && text[2] <= '7' && text[3] >= '0' &&
		    text[3] <= '7') {
			*to = (char)((text[1] - '0') * 64 +
				     (text[2] - '0') * 8 + (text[3] - '0'));
			text += 3;
		}
	}
	*to = '\0';
}

/* The next word of a line whose blanks become NULs; NULL at its end. */
static char *
next_word(char **line)
{
	char *word = *line;

	if (!word || !*word)
		return NULL;
	*line = strchr(word, ' ');
	if (*line)
		*(*line)++ = '\0';
	return word;
}

/*
 * ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER
 */
static int
parse_line(char *line, struct mount *mount)
{
	char *numbers, *word;
	unsigned long major;

	next_word(&line);
	next_word(&line);
	numbers = next_word(&line);
	mount->root = next_word(&line);
	mount->point = next_word(&line);
	mount->options = next_word(&line);
	do
		word = next_word(&line);
	while (word && strcmp(word, "-") != 0);
	mount->type = next_word(&line);
	mount->source = next_word(&line);
	mount->super_options = next_word(&line);
	if (!mount->super_options)
		return -1;
	major = strtoul(numbers, &word, 10);
	mount->major = (unsigned)major;
	mount->minor = *word == ':' ? (unsigned)strtoul(word + 1, NULL, 10) : 0;
	unescape(mount->root);
	unescape(mount->point);
	unescape(mount->source);
	mount->may_block = !is_local(mount->type);
	return 0;
}

static void
parse_table(char *text)
{
	struct mount mount;
	char *end;

	for (; *text; text = end) {
		end = text + strcspn(text, "\n");
		if (*end)
			*end++ = '\0';
		if (parse_line(text, &mount))
			continue;
		table.all = ha_xrealloc(
		    table.all, (table.count + 1) * sizeof(*table.all));
		table.all[table.count++] = mount;
	}
}

int
mounts_all(const struct mount **mounts, size_t *count, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;

	if (!table.is_read) {
		if (kernel_read("/proc/self/mountinfo", &text, err)) {
			ha_buf_release(&text);
			return -1;
		}
		table.text = ha_buf_detach(&text);
		parse_table(table.text);
		table.is_read = 1;
	}
	*mounts = table.all;
	*count = table.count;
	return 0;
}

void
mounts_reread(void)
{
	struct table *before = ha_xmalloc(sizeof(*before));

	*before = table;
	table = (struct table){ .before = before };
}

const struct mount *
mounts_at(const char *point)
{
	const struct mount *mounts;
	struct ha_err err;
	size_t count;

	if (mounts_all(&mounts, &count, &err))
		return NULL;
	while (count--)
		if (!strcmp(mounts[count].point, point))
			return &mounts[count];
	return NULL;
}

/* Is path point itself or below it? */
static int
is_below(const char *path, const char *point)
{
	size_t len = strlen(point);

	if (len == 1)
		return 1;
	return !strncmp(path, point, len) && (!path[len] || path[len] == '/');
}

/* By its name alone; of equally long points the last one is on top. */
static const struct mount *
covering(const char *path)
{
	const struct mount *mounts, *best = NULL;
	struct ha_err err;
	size_t count;

	if (mounts_all(&mounts, &count, &err))
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (is_below(path, mounts[i].point) &&
		    (!best || strlen(mounts[i].point) >= strlen(best->point)))
			best = &mounts[i];
	return best;
}

/*
 * Put what a link at the end of done says before the rest of the path.  0 when
 * there is no link.
 */
static int
follow(struct ha_buf *done, struct ha_buf *rest)
{
	char target[PATH_MAX];
	ssize_t len = readlink(done->data, target, sizeof(target) - 1);
	char *left;

	if (len <= 0)
		return 0;
	target[len] = '\0';
	left = ha_buf_detach(rest);
	ha_buf_addf(rest, "%s/%s", target, left);
	free(left);
	ha_buf_truncate(done,
	    *target == '/' ? 0
			   : (size_t)(strrchr(done->data, '/') - done->data));
	return 1;
}

/* Take the next name off rest and put it behind done. */
static int
step(struct ha_buf *done, struct ha_buf *rest)
{
	size_t skip = strspn(rest->data, "/");
	size_t len = strcspn(rest->data + skip, "/");
	const char *name = rest->data + skip;
	char *slash;

	if (len == 2 && !strncmp(name, "..", 2)) {
		slash = strrchr(done->data, '/');
		ha_buf_truncate(done, slash ? (size_t)(slash - done->data) : 0);
	} else if (len && !(len == 1 && *name == '.')) {
		ha_buf_addf(done, "/%.*s", (int)len, name);
	}
	ha_buf_consume(rest, skip + len);
	return len != 0;
}

/* done receives the path without links, "" for the root; see mounts_of(). */
static const struct mount *
resolve(const char *path, struct ha_buf *done)
{
	struct ha_buf rest = HA_BUF_INIT;
	const struct mount *mount = covering("/");
	int links = MAX_LINKS;

	ha_buf_add_str(&rest, path);
	while (mount && !mount->may_block && step(done, &rest)) {
		mount = covering(done->len ? done->data : "/");
		if (mount && !mount->may_block && done->len && links &&
		    follow(done, &rest)) {
			links--;
			mount = covering(done->len ? done->data : "/");
		}
	}
	ha_buf_release(&rest);
	return mount;
}

const struct mount *
mounts_of(const char *path)
{
	struct ha_buf done = HA_BUF_INIT;
	const struct mount *mount = resolve(path, &done);

	ha_buf_release(&done);
	return mount;
}

int
mounts_block_below(const char *path)
{
	struct ha_buf done = HA_BUF_INIT;
	const struct mount *mounts;
	struct ha_err err;
	size_t count;
	int result = 0;

	resolve(path, &done);
	if (mounts_all(&mounts, &count, &err))
		count = 0;
	for (size_t i = 0; i < count && !result; i++)
		result = mounts[i].may_block &&
			 is_below(mounts[i].point, done.len ? done.data : "/");
	ha_buf_release(&done);
	return result;
}

int
mounts_has(const char *options, const char *option)
{
	size_t len = strlen(option);

	for (;;) {
		if (!strncmp(options, option, len) &&
		    (!options[len] || options[len] == ','))
			return 1;
		options += strcspn(options, ",");
		if (!*options++)
			return 0;
	}
}
