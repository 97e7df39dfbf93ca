/* SPDX-License-Identifier: ISC */
/*
 * mysql-login - mysql:// with a defaults-file: log in and ask whether the server
 * can be written to.
 *
 * The connection (db.h) waits, so each login runs in a thread of its own, and
 * the loop only hears when it is over.  A thread whose probe is over ends by
 * itself, at its own deadline.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alloc.h"
#include "clock.h"
#include "db.h"
#include "dialog.h"
#include "mysql.h"
#include "socket.h"

#define STACK (512 * 1024)
/* So that the loop's own deadline comes first, with its words. */
#define GRACE_NS HA_S_NS

/* One login to one address; owned by the way and the thread together. */
struct job {
	atomic_int owners;
	atomic_int is_done;
	int done_fd; /* eventfd(2), raised when is_done */
	struct ha_db *db; /* the thread's; its step is anybody's */

	/* What the thread is told. */
	char *address; /* without port */
	char *name; /* that the certificate has to bear */
	char *source, *defaults_file;
	unsigned port;
	struct ha_buf proxy_header; /* or empty */
	int64_t deadline_ns;

	/* What it tells, beside the connection; to be read when is_done. */
	int is_failed;
	struct ha_buf words; /* the error's, or the server's version and mode */
};

struct talk {
	struct probe *probe;
	struct loop_source source;
	struct loop_timer share;
	struct job *job;
};

static void try_addresses(struct talk *talk);

static void
release(struct job *job)
{
	if (atomic_fetch_sub(&job->owners, 1) > 1)
		return;
	close(job->done_fd);
	ha_db_free(job->db);
	free(job->address);
	free(job->name);
	free(job->source);
	free(job->defaults_file);
	ha_buf_release(&job->proxy_header);
	ha_buf_release(&job->words);
	free(job);
}

static int
is_off(const char *value)
{
	return strcmp(value, "0") == 0 || strcmp(value, "OFF") == 0;
}

static int
ask(struct job *job, struct ha_err *err)
{
	static const char query[] = "SELECT @@version, @@global.read_only";
	struct ha_db_result result = HA_DB_RESULT_INIT;
	int rc = ha_db_query(job->db, query, job->deadline_ns, &result, err);
	const char *version = NULL, *mode = NULL;

	if (rc == 0 && result.columns == 2 && result.rows == 1) {
		version = result.cells[0];
		mode = result.cells[1];
	}
	if (version && mode)
		ha_buf_addf(&job->words, "%s, %s", version,
		    is_off(mode) ? "writable" : "read only");
	else if (rc == 0)
		rc = ha_err_set(
		    err, EX_UNAVAILABLE, 0, "no answer to %s", query);
	ha_db_result_release(&result);
	return rc;
}

static void
log_in(struct job *job)
{
	const struct ha_db_options options = {
		.host = job->address,
		.name = job->name,
		.port = job->port,
		.source = job->source,
		.defaults_file = job->defaults_file,
		.tls_if_asked = 1,
		.proxy_header = &job->proxy_header,
		.deadline_ns = job->deadline_ns,
	};
	struct ha_err err;

	if (ha_db_connect(job->db, &options, &err) || ask(job, &err)) {
		job->is_failed = 1;
		ha_buf_add_str(&job->words, err.msg);
	}
}

static void *
run_job(void *context)
{
	struct job *job = context;

	log_in(job);
	atomic_store(&job->is_done, 1);
	eventfd_write(job->done_fd, 1);
	release(job);
	return NULL;
}

static char *
copy(const char *text)
{
	return text ? ha_xstrdup(text) : NULL;
}

static struct job *
new_job(const struct probe *probe)
{
	const struct settings *settings = &probe->target->settings;
	struct job *job = ha_xcalloc(1, sizeof(*job));
	int64_t share_ns = probe_share_ns(probe);

	atomic_init(&job->owners, 1);
	job->db = ha_db_new();
	job->done_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	job->address =
	    socket_name(&probe->addresses->list[probe->seen.address_index]);
	job->name = copy(probe->target->host);
	job->source = copy(settings->source);
	job->defaults_file = copy(settings->defaults_file);
	job->port = probe->target->port;
	job->deadline_ns =
	    GRACE_NS +
	    (share_ns == HA_CLOCK_NEVER ? probe->deadline_ns : share_ns);
	ha_buf_init(&job->words);
	ha_buf_init(&job->proxy_header);
	if (settings->proxy_protocol != 0)
		socket_add_proxy_header(
		    &job->proxy_header, -1, (int)settings->proxy_protocol);
	return job;
}

/* Returns 0 or an errno. */
static int
start_thread(struct job *job)
{
	pthread_attr_t attr;
	pthread_t thread;
	sigset_t all, old;
	int sys;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	atomic_fetch_add(&job->owners, 1);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	sys = pthread_create(&thread, &attr, run_job, job);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (sys != 0)
		release(job);
	return sys;
}

static void
rest(struct talk *talk)
{
	if (!talk->job)
		return;
	if (talk->source.fd >= 0)
		loop_remove(talk->probe->run->loop, &talk->source);
	loop_clear_timer(talk->probe->run->loop, &talk->share);
	talk->source.fd = -1;
	release(talk->job);
	talk->job = NULL;
}

static void
try_addresses(struct talk *talk)
{
	struct probe *probe = talk->probe;
	struct loop *loop = probe->run->loop;
	int64_t share_ns = probe_share_ns(probe);
	struct address address;
	int sys = 0;

	socket_address(&probe->addresses->list[probe->seen.address_index],
	    probe->target->port, &address);
	free(probe->seen.address);
	probe->seen.address = socket_name(&address);
	talk->job = new_job(probe);
	talk->source.fd = talk->job->done_fd;
	if (talk->job->done_fd < 0 || loop_add(loop, &talk->source, EPOLLIN))
		sys = errno;
	if (sys == 0)
		sys = start_thread(talk->job);
	if (sys != 0) {
		probe_fail(probe, FAULT_LOCAL, "can't start a thread: %s",
		    strerror(sys));
		return;
	}
	if (share_ns != HA_CLOCK_NEVER)
		loop_set_timer(loop, &talk->share, share_ns);
}

static void
share_over(struct loop_timer *timer)
{
	struct talk *talk = LOOP_OWNER(timer, struct talk, share);

	rest(talk);
	if (probe_next_silent(talk->probe))
		try_addresses(talk);
}

static void
tell_error(struct talk *talk, const struct job *job)
{
	const char *words = job->words.data;
	struct probe *probe = talk->probe;

	if (ha_db_error_is_local(job->db))
		probe_fail(probe, FAULT_LOCAL, "%s", words);
	else
		probe_fail(probe, mysql_blame(ha_db_error(job->db)), "%.*s",
		    dialog_line(words, job->words.len), words);
}

static void
tell(struct talk *talk, const struct job *job)
{
	struct seen *seen = &talk->probe->seen;

	seen->connect_ns = ha_db_connected_ns(job->db);
	seen->first_ns = ha_db_greeted_ns(job->db);
	snprintf(seen->tls_version, sizeof(seen->tls_version), "%s",
	    ha_db_tls_version(job->db));
	snprintf(seen->tls_cipher, sizeof(seen->tls_cipher), "%s",
	    ha_db_tls_cipher(job->db));
	if (job->is_failed) {
		tell_error(talk, job);
		return;
	}
	dialog_say(talk->probe, job->words.data, job->words.len);
	probe_done(talk->probe);
}

static void
ready(struct loop_source *source, uint32_t events)
{
	struct talk *talk = LOOP_OWNER(source, struct talk, source);
	struct job *job = talk->job;
	int sys = 0, is_at_once = 0;

	(void)events;
	if (!atomic_load(&job->is_done))
		return;
	if (job->is_failed)
		sys = ha_db_connect_errno(job->db, &is_at_once);
	if (sys == 0)
		tell(talk, job);
	rest(talk);
	if (sys != 0 && probe_next_errno(talk->probe, sys, is_at_once))
		try_addresses(talk);
}

static void
start(struct probe *probe)
{
	struct talk *talk = ha_xcalloc(1, sizeof(*talk));
	const char *source = probe->target->settings.source;
	struct address address;

	probe->talk = talk;
	talk->probe = probe;
	talk->source.fd = -1;
	talk->source.ready = ready;
	talk->share.fire = share_over;
	if (source && !address_parse(&address, source, AF_UNSPEC))
		probe_fail(probe, FAULT_LOCAL,
		    "a login to mysql needs an address, no interface, as "
		    "source");
	else
		try_addresses(talk);
}

static void
stop(struct probe *probe)
{
	struct talk *talk = probe->talk;

	rest(talk);
	free(talk);
	probe->talk = NULL;
}

static const char *
awaiting(const struct probe *probe)
{
	static const char *const owed[] = {
		[HA_DB_AT_SYN] = "no answer to SYN",
		[HA_DB_AT_GREETING] = "no greeting",
		[HA_DB_AT_LOGIN] = "no answer to the login",
		[HA_DB_AT_QUERY] = "no answer to the query",
	};
	const struct talk *talk = probe->talk;

	return owed[talk->job ? ha_db_step(talk->job->db) : HA_DB_AT_SYN];
}

const struct way way_mysql = {
	.start = start,
	.stop = stop,
	.awaiting = awaiting,
};
