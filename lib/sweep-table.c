/* SPDX-License-Identifier: ISC */
/*
 * sweep-table - a sweep as columns for a person.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "alloc.h"
#include "rec.h"
#include "sweep-format.h"

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
};

static const char *
colour_of(enum ha_status_state state)
{
	switch (state) {
	case HA_STATUS_OK:
		return "\033[32m";
	case HA_STATUS_WARN:
		return "\033[33m";
	case HA_STATUS_CRIT:
		return "\033[31m";
	default:
		return "\033[35m";
	}
}

/* The bytes of the character at p, and the columns that it takes. */
static size_t
character(const char *p, size_t left, size_t *width)
{
	mbstate_t state = { 0 };
	wchar_t wc = L'\0';
	size_t len = mbrtowc(&wc, p, left, &state);
	int columns;

	*width = 1;
	if (len == 0 || len > left)
		return 1;
	columns = wcwidth(wc);
	if (columns >= 0)
		*width = (size_t)columns;
	return len;
}

/* How many bytes of text fit into max columns; *used: how many they take. */
static size_t
fit(const char *text, size_t len, size_t max, size_t *used)
{
	size_t at = 0, n, width;

	*used = 0;
	while (at < len) {
		n = character(text + at, len - at, &width);
		if (*used + width > max)
			break;
		*used += width;
		at += n;
	}
	return at;
}

static size_t
width_of(const struct ha_buf *text)
{
	size_t used;

	fit(text->data, text->len, SIZE_MAX, &used);
	return used;
}

static void
set_cell(struct row *row, int column, const char *text)
{
	ha_rec_add_printable(&row->cells[column], text, strlen(text));
	if (!*text && column != MESSAGE)
		ha_buf_add_char(&row->cells[column], '-');
}

static void
fill_row(struct row *row, const struct ha_sweep_result *result)
{
	row->state = result->state;
	set_cell(row, STATE, ha_status_name(result->state));
	set_cell(row, CHECK, result->check);
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
	for (i = 0; i < results->count; i++)
		if (!layout->table->is_quiet ||
		    results->list[i].state != HA_STATUS_OK)
			fill_row(new_row(layout), &results->list[i]);
}

/*
 * Each column is as wide as what it holds; where that is too much for the
 * terminal the check and the target are cut and the message is wrapped.
 */
static void
measure(struct layout *layout)
{
	size_t *widths = layout->widths;
	size_t fixed, room, message, width, i;
	int column;

	for (i = 0; i < layout->count; i++)
		for (column = 0; column < COLUMNS; column++) {
			width = width_of(&layout->rows[i].cells[column]);
			if (width > widths[column])
				widths[column] = width;
		}
	if (!layout->table->width)
		return;
	fixed = widths[STATE] + widths[MS] + (COLUMNS - 1) * GAP;
	room = layout->table->width > fixed ? layout->table->width - fixed : 0;
	message =
	    widths[MESSAGE] < LEAST_MESSAGE ? widths[MESSAGE] : LEAST_MESSAGE;
	if (widths[CHECK] + widths[TARGET] + message > room) {
		width = room > message ? room - message : 0;
		if (widths[CHECK] > width / 2 && widths[CHECK] > LEAST_TEXT)
			widths[CHECK] =
			    width / 2 > LEAST_TEXT ? width / 2 : LEAST_TEXT;
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
	size_t len = fit(cell->data, cell->len, max, &used);

	if (len < cell->len)
		len = fit(cell->data, cell->len, max - strlen(CUT), &used);
	if (column == MS)
		add_padding(out, max - used);
	ha_buf_add(out, cell->data, len);
	if (len < cell->len) {
		ha_buf_add_str(out, CUT);
		used += strlen(CUT);
	}
	add_padding(out, (column == MS ? 0 : max - used) + GAP);
}

/* Behind the last blank of what fits, if there is one. */
static size_t
break_at(const char *text, size_t len, size_t fits)
{
	size_t at = fits;

	if (fits == len)
		return len;
	while (at && text[at] != ' ')
		at--;
	return at ? at : fits;
}

static void
add_message(
    struct ha_buf *out, const struct layout *layout, const struct row *row)
{
	const char *text = row->cells[MESSAGE].data;
	size_t left = row->cells[MESSAGE].len;
	size_t indent = 0, used, len;
	int column;

	for (column = 0; column < MESSAGE; column++)
		indent += layout->widths[column] + GAP;
	for (;;) {
		len = fit(text, left, layout->widths[MESSAGE], &used);
		len = break_at(text, left, len);
		ha_buf_add(out, text, len);
		text += len;
		left -= len;
		while (left && *text == ' ') {
			text++;
			left--;
		}
		if (!left || !len)
			break;
		ha_buf_add_char(out, '\n');
		add_padding(out, indent);
	}
}

static void
add_row(struct ha_buf *out, const struct layout *layout, const struct row *row)
{
	int is_coloured = layout->table->is_coloured && row != layout->rows;
	size_t start = out->len;
	size_t end;

	if (is_coloured)
		ha_buf_add_str(out, colour_of(row->state));
	add_cell(out, layout, row, STATE);
	if (is_coloured)
		ha_buf_add_str(out, "\033[m");
	add_cell(out, layout, row, CHECK);
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
