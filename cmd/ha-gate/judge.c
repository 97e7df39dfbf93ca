/* SPDX-License-Identifier: ISC */
/* judge - from the last results of a check to the level that is told. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

unsigned
judge_rank(enum ha_status_state state)
{
	static const unsigned ranks[] = {
		[HA_STATUS_OK] = 0,
		[HA_STATUS_WARN] = 1,
		[HA_STATUS_UNKNOWN] = 2,
		[HA_STATUS_CRIT] = 3,
	};

	return ranks[state];
}

static const char *
take_count(const char *text, unsigned *count)
{
	const char *p = text;

	*count = 0;
	for (; *p >= '0' && *p <= '9' && *count <= JUDGE_WINDOW; p++)
		*count = *count * 10 + (unsigned)(*p - '0');
	return p == text || *count < 1 || *count > JUDGE_WINDOW ? NULL : p;
}

int
judge_parse_rule(const char *text, struct judge_rule *rule, struct ha_err *err)
{
	const char *p = take_count(text, &rule->n);

	rule->m = rule->n;
	if (p != NULL && *p == '/')
		p = take_count(p + 1, &rule->m);
	if (p == NULL || *p != '\0')
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' is neither N nor N/M, such as 2/3, of at most %d",
		    text, JUDGE_WINDOW);
	if (rule->n > rule->m)
		return ha_err_set(err, EX_USAGE, 0, "'%s': %u of %u can't be",
		    text, rule->n, rule->m);
	return 0;
}

static void
push(struct judge_window *window, enum ha_status_state result)
{
	if (window->len == JUDGE_WINDOW)
		memmove(window->states, window->states + 1, --window->len);
	window->states[window->len++] = (unsigned char)result;
}

/* The worst of the last up results, if all of them are better than level. */
static int
is_better(const struct judge_window *window, enum ha_status_state level,
    unsigned up, enum ha_status_state *worst)
{
	if (window->len < up)
		return 0;
	*worst = HA_STATUS_OK;
	for (size_t i = window->len - up; i < window->len; i++)
		*worst = ha_status_worse(
		    *worst, (enum ha_status_state)window->states[i]);
	return judge_rank(*worst) < judge_rank(level);
}

static int
is_reached(const struct judge_window *window, enum ha_status_state level,
    const struct judge_rule *rule)
{
	size_t first = window->len > rule->m ? window->len - rule->m : 0;
	unsigned count = 0;

	for (size_t i = first; i < window->len; i++)
		count += judge_rank((enum ha_status_state)window->states[i]) >=
			 judge_rank(level);
	return count >= rule->n;
}

enum ha_status_state
judge_add(struct judge_window *window, enum ha_status_state result,
    enum ha_status_state level, const struct judge_conf *conf)
{
	static const enum ha_status_state levels[] = { HA_STATUS_CRIT,
		HA_STATUS_UNKNOWN, HA_STATUS_WARN };
	enum ha_status_state better;

	push(window, result);
	if (is_better(window, level, conf->up, &better)) {
		memmove(window->states, window->states + window->len - conf->up,
		    conf->up);
		window->len = conf->up;
		return better;
	}
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
		if (judge_rank(levels[i]) > judge_rank(level) &&
		    is_reached(window, levels[i], &conf->down[levels[i]]))
			return levels[i];
	return level;
}
