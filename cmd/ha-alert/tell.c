/* SPDX-License-Identifier: ISC */
/* tell - the queue of one channel, from its files to the receiver. */
#include "tell.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "alloc.h"
#include "child.h"
#include "clock.h"
#include "deliver.h"
#include "entry.h"
#include "fail.h"
#include "lock.h"
#include "msg.h"
#include "queue.h"
#include "rec.h"
#include "render.h"
#include "state.h"

#define LOCK ".lock"
#define TRYING ".trying"
#define TRYING_SIZE 256
/* Somebody else's turn takes less, by far. */
#define HELD_TOO_LONG_MS (5 * 60 * 1000)
/* So often a look at what came meanwhile. */
#define LOOK_MS 500
/* The state is written at most so often while all goes well, and the
 * directory synced. */
#define SETTLE_MS 100
/* An attempt with less time than this is none. */
#define LEAST_MS 1000
#define GIVE_UP_MS (3 * INT64_C(24) * 60 * 60 * 1000)
/* What alert.conf lacks may be there when cron calls the next time. */
#define MENDED_MS 55000
/* Of what fails while the channel is down another one is tried next. */
#define ROTATE_MS 1000

struct teller {
	const struct tell *tell;
	const struct channel *channel; /* NULL: alert.conf does not have it */
	int dir_fd, trying_fd;
	struct queue queue;
	struct state state;
	struct entry_reader reader;
	struct sender *sender;
	int64_t look_ns, settle_ns; /* when to do it next */
	int is_unsettled; /* told, and neither synced nor in the state */
	int status;
};

static void
complain(struct teller *teller, const struct ha_err *err)
{
	ha_warn("%s: %s", teller->tell->name, err->msg);
	if (teller->status == EX_OK)
		teller->status = err->status;
}

static void
write_state(struct teller *teller)
{
	struct ha_err err;

	teller->state.seen_ms = ha_clock_wall_ms();
	if (state_write(&teller->state, teller->dir_fd, &err) != 0)
		ha_note("%s: .state: %s", teller->tell->name, err.msg);
}

/* Names of what is unlinked are on disk, and so are the pauses. */
static void
settle(struct teller *teller)
{
	if (!teller->is_unsettled)
		return;
	fsync(teller->dir_fd);
	write_state(teller);
	teller->is_unsettled = 0;
	teller->settle_ns = ha_clock_deadline(SETTLE_MS);
}

static void
garbage(struct teller *teller, const char *name, const char *why)
{
	const struct tell *tell = teller->tell;
	struct ha_err err;

	if (fail_garbage(tell->spool, teller->dir_fd, name, tell->name, why,
		tell->name, &err) != 0)
		complain(teller, &err);
}

/* What has been read of the directory and is not in the queue yet. */
struct batch {
	struct queue_entry *entries;
	size_t count;
	struct names dead; /* they have become another one */
};

static void
read_entry(struct teller *teller, struct batch *batch, const char *name)
{
	struct queue_entry *entry = &batch->entries[batch->count];
	struct ha_err err;

	memset(entry, 0, sizeof(*entry));
	if (entry_read(&teller->reader, teller->dir_fd, name, 0, &entry->entry,
		&err) != 0) {
		if (err.status == EX_DATAERR)
			garbage(teller, name, err.msg);
		else if (err.status != EX_NOINPUT)
			complain(teller, &err);
		return;
	}
	for (size_t i = 0; i < entry->entry.member_count; i++)
		names_add(&batch->dead, entry->entry.members[i]);
	entry->name = ha_xstrdup(name);
	batch->count++;
}

/* One that was being sent when its flusher died may have arrived. */
static int
was_trying(struct teller *teller, const char *name)
{
	char text[TRYING_SIZE + 1];
	ssize_t n = pread(teller->trying_fd, text, TRYING_SIZE, 0);

	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

static void
fill_entry(struct teller *teller, struct queue_entry *entry)
{
	const struct state_entry *tried =
	    state_find(&teller->state, entry->name);

	entry->born_ms = spool_id_ms(entry->name);
	if (entry->born_ms < 0)
		entry->born_ms = ha_clock_wall_ms();
	entry->is_frozen =
	    tried != NULL ? tried->may_have_it : entry->entry.member_count > 0;
	if (entry->entry.is_alone)
		entry->is_frozen = 1;
	if (was_trying(teller, entry->name)) {
		entry->is_frozen = 1;
		state_entry(&teller->state, entry->name)->may_have_it = 1;
		tried = state_find(&teller->state, entry->name);
	}
	if (tried == NULL)
		return;
	entry->attempts = tried->attempts;
	entry->next_ms = tried->next_ms;
	if (tried->born_ms)
		entry->born_ms = tried->born_ms;
}

static void
add_batch(struct teller *teller, struct batch *batch)
{
	int is_unlinked = 0;

	for (size_t i = 0; i < batch->count; i++) {
		struct queue_entry *entry = &batch->entries[i];

		if (names_find(&batch->dead, entry->name) == NAMES_NONE) {
			fill_entry(teller, entry);
			queue_add(&teller->queue, entry);
			continue;
		}
		unlinkat(teller->dir_fd, entry->name, 0);
		state_remove(&teller->state, entry->name);
		entry_release(&entry->entry);
		free(entry->name);
		is_unlinked = 1;
	}
	if (is_unlinked)
		fsync(teller->dir_fd);
}

/* Somebody said --retry. */
static void
forget_pauses(struct teller *teller)
{
	struct state *state = &teller->state;
	struct queue_part *part;

	if (unlinkat(teller->dir_fd, SPOOL_RETRY, 0) != 0)
		return;
	state->next_ms = 0;
	state->attempts = 0;
	for (size_t i = 0; i < state->count; i++) {
		state->entries[i].next_ms = 0;
		state->entries[i].attempts = 0;
	}
	for (part = teller->queue.first; part; part = part->after)
		for (size_t i = 0; i < part->count; i++) {
			part->entries[i]->next_ms = 0;
			part->entries[i]->attempts = 0;
		}
}

/* Entries that are not known yet. */
static void
look(struct teller *teller)
{
	struct batch batch = { NULL, 0 };
	struct ha_err err;
	char **names;
	size_t count;

	teller->look_ns = ha_clock_deadline(LOOK_MS);
	forget_pauses(teller);
	if (spool_names(teller->dir_fd, &names, &count, &err) != 0) {
		complain(teller, &err);
		return;
	}
	batch.entries = ha_xcalloc(count + 1, sizeof(*batch.entries));
	names_init(&batch.dead);
	for (size_t i = 0; i < count; i++)
		if (!queue_has(&teller->queue, names[i]))
			read_entry(teller, &batch, names[i]);
	add_batch(teller, &batch);
	names_release(&batch.dead);
	free(batch.entries);
	spool_free_names(names, count);
}

/* Of several that become one: "ID.N+M", M entries. */
static char *
joined_name(const char *const *names, size_t count)
{
	unsigned long total = 0;

	for (size_t i = 0; i < count; i++) {
		const char *plus = strchr(names[i], '+');

		total += plus != NULL ? strtoul(plus + 1, NULL, 10) : 1;
	}
	return ha_xasprintf(
	    "%.*s+%lu", (int)strcspn(names[0], "+"), names[0], total);
}

/*
 * Several become one file before they are sent, so that a repetition is of the
 * same and has the same key.
 */
static int
join(struct teller *teller, struct queue_plan *plan, struct ha_err *err)
{
	struct queue_entry entry = { .born_ms = queue_born_ms(plan->parts[0]) };
	struct ha_buf content = HA_BUF_INIT;
	size_t count;
	const char **names = queue_plan_names(plan, &count);
	struct entry_header header;
	struct state_entry *joined;
	int failed;

	entry.name = joined_name(names, count);
	header =
	    (struct entry_header){ .members = names, .member_count = count };
	entry_encode(&content, &plan->bundle, &header);
	failed = spool_put(
	    teller->tell->spool, teller->dir_fd, entry.name, &content, err);
	if (!failed)
		failed = entry_read(&teller->reader, teller->dir_fd, entry.name,
		    0, &entry.entry, err);
	ha_buf_release(&content);
	if (failed) {
		free(entry.name);
		free(names);
		return failed;
	}
	for (size_t i = 0; i < count; i++) {
		const struct state_entry *tried =
		    state_find(&teller->state, names[i]);

		if (tried != NULL && tried->attempts > entry.attempts)
			entry.attempts = tried->attempts;
		unlinkat(teller->dir_fd, names[i], 0);
		state_remove(&teller->state, names[i]);
	}
	fsync(teller->dir_fd);
	free(names);
	joined = state_entry(&teller->state, entry.name);
	joined->attempts = entry.attempts;
	joined->born_ms = entry.born_ms;
	joined->may_have_it = 1;
	queue_join(&teller->queue, plan, &entry);
	return 0;
}

static void
note_trying(const struct teller *teller, const char *name)
{
	char text[TRYING_SIZE];

	memset(text, '\n', sizeof(text));
	memcpy(text, name, strnlen(name, sizeof(text) - 1));
	if (pwrite(teller->trying_fd, text, sizeof(text), 0) < 0)
		ha_note("%s: .trying: %s", teller->tell->name, strerror(errno));
}

static void
fault(struct delivery *delivery, const struct ha_err *err)
{
	memset(delivery, 0, sizeof(*delivery));
	delivery->result = DELIVERY_LATER;
	delivery->retry_after_ms = MENDED_MS;
	delivery->is_channel_down = 1;
	snprintf(delivery->words, sizeof(delivery->words), "%.*s",
	    (int)sizeof(delivery->words) - 1, err->msg);
}

/* Of alert.conf: it can be mended while the alerts wait. */
static int
prepare(struct teller *teller, struct rendered *rendered,
    const struct alert_bundle *bundle, struct ha_err *err)
{
	if (teller->channel == NULL)
		return ha_err_set(err, EX_CONFIG, 0, "%s has no channel '%s'",
		    teller->tell->channels->path, teller->tell->name);
	if (teller->sender == NULL &&
	    sender_new(&teller->sender, teller->channel, err) != 0)
		return -1;
	return render(rendered, bundle, teller->channel, err);
}

static void
attempt(struct teller *teller, const struct queue_plan *plan,
    struct delivery *delivery, char key[ALERT_KEY_SIZE])
{
	struct rendered rendered;
	int64_t deadline_ns = teller->tell->deadline_ns, own_ns;
	struct ha_err err;

	rendered_init(&rendered);
	alert_key(key, &plan->bundle);
	if (prepare(teller, &rendered, &plan->bundle, &err) != 0) {
		fault(delivery, &err);
	} else {
		own_ns = ha_clock_deadline(teller->channel->timeout_ms);
		note_trying(teller, plan->parts[0]->entries[0]->name);
		memset(delivery, 0, sizeof(*delivery));
		delivery->retry_after_ms = -1;
		sender_send(teller->sender, &rendered,
		    own_ns < deadline_ns ? own_ns : deadline_ns, delivery);
		note_trying(teller, "");
	}
	rendered_release(&rendered);
}

/* What was done with them is done with all that the plan is of. */
static void
each_name(struct teller *teller, const struct queue_plan *plan,
    void (*each)(struct teller *teller, const char *name, const void *context),
    const void *context)
{
	size_t count;
	const char **names = queue_plan_names(plan, &count);

	for (size_t i = 0; i < count; i++)
		each(teller, names[i], context);
	free(names);
}

static void
forget(struct teller *teller, const char *name, const void *context)
{
	(void)context;
	if (unlinkat(teller->dir_fd, name, 0) != 0 && errno != ENOENT)
		ha_warn("%s: can't remove '%s': %s", teller->tell->name, name,
		    strerror(errno));
	state_remove(&teller->state, name);
}

static void
remove_parts(struct teller *teller, const struct queue_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		queue_remove(&teller->queue, plan->parts[i]);
}

static void
done(struct teller *teller, const struct queue_plan *plan, const char *key,
    const struct delivery *delivery)
{
	struct state *state = &teller->state;

	each_name(teller, plan, forget, NULL);
	remove_parts(teller, plan);
	queue_sent(state, &teller->queue.rules, ha_clock_wall_ms());
	state->attempts = 0;
	state->next_ms = 0;
	state_set_words(&state->words, NULL);
	if (!teller->is_unsettled)
		teller->settle_ns = ha_clock_deadline(SETTLE_MS);
	teller->is_unsettled = 1;
	ha_note("%s: told %s", teller->tell->name, key);
	if (delivery->is_partial)
		ha_warn("%s: %s is not told to all: %s", teller->tell->name,
		    key, delivery->words);
	/* Now that nothing hangs on it: syslog(3) may block. */
	if (delivery->is_partial)
		syslog(LOG_ERR, "%s: told %s, not to all: %s",
		    teller->tell->name, key, delivery->words);
	else
		syslog(LOG_INFO, "%s: told %s", teller->tell->name, key);
}

static void
fail_name(struct teller *teller, const char *name, const void *context)
{
	const struct tell *tell = teller->tell;
	struct ha_err err;

	state_remove(&teller->state, name);
	if (fail_move(tell->spool, teller->dir_fd, name, tell->name, context,
		&err) != 0)
		complain(teller, &err);
}

/*
 * To failed/, and to the fallback's queue before.  -1: not yet; a later attempt
 * may find the disk less full.
 */
static int
give_up(struct teller *teller, struct queue_plan *plan, const char *key,
    const char *words)
{
	const struct tell *tell = teller->tell;
	struct ha_err err;

	if (plan->entry == NULL && join(teller, plan, &err) != 0)
		ha_note("%s: %s", tell->name, err.msg);
	ha_warn("%s: %s is given up: %s", tell->name, key, words);
	syslog(LOG_ERR, "%s: %s is given up: %s", tell->name, key, words);
	if (teller->channel != NULL && fail_over(tell->spool, teller->channel,
					   plan->parts[0]->entries[0]->name,
					   &plan->bundle, words, &err) != 0) {
		complain(teller, &err);
		return -1;
	}
	each_name(teller, plan, fail_name, words);
	remove_parts(teller, plan);
	teller->is_unsettled = 1;
	return 0;
}

struct pause {
	int64_t next_ms;
	int may_have_it, is_rotated;
	const char *words;
};

static void
pause_name(struct teller *teller, const char *name, const void *context)
{
	struct state_entry *entry = state_entry(&teller->state, name);
	const struct pause *pause = context;

	entry->attempts++;
	entry->next_ms = pause->next_ms;
	if (pause->is_rotated)
		entry->next_ms += ROTATE_MS - QUEUE_BACKOFF_FIRST_MS +
				  queue_backoff_ms(entry->attempts);
	entry->may_have_it = pause->may_have_it;
	state_set_words(&entry->words, pause->words);
}

static int64_t
pause_ms(const struct delivery *delivery, unsigned attempts)
{
	if (delivery->retry_after_ms < 0)
		return queue_jitter_ms(
		    queue_backoff_ms(attempts), (unsigned)random());
	if (delivery->retry_after_ms < QUEUE_RETRY_AFTER_MIN_MS)
		return QUEUE_RETRY_AFTER_MIN_MS;
	return delivery->retry_after_ms < QUEUE_RETRY_AFTER_MAX_MS
		   ? delivery->retry_after_ms
		   : QUEUE_RETRY_AFTER_MAX_MS;
}

static void
report_pause(
    const struct teller *teller, const char *key, const char *words, int64_t ms)
{
	char pause[64];

	ha_clock_words(ms, pause, sizeof(pause));
	if (!teller->tell->is_quiet)
		ha_warn("%s: %s is not told yet: %s; tried again in %s",
		    teller->tell->name, key, words, pause);
}

static void
pause_part(struct teller *teller, struct queue_part *part, int may_have_it)
{
	for (size_t i = 0; i < part->count; i++) {
		const struct state_entry *tried =
		    state_find(&teller->state, part->entries[i]->name);

		part->entries[i]->attempts = tried->attempts;
		part->entries[i]->next_ms = tried->next_ms;
	}
	queue_freeze(&teller->queue, part,
	    may_have_it || part->entries[0]->entry.is_alone);
}

static void
later(struct teller *teller, const struct queue_plan *plan,
    const struct delivery *delivery, const char *key)
{
	struct queue_entry *entry = plan->parts[0]->entries[0];
	struct state *state = &teller->state;
	int64_t now_ms = ha_clock_wall_ms(), ms;
	struct pause pause = { .may_have_it = delivery->may_have_it,
		.words = delivery->words };

	if (delivery->is_channel_down) {
		ms = pause_ms(delivery, ++state->attempts);
		state->next_ms = now_ms + ms;
		state_set_words(&state->words, delivery->words);
		pause.is_rotated = teller->queue.first->after != NULL;
	} else {
		ms = pause_ms(delivery, entry->attempts + 1);
	}
	pause.next_ms = now_ms + ms;
	each_name(teller, plan, pause_name, &pause);
	for (size_t i = 0; i < plan->count; i++)
		pause_part(teller, plan->parts[i], delivery->may_have_it);
	report_pause(teller, key, delivery->words, ms);
	write_state(teller);
}

/*
 * One of them may be what is refused: each by itself.  The last one of the new
 * entries says that it is instead of the old one.
 */
static int
split(struct teller *teller, struct queue_plan *plan)
{
	const struct alert_bundle *bundle = &plan->bundle;
	const char *old = plan->parts[0]->entries[0]->name;
	struct ha_err err;
	int failed = 0;

	if (bundle->count < 2 || plan->entry == NULL)
		return 0;
	for (size_t i = 0; i < bundle->count && !failed; i++) {
		struct alert_bundle one = { .items = &bundle->items[i],
			.count = 1,
			.left_out =
			    i + 1 == bundle->count ? bundle->left_out : 0,
			.note = bundle->note };
		struct entry_header header = { .members = &old,
			.member_count = i + 1 == bundle->count,
			.is_alone = 1 };
		char *name = ha_xasprintf("%s.%03zu", old, i);
		struct ha_buf content = HA_BUF_INIT;

		entry_encode(&content, &one, &header);
		failed = spool_put(
		    teller->tell->spool, teller->dir_fd, name, &content, &err);
		ha_buf_release(&content);
		free(name);
	}
	if (failed) {
		complain(teller, &err);
		return 0;
	}
	each_name(teller, plan, forget, NULL);
	remove_parts(teller, plan);
	look(teller);
	return 1;
}

static int64_t
give_up_ms(const struct teller *teller)
{
	return teller->channel != NULL && teller->channel->give_up_ms > 0
		   ? teller->channel->give_up_ms
		   : GIVE_UP_MS;
}

/* After a failure: what has waited for too long. */
static void
give_up_old(struct teller *teller, int is_channel_down)
{
	int64_t now_ms = ha_clock_wall_ms();
	struct queue_part *part, *after;

	for (part = teller->queue.first; part; part = after) {
		struct queue_plan plan;
		char key[ALERT_KEY_SIZE];
		const struct state_entry *tried;
		char *words;

		after = part->after;
		tried = state_find(&teller->state, part->entries[0]->name);
		if (queue_age_ms(&teller->state, queue_born_ms(part), now_ms) <
			give_up_ms(teller) ||
		    (!is_channel_down && tried == NULL))
			continue;
		words = ha_xstrdup(
		    tried != NULL && tried->words != NULL ? tried->words
		    : teller->state.words != NULL         ? teller->state.words
							  : "it is too old");
		queue_plan_part(&plan, part);
		alert_key(key, &plan.bundle);
		give_up(teller, &plan, key, words);
		queue_plan_release(&plan);
		free(words);
	}
}

static void
send_plan(struct teller *teller, struct queue_plan *plan)
{
	char key[ALERT_KEY_SIZE];
	struct delivery delivery;
	struct ha_err err;

	/* Without room on the disk it is sent as it is: told twice maybe. */
	if (plan->entry == NULL && join(teller, plan, &err) != 0)
		complain(teller, &err);
	attempt(teller, plan, &delivery, key);
	switch (delivery.result) {
	case DELIVERY_DONE:
		done(teller, plan, key, &delivery);
		break;
	case DELIVERY_LATER:
		later(teller, plan, &delivery, key);
		give_up_old(teller, delivery.is_channel_down);
		break;
	case DELIVERY_NEVER:
		if (!split(teller, plan) &&
		    give_up(teller, plan, key, delivery.words) != 0)
			later(teller, plan, &delivery, key);
		break;
	}
}

static void
wait_until(int64_t deadline_ns)
{
	poll(NULL, 0, ha_clock_poll_ms(deadline_ns));
}

/* Nothing to send now: 1 when it is worth to wait for what comes. */
static int
idle(struct teller *teller, const struct queue_plan *plan)
{
	int64_t now_ns = ha_clock_now_ns(), ready_ns;
	int64_t deadline_ns = teller->tell->deadline_ns;

	settle(teller);
	if (plan->wait_ms == QUEUE_NEVER) {
		look(teller);
		return teller->queue.count > 0;
	}
	ready_ns = now_ns + (plan->wait_ms - ha_clock_wall_ms()) * HA_MS_NS;
	if (ready_ns >= deadline_ns)
		return 0;
	wait_until(ready_ns < teller->look_ns ? ready_ns : teller->look_ns);
	return 1;
}

static void
work(struct teller *teller)
{
	int64_t least_ns = teller->tell->deadline_ns - LEAST_MS * HA_MS_NS;
	struct queue_plan plan;
	int has_sent = 0, go_on = 1;

	look(teller);
	while (go_on) {
		int64_t now_ns = ha_clock_now_ns();

		if (now_ns >= (has_sent ? least_ns : teller->tell->deadline_ns))
			break;
		if (now_ns >= teller->look_ns)
			look(teller);
		if (queue_plan(&teller->queue, &teller->state,
			ha_clock_wall_ms(), &plan)) {
			send_plan(teller, &plan);
			has_sent = 1;
		} else {
			go_on = idle(teller, &plan);
		}
		queue_plan_release(&plan);
		if (ha_clock_now_ns() >= teller->settle_ns)
			settle(teller);
	}
	settle(teller);
}

static void
begin(struct teller *teller)
{
	const struct channel *channel = teller->channel;
	struct queue_rules rules = { 0, 0, 0, 0 };

	if (channel != NULL)
		rules =
		    (struct queue_rules){ channel->group_ms, channel->rate_n,
			    channel->rate_ms, render_is_one_by_one(channel) };
	queue_init(&teller->queue, &rules);
	state_init(&teller->state);
	state_read(&teller->state, teller->dir_fd);
	queue_wake(&teller->state, ha_clock_wall_ms());
	entry_reader_init(&teller->reader);
	teller->trying_fd = openat(teller->dir_fd, TRYING,
	    O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	srandom((unsigned)getpid() ^ (unsigned)ha_clock_now_ns());
}

/* Of entries that somebody dropped nothing is kept. */
static void
sweep_state(struct teller *teller)
{
	struct state *state = &teller->state;

	for (size_t i = state->count; i-- > 0;)
		if (!queue_has(&teller->queue, state->entries[i].name))
			state_remove(state, state->entries[i].name);
}

static void
end(struct teller *teller)
{
	if (teller->sender != NULL)
		sender_free(teller->sender);
	sweep_state(teller);
	write_state(teller);
	state_release(&teller->state);
	entry_reader_release(&teller->reader);
	if (teller->trying_fd >= 0)
		close(teller->trying_fd);
}

/* Another one is at it: all right, unless it has been for long. */
static int
held(const struct teller *teller, const struct ha_err *err)
{
	struct stat st;
	char words[64];
	int64_t ms;

	if (fstatat(teller->dir_fd, LOCK, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return EX_OK;
	ms = ha_clock_wall_ms() - st.st_mtim.tv_sec * INT64_C(1000);
	if (ms < HELD_TOO_LONG_MS)
		return EX_OK;
	ha_clock_words(ms, words, sizeof(words));
	ha_warn("%s: %s, for %s", teller->tell->name, err->msg, words);
	return EX_TEMPFAIL;
}

/*
 * With the lock given back: has somebody else put an entry here who found it
 * held and went away?
 */
static int
has_more(const struct teller *teller)
{
	int has_more = 0;
	struct ha_err err;
	char **names;
	size_t count;

	if (ha_clock_now_ns() >= teller->tell->deadline_ns ||
	    spool_names(teller->dir_fd, &names, &count, &err) != 0)
		return 0;
	for (size_t i = 0; i < count && !has_more; i++)
		has_more = !queue_has(&teller->queue, names[i]);
	spool_free_names(names, count);
	return has_more;
}

/* 1: there is more to be done. */
static int
take_turn(struct teller *teller, const char *lock)
{
	struct ha_err err;
	int lock_fd, is_more;

	if (ha_lock_take(lock, 0, &lock_fd, &err) != 0) {
		if (err.status == EX_TEMPFAIL)
			teller->status = held(teller, &err);
		else
			complain(teller, &err);
		return 0;
	}
	begin(teller);
	work(teller);
	end(teller);
	close(lock_fd);
	is_more = has_more(teller);
	queue_release(&teller->queue);
	return is_more;
}

int
tell_run(const struct tell *tell)
{
	struct teller teller = { .tell = tell,
		.channel = channels_find(tell->channels, tell->name),
		.trying_fd = -1 };
	char *lock =
	    ha_xasprintf("%s/queue/%s/" LOCK, tell->spool->path, tell->name);

	child_ends_with_us();
	teller.dir_fd = spool_open_dir(tell->spool, "queue", tell->name);
	if (teller.dir_fd < 0) {
		free(lock);
		return EX_IOERR;
	}
	while (take_turn(&teller, lock))
		continue;
	close(teller.dir_fd);
	free(lock);
	return teller.status;
}
