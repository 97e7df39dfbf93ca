/* SPDX-License-Identifier: ISC */
/* draw - what the three drawings of a topology (topology.h) share. */
#ifndef REPL_DRAW_H
#define REPL_DRAW_H

#include "topology.h"

/* "writer", "read-only", "no answer", "may write?" */
const char *draw_role(const struct facts *facts);
/* "MariaDB 10.11.19"; nothing if it did not answer. */
void draw_add_version(struct ha_buf *text, const struct facts *facts);
/* "dual, as far as is known: 3 nodes, 1 of them without an answer, 1 writer" */
void draw_add_title(struct ha_buf *text, const struct topology *topology);
/* The address of a channel's source, as the replica has it. */
void draw_add_source(struct ha_buf *text, const struct channel *channel);
/* Tells what is to be pointed out of the whole, raw bytes, one by one. */
void draw_tell_remarks(const struct topology *topology,
    void (*tell)(void *context, const char *remark), void *context);

#endif
