/* SPDX-License-Identifier: ISC */
/*
 * rates - counters of two moments, for what is judged by the difference.
 */
#include "rates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "fs.h"
#include "kernel.h"
#include "rec.h"

#define MIN_AGE_NS HA_S_NS
#define MAX_AGE_NS (3600 * HA_S_NS)
#define MAX_FILE ((size_t)1024 * 1024)
#define MAX_FIELDS (2 + SAMPLE_MAX)

struct entry {
	char *key;
	int has_old, has_first, has_second;
	struct sample old, first, second;
};

static struct {
	struct entry **entries; /* each by itself: samples are lent out */
	size_t count;
	int is_fresh, is_second, is_read, is_noted;
} rates;

static int64_t
boottime_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (int64_t)now.tv_sec * HA_S_NS + now.tv_nsec;
}

static char *
header(void)
{
	struct ha_buf boot = HA_BUF_INIT;
	struct ha_err err;
	char *line;

	if (kernel_read("/proc/sys/kernel/random/boot_id", &boot, &err))
		ha_buf_add_str(&boot, "unknown");
	line = ha_xasprintf("#ha-stat-samples\tv=1\tboot=%.*s",
	    (int)strcspn(boot.data, "\n"), boot.data);
	ha_buf_release(&boot);
	return line;
}

static char *
file_path(const char *dir)
{
	return ha_xasprintf("%s/ha-stat.samples", dir);
}

static struct entry *
find(const char *key)
{
	struct entry *entry;

	for (size_t i = 0; i < rates.count; i++)
		if (!strcmp(rates.entries[i]->key, key))
			return rates.entries[i];
	rates.entries = ha_xrealloc(
	    rates.entries, (rates.count + 1) * sizeof(*rates.entries));
	entry = ha_xcalloc(1, sizeof(*entry));
	rates.entries[rates.count++] = entry;
	entry->key = ha_xstrdup(key);
	return entry;
}

static int
parse_field(const char *text, uint64_t *number)
{
	return kernel_number(&text, number) || *text ? -1 : 0;
}

static int
is_kept(const char *key)
{
	return *key == *RATES_KEPT;
}

/* Lines that are none of ours are left out: the next run writes them anew. */
static void
parse_line(char *line, int64_t now_ns)
{
	char *fields[MAX_FIELDS];
	size_t count = ha_rec_split(line, fields, MAX_FIELDS), len;
	struct sample sample = { .count = count - 2 };
	struct entry *entry;
	struct ha_err err;
	uint64_t ms;

	if (count < 3 || parse_field(fields[1], &ms) ||
	    ms > (uint64_t)(now_ns / HA_MS_NS) ||
	    ha_rec_unescape(fields[0], &len, &err))
		return;
	sample.at_ns = (int64_t)ms * HA_MS_NS;
	if (now_ns - sample.at_ns > MAX_AGE_NS && !is_kept(fields[0]))
		return;
	for (size_t i = 2; i < count; i++)
		if (parse_field(fields[i], &sample.counters[i - 2]))
			return;
	entry = find(fields[0]);
	entry->old = sample;
	entry->has_old = 1;
}

static void
parse_file(char *text)
{
	char *expected = header(), *end;
	int64_t now_ns = boottime_ns();
	size_t len = strlen(expected);

	if (!strncmp(text, expected, len) && text[len] == '\n')
		for (text += len + 1; (end = strchr(text, '\n'));
		     text = end + 1) {
			*end = '\0';
			parse_line(text, now_ns);
		}
	free(expected);
}

static void
read_file(void)
{
	struct ha_buf text = HA_BUF_INIT;
	const char *dir = getenv("HA_STATE_DIR");
	char *path = file_path(dir && *dir ? dir : "/var/lib/ha");
	struct ha_err err;

	if (!ha_fs_read_file(path, MAX_FILE, &text, &err))
		parse_file(text.data);
	ha_buf_release(&text);
	free(path);
}

void
rates_open(int is_fresh)
{
	memset(&rates, 0, sizeof(rates));
	rates.is_fresh = is_fresh;
}

void
rates_second(void)
{
	rates.is_second = 1;
}

static int
is_comparable(const struct sample *before, const struct sample *now)
{
	if (before->count != now->count)
		return 0;
	for (size_t i = 0; i < now->count; i++)
		if (now->counters[i] < before->counters[i] &&
		    !(now->may_fall & 1U << i))
			return 0;
	return 1;
}

/* Is the last run's sample one to compare with? */
static int
is_usable(const struct entry *entry, const struct sample *now)
{
	if (is_kept(entry->key))
		return entry->has_old;
	return entry->has_old && !rates.is_fresh &&
	       now->at_ns - entry->old.at_ns >= MIN_AGE_NS;
}

const struct sample *
rates_compare(const char *key, struct sample *now)
{
	const struct sample *before = NULL;
	struct entry *entry;

	if (!rates.is_read && (!rates.is_fresh || is_kept(key))) {
		read_file();
		rates.is_read = 1;
	}
	rates.is_noted |= !rates.is_fresh || is_kept(key);
	entry = find(key);
	now->at_ns = boottime_ns();
	if (rates.is_second) {
		entry->second = *now;
		entry->has_second = 1;
		before = entry->has_first ? &entry->first : NULL;
	} else {
		entry->first = *now;
		entry->has_first = 1;
		if (is_usable(entry, now))
			before = &entry->old;
	}
	return before && is_comparable(before, now) ? before : NULL;
}

double
rates_seconds(const struct sample *before, const struct sample *now)
{
	return (double)(now->at_ns - before->at_ns) / (double)HA_S_NS;
}

double
rates_per_second(
    const struct sample *before, const struct sample *now, size_t i)
{
	double seconds = rates_seconds(before, now);

	if (seconds <= 0 || now->counters[i] < before->counters[i])
		return 0;
	return (double)(now->counters[i] - before->counters[i]) / seconds;
}

static void
add_entry(struct ha_buf *text, const struct entry *entry)
{
	const struct sample *sample = entry->has_second  ? &entry->second
				      : entry->has_first ? &entry->first
							 : &entry->old;

	if (rates.is_fresh && !is_kept(entry->key))
		sample = &entry->old;
	if (sample == &entry->old && !entry->has_old)
		return;
	ha_rec_add_field(text, entry->key, strlen(entry->key));
	ha_buf_addf(text, "\t%lld", (long long)(sample->at_ns / HA_MS_NS));
	for (size_t i = 0; i < sample->count; i++)
		ha_buf_addf(
		    text, "\t%llu", (unsigned long long)sample->counters[i]);
	ha_buf_add_char(text, '\n');
}

static int
write_file(struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	const char *dir;
	char *line, *path;
	int result;

	if (ha_fs_dir("HA_STATE_DIR", "/var/lib/ha", &dir, err))
		return -1;
	line = header();
	ha_buf_addf(&text, "%s\n", line);
	for (size_t i = 0; i < rates.count; i++)
		add_entry(&text, rates.entries[i]);
	path = file_path(dir);
	result = ha_fs_replace_volatile(path, text.data, text.len, 0644, err);
	free(path);
	free(line);
	ha_buf_release(&text);
	return result;
}

int
rates_close(struct ha_err *err)
{
	int result = rates.is_noted ? write_file(err) : 0;

	for (size_t i = 0; i < rates.count; i++) {
		free(rates.entries[i]->key);
		free(rates.entries[i]);
	}
	free(rates.entries);
	rates_open(rates.is_fresh);
	return result;
}
