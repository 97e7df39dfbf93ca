/* SPDX-License-Identifier: ISC */
/*
 * state - what a gate remembers from one batch to the next.
 *
 * HA_STATE_DIR/gate/NAME, text: "#ha-gate" with v=1, name=, seq=, sweeps=,
 * wall=, up=, boot=; then TAB-separated lines, escaped as records are (ha(7)):
 *
 *	producer NAME		whose complete sweeps have been seen
 *	maint PATTERN SINCE UNTIL WHO REASON
 *	owed RECORD		a transition that is still to be told
 *	check ...		see state.c; one a check
 *	change TIME EVENT OLD NEW MSG	of the check above, oldest first
 *
 * and "#end" with n= lines.  Times are RFC 3339, "-" is none.
 */
#ifndef GATE_STATE_H
#define GATE_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "judge.h"
#include "status.h"
#include "transition.h"

/* As many changes of a check are kept for --history. */
#define STATE_CHANGES 20
/* The most changes that flapping may be told by. */
#define STATE_FLIPS 20
#define STATE_WORSE 1
#define STATE_BETTER 2

struct change {
	char *time, *msg; /* owned */
	enum ha_transition_event event;
	enum ha_status_state old_state, state;
};

struct rules_of; /* rules.h */

struct check {
	char *host, *check; /* owned: the key */
	/*
	 * The newest record: its strings are one allocation, text.  Its state
	 * is the raw one.
	 */
	struct ha_status last;
	char *text;
	size_t text_size;
	const char *producer; /* of it; borrowed from state; "" is unknown */
	int64_t last_ms; /* its TIME */
	int64_t seen_ms; /* by our clock; 0: never */
	int64_t interval_ms; /* between the last two; 0: not known */
	uint64_t seen_seq; /* the batch */
	uint64_t sweep; /* the sweep that last had it; 0: not known */
	int64_t waited_ms; /* since then it is waited for, after a time in which
			      nobody looked; 0: since it was seen */

	struct judge_window window;
	enum ha_status_state level; /* by N of M */
	int64_t bad_ms; /* TIME of the first bad result since OK; 0 */

	int is_told; /* an incident is open that somebody has heard of */
	enum ha_status_state told; /* as it was told last */
	char incident[HA_TRANSITION_INCIDENT_SIZE]; /* or the last one; "" */
	int64_t since_ms; /* when the incident began */
	int64_t remind_ms; /* next reminder; 0: none */
	unsigned reminders; /* so many were told */

	int64_t
	    flips[STATE_FLIPS]; /* times at which its level began to get worse,
				   or better; oldest first */
	size_t flip_count;
	unsigned turn; /* the last one: STATE_WORSE, STATE_BETTER; 0: none */
	int64_t flapping_ms; /* since when it is held for that; 0: it isn't */

	int is_stale, is_stale_told;
	int was_silenced; /* it stands behind one that is bad */
	unsigned held; /* so many results, behind one nobody was told of */
	uint64_t calm_seq; /* the batch in which its raw result was OK or WARN
			      again */
	char *ack; /* owned: "WHO: REASON"; NULL: nobody has seen to it */

	struct change *changes; /* owned; NULL: there has been none */
	size_t change_count;

	const struct rules_of *rules; /* borrowed; set by tell.c */
	struct check *root; /* scratch of family.c */
	unsigned behind; /* scratch: checks silenced by this one */
	uint64_t here_seq; /* scratch: the batch that has it */
	uint64_t old_sweep; /* scratch: the one before this batch's */
	int is_calm; /* scratch: it flaps no longer */
	int is_missing; /* scratch: not where it was, so far */
	int is_gone; /* to be removed after this batch */
};

struct maint {
	char *pattern, *who, *reason; /* owned */
	int64_t since_ms, until_ms;
};

struct state {
	uint64_t seq; /* batches so far */
	uint64_t sweeps; /* complete ones so far, that nothing overlapped */
	int64_t wall_ms, up_ms; /* of the last one: CLOCK_REALTIME, BOOTTIME */
	int64_t before_ms; /* scratch: the one before, by today's clock */
	int is_rebuilt; /* scratch: what it held is not known any more */
	char *boot; /* owned; "" is unknown */
	struct check **checks; /* in the order they came */
	size_t count, cap;
	struct check **slots; /* open addressing; NULL: free */
	size_t slot_count;
	struct maint *maints;
	size_t maint_count;
	char **producers;
	size_t producer_count;
	struct ha_buf owed; /* transition records, TSV */
	size_t owed_count;
	const char *gate; /* scratch: whose it is, borrowed; or NULL */
};

/* HA_STATE_DIR/gate/NAME, which need not be there.  The caller frees it. */
char *state_path(const char *name);
/* Make the directory for it.  EX_CANTCREAT. */
int state_make_dir(struct ha_err *err);
/*
 * Is it letters, digits and "._-", not first a dot, of at most 64, and not the
 * name of a file beside a state (.lock, .new, .owed, .damaged-TIME)?
 */
int state_is_name(const char *name);

void state_init(struct state *state);
void state_release(struct state *state);
/*
 * Read the file.  0, also when there is none; EX_DATAERR when it is damaged
 * (state is empty then), EX_NOINPUT or EX_IOERR when it can't be read.
 */
int state_read(struct state *state, const char *path, struct ha_err *err);
/* The same of its text, in place: len bytes and a NUL. */
int
state_decode(struct state *state, char *text, size_t len, struct ha_err *err);
void
state_encode(struct ha_buf *out, const struct state *state, const char *name);

/* NULL: no such check. */
struct check *
state_find(const struct state *state, const char *host, const char *check);
/* The same, made if it is not there. */
struct check *
state_get(struct state *state, const char *host, const char *check);
/*
 * The name of a sweep's own check, which is this machine's: "sweep:" and
 * "GATE/PRODUCER", as two gates may have one producer; PRODUCER alone when gate
 * is NULL.  The caller frees it.
 */
char *state_sweep_check(const char *gate, const char *producer);
/* NULL: no such check. */
struct check *state_find_sweep(const struct state *state, const char *producer);
int check_is_sweep(const struct check *check);
/* Drop the checks that are marked is_gone. */
void state_sweep(struct state *state);
/* The one string for a producer's name, kept as long as state. */
const char *state_producer(struct state *state, const char *name);

/* Take a copy of a record as the newest one. */
void check_set_last(
    struct check *check, const struct ha_status *status, int64_t time_ms);
/* One more change for --history. */
void check_add_change(struct check *check, const struct ha_transition *told);

/* One more that is to be told. */
void state_owe(struct state *state, const struct ha_transition *transition);

/* The maintenance that a check is in at now_ms; NULL: none. */
const struct maint *state_maint(
    const struct state *state, const struct check *check, int64_t now_ms);
void state_add_maint(struct state *state, const char *pattern, int64_t since_ms,
    int64_t until_ms, const char *who, const char *reason);
/* Those that have ended are dropped. */
void state_end_maints(struct state *state, int64_t now_ms);

/*
 * By how many milliseconds the wall clock was stepped since the last batch: on
 * the same boot, the difference to CLOCK_BOOTTIME, on another what it has lost.
 * 0: it wasn't.
 */
int64_t state_clock_step(const struct state *state, int64_t now_ms);
/*
 * Take the clocks of now into the state.  After a step all that waits for a time
 * is moved along, and so are the times that this machine gave to incidents.
 * Returns that step.
 */
int64_t state_set_clock(struct state *state, int64_t now_ms);

#endif
