/* SPDX-License-Identifier: ISC */
/*
 * fence - the roles of both ends, seen before anything is written.
 */
#include "fence.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "msg.h"
#include "push.h"

#define LOOK_EVERY_MS 1000
/* Times of SFTP are in seconds: what is read later than this has settled. */
#define SETTLED_MS 2000
/* A peer that could not be told its epoch is told again, in case it can. */
#define TELL_AGAIN_MS 60000
/* Of what the peer says in a message. */
#define WORDS_MAX 160

enum { SAID_OWN = 1, SAID_PEER = 2 };

void
fence_init(struct fence *fence)
{
	memset(fence, 0, sizeof(*fence));
	fence->peer_path = FENCE_PEER_PATH;
	fence->own_path = ha_role_path();
	ha_role_init(&fence->own.role);
	ha_role_init(&fence->peer.role);
}

void
fence_release(struct fence *fence)
{
	free(fence->own_path);
	ha_role_release(&fence->own.role);
	ha_role_release(&fence->peer.role);
}

/*
 * The beginning of words from outside, to a whole character; whoever writes
 * them anywhere escapes them.
 */
static void
add_words(struct ha_buf *text, const char *words, size_t len)
{
	size_t cut = WORDS_MAX;

	if (len <= WORDS_MAX) {
		ha_buf_add(text, words, len);
		return;
	}
	while (cut > 0 && ((unsigned char)words[cut] & 0xc0) == 0x80)
		cut--;
	ha_buf_add(text, words, cut);
	ha_buf_add_str(text, "...");
}

static void
add_side(struct ha_buf *text, const char *who, const struct fence_side *side)
{
	if (!side->is_there) {
		ha_buf_addf(text, "%s has no role", who);
		return;
	}
	ha_buf_addf(text, "%s is %s with epoch %" PRIu64 " since %s (", who,
	    ha_role_name(&side->role), side->role.epoch, side->role.since);
	add_words(text, side->role.reason, strlen(side->role.reason));
	ha_buf_add_char(text, ')');
}

/* What stands against writing: refused, or said once a connection. */
static int
object(struct push *push, unsigned what, int is_connected, struct ha_err *err)
{
	if (!push->conf.dry_run && push->conf.force == NULL) {
		push->fence.is_refused = 1;
		return -1;
	}
	if (!is_connected || push->fence.said & what)
		return 0;
	push->fence.said |= what;
	if (push->conf.dry_run)
		ha_say("%s: without -n this would be refused: %s",
		    push->peer.label, err->msg);
	else
		ha_warn("%s: forced (%s) though %s", push->peer.label,
		    push->conf.force, err->msg);
	return 0;
}

static int
check_own(struct push *push, int is_connected, struct ha_err *err)
{
	struct fence_side *own = &push->fence.own;
	struct ha_buf text = HA_BUF_INIT;

	own->is_there = ha_role_read(&own->role, push->fence.own_path, err);
	if (own->is_there < 0) {
		own->is_there = 0;
		return object(push, SAID_OWN, is_connected, err);
	}
	if (!own->is_there || own->role.is_active)
		return 0;
	add_side(&text, "this node", own);
	ha_err_set(err, EX_NOPERM, 0,
	    "%s, and a standby does not push; if no other node is active and "
	    "this one is to be: ha-role set active --reason WORDS; or "
	    "--force=REASON",
	    text.data);
	ha_buf_release(&text);
	return object(push, SAID_OWN, is_connected, err);
}

int
fence_check_own(struct push *push, struct ha_err *err)
{
	push->fence.is_refused = 0;
	return check_own(push, 0, err);
}

void
fence_connected(struct push *push)
{
	if (push->fence.login != push->peer.logins)
		push->fence.said = 0;
	push->fence.login = push->peer.logins;
	push->fence.look_ns = push->fence.tell_ns = 0;
	push->fence.peer.is_there = 0;
	push->fence.seen.mtime = 0;
}

static int
unreadable(const struct push *push, const char *why, struct ha_err *err)
{
	return ha_err_set(err, EX_NOPERM, 0,
	    "the role file %s of %s can't be read there (%s), so nothing is "
	    "written there; let the login read it, or --force=REASON",
	    push->fence.peer_path, push->conf.target.host, why);
}

static int
malformed(const struct push *push, const char *why, struct ha_err *err)
{
	return ha_err_set(err, EX_NOPERM, 0,
	    "the role file %s of %s is malformed (%s), so nothing is written "
	    "there; mend it there, or --force=REASON",
	    push->fence.peer_path, push->conf.target.host, why);
}

static int
read_content(struct push *push, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int code = sftp_read_file(push->peer.sftp, push->fence.peer_path,
	    HA_ROLE_SIZE + 1, &text, err);
	int rc = 1;

	if (code < 0)
		rc = -1;
	else if (code != SFTP_OK)
		rc = unreadable(push, sftp_words(code), err);
	else if (ha_role_decode(
		     &push->fence.peer.role, text.data, text.len, err) != 0)
		rc = malformed(push, err->msg, err);
	ha_buf_release(&text);
	return rc;
}

/*
 * Is it the file that was read?  It may have changed after that in the same
 * second, and to the same size; not if it was old then.
 */
static int
is_known(const struct fence *fence, const struct sftp_attrs *attrs)
{
	return S_ISREG(attrs->mode) && attrs->mtime != 0 &&
	       attrs->mtime == fence->seen.mtime &&
	       attrs->size == fence->seen.size &&
	       fence->read_ns - fence->seen_ns >= SETTLED_MS * HA_MS_NS;
}

static void
remember(struct fence *fence, const struct sftp_attrs *attrs)
{
	fence->read_ns = ha_clock_now_ns();
	if (attrs->mtime != fence->seen.mtime ||
	    attrs->size != fence->seen.size)
		fence->seen_ns = fence->read_ns;
	fence->seen = *attrs;
}

/*
 * Bring peer.role up to date.  1, 0 when there is no file, -1: EX_NOPERM, or
 * the link is lost.
 */
static int
read_peer(struct push *push, struct ha_err *err)
{
	struct fence *fence = &push->fence;
	struct sftp_attrs attrs;
	int code = sftp_lstat(push->peer.sftp, fence->peer_path, &attrs, err);

	if (code < 0)
		return -1;
	if (code == SFTP_OK && is_known(fence, &attrs))
		return 1;
	fence->read_ns = 0;
	if (code == SFTP_NO_SUCH_FILE)
		return 0;
	if (code != SFTP_OK)
		return unreadable(push, sftp_words(code), err);
	/* Opening a pipe would keep the server waiting. */
	if (!S_ISREG(attrs.mode) && !S_ISLNK(attrs.mode))
		return malformed(push, "it is no regular file", err);
	if (read_content(push, err) != 1)
		return -1;
	remember(fence, &attrs);
	return 1;
}

static int
refuse_active_peer(struct push *push, struct ha_err *err)
{
	const char *host = push->conf.target.host;
	struct ha_buf text = HA_BUF_INIT;

	add_side(&text, host, &push->fence.peer);
	ha_buf_add_str(&text, ", and ");
	add_side(&text, "this node", &push->fence.own);
	ha_err_set(err, EX_NOPERM, 0,
	    "%s: nothing is written there; if %s is right, make this node its "
	    "standby: ha-role set standby --epoch %" PRIu64
	    " --reason WORDS; if this node is right: --force=REASON",
	    text.data, host, push->fence.peer.role.epoch);
	ha_buf_release(&text);
	return object(push, SAID_PEER, 1, err);
}

/* What to type on the peer; there it is a command line, too. */
static void
add_command(struct ha_buf *command, const struct push *push)
{
	char host[HOST_NAME_MAX + 1] = "";
	struct ha_buf reason = HA_BUF_INIT;

	gethostname(host, sizeof(host) - 1);
	ha_buf_addf(&reason, "told by ha-push on %s", host);
	ha_buf_add_str(command, "ha-role set --file ");
	peer_add_quoted(command, push->fence.peer_path);
	ha_buf_addf(command, " --epoch %" PRIu64 " --reason ",
	    push->fence.own.role.epoch);
	peer_add_quoted(command, reason.data);
	ha_buf_release(&reason);
}

static int
run_there(struct push *push, const char *command, struct ha_buf *errors,
    int *status, struct ha_err *err)
{
	struct ha_buf out = HA_BUF_INIT;
	int rc = peer_run(
	    &push->peer, command, PEER_RUN_MS, &out, errors, status, err);

	ha_buf_release(&out);
	return rc;
}

static void
warn_untold(struct push *push, const char *command, const char *why,
    size_t why_len, int status)
{
	struct ha_buf text = HA_BUF_INIT;

	ha_buf_addf(&text,
	    "%s was not told the epoch of this node, %" PRIu64
	    ", so that its own may not be higher when it takes over; type "
	    "there: %s (",
	    push->conf.target.host, push->fence.own.role.epoch, command);
	if (why_len > 0)
		add_words(&text, why, why_len);
	else
		ha_buf_addf(&text, "status %d", status);
	ha_buf_add_char(&text, ')');
	report_warning(&push->report, text.data);
	ha_buf_release(&text);
}

/*
 * Two counters drift apart; so that the standby's next one is higher, it learns
 * this one.  -1: the link is lost.
 */
static int
tell_epoch(struct push *push, struct ha_err *err)
{
	struct ha_buf command = HA_BUF_INIT, errors = HA_BUF_INIT;
	struct fence *fence = &push->fence;
	int status = -1, rc;

	fence->tell_ns = ha_clock_deadline(TELL_AGAIN_MS);
	fence->told = fence->own.role.epoch;
	add_command(&command, push);
	rc = run_there(push, command.data, &errors, &status, err);
	if (rc == 0)
		rc = read_peer(push, err);
	if (rc == 1 && fence->peer.role.epoch >= fence->told)
		report_warning(&push->report, NULL);
	else if (rc >= 0)
		warn_untold(push, command.data, errors.data,
		    strcspn(errors.data, "\n"), status);
	else if (transport_is_up(push->peer.transport))
		warn_untold(
		    push, command.data, err->msg, strlen(err->msg), status);
	ha_buf_release(&command);
	ha_buf_release(&errors);
	return rc < 0 && !transport_is_up(push->peer.transport) ? -1 : 0;
}

static void
say_missing(struct push *push)
{
	struct fence *fence = &push->fence;

	if (fence->missing_said || push->conf.all || push->conf.paths)
		return;
	fence->missing_said = 1;
	ha_say("%s: there is no role file %s: if that node may ever become "
	       "active, type there: ha-role set standby --epoch %" PRIu64
	       " --reason WORDS",
	    push->peer.label, fence->peer_path, fence->own.role.epoch);
}

/* This node is active, and nothing stands against writing. */
static int
inform_peer(struct push *push, struct ha_err *err)
{
	struct fence *fence = &push->fence;
	struct ha_buf text = HA_BUF_INIT;

	if (!fence->peer.is_there) {
		say_missing(push);
	} else if (fence->peer.role.is_active) {
		add_side(&text, push->conf.target.host, &fence->peer);
		ha_buf_addf(&text,
		    ", which this node, with epoch %" PRIu64
		    ", overwrites; type there: ha-role set standby --epoch "
		    "%" PRIu64 " --reason WORDS",
		    fence->own.role.epoch, fence->own.role.epoch);
		report_warning(&push->report, text.data);
		ha_buf_release(&text);
		return 0;
	} else if (fence->peer.role.epoch < fence->own.role.epoch) {
		if (ha_clock_now_ns() >= fence->tell_ns ||
		    fence->told != fence->own.role.epoch)
			return tell_epoch(push, err);
		return 0;
	}
	report_warning(&push->report, NULL);
	return 0;
}

static int
check_peer(struct push *push, struct ha_err *err)
{
	struct fence *fence = &push->fence;
	uint64_t own_epoch = fence->own.is_there ? fence->own.role.epoch : 0;
	int rc;

	/*
	 * Where roles are in use each round begins with an answer of the peer:
	 * what is sent after it is not for a link that is cut.
	 */
	if (fence->own.is_there || fence->peer.is_there ||
	    ha_clock_now_ns() >= fence->look_ns) {
		rc = read_peer(push, err);
		if (rc < 0 && err->status != EX_NOPERM)
			return -1;
		fence->look_ns = ha_clock_deadline(LOOK_EVERY_MS);
		fence->peer.is_there = rc > 0;
		if (rc < 0)
			return object(push, SAID_PEER, 1, err);
	}
	if (fence->peer.is_there && fence->peer.role.is_active &&
	    fence->peer.role.epoch >= own_epoch)
		return refuse_active_peer(push, err);
	if (push->conf.dry_run || !fence->own.is_there ||
	    !fence->own.role.is_active)
		return 0;
	return inform_peer(push, err);
}

int
fence_check(struct push *push, struct ha_err *err)
{
	push->fence.is_refused = 0;
	if (check_own(push, 1, err) != 0)
		return -1;
	return check_peer(push, err);
}

int
fence_may_go_on(void *context, struct ha_err *err)
{
	struct push *push = context;

	/* While rsync has the only channel SFTP has none. */
	return push->peer.is_single ? fence_check_own(push, err)
				    : fence_check(push, err);
}

int
fence_may_remove(void *context, struct ha_err *err)
{
	return fence_check(context, err);
}
