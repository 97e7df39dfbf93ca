/* SPDX-License-Identifier: ISC */
/*
 * view - what is known of a keeper: as its process tells it, as its state file
 * holds it, and the verdict on that.
 */
#ifndef KEEP_VIEW_H
#define KEEP_VIEW_H

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "leftover.h"
#include "place.h"
#include "status.h"

/* So many ends in a row are CRIT. */
#define VIEW_CRIT_FAILURES 3

enum phase {
	PHASE_RUNNING,
	PHASE_ENDING, /* the command or what it left is being ended */
	PHASE_WAITING, /* for the next start, the first one too */
	PHASE_GAVE_UP, /* the limit, or no start at all; the keeper has ended */
	PHASE_KILLED, /* the keeper was killed, and has ended the command */
};

struct view {
	enum phase phase;
	char name[PLACE_NAME_MAX + 1];
	char id[LEFTOVER_ID_SIZE];
	char command[256]; /* the argv, with blanks between */
	char last[192]; /* how the last run ended, in words; "" if none has */
	char note[192]; /* why it is in this phase, or what is wrong; or "" */
	int64_t keeper; /* process ids */
	int64_t pid; /* 0: it doesn't run */
	int64_t since_ms; /* of CLOCK_MONOTONIC: the phase began */
	int64_t due_ms; /* of the next start, while waiting */
	int64_t restarts; /* starts but the first */
	int64_t failures; /* ends in a row */
	int64_t is_stuck; /* somebody can't be ended */
	int64_t is_stopping; /* the keeper is about to end */
	int64_t stop_signal, grace_ms; /* how it ends what is its own */
};

/* CLOCK_MONOTONIC in milliseconds. */
int64_t view_now_ms(void);

/* snprintf(3) to a member; what is too long is cut. */
void view_print(char *member, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Append one line, "#keep" and key=value fields, with its LF. */
void view_encode(struct ha_buf *line, const struct view *view);
/*
 * Read such a line, without its LF; what is in it is cut to the room there is,
 * unknown keys are ignored.  The line is changed.  EX_DATAERR for what is none.
 */
int view_decode(struct view *view, char *line, struct ha_err *err);

/* The same of a keeper's state file.  EX_NOINPUT, EX_IOERR, EX_DATAERR. */
int view_read(
    struct view *view, const char *dir, const char *name, struct ha_err *err);

/* The words for a status of wait(2): "ended with status 1". */
void view_say_end(int wait_status, char *words, size_t size);

/* The state, the words and the performance data of one that lives. */
enum ha_status_state view_judge(const struct view *view, int64_t now_ms,
    struct ha_buf *msg, struct ha_buf *perf);
/* The same of what a keeper left that is no more: CRIT. */
enum ha_status_state view_judge_dead(
    const struct view *view, struct ha_buf *msg, struct ha_buf *perf);

#endif
