/* SPDX-License-Identifier: ISC */
/* rules - what is asked of each check before it is told. */
#include "rules.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "conf.h"
#include "state.h"
#include "status.h"

#define REMIND_MS (INT64_C(60) * 60 * 1000)
#define FLAP_MS (INT64_C(30) * 60 * 1000)

struct line {
	char *pattern;
	char **keys, **values;
	size_t count;
	size_t *deps;
	size_t dep_count;
};

/* For the checks that the same lines name. */
struct made {
	struct rules_of of;
	size_t *lines, *deps;
	size_t count;
	int is_sweep;
};

struct rules {
	struct rules_of options;
	struct line *lines;
	size_t count;
	char **deps;
	size_t dep_count;
	size_t *found; /* scratch: the lines of a check */
	struct made **made;
	size_t made_count, last;
};

static const struct judge_conf at_once = {
	.down = { { 1, 1 }, { 1, 1 }, { 1, 1 }, { 1, 1 } },
	.up = 1,
};

void
rules_set_defaults(struct rules_of *of)
{
	*of = (struct rules_of){ .judge = at_once,
		.remind_ms = REMIND_MS,
		.flap_n = 5,
		.flap_ms = FLAP_MS,
		.stale_ms = RULES_STALE_AUTO };
}

struct rules *
rules_new(const struct rules_of *options)
{
	struct rules *rules = ha_xcalloc(1, sizeof(*rules));

	rules->options = *options;
	return rules;
}

void
rules_forget(struct rules *rules)
{
	for (size_t i = 0; i < rules->made_count; i++) {
		free(rules->made[i]->deps);
		free(rules->made[i]->lines);
		free(rules->made[i]);
	}
	rules->made_count = 0;
}

static void
free_line(struct line *line)
{
	for (size_t i = 0; i < line->count; i++) {
		free(line->keys[i]);
		free(line->values[i]);
	}
	free(line->pattern);
	free(line->keys);
	free(line->values);
	free(line->deps);
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	rules_forget(rules);
	for (size_t i = 0; i < rules->count; i++)
		free_line(&rules->lines[i]);
	for (size_t i = 0; i < rules->dep_count; i++)
		free(rules->deps[i]);
	free(rules->lines);
	free(rules->deps);
	free(rules->found);
	free(rules->made);
	free(rules);
}

size_t
rules_dep_count(const struct rules *rules)
{
	return rules->dep_count;
}

const char *
rules_dep(const struct rules *rules, size_t number)
{
	return rules->deps[number];
}

static int
set_down(
    struct rules_of *of, const char *value, unsigned levels, struct ha_err *err)
{
	struct judge_rule rule;

	if (judge_parse_rule(value, &rule, err) != 0)
		return -1;
	for (unsigned i = 0; i < 4; i++)
		if (levels & 1U << i)
			of->judge.down[i] = rule;
	return 1;
}

static int
set_up(struct rules_of *of, const char *value, struct ha_err *err)
{
	struct judge_rule rule;

	if (judge_parse_rule(value, &rule, err) != 0)
		return -1;
	if (rule.n != rule.m)
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s': so many results in a row are one number", value);
	of->judge.up = rule.n;
	return 1;
}

/* "5/30m"; "0" is never. */
static int
set_flap(struct rules_of *of, const char *value, struct ha_err *err)
{
	char *end;
	unsigned long n = strtoul(value, &end, 10);

	if (strcmp(value, "0") == 0) {
		of->flap_n = 0;
		of->flap_ms = 0;
		return 1;
	}
	if (*value < '0' || *value > '9' || *end != '/' || n < 2 ||
	    n > STATE_FLIPS)
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' is not as in 5/30m: 2 to %d changes within a "
		    "duration, or 0",
		    value, STATE_FLIPS);
	if (ha_clock_parse_ms(end + 1, &of->flap_ms, err) != 0)
		return -1;
	if (of->flap_ms == 0)
		return ha_err_set(
		    err, EX_USAGE, 0, "'%s': no time for a change", value);
	of->flap_n = (unsigned)n;
	return 1;
}

static int
set_stale(struct rules_of *of, const char *value, struct ha_err *err)
{
	if (strcmp(value, "auto") == 0) {
		of->stale_ms = RULES_STALE_AUTO;
		return 1;
	}
	return ha_clock_parse_ms(value, &of->stale_ms, err) == 0 ? 1 : -1;
}

int
rules_set(
    struct rules_of *of, const char *key, const char *value, struct ha_err *err)
{
	static const unsigned warn = 1U << HA_STATUS_WARN,
			      crit = 1U << HA_STATUS_CRIT |
				     1U << HA_STATUS_UNKNOWN;

	if (strcmp(key, "down") == 0)
		return set_down(of, value, warn | crit, err);
	if (strcmp(key, "down-warn") == 0)
		return set_down(of, value, warn, err);
	if (strcmp(key, "down-crit") == 0)
		return set_down(of, value, crit, err);
	if (strcmp(key, "up") == 0)
		return set_up(of, value, err);
	if (strcmp(key, "remind") == 0)
		return ha_clock_parse_ms(value, &of->remind_ms, err) == 0 ? 1
									  : -1;
	if (strcmp(key, "flap") == 0)
		return set_flap(of, value, err);
	if (strcmp(key, "stale") == 0)
		return set_stale(of, value, err);
	return 0;
}

static size_t
number_of_dep(struct rules *rules, const char *pattern)
{
	for (size_t i = 0; i < rules->dep_count; i++)
		if (strcmp(rules->deps[i], pattern) == 0)
			return i;
	rules->deps = ha_xrealloc(
	    rules->deps, (rules->dep_count + 1) * sizeof(*rules->deps));
	rules->deps[rules->dep_count] = ha_xstrdup(pattern);
	return rules->dep_count++;
}

static int
take_dep(struct rules *rules, struct line *line,
    const struct ha_conf_line *from, size_t word, struct ha_err *err)
{
	const char *pattern = strchr(from->words[word].text, '=') + 1;

	if (*pattern == '\0')
		return ha_conf_err(from, word, 4, err, "dep= names no check");
	line->deps[line->dep_count++] = number_of_dep(rules, pattern);
	return 0;
}

/* Tried now: nothing is wrong with it later. */
static int
take_rule(struct line *line, const struct ha_conf_line *from, size_t word,
    size_t key_len, struct ha_err *err)
{
	const char *text = from->words[word].text;
	struct rules_of scratch = { .deps = NULL };
	size_t at = line->count++;
	int rc;

	line->keys[at] = ha_xmemdup(text, key_len);
	line->values[at] = ha_xstrdup(text + key_len + 1);
	rc = rules_set(&scratch, line->keys[at], line->values[at], err);
	if (rc > 0)
		return 0;
	if (rc < 0)
		return ha_conf_err(
		    from, word, key_len + 1, err, "%s", err->msg);
	return ha_conf_err(from, word, 0, err,
	    "'%s' is none of dep, down, down-warn, down-crit, up, remind, "
	    "flap, stale",
	    line->keys[at]);
}

static int
take_line(void *context, const struct ha_conf_line *from, struct ha_err *err)
{
	struct rules *rules = context;
	struct line *line;

	rules->lines = ha_xrealloc(
	    rules->lines, (rules->count + 1) * sizeof(*rules->lines));
	line = &rules->lines[rules->count++];
	memset(line, 0, sizeof(*line));
	line->pattern = ha_xstrdup(from->words[0].text);
	line->keys = ha_xcalloc(from->count, sizeof(*line->keys));
	line->values = ha_xcalloc(from->count, sizeof(*line->values));
	line->deps = ha_xcalloc(from->count, sizeof(*line->deps));
	if (from->count == 1)
		return ha_conf_err(from, 0, 0, err,
		    "nothing is said of '%s': KEY=VALUE follows the pattern",
		    line->pattern);
	for (size_t i = 1; i < from->count; i++) {
		const char *text = from->words[i].text;
		size_t key_len = strcspn(text, "=");

		if (text[key_len] == '\0')
			return ha_conf_err(
			    from, i, 0, err, "'%s' is no KEY=VALUE", text);
		if (strncmp(text, "dep=", 4) == 0
			? take_dep(rules, line, from, i, err) != 0
			: take_rule(line, from, i, key_len, err) != 0)
			return -1;
	}
	return 0;
}

int
rules_read(struct rules *rules, const char *path, struct ha_err *err)
{
	int rc = ha_conf_read(path, take_line, rules, err);

	rules->found = ha_xrealloc(
	    rules->found, (rules->count + 1) * sizeof(*rules->found));
	return rc;
}

static int
is_of_sweep(const char *name)
{
	return strncmp(name, RULES_SWEEP, strlen(RULES_SWEEP)) == 0;
}

/* What it says of a level counts, wherever in the line it stands. */
static void
set_all(struct rules_of *of, const struct line *line, int is_general)
{
	struct ha_err err;

	for (size_t i = 0; i < line->count; i++)
		if ((strcmp(line->keys[i], "down") == 0) == is_general)
			rules_set(of, line->keys[i], line->values[i], &err);
}

static void
add_deps(struct made *made, const struct line *line)
{
	made->deps = ha_xrealloc(made->deps,
	    (made->of.dep_count + line->dep_count + 1) * sizeof(*made->deps));
	for (size_t i = 0; i < line->dep_count; i++)
		made->deps[made->of.dep_count++] = line->deps[i];
	made->of.deps = made->deps;
}

static struct made *
make(struct rules *rules, size_t count, int is_sweep)
{
	struct made *made = ha_xcalloc(1, sizeof(*made));

	made->of = rules->options;
	made->is_sweep = is_sweep;
	made->lines = ha_xcalloc(count + 1, sizeof(*made->lines));
	made->count = count;
	if (is_sweep)
		made->of.judge = at_once;
	for (size_t i = 0; i < count; i++) {
		const struct line *line = &rules->lines[rules->found[i]];
		struct judge_conf before = made->of.judge;

		made->lines[i] = rules->found[i];
		set_all(&made->of, line, 1);
		set_all(&made->of, line, 0);
		if (is_sweep && !is_of_sweep(line->pattern))
			made->of.judge = before;
		add_deps(made, line);
	}
	rules->made = ha_xrealloc(
	    rules->made, (rules->made_count + 1) * sizeof(*rules->made));
	return rules->made[rules->made_count++] = made;
}

static int
is_made_of(const struct rules *rules, const struct made *made, size_t count,
    int is_sweep)
{
	return made->count == count && made->is_sweep == is_sweep &&
	       (count == 0 || memcmp(made->lines, rules->found,
				  count * sizeof(*made->lines)) == 0);
}

const struct rules_of *
rules_for(struct rules *rules, const char *host, const char *check)
{
	int is_sweep = is_of_sweep(check);
	size_t count = 0;

	for (size_t i = 0; i < rules->count; i++)
		if (ha_status_matches(rules->lines[i].pattern, host, check))
			rules->found[count++] = i;
	if (count == 0 && !is_sweep)
		return &rules->options;
	/* One after the other they are often named by the same lines. */
	if (rules->last < rules->made_count &&
	    is_made_of(rules, rules->made[rules->last], count, is_sweep))
		return &rules->made[rules->last]->of;
	for (size_t i = 0; i < rules->made_count; i++)
		if (is_made_of(rules, rules->made[i], count, is_sweep))
			return &rules->made[rules->last = i]->of;
	rules->last = rules->made_count;
	return &make(rules, count, is_sweep)->of;
}
