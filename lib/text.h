/* SPDX-License-Identifier: ISC */
/*
 * text - what a person sees on a terminal: columns, wrapped words, colours.
 *
 * Text is printable already (rec.h, ha_rec_add_printable()) and in the locale's
 * encoding; a byte that is no character of it takes one column.  Source:
 * mbrtowc(3), wcwidth(3).
 */
#ifndef HA_TEXT_H
#define HA_TEXT_H

#include <stddef.h>

#include "buf.h"
#include "status.h"

/* How many bytes of text fit into max columns; *used: how many they take. */
size_t ha_text_fit(const char *text, size_t len, size_t max, size_t *used);
/* The columns of a NUL-terminated text. */
size_t ha_text_width(const char *text);
/*
 * Append text in lines of at most width columns, broken at blanks where there
 * are any, of a character at least; each line but the first behind indent
 * blanks; no LF at the end.
 */
void ha_text_add_wrapped(
    struct ha_buf *out, const char *text, size_t width, size_t indent);

/* Columns of the terminal that stdout is; 0: it is none. */
size_t ha_text_terminal_width(void);
/* A terminal, and NO_COLOR is not set (https://no-color.org). */
int ha_text_is_coloured(void);
/* The sequence that begins a state's colour, and the one that ends all. */
const char *ha_text_colour(enum ha_status_state state);
#define HA_TEXT_PLAIN "\033[m"

#endif
