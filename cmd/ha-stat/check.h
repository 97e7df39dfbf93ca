/* SPDX-License-Identifier: ISC */
/*
 * check - one thing to look at: how it is written, looked at and judged.
 *
 *	CHECK = KIND [":" ARGUMENT] ["?" KEY "=" VALUE *("&" KEY "=" VALUE)]
 *
 * A "%" and two hex digits stand for a byte in ARGUMENT and VALUE; any other
 * "%" is itself.  In a file further KEY=VALUE words may follow, in which "%"
 * is always itself.
 *
 * A run goes: every check is looked at; those that have to compare two looks
 * and have no earlier one are looked at again after the interval; each one is
 * judged when it has no helper left to wait for; its finding is reported.
 * look() and judge() don't wait for anything: what may not return is given to
 * a helper (helper.h).  Source: ha-stat(1), CHECKS.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "range.h"
#include "status.h"

struct check;
struct check_phrase;
struct helper;

enum option_type {
	OPTION_LIMIT, /* thresholds of a value: "WARN,CRIT", either one may be
			 left out ("90%", ",95%") */
	OPTION_TEXT,
	OPTION_DURATION, /* setting->number: milliseconds */
	OPTION_FLAG, /* setting->number: 1; written without a value, or "yes" */
};

/* What an option of a check was set to. */
struct setting {
	int is_given; /* by whoever wrote the check; else it is the fallback */
	char *text; /* as written and unescaped; NULL: not set at all */
	int64_t number;
	struct ha_thresholds limit;
	char *warn, *crit; /* of the limit, as they were written; or NULL */
	void *value; /* what the option's own parse() made of it; freed by
			free(3), after the kind's release() */
};

struct kind_option {
	const char *name; /* "fds"; ended by an entry where it is NULL */
	enum option_type type;
	enum ha_range_unit unit; /* of a limit */
	const char *argument; /* "HEX"; for --list; NULL for limits and flags */
	const char *fallback; /* as it would be written; or NULL */
	const char *help; /* one line; of a limit: what its value is */
	/*
	 * Look at text at once, so that a mistake is found where it stands;
	 * may set number and value.  EX_USAGE.  May be NULL.
	 */
	int (*parse)(
	    struct setting *setting, const char *text, struct ha_err *err);
};

struct kind {
	const char *name; /* "disk" */
	const char *argument; /* "PATH", "[DEV]" if it may be left out; NULL:
				 takes none */
	const char *help; /* one line */
	const char *details; /* lines for --list; or NULL */
	/*
	 * The first one, if it is a limit, is that of the main value: warn=
	 * and crit= are its halves, and -w and -c are meant for it.
	 */
	const struct kind_option *options;
	size_t size; /* of its own data for each check, zeroed: check->data */
	/*
	 * After all options are set: look at the argument and at what doesn't
	 * go together.  EX_USAGE.  May be NULL.
	 */
	int (*prepare)(struct check *check, struct ha_err *err);
	/*
	 * Look.  check->looks is 1, or 2 if check_look_again() was called at
	 * the first time.  May set check->helper.
	 */
	void (*look)(struct check *check);
	/*
	 * Say what came of it.  If there is a helper, it has ended; it is
	 * freed later.  Not called for what passed the deadline or is stuck:
	 * these are CRIT for every kind in the same words.
	 */
	void (*judge)(struct check *check);
	/*
	 * --accept: record what is there now as what ought to be.  Called
	 * instead of all of the above, after prepare(); NULL: nothing to.
	 */
	int (*accept)(struct check *check, struct ha_err *err);
	void (*release)(struct check *check); /* what data holds; may be NULL */
};

struct check {
	const struct kind *kind;
	char *name; /* CHECK of the record: its own, or it without options */
	char *target; /* as it was written */
	char *argument; /* unescaped; NULL: none */
	struct setting *settings; /* beside kind->options */
	void *data;

	unsigned looks; /* 1 or 2 */
	int is_again; /* by check_look_again() */
	int is_failed; /* by check_fail() */
	int64_t deadline_ns; /* for the helper */
	struct helper *helper; /* owned; NULL: nothing to wait for */

	enum ha_status_state state;
	struct check_phrase *phrases; /* of check_say(), in order */
	size_t phrase_count;
	char *subject;
	struct ha_buf perf;
	double gauge; /* 0 to 1: how full, for a bar; NAN: nothing to draw */
	int64_t began_ns; /* the first look, by CLOCK_MONOTONIC */
	int64_t spent_ns; /* in looks and judge; of a helper, until its end */
};

/* The table, in the order of --list; ended by NULL. */
extern const struct kind *const kinds[];
/* The kind that len bytes of name are; NULL: there is none. */
const struct kind *kind_find(const char *name, size_t len);

/*
 * Parse a CHECK.  NULL with EX_USAGE; *offset receives the byte of text where
 * the mistake is.  Then further words, "KEY=VALUE", may be added; then
 * check_complete() fills in what was not given, and prepares it (its mistakes
 * are the whole check's).  warn and crit are -w and -c, or NULL: for the main
 * value of a check that has neither of its own.
 */
struct check *check_parse(const char *text, size_t *offset, struct ha_err *err);
int check_add(
    struct check *check, const char *word, size_t *offset, struct ha_err *err);
int check_complete(struct check *check, const char *warn, const char *crit,
    struct ha_err *err);
void check_free(struct check *check);

/* For kinds: the setting of the option at that place of kind->options. */
const struct setting *check_setting(const struct check *check, size_t option);

/* In look(): have it called once more, after the interval. */
void check_look_again(struct check *check);

/*
 * In judge(): the words.  MSG becomes "SUBJECT PHRASE, PHRASE, ...", the
 * phrases of worse states first, otherwise in the order they were said.
 */
void check_subject(struct check *check, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A phrase, and a state, of which the worst counts. */
void check_say(struct check *check, enum ha_status_state state, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));

/*
 * In look() or judge(): it can't be known.  UNKNOWN with err's words; nothing
 * further of the check is called.
 */
void check_fail(struct check *check, const struct ha_err *err);

/*
 * A value that was measured: performance data, and a phrase.  It is judged by
 * the limit of its option; behind the phrase stands the threshold that alerts,
 * "(WARN 80%)".
 */
struct measured {
	size_t option;
	const char *label; /* of the performance data; NULL: the option's */
	double value;
	double whole; /* what a percentage of the limit is of; 0: of nothing */
	const char *unit; /* of performance data: "", "s", "%", "B", "c" */
	double min, max; /* of performance data; NAN: left out */
};
/*
 * The measured value's state.  A phrase that is empty is not said; only_bad: it
 * is said only if it alerts.
 */
enum ha_status_state
check_value(struct check *check, const struct measured *measured, int only_bad,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* MSG, for whoever reports; appended. */
void check_message(const struct check *check, struct ha_buf *msg);
/* The same without the subject. */
void check_words(const struct check *check, struct ha_buf *msg);

/* Whole percent, rounded down: 94.9 does not read as if 95 were reached. */
int words_percent(double percent);
/* 1.5 KiB, 12.1 GiB, 180 GiB; the caller's buffer is returned. */
#define WORDS_SIZE 32
const char *words_bytes(char out[WORDS_SIZE], double bytes);

#endif
