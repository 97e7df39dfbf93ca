/* SPDX-License-Identifier: ISC */
/*
 * state - what was tried on a channel, from one flusher to the next.
 *
 * It is worth a few attempts more or less and nothing else: a file that is
 * torn or gone is as none.  Times are ha_clock_wall_ms()'s.
 */
#ifndef ALERT_STATE_H
#define ALERT_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

#define STATE_GAPS 8

/* Of an entry of the queue that was tried. */
struct state_entry {
	char *name;
	unsigned attempts;
	int64_t next_ms; /* not before that; 0: at once */
	int64_t born_ms; /* 0: as its name says */
	int may_have_it; /* the receiver: it stays as it is */
	char *words; /* of the last attempt */
};

struct state {
	int64_t seen_ms; /* when it was written; 0: never */
	/* Of the channel, while it is down. */
	unsigned attempts;
	int64_t next_ms;
	char *words; /* or NULL */
	/* Messages that were delivered, the oldest first. */
	int64_t *sent;
	size_t sent_count;
	/* Times that do not count: nobody flushed, or the clock was stepped. */
	struct state_gap {
		int64_t at_ms, length_ms;
	} gaps[STATE_GAPS];
	size_t gap_count;
	struct state_entry *entries; /* by name, sorted */
	size_t count;
};

void state_init(struct state *state);
void state_release(struct state *state);
/* Read queue/CHANNEL/.state. */
void state_read(struct state *state, int dir_fd);
/* Replace it, not durably.  EX_IOERR, EX_CANTCREAT. */
int state_write(const struct state *state, int dir_fd, struct ha_err *err);
/* NULL: it was not tried. */
struct state_entry *state_find(const struct state *state, const char *name);
/* The entry, which is made if need be. */
struct state_entry *state_entry(struct state *state, const char *name);
void state_remove(struct state *state, const char *name);
/* Replace what stands in *words by a copy. */
void state_set_words(char **words, const char *text);

#endif
