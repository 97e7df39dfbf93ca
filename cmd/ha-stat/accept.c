/* SPDX-License-Identifier: ISC */
/*
 * accept - what files were when somebody called them right.
 */
#include "accept.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "lock.h"
#include "rec.h"

#define HEADER "#ha-stat-accepted v=1"
#define MAX_SIZE (64 * 1024 * 1024)
#define LOCK_MS 5000
#define STATE_DIR "HA_STATE_DIR", "/var/lib/ha"

enum {
	FIELD_PATH,
	FIELD_KIND,
	FIELD_MODE,
	FIELD_UID,
	FIELD_GID,
	FIELD_SIZE,
	FIELD_SHA256,
	FIELD_LINK,
	FIELD_WHEN,
	FIELDS
};

char *
accept_path(void)
{
	const char *dir = getenv("HA_STATE_DIR");

	return ha_xasprintf(
	    "%s/ha-stat.accepted", dir && *dir ? dir : "/var/lib/ha");
}

static void
release_entry(struct accepted *entry)
{
	free(entry->path);
	free(entry->sha256);
	free(entry->link);
	free(entry->when);
}

void
accept_release(struct accepted_list *list)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		release_entry(&list->all[i]);
	free(list->all);
	*list = (struct accepted_list){ NULL, 0 };
}

static struct accepted *
find(const struct accepted_list *list, const char *path)
{
	size_t i;

	for (i = 0; i < list->count; i++)
		if (!strcmp(list->all[i].path, path))
			return &list->all[i];
	return NULL;
}

const struct accepted *
accept_find(const struct accepted_list *list, const char *path)
{
	return find(list, path);
}

void
accept_put(struct accepted_list *list, const struct accepted *entry)
{
	struct accepted *slot = find(list, entry->path);

	if (slot) {
		release_entry(slot);
	} else {
		list->all = ha_xrealloc(
		    list->all, (list->count + 1) * sizeof(*list->all));
		slot = &list->all[list->count++];
	}
	*slot = *entry;
	slot->path = ha_xstrdup(entry->path);
	slot->sha256 = ha_xstrdup(entry->sha256);
	slot->link = ha_xstrdup(entry->link);
	slot->when = ha_xstrdup(entry->when);
}

/* A number in a field, of the base given; all of the field. */
static int
parse_number(const char *field, int base, intmax_t max, intmax_t *value)
{
	char *end;

	errno = 0;
	*value = strtoimax(field, &end, base);
	return *field < '0' || *field > '9' || *end || errno || *value > max
		   ? -1
		   : 0;
}

static int
parse_line(char *line, struct accepted_list *list, struct ha_err *err)
{
	char *fields[FIELDS];
	intmax_t mode, uid, gid, size;
	struct accepted entry;

	if (ha_rec_split(line, fields, FIELDS) < FIELDS)
		return ha_err_set(err, EX_DATAERR, 0, "too few fields");
	if (ha_rec_unescape_text(fields[FIELD_PATH], err) ||
	    ha_rec_unescape_text(fields[FIELD_LINK], err))
		return -1;
	if (parse_number(fields[FIELD_MODE], 8, 07777, &mode) ||
	    parse_number(fields[FIELD_UID], 10, UINT32_MAX, &uid) ||
	    parse_number(fields[FIELD_GID], 10, UINT32_MAX, &gid) ||
	    parse_number(fields[FIELD_SIZE], 10, INT64_MAX, &size))
		return ha_err_set(err, EX_DATAERR, 0, "a bad number");
	if (strcmp(fields[FIELD_KIND], "f") != 0)
		return ha_err_set(err, EX_DATAERR, 0, "an unknown kind");
	entry = (struct accepted){
		.path = fields[FIELD_PATH],
		.mode = S_IFREG | (mode_t)mode,
		.uid = (uid_t)uid,
		.gid = (gid_t)gid,
		.size = (off_t)size,
		.sha256 = fields[FIELD_SHA256],
		.link = fields[FIELD_LINK],
		.when = fields[FIELD_WHEN],
	};
	accept_put(list, &entry);
	return 0;
}

static int
parse_file(char *text, struct accepted_list *list, const char *path,
    struct ha_err *err)
{
	unsigned number = 0;
	char *line, *next;

	for (line = text; *line; line = next) {
		number++;
		next = strchr(line, '\n');
		if (!next)
			return ha_err_set(err, EX_CONFIG, 0,
			    "%s:%u: the line has no end, so it may be cut off",
			    path, number);
		*next++ = '\0';
		if (*line != '#' && parse_line(line, list, err))
			return ha_err_set(err, EX_CONFIG, 0, "%s:%u: %s", path,
			    number, err->msg);
	}
	return 0;
}

int
accept_load(struct accepted_list *list, const char *path, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int result;

	*list = (struct accepted_list){ NULL, 0 };
	result = ha_fs_read_file(path, MAX_SIZE, &text, err);
	if (result && err->sys == ENOENT) {
		result = 0;
	} else if (result) {
		err->status = EX_CONFIG;
	} else {
		result = parse_file(text.data, list, path, err);
		if (result)
			accept_release(list);
	}
	ha_buf_release(&text);
	return result;
}

static void
encode(const struct accepted *entry, struct ha_buf *text)
{
	ha_rec_add_field(text, entry->path, strlen(entry->path));
	ha_buf_addf(text, "\tf\t%04o\t%lu\t%lu\t%lld\t%s\t",
	    (unsigned)entry->mode & 07777, (unsigned long)entry->uid,
	    (unsigned long)entry->gid, (long long)entry->size, entry->sha256);
	ha_rec_add_field(text, entry->link, strlen(entry->link));
	ha_buf_addf(text, "\t%s\n", entry->when);
}

static int
save_locked(const struct accepted *entries, size_t count, const char *path,
    struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	struct accepted_list list;
	size_t i;
	int result;

	if (accept_load(&list, path, err))
		return -1;
	for (i = 0; i < count; i++)
		accept_put(&list, &entries[i]);
	ha_buf_add_str(&text, HEADER "\n");
	for (i = 0; i < list.count; i++)
		encode(&list.all[i], &text);
	result = ha_fs_replace(path, text.data, text.len, 0600, err);
	ha_buf_release(&text);
	accept_release(&list);
	return result;
}

int
accept_save(const struct accepted *entries, size_t count, struct ha_err *err)
{
	char *path, *lock;
	const char *dir;
	int fd, result;

	if (ha_fs_dir(STATE_DIR, &dir, err))
		return -1;
	path = accept_path();
	lock = ha_xasprintf("%s.lock", path);
	result = ha_lock_take(lock, ha_clock_deadline(LOCK_MS), &fd, err);
	if (!result) {
		result = save_locked(entries, count, path, err);
		close(fd);
	}
	free(lock);
	free(path);
	return result;
}

static void
add_difference(struct ha_buf *words, const char *text)
{
	if (words->len)
		ha_buf_add_str(words, ", ");
	ha_buf_add_str(words, text);
}

void
accept_compare(const struct accepted *accepted, const struct accepted *now,
    struct ha_buf *words)
{
	struct ha_buf text = HA_BUF_INIT;

	if (strcmp(accepted->sha256, now->sha256) != 0)
		add_difference(&text, "content");
	if (accepted->size != now->size) {
		add_difference(&text, "");
		ha_buf_addf(&text, "size %lld (accepted: %lld)",
		    (long long)now->size, (long long)accepted->size);
	}
	if (accepted->mode != now->mode) {
		add_difference(&text, "");
		ha_buf_addf(&text, "mode %04o (accepted: %04o)",
		    (unsigned)now->mode & 07777,
		    (unsigned)accepted->mode & 07777);
	}
	if (accepted->uid != now->uid) {
		add_difference(&text, "");
		ha_buf_addf(&text, "owner %lu (accepted: %lu)",
		    (unsigned long)now->uid, (unsigned long)accepted->uid);
	}
	if (accepted->gid != now->gid) {
		add_difference(&text, "");
		ha_buf_addf(&text, "group %lu (accepted: %lu)",
		    (unsigned long)now->gid, (unsigned long)accepted->gid);
	}
	if (strcmp(accepted->link, now->link) != 0)
		add_difference(&text, "the symbolic link");
	ha_buf_add(words, text.data, text.len);
	ha_buf_release(&text);
}
