# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-proof.sh - ha-repl point says that a replica replicates once something
# that its source wrote or said afterwards has come through.
#
#	proofs		n2 from n1, n3 from n2
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
