/* SPDX-License-Identifier: ISC */
/*
 * judge - the parts of check's judgement on one node, and their findings.
 *
 * judge-channel.c	the threads and the lag of one channel
 * judge-errant.c	transactions that the sources never had
 * judge-set.c		how many nodes write
 */
#ifndef REPL_JUDGE_H
#define REPL_JUDGE_H

#include "check.h"

struct judge {
	const struct topology *topology;
	const struct check_options *options;
	size_t i; /* the node's place */
	const struct facts *facts; /* the node's */
	enum topology_kind kind; /* as asked for, else as recognised */
	const char *prefix; /* before each finding: "channel 'x': ", or "" */
	struct ha_buf words[HA_STATUS_UNKNOWN + 1]; /* by state */
	enum ha_status_state state; /* the worst so far */
	struct ha_buf perf;
};

void judge_init(struct judge *judge, const struct topology *topology, size_t i,
    const struct check_options *options);
/* Moves what was found into the verdict, worst first. */
void judge_finish(struct judge *judge, struct verdict *verdict);

/*
 * A finding in plain words, and the command that would look closer (NULL:
 * none).
 */
void
judge_say(struct judge *judge, enum ha_status_state state, const char *look,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Performance data "NAME" or "NAME_CHANNEL"; a unit as ha_perf has it. */
void judge_perf(struct judge *judge, const char *name, const char *channel,
    double value, const char *unit, const struct ha_thresholds *thresholds);

/* Did it not answer because the deadline passed?  facts->step says at what. */
int judge_is_late(const struct facts *facts);

/*
 * Of a node that did not answer: is it this machine, or what it was told, that
 * kept it from asking?
 */
int judge_is_own_fault(const struct facts *facts);

/* Words of a server, cleaned, of a length that leaves room for others. */
void judge_add_quote(struct ha_buf *text, const char *words);
/* "0.120 s", "2 h 5 m". */
void judge_seconds(double seconds, char *out, size_t size);

/* The edge of a channel of the node; NULL: its source was not made out. */
const struct edge *
judge_edge(const struct judge *judge, const struct channel *channel);
/* A channel's source as a person calls it: its name, else HOST:PORT. */
void judge_source(const struct judge *judge, const struct channel *channel,
    char *out, size_t size);

void judge_channel(struct judge *judge, const struct channel *channel);
void judge_errant(struct judge *judge);

#endif
