/* SPDX-License-Identifier: ISC */
/*
 * sftp - SFTP version 3 over a channel's buffers: requests go out as they are
 * made, answers are matched by id.
 */
#include "sftp.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "buf.h"
#include "clock.h"
#include "wire.h"

enum {
	FXP_INIT = 1,
	FXP_VERSION = 2,
	FXP_OPEN = 3,
	FXP_CLOSE = 4,
	FXP_READ = 5,
	FXP_LSTAT = 7,
	FXP_SETSTAT = 9,
	FXP_OPENDIR = 11,
	FXP_READDIR = 12,
	FXP_REMOVE = 13,
	FXP_MKDIR = 14,
	FXP_RMDIR = 15,
	FXP_REALPATH = 16,
	FXP_STAT = 17,
	FXP_STATUS = 101,
	FXP_HANDLE = 102,
	FXP_DATA = 103,
	FXP_NAME = 104,
	FXP_ATTRS = 105,
	FXP_EXTENDED = 200,
};

enum {
	ATTR_SIZE = 1,
	ATTR_UIDGID = 2,
	ATTR_PERMISSIONS = 4,
	ATTR_ACMODTIME = 8,
};
#define ATTR_EXTENDED UINT32_C(0x80000000)
#define OPEN_READ 1

/* OpenSSH's server sends at most this in one packet (sftp-common.h). */
#define PACKET_MAX (256 * 1024)
#define ANSWER_MS 60000
/* A channel that is refused: how long it is tried again, and the pause. */
#define REFUSED_MS 2000
#define REFUSED_PAUSE_MS 50

struct answer {
	int arrived;
	int awaited; /* sent, and not yet waited for */
	int code; /* a status code */
	struct ha_buf body; /* of HANDLE, NAME and ATTRS, after the id */
	unsigned char type;
};

struct sftp {
	struct transport *transport;
	struct channel *channel;
	uint32_t next_id;
	uint32_t unanswered;
	struct answer answers[SFTP_WINDOW];
	int posix_rename, hardlink, fsync;
	int is_paused;
};

struct reader {
	const unsigned char *data;
	size_t left;
	int bad;
};

static uint32_t
get32(struct reader *r)
{
	uint32_t v;

	if (r->left < 4) {
		r->bad = 1;
		return 0;
	}
	v = wire_number_at(r->data);
	r->data += 4;
	r->left -= 4;
	return v;
}

static const char *
get_string(struct reader *r, size_t *len)
{
	const unsigned char *data;

	*len = get32(r);
	if (r->bad || *len > r->left) {
		r->bad = 1;
		*len = 0;
		return "";
	}
	data = r->data;
	r->data += *len;
	r->left -= *len;
	return (const char *)data;
}

static void
get_attrs(struct reader *r, struct sftp_attrs *attrs)
{
	uint32_t flags = get32(r);
	size_t len;

	memset(attrs, 0, sizeof(*attrs));
	if (flags & ATTR_SIZE) {
		attrs->size = (uint64_t)get32(r) << 32;
		attrs->size |= get32(r);
	}
	if (flags & ATTR_UIDGID) {
		get32(r);
		get32(r);
	}
	if (flags & ATTR_PERMISSIONS)
		attrs->mode = get32(r);
	if (flags & ATTR_ACMODTIME) {
		get32(r);
		attrs->mtime = get32(r);
	}
	if (flags & ATTR_EXTENDED)
		for (uint32_t n = get32(r); n > 0 && !r->bad; n--) {
			get_string(r, &len);
			get_string(r, &len);
		}
}

static int
server_error(struct sftp *sftp, const char *what, struct ha_err *err)
{
	channel_close(sftp->channel);
	sftp->channel = NULL;
	return ha_err_set(err, EX_UNAVAILABLE, 0, "sftp server: %s", what);
}

/* Take one packet out of the channel.  1, 0 when none is whole, -1. */
static int
next_packet(
    struct sftp *sftp, struct reader *r, size_t *size, struct ha_err *err)
{
	struct ha_buf *in = channel_in(sftp->channel);
	uint32_t len;

	r->data = (const unsigned char *)in->data;
	r->left = in->len;
	r->bad = 0;
	if (in->len < 4)
		return 0;
	len = get32(r);
	if (len < 1 || len > PACKET_MAX)
		return server_error(sftp,
		    "not an SFTP packet; does the peer's login shell print "
		    "something?",
		    err);
	if (r->left < len)
		return 0;
	r->left = len;
	*size = 4 + (size_t)len;
	return 1;
}

static int
take_answer(struct sftp *sftp, struct reader *r, struct ha_err *err)
{
	unsigned char type = r->data[0];
	struct answer *answer;
	uint32_t id;

	r->data++;
	r->left--;
	id = get32(r);
	if (r->bad || sftp->next_id - id > SFTP_WINDOW || id == sftp->next_id)
		return server_error(sftp, "an answer to no request", err);
	answer = &sftp->answers[id % SFTP_WINDOW];
	if (answer->arrived)
		return server_error(sftp, "two answers to one request", err);
	answer->arrived = 1;
	answer->type = type;
	answer->code = type == FXP_STATUS ? (int)get32(r) : SFTP_OK;
	if (r->bad || answer->code < 0)
		return server_error(sftp, "a damaged answer", err);
	ha_buf_reset(&answer->body);
	if (type != FXP_STATUS)
		ha_buf_add(&answer->body, r->data, r->left);
	return 0;
}

/* Move bytes once, and take what answers have come.  1: something moved. */
static int
step(struct sftp *sftp, int64_t deadline_ns, struct ha_err *err)
{
	struct reader r;
	size_t size = 0;
	int rc, any = 0;

	while ((rc = next_packet(sftp, &r, &size, err)) == 1) {
		if (take_answer(sftp, &r, err) != 0)
			return -1;
		ha_buf_consume(channel_in(sftp->channel), size);
		any = 1;
	}
	if (rc < 0 || any)
		return rc;
	if (channel_is_done(sftp->channel))
		return server_error(sftp, "it ended", err);
	if (ha_clock_now_ns() >= deadline_ns)
		return server_error(sftp, "no answer in time", err);
	return transport_step(sftp->transport, deadline_ns, err);
}

static int
wait_for(struct sftp *sftp, unsigned slot, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(ANSWER_MS);
	int rc;

	/* On a slow link it stands behind what rsync sends. */
	while (!sftp->answers[slot].arrived) {
		rc = step(sftp, deadline_ns, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			deadline_ns = ha_clock_deadline(ANSWER_MS);
	}
	return 0;
}

static int
say_hello(struct sftp *sftp, struct ha_err *err)
{
	struct ha_buf *out = channel_out(sftp->channel);
	int64_t deadline_ns = ha_clock_deadline(ANSWER_MS);
	struct reader r;
	size_t size = 0, len;
	int rc;

	wire_put_number(out, 5);
	ha_buf_add_char(out, FXP_INIT);
	wire_put_number(out, 3);
	while ((rc = next_packet(sftp, &r, &size, err)) == 0) {
		if (channel_is_done(sftp->channel) ||
		    ha_clock_now_ns() >= deadline_ns)
			return server_error(sftp,
			    "it gave no answer (is sftp-server installed?)",
			    err);
		if (transport_step(sftp->transport, deadline_ns, err) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	if (r.data[0] != FXP_VERSION)
		return server_error(sftp, "it did not say its version", err);
	r.data++;
	r.left--;
	if (get32(&r) < 3)
		return server_error(sftp, "it is older than version 3", err);
	while (r.left > 0 && !r.bad) {
		const char *name = get_string(&r, &len);

		if (len == 24 &&
		    memcmp(name, "posix-rename@openssh.com", len) == 0)
			sftp->posix_rename = 1;
		else if (len == 20 &&
			 memcmp(name, "hardlink@openssh.com", len) == 0)
			sftp->hardlink = 1;
		else if (len == 17 &&
			 memcmp(name, "fsync@openssh.com", len) == 0)
			sftp->fsync = 1;
		get_string(&r, &len);
	}
	ha_buf_consume(channel_in(sftp->channel), size);
	return 0;
}

/* Of few channels one may still be ending: it is waited for. */
static int
start_server(struct sftp *sftp, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(REFUSED_MS);

	sftp->is_paused = 0;
	while ((sftp->channel = transport_subsystem(
		    sftp->transport, "sftp", err)) == NULL) {
		if (!transport_is_up(sftp->transport) ||
		    ha_clock_now_ns() >= deadline_ns ||
		    transport_step(sftp->transport,
			ha_clock_deadline(REFUSED_PAUSE_MS), err) < 0)
			return -1;
	}
	return say_hello(sftp, err);
}

/*
 * Begin a request; its arguments follow in channel_out(), then end_request().
 */
static int
begin(struct sftp *sftp, int type, size_t *start, unsigned *slot,
    struct ha_err *err)
{
	struct ha_buf *out;
	struct answer *answer = &sftp->answers[sftp->next_id % SFTP_WINDOW];

	*start = 0;
	*slot = 0;
	if (sftp->is_paused && start_server(sftp, err) != 0)
		return -1;
	if (sftp->channel == NULL || !transport_is_up(sftp->transport))
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, "the link to the peer is lost");
	if (answer->awaited)
		return server_error(sftp, "too many requests at once", err);
	*slot = sftp->next_id % SFTP_WINDOW;
	answer->arrived = 0;
	answer->awaited = 1;
	out = channel_out(sftp->channel);
	*start = out->len;
	wire_put_number(out, 0);
	ha_buf_add_char(out, (char)type);
	wire_put_number(out, sftp->next_id++);
	return 0;
}

static void
end_request(struct sftp *sftp, size_t start)
{
	struct ha_buf *out = channel_out(sftp->channel);
	uint32_t len = (uint32_t)(out->len - start - 4);

	for (int i = 0; i < 4; i++)
		out->data[start + (size_t)i] = (char)(len >> (24 - 8 * i));
}

static int
send_path(struct sftp *sftp, int type, const char *path, unsigned *slot,
    struct ha_err *err)
{
	size_t start;

	if (begin(sftp, type, &start, slot, err) != 0)
		return -1;
	wire_put_string(channel_out(sftp->channel), path, strlen(path));
	end_request(sftp, start);
	return 0;
}

static int
send_extended(struct sftp *sftp, const char *name, const char *first,
    size_t first_len, const char *second, unsigned *slot, struct ha_err *err)
{
	struct ha_buf *out;
	size_t start;

	if (begin(sftp, FXP_EXTENDED, &start, slot, err) != 0)
		return -1;
	out = channel_out(sftp->channel);
	wire_put_string(out, name, strlen(name));
	wire_put_string(out, first, first_len);
	if (second != NULL)
		wire_put_string(out, second, strlen(second));
	end_request(sftp, start);
	return 0;
}

int
sftp_open(struct sftp **result, struct transport *transport, struct ha_err *err)
{
	struct sftp *sftp = ha_xcalloc(1, sizeof(*sftp));

	sftp->transport = transport;
	for (int i = 0; i < SFTP_WINDOW; i++) {
		ha_buf_init(&sftp->answers[i].body);
		sftp->answers[i].arrived = 1;
	}
	if (start_server(sftp, err) != 0) {
		sftp_close(sftp);
		return -1;
	}
	*result = sftp;
	return 0;
}

void
sftp_close(struct sftp *sftp)
{
	if (sftp == NULL)
		return;
	channel_close(sftp->channel);
	for (int i = 0; i < SFTP_WINDOW; i++)
		ha_buf_release(&sftp->answers[i].body);
	free(sftp);
}

void
sftp_pause(struct sftp *sftp)
{
	if (sftp->channel == NULL)
		return;
	channel_close(sftp->channel);
	sftp->channel = NULL;
	sftp->is_paused = 1;
}

int
sftp_can_posix_rename(const struct sftp *sftp)
{
	return sftp->posix_rename;
}

int
sftp_can_hardlink(const struct sftp *sftp)
{
	return sftp->hardlink;
}

int
sftp_can_fsync(const struct sftp *sftp)
{
	return sftp->fsync;
}

int
sftp_send_remove(
    struct sftp *sftp, const char *path, unsigned *slot, struct ha_err *err)
{
	return send_path(sftp, FXP_REMOVE, path, slot, err);
}

int
sftp_send_rmdir(
    struct sftp *sftp, const char *path, unsigned *slot, struct ha_err *err)
{
	return send_path(sftp, FXP_RMDIR, path, slot, err);
}

int
sftp_send_lstat(
    struct sftp *sftp, const char *path, unsigned *slot, struct ha_err *err)
{
	return send_path(sftp, FXP_LSTAT, path, slot, err);
}

int
sftp_wait(struct sftp *sftp, unsigned slot, struct sftp_attrs *attrs,
    struct ha_err *err)
{
	struct answer *answer = &sftp->answers[slot];

	if (sftp->channel == NULL)
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, "the link to the peer is lost");
	if (wait_for(sftp, slot, err) != 0)
		return -1;
	answer->awaited = 0;
	if (answer->type == FXP_ATTRS && attrs != NULL) {
		struct reader r = { (const unsigned char *)answer->body.data,
			answer->body.len, 0 };

		get_attrs(&r, attrs);
		if (r.bad)
			return server_error(sftp, "damaged attributes", err);
	} else if (attrs != NULL && answer->code == SFTP_OK) {
		return server_error(sftp, "an answer of the wrong kind", err);
	}
	return answer->code;
}

int
sftp_remove(struct sftp *sftp, const char *path, struct ha_err *err)
{
	unsigned slot;

	if (sftp_send_remove(sftp, path, &slot, err) != 0)
		return -1;
	return sftp_wait(sftp, slot, NULL, err);
}

int
sftp_rmdir(struct sftp *sftp, const char *path, struct ha_err *err)
{
	unsigned slot;

	if (sftp_send_rmdir(sftp, path, &slot, err) != 0)
		return -1;
	return sftp_wait(sftp, slot, NULL, err);
}

int
sftp_mkdir(
    struct sftp *sftp, const char *path, unsigned mode, struct ha_err *err)
{
	struct ha_buf *out;
	unsigned slot;
	size_t start;

	if (begin(sftp, FXP_MKDIR, &start, &slot, err) != 0)
		return -1;
	out = channel_out(sftp->channel);
	wire_put_string(out, path, strlen(path));
	wire_put_number(out, ATTR_PERMISSIONS);
	wire_put_number(out, mode);
	end_request(sftp, start);
	return sftp_wait(sftp, slot, NULL, err);
}

int
sftp_realpath(struct sftp *sftp, const char *path, struct ha_buf *resolved,
    struct ha_err *err)
{
	struct reader r;
	const char *data;
	unsigned slot;
	size_t len;
	int code;

	if (send_path(sftp, FXP_REALPATH, path, &slot, err) != 0)
		return -1;
	code = sftp_wait(sftp, slot, NULL, err);
	if (code != SFTP_OK)
		return code;
	r.data = (const unsigned char *)sftp->answers[slot].body.data;
	r.left = sftp->answers[slot].body.len;
	r.bad = sftp->answers[slot].type != FXP_NAME || get32(&r) != 1;
	data = get_string(&r, &len);
	if (r.bad || len == 0 || memchr(data, '\0', len) != NULL)
		return server_error(sftp, "a damaged path", err);
	ha_buf_add(resolved, data, len);
	return SFTP_OK;
}

int
sftp_lstat(struct sftp *sftp, const char *path, struct sftp_attrs *attrs,
    struct ha_err *err)
{
	unsigned slot;

	if (sftp_send_lstat(sftp, path, &slot, err) != 0)
		return -1;
	return sftp_wait(sftp, slot, attrs, err);
}

int
sftp_stat(struct sftp *sftp, const char *path, struct sftp_attrs *attrs,
    struct ha_err *err)
{
	unsigned slot;

	if (send_path(sftp, FXP_STAT, path, &slot, err) != 0)
		return -1;
	return sftp_wait(sftp, slot, attrs, err);
}

int
sftp_send_posix_rename(struct sftp *sftp, const char *from, const char *to,
    unsigned *slot, struct ha_err *err)
{
	return send_extended(sftp, "posix-rename@openssh.com", from,
	    strlen(from), to, slot, err);
}

int
sftp_posix_rename(
    struct sftp *sftp, const char *from, const char *to, struct ha_err *err)
{
	unsigned slot;

	if (!sftp->posix_rename)
		return SFTP_OP_UNSUPPORTED;
	if (sftp_send_posix_rename(sftp, from, to, &slot, err) != 0)
		return -1;
	return sftp_wait(sftp, slot, NULL, err);
}

int
sftp_hardlink(
    struct sftp *sftp, const char *from, const char *to, struct ha_err *err)
{
	unsigned slot;

	if (!sftp->hardlink)
		return SFTP_OP_UNSUPPORTED;
	if (send_extended(sftp, "hardlink@openssh.com", from, strlen(from), to,
		&slot, err) != 0)
		return -1;
	return sftp_wait(sftp, slot, NULL, err);
}

int
sftp_set_times(struct sftp *sftp, const char *path, uint32_t atime,
    uint32_t mtime, struct ha_err *err)
{
	struct ha_buf *out;
	unsigned slot;
	size_t start;

	if (begin(sftp, FXP_SETSTAT, &start, &slot, err) != 0)
		return -1;
	out = channel_out(sftp->channel);
	wire_put_string(out, path, strlen(path));
	wire_put_number(out, ATTR_ACMODTIME);
	wire_put_number(out, atime);
	wire_put_number(out, mtime);
	end_request(sftp, start);
	return sftp_wait(sftp, slot, NULL, err);
}

/* Wait for a HANDLE; handle receives a copy. */
static int
wait_handle(
    struct sftp *sftp, unsigned slot, struct ha_buf *handle, struct ha_err *err)
{
	int code = sftp_wait(sftp, slot, NULL, err);
	struct reader r;
	const char *data;
	size_t len;

	if (code != SFTP_OK)
		return code;
	r.data = (const unsigned char *)sftp->answers[slot].body.data;
	r.left = sftp->answers[slot].body.len;
	r.bad = sftp->answers[slot].type != FXP_HANDLE;
	data = get_string(&r, &len);
	if (r.bad)
		return server_error(sftp, "a damaged handle", err);
	ha_buf_add(handle, data, len);
	return SFTP_OK;
}

static int
close_handle(struct sftp *sftp, const struct ha_buf *handle, struct ha_err *err)
{
	unsigned slot;
	size_t start;

	if (begin(sftp, FXP_CLOSE, &start, &slot, err) != 0)
		return -1;
	wire_put_string(channel_out(sftp->channel), handle->data, handle->len);
	end_request(sftp, start);
	return sftp_wait(sftp, slot, NULL, err);
}

static int
open_for_reading(struct sftp *sftp, const char *path, struct ha_buf *handle,
    struct ha_err *err)
{
	struct ha_buf *out;
	unsigned slot;
	size_t start;

	if (begin(sftp, FXP_OPEN, &start, &slot, err) != 0)
		return -1;
	out = channel_out(sftp->channel);
	wire_put_string(out, path, strlen(path));
	wire_put_number(out, OPEN_READ);
	wire_put_number(out, 0);
	end_request(sftp, start);
	return wait_handle(sftp, slot, handle, err);
}

int
sftp_fsync(struct sftp *sftp, const char *path, struct ha_err *err)
{
	struct ha_buf handle = HA_BUF_INIT;
	unsigned slot;
	int code;

	if (!sftp->fsync)
		return SFTP_OP_UNSUPPORTED;
	code = open_for_reading(sftp, path, &handle, err);
	if (code == SFTP_OK) {
		code = send_extended(sftp, "fsync@openssh.com", handle.data,
		    handle.len, NULL, &slot, err);
		if (code == 0)
			code = sftp_wait(sftp, slot, NULL, err);
		if (code >= 0 && close_handle(sftp, &handle, err) < 0)
			code = -1;
	}
	ha_buf_release(&handle);
	return code;
}

/* One READ: at most max bytes, appended to buf. */
static int
read_some(struct sftp *sftp, const struct ha_buf *handle, size_t offset,
    size_t max, struct ha_buf *buf, struct ha_err *err)
{
	struct ha_buf *out;
	struct reader r;
	const char *data;
	unsigned slot;
	size_t start, len;
	int code;

	if (begin(sftp, FXP_READ, &start, &slot, err) != 0)
		return -1;
	out = channel_out(sftp->channel);
	wire_put_string(out, handle->data, handle->len);
	wire_put_number(out, 0);
	wire_put_number(out, (uint32_t)offset);
	wire_put_number(out, (uint32_t)max);
	end_request(sftp, start);
	code = sftp_wait(sftp, slot, NULL, err);
	if (code != SFTP_OK)
		return code;
	r.data = (const unsigned char *)sftp->answers[slot].body.data;
	r.left = sftp->answers[slot].body.len;
	r.bad = sftp->answers[slot].type != FXP_DATA;
	data = get_string(&r, &len);
	if (r.bad || len == 0 || len > max)
		return server_error(sftp, "damaged data", err);
	ha_buf_add(buf, data, len);
	return SFTP_OK;
}

int
sftp_read_file(struct sftp *sftp, const char *path, size_t max,
    struct ha_buf *buf, struct ha_err *err)
{
	struct ha_buf handle = HA_BUF_INIT;
	size_t before = buf->len;
	int code = open_for_reading(sftp, path, &handle, err);

	if (code == SFTP_OK) {
		while (code == SFTP_OK && buf->len - before < max)
			code = read_some(sftp, &handle, buf->len - before,
			    max - (buf->len - before), buf, err);
		if (code == SFTP_EOF)
			code = SFTP_OK;
		if (code >= 0 && close_handle(sftp, &handle, err) < 0)
			code = -1;
	}
	ha_buf_release(&handle);
	return code;
}

/*
 * One READDIR's names.  Returns a code; *stop is set when each wants no more.
 */
static int
list_some(struct sftp *sftp, const struct ha_buf *handle,
    int (*each)(void *, const char *, const struct sftp_attrs *), void *context,
    int *stop, struct ha_err *err)
{
	struct ha_buf body;
	struct reader r;
	unsigned slot;
	size_t start, len;
	int code;

	if (begin(sftp, FXP_READDIR, &start, &slot, err) != 0)
		return -1;
	wire_put_string(channel_out(sftp->channel), handle->data, handle->len);
	end_request(sftp, start);
	code = sftp_wait(sftp, slot, NULL, err);
	if (code != SFTP_OK)
		return code;
	/* each may send requests of its own, which reuse the slot. */
	body = sftp->answers[slot].body;
	ha_buf_init(&sftp->answers[slot].body);
	r.data = (const unsigned char *)body.data;
	r.left = body.len;
	r.bad = sftp->answers[slot].type != FXP_NAME;
	for (uint32_t n = get32(&r); n > 0 && !r.bad && !*stop; n--) {
		const char *data = get_string(&r, &len);
		char *name = ha_xmemdup(data, len);
		struct sftp_attrs attrs;

		get_string(&r, &len);
		get_attrs(&r, &attrs);
		if (!r.bad && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
			*stop = each(context, name, &attrs);
		free(name);
	}
	ha_buf_release(&body);
	return r.bad ? server_error(sftp, "a damaged listing", err) : SFTP_OK;
}

int
sftp_list(struct sftp *sftp, const char *path,
    int (*each)(void *, const char *, const struct sftp_attrs *), void *context,
    struct ha_err *err)
{
	struct ha_buf handle = HA_BUF_INIT;
	unsigned slot;
	int code, stop = 0;

	if (send_path(sftp, FXP_OPENDIR, path, &slot, err) != 0)
		return -1;
	code = wait_handle(sftp, slot, &handle, err);
	if (code == SFTP_OK) {
		while (!stop && code == SFTP_OK)
			code =
			    list_some(sftp, &handle, each, context, &stop, err);
		if (code == SFTP_EOF)
			code = SFTP_OK;
		if (code >= 0 && close_handle(sftp, &handle, err) < 0)
			code = -1;
	}
	ha_buf_release(&handle);
	return code;
}

const char *
sftp_words(int code)
{
	static const char *const words[] = { "done", "end of file",
		"no such file", "permission denied", "failure", "bad message",
		"no connection", "connection lost", "not supported" };

	if (code < 0 || (size_t)code >= sizeof(words) / sizeof(words[0]))
		return "unknown status";
	return words[code];
}
