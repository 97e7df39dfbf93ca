/* SPDX-License-Identifier: ISC */
/*
 * show - positions, GTID sets, lag and roles: a record a channel, one at least
 * a node.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "flavour.h"
#include "fleet.h"
#include "gtid.h"
#include "msg.h"
#include "out.h"
#include "rec.h"
#include "repl.h"
#include "text.h"
#include "topology.h"

/* As the man page lists them; later versions append. */
enum field {
	NODE,
	ADDRESS,
	ROLE,
	WRITES,
	VERSION,
	SERVER_ID,
	UUID,
	POSITION,
	EXECUTED,
	CHANNEL,
	SOURCE,
	RECEIVER,
	APPLIER,
	READ,
	APPLIED,
	GTID,
	RETRIEVED,
	LAG,
	BEHIND,
	WORDS,
	FIELDS
};

/* For JSON; numbers are written as such. */
static const struct {
	const char *name;
	int is_number;
} fields[FIELDS] = {
	[NODE] = { "node", 0 },
	[ADDRESS] = { "address", 0 },
	[ROLE] = { "role", 0 },
	[WRITES] = { "writes", 0 },
	[VERSION] = { "version", 0 },
	[SERVER_ID] = { "server_id", 1 },
	[UUID] = { "uuid", 0 },
	[POSITION] = { "position", 0 },
	[EXECUTED] = { "executed", 0 },
	[CHANNEL] = { "channel", 0 },
	[SOURCE] = { "source", 0 },
	[RECEIVER] = { "receiver", 0 },
	[APPLIER] = { "applier", 0 },
	[READ] = { "read", 0 },
	[APPLIED] = { "applied", 0 },
	[GTID] = { "gtid", 0 },
	[RETRIEVED] = { "retrieved", 0 },
	[LAG] = { "lag", 1 },
	[BEHIND] = { "behind", 1 },
	[WORDS] = { "words", 0 },
};

struct row {
	struct ha_buf cells[FIELDS]; /* "" is not known, or none */
	int has_channel; /* the usual one's name is "" */
};

struct rows {
	struct row *list; /* owned */
	size_t count;
};

static const char *const thread_words[] = {
	[THREAD_UNKNOWN] = "",
	[THREAD_NO] = "no",
	[THREAD_YES] = "yes",
	[THREAD_CONNECTING] = "connecting",
};

static const char *const gtid_words[] = {
	[GTID_USE_NO] = "no",
	[GTID_USE_AUTO] = "auto",
	[GTID_USE_SLAVE_POS] = "slave_pos",
	[GTID_USE_CURRENT_POS] = "current_pos",
};

static void
set(struct row *row, enum field field, const char *text)
{
	if (text)
		ha_buf_add_str(&row->cells[field], text);
}

static void
set_number(struct row *row, enum field field, int64_t number)
{
	if (number >= 0)
		ha_buf_addf(&row->cells[field], "%" PRId64, number);
}

static void
set_position(struct row *row, enum field field, const struct position *position)
{
	if (position->file)
		ha_buf_addf(&row->cells[field], "%s:%" PRIu64, position->file,
		    position->at);
}

static void
add_words(struct row *row, const char *text)
{
	struct ha_buf *words = &row->cells[WORDS];

	if (!text || !*text)
		return;
	if (words->len)
		ha_buf_add_str(words, "; ");
	ha_buf_add_str(words, text);
}

/* Does anybody replicate from it: connected to it, or of the nodes? */
static int
has_replicas(const struct topology *topology, size_t node)
{
	if (topology->fleet->facts[node]->child_count)
		return 1;
	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].source == node)
			return 1;
	return 0;
}

static const char *
role_of(const struct topology *topology, size_t node)
{
	int has_source = topology->fleet->facts[node]->channel_count > 0;
	int is_source = has_replicas(topology, node);

	return has_source && is_source ? "both"
	       : has_source            ? "replica"
	       : is_source             ? "source"
				       : "alone";
}

static void
set_node(struct row *row, const struct topology *topology, size_t node)
{
	const struct facts *facts = topology->fleet->facts[node];
	int is_writable;

	set(row, NODE, facts->node->name);
	set(row, ADDRESS, node_address(facts->node));
	set(row, VERSION, facts->version);
	if (!facts->is_answered) {
		add_words(row, facts->why.msg);
		return;
	}
	is_writable = facts_is_writable(facts);
	set(row, ROLE, role_of(topology, node));
	set(row, WRITES, is_writable < 0 ? "" : is_writable ? "yes" : "no");
	set_number(row, SERVER_ID, facts->server_id);
	set(row, UUID, facts->uuid);
	set_position(row, POSITION, &facts->own);
	gtid_add_text(&row->cells[EXECUTED], &facts->executed);
	add_words(row, facts->denied);
}

static void
set_lag(struct row *row, const struct topology *topology, size_t node,
    const struct channel *channel)
{
	const struct fleet *fleet = topology->fleet;
	const struct beat *beat = topology_beat(topology, node, channel);
	int64_t lag_us;

	if (!beat)
		return;
	lag_us = facts_lag_us(fleet->facts[node], beat,
	    fleet_by_server(fleet, beat->server_id, NULL));
	ha_buf_addf(&row->cells[LAG], "%.6f", (double)lag_us / 1e6);
}

static void
set_channel(struct row *row, const struct topology *topology, size_t node,
    const struct channel *channel)
{
	struct node *source;

	row->has_channel = 1;
	set(row, CHANNEL, channel->name);
	if (channel->source_host && *channel->source_host) {
		source = node_new(channel->source_host, channel->source_port);
		set(row, SOURCE, node_address(source));
		node_free(source);
	}
	set(row, RECEIVER, thread_words[channel->receiver]);
	set(row, APPLIER, thread_words[channel->applier]);
	set_position(row, READ, &channel->read);
	set_position(row, APPLIED, &channel->executed);
	set(row, GTID, gtid_words[channel->gtid]);
	gtid_add_text(&row->cells[RETRIEVED], &channel->retrieved);
	set_lag(row, topology, node, channel);
	set_number(row, BEHIND, channel->seconds_behind);
	add_words(row, channel->receiver_words);
	add_words(row, channel->applier_words);
}

static struct row *
add_row(struct rows *rows)
{
	struct row *row;

	rows->list =
	    ha_xrealloc(rows->list, (rows->count + 1) * sizeof(*rows->list));
	row = &rows->list[rows->count++];
	row->has_channel = 0;
	for (size_t i = 0; i < FIELDS; i++)
		ha_buf_init(&row->cells[i]);
	return row;
}

static void
rows_build(struct rows *rows, const struct topology *topology)
{
	const struct fleet *fleet = topology->fleet;

	*rows = (struct rows){ NULL, 0 };
	for (size_t i = 0; i < fleet->count; i++) {
		const struct facts *facts = fleet->facts[i];
		size_t j = 0;

		do {
			struct row *row = add_row(rows);

			set_node(row, topology, i);
			if (j < facts->channel_count)
				set_channel(
				    row, topology, i, &facts->channels[j]);
		} while (++j < facts->channel_count);
	}
}

static void
rows_release(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		for (size_t j = 0; j < FIELDS; j++)
			ha_buf_release(&rows->list[i].cells[j]);
	free(rows->list);
}

static void
add_tsv(struct ha_buf *out, const struct row *row)
{
	for (size_t i = 0; i < FIELDS; i++) {
		if (i)
			ha_buf_add_char(out, '\t');
		ha_rec_add_field(out, row->cells[i].data, row->cells[i].len);
	}
	ha_buf_add_char(out, '\n');
}

static void
add_json(struct ha_buf *out, const struct row *row)
{
	for (size_t i = 0; i < FIELDS; i++) {
		const struct ha_buf *cell = &row->cells[i];

		ha_buf_addf(out, "%s\"%s\":", i ? "," : "{", fields[i].name);
		if (!cell->len && (i != CHANNEL || !row->has_channel))
			ha_buf_add_str(out, "null");
		else if (fields[i].is_number)
			ha_buf_add_str(out, cell->data);
		else
			ha_rec_add_json(out, cell->data, cell->len);
	}
	ha_buf_add_str(out, "}\n");
}

/* What a person sees: some columns, and below them what is long. */
#define COLUMNS 7

static const char *const titles[COLUMNS] = {
	"NODE",
	"ROLE",
	"WRITES",
	"SOURCE",
	"THREADS",
	"LAG",
	"POSITION",
};

static void
add_cell(struct ha_buf *text, const struct row *row, enum field field)
{
	const struct ha_buf *cell = &row->cells[field];

	if (cell->len)
		ha_rec_add_printable(text, cell->data, cell->len);
	else
		ha_buf_add_char(text, '-');
}

static void
add_threads(struct ha_buf *text, const struct row *row)
{
	if (!row->cells[RECEIVER].len && !row->cells[APPLIER].len) {
		ha_buf_add_char(text, '-');
		return;
	}
	add_cell(text, row, RECEIVER);
	ha_buf_add_char(text, '/');
	add_cell(text, row, APPLIER);
}

static void
add_source(struct ha_buf *text, const struct row *row)
{
	add_cell(text, row, SOURCE);
	if (!row->cells[CHANNEL].len)
		return;
	ha_buf_add_str(text, " (");
	add_cell(text, row, CHANNEL);
	ha_buf_add_char(text, ')');
}

static void
add_lag(struct ha_buf *text, const struct row *row)
{
	if (row->cells[LAG].len)
		ha_buf_addf(text, "%.3f s", strtod(row->cells[LAG].data, NULL));
	else if (row->cells[BEHIND].len)
		ha_buf_addf(text, "%s s?", row->cells[BEHIND].data);
	else
		ha_buf_add_char(text, '-');
}

static void
fill(struct ha_buf cells[COLUMNS], const struct row *row)
{
	for (size_t i = 0; i < COLUMNS; i++)
		ha_buf_init(&cells[i]);
	add_cell(&cells[0], row, NODE);
	add_cell(&cells[1], row, ROLE);
	add_cell(&cells[2], row, WRITES);
	add_source(&cells[3], row);
	add_threads(&cells[4], row);
	add_lag(&cells[5], row);
	add_cell(&cells[6], row, POSITION);
}

static void
add_padded(struct ha_buf *out, const char *text, size_t width, int is_last)
{
	size_t used = ha_text_width(text);

	ha_buf_add_str(out, text);
	if (!is_last)
		ha_buf_addf(
		    out, "%*s", (int)(width > used ? width - used : 0) + 2, "");
}

/* "  gtid  0-1-4711", in lines that fit. */
static void
add_below(struct ha_buf *out, const char *title, const struct row *row,
    enum field field, size_t terminal)
{
	struct ha_buf text = HA_BUF_INIT;
	size_t width = terminal > 40 ? terminal - 12 : 68;

	if (!row->cells[field].len)
		return;
	add_cell(&text, row, field);
	ha_buf_addf(out, "  %-8s  ", title);
	ha_text_add_wrapped(out, text.data, width, 12);
	ha_buf_add_char(out, '\n');
	ha_buf_release(&text);
}

static int
runs(const struct row *row, enum field thread)
{
	return !strcmp(row->cells[thread].data, thread_words[THREAD_YES]);
}

static int
is_bad(const struct row *row)
{
	return row->cells[WORDS].len || !row->cells[ROLE].len ||
	       (row->has_channel &&
		   (!runs(row, RECEIVER) || !runs(row, APPLIER)));
}

static void
add_line(struct ha_buf *out, struct ha_buf cells[COLUMNS],
    const size_t widths[COLUMNS], int is_marked)
{
	if (is_marked)
		ha_buf_add_str(out, ha_text_colour(HA_STATUS_CRIT));
	for (size_t j = 0; j < COLUMNS; j++)
		add_padded(out, cells[j].data, widths[j], j == COLUMNS - 1);
	if (is_marked)
		ha_buf_add_str(out, HA_TEXT_PLAIN);
	ha_buf_add_char(out, '\n');
}

static void
fill_titles(struct ha_buf cells[COLUMNS], size_t widths[COLUMNS])
{
	for (size_t j = 0; j < COLUMNS; j++) {
		ha_buf_init(&cells[j]);
		ha_buf_add_str(&cells[j], titles[j]);
		widths[j] = strlen(titles[j]);
	}
}

static void
add_table(struct ha_buf *out, const struct rows *rows)
{
	struct ha_buf(*cells)[COLUMNS] =
	    ha_xcalloc(rows->count + 1, sizeof(*cells));
	size_t widths[COLUMNS], terminal = ha_text_terminal_width();
	int is_coloured = ha_text_is_coloured();

	fill_titles(cells[rows->count], widths);
	for (size_t i = 0; i < rows->count; i++) {
		fill(cells[i], &rows->list[i]);
		for (size_t j = 0; j < COLUMNS; j++)
			if (ha_text_width(cells[i][j].data) > widths[j])
				widths[j] = ha_text_width(cells[i][j].data);
	}
	add_line(out, cells[rows->count], widths, 0);
	for (size_t i = 0; i < rows->count; i++) {
		const struct row *row = &rows->list[i];

		add_line(out, cells[i], widths, is_coloured && is_bad(row));
		add_below(out, "executed", row, EXECUTED, terminal);
		add_below(out, "applied", row, APPLIED, terminal);
		add_below(out, "words", row, WORDS, terminal);
	}
	for (size_t i = 0; i <= rows->count; i++)
		for (size_t j = 0; j < COLUMNS; j++)
			ha_buf_release(&cells[i][j]);
	free(cells);
}

static void
print(const struct rows *rows, const char *format)
{
	struct ha_buf out = HA_BUF_INIT;

	if (!format)
		format = isatty(STDOUT_FILENO) ? "table" : "tsv";
	if (!strcmp(format, "table"))
		add_table(&out, rows);
	else
		for (size_t i = 0; i < rows->count; i++)
			if (!strcmp(format, "json"))
				add_json(&out, &rows->list[i]);
			else
				add_tsv(&out, &rows->list[i]);
	ha_out_write(out.data, out.len);
	ha_buf_release(&out);
}

/* Of the first that did not answer. */
static int
status_of(const struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (!fleet->facts[i]->is_answered)
			return fleet->facts[i]->why.status
				   ? fleet->facts[i]->why.status
				   : EX_UNAVAILABLE;
	return EX_OK;
}

int
show_run(const struct repl *repl, char **operands)
{
	const struct facts_options options =
	    repl_facts_options(repl, FACTS_CHILDREN);
	struct topology topology;
	struct fleet fleet;
	struct nodes nodes;
	struct ha_err err;
	struct rows rows;
	int status;

	if (nodes_choose(&nodes, &repl->nodes, operands, &err))
		ha_die_err(&err);
	fleet_read(&fleet, nodes.list, nodes.count, &options);
	topology_build(&topology, &fleet);
	rows_build(&rows, &topology);
	print(&rows, repl->format);
	status = status_of(&fleet);
	rows_release(&rows);
	topology_release(&topology);
	fleet_release(&fleet);
	nodes_release(&nodes);
	return status;
}
