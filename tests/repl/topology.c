/* SPDX-License-Identifier: ISC */
/* topology - shapes, drawings and discovery, without any server. */
#include "test.h"

#include <jansson.h>
#include <strings.h>

#include "alloc.h"
#include "clock.h"
#include "flavour.h"
#include "topology.h"

#define MAX 300
#define NOW_US INT64_C(1800000000000000)

/* The servers that there are; the fleet has copies of what they say. */
static struct server {
	char host[40];
	unsigned port;
	int64_t id;
	const char *uuid, *report_host, *hostname;
	int is_down, is_writer, is_blind;
	struct link {
		size_t source;
		const char *host; /* how it calls its source */
		unsigned port;
		const char *channel, *words;
		enum thread_state receiver, applier;
		unsigned error;
		int64_t heard_ms, lag_us, behind_s;
	} links[4];
	size_t link_count;
	struct told {
		int64_t id;
		const char *host;
		unsigned port;
	} children[8];
	size_t child_count;
} world[MAX];
static size_t world_count, asked_count;

static struct nodes named, found, known;
static struct fleet fleet;
static struct topology topology;

/* The cells of a result are in one piece of memory (db.h). */
static char *
keep_text(struct ha_db_result *result, size_t *at, const char *text)
{
	char *copy = result->text + *at;

	if (!text)
		return NULL;
	*at += strlen(text) + 1;
	return strcpy(copy, text);
}

static void
set_variables(struct facts *facts, const struct server *server)
{
	char port[16];
	const char *const pairs[] = { "port", port, "read_only",
		server->is_writer ? "OFF" : "ON", "report_host",
		server->report_host, "hostname",
		server->hostname ? server->hostname : server->host };
	struct ha_db_result *result = &facts->variables;
	size_t at = 0, count = sizeof(pairs) / sizeof(*pairs);

	snprintf(port, sizeof(port), "%u", server->port);
	result->columns = 2;
	result->rows = count / 2;
	result->names = ha_xcalloc(2, sizeof(char *));
	result->cells = ha_xcalloc(count, sizeof(char *));
	result->text = ha_xcalloc(1, 512);
	result->names[0] = keep_text(result, &at, "Variable_name");
	result->names[1] = keep_text(result, &at, "Value");
	for (size_t i = 0; i < count; i++)
		result->cells[i] = keep_text(result, &at, pairs[i]);
}

static void
set_channel(struct facts *facts, const struct link *link)
{
	struct channel *channel = &facts->channels[facts->channel_count++];
	const struct server *source = &world[link->source];

	*channel = (struct channel){
		.name = ha_xstrdup(link->channel ? link->channel : ""),
		.source_host =
		    ha_xstrdup(link->host ? link->host : source->host),
		.source_port = link->port ? link->port : source->port,
		.source_id = source->id,
		.source_uuid = source->uuid ? ha_xstrdup(source->uuid) : NULL,
		.receiver = link->receiver,
		.applier = link->applier,
		.receiver_error =
		    link->receiver == THREAD_YES ? 0 : link->error,
		.applier_error = link->applier == THREAD_YES ? 0 : link->error,
		.receiver_words = ha_xstrdup(link->words ? link->words : ""),
		.applier_words = ha_xstrdup(link->words ? link->words : ""),
		.seconds_behind = link->behind_s,
		.heard_ms = link->heard_ms,
		.heartbeat_period_s = 1,
	};
	if (link->lag_us < 0)
		return;
	facts->beats[facts->beat_count++] = (struct beat){
		.server_id = source->id,
		.written_us = NOW_US - link->lag_us,
	};
}

static struct facts *
answer(struct node *node, const struct server *server)
{
	struct facts *facts = ha_xcalloc(1, sizeof(*facts));

	facts_init(facts, node);
	if (!server || server->is_down) {
		ha_err_set(&facts->why, EX_UNAVAILABLE, 0,
		    "can't connect to %s", node_address(node));
		return facts;
	}
	facts->is_answered = 1;
	facts->can_see_channels = !server->is_blind;
	facts->flavour = server->uuid ? &flavour_mysql : &flavour_mariadb;
	free(facts->version);
	facts->version = ha_xstrdup(
	    server->uuid ? "9.7.4" : "10.11.19-MariaDB-0+deb12u1-log");
	facts->server_id = server->id;
	facts->uuid = server->uuid ? ha_xstrdup(server->uuid) : NULL;
	facts->clock_us = facts->asked_us = facts->answered_us = NOW_US;
	set_variables(facts, server);
	facts->channels =
	    ha_xcalloc(server->link_count + 1, sizeof(struct channel));
	facts->beats = ha_xcalloc(server->link_count + 1, sizeof(struct beat));
	for (size_t i = 0; i < server->link_count; i++)
		set_channel(facts, &server->links[i]);
	facts->children =
	    ha_xcalloc(server->child_count + 1, sizeof(struct child));
	for (size_t i = 0; i < server->child_count; i++)
		facts->children[facts->child_count++] = (struct child){
			.server_id = server->children[i].id,
			.host = ha_xstrdup(server->children[i].host),
			.port = server->children[i].port,
		};
	return facts;
}

/* Who listens there; two hosts of the world may be one server's. */
static const struct server *
at(const struct node *node)
{
	for (size_t i = 0; i < world_count; i++)
		if (!strcmp(world[i].host, node->host) &&
		    world[i].port == node->port)
			return &world[i];
	return NULL;
}

void
fleet_add(struct fleet *into, struct node *const *nodes, size_t count,
    const struct facts_options *options)
{
	assert_true(options->deadline_ns > 0);
	asked_count += count;
	into->facts = ha_xrealloc(
	    into->facts, (into->count + count) * sizeof(*into->facts));
	for (size_t i = 0; i < count; i++)
		into->facts[into->count++] = answer(nodes[i], at(nodes[i]));
}

struct facts *
fleet_by_server(const struct fleet *of, int64_t server_id, const char *uuid)
{
	(void)uuid;
	for (size_t i = 0; i < of->count; i++)
		if (of->facts[i]->is_answered &&
		    of->facts[i]->server_id == server_id)
			return of->facts[i];
	return NULL;
}

static void
reset(void)
{
	topology_release(&topology);
	for (size_t i = 0; i < fleet.count; i++) {
		facts_release(fleet.facts[i]);
		free(fleet.facts[i]);
	}
	free(fleet.facts);
	memset(&fleet, 0, sizeof(fleet));
	nodes_release(&named);
	nodes_release(&found);
	nodes_release(&known);
	asked_count = 0;
}

static int
setup(void **state)
{
	(void)state;
	memset(world, 0, sizeof(world));
	world_count = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	reset();
	return 0;
}

/* n servers: db-a, db-b, ... of which the first one writes. */
static void
servers(size_t n)
{
	world_count = n;
	for (size_t i = 0; i < n; i++) {
		snprintf(world[i].host, sizeof(world[i].host), "10.0.%zu.%zu",
		    i / 250, 1 + i % 250);
		world[i].port = 3306;
		world[i].id = (int64_t)i + 1;
		world[i].is_writer = i == 0;
	}
}

static struct link *
link_to(size_t replica, size_t source)
{
	struct link *link = &world[replica].links[world[replica].link_count++];

	*link = (struct link){ .source = source,
		.receiver = THREAD_YES,
		.applier = THREAD_YES,
		.heard_ms = 100,
		.lag_us = 12000,
		.behind_s = 0 };
	return link;
}

static void
child_of(size_t source, size_t replica, const char *host)
{
	world[source].children[world[source].child_count++] =
	    (struct told){ world[replica].id, host, world[replica].port };
}

static void
add_node(struct nodes *nodes, struct node *node)
{
	nodes->list =
	    ha_xrealloc(nodes->list, (nodes->count + 1) * sizeof(node));
	nodes->list[nodes->count++] = node;
}

static struct node *
named_node(size_t i)
{
	struct node *node = node_new(world[i].host, world[i].port);

	free(node->name);
	node->name = i < 26 ? ha_xasprintf("db-%c", (int)('a' + i))
			    : ha_xasprintf("db-%zu", i);
	return node;
}

static void
ask(size_t n)
{
	struct facts_options options = { .deadline_ns = HA_CLOCK_NEVER };

	reset();
	for (size_t i = 0; i < n; i++)
		add_node(&named, named_node(i));
	fleet_add(&fleet, named.list, named.count, &options);
}

/* All of them are named. */
static void
build(void)
{
	ask(world_count);
	topology_build(&topology, &fleet);
}

static void
assert_kind(enum topology_kind kind)
{
	build();
	assert_string_equal(topology_name(topology.kind), topology_name(kind));
	assert_int_equal(topology.seems, kind);
}

static void
assert_drawn(const char *wanted)
{
	struct ha_buf out = HA_BUF_INIT;

	topology_draw(&out, &topology, 0);
	assert_string_equal(out.data, wanted);
	ha_buf_release(&out);
}

static void
one_way(void **state)
{
	(void)state;
	servers(2);
	link_to(1, 0);
	assert_kind(TOPOLOGY_ONEWAY);
	assert_int_equal(topology.writers, 1);
	assert_int_equal(topology.edge_count, 1);
	assert_int_equal(topology.edges[0].source, 0);
	servers(4);
	link_to(2, 0);
	link_to(3, 0)->lag_us = 1500000;
	assert_kind(TOPOLOGY_ONEWAY);
	assert_drawn("oneway: 4 nodes, 1 writer\n"
		     "\n"
		     "db-a      WRITER     MariaDB 10.11.19  10.0.0.1:3306\n"
		     "|-- db-b  read-only  MariaDB 10.11.19  10.0.0.2:3306  "
		     "0.012 s behind\n"
		     "|-- db-c  read-only  MariaDB 10.11.19  10.0.0.3:3306  "
		     "0.012 s behind\n"
		     "`-- db-d  read-only  MariaDB 10.11.19  10.0.0.4:3306  "
		     "1.500 s behind\n");
}

static void
dual(void **state)
{
	(void)state;
	servers(2);
	link_to(1, 0);
	link_to(0, 1)->lag_us = -1;
	assert_kind(TOPOLOGY_DUAL);
	assert_drawn("dual: 2 nodes, 1 writer\n"
		     "\n"
		     "db-a <=> db-b\n"
		     "|-- db-a  WRITER     MariaDB 10.11.19  10.0.0.1:3306  "
		     "from db-b: 0 s behind by its own count\n"
		     "`-- db-b  read-only  MariaDB 10.11.19  10.0.0.2:3306  "
		     "from db-a: 0.012 s behind\n");
	world[1].is_writer = 1;
	world[0].is_writer = 0;
	build();
	assert_int_equal(topology.edges[1].replica, 1);
	world[0].is_writer = 1;
	world[1].links[0].applier = THREAD_NO;
	assert_kind(TOPOLOGY_DUAL);
	assert_int_equal(topology.writers, 2);
	assert_drawn("dual: 2 nodes, 2 writers\n"
		     "\n"
		     "db-a <=X=> db-b\n"
		     "|-- db-a  WRITER  MariaDB 10.11.19  10.0.0.1:3306  "
		     "from db-b: 0 s behind by its own count\n"
		     "`-- db-b  WRITER  MariaDB 10.11.19  10.0.0.2:3306  "
		     "from db-a: BROKEN: applier stopped\n"
		     "\n"
		     "! 2 writers where one is wanted: db-a, db-b\n");
}

static void
cascade(void **state)
{
	(void)state;
	servers(3);
	link_to(1, 0);
	link_to(2, 1);
	assert_kind(TOPOLOGY_CASCADE);
	assert_drawn(
	    "cascade: 3 nodes, 1 writer\n"
	    "\n"
	    "db-a          WRITER     MariaDB 10.11.19  10.0.0.1:3306\n"
	    "`-- db-b      read-only  MariaDB 10.11.19  10.0.0.2:3306  "
	    "0.012 s behind\n"
	    "    `-- db-c  read-only  MariaDB 10.11.19  10.0.0.3:3306  "
	    "0.012 s behind\n");
	servers(5);
	link_to(0, 1);
	link_to(3, 0);
	link_to(4, 1);
	assert_kind(TOPOLOGY_CASCADE);
	assert_drawn(
	    "cascade: 5 nodes, 1 writer\n"
	    "\n"
	    "db-a <=> db-b\n"
	    "|-- db-a      WRITER     MariaDB 10.11.19  10.0.0.1:3306  "
	    "from db-b: 0.012 s behind\n"
	    "|   `-- db-d  read-only  MariaDB 10.11.19  10.0.0.4:3306  "
	    "0.012 s behind\n"
	    "`-- db-b      read-only  MariaDB 10.11.19  10.0.0.2:3306  "
	    "from db-a: 0.012 s behind\n"
	    "    |-- db-c  read-only  MariaDB 10.11.19  10.0.0.3:3306  "
	    "0.012 s behind\n"
	    "    `-- db-e  read-only  MariaDB 10.11.19  10.0.0.5:3306  "
	    "0.012 s behind\n");
	/* A pair below a pair, which is written to at its top. */
	setup(NULL);
	servers(4);
	link_to(1, 0);
	link_to(0, 1);
	link_to(2, 1);
	link_to(2, 3);
	link_to(3, 2);
	assert_kind(TOPOLOGY_CASCADE);
}

static void
ring(void **state)
{
	(void)state;
	servers(3);
	link_to(1, 0);
	link_to(2, 1);
	link_to(0, 2);
	world[1].is_writer = world[2].is_writer = 1;
	assert_kind(TOPOLOGY_RING);
	assert_int_equal(topology.has_loop, 0);
	assert_drawn("ring: 3 nodes, 3 writers\n"
		     "\n"
		     "db-a -> db-b -> db-c -> db-a\n"
		     "|-- db-a  WRITER  MariaDB 10.11.19  10.0.0.1:3306  "
		     "from db-c: 0.012 s behind\n"
		     "|-- db-b  WRITER  MariaDB 10.11.19  10.0.0.2:3306  "
		     "from db-a: 0.012 s behind\n"
		     "`-- db-c  WRITER  MariaDB 10.11.19  10.0.0.3:3306  "
		     "from db-b: 0.012 s behind\n");
	/* Four, the other way round, one of them broken, and a replica. */
	setup(NULL);
	servers(5);
	link_to(0, 1);
	link_to(1, 2)->receiver = THREAD_NO;
	link_to(2, 3);
	link_to(3, 0);
	link_to(4, 2);
	assert_kind(TOPOLOGY_RING);
	assert_drawn(
	    "ring: 5 nodes, 1 writer\n"
	    "\n"
	    "db-a -> db-d -> db-c -X-> db-b -> db-a\n"
	    "|-- db-a      WRITER     MariaDB 10.11.19  10.0.0.1:3306  "
	    "from db-b: 0.012 s behind\n"
	    "|-- db-d      read-only  MariaDB 10.11.19  10.0.0.4:3306  "
	    "from db-a: 0.012 s behind\n"
	    "|-- db-c      read-only  MariaDB 10.11.19  10.0.0.3:3306  "
	    "from db-d: 0.012 s behind\n"
	    "|   `-- db-e  read-only  MariaDB 10.11.19  10.0.0.5:3306  "
	    "0.012 s behind\n"
	    "`-- db-b      read-only  MariaDB 10.11.19  10.0.0.2:3306  "
	    "from db-c: BROKEN: receiver stopped\n");
}

static void
a_loop_that_is_no_ring(void **state)
{
	(void)state;
	servers(3);
	link_to(1, 0);
	link_to(2, 1);
	link_to(0, 2);
	link_to(2, 0)->channel = "short";
	assert_kind(TOPOLOGY_ANY);
	assert_int_equal(topology.has_loop, 1);
	assert_drawn(
	    "none of the known topologies: 3 nodes, 1 writer\n"
	    "\n"
	    "loop: db-a, db-b, db-c\n"
	    "|-- db-a  WRITER     MariaDB 10.11.19  10.0.0.1:3306  "
	    "from db-c: 0.012 s behind\n"
	    "|-- db-b  read-only  MariaDB 10.11.19  10.0.0.2:3306  "
	    "from db-a: 0.012 s behind\n"
	    "`-- db-c  read-only  MariaDB 10.11.19  10.0.0.3:3306  "
	    "from db-b: 0.012 s behind\n"
	    "                                                      "
	    "from db-a (channel short): 0.012 s behind\n"
	    "\n"
	    "! there is a loop that is neither a dual pair nor a ring\n");
	/* A chain of pairs; its own source. */
	setup(NULL);
	servers(3);
	link_to(0, 1);
	link_to(1, 0);
	link_to(1, 2);
	link_to(2, 1);
	assert_kind(TOPOLOGY_ANY);
	assert_int_equal(topology.has_loop, 1);
	setup(NULL);
	servers(2);
	link_to(1, 0);
	link_to(0, 0);
	assert_kind(TOPOLOGY_ANY);
	assert_int_equal(topology.has_loop, 1);
	assert_int_equal(topology.edges[0].source, 0);
}

static void
several_sources_are_none_of_them(void **state)
{
	(void)state;
	servers(3);
	world[1].is_writer = 1;
	link_to(2, 0)->channel = "a";
	link_to(2, 1)->channel = "b";
	assert_kind(TOPOLOGY_ANY);
	assert_int_equal(topology.has_loop, 0);
	assert_drawn("none of the known topologies: 3 nodes, 2 writers\n"
		     "\n"
		     "db-a      WRITER     MariaDB 10.11.19  10.0.0.1:3306\n"
		     "`-- db-c  read-only  MariaDB 10.11.19  10.0.0.3:3306  "
		     "from db-a (channel a): 0.012 s behind\n"
		     "                                                      "
		     "from db-b (channel b): 0.012 s behind\n"
		     "db-b      WRITER     MariaDB 10.11.19  10.0.0.2:3306\n"
		     "`-- db-c (above)\n");
	/* A replica of both of a pair; two that have nothing to do. */
	servers(3);
	link_to(0, 1);
	link_to(1, 0);
	assert_kind(TOPOLOGY_ANY);
	setup(NULL);
	servers(3);
	link_to(1, 0);
	assert_kind(TOPOLOGY_ANY);
}

static void
broken_links_say_why(void **state)
{
	struct link *link;

	(void)state;
	servers(7);
	link = link_to(1, 0);
	link->applier = THREAD_NO;
	link->error = 65000;
	link->words = "the server's own words";
	link = link_to(2, 0);
	link->receiver = THREAD_CONNECTING;
	link->error = 65001;
	link->words = "no way";
	link = link_to(3, 0);
	link->heard_ms = 42000;
	link->lag_us = 42000000;
	link = link_to(4, 0);
	link->receiver = link->applier = THREAD_NO;
	/* Nothing came, but for a fresh row; it doesn't say. */
	link_to(5, 0)->heard_ms = 42000;
	link_to(6, 0)->receiver = THREAD_UNKNOWN;
	assert_kind(TOPOLOGY_ONEWAY);
	for (size_t i = 0; i < topology.edge_count; i++)
		assert_int_equal(topology.edges[i].is_broken, i < 4);
	assert_drawn(
	    "oneway: 7 nodes, 1 writer\n"
	    "\n"
	    "db-a      WRITER     MariaDB 10.11.19  10.0.0.1:3306\n"
	    "|-- db-b  read-only  MariaDB 10.11.19  10.0.0.2:3306  "
	    "BROKEN: applier stopped: error 65000: the server's own words\n"
	    "|-- db-c  read-only  MariaDB 10.11.19  10.0.0.3:3306  "
	    "BROKEN: can't connect: error 65001: no way\n"
	    "|-- db-d  read-only  MariaDB 10.11.19  10.0.0.4:3306  "
	    "BROKEN: silent: nothing has come for 42 s\n"
	    "|-- db-e  read-only  MariaDB 10.11.19  10.0.0.5:3306  "
	    "BROKEN: stopped\n"
	    "|-- db-f  read-only  MariaDB 10.11.19  10.0.0.6:3306  "
	    "0.012 s behind\n"
	    "`-- db-g  read-only  MariaDB 10.11.19  10.0.0.7:3306  "
	    "doesn't say whether it runs\n");
}

/* A red one has a colour's sequence before its words. */
static void
broken_links_are_red(void **state)
{
	struct ha_buf out = HA_BUF_INIT;

	(void)state;
	servers(2);
	link_to(1, 0)->applier = THREAD_NO;
	build();
	topology_draw(&out, &topology, 1);
	assert_non_null(
	    strstr(out.data, "\033[31mBROKEN: applier stopped\033[m\n"));
	assert_non_null(strstr(out.data, "\033[32mWRITER\033[m"));
	ha_buf_reset(&out);
	topology_draw(&out, &topology, 0);
	assert_null(strchr(out.data, '\033'));
	ha_buf_reset(&out);
	topology_dot(&out, &topology);
	assert_non_null(strstr(out.data,
	    "\tn0 -> n1 [label=\"BROKEN: applier stopped\", color=red"));
	ha_buf_release(&out);
}

/* What it would be if that were all, and no claim that it is. */
static void
what_is_not_known_is_not_claimed(void **state)
{
	(void)state;
	servers(3);
	link_to(1, 0);
	link_to(2, 0);
	world[0].is_down = 1;
	build();
	assert_int_equal(topology.kind, TOPOLOGY_ANY);
	assert_int_equal(topology.seems, TOPOLOGY_ONEWAY);
	assert_drawn(
	    "oneway, as far as is known: 3 nodes (1 of them without an "
	    "answer), 0 writers\n"
	    "\n"
	    "db-a      NO ANSWER                    10.0.0.1:3306  "
	    "can't connect to 10.0.0.1:3306\n"
	    "|-- db-b  read-only  MariaDB 10.11.19  10.0.0.2:3306  "
	    "0.012 s behind\n"
	    "`-- db-c  read-only  MariaDB 10.11.19  10.0.0.3:3306  "
	    "0.012 s behind\n");
	world[0].is_down = 0;
	world[1].is_blind = 1;
	build();
	assert_int_equal(topology.kind, TOPOLOGY_ANY);
}

/* A replica that can't be asked is where its source says that it is. */
static void
a_replica_that_is_down_has_its_place(void **state)
{
	(void)state;
	servers(3);
	link_to(1, 0);
	world[2].is_down = 1;
	child_of(0, 1, "10.0.0.2");
	child_of(0, 2, "10.0.0.3");
	build();
	assert_int_equal(topology.told_count, 1);
	assert_int_equal(topology.seems, TOPOLOGY_ONEWAY);
	assert_drawn(
	    "oneway, as far as is known: 3 nodes (1 of them without an "
	    "answer), 1 writer\n"
	    "\n"
	    "db-a      WRITER     MariaDB 10.11.19  10.0.0.1:3306\n"
	    "|-- db-b  read-only  MariaDB 10.11.19  10.0.0.2:3306  "
	    "0.012 s behind\n"
	    "`-- db-c  NO ANSWER                    10.0.0.3:3306  "
	    "can't connect to 10.0.0.3:3306\n");
}

static void
strangers_are_pointed_out(void **state)
{
	struct ha_buf out = HA_BUF_INIT;

	(void)state;
	servers(3);
	link_to(1, 0);
	link_to(1, 2)->channel = "x";
	ask(2);
	topology_build(&topology, &fleet);
	assert_int_equal(topology.edges[1].source, STRANGER);
	assert_int_equal(topology.kind, TOPOLOGY_ANY);
	topology_draw(&out, &topology, 0);
	assert_non_null(strstr(out.data,
	    "from 10.0.0.3:3306, a stranger (channel x): 0.012 s behind\n"));
	assert_non_null(strstr(out.data,
	    "! stranger: db-b replicates from 10.0.0.3:3306, which is none of "
	    "the nodes\n"));
	ha_buf_reset(&out);
	build();
	add_node(&known, named_node(0));
	add_node(&known, named_node(1));
	topology.known = &known;
	topology_draw(&out, &topology, 0);
	assert_non_null(
	    strstr(out.data, "! stranger: db-c is not in repl.conf\n"));
	assert_null(strstr(out.data, "db-b is not"));
	ha_buf_release(&out);
}

/* A row that is old because nobody has written since is no lag. */
static void
an_old_row_of_who_writes_no_more_is_no_lag(void **state)
{
	struct beat *beats = ha_xcalloc(1, sizeof(*beats));

	(void)state;
	servers(2);
	link_to(1, 0)->lag_us = INT64_C(86400000000);
	build();
	assert_true(topology_lag_us(&topology, &topology.edges[0]) ==
		    INT64_C(86400000000));
	beats[0] = fleet.facts[1]->beats[0];
	free(fleet.facts[0]->beats);
	fleet.facts[0]->beats = beats;
	fleet.facts[0]->beat_count = 1;
	assert_true(
	    topology_lag_us(&topology, &topology.edges[0]) == INT64_MIN);
	beats[0].written_us++;
	assert_true(
	    topology_lag_us(&topology, &topology.edges[0]) != INT64_MIN);
}

/* db-a -> db-b -> db-e and db-c -> db-d -> db-e: whose rows came by which? */
static void
a_row_is_of_the_channel_that_its_writer_is_above(void **state)
{
	struct facts *replica;
	struct beat *beats = ha_xcalloc(3, sizeof(*beats));
	const struct channel *b, *d;

	(void)state;
	servers(5);
	link_to(1, 0);
	link_to(3, 2);
	link_to(4, 1)->channel = "b";
	link_to(4, 3)->channel = "d";
	build();
	replica = fleet.facts[4];
	b = &replica->channels[0];
	d = &replica->channels[1];
	for (int i = 0; i < 3; i++)
		beats[i].written_us = 1000 + i;
	beats[0].server_id = fleet.facts[2]->server_id;
	beats[1].server_id = fleet.facts[0]->server_id;
	beats[2].server_id = 99; /* whoever that is */
	free(replica->beats);
	replica->beats = beats;
	replica->beat_count = 3;
	assert_ptr_equal(topology_beat(&topology, 4, b), &beats[1]);
	assert_ptr_equal(topology_beat(&topology, 4, d), &beats[0]);
	/* What db-d wrote itself came from there. */
	beats[2].server_id = d->source_id;
	assert_ptr_equal(topology_beat(&topology, 4, d), &beats[2]);
	/* Its own tells of nothing; of one channel any other's does. */
	beats[2].server_id = replica->server_id;
	assert_ptr_equal(topology_beat(&topology, 4, d), &beats[0]);
	replica->channel_count = 1;
	assert_ptr_equal(topology_beat(&topology, 4, b), &beats[1]);
	replica->channel_count = 2;
}

/* The order of the tests in topology.h. */
static void
a_source_is_made_out(void **state)
{
	(void)state;
	/* By report_host, by hostname, by id and port. */
	servers(4);
	world[0].report_host = "primary.example";
	world[0].hostname = "machine-1";
	link_to(1, 0)->host = "Primary.example";
	link_to(2, 0)->host = "machine-1";
	link_to(3, 0)->host = "192.0.2.7";
	assert_kind(TOPOLOGY_ONEWAY);
	/* Not with another port, nor when two have the id. */
	world[3].links[0].port = 3307;
	build();
	assert_int_equal(topology.edges[2].source, STRANGER);
	world[3].links[0].port = 3306;
	world[2].id = 1;
	build();
	assert_int_equal(topology.edges[2].source, STRANGER);
	/* A uuid says more than an address, while it is connected. */
	setup(NULL);
	servers(3);
	world[0].uuid = "u-a";
	world[1].uuid = "u-b";
	world[2].uuid = "u-c";
	link_to(1, 0)->host = "10.0.0.3";
	build();
	assert_int_equal(topology.edges[0].source, 0);
	world[1].links[0].receiver = THREAD_NO;
	build();
	assert_int_equal(topology.edges[0].source, 2);
	/* Loopback is the replica's own machine. */
	setup(NULL);
	servers(3);
	strcpy(world[1].host, "10.0.0.1");
	world[1].port = 3307;
	link_to(1, 0)->host = "127.0.0.1";
	link_to(2, 0)->host = "localhost";
	world[2].links[0].source = 1;
	world[2].links[0].port = 3310;
	build();
	assert_int_equal(topology.edges[0].source, 0);
	assert_int_equal(topology.edges[1].source, STRANGER);
}

static int
discover(size_t from, struct ha_err *err)
{
	struct facts_options options = { .deadline_ns = HA_CLOCK_NEVER };
	int result;

	ask(from);
	asked_count = 0;
	result = topology_discover(&fleet, &known, &found, &options, 1000, err);
	topology_build(&topology, &fleet);
	return result;
}

static void
sources_and_replicas_are_followed(void **state)
{
	struct ha_err err;

	(void)state;
	servers(5);
	link_to(0, 1);
	link_to(1, 0);
	link_to(2, 1);
	link_to(3, 2);
	link_to(4, 0);
	child_of(0, 1, "10.0.0.2");
	child_of(0, 4, "10.0.0.5");
	child_of(1, 0, "10.0.0.1");
	child_of(1, 2, "10.0.0.3");
	child_of(2, 3, "10.0.0.4");
	assert_int_equal(discover(1, &err), 0);
	assert_int_equal(asked_count, 4);
	assert_int_equal(fleet.count, 5);
	assert_int_equal(topology.kind, TOPOLOGY_CASCADE);
}

static void
names_and_logins_are_those_of_repl_conf(void **state)
{
	struct ha_err err;
	struct node *node;

	(void)state;
	servers(2);
	link_to(0, 1)->host = "other.example";
	world[0].is_writer = 0;
	world[1].is_writer = 1;
	ask(1);
	node = named_node(1);
	node->aliases = ha_xcalloc(1, sizeof(char *));
	node->aliases[node->alias_count++] = ha_xstrdup("other.example:3306");
	node->defaults_file = ha_xstrdup("/etc/ha/b.cnf");
	add_node(&known, node);
	{
		struct facts_options options = { .deadline_ns =
						     HA_CLOCK_NEVER };

		assert_int_equal(topology_discover(&fleet, &known, &found,
				     &options, 1000, &err),
		    0);
	}
	assert_int_equal(fleet.count, 2);
	assert_string_equal(fleet.facts[1]->node->name, "db-b");
	assert_string_equal(
	    fleet.facts[1]->node->defaults_file, "/etc/ha/b.cnf");
}

/* world[2] is world[0] under its other address. */
static void
two_addresses(const char *uuid, int is_reachable)
{
	struct ha_err err;

	setup(NULL);
	servers(3);
	world[2] = world[0];
	strcpy(world[2].host, is_reachable ? "192.0.2.1" : "192.0.2.2");
	world[0].hostname = world[2].hostname = "machine-1";
	world[0].uuid = world[2].uuid = uuid;
	world[1].uuid = uuid ? "u-b" : NULL;
	link_to(1, 0)->host = "192.0.2.1";
	child_of(0, 1, "10.0.0.2");
	assert_int_equal(discover(1, &err), 0);
	assert_int_equal(fleet.count, 2);
	assert_int_equal(topology.kind, TOPOLOGY_ONEWAY);
	if (!uuid && is_reachable) {
		assert_int_equal(fleet.facts[0]->node->alias_count, 1);
		assert_string_equal(
		    fleet.facts[0]->node->aliases[0], "192.0.2.1:3306");
	}
}

static void
a_server_is_one_node_whatever_its_address(void **state)
{
	struct ha_err err;

	(void)state;
	two_addresses(NULL, 1);
	two_addresses(NULL, 0);
	two_addresses("u-a", 1);
	two_addresses("u-a", 0);
	/* Same id and port, but another machine: a stranger. */
	setup(NULL);
	servers(3);
	world[2].id = 1;
	strcpy(world[2].host, "192.0.2.1");
	link_to(1, 2);
	child_of(0, 1, "10.0.0.2");
	assert_int_equal(discover(1, &err), 0);
	assert_int_equal(fleet.count, 3);
	assert_int_equal(topology.edges[0].source, 2);
	/* Both addresses were named. */
	setup(NULL);
	servers(2);
	world[1] = world[0];
	strcpy(world[1].host, "192.0.2.1");
	world[0].hostname = world[1].hostname = "machine-1";
	assert_int_equal(discover(2, &err), 0);
	assert_int_equal(fleet.count, 1);
}

static void
what_cannot_be_reached_is_a_node(void **state)
{
	struct ha_err err;

	(void)state;
	servers(3);
	link_to(0, 1);
	world[1].is_down = world[2].is_down = 1;
	child_of(0, 2, "10.0.0.3");
	assert_int_equal(discover(1, &err), 0);
	assert_int_equal(fleet.count, 3);
	assert_false(fleet.facts[1]->is_answered);
	assert_false(fleet.facts[2]->is_answered);
	assert_int_equal(topology.told_count, 1);
	assert_int_equal(topology.seems, TOPOLOGY_CASCADE);
	assert_drawn(
	    "cascade, as far as is known: 3 nodes (2 of them without an "
	    "answer), 1 writer\n"
	    "\n"
	    "10.0.0.2:3306          NO ANSWER                                 "
	    "  can't connect to 10.0.0.2:3306\n"
	    "`-- db-a               WRITER     MariaDB 10.11.19  10.0.0.1:3306"
	    "  0.012 s behind\n"
	    "    `-- 10.0.0.3:3306  NO ANSWER                                 "
	    "  can't connect to 10.0.0.3:3306\n");
}

static void
replicas_without_report_host(void **state)
{
	struct ha_buf out = HA_BUF_INIT;
	struct ha_err err;

	(void)state;
	servers(3);
	link_to(1, 0);
	child_of(0, 1, "");
	child_of(0, 2, "");
	assert_int_equal(discover(2, &err), 0);
	assert_int_equal(asked_count, 0);
	topology_draw(&out, &topology, 0);
	assert_non_null(strstr(out.data,
	    "! unknown replica: db-a has one with server_id 3, whose address "
	    "is not known (report_host is not set)\n"));
	assert_null(strstr(out.data, "server_id 2,"));
	ha_buf_release(&out);
	/* The guess from the list of connections meets somebody else. */
	setup(NULL);
	servers(3);
	link_to(1, 0);
	world[2].id = 77;
	child_of(0, 1, "10.0.0.3");
	assert_int_equal(discover(1, &err), 0);
	assert_int_equal(asked_count, 1);
	assert_int_equal(fleet.count, 1);
}

static void
an_end_is_found(void **state)
{
	struct facts_options options = { .deadline_ns = 1 };
	struct ha_err err;

	(void)state;
	servers(MAX);
	for (size_t i = 1; i < MAX; i++)
		link_to(i - 1, i);
	assert_int_equal(discover(1, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(fleet.count, DISCOVER_MAX);
	ask(1);
	asked_count = 0;
	assert_int_equal(
	    topology_discover(&fleet, &known, &found, &options, 1000, &err),
	    -1);
	assert_int_equal(err.status, EX_TEMPFAIL);
	assert_int_equal(asked_count, 0);
}

static const char *
text_at(const json_t *list, size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(list, i), key));
}

static void
assert_clean(const struct ha_buf *out)
{
	for (size_t i = 0; i < out->len; i++)
		if ((unsigned char)out->data[i] >= 0x7f ||
		    ((unsigned char)out->data[i] < 0x20 &&
			out->data[i] != '\n' && out->data[i] != '\t'))
			fail_msg("byte %u in: %s", (unsigned char)out->data[i],
			    out->data);
}

/* Quotes in pairs; a backslash before what it may stand before. */
static void
assert_dot(const char *text)
{
	int is_in = 0;

	for (; *text; text++) {
		if (*text == '"')
			is_in = !is_in;
		if (is_in && *text == '\n')
			fail_msg("a line ends in quotes");
		if (is_in && *text == '\\' && !strchr("\"\\n", *++text))
			fail_msg("a strange escape: %s", text);
	}
	assert_int_equal(is_in, 0);
}

static void
bytes_of_servers_are_harmless(void **state)
{
	static const char evil[] = "a\"b\\\n\033[31m\001\"];\x7fx";
	struct ha_buf out = HA_BUF_INIT;
	struct ha_err err;
	struct link *link;
	json_t *root;

	(void)state;
	servers(3);
	link = link_to(1, 2);
	link->host = evil;
	link->channel = evil;
	link->words = evil;
	link->receiver = THREAD_NO;
	link->error = 65000;
	child_of(0, 1, evil);
	child_of(0, 2, "-oProxyCommand=x");
	assert_int_equal(discover(2, &err), 0);
	assert_int_equal(asked_count, 0);
	free(fleet.facts[0]->version);
	fleet.facts[0]->version = ha_xstrdup(evil);
	topology_draw(&out, &topology, 0);
	assert_clean(&out);
	assert_non_null(strstr(out.data, "a\"b\\\\\\n\\0033[31m"));
	ha_buf_reset(&out);
	topology_dot(&out, &topology);
	assert_clean(&out);
	assert_dot(out.data);
	ha_buf_reset(&out);
	topology_json(&out, &topology);
	root = json_loads(out.data, 0, NULL);
	assert_string_equal(
	    text_at(json_object_get(root, "edges"), 0, "channel"), evil);
	json_decref(root);
	ha_buf_release(&out);
}

static void
json_has_it_all(void **state)
{
	struct ha_buf out = HA_BUF_INIT;
	json_t *root, *nodes, *edges;

	(void)state;
	servers(4);
	link_to(1, 0);
	link_to(2, 3)->applier = THREAD_NO;
	child_of(0, 3, "10.0.0.4");
	world[3].is_down = 1;
	build();
	topology_json(&out, &topology);
	root = json_loads(out.data, 0, NULL);
	assert_non_null(root);
	nodes = json_object_get(root, "nodes");
	edges = json_object_get(root, "edges");
	assert_string_equal(
	    json_string_value(json_object_get(root, "kind")), "any");
	assert_string_equal(
	    json_string_value(json_object_get(root, "seems")), "cascade");
	assert_int_equal(json_array_size(nodes), 4);
	assert_int_equal(json_array_size(edges), 3);
	assert_string_equal(text_at(nodes, 0, "writes"), "yes");
	assert_string_equal(
	    text_at(nodes, 1, "version"), "10.11.19-MariaDB-0+deb12u1-log");
	assert_string_equal(
	    text_at(nodes, 3, "words"), "can't connect to 10.0.0.4:3306");
	assert_string_equal(text_at(edges, 0, "replica"), "db-b");
	assert_string_equal(text_at(edges, 0, "source"), "db-a");
	assert_true(
	    json_is_false(json_object_get(json_array_get(edges, 0), "broken")));
	assert_true(
	    json_is_true(json_object_get(json_array_get(edges, 1), "broken")));
	assert_string_equal(text_at(edges, 1, "applier"), "no");
	assert_string_equal(text_at(edges, 2, "replica"), "db-d");
	assert_true(
	    json_is_null(json_object_get(json_array_get(edges, 2), "channel")));
	json_decref(root);
	ha_buf_release(&out);
}

static void
no_node_is_no_topology(void **state)
{
	struct ha_buf out = HA_BUF_INIT;

	(void)state;
	build();
	assert_int_equal(topology.kind, TOPOLOGY_ANY);
	topology_draw(&out, &topology, 1);
	topology_json(&out, &topology);
	topology_dot(&out, &topology);
	servers(1);
	assert_kind(TOPOLOGY_ANY);
	assert_drawn("none of the known topologies: 1 node, 1 writer\n"
		     "\n"
		     "db-a  WRITER  MariaDB 10.11.19  10.0.0.1:3306\n");
	ha_buf_release(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_way),
		TEST(dual),
		TEST(cascade),
		TEST(ring),
		TEST(a_loop_that_is_no_ring),
		TEST(several_sources_are_none_of_them),
		TEST(broken_links_say_why),
		TEST(broken_links_are_red),
		TEST(what_is_not_known_is_not_claimed),
		TEST(a_replica_that_is_down_has_its_place),
		TEST(strangers_are_pointed_out),
		TEST(an_old_row_of_who_writes_no_more_is_no_lag),
		TEST(a_row_is_of_the_channel_that_its_writer_is_above),
		TEST(a_source_is_made_out),
		TEST(sources_and_replicas_are_followed),
		TEST(names_and_logins_are_those_of_repl_conf),
		TEST(a_server_is_one_node_whatever_its_address),
		TEST(what_cannot_be_reached_is_a_node),
		TEST(replicas_without_report_host),
		TEST(an_end_is_found),
		TEST(bytes_of_servers_are_harmless),
		TEST(json_has_it_all),
		TEST(no_node_is_no_topology),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
