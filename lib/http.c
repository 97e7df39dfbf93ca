/* SPDX-License-Identifier: ISC */
/* http - libcurl, loaded at its first use, driven by the caller's event loop. */
#include "http.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "alloc.h"
#include "clock.h"
#include "http-blame.h"

#define LIBRARY "libcurl.so.4"
#define PACKAGE "libcurl4"
#define MAX_HEADERS (256 * 1024)
/* A buffer that grew beyond this is not kept for the next transfer. */
#define KEEP_BUFFER (64 * 1024)
#define NO_TIMEOUT_MS (INT64_C(24) * 3600 * 1000)

#define FUNCTIONS(X)                                                           \
	X(easy_cleanup)                                                        \
	X(easy_getinfo)                                                        \
	X(easy_init)                                                           \
	X(easy_reset)                                                          \
	X(easy_send)                                                           \
	X(easy_setopt)                                                         \
	X(easy_strerror)                                                       \
	X(global_init)                                                         \
	X(multi_add_handle)                                                    \
	X(multi_cleanup)                                                       \
	X(multi_info_read)                                                     \
	X(multi_init)                                                          \
	X(multi_remove_handle)                                                 \
	X(multi_setopt)                                                        \
	X(multi_socket_action)                                                 \
	X(slist_append)                                                        \
	X(slist_free_all)                                                      \
	X(version_info)

#define MEMBER(name) __typeof__(curl_##name) *(name);
static struct {
	FUNCTIONS(MEMBER)
} api;

struct ha_http {
	CURLM *multi;
	struct ha_http_hooks hooks;
	struct ha_http_transfer *running, *idle;
	int can_tls; /* what TLS takes has been found */
	const char *ca_file; /* the system's authorities, in one file */
	const char *ca_path; /* the same to be looked up one by one; or NULL */
	int *kept; /* descriptors of connections that may be kept */
	size_t kept_count;
};

enum stop {
	STOP_NONE,
	STOP_SATISFIED, /* all that was asked for has come */
	STOP_HEADERS, /* too many */
	STOP_BODY, /* too large */
	STOP_NO_LOGIN, /* none was made, and a mail would be sent */
};

struct ha_http_transfer {
	struct ha_http *http;
	struct ha_http_transfer *next, *previous;
	CURL *easy;
	const struct ha_http_request *request;
	void (*done)(void *context, const struct ha_http_answer *answer);
	void *context;
	struct curl_slist *headers, *resolve;
	int is_mail; /* or ftp: lines, no HTTP */
	int uses_ca_path;
	int is_watched, socket_errno;
	enum stop stop;
	int64_t start_ns, handshake_ns, first_ns;
	size_t header_bytes;
	size_t sent; /* of a mail */
	int is_head_over; /* the next status line begins another response */
	struct sockaddr_storage peer;
	char address[INET6_ADDRSTRLEN + 16];
	char error[CURL_ERROR_SIZE];
	struct ha_tls_seen tls;
	struct ha_buf redirect;
	struct ha_http_answer answer;
};

static void *library;

static int
load(struct ha_err *err)
{
	static const struct {
		const char *name;
		size_t member;
	} table[] = {
#define ENTRY(name) { "curl_" #name, offsetof(__typeof__(api), name) },
		FUNCTIONS(ENTRY)
	};
	static int is_loaded;
	void *function;

	if (is_loaded)
		return 0;
	library = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	if (library == NULL)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    "can't load " LIBRARY " (package " PACKAGE "): %s",
		    dlerror());
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		function = dlsym(library, table[i].name);
		if (function == NULL)
			return ha_err_set(err, EX_UNAVAILABLE, 0,
			    LIBRARY " is too old: it has no %s", table[i].name);
		memcpy((char *)&api + table[i].member, &function,
		    sizeof(function));
	}
	if (api.global_init(CURL_GLOBAL_DEFAULT))
		return ha_err_set(
		    err, EX_UNAVAILABLE, 0, LIBRARY " can't be initialized");
	is_loaded = 1;
	return 0;
}

/* Of a directory that c_rehash(1) has filled. */
static int
has_hashed_names(const char *path)
{
	DIR *dir = path != NULL ? opendir(path) : NULL;
	const struct dirent *entry;
	int found = 0;

	if (dir == NULL)
		return 0;
	while (!found && (entry = readdir(dir)) != NULL)
		found = strspn(entry->d_name, "0123456789abcdef") == 8 &&
			strcmp(entry->d_name + 8, ".0") == 0;
	closedir(dir);
	return found;
}

/*
 * Once, at the first transfer with TLS.  Debian's libcurl reads the file of all
 * authorities, 20 ms, though the directory beside it holds the same, to be
 * looked up.
 */
static int
prepare_tls(struct ha_http *http, struct ha_err *err)
{
	const curl_version_info_data *info;

	if (http->can_tls)
		return 0;
	if (ha_tls_load(library) != 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    LIBRARY " was built without OpenSSL (package " PACKAGE ")");
	info = api.version_info(CURLVERSION_NOW);
	http->ca_file = info->cainfo;
	if (has_hashed_names(info->capath))
		http->ca_path = info->capath;
	http->can_tls = 1;
	return 0;
}

static int
on_socket(
    CURL *easy, curl_socket_t fd, int what, void *context, void *socket_data)
{
	struct ha_http *http = context;
	struct ha_http_transfer *transfer;

	(void)socket_data;
	if (what != CURL_POLL_REMOVE) {
		api.easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
		transfer->is_watched = 1;
	}
	http->hooks.watch(http->hooks.context, fd,
	    what == CURL_POLL_IN || what == CURL_POLL_INOUT,
	    what == CURL_POLL_OUT || what == CURL_POLL_INOUT);
	return 0;
}

static int
on_timer(CURLM *multi, long ms, void *context)
{
	struct ha_http *http = context;

	(void)multi;
	http->hooks.timer(http->hooks.context, ms);
	return 0;
}

int
ha_http_new(struct ha_http **http, const struct ha_http_hooks *hooks,
    struct ha_err *err)
{
	struct ha_http *new;

	if (load(err))
		return -1;
	new = ha_xcalloc(1, sizeof(*new));
	new->hooks = *hooks;
	new->multi = api.multi_init();
	if (new->multi == NULL) {
		free(new);
		return ha_err_set(err, EX_OSERR, 0, "curl_multi_init failed");
	}
	api.multi_setopt(new->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	api.multi_setopt(new->multi, CURLMOPT_SOCKETDATA, new);
	api.multi_setopt(new->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	api.multi_setopt(new->multi, CURLMOPT_TIMERDATA, new);
	api.multi_setopt(new->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	*http = new;
	return 0;
}

static void
link_transfer(struct ha_http_transfer **list, struct ha_http_transfer *transfer)
{
	transfer->previous = NULL;
	transfer->next = *list;
	if (*list != NULL)
		(*list)->previous = transfer;
	*list = transfer;
}

static void
unlink_transfer(
    struct ha_http_transfer **list, struct ha_http_transfer *transfer)
{
	if (transfer->previous != NULL)
		transfer->previous->next = transfer->next;
	else
		*list = transfer->next;
	if (transfer->next != NULL)
		transfer->next->previous = transfer->previous;
}

static void
empty_buffer(struct ha_buf *buf)
{
	if (buf->cap > KEEP_BUFFER)
		ha_buf_release(buf);
	else
		ha_buf_reset(buf);
}

static void
release_lists(struct ha_http_transfer *transfer)
{
	api.slist_free_all(transfer->headers);
	api.slist_free_all(transfer->resolve);
	transfer->headers = NULL;
	transfer->resolve = NULL;
}

static void
recycle(struct ha_http_transfer *transfer)
{
	struct ha_http *http = transfer->http;

	api.easy_reset(transfer->easy);
	release_lists(transfer);
	ha_tls_clear(&transfer->tls);
	empty_buffer(&transfer->answer.headers);
	empty_buffer(&transfer->answer.body);
	unlink_transfer(&http->running, transfer);
	link_transfer(&http->idle, transfer);
}

void
ha_http_cancel(struct ha_http_transfer *transfer)
{
	api.multi_remove_handle(transfer->http->multi, transfer->easy);
	recycle(transfer);
}

/*
 * libcurl says QUIT on a kept connection and waits for the reply, up to two
 * minutes: there is none to wait for when nothing can be read.
 */
static void
stop_reading(const struct ha_http *http)
{
	for (size_t i = 0; i < http->kept_count; i++)
		shutdown(http->kept[i], SHUT_RD);
}

void
ha_http_free(struct ha_http *http)
{
	struct ha_http_transfer *transfer;

	if (http == NULL)
		return;
	while (http->running != NULL)
		ha_http_cancel(http->running);
	stop_reading(http);
	while ((transfer = http->idle) != NULL) {
		http->idle = transfer->next;
		api.easy_cleanup(transfer->easy);
		ha_buf_release(&transfer->redirect);
		ha_buf_release(&transfer->answer.headers);
		ha_buf_release(&transfer->answer.body);
		free(transfer);
	}
	api.multi_cleanup(http->multi);
	free(http->kept);
	free(http);
}

static void
note_kept(struct ha_http *http, int fd)
{
	http->kept = ha_xrealloc(
	    http->kept, (http->kept_count + 1) * sizeof(*http->kept));
	http->kept[http->kept_count++] = fd;
}

static int
on_close(void *context, curl_socket_t fd)
{
	struct ha_http *http = context;

	for (size_t i = 0; i < http->kept_count; i++)
		if (http->kept[i] == fd)
			http->kept[i] = http->kept[--http->kept_count];
	return close(fd);
}

/* The socket is ours, so that errno is known, and whom it was for. */
static curl_socket_t
on_open(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct ha_http_transfer *transfer = context;
	const int on = 1;
	int fd = socket(address->family,
	    address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    address->protocol);

	(void)purpose;
	if (fd < 0)
		transfer->socket_errno = errno;
	/* Or bind(2) picks a port that no other connection has at all. */
	else if (transfer->request->source != NULL)
		setsockopt(
		    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (address->addrlen <= sizeof(transfer->peer))
		memcpy(&transfer->peer, &address->addr, address->addrlen);
	if (fd >= 0 && transfer->request->is_kept)
		note_kept(transfer->http, fd);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static CURLcode
on_ssl(CURL *easy, void *ssl_ctx, void *context)
{
	struct ha_http_transfer *transfer = context;

	(void)easy;
	/* libcurl tells the time of connect(2) once all of it has succeeded. */
	transfer->handshake_ns = ha_clock_now_ns();
	ha_tls_watch(ssl_ctx, &transfer->tls);
	return CURLE_OK;
}

/* The last line of a reply, of any number of lines: "220 ...". */
static int
is_final_reply(const char *line, size_t len)
{
	return len >= 4 && isdigit((unsigned char)line[0]) &&
	       isdigit((unsigned char)line[1]) &&
	       isdigit((unsigned char)line[2]) && line[3] == ' ';
}

/* libcurl would go on to log in as anonymous; nobody asked for that. */
static int
is_ftp_satisfied(
    const struct ha_http_transfer *transfer, const char *line, size_t len)
{
	const struct ha_http_request *request = transfer->request;

	return request->is_connect_only && request->user == NULL &&
	       strncasecmp(request->url, "ftp", 3) == 0 &&
	       is_final_reply(line, len) &&
	       (request->must_start_tls ? transfer->tls.is_judged
					: line[0] == '2');
}

/* Behind a refusal libcurl says QUIT: that reply is not what is asked for. */
static int
is_farewell(
    const struct ha_http_transfer *transfer, const char *line, size_t len)
{
	return transfer->request->recipients != NULL && len >= 3 &&
	       memcmp(line, "221", 3) == 0;
}

static void
add_header(struct ha_http_transfer *transfer, const char *line, size_t len)
{
	struct ha_buf *headers = &transfer->answer.headers;

	if (is_farewell(transfer, line, len))
		return;
	if (!transfer->is_mail && transfer->is_head_over && len > 5 &&
	    memcmp(line, "HTTP/", 5) == 0)
		ha_buf_reset(headers);
	transfer->is_head_over = line[0] == '\r' || line[0] == '\n';
	ha_buf_add(headers, line, len);
}

static size_t
max_headers(const struct ha_http_transfer *transfer)
{
	size_t max = transfer->request->max_headers;

	return max != 0 ? max : MAX_HEADERS;
}

static size_t
on_header(char *line, size_t size, size_t count, void *context)
{
	struct ha_http_transfer *transfer = context;
	size_t len = size * count;

	if (transfer->first_ns == 0)
		transfer->first_ns = ha_clock_now_ns();
	transfer->header_bytes += len;
	if (transfer->header_bytes > max_headers(transfer)) {
		transfer->stop = STOP_HEADERS;
		return 0;
	}
	add_header(transfer, line, len);
	if (!transfer->is_mail || !is_ftp_satisfied(transfer, line, len))
		return len;
	transfer->stop = STOP_SATISFIED;
	return 0;
}

static size_t
on_body(char *data, size_t size, size_t count, void *context)
{
	struct ha_http_transfer *transfer = context;
	const struct ha_http_request *request = transfer->request;
	struct ha_buf *body = &transfer->answer.body;
	size_t len = size * count, room = request->max_body - body->len;

	ha_buf_add(body, data, len < room ? len : room);
	transfer->answer.size += len;
	if (request->max_size == 0 ||
	    transfer->answer.size <= request->max_size)
		return len;
	transfer->stop = STOP_BODY;
	return 0;
}

static int
is_reused(const struct ha_http_transfer *transfer)
{
	long connects = 0;

	api.easy_getinfo(transfer->easy, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0;
}

/* libcurl goes without a login where SMTP offers none. */
static int
lacks_login(const struct ha_http_transfer *transfer)
{
	const struct ha_http_request *request = transfer->request;

	return request->user != NULL &&
	       (request->is_connect_only || request->recipients != NULL) &&
	       strncasecmp(request->url, "smtp", 4) == 0 &&
	       strstr(transfer->answer.headers.data, "\n235") == NULL &&
	       !is_reused(transfer);
}

/* A mail that is broken off here has no end, and the server drops it. */
static size_t
on_read(char *data, size_t size, size_t count, void *context)
{
	struct ha_http_transfer *transfer = context;
	const struct ha_http_request *request = transfer->request;
	size_t room = size * count, left = request->body_len - transfer->sent;

	if (lacks_login(transfer)) {
		transfer->stop = STOP_NO_LOGIN;
		return CURL_READFUNC_ABORT;
	}
	if (left > room)
		left = room;
	memcpy(data, request->body + transfer->sent, left);
	transfer->sent += left;
	return left;
}

/* libcurl waits in a loop of its own for the reply to a QUIT. */
static int
on_progress(void *context, curl_off_t total, curl_off_t now,
    curl_off_t up_total, curl_off_t up_now)
{
	const struct ha_http_transfer *transfer = context;
	int64_t end_ns =
	    transfer->start_ns + transfer->request->timeout_ms * HA_MS_NS;

	(void)total;
	(void)now;
	(void)up_total;
	(void)up_now;
	return transfer->request->timeout_ms > 0 &&
	       ha_clock_now_ns() > end_ns + HA_S_NS;
}

#define SET(option, value)                                                     \
	(void)(result != CURLE_OK ||                                           \
	       (result = api.easy_setopt(easy, option, value)) != CURLE_OK)

static CURLcode
set_basics(struct ha_http_transfer *transfer)
{
	const struct ha_http_request *request = transfer->request;
	CURL *easy = transfer->easy;
	CURLcode result = CURLE_OK;
	char scheme[16];

	snprintf(scheme, sizeof(scheme), "%.*s",
	    (int)strcspn(request->url, ":"), request->url);
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_PROTOCOLS_STR, scheme);
	SET(CURLOPT_PRIVATE, transfer);
	SET(CURLOPT_ERRORBUFFER, transfer->error);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_FRESH_CONNECT, request->is_kept ? 0L : 1L);
	/* A thread that resolves a name is not waited for. */
	SET(CURLOPT_QUICK_EXIT, 1L);
	/* To prune it costs time with each of many names. */
	SET(CURLOPT_DNS_CACHE_TIMEOUT, -1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open);
	SET(CURLOPT_OPENSOCKETDATA, transfer);
	SET(CURLOPT_CLOSESOCKETFUNCTION, on_close);
	SET(CURLOPT_CLOSESOCKETDATA, transfer->http);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, transfer);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, transfer);
	return result;
}

static const char *
source_option(const char *source, char *text, size_t size)
{
	unsigned char address[sizeof(struct in6_addr)];
	int is_address = inet_pton(AF_INET, source, address) == 1 ||
			 inet_pton(AF_INET6, source, address) == 1;

	snprintf(text, size, "%s!%s", is_address ? "host" : "if", source);
	return text;
}

static CURLcode
set_connection(struct ha_http_transfer *transfer)
{
	const struct ha_http_request *request = transfer->request;
	int64_t timeout_ms =
	    request->timeout_ms ? request->timeout_ms : NO_TIMEOUT_MS;
	CURL *easy = transfer->easy;
	CURLcode result = CURLE_OK;
	char source[128];

	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)timeout_ms);
	SET(CURLOPT_PROXY, request->proxy != NULL ? request->proxy : "");
	if (request->proxy != NULL) {
		SET(CURLOPT_NOPROXY, "");
		SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
		SET(CURLOPT_PROXYUSERNAME, request->proxy_user);
		SET(CURLOPT_PROXYPASSWORD, request->proxy_password);
	}
	if (request->timeout_ms > 0)
		SET(CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	if (request->resolve != NULL) {
		transfer->resolve = api.slist_append(NULL, request->resolve);
		SET(CURLOPT_RESOLVE, transfer->resolve);
	}
	if (request->source != NULL)
		SET(CURLOPT_INTERFACE,
		    source_option(request->source, source, sizeof(source)));
	if (request->is_haproxy)
		SET(CURLOPT_HAPROXYPROTOCOL, 1L);
	if (request->user != NULL) {
		SET(CURLOPT_USERNAME, request->user);
		SET(CURLOPT_PASSWORD,
		    request->password != NULL ? request->password : "");
	}
	if (request->login != NULL)
		SET(CURLOPT_LOGIN_OPTIONS, request->login);
	if (request->bearer != NULL)
		SET(CURLOPT_XOAUTH2_BEARER, request->bearer);
	if (!request->is_connect_only) {
		SET(CURLOPT_FORBID_REUSE, request->is_kept ? 0L : 1L);
		return result;
	}
	SET(CURLOPT_CONNECT_ONLY, 1L);
	SET(CURLOPT_SSL_ENABLE_ALPN, 0L);
	if (transfer->is_mail)
		SET(CURLOPT_SERVER_RESPONSE_TIMEOUT,
		    (long)(timeout_ms / 1000 + 1));
	return result;
}

static CURLcode
set_tls_version(CURL *easy, const char *minimum)
{
	static const struct {
		const char *name;
		long value;
	} versions[] = {
		{ "1.0", CURL_SSLVERSION_TLSv1_0 },
		{ "1.1", CURL_SSLVERSION_TLSv1_1 },
		{ "1.2", CURL_SSLVERSION_TLSv1_2 },
		{ "1.3", CURL_SSLVERSION_TLSv1_3 },
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (strcmp(versions[i].name, minimum) == 0)
			return api.easy_setopt(
			    easy, CURLOPT_SSLVERSION, versions[i].value);
	return CURLE_BAD_FUNCTION_ARGUMENT;
}

static CURLcode
set_authorities(struct ha_http_transfer *transfer)
{
	const struct ha_http *http = transfer->http;
	const struct ha_http_request *request = transfer->request;
	CURL *easy = transfer->easy;
	CURLcode result = CURLE_OK;
	const char *file = http->ca_file, *path = NULL;

	if (request->ca_file != NULL) {
		file = request->ca_file;
	} else if (transfer->uses_ca_path) {
		file = NULL;
		path = http->ca_path;
	}
	/* With a file alone it is read once for all (7.87). */
	SET(CURLOPT_CAINFO, file);
	SET(CURLOPT_CAPATH, path);
	return result;
}

static CURLcode
set_tls(struct ha_http_transfer *transfer)
{
	const struct ha_http_request *request = transfer->request;
	CURL *easy = transfer->easy;
	CURLcode result = set_authorities(transfer);

	SET(CURLOPT_SSL_CTX_FUNCTION, on_ssl);
	SET(CURLOPT_SSL_CTX_DATA, transfer);
	/* A resumed session shows and verifies no certificate. */
	SET(CURLOPT_SSL_SESSIONID_CACHE, 0L);
	if (request->must_start_tls)
		SET(CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
	if (request->cert_file != NULL) {
		SET(CURLOPT_SSLCERT, request->cert_file);
		SET(CURLOPT_SSLKEY, request->key_file);
		/* Without one OpenSSL would ask at the terminal. */
		SET(CURLOPT_KEYPASSWD,
		    request->key_password != NULL ? request->key_password : "");
	}
	if (request->is_insecure) {
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (result == CURLE_OK && request->tls_min != NULL)
		result = set_tls_version(easy, request->tls_min);
	return result;
}

static CURLcode
set_http_version(CURL *easy, const char *version)
{
	static const struct {
		const char *name;
		long value;
	} versions[] = {
		{ "1.0", CURL_HTTP_VERSION_1_0 },
		{ "1.1", CURL_HTTP_VERSION_1_1 },
		{ "2", CURL_HTTP_VERSION_2_0 },
		{ "2-prior", CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE },
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++)
		if (strcmp(versions[i].name, version) == 0)
			return api.easy_setopt(
			    easy, CURLOPT_HTTP_VERSION, versions[i].value);
	return CURLE_BAD_FUNCTION_ARGUMENT;
}

static CURLcode
set_headers(struct ha_http_transfer *transfer)
{
	const char *const *header = transfer->request->headers;
	struct curl_slist *list = NULL;
	CURL *easy = transfer->easy;
	CURLcode result = CURLE_OK;

	for (; header != NULL && *header != NULL; header++) {
		list = api.slist_append(transfer->headers, *header);
		if (list == NULL)
			return CURLE_OUT_OF_MEMORY;
		transfer->headers = list;
	}
	if (list != NULL)
		SET(CURLOPT_HTTPHEADER, list);
	return result;
}

static struct curl_slist *
list_of(const char *const *texts)
{
	struct curl_slist *list = NULL, *longer;

	for (; *texts != NULL; texts++) {
		longer = api.slist_append(list, *texts);
		if (longer == NULL) {
			api.slist_free_all(list);
			return NULL;
		}
		list = longer;
	}
	return list;
}

static CURLcode
set_mail(struct ha_http_transfer *transfer)
{
	const struct ha_http_request *request = transfer->request;
	int64_t reply_s = request->timeout_ms / 1000 + 1;
	CURL *easy = transfer->easy;
	CURLcode result = CURLE_OK;

	transfer->headers = list_of(request->recipients);
	if (transfer->headers == NULL)
		return CURLE_OUT_OF_MEMORY;
	SET(CURLOPT_MAIL_RCPT, transfer->headers);
	SET(CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L);
	SET(CURLOPT_MAIL_FROM, request->mail_from);
	SET(CURLOPT_UPLOAD, 1L);
	SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_len);
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, transfer);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, transfer);
	if (request->timeout_ms > 0)
		SET(CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)reply_s);
	return result;
}

static CURLcode
set_request(struct ha_http_transfer *transfer)
{
	const struct ha_http_request *request = transfer->request;
	CURL *easy = transfer->easy;
	CURLcode result = set_headers(transfer);

	if (request->http_version != NULL && result == CURLE_OK)
		result = set_http_version(easy, request->http_version);
	if (request->user_agent != NULL)
		SET(CURLOPT_USERAGENT, request->user_agent);
	if (request->has_no_body)
		SET(CURLOPT_NOBODY, 1L);
	if (request->body != NULL) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
		SET(CURLOPT_POSTFIELDS, request->body);
	}
	if (request->method != NULL)
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	return result;
}

/* Plain HTTP has no use for TLS, which takes its time. */
static int
may_speak_tls(const struct ha_http_request *request)
{
	return request->must_start_tls ||
	       strncasecmp(request->url, "http:", 5) != 0;
}

static CURLcode
set_all(struct ha_http_transfer *transfer)
{
	CURLcode result = set_basics(transfer);

	if (result == CURLE_OK)
		result = set_connection(transfer);
	if (result == CURLE_OK && may_speak_tls(transfer->request))
		result = set_tls(transfer);
	if (result == CURLE_OK && transfer->request->recipients != NULL)
		result = set_mail(transfer);
	else if (result == CURLE_OK && !transfer->request->is_connect_only)
		result = set_request(transfer);
	return result;
}

static struct ha_http_transfer *
take_idle(struct ha_http *http)
{
	struct ha_http_transfer *transfer = http->idle;

	if (transfer != NULL) {
		unlink_transfer(&http->idle, transfer);
		return transfer;
	}
	transfer = ha_xcalloc(1, sizeof(*transfer));
	transfer->http = http;
	ha_buf_init(&transfer->redirect);
	ha_buf_init(&transfer->answer.headers);
	ha_buf_init(&transfer->answer.body);
	transfer->easy = api.easy_init();
	if (transfer->easy == NULL) {
		free(transfer);
		return NULL;
	}
	return transfer;
}

/* What a first, or another, connection starts from. */
static void
begin(struct ha_http_transfer *transfer)
{
	transfer->is_watched = 0;
	transfer->socket_errno = 0;
	transfer->stop = STOP_NONE;
	transfer->handshake_ns = 0;
	transfer->first_ns = 0;
	transfer->header_bytes = 0;
	transfer->sent = 0;
	transfer->is_head_over = 1;
	transfer->peer.ss_family = AF_UNSPEC;
	transfer->error[0] = '\0';
	transfer->answer.size = 0;
	ha_tls_clear(&transfer->tls);
	ha_buf_reset(&transfer->answer.headers);
	ha_buf_reset(&transfer->answer.body);
}

int
ha_http_start(struct ha_http *http, const struct ha_http_request *request,
    void (*done)(void *context, const struct ha_http_answer *answer),
    void *context, struct ha_http_transfer **transfer, struct ha_err *err)
{
	struct ha_http_transfer *new;
	CURLcode result;

	if (may_speak_tls(request) && prepare_tls(http, err) != 0)
		return -1;
	new = take_idle(http);
	if (new == NULL)
		return ha_err_set(err, EX_SOFTWARE, 0, "curl_easy_init failed");
	link_transfer(&http->running, new);
	new->request = request;
	new->done = done;
	new->context = context;
	new->is_mail = strncasecmp(request->url, "http", 4) != 0;
	new->uses_ca_path = http->ca_path != NULL && request->ca_file == NULL;
	new->start_ns = ha_clock_now_ns();
	begin(new);
	result = set_all(new);
	if (result != CURLE_OK) {
		recycle(new);
		return ha_err_set(
		    err, EX_USAGE, 0, "libcurl: %s", api.easy_strerror(result));
	}
	if (api.multi_add_handle(http->multi, new->easy) != CURLM_OK) {
		recycle(new);
		return ha_err_set(
		    err, EX_SOFTWARE, 0, "curl_multi_add_handle failed");
	}
	*transfer = new;
	return 0;
}

static int64_t
info_us(const struct ha_http_transfer *transfer, CURLINFO info)
{
	curl_off_t us = 0;

	api.easy_getinfo(transfer->easy, info, &us);
	return us;
}

enum ha_http_phase
ha_http_phase(const struct ha_http_transfer *transfer)
{
	if (transfer->tls.is_started &&
	    info_us(transfer, CURLINFO_APPCONNECT_TIME_T) == 0)
		return HA_HTTP_SHAKING_HANDS;
	if (transfer->first_ns != 0)
		return HA_HTTP_READING;
	return info_us(transfer, CURLINFO_CONNECT_TIME_T) == 0 &&
		       !(transfer->request->is_kept && is_reused(transfer))
		   ? HA_HTTP_CONNECTING
		   : HA_HTTP_WAITING;
}

const struct ha_buf *
ha_http_heard(const struct ha_http_transfer *transfer)
{
	return &transfer->answer.headers;
}

static int64_t
since_start_us(const struct ha_http_transfer *transfer, int64_t ns)
{
	return ns != 0 ? (ns - transfer->start_ns) / 1000 : 0;
}

/* Of a connection that another transfer made. */
static void
take_address(struct ha_http_transfer *transfer)
{
	const char *ip = NULL;
	long port = 0;

	api.easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &ip);
	api.easy_getinfo(transfer->easy, CURLINFO_PRIMARY_PORT, &port);
	if (ip != NULL && *ip != '\0')
		snprintf(transfer->address, sizeof(transfer->address),
		    strchr(ip, ':') != NULL ? "[%s]:%ld" : "%s:%ld", ip, port);
}

static const char *
peer_address(struct ha_http_transfer *transfer)
{
	const struct sockaddr_storage *peer = &transfer->peer;
	char text[INET6_ADDRSTRLEN] = "";

	transfer->address[0] = '\0';
	if (peer->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)peer;

		inet_ntop(AF_INET, &in->sin_addr, text, sizeof(text));
		snprintf(transfer->address, sizeof(transfer->address), "%s:%u",
		    text, ntohs(in->sin_port));
	} else if (peer->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)peer;

		inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof(text));
		snprintf(transfer->address, sizeof(transfer->address),
		    "[%s]:%u", text, ntohs(in6->sin6_port));
	} else if (transfer->request->is_kept) {
		take_address(transfer);
	}
	return transfer->address;
}

/* "MAIL failed: 550", or what came after the message; not a greeting. */
static int
is_refusal(const struct ha_http_transfer *transfer)
{
	long status = 0;

	api.easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return transfer->request->recipients != NULL && status >= 300 &&
	       (strstr(transfer->error, " failed: ") != NULL ||
		   transfer->sent > 0);
}

static enum ha_http_blame_kind
kind_of(const struct ha_http_transfer *transfer, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return HA_HTTP_BLAME_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		return HA_HTTP_BLAME_CONNECT;
	case CURLE_INTERFACE_FAILED:
		return HA_HTTP_BLAME_SOURCE;
	case CURLE_ABORTED_BY_CALLBACK:
		return HA_HTTP_BLAME_TIMEOUT;
	case CURLE_OPERATION_TIMEDOUT:
		/* So libcurl calls a 421 of FTP, too. */
		return transfer->is_mail && transfer->error[0] == '\0'
			   ? HA_HTTP_BLAME_REPLY
			   : HA_HTTP_BLAME_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
		return HA_HTTP_BLAME_HANDSHAKE;
	case CURLE_PEER_FAILED_VERIFICATION:
		return HA_HTTP_BLAME_CERTIFICATE;
	case CURLE_SSL_CLIENTCERT:
		return HA_HTTP_BLAME_CLIENT_CERT;
	case CURLE_USE_SSL_FAILED:
		return HA_HTTP_BLAME_START_TLS;
	case CURLE_PARTIAL_FILE:
		return HA_HTTP_BLAME_PARTIAL;
	case CURLE_SEND_ERROR:
		return is_refusal(transfer) ? HA_HTTP_BLAME_REFUSED
					    : HA_HTTP_BLAME_STREAM;
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
		return HA_HTTP_BLAME_STREAM;
	case CURLE_WEIRD_SERVER_REPLY:
		return is_refusal(transfer) ? HA_HTTP_BLAME_REFUSED
					    : HA_HTTP_BLAME_REPLY;
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_REMOTE_ACCESS_DENIED:
	case CURLE_URL_MALFORMAT:
	case CURLE_BAD_CONTENT_ENCODING:
		return HA_HTTP_BLAME_REPLY;
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		return HA_HTTP_BLAME_HTTP2;
	case CURLE_LOGIN_DENIED:
		return HA_HTTP_BLAME_LOGIN;
	case CURLE_OUT_OF_MEMORY:
		return HA_HTTP_BLAME_MEMORY;
	case CURLE_SSL_CACERT_BADFILE:
		return HA_HTTP_BLAME_CA_FILE;
	default:
		return HA_HTTP_BLAME_OTHER;
	}
}

static void
blame(struct ha_http_transfer *transfer, enum ha_http_blame_kind kind,
    CURLcode code)
{
	struct ha_http_blame facts = {
		.kind = kind,
		.error = transfer->error[0] ? transfer->error
					    : api.easy_strerror(code),
		.request = transfer->request,
		.is_mail = transfer->is_mail,
		.socket_errno = transfer->socket_errno,
		.max_headers = max_headers(transfer),
		.answer = &transfer->answer,
	};

	api.easy_getinfo(
	    transfer->easy, CURLINFO_HTTP_CONNECTCODE, &facts.tunnel_status);
	if (kind == HA_HTTP_BLAME_STREAM && facts.tunnel_status >= 300)
		facts.kind = HA_HTTP_BLAME_TUNNEL;
	ha_http_blame(&facts);
}

/* Nobody waits for the reply to it; the connection is closed behind it. */
static void
say_farewell(const struct ha_http_transfer *transfer)
{
	const char *url = transfer->request->url;
	const char *words = "QUIT\r\n";
	size_t sent;

	if (!transfer->is_mail || !transfer->request->is_connect_only)
		return;
	if (strncasecmp(url, "imap", 4) == 0)
		words = "Z LOGOUT\r\n";
	api.easy_send(transfer->easy, words, strlen(words), &sent);
}

static const char *
http_version(const struct ha_http_transfer *transfer)
{
	long version = 0;

	api.easy_getinfo(transfer->easy, CURLINFO_HTTP_VERSION, &version);
	switch (version) {
	case CURL_HTTP_VERSION_1_0:
		return "1.0";
	case CURL_HTTP_VERSION_1_1:
		return "1.1";
	case CURL_HTTP_VERSION_2_0:
		return "2";
	default:
		return NULL;
	}
}

/*
 * Where the response points.  In what libcurl makes of a relative one stand the
 * request's user and password, in clear.
 */
static const char *
redirect_url(struct ha_http_transfer *transfer)
{
	struct ha_buf *text = &transfer->redirect;
	char *url = NULL, *start, *end, *at;

	api.easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
	ha_buf_reset(text);
	if (url == NULL)
		return NULL;
	ha_buf_add_str(text, url);
	start = strstr(text->data, "://");
	if (transfer->request->user == NULL || start == NULL)
		return text->data;
	start += 3;
	end = start + strcspn(start, "/?#");
	at = memrchr(start, '@', (size_t)(end - start));
	if (at != NULL)
		memmove(start, at + 1, strlen(at + 1) + 1);
	return text->data;
}

static void
fill_answer(struct ha_http_transfer *transfer)
{
	struct ha_http_answer *answer = &transfer->answer;
	CURL *easy = transfer->easy;
	long status = 0, sys = 0;
	curl_off_t retry_after_s = 0, sent = 0;

	api.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	api.easy_getinfo(easy, CURLINFO_OS_ERRNO, &sys);
	api.easy_getinfo(easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	api.easy_getinfo(easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	answer->fault = HA_HTTP_OK;
	answer->words[0] = '\0';
	answer->status = (int)status;
	answer->sys = (int)sys;
	answer->is_at_once = !transfer->is_watched;
	answer->redirect_url = redirect_url(transfer);
	answer->retry_after_s = retry_after_s > 0 ? retry_after_s : -1;
	answer->address = peer_address(transfer);
	answer->sent = sent > 0 ? (uint64_t)sent : 0;
	answer->is_reused = is_reused(transfer);
	answer->phase = ha_http_phase(transfer);
	answer->connect_us = info_us(transfer, CURLINFO_CONNECT_TIME_T);
	if (answer->connect_us == 0)
		answer->connect_us =
		    since_start_us(transfer, transfer->handshake_ns);
	answer->tls_us = info_us(transfer, CURLINFO_APPCONNECT_TIME_T);
	answer->first_us = since_start_us(transfer, transfer->first_ns);
	answer->total_us = since_start_us(transfer, ha_clock_now_ns());
	answer->http_version = http_version(transfer);
	answer->tls = &transfer->tls;
}

int
ha_http_hmac_sha256(const void *key, size_t key_len, const void *data,
    size_t len, unsigned char hmac[HA_HTTP_HMAC_SIZE], struct ha_err *err)
{
	if (load(err) != 0)
		return -1;
	if (ha_tls_load(library) != 0 ||
	    ha_tls_hmac_sha256(key, key_len, data, len, hmac) != 0)
		return ha_err_set(err, EX_UNAVAILABLE, 0,
		    LIBRARY " was built without OpenSSL (package " PACKAGE ")");
	return 0;
}

/*
 * An authority that is in the file only, put there by hand?  Then the
 * connection, on which nothing has been asked yet, is made again.
 */
static int
try_other_authorities(struct ha_http_transfer *transfer, CURLcode code)
{
	CURLM *multi = transfer->http->multi;

	if (code != CURLE_PEER_FAILED_VERIFICATION || !transfer->uses_ca_path ||
	    !ha_tls_is_unknown_issuer(&transfer->tls))
		return 0;
	api.multi_remove_handle(multi, transfer->easy);
	transfer->uses_ca_path = 0;
	begin(transfer);
	return set_authorities(transfer) == CURLE_OK &&
	       api.multi_add_handle(multi, transfer->easy) == CURLM_OK;
}

static void
complete(struct ha_http_transfer *transfer, CURLcode code)
{
	if (try_other_authorities(transfer, code))
		return;
	/* Or the next one would not know the connection for its own. */
	if (transfer->request->is_kept && code == CURLE_OK &&
	    transfer->request->ca_file == NULL && !transfer->uses_ca_path)
		transfer->http->ca_path = NULL;
	fill_answer(transfer);
	if (transfer->stop == STOP_HEADERS)
		blame(transfer, HA_HTTP_BLAME_HEADERS, code);
	else if (transfer->stop == STOP_BODY)
		blame(transfer, HA_HTTP_BLAME_BODY, code);
	else if (code != CURLE_OK && transfer->stop == STOP_NONE)
		blame(transfer, kind_of(transfer, code), code);
	else if (transfer->stop == STOP_NO_LOGIN || lacks_login(transfer))
		blame(transfer, HA_HTTP_BLAME_NO_LOGIN, code);
	else if (transfer->stop == STOP_NONE)
		say_farewell(transfer);
	api.multi_remove_handle(transfer->http->multi, transfer->easy);
	transfer->done(transfer->context, &transfer->answer);
	recycle(transfer);
}

static void
act(struct ha_http *http, curl_socket_t fd, int events)
{
	struct ha_http_transfer *transfer;
	const CURLMsg *message;
	int count;

	api.multi_socket_action(http->multi, fd, events, &count);
	while ((message = api.multi_info_read(http->multi, &count)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		api.easy_getinfo(
		    message->easy_handle, CURLINFO_PRIVATE, &transfer);
		complete(transfer, message->data.result);
	}
}

void
ha_http_ready(struct ha_http *http, int fd, int readable, int writable)
{
	act(http, fd,
	    (readable ? CURL_CSELECT_IN : 0) |
		(writable ? CURL_CSELECT_OUT : 0));
}

void
ha_http_timeout(struct ha_http *http)
{
	act(http, CURL_SOCKET_TIMEOUT, 0);
}
