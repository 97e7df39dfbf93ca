#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-keep-systemd.t - ha-keep as a unit of a real systemd.
if [ -z "${HA_PAIR_DIR-}" ] &&
    "$(dirname "$0")/../with-pair" --systemd --can; then
	exec "$(dirname "$0")/../with-pair" --systemd -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
needs systemctl
[ -n "${HA_PAIR_DIR-}" ] || lacks "hosts with systemd can't be made here"

W1=$HA_PAIR_DIR/web1

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
	on systemctl show --value -p "$2" -- "$1"
}
has()
{
	property "$1" "$2" | grep -Eq -e "$3"
}
# The ids in web1 of those that run under that name.
running()
{
	on sh -c 'cat /proc/[0-9]*/stat' 2>/dev/null |
	    awk -v name="($1)" '$2 == name && $3 != "Z" { print $1 }'
}
# The keeper is a child of the main process, and has ha-keep's name too.
keeper()
{
	main=$(property "$1" MainPID)
	on cat "/proc/$main/task/$main/children" | tr -d ' '
}
command_of()
{
	on ha-keep --status -F tsv "$1" 2>/dev/null |
	    sed -n 's/.* pid=\([0-9]*\).*/\1/p'
}
is_new()
{
	new=$(command_of "$1")
	[ "${new:-0}" -ne 0 ] && [ "$new" != "$2" ]
}

wait_until 30 booted || lacks "systemd does not run in a namespace here"
install -D "$HA_BIN/ha-keep" "$W1/usr/local/bin/ha-keep"
cat >"$W1/usr/local/bin/api" <<'END'
#!/bin/sh
setsid sleep 1000 &
echo "the notify socket: '$NOTIFY_SOCKET'"
exec sleep 1001
END
chmod 755 "$W1/usr/local/bin/api"
# As in the manual page, but for the times.
{
	sed -n '/^\[Service\]/,/^\.Ed/p' "$TOP/man/ha-keep.1" |
	    sed '/^\.Ed/d; s/WatchdogSec=.*/WatchdogSec=2/'
	printf '%s\n' RestartSec=100ms 'SuccessExitStatus=42'
} >"$W1/etc/systemd/system/api.service"
printf '%s\n' '[Service]' Type=notify \
    'ExecStart=/usr/local/bin/ha-keep -l 1/1m --backoff 0 -- /bin/false' \
    >"$W1/etc/systemd/system/bad.service"
on systemctl daemon-reload

exits "the unit of the manual page starts" 0 on systemctl start api
ok "... the command runs by then" test "$(running sleep | wc -l)" -ge 1
ok "... its state is systemd's status" has api StatusText \
    '^process [0-9]+ has run for'
like "... systemctl status shows it" "$(on systemctl status api)" \
    'Status: "process [0-9]+ has run for'
first=$(command_of api)
is "--status knows the process" "$(on cat "/proc/$first/comm")" sleep
on kill -KILL "$first"
ok "killed: started again" wait_until 10 is_new api "$first"
ok "... the status tells it" wait_until 10 has api StatusText SIGKILL
is "... which was not systemd's restart" "$(property api NRestarts)" 0
like "the journal has the words" "$(on journalctl -q -u api -o cat)" \
    '^ha-keep: api: was ended by SIGKILL after'
like "... and the command's, who was given no socket" \
    "$(on journalctl -q -u api -o cat)" "^the notify socket: ''\$"

second=$(command_of api)
on kill -KILL "$(keeper api)"
ok "the keeper is killed: systemd starts anew" \
    wait_until 20 has api NRestarts '^1$'
ok "... another command" wait_until 20 is_new api "$second"
second=$(command_of api)
on kill -STOP "$(keeper api)"
ok "the keeper hangs: systemd's watchdog sees it" \
    wait_until 20 has api NRestarts '^2$'
ok "... another command" wait_until 20 is_new api "$second"
like "... for that reason" "$(on journalctl -q -u api -o cat)" 'watchdog'

second=$(command_of api)
exits "ha-keep --restart" 0 on ha-keep --restart api
ok "... another command" is_new api "$second"
is "... of the same unit" "$(property api NRestarts)" 2
exits "systemctl stop" 0 on systemctl stop api
is "... is a success" "$(property api Result)" success
is "... by exit 0" "$(property api ExecMainStatus)" 0
is "... nothing is left" "$(running sleep | wc -l)" \
    "$(on sh -c 'cat /proc/[0-9]*/cmdline' | tr '\0' ' ' |
	grep -c 'sleep infinity')"

on systemctl start bad
ok "one that gives up: failed" wait_until 20 has bad ActiveState failed
is "... by exit 75" "$(property bad ExecMainStatus)" 75
run on ha-keep --status -F nagios false
is "... --status: CRIT" "$status" 2
like "... in words" "$out" 'false CRIT - gave up: 2 ends in 1 m'
done_testing
