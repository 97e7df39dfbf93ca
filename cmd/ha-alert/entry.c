/* SPDX-License-Identifier: ISC */
/* entry - reads and writes the text of a file of the spool. */
#include "entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "rec.h"

#define FILE_MAX (64 * 1024 * 1024)

void
entry_reader_init(struct entry_reader *reader)
{
	memset(reader, 0, sizeof(*reader));
	reader->fd = -1;
	ha_buf_init(&reader->content);
}

static void
forget_file(struct entry_reader *reader)
{
	if (reader->fd >= 0)
		close(reader->fd);
	reader->fd = -1;
}

void
entry_reader_release(struct entry_reader *reader)
{
	forget_file(reader);
	ha_buf_release(&reader->content);
	free(reader->lines);
	entry_reader_init(reader);
}

static int
read_content(struct ha_buf *content, int fd, off_t size, struct ha_err *err)
{
	ssize_t n;

	if (size > FILE_MAX)
		return ha_err_set(err, EX_DATAERR, 0, "it is too large");
	ha_buf_reset(content);
	do {
		ha_buf_reserve(content, (size_t)size + 1);
		n = read(fd, content->data + content->len, (size_t)size + 1);
		if (n < 0)
			return ha_err_set(err, EX_IOERR, errno, "can't read");
		content->len += (size_t)n;
		content->data[content->len] = '\0';
	} while (n > 0 && content->len <= FILE_MAX);
	return 0;
}

/* The value of key in a "#word TAB key=value ..." line; NULL: not there. */
static char *
value_of(const char *line, const char *key)
{
	size_t len = strlen(key);
	struct ha_err unused;
	char *value;

	for (const char *p = strchr(line, '\t'); p; p = strchr(p, '\t')) {
		p++;
		if (strncmp(p, key, len) != 0 || p[len] != '=')
			continue;
		p += len + 1;
		value = ha_xmemdup(p, strcspn(p, "\t"));
		if (ha_rec_unescape_text(value, &unused) == 0)
			return value;
		free(value);
		return NULL;
	}
	return NULL;
}

/* -1: not there, or no number. */
static long long
number_of(const char *line, const char *key)
{
	char *value = value_of(line, key), *end;
	long long number = -1;

	if (value != NULL && *value >= '0' && *value <= '9') {
		errno = 0;
		number = strtoll(value, &end, 10);
		if (*end || errno)
			number = -1;
	}
	free(value);
	return number;
}

static int
starts(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 &&
	       (line[len] == '\t' || line[len] == '\0');
}

/* From "#ha-alert" to "#end", which counts the alerts, and not a byte more. */
static int
split(struct entry_reader *reader, struct ha_err *err)
{
	struct ha_buf *content = &reader->content;
	size_t cap = 0, alerts = 0;
	char *rest, *line;

	reader->line_count = 0;
	free(reader->lines);
	reader->lines = NULL;
	if (strlen(content->data) != content->len)
		return ha_err_set(err, EX_DATAERR, 0, "a NUL byte in it");
	if (!content->len || content->data[content->len - 1] != '\n')
		return ha_err_set(err, EX_DATAERR, 0, "it breaks off");
	content->data[content->len - 1] = '\0';
	rest = content->data;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (reader->line_count == cap) {
			cap = cap ? 2 * cap : 16;
			reader->lines = ha_xrealloc(
			    reader->lines, cap * sizeof(*reader->lines));
		}
		reader->lines[reader->line_count++] = line;
		alerts += *line != '#';
	}
	if (!starts(reader->lines[0], "#ha-alert"))
		return ha_err_set(
		    err, EX_DATAERR, 0, "it does not begin with #ha-alert");
	line = reader->lines[reader->line_count - 1];
	if (!starts(line, "#end"))
		return ha_err_set(
		    err, EX_DATAERR, 0, "it does not end with #end");
	if (number_of(line, "n") != (long long)alerts || !alerts)
		return ha_err_set(err, EX_DATAERR, 0,
		    "%zu alerts, and #end counts others", alerts);
	return 0;
}

static int
fill(struct entry_reader *reader, int dir_fd, const char *name,
    struct ha_err *err)
{
	int fd = openat(
	    dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	int failed = 0;

	if (fd < 0 && errno == ENOENT)
		return ha_err_set(err, EX_NOINPUT, errno, "it is gone");
	if (fd < 0)
		return ha_err_set(err, errno == ELOOP ? EX_DATAERR : EX_IOERR,
		    errno, "can't open it");
	if (fstat(fd, &st) != 0)
		failed = ha_err_set(err, EX_IOERR, errno, "can't look at it");
	else if (!S_ISREG(st.st_mode))
		failed = ha_err_set(err, EX_DATAERR, 0, "it is no file");
	if (failed || (reader->fd >= 0 && st.st_ino == reader->ino &&
			  st.st_dev == reader->dev)) {
		close(fd);
		return failed;
	}
	forget_file(reader);
	failed = read_content(&reader->content, fd, st.st_size, err);
	if (!failed)
		failed = split(reader, err);
	if (failed) {
		close(fd);
		return failed;
	}
	reader->fd = fd;
	reader->ino = st.st_ino;
	reader->dev = st.st_dev;
	return 0;
}

static int
is_bundle(const struct entry_reader *reader)
{
	for (size_t i = 1; i < reader->line_count; i++)
		if (starts(reader->lines[i], "#item"))
			return 1;
	return 0;
}

static int
add_alert(struct entry *entry, const char *line, struct ha_err *err)
{
	if (alert_decode(&entry->alerts[entry->count], line, err) != 0)
		return -1;
	entry->count++;
	return 0;
}

/* One item each. */
static void
itemize(struct entry *entry)
{
	for (size_t i = 0; i < entry->count; i++)
		entry->items[i] = (struct alert_item){ &entry->alerts[i],
			&entry->alerts[i], 1 };
	entry->item_count = entry->count;
}

/* n -1: all of them. */
static int
decode_plain(const struct entry_reader *reader, long long n,
    struct entry *entry, struct ha_err *err)
{
	long long at = 0;

	for (size_t i = 1; i < reader->line_count; i++) {
		if (*reader->lines[i] == '#')
			continue;
		if ((n < 0 || n == at) &&
		    add_alert(entry, reader->lines[i], err) != 0)
			return -1;
		at++;
	}
	if (!entry->count)
		return ha_err_set(
		    err, EX_DATAERR, 0, "it has no alert number %lld", n);
	itemize(entry);
	return 0;
}

/* After its "#item" the alerts of an item: the first, and maybe the last. */
static int
add_to_item(struct entry *entry, const char *line, struct ha_err *err)
{
	struct alert_item *item;

	if (!entry->item_count)
		return ha_err_set(err, EX_DATAERR, 0, "an alert of no item");
	item = &entry->items[entry->item_count - 1];
	if (item->last != item->first)
		return ha_err_set(
		    err, EX_DATAERR, 0, "an item with more than two alerts");
	if (add_alert(entry, line, err) != 0)
		return -1;
	item->last = &entry->alerts[entry->count - 1];
	if (item->first == NULL)
		item->first = item->last;
	return 0;
}

static void
begin_item(struct entry *entry, const char *line)
{
	long long count = number_of(line, "count");

	entry->items[entry->item_count++] =
	    (struct alert_item){ NULL, NULL, count > 0 ? (size_t)count : 1 };
}

static int
decode_bundle(
    const struct entry_reader *reader, struct entry *entry, struct ha_err *err)
{
	for (size_t i = 1; i < reader->line_count; i++) {
		const char *line = reader->lines[i];

		if (*line != '#' && add_to_item(entry, line, err) != 0)
			return -1;
		if (starts(line, "#item"))
			begin_item(entry, line);
		if (starts(line, "#member"))
			entry->members[entry->member_count++] =
			    value_of(line, "id");
	}
	for (size_t i = 0; i < entry->item_count; i++)
		if (entry->items[i].first == NULL)
			return ha_err_set(
			    err, EX_DATAERR, 0, "an item without an alert");
	for (size_t i = 0; i < entry->member_count; i++)
		if (entry->members[i] == NULL)
			return ha_err_set(
			    err, EX_DATAERR, 0, "a member without a name");
	return 0;
}

/* What stands behind the last "." of ID.N; -1: nothing that is a number. */
static long long
number_in(const char *name)
{
	const char *dot = strrchr(name, '.');
	char *end;
	long long n;

	if (dot == NULL || dot[1] < '0' || dot[1] > '9')
		return -1;
	n = strtoll(dot + 1, &end, 10);
	return *end ? -1 : n;
}

static int
decode(const struct entry_reader *reader, const char *name, int is_whole,
    struct entry *entry, struct ha_err *err)
{
	const char *header = reader->lines != NULL ? reader->lines[0] : "";
	long long left_out = number_of(header, "left_out"), n;
	size_t most;

	entry->channels = value_of(header, "channels");
	if (entry->channels == NULL)
		entry->channels = ha_xstrdup("");
	entry->note = value_of(header, "note");
	entry->left_out = left_out > 0 ? (size_t)left_out : 0;
	entry->is_alone = number_of(header, "alone") > 0;
	entry->is_one = is_bundle(reader);
	/* As many as there can be: pointers into it must stay. */
	most = is_whole || entry->is_one ? reader->line_count : 1;
	entry->alerts = ha_xcalloc(most, sizeof(*entry->alerts));
	entry->items = ha_xcalloc(most, sizeof(*entry->items));
	entry->members = ha_xcalloc(most, sizeof(*entry->members));
	if (entry->is_one)
		return decode_bundle(reader, entry, err);
	n = is_whole ? -1 : number_in(name);
	if (!is_whole && n < 0)
		return ha_err_set(err, EX_DATAERR, 0, "its name is no entry's");
	return decode_plain(reader, n, entry, err);
}

int
entry_read(struct entry_reader *reader, int dir_fd, const char *name,
    int is_whole, struct entry *entry, struct ha_err *err)
{
	memset(entry, 0, sizeof(*entry));
	if (fill(reader, dir_fd, name, err) != 0)
		return -1;
	if (decode(reader, name, is_whole, entry, err) == 0)
		return 0;
	entry_release(entry);
	return -1;
}

void
entry_release(struct entry *entry)
{
	for (size_t i = 0; i < entry->count; i++)
		alert_release(&entry->alerts[i]);
	for (size_t i = 0; i < entry->member_count; i++)
		free(entry->members[i]);
	free(entry->members);
	free(entry->alerts);
	free(entry->items);
	free(entry->channels);
	free(entry->note);
	memset(entry, 0, sizeof(*entry));
}

static void
add_header(struct ha_buf *content, const struct alert_bundle *bundle,
    const struct entry_header *header)
{
	const char *channels = header->channels, *note = bundle->note;

	ha_buf_addf(content, "#ha-alert\tv=1\tleft_out=%zu", bundle->left_out);
	if (header->is_alone)
		ha_buf_add_str(content, "\talone=1");
	if (channels != NULL)
		ha_rec_add_pair(
		    content, "channels", channels, strlen(channels));
	if (note != NULL)
		ha_rec_add_pair(content, "note", note, strlen(note));
	ha_buf_add_char(content, '\n');
	for (size_t i = 0; i < header->member_count; i++)
		ha_buf_addf(content, "#member\tid=%s\n", header->members[i]);
}

void
entry_encode(struct ha_buf *content, const struct alert_bundle *bundle,
    const struct entry_header *header)
{
	size_t alerts = 0;

	add_header(content, bundle, header);
	for (size_t i = 0; i < bundle->count; i++) {
		const struct alert_item *item = &bundle->items[i];

		ha_buf_addf(content, "#item\tcount=%zu\n", item->count);
		alert_encode(content, item->first);
		alerts++;
		if (item->last == item->first)
			continue;
		alert_encode(content, item->last);
		alerts++;
	}
	ha_buf_addf(content, "#end\tn=%zu\n", alerts);
}

char *
entry_name(const char *id, size_t n)
{
	return ha_xasprintf("%s.%03zu", id, n);
}
