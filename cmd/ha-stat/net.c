/* SPDX-License-Identifier: ISC */
/*
 * net - a network interface: its link, what it carries, its errors.
 * proc(5), /proc/net/dev; Linux, Documentation/ABI/testing/sysfs-class-net.
 */
#include <math.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "kernel.h"
#include "kinds.h"
#include "rates.h"

enum { USE, IN, OUT, ERRORS, DROPS, PACKETS, SPEED };

static const struct kind_option options[] = {
	{ "use", OPTION_LIMIT, HA_RANGE_BYTES, NULL, "80%,95%",
	    "bytes a second of the busier direction, or percent of the link's "
	    "speed if that is known" },
	{ "in", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "bytes received a second, or percent, likewise" },
	{ "out", OPTION_LIMIT, HA_RANGE_BYTES, NULL, NULL,
	    "bytes sent a second, or percent, likewise" },
	{ "errors", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, "1,10",
	    "packets with errors a second, both directions" },
	{ "drops", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "packets dropped a second, both directions" },
	{ "packets", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "packets a second, both directions" },
	{ "speed", OPTION_LIMIT, HA_RANGE_NUMBER, NULL, NULL,
	    "of the link in Mbit/s, such as speed=1000:" },
	{ NULL },
};

enum {
	C_IN,
	C_IN_PACKETS,
	C_IN_ERRORS,
	C_IN_DROPS,
	C_OUT,
	C_OUT_PACKETS,
	C_OUT_ERRORS,
	C_OUT_DROPS,
	COUNTERS
};
/* Their columns behind the colon of /proc/net/dev. */
static const unsigned char columns[COUNTERS] = { 0, 1, 2, 3, 8, 9, 10, 11 };
#define COLUMNS 12

struct interface {
	char name[IF_NAMESIZE];
	struct sample now;
	const struct sample *before;
};

struct data {
	struct interface *interfaces; /* one, or all */
	size_t count;
};

/* A second's worth of one interface. */
struct use {
	double in, out, errors, drops, packets;
};

/* fmax(3) without libm. */
static double
larger(double a, double b)
{
	return a > b ? a : b;
}

/* 0, or -1: a heading, or a line that is cut off. */
static int
parse_line(const char *line, struct interface *interface)
{
	const char *end = kernel_line_end(line), *colon;
	uint64_t number[COLUMNS];
	size_t len;

	while (*line == ' ')
		line++;
	/* A name may hold a colon; the numbers behind it can't. */
	for (colon = end; colon > line && *colon != ':';)
		colon--;
	len = (size_t)(colon - line);
	if (*colon != ':' || !len || len >= sizeof(interface->name))
		return -1;
	memcpy(interface->name, line, len);
	interface->name[len] = '\0';
	line = colon + 1;
	for (size_t i = 0; i < COLUMNS; i++)
		if (kernel_number(&line, &number[i]))
			return -1;
	for (size_t i = 0; i < COUNTERS; i++)
		interface->now.counters[i] = number[columns[i]];
	interface->now.count = COUNTERS;
	interface->now.may_fall = 0;
	return 0;
}

/* A file of /sys/class/net/NAME; -1: none, or nothing that is known. */
static int
read_fact(const char *name, const char *fact, struct ha_buf *text)
{
	struct ha_buf path = HA_BUF_INIT;
	struct ha_err err;
	int result;

	ha_buf_addf(&path, "/sys/class/net/%s/%s", name, fact);
	result = kernel_read(path.data, text, &err);
	ha_buf_release(&path);
	while (!result && text->len && text->data[text->len - 1] == '\n')
		ha_buf_truncate(text, text->len - 1);
	return result;
}

/*
 * Set up by somebody (ip link set up), whether or not there is a link.  What
 * can't tell, as where /sys is not mounted, is taken as up.
 */
static int
is_set_up(const char *name)
{
	struct ha_buf text = HA_BUF_INIT;
	int result = read_fact(name, "flags", &text) ||
		     strtoul(text.data, NULL, 16) & IFF_UP;

	ha_buf_release(&text);
	return result;
}

static int
is_wanted(const struct check *check, const struct interface *interface)
{
	if (check->argument)
		return !strcmp(interface->name, check->argument);
	return strcmp(interface->name, "lo") != 0 && is_set_up(interface->name);
}

static void
note(struct check *check, const struct interface *interface)
{
	struct data *data = check->data;
	struct interface *place;
	char key[IF_NAMESIZE + 8];

	data->interfaces = ha_xrealloc(
	    data->interfaces, (data->count + 1) * sizeof(*data->interfaces));
	place = &data->interfaces[data->count++];
	*place = *interface;
	snprintf(key, sizeof(key), "net %s", interface->name);
	place->before = rates_compare(key, &place->now);
	if (!place->before)
		check_look_again(check);
}

static void
look(struct check *check)
{
	struct data *data = check->data;
	struct ha_buf text = HA_BUF_INIT;
	struct interface interface;
	struct ha_err err;

	data->count = 0;
	if (kernel_read("/proc/net/dev", &text, &err))
		check_fail(check, &err);
	for (const char *line = text.data; *line; line += strspn(line, "\n")) {
		if (!parse_line(line, &interface) &&
		    is_wanted(check, &interface))
			note(check, &interface);
		line = kernel_line_end(line);
	}
	ha_buf_release(&text);
}

static struct use
use_of(const struct interface *interface)
{
	const struct sample *before = interface->before;
	const struct sample *now = &interface->now;

	return (struct use){
		.in = rates_per_second(before, now, C_IN),
		.out = rates_per_second(before, now, C_OUT),
		.errors = rates_per_second(before, now, C_IN_ERRORS) +
			  rates_per_second(before, now, C_OUT_ERRORS),
		.drops = rates_per_second(before, now, C_IN_DROPS) +
			 rates_per_second(before, now, C_OUT_DROPS),
		.packets = rates_per_second(before, now, C_IN_PACKETS) +
			   rates_per_second(before, now, C_OUT_PACKETS),
	};
}

/* Mbit/s; 0 when it is not known (a virtual one, or no link). */
static double
speed_of(const char *name)
{
	struct ha_buf text = HA_BUF_INIT;
	double speed = 0;

	if (!read_fact(name, "speed", &text))
		speed = strtod(text.data, NULL);
	ha_buf_release(&text);
	return speed > 0 ? speed : 0;
}

static void
report(struct check *check, size_t option, double value, double whole,
    const char *unit, const char *words)
{
	struct measured measured = { .option = option,
		.value = value,
		.whole = whole,
		.unit = unit,
		.min = 0,
		.max = whole > 0 ? whole : NAN };

	check_value(check, &measured, option != USE, "%s", words);
}

static void
report_bytes(struct check *check, size_t option, double value, double whole,
    const char *verb)
{
	char words[WORDS_SIZE], phrase[80];

	snprintf(
	    phrase, sizeof(phrase), "%s %s/s", verb, words_bytes(words, value));
	report(check, option, value, whole, "B", phrase);
}

static void
report_count(struct check *check, size_t option, double value, const char *noun)
{
	char phrase[80];

	snprintf(phrase, sizeof(phrase), "%.3g %s a second", value, noun);
	report(check, option, value, 0, "", phrase);
}

static void
report_speed(struct check *check, double speed)
{
	struct measured measured = { .option = SPEED,
		.value = speed,
		.unit = "",
		.min = 0,
		.max = NAN };

	if (speed > 0)
		check_value(check, &measured, 0, "link of %.0f Mbit/s", speed);
	else if (check_setting(check, SPEED)->text)
		check_say(check, HA_STATUS_UNKNOWN,
		    "the speed of the link is not known");
}

static void
judge_use(struct check *check, const struct use *use, double speed)
{
	double whole = speed * 1e6 / 8;
	char in[WORDS_SIZE], out[WORDS_SIZE], phrase[200];
	double most = larger(use->in, use->out);

	snprintf(phrase, sizeof(phrase), "in %s/s, out %s/s",
	    words_bytes(in, use->in), words_bytes(out, use->out));
	report(check, USE, most, whole, "B", phrase);
	report_bytes(check, IN, use->in, whole, "receives");
	report_bytes(check, OUT, use->out, whole, "sends");
	report_count(check, ERRORS, use->errors, "errors");
	report_count(check, DROPS, use->drops, "drops");
	report_count(check, PACKETS, use->packets, "packets");
	if (whole > 0)
		check->gauge = most / whole;
}

/* Is there a link?  What can't tell is taken as up.  Its state goes to state. */
static int
has_link(const char *name, struct ha_buf *state)
{
	return read_fact(name, "operstate", state) ||
	       !strcmp(state->data, "up") || !strcmp(state->data, "unknown");
}

static int
judge_link(struct check *check, const char *name)
{
	struct ha_buf state = HA_BUF_INIT;
	int is_up = 0;

	if (!is_set_up(name))
		check_say(check, HA_STATUS_CRIT, "is not set up");
	else if (!has_link(name, &state))
		check_say(
		    check, HA_STATUS_CRIT, "has no link (%s)", state.data);
	else
		is_up = 1;
	ha_buf_release(&state);
	return is_up;
}

static void
judge_duplex(struct check *check, const char *name)
{
	struct ha_buf text = HA_BUF_INIT;

	if (!read_fact(name, "duplex", &text) && !strcmp(text.data, "half"))
		check_say(check, HA_STATUS_WARN, "half duplex");
	ha_buf_release(&text);
}

static void
judge_one(struct check *check, const struct interface *interface)
{
	double speed = speed_of(interface->name);
	struct use use;

	check_subject(check, "%s", interface->name);
	if (judge_link(check, interface->name)) {
		report_speed(check, speed);
		judge_duplex(check, interface->name);
	}
	if (!interface->before) {
		check_say(
		    check, HA_STATUS_UNKNOWN, "the counters went backwards");
		return;
	}
	use = use_of(interface);
	judge_use(check, &use, speed);
}

/* An idle one without a link counts least: there is a spare port somewhere. */
static double
rank(const struct interface *interface)
{
	struct ha_buf state = HA_BUF_INIT;
	struct use use = { .in = 0 };
	double result;

	if (interface->before)
		use = use_of(interface);
	result = larger(use.in, use.out);
	if (result <= 0 && !has_link(interface->name, &state))
		result = -1;
	ha_buf_release(&state);
	return result;
}

static void
judge(struct check *check)
{
	const struct data *data = check->data;
	const struct interface *busiest = NULL;
	double most = -2;

	for (size_t i = 0; i < data->count; i++) {
		double one = rank(&data->interfaces[i]);

		if (one > most) {
			most = one;
			busiest = &data->interfaces[i];
		}
	}
	if (busiest)
		judge_one(check, busiest);
	else if (check->argument)
		check_say(check, HA_STATUS_CRIT, "there is no interface '%s'",
		    check->argument);
	else
		check_say(
		    check, HA_STATUS_CRIT, "no interface but lo is set up");
}

static void
release(struct check *check)
{
	free(((struct data *)check->data)->interfaces);
}

const struct kind kind_net = {
	.name = "net",
	.argument = "[IFACE]",
	.help = "a network interface; without IFACE, the busiest one but lo",
	.details = "No link is CRIT. A rate: since the last run, or of two "
		   "looks (-i).",
	.options = options,
	.size = sizeof(struct data),
	.look = look,
	.judge = judge,
	.release = release,
};
