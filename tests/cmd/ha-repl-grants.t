#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-grants.t - the account that points, with what the manual grants it,
# and with less.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 2 mysql 2 mysql56 2 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../grants.sh"

# shellcheck disable=SC2154 # of with-db
point()
{
	ha-repl point "n$replica" --source "n$source" -T 20 \
	    --credentials "$HA_DB_REPL_CNF" "$@"
}

# What it may not, the first complaint; a command's status before it.
complaint()
{
	ha-repl lint -F tsv "n$source" "n$replica" | grep 'lint:privilege' &&
	    return
	{
		ha-repl heartbeat --once -v "n$source" &&
		    point --gtid no &&
		    point --gtid no --assume-equal test --lock-wait 5s &&
		    point --gtid "$gtid" && return
		echo "status $?"
	} 2>&1 | grep -v 'warning:\|replicates from'
}

# privileges FLAVOUR: those on *.*, a line each.
privileges()
{
	manual_grants ha_admin "$1" | tr '\n' ' ' |
	    sed 's/.*GRANT \([^;]*\) *ON \*\.\*.*/\1/; s/  */ /g; s/ *$//' |
	    sed 's/, /\n/g'
}

on_both()
{
	sql "$source" "SET SESSION sql_log_bin = 0; $1" &&
	    sql "$replica" "SET SESSION sql_log_bin = 0; $1"
}

# without FLAVOUR PRIVILEGE
without()
{
	on_both "REVOKE $2 ON *.* FROM 'ha_admin'@'%'"
	words=$(complaint)
	like "$1: without $2: refused, by its name" "$words" \
	    "($2|Access denied|refused:)"
	unlike "... before anything was half done" "$words" 'half done'
	unlike "... with the status of a refusal" "$words" \
	    'status ([0-68]|7[0-689])'
	ok "... and it still replicates" replicates "$replica"
	on_both "GRANT $2 ON *.* TO 'ha_admin'@'%'"
}

# What nobody is refused without here: PROCESS shows more of the others, and
# READ_ONLY ADMIN is tried below.
pair()
{
	source=$1 replica=$2 gtid=$3
	of "$1" FLAVOUR
	flavour=$of_db
	for i in "$1" "$2"; do
		manual_login "$i" ha_admin || diag "server $i: no ha_admin"
		of "$i" PORT
		echo "n$i 127.0.0.1:$of_db defaults-file=$manual_cnf" \
		    >>"$HA_CONFIG_DIR/repl.conf"
	done
	sql "$2" 'SET GLOBAL read_only = 1'
	exits "$flavour: heartbeat --create" 0 \
	    ha-repl heartbeat --create --once "n$1"
	exits "$flavour: point" 0 point --empty
	is "$flavour: what the manual grants is enough" "$(complaint)" ''
	privileges "$flavour" | grep -v -x -e PROCESS \
	    -e 'READ_ONLY ADMIN' >"$T/$flavour"
	ok "$flavour: there is something to revoke" test -s "$T/$flavour"
	while read -r privilege; do
		without "$flavour" "$privilege"
	done <"$T/$flavour"
	is "$flavour: all of it is there again" "$(complaint)" ''
}

pair 1 2 slave_pos

# After a failover, the old source comes back read-only.
sql 2 'STOP SLAVE; RESET SLAVE ALL; SET GLOBAL read_only = 0'
sql 1 'SET GLOBAL read_only = 1'
source=2 replica=1
on_both "REVOKE READ_ONLY ADMIN ON *.* FROM 'ha_admin'@'%'"
exits "mariadb: an old source, without READ_ONLY ADMIN" 77 point
like "... names what it takes" "$err" 'READ_ONLY ADMIN'
on_both "GRANT READ_ONLY ADMIN ON *.* TO 'ha_admin'@'%'"
exits "... and with it" 0 point
ok "... replicates" replicates 1

pair 3 4 auto
pair 5 6 auto
done_testing
