/* SPDX-License-Identifier: ISC */
/*
 * sweep-table - a sweep as columns for a person.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "rec.h"
#include "sweep-format.h"
#include "text.h"

#define GAP 2
/* Columns narrower than these say nothing. */
#define LEAST_TEXT 8
#define LEAST_MESSAGE 20
#define CUT ".."

enum {
	STATE,
	CHECK,
	TARGET,
	MS,
	MESSAGE,
	COLUMNS,
};

static const char *const titles[COLUMNS] = {
	[STATE] = "STATE",
	[CHECK] = "CHECK",
	[TARGET] = "TARGET",
	[MS] = "MS",
	[MESSAGE] = "MESSAGE",
};

struct row {
	enum ha_status_state state;
	struct ha_buf cells[COLUMNS]; /* printable */
};

struct layout {
	const struct ha_sweep_table *table;
	struct row *rows; /* the first one holds the titles */
	size_t count;
	size_t widths[COLUMNS];
	int has_targets; /* some target is not just its check's name */
};

static void
set_cell(struct row *row, int column, const char *text)
{
	ha_rec_add_printable(&row->cells[column], text, strlen(text));
	if (!*text && column != MESSAGE)
		ha_buf_add_char(&row->cells[column], '-');
}

/* Another machine that has a name which its address does not tell. */
static void
add_host(struct ha_buf *cell, const struct ha_sweep_result *result)
{
	if (!*result->host || !strcmp(result->host, result->by) ||
	    strstr(result->target, result->host))
		return;
	ha_rec_add_printable(cell, result->host, strlen(result->host));
	ha_buf_add_char(cell, ' ');
}

static void
fill_row(struct row *row, const struct ha_sweep_result *result)
{
	row->state = result->state;
	set_cell(row, STATE, ha_status_name(result->state));
	set_cell(row, CHECK, result->check);
	add_host(&row->cells[TARGET], result);
	set_cell(row, TARGET, result->target);
	ha_buf_addf(&row->cells[MS], "%.1f", result->ms);
	set_cell(row, MESSAGE, result->msg);
}

static struct row *
new_row(struct layout *layout)
{
	struct row *row = &layout->rows[layout->count++];
	int i;

	for (i = 0; i < COLUMNS; i++)
		ha_buf_init(&row->cells[i]);
	return row;
}

static void
fill(struct layout *layout, const struct ha_sweep_results *results)
{
	struct row *row;
	size_t i;
	int column;

	layout->rows = ha_xcalloc(results->count + 1, sizeof(*layout->rows));
	row = new_row(layout);
	for (column = 0; column < COLUMNS; column++)
		set_cell(row, column, titles[column]);
	for (i = 0; i < results->count; i++) {
		if (layout->table->is_quiet &&
		    results->list[i].state == HA_STATUS_OK)
			continue;
		fill_row(new_row(layout), &results->list[i]);
		if (strcmp(results->list[i].check, results->list[i].target) !=
		    0)
			layout->has_targets = 1;
	}
}

static size_t
gap(const struct layout *layout, int column)
{
	return column == TARGET && !layout->has_targets ? 0 : GAP;
}

/*
 * Each column is as wide as what it holds; where that is too much for the
 * terminal the check and the target are cut and the message is wrapped.
 */
static void
measure(struct layout *layout)
{
	size_t *widths = layout->widths;
	size_t fixed, room, message, width, share, i;
	int column;

	for (i = 0; i < layout->count; i++)
		for (column = 0; column < COLUMNS; column++) {
			width =
			    ha_text_width(layout->rows[i].cells[column].data);
			if (width > widths[column])
				widths[column] = width;
		}
	if (!layout->has_targets)
		widths[TARGET] = 0;
	if (!layout->table->width)
		return;
	fixed = widths[STATE] + widths[MS] + (COLUMNS - 2) * GAP +
		gap(layout, TARGET);
	room = layout->table->width > fixed ? layout->table->width - fixed : 0;
	/* A name beside it tells which target it is. */
	message = layout->has_targets ? room / 2 : LEAST_MESSAGE;
	if (message < LEAST_MESSAGE)
		message = LEAST_MESSAGE;
	if (message > widths[MESSAGE])
		message = widths[MESSAGE];
	if (widths[CHECK] + widths[TARGET] + message > room) {
		width = room > message ? room - message : 0;
		share = layout->has_targets ? width / 2 : width;
		if (widths[CHECK] > share && widths[CHECK] > LEAST_TEXT)
			widths[CHECK] = share > LEAST_TEXT ? share : LEAST_TEXT;
		width = width > widths[CHECK] ? width - widths[CHECK] : 0;
		if (widths[TARGET] > width && widths[TARGET] > LEAST_TEXT)
			widths[TARGET] =
			    width > LEAST_TEXT ? width : LEAST_TEXT;
	}
	width = widths[CHECK] + widths[TARGET];
	room = room > width ? room - width : 0;
	if (widths[MESSAGE] > room)
		widths[MESSAGE] = room > message ? room : message;
}

static void
add_padding(struct ha_buf *out, size_t count)
{
	ha_buf_addf(out, "%*s", (int)count, "");
}

/* Padded to the width of its column and the gap behind it. */
static void
add_cell(struct ha_buf *out, const struct layout *layout, const struct row *row,
    int column)
{
	const struct ha_buf *cell = &row->cells[column];
	size_t max = layout->widths[column], used;
	size_t len = ha_text_fit(cell->data, cell->len, max, &used);

	if (len < cell->len)
		len = ha_text_fit(
		    cell->data, cell->len, max - strlen(CUT), &used);
	if (column == MS)
		add_padding(out, max - used);
	ha_buf_add(out, cell->data, len);
	if (len < cell->len) {
		ha_buf_add_str(out, CUT);
		used += strlen(CUT);
	}
	add_padding(out, (column == MS ? 0 : max - used) + GAP);
}

static void
add_message(
    struct ha_buf *out, const struct layout *layout, const struct row *row)
{
	size_t indent = 0;
	int column;

	for (column = 0; column < MESSAGE; column++)
		indent += layout->widths[column] + gap(layout, column);
	ha_text_add_wrapped(
	    out, row->cells[MESSAGE].data, layout->widths[MESSAGE], indent);
}

static void
add_row(struct ha_buf *out, const struct layout *layout, const struct row *row)
{
	int is_coloured = layout->table->is_coloured && row != layout->rows;
	size_t start = out->len;
	size_t end;

	if (is_coloured)
		ha_buf_add_str(out, ha_text_colour(row->state));
	add_cell(out, layout, row, STATE);
	if (is_coloured)
		ha_buf_add_str(out, HA_TEXT_PLAIN);
	add_cell(out, layout, row, CHECK);
	if (layout->has_targets)
		add_cell(out, layout, row, TARGET);
	add_cell(out, layout, row, MS);
	add_message(out, layout, row);
	for (end = out->len; end > start && out->data[end - 1] == ' ';)
		end--;
	ha_buf_truncate(out, end);
	ha_buf_add_char(out, '\n');
}

static void
add_counts(struct ha_buf *out, const struct ha_sweep_results *results)
{
	const char *before = ": ";
	int state;

	ha_buf_addf(
	    out, "%zu check%s", results->count, results->count == 1 ? "" : "s");
	for (state = HA_STATUS_OK; state <= HA_STATUS_UNKNOWN; state++) {
		if (!results->states[state])
			continue;
		ha_buf_addf(out, "%s%zu %s", before, results->states[state],
		    ha_status_name((enum ha_status_state)state));
		before = ", ";
	}
	ha_buf_add_char(out, '\n');
}

void
ha_sweep_table(struct ha_buf *out, const struct ha_sweep_results *results,
    const struct ha_sweep_table *table)
{
	struct layout layout = { .table = table };
	size_t i;
	int column;

	if (table->is_quiet && results->count &&
	    results->states[HA_STATUS_OK] == results->count)
		return;
	fill(&layout, results);
	measure(&layout);
	for (i = 0; results->count && i < layout.count; i++)
		add_row(out, &layout, &layout.rows[i]);
	add_counts(out, results);
	for (i = 0; i < layout.count; i++)
		for (column = 0; column < COLUMNS; column++)
			ha_buf_release(&layout.rows[i].cells[column]);
	free(layout.rows);
}
