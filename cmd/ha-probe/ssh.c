/* SPDX-License-Identifier: ISC */
/*
 * ssh - read the server's identification, give ours, and leave.
 *
 * Both ends speak first.  Without a line of ours sshd would log an error; so it
 * logs that the connection was closed.  Source: RFC 4253, section 4.2.
 */
#include "dialog.h"

#include <string.h>

#include "probe.h"

/* With its CR and LF. */
#define MAX_IDENTIFICATION 255
/* Lines before it; OpenSSH's client gives up at as many. */
#define MAX_LINES 1024
/* Of such a line; OpenSSH's client again. */
#define MAX_LINE 8192

static void
ssh_open(struct probe *probe, struct ha_buf *send)
{
	probe->note[0] = 0; /* lines before the identification */
	/* No minus sign may stand in the name of the software. */
	ha_buf_add_str(send, "SSH-2.0-ha_probe_" HA_VERSION "\r\n");
}

static int
starts_with(const char *line, size_t len, const char *start)
{
	return len >= strlen(start) && memcmp(line, start, strlen(start)) == 0;
}

static enum dialog_step
identified(struct probe *probe, const char *line, size_t len)
{
	if (len > MAX_IDENTIFICATION - 2 || memchr(line, '\0', len)) {
		probe_fail(probe, FAULT_TARGET,
		    "its SSH identification is malformed: %.*s",
		    dialog_line(line, len), line);
		return DIALOG_FAILED;
	}
	if (!starts_with(line, len, "SSH-2.0-") &&
	    !starts_with(line, len, "SSH-1.99-")) {
		probe_fail(probe, FAULT_TARGET,
		    "it does not speak SSH 2, but %.*s", dialog_line(line, len),
		    line);
		return DIALOG_FAILED;
	}
	dialog_say(probe, line, len);
	return DIALOG_DONE;
}

/* What OpenSSH's server says instead when it lets nobody, or not us, in. */
static int
is_refusal(const char *line, size_t len)
{
	return starts_with(line, len, "Exceeded MaxStartups") ||
	       starts_with(line, len, "Not allowed at this time");
}

static enum dialog_step
one_line(struct probe *probe, const char *line, size_t len)
{
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (starts_with(line, len, "SSH-"))
		return identified(probe, line, len);
	if (is_refusal(line, len)) {
		probe_warn(probe, "it refuses connections now: %.*s",
		    dialog_line(line, len), line);
		return DIALOG_DONE;
	}
	if (++probe->note[0] < MAX_LINES && len <= MAX_LINE)
		return DIALOG_MORE;
	probe_fail(probe, FAULT_TARGET, "no SSH identification, but %.*s",
	    dialog_line(line, len), line);
	return DIALOG_FAILED;
}

static enum dialog_step
at_end(struct probe *probe, const struct ha_buf *in)
{
	if (in->len > 0)
		probe_fail(probe, FAULT_TARGET,
		    "closed before its SSH identification was whole: %.*s",
		    dialog_line(in->data, in->len), in->data);
	else
		probe_fail(probe, FAULT_TARGET,
		    "closed without an SSH identification");
	return DIALOG_FAILED;
}

static enum dialog_step
ssh_input(
    struct probe *probe, struct ha_buf *in, int is_end, struct ha_buf *send)
{
	const char *end;

	(void)send;
	while ((end = memchr(in->data, '\n', in->len))) {
		size_t len = (size_t)(end - in->data);
		enum dialog_step step = one_line(probe, in->data, len);

		ha_buf_consume(in, len + 1);
		if (step != DIALOG_MORE)
			return step;
	}
	if (in->len > MAX_IDENTIFICATION && starts_with(in->data, 4, "SSH-"))
		return identified(probe, in->data, in->len);
	return is_end ? at_end(probe, in) : DIALOG_MORE;
}

const struct dialog dialog_ssh = {
	.open = ssh_open,
	.input = ssh_input,
	.max_input = MAX_LINE + 2,
	.awaited = "SSH identification",
};
