/* SPDX-License-Identifier: ISC */
/*
 * template - a JSON file that says what a webhook is sent.
 *
 * Placeholders "{name}" are replaced in the parsed values, each once: nothing
 * that an alert holds can become JSON, or a placeholder.
 * Source: ha-alert(1), TEMPLATES; RFC 8259.
 */
#ifndef ALERT_TEMPLATE_H
#define ALERT_TEMPLATE_H

#include "alert.h"
#include "buf.h"
#include "channel.h"
#include "err.h"

struct template;

/*
 * One that is shipped, by its name, or a file, by a path with a "/" in it.
 * EX_CONFIG with "file:line:column: ": no JSON, a member or placeholder that
 * there is none of, a "$map" or "$each" that is none.
 */
int
template_open(struct template **template, const char *name, struct ha_err *err);
/* The same of text; name is for messages and borrowed. */
int template_parse(struct template **template, const char *name,
    const char *text, size_t len, struct ha_err *err);
void template_free(struct template *template);

/* "POST" and so on; "" when the template names none.  Not owned. */
const char *template_method(const struct template *template);
/* "one_by_one": true: the service knows of no groups. */
int template_is_one_by_one(const struct template *template);
/* Does it name this setting, or with "KEY-file" this secret? */
int template_takes(const struct template *template, const char *key);
/*
 * Are all settings and secrets there that it names?  EX_CONFIG, or as
 * channel_secret().
 */
int template_check(const struct template *template,
    const struct channel *channel, struct ha_err *err);

/*
 * Append what is to be sent, one line without an LF, and to path what stands
 * behind the channel's URL.  is_shown: for a person's eyes, lines, with "***"
 * for secrets.  EX_CONFIG as template_check().
 */
int template_expand(const struct template *template,
    const struct alert_bundle *bundle, const struct channel *channel,
    int is_shown, struct ha_buf *body, struct ha_buf *path, struct ha_err *err);

/* The text of a template that is shipped; NULL: there is none of that name. */
const char *template_shipped(const char *name, size_t *len);
/* Append their names, ", " between. */
void template_names(struct ha_buf *out);

#endif
