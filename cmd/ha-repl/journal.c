/* SPDX-License-Identifier: ISC */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "journal.h"
#include "lock.h"
#include "msg.h"
#include "rec.h"

#define HEADER "#ha-repl-journal\tv=1\n"
/* Sets of GTIDs are in it, which know no limit. */
#define SIZE_MAX_READ (256 << 20)

/* A line: KIND KEY VALUE, the kinds being "set", "step" and "done". */
struct entry {
	char *kind, *key, *value;
};

struct journal {
	char *node, *path;
	int lock_fd, fd; /* fd: -1 until it is on disk */
	struct entry *entries;
	size_t count, written; /* of them; the rest goes with the next step */
};

static int
hex_is_needed(char c, int is_first)
{
	return !((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
		 (c >= 'a' && c <= 'z') || c == '-' || c == '_' || c == ':' ||
		 (c == '.' && !is_first));
}

/* HA_STATE_DIR/repl/NODE.suffix; a path's "/" and the like as %2F. */
static char *
path_of(const char *node, const char *suffix, struct ha_err *err)
{
	struct ha_buf path = HA_BUF_INIT;
	const char *dir, *c;

	if (ha_fs_dir("HA_STATE_DIR", "/var/lib/ha", &dir, err))
		return NULL;
	ha_buf_addf(&path, "%s/repl", dir);
	if (!mkdir(path.data, 0700)) {
		if (ha_fs_sync_directory(dir, err))
			goto fail;
	} else if (errno != EEXIST) {
		ha_err_set(
		    err, EX_CANTCREAT, errno, "can't make '%s'", path.data);
		goto fail;
	}
	ha_buf_add_char(&path, '/');
	for (c = node; *c; c++)
		if (hex_is_needed(*c, c == node))
			ha_buf_addf(&path, "%%%02X", (unsigned char)*c);
		else
			ha_buf_add_char(&path, *c);
	ha_buf_addf(&path, ".%s", suffix);
	return ha_buf_detach(&path);
fail:
	ha_buf_release(&path);
	return NULL;
}

static void
remember(struct journal *journal, const char *kind, const char *key,
    const char *value)
{
	struct entry *entry;

	journal->entries = ha_xrealloc(
	    journal->entries, (journal->count + 1) * sizeof(*journal->entries));
	entry = &journal->entries[journal->count++];
	entry->kind = ha_xstrdup(kind);
	entry->key = ha_xstrdup(key);
	entry->value = ha_xstrdup(value);
}

static void
add_line(struct ha_buf *text, const struct entry *entry)
{
	ha_buf_addf(text, "%s\t", entry->kind);
	ha_rec_add_field(text, entry->key, strlen(entry->key));
	ha_buf_add_char(text, '\t');
	ha_rec_add_field(text, entry->value, strlen(entry->value));
	ha_buf_add_char(text, '\n');
}

/* All that is known so far: there at once and whole, or not at all. */
static int
create(struct journal *journal, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	size_t i;
	int result;

	ha_buf_add_str(&text, HEADER);
	for (i = 0; i < journal->count; i++)
		add_line(&text, &journal->entries[i]);
	result = ha_fs_replace(journal->path, text.data, text.len, 0600, err);
	ha_buf_release(&text);
	if (result)
		return -1;
	journal->fd = open(journal->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (journal->fd < 0)
		return ha_err_set(
		    err, EX_IOERR, errno, "can't open '%s'", journal->path);
	return 0;
}

static int
append(struct journal *journal, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	off_t end = lseek(journal->fd, 0, SEEK_END);
	size_t i;
	int result;

	for (i = journal->written; i < journal->count; i++)
		add_line(&text, &journal->entries[i]);
	result = ha_fs_write_all(journal->fd, text.data, text.len, err);
	if (!result && fsync(journal->fd))
		result = ha_err_set(
		    err, EX_IOERR, errno, "can't sync '%s'", journal->path);
	/* Or the next one would stand behind half a line. */
	if (result && end >= 0 && ftruncate(journal->fd, end))
		ha_warn("can't shorten '%s'", journal->path);
	ha_buf_release(&text);
	return result;
}

static int
decode(struct journal *journal, char *line, struct ha_err *err)
{
	char *fields[3];

	if (ha_rec_split(line, fields, 3) != 3 ||
	    ha_rec_unescape_text(fields[1], err) ||
	    ha_rec_unescape_text(fields[2], err))
		return ha_err_set(err, EX_CONFIG, 0,
		    "'%s' is malformed: mend the node by hand, then remove it",
		    journal->path);
	remember(journal, fields[0], fields[1], fields[2]);
	return 0;
}

/* *whole: bytes up to the last line that is complete. */
static int
read_lines(struct journal *journal, size_t *whole, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	char *line, *end;
	int result = -1;

	if (ha_fs_read_file(journal->path, SIZE_MAX_READ, &text, err))
		goto out;
	if (strncmp(text.data, HEADER, strlen(HEADER)) ||
	    memchr(text.data, 0, text.len)) {
		ha_err_set(err, EX_CONFIG, 0,
		    "'%s' is no journal that this version reads",
		    journal->path);
		goto out;
	}
	for (line = text.data + strlen(HEADER);
	     (end = strchr(line, '\n')) != NULL; line = end + 1) {
		*end = '\0';
		if (decode(journal, line, err))
			goto out;
	}
	*whole = (size_t)(line - text.data);
	result = 0;
out:
	ha_buf_release(&text);
	return result;
}

/* A line that a kill left half written was never acted on. */
static int
reopen(struct journal *journal, struct ha_err *err)
{
	size_t whole;

	if (read_lines(journal, &whole, err))
		return -1;
	journal->fd = open(journal->path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (journal->fd < 0 || ftruncate(journal->fd, (off_t)whole))
		return ha_err_set(
		    err, EX_IOERR, errno, "can't open '%s'", journal->path);
	journal->written = journal->count;
	return 0;
}

int
journal_find(const char *node, struct ha_err *err)
{
	char *path = path_of(node, "journal", err);
	struct stat st;
	int result;

	if (!path)
		return -1;
	if (!lstat(path, &st))
		result = 1;
	else if (errno == ENOENT)
		result = 0;
	else
		result = ha_err_set(
		    err, EX_IOERR, errno, "can't look at '%s'", path);
	free(path);
	return result;
}

/* Locked, nothing read or written. */
static struct journal *
take(const char *node, struct ha_err *err)
{
	struct journal *journal = ha_xcalloc(1, sizeof(*journal));
	char *lock_path = path_of(node, "lock", err);

	journal->fd = journal->lock_fd = -1;
	journal->node = ha_xstrdup(node);
	journal->path = path_of(node, "journal", err);
	if (!lock_path || !journal->path ||
	    ha_lock_take(lock_path, 0, &journal->lock_fd, err)) {
		journal_close(journal);
		journal = NULL;
	}
	free(lock_path);
	return journal;
}

int
journal_begin(struct journal **result, const char *node, const char *act,
    struct ha_err *err)
{
	struct journal *journal = take(node, err);
	char now[HA_CLOCK_RFC3339_SIZE];
	int is_there;

	if (!journal)
		return -1;
	is_there = journal_find(node, err);
	if (is_there) {
		journal_close(journal);
		return is_there < 0 ? -1
				    : ha_err_set(err, EX_SOFTWARE, 0,
					  "an earlier run was left half done: "
					  "run 'ha-repl recover %s'",
					  node);
	}
	ha_clock_rfc3339(now);
	remember(journal, "set", "act", act);
	remember(journal, "set", "node", node);
	remember(journal, "set", "started", now);
	*result = journal;
	return 0;
}

int
journal_open(struct journal **result, const char *node, struct ha_err *err)
{
	struct journal *journal = take(node, err);
	int is_there;

	if (!journal)
		return -1;
	is_there = journal_find(node, err);
	if (is_there == 0)
		ha_err_set(err, EX_NOINPUT, 0,
		    "there is nothing to recover at '%s'", node);
	if (is_there <= 0 || reopen(journal, err)) {
		journal_close(journal);
		return -1;
	}
	*result = journal;
	return 0;
}

void
journal_set(struct journal *journal, const char *key, const char *value)
{
	remember(journal, "set", key, value);
}

static const struct entry *
find(const struct journal *journal, const char *kind, const char *key)
{
	size_t i;

	for (i = journal->count; i--;)
		if (!strcmp(journal->entries[i].kind, kind) &&
		    !strcmp(journal->entries[i].key, key))
			return &journal->entries[i];
	return NULL;
}

const char *
journal_get(const struct journal *journal, const char *key)
{
	const struct entry *entry = find(journal, "set", key);

	return entry ? entry->value : NULL;
}

static int
mark(struct journal *journal, const char *kind, const char *step,
    struct ha_err *err)
{
	char now[HA_CLOCK_RFC3339_SIZE];

	ha_clock_rfc3339(now);
	remember(journal, kind, step, now);
	if (journal->fd < 0 ? create(journal, err) : append(journal, err))
		return -1;
	journal->written = journal->count;
	return 0;
}

int
journal_step(struct journal *journal, const char *step, struct ha_err *err)
{
	return mark(journal, "step", step, err);
}

int
journal_done(struct journal *journal, const char *step, struct ha_err *err)
{
	return mark(journal, "done", step, err);
}

int
journal_is_begun(const struct journal *journal, const char *step)
{
	return find(journal, "step", step) != NULL;
}

int
journal_is_done(const struct journal *journal, const char *step)
{
	return find(journal, "done", step) != NULL;
}

int
journal_end(struct journal *journal, struct ha_err *err)
{
	char *slash = strrchr(journal->path, '/');
	int result = 0;

	if (journal->fd >= 0) {
		if (unlink(journal->path) && errno != ENOENT)
			result = ha_err_set(err, EX_IOERR, errno,
			    "can't remove '%s'", journal->path);
		*slash = '\0';
		if (!result)
			result = ha_fs_sync_directory(journal->path, err);
	}
	journal_close(journal);
	return result;
}

void
journal_close(struct journal *journal)
{
	size_t i;

	for (i = 0; i < journal->count; i++) {
		free(journal->entries[i].kind);
		free(journal->entries[i].key);
		free(journal->entries[i].value);
	}
	free(journal->entries);
	if (journal->fd >= 0)
		close(journal->fd);
	if (journal->lock_fd >= 0)
		close(journal->lock_fd);
	free(journal->node);
	free(journal->path);
	free(journal);
}
