/* SPDX-License-Identifier: ISC */
/* trash - dated directories on the peer: made, filled by renames, pruned. */
#include "trash.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"
#include "peer.h"

#define STAMP "dddd-dd-ddTddddddZ"
#define STAMP_LEN (sizeof(STAMP) - 1)
#define NUMBER_MAX 1000000
#define PRUNE_EVERY_MS (60 * 60 * 1000)
/* While there is more to prune: rounds go on in between. */
#define PRUNE_AGAIN_MS 1000
#define PRUNE_NAMES 100
#define RUN_MS (5 * 60 * 1000)

int
trash_parse_keep(struct trash *trash, const char *text, struct ha_err *err)
{
	static const char units[] = "KMGT";
	const char *unit;
	uint64_t n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	unit = *end != '\0' ? strchr(units, *end) : NULL;
	if (unit == NULL || end[1] != '\0') {
		trash->keep_kib = 0;
		return ha_clock_parse_ms(text, &trash->keep_ms, err);
	}
	if (!isdigit((unsigned char)text[0]) || errno != 0 || n == 0 ||
	    n > UINT64_MAX >> (10 * (unit - units)) >> 10)
		return ha_err_set(err, EX_USAGE, 0,
		    "'%s' is neither an age (7d) nor a size (10G)", text);
	trash->keep_kib = n << (10 * (unit - units));
	return 0;
}

/* Is path at or below dir?  Both without a slash at the end. */
static int
is_inside(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return path[0] == '/';
	if (strcmp(dir, ".") == 0)
		return path[0] != '/';
	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

int
trash_check_words(
    const struct trash *trash, const char *target, struct ha_err *err)
{
	const char *dir = trash->dir;

	if (dir == NULL)
		return 0;
	if (dir[0] == '\0' || dir[0] == '~')
		return ha_err_set(err, EX_USAGE, 0,
		    "--trash '%s': write the directory in full, or relative "
		    "to the login's home",
		    dir);
	if (!is_inside(dir, target))
		return 0;
	return ha_err_set(err, EX_USAGE, 0,
	    "--trash %s is inside the target, which it would be mirrored "
	    "away from: put it beside it",
	    dir);
}

static void
forget_made(struct trash *trash)
{
	for (size_t i = 0; i < trash->made_count; i++)
		free(trash->made[i]);
	trash->made_count = 0;
}

void
trash_leave(struct trash *trash)
{
	forget_made(trash);
	free(trash->stamp);
	trash->stamp = NULL;
}

void
trash_release(struct trash *trash)
{
	trash_leave(trash);
	free(trash->made);
	free(trash->path);
	trash->made = NULL;
	trash->path = NULL;
	trash->made_cap = 0;
}

/* What rename(2) needs: one file system, mounted once. */
static int
check_mount(struct trash *trash, struct peer *peer, struct ha_err *err)
{
	struct ha_buf command = HA_BUF_INIT, out = HA_BUF_INIT;
	struct ha_buf errors = HA_BUF_INIT;
	int status = 0, rc;
	char *second;

	ha_buf_add_str(&command, "stat -L -c %d:%m -- ");
	peer_add_quoted(&command, peer->dir);
	ha_buf_add_char(&command, ' ');
	peer_add_quoted(&command, trash->path);
	rc = peer_run(
	    peer, command.data, PEER_RUN_MS, &out, &errors, &status, err);
	second = rc == 0 && status == 0 ? strchr(out.data, '\n') : NULL;
	/* Without such a stat(1) a rename that fails tells. */
	if (second != NULL) {
		*second++ = '\0';
		second[strcspn(second, "\n")] = '\0';
		if (strcmp(out.data, second) != 0)
			rc = ha_err_set(err, EX_CANTCREAT, 0,
			    "--trash %s there is on another file system than "
			    "%s, and renames can't cross: use a directory "
			    "beside the target",
			    trash->path, peer->dir);
	}
	ha_buf_release(&command);
	ha_buf_release(&out);
	ha_buf_release(&errors);
	return rc;
}

static int
refused(struct ha_err *err, const char *path, int code)
{
	return ha_err_set(err, EX_CANTCREAT, 0,
	    "--trash: can't make %s there: %s", path, sftp_words(code));
}

static int
resolve(struct trash *trash, struct peer *peer, struct ha_err *err)
{
	struct ha_buf path = HA_BUF_INIT, target = HA_BUF_INIT;
	struct sftp_attrs attrs;
	int code = sftp_stat(peer->sftp, trash->dir, &attrs, err), rc = 0;

	if (code == SFTP_NO_SUCH_FILE) {
		code = sftp_mkdir(peer->sftp, trash->dir, 0700, err);
		attrs.mode = S_IFDIR;
	}
	if (code == SFTP_OK && !S_ISDIR(attrs.mode))
		code = SFTP_FAILURE;
	if (code == SFTP_OK)
		code = sftp_realpath(peer->sftp, trash->dir, &path, err);
	if (code == SFTP_OK)
		code = sftp_realpath(peer->sftp, peer->dir, &target, err);
	if (code < 0)
		rc = -1;
	else if (code != SFTP_OK)
		rc = refused(err, trash->dir, code);
	else if (is_inside(path.data, target.data))
		rc = ha_err_set(err, EX_CONFIG, 0,
		    "--trash %s is %s there, inside the target: put it "
		    "beside it",
		    trash->dir, path.data);
	free(trash->path);
	trash->path = ha_buf_detach(&path);
	ha_buf_release(&target);
	return rc;
}

int
trash_open(struct trash *trash, struct peer *peer, struct ha_err *err)
{
	trash_leave(trash);
	if (!sftp_can_posix_rename(peer->sftp))
		return ha_err_set(err, EX_CONFIG, 0,
		    "--trash needs OpenSSH's sftp-server there");
	if (resolve(trash, peer, err) != 0 ||
	    check_mount(trash, peer, err) != 0)
		return -1;
	trash->prune_ns = ha_clock_now_ns();
	return 0;
}

static void
format_stamp(time_t t, char out[32])
{
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, 32, "%Y-%m-%dT%H%M%SZ", &tm);
}

static char *
next_stamp(struct trash *trash)
{
	char now[32];

	format_stamp(time(NULL), now);
	if (strcmp(now, trash->last) != 0)
		trash->number = 0;
	memcpy(trash->last, now, sizeof(now));
	return ++trash->number == 1
		   ? ha_xasprintf("%s/%s", trash->path, now)
		   : ha_xasprintf("%s/%s.%u", trash->path, now, trash->number);
}

int
trash_begin(struct trash *trash, struct peer *peer, struct ha_err *err)
{
	int code = SFTP_FAILURE;

	trash_leave(trash);
	/* FAILURE is also what OpenSSH says of a name that exists. */
	for (int tries = 0; code == SFTP_FAILURE && tries < 100; tries++) {
		free(trash->stamp);
		trash->stamp = next_stamp(trash);
		code = sftp_mkdir(peer->sftp, trash->stamp, 0700, err);
	}
	if (code == SFTP_OK)
		return 0;
	if (code > 0)
		refused(err, trash->stamp, code);
	trash_leave(trash);
	return -1;
}

void
trash_end(struct trash *trash, struct peer *peer)
{
	struct ha_err err;

	/* A link that is lost is met again by the next request. */
	if (trash->stamp != NULL && transport_is_up(peer->transport))
		(void)sftp_rmdir(peer->sftp, trash->stamp, &err);
	trash_leave(trash);
}

static int
is_made(const struct trash *trash, const char *path)
{
	/* Names of one directory come together. */
	for (size_t i = trash->made_count; i > 0; i--)
		if (strcmp(trash->made[i - 1], path) == 0)
			return 1;
	return 0;
}

static int
make_dir(struct trash *trash, struct peer *peer, const char *path,
    struct ha_err *err)
{
	struct sftp_attrs attrs;
	int code;

	if (is_made(trash, path))
		return 0;
	code = sftp_mkdir(peer->sftp, path, 0700, err);
	if (code == SFTP_FAILURE) {
		code = sftp_lstat(peer->sftp, path, &attrs, err);
		if (code == SFTP_OK && !S_ISDIR(attrs.mode))
			code = SFTP_FAILURE;
	}
	if (code != SFTP_OK)
		return code < 0 ? -1 : refused(err, path, code);
	if (trash->made_count == trash->made_cap) {
		trash->made_cap = trash->made_cap * 2 + 16;
		trash->made = ha_xrealloc(
		    trash->made, trash->made_cap * sizeof(*trash->made));
	}
	trash->made[trash->made_count++] = ha_xstrdup(path);
	return 0;
}

char *
trash_room(struct trash *trash, struct peer *peer, const char *path,
    struct ha_err *err)
{
	size_t start;
	char *room;
	int rc = 0;

	if (trash->stamp == NULL && trash_begin(trash, peer, err) != 0)
		return NULL;
	start = strlen(trash->stamp) + 1;
	room = ha_xasprintf("%s/%s", trash->stamp, path);
	for (char *slash = strchr(room + start, '/'); slash != NULL && rc == 0;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		rc = make_dir(trash, peer, room, err);
		*slash = '/';
	}
	if (rc == 0)
		return room;
	free(room);
	return NULL;
}

/* The dated directories that are there. */
struct found {
	char **names;
	size_t count, cap;
};

static int
is_stamp(const char *name)
{
	for (size_t i = 0; i < STAMP_LEN; i++)
		if (STAMP[i] == 'd' ? !isdigit((unsigned char)name[i])
				    : name[i] != STAMP[i])
			return 0;
	name += STAMP_LEN;
	if (*name == '\0')
		return 1;
	return *name++ == '.' && *name != '\0' &&
	       name[strspn(name, "0123456789")] == '\0';
}

static int
add_stamp(void *context, const char *name, const struct sftp_attrs *attrs)
{
	struct found *found = context;

	if (!S_ISDIR(attrs->mode) || !is_stamp(name))
		return 0;
	if (found->count == found->cap) {
		found->cap = found->cap * 2 + 64;
		found->names = ha_xrealloc(
		    found->names, found->cap * sizeof(*found->names));
	}
	found->names[found->count++] = ha_xstrdup(name);
	return 0;
}

/* By time, then by number. */
static int
by_age(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;
	int order = strncmp(x, y, STAMP_LEN);

	if (order == 0)
		order = (strlen(x) > strlen(y)) - (strlen(x) < strlen(y));
	return order != 0 ? order : strcmp(x, y);
}

/* Run command on names, in the trash.  0, or -1 and it was said. */
static int
on_names(struct trash *trash, struct peer *peer, const char *what,
    char *const *names, size_t count, struct ha_buf *out)
{
	struct ha_buf command = HA_BUF_INIT, errors = HA_BUF_INIT;
	struct ha_err err;
	int status = 0, rc;

	ha_buf_add_str(&command, "cd ");
	peer_add_quoted(&command, trash->path);
	ha_buf_addf(&command, " && %s --", what);
	for (size_t i = 0; i < count; i++)
		ha_buf_addf(&command, " %s", names[i]);
	rc = peer_run(peer, command.data, RUN_MS, out, &errors, &status, &err);
	errors.data[strcspn(errors.data, "\n")] = '\0';
	if (rc != 0 || status != 0)
		ha_warn("%s: the trash can't be pruned: %s", peer->label,
		    rc != 0          ? err.msg
		    : errors.len > 0 ? errors.data
				     : what);
	ha_buf_release(&command);
	ha_buf_release(&errors);
	return rc != 0 || status != 0 ? -1 : 0;
}

/* How many of the oldest are older than the limit? */
static size_t
too_old(const struct trash *trash, const struct found *found)
{
	char limit[32];
	size_t n = 0;

	format_stamp(time(NULL) - (time_t)(trash->keep_ms / 1000), limit);
	while (
	    n < found->count && strncmp(found->names[n], limit, STAMP_LEN) < 0)
		n++;
	return n;
}

/* Sizes by du(1), a line each in the order of the names.  -1: it failed. */
static int
measure(struct trash *trash, struct peer *peer, const struct found *found,
    uint64_t *sizes)
{
	for (size_t at = 0, n; at < found->count; at += n) {
		struct ha_buf out = HA_BUF_INIT;
		const char *line;
		int rc;

		n = found->count - at < PRUNE_NAMES ? found->count - at
						    : PRUNE_NAMES;
		rc =
		    on_names(trash, peer, "du -sk", found->names + at, n, &out);
		line = out.data;
		for (size_t i = at; i < at + n; i++) {
			sizes[i] = strtoull(line, NULL, 10);
			line += strcspn(line, "\n");
			line += *line == '\n';
		}
		ha_buf_release(&out);
		if (rc != 0)
			return -1;
	}
	return 0;
}

/* How many of the oldest make it larger than the limit? */
static size_t
too_much(struct trash *trash, struct peer *peer, const struct found *found)
{
	uint64_t *sizes = ha_xcalloc(found->count + 1, sizeof(*sizes));
	uint64_t sum = 0;
	size_t n = 0;

	if (measure(trash, peer, found, sizes) == 0)
		for (size_t i = 0; i < found->count; i++)
			sum += sizes[i];
	while (n < found->count && sum > trash->keep_kib)
		sum -= sizes[n++];
	free(sizes);
	return n;
}

int
trash_is_due(const struct trash *trash, int64_t now_ns)
{
	return trash->path != NULL && now_ns >= trash->prune_ns;
}

void
trash_prune(struct trash *trash, struct peer *peer)
{
	struct found found = { NULL, 0, 0 };
	struct ha_buf out = HA_BUF_INIT;
	struct ha_err err;
	size_t n = 0;
	int is_more = 0;
	int code = sftp_list(peer->sftp, trash->path, add_stamp, &found, &err);

	trash->prune_ns = ha_clock_deadline(PRUNE_EVERY_MS);
	if (code > 0)
		ha_warn("%s: the trash can't be listed: %s", peer->label,
		    sftp_words(code));
	if (code == SFTP_OK && found.count > 0) {
		qsort(found.names, found.count, sizeof(char *), by_age);
		n = trash->keep_kib > 0 ? too_much(trash, peer, &found)
					: too_old(trash, &found);
	}
	if (n > PRUNE_NAMES) {
		is_more = 1;
		n = PRUNE_NAMES;
	}
	if (n > 0 &&
	    on_names(trash, peer, "rm -rf", found.names, n, &out) == 0) {
		ha_note("%s: the %zu oldest of the trash are removed",
		    peer->label, n);
		/* What can't be removed would be tried, and told, for ever. */
		if (is_more)
			trash->prune_ns = ha_clock_deadline(PRUNE_AGAIN_MS);
	}
	for (size_t i = 0; i < found.count; i++)
		free(found.names[i]);
	free(found.names);
	ha_buf_release(&out);
}
