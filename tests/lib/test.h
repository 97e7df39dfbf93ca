/* SPDX-License-Identifier: ISC */
/* test - what the unit tests share: cmocka, a folder, random bytes. */
#ifndef HA_TEST_H
#define HA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The seed of a randomised test: HA_SEED, else the time; printed for TAP. */
static inline unsigned
test_seed(void)
{
	const char *text = getenv("HA_SEED");
	unsigned seed = text ? (unsigned)strtoul(text, NULL, 10)
			     : (unsigned)getpid() * 2654435761U;

	printf("# HA_SEED=%u\n", seed);
	fflush(stdout);
	srandom(seed);
	return seed;
}

/* At random, below n. */
static inline size_t
test_random(size_t n)
{
	return (size_t)random() % n;
}

/* cmocka_unit_test() in a folder of its own, removed even after a failure. */
#define test_in_folder(f)                                                      \
	cmocka_unit_test_setup_teardown(f, test_enter, test_leave)

static inline int
test_enter(void **state)
{
	char *path = strdup("/tmp/ha-test-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? chdir(path) : -1;
}

static inline int
test_leave(void **state)
{
	char command[96];
	int failed;

	snprintf(command, sizeof(command), "rm -rf '%s'", (char *)*state);
	free(*state);
	failed = chdir("/") || system(command);
	return failed ? -1 : 0;
}

#endif
