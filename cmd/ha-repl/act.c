/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "act.h"
#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "msg.h"

#define LOCK_NAME "ha-repl"
/* The server's number of what read_only forbids. */
#define IS_READ_ONLY 1290
/* The library's number of a name that is not found. */
#define UNKNOWN_HOST 2005
/* How long an applier without more to read may stand still. */
#define CUT_MS 500
/* How long a receiver that ran may take to connect again. */
#define RECONNECT_MS 15000

void
act_init(struct act *act, const struct repl *repl)
{
	memset(act, 0, sizeof(*act));
	act->repl = repl;
	act->channel = repl->channel ? repl->channel : "";
	act->options.defaults_file = repl->defaults_file;
	act->options.insecure = repl->insecure;
	act->options.heartbeat_table = repl->heartbeat_table;
	act->options.depth = FACTS_CHECK;
	act->deadline_ns =
	    ha_clock_deadline(repl->run_ms >= 0 ? repl->run_ms : 60000);
	settings_init(&act->old);
	settings_init(&act->goal);
	facts_init(&act->facts, NULL);
	facts_init(&act->source_facts, NULL);
}

void
act_release(struct act *act)
{
	if (act->journal)
		journal_close(act->journal);
	facts_release(&act->facts);
	facts_release(&act->source_facts);
	if (act->db)
		ha_db_free(act->db);
	if (act->source_db)
		ha_db_free(act->source_db);
	settings_release(&act->old);
	settings_release(&act->goal);
	credentials_release(&act->credentials);
	credentials_release(&act->old_credentials);
	if (act->node)
		node_free(act->node);
	if (act->source)
		node_free(act->source);
}

int64_t
act_statement_ns(const struct act *act)
{
	return ha_clock_deadline(act->repl->statement_ms);
}

static int
is_privilege(unsigned error)
{
	return error == 1044 || error == 1045 || error == 1142 ||
	       error == 1227 || error == 1370 || error == 1698;
}

/* What a refused statement means for the exit status. */
static int
query(struct act *act, const char *sql, struct ha_db_result *result,
    struct ha_err *err)
{
	struct ha_db_result own = HA_DB_RESULT_INIT;
	struct ha_db_result *use = result ? result : &own;
	int failed = ha_db_query(act->db, sql, act_statement_ns(act), use, err);

	if (failed && err->status == EX_DATAERR)
		err->status = is_privilege(use->error) ? EX_NOPERM : EX_CONFIG;
	/* "String '...' is too long for MASTER_PASSWORD", "near '...'" */
	if (failed && strstr(sql, "_PASSWORD = ") &&
	    strstr(err->msg, "PASSWORD"))
		ha_err_set(err, err->status, 0,
		    "error %u, whose words may show the password (is it too "
		    "long?)",
		    use->error);
	ha_db_result_release(&own);
	return failed;
}

static int
take_lock(struct act *act, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	char sql[64];
	int failed;

	snprintf(sql, sizeof(sql), "SELECT GET_LOCK('%s', %" PRId64 ") AS got",
	    LOCK_NAME, act->repl->statement_ms / 2000);
	failed = query(act, sql, &result, err);
	if (!failed) {
		const char *got = ha_db_get(&result, 0, "got");

		if (!got || strcmp(got, "1"))
			failed = ha_err_set(err, EX_TEMPFAIL, 0,
			    "%s: another ha-repl acts on it", act->node->name);
	}
	ha_db_result_release(&result);
	return failed;
}

static int
open_db(struct act *act, struct ha_db **db, const struct node *node,
    struct ha_err *err)
{
	if (*db)
		ha_db_free(*db);
	*db = ha_db_new();
	act->options.deadline_ns = act_statement_ns(act);
	if (!facts_connect(*db, node, &act->options, err))
		return 0;
	/* A host that is not found is named already. */
	if (ha_db_error(*db) != UNKNOWN_HOST || !strstr(err->msg, node->name))
		ha_err_set(err, err->status, 0, "%s: %s", node->name, err->msg);
	ha_db_free(*db);
	*db = NULL;
	return -1;
}

int
act_connect(struct act *act, struct ha_err *err)
{
	if (open_db(act, &act->db, act->node, err))
		return -1;
	if (query(act, "SET SESSION sql_mode = ''", NULL, err) ||
	    take_lock(act, err))
		return -1;
	return act_look(act, err);
}

int
act_connect_source(struct act *act, struct ha_err *err)
{
	return open_db(act, &act->source_db, act->source, err) ||
		       act_look_source(act, err)
		   ? -1
		   : 0;
}

static int
look(struct act *act, struct ha_db *db, struct node *node, struct facts *facts,
    struct ha_err *err)
{
	facts_release(facts);
	facts_init(facts, node);
	act->options.deadline_ns = act_statement_ns(act);
	if (!facts_read_from(facts, db, &act->options))
		return ha_err_set(err,
		    facts->why.status ? facts->why.status : EX_UNAVAILABLE, 0,
		    "%s: %s", node->name, facts->why.msg);
	if (!facts->can_see_channels)
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s: the account needs %s to see its channels", node->name,
		    facts->denied && *facts->denied ? facts->denied
						    : "REPLICATION CLIENT");
	return 0;
}

int
act_look(struct act *act, struct ha_err *err)
{
	return look(act, act->db, act->node, &act->facts, err);
}

int
act_look_source(struct act *act, struct ha_err *err)
{
	return look(act, act->source_db, act->source, &act->source_facts, err);
}

const struct channel *
act_channel(const struct act *act)
{
	return facts_channel(&act->facts, act->channel);
}

/* Is there one that has a name? */
static int
has_named(const struct facts *facts)
{
	for (size_t i = 0; i < facts->channel_count; i++)
		if (*facts->channels[i].name)
			return 1;
	return 0;
}

/* MySQL takes words without a channel for all of them. */
static void
add_usual(struct ha_buf *sql, const struct act *act)
{
	if (act->facts.flavour->gtid == GTID_MYSQL && !*act->channel &&
	    has_named(&act->facts))
		ha_buf_add_str(sql, " FOR CHANNEL ''");
}

void
act_add(struct ha_buf *sql, const struct act *act, enum flavour_verb verb)
{
	flavour_add(sql, act->facts.flavour, verb, act->channel);
	add_usual(sql, act);
}

static void
add_change(struct ha_buf *sql, const struct act *act, const struct settings *to,
    const struct credentials *credentials, int is_shown)
{
	struct settings now;
	struct source source;

	settings_init(&now);
	settings_read(&now, &act->facts, act_channel(act));
	settings_source(&source, act->channel, &now, to, credentials->user,
	    credentials->password && is_shown ? "***" : credentials->password);
	act->facts.flavour->change(sql, &source, &act->facts);
	add_usual(sql, act);
	settings_release(&now);
}

void
act_add_change(struct ha_buf *sql, const struct act *act, int is_shown)
{
	add_change(sql, act, &act->goal, &act->credentials, is_shown);
}

void
act_add_back(struct ha_buf *sql, const struct act *act, int is_shown)
{
	struct settings to = act->old;

	if (!to.is_there) {
		act_add(sql, act, FLAVOUR_RESET);
		return;
	}
	/* The position went on by itself when it was not changed. */
	if (act->goal.gtid == GTID_USE_NO && !act->goal.file)
		to.file = NULL;
	add_change(sql, act, &to, &act->old_credentials, is_shown);
}

/* The journal knows of it before the server does. */
static int
begin(struct act *act, const char *step, const char *shown, struct ha_err *err)
{
	char key[32];

	snprintf(key, sizeof(key), "sql.%s", step);
	journal_set(act->journal, key, shown);
	if (journal_step(act->journal, step, err))
		return -1;
	ha_note("%s: %s", act->node->name, shown);
	return 0;
}

/* *error: the server's number for a refusal; error may be NULL. */
static int
perform(struct act *act, const char *step, const struct ha_buf *sql,
    const char *shown, unsigned *error, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	int failed, lacks_admin;

	if (begin(act, step, shown, err))
		return -1;
	failed = query(act, sql->data, &result, err);
	if (error)
		*error = result.error;
	/* A demotion sets gtid_slave_pos. */
	lacks_admin =
	    result.error == IS_READ_ONLY && act->goal.is_demotion == 1;
	ha_db_result_release(&result);
	if (failed)
		return ha_err_set(err, lacks_admin ? EX_NOPERM : err->status, 0,
		    "%s: %s: %s%s", act->node->name, shown, err->msg,
		    lacks_admin ? ": the account needs READ_ONLY ADMIN" : "");
	return journal_done(act->journal, step, err);
}

void
act_applied(const struct act *act, struct gtid_set *set)
{
	const char *slave_pos = facts_variable(&act->facts, "gtid_slave_pos");
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	memset(set, 0, sizeof(*set));
	if (!slave_pos)
		gtid_add_text(&text, &act->facts.executed);
	gtid_parse(set, act->facts.flavour->gtid,
	    slave_pos ? slave_pos : text.data, &err);
	ha_buf_release(&text);
}

/* Is all applied that was received? */
static int
is_drained(const struct act *act, const struct channel *channel)
{
	struct gtid_set applied;
	int result;

	if (channel->gtid != GTID_USE_NO) {
		act_applied(act, &applied);
		result = gtid_contains(&applied, &channel->retrieved);
		gtid_release(&applied);
		return result;
	}
	if (!channel->read.file || !*channel->read.file)
		return 1;
	return channel->executed.file &&
	       !strcmp(channel->read.file, channel->executed.file) &&
	       channel->executed.at >= channel->read.at;
}

/* Words for what the applier has stopped at. */
static int
applier_refusal(
    const struct act *act, const struct channel *channel, struct ha_err *err)
{
	if (channel->applier_error)
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s: the applier has stopped (error %u: %.300s) before all "
		    "was applied that has been received, which a change would "
		    "throw away; --force=REASON does it",
		    act->node->name, channel->applier_error,
		    channel->applier_words ? channel->applier_words : "");
	return ha_err_set(err, EX_NOPERM, 0,
	    "%s: the applier is stopped and not all is applied that has been "
	    "received, which a change would throw away; start it, or "
	    "--force=REASON",
	    act->node->name);
}

/*
 * The receiver was stopped amid a transaction, which the applier will not do
 * without the rest: it has read all there is and comes no further.
 */
static int
is_cut(const struct channel *channel, struct position *last, int64_t *since_ns)
{
	int64_t now_ns = ha_clock_now_ns();

	if (channel->gtid != GTID_USE_NO || !channel->executed.file)
		return 0;
	if (!last->file || last->at != channel->executed.at ||
	    strcmp(last->file, channel->executed.file) != 0) {
		free(last->file);
		last->file = ha_xstrdup(channel->executed.file);
		last->at = channel->executed.at;
		*since_ns = now_ns;
	}
	return channel->applier_state &&
	       strstr(channel->applier_state, "has read all relay log") &&
	       now_ns - *since_ns > CUT_MS * HA_MS_NS;
}

/* *cut: the receiver has to go on for a moment. */
static int
wait_drained(struct act *act, int64_t deadline_ns, int *cut, struct ha_err *err)
{
	struct position last = { NULL, 0 };
	const struct channel *channel;
	int64_t since_ns = 0;
	int result = 1;

	*cut = 0;
	while (result > 0) {
		if (act_look(act, err)) {
			result = -1;
			break;
		}
		channel = act_channel(act);
		if (!channel || is_drained(act, channel)) {
			result = 0;
		} else if (channel->applier != THREAD_YES) {
			result = applier_refusal(act, channel, err);
		} else if (ha_clock_now_ns() >= deadline_ns) {
			result = ha_err_set(err, EX_TEMPFAIL, 0,
			    "%s: the applier didn't reach in time what has "
			    "been received",
			    act->node->name);
		} else if (is_cut(channel, &last, &since_ns)) {
			*cut = 1;
			result = 0;
		} else {
			poll(NULL, 0, ACT_POLL_MS);
		}
	}
	free(last.file);
	return result;
}

static int
run_receiver(struct act *act, struct ha_err *err)
{
	struct ha_buf start = HA_BUF_INIT, stop = HA_BUF_INIT;
	int result;

	act_add(&start, act, FLAVOUR_START_RECEIVER);
	act_add(&stop, act, FLAVOUR_STOP_RECEIVER);
	result = query(act, start.data, NULL, err);
	if (!result) {
		poll(NULL, 0, ACT_POLL_MS);
		result = query(act, stop.data, NULL, err);
	}
	ha_buf_release(&start);
	ha_buf_release(&stop);
	return result;
}

static int
drain(struct act *act, struct ha_err *err)
{
	int64_t now_ns = ha_clock_now_ns();
	int64_t deadline_ns = now_ns + (act->deadline_ns - now_ns) / 2;
	int cut;

	for (;;) {
		if (wait_drained(act, deadline_ns, &cut, err))
			return -1;
		if (!cut)
			return 0;
		if (run_receiver(act, err))
			return -1;
	}
}

int
act_drain(struct act *act, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	int result;

	act_add(&sql, act, FLAVOUR_STOP_RECEIVER);
	if (act->old.is_there)
		result = perform(act, "receiver", &sql, sql.data, NULL, err);
	else
		result = begin(act, "receiver", "", err);
	ha_buf_release(&sql);
	if (result || !act->old.is_there)
		return result;
	result = drain(act, err);
	if (result && err->status == EX_NOPERM && act->repl->force) {
		ha_warn("forced (%s) though %s", act->repl->force, err->msg);
		syslog(LOG_WARNING, "ha-repl: forced (%s) though %s",
		    act->repl->force, err->msg);
		result = 0;
	}
	return result;
}

int
act_stop(struct act *act, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	const struct channel *channel = act_channel(act);
	int result = 0;

	act_add(&sql, act, FLAVOUR_STOP);
	if (!channel || !channel->source_host || !*channel->source_host)
		result = begin(act, "stop", "", err);
	else
		result = perform(act, "stop", &sql, sql.data, NULL, err);
	ha_buf_release(&sql);
	return result ? -1 : act_look(act, err);
}

static int
change_once(struct act *act, unsigned *error, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT, shown = HA_BUF_INIT;
	int result;

	act_add_change(&sql, act, 0);
	act_add_change(&shown, act, 1);
	result = perform(act, "change", &sql, shown.data, error, err);
	explicit_bzero(sql.data, sql.len);
	ha_buf_release(&sql);
	ha_buf_release(&shown);
	return result;
}

/* Before MariaDB 10.10 a demotion is another word for current_pos. */
int
act_change(struct act *act, struct ha_err *err)
{
	unsigned error = 0;

	if (!change_once(act, &error, err))
		return 0;
	if (act->goal.is_demotion != 1 || error != 1064)
		return -1;
	act->goal.is_demotion = 0;
	act->goal.gtid = GTID_USE_CURRENT_POS;
	settings_save(&act->goal, act->journal, "goal");
	return change_once(act, &error, err);
}

int
act_start(struct act *act, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	int result;

	act_add(&sql, act, FLAVOUR_START);
	result = perform(act, "start", &sql, sql.data, NULL, err);
	ha_buf_release(&sql);
	return result;
}

/* What has been applied beyond the old settings' GTIDs, not of our own. */
static int
gtids_have_moved(const struct act *act)
{
	enum gtid_kind kind = act->facts.flavour->gtid;
	struct gtid_set now, old = { 0 }, left = { 0 };
	struct ha_err err;
	size_t i;
	int result = 0;

	act_applied(act, &now);
	gtid_parse(&old, kind, act->old.applied, &err);
	if (kind == GTID_MARIADB) {
		result = !gtid_contains(&old, &now);
	} else {
		gtid_subtract(&now, &old, &left);
		for (i = 0; i < left.count; i++)
			if (!act->facts.uuid ||
			    strncmp(left.ranges[i].origin, act->facts.uuid,
				strlen(act->facts.uuid)))
				result = 1;
		gtid_release(&left);
	}
	gtid_release(&now);
	gtid_release(&old);
	return result;
}

static int
has_gtids(const struct act *act)
{
	const char *mode = facts_variable(&act->facts, "gtid_mode");

	return act->facts.flavour->gtid == GTID_MARIADB ||
	       (mode && !strcmp(mode, "ON"));
}

static int
is_at(const struct position *position, const char *file, uint64_t at)
{
	return position->file && file && !strcmp(position->file, file) &&
	       position->at == at;
}

int
act_has_moved(const struct act *act)
{
	const struct channel *channel = act_channel(act);
	struct settings now;
	int is_old;

	if (!channel || act->old.gtid != GTID_USE_NO ||
	    (!act->old.is_there && act->goal.gtid != GTID_USE_NO))
		return 0;
	settings_init(&now);
	settings_read(&now, &act->facts, channel);
	is_old = settings_equal(&now, &act->old);
	settings_release(&now);
	if (is_old && !act->goal.file)
		return 0;
	if (act->goal.gtid != GTID_USE_NO)
		return gtids_have_moved(act);
	if (!act->goal.file ||
	    is_at(&channel->executed, act->goal.file, act->goal.at) ||
	    is_at(&channel->executed, act->old.file, act->old.at))
		return 0;
	/* Positions move by what is no transaction, too. */
	return has_gtids(act) ? gtids_have_moved(act) : 1;
}

int
act_is_past_goal(const struct act *act)
{
	const struct channel *channel = act_channel(act);
	struct settings now;
	int is_at_goal;

	if (!channel || !act->goal.file || !channel->executed.file ||
	    !journal_is_begun(act->journal, "change"))
		return 0;
	settings_init(&now);
	settings_read(&now, &act->facts, channel);
	is_at_goal = settings_equal(&now, &act->goal);
	settings_release(&now);
	return is_at_goal &&
	       !is_at(&channel->executed, act->goal.file, act->goal.at) &&
	       !is_at(&channel->executed, act->old.file, act->old.at);
}

/* Who may not start them could not stop them. */
static int
still_run(struct act *act, struct ha_err *err)
{
	struct ha_err refused = *err;
	const struct channel *channel;

	if (act_look(act, err))
		return 0;
	*err = refused;
	channel = act_channel(act);
	return channel &&
	       (!act->old.receiver_runs || channel->receiver != THREAD_NO) &&
	       (!act->old.applier_runs || channel->applier == THREAD_YES);
}

static int
restore_threads(struct act *act, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	int result = 0;

	if (act->old.receiver_runs || act->old.applier_runs)
		act_add(&sql, act,
		    !act->old.applier_runs    ? FLAVOUR_START_RECEIVER
		    : !act->old.receiver_runs ? FLAVOUR_START_APPLIER
					      : FLAVOUR_START);
	if (sql.len)
		result = query(act, sql.data, NULL, err);
	if (result && err->status == EX_NOPERM && still_run(act, err))
		result = 0;
	ha_buf_release(&sql);
	return result;
}

/* The position that a demotion moved; what can't be set does no harm. */
static void
restore_slave_pos(struct act *act)
{
	struct ha_buf sql = HA_BUF_INIT;
	const char *now = facts_variable(&act->facts, "gtid_slave_pos");
	struct ha_err err;

	if (act->goal.is_demotion == 1 && now && act->old.applied &&
	    strcmp(now, act->old.applied)) {
		ha_buf_add_str(&sql, "SET GLOBAL gtid_slave_pos = ");
		ha_db_add_string(&sql, act->old.applied);
		if (query(act, sql.data, NULL, &err))
			ha_warn("%s: gtid_slave_pos stays '%s', with what it "
				"has written itself (%s)",
			    act->node->name, now, err.msg);
	}
	ha_buf_release(&sql);
}

static int
restore_settings(struct act *act, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT, stop = HA_BUF_INIT;
	struct settings now;
	int result = 0, is_same;

	settings_init(&now);
	settings_read(&now, &act->facts, act_channel(act));
	is_same = settings_equal(&now, &act->old) &&
		  !act->old_credentials.user && !act->goal.file;
	if (now.is_there) {
		act_add(&stop, act, FLAVOUR_STOP);
		result = query(act, stop.data, NULL, err);
	}
	if (!result && !is_same && (act->old.is_there || now.is_there)) {
		act_add_back(&sql, act, 0);
		result = query(act, sql.data, NULL, err);
	}
	if (!result)
		restore_slave_pos(act);
	settings_release(&now);
	explicit_bzero(sql.data, sql.len);
	ha_buf_release(&sql);
	ha_buf_release(&stop);
	return result;
}

/* As it was: a receiver that had a connection gets one again. */
static int
wait_restored(struct act *act, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(RECONNECT_MS);
	const struct channel *channel;
	int failures = 0;

	while (act->old.is_connected && act->old.receiver_runs) {
		if (act_look(act, err))
			return -1;
		channel = act_channel(act);
		if (channel && channel->receiver == THREAD_YES)
			return 0;
		if (!act_find_failure(act, channel, err))
			failures = 0;
		else if (failures++)
			return -1;
		if (ha_clock_now_ns() >= deadline_ns)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "%s: its receiver does not connect again",
			    act->node->name);
		poll(NULL, 0, ACT_POLL_MS);
	}
	return 0;
}

/*
 * Workers' position is only written down now and then, but when they stop; what
 * can't go back is to go on.
 */
static int
has_moved(struct act *act, int *has, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	int result = 0;

	*has = act_has_moved(act);
	if (*has || !act->goal.file || !act_channel(act))
		return 0;
	act_add(&sql, act, FLAVOUR_STOP);
	if (query(act, sql.data, NULL, err) || act_look(act, err))
		result = -1;
	else
		*has = act_has_moved(act);
	if (*has) {
		ha_buf_reset(&sql);
		act_add(&sql, act, FLAVOUR_START);
		result = query(act, sql.data, NULL, err);
	}
	ha_buf_release(&sql);
	return result;
}

/* What can't be written down is gone back from all the same. */
static void
note_back(struct act *act)
{
	struct ha_err err;

	if (journal_step(act->journal, "back", &err))
		ha_warn("%s", err.msg);
}

static int
back(struct act *act, struct ha_err *err)
{
	int is_changed = journal_is_begun(act->journal, "change");
	int has = 0;

	if (act_connect(act, err) || (is_changed && has_moved(act, &has, err)))
		return -1;
	if (has && !act->old.is_there && !act->repl->is_back)
		return ha_err_set(err, EX_SOFTWARE, 0,
		    "%s has applied from its source already, and without the "
		    "channel nobody would know how far: 'ha-repl recover "
		    "--forward %s' waits on, --back removes it",
		    act->node->name, act->node->name);
	if (has && act->old.is_there)
		return ha_err_set(err, EX_SOFTWARE, 0,
		    "%s has applied from its new source already, which "
		    "the old position would repeat: only "
		    "'ha-repl recover --forward %s' is possible",
		    act->node->name, act->node->name);
	note_back(act);
	if (is_changed && restore_settings(act, err))
		return -1;
	return restore_threads(act, err) || wait_restored(act, err) ? -1 : 0;
}

int
act_back(struct act *act, struct ha_err *err)
{
	if (back(act, err))
		return ha_err_set(err, EX_SOFTWARE, 0,
		    "%s; half done: run 'ha-repl recover %s'", err->msg,
		    act->node->name);
	return 0;
}
