/* SPDX-License-Identifier: ISC */
/*
 * node - a database server: how it is called and how it is reached.
 *
 * A node is a name out of HA_CONFIG_DIR/repl.conf (or -f FILE), or HOST,
 * HOST:PORT, [ADDRESS]:PORT, or the path of a socket.  The file (lib/conf.h):
 *
 *	topology dual
 *	db-a  10.0.0.1:3306  defaults-file=/etc/ha/db-a.cnf
 *	db-b  10.0.0.2       alias=db-b.internal:3306
 *	db-c  /run/mysqld/mysqld.sock
 *	db-d  10.0.0.3       ssh=root@db-d service=mariadb
 */
#ifndef REPL_NODE_H
#define REPL_NODE_H

#include <stddef.h>

#include "err.h"

enum topology_kind {
	TOPOLOGY_ANY, /* not said, or none of these */
	TOPOLOGY_ONEWAY, /* one writer, replicas of it */
	TOPOLOGY_DUAL, /* two that replicate from each other, one writes */
	TOPOLOGY_CASCADE, /* a dual pair and replicas below one of it, or a
			     replica that is a source as well */
	TOPOLOGY_RING, /* three or more, each the source of the next */
};
#define TOPOLOGY_KINDS "oneway|dual|cascade|ring"
const char *topology_name(enum topology_kind kind); /* "any" for the first */
/* -1, EX_USAGE. */
int
topology_parse(const char *name, enum topology_kind *kind, struct ha_err *err);

struct node {
	char *name; /* as the user calls it; what a record's HOST is */
	char *host; /* NULL: socket */
	unsigned port;
	char *socket; /* NULL: host, or neither: the usual one of here */
	char *address; /* what node_address() returns */
	char *defaults_file; /* NULL: --defaults-file, or the usual ones */
	char *ssh; /* its machine, as ssh(1) calls it; or NULL */
	char *service; /* its server, as systemctl(1) calls it; or NULL */
	char **aliases; /* HOST:PORT, as others may call it */
	size_t alias_count;
};

struct nodes {
	struct node **list; /* owned */
	size_t count;
	enum topology_kind topology; /* as the file says */
};

/*
 * All nodes of the file; file NULL: HA_CONFIG_DIR/repl.conf, which may be
 * missing (then there are none).  -1: EX_CONFIG, EX_NOINPUT.
 */
int nodes_read(struct nodes *nodes, const char *file, struct ha_err *err);
void nodes_release(struct nodes *nodes);
/*
 * The node called so: one of known, else a new one made of HOST:PORT or a
 * socket's path.  Copied: the caller owns it.  NULL: EX_USAGE.
 */
struct node *
node_find(const struct nodes *known, const char *text, struct ha_err *err);
struct node *node_new(const char *host, unsigned port);
struct node *node_copy(const struct node *node);
void node_free(struct node *node);
/*
 * The nodes that operands name, each once; without operands all of known, and
 * when that is empty too the server of this machine (node_here()).  Copies, to
 * be given back by nodes_release(); the topology is known's.  -1: EX_USAGE.
 */
int nodes_choose(struct nodes *chosen, const struct nodes *known,
    char *const *operands, struct ha_err *err);
/*
 * This machine's, as the defaults file or else the client library has it: no
 * host, no socket; its name is the machine's.
 */
struct node *node_here(void);
/*
 * Split "HOST", "HOST:PORT", "ADDRESS", "[ADDRESS]:PORT": *host is the
 * caller's to free, *port 3306 where there is none.  -1: EX_USAGE.
 */
int node_parse_address(
    const char *text, char **host, unsigned *port, struct ha_err *err);
/* "10.0.0.1:3306", "[::1]:3307", "/run/mysqld/mysqld.sock"; for TARGET. */
const char *node_address(const struct node *node);
/*
 * Is that it, by name, address or alias?  Names are not looked up, and case is
 * ignored; of a node behind a socket the port is not known, so any is right.
 */
int node_is(const struct node *node, const char *host, unsigned port);

#endif
