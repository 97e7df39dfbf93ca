/* SPDX-License-Identifier: ISC */
/* state - reads and writes queue/CHANNEL/.state. */
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "fs.h"
#include "rec.h"

#define NAME ".state"
#define TEMPORARY ".state.tmp"
#define HEADER "#ha-alert-state"
#define FIELDS 7
#define READ_SIZE 65536

void
state_init(struct state *state)
{
	memset(state, 0, sizeof(*state));
}

static void
release_entry(struct state_entry *entry)
{
	free(entry->name);
	free(entry->words);
}

void
state_release(struct state *state)
{
	for (size_t i = 0; i < state->count; i++)
		release_entry(&state->entries[i]);
	free(state->entries);
	free(state->sent);
	free(state->words);
	state_init(state);
}

void
state_set_words(char **words, const char *text)
{
	char *copy = text != NULL ? ha_xstrdup(text) : NULL;

	free(*words);
	*words = copy;
}

/* Where it is, or where it would be put. */
static size_t
place(const struct state *state, const char *name)
{
	size_t low = 0, high = state->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(state->entries[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int
is_at(const struct state *state, size_t at, const char *name)
{
	return at < state->count && strcmp(state->entries[at].name, name) == 0;
}

struct state_entry *
state_find(const struct state *state, const char *name)
{
	size_t at = place(state, name);

	return is_at(state, at, name) ? &state->entries[at] : NULL;
}

struct state_entry *
state_entry(struct state *state, const char *name)
{
	size_t at = place(state, name);

	if (is_at(state, at, name))
		return &state->entries[at];
	if (state->count % 64 == 0)
		state->entries = ha_xrealloc(state->entries,
		    (state->count + 64) * sizeof(*state->entries));
	memmove(state->entries + at + 1, state->entries + at,
	    (state->count - at) * sizeof(*state->entries));
	state->count++;
	state->entries[at] = (struct state_entry){ .name = ha_xstrdup(name) };
	return &state->entries[at];
}

void
state_remove(struct state *state, const char *name)
{
	size_t at = place(state, name);

	if (!is_at(state, at, name))
		return;
	release_entry(&state->entries[at]);
	state->count--;
	memmove(state->entries + at, state->entries + at + 1,
	    (state->count - at) * sizeof(*state->entries));
}

static void
add_sent(struct state *state, int64_t at_ms)
{
	state->sent = ha_xrealloc(
	    state->sent, (state->sent_count + 1) * sizeof(*state->sent));
	state->sent[state->sent_count++] = at_ms;
}

static int64_t
number(const char *text)
{
	return strtoll(text, NULL, 10);
}

/* Words that can't be read are none. */
static void
take_words(char **words, char *field)
{
	struct ha_err unused;

	if (ha_rec_unescape_text(field, &unused) == 0 && *field)
		state_set_words(words, field);
}

static void
take_entry(struct state *state, char **fields)
{
	struct state_entry *entry = state_entry(state, fields[1]);

	entry->attempts = (unsigned)number(fields[2]);
	entry->next_ms = number(fields[3]);
	entry->born_ms = number(fields[4]);
	entry->may_have_it = number(fields[5]) != 0;
	take_words(&entry->words, fields[6]);
}

static void
take_line(struct state *state, char *line)
{
	char *fields[FIELDS];
	size_t n = ha_rec_split(line, fields, FIELDS);

	if (n == 2 && strcmp(fields[0], "seen") == 0)
		state->seen_ms = number(fields[1]);
	if (n == 2 && strcmp(fields[0], "sent") == 0)
		add_sent(state, number(fields[1]));
	if (n == 3 && strcmp(fields[0], "gap") == 0 &&
	    state->gap_count < STATE_GAPS)
		state->gaps[state->gap_count++] =
		    (struct state_gap){ number(fields[1]), number(fields[2]) };
	if (n == 4 && strcmp(fields[0], "channel") == 0) {
		state->attempts = (unsigned)number(fields[1]);
		state->next_ms = number(fields[2]);
		take_words(&state->words, fields[3]);
	}
	if (n == FIELDS && strcmp(fields[0], "entry") == 0)
		take_entry(state, fields);
}

static void
slurp(struct ha_buf *text, int dir_fd)
{
	int fd = openat(dir_fd, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return;
	do {
		ha_buf_reserve(text, READ_SIZE);
		n = read(fd, text->data + text->len, READ_SIZE);
		if (n > 0)
			text->len += (size_t)n;
		text->data[text->len] = '\0';
	} while (n > 0);
	close(fd);
}

void
state_read(struct state *state, int dir_fd)
{
	struct ha_buf text = HA_BUF_INIT;
	char *rest, *line;
	size_t len;

	slurp(&text, dir_fd);
	len = strlen(text.data);
	/* Whole: a crash of the machine may have left anything. */
	if (len == text.len && len > 5 &&
	    strcmp(text.data + len - 5, "#end\n") == 0 &&
	    strncmp(text.data, HEADER "\n", sizeof(HEADER)) == 0) {
		rest = text.data;
		while ((line = strsep(&rest, "\n")) != NULL)
			take_line(state, line);
	}
	ha_buf_release(&text);
}

static void
add_words(struct ha_buf *text, const char *words)
{
	ha_buf_add_char(text, '\t');
	ha_rec_add_field(text, words ? words : "", words ? strlen(words) : 0);
	ha_buf_add_char(text, '\n');
}

static void
encode(struct ha_buf *text, const struct state *state)
{
	ha_buf_addf(text, HEADER "\nseen\t%lld\n", (long long)state->seen_ms);
	ha_buf_addf(text, "channel\t%u\t%lld", state->attempts,
	    (long long)state->next_ms);
	add_words(text, state->words);
	for (size_t i = 0; i < state->sent_count; i++)
		ha_buf_addf(text, "sent\t%lld\n", (long long)state->sent[i]);
	for (size_t i = 0; i < state->gap_count; i++)
		ha_buf_addf(text, "gap\t%lld\t%lld\n",
		    (long long)state->gaps[i].at_ms,
		    (long long)state->gaps[i].length_ms);
	for (size_t i = 0; i < state->count; i++) {
		const struct state_entry *entry = &state->entries[i];

		ha_buf_addf(text, "entry\t%s\t%u\t%lld\t%lld\t%d", entry->name,
		    entry->attempts, (long long)entry->next_ms,
		    (long long)entry->born_ms, entry->may_have_it);
		add_words(text, entry->words);
	}
	ha_buf_add_str(text, "#end\n");
}

int
state_write(const struct state *state, int dir_fd, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int fd = openat(dir_fd, TEMPORARY,
	    O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int failed;

	if (fd < 0)
		return ha_err_set(err, EX_CANTCREAT, errno, "can't write");
	encode(&text, state);
	failed = ha_fs_write_all(fd, text.data, text.len, err);
	ha_buf_release(&text);
	if (close(fd) != 0 && !failed)
		failed = ha_err_set(err, EX_IOERR, errno, "can't write");
	if (!failed && renameat(dir_fd, TEMPORARY, dir_fd, NAME) != 0)
		failed = ha_err_set(err, EX_CANTCREAT, errno, "can't rename");
	if (failed)
		unlinkat(dir_fd, TEMPORARY, 0);
	return failed;
}
