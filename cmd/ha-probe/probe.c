/* SPDX-License-Identifier: ISC */
/* probe - one check's life: its attempts, its deadline, its result. */
#include "probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "dialog.h"
#include "msg.h"

#define FIRST_PAUSE_MS 100
#define MAX_PAUSE_MS 2000

static void timer_fired(struct loop_timer *timer);
static void
resolved(struct resolve_wait *wait, const struct addresses *addresses);

static const struct way *
choose_way(const struct target *target)
{
	if (target->scheme->dialog == &dialog_mysql &&
	    target->settings.defaults_file != NULL)
		return &way_mysql;
	switch (target->scheme->way) {
	case WAY_DATAGRAM:
		return &way_datagram;
	case WAY_ICMP:
		return &way_icmp;
	case WAY_WEB:
		return &way_web;
	default:
		return &way_stream;
	}
}

void
probe_init(struct probe *probe, struct run *run, const struct target *target,
    const struct address *only)
{
	probe->run = run;
	probe->target = target;
	probe->only = only;
	probe->way = choose_way(target);
	probe->timer.fire = timer_fired;
	probe->wait.done = resolved;
	seen_init(&probe->seen);
	ha_buf_init(&probe->tried);
	ha_buf_init(&probe->msg);
	ha_buf_init(&probe->perf);
}

void
probe_release(struct probe *probe)
{
	free(probe->own.list);
	seen_release(&probe->seen);
	ha_buf_release(&probe->tried);
	ha_buf_release(&probe->msg);
	ha_buf_release(&probe->perf);
}

int
probe_has_ended(const struct probe *probe)
{
	return probe->phase == PHASE_ENDED;
}

/* What the end asks for is done by the loop, when the way is at rest. */
static void
end_attempt(struct probe *probe)
{
	probe->phase = PHASE_ENDED;
	probe->seen.end_ns = ha_clock_now_ns();
	loop_set_timer(probe->run->loop, &probe->timer, 0);
}

void
probe_done(struct probe *probe)
{
	if (!probe_has_ended(probe))
		end_attempt(probe);
}

static void __attribute__((format(printf, 2, 0)))
add_words(struct ha_buf *words, const char *fmt, va_list ap)
{
	if (words->len > 0)
		ha_buf_add_str(words, "; ");
	ha_buf_vaddf(words, fmt, ap);
}

void
probe_fail(struct probe *probe, enum probe_fault fault, const char *fmt, ...)
{
	va_list ap;

	if (probe_has_ended(probe))
		return;
	probe->has_failed = 1;
	probe->fault = fault;
	va_start(ap, fmt);
	add_words(&probe->msg, fmt, ap);
	va_end(ap);
	end_attempt(probe);
}

void
probe_warn(struct probe *probe, const char *fmt, ...)
{
	va_list ap;

	probe->state = ha_status_worse(probe->state, HA_STATUS_WARN);
	va_start(ap, fmt);
	add_words(&probe->msg, fmt, ap);
	va_end(ap);
}

static void
add_perf_time(struct probe *probe)
{
	const struct settings *settings = &probe->target->settings;
	const struct ha_perf time = {
		.label = "time",
		.value = (double)(int64_t)(probe->ms * 1000) / 1e6,
		.unit = "s",
		.thresholds = &settings->time,
		.min = 0,
		.max = (double)settings->timeout_ms / 1000,
	};

	ha_perf_add(&probe->perf, &time);
	if (probe->seen.perf.len > 0) {
		ha_buf_add_char(&probe->perf, ' ');
		ha_buf_add(
		    &probe->perf, probe->seen.perf.data, probe->seen.perf.len);
	}
}

static void __attribute__((format(printf, 2, 3)))
say(struct probe *probe, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add_words(&probe->msg, fmt, ap);
	va_end(ap);
}

/* The words of the service, their first line, unless they are quoted before. */
static void
add_seen_words(struct probe *probe)
{
	const struct ha_buf *words = &probe->seen.words;
	size_t len = strcspn(words->data, "\r\n");

	if (len > 0 &&
	    memmem(probe->msg.data, probe->msg.len, words->data, len) == NULL)
		say(probe, "%.*s", (int)len, words->data);
	else if (probe->msg.len == 0 && probe->seen.address != NULL)
		say(probe, "connected to %s", probe->seen.address);
}

static void
judge_expected(struct probe *probe)
{
	struct ha_buf words = HA_BUF_INIT;

	probe->state = ha_status_worse(
	    probe->state, expect_judge(probe->target->settings.expect,
			      &probe->seen, &words, &probe->perf));
	if (words.len > 0)
		say(probe, "%s", words.data);
	ha_buf_release(&words);
}

static void
judge_served(struct probe *probe)
{
	const struct settings *settings = &probe->target->settings;
	enum ha_status_state of_time;

	if (settings->expect != NULL)
		probe->state = ha_status_worse(
		    probe->state, expect_judge(settings->expect, &probe->seen,
				      &probe->msg, &probe->perf));
	of_time = ha_thresholds_judge(&settings->time, probe->ms / 1000, 0);
	if (of_time != HA_STATUS_OK)
		say(probe, "took %.3f s", probe->ms / 1000);
	probe->state = ha_status_worse(probe->state, of_time);
	add_seen_words(probe);
	if (probe->tried.len > 0)
		say(probe, "address %zu of %zu, %s",
		    probe->seen.address_index + 1, probe->addresses->count,
		    probe->tried.data);
}

static void
judge(struct probe *probe)
{
	static const enum ha_status_state states[] = {
		[FAULT_TARGET] = HA_STATUS_CRIT,
		[FAULT_LOCAL] = HA_STATUS_UNKNOWN,
		[FAULT_WARN] = HA_STATUS_WARN,
	};

	probe->ms =
	    (double)(probe->seen.end_ns - probe->seen.start_ns) / HA_MS_NS;
	add_perf_time(probe);
	if (probe->has_failed)
		probe->state = states[probe->fault];
	else
		judge_served(probe);
}

static void
stop_way(struct probe *probe)
{
	if (probe->is_started)
		probe->way->stop(probe);
	probe->is_started = 0;
}

static void
finish(struct probe *probe)
{
	probe->phase = PHASE_FINISHED;
	loop_clear_timer(probe->run->loop, &probe->timer);
	probe->finished(probe);
}

/* Is there another attempt to make, and the time for it? */
static int
pause_for_retry(struct probe *probe)
{
	int64_t pause_ms = MAX_PAUSE_MS;
	int64_t at_ns;

	if (probe->state == HA_STATUS_OK || probe->state == HA_STATUS_WARN ||
	    probe->attempt > probe->target->settings.retries)
		return 0;
	if (probe->attempt < 5)
		pause_ms = (int64_t)FIRST_PAUSE_MS << (probe->attempt - 1);
	at_ns = ha_clock_now_ns() + pause_ms * HA_MS_NS;
	if (at_ns >= probe->run->deadline_ns)
		return 0;
	probe->phase = PHASE_PAUSE;
	loop_set_timer(probe->run->loop, &probe->timer, at_ns);
	return 1;
}

static void
settle(struct probe *probe)
{
	stop_way(probe);
	if (probe->is_split) {
		finish(probe);
		return;
	}
	judge(probe);
	if (pause_for_retry(probe)) {
		ha_note("%s: attempt %u of %u: %s", probe->target->name,
		    probe->attempt,
		    (unsigned)probe->target->settings.retries + 1,
		    probe->msg.data);
		return;
	}
	if (probe->attempt > 1)
		ha_buf_addf(&probe->msg, " (attempt %u of %u)", probe->attempt,
		    (unsigned)probe->target->settings.retries + 1);
	finish(probe);
}

static void
begin_talk(struct probe *probe)
{
	probe->phase = PHASE_TALKING;
	probe->is_started = 1;
	probe->way->start(probe);
}

static void
resolved(struct resolve_wait *wait, const struct addresses *addresses)
{
	struct probe *probe = LOOP_OWNER(wait, struct probe, wait);
	const struct target *target = probe->target;
	struct address numeric;

	probe->addresses = addresses;
	probe->seen.name_ns = ha_clock_now_ns();
	probe->seen.address_count = addresses->count;
	if (addresses->count == 0) {
		probe_fail(probe,
		    addresses->is_local ? FAULT_LOCAL : FAULT_TARGET, "%s: %s",
		    target->host, addresses->words);
	} else if (target->settings.each_address && probe->only == NULL &&
		   !address_parse(&numeric, target->host, AF_UNSPEC)) {
		probe->is_split = 1;
		end_attempt(probe);
	} else {
		begin_talk(probe);
	}
}

/* Returns 1 when the settings say where it is, so that nobody is asked. */
static int
know_addresses(struct probe *probe)
{
	const struct settings *settings = &probe->target->settings;
	struct addresses *own = &probe->own;

	if (own->count > 0 || own->is_local)
		return 1;
	if (probe->only == NULL)
		return addresses_are_set(own, settings->resolve,
		    probe->target->host, settings->family);
	own->list = ha_xcalloc(1, sizeof(*own->list));
	own->list[0] = *probe->only;
	own->count = 1;
	return 1;
}

static void
begin_attempt(struct probe *probe)
{
	const struct target *target = probe->target;
	int64_t now_ns = ha_clock_now_ns();

	seen_reset(&probe->seen);
	ha_buf_reset(&probe->tried);
	ha_buf_reset(&probe->msg);
	ha_buf_reset(&probe->perf);
	probe->state = HA_STATUS_OK;
	probe->has_failed = 0;
	probe->addresses = NULL;
	probe->awaited = NULL;
	probe->attempt++;
	probe->seen.start_ns = now_ns;
	probe->deadline_ns = now_ns + target->settings.timeout_ms * HA_MS_NS;
	probe->phase = PHASE_RESOLVING;
	loop_set_timer(probe->run->loop, &probe->timer, probe->deadline_ns);
	if (target->host == NULL ||
	    (probe->way == &way_web && target->settings.proxy != NULL))
		begin_talk(probe);
	else if (know_addresses(probe))
		resolved(&probe->wait, &probe->own);
	else
		resolver_ask(probe->run->resolver, target->host,
		    target->settings.family, &probe->wait);
}

void
probe_start(struct probe *probe)
{
	begin_attempt(probe);
}

/* "5 s", "1.5 s", "300 ms" */
static void
time_words(int64_t ms, char *out, size_t size)
{
	if (ms > 1000 && ms < 60000 && ms % 1000 != 0)
		snprintf(out, size, "%g s", (double)ms / 1000);
	else
		ha_clock_words(ms, out, size);
}

/* The target, or our own link, owed something when the deadline passed. */
static void
fail_silent(struct probe *probe, const char *within)
{
	const char *owed = probe->way->awaiting(probe);
	char name[IF_NAMESIZE];

	if (probe_link_is_down(probe, name))
		probe_fail(probe, FAULT_LOCAL, "our link is down: %s", name);
	else if (probe->tried.len > 0 && probe->seen.address != NULL)
		probe_fail(probe, FAULT_TARGET, "%s from %s within %s; %s",
		    owed, probe->seen.address, within, probe->tried.data);
	else
		probe_fail(probe, FAULT_TARGET, "%s within %s", owed, within);
	if (probe->target->scheme->dialog == &dialog_plain &&
	    probe->seen.body.len > 0)
		judge_expected(probe);
}

static void
time_out(struct probe *probe)
{
	char within[32];

	time_words(probe->target->settings.timeout_ms, within, sizeof(within));
	if (probe->phase == PHASE_TALKING) {
		fail_silent(probe, within);
		return;
	}
	resolver_forget(probe->run->resolver, &probe->wait);
	probe_fail(probe, FAULT_LOCAL,
	    "%s: the resolver has no answer within %s", probe->target->host,
	    within);
}

static void
timer_fired(struct loop_timer *timer)
{
	struct probe *probe = LOOP_OWNER(timer, struct probe, timer);

	if (probe->phase == PHASE_PAUSE) {
		begin_attempt(probe);
		return;
	}
	if (!probe_has_ended(probe))
		time_out(probe);
	settle(probe);
}

/* What the sweep's deadline cut short: of this attempt, or of the one before. */
static const char *
unfinished(struct probe *probe)
{
	switch (probe->phase) {
	case PHASE_NEW:
		return "its turn did not come";
	case PHASE_RESOLVING:
		return "the resolver has no answer";
	case PHASE_TALKING:
		return probe->way->awaiting(probe);
	default:
		return probe->msg.data;
	}
}

/* Is what was cut short this machine's own doing?  link: the name, or "". */
static int
is_ours(const struct probe *probe, char link[IF_NAMESIZE])
{
	link[0] = '\0';
	switch (probe->phase) {
	case PHASE_RESOLVING:
		return 1;
	case PHASE_PAUSE:
		return probe->fault == FAULT_LOCAL;
	case PHASE_TALKING:
		if (probe->way->owes_ourselves != NULL &&
		    probe->way->owes_ourselves(probe))
			return 1;
		if (probe_link_is_down(probe, link))
			return 1;
		break;
	default:
		break;
	}
	link[0] = '\0';
	return 0;
}

void
probe_expire(struct probe *probe)
{
	char after[32], link[IF_NAMESIZE], *words;
	int ours;

	if (probe->is_split) {
		probe->is_split = 0;
		probe->phase = PHASE_NEW;
	} else if (probe_has_ended(probe)) {
		stop_way(probe);
		judge(probe);
		finish(probe);
		return;
	}
	ours = is_ours(probe, link);
	time_words(probe->run->sweep_ms, after, sizeof(after));
	words = ha_xasprintf("deadline of the sweep (%s): %s%s", after,
	    link[0] ? "our link is down: " : "",
	    link[0] ? link : unfinished(probe));
	if (probe->phase == PHASE_RESOLVING)
		resolver_forget(probe->run->resolver, &probe->wait);
	stop_way(probe);
	ha_buf_reset(&probe->msg);
	ha_buf_add_str(&probe->msg, words);
	free(words);
	if (probe->phase != PHASE_NEW && probe->phase != PHASE_PAUSE)
		probe->ms = (double)(ha_clock_now_ns() - probe->seen.start_ns) /
			    HA_MS_NS;
	probe->state = ours ? HA_STATUS_UNKNOWN : HA_STATUS_CRIT;
	finish(probe);
}
