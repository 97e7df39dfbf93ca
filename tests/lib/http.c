/* SPDX-License-Identifier: ISC */
/*
 * http - transfers against servers of a few lines, good and bad ones.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "clock.h"
#include "http.h"

#define MAX_FDS 64

static struct pollfd watched[MAX_FDS];
static size_t watched_count;
static int64_t due_ns = HA_CLOCK_NEVER;
static struct ha_http *http;

static pid_t server;
static int heard[2] = { -1, -1 }; /* what the server was told */

/* What the last done() was given. */
static struct {
	int count;
	struct ha_http_answer answer;
	char words[256], headers[4096], body[4096], redirect[256];
	size_t headers_len;
	enum ha_http_phase phase;
} got;

static void
watch(void *context, int fd, int readable, int writable)
{
	size_t i;

	(void)context;
	for (i = 0; i < watched_count && watched[i].fd != fd; i++)
		;
	if (!readable && !writable) {
		if (i < watched_count)
			watched[i] = watched[--watched_count];
		return;
	}
	assert_true(i < MAX_FDS);
	if (i == watched_count)
		watched_count++;
	watched[i].fd = fd;
	watched[i].events =
	    (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
}

static void
timer(void *context, long ms)
{
	(void)context;
	due_ns = ha_clock_deadline(ms);
}

static void
turn(int64_t until_ns)
{
	struct pollfd ready[MAX_FDS];
	size_t count = watched_count;

	memcpy(ready, watched, sizeof(ready));
	poll(ready, count,
	    ha_clock_poll_ms(due_ns < until_ns ? due_ns : until_ns));
	for (size_t i = 0; i < count; i++)
		if (ready[i].revents)
			ha_http_ready(http, ready[i].fd,
			    ready[i].revents & ~POLLOUT,
			    ready[i].revents & ~POLLIN);
	if (ha_clock_now_ns() >= due_ns) {
		due_ns = HA_CLOCK_NEVER;
		ha_http_timeout(http);
	}
}

static void
wait_for(int count)
{
	int64_t until_ns = ha_clock_deadline(10000);

	while (got.count < count && ha_clock_now_ns() < until_ns)
		turn(until_ns);
	assert_int_equal(got.count, count);
}

static void
done(void *context, const struct ha_http_answer *answer)
{
	(void)context;
	got.count++;
	got.answer = *answer;
	got.headers_len = answer->headers.len;
	snprintf(got.words, sizeof(got.words), "%s", answer->words);
	snprintf(got.headers, sizeof(got.headers), "%s", answer->headers.data);
	snprintf(got.body, sizeof(got.body), "%s", answer->body.data);
	snprintf(got.redirect, sizeof(got.redirect), "%s",
	    answer->redirect_url ? answer->redirect_url : "");
}

static void
say(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		_exit(0);
}

/* What the client says goes to the test, too; at its end so do we. */
static void
hear(int fd)
{
	char text[4096];
	ssize_t n = recv(fd, text, sizeof(text), 0);

	if (n <= 0 || write(heard[1], text, (size_t)n) < 0)
		_exit(0);
}

static _Noreturn void
serve_all(int listening, void (*talk)(int fd))
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listening, NULL, NULL);

		if (fork() == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			talk(fd);
			_exit(0);
		}
		close(fd);
	}
}

/* A listening socket; url receives "scheme://127.0.0.1:PORT/". */
static int
listener(const char *scheme, char *url, size_t size)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &len), 0);
	snprintf(url, size, "%s://127.0.0.1:%d/", scheme, ntohs(in.sin_port));
	return fd;
}

/* Each connection to the URL that is returned is talk()'s. */
static const char *
serve(const char *scheme, void (*talk)(int fd))
{
	static char url[64];
	int fd = listener(scheme, url, sizeof(url));

	assert_int_equal(pipe(heard), 0);
	fflush(NULL);
	server = fork();
	if (server == 0)
		serve_all(fd, talk);
	close(fd);
	close(heard[1]);
	return url;
}

static int
setup(void **state)
{
	static const struct ha_http_hooks hooks = { watch, timer, NULL };
	struct ha_err err;

	(void)state;
	memset(&got, 0, sizeof(got));
	watched_count = 0;
	due_ns = HA_CLOCK_NEVER;
	if (ha_http_new(&http, &hooks, &err) == 0)
		return 0;
	print_error("%s\n", err.msg);
	return -1;
}

static int
teardown(void **state)
{
	(void)state;
	ha_http_free(http);
	http = NULL;
	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
		close(heard[0]);
	}
	server = 0;
	return 0;
}

static struct ha_http_transfer *
begin(const struct ha_http_request *request)
{
	struct ha_http_transfer *transfer;
	struct ha_err err;

	if (ha_http_start(http, request, done, NULL, &transfer, &err))
		fail_msg("%s", err.msg);
	return transfer;
}

static void
fetch(const struct ha_http_request *request)
{
	begin(request);
	wait_for(got.count + 1);
}

static void
talk_two_responses(int fd)
{
	hear(fd);
	say(fd, "HTTP/1.1 103 Early Hints\r\nLink: early\r\n\r\n"
		"HTTP/1.1 200 Fine\r\nRetry-After: 7\r\n"
		"Content-Length: 10\r\n\r\n0123456789");
	hear(fd);
}

static void
a_response(void **state)
{
	struct ha_http_request request = { .max_body = 4 };

	(void)state;
	request.url = serve("http", talk_two_responses);
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_OK);
	assert_int_equal(got.answer.status, 200);
	assert_int_equal(strncmp(got.headers, "HTTP/1.1 200 Fine\r\n", 19), 0);
	assert_null(strstr(got.headers, "early"));
	assert_string_equal(got.body, "0123");
	assert_int_equal(got.answer.size, 10);
	assert_int_equal(got.answer.retry_after_s, 7);
	assert_true(got.answer.connect_us > 0);
	assert_true(got.answer.first_us >= got.answer.connect_us);
	assert_true(got.answer.total_us >= got.answer.first_us);
	assert_int_equal(got.answer.phase, HA_HTTP_READING);
	/* What one transfer had is not the next one's. */
	request.has_no_body = 1;
	fetch(&request);
	assert_string_equal(got.body, "");
	assert_int_equal(got.answer.size, 0);
}

static void
talk_echo(int fd)
{
	char text[4096], head[64];
	ssize_t n = recv(fd, text, sizeof(text), 0);

	if (n <= 0)
		_exit(0);
	snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nContent-Length: %zd\r\n\r\n", n);
	say(fd, head);
	send(fd, text, (size_t)n, MSG_NOSIGNAL);
	hear(fd);
}

static void
the_request(void **state)
{
	static const char *const headers[] = { "X-Test: 1", "Host: a.test",
		NULL };
	struct ha_http_request request = {
		.max_body = 4096,
		.method = "PUT",
		.headers = headers,
		.body = "a\0b",
		.body_len = 3,
		.user = "me",
		.password = "secret",
		.user_agent = "test/1",
	};

	(void)state;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	request.url = serve("http", talk_echo);
	fetch(&request);
	unsetenv("http_proxy");
	assert_int_equal(got.answer.fault, HA_HTTP_OK);
	assert_int_equal(strncmp(got.body, "PUT / HTTP/1.1\r\n", 16), 0);
	assert_non_null(strstr(got.body, "\r\nX-Test: 1\r\n"));
	assert_non_null(strstr(got.body, "\r\nHost: a.test\r\n"));
	assert_non_null(strstr(got.body, "\r\nUser-Agent: test/1\r\n"));
	assert_non_null(strstr(got.body, "\r\nAuthorization: Basic bWU6"));
	assert_non_null(strstr(got.body, "\r\nContent-Length: 3\r\n"));
	assert_int_equal(memcmp(got.body + got.answer.size - 3, "a", 1), 0);
}

static void
talk_redirect(int fd)
{
	hear(fd);
	say(fd, "HTTP/1.1 302 Found\r\nLocation: ../b@c?d=e@f\r\n"
		"Content-Length: 0\r\n\r\n");
	hear(fd);
}

static void
a_redirect_bears_no_login(void **state)
{
	struct ha_http_request request = { .user = "me",
		.password = "p@ss/word" };
	char expected[128];

	(void)state;
	request.url = serve("http", talk_redirect);
	snprintf(expected, sizeof(expected), "%sb@c?d=e@f", request.url);
	fetch(&request);
	assert_int_equal(got.answer.status, 302);
	assert_string_equal(got.redirect, expected);
	request.user = NULL;
	fetch(&request);
	assert_string_equal(got.redirect, expected);
}

static void
talk_endless_body(int fd)
{
	hear(fd);
	say(fd, "HTTP/1.1 200 OK\r\n\r\n");
	for (;;)
		say(fd, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
}

static void
talk_endless_headers(int fd)
{
	hear(fd);
	say(fd, "HTTP/1.1 200 OK\r\n");
	for (;;)
		say(fd, "X-Header: of no use at all\r\n");
}

static void
limits(void **state)
{
	struct ha_http_request request = { .max_size = 100000 };

	(void)state;
	request.url = serve("http", talk_endless_body);
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_TOO_LARGE);
	assert_int_equal(got.answer.status, 200);
	assert_true(got.answer.size > 100000);
	assert_int_equal(got.answer.body.len, 0);
	teardown(NULL);
	setup(NULL);
	request.url = serve("http", talk_endless_headers);
	request.max_headers = 10000;
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_PROTOCOL);
	assert_string_equal(got.words, "more than 9 KiB of headers");
	assert_true(got.headers_len <= 10000);
}

static void
talk_garbage(int fd)
{
	hear(fd);
	say(fd, "hello\r\n");
}

static void
talk_half(int fd)
{
	hear(fd);
	say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012");
}

static void
talk_silence(int fd)
{
	for (;;)
		hear(fd);
}

static void
faults(void **state)
{
	struct ha_http_request request = { .url = "http://127.0.0.1:1/" };

	(void)state;
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_CONNECT);
	assert_int_equal(got.answer.sys, ECONNREFUSED);
	assert_string_equal(got.words, "connection refused by 127.0.0.1:1");
	request.url = serve("http", talk_garbage);
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_PROTOCOL);
	assert_string_equal(got.words, "the answer is not HTTP");
	teardown(NULL);
	setup(NULL);
	request.url = serve("http", talk_half);
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_CLOSED);
	assert_non_null(strstr(got.words, "with 7 bytes missing"));
	teardown(NULL);
	setup(NULL);
	request.url = serve("http", talk_silence);
	request.timeout_ms = 200;
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_TIMEOUT);
	assert_int_equal(got.answer.phase, HA_HTTP_WAITING);
	request.source = "192.0.2.77";
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_LOCAL);
	assert_int_equal(got.answer.sys, EADDRNOTAVAIL);
}

static void
what_libcurl_cannot_take(void **state)
{
	struct ha_http_request request = { .url = "http://127.0.0.1:1/",
		.http_version = "9" };
	struct ha_http_transfer *transfer;
	struct ha_err err;

	(void)state;
	assert_int_equal(
	    ha_http_start(http, &request, done, NULL, &transfer, &err), -1);
	assert_int_equal(err.status, EX_USAGE);
	request.http_version = NULL;
	request.url = "https://127.0.0.1:1/";
	request.tls_min = "0.9";
	assert_int_equal(
	    ha_http_start(http, &request, done, NULL, &transfer, &err), -1);
	assert_int_equal(err.status, EX_USAGE);
}

static struct ha_http_transfer *victim;
static struct ha_http_request chain;

static void
go_on(void *context, const struct ha_http_answer *answer)
{
	struct ha_http_transfer *transfer;
	struct ha_err err;

	(void)context;
	assert_int_equal(answer->fault, HA_HTTP_OK);
	got.count++;
	if (victim != NULL)
		ha_http_cancel(victim);
	victim = NULL;
	if (got.count < 20)
		assert_int_equal(
		    ha_http_start(http, &chain, go_on, NULL, &transfer, &err),
		    0);
}

static void
done_may_begin_and_cancel_others(void **state)
{
	struct ha_http_request silent = { NULL };
	struct ha_http_transfer *transfer;
	struct ha_err err;
	char url[64];
	int fd = listener("http", url, sizeof(url));

	(void)state;
	silent.url = url;
	victim = begin(&silent);
	memset(&chain, 0, sizeof(chain));
	chain.url = serve("http", talk_echo);
	assert_int_equal(
	    ha_http_start(http, &chain, go_on, NULL, &transfer, &err), 0);
	wait_for(20);
	assert_null(victim);
	close(fd);
	/* One that runs is dropped with the rest. */
	begin(&chain);
	turn(ha_clock_deadline(100));
}

static void
talk_mail(int fd)
{
	say(fd, "220-hello\r\n220 there\r\n");
	hear(fd);
	say(fd, "250 me\r\n");
	hear(fd);
	for (;;)
		hear(fd);
}

/* Up to the end that the server hears; there is one before long. */
static void
assert_heard(const char *end)
{
	struct pollfd pfd = { heard[0], POLLIN, 0 };
	char text[1024];
	size_t len = 0;
	ssize_t n;

	while (len < sizeof(text) - 1 && poll(&pfd, 1, 10000) == 1) {
		n = read(heard[0], text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		text[len] = '\0';
		if (strstr(text, end))
			return;
	}
	fail_msg("the server has not heard '%s'", end);
}

static void
nobody_waits_for_the_reply_to_quit(void **state)
{
	struct ha_http_request request = { .is_connect_only = 1 };
	int64_t start_ns = ha_clock_now_ns();

	(void)state;
	request.url = serve("smtp", talk_mail);
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_OK);
	assert_string_equal(
	    got.headers, "220-hello\r\n220 there\r\n250 me\r\n");
	assert_heard("\r\nQUIT\r\n");
	ha_http_free(http);
	http = NULL;
	assert_true(ha_clock_now_ns() - start_ns < 5 * HA_S_NS);
}

static void
talk_busy(int fd)
{
	say(fd, "421 too busy\r\n");
	for (;;)
		hear(fd);
}

static void
talk_many_lines(int fd)
{
	for (;;)
		say(fd, "220-and so on\r\n");
}

static void
talk_no_line(int fd)
{
	static char block[65536];

	memset(block, 'x', sizeof(block) - 1);
	for (;;)
		say(fd, block);
}

static void
bad_greetings(void **state)
{
	static const struct {
		void (*talk)(int fd);
		const char *words;
	} cases[] = {
		{ talk_busy, "it says: 421 too busy" },
		{ talk_many_lines, "more than 256 KiB of greeting" },
		{ talk_no_line, "more than 256 KiB of greeting" },
	};
	static const char *const schemes[] = { "smtp", "imap", "pop3", "ftp" };
	struct ha_http_request request = { .is_connect_only = 1 };

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		/* What has no meaning for imap and pop3 they wait behind. */
		if (cases[i % 3].talk == talk_busy && i / 3 % 3 != 0)
			continue;
		request.url = serve(schemes[i / 3], cases[i % 3].talk);
		fetch(&request);
		assert_int_equal(got.answer.fault, HA_HTTP_PROTOCOL);
		assert_string_equal(got.words, cases[i % 3].words);
		teardown(NULL);
		setup(NULL);
	}
}

static void
the_phases(void **state)
{
	struct ha_http_request request = { .is_connect_only = 1 };
	const struct ha_http_transfer *transfer;
	int64_t until_ns = ha_clock_deadline(10000);

	(void)state;
	request.url = serve("https", talk_silence);
	transfer = begin(&request);
	assert_int_equal(ha_http_phase(transfer), HA_HTTP_CONNECTING);
	while (ha_http_phase(transfer) == HA_HTTP_CONNECTING &&
	       ha_clock_now_ns() < until_ns)
		turn(until_ns);
	assert_int_equal(ha_http_phase(transfer), HA_HTTP_SHAKING_HANDS);
	assert_int_equal(ha_http_heard(transfer)->len, 0);
}

/* Each answer names the connection, a process of its own. */
static void
talk_kept(int fd)
{
	char text[128];

	for (;;) {
		hear(fd);
		snprintf(text, sizeof(text),
		    "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%08d",
		    (int)getpid());
		say(fd, text);
	}
}

static void
a_kept_connection(void **state)
{
	struct ha_http_request request = { .max_body = 64, .is_kept = 1 };
	char first[64], address[64];

	(void)state;
	request.url = serve("http", talk_kept);
	fetch(&request);
	snprintf(first, sizeof(first), "%.8s", got.body);
	snprintf(address, sizeof(address), "%s", got.answer.address);
	assert_false(got.answer.is_reused);
	fetch(&request);
	assert_string_equal(got.body, first);
	assert_true(got.answer.is_reused);
	assert_string_equal(got.answer.address, address);
	request.is_kept = 0;
	fetch(&request);
	assert_string_not_equal(got.body, first);
	assert_false(got.answer.is_reused);
	request.is_kept = 1;
	fetch(&request);
	assert_string_equal(got.body, first);
}

static void
talk_message(int fd)
{
	say(fd, "220 hello\r\n");
	hear(fd);
	say(fd, "250 me\r\n");
	for (int i = 0; i < 2; i++) {
		hear(fd);
		say(fd, "250 from\r\n");
		hear(fd);
		say(fd, "550 not to him\r\n");
		hear(fd);
		say(fd, "250 to\r\n");
		hear(fd);
		say(fd, "354 go on\r\n");
		hear(fd);
		say(fd, "250 taken\r\n");
	}
	for (;;)
		hear(fd);
}

static const char *const recipients[] = { "a@x.test", "b@x.test", NULL };

static void
a_mail(void **state)
{
	struct ha_http_request request = { .mail_from = "me@x.test",
		.recipients = recipients,
		.body = "Subject: x\r\n\r\n.dot\r\n",
		.body_len = 20,
		.is_kept = 1,
		.timeout_ms = 5000 };
	int64_t start_ns = ha_clock_now_ns();

	(void)state;
	request.url = serve("smtp", talk_message);
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_OK);
	assert_int_equal(got.answer.status, 250);
	assert_true(got.answer.sent >= 20);
	assert_string_equal(got.headers,
	    "220 hello\r\n250 me\r\n250 from\r\n550 not to him\r\n"
	    "250 to\r\n354 go on\r\n250 taken\r\n");
	assert_heard("\r\n\r\n..dot\r\n.\r\n");
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_OK);
	assert_true(got.answer.is_reused);
	assert_heard("\r\n.\r\n");
	/* It says nothing to that. */
	ha_http_free(http);
	http = NULL;
	assert_heard("QUIT\r\n");
	assert_true(ha_clock_now_ns() - start_ns < 5 * HA_S_NS);
}

static void
talk_refusal(int fd)
{
	say(fd, "220 hello\r\n");
	hear(fd);
	say(fd, "250 me\r\n");
	hear(fd);
	say(fd, "452 no room\r\n");
	hear(fd);
	say(fd, "221 bye\r\n");
}

static void
talk_no_login(int fd)
{
	say(fd, "220 hello\r\n");
	for (int i = 0; i < 4; i++) {
		hear(fd);
		say(fd, "250 well\r\n");
	}
	hear(fd);
	say(fd, "354 go on\r\n");
	for (;;)
		hear(fd);
}

static void
talk_gone(int fd)
{
	say(fd, "220 hello\r\n");
	hear(fd);
	say(fd, "250 me\r\n");
	hear(fd);
}

static void
mails_that_are_not_taken(void **state)
{
	static const struct {
		void (*talk)(int fd);
		const char *user;
		enum ha_http_fault fault;
		int status;
		const char *words;
	} cases[] = {
		{ talk_refusal, NULL, HA_HTTP_REFUSED, 452,
		    "it says: 452 no room" },
		{ talk_busy, NULL, HA_HTTP_PROTOCOL, 421,
		    "it says: 421 too busy" },
		{ talk_no_login, "me", HA_HTTP_LOGIN, 354,
		    "no login is offered" },
		{ talk_gone, NULL, HA_HTTP_CLOSED, 250, "closed by" },
		{ talk_mail, NULL, HA_HTTP_TIMEOUT, 250, "after 250 me" },
	};
	struct ha_http_request request = { .mail_from = "",
		.recipients = recipients,
		.body = "x\r\n",
		.body_len = 3,
		.password = "",
		.timeout_ms = 300 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		request.url = serve("smtp", cases[i].talk);
		request.user = cases[i].user;
		fetch(&request);
		assert_int_equal(got.answer.fault, cases[i].fault);
		assert_int_equal(got.answer.status, cases[i].status);
		assert_non_null(strstr(got.words, cases[i].words));
		assert_int_equal(got.answer.sent, 0);
		teardown(NULL);
		setup(NULL);
	}
}

static void
a_name_that_is_none(void **state)
{
	struct ha_http_request request = { .url = "http://nowhere.invalid/",
		.timeout_ms = 5000 };

	(void)state;
	fetch(&request);
	assert_int_equal(got.answer.fault, HA_HTTP_RESOLVE);
	assert_string_equal(
	    got.words, "the name nowhere.invalid can't be resolved");
}

/* RFC 4231 section 4.3. */
static void
an_hmac(void **state)
{
	static const unsigned char expected[] = { 0x5b, 0xdc, 0xc1, 0x46, 0xbf,
		0x60, 0x75, 0x4e, 0x6a, 0x04, 0x24, 0x26, 0x08, 0x95, 0x75,
		0xc7, 0x5a, 0x00, 0x3f, 0x08, 0x9d, 0x27, 0x39, 0x83, 0x9d,
		0xec, 0x58, 0xb9, 0x64, 0xec, 0x38, 0x43 };
	unsigned char hmac[HA_HTTP_HMAC_SIZE];
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_http_hmac_sha256("Jefe", 4,
			     "what do ya want for nothing?", 28, hmac, &err),
	    0);
	assert_memory_equal(hmac, expected, sizeof(expected));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_response, setup, teardown),
		cmocka_unit_test_setup_teardown(the_request, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_redirect_bears_no_login, setup, teardown),
		cmocka_unit_test_setup_teardown(limits, setup, teardown),
		cmocka_unit_test_setup_teardown(faults, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    what_libcurl_cannot_take, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    done_may_begin_and_cancel_others, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    nobody_waits_for_the_reply_to_quit, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_greetings, setup, teardown),
		cmocka_unit_test_setup_teardown(the_phases, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_kept_connection, setup, teardown),
		cmocka_unit_test_setup_teardown(a_mail, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    mails_that_are_not_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(
		    a_name_that_is_none, setup, teardown),
		cmocka_unit_test_setup_teardown(an_hmac, setup, teardown),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
