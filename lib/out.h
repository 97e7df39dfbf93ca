/* SPDX-License-Identifier: ISC */
/*
 * out - checked stdout.
 *
 * A command that writes records writes them here; a failed write is never
 * exit 0.  A closed pipe ends the process at once and without a word, as
 * SIGPIPE's default action would; any other failure ends it with a message on
 * stderr.
 */
#ifndef HA_OUT_H
#define HA_OUT_H

#include <stddef.h>

#include "err.h"

/* Set the exit status for a failed write; EX_IOERR (74) until called. */
void ha_out_fatal(int status);

/* Write all of it to stdout now, waiting for the reader if need be. */
void ha_out_write(const void *data, size_t len);

/*
 * Write what stdout takes without waiting, whether or not O_NONBLOCK is set
 * on it (which is shared with other processes and therefore left alone): a
 * pipe or terminal is opened anew for that, and where it can't be, at most
 * PIPE_BUF bytes go out when poll(2) calls it writable.  Returns the number of
 * bytes taken, 0 when the reader is behind.
 */
size_t ha_out_try(const void *data, size_t len);

/*
 * The same for who has something left to do without stdout: *taken receives
 * the number, and a failure is -1, EX_IOERR with its errno; EPIPE is a reader
 * that has gone (SIGPIPE must be ignored, as ha_sig_open() does).
 */
int
ha_out_offer(const void *data, size_t len, size_t *taken, struct ha_err *err);

/* Has stdout's reader gone away?  (poll(2): POLLERR or POLLHUP on a pipe.) */
int ha_out_reader_gone(void);

/* Die as SIGPIPE's default action would. */
void ha_out_die_of_pipe(void) __attribute__((noreturn));

#endif
