/* SPDX-License-Identifier: ISC */
/*
 * memcached - ask for the version.
 *
 * Source: memcached's doc/protocol.txt.
 */
#include "dialog.h"

#include <string.h>

#include "probe.h"

static void
memcached_open(struct probe *probe, struct ha_buf *send)
{
	(void)probe;
	ha_buf_add_str(send, "version\r\n");
}

static int
is_line(const char *line, size_t len, const char *start)
{
	return len >= strlen(start) && memcmp(line, start, strlen(start)) == 0;
}

static enum dialog_step
answered(struct probe *probe, const char *line, size_t len)
{
	static const char version[] = "VERSION ";

	if (is_line(line, len, version)) {
		dialog_say(probe, line + sizeof(version) - 1,
		    len - (sizeof(version) - 1));
		return DIALOG_DONE;
	}
	/* Its answer to anything but a login when it wants one. */
	if (is_line(line, len, "CLIENT_ERROR unauthenticated")) {
		static const char words[] = "asks for a password";

		dialog_say(probe, words, sizeof(words) - 1);
		return DIALOG_DONE;
	}
	if (is_line(line, len, "ERROR Too many open connections") ||
	    is_line(line, len, "SERVER_ERROR Too many open connections")) {
		probe_warn(probe, "too many connections");
		return DIALOG_DONE;
	}
	probe_fail(probe, FAULT_TARGET, "no version, but %.*s",
	    dialog_line(line, len), line);
	return DIALOG_FAILED;
}

static enum dialog_step
memcached_input(
    struct probe *probe, struct ha_buf *in, int is_end, struct ha_buf *send)
{
	const char *end = memchr(in->data, '\n', in->len);
	enum dialog_step step;
	size_t len;

	if (!end && !is_end)
		return DIALOG_MORE;
	if (!end) {
		probe_fail(probe, FAULT_TARGET, "closed without an answer");
		return DIALOG_FAILED;
	}
	len = (size_t)(end - in->data);
	if (len > 0 && in->data[len - 1] == '\r')
		len--;
	step = answered(probe, in->data, len);
	ha_buf_consume(in, in->len);
	if (step == DIALOG_DONE)
		ha_buf_add_str(send, "quit\r\n");
	return step;
}

const struct dialog dialog_memcached = {
	.open = memcached_open,
	.input = memcached_input,
	.max_input = 2048,
	.awaited = "answer to \"version\"",
};
