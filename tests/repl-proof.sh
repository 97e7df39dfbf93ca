# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-proof.sh - ha-repl point says that a replica replicates once something
# that its source wrote or said afterwards has come through.
#
#	proofs		n2 from n1, n3 from n2
#	demoted		MariaDB before 10.10 doesn't know how a writer is demoted
#	restored	what was set is set again when a change fails
. "$TESTS/repl-point.sh"

executed()
{
	of "$1" FLAVOUR
	case $of_db in
	mariadb) sql "$1" 'SELECT @@gtid_binlog_state' ;;
	*) position "$1" ;;
	esac
}

# What asks for a binary log: COM_BINLOG_DUMP, COM_BINLOG_DUMP_GTID.
deaf()
{
	relayed 1 mute '\x00\x00\x12'
	waiting=6
	run ha-repl point n2 --source relayed -T 6 --gtid no --no-tls \
	    --credentials "$HA_DB_REPL_CNF" --assume-equal=idle \
	    --old-credentials "$HA_DB_REPL_CNF" --force=testing
	waiting=20
	is "a link that is silent: undone" "$status" 75
	like "... said" "$err" 'nothing was heard|in time'
	ok "... as it was" wait_until 10 replicates 2
	unrelayed
}

hidden()
{
	of 2 FLAVOUR
	case $of_db in
	mariadb)
		replica 2 STOP
		sql 2 "SET GLOBAL replicate_ignore_db = 'ha'"
		replica 2 START
		;;
	mysql)
		replica 2 'STOP SQL_THREAD'
		sql 2 'CHANGE REPLICATION FILTER REPLICATE_IGNORE_DB = (ha)'
		replica 2 'START SQL_THREAD'
		;;
	*) return ;;
	esac
	point 2 1
	is "the row is filtered out: exit 0" "$status" 0
	like "... warned of" "$err" \
	    'warning: n2: the row .* does not come through: .*gnore_DB=ha'
}

# An account that may all but write the row.
unprivileged()
{
	before=$(sql 1 'SELECT ts FROM ha.heartbeat')
	sql 1 "CREATE USER writeless@'%' IDENTIFIED BY 'no-secret';
	    GRANT SELECT, SUPER, REPLICATION CLIENT, REPLICATION SLAVE,
		PROCESS, RELOAD ON *.* TO writeless@'%'"
	of 1 FLAVOUR
	[ "$of_db" != mariadb ] || sql 1 \
	    "GRANT SLAVE MONITOR ON *.* TO writeless@'%'"
	of 1 CNF
	sed 's/^user.*/user = writeless/; s/^password.*/password = no-secret/' \
	    "$of_db" >"$T/writeless.cnf"
	chmod 600 "$T/writeless.cnf"
	sed -i "/^n1 /s|defaults-file=.*|defaults-file=$T/writeless.cnf|" \
	    "$HA_CONFIG_DIR/repl.conf"
	point 2 1
	is "no privilege for the row: exit 0" "$status" 0
	like "... said" "$err" 'no heartbeat row could be written'
	is "... none was" "$(sql 1 'SELECT ts FROM ha.heartbeat')" "$before"
	unlike "... without a password" "$out$err" secret
	nodes
	sql 1 "DROP USER writeless@'%'"
}

proofs()
{
	how=gtid
	[ "$HA_DB_FLAVOUR" != mysql56 ] || how=pos
	point 2 1 --empty
	is "no table: exit 0" "$status" 0
	[ "$status" -eq 0 ] || diag "$err"
	exits "... none was made" 1 sql 1 'SELECT * FROM ha.heartbeat'
	point 3 2 --empty
	is "from a replica, no table: exit 0" "$status" 0
	deaf

	exits "a heartbeat's table" 0 ha-repl heartbeat --once --create n1
	wait_sql 10 1 3 'SELECT server_id FROM ha.heartbeat'
	before=$(sql 1 'SELECT ts FROM ha.heartbeat')
	point 2 1
	is "with a table: exit 0" "$status" 0
	isnt=$(sql 2 'SELECT ts FROM ha.heartbeat')
	ok "... a row came" test "$before" != "$isnt"
	is "... the source's own" "$isnt" "$(sql 1 'SELECT ts FROM ha.heartbeat')"

	before=$(executed 2)
	point 3 2
	is "a replica as the source, writable: exit 0" "$status" 0
	is "... nothing was written there" "$(executed 2)" "$before"
	before=$(executed 1)
	sql 1 'SET GLOBAL read_only = 1'
	point 2 1
	is "a source that is read-only: exit 0" "$status" 0
	is "... nothing was written there" "$(executed 1)" "$before"
	sql 1 'SET GLOBAL read_only = 0'
	echo 'standby 1 2026-01-01T00:00:00Z test' >"$HA_STATE_DIR/role"
	point 2 1
	is "on a standby: exit 0" "$status" 0
	is "... nothing was written there" "$(executed 1)" "$before"
	rm "$HA_STATE_DIR/role"
	unprivileged
	hidden
}

demoted()
{
	ok "fresh servers" fresh
	point 2 1 --empty
	is "n2 from n1: exit 0" "$status" 0
	make_table 1
	insert 1 1
	ok "... in step" in_step 1 2
	relayed 1 swap DEMOTE_TO_SLAVE DEMOTE_TO_SLAVX
	sed -i "s/^relayed .* defaults/relayed 127.0.0.1:$relay_port defaults/
	    " "$HA_CONFIG_DIR/repl.conf"
	run ha-repl point relayed --source n2 -T 20 \
	    --credentials "$HA_DB_REPL_CNF"
	is "a writer becomes a replica without that word: exit 0" "$status" 0
	[ "$status" -eq 0 ] || diag "$err"
	is "... by what it has" "$(replica_status 1 Using_Gtid)" Current_Pos
	ok "... and replicates" wait_until 10 replicates 1
	insert 2 1
	ok "... in step" in_step 1 2
	unrelayed
}

# Before and after a change that fails: all that is set for n2, however it is
# stored, and without what replicating changes.
everything()
{
	of 2 FLAVOUR
	case $of_db in
	mysql)
		for part in connection applier; do
			sql 2 "SELECT * FROM performance_schema
			    .replication_${part}_configuration" -E
		done
		;;
	mysql56)
		sql 2 'SELECT * FROM mysql.slave_master_info' -E |
		    sed '3,4d; 20d'
		;;
	mariadb)
		of 2 DIR
		sed '2,3d; /^END_MARKER/q' "$of_db/data/master.info"
		;;
	esac
	status_of 2 Master_Host Master_Port SQL_Delay Auto_Position Using_Gtid \
	    Slave_IO_Running Slave_SQL_Running Replicate_Ignore_Server_Ids \
	    Replicate_Ignore_Domain_Ids Get_Master_public_key
}

# set_all WORDS...: what few set, in the flavour's words.
set_all()
{
	replica 2 STOP
	words_of 2
	sql 2 "$change TO $1"
	replica 2 START
	ok "$kept: it replicates" wait_until 20 replicates 2
	[ "$(replica_status 2 Last_IO_Errno)" = 0 ] ||
	    diag "$(replica_status 2 Last_IO_Error)"
	before=$(everything)
}

# back_again DESC OPTION...: a change that fails leaves nothing behind.
back_again()
{
	desc=$1
	shift
	[ -z "$equal" ] || set -- "$@" "$equal"
	run ha-repl point n2 --source n3 -T 20 --force=testing "$@"
	case $status in
	75 | 78) : ;;
	*) is "$kept: $desc: undone" "$status" 75 ;;
	esac
	like "... said" "$err" 'old settings are in force'
	is "... all is set as it was" "$(everything)" "$before"
	ok "... and runs" wait_until 20 replicates 2
}

back_from_all()
{
	back_again 'another password' --credentials "$T/wrong.cnf" \
	    --old-credentials "$HA_DB_REPL_CNF"
	equally=$equal equal=$other_equal
	back_again 'another way' --credentials "$T/wrong.cnf" \
	    --old-credentials "$HA_DB_REPL_CNF" --gtid "$other_way"
	equal=$equally
	of 2 FLAVOUR
	[ "$of_db" != mysql56 ] || return 0
	back_again 'a CA that is not there' --ssl-ca /nonexistent
	back_again 'no TLS, all else wrong' --no-tls \
	    --credentials "$T/wrong.cnf" --old-credentials "$HA_DB_REPL_CNF"
}

restored()
{
	printf '[client]\nuser = repl\npassword = wrong-secret\n' \
	    >"$T/wrong.cnf"
	chmod 600 "$T/wrong.cnf"
	ok "fresh servers" fresh
	point 3 1 --empty
	point 2 1 --empty
	is "a channel: exit 0" "$status" 0
	kept=plain other_way=no equal='' other_equal=--assume-equal=idle
	of 2 FLAVOUR
	[ "$of_db" != mysql56 ] || equal=--assume-equal=idle
	before=$(everything)
	back_from_all
	case $of_db in
	mariadb)
		kept=full
		set_all "MASTER_SSL = 1, MASTER_SSL_CA = '$HA_DB_CA',
		    MASTER_SSL_VERIFY_SERVER_CERT = 1,
		    MASTER_HEARTBEAT_PERIOD = 0, MASTER_CONNECT_RETRY = 7,
		    MASTER_DELAY = 1, IGNORE_SERVER_IDS = (77, 78),
		    IGNORE_DOMAIN_IDS = (9), MASTER_USE_GTID = current_pos"
		back_from_all
		kept=positions
		set_all "MASTER_SSL = 0, IGNORE_DOMAIN_IDS = (),
		    MASTER_USE_GTID = no"
		other_way=slave_pos equal=--assume-equal=idle other_equal=
		back_from_all
		;;
	mysql)
		kept=full
		set_all "SOURCE_SSL = 1, SOURCE_SSL_CA = '$HA_DB_CA',
		    SOURCE_SSL_VERIFY_SERVER_CERT = 1,
		    SOURCE_TLS_VERSION = 'TLSv1.3', SOURCE_BIND = '127.0.0.1',
		    SOURCE_COMPRESSION_ALGORITHMS = 'zlib',
		    SOURCE_ZSTD_COMPRESSION_LEVEL = 5, REQUIRE_ROW_FORMAT = 1,
		    REQUIRE_TABLE_PRIMARY_KEY_CHECK = ON, SOURCE_DELAY = 1,
		    SOURCE_HEARTBEAT_PERIOD = 0, SOURCE_CONNECT_RETRY = 7,
		    SOURCE_RETRY_COUNT = 99, GET_SOURCE_PUBLIC_KEY = 0,
		    SOURCE_CONNECTION_AUTO_FAILOVER = 1, GTID_ONLY = 1"
		back_from_all
		kept=positions
		set_all "SOURCE_CONNECTION_AUTO_FAILOVER = 0, GTID_ONLY = 0,
		    SOURCE_AUTO_POSITION = 0, SOURCE_SSL = 0,
		    GET_SOURCE_PUBLIC_KEY = 1"
		other_way=auto equal=--assume-equal=idle other_equal=
		back_from_all
		;;
	mysql56)
		kept=full
		set_all "MASTER_BIND = '127.0.0.1', MASTER_DELAY = 1,
		    MASTER_HEARTBEAT_PERIOD = 0, MASTER_RETRY_COUNT = 99,
		    IGNORE_SERVER_IDS = (77, 78), MASTER_CONNECT_RETRY = 7,
		    MASTER_SSL_CA = '/unused'"
		back_from_all
		;;
	esac
}
