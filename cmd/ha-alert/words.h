/* SPDX-License-Identifier: ISC */
/*
 * words - alerts in words for a person who has just been woken up.
 *
 * Everything is UTF-8 and free of control characters, whatever the records
 * hold.  Times are in the local zone (TZ) and in UTC.
 * Source: ha-alert(1), MESSAGES.
 */
#ifndef ALERT_WORDS_H
#define ALERT_WORDS_H

#include <stdint.h>

#include "alert.h"
#include "buf.h"

/* Append text from outside as one line: blanks for what would break it. */
void words_add(struct ha_buf *out, const char *text);
/* Append lines from outside, with an LF behind the last; TABs stay. */
void words_add_lines(struct ha_buf *out, const char *text);
/* "Mon 2026-11-23 08:50:01 CST (+08:00; 00:50:01 UTC)" */
void words_add_time(struct ha_buf *out, int64_t wall_ms);
/* As a word of a command for a shell: in '...' if it has to be. */
void words_add_quoted(struct ha_buf *out, const char *text);

/* "disk:/ on web1"; of a message its subject. */
void words_name(struct ha_buf *out, const struct alert_item *item);
/* "CRIT disk:/ on web1: 97% used", in one line. */
void words_item(struct ha_buf *out, const struct alert_item *item);
/*
 * The command to look closer: look with its %c and %h replaced, or if it is
 * NULL what fits the check.  Nothing for a message.
 */
void
words_look(struct ha_buf *out, const struct alert_item *item, const char *look);

/* Has the incident ended with it? */
int words_is_end(const struct alert_item *item);
/* The worst state before the last one that the item knows of. */
enum ha_status_state words_old_state(const struct alert_item *item);
/* How long the incident has lasted, in milliseconds, not negative. */
int64_t words_lasted_ms(const struct alert_item *item);
/*
 * The bundle's items, the worst first, what has ended last, else in the order
 * of time; the caller frees the array.
 */
const struct alert_item **words_sort(const struct alert_bundle *bundle);

/* The whole message: its one line, and its lines. */
void words_subject(struct ha_buf *subject, const struct alert_bundle *bundle);
void words_text(
    struct ha_buf *text, const struct alert_bundle *bundle, const char *look);

/*
 * How many bytes of UTF-8 make up the first max UTF-16 units (what services
 * count: a character beyond U+FFFF is two), or all of them.
 */
size_t words_fit(const char *text, size_t len, size_t max);

#endif
