/* SPDX-License-Identifier: ISC */
#include "gtid.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define UUID_LEN 36
#define TAG_MAX 32
#define NUMBER_MAX (INT64_MAX - 1) /* MySQL's highest */

struct scan {
	const char *text, *at;
	struct gtid_set *set;
	size_t cap;
	struct ha_err *err;
};

void
gtid_release(struct gtid_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		free(set->ranges[i].origin);
	free(set->ranges);
	memset(set, 0, sizeof(*set));
}

static void
append(struct gtid_set *set, size_t *cap, const struct gtid_range *range)
{
	if (set->count == *cap) {
		*cap = *cap ? 2 * *cap : 8;
		set->ranges =
		    ha_xrealloc(set->ranges, *cap * sizeof(*set->ranges));
	}
	set->ranges[set->count] = *range;
	set->ranges[set->count++].origin = ha_xstrdup(range->origin);
}

/* By who wrote it: two ranges may only be joined when this gives 0. */
static int
compare_origin(const struct gtid_range *a, const struct gtid_range *b)
{
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	if (a->server != b->server)
		return a->server < b->server ? -1 : 1;
	return strcmp(a->origin, b->origin);
}

static int
compare(const void *left, const void *right)
{
	const struct gtid_range *a = left, *b = right;
	int order = compare_origin(a, b);

	if (order)
		return order;
	return a->first < b->first ? -1 : a->first > b->first;
}

/* Sort, and join what overlaps or touches. */
static void
normalise(struct gtid_set *set)
{
	size_t kept = 0;

	if (set->count == 0)
		return;
	qsort(set->ranges, set->count, sizeof(*set->ranges), compare);
	for (size_t i = 1; i < set->count; i++) {
		struct gtid_range *last = &set->ranges[kept];
		struct gtid_range *next = &set->ranges[i];

		if (compare_origin(last, next) == 0 &&
		    next->first - 1 <= last->last) {
			if (next->last > last->last)
				last->last = next->last;
			free(next->origin);
		} else {
			set->ranges[++kept] = *next;
		}
	}
	set->count = kept + 1;
}

static int
fail(const struct scan *scan, const char *what)
{
	return ha_err_set(scan->err, EX_DATAERR, 0,
	    "no set of GTIDs: %s, column %zu", what,
	    (size_t)(scan->at - scan->text) + 1);
}

static void
skip_blanks(struct scan *scan)
{
	scan->at += strspn(scan->at, " \t\r\n\v\f");
}

/* Is the next one c?  Then go behind it and the blanks there. */
static int
take(struct scan *scan, char c)
{
	if (*scan->at != c)
		return 0;
	scan->at++;
	skip_blanks(scan);
	return 1;
}

static int
scan_number(struct scan *scan, uint64_t max, uint64_t *number)
{
	const char *at = scan->at;
	uint64_t value = 0;

	if (!isdigit((unsigned char)*at))
		return fail(scan, "a number is missing");
	for (; isdigit((unsigned char)*at); at++) {
		unsigned digit = (unsigned)(*at - '0');

		if (value > (max - digit) / 10)
			return fail(scan, "a number is too high");
		value = 10 * value + digit;
	}
	scan->at = at;
	skip_blanks(scan);
	*number = value;
	return 0;
}

/* The uuid that an item begins with, in lower case. */
static int
scan_uuid(struct scan *scan, char *uuid)
{
	for (size_t i = 0; i < UUID_LEN; i++) {
		char c = scan->at[i];
		int is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? c != '-' : !isxdigit((unsigned char)c))
			return fail(scan, "a UUID is missing");
		uuid[i] = (char)tolower((unsigned char)c);
	}
	uuid[UUID_LEN] = '\0';
	scan->at += UUID_LEN;
	skip_blanks(scan);
	return 0;
}

/* The tag that what follows belongs to, behind the uuid in origin. */
static int
scan_tag(struct scan *scan, char *origin)
{
	size_t len = 0;
	char *tag = origin + UUID_LEN + 1;

	while (isalnum((unsigned char)scan->at[len]) || scan->at[len] == '_') {
		if (len == TAG_MAX)
			return fail(scan, "a tag is too long");
		tag[len] = (char)tolower((unsigned char)scan->at[len]);
		len++;
	}
	tag[-1] = ':';
	tag[len] = '\0';
	scan->at += len;
	skip_blanks(scan);
	return 0;
}

/* FIRST[-LAST]; one that ends before it begins is an empty one. */
static int
scan_interval(struct scan *scan, char *origin)
{
	struct gtid_range range = { .origin = origin };

	if (scan_number(scan, NUMBER_MAX, &range.first))
		return -1;
	if (range.first == 0)
		return fail(scan, "a transaction's number is 0");
	range.last = range.first;
	if (take(scan, '-') && scan_number(scan, NUMBER_MAX, &range.last))
		return -1;
	if (range.last >= range.first)
		append(scan->set, &scan->cap, &range);
	return 0;
}

/* UUID[:TAG][:INTERVAL]...; a tag holds until the next one. */
static int
scan_mysql_item(struct scan *scan)
{
	char origin[UUID_LEN + 1 + TAG_MAX + 1];

	if (scan_uuid(scan, origin))
		return -1;
	while (take(scan, ':')) {
		int is_tag =
		    isalpha((unsigned char)*scan->at) || *scan->at == '_';

		if (is_tag ? scan_tag(scan, origin)
			   : scan_interval(scan, origin))
			return -1;
	}
	return 0;
}

/* DOMAIN-SERVER-NUMBER */
static int
scan_mariadb_item(struct scan *scan)
{
	char none[] = "";
	struct gtid_range range = { .origin = none, .first = 1 };
	uint64_t domain = 0, server = 0;

	if (scan_number(scan, UINT32_MAX, &domain))
		return -1;
	if (!take(scan, '-'))
		return fail(scan, "\"-\" is missing");
	if (scan_number(scan, UINT32_MAX, &server))
		return -1;
	if (!take(scan, '-'))
		return fail(scan, "\"-\" is missing");
	if (scan_number(scan, UINT64_MAX, &range.last))
		return -1;
	range.domain = (uint32_t)domain;
	range.server = (uint32_t)server;
	if (range.last > 0)
		append(scan->set, &scan->cap, &range);
	return 0;
}

/* Nothing between two commas, or behind the last, is as MySQL takes it. */
static int
scan_items(struct scan *scan, enum gtid_kind kind)
{
	skip_blanks(scan);
	while (*scan->at) {
		if (kind == GTID_MYSQL && take(scan, ','))
			continue;
		if (kind == GTID_MYSQL ? scan_mysql_item(scan)
				       : scan_mariadb_item(scan))
			return -1;
		if (*scan->at && !take(scan, ','))
			return fail(scan, "\",\" is missing");
	}
	return 0;
}

int
gtid_parse(struct gtid_set *set, enum gtid_kind kind, const char *text,
    struct ha_err *err)
{
	struct scan scan = { .text = text, .at = text, .set = set, .err = err };

	gtid_release(set);
	set->kind = kind;
	if (!text)
		return 0;
	if (scan_items(&scan, kind)) {
		gtid_release(set);
		set->kind = kind;
		return -1;
	}
	normalise(set);
	return 0;
}

static void
add_mariadb_text(struct ha_buf *text, const struct gtid_range *range)
{
	ha_buf_addf(
	    text, "%" PRIu32 "-%" PRIu32 "-", range->domain, range->server);
	if (range->first > 1 && range->first < range->last)
		ha_buf_addf(text, "%" PRIu64 "..", range->first);
	ha_buf_addf(text, "%" PRIu64, range->last);
}

/* Behind previous: a uuid stands once, and so does a tag. */
static void
add_mysql_text(struct ha_buf *text, const struct gtid_range *range,
    const struct gtid_range *previous)
{
	if (!previous || strncmp(previous->origin, range->origin, UUID_LEN)) {
		if (previous)
			ha_buf_add_char(text, ',');
		ha_buf_add_str(text, range->origin);
	} else if (strcmp(previous->origin, range->origin) != 0) {
		ha_buf_add_str(text, range->origin + UUID_LEN);
	}
	ha_buf_addf(text, ":%" PRIu64, range->first);
	if (range->last > range->first)
		ha_buf_addf(text, "-%" PRIu64, range->last);
}

void
gtid_add_text(struct ha_buf *text, const struct gtid_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct gtid_range *range = &set->ranges[i];

		if (set->kind == GTID_MYSQL) {
			add_mysql_text(text, range, i ? range - 1 : NULL);
			continue;
		}
		if (i)
			ha_buf_add_char(text, ',');
		add_mariadb_text(text, range);
	}
}

int
gtid_equal(const struct gtid_set *a, const struct gtid_set *b)
{
	if (a->count != b->count || (a->count && a->kind != b->kind))
		return 0;
	for (size_t i = 0; i < a->count; i++) {
		if (compare_origin(&a->ranges[i], &b->ranges[i]) ||
		    a->ranges[i].first != b->ranges[i].first ||
		    a->ranges[i].last != b->ranges[i].last)
			return 0;
	}
	return 1;
}

int
gtid_is_empty(const struct gtid_set *set)
{
	return set->count == 0;
}

/*
 * Append what is left of range without b; *at, the first of b's ranges that
 * may matter, moves on with it.
 */
static void
subtract_range(const struct gtid_range *range, const struct gtid_set *b,
    size_t *at, struct gtid_set *left, size_t *cap)
{
	struct gtid_range rest = *range;
	size_t i;

	while (*at < b->count) {
		const struct gtid_range *seen = &b->ranges[*at];
		int order = compare_origin(seen, range);

		if (order > 0 || (order == 0 && seen->last >= range->first))
			break;
		++*at;
	}
	for (i = *at; i < b->count; i++) {
		const struct gtid_range *seen = &b->ranges[i];

		if (compare_origin(seen, range) || seen->first > range->last)
			break;
		rest.last = seen->first - 1;
		if (seen->first > rest.first)
			append(left, cap, &rest);
		if (seen->last >= range->last)
			return;
		rest.first = seen->last + 1;
	}
	rest.last = range->last;
	append(left, cap, &rest);
}

void
gtid_subtract(
    const struct gtid_set *a, const struct gtid_set *b, struct gtid_set *left)
{
	static const struct gtid_set nothing;
	size_t at = 0, cap = 0;

	gtid_release(left);
	left->kind = a->kind;
	if (a->kind != b->kind)
		b = &nothing;
	for (size_t i = 0; i < a->count; i++)
		subtract_range(&a->ranges[i], b, &at, left, &cap);
}

void
gtid_remove(struct gtid_set *set, const struct gtid_set *b)
{
	struct gtid_set left = { 0 };

	gtid_subtract(set, b, &left);
	gtid_release(set);
	*set = left;
}

/* The highest number of any server in the domain; 0: none. */
static uint64_t
last_in_domain(const struct gtid_set *set, uint32_t domain)
{
	uint64_t last = 0;

	for (size_t i = 0; i < set->count; i++)
		if (set->ranges[i].domain == domain &&
		    set->ranges[i].last > last)
			last = set->ranges[i].last;
	return last;
}

int
gtid_contains(const struct gtid_set *b, const struct gtid_set *a)
{
	struct gtid_set left = { 0 };
	int is_empty;

	if (a->count && a->kind == GTID_MARIADB && b->kind == GTID_MARIADB) {
		for (size_t i = 0; i < a->count; i++)
			if (a->ranges[i].last >
			    last_in_domain(b, a->ranges[i].domain))
				return 0;
		return 1;
	}
	gtid_subtract(a, b, &left);
	is_empty = gtid_is_empty(&left);
	gtid_release(&left);
	return is_empty;
}

uint64_t
gtid_count(const struct gtid_set *set)
{
	uint64_t count = 0;

	for (size_t i = 0; i < set->count; i++) {
		uint64_t more = set->ranges[i].last - set->ranges[i].first + 1;

		/* 1..UINT64_MAX and more: as high as it goes. */
		if (more > UINT64_MAX - count)
			return UINT64_MAX;
		count += more;
	}
	return count;
}
