/* SPDX-License-Identifier: ISC */
/* seed-pipe - from one program into another, watching both. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "msg.h"
#include "run.h"
#include "seed.h"

#define CHUNK ((size_t)64 * 1024)
#define NS_S 1000000000LL

void
seed_end_init(struct seed_end *end, const char *name, const char *node)
{
	memset(end, 0, sizeof(*end));
	end->pidfd = end->data = end->errors = end->in = -1;
	end->name = name;
	end->node = node;
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int
fail_os(struct ha_err *err)
{
	return ha_err_set(err, EX_OSERR, errno, "can't make a pipe");
}

int
seed_end_start(struct seed_end *end, const char *const *argv, int keep,
    int is_writer, struct ha_err *err)
{
	struct ha_run run = HA_RUN_INIT;
	int data[2], errors[2], failed;

	if (pipe2(data, O_CLOEXEC))
		return fail_os(err);
	if (pipe2(errors, O_CLOEXEC)) {
		close(data[0]);
		close(data[1]);
		return fail_os(err);
	}
	run.argv = argv;
	run.keep = keep;
	run.err = errors[1];
	run.in = is_writer ? end->in : data[0];
	run.out = is_writer ? data[1] : -1;
	failed = ha_run_start(&run, &end->pid, &end->pidfd, err);
	close(errors[1]);
	close(data[is_writer ? 1 : 0]);
	end->data = data[is_writer ? 0 : 1];
	end->errors = errors[0];
	if (failed) {
		end->pid = 0;
		seed_end_release(end);
		return -1;
	}
	fcntl(end->data, F_SETFL, O_NONBLOCK);
	fcntl(end->errors, F_SETFL, O_NONBLOCK);
	return 0;
}

void
seed_end_release(struct seed_end *end)
{
	if (end->pid > 0) {
		kill(end->pid, SIGTERM);
		ha_run_reap(end->pid, ha_clock_deadline(1000));
		end->pid = 0;
	}
	close_fd(&end->pidfd);
	close_fd(&end->data);
	close_fd(&end->errors);
}

/* The last of them, the newest at the end. */
static void
listen_to(struct seed_end *end)
{
	char chunk[256];
	ssize_t n;

	if (end->errors < 0)
		return;
	while ((n = read(end->errors, chunk, sizeof(chunk))) > 0) {
		size_t len = (size_t)n, room = sizeof(end->words) - 1;

		if (end->word_len + len > room) {
			size_t drop = end->word_len + len - room;

			memmove(end->words, end->words + drop,
			    end->word_len - drop);
			end->word_len -= drop;
		}
		memcpy(end->words + end->word_len, chunk, len);
		end->word_len += len;
	}
	if (n == 0)
		close_fd(&end->errors);
}

/* The last line: what is before it may be a statement, with rows. */
static const char *
last_words(struct seed_end *end)
{
	char *line;

	listen_to(end);
	while (end->word_len && end->words[end->word_len - 1] == '\n')
		end->word_len--;
	end->words[end->word_len] = '\0';
	line = strrchr(end->words, '\n');
	return line ? line + 1 : end->words;
}

static int
fail(struct seed_end *end, int status, struct ha_err *err)
{
	const char *words = last_words(end);

	if (*words)
		return ha_err_set(err, EX_UNAVAILABLE, 0, "%s: %s (exit %d)",
		    end->node, words, status);
	return ha_err_set(err, EX_UNAVAILABLE, 0, "%s: %s ended with %d",
	    end->node, end->name, status);
}

int
seed_end_reap(struct seed_end *end, int64_t deadline_ns, struct ha_err *err)
{
	struct pollfd fds[2];
	int status;

	do {
		listen_to(end);
		fds[0] = (struct pollfd){ end->pidfd, POLLIN, 0 };
		fds[1] = (struct pollfd){ end->errors, POLLIN, 0 };
		if (ha_clock_now_ns() >= deadline_ns)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "%s: %s does not end", end->node, end->name);
		poll(fds, 2, ha_clock_poll_ms(deadline_ns));
	} while (!fds[0].revents);
	status = ha_run_reap(end->pid, HA_CLOCK_NEVER);
	end->pid = 0;
	if (!status && end->promise && !strstr(last_words(end), end->promise))
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%s: %s has not said '%s'", end->node, end->name,
		    end->promise);
	return status ? fail(end, status, err) : 0;
}

int
seed_pipe_head(struct seed_end *from, const char *text, size_t limit,
    struct ha_buf *head, int64_t deadline_ns, struct ha_err *err)
{
	char chunk[4096];
	ssize_t n;

	while (head->len < limit && !(head->len && memmem(head->data, head->len,
						       text, strlen(text)))) {
		struct pollfd fds[2] = { { from->data, POLLIN, 0 },
			{ from->errors, POLLIN, 0 } };

		if (ha_clock_now_ns() >= deadline_ns)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "%s: %s has not begun in time", from->node,
			    from->name);
		poll(fds, 2, ha_clock_poll_ms(deadline_ns));
		listen_to(from);
		n = read(from->data, chunk, sizeof(chunk));
		if (n == 0)
			return 1;
		if (n > 0)
			ha_buf_add(head, chunk, (size_t)n);
	}
	return 0;
}

/* What is under way. */
struct flow {
	struct seed_end *from, *to;
	char chunk[CHUNK];
	size_t len, written; /* of chunk */
	char tail[128]; /* what was read last */
	size_t tail_len;
	uint64_t *bytes;
	uint64_t shown; /* of them, with the last progress */
	int64_t moved_ns, shown_ns;
	int is_shown; /* stderr is a terminal */
};

static void
remember_tail(struct flow *flow, const char *data, size_t len)
{
	size_t room = sizeof(flow->tail), kept;

	if (len >= room) {
		memcpy(flow->tail, data + len - room, room);
		flow->tail_len = room;
		return;
	}
	kept = flow->tail_len + len > room ? room - len : flow->tail_len;
	memmove(flow->tail, flow->tail + flow->tail_len - kept, kept);
	memcpy(flow->tail + kept, data, len);
	flow->tail_len = kept + len;
}

static void
show(struct flow *flow, int is_last)
{
	int64_t now_ns = ha_clock_now_ns(), passed_ns = now_ns - flow->shown_ns;
	double mib = 1024.0 * 1024;
	double rate =
	    (double)(*flow->bytes - flow->shown) / mib / (double)passed_ns;

	if (!flow->is_shown || (!is_last && passed_ns < NS_S))
		return;
	if (is_last)
		fprintf(stderr, "\r\033[K");
	else
		fprintf(stderr, "\r\033[Kha-repl: %.1f MiB, %.1f MiB/s",
		    (double)*flow->bytes / mib, rate * NS_S);
	fflush(stderr);
	flow->shown = *flow->bytes;
	flow->shown_ns = now_ns;
}

/* 0: it was closed by its reader. */
static int
pass(struct flow *flow, const char *data, size_t len)
{
	ssize_t n = write(flow->to->data, data, len);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->written += (size_t)n;
	*flow->bytes += (uint64_t)n;
	flow->moved_ns = ha_clock_now_ns();
	return 1;
}

static void
take(struct flow *flow)
{
	ssize_t n = read(flow->from->data, flow->chunk, sizeof(flow->chunk));

	if (n == 0)
		close_fd(&flow->from->data);
	if (n <= 0)
		return;
	flow->len = (size_t)n;
	flow->written = 0;
	flow->moved_ns = ha_clock_now_ns();
	remember_tail(flow, flow->chunk, flow->len);
}

static int
wait_flow(struct flow *flow, int64_t stall_ms, struct ha_err *err)
{
	int is_full = flow->written < flow->len;
	struct pollfd fds[] = {
		{ is_full ? -1 : flow->from->data, POLLIN, 0 },
		{ flow->to->data, is_full ? POLLOUT : 0, 0 },
		{ flow->from->errors, POLLIN, 0 },
		{ flow->to->errors, POLLIN, 0 },
	};

	if (ha_clock_now_ns() - flow->moved_ns > stall_ms * (NS_S / 1000))
		return ha_err_set(err, EX_TEMPFAIL, 0,
		    "%s: nothing has moved for %" PRId64 " s",
		    is_full ? flow->to->node : flow->from->node,
		    stall_ms / 1000);
	poll(fds, 4, 1000);
	listen_to(flow->from);
	listen_to(flow->to);
	show(flow, 0);
	if (!is_full && fds[1].revents & (POLLERR | POLLHUP))
		return 1; /* it reads no more */
	return 0;
}

static int
copy(struct flow *flow, int64_t stall_ms, struct ha_err *err)
{
	int result = 0;

	while (flow->written < flow->len || flow->from->data >= 0) {
		result = wait_flow(flow, stall_ms, err);
		if (result)
			break;
		if (flow->written < flow->len) {
			if (!pass(flow, flow->chunk + flow->written,
				flow->len - flow->written)) {
				result = 1;
				break;
			}
		} else {
			take(flow);
		}
	}
	if (result <= 0)
		return result;
	if (seed_end_reap(flow->to, ha_clock_deadline(5000), err))
		return -1;
	return ha_err_set(err, EX_UNAVAILABLE, 0, "%s: %s ended too early",
	    flow->to->node, flow->to->name);
}

static int
end_well(
    struct flow *flow, const char *last, int64_t stall_ms, struct ha_err *err)
{
	if (seed_end_reap(flow->from, ha_clock_deadline(5000), err))
		return -1;
	if (last && !memmem(flow->tail, flow->tail_len, last, strlen(last)))
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "%s: %s ended without its last line", flow->from->node,
		    flow->from->name);
	close_fd(&flow->to->data);
	return seed_end_reap(flow->to, ha_clock_deadline(stall_ms), err);
}

int
seed_pipe(struct seed_end *from, struct seed_end *to, const struct ha_buf *head,
    const char *last, int64_t stall_ms, uint64_t *bytes, struct ha_err *err)
{
	struct flow flow = { .from = from, .to = to, .bytes = bytes };
	int failed;

	*bytes = 0;
	flow.moved_ns = flow.shown_ns = ha_clock_now_ns();
	flow.is_shown = isatty(STDERR_FILENO);
	if (head) {
		remember_tail(&flow, head->data, head->len);
		flow.len = head->len < CHUNK ? head->len : CHUNK;
		memcpy(flow.chunk, head->data, flow.len);
	}
	failed =
	    copy(&flow, stall_ms, err) || end_well(&flow, last, stall_ms, err);
	show(&flow, 1);
	return failed ? -1 : 0;
}
