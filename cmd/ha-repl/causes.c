/* SPDX-License-Identifier: ISC */
#include "causes.h"

#include <string.h>

#define DRIFT                                                                  \
	"ha-repl show on both: whose row is right, then START the applier or " \
	"seed anew"
#define LOGIN_TEST "mysql -h SOURCE -P PORT -u ACCOUNT -p, on the replica"
#define WORKERS                                                                \
	"SELECT * FROM performance_schema.replication_applier_status_by_worker"
#define LOGS "SHOW BINARY LOGS on the source"
#define SAME_ID "SELECT @@server_id on both"
#define SAME_UUID "auto.cnf in both data directories"
#define DISK "df of the relay logs' directory"

/* Of one number: what holds a part first, the one without a part last. */
static const struct cause causes[] = {
	/* The source refuses to send. */
	{ 1236, "same server_uuid/server_id",
	    "another replica with the same server_id or server_uuid takes the "
	    "connection over",
	    SAME_ID },
	{ 1236, "purged", "the source has purged binary logs that it needs",
	    LOGS },
	{ 1236, "Could not find first log file",
	    "the binary log that it asks for is not on the source: purged, or "
	    "the source was reset",
	    LOGS },
	{ 1236, "more GTIDs than the",
	    "it has transactions of the source that the source itself has "
	    "lost: the source's last binary log was cut by a crash, or reset",
	    "SELECT @@gtid_executed on both" },
	{ 1236, "extra erroneous transactions",
	    "it has transactions that the source never had: they have diverged",
	    "SELECT @@gtid_binlog_state on both" },
	{ 1236, "not in the master's binlog",
	    "its GTID position is not in the source's binary log: purged, or "
	    "the two have diverged",
	    "SELECT @@gtid_slave_pos here, @@gtid_binlog_state and SHOW BINARY "
	    "LOGS on the source" },
	{ 1236, "missing the GTID",
	    "the source's binary log lacks a transaction that it asks for",
	    "SELECT @@gtid_binlog_state on the source" },
	{ 1236, "impossible position",
	    "its position lies behind the end of the source's binary log: the "
	    "source lost the end of it in a crash",
	    LOGS },
	{ 1236, "position > file size",
	    "its position lies behind the end of the source's binary log: the "
	    "source lost the end of it in a crash",
	    LOGS },
	{ 1236, "max_allowed_packet",
	    "an event is larger than max_allowed_packet, or the position is "
	    "not the start of an event",
	    "SELECT @@max_allowed_packet on both" },
	{ 1236, "truncated in the middle",
	    "the source's binary log is cut in the middle of an event: a full "
	    "disk or a crash there",
	    LOGS },
	{ 1236, "bogus data", "its position is not the start of an event",
	    LOGS },
	{ 1236, "Binary log is not open",
	    "the source writes no binary log (log_bin is OFF)",
	    "SELECT @@log_bin on the source" },
	{ 1236, NULL, "the source can't send what it asks for", LOGS },
	{ 1593, "server UUID",
	    "it has the same server_uuid as its source: a copied data "
	    "directory",
	    SAME_UUID },
	{ 1593, "server ids", "it has the same server_id as its source",
	    SAME_ID },
	{ 1593, NULL, "it gave up talking to its source", NULL },
	{ 1945, NULL,
	    "its GTID position is not in the source's binary log: purged, or "
	    "the two have diverged",
	    LOGS },
	{ 1955, NULL,
	    "its GTID position is not in the source's binary log: purged, or "
	    "the two have diverged",
	    LOGS },

	/* Getting to the source. */
	{ 2002, NULL, "the source can't be reached", NULL },
	{ 2003, "(111",
	    "the source refuses connections: it is down, or "
	    "listens elsewhere",
	    "systemctl status of the source" },
	{ 2003, "refused",
	    "the source refuses connections: it is down, or "
	    "listens elsewhere",
	    "systemctl status of the source" },
	{ 2003, "(113", "there is no way to the source's host",
	    "ip route get SOURCE, on the replica" },
	{ 2003, "(110",
	    "nothing answers at the source's address: a firewall, "
	    "or the machine is down",
	    "ha-probe tcp://SOURCE:PORT, on the replica" },
	{ 2003, "imed out",
	    "nothing answers at the source's address: a firewall, or the "
	    "machine is down",
	    "ha-probe tcp://SOURCE:PORT, on the replica" },
	{ 2003, NULL, "the source can't be reached",
	    "ha-probe "
	    "tcp://SOURCE:PORT, on "
	    "the replica" },
	{ 2005, NULL, "the source's name has no address",
	    "getent hosts SOURCE, on the replica" },
	{ 2006, NULL, "the source closed the connection", NULL },
	{ 2012, NULL, "the source broke off the login", NULL },
	{ 2013, "initial communication packet",
	    "the source accepts connections but doesn't greet: it hangs, or "
	    "something else listens there",
	    "ha-probe mysql://SOURCE:PORT, on the replica" },
	{ 2013, NULL, "the connection to the source broke off",
	    "ha-probe mysql://SOURCE:PORT, on the replica" },
	{ 2026, NULL, "TLS to the source fails",
	    "openssl s_client -starttls mysql -connect SOURCE:PORT" },
	{ 2054, NULL, "the source wants a login that the replica doesn't know",
	    "SELECT plugin FROM mysql.user on the source" },
	{ 2059, NULL, "the source wants a login that the replica can't load",
	    "SELECT plugin FROM mysql.user on the source" },
	{ 2061, NULL,
	    "caching_sha2_password needs TLS on the replication link, or the "
	    "source's public key (GET_SOURCE_PUBLIC_KEY=1)",
	    "ha-repl point, which sets either" },
	{ 1040, NULL, "the source has too many connections",
	    "SHOW PROCESSLIST on the source" },
	{ 1203, NULL, "the replication user has too many connections",
	    "SHOW PROCESSLIST on the source" },
	{ 1226, NULL, "the replication user's limit on the source is reached",
	    "SHOW CREATE USER on the source" },
	{ 1044, NULL, "the source refuses the replication user", LOGIN_TEST },
	{ 1045, NULL,
	    "the source refuses the replication user's name or password",
	    LOGIN_TEST },
	{ 1698, NULL, "the source refuses the replication user's login",
	    LOGIN_TEST },
	{ 1129, NULL, "the source blocks this host after too many errors",
	    "FLUSH HOSTS on the source" },
	{ 1130, NULL, "the source allows no login from this host",
	    "SELECT user, host FROM mysql.user on the source" },
	{ 1142, NULL, "the replication user lacks a privilege",
	    "SHOW GRANTS FOR the user on the source" },
	{ 1227, NULL, "the replication user lacks REPLICATION SLAVE",
	    "SHOW GRANTS FOR the user on the source" },
	{ 1524, NULL, "the source lacks the replication user's login plugin",
	    "SHOW PLUGINS on the source" },
	{ 1820, NULL, "the replication user's password has expired",
	    "SHOW CREATE USER on the source" },
	{ 1862, NULL, "the replication user's password has expired",
	    "SHOW CREATE USER on the source" },
	{ 3118, NULL, "the replication user is locked",
	    "SHOW CREATE USER on the source" },
	{ 4151, NULL, "the replication user is locked",
	    "SHOW CREATE USER on the source" },
	{ 3159, NULL, "the source takes no logins without TLS", NULL },
	{ 1153, NULL, "an event is larger than max_allowed_packet",
	    "SELECT @@max_allowed_packet on both" },
	{ 1158, NULL, "the connection to the source broke off", NULL },
	{ 1159, NULL, "the connection to the source was too slow", NULL },
	{ 1160, NULL, "the connection to the source broke off", NULL },
	{ 1189, NULL, "the connection to the source broke off", NULL },
	{ 1190, NULL, "the connection to the source broke off", NULL },
	{ 1218, NULL, "the source can't be reached", NULL },
	{ 1200, NULL, "replication is not set up", NULL },

	/* The relay log, and this server's disk. */
	{ 3, NULL, "a file can't be written: a full or broken disk", DISK },
	{ 1021, NULL, "the disk is full", DISK },
	{ 1026, NULL, "a file can't be written: a full or broken disk", DISK },
	{ 1030, NULL, "the storage engine fails", "the server's error log" },
	{ 1114, NULL, "a table or its disk is full", "df of the data" },
	{ 1594, NULL,
	    "the relay log can't be read: damaged here or already on "
	    "the source",
	    "mysqlbinlog of the relay log and of the source's log" },
	{ 1595, NULL, "the relay log can't be written: a full or broken disk",
	    DISK },
	{ 1201, NULL, "the relay log or its index can't be opened",
	    "the server's error log" },
	{ 1371, NULL, "the relay log's file is missing",
	    "the server's error log" },
	{ 1872, NULL, "the relay log or its index can't be opened",
	    "the server's error log" },

	/* Applying. */
	{ 1007, NULL,
	    "the database to be created is there already: the two "
	    "have drifted apart",
	    DRIFT },
	{ 1008, NULL,
	    "the database to be dropped is not there: the two have "
	    "drifted apart",
	    DRIFT },
	{ 1032, NULL,
	    "a row to be changed is not there: the two have drifted "
	    "apart",
	    DRIFT },
	{ 1049, NULL, "a database is not there: the two have drifted apart",
	    DRIFT },
	{ 1050, NULL,
	    "the table to be created is there already: the two have "
	    "drifted apart",
	    DRIFT },
	{ 1051, NULL,
	    "the table to be dropped is not there: the two have "
	    "drifted apart",
	    DRIFT },
	{ 1054, NULL, "a column is not there: the two tables differ", DRIFT },
	{ 1060, NULL,
	    "the column to be added is there already: the two tables "
	    "differ",
	    DRIFT },
	{ 1061, NULL,
	    "the index to be added is there already: the two tables "
	    "differ",
	    DRIFT },
	{ 1062, NULL,
	    "a row to be inserted is there already: the two have "
	    "drifted apart",
	    DRIFT },
	{ 1091, NULL,
	    "what is to be dropped is not there: the two tables "
	    "differ",
	    DRIFT },
	{ 1146, NULL, "a table is not there: the two have drifted apart",
	    DRIFT },
	{ 1205, NULL, "a row stays locked by somebody else on this server",
	    "SHOW ENGINE INNODB STATUS" },
	{ 1213, NULL, "deadlocks with somebody else on this server",
	    "SHOW ENGINE INNODB STATUS" },
	{ 1290, NULL, "an option of this server forbids it",
	    "SHOW VARIABLES LIKE '%read_only%'" },
	{ 1317, NULL, "it was interrupted", NULL },
	{ 1364, NULL, "a column has no value: the two tables differ", DRIFT },
	{ 1396, NULL,
	    "an account is there already, or isn't: the accounts "
	    "differ",
	    "SELECT user, host FROM mysql.user on both" },
	{ 1451, NULL, "a foreign key forbids it: the two have drifted apart",
	    DRIFT },
	{ 1452, NULL, "a foreign key forbids it: the two have drifted apart",
	    DRIFT },
	{ 1535, NULL, "the table differs from the source's", DRIFT },
	{ 1590, NULL, "the source noted that it may have lost events", LOGS },
	{ 1665, NULL, "binlog_format here can't log what arrives",
	    "SELECT @@binlog_format" },
	{ 1677, NULL, "a column's type differs from the source's", DRIFT },
	{ 1755, NULL, "a worker of the applier failed", WORKERS },
	{ 1756, NULL, "a worker of the applier failed", WORKERS },
	{ 1782, NULL,
	    "a transaction without GTID arrives, and gtid_mode "
	    "allows none",
	    "SELECT @@gtid_mode on both" },
	{ 1837, NULL, "gtid_next is not as the transaction needs it",
	    "SELECT @@gtid_mode on both" },
	{ 1927, NULL, "its connection was killed", NULL },
	{ 1950, NULL,
	    "a GTID arrives out of order, and gtid_strict_mode is "
	    "ON: written on both sides in one domain",
	    "SELECT @@gtid_binlog_state on both" },
	{ 1964, NULL, "a transaction before it failed", NULL },
	{ 3100, NULL, "a plugin refused the commit", NULL },
};

/* MySQL from 8.0 has a second number for each of these. */
static const struct {
	unsigned alias, number;
} aliases[] = {
	{ 13114, 1236 },
	{ 13117, 1593 },
	{ 13121, 1594 },
	{ 13122, 1595 },
	{ 13124, 1872 },
	{ 13146, 1677 },
};

static unsigned
usual_number(unsigned number)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++)
		if (aliases[i].alias == number)
			return aliases[i].number;
	return number;
}

const struct cause *
cause_find(unsigned number, const char *words)
{
	number = usual_number(number);
	for (size_t i = 0; i < sizeof(causes) / sizeof(*causes); i++) {
		const struct cause *cause = &causes[i];

		if (cause->number != number)
			continue;
		if (!cause->part || (words && strstr(words, cause->part)))
			return cause;
	}
	return NULL;
}
