/* SPDX-License-Identifier: ISC */
/* gtid - sets of GTIDs: text, what is missing, what is contained. */
#include "test.h"

#include <inttypes.h>

#include "gtid.h"

#define U "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define V "3e11fa47-71ca-11e1-9e33-c80aa9429563"
#define BIG_U "3E11FA47-71CA-11E1-9E33-C80AA9429562"

static struct gtid_set
parse(enum gtid_kind kind, const char *text)
{
	struct gtid_set set = { 0 };
	struct ha_err err;

	if (gtid_parse(&set, kind, text, &err))
		fail_msg("%s: %s", text, err.msg);
	return set;
}

static void
assert_text(const struct gtid_set *set, const char *wanted)
{
	struct ha_buf text = HA_BUF_INIT;

	gtid_add_text(&text, set);
	assert_string_equal(text.data, wanted);
	ha_buf_release(&text);
}

static void
assert_left(
    enum gtid_kind kind, const char *a, const char *b, const char *wanted)
{
	struct gtid_set one = parse(kind, a), two = parse(kind, b);
	struct gtid_set left = { 0 };

	gtid_subtract(&one, &two, &left);
	assert_text(&left, wanted);
	if (kind == GTID_MYSQL)
		assert_int_equal(
		    gtid_contains(&two, &one), gtid_is_empty(&left));
	gtid_release(&one);
	gtid_release(&two);
	gtid_release(&left);
}

static void
assert_refused(enum gtid_kind kind, const char *text, const char *words)
{
	struct gtid_set set = parse(GTID_MYSQL, U ":1");
	struct ha_err err;

	assert_int_equal(gtid_parse(&set, kind, text, &err), -1);
	assert_int_equal(err.status, EX_DATAERR);
	assert_true(gtid_is_empty(&set));
	if (!strstr(err.msg, words))
		fail_msg("%s: %s", text, err.msg);
	gtid_release(&set);
}

/* What GTID_SUBTRACT() of MySQL 9.7.4 gave for the same. */
static void
text_is_read_as_mysql_reads_it(void **state)
{
	(void)state;
	assert_left(GTID_MYSQL, "", "", "");
	assert_left(GTID_MYSQL, " ,\n, ", "", "");
	assert_left(
	    GTID_MYSQL, BIG_U ":1-5:7:tag:1-3:11", "", U ":1-5:7:tag:1-3:11");
	assert_left(GTID_MYSQL,
	    BIG_U ":1-5:7:Tag:1-3:11, " BIG_U ":b:4,,\n" V ":3-2", U ":2",
	    U ":1:3-5:7:b:4:tag:1-3:11");
	assert_left(GTID_MYSQL, U ":5-3", "", "");
	assert_left(GTID_MYSQL, U, "", "");
	assert_left(GTID_MYSQL, U ":tag", "", "");
	assert_left(GTID_MYSQL, U ":1 - 5 : 7", "", U ":1-5:7");
	assert_left(
	    GTID_MYSQL, U ":9223372036854775806", "", U ":9223372036854775806");
	assert_left(GTID_MYSQL, U ":1-9223372036854775806", U ":5",
	    U ":1-4:6-9223372036854775806");
	assert_left(GTID_MYSQL, U ":1," U ":t:5:2-4", "", U ":1:t:2-5");
	assert_left(GTID_MYSQL, U ":t:1:2-4," U ":1,", "", U ":1:t:1-4");
	assert_left(GTID_MYSQL, V ":1-5,\n" U ":1-3", U ":1-2,\n" V ":2:4",
	    U ":3," V ":1:3:5");
	assert_left(GTID_MYSQL, U ":t:1", U ":1-5", U ":t:1");
	assert_left(GTID_MYSQL, U ":t:1", U ":1-5:t:1-4", "");
}

static void
what_mysql_refuses_is_refused(void **state)
{
	char tag[] = U ":_a12345678901234567890123456789012:1";

	(void)state;
	assert_refused(GTID_MYSQL, U ":0", "column 39");
	assert_refused(GTID_MYSQL, U ":0-5", "is 0");
	assert_refused(GTID_MYSQL, U ":", "a number is missing, column 38");
	assert_refused(GTID_MYSQL, U ":tag:", "a number is missing");
	assert_refused(GTID_MYSQL, U "::1", "a number is missing");
	assert_refused(GTID_MYSQL, U ":9223372036854775807", "too high");
	assert_refused(GTID_MYSQL, U ":1-99999999999999999999", "too high");
	assert_refused(GTID_MYSQL, U ":1a:1", "\",\" is missing, column 39");
	assert_refused(GTID_MYSQL, U ":1-", "a number is missing");
	assert_refused(GTID_MYSQL, U ":1," U ":-1", "a number is missing");
	assert_refused(GTID_MYSQL, U "x:1", "\",\" is missing");
	assert_refused(GTID_MYSQL, "3e11fa47-71ca", "UUID is missing");
	assert_refused(GTID_MYSQL, "0-1-5", "a UUID is missing, column 1");
	assert_refused(GTID_MYSQL, tag, "a tag is too long");
	tag[sizeof(tag) - 4] = ':';
	assert_refused(GTID_MYSQL, tag, "a tag is too long");
}

/* What MariaDB 10.11.19 takes for gtid_slave_pos and gtid_binlog_state. */
static void
text_is_read_as_mariadb_writes_it(void **state)
{
	struct gtid_set set;

	(void)state;
	assert_left(GTID_MARIADB, "", "", "");
	assert_left(GTID_MARIADB, "1-3-2,0-3-1,0-1-5,0-2-6", "",
	    "0-1-5,0-2-6,0-3-1,1-3-2");
	assert_left(GTID_MARIADB, "0-0-18446744073709551615", "",
	    "0-0-18446744073709551615");
	assert_left(GTID_MARIADB, "4294967295-4294967295-1", "",
	    "4294967295-4294967295-1");
	assert_left(GTID_MARIADB, "0-1-5,0-2-6,0-1-7", "", "0-1-7,0-2-6");
	assert_left(GTID_MARIADB, "0-1-0", "", "");
	assert_refused(GTID_MARIADB, "0-1-5,,1-2-6", "column 7");
	assert_refused(GTID_MARIADB, "0-1", "\"-\" is missing, column 4");
	assert_refused(GTID_MARIADB, "0", "\"-\" is missing, column 2");
	assert_refused(GTID_MARIADB, "0-1-5 1-2-6", "\",\" is missing");
	assert_refused(GTID_MARIADB, "4294967296-1-5", "too high");
	assert_refused(GTID_MARIADB, "0-4294967296-5", "too high");
	assert_refused(GTID_MARIADB, "0-1-18446744073709551616", "too high");
	assert_refused(GTID_MARIADB, "0--1-5", "a number is missing");
	assert_refused(GTID_MARIADB, U ":1", "\"-\" is missing");
	set = parse(GTID_MARIADB, NULL);
	assert_true(gtid_is_empty(&set));
	assert_int_equal(set.kind, GTID_MARIADB);
}

static void
mariadb_subtracts_by_server_and_contains_by_domain(void **state)
{
	struct gtid_set a, b, left = { 0 };

	(void)state;
	assert_left(
	    GTID_MARIADB, "0-1-9,0-2-7,1-1-3", "0-1-6,0-2-8", "0-1-7..9,1-1-3");
	assert_left(GTID_MARIADB, "0-1-9", "0-1-8", "0-1-9");
	assert_left(GTID_MARIADB, "0-1-9", "0-2-20", "0-1-9");
	a = parse(GTID_MARIADB, "0-1-9,1-2-4");
	b = parse(GTID_MARIADB, "0-3-9,1-2-1,1-7-4,2-1-1");
	assert_true(gtid_contains(&b, &a));
	assert_false(gtid_contains(&a, &b));
	gtid_subtract(&a, &b, &left);
	assert_int_equal(gtid_count(&left), 12);
	gtid_release(&b);
	b = parse(GTID_MARIADB, "0-3-9,1-2-3");
	assert_false(gtid_contains(&b, &a));
	gtid_release(&b);
	assert_false(gtid_contains(&b, &a));
	assert_true(gtid_contains(&a, &b));
	gtid_release(&a);
	gtid_release(&left);
}

static void
two_flavours_have_nothing_in_common(void **state)
{
	struct gtid_set a = parse(GTID_MARIADB, "0-1-9");
	struct gtid_set b = parse(GTID_MYSQL, U ":1-5");
	struct gtid_set left = { 0 }, none = { 0 };

	(void)state;
	gtid_subtract(&a, &b, &left);
	assert_true(gtid_equal(&left, &a));
	assert_false(gtid_contains(&b, &a));
	assert_false(gtid_contains(&a, &b));
	assert_false(gtid_equal(&a, &b));
	assert_true(gtid_contains(&a, &none));
	assert_true(gtid_contains(&none, &none));
	gtid_release(&a);
	a = parse(GTID_MARIADB, "");
	assert_true(gtid_equal(&a, &none));
	gtid_release(&b);
	gtid_release(&left);
}

static void
a_count_has_an_end(void **state)
{
	struct gtid_set set = parse(GTID_MYSQL, U ":1-5:7:t:1-3," V ":9");

	(void)state;
	assert_int_equal(gtid_count(&set), 10);
	gtid_release(&set);
	assert_int_equal(gtid_count(&set), 0);
	set = parse(GTID_MARIADB, "0-1-18446744073709551615,0-2-1");
	assert_true(gtid_count(&set) == UINT64_MAX);
	gtid_release(&set);
}

/* The model: a bit for each transaction of a few origins. */
#define ORIGINS 4
#define NUMBERS 40
static const char *const origins[ORIGINS] = { U, U ":a", U ":b_1", V };

struct model {
	char has[ORIGINS][NUMBERS + 2];
};

static void
random_model(struct model *model, struct ha_buf *text)
{
	size_t pieces = test_random(12);

	memset(model, 0, sizeof(*model));
	while (pieces--) {
		size_t origin = test_random(ORIGINS);
		size_t first = 1 + test_random(NUMBERS);
		size_t last = first + test_random(6);

		if (last > NUMBERS)
			last = NUMBERS;
		memset(model->has[origin] + first, 1, last - first + 1);
		ha_buf_addf(text, "%s%s:%zu-%zu", text->len ? ",\n" : "",
		    origins[origin], first, last);
	}
}

static uint64_t
model_text(const struct model *model, struct ha_buf *text)
{
	const char *uuid = NULL;
	uint64_t count = 0;

	for (size_t i = 0; i < ORIGINS; i++) {
		const char *has = model->has[i];
		int is_named = 0;

		for (size_t first = 1; first <= NUMBERS; first++) {
			size_t last = first;

			if (!has[first])
				continue;
			while (has[last + 1])
				last++;
			count += last - first + 1;
			if (!is_named && uuid && !strncmp(uuid, origins[i], 36))
				ha_buf_add_str(text, origins[i] + 36);
			else if (!is_named)
				ha_buf_addf(
				    text, "%s%s", uuid ? "," : "", origins[i]);
			uuid = origins[i];
			is_named = 1;
			ha_buf_addf(text, ":%zu", first);
			if (last > first)
				ha_buf_addf(text, "-%zu", last);
			first = last;
		}
	}
	return count;
}

static void
assert_model(const struct gtid_set *set, const struct model *model)
{
	struct ha_buf text = HA_BUF_INIT;
	struct gtid_set again;

	assert_int_equal(model_text(model, &text), gtid_count(set));
	assert_text(set, text.data);
	again = parse(GTID_MYSQL, text.data);
	assert_true(gtid_equal(set, &again));
	gtid_release(&again);
	ha_buf_release(&text);
}

static void
a_model_of_bits_says_the_same(void **state)
{
	struct model one, two, left = { 0 };

	(void)state;
	test_seed();
	for (int round = 0; round < 3000; round++) {
		struct ha_buf a = HA_BUF_INIT, b = HA_BUF_INIT;
		struct gtid_set sets[3] = { { 0 } };
		int is_subset = 1;

		random_model(&one, &a);
		random_model(&two, &b);
		sets[0] = parse(GTID_MYSQL, a.data);
		sets[1] = parse(GTID_MYSQL, b.data);
		for (size_t i = 0; i < sizeof(left.has); i++) {
			(&left.has[0][0])[i] =
			    (&one.has[0][0])[i] && !(&two.has[0][0])[i];
			is_subset &= !(&left.has[0][0])[i];
		}
		gtid_subtract(&sets[0], &sets[1], &sets[2]);
		assert_model(&sets[0], &one);
		assert_model(&sets[1], &two);
		assert_model(&sets[2], &left);
		assert_int_equal(gtid_contains(&sets[1], &sets[0]), is_subset);
		for (size_t i = 0; i < 3; i++)
			gtid_release(&sets[i]);
		ha_buf_release(&a);
		ha_buf_release(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read_as_mysql_reads_it),
		cmocka_unit_test(what_mysql_refuses_is_refused),
		cmocka_unit_test(text_is_read_as_mariadb_writes_it),
		cmocka_unit_test(
		    mariadb_subtracts_by_server_and_contains_by_domain),
		cmocka_unit_test(two_flavours_have_nothing_in_common),
		cmocka_unit_test(a_count_has_an_end),
		cmocka_unit_test(a_model_of_bits_says_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
