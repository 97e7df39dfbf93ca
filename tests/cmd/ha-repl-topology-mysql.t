#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl topology finds what MySQL 9.7 and 5.6 replicate.
. "$(dirname "$0")/../repl.sh"
in_db mysql 3 mysql56 2 --gtid
. "$(dirname "$0")/../tap.sh"

node()
{
	of "$1" PORT
	echo "127.0.0.1:$of_db"
}

topology()
{
	run ha-repl topology --defaults-file "$HA_DB_1_MONITOR_CNF" "$@"
	drawn=$(sed 's/127\.0\.0\.1:[0-9]*//; s/\([^ |]\)   */\1 /g
	    s/MySQL \([0-9]*\.[0-9]*\)[0-9.]*/MySQL \1/; s/ $//
	    s/0 s behind by its own count/in time/' "$T/out")
}

from()
{
	replicate "$1" "$2" gtid
	wait_until 10 replicates "$1"
}

for i in 2 3 5; do
	sql "$i" 'SET GLOBAL read_only = ON'
done
cat >"$HA_CONFIG_DIR/repl.conf" <<-END
	db-a	$(node 1)
	db-b	$(node 2)
	db-c	$(node 3)
	old-a	$(node 4)
	old-b	$(node 5)
END
from 2 1
from 1 2
from 3 2
topology db-c
is 'MySQL 9.7: a cascade, found from its end' "$drawn" \
    'cascade: 3 nodes, 1 writer

db-a <=> db-b
|-- db-a WRITER MySQL 9.7 from db-b: in time
`-- db-b read-only MySQL 9.7 from db-a: in time
    `-- db-c read-only MySQL 9.7 in time'
topology db-a
like '... and from its beginning' "$drawn" '^    `-- db-c read-only MySQL 9'
topology "localhost:$HA_DB_1_PORT" db-c
is '... a server by two addresses is one' "$(grep -c WRITER "$T/out")" 1
sql 3 "STOP REPLICA; CHANGE REPLICATION SOURCE TO SOURCE_USER = 'nobody';
    START REPLICA"
wait_until 10 broken 3 1045
topology db-a
like '... a login that is refused is told' "$drawn" \
    "db-c read-only MySQL 9.7 BROKEN: can't connect: .*1045"

from 5 4
topology old-b
is 'MySQL 5.6: one way, found from the replica' "$drawn" \
    'oneway: 2 nodes, 1 writer

old-a WRITER MySQL 5.6
`-- old-b read-only MySQL 5.6 in time'
topology old-a
like '... and from the source' "$drawn" '^`-- old-b read-only MySQL 5.6 in time'
topology
like 'two that have nothing to do with each other' "$out" \
    '^none of the known topologies: 5 nodes, 2 writers'
done_testing
