/* SPDX-License-Identifier: ISC */
/*
 * ntp - a server that knows the time, one that does not, and whoever answers
 * what was not asked.
 */
#include "test.h"

#include <time.h>

#include "talk.h"

/* The time in seconds since 1900, moved, as a timestamp of 64 bits. */
static void
put_time(unsigned char *p, double moved)
{
	struct timespec now;
	uint64_t seconds;

	clock_gettime(CLOCK_REALTIME, &now);
	seconds = ((uint64_t)now.tv_sec + 2208988800U) << 32;
	seconds += ((uint64_t)now.tv_nsec << 32) / 1000000000;
	/* The unsigned number wraps, as the clock does. */
	seconds += (uint64_t)(int64_t)(moved * 4294967296.0);
	for (int i = 7; i >= 0; i--, seconds >>= 8)
		p[i] = seconds & 0xff;
}

/* A good answer of a server whose clock is moved. */
static void
answer(unsigned char packet[48], const struct talk *talk, double moved)
{
	memset(packet, 0, 48);
	packet[0] = 4 << 3 | 4;
	packet[1] = 3;
	memcpy(packet + 24, talk->sent.data + 40, 8);
	put_time(packet + 32, moved);
	put_time(packet + 40, moved);
}

static void
request_tells_nothing(void **state)
{
	static const char zeroes[39];
	struct talk talk;
	char first[8];

	(void)state;
	talk_open(&talk, &dialog_ntp, NULL);
	assert_int_equal(talk.sent.len, 48);
	assert_int_equal(talk.sent.data[0], 4 << 3 | 3);
	assert_memory_equal(talk.sent.data + 1, zeroes, 39);
	memcpy(first, talk.sent.data + 40, 8);
	talk_close(&talk);
	talk_open(&talk, &dialog_ntp, NULL);
	assert_memory_not_equal(talk.sent.data + 40, first, 8);
	talk_close(&talk);
}

static void
hear(double moved, double low, double high)
{
	unsigned char packet[48];
	struct talk talk;
	double offset;

	talk_open(&talk, &dialog_ntp, NULL);
	answer(packet, &talk, moved);
	talk_hear(&talk, packet, 48, 0);
	assert_int_equal(talk.step, DIALOG_DONE);
	assert_int_equal(
	    sscanf(talk.probe.seen.perf.data, "offset=%lf", &offset), 1);
	assert_true(offset > low && offset < high);
	assert_non_null(strstr(talk.probe.seen.perf.data, "stratum=3"));
	assert_int_equal(
	    strncmp(talk_words(&talk), "stratum 3, offset ", 18), 0);
	talk_close(&talk);
}

static void
offset_is_told(void **state)
{
	(void)state;
	hear(0, -0.5, 0.5);
	hear(100.25, 99.75, 100.75);
	hear(-100.25, -100.75, -99.75);
	hear(1e9, 1e9 - 1, 1e9 + 1);
}

struct bad {
	size_t at;
	unsigned char byte;
	enum dialog_step step;
	const char *words;
};

static void
each_state_has_its_words(void **state)
{
	static const struct bad bads[] = {
		{ 0, 3 << 6 | 4 << 3 | 4, DIALOG_FAILED,
		    "its clock is not synchronised (stratum 3)" },
		{ 1, 16, DIALOG_FAILED,
		    "its clock is not synchronised (stratum 16)" },
		{ 1, 255, DIALOG_FAILED,
		    "its clock is not synchronised (stratum 255)" },
		{ 0, 4 << 3 | 3, DIALOG_MORE, "" },
		{ 0, 4 << 3 | 5, DIALOG_MORE, "" },
		{ 24, 0, DIALOG_MORE, "" },
		{ 0, 3 << 3 | 4, DIALOG_DONE, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		unsigned char packet[48];
		struct talk talk;

		talk_open(&talk, &dialog_ntp, NULL);
		answer(packet, &talk, 0);
		packet[bads[i].at] =
		    bads[i].at == 24 ? packet[24] ^ 1 : bads[i].byte;
		talk_hear(&talk, packet, 48, 0);
		assert_int_equal(talk.step, bads[i].step);
		if (bads[i].words)
			assert_string_equal(talk_words(&talk), bads[i].words);
		talk_close(&talk);
	}
}

static void
kiss_of_death_is_told(void **state)
{
	static const struct {
		const char *code;
		enum dialog_step step;
		const char *words;
	} kisses[] = {
		{ "RATE", DIALOG_DONE, "it is asked too often (RATE)" },
		{ "DENY", DIALOG_FAILED, "it denies us service (DENY)" },
		{ "RSTR", DIALOG_FAILED, "it denies us service (RSTR)" },
		{ "INIT", DIALOG_FAILED, "it does not know the time (INIT)" },
		{ "\0\0\0\0", DIALOG_FAILED, "it does not know the time ()" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(kisses) / sizeof(kisses[0]); i++) {
		unsigned char packet[48];
		struct talk talk;

		talk_open(&talk, &dialog_ntp, NULL);
		answer(packet, &talk, 0);
		packet[1] = 0;
		memcpy(packet + 12, kisses[i].code, 4);
		talk_hear(&talk, packet, 48, 0);
		assert_int_equal(talk.step, kisses[i].step);
		assert_string_equal(talk_words(&talk), kisses[i].words);
		assert_int_equal(talk.is_warned, kisses[i].step == DIALOG_DONE);
		talk_close(&talk);
	}
}

static void
answer_without_a_time_is_none(void **state)
{
	unsigned char packet[48];
	struct talk talk;

	(void)state;
	talk_open(&talk, &dialog_ntp, NULL);
	answer(packet, &talk, 0);
	memset(packet + 40, 0, 8);
	talk_hear(&talk, packet, 48, 0);
	assert_int_equal(talk.step, DIALOG_FAILED);
	assert_string_equal(talk_words(&talk), "its answer bears no time");
	talk_close(&talk);
}

/* Of a request that was sent twice nobody knows which was answered. */
static void
late_answer_tells_no_offset(void **state)
{
	unsigned char packet[48];
	struct talk talk;

	(void)state;
	talk_open(&talk, &dialog_ntp, NULL);
	answer(packet, &talk, 0);
	talk.probe.note[1] -= UINT64_C(3) << 31;
	talk_hear(&talk, packet, 48, 0);
	assert_int_equal(talk.step, DIALOG_DONE);
	assert_string_equal(talk_words(&talk),
	    "stratum 3, offset unknown: the answer took 1.5 s");
	assert_int_equal(talk.probe.seen.perf.len, 0);
	talk_close(&talk);
}

static void
short_answer_is_let_pass(void **state)
{
	unsigned char packet[68] = { 0 };
	struct talk talk;

	(void)state;
	talk_open(&talk, &dialog_ntp, NULL);
	answer(packet, &talk, 0);
	for (size_t len = 1; len < 48; len++) {
		talk_hear(&talk, packet, len, 0);
		assert_int_equal(talk.step, DIALOG_MORE);
		assert_int_equal(talk.in.len, 0);
	}
	/* With a key and its digest behind it. */
	talk_hear(&talk, packet, sizeof(packet), 0);
	assert_int_equal(talk.step, DIALOG_DONE);
	talk_close(&talk);
}

static void
any_times_are_numbers(void **state)
{
	(void)state;
	test_seed();
	for (int i = 0; i < 20000; i++) {
		unsigned char packet[48];
		struct talk talk;

		talk_open(&talk, &dialog_ntp, NULL);
		answer(packet, &talk, 0);
		for (size_t n = 0; n < 16; n++)
			packet[32 + n] = (unsigned char)test_random(256);
		talk_hear(&talk, packet, 48, 0);
		assert_int_equal(talk.step, DIALOG_DONE);
		assert_null(strstr(talk.probe.seen.perf.data, "nan"));
		assert_null(strstr(talk.probe.seen.perf.data, "inf"));
		talk_close(&talk);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_tells_nothing),
		cmocka_unit_test(offset_is_told),
		cmocka_unit_test(each_state_has_its_words),
		cmocka_unit_test(kiss_of_death_is_told),
		cmocka_unit_test(answer_without_a_time_is_none),
		cmocka_unit_test(late_answer_tells_no_offset),
		cmocka_unit_test(short_answer_is_let_pass),
		cmocka_unit_test(any_times_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
