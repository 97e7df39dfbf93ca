/* SPDX-License-Identifier: ISC */
/*
 * check - one verdict a peer, and three ways to print them.
 */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "out.h"
#include "rec.h"
#include "report.h"
#include "statefile.h"
#include "target.h"

/* Three times REPORT_EVERY_MS: nobody writes it any more. */
#define OLD_MS (3 * REPORT_EVERY_MS)
#define NAGIOS_MAX 400

struct verdict {
	enum ha_status_state state;
	char *target; /* owned */
	struct ha_buf words;
	int64_t lag_ms;
	uint64_t waiting, failing, held;
};

struct verdicts {
	struct verdict *list;
	size_t count;
};

static void
worsen(struct verdict *verdict, enum ha_status_state state)
{
	verdict->state = ha_status_worse(verdict->state, state);
}

/* By the clock that nobody sets, as long as the machine runs. */
static int64_t
age_of(const struct statefile *state, const struct stat *st)
{
	char boot[REPORT_BOOT_SIZE];
	int64_t age_ms;

	report_boot(boot);
	if (state->boot != NULL && strcmp(boot, "-") != 0 &&
	    strcmp(state->boot, boot) == 0)
		age_ms = report_uptime_ms() - state->uptime_ms;
	else
		age_ms = ((int64_t)time(NULL) - st->st_mtim.tv_sec) * 1000;
	return age_ms < 0 ? -age_ms : age_ms;
}

static void
add_duration(
    struct ha_buf *words, const char *before, int64_t ms, const char *after)
{
	char text[64];

	ha_clock_words(ms, text, sizeof(text));
	ha_buf_addf(words, "%s%s%s", before, text, after);
}

static void
judge_lag(const struct check_conf *conf, struct verdict *verdict)
{
	enum ha_status_state state = HA_STATUS_OK;

	if (verdict->waiting == 0)
		return;
	if (verdict->lag_ms >= conf->crit_ms)
		state = HA_STATUS_CRIT;
	else if (verdict->lag_ms >= conf->warn_ms)
		state = HA_STATUS_WARN;
	if (state != HA_STATUS_OK)
		add_duration(&verdict->words, "a change has waited for ",
		    verdict->lag_ms, "; ");
	worsen(verdict, state);
}

static int
is_about(const struct statefile *state, const char *cause)
{
	return state->cause != NULL && strcmp(state->cause, cause) == 0;
}

static void
judge(const struct check_conf *conf, const struct statefile *state,
    int64_t age_ms, struct verdict *verdict)
{
	verdict->state =
	    is_about(state, "lagging") ? HA_STATUS_OK : state->state;
	verdict->waiting = state->waiting;
	verdict->failing = state->failing;
	verdict->held = state->held;
	verdict->lag_ms = state->lag_ms;
	if (state->waiting > 0)
		verdict->lag_ms += age_ms;
	if (age_ms > OLD_MS) {
		worsen(verdict, HA_STATUS_CRIT);
		add_duration(&verdict->words, "the status file is ", age_ms,
		    " old: does ha-push run?  It said: ");
	}
	judge_lag(conf, verdict);
	if (state->failing > 0)
		worsen(verdict, HA_STATUS_WARN);
	if (state->held > 0) {
		worsen(verdict, HA_STATUS_CRIT);
		/* Else its message begins with that. */
		if (!is_about(state, "held"))
			ha_buf_addf(&verdict->words, "%llu deletion%s held; ",
			    (unsigned long long)state->held,
			    state->held == 1 ? " is" : "s are");
	}
	ha_buf_add_str(&verdict->words,
	    state->message != NULL ? state->message : "no words");
}

static struct verdict *
new_verdict(struct verdicts *verdicts, const char *target)
{
	struct verdict *verdict;

	verdicts->list = ha_xrealloc(
	    verdicts->list, (verdicts->count + 1) * sizeof(*verdicts->list));
	verdict = &verdicts->list[verdicts->count++];
	memset(verdict, 0, sizeof(*verdict));
	verdict->target = ha_xstrdup(target);
	ha_buf_init(&verdict->words);
	return verdict;
}

/* No file: nobody mirrors.  What can't be read may be well all the same. */
static void
judge_unread(
    const char *file, const struct ha_err *err, struct verdict *verdict)
{
	if (err->status == EX_NOINPUT && err->sys == ENOENT) {
		verdict->state = HA_STATUS_CRIT;
		ha_buf_addf(&verdict->words,
		    "there is no status file %s: does ha-push run?", file);
	} else {
		verdict->state = HA_STATUS_UNKNOWN;
		ha_buf_add_str(&verdict->words, err->msg);
	}
}

static void
check_file(const struct check_conf *conf, const char *file, const char *target,
    struct verdicts *verdicts)
{
	struct statefile state;
	struct stat st;
	struct ha_err err;
	int rc;

	statefile_init(&state);
	rc = statefile_read(file, &state, &st, &err);
	if (rc == 0 && state.is_index && target != NULL)
		rc = ha_err_set(&err, EX_DATAERR, 0,
		    "%s: an index where a peer's status file is to be", file);
	if (rc == 0 && state.is_index) {
		for (size_t i = 0; i < state.peer_count; i++)
			check_file(conf, state.peers[i].file,
			    state.peers[i].target, verdicts);
	} else if (rc == 0) {
		judge(conf, &state, age_of(&state, &st),
		    new_verdict(verdicts, state.target));
	} else {
		judge_unread(file, &err,
		    new_verdict(verdicts, target != NULL ? target : file));
	}
	statefile_release(&state);
}

static void
add_perf(struct ha_buf *perf, const struct check_conf *conf,
    const struct verdict *verdict)
{
	ha_buf_addf(perf,
	    "lag=%lld.%03llds;%.10g;%.10g waiting=%llu failing=%llu "
	    "held=%llu",
	    (long long)(verdict->lag_ms / 1000),
	    (long long)(verdict->lag_ms % 1000), (double)conf->warn_ms / 1000,
	    (double)conf->crit_ms / 1000, (unsigned long long)verdict->waiting,
	    (unsigned long long)verdict->failing,
	    (unsigned long long)verdict->held);
}

static void
add_record(struct ha_buf *out, const struct check_conf *conf,
    const struct verdict *verdict)
{
	struct target target = { NULL, NULL, NULL, NULL };
	struct ha_buf perf = HA_BUF_INIT;
	struct ha_err err;
	int known = target_parse(&target, verdict->target, &err) == 0;
	char *check =
	    ha_xasprintf("push:%s", known ? target.dir : verdict->target);
	struct ha_status status = {
		.host = known ? target.host : "",
		.check = check,
		.state = verdict->state,
		.ms = (double)verdict->lag_ms,
		.target = verdict->target,
		.msg = verdict->words.data,
		.perf = "",
	};

	add_perf(&perf, conf, verdict);
	status.perf = perf.data;
	if (strcmp(conf->format, "json") == 0)
		ha_status_encode_json(out, &status);
	else
		ha_status_encode(out, &status);
	ha_buf_release(&perf);
	target_release(&target);
	free(check);
}

static void
print_records(const struct check_conf *conf, const struct verdicts *verdicts,
    enum ha_status_state worst)
{
	int json = strcmp(conf->format, "json") == 0;
	struct ha_buf out = HA_BUF_INIT;
	char id[32];

	snprintf(id, sizeof(id), "%ld", (long)getpid());
	ha_status_begin(&out, "ha-push", id, json);
	for (size_t i = 0; i < verdicts->count; i++)
		if (!conf->quiet || verdicts->list[i].state != HA_STATUS_OK)
			add_record(&out, conf, &verdicts->list[i]);
	ha_status_end(
	    &out, id, (unsigned)verdicts->count, worst, conf->quiet, json);
	ha_out_write(out.data, out.len);
	ha_buf_release(&out);
}

/* Words of a foreign file: cut at a whole character, a bar ends them. */
static void
add_words(struct ha_buf *line, const char *words, size_t max)
{
	size_t start = line->len;

	ha_rec_add_printable(line, words, strlen(words));
	for (size_t i = start; i < line->len; i++)
		if (line->data[i] == '|')
			line->data[i] = '/';
	if (line->len <= max)
		return;
	while (max > start && ((unsigned char)line->data[max] & 0xc0) == 0x80)
		max--;
	ha_buf_truncate(line, max);
}

/* The worst peer in words, and the figures of all. */
static void
print_nagios(const struct check_conf *conf, const struct verdicts *verdicts,
    enum ha_status_state worst)
{
	static const struct verdict none;
	const struct verdict *first = &verdicts->list[0];
	struct verdict all = none;
	struct ha_buf words = HA_BUF_INIT, perf = HA_BUF_INIT;
	struct ha_buf line = HA_BUF_INIT;
	size_t well = 0;

	for (size_t i = 0; i < verdicts->count; i++) {
		const struct verdict *verdict = &verdicts->list[i];

		if (first->state != worst && verdict->state == worst)
			first = verdict;
		if (verdict->lag_ms > all.lag_ms)
			all.lag_ms = verdict->lag_ms;
		all.waiting += verdict->waiting;
		all.failing += verdict->failing;
		all.held += verdict->held;
		well += verdict->state == HA_STATUS_OK;
	}
	if (verdicts->count > 1)
		ha_buf_addf(&words, "%zu of %zu peers are well; ", well,
		    verdicts->count);
	ha_buf_addf(&words, "%s: %s", first->target, first->words.data);
	add_perf(&perf, conf, &all);
	ha_buf_addf(&line, "HA-PUSH %s - ", ha_status_name(worst));
	add_words(&line, words.data, NAGIOS_MAX - perf.len - 4);
	ha_buf_addf(&line, " | %s\n", perf.data);
	ha_out_write(line.data, line.len);
	ha_buf_release(&words);
	ha_buf_release(&perf);
	ha_buf_release(&line);
}

enum ha_status_state
check_run(const struct check_conf *conf)
{
	struct verdicts verdicts = { NULL, 0 };
	enum ha_status_state worst = HA_STATUS_OK;

	check_file(conf, conf->file, NULL, &verdicts);
	if (verdicts.count == 0)
		return HA_STATUS_UNKNOWN;
	for (size_t i = 0; i < verdicts.count; i++)
		worst = ha_status_worse(worst, verdicts.list[i].state);
	if (strcmp(conf->format, "nagios") == 0)
		print_nagios(conf, &verdicts, worst);
	else
		print_records(conf, &verdicts, worst);
	for (size_t i = 0; i < verdicts.count; i++) {
		free(verdicts.list[i].target);
		ha_buf_release(&verdicts.list[i].words);
	}
	free(verdicts.list);
	return worst;
}
