/* SPDX-License-Identifier: ISC */
/*
 * db - a connection to MySQL or MariaDB, with a deadline on everything.
 *
 * The library's functions that do not block do so all the same in the TLS
 * handshake, so the blocking ones are used, whose every wait comes to wait_io().
 * What doesn't wait because bytes keep coming is watched by traffic().  Both
 * know their connection by a variable of the thread.
 *
 * Source: MariaDB Connector/C, API reference and source (3.3).
 */
#include "db.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <dlfcn.h>
#include <mariadb/errmsg.h>
#include <mariadb/mysql.h>

#include "alloc.h"
#include "clock.h"
#include "db-defaults.h"

#define LIBRARY "libmariadb.so.3"
#define PACKAGE "libmariadb3"

/* Ways to log in that don't show the password to whoever answers. */
#define PLUGINS "mysql_native_password,client_ed25519,parsec"
/* This one does, by a key that it asks him for, or in clear within TLS. */
#define PLUGINS_TRUSTING PLUGINS ",caching_sha2_password"

/* Errors of servers: <mysqld_error.h>, and MySQL "Server Error Reference". */
#define ER_ACCESS_DENIED 1045
#define ER_SYNTAX 1064

/* A comment may end a statement. */
#define SEPARATOR "\n;"

#define FUNCTIONS(X)                                                           \
	X(mariadb_get_infov)                                                   \
	X(mysql_affected_rows)                                                 \
	X(mysql_close)                                                         \
	X(mysql_errno)                                                         \
	X(mysql_error)                                                         \
	X(mysql_fetch_field_direct)                                            \
	X(mysql_fetch_lengths)                                                 \
	X(mysql_fetch_row)                                                     \
	X(mysql_field_count)                                                   \
	X(mysql_free_result)                                                   \
	X(mysql_get_server_info)                                               \
	X(mysql_get_socket)                                                    \
	X(mysql_get_ssl_cipher)                                                \
	X(mysql_init)                                                          \
	X(mysql_more_results)                                                  \
	X(mysql_next_result)                                                   \
	X(mysql_num_fields)                                                    \
	X(mysql_options)                                                       \
	X(mysql_optionsv)                                                      \
	X(mysql_real_connect)                                                  \
	X(mysql_real_query)                                                    \
	X(mysql_server_init)                                                   \
	X(mysql_thread_id)                                                     \
	X(mysql_use_result)

/* <ma_pvio.h>, which needs what is not installed: after each read or write. */
typedef void traffic_function(
    int is_write, MYSQL *mysql, const unsigned char *data, size_t len);
extern int ma_pvio_register_callback(my_bool on, traffic_function *traffic);

#define MEMBER(name) __typeof__(name) *(name);
static struct {
	FUNCTIONS(MEMBER)
	MEMBER(ma_pvio_register_callback)
} api;

enum tls {
	TLS_NONE,
	TLS_ANY, /* if the server has it, whoever it is */
	TLS_VERIFIED,
};

/* One way to the server. */
struct way {
	const char *socket; /* NULL: address */
	const char *address; /* numeric; NULL: the usual socket */
	unsigned port;
	const char *name; /* for the certificate */
	enum tls tls;
	int may_trust; /* the peer with PLUGINS_TRUSTING */
	int trusts_tls; /* ... if it offers TLS */
};

struct ha_db {
	MYSQL *mysql; /* NULL: not connected */
	atomic_int step;
	int is_dead; /* no statement may follow */
	int is_late, is_too_large; /* why it was severed */
	int is_sending; /* a statement; nothing of it was answered */
	int64_t deadline_ns;
	size_t heard; /* bytes in this call */
	const char *name; /* the certificate's, while connecting */
	int trusts_tls;
	int sys, is_at_once; /* of connect(2) */
	unsigned error;
	int is_local;
	int64_t connected_ns, greeted_ns;
	char version[64], tls_version[16], tls_cipher[64];
};

static _Thread_local struct ha_db *running;

/*
 * Within TLS the library writes by write(2), which may raise SIGPIPE; only this
 * thread gets it.
 */
struct guard {
	struct ha_db *outer;
	sigset_t old;
	int was_pending;
};

static void
enter(struct guard *guard, struct ha_db *db, int64_t deadline_ns)
{
	sigset_t pipe_only, pending;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigpending(&pending);
	guard->was_pending = sigismember(&pending, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &guard->old);
	guard->outer = running;
	running = db;
	db->deadline_ns = deadline_ns;
	db->heard = 0;
}

static void
leave(const struct guard *guard)
{
	static const struct timespec at_once;
	sigset_t pipe_only;

	running = guard->outer;
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	if (!guard->was_pending)
		while (sigtimedwait(&pipe_only, NULL, &at_once) < 0 &&
		       errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &guard->old, NULL);
}

static int
keep_socket_error(my_socket fd)
{
	socklen_t len = sizeof(errno);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errno, &len) != 0 ||
	    errno == 0)
		errno = EIO;
	if (atomic_load(&running->step) == HA_DB_AT_SYN)
		running->sys = errno;
	return -1;
}

static void
keep_connected(struct ha_db *db)
{
	int syn = HA_DB_AT_SYN;

	if (atomic_compare_exchange_strong(&db->step, &syn, HA_DB_AT_GREETING))
		db->connected_ns = ha_clock_now_ns();
}

static int
wait_io(my_socket fd, my_bool is_read, int timeout)
{
	struct pollfd pfd = { .fd = fd, .events = is_read ? POLLIN : POLLOUT };
	int n;

	(void)timeout;
	if (is_read)
		keep_connected(running);
	/* Within TLS it waits for a read even when it has to write. */
	if (running->is_sending)
		pfd.events |= POLLOUT;
	do
		n = poll(&pfd, 1, ha_clock_poll_ms(running->deadline_ns));
	while (n < 0 && errno == EINTR);
	if (n == 0) {
		running->is_late = 1;
		errno = ETIMEDOUT;
	}
	/* The library would tell of EINPROGRESS. */
	if (n > 0 && !is_read && pfd.revents & (POLLERR | POLLHUP))
		return keep_socket_error(fd);
	return n;
}

/* The library reads on as long as bytes come: put a dead socket in its place. */
static void
sever(MYSQL *mysql)
{
	int fd = api.mysql_get_socket(mysql);
	int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (dead < 0 || dup3(dead, fd, O_CLOEXEC) < 0)
		shutdown(fd, SHUT_RDWR);
	if (dead >= 0)
		close(dead);
}

static void
hear(MYSQL *mysql, size_t len)
{
	int64_t now_ns = ha_clock_now_ns();
	int fd;

	running->is_sending = 0;
	keep_connected(running);
	if (running->greeted_ns == 0) {
		running->greeted_ns = now_ns;
		atomic_store(&running->step, HA_DB_AT_LOGIN);
		/* Or the handshake of TLS would block in read(2). */
		fd = api.mysql_get_socket(mysql);
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	}
	running->heard += len;
	running->is_too_large |= running->heard > HA_DB_MAX_RESULT;
	running->is_late |= now_ns > running->deadline_ns;
	if (running->is_too_large || running->is_late)
		sever(mysql);
}

/*
 * Of a greeting: version, connection's id, scramble.  Without TLS the library
 * would send the password as it is, so it may not before that is known.
 * Source: MySQL "Protocol::HandshakeV10".
 */
static int
offers_tls(const unsigned char *data, size_t len)
{
	const size_t version = 5, rest = 4 + 9;
	const unsigned char *end = NULL, *flags;

	if (len > version)
		end = memchr(data + version, 0, len - version);
	flags = end ? end + 1 + rest : NULL;
	return flags && flags + 2 <= data + len &&
	       ((flags[0] | flags[1] << 8) & CLIENT_SSL);
}

static void
traffic(int is_write, MYSQL *mysql, const unsigned char *data, size_t len)
{
	char *name;

	if (!running)
		return;
	/* A read that failed gave -1. */
	if (!is_write) {
		if (len == 0 || len > SSIZE_MAX)
			return;
		if (running->trusts_tls && offers_tls(data, len))
			api.mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
			    PLUGINS_TRUSTING);
		running->trusts_tls = 0;
		hear(mysql, len);
		return;
	}
	running->is_sending = 0;
	/*
	 * It was given an address and would look for that in the certificate.
	 * It knows its host from the greeting on, and this is called before
	 * the handshake of TLS, after the request for it was written.
	 */
	if (!running->name || !mysql->host)
		return;
	name = strdup(running->name);
	if (name) {
		free(mysql->host);
		mysql->host = name;
	}
}

static int
find_functions(void *library, struct ha_err *err)
{
	static const struct {
		const char *name;
		size_t member;
	} table[] = {
#define ENTRY(name) { #name, offsetof(__typeof__(api), name) },
		FUNCTIONS(ENTRY) ENTRY(ma_pvio_register_callback)
	};
	void *function;

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		function = dlsym(library, table[i].name);
		if (!function)
			return ha_err_set(err, EX_OSERR, 0,
			    LIBRARY " is too old: it has no %s", table[i].name);
		memcpy((char *)&api + table[i].member, &function,
		    sizeof(function));
	}
	return 0;
}

/* It would catch SIGPIPE for good. */
static int
start_library(struct ha_err *err)
{
	struct sigaction old;
	int failed;

	sigaction(SIGPIPE, NULL, &old);
	failed = api.mysql_server_init(0, NULL, NULL) ||
		 api.ma_pvio_register_callback(1, traffic);
	sigaction(SIGPIPE, &old, NULL);
	return failed ? ha_err_set(err, EX_OSERR, 0, LIBRARY " does not start")
		      : 0;
}

static int
load(struct ha_err *err)
{
	static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
	static int is_loaded;
	void *library;
	int rc = 0;

	pthread_mutex_lock(&mutex);
	if (!is_loaded) {
		library =
		    dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
		rc = library ? find_functions(library, err)
			     : ha_err_set(err, EX_OSERR, 0,
				   "can't load " LIBRARY " (package " PACKAGE
				   "): %s",
				   dlerror());
		if (rc == 0)
			rc = start_library(err);
		is_loaded = rc == 0;
	}
	pthread_mutex_unlock(&mutex);
	return rc;
}

struct ha_db *
ha_db_new(void)
{
	struct ha_db *db = ha_xcalloc(1, sizeof(*db));

	atomic_init(&db->step, HA_DB_AT_SYN);
	return db;
}

static void
disconnect(struct ha_db *db)
{
	struct guard guard;

	if (!db->mysql)
		return;
	/* It writes a farewell: what can't go at once doesn't. */
	enter(&guard, db, 0);
	api.mysql_close(db->mysql);
	db->mysql = NULL;
	leave(&guard);
}

void
ha_db_free(struct ha_db *db)
{
	if (!db)
		return;
	disconnect(db);
	free(db);
}

/* The server's words, without what a terminal would obey. */
static char *
clean(const char *text, size_t len)
{
	char *words = ha_xmemdup(text, len);

	for (size_t i = 0; i < len; i++) {
		unsigned char byte = (unsigned char)words[i];

		if (byte == 0xc2 && i + 1 < len &&
		    ((unsigned char)words[i + 1] & 0xe0) == 0x80)
			words[i] = words[i + 1] = ' ';
		else if (byte < 0x20 || byte == 0x7f)
			words[i] = ' ';
	}
	return words;
}

/*
 * The words of a syntax error quote all that was sent from there on, with its
 * secrets, and with the statements behind it.
 */
static char *
error_words(const char *text, unsigned error, const char *sql)
{
	const char *quoted = strstr(text, " near '"), *end;
	char *cut, *words;

	if (!sql || !quoted || error != ER_SYNTAX)
		return clean(text, strlen(text));
	if (strcasestr(sql, "password") || strcasestr(sql, "identified"))
		return clean(text, (size_t)(quoted - text));
	end = strstr(quoted, SEPARATOR);
	if (!end)
		return clean(text, strlen(text));
	cut = ha_xasprintf("%.*s'", (int)(end - text), text);
	words = clean(cut, strlen(cut));
	free(cut);
	return words;
}

static int
is_connection_error(unsigned error)
{
	/* Shutdown, and kinds of "killed". */
	static const unsigned ends[] = { 1053, 1927, 3169, 4031 };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (error == ends[i])
			return 1;
	return (error >= CR_MIN_ERROR && error <= CR_MAX_ERROR) ||
	       (error >= CER_MIN_ERROR && error <= CER_MAX_ERROR);
}

static int
is_login_error(unsigned error)
{
	/* Denied, from this host, locked, expired, TLS demanded, ... */
	static const unsigned refused[] = { 1044, ER_ACCESS_DENIED, 1130, 1251,
		1275, 1396, 1524, 1698, 1862, 3118, 3159, 4151,
		CR_AUTH_PLUGIN_CANNOT_LOAD, CR_AUTH_PLUGIN_ERR,
		CR_PLUGIN_NOT_ALLOWED, CR_SECURE_AUTH };

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (error == refused[i])
			return 1;
	return 0;
}

static int
is_local_errno(int sys)
{
	static const int local[] = { EMFILE, ENFILE, ENOBUFS, ENOMEM, EACCES,
		EPERM, EADDRNOTAVAIL, EAFNOSUPPORT, ENETDOWN };

	for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		if (sys == local[i])
			return 1;
	return 0;
}

static int
fail_late(struct ha_db *db, struct ha_err *err)
{
	static const char *const owed[] = {
		[HA_DB_AT_SYN] = "no answer to SYN",
		[HA_DB_AT_GREETING] = "no greeting",
		[HA_DB_AT_LOGIN] = "no answer to the login",
		[HA_DB_AT_QUERY] = "no answer to a statement",
	};

	db->error = CR_SERVER_LOST;
	return ha_err_set(
	    err, EX_UNAVAILABLE, 0, "%s in time", owed[atomic_load(&db->step)]);
}

/* What connect(2) returned at once is in the message: "... (101)". */
static int
connect_errno(const char *text)
{
	const char *number = strrchr(text, '(');

	return number ? (int)strtol(number + 1, NULL, 10) : 0;
}

static int
fail_syn(struct ha_db *db, const struct way *way, const char *text,
    struct ha_err *err)
{
	const char *socket = way->socket ? way->socket : "MySQL's usual socket";

	if (db->sys == 0) {
		db->sys = connect_errno(text);
		db->is_at_once = 1;
	}
	db->is_local = is_local_errno(db->sys) ||
		       (db->is_at_once &&
			   (db->sys == ENETUNREACH || db->sys == EHOSTUNREACH));
	if (way->address)
		return ha_err_set(err, EX_UNAVAILABLE, db->sys,
		    strchr(way->address, ':') ? "can't connect to [%s]:%u"
					      : "can't connect to %s:%u",
		    way->address, way->port);
	if (db->sys == EAGAIN)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "can't connect to %s: its queue is full", socket);
	return ha_err_set(
	    err, EX_UNAVAILABLE, db->sys, "can't connect to %s", socket);
}

/* Did the peer go away in the handshake, rather than show the wrong thing? */
static int
is_gone(const char *text)
{
	static const char *const signs[] = { "unexpected eof", "reset by peer",
		"Broken pipe", "not connected" };

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (strstr(text, signs[i]))
			return 1;
	return 0;
}

static int
fail_login(struct ha_db *db, const struct way *way, const char *text,
    struct ha_err *err)
{
	static const char doubt[] = "cannot be verified: ";
	const char *inner = strstr(text, doubt);
	int status = EX_UNAVAILABLE;
	char *words, *end;

	/* The server's error before TLS, in a cloak of the library's. */
	if (inner) {
		inner += sizeof(doubt) - 1;
		db->error = (unsigned)strtoul(inner, &end, 10);
		text = end + strspn(end, " -");
	}
	/* Of its name the library's words hold what is left. */
	if (db->error == CR_PLUGIN_NOT_ALLOWED)
		text = "its plugin shows the password to whoever answers; "
		       "caching_sha2_password needs ssl-ca";
	if (is_login_error(db->error) ||
	    (db->error == CR_SSL_CONNECTION_ERROR && way->tls == TLS_VERIFIED &&
		!is_gone(text)))
		status = EX_NOPERM;
	words = error_words(text, db->error, NULL);
	if (db->error == CR_SSL_CONNECTION_ERROR)
		ha_err_set(
		    err, status, 0, "no TLS with %s: %s", way->name, words);
	else
		ha_err_set(err, status, 0, "%s", words);
	free(words);
	return -1;
}

static int
fail_connect(struct ha_db *db, const struct way *way, struct ha_err *err)
{
	const char *text = api.mysql_error(db->mysql);

	db->error = api.mysql_errno(db->mysql);
	if (db->is_late)
		return fail_late(db, err);
	if (db->is_too_large)
		return ha_err_set(err, EX_UNAVAILABLE, 0, "it says too much");
	if (atomic_load(&db->step) == HA_DB_AT_SYN)
		return fail_syn(db, way, text, err);
	return fail_login(db, way, text, err);
}

static void
set_tls(
    MYSQL *mysql, const struct way *way, const struct ha_db_defaults *defaults)
{
	const my_bool is_tls = way->tls != TLS_NONE;
	const my_bool verify = way->tls == TLS_VERIFIED;
	const struct {
		enum mysql_option option;
		const char *value;
		int is_authority;
	} table[] = {
		{ MYSQL_OPT_SSL_CA, defaults->ssl_ca, 1 },
		{ MYSQL_OPT_SSL_CAPATH, defaults->ssl_capath, 1 },
		{ MYSQL_OPT_SSL_CRL, defaults->ssl_crl, 1 },
		{ MYSQL_OPT_SSL_CRLPATH, defaults->ssl_crlpath, 1 },
		{ MYSQL_OPT_SSL_CERT, defaults->ssl_cert, 0 },
		{ MYSQL_OPT_SSL_KEY, defaults->ssl_key, 0 },
		{ MYSQL_OPT_SSL_CIPHER, defaults->ssl_cipher, 0 },
	};

	api.mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &is_tls);
	api.mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
	if (!is_tls)
		return;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].value && (verify || !table[i].is_authority))
			api.mysql_options(
			    mysql, table[i].option, table[i].value);
	if (defaults->tls_version)
		api.mysql_optionsv(
		    mysql, MARIADB_OPT_TLS_VERSION, defaults->tls_version);
}

static void
set_options(MYSQL *mysql, const struct way *way,
    const struct ha_db_options *options, const struct ha_db_defaults *defaults)
{
	/*
	 * wait_io() knows the deadline; they only may not be 0.  But a socket
	 * whose queue is full is tried again for as long as the first says, and
	 * up to a second more.
	 */
	const unsigned hour = 3600, connecting = way->address ? 1 : 0;
	const unsigned no = 0;
	const char *source =
	    options->source ? options->source : defaults->source;

	api.mysql_options(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connecting);
	api.mysql_options(mysql, MYSQL_OPT_READ_TIMEOUT, &hour);
	api.mysql_options(mysql, MYSQL_OPT_WRITE_TIMEOUT, &hour);
	api.mysql_optionsv(mysql, MARIADB_OPT_IO_WAIT, wait_io);
	api.mysql_options(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
	api.mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
	    way->may_trust ? PLUGINS_TRUSTING : PLUGINS);
	/* What the server names first need not be the account's. */
	if (!way->may_trust)
		api.mysql_options(
		    mysql, MYSQL_DEFAULT_AUTH, "mysql_native_password");
	/* A server may ask its client for any file. */
	api.mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &no);
	if (way->address && source)
		api.mysql_options(mysql, MYSQL_OPT_BIND, source);
	if (options->proxy_header && options->proxy_header->len > 0)
		api.mysql_optionsv(mysql, MARIADB_OPT_PROXY_HEADER,
		    options->proxy_header->data, options->proxy_header->len);
	set_tls(mysql, way, defaults);
}

static void
keep_session(struct ha_db *db)
{
	const char *cipher = api.mysql_get_ssl_cipher(db->mysql);
	const char *version = api.mysql_get_server_info(db->mysql);
	char *words;

	words = clean(version ? version : "", version ? strlen(version) : 0);
	snprintf(db->version, sizeof(db->version), "%s", words);
	free(words);
	if (!cipher)
		return;
	snprintf(db->tls_cipher, sizeof(db->tls_cipher), "%s", cipher);
	version = NULL;
	api.mariadb_get_infov(
	    db->mysql, MARIADB_CONNECTION_TLS_VERSION, &version);
	snprintf(db->tls_version, sizeof(db->tls_version), "%s",
	    version ? version : "");
}

/* One address, or the socket; what fails is in db and err. */
static int
try_way(struct ha_db *db, const struct way *way,
    const struct ha_db_options *options, const struct ha_db_defaults *defaults,
    int64_t deadline_ns, struct ha_err *err)
{
	const char *user = options->user ? options->user : defaults->user;
	const char *password =
	    options->password ? options->password : defaults->password;
	struct guard guard;
	int rc = 0;

	atomic_store(&db->step, HA_DB_AT_SYN);
	db->sys = db->is_at_once = db->is_late = db->is_local = 0;
	db->error = 0;
	db->name = way->name;
	db->trusts_tls = way->trusts_tls;
	db->mysql = api.mysql_init(NULL);
	if (!db->mysql)
		return ha_err_set(err, EX_OSERR, ENOMEM, "mysql_init");
	set_options(db->mysql, way, options, defaults);
	enter(&guard, db, deadline_ns);
	if (!api.mysql_real_connect(db->mysql, way->address, user, password,
		NULL, way->port, way->socket, CLIENT_MULTI_STATEMENTS))
		rc = fail_connect(db, way, err);
	leave(&guard);
	db->name = NULL;
	if (rc == 0) {
		keep_session(db);
		atomic_store(&db->step, HA_DB_AT_QUERY);
	} else {
		disconnect(db);
	}
	return rc;
}

static int
is_loopback(const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	if (address->sa_family == AF_INET)
		return ntohl(in->sin_addr.s_addr) >> 24 == 127;
	return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr) ||
	       (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr) &&
		   in6->sin6_addr.s6_addr[12] == 127);
}

static void
choose_tls(struct way *way, const struct ha_db_options *options,
    const struct ha_db_defaults *defaults, int is_here)
{
	int has_authority = defaults->ssl_ca || defaults->ssl_capath;
	int is_asked = has_authority || defaults->tls > 0;
	int is_certain = options->tls_if_asked && has_authority;

	way->may_trust = is_here;
	if (defaults->tls < 0 && !is_certain)
		way->tls = TLS_NONE;
	else if (options->insecure && !is_certain)
		way->tls = TLS_ANY;
	else if (is_asked || (!is_here && !options->tls_if_asked))
		way->tls = TLS_VERIFIED;
	if (options->tls_if_asked || way->tls == TLS_VERIFIED)
		way->may_trust = way->tls == TLS_VERIFIED;
	else if (way->tls == TLS_ANY && !is_here)
		way->trusts_tls = 1;
}

static int
fail_lookup(struct ha_db *db, const char *host, int rc, struct ha_err *err)
{
	db->error = CR_UNKNOWN_HOST;
	db->is_local = rc != EAI_NONAME && rc != EAI_NODATA;
	return ha_err_set(err, EX_UNAVAILABLE, 0, "can't look up %s: %s", host,
	    rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
}

/* Of those that are left each gets its share of the time that is left. */
static int64_t
share_ns(int64_t deadline_ns, const struct addrinfo *left)
{
	int64_t now_ns = ha_clock_now_ns(), count = 0;

	if (deadline_ns == HA_CLOCK_NEVER || deadline_ns <= now_ns)
		return deadline_ns;
	for (; left; left = left->ai_next)
		count++;
	return now_ns + (deadline_ns - now_ns) / count;
}

static int
try_addresses(struct ha_db *db, const char *host, const struct way *base,
    const struct ha_db_options *options, const struct ha_db_defaults *defaults,
    struct ha_err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char address[NI_MAXHOST];
	struct way way = *base;
	struct addrinfo *list;
	int rc = getaddrinfo(host, NULL, &hints, &list);

	if (rc != 0)
		return fail_lookup(db, host, rc, err);
	for (const struct addrinfo *at = list; at; at = at->ai_next) {
		if (getnameinfo(at->ai_addr, at->ai_addrlen, address,
			sizeof(address), NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		way.address = address;
		choose_tls(&way, options, defaults, is_loopback(at->ai_addr));
		rc = try_way(db, &way, options, defaults,
		    share_ns(options->deadline_ns, at), err);
		if (rc == 0 || atomic_load(&db->step) != HA_DB_AT_SYN)
			break;
	}
	freeaddrinfo(list);
	return rc;
}

static int
check_files(const struct ha_db_defaults *defaults, struct ha_err *err)
{
	const char *const files[] = { defaults->ssl_ca, defaults->ssl_capath,
		defaults->ssl_cert, defaults->ssl_key, defaults->ssl_crl,
		defaults->ssl_crlpath };

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (files[i] && access(files[i], R_OK) != 0)
			return ha_err_set(err, EX_NOINPUT, errno,
			    "can't read '%s'", files[i]);
	return 0;
}

static int
connect_by(struct ha_db *db, const struct ha_db_options *options,
    const struct ha_db_defaults *defaults, struct ha_err *err)
{
	const char *host = options->host;
	struct way way = { .socket = options->socket, .may_trust = 1 };
	unsigned port = options->port ? options->port : defaults->port;

	if (!host && !way.socket) {
		host = defaults->host ? defaults->host : "localhost";
		if (!defaults->is_tcp && strcmp(host, "localhost") == 0) {
			host = NULL;
			way.socket = defaults->socket;
		}
	}
	if (!host || way.socket) {
		way.name = "localhost";
		return try_way(
		    db, &way, options, defaults, options->deadline_ns, err);
	}
	way.port = port ? port : MARIADB_PORT;
	way.name = options->name ? options->name : host;
	return try_addresses(db, host, &way, options, defaults, err);
}

int
ha_db_connect(
    struct ha_db *db, const struct ha_db_options *options, struct ha_err *err)
{
	struct ha_db_defaults defaults;
	int rc;

	db->is_local = 1;
	if (load(err))
		return -1;
	rc = ha_db_defaults_read(
	    &defaults, options->defaults_file, options->group, err);
	if (rc == 0)
		rc = check_files(&defaults, err);
	if (rc == 0) {
		db->is_local = 0;
		rc = connect_by(db, options, &defaults, err);
	}
	ha_db_defaults_release(&defaults);
	return rc;
}

unsigned
ha_db_error(const struct ha_db *db)
{
	return db->error;
}

int
ha_db_error_is_local(const struct ha_db *db)
{
	return db->is_local;
}

int
ha_db_connect_errno(const struct ha_db *db, int *at_once)
{
	*at_once = db->is_at_once;
	return db->sys;
}

enum ha_db_step
ha_db_step(const struct ha_db *db)
{
	return (enum ha_db_step)atomic_load(&db->step);
}

const char *
ha_db_version(const struct ha_db *db)
{
	return db->version;
}

uint64_t
ha_db_connection_id(const struct ha_db *db)
{
	return db->mysql ? api.mysql_thread_id(db->mysql) : 0;
}

const char *
ha_db_tls_version(const struct ha_db *db)
{
	return db->tls_version;
}

const char *
ha_db_tls_cipher(const struct ha_db *db)
{
	return db->tls_cipher;
}

int64_t
ha_db_connected_ns(const struct ha_db *db)
{
	return db->connected_ns;
}

int64_t
ha_db_greeted_ns(const struct ha_db *db)
{
	return db->greeted_ns;
}

void
ha_db_result_release(struct ha_db_result *result)
{
	free(result->names);
	free(result->cells);
	free(result->words);
	free(result->text);
	memset(result, 0, sizeof(*result));
}

static size_t
find_column(const struct ha_db_result *result, const char *name)
{
	size_t i = 0;

	while (i < result->columns && strcasecmp(result->names[i], name) != 0)
		i++;
	return i;
}

const char *
ha_db_get(const struct ha_db_result *result, size_t row, const char *name)
{
	size_t column = find_column(result, name);

	if (column == result->columns || row >= result->rows)
		return NULL;
	return result->cells[row * result->columns + column];
}

int
ha_db_has(const struct ha_db_result *result, const char *name)
{
	return find_column(result, name) < result->columns;
}

/* Text that moves as it grows, and where in it the cells are. */
struct cells {
	struct ha_buf text;
	size_t *offsets; /* SIZE_MAX: NULL */
	size_t count, room;
};

static void
add_cell(struct cells *cells, const char *data, size_t len)
{
	if (cells->count == cells->room) {
		cells->room = cells->room ? 2 * cells->room : 64;
		cells->offsets = ha_xrealloc(
		    cells->offsets, cells->room * sizeof(*cells->offsets));
	}
	cells->offsets[cells->count++] = data ? cells->text.len : SIZE_MAX;
	if (!data)
		return;
	ha_buf_add(&cells->text, data, len);
	ha_buf_add_char(&cells->text, '\0');
}

static char **
point(const struct cells *cells, size_t from, size_t count)
{
	char **list = ha_xcalloc(count ? count : 1, sizeof(*list));

	for (size_t i = 0; i < count; i++)
		if (cells->offsets[from + i] != SIZE_MAX)
			list[i] = cells->text.data + cells->offsets[from + i];
	return list;
}

static void
keep_cells(struct ha_db_result *result, struct cells *cells, size_t columns)
{
	result->columns = columns;
	result->rows = columns ? cells->count / columns - 1 : 0;
	result->names = point(cells, 0, columns);
	result->cells = point(cells, columns, cells->count - columns);
	result->text = ha_buf_detach(&cells->text);
}

/* -1: the server broke off, or refused after all. */
static int
read_rows(struct ha_db *db, MYSQL_RES *rows, struct ha_db_result *result)
{
	unsigned columns = api.mysql_num_fields(rows);
	struct cells cells = { .text = HA_BUF_INIT };
	unsigned long *lengths;
	MYSQL_ROW row;
	int rc;

	for (unsigned i = 0; i < columns; i++) {
		const char *name = api.mysql_fetch_field_direct(rows, i)->name;

		add_cell(&cells, name ? name : "", name ? strlen(name) : 0);
	}
	while ((row = api.mysql_fetch_row(rows))) {
		lengths = api.mysql_fetch_lengths(rows);
		for (unsigned i = 0; i < columns; i++)
			add_cell(&cells, row[i], lengths[i]);
	}
	rc = api.mysql_errno(db->mysql) ? -1 : 0;
	if (rc == 0 && result)
		keep_cells(result, &cells, columns);
	ha_buf_release(&cells.text);
	free(cells.offsets);
	return rc;
}

static int
read_result(struct ha_db *db, struct ha_db_result *result)
{
	MYSQL_RES *rows;
	int rc;

	if (api.mysql_field_count(db->mysql) == 0) {
		if (result)
			result->affected = api.mysql_affected_rows(db->mysql);
		return 0;
	}
	rows = api.mysql_use_result(db->mysql);
	if (!rows)
		return -1;
	rc = read_rows(db, rows, result);
	api.mysql_free_result(rows);
	return rc;
}

static int
fail_dead(struct ha_db *db, struct ha_err *err)
{
	char *words;

	db->is_dead = 1;
	if (db->is_late)
		return fail_late(db, err);
	if (db->is_too_large)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "an answer of more than %zu MiB",
		    HA_DB_MAX_RESULT / 1024 / 1024);
	words = error_words(api.mysql_error(db->mysql), db->error, NULL);
	if (*words == '\0' || db->error == CR_MALFORMED_PACKET)
		ha_err_set(err, EX_UNAVAILABLE, 0,
		    "the server does not keep to its protocol");
	else
		ha_err_set(err, EX_UNAVAILABLE, 0, "%s", words);
	free(words);
	return -1;
}

/* -1: the connection is of no use any more; else it is result's own. */
static int
keep_error(struct ha_db *db, const char *sql, struct ha_db_result *result,
    struct ha_err *err)
{
	db->error = api.mysql_errno(db->mysql);
	if (db->error == 0 || db->is_late || db->is_too_large ||
	    is_connection_error(db->error))
		return fail_dead(db, err);
	ha_db_result_release(result);
	result->error = db->error;
	result->words = error_words(api.mysql_error(db->mysql), db->error, sql);
	return 0;
}

/* The next one that is a statement. */
static size_t
skip(const char *const *statements, size_t at, size_t count)
{
	while (at < count && !statements[at])
		at++;
	return at;
}

static void
join(struct ha_buf *sql, const char *const *statements, size_t at, size_t count)
{
	size_t len;

	for (; at < count; at = skip(statements, at + 1, count)) {
		len = strlen(statements[at]);
		while (len > 0 && strchr("; \t\n", statements[at][len - 1]))
			len--;
		if (sql->len > 0)
			ha_buf_add_str(sql, SEPARATOR);
		ha_buf_add(sql, statements[at], len);
	}
}

/*
 * Send sql, which is statements[*at] to the last; *at becomes the one behind
 * the first that was refused, or count.
 */
static int
execute(struct ha_db *db, const struct ha_buf *sql,
    const char *const *statements, size_t *at, size_t count,
    struct ha_db_result *results, struct ha_err *err)
{
	struct ha_db_result *result;
	int failed;

	db->is_sending = 1;
	failed = api.mysql_real_query(db->mysql, sql->data, sql->len);
	for (;;) {
		result = &results[*at];
		*at = skip(statements, *at + 1, count);
		if (failed || read_result(db, result))
			return keep_error(db, sql->data, result, err);
		if (!api.mysql_more_results(db->mysql) || *at == count)
			break;
		failed = api.mysql_next_result(db->mysql);
	}
	if (*at == count && !api.mysql_more_results(db->mysql))
		return 0;
	db->error = CR_MALFORMED_PACKET;
	return fail_dead(db, err);
}

static int
execute_from(struct ha_db *db, const char *const *statements, size_t *at,
    size_t count, struct ha_db_result *results, struct ha_err *err)
{
	struct ha_buf sql = HA_BUF_INIT;
	int rc;

	join(&sql, statements, *at, count);
	rc = execute(db, &sql, statements, at, count, results, err);
	explicit_bzero(sql.data, sql.len);
	ha_buf_release(&sql);
	return rc;
}

int
ha_db_batch(struct ha_db *db, const char *const *statements, size_t count,
    int64_t deadline_ns, struct ha_db_result *results, struct ha_err *err)
{
	size_t at = skip(statements, 0, count);
	struct guard guard;
	int rc = 0;

	for (size_t i = 0; i < count; i++)
		ha_db_result_release(&results[i]);
	db->error = 0;
	db->is_local = 0;
	if (!db->mysql || db->is_dead) {
		db->error = CR_SERVER_GONE_ERROR;
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, "the connection is gone");
	}
	enter(&guard, db, deadline_ns);
	while (rc == 0 && at < count)
		rc = execute_from(db, statements, &at, count, results, err);
	leave(&guard);
	return rc;
}

int
ha_db_query(struct ha_db *db, const char *sql, int64_t deadline_ns,
    struct ha_db_result *result, struct ha_err *err)
{
	struct ha_db_result own = HA_DB_RESULT_INIT;
	int rc;

	if (!result)
		result = &own;
	rc = ha_db_batch(db, &sql, 1, deadline_ns, result, err);
	if (rc == 0 && result->error != 0)
		rc = ha_err_set(err, EX_DATAERR, 0, "%s", result->words);
	ha_db_result_release(&own);
	return rc;
}

void
ha_db_add_string(struct ha_buf *sql, const char *text)
{
	ha_buf_add_char(sql, '\'');
	for (; *text; text++) {
		if (*text == '\'' || *text == '\\')
			ha_buf_add_char(sql, *text);
		ha_buf_add_char(sql, *text);
	}
	ha_buf_add_char(sql, '\'');
}

void
ha_db_add_name(struct ha_buf *sql, const char *name)
{
	ha_buf_add_char(sql, '`');
	for (; *name; name++) {
		if (*name == '`')
			ha_buf_add_char(sql, '`');
		ha_buf_add_char(sql, *name);
	}
	ha_buf_add_char(sql, '`');
}
