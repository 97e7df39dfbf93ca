/* SPDX-License-Identifier: ISC */
/*
 * conf - files of one item a line: words, quotes, comments, include.
 */
#include "conf.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "in.h"

#define MAX_DEPTH 16
#define MAX_FILE (16 * 1024 * 1024)

/* A file being read, and the one that includes it. */
struct file {
	const char *name;
	const struct file *above; /* NULL: the first */
	dev_t dev;
	ino_t ino;
	int depth;
};

struct reader {
	int (*each)(
	    void *context, const struct ha_conf_line *line, struct ha_err *err);
	void *context;
	struct ha_err *err;
};

/* The words of a line: their bytes and NULs one after the other. */
struct words {
	struct ha_buf text;
	unsigned *columns, *lines; /* as many as text has room for */
	size_t cap;
	size_t *starts;
	size_t count, starts_cap;
	struct ha_conf_word *list;
};

struct place {
	unsigned line, column;
};

/* Where reading is in the file's bytes. */
struct cursor {
	const struct file *file;
	const char *p, *end;
	struct place place;
	struct ha_err *err;
};

static int __attribute__((format(printf, 4, 0))) refuse_at(struct ha_err *err,
    const char *file, const struct place *place, const char *fmt, va_list ap)
{
	struct ha_buf words = HA_BUF_INIT;

	ha_buf_vaddf(&words, fmt, ap);
	ha_err_set(err, EX_CONFIG, 0, "%s:%u:%u: %s", file, place->line,
	    place->column, words.data);
	ha_buf_release(&words);
	return -1;
}

int
ha_conf_err(const struct ha_conf_line *line, size_t word, size_t offset,
    struct ha_err *err, const char *fmt, ...)
{
	const struct ha_conf_word *at = &line->words[word];
	struct place place = { at->lines[offset], at->columns[offset] };
	va_list ap;

	va_start(ap, fmt);
	refuse_at(err, line->file, &place, fmt, ap);
	va_end(ap);
	return -1;
}

static int __attribute__((format(printf, 3, 4)))
refuse(const struct cursor *cursor, const struct place *place, const char *fmt,
    ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse_at(cursor->err, cursor->file->name, place, fmt, ap);
	va_end(ap);
	return -1;
}

static void
words_reset(struct words *words)
{
	ha_buf_reset(&words->text);
	words->count = 0;
}

static void
words_release(struct words *words)
{
	ha_buf_release(&words->text);
	free(words->columns);
	free(words->lines);
	free(words->starts);
	free(words->list);
}

static void
begin_word(struct words *words)
{
	if (words->count == words->starts_cap) {
		words->starts_cap = words->starts_cap * 2 + 8;
		words->starts = ha_xrealloc(
		    words->starts, words->starts_cap * sizeof(*words->starts));
	}
	words->starts[words->count++] = words->text.len;
}

static void
add_byte(struct words *words, char c, const struct place *place)
{
	size_t at = words->text.len;

	if (at == words->cap) {
		words->cap = words->cap * 2 + 64;
		words->columns = ha_xrealloc(
		    words->columns, words->cap * sizeof(*words->columns));
		words->lines = ha_xrealloc(
		    words->lines, words->cap * sizeof(*words->lines));
	}
	ha_buf_add_char(&words->text, c);
	words->columns[at] = place->column;
	words->lines[at] = place->line;
}

/* Only now do the bytes stay where they are. */
static void
finish_words(struct words *words)
{
	words->list =
	    ha_xrealloc(words->list, words->count * sizeof(*words->list));
	for (size_t i = 0; i < words->count; i++)
		words->list[i] = (struct ha_conf_word){
			words->text.data + words->starts[i],
			words->columns + words->starts[i],
			words->lines + words->starts[i],
		};
}

/* The length of the line's end at p, a CR before it counted; or 0. */
static size_t
newline_len(const struct cursor *cursor, const char *p)
{
	size_t cr = p < cursor->end && *p == '\r';

	if (p + cr == cursor->end)
		return cr;
	return p[cr] == '\n' ? cr + 1 : 0;
}

static int
at_end_of_line(const struct cursor *cursor)
{
	return cursor->p == cursor->end || newline_len(cursor, cursor->p);
}

static void
skip(struct cursor *cursor, size_t len)
{
	cursor->p += len;
	cursor->place.column += (unsigned)len;
}

static void
skip_newline(struct cursor *cursor)
{
	size_t len = newline_len(cursor, cursor->p);

	if (!len)
		return;
	cursor->p += len;
	cursor->place.line++;
	cursor->place.column = 1;
}

/*
 * Behind a backslash: 1 when a line's end was joined to the next line, 0 when
 * there is a byte to be taken as it is.
 */
static int
skip_backslash(struct cursor *cursor)
{
	struct place place = cursor->place;

	skip(cursor, 1);
	if (cursor->p == cursor->end)
		return refuse(cursor, &place, "nothing follows the backslash");
	if (!newline_len(cursor, cursor->p))
		return 0;
	skip_newline(cursor);
	return 1;
}

static int
take_byte(struct cursor *cursor, struct words *words)
{
	if (!*cursor->p)
		return refuse(cursor, &cursor->place, "a NUL byte");
	add_byte(words, *cursor->p, &cursor->place);
	skip(cursor, 1);
	return 0;
}

static int
take_escape(struct cursor *cursor, struct words *words)
{
	int joined = skip_backslash(cursor);

	return joined ? joined : take_byte(cursor, words);
}

static int
take_quoted(struct cursor *cursor, struct words *words)
{
	struct place place = cursor->place;
	char quote = *cursor->p;

	skip(cursor, 1);
	while (!at_end_of_line(cursor)) {
		if (*cursor->p == quote) {
			skip(cursor, 1);
			return 0;
		}
		if (*cursor->p == '\\' && quote == '"') {
			if (take_escape(cursor, words) < 0)
				return -1;
		} else if (take_byte(cursor, words)) {
			return -1;
		}
	}
	return refuse(cursor, &place, "this quote is not closed");
}

static int
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static int
take_word(struct cursor *cursor, struct words *words)
{
	int failed = 0;

	begin_word(words);
	while (failed >= 0 && !at_end_of_line(cursor) && !is_blank(*cursor->p))
		if (*cursor->p == '\'' || *cursor->p == '"')
			failed = take_quoted(cursor, words);
		else if (*cursor->p == '\\')
			failed = take_escape(cursor, words);
		else
			failed = take_byte(cursor, words);
	add_byte(words, '\0', &cursor->place);
	return failed < 0 ? -1 : 0;
}

/* What stands between words.  A backslash that joins lines is a blank too. */
static int
skip_blanks(struct cursor *cursor)
{
	while (cursor->p < cursor->end) {
		if (is_blank(*cursor->p))
			skip(cursor, 1);
		else if (*cursor->p == '\\' &&
			 newline_len(cursor, cursor->p + 1))
			skip_backslash(cursor);
		else
			break;
	}
	if (cursor->p < cursor->end && *cursor->p == '#')
		while (!at_end_of_line(cursor)) {
			if (!*cursor->p)
				return refuse(
				    cursor, &cursor->place, "a NUL byte");
			skip(cursor, 1);
		}
	return 0;
}

/* One line with those joined to it, and its end. */
static int
take_line(struct cursor *cursor, struct words *words)
{
	words_reset(words);
	for (;;) {
		if (skip_blanks(cursor))
			return -1;
		if (at_end_of_line(cursor))
			break;
		if (take_word(cursor, words))
			return -1;
	}
	skip_newline(cursor);
	if (words->count)
		finish_words(words);
	return 0;
}

static int
read_all(struct ha_in *in, const char *name, struct ha_err *err)
{
	struct pollfd pfd = { .fd = in->fd, .events = POLLIN };

	while (!in->eof) {
		if (ha_in_fill(in, err) < 0) {
			if (err->sys != EAGAIN)
				return ha_err_set(err, EX_NOINPUT, err->sys,
				    "can't read '%s'", name);
			poll(&pfd, 1, -1);
		}
		if (in->buf.len > MAX_FILE)
			return ha_err_set(err, EX_CONFIG, 0,
			    "'%s' is larger than %d MiB", name,
			    MAX_FILE / 1024 / 1024);
	}
	return 0;
}

static int
includes_itself(const struct file *file)
{
	const struct file *above;

	for (above = file->above; above; above = above->above)
		if (above->dev == file->dev && above->ino == file->ino)
			return 1;
	return 0;
}

static int
load_fd(struct file *file, int fd, struct ha_in *in, struct ha_err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't read '%s'", file->name);
	file->dev = st.st_dev;
	file->ino = st.st_ino;
	if (includes_itself(file))
		return ha_err_set(
		    err, EX_CONFIG, 0, "'%s' includes itself", file->name);
	in->fd = fd;
	return read_all(in, file->name, err);
}

static int
load(struct file *file, struct ha_in *in, struct ha_err *err)
{
	int fd, failed;

	if (!file->above && !strcmp(file->name, "-"))
		return load_fd(file, STDIN_FILENO, in, err);
	fd = open(file->name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't open '%s'", file->name);
	failed = load_fd(file, fd, in, err);
	close(fd);
	return failed;
}

static int read_lines(
    struct reader *reader, const struct file *file, const struct ha_buf *bytes);

/* from: the line that includes it; NULL: none. */
static int
read_file(
    struct reader *reader, struct file *file, const struct ha_conf_line *from)
{
	struct ha_in in;
	int failed;

	ha_in_init(&in, -1, '\n');
	failed = load(file, &in, reader->err);
	if (failed && from)
		ha_conf_err(from, 1, 0, reader->err, "%s", reader->err->msg);
	if (!failed)
		failed = read_lines(reader, file, &in.buf);
	ha_in_release(&in);
	return failed;
}

static int
include_one(struct reader *reader, const struct file *above, const char *name,
    const struct ha_conf_line *from)
{
	struct file file = {
		.name = name, .above = above, .depth = above->depth + 1
	};

	if (file.depth > MAX_DEPTH)
		return ha_conf_err(from, 0, 0, reader->err,
		    "more than %d files include one another", MAX_DEPTH);
	return read_file(reader, &file, from);
}

/* What is not there is no match; what can't be looked at is a mistake. */
static int
stop_glob(const char *path, int sys)
{
	(void)path;
	return sys != ENOENT && sys != ENOTDIR;
}

static int
include_pattern(struct reader *reader, const struct file *above,
    const char *pattern, const struct ha_conf_line *from)
{
	glob_t found;
	int failed = 0, sys;
	size_t i;

	switch (glob(pattern, 0, stop_glob, &found)) {
	case 0:
		break;
	case GLOB_NOMATCH:
		return 0;
	default:
		sys = errno;
		globfree(&found);
		return ha_conf_err(from, 1, 0, reader->err,
		    "can't look for '%s': %s", pattern, strerrordesc_np(sys));
	}
	for (i = 0; !failed && i < found.gl_pathc; i++)
		failed = include_one(reader, above, found.gl_pathv[i], from);
	globfree(&found);
	return failed;
}

/* The directory of the file before the path, its own stars no pattern. */
static char *
beside(const struct file *file, const char *path, int is_pattern)
{
	const char *slash = strrchr(file->name, '/');
	struct ha_buf whole = HA_BUF_INIT;
	const char *p;

	if (*path != '/' && slash)
		for (p = file->name; p <= slash; p++) {
			if (is_pattern && strchr("*?[\\", *p))
				ha_buf_add_char(&whole, '\\');
			ha_buf_add_char(&whole, *p);
		}
	ha_buf_add_str(&whole, path);
	return ha_buf_detach(&whole);
}

static int
include(struct reader *reader, const struct file *above,
    const struct ha_conf_line *line)
{
	const char *path;
	int is_pattern, failed;
	char *whole;

	if (line->count != 2 || !*line->words[1].text)
		return ha_conf_err(line, line->count > 2 ? 2 : 0, 0,
		    reader->err, "include takes one path");
	path = line->words[1].text;
	is_pattern = strpbrk(path, "*?[") != NULL;
	whole = beside(above, path, is_pattern);
	failed = is_pattern ? include_pattern(reader, above, whole, line)
			    : include_one(reader, above, whole, line);
	free(whole);
	return failed;
}

static int
read_lines(
    struct reader *reader, const struct file *file, const struct ha_buf *bytes)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct cursor cursor = { file, bytes->data, bytes->data + bytes->len,
		{ 1, 1 }, reader->err };
	struct words words = { .text = HA_BUF_INIT };
	struct ha_conf_line line = { .file = file->name };
	int failed = 0;

	if (!strncmp(cursor.p, bom, sizeof(bom) - 1))
		cursor.p += sizeof(bom) - 1;
	while (!failed && cursor.p < cursor.end) {
		line.number = cursor.place.line;
		failed = take_line(&cursor, &words);
		if (failed || !words.count)
			continue;
		line.words = words.list;
		line.count = words.count;
		if (!strcmp(line.words[0].text, "include"))
			failed = include(reader, file, &line);
		else
			failed =
			    reader->each(reader->context, &line, reader->err);
	}
	words_release(&words);
	return failed ? -1 : 0;
}

int
ha_conf_read(const char *path,
    int (*each)(
	void *context, const struct ha_conf_line *line, struct ha_err *err),
    void *context, struct ha_err *err)
{
	struct reader reader = { each, context, err };
	struct file file = { .name = path };

	return read_file(&reader, &file, NULL);
}
