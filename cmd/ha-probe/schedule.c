/* SPDX-License-Identifier: ISC */
/*
 * schedule - all targets of a sweep, as many at once as are sensible.
 */
#include "schedule.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "clock.h"
#include "icmp.h"
#include "socket.h"
#include "web.h"

/*
 * So many are begun at once, and then one each so often: a server whose
 * addresses they all are can't accept faster, and a SYN that finds its backlog
 * full is sent again only after a second.
 */
#define BURST 64
#define PACE_NS (40 * HA_MS_NS / 1000)
/* Open to one address and port: a common backlog is 128. */
#define PER_PORT 128
/* Of those that need libcurl, about 40 kB each. */
#define MAX_WEB 2000
/* In all; ICMP's sequence numbers are 16 bits. */
#define MAX_RUNNING 60000
#define WEB_SOCKETS 3

/* What is to be probed, in a queue. */
struct item {
	size_t order;
	const struct target *target;
	struct target *named; /* owned: target with another name; or NULL */
	struct address *only; /* owned; or NULL */
	struct port *port;
	struct item *next;
};

struct queue {
	struct item *first, *last;
};

/* One host and port, as the targets name it. */
struct port {
	const char *host; /* of the first target that has it */
	uint16_t number;
	size_t running;
	struct queue waiting;
	struct port *next; /* of the same hash */
};

struct job {
	struct probe probe; /* first: finished() is given it */
	struct schedule *schedule;
	struct item *item;
	size_t sockets;
	struct job *before, *next;
};

struct schedule {
	struct run run;
	const struct targets *targets;
	const struct schedule_options *options;
	void (*result)(void *context, size_t order, const struct probe *probe);
	void *context;
	size_t next; /* of targets */
	struct queue due, web_due;
	struct port **ports;
	size_t buckets; /* a power of two */
	struct job *jobs;
	size_t running, web_running, sockets;
	size_t max_running, max_web, max_sockets, per_port;
	struct loop_timer over, turn;
	int64_t begun_ns; /* when the next one may begin, less a burst */
	int is_over;
};

static void
push(struct queue *queue, struct item *item)
{
	item->next = NULL;
	if (queue->first == NULL)
		queue->first = item;
	else
		queue->last->next = item;
	queue->last = item;
}

static struct item *
pop(struct queue *queue)
{
	struct item *item = queue->first;

	if (item != NULL)
		queue->first = item->next;
	return item;
}

static void
item_free(struct item *item)
{
	if (item->named != NULL)
		free(item->named->name);
	free(item->named);
	free(item->only);
	free(item);
}

static struct port *
find_port(struct schedule *schedule, const struct target *target)
{
	const char *host = target->host ? target->host : target->path;
	uint64_t hash = 0xcbf29ce484222325U + target->port;
	struct port **bucket, *port;

	for (const char *s = host; *s != '\0'; s++)
		hash = (hash ^ (unsigned char)*s) * 0x100000001b3U;
	bucket =
	    &schedule->ports[(hash ^ hash >> 32) & (schedule->buckets - 1)];
	for (port = *bucket; port != NULL; port = port->next)
		if (port->number == target->port &&
		    strcmp(port->host, host) == 0)
			return port;
	port = ha_xcalloc(1, sizeof(*port));
	port->host = host;
	port->number = target->port;
	port->next = *bucket;
	*bucket = port;
	return port;
}

static int
is_web(const struct item *item)
{
	return item->target->scheme->way == WAY_WEB;
}

static size_t
sockets_of(const struct item *item)
{
	switch (item->target->scheme->way) {
	case WAY_ICMP:
		return 0;
	case WAY_WEB:
		return WEB_SOCKETS;
	default:
		return 1;
	}
}

static struct item *
item_new(struct schedule *schedule, const struct target *target, size_t order)
{
	struct item *item = ha_xcalloc(1, sizeof(*item));

	item->order = order;
	item->target = target;
	if (target->scheme->way != WAY_ICMP)
		item->port = find_port(schedule, target);
	return item;
}

/* What may begin now: taken out of its queue; NULL if nothing may. */
static struct item *
next_item(struct schedule *schedule)
{
	for (;;) {
		struct item *item = pop(&schedule->due);

		if (item == NULL && schedule->next < schedule->targets->count) {
			size_t order = schedule->next++;

			item = item_new(
			    schedule, &schedule->targets->list[order], order);
		}
		if (item == NULL)
			return NULL;
		if (item->port != NULL &&
		    item->port->running >= schedule->per_port)
			push(&item->port->waiting, item);
		else if (is_web(item) &&
			 schedule->web_running >= schedule->max_web)
			push(&schedule->web_due, item);
		else
			return item;
	}
}

/* Let those try again that waited for what the job has held. */
static void
give_back(struct schedule *schedule, struct job *job)
{
	struct port *port = job->item->port;
	struct item *item;

	schedule->running--;
	schedule->sockets -= job->sockets;
	if (port != NULL) {
		port->running--;
		item = pop(&port->waiting);
		if (item != NULL)
			push(&schedule->due, item);
	}
	if (is_web(job->item)) {
		schedule->web_running--;
		item = pop(&schedule->web_due);
		if (item != NULL)
			push(&schedule->due, item);
	}
}

/* An item for each address; their names tell them apart. */
static void
split(struct schedule *schedule, const struct job *job)
{
	const struct item *whole = job->item;
	const struct addresses *addresses = job->probe.addresses;

	for (size_t i = 0; i < addresses->count; i++) {
		struct item *item =
		    item_new(schedule, whole->target, whole->order);
		char *text = socket_name(&addresses->list[i]);

		item->only = ha_xcalloc(1, sizeof(*item->only));
		*item->only = addresses->list[i];
		item->named = ha_xcalloc(1, sizeof(*item->named));
		*item->named = *whole->target;
		item->named->name =
		    ha_xasprintf("%s@%s", whole->target->name, text);
		item->target = item->named;
		free(text);
		push(&schedule->due, item);
	}
}

static void
unlink_job(struct schedule *schedule, struct job *job)
{
	if (job->before != NULL)
		job->before->next = job->next;
	else
		schedule->jobs = job->next;
	if (job->next != NULL)
		job->next->before = job->before;
}

static void
job_free(struct job *job)
{
	probe_release(&job->probe);
	item_free(job->item);
	free(job);
}

static void
finished(struct probe *probe)
{
	struct job *job = LOOP_OWNER(probe, struct job, probe);
	struct schedule *schedule = job->schedule;

	give_back(schedule, job);
	if (probe->is_split)
		split(schedule, job);
	else
		schedule->result(schedule->context, job->item->order, probe);
	unlink_job(schedule, job);
	job_free(job);
}

static struct job *
job_new(struct schedule *schedule, struct item *item)
{
	struct job *job = ha_xcalloc(1, sizeof(*job));

	job->schedule = schedule;
	job->item = item;
	job->sockets = sockets_of(item);
	job->next = schedule->jobs;
	if (job->next != NULL)
		job->next->before = job;
	schedule->jobs = job;
	schedule->running++;
	schedule->sockets += job->sockets;
	if (item->port != NULL)
		item->port->running++;
	schedule->web_running += (size_t)is_web(item);
	probe_init(&job->probe, &schedule->run, item->target, item->only);
	job->probe.finished = finished;
	return job;
}

/* May one begin now?  What was not used in time is lost, but for a burst. */
static int
is_paced(struct schedule *schedule)
{
	int64_t now_ns = ha_clock_now_ns();

	if (schedule->begun_ns < now_ns - BURST * PACE_NS)
		schedule->begun_ns = now_ns - BURST * PACE_NS;
	if (schedule->begun_ns > now_ns - PACE_NS)
		return 0;
	schedule->begun_ns += PACE_NS;
	return 1;
}

/* Returns 1 when there may be more to begin in the next turn. */
static int
begin_some(struct schedule *schedule)
{
	for (int i = 0; i < BURST && is_paced(schedule); i++) {
		struct item *item;

		if (schedule->running >= schedule->max_running ||
		    schedule->sockets + WEB_SOCKETS > schedule->max_sockets)
			return 0;
		item = next_item(schedule);
		if (item == NULL)
			return 0;
		probe_start(&job_new(schedule, item)->probe);
	}
	return 1;
}

static void
expire_queue(struct schedule *schedule, struct queue *queue)
{
	struct item *item;

	while ((item = pop(queue)) != NULL)
		probe_expire(&job_new(schedule, item)->probe);
}

/* All that is left, begun or not. */
static void
expire(struct schedule *schedule)
{
	while (schedule->jobs != NULL)
		probe_expire(&schedule->jobs->probe);
	expire_queue(schedule, &schedule->due);
	expire_queue(schedule, &schedule->web_due);
	for (size_t i = 0; i < schedule->buckets; i++)
		for (struct port *port = schedule->ports[i]; port != NULL;
		     port = port->next)
			expire_queue(schedule, &port->waiting);
	expire_queue(schedule, &schedule->due);
	for (; schedule->next < schedule->targets->count; schedule->next++)
		probe_expire(&job_new(schedule,
		    item_new(schedule, &schedule->targets->list[schedule->next],
			schedule->next))
				  ->probe);
}

static void
over(struct loop_timer *timer)
{
	LOOP_OWNER(timer, struct schedule, over)->is_over = 1;
}

/* To wake the loop at once is all that it is for. */
static void
turn(struct loop_timer *timer)
{
	(void)timer;
}

static int
run_all(struct schedule *schedule, struct ha_err *err)
{
	for (;;) {
		int more = begin_some(schedule);

		if (schedule->running == 0 && !more)
			return 0;
		if (more)
			loop_set_timer(schedule->run.loop, &schedule->turn,
			    schedule->begun_ns + PACE_NS);
		if (loop_step(schedule->run.loop, err) != 0)
			return -1;
		if (schedule->is_over) {
			expire(schedule);
			return 0;
		}
	}
}

static void
set_limits(struct schedule *schedule)
{
	size_t parallel = schedule->options->parallel;

	schedule->max_sockets = socket_budget() + WEB_SOCKETS - 1;
	schedule->max_running =
	    parallel > 0 && parallel < MAX_RUNNING ? parallel : MAX_RUNNING;
	schedule->max_web = parallel > 0 ? parallel : MAX_WEB;
	schedule->per_port = parallel > 0 ? parallel : PER_PORT;
	for (schedule->buckets = 16;
	     schedule->buckets < schedule->targets->count;)
		schedule->buckets *= 2;
	schedule->ports = ha_xcalloc(schedule->buckets, sizeof(struct port *));
}

/* What takes its time at the first use is no target's slowness. */
static void
prepare(struct schedule *schedule)
{
	const struct targets *targets = schedule->targets;

	for (size_t i = 0; i < targets->count; i++)
		if (targets->list[i].scheme->way == WAY_WEB) {
			web_prepare(&schedule->run);
			return;
		}
}

/* Without loop_step() nothing is left to be called: only memory is freed. */
static void
release(struct schedule *schedule)
{
	for (struct job *job = schedule->jobs, *next; job != NULL; job = next) {
		next = job->next;
		job_free(job);
	}
	web_free(schedule->run.web);
	icmp_free(schedule->run.icmp);
	resolver_free(schedule->run.resolver);
	loop_free(schedule->run.loop);
	for (size_t i = 0; i < schedule->buckets; i++)
		for (struct port *port = schedule->ports[i], *next;
		     port != NULL; port = next) {
			next = port->next;
			free(port);
		}
	free(schedule->ports);
}

int
schedule_run(const struct targets *targets,
    const struct schedule_options *options,
    void (*result)(void *context, size_t order, const struct probe *probe),
    void *context, struct ha_err *err)
{
	struct schedule schedule = { .targets = targets,
		.options = options,
		.result = result,
		.context = context,
		.over.fire = over,
		.turn.fire = turn };
	int64_t left_ns = options->deadline_ns - ha_clock_now_ns();
	int failed;

	if (loop_new(&schedule.run.loop, err) != 0)
		return -1;
	schedule.run.resolver = resolver_new(schedule.run.loop);
	schedule.run.deadline_ns = options->deadline_ns;
	schedule.run.sweep_ms = (left_ns + HA_MS_NS / 2) / HA_MS_NS;
	set_limits(&schedule);
	prepare(&schedule);
	loop_set_timer(schedule.run.loop, &schedule.over, options->deadline_ns);
	failed = run_all(&schedule, err);
	release(&schedule);
	return failed;
}
