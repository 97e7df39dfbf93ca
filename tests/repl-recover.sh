# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-recover.sh - ha-repl point, killed at places from its first trace on disk
# to its end.  n2 replicates from n1, and n3 is moved between the two.
#
#	recoveries HOW...	"gtid", "pos"
#	restarted	by file and position: n3 is restarted before recover
. "$TESTS/repl-point.sh"

# What n3 replicates from, and how.
wiring()
{
	status_of 3 Master_Port Master_User Auto_Position Using_Gtid \
	    Master_SSL_Allowed Connect_Retry | tr '\n' ' '
}

# killed AT COMMAND...: kills it there.
killed()
{
	(
		HA_TEST_STATEMENT=$1 LD_PRELOAD=$HA_TOOLS/preload/statement.so
		shift
		export HA_TEST_STATEMENT LD_PRELOAD
		exec "$HA_BIN/ha-repl" "$@"
	) >"$T/killed" 2>&1
}

# Moves n3 to n$to, killed at $at; 1: it came to its end.
move()
{
	set -- point n3 --source "n$to" -T 20 --credentials "$HA_DB_REPL_CNF"
	case $how in
	pos) set -- "$@" --gtid no --assume-equal='nobody writes' ;;
	esac
	killed "$at" "$@"
	status=$?
	[ "$status" -eq 137 ] && return
	[ "$status" -eq 0 ] || {
		diag "at $at: exit $status: $(cat "$T/killed")"
		failures="$failures $at"
	}
	return 1
}

# By turns as it thinks best, back, forward where it says that this is possible,
# and killed itself.
recover()
{
	way=
	case $((kills % 4)) in
	1) way=--back ;;
	2) ! grep -q '^step	start' "$HA_STATE_DIR/repl/n3.journal" \
	    2>/dev/null || way=--forward ;;
	3)
		for place in 2 9 14; do
			killed "+$((place + at % 5))" recover n3
		done
		;;
	esac
	run ha-repl recover $way n3
	if [ "$status" -ne 0 ] && [ "$way" = --back ]; then
		like_way=$(printf %s "$err" | grep -c -e --forward)
		[ "$like_way" -eq 0 ] || run ha-repl recover --forward n3
	fi
	[ "$status" -eq 0 ]
}

# As before or as asked, whole, and each row once.
consistent()
{
	now=$(wiring)
	[ "$now" = "$before" ] || [ "$now" = "$asked" ] || return
	[ ! -e "$HA_STATE_DIR/repl/n3.journal" ] || return
	wait_until 10 replicates 3 && insert 1 1 && in_step 1 3 && in_step 1 2
}

# wirings: of both sources.
learn()
{
	to=2 at=0
	move && return 1
	second=$(wiring)
	to=1
	move && return 1
	first=$(wiring)
}

one_kill()
{
	case $(wiring) in
	"$first") to=2 before=$first asked=$second ;;
	*) to=1 before=$second asked=$first ;;
	esac
	move || return
	kills=$((kills + 1))
	! grep -rq repl-secret "$HA_STATE_DIR" || leaks="$leaks $at"
	if ! recover || ! consistent; then
		failures="$failures $at"
		diag "at $at, to n$to: '$now' of '$before', '$asked';" \
		    "recover $way: $status $err; $(cat "$T/killed")"
		replica_status 3 Last_IO_Error >&2
	fi
}

# n3 has no channel, or one that replicates.
none_or_one()
{
	[ "$status" -eq 0 ] && [ ! -e "$HA_STATE_DIR/repl/n3.journal" ] ||
	    return
	[ -n "$(replica_status 3 Master_Host)" ] || return 0
	wait_until 10 replicates 3 && in_step 1 3
}

one_fresh_kill()
{
	fresh_one 3
	set -- point n3 --source n1 -T 20 --empty \
	    --credentials "$HA_DB_REPL_CNF"
	[ "$how" = gtid ] || set -- "$@" --gtid no
	killed "$at" "$@"
	[ $? -eq 137 ] || return
	kills=$((kills + 1))
	run ha-repl recover n3
	none_or_one || {
		failures="$failures $at"
		diag "at $at: $status $err; $(cat "$T/killed")"
	}
}

fresh_recoveries()
{
	failures='' kills=0
	stride 7
	while one_fresh_kill && [ -z "$failures" ]; do
		at=$((at + step))
	done
	diag "$how: $kills kills of one without a channel"
	ok "$how: a fresh one was killed" test "$kills" -gt 5
	is "$how: recovered each time" "$failures" ''
}

# What point waits for comes at once: n1 has a table for its row, and n2, which
# may write none, is heard often.
quick_proof()
{
	ok "$how: the heartbeat's table" ha-repl heartbeat --create n1
	words_of 3 ''
	sql 3 "STOP $role; $change TO ${master}_HEARTBEAT_PERIOD = 0.2;
	    START $role"
}

recoveries_once()
{
	ok "$how: fresh servers" fresh
	point 2 1 --empty
	is "$how: n2 from n1" "$status" 0
	point 3 1 --empty
	is "$how: n3 from n1" "$status" 0
	make_table 1
	insert 1 3
	in_step_all
	quick_proof
	failures='' leaks='' kills=0
	ok "$how: moved to and fro" learn
	stride 3
	while one_kill && [ -z "$failures" ]; do
		at=$((at + step))
	done
	diag "$how: $kills kills"
	ok "$how: it was killed" test "$kills" -gt 10
	is "$how: recovered each time" "$failures" ''
	is "$how: no journal had a password" "$leaks" ''
	fresh_recoveries
}

recoveries()
{
	for how; do
		recoveries_once
	done
}

# Killed when the change is made, before the threads are started.
changed()
{
	at=0 to=2 failures=''
	while move_at; do
		! grep -q '^done	change' "$HA_STATE_DIR/repl/n3.journal" \
		    2>/dev/null || break
		run ha-repl recover --back n3
	done
	grep -q '^done	change' "$HA_STATE_DIR/repl/n3.journal"
}

move_at()
{
	at=$((at + 1))
	move || { diag "at $at: $(cat "$T/killed")"; return 1; }
}

# The server starts them itself, and what it applied is not applied again,
# neither from the old position nor from the new one.
restarted()
{
	ok "$how: fresh servers" fresh
	point 2 1 --empty
	point 3 1 --empty
	make_table 1
	sql 1 'CREATE TABLE t.keyless (a INT)'
	in_step_all
	wait_sql 10 0 2 'SELECT COUNT(*) FROM t.keyless'
	ok "$how: killed before the start" changed
	db 3 stop
	db 3 start
	ok "... restarted, it replicates" wait_until 10 replicates 3
	sql 1 'INSERT INTO t.keyless VALUES (1); INSERT INTO t.keyless VALUES (2)'
	wait_sql 10 2 3 'SELECT COUNT(*) FROM t.keyless'
	exits "$how: it can't go back: 70" 70 ha-repl recover n3
	like "... said" "$err" '--forward'
	exits "$how: but forward" 0 ha-repl recover --forward n3
	insert 1 1
	ok "... it replicates" in_step 1 3
	ok "... nothing twice" sql_is 2 3 'SELECT COUNT(*) FROM t.keyless'
}
