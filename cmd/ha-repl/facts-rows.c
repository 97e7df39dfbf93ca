/* SPDX-License-Identifier: ISC */
/*
 * facts-rows - heartbeats, replicas, positions, refusals: what is no channel.
 *
 * Source: pt-heartbeat(1), "--create-table"; MySQL "SHOW REPLICAS", "SHOW
 * BINARY LOG STATUS".
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "facts-parts.h"

#define US_S INT64_C(1000000)
/* A beat that lies further ahead than this was written in local time. */
#define AHEAD_US (60 * US_S)

/* Server errors for want of a privilege: MySQL's error reference. */
enum {
	DB_ACCESS_DENIED = 1044,
	TABLE_ACCESS_DENIED = 1142,
	COLUMN_ACCESS_DENIED = 1143,
	SPECIFIC_ACCESS_DENIED = 1227,
};

/* Exactly so many digits; -1: they are not there. */
static int64_t
digits(const char **text, int count)
{
	int64_t number = 0;

	for (; count; count--, ++*text) {
		if (**text < '0' || **text > '9')
			return -1;
		number = number * 10 + (**text - '0');
	}
	return number;
}

/* Days since 1970 of the Gregorian calendar. */
static int64_t
days_of(int64_t year, int64_t month, int64_t day)
{
	int64_t era_year = month > 2 ? year : year - 1;
	int64_t days = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era_year * 365 + era_year / 4 - era_year / 100 + era_year / 400 +
	       days - 719468;
}

/* In microseconds; what is finer is cut. */
static int64_t
fraction(const char **text)
{
	int64_t us = 0;

	if (**text != '.')
		return 0;
	++*text;
	for (int64_t unit = US_S / 10; **text >= '0' && **text <= '9';
	     ++*text, unit /= 10)
		us += unit * (**text - '0');
	return us;
}

int
facts_stamp(const char *text, int64_t *us)
{
	static const char after[] = "--T::";
	static const int widths[] = { 4, 2, 2, 2, 2, 2 };
	int64_t part[6], part_us;

	if (!text)
		return -1;
	for (int i = 0; i < 6; i++) {
		part[i] = digits(&text, widths[i]);
		if (part[i] < 0)
			return -1;
		if (i < 5 && *text != after[i] && (i != 2 || *text != ' '))
			return -1;
		text += i < 5;
	}
	part_us = fraction(&text);
	if (*text || part[0] < 1970 || part[1] < 1 || part[1] > 12 ||
	    part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59 ||
	    part[5] > 60)
		return -1;
	*us = ((days_of(part[0], part[1], part[2]) * 24 + part[3]) * 3600 +
		  part[4] * 60 + part[5]) *
		  US_S +
	      part_us;
	return 0;
}

/*
 * pt-heartbeat writes UTC only with --utc: what lies ahead by hours is in local
 * time, which all the servers are taken to share.
 */
static int
read_beat(struct beat *beat, const struct facts *facts,
    const struct ha_db_result *result, size_t row)
{
	int64_t id = facts_integer(ha_db_get(result, row, "server_id"), -1);
	int64_t us;

	if (id < 0 || facts_stamp(ha_db_get(result, row, "ts"), &us))
		return -1;
	if (facts->beats_us && us > facts->beats_us + AHEAD_US &&
	    facts->zone_s > 0)
		us -= facts->zone_s * US_S;
	*beat = (struct beat){
		.server_id = id,
		.written_us = us,
		.position = facts_position(ha_db_get(result, row, "file"),
		    ha_db_get(result, row, "position")),
		.executed = facts_position(
		    ha_db_get(result, row, "relay_master_log_file"),
		    ha_db_get(result, row, "exec_master_log_pos")),
	};
	return 0;
}

void
facts_add_beats(struct facts *facts, const struct ha_db_result *result)
{
	facts_stamp(ha_db_get(result, 0, "asked_at"), &facts->beats_us);
	facts->beats = ha_xcalloc(result->rows + 1, sizeof(struct beat));
	for (size_t i = 0; i < result->rows; i++)
		if (!read_beat(
			&facts->beats[facts->beat_count], facts, result, i))
			facts->beat_count++;
}

/* "10.0.0.2:40112" without the port; the caller frees it. */
static char *
address_of(const char *text)
{
	const char *colon = strrchr(text, ':');

	return colon ? ha_xmemdup(text, (size_t)(colon - text))
		     : ha_xstrdup(text);
}

/* Does a replica that tells its host already have this connection? */
static int
is_told(const struct facts *facts, const char *address)
{
	for (size_t i = 0; i < facts->child_count; i++)
		if (!strcmp(facts->children[i].host, address))
			return 1;
	return 0;
}

/*
 * A replica without report_host is at the address that asks for the log, where
 * there is only one such.
 */
static void
add_address(struct facts *facts, const struct ha_db_result *dumps)
{
	char *found = NULL;
	int is_clear = 1;

	for (size_t i = 0; i < dumps->rows; i++) {
		const char *host = ha_db_get(dumps, i, "Host");
		char *address = address_of(host ? host : "");

		if (*address && !is_told(facts, address)) {
			is_clear =
			    is_clear && (!found || !strcmp(found, address));
			free(found);
			found = address;
		} else {
			free(address);
		}
	}
	for (size_t i = 0; i < facts->child_count && found && is_clear; i++)
		if (!*facts->children[i].host) {
			free(facts->children[i].host);
			facts->children[i].host = ha_xstrdup(found);
		}
	free(found);
}

void
facts_add_children(struct facts *facts, const struct ha_db_result *result,
    const struct ha_db_result *dumps)
{
	facts->children = ha_xcalloc(result->rows + 1, sizeof(struct child));
	for (size_t i = 0; i < result->rows; i++) {
		const char *host = ha_db_get(result, i, "Host");
		const char *uuid = facts_cell(result, i, "Replica_UUID");

		facts->children[facts->child_count++] = (struct child){
			.server_id = facts_integer(
			    ha_db_get(result, i, "Server_id"), -1),
			.host = ha_xstrdup(host ? host : ""),
			.port = (unsigned)facts_offset(
			    ha_db_get(result, i, "Port")),
			.uuid = uuid && *uuid ? ha_xstrdup(uuid) : NULL,
		};
	}
	add_address(facts, dumps);
}

static void
parse(struct gtid_set *set, enum gtid_kind kind, const char *text)
{
	struct ha_err err;

	gtid_parse(set, kind, text, &err);
}

void
facts_add_own(struct facts *facts, const struct ha_db_result *own,
    const struct ha_db_result *gtids)
{
	static const char *const names[] = { "Binlog_Do_DB",
		"Binlog_Ignore_DB" };
	enum gtid_kind kind = facts->executed.kind;
	struct ha_buf filters = HA_BUF_INIT;

	facts->own = facts_position(
	    ha_db_get(own, 0, "File"), ha_db_get(own, 0, "Position"));
	for (size_t i = 0; i < 2; i++) {
		const char *cell = ha_db_get(own, 0, names[i]);

		if (cell && *cell)
			ha_buf_addf(&filters, "%s%s=%s", filters.len ? " " : "",
			    names[i], cell);
	}
	free(facts->log_filters);
	facts->log_filters = ha_buf_detach(&filters);
	parse(&facts->executed, kind, ha_db_get(gtids, 0, "executed"));
	parse(&facts->position, kind, ha_db_get(gtids, 0, "position"));
	parse(&facts->purged, kind, ha_db_get(gtids, 0, "purged"));
	if (kind == GTID_MARIADB)
		parse(&facts->applied, kind,
		    facts_variable(facts, "gtid_slave_pos"));
}

/* "A or B" of "... (at least one of) the A, B privilege(s) ...". */
static void
add_privileges(struct ha_buf *denied, const char *words)
{
	const char *start = strstr(words, ") the ");
	const char *end = strstr(words, " privilege");

	start = start ? start + strlen(") the ") : end;
	if (!start || start >= end) {
		ha_buf_add_str(denied, "a privilege");
		return;
	}
	for (; start < end; start++)
		if (!strncmp(start, ", ", 2))
			ha_buf_add_str(denied, " or");
		else
			ha_buf_add_char(denied, *start);
}

void
facts_add_denied(
    struct facts *facts, const struct ha_db_result *result, const char *what)
{
	struct ha_buf denied = HA_BUF_INIT;
	const char *words = result->words ? result->words : "";

	if (result->error != DB_ACCESS_DENIED &&
	    result->error != TABLE_ACCESS_DENIED &&
	    result->error != COLUMN_ACCESS_DENIED &&
	    result->error != SPECIFIC_ACCESS_DENIED)
		return;
	ha_buf_add_str(&denied, facts->denied);
	if (denied.len)
		ha_buf_add_str(&denied, "; ");
	if (result->error == SPECIFIC_ACCESS_DENIED) {
		add_privileges(&denied, words);
		ha_buf_addf(&denied, " for %s", what);
	} else {
		ha_buf_addf(&denied, "SELECT on %s", what);
	}
	free(facts->denied);
	facts->denied = ha_buf_detach(&denied);
}
