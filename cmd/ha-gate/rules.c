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

struct line {
	char *pattern;
	char **keys, **values;
	size_t count;
};

struct rules {
	struct rules_of options;
	struct line *lines;
	size_t count;
	struct rules_of **made; /* for checks that a line names */
	const char ***deps; /* of each of them */
	size_t made_count, made_cap;
};

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
		free(rules->made[i]);
		free(rules->deps[i]);
	}
	rules->made_count = 0;
}

void
rules_free(struct rules *rules)
{
	if (rules == NULL)
		return;
	rules_forget(rules);
	for (size_t i = 0; i < rules->count; i++) {
		for (size_t j = 0; j < rules->lines[i].count; j++) {
			free(rules->lines[i].keys[j]);
			free(rules->lines[i].values[j]);
		}
		free(rules->lines[i].pattern);
		free(rules->lines[i].keys);
		free(rules->lines[i].values);
	}
	free(rules->lines);
	free(rules->made);
	free(rules->deps);
	free(rules);
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

static int
take_word(struct line *line, const struct ha_conf_line *from, size_t word,
    struct ha_err *err)
{
	const char *text = from->words[word].text;
	const char *equals = strchr(text, '=');
	struct rules_of scratch = { .deps = NULL };
	char *key, *value;
	int rc;

	if (equals == NULL)
		return ha_conf_err(
		    from, word, 0, err, "'%s' is no KEY=VALUE", text);
	key = ha_xmemdup(text, (size_t)(equals - text));
	value = ha_xstrdup(equals + 1);
	line->keys[line->count] = key;
	line->values[line->count++] = value;
	if (strcmp(key, "dep") == 0)
		return *value != '\0' ? 0
				      : ha_conf_err(from, word, 4, err,
					    "dep= names no check");
	rc = rules_set(&scratch, key, value, err);
	if (rc < 0)
		return ha_conf_err(from, word, (size_t)(equals + 1 - text), err,
		    "%s", err->msg);
	return rc > 0 ? 0
		      : ha_conf_err(from, word, 0, err,
			    "'%s' is none of dep, down, down-warn, down-crit, "
			    "up, remind, flap, stale",
			    key);
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
	if (from->count == 1)
		return ha_conf_err(from, 0, 0, err,
		    "nothing is said of '%s': KEY=VALUE follows the pattern",
		    line->pattern);
	for (size_t i = 1; i < from->count; i++)
		if (take_word(line, from, i, err) != 0)
			return -1;
	return 0;
}

int
rules_read(struct rules *rules, const char *path, struct ha_err *err)
{
	return ha_conf_read(path, take_line, rules, err);
}

static struct rules_of *
make(struct rules *rules)
{
	struct rules_of *of = ha_xmalloc(sizeof(*of));

	*of = rules->options;
	if (rules->made_count == rules->made_cap) {
		rules->made_cap = rules->made_cap * 2 + 16;
		rules->made = ha_xrealloc(
		    rules->made, rules->made_cap * sizeof(struct rules_of *));
		rules->deps = ha_xrealloc(
		    rules->deps, rules->made_cap * sizeof(const char **));
	}
	rules->deps[rules->made_count] = NULL;
	rules->made[rules->made_count++] = of;
	return of;
}

/* What was read was tried then: nothing can be wrong with it now. */
static void
apply(struct rules *rules, struct rules_of *of, const struct line *line)
{
	const char ***deps = &rules->deps[rules->made_count - 1];
	struct ha_err err;

	for (size_t i = 0; i < line->count; i++) {
		if (strcmp(line->keys[i], "dep") != 0) {
			rules_set(of, line->keys[i], line->values[i], &err);
			continue;
		}
		*deps = ha_xrealloc(
		    *deps, (of->dep_count + 1) * sizeof(const char *));
		(*deps)[of->dep_count++] = line->values[i];
		of->deps = *deps;
	}
}

const struct rules_of *
rules_for(struct rules *rules, const char *host, const char *check)
{
	struct rules_of *of = NULL;

	for (size_t i = 0; i < rules->count; i++) {
		if (!ha_status_matches(rules->lines[i].pattern, host, check))
			continue;
		if (of == NULL)
			of = make(rules);
		apply(rules, of, &rules->lines[i]);
	}
	return of != NULL ? of : &rules->options;
}
