/* SPDX-License-Identifier: ISC */
/*
 * verify - does the replica replicate?  What has arrived, the proof that more
 * does, and why it won't.
 *
 * Source: MySQL "The replication_connection_status Table"; MariaDB "SHOW ALL
 * SLAVES STATUS", Slave_received_heartbeats.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "alloc.h"
#include "beat.h"
#include "causes.h"
#include "clock.h"
#include "flavour.h"
#include "msg.h"
#include "role.h"

/* A link that is asked for its heartbeats so often has to be heard. */
#define HEARD_MAX_MS 5000
/* A row may be seen a moment behind its position. */
#define HIDDEN_MS 1000

/* What is waited for. */
struct watch {
	int64_t started_ns;
	char *stamp; /* of the row that was written at the source; NULL: none */
	int was_behind; /* something was to come after the start */
	int64_t heartbeats; /* that the replica counted at first; -1: not yet */
	int64_t arrived_ns; /* by its position; 0: not yet */
};

static int
compare_positions(const struct position *a, const struct position *b)
{
	size_t a_len = strlen(a->file), b_len = strlen(b->file);
	int order;

	if (a_len != b_len)
		return a_len < b_len ? -1 : 1;
	order = strcmp(a->file, b->file);
	if (order)
		return order;
	return a->at < b->at ? -1 : a->at > b->at;
}

/* With a delay that is asked for, received is all that can be waited for. */
static int
has_arrived(const struct act *act, const struct channel *channel)
{
	const struct position *at =
	    channel->delay_s > 0 ? &channel->read : &channel->executed;
	struct gtid_set applied;
	int result;

	if (channel->gtid == GTID_USE_NO)
		return at->file && *at->file && act->source_facts.own.file &&
		       compare_positions(at, &act->source_facts.own) >= 0;
	if (channel->delay_s > 0)
		return gtid_contains(
			   &act->facts.position, &act->source_facts.executed) ||
		       gtid_contains(
			   &channel->retrieved, &act->source_facts.executed);
	if (act->facts.flavour->gtid == GTID_MARIADB)
		return gtid_contains(
		    &act->facts.position, &act->source_facts.executed);
	act_applied(act, &applied);
	result = gtid_contains(&applied, &act->source_facts.executed);
	gtid_release(&applied);
	return result;
}

static int
thread_failure(const struct act *act, unsigned error, const char *words,
    const char *thread, struct ha_err *err)
{
	const struct cause *cause = cause_find(error, words ? words : "");

	return ha_err_set(err, EX_TEMPFAIL, 0,
	    "%s: its %s has error %u%s%s: %.400s", act->node->name, thread,
	    error, cause ? ", " : "", cause ? cause->meaning : "",
	    words ? words : "");
}

int
act_find_failure(
    const struct act *act, const struct channel *channel, struct ha_err *err)
{
	if (!channel)
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s: the channel has gone", act->node->name);
	if (channel->receiver_error && channel->receiver != THREAD_YES)
		return thread_failure(act, channel->receiver_error,
		    channel->receiver_words, "receiver", err);
	if (channel->applier_error && channel->applier != THREAD_YES)
		return thread_failure(act, channel->applier_error,
		    channel->applier_words, "applier", err);
	return 0;
}

static const char *
state_name(enum thread_state state)
{
	static const char *const names[] = { "in an unknown state", "stopped",
		"running", "connecting" };

	return names[state];
}

/* The name of the heartbeat's table in two; the caller frees *database. */
static const char *
split_table(const struct act *act, char **database)
{
	const char *name = act->repl->heartbeat_table;
	const char *dot = strchr(name, '.');

	*database = ha_xmemdup(name, (size_t)(dot - name));
	return dot + 1;
}

/*
 * When the source's row in the heartbeat's table was written: *stamp, the
 * caller's to free, NULL if there is none; -1: not to be read.
 */
static int
read_stamp(struct act *act, struct ha_db *db, char **stamp)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	struct ha_buf sql = HA_BUF_INIT;
	struct ha_err err;
	char *database;
	const char *table = split_table(act, &database), *text;
	int failed;

	ha_buf_add_str(&sql, "SELECT ts FROM ");
	ha_db_add_name(&sql, database);
	ha_buf_add_char(&sql, '.');
	ha_db_add_name(&sql, table);
	ha_buf_addf(
	    &sql, " WHERE server_id = %" PRId64, act->source_facts.server_id);
	failed =
	    ha_db_query(db, sql.data, act_statement_ns(act), &result, &err);
	text = failed ? NULL : ha_db_get(&result, 0, "ts");
	*stamp = text ? ha_xstrdup(text) : NULL;
	if (result.error == 1146 || result.error == 1049)
		failed = 0;
	ha_db_result_release(&result);
	ha_buf_release(&sql);
	free(database);
	return failed;
}

/* A node that is not active writes nothing to others. */
static int
is_standby(void)
{
	char *path = ha_role_path();
	struct ha_role role;
	struct ha_err err;
	int is_there;

	ha_role_init(&role);
	is_there = ha_role_read(&role, path, &err);
	is_there = is_there < 0 || (is_there && !role.is_active);
	ha_role_release(&role);
	free(path);
	return is_there;
}

/* A replica's own row would be one that its source lacks. */
static int
is_replica(const struct facts *facts)
{
	for (size_t i = 0; i < facts->channel_count; i++)
		if (facts->channels[i].source_host &&
		    *facts->channels[i].source_host)
			return 1;
	return 0;
}

static enum beat_result
write_row(struct act *act, struct ha_err *err)
{
	struct beat_writer writer = { .db = act->source_db,
		.timeout_ms = act->repl->statement_ms };
	enum beat_result result = BEAT_FAILED;
	char *database;

	writer.table = split_table(act, &database);
	writer.database = database;
	if (!beat_open(&writer, err))
		result = beat_write(&writer, NULL, err);
	if (result == BEAT_FAILED && beat_is_missing(&writer))
		result = BEAT_READ_ONLY;
	beat_close(&writer);
	free(database);
	return result;
}

/*
 * Have the source write a row, if it is one that writes.  -1: it is gone since
 * then; without a row others are the proof.
 */
static int
mark(struct act *act, struct watch *watch, struct ha_err *err)
{
	enum beat_result result;

	if (is_replica(&act->source_facts) || is_standby())
		return 0;
	result = write_row(act, err);
	if (result == BEAT_FAILED)
		ha_warn("%s: no heartbeat row could be written as a proof (%s)",
		    act->source->name, err->msg);
	if (result != BEAT_WRITTEN)
		return 0;
	if (act_look_source(act, err))
		return -1;
	read_stamp(act, act->source_db, &watch->stamp);
	return 0;
}

/* How many of the protocol's heartbeats the replica counts; -1: not told. */
static int64_t
count_heartbeats(const struct act *act, const struct channel *channel)
{
	static const char name[] = "Slave_received_heartbeats";
	const char *text = channel->row_of
			       ? ha_db_get(channel->row_of, channel->row, name)
			       : NULL;

	if (!text)
		text = facts_status(&act->facts, name);
	return text ? strtoll(text, NULL, 10) : -1;
}

/* What came after the start: 1; 0: nothing yet; -1: the server can't tell. */
static int
is_heard(const struct act *act, const struct watch *watch,
    const struct channel *channel)
{
	int64_t ms = (ha_clock_now_ns() - watch->started_ns) / HA_MS_NS;
	int64_t heartbeats = count_heartbeats(act, channel);

	if (watch->was_behind)
		return 1;
	if (channel->read.file && act->source_facts.own.file &&
	    compare_positions(&channel->read, &act->source_facts.own) > 0)
		return 1;
	if (heartbeats >= 0)
		return heartbeats > 0 && heartbeats != watch->heartbeats;
	return channel->heard_ms < 0 ? -1 : channel->heard_ms < ms;
}

/* 1: the link is proven without a row; 0: not yet. */
static int
is_proven(const struct act *act, const struct watch *watch,
    const struct channel *channel)
{
	double period_ms = channel->heartbeat_period_s * 1000;
	int64_t ms = (ha_clock_now_ns() - watch->started_ns) / HA_MS_NS;
	int heard = is_heard(act, watch, channel);

	if (!channel->read.file || !*channel->read.file)
		return 0;
	if (heard > 0)
		return 1;
	if (!heard && period_ms > 0 && period_ms < HEARD_MAX_MS)
		return 0;
	if (ms < HEARD_MAX_MS)
		return 0;
	ha_note("%s: nothing came in %d s, and no error", act->node->name,
	    HEARD_MAX_MS / 1000);
	return 1;
}

/* What keeps the row away, in words; "": nothing that is known. */
static void
add_hiding(
    struct ha_buf *words, const struct act *act, const struct channel *channel)
{
	if (channel->filters && *channel->filters)
		ha_buf_addf(
		    words, "%s of %s", channel->filters, act->node->name);
	if (act->source_facts.log_filters && *act->source_facts.log_filters)
		ha_buf_addf(words, "%s%s of %s", words->len ? ", " : "",
		    act->source_facts.log_filters, act->source->name);
	if (channel->ignored_ids && *channel->ignored_ids && !words->len)
		ha_buf_addf(words, "the server_ids to ignore (%s) of %s",
		    channel->ignored_ids, act->node->name);
}

/* The row has gone by: 1 with a warning when a filter tells why, else -1. */
static int
judge_hidden(
    const struct act *act, const struct channel *channel, struct ha_err *err)
{
	struct ha_buf words = HA_BUF_INIT;
	int result = 1;

	add_hiding(&words, act, channel);
	if (words.len)
		ha_warn(
		    "%s: the row that %s wrote to %s does not come through: "
		    "%s",
		    act->node->name, act->source->name,
		    act->repl->heartbeat_table, words.data);
	else
		result = ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s is past the row that %s wrote to %s, and has not got "
		    "it",
		    act->node->name, act->source->name,
		    act->repl->heartbeat_table);
	ha_buf_release(&words);
	return result;
}

/* All has arrived by its position: is the row here?  As judge_hidden(); 0. */
static int
is_row_here(struct act *act, const struct watch *watch,
    const struct channel *channel, struct ha_err *err)
{
	int64_t since_ns = ha_clock_now_ns() - watch->arrived_ns;
	char *stamp;
	int result = 0;

	if (channel->delay_s > 0)
		return 1;
	if (read_stamp(act, act->db, &stamp))
		result = is_proven(act, watch, channel);
	else if (stamp && strcmp(stamp, watch->stamp) >= 0)
		result = 1;
	else if (since_ns > HIDDEN_MS * HA_MS_NS)
		result = judge_hidden(act, channel, err);
	free(stamp);
	return result;
}

/* 1: it replicates; 0: not yet; -1: it won't. */
static int
judge(struct act *act, struct watch *watch, const struct channel *channel,
    struct ha_err *err)
{
	int is_running =
	    channel->receiver == THREAD_YES && channel->applier == THREAD_YES;

	if (watch->heartbeats < 0)
		watch->heartbeats = count_heartbeats(act, channel);
	if (!has_arrived(act, channel)) {
		watch->was_behind = 1;
		return 0;
	}
	if (!watch->arrived_ns)
		watch->arrived_ns = ha_clock_now_ns();
	if (!is_running)
		return 0;
	return watch->stamp ? is_row_here(act, watch, channel, err)
			    : is_proven(act, watch, channel);
}

static int
refuse_late(const struct act *act, const struct watch *watch,
    const struct channel *channel, struct ha_err *err)
{
	if (watch->arrived_ns && channel->receiver == THREAD_YES &&
	    channel->applier == THREAD_YES)
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s: nothing was heard from %s in time", act->node->name,
		    act->source->name);
	return ha_err_set(err, EX_TEMPFAIL, 0,
	    "%s: what %s wrote did not arrive in time (the receiver is %s, the "
	    "applier %s)",
	    act->node->name, act->source->name, state_name(channel->receiver),
	    state_name(channel->applier));
}

static int
watch_it(struct act *act, struct watch *watch, struct ha_err *err)
{
	const struct channel *channel;
	int failures = 0, result;

	for (;; poll(NULL, 0, ACT_POLL_MS)) {
		if (act_look(act, err))
			return -1;
		channel = act_channel(act);
		/* The first one may be from before the start. */
		if (act_find_failure(act, channel, err)) {
			if (failures++)
				return -1;
			continue;
		}
		failures = 0;
		result = judge(act, watch, channel, err);
		if (result)
			return result < 0 ? -1 : 0;
		if (ha_clock_now_ns() >= act->deadline_ns)
			return refuse_late(act, watch, channel, err);
	}
}

int
act_verify(struct act *act, struct ha_err *err)
{
	struct watch watch = { .started_ns = ha_clock_now_ns(),
		.heartbeats = -1 };
	int result = act_look_source(act, err) || mark(act, &watch, err)
			 ? -1
			 : watch_it(act, &watch, err);

	free(watch.stamp);
	return result;
}
