/* SPDX-License-Identifier: ISC */
#include "shape.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"

int
shape_is_linked(const struct topology *topology, size_t source, size_t replica)
{
	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].source == source &&
		    topology->edges[i].replica == replica)
			return 1;
	for (size_t i = 0; i < topology->told_count; i++)
		if (topology->told[i].source == source &&
		    topology->told[i].replica == replica)
			return 1;
	return 0;
}

/* Links of the i-th to or from any other, as a matrix; [from * count + to]. */
static char *
make_links(const struct topology *topology)
{
	size_t count = topology->fleet->count;
	char *links = ha_xcalloc(count * count, 1);

	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].source != STRANGER)
			links[topology->edges[i].source * count +
			      topology->edges[i].replica] = 1;
	for (size_t i = 0; i < topology->told_count; i++)
		links[topology->told[i].source * count +
		      topology->told[i].replica] = 1;
	return links;
}

/* Who is reached from whom: Warshall, "A Theorem on Boolean Matrices". */
static char *
make_reach(const char *links, size_t count)
{
	char *reach = ha_xmemdup(links, count * count);

	for (size_t k = 0; k < count; k++)
		for (size_t i = 0; i < count; i++) {
			if (!reach[i * count + k])
				continue;
			for (size_t j = 0; j < count; j++)
				reach[i * count + j] |= reach[k * count + j];
		}
	return reach;
}

static void
find_groups(struct topology *topology, const char *reach)
{
	size_t count = topology->fleet->count;

	topology->groups = ha_xcalloc(count + 1, sizeof(size_t));
	for (size_t i = 0; i < count; i++) {
		size_t j = 0;

		while (j < i && !(reach[i * count + j] && reach[j * count + i]))
			j++;
		topology->groups[i] = j;
	}
}

struct group {
	size_t size; /* nodes in it */
	size_t inside, entries; /* links within it, and into it from others */
	int is_round; /* each has one source and one replica in it */
};

static struct group
look_at(const struct topology *topology, const char *links, size_t id)
{
	size_t count = topology->fleet->count;
	const size_t *groups = topology->groups;
	struct group group = { .is_round = 1 };

	for (size_t i = 0; i < count; i++) {
		size_t sources = 0, replicas = 0;

		if (groups[i] != id)
			continue;
		group.size++;
		for (size_t j = 0; j < count; j++) {
			int is_inside = groups[j] == id;

			sources += is_inside && links[j * count + i];
			replicas += is_inside && links[i * count + j];
			group.entries += !is_inside && links[j * count + i];
		}
		group.inside += sources;
		if (sources != 1 || replicas != 1)
			group.is_round = 0;
	}
	return group;
}

/* What did not answer, and nobody tells of, says nothing of the shape. */
static int
takes_part(
    const struct topology *topology, const struct group *group, size_t id)
{
	size_t count;

	if (topology->fleet->facts[id]->is_answered || group->size > 1 ||
	    group->entries)
		return 1;
	for (count = 0; count < topology->fleet->count; count++)
		if (count != id && shape_is_linked(topology, id, count))
			return 1;
	return 0;
}

/* What is seen of the groups, all together. */
struct shape {
	size_t nodes, roots, pairs, rings;
	size_t root; /* the last that was found */
	struct group root_group;
	int is_tree, is_deep; /* deep: some link doesn't begin at the root */
};

static void
count_group(struct topology *topology, struct shape *shape,
    const struct group *group, size_t id)
{
	int is_loop = group->size == 1 ? group->inside > 0 : !group->is_round;

	if (!takes_part(topology, group, id))
		return;
	shape->nodes += group->size;
	shape->pairs += !is_loop && group->size == 2;
	shape->rings += !is_loop && group->size > 2;
	if (is_loop)
		topology->has_loop = 1;
	if (group->entries > 1)
		shape->is_tree = 0;
	if (group->entries)
		return;
	shape->roots++;
	shape->root = id;
	shape->root_group = *group;
}

static enum topology_kind
name_shape(const struct topology *topology, const struct shape *shape)
{
	if (topology->has_loop || !shape->is_tree || shape->roots != 1 ||
	    shape->nodes < 2)
		return TOPOLOGY_ANY;
	if (shape->rings)
		return shape->rings == 1 && !shape->pairs &&
			       shape->root_group.size > 2
			   ? TOPOLOGY_RING
			   : TOPOLOGY_ANY;
	if (shape->pairs)
		return shape->nodes == 2 ? TOPOLOGY_DUAL : TOPOLOGY_CASCADE;
	return shape->is_deep ? TOPOLOGY_CASCADE : TOPOLOGY_ONEWAY;
}

void
shape_recognise(struct topology *topology)
{
	size_t count = topology->fleet->count;
	char *links = make_links(topology);
	char *reach = make_reach(links, count);
	struct shape shape = { .is_tree = 1 };

	find_groups(topology, reach);
	for (size_t i = 0; i < count; i++)
		if (topology->groups[i] == i) {
			struct group group = look_at(topology, links, i);

			count_group(topology, &shape, &group, i);
		}
	for (size_t i = 0; i < count * count; i++)
		if (links[i] && i / count != shape.root)
			shape.is_deep = 1;
	topology->seems = name_shape(topology, &shape);
	free(links);
	free(reach);
}

static int
is_writer(const struct facts *facts)
{
	return facts->is_answered && facts_is_writable(facts) == 1;
}

/* A writer if there is one; of several, the first by name. */
static size_t
first_member(const struct topology *topology, size_t id)
{
	struct facts *const *facts = topology->fleet->facts;
	size_t first = id;

	for (size_t i = id + 1; i < topology->fleet->count; i++) {
		int order = is_writer(facts[first]) - is_writer(facts[i]);

		if (topology->groups[i] != id)
			continue;
		if (order < 0 ||
		    (order == 0 && strverscmp(facts[first]->node->name,
				       facts[i]->node->name) > 0))
			first = i;
	}
	return first;
}

size_t
shape_members(
    const struct topology *topology, size_t node, size_t *members, int *is_loop)
{
	size_t id = topology->groups[node], nodes = topology->fleet->count;
	char *links = make_links(topology);
	struct group group = look_at(topology, links, id);
	size_t count = 0;

	*is_loop = group.size == 1 ? group.inside > 0 : !group.is_round;
	if (*is_loop || group.size == 1) {
		for (size_t i = id; i < nodes; i++)
			if (topology->groups[i] == id)
				members[count++] = i;
	} else {
		members[count++] = first_member(topology, id);
		while (count < group.size)
			for (size_t i = 0; i < nodes; i++)
				if (topology->groups[i] == id &&
				    links[members[count - 1] * nodes + i]) {
					members[count++] = i;
					break;
				}
	}
	free(links);
	return count;
}
