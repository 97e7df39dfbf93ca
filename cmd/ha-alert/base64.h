/* SPDX-License-Identifier: ISC */
/* base64 - bytes as text and back.  Source: RFC 4648 section 4. */
#ifndef ALERT_BASE64_H
#define ALERT_BASE64_H

#include <stddef.h>

#include "buf.h"

/* Append it in one line, with its padding. */
void base64_add(struct ha_buf *out, const void *bytes, size_t len);
/*
 * Append the bytes that text stands for; its padding may be left out.  -1: it is
 * no base64, or nothing.
 */
int base64_decode(struct ha_buf *out, const char *text);

#endif
