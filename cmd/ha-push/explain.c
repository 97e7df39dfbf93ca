/* SPDX-License-Identifier: ISC */
/*
 * explain - looks a path up where it could be held up, in that order.
 */
#include "explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "change.h"
#include "clock.h"
#include "fs.h"
#include "rec.h"

/* The fields; a number that does not apply is negative. */
struct answer {
	const char *state;
	int64_t since_ms;
	int64_t tries;
	int64_t retry_ms;
	struct ha_buf words;
};

static int64_t
ms_since(int64_t ns)
{
	return (ha_clock_now_ns() - ns) / HA_MS_NS;
}

static void
add_duration(struct ha_buf *words, const char *before, int64_t ms)
{
	char text[64];

	ha_clock_words(ms < 0 ? 0 : ms, text, sizeof(text));
	ha_buf_addf(words, "%s%s", before, text);
}

static void
add_flags(struct ha_buf *words, unsigned flags)
{
	if (flags & DIRTY_TREE)
		ha_buf_add_str(words, "all below it is to be compared");
	else if (flags & DIRTY_REPLACED)
		ha_buf_add_str(words, "it was gone or replaced");
	else if (flags & DIRTY_CONTENT)
		ha_buf_add_str(words, "its content may have changed");
	else
		ha_buf_add_str(words, "its attributes may have changed");
}

int
explain_excluded(const struct ha_match *match, size_t own, const char *path,
    int is_dir, char **words)
{
	const char *from = "from ha-watch";
	size_t depth;
	int rule;

	if (!ha_match_excludes_below(match, path, is_dir, &rule, &depth))
		return 0;
	if (rule == 0)
		from = "built in";
	else if ((size_t)rule < own)
		from = "-x or -X";
	if (depth < strlen(path))
		*words = ha_xasprintf(
		    "its parent %.*s is excluded by '%s' (%s)", (int)depth,
		    path, ha_match_pattern(match, (size_t)rule), from);
	else
		*words = ha_xasprintf("is excluded by '%s' (%s)",
		    ha_match_pattern(match, (size_t)rule), from);
	return 1;
}

/* Since a fault of the peer holds up everything. */
static void
add_fault(const struct push *push, struct ha_buf *words)
{
	if (push->report.fault != NULL)
		ha_buf_addf(
		    words, "; everything waits: %s", push->report.fault);
}

static void
take_entry(const struct push *push, const struct dirty_entry *entry,
    struct answer *answer)
{
	struct ha_buf *words = &answer->words;

	answer->since_ms = ms_since(entry->first_ns);
	if (entry->due_ns != 0)
		answer->retry_ms =
		    (entry->due_ns - ha_clock_now_ns()) / HA_MS_NS;
	if (entry->due_ns != 0 && answer->retry_ms < 0)
		answer->retry_ms = 0;
	if (entry->failures > 0) {
		answer->state = "failing";
		answer->since_ms = ms_since(entry->failing_since_ns);
		answer->tries = entry->failures;
		ha_buf_addf(words, "can't be sent%s: %s; tried %u time%s",
		    entry->is_ours ? " from here" : "",
		    entry->why != NULL ? entry->why : "not known why",
		    entry->failures, entry->failures == 1 ? "" : "s");
		add_duration(words, " in ", answer->since_ms);
	} else if (entry->in_flight) {
		answer->state = "sending";
		ha_buf_add_str(words, "is being sent");
		add_duration(words, ", changed ", answer->since_ms);
		ha_buf_add_str(words, " ago");
	} else {
		answer->state = "waiting";
		add_duration(words, "waits for ", answer->since_ms);
		ha_buf_add_str(words, ": ");
		add_flags(words, entry->flags | entry->again_flags);
	}
	if (answer->retry_ms >= 0)
		add_duration(words, "; tried again in ", answer->retry_ms);
	add_fault(push, words);
}

static void
take_held(const struct push *push, const struct dirty_hold *hold,
    struct answer *answer)
{
	answer->state = "held";
	answer->since_ms = ms_since(hold->since_ns);
	ha_buf_addf(&answer->words,
	    "is gone here, and its deletion on the peer is held, one of %llu",
	    (unsigned long long)dirty_held_names(&push->dirty));
	add_duration(&answer->words, ", for ", answer->since_ms);
	ha_buf_add_str(&answer->words, "; ha-push --release lets them go");
}

static int
is_at_or_below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strcmp(dir, HA_CHANGE_ROOT) == 0 ||
	       (strncmp(path, dir, len) == 0 &&
		   (path[len] == '\0' || path[len] == '/'));
}

/* Is path one of the names, or below one?  Not all of very many are listed. */
static int
holds(const struct dirty_hold *hold, const char *path)
{
	const char *end = hold->names.data + hold->names.len;
	uint64_t listed = 0;

	for (const char *name = hold->names.data; name < end;
	     name += strlen(name) + 1, listed++)
		if (is_at_or_below(path, name))
			return 1;
	return listed < hold->count;
}

static const struct dirty_hold *
hold_of(const struct push *push, const char *path, int is_there)
{
	const struct dirty_entry *e = push->dirty.held.head;

	while (e != NULL &&
	       (!is_at_or_below(path, e->path) || !holds(e->hold, path)))
		e = e->next;
	return e != NULL && !is_there ? e->hold : NULL;
}

/* A parent that is to be compared, or was replaced; the topmost one. */
static const struct dirty_entry *
compared_parent(const struct push *push, const char *path)
{
	const struct dirty_entry *entry =
	    dirty_find(&push->dirty, HA_CHANGE_ROOT);
	char *part = ha_xstrdup(path);

	for (char *slash = part;;) {
		if (entry != NULL && !entry->is_held &&
		    (entry->flags | entry->again_flags) &
			(DIRTY_TREE | DIRTY_REPLACED))
			break;
		entry = NULL;
		slash = strchr(slash, '/');
		if (slash == NULL)
			break;
		*slash = '\0';
		entry = dirty_find(&push->dirty, part);
		*slash++ = '/';
	}
	free(part);
	return entry;
}

static const struct dirty_rename *
rename_of(const struct push *push, const char *path)
{
	const struct dirty_rename *rename = push->dirty.renames;

	while (rename != NULL && !is_at_or_below(path, rename->from) &&
	       !is_at_or_below(path, rename->to))
		rename = rename->next;
	return rename;
}

static const char *
unwatched_parent(const struct push *push, const char *path)
{
	for (unsigned i = 0; i < push->report.unwatched_count; i++)
		if (is_at_or_below(path, push->report.unwatched[i]))
			return push->report.unwatched[i];
	return NULL;
}

static void
take_parent(const struct push *push, const struct dirty_entry *parent,
    struct answer *answer)
{
	answer->state = "comparing";
	answer->since_ms = ms_since(parent->first_ns);
	ha_buf_addf(&answer->words, "%s, above it, %s with all below it",
	    parent->path,
	    parent->in_flight ? "is being compared" : "is to be compared");
	add_duration(&answer->words, ", for ", answer->since_ms);
	if (parent->failures > 0)
		ha_buf_addf(&answer->words, "; it fails: %s", parent->why);
	add_fault(push, &answer->words);
}

static void
take_rename(const struct push *push, const struct dirty_rename *rename,
    struct answer *answer)
{
	answer->state = "waiting";
	answer->since_ms = ms_since(rename->first_ns);
	ha_buf_addf(&answer->words, "the rename of %s to %s waits",
	    rename->from, rename->to);
	add_duration(&answer->words, " for ", answer->since_ms);
	add_fault(push, &answer->words);
}

static void
look(struct push *push, const char *path, struct answer *answer)
{
	const struct dirty_entry *entry = dirty_find(&push->dirty, path);
	const struct dirty_entry *parent = compared_parent(push, path);
	const struct dirty_rename *rename = rename_of(push, path);
	const char *unwatched = unwatched_parent(push, path);
	struct stat st;
	int is_there = ha_fs_lstat_beneath(push->source.fd, path, &st) == 0;
	const struct dirty_hold *hold = hold_of(push, path, is_there);
	char *rule = NULL;

	if (explain_excluded(push->match, push->own_rules, path,
		is_there && S_ISDIR(st.st_mode), &rule)) {
		answer->state = "excluded";
		ha_buf_add_str(&answer->words, rule);
	} else if (hold != NULL) {
		take_held(push, hold, answer);
	} else if (entry != NULL && !entry->is_held) {
		take_entry(push, entry, answer);
	} else if (parent != NULL) {
		take_parent(push, parent, answer);
	} else if (rename != NULL) {
		take_rename(push, rename, answer);
	} else if (!is_there) {
		answer->state = "missing";
		ha_buf_add_str(&answer->words,
		    "does not exist here, and nothing told of it waits");
	} else if (unwatched != NULL) {
		answer->state = "unwatched";
		ha_buf_addf(&answer->words,
		    "was sent, but %s can't be watched: changes since then "
		    "are seen by rescans only",
		    unwatched);
	} else {
		answer->state = "mirrored";
		ha_buf_add_str(
		    &answer->words, "is on the peer: nothing told of it waits");
	}
	free(rule);
}

static void
add_number(struct ha_buf *line, int64_t number)
{
	if (number < 0)
		ha_buf_add_str(line, "\t-");
	else
		ha_buf_addf(line, "\t%lld", (long long)number);
}

void
explain_path(struct push *push, const char *path, struct ha_buf *line)
{
	struct answer answer = { "outside", -1, -1, -1, HA_BUF_INIT };

	if (ha_fs_path_is_inside(path))
		look(push, path, &answer);
	else
		ha_buf_addf(
		    &answer.words, "is not below %s", push->source.path);
	ha_buf_add_str(line, answer.state);
	add_number(line, answer.since_ms);
	add_number(line, answer.tries);
	add_number(line, answer.retry_ms);
	ha_buf_add_char(line, '\t');
	ha_rec_add_field(line, answer.words.data, answer.words.len);
	ha_buf_release(&answer.words);
}
