# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2153,SC2154 # variables of with-db, tap.sh
#
# repl.sh - what the tests of replication share: servers in the shell's hands.
#
#	in_db FLAVOUR N [OPTION...]	run this script below with-db, unless it
#			is already, or skip it all when a flavour can't be had;
#			before tap.sh is read in
#	db I ...	is tests/db
#	sql I STATEMENT [OPTION...]	as db I sql
#	sql_is WANT I STATEMENT		succeeds when the rows are WANT, with
#			tabs and newlines
#	wait_sql SECONDS WANT I STATEMENT	until they are
#
# Replication by hand; CHANNEL is '' for the one without a name:
#
#	replicate I J gtid|pos [CHANNEL [OPTION]]	from J to I: with gtid
#			all that J's binary logs have, with pos from now on.
#			OPTION is more of CHANGE MASTER, in the flavour's words,
#			as 'IGNORE_SERVER_IDS = (3)'
#	replica I WORDS [CHANNEL]	as replica 2 'STOP IO_THREAD', or START,
#			STOP, 'RESET ALL'
#	replica_status I COLUMN [CHANNEL]	of SHOW SLAVE STATUS, by its old
#			name (Exec_Master_Log_Pos) or the new one in any flavour
#	replicates I [CHANNEL]	both threads run
#	broken I ERRNO [CHANNEL]	a thread has stopped with this error
#	position I	"FILE POSITION" of I's own binary log
#
# Rows, in t.writes, which no two servers make alike:
#
#	make_table I
#	insert I COUNT	each in a transaction of its own
#	same_rows I J	both have the same now
#	in_step I J	... within 10 s
#	in_step_all	all of them

in_db()
{
	[ -z "${HA_DB_DIR-}" ] || return 0
	exec "$(dirname "$0")/../with-db" --tap "$@" -- "$0"
}

db()
{
	"$TESTS/db" "$@"
}

# of I NAME: $of_db is HA_DB_I_NAME.
of()
{
	eval "of_db=\$HA_DB_${1}_$2"
}

sql()
{
	of "$1" LOCAL_CNF
	sql_text=$2
	shift 2
	mariadb --defaults-file="$of_db" -N -B "$@" -e "$sql_text"
}

sql_is()
{
	sql_want=$1
	shift
	[ "$(sql "$@" 2>&1)" = "$sql_want" ]
}

wait_sql()
{
	sql_limit=$1
	shift
	wait_until "$sql_limit" sql_is "$@" && return
	shift
	diag "its rows: $(sql "$@" 2>&1 | head -n 20)"
	return 1
}

position()
{
	of "$1" FLAVOUR
	case $of_db in
	mysql) sql "$1" 'SHOW BINARY LOG STATUS' ;;
	*) sql "$1" 'SHOW MASTER STATUS' ;;
	esac | awk '{ print $1, $2 }'
}

# How the flavour of I has the words of MariaDB 10; CHANNEL is in $named before
# the rest, or in $for_channel at the end.
words_of()
{
	named='' for_channel='' role=SLAVE master=MASTER change='CHANGE MASTER'
	of "$1" FLAVOUR
	case $of_db in
	mariadb) named="'${2-}'" ;;
	mysql)
		for_channel="FOR CHANNEL '${2-}'"
		role=REPLICA master=SOURCE change='CHANGE REPLICATION SOURCE'
		;;
	esac
}

replicate()
{
	words_of "$1" "${4-}"
	options=${5:+, }${5-}
	case $3 in
	pos)
		where=$(position "$2")
		options="$options, ${master}_LOG_FILE = '${where% *}',
		    ${master}_LOG_POS = ${where#* }"
		;;
	gtid)
		if [ "$of_db" = mariadb ]; then
			options="$options, MASTER_USE_GTID = slave_pos"
		else
			options="$options, ${master}_AUTO_POSITION = 1"
		fi
		;;
	esac
	[ "$of_db" != mysql ] ||
	    options="$options, GET_SOURCE_PUBLIC_KEY = 1,
	        SOURCE_RETRY_COUNT = 9999"
	of "$2" PORT
	sql "$1" "$change $named TO ${master}_HOST = '127.0.0.1',
	    ${master}_PORT = $of_db, ${master}_USER = 'repl',
	    ${master}_PASSWORD = 'repl-secret', ${master}_CONNECT_RETRY = 1,
	    ${master}_HEARTBEAT_PERIOD = 1 $options $for_channel;
	    START $role $named $for_channel"
}

replica()
{
	words_of "$1" "${3-}"
	set -- "$1" "${2%% *}" "${2#"${2%% *}"}"
	sql "$1" "$2 $role $named $3 $for_channel"
}

replica_status()
{
	words_of "$1" "${3-}"
	sql "$1" "SHOW $role $named STATUS $for_channel" --column-names |
	    awk -F '\t' -v column="$2" '
		function old(name)
		{
			gsub(/Replica/, "Slave", name)
			gsub(/Source/, "Master", name)
			return name
		}
		NR == 1 {
			for (i = 1; i <= NF; i++)
				if (old($i) == old(column))
					at = i
		}
		NR == 2 && at { print $at }'
}

replicates()
{
	[ "$(replica_status "$1" Slave_IO_Running "${2-}")" = Yes ] &&
	    [ "$(replica_status "$1" Slave_SQL_Running "${2-}")" = Yes ]
}

broken()
{
	[ "$(replica_status "$1" Last_IO_Errno "${3-}")" = "$2" ] ||
	    [ "$(replica_status "$1" Last_SQL_Errno "${3-}")" = "$2" ]
}

make_table()
{
	sql "$1" 'CREATE DATABASE IF NOT EXISTS t;
	    CREATE TABLE t.writes (
		id BIGINT UNSIGNED PRIMARY KEY,
		server INT
	    ) ENGINE = InnoDB'
}

insert()
{
	of "$1" LOCAL_CNF
	awk -v n="$2" 'BEGIN {
		while (n-- > 0)
			print "INSERT INTO t.writes" \
			    " VALUES (UUID_SHORT(), @@server_id);"
	}' | mariadb --defaults-file="$of_db"
}

sum_of_rows()
{
	sql "$1" "SELECT COUNT(*), SUM(CRC32(CONCAT(id, '/', server)))
	    FROM t.writes"
}

same_rows()
{
	rows=$(sum_of_rows "$1" 2>/dev/null) &&
	    [ "$(sum_of_rows "$2" 2>/dev/null)" = "$rows" ]
}

in_step()
{
	wait_until 10 same_rows "$1" "$2"
}

in_step_all()
{
	of_all=$HA_DB_COUNT
	while [ "$of_all" -gt 1 ]; do
		in_step 1 "$of_all" || return
		of_all=$((of_all - 1))
	done
}

# stride N: sets step, and at, the first place to be killed at: every Nth one
# from a random one on, with HA_SOAK each.
seed=${HA_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
stride()
{
	step=$1
	[ -z "${HA_SOAK-}" ] || step=1
	at=$((1 + seed % step))
	diag "HA_SEED=$seed: killed at $at and each ${step}th behind it"
}
