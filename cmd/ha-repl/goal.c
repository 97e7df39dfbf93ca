/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "goal.h"
#include "map.h"
#include "msg.h"
#include "preflight.h"

/*
 * Of a new channel: a dead link is noticed in seconds, and a source that is
 * back after days is found.  The servers' own are 30 s and more, and MySQL's
 * from 8.4 on gives up after ten minutes.
 */
#define HEARTBEAT_PERIOD_S 2
#define CONNECT_RETRY_S 10
#define RETRY_COUNT 86400
/* The server's number of a refusal. */
#define NEEDS_PRIVILEGE 1227

static int
is_loopback(const char *host)
{
	return !strcasecmp(host, "localhost") || !strncmp(host, "127.", 4) ||
	       !strcmp(host, "::1");
}

/* Where the replica finds the source: not by a socket. */
static int
find_place(struct act *act, struct ha_err *err)
{
	const struct node *source = act->source;

	if (source->host) {
		act->goal.host = ha_xstrdup(source->host);
		act->goal.port = source->port ? source->port : 3306;
		return 0;
	}
	if (source->alias_count)
		return node_parse_address(
		    source->aliases[0], &act->goal.host, &act->goal.port, err);
	return ha_err_set(err, EX_USAGE, 0,
	    "%s is known by a socket only: a replica needs HOST:PORT, or "
	    "alias=HOST:PORT in repl.conf",
	    source->name);
}

static int
both_have_gtids(const struct act *act)
{
	const char *here = facts_variable(&act->facts, "gtid_mode");
	const char *there = facts_variable(&act->source_facts, "gtid_mode");

	return here && there && !strcmp(here, "ON") && !strcmp(there, "ON");
}

/* To another server than what is set. */
static int
is_moved(const struct act *act)
{
	return !act->old.is_there ||
	       strcasecmp(act->old.host, act->goal.host) != 0 ||
	       act->old.port != act->goal.port;
}

static enum gtid_use
use_of(const char *how, int is_mariadb)
{
	if (!strcmp(how, "no"))
		return GTID_USE_NO;
	if (!strcmp(how, "current_pos"))
		return GTID_USE_CURRENT_POS;
	return !strcmp(how, "slave_pos") || is_mariadb ? GTID_USE_SLAVE_POS
						       : GTID_USE_AUTO;
}

static int
find_gtid(struct act *act, struct ha_err *err)
{
	int is_mariadb = act->facts.flavour->gtid == GTID_MARIADB;
	const char *how = act->repl->gtid;
	enum gtid_use use;

	if (how)
		use = use_of(how, is_mariadb);
	else if (act->repl->pos || act->repl->assume_equal)
		use = GTID_USE_NO;
	else if (act->old.is_there && (is_mariadb || !is_moved(act)))
		use = act->old.gtid;
	else if (!is_mariadb)
		use = both_have_gtids(act) ? GTID_USE_AUTO : GTID_USE_NO;
	else
		use = GTID_USE_SLAVE_POS;
	if (!is_mariadb && use != GTID_USE_NO && use != GTID_USE_AUTO)
		return ha_err_set(err, EX_USAGE, 0,
		    "--gtid %s is MariaDB's; %s is %s", how, act->node->name,
		    act->facts.flavour->name);
	act->goal.gtid = use;
	return 0;
}

/* It has written itself: slave_pos is to know of that. */
static void
find_demotion(struct act *act)
{
	const char *text = facts_variable(&act->facts, "gtid_slave_pos");
	struct gtid_set slave_pos = { 0 };
	struct ha_err err;

	if (act->goal.gtid != GTID_USE_SLAVE_POS || !text)
		return;
	if (!gtid_parse(&slave_pos, GTID_MARIADB, text, &err))
		act->goal.is_demotion =
		    !gtid_contains(&slave_pos, &act->facts.position);
	gtid_release(&slave_pos);
}

static int
find_tls(struct act *act, struct ha_err *err)
{
	const struct repl *repl = act->repl;
	struct settings *goal = &act->goal;

	if (repl->is_plain) {
		goal->has_tls = 0;
		return 0;
	}
	goal->ca = repl->ca ? ha_xstrdup(repl->ca) : NULL;
	goal->cert = repl->cert ? ha_xstrdup(repl->cert) : NULL;
	goal->key = repl->key ? ha_xstrdup(repl->key) : NULL;
	if (repl->ca)
		goal->is_verified = 1;
	if (act->old.is_there && act->old.has_tls == 1 && !repl->ca)
		return 0;
	goal->has_tls = preflight_source_has_tls(act);
	if (!goal->has_tls && (repl->ca || repl->cert || repl->key))
		return ha_err_set(err, EX_CONFIG, 0, "%s has no TLS to offer",
		    act->source->name);
	if (goal->has_tls && !repl->ca)
		goal->is_verified = 0;
	if (is_loopback(goal->host) || repl->ca || repl->insecure)
		return 0;
	return goal->has_tls
		   ? ha_err_set(err, EX_NOPERM, 0,
			 "the replica can't verify %s without --ssl-ca FILE (on the "
			 "replica); --insecure=REASON does without, --no-tls too",
			 act->source->name)
		   : ha_err_set(err, EX_NOPERM, 0,
			 "%s has no TLS to offer: the link would be readable on its "
			 "way; --no-tls allows it",
			 act->source->name);
}

/* caching_sha2_password needs TLS or the source's key. */
static int
find_public_key(struct act *act, struct ha_err *err)
{
	struct ha_db_result result = HA_DB_RESULT_INIT;
	int failed;

	if (act->facts.flavour->gtid != GTID_MYSQL || act->goal.has_tls == 1 ||
	    (act->goal.has_tls < 0 && act->old.has_tls == 1))
		return 0;
	failed = ha_db_query(act->db,
	    "SHOW GLOBAL VARIABLES LIKE "
	    "'caching\\_sha2\\_password\\_private\\_key\\_path'",
	    act_statement_ns(act), &result, err);
	if (!failed && result.rows)
		act->goal.gets_public_key = 1;
	ha_db_result_release(&result);
	return failed;
}

static int
is_elsewhere(const struct act *act)
{
	return is_moved(act) || act->old.gtid != act->goal.gtid;
}

/* "FILE:POSITION"; *file is the caller's to free. */
static int
parse_pos(const char *text, char **file, uint64_t *at, struct ha_err *err)
{
	const char *colon = strrchr(text, ':');
	char *end;

	*file = NULL;
	if (!colon || colon == text || colon[1] < '0' || colon[1] > '9')
		goto fail;
	*at = strtoull(colon + 1, &end, 10);
	if (*end || *at < 4 || *at > INT64_MAX)
		goto fail;
	*file = ha_xmemdup(text, (size_t)(colon - text));
	return 0;
fail:
	return ha_err_set(err, EX_USAGE, 0,
	    "--pos %s: a binary log's name, a colon and a position from 4 on",
	    text);
}

/* "", or numbers from 1 to 2^32 - 1 with commas between them. */
static int
check_ids(const char *text, struct ha_err *err)
{
	const char *at = text;
	char *end;

	while (*at) {
		if (*at < '0' || *at > '9' || strtoull(at, &end, 10) == 0 ||
		    strtoull(at, &end, 10) > UINT32_MAX ||
		    (*end && (*end != ',' || !end[1])))
			return ha_err_set(err, EX_USAGE, 0,
			    "--ignore-server-ids %s: server_ids with commas "
			    "between them, as 1,3",
			    text);
		at = *end ? end + 1 : end;
	}
	return 0;
}

int
goal_check(const struct repl *repl, struct ha_err *err)
{
	uint64_t at;
	char *file;

	if (repl->pos && (repl->assume_equal || repl->is_empty))
		return ha_err_set(err, EX_USAGE, 0,
		    "--pos goes neither with --assume-equal nor with --empty");
	if (repl->gtid && strcmp(repl->gtid, "no") != 0 &&
	    (repl->pos || repl->assume_equal))
		return ha_err_set(err, EX_USAGE, 0,
		    "--pos and --assume-equal are for --gtid no");
	if (repl->is_plain && (repl->ca || repl->cert || repl->key))
		return ha_err_set(err, EX_USAGE, 0,
		    "--no-tls and --ssl-* exclude each other");
	if (!repl->cert != !repl->key)
		return ha_err_set(
		    err, EX_USAGE, 0, "--ssl-cert and --ssl-key go together");
	if (repl->old_credentials && !repl->credentials)
		return ha_err_set(err, EX_USAGE, 0,
		    "--old-credentials goes with --credentials");
	if (repl->ignored_ids && check_ids(repl->ignored_ids, err))
		return -1;
	if (!repl->pos)
		return 0;
	if (parse_pos(repl->pos, &file, &at, err))
		return -1;
	free(file);
	return 0;
}

/* All of it is to come out of the logs: from the very first one. */
static int
find_first(struct act *act, struct ha_err *err)
{
	struct ha_db_result logs = HA_DB_RESULT_INIT;
	const char *name, *dot;
	int result =
	    ha_db_query(act->source_db, act->source_facts.flavour->show_logs,
		act_statement_ns(act), &logs, err);

	name = result ? NULL : ha_db_get(&logs, 0, "Log_name");
	dot = name ? strrchr(name, '.') : NULL;
	if (!result && (!dot || strtoull(dot + 1, NULL, 10) != 1))
		result = preflight_refuse(act->repl, err,
		    "--empty: %s has not got its first binary log any more",
		    act->source->name);
	if (!result && name) {
		act->goal.file = ha_xstrdup(name);
		act->goal.at = 4;
	}
	ha_db_result_release(&logs);
	return result;
}

static int
find_pos(struct act *act, struct ha_err *err)
{
	const struct repl *repl = act->repl;

	if (act->goal.gtid != GTID_USE_NO)
		return 0;
	if (repl->pos)
		return parse_pos(
		    repl->pos, &act->goal.file, &act->goal.at, err);
	if (!repl->assume_equal && repl->is_empty && is_elsewhere(act))
		return find_first(act, err);
	if (!repl->assume_equal && is_elsewhere(act))
		return map_is_possible(act, err);
	return 0;
}

int
goal_lacks_position(const struct act *act)
{
	return act->goal.gtid == GTID_USE_NO && !act->goal.file &&
	       (act->repl->assume_equal || is_elsewhere(act));
}

int
goal_make(struct act *act, struct ha_err *err)
{
	struct settings *goal = &act->goal;

	goal->is_there = goal->receiver_runs = goal->applier_runs = 1;
	goal->heartbeat_period_s = act->old.heartbeat_period_s;
	if (!act->old.is_there) {
		goal->heartbeat_period_s = HEARTBEAT_PERIOD_S;
		goal->connect_retry_s = CONNECT_RETRY_S;
		goal->retry_count = RETRY_COUNT;
	}
	if (act->repl->ignored_ids)
		goal->ignored_ids = ha_xstrdup(act->repl->ignored_ids);
	if (find_place(act, err) || find_gtid(act, err))
		return -1;
	find_demotion(act);
	if (find_tls(act, err) || find_public_key(act, err) ||
	    find_pos(act, err))
		return -1;
	if (!act->credentials.user && (!act->old.user || !*act->old.user))
		return ha_err_set(err, EX_CONFIG, 0,
		    "%s has no replication account yet: --credentials FILE",
		    act->node->name);
	goal->user =
	    act->credentials.user ? ha_xstrdup(act->credentials.user) : NULL;
	return 0;
}

static int
lock_source(struct act *act, struct ha_err *err)
{
	int64_t wait_ms = act->repl->lock_wait_ms;
	int64_t deadline_ns = ha_clock_deadline(wait_ms);
	int status;
	char sql[80];

	snprintf(sql, sizeof(sql), "SET SESSION lock_wait_timeout = %" PRId64,
	    wait_ms < 1000 ? 1 : wait_ms / 1000);
	if (ha_db_query(act->source_db, sql, act_statement_ns(act), NULL, err))
		return -1;
	if (!ha_db_query(act->source_db, "FLUSH TABLES WITH READ LOCK",
		deadline_ns, NULL, err))
		return 0;
	status = ha_db_error(act->source_db) == NEEDS_PRIVILEGE ? EX_NOPERM
								: EX_TEMPFAIL;
	return ha_err_set(err, status, 0,
	    "%s: its tables could not be locked: %s", act->source->name,
	    err->msg);
}

static int
take_present(struct act *act, struct ha_err *err)
{
	int is_locked = act->repl->lock_wait_ms >= 0;

	if ((is_locked && lock_source(act, err)) || act_look_source(act, err) ||
	    (is_locked && ha_db_query(act->source_db, "UNLOCK TABLES",
			      act_statement_ns(act), NULL, err))) {
		/* With the connection goes a lock, one that still comes too. */
		ha_db_free(act->source_db);
		act->source_db = NULL;
		return -1;
	}
	if (!act->source_facts.own.file)
		return ha_err_set(
		    err, EX_CONFIG, 0, "%s: log_bin is off", act->source->name);
	act->goal.file = ha_xstrdup(act->source_facts.own.file);
	act->goal.at = act->source_facts.own.at;
	return 0;
}

int
goal_find_position(struct act *act, struct ha_err *err)
{
	if (act->repl->assume_equal) {
		ha_warn("assumed equal (%s): what %s wrote since the data of "
			"%s was taken is skipped",
		    act->repl->assume_equal, act->source->name,
		    act->node->name);
		return take_present(act, err);
	}
	return map_position(act, err);
}

static int
opens_old_source(struct act *act)
{
	struct ha_db *db = ha_db_new();
	struct ha_db_options options = { 0 };
	struct ha_err err;
	int result;

	options.host = act->old.host;
	options.port = act->old.port;
	options.user = act->credentials.user;
	options.password = act->credentials.password;
	options.defaults_file = act->repl->defaults_file;
	options.insecure =
	    act->repl->is_plain ? "--no-tls" : act->repl->insecure;
	options.deadline_ns = act_statement_ns(act);
	result = ha_db_connect(db, &options, &err);
	ha_db_free(db);
	return !result;
}

int
goal_old_credentials(struct act *act, struct ha_err *err)
{
	if (!act->credentials.user || !act->old.is_there)
		return 0;
	if (act->repl->old_credentials) {
		if (credentials_read(
			&act->old_credentials, act->repl->old_credentials, err))
			return -1;
	} else if (act->old.user &&
		   !strcmp(act->credentials.user, act->old.user) &&
		   opens_old_source(act)) {
		return credentials_read(
		    &act->old_credentials, act->repl->credentials, err);
	} else {
		return ha_err_set(err, EX_NOPERM, 0,
		    "%s replicates as '%s' with a password that can't be read "
		    "back: to undo it --old-credentials FILE is needed",
		    act->node->name, act->old.user ? act->old.user : "");
	}
	if (act->old.user && *act->old.user &&
	    strcmp(act->old_credentials.user, act->old.user) != 0)
		return ha_err_set(err, EX_NOPERM, 0,
		    "--old-credentials is for '%s', and %s replicates as '%s'",
		    act->old_credentials.user, act->node->name, act->old.user);
	return 0;
}
