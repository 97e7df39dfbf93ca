/* SPDX-License-Identifier: ISC */
/*
 * fake-channel - a channel of settings in an array, and alerts out of lines.
 */
#ifndef FAKE_CHANNEL_H
#define FAKE_CHANNEL_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "alert.h"
#include "alloc.h"
#include "channel.h"

static char fake_name[] = "ops";

/* Of KEY, VALUE pairs until NULL; they are borrowed. */
static inline struct channel
fake_channel(enum channel_kind kind, ...)
{
	struct channel channel = { .name = fake_name, .kind = kind };
	va_list args;
	char *key;

	channel.settings = ha_xcalloc(16, sizeof(*channel.settings));
	va_start(args, kind);
	while ((key = va_arg(args, char *)) != NULL) {
		channel.settings[channel.count].key = key;
		channel.settings[channel.count++].value = va_arg(args, char *);
	}
	va_end(args);
	return channel;
}

const char *
channel_get(const struct channel *channel, const char *key)
{
	const char *value = NULL;

	for (size_t i = 0; i < channel->count; i++)
		if (strcmp(channel->settings[i].key, key) == 0)
			value = channel->settings[i].value;
	return value;
}

int
channel_secret(const struct channel *channel, const char *key, char **secret,
    struct ha_err *err)
{
	const char *value = channel_get(channel, key);

	if (value != NULL && strcmp(value, "unreadable") == 0)
		return ha_err_set(err, EX_NOPERM, 0, "others can read it");
	*secret = value != NULL ? ha_xstrdup(value) : NULL;
	return 0;
}

void
channel_forget(char *secret)
{
	free(secret);
}

#define FAKE_MAX 64

/* Alerts of lines, each an item, but for what fake_join() joins. */
struct fake_bundle {
	struct alert alerts[FAKE_MAX];
	struct alert_item items[FAKE_MAX];
	struct alert_bundle bundle;
	size_t count;
};

static inline void
fake_add(struct fake_bundle *fake, const char *line)
{
	struct alert *alert = &fake->alerts[fake->count];
	struct ha_err err;

	if (alert_decode(alert, line, &err) != 0)
		fail_msg("%s: %s", err.msg, line);
	fake->items[fake->count++] = (struct alert_item){ alert, alert, 1 };
	fake->bundle.items = fake->items;
	fake->bundle.count = fake->count;
}

/* The last item is the end of the one before it. */
static inline void
fake_join(struct fake_bundle *fake, size_t changes)
{
	fake->bundle.count--;
	fake->items[fake->bundle.count - 1].last =
	    &fake->alerts[fake->count - 1];
	fake->items[fake->bundle.count - 1].count = changes;
}

static inline void
fake_release(struct fake_bundle *fake)
{
	for (size_t i = 0; i < fake->count; i++)
		alert_release(&fake->alerts[i]);
	memset(fake, 0, sizeof(*fake));
}

/* Of an incident of web-a, or disk:/ on web1, that began at 08:50:01 UTC. */
#define INCIDENT "20261123T0850Z-0123456789abcdef"
#define SINCE "2026-11-23T08:50:01.250Z"
#define WEB(event, old, time, state, msg)                                      \
	event "\t" INCIDENT "\t" SINCE "\t" old "\t2026-11-23T" time           \
	      "Z\tweb1\t-\tweb-a\t" state "\t31.0\thttps://web2/\t" msg        \
	      "\ttime=0.031s"
#define DISK(event, old, time, state, msg)                                     \
	event "\t" INCIDENT "\t" SINCE "\t" old "\t2026-11-23T" time           \
	      "Z\tweb1\tweb1\tdisk:/\t" state "\t1.0\tdisk:/\t" msg "\t-"
#define ACT(event, old, time, state, msg)                                      \
	event "\t" INCIDENT "\t" SINCE "\t" old "\t2026-11-23T" time           \
	      "Z\tweb1\tweb1\tact:web-a\t" state "\t1.0\trestart\t" msg "\t-"
#define MESSAGE(subject, body)                                                 \
	"message\t" INCIDENT "\t" SINCE "\tweb1\t" subject "\t" body

#endif
