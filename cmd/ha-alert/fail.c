/* SPDX-License-Identifier: ISC */
/* fail - moves entries to failed/ and to the fallback's queue. */
#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "alloc.h"
#include "entry.h"
#include "msg.h"
#include "rec.h"
#include "status.h"

static int
put_why(struct spool *spool, int fd, const char *name, const char *why,
    struct ha_err *err)
{
	char *path = ha_xasprintf("%s" FAIL_WHY, name);
	struct ha_buf text = HA_BUF_INIT;
	int failed;

	ha_rec_add_utf8(&text, why, strlen(why));
	ha_buf_add_char(&text, '\n');
	/* Of an attempt before somebody said --retry. */
	unlinkat(fd, path, 0);
	failed = spool_put(spool, fd, path, &text, err);
	ha_buf_release(&text);
	free(path);
	return failed;
}

/* Another one of this name may be there already: both are kept. */
static char *
free_name(int fd, const char *name)
{
	char id[SPOOL_ID_SIZE];

	if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return ha_xstrdup(name);
	spool_make_id(id);
	return ha_xasprintf("%s.%s", id, name);
}

int
fail_move(struct spool *spool, int from_fd, const char *name, const char *where,
    const char *why, struct ha_err *err)
{
	int fd = spool_dir(spool, "failed", where, err), failed;
	char *to;

	if (fd < 0)
		return -1;
	to = free_name(fd, name);
	failed = put_why(spool, fd, to, why, err);
	if (!failed &&
	    renameat2(from_fd, name, fd, to, RENAME_NOREPLACE) != 0 &&
	    errno != ENOENT)
		failed = ha_err_set(err, EX_IOERR, errno,
		    "can't move '%s' to failed/%s", name, where);
	free(to);
	if (!failed && (fsync(fd) != 0 || fsync(from_fd) != 0) &&
	    errno != EINVAL)
		failed = ha_err_set(
		    err, EX_IOERR, errno, "can't sync failed/%s", where);
	close(fd);
	return failed;
}

static void
tell_of_garbage(struct spool *spool, const char *name, const char *where,
    const char *why, const char *channel)
{
	char *subject = ha_xasprintf("ha-alert on %s set aside what it can't "
				     "read in its spool",
	    ha_status_here());
	char *body =
	    ha_xasprintf("%s/failed/%s/%s: %s", spool->path, where, name, why);
	struct ha_buf line = HA_BUF_INIT, clean = HA_BUF_INIT;
	struct alert alert;
	struct ha_err err;

	ha_rec_add_utf8(&clean, body, strlen(body));
	alert_encode_message(&line, ha_status_here(), subject, clean.data, 1);
	ha_buf_truncate(&line, line.len - 1);
	if (alert_decode(&alert, line.data, &err) == 0) {
		if (spool_take(spool, &channel, 1, &alert, 1, &err) != 0)
			ha_warn("%s", err.msg);
		alert_release(&alert);
	}
	ha_buf_release(&clean);
	ha_buf_release(&line);
	free(subject);
	free(body);
}

int
fail_garbage(struct spool *spool, int from_fd, const char *name,
    const char *where, const char *why, const char *channel, struct ha_err *err)
{
	ha_warn("'%s' moves to failed/%s: %s", name, where, why);
	syslog(LOG_ERR, "'%s' moves to failed/%s: %s", name, where, why);
	/* Told twice rather than never. */
	if (channel != NULL)
		tell_of_garbage(spool, name, where, why, channel);
	return fail_move(spool, from_fd, name, where, why, err);
}

int
fail_over(struct spool *spool, const struct channel *channel, const char *name,
    const struct alert_bundle *bundle, const char *why, struct ha_err *err)
{
	struct ha_buf content = HA_BUF_INIT, note = HA_BUF_INIT;
	struct entry_header header = { .channels = channel->fallback };
	struct alert_bundle noted = *bundle;
	int fd, failed;

	if (channel->fallback == NULL)
		return 0;
	fd = spool_open_dir(spool, "new", NULL);
	if (fd < 0)
		return ha_err_set(err, EX_IOERR, errno, "can't open new/");
	ha_buf_addf(
	    &note, "meant for %s, which could not be told: ", channel->name);
	ha_rec_add_utf8(&note, why, strlen(why));
	noted.note = note.data;
	entry_encode(&content, &noted, &header);
	failed = spool_put(spool, fd, name, &content, err);
	close(fd);
	ha_buf_release(&content);
	ha_buf_release(&note);
	return failed;
}
