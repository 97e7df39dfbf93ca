/* SPDX-License-Identifier: ISC */
/* list - walks through the spool and prints it. */
#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "entry.h"
#include "msg.h"
#include "out.h"
#include "rec.h"
#include "state.h"

#define WHY ".why"
#define WHY_MAX 65536

static const char *const places[] = { "new", "queue", "failed" };

struct walk {
	struct spool *spool;
	void (*each)(void *context, const struct list_row *row);
	void *context;
	struct entry_reader reader;
};

static char *
describe(const struct entry *entry)
{
	const struct ha_transition *first = &entry->alerts->transition;
	struct ha_buf text = HA_BUF_INIT;
	size_t more = 0;

	if (!entry->alerts->is_message)
		ha_buf_addf(&text,
		    "%s %s%s%s %s: ", ha_transition_name(first->event),
		    first->status.check, *first->status.host ? " on " : "",
		    first->status.host, ha_status_name(first->status.state));
	ha_buf_add_str(&text, first->status.msg);
	for (size_t i = 0; i < entry->item_count; i++)
		more += entry->items[i].count;
	more += entry->left_out;
	if (more > 1)
		ha_buf_addf(&text, " (and %zu more)", more - 1);
	return ha_buf_detach(&text);
}

/* NAME.why of failed/; the caller frees it. */
static char *
read_why(int dir_fd, const char *name)
{
	char *why = ha_xasprintf("%s" WHY, name);
	int fd = openat(dir_fd, why, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct ha_buf text = HA_BUF_INIT;
	ssize_t n = 0;

	free(why);
	if (fd >= 0) {
		ha_buf_reserve(&text, WHY_MAX);
		n = read(fd, text.data, WHY_MAX);
		close(fd);
	}
	ha_buf_truncate(&text, n > 0 ? (size_t)n : 0);
	if (text.len)
		text.data[text.len] = '\0';
	if (text.len && text.data[text.len - 1] == '\n')
		ha_buf_truncate(&text, text.len - 1);
	return ha_buf_detach(&text);
}

static void
show_entry(struct walk *walk, enum list_place place, const char *channel,
    int dir_fd, const char *name, const struct state *state)
{
	const struct state_entry *tried = state_find(state, name);
	struct list_row row = { .place = place,
		.channel = channel,
		.name = name,
		.taken_ms = spool_id_ms(name),
		.words = "" };
	char *why = NULL;
	struct entry entry;
	struct ha_err err;

	if (entry_read(&walk->reader, dir_fd, name, place == LIST_NEW, &entry,
		&err) == 0) {
		row.subject = describe(&entry);
		if (place == LIST_NEW)
			row.channel = entry.channels;
	} else if (err.status == EX_NOINPUT) {
		return;
	} else {
		row.subject = ha_xasprintf("(unreadable: %s)", err.msg);
		memset(&entry, 0, sizeof(entry));
	}
	if (tried != NULL) {
		row.attempts = tried->attempts;
		row.next_ms = tried->next_ms;
		row.words = tried->words != NULL ? tried->words : "";
	}
	if (state->words != NULL && row.next_ms < state->next_ms) {
		row.next_ms = state->next_ms;
		row.words = state->words;
	}
	if (place == LIST_FAILED)
		row.words = why = read_why(dir_fd, name);
	walk->each(walk->context, &row);
	free(why);
	free(row.subject);
	entry_release(&entry);
}

static int
is_why(const char *name)
{
	size_t len = strlen(name);

	return len > sizeof(WHY) - 1 &&
	       strcmp(name + len - (sizeof(WHY) - 1), WHY) == 0;
}

static int
walk_dir(struct walk *walk, enum list_place place, const char *channel,
    struct ha_err *err)
{
	int fd = spool_open_dir(walk->spool, places[place], channel);
	struct state state;
	char **names;
	size_t count;

	/* Gone meanwhile, or no directory: nothing is in it. */
	if (fd < 0)
		return 0;
	if (spool_names(fd, &names, &count, err) != 0) {
		close(fd);
		return -1;
	}
	state_init(&state);
	if (place == LIST_QUEUE)
		state_read(&state, fd);
	for (size_t i = 0; i < count; i++)
		if (place != LIST_FAILED || !is_why(names[i]))
			show_entry(walk, place, channel, fd, names[i], &state);
	state_release(&state);
	spool_free_names(names, count);
	close(fd);
	return 0;
}

static int
walk_channels(struct walk *walk, enum list_place place, struct ha_err *err)
{
	int fd = spool_open_dir(walk->spool, places[place], NULL), failed = 0;
	char **names;
	size_t count;

	if (fd < 0)
		return ha_err_set(err, EX_IOERR, errno, "can't read '%s/%s'",
		    walk->spool->path, places[place]);
	if (spool_names(fd, &names, &count, err) != 0) {
		close(fd);
		return -1;
	}
	for (size_t i = 0; i < count && !failed; i++)
		failed = walk_dir(walk, place, names[i], err);
	spool_free_names(names, count);
	close(fd);
	return failed;
}

int
list_walk(struct spool *spool,
    void (*each)(void *context, const struct list_row *row), void *context,
    struct ha_err *err)
{
	struct walk walk = { .spool = spool, .each = each, .context = context };
	int failed;

	entry_reader_init(&walk.reader);
	failed = walk_dir(&walk, LIST_NEW, NULL, err);
	if (!failed)
		failed = walk_channels(&walk, LIST_QUEUE, err);
	if (!failed)
		failed = walk_channels(&walk, LIST_FAILED, err);
	entry_reader_release(&walk.reader);
	return failed;
}

static void
add_time(int64_t wall_ms, char out[HA_CLOCK_RFC3339_SIZE])
{
	if (wall_ms > 0)
		ha_clock_format_ms(wall_ms, out);
	else
		*out = '\0';
}

static void
print_tsv(void *context, const struct list_row *row)
{
	char taken[HA_CLOCK_RFC3339_SIZE], next[HA_CLOCK_RFC3339_SIZE];
	struct ha_buf line = HA_BUF_INIT;
	char attempts[16];
	const char *fields[] = { row->name, row->channel, places[row->place],
		taken, attempts, next, row->words, row->subject };

	(void)context;
	add_time(row->taken_ms, taken);
	add_time(row->next_ms, next);
	snprintf(attempts, sizeof(attempts), "%u", row->attempts);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		if (i)
			ha_buf_add_char(&line, '\t');
		ha_rec_add_field(&line, fields[i], strlen(fields[i]));
	}
	ha_buf_add_char(&line, '\n');
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

static void
add_member(struct ha_buf *line, const char *name, const char *value)
{
	ha_buf_addf(line, "%s\"%s\":", line->len > 1 ? "," : "", name);
	ha_rec_add_json(line, value, strlen(value));
}

static void
print_json(void *context, const struct list_row *row)
{
	char time[HA_CLOCK_RFC3339_SIZE];
	struct ha_buf line = HA_BUF_INIT;

	(void)context;
	ha_buf_add_char(&line, '{');
	add_member(&line, "id", row->name);
	add_member(&line, "channel", row->channel);
	add_member(&line, "place", places[row->place]);
	add_time(row->taken_ms, time);
	add_member(&line, "taken", time);
	ha_buf_addf(&line, ",\"attempts\":%u", row->attempts);
	add_time(row->next_ms, time);
	add_member(&line, "next", time);
	add_member(&line, "words", row->words);
	add_member(&line, "subject", row->subject);
	ha_buf_add_str(&line, "}\n");
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

/* Two lines for a person: the numbers, and what it is about. */
static void
print_table(void *context, const struct list_row *row)
{
	int64_t now_ms = ha_clock_wall_ms();
	struct ha_buf line = HA_BUF_INIT;
	char words[64] = "-";

	(void)context;
	if (row->taken_ms >= 0)
		ha_clock_words(
		    now_ms > row->taken_ms ? now_ms - row->taken_ms : 0, words,
		    sizeof(words));
	ha_rec_add_printable(&line, row->name, strlen(row->name));
	ha_buf_add_str(&line, "  ");
	ha_rec_add_printable(&line, row->channel, strlen(row->channel));
	ha_buf_addf(&line, "  %s, %s old", places[row->place], words);
	if (row->attempts)
		ha_buf_addf(&line, ", %u attempt%s", row->attempts,
		    row->attempts == 1 ? "" : "s");
	if (row->next_ms > now_ms) {
		ha_clock_words(row->next_ms - now_ms, words, sizeof(words));
		ha_buf_addf(&line, ", next in %s", words);
	}
	ha_buf_add_str(&line, "\n    ");
	ha_rec_add_printable(&line, row->subject, strlen(row->subject));
	if (*row->words) {
		ha_buf_add_str(&line, "\n    ");
		ha_rec_add_printable(&line, row->words, strlen(row->words));
	}
	ha_buf_add_char(&line, '\n');
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

int
list_show(struct spool *spool, const char *format, struct ha_err *err)
{
	if (format == NULL)
		format = isatty(STDOUT_FILENO) ? "table" : "tsv";
	return list_walk(spool,
	    strcmp(format, "json") == 0    ? print_json
	    : strcmp(format, "table") == 0 ? print_table
					   : print_tsv,
	    NULL, err);
}
