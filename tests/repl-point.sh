# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of with-db, tap.sh
#
# repl-point.sh - what the tests of ha-repl point share, behind repl.sh.
#
#	nodes		n1, n2, ... in repl.conf, each with its defaults-file
#	point I J [OPTION...]	run ha-repl point, with the credentials, in $how
#			("gtid" or "pos"); $waiting is its -T
#	fresh		all servers as they were made, but for who may log in, and
#			with $beats the heartbeat's table, so that what point
#			waits for comes at once from a writer
#	relayed I WORD...	n$I behind tests/relay WORD...: for its replicas
#			as the node "relayed"; at $relay_port; unrelayed ends it
#	settings I	what is set for its channel, a line each, without what
#			replicating changes

waiting=20 beats=

nodes()
{
	i=0
	while [ $((i += 1)) -le "$HA_DB_COUNT" ]; do
		of "$i" PORT
		port=$of_db
		of "$i" CNF
		echo "n$i 127.0.0.1:$port defaults-file=$of_db"
	done >"$HA_CONFIG_DIR/repl.conf"
	echo 'gone 127.0.0.1:1' >>"$HA_CONFIG_DIR/repl.conf"
}

point()
{
	point_of=$1 point_from=$2
	shift 2
	case $how in
	pos) set -- --gtid no "$@" ;;
	esac
	run ha-repl point "n$point_of" --source "n$point_from" \
	    -T "$waiting" --credentials "$HA_DB_REPL_CNF" "$@"
}

relayed()
{
	of "$1" PORT
	relayed=$1
	shift
	rm -f "$T/port"
	spawn -o "$T/port" "$HA_TOOLS/relay" "$of_db" "$@"
	relay=$pid
	wait_until 5 test -s "$T/port"
	of "$relayed" LOCAL_CNF
	socket=$(sed -n 's/^socket = //p' "$of_db")
	of "$relayed" CNF
	relay_port=$(cat "$T/port")
	echo "relayed $socket alias=127.0.0.1:$relay_port" \
	    "defaults-file=$of_db" >>"$HA_CONFIG_DIR/repl.conf"
}

unrelayed()
{
	reap "$relay" TERM
	nodes
}

alone_one()
{
	words_of "$1"
	# Without a channel there is nothing to stop.
	sql "$1" "STOP $role $named $for_channel;
	    RESET $role $named ALL $for_channel" >/dev/null 2>&1
}

fresh_one()
{
	alone_one "$1"
	sql "$1" 'SET GLOBAL read_only = 0; DROP DATABASE IF EXISTS t;
	    DROP DATABASE IF EXISTS ha'
	[ -z "$beats" ] || ha-repl heartbeat --create "n$1" || return
	of "$1" FLAVOUR
	case $of_db in
	mariadb)
		sql "$1" "RESET MASTER; SET GLOBAL gtid_slave_pos = ''"
		;;
	mysql) sql "$1" 'RESET BINARY LOGS AND GTIDS' ;;
	mysql56) sql "$1" 'RESET MASTER' ;;
	esac
}

# None of them first has to look for a source without logs: that takes seconds.
fresh()
{
	for i in 1 2 3; do
		alone_one "$i"
	done
	for i in 1 2 3; do
		fresh_one "$i" || return
	done
}

# status_of I NAME...: "NAME VALUE" of its channel, by one statement.
status_of()
{
	status_of=$1
	shift
	words_of "$status_of"
	sql "$status_of" "SHOW $role $named STATUS $for_channel" \
	    --column-names | awk -F '\t' -v names="$*" '
		NR == 1 {
			for (i = 1; i <= NF; i++) {
				gsub(/Replica_/, "Slave_", $i)
				gsub(/Source_/, "Master_", $i)
				at[$i] = i
			}
		}
		NR == 2 {
			n = split(names, name, " ")
			for (i = 1; i <= n; i++)
				if (name[i] in at)
					print name[i], $at[name[i]]
		}'
}

settings()
{
	status_of "$1" Master_Host Master_Port Master_User Auto_Position \
	    Using_Gtid Slave_IO_Running Slave_SQL_Running Master_SSL_Allowed \
	    Replicate_Ignore_Server_Ids Connect_Retry
}
