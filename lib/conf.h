/* SPDX-License-Identifier: ISC */
/*
 * conf - files of one item a line: words, quotes, comments, include.
 *
 * A line is split at blanks into words.  '...' takes everything as it is;
 * in "..." and outside of quotes a backslash takes the next byte as it is; quotes may
 * stand inside of a word (expect='status=200 body~"ok"').  A # at the start of
 * a word begins a comment; a backslash at the end of a line joins the next one
 * to it.  "include PATH" reads another file, or all that a pattern of glob(7)
 * names, in order, relative to the file it stands in.  Source: ha(7), FILES OF
 * CHECKS.
 */
#ifndef HA_CONF_H
#define HA_CONF_H

#include <stddef.h>

#include "err.h"

struct ha_conf_word {
	char *text; /* without its quotes, NUL-terminated */
	const unsigned *columns; /* for each byte, and the NUL: its column in
				    the file, from 1 */
	const unsigned *lines; /* likewise its line: words may be continued */
};

/* All of it is borrowed and gone when the callback returns. */
struct ha_conf_line {
	const char *file; /* as it was named; "-" is stdin */
	unsigned number; /* from 1; of its first line if it is continued */
	struct ha_conf_word *words;
	size_t count; /* at least 1 */
};

/*
 * Read the file ("-": stdin) and call each() for every line that holds a word.
 * The first mistake ends it: -1, EX_CONFIG with "file:line:column: " first; a
 * file that can't be read is EX_NOINPUT; a NUL byte, an open quote, a file that includes
 * itself, and nesting deeper than 16 are mistakes.  each() returns 0, or -1
 * with err filled in, by ha_conf_err() where a place is to be named.
 */
int ha_conf_read(const char *path,
    int (*each)(
	void *context, const struct ha_conf_line *line, struct ha_err *err),
    void *context, struct ha_err *err);

/*
 * A mistake at byte offset of a word: -1, EX_CONFIG, "file:line:column: ".  The
 * arguments may point into err->msg, as with ha_err_set().
 */
int ha_conf_err(const struct ha_conf_line *line, size_t word, size_t offset,
    struct ha_err *err, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

#endif
