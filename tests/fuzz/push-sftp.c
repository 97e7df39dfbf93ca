/* SPDX-License-Identifier: ISC */
/*
 * push-sftp - whatever a server answers, a request ends with a status code or
 * with the server given up; no name with a slash is ever handed on unseen.
 */
#include "fake-transport.h"

#include <stdlib.h>

#include "sftp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
take_name(void *context, const char *name, const struct sftp_attrs *attrs)
{
	size_t *left = context;

	(void)attrs;
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		abort();
	return --*left == 0;
}

static void
ask(struct sftp *sftp)
{
	struct ha_buf text = HA_BUF_INIT;
	struct sftp_attrs attrs;
	struct ha_err err;
	unsigned slots[4];
	size_t left = 1000;

	if (sftp_read_file(sftp, "f", 100, &text, &err) < -1 || text.len > 100)
		abort();
	ha_buf_release(&text);
	if (sftp_lstat(sftp, "f", &attrs, &err) < -1 ||
	    sftp_list(sftp, "d", take_name, &left, &err) < -1)
		abort();
	for (int i = 0; i < 4; i++)
		if (sftp_send_remove(sftp, "f", &slots[i], &err) != 0)
			return;
	for (int i = 0; i < 4; i++)
		if (sftp_wait(sftp, slots[i], NULL, &err) < 0)
			return;
	(void)sftp_posix_rename(sftp, "f", "t", &err);
	(void)sftp_fsync(sftp, "f", &err);
	(void)sftp_stat(sftp, "f", &attrs, &err);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char hello[] = "\0\0\0\055\002\0\0\0\003"
				    "\0\0\0\021fsync@openssh.com\0\0\0\0011"
				    "\0\0\0\001x\0\0\0\001y";
	struct transport t = { .share = size % 7 };
	struct sftp *sftp;
	struct ha_err err;

	ha_buf_init(&t.script);
	/* Half of the time behind a good beginning. */
	if (size > 0 && data[0] & 1)
		ha_buf_add(&t.script, hello, sizeof(hello) - 1);
	if (size > 1)
		ha_buf_add(&t.script, data + 1, size - 1);
	if (sftp_open(&sftp, &t, &err) == 0) {
		ask(sftp);
		sftp_close(sftp);
	}
	ha_buf_release(&t.script);
	return 0;
}
