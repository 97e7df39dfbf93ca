#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-systemd.t - the heartbeat as the unit that is shipped, under a real
# systemd, with the account of the manual.
if [ -z "${HA_PAIR_DIR-}" ] &&
    "$(dirname "$0")/../with-pair" --systemd --can; then
	exec "$(dirname "$0")/../with-pair" --systemd -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl.sh"
. "$(dirname "$0")/../grants.sh"
needs systemctl
[ -n "${HA_PAIR_DIR-}" ] || lacks "hosts with systemd can't be made here"

W1=$HA_PAIR_DIR/web1
unit=ha-repl-heartbeat

# LeakSanitizer would need ptrace(2).
on()
{
	timeout -k 5 60 "$TESTS/pair" on web1 env \
	    ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" "$@"
}
booted()
{
	[ "$(on systemctl is-system-running 2>/dev/null)" = running ]
}
property()
{
	on systemctl show --value -p "$1" $unit
}
has()
{
	property "$1" | grep -Eq -e "$2"
}
journal()
{
	on journalctl -q -u $unit -o cat
}
says()
{
	journal | grep -Eq -e "$1"
}
beat()
{
	sql 1 'SELECT ts FROM ha.heartbeat'
}
beats()
{
	last=$(beat) && wait_until 10 changed
}
changed()
{
	[ "$(beat)" != "$last" ]
}
# The same row, while a second beat would have come.
is_still()
{
	last=$(beat) && sleep 1.5 && ! changed
}
# A server that this script is not below: it has to see web1's processes.
begin_server()
{
	# shellcheck disable=SC2016 # for that shell
	"$TESTS/with-db" mariadb 1 -- sh -c 'export -p | grep HA_DB_ >"$0.new" &&
	    mv "$0.new" "$0" && exec sleep infinity' "$T/server" \
	    >"$T/server.log" 2>&1 &
	server=$!
	wait_until 60 test -s "$T/server" || {
		diag "$(cat "$T/server.log")"
		return 1
	}
	# shellcheck disable=SC1091 # made here
	. "$T/server"
	# As web1 sees it: the file system is the same.
	# shellcheck disable=SC2154 # of with-db
	ln "$HA_DB_1_SOCKET" "$W1/srv/socket"
}

wait_until 30 booted || lacks "systemd does not run in a namespace here"
install -D -t "$W1/usr/local/bin" "$HA_BIN/ha-repl" "$HA_BIN/ha-role"
install -m 644 "$TOP/cmd/ha-repl/$unit.service" "$W1/etc/systemd/system"
install -d "$W1/etc/ha" "$W1/var/lib/ha"
ok "a server whose socket is there" begin_server
ok "the account of the manual" manual_login 1 ha_beat
(umask 077 && sed "s|^user=.*|&\nsocket=/srv/socket|" "$manual_cnf" \
    >"$W1/etc/ha/beat.cnf")
# LeakSanitizer again.
install -d "$W1/etc/systemd/system/$unit.service.d"
printf '[Service]\nEnvironment=ASAN_OPTIONS=%s:detect_leaks=0\n' \
    "$ASAN_OPTIONS" >"$W1/etc/systemd/system/$unit.service.d/sanitizer.conf"
on systemctl daemon-reload

exits "it starts before there is a table" 0 on systemctl start $unit
ok "... and says what makes one" wait_until 10 says 'heartbeat --create makes it'
chmod 644 "$W1/etc/ha/beat.cnf"
exits "the table is made" 0 ha-repl heartbeat --create \
    --defaults-file "$HA_DB_1_LOCAL_CNF" "$HA_DB_1_SOCKET"
ok "a login that others may read is refused" \
    wait_until 20 says 'others may read it: chmod 600'
chmod 600 "$W1/etc/ha/beat.cnf"
ok "... and once it is mended, rows are written" \
    wait_until 20 says 'heartbeats are written again'
ok "... each second" beats
is "it was not started again for that" "$(property NRestarts)" 0

on ha-role set standby --reason test >"$T/role"
ok "standby: none" wait_until 5 is_still
on ha-role set active --reason test >"$T/role"
ok "active: written" beats
sql 1 'SET GLOBAL read_only = 1'
ok "read-only: none" wait_until 5 is_still
sql 1 'SET GLOBAL read_only = 0'
ok "writable: written" beats

on kill -KILL "$(property MainPID)"
ok "killed: started again" wait_until 20 has NRestarts '^1$'
ok "... and it writes" beats
kill "$server"
wait "$server"
ok "the server is down: it says so" wait_until 20 says "can't connect to /srv/socket"
is "... and goes on" "$(property ActiveState) $(property NRestarts)" 'active 1'

exits "systemctl stop" 0 on systemctl stop $unit
is "... is a success" "$(property Result)" success
unlike "nothing secret in the journal" "$(journal)" secret
done_testing
