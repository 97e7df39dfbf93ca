/* SPDX-License-Identifier: ISC */
/* resolve - names to addresses, each name once, in threads. */
#include "resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"

#define MAX_THREADS 64
/* NSS modules need more than getaddrinfo(3) itself. */
#define STACK_SIZE (1024 * 1024)
/* A failure of this machine's own is asked about again after this. */
#define STALE_NS (HA_S_NS / 2)

/* A name that is asked about, and then its answer. */
struct name {
	char *host;
	int family;
	int is_asked; /* a job of it is under way */
	int64_t known_ns;
	struct addresses addresses;
	struct resolve_wait *first, *last;
	struct name *next; /* of the same hash */
};

/* What goes to a thread and back. */
struct job {
	char *host;
	int family;
	struct name *name; /* the resolver's, no thread looks into it */
	struct addresses addresses;
	struct job *next;
};

/* Shared with the threads, some of which may live longer than the resolver. */
struct pool {
	pthread_mutex_t mutex;
	pthread_cond_t work;
	struct job *asked, **asked_end;
	struct job *done;
	int event_fd;
	unsigned threads, idle;
	unsigned waiting; /* of asked */
	int is_over;
};

struct resolver {
	struct loop *loop;
	struct name **table;
	size_t count, buckets; /* a power of two */
	struct pool *pool; /* NULL until a name is no address */
	struct loop_source source;
};

int
address_parse(struct address *address, const char *host, int family)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	char *scope;

	memset(address, 0, sizeof(*address));
	if (family != AF_INET6 && inet_pton(AF_INET, host, &in.sin_addr) == 1) {
		memcpy(&address->sa, &in, sizeof(in));
		address->len = sizeof(in);
		return 1;
	}
	if (family == AF_INET || strlen(host) >= sizeof(text))
		return 0;
	strcpy(text, host);
	scope = strchr(text, '%');
	if (scope != NULL) {
		*scope++ = '\0';
		in6.sin6_scope_id = if_nametoindex(scope);
		if (in6.sin6_scope_id == 0)
			in6.sin6_scope_id = (uint32_t)strtoul(scope, NULL, 10);
		if (in6.sin6_scope_id == 0)
			return 0;
	}
	if (inet_pton(AF_INET6, text, &in6.sin6_addr) != 1)
		return 0;
	memcpy(&address->sa, &in6, sizeof(in6));
	address->len = sizeof(in6);
	return 1;
}

/* An address may stand in brackets. */
static void
add_set(struct addresses *addresses, const char *start, size_t len, int family)
{
	struct address address;
	char *text;

	if (len > 1 && start[0] == '[' && start[len - 1] == ']') {
		start++;
		len -= 2;
	}
	text = ha_xmemdup(start, len);
	if (address_parse(&address, text, family)) {
		addresses->list = ha_xrealloc(addresses->list,
		    (addresses->count + 1) * sizeof(*addresses->list));
		addresses->list[addresses->count++] = address;
	}
	free(text);
}

int
addresses_are_set(struct addresses *addresses, const char *const *list,
    const char *host, int family)
{
	size_t len = strlen(host);
	const char *entry;

	for (; list != NULL && *list != NULL; list++)
		if (strncasecmp(*list, host, len) == 0 && (*list)[len] == ':')
			break;
	if (list == NULL || *list == NULL)
		return 0;
	for (entry = *list + len; *entry != '\0'; entry += len) {
		entry++;
		len = strcspn(entry, ",");
		add_set(addresses, entry, len, family);
	}
	addresses->is_local = 1;
	strcpy(addresses->words, "no address of that family is set");
	return 1;
}

struct resolver *
resolver_new(struct loop *loop)
{
	struct resolver *resolver = ha_xcalloc(1, sizeof(*resolver));

	resolver->loop = loop;
	resolver->buckets = 16;
	resolver->table =
	    ha_xcalloc(resolver->buckets, sizeof(*resolver->table));
	return resolver;
}

static void
job_free(struct job *job)
{
	free(job->addresses.list);
	free(job->host);
	free(job);
}

static void
pool_free(struct pool *pool)
{
	for (struct job *job = pool->asked, *next; job != NULL; job = next) {
		next = job->next;
		job_free(job);
	}
	for (struct job *job = pool->done, *next; job != NULL; job = next) {
		next = job->next;
		job_free(job);
	}
	pthread_mutex_destroy(&pool->mutex);
	pthread_cond_destroy(&pool->work);
	free(pool);
}

/* The last one to leave, be it a thread, cleans up. */
static void
pool_close(struct resolver *resolver)
{
	struct pool *pool = resolver->pool;
	unsigned threads;

	pthread_mutex_lock(&pool->mutex);
	pool->is_over = 1;
	loop_close(resolver->loop, &resolver->source);
	threads = pool->threads;
	pthread_cond_broadcast(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	if (threads == 0)
		pool_free(pool);
}

void
resolver_free(struct resolver *resolver)
{
	if (resolver == NULL)
		return;
	for (size_t i = 0; i < resolver->buckets; i++) {
		struct name *name = resolver->table[i], *next;

		for (; name != NULL; name = next) {
			next = name->next;
			free(name->addresses.list);
			free(name->host);
			free(name);
		}
	}
	free(resolver->table);
	if (resolver->pool != NULL)
		pool_close(resolver);
	free(resolver);
}

static int
is_known(const struct addresses *addresses, const struct addrinfo *ai)
{
	for (size_t i = 0; i < addresses->count; i++)
		if (addresses->list[i].len == ai->ai_addrlen &&
		    memcmp(&addresses->list[i].sa, ai->ai_addr,
			ai->ai_addrlen) == 0)
			return 1;
	return 0;
}

static void
keep_addresses(struct addresses *addresses, const struct addrinfo *found)
{
	size_t n = 0;

	for (const struct addrinfo *ai = found; ai != NULL; ai = ai->ai_next)
		n++;
	addresses->list = ha_xcalloc(n + 1, sizeof(*addresses->list));
	for (const struct addrinfo *ai = found; ai != NULL; ai = ai->ai_next) {
		struct address *address = &addresses->list[addresses->count];

		if (ai->ai_addrlen > sizeof(address->sa) ||
		    is_known(addresses, ai))
			continue;
		memcpy(&address->sa, ai->ai_addr, ai->ai_addrlen);
		address->len = ai->ai_addrlen;
		addresses->count++;
	}
}

static const char *
family_words(int family)
{
	return family == AF_INET    ? "no IPv4 address"
	       : family == AF_INET6 ? "no IPv6 address"
				    : "no address";
}

/* Whose fault is it?  EAI_AGAIN is both a silent resolver and its SERVFAIL. */
static void
explain(struct addresses *addresses, int gai, int sys, int family)
{
	const char *words = gai_strerror(gai);

	addresses->is_local = 1;
	switch (gai) {
	case 0:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		addresses->is_local = 0;
		words = family_words(family);
		break;
	case EAI_NONAME:
		addresses->is_local = 0;
		words = "no such name";
		break;
	case EAI_AGAIN:
		words = "the resolver has no answer";
		break;
	case EAI_FAIL:
		words = "the resolver failed";
		break;
	case EAI_SYSTEM:
		snprintf(addresses->words, sizeof(addresses->words),
		    "the resolver failed: %s", strerror(sys));
		return;
	default:
		break;
	}
	snprintf(addresses->words, sizeof(addresses->words), "%s", words);
}

static void
look_up(struct job *job)
{
	const struct addrinfo hints = { .ai_family = job->family,
		.ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int gai = getaddrinfo(job->host, NULL, &hints, &found);
	int sys = errno;

	if (gai == 0) {
		keep_addresses(&job->addresses, found);
		freeaddrinfo(found);
	}
	if (job->addresses.count == 0)
		explain(&job->addresses, gai, sys, job->family);
}

static void
deliver(struct pool *pool, struct job *job)
{
	const uint64_t one = 1;

	job->next = pool->done;
	pool->done = job;
	if (!pool->is_over &&
	    write(pool->event_fd, &one, sizeof(one)) != sizeof(one))
		abort(); /* eventfd(2): it can only block, near 2^64 */
}

static void *
work(void *arg)
{
	struct pool *pool = arg;
	unsigned left;

	pthread_mutex_lock(&pool->mutex);
	while (!pool->is_over) {
		struct job *job = pool->asked;

		if (job == NULL) {
			pool->idle++;
			pthread_cond_wait(&pool->work, &pool->mutex);
			pool->idle--;
			continue;
		}
		pool->asked = job->next;
		if (pool->asked == NULL)
			pool->asked_end = &pool->asked;
		pool->waiting--;
		pthread_mutex_unlock(&pool->mutex);
		look_up(job);
		pthread_mutex_lock(&pool->mutex);
		deliver(pool, job);
	}
	left = --pool->threads;
	pthread_mutex_unlock(&pool->mutex);
	if (left == 0)
		pool_free(pool);
	return NULL;
}

/* With all signals blocked, so that they go to the main thread. */
static int
start_thread(struct pool *pool)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, before;
	int sys;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	sys = pthread_create(&thread, &attr, work, pool);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	if (sys == 0)
		pool->threads++;
	return sys;
}

/* Calls what waits for name; each may ask or forget as it likes. */
static void
answer(struct name *name)
{
	struct resolve_wait *wait;

	while ((wait = name->first) != NULL) {
		name->first = wait->next;
		wait->name = NULL;
		wait->done(wait, &name->addresses);
	}
}

static void
take_done(struct loop_source *source, uint32_t events)
{
	struct resolver *resolver = LOOP_OWNER(source, struct resolver, source);
	struct pool *pool = resolver->pool;
	uint64_t times;
	struct job *job;

	(void)events;
	if (read(source->fd, &times, sizeof(times)) < 0)
		return;
	pthread_mutex_lock(&pool->mutex);
	job = pool->done;
	pool->done = NULL;
	pthread_mutex_unlock(&pool->mutex);
	while (job != NULL) {
		struct job *next = job->next;
		struct name *name = job->name;

		free(name->addresses.list);
		name->addresses = job->addresses;
		job->addresses.list = NULL;
		name->is_asked = 0;
		name->known_ns = loop_now_ns(resolver->loop);
		job_free(job);
		answer(name);
		job = next;
	}
}

static int
pool_new(struct resolver *resolver)
{
	struct pool *pool = ha_xcalloc(1, sizeof(*pool));

	resolver->source.ready = take_done;
	resolver->source.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (resolver->source.fd < 0 ||
	    loop_add(resolver->loop, &resolver->source, EPOLLIN) != 0) {
		int sys = errno;

		if (resolver->source.fd >= 0)
			close(resolver->source.fd);
		free(pool);
		return sys;
	}
	pool->event_fd = resolver->source.fd;
	pool->asked_end = &pool->asked;
	pthread_mutex_init(&pool->mutex, NULL);
	pthread_cond_init(&pool->work, NULL);
	resolver->pool = pool;
	return 0;
}

/* Returns 0, or the errno that keeps this machine from asking at all. */
static int
ask(struct resolver *resolver, struct name *name)
{
	int sys = resolver->pool == NULL ? pool_new(resolver) : 0;
	struct pool *pool = resolver->pool;
	struct job *job;

	if (pool == NULL)
		return sys;
	job = ha_xcalloc(1, sizeof(*job));
	job->host = ha_xstrdup(name->host);
	job->family = name->family;
	job->name = name;
	pthread_mutex_lock(&pool->mutex);
	if (pool->waiting >= pool->idle && pool->threads < MAX_THREADS)
		sys = start_thread(pool);
	if (pool->threads > 0) {
		*pool->asked_end = job;
		pool->asked_end = &job->next;
		pool->waiting++;
		name->is_asked = 1;
		sys = 0;
	} else {
		job_free(job);
	}
	pthread_cond_signal(&pool->work);
	pthread_mutex_unlock(&pool->mutex);
	return sys;
}

static size_t
bucket(const struct resolver *resolver, const char *host, int family)
{
	uint64_t hash = 0xcbf29ce484222325U + (unsigned)family;

	for (; *host != '\0'; host++)
		hash = (hash ^ (unsigned char)*host) * 0x100000001b3U;
	return (hash ^ hash >> 32) & (resolver->buckets - 1);
}

static void
grow(struct resolver *resolver)
{
	struct name **old = resolver->table;
	size_t buckets = resolver->buckets;

	resolver->buckets = 4 * buckets;
	resolver->table =
	    ha_xcalloc(resolver->buckets, sizeof(*resolver->table));
	for (size_t i = 0; i < buckets; i++) {
		struct name *name = old[i], *next;

		for (; name != NULL; name = next) {
			size_t to = bucket(resolver, name->host, name->family);

			next = name->next;
			name->next = resolver->table[to];
			resolver->table[to] = name;
		}
	}
	free(old);
}

static struct name *
find(struct resolver *resolver, const char *host, int family)
{
	struct name *name = resolver->table[bucket(resolver, host, family)];

	while (name != NULL &&
	       (name->family != family || strcmp(name->host, host) != 0))
		name = name->next;
	return name;
}

static struct name *
add(struct resolver *resolver, const char *host, int family)
{
	struct name *name = ha_xcalloc(1, sizeof(*name));
	size_t to;

	if (resolver->count++ >= resolver->buckets)
		grow(resolver);
	to = bucket(resolver, host, family);
	name->host = ha_xstrdup(host);
	name->family = family;
	name->next = resolver->table[to];
	resolver->table[to] = name;
	return name;
}

/* An address needs no resolver; one of the other family is a mistake here. */
static int
take_numeric(struct name *name)
{
	struct address address;

	if (!address_parse(&address, name->host, AF_UNSPEC))
		return 0;
	if (name->family != AF_UNSPEC && name->family != address.sa.ss_family) {
		name->addresses.is_local = 1;
		snprintf(name->addresses.words, sizeof(name->addresses.words),
		    "%s",
		    name->family == AF_INET ? "not an IPv4 address"
					    : "not an IPv6 address");
		return 1;
	}
	name->addresses.list = ha_xcalloc(1, sizeof(address));
	name->addresses.list[0] = address;
	name->addresses.count = 1;
	return 1;
}

static int
is_stale(const struct resolver *resolver, const struct name *name)
{
	return name->addresses.is_local &&
	       loop_now_ns(resolver->loop) - name->known_ns > STALE_NS;
}

static int
begin(struct resolver *resolver, struct name *name)
{
	int sys;

	if (take_numeric(name)) {
		name->known_ns = HA_CLOCK_NEVER;
		return 1;
	}
	sys = ask(resolver, name);
	if (sys == 0)
		return 0;
	name->addresses.is_local = 1;
	name->known_ns = loop_now_ns(resolver->loop);
	snprintf(name->addresses.words, sizeof(name->addresses.words),
	    "no thread for the resolver: %s", strerror(sys));
	return 1;
}

int
resolver_ask(struct resolver *resolver, const char *host, int family,
    struct resolve_wait *wait)
{
	struct name *name = find(resolver, host, family);
	int is_known_now = name != NULL && !name->is_asked;

	if (name == NULL) {
		name = add(resolver, host, family);
		is_known_now = begin(resolver, name);
	} else if (is_known_now && is_stale(resolver, name)) {
		is_known_now = begin(resolver, name);
	}
	wait->next = NULL;
	wait->name = NULL;
	if (is_known_now) {
		wait->done(wait, &name->addresses);
		return 1;
	}
	wait->name = name;
	if (name->first == NULL)
		name->first = wait;
	else
		name->last->next = wait;
	name->last = wait;
	return 0;
}

void
resolver_forget(struct resolver *resolver, struct resolve_wait *wait)
{
	struct name *name = wait->name;
	struct resolve_wait *before = NULL;

	(void)resolver;
	if (name == NULL)
		return;
	wait->name = NULL;
	for (struct resolve_wait *w = name->first; w != wait; w = w->next)
		before = w;
	if (before == NULL)
		name->first = wait->next;
	else
		before->next = wait->next;
	if (name->last == wait)
		name->last = before;
}
