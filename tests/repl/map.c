/* SPDX-License-Identifier: ISC */
/* map: positions through heartbeat rows, exact or none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those */
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

/* SHOW BINLOG EVENTS, five cells a row. */
static size_t
commits(const char *const *cells, size_t rows, struct map_commit **list)
{
	static const char *const names[] = { "Pos", "Event_type", "Server_id",
		"End_log_pos", "Info" };
	struct ha_db_result events = { 5, rows, NULL, NULL, 0, NULL, 0 };
	size_t i, count;

	events.names = calloc(5, sizeof(char *));
	events.cells = calloc(rows * 5 + 1, sizeof(char *));
	assert_non_null(events.names);
	assert_non_null(events.cells);
	for (i = 0; i < 5; i++)
		events.names[i] = strdup(names[i]);
	for (i = 0; i < rows * 5; i++)
		events.cells[i] = cells[i] ? strdup(cells[i]) : NULL;
	count = map_commits(&events, "ha.heartbeat", list);
	for (i = 0; i < 5; i++)
		free(events.names[i]);
	for (i = 0; i < rows * 5; i++)
		free(events.cells[i]);
	free(events.names);
	free(events.cells);
	return count;
}

#define ROWS(list) (sizeof(list) / sizeof((list)[0]) / 5)

static void
check_log(const char *const *cells, size_t rows, int goes_on)
{
	struct map_commit *list;

	assert_int_equal(commits(cells, rows, &list), goes_on ? 4 : 3);
	assert_int_equal(list[0].end, 200);
	assert_false(list[0].is_beat);
	assert_int_equal(list[1].end, 300);
	assert_true(list[1].is_beat);
	assert_int_equal(list[1].server_id, 1);
	assert_int_equal(list[2].end, 400);
	assert_false(list[2].is_beat);
	assert_int_equal(list[2].server_id, 2);
	assert_int_equal(goes_on ? list[3].server_id : -1, -1);
	free(list);
}

static void
transactions_of_mysql(void **state)
{
	static const char *const cells[] = {
		"4",
		"Format_desc",
		"1",
		"120",
		"Server ver: 5.6.24-log",
		"120",
		"Query",
		"1",
		"200",
		"create database ha",
		"200",
		"Query",
		"1",
		"220",
		"BEGIN",
		"220",
		"Table_map",
		"1",
		"250",
		"table_id: 71 (ha.heartbeat)",
		"250",
		"Write_rows",
		"1",
		"270",
		"table_id: 71",
		"270",
		"Xid",
		"1",
		"300",
		"COMMIT /* xid=8 */",
		"300",
		"Query",
		"2",
		"310",
		"BEGIN",
		"310",
		"Query",
		"2",
		"330",
		"insert into x",
		"330",
		"Table_map",
		"2",
		"350",
		"table_id: 7 (ha.heartbeat2)",
		"350",
		"Query",
		"2",
		"400",
		"COMMIT",
		"400",
		"Query",
		"2",
		"420",
		"BEGIN",
	};

	(void)state;
	check_log(cells, ROWS(cells), 0);
}

static void
transactions_of_mariadb(void **state)
{
	static const char *const cells[] = {
		"285",
		"Binlog_checkpoint",
		"1",
		"325",
		"binlog.000001",
		"140",
		"Gtid",
		"1",
		"160",
		"GTID 0-1-1",
		"160",
		"Query",
		"1",
		"200",
		"create database ha",
		"200",
		"Gtid",
		"1",
		"220",
		"BEGIN GTID 0-1-6",
		"210",
		"Annotate_rows",
		"1",
		"220",
		"replace into x",
		"220",
		"Table_map",
		"1",
		"250",
		"table_id: 71 (ha.heartbeat)",
		"270",
		"Xid",
		"1",
		"300",
		"COMMIT /* xid=8 */",
		"300",
		"Gtid",
		"2",
		"310",
		"BEGIN GTID 0-2-7",
		"350",
		"Xid",
		"2",
		"400",
		"COMMIT /* xid=9 */",
		"400",
		"Stop",
		"2",
		"420",
		NULL,
	};

	(void)state;
	check_log(cells, ROWS(cells), 1);
}

static void
matches_what_agrees(void **state)
{
	/* beat, a, b, beat; the replica has x, beat, a */
	static const struct map_commit source[] = { { 10, 1, 1 }, { 20, 1, 0 },
		{ 30, 2, 0 }, { 40, 1, 1 } };
	static const struct map_commit replica[] = { { 5, 1, 0 }, { 6, 1, 1 },
		{ 7, 1, 0 } };
	const char *why;
	size_t last;

	(void)state;
	assert_int_equal(map_match(source, 4, replica, 3, 1, &last, &why), 0);
	assert_int_equal(last, 1);
	assert_int_equal(map_match(source, 4, replica, 2, 1, &last, &why), 0);
	assert_int_equal(last, 0);
	/* What is before the row doesn't count; another's row is none. */
	assert_int_equal(
	    map_match(source + 1, 3, replica, 2, 1, &last, &why), 0);
	assert_int_equal(last, 2);
	assert_int_equal(map_match(source, 4, replica, 2, 2, &last, &why), -1);
}

static void
refuses_what_differs(void **state)
{
	static const struct map_commit source[] = { { 10, 1, 1 },
		{ 20, 1, 0 } };
	static const struct map_commit ended[] = { { 10, 1, 1 }, { 0, -1, 0 } };
	static const struct map_commit other[] = { { 6, 1, 1 }, { 7, 2, 0 } };
	static const struct map_commit longer[] = { { 6, 1, 1 }, { 7, 1, 0 },
		{ 8, 1, 0 } };
	const char *why = NULL;
	size_t last;

	(void)state;
	assert_int_equal(map_match(source, 2, other, 2, 1, &last, &why), -1);
	assert_non_null(why);
	assert_int_equal(map_match(source, 2, longer, 3, 1, &last, &why), -1);
	assert_int_equal(map_match(source, 0, longer, 3, 1, &last, &why), -1);
	/* Without a log of its own: only when nothing else was written. */
	assert_int_equal(map_match(source, 2, NULL, 0, 1, &last, &why), -1);
	assert_int_equal(map_match(source, 1, NULL, 0, 1, &last, &why), 0);
	assert_int_equal(last, 0);
	/* Nor when the log goes on in another file. */
	assert_int_equal(map_match(ended, 2, NULL, 0, 1, &last, &why), -1);
	assert_int_equal(map_match(ended, 2, other, 1, 1, &last, &why), 0);
	assert_int_equal(last, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transactions_of_mysql),
		cmocka_unit_test(transactions_of_mariadb),
		cmocka_unit_test(matches_what_agrees),
		cmocka_unit_test(refuses_what_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
