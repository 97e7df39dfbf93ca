/* SPDX-License-Identifier: ISC */
/*
 * words - alerts in words for a person who has just been woken up.
 */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"
#include "rec.h"

/* A subject in UTF-16 units: what a phone and a list of mails can show. */
#define SUBJECT_MAX 120
/* Of more incidents than this the details are left out. */
#define DETAILS_MAX 20

/* Separators of Unicode that are a new line to some: U+2028, U+2029. */
static void
join_lines(struct ha_buf *out, size_t from)
{
	char *p = out->data + from;

	while ((p = strstr(p, "\xe2\x80")) != NULL) {
		if (p[2] == '\xa8' || p[2] == '\xa9')
			memset(p, ' ', 3);
		p += 2;
	}
}

void
words_add(struct ha_buf *out, const char *text)
{
	size_t from = out->len, n;

	while (*text != '\0') {
		n = strcspn(text, "\t\n\v\f\r");
		ha_rec_add_utf8(out, text, n);
		text += n;
		n = strspn(text, "\t\n\v\f\r");
		if (n > 0 && out->len > from && *(text + n) != '\0')
			ha_buf_add_char(out, ' ');
		text += n;
	}
	join_lines(out, from);
}

void
words_add_lines(struct ha_buf *out, const char *text)
{
	size_t from = out->len, n;

	while (*text != '\0') {
		n = strcspn(text, "\t\r\n");
		ha_rec_add_utf8(out, text, n);
		text += n;
		if (*text == '\t' || *text == '\n')
			ha_buf_add_char(out, *text);
		else if (*text == '\r' && text[1] != '\n')
			ha_buf_add_char(out, '\n');
		text += *text != '\0';
	}
	join_lines(out, from);
	if (out->len > from && out->data[out->len - 1] != '\n')
		ha_buf_add_char(out, '\n');
}

/* The day is told again only where it is another one in UTC. */
static void
add_utc(struct ha_buf *out, time_t seconds, const struct tm *local)
{
	struct tm utc;

	gmtime_r(&seconds, &utc);
	if (utc.tm_mday != local->tm_mday)
		ha_buf_addf(out, "%04d-%02d-%02d ", utc.tm_year + 1900,
		    utc.tm_mon + 1, utc.tm_mday);
	ha_buf_addf(
	    out, "%02d:%02d:%02d UTC", utc.tm_hour, utc.tm_min, utc.tm_sec);
}

void
words_add_time(struct ha_buf *out, int64_t wall_ms)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	long minutes;
	int has_name;

	localtime_r(&seconds, &tm);
	minutes = labs(tm.tm_gmtoff) / 60;
	/* A zone's name may be its offset, which stands there anyway. */
	has_name = strpbrk(tm.tm_zone, "+-0123456789") == NULL;
	ha_buf_addf(out, "%s %04d-%02d-%02d %02d:%02d:%02d", days[tm.tm_wday],
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
	    tm.tm_sec);
	if (tm.tm_gmtoff == 0) {
		ha_buf_addf(out, " %s", has_name ? tm.tm_zone : "UTC");
		return;
	}
	ha_buf_addf(out, " %s%s%c%02ld:%02ld; ", has_name ? tm.tm_zone : "(",
	    has_name ? " (" : "", tm.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
	    minutes % 60);
	add_utc(out, seconds, &tm);
	ha_buf_add_char(out, ')');
}

void
words_add_quoted(struct ha_buf *out, const char *text)
{
	static const char plain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "@%_+=:,./-";
	struct ha_buf line = HA_BUF_INIT;

	words_add(&line, text);
	if (line.len > 0 && strspn(line.data, plain) == line.len)
		ha_buf_add(out, line.data, line.len);
	else
		ha_buf_add_quoted(out, line.data, line.len);
	ha_buf_release(&line);
}

size_t
words_fit(const char *text, size_t len, size_t max)
{
	size_t units = 0, i = 0, n;
	unsigned char c;

	while (i < len) {
		c = (unsigned char)text[i];
		n = c < 0xc0 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
		units += n == 4 ? 2 : 1;
		if (units > max || n > len - i)
			return i;
		i += n;
	}
	return len;
}

/* Cut what was appended after from to max units, with an ellipsis. */
static void
cut(struct ha_buf *out, size_t from, size_t max)
{
	size_t len = out->len - from;

	if (words_fit(out->data + from, len, max) == len)
		return;
	ha_buf_truncate(out, from + words_fit(out->data + from, len, max - 1));
	ha_buf_add_str(out, "…");
}

static enum ha_status_state
state_of(const struct alert_item *item)
{
	return item->last->transition.status.state;
}

int
words_is_end(const struct alert_item *item)
{
	return !item->last->is_message &&
	       ha_transition_is_end(item->last->transition.event);
}

enum ha_status_state
words_old_state(const struct alert_item *item)
{
	const struct alert *first = item->first, *last = item->last;
	enum ha_status_state worst = last->transition.old_state;

	if (first == last)
		return worst;
	worst = ha_status_worse(worst, first->transition.old_state);
	return ha_status_worse(worst, first->transition.status.state);
}

int64_t
words_lasted_ms(const struct alert_item *item)
{
	int64_t since = item->first->since_ms, time = item->last->time_ms;

	return time > since ? time - since : 0;
}

void
words_name(struct ha_buf *out, const struct alert_item *item)
{
	const struct ha_status *status = &item->last->transition.status;

	if (item->last->is_message) {
		words_add(out, status->msg);
		return;
	}
	words_add(out, status->check);
	if (*status->host != '\0' && strcmp(status->host, status->check) != 0) {
		ha_buf_add_str(out, " on ");
		words_add(out, status->host);
	}
}

/* Who knows more of a check. */
enum source {
	SOURCE_PROBE,
	SOURCE_STAT,
	SOURCE_KEEP,
	SOURCE_ACT,
	SOURCE_MONIT,
	SOURCE_NAGIOS,
	SOURCE_HAND, /* ha-alert --check: nobody */
	SOURCE_GATE, /* of whatever it heard */
};

static int
begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* ha-probe's targets are URLs, ha-stat's are of a form of their own. */
static enum source
source_of(const struct ha_status *status)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	const char *target = status->target;
	size_t scheme = strspn(target, "abcdefghijklmnopqrstuvwxyz0123456789+");
	size_t kind = strspn(target, letters);

	if (begins(status->check, "keep:"))
		return SOURCE_KEEP;
	if (begins(status->check, "act:"))
		return SOURCE_ACT;
	if (scheme > 0 && begins(target + scheme, "://"))
		return SOURCE_PROBE;
	if (strcmp(target, "monit") == 0)
		return SOURCE_MONIT;
	if (strcmp(target, "nagios") == 0)
		return SOURCE_NAGIOS;
	if (strcmp(target, "ha-alert") == 0)
		return SOURCE_HAND;
	return kind > 0 && strchr(":?", target[kind]) != NULL &&
		       target[kind] != '\0'
		   ? SOURCE_STAT
		   : SOURCE_GATE;
}

/* A disk is not down, nor is a round of checks. */
static int
can_be_down(const struct ha_status *status)
{
	switch (source_of(status)) {
	case SOURCE_STAT:
	case SOURCE_ACT:
	case SOURCE_HAND:
		return 0;
	default:
		return !begins(status->check, "sweep:");
	}
}

/* "was down 12 m": what it was until it ended. */
static void
add_was(struct ha_buf *out, const struct alert_item *item)
{
	enum ha_status_state old = words_old_state(item);
	char lasted[64];

	ha_clock_words(words_lasted_ms(item), lasted, sizeof(lasted));
	if (old == HA_STATUS_CRIT &&
	    can_be_down(&item->last->transition.status))
		ha_buf_addf(out, "was down %s", lasted);
	else
		ha_buf_addf(out, "was %s for %s", ha_status_name(old), lasted);
}

/* What stands between the name and the check's words. */
static void
add_happened(struct ha_buf *out, const struct alert_item *item)
{
	const struct ha_transition *transition = &item->last->transition;
	char lasted[64];

	if (item->count > 1) {
		ha_buf_addf(out, ", %zu changes", item->count);
		return;
	}
	switch (transition->event) {
	case HA_TRANSITION_WORSE:
	case HA_TRANSITION_BETTER:
		ha_buf_addf(
		    out, ", was %s", ha_status_name(transition->old_state));
		break;
	case HA_TRANSITION_REMINDER:
		ha_clock_words(words_lasted_ms(item), lasted, sizeof(lasted));
		ha_buf_addf(out, " for %s", lasted);
		break;
	case HA_TRANSITION_FLAPPING:
		ha_buf_add_str(out, ", flapping");
		break;
	case HA_TRANSITION_ABORTED:
		ha_buf_add_str(out, ", checks broke off");
		break;
	default:
		break;
	}
}

/* The end of what was told, and not a success that nobody waited for. */
static int
is_recovered(const struct alert_item *item)
{
	return item->last->transition.event == HA_TRANSITION_RECOVERY &&
	       words_old_state(item) != HA_STATUS_OK;
}

void
words_item(struct ha_buf *out, const struct alert_item *item)
{
	const struct ha_transition *transition = &item->last->transition;
	size_t from = out->len;

	if (item->last->is_message) {
		words_name(out, item);
	} else if (transition->event == HA_TRANSITION_REMOVED) {
		words_name(out, item);
		ha_buf_add_str(out, ": checked no more");
		if (words_old_state(item) != HA_STATUS_OK) {
			ha_buf_add_str(out, ", ");
			add_was(out, item);
		}
	} else {
		ha_buf_addf(
		    out, "%s ", ha_status_name(transition->status.state));
		words_name(out, item);
		if (is_recovered(item)) {
			ha_buf_add_str(out, ": ");
			add_was(out, item);
		} else {
			add_happened(out, item);
			if (*transition->status.msg != '\0')
				ha_buf_add_str(out, ": ");
			words_add(out, transition->status.msg);
		}
	}
	cut(out, from, SUBJECT_MAX);
}

/* %c and %h of a channel's look=, each as one word of a shell. */
static void
add_own_look(
    struct ha_buf *out, const struct ha_status *status, const char *look)
{
	for (const char *p = look; *p != '\0'; p++) {
		if (p[0] != '%' || (p[1] != 'c' && p[1] != 'h')) {
			ha_buf_add_char(out, *p);
			continue;
		}
		words_add_quoted(out, *++p == 'c'     ? status->check
				      : *status->host ? status->host
						      : "-");
	}
}

static void
add_command(struct ha_buf *out, const char *command, const char *argument)
{
	ha_buf_addf(out, "%s %s", command, *argument == '-' ? "-- " : "");
	words_add_quoted(out, argument);
}

void
words_look(struct ha_buf *out, const struct alert_item *item, const char *look)
{
	const struct ha_status *status = &item->last->transition.status;
	struct ha_buf line = HA_BUF_INIT;

	if (item->last->is_message)
		return;
	if (look != NULL) {
		add_own_look(&line, status, look);
		words_add(out, line.data);
		ha_buf_release(&line);
		return;
	}
	switch (source_of(status)) {
	case SOURCE_PROBE:
		add_command(out, "ha-probe --diagnose", status->target);
		break;
	case SOURCE_STAT:
		add_command(out, "ha-stat", status->target);
		break;
	case SOURCE_KEEP:
		add_command(out, "ha-keep --status", status->check + 5);
		break;
	case SOURCE_ACT:
		add_command(out, "ha-gate --history", status->check + 4);
		break;
	case SOURCE_MONIT:
		add_command(out, "monit status", status->check);
		break;
	case SOURCE_NAGIOS:
	case SOURCE_HAND:
		break;
	case SOURCE_GATE:
		add_command(out, "ha-gate --history", status->check);
		break;
	}
}

/* Does it tell more only on the machine that the check is about? */
static int
is_looked_at_there(const struct ha_status *status)
{
	enum source source = source_of(status);

	return *status->host != '\0' &&
	       (source == SOURCE_STAT || source == SOURCE_KEEP ||
		   source == SOURCE_MONIT);
}

static void
add_look(struct ha_buf *text, const struct alert_item *item, const char *look)
{
	const struct ha_status *status = &item->last->transition.status;
	struct ha_buf command = HA_BUF_INIT;

	words_look(&command, item, look);
	if (command.len > 0) {
		ha_buf_addf(text, "look closer: %s", command.data);
		if (look == NULL && is_looked_at_there(status)) {
			ha_buf_add_str(text, "   (on ");
			words_add(text, status->host);
			ha_buf_add_char(text, ')');
		}
		ha_buf_add_char(text, '\n');
	}
	ha_buf_release(&command);
}

/* The first sentence: what it means, and where need be what to do. */
static void
add_meaning(struct ha_buf *text, const struct alert_item *item)
{
	const struct ha_transition *transition = &item->last->transition;
	const char *state = ha_status_name(transition->status.state);
	const char *old = ha_status_name(words_old_state(item));

	words_name(text, item);
	switch (transition->event) {
	case HA_TRANSITION_PROBLEM:
		ha_buf_addf(text, " is %s, it was %s.\n", state, old);
		break;
	case HA_TRANSITION_WORSE:
		ha_buf_addf(text, " got worse: %s, it was %s.\n", state, old);
		break;
	case HA_TRANSITION_BETTER:
		ha_buf_addf(text,
		    " got better, but is not OK: %s, it was %s.\n", state, old);
		break;
	case HA_TRANSITION_RECOVERY:
		if (is_recovered(item))
			ha_buf_addf(
			    text, " is %s again, it was %s.\n", state, old);
		else
			ha_buf_addf(text, " is %s.\n", state);
		break;
	case HA_TRANSITION_REMINDER:
		ha_buf_addf(text,
		    " is still %s.\n"
		    "Somebody sees to it? ha-gate --ack %s --reason WORDS\n",
		    state, transition->incident);
		break;
	case HA_TRANSITION_FLAPPING:
		ha_buf_addf(text,
		    " changes too often to tell each time; now it is %s.\n"
		    "The next message comes when it has settled.\n",
		    state);
		break;
	case HA_TRANSITION_STALE:
		ha_buf_addf(text,
		    ": no results any more; it was %s.\n"
		    "Is what checks it still running: cron, the timer, the "
		    "machine?\n",
		    old);
		break;
	case HA_TRANSITION_REMOVED:
		ha_buf_addf(text,
		    " is checked no more; it was %s.\n"
		    "Unless somebody took it out of the list, look there.\n",
		    old);
		break;
	case HA_TRANSITION_ABORTED:
		ha_buf_add_str(text,
		    ": a round of checks broke off before its end, so some "
		    "states are not known.\n"
		    "Why did what checks die: its log, memory, a time limit?"
		    "\n");
		break;
	}
}

static void
add_line(struct ha_buf *text, const char *label, const char *value)
{
	if (*value == '\0')
		return;
	ha_buf_addf(text, "%s: ", label);
	words_add(text, value);
	ha_buf_add_char(text, '\n');
}

static void
add_times(struct ha_buf *text, const struct alert_item *item)
{
	char lasted[64];

	ha_clock_words(words_lasted_ms(item), lasted, sizeof(lasted));
	ha_buf_add_str(text, "since: ");
	words_add_time(text, item->first->since_ms);
	if (words_lasted_ms(item) == 0 && !is_recovered(item)) {
		ha_buf_add_char(text, '\n');
		return;
	}
	ha_buf_addf(text, "\n%s: ", words_is_end(item) ? "until" : "seen");
	words_add_time(text, item->last->time_ms);
	ha_buf_addf(text, ", after %s\n", lasted);
}

/* What became one message: it was told late, and says so. */
static void
add_first(struct ha_buf *text, const struct alert_item *item)
{
	const struct ha_transition *first = &item->first->transition;

	if (item->first == item->last)
		return;
	ha_buf_addf(
	    text, "It began as %s", ha_status_name(first->status.state));
	if (*first->status.msg != '\0')
		ha_buf_add_str(text, ": ");
	words_add(text, first->status.msg);
	ha_buf_addf(
	    text, "\nThis is one message of %zu events.\n", item->count);
}

static void
add_message(struct ha_buf *text, const struct alert_item *item)
{
	const struct alert *alert = item->last;

	words_add_lines(text, alert->body);
	if (*alert->body != '\0')
		ha_buf_add_char(text, '\n');
	ha_buf_add_str(text, "time: ");
	words_add_time(text, alert->time_ms);
	ha_buf_add_char(text, '\n');
	add_line(text, "host", alert->transition.status.host);
}

static void
add_details(
    struct ha_buf *text, const struct alert_item *item, const char *look)
{
	const struct ha_transition *transition = &item->last->transition;
	const struct ha_status *status = &transition->status;

	if (item->last->is_message) {
		add_message(text, item);
		return;
	}
	add_meaning(text, item);
	words_add(text, status->msg);
	ha_buf_add_str(text, *status->msg != '\0' ? "\n" : "");
	add_first(text, item);
	ha_buf_add_char(text, '\n');
	add_times(text, item);
	add_line(text, "host", status->host);
	add_line(text, "target", status->target);
	add_line(text, "seen by", status->by);
	add_line(text, "measured", status->perf);
	add_look(text, item, look);
	add_line(text, "incident", transition->incident);
}

/* From good to bad, what has ended before all. */
static int
rank(const struct alert_item *item)
{
	static const int ranks[] = { 1, 2, 4, 3 };

	if (words_is_end(item))
		return 0;
	return item->last->is_message ? 1 : ranks[state_of(item)];
}

static int
by_rank(const void *a, const void *b)
{
	const struct alert_item *const *one = a, *const *other = b;
	int ranks = rank(*other) - rank(*one);

	if (ranks != 0)
		return ranks;
	/* They point into one array: what came first stands first. */
	return *one < *other ? -1 : *one > *other;
}

const struct alert_item **
words_sort(const struct alert_bundle *bundle)
{
	const struct alert_item **items =
	    ha_xcalloc(bundle->count, sizeof(*items));

	for (size_t i = 0; i < bundle->count; i++)
		items[i] = &bundle->items[i];
	qsort(items, bundle->count, sizeof(const struct alert_item *), by_rank);
	return items;
}

static void
add_count(struct ha_buf *out, size_t n, const char *one, const char *many)
{
	if (n > 0)
		ha_buf_addf(out, "%s%zu %s", out->len > 0 ? ", " : "", n,
		    n == 1 ? one : many);
}

/* "3 problems, 1 recovered" */
static void
add_counts(struct ha_buf *out, const struct alert_bundle *bundle)
{
	size_t problems = 0, recovered = 0, removed = 0, messages = 0, well = 0;
	const struct alert *last;

	for (size_t i = 0; i < bundle->count; i++) {
		last = bundle->items[i].last;
		if (last->is_message)
			messages++;
		else if (is_recovered(&bundle->items[i]))
			recovered++;
		else if (last->transition.event == HA_TRANSITION_RECOVERY)
			well++;
		else if (last->transition.event == HA_TRANSITION_REMOVED)
			removed++;
		else
			problems++;
	}
	add_count(out, problems, "problem", "problems");
	add_count(out, recovered, "recovered", "recovered");
	add_count(out, well, "OK", "OK");
	add_count(out, removed, "removed", "removed");
	add_count(out, messages, "message", "messages");
	add_count(out, bundle->left_out, "left out", "left out");
}

static void
group_subject(struct ha_buf *out, const struct alert_bundle *bundle)
{
	const struct alert_item **items = words_sort(bundle);
	struct ha_buf name = HA_BUF_INIT;
	size_t i;

	add_counts(out, bundle);
	for (i = 0; i < bundle->count; i++) {
		ha_buf_reset(&name);
		words_name(&name, items[i]);
		cut(&name, 0, SUBJECT_MAX / 3);
		if (i > 0 && out->len + name.len > SUBJECT_MAX - 16)
			break;
		ha_buf_addf(out, "%s%s", i > 0 ? ", " : ": ", name.data);
	}
	if (i < bundle->count)
		ha_buf_addf(out, " and %zu more", bundle->count - i);
	ha_buf_release(&name);
	free(items);
}

void
words_subject(struct ha_buf *subject, const struct alert_bundle *bundle)
{
	struct ha_buf line = HA_BUF_INIT;

	if (bundle->count == 1) {
		words_item(&line, &bundle->items[0]);
		if (bundle->left_out > 0)
			ha_buf_addf(&line, " (%zu left out)", bundle->left_out);
	} else {
		group_subject(&line, bundle);
	}
	ha_buf_add(subject, line.data, line.len);
	ha_buf_release(&line);
}

static void
add_rest(struct ha_buf *text, const struct alert_bundle *bundle)
{
	size_t n = bundle->left_out;

	if (bundle->note != NULL) {
		ha_buf_add_char(text, '\n');
		words_add(text, bundle->note);
		ha_buf_add_char(text, '\n');
	}
	if (n > 0)
		ha_buf_addf(text,
		    "\n%zu more %s left out, there were too many for this "
		    "channel's rate.\n",
		    n, n == 1 ? "was" : "were");
}

void
words_text(
    struct ha_buf *text, const struct alert_bundle *bundle, const char *look)
{
	const struct alert_item **items;

	if (bundle->count == 1) {
		add_details(text, &bundle->items[0], look);
		add_rest(text, bundle);
		return;
	}
	items = words_sort(bundle);
	for (size_t i = 0; i < bundle->count; i++) {
		words_item(text, items[i]);
		ha_buf_add_char(text, '\n');
	}
	add_rest(text, bundle);
	for (size_t i = 0; i < bundle->count && i < DETAILS_MAX; i++) {
		ha_buf_addf(text, "\n[%zu] ", i + 1);
		if (items[i]->last->is_message) {
			words_name(text, items[i]);
			ha_buf_add_char(text, '\n');
		}
		add_details(text, items[i], look);
	}
	if (bundle->count > DETAILS_MAX)
		ha_buf_addf(
		    text, "\nDetails of the first %d only.\n", DETAILS_MAX);
	free(items);
}
