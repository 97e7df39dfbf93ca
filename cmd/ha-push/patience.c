/* SPDX-License-Identifier: ISC */
/* patience - counts for how long nothing moves, and says when that is enough. */
#include "patience.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"

#define LOOK_MAX_NS (2000 * HA_MS_NS)

int64_t
patience_work(pid_t pid)
{
	char path[32], text[1024], state;
	long long user, system;
	const char *rest;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The second field is the program's name, with anything in it. */
	rest = strrchr(text, ')');
	if (rest == NULL ||
	    sscanf(rest,
		") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lld %lld",
		&state, &user, &system) != 3)
		return 0;
	return state == 'D' ? PATIENCE_BUSY : user + system;
}

static int64_t
find_limit(struct patience *patience, int64_t now_ns)
{
	if (patience->limit_ms < PATIENCE_MS || now_ns >= patience->forget_ns)
		patience->limit_ms = PATIENCE_MS;
	if (patience->limit_ms < 2 * patience->longest_ms)
		patience->limit_ms = 2 * patience->longest_ms;
	if (patience->limit_ms > PATIENCE_MAX_MS)
		patience->limit_ms = PATIENCE_MAX_MS;
	return patience->limit_ms;
}

void
quiet_begin(struct quiet *quiet, struct patience *patience, int64_t now_ns,
    uint64_t bytes, int64_t work)
{
	memset(quiet, 0, sizeof(*quiet));
	quiet->limit_ms = find_limit(patience, now_ns);
	quiet->seen_ns = now_ns;
	quiet->bytes = bytes;
	quiet->work = work;
}

int
quiet_look(struct quiet *quiet, int64_t now_ns, uint64_t bytes, int64_t work)
{
	int64_t passed_ns = now_ns - quiet->seen_ns;

	quiet->seen_ns = now_ns;
	if (bytes != quiet->bytes) {
		quiet->bytes = bytes;
		quiet->quiet_ns = quiet->idle_ns = 0;
		return 0;
	}
	if (passed_ns > LOOK_MAX_NS)
		passed_ns = LOOK_MAX_NS;
	quiet->quiet_ns += passed_ns;
	quiet->idle_ns += passed_ns;
	if (work == PATIENCE_BUSY || work != quiet->work)
		quiet->idle_ns = 0;
	quiet->work = work;
	if (quiet->longest_ms < quiet->idle_ns / HA_MS_NS)
		quiet->longest_ms = quiet->idle_ns / HA_MS_NS;
	return quiet->idle_ns >= quiet->limit_ms * HA_MS_NS ||
	       quiet->quiet_ns >= PATIENCE_MAX_MS * HA_MS_NS;
}

void
quiet_end(const struct quiet *quiet, struct patience *patience, int64_t now_ns,
    int stalled)
{
	if (stalled) {
		patience->limit_ms = 2 * quiet->limit_ms;
		patience->forget_ns = now_ns + PATIENCE_FORGET_MS * HA_MS_NS;
	} else if (quiet->longest_ms > patience->longest_ms) {
		patience->longest_ms = quiet->longest_ms;
	}
}
