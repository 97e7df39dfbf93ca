/* SPDX-License-Identifier: ISC */
/*
 * control - the socket at which a keeper is asked and told: NAME.sock, a stream
 * socket of mode 0600, for its own user and root.
 *
 * A question is a line, one a connection: "status", "stop" or "restart".  The
 * answer is a line: the view (view.h), "done" or "fail" with TAB and words.
 * "stop" and "restart" are answered when that is so.
 */
#ifndef KEEP_CONTROL_H
#define KEEP_CONTROL_H

#include <poll.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

#define CONTROL_CLIENTS 16
#define CONTROL_FDS (CONTROL_CLIENTS + 1)

enum control_verb {
	CONTROL_NOTHING, /* not asked yet */
	CONTROL_STATUS,
	CONTROL_STOP,
	CONTROL_RESTART,
};

struct control_client {
	int fd; /* -1: a free place */
	enum control_verb waits_for;
	int64_t due_ns; /* then it is sent away */
};

struct control {
	int listen_fd;
	char *path; /* owned */
	struct control_client clients[CONTROL_CLIENTS];
};

/*
 * Listen at dir/NAME.sock; the caller holds NAME's lock, so what is there is a
 * dead one's.  EX_CANTCREAT.
 */
int control_open(struct control *control, const char *dir, const char *name,
    struct ha_err *err);
/* Hang up on everybody and remove the socket. */
void control_close(struct control *control);

/* Fill in what to poll; -1 stands for nothing. */
void
control_poll(const struct control *control, struct pollfd pfds[CONTROL_FDS]);
int64_t control_due_ns(const struct control *control);
/*
 * After poll(2): take clients and their questions.  ask() is called for each;
 * it may answer at once by control_answer().
 */
void control_run(struct control *control, const struct pollfd pfds[CONTROL_FDS],
    void (*ask)(void *context, enum control_verb verb), void *context);
/* The answer, a whole line, for everybody who waits for that. */
void control_answer(
    struct control *control, enum control_verb verb, const char *line);

/*
 * The other side: ask the keeper of that name, and have its answer until
 * deadline_ns, without its LF.  EX_UNAVAILABLE when nobody listens, or hangs up
 * without an answer; EX_NOPERM when it is another user's; EX_TEMPFAIL when the
 * time is over.
 */
int control_ask(const char *dir, const char *name, const char *question,
    int64_t deadline_ns, struct ha_buf *answer, struct ha_err *err);

#endif
