/* SPDX-License-Identifier: ISC */
/*
 * escape - bytes that are written as printf(1)'s %b takes them, and \xHH.
 */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stddef.h>

#include "buf.h"

/*
 * Append text with its escapes undone: \\ \a \b \f \n \r \t \v \0ooo \xHH; any
 * other backslash is one.
 */
void escape_undo(struct ha_buf *bytes, const char *text, size_t len);
/* The other way round. */
void escape_add(struct ha_buf *text, const char *bytes, size_t len);

#endif
