/* SPDX-License-Identifier: ISC */
/* recover - finish or undo what an act that was killed left half done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "act.h"
#include "alloc.h"
#include "msg.h"
#include "seed.h"

static int
load_credentials(struct credentials *credentials, const char *option,
    const char *noted, struct ha_err *err)
{
	if (!noted)
		return 0;
	return credentials_read(credentials, option ? option : noted, err);
}

static int
check_server(const struct act *act, struct ha_err *err)
{
	const char *text = journal_get(act->journal, "server_id");

	if (text && strtoll(text, NULL, 10) == act->facts.server_id)
		return 0;
	return ha_err_set(err, EX_NOPERM, 0,
	    "%s has server_id %lld and the journal is of %s: it is another "
	    "server",
	    act->node->name, (long long)act->facts.server_id,
	    text ? text : "none");
}

static int
load(struct act *act, struct ha_err *err)
{
	struct journal *journal = act->journal;
	const char *source = journal_get(journal, "source");

	if (settings_load(&act->old, journal, "old", err) ||
	    settings_load(&act->goal, journal, "goal", err))
		return -1;
	act->channel = journal_get(journal, "channel");
	act->source = source ? node_find(&act->repl->nodes, source, err) : NULL;
	if (!act->channel || !act->source)
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s: its journal names no channel or source",
		    act->node->name);
	if (load_credentials(&act->credentials, act->repl->credentials,
		journal_get(journal, "credentials"), err) ||
	    load_credentials(&act->old_credentials, act->repl->old_credentials,
		journal_get(journal, "old_credentials"), err))
		return -1;
	return act_connect(act, err) || check_server(act, err) ? -1 : 0;
}

static int
is_at_goal(const struct act *act)
{
	struct settings now;
	int result;

	settings_init(&now);
	settings_read(&now, &act->facts, act_channel(act));
	result = settings_equal(&now, &act->goal);
	settings_release(&now);
	return result;
}

/* Reached, or beyond the point from where a position could be gone back to. */
static int
is_forward(const struct act *act)
{
	const struct channel *channel = act_channel(act);

	if (act->repl->is_forward || act->repl->is_back)
		return act->repl->is_forward;
	if (journal_is_begun(act->journal, "back") ||
	    !journal_is_begun(act->journal, "start") || !channel ||
	    !is_at_goal(act))
		return 0;
	return act_has_moved(act) || (channel->receiver == THREAD_YES &&
					 channel->applier == THREAD_YES);
}

static int
change_again(struct act *act, struct ha_err *err)
{
	if (act->goal.gtid == GTID_USE_NO && !act->goal.file &&
	    !settings_equal(&act->old, &act->goal))
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s: it was stopped before the position was known: only "
		    "'ha-repl recover --back %s' is possible",
		    act->node->name, act->node->name);
	if (journal_is_begun(act->journal, "back"))
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s: going back has begun: only 'ha-repl recover --back "
		    "%s' is possible",
		    act->node->name, act->node->name);
	if (act_drain(act, err) || act_stop(act, err))
		return -1;
	/* A server that was restarted since then may have started by itself. */
	return act_is_past_goal(act) ? 0 : act_change(act, err);
}

static int
forward(struct act *act, struct ha_err *err)
{
	if (act_connect_source(act, err))
		return -1;
	if (!journal_is_begun(act->journal, "start") || !is_at_goal(act))
		if (change_again(act, err))
			return -1;
	return act_start(act, err) || act_verify(act, err) ? -1 : 0;
}

static void
say_way(const struct act *act, int goes_forward)
{
	ha_say("%s: %s what '%s' began at %s", act->node->name,
	    goes_forward ? "finishing" : "undoing",
	    journal_get(act->journal, "act"),
	    journal_get(act->journal, "started"));
}

/* Started just before, it may replicate only since it was looked at. */
static int
back_or_forward(struct act *act, int *goes_forward, struct ha_err *err)
{
	struct ha_err own;

	if (!act_back(act, err))
		return 0;
	if (act_look(act, &own) || !is_forward(act))
		return -1;
	*goes_forward = 1;
	say_way(act, 1);
	return forward(act, err);
}

static int
finish(struct act *act, int is_done, struct ha_err *err)
{
	if (journal_end(act->journal, err)) {
		act->journal = NULL;
		return EX_SOFTWARE;
	}
	act->journal = NULL;
	if (is_done)
		ha_say("%s replicates from %s", act->node->name,
		    act->source->name);
	else
		ha_say("%s: its old settings are in force", act->node->name);
	return EX_OK;
}

static int
recover(struct act *act, char **operands, struct ha_err *err)
{
	int is_there, goes_forward;

	if (!operands[0] || operands[1])
		return ha_err_set(err, EX_USAGE, 0,
			   "recover takes one NODE; try 'ha-repl --help'"),
		       EX_USAGE;
	if (act->repl->is_back && act->repl->is_forward)
		return ha_err_set(err, EX_USAGE, 0,
			   "--back and --forward exclude each other"),
		       EX_USAGE;
	act->node = node_find(&act->repl->nodes, operands[0], err);
	if (!act->node)
		return err->status;
	is_there = journal_find(act->node->name, err);
	if (!is_there) {
		if (seed_is_left(act->node->name))
			return EX_OK;
		ha_say("%s: there is nothing to recover", act->node->name);
		return EX_OK;
	}
	if (is_there < 0 || journal_open(&act->journal, act->node->name, err))
		return err->status;
	if (load(act, err))
		return err->status;
	goes_forward = is_forward(act);
	say_way(act, goes_forward);
	if (act->repl->is_dry_run)
		return EX_OK;
	if (goes_forward ? forward(act, err)
			 : back_or_forward(act, &goes_forward, err))
		return EX_SOFTWARE;
	return finish(act, goes_forward, err);
}

int
recover_run(const struct repl *repl, char **operands)
{
	struct ha_err err = { 0 };
	struct act act;
	int status;

	act_init(&act, repl);
	status = recover(&act, operands, &err);
	if (status)
		ha_say("%s", err.msg);
	act_release(&act);
	/* What was pointed may have been a seed's, which ends with it. */
	if (!status && seed_is_left(operands[0]))
		status = seed_recover(repl, operands[0]);
	return status;
}
