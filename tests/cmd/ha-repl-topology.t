#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl topology finds and draws the four topologies of MariaDB with GTIDs.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 4 --gtid
. "$(dirname "$0")/../tap.sh"

node()
{
	of "$1" PORT
	echo "127.0.0.1:$of_db"
}

# the drawing, without ports and with one blank for several
topology()
{
	run ha-repl topology --defaults-file "$HA_DB_1_MONITOR_CNF" "$@"
	drawn=$(sed 's/127\.0\.0\.1:[0-9]*//; s/\([^ |]\)   */\1 /g
	    s/MariaDB 1[0-9.]*/MariaDB/; s/ $//
	    s/0 s behind by its own count/in time/' "$T/out")
}

draws()
{
	is "$1" "$drawn" "$2"
}

apart()
{
	for i in 1 2 3 4; do
		replica "$i" STOP
		replica "$i" 'RESET ALL'
		sql "$i" "SET GLOBAL read_only = $([ "$i" = 1 ] && echo OFF ||
			echo ON)"
	done 2>/dev/null
}

from()
{
	replicate "$1" "$2" gtid "${3-}"
	wait_until 10 replicates "$1" "${3-}"
}

in_time()
{
	for i in "$@"; do
		wait_until 10 replicates "$i" || return
	done
}

# what the server itself tells of its replicas
has_replicas()
{
	[ "$(sql "$1" 'SHOW SLAVE HOSTS' | grep -c .)" = "$2" ]
}

cat >"$HA_CONFIG_DIR/repl.conf" <<-END
	db-a	$(node 1)
	db-b	$(node 2)
	db-c	$(node 3)
	db-d	$(node 4)
END

apart
from 2 1
from 3 1
from 4 1
wait_until 10 has_replicas 1 3
for i in 1 3; do
	topology "$(node "$i")"
	is "one way: found from $i" "$status" 0
	draws "one way: drawn from $i" 'oneway: 4 nodes, 1 writer

db-a WRITER MariaDB
|-- db-b read-only MariaDB in time
|-- db-c read-only MariaDB in time
`-- db-d read-only MariaDB in time'
done
topology -F json db-a
ok 'one object of JSON' jq -e '.kind == "oneway" and .complete and
    (.nodes | length == 4) and ([.edges[].source] | unique == ["db-a"]) and
    (.nodes[0].writes == "yes") and .remarks == []' "$T/out"
topology -F dot db-a
like 'a graph for Graphviz' "$out" '^digraph topology'
is 'with an edge for each replica' "$(grep -c ' -> ' "$T/out")" 3

apart
from 2 1
from 1 2
wait_until 10 has_replicas 1 1
topology db-b
draws 'a dual pair, one writer' 'dual: 2 nodes, 1 writer

db-a <=> db-b
|-- db-a WRITER MariaDB from db-b: in time
`-- db-b read-only MariaDB from db-a: in time'
sql 2 'SET GLOBAL read_only = OFF'
topology db-b
like 'two writers are one too many' "$out" \
    '^! 2 writers where one is wanted: db-[ab], db-[ab]$'
sql 2 'SET GLOBAL read_only = ON'

from 3 2
from 4 1
wait_until 10 has_replicas 1 2
wait_until 10 has_replicas 2 2
topology db-c
draws 'a cascade' 'cascade: 4 nodes, 1 writer

db-a <=> db-b
|-- db-a WRITER MariaDB from db-b: in time
|   `-- db-d read-only MariaDB in time
`-- db-b read-only MariaDB from db-a: in time
    `-- db-c read-only MariaDB in time'

replica 3 'STOP SQL_THREAD'
replica 2 'STOP IO_THREAD'
topology
draws 'broken links' 'cascade: 4 nodes, 1 writer

db-a <=X=> db-b
|-- db-a WRITER MariaDB from db-b: in time
|   `-- db-d read-only MariaDB in time
`-- db-b read-only MariaDB from db-a: BROKEN: receiver stopped
    `-- db-c read-only MariaDB BROKEN: applier stopped'
unlike 'no colour but on a terminal' "$out" "$(printf '\033')"
run script -qec "stty cols 100; ha-repl topology \
    --defaults-file '$HA_DB_1_MONITOR_CNF'" /dev/null </dev/null
like 'red on a terminal' "$out" \
    "$(printf '\033')\\[31mBROKEN: applier stopped$(printf '\033')\\[m"
ok 'in its width' awk '{ gsub(/\033\[[0-9]*m|\r/, "") } length > 100 { exit 1 }' \
    "$T/out"
replica 3 'START SQL_THREAD'
replica 2 'START IO_THREAD'

db 4 kill
topology
is 'a node that is down is no failure' "$status" 0
like '... it is drawn as such' "$drawn" \
    "db-d NO ANSWER can't connect to .*refused"
like '... and what is not known is not claimed' "$drawn" \
    '^cascade, as far as is known: 4 nodes \(1 of them without an answer\)'
exits 'nobody answers' 69 ha-repl topology -t 2s --defaults-file \
    "$HA_DB_1_MONITOR_CNF" "$(node 4)"
db 4 start

apart
from 2 1
db 2 freeze
began=$(date +%s)
topology -t 1s db-a
ok 'who hangs is waited for no longer than -t, each round' \
    [ $(($(date +%s) - began)) -le 4 ]
like '... and is a replica all the same' "$drawn" '^`-- db-b NO ANSWER'
db 2 thaw

apart
from 2 1
from 3 2
from 1 3
for i in 2 3; do
	sql "$i" 'SET GLOBAL read_only = OFF'
done
topology db-b
draws 'a ring' 'ring: 3 nodes, 3 writers

db-a -> db-b -> db-c -> db-a
|-- db-a WRITER MariaDB from db-c: in time
|-- db-b WRITER MariaDB from db-a: in time
`-- db-c WRITER MariaDB from db-b: in time'
from 3 1 short
topology db-b
like 'a ring with a short cut is a loop' "$drawn" '^loop: db-[abc], db-'
like '... and that is told' "$drawn" \
    '^! there is a loop that is neither a dual pair nor a ring'
like '... of each channel' "$drawn" 'from db-a \(channel short\): in time'

apart
from 2 1
grep -v db-a "$HA_CONFIG_DIR/repl.conf" >"$T/conf"
topology -f "$T/conf" db-b
like 'a source that repl.conf does not know' "$out" \
    '^! stranger: 127.0.0.1:[0-9]* is not in repl.conf$'
topology -f "$T/conf" -F json db-b
ok 'is marked in JSON' jq -e '[.nodes[] | select(.stranger)] | length == 1' \
    "$T/out"
topology localhost:"${HA_DB_1_PORT}" db-a
is 'one server by two addresses is one node' "$(grep -c WRITER "$T/out")" 1
exits 'a format that it has not' 64 ha-repl topology -F tsv
done_testing
