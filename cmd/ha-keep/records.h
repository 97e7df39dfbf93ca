/* SPDX-License-Identifier: ISC */
/*
 * records - status records to a file, a FIFO or stdout, without ever waiting
 * for whoever reads them: what a pipe doesn't take now is replaced by what is
 * true later.
 */
#ifndef KEEP_RECORDS_H
#define KEEP_RECORDS_H

#include "buf.h"
#include "err.h"
#include "status.h"

struct records {
	int fd; /* -1: none are wanted, or nobody reads any more */
	int is_file; /* it only grows: changes alone go there */
	int is_socket, is_shared; /* how to write without waiting */
	struct ha_buf pending; /* a frame, or its rest */
	int is_begun; /* a part of it is out */
	int has_failed; /* told, once */
};

/*
 * name: a path, "-" for stdout, NULL for nothing.  A FIFO needs no reader.
 * EX_CANTCREAT.
 */
int records_open(struct records *records, const char *name, struct ha_err *err);

/* A frame of one record. */
void records_add(struct records *records, const struct ha_status *status);
/*
 * Write what waits, as far as it is taken.  -1 with *err when that has failed
 * as it did not before: a word to say, no reason to stop.
 */
int records_flush(struct records *records, struct ha_err *err);

#endif
