/* SPDX-License-Identifier: ISC */
/*
 * sweep - what a round of checks found, in the form asked for.
 */
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "fs.h"
#include "out.h"
#include "sweep-format.h"
#include "text.h"

#define PLUGIN "check_ha_"

enum format {
	TSV,
	JSON,
	NAGIOS,
	PROM,
	TABLE,
};

static const char *const formats[] = {
	[TSV] = "tsv",
	[JSON] = "json",
	[NAGIOS] = "nagios",
	[PROM] = "prom",
	[TABLE] = "table",
};

struct ha_sweep {
	struct ha_sweep_options options;
	enum format format;
	char id[48];
	struct ha_buf held; /* #begin and the one record that is expected */
	struct ha_sweep_results results; /* tsv, json: only counted */
	size_t cap;
};

int
ha_sweep_is_plugin(const char *argv0)
{
	const char *slash = strrchr(argv0, '/');

	return !strncmp(slash ? slash + 1 : argv0, PLUGIN, sizeof(PLUGIN) - 1);
}

static int
find_format(const char *name, enum format *format, struct ha_err *err)
{
	size_t i;

	if (!name)
		name = isatty(STDOUT_FILENO) ? "table" : "tsv";
	for (i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!strcmp(name, formats[i])) {
			*format = (enum format)i;
			return 0;
		}
	return ha_err_set(err, EX_USAGE, 0, "the format '%s' is none of %s",
	    name, HA_SWEEP_FORMATS);
}

static int
is_streamed(const struct ha_sweep *sweep)
{
	return sweep->format == TSV || sweep->format == JSON;
}

/* By pid and time: one process may make several sweeps. */
static void
make_id(char *id, size_t size)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(id, size, "%ld-%lld%06ld", (long)getpid(),
	    (long long)now.tv_sec, now.tv_nsec / 1000);
}

int
ha_sweep_begin(struct ha_sweep **sweep, const struct ha_sweep_options *options,
    struct ha_err *err)
{
	struct ha_sweep *new;
	enum format format = TSV;

	if (find_format(options->format, &format, err))
		return -1;
	if (options->file && format != PROM)
		return ha_err_set(err, EX_USAGE, 0,
		    "a file is written in the format prom only, not %s",
		    formats[format]);
	if (options->is_quiet && format == PROM)
		return ha_err_set(err, EX_USAGE, 0,
		    "in the format prom what is OK can't be left out");
	*sweep = new = ha_xcalloc(1, sizeof(*new));
	new->options = *options;
	new->format = format;
	new->results.producer = options->producer;
	ha_buf_init(&new->held);
	make_id(new->id, sizeof(new->id));
	if (!is_streamed(new))
		return 0;
	ha_status_begin(&new->held, options->producer, new->id, format == JSON);
	if (options->expected != 1) {
		ha_out_write(new->held.data, new->held.len);
		ha_buf_reset(&new->held);
	}
	return 0;
}

static void
add_end(const struct ha_sweep *sweep, struct ha_buf *out)
{
	ha_status_end(out, sweep->id, (unsigned)sweep->results.count,
	    sweep->results.worst, sweep->options.is_quiet,
	    sweep->format == JSON);
}

/*
 * A record alone, or, when it is the only one, with its frame: a pipe takes
 * that at once or not at all, so that several processes may write to one.
 */
static void
write_record(struct ha_sweep *sweep, const struct ha_status *status)
{
	struct ha_status record = *status;
	struct ha_buf end = HA_BUF_INIT;

	record.reserved = 0;
	if (sweep->held.len && sweep->results.count > 1) {
		ha_out_write(sweep->held.data, sweep->held.len);
		ha_buf_reset(&sweep->held);
	} else if (sweep->held.len) {
		add_end(sweep, &end);
		record.reserved = sweep->held.len + end.len;
		ha_buf_release(&end);
	}
	if (sweep->options.is_quiet && status->state == HA_STATUS_OK)
		return;
	if (sweep->format == JSON)
		ha_status_encode_json(&sweep->held, &record);
	else
		ha_status_encode(&sweep->held, &record);
	if (record.reserved)
		return;
	ha_out_write(sweep->held.data, sweep->held.len);
	ha_buf_reset(&sweep->held);
}

/* Into *at, which is moved behind it. */
static const char *
copy(char **at, const char *text)
{
	char *start = *at;

	*at = stpcpy(start, text) + 1;
	return start;
}

static void
keep(struct ha_sweep *sweep, size_t order, const struct ha_status *status)
{
	struct ha_sweep_results *results = &sweep->results;
	struct ha_sweep_result *result;
	const char *by = status->by ? status->by : ha_status_here();
	char *at;

	if (results->count == sweep->cap) {
		sweep->cap = sweep->cap * 2 + 16;
		results->list = ha_xrealloc(
		    results->list, sweep->cap * sizeof(*results->list));
	}
	result = &results->list[results->count];
	result->text = at =
	    ha_xmalloc(strlen(by) + strlen(status->host) +
		       strlen(status->check) + strlen(status->target) +
		       strlen(status->msg) + strlen(status->perf) + 6);
	result->by = copy(&at, by);
	result->host = copy(&at, status->host);
	result->check = copy(&at, status->check);
	result->target = copy(&at, status->target);
	result->msg = copy(&at, status->msg);
	result->perf = copy(&at, status->perf);
	result->state = status->state;
	result->ms = isfinite(status->ms) && status->ms > 0 ? status->ms : 0;
	result->order = order;
	result->is_namesake = 0;
}

void
ha_sweep_add(
    struct ha_sweep *sweep, size_t order, const struct ha_status *status)
{
	struct ha_sweep_results *results = &sweep->results;

	if (!is_streamed(sweep))
		keep(sweep, order, status);
	results->states[status->state]++;
	results->worst = results->count
			     ? ha_status_worse(results->worst, status->state)
			     : status->state;
	results->count++;
	if (is_streamed(sweep))
		write_record(sweep, status);
}

static int
compare_orders(const void *a, const void *b)
{
	const struct ha_sweep_result *one = a, *other = b;

	return (one->order > other->order) - (one->order < other->order);
}

static int
compare_checks(const void *a, const void *b)
{
	const struct ha_sweep_result *const *one = a, *const *other = b;

	return strcmp((*one)->check, (*other)->check);
}

static void
mark_namesakes(struct ha_sweep_results *results)
{
	struct ha_sweep_result **sorted =
	    ha_xcalloc(results->count + 1, sizeof(struct ha_sweep_result *));
	size_t i;

	for (i = 0; i < results->count; i++)
		sorted[i] = &results->list[i];
	qsort(sorted, results->count, sizeof(struct ha_sweep_result *),
	    compare_checks);
	for (i = 1; i < results->count; i++)
		if (!strcmp(sorted[i]->check, sorted[i - 1]->check))
			sorted[i]->is_namesake = sorted[i - 1]->is_namesake = 1;
	free(sorted);
}

static void
add_table(const struct ha_sweep *sweep, struct ha_buf *out)
{
	const struct ha_sweep_table table = {
		.width = ha_text_terminal_width(),
		.is_coloured = ha_text_is_coloured(),
		.is_quiet = sweep->options.is_quiet,
	};

	ha_sweep_table(out, &sweep->results, &table);
}

static int
write_gathered(struct ha_sweep *sweep, struct ha_err *err)
{
	struct ha_sweep_results *results = &sweep->results;
	struct ha_buf out = HA_BUF_INIT;
	int failed = 0;

	if (results->count)
		qsort(results->list, results->count, sizeof(*results->list),
		    compare_orders);
	mark_namesakes(results);
	if (sweep->format == NAGIOS)
		ha_sweep_nagios(&out, results);
	else if (sweep->format == PROM)
		ha_sweep_prom(&out, results, sweep->options.file);
	else
		add_table(sweep, &out);
	if (sweep->options.file)
		failed = ha_fs_replace(
		    sweep->options.file, out.data, out.len, 0644, err);
	else
		ha_out_write(out.data, out.len);
	ha_buf_release(&out);
	return failed;
}

static void
free_results(struct ha_sweep_results *results)
{
	size_t i;

	for (i = 0; results->list && i < results->count; i++)
		free(results->list[i].text);
	free(results->list);
}

int
ha_sweep_end(
    struct ha_sweep *sweep, enum ha_status_state *worst, struct ha_err *err)
{
	int failed = 0;

	if (!sweep->results.count)
		sweep->results.worst = HA_STATUS_UNKNOWN;
	*worst = sweep->results.worst;
	if (is_streamed(sweep)) {
		add_end(sweep, &sweep->held);
		ha_out_write(sweep->held.data, sweep->held.len);
	} else {
		failed = write_gathered(sweep, err);
	}
	free_results(&sweep->results);
	ha_buf_release(&sweep->held);
	free(sweep);
	return failed;
}
