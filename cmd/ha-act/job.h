/* SPDX-License-Identifier: ISC */
/*
 * job - a command that runs: its output, its deadline, its end.
 *
 * stdout and stderr are read together, each line goes to our stderr, escaped,
 * and the last one is kept.  At the deadline the process group gets SIGTERM,
 * after the grace SIGKILL.  What the command leaves in the background when it
 * ends by itself lives on, but nobody reads what it writes then.
 */
#ifndef ACT_JOB_H
#define ACT_JOB_H

#include <stdint.h>
#include <sys/types.h>

#include "buf.h"
#include "err.h"

enum job_stage {
	JOB_RUNS,
	JOB_TERMINATED, /* SIGTERM was sent */
	JOB_KILLED, /* SIGKILL was sent */
	JOB_ENDED,
	JOB_STUCK, /* it survives SIGKILL, as in a call on a dead disk */
};

struct job {
	pid_t pid;
	int pidfd;
	int output; /* -1: at its end */
	enum job_stage stage;
	int is_interrupted; /* ended by job_interrupt(), not by its deadline */
	int was_terminated; /* by one of both, */
	int was_killed; /* and SIGTERM was not enough */
	int status; /* as of ha_run_reap(), once it is JOB_ENDED */
	const char *label; /* before its lines on stderr; borrowed */
	int64_t start_ns, end_ns;
	int64_t deadline_ns; /* of this stage */
	int64_t grace_ms;
	struct ha_buf line; /* the one that is not whole yet */
	struct ha_buf last; /* the last that holds more than blanks */
	unsigned lines;
};

/* How a job is to be run. */
struct job_order {
	const char *const *argv;
	const char *const *env; /* run.h */
	const char *input; /* on its stdin: at most what a pipe holds */
	size_t input_len;
	const char *label;
	int64_t limit_ms, grace_ms;
};

/* EX_UNAVAILABLE, EX_OSERR: it can't be started, and nothing is held. */
int
job_start(struct job *job, const struct job_order *order, struct ha_err *err);
/* Read what it wrote, see whether it has ended, do what its deadline asks. */
void job_step(struct job *job);
/*
 * When it has to be looked at even if poll(2) finds nothing (clock.h), and the
 * descriptors to poll for POLLIN, either of which may be -1.
 */
int64_t job_deadline(const struct job *job);
void job_descriptors(const struct job *job, int fds[2]);
/* Is it over: JOB_ENDED or JOB_STUCK? */
int job_is_over(const struct job *job);
/* End it before its time. */
void job_interrupt(struct job *job);
void job_release(struct job *job);

#endif
