# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2153,SC2154 # variables of with-db, tap.sh
#
# repl.sh - what the tests of replication share: servers in the shell's hands.
#
#	in_db FLAVOUR N [OPTION...]	runs this script below with-db, unless it
#			is already; or skips it all, when this flavour can't be
#			had.  Before tap.sh is read in
#	db I ...	tests/db
#	sql I STATEMENT [OPTION...]	the same as db I sql
#	sql_is I STATEMENT WANT		it succeeds when its rows are WANT
#	wait_sql SECONDS I STATEMENT WANT	until they are
#	replicate I J gtid|pos [CHANNEL [OPTION]...]
#			by hand: I replicates from J, from now on; with "gtid"
#			all that J has.  OPTIONs are of CHANGE MASTER in its own
#			words; CHANNEL may be empty
#	replica I COMMAND [CHANNEL]	"START", "STOP", "START IO_THREAD", ...
#	replica_status I COLUMN [CHANNEL]	of SHOW REPLICA STATUS; either
#			naming will do (Slave_IO_Running, Replica_IO_Running)
#	replicates I [CHANNEL]	both threads run
#	caught_up I J	I has all that J has written: it waits, 10 s at most
#	fill I [TABLE]	makes TABLE (t.rows) with an id, a text
#	write I COUNT [TABLE]	more rows, each in a transaction of its own

in_db()
{
	[ -z "${HA_DB_DIR-}" ] || return 0
	exec "$(dirname "$0")/../with-db" --tap "$@" -- "$0"
}

db()
{
	"$TESTS/db" "$@"
}

sql()
{
	sql_of=$1 sql_text=$2
	shift 2
	eval "sql_of=\$HA_DB_${sql_of}_LOCAL_CNF"
	mariadb --defaults-file="$sql_of" -N -B "$@" -e "$sql_text"
}

sql_is()
{
	[ "$(sql "$1" "$2" 2>&1)" = "$3" ]
}

wait_sql()
{
	wait_limit=$1
	shift
	wait_until "$wait_limit" sql_is "$@" && return
	diag "the rows are: $(sql "$1" "$2" 2>&1 | head -n 20)"
	return 1
}
