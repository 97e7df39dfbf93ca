/* SPDX-License-Identifier: ISC */
/* check - judges what the spool holds. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "channel.h"
#include "clock.h"
#include "list.h"
#include "names.h"
#include "spool.h"
#include "sweep.h"

#define CHECK "alert"

/* Of a channel; of new/ and what was no alert the first one. */
struct tally {
	size_t waiting, failed;
	int64_t oldest_ms; /* age */
	char *words, *failed_words;
};

struct census {
	struct names channels; /* "" is new/ */
	struct tally *tallies;
	int64_t now_ms;
};

static struct tally *
tally_of(struct census *census, const char *channel)
{
	size_t known = census->channels.count;
	size_t number = names_add(&census->channels, channel);

	if (number == known) {
		census->tallies = ha_xrealloc(
		    census->tallies, (number + 1) * sizeof(struct tally));
		census->tallies[number] = (struct tally){ 0 };
	}
	return &census->tallies[number];
}

static void
replace(char **words, const char *text)
{
	if (!*text)
		return;
	free(*words);
	*words = ha_xstrdup(text);
}

static void
count(void *context, const struct list_row *row)
{
	struct census *census = context;
	int is_new =
	    row->place == LIST_NEW || strcmp(row->channel, SPOOL_GARBAGE) == 0;
	struct tally *tally = tally_of(census, is_new ? "" : row->channel);
	int64_t age_ms = census->now_ms - row->taken_ms;

	if (row->place == LIST_FAILED) {
		tally->failed++;
		replace(&tally->failed_words, row->words);
		return;
	}
	tally->waiting++;
	if (row->taken_ms >= 0 && age_ms > tally->oldest_ms)
		tally->oldest_ms = age_ms;
	replace(&tally->words, row->words);
}

static enum ha_status_state
judge(const struct check *check, const struct tally *tally)
{
	if (tally->waiting && tally->oldest_ms > check->crit_ms)
		return HA_STATUS_CRIT;
	if (tally->failed ||
	    (tally->waiting && tally->oldest_ms > check->warn_ms))
		return HA_STATUS_WARN;
	return HA_STATUS_OK;
}

static void
add_words(struct ha_buf *msg, const struct check *check,
    const struct tally *tally, int is_new)
{
	char age[64];

	ha_clock_words(tally->oldest_ms, age, sizeof(age));
	if (!tally->waiting)
		ha_buf_add_str(msg, "nothing waits");
	else
		ha_buf_addf(msg, "%zu wait%s, the oldest for %s",
		    tally->waiting, tally->waiting == 1 ? "s" : "", age);
	if (is_new && tally->waiting && tally->oldest_ms > check->warn_ms)
		ha_buf_add_str(msg, ": does cron run ha-alert --flush?");
	else if (tally->waiting && tally->words != NULL)
		ha_buf_addf(msg, ": %s", tally->words);
	if (tally->failed)
		ha_buf_addf(msg, "; %zu given up: %s", tally->failed,
		    tally->failed_words != NULL ? tally->failed_words : "-");
}

static void
add_result(struct ha_sweep *sweep, size_t order, const struct check *check,
    const char *channel, const struct tally *tally)
{
	char *name =
	    *channel ? ha_xasprintf(CHECK ":%s", channel) : ha_xstrdup(CHECK);
	struct ha_buf msg = HA_BUF_INIT, perf = HA_BUF_INIT;
	struct ha_status status = { .host = ha_status_here(),
		.check = name,
		.state = judge(check, tally),
		.target = *channel ? channel : "spool" };

	add_words(&msg, check, tally, !*channel);
	ha_buf_addf(&perf, "age=%.3fs;%.10g;%.10g;0 waiting=%zu failed=%zu",
	    (double)tally->oldest_ms / 1000, (double)check->warn_ms / 1000,
	    (double)check->crit_ms / 1000, tally->waiting, tally->failed);
	status.msg = msg.data;
	status.perf = perf.data;
	ha_sweep_add(sweep, order, &status);
	ha_buf_release(&msg);
	ha_buf_release(&perf);
	free(name);
}

/* Without it nothing is delivered. */
static void
add_config(struct ha_sweep *sweep, size_t order, const struct ha_err *err)
{
	struct ha_status status = { .host = ha_status_here(),
		.check = CHECK "-conf",
		.state = HA_STATUS_CRIT,
		.target = "alert.conf",
		.msg = err->msg,
		.perf = "" };

	ha_sweep_add(sweep, order, &status);
}

static int
take_census(struct census *census, struct ha_err *err)
{
	struct spool spool;
	int result = spool_open_existing(&spool, err);

	if (result > 0) {
		result = list_walk(&spool, count, census, err);
		spool_close(&spool);
	}
	return result;
}

static void
release(struct census *census)
{
	for (size_t i = 0; i < census->channels.count; i++) {
		free(census->tallies[i].words);
		free(census->tallies[i].failed_words);
	}
	free(census->tallies);
	names_release(&census->channels);
}

static int
report(const struct check *check, const struct census *census,
    const struct ha_err *config, enum ha_status_state *worst,
    struct ha_err *err)
{
	struct ha_sweep_options options = { .producer = "ha-alert",
		.format = check->format,
		.is_quiet = check->is_quiet,
		.expected = census->channels.count + (config != NULL) };
	struct ha_sweep *sweep;

	if (ha_sweep_begin(&sweep, &options, err) != 0)
		return -1;
	for (size_t i = 0; i < census->channels.count; i++)
		add_result(sweep, i, check, census->channels.list[i],
		    &census->tallies[i]);
	if (config != NULL)
		add_config(sweep, census->channels.count, config);
	return ha_sweep_end(sweep, worst, err);
}

int
check_queue(
    const struct check *check, enum ha_status_state *worst, struct ha_err *err)
{
	struct census census = { .now_ms = ha_clock_wall_ms() };
	struct channels channels;
	struct ha_err why;
	int failed, has_config;

	names_init(&census.channels);
	tally_of(&census, "");
	has_config = channels_read(&channels, check->config, &why) == 0;
	if (has_config) {
		for (size_t i = 0; i < channels.count; i++)
			tally_of(&census, channels.channels[i].name);
		channels_release(&channels);
	}
	failed = take_census(&census, err) < 0;
	if (!failed)
		failed = report(
		    check, &census, has_config ? NULL : &why, worst, err);
	release(&census);
	return failed ? -1 : 0;
}
