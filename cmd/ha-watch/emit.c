/* SPDX-License-Identifier: ISC */
/*
 * emit - makes records of entries.  An entry stays in the dirty set, where it
 * can still be joined with later news, until there is room in the buffer.
 */
#include "emit.h"

#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "change.h"
#include "events.h"
#include "fs.h"
#include "out.h"

/* Of what is encoded ahead of the reader. */
#define AHEAD (32 * 1024)

static void
put(struct watch *watch, char op, char kind, const char *path,
    const char *new_path)
{
	struct ha_change change = {
		.op = op, .kind = kind, .path = path, .new_path = new_path
	};
	struct ha_buf *out = &watch->out;

	if (watch->bare) {
		if (op == 'E' || op == 'S')
			return;
		ha_buf_add_str(out, path);
		if (op == 'R')
			ha_buf_add_char(out, '/');
		ha_buf_add_char(out, '\0');
		if (op == 'M')
			ha_buf_add(out, new_path, strlen(new_path) + 1);
		return;
	}
	change.seq = ++watch->seq;
	if (watch->json)
		ha_change_encode_json(out, &change);
	else
		ha_change_encode(out, &change);
}

static void
read_boot(struct watch *watch)
{
	struct ha_buf buf = HA_BUF_INIT;
	struct ha_err err;

	if (!ha_fs_read_file(
		"/proc/sys/kernel/random/boot_id", 4096, &buf, &err)) {
		buf.data[strcspn(buf.data, "\n")] = '\0';
		strncpy(watch->boot, buf.data, sizeof(watch->boot) - 1);
	}
	ha_buf_release(&buf);
}

void
emit_header(struct watch *watch)
{
	struct ha_change_header header;
	size_t i;

	read_boot(watch);
	if (watch->bare)
		return;
	ha_change_header_init(&header);
	header.version = 1;
	header.root = ha_xstrdup(watch->root);
	header.dev = watch->dev;
	header.ino = watch->ino;
	header.boot = ha_xstrdup(watch->boot);
	for (i = 0; i < ha_match_count(watch->match); i++)
		ha_change_header_add_exclude(
		    &header, ha_match_pattern(watch->match, i));
	if (watch->json)
		ha_change_header_encode_json(&watch->out, &header);
	else
		ha_change_header_encode(&watch->out, &header);
	ha_change_header_release(&header);
}

void
emit_end(struct watch *watch)
{
	if (watch->json)
		ha_buf_add_str(&watch->out, "{\"record\":\"end\"}\n");
	else if (!watch->bare)
		ha_buf_add_str(&watch->out, "#end\n");
}

static void
emit_heartbeat(struct watch *watch)
{
	struct ha_buf token = HA_BUF_INIT;

	ha_buf_addf(&token, "%.8s-%ld-%llu", watch->boot, (long)getpid(),
	    (unsigned long long)++watch->barriers);
	put(watch, 'S', '-', token.data, "");
	ha_buf_release(&token);
}

/* The path of an entry; the key of the root is (root, ""). */
static const char *
path_of(struct watch *watch, const struct entry *entry)
{
	tree_path(
	    &watch->tree, entry->dir, entry->name, entry->len, &watch->path);
	return watch->path.data;
}

static char
kind_now(struct watch *watch, const struct entry *entry)
{
	struct stat st;

	if (watch_lstat(watch, entry->dir, entry->name, entry->len, &st))
		return '-';
	return ha_change_kind(st.st_mode);
}

static void
put_here(struct watch *watch, const struct entry *entry, const char *path)
{
	unsigned flags = entry->flags;
	char kind = entry->kind;

	if (flags & ENTRY_C && (kind != 'f' || flags & ENTRY_LINK))
		put(watch, 'C', kind == '?' ? '-' : kind, path, "");
	else if (flags & (ENTRY_C | ENTRY_W))
		put(watch, 'W', kind, path, "");
	else if (flags & ENTRY_A)
		put(watch, 'A', kind, path, "");
	if (flags & ENTRY_E)
		put(watch, 'E', 'd', path, ha_err_name(entry->sys));
	if (flags & ENTRY_R)
		put(watch, 'R', 'd', path, "");
}

static void
emit_move(struct watch *watch, const struct entry *entry)
{
	const char *to = entry->paths + strlen(entry->paths) + 1;
	struct stat st;
	char kind = entry->kind;

	if (kind != 'd' && !ha_fs_lstat_beneath(watch_root(watch), to, &st))
		kind = ha_change_kind(st.st_mode);
	put(watch, 'M', kind, entry->paths, to);
}

static void
emit_entry(struct watch *watch, struct entry *entry)
{
	unsigned here = entry->flags & ENTRY_HERE;
	const char *path;

	if (entry->flags & ENTRY_MOVE) {
		emit_move(watch, entry);
		return;
	}
	if (watch->rules_have_paths &&
	    watch_excludes(watch, entry->dir, entry->name, entry->len,
		entry->kind == 'd' || entry->gone == 'd'))
		return;
	if (here == ENTRY_A && entry->kind == '-')
		entry->kind = kind_now(watch, entry);
	path = path_of(watch, entry);
	if (entry->gone && (!here || entry->gone == 'd' || entry->kind == 'd'))
		put(watch, 'D', entry->gone, path, "");
	if (here)
		put_here(watch, entry, path);
}

/* The dirty set's head, unless a reader must wait for R of the root first. */
static struct entry *
next_entry(struct watch *watch)
{
	return watch->armed ? dirty_next(&watch->dirty) : NULL;
}

static void
end_barrier(struct watch *watch)
{
	if (!watch->barrier_open || watch->heal_again ||
	    watch->dirty.waiting[!watch->dirty.newest])
		return;
	watch->barrier_open = 0;
	watch->dirty.hurry = 0;
	if (watch->barrier_beats)
		emit_heartbeat(watch);
	for (size_t i = 0; i < watch->answered.count; i++)
		put(watch, 'S', '-', watch->answered.names[i], "");
	events_forget_cookies(&watch->answered);
}

static void
fill(struct watch *watch)
{
	struct entry *entry;

	while (watch->out.len - watch->out_done < AHEAD &&
	       (entry = next_entry(watch))) {
		emit_entry(watch, entry);
		dirty_free(&watch->dirty, entry);
	}
	if (watch->out.len - watch->out_done < AHEAD)
		end_barrier(watch);
}

int
emit_pending(const struct watch *watch)
{
	return watch->out.len > watch->out_done ||
	       (watch->armed && watch->dirty.ready.next != &watch->dirty.ready);
}

size_t
emit_try(struct watch *watch)
{
	struct ha_buf *out = &watch->out;
	size_t n, all = 0;

	for (;;) {
		fill(watch);
		if (out->len == watch->out_done)
			break;
		n = ha_out_try(
		    out->data + watch->out_done, out->len - watch->out_done);
		watch->out_done += n;
		all += n;
		if (n == 0)
			break;
		if (watch->out_done == out->len) {
			ha_buf_reset(out);
			watch->out_done = 0;
		}
	}
	return all;
}
