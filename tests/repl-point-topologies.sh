# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-point-topologies.sh - the four topologies, built by ha-repl point alone
# from fresh servers, and what it refuses or undoes.
#
#	points HOW...	"gtid", "pos"
. "$TESTS/repl-point.sh"

built()
{
	point "$@" --empty
	is "$how: n$1 from n$2: exit 0" "$status" 0
	[ "$status" -eq 0 ] || diag "$err"
}

# The writers, each with a row.
written()
{
	make_table 1
	for writer; do
		wait_sql 10 0 "$writer" \
		    "SELECT COUNT(*) FROM t.writes WHERE server = $writer"
		insert "$writer" 1
	done
	wait_sql 10 "$#" 1 'SELECT COUNT(*) FROM t.writes'
	ok "$how: $topology: each row is everywhere" in_step_all
}

topologies()
{
	topology=oneway
	ok "$how: fresh servers" fresh
	built 2 1
	built 3 1
	written 1

	topology=dual
	ok "$how: fresh servers" fresh
	built 2 1
	built 1 2
	make_table 1
	insert 1 1
	ok "$how: $topology: there" in_step 1 2
	insert 2 1
	ok "$how: $topology: and back" in_step 1 2

	# One that has written becomes a replica, too.
	ok "$how: fresh servers" fresh
	built 2 1
	make_table 1
	insert 1 3
	ok "$how: $topology: there" in_step 1 2
	# shellcheck disable=SC2086 # none, or one word
	point 1 2 $equal
	is "$how: the writer from its replica: exit 0" "$status" 0
	[ "$status" -eq 0 ] || diag "$err"
	insert 2 1
	insert 1 1
	ok "$how: $topology: there and back" in_step 1 2

	topology=cascade
	ok "$how: fresh servers" fresh
	built 2 1
	built 1 2
	built 3 2
	written 1
	insert 2 1
	ok "$how: $topology: the other one's as well" in_step_all

	topology=ring
	ok "$how: fresh servers" fresh
	built 2 1
	built 3 2
	built 1 3
	written 1 2 3
	ok "$how: $topology: none runs in circles" sql_is 3 2 \
	    'SELECT COUNT(*) FROM t.writes'
}

unchanged()
{
	is "$how: $1: exit $2" "$status" "$2"
	[ "$status" -eq "$2" ] || diag "$err"
	like "... said" "$err" "$3"
	unlike "... without a password" "$out$err" secret
	is "... the settings are as before" "$(settings 2)" "$before"
	not_ok "... nothing to recover" \
	    test -e "$HA_STATE_DIR/repl/n2.journal"
}

# n2 replicates from n1, and so does n3.
refusals()
{
	printf '[client]\nuser = repl\npassword = wrong-secret\n' \
	    >"$T/wrong.cnf"
	printf '[client]\nuser = other\npassword = other-secret\n' \
	    >"$T/other.cnf"
	chmod 600 "$T/wrong.cnf" "$T/other.cnf"
	ok "$how: fresh servers" fresh
	exits "$how: no source: 64" 64 ha-repl point n2
	exits "$how: its own source: 64" 64 ha-repl point n2 --source n2
	exits "$how: a fresh one needs credentials: 78" 78 \
	    ha-repl point n2 --source n1 --empty
	make_table 1
	insert 1 3
	case $how in
	gtid)
		point 2 1
		is "$how: no data, no --empty: 77" "$status" 77
		like "... said" "$err" '--empty'
		;;
	esac
	sql 2 "SET GLOBAL server_id = 1"
	point 2 1 --empty
	is "$how: the same server_id: 78" "$status" 78
	like "... said" "$err" 'same server_id, 1'
	sql 2 "SET GLOBAL server_id = 2"
	point 2 1 --empty -n
	is "$how: -n: exit 0" "$status" 0
	like "... the password is not shown" "$out" "_PASSWORD *= *'\*\*\*'"
	unlike "... nowhere" "$out$err" secret
	is "... there is no channel" "$(replica_status 2 Master_Host)" ''
	built 2 1
	built 3 1
	ok "$how: in step" in_step_all
	before=$(settings 2)
	run ha-repl point n2 --source n1
	unchanged 'so already' 0 already

	# shellcheck disable=SC2086 # none, or one word
	set -- 3 --old-credentials "$HA_DB_REPL_CNF" $equal
	point 2 "$@" --credentials "$T/wrong.cnf"
	unchanged 'a wrong password' 77 "can't log in"
	point 2 "$@" --credentials "$T/wrong.cnf" --force=testing
	unchanged '... forced, and undone' 75 'error 1045'
	ok "... it replicates" wait_until 10 replicates 2
	of 2 FLAVOUR
	[ "$of_db" = mysql56 ] || {
		printf '[client]\nuser = repl\npassword = %s%099d\n' \
		    long-secret 1 >"$T/wrong.cnf"
		point 2 "$@" --credentials "$T/wrong.cnf" --force=testing
		unchanged 'a password that is too long' 78 \
		    'error 1470|maximum length'
		ok "... it replicates" wait_until 10 replicates 2
		printf '[client]\nuser = repl\npassword = wrong-secret\n' \
		    >"$T/wrong.cnf"
	}
	# shellcheck disable=SC2086 # none, or one word
	point 2 3 --credentials "$T/other.cnf" $equal
	unchanged 'another user, the old password not known' 77 \
	    --old-credentials
	# shellcheck disable=SC2086 # none, or one word
	point 2 3 $equal --ignore-server-ids 1,3
	unchanged 'a source that it is to ignore' 77 'would ignore'
	run ha-repl point n2 --source gone --credentials "$HA_DB_REPL_CNF"
	unchanged 'a source that is not there' 69 gone
	run ha-repl point n2 --source nosuch.invalid
	unchanged 'a source that has no address' 69 nosuch
	unlike "... named once" "$err" 'nosuch.invalid.*nosuch.invalid'
	printf '#ha-repl-journal\tv=1\n' >"$HA_STATE_DIR/repl/n2:seed.journal"
	point 2 3
	unchanged 'a seed that has not ended' 70 "ha-repl recover n2"
	rm "$HA_STATE_DIR/repl/n2:seed.journal"

	[ "$how" = gtid ] || {
		point 2 3
		unchanged 'no position' 77 --pos
		point 2 3 --pos nothing.000009:4
		unchanged 'a log that is not there' 77 purged
		point 2 3 --pos binlog.000001:99999999
		unchanged 'a position that is not there' 77 'ends before'
		exits "$how: no such position: 64" 64 ha-repl point n2 \
		    --source n3 --pos binlog
	}
	stuck
	errants
	purged
	beats=
	channels
	[ "$how" = gtid ] || late
}

# A fresh one that has applied something, and not all in time: the channel alone
# knows how far it is.
late()
{
	ok "$how: fresh servers" fresh
	make_table 1
	insert 1 3
	sql 1 "SET binlog_format = 'STATEMENT';
	    INSERT INTO t.writes VALUES (5 + SLEEP(4), 1)"
	waiting=2
	point 3 1 --empty
	waiting=20
	is "$how: late: exit 70" "$status" 70
	like "... said" "$err" '--forward n3. waits on'
	ok "... it goes on" wait_until 10 replicates 3
	exits "... recover waits for it" 0 ha-repl recover n3
	ok "... all is there" in_step 1 3
}

# Received and not applied: a lock is in the way.
stuck()
{
	of 2 LOCAL_CNF
	mkfifo "$T/hold"
	mariadb --defaults-file="$of_db" -n <"$T/hold" >"$T/locked" &
	holder=$!
	exec 4>"$T/hold"
	echo 'LOCK TABLES t.writes WRITE; SELECT 1;' >&4
	wait_until 10 test -s "$T/locked"
	insert 1 1
	waiting=2
	# shellcheck disable=SC2086 # none, or one word
	point 2 3 $equal
	waiting=20
	unchanged 'received and not applied' 75 "didn't reach"
	exec 4>&-
	wait "$holder"
	rm "$T/hold" "$T/locked"
	ok "$how: then it goes on" in_step 1 2
	replica 2 'STOP SQL_THREAD'
	insert 1 1
	ok "... received" wait_until 10 behind
	before=$(settings 2)
	# shellcheck disable=SC2086 # none, or one word
	point 2 3 $equal
	unchanged 'an applier that was stopped' 77 'the applier is stopped'
	replica 2 'START SQL_THREAD'
	before=$(settings 2)
	ok "$how: in step" in_step_all
}

behind()
{
	[ "$(replica_status 2 Read_Master_Log_Pos)" != \
	    "$(replica_status 2 Exec_Master_Log_Pos)" ]
}

# A transaction that only n2 has: GTIDs tell.
errants()
{
	of 2 FLAVOUR
	[ "$how" = gtid ] || [ "$of_db" = mariadb ] || return 0
	sql 2 'CREATE TABLE t.errant (id INT PRIMARY KEY)'
	# shellcheck disable=SC2086 # none, or one word
	point 2 3 $equal
	unchanged 'a transaction of its own' 77 'transactions? that n3 lacks'
	of 2 FLAVOUR
	[ "$how" != gtid ] || [ "$of_db" != mariadb ] || return 0
	# shellcheck disable=SC2086 # none, or one word
	point 2 3 $equal -n --force=testing
	is "$how: ... forced: exit 0" "$status" 0
	like "... warned of" "$err" 'forced \(testing\)'
}

purge()
{
	sql 1 'FLUSH LOGS'
	sql 1 "PURGE BINARY LOGS TO '$(position 1 | cut -d ' ' -f 1)'"
	[ "$(sql 1 'SHOW BINARY LOGS' | wc -l)" -eq 1 ]
}

# n3 anew, of whom n1 has not got the first log any more.
purged()
{
	ok "$how: its logs are purged" wait_until 10 purge
	fresh_one 3
	point 3 1 --empty
	is "$how: purged logs: 77" "$status" 77
	like "... said" "$err" 'purged|first binary log'
	is "... there is no channel" "$(replica_status 3 Master_Host)" ''
}

# A second one beside the usual one.
channels()
{
	of 2 FLAVOUR
	[ "$of_db" != mysql56 ] || return 0
	ok "$how: fresh servers" fresh
	built 3 1
	point 3 2 --empty --channel side
	is "$how: a channel with a name: exit 0" "$status" 0
	ok "... runs" replicates 3 side
	ok "... and the usual one" replicates 3
	point 3 2 --channel side --credentials "$T/wrong.cnf" \
	    --old-credentials "$HA_DB_REPL_CNF" --force=testing
	is "$how: ... changed to what is wrong: undone" "$status" 75
	ok "... runs again" wait_until 10 replicates 3 side
	ok "... and the usual one" replicates 3
	replica 3 STOP side
	ok "$how: fresh servers" fresh_one 3
	point 3 1 --empty
	is "$how: the usual one beside it: exit 0" "$status" 0
	[ "$status" -eq 0 ] || diag "$err"
	ok "... runs" replicates 3
	not_ok "... and the other one alone does not" replicates 3 side
	replica 3 'RESET ALL' side
}

points()
{
	for how; do
		equal=
		[ "$how" = gtid ] || equal=--assume-equal=idle
		beats=yes
		topologies
		refusals
	done
}
