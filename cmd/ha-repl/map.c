/* SPDX-License-Identifier: ISC */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "flavour.h"
#include "map.h"

/* Of the replica's log, which is read whole; of the source's, events. */
#define OWN_LOG_MAX (32 << 20)
#define EVENTS_MAX 50000

static int
is_begin(const char *type, const char *info)
{
	if (!strcmp(type, "Query"))
		return !strcmp(info, "BEGIN");
	return !strcmp(type, "Gtid") && !strncmp(info, "BEGIN", 5);
}

static int
is_end(const char *type, int is_open)
{
	return !strcmp(type, "Xid") || !strcmp(type, "XA_prepare") ||
	       (!strcmp(type, "Query") && !is_open);
}

static int
names_table(const char *info, const char *table)
{
	const char *open = strchr(info, '(');
	size_t len = strlen(table);

	return open && !strncmp(open + 1, table, len) && open[1 + len] == ')';
}

/* The log goes on in another file, with what nobody asked for. */
static int
is_last(const struct ha_db_result *events, size_t i, const char *type)
{
	return i + 1 == EVENTS_MAX ||
	       (i + 1 == events->rows &&
		   (!strcmp(type, "Rotate") || !strcmp(type, "Stop")));
}

size_t
map_commits(const struct ha_db_result *events, const char *table,
    struct map_commit **commits)
{
	struct map_commit *list = NULL;
	size_t count = 0, i;
	int is_open = 0, is_beat = 0;

	for (i = 0; i < events->rows; i++) {
		const char *type = ha_db_get(events, i, "Event_type");
		const char *info = ha_db_get(events, i, "Info");
		const char *end = ha_db_get(events, i, "End_log_pos");
		const char *id = ha_db_get(events, i, "Server_id");

		if (!type || !end || !id)
			continue;
		info = info ? info : "";
		if (is_last(events, i, type)) {
			list = ha_xrealloc(list, (count + 1) * sizeof(*list));
			list[count++] = (struct map_commit){ 0, -1, 0 };
			break;
		}
		if (is_begin(type, info)) {
			is_open = 1;
			continue;
		}
		if (!strcmp(type, "Table_map") && names_table(info, table))
			is_beat = 1;
		if (!is_end(type, is_open) && strcmp(info, "COMMIT") != 0)
			continue;
		list = ha_xrealloc(list, (count + 1) * sizeof(*list));
		list[count].end = strtoull(end, NULL, 10);
		list[count].server_id = strtoll(id, NULL, 10);
		list[count++].is_beat = is_beat;
		is_open = is_beat = 0;
	}
	*commits = list;
	return count;
}

int
map_match(const struct map_commit *source, size_t source_count,
    const struct map_commit *replica, size_t replica_count, int64_t writer,
    size_t *last, const char **why)
{
	size_t at = 0, from = replica_count, i, more;

	while (at < source_count &&
	       !(source[at].is_beat && source[at].server_id == writer))
		at++;
	if (at == source_count) {
		*why = "the row is not where it says that it was written";
		return -1;
	}
	*last = at;
	while (from > 0 && !(replica[from - 1].is_beat &&
			       replica[from - 1].server_id == writer))
		from--;
	if (!from) {
		*why = "the replica's own log does not have its last heartbeat "
		       "row, and others were written behind it";
		return at + 1 == source_count ||
			       (source[at + 1].is_beat &&
				   source[at + 1].server_id == writer)
			   ? 0
			   : -1;
	}
	more = replica_count - from;
	for (i = 0; i < more; i++)
		if (at + 1 + i >= source_count ||
		    source[at + 1 + i].server_id !=
			replica[from + i].server_id ||
		    source[at + 1 + i].is_beat != replica[from + i].is_beat) {
			*why = "what was written behind the last heartbeat row "
			       "is not the same in both logs";
			return -1;
		}
	*last = at + more;
	return 0;
}

static const struct beat *
find_beat(const struct act *act)
{
	const struct facts *facts = &act->facts;
	size_t i;

	for (i = 0; i < facts->beat_count; i++)
		if (facts->beats[i].server_id == act->source_facts.server_id &&
		    facts->beats[i].position.file)
			return &facts->beats[i];
	return NULL;
}

static int
read_log(struct act *act, struct ha_db *db, const struct position *from,
    struct map_commit **commits, size_t *count, struct ha_err *err)
{
	struct ha_db_result events = HA_DB_RESULT_INIT;
	struct ha_buf sql = HA_BUF_INIT;
	int failed;

	ha_buf_add_str(&sql, "SHOW BINLOG EVENTS IN ");
	ha_db_add_string(&sql, from->file);
	if (from->at > 4)
		ha_buf_addf(&sql, " FROM %" PRIu64, from->at);
	ha_buf_addf(&sql, " LIMIT %d", EVENTS_MAX);
	failed = ha_db_query(db, sql.data, act_statement_ns(act), &events, err);
	if (!failed)
		*count =
		    map_commits(&events, act->repl->heartbeat_table, commits);
	ha_db_result_release(&events);
	ha_buf_release(&sql);
	return failed;
}

/* The replica's own log from its begin; none: nothing is known of it. */
static int
read_own(struct act *act, struct map_commit **commits, size_t *count,
    struct ha_err *err)
{
	struct position from = { act->facts.own.file, 4 };

	*count = 0;
	if (!from.file || act->facts.own.at > OWN_LOG_MAX ||
	    facts_is_on(&act->facts, act->facts.flavour->log_updates) != 1)
		return 0;
	return read_log(act, act->db, &from, commits, count, err);
}

static int
refuse(const struct act *act, const char *why, struct ha_err *err)
{
	return ha_err_set(err, EX_NOPERM, 0,
	    "from which position of %s is not to be told by its heartbeat rows "
	    "(%s): --pos FILE:POSITION, or --assume-equal=REASON",
	    act->source->name, why);
}

int
map_is_possible(const struct act *act, struct ha_err *err)
{
	return find_beat(act)
		   ? 0
		   : refuse(act, "the replica has none of its own", err);
}

int
map_position(struct act *act, struct ha_err *err)
{
	const struct beat *beat = find_beat(act);
	struct map_commit *source = NULL, *own = NULL;
	size_t source_count = 0, own_count = 0, last = 0;
	const char *why = NULL;
	int result = -1;

	if (!beat)
		return map_is_possible(act, err);
	if (read_log(act, act->source_db, &beat->position, &source,
		&source_count, err) ||
	    read_own(act, &own, &own_count, err)) {
		ha_err_set(
		    err, EX_NOPERM, 0, "SHOW BINLOG EVENTS: %s", err->msg);
	} else if (!source) {
		refuse(act, "its log ends before the row", err);
	} else if (map_match(source, source_count, own, own_count,
		       act->source_facts.server_id, &last, &why)) {
		refuse(act, why, err);
	} else {
		free(act->goal.file);
		act->goal.file = ha_xstrdup(beat->position.file);
		act->goal.at = source[last].end;
		result = 0;
	}
	free(source);
	free(own);
	return result;
}
