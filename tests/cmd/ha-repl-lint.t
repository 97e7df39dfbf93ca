#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl lint on MariaDB: what it finds on servers as Debian ships them, on
# each topology, and on what is broken in one way; and what it prints mends it,
# literally.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../lint.sh"

# As Debian ships it: no binary log, no id, no care.
debian()
{
	db "$1" stop && db "$1" start skip-log-bin log-slave-updates=0 \
	    server-id=1 sync-binlog=0 binlog-format=MIXED report-host= \
	    slave-net-timeout=60 expire-logs-days=10
}

nodes 2
ok 'one as Debian ships it' debian 1
ok '... and another' debian 2
finds_and_mends 'Debian, one way' oneway 2 "$(words db1:binlog-format \
    db1:gtid-strict db1:log-bin db1:log-updates db1:read-only-start \
    db1:sync-binlog db1:topology db2:binlog-format db2:gtid-strict db2:log-bin \
    db2:log-updates db2:net-timeout db2:read-only db2:report-host \
    db2:server-id-unique db2:sync-binlog)" 2
ok 'they replicate' wait_until 10 replicates 2

breaks oneway 2 'SET GLOBAL read_only = 0' read-only 2
breaks oneway 2 'SET GLOBAL slave_net_timeout = 60' net-timeout 1
breaks oneway 2 'SET GLOBAL slave_exec_mode = IDEMPOTENT' exec-mode 2
breaks oneway 2 'STOP SLAVE; CHANGE MASTER TO MASTER_HEARTBEAT_PERIOD = 30;
    START SLAVE' heartbeat 1
breaks oneway 1 'SET GLOBAL sync_binlog = 0' sync-binlog 1
breaks oneway 1 'SET GLOBAL innodb_flush_log_at_trx_commit = 2' innodb-flush 1
breaks oneway 1 'SET GLOBAL binlog_format = STATEMENT' binlog-format 1
breaks oneway 1 'SET GLOBAL binlog_row_image = MINIMAL' binlog-row-image 1
breaks oneway 1 'SET GLOBAL binlog_expire_logs_seconds = 600' binlog-retention 1
breaks oneway 1 'SET GLOBAL gtid_strict_mode = 0' gtid-strict 1
breaks oneway 2 "SET GLOBAL sql_mode = 'ANSI'" sql-mode 1
breaks oneway 2 "SET GLOBAL time_zone = '+05:30'" time-zone 1
breaks oneway 2 'SET GLOBAL max_allowed_packet = 1048576' max-packet 1
breaks oneway 2 'SET GLOBAL slave_max_allowed_packet = 1048576' replica-packet 2
breaks oneway 2 "SET GLOBAL character_set_server = 'greek'" collation 1
sql 2 'SET GLOBAL rpl_semi_sync_slave_enabled = 1'
finds_and_mends 'semi-sync on the replica only' oneway 2 db1:semi-sync 1
breaks oneway 2 'SET GLOBAL rpl_semi_sync_slave_enabled = 0' semi-sync 1
breaks oneway 1 "SET GLOBAL rpl_semi_sync_master_wait_point = 'AFTER_COMMIT'" \
    semi-sync 1
replica 2 'STOP IO_THREAD'
sql 1 'SET GLOBAL rpl_semi_sync_master_timeout = 1; CREATE DATABASE t'
lint oneway
like 'semi-sync that nobody acknowledges' "$out" 'db1  CRIT  semi-sync: .* OFF$'
replica 2 'START IO_THREAD'
ok '... until somebody does' wait_until 10 \
    ha-repl lint --topology=oneway -q -F table
db 2 stop
db 2 start slave-skip-errors=1062
finds_and_mends 'slave-skip-errors' oneway 2 db2:skip-errors 2
sql 1 'CREATE TABLE t.m (a INT PRIMARY KEY) ENGINE = MyISAM'
ok 'the table is there' wait_sql 10 0 2 'SELECT COUNT(*) FROM t.m'
finds_and_mends 'a table of MyISAM' oneway 2 db1:engine 1

# What it can only say, not mend.
sql 1 'CREATE TABLE t.k (a INT) ENGINE = InnoDB'
finds oneway db1:primary-key 1 'a table without a primary key'
like 'the table is named' "$out" ' t\.k$'
escape=$(printf '\033')
sql 1 "CREATE TABLE t.\`k${escape}[31m\` (a INT) ENGINE = InnoDB"
sql 1 'CREATE TABLE t.`x
drop; DROP` (a INT) ENGINE = InnoDB'
lint oneway
unlike 'a name is no statement' "$(mends db1)" '^(drop|DROP)'
like 'one with a strange name, too' "$out" ' t\.k.0033\[31m'
unlike '... whose bytes stay out of the terminal' "$out" "$escape"
sql 1 "DROP TABLE t.\`k${escape}[31m\`"
sql 1 'DROP TABLE t.`x
drop; DROP`'
sql 1 'DROP TABLE t.k'
sql 2 'STOP SLAVE; SET GLOBAL replicate_ignore_table = "t.x"; START SLAVE'
finds oneway db2:filter 1 'a filter'
like 'the filter is named' "$out" 't\.x'
sql 2 'STOP SLAVE; SET GLOBAL replicate_ignore_table = ""; START SLAVE'
sql 2 "CHANGE MASTER 'x' TO MASTER_HOST = '127.0.0.1', MASTER_PORT = 1,
    MASTER_USE_GTID = slave_pos, MASTER_HEARTBEAT_PERIOD = 1"
finds oneway db2:stranger 2 'a source that is none of the nodes'
like 'the stranger is named' "$out" 'channel x, 127.0.0.1:1,'
sql 2 "RESET SLAVE 'x' ALL"
finds dual 'db1:topology' 2 'one way is no pair'

# The form of it.
run ha-repl lint --topology=oneway -F tsv
is 'all is well' "$status" 0
is 'an OK record a node' "$(printf '%s\n' "$out" |
    awk -F '\t' '!/^#/ { print $3, $4, $5 }')" 'db1 lint OK
db2 lint OK'
sql 2 'SET GLOBAL slave_net_timeout = 60; SET GLOBAL slave_exec_mode = IDEMPOTENT'
run ha-repl lint --topology=oneway -F tsv
is 'records' "$(printf '%s\n' "$out" | awk -F '\t' '!/^#/ { print $3, $4, $5 }')" \
    'db2 lint:exec-mode CRIT
db2 lint:net-timeout WARN
db1 lint OK'
like 'with what, why and mend' "$out" \
    'slave_net_timeout is 60 s: .*; mend: SET GLOBAL slave_net_timeout = 10; \[mysqld\]'
run ha-repl lint --topology=oneway -F tsv -q
unlike 'quiet: not what is OK' "$out" '	OK	'
run ha-repl lint --topology=oneway -F nagios
is 'nagios: exit status' "$status" 2
like 'nagios: one line' "$out" '^HA-REPL LINT CRIT.* - .*db2: slave_exec_mode is IDEMPOTENT'
run ha-repl lint --topology=oneway -F prom
like 'prom' "$out" '^ha_.*lint:exec-mode.* 2$'
run ha-repl lint --topology=oneway -F json
ok 'json' jq -es 'map(select(.check == "lint:exec-mode")) | length == 1' "$T/out"
ok 'mended once more' mend_this oneway 2
with_login()
{
	sed "s|/ha\\.cnf|/$1.cnf|" "$HA_CONFIG_DIR/repl.conf" >"$T/other.conf"
	lint oneway -f "$T/other.conf"
}
with_login monitor
is 'the monitoring login is enough' "$(found)" ''
with_login repl
is 'a login that sees little' "$(found)" 'db1:privilege db2:privilege'
is '... is no OK' "$status" 1

db 2 stop
lint oneway
is 'a node that is down' "$(found)" 'db2:answer'
is 'a node that is down is critical' "$status" 2
db 2 start
db 2 freeze
run timeout 10 ha-repl lint --topology=oneway -F table -t 1s
db 2 thaw
is 'a node that hangs' "$(found)" 'db2:answer'
is 'a node that hangs is critical, in time' "$status" 2
exits 'bad usage is unknown' 3 ha-repl lint --topology=star
exits 'a node that is none' 3 ha-repl lint 127.0.0.1:0

replicate 1 2 gtid
finds_and_mends 'dual' dual 2 "$(words db1:auto-increment db1:net-timeout \
    db1:report-host db2:auto-increment db2:gtid-domain-id)" 1

replicate 3 2 gtid
nodes 3
finds_and_mends 'cascade' cascade 3 "$(words db3:binlog-retention \
    db3:gtid-strict db3:read-only)" 2

sql 1 'STOP SLAVE; RESET SLAVE ALL'
replicate 1 3 gtid
finds_and_mends 'ring' ring 3 "$(words db1:auto-increment db2:auto-increment \
    db3:auto-increment db3:gtid-domain-id)" 2
done_testing
