/* SPDX-License-Identifier: ISC */
/*
 * role - the role file: is this node the one that writes?
 */
#include "role.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "lock.h"
#include "rec.h"

#define LOCK_MS 5000
#define BLANKS " \t"

void
ha_role_init(struct ha_role *role)
{
	role->is_active = 0;
	role->epoch = 0;
	role->since = ha_xstrdup("");
	role->reason = ha_xstrdup("");
}

void
ha_role_release(struct ha_role *role)
{
	free(role->since);
	free(role->reason);
	role->since = role->reason = NULL;
}

const char *
ha_role_name(const struct ha_role *role)
{
	return role->is_active ? "active" : "standby";
}

static int
malformed(struct ha_err *err, const char *what)
{
	return ha_err_set(err, EX_CONFIG, 0,
	    "%s; it should be one line: ROLE EPOCH SINCE REASON", what);
}

/* Do the digits of text stand where the pattern has a 0, up to its end? */
static size_t
match_digits(const char *text, const char *pattern)
{
	size_t i;

	for (i = 0; pattern[i]; i++)
		if (pattern[i] == '0' ? text[i] < '0' || text[i] > '9'
				      : text[i] != pattern[i])
			return 0;
	return i;
}

/* RFC 3339, section 5.6, with capital letters. */
static int
is_time(const char *text)
{
	size_t len = match_digits(text, "0000-00-00T00:00:00");

	if (!len)
		return 0;
	text += len;
	if (*text == '.') {
		len = strspn(text + 1, "0123456789");
		if (!len || len > 9)
			return 0;
		text += len + 1;
	}
	if (*text == '+' || *text == '-')
		return match_digits(text + 1, "00:00") && !text[6];
	return !strcmp(text, "Z");
}

static int
is_epoch(const char *text, uint64_t *epoch)
{
	char *end;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	*epoch = strtoull(text, &end, 10);
	return !errno && !*end && *epoch <= HA_ROLE_EPOCH_MAX;
}

/* The field that *line begins with, ended by blanks, which are passed. */
static char *
take_field(char **line)
{
	char *field = *line;
	size_t len = strcspn(field, BLANKS);

	*line = field + len + strspn(field + len, BLANKS);
	field[len] = '\0';
	return field;
}

static int
decode_line(struct ha_role *role, char *line, struct ha_err *err)
{
	const char *name = take_field(&line), *epoch = take_field(&line);
	const char *since = take_field(&line);
	uint64_t number;
	size_t len;

	if (strcmp(name, "active") && strcmp(name, "standby"))
		return malformed(err, "its role is neither active nor standby");
	if (!is_epoch(epoch, &number))
		return malformed(err, "its epoch is no number that can be");
	if (!is_time(since))
		return malformed(
		    err, "its time is not as in 2026-01-31T23:59:59Z");
	if (!*line)
		return malformed(err, "it has no reason");
	line[strcspn(line, "\t")] = '\0';
	if (ha_rec_unescape(line, &len, err) || strlen(line) != len)
		return malformed(
		    err, "its reason has a backslash that is not written \\\\");
	role->is_active = !strcmp(name, "active");
	role->epoch = number;
	free(role->since);
	role->since = ha_xstrdup(since);
	free(role->reason);
	role->reason = ha_xmemdup(line, len);
	return 0;
}

int
ha_role_decode(
    struct ha_role *role, const void *data, size_t len, struct ha_err *err)
{
	const char *end = len ? memchr(data, '\n', len) : NULL;
	char *line;
	int result;

	if (len > HA_ROLE_SIZE)
		return malformed(err, "it is larger than 4096 bytes");
	if (!end)
		return malformed(
		    err, len ? "its line has no end, so it may be cut off"
			     : "it is empty");
	if (end + 1 != (const char *)data + len)
		return malformed(err, "it has more than one line");
	if (memchr(data, '\0', len))
		return malformed(err, "it has a NUL byte");
	line = ha_xmemdup(data, len - 1);
	result = decode_line(role, line, err);
	free(line);
	return result;
}

void
ha_role_encode(struct ha_buf *line, const struct ha_role *role)
{
	ha_buf_addf(line, "%s\t%" PRIu64 "\t%s\t", ha_role_name(role),
	    role->epoch, role->since);
	ha_rec_add_field(line, role->reason, strlen(role->reason));
	ha_buf_add_char(line, '\n');
}

void
ha_role_encode_json(struct ha_buf *line, const struct ha_role *role)
{
	ha_buf_addf(line,
	    "{\"role\":\"%s\",\"epoch\":%" PRIu64 ",\"since\":\"%s\","
	    "\"reason\":",
	    ha_role_name(role), role->epoch, role->since);
	ha_rec_add_json(line, role->reason, strlen(role->reason));
	ha_buf_add_str(line, "}\n");
}

char *
ha_role_path(void)
{
	const char *dir = getenv("HA_STATE_DIR");

	return ha_xasprintf("%s/role", dir && *dir ? dir : "/var/lib/ha");
}

/* A link to nothing is no missing file: what it led to may be unmounted. */
static int
is_missing(const char *path, struct stat *st)
{
	if (!stat(path, st))
		return 0;
	return errno == ENOENT && lstat(path, st) && errno == ENOENT;
}

int
ha_role_read(struct ha_role *role, const char *path, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	struct stat st = { 0 };
	int result;

	if (is_missing(path, &st))
		return 0;
	/* Anything else, a pipe for one, may have no end. */
	if (st.st_mode && !S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return ha_err_set(err, EX_CONFIG, 0,
		    "the role file '%s' is no regular file", path);
	result = ha_fs_read_file(path, HA_ROLE_SIZE, &text, err);
	if (result)
		ha_err_set(err, EX_CONFIG, 0, "the role file: %s", err->msg);
	else if (ha_role_decode(role, text.data, text.len, err))
		result = ha_err_set(err, EX_CONFIG, 0,
		    "the role file '%s' is malformed: %s", path, err->msg);
	ha_buf_release(&text);
	return result ? -1 : 1;
}

static void
take_role(
    struct ha_role *role, int is_active, uint64_t epoch, const char *reason)
{
	char now[HA_CLOCK_RFC3339_SIZE];

	ha_clock_rfc3339(now);
	role->is_active = is_active;
	role->epoch = epoch;
	free(role->since);
	role->since = ha_xstrdup(now);
	free(role->reason);
	role->reason = ha_xstrdup(reason);
}

static int
activate(struct ha_role *role, int is_there, const struct ha_role_wish *wish,
    struct ha_err *err)
{
	uint64_t wanted = (uint64_t)wish->epoch;

	if (is_there && role->is_active &&
	    (wish->epoch < 0 || wanted == role->epoch))
		return 0;
	if (wish->epoch < 0 && role->epoch < HA_ROLE_EPOCH_MAX)
		wanted = role->epoch + 1;
	if (wanted <= role->epoch || wanted > HA_ROLE_EPOCH_MAX)
		return ha_err_set(err, EX_NOPERM, 0,
		    "this node is %s with epoch %" PRIu64
		    ": it becomes active only with a higher one",
		    ha_role_name(role), role->epoch);
	take_role(role, 1, wanted, wish->reason);
	return 1;
}

static int
stand_by(struct ha_role *role, int is_there, const struct ha_role_wish *wish)
{
	uint64_t epoch = role->epoch;

	if (wish->epoch >= 0 && (uint64_t)wish->epoch > epoch)
		epoch = (uint64_t)wish->epoch;
	if (!is_there || role->is_active) {
		take_role(role, 0, epoch, wish->reason);
		return 1;
	}
	if (epoch == role->epoch)
		return 0;
	role->epoch = epoch;
	return 1;
}

static int
check_learner(const struct ha_role *role, int is_there, struct ha_err *err)
{
	if (!is_there)
		return ha_err_set(err, EX_NOINPUT, 0,
		    "there is no role file: roles are not in use here");
	if (role->is_active)
		return ha_err_set(err, EX_NOPERM, 0,
		    "this node is active with epoch %" PRIu64
		    ": it takes no other's epoch",
		    role->epoch);
	return 0;
}

int
ha_role_apply(struct ha_role *role, int is_there,
    const struct ha_role_wish *wish, struct ha_err *err)
{
	struct ha_buf line = HA_BUF_INIT;
	int result;

	if (wish->verb == HA_ROLE_LEARN && check_learner(role, is_there, err))
		return -1;
	if (wish->verb == HA_ROLE_ACTIVATE)
		result = activate(role, is_there, wish, err);
	else
		result = stand_by(role, is_there, wish);
	ha_role_encode(&line, role);
	if (result > 0 && line.len > HA_ROLE_SIZE)
		result = ha_err_set(err, EX_USAGE, 0, "the reason is too long");
	ha_buf_release(&line);
	return result;
}

static int
set_locked(struct ha_role *role, const char *path,
    const struct ha_role_wish *wish, struct ha_err *err)
{
	struct ha_buf line = HA_BUF_INIT;
	int is_there = ha_role_read(role, path, err);
	int result;

	if (is_there < 0)
		return -1;
	result = ha_role_apply(role, is_there, wish, err);
	ha_role_encode(&line, role);
	if (result > 0 && ha_fs_replace(path, line.data, line.len, 0644, err))
		result = -1;
	ha_buf_release(&line);
	return result;
}

int
ha_role_set(struct ha_role *role, const char *path,
    const struct ha_role_wish *wish, struct ha_err *err)
{
	char *lock = ha_xasprintf("%s.lock", path);
	int result, fd;

	result = ha_lock_take(lock, ha_clock_deadline(LOCK_MS), &fd, err);
	if (!result) {
		result = set_locked(role, path, wish, err);
		close(fd);
	}
	free(lock);
	return result;
}
