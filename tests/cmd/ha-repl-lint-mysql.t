#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl lint on MySQL 9.7, in its own words: as ha-repl-lint.t.
. "$(dirname "$0")/../repl.sh"
in_db mysql 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../lint.sh"

# MySQL's own defaults, which with-db overrides.
db 2 stop
db 2 start replica-net-timeout=60 report-host= log-replica-updates=0 \
    sync-binlog=0
nodes 2
finds oneway "$(words db1:read-only-start db1:topology db2:log-updates \
    db2:net-timeout db2:read-only db2:relay-log-recovery db2:report-host \
    db2:sync-binlog)" 2 '9.7, one way'
ok 'what it says is done' mend 2
finds oneway '' 0 'the channel that it made'
ok 'they replicate' wait_until 10 replicates 2
db 1 stop
db 1 start
is 'it starts read-only' "$(sql 1 'SELECT @@super_read_only')" 1
finds oneway '' 0 'after a restart'
sql 1 'SET GLOBAL read_only = 0'
finds oneway '' 0 'released by a statement'

breaks oneway 2 'SET GLOBAL super_read_only = 0' super-read-only 1
breaks oneway 2 'SET GLOBAL read_only = 0' read-only 2
breaks oneway 2 'SET PERSIST_ONLY super_read_only = 0' read-only-start 1
breaks oneway 2 'SET GLOBAL replica_exec_mode = IDEMPOTENT' exec-mode 2
breaks oneway 2 'STOP REPLICA; CHANGE REPLICATION SOURCE TO
    SOURCE_RETRY_COUNT = 10; START REPLICA' retry 1
breaks oneway 2 'STOP REPLICA; CHANGE REPLICATION SOURCE TO
    SOURCE_HEARTBEAT_PERIOD = 30; START REPLICA' heartbeat 1
breaks oneway 2 'STOP REPLICA; SET GLOBAL gtid_mode = ON_PERMISSIVE;
    START REPLICA' gtid-mode 1
breaks oneway 1 'SET GLOBAL binlog_expire_logs_auto_purge = 0' \
    binlog-retention 1
breaks oneway 2 "SET GLOBAL character_set_server = 'greek'" collation 1
breaks oneway 2 "SET GLOBAL time_zone = '+05:30'" time-zone 1
breaks oneway 2 "SET GLOBAL sql_mode = ''" sql-mode 1
db 2 stop
db 2 start replica-preserve-commit-order=0 replica-skip-errors=1032
finds_and_mends 'options of the replica' oneway 2 \
    'db2:commit-order db2:skip-errors' 2
sql 1 'CREATE DATABASE t; CREATE EVENT t.e ON SCHEDULE EVERY 1 DAY DO SET @a = 1'
ok 'the event is there' wait_sql 10 1 2 \
    "SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_NAME = 'e'"
finds oneway '' 0 'an event of the source'
breaks oneway 2 'SET GLOBAL super_read_only = 0; SET SESSION sql_log_bin = 0;
    ALTER EVENT t.e ENABLE; SET GLOBAL super_read_only = 1' events 1

sql 2 "SET GLOBAL gtid_purged = '+3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5'"
finds oneway db1:gtid-purged 1 'what the replica alone had, and purged'
like '... and what that is' "$out" 'c80aa9429562:1-5'
for i in 1 3; do
	sql $i "SET GLOBAL
	    gtid_purged = '+3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5'"
done
sql 1 'DROP EVENT t.e'

ha-repl point db1 --source db2 --credentials "$HA_DB_REPL_CNF" --no-tls
finds_and_mends 'dual' dual 2 \
    "$(words db1:auto-increment db1:relay-log-recovery \
    db2:auto-increment)" 1
nodes 3
ha-repl point db3 --source db2 --credentials "$HA_DB_REPL_CNF" --no-tls
finds_and_mends 'cascade' cascade 3 \
    "$(words db3:read-only db3:relay-log-recovery)" 2
sql 1 'STOP REPLICA; RESET REPLICA ALL'
ha-repl point db1 --source db3 --credentials "$HA_DB_REPL_CNF" --no-tls
finds_and_mends 'ring' ring 3 "$(words db1:auto-increment \
    db2:auto-increment db3:auto-increment)" 2
done_testing
