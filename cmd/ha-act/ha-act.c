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
#include "name.h"
#include "opt.h"
#include "sig.h"

/* More than this is not read while stdout's reader is behind. */
#define BEHIND_MAX (1024 * 1024)
/* After a signal, or without a reader, for what is in the pipe already. */
#define LEFT_READS 16
/* What stdout's reader has, after a signal, to take the rest. */
#define LEAVE_MS 5000
#define RUNS_MAX 1000

static struct options options = {
	.events = 1U << HA_TRANSITION_PROBLEM | 1U << HA_TRANSITION_WORSE |
		  1U << HA_TRANSITION_REMINDER,
	.states = 1U << HA_STATUS_CRIT,
	.policy = { .backoff_ms = 10000 },
	.limit = "3/10m",
	.deadline_ms = 60000,
	.grace_ms = 5000,
	.parallel = 1,
};
static const char *name;

static void
add_pattern(void *target, const char *arg)
{
	struct options *o = target;

	o->patterns = ha_xrealloc(
	    o->patterns, (o->pattern_count + 1) * sizeof(*o->patterns));
	o->patterns[o->pattern_count++] = arg;
}

/* Each word of a list, to add(). */
static void
each_word(const char *list, void (*add)(const char *word))
{
	char *copy = ha_xstrdup(list), *rest = copy, *word;

	while ((word = strsep(&rest, ",")))
		add(word);
	free(copy);
}

static void
add_event(const char *word)
{
	enum ha_transition_event event;

	if (ha_transition_parse_event(word, &event))
		ha_die(EX_USAGE, "--on: '%s' is no event; try 'ha-act --help'",
		    word);
	if (ha_transition_is_end(event))
		ha_die(EX_USAGE,
		    "--on: at %s runs are forgotten, and nothing can be run",
		    word);
	options.events |= 1U << event;
}

static void
set_events(void *target, const char *arg)
{
	(void)target;
	options.events = 0;
	each_word(arg, add_event);
}

static void
add_state(const char *word)
{
	enum ha_status_state state;

	if (ha_status_parse_state(word, &state))
		ha_die(EX_USAGE,
		    "--state: '%s' is no state (OK, WARN, CRIT, UNKNOWN)",
		    word);
	options.states |= 1U << state;
}

static void
set_states(void *target, const char *arg)
{
	(void)target;
	options.states = 0;
	each_word(arg, add_state);
}

static const struct ha_opt opts[] = {
	{ 'm', "match", "PATTERN", HA_OPT_CALL, &options,
	    "only for checks that match, as CHECK or CHECK@HOST; repeatable",
	    add_pattern },
	{ 0, "on", "EVENT,...", HA_OPT_CALL, NULL,
	    "at these events (problem,worse,reminder)", set_events },
	{ 0, "state", "STATE,...", HA_OPT_CALL, NULL, "in these states (CRIT)",
	    set_states },
	{ 'l', "limit", "N/DURATION", HA_OPT_STRING, &options.limit,
	    "give up after N runs for a check in DURATION (3/10m)" },
	{ 0, "backoff", "DURATION", HA_OPT_DURATION, &options.policy.backoff_ms,
	    "wait between runs, doubled after each until the check has "
	    "recovered (10s)" },
	{ 't', "timeout", "DURATION", HA_OPT_DURATION, &options.deadline_ms,
	    "limit of one run: then SIGTERM to its process group (1m)" },
	{ 0, "grace", "DURATION", HA_OPT_DURATION, &options.grace_ms,
	    "from SIGTERM to SIGKILL (5s)" },
	{ 0, "together", NULL, HA_OPT_FLAG, &options.together,
	    "all checks that match are of one service: one run, one limit" },
	{ 0, "parallel", "N", HA_OPT_NUMBER, &options.parallel,
	    "run at most N at the same time, for different checks (1)" },
	{ 0, "name", "NAME", HA_OPT_STRING, &name,
	    "count runs under this name (the words of COMMAND)" },
	{ 'n', "dry-run", NULL, HA_OPT_FLAG, &options.dry_run,
	    "say on stderr what would be run and what not; run nothing" },
	{ 0, "force", "REASON", HA_OPT_STRING, &options.force,
	    "act on a standby too; logged" },
	{ 0, NULL, NULL, HA_OPT_FLAG, NULL, NULL },
};

static const struct ha_opt_command command = {
	.name = "ha-act",
	.synopsis = "[options] -- COMMAND [ARG...]",
	.purpose = "run a command when a check goes bad, and pass its "
		   "transition records on",
	.details =
	    "  ha-gate web ... | ha-act -m 'nginx*' -l 3/10m -- systemctl restart nginx |\n"
	    "      ha-alert ops\n"
	    "\n"
	    "Exit status: 0 all is passed on and what was done is told, also when the\n"
	    "command failed; 64 usage; 65 a line was no transition record; 71 system; 73,\n"
	    "74 the state can't be written, so nothing was run; output failed; 75 ended\n"
	    "by a signal; 78 the role file can't be read.\n",
	.operands = "none",
	.opts = opts,
};

static _Noreturn void
refuse(const char *what)
{
	ha_die(EX_USAGE, "%s; try 'ha-act --help'", what);
}

static void
parse_limit(void)
{
	struct policy *policy = &options.policy;
	struct ha_err err;
	char *end;
	long runs;

	errno = 0;
	runs = strtol(options.limit, &end, 10);
	if (errno || end == options.limit || *end != '/' || runs < 1 ||
	    runs > RUNS_MAX)
		refuse("-l takes N/DURATION, as 3/10m; N is 1 to 1000");
	options.window = end + 1;
	if (ha_clock_parse_ms(options.window, &policy->window_ms, &err))
		ha_die(EX_USAGE, "-l: %s", err.msg);
	if (!policy->window_ms)
		refuse("-l: a limit needs a time");
	policy->max_runs = (size_t)runs;
}

static void
take_command(char **argv, int argc, int first)
{
	struct ha_buf words = HA_BUF_INIT;

	if (first == argc)
		refuse("which COMMAND?");
	/* Else its options would be taken for ours. */
	if (strcmp(argv[first - 1], "--") != 0)
		refuse("COMMAND comes after --");
	if (!*argv[first])
		refuse("COMMAND is empty");
	options.argv = (const char *const *)(argv + first);
	name_add_words(&words, options.argv);
	options.words = ha_buf_detach(&words);
	if (name && !name_is_valid(name))
		refuse("--name is of letters, digits, '-', '_' and '.', "
		       "64 at most");
	options.name = name ? ha_xstrdup(name) : name_of_command(options.argv);
}

static void
check_usage(void)
{
	parse_limit();
	if (!options.deadline_ms)
		refuse("-t can't be 0");
	if (options.parallel < 1)
		refuse("--parallel is 1 at least");
	if (options.force && !*options.force)
		refuse("--force needs a reason in words");
	for (size_t i = 0; i < options.pattern_count; i++)
		if (!*options.patterns[i])
			refuse("-m needs a PATTERN");
}

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
	struct ha_err err;
	struct act act;
	int first, signals;

	ha_msg_init("ha-act");
	first = ha_opt_parse(argc, argv, &command, EX_USAGE);
	check_usage();
	take_command(argv, argc, first);
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
	free(options.words);
	free(options.name);
	free(options.patterns);
	return act.status;
}
