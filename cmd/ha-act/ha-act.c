/* SPDX-License-Identifier: ISC */
/*
 * ha-act - run a command when a check goes bad, with limits, and pass every
 * record on: the restart between ha-gate and ha-alert.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "act.h"
#include "alloc.h"
#include "clock.h"
#include "in.h"
#include "msg.h"
#include "options.h"
#include "sig.h"

/* More than this is not read while stdout's reader is behind. */
#define BEHIND_MAX (1024 * 1024)
/* After a signal, or without a reader, for what is in the pipe already. */
#define LEFT_READS 16
/* What stdout's reader has, after a signal, to take the rest. */
#define LEAVE_MS 5000

/* stdin, and whether more is to be read of it. */
struct source {
	struct ha_in in;
	int is_over;
	int only_left; /* no more than is in the pipe already, */
	int reads; /* in so many reads: who writes may never stop */
};

static void
bad_line(struct act *act, unsigned long long number, const char *what)
{
	ha_say("line %llu: %s", number, what);
	act_failed(act, EX_DATAERR);
}

/* It is passed on whatever it is, but for what is no line. */
static void
take_line(struct act *act, struct source *source, char *line, size_t len)
{
	struct ha_err err;

	line[len] = '\n';
	pass_add(&act->pass, line, len + 1);
	line[len] = '\0';
	if (*line != '#' && act_take(act, line, len, &err))
		bad_line(act, source->in.number, err.msg);
}

static void
take_lines(struct act *act, struct source *source)
{
	struct ha_err err;
	char *line;
	size_t len;
	int found;

	while ((found = ha_in_next(&source->in, &line, &len, &err)))
		if (found > 0)
			take_line(act, source, line, len);
		else
			bad_line(act, source->in.number, err.msg);
}

static void
end_source(struct act *act, struct source *source)
{
	source->is_over = 1;
	if (source->in.eof && ha_in_rest(&source->in))
		bad_line(act, source->in.number + 1,
		    "it is cut off, and not passed on");
}

static void
read_source(struct act *act, struct source *source)
{
	struct ha_err err;
	int got = ha_in_fill(&source->in, &err);

	if (got < 0 && err.sys == EAGAIN)
		return;
	if (got < 0) {
		ha_say("stdin: %s", err.msg);
		act_failed(act, err.status);
		source->is_over = 1;
		return;
	}
	take_lines(act, source);
	if (!got)
		end_source(act, source);
}

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

enum { SIGNALS, INPUT, OUTPUT, FIXED };

/* The descriptors of all that runs, and when it has to be looked at. */
static size_t
add_runs(const struct act *act, struct pollfd **fds, int64_t *deadline_ns)
{
	size_t count = FIXED;
	int both[2];

	for (const struct run *run = act->runs; run; run = run->next) {
		*fds = ha_xrealloc(*fds, (count + 2) * sizeof(**fds));
		job_descriptors(&run->job, both);
		for (int i = 0; i < 2; i++)
			(*fds)[count++] =
			    (struct pollfd){ .fd = both[i], .events = POLLIN };
		*deadline_ns = earlier(*deadline_ns, job_deadline(&run->job));
	}
	return count;
}

static void
take_signals(struct act *act, struct source *source, int signals)
{
	int sig;

	while ((sig = ha_sig_next(signals)))
		if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP) {
			act_end(act);
			source->only_left = 1;
		}
}

/* The next write may be hours away. */
static void
see_reader(struct pass *pass, short revents)
{
	if (pass->buf.len || pass->is_gone ||
	    !(revents & (POLLERR | POLLHUP | POLLNVAL)))
		return;
	pass->is_gone = 1;
	ha_err_set(&pass->err, EX_IOERR, EPIPE, "can't write to stdout");
}

static void
see_input(struct act *act, struct source *source, short revents)
{
	if (revents)
		read_source(act, source);
	if (source->only_left && (!revents || ++source->reads == LEFT_READS))
		source->is_over = 1;
}

/* Wait until there is something to be done, and read what there is to read. */
static void
wait_and_read(
    struct act *act, struct source *source, int signals, int64_t deadline_ns)
{
	struct pollfd *fds = ha_xcalloc(FIXED, sizeof(*fds));
	int is_behind = act->pass.buf.len > BEHIND_MAX;
	size_t count = add_runs(act, &fds, &deadline_ns);

	fds[SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
	fds[INPUT] = (struct pollfd){
		.fd = source->is_over || is_behind ? -1 : STDIN_FILENO,
		.events = POLLIN,
	};
	fds[OUTPUT] = (struct pollfd){
		.fd = act->pass.is_gone ? -1 : STDOUT_FILENO,
		.events = act->pass.buf.len ? POLLOUT : 0,
	};
	if (source->only_left && !source->is_over)
		deadline_ns = 0;
	if (poll(fds, count, ha_clock_poll_ms(deadline_ns)) < 0 &&
	    errno != EINTR)
		ha_die(EX_OSERR, "can't poll: %s", strerror(errno));
	if (fds[SIGNALS].revents)
		take_signals(act, source, signals);
	see_reader(&act->pass, fds[OUTPUT].revents);
	if (!source->is_over)
		see_input(act, source, fds[INPUT].revents);
	free(fds);
}

/* After a signal: is stdout's reader given up? */
static int
gives_up(struct act *act, int64_t *leave_ns)
{
	if (!act->is_ending)
		return 0;
	if (*leave_ns == HA_CLOCK_NEVER)
		*leave_ns = ha_clock_deadline(LEAVE_MS);
	if (ha_clock_poll_ms(*leave_ns))
		return 0;
	ha_say("%zu bytes are not passed on: nobody takes them",
	    act->pass.buf.len);
	act_failed(act, EX_TEMPFAIL);
	return 1;
}

static void
loop(struct act *act, struct source *source, int signals)
{
	int64_t leave_ns = HA_CLOCK_NEVER;
	int is_busy;

	for (;;) {
		/* First the records go on, then something is done. */
		pass_flush(&act->pass);
		is_busy = act_step(act);
		pass_flush(&act->pass);
		if (act->pass.is_gone)
			source->only_left = 1;
		if (source->is_over && !is_busy &&
		    (!act->pass.buf.len || gives_up(act, &leave_ns)))
			return;
		wait_and_read(act, source, signals, leave_ns);
	}
}

/* Else a file of ours would take its place. */
static void
check_descriptors(void)
{
	if (fcntl(STDERR_FILENO, F_GETFD) < 0 &&
	    open("/dev/null", O_WRONLY) != STDERR_FILENO)
		exit(EX_IOERR);
	if (fcntl(STDIN_FILENO, F_GETFD) < 0)
		ha_die(EX_IOERR, "stdin is closed");
	if (fcntl(STDOUT_FILENO, F_GETFD) < 0)
		ha_die(EX_IOERR, "stdout is closed");
}

int
main(int argc, char **argv)
{
	struct source source = { .is_over = 0 };
	struct options options;
	struct ha_err err;
	struct act act;
	int signals;

	ha_msg_init("ha-act");
	options_parse(&options, argc, argv);
	check_descriptors();
	if (ha_sig_open(&signals, &err))
		ha_die_err(&err);
	if (isatty(STDIN_FILENO))
		ha_say("waiting for transition records from the terminal; "
		       "usual is: ha-gate ... | ha-act ... | ha-alert ...");
	act_init(&act, &options);
	ha_in_init(&source.in, STDIN_FILENO, '\n');
	loop(&act, &source, signals);
	if (act.pass.is_gone)
		pass_end(&act.pass);
	ha_in_release(&source.in);
	act_release(&act);
	options_release(&options);
	return act.status;
}
