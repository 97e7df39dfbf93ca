# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-point-topologies.sh - the four topologies, built by ha-repl point alone
# from fresh servers, and what it refuses or undoes; for each of $hows.
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
	in_step_all
	before=$(settings 2)
	run ha-repl point n2 --source n1
	unchanged 'so already' 0 already

	point 2 3 --credentials "$T/wrong.cnf" \
	    --old-credentials "$HA_DB_REPL_CNF" --assume-equal=idle \
	    ${by_gtid:+--gtid auto}
	unchanged 'a wrong password' 77 "can't log in"
	point 2 3 --credentials "$T/wrong.cnf" \
	    --old-credentials "$HA_DB_REPL_CNF" --force=testing
	unchanged '... forced, and undone' 75 'error 1045'
	ok "... it replicates" wait_until 10 replicates 2
	point 2 3 --credentials "$T/other.cnf"
	unchanged 'another user, the old password not known' 77 \
	    --old-credentials
	echo "gone 127.0.0.1:1" >>"$HA_CONFIG_DIR/repl.conf"
	run ha-repl point n2 --source gone --credentials "$HA_DB_REPL_CNF"
	unchanged 'a source that is not there' 69 gone
}
