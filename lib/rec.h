/* SPDX-License-Identifier: ISC */
/*
 * rec - one record a line: fields, escapes, key=value lines.
 *
 * Source: ha(7), RECORDS.
 */
#ifndef HA_REC_H
#define HA_REC_H

#include <stddef.h>

#include "buf.h"
#include "err.h"

/*
 * Append a field: backslash, TAB, LF, other bytes below 0x20 and 0x7f escaped;
 * no bytes at all give "-", and a value that is exactly "-" gives "\0055".
 */
void ha_rec_add_field(struct ha_buf *line, const void *data, size_t len);

/*
 * Append text for a person's terminal: as a field is escaped, and bytes from
 * 0x80 too unless they form printable characters of the locale.
 */
void ha_rec_add_printable(struct ha_buf *text, const void *data, size_t len);

/*
 * Append text for other programs, as UTF-8 whatever the locale is (RFC 3629):
 * bytes that are none, control characters and those that turn the direction
 * of what follows become '?'.
 */
void ha_rec_add_utf8(struct ha_buf *text, const void *data, size_t len);

/*
 * Split a line at its TABs, in place.  At most max fields are stored, the rest
 * of the line is ignored (later versions append fields).  Returns the number
 * stored.
 */
size_t ha_rec_split(char *line, char **fields, size_t max);

/*
 * Undo ha_rec_add_field() in place; *len receives the length, as the value may
 * hold NUL bytes; it is NUL-terminated.  "-" is no bytes.  Returns 0, or -1
 * (EX_DATAERR) for an escape that this module never writes, with its column
 * (from 1) in the message.
 */
int ha_rec_unescape(char *field, size_t *len, struct ha_err *err);

/*
 * The same for a field that is text: a NUL in it is EX_DATAERR too.
 */
int ha_rec_unescape_text(char *field, struct ha_err *err);

/* Append TAB, key, "=" and the escaped value (which may be empty: "key="). */
void ha_rec_add_pair(
    struct ha_buf *line, const char *key, const void *value, size_t len);

/*
 * Append a JSON string, or {"b64":"..."} when the bytes are no UTF-8
 * (RFC 8259, RFC 4648 section 4).  What a terminal would not show but obey is
 * escaped.
 */
void ha_rec_add_json(struct ha_buf *line, const void *data, size_t len);

#endif
