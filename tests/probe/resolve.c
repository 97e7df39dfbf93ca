/* SPDX-License-Identifier: ISC */
/*
 * resolve - each name once, none in another's way, whose fault it is.
 *
 * getaddrinfo(3) is the test's own: "silent*" waits until it is let go.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>

#include "clock.h"
#include "resolve.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int is_let_go;
static unsigned calls, silent, most_silent;

static const struct failure {
	const char *host;
	int gai, is_local;
	const char *words;
} failures[] = {
	{ "noname", EAI_NONAME, 0, "no such name" },
	{ "nodata", EAI_NODATA, 0, "no address" },
	{ "family", EAI_ADDRFAMILY, 0, "no address" },
	{ "again", EAI_AGAIN, 1, "the resolver has no answer" },
	{ "fail", EAI_FAIL, 1, "the resolver failed" },
	{ "memory", EAI_MEMORY, 1, "Memory allocation failure" },
	{ "system", EAI_SYSTEM, 1, "the resolver failed: Too many open files" },
};

#define FAILURES (sizeof(failures) / sizeof(failures[0]))

static void
wait_to_be_let_go(void)
{
	if (++silent > most_silent)
		most_silent = silent;
	pthread_cond_broadcast(&changed);
	while (!is_let_go)
		pthread_cond_wait(&changed, &mutex);
	silent--;
	pthread_cond_broadcast(&changed);
}

static struct addrinfo *
entry(const char *address, struct addrinfo *next)
{
	struct addrinfo *ai = calloc(1, sizeof(*ai));
	struct sockaddr_in *in = calloc(1, sizeof(*in));

	in->sin_family = AF_INET;
	inet_pton(AF_INET, address, &in->sin_addr);
	ai->ai_addr = (struct sockaddr *)in;
	ai->ai_addrlen = sizeof(*in);
	ai->ai_next = next;
	return ai;
}

int
getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
    struct addrinfo **found)
{
	(void)service, (void)hints;
	pthread_mutex_lock(&mutex);
	calls++;
	if (strncmp(node, "silent", 6) == 0)
		wait_to_be_let_go();
	pthread_mutex_unlock(&mutex);
	for (size_t i = 0; i < FAILURES; i++)
		if (strcmp(node, failures[i].host) == 0) {
			errno = EMFILE;
			return failures[i].gai;
		}
	*found =
	    entry("192.0.2.1", entry("192.0.2.1", entry("192.0.2.2", NULL)));
	return 0;
}

void
freeaddrinfo(struct addrinfo *ai)
{
	while (ai != NULL) {
		struct addrinfo *next = ai->ai_next;

		free(ai->ai_addr);
		free(ai);
		ai = next;
	}
}

static struct loop *loop;
static struct resolver *resolver;

struct asked {
	struct resolve_wait wait;
	const struct addresses *addresses;
};

static unsigned answers;

static void
done(struct resolve_wait *wait, const struct addresses *addresses)
{
	LOOP_OWNER(wait, struct asked, wait)->addresses = addresses;
	assert_null(wait->name);
	answers++;
}

static int
ask(struct asked *asked, const char *host, int family)
{
	memset(asked, 0, sizeof(*asked));
	asked->wait.done = done;
	return resolver_ask(resolver, host, family, &asked->wait);
}

static void
await(const struct asked *asked)
{
	struct ha_err err;

	while (asked->addresses == NULL)
		assert_int_equal(loop_step(loop, &err), 0);
}

static void
let_go(void)
{
	pthread_mutex_lock(&mutex);
	is_let_go = 1;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

static void
await_silent(unsigned n)
{
	pthread_mutex_lock(&mutex);
	while (silent != n)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

static int
set_up(void **state)
{
	struct ha_err err;

	(void)state;
	is_let_go = 0;
	calls = silent = most_silent = answers = 0;
	if (loop_new(&loop, &err) != 0)
		return -1;
	resolver = resolver_new(loop);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	resolver_free(resolver);
	loop_free(loop);
	/* A thread that outlives its resolver touches none of it. */
	let_go();
	await_silent(0);
	return 0;
}

static void
test_numeric(void **state)
{
	static const struct {
		const char *host;
		int family, count;
	} cases[] = {
		{ "192.0.2.7", AF_UNSPEC, 1 },
		{ "192.0.2.7", AF_INET, 1 },
		{ "192.0.2.7", AF_INET6, 0 },
		{ "2001:db8::1", AF_UNSPEC, 1 },
		{ "2001:db8::1", AF_INET, 0 },
		{ "fe80::1%lo", AF_INET6, 1 },
		{ "fe80::1%7", AF_INET6, 1 },
	};
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(
		    ask(&asked, cases[i].host, cases[i].family), 1);
		assert_int_equal(asked.addresses->count, cases[i].count);
		if (cases[i].count == 0) {
			assert_true(asked.addresses->is_local);
			assert_non_null(
			    strstr(asked.addresses->words, "not an IPv"));
		}
	}
	assert_int_equal(calls, 0);
	assert_int_equal(
	    ((const struct sockaddr_in6 *)(const void *)&asked.addresses
		    ->list[0]
		    .sa)
		->sin6_scope_id,
	    7);
}

static void
test_once(void **state)
{
	struct asked asked[50], again, other;

	(void)state;
	for (int i = 0; i < 50; i++)
		assert_int_equal(ask(&asked[i], "web", AF_UNSPEC), 0);
	for (int i = 0; i < 50; i++)
		await(&asked[i]);
	assert_int_equal(calls, 1);
	/* The first of the duplicates, in the resolver's order. */
	assert_int_equal(asked[0].addresses->count, 2);
	assert_int_equal(ask(&again, "web", AF_UNSPEC), 1);
	assert_ptr_equal(again.addresses, asked[0].addresses);
	assert_int_equal(ask(&other, "web", AF_INET), 0);
	await(&other);
	assert_int_equal(calls, 2);
}

/* Names that get no answer hold up neither others nor the end. */
static void
test_silent(void **state)
{
	struct asked stuck[40], other;
	char host[32];

	(void)state;
	for (int i = 0; i < 40; i++) {
		snprintf(host, sizeof(host), "silent%d", i);
		assert_int_equal(ask(&stuck[i], host, AF_UNSPEC), 0);
	}
	assert_int_equal(ask(&other, "web", AF_UNSPEC), 0);
	await(&other);
	assert_int_equal(answers, 1);
}

static void
test_threads(void **state)
{
	static struct asked asked[500];
	char host[32];

	(void)state;
	for (int i = 0; i < 500; i++) {
		snprintf(host, sizeof(host), "silent%d", i);
		assert_int_equal(ask(&asked[i], host, AF_UNSPEC), 0);
	}
	await_silent(64);
	let_go();
	for (int i = 0; i < 500; i++)
		await(&asked[i]);
	assert_int_equal(most_silent, 64);
	assert_int_equal(calls, 500);
}

static void
test_forget(void **state)
{
	struct asked first, second, third, last;

	(void)state;
	ask(&first, "silent", AF_UNSPEC);
	ask(&second, "silent", AF_UNSPEC);
	ask(&third, "silent", AF_UNSPEC);
	resolver_forget(resolver, &first.wait);
	resolver_forget(resolver, &first.wait);
	resolver_forget(resolver, &third.wait);
	ask(&last, "silent", AF_UNSPEC);
	let_go();
	await(&second);
	await(&last);
	assert_null(first.addresses);
	assert_null(third.addresses);
	assert_int_equal(calls, 1);
}

static void
test_failures(void **state)
{
	struct asked asked;

	(void)state;
	for (size_t i = 0; i < FAILURES; i++) {
		ask(&asked, failures[i].host, AF_UNSPEC);
		await(&asked);
		assert_int_equal(asked.addresses->count, 0);
		assert_int_equal(
		    asked.addresses->is_local, failures[i].is_local);
		assert_string_equal(asked.addresses->words, failures[i].words);
	}
	ask(&asked, "nodata", AF_INET6);
	await(&asked);
	assert_string_equal(asked.addresses->words, "no IPv6 address");
}

static void
wake(struct loop_timer *timer)
{
	timer->fire = NULL;
}

static void
pass_time(int64_t ms)
{
	struct loop_timer timer = { .fire = wake };
	struct ha_err err;

	loop_set_timer(loop, &timer, ha_clock_deadline(ms));
	while (timer.fire != NULL)
		assert_int_equal(loop_step(loop, &err), 0);
}

/* A retry asks again where this machine was at fault, and only there. */
static void
test_stale(void **state)
{
	struct asked asked;

	(void)state;
	ask(&asked, "again", AF_UNSPEC);
	await(&asked);
	assert_int_equal(ask(&asked, "again", AF_UNSPEC), 1);
	ask(&asked, "noname", AF_UNSPEC);
	await(&asked);
	assert_int_equal(calls, 2);
	pass_time(550);
	assert_int_equal(ask(&asked, "noname", AF_UNSPEC), 1);
	assert_int_equal(ask(&asked, "again", AF_UNSPEC), 0);
	await(&asked);
	assert_int_equal(calls, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_numeric, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_silent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_threads, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_forget, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
		    test_failures, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stale, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
