/* SPDX-License-Identifier: ISC */
/*
 * status - status records, from checks to ha-gate.
 *
 * Source: ha(7), STATUS RECORDS; MSG and PERF as in the Monitoring Plugins
 * Development Guidelines.
 */
#ifndef HA_STATUS_H
#define HA_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"

/* Numbered by exit status; compare with ha_status_worse(), never with <. */
enum ha_status_state {
	HA_STATUS_OK = 0,
	HA_STATUS_WARN = 1,
	HA_STATUS_CRIT = 2,
	HA_STATUS_UNKNOWN = 3,
};

/* One record is one write(2) of at most this, its LF counted. */
#define HA_STATUS_MAX 4096

struct ha_status {
	const char *time; /* RFC 3339; NULL: the present */
	const char *by; /* the machine that looked; NULL: this host's name */
	const char *host; /* whom it is about; "" is written "-" */
	const char *check;
	enum ha_status_state state;
	double ms; /* duration in milliseconds */
	const char *target;
	const char *msg;
	const char *perf; /* Nagios performance data, or "" */
	size_t reserved; /* bytes of HA_STATUS_MAX to leave for a frame */
};

/* This machine's name, as by is when it is NULL; never freed. */
const char *ha_status_here(void);
/* "OK", "WARN", "CRIT", "UNKNOWN". */
const char *ha_status_name(enum ha_status_state state);
/* The worse of two: OK < WARN < UNKNOWN < CRIT. */
enum ha_status_state
ha_status_worse(enum ha_status_state a, enum ha_status_state b);

/*
 * Append the record with the present time and its LF, as TSV or as one JSON
 * object, at most HA_STATUS_MAX bytes, less what is reserved: a producer of one
 * record a sweep can then write record and frame at once, whole or not at all
 * (pipe(7), PIPE_BUF).  What is too long is cut at whole characters: msg first,
 * then perf (at a blank), target, by, check, host.
 */
void ha_status_encode(struct ha_buf *line, const struct ha_status *status);
void ha_status_encode_json(struct ha_buf *line, const struct ha_status *status);

/*
 * Decode a record's line (without its LF), in place; the strings point into it.
 * Returns 0, or -1 with EX_DATAERR: fewer than nine fields, a TIME, STATE or MS
 * that is none, no CHECK, a bad escape, a NUL.
 */
int ha_status_decode(char *line, struct ha_status *status, struct ha_err *err);
/* "CRIT" and so on; -1: no state's name. */
int ha_status_parse_state(const char *name, enum ha_status_state *state);

/*
 * Does a person's pattern (fnmatch(3), "/" is a character as any other) name
 * the check: "disk:*", "*@web1", "mysql@db?"?  It is tried on CHECK, and on
 * CHECK@HOST, where HOST is "-" if there is none.
 */
int ha_status_matches(const char *pattern, const char *host, const char *check);

/*
 * A sweep's frame: "#begin" with name= and id=; "#end" with id=, n= (checks
 * made), worst= and, when records of what is OK were left out, quiet=1.
 */
void ha_status_begin(
    struct ha_buf *line, const char *name, const char *id, int json);
void ha_status_end(struct ha_buf *line, const char *id, unsigned n,
    enum ha_status_state worst, int quiet, int json);

enum ha_status_frame_kind {
	HA_STATUS_NO_FRAME, /* a comment, or a header of later versions */
	HA_STATUS_BEGIN, /* name, id */
	HA_STATUS_END, /* id, n, worst, is_quiet */
};

/* What is not in the line is "" or 0. */
struct ha_status_frame {
	enum ha_status_frame_kind kind;
	const char *name, *id;
	uint64_t n;
	enum ha_status_state worst;
	int is_quiet;
};

/*
 * Decode a line that begins with "#" (without its LF), in place; the strings
 * point into it.  Unknown keys are ignored.  -1, EX_DATAERR: an id, a number or
 * a state that can't be read.
 */
int ha_status_frame_decode(
    char *line, struct ha_status_frame *frame, struct ha_err *err);

#endif
