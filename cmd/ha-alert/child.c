/* SPDX-License-Identifier: ISC */
/* child - run a command with a text on its stdin, and hear what it says. */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fs.h"
#include "run.h"

/* After a signal to us, for what we run. */
#define GRACE_MS 500

/* A file, so that nobody has to write while the command reads, or does not. */
static int
open_text(const struct child *child, struct ha_err *err)
{
	int fd = memfd_create("alert", MFD_CLOEXEC);

	if (fd < 0)
		return ha_err_set(
		    err, EX_OSERR, errno, "can't hold the message");
	if (ha_fs_write_all(fd, child->text, child->len, err) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The groups of this process's children, as the kernel lists them. */
static void
kill_groups(int sig)
{
	int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	char text[512];
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
	pid_t pid = 0;

	for (ssize_t i = 0; i < n; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			pid = 10 * pid + text[i] - '0';
		} else if (pid > 0) {
			kill(-pid, sig);
			pid = 0;
		}
	}
	if (fd >= 0)
		close(fd);
}

/* Only what a handler may call.  One that has ended is a zombie until we have,
 * so its group's number is nobody else's. */
static void
on_signal(int sig)
{
	kill_groups(SIGTERM);
	poll(NULL, 0, GRACE_MS);
	kill_groups(SIGKILL);
	_exit(128 + sig);
}

void
child_ends_with_us(void)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;

	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		if (sigaction(signals[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
}

int
child_run(const struct child *child, struct ha_buf *out, struct ha_buf *errors,
    int *status, struct ha_err *err)
{
	struct ha_run run = HA_RUN_INIT;
	int failed;

	run.argv = child->argv;
	run.env = child->env;
	run.own_group = 1;
	run.in = open_text(child, err);
	if (run.in < 0)
		return -1;
	failed =
	    ha_run_capture(&run, child->deadline_ns, out, errors, status, err);
	close(run.in);
	return failed;
}

/* The last line that is not empty. */
static const char *
last_line(const struct ha_buf *text, size_t *len)
{
	const char *end = text->data + text->len, *start;

	while (end > text->data && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	start = memrchr(text->data, '\n', (size_t)(end - text->data));
	start = start != NULL ? start + 1 : text->data;
	*len = (size_t)(end - start);
	return start;
}

void
child_words(struct ha_buf *words, int status, const struct ha_buf *out,
    const struct ha_buf *errors)
{
	size_t len;
	const char *line = last_line(errors, &len);

	if (len == 0)
		line = last_line(out, &len);
	if (status > 128)
		ha_buf_addf(words, "ended by signal %d (%s)", status - 128,
		    strsignal(status - 128));
	else
		ha_buf_addf(words, "exit status %d", status);
	if (len > 0) {
		ha_buf_add_str(words, ": ");
		ha_buf_add(words, line, len);
	}
}
