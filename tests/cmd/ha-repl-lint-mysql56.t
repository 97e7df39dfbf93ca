#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl lint on MySQL 5.6, by file and position: as ha-repl-lint.t.
. "$(dirname "$0")/../repl.sh"
in_db mysql56 2
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../lint.sh"

# MySQL 5.6's own defaults, which with-db overrides.
defaults()
{
	db "$1" stop
	db "$1" start skip-log-bin log-slave-updates=0 binlog-format=STATEMENT \
	    sync-binlog=0 relay-log-recovery=0 master-info-repository=FILE \
	    relay-log-info-repository=FILE slave-net-timeout=3600 report-host= \
	    "$2"
}

defaults 1 server-id=1
defaults 2 server-id=0
nodes 2
point_options=--assume-equal=new
finds_and_mends '5.6, one way' oneway 2 "$(words db1:binlog-format \
    db1:binlog-retention db1:log-bin db1:log-updates db1:sync-binlog \
    db1:topology db2:binlog-format db2:binlog-retention db2:info-repository \
    db2:log-bin db2:log-updates db2:net-timeout db2:read-only \
    db2:relay-log-recovery db2:report-host db2:server-id db2:sync-binlog)" 2
ok 'they replicate' wait_until 10 replicates 2
breaks oneway 2 'SET GLOBAL read_only = 0' read-only 2
breaks oneway 2 "SET GLOBAL time_zone = '+05:30'" time-zone 1
sql 1 'SET GLOBAL binlog_format = MIXED'
finds_and_mends 'the format of the binary log' oneway 2 db1:binlog-format 1

replicate 1 2 pos
finds_and_mends 'dual' dual 2 "$(words db1:auto-increment db1:info-repository \
    db1:net-timeout db1:relay-log-recovery db1:report-host \
    db2:auto-increment)" 1
done_testing
