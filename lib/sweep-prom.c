/* SPDX-License-Identifier: ISC */
/*
 * sweep-prom - a sweep in Prometheus' text format.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "range.h"
#include "rec.h"
#include "sweep-format.h"

/* A result, and the labels that all its series have. */
struct row {
	const struct ha_sweep_result *result;
	char *labels; /* owned */
	int is_repeated; /* another row says it */
};

static void
add_label(struct ha_buf *out, const char *name, const char *value)
{
	size_t len;

	ha_buf_addf(out, "%s=\"", name);
	for (;;) {
		len = strcspn(value, "\\\"\n");
		ha_rec_add_utf8(out, value, len);
		value += len;
		if (!*value)
			break;
		ha_buf_add_char(out, '\\');
		ha_buf_add_char(out, *value == '\n' ? 'n' : *value);
		value++;
	}
	ha_buf_add_char(out, '"');
}

static char *
make_labels(const struct ha_sweep_result *result)
{
	struct ha_buf labels = HA_BUF_INIT;

	add_label(&labels, "by", result->by);
	add_label(&labels, ",host", result->host);
	add_label(&labels, ",check", result->check);
	add_label(&labels, ",target", result->target);
	return ha_buf_detach(&labels);
}

/* Of the same labels the worst first. */
static int
compare(const void *a, const void *b)
{
	const struct row *const *one = a, *const *other = b;
	enum ha_status_state state = (*one)->result->state;
	int order = strcmp((*one)->labels, (*other)->labels);

	if (order)
		return order;
	if (state == (*other)->result->state)
		return *one < *other ? -1 : 1;
	return ha_status_worse(state, (*other)->result->state) == state ? -1
									: 1;
}

/* A series that comes twice makes all of the text invalid. */
static void
mark_repeated(struct row *rows, size_t count)
{
	struct row **sorted = ha_xcalloc(count + 1, sizeof(struct row *));
	size_t i;

	for (i = 0; i < count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, count, sizeof(struct row *), compare);
	for (i = 1; i < count; i++)
		sorted[i]->is_repeated =
		    !strcmp(sorted[i]->labels, sorted[i - 1]->labels);
	free(sorted);
}

static void
add_family(struct ha_buf *out, const char *name, const char *help)
{
	ha_buf_addf(out, "# HELP %s %s\n# TYPE %s gauge\n", name, help, name);
}

static void
add_states(struct ha_buf *out, const struct row *rows, size_t count)
{
	size_t i;

	add_family(out, "ha_check_state", "0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN.");
	for (i = 0; i < count; i++)
		if (!rows[i].is_repeated)
			ha_buf_addf(out, "ha_check_state{%s} %d\n",
			    rows[i].labels, (int)rows[i].result->state);
}

static void
add_ups(struct ha_buf *out, const struct row *rows, size_t count)
{
	size_t i;

	add_family(out, "ha_check_up", "1 while it is OK or WARN, else 0.");
	for (i = 0; i < count; i++)
		if (!rows[i].is_repeated)
			ha_buf_addf(out, "ha_check_up{%s} %d\n", rows[i].labels,
			    rows[i].result->state == HA_STATUS_OK ||
				rows[i].result->state == HA_STATUS_WARN);
}

static void
add_durations(struct ha_buf *out, const struct row *rows, size_t count)
{
	size_t i;

	add_family(out, "ha_check_duration_seconds", "How long it took.");
	for (i = 0; i < count; i++)
		if (!rows[i].is_repeated)
			ha_buf_addf(out, "ha_check_duration_seconds{%s} %.9g\n",
			    rows[i].labels, rows[i].result->ms / 1000);
}

/* Does a line of what stands behind start begin so? */
static int
has_line(const struct ha_buf *out, size_t start, const char *line)
{
	const char *p = out->data + start;

	while (*p) {
		if (!strncmp(p, line, strlen(line)))
			return 1;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return 0;
}

static void
add_perf_of(struct ha_buf *out, const struct row *row)
{
	struct ha_buf label = HA_BUF_INIT, series = HA_BUF_INIT;
	const char *perf = row->result->perf;
	struct ha_perf_text text;
	size_t start = out->len;
	char *unit;

	while (ha_perf_next(&perf, &label, &text)) {
		if (!text.number_len)
			continue;
		unit = ha_xmemdup(text.data + text.number_len, text.unit_len);
		ha_buf_reset(&series);
		ha_buf_addf(&series, "ha_check_perf{%s", row->labels);
		add_label(&series, ",label", label.data);
		add_label(&series, ",unit", unit);
		free(unit);
		if (has_line(out, start, series.data))
			continue;
		ha_buf_addf(out, "%s} %.*s\n", series.data,
		    (int)text.number_len, text.data);
	}
	ha_buf_release(&label);
	ha_buf_release(&series);
}

static void
add_perf(struct ha_buf *out, const struct row *rows, size_t count)
{
	size_t i;

	add_family(out, "ha_check_perf", "What the check measured.");
	for (i = 0; i < count; i++)
		if (!rows[i].is_repeated)
			add_perf_of(out, &rows[i]);
}

/* The file tells apart what several sweeps leave in one directory. */
static void
add_sweep(struct ha_buf *out, const struct ha_sweep_results *results,
    const char *file)
{
	struct ha_buf labels = HA_BUF_INIT;
	const char *slash = file ? strrchr(file, '/') : NULL;

	add_label(&labels, "by", ha_status_here());
	add_label(&labels, ",producer", results->producer);
	if (file)
		add_label(&labels, ",file", slash ? slash + 1 : file);
	add_family(out, "ha_sweep_checks", "How many checks were made.");
	ha_buf_addf(
	    out, "ha_sweep_checks{%s} %zu\n", labels.data, results->count);
	add_family(out, "ha_sweep_worst",
	    "The worst of them: 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN.");
	ha_buf_addf(
	    out, "ha_sweep_worst{%s} %d\n", labels.data, (int)results->worst);
	ha_buf_release(&labels);
}

void
ha_sweep_prom(struct ha_buf *out, const struct ha_sweep_results *results,
    const char *file)
{
	struct row *rows = ha_xcalloc(results->count + 1, sizeof(*rows));
	size_t i;

	for (i = 0; i < results->count; i++) {
		rows[i].result = &results->list[i];
		rows[i].labels = make_labels(rows[i].result);
	}
	mark_repeated(rows, results->count);
	if (results->count) {
		add_states(out, rows, results->count);
		add_ups(out, rows, results->count);
		add_durations(out, rows, results->count);
		add_perf(out, rows, results->count);
	}
	add_sweep(out, results, file);
	for (i = 0; i < results->count; i++)
		free(rows[i].labels);
	free(rows);
}
