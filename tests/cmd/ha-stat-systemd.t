#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-stat-systemd.t - what ha-stat says of units under a real systemd.
if [ -z "${HA_PAIR_DIR-}" ] &&
    "$(dirname "$0")/../with-pair" --systemd --can; then
	exec "$(dirname "$0")/../with-pair" --systemd -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
needs systemctl
[ -n "${HA_PAIR_DIR-}" ] || skip_all "hosts with systemd can't be made here"

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

# unit NAME LINE...
unit()
{
	tap_name=$1
	shift
	printf '%s\n' '[Service]' "$@" >"$W1/etc/systemd/system/$tap_name"
}

has()
{
	[ "$(on systemctl show --value -p "$2" "$1")" = "$3" ]
}

# says DESC STATE ERE CHECK...: by one check's record
says()
{
	tap_what=$1 tap_state=$2 tap_words=$3
	shift 3
	run on ha-stat -F tsv "$@"
	is "$tap_what: $tap_state" "$(printf '%s\n' "$out" |
	    grep -v '^#' | cut -f 5)" "$tap_state"
	like "$tap_what: ... in words" "$(printf '%s\n' "$out" |
	    grep -v '^#' | cut -f 8)" "$tap_words"
}

wait_until 30 booted || skip_all "systemd does not run in a namespace here"
install -D "$HA_BIN/ha-stat" "$W1/usr/local/bin/ha-stat"

unit good.service 'ExecStart=/bin/sh -c "sleep 1000 & sleep 1001 & wait"' \
    Restart=always RestartSec=100ms
unit bad.service 'ExecStart=/bin/false'
unit idle.service 'ExecStart=/bin/sleep 1000'
on systemctl daemon-reload
on systemctl start good.service
ok "a unit runs" wait_until 20 has good.service ActiveState active

says "units: nothing has failed" OK 'failed' units
says "a unit that runs" OK '.' proc:unit=good.service
says "... by its short name" OK '.' proc:unit=good
says "... with its children" OK 'children|processes' 'proc:unit=good?children'
says "a unit that is not started" CRIT 'inactive|not active' proc:unit=idle
says "a unit that does not exist" CRIT 'not (found|loaded|exist)|no such|no unit' \
    proc:unit=nowhere
on systemctl start bad.service 2>/dev/null
ok "a unit fails" wait_until 20 has bad.service ActiveState failed
says "a unit that failed" CRIT 'failed' proc:unit=bad
says "units: one has failed" WARN 'bad\.service' units
on systemctl reset-failed
says "units: reset-failed" OK 'failed' units

main=$(on systemctl show --value -p MainPID good.service)
on kill -KILL "$main"
ok "killed: it starts again" wait_until 20 has good.service NRestarts 1
ok "... and runs" wait_until 20 has good.service ActiveState active
says "a restart a moment ago" WARN 'restart|started' \
    'proc:unit=good?restarted=1h'
says "a restart that is long ago enough" OK '.' proc:unit=good

says "its control group, by its unit" OK '.' cgroup:good.service
says "a control group that is not there" CRIT 'no such' cgroup:nowhere.service

done_testing
