/* SPDX-License-Identifier: ISC */
/*
 * blame - a local fault is never the target's death, and one address of which
 * we know is enough to know of the target.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>

#include "clock.h"
#include "link.h"
#include "probe.h"

static enum probe_fault failed_by;
static char failed_words[512];
static int fails, is_link_down;

void
probe_fail(struct probe *probe, enum probe_fault fault, const char *fmt, ...)
{
	va_list ap;

	(void)probe;
	fails++;
	failed_by = fault;
	va_start(ap, fmt);
	vsnprintf(failed_words, sizeof(failed_words), fmt, ap);
	va_end(ap);
}

int
link_is_down(const struct address *address, char name[IF_NAMESIZE])
{
	(void)address;
	strcpy(name, "eth7");
	return is_link_down;
}

static void
test_table(void **state)
{
	static const struct {
		int sys;
		enum probe_fault at_once, later;
	} table[] = {
		{ ECONNREFUSED, FAULT_TARGET, FAULT_TARGET },
		{ ECONNRESET, FAULT_TARGET, FAULT_TARGET },
		{ EPIPE, FAULT_TARGET, FAULT_TARGET },
		{ ETIMEDOUT, FAULT_TARGET, FAULT_TARGET },
		{ EHOSTUNREACH, FAULT_LOCAL, FAULT_TARGET },
		{ ENETUNREACH, FAULT_LOCAL, FAULT_TARGET },
		{ EACCES, FAULT_LOCAL, FAULT_TARGET },
		{ EPERM, FAULT_LOCAL, FAULT_LOCAL },
		{ ENETDOWN, FAULT_LOCAL, FAULT_LOCAL },
		{ EMFILE, FAULT_LOCAL, FAULT_LOCAL },
		{ ENFILE, FAULT_LOCAL, FAULT_LOCAL },
		{ ENOMEM, FAULT_LOCAL, FAULT_LOCAL },
		{ ENOBUFS, FAULT_LOCAL, FAULT_LOCAL },
		{ EADDRNOTAVAIL, FAULT_LOCAL, FAULT_LOCAL },
		{ EAFNOSUPPORT, FAULT_LOCAL, FAULT_LOCAL },
		{ ENODEV, FAULT_LOCAL, FAULT_LOCAL },
		{ EINVAL, FAULT_LOCAL, FAULT_LOCAL },
		{ EAGAIN, FAULT_LOCAL, FAULT_LOCAL },
		{ 9999, FAULT_LOCAL, FAULT_LOCAL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		assert_int_equal(
		    probe_blame(table[i].sys, 1), table[i].at_once);
		assert_int_equal(probe_blame(table[i].sys, 0), table[i].later);
	}
}

#define MANY 5

static struct address list[MANY];
static struct addresses addresses = { .list = list };
static struct target target;
static struct probe probe;
static char names[] = "192.0.2.1:80";

static const char *
awaiting(const struct probe *p)
{
	(void)p;
	return "no answer to SYN";
}

static void
begin(size_t count)
{
	static const struct way way = { .awaiting = awaiting };

	for (size_t i = 0; i < MANY; i++)
		list[i].sa.ss_family = AF_INET;
	addresses.count = count;
	ha_buf_release(&probe.tried);
	memset(&probe, 0, sizeof(probe));
	ha_buf_init(&probe.tried);
	probe.addresses = &addresses;
	probe.target = &target;
	probe.way = &way;
	probe.seen.address = names;
	fails = is_link_down = 0;
}

static int
set_up(void **state)
{
	(void)state;
	ha_buf_init(&probe.tried);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	ha_buf_release(&probe.tried);
	return 0;
}

static void
test_one(void **state)
{
	(void)state;
	begin(1);
	assert_int_equal(probe_next_errno(&probe, ECONNREFUSED, 0), 0);
	assert_int_equal(fails, 1);
	assert_int_equal(failed_by, FAULT_TARGET);
	assert_string_equal(failed_words, "connection refused by 192.0.2.1:80");
	begin(1);
	assert_int_equal(probe_next_errno(&probe, EMFILE, 1), 0);
	assert_int_equal(failed_by, FAULT_LOCAL);
	assert_string_equal(
	    failed_words, "no file descriptor is left for 192.0.2.1:80");
}

/* In any order: a local fault of one address does not hide the target's. */
static void
test_mixed(void **state)
{
	static const int orders[][2] = { { ENETUNREACH, ECONNREFUSED },
		{ ECONNREFUSED, ENETUNREACH } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		begin(2);
		assert_int_equal(probe_next_errno(&probe, orders[i][0], 1), 1);
		assert_int_equal(probe.seen.address_index, 1);
		assert_int_equal(fails, 0);
		assert_int_equal(probe_next_errno(&probe, orders[i][1], 1), 0);
		assert_int_equal(failed_by, FAULT_TARGET);
		assert_non_null(strstr(failed_words, "refused by"));
		assert_non_null(strstr(failed_words, "no route to"));
	}
	begin(2);
	assert_int_equal(probe_next_errno(&probe, ENETUNREACH, 1), 1);
	assert_int_equal(probe_next_errno(&probe, ENETUNREACH, 1), 0);
	assert_int_equal(failed_by, FAULT_LOCAL);
}

static void
test_many(void **state)
{
	(void)state;
	begin(MANY);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(
		    probe_next_errno(&probe, ECONNREFUSED, 0), i + 1 < MANY);
	assert_int_equal(fails, 1);
	assert_string_equal(failed_words,
	    "connection refused by 192.0.2.1:80; connection refused by "
	    "192.0.2.1:80; connection refused by 192.0.2.1:80; 2 more");
}

static void
test_link(void **state)
{
	(void)state;
	begin(1);
	assert_int_equal(probe_next_silent(&probe), 0);
	assert_int_equal(failed_by, FAULT_TARGET);
	assert_string_equal(failed_words, "no answer to SYN from 192.0.2.1:80");
	begin(1);
	is_link_down = 1;
	assert_int_equal(probe_next_silent(&probe), 0);
	assert_int_equal(failed_by, FAULT_LOCAL);
	assert_string_equal(
	    failed_words, "our link is down: eth7, to 192.0.2.1:80");
	begin(1);
	is_link_down = 1;
	assert_int_equal(probe_next_errno(&probe, EHOSTUNREACH, 0), 0);
	assert_int_equal(failed_by, FAULT_LOCAL);
	/* Who refuses has been reached. */
	begin(1);
	is_link_down = 1;
	assert_int_equal(probe_next_errno(&probe, ECONNREFUSED, 0), 0);
	assert_int_equal(failed_by, FAULT_TARGET);
}

/* Who is silent gets an equal part of what is left; the last one all of it. */
static void
test_share(void **state)
{
	int64_t now_ns = ha_clock_now_ns();
	int64_t share_ns;

	(void)state;
	begin(4);
	probe.deadline_ns = now_ns + 400 * HA_S_NS;
	share_ns = probe_share_ns(&probe) - now_ns;
	assert_in_range(share_ns / HA_S_NS, 100, 101);
	probe.seen.address_index = 2;
	share_ns = probe_share_ns(&probe) - now_ns;
	assert_in_range(share_ns / HA_S_NS, 200, 201);
	probe.seen.address_index = 3;
	assert_true(probe_share_ns(&probe) == HA_CLOCK_NEVER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_link),
		cmocka_unit_test(test_share),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
