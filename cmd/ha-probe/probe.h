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

#include <net/if.h>
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
	int64_t sweep_ms; /* how long that is, for words */
};

struct way;

/* Whose fault an error is. */
enum probe_fault {
	FAULT_TARGET, /* CRIT */
	FAULT_LOCAL, /* UNKNOWN: this machine's link, resolver, descriptors */
	FAULT_WARN, /* it serves, but says so and so */
};

enum probe_phase {
	PHASE_NEW,
	PHASE_RESOLVING,
	PHASE_TALKING, /* the way has been started */
	PHASE_ENDED, /* probe_done() or probe_fail() was called */
	PHASE_PAUSE, /* before a retry */
	PHASE_FINISHED,
};

struct probe {
	struct run *run;
	const struct target *target;
	const struct address *only; /* --each-address: this one; or NULL */
	const struct way *way;
	void *talk; /* the way's own, while an attempt runs */
	unsigned attempt; /* from 1 */
	int64_t deadline_ns; /* of this attempt */
	enum probe_phase phase;
	struct loop_timer timer;
	struct resolve_wait wait;
	const struct addresses *addresses;
	struct addresses own; /* --resolve, or only */
	struct seen seen;
	/* The dialog's own, from its open() on. */
	uint64_t note[2];
	/*
	 * What the dialog waits for now ("answer to the login"); NULL:
	 * dialog->awaited.  NULL when an attempt begins.
	 */
	const char *awaited;
	struct ha_buf tried; /* words about the addresses that failed */
	int is_started; /* the way; stop() is owed */
	int has_failed;
	enum probe_fault fault; /* when it has; of tried before */
	/*
	 * The result, whole once finished() is called.  is_split: there is
	 * none, each of addresses is to be probed by itself.
	 */
	enum ha_status_state state;
	struct ha_buf msg; /* any bytes */
	struct ha_buf perf;
	double ms;
	int is_split;
	void (*finished)(struct probe *probe);
};

/*
 * A way of probing.  start() is called with the addresses known (but for unix
 * and, with a proxy, web); it fills in probe->seen.  stop() gives back all it
 * holds, in any state; it is called from the loop, once after each start(),
 * after done, fail or the deadline, never inside of probe_done() or
 * probe_fail(); until then a way keeps still.  awaiting() says in words what
 * the target owed ("no greeting", "no answer to SYN") when the deadline passed.
 * owes_ourselves(), or NULL: is it this machine's resolver or proxy that owed?
 */
struct way {
	void (*start)(struct probe *probe);
	void (*stop)(struct probe *probe);
	const char *(*awaiting)(const struct probe *probe);
	int (*owes_ourselves)(const struct probe *probe);
};
extern const struct way way_stream, way_datagram, way_icmp, way_web;
/* mysql:// with a defaults-file, by the MySQL client library (mysql-login.c) */
extern const struct way way_mysql;

/* The attempt ends: it was served; expectations decide what follows. */
void probe_done(struct probe *probe);
/*
 * The attempt ends: words (bytes from outside are cleaned later).  Once it has
 * ended, further calls of either mean nothing.
 */
void probe_fail(struct probe *probe, enum probe_fault fault, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* It serves, but: state becomes WARN with these words; probe_done() follows. */
void probe_warn(struct probe *probe, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Has the attempt ended? */
int probe_has_ended(const struct probe *probe);

/*
 * For ways that try the addresses one after the other; seen.address_index is
 * the one in turn.  Its share of the attempt ends at probe_share_ns().
 * probe_next(): it failed, in words; returns 1 when seen.address_index was
 * raised to another one, 0 when there is none and the probe has failed.
 */
int64_t probe_share_ns(const struct probe *probe);
int probe_next(struct probe *probe, enum probe_fault fault, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* probe_next() for errno of a socket call about seen.address. */
int probe_next_errno(struct probe *probe, int sys, int at_once);
/*
 * probe_next() for an address of which nothing came, the target's fault unless
 * our own link is down; the second one when its share of the time is over.
 */
int probe_next_mute(struct probe *probe, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
int probe_next_silent(struct probe *probe);
/* Is the link down that leads to the address in turn?  Then its name. */
int probe_link_is_down(const struct probe *probe, char name[IF_NAMESIZE]);

/*
 * Whose fault is errno of a socket call?  at_once: connect(2) or send(2) itself
 * returned it, so no packet left: ENETUNREACH is then our own routing table's;
 * later a router's word.
 */
enum probe_fault probe_blame(int sys, int at_once);

/* Set up a zeroed probe; finished is the caller's to fill in. */
void probe_init(struct probe *probe, struct run *run,
    const struct target *target, const struct address *only);
void probe_start(struct probe *probe);
/* The sweep's deadline: CRIT "deadline"; finished() is called. */
void probe_expire(struct probe *probe);
void probe_release(struct probe *probe);

#endif
