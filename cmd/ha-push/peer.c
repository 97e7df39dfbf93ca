/* SPDX-License-Identifier: ISC */
/*
 * peer - the other end: what its rsync and its SFTP server can do, and
 * removals and renames there, which never follow a link.
 */
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "msg.h"

#define PROBE_MARK "ha-push-probe"
/* A channel that is refused: how long it is tried again, and the pause. */
#define REFUSED_MS 2000
#define REFUSED_PAUSE_MS 50
#define RELOGIN_MS (10 * 60 * 1000)
#define MAX_DEPTH 4096
#define ASK_MS 1000

/* A set of directory names, kept sorted. */
struct peer_dirs {
	char **names;
	size_t count, cap;
};

void
peer_add_quoted(struct ha_buf *command, const char *word)
{
	ha_buf_add_quoted(command, word, strlen(word));
}

static int
run(struct peer *peer, const char *command, int64_t ms, struct ha_buf *out,
    struct ha_buf *errors, int *status, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(ms);
	struct channel *channel = transport_exec(peer->transport, command, err);
	int rc = 0;

	if (channel == NULL)
		return -1;
	channel_send_eof(channel);
	while (rc >= 0 && !channel_is_done(channel)) {
		if (ha_clock_now_ns() >= deadline_ns)
			rc = ha_err_set(err, EX_UNAVAILABLE, 0,
			    "the peer's login shell did not answer in %d s",
			    (int)(ms / 1000));
		else
			rc = transport_step(peer->transport, deadline_ns, err);
	}
	if (rc >= 0) {
		ha_buf_add(
		    out, channel_in(channel)->data, channel_in(channel)->len);
		ha_buf_add(errors, channel_errors(channel)->data,
		    channel_errors(channel)->len);
		*status = channel_exit_status(channel);
	}
	channel_close(channel);
	return rc < 0 ? -1 : 0;
}

int
peer_run(struct peer *peer, const char *command, int64_t ms, struct ha_buf *out,
    struct ha_buf *errors, int *status, struct ha_err *err)
{
	int64_t until_ns = ha_clock_deadline(REFUSED_MS);
	int rc;

	sftp_pause(peer->sftp);
	while ((rc = run(peer, command, ms, out, errors, status, err)) != 0 &&
	       transport_is_up(peer->transport) && ha_clock_now_ns() < until_ns)
		if (transport_step(peer->transport,
			ha_clock_deadline(REFUSED_PAUSE_MS), err) < 0)
			break;
	return rc;
}

static int
probe_output(struct peer *peer, const char *rsync_path, struct ha_buf *out,
    struct ha_buf *errors, int *status, struct ha_err *err)
{
	struct ha_buf command = HA_BUF_INIT;
	int rc;

	ha_buf_add_str(
	    &command, "echo " PROBE_MARK "; id -u; id -un; test -w ");
	peer_add_quoted(&command, peer->dir);
	ha_buf_addf(
	    &command, " && echo writable; LC_ALL=C %s --version", rsync_path);
	rc = run(peer, command.data, PEER_RUN_MS, out, errors, status, err);
	ha_buf_release(&command);
	return rc;
}

int
peer_parse_version(const char *text, struct rsync_caps *caps)
{
	const char *version = strstr(text, "rsync  version ");
	unsigned major, minor, patch = 0;

	if (version == NULL || sscanf(version, "rsync  version %u.%u.%u",
				   &major, &minor, &patch) < 2)
		return -1;
	caps->version = major * 10000 + minor * 100 + patch;
	caps->acls = strstr(version, " ACLs") != NULL &&
		     strstr(version, "no ACLs") == NULL;
	caps->xattrs = strstr(version, " xattrs") != NULL &&
		       strstr(version, "no xattrs") == NULL;
	return 0;
}

static int
parse_probe(struct peer *peer, const char *rsync_path, struct ha_buf *out,
    struct ha_buf *errors, int status, struct ha_err *err)
{
	const char *text = out->data;
	char *end;

	if (strncmp(text, PROBE_MARK "\n", sizeof(PROBE_MARK)) != 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "the login shell there can't be used by programs: it "
		    "printed \"%.60s\"; make its start-up files (.bashrc) "
		    "silent for sessions without a terminal",
		    text);
	text += sizeof(PROBE_MARK);
	peer->is_root = strtoul(text, &end, 10) == 0 && end != text;
	end += *end == '\n';
	free(peer->login);
	peer->login = ha_xmemdup(end, strcspn(end, "\n"));
	peer->writable = strstr(text, "\nwritable\n") != NULL;
	if (peer_parse_version(text, &peer->rsync) != 0) {
		errors->data[strcspn(errors->data, "\n")] = '\0';
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "no usable rsync there: '%s --version' gave status %d%s%s; "
		    "install rsync or name it with --rsync-path",
		    rsync_path, status, errors->len > 0 ? ": " : "",
		    errors->data);
	}
	if (peer->rsync.version < 30000)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "rsync there is older than 3.0.0, which is needed");
	return 0;
}

static int
check_target(struct peer *peer, struct ha_err *err)
{
	struct sftp_attrs attrs;
	int code = sftp_stat(peer->sftp, peer->dir, &attrs, err);

	if (code < 0)
		return -1;
	if (code == SFTP_NO_SUCH_FILE)
		return ha_err_set(err, EX_CANTCREAT, 0,
		    "%s does not exist there; create it first (mkdir -p)",
		    peer->dir);
	if (code != SFTP_OK)
		return ha_err_set(err, EX_CANTCREAT, 0, "%s there: %s",
		    peer->dir, sftp_words(code));
	if (!S_ISDIR(attrs.mode))
		return ha_err_set(err, EX_CANTCREAT, 0,
		    "%s there is no directory", peer->dir);
	if (!peer->writable)
		return ha_err_set(err, EX_CANTCREAT, 0,
		    "%s there can't be written by the user that logs in; "
		    "give it to him (chown) or mount it read-write",
		    peer->dir);
	return 0;
}

int
peer_check(struct peer *peer, const char *rsync_path, struct ha_err *err)
{
	struct ha_buf out = HA_BUF_INIT, errors = HA_BUF_INIT;
	int status = -1, rc;

	rc = probe_output(peer, rsync_path, &out, &errors, &status, err);
	peer->has_answered = rc == 0;
	if (rc == 0)
		rc = parse_probe(peer, rsync_path, &out, &errors, status, err);
	if (rc == 0 && peer->sftp == NULL)
		rc = sftp_open(&peer->sftp, peer->transport, err);
	if (rc == 0)
		rc = check_target(peer, err);
	peer->is_ready = rc == 0;
	ha_buf_release(&out);
	ha_buf_release(&errors);
	return rc;
}

int
peer_open(struct peer *peer, const struct transport_conf *conf,
    const char *rsync_path, struct ha_err *err)
{
	peer_doubt(peer);
	if (!peer_is_linked(peer)) {
		peer_close(peer);
		if (transport_open(&peer->transport, conf, err) != 0)
			return -1;
		peer->logins++;
		peer->linked_ns = ha_clock_now_ns();
	}
	if (peer_check(peer, rsync_path, err) == 0)
		return 0;
	if (!peer->has_answered ||
	    ha_clock_now_ns() - peer->linked_ns >= RELOGIN_MS * HA_MS_NS)
		peer_close(peer);
	return -1;
}

int
peer_is_linked(const struct peer *peer)
{
	return peer->transport != NULL && transport_is_up(peer->transport);
}

void
peer_doubt(struct peer *peer)
{
	peer_forget(peer);
	sftp_close(peer->sftp);
	peer->sftp = NULL;
	peer->is_ready = 0;
	peer->is_single = 0;
}

void
peer_close(struct peer *peer)
{
	peer_doubt(peer);
	transport_close(peer->transport);
	peer->transport = NULL;
	free(peer->login);
	peer->login = NULL;
}

int
peer_may_go_on(struct peer *peer, struct ha_err *err)
{
	if (peer->may_go_on == NULL || ha_clock_now_ns() < peer->ask_ns)
		return 0;
	if (peer->may_go_on(peer->context, err) != 0)
		return -1;
	peer->ask_ns = ha_clock_deadline(ASK_MS);
	return 0;
}

void
peer_forget(struct peer *peer)
{
	if (peer->dirs == NULL)
		return;
	for (size_t i = 0; i < peer->dirs->count; i++)
		free(peer->dirs->names[i]);
	free(peer->dirs->names);
	free(peer->dirs);
	peer->dirs = NULL;
}

/* Where name is or belongs in the sorted set. */
static size_t
dirs_position(const struct peer_dirs *dirs, const char *name, int *found)
{
	size_t low = 0, high = dirs->count;

	*found = 0;
	while (low < high && !*found) {
		size_t mid = (low + high) / 2;
		int order = strcmp(name, dirs->names[mid]);

		if (order == 0) {
			*found = 1;
			low = mid;
		} else if (order < 0) {
			high = mid;
		} else {
			low = mid + 1;
		}
	}
	return low;
}

static int
dirs_has(const struct peer *peer, const char *name)
{
	int found = 0;

	if (peer->dirs != NULL)
		dirs_position(peer->dirs, name, &found);
	return found;
}

static void
dirs_add(struct peer *peer, const char *name)
{
	struct peer_dirs *dirs = peer->dirs;
	size_t i;
	int found;

	if (dirs == NULL)
		dirs = peer->dirs = ha_xcalloc(1, sizeof(*dirs));
	i = dirs_position(dirs, name, &found);
	if (found)
		return;
	if (dirs->count == dirs->cap) {
		dirs->cap = dirs->cap * 2 + 16;
		dirs->names =
		    ha_xrealloc(dirs->names, dirs->cap * sizeof(*dirs->names));
	}
	memmove(dirs->names + i + 1, dirs->names + i,
	    (dirs->count - i) * sizeof(*dirs->names));
	dirs->names[i] = ha_xstrdup(name);
	dirs->count++;
}

static char *
full_path(const struct peer *peer, const char *path)
{
	if (strcmp(path, ".") == 0)
		return ha_xstrdup(peer->dir);
	return ha_xasprintf("%s/%s", peer->dir, path);
}

/* lstat path: its status code, or -1. */
static int
look(struct peer *peer, const char *path, struct sftp_attrs *attrs,
    struct ha_err *err)
{
	char *full = full_path(peer, path);
	int code = sftp_lstat(peer->sftp, full, attrs, err);

	free(full);
	return code;
}

/*
 * Is every parent of path a directory and no link?  1 yes, 0 one is missing or
 * another thing, -1.
 */
static int
parents_are_real(struct peer *peer, const char *path, struct ha_err *err)
{
	char *parent = ha_xstrdup(path);
	int rc = 1;

	for (char *slash = strchr(parent, '/'); slash != NULL && rc == 1;
	     slash = strchr(slash + 1, '/')) {
		struct sftp_attrs attrs;
		int code;

		*slash = '\0';
		if (!dirs_has(peer, parent)) {
			code = look(peer, parent, &attrs, err);
			if (code < 0)
				rc = -1;
			else if (code != SFTP_OK || !S_ISDIR(attrs.mode))
				rc = 0;
			else
				dirs_add(peer, parent);
		}
		*slash = '/';
	}
	free(parent);
	return rc;
}

/* A tree being removed: what its listing gave. */
struct listing {
	char **names; /* before each a byte: 'd' for a directory */
	size_t count, cap;
	int odd; /* a name that no directory can hold */
};

static int
add_name(void *context, const char *name, const struct sftp_attrs *attrs)
{
	struct listing *listing = context;

	if (name[0] == '\0' || strchr(name, '/') != NULL) {
		listing->odd = 1;
		return 1;
	}
	if (listing->count == listing->cap) {
		listing->cap = listing->cap * 2 + 16;
		listing->names = ha_xrealloc(
		    listing->names, listing->cap * sizeof(*listing->names));
	}
	listing->names[listing->count++] =
	    ha_xasprintf("%c%s", S_ISDIR(attrs->mode) ? 'd' : '-', name);
	return 0;
}

static void
listing_release(struct listing *listing)
{
	for (size_t i = 0; i < listing->count; i++)
		free(listing->names[i]);
	free(listing->names);
}

static enum peer_result
refused(const char *what, const char *path, int code, char **why)
{
	free(*why);
	*why =
	    ha_xasprintf("%s %s on the peer: %s", what, path, sftp_words(code));
	return PEER_REFUSED;
}

static int
remove_any(struct peer *peer, const struct ha_match *match, const char *path,
    int depth, enum peer_result *result, char **why, struct ha_err *err);

/*
 * Where a file is to be moved before it is gone; NULL in *room: nowhere.  1:
 * there is no room for it.
 */
static int
find_room(struct peer *peer, const char *path, char **room, struct ha_err *err)
{
	*room = NULL;
	if (peer->trash == NULL)
		return 0;
	*room = trash_room(peer->trash, peer, path, err);
	if (*room != NULL)
		return 0;
	return err->status == EX_CANTCREAT ? 1 : -1;
}

/* Ask for the end of what is no directory: its removal or its rename. */
static int
send_away(struct peer *peer, const char *path, const char *room, unsigned *slot,
    struct ha_err *err)
{
	char *full = full_path(peer, path);
	int rc = room != NULL
		     ? sftp_send_posix_rename(peer->sftp, full, room, slot, err)
		     : sftp_send_remove(peer->sftp, full, slot, err);

	free(full);
	return rc;
}

/* One file.  A status code, or -1. */
static int
put_away(struct peer *peer, const char *path, struct ha_err *err)
{
	unsigned slot;
	char *room;
	int rc = find_room(peer, path, &room, err), code;

	if (rc != 0)
		return rc < 0 ? -1 : SFTP_FAILURE;
	code = send_away(peer, path, room, &slot, err);
	if (code == 0)
		code = sftp_wait(peer->sftp, slot, NULL, err);
	free(room);
	return code;
}

/* The worse of two results: a refusal, then something kept. */
static void
worsen(enum peer_result *result, enum peer_result other)
{
	if (other > *result)
		*result = other;
}

/* Remove what can be removed as a file, many at once; the rest one by one. */
static int
remove_names(struct peer *peer, const struct ha_match *match, const char *dir,
    struct listing *listing, int depth, enum peer_result *result, char **why,
    struct ha_err *err)
{
	unsigned slots[SFTP_WINDOW];
	int rc = 0;

	for (size_t base = 0; base < listing->count && rc == 0;
	     base += SFTP_WINDOW) {
		size_t n = listing->count - base;
		char *paths[SFTP_WINDOW], *rooms[SFTP_WINDOW];
		int skip[SFTP_WINDOW], codes[SFTP_WINDOW] = { 0 };

		if (n > SFTP_WINDOW)
			n = SFTP_WINDOW;
		rc = peer_may_go_on(peer, err);
		for (size_t i = 0; i < n; i++) {
			const char *name = listing->names[base + i];

			paths[i] = ha_xasprintf("%s/%s", dir, name + 1);
			rooms[i] = NULL;
			skip[i] = rc != 0 || name[0] == 'd' ||
				  ha_match_excludes(match, paths[i], 0, NULL);
			if (!skip[i])
				skip[i] =
				    find_room(peer, paths[i], &rooms[i], err);
			if (skip[i] < 0)
				rc = -1;
		}
		for (size_t i = 0; i < n && rc == 0; i++)
			if (!skip[i])
				rc = send_away(
				    peer, paths[i], rooms[i], &slots[i], err);
		/* All of the window is answered before the next request. */
		for (size_t i = 0; i < n && rc == 0; i++) {
			codes[i] = skip[i] ? SFTP_FAILURE
					   : sftp_wait(peer->sftp, slots[i],
						 NULL, err);
			rc = codes[i] < 0 ? -1 : 0;
			peer->removed += codes[i] == SFTP_OK;
		}
		for (size_t i = 0; i < n; i++) {
			enum peer_result one = PEER_DONE;

			if (rc == 0 && codes[i] != SFTP_OK)
				rc = remove_any(peer, match, paths[i],
				    depth + 1, &one, why, err);
			worsen(result, one);
			free(paths[i]);
			free(rooms[i]);
		}
	}
	return rc;
}

static int
remove_dir(struct peer *peer, const struct ha_match *match, const char *path,
    int depth, enum peer_result *result, char **why, struct ha_err *err)
{
	struct listing listing = { NULL, 0, 0, 0 };
	char *full = full_path(peer, path);
	int code, rc = 0;

	*result = PEER_DONE;
	code = sftp_list(peer->sftp, full, add_name, &listing, err);
	if (code < 0)
		rc = -1;
	else if (code == SFTP_NO_SUCH_FILE)
		;
	else if (code != SFTP_OK)
		*result = refused("can't list", path, code, why);
	else if (listing.odd || depth > MAX_DEPTH)
		*result = refused("won't remove", path, SFTP_BAD_MESSAGE, why);
	else
		rc = remove_names(
		    peer, match, path, &listing, depth, result, why, err);
	if (rc == 0 && code == SFTP_OK && *result == PEER_DONE) {
		code = sftp_rmdir(peer->sftp, full, err);
		peer->removed += code == SFTP_OK;
		if (code < 0)
			rc = -1;
		else if (code != SFTP_OK && code != SFTP_NO_SUCH_FILE)
			*result = refused("can't remove", path, code, why);
	}
	listing_release(&listing);
	free(full);
	return rc;
}

/* Remove path, whose parents are known to be real directories. */
static int
remove_any(struct peer *peer, const struct ha_match *match, const char *path,
    int depth, enum peer_result *result, char **why, struct ha_err *err)
{
	struct sftp_attrs attrs;
	int code = look(peer, path, &attrs, err);

	*result = PEER_DONE;
	if (code < 0)
		return -1;
	if (code == SFTP_NO_SUCH_FILE)
		return 0;
	if (code != SFTP_OK) {
		*result = refused("can't look at", path, code, why);
		return 0;
	}
	if (ha_match_excludes(match, path, S_ISDIR(attrs.mode), NULL)) {
		*result = PEER_KEPT;
		free(*why);
		*why =
		    ha_xasprintf("%s is excluded and kept on the peer", path);
		return 0;
	}
	if (S_ISDIR(attrs.mode))
		return remove_dir(peer, match, path, depth, result, why, err);
	code = put_away(peer, path, err);
	peer->removed += code == SFTP_OK;
	if (code < 0)
		return -1;
	if (code != SFTP_OK && code != SFTP_NO_SUCH_FILE)
		*result =
		    refused(peer->trash != NULL ? "can't move to the trash"
						: "can't remove",
			path, code, why);
	return 0;
}

/* The directories that are still to be listed. */
struct census {
	const struct ha_match *match;
	const char *dir; /* the one that is listed */
	char **dirs;
	size_t dir_count, dir_cap;
	uint64_t count;
};

static int
count_name(void *context, const char *name, const struct sftp_attrs *attrs)
{
	struct census *census = context;
	char *path = ha_xasprintf("%s/%s", census->dir, name);
	int is_dir = S_ISDIR(attrs->mode);
	int excluded = ha_match_excludes(census->match, path, is_dir, NULL);

	census->count += !excluded;
	if (excluded || !is_dir) {
		free(path);
		return 0;
	}
	if (census->dir_count == census->dir_cap) {
		census->dir_cap = census->dir_cap * 2 + 16;
		census->dirs = ha_xrealloc(
		    census->dirs, census->dir_cap * sizeof(*census->dirs));
	}
	census->dirs[census->dir_count++] = path;
	return 0;
}

/*
 * How many names below path would go with it?  A directory that can't be
 * listed counts as an empty one: its removal is refused, too.
 */
static int
count_below(struct peer *peer, const struct ha_match *match, const char *path,
    uint64_t *count, struct ha_err *err)
{
	struct census census = { .match = match };
	char *dir = ha_xstrdup(path);
	int code = 0;

	while (dir != NULL) {
		char *full = full_path(peer, dir);

		census.dir = dir;
		if (code >= 0)
			code = sftp_list(
			    peer->sftp, full, count_name, &census, err);
		free(full);
		free(dir);
		dir = census.dir_count > 0 ? census.dirs[--census.dir_count]
					   : NULL;
	}
	free(census.dirs);
	*count = census.count;
	return code < 0 ? -1 : 0;
}

/* May count names go?  Those above what is allowed are charged. */
static int
may_remove(struct peer *peer, struct peer_removal *removal, uint64_t count,
    uint64_t *charged)
{
	*charged = count > removal->allowed ? count - removal->allowed : 0;
	if (budget_take(peer->budget, *charged))
		return 1;
	removal->result = PEER_HELD;
	removal->count = count;
	return 0;
}

/* What was charged and is there still; of a lost link that is not known. */
static void
give_back(struct peer *peer, struct peer_removal *removal, uint64_t charged,
    uint64_t removed, int is_lost)
{
	if (charged <= removed)
		return;
	if (is_lost)
		removal->charged = charged - removed;
	else
		budget_refund(peer->budget, charged - removed);
}

/* A directory, whose own name counts own: as a whole or not at all. */
static int
remove_counted(struct peer *peer, const struct ha_match *match,
    struct peer_removal *removal, uint64_t own, struct ha_err *err)
{
	uint64_t below = 0, charged, before = peer->removed;
	int rc;

	if (!budget_is_unlimited(peer->budget) &&
	    count_below(peer, match, removal->path, &below, err) != 0)
		return -1;
	if (!may_remove(peer, removal, below + own, &charged))
		return 0;
	rc = remove_dir(peer, match, removal->path, 0, &removal->result,
	    &removal->why, err);
	give_back(peer, removal, charged, peer->removed - before, rc != 0);
	return rc;
}

/* What is no file, or can't be removed as one. */
static int
remove_one(struct peer *peer, const struct ha_match *match,
    struct peer_removal *removal, struct ha_err *err)
{
	uint64_t charged = 0, before = peer->removed;
	struct sftp_attrs attrs;
	int code = look(peer, removal->path, &attrs, err), is_dir, rc;

	if (code < 0)
		return -1;
	is_dir = code == SFTP_OK && S_ISDIR(attrs.mode);
	if (code == SFTP_OK &&
	    !ha_match_excludes(match, removal->path, is_dir, NULL)) {
		if (is_dir)
			return remove_counted(peer, match, removal, 1, err);
		if (!may_remove(peer, removal, 1, &charged))
			return 0;
	}
	rc = remove_any(peer, match, removal->path, 0, &removal->result,
	    &removal->why, err);
	give_back(peer, removal, charged, peer->removed - before, rc != 0);
	return rc;
}

/* How many of the names can be tried at once, and what they are charged. */
static size_t
affordable(struct peer *peer, const struct peer_removal *removals,
    const int *codes, size_t count, uint64_t *charged)
{
	uint64_t left = budget_left(peer->budget);
	size_t n;

	*charged = 0;
	for (n = 0; n < count; n++) {
		uint64_t cost = codes[n] == SFTP_OK && removals[n].allowed == 0;

		if (*charged + cost > left)
			break;
		*charged += cost;
	}
	return n;
}

/*
 * A rename would move a directory too, with what is excluded in it: so that is
 * looked at first, and room is made.
 */
static int
make_rooms(struct peer *peer, const struct peer_removal *removals, int *codes,
    char **rooms, size_t count, struct ha_err *err)
{
	if (peer->trash == NULL)
		return 0;
	for (size_t i = 0; i < count; i++) {
		struct sftp_attrs attrs;
		int rc;

		if (codes[i] != SFTP_OK)
			continue;
		codes[i] = look(peer, removals[i].path, &attrs, err);
		if (codes[i] < 0)
			return -1;
		if (codes[i] == SFTP_OK && S_ISDIR(attrs.mode))
			codes[i] = SFTP_FAILURE;
		if (codes[i] != SFTP_OK)
			continue;
		rc = find_room(peer, removals[i].path, &rooms[i], err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			codes[i] = SFTP_FAILURE;
	}
	return 0;
}

static int
send_window(struct peer *peer, const struct peer_removal *removals, int *codes,
    char *const *rooms, size_t count, uint64_t *removed, struct ha_err *err)
{
	unsigned slots[SFTP_WINDOW];

	for (size_t i = 0; i < count; i++)
		if (codes[i] == SFTP_OK && send_away(peer, removals[i].path,
					       rooms[i], &slots[i], err) != 0)
			return -1;
	/* All of the window is answered before the next request. */
	for (size_t i = 0; i < count; i++) {
		if (codes[i] != SFTP_OK)
			continue;
		codes[i] = sftp_wait(peer->sftp, slots[i], NULL, err);
		if (codes[i] < 0)
			return -1;
		peer->removed += codes[i] == SFTP_OK;
		*removed += codes[i] == SFTP_OK && removals[i].allowed == 0;
	}
	return 0;
}

/* Charged before, as what is sent may be done whatever is heard of it. */
static int
try_as_files(struct peer *peer, struct peer_removal *removals, int *codes,
    size_t count, uint64_t charged, struct ha_err *err)
{
	char *rooms[SFTP_WINDOW] = { NULL };
	uint64_t removed = 0;
	int rc;

	budget_take(peer->budget, charged);
	for (size_t i = 0; i < count; i++)
		removals[i].charged =
		    codes[i] == SFTP_OK && removals[i].allowed == 0;
	rc = make_rooms(peer, removals, codes, rooms, count, err);
	if (rc == 0)
		rc = send_window(
		    peer, removals, codes, rooms, count, &removed, err);
	if (rc == 0 && charged > removed)
		budget_refund(peer->budget, charged - removed);
	for (size_t i = 0; i < count; i++) {
		free(rooms[i]);
		if (rc == 0)
			removals[i].charged = 0;
	}
	return rc;
}

/* Nothing is left for these: which of them are there? */
static int
hold_rest(struct peer *peer, struct peer_removal *removals, int *codes,
    size_t count, struct ha_err *err)
{
	unsigned slots[SFTP_WINDOW];

	for (size_t i = 0; i < count; i++) {
		char *full;
		int rc;

		if (codes[i] != SFTP_OK)
			continue;
		full = full_path(peer, removals[i].path);
		rc = sftp_send_lstat(peer->sftp, full, &slots[i], err);
		free(full);
		if (rc != 0)
			return -1;
	}
	for (size_t i = 0; i < count; i++) {
		struct sftp_attrs attrs;
		uint64_t charged;

		if (codes[i] != SFTP_OK)
			continue;
		codes[i] = sftp_wait(peer->sftp, slots[i], &attrs, err);
		if (codes[i] < 0)
			return -1;
		if (codes[i] == SFTP_OK &&
		    (S_ISDIR(attrs.mode) ||
			may_remove(peer, &removals[i], 1, &charged)))
			codes[i] = SFTP_FAILURE;
	}
	return 0;
}

/* A window of removals: sent at once, judged one by one. */
static int
remove_window(struct peer *peer, const struct ha_match *match,
    struct peer_removal *removals, size_t count, struct ha_err *err)
{
	int codes[SFTP_WINDOW];
	size_t n;
	int rc = 0;

	if (peer_may_go_on(peer, err) != 0)
		return -1;
	for (size_t i = 0; i < count; i++) {
		int real = parents_are_real(peer, removals[i].path, err);

		if (real < 0)
			return -1;
		/* Excluded unless it is a directory: to be looked at first. */
		codes[i] = !real ? SFTP_NO_SUCH_FILE
			   : ha_match_excludes(match, removals[i].path, 0, NULL)
			       ? SFTP_FAILURE
			       : SFTP_OK;
	}
	for (size_t at = 0; at < count && rc == 0; at += n) {
		uint64_t charged;

		n = affordable(
		    peer, removals + at, codes + at, count - at, &charged);
		if (n > 0) {
			rc = try_as_files(
			    peer, removals + at, codes + at, n, charged, err);
		} else {
			n = count - at;
			rc = hold_rest(peer, removals + at, codes + at, n, err);
		}
	}
	for (size_t i = 0; i < count && rc == 0; i++)
		if (codes[i] != SFTP_OK && codes[i] != SFTP_NO_SUCH_FILE)
			rc = remove_one(peer, match, &removals[i], err);
	return rc;
}

/* The next removals are dated anew: one path may go twice. */
static void
leave_trash(struct peer *peer)
{
	if (peer->trash != NULL)
		trash_leave(peer->trash);
}

int
peer_remove(struct peer *peer, const struct ha_match *match,
    struct peer_removal *removals, size_t count, struct ha_err *err)
{
	int rc = 0;

	if (!budget_is_unlimited(peer->budget))
		budget_expect(peer->budget, count);
	for (size_t i = 0; i < count && rc == 0; i += SFTP_WINDOW) {
		size_t n = count - i < SFTP_WINDOW ? count - i : SFTP_WINDOW;

		rc = remove_window(peer, match, removals + i, n, err);
	}
	leave_trash(peer);
	return rc;
}

int
peer_make_way(struct peer *peer, const struct ha_match *match,
    struct peer_removal *removal, struct ha_err *err)
{
	int real = parents_are_real(peer, removal->path, err);
	struct sftp_attrs attrs;
	int code;

	removal->result = PEER_DONE;
	if (real <= 0)
		return real;
	code = look(peer, removal->path, &attrs, err);
	if (code < 0)
		return -1;
	if (code != SFTP_OK || !S_ISDIR(attrs.mode))
		return 0;
	code = remove_counted(peer, match, removal, 0, err);
	leave_trash(peer);
	return code;
}

/* With a trash, what is overwritten by a rename goes there first.  1, 0, -1. */
static int
keep_overwritten(struct peer *peer, const char *path, struct ha_err *err)
{
	struct sftp_attrs attrs;
	int code;

	if (peer->trash == NULL)
		return 1;
	code = look(peer, path, &attrs, err);
	if (code == SFTP_OK) {
		code = put_away(peer, path, err);
		leave_trash(peer);
	}
	return code < 0 ? -1 : code == SFTP_OK || code == SFTP_NO_SUCH_FILE;
}

/* May from, as the peer has it, become to?  1, 0, -1. */
static int
may_rename(struct peer *peer, const struct ha_match *match, const char *from,
    const char *to, char kind, uint64_t size, int64_t mtime, struct ha_err *err)
{
	struct peer_removal way = { .path = to };
	struct sftp_attrs attrs;
	int rc, code;

	if (peer_may_go_on(peer, err) != 0)
		return -1;
	if ((rc = parents_are_real(peer, from, err)) != 1 ||
	    (rc = parents_are_real(peer, to, err)) != 1)
		return rc;
	if ((code = look(peer, from, &attrs, err)) != SFTP_OK)
		return code < 0 ? -1 : 0;
	if (kind == 'd' && !S_ISDIR(attrs.mode))
		return 0;
	if (kind == 'f' && (!S_ISREG(attrs.mode) || attrs.size != size ||
			       attrs.mtime != (uint32_t)mtime))
		return 0;
	if (kind != 'd' && S_ISDIR(attrs.mode))
		return 0;
	/*
	 * rename(2) has succeeded here, so no directory with something in it
	 * stood at to: what the peer has there is stale.
	 */
	rc = peer_make_way(peer, match, &way, err);
	free(way.why);
	if (rc != 0)
		return -1;
	if (way.result != PEER_DONE)
		return 0;
	return keep_overwritten(peer, to, err);
}

int
peer_rename(struct peer *peer, const struct ha_match *match, const char *from,
    const char *to, char kind, uint64_t size, int64_t mtime, struct ha_err *err)
{
	int rc = may_rename(peer, match, from, to, kind, size, mtime, err);
	char *full_from, *full_to;
	int code;

	if (rc != 1)
		return rc < 0 ? -1 : 1;
	full_from = full_path(peer, from);
	full_to = full_path(peer, to);
	code = sftp_posix_rename(peer->sftp, full_from, full_to, err);
	free(full_from);
	free(full_to);
	if (kind == 'd')
		peer_forget(peer);
	if (code < 0)
		return -1;
	return code == SFTP_OK ? 0 : 1;
}

int
peer_count(struct peer *peer, const struct ha_match *match, const char *path,
    uint64_t *count, struct ha_err *err)
{
	int rc = parents_are_real(peer, path, err);
	struct sftp_attrs attrs;
	int code;

	*count = 0;
	if (rc != 1)
		return rc;
	code = look(peer, path, &attrs, err);
	if (code != SFTP_OK)
		return code < 0 ? -1 : 0;
	if (S_ISDIR(attrs.mode) &&
	    count_below(peer, match, path, count, err) != 0)
		return -1;
	++*count;
	return 0;
}

static int
is_any(void *context, const char *name, const struct sftp_attrs *attrs)
{
	(void)name;
	(void)attrs;
	*(int *)context = 1;
	return 1;
}

int
peer_has_nothing_below(struct peer *peer, const char *path, struct ha_err *err)
{
	int rc = parents_are_real(peer, path, err), found = 0, code;
	char *full;

	/* rsync puts a directory in the place of what is none. */
	if (rc != 1)
		return rc == 0 ? 1 : -1;
	full = full_path(peer, path);
	code = sftp_list(peer->sftp, full, is_any, &found, err);
	free(full);
	if (code < 0)
		return -1;
	return code == SFTP_NO_SUCH_FILE || (code == SFTP_OK && !found);
}

struct search {
	const struct ha_match *match;
	int found;
};

static int
is_file(void *context, const char *name, const struct sftp_attrs *attrs)
{
	struct search *search = context;

	search->found =
	    !ha_match_excludes(search->match, name, S_ISDIR(attrs->mode), NULL);
	return search->found;
}

int
peer_has_files(
    struct peer *peer, const struct ha_match *match, struct ha_err *err)
{
	struct search search = { match, 0 };
	int code = sftp_list(peer->sftp, peer->dir, is_file, &search, err);

	if (code < 0)
		return -1;
	/* A directory that can't be listed may hold anything. */
	return code != SFTP_OK || search.found;
}

int
peer_set_root_times(
    struct peer *peer, int64_t atime, int64_t mtime, struct ha_err *err)
{
	return sftp_set_times(peer->sftp, peer->dir, (uint32_t)atime,
		   (uint32_t)mtime, err) < 0
		   ? -1
		   : 0;
}

int
peer_sync_parents(struct peer *peer, const char *const *paths, size_t count,
    struct ha_err *err)
{
	char *last = NULL;
	int rc = 0, code;

	for (size_t i = 0; i < count && rc == 0; i++) {
		const char *slash = strrchr(paths[i], '/');
		char *dir = slash != NULL ? ha_xmemdup(paths[i],
						(size_t)(slash - paths[i]))
					  : ha_xstrdup(".");

		if (last == NULL || strcmp(last, dir) != 0) {
			char *full = full_path(peer, dir);

			code = sftp_fsync(peer->sftp, full, err);
			if (code < 0)
				rc = -1;
			else if (code != SFTP_OK && code != SFTP_NO_SUCH_FILE)
				rc = ha_err_set(err, EX_IOERR, 0,
				    "can't fsync %s there: %s", full,
				    sftp_words(code));
			free(full);
		}
		free(last);
		last = dir;
	}
	free(last);
	return rc;
}
