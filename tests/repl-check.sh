# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of tap.sh, repl.sh
#
# repl-check.sh - ha-repl check beside a real pair that is broken in every way
# that can be brought about by hand; one script a flavour reads it in and calls
# check_all.
#
# Server 1 (db-a) writes, 2 (db-b) replicates from it, 3 (db-c) is by itself.
# Each way is set up, must be named in words with the right state within a
# deadline, and is mended, which must be seen as well.

# A network of its own, so that packets can be dropped.
in_own_net()
{
	[ -z "${HA_OWN_NET-}" ] || return 0
	if [ "$(id -u)" -eq 0 ] && unshare --net true 2>/dev/null; then
		HA_OWN_NET=yes
		export HA_OWN_NET
		exec unshare --net sh -c \
		    'ip link set lo up && exec "$@"' - "$0"
	fi
	HA_OWN_NET=no
	export HA_OWN_NET
}

begin()
{
	flavour=$HA_DB_FLAVOUR
	for i in 1 2 3; do
		of $i PORT
		eval "port_$i=\$of_db"
	done
	write_conf "$HA_DB_2_MONITOR_CNF"
	db_b_node=db-b
	make_table 1
	replicate 2 1 gtid
	sql 2 'SET GLOBAL read_only = ON'
	cat >"$T/beat.conf" <<-END
		db-a 127.0.0.1:$port_1 defaults-file=$HA_DB_1_CNF
	END
	exits "heartbeat --create" 0 ha-repl -f "$T/beat.conf" \
	    heartbeat --create --once db-a
	sql 1 'GRANT SELECT ON ha.* TO monitor'
	beat
}

write_conf()
{
	cat >"$HA_CONFIG_DIR/repl.conf" <<-END
		db-a 127.0.0.1:$port_1 defaults-file=$HA_DB_1_MONITOR_CNF
		db-b 127.0.0.1:$port_2 defaults-file=$1
		db-c 127.0.0.1:$port_3 defaults-file=$HA_DB_3_MONITOR_CNF
	END
}

# Rows fifty times a second, until unbeat.
beat()
{
	spawn -e "$T/beat.err" ha-repl -f "$T/beat.conf" heartbeat -i 20ms db-a
	beating=$pid
}

unbeat()
{
	reap "$beating" TERM
}

# What is said, by the sweep's records: the state and words of CHECK@HOST.
ask()
{
	ha-repl -F tsv -t 2s -w 1 -c 3 check "$@" >"$T/records" 2>"$T/said"
	asked=$?
}

says()
{
	awk -F '\t' -v host="$1" -v check="$2" -v state="$3" -v words="$4" '
		$3 == host && $4 == check && $5 ~ state && $8 ~ words {
			found = 1
		}
		END { exit !found }' "$T/records"
}

ask_says()
{
	# shellcheck disable=SC2086 # names of nodes
	ask $nodes
	says "$@"
}

# named WAY HOST STATE ERE: within $within s the node is in this state, for
# this reason.
nodes='db-a db-b' within=10
named()
{
	check=repl
	case $2 in *,*) check=repl-writers ;; esac
	wait_until $within ask_says "$2" $check "$3" "$4" 2>/dev/null
	tap_result $? "$1: $3" || diag "$(cut -f 3-5,8,9 "$T/records")" \
	    "$(cat "$T/said")"
	compare "$1" "$2" "$3"
}

# Mended: all is well again.
well()
{
	wait_until 20 all_well 2>/dev/null
	tap_result $? "... and mended: OK" && return
	diag "$(cut -f 3-5,8,9 "$T/records")" "$(cat "$T/beat.err")"
}

all_well()
{
	# shellcheck disable=SC2086 # names of nodes
	ask $nodes
	[ $asked -eq 0 ]
}

# The same node by check_mysql, for a table.
compare()
{
	case $2 in
	db-b) other=$port_2 ;;
	*) return 0 ;;
	esac
	[ -n "$check_mysql" ] || return 0
	theirs=$(timeout 5 "$check_mysql" -S -w 1 -c 3 -H 127.0.0.1 \
	    -P "$other" -u monitor -p monitor-secret 2>&1)
	case $? in
	0) their_state=OK ;;
	1) their_state=WARN ;;
	2) their_state=CRIT ;;
	3) their_state=UNKNOWN ;;
	*) their_state=none ;;
	esac
	printf '%-44s %-8s %-8s %.60s\n' "$1" "$3" "$their_state" \
	    "$(echo "$theirs" | head -n 1)" >>"$T/table"
	case $their_state:$3 in
	CRIT:OK | WARN:OK | CRIT:WARN)
		# It does not speak the words of MySQL 8.4.
		case $theirs in
		*'SQL syntax'*) ;;
		*) echo "$1" >>"$T/worse" ;;
		esac
		;;
	esac
}

# On one server alone, whatever its binary log is for.
unlogged()
{
	sql "$1" "SET SESSION sql_log_bin = 0; $2"
}

## Threads

stopped_threads()
{
	replica 2 'STOP IO_THREAD'
	named "the receiver is stopped by hand" db-b CRIT \
	    'receiver .IO thread. is stopped, without an error'
	replica 2 'STOP SQL_THREAD'
	named "both threads are stopped" db-b CRIT \
	    'replication is stopped, without an error: by hand.*START '
	replica 2 'START IO_THREAD'
	named "the applier is stopped by hand" db-b CRIT \
	    'applier .SQL thread. is stopped, without an error'
	replica 2 START
	well
}

## Rows

drifted_rows()
{
	sql 1 'CREATE TABLE t.rows (id INT PRIMARY KEY, text CHAR(9));
	    INSERT INTO t.rows VALUES (1, "one"), (2, "two")'
	wait_sql 10 2 2 'SELECT COUNT(*) FROM t.rows'
	unlogged 2 'INSERT INTO t.rows VALUES (3, "here")'
	sql 1 'INSERT INTO t.rows VALUES (3, "there")'
	named "a duplicate key" db-b CRIT \
	    'a row to be inserted is there already.*error 1062'
	unlogged 2 'DELETE FROM t.rows WHERE id = 3'
	replica 2 START
	well
	unlogged 2 'DELETE FROM t.rows WHERE id = 2'
	sql 1 'UPDATE t.rows SET text = "new" WHERE id = 2'
	named "a missing row" db-b CRIT \
	    'a row to be changed is not there.*error 1032'
	unlogged 2 'INSERT INTO t.rows VALUES (2, "two")'
	replica 2 START
	well
	unlogged 2 'RENAME TABLE t.rows TO t.gone'
	sql 1 'DELETE FROM t.rows WHERE id = 2'
	named "a missing table" db-b CRIT \
	    'a table is not there.*error 1146'
	unlogged 2 'RENAME TABLE t.gone TO t.rows'
	replica 2 START
	well
}

## The link

# change OPTIONS: of the receiver, in MariaDB 10's words.
change()
{
	words_of 2 ''
	replica 2 STOP
	sql 2 "$change $named TO $(echo "$1" | sed "s/MASTER_/${master}_/g")"
	replica 2 START
}

wrong_login()
{
	change "MASTER_PASSWORD = 'wrong'"
	named "a wrong replication password" db-b CRIT \
	    "refuses the replication user's name or password.*error 1045"
	change "MASTER_PASSWORD = 'repl-secret'"
	well
}

no_public_key()
{
	sql 1 'FLUSH PRIVILEGES'
	change "GET_SOURCE_PUBLIC_KEY = 0, MASTER_SSL = 0"
	named "caching_sha2_password without TLS or key" db-b CRIT \
	    "caching_sha2_password needs TLS.*error 2061"
	change "GET_SOURCE_PUBLIC_KEY = 1, MASTER_SSL = 1"
	well
}

same_server_id()
{
	replica 2 STOP
	sql 2 'SET GLOBAL server_id = 1'
	replica 2 START
	named "the source's server_id" db-b CRIT \
	    'has the same server_id as its source'
	ok "... which comparing the nodes tells, too" \
	    says db-b repl CRIT 'has the same server_id .1. as db-a'
	replica 2 STOP
	sql 2 'SET GLOBAL server_id = 2'
	replica 2 START
	well
}

source_down()
{
	db 1 stop
	named "the source is down" db-b CRIT \
	    "can't connect to db-a: the source (refuses conn|can't be reached)"
	ok "... as it is itself" says db-a repl CRIT '.'
	db 1 start
	well
}

frozen_source()
{
	db 1 freeze
	named "a source that hangs" db-b CRIT 'a silent link: |not connected to'
	ok "... while it gives no answer itself" \
	    says db-a repl CRIT 'no answer|says nothing|statements get no'
	db 1 thaw
	well
}

frozen_replica()
{
	db 2 freeze
	named "a replica that hangs" db-b CRIT 'no answer|says nothing'
	db 2 thaw
	well
}

firewall()
{
	if [ "$HA_OWN_NET" = no ] || ! command -v nft >/dev/null; then
		skip "a firewall" "no network namespace, or no nft"
		return
	fi
	nft add table inet test
	nft add chain inet test input \
	    '{ type filter hook input priority 0; policy accept; }'
	nft add rule inet test input tcp dport "$port_1" drop
	named "a firewall that drops packets" db-b CRIT \
	    'a silent link|nothing answers|not connected to'
	ok "... and between here and the source" \
	    says db-a repl CRIT 'nothing answers its address'
	nft delete table inet test
	well
}

## Who writes

writers()
{
	sql 2 'SET GLOBAL read_only = OFF'
	named "a replica that is writable" db-b WARN \
	    'a replica that may be written to'
	named "two writers" db-a,db-b CRIT '2 writers where one is wanted'
	sql 2 'SET GLOBAL read_only = ON'
	well
	db 2 stop
	db 2 start # read_only was never in its my.cnf
	replica 2 START 2>/dev/null
	named "read_only is lost by a restart" db-b WARN \
	    'a replica that may be written to'
	sql 2 'SET GLOBAL read_only = ON'
	well
	sql 1 'SET GLOBAL read_only = ON'
	named "a read-only primary" db-a CRIT 'the primary is read-only'
	named "no writer" db-a,db-b CRIT 'no node may be written to'
	sql 1 'SET GLOBAL read_only = OFF'
	well
}

dual_pair()
{
	replicate 1 2 pos
	wait_until 10 replicates 1
	well
	sql 2 'SET GLOBAL read_only = OFF'
	named "two writers in a dual pair" db-a,db-b CRIT \
	    '2 writers where one is wanted .dual'
	sql 2 'SET GLOBAL read_only = ON'
	replica 1 'STOP IO_THREAD'
	named "the way back of a dual pair is stopped" db-a CRIT \
	    'receiver .IO thread. is stopped'
	replica 1 STOP
	replica 1 'RESET ALL'
	well
}

strangers()
{
	nodes='db-b db-c'
	named "a stranger for a source" db-b WARN 'is none of these nodes'
	named "a node apart" db-c WARN 'none of the others from it'
	nodes='db-a db-b'
}

## In time

no_rows()
{
	kill -STOP "$beating"
	named "nobody writes the heartbeat" db-b WARN \
	    'db-a has written no heartbeat row for'
	kill -CONT "$beating"
	well
	ask --heartbeat-table ha.none db-a db-b
	ok "no heartbeat row: WARN" says db-b repl WARN 'lag is not measured'
}

# End what sleeps in server 2.
wake()
{
	sql 2 "SELECT CONCAT('KILL ', id) FROM information_schema.processlist
	    WHERE info LIKE 'DO SLEEP%'" | while read -r kill; do
		sql 2 "$kill"
	done 2>/dev/null
}

# A row that is locked here holds the applier up, as a long transaction does.
busy_applier()
{
	mariadb --defaults-file="$HA_DB_2_LOCAL_CNF" --unbuffered -e \
	    'BEGIN; SELECT * FROM t.rows WHERE id = 1 FOR UPDATE;
	    DO SLEEP(20)' >"$T/locked" 2>/dev/null &
	locker=$!
	wait_until 5 test -s "$T/locked"
	sql 1 'UPDATE t.rows SET text = "long" WHERE id = 1'
	named "a long transaction" db-b CRIT \
	    'behind: the applier is busy with a long transaction'
	wake
	wait $locker 2>/dev/null
	well
}

now()
{
	date +%s.%N
}

# Of one node's perf data: lag.
lag_of()
{
	awk -F '\t' '$3 == "db-b" && $4 == "repl" { print $9 }' "$T/records" |
	    sed -n 's/^lag=\([0-9.]*\)s.*/\1/p'
}

# pt-heartbeat on the same row; it does not speak MySQL 8.4's words.
pt_lag()
{
	[ "$flavour" != mysql ] && command -v pt-heartbeat >/dev/null || return
	TZ=UTC pt-heartbeat -F "$HA_DB_2_CNF" -D ha --table heartbeat --check \
	    --utc --master-server-id 1 2>&1 | head -n 1
}

# Its own table, of its own make, is understood.
# A column that comes in the session's time zone.
zoned_row()
{
	sql 1 'CREATE TABLE ha.zoned (ts TIMESTAMP(6), server_id INT PRIMARY KEY)
	    ENGINE = InnoDB; INSERT INTO ha.zoned VALUES (NOW(6), 1)'
	wait_sql 10 1 2 'SELECT COUNT(*) FROM ha.zoned'
	sql 2 "SET GLOBAL time_zone = '-05:00'"
	ask --heartbeat-table ha.zoned db-a db-b
	tap_result "$(says db-b repl '.' ' [0-9][.][0-9]+ s( |:)'; echo $?)" \
	    "a TIMESTAMP is read in UTC, whatever the server's time zone" ||
		diag "$(cut -f 3-5,8,9 "$T/records")"
	sql 2 'SET GLOBAL time_zone = SYSTEM'
	sql 1 'DROP TABLE ha.zoned'
}

foreign_row()
{
	if [ "$flavour" = mysql ] || ! command -v pt-heartbeat >/dev/null; then
		skip "pt-heartbeat's own row" "no pt-heartbeat for this server"
		return
	fi
	pt-heartbeat -F "$HA_DB_1_CNF" -D ha --table pt --create-table --utc \
	    --update --run-time 2 --interval 0.1 >"$T/pt" 2>&1
	ask --heartbeat-table ha.pt db-a db-b
	tap_result "$(says db-b repl '(OK|WARN)' '(s behind|row for)'; echo $?)" \
	    "pt-heartbeat's own row is read" ||
	    diag "$(cat "$T/pt")" "$(cut -f 3-5,8,9 "$T/records")"
}

# Held up: lag is the time since the last row that has come was written, which
# a person would read off like this.  Each try has to be quick to be exact.
known_delay()
{
	mariadb --defaults-file="$HA_DB_2_LOCAL_CNF" -N --unbuffered -e \
	    "FLUSH TABLES WITH READ LOCK; SET time_zone = '+00:00';
	    SELECT UNIX_TIMESTAMP(ts) FROM ha.heartbeat; DO SLEEP(30)" \
	    >"$T/held" 2>/dev/null &
	locker=$!
	wait_until 5 test -s "$T/held"
	held=$(cat "$T/held")
	best=9
	tries=0
	while [ $((tries += 1)) -le 20 ]; do
		before=$(now)
		ask db-a db-b
		after=$(now)
		off=$(echo "$before $after $held $(lag_of)" | awk '{
			if (NF < 4)
				$4 = 0
			off = $4 - (($1 + $2) / 2 - $3)
			printf "%.3f", off < 0 ? -off : off
		}')
		best=$(echo "$best $off" | awk '{
			print $1 < $2 ? $1 : $2 }')
	done
	diag "lag of $(lag_of) s, off by $off s, at best $best s" \
	    "pt-heartbeat: $(pt_lag)"
	ok "lag is right within 50 ms" awk "BEGIN { exit !($best <= 0.05) }"
	wake
	wait $locker 2>/dev/null
	well
}

wanted_delay()
{
	change "MASTER_DELAY = 4"
	ok "a delay that is asked for is none" \
	    wait_until 20 ask_says db-b repl OK '4 s of them asked for'
	change "MASTER_DELAY = 0"
	well
}

skewed_clock()
{
	echo -20 >"$T/clock"
	db 2 stop
	(
		LD_PRELOAD=$HA_TOOLS/preload/jump.so HA_TEST_CLOCK=$T/clock
		export LD_PRELOAD HA_TEST_CLOCK
		db 2 start 'read_only = ON'
	)
	replica 2 START 2>/dev/null
	named "a clock that is 20 s late" db-b WARN \
	    "its clock is (20|19.9*[0-9]*|20.0[0-9]*) s behind this machine's"
	ok "... and lag is measured all the same" \
	    wait_until 10 ask_says db-b repl WARN 'replicates from db-a, 0'
	db 2 stop
	db 2 start
	replica 2 START 2>/dev/null
	well
}

## Acknowledged

semi_sync()
{
	case $flavour in
	mariadb) ack=master ;;
	mysql)
		ack=source
		sql 1 "INSTALL PLUGIN rpl_semi_sync_source
		    SONAME 'semisync_source.so'"
		;;
	mysql56)
		ack=master
		sql 1 "INSTALL PLUGIN rpl_semi_sync_master
		    SONAME 'semisync_master.so'"
		;;
	esac >/dev/null 2>&1 || {
		skip "semi-sync" "this server has no plugin for it"
		return
	}
	sql 1 "SET GLOBAL rpl_semi_sync_${ack}_timeout = 50;
	    SET GLOBAL rpl_semi_sync_${ack}_enabled = ON"
	insert 1 1
	named "semi-sync that nobody acknowledges" db-a WARN \
	    'semi-sync is enabled but OFF'
	sql 1 "SET GLOBAL rpl_semi_sync_${ack}_enabled = OFF"
	well
}

## The server, and what it allows

is_full()
{
	ask_says db-b repl CRIT 'too many'
}

# One that has not quite ended yet can fill it for a moment.
stays_full()
{
	for again in 1 2 3 4 5 6 7 8 9 10; do
		is_full || {
			spawn -e "$T/null" mariadb \
			    --defaults-file="$HA_DB_2_MONITOR_CNF" \
			    -e 'DO SLEEP(60)'
			clients="$clients $pid"
			return 1
		}
		sleep 0.1
	done
}

too_many()
{
	sql 2 'SET GLOBAL max_connections = 10'
	clients=''
	wait_until 40 stays_full
	named "too many connections" db-b CRIT \
	    'alive, but it has too many connections'
	for client in $clients; do
		kill "$client" 2>/dev/null
		reap "$client"
	done
	wait_until 10 sql 2 'DO 0' 2>/dev/null
	wake
	sql 2 'SET GLOBAL max_connections = 50'
	well
}

refused_login()
{
	sed 's/monitor-secret/wrong-secret/' "$HA_DB_2_MONITOR_CNF" \
	    >"$T/wrong.cnf"
	chmod 600 "$T/wrong.cnf"
	write_conf "$T/wrong.cnf"
	named "a login that is refused" db-b CRIT 'refuses the login'
	sql 1 "CREATE USER poor@'%' IDENTIFIED BY 'poor-secret'"
	wait_sql 10 1 2 "SELECT COUNT(*) FROM mysql.user WHERE User = 'poor'"
	sed 's/monitor/poor/' "$HA_DB_2_MONITOR_CNF" >"$T/poor.cnf"
	chmod 600 "$T/poor.cnf"
	write_conf "$T/poor.cnf"
	named "a privilege that is missing" db-b UNKNOWN 'GRANT '
	unlogged 2 "ALTER USER poor@'%' PASSWORD EXPIRE"
	named "a password that has expired" db-b CRIT \
	    'refuses the login: .*(password|PASSWORD)'
	write_conf "$HA_DB_2_MONITOR_CNF"
	well
}

open_journal()
{
	mkdir -p "$HA_STATE_DIR/repl"
	: >"$HA_STATE_DIR/repl/db-b.journal"
	named "an act left half done" db-b CRIT 'run ha-repl recover db-b'
	rm "$HA_STATE_DIR/repl/db-b.journal"
	well
}

second_channel()
{
	[ "$flavour" != mysql56 ] || {
		skip "a second channel" "5.6 has one"
		return
	}
	replicate 2 3 pos west
	wait_until 10 replicates 2 west
	replica 2 'STOP IO_THREAD' west
	named "the second channel is stopped" db-b CRIT \
	    "channel 'west': the receiver .IO thread. is stopped"
	replica 2 STOP west
	replica 2 'RESET ALL' west
	well
}

full_disk()
{
	[ "$(id -u)" -eq 0 ] || {
		skip "a full disk for the relay log" "needs root"
		return
	}
	mkdir "$T/relay"
	chmod 755 "$T"
	mount -t tmpfs -o size=512k,mode=777 tmpfs "$T/relay" || {
		skip "a full disk for the relay log" "can't mount"
		return
	}
	sql 1 'GRANT PROCESS ON *.* TO monitor; CREATE TABLE t.large (b LONGBLOB)'
	relocate "$T/relay/relay"
	i=0
	while [ $((i += 1)) -le 8 ]; do
		sql 1 'INSERT INTO t.large VALUES (REPEAT("x", 100000))'
	done
	case $flavour in
	mysql56) full='perhaps of a full disk' ;; # nothing of it says so
	*) full='the disk is full' ;;
	esac
	named "a full disk for the relay log" db-b CRIT "$full"
	db 2 kill
	umount "$T/relay"
	relocate relay
	well
}

# Server 2 begins anew, with its relay logs there, where the source is now.
relocate()
{
	db 2 start 2>/dev/null
	replica 2 STOP
	replica 2 'RESET ALL'
	db 2 stop
	db 2 start "relay-log = $1"
	replicate 2 1 pos
	sql 2 'SET GLOBAL read_only = ON'
	wait_until 10 replicates 2
}

## What breaks it for good

purged_logs()
{
	replica 2 STOP
	sql 1 'FLUSH LOGS; INSERT INTO t.rows VALUES (9, "late"); FLUSH LOGS'
	where=$(position 1)
	sql 1 "PURGE BINARY LOGS TO '${where% *}'"
	replica 2 START
	named "purged binary logs" db-b CRIT 'purged'
}

errant()
{
	case $flavour in
	mariadb) sql 2 'SET SESSION gtid_domain_id = 9; CREATE DATABASE e' ;;
	*) sql 2 'CREATE DATABASE e' ;;
	esac
	named "an errant transaction" db-b WARN '1 errant transaction,'
}

table_of_all()
{
	[ -s "$T/table" ] || return 0
	{
		printf '%-44s %-8s %-8s %s\n' "$flavour" ha-repl check_mysql \
		    'its words'
		cat "$T/table"
	} | sed 's/^/# /'
	is "nothing that check_mysql -S knows is told better" \
	    "$(cat "$T/worse" 2>/dev/null)" ''
}

check_all()
{
	check_mysql=$(PATH=$PATH:/usr/lib/nagios/plugins \
	    command -v check_mysql)
	begin
	well
	strangers
	stopped_threads
	drifted_rows
	wrong_login
	[ "$flavour" != mysql ] || no_public_key
	same_server_id
	no_rows
	busy_applier
	known_delay
	zoned_row
	foreign_row
	wanted_delay
	semi_sync
	too_many
	refused_login
	open_journal
	second_channel
	writers
	dual_pair
	frozen_source
	frozen_replica
	firewall
	source_down
	skewed_clock
	full_disk
	errant
	purged_logs
	unbeat
	table_of_all
	done_testing
}
