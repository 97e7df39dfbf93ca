/* SPDX-License-Identifier: ISC */
/*
 * pass - what goes on to stdout, in order, without waiting for its reader.
 */
#include "pass.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "msg.h"
#include "out.h"

void
pass_init(struct pass *pass)
{
	memset(pass, 0, sizeof(*pass));
	ha_buf_init(&pass->buf);
}

void
pass_release(struct pass *pass)
{
	ha_buf_release(&pass->buf);
}

void
pass_add(struct pass *pass, const void *lines, size_t len)
{
	if (!pass->is_gone)
		ha_buf_add(&pass->buf, lines, len);
}

/*
 * As many whole lines as a pipe takes at once or not at all: others may write
 * to it too.
 */
static size_t
piece(const char *data, size_t len)
{
	const char *end;

	if (len <= PIPE_BUF)
		return len;
	end = memrchr(data, '\n', PIPE_BUF);
	if (!end)
		end = memchr(data, '\n', len);
	return end ? (size_t)(end - data) + 1 : len;
}

void
pass_flush(struct pass *pass)
{
	size_t done = 0, want = 0, taken = 0;

	while (!pass->is_gone && done < pass->buf.len && taken == want) {
		want = piece(pass->buf.data + done, pass->buf.len - done);
		if (ha_out_offer(
			pass->buf.data + done, want, &taken, &pass->err))
			pass->is_gone = 1;
		else
			done += taken;
	}
	if (pass->is_gone)
		ha_buf_reset(&pass->buf);
	else
		ha_buf_consume(&pass->buf, done);
}

_Noreturn void
pass_end(const struct pass *pass)
{
	if (pass->err.sys == EPIPE)
		ha_out_die_of_pipe();
	ha_die_err(&pass->err);
}
