/* SPDX-License-Identifier: ISC */
/*
 * identity - the keys to log in with: ssh-agent's and those in files.
 *
 * The agent's protocol is a length, a type and strings, each way.
 * Source: draft-miller-ssh-agent.
 */
#include "identity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "fs.h"
#include "hostkey.h"
#include "wait.h"
#include "wire.h"

enum {
	AGENT_LIST = 11,
	AGENT_KEYS = 12,
	AGENT_SIGN = 13,
	AGENT_SIGNATURE = 14,
	AGENT_MAX_REPLY = 1024 * 1024,
	MAX_KEY_FILE = 64 * 1024
};

static int
agent_wait(int fd, short events, int64_t deadline_ns, struct ha_err *err)
{
	for (;;) {
		struct pollfd pfd = { .fd = fd, .events = events };

		if (ha_clock_now_ns() >= deadline_ns)
			return ha_err_set(err, EX_UNAVAILABLE, 0,
			    "ssh-agent does not answer");
		if (wait_poll(&pfd, 1, deadline_ns) < 0)
			return ha_err_set(err, EX_TEMPFAIL, 0, "interrupted");
		if (pfd.revents != 0)
			return 0;
	}
}

static int
agent_io(int fd, short events, char *data, size_t len, int64_t deadline_ns,
    struct ha_err *err)
{
	while (len > 0) {
		ssize_t n = events == POLLIN
				? recv(fd, data, len, 0)
				: send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (agent_wait(fd, events, deadline_ns, err) < 0)
				return -1;
			continue;
		}
		if (n <= 0)
			return ha_err_set(err, EX_UNAVAILABLE,
			    n < 0 ? errno : 0,
			    "ssh-agent closed its connection");
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Send a request, read the reply; EX_UNAVAILABLE unless it is of that type. */
static int
agent_ask(int fd, const struct ha_buf *request, int type, struct ha_buf *reply,
    int64_t deadline_ns, struct ha_err *err)
{
	struct ha_buf message = HA_BUF_INIT;
	unsigned char size[4];
	uint32_t len;
	int rc;

	wire_put_string(&message, request->data, request->len);
	rc = agent_io(fd, POLLOUT, message.data, message.len, deadline_ns, err);
	ha_buf_release(&message);
	if (rc < 0 ||
	    agent_io(fd, POLLIN, (char *)size, 4, deadline_ns, err) < 0)
		return -1;
	len = wire_number_at(size);
	if (len < 1 || len > AGENT_MAX_REPLY)
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, "ssh-agent talks nonsense");
	ha_buf_reset(reply);
	ha_buf_reserve(reply, len);
	if (agent_io(fd, POLLIN, reply->data, len, deadline_ns, err) < 0)
		return -1;
	reply->len = len;
	reply->data[len] = '\0';
	if (reply->data[0] != type)
		return ha_err_set(err, EX_UNAVAILABLE, 0, "ssh-agent refuses");
	return 0;
}

static int
agent_connect(const char *path, struct ha_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return ha_err_set(
		    err, EX_UNAVAILABLE, ENAMETOOLONG, "ssh-agent's socket");
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ha_err_set(err, EX_UNAVAILABLE, errno, "socket");
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) <
	    0) {
		ha_err_set(
		    err, EX_UNAVAILABLE, errno, "ssh-agent at %.100s", path);
		close(fd);
		return -1;
	}
	return fd;
}

static struct identity *
add(struct identities *ids)
{
	struct identity *identity;

	ids->items =
	    ha_xrealloc(ids->items, (ids->count + 1) * sizeof(*ids->items));
	identity = &ids->items[ids->count++];
	memset(identity, 0, sizeof(*identity));
	ha_buf_init(&identity->blob);
	return identity;
}

/* Does FILE.pub hold this key?  The comparison is by base64 text. */
static int
file_has_key(const char *file, const char *key)
{
	struct ha_buf text = HA_BUF_INIT;
	char *path = ha_xasprintf("%s.pub", file);
	struct ha_err ignored;
	int found = ha_fs_read_file(path, MAX_KEY_FILE, &text, &ignored) == 0 &&
		    strstr(text.data, key) != NULL;

	free(path);
	ha_buf_release(&text);
	return found;
}

static int
is_configured(const struct sshconf *conf, const struct wire_cursor *blob)
{
	struct ha_buf key = HA_BUF_INIT;
	int found = 0;

	hostkey_base64(&key, blob->p, blob->left, 1);
	for (size_t i = 0; i < conf->identities.count && !found; i++)
		found = file_has_key(conf->identities.items[i], key.data);
	ha_buf_release(&key);
	return found;
}

static void
add_agent_key(struct identities *ids, const struct wire_cursor *blob,
    const struct wire_cursor *comment)
{
	struct identity *identity = add(ids);
	char *text = ha_xmemdup(comment->p, comment->left);

	identity->name = ha_xasprintf("ssh-agent's %.80s", text);
	identity->type = wire_key_type(blob->p, blob->left);
	ha_buf_add(&identity->blob, blob->p, blob->left);
	free(text);
}

/* One pass over the agent's answer: configured keys, or the other ones. */
static int
take_agent_keys(struct identities *ids, const struct sshconf *conf,
    const struct ha_buf *reply, int configured)
{
	struct wire_cursor c = { (const unsigned char *)reply->data + 1,
		reply->len - 1 };
	struct wire_cursor blob, comment;
	uint32_t count;

	if (wire_get_number(&c, &count) < 0)
		return -1;
	while (count-- > 0) {
		if (wire_get_string(&c, &blob) < 0 ||
		    wire_get_string(&c, &comment) < 0)
			return -1;
		if (is_configured(conf, &blob) == configured)
			add_agent_key(ids, &blob, &comment);
	}
	return 0;
}

static int
collect_agent(struct identities *ids, const struct sshconf *conf,
    int64_t timeout_ms, struct ha_err *err)
{
	struct ha_buf request = HA_BUF_INIT;
	struct ha_buf reply = HA_BUF_INIT;
	int rc;

	ids->agent_fd = agent_connect(conf->agent, err);
	if (ids->agent_fd < 0)
		return -1;
	ha_buf_add_char(&request, AGENT_LIST);
	rc = agent_ask(ids->agent_fd, &request, AGENT_KEYS, &reply,
	    ha_clock_deadline(timeout_ms), err);
	if (rc == 0)
		rc = take_agent_keys(ids, conf, &reply, 1);
	if (rc == 0 && !conf->identities_only)
		rc = take_agent_keys(ids, conf, &reply, 0);
	ha_buf_release(&request);
	ha_buf_release(&reply);
	return rc;
}

static int
digit_value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c != '\0' ? strchr(digits, c) : NULL;

	return at != NULL ? (int)(at - digits) : -1;
}

/* Decode base64 that may be broken into lines, up to the first other byte. */
static void
decode_base64(const char *text, struct ha_buf *out)
{
	unsigned bits = 0;
	int have = 0;

	for (; *text != '\0'; text++) {
		int value = digit_value(*text);

		if (*text == '\n' || *text == '\r')
			continue;
		if (value < 0)
			break;
		bits = bits << 6 | (unsigned)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			ha_buf_add_char(out, (char)(bits >> have));
		}
	}
}

/* Source: OpenSSH's PROTOCOL.key. */
static void
peek_openssh(struct identity *identity, const char *base64)
{
	static const char magic[] = "openssh-key-v1";
	struct ha_buf raw = HA_BUF_INIT;
	struct wire_cursor c, cipher, ignored, blob;
	uint32_t count;

	decode_base64(base64, &raw);
	c.p = (const unsigned char *)raw.data + sizeof(magic);
	c.left = raw.len - sizeof(magic);
	if (raw.len > sizeof(magic) &&
	    memcmp(raw.data, magic, sizeof(magic)) == 0 &&
	    wire_get_string(&c, &cipher) == 0 &&
	    wire_get_string(&c, &ignored) == 0 &&
	    wire_get_string(&c, &ignored) == 0 &&
	    wire_get_number(&c, &count) == 0 &&
	    wire_get_string(&c, &blob) == 0) {
		identity->is_locked =
		    cipher.left != 4 || memcmp(cipher.p, "none", 4) != 0;
		free(identity->type);
		identity->type = wire_key_type(blob.p, blob.left);
	}
	ha_buf_release(&raw);
}

/* What the file tells about its key without a passphrase. */
static void
peek(struct identity *identity, const char *text)
{
	static const char openssh[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
	const char *at = strstr(text, openssh);

	identity->type = ha_xstrdup(
	    strstr(text, "BEGIN RSA PRIVATE KEY") != NULL ? "ssh-rsa" : "");
	identity->is_locked = strstr(text, "ENCRYPTED") != NULL;
	if (at != NULL)
		peek_openssh(identity, at + sizeof(openssh) - 1);
}

/* A private key in PKCS#8 does not tell its type; FILE.pub does. */
static void
peek_public(struct identity *identity)
{
	char *path = ha_xasprintf("%s.pub", identity->file);
	struct ha_buf text = HA_BUF_INIT;
	struct ha_err ignored;

	if (ha_fs_read_file(path, MAX_KEY_FILE, &text, &ignored) == 0) {
		free(identity->type);
		identity->type =
		    ha_xmemdup(text.data, strcspn(text.data, " \t\n"));
	}
	free(path);
	ha_buf_release(&text);
}

static void
collect_files(
    struct identities *ids, const struct sshconf *conf, struct ha_buf *note)
{
	for (size_t i = 0; i < conf->identities.count; i++) {
		const char *file = conf->identities.items[i];
		struct ha_buf text = HA_BUF_INIT;
		struct identity *identity;
		struct ha_err err;

		if (ha_fs_read_file(file, MAX_KEY_FILE, &text, &err) == 0) {
			identity = add(ids);
			identity->name = ha_xstrdup(file);
			identity->file = file;
			peek(identity, text.data);
			if (*identity->type == '\0')
				peek_public(identity);
		} else if (err.sys != ENOENT) {
			ha_buf_addf(note, "; %.150s", err.msg);
		}
		explicit_bzero(text.data, text.len);
		ha_buf_release(&text);
	}
}

int
identities_collect(struct identities *ids, const struct sshconf *conf,
    int64_t timeout_ms, struct ha_buf *note, struct ha_err *err)
{
	if (conf->agent != NULL &&
	    collect_agent(ids, conf, timeout_ms, err) < 0) {
		if (err->status == EX_TEMPFAIL)
			return -1;
		ha_buf_addf(note, "; %.150s", err->msg);
	}
	collect_files(ids, conf, note);
	return 0;
}

void
identities_release(struct identities *ids)
{
	for (size_t i = 0; i < ids->count; i++) {
		free(ids->items[i].name);
		free(ids->items[i].type);
		ha_buf_release(&ids->items[i].blob);
	}
	free(ids->items);
	if (ids->agent_fd >= 0)
		close(ids->agent_fd);
	memset(ids, 0, sizeof(*ids));
	ids->agent_fd = -1;
}

void
identities_words(const struct identities *ids, struct ha_buf *out)
{
	for (size_t i = 0; i < ids->count; i++)
		ha_buf_addf(out, "%s%.100s%s", out->len > 0 ? ", " : "",
		    ids->items[i].name,
		    ids->items[i].is_locked ? IDENTITY_LOCKED : "");
}

int
identities_refused(const struct sshconf *conf, const struct ha_buf *tried,
    const struct ha_buf *note, const char *methods, struct ha_err *err)
{
	return ha_err_set(err, EX_NOPERM, 0,
	    "%.100s refuses the login of %.100s; tried: %.500s%.200s; the "
	    "server offers: %.100s",
	    conf->typed, conf->user,
	    tried->len > 0 ? tried->data
			   : "nothing (no IdentityFile, no key in ssh-agent)",
	    note->data, methods);
}

int
identities_sign(const struct identities *ids, const struct identity *identity,
    const void *data, size_t len, int64_t timeout_ms, struct ha_buf *signature,
    struct ha_err *err)
{
	struct ha_buf request = HA_BUF_INIT;
	struct ha_buf reply = HA_BUF_INIT;
	struct wire_cursor c, whole, algorithm, bytes;
	int rc;

	ha_buf_add_char(&request, AGENT_SIGN);
	wire_put_string(&request, identity->blob.data, identity->blob.len);
	wire_put_string(&request, data, len);
	wire_put_number(&request, 0);
	rc = agent_ask(ids->agent_fd, &request, AGENT_SIGNATURE, &reply,
	    ha_clock_deadline(timeout_ms), err);
	ha_buf_release(&request);
	if (rc == 0) {
		c.p = (const unsigned char *)reply.data + 1;
		c.left = reply.len - 1;
		if (wire_get_string(&c, &whole) < 0 ||
		    wire_get_string(&whole, &algorithm) < 0 ||
		    wire_get_string(&whole, &bytes) < 0)
			rc = ha_err_set(
			    err, EX_UNAVAILABLE, 0, "ssh-agent talks nonsense");
		else
			ha_buf_add(signature, bytes.p, bytes.left);
	}
	ha_buf_release(&reply);
	return rc;
}
