/* SPDX-License-Identifier: ISC */
/*
 * fleet - all nodes at once: a thread for each, and nobody waits for the
 * slowest longer than the deadline.
 */
#include "fleet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"

/* For a TLS handshake and a look-up; what isn't touched costs nothing. */
#define STACK_SIZE (512 * 1024)
/*
 * What a thread has less than the fleet, so that it can say itself, and better,
 * what it waited for.
 */
#define MARGIN_NS (50 * HA_MS_NS)
#define UNKNOWN_HOST 2005 /* CR_UNKNOWN_HOST of the client libraries */

/*
 * One node being read.  Until has_ended it is the thread's, but for the two
 * flags, which belong to the mutex; is_left: the thread frees it.
 */
struct job {
	struct node *node; /* its own copy */
	struct facts *facts;
	struct facts_options options;
	char *defaults_file, *insecure,
	    *heartbeat_table; /* what it points to */
	int has_ended, is_left;
	pthread_t thread; /* if has_started */
	int has_started;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static size_t left_behind;

static void
prepare(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&ended, &attr);
	pthread_condattr_destroy(&attr);
}

static char *
copy(const char *text)
{
	return text ? ha_xstrdup(text) : NULL;
}

static int64_t
own_deadline(int64_t deadline_ns)
{
	int64_t left_ns;

	if (deadline_ns == HA_CLOCK_NEVER)
		return deadline_ns;
	left_ns = deadline_ns - ha_clock_now_ns();
	if (left_ns < 10 * MARGIN_NS)
		return deadline_ns - (left_ns > 0 ? left_ns / 10 : 0);
	return deadline_ns - MARGIN_NS;
}

static struct job *
job_new(const struct node *node, const struct facts_options *options)
{
	struct job *job = ha_xcalloc(1, sizeof(*job));

	job->node = node_copy(node);
	job->facts = ha_xcalloc(1, sizeof(*job->facts));
	facts_init(job->facts, job->node);
	job->defaults_file = copy(options->defaults_file);
	job->insecure = copy(options->insecure);
	job->heartbeat_table = copy(options->heartbeat_table);
	job->options = *options;
	job->options.defaults_file = job->defaults_file;
	job->options.insecure = job->insecure;
	job->options.heartbeat_table = job->heartbeat_table;
	job->options.deadline_ns = own_deadline(options->deadline_ns);
	return job;
}

static void
facts_free(struct facts *facts)
{
	if (facts)
		facts_release(facts);
	free(facts);
}

static void
job_free(struct job *job)
{
	facts_free(job->facts);
	node_free(job->node);
	free(job->defaults_file);
	free(job->insecure);
	free(job->heartbeat_table);
	free(job);
}

static void *
run(void *context)
{
	struct job *job = context;
	int is_left;

	facts_read(job->facts, &job->options);
	pthread_mutex_lock(&mutex);
	job->has_ended = 1;
	is_left = job->is_left;
	pthread_cond_signal(&ended);
	pthread_mutex_unlock(&mutex);
	if (is_left)
		job_free(job);
	return NULL;
}

/* Signals stay with the main thread, which a new thread's mask is taken from. */
static void
start(struct job *job, const pthread_attr_t *attr)
{
	sigset_t all, before;
	int sys;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sys = pthread_create(&job->thread, attr, run, job);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	job->has_started = !sys;
	if (!sys)
		return;
	job->has_ended = 1;
	job->facts->is_local = 1;
	ha_err_set(&job->facts->why, EX_OSERR, sys, "can't start a thread");
}

static struct job **
start_all(struct node *const *nodes, size_t count,
    const struct facts_options *options)
{
	struct job **jobs = ha_xcalloc(count, sizeof(struct job *));
	pthread_attr_t attr;

	pthread_once(&once, prepare);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (size_t i = 0; i < count; i++) {
		jobs[i] = job_new(nodes[i], options);
		start(jobs[i], &attr);
	}
	pthread_attr_destroy(&attr);
	return jobs;
}

static int
wait_one(int64_t deadline_ns)
{
	struct timespec until = {
		.tv_sec = (time_t)(deadline_ns / HA_S_NS),
		.tv_nsec = (long)(deadline_ns % HA_S_NS),
	};

	if (deadline_ns == HA_CLOCK_NEVER)
		return pthread_cond_wait(&ended, &mutex);
	return pthread_cond_timedwait(&ended, &mutex, &until);
}

/* Until all have ended or time is up; who has not is left behind, and NULL. */
static void
wait_all(struct job **jobs, size_t count, int64_t deadline_ns)
{
	size_t i = 0;

	pthread_mutex_lock(&mutex);
	while (i < count)
		if (jobs[i]->has_ended)
			i++;
		else if (wait_one(deadline_ns) == ETIMEDOUT)
			break;
	for (; i < count; i++)
		if (!jobs[i]->has_ended) {
			pthread_detach(jobs[i]->thread);
			jobs[i]->is_left = 1;
			jobs[i] = NULL;
			left_behind++;
		}
	pthread_mutex_unlock(&mutex);
}

static int
is_numeric(const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, host, address) == 1 ||
	       inet_pton(AF_INET6, host, address) == 1;
}

/* Of a node whose thread has not ended: the most that can be known. */
static struct facts *
too_late(struct node *node, int64_t begun_ns, int64_t begun_us)
{
	struct facts *facts = ha_xcalloc(1, sizeof(*facts));
	int64_t spent_ns = ha_clock_now_ns() - begun_ns;
	char spent[64];

	facts_init(facts, node);
	ha_clock_words(spent_ns / HA_MS_NS, spent, sizeof(spent));
	facts->total_ms = (double)spent_ns / (double)HA_MS_NS;
	facts->asked_us = begun_us;
	facts->answered_us = begun_us + spent_ns / 1000;
	facts->step = HA_DB_AT_SYN;
	if (node->host && !is_numeric(node->host)) {
		facts->error = UNKNOWN_HOST;
		facts->is_local = 1;
		ha_err_set(&facts->why, EX_UNAVAILABLE, 0,
		    "no answer within %s: the look-up of '%s' has not ended",
		    spent, node->host);
	} else {
		ha_err_set(&facts->why, EX_UNAVAILABLE, 0,
		    "no answer within %s", spent);
	}
	return facts;
}

/*
 * What was read becomes the fleet's, about the caller's own node.  The thread
 * has nothing left to do but to give back what libraries keep for it.
 */
static struct facts *
hand_over(struct job *job, struct node *node)
{
	struct facts *facts = job->facts;

	if (job->has_started)
		pthread_join(job->thread, NULL);
	job->facts = NULL;
	facts->node = node;
	job_free(job);
	return facts;
}

void
fleet_add(struct fleet *fleet, struct node *const *nodes, size_t count,
    const struct facts_options *options)
{
	int64_t begun_ns = ha_clock_now_ns();
	int64_t begun_us = ha_clock_wall_ms() * 1000;
	struct job **jobs;

	if (!count)
		return;
	jobs = start_all(nodes, count, options);
	wait_all(jobs, count, options->deadline_ns);
	fleet->facts = ha_xrealloc(
	    fleet->facts, (fleet->count + count) * sizeof(struct facts *));
	for (size_t i = 0; i < count; i++)
		fleet->facts[fleet->count++] =
		    jobs[i] ? hand_over(jobs[i], nodes[i])
			    : too_late(nodes[i], begun_ns, begun_us);
	free(jobs);
}

void
fleet_read(struct fleet *fleet, struct node *const *nodes, size_t count,
    const struct facts_options *options)
{
	*fleet = (struct fleet){ NULL, 0 };
	fleet_add(fleet, nodes, count, options);
}

void
fleet_release(struct fleet *fleet)
{
	for (size_t i = 0; i < fleet->count; i++)
		facts_free(fleet->facts[i]);
	free(fleet->facts);
	*fleet = (struct fleet){ NULL, 0 };
}

static int
is_server(const struct facts *facts, int64_t server_id, const char *uuid)
{
	if (!facts->is_answered)
		return 0;
	if (uuid && *uuid && facts->uuid)
		return !strcasecmp(uuid, facts->uuid);
	return server_id >= 0 && facts->server_id == server_id;
}

struct facts *
fleet_by_server(const struct fleet *fleet, int64_t server_id, const char *uuid)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (is_server(fleet->facts[i], server_id, uuid))
			return fleet->facts[i];
	return NULL;
}

struct facts *
fleet_by_address(const struct fleet *fleet, const char *host, unsigned port)
{
	for (size_t i = 0; i < fleet->count; i++)
		if (node_is(fleet->facts[i]->node, host, port))
			return fleet->facts[i];
	return NULL;
}

_Noreturn void
fleet_exit(int status)
{
	size_t left;

	pthread_mutex_lock(&mutex);
	left = left_behind;
	pthread_mutex_unlock(&mutex);
	if (!left)
		exit(status);
	fflush(NULL);
	_exit(status);
}
