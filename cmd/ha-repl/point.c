/* SPDX-License-Identifier: ISC */
/* point - give a replica its source, whole or not at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "alloc.h"
#include "goal.h"
#include "msg.h"
#include "out.h"
#include "preflight.h"
#include "seed.h"

static int
find_nodes(struct act *act, char **operands, struct ha_err *err)
{
	const struct repl *repl = act->repl;

	if (!operands[0] || operands[1])
		return ha_err_set(err, EX_USAGE, 0,
		    "point takes one NODE; try 'ha-repl --help'");
	if (!repl->source)
		return ha_err_set(err, EX_USAGE, 0,
		    "point needs --source NODE; try 'ha-repl --help'");
	if (repl->lock_wait_ms >= 0 && !repl->assume_equal)
		return ha_err_set(err, EX_USAGE, 0,
		    "--lock-wait goes with --assume-equal=REASON");
	if (goal_check(repl, err))
		return -1;
	act->node = node_find(&repl->nodes, operands[0], err);
	if (!act->node)
		return -1;
	act->source = node_find(&repl->nodes, repl->source, err);
	if (!act->source)
		return -1;
	if (!strcmp(act->node->name, act->source->name) ||
	    !strcmp(node_address(act->node), node_address(act->source)))
		return ha_err_set(
		    err, EX_USAGE, 0, "a node can't be its own source");
	return 0;
}

/* The replica is read before the source: what it has, that must have. */
static int
read_both(struct act *act, struct ha_err *err)
{
	const struct repl *repl = act->repl;

	if (repl->credentials &&
	    credentials_read(&act->credentials, repl->credentials, err))
		return -1;
	if (act_connect(act, err))
		return -1;
	settings_read(&act->old, &act->facts, act_channel(act));
	return act_connect_source(act, err);
}

static int
is_so_already(const struct act *act)
{
	const struct channel *channel = act_channel(act);

	return !act->credentials.user && !act->goal.file &&
	       !goal_lacks_position(act) && channel &&
	       settings_equal(&act->old, &act->goal) &&
	       channel->receiver == THREAD_YES &&
	       channel->applier == THREAD_YES;
}

static void
print_statement(struct ha_buf *sql)
{
	ha_buf_add_str(sql, ";\n");
	ha_out_write(sql->data, sql->len);
	ha_buf_reset(sql);
}

static int
print_statements(struct act *act, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;

	if (goal_lacks_position(act) && goal_find_position(act, err))
		return -1;
	if (act->old.is_there) {
		act_add(&sql, act, FLAVOUR_STOP_RECEIVER);
		print_statement(&sql);
		act_add(&sql, act, FLAVOUR_STOP);
		print_statement(&sql);
	}
	act_add_change(&sql, act, 1);
	print_statement(&sql);
	act_add(&sql, act, FLAVOUR_START);
	print_statement(&sql);
	ha_buf_release(&sql);
	return 0;
}

static void
note(struct act *act)
{
	struct journal *journal = act->journal;
	const struct repl *repl = act->repl;
	char id[32];

	snprintf(id, sizeof(id), "%lld", (long long)act->facts.server_id);
	journal_set(journal, "source", act->source->name);
	journal_set(journal, "channel", act->channel);
	journal_set(journal, "server_id", id);
	if (act->credentials.user)
		journal_set(journal, "credentials", repl->credentials);
	if (act->old_credentials.user)
		journal_set(journal, "old_credentials",
		    repl->old_credentials ? repl->old_credentials
					  : repl->credentials);
	settings_save(&act->old, journal, "old");
	settings_save(&act->goal, journal, "goal");
}

/* Where it has stopped is where it goes on if it goes back. */
static void
note_positions(struct act *act)
{
	struct settings now;

	settings_init(&now);
	settings_read(&now, &act->facts, act_channel(act));
	free(act->old.file);
	act->old.file = now.file;
	now.file = NULL;
	act->old.at = now.at;
	free(act->old.applied);
	act->old.applied = now.applied;
	now.applied = NULL;
	settings_release(&now);
	settings_save(&act->old, act->journal, "old");
	settings_save(&act->goal, act->journal, "goal");
}

static int
perform(struct act *act, struct ha_err *err)
{
	if (act_drain(act, err) || act_stop(act, err))
		return -1;
	if (goal_lacks_position(act) && goal_find_position(act, err))
		return -1;
	note_positions(act);
	if (act_change(act, err) || act_start(act, err))
		return -1;
	return act_verify(act, err);
}

static int
undo(struct act *act, struct ha_err *err)
{
	struct ha_err back;
	int status;

	ha_say("%s", err->msg);
	if (act_back(act, &back)) {
		ha_say("%s", back.msg);
		return EX_SOFTWARE;
	}
	status = err->status;
	if (journal_end(act->journal, &back)) {
		ha_say("%s", back.msg);
		status = EX_SOFTWARE;
	}
	act->journal = NULL;
	ha_say("%s: nothing is changed: its old settings are in force",
	    act->node->name);
	return status;
}

static int
prepare(struct act *act, struct ha_err *err)
{
	if (goal_make(act, err) || goal_old_credentials(act, err) ||
	    preflight(act, err))
		return -1;
	return 0;
}

static int
refuse_half_filled(const struct act *act, struct ha_err *err)
{
	if (!seed_is_left(act->node->name))
		return 0;
	return ha_err_set(err, EX_SOFTWARE, 0,
	    "a seed of %s has not ended: run 'ha-repl recover %s'",
	    act->node->name, act->node->name);
}

static int
point(struct act *act, char **operands, int is_filled, struct ha_err *err)
{
	if (find_nodes(act, operands, err) ||
	    (!is_filled && refuse_half_filled(act, err)))
		return err->status;
	if (!act->repl->is_dry_run &&
	    journal_begin(&act->journal, act->node->name, "point", err))
		return err->status;
	if (read_both(act, err) || prepare(act, err))
		return err->status;
	if (is_so_already(act)) {
		ha_say("%s replicates from %s already", act->node->name,
		    act->source->name);
		return EX_OK;
	}
	if (act->repl->is_dry_run)
		return print_statements(act, err) ? err->status : EX_OK;
	note(act);
	if (perform(act, err)) {
		int status = undo(act, err);

		err->msg[0] = '\0';
		return status;
	}
	if (journal_end(act->journal, err))
		return EX_SOFTWARE;
	act->journal = NULL;
	ha_say("%s replicates from %s", act->node->name, act->source->name);
	return EX_OK;
}

static int
run(const struct repl *repl, char **operands, int is_filled)
{
	struct ha_err err = { 0 };
	struct act act;
	int status;

	act_init(&act, repl);
	status = point(&act, operands, is_filled, &err);
	if (status && err.msg[0])
		ha_say("%s", err.msg);
	act_release(&act);
	return status;
}

int
point_run(const struct repl *repl, char **operands)
{
	return run(repl, operands, 0);
}

int
point_filled(const struct repl *repl, char **operands)
{
	return run(repl, operands, 1);
}
