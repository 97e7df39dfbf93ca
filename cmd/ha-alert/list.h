/* SPDX-License-Identifier: ISC */
/*
 * list - what is in the spool, for a person and for scripts, and what a person
 * does with it: try again, drop.
 *
 * Source: ha-alert(1), THE SPOOL.
 */
#ifndef ALERT_LIST_H
#define ALERT_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "spool.h"

enum list_place { LIST_NEW, LIST_QUEUE, LIST_FAILED };

struct list_row {
	enum list_place place;
	const char *channel; /* of new/: all of them, "," between */
	const char *name;
	int64_t taken_ms; /* -1: not known */
	unsigned attempts;
	int64_t next_ms; /* 0: none is set */
	const char *words; /* of the last attempt; or "" */
	char *subject; /* of the first alert, and how many more */
};

/*
 * Call each() for what is there, new/ first, then by channel and name; all is
 * borrowed.  EX_IOERR.
 */
int list_walk(struct spool *spool,
    void (*each)(void *context, const struct list_row *row), void *context,
    struct ha_err *err);

/* Print it as tsv, json or table; NULL: table on a terminal, else tsv. */
int list_show(struct spool *spool, const char *format, struct ha_err *err);

#endif
