/* SPDX-License-Identifier: ISC */
/*
 * pattern - POSIX extended regular expressions, on bytes whatever the locale.
 *
 * ^ and $ match at each line, and the CR before a LF is not seen.  What could
 * take regcomp(3) or regexec(3) for ever is refused: back-references,
 * repetitions that multiply, patterns of more than 1,000 bytes.
 */
#ifndef PATTERN_H
#define PATTERN_H

#include <regex.h>
#include <stddef.h>

#include "err.h"

/* EX_USAGE. */
int pattern_compile(regex_t *regex, const char *text, struct ha_err *err);
/* Is there a match in data?  It may hold NUL bytes. */
int pattern_matches(const regex_t *regex, const char *data, size_t len);

#endif
