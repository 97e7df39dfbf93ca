/* SPDX-License-Identifier: ISC */
/* show - the state of gates, for a person or another program. */
#include "show.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "msg.h"
#include "ops.h"
#include "out.h"
#include "rec.h"
#include "state.h"
#include "text.h"

#define COLUMNS 80

struct show {
	const char *gate; /* whose checks these are */
	const char *history;
	struct rules *rules;
	int is_table;
	int64_t now_ms;
	size_t shown;
	struct ha_buf out;
};

static void
add_padded(struct ha_buf *out, const char *text, size_t width)
{
	size_t used;

	ha_buf_add_str(out, text);
	for (used = ha_text_width(text); used < width; used++)
		ha_buf_add_char(out, ' ');
}

static char *
printable(const char *text)
{
	struct ha_buf out = HA_BUF_INIT;

	ha_rec_add_printable(&out, text, strlen(text));
	return out.len > 0 ? ha_buf_detach(&out) : ha_xstrdup("");
}

static void
add_note(struct ha_buf *notes, const char *note)
{
	ha_buf_addf(notes, "%s%s", notes->len > 0 ? ", " : "", note);
}

static void
add_since(struct ha_buf *notes, const char *word, const struct show *show,
    int64_t since_ms)
{
	char words[32];

	ha_clock_words(show->now_ms > since_ms ? show->now_ms - since_ms : 0,
	    words, sizeof(words));
	ha_buf_addf(notes, "%s%s %s", notes->len > 0 ? ", " : "", word, words);
}

static void
add_maint(
    struct ha_buf *notes, const struct show *show, const struct maint *maint)
{
	char words[32];

	ha_clock_words(maint->until_ms - show->now_ms, words, sizeof(words));
	ha_buf_addf(notes, "%smaintenance for %s more (%s: %s)",
	    notes->len > 0 ? ", " : "", words, maint->who, maint->reason);
}

/* A dep= that names nothing silences nothing: a slip of the pen. */
static void
add_deps(struct ha_buf *notes, const struct show *show,
    const struct state *state, const struct check *check)
{
	const struct rules_of *rules =
	    rules_for(show->rules, check->host, check->check);

	for (size_t i = 0; i < rules->dep_count; i++) {
		size_t j = 0;

		while (
		    j < state->count &&
		    (state->checks[j] == check ||
			!ha_status_matches(
			    rules_dep(show->rules, rules->deps[i]),
			    state->checks[j]->host, state->checks[j]->check)))
			j++;
		if (j == state->count)
			ha_buf_addf(notes, "%sdep=%s names no check",
			    notes->len > 0 ? ", " : "",
			    rules_dep(show->rules, rules->deps[i]));
	}
}

/* What holds, and why somebody hears nothing. */
static char *
make_notes(const struct show *show, const struct state *state,
    const struct check *check)
{
	const struct maint *maint = state_maint(state, check, show->now_ms);
	struct ha_buf notes = HA_BUF_INIT;

	if (*check->incident != '\0' &&
	    strstr(state->owed.data, check->incident) != NULL)
		add_note(&notes, "still to be told, as COMMAND failed");
	else if (check->is_told)
		add_since(&notes, "told, for", show, check->since_ms);
	else if (check->level != HA_STATUS_OK)
		add_note(&notes, "not told");
	if (check->level != check->last.state)
		ha_buf_addf(&notes, "%slast result %s",
		    notes.len > 0 ? ", " : "",
		    ha_status_name(check->last.state));
	if (check->is_stale)
		add_since(&notes, "no result for", show, check->seen_ms);
	if (check->flapping_ms != 0)
		add_since(&notes, "flapping for", show, check->flapping_ms);
	if (check->was_silenced)
		add_note(&notes, "behind another that is not OK");
	if (check->ack != NULL)
		ha_buf_addf(&notes, "%sacknowledged (%s)",
		    notes.len > 0 ? ", " : "", check->ack);
	if (maint != NULL)
		add_maint(&notes, show, maint);
	add_deps(&notes, show, state, check);
	return notes.len > 0 ? ha_buf_detach(&notes) : ha_xstrdup("");
}

static void
add_field(struct ha_buf *out, const char *text)
{
	ha_buf_add_char(out, '\t');
	ha_rec_add_field(out, text, strlen(text));
}

static void
add_row(struct show *show, const struct check *check, const char *notes)
{
	char since[HA_CLOCK_RFC3339_SIZE] = "";

	if (check->is_told)
		ha_clock_format_ms(check->since_ms, since);
	ha_rec_add_field(&show->out, show->gate, strlen(show->gate));
	add_field(&show->out, check->host);
	add_field(&show->out, check->check);
	add_field(&show->out,
	    ha_status_name(check->is_stale ? HA_STATUS_UNKNOWN : check->level));
	add_field(&show->out, ha_status_name(check->last.state));
	add_field(&show->out, check->last.time);
	add_field(&show->out, check->is_told ? check->incident : "");
	add_field(&show->out, since);
	add_field(&show->out, notes);
	add_field(&show->out, check->last.msg);
	ha_buf_add_char(&show->out, '\n');
}

static void
add_wrapped(struct show *show, const char *text)
{
	char *clean = printable(text);
	size_t width = ha_text_terminal_width();

	if (*clean != '\0') {
		ha_buf_add_str(&show->out, "         ");
		ha_text_add_wrapped(
		    &show->out, clean, width > 20 ? width : COLUMNS, 9);
		ha_buf_add_char(&show->out, '\n');
	}
	free(clean);
}

static void
add_entry(struct show *show, const struct check *check, const char *notes)
{
	enum ha_status_state state =
	    check->is_stale ? HA_STATUS_UNKNOWN : check->level;
	char *name = *check->host != '\0'
			 ? ha_xasprintf("%s@%s", check->check, check->host)
			 : ha_xstrdup(check->check);
	char *clean = printable(name);
	int is_coloured = ha_text_is_coloured();

	if (is_coloured)
		ha_buf_add_str(&show->out, ha_text_colour(state));
	add_padded(&show->out, ha_status_name(state), 9);
	if (is_coloured)
		ha_buf_add_str(&show->out, HA_TEXT_PLAIN);
	ha_buf_addf(&show->out, "%s\n", clean);
	add_wrapped(show, check->last.msg);
	add_wrapped(show, notes);
	free(clean);
	free(name);
}

static void
show_check(
    struct show *show, const struct state *state, const struct check *check)
{
	char *notes = make_notes(show, state, check);

	if (show->is_table)
		add_entry(show, check, notes);
	else
		add_row(show, check, notes);
	free(notes);
	show->shown++;
}

static void
show_change(
    struct show *show, const struct check *check, const struct change *change)
{
	char *msg = printable(change->msg);
	char *name = printable(check->check);

	if (show->is_table) {
		ha_buf_addf(&show->out, "%s  ", change->time);
		add_padded(&show->out, ha_transition_name(change->event), 10);
		ha_buf_addf(&show->out, "%s -> %s  %s  %s\n",
		    ha_status_name(change->old_state),
		    ha_status_name(change->state), name, msg);
	} else {
		ha_buf_add_str(&show->out, change->time);
		add_field(&show->out, ha_transition_name(change->event));
		add_field(&show->out, ha_status_name(change->old_state));
		add_field(&show->out, ha_status_name(change->state));
		add_field(&show->out, check->host);
		add_field(&show->out, check->check);
		add_field(&show->out, change->msg);
		ha_buf_add_char(&show->out, '\n');
	}
	free(msg);
	free(name);
}

static void
show_history(struct show *show, const struct check *check)
{
	if (!ha_status_matches(show->history, check->host, check->check))
		return;
	show->shown++;
	for (size_t i = 0; i < check->change_count; i++)
		show_change(show, check, &check->changes[i]);
	if (check->change_count == 0 && show->is_table) {
		char *name = printable(check->check);

		ha_buf_addf(&show->out, "%s: nothing was told yet; it is %s\n",
		    name, ha_status_name(check->level));
		free(name);
	}
}

static int
worst_first(const void *a, const void *b)
{
	const struct check *x = *(struct check *const *)a;
	const struct check *y = *(struct check *const *)b;
	unsigned rx = judge_rank(x->is_stale ? HA_STATUS_UNKNOWN : x->level);
	unsigned ry = judge_rank(y->is_stale ? HA_STATUS_UNKNOWN : y->level);
	int order = strcmp(x->check, y->check);

	if (rx != ry)
		return rx > ry ? -1 : 1;
	return order != 0 ? order : strcmp(x->host, y->host);
}

static int
show_gate(struct show *show, const char *name, struct ha_err *err)
{
	char *path = state_path(name);
	struct state state;
	int rc;

	state_init(&state);
	rc = state_read(&state, path, err);
	show->gate = name;
	if (show->is_table && state.count > 0)
		qsort(state.checks, state.count, sizeof(struct check *),
		    worst_first);
	if (show->is_table && show->history == NULL && rc == 0)
		ha_buf_addf(&show->out, "%s (%s): %zu check%s\n", name, path,
		    state.count, state.count == 1 ? "" : "s");
	for (size_t i = 0; i < state.count; i++) {
		if (show->history != NULL)
			show_history(show, state.checks[i]);
		else
			show_check(show, &state, state.checks[i]);
	}
	state_release(&state);
	free(path);
	return rc;
}

static void
say_nothing(const struct show *show, const char *name)
{
	char *path = state_path(name != NULL ? name : "");

	if (show->history != NULL)
		ha_say("'%s': no such check in '%s'", show->history, path);
	else
		ha_say("no check is known in '%s'", path);
	free(path);
}

int
show_run(const char *name, const char *history, const char *format,
    struct rules *rules)
{
	struct show show = { .history = history,
		.rules = rules,
		.now_ms = ha_clock_wall_ms(),
		.out = HA_BUF_INIT };
	char **names = NULL;
	size_t count = 0;
	struct ha_err err;
	int status = EX_OK;

	if (format != NULL && strcmp(format, "json") == 0)
		ha_die(EX_USAGE, "--show and --history are tsv or table");
	show.is_table = format != NULL ? strcmp(format, "table") == 0
				       : ha_text_terminal_width() > 0;
	if (name == NULL && ops_list_gates(&names, &count, &err) != 0)
		ha_die_err(&err);
	for (size_t i = 0; i < (name != NULL ? 1 : count); i++) {
		if (show_gate(&show, name != NULL ? name : names[i], &err) == 0)
			continue;
		ha_say("%s", err.msg);
		status = err.status;
	}
	ha_out_write(show.out.data, show.out.len);
	if (show.shown == 0 && status == EX_OK) {
		say_nothing(&show, name);
		status = 1;
	}
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
	ha_buf_release(&show.out);
	rules_free(rules);
	return status;
}
