#!/bin/sh
# SPDX-License-Identifier: ISC
# shellcheck disable=SC2016 # backquotes of SQL
#
# ha-repl-heartbeat.t - the row that lag is measured by, and when none is
# written.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 2 mysql 1 mysql56 1 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../grants.sh"

# cnf I: how the shell's ha-repl logs in to I, as who may do all.
cnf()
{
	of "$1" CNF
	cnf=$of_db
	of "$1" PORT
	node=127.0.0.1:$of_db
}

beat()
{
	cnf "$1"
	shift
	ha-repl heartbeat --defaults-file "$cnf" "$node" "$@"
}

# as FILE I ...: with another login.
beat_as()
{
	cnf "$2"
	beat_as=$1
	shift 2
	ha-repl heartbeat --defaults-file "$beat_as" "$node" "$@"
}

rows()
{
	sql "$1" 'SELECT COUNT(*) FROM ha.heartbeat'
}

column()
{
	sql "$1" "SELECT $2 FROM ha.heartbeat WHERE server_id = ${3-@@server_id}"
}

# Seconds between the row and the server's clock, whole.
age()
{
	sql "$1" "SELECT TIMESTAMPDIFF(SECOND, REPLACE(ts, 'T', ' '),
	    UTC_TIMESTAMP()) FROM ha.heartbeat WHERE server_id = @@server_id"
}

changed()
{
	[ "$(column "$1" ts)" != "$2" ]
}

login()
{
	printf '[client]\nuser=%s\npassword=%s\n' "$2" "$3" >"$1"
	chmod 600 "$1"
}

## usage

exits "nothing to do" 64 ha-repl heartbeat
like "... says what it needs" "$err" 'needs --once, --interval or --create'
exits "once and again and again" 64 ha-repl heartbeat --once --interval 1s
exits "two nodes" 64 ha-repl heartbeat --once a b
exits "an interval of nothing" 64 ha-repl heartbeat --interval 0
exits "a table without a database" 64 \
    ha-repl heartbeat --once --heartbeat-table heartbeat
exits "no server" 69 ha-repl heartbeat --once 127.0.0.1:1
like "... one line says so" "$err" '^ha-repl: 127.0.0.1:1: no heartbeat is written: '

## the table and the row, in each flavour

table_and_row()
{
	of "$1" FLAVOUR
	f=$of_db
	exits "$f: without a table" 78 beat "$1" --once
	like "$f: ... names what makes it" "$err" 'ha-repl heartbeat --create'
	was=$(position "$1")
	exits "$f: -n --create" 0 beat "$1" -n --create
	like "$f: ... shows it" "$out" '^CREATE TABLE `ha`.`heartbeat` .*;$'
	is "$f: ... and makes nothing" "$(position "$1")" "$was"
	exits "$f: --create" 0 beat "$1" --create
	was=$(position "$1")
	exits "$f: --create again" 0 beat "$1" --create
	is "$f: ... writes nothing" "$(position "$1")" "$was"
	exits "$f: -n --once" 0 beat "$1" -n --once
	sql "$1" "$(cat "$T/out")"
	is "$f: ... shows what would do it" "$(rows "$1")" 1
	was=$(position "$1")
	exits "$f: --once" 0 beat "$1" --once
	is "$f: ... without a word" "$out$err" ''
	is "$f: ... one row a server" "$(rows "$1")" 1
	ok "$f: ... of now" test "$(age "$1")" -le 5
	like "$f: ... with microseconds, as pt-heartbeat has it" \
	    "$(column "$1" ts)" \
	    '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{6}$'
	is "$f: ... with the position" \
	    "$(column "$1" "CONCAT(file, ' ', position)")" "$was"
	exits "$f: a table of another name" 0 \
	    beat "$1" --create --once --heartbeat-table 'b`x.t y'
	is "$f: ... is quoted" "$(sql "$1" 'SELECT COUNT(*) FROM `b``x`.`t y`')" 1
}

# The account may do all, so it could write all the same.
read_only()
{
	of "$1" FLAVOUR
	f=$of_db
	sql "$1" 'SET GLOBAL read_only = 1'
	was=$(position "$1") ts=$(column "$1" ts)
	exits "$f: read-only" 0 beat "$1" --once
	is "$f: ... without a word" "$out$err" ''
	is "$f: ... and without an event" "$(position "$1")" "$was"
	is "$f: ... the row is as it was" "$(column "$1" ts)" "$ts"
	run beat "$1" --once -v
	like "$f: ... -v tells" "$err" 'it is read-only'
	exits "$f: no table is made where is not written" 77 \
	    beat "$1" --create --heartbeat-table ha.other
	sql "$1" 'SET GLOBAL binlog_format = STATEMENT'
	exits "$f: read-only, and statements" 0 beat "$1" --once
	is "$f: ... without an event" "$(position "$1")" "$was"
	# As it would be if read_only came between its two questions.
	beat "$1" -n --once >"$T/sql"
	{
		echo 'SET SESSION binlog_format = ROW;'
		cat "$T/sql"
	} >"$T/both"
	sql "$1" "$(cat "$T/both")"
	is "$f: ... nor does the statement alone leave one" \
	    "$(position "$1")" "$was"
	sql "$1" 'SET GLOBAL read_only = 0'
	exits "$f: statements, and who may change that" 0 beat "$1" --once
	ok "$f: ... writes" changed "$1" "$ts"
}

# Those of the man page.
grants()
{
	of "$1" FLAVOUR
	f=$of_db
	case $f in
	mariadb) monitor='BINLOG MONITOR, SLAVE MONITOR' ;;
	*) monitor='REPLICATION CLIENT' ;;
	esac
	ok "$f: the account of the manual" manual_login "$1" ha_beat
	exits "$f: statements, and who may not" 77 \
	    beat_as "$manual_cnf" "$1" --once
	like "$f: ... says what to do" "$err" 'binlog_format = ROW'
	sql "$1" 'SET GLOBAL binlog_format = ROW'
	ts=$(column "$1" ts)
	exits "$f: the grants of the manual" 0 \
	    beat_as "$manual_cnf" "$1" --once -v
	is "$f: ... do, for positions too" "$err" ''
	ok "$f: ... and write" changed "$1" "$ts"
	sql "$1" "SET SESSION sql_log_bin = 0;
	    REVOKE INSERT ON ha.* FROM 'ha_beat'@'%';
	    REVOKE $monitor ON *.* FROM 'ha_beat'@'%'"
	exits "$f: without INSERT" 77 beat_as "$manual_cnf" "$1" --once
	sql "$1" "SET SESSION sql_log_bin = 0; GRANT INSERT ON ha.* TO 'ha_beat'@'%'"
	exits "$f: without the right to see positions" 0 \
	    beat_as "$manual_cnf" "$1" --once -v
	like "$f: ... it says so" "$err" 'rows without positions'
	is "$f: ... and has none" "$(column "$1" 'file IS NULL')" 1
	login "$T/wrong.cnf" ha_beat wrong-secret
	exits "$f: a wrong password" 77 beat_as "$T/wrong.cnf" "$1" --once
	unlike "$f: ... which is not shown" "$out$err" secret
}

for i in 1 3 4; do
	table_and_row $i
	read_only $i
	grants $i
done

## roles

ha-role set standby --reason test >"$T/role"
ts=$(column 1 ts)
exits "standby" 0 beat 1 --once
is "... without a word" "$out$err" ''
is "... writes none" "$(column 1 ts)" "$ts"
run beat 1 --once -v
like "... -v tells" "$err" 'says standby'
exits "standby makes no table" 77 beat 1 --create
echo 'no role' >"$HA_STATE_DIR/role"
exits "a role that can't be read" 78 beat 1 --once
is "... writes none" "$(column 1 ts)" "$ts"
rm "$HA_STATE_DIR/role"
ha-role set active --reason test >"$T/role"
exits "active" 0 beat 1 --once
ok "... writes" changed 1 "$ts"

## over replication

ok "a replica" replicate 2 1 gtid
ok "... has the table" wait_until 10 replicates 2
exits "a heartbeat" 0 beat 1 --once
wait_sql 10 "$(column 1 ts)" 2 'SELECT ts FROM ha.heartbeat WHERE server_id = 1'
is "... arrives" "$(column 2 ts 1)" "$(column 1 ts)"
exits "the replica's own, while it is written to" 0 beat 2 --once
is "... a row more" "$(rows 2)" 2
is "... with what it has applied of its source" \
    "$(column 2 "CONCAT(relay_master_log_file, ' ', exec_master_log_pos)")" \
    "$(position 1)"

## again and again

said()
{
	grep -Eq "$1" "$T/said"
}


cnf 1
was=$(position 1)
tap_clock
begun=$tap_now
spawn -e "$T/said" ha-repl heartbeat --defaults-file "$cnf" "$node" \
    --interval 100ms
beater=$pid
sql 1 'SELECT 1' >"$T/out"
file=${was% *}
count()
{
	sql 1 "SHOW BINLOG EVENTS IN '$file' FROM ${was#* }" |
	    grep -c '	Gtid	'
}
twenty()
{
	beats=$(count)
	[ "$beats" -ge 20 ]
}
ok "ten a second" wait_until 20 twenty
tap_clock
spent=$((tap_now - begun))
ok "... and not more" test $((beats * 10)) -le $((spent + 20))
is "... no word" "$(cat "$T/said")" ''
sql 1 'SET GLOBAL read_only = 1'
ts=$(column 1 ts)
was=$(position 1)
sleep 0.5
is "read-only: none" "$(position 1)" "$was"
sql 1 'SET GLOBAL read_only = 0'
ok "... and again" wait_until 10 changed 1 "$ts"
is "... no word" "$(cat "$T/said")" ''
db 1 stop
ok "the server is gone: it says so" wait_until 10 said 'no heartbeat is written'
db 1 start
ok "it is there again: that too" wait_until 30 said \
    'heartbeats are written again after [0-9]'
is "... one line each" "$(wc -l <"$T/said")" 2
reap "$beater" TERM
is "SIGTERM ends it well" "$status" 0
spawn -e "$T/said" ha-repl heartbeat --defaults-file "$cnf" "$node" -i 100ms
ts=$(column 1 ts)
ok "another one" wait_until 10 changed 1 "$ts"
db 1 freeze
sleep 0.3
tap_clock
begun=$tap_now
reap "$pid" TERM
tap_clock
is "SIGTERM while the server hangs" "$status" 0
ok "... at once" test $((tap_now - begun)) -lt 200
db 1 thaw
exits "a server that hangs, --once" 0 beat 1 --once
db 1 freeze
tap_clock
begun=$tap_now
run beat 1 --once -t 500ms
tap_clock
is "... is given up" "$status" 69
ok "... in time" test $((tap_now - begun)) -lt 200
db 1 thaw
done_testing
