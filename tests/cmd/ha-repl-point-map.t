#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-point-map.t - positions without GTIDs: through heartbeat rows, with a
# lock; and TLS of the link.
. "$(dirname "$0")/../repl.sh"
in_db mysql56 3 mysql 2 --config-of 4 'gtid-mode = OFF' \
    --config-of 5 'gtid-mode = OFF'
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-point.sh"

beat()
{
	ha-repl heartbeat --once --create n1
}

# Rows and beats of n1 until it is told to stop.
busy()
{
	while [ ! -e "$T/quiet" ]; do
		insert 1 3
		beat
		insert 1 2
	done
}

nodes
# shellcheck disable=SC2034 # for point()
how=pos
point 2 1 --empty
is "n2 from n1" "$status" 0
point 3 2 --empty
is "n3 from n2" "$status" 0
make_table 1
insert 1 3
in_step_3()
{
	in_step 1 3 && in_step 1 2
}
ok "in step" in_step_3
point 3 1
is "no heartbeat, no position: 77" "$status" 77
like "... said" "$err" 'heartbeat rows'
ok "a heartbeat" beat
wait_sql 10 1 3 'SELECT COUNT(*) FROM ha.heartbeat WHERE server_id = 1'

## n2 is gone, n3 goes to the one that writes

moves=0
busy 2>"$T/busy.err" &
writer=$!
while [ $((moves += 1)) -le 5 ]; do
	point 3 1
	is "$moves: from n2 to n1, while it writes: exit 0" "$status" 0
	[ "$status" -eq 0 ] || diag "$err"
	ok "... both run" wait_until 10 replicates 3
	# Back by hand, at one and the same point: while nobody writes.
	: >"$T/quiet"
	wait "$writer"
	ok "... nothing is lost, nothing twice" in_step_3
	point 3 2 --assume-equal='nobody writes'
	is "... and back" "$status" 0
	rm "$T/quiet"
	busy 2>>"$T/busy.err" &
	writer=$!
done
: >"$T/quiet"
wait "$writer"
ok "in step at last" in_step_3

## A row of n3's own behind the beat

sql 3 'INSERT INTO t.writes VALUES (1, 3)'
point 3 1
is "logs that don't agree: 77" "$status" 77
like "... said" "$err" 'not the same in both logs'
ok "... it goes on as it was" wait_until 10 replicates 3
sql 3 'DELETE FROM t.writes WHERE id = 1'

## A lock

point 3 1 --assume-equal='nobody writes' --lock-wait 2s
is "with a lock: exit 0" "$status" 0
insert 1 1
ok "... which is given back" in_step_3
point 3 2 --lock-wait 2s
is "--lock-wait alone: 64" "$status" 64

# The source is not to be looked at while it is locked, and the old one hangs:
# going back takes a while.
written_again()
{
	sql 1 'SET lock_wait_timeout = 3;
	    INSERT INTO t.writes VALUES (UUID_SHORT(), 1)'
}

undoing()
{
	grep -q '^step	back' "$HA_STATE_DIR/repl/n3.journal" 2>/dev/null
}

point 3 2 --assume-equal='nobody writes'
is "back: exit 0" "$status" 0
relayed 1 after 'READ LOCK' swap SHOW SHOX
sed -i "s/^relayed .* defaults/relayed 127.0.0.1:$relay_port defaults/" \
    "$HA_CONFIG_DIR/repl.conf"
db 2 freeze
spawn -e "$T/pointing" ha-repl point n3 --source relayed --gtid no -t 2 -T 20 \
    --assume-equal='nobody writes' --lock-wait 2s
pointing=$pid
ok "a source that refuses a statement while it is locked" wait_until 15 undoing
ok "... is not locked while that is undone" written_again
db 2 thaw
reap "$pointing"
unrelayed
run ha-repl recover n3
ok "... all is as it was" wait_until 20 replicates 3
ok "... and goes on" in_step_3

## TLS

point 5 4 --empty --ssl-ca "$HA_DB_CA"
is "with a CA: exit 0" "$status" 0
is "... TLS" "$(replica_status 5 Master_SSL_Allowed)" Yes
is "... verified" "$(replica_status 5 Master_SSL_Verify_Server_Cert)" Yes
is "... by it" "$(replica_status 5 Master_SSL_CA_File)" "$HA_DB_CA"
point 5 4 --no-tls
is "--no-tls: exit 0" "$status" 0
is "... none" "$(replica_status 5 Master_SSL_Allowed)" No
is "... the source's key is fetched" \
    "$(replica_status 5 Get_Source_public_key)" 1
point 5 4 --ssl-ca /nonexistent --ssl-cert /nonexistent \
    --ssl-key /nonexistent
is "a CA that is not there: undone" "$status" 75
is "... as it was" "$(replica_status 5 Master_SSL_Allowed)" No
ok "... both run" wait_until 10 replicates 5
point 5 4 --no-tls --ssl-ca "$HA_DB_CA"
is "both: 64" "$status" 64
point 5 4 --gtid no --ignore-server-ids 7,9
is "ids to ignore: exit 0" "$status" 0
is "... set" "$(replica_status 5 Replicate_Ignore_Server_Ids)" '7, 9'
done_testing
