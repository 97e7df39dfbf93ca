/* SPDX-License-Identifier: ISC */
/*
 * mysql-login - mysql:// with a defaults-file: log in and ask whether the server
 * can be written to.
 *
 * libmariadb is loaded at the first such target.  Its functions that do not
 * block do so all the same in the TLS handshake (3.3: ma_tls_connect() polls),
 * so each login runs in a thread of its own, and the loop only hears when it is
 * over.  A thread whose probe is over ends by itself, at its own deadline.
 *
 * Source: MariaDB Connector/C, API reference.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <dlfcn.h>
#include <mariadb/errmsg.h>
#include <mariadb/mysql.h>

#include "alloc.h"
#include "clock.h"
#include "dialog.h"
#include "fs.h"
#include "mysql.h"
#include "socket.h"

#define LIBRARY "libmariadb.so.3"
#define PACKAGE "libmariadb3"
#define STACK (512 * 1024)
#define MAX_DEFAULTS (64 * 1024)
/* So that the loop's own deadline comes first, with its words. */
#define GRACE_NS HA_S_NS

/* Ways to log in that don't show the password to whoever answers. */
#define PLUGINS "mysql_native_password,client_ed25519,parsec"
/* This one does, by a key that it asks him for, or in clear within TLS. */
#define PLUGINS_VERIFIED PLUGINS ",caching_sha2_password"

#define FUNCTIONS(X)                                                           \
	X(mariadb_get_infov)                                                   \
	X(mysql_close)                                                         \
	X(mysql_errno)                                                         \
	X(mysql_error)                                                         \
	X(mysql_fetch_row)                                                     \
	X(mysql_free_result)                                                   \
	X(mysql_get_ssl_cipher)                                                \
	X(mysql_init)                                                          \
	X(mysql_num_fields)                                                    \
	X(mysql_options)                                                       \
	X(mysql_optionsv)                                                      \
	X(mysql_query)                                                         \
	X(mysql_real_connect)                                                  \
	X(mysql_server_init)                                                   \
	X(mysql_store_result)

/* <ma_pvio.h>, which needs what is not installed: after each read or write. */
typedef void traffic_function(
    int is_write, MYSQL *mysql, const unsigned char *data, size_t len);
extern int ma_pvio_register_callback(my_bool on, traffic_function *traffic);

#define MEMBER(name) __typeof__(name) *(name);
static struct {
	FUNCTIONS(MEMBER)
	MEMBER(ma_pvio_register_callback)
} api;

enum step {
	AT_SYN,
	AT_GREETING,
	AT_LOGIN,
	AT_QUERY,
};

/* One login to one address; owned by the way and the thread together. */
struct job {
	atomic_int owners;
	atomic_int step;
	atomic_int is_done;
	int done_fd; /* eventfd(2), raised when is_done */

	/* What the thread is told. */
	char *address; /* without port */
	char *name; /* that the certificate has to bear */
	char *source, *defaults_file;
	unsigned port;
	struct ha_buf proxy_header; /* or empty */
	int64_t deadline_ns;

	/* What it tells; to be read when is_done. */
	unsigned error; /* an error's number, 0 when it went well */
	int is_local; /* that error is this machine's */
	int sys; /* connect(2)'s errno, if it was that */
	int is_at_once; /* it returned it itself */
	struct ha_buf words; /* the error's, or the server's version and mode */
	int64_t connect_ns, first_ns;
	char tls_version[16], tls_cipher[64];
};

struct talk {
	struct probe *probe;
	struct loop_source source;
	struct loop_timer share;
	struct job *job;
};

static _Thread_local struct job *running;

static void try_addresses(struct talk *talk);

static int
keep_socket_error(my_socket fd)
{
	socklen_t len = sizeof(errno);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno, &len) != 0 ||
	    errno == 0)
		errno = EIO;
	if (atomic_load(&running->step) == AT_SYN)
		running->sys = errno;
	return -1;
}

static int
wait_io(my_socket fd, my_bool is_read, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = is_read ? POLLIN : POLLOUT };
	int syn = AT_SYN, n;

	(void)timeout;
	if (is_read &&
	    atomic_compare_exchange_strong(&running->step, &syn, AT_GREETING))
		running->connect_ns = ha_clock_now_ns();
	do
		n = poll(&pfd, 1, ha_clock_poll_ms(running->deadline_ns));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		errno = ETIMEDOUT;
	/* The library would tell of EINPROGRESS. */
	if (n > 0 && !is_read && pfd.revents & (POLLERR | POLLHUP))
		return keep_socket_error(fd);
	return n;
}

/*
 * The library was given an address and would look for it in the certificate.
 * It knows its host from the greeting on, and this is called before the
 * handshake of TLS, after the request for it was written.
 */
static void
traffic(int is_write, MYSQL *mysql, const unsigned char *data, size_t len)
{
	char *name;

	(void)data;
	(void)len;
	if (!running)
		return;
	if (running->first_ns == 0) {
		running->first_ns = ha_clock_now_ns();
		if (running->connect_ns == 0)
			running->connect_ns = running->first_ns;
		atomic_store(&running->step, AT_LOGIN);
	}
	if (!is_write || !mysql->host)
		return;
	name = strdup(running->name);
	if (name) {
		free(mysql->host);
		mysql->host = name;
	}
}

static int
load(struct ha_err *err)
{
	static const struct {
		const char *name;
		size_t member;
	} table[] = {
#define ENTRY(name) { #name, offsetof(__typeof__(api), name) },
		FUNCTIONS(ENTRY) ENTRY(ma_pvio_register_callback)
	};
	static int is_loaded;
	void *library, *function;

	if (is_loaded)
		return 0;
	library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	if (!library)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "can't load " LIBRARY " (package " PACKAGE "): %s",
		    dlerror());
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		function = dlsym(library, table[i].name);
		if (!function)
			return ha_err_set(err, EX_UNAVAILABLE, 0,
			    LIBRARY " is too old: it has no %s", table[i].name);
		memcpy((char *)&api + table[i].member, &function,
		    sizeof(function));
	}
	if (api.mysql_server_init(0, NULL, NULL) ||
	    api.ma_pvio_register_callback(1, traffic))
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, LIBRARY " does not start");
	is_loaded = 1;
	return 0;
}

static void
release(struct job *job)
{
	if (atomic_fetch_sub(&job->owners, 1) > 1)
		return;
	close(job->done_fd);
	free(job->address);
	free(job->name);
	free(job->source);
	free(job->defaults_file);
	ha_buf_release(&job->proxy_header);
	ha_buf_release(&job->words);
	free(job);
}

/* "key = value", in the spelling that the library takes, too: "key_name". */
static int
is_key(const char *line, const char *key)
{
	while (*key && (*line == *key || (*line == '_' && *key == '-')))
		line++, key++;
	return *key == '\0' && strchr(" \t=\n", *line) != NULL;
}

/* A file that a line names is there, or the error is ours. */
static int
check_file(const char *line, struct ha_err *err)
{
	size_t len = strcspn(line, "\n"), skip = strcspn(line, "=\n");
	char *path;
	int rc = 0;

	skip += line[skip] == '=';
	while (skip < len && strchr(" \t\"'", line[skip]))
		skip++;
	while (len > skip && strchr(" \t\r\"'", line[len - 1]))
		len--;
	path = ha_xmemdup(line + skip, len - skip);
	if (access(path, R_OK) != 0)
		rc =
		    ha_err_set(err, EX_NOINPUT, errno, "can't read '%s'", path);
	free(path);
	return rc;
}

static int
scan_line(const char *line, my_bool *verify, struct ha_err *err)
{
	static const struct {
		const char *key;
		int is_authority;
	} files[] = {
		{ "ssl-ca", 1 },
		{ "ssl-capath", 1 },
		{ "ssl-cert", 0 },
		{ "ssl-key", 0 },
		{ "tls-ca", 1 },
		{ "tls-capath", 1 },
		{ "tls-cert", 0 },
		{ "tls-key", 0 },
	};

	line += strspn(line, " \t");
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!is_key(line, files[i].key))
			continue;
		*verify |= (my_bool)files[i].is_authority;
		return check_file(line, err);
	}
	return 0;
}

/*
 * Does the file ask for TLS?  With a file that names an authority the library
 * alone would check the chain but not the name, and go on in clear when the
 * server, or whoever answers, has no TLS.
 */
static int
scan_defaults(const char *file, my_bool *verify, struct ha_err *err)
{
	struct ha_buf text = HA_BUF_INIT;
	int rc = ha_fs_read_file(file, MAX_DEFAULTS, &text, err);
	const char *line = text.data;

	*verify = 0;
	while (rc == 0 && *line) {
		rc = scan_line(line, verify, err);
		line += strcspn(line, "\n");
		line += *line != '\0';
	}
	explicit_bzero(text.data, text.len);
	ha_buf_release(&text);
	return rc;
}

static void
set_options(MYSQL *mysql, const struct job *job, my_bool verify)
{
	/* wait_io() knows the deadline; they only may not be 0. */
	const unsigned hour = 3600, no = 0;

	api.mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &hour);
	api.mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &hour);
	api.mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &hour);
	api.mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, wait_io);
	api.mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
	    verify ? PLUGINS_VERIFIED : PLUGINS);
	/* What the server names first need not be the account's. */
	if (!verify)
		api.mysql_options(
		    mysql, MYSQL_DEFAULT_AUTH, "mysql_native_password");
	/* A server may ask its client for any file. */
	api.mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
	if (verify)
		api.mysql_options(
		    mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	if (job->source)
		api.mysql_options(mysql, MYSQL_OPT_BIND, job->source);
	if (job->proxy_header.len > 0)
		api.mysql_optionsv(mysql, MARIADB_OPT_PROXY_HEADER,
		    job->proxy_header.data, job->proxy_header.len);
	api.mysql_options(mysql, MYSQL_READ_DEFAULT_FILE, job->defaults_file);
	api.mysql_options(mysql, MYSQL_READ_DEFAULT_GROUP, "client");
}

/* What connect(2) returned at once is in the message: "... (101)". */
static int
connect_errno(const char *text)
{
	const char *number = strrchr(text, '(');

	return number ? (int)strtol(number + 1, NULL, 10) : 0;
}

static void
keep_error(struct job *job, MYSQL *mysql)
{
	static const char doubt[] = "cannot be verified: ";
	const char *text = api.mysql_error(mysql);
	const char *inner = strstr(text, doubt);

	job->error = api.mysql_errno(mysql);
	/* Of its name the library's words hold what is left. */
	if (job->error == CR_PLUGIN_NOT_ALLOWED)
		text = "its plugin shows the password to whoever answers; "
		       "caching_sha2_password needs ssl-ca";
	if (atomic_load(&job->step) == AT_SYN && job->sys == 0) {
		job->sys = connect_errno(text);
		job->is_at_once = 1;
	}
	/* The server's error before TLS, in a cloak of the library's. */
	if (inner) {
		char *end;

		inner += sizeof(doubt) - 1;
		job->error = (unsigned)strtoul(inner, &end, 10);
		text = end + strspn(end, " -");
	}
	ha_buf_add_str(&job->words, text);
}

static void
keep_tls(struct job *job, MYSQL *mysql)
{
	const char *cipher = api.mysql_get_ssl_cipher(mysql), *version = NULL;

	if (!cipher)
		return;
	snprintf(job->tls_cipher, sizeof(job->tls_cipher), "%s", cipher);
	api.mariadb_get_infov(mysql, MARIADB_CONNECTION_TLS_VERSION, &version);
	snprintf(job->tls_version, sizeof(job->tls_version), "%s",
	    version ? version : "");
}

static int
is_off(const char *value)
{
	return strcmp(value, "0") == 0 || strcmp(value, "OFF") == 0;
}

static void
ask(struct job *job, MYSQL *mysql)
{
	static const char query[] = "SELECT @@version, @@global.read_only";
	MYSQL_RES *result;
	MYSQL_ROW row;

	atomic_store(&job->step, AT_QUERY);
	if (api.mysql_query(mysql, query) ||
	    !(result = api.mysql_store_result(mysql))) {
		keep_error(job, mysql);
		return;
	}
	row = api.mysql_num_fields(result) == 2 ? api.mysql_fetch_row(result)
						: NULL;
	if (row && row[0] && row[1]) {
		ha_buf_addf(&job->words, "%s, %s", row[0],
		    is_off(row[1]) ? "writable" : "read only");
	} else {
		job->error = CR_UNKNOWN_ERROR;
		ha_buf_addf(&job->words, "no answer to %s", query);
	}
	api.mysql_free_result(result);
}

static void
log_in(struct job *job)
{
	MYSQL *mysql = api.mysql_init(NULL);
	struct ha_err err;
	my_bool verify;

	if (!mysql) {
		ha_err_set(&err, EX_OSERR, ENOMEM, "mysql_init");
	} else if (scan_defaults(job->defaults_file, &verify, &err) == 0) {
		set_options(mysql, job, verify);
		if (api.mysql_real_connect(mysql, job->address, NULL, NULL,
			NULL, job->port, NULL, 0)) {
			keep_tls(job, mysql);
			ask(job, mysql);
		} else {
			keep_error(job, mysql);
		}
		api.mysql_close(mysql);
		return;
	}
	job->error = CR_UNKNOWN_ERROR;
	job->is_local = 1;
	ha_buf_add_str(&job->words, err.msg);
	if (mysql)
		api.mysql_close(mysql);
}

static void *
run_job(void *context)
{
	struct job *job = context;

	running = job;
	log_in(job);
	running = NULL;
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

	if (job->is_local)
		probe_fail(probe, FAULT_LOCAL, "%s", words);
	else
		probe_fail(probe, mysql_blame(job->error), "%.*s",
		    dialog_line(words, job->words.len), words);
}

static void
tell(struct talk *talk, const struct job *job)
{
	struct seen *seen = &talk->probe->seen;

	seen->connect_ns = job->connect_ns;
	seen->first_ns = job->first_ns;
	memcpy(seen->tls_version, job->tls_version, sizeof(job->tls_version));
	memcpy(seen->tls_cipher, job->tls_cipher, sizeof(job->tls_cipher));
	if (job->error != 0) {
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
	int sys, is_at_once;

	(void)events;
	if (!atomic_load(&job->is_done))
		return;
	sys = job->error != 0 ? job->sys : 0;
	is_at_once = job->is_at_once;
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
	struct ha_err err;

	probe->talk = talk;
	talk->probe = probe;
	talk->source.fd = -1;
	talk->source.ready = ready;
	talk->share.fire = share_over;
	if (source && !address_parse(&address, source, AF_UNSPEC))
		probe_fail(probe, FAULT_LOCAL,
		    "a login to mysql needs an address, no interface, as "
		    "source");
	else if (load(&err))
		probe_fail(probe, FAULT_LOCAL, "%s", err.msg);
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
		[AT_SYN] = "no answer to SYN",
		[AT_GREETING] = "no greeting",
		[AT_LOGIN] = "no answer to the login",
		[AT_QUERY] = "no answer to the query",
	};
	const struct talk *talk = probe->talk;

	return owed[talk->job ? atomic_load(&talk->job->step) : AT_SYN];
}

const struct way way_mysql = {
	.start = start,
	.stop = stop,
	.awaiting = awaiting,
};
