/* SPDX-License-Identifier: ISC */
/*
 * db - connections to a server of a few lines, in a thread: what it sends, and
 * where it stalls, is each test's own.  Option files.
 *
 * It serves on loopback and on 192.0.2.1, which in a network namespace of our
 * own is another machine's address.
 */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "buf.h"
#include "clock.h"
#include "db-defaults.h"
#include "db.h"

#define SECRET "s3cret-Pw"
#define ELSEWHERE "192.0.2.1"
#define SHORT_MS 300
/* How much later than its deadline a call may return on a loaded machine. */
#define LATE_MS 500

#define CLIENT_SSL 0x0800
#define OK "\0\0\0\2\0\0\0"
#define OK_MORE "\0\0\0\12\0\0\0"

static struct {
	void (*play)(int fd);
	int listener;
	unsigned port;
	pthread_t thread;
	struct ha_buf heard; /* all that it was sent */
	unsigned char seq;
} server;

static int has_elsewhere;
static struct ha_err err;
static struct ha_db *db;

/* What a server says */

static void
say(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	while (len > 0) {
		n = send(fd, at, len, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		at += n;
		len -= (size_t)n;
	}
}

static void
say_packet(int fd, const void *data, size_t len)
{
	unsigned char head[4] = { (unsigned char)len, (unsigned char)(len >> 8),
		(unsigned char)(len >> 16), server.seq++ };
	struct ha_buf packet = HA_BUF_INIT;

	ha_buf_add(&packet, head, sizeof(head));
	ha_buf_add(&packet, data, len);
	say(fd, packet.data, packet.len);
	ha_buf_release(&packet);
}
#define SAY(fd, literal) say_packet(fd, literal, sizeof(literal) - 1)

/* Until a whole packet came, or the client went. */
static int
listen_packet(int fd)
{
	unsigned char head[4];
	size_t len = 0;
	char byte;

	for (size_t i = 0; i < sizeof(head) + len; i++) {
		if (recv(fd, &byte, 1, 0) != 1)
			return -1;
		ha_buf_add_char(&server.heard, byte);
		if (i < sizeof(head))
			head[i] = (unsigned char)byte;
		if (i + 1 == sizeof(head))
			len = head[0] | (size_t)head[1] << 8 |
			      (size_t)head[2] << 16;
	}
	server.seq = (unsigned char)(head[3] + 1);
	return 0;
}

/* Read, and say nothing, until the client goes. */
static void
stall(int fd)
{
	char bytes[4096];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), 0)) > 0)
		ha_buf_add(&server.heard, bytes, (size_t)n);
}

static void
greet_with(int fd, unsigned capabilities, const char *plugin)
{
	unsigned char low[2] = { (unsigned char)capabilities,
		(unsigned char)(capabilities >> 8) };
	struct ha_buf greeting = HA_BUF_INIT;

	server.seq = 0;
	ha_buf_add(&greeting,
	    "\12"
	    "5.5.5-10.11.0-MariaDB\0\7\0\0\0abcdefgh\0",
	    36);
	ha_buf_add(&greeting, low, sizeof(low));
	ha_buf_add(&greeting,
	    "\x21\2\0\x0b\0\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0", 29);
	ha_buf_add(&greeting, plugin, strlen(plugin) + 1);
	say_packet(fd, greeting.data, greeting.len);
	ha_buf_release(&greeting);
}

static void
greet(int fd)
{
	greet_with(fd, 0xf7ff, "mysql_native_password");
}

static int
let_in(int fd)
{
	greet(fd);
	if (listen_packet(fd))
		return -1;
	SAY(fd, OK);
	return listen_packet(fd);
}

/* A column called a, and rows with one cell each: "x", NULL. */
static void
say_rows(int fd, const char *end)
{
	SAY(fd, "\1");
	SAY(fd, "\3def\0\0\0\1a\0\14\x21\0\4\0\0\0\375\0\0\0\0\0");
	SAY(fd, "\376\0\0\2\0");
	SAY(fd, "\1x");
	SAY(fd, "\373");
	say_packet(fd, end, 5);
}
#define LAST "\376\0\0\2\0"
#define NOT_LAST "\376\0\0\12\0"

/* It */

static void *
serve(void *context)
{
	int fd;

	(void)context;
	while ((fd = accept(server.listener, NULL, NULL)) >= 0) {
		server.play(fd);
		close(fd);
	}
	return NULL;
}

static void
start(void (*play)(int fd))
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);

	server.play = play;
	server.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server.listener, (void *)&address, len), 0);
	assert_int_equal(listen(server.listener, 8), 0);
	getsockname(server.listener, (void *)&address, &len);
	server.port = ntohs(address.sin_port);
	ha_buf_reset(&server.heard);
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static int
finish(void **state)
{
	ha_db_free(db);
	db = NULL;
	if (server.play) {
		shutdown(server.listener, SHUT_RDWR);
		pthread_join(server.thread, NULL);
		close(server.listener);
		server.play = NULL;
	}
	return test_leave(state);
}

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) < 0, 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static int
begin(void **state)
{
	int failed = test_enter(state);

	if (!failed) {
		write_file(
		    "my.cnf", "[client]\nuser=me\npassword=" SECRET "\n", 0600);
		db = ha_db_new();
	}
	return failed;
}
#define test_served(f) cmocka_unit_test_setup_teardown(f, begin, finish)

static int
connect_with(struct ha_db_options options)
{
	options.port = server.port;
	if (!options.host)
		options.host = "127.0.0.1";
	if (!options.defaults_file)
		options.defaults_file = "my.cnf";
	if (options.deadline_ns == 0)
		options.deadline_ns = ha_clock_deadline(5000);
	return ha_db_connect(db, &options, &err);
}

static int
log_in(void)
{
	return connect_with((struct ha_db_options){ 0 });
}

static int
hear_secret(void)
{
	return memmem(server.heard.data, server.heard.len, SECRET,
		   strlen(SECRET)) != NULL;
}

static void
assert_in_time(int64_t began_ns, int64_t least_ms)
{
	int64_t ms = (ha_clock_now_ns() - began_ns) / HA_MS_NS;

	assert_in_range(ms, least_ms, least_ms + LATE_MS);
}

/* Connecting stalls, and says so at its deadline. */
static void
assert_late(void (*play)(int fd), enum ha_db_step step, const char *words)
{
	int64_t began_ns;

	start(play);
	began_ns = ha_clock_now_ns();
	assert_int_equal(connect_with((struct ha_db_options){
			     .deadline_ns = ha_clock_deadline(SHORT_MS) }),
	    -1);
	assert_in_time(began_ns, SHORT_MS);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_string_equal(err.msg, words);
	assert_int_equal(ha_db_step(db), step);
	assert_false(ha_db_error_is_local(db));
	assert_false(hear_secret());
}

static void
assert_refused(void (*play)(int fd), int status, const char *words)
{
	start(play);
	assert_int_equal(log_in(), -1);
	assert_string_equal(err.msg, words);
	assert_int_equal(err.status, status);
	assert_false(hear_secret());
}

/* Connecting */

static void
play_stall(int fd)
{
	stall(fd);
}

static void
test_no_greeting(void **state)
{
	(void)state;
	assert_late(play_stall, HA_DB_AT_GREETING, "no greeting in time");
	assert_true(ha_db_connected_ns(db) > 0);
	assert_true(ha_db_greeted_ns(db) == 0);
}

static void
play_half_greeting(int fd)
{
	say(fd,
	    "\x4a\0\0\0\12"
	    "5.5",
	    8);
	stall(fd);
}

static void
test_half_greeting(void **state)
{
	(void)state;
	assert_late(play_half_greeting, HA_DB_AT_LOGIN,
	    "no answer to the login in time");
}

/* A byte at a time never lets it wait for long. */
static void
play_drip(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };

	say(fd, "\0\x10\0\0", 4);
	while (poll(&pfd, 1, 5) == 0)
		say(fd, "x", 1);
}

static void
test_drip(void **state)
{
	(void)state;
	assert_late(
	    play_drip, HA_DB_AT_LOGIN, "no answer to the login in time");
}

static void
play_no_answer(int fd)
{
	greet(fd);
	stall(fd);
}

static void
test_no_login(void **state)
{
	(void)state;
	assert_late(
	    play_no_answer, HA_DB_AT_LOGIN, "no answer to the login in time");
}

/* Progress reports, for ever and as fast as they can be read. */
static void
play_flood(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = 0 };
	static const char report[] = "\377\377\377\1\1\2\0\0\0\0";

	greet(fd);
	if (listen_packet(fd))
		return;
	while (poll(&pfd, 1, 0) == 0)
		SAY(fd, report);
}

static void
test_flood(void **state)
{
	int64_t began_ns = ha_clock_now_ns();

	(void)state;
	start(play_flood);
	assert_int_equal(connect_with((struct ha_db_options){
			     .deadline_ns = ha_clock_deadline(SHORT_MS) }),
	    -1);
	assert_true(
	    ha_clock_now_ns() - began_ns < (SHORT_MS + LATE_MS) * HA_MS_NS);
	assert_int_equal(err.status, EX_UNAVAILABLE);
}

static void
test_not_listening(void **state)
{
	int at_once;

	(void)state;
	start(play_stall);
	shutdown(server.listener, SHUT_RDWR);
	close(server.listener);
	assert_int_equal(log_in(), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_non_null(strstr(err.msg, "can't connect to 127.0.0.1:"));
	assert_non_null(strstr(err.msg, "refused"));
	assert_int_equal(ha_db_connect_errno(db, &at_once), ECONNREFUSED);
	assert_false(ha_db_error_is_local(db));
}

static void
play_close(int fd)
{
	(void)fd;
}

static void
test_closed_at_once(void **state)
{
	(void)state;
	start(play_close);
	assert_int_equal(log_in(), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(ha_db_error(db), 2013);
}

static void
play_full(int fd)
{
	server.seq = 0;
	SAY(fd, "\377\20\4Too many connections");
	stall(fd);
}

static void
test_full(void **state)
{
	(void)state;
	assert_refused(play_full, EX_UNAVAILABLE, "Too many connections");
	assert_int_equal(ha_db_error(db), 1040);
}

static void
play_garbage(int fd)
{
	say(fd, "SSH-2.0-OpenSSH\r\n", 17);
	stall(fd);
}

static void
test_garbage(void **state)
{
	(void)state;
	start(play_garbage);
	assert_int_equal(connect_with((struct ha_db_options){
			     .deadline_ns = ha_clock_deadline(SHORT_MS) }),
	    -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
}

static void
play_random(int fd)
{
	char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)test_random(256);
	switch (test_random(4)) {
	case 0:
		server.seq = 0;
		say_packet(fd, bytes, test_random(sizeof(bytes)));
		break;
	case 1:
		greet(fd);
		if (listen_packet(fd) == 0)
			say_packet(fd, bytes, test_random(sizeof(bytes)));
		break;
	case 2:
		if (let_in(fd) == 0)
			say_packet(fd, bytes, test_random(sizeof(bytes)));
		break;
	default:
		say(fd, bytes, test_random(sizeof(bytes)));
	}
}

/* Whatever it says, it is over when it closes, and the process lives. */
static void
test_random_server(void **state)
{
	(void)state;
	test_seed();
	start(play_random);
	for (int i = 0; i < 300; i++) {
		if (log_in() == 0)
			ha_db_query(db, "SELECT 1", ha_clock_deadline(5000),
			    NULL, &err);
		ha_db_free(db);
		db = ha_db_new();
	}
}

static void
play_denied(int fd)
{
	greet(fd);
	if (listen_packet(fd))
		return;
	SAY(fd, "\377\25\4#28000Access\33[31m denied\302\233m\n for 'me'");
	stall(fd);
}

static void
test_denied(void **state)
{
	(void)state;
	assert_refused(
	    play_denied, EX_NOPERM, "Access [31m denied  m  for 'me'");
	assert_int_equal(ha_db_error(db), 1045);
}

/* Ways that give the password to whoever asks */

static void
play_ask_in_clear(int fd)
{
	greet(fd);
	if (listen_packet(fd))
		return;
	SAY(fd, "\376mysql_clear_password\0");
	stall(fd);
}

#define SHOWN                                                                  \
	"its plugin shows the password to whoever answers; "                   \
	"caching_sha2_password needs ssl-ca"

static void
test_asked_in_clear(void **state)
{
	(void)state;
	assert_refused(play_ask_in_clear, EX_NOPERM, SHOWN);
}

static void
play_ask_sha2(int fd)
{
	greet(fd);
	if (listen_packet(fd))
		return;
	SAY(fd, "\376caching_sha2_password\0abcdefghijklmnopqrst\0");
	if (listen_packet(fd))
		return;
	SAY(fd, "\1\4");
	stall(fd);
}

/* With a key of its own it could read it. */
static void
test_asked_by_sha2(void **state)
{
	(void)state;
	if (!has_elsewhere)
		skip();
	start(play_ask_sha2);
	write_file("my.cnf",
	    "[client]\nuser=me\nskip-ssl\npassword=" SECRET "\n", 0600);
	assert_int_equal(
	    connect_with((struct ha_db_options){ .host = ELSEWHERE }), -1);
	assert_int_equal(err.status, EX_NOPERM);
	assert_string_equal(err.msg, SHOWN);
	assert_int_equal(
	    connect_with((struct ha_db_options){ .tls_if_asked = 1 }), -1);
	assert_string_equal(err.msg, SHOWN);
	assert_false(hear_secret());
}

/* With a reason within TLS only, whoever's: in clear all would hear it. */
static void
test_asked_by_sha2_overridden(void **state)
{
	(void)state;
	if (!has_elsewhere)
		skip();
	start(play_ask_sha2);
	assert_int_equal(
	    connect_with((struct ha_db_options){
		.host = ELSEWHERE, .insecure = "a test", .user = "me" }),
	    -1);
	assert_int_equal(err.status, EX_NOPERM);
	assert_string_equal(err.msg, SHOWN);
	assert_false(hear_secret());
}

/* TLS */

static void
test_no_tls_elsewhere(void **state)
{
	size_t login;

	(void)state;
	if (!has_elsewhere)
		skip();
	start(play_no_answer);
	assert_int_equal(
	    connect_with((struct ha_db_options){ .host = ELSEWHERE }), -1);
	assert_int_equal(err.status, EX_NOPERM);
	assert_non_null(strstr(err.msg, "no TLS with " ELSEWHERE));
	assert_int_equal(server.heard.len, 0);
	/* Here it may go in clear; the name of the user is in what it says. */
	connect_with((struct ha_db_options){
	    .deadline_ns = ha_clock_deadline(SHORT_MS) });
	login = server.heard.len;
	assert_true(login > 32);
}

static void
play_let_in(int fd)
{
	if (let_in(fd) == 0)
		stall(fd);
}

static void
test_no_tls_overridden(void **state)
{
	(void)state;
	if (!has_elsewhere)
		skip();
	start(play_let_in);
	assert_int_equal(connect_with((struct ha_db_options){
			     .host = ELSEWHERE, .insecure = "a test" }),
	    0);
	assert_string_equal(ha_db_version(db), "10.11.0-MariaDB");
	assert_int_equal(ha_db_connection_id(db), 7);
	assert_string_equal(ha_db_tls_version(db), "");
	ha_db_free(db);
	db = ha_db_new();
	write_file("my.cnf", "[client]\nssl=0\npassword=" SECRET "\n", 0600);
	assert_int_equal(
	    connect_with((struct ha_db_options){ .host = ELSEWHERE }), 0);
	assert_false(hear_secret());
}

static void
play_stall_tls(int fd)
{
	greet_with(fd, 0xffff, "mysql_native_password");
	stall(fd);
}

static void
test_tls_stalls(void **state)
{
	(void)state;
	write_file(
	    "my.cnf", "[client]\nuser=me\nssl\npassword=" SECRET "\n", 0600);
	assert_late(
	    play_stall_tls, HA_DB_AT_LOGIN, "no answer to the login in time");
	assert_null(memmem(server.heard.data, server.heard.len, "me", 3));
}

/* The first record of a handshake, and then nothing. */
static void
play_stall_in_record(int fd)
{
	greet_with(fd, 0xffff, "mysql_native_password");
	if (listen_packet(fd))
		return;
	say(fd, "\26\3\3\0\100\2", 6);
	stall(fd);
}

static void
test_tls_stalls_in_record(void **state)
{
	(void)state;
	write_file(
	    "my.cnf", "[client]\nuser=me\nssl\npassword=" SECRET "\n", 0600);
	assert_late(play_stall_in_record, HA_DB_AT_LOGIN,
	    "no answer to the login in time");
}

static void
play_close_in_tls(int fd)
{
	greet_with(fd, 0xffff, "mysql_native_password");
	listen_packet(fd);
}

static void
test_tls_closes(void **state)
{
	(void)state;
	write_file("my.cnf", "[client]\nuser=me\nssl\n", 0600);
	start(play_close_in_tls);
	assert_int_equal(log_in(), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
}

static void
play_garbage_in_tls(int fd)
{
	greet_with(fd, 0xffff, "mysql_native_password");
	if (listen_packet(fd))
		return;
	say(fd, "HTTP/1.0 400 Bad Request\r\n\r\n", 28);
	stall(fd);
}

static void
test_tls_garbage(void **state)
{
	(void)state;
	write_file("my.cnf", "[client]\nuser=me\nssl\n", 0600);
	start(play_garbage_in_tls);
	assert_int_equal(log_in(), -1);
	assert_int_equal(err.status, EX_NOPERM);
}

/* Addresses */

static void
test_next_address(void **state)
{
	(void)state;
	start(play_let_in);
	/* ::1 comes first, where there is any, and nobody listens there. */
	assert_int_equal(
	    connect_with((struct ha_db_options){ .host = "localhost" }), 0);
}

static void
test_no_such_host(void **state)
{
	(void)state;
	start(play_let_in);
	assert_int_equal(
	    connect_with((struct ha_db_options){ .host = "no such host" }), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(ha_db_error(db), 2005);
}

static void
test_no_descriptor(void **state)
{
	struct rlimit limit, none;
	int lowest = dup(0);

	(void)state;
	close(lowest);
	start(play_let_in);
	getrlimit(RLIMIT_NOFILE, &limit);
	none = limit;
	none.rlim_cur = (rlim_t)lowest;
	setrlimit(RLIMIT_NOFILE, &none);
	assert_int_equal(log_in(), -1);
	setrlimit(RLIMIT_NOFILE, &limit);
	assert_true(ha_db_error_is_local(db));
}

/* Nobody accepts: the first waits in the queue, the next not even there. */
static void
test_full_socket(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
		.sun_path = "socket" };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ha_db_options options = { .socket = "socket",
		.defaults_file = "my.cnf" };
	int64_t began_ns = ha_clock_now_ns();

	(void)state;
	assert_int_equal(bind(listener, (void *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 0), 0);
	options.deadline_ns = ha_clock_deadline(SHORT_MS);
	assert_int_equal(ha_db_connect(db, &options, &err), -1);
	assert_string_equal(err.msg, "no greeting in time");
	assert_in_time(began_ns, SHORT_MS);
	began_ns = ha_clock_now_ns();
	options.deadline_ns = ha_clock_deadline(SHORT_MS);
	assert_int_equal(ha_db_connect(db, &options, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_string_equal(
	    err.msg, "can't connect to socket: its queue is full");
	assert_true(ha_clock_now_ns() - began_ns < 2 * HA_S_NS);
	close(listener);
}

/* Statements */

static struct ha_db_result results[4];

static int
batch(const char *a, const char *b, const char *c, int64_t ms)
{
	const char *const statements[] = { a, b, NULL, c };

	return ha_db_batch(
	    db, statements, 4, ha_clock_deadline(ms), results, &err);
}

static int
finish_results(void **state)
{
	for (size_t i = 0; i < 4; i++)
		ha_db_result_release(&results[i]);
	return finish(state);
}
#define test_batch(f) cmocka_unit_test_setup_teardown(f, begin, finish_results)

static void
play_batch(int fd)
{
	if (let_in(fd))
		return;
	say_rows(fd, NOT_LAST);
	SAY(fd, "\0\5\0\12\0\0\0");
	say_rows(fd, LAST);
	stall(fd);
}

static void
test_answers(void **state)
{
	(void)state;
	start(play_batch);
	assert_int_equal(log_in(), 0);
	assert_int_equal(
	    batch("SELECT a;", "UPDATE b", "SELECT c -- d", 5000), 0);
	assert_non_null(memmem(server.heard.data, server.heard.len,
	    "\3SELECT a\n;UPDATE b\n;SELECT c -- d", 34));
	assert_int_equal(results[0].columns, 1);
	assert_int_equal(results[0].rows, 2);
	assert_string_equal(ha_db_get(&results[0], 0, "A"), "x");
	assert_null(ha_db_get(&results[0], 1, "a"));
	assert_null(ha_db_get(&results[0], 2, "a"));
	assert_null(ha_db_get(&results[0], 0, "b"));
	assert_true(ha_db_has(&results[0], "a"));
	assert_false(ha_db_has(&results[0], "b"));
	assert_int_equal(results[1].affected, 5);
	assert_int_equal(results[2].columns, 0);
	assert_int_equal(results[3].rows, 2);
	assert_false(ha_db_has(&results[2], "a"));
}

static void
play_refuse_second(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, OK_MORE);
	SAY(fd, "\377\50\4#42000You have an error near 'PASSWORD=''" SECRET
		"''\n;SELECT 3' at line 1");
	if (listen_packet(fd))
		return;
	say_rows(fd, LAST);
	stall(fd);
}

static void
test_goes_on(void **state)
{
	(void)state;
	start(play_refuse_second);
	assert_int_equal(log_in(), 0);
	assert_int_equal(
	    batch("DO 1", "X PASSWORD='" SECRET "'", "SELECT 3", 5000), 0);
	assert_int_equal(results[0].error, 0);
	assert_int_equal(results[1].error, 1064);
	assert_string_equal(results[1].words, "You have an error");
	assert_int_equal(results[3].rows, 2);
	assert_non_null(memmem(
	    server.heard.data, server.heard.len, "\11\0\0\0\3SELECT 3", 13));
}

static void
test_refused_query(void **state)
{
	(void)state;
	start(play_refuse_second);
	assert_int_equal(log_in(), 0);
	assert_int_equal(batch(NULL, NULL, NULL, 5000), 0);
	/* Its answer is two, which a statement doesn't have. */
	assert_int_equal(
	    ha_db_query(db, "DO 1", ha_clock_deadline(5000), NULL, &err), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_string_equal(
	    err.msg, "the server does not keep to its protocol");
}

static void
play_refuse(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, "\377\50\4#42000no \33such near 'a\n;b'");
	if (listen_packet(fd))
		return;
	SAY(fd, OK);
	stall(fd);
}

static void
test_refused_one(void **state)
{
	(void)state;
	start(play_refuse);
	assert_int_equal(log_in(), 0);
	assert_int_equal(
	    ha_db_query(db, "X", ha_clock_deadline(5000), NULL, &err), -1);
	assert_int_equal(err.status, EX_DATAERR);
	assert_int_equal(ha_db_error(db), 1064);
	assert_string_equal(err.msg, "no  such near 'a'");
	assert_int_equal(
	    ha_db_query(db, "DO 1", ha_clock_deadline(5000), NULL, &err), 0);
}

/* It answers the first statement, not the second; closing waits for nothing. */
static void
play_stall_second(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, OK_MORE);
	stall(fd);
}

static void
test_stalls(void **state)
{
	int64_t began_ns;

	(void)state;
	start(play_stall_second);
	assert_int_equal(log_in(), 0);
	began_ns = ha_clock_now_ns();
	assert_int_equal(batch("DO 1", "STOP REPLICA", "DO 2", SHORT_MS), -1);
	assert_in_time(began_ns, SHORT_MS);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_string_equal(err.msg, "no answer to a statement in time");
	assert_int_equal(results[1].error, 0);
	assert_int_equal(batch("DO 1", NULL, NULL, 5000), -1);
	assert_string_equal(err.msg, "the connection is gone");
	began_ns = ha_clock_now_ns();
	ha_db_free(db);
	db = NULL;
	assert_in_time(began_ns, 0);
}

static void
play_stall_in_row(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, "\1");
	SAY(fd, "\3def\0\0\0\1a\0\14\x21\0\4\0\0\0\375\0\0\0\0\0");
	SAY(fd, "\376\0\0\2\0");
	SAY(fd, "\1x");
	say(fd, "\3\0\0", 3);
	stall(fd);
}

static void
test_stalls_in_row(void **state)
{
	int64_t began_ns;

	(void)state;
	start(play_stall_in_row);
	assert_int_equal(log_in(), 0);
	began_ns = ha_clock_now_ns();
	assert_int_equal(batch("SELECT 1", NULL, NULL, SHORT_MS), -1);
	assert_in_time(began_ns, SHORT_MS);
	assert_int_equal(results[0].columns, 0);
}

static void
play_close_in_rows(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, "\1");
	SAY(fd, "\3def\0\0\0\1a\0\14\x21\0\4\0\0\0\375\0\0\0\0\0");
	SAY(fd, "\376\0\0\2\0");
	SAY(fd, "\1x");
}

static void
test_closes(void **state)
{
	struct sigaction action;

	(void)state;
	start(play_close_in_rows);
	assert_int_equal(log_in(), 0);
	assert_int_equal(batch("SELECT 1", "DO 1", NULL, 5000), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_int_equal(ha_db_error(db), 2013);
	assert_int_equal(results[0].columns, 0);
	/* Nobody catches SIGPIPE, and none came. */
	sigaction(SIGPIPE, NULL, &action);
	assert_true(action.sa_handler == SIG_DFL);
}

static void
play_killed(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, "\377\207\7#70100Connection was killed");
}

static void
test_killed(void **state)
{
	(void)state;
	start(play_killed);
	assert_int_equal(log_in(), 0);
	assert_int_equal(batch("DO 1", "DO 2", NULL, 5000), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
	assert_string_equal(err.msg, "Connection was killed");
}

static void
play_too_few(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, OK);
	stall(fd);
}

static void
test_too_few(void **state)
{
	(void)state;
	start(play_too_few);
	assert_int_equal(log_in(), 0);
	assert_int_equal(batch("DO 1", "DO 2", NULL, 5000), -1);
	assert_int_equal(err.status, EX_UNAVAILABLE);
}

/* Rows of a megabyte without end */
static void
play_rows(int fd)
{
	static const char head[] = { (char)0xfd, 0x40, 0x42, 0x0f };
	static char row[1000004];
	struct pollfd pfd = { .fd = fd, .events = 0 };

	if (let_in(fd))
		return;
	memset(row, 'x', sizeof(row));
	memcpy(row, head, sizeof(head));
	SAY(fd, "\1");
	SAY(fd, "\3def\0\0\0\1a\0\14\x21\0\4\0\0\0\375\0\0\0\0\0");
	SAY(fd, "\376\0\0\2\0");
	while (poll(&pfd, 1, 0) == 0)
		say_packet(fd, row, sizeof(row));
}

static void
test_too_much(void **state)
{
	(void)state;
	start(play_rows);
	assert_int_equal(log_in(), 0);
	assert_int_equal(batch("SELECT 1", NULL, NULL, 20000), -1);
	assert_string_equal(err.msg, "an answer of more than 64 MiB");
	assert_int_equal(results[0].columns, 0);
}

static void
play_want_file(int fd)
{
	if (let_in(fd))
		return;
	SAY(fd, "\373my.cnf");
	if (listen_packet(fd))
		return;
	SAY(fd, OK);
	stall(fd);
}

static void
test_wants_file(void **state)
{
	(void)state;
	start(play_want_file);
	assert_int_equal(log_in(), 0);
	assert_int_equal(batch("SELECT 1", NULL, NULL, 5000), -1);
	assert_false(hear_secret());
}

static void
test_literals(void **state)
{
	struct ha_buf sql = HA_BUF_INIT;

	(void)state;
	ha_db_add_string(&sql, "it's \\ \"");
	ha_db_add_name(&sql, "a`b");
	assert_string_equal(sql.data, "'it''s \\\\ \"'`a``b`");
	ha_buf_release(&sql);
}

/* Option files */

static struct ha_db_defaults defaults;

static int
leave_defaults(void **state)
{
	ha_db_defaults_release(&defaults);
	return test_leave(state);
}
#define test_defaults(f)                                                       \
	cmocka_unit_test_setup_teardown(f, test_enter, leave_defaults)

static int
read_text(const char *text, const char *group)
{
	ha_db_defaults_release(&defaults);
	write_file("cnf", text, 0600);
	return ha_db_defaults_read(&defaults, "cnf", group, &err);
}

static void
test_groups(void **state)
{
	(void)state;
	assert_int_equal(read_text("# a comment\n; another\n"
				   "[mysqld]\nport=1\nuser=server\n"
				   "[client-server]\nport = 2\n"
				   "[client ]x\n  host=a\nunknown=1\nport=3\n"
				   "[ client]\nport=4\n"
				   "[client-mariadb]\nhost = b\r\n"
				   "[other]\nhost=c\n",
			     NULL),
	    0);
	assert_int_equal(defaults.port, 3);
	assert_string_equal(defaults.host, "b");
	assert_null(defaults.user);
	assert_int_equal(
	    read_text("[client]\nhost=a\n[other]\nhost=c", "other"), 0);
	assert_string_equal(defaults.host, "c");
}

static void
test_values(void **state)
{
	(void)state;
	assert_int_equal(read_text("[client]\n"
				   "user = me # a comment\n"
				   "password = \"a#b\\\"\\\\c\" # another\n"
				   "ssl_ca='/a b'\n"
				   "loose-socket=/x\\sy\n"
				   "bind-address=::1\n"
				   "host\n"
				   "protocol=TCP\n",
			     NULL),
	    0);
	assert_string_equal(defaults.user, "me");
	assert_string_equal(defaults.password, "a#b\"\\c");
	assert_string_equal(defaults.ssl_ca, "/a b");
	assert_string_equal(defaults.socket, "/x y");
	assert_string_equal(defaults.source, "::1");
	assert_null(defaults.host);
	assert_true(defaults.is_tcp);
}

static void
test_tls_words(void **state)
{
	static const struct {
		const char *line;
		int tls;
	} table[] = {
		{ "user=a", 0 },
		{ "skip-ssl", -1 },
		{ "skip_ssl", -1 },
		{ "disable-ssl", -1 },
		{ "skip-ssl=0", 1 },
		{ "ssl=0", -1 },
		{ "ssl=OFF", -1 },
		{ "ssl = false", -1 },
		{ "ssl", 1 },
		{ "ssl=1", 1 },
		{ "ssl\nskip-ssl", -1 },
		{ "skip-ssl\nssl", 1 },
		{ "ssl-mode=DISABLED", -1 },
		{ "ssl-mode=PREFERRED", 0 },
		{ "ssl-mode=verify_identity", 1 },
		{ "ssl-verify-server-cert=0", 0 },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		snprintf(text, sizeof(text), "[client]\n%s\n", table[i].line);
		assert_int_equal(read_text(text, NULL), 0);
		assert_int_equal(defaults.tls, table[i].tls);
	}
}

static void
test_includes(void **state)
{
	(void)state;
	assert_int_equal(mkdir("d", 0700), 0);
	write_file("d/2.cnf", "[client]\nhost=two\n", 0600);
	write_file("d/1.cnf", "[client]\nhost=one\nuser=one\n", 0600);
	write_file("d/3.txt", "[client]\nhost=three\n", 0600);
	write_file("i.cnf", "host=none\n[client]\nport=9\n[mysqld]\n", 0600);
	assert_int_equal(read_text("[client]\n!includedir d\n!include i.cnf\n"
				   "socket=s\n",
			     NULL),
	    0);
	assert_string_equal(defaults.host, "two");
	assert_string_equal(defaults.user, "one");
	assert_int_equal(defaults.port, 9);
	assert_string_equal(defaults.socket, "s");
	assert_int_equal(read_text("!include cnf\n", NULL), -1);
	assert_int_equal(err.status, EX_CONFIG);
	assert_int_equal(read_text("!include none\n", NULL), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	assert_int_equal(read_text("!includedir none\n", NULL), -1);
	assert_int_equal(err.status, EX_NOINPUT);
}

static void
test_modes(void **state)
{
	static const char secret[] = "[client]\npassword=" SECRET "\n";
	static const mode_t open_modes[] = { 0604, 0640, 0644 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		write_file("a", secret, open_modes[i]);
		assert_int_equal(
		    ha_db_defaults_read(&defaults, "a", NULL, &err), -1);
		ha_db_defaults_release(&defaults);
		assert_int_equal(err.status, EX_CONFIG);
		assert_string_equal(err.msg,
		    "'a' holds a password, and others may read it: chmod 600");
	}
	/* The included file holds it. */
	write_file("b", "!include a\n", 0600);
	assert_int_equal(ha_db_defaults_read(&defaults, "b", NULL, &err), -1);
	ha_db_defaults_release(&defaults);
	/* No secret, or a server's only. */
	write_file(
	    "c", "[client]\nuser=a\npassword=\n[mysqld]\npassword=b\n", 0644);
	assert_int_equal(ha_db_defaults_read(&defaults, "c", NULL, &err), 0);
	ha_db_defaults_release(&defaults);
	write_file("d", "[client]\nskip-ssl\n", 0646);
	assert_int_equal(ha_db_defaults_read(&defaults, "d", NULL, &err), -1);
	assert_int_equal(err.status, EX_CONFIG);
	ha_db_defaults_release(&defaults);
	assert_int_equal(
	    ha_db_defaults_read(&defaults, "missing", NULL, &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
}

static void
test_usual_files(void **state)
{
	(void)state;
	assert_int_equal(mkdir("home", 0700), 0);
	assert_int_equal(mkdir("mysql", 0700), 0);
	write_file("mysql/my.cnf", "[client]\nhost=a\nuser=a\n", 0600);
	write_file("home/.my.cnf", "[client]\nhost=b\n", 0600);
	setenv("HOME", "home", 1);
	setenv("MYSQL_HOME", "mysql", 1);
	assert_int_equal(ha_db_defaults_read(&defaults, NULL, NULL, &err), 0);
	assert_string_equal(defaults.host, "b");
	assert_string_equal(defaults.user, "a");
	ha_db_defaults_release(&defaults);
	setenv("HOME", "none", 1);
	unsetenv("MYSQL_HOME");
	assert_int_equal(ha_db_defaults_read(&defaults, NULL, NULL, &err), 0);
}

static void
test_random_files(void **state)
{
	static const char *const words[] = { "[client]", "[", "]", "\n", "\n",
		"=", "'", "\"", "\\", "#", "!include", "!includedir", " ",
		"user", "password", "ssl", "skip-ssl", "loose-", "\r", "\t",
		"\377", "!", "_", "-" };
	char text[512];

	(void)state;
	test_seed();
	for (int i = 0; i < 3000; i++) {
		text[0] = '\0';
		for (size_t n = test_random(40); n > 0; n--)
			strcat(text, words[test_random(
					 sizeof(words) / sizeof(words[0]))]);
		read_text(text, NULL);
	}
}

static void
test_file_that_is_named(void **state)
{
	(void)state;
	start(play_let_in);
	write_file("my.cnf", "[client]\nssl-ca=none.crt\n", 0600);
	assert_int_equal(log_in(), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	assert_non_null(strstr(err.msg, "'none.crt'"));
	assert_true(ha_db_error_is_local(db));
}

/* A machine of our own, in which another address is up. */
static int
enter_namespace(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct ifreq request = { .ifr_name = "lo" };
	int fd;

	(void)state;
	if (unshare(CLONE_NEWNET) != 0 &&
	    unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		return 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	has_elsewhere = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	inet_pton(AF_INET, ELSEWHERE, &address.sin_addr);
	memcpy(&request.ifr_addr, &address, sizeof(address));
	memcpy(request.ifr_name, "lo:1", 5);
	has_elsewhere &= ioctl(fd, SIOCSIFADDR, &request) == 0;
	close(fd);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_literals),
		test_defaults(test_groups),
		test_defaults(test_values),
		test_defaults(test_tls_words),
		test_defaults(test_includes),
		test_defaults(test_modes),
		test_defaults(test_usual_files),
		test_defaults(test_random_files),
		test_served(test_no_greeting),
		test_served(test_half_greeting),
		test_served(test_drip),
		test_served(test_no_login),
		test_served(test_flood),
		test_served(test_not_listening),
		test_served(test_closed_at_once),
		test_served(test_full),
		test_served(test_garbage),
		test_served(test_random_server),
		test_served(test_denied),
		test_served(test_asked_in_clear),
		test_served(test_asked_by_sha2),
		test_served(test_asked_by_sha2_overridden),
		test_served(test_no_tls_elsewhere),
		test_served(test_no_tls_overridden),
		test_served(test_tls_stalls),
		test_served(test_tls_stalls_in_record),
		test_served(test_tls_closes),
		test_served(test_tls_garbage),
		test_served(test_next_address),
		test_served(test_no_such_host),
		test_served(test_no_descriptor),
		test_served(test_full_socket),
		test_served(test_file_that_is_named),
		test_batch(test_answers),
		test_batch(test_goes_on),
		test_batch(test_refused_query),
		test_batch(test_refused_one),
		test_batch(test_stalls),
		test_batch(test_stalls_in_row),
		test_batch(test_closes),
		test_batch(test_killed),
		test_batch(test_too_few),
		test_batch(test_too_much),
		test_batch(test_wants_file),
	};

	ha_buf_init(&server.heard);
	return cmocka_run_group_tests(tests, enter_namespace, NULL);
}
