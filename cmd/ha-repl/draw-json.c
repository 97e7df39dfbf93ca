/* SPDX-License-Identifier: ISC */
/* draw-json - the topology as one JSON object. */
#include <inttypes.h>
#include <string.h>

#include "draw.h"
#include "flavour.h"
#include "rec.h"

static const char *const thread_words[] = {
	[THREAD_UNKNOWN] = NULL,
	[THREAD_NO] = "no",
	[THREAD_YES] = "yes",
	[THREAD_CONNECTING] = "connecting",
};

/* ,"key":"text"; NULL: null. */
static void
add_text(struct ha_buf *out, const char *key, const char *text)
{
	ha_buf_addf(out, ",\"%s\":", key);
	if (text)
		ha_rec_add_json(out, text, strlen(text));
	else
		ha_buf_add_str(out, "null");
}

static void
add_number(struct ha_buf *out, const char *key, int64_t number)
{
	if (number >= 0)
		ha_buf_addf(out, ",\"%s\":%" PRId64, key, number);
	else
		ha_buf_addf(out, ",\"%s\":null", key);
}

static void
add_bool(struct ha_buf *out, const char *key, int is_true)
{
	ha_buf_addf(out, ",\"%s\":%s", key, is_true ? "true" : "false");
}

static const char *
or_null(const char *text)
{
	return text && *text ? text : NULL;
}

static const char *
name_of(const struct topology *topology, size_t node)
{
	return topology->fleet->facts[node]->node->name;
}

static void
add_aliases(struct ha_buf *out, const struct node *node)
{
	ha_buf_add_str(out, ",\"aliases\":[");
	for (size_t i = 0; i < node->alias_count; i++) {
		if (i)
			ha_buf_add_char(out, ',');
		ha_rec_add_json(
		    out, node->aliases[i], strlen(node->aliases[i]));
	}
	ha_buf_add_char(out, ']');
}

static void
add_node(struct ha_buf *out, const struct topology *topology, size_t i)
{
	const struct facts *facts = topology->fleet->facts[i];
	int is_writable = facts->is_answered ? facts_is_writable(facts) : -1;

	ha_buf_add_str(out, "{\"node\":");
	ha_rec_add_json(out, facts->node->name, strlen(facts->node->name));
	add_text(out, "address", node_address(facts->node));
	add_aliases(out, facts->node);
	add_bool(out, "answered", facts->is_answered);
	add_text(out, "writes",
	    is_writable < 0 ? NULL
	    : is_writable   ? "yes"
			    : "no");
	add_text(out, "flavour", facts->flavour ? facts->flavour->name : NULL);
	add_text(out, "version", or_null(facts->version));
	add_number(out, "server_id", facts->server_id);
	add_text(out, "uuid", or_null(facts->uuid));
	add_bool(out, "stranger", topology_is_stranger(topology, i));
	add_text(out, "words", facts->is_answered ? NULL : facts->why.msg);
	ha_buf_add_char(out, '}');
}

static void
add_edge(struct ha_buf *out, const struct topology *topology,
    const struct edge *edge)
{
	const struct channel *channel = edge->channel;
	struct ha_buf text = HA_BUF_INIT;
	int64_t lag_us = topology_lag_us(topology, edge);

	ha_buf_add_str(out, "{\"replica\":");
	ha_rec_add_json(out, name_of(topology, edge->replica),
	    strlen(name_of(topology, edge->replica)));
	add_text(out, "source",
	    edge->source == STRANGER ? NULL : name_of(topology, edge->source));
	draw_add_source(&text, channel);
	add_text(out, "source_address", text.data);
	add_text(out, "channel", channel->name ? channel->name : "");
	add_bool(out, "broken", edge->is_broken);
	add_text(out, "receiver", thread_words[channel->receiver]);
	add_text(out, "applier", thread_words[channel->applier]);
	if (lag_us != INT64_MIN)
		ha_buf_addf(out, ",\"lag\":%.6f", (double)lag_us / 1e6);
	else
		ha_buf_add_str(out, ",\"lag\":null");
	add_number(out, "behind", channel->seconds_behind);
	ha_buf_reset(&text);
	topology_add_words(&text, topology, edge);
	add_text(out, "words", text.data);
	ha_buf_add_char(out, '}');
	ha_buf_release(&text);
}

/* No channel: a source tells of a replica that did not answer. */
static void
add_told(struct ha_buf *out, const struct topology *topology,
    const struct edge *edge)
{
	ha_buf_add_str(out, "{\"replica\":");
	ha_rec_add_json(out, name_of(topology, edge->replica),
	    strlen(name_of(topology, edge->replica)));
	add_text(out, "source", name_of(topology, edge->source));
	ha_buf_add_str(out,
	    ",\"source_address\":null,\"channel\":null,\"broken\":null,"
	    "\"receiver\":null,\"applier\":null,\"lag\":null,"
	    "\"behind\":null");
	add_text(out, "words", "the replica did not answer");
	ha_buf_add_char(out, '}');
}

struct list {
	struct ha_buf *out;
	size_t count;
};

static void
add_remark(void *context, const char *remark)
{
	struct list *list = context;

	if (list->count++)
		ha_buf_add_char(list->out, ',');
	ha_rec_add_json(list->out, remark, strlen(remark));
}

void
topology_json(struct ha_buf *out, const struct topology *topology)
{
	struct list remarks = { out, 0 };

	ha_buf_addf(out, "{\"kind\":\"%s\",\"seems\":\"%s\"",
	    topology_name(topology->kind), topology_name(topology->seems));
	add_bool(out, "complete", !topology->is_partial);
	add_bool(out, "loop", topology->has_loop);
	add_number(out, "writers", (int64_t)topology->writers);
	ha_buf_add_str(out, ",\"nodes\":[");
	for (size_t i = 0; i < topology->fleet->count; i++) {
		if (i)
			ha_buf_add_char(out, ',');
		add_node(out, topology, i);
	}
	ha_buf_add_str(out, "],\"edges\":[");
	for (size_t i = 0; i < topology->edge_count; i++) {
		if (i)
			ha_buf_add_char(out, ',');
		add_edge(out, topology, &topology->edges[i]);
	}
	for (size_t i = 0; i < topology->told_count; i++) {
		if (i || topology->edge_count)
			ha_buf_add_char(out, ',');
		add_told(out, topology, &topology->told[i]);
	}
	ha_buf_add_str(out, "],\"remarks\":[");
	draw_tell_remarks(topology, add_remark, &remarks);
	ha_buf_add_str(out, "]}\n");
}
