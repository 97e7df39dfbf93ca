/* SPDX-License-Identifier: ISC */
/*
 * draw-dot - the topology for Graphviz.
 *
 * Source: Graphviz, "DOT Language": in a quoted string only '"' is escaped,
 * and in a label a backslash begins "\n" and the like.
 */
#include <string.h>

#include "draw.h"
#include "rec.h"

/* As a part of a label in quotes. */
static void
add_label(struct ha_buf *out, const char *raw)
{
	struct ha_buf text = HA_BUF_INIT;

	ha_rec_add_utf8(&text, raw, strlen(raw));
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '"' || text.data[i] == '\\')
			ha_buf_add_char(out, '\\');
		ha_buf_add_char(out, text.data[i]);
	}
	ha_buf_release(&text);
}

static void
add_node(struct ha_buf *out, const struct topology *topology, size_t i)
{
	const struct facts *facts = topology->fleet->facts[i];
	struct ha_buf version = HA_BUF_INIT;
	const char *role = draw_role(facts);

	draw_add_version(&version, facts);
	ha_buf_addf(out, "\tn%zu [label=\"", i);
	add_label(out, facts->node->name);
	ha_buf_addf(out, "\\n%s", role);
	if (version.len) {
		ha_buf_add_str(out, "\\n");
		add_label(out, version.data);
	}
	ha_buf_add_char(out, '"');
	if (!strcmp(role, "writer"))
		ha_buf_add_str(out, ", style=bold, peripheries=2");
	if (!facts->is_answered)
		ha_buf_add_str(out, ", style=dashed, color=red");
	else if (topology_is_stranger(topology, i))
		ha_buf_add_str(out, ", color=orange");
	ha_buf_add_str(out, "];\n");
	ha_buf_release(&version);
}

/* A source that is no node becomes one of the drawing. */
static void
add_stranger(struct ha_buf *out, const struct edge *edge, size_t number)
{
	struct ha_buf source = HA_BUF_INIT;

	draw_add_source(&source, edge->channel);
	ha_buf_addf(out, "\ts%zu [label=\"", number);
	add_label(out, source.data);
	ha_buf_add_str(out, "\\na stranger\", style=dashed, color=orange];\n");
	ha_buf_release(&source);
}

static void
add_edge(struct ha_buf *out, const struct topology *topology,
    const struct edge *edge, size_t number)
{
	struct ha_buf words = HA_BUF_INIT;

	if (edge->source == STRANGER) {
		add_stranger(out, edge, number);
		ha_buf_addf(out, "\ts%zu", number);
	} else {
		ha_buf_addf(out, "\tn%zu", edge->source);
	}
	topology_add_words(&words, topology, edge);
	ha_buf_addf(out, " -> n%zu [label=\"", edge->replica);
	if (edge->channel->name && *edge->channel->name) {
		add_label(out, edge->channel->name);
		ha_buf_add_str(out, "\\n");
	}
	add_label(out, words.data);
	ha_buf_addf(out, "\"%s];\n",
	    edge->is_broken ? ", color=red, fontcolor=red, style=dashed" : "");
	ha_buf_release(&words);
}

static void
add_remark(void *context, const char *remark)
{
	ha_buf_add_str(context, "\\n");
	add_label(context, remark);
}

void
topology_dot(struct ha_buf *out, const struct topology *topology)
{
	struct ha_buf title = HA_BUF_INIT;

	draw_add_title(&title, topology);
	ha_buf_add_str(out, "digraph topology {\n\tlabel=\"");
	add_label(out, title.data);
	draw_tell_remarks(topology, add_remark, out);
	ha_buf_add_str(out, "\";\n\tnode [shape=box];\n");
	for (size_t i = 0; i < topology->fleet->count; i++)
		add_node(out, topology, i);
	for (size_t i = 0; i < topology->edge_count; i++)
		add_edge(out, topology, &topology->edges[i], i);
	for (size_t i = 0; i < topology->told_count; i++)
		ha_buf_addf(out, "\tn%zu -> n%zu [style=dotted];\n",
		    topology->told[i].source, topology->told[i].replica);
	ha_buf_add_str(out, "}\n");
	ha_buf_release(&title);
}
