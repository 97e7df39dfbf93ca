/* SPDX-License-Identifier: ISC */
/*
 * ask - finds the processes of a status file, asks each, and ends as the worst
 * of them says.
 */
#include "ask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "buf.h"
#include "change.h"
#include "check.h"
#include "clock.h"
#include "control.h"
#include "endpoint.h"
#include "explain.h"
#include "fs.h"
#include "in.h"
#include "msg.h"
#include "out.h"
#include "rec.h"
#include "statefile.h"

#define SYNC_MS 30000
#define WARN_MS 30000
#define CRIT_MS (5 * 60 * 1000)
/* For an answer that the other end has at hand. */
#define ANSWER_MS 10000
#define LATE_ANSWER_MS 1000
/* A cookie that the kernel's queue lost is made again. */
#define COOKIE_AGAIN_MS 5000
#define ANSWER_FIELDS 8

/* One running ha-push. */
struct asked {
	char *file; /* its status file */
	char *target; /* NULL until it is known */
	char *source;
	unsigned long long dev, ino; /* of the source */
	int fd; /* -1: not connected */
	int64_t answer_ms; /* so long is an answer awaited */
	struct ha_in in;
	int done;
	struct asked *next;
};

struct answer {
	char *fields[ANSWER_FIELDS]; /* borrowed from the asked's buffer */
	size_t count;
};

void
ask_init(struct ask *ask)
{
	memset(ask, 0, sizeof(*ask));
	ask->timeout_ms = ask->warn_ms = ask->crit_ms = -1;
}

int
ask_usage_status(int argc, char *const *argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--check") == 0 ||
		    strncmp(argv[i], "--check=", 8) == 0)
			return HA_STATUS_UNKNOWN;
	return EX_USAGE;
}

int
ask_is_question(const struct ask *ask, int usage_status)
{
	int count = (ask->sync != NULL) + (ask->check != NULL) +
		    (ask->explain != NULL) + (ask->release != NULL);

	if (count > 1)
		ha_die(usage_status, "one question at a time: --sync, --check, "
				     "--explain or --release");
	if (ask->check == NULL && (ask->warn_ms >= 0 || ask->crit_ms >= 0))
		ha_die(usage_status, "-w and -c go with --check");
	if (ask->release == NULL && ask->reason != NULL)
		ha_die(usage_status, "--reason goes with --release");
	if (ask->check == NULL && ask->format != NULL &&
	    strcmp(ask->format, "nagios") == 0)
		ha_die(usage_status, "-F nagios goes with --check");
	if (count > 0 && ask->format != NULL &&
	    strcmp(ask->format, "prom") == 0)
		ha_die(usage_status, "-F prom does not go with a question");
	if (ask->release != NULL &&
	    (ask->reason == NULL || ask->reason[0] == '\0'))
		ha_die(usage_status, "--release needs --reason with words: "
				     "they are logged");
	return count > 0;
}

static struct asked *
new_asked(const char *file, const char *target)
{
	struct asked *asked = ha_xcalloc(1, sizeof(*asked));

	asked->file = ha_xstrdup(file);
	asked->target = target != NULL ? ha_xstrdup(target) : NULL;
	asked->fd = -1;
	asked->answer_ms = ANSWER_MS;
	return asked;
}

static void
free_all(struct asked *list)
{
	struct asked *next;

	for (; list != NULL; list = next) {
		next = list->next;
		if (list->fd >= 0) {
			ha_in_release(&list->in);
			close(list->fd);
		}
		free(list->file);
		free(list->target);
		free(list->source);
		free(list);
	}
}

/*
 * Those whom a status file names: the peers of an index, else the one that
 * keeps it, whatever it says, even if it is not written yet.
 */
static struct asked **
add_asked(struct asked **tail, const char *file)
{
	struct statefile state;
	struct ha_err err;

	statefile_init(&state);
	if (statefile_read(file, &state, NULL, &err) != 0 || !state.is_index) {
		*tail = new_asked(file, state.target);
		tail = &(*tail)->next;
	}
	for (size_t i = 0; i < state.peer_count; i++) {
		*tail = new_asked(state.peers[i].file, state.peers[i].target);
		tail = &(*tail)->next;
	}
	statefile_release(&state);
	return tail;
}

static void
say(const struct asked *asked, const char *words)
{
	if (asked->target != NULL)
		ha_say("%s: %s", asked->target, words);
	else
		ha_say("%s", words);
}

static int
send_question(
    struct asked *asked, const char *word, const char *arg, struct ha_err *err)
{
	struct ha_buf line = HA_BUF_INIT;
	ssize_t n;

	ha_buf_add_str(&line, word);
	if (arg != NULL) {
		ha_buf_add_char(&line, '\t');
		ha_rec_add_field(&line, arg, strlen(arg));
	}
	ha_buf_add_char(&line, '\n');
	/* Few and small enough to fit into the socket's buffer. */
	n = send(asked->fd, line.data, line.len, MSG_NOSIGNAL);
	if (n != (ssize_t)line.len)
		ha_err_set(err, EX_TEMPFAIL, 0,
		    n < 0 && errno != EAGAIN ? "its ha-push has ended"
					     : "it does not answer");
	n -= (ssize_t)line.len;
	ha_buf_release(&line);
	return n == 0 ? 0 : -1;
}

static int
parse_answer(char *line, struct answer *answer, struct ha_err *err)
{
	size_t len;
	int status;

	answer->count = ha_rec_split(line, answer->fields, ANSWER_FIELDS);
	for (size_t i = 0; i < answer->count; i++)
		if (ha_rec_unescape(answer->fields[i], &len, err) != 0)
			return ha_err_set(err, EX_TEMPFAIL, 0,
			    "its answer is damaged: %s", err->msg);
	if (strcmp(answer->fields[0], "fail") != 0)
		return 0;
	status = answer->count < 3 ? 0 : atoi(answer->fields[1]);
	if (status <= 0)
		return ha_err_set(err, EX_TEMPFAIL, 0, "it failed");
	return ha_err_set(err, status, 0, "%s", answer->fields[2]);
}

/* The next answer, if it has come: 1, or 0; -1 for what ends the question. */
static int
next_answer(struct asked *asked, struct answer *answer, struct ha_err *err)
{
	char *line;
	size_t len;
	int got = ha_in_next(&asked->in, &line, &len, err);

	if (got == 0) {
		int filled = ha_in_fill(&asked->in, err);

		if (filled < 0 && err->sys == EAGAIN)
			return 0;
		if (filled <= 0)
			return ha_err_set(
			    err, EX_TEMPFAIL, 0, "its ha-push has ended");
		got = ha_in_next(&asked->in, &line, &len, err);
	}
	if (got < 0)
		err->status = EX_TEMPFAIL;
	if (got <= 0)
		return got;
	return parse_answer(line, answer, err) != 0 ? -1 : 1;
}

static int
await_answer(struct asked *asked, int64_t deadline_ns, struct answer *answer,
    struct ha_err *err)
{
	struct pollfd fd = { asked->fd, POLLIN, 0 };
	int rc;

	while ((rc = next_answer(asked, answer, err)) == 0) {
		if (ha_clock_now_ns() >= deadline_ns)
			return ha_err_set(
			    err, EX_TEMPFAIL, 0, "it does not answer");
		poll(&fd, 1, ha_clock_poll_ms(deadline_ns));
	}
	return rc < 0 ? -1 : 0;
}

/* Ask, and expect an answer of that word with that many fields behind it. */
static int
ask(struct asked *asked, const char *question, const char *arg,
    const char *word, size_t count, struct answer *answer, struct ha_err *err)
{
	int64_t deadline_ns = ha_clock_deadline(asked->answer_ms);

	answer->count = 0;
	if (send_question(asked, question, arg, err) != 0 ||
	    await_answer(asked, deadline_ns, answer, err) != 0)
		return -1;
	if (answer->count > count && strcmp(answer->fields[0], word) == 0)
		return 0;
	ha_err_set(err, EX_TEMPFAIL, 0, "it does not know the question");
	return -1;
}

static int
meet(struct asked *asked, struct ha_err *err)
{
	struct answer answer;

	if (endpoint_connect(asked->file, &asked->fd, err) != 0)
		return -1;
	ha_in_init(&asked->in, asked->fd, '\n');
	if (ask(asked, "hello", NULL, "hello", 4, &answer, err) != 0)
		return -1;
	asked->source = ha_xstrdup(answer.fields[1]);
	asked->dev = strtoull(answer.fields[2], NULL, 10);
	asked->ino = strtoull(answer.fields[3], NULL, 10);
	free(asked->target);
	asked->target = ha_xstrdup(answer.fields[4]);
	return 0;
}

static int
worse(int status, int other)
{
	return other > status ? other : status;
}

/* Connect to all of them, and say of whom that was not possible. */
static int
meet_all(struct asked *list)
{
	struct ha_err err;
	int status = 0;

	for (; list != NULL; list = list->next) {
		if (meet(list, &err) == 0)
			continue;
		say(list, err.msg);
		status = worse(status, err.status);
	}
	return status;
}

/*
 * Made and removed at once: the kernel has told both by then, and a cookie
 * that nobody removes is left only where this process is killed in between.
 */
static int
bake(const struct asked *asked, const char *name, struct ha_err *err)
{
	int fd = open(asked->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	sigset_t all, before;
	struct stat st;
	int sys = 0;

	if (fd < 0)
		return ha_err_set(
		    err, EX_NOINPUT, errno, "can't open %s", asked->source);
	if (fstat(fd, &st) != 0 || st.st_dev != asked->dev ||
	    st.st_ino != asked->ino) {
		close(fd);
		return ha_err_set(err, EX_NOINPUT, 0,
		    "%s is another directory than the one that it mirrors",
		    asked->source);
	}
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (mknodat(fd, name, S_IFREG | 0600, 0) != 0 ||
	    unlinkat(fd, name, 0) != 0)
		sys = errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	close(fd);
	if (sys == 0)
		return 0;
	return ha_err_set(
	    err, EX_CANTCREAT, sys, "can't make a cookie in %s", asked->source);
}

/* One in each source: mostly all peers have the same. */
static int
bake_all(const struct asked *list, const char *name)
{
	struct ha_err err;

	for (const struct asked *asked = list; asked; asked = asked->next) {
		const struct asked *other = list;

		while (other != asked &&
		       (other->done || other->dev != asked->dev ||
			   other->ino != asked->ino))
			other = other->next;
		if (other != asked || asked->done)
			continue;
		if (bake(asked, name, &err) != 0) {
			say(asked, err.msg);
			return err.status;
		}
	}
	return 0;
}

static char *
cookie_name(void)
{
	unsigned long long random = 0;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		random = (unsigned long long)ha_clock_now_ns();
	return ha_xasprintf(
	    "%s%ld-%016llx", HA_CHANGE_COOKIE, (long)getpid(), random);
}

static int
register_all(struct asked *list, const char *name)
{
	struct answer answer;
	struct ha_err err;
	int status = 0;

	for (; list != NULL; list = list->next) {
		if (ask(list, "sync", name, "ok", 0, &answer, &err) == 0)
			continue;
		say(list, err.msg);
		status = worse(status, err.status);
	}
	return status;
}

/* Take what has come.  Returns a status, 0 as long as nobody failed. */
static int
take_done(struct asked *list, size_t *waiting)
{
	struct answer answer;
	struct ha_err err;
	int status = 0;

	*waiting = 0;
	for (; list != NULL; list = list->next) {
		int rc = list->done ? 1 : next_answer(list, &answer, &err);

		if (rc < 0) {
			say(list, err.msg);
			status = worse(status, err.status);
		} else if (rc == 0) {
			++*waiting;
		}
		list->done = rc != 0;
	}
	return status;
}

static void
wait_for_any(const struct asked *list, size_t waiting, int64_t until_ns)
{
	struct pollfd *fds = ha_xcalloc(waiting, sizeof(*fds));
	nfds_t count = 0;

	for (; list != NULL; list = list->next)
		if (!list->done)
			fds[count++] = (struct pollfd){ list->fd, POLLIN, 0 };
	poll(fds, count, ha_clock_poll_ms(until_ns));
	free(fds);
}

static void
say_late(struct asked *asked, int64_t timeout_ms)
{
	struct answer answer;
	struct ha_err err;
	char time[64];

	ha_clock_words(timeout_ms, time, sizeof(time));
	asked->answer_ms = LATE_ANSWER_MS;
	if (ask(asked, "state", NULL, "state", 2, &answer, &err) == 0)
		ha_say("%s: not in sync after %s: %s: %s", asked->target, time,
		    answer.fields[1], answer.fields[2]);
	else
		ha_say("%s: not in sync after %s: %s", asked->target, time,
		    err.msg);
}

/* Wait until each peer has said "done", or one of them anything else. */
static int
await_all(struct asked *list, const char *name, int64_t deadline_ns,
    int64_t timeout_ms)
{
	int64_t again_ns = ha_clock_deadline(COOKIE_AGAIN_MS);
	size_t waiting;
	int status;

	for (;;) {
		int64_t now_ns = ha_clock_now_ns();

		status = take_done(list, &waiting);
		if (status != 0 || waiting == 0)
			return status;
		if (now_ns >= deadline_ns)
			break;
		if (now_ns >= again_ns) {
			again_ns = ha_clock_deadline(COOKIE_AGAIN_MS);
			status = bake_all(list, name);
			if (status != 0)
				return status;
		}
		wait_for_any(list, waiting,
		    again_ns < deadline_ns ? again_ns : deadline_ns);
	}
	for (; list != NULL; list = list->next)
		if (!list->done)
			say_late(list, timeout_ms);
	return EX_TEMPFAIL;
}

static int
run_sync(const struct ask *conf)
{
	int64_t timeout_ms = conf->timeout_ms >= 0 ? conf->timeout_ms : SYNC_MS;
	int64_t deadline_ns = ha_clock_deadline(timeout_ms);
	struct asked *list = NULL;
	char *name = cookie_name();
	int status;

	add_asked(&list, conf->sync);
	for (struct asked *asked = list; asked; asked = asked->next)
		if (timeout_ms < asked->answer_ms)
			asked->answer_ms = timeout_ms;
	status = meet_all(list);
	if (status == 0)
		status = register_all(list, name);
	if (status == 0)
		status = bake_all(list, name);
	if (status == 0)
		status = await_all(list, name, deadline_ns, timeout_ms);
	free(name);
	free_all(list);
	return status;
}

static void
print(const char *target, const char *words)
{
	struct ha_buf line = HA_BUF_INIT;

	ha_rec_add_printable(&line, target, strlen(target));
	ha_buf_add_str(&line, ": ");
	ha_rec_add_printable(&line, words, strlen(words));
	ha_buf_add_char(&line, '\n');
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

/* Of several peers mostly one holds something: that it is let go is success. */
static int
run_release(const struct ask *conf)
{
	struct asked *list = NULL;
	struct answer answer;
	struct ha_err err = { .status = 0 };
	int status, released = 0, none = 0;

	add_asked(&list, conf->release);
	status = meet_all(list);
	for (struct asked *asked = list; asked; asked = asked->next) {
		if (asked->source == NULL)
			continue;
		if (ask(asked, "release", conf->reason, "released", 1, &answer,
			&err) == 0) {
			released = 1;
			print(asked->target, answer.fields[1]);
		} else if (err.status == 1) {
			none = 1;
			print(asked->target, err.msg);
		} else {
			say(asked, err.msg);
			status = worse(status, err.status);
		}
	}
	free_all(list);
	return status != 0 ? status : none && !released;
}

/* Without "." and empty components; a ".." stays. */
static char *
clean(const char *path)
{
	struct ha_buf buf = HA_BUF_INIT;
	size_t len;

	for (; *path != '\0'; path += len) {
		path += strspn(path, "/");
		len = strcspn(path, "/");
		if (len == 0 || (len == 1 && path[0] == '.'))
			continue;
		if (buf.len > 0)
			ha_buf_add_char(&buf, '/');
		ha_buf_add(&buf, path, len);
	}
	if (buf.len == 0)
		ha_buf_add_str(&buf, HA_CHANGE_ROOT);
	return ha_buf_detach(&buf);
}

/* The part of path below source, both absolute; NULL: it is elsewhere. */
static char *
below(const char *source, const char *path)
{
	char *root = clean(source), *at = clean(path), *inside = NULL;
	size_t len = strcmp(root, HA_CHANGE_ROOT) == 0 ? 0 : strlen(root);

	if (strncmp(at, root, len) == 0 && at[len] == '\0')
		inside = ha_xstrdup(HA_CHANGE_ROOT);
	else if (strncmp(at, root, len) == 0 && (len == 0 || at[len] == '/'))
		inside = ha_xstrdup(at + len + (len > 0));
	free(root);
	free(at);
	if (inside != NULL && !ha_fs_path_is_inside(inside)) {
		free(inside);
		inside = NULL;
	}
	return inside;
}

/*
 * Absolute and without links in what exists of its parents: the last component
 * is the one that is asked about.
 */
static char *
resolve(const char *path)
{
	char *parent = ha_xstrdup(path), *real = NULL, *whole;
	size_t len = strlen(parent);

	while (len > 1 && parent[len - 1] == '/')
		parent[--len] = '\0';
	while (real == NULL) {
		char *slash = strrchr(parent, '/');

		if (slash == NULL || slash == parent) {
			real = realpath(slash == NULL ? "." : "/", NULL);
			len = slash == NULL ? 0 : 1;
			break;
		}
		*slash = '\0';
		len = (size_t)(slash - parent) + 1;
		real = realpath(parent, NULL);
	}
	whole = ha_xasprintf("%s/%s", real != NULL ? real : "", path + len);
	free(real);
	free(parent);
	return whole;
}

/*
 * path relative to source: as it is written, as it is without links, and, if
 * it is relative and lies elsewhere, below the source.
 */
static char *
relative_to(const char *source, const char *path)
{
	char *here = getcwd(NULL, 0);
	char *written = path[0] == '/' ? ha_xstrdup(path)
				       : ha_xasprintf("%s/%s",
					     here != NULL ? here : "", path);
	char *inside = below(source, written);
	char *resolved = NULL, *real = NULL;

	if (inside == NULL) {
		resolved = resolve(path);
		real = realpath(source, NULL);
		inside = below(real != NULL ? real : source, resolved);
	}
	if (inside == NULL && path[0] != '/') {
		inside = clean(path);
		if (!ha_fs_path_is_inside(inside)) {
			free(inside);
			inside = NULL;
		}
	}
	free(here);
	free(written);
	free(resolved);
	free(real);
	return inside;
}

static void
add_json_member(struct ha_buf *line, const char *key, const char *value)
{
	ha_buf_addf(line, "%s\"%s\":", line->len > 1 ? "," : "", key);
	ha_rec_add_json(line, value, strlen(value));
}

/* state, since, tries, retry, words: explain.h. */
static void
print_explained(const struct ask *conf, const char *path, const char *target,
    char *const *fields)
{
	static const char *const names[] = { "since_ms", "tries", "retry_ms" };
	struct ha_buf line = HA_BUF_INIT;

	if (conf->format == NULL) {
		char *what = target[0] == '\0'
				 ? ha_xstrdup(path)
				 : ha_xasprintf("%s -> %s", path, target);

		print(what, fields[4]);
		free(what);
		return;
	}
	if (strcmp(conf->format, "json") == 0) {
		ha_buf_add_char(&line, '{');
		add_json_member(&line, "path", path);
		add_json_member(&line, "target", target);
		add_json_member(&line, "state", fields[0]);
		for (int i = 0; i < 3; i++)
			if (fields[1 + i][0] != '\0')
				ha_buf_addf(&line, ",\"%s\":%lld", names[i],
				    atoll(fields[1 + i]));
		add_json_member(&line, "words", fields[4]);
		ha_buf_add_char(&line, '}');
	} else {
		ha_rec_add_field(&line, path, strlen(path));
		ha_buf_add_char(&line, '\t');
		ha_rec_add_field(&line, target, strlen(target));
		for (int i = 0; i < 5; i++) {
			ha_buf_add_char(&line, '\t');
			ha_rec_add_field(&line, fields[i], strlen(fields[i]));
		}
	}
	ha_buf_add_char(&line, '\n');
	ha_out_write(line.data, line.len);
	ha_buf_release(&line);
}

static int
is_not_mirrored(const char *state)
{
	return strcmp(state, "excluded") == 0 ||
	       strcmp(state, "missing") == 0 || strcmp(state, "outside") == 0;
}

static int
explain_outside(const struct ask *conf, const char *source, const char *target)
{
	char *words = ha_xasprintf("is not below %s", source);
	char state[] = "outside", none[] = "";
	char *fields[] = { state, none, none, none, words };

	print_explained(conf, conf->explain, target, fields);
	free(words);
	return 1;
}

static int
explain_to(const struct ask *conf, struct asked *asked)
{
	char *path = relative_to(asked->source, conf->explain);
	struct answer answer;
	struct ha_err err;
	int status = 0;

	if (path == NULL)
		return explain_outside(conf, asked->source, asked->target);
	if (ask(asked, "explain", path, "explain", 5, &answer, &err) != 0) {
		say(asked, err.msg);
		status = err.status;
	} else {
		print_explained(conf, path, asked->target, answer.fields + 1);
		status = is_not_mirrored(answer.fields[1]);
	}
	free(path);
	return status;
}

/* Without a pipe: the patterns of the command line, below -C. */
static int
explain_here(const struct ask *conf)
{
	size_t own = ha_match_count(conf->match);
	char *path = relative_to(conf->source, conf->explain);
	char none[] = "", in[] = "in", out[] = "excluded";
	char not_excluded[] = "is not excluded";
	char *fields[] = { in, none, none, none, not_excluded };
	char *words = NULL;
	struct stat st;
	int fd = open(conf->source, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int is_dir;

	if (fd < 0) {
		ha_say("can't open '%s': %s", conf->source, strerror(errno));
		free(path);
		return EX_NOINPUT;
	}
	if (path == NULL) {
		close(fd);
		return explain_outside(conf, conf->source, "");
	}
	is_dir = ha_fs_lstat_beneath(fd, path, &st) == 0 && S_ISDIR(st.st_mode);
	if (explain_excluded(conf->match, own, path, is_dir, &words)) {
		fields[0] = out;
		fields[4] = words;
	}
	print_explained(conf, path, "", fields);
	close(fd);
	free(words);
	free(path);
	return fields[0] == out;
}

static int
is_status_file(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');

	return dot != NULL && strcmp(dot, ".status") == 0;
}

static const char *
run_dir(void)
{
	const char *dir = getenv("HA_RUN_DIR");

	return dir != NULL && dir[0] != '\0' ? dir : "/run/ha";
}

/* Every process that keeps a status file in the run directory. */
static struct asked *
all_running(void)
{
	const char *dir = run_dir();
	struct asked *list = NULL, **tail = &list;
	struct dirent **entries;
	struct statefile state;
	struct ha_err err;
	int count;

	count = scandir(dir, &entries, is_status_file, alphasort);
	for (int i = 0; i < count; i++) {
		char *file = ha_xasprintf("%s/%s", dir, entries[i]->d_name);

		/* The files of an index stand beside it. */
		statefile_init(&state);
		if (statefile_read(file, &state, NULL, &err) != 0 ||
		    !state.is_index) {
			*tail = new_asked(file, state.target);
			tail = &(*tail)->next;
		}
		statefile_release(&state);
		free(file);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return list;
}

static int
explain_running(const struct ask *conf)
{
	struct asked *list = all_running();
	struct ha_err err;
	int status = 0, met = 0;

	for (struct asked *asked = list; asked; asked = asked->next) {
		char *inside;

		if (meet(asked, &err) != 0)
			continue;
		inside = relative_to(asked->source, conf->explain);
		if (inside != NULL) {
			status = worse(status, explain_to(conf, asked));
			met = 1;
		}
		free(inside);
	}
	free_all(list);
	if (met)
		return status;
	ha_say("no running ha-push that keeps a %s/*.status mirrors %s; if "
	       "its status file is elsewhere, name the STATUSFILE",
	    run_dir(), conf->explain);
	return EX_TEMPFAIL;
}

static int
run_explain(const struct ask *conf, const char *file)
{
	struct asked *list = NULL;
	int status;

	if (conf->explain[0] == '\0')
		ha_die(EX_USAGE, "--explain: PATH is empty");
	if (file == NULL)
		return conf->source != NULL ? explain_here(conf)
					    : explain_running(conf);
	add_asked(&list, file);
	status = meet_all(list);
	for (struct asked *asked = list; asked; asked = asked->next)
		if (asked->source != NULL)
			status = worse(status, explain_to(conf, asked));
	free_all(list);
	return status;
}

static int
run_check(const struct ask *conf)
{
	struct check_conf check = {
		.file = conf->check,
		.warn_ms = conf->warn_ms >= 0 ? conf->warn_ms : WARN_MS,
		.crit_ms = conf->crit_ms >= 0 ? conf->crit_ms : CRIT_MS,
		.format = conf->format != NULL ? conf->format : "tsv",
		.quiet = conf->quiet,
	};

	ha_alloc_fatal(HA_STATUS_UNKNOWN);
	if (check.warn_ms > check.crit_ms)
		ha_die(HA_STATUS_UNKNOWN, "-w is longer than -c");
	return (int)check_run(&check);
}

int
ask_run(const struct ask *conf, char *const *operands)
{
	int usage_status =
	    conf->check != NULL ? (int)HA_STATUS_UNKNOWN : EX_USAGE;
	size_t allowed = conf->explain != NULL ? 1 : 0;

	for (size_t i = 0; operands[i] != NULL; i++)
		if (i >= allowed)
			ha_die(usage_status, "'%s' is one operand too many",
			    operands[i]);
	if (conf->check != NULL)
		return run_check(conf);
	if (conf->sync != NULL)
		return run_sync(conf);
	if (conf->explain != NULL)
		return run_explain(conf, operands[0]);
	return run_release(conf);
}
