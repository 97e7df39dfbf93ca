/* SPDX-License-Identifier: ISC */
/* state - what a gate remembers from one batch to the next. */
#include "state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "rec.h"
#include "rules.h"

#define VERSION "1"
#define NAME_MAX_LEN 64
#define MAX_SIZE ((size_t)1 << 31)
#define FIRST_SLOTS 64
/* Of a check, less than half of what it has at least. */
#define LINE_LEN 64
/* 9999-12-31T23:59:59Z */
#define LAST_MS INT64_C(253402300799000)
/* Nothing comes as seldom: 100 years. */
#define INTERVAL_MAX_MS (INT64_C(100) * 366 * 86400 * 1000)
/* A slower or faster clock is none that was stepped. */
#define STEP_MS 5000

/* The fields of a check's line. */
enum {
	F_KIND,
	F_HOST,
	F_CHECK,
	F_LEVEL,
	F_TOLD, /* "-": nobody has heard of anything */
	F_INCIDENT,
	F_SINCE,
	F_BAD,
	F_WINDOW, /* a letter a result: O W U C */
	F_REMIND,
	F_REMINDERS,
	F_FLAPPING,
	F_FLIPS, /* times with blanks between them */
	F_TURN,
	F_STALE, /* 0, 1; 2: and told */
	F_SILENCED,
	F_HELD,
	F_CALM_SEQ,
	F_ACK,
	F_PRODUCER,
	F_SEEN,
	F_SEEN_SEQ,
	F_INTERVAL, /* ms */
	F_SWEEP,
	F_WAITED,
	F_TIME, /* the newest record */
	F_BY,
	F_STATE,
	F_MS,
	F_TARGET,
	F_MSG,
	F_PERF,
	FIELDS
};

static const char letters[] = "OWCU"; /* by enum ha_status_state */

int
state_is_name(const char *name)
{
	static const char allowed[] =
	    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-";
	static const char *const ours[] = { ".lock", ".new", ".owed" };
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (len >= strlen(ours[i]) &&
		    strcmp(name + len - strlen(ours[i]), ours[i]) == 0)
			return 0;
	return len > 0 && len <= NAME_MAX_LEN && name[0] != '.' &&
	       strspn(name, allowed) == len &&
	       strstr(name, ".damaged-") == NULL;
}

char *
state_path(const char *name)
{
	const char *dir = getenv("HA_STATE_DIR");

	return ha_xasprintf("%s/gate/%s",
	    dir != NULL && *dir != '\0' ? dir : "/var/lib/ha", name);
}

int
state_make_dir(struct ha_err *err)
{
	const char *dir;
	char *gates;
	int rc = 0;

	if (ha_fs_dir("HA_STATE_DIR", "/var/lib/ha", &dir, err) != 0)
		return -1;
	gates = ha_xasprintf("%s/gate", dir);
	if (mkdir(gates, 0755) != 0 && errno != EEXIST)
		rc = ha_err_set(err, EX_CANTCREAT, errno,
		    "can't make the directory '%s' (HA_STATE_DIR)", gates);
	free(gates);
	return rc;
}

void
state_init(struct state *state)
{
	memset(state, 0, sizeof(*state));
	ha_buf_init(&state->owed);
	state->boot = ha_xstrdup("");
	state->slot_count = FIRST_SLOTS;
	state->slots = ha_xcalloc(FIRST_SLOTS, sizeof(*state->slots));
}

static void
free_check(struct check *check)
{
	for (size_t i = 0; i < check->change_count; i++) {
		free(check->changes[i].time);
		free(check->changes[i].msg);
	}
	free(check->changes);
	free(check->host);
	free(check->check);
	free(check->text);
	free(check->ack);
	free(check);
}

static void
free_maint(struct maint *maint)
{
	free(maint->pattern);
	free(maint->who);
	free(maint->reason);
}

void
state_release(struct state *state)
{
	for (size_t i = 0; i < state->count; i++)
		free_check(state->checks[i]);
	for (size_t i = 0; i < state->maint_count; i++)
		free_maint(&state->maints[i]);
	for (size_t i = 0; i < state->producer_count; i++)
		free(state->producers[i]);
	free(state->checks);
	free(state->slots);
	free(state->maints);
	free(state->producers);
	free(state->boot);
	ha_buf_release(&state->owed);
	memset(state, 0, sizeof(*state));
}

/* FNV-1a, 64 bits (draft-eastlake-fnv). */
static uint64_t
hash(const char *host, const char *check)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *host != '\0'; host++)
		h = (h ^ (unsigned char)*host) * UINT64_C(1099511628211);
	h = (h ^ '\t') * UINT64_C(1099511628211);
	for (; *check != '\0'; check++)
		h = (h ^ (unsigned char)*check) * UINT64_C(1099511628211);
	return h;
}

static struct check **
slot_of(const struct state *state, const char *host, const char *check)
{
	size_t mask = state->slot_count - 1;
	size_t i = (size_t)hash(host, check) & mask;

	while (state->slots[i] != NULL &&
	       (strcmp(state->slots[i]->check, check) != 0 ||
		   strcmp(state->slots[i]->host, host) != 0))
		i = (i + 1) & mask;
	return &state->slots[i];
}

static void
fill_slots(struct state *state, size_t slot_count)
{
	free(state->slots);
	state->slot_count = slot_count;
	state->slots = ha_xcalloc(slot_count, sizeof(*state->slots));
	for (size_t i = 0; i < state->count; i++)
		*slot_of(state, state->checks[i]->host,
		    state->checks[i]->check) = state->checks[i];
}

struct check *
state_find(const struct state *state, const char *host, const char *check)
{
	return *slot_of(state, host, check);
}

struct check *
state_get(struct state *state, const char *host, const char *name)
{
	struct check **slot = slot_of(state, host, name);
	struct check *check;

	if (*slot != NULL)
		return *slot;
	check = ha_xcalloc(1, sizeof(*check));
	check->host = ha_xstrdup(host);
	check->check = ha_xstrdup(name);
	check->last = (struct ha_status){ .time = "",
		.by = "",
		.target = "",
		.msg = "",
		.perf = "",
		.host = check->host,
		.check = check->check };
	check->producer = "";
	*slot = check;
	if (state->count == state->cap) {
		state->cap = state->cap * 2 + 16;
		state->checks = ha_xrealloc(
		    state->checks, state->cap * sizeof(*state->checks));
	}
	state->checks[state->count++] = check;
	if (state->count * 2 > state->slot_count)
		fill_slots(state, state->slot_count * 2);
	return check;
}

char *
state_sweep_check(const char *gate, const char *producer)
{
	return gate != NULL ? ha_xasprintf(RULES_SWEEP "%s/%s", gate, producer)
			    : ha_xasprintf(RULES_SWEEP "%s", producer);
}

struct check *
state_find_sweep(const struct state *state, const char *producer)
{
	char *name = state_sweep_check(state->gate, producer);
	struct check *check = state_find(state, ha_status_here(), name);

	free(name);
	return check;
}

int
check_is_sweep(const struct check *check)
{
	return strncmp(check->check, RULES_SWEEP, strlen(RULES_SWEEP)) == 0;
}

void
state_sweep(struct state *state)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->count; i++) {
		if (state->checks[i]->is_gone)
			free_check(state->checks[i]);
		else
			state->checks[kept++] = state->checks[i];
	}
	if (kept == state->count)
		return;
	state->count = kept;
	fill_slots(state, state->slot_count);
}

const char *
state_producer(struct state *state, const char *name)
{
	for (size_t i = 0; i < state->producer_count; i++)
		if (strcmp(state->producers[i], name) == 0)
			return state->producers[i];
	state->producers = ha_xrealloc(state->producers,
	    (state->producer_count + 1) * sizeof(*state->producers));
	state->producers[state->producer_count] = ha_xstrdup(name);
	return state->producers[state->producer_count++];
}

/* Into *at, which is moved behind it. */
static const char *
copy(char **at, const char *text)
{
	char *start = *at;

	*at = stpcpy(start, text) + 1;
	return start;
}

void
check_set_last(
    struct check *check, const struct ha_status *status, int64_t time_ms)
{
	size_t size = strlen(status->time) + strlen(status->by) +
		      strlen(status->target) + strlen(status->msg) +
		      strlen(status->perf) + 5;
	char *at;

	if (size > check->text_size) {
		free(check->text);
		check->text_size = size + size / 4;
		check->text = ha_xmalloc(check->text_size);
	}
	at = check->text;
	check->last.time = copy(&at, status->time);
	check->last.by = copy(&at, status->by);
	check->last.target = copy(&at, status->target);
	check->last.msg = copy(&at, status->msg);
	check->last.perf = copy(&at, status->perf);
	check->last.state = status->state;
	check->last.ms = status->ms;
	check->last_ms = time_ms;
}

static void
add_change(struct check *check, const struct change *change)
{
	if (check->changes == NULL)
		check->changes = ha_xcalloc(STATE_CHANGES, sizeof(*change));
	if (check->change_count == STATE_CHANGES) {
		free(check->changes[0].time);
		free(check->changes[0].msg);
		memmove(check->changes, check->changes + 1,
		    (STATE_CHANGES - 1) * sizeof(check->changes[0]));
		check->change_count--;
	}
	check->changes[check->change_count++] = *change;
}

void
check_add_change(struct check *check, const struct ha_transition *told)
{
	struct change change = { ha_xstrdup(told->status.time),
		ha_xstrdup(told->status.msg), told->event, told->old_state,
		told->status.state };

	add_change(check, &change);
}

void
state_owe(struct state *state, const struct ha_transition *transition)
{
	ha_transition_encode(&state->owed, transition);
	state->owed_count++;
}

const struct maint *
state_maint(
    const struct state *state, const struct check *check, int64_t now_ms)
{
	for (size_t i = 0; i < state->maint_count; i++)
		if (now_ms < state->maints[i].until_ms &&
		    ha_status_matches(
			state->maints[i].pattern, check->host, check->check))
			return &state->maints[i];
	return NULL;
}

void
state_add_maint(struct state *state, const char *pattern, int64_t since_ms,
    int64_t until_ms, const char *who, const char *reason)
{
	struct maint maint = { ha_xstrdup(pattern), ha_xstrdup(who),
		ha_xstrdup(reason), since_ms, until_ms };

	state->maints = ha_xrealloc(
	    state->maints, (state->maint_count + 1) * sizeof(*state->maints));
	state->maints[state->maint_count++] = maint;
}

void
state_end_maints(struct state *state, int64_t now_ms)
{
	size_t kept = 0;

	for (size_t i = 0; i < state->maint_count; i++) {
		if (state->maints[i].until_ms > now_ms)
			state->maints[kept++] = state->maints[i];
		else
			free_maint(&state->maints[i]);
	}
	state->maint_count = kept;
}

static void
shift(int64_t *time_ms, int64_t by_ms)
{
	if (*time_ms == 0)
		return;
	*time_ms += by_ms;
	/* A clock may have been anything. */
	if (*time_ms < 1)
		*time_ms = 1;
	if (*time_ms > LAST_MS)
		*time_ms = LAST_MS;
}

static void
shift_all(struct state *state, int64_t by_ms)
{
	for (size_t i = 0; i < state->count; i++) {
		struct check *check = state->checks[i];

		shift(&check->seen_ms, by_ms);
		shift(&check->waited_ms, by_ms);
		shift(&check->remind_ms, by_ms);
		shift(&check->flapping_ms, by_ms);
		for (size_t j = 0; j < check->flip_count; j++)
			shift(&check->flips[j], by_ms);
		if (strcmp(check->last.by, ha_status_here()) != 0)
			continue;
		shift(&check->since_ms, by_ms);
		shift(&check->bad_ms, by_ms);
	}
	for (size_t i = 0; i < state->maint_count; i++) {
		shift(&state->maints[i].since_ms, by_ms);
		shift(&state->maints[i].until_ms, by_ms);
	}
}

static int64_t
up_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / HA_MS_NS;
}

static char *
this_boot(void)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	/* Without it no step is noticed, and that is all. */
	if (ha_fs_read_file(
		"/proc/sys/kernel/random/boot_id", 4096, &text, &err) != 0)
		ha_buf_reset(&text);
	ha_buf_truncate(&text, strcspn(text.data, "\n"));
	return text.cap > 0 ? ha_buf_detach(&text) : ha_xstrdup("");
}

static int64_t
step_of(const struct state *state, int64_t now_ms, int64_t up, const char *boot)
{
	int64_t step = 0;

	if (*boot != '\0' && strcmp(boot, state->boot) == 0)
		step = (now_ms - state->wall_ms) - (up - state->up_ms);
	/* A machine that has lost its clock while it was off. */
	else if (now_ms < state->wall_ms)
		step = now_ms - state->wall_ms;
	return step > -STEP_MS && step < STEP_MS ? 0 : step;
}

int64_t
state_clock_step(const struct state *state, int64_t now_ms)
{
	char *boot = this_boot();
	int64_t step = step_of(state, now_ms, up_ms(), boot);

	free(boot);
	return step;
}

int64_t
state_set_clock(struct state *state, int64_t now_ms)
{
	char *boot = this_boot();
	int64_t up = up_ms(), step = step_of(state, now_ms, up, boot);

	if (step != 0)
		shift_all(state, step);
	state->before_ms = state->wall_ms > 0 ? state->wall_ms + step : 0;
	free(state->boot);
	state->boot = boot;
	state->wall_ms = now_ms;
	state->up_ms = up;
	return step;
}

/* Encoding. */

static void
add_text(struct ha_buf *out, const char *text)
{
	ha_buf_add_char(out, '\t');
	ha_rec_add_field(out, text, strlen(text));
}

static void
add_number(struct ha_buf *out, uint64_t number)
{
	char digits[24], *at = digits + sizeof(digits);

	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	*--at = '\t';
	ha_buf_add(out, at, (size_t)(digits + sizeof(digits) - at));
}

/* One batch has the same time many times over. */
static void
add_time(struct ha_buf *out, int64_t time_ms)
{
	static char text[HA_CLOCK_RFC3339_SIZE];
	static int64_t formatted_ms = -1;

	ha_buf_add_char(out, '\t');
	if (time_ms == 0) {
		ha_buf_add_char(out, '-');
		return;
	}
	if (time_ms != formatted_ms)
		ha_clock_format_ms(time_ms, text);
	formatted_ms = time_ms;
	ha_buf_add_str(out, text);
}

static void
add_window(struct ha_buf *out, const struct judge_window *window)
{
	ha_buf_add_char(out, '\t');
	for (size_t i = 0; i < window->len; i++)
		ha_buf_add_char(out, letters[window->states[i]]);
	if (window->len == 0)
		ha_buf_add_char(out, '-');
}

static void
add_flips(struct ha_buf *out, const struct check *check)
{
	struct ha_buf flips = HA_BUF_INIT;
	char text[HA_CLOCK_RFC3339_SIZE];

	for (size_t i = 0; i < check->flip_count; i++) {
		ha_clock_format_ms(check->flips[i], text);
		ha_buf_addf(&flips, "%s%s", i > 0 ? " " : "", text);
	}
	add_text(out, flips.data);
	ha_buf_release(&flips);
}

static void
add_check(struct ha_buf *out, const struct check *check)
{
	ha_buf_add_str(out, "check");
	add_text(out, check->host);
	add_text(out, check->check);
	add_text(out, ha_status_name(check->level));
	add_text(out, check->is_told ? ha_status_name(check->told) : "");
	add_text(out, check->incident);
	add_time(out, check->since_ms);
	add_time(out, check->bad_ms);
	add_window(out, &check->window);
	add_time(out, check->remind_ms);
	add_number(out, check->reminders);
	add_time(out, check->flapping_ms);
	add_flips(out, check);
	add_number(out, check->turn);
	add_number(out, !check->is_stale ? 0 : check->is_stale_told ? 2 : 1);
	add_number(out, check->was_silenced != 0);
	add_number(out, check->held);
	add_number(out, check->calm_seq);
	add_text(out, check->ack != NULL ? check->ack : "");
	add_text(out, check->producer);
	add_time(out, check->seen_ms);
	add_number(out, check->seen_seq);
	add_number(out, (uint64_t)check->interval_ms);
	add_number(out, check->sweep);
	add_time(out, check->waited_ms);
	add_text(out, check->last.time);
	add_text(out, check->last.by);
	add_text(out, ha_status_name(check->last.state));
	ha_buf_addf(out, "\t%.1f", check->last.ms);
	add_text(out, check->last.target);
	add_text(out, check->last.msg);
	add_text(out, check->last.perf);
	ha_buf_add_char(out, '\n');
	for (size_t i = 0; i < check->change_count; i++) {
		const struct change *change = &check->changes[i];

		ha_buf_add_str(out, "change");
		add_text(out, change->time);
		add_text(out, ha_transition_name(change->event));
		add_text(out, ha_status_name(change->old_state));
		add_text(out, ha_status_name(change->state));
		add_text(out, change->msg);
		ha_buf_add_char(out, '\n');
	}
}

static void
add_owed(struct ha_buf *out, const struct ha_buf *owed)
{
	const char *line = owed->data, *end;

	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		ha_buf_add_str(out, "owed\t");
		ha_rec_add_field(out, line, (size_t)(end - line));
		ha_buf_add_char(out, '\n');
	}
}

static void
add_pair_time(struct ha_buf *out, const char *key, int64_t time_ms)
{
	char text[HA_CLOCK_RFC3339_SIZE];

	ha_clock_format_ms(time_ms, text);
	ha_rec_add_pair(out, key, text, strlen(text));
}

void
state_encode(struct ha_buf *out, const struct state *state, const char *name)
{
	size_t lines =
	    state->producer_count + state->maint_count + state->owed_count;

	ha_buf_add_str(out, "#ha-gate\tv=" VERSION);
	ha_rec_add_pair(out, "name", name, strlen(name));
	ha_buf_addf(out, "\tseq=%" PRIu64 "\tsweeps=%" PRIu64, state->seq,
	    state->sweeps);
	add_pair_time(out, "wall", state->wall_ms);
	ha_buf_addf(out, "\tup=%" PRId64, state->up_ms);
	ha_rec_add_pair(out, "boot", state->boot, strlen(state->boot));
	ha_buf_add_char(out, '\n');
	for (size_t i = 0; i < state->producer_count; i++) {
		ha_buf_add_str(out, "producer");
		add_text(out, state->producers[i]);
		ha_buf_add_char(out, '\n');
	}
	for (size_t i = 0; i < state->maint_count; i++) {
		ha_buf_add_str(out, "maint");
		add_text(out, state->maints[i].pattern);
		add_time(out, state->maints[i].since_ms);
		add_time(out, state->maints[i].until_ms);
		add_text(out, state->maints[i].who);
		add_text(out, state->maints[i].reason);
		ha_buf_add_char(out, '\n');
	}
	add_owed(out, &state->owed);
	for (size_t i = 0; i < state->count; i++) {
		add_check(out, state->checks[i]);
		lines += 1 + state->checks[i]->change_count;
	}
	ha_buf_addf(out, "#end\tn=%zu\n", lines);
}

/* Decoding: what can't be read makes the whole file a damaged one. */

struct reader {
	struct state *state;
	struct check *check; /* the last one, for its changes */
	size_t lines;
	int has_header, is_ended;
	uint64_t expected; /* lines, as the trailer says */
};

static int
bad(struct ha_err *err, const char *what)
{
	return ha_err_set(err, EX_DATAERR, 0, "%s", what);
}

static int
take_number(const char *text, uint64_t *number, struct ha_err *err)
{
	char *end;

	errno = 0;
	*number = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0')
		return bad(err, "a number that is none");
	return 0;
}

/* An unescaped field; "" is none. */
static int
take_time(const char *text, int64_t *time_ms, struct ha_err *err)
{
	static char known[HA_CLOCK_RFC3339_SIZE];
	static int64_t known_ms;

	*time_ms = 0;
	if (*text == '\0')
		return 0;
	if (strcmp(text, known) != 0) {
		if (ha_clock_parse_rfc3339(text, time_ms, err) != 0)
			return -1;
		if (strlen(text) < sizeof(known)) {
			memcpy(known, text, strlen(text) + 1);
			known_ms = *time_ms;
		}
		return 0;
	}
	*time_ms = known_ms;
	return 0;
}

static int
take_window(const char *text, struct judge_window *window, struct ha_err *err)
{
	const char *letter;

	for (window->len = 0; *text != '\0'; text++) {
		letter = strchr(letters, *text);
		if (letter == NULL || window->len == JUDGE_WINDOW)
			return bad(err, "results that are none");
		window->states[window->len++] =
		    (unsigned char)(letter - letters);
	}
	return 0;
}

static int
take_flips(char *text, struct check *check, struct ha_err *err)
{
	char *rest = text, *flip;

	while ((flip = strsep(&rest, " ")) != NULL && *flip != '\0') {
		if (check->flip_count == STATE_FLIPS ||
		    take_time(flip, &check->flips[check->flip_count++], err) !=
			0)
			return bad(err, "times of changes that are none");
	}
	return 0;
}

static int
take_incident(const char *text, struct check *check, struct ha_err *err)
{
	size_t len = strlen(text);

	if (len >= sizeof(check->incident))
		return bad(err, "an incident that is none");
	memcpy(check->incident, text, len + 1);
	return 0;
}

static int
take_counts(char **fields, struct check *check, struct ha_err *err)
{
	uint64_t reminders, turn, stale, silenced, held, interval;

	if (take_number(fields[F_REMINDERS], &reminders, err) != 0 ||
	    take_number(fields[F_TURN], &turn, err) != 0 ||
	    take_number(fields[F_STALE], &stale, err) != 0 ||
	    take_number(fields[F_SILENCED], &silenced, err) != 0 ||
	    take_number(fields[F_HELD], &held, err) != 0 ||
	    take_number(fields[F_CALM_SEQ], &check->calm_seq, err) != 0 ||
	    take_number(fields[F_SWEEP], &check->sweep, err) != 0 ||
	    take_number(fields[F_SEEN_SEQ], &check->seen_seq, err) != 0 ||
	    take_number(fields[F_INTERVAL], &interval, err) != 0)
		return -1;
	if (reminders > UINT32_MAX || held > UINT32_MAX || turn > 2 ||
	    interval > INTERVAL_MAX_MS)
		return bad(err, "a number that is too large");
	check->reminders = (unsigned)reminders;
	check->held = (unsigned)held;
	check->turn = (unsigned)turn;
	check->is_stale = stale != 0;
	check->is_stale_told = stale > 1;
	check->was_silenced = silenced != 0;
	check->interval_ms = (int64_t)interval;
	return 0;
}

static int
take_times(char **fields, struct check *check, struct ha_err *err)
{
	if (take_time(fields[F_SINCE], &check->since_ms, err) != 0 ||
	    take_time(fields[F_BAD], &check->bad_ms, err) != 0 ||
	    take_time(fields[F_REMIND], &check->remind_ms, err) != 0 ||
	    take_time(fields[F_FLAPPING], &check->flapping_ms, err) != 0 ||
	    take_time(fields[F_SEEN], &check->seen_ms, err) != 0 ||
	    take_time(fields[F_WAITED], &check->waited_ms, err) != 0 ||
	    take_time(fields[F_TIME], &check->last_ms, err) != 0)
		return -1;
	return 0;
}

static int
take_last(
    struct state *state, char **fields, struct check *check, struct ha_err *err)
{
	struct ha_status last = { .time = fields[F_TIME],
		.by = fields[F_BY],
		.target = fields[F_TARGET],
		.msg = fields[F_MSG],
		.perf = fields[F_PERF] };
	char *end;

	if (ha_status_parse_state(fields[F_STATE], &last.state) != 0)
		return bad(err, "a state that is none");
	last.ms = strtod(fields[F_MS], &end);
	if (*end != '\0')
		return bad(err, "a duration that is none");
	check_set_last(check, &last, check->last_ms);
	if (*fields[F_PRODUCER] != '\0')
		check->producer = state_producer(state, fields[F_PRODUCER]);
	return 0;
}

static int
read_check(struct reader *reader, char **fields, struct ha_err *err)
{
	size_t before = reader->state->count;
	struct check *check =
	    state_get(reader->state, fields[F_HOST], fields[F_CHECK]);

	if (*fields[F_CHECK] == '\0' || reader->state->count == before)
		return bad(err, "a check without a name, or twice");
	reader->check = check;
	if (ha_status_parse_state(fields[F_LEVEL], &check->level) != 0)
		return bad(err, "a level that is none");
	check->is_told = *fields[F_TOLD] != '\0';
	if (check->is_told &&
	    ha_status_parse_state(fields[F_TOLD], &check->told) != 0)
		return bad(err, "a state that is none");
	if (*fields[F_ACK] != '\0')
		check->ack = ha_xstrdup(fields[F_ACK]);
	if (take_incident(fields[F_INCIDENT], check, err) != 0 ||
	    take_times(fields, check, err) != 0 ||
	    take_window(fields[F_WINDOW], &check->window, err) != 0 ||
	    take_counts(fields, check, err) != 0 ||
	    take_flips(fields[F_FLIPS], check, err) != 0)
		return -1;
	return take_last(reader->state, fields, check, err);
}

static int
read_change(struct reader *reader, char **fields, struct ha_err *err)
{
	struct change change = { .time = fields[1], .msg = fields[5] };

	if (reader->check == NULL ||
	    ha_transition_parse_event(fields[2], &change.event) != 0 ||
	    ha_status_parse_state(fields[3], &change.old_state) != 0 ||
	    ha_status_parse_state(fields[4], &change.state) != 0)
		return bad(err, "a change that is none");
	change.time = ha_xstrdup(change.time);
	change.msg = ha_xstrdup(change.msg);
	add_change(reader->check, &change);
	return 0;
}

static int
read_maint(struct reader *reader, char **fields, struct ha_err *err)
{
	int64_t since_ms, until_ms;

	if (take_time(fields[2], &since_ms, err) != 0 ||
	    take_time(fields[3], &until_ms, err) != 0)
		return -1;
	state_add_maint(
	    reader->state, fields[1], since_ms, until_ms, fields[4], fields[5]);
	return 0;
}

static int
read_owed(struct reader *reader, char **fields, struct ha_err *err)
{
	struct ha_transition transition;
	struct ha_buf *owed = &reader->state->owed;
	char *copy;
	int rc;

	if (strchr(fields[1], '\n') != NULL)
		return bad(err, "two records in one");
	copy = ha_xstrdup(fields[1]);
	rc = ha_transition_decode(copy, &transition, err);
	free(copy);
	if (rc != 0)
		return -1;
	ha_buf_add_str(owed, fields[1]);
	ha_buf_add_char(owed, '\n');
	reader->state->owed_count++;
	return 0;
}

static int
read_producer(struct reader *reader, char **fields, struct ha_err *err)
{
	(void)err;
	state_producer(reader->state, fields[1]);
	return 0;
}

/* Most lines have no backslash at all: then only "-" is something else. */
static int
undo_field(char *field, int is_escaped, struct ha_err *err)
{
	if (is_escaped)
		return ha_rec_unescape_text(field, err);
	if (field[0] == '-' && field[1] == '\0')
		field[0] = '\0';
	return 0;
}

static int
read_line(struct reader *reader, char *line, struct ha_err *err)
{
	static const struct {
		const char *kind;
		size_t fields;
		int (*read)(
		    struct reader *reader, char **fields, struct ha_err *err);
	} kinds[] = {
		{ "check", FIELDS, read_check },
		{ "change", 6, read_change },
		{ "maint", 6, read_maint },
		{ "owed", 2, read_owed },
		{ "producer", 2, read_producer },
	};
	int is_escaped = strchr(line, '\\') != NULL;
	char *fields[FIELDS];
	size_t count = ha_rec_split(line, fields, FIELDS);

	reader->lines++;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(fields[0], kinds[i].kind) != 0)
			continue;
		if (count < kinds[i].fields)
			return bad(err, "too few fields");
		for (size_t j = 1; j < kinds[i].fields; j++)
			if (undo_field(fields[j], is_escaped, err) != 0)
				return -1;
		return kinds[i].read(reader, fields, err);
	}
	/* Of a later version. */
	return 0;
}

static int
set_header(
    struct state *state, const char *key, char *value, struct ha_err *err)
{
	uint64_t number;

	if (strcmp(key, "v") == 0 && strcmp(value, VERSION) != 0)
		return bad(err, "it is of another version");
	if (strcmp(key, "seq") == 0)
		return take_number(value, &state->seq, err);
	if (strcmp(key, "sweeps") == 0)
		return take_number(value, &state->sweeps, err);
	if (strcmp(key, "wall") == 0)
		return take_time(value, &state->wall_ms, err);
	if (strcmp(key, "up") == 0) {
		if (take_number(value, &number, err) != 0)
			return -1;
		state->up_ms = (int64_t)number;
	} else if (strcmp(key, "boot") == 0) {
		free(state->boot);
		state->boot = ha_xstrdup(value);
	}
	return 0;
}

static int
read_frame(struct reader *reader, char *line, struct ha_err *err)
{
	char *fields[16], *value;
	size_t count = ha_rec_split(line, fields, 16);
	int is_end = strcmp(fields[0], "#end") == 0;

	reader->has_header |= strcmp(fields[0], "#ha-gate") == 0;
	for (size_t i = 1; i < count; i++) {
		value = strchr(fields[i], '=');
		if (value == NULL)
			continue;
		*value++ = '\0';
		if (ha_rec_unescape_text(value, err) != 0)
			return -1;
		if (is_end && strcmp(fields[i], "n") == 0) {
			reader->is_ended = 1;
			if (take_number(value, &reader->expected, err) != 0)
				return -1;
		} else if (!is_end && set_header(reader->state, fields[i],
					  value, err) != 0) {
			return -1;
		}
	}
	return 0;
}

static int
read_lines(
    struct reader *reader, char *text, size_t *number, struct ha_err *err)
{
	char *line = text, *end;

	for (; *line != '\0'; line = end + 1) {
		end = strchr(line, '\n');
		++*number;
		if (end == NULL)
			return bad(err, "it is cut off");
		*end = '\0';
		if (reader->is_ended)
			return bad(err, "more behind its end");
		if ((*line == '#' ? read_frame : read_line)(
			reader, line, err) != 0)
			return -1;
		if (!reader->has_header)
			return bad(err, "it has no header");
	}
	if (!reader->is_ended || reader->expected != reader->lines)
		return bad(err, "it is cut off");
	return 0;
}

int
state_decode(struct state *state, char *text, size_t len, struct ha_err *err)
{
	struct reader reader = { .state = state };
	size_t number = 0;

	while (state->slot_count < len / LINE_LEN)
		state->slot_count *= 2;
	fill_slots(state, state->slot_count);
	if (strlen(text) != len)
		bad(err, "a NUL byte");
	else if (read_lines(&reader, text, &number, err) == 0)
		return 0;
	state_release(state);
	state_init(state);
	return ha_err_set(err, EX_DATAERR, 0, "%zu: %s", number, err->msg);
}

int
state_read(struct state *state, const char *path, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int rc = ha_fs_read_file(path, MAX_SIZE, &text, err);

	if (rc != 0) {
		ha_buf_release(&text);
		return err->sys == ENOENT ? 0 : -1;
	}
	rc = state_decode(state, text.data, text.len, err);
	ha_buf_release(&text);
	return rc == 0
		   ? 0
		   : ha_err_set(err, EX_DATAERR, 0, "%s:%s", path, err->msg);
}
