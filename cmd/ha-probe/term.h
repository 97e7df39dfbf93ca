/* SPDX-License-Identifier: ISC */
/* term - one expectation: expect.c parses it, judge.c holds it against what
 * was seen. */
#ifndef TERM_H
#define TERM_H

#include <jansson.h>
#include <regex.h>
#include <stddef.h>

#include "buf.h"
#include "expect.h"
#include "range.h"

enum term_subject {
	TERM_STATUS,
	TERM_BODY,
	TERM_HEADER,
	TERM_JSON,
	TERM_SIZE,
	TERM_URL,
	TERM_REDIRECTS,
	TERM_CERT,
	TERM_TLS,
	TERM_REPLY,
};

enum term_relation {
	TERM_EQUALS,
	TERM_MATCHES, /* ~ */
	TERM_LACKS, /* !~ */
};

struct term_span {
	int from, to;
};

struct term {
	unsigned users; /* expectations that hold it */
	enum term_subject subject;
	enum term_relation relation;
	unsigned about; /* enum expect_about */
	char *name; /* the header's, or the pointer */
	char *value; /* as it is shown; reply: bytes */
	size_t value_len;
	int has_regex;
	regex_t regex;
	json_t *json;
	struct term_span *spans; /* status */
	size_t span_count;
	struct ha_range range; /* size, redirects */
	struct ha_thresholds days; /* cert */
};

/* Any JSON value; NULL: that is none. */
json_t *term_load_json(const char *text, size_t len);

struct expect {
	struct term **terms;
	size_t count;
	struct ha_buf text;
};

#endif
