/* SPDX-License-Identifier: ISC */
/*
 * fields - what a template's placeholders stand for.
 *
 * Source: ha-alert(1), TEMPLATES.
 */
#ifndef ALERT_FIELDS_H
#define ALERT_FIELDS_H

#include "alert.h"
#include "buf.h"
#include "channel.h"

#define FIELDS_MAX 40

struct field {
	const char *name;
	struct ha_buf text;
	int is_number; /* a whole one */
	long long number;
};

struct fields {
	struct field fields[FIELDS_MAX];
	size_t count;
};

/*
 * Those of one item, or with item NULL of the whole bundle: of its only item,
 * else of all together.
 */
void fields_init(struct fields *fields, const struct alert_bundle *bundle,
    const struct alert_item *item, const struct channel *channel);
void fields_release(struct fields *fields);
/* By its name of len bytes; NULL: there is none. */
const struct field *
fields_find(const struct fields *fields, const char *name, size_t len);

#endif
