/* SPDX-License-Identifier: ISC */
/* wait - sweep after sweep. */
#include "wait.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "rec.h"

struct wait {
	const struct targets *targets;
	const struct wait_options *options;
	int64_t deadline_ns; /* of all of it */
	struct results *last; /* the last whole sweep */
	int is_whole; /* was there one? */
	int is_terminal;
};

static void
begin(struct wait *wait, const struct targets *targets,
    const struct wait_options *options, struct results *last)
{
	memset(wait, 0, sizeof(*wait));
	memset(last, 0, sizeof(*last));
	wait->targets = targets;
	wait->options = options;
	wait->deadline_ns = ha_clock_deadline(options->limit_ms);
	wait->last = last;
	wait->is_terminal = isatty(STDERR_FILENO);
}

/*
 * One more sweep.  1: it is whole; 0: a deadline cut it off, so that what it
 * says of those that were left is no answer of theirs; -1.
 */
static int
sweep(struct wait *wait, struct ha_err *err)
{
	struct schedule_options options = {
		.deadline_ns = ha_clock_deadline(wait->options->sweep_ms),
		.parallel = wait->options->parallel,
	};
	struct results results = { NULL, 0, 0 };
	int is_whole;

	if (options.deadline_ns > wait->deadline_ns)
		options.deadline_ns = wait->deadline_ns;
	if (schedule_run(wait->targets, &options, results_add, &results, err)) {
		results_release(&results);
		return -1;
	}
	is_whole = ha_clock_now_ns() < options.deadline_ns;
	if (is_whole || !wait->is_whole) {
		results_release(wait->last);
		*wait->last = results;
	} else {
		results_release(&results);
	}
	wait->is_whole |= is_whole;
	return is_whole;
}

/* One line on the terminal that the next one writes over. */
static void
show(const struct wait *wait)
{
	const struct ha_status *first = NULL;
	struct ha_buf text = HA_BUF_INIT, line = HA_BUF_INIT;
	size_t i, n = 0;

	if (!wait->is_terminal)
		return;
	for (i = 0; i < wait->last->count; i++)
		if (wait->last->list[i].status.state != HA_STATUS_OK) {
			if (!first)
				first = &wait->last->list[i].status;
			n++;
		}
	ha_buf_addf(&text, "%zu of %zu not OK", n, wait->last->count);
	if (first)
		ha_buf_addf(&text, ": %s %s %s", first->check,
		    ha_status_name(first->state), first->msg);
	if (text.len > 70)
		ha_buf_truncate(&text, 70);
	ha_buf_add_str(&line, "\r\033[K");
	ha_rec_add_printable(&line, text.data, text.len);
	if (write(STDERR_FILENO, line.data, line.len) < 0)
		ha_buf_reset(&line);
	ha_buf_release(&text);
	ha_buf_release(&line);
}

static void
end(const struct wait *wait)
{
	static const char clear[] = "\r\033[K";

	if (wait->is_terminal &&
	    write(STDERR_FILENO, clear, sizeof(clear) - 1) < 0)
		return;
}

/* Until the next sweep is due.  0: the time is over. */
static int
pause_since(const struct wait *wait, int64_t start_ns)
{
	int64_t until = start_ns + wait->options->interval_ms * HA_MS_NS;
	struct timespec at;

	if (until >= wait->deadline_ns)
		until = wait->deadline_ns;
	at.tv_sec = until / HA_S_NS;
	at.tv_nsec = until % HA_S_NS;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL))
		;
	return ha_clock_now_ns() < wait->deadline_ns;
}

int
wait_until_ok(const struct targets *targets, const struct wait_options *options,
    struct results *last, struct ha_err *err)
{
	struct wait wait;
	int64_t start_ns;
	int result;

	begin(&wait, targets, options, last);
	do {
		start_ns = ha_clock_now_ns();
		result = sweep(&wait, err);
		if (result < 0 ||
		    results_worst(last, targets->count) == HA_STATUS_OK)
			break;
		show(&wait);
	} while (pause_since(&wait, start_ns));
	end(&wait);
	return result < 0 ? -1 : 0;
}

static int
is_witness(const struct wait *wait, const struct result *result)
{
	return result->order >= wait->targets->count - wait->options->witnesses;
}

/* Is every target dead, as far as can be seen, and every witness OK? */
static int
looks_down(const struct wait *wait)
{
	const struct results *results = wait->last;
	enum ha_status_state wanted;
	size_t i;

	for (i = 0; i < results->count; i++) {
		wanted = is_witness(wait, &results->list[i]) ? HA_STATUS_OK
							     : HA_STATUS_CRIT;
		if (results->list[i].status.state != wanted)
			return 0;
	}
	return results->count > 0;
}

static void
add_result(struct ha_buf *words, const struct result *result)
{
	ha_buf_addf(words, "%s is %s (%s)", result->status.check,
	    ha_status_name(result->status.state), result->status.msg);
}

static void
add_first_target(const struct wait *wait, struct ha_buf *words)
{
	size_t i;

	for (i = 0; i < wait->last->count; i++)
		if (!is_witness(wait, &wait->last->list[i])) {
			add_result(words, &wait->last->list[i]);
			return;
		}
}

/* The first that is as it should not be, to be down. */
static const struct result *
find_doubt(const struct wait *wait)
{
	const struct result *result, *doubt = NULL;
	size_t i;

	for (i = 0; i < wait->last->count; i++) {
		result = &wait->last->list[i];
		if (!is_witness(wait, result) &&
		    (result->status.state == HA_STATUS_OK ||
			result->status.state == HA_STATUS_WARN))
			return result;
		if (!doubt && result->status.state != (is_witness(wait, result)
							      ? HA_STATUS_OK
							      : HA_STATUS_CRIT))
			doubt = result;
	}
	return doubt;
}

/* When the time is over. */
static enum wait_verdict
conclude(const struct wait *wait, int64_t streak, struct ha_buf *words)
{
	const struct result *doubt = find_doubt(wait);

	if (doubt && wait->is_whole && !is_witness(wait, doubt) &&
	    doubt->status.state != HA_STATUS_UNKNOWN) {
		ha_buf_add_str(words, "still up: ");
		add_result(words, doubt);
		return WAIT_UP;
	}
	ha_buf_add_str(words, "not known: ");
	if (!wait->is_whole)
		ha_buf_add_str(words, "no sweep was done in time");
	else if (!doubt)
		ha_buf_addf(words, "CRIT only %lld time%s in a row",
		    (long long)streak, streak == 1 ? "" : "s");
	else
		add_result(words, doubt);
	return WAIT_NOT_KNOWN;
}

int
wait_until_down(const struct targets *targets,
    const struct wait_options *options, enum wait_verdict *verdict,
    struct ha_buf *words, struct results *last, struct ha_err *err)
{
	struct wait wait;
	int64_t start_ns, streak = 0;
	int result;

	begin(&wait, targets, options, last);
	do {
		start_ns = ha_clock_now_ns();
		result = sweep(&wait, err);
		if (result < 0)
			break;
		streak = result && looks_down(&wait) ? streak + 1 : 0;
		show(&wait);
	} while (streak < options->confirm && pause_since(&wait, start_ns));
	end(&wait);
	if (result < 0)
		return -1;
	if (streak < options->confirm) {
		*verdict = conclude(&wait, streak, words);
		return 0;
	}
	*verdict = WAIT_DOWN;
	ha_buf_addf(words,
	    "down: %lld times in a row, the last time: ", (long long)streak);
	add_first_target(&wait, words);
	return 0;
}
