/* SPDX-License-Identifier: ISC */
/*
 * draw-text - a tree for a person:
 *
 *	cascade: 3 nodes, 1 writer
 *
 *	db-a <=> db-b
 *	|-- db-a      WRITER     MariaDB 10.11.19  from db-b: 0.010 s behind
 *	`-- db-b      read-only  MariaDB 10.11.19  from db-a: 0.012 s behind
 *	    `-- db-c  read-only  MariaDB 10.11.19  BROKEN: applier stopped
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "draw.h"
#include "rec.h"
#include "shape.h"
#include "text.h"

#define GAP 2
#define LEAST_WORDS 20
#define NO_NODE ((size_t)-1)

enum column { TREE, ROLE, VERSION, ADDRESS, COLUMNS };

struct line {
	struct ha_buf cells[COLUMNS]; /* printable */
	struct ha_buf below; /* what the tree shows on lines of words below */
	struct words {
		struct ha_buf text; /* printable */
		int is_broken;
	} * words; /* a line each */
	size_t word_count;
	int is_title, is_writer, is_bad;
};

struct drawing {
	const struct topology *topology;
	struct line *lines;
	size_t count;
	char *is_drawn; /* groups, by their first node */
};

static void
add_printable(struct ha_buf *text, const char *raw)
{
	ha_rec_add_printable(text, raw, strlen(raw));
}

static struct line *
add_line(struct drawing *drawing, const char *prefix, const char *branch)
{
	struct line *line;

	drawing->lines = ha_xrealloc(
	    drawing->lines, (drawing->count + 1) * sizeof(*drawing->lines));
	line = &drawing->lines[drawing->count++];
	memset(line, 0, sizeof(*line));
	for (int i = 0; i < COLUMNS; i++)
		ha_buf_init(&line->cells[i]);
	ha_buf_init(&line->below);
	ha_buf_add_str(&line->cells[TREE], prefix);
	ha_buf_add_str(&line->cells[TREE], branch);
	return line;
}

/* Takes what is in raw. */
static void
add_words(struct line *line, struct ha_buf *raw, int is_broken)
{
	struct words *words;

	line->words = ha_xrealloc(
	    line->words, (line->word_count + 1) * sizeof(*line->words));
	words = &line->words[line->word_count++];
	ha_buf_init(&words->text);
	ha_rec_add_printable(&words->text, raw->data, raw->len);
	words->is_broken = is_broken;
	ha_buf_release(raw);
}

static const struct facts *
facts_of(const struct drawing *drawing, size_t node)
{
	return drawing->topology->fleet->facts[node];
}

static const char *
name_of(const struct drawing *drawing, size_t node)
{
	return facts_of(drawing, node)->node->name;
}

/* "from db-b (channel x): 0.010 s behind"; of the parent it is not said. */
static void
add_edge(struct drawing *drawing, struct line *line, const struct edge *edge,
    int is_plain)
{
	struct ha_buf raw = HA_BUF_INIT;
	const char *channel = edge->channel->name ? edge->channel->name : "";

	if (!is_plain) {
		ha_buf_add_str(&raw, "from ");
		if (edge->source == STRANGER) {
			draw_add_source(&raw, edge->channel);
			ha_buf_add_str(&raw, ", a stranger");
		} else {
			ha_buf_add_str(&raw, name_of(drawing, edge->source));
		}
	}
	if (*channel)
		ha_buf_addf(
		    &raw, "%s(channel %s)", is_plain ? "" : " ", channel);
	if (raw.len)
		ha_buf_add_str(&raw, ": ");
	topology_add_words(&raw, drawing->topology, edge);
	add_words(line, &raw, edge->is_broken);
}

static void
add_node_words(
    struct drawing *drawing, struct line *line, size_t node, size_t parent)
{
	const struct facts *facts = facts_of(drawing, node);
	struct ha_buf raw = HA_BUF_INIT;
	const struct edge *edges;
	size_t count;

	if (!facts->is_answered) {
		ha_buf_add_str(&raw, facts->why.msg);
		add_words(line, &raw, 1);
		return;
	}
	edges = topology_sources(drawing->topology, node, &count);
	for (size_t i = 0; i < count; i++)
		add_edge(drawing, line, &edges[i],
		    count == 1 && edges[i].source == parent);
	if (!facts->can_see_channels) {
		ha_buf_addf(&raw, "its sources can't be seen: %s",
		    facts->denied && *facts->denied ? facts->denied
						    : "not told");
		add_words(line, &raw, 1);
	}
}

static void
add_node(struct drawing *drawing, const char *prefix, const char *branch,
    size_t node, size_t parent)
{
	const struct facts *facts = facts_of(drawing, node);
	struct line *line = add_line(drawing, prefix, branch);
	struct ha_buf version = HA_BUF_INIT;
	const char *role = draw_role(facts);

	line->is_writer = !strcmp(role, "writer");
	line->is_bad = !facts->is_answered;
	add_printable(&line->cells[TREE], facts->node->name);
	ha_buf_add_str(&line->cells[ROLE], line->is_writer ? "WRITER"
					   : line->is_bad  ? "NO ANSWER"
							   : role);
	draw_add_version(&version, facts);
	add_printable(&line->cells[VERSION], version.data);
	ha_buf_release(&version);
	if (strcmp(node_address(facts->node), facts->node->name) != 0)
		add_printable(&line->cells[ADDRESS], node_address(facts->node));
	add_node_words(drawing, line, node, parent);
}

/* Does the source of one of them send, but in vain? */
static int
is_broken(const struct drawing *drawing, size_t source, size_t replica)
{
	const struct topology *topology = drawing->topology;

	for (size_t i = 0; i < topology->edge_count; i++)
		if (topology->edges[i].source == source &&
		    topology->edges[i].replica == replica)
			return topology->edges[i].is_broken;
	return 0;
}

/* "db-a <=> db-b"; "db-a -> db-b -> db-c -> db-a"; "loop: db-a, db-b" */
static void
add_title(struct drawing *drawing, const char *prefix, const char *branch,
    const size_t *members, size_t count, int is_loop)
{
	struct line *line = add_line(drawing, prefix, branch);
	struct ha_buf *text = &line->cells[TREE];

	line->is_title = 1;
	line->is_bad = is_loop;
	if (is_loop)
		ha_buf_add_str(text, "loop: ");
	for (size_t i = 0; i < count; i++) {
		size_t next = members[(i + 1) % count];
		int is_cut = is_broken(drawing, members[i], next);

		add_printable(text, name_of(drawing, members[i]));
		if (is_loop) {
			ha_buf_add_str(text, i + 1 < count ? ", " : "");
			continue;
		}
		line->is_bad |= is_cut;
		if (count > 2)
			ha_buf_add_str(text, is_cut ? " -X-> " : " -> ");
		else if (i == 0)
			ha_buf_add_str(
			    text, is_cut || is_broken(drawing, next, members[0])
				      ? " <=X=> "
				      : " <=> ");
	}
	if (!is_loop && count > 2)
		add_printable(text, name_of(drawing, members[0]));
}

static void draw_group(struct drawing *drawing, const char *prefix, int level,
    int is_last, size_t group, size_t parent);

/* Drawings of the same look the same, wherever the search began. */
static void
sort_by_name(const struct drawing *drawing, size_t *nodes, size_t count)
{
	for (size_t i = 1; i < count; i++) {
		size_t node = nodes[i], j = i;

		while (j && strverscmp(name_of(drawing, nodes[j - 1]),
				name_of(drawing, node)) > 0) {
			nodes[j] = nodes[j - 1];
			j--;
		}
		nodes[j] = node;
	}
}

/* The groups outside of its own that replicate from a node. */
static size_t
find_below(const struct drawing *drawing, size_t node, size_t *below)
{
	const struct topology *topology = drawing->topology;
	size_t nodes = topology->fleet->count, count = 0;
	char *is_in = ha_xcalloc(nodes + 1, 1);

	for (size_t i = 0; i < nodes; i++) {
		size_t group = topology->groups[i];

		if (group == topology->groups[node] || is_in[group] ||
		    !shape_is_linked(topology, node, i))
			continue;
		is_in[group] = 1;
		below[count++] = group;
	}
	free(is_in);
	sort_by_name(drawing, below, count);
	return count;
}

static const char *
branch_of(int level, int is_last)
{
	return level == 0 ? "" : is_last ? "`-- " : "|-- ";
}

static char *
prefix_below(const char *prefix, int level, int is_last)
{
	return ha_xasprintf("%s%s", prefix,
	    level == 0 ? ""
	    : is_last  ? "    "
		       : "|   ");
}

static void
draw_node(struct drawing *drawing, const char *prefix, int level, int is_last,
    size_t node, size_t parent)
{
	size_t *below =
	    ha_xcalloc(drawing->topology->fleet->count, sizeof(size_t));
	size_t count = find_below(drawing, node, below);
	char *deeper = prefix_below(prefix, level, is_last);
	struct line *line;

	add_node(drawing, prefix, branch_of(level, is_last), node, parent);
	line = &drawing->lines[drawing->count - 1];
	ha_buf_addf(&line->below, "%s%s", deeper, count ? "|" : "");
	for (size_t i = 0; i < count; i++)
		draw_group(
		    drawing, deeper, level + 1, i + 1 == count, below[i], node);
	free(deeper);
	free(below);
}

/* One that stands elsewhere is only named. */
static void
draw_again(struct drawing *drawing, const char *prefix, const char *branch,
    const size_t *members, size_t count)
{
	struct line *line = add_line(drawing, prefix, branch);
	struct ha_buf *text = &line->cells[TREE];

	for (size_t i = 0; i < count; i++) {
		ha_buf_add_str(text, i ? ", " : "");
		add_printable(text, name_of(drawing, members[i]));
	}
	ha_buf_add_str(text, " (above)");
	line->is_title = 1;
}

static void
draw_group(struct drawing *drawing, const char *prefix, int level, int is_last,
    size_t group, size_t parent)
{
	size_t *members =
	    ha_xcalloc(drawing->topology->fleet->count, sizeof(size_t));
	const char *branch = branch_of(level, is_last);
	char *deeper = prefix_below(prefix, level, is_last);
	int is_loop;
	size_t count =
	    shape_members(drawing->topology, group, members, &is_loop);

	if (drawing->is_drawn[group]) {
		draw_again(drawing, prefix, branch, members, count);
	} else if (count == 1) {
		drawing->is_drawn[group] = 1;
		draw_node(drawing, prefix, level, is_last, group, parent);
	} else {
		drawing->is_drawn[group] = 1;
		add_title(drawing, prefix, branch, members, count, is_loop);
		for (size_t i = 0; i < count; i++)
			draw_node(drawing, deeper, level + 1, i + 1 == count,
			    members[i], NO_NODE);
	}
	free(deeper);
	free(members);
}

/* Has anybody outside of the group a replica in it? */
static int
is_root(const struct topology *topology, size_t group)
{
	size_t nodes = topology->fleet->count;

	for (size_t i = 0; i < nodes; i++)
		for (size_t j = 0; topology->groups[i] == group && j < nodes;
		     j++)
			if (topology->groups[j] != group &&
			    shape_is_linked(topology, j, i))
				return 0;
	return 1;
}

static void
draw_all(struct drawing *drawing)
{
	const struct topology *topology = drawing->topology;
	size_t nodes = topology->fleet->count, count = 0;
	size_t *roots = ha_xcalloc(nodes + 1, sizeof(*roots));

	drawing->is_drawn = ha_xcalloc(nodes + 1, 1);
	for (size_t i = 0; i < nodes; i++)
		if (topology->groups[i] == i && is_root(topology, i))
			roots[count++] = i;
	sort_by_name(drawing, roots, count);
	for (size_t i = 0; i < count; i++)
		draw_group(drawing, "", 0, 1, roots[i], NO_NODE);
	free(roots);
	free(drawing->is_drawn);
}

static void
add_spaces(struct ha_buf *out, size_t count)
{
	ha_buf_addf(out, "%*s", (int)count, "");
}

static void
add_coloured(struct ha_buf *out, const char *text, int is_coloured,
    enum ha_status_state state)
{
	if (is_coloured)
		ha_buf_add_str(out, ha_text_colour(state));
	ha_buf_add_str(out, text);
	if (is_coloured)
		ha_buf_add_str(out, HA_TEXT_PLAIN);
}

/* The words of a line, from column at on, the tree going on below. */
static void
add_paragraph(struct ha_buf *out, const struct line *line,
    const struct words *words, size_t at, int is_coloured)
{
	size_t terminal = ha_text_terminal_width(), width = (size_t)-1;
	struct ha_buf wrapped = HA_BUF_INIT;
	char *save = NULL, *part;
	int is_first = 1;

	if (terminal)
		width =
		    terminal > at + LEAST_WORDS ? terminal - at : LEAST_WORDS;
	ha_text_add_wrapped(&wrapped, words->text.data, width, 0);
	for (part = strtok_r(wrapped.data, "\n", &save); part;
	     part = strtok_r(NULL, "\n", &save)) {
		if (!is_first || words != line->words) {
			ha_buf_add_char(out, '\n');
			ha_buf_add_str(out, line->below.data);
			add_spaces(out, at - ha_text_width(line->below.data));
		}
		is_first = 0;
		add_coloured(
		    out, part, is_coloured && words->is_broken, HA_STATUS_CRIT);
	}
	ha_buf_release(&wrapped);
}

static void
print_line(struct ha_buf *out, const struct line *line,
    const size_t widths[COLUMNS], int is_coloured)
{
	size_t at = 0, blanks = 0;

	if (line->is_title) {
		add_coloured(out, line->cells[TREE].data,
		    is_coloured && line->is_bad, HA_STATUS_CRIT);
		ha_buf_add_char(out, '\n');
		return;
	}
	for (int i = 0; i < COLUMNS; i++) {
		const char *cell = line->cells[i].data;

		at += widths[i] ? widths[i] + GAP : 0;
		if (*cell) {
			add_spaces(out, blanks);
			blanks = 0;
		}
		if (i == ROLE)
			add_coloured(out, cell,
			    is_coloured && (line->is_bad || line->is_writer),
			    line->is_bad ? HA_STATUS_CRIT : HA_STATUS_OK);
		else
			ha_buf_add_str(out, cell);
		if (widths[i])
			blanks += widths[i] - ha_text_width(cell) + GAP;
	}
	if (line->word_count)
		add_spaces(out, blanks);
	for (size_t i = 0; i < line->word_count; i++)
		add_paragraph(out, line, &line->words[i], at, is_coloured);
	ha_buf_add_char(out, '\n');
}

static void
print_all(struct ha_buf *out, const struct drawing *drawing, int is_coloured)
{
	size_t widths[COLUMNS] = { 0 };

	for (size_t i = 0; i < drawing->count; i++)
		for (int j = 0; j < COLUMNS && !drawing->lines[i].is_title;
		     j++) {
			size_t width =
			    ha_text_width(drawing->lines[i].cells[j].data);

			if (width > widths[j])
				widths[j] = width;
		}
	for (size_t i = 0; i < drawing->count; i++)
		print_line(out, &drawing->lines[i], widths, is_coloured);
}

struct output {
	struct ha_buf *out;
	int is_coloured, is_begun;
};

static void
print_remark(void *context, const char *remark)
{
	struct ha_buf text = HA_BUF_INIT;
	struct output *output = context;

	if (!output->is_begun)
		ha_buf_add_char(output->out, '\n');
	output->is_begun = 1;
	ha_buf_add_str(&text, "! ");
	add_printable(&text, remark);
	add_coloured(
	    output->out, text.data, output->is_coloured, HA_STATUS_WARN);
	ha_buf_add_char(output->out, '\n');
	ha_buf_release(&text);
}

static void
drawing_release(struct drawing *drawing)
{
	for (size_t i = 0; i < drawing->count; i++) {
		struct line *line = &drawing->lines[i];

		for (int j = 0; j < COLUMNS; j++)
			ha_buf_release(&line->cells[j]);
		for (size_t j = 0; j < line->word_count; j++)
			ha_buf_release(&line->words[j].text);
		free(line->words);
		ha_buf_release(&line->below);
	}
	free(drawing->lines);
}

void
topology_draw(
    struct ha_buf *out, const struct topology *topology, int is_coloured)
{
	struct drawing drawing = { .topology = topology };
	struct output output = { out, is_coloured, 0 };

	draw_add_title(out, topology);
	ha_buf_add_str(out, "\n\n");
	draw_all(&drawing);
	print_all(out, &drawing, is_coloured);
	draw_tell_remarks(topology, print_remark, &output);
	drawing_release(&drawing);
}
