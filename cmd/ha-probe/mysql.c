/* SPDX-License-Identifier: ISC */
/*
 * mysql - the greeting of a MySQL or MariaDB server, and a way out that does not
 * count against this machine.
 *
 * The server counts each connection that ends within the handshake as an error
 * of the client's host and blocks the host for good after max_connect_errors of
 * them (100).  Closing after the greeting counts; so do a COM_QUIT, an SSL
 * request or half a login in its place.  A login that is refused does not: the
 * sum_connect_errors of performance_schema.host_cache stays 0 (MariaDB 10.11;
 * in MySQL's sources it is CR_AUTH_USER_CREDENTIALS).  So we log in as the user
 * "ha-probe" without a password.  Whoever minds the line about it in the
 * server's log (at log_warnings 2) makes that user, without any right.
 *
 * Source: MySQL "Client/Server Protocol", Connection Phase; the MariaDB
 * Knowledge Base, "Connection" and "Authentication Plugin - ed25519".
 */
#include "mysql.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dialog.h"

#define USER "ha-probe"

enum {
	MAX_PACKET = 4096,
	HEADER = 4,
	PROTOCOL_10 = 10,
	/* The first byte of what follows the greeting. */
	REPLY_OK = 0x00,
	REPLY_MORE_DATA = 0x01,
	REPLY_SWITCH = 0xfe,
	REPLY_ERROR = 0xff,
	COM_QUIT = 1,
	/* Capabilities. */
	CLIENT_LONG_PASSWORD = 0x1,
	CLIENT_PROTOCOL_41 = 0x200,
	CLIENT_SECURE_CONNECTION = 0x8000,
	CLIENT_PLUGIN_AUTH = 0x80000,
	CHARSET_UTF8 = 33,
	ED25519_SIGNATURE = 64,
	/* A plugin may ask question after question. */
	MAX_ROUNDS = 5,
};

enum {
	ER_CON_COUNT_ERROR = 1040,
	ER_HOST_IS_BLOCKED = 1129,
	ER_HOST_NOT_PRIVILEGED = 1130,
	ER_TOO_MANY_USER_CONNECTIONS = 1203,
	ER_USER_LIMIT_REACHED = 1226,
	ER_SERVER_SHUTDOWN = 1053,
};

/* note[0]: packets that came; note[1]: the greeting was seen. */

/* A packet's payload; every get_ returns -1 when it ends too early. */
struct payload {
	const unsigned char *p, *end;
};

static int64_t
get_number(struct payload *in, int bytes)
{
	int64_t number = 0;

	if (in->end - in->p < bytes)
		return -1;
	for (int i = 0; i < bytes; i++)
		number |= (int64_t)in->p[i] << (8 * i);
	in->p += bytes;
	return number;
}

static const char *
get_string(struct payload *in)
{
	const char *string = (const char *)in->p;
	const unsigned char *nul =
	    memchr(in->p, '\0', (size_t)(in->end - in->p));

	if (!nul)
		return NULL;
	in->p = nul + 1;
	return string;
}

static int
skip(struct payload *in, int bytes)
{
	if (in->end - in->p < bytes)
		return -1;
	in->p += bytes;
	return 0;
}

struct greeting {
	const char *version;
	int64_t capabilities;
	const char *plugin; /* "" when it names none */
};

/* Protocol::HandshakeV10 */
static int
get_greeting(struct payload *in, struct greeting *greeting)
{
	int64_t low, high;

	if (get_number(in, 1) != PROTOCOL_10)
		return -1;
	greeting->version = get_string(in);
	/* Its number of the thread, 8 bytes of salt and a filler. */
	if (!greeting->version || skip(in, 4 + 8 + 1))
		return -1;
	greeting->plugin = "";
	low = get_number(in, 2);
	greeting->capabilities = low;
	if (low < 0)
		return -1;
	/* The character set and the status; older servers may end before. */
	if (skip(in, 1 + 2))
		return 0;
	high = get_number(in, 2);
	/* How long the salt is, a filler, and the rest of it. */
	if (high < 0 || skip(in, 1 + 10 + 13))
		return 0;
	greeting->capabilities |= high << 16;
	if (high << 16 & CLIENT_PLUGIN_AUTH) {
		const char *plugin = get_string(in);

		greeting->plugin = plugin ? plugin : "";
	}
	return 0;
}

static void
add_packet(struct ha_buf *send, unsigned sequence, const void *data, size_t len)
{
	const char header[HEADER] = { (char)(len & 0xff),
		(char)(len >> 8 & 0xff), (char)(len >> 16 & 0xff),
		(char)(sequence & 0xff) };

	ha_buf_add(send, header, HEADER);
	ha_buf_add(send, data, len);
}

static void
add_number(struct ha_buf *buf, int64_t number, int bytes)
{
	for (; bytes > 0; bytes--, number >>= 8)
		ha_buf_add_char(buf, (char)(number & 0xff));
}

/* Protocol::HandshakeResponse41, with an empty answer to the salt. */
static void
add_login(
    struct ha_buf *send, unsigned sequence, const struct greeting *greeting)
{
	int64_t wanted = CLIENT_LONG_PASSWORD | CLIENT_PROTOCOL_41 |
			 CLIENT_SECURE_CONNECTION | CLIENT_PLUGIN_AUTH;
	struct ha_buf login = HA_BUF_INIT;

	wanted &= greeting->capabilities | CLIENT_LONG_PASSWORD;
	add_number(&login, wanted, 4);
	add_number(&login, 1 << 24, 4); /* the largest packet */
	add_number(&login, CHARSET_UTF8, 1);
	for (int i = 0; i < 23; i++)
		ha_buf_add_char(&login, '\0');
	ha_buf_add(&login, USER, sizeof(USER));
	ha_buf_add_char(&login, '\0');
	if (wanted & CLIENT_PLUGIN_AUTH)
		ha_buf_add(&login, greeting->plugin,
		    strnlen(greeting->plugin, 64) + 1);
	add_packet(send, sequence, login.data, login.len);
	ha_buf_release(&login);
}

/* The answer to a plugin's question; what is no answer counts, see above. */
static void
add_empty_answer(
    struct ha_buf *send, unsigned sequence, const struct payload *in)
{
	static const char ed25519[] = "client_ed25519";
	static const char zeroes[ED25519_SIGNATURE];
	size_t len = (size_t)(in->end - in->p);
	int is_ed25519 = len > sizeof(ed25519) && in->p[0] == REPLY_SWITCH &&
			 memcmp(in->p + 1, ed25519, sizeof(ed25519)) == 0;

	add_packet(send, sequence, zeroes, is_ed25519 ? sizeof(zeroes) : 0);
}

/* An error's text, which is all that is left of it. */
static const char *
error_text(struct payload *in, int *len)
{
	if (in->end - in->p >= 6 && in->p[0] == '#')
		in->p += 6;
	*len = dialog_line((const char *)in->p, (size_t)(in->end - in->p));
	return (const char *)in->p;
}

enum probe_fault
mysql_blame(int64_t code)
{
	switch (code) {
	case ER_CON_COUNT_ERROR:
	case ER_HOST_IS_BLOCKED:
	case ER_HOST_NOT_PRIVILEGED:
	case ER_TOO_MANY_USER_CONNECTIONS:
	case ER_USER_LIMIT_REACHED:
		return FAULT_WARN;
	default:
		return FAULT_TARGET;
	}
}

/* An error in the greeting's place. */
static enum dialog_step
turned_away(struct probe *probe, struct payload *in)
{
	int64_t code = get_number(in, 2);
	int len;
	const char *text = error_text(in, &len);

	if (mysql_blame(code) == FAULT_WARN) {
		probe_warn(probe, "%.*s", len, text);
		return DIALOG_DONE;
	}
	probe_fail(probe, FAULT_TARGET, "error %lld: %.*s", (long long)code,
	    len, text);
	return DIALOG_FAILED;
}

static enum dialog_step
greeted(struct probe *probe, unsigned sequence, struct payload in,
    struct ha_buf *send)
{
	/* MariaDB says so for the sake of old replicas. */
	static const char hack[] = "5.5.5-";
	struct greeting greeting;
	const char *version;

	if (in.end > in.p && in.p[0] == REPLY_ERROR) {
		in.p++;
		return turned_away(probe, &in);
	}
	if (get_greeting(&in, &greeting)) {
		probe_fail(probe, FAULT_TARGET,
		    "its greeting is not MySQL's (protocol 10)");
		return DIALOG_FAILED;
	}
	version = greeting.version;
	if (strncmp(version, hack, sizeof(hack) - 1) == 0)
		version += sizeof(hack) - 1;
	dialog_say(probe, version, strlen(version));
	if (!(greeting.capabilities & CLIENT_PROTOCOL_41))
		return DIALOG_DONE;
	probe->note[1] = 1;
	probe->awaited = "answer to a login";
	add_login(send, sequence + 1, &greeting);
	return DIALOG_MORE;
}

/* Errors after the greeting: most are about the login, and it serves. */
static enum dialog_step
login_refused(struct probe *probe, struct payload *in)
{
	int64_t code = get_number(in, 2);
	int len;
	const char *text = error_text(in, &len);

	if (code == ER_SERVER_SHUTDOWN) {
		probe_fail(probe, FAULT_TARGET, "%.*s", len, text);
		return DIALOG_FAILED;
	}
	if (mysql_blame(code) == FAULT_WARN)
		probe_warn(probe, "%.*s", len, text);
	return DIALOG_DONE;
}

static enum dialog_step
login_answered(struct probe *probe, unsigned sequence, struct payload in,
    struct ha_buf *send)
{
	static const char quit = COM_QUIT;
	int kind = in.end > in.p ? in.p[0] : -1;

	if (kind == REPLY_ERROR) {
		in.p++;
		return login_refused(probe, &in);
	}
	if (kind == REPLY_OK) {
		add_packet(send, 0, &quit, 1);
		return DIALOG_DONE;
	}
	/* Anything else is a plugin's own question; leaving it is no error. */
	if ((kind != REPLY_SWITCH && kind != REPLY_MORE_DATA) ||
	    probe->note[0] > MAX_ROUNDS)
		return DIALOG_DONE;
	add_empty_answer(send, sequence + 1, &in);
	return DIALOG_MORE;
}

static enum dialog_step
at_end(struct probe *probe, const struct ha_buf *in)
{
	/* It greeted, so it serves; that a login ends so may be a proxy's. */
	if (probe->note[1]) {
		probe_warn(probe, "it closed the connection at the login");
		return DIALOG_DONE;
	}
	probe_fail(probe, FAULT_TARGET, "%s",
	    in->len > 0 ? "closed before its greeting was whole"
			: "closed without a greeting");
	return DIALOG_FAILED;
}

static void
mysql_open(struct probe *probe, struct ha_buf *send)
{
	(void)send;
	probe->note[0] = 0;
	probe->note[1] = 0;
}

static enum dialog_step
mysql_input(
    struct probe *probe, struct ha_buf *in, int is_end, struct ha_buf *send)
{
	while (in->len >= HEADER) {
		const unsigned char *p = (const unsigned char *)in->data;
		size_t len = p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
		struct payload payload = { p + HEADER, p + HEADER + len };
		enum dialog_step step;

		if (len > MAX_PACKET) {
			probe_fail(probe, FAULT_TARGET,
			    "it does not speak MySQL's protocol, but says %.*s",
			    dialog_line(in->data, in->len), in->data);
			return DIALOG_FAILED;
		}
		if (in->len < HEADER + len)
			break;
		probe->note[0]++;
		step = probe->note[1]
			   ? login_answered(probe, p[3], payload, send)
			   : greeted(probe, p[3], payload, send);
		ha_buf_consume(in, HEADER + len);
		if (step != DIALOG_MORE)
			return step;
	}
	return is_end ? at_end(probe, in) : DIALOG_MORE;
}

const struct dialog dialog_mysql = {
	.open = mysql_open,
	.input = mysql_input,
	.max_input = HEADER + MAX_PACKET,
	.awaited = "greeting",
};
