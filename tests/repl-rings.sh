# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-rings.sh - ha-repl check on a ring of three in which all write, and on a
# dual pair in which both do: well, and broken.
#
#	check_rings

nodes()
{
	echo "topology $1"
	for i in 1 2 3; do
		of $i PORT
		of_port=$of_db
		of $i CNF
		echo "n$i 127.0.0.1:$of_port defaults-file=$of_db"
	done
}

# asked STATUS CHECK@HOST STATE ERE [NODE...]: the check's answer.
asked()
{
	want=$1 key=$2 state=$3 words=$4
	shift 4
	ha-repl -F tsv -t 2s -w 30 -c 60 check "$@" \
	    >"$T/records" 2>"$T/said"
	[ $? -eq "$want" ] && awk -F '\t' -v key="$key" -v state="$state" \
	    -v words="$words" '
		$4 "@" $3 == key && $5 == state && $8 ~ words { found = 1 }
		END { exit !found }' "$T/records"
}

named()
{
	what=$1
	shift
	wait_until 20 asked "$@"
	tap_result $? "$what: $3" ||
	    diag "$(cut -f 3-5,8 "$T/records")" "$(cat "$T/said")"
}

beat()
{
	ha-repl heartbeat --once "$@" >/dev/null 2>"$T/beat.err"
}

well()
{
	named "$1" 0 "$2" OK "$3"
}

all_beat()
{
	beat n1 && beat n2 && beat n3
}

check_rings()
{
	nodes ring >"$HA_CONFIG_DIR/repl.conf"
	make_table 1
	replicate 2 1 gtid
	replicate 3 2 gtid
	ok 'the table is everywhere' wait_sql 10 0 3 \
	    'SELECT COUNT(*) FROM t.writes'
	replicate 1 3 gtid
	exits 'heartbeat --create' 0 ha-repl heartbeat --create --once n1
	ok '... goes round' wait_sql 10 1 3 \
	    'SELECT COUNT(*) FROM ha.heartbeat'
	for i in 1 2 3; do
		insert $i 5
	done
	ok 'all have all rows' in_step_all
	ok 'all write the heartbeat' all_beat
	well 'a ring in which three write' repl-writers@n1,n2,n3 \
	    '^3 nodes of the ring write: n1, n2, n3'
	replica 2 'STOP IO_THREAD'
	named 'a ring that is cut' 2 repl@n2 CRIT \
	    'receiver .IO thread. is stopped'
	ok '... is one still' grep -q '3 nodes of the ring write' "$T/records"
	replica 2 'START IO_THREAD'
	all_beat
	well '... and mended' repl@n2 'replicates from n1'
	all_beat
	db 3 kill
	named 'a ring with a dead node' 2 repl@n3 CRIT 'refuse|reach'
	# shellcheck disable=SC2016 # awk's own
	ok '... which its replica lacks' awk -F '\t' \
	    '$3 == "n1" && $4 == "repl" && $5 == "CRIT" { found = 1 }
	    END { exit !found }' "$T/records"
	db 3 start
	replica 3 START 2>/dev/null
	all_beat
	well '... and alive' repl@n1 'replicates from n3'
	sql 2 'SET GLOBAL read_only = ON'
	beat n1 && beat n3
	well 'a ring in which two write' repl-writers@n1,n2,n3 \
	    '^2 nodes of the ring write: n1, n3'
	sql 2 'SET GLOBAL read_only = OFF'

	# Taken out: n3 replicates from n1 now, n2 from nobody.
	replica 3 STOP
	replica 3 'RESET ALL'
	replicate 3 1 gtid
	replica 2 STOP
	replica 2 'RESET ALL'
	named 'a node that was taken out' 2 repl@n2 CRIT \
	    'replicates from nobody, in a ring'
	nodes dual >"$HA_CONFIG_DIR/repl.conf"
	beat n1
	beat n3
	named 'a dual pair in which both write' 2 repl-writers@n1,n3 CRIT \
	    '^2 writers where one is wanted .dual.: n1, n3' n1 n3
	sql 3 'SET GLOBAL read_only = ON'
	beat n1
	named 'one of which becomes read-only' 0 repl-writers@n1,n3 OK \
	    '^n1 is the writer .dual.' n1 n3
	done_testing
}
