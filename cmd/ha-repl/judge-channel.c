/* SPDX-License-Identifier: ISC */
#include "judge.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "causes.h"
#include "flavour.h"

/* A row so far from the future is a clock's fault, not a measurement's. */
#define FUTURE_S (-1.0)

enum part { RECEIVER, APPLIER };
static const char *const part_names[] = { "receiver (IO thread)",
	"applier (SQL thread)" };

/* "START SLAVE", in the flavour's words. */
static void
add_start(const struct judge *judge, const char *name, struct ha_buf *sql)
{
	ha_buf_reset(sql);
	flavour_add(sql, judge->facts->flavour, FLAVOUR_START, name);
}

static const char *
hint(const struct channel *channel, enum part part)
{
	const char *state =
	    part == RECEIVER ? channel->receiver_state : channel->applier_state;

	return state && *state ? state : NULL;
}

/* One word of a shell's; what is in it came from the server. */
static void
add_word(struct ha_buf *command, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:-";
	struct ha_buf word = HA_BUF_INIT;

	judge_add_quote(&word, text ? text : "?");
	if (word.len && strspn(word.data, plain) == word.len)
		ha_buf_add_str(command, word.data);
	else
		ha_buf_add_quoted(command, word.data, word.len);
	ha_buf_release(&word);
}

/* The command, with the channel's own for SOURCE, PORT and ACCOUNT. */
static void
add_look(
    struct ha_buf *command, const char *look, const struct channel *channel)
{
	const char *host = channel->source_host ? channel->source_host : "?";
	struct ha_buf in_brackets = HA_BUF_INIT;

	ha_buf_addf(&in_brackets, "[%s]", host);
	for (; *look; look++)
		if (!strncmp(look, "SOURCE:", 7) && strchr(host, ':')) {
			add_word(command, in_brackets.data);
			look += 5;
		} else if (!strncmp(look, "SOURCE", 6)) {
			add_word(command, host);
			look += 5;
		} else if (!strncmp(look, "PORT", 4)) {
			ha_buf_addf(command, "%u", channel->source_port);
			look += 3;
		} else if (!strncmp(look, "ACCOUNT", 7)) {
			add_word(command, channel->source_user);
			look += 6;
		} else {
			ha_buf_add_char(command, *look);
		}
	ha_buf_release(&in_brackets);
}

static void
say_link(struct judge *judge, const struct channel *channel,
    enum ha_status_state state, const char *words)
{
	struct ha_buf command = HA_BUF_INIT;

	add_look(
	    &command, "ha-probe mysql://SOURCE:PORT, on the replica", channel);
	judge_say(judge, state, command.data, "%s", words);
	ha_buf_release(&command);
}

/* What an error's number means, the server's own words, where to look. */
static void
say_error(struct judge *judge, const struct channel *channel, const char *what,
    unsigned error, const char *words)
{
	const struct cause *cause = cause_find(error, words);
	const char *look = judge->facts->flavour->show_channels;
	struct ha_buf quote = HA_BUF_INIT, command = HA_BUF_INIT;

	if (words && *words) {
		ha_buf_add_str(&quote, ": ");
		judge_add_quote(&quote, words);
	}
	if (cause && cause->look)
		look = cause->look;
	add_look(&command, look, channel);
	judge_say(judge, HA_STATUS_CRIT, command.data, "%s: %s%serror %u%s%s",
	    what, cause ? cause->meaning : "", cause ? " (" : "", error,
	    quote.data, cause ? ")" : "");
	ha_buf_release(&quote);
	ha_buf_release(&command);
}

static int
is_network_error(unsigned error)
{
	return error == 1040 || (error >= 2002 && error <= 2013);
}

static void
say_stopped(struct judge *judge, const struct channel *channel, enum part part)
{
	unsigned error =
	    part == RECEIVER ? channel->receiver_error : channel->applier_error;
	const char *words =
	    part == RECEIVER ? channel->receiver_words : channel->applier_words;
	struct ha_buf start = HA_BUF_INIT;
	char what[128];

	add_start(judge, channel->name, &start);
	if (error) {
		snprintf(what, sizeof(what), "the %s has stopped%s",
		    part_names[part],
		    part == RECEIVER && is_network_error(error)
			? " for good after its retries"
			: "");
		say_error(judge, channel, what, error, words);
	} else {
		judge_say(judge, HA_STATUS_CRIT, NULL,
		    "the %s is stopped, without an error: by hand, or not "
		    "started with the server; to go on: %s",
		    part_names[part], start.data);
	}
	ha_buf_release(&start);
}

static void
say_unanswered(
    struct judge *judge, const struct channel *channel, const char *source)
{
	const char *state = hint(channel, RECEIVER);
	struct ha_buf words = HA_BUF_INIT;

	ha_buf_addf(&words,
	    "the %s is not connected to %s and has no error yet: nothing "
	    "answers (packets dropped?), or it has just begun",
	    part_names[RECEIVER], source);
	if (state)
		ha_buf_addf(&words, "; it says: %s", state);
	say_link(judge, channel, HA_STATUS_CRIT, words.data);
	ha_buf_release(&words);
}

static void
say_connecting(struct judge *judge, const struct channel *channel)
{
	char source[300], what[400];

	judge_source(judge, channel, source, sizeof(source));
	snprintf(what, sizeof(what), "the %s can't connect to %s",
	    part_names[RECEIVER], source);
	if (channel->receiver_error)
		say_error(judge, channel, what, channel->receiver_error,
		    channel->receiver_words);
	else
		say_unanswered(judge, channel, source);
}

static void
judge_threads(struct judge *judge, const struct channel *channel)
{
	struct ha_buf start = HA_BUF_INIT;

	add_start(judge, channel->name, &start);
	if (channel->receiver == THREAD_NO && channel->applier == THREAD_NO &&
	    !channel->receiver_error && !channel->applier_error) {
		judge_say(judge, HA_STATUS_CRIT, NULL,
		    "replication is stopped, without an error: by hand, or "
		    "not started with the server; to go on: %s",
		    start.data);
	} else {
		if (channel->receiver == THREAD_NO)
			say_stopped(judge, channel, RECEIVER);
		if (channel->applier == THREAD_NO)
			say_stopped(judge, channel, APPLIER);
	}
	if (channel->receiver == THREAD_CONNECTING)
		say_connecting(judge, channel);
	if (channel->receiver == THREAD_UNKNOWN ||
	    channel->applier == THREAD_UNKNOWN)
		judge_say(judge, HA_STATUS_UNKNOWN,
		    judge->facts->flavour->show_channels,
		    "doesn't say whether its threads run");
	ha_buf_release(&start);
}

/*
 * A thread that waits for room says Yes.  Source: MySQL "Replication I/O
 * (Receiver) Thread States", mysys' my_write(): "Waiting for disk space",
 * MariaDB: "Waiting for someone to free space".
 */
static void
judge_room(struct judge *judge, const struct channel *channel)
{
	for (int part = RECEIVER; part <= APPLIER; part++) {
		const char *state = hint(channel, part);

		if (!state)
			continue;
		if (strstr(state, "relay log space"))
			judge_say(judge, HA_STATUS_CRIT,
			    "SELECT @@relay_log_space_limit",
			    "the %s receives nothing: relay_log_space_limit "
			    "is reached and the applier frees none",
			    part_names[part]);
		else if (strcasestr(state, "disk space") ||
			 strcasestr(state, "free space") ||
			 strcasestr(state, "disk is full"))
			judge_say(judge, HA_STATUS_CRIT, "df, on the replica",
			    "the %s hangs: the disk is full (%s)",
			    part_names[part], state);
	}
}

/* Is all that was received applied? */
static int
is_drained(const struct channel *channel)
{
	return channel->read.file && channel->executed.file &&
	       channel->read.at == channel->executed.at &&
	       !strcmp(channel->read.file, channel->executed.file);
}

static const struct facts *
find_writer(const struct judge *judge, const struct beat *beat)
{
	const struct facts *writer =
	    fleet_by_server(judge->topology->fleet, beat->server_id, NULL);

	return writer && writer->is_answered ? writer : NULL;
}

static int
is_running(const struct channel *channel)
{
	return channel->receiver == THREAD_YES &&
	       channel->applier == THREAD_YES;
}

/*
 * May nobody write whose rows would come through this channel?  Then none are
 * to be missed: from the read-only half of a dual pair, say, which need not
 * have been looked at.
 */
static int
is_quiet_above(const struct judge *judge, const struct channel *channel)
{
	const struct topology *topology = judge->topology;
	const struct edge *edge = judge_edge(judge, channel);
	int is_quiet = 1;
	char *above;

	if (!edge || edge->source == STRANGER)
		return judge->options->topology == TOPOLOGY_DUAL &&
		       facts_is_writable(judge->facts) == 1;
	above = topology_ancestors(topology, edge->source, judge->i);
	above[edge->source] = 1;
	for (size_t i = 0; i < topology->fleet->count; i++)
		if (above[i] && facts_is_writable(topology->fleet->facts[i]))
			is_quiet = 0;
	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].source == STRANGER &&
		    above[topology->edges[i].replica])
			is_quiet = 0;
	free(above);
	return is_quiet;
}

static void
say_quiet(struct judge *judge, const char *source)
{
	judge_say(judge, HA_STATUS_OK, NULL,
	    "replicates from %s, where nobody may write now", source);
}

static void
say_late(struct judge *judge, const struct channel *channel,
    enum ha_status_state state, const char *behind)
{
	const char *doing = hint(channel, APPLIER);
	struct ha_buf words = HA_BUF_INIT;

	if (!is_running(channel)) {
		judge_say(judge, state, NULL, "%s behind by now", behind);
	} else if (is_drained(channel)) {
		ha_buf_addf(&words,
		    "a silent link: the last heartbeat row is %s old although "
		    "both threads say Yes and all that came is applied",
		    behind);
		say_link(judge, channel, state, words.data);
	} else {
		judge_say(judge, state, "SHOW PROCESSLIST",
		    "%s behind: the applier is busy with a long transaction, "
		    "or too slow%s%s",
		    behind, doing ? "; it says: " : "", doing ? doing : "");
	}
	ha_buf_release(&words);
}

static double
above_zero(double number)
{
	return number > 0 ? number : 0;
}

static void
judge_row(struct judge *judge, const struct channel *channel,
    const struct beat *beat, double lag_s)
{
	const struct facts *writer = find_writer(judge, beat);
	double judged_s = above_zero(lag_s - (double)channel->delay_s);
	enum ha_status_state state =
	    ha_thresholds_judge(&judge->options->lag, judged_s, NAN);
	char behind[40], source[300], delay[64] = "";

	judge_seconds(above_zero(lag_s), behind, sizeof(behind));
	judge_source(judge, channel, source, sizeof(source));
	if (channel->delay_s > 0)
		snprintf(delay, sizeof(delay), " (%lld s of them asked for)",
		    (long long)channel->delay_s);
	if (lag_s < FUTURE_S)
		judge_say(judge, HA_STATUS_WARN,
		    "chronyc tracking, on both machines",
		    "the last heartbeat row was written %.0f s in the future: "
		    "the clocks differ, lag is not known",
		    -lag_s);
	else if (state == HA_STATUS_OK && is_running(channel))
		judge_say(judge, HA_STATUS_OK, NULL,
		    "replicates from %s, %s behind%s", source, behind, delay);
	else if (state == HA_STATUS_OK)
		say_late(judge, channel, HA_STATUS_OK, behind);
	else if (facts_is_last_beat(writer, beat) &&
		 is_quiet_above(judge, channel))
		say_quiet(judge, source);
	else if (facts_is_last_beat(writer, beat))
		judge_say(judge, HA_STATUS_WARN,
		    "ha-repl heartbeat, on the writer",
		    "%s has written no heartbeat row for %s: lag is not "
		    "measured (its last one has arrived)",
		    writer->node->name, behind);
	else
		say_late(judge, channel, state, behind);
}

/* What the server says itself can raise an alarm, never take one back. */
static void
judge_without_row(struct judge *judge, const struct channel *channel)
{
	double behind_s = (double)channel->seconds_behind;
	char source[300];

	judge_source(judge, channel, source, sizeof(source));
	if (is_quiet_above(judge, channel))
		say_quiet(judge, source);
	else
		judge_say(judge, HA_STATUS_WARN, NULL,
		    "no heartbeat row from %s, so lag is not measured: run "
		    "ha-repl heartbeat where it is written to%s",
		    source,
		    judge->facts->channel_count > 1
			? ", and check that node together with this one"
			: "");
	if (channel->seconds_behind < 0)
		return;
	behind_s = above_zero(behind_s - (double)channel->delay_s);
	if (ha_thresholds_judge(&judge->options->lag, behind_s, NAN) !=
	    HA_STATUS_OK)
		judge_say(judge,
		    ha_thresholds_judge(&judge->options->lag, behind_s, NAN),
		    "SHOW PROCESSLIST", "at least %lld s behind",
		    (long long)channel->seconds_behind);
}

static void
say_silent(struct judge *judge, const struct channel *channel)
{
	struct ha_buf words = HA_BUF_INIT;
	char heard[40];

	judge_seconds((double)channel->heard_ms / 1000, heard, sizeof(heard));
	ha_buf_addf(&words,
	    "a silent link: nothing has come for %s, not even the heartbeat "
	    "that is due each %.3g s, although the receiver says Yes: packets "
	    "are dropped, or the source hangs",
	    heard, channel->heartbeat_period_s);
	say_link(judge, channel, HA_STATUS_CRIT, words.data);
	ha_buf_release(&words);
}

static void
judge_lag(struct judge *judge, const struct channel *channel)
{
	const struct beat *beat =
	    topology_beat(judge->topology, judge->i, channel);
	double lag_s = NAN;

	if (beat)
		lag_s = (double)facts_lag_us(
			    judge->facts, beat, find_writer(judge, beat)) /
			1e6;
	if (topology_is_silent(judge->topology, judge->i, channel))
		say_silent(judge, channel);
	else if (beat)
		judge_row(judge, channel, beat, lag_s);
	else
		judge_without_row(judge, channel);
	judge_perf(judge, "lag", channel->name, beat ? above_zero(lag_s) : NAN,
	    "s", &judge->options->lag);
}

/* Said only where others were looked at: a node alone has no others. */
static void
judge_stranger(struct judge *judge, const struct channel *channel)
{
	const struct edge *edge = judge_edge(judge, channel);
	char source[300];

	if (judge->topology->fleet->count < 2)
		return;
	if (edge && edge->source != STRANGER)
		return;
	judge_source(judge, channel, source, sizeof(source));
	judge_say(judge, HA_STATUS_WARN, "ha-repl topology",
	    "replicates from %s, which is none of these nodes", source);
}

void
judge_channel(struct judge *judge, const struct channel *channel)
{
	struct ha_buf prefix = HA_BUF_INIT;

	if (*channel->name) {
		ha_buf_add_str(&prefix, "channel '");
		judge_add_quote(&prefix, channel->name);
		ha_buf_add_str(&prefix, "': ");
		judge->prefix = prefix.data;
	}
	judge_threads(judge, channel);
	judge_room(judge, channel);
	judge_lag(judge, channel);
	judge_stranger(judge, channel);
	judge_perf(judge, "receiver", channel->name,
	    channel->receiver == THREAD_YES, "", NULL);
	judge_perf(judge, "applier", channel->name,
	    channel->applier == THREAD_YES, "", NULL);
	judge->prefix = "";
	ha_buf_release(&prefix);
}
