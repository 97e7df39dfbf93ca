/* SPDX-License-Identifier: ISC */
/*
 * probe - one check's life: its attempts, its deadline, its result.
 *
 * schedule.c starts it, a way (stream.c, datagram.c, icmp.c, web.c) speaks with
 * the target and calls probe_done() or probe_fail() once an attempt; probe.c
 * retries, judges by expect.c and thresholds, and gives the result.
 */
#ifndef PROBE_H
#define PROBE_H

#include <stdint.h>

#include "buf.h"
#include "loop.h"
#include "resolve.h"
#include "seen.h"
#include "status.h"
#include "target.h"

/* What all probes of a run share. */
struct run {
	struct loop *loop;
	struct resolver *resolver;
	struct web *web; /* NULL until the first probe that needs libcurl */
	struct icmp *icmp; /* NULL until the first one */
	int64_t deadline_ns; /* -T */
};

struct way;

struct probe {
	struct run *run;
	const struct target *target;
	const struct address *only; /* --each-address: this one; or NULL */
	const struct way *way;
	void *talk; /* the way's own, while an attempt runs */
	unsigned attempt; /* from 1 */
	int64_t deadline_ns; /* of this attempt */
	struct loop_timer timer;
	struct resolve_wait wait;
	const struct addresses *addresses;
	struct seen seen;
	/* The dialog's own, from its open() on. */
	uint64_t note[2];
	/* What the dialog waits for now ("no answer to the login"); NULL: its
	 * first word, dialog->awaited.  NULL when an attempt begins. */
	const char *awaited;
	/* The result, whole once finished() is called. */
	enum ha_status_state state;
	struct ha_buf msg; /* any bytes */
	struct ha_buf perf;
	double ms;
	void (*finished)(struct probe *probe);
};

/*
 * A way of probing.  start() is called with the addresses known (but for unix
 * and, with a proxy, web); it fills in probe->seen.  stop() gives back all it
 * holds, in any state; it is called once after each start(), after done, fail
 * or the deadline.  awaiting() says in words what the target owed ("no greeting", "no
 * answer to SYN") when the deadline passed.
 */
struct way {
	void (*start)(struct probe *probe);
	void (*stop)(struct probe *probe);
	const char *(*awaiting)(const struct probe *probe);
};
extern const struct way way_stream, way_datagram, way_icmp, way_web;
/* mysql:// with a defaults-file, by the MySQL client library (mysql-login.c) */
extern const struct way way_mysql;

/* Whose fault an error is. */
enum probe_fault {
	FAULT_TARGET, /* CRIT */
	FAULT_LOCAL, /* UNKNOWN: this machine's link, resolver, descriptors */
	FAULT_WARN, /* it serves, but says so and so */
};

/* The attempt ends: it was served; expectations decide what follows. */
void probe_done(struct probe *probe);
/* The attempt ends: words (bytes from outside are cleaned later). */
void probe_fail(struct probe *probe, enum probe_fault fault, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* It serves, but: state becomes WARN with these words; probe_done() follows. */
void probe_warn(struct probe *probe, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/*
 * Whose fault is errno of a socket call?  at_once: connect(2) or send(2) itself
 * returned it, so no packet left: ENETUNREACH is then our own routing table's;
 * later a router's word.
 */
enum probe_fault probe_blame(int sys, int at_once);

void probe_start(struct probe *probe);
/* The sweep's deadline: CRIT "deadline"; finished() is called. */
void probe_expire(struct probe *probe);
void probe_release(struct probe *probe);

#endif
