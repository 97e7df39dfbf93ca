/* SPDX-License-Identifier: ISC */
/* socket - names, the source, the PROXY protocol's header, the limit. */
#include "test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "socket.h"

static void
parse(const char *host, struct address *address)
{
	assert_int_equal(address_parse(address, host, AF_UNSPEC), 1);
}

static void
test_parse(void **state)
{
	static const char *const not_numeric[] = { "", "localhost", "127.1",
		"0x7f000001", "192.0.2.256", "192.0.2.1 ", "[::1]",
		"fe80::1%nosuch0", "fe80::1%", "1:2", ":",
		"12345:12345:12345:12345:12345:12345:12345:12345:12345:1234" };
	struct address address;

	(void)state;
	for (size_t i = 0; i < sizeof(not_numeric) / sizeof(not_numeric[0]);
	     i++)
		assert_int_equal(
		    address_parse(&address, not_numeric[i], AF_UNSPEC), 0);
	assert_int_equal(address_parse(&address, "192.0.2.1", AF_INET6), 0);
	assert_int_equal(address_parse(&address, "2001:db8::1", AF_INET), 0);
}

static void
test_names(void **state)
{
	static const struct {
		const char *host;
		uint16_t port;
		const char *name;
	} names[] = {
		{ "192.0.2.1", 80, "192.0.2.1:80" },
		{ "192.0.2.1", 0, "192.0.2.1" },
		{ "2001:db8::1", 65535, "[2001:db8::1]:65535" },
		{ "2001:DB8:0:0::1", 0, "2001:db8::1" },
		{ "fe80::1%lo", 22, "[fe80::1%lo]:22" },
		{ "fe80::1%4000000", 22, "[fe80::1%4000000]:22" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct address address, whole;
		char *name;

		parse(names[i].host, &address);
		socket_address(&address, names[i].port, &whole);
		name = socket_name(&whole);
		assert_string_equal(name, names[i].name);
		free(name);
	}
}

/* Two ends of a connection on loopback. */
static void
open_pair(
    const char *host, const struct settings *settings, int *client, int *server)
{
	struct address address;
	int listener, flags = SOCK_STREAM;

	parse(host, &address);
	listener = socket(address.sa.ss_family, flags, 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address.sa, address.len), 0);
	assert_int_equal(listen(listener, 1), 0);
	getsockname(listener, (struct sockaddr *)&address.sa, &address.len);
	*client = socket_open(&address, SOCK_STREAM, settings);
	assert_true(*client >= 0);
	if (connect(*client, (struct sockaddr *)&address.sa, address.len) != 0)
		assert_int_equal(errno, EINPROGRESS);
	*server = accept(listener, NULL, NULL);
	assert_true(*server >= 0);
	close(listener);
}

static void
name_of(int fd, int (*get)(int, struct sockaddr *, socklen_t *), char *text,
    size_t size, int *port)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	const struct sockaddr_in *in = (const void *)&sa;
	const struct sockaddr_in6 *in6 = (const void *)&sa;

	assert_int_equal(get(fd, (struct sockaddr *)&sa, &len), 0);
	*port = ntohs(sa.ss_family == AF_INET ? in->sin_port : in6->sin6_port);
	inet_ntop(sa.ss_family,
	    sa.ss_family == AF_INET ? (const void *)&in->sin_addr
				    : (const void *)&in6->sin6_addr,
	    text, (socklen_t)size);
}

static void
check_proxy(const char *host, const char *protocol)
{
	const struct settings settings = { 0 };
	struct ha_buf header = HA_BUF_INIT;
	char from[64], to[64], want[256];
	int client, server, from_port, to_port;

	open_pair(host, &settings, &client, &server);
	name_of(server, getpeername, from, sizeof(from), &from_port);
	name_of(server, getsockname, to, sizeof(to), &to_port);
	snprintf(want, sizeof(want), "PROXY %s %s %s %d %d\r\n", protocol, from,
	    to, from_port, to_port);
	socket_add_proxy_header(&header, client, 1);
	assert_string_equal(header.data, want);
	ha_buf_reset(&header);
	socket_add_proxy_header(&header, client, 2);
	assert_int_equal(header.len, 16);
	assert_memory_equal(header.data,
	    "\x0d\x0a\x0d\x0a\x00\x0d\x0a\x51\x55\x49\x54\x0a\x20\0\0\0", 16);
	ha_buf_release(&header);
	close(client);
	close(server);
}

static void
test_proxy(void **state)
{
	struct ha_buf header = HA_BUF_INIT;
	int fds[2];

	(void)state;
	check_proxy("127.0.0.1", "TCP4");
	check_proxy("::1", "TCP6");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	socket_add_proxy_header(&header, fds[0], 1);
	assert_string_equal(header.data, "PROXY UNKNOWN\r\n");
	ha_buf_release(&header);
	close(fds[0]);
	close(fds[1]);
}

static void
test_source(void **state)
{
	static const struct {
		const char *source;
		int sys;
	} wrong[] = {
		{ "192.0.2.99", EADDRNOTAVAIL },
		{ "::1", EAFNOSUPPORT },
		{ "nosuch0", ENODEV },
	};
	struct settings settings = { .source = "127.0.0.77" };
	struct address address;
	char text[64];
	int client, server, port;

	(void)state;
	open_pair("127.0.0.1", &settings, &client, &server);
	name_of(server, getpeername, text, sizeof(text), &port);
	assert_string_equal(text, "127.0.0.77");
	close(client);
	close(server);
	parse("127.0.0.1", &address);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		settings.source = wrong[i].source;
		errno = 0;
		assert_int_equal(
		    socket_open(&address, SOCK_STREAM, &settings), -1);
		assert_int_equal(errno, wrong[i].sys);
	}
}

/* In a child: the limit is a process's own. */
static int
in_child(rlim_t soft, rlim_t hard, size_t least, size_t most)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const struct rlimit limit = { soft, hard };
		size_t budget;

		setrlimit(RLIMIT_NOFILE, &limit);
		budget = socket_budget();
		_exit(budget >= least && budget <= most ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void
test_budget(void **state)
{
	(void)state;
	assert_int_equal(in_child(64, 4096, 3900, 4000), 0);
	assert_int_equal(in_child(1024, 1024, 900, 1000), 0);
	assert_int_equal(in_child(40, 40, 10, 30), 0);
	assert_int_equal(in_child(3, 3, 1, 3), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_proxy),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
