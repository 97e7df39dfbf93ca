/* SPDX-License-Identifier: ISC */
/* tell - a table of sequences in, transitions out: tests/gate/sequences. */
#include "test.h"

#include <ctype.h>

#include "clock.h"
#include "fs.h"
#include "tell.h"

#define SEQUENCES "tests/gate/sequences"
/* 2026-11-23T00:00:00Z */
#define BASE_MS INT64_C(1795392000000)

struct play {
	struct rules_of options;
	struct rules *rules;
	struct ha_buf lines; /* of the rules' file */
	struct state state;
	struct tell tell;
	struct ha_buf told, words;
	const char *producer; /* inside of a sweep */
	uint64_t sweep;
	int is_whole;
};

static int64_t
parse_ms(const char *text)
{
	struct ha_err err;
	int64_t ms;

	if (ha_clock_parse_ms(text, &ms, &err) != 0)
		fail_msg("%s", err.msg);
	return ms;
}

static void
add_told(void *context, const struct ha_transition *told)
{
	struct play *play = context;

	ha_buf_addf(&play->told, "%s%s %s %s>%s",
	    play->told.len > 0 ? "; " : "", ha_transition_name(told->event),
	    told->status.check, ha_status_name(told->old_state),
	    ha_status_name(told->status.state));
	ha_buf_addf(&play->words, "%s\n", told->status.msg);
}

static void
begin(struct play *play)
{
	memset(play, 0, sizeof(*play));
	rules_set_defaults(&play->options);
	state_init(&play->state);
	ha_buf_init(&play->lines);
	ha_buf_init(&play->told);
	ha_buf_init(&play->words);
}

static void
end(struct play *play)
{
	rules_free(play->rules);
	state_release(&play->state);
	ha_buf_release(&play->lines);
	ha_buf_release(&play->told);
	ha_buf_release(&play->words);
}

static void
set_options(struct play *play, char *text)
{
	static const char *const order[] = { "down", "" };
	struct ha_err err;
	char *word, *equals;

	for (size_t i = 0; i < 2; i++) {
		char *copy = strdup(text), *rest = copy;

		while ((word = strsep(&rest, " ")) != NULL) {
			equals = strchr(word, '=');
			*equals = '\0';
			if ((strcmp(word, order[0]) == 0) == (i == 0))
				assert_int_equal(rules_set(&play->options, word,
						     equals + 1, &err),
				    1);
		}
		free(copy);
	}
}

static void
load_rules(struct play *play)
{
	struct ha_err err;

	if (play->rules != NULL)
		return;
	play->rules = rules_new(&play->options);
	assert_int_equal(ha_fs_replace("rules", play->lines.data,
			     play->lines.len, 0644, &err),
	    0);
	if (rules_read(play->rules, "rules", &err) != 0)
		fail_msg("%s", err.msg);
}

static void
take(struct play *play, const char *host, const char *check,
    const char *state_name, int64_t time_ms)
{
	struct ha_status status = { .by = ha_status_here(),
		.host = host,
		.check = check,
		.target = "",
		.msg = "words",
		.perf = "" };
	char time[HA_CLOCK_RFC3339_SIZE];

	ha_clock_format_ms(time_ms, time);
	status.time = time;
	assert_int_equal(ha_status_parse_state(state_name, &status.state), 0);
	if (tell_has_other(&play->tell, &status)) {
		tell_part(&play->tell);
		tell_begin(&play->tell);
	}
	tell_take(&play->tell, &status, time_ms,
	    play->is_whole ? play->producer : NULL,
	    play->is_whole ? play->sweep : 0);
}

static void
end_sweep(struct play *play, int is_empty)
{
	const char *state = !play->is_whole ? "CRIT"
			    : is_empty      ? "UNKNOWN"
					    : "OK";
	char check[64];

	snprintf(check, sizeof(check), "sweep:%s", play->producer);
	play->is_whole = 0;
	take(play, ha_status_here(), check, state, play->tell.now_ms);
}

static void
operate(struct play *play, char *word)
{
	char *verb = strsep(&word, ":"), *pattern = strsep(&word, ":");
	struct state *state = &play->state;

	if (strcmp(verb, "maint") == 0)
		state_add_maint(state, pattern, play->tell.now_ms,
		    play->tell.now_ms + parse_ms(word), "me", "why");
	for (size_t i = 0; strcmp(verb, "ack") == 0 && i < state->count; i++)
		if (state->checks[i]->is_told &&
		    ha_status_matches(pattern, state->checks[i]->host,
			state->checks[i]->check))
			state->checks[i]->ack = strdup("me: why");
}

/* A record; "CHECK@HOST=STATE@TIME". */
static void
take_word(struct play *play, char *word)
{
	char *check = strsep(&word, "="), *state = strsep(&word, "@");
	char *name = strsep(&check, "@");

	take(play, check != NULL ? check : "h1", name, state,
	    word != NULL ? BASE_MS + parse_ms(word) : play->tell.now_ms);
}

static void
step(struct play *play, char *line)
{
	char *expected = strchr(line, '|'), *word;
	int count = 0;

	assert_non_null(expected);
	*expected++ = '\0';
	load_rules(play);
	play->state.before_ms = play->tell.now_ms;
	play->tell = (struct tell){ .state = &play->state,
		.rules = play->rules,
		.now_ms = BASE_MS + parse_ms(strsep(&line, " ")),
		.each = add_told,
		.context = play };
	ha_buf_reset(&play->told);
	ha_buf_reset(&play->words);
	tell_begin(&play->tell);
	while ((word = strsep(&line, " ")) != NULL) {
		size_t len = strlen(word);

		if (strchr(word, ':') != NULL) {
			operate(play, word);
		} else if (len > 1 && strchr("{[", word[len - 1]) != NULL) {
			play->is_whole = word[len - 1] == '{';
			word[len - 1] = '\0';
			play->producer = state_producer(&play->state, word);
			if (play->is_whole)
				play->sweep = tell_sweep(&play->tell);
			count = 0;
		} else if (strcmp(word, "}") == 0 || strcmp(word, "]") == 0) {
			end_sweep(play, count == 0);
		} else if (len > 0) {
			take_word(play, word);
			count++;
		}
	}
	tell_all(&play->tell);
	rules_forget(play->rules);
	while (*expected == ' ')
		expected++;
	if (strcmp(play->told.data, expected) != 0)
		fail_msg(
		    "told: '%s', expected: '%s'", play->told.data, expected);
}

static void
take_line(struct play *play, char *line)
{
	char *copy = strdup(line), *value = copy + (copy[0] ? 3 : 0);

	printf("# %s\n", line);
	if (strncmp(copy, "== ", 3) == 0) {
		end(play);
		begin(play);
	} else if (strncmp(copy, "-- ", 3) == 0) {
		set_options(play, value);
	} else if (strncmp(copy, "!! ", 3) == 0) {
		ha_buf_addf(&play->lines, "%s\n", value);
	} else if (strncmp(copy, "~ ", 2) == 0) {
		if (strstr(play->words.data, copy + 2) == NULL)
			fail_msg(
			    "'%s' has no '%s'", play->words.data, copy + 2);
	} else if (isdigit((unsigned char)*copy)) {
		step(play, copy);
	}
	free(copy);
}

static char *sequences;

static void
all_sequences(void **state)
{
	char *rest = sequences, *line;
	struct play play;

	(void)state;
	begin(&play);
	while ((line = strsep(&rest, "\n")) != NULL)
		take_line(&play, line);
	end(&play);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		test_in_folder(all_sequences),
	};
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;
	int failed;

	if (ha_fs_read_file(SEQUENCES, 1 << 20, &text, &err) != 0) {
		fprintf(stderr, "%s\n", err.msg);
		return 1;
	}
	sequences = ha_buf_detach(&text);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	free(sequences);
	return failed;
}
