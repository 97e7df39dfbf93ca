/* SPDX-License-Identifier: ISC */
/*
 * input - reads records from stdin, decides nothing about them but where in
 * the dirty set they belong.
 */
#include "input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "control.h"
#include "fs.h"
#include "msg.h"

#define MALFORMED_SAID 10

void
input_init(struct push *push)
{
	ha_in_init(
	    &push->input.in, STDIN_FILENO, push->conf.paths ? '\0' : '\n');
	push->barriers_tail = &push->barriers;
}

void
input_release(struct push *push)
{
	struct barrier *barrier;

	ha_in_release(&push->input.in);
	while ((barrier = push->barriers) != NULL) {
		push->barriers = barrier->next;
		free(barrier->line);
		free(barrier->token);
		free(barrier);
	}
}

/* Another watcher has joined in mid-stream: a restarted one, it is to be. */
static int
check_same_source(struct push *push, const struct ha_change_header *header,
    struct ha_err *err)
{
	struct source again = { NULL, -1, 0, 0 };
	int is_other = (dev_t)header->dev != push->source.dev ||
		       (ino_t)header->ino != push->source.ino;

	if (!is_other && source_open(&again, header->root, header, err) != 0) {
		if (strcmp(header->root, push->source.path) == 0)
			return -1;
		is_other = 1;
	}
	source_close(&again);
	if (is_other)
		return ha_err_set(err, EX_DATAERR, 0,
		    "line %llu: records from %s, but the source is %s: one "
		    "source a pipe",
		    push->input.in.number, header->root, push->source.path);
	return 0;
}

static int
take_header(struct push *push, const struct ha_change_header *header,
    struct ha_err *err)
{
	int rc = push->source.path == NULL
		     ? source_open(&push->source, header->root, header, err)
		     : check_same_source(push, header, err);

	if (rc != 0)
		return -1;
	/* A restarted watcher brings its patterns again. */
	if (push->input.has_header)
		return 0;
	push->input.has_header = 1;
	for (size_t i = 0; i < header->exclude_count; i++)
		if (ha_match_add(push->match, header->excludes[i], err) != 0)
			return -1;
	return 0;
}

static int
take_comment(struct push *push, char *line, struct ha_err *err)
{
	struct ha_change_header header;
	int rc = 0;

	if (strcmp(line, "#end") == 0) {
		push->input.ended_well = 1;
	} else if (strncmp(line, "#ha-watch\t", 10) == 0) {
		ha_change_header_init(&header);
		push->input.barrier_ns = ha_clock_now_ns();
		push->input.ended_well = 0;
		rc = ha_change_header_decode(line, &header, err);
		if (rc == 0)
			rc = take_header(push, &header, err);
		ha_change_header_release(&header);
	}
	return rc;
}

/* What nobody can watch is compared, and nothing that waits has a pause. */
static void
prepare_answer(struct push *push)
{
	for (unsigned i = 0; i < push->report.unwatched_count; i++)
		dirty_mark(&push->dirty, push->report.unwatched[i], DIRTY_TREE,
		    NULL, 0);
	dirty_hurry(&push->dirty);
}

static void
add_barrier(struct push *push, const char *line, const char *token)
{
	int is_awaited = control_awaits(push, token);
	struct barrier *barrier;

	push->input.barrier_ns = ha_clock_now_ns();
	if (!is_awaited && push->report.acks_fd < 0)
		return;
	barrier = ha_xcalloc(1, sizeof(*barrier));
	if (is_awaited) {
		prepare_answer(push);
		barrier->token = ha_xstrdup(token);
	}
	barrier->epoch = dirty_barrier(&push->dirty);
	barrier->line = ha_xstrdup(line);
	*push->barriers_tail = barrier;
	push->barriers_tail = &barrier->next;
}

/*
 * A directory that went away and is there again is another one: everything
 * below it is to be compared.
 */
static void
mark_change(struct push *push, const struct ha_change *change, const char *ack,
    size_t ack_len)
{
	struct dirty *dirty = &push->dirty;

	switch (change->op) {
	case 'W':
	case 'C':
		dirty_mark(dirty, change->path, DIRTY_CONTENT, ack, ack_len);
		break;
	case 'A':
		dirty_mark(dirty, change->path, DIRTY_ATTR, ack, ack_len);
		break;
	case 'D':
		dirty_mark(dirty, change->path, DIRTY_CONTENT | DIRTY_REPLACED,
		    ack, ack_len);
		break;
	case 'R':
		dirty_mark(dirty, change->path, DIRTY_TREE, ack, ack_len);
		break;
	case 'E':
		report_unwatched(&push->report, change->path, change->new_path);
		break;
	default:
		break;
	}
}

static void
malformed(struct push *push, const struct ha_err *err)
{
	if (push->input.malformed++ < MALFORMED_SAID)
		ha_warn("line %llu: %s; the whole source is compared instead",
		    push->input.in.number, err->msg);
	dirty_mark(&push->dirty, HA_CHANGE_ROOT, DIRTY_TREE, NULL, 0);
}

/* Of paths there is nothing to be compared but what was named. */
static void
leave_out(struct push *push, const struct ha_err *err)
{
	if (push->input.malformed++ < MALFORMED_SAID)
		ha_warn("%s; it is left out", err->msg);
}

/* Can a directory become its own child, or the root another name? */
static int
is_rename(const struct ha_change *change)
{
	const char *from = change->path, *to = change->new_path;
	size_t from_len = strlen(from), to_len = strlen(to);
	size_t len = from_len < to_len ? from_len : to_len;

	return strcmp(from, HA_CHANGE_ROOT) != 0 &&
	       strcmp(to, HA_CHANGE_ROOT) != 0 &&
	       (strncmp(from, to, len) != 0 ||
		   (from[len] != '/' && to[len] != '/' && from_len != to_len));
}

static int
take_record(struct push *push, char *line, size_t len, struct ha_err *err)
{
	struct ha_change change;
	struct ha_buf raw = HA_BUF_INIT;
	const char *ack = NULL;
	size_t ack_len = 0;
	int rc;

	if (line[0] == '#')
		return take_comment(push, line, err);
	if (push->source.path == NULL)
		return ha_err_set(err, EX_DATAERR, 0,
		    "line %llu: a record before any #ha-watch header; pipe "
		    "from ha-watch, or name the source with -C DIR",
		    push->input.in.number);
	push->input.ended_well = 0;
	ha_buf_add(&raw, line, len);
	ha_buf_add_char(&raw, '\n');
	if (push->report.acks_fd >= 0) {
		ack = raw.data;
		ack_len = raw.len;
	}
	rc = ha_change_decode(line, &change, err);
	if (rc == 0 && change.op == 'M' && !is_rename(&change))
		rc = ha_err_set(err, EX_DATAERR, 0,
		    "'%s' can't have become '%s'", change.path,
		    change.new_path);
	if (rc != 0)
		malformed(push, err);
	else if (change.op == 'S')
		add_barrier(push, raw.data, change.path);
	else if (change.op == 'M')
		dirty_rename(&push->dirty, change.path, change.new_path,
		    change.kind, ack);
	else
		mark_change(push, &change, ack, ack_len);
	ha_buf_release(&raw);
	return 0;
}

/*
 * A bare path, as find(1) prints it below -C: "./a/b", "a/b", "a/" for a tree.
 */
static void
take_path(struct push *push, char *path, size_t len)
{
	unsigned flags = DIRTY_CONTENT;

	if (memchr(path, '\0', len) == NULL && len > 1 &&
	    path[len - 1] == '/') {
		path[--len] = '\0';
		flags = DIRTY_TREE;
	}
	while (path[0] == '.' && path[1] == '/') {
		path += 2;
		path += strspn(path, "/");
	}
	if (path[0] == '\0')
		path = strcpy(path - 1, HA_CHANGE_ROOT);
	if (!ha_fs_path_is_inside(path)) {
		push->input.malformed++;
		ha_warn("path %llu: '%s' is not below %s: paths are relative "
			"to -C DIR, without '..'; it is left out",
		    push->input.in.number, path, push->source.path);
		return;
	}
	dirty_mark(&push->dirty, path, flags, NULL, 0);
}

static void
take_end(struct push *push)
{
	push->input.at_end = 1;
	push->last_progress_ns = ha_clock_now_ns();
	control_input_ended(push);
	if (ha_in_rest(&push->input.in) > 0)
		ha_warn("the input ends in the middle of a record, which is "
			"left out");
	if (push->conf.paths) {
		push->input.malformed += ha_in_rest(&push->input.in) > 0;
		push->input.ended_well = 1;
	} else if (!push->input.ended_well && push->source.path != NULL) {
		ha_warn("the records ended without #end: ha-watch%s died; the "
			"whole source is compared, then this ends with "
			"status 75",
		    push->parent != 0 ? ", or what passes them on," : "");
		dirty_mark(&push->dirty, HA_CHANGE_ROOT, DIRTY_TREE, NULL, 0);
	}
}

int
input_read(struct push *push, struct ha_err *err)
{
	struct ha_in *in = &push->input.in;
	char *line;
	size_t len;
	int rc = ha_in_fill(in, err);

	if (rc < 0)
		return err->sys == EAGAIN ? 0 : -1;
	for (;;) {
		int got = ha_in_next(in, &line, &len, err);

		if (got == 0)
			break;
		if (got < 0 && push->conf.paths)
			leave_out(push, err);
		else if (got < 0)
			malformed(push, err);
		else if (push->conf.paths)
			take_path(push, line, len);
		else if (take_record(push, line, len, err) != 0)
			return -1;
	}
	if (rc == 0)
		take_end(push);
	return 0;
}

void
input_settle_barriers(struct push *push, struct ha_buf *acks)
{
	struct barrier *barrier;

	while ((barrier = push->barriers) != NULL &&
	       dirty_epoch_is_done(&push->dirty, barrier->epoch)) {
		ha_buf_add_str(acks, barrier->line);
		push->barriers = barrier->next;
		if (push->barriers == NULL)
			push->barriers_tail = &push->barriers;
		if (barrier->token != NULL)
			control_settled(push, barrier->token);
		free(barrier->line);
		free(barrier->token);
		free(barrier);
	}
}
