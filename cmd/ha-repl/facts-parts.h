/* SPDX-License-Identifier: ISC */
/* facts-parts - what the files that make struct facts share. */
#ifndef REPL_FACTS_PARTS_H
#define REPL_FACTS_PARTS_H

#include <stddef.h>
#include <stdint.h>

#include "db.h"
#include "facts.h"

/*
 * A cell by its newer name ("Source_Log_File", "Replica_IO_Running") or the
 * older one ("Master_Log_File", "Slave_IO_Running"); NULL as ha_db_get().
 */
const char *
facts_cell(const struct ha_db_result *result, size_t row, const char *name);
/*
 * "12" of text, which may be NULL or no number: then missing.  What is beyond
 * FACTS_INTEGER_MAX, either way, is that: its seconds are microseconds yet.
 */
#define FACTS_INTEGER_MAX INT64_C(1000000000000)
int64_t facts_integer(const char *text, int64_t missing);
uint64_t facts_offset(const char *text); /* 0 */
/* Of a file's name, copied, and a number; {NULL, 0} for no file. */
struct position facts_position(const char *file, const char *at);
/* A number with a fraction, in thousandths; missing if it is none. */
int64_t facts_thousandths(const char *text, int64_t missing);
/*
 * "2026-11-23T04:20:00.123456", a blank or T between, with or without the
 * fraction, as microseconds since 1970.  0, or -1: that is no time stamp.
 */
int facts_stamp(const char *text, int64_t *us);

/* Fill facts->channels from facts->status_rows. */
void facts_add_channels(struct facts *facts);
/* What the flavour's query "received" tells of them. */
void facts_add_received(struct facts *facts, const struct ha_db_result *result);
/* What the flavour's query "failures" tells of those whose applier failed. */
void facts_add_failures(struct facts *facts, const struct ha_db_result *result);
/* Rows of the heartbeat table, with the server's clock in asked_at. */
void facts_add_beats(struct facts *facts, const struct ha_db_result *result);
/* SHOW REPLICAS, and Host of the processes that send a log. */
void facts_add_children(struct facts *facts, const struct ha_db_result *result,
    const struct ha_db_result *dumps);
/* SHOW MASTER STATUS, and the sets. */
void facts_add_own(struct facts *facts, const struct ha_db_result *own,
    const struct ha_db_result *gtids);
/*
 * What the server refused for want of a privilege; else nothing.  what is the
 * statement, or the table.
 */
void facts_add_denied(
    struct facts *facts, const struct ha_db_result *result, const char *what);

#endif
