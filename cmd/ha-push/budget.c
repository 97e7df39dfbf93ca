/* SPDX-License-Identifier: ISC */
/*
 * budget - counts by the minute, by a clock that no one sets; the file has the
 * wall clock's times, and what the two said when it was written.
 */
#include "budget.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "fs.h"
#include "msg.h"
#include "rec.h"

#define MINUTE 60
#define AHEAD_MAX 64
#define AHEAD_SHARE 16
#define FILE_MAX (1024 * 1024)
#define BOOT_ID "/proc/sys/kernel/random/boot_id"
#define TIME_SIZE 32

int
budget_parse(struct budget_limit *limit, const char *text, struct ha_err *err)
{
	char *end;

	errno = 0;
	limit->given = 1;
	limit->value = strtoull(text, &end, 10);
	limit->is_percent = strcmp(end, "%") == 0 || strcmp(end, "pct") == 0;
	if (!isdigit((unsigned char)text[0]) || errno != 0 ||
	    (*end != '\0' && !limit->is_percent) ||
	    limit->value > (limit->is_percent ? 100 : INT64_MAX))
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' is neither a number of deletions nor a percentage "
		    "of the files: 500, 20%% or 20pct",
		    text);
	return 0;
}

static void
real_time(struct budget_time *time)
{
	struct timespec boot, wall;

	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &wall);
	time->boot_s = boot.tv_sec;
	time->wall_s = wall.tv_sec;
}

static struct budget_time
time_now(const struct budget *budget)
{
	struct budget_time now = { 0, 0 };

	(budget->now != NULL ? budget->now : real_time)(&now);
	return now;
}

int
budget_is_unlimited(const struct budget *budget)
{
	return budget->limit.given && budget->limit.is_percent &&
	       budget->limit.value == 100;
}

/* Of files without an overflow. */
static uint64_t
percent(uint64_t files, uint64_t value)
{
	return files / 100 * value + files % 100 * value / 100;
}

uint64_t
budget_limit(const struct budget *budget)
{
	uint64_t share;

	if (budget_is_unlimited(budget))
		return UINT64_MAX;
	if (budget->limit.given)
		return budget->limit.is_percent
			   ? percent(budget->files, budget->limit.value)
			   : budget->limit.value;
	share = percent(budget->files, BUDGET_DEFAULT_PERCENT);
	return share > BUDGET_DEFAULT ? share : BUDGET_DEFAULT;
}

void
budget_words(const struct budget *budget, struct ha_buf *words)
{
	uint64_t limit = budget_limit(budget);
	unsigned long long percentage =
	    budget->limit.given ? budget->limit.value : BUDGET_DEFAULT_PERCENT;

	ha_buf_addf(words, "%llu in an hour", (unsigned long long)limit);
	if (budget->limit.given ? budget->limit.is_percent
				: limit > BUDGET_DEFAULT)
		ha_buf_addf(words, " (%llu %% of %llu files)", percentage,
		    (unsigned long long)budget->files);
}

/* A minute's count is forgotten when its last second is an hour old. */
uint64_t
budget_spent(struct budget *budget)
{
	int64_t oldest_s = time_now(budget).boot_s - BUDGET_SECONDS - MINUTE;
	uint64_t count = 0;
	size_t kept = 0;

	for (size_t i = 0; i < budget->minute_count; i++) {
		if (budget->minutes[i].start_s <= oldest_s)
			continue;
		count += budget->minutes[i].count;
		budget->minutes[kept++] = budget->minutes[i];
	}
	budget->minute_count = kept;
	return count;
}

uint64_t
budget_left(struct budget *budget)
{
	uint64_t limit = budget_limit(budget), count = budget_spent(budget);

	return budget->holds || count >= limit ? 0 : limit - count;
}

/* The minute that begins at start_s, or the one that it belongs to. */
static struct budget_minute *
minute_at(struct budget *budget, int64_t start_s)
{
	size_t n = budget->minute_count;

	if (n > 0 && start_s - budget->minutes[n - 1].start_s < MINUTE)
		return &budget->minutes[n - 1];
	if (n == budget->minute_cap) {
		budget->minute_cap = n * 2 + 64;
		budget->minutes = ha_xrealloc(budget->minutes,
		    budget->minute_cap * sizeof(*budget->minutes));
	}
	budget->minutes[n].start_s = start_s;
	budget->minutes[n].count = 0;
	budget->minute_count++;
	return &budget->minutes[n];
}

static void
format_time(int64_t wall_s, char out[TIME_SIZE])
{
	time_t t = (time_t)wall_s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

static int
parse_time(const char *text, int64_t *wall_s)
{
	struct tm tm;
	const char *end;

	memset(&tm, 0, sizeof(tm));
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	*wall_s = (int64_t)timegm(&tm);
	return end != NULL && *end == '\0' ? 0 : -1;
}

static void
boot_id(struct ha_buf *id)
{
	struct ha_err err;

	if (ha_fs_read_file(BOOT_ID, 64, id, &err) != 0)
		ha_buf_add_str(id, "unknown");
	id->data[strcspn(id->data, "\n")] = '\0';
}

static void
add_file(struct budget *budget, struct ha_buf *text, uint64_t ahead)
{
	struct budget_time now = time_now(budget);
	struct ha_buf id = HA_BUF_INIT;
	char when[TIME_SIZE];

	boot_id(&id);
	format_time(now.wall_s, when);
	ha_buf_add_str(text,
	    "# What ha-push deleted on a peer in the last hour.\nsource\t");
	ha_rec_add_field(text, budget->source, strlen(budget->source));
	ha_buf_add_str(text, "\ntarget\t");
	ha_rec_add_field(text, budget->target, strlen(budget->target));
	ha_buf_addf(text, "\nfiles\t%llu\nwritten\t%s\t%s\t%lld\n",
	    (unsigned long long)budget->files, when, id.data,
	    (long long)now.boot_s);
	for (size_t i = 0; i < budget->minute_count; i++) {
		const struct budget_minute *minute = &budget->minutes[i];
		uint64_t count =
		    minute->count + (i + 1 == budget->minute_count ? ahead : 0);

		if (count == 0)
			continue;
		format_time(now.wall_s - (now.boot_s - minute->start_s), when);
		ha_buf_addf(text, "deleted\t%s\t%llu\n", when,
		    (unsigned long long)count);
	}
	ha_buf_release(&id);
}

/* With ahead more in this minute than were taken. */
static void
write_ahead(struct budget *budget, uint64_t ahead)
{
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err err;

	if (budget->path == NULL)
		return;
	budget_spent(budget);
	if (ahead > 0)
		budget->ahead_minute_s =
		    minute_at(budget, time_now(budget).boot_s)->start_s;
	add_file(budget, &text, ahead);
	budget->ahead = ahead;
	budget->files_kept = budget->files;
	if (ha_fs_replace(budget->path, text.data, text.len, 0644, &err) != 0) {
		if (!budget->write_failed)
			ha_warn("deletions are counted in memory only: %s",
			    err.msg);
		budget->write_failed = 1;
	} else {
		budget->write_failed = 0;
	}
	ha_buf_release(&text);
}

/* What the file says beside the counts, while it is read. */
struct reading {
	struct budget_time written, now;
	int has_written;
	int same_boot;
	int is_late; /* a time in the future was met */
};

static int
read_written(struct reading *reading, char **fields, size_t count)
{
	struct ha_buf id = HA_BUF_INIT;

	if (count < 4 || parse_time(fields[1], &reading->written.wall_s) != 0)
		return -1;
	boot_id(&id);
	reading->written.boot_s = strtoll(fields[3], NULL, 10);
	/* Of another machine's, or a machine's with a reset clock. */
	reading->same_boot = strcmp(fields[2], id.data) == 0 &&
			     reading->written.boot_s <= reading->now.boot_s;
	reading->has_written = 1;
	ha_buf_release(&id);
	return 0;
}

/*
 * In the same run of the machine a step of the wall clock since the file was
 * written does not matter; after a restart the wall clock is all there is.
 */
static int
read_minute(
    struct budget *budget, struct reading *reading, char **fields, size_t count)
{
	int64_t wall_s, start_s;
	char *end;
	uint64_t n;

	if (count < 3 || !reading->has_written ||
	    parse_time(fields[1], &wall_s) != 0)
		return -1;
	n = strtoull(fields[2], &end, 10);
	if (end == fields[2] || *end != '\0')
		return -1;
	start_s =
	    reading->same_boot
		? reading->written.boot_s - (reading->written.wall_s - wall_s)
		: reading->now.boot_s - (reading->now.wall_s - wall_s);
	if (start_s > reading->now.boot_s) {
		start_s = reading->now.boot_s;
		reading->is_late = 1;
	}
	minute_at(budget, start_s)->count += n;
	return 0;
}

static int
read_line(struct budget *budget, struct reading *reading, char *line)
{
	char *fields[4], *end;
	size_t count;

	if (line[0] == '#')
		return 0;
	count = ha_rec_split(line, fields, 4);
	if (strcmp(fields[0], "source") == 0 ||
	    strcmp(fields[0], "target") == 0)
		return 0;
	if (strcmp(fields[0], "written") == 0)
		return read_written(reading, fields, count);
	if (strcmp(fields[0], "deleted") == 0)
		return read_minute(budget, reading, fields, count);
	if (strcmp(fields[0], "files") != 0 || count < 2)
		return -1;
	budget->files = budget->files_kept = strtoull(fields[1], &end, 10);
	return end != fields[1] && *end == '\0' ? 0 : -1;
}

static int
read_text(struct budget *budget, struct reading *reading, char *text)
{
	int rc = 0;

	for (char *end; rc == 0 && *text != '\0'; text = end + 1) {
		end = strchr(text, '\n');
		if (end == NULL)
			return -1;
		*end = '\0';
		rc = read_line(budget, reading, text);
	}
	return rc != 0 || !reading->has_written ? -1 : 0;
}

static void
set_aside(struct budget *budget, int read_only)
{
	char *aside = ha_xasprintf("%s.damaged", budget->path);
	int is_aside = !read_only && rename(budget->path, aside) == 0;

	ha_warn("%s is damaged%s%s: what was deleted in the last hour is not "
		"known, and counted from 0",
	    budget->path, is_aside ? ", and set aside as " : "",
	    is_aside ? aside : "");
	free(aside);
	budget->files = budget->files_kept = 0;
	budget->minute_count = 0;
}

static int
read_file(struct budget *budget, int read_only, struct ha_err *err)
{
	struct reading reading = { .has_written = 0 };
	struct ha_buf text = HA_BUF_INIT;
	int rc = ha_fs_read_file(budget->path, FILE_MAX, &text, err);

	reading.now = time_now(budget);
	if (rc != 0 && err->sys == ENOENT) {
		rc = 0;
	} else if (rc == 0 || err->status == EX_DATAERR) {
		if (rc != 0 || read_text(budget, &reading, text.data) != 0)
			set_aside(budget, read_only);
		rc = 0;
	}
	/* Otherwise each start would take it for now again. */
	if (rc == 0 && reading.is_late && !read_only)
		write_ahead(budget, 0);
	ha_buf_release(&text);
	return rc;
}

static uint64_t
hash_of(uint64_t h, const char *text)
{
	for (; *text != '\0'; text++)
		h = (h ^ (unsigned char)*text) * UINT64_C(1099511628211);
	return h * UINT64_C(1099511628211);
}

static int
open_file(struct budget *budget, int read_only, struct ha_err *err)
{
	uint64_t h =
	    hash_of(hash_of(UINT64_C(14695981039346656037), budget->source),
		budget->target);
	const char *dir;

	if (ha_fs_dir("HA_STATE_DIR", "/var/lib/ha", &dir, err) != 0)
		return -1;
	budget->path = ha_xasprintf(
	    "%s/ha-push-%016llx.deleted", dir, (unsigned long long)h);
	return read_file(budget, read_only, err);
}

int
budget_open(struct budget *budget, const char *source, const char *target,
    int read_only, struct ha_err *err)
{
	int rc;

	budget->source = source;
	budget->target = target;
	rc = open_file(budget, read_only, err);
	if (!read_only)
		return rc;
	free(budget->path);
	budget->path = NULL;
	return 0;
}

void
budget_close(struct budget *budget)
{
	if (budget->ahead > 0)
		write_ahead(budget, 0);
	free(budget->path);
	free(budget->minutes);
	budget->path = NULL;
	budget->minutes = NULL;
	budget->minute_count = budget->minute_cap = 0;
}

/* This minute has room in the file for count, and some more. */
static void
go_ahead(struct budget *budget, uint64_t count)
{
	uint64_t left = budget_left(budget), more = left / AHEAD_SHARE;
	int64_t minute_s = minute_at(budget, time_now(budget).boot_s)->start_s;

	if (budget->ahead >= count && budget->ahead_minute_s == minute_s)
		return;
	if (more > AHEAD_MAX)
		more = AHEAD_MAX;
	write_ahead(budget, left < count + more ? left : count + more);
}

void
budget_expect(struct budget *budget, uint64_t count)
{
	uint64_t left = budget_left(budget);

	if (left > 0 && count > 0)
		go_ahead(budget, left < count ? left : count);
}

int
budget_take(struct budget *budget, uint64_t count)
{
	if (budget_is_unlimited(budget) || count == 0)
		return 1;
	if (count > budget_left(budget)) {
		budget->holds = 1;
		return 0;
	}
	go_ahead(budget, count);
	if (budget->ahead >= count)
		budget->ahead -= count;
	minute_at(budget, time_now(budget).boot_s)->count += count;
	return 1;
}

void
budget_refund(struct budget *budget, uint64_t count)
{
	for (size_t i = budget->minute_count; i > 0 && count > 0; i--) {
		struct budget_minute *minute = &budget->minutes[i - 1];
		uint64_t part = count < minute->count ? count : minute->count;

		minute->count -= part;
		count -= part;
		/* It stands in the file, and can be taken again. */
		if (minute->start_s == budget->ahead_minute_s)
			budget->ahead += part;
	}
}

void
budget_counted(struct budget *budget, uint64_t files)
{
	budget->files = files;
	if (files != budget->files_kept)
		write_ahead(budget, budget->ahead);
}

void
budget_first_count(struct budget *budget, uint64_t files)
{
	if (budget->files == 0)
		budget->files = files;
}

void
budget_end_hold(struct budget *budget)
{
	budget->holds = 0;
}

void
budget_start_anew(struct budget *budget)
{
	budget->holds = 0;
	budget->minute_count = 0;
	write_ahead(budget, 0);
}
