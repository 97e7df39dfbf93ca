/* SPDX-License-Identifier: ISC */
/*
 * repl-gtid - a set that is read is in order, is written and read again the
 * same, and a without b has nothing of b.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "gtid.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const struct gtid_set *set)
{
	struct ha_buf text = HA_BUF_INIT;
	struct gtid_set again = { 0 };
	struct ha_err err;

	for (size_t i = 0; i < set->count; i++)
		if (set->ranges[i].first < 1 ||
		    set->ranges[i].first > set->ranges[i].last)
			abort();
	gtid_add_text(&text, set);
	if (gtid_parse(&again, set->kind, text.data, &err) ||
	    !gtid_equal(set, &again))
		abort();
	ha_buf_release(&text);
	gtid_release(&again);
}

static void
check_pair(const struct gtid_set *a, const struct gtid_set *b)
{
	struct gtid_set left = { 0 }, rest = { 0 };

	gtid_subtract(a, b, &left);
	if (gtid_count(&left) > gtid_count(a))
		abort();
	if (a->kind == GTID_MYSQL &&
	    gtid_contains(b, a) != gtid_is_empty(&left))
		abort();
	gtid_subtract(&left, b, &rest);
	if (!gtid_equal(&left, &rest))
		abort();
	gtid_subtract(&left, a, &rest);
	if (!gtid_is_empty(&rest) || !gtid_contains(a, a))
		abort();
	gtid_release(&left);
	gtid_release(&rest);
}

/* A UUID is too much to hit upon: 'U' and 'V' stand for one each. */
static char *
unpack(const uint8_t *data, size_t size)
{
	struct ha_buf text = HA_BUF_INIT;

	for (size_t i = 0; i < size; i++) {
		if (data[i] == 'U' || data[i] == 'V')
			ha_buf_add_str(&text, "3e11fa47-71ca-11e1-9E33-");
		if (data[i] == 'U')
			ha_buf_add_str(&text, "c80aa9429562");
		else if (data[i] == 'V')
			ha_buf_add_str(&text, "c80aa9429563");
		else
			ha_buf_add_char(&text, (char)data[i]);
	}
	ha_buf_add_char(&text, '\0');
	return ha_buf_detach(&text);
}

/* The first byte says which flavour; a '|' begins the other set. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gtid_set a = { 0 }, b = { 0 };
	enum gtid_kind kind;
	struct ha_err err;
	char *text, *other;

	if (size == 0)
		return 0;
	kind = data[0] & 1 ? GTID_MYSQL : GTID_MARIADB;
	text = unpack(data + 1, size - 1);
	other = strchr(text, '|');
	if (other)
		*other++ = '\0';
	if (gtid_parse(&a, kind, text, &err) == 0 &&
	    gtid_parse(&b, kind, other, &err) == 0) {
		check_text(&a);
		check_text(&b);
		check_pair(&a, &b);
		check_pair(&b, &a);
	}
	gtid_release(&a);
	gtid_release(&b);
	free(text);
	return 0;
}
