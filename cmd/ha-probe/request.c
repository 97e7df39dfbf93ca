/* SPDX-License-Identifier: ISC */
/* request - what a target of web.c is asked for, by its settings and files. */
#include "request.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "alloc.h"
#include "fs.h"
#include "socket.h"

#define MAX_SECRET (64 * 1024)
#define MAX_BODY (16 * 1024 * 1024)

/*
 * Each file is read once: attempts and targets share it, and a pipe (of a
 * shell's "<(...)") has nothing to say a second time.
 */
struct file {
	struct file *next;
	char *path;
	struct ha_buf content;
};
static struct file *files;

static const struct ha_buf *
read_file(const char *path, size_t max, struct ha_err *err)
{
	struct file *file;

	for (file = files; file != NULL; file = file->next)
		if (strcmp(file->path, path) == 0)
			return &file->content;
	file = ha_xcalloc(1, sizeof(*file));
	ha_buf_init(&file->content);
	if (ha_fs_read_file(path, max, &file->content, err) != 0) {
		ha_buf_release(&file->content);
		free(file);
		return NULL;
	}
	file->path = ha_xstrdup(path);
	file->next = files;
	files = file;
	return &file->content;
}

/* The first line of a file. */
static int
read_line(const char *path, char **line, struct ha_err *err)
{
	const struct ha_buf *text = read_file(path, MAX_SECRET, err);

	if (text == NULL)
		return -1;
	*line = ha_xmemdup(text->data, strcspn(text->data, "\r\n"));
	return 0;
}

/* "USER:PASSWORD" becomes two strings, one behind the other. */
static int
read_login(const char *path, char **login, const char **user,
    const char **password, struct ha_err *err)
{
	char *colon;

	if (path == NULL)
		return 0;
	if (read_line(path, login, err) != 0)
		return -1;
	colon = strchr(*login, ':');
	if (colon == NULL || colon == *login)
		return ha_err_set(
		    err, EX_DATAERR, 0, "%s does not hold USER:PASSWORD", path);
	*colon = '\0';
	*user = *login;
	*password = colon + 1;
	return 0;
}

static int
is_header(const char *line)
{
	const char *colon = strchr(line, ':');

	if (colon == NULL || colon == line)
		return 0;
	for (const char *p = line; p < colon; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return 0;
	for (const char *p = colon; *p != '\0'; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f)
			return 0;
	return 1;
}

static int
add_header(struct ha_buf *headers, const char *line, size_t len)
{
	char *copy = ha_xmemdup(line, len);
	int is_good = len == 0 || (strlen(copy) == len && is_header(copy));

	if (len > 0 && is_good)
		ha_buf_add(headers, copy, len + 1);
	free(copy);
	return is_good ? 0 : -1;
}

/* Its lines become strings, one behind the other, blank lines left out. */
static int
read_headers(const char *path, struct ha_buf *headers, struct ha_err *err)
{
	const struct ha_buf *text;
	unsigned number = 0;

	if (path == NULL)
		return 0;
	text = read_file(path, MAX_SECRET, err);
	if (text == NULL)
		return -1;
	for (const char *line = text->data, *end = line + text->len, *next;
	     line < end; line = next) {
		const char *stop = memchr(line, '\n', (size_t)(end - line));

		number++;
		next = stop != NULL ? stop + 1 : end;
		stop = stop != NULL ? stop : end;
		if (stop > line && stop[-1] == '\r')
			stop--;
		if (add_header(headers, line, (size_t)(stop - line)) != 0)
			return ha_err_set(err, EX_DATAERR, 0,
			    "%s, line %u is no 'Name: value'", path, number);
	}
	return 0;
}

static int
read_files(struct request *request, struct ha_err *err)
{
	const struct settings *settings = &request->target->settings;
	struct ha_http_request *http = &request->http;

	if (read_login(settings->user_file, &request->user, &http->user,
		&http->password, err) != 0 ||
	    read_login(settings->proxy_user_file, &request->proxy_user,
		&http->proxy_user, &http->proxy_password, err) != 0 ||
	    read_headers(settings->header_file, &request->header_file, err) !=
		0)
		return -1;
	if (settings->key_password_file != NULL &&
	    read_line(
		settings->key_password_file, &request->key_password, err) != 0)
		return -1;
	http->key_password = request->key_password;
	if (settings->body_file == NULL)
		return 0;
	request->has_body = 1;
	request->body = read_file(settings->body_file, MAX_BODY, err);
	return request->body != NULL ? 0 : -1;
}

static void
set_home(struct request *request)
{
	const struct target *target = request->target;

	request->home.is_https = target->scheme->has_tls;
	request->home.host = ha_xstrdup(target->host);
	for (char *p = request->home.host; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p);
	request->home.port = target->port;
	request->home.rest = target->path != NULL ? target->path : "";
}

/* What does not change from hop to hop. */
static void
set_constants(struct request *request)
{
	const struct target *target = request->target;
	const struct settings *settings = &target->settings;
	struct ha_http_request *http = &request->http;
	int64_t max_body = settings->max_body > 0 ? settings->max_body : 1;

	http->is_connect_only = !scheme_is_http(target->scheme);
	http->must_start_tls = target->starttls;
	http->user_agent = "ha-probe/" HA_VERSION;
	http->source = settings->source;
	http->proxy = settings->proxy;
	http->http_version =
	    settings->http_version != NULL ? settings->http_version : "1.1";
	http->ca_file = settings->ca_file;
	http->tls_min = settings->tls_min;
	http->is_insecure = settings->is_insecure;
	http->max_size = (uint64_t)max_body;
	if (expect_wants_body(settings->expect))
		http->max_body = (size_t)max_body;
}

int
request_init(
    struct request *request, const struct target *target, struct ha_err *err)
{
	memset(request, 0, sizeof(*request));
	request->target = target;
	request->method = target->settings.method;
	ha_buf_init(&request->header_file);
	set_home(request);
	set_constants(request);
	/* The settings have taken no other one. */
	if (target->settings.proxy != NULL)
		url_split(&request->proxy, target->settings.proxy);
	return read_files(request, err);
}

static void
release_hop(struct request *request)
{
	free(request->url);
	free(request->resolve);
	free(request->host_header);
	free(request->headers);
	request->url = NULL;
	request->resolve = NULL;
	request->host_header = NULL;
	request->headers = NULL;
}

void
request_release(struct request *request)
{
	release_hop(request);
	url_release(&request->home);
	url_release(&request->proxy);
	free(request->user);
	free(request->proxy_user);
	free(request->key_password);
	ha_buf_release(&request->header_file);
}

const char *
request_host(const struct request *request, const struct url *at)
{
	return request->proxy.host != NULL ? request->proxy.host : at->host;
}

uint16_t
request_port(const struct request *request, const struct url *at)
{
	return request->proxy.host != NULL ? request->proxy.port : at->port;
}

/* As it stands in a URL: "[2001:db8::1]"; of a zone, "%25" (RFC 6874). */
static void
add_host(struct ha_buf *text, const char *host)
{
	if (strchr(host, ':') == NULL) {
		ha_buf_add_str(text, host);
		return;
	}
	ha_buf_add_char(text, '[');
	for (; *host != '\0'; host++)
		if (*host == '%')
			ha_buf_add_str(text, "%25");
		else
			ha_buf_add_char(text, *host);
	ha_buf_add_char(text, ']');
}

/* For libcurl; it verifies the certificate against the host in it. */
static char *
make_url(const struct request *request, const struct url *at, const char *host)
{
	const struct target *target = request->target;
	const char *scheme = target->scheme->name;
	struct ha_buf url = HA_BUF_INIT;

	if (scheme_is_http(target->scheme))
		scheme = at->is_https ? "https" : "http";
	else if (strcmp(scheme, "tls") == 0)
		scheme = "https";
	ha_buf_addf(&url, "%s://", scheme);
	add_host(&url, host);
	ha_buf_addf(&url, ":%u", at->port);
	if (scheme_is_http(target->scheme))
		ha_buf_addf(
		    &url, "%s%s", *at->rest == '/' ? "" : "/", at->rest);
	return ha_buf_detach(&url);
}

/* libcurl needs to look nothing up. */
static void
set_resolve(struct request *request, const char *host, uint16_t port,
    const struct address *address)
{
	struct address numeric;
	char *text;

	request->http.resolve = NULL;
	if (address_parse(&numeric, host, AF_UNSPEC))
		return;
	text = socket_name(address);
	request->resolve =
	    ha_xasprintf(strchr(text, ':') != NULL ? "%s:%u:[%s]" : "%s:%u:%s",
		host, port, text);
	free(text);
	request->http.resolve = request->resolve;
}

static void
set_host_header(struct request *request, const struct url *at)
{
	const struct settings *settings = &request->target->settings;
	struct ha_buf header = HA_BUF_INIT;

	ha_buf_add_str(&header, "Host: ");
	if (settings->http_host != NULL)
		ha_buf_add_str(&header, settings->http_host);
	else
		add_host(&header, at->host);
	if (settings->http_host == NULL &&
	    at->port != (at->is_https ? 443 : 80))
		ha_buf_addf(&header, ":%u", at->port);
	request->host_header = ha_buf_detach(&header);
}

/* All of them, at home; what is secret goes nowhere else. */
static void
set_headers(struct request *request, const struct url *at, int is_home)
{
	const struct settings *settings = &request->target->settings;
	const char *const *given = settings->headers;
	const struct ha_buf *file = &request->header_file;
	size_t count = 0, room = 3;

	for (; given != NULL && *given != NULL; given++)
		room++;
	for (size_t i = 0; is_home && i < file->len; i++)
		room += file->data[i] == '\0';
	request->headers = ha_xcalloc(room, sizeof(*request->headers));
	if (is_home && (settings->http_host != NULL || settings->sni != NULL)) {
		set_host_header(request, at);
		request->headers[count++] = request->host_header;
	}
	if (request->has_body)
		request->headers[count++] = "Expect:";
	for (given = settings->headers; given != NULL && *given != NULL;)
		request->headers[count++] = *given++;
	for (size_t i = 0; is_home && i < file->len;
	     i += strlen(file->data + i) + 1)
		request->headers[count++] = file->data + i;
	request->http.headers = request->headers;
}

static void
set_method(struct request *request)
{
	struct ha_http_request *http = &request->http;

	http->method = request->method;
	http->has_no_body =
	    http->method != NULL && strcmp(http->method, "HEAD") == 0;
	if (http->has_no_body)
		http->method = NULL;
	http->body = request->has_body ? request->body->data : NULL;
	http->body_len = request->has_body ? request->body->len : 0;
}

void
request_aim(struct request *request, const char *text, const struct url *at,
    const struct address *address)
{
	const struct settings *settings = &request->target->settings;
	struct ha_http_request *http = &request->http;
	int is_home = url_is_same_origin(at, &request->home);
	const char *host =
	    is_home && settings->sni != NULL ? settings->sni : at->host;

	release_hop(request);
	if (text != NULL && host == at->host)
		request->url = ha_xstrdup(text);
	else
		request->url = make_url(request, at, host);
	http->url = request->url;
	set_resolve(request,
	    request->proxy.host != NULL ? request->proxy.host : host,
	    request_port(request, at), address);
	set_headers(request, at, is_home);
	set_method(request);
	http->is_haproxy = settings->proxy_protocol == 1 &&
			   strcmp(at->host, request->home.host) == 0;
	http->user = is_home ? request->user : NULL;
	http->cert_file = is_home ? settings->cert_file : NULL;
	http->key_file = is_home ? settings->key_file : NULL;
}

void
request_redirect(struct request *request, int status)
{
	const char *method = request->method;
	int is_post =
	    method != NULL ? strcmp(method, "POST") == 0 : request->has_body;

	if (status == 303 && method != NULL && strcmp(method, "HEAD") == 0)
		return;
	if (status == 303 || ((status == 301 || status == 302) && is_post)) {
		request->method = NULL;
		request->has_body = 0;
	}
}
