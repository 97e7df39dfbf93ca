#!/bin/sh
# SPDX-License-Identifier: ISC
#
# readme-repl.t - a pair of databases, with README's own words; only its
# addresses and its /etc/ha are others.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 2 --gtid --config-of 2 'read_only = ON'
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../readme.sh"
needs mariadb

section='A pair of databases'
mkdir "$T/etc"
export HA_CONFIG_DIR="$T/etc" HA_STATE_DIR="$T"
# shellcheck disable=SC2154 # of with-db
cp "$HA_DB_CA" "$T/etc/db-ca.pem"

# type_here STEP N: a block, into a shell.
type_here()
{
	block "$1" "$2" | sed "s#/etc/ha#$T/etc#g
	    s/10\.0\.0\.1/127.0.0.1:$HA_DB_1_PORT/
	    s/10\.0\.0\.2/127.0.0.1:$HA_DB_2_PORT/" >"$T/block"
	[ -s "$T/block" ] || diag "README has no block $2 in step $1"
	run sh -e "$T/block"
}

for i in 1 2; do
	run sql $i "$(block 1 1)"
	is "1. the accounts, on server $i" "$status $err" "0 "
done
type_here 2 1
is "2. the files" "$status $err" "0 "
type_here 3 1
is "3. point: 0" $status 0
like "... the statements first" "$out" "CHANGE MASTER TO .*MASTER_PASSWORD = '\*\*\*'"
like "... and it says so" "$err" 'db-b replicates from db-a'
ok "... it replicates" replicates 2
type_here 4 1
like "4. the topology" "$out" '^oneway: 2 nodes, 1 writer'
like "... and what will hurt" "$out" 'lint:'
run ha-repl check
is "5. the check: 0" $status 0
like "... of both, and of the pair" "$out" 'db-a is the writer'
run sh -c "$(block 5 1 | sed -n 's/^\* .* root //p')"
is "... and cron's job: 0, and nothing to say" "$status $out$err" "0 "

run sql 2 "$(block 6 1)"
is "6. db-b is promoted" "$status $err" "0 "
sql 1 'SET GLOBAL read_only = ON'
type_here 6 2
is "... and db-a its replica: 0" $status 0
ok "... it replicates" replicates 1
run ha-repl check
like "... db-b is the writer" "$out" 'db-b is the writer'

done_testing
