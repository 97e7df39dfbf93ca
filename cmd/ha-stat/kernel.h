/* SPDX-License-Identifier: ISC */
/*
 * kernel - what the kernel tells in /proc and /sys.
 *
 * Its files may be cut off or hold anything a process put there (its name):
 * nothing here trusts a line to be whole.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Put before every path; "" but in tests. */
extern const char *kernel_root;

/*
 * Read a file whole in place of what buf holds, at most 1 MiB.  EX_NOINPUT
 * when it isn't there, EX_OSERR otherwise.
 */
int kernel_read(const char *path, struct ha_buf *buf, struct ha_err *err);
/* A file of one number; -1 without an error when it holds none. */
int kernel_read_number(const char *path, int64_t *number);

/*
 * The decimal number at *text, blanks before it skipped; *text moves behind it.
 * Returns 0, or -1 where none stands; one too large is UINT64_MAX.
 */
int kernel_number(const char **text, uint64_t *number);
/* The number behind "KEY:" or "KEY " at the start of a line; -1: none. */
int kernel_field(const char *text, const char *key, uint64_t *number);
/* The end of the line at text: its LF, or the final NUL. */
const char *kernel_line_end(const char *text);

/* The machine's memory in bytes; 0 if it can't be known. */
double kernel_memory(void);
/* Online processors, at least 1. */
unsigned kernel_cpus(void);

#endif
