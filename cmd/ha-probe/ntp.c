/* SPDX-License-Identifier: ISC */
/*
 * ntp - ask a time server for the time: does it know it, and how far is ours.
 *
 * The request bears a random number where a clock's reading would be; the
 * answer has to repeat it.  Source: RFC 5905, sections 7.3, 7.4, 8 and 14.
 */
#include "dialog.h"

#include <math.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "clock.h"
#include "probe.h"
#include "range.h"

enum {
	PACKET = 48,
	MODE_CLIENT = 3,
	MODE_SERVER = 4,
	LEAP_UNKNOWN = 3,
	STRATUM_UNKNOWN = 16,
};
/* Where the packet's fields are. */
enum {
	AT_STRATUM = 1,
	AT_REFERENCE_ID = 12,
	AT_ORIGIN = 24,
	AT_RECEIVE = 32,
	AT_TRANSMIT = 40,
};

/* From 1900 to 1970. */
#define UNIX_EPOCH UINT64_C(2208988800)

/* note[0] holds the random number, note[1] when it was sent. */

static uint64_t
get64(const char *p)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | (unsigned char)p[i];
	return value;
}

static void
put64(char *p, uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		p[i] = (char)(value & 0xff);
}

/* This machine's clock as a timestamp: seconds since 1900, 32 bits each. */
static uint64_t
now_ntp(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec + UNIX_EPOCH) << 32 |
	       ((uint64_t)now.tv_nsec << 32) / 1000000000;
}

static uint64_t
random64(void)
{
	uint64_t value;

	if (getrandom(&value, sizeof(value), 0) != sizeof(value))
		value = (uint64_t)ha_clock_now_ns();
	return value;
}

static void
ntp_open(struct probe *probe, struct ha_buf *send)
{
	char packet[PACKET] = { 4 << 3 | MODE_CLIENT };

	probe->note[0] = random64();
	probe->note[1] = now_ntp();
	put64(packet + AT_TRANSMIT, probe->note[0]);
	ha_buf_add(send, packet, PACKET);
}

/* Seconds from b to a, whose difference is below 68 years. */
static double
difference(uint64_t a, uint64_t b)
{
	return ldexp((double)(int64_t)(a - b), -32);
}

/* Stratum 0: the kiss-o'-death, four letters. */
static enum dialog_step
kissed(struct probe *probe, const char *code)
{
	if (memcmp(code, "RATE", 4) == 0) {
		probe_warn(probe, "it is asked too often (RATE)");
		return DIALOG_DONE;
	}
	if (memcmp(code, "DENY", 4) == 0 || memcmp(code, "RSTR", 4) == 0)
		probe_fail(
		    probe, FAULT_TARGET, "it denies us service (%.4s)", code);
	else
		probe_fail(probe, FAULT_TARGET,
		    "it does not know the time (%.*s)", (int)strnlen(code, 4),
		    code);
	return DIALOG_FAILED;
}

static void
say_offset(struct probe *probe, unsigned stratum, double offset)
{
	struct ha_buf words = HA_BUF_INIT;
	const struct ha_perf perf[] = {
		{ .label = "offset",
		    .value = offset,
		    .unit = "s",
		    .min = NAN,
		    .max = NAN },
		{ .label = "stratum",
		    .value = stratum,
		    .unit = "",
		    .min = NAN,
		    .max = NAN },
	};

	ha_buf_addf(&words, "stratum %u, offset ", stratum);
	if (fabs(offset) < 0.999)
		ha_buf_addf(&words, "%.3g ms", offset * 1e3);
	else
		ha_buf_addf(&words, "%.3f s", offset);
	dialog_say(probe, words.data, words.len);
	ha_buf_release(&words);
	for (size_t i = 0; i < sizeof(perf) / sizeof(perf[0]); i++)
		ha_perf_add(&probe->seen.perf, &perf[i]);
}

/* It may answer the request that was sent again: when that was is not known. */
static enum dialog_step
say_late(struct probe *probe, unsigned stratum, double delay)
{
	struct ha_buf words = HA_BUF_INIT;

	ha_buf_addf(&words,
	    "stratum %u, offset unknown: the answer took %.1f s", stratum,
	    delay);
	dialog_say(probe, words.data, words.len);
	ha_buf_release(&words);
	return DIALOG_DONE;
}

static enum dialog_step
judge(struct probe *probe, const char *packet)
{
	/* datagram.c sends it again after a second. */
	static const double too_late = 0.99;
	uint64_t sent = probe->note[1], now = now_ntp();
	uint64_t received = get64(packet + AT_RECEIVE);
	uint64_t returned = get64(packet + AT_TRANSMIT);
	unsigned stratum = (unsigned char)packet[AT_STRATUM];
	double delay = difference(now, sent);

	if (stratum == 0)
		return kissed(probe, packet + AT_REFERENCE_ID);
	if ((packet[0] >> 6 & 3) == LEAP_UNKNOWN ||
	    stratum >= STRATUM_UNKNOWN) {
		probe_fail(probe, FAULT_TARGET,
		    "its clock is not synchronised (stratum %u)", stratum);
		return DIALOG_FAILED;
	}
	if (received == 0 || returned == 0) {
		probe_fail(probe, FAULT_TARGET, "its answer bears no time");
		return DIALOG_FAILED;
	}
	if (delay > too_late)
		return say_late(probe, stratum, delay);
	say_offset(probe, stratum,
	    (difference(received, sent) + difference(returned, now)) / 2);
	return DIALOG_DONE;
}

static enum dialog_step
ntp_input(
    struct probe *probe, struct ha_buf *in, int is_end, struct ha_buf *send)
{
	enum dialog_step step = DIALOG_MORE;

	(void)send;
	/* Whatever is no answer to this request may come from anybody. */
	if (in->len >= PACKET && (in->data[0] & 7) == MODE_SERVER &&
	    get64(in->data + AT_ORIGIN) == probe->note[0])
		step = judge(probe, in->data);
	else if (in->len > 0)
		probe->awaited = "answer to this request, but another one";
	ha_buf_consume(in, in->len);
	if (step == DIALOG_MORE && is_end) {
		probe_fail(probe, FAULT_TARGET, "no answer");
		return DIALOG_FAILED;
	}
	return step;
}

const struct dialog dialog_ntp = {
	.open = ntp_open,
	.input = ntp_input,
	.max_input = 2048,
	.awaited = "answer",
};
