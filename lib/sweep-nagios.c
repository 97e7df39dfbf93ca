/* SPDX-License-Identifier: ISC */
/*
 * sweep-nagios - a sweep as one line for Nagios, monit and their like.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "msg.h"
#include "range.h"
#include "rec.h"
#include "sweep-format.h"

/* monit shows 512 bytes by default; its LF counted. */
#define MAX_LINE 400
/* What the words may take when the performance data needs room too. */
#define MAX_WORDS 260

/* Of a foreign text: one line of UTF-8, without the bar that ends the words. */
static void
add_clean(struct ha_buf *out, const char *text)
{
	size_t i = out->len;

	ha_rec_add_utf8(out, text, strlen(text));
	for (; i < out->len; i++)
		if (out->data[i] == '|')
			out->data[i] = '/';
}

static void
add_name(struct ha_buf *out, const struct ha_sweep_result *result)
{
	if (result->is_namesake && *result->host) {
		add_clean(out, result->host);
		ha_buf_add_char(out, '/');
	}
	add_clean(out, result->check);
}

static void
add_producer(struct ha_buf *out, const char *producer)
{
	for (; *producer; producer++)
		ha_buf_add_char(out, (char)toupper((unsigned char)*producer));
}

/* The worst first, and then as they were asked for. */
static int
compare(const void *a, const void *b)
{
	const struct ha_sweep_result *const *one = a, *const *other = b;

	if ((*one)->state == (*other)->state)
		return (*one)->order < (*other)->order ? -1 : 1;
	return ha_status_worse((*one)->state, (*other)->state) == (*one)->state
		   ? -1
		   : 1;
}

static void
add_not_ok(struct ha_buf *words, const struct ha_sweep_results *results)
{
	const struct ha_sweep_result **sorted =
	    ha_xcalloc(results->count, sizeof(const struct ha_sweep_result *));
	size_t n = 0, i;

	for (i = 0; i < results->count; i++)
		if (results->list[i].state != HA_STATUS_OK)
			sorted[n++] = &results->list[i];
	qsort(sorted, n, sizeof(const struct ha_sweep_result *), compare);
	ha_buf_addf(words, "%zu of %zu not OK", n, results->count);
	for (i = 0; i < n && words->len < MAX_LINE; i++) {
		ha_buf_add_str(words, i ? "; " : ": ");
		add_name(words, sorted[i]);
		ha_buf_addf(words, " %s ", ha_status_name(sorted[i]->state));
		add_clean(words, sorted[i]->msg);
	}
	free(sorted);
}

static void
add_words(struct ha_buf *words, const struct ha_sweep_results *results)
{
	const char *state = ha_status_name(results->worst);
	const char *held = ha_msg_held();

	if (results->count == 1 && *results->list[0].check)
		add_clean(words, results->list[0].check);
	else
		add_producer(words, results->producer);
	ha_buf_addf(words, " %s - ", state);
	if (results->count == 1)
		add_clean(words, results->list[0].msg);
	else if (!results->count)
		ha_buf_add_str(words, "no checks");
	else if (results->states[HA_STATUS_OK] == results->count)
		ha_buf_addf(words, "%zu checks OK", results->count);
	else
		add_not_ok(words, results);
	if (held) {
		ha_buf_add_str(words, " (warning: ");
		add_clean(words, held);
		ha_buf_add_char(words, ')');
	}
}

static void
add_item(struct ha_buf *perf, const struct ha_sweep_results *results,
    const struct ha_sweep_result *result, const char *label,
    const struct ha_perf_text *text)
{
	struct ha_buf full = HA_BUF_INIT;
	char *data = ha_xmemdup(text->data, text->len);

	if (results->count > 1) {
		add_name(&full, result);
		ha_buf_add_str(&full, "::");
	}
	add_clean(&full, label);
	if (perf->len)
		ha_buf_add_char(perf, ' ');
	ha_perf_add_label(perf, full.data);
	ha_buf_add_char(perf, '=');
	add_clean(perf, data);
	ha_buf_release(&full);
	free(data);
}

/* As many whole items as max bytes hold. */
static void
add_perf(
    struct ha_buf *perf, const struct ha_sweep_results *results, size_t max)
{
	struct ha_buf label = HA_BUF_INIT;
	struct ha_perf_text text;
	const char *from;
	size_t i, len;

	for (i = 0; i < results->count; i++) {
		from = results->list[i].perf;
		while (ha_perf_next(&from, &label, &text)) {
			len = perf->len;
			add_item(perf, results, &results->list[i], label.data,
			    &text);
			if (perf->len <= max)
				continue;
			ha_buf_truncate(perf, len);
			i = results->count;
			break;
		}
	}
	ha_buf_release(&label);
}

/* At a whole character. */
static void
cut(struct ha_buf *words, size_t max)
{
	if (words->len <= max)
		return;
	while (max && ((unsigned char)words->data[max] & 0xc0) == 0x80)
		max--;
	ha_buf_truncate(words, max);
}

void
ha_sweep_nagios(struct ha_buf *out, const struct ha_sweep_results *results)
{
	struct ha_buf words = HA_BUF_INIT, perf = HA_BUF_INIT;
	size_t max = MAX_LINE - 1, room;

	add_words(&words, results);
	cut(&words, max);
	room = words.len < MAX_WORDS ? max - words.len : max - MAX_WORDS;
	add_perf(&perf, results, room - 1);
	if (perf.len)
		cut(&words, max - 1 - perf.len);
	ha_buf_add(out, words.data, words.len);
	if (perf.len)
		ha_buf_addf(out, "|%s", perf.data);
	ha_buf_add_char(out, '\n');
	ha_buf_release(&words);
	ha_buf_release(&perf);
}
