/* SPDX-License-Identifier: ISC */
/*
 * repl-conf - any repl.conf is refused or read, and whom it names is found by
 * name and by address.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs.h"
#include "node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_for(
    const struct nodes *nodes, const char *text, const struct node *expected)
{
	struct ha_err err;
	struct node *found = node_find(nodes, text, &err);

	if (!found || strcmp(found->name, expected->name) != 0)
		abort();
	node_free(found);
}

static void
look(const struct nodes *nodes)
{
	char *none[] = { NULL };
	struct nodes chosen;
	struct ha_err err;

	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *node = nodes->list[i];

		if (!node->host == !node->socket ||
		    (node->host && (!node->port || node->port > 65535)))
			abort();
		look_for(nodes, node->name, node);
		if (node->host && !node_is(node, node->host, node->port))
			abort();
	}
	if (nodes_choose(&chosen, nodes, none, &err) ||
	    (nodes->count && chosen.count != nodes->count))
		abort();
	nodes_release(&chosen);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nodes nodes;
	struct ha_err err;
	char path[32];
	int fd = memfd_create("repl.conf", MFD_CLOEXEC);

	if (fd < 0 || (size && ha_fs_write_all(fd, data, size, &err)))
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!nodes_read(&nodes, path, &err)) {
		look(&nodes);
		nodes_release(&nodes);
	} else if (err.status != EX_CONFIG || !*err.msg) {
		abort();
	}
	close(fd);
	return 0;
}
