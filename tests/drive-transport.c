/* SPDX-License-Identifier: ISC */
/*
 * drive-transport - put ha-push's transport to work from a shell.
 *
 * drive-transport [-F FILE] [-T KIND] [-l USER] [-t MS] [-k MS] HOST ACTION...
 *	exec CMD	stdin and stdout attached; exits with CMD's status
 *	subsystem NAME	say SFTP's hello, print the type of the answer
 *	echo N BYTES CMD	N channels; what they echo is compared
 *	drop N CMD CMD2	start CMD N times, close at once, then exec CMD2
 *	refuse CMD CMD2	start CMD until it is refused, end them all, then exec CMD2
 *	latency N CMD	run it N times, print the median in microseconds
 *	idle MS		only the keep-alives
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cmd/ha-push/transport.h"
#include "../cmd/ha-push/wait.h"
#include "alloc.h"
#include "clock.h"
#include "msg.h"

enum { CHUNK = 256 * 1024 };

static volatile sig_atomic_t stopped;

static void
on_term(int number)
{
	(void)number;
	stopped = 1;
}

int
wait_poll(struct pollfd *fds, nfds_t count, int64_t deadline_ns)
{
	int n;

	if (stopped)
		return -1;
	n = poll(fds, count, ha_clock_poll_ms(deadline_ns));
	return stopped ? -1 : n < 0 ? 0 : n;
}

static void
step(struct transport *t, int64_t deadline_ns)
{
	struct ha_err err;

	if (transport_step(t, deadline_ns, &err) < 0)
		ha_die_err(&err);
}

static struct channel *
must_exec(struct transport *t, const char *command)
{
	struct ha_err err;
	struct channel *c = transport_exec(t, command, &err);

	if (c == NULL)
		ha_die_err(&err);
	return c;
}

static int
finish(struct transport *t, struct channel *c)
{
	int status;

	while (!channel_is_done(c))
		step(t, HA_CLOCK_NEVER);
	status = channel_exit_status(c);
	fprintf(stderr, "%s", channel_errors(c)->data);
	channel_close(c);
	return status;
}

static int
run_exec(struct transport *t, char **args)
{
	struct channel *c = must_exec(t, args[0]);

	channel_attach(c, dup(0), dup(1));
	return finish(t, c);
}

static int
run_subsystem(struct transport *t, char **args)
{
	struct ha_err err;
	struct channel *c = transport_subsystem(t, args[0], &err);

	if (c == NULL)
		ha_die_err(&err);
	ha_buf_add(channel_out(c), "\0\0\0\5\1\0\0\0\3", 9);
	while (channel_in(c)->len < 9 && !channel_is_done(c))
		step(t, HA_CLOCK_NEVER);
	if (channel_in(c)->len >= 9)
		printf("type %d version %d\n", channel_in(c)->data[4],
		    channel_in(c)->data[8]);
	channel_send_eof(c);
	return finish(t, c);
}

/* Byte number n of channel i's stream; the prime keeps it off any period. */
static unsigned char
pattern(size_t i, uint64_t n)
{
	return (unsigned char)((n % 251) ^ (n >> 16) ^ (i * 37));
}

struct echo {
	struct channel *channel;
	uint64_t sent, got;
};

static void
feed(struct echo *e, size_t i, uint64_t bytes)
{
	unsigned char chunk[4096];

	while (channel_out(e->channel)->len < CHUNK && e->sent < bytes) {
		size_t n = 0;

		while (n < sizeof(chunk) && e->sent < bytes)
			chunk[n++] = pattern(i, e->sent++);
		ha_buf_add(channel_out(e->channel), chunk, n);
		if (e->sent == bytes)
			channel_send_eof(e->channel);
	}
}

static void
compare(struct echo *e, size_t i)
{
	struct ha_buf *in = channel_in(e->channel);

	for (size_t n = 0; n < in->len; n++)
		if ((unsigned char)in->data[n] != pattern(i, e->got++))
			ha_die(EX_DATAERR, "channel %zu: byte %llu differs", i,
			    (unsigned long long)e->got - 1);
	ha_buf_reset(in);
}

static int
run_echo(struct transport *t, char **args)
{
	size_t count = (size_t)atoi(args[0]);
	uint64_t bytes = strtoull(args[1], NULL, 10);
	struct echo *echoes = ha_xcalloc(count, sizeof(*echoes));
	size_t done = 0;

	for (size_t i = 0; i < count; i++)
		echoes[i].channel = must_exec(t, args[2]);
	while (done < count) {
		for (size_t i = 0; i < count; i++)
			feed(&echoes[i], i, bytes);
		step(t, HA_CLOCK_NEVER);
		done = 0;
		for (size_t i = 0; i < count; i++) {
			compare(&echoes[i], i);
			done += channel_is_done(echoes[i].channel) != 0;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (echoes[i].got != bytes)
			ha_die(EX_DATAERR, "channel %zu: %llu bytes", i,
			    (unsigned long long)echoes[i].got);
		channel_close(echoes[i].channel);
	}
	free(echoes);
	printf("%zu channels ok\n", count);
	return 0;
}

static int
run_drop(struct transport *t, char **args)
{
	for (int i = atoi(args[0]); i > 0; i--)
		channel_close(must_exec(t, args[1]));
	return run_exec(t, args + 2);
}

static int
run_refuse(struct transport *t, char **args)
{
	struct channel *channels[TRANSPORT_MAX_CHANNELS];
	size_t count = 0;
	struct ha_err err;

	while (count < TRANSPORT_MAX_CHANNELS &&
	       (channels[count] = transport_exec(t, args[0], &err)) != NULL)
		count++;
	if (count < TRANSPORT_MAX_CHANNELS)
		ha_say("%s", err.msg);
	while (count > 0) {
		channel_send_eof(channels[--count]);
		finish(t, channels[count]);
	}
	return run_exec(t, args + 1);
}

static int
by_value(const void *a, const void *b)
{
	const int64_t *x = a;
	const int64_t *y = b;

	return (*x > *y) - (*x < *y);
}

static int
run_latency(struct transport *t, char **args)
{
	size_t count = (size_t)atoi(args[0]);
	int64_t *took = ha_xcalloc(count, sizeof(*took));

	for (size_t i = 0; i < count; i++) {
		int64_t start = ha_clock_now_ns();

		finish(t, must_exec(t, args[1]));
		took[i] = (ha_clock_now_ns() - start) / 1000;
	}
	qsort(took, count, sizeof(*took), by_value);
	printf("%lld\n", (long long)took[count / 2]);
	free(took);
	return 0;
}

static int
run_idle(struct transport *t, char **args)
{
	int64_t deadline_ns = ha_clock_deadline(atoll(args[0]));

	while (ha_clock_now_ns() < deadline_ns)
		step(t, deadline_ns);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct transport *t, char **args);
	int count;
} actions[] = {
	{ "exec", run_exec, 1 },
	{ "subsystem", run_subsystem, 1 },
	{ "echo", run_echo, 3 },
	{ "drop", run_drop, 3 },
	{ "refuse", run_refuse, 2 },
	{ "latency", run_latency, 2 },
	{ "idle", run_idle, 1 },
};

static int
run_actions(struct transport *t, char **args)
{
	int status = 0;

	while (*args != NULL) {
		size_t i = 0;
		int given = 0;

		while (i < sizeof(actions) / sizeof(*actions) &&
		       strcmp(actions[i].name, *args) != 0)
			i++;
		while (args[given] != NULL)
			given++;
		if (i == sizeof(actions) / sizeof(*actions) ||
		    given <= actions[i].count)
			ha_die(EX_USAGE, "bad action %s", *args);
		status = actions[i].run(t, args + 1);
		fflush(stdout);
		args += actions[i].count + 1;
	}
	return status;
}

int
main(int argc, char **argv)
{
	struct transport_conf conf = { .timeout_ms = 10000,
		.keepalive_ms = 15000 };
	struct transport *t;
	struct ha_err err;
	int c, status;

	ha_msg_init("drive-transport");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGTERM, on_term);
	while ((c = getopt(argc, argv, "+F:T:l:t:k:v")) != -1) {
		if (c == 'F')
			conf.config_file = optarg;
		else if (c == 'T')
			conf.kind = optarg;
		else if (c == 'l')
			conf.user = optarg;
		else if (c == 't')
			conf.timeout_ms = atoll(optarg);
		else if (c == 'k')
			conf.keepalive_ms = atoll(optarg);
		else
			ha_msg_verbosity++;
	}
	if (optind >= argc)
		ha_die(EX_USAGE, "no host");
	conf.host = argv[optind];
	if (transport_open(&t, &conf, &err) < 0)
		ha_die_err(&err);
	status = run_actions(t, argv + optind + 1);
	transport_close(t);
	return status;
}
