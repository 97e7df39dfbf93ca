/* SPDX-License-Identifier: ISC */
/* lint-run - ha-repl lint: read the nodes, judge, tell. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "fleet.h"
#include "lint.h"
#include "msg.h"
#include "out.h"
#include "rec.h"
#include "repl.h"
#include "sweep.h"
#include "text.h"

#define INDENT 8
#define WIDTH_MIN 40

static int
severity(enum ha_status_state state)
{
	return state == HA_STATUS_CRIT      ? 3
	       : state == HA_STATUS_UNKNOWN ? 2
					    : state == HA_STATUS_WARN;
}

/* By node, the worst first; else as the rules came. */
static int
compare(const void *left, const void *right)
{
	const struct finding *a = *(const struct finding *const *)left;
	const struct finding *b = *(const struct finding *const *)right;

	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	if (a->state != b->state)
		return severity(b->state) - severity(a->state);
	return a < b ? -1 : 1;
}

static const struct finding **
sort(const struct findings *findings)
{
	const struct finding **sorted =
	    ha_xcalloc(findings->count + 1, sizeof(struct finding *));

	for (size_t i = 0; i < findings->count; i++)
		sorted[i] = &findings->list[i];
	qsort(sorted, findings->count, sizeof(struct finding *), compare);
	return sorted;
}

static void
add_text(struct ha_buf *out, const char *text, size_t width)
{
	struct ha_buf printable = HA_BUF_INIT;

	ha_rec_add_printable(&printable, text, strlen(text));
	if (width)
		ha_text_add_wrapped(out, printable.data, width, INDENT);
	else
		ha_buf_add(out, printable.data, printable.len);
	ha_buf_release(&printable);
}

/* Each statement and each line of my.cnf on a line of its own, unbroken. */
static void
add_mend(struct ha_buf *out, const char *mend)
{
	char *copy = ha_xstrdup(mend);
	char *part = copy;

	for (char *next; part; part = next) {
		next = strchr(part, '\n');
		if (next)
			*next++ = '\0';
		ha_buf_addf(out, part == copy ? "  mend  " : "%*s",
		    part == copy ? 0 : INDENT, "");
		add_text(out, part, 0);
		ha_buf_add_char(out, '\n');
	}
	free(copy);
}

static void
add_head(struct ha_buf *out, const char *node, enum ha_status_state state,
    int is_coloured)
{
	add_text(out, node, 0);
	ha_buf_addf(out, "  %s%s%s", is_coloured ? ha_text_colour(state) : "",
	    ha_status_name(state), is_coloured ? HA_TEXT_PLAIN : "");
}

static void
add_finding(struct ha_buf *out, const char *node, const struct finding *finding,
    size_t width, int is_coloured)
{
	add_head(out, node, finding->state, is_coloured);
	ha_buf_addf(out, "  %s: ", finding->rule);
	add_text(out, finding->what, 0);
	ha_buf_add_str(out, "\n  why   ");
	add_text(out, finding->why, width - INDENT);
	ha_buf_add_char(out, '\n');
	if (*finding->mend)
		add_mend(out, finding->mend);
}

static size_t
count_of(const struct findings *findings, size_t node)
{
	size_t count = 0;

	for (size_t i = 0; i < findings->count; i++)
		count += findings->list[i].node == node;
	return count;
}

static enum ha_status_state
print_table(const struct fleet *fleet, const struct findings *findings,
    const struct finding **sorted, int is_quiet)
{
	size_t width = ha_text_terminal_width();
	int is_coloured = ha_text_is_coloured();
	enum ha_status_state worst = HA_STATUS_OK;
	struct ha_buf out = HA_BUF_INIT;

	width = width < WIDTH_MIN ? 80 : width;
	for (size_t i = 0; i < findings->count; i++) {
		const struct finding *finding = sorted[i];

		worst = ha_status_worse(worst, finding->state);
		add_finding(&out, fleet->facts[finding->node]->node->name,
		    finding, width, is_coloured);
	}
	for (size_t i = 0; i < fleet->count && !is_quiet; i++)
		if (!count_of(findings, i)) {
			add_head(&out, fleet->facts[i]->node->name,
			    HA_STATUS_OK, is_coloured);
			ha_buf_add_str(&out, "  nothing to mend\n");
		}
	ha_out_write(out.data, out.len);
	ha_buf_release(&out);
	return worst;
}

/* A plugin's line is short: it names the node, and tells no mend. */
static void
add_words(struct ha_buf *words, const struct finding *finding, const char *node,
    int is_short)
{
	if (words->len)
		ha_buf_add_str(words, "; also ");
	if (is_short)
		ha_buf_addf(words, "%s: %s", node, finding->what);
	else
		ha_buf_addf(words, "%s: %s", finding->what, finding->why);
	if (is_short || !*finding->mend)
		return;
	ha_buf_add_str(words, "; mend: ");
	for (const char *next = finding->mend; *next; next++)
		if (*next == '\n')
			ha_buf_add_str(words, "; ");
		else
			ha_buf_add_char(words, *next);
}

/* All of the first one's node and rule, its key, in one record; they go. */
static void
add_record(struct ha_sweep *sweep, size_t order, const struct facts *facts,
    const struct finding **sorted, size_t count, int is_short)
{
	const struct finding *first = *sorted;
	char *check = ha_xasprintf("lint:%s", first->rule);
	struct ha_buf words = HA_BUF_INIT;
	enum ha_status_state state = HA_STATUS_OK;

	for (size_t i = 0; i < count; i++) {
		if (!sorted[i] || sorted[i]->node != first->node ||
		    strcmp(sorted[i]->rule, first->rule) != 0)
			continue;
		state = ha_status_worse(state, sorted[i]->state);
		add_words(&words, sorted[i], facts->node->name, is_short);
		sorted[i] = NULL;
	}
	ha_sweep_add(sweep, order,
	    &(struct ha_status){ .host = facts->node->name,
		.check = check,
		.state = state,
		.ms = facts->total_ms,
		.target = node_address(facts->node),
		.msg = words.data,
		.perf = "" });
	ha_buf_release(&words);
	free(check);
}

static enum ha_status_state
print_records(const struct repl *repl, const struct fleet *fleet,
    const struct findings *findings, const struct finding **sorted)
{
	const struct ha_sweep_options options = { .producer = "ha-repl lint",
		.format = repl->format,
		.file = repl->output,
		.is_quiet = repl->is_quiet };
	enum ha_status_state worst;
	struct ha_sweep *sweep;
	struct ha_err err;
	size_t order = 0;
	int is_short = repl->format && !strcmp(repl->format, "nagios");

	if (ha_sweep_begin(&sweep, &options, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	for (size_t i = 0; i < findings->count; i++)
		if (sorted[i])
			add_record(sweep, order++,
			    fleet->facts[sorted[i]->node], sorted + i,
			    findings->count - i, is_short);
	for (size_t i = 0; i < fleet->count; i++) {
		const struct facts *facts = fleet->facts[i];

		if (!count_of(findings, i))
			ha_sweep_add(sweep, order++,
			    &(struct ha_status){ .host = facts->node->name,
				.check = "lint",
				.ms = facts->total_ms,
				.target = node_address(facts->node),
				.msg = "nothing to mend",
				.perf = "" });
	}
	if (ha_sweep_end(sweep, &worst, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	return worst;
}

static int
is_for_person(const struct repl *repl)
{
	if (repl->output)
		return 0;
	return repl->format ? !strcmp(repl->format, "table")
			    : isatty(STDOUT_FILENO);
}

int
lint_run(const struct repl *repl, char **operands)
{
	struct facts_options options = repl_facts_options(repl, FACTS_ALL);
	enum topology_kind kind = repl_topology(repl);
	struct findings findings = { 0 };
	struct topology topology;
	struct fleet fleet;
	const struct finding **sorted;
	enum ha_status_state worst;
	struct nodes nodes;
	struct ha_err err;

	if (nodes_choose(&nodes, &repl->nodes, operands, &err))
		ha_die(HA_STATUS_UNKNOWN, "%s", err.msg);
	options.heartbeat_table = NULL; /* no rule needs it */
	fleet_read(&fleet, nodes.list, nodes.count, &options);
	topology_build(&topology, &fleet);
	lint_judge(&findings, &topology, kind);
	sorted = sort(&findings);
	if (is_for_person(repl))
		worst = print_table(&fleet, &findings, sorted, repl->is_quiet);
	else
		worst = print_records(repl, &fleet, &findings, sorted);
	free(sorted);
	findings_release(&findings);
	topology_release(&topology);
	fleet_release(&fleet);
	nodes_release(&nodes);
	return (int)worst;
}
