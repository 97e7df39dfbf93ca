/* SPDX-License-Identifier: ISC */
/*
 * conf - files of one item a line: words, quotes, comments, include.
 *
 * A line is split at blanks into words.  '...' takes everything as it is;
 * in "..." and outside of quotes a backslash takes the next byte as it is;
 * quotes may stand inside of a word (expect='status=200 body~"ok"').  A # at
 * the start of a word begins a comment; a backslash at the end of a line, but
 * not of a comment, joins the next one to it without a blank.  A CR at a line's
 * end and a UTF-8 byte order mark are dropped.  "include PATH" reads another
 * file, or all that a pattern of glob(7) names, in the order of their bytes,
 * relative to the file it stands in; a pattern may name none.  Source: ha(7),
 * FILES OF CHECKS.
 */
#ifndef HA_CONF_H
#define HA_CONF_H

#include <stddef.h>

#include "err.h"

struct ha_conf_word {
	char *text; /* without its quotes, NUL-terminated */
	const unsigned *columns; /* for each byte its column in the file, in
				    bytes from 1; for the NUL the one behind
				    the word */
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
 * The first mistake ends it: -1, EX_CONFIG with "file:line:column: " first.  A
 * NUL byte, an open quote, a file that includes itself, nesting deeper than 16,
 * and an included file that can't be read are mistakes.  When path itself can't
 * be read it is EX_NOINPUT; when it is larger than 16 MiB, EX_CONFIG.  each()
 * returns 0, or -1 with err filled in, by ha_conf_err() where a place is to be
 * named.
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
