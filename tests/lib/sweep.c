/* SPDX-License-Identifier: ISC */
/*
 * sweep - what goes to stdout in each format, and by how many writes.
 */
#include "test.h"

#include <fcntl.h>
#include <jansson.h>
#include <locale.h>
#include <pty.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "buf.h"
#include "fs.h"
#include "msg.h"
#include "rec.h"
#include "sweep.h"

/* Stdout during a sweep; a datagram for each write(2). */
static int saved_stdout = -1, reader = -1;
static struct ha_buf out = HA_BUF_INIT;
static size_t writes;
static struct ha_sweep *sweep;
static enum ha_status_state worst;

static void
redirect(int from, int to)
{
	fflush(stdout);
	reader = from;
	saved_stdout = dup(STDOUT_FILENO);
	dup2(to, STDOUT_FILENO);
	close(to);
	ha_buf_reset(&out);
	writes = 0;
}

static void
to_socket(void)
{
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
	redirect(fds[0], fds[1]);
}

static void
to_terminal(unsigned short columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	int master, slave;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	redirect(master, slave);
}

static void
take_write(void)
{
	char bytes[65536];
	ssize_t n = recv(reader, bytes, sizeof(bytes), MSG_DONTWAIT);

	while (n > 0) {
		ha_buf_add(&out, bytes, (size_t)n);
		writes++;
		n = recv(reader, bytes, sizeof(bytes), MSG_DONTWAIT);
	}
}

static void
begin(const char *format, const char *file, int is_quiet, size_t expected)
{
	struct ha_sweep_options options = { "ha-probe", format, file, is_quiet,
		expected };
	struct ha_err err;

	if (ha_sweep_begin(&sweep, &options, &err))
		fail_msg("%s", err.msg);
}

static void
add_status(size_t order, const struct ha_status *status)
{
	ha_sweep_add(sweep, order, status);
}

static void
add(size_t order, const char *check, enum ha_status_state state,
    const char *msg, const char *perf)
{
	struct ha_status status = { .by = "web1",
		.host = "",
		.check = check,
		.state = state,
		.ms = 12.34,
		.target = "tcp://10.0.0.1:80",
		.msg = msg,
		.perf = perf };

	add_status(order, &status);
}

static void
end_sweep(void)
{
	struct ha_err err;

	if (ha_sweep_end(sweep, &worst, &err))
		fail_msg("%s", err.msg);
}

/* Back to the real stdout. */
static void
restore(void)
{
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
	close(reader);
}

static void
end(void)
{
	end_sweep();
	take_write();
	restore();
}

/* The terminal's output, its CRs taken away. */
static void
end_on_terminal(void)
{
	char bytes[4096];
	ssize_t n, i;

	end_sweep();
	dup2(saved_stdout, STDOUT_FILENO);
	close(saved_stdout);
	/* EIO: nobody holds the other side any more, and all is read. */
	while ((n = read(reader, bytes, sizeof(bytes))) > 0)
		for (i = 0; i < n; i++)
			if (bytes[i] != '\r')
				ha_buf_add_char(&out, bytes[i]);
	close(reader);
}

/* The times and the id, which differ from run to run, made X. */
static void
hide_times(void)
{
	struct ha_buf text = HA_BUF_INIT;
	const char *p = out.data;
	size_t len;

	while (*p) {
		len = *p >= '0' && *p <= '9' ? strcspn(p, "\t") : 0;
		if (len)
			ha_buf_add_char(&text, 'X');
		p += len;
		while (*p && *p != '\n') {
			if (strncmp(p, "id=", 3)) {
				ha_buf_add_char(&text, *p++);
				continue;
			}
			ha_buf_add_str(&text, "id=X");
			p += strcspn(p, "\t\n");
		}
		if (*p)
			ha_buf_add_char(&text, *p++);
	}
	ha_buf_release(&out);
	out = text;
}

static void
tsv(void **state)
{
	(void)state;
	to_socket();
	begin("tsv", NULL, 0, 0);
	take_write();
	assert_int_equal(writes, 1);
	add(0, "a", HA_STATUS_OK, "fine", "t=1s");
	take_write();
	assert_int_equal(writes, 2);
	add(1, "b", HA_STATUS_WARN, "slow", "");
	end();
	assert_int_equal(writes, 4);
	assert_int_equal(worst, HA_STATUS_WARN);
	hide_times();
	assert_string_equal(out.data,
	    "#begin\tname=ha-probe\tid=X\n"
	    "X\tweb1\t-\ta\tOK\t12.3\ttcp://10.0.0.1:80\tfine\tt=1s\n"
	    "X\tweb1\t-\tb\tWARN\t12.3\ttcp://10.0.0.1:80\tslow\t-\n"
	    "#end\tid=X\tn=2\tworst=WARN\n");
}

static void
quiet_records(void **state)
{
	(void)state;
	to_socket();
	begin(NULL, NULL, 1, 0);
	add(0, "a", HA_STATUS_OK, "fine", "");
	add(1, "b", HA_STATUS_CRIT, "down", "");
	add(2, "c", HA_STATUS_UNKNOWN, "?", "");
	end();
	assert_int_equal(worst, HA_STATUS_CRIT);
	assert_null(strstr(out.data, "\ta\t"));
	assert_non_null(strstr(out.data, "\tb\tCRIT\t"));
	assert_non_null(strstr(out.data, "\tc\tUNKNOWN\t"));
	assert_non_null(strstr(out.data, "\tn=3\tworst=CRIT\tquiet=1\n"));
}

static void
one_write(void **state)
{
	char *huge = malloc(6001);
	size_t i;

	(void)state;
	memset(huge, 'x', 6000);
	huge[6000] = '\0';
	for (i = 0; i < 2; i++) {
		to_socket();
		begin(i ? "json" : "tsv", NULL, 0, 1);
		add(0, "a", HA_STATUS_OK, huge, "");
		take_write();
		assert_int_equal(writes, 0);
		end();
		assert_int_equal(writes, 1);
		assert_in_range(out.len, 4080, HA_STATUS_MAX);
		assert_int_equal(worst, HA_STATUS_OK);
	}
	free(huge);
	to_socket();
	begin("tsv", NULL, 1, 1);
	add(0, "a", HA_STATUS_OK, "fine", "");
	end();
	assert_int_equal(writes, 1);
	hide_times();
	assert_string_equal(out.data, "#begin\tname=ha-probe\tid=X\n"
				      "#end\tid=X\tn=1\tworst=OK\tquiet=1\n");
}

static void
more_than_expected(void **state)
{
	(void)state;
	to_socket();
	begin("tsv", NULL, 0, 1);
	add(0, "a", HA_STATUS_OK, "fine", "");
	add(1, "b", HA_STATUS_OK, "fine", "");
	add(2, "c", HA_STATUS_OK, "fine", "");
	end();
	assert_int_equal(writes, 4);
	hide_times();
	assert_memory_equal(out.data, "#begin", 6);
	assert_non_null(strstr(out.data, "\n#end\tid=X\tn=3\tworst=OK\n"));
}

static void
no_result(void **state)
{
	static const char *const formats[] = { "tsv", "json", "nagios", "prom",
		"table" };
	static const char *const ends[] = {
		"\tn=0\tworst=UNKNOWN\n",
		"\"n\":0,\"worst\":\"UNKNOWN\"}\n",
		"HA-PROBE UNKNOWN - no checks\n",
		"\"} 3\n",
		"0 checks\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < 5; i++) {
		to_socket();
		begin(formats[i], NULL, 0, i % 2);
		end();
		assert_int_equal(worst, HA_STATUS_UNKNOWN);
		assert_true(out.len >= strlen(ends[i]));
		assert_string_equal(
		    out.data + out.len - strlen(ends[i]), ends[i]);
	}
}

static void
json(void **state)
{
	char *line, *rest;
	json_t *value;
	int lines = 0;

	(void)state;
	to_socket();
	begin("json", NULL, 1, 0);
	add(0, "a", HA_STATUS_CRIT, "\xff", "");
	end();
	rest = out.data;
	while ((line = strsep(&rest, "\n")) && *line) {
		value = json_loads(line, 0, NULL);
		assert_non_null(value);
		if (lines == 2)
			assert_true(
			    json_is_true(json_object_get(value, "quiet")));
		json_decref(value);
		lines++;
	}
	assert_int_equal(lines, 3);
}

static void
ids_differ(void **state)
{
	char first[256];

	(void)state;
	to_socket();
	begin("tsv", NULL, 0, 0);
	end();
	snprintf(first, sizeof(first), "%s", out.data);
	usleep(2);
	to_socket();
	begin("tsv", NULL, 0, 0);
	end();
	assert_string_not_equal(first, out.data);
}

static void
refusals(void **state)
{
	struct ha_sweep_options options = { "ha-probe", "xml", NULL, 0, 0 };
	struct ha_err err;

	(void)state;
	assert_int_equal(ha_sweep_begin(&sweep, &options, &err), -1);
	assert_int_equal(err.status, EX_USAGE);
	options.format = "tsv";
	options.file = "f";
	assert_int_equal(ha_sweep_begin(&sweep, &options, &err), -1);
	assert_int_equal(err.status, EX_USAGE);
	assert_string_equal(
	    err.msg, "a file is written in the format prom only, not tsv");
	options.format = "prom";
	options.is_quiet = 1;
	assert_int_equal(ha_sweep_begin(&sweep, &options, &err), -1);
	assert_int_equal(err.status, EX_USAGE);
}

static void
plugin_names(void **state)
{
	(void)state;
	assert_true(ha_sweep_is_plugin("check_ha_probe"));
	assert_true(ha_sweep_is_plugin("/usr/lib/nagios/check_ha_stat"));
	assert_false(ha_sweep_is_plugin("ha-probe"));
	assert_false(ha_sweep_is_plugin("/check_ha_x/ha-probe"));
	assert_false(ha_sweep_is_plugin("check_http"));
}

static void
nagios_of_one(void **state)
{
	(void)state;
	to_socket();
	begin("nagios", NULL, 0, 1);
	add(0, "web-a", HA_STATUS_WARN, "200 in 3 s", "time=3s;1;5;0 n=1");
	end();
	assert_int_equal(worst, HA_STATUS_WARN);
	assert_string_equal(
	    out.data, "web-a WARN - 200 in 3 s|time=3s;1;5;0 n=1\n");
	to_socket();
	begin("nagios", NULL, 0, 1);
	add(0, "", HA_STATUS_OK, "a|b\nc\033[2J\x7f\xff\xc3\xa9\xe2\x80\xae",
	    "");
	end();
	assert_string_equal(out.data, "HA-PROBE OK - a/b?c?[2J??\xc3\xa9?\n");
}

static void
nagios_of_several(void **state)
{
	(void)state;
	to_socket();
	begin("nagios", NULL, 0, 0);
	add(3, "db", HA_STATUS_WARN, "slow", "time=2s;1");
	add(1, "mail", HA_STATUS_UNKNOWN, "no route", "");
	add(2, "web-a", HA_STATUS_CRIT, "refused", "");
	add(0, "web-b", HA_STATUS_OK, "fine", "'a b'=1;;2 n=U");
	end();
	assert_int_equal(worst, HA_STATUS_CRIT);
	assert_string_equal(out.data,
	    "HA-PROBE CRIT - 3 of 4 not OK: web-a CRIT refused; "
	    "mail UNKNOWN no route; db WARN slow|"
	    "'web-b::a b'=1;;2 web-b::n=U db::time=2s;1\n");
	to_socket();
	begin("nagios", NULL, 0, 0);
	add(0, "a", HA_STATUS_OK, "fine", "");
	add(1, "b", HA_STATUS_OK, "fine", "");
	end();
	assert_string_equal(out.data, "HA-PROBE OK - 2 checks OK\n");
}

static void
nagios_ends_with_warnings(void **state)
{
	(void)state;
	ha_msg_plugin("HA-PROBE");
	ha_warn("no '%s'|", "d\x1b");
	to_socket();
	begin("nagios", NULL, 0, 0);
	add(0, "a", HA_STATUS_OK, "fine", "n=1");
	end();
	ha_msg_plugin(NULL);
	assert_string_equal(out.data, "a OK - fine (warning: no 'd?'/)|n=1\n");
}

static void
nagios_tells_namesakes_apart(void **state)
{
	struct ha_status status = { .by = "web1",
		.host = "10.0.0.1",
		.check = "tcp",
		.state = HA_STATUS_CRIT,
		.target = "tcp://10.0.0.1",
		.msg = "refused",
		.perf = "t=1s" };

	(void)state;
	to_socket();
	begin("nagios", NULL, 0, 0);
	add_status(0, &status);
	status.host = "10.0.0.2";
	status.msg = "time-out";
	add_status(1, &status);
	end();
	assert_string_equal(out.data,
	    "HA-PROBE CRIT - 2 of 2 not OK: 10.0.0.1/tcp CRIT refused; "
	    "10.0.0.2/tcp CRIT time-out|10.0.0.1/tcp::t=1s "
	    "10.0.0.2/tcp::t=1s\n");
}

/* Each line of at most 400 bytes is whole UTF-8, and so is each number. */
static void
nagios_is_short(void **state)
{
	struct ha_buf msg = HA_BUF_INIT, perf = HA_BUF_INIT;
	json_t *string;
	char *bar;
	size_t i, length;

	(void)state;
	for (length = 0; length < 450; length += 7) {
		ha_buf_reset(&msg);
		ha_buf_reset(&perf);
		ha_buf_add_char(&msg, 'x');
		for (i = 0; i < length; i++)
			ha_buf_add_str(&msg, "\xe2\x82\xac");
		for (i = 0; i < length; i += 10)
			ha_buf_addf(&perf, "'a b%zu'=12345s ", i);
		to_socket();
		begin("nagios", NULL, 0, 0);
		add(0, "a", HA_STATUS_CRIT, msg.data, perf.data);
		if (length % 2)
			add(1, "b", HA_STATUS_CRIT, msg.data, "");
		end();
		assert_true(out.len <= 400);
		assert_ptr_equal(
		    strchr(out.data, '\n'), out.data + out.len - 1);
		string = json_stringn(out.data, out.len);
		assert_non_null(string);
		json_decref(string);
		bar = strchr(out.data, '|');
		assert_int_equal(bar != NULL, perf.len > 0);
		if (bar)
			assert_string_equal(
			    out.data + out.len - 8, "=12345s\n");
		if (length > 150)
			assert_in_range(out.len, 370, 400);
	}
	ha_buf_release(&msg);
	ha_buf_release(&perf);
}

static void
prom(void **state)
{
	char here[256];
	struct ha_buf expected = HA_BUF_INIT;

	(void)state;
	gethostname(here, sizeof(here));
	to_socket();
	begin("prom", NULL, 0, 0);
	add(1, "b\"\\\n\xff", HA_STATUS_CRIT, "down", "");
	add(0, "a", HA_STATUS_WARN, "x",
	    "time=0.5s;1 n=3 'a b'=-1.5e3% u=U n=4 x=1,5");
	end();
	ha_buf_addf(&expected,
	    "# HELP ha_check_state 0 OK, 1 WARN, 2 CRIT, 3 UNKNOWN.\n"
	    "# TYPE ha_check_state gauge\n"
	    "ha_check_state{A} 1\n"
	    "ha_check_state{B} 2\n"
	    "# HELP ha_check_up 1 while it is OK or WARN, else 0.\n"
	    "# TYPE ha_check_up gauge\n"
	    "ha_check_up{A} 1\n"
	    "ha_check_up{B} 0\n"
	    "# HELP ha_check_duration_seconds How long it took.\n"
	    "# TYPE ha_check_duration_seconds gauge\n"
	    "ha_check_duration_seconds{A} 0.01234\n"
	    "ha_check_duration_seconds{B} 0.01234\n"
	    "# HELP ha_check_perf What the check measured.\n"
	    "# TYPE ha_check_perf gauge\n"
	    "ha_check_perf{A,label=\"time\",unit=\"s\"} 0.5\n"
	    "ha_check_perf{A,label=\"n\",unit=\"\"} 3\n"
	    "ha_check_perf{A,label=\"a b\",unit=\"%%\"} -1.5e3\n"
	    "ha_check_perf{A,label=\"x\",unit=\",5\"} 1\n"
	    "# HELP ha_sweep_checks How many checks were made.\n"
	    "# TYPE ha_sweep_checks gauge\n"
	    "ha_sweep_checks{by=\"%s\",producer=\"ha-probe\"} 2\n"
	    "# HELP ha_sweep_worst The worst of them: 0 OK, 1 WARN, 2 CRIT, "
	    "3 UNKNOWN.\n"
	    "# TYPE ha_sweep_worst gauge\n"
	    "ha_sweep_worst{by=\"%s\",producer=\"ha-probe\"} 2\n",
	    here, here);
	/* For short: the labels of the two. */
	{
		static const char a[] = "by=\"web1\",host=\"\",check=\"a\","
					"target=\"tcp://10.0.0.1:80\"";
		static const char b[] =
		    "by=\"web1\",host=\"\",check=\"b\\\"\\\\\\n?\","
		    "target=\"tcp://10.0.0.1:80\"";
		struct ha_buf text = HA_BUF_INIT;
		const char *p;

		for (p = expected.data; *p; p++) {
			ha_buf_add_char(&text, *p);
			if (*p == '{' && p[2] != 'y')
				ha_buf_add_str(&text, *++p == 'A' ? a : b);
		}
		assert_string_equal(out.data, text.data);
		ha_buf_release(&text);
	}
	ha_buf_release(&expected);
}

static size_t
count(const char *text, const char *word)
{
	size_t n = 0;

	for (; (text = strstr(text, word)); text++)
		n++;
	return n;
}

static void
prom_says_nothing_twice(void **state)
{
	(void)state;
	to_socket();
	begin("prom", NULL, 0, 0);
	add(0, "a\xfe", HA_STATUS_WARN, "", "t=1");
	add(1, "a\xff", HA_STATUS_CRIT, "", "t=2");
	add(2, "a\xff", HA_STATUS_OK, "", "t=3");
	end();
	assert_int_equal(count(out.data, "check=\"a?\""), 4);
	assert_non_null(strstr(out.data, "} 2\n# HELP ha_check_up"));
	assert_int_equal(count(out.data, "ha_check_perf{"), 1);
	assert_non_null(strstr(out.data, "producer=\"ha-probe\"} 3\n"));
}

static void
prom_to_file(void **state)
{
	struct ha_buf text = HA_BUF_INIT;
	struct stat st;
	struct ha_err err;

	(void)state;
	to_socket();
	begin("prom", "./web.prom", 0, 0);
	add(0, "a", HA_STATUS_OK, "", "");
	end();
	assert_int_equal(writes, 0);
	assert_int_equal(stat("web.prom", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(ha_fs_read_file("web.prom", 65536, &text, &err), 0);
	assert_non_null(strstr(text.data, "file=\"web.prom\"} 1\n"));
	ha_buf_release(&text);
	to_socket();
	begin("prom", "gone/web.prom", 0, 0);
	add(0, "a", HA_STATUS_WARN, "", "");
	assert_int_equal(ha_sweep_end(sweep, &worst, &err), -1);
	restore();
	assert_int_equal(err.status, EX_CANTCREAT);
	assert_int_equal(worst, HA_STATUS_WARN);
}

static void
table(void **state)
{
	(void)state;
	to_socket();
	begin("table", NULL, 0, 0);
	add(1, "mail\t", HA_STATUS_CRIT, "refused \033[31m", "");
	add(0,
	    "\xe5\xae\x89\xe5\xae\x89"
	    "a",
	    HA_STATUS_OK, "fine", "");
	add(2, "", HA_STATUS_UNKNOWN, "", "");
	end();
	assert_string_equal(out.data,
	    "STATE    CHECK   TARGET               MS  MESSAGE\n"
	    "OK       \xe5\xae\x89\xe5\xae\x89"
	    "a   tcp://10.0.0.1:80  "
	    "12.3  fine\n"
	    "CRIT     mail\\t  tcp://10.0.0.1:80  12.3  "
	    "refused \\0033[31m\n"
	    "UNKNOWN  -       tcp://10.0.0.1:80  12.3\n"
	    "3 checks: 1 OK, 1 CRIT, 1 UNKNOWN\n");
}

/* A name is shown where the address does not have it, and here is no name. */
static void
table_of_hosts(void **state)
{
	static const char *const hosts[] = { "db-a", "10.0.0.2", "web1", "" };
	struct ha_status status = { .by = "web1",
		.check = "repl",
		.state = HA_STATUS_OK,
		.target = "10.0.0.2:3306",
		.msg = "fine",
		.perf = "" };

	(void)state;
	to_socket();
	begin("table", NULL, 0, 0);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		status.host = hosts[i];
		add_status(i, &status);
	}
	end();
	assert_int_equal(count(out.data, "  db-a 10.0.0.2:3306  "), 1);
	assert_int_equal(count(out.data, "  10.0.0.2:3306  "), 3);
}

static void
table_without_targets(void **state)
{
	static const char url[] = "tcp://10.0.0.1:80";

	(void)state;
	to_socket();
	begin("table", NULL, 0, 0);
	add(0, url, HA_STATUS_OK, "fine", "");
	end();
	assert_string_equal(out.data,
	    "STATE  CHECK                MS  MESSAGE\n"
	    "OK     tcp://10.0.0.1:80  12.3  fine\n"
	    "1 check: 1 OK\n");
	setenv("NO_COLOR", "1", 1);
	to_terminal(40);
	begin("table", NULL, 0, 0);
	add(0, url, HA_STATUS_CRIT, "refused, and nobody knows why", "");
	end_on_terminal();
	unsetenv("NO_COLOR");
	assert_string_equal(out.data,
	    "STATE  CHECK       MS  MESSAGE\n"
	    "CRIT   tcp://..  12.3  refused, and nobody\n"
	    "                       knows why\n"
	    "1 check: 1 CRIT\n");
}

static void
quiet_table(void **state)
{
	(void)state;
	to_socket();
	begin("table", NULL, 1, 0);
	add(0, "a", HA_STATUS_OK, "fine", "");
	end();
	assert_string_equal(out.data, "");
	to_socket();
	begin("table", NULL, 1, 0);
	add(0, "a-long-name", HA_STATUS_OK, "fine", "");
	add(1, "b", HA_STATUS_WARN, "slow", "");
	end();
	assert_string_equal(out.data,
	    "STATE  CHECK  TARGET               MS  MESSAGE\n"
	    "WARN   b      tcp://10.0.0.1:80  12.3  slow\n"
	    "2 checks: 1 OK, 1 WARN\n");
}

static void
terminal_colours(void **state)
{
	(void)state;
	unsetenv("NO_COLOR");
	to_terminal(80);
	begin(NULL, NULL, 0, 0);
	add(0, "a", HA_STATUS_OK, "fine", "");
	add(1, "b", HA_STATUS_CRIT, "down", "");
	end_on_terminal();
	assert_string_equal(out.data,
	    "STATE  CHECK  TARGET               MS  MESSAGE\n"
	    "\033[32mOK     \033[ma      tcp://10.0.0.1:80  12.3  fine\n"
	    "\033[31mCRIT   \033[mb      tcp://10.0.0.1:80  12.3  down\n"
	    "2 checks: 1 OK, 1 CRIT\n");
	setenv("NO_COLOR", "", 1);
	to_terminal(80);
	begin("table", NULL, 0, 0);
	add(0, "a", HA_STATUS_WARN, "fine", "");
	end_on_terminal();
	assert_non_null(strstr(out.data, "\033[33mWARN "));
	setenv("NO_COLOR", "1", 1);
	to_terminal(80);
	begin("table", NULL, 0, 0);
	add(0, "a", HA_STATUS_UNKNOWN, "fine", "");
	end_on_terminal();
	assert_null(strchr(out.data, '\033'));
	unsetenv("NO_COLOR");
}

static void
terminal_width(void **state)
{
	(void)state;
	setenv("NO_COLOR", "1", 1);
	to_terminal(60);
	begin("table", NULL, 0, 0);
	add(0, "a-check-with-a-long-name", HA_STATUS_OK,
	    "words that are too long to stand in what is left of a line", "");
	add(1,
	    "\xe5\xae\x89\xe5\xae\x89\xe5\xae\x89\xe5\xae\x89\xe5\xae\x89"
	    "\xe5\xae\x89\xe5\xae\x89\xe5\xae\x89",
	    HA_STATUS_CRIT, "oneverylongwordthatcannotbebrokenatablank", "");
	end_on_terminal();
	unsetenv("NO_COLOR");
	assert_string_equal(out.data,
	    "STATE  CHECK        TARGET         MS  MESSAGE\n"
	    "OK     a-check-w..  tcp://10...  12.3  words that are too\n"
	    "                                       long to stand in what\n"
	    "                                       is left of a line\n"
	    "CRIT   \xe5\xae\x89\xe5\xae\x89\xe5\xae\x89\xe5\xae\x89..   "
	    "tcp://10...  12.3  oneverylongwordthatca\n"
	    "                                       nnotbebrokenatablank\n"
	    "2 checks: 1 OK, 1 CRIT\n");
}

static const char *
random_text(char *text, size_t size)
{
	static const char often[] = "ab '=;|\"\\\n 1.5sU:";
	size_t len = test_random(size), i;

	for (i = 0; i < len; i++)
		text[i] = test_random(2) ? often[test_random(sizeof(often) - 1)]
					 : (char)(1 + test_random(255));
	text[len] = '\0';
	return text;
}

static void
add_random(size_t order)
{
	char check[20], host[20], target[20], msg[300], perf[300];
	struct ha_status status = { .by = "web1",
		.host = random_text(host, sizeof(host)),
		.check = random_text(check, sizeof(check)),
		.state = (enum ha_status_state)test_random(4),
		.ms = (double)test_random(100),
		.target = random_text(target, sizeof(target)),
		.msg = random_text(msg, sizeof(msg)),
		.perf = random_text(perf, sizeof(perf)) };

	add_status(order, &status);
}

static void
check_clean(const char *text, size_t len)
{
	json_t *string = json_stringn(text, len);
	size_t i;

	assert_non_null(string);
	json_decref(string);
	for (i = 0; i < len; i++)
		assert_true((unsigned char)text[i] >= 0x20 || text[i] == '\n');
}

static int
compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Of "name{labels} value": the length up to the '}', 0 if it is no sample. */
static size_t
series_len(const char *line)
{
	const char *p = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_");
	char *rest;

	if (*p++ != '{')
		return 0;
	for (;;) {
		p += strspn(p, "abcdefghijklmnopqrstuvwxyz_");
		if (p[0] != '=' || p[1] != '"')
			return 0;
		for (p += 2; *p && *p != '"'; p++)
			if (*p == '\\' && !strchr("\\\"n", *++p))
				return 0;
		if (*p++ != '"')
			return 0;
		if (*p == '}')
			break;
		if (*p++ != ',')
			return 0;
	}
	(void)strtod(p + 2, &rest);
	return p[1] == ' ' && rest > p + 2 && !*rest ? (size_t)(p - line) : 0;
}

static void
check_prom(char *text)
{
	static char *lines[8192];
	char *line;
	size_t n = 0, i, len;

	while ((line = strsep(&text, "\n")) && *line)
		if (*line != '#' && n < sizeof(lines) / sizeof(lines[0]))
			lines[n++] = line;
	assert_string_equal(line, "");
	qsort(lines, n, sizeof(lines[0]), compare_lines);
	for (i = 0; i < n; i++) {
		len = series_len(lines[i]);
		assert_true(len > 0);
		if (i > 0)
			assert_true(
			    strncmp(lines[i], lines[i - 1], len + 1) != 0);
	}
}

static void
random_bytes_break_no_format(void **state)
{
	size_t round, i, n;

	(void)state;
	test_seed();
	for (round = 0; round < 200; round++) {
		to_socket();
		begin("nagios", NULL, 0, 0);
		n = test_random(6);
		for (i = 0; i < n; i++)
			add_random(i);
		end();
		assert_true(out.len <= 400);
		assert_ptr_equal(
		    strchr(out.data, '\n'), out.data + out.len - 1);
		assert_true(count(out.data, "|") <= 1);
		check_clean(out.data, out.len);
		to_socket();
		begin("prom", NULL, 0, 0);
		for (i = 0; i < n; i++)
			add_random(i);
		end();
		check_clean(out.data, out.len);
		check_prom(out.data);
		to_socket();
		begin("table", NULL, 0, 0);
		for (i = 0; i < n; i++)
			add_random(i);
		end();
		check_clean(out.data, out.len);
		assert_int_equal(count(out.data, "\n"), n ? n + 2 : 1);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tsv),
		cmocka_unit_test(quiet_records),
		cmocka_unit_test(one_write),
		cmocka_unit_test(more_than_expected),
		cmocka_unit_test(no_result),
		cmocka_unit_test(json),
		cmocka_unit_test(ids_differ),
		cmocka_unit_test(refusals),
		cmocka_unit_test(plugin_names),
		cmocka_unit_test(nagios_of_one),
		cmocka_unit_test(nagios_of_several),
		cmocka_unit_test(nagios_ends_with_warnings),
		cmocka_unit_test(nagios_tells_namesakes_apart),
		cmocka_unit_test(nagios_is_short),
		cmocka_unit_test(prom),
		cmocka_unit_test(prom_says_nothing_twice),
		test_in_folder(prom_to_file),
		cmocka_unit_test(table),
		cmocka_unit_test(table_of_hosts),
		cmocka_unit_test(table_without_targets),
		cmocka_unit_test(table_without_targets),
		cmocka_unit_test(quiet_table),
		cmocka_unit_test(terminal_colours),
		cmocka_unit_test(terminal_width),
		cmocka_unit_test(random_bytes_break_no_format),
	};
	int failed;

	setlocale(LC_CTYPE, "C.UTF-8");
	failed = cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
	ha_buf_release(&out);
	return failed;
}
