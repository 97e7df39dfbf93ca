/* SPDX-License-Identifier: ISC */
/* seed - fill an empty replica with its source's data, then point it there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "goal.h"
#include "msg.h"
#include "preflight.h"
#include "seed.h"

#define STALL_MS 600000

static char *
journal_name(const char *node)
{
	return ha_xasprintf("%s:seed", node);
}

static void
init(struct seed *seed, const struct repl *repl)
{
	memset(seed, 0, sizeof(*seed));
	seed->repl = *repl;
	seed->stall_ms = repl->run_ms >= 0 ? repl->run_ms : STALL_MS;
	act_init(&seed->act, &seed->repl);
}

static void
release(struct seed *seed)
{
	if (seed->journal)
		journal_close(seed->journal);
	act_release(&seed->act);
	free(seed->file);
	free(seed->gtids);
	seed_forget_accounts(seed);
	free(seed->directory);
	free(seed->socket);
}

static int
find_nodes(struct seed *seed, char **operands, struct ha_err *err)
{
	struct act *act = &seed->act;

	if (!operands[0] || operands[1])
		return ha_err_set(err, EX_USAGE, 0,
		    "seed takes one NODE; try 'ha-repl --help'");
	if (!seed->repl.source)
		return ha_err_set(err, EX_USAGE, 0,
		    "seed needs --from NODE; try 'ha-repl --help'");
	act->node = node_find(&seed->repl.nodes, operands[0], err);
	if (!act->node)
		return -1;
	act->source = node_find(&seed->repl.nodes, seed->repl.source, err);
	if (!act->source)
		return -1;
	if (!strcmp(act->node->name, act->source->name) ||
	    !strcmp(node_address(act->node), node_address(act->source)))
		return ha_err_set(
		    err, EX_USAGE, 0, "a node can't be seeded from itself");
	return 0;
}

static int
open_journal(struct seed *seed, struct ha_err *err)
{
	char *name = journal_name(seed->act.node->name);
	int is_there = journal_find(name, err), result = -1;

	if (is_there > 0)
		result = journal_open(&seed->journal, name, err);
	else if (is_there == 0)
		result = journal_begin(&seed->journal, name, "seed", err);
	free(name);
	return result;
}

static int
is_filled(const struct seed *seed)
{
	return seed->journal && journal_is_done(seed->journal, "fill");
}

static int
is_half_filled(const struct seed *seed)
{
	return seed->journal && journal_is_begun(seed->journal, "fill") &&
	       !is_filled(seed);
}

/* GTIDs wherever both have them. */
static void
choose_gtid(struct seed *seed)
{
	const struct act *act = &seed->act;
	const char *here = facts_variable(&act->facts, "gtid_mode");
	const char *there = facts_variable(&act->source_facts, "gtid_mode");

	if (seed->repl.gtid)
		return;
	if (act->facts.flavour->gtid == GTID_MARIADB)
		seed->repl.gtid = "slave_pos";
	else
		seed->repl.gtid =
		    here && there && !strcmp(here, "ON") && !strcmp(there, "ON")
			? "auto"
			: "no";
}

/* What point would refuse only when the hours of copying are over. */
static int
check_goal(struct seed *seed, struct ha_err *err)
{
	struct act *act = &seed->act;
	int is_pos, failed;

	if (goal_check(&seed->repl, err) ||
	    (seed->repl.credentials && credentials_read(&act->credentials,
					   seed->repl.credentials, err)))
		return -1;
	settings_read(&act->old, &act->facts, act_channel(act));
	is_pos = !strcmp(seed->repl.gtid, "no");
	seed->repl.pos = is_pos ? "any:4" : NULL;
	failed = goal_make(act, err) || goal_old_credentials(act, err) ||
		 preflight_seed(act, err);
	seed->repl.pos = NULL;
	return failed;
}

static int
check_threads(const struct seed *seed, struct ha_err *err)
{
	const struct facts *facts = &seed->act.facts;

	for (size_t i = 0; i < facts->channel_count; i++)
		if (facts->channels[i].receiver != THREAD_NO ||
		    facts->channels[i].applier != THREAD_NO)
			return ha_err_set(err, EX_NOPERM, 0,
			    "%s replicates from %s: stop it first",
			    facts->node->name, facts->channels[i].source_host);
	if (facts_is_on(facts, "super_read_only") == 1)
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s: super_read_only is on: nothing can be written there",
		    facts->node->name);
	return 0;
}

static int
check_server(const struct seed *seed, struct ha_err *err)
{
	const char *id = journal_get(seed->journal, "server_id");

	if (id && strtoll(id, NULL, 10) == seed->act.facts.server_id)
		return 0;
	return ha_err_set(err, EX_NOPERM, 0,
	    "%s has server_id %" PRId64
	    ", and the seed was begun on the one with %s",
	    seed->act.node->name, seed->act.facts.server_id, id ? id : "none");
}

/* The method of a seed that was begun. */
static const struct seed_method *
method_begun(const struct seed *seed)
{
	const char *name = journal_get(seed->journal, "method");

	return seed_method(name ? name : "dump");
}

static int
can_resume(const struct seed *seed)
{
	const struct seed_method *method = method_begun(seed);

	return method && method->resume;
}

static int
refuse_half(const struct seed *seed, struct ha_err *err)
{
	if (can_resume(seed))
		return ha_err_set(err, EX_SOFTWARE, 0,
		    "%s is half filled by a seed from %s, begun at %s: "
		    "'ha-repl recover %s' goes on with it",
		    seed->act.node->name, journal_get(seed->journal, "source"),
		    journal_get(seed->journal, "started"),
		    seed->act.node->name);
	return ha_err_set(err, EX_SOFTWARE, 0,
	    "%s is half filled by a seed from %s, begun at %s: 'ha-repl seed "
	    "%s --from %s --force=REASON' drops its databases and begins anew",
	    seed->act.node->name, journal_get(seed->journal, "source"),
	    journal_get(seed->journal, "started"), seed->act.node->name,
	    journal_get(seed->journal, "source"));
}

static int
check_empty(struct seed *seed, struct ha_err *err)
{
	struct act *act = &seed->act;
	struct ha_buf gtids = HA_BUF_INIT;
	int has, result = 0;

	if (is_half_filled(seed))
		return seed->repl.force ? check_server(seed, err)
					: refuse_half(seed, err);
	if (preflight_has_data(act, act->db, &has, err))
		return -1;
	if (has)
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s has data: only an empty server is filled; drop its "
		    "databases first",
		    act->node->name);
	if (!gtid_is_empty(&act->facts.executed)) {
		gtid_add_text(&gtids, &act->facts.executed);
		result = preflight_refuse(&seed->repl, err,
		    "%s has transactions of its own (%.200s): its binary logs "
		    "have to be discarded",
		    act->node->name, gtids.data);
		ha_buf_release(&gtids);
	}
	return result;
}

static int
prepare(struct seed *seed, struct ha_err *err)
{
	struct act *act = &seed->act;

	if (act_connect(act, err))
		return -1;
	if (is_half_filled(seed) && !seed->repl.force)
		return refuse_half(seed, err);
	if (act_connect_source(act, err))
		return -1;
	choose_gtid(seed);
	if (check_threads(seed, err) || check_empty(seed, err) ||
	    check_goal(seed, err))
		return -1;
	return seed_choose(seed, err);
}

int
seed_say(struct seed *seed, const char *sql, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	int failed = ha_db_query(
	    seed->act.db, sql, act_statement_ns(&seed->act), &result, err);

	if (failed && err->status == EX_DATAERR)
		err->status = EX_CONFIG;
	ha_db_result_release(&result);
	return failed;
}

static void
note_number(struct journal *journal, const char *key, uint64_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	journal_set(journal, key, text);
}

void
seed_note_position(
    struct seed *seed, const char *file, uint64_t at, const char *gtids)
{
	journal_set(seed->journal, "file", file);
	note_number(seed->journal, "at", at);
	journal_set(seed->journal, "gtids", gtids);
	ha_note("%s: its data at %s:%" PRIu64 " (%s)",
	    journal_get(seed->journal, "source"), file, at, gtids);
}

int
seed_begin(struct seed *seed, struct ha_err *err)
{
	struct journal *journal = seed->journal;
	const char *scheduler =
	    facts_variable(&seed->act.facts, "event_scheduler");

	journal_set(journal, "method", seed->method->name);
	journal_set(journal, "source", seed->act.source->name);
	note_number(journal, "server_id", (uint64_t)seed->act.facts.server_id);
	journal_set(journal, "gtid", seed->repl.gtid);
	if (seed->repl.credentials)
		journal_set(journal, "credentials", seed->repl.credentials);
	if (!journal_get(journal, "event_scheduler") && scheduler)
		journal_set(journal, "event_scheduler", scheduler);
	if (seed->file)
		seed_note_position(seed, seed->file, seed->at, seed->gtids);
	return journal_step(journal, "fill", err);
}

/* "user@host", which may have an '@' before the last. */
static void
add_definer(struct ha_buf *sql, const char *definer)
{
	const char *at = strrchr(definer, '@');
	char *user =
	    ha_xmemdup(definer, at ? (size_t)(at - definer) : strlen(definer));

	ha_db_add_name(sql, user);
	ha_buf_add_char(sql, '@');
	ha_db_add_name(sql, at ? at + 1 : "%");
	free(user);
}

/* A replica gets what they do from its source. */
int
seed_disable_events(struct seed *seed, struct ha_err *err)
{
	struct ha_db_result events = HA_DB_RESULT_INIT;
	struct ha_buf sql = HA_BUF_INIT;
	struct act *act = &seed->act;
	int failed = ha_db_query(act->db,
	    "SELECT event_schema, event_name, definer FROM "
	    "information_schema.events WHERE status = 'ENABLED' AND "
	    "event_schema NOT IN " SEED_SYSTEM,
	    act_statement_ns(act), &events, err);

	for (size_t i = 0; !failed && i < events.rows; i++) {
		ha_buf_reset(&sql);
		ha_buf_add_str(&sql, "ALTER DEFINER = ");
		add_definer(&sql, events.cells[3 * i + 2]);
		ha_buf_add_str(&sql, " EVENT ");
		ha_db_add_name(&sql, events.cells[3 * i]);
		ha_buf_add_char(&sql, '.');
		ha_db_add_name(&sql, events.cells[3 * i + 1]);
		ha_buf_addf(&sql, " DISABLE ON %s",
		    act->facts.flavour == &flavour_mysql ? "REPLICA" : "SLAVE");
		failed = seed_say(seed, sql.data, err);
	}
	ha_buf_release(&sql);
	ha_db_result_release(&events);
	return failed;
}

/* The channels that the source has are none of the replica's. */
int
seed_reset_channels(struct seed *seed, struct ha_err *err)
{
	const struct facts *facts = &seed->act.facts;
	struct ha_buf sql = HA_BUF_INIT;
	int failed = 0;

	for (size_t i = 0; i < facts->channel_count && !failed; i++) {
		const char *name = facts->channels[i].name;

		ha_buf_reset(&sql);
		flavour_add(&sql, facts->flavour, FLAVOUR_STOP, name);
		failed = seed_say(seed, sql.data, err);
		ha_buf_reset(&sql);
		flavour_add(&sql, facts->flavour, FLAVOUR_RESET, name);
		failed = failed || seed_say(seed, sql.data, err);
	}
	ha_buf_release(&sql);
	return failed;
}

int
seed_set_gtids(struct seed *seed, struct ha_err *err)
{
	const struct facts *facts = &seed->act.facts;
	const char *mode = facts_variable(facts, "gtid_mode");
	const char *gtids = journal_get(seed->journal, "gtids");
	struct ha_buf sql = HA_BUF_INIT;
	int failed = 0;

	if (facts->flavour->gtid == GTID_MARIADB)
		ha_buf_add_str(&sql, "SET GLOBAL gtid_slave_pos = ");
	else if (*gtids && mode && strcmp(mode, "OFF") != 0)
		ha_buf_add_str(&sql, "SET GLOBAL gtid_purged = ");
	if (sql.len) {
		ha_db_add_string(&sql, gtids);
		failed = seed_say(seed, sql.data, err);
	}
	ha_buf_release(&sql);
	return failed;
}

/* Hours may have passed: with a new connection. */
static int
settle(struct seed *seed, struct ha_err *err)
{
	const char *scheduler = journal_get(seed->journal, "event_scheduler");

	if (act_connect(&seed->act, err) ||
	    seed_say(seed, "SET SESSION sql_log_bin = 0", err) ||
	    seed->method->settle(seed, err))
		return -1;
	return scheduler && !strcmp(scheduler, "ON")
		   ? seed_say(seed, "SET GLOBAL event_scheduler = ON", err)
		   : 0;
}

static int
settle_filled(struct seed *seed, struct ha_err *err)
{
	if (settle(seed, err) || journal_done(seed->journal, "fill", err)) {
		ha_say("%s", err->msg);
		return refuse_half(seed, err);
	}
	ha_say("%s: filled with %.1f MiB from %s", seed->act.node->name,
	    (double)seed->bytes / (1024.0 * 1024),
	    journal_get(seed->journal, "source"));
	return 0;
}

static int
fill(struct seed *seed, struct ha_err *err)
{
	if (!seed->method->run(seed, err))
		return settle_filled(seed, err);
	if (is_half_filled(seed) && err->status != EX_SOFTWARE) {
		ha_say("%s", err->msg);
		return refuse_half(seed, err);
	}
	return -1;
}

static int
end(struct seed *seed, struct ha_err *err)
{
	int failed = journal_end(seed->journal, err);

	seed->journal = NULL;
	return failed ? EX_SOFTWARE : EX_OK;
}

/* The journal has where; it goes when the replica replicates from there. */
static int
point(struct seed *seed, struct ha_err *err)
{
	struct repl repl = seed->repl;
	const char *gtid = journal_get(seed->journal, "gtid");
	char *name = ha_xstrdup(seed->act.node->name);
	char *operands[] = { name, NULL }, *pos;
	int status;

	pos = ha_xasprintf("%s:%s", journal_get(seed->journal, "file"),
	    journal_get(seed->journal, "at"));
	repl.source = journal_get(seed->journal, "source");
	if (!repl.credentials)
		repl.credentials = journal_get(seed->journal, "credentials");
	repl.gtid = gtid;
	repl.pos = !strcmp(gtid, "no") ? pos : NULL;
	repl.run_ms = seed->stall_ms;
	repl.lock_wait_ms = -1;
	repl.force = NULL;
	if (journal_step(seed->journal, "point", err)) {
		status = EX_SOFTWARE;
		goto out;
	}
	/* It takes the lock of the node itself. */
	act_release(&seed->act);
	act_init(&seed->act, &seed->repl);
	status = point_filled(&repl, operands);
	if (!status) {
		status = end(seed, err);
	} else {
		ha_say("%s is filled, from %s at %s: 'ha-repl recover %s' "
		       "points it there",
		    name, repl.source, pos, name);
	}
out:
	free(pos);
	free(name);
	return status;
}

static int
seed_it(struct seed *seed, char **operands, struct ha_err *err)
{
	if (find_nodes(seed, operands, err))
		return err->status;
	if (!seed->repl.is_dry_run && open_journal(seed, err))
		return err->status;
	if (is_filled(seed))
		return ha_err_set(err, EX_SOFTWARE, 0,
			   "%s was filled by a seed from %s already: "
			   "'ha-repl recover %s' points it there",
			   seed->act.node->name,
			   journal_get(seed->journal, "source"),
			   seed->act.node->name),
		       EX_SOFTWARE;
	if (is_half_filled(seed) && can_resume(seed))
		return refuse_half(seed, err), EX_SOFTWARE;
	if (prepare(seed, err))
		return err->status;
	if (seed->repl.is_dry_run) {
		seed->method->show(seed);
		return EX_OK;
	}
	return fill(seed, err) ? err->status : point(seed, err);
}

int
seed_run(const struct repl *repl, char **operands)
{
	struct ha_err err = { 0 };
	struct seed seed;
	int status;

	init(&seed, repl);
	status = seed_it(&seed, operands, &err);
	if (status && err.msg[0])
		ha_say("%s", err.msg);
	release(&seed);
	return status;
}

/*
 * Does it replicate from there already?  No thread ran before.  From a position
 * that it has left behind it must not begin again: -1.
 */
static int
find_pointed(struct seed *seed, struct ha_err *err)
{
	const char *file = journal_get(seed->journal, "file");
	const char *at = journal_get(seed->journal, "at");
	const struct channel *channel = act_channel(&seed->act);
	struct act *act = &seed->act;

	if (!journal_is_begun(seed->journal, "point") || !channel)
		return 0;
	act->source = node_find(
	    &seed->repl.nodes, journal_get(seed->journal, "source"), err);
	if (!act->source)
		return -1;
	if (!node_is(act->source, channel->source_host, channel->source_port))
		return 0;
	if (channel->receiver != THREAD_NO || channel->applier != THREAD_NO)
		return 1;
	if (channel->gtid != GTID_USE_NO || !channel->executed.file ||
	    (!strcmp(channel->executed.file, file) &&
		channel->executed.at == strtoull(at, NULL, 10)))
		return 0;
	return ha_err_set(err, EX_SOFTWARE, 0,
	    "%s has come to %s:%" PRIu64 " of %s since it was filled, and is "
	    "stopped there: start it",
	    act->node->name, channel->executed.file, channel->executed.at,
	    act->source->name);
}

static int
finish(struct seed *seed, const char *node, struct ha_err *err)
{
	int is_pointed;

	seed->act.node = node_find(&seed->repl.nodes, node, err);
	if (!seed->act.node || open_journal(seed, err))
		return err->status;
	seed->method = method_begun(seed);
	if (!is_filled(seed) && !can_resume(seed))
		return refuse_half(seed, err), err->status;
	if (seed->repl.is_dry_run) {
		ha_say("%s is %sfilled and would be pointed at %s", node,
		    is_filled(seed) ? "" : "half ",
		    journal_get(seed->journal, "source"));
		return EX_OK;
	}
	if (!is_filled(seed) &&
	    (seed->method->resume(seed, err) || settle_filled(seed, err)))
		return err->status;
	if (act_connect(&seed->act, err) || check_server(seed, err))
		return err->status;
	is_pointed = find_pointed(seed, err);
	if (is_pointed < 0)
		return err->status;
	return is_pointed ? end(seed, err) : point(seed, err);
}

int
seed_is_left(const char *node)
{
	char *name = journal_name(node);
	struct ha_err err;
	int is_there = journal_find(name, &err);

	free(name);
	return is_there != 0;
}

int
seed_recover(const struct repl *repl, const char *node)
{
	struct ha_err err = { 0 };
	struct seed seed;
	int status;

	init(&seed, repl);
	status = finish(&seed, node, &err);
	if (status && err.msg[0])
		ha_say("%s", err.msg);
	release(&seed);
	return status;
}
