/* SPDX-License-Identifier: ISC */
/*
 * node - names, addresses, and what repl.conf holds.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "fs.h"
#include "node.h"
#include "test.h"

static char dir[] = "/tmp/ha-repl-node-XXXXXX";

/* Write the lines as repl.conf; its path. */
static const char *
write_conf(const char *text)
{
	static char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/repl.conf", dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void
test_addresses(void **state)
{
	static const struct {
		const char *text, *host;
		unsigned port;
	} rows[] = {
		{ "db-a", "db-a", 3306 },
		{ "db-a.example.org:3307", "db-a.example.org", 3307 },
		{ "10.0.0.1", "10.0.0.1", 3306 },
		{ "10.0.0.1:1", "10.0.0.1", 1 },
		{ "::1", "::1", 3306 },
		{ "[::1]", "::1", 3306 },
		{ "[fe80::1%eth0]:65535", "fe80::1%eth0", 65535 },
	};
	static const char *const wrong[] = { "", ":3306", "a:", "a:0",
		"a:65536", "a:x", "a:-1", "a:000001", "[::1", "[]:1", "[::1]1",
		"-h", "a b", "a/b", "a\n", "user@host" };
	struct ha_err err;
	unsigned port;
	char *host;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    node_parse_address(rows[i].text, &host, &port, &err), 0);
		assert_string_equal(host, rows[i].host);
		assert_int_equal(port, rows[i].port);
		free(host);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(
		    node_parse_address(wrong[i], &host, &port, &err), -1);
		assert_int_equal(err.status, EX_USAGE);
	}
}

static void
test_is(void **state)
{
	const struct nodes none = { NULL, 0, TOPOLOGY_ANY };
	struct ha_err err;
	struct node *node = node_find(&none, "DB-a:3307", &err);

	(void)state;
	assert_non_null(node);
	assert_string_equal(node->name, "DB-a:3307");
	assert_string_equal(node_address(node), "DB-a:3307");
	assert_true(node_is(node, "db-A", 3307));
	assert_false(node_is(node, "db-a", 3306));
	node_free(node);
	node = node_find(&none, "::1", &err);
	assert_string_equal(node_address(node), "[::1]:3306");
	assert_true(node_is(node, "::1", 3306));
	node_free(node);
	node = node_find(&none, "/run/mysqld/mysqld.sock", &err);
	assert_null(node->host);
	assert_string_equal(node->socket, "/run/mysqld/mysqld.sock");
	assert_false(node_is(node, "localhost", 3306));
	node_free(node);
	assert_null(node_find(&none, "a b", &err));
	assert_int_equal(err.status, EX_USAGE);
}

static const char conf[] =
    "# two\n"
    "topology dual\n"
    "db-a 10.0.0.1:3307 defaults-file=/etc/ha/a.cnf \\\n"
    "     alias=db-a.internal "
    "alias=[fd00::1]:3308\n"
    "db-b db-b.example.org ssh=root@db-b service=mariadb\n"
    "db-c /run/c.sock\n";

static void
test_file(void **state)
{
	struct nodes nodes;
	struct ha_err err;
	const struct node *a;

	(void)state;
	assert_int_equal(nodes_read(&nodes, write_conf(conf), &err), 0);
	assert_int_equal(nodes.topology, TOPOLOGY_DUAL);
	assert_int_equal(nodes.count, 3);
	a = nodes.list[0];
	assert_string_equal(a->name, "db-a");
	assert_string_equal(a->defaults_file, "/etc/ha/a.cnf");
	assert_true(node_is(a, "10.0.0.1", 3307));
	assert_true(node_is(a, "db-a", 3307));
	assert_true(node_is(a, "DB-A.internal", 3306));
	assert_true(node_is(a, "fd00::1", 3308));
	assert_false(node_is(a, "fd00::1", 3306));
	assert_false(node_is(a, "db-b", 3306));
	assert_null(a->ssh);
	assert_string_equal(nodes.list[1]->ssh, "root@db-b");
	assert_string_equal(nodes.list[1]->service, "mariadb");
	assert_true(node_is(nodes.list[2], "db-c", 3399));
	nodes_release(&nodes);
}

static void
test_find(void **state)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{ "db-a", "db-a" },
		{ "10.0.0.1:3307", "db-a" },
		{ "db-a.internal", "db-a" },
		{ "10.0.0.1", "10.0.0.1" },
		{ "/run/c.sock", "db-c" },
		{ "/run/d.sock", "/run/d.sock" },
	};
	struct nodes nodes;
	struct ha_err err;

	(void)state;
	assert_int_equal(nodes_read(&nodes, write_conf(conf), &err), 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct node *node = node_find(&nodes, rows[i].text, &err);

		assert_non_null(node);
		assert_string_equal(node->name, rows[i].name);
		node_free(node);
	}
	nodes_release(&nodes);
}

static void
test_choose(void **state)
{
	char a[] = "db-a", b[] = "db-b", bad[] = "a b";
	char address[] = "10.0.0.1:3307", other[] = "db-b.example.org:3306";
	char *twice[] = { b, address, a, other, NULL };
	char *none[] = { NULL };
	char *wrong[] = { a, bad, NULL };
	struct nodes nodes, chosen;
	struct ha_err err;

	(void)state;
	assert_int_equal(nodes_read(&nodes, write_conf(conf), &err), 0);
	assert_int_equal(nodes_choose(&chosen, &nodes, twice, &err), 0);
	assert_int_equal(chosen.count, 2);
	assert_string_equal(chosen.list[0]->name, "db-b");
	assert_string_equal(chosen.list[1]->name, "db-a");
	assert_int_equal(chosen.topology, TOPOLOGY_DUAL);
	nodes_release(&chosen);
	assert_int_equal(nodes_choose(&chosen, &nodes, none, &err), 0);
	assert_int_equal(chosen.count, 3);
	nodes_release(&chosen);
	assert_int_equal(nodes_choose(&chosen, &nodes, wrong, &err), -1);
	nodes_release(&nodes);
	assert_int_equal(nodes_choose(&chosen, &nodes, none, &err), 0);
	assert_int_equal(chosen.count, 1);
	assert_null(chosen.list[0]->host);
	assert_null(chosen.list[0]->socket);
	nodes_release(&chosen);
}

static void
test_mistakes(void **state)
{
	static const struct {
		const char *text, *place, *words;
	} rows[] = {
		{ "topology\n", ":1:1: ", "oneway" },
		{ "topology star\n", ":1:10: ", "'star' is no topology" },
		{ "topology dual x\n", ":1:15: ", "oneway" },
		{ "topology dual\ntopology ring\n", ":2:1: ", "already" },
		{ "db-a\n", ":1:5: ", "address" },
		{ "-a 10.0.0.1\n", ":1:1: ", "can't be a name" },
		{ "a/b 10.0.0.1\n", ":1:1: ", "can't be a name" },
		{ "a 10.0.0.1:0\n", ":1:3: ", "no port" },
		{ "a 10.0.0.1 alias\n", ":1:12: ", "KEY=VALUE" },
		{ "a 10.0.0.1 alias=b:x\n", ":1:18: ", "no port" },
		{ "a 10.0.0.1 password=x\n", ":1:12: ", "there is no" },
		{ "a 10.0.0.1 defaults-file=b defaults-file=c\n",
		    ":1:42: ", "already" },
		{ "a 10.0.0.1 defaults-file=\n", ":1:26: ", "value" },
		{ "a 10.0.0.1 ssh=-oProxyCommand=x\n", ":1:16: ", "'-'" },
		{ "a 10.0.0.1 service=--now\n", ":1:20: ", "'-'" },
		{ "a 10.0.0.1\nA 10.0.0.2\n", ":2:1: ", "already" },
		{ "a 10.0.0.1\nb 10.0.0.1:3306\n", ":2:3: ", "'a' has this" },
		{ "a 'b\n", ":1:", "quote" },
	};
	struct nodes nodes;
	struct ha_err err;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    nodes_read(&nodes, write_conf(rows[i].text), &err), -1);
		assert_int_equal(err.status, EX_CONFIG);
		if (!strstr(err.msg, rows[i].place) ||
		    !strstr(err.msg, rows[i].words))
			fail_msg("%s: %s", rows[i].text, err.msg);
	}
}

static void
test_missing(void **state)
{
	struct nodes nodes;
	struct ha_err err;

	(void)state;
	setenv("HA_CONFIG_DIR", "/nonexistent", 1);
	assert_int_equal(nodes_read(&nodes, NULL, &err), 0);
	assert_int_equal(nodes.count, 0);
	nodes_release(&nodes);
	assert_int_equal(nodes_read(&nodes, "/nonexistent/x", &err), -1);
	assert_int_equal(err.status, EX_NOINPUT);
	setenv("HA_CONFIG_DIR", dir, 1);
	write_conf("db-a 10.0.0.1\n");
	assert_int_equal(nodes_read(&nodes, NULL, &err), 0);
	assert_int_equal(nodes.count, 1);
	nodes_release(&nodes);
}

static void
test_topologies(void **state)
{
	enum topology_kind kind;
	struct ha_err err;

	(void)state;
	assert_int_equal(topology_parse("cascade", &kind, &err), 0);
	assert_int_equal(kind, TOPOLOGY_CASCADE);
	assert_string_equal(topology_name(kind), "cascade");
	assert_int_equal(topology_parse("any", &kind, &err), -1);
	assert_int_equal(err.status, EX_USAGE);
}

static int
setup(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(write_conf(""));
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_is),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_topologies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
