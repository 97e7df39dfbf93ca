/* SPDX-License-Identifier: ISC */
/*
 * node - a database server: how it is called and how it is reached.
 */
#include "node.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "alloc.h"
#include "conf.h"
#include "status.h"

#define PORT 3306

static const char *const kinds[] = {
	[TOPOLOGY_ANY] = "any",
	[TOPOLOGY_ONEWAY] = "oneway",
	[TOPOLOGY_DUAL] = "dual",
	[TOPOLOGY_CASCADE] = "cascade",
	[TOPOLOGY_RING] = "ring",
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const char *
topology_name(enum topology_kind kind)
{
	return kinds[kind];
}

int
topology_parse(const char *name, enum topology_kind *kind, struct ha_err *err)
{
	for (size_t i = TOPOLOGY_ONEWAY; i < KINDS; i++)
		if (!strcmp(name, kinds[i])) {
			*kind = (enum topology_kind)i;
			return 0;
		}
	return ha_err_set(err, EX_USAGE, 0,
	    "'%s' is no topology: oneway, dual, cascade or ring", name);
}

static int
parse_port(const char *text, unsigned *port)
{
	unsigned long number = 0;

	if (!*text || strlen(text) > 5)
		return -1;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return -1;
		number = number * 10 + (unsigned long)(*text - '0');
	}
	if (!number || number > 65535)
		return -1;
	*port = (unsigned)number;
	return 0;
}

/* What a host's name or an address, with its zone, is made of. */
static int
is_host(const char *text, size_t len)
{
	if (!len || len > 255 || *text == '-')
		return 0;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    !strchr("-._:%", text[i]))
			return 0;
	return 1;
}

int
node_parse_address(
    const char *text, char **host, unsigned *port, struct ha_err *err)
{
	const char *start = text, *colon = strrchr(text, ':'), *end;

	*port = PORT;
	if (*text == '[') {
		start = text + 1;
		end = strchr(start, ']');
		if (!end || (end[1] && end[1] != ':')) {
			ha_err_set(err, EX_USAGE, 0,
			    "'%s' is no [ADDRESS]:PORT", text);
			return -1;
		}
		colon = end[1] ? end + 1 : NULL;
	} else if (colon && strchr(text, ':') != colon) {
		colon = NULL; /* an IPv6 address by itself */
		end = text + strlen(text);
	} else {
		end = colon ? colon : text + strlen(text);
	}
	if (!is_host(start, (size_t)(end - start))) {
		ha_err_set(
		    err, EX_USAGE, 0, "'%s' is no HOST or HOST:PORT", text);
		return -1;
	}
	if (colon && parse_port(colon + 1, port)) {
		ha_err_set(err, EX_USAGE, 0, "'%s' is no port", colon + 1);
		return -1;
	}
	*host = ha_xmemdup(start, (size_t)(end - start));
	return 0;
}

static char *
join(const char *host, unsigned port)
{
	return ha_xasprintf(
	    strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}

struct node *
node_new(const char *host, unsigned port)
{
	struct node *node = ha_xcalloc(1, sizeof(*node));

	node->host = ha_xstrdup(host);
	node->port = port;
	node->address = join(host, port);
	node->name = ha_xstrdup(node->address);
	return node;
}

static struct node *
new_socket(const char *path)
{
	struct node *node = ha_xcalloc(1, sizeof(*node));

	node->name = ha_xstrdup(path);
	node->socket = ha_xstrdup(path);
	node->address = ha_xstrdup(path);
	return node;
}

struct node *
node_here(void)
{
	struct node *node = ha_xcalloc(1, sizeof(*node));

	node->name = ha_xstrdup(ha_status_here());
	node->address = ha_xstrdup("localhost");
	return node;
}

static char *
copy(const char *text)
{
	return text ? ha_xstrdup(text) : NULL;
}

struct node *
node_copy(const struct node *node)
{
	struct node *new = ha_xcalloc(1, sizeof(*new));

	new->name = copy(node->name);
	new->host = copy(node->host);
	new->port = node->port;
	new->socket = copy(node->socket);
	new->address = copy(node->address);
	new->defaults_file = copy(node->defaults_file);
	new->ssh = copy(node->ssh);
	new->service = copy(node->service);
	new->alias_count = node->alias_count;
	if (node->alias_count)
		new->aliases =
		    ha_xcalloc(node->alias_count, sizeof(*new->aliases));
	for (size_t i = 0; i < node->alias_count; i++)
		new->aliases[i] = ha_xstrdup(node->aliases[i]);
	return new;
}

void
node_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->alias_count; i++)
		free(node->aliases[i]);
	free(node->aliases);
	free(node->name);
	free(node->host);
	free(node->socket);
	free(node->address);
	free(node->defaults_file);
	free(node->ssh);
	free(node->service);
	free(node);
}

const char *
node_address(const struct node *node)
{
	return node->address;
}

int
node_is(const struct node *node, const char *host, unsigned port)
{
	char *address;
	int is_it = !strcasecmp(node->name, host) &&
		    (!node->host || port == node->port);

	if (is_it)
		return 1;
	address = join(host, port);
	is_it = node->host && !strcasecmp(node->address, address);
	for (size_t i = 0; !is_it && i < node->alias_count; i++)
		is_it = !strcasecmp(node->aliases[i], address);
	free(address);
	return is_it;
}

static void
nodes_add(struct nodes *nodes, struct node *node)
{
	nodes->list =
	    ha_xrealloc(nodes->list, (nodes->count + 1) * sizeof(*nodes->list));
	nodes->list[nodes->count++] = node;
}

void
nodes_release(struct nodes *nodes)
{
	for (size_t i = 0; i < nodes->count; i++)
		node_free(nodes->list[i]);
	free(nodes->list);
	memset(nodes, 0, sizeof(*nodes));
}

/* The same server by its address or an alias; names are told apart by now. */
static const struct node *
find_known(const struct nodes *known, const struct node *node)
{
	for (size_t i = 0; i < known->count; i++) {
		const struct node *other = known->list[i];

		if (node->host
			? node_is(other, node->host, node->port)
			: other->socket && !strcmp(other->socket, node->socket))
			return other;
	}
	return NULL;
}

static struct node *
parse_node(const char *text, struct ha_err *err)
{
	struct node *node;
	unsigned port;
	char *host;

	if (*text == '/')
		return new_socket(text);
	if (node_parse_address(text, &host, &port, err))
		return NULL;
	node = node_new(host, port);
	free(host);
	return node;
}

struct node *
node_find(const struct nodes *known, const char *text, struct ha_err *err)
{
	const struct node *other;
	struct node *node;

	for (size_t i = 0; i < known->count; i++)
		if (!strcmp(known->list[i]->name, text))
			return node_copy(known->list[i]);
	node = parse_node(text, err);
	if (!node)
		return NULL;
	other = find_known(known, node);
	if (other) {
		node_free(node);
		return node_copy(other);
	}
	free(node->name);
	node->name = ha_xstrdup(text);
	return node;
}

static int
choose_one(struct nodes *chosen, const struct nodes *known, const char *text,
    struct ha_err *err)
{
	struct node *node = node_find(known, text, err);

	if (!node)
		return -1;
	for (size_t i = 0; i < chosen->count; i++)
		if (!strcmp(chosen->list[i]->address, node->address)) {
			node_free(node);
			return 0;
		}
	nodes_add(chosen, node);
	return 0;
}

int
nodes_choose(struct nodes *chosen, const struct nodes *known,
    char *const *operands, struct ha_err *err)
{
	*chosen = (struct nodes){ .topology = known->topology };
	for (; *operands; operands++)
		if (choose_one(chosen, known, *operands, err)) {
			nodes_release(chosen);
			return -1;
		}
	if (chosen->count)
		return 0;
	for (size_t i = 0; i < known->count; i++)
		nodes_add(chosen, node_copy(known->list[i]));
	if (!chosen->count)
		nodes_add(chosen, node_here());
	return 0;
}

/* Names stand in records, in the names of files and in commands. */
static int
is_name(const char *text)
{
	if (!isalnum((unsigned char)*text) || strlen(text) > 64)
		return 0;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("-._", *text))
			return 0;
	return 1;
}

static int
set_once(char **value, const char *text, struct ha_err *err)
{
	if (*value)
		return ha_err_set(err, EX_USAGE, 0, "it is set already");
	if (!*text)
		return ha_err_set(err, EX_USAGE, 0, "it needs a value");
	*value = ha_xstrdup(text);
	return 0;
}

/* What a program gets, and is none of its options. */
static int
set_word(char **value, const char *text, struct ha_err *err)
{
	if (*text == '-')
		return ha_err_set(
		    err, EX_USAGE, 0, "it can't begin with a '-'");
	return set_once(value, text, err);
}

static int
add_alias(struct node *node, const char *text, struct ha_err *err)
{
	unsigned port;
	char *host;

	if (node_parse_address(text, &host, &port, err))
		return -1;
	node->aliases = ha_xrealloc(
	    node->aliases, (node->alias_count + 1) * sizeof(*node->aliases));
	node->aliases[node->alias_count++] = join(host, port);
	free(host);
	return 0;
}

/* One KEY=VALUE; *offset is where in the word a mistake is. */
static int
add_setting(
    struct node *node, const char *word, size_t *offset, struct ha_err *err)
{
	size_t len = strcspn(word, "=");
	const char *value = word + len + 1;

	*offset = 0;
	if (!word[len])
		return ha_err_set(
		    err, EX_USAGE, 0, "'%s' is no setting: KEY=VALUE", word);
	*offset = len + 1;
	if (!strncmp(word, "defaults-file=", len + 1))
		return set_once(&node->defaults_file, value, err);
	if (!strncmp(word, "alias=", len + 1))
		return add_alias(node, value, err);
	if (!strncmp(word, "ssh=", len + 1))
		return set_word(&node->ssh, value, err);
	if (!strncmp(word, "service=", len + 1))
		return set_word(&node->service, value, err);
	*offset = 0;
	return ha_err_set(err, EX_USAGE, 0,
	    "there is no '%.*s': defaults-file, alias, ssh or service",
	    (int)len, word);
}

static int
read_topology(
    struct nodes *nodes, const struct ha_conf_line *line, struct ha_err *err)
{
	if (nodes->topology != TOPOLOGY_ANY)
		return ha_conf_err(
		    line, 0, 0, err, "the topology is said already");
	if (line->count != 2)
		return ha_conf_err(line, line->count > 2 ? 2 : 0, 0, err,
		    "one of oneway, dual, cascade and ring stands behind "
		    "'topology'");
	if (topology_parse(line->words[1].text, &nodes->topology, err))
		return ha_conf_err(line, 1, 0, err, "%s", err->msg);
	return 0;
}

/* The name has been looked at. */
static struct node *
read_node(const struct ha_conf_line *line, struct ha_err *err)
{
	struct node *node = parse_node(line->words[1].text, err);
	size_t offset;

	if (!node) {
		ha_conf_err(line, 1, 0, err, "%s", err->msg);
		return NULL;
	}
	free(node->name);
	node->name = ha_xstrdup(line->words[0].text);
	for (size_t i = 2; i < line->count; i++)
		if (add_setting(node, line->words[i].text, &offset, err)) {
			node_free(node);
			ha_conf_err(line, i, offset, err, "%s", err->msg);
			return NULL;
		}
	return node;
}

static int
check_name(const struct nodes *nodes, const struct ha_conf_line *line,
    struct ha_err *err)
{
	const char *name = line->words[0].text;

	if (!is_name(name))
		return ha_conf_err(line, 0, 0, err,
		    "'%s' can't be a name: letters, digits, '-', '.' and '_', "
		    "at most 64",
		    name);
	for (size_t i = 0; i < nodes->count; i++)
		if (!strcasecmp(nodes->list[i]->name, name))
			return ha_conf_err(
			    line, 0, 0, err, "'%s' is there already", name);
	if (line->count < 2)
		return ha_conf_err(line, 0, strlen(name), err,
		    "an address stands behind the name: HOST:PORT or a "
		    "socket's path");
	return 0;
}

static int
read_line(void *context, const struct ha_conf_line *line, struct ha_err *err)
{
	struct nodes *nodes = context;
	const struct node *other;
	struct node *node;

	if (!strcmp(line->words[0].text, "topology"))
		return read_topology(nodes, line, err);
	if (check_name(nodes, line, err))
		return -1;
	node = read_node(line, err);
	if (!node)
		return -1;
	other = find_known(nodes, node);
	if (other) {
		node_free(node);
		return ha_conf_err(line, 1, 0, err,
		    "'%s' has this address already", other->name);
	}
	nodes_add(nodes, node);
	return 0;
}

int
nodes_read(struct nodes *nodes, const char *file, struct ha_err *err)
{
	const char *directory = getenv("HA_CONFIG_DIR");
	char *path;
	int result;

	*nodes = (struct nodes){ .topology = TOPOLOGY_ANY };
	path = file ? ha_xstrdup(file)
		    : ha_xasprintf("%s/repl.conf",
			  directory && *directory ? directory : "/etc/ha");
	result = 0;
	if (file || access(path, F_OK) == 0)
		result = ha_conf_read(path, read_line, nodes, err);
	free(path);
	if (result)
		nodes_release(nodes);
	return result;
}
