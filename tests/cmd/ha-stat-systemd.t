#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-stat-systemd.t - what ha-stat says of units under a real systemd, and of
# the clock beside a real chronyd.
if [ -z "${HA_PAIR_DIR-}" ] &&
    "$(dirname "$0")/../with-pair" --systemd --can; then
	exec "$(dirname "$0")/../with-pair" --systemd -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
needs systemctl
[ -n "${HA_PAIR_DIR-}" ] || lacks "hosts with systemd can't be made here"

W1=$HA_PAIR_DIR/web1
GROUP=/sys/fs/cgroup/system.slice

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

property()
{
	on systemctl show --value -p "$2" -- "$1"
}

has()
{
	[ "$(property "$1" "$2")" = "$3" ]
}

# Of the only record: the field of that number.
field()
{
	printf '%s\n' "$out" | grep -v '^#' | cut -f "$1"
}

# says DESC STATE ERE OPTION... CHECK: by its record
says()
{
	tap_what=$1 tap_state=$2 tap_words=$3
	shift 3
	run on ha-stat -F tsv "$@"
	is "$tap_what: $tap_state" "$(field 5)" "$tap_state"
	like "... in words" "$(field 8)" "$tap_words"
}

perf()
{
	field 9 | tr ' ' '\n' | sed -n "s/^$1=\([0-9]*\).*/\1/p"
}

wait_until 30 booted || lacks "systemd does not run in a namespace here"
install -D "$HA_BIN/ha-stat" "$W1/usr/local/bin/ha-stat"

unit good.service 'ExecStart=/bin/sh -c "sleep 1000 & sleep 1001 & wait"' \
    Restart=always RestartSec=100ms
unit forks.service Type=forking GuessMainPID=no \
    'ExecStart=/bin/sh -c "sleep 1000 & sleep 1001 & sleep 1002 &"'
cat >"$W1/usr/local/bin/orphan" <<END
#!/bin/sh
mkdir $GROUP/below.service/sub
(sleep 1000 & echo \$! >$GROUP/below.service/sub/cgroup.procs)
exec sleep 1001
END
chmod 755 "$W1/usr/local/bin/orphan"
unit below.service Delegate=yes ExecStart=/usr/local/bin/orphan
unit asks.service "ExecStart=/bin/sh -c 'ha-stat -F tsv \
    proc:unit=asks?children >/run/asked; sleep 1000'"
unit bad.service 'ExecStart=/bin/false'
unit 'worse\x2dname.service' 'ExecStart=/bin/nowhere'
unit loops.service 'ExecStart=/bin/false' Restart=always RestartSec=1000
unit starts.service Type=notify 'ExecStart=/bin/sleep 1000'
unit ends.service TimeoutStopSec=100 ExecStart=/usr/local/bin/stubborn
cat >"$W1/usr/local/bin/stubborn" <<'END'
#!/bin/sh
trap '' TERM
: >/run/stubborn
while :; do
	sleep 1
done
END
chmod 755 "$W1/usr/local/bin/stubborn"
unit done.service Type=oneshot RemainAfterExit=yes ExecStart=/bin/true
unit 'of@.service' 'ExecStart=/bin/sleep 1000'
unit idle.service 'ExecStart=/bin/sleep 1000'
unit wrong.service 'Restart=sometimes'
ln -s /dev/null "$W1/etc/systemd/system/masked.service"
printf '%s\n' '[Timer]' OnActiveSec=1h >"$W1/etc/systemd/system/idle.timer"
on systemctl daemon-reload
exits "units start" 0 on systemctl start good forks below "done" of@a \
    idle.timer ends asks

## What runs

says "units: nothing has failed" OK '^0 failed$' units
main=$(property good.service MainPID)
says "a unit that runs" OK "^good.service is active \(running\), runs as \
process $main for [0-9]" proc:unit=good.service
says "... by its short name" OK '^good is active \(running\)' proc:unit=good
is "... its main process alone" "$(perf threads)" 1
says "... with its children" OK "runs as 3 processes, the first \($main\)" \
    'proc:unit=good?children'
is "... of three threads" "$(perf threads)" 3
ok "... and three times the memory" test "$(perf mem)" -gt 1000000
says "... too much memory" WARN '^good [0-9.]+ [KM]iB \(WARN 1K\), is active' \
    'proc:unit=good?children&mem=1K'
says "... too many descriptors" CRIT '3 of [0-9]+ descriptors \(CRIT 2\)' \
    'proc:unit=good?children&fds=,2'
says "... too many threads" WARN '3 threads \(WARN 2\)' \
    'proc:unit=good?children&threads=2'
says "... too many processes" CRIT '3 processes.* \(CRIT 1:2\)' \
    'proc:unit=good?children&count=,1:2'
says "... their CPU" OK ', 0% CPU' -i 100ms 'proc:unit=good?children&cpu=90'
says "a unit without a main process: all of it" OK \
    'runs as 3 processes, the first' proc:unit=forks
says "... is judged" CRIT '[KM]iB \(CRIT 1K\)' 'proc:unit=forks?mem=,1K'
says "one in a group further down, of no parent" OK 'runs as 2 processes' \
    'proc:unit=below?children'
asked()
{
	grep -q '^#end' "$W1/run/asked"
} 2>/dev/null
ok "a unit asks for itself" wait_until 20 asked
like "... ha-stat does not count" "$(cat "$W1/run/asked")" \
    'asks is active \(running\), runs as process'
says "an instance" OK '^of@a is active \(running\)' proc:unit=of@a
says "a template" UNKNOWN 'systemctl ended with 1: .*of@' proc:unit=of@
says "one that has done its work" OK '^done is active \(exited\)$' \
    proc:unit=done
says "... whose memory was asked for" UNKNOWN \
    "mem can't be known: it has no process" 'proc:unit=done?mem=1G'
says "a timer" OK '^idle.timer is active \(waiting\)$' proc:unit=idle.timer
is "... counts no restarts" "$(perf restarts)" ''
says "... that were asked for" UNKNOWN 'does not count its restarts' \
    'proc:unit=idle.timer?restarts=1'

## What does not

says "a unit that is not started" CRIT '^idle is inactive \(dead\)$' \
    proc:unit=idle
says "... as it is to be" OK 'inactive' 'proc:unit=idle?count=0:0'
says "a unit that does not exist" CRIT 'is not installed' proc:unit=nowhere
says "a masked one" CRIT '\(dead\), its unit file is masked$' proc:unit=masked
says "one whose file is wrong" CRIT "can't be used \(bad-setting\)" \
    proc:unit=wrong
on systemctl start --no-block starts loops bad 'worse\x2dname'
ok "a unit starts" wait_until 20 has starts SubState start
says "one that starts" WARN '^starts is activating \(start\)' proc:unit=starts
on systemctl stop starts
ok "a unit fails" wait_until 20 has bad ActiveState failed
says "one that failed" CRIT '^bad is failed \(exit-code 1\)$' proc:unit=bad
ok "a unit's program is missing" \
    wait_until 20 has 'worse\x2dname' ActiveState failed
says "one whose program is missing" CRIT 'is failed \(exit-code 203\)$' \
    'proc:unit=worse\x2dname'
ok "a unit loops" wait_until 20 has loops SubState auto-restart
says "one that starts again and again" CRIT \
    '^loops is activating \(auto-restart, exit-code 1\)$' proc:unit=loops
ok "a unit ignores its end" wait_until 20 test -e "$W1/run/stubborn"
on systemctl stop --no-block ends
ok "... is told to" wait_until 20 has ends SubState stop-sigterm
says "one that stops" WARN '^ends is deactivating \(stop-sigterm\)' \
    proc:unit=ends
on systemctl kill -s KILL ends
ok "... is killed" wait_until 20 has ends SubState failed
says "units: all that failed" WARN \
    '3 failed: bad.service ends.service worse.+name.service \(WARN 0\)$' units
is "... their number" "$(perf failed)" 3
on systemctl reset-failed
says "units: reset-failed" OK '0 failed$' units

## Restarts

on kill -STOP "$main"
says "its main process is stopped" CRIT "process $main is stopped" \
    proc:unit=good
on kill -KILL "$main"
ok "killed: it starts again" wait_until 20 has good NRestarts 1
ok "... and runs" wait_until 20 has good SubState running
says "a restart a moment ago" WARN '^good was started anew [0-9.]+ m?s ago' \
    'proc:unit=good?restarted=1h'
says "... is one restart" WARN 'restarted once by systemd \(WARN 0\)' \
    'proc:unit=good?restarts=0'
says "... that may be" OK '^good is active' 'proc:unit=good?restarts=1'
on kill -SEGV "$(property good MainPID)"
ok "killed once more" wait_until 20 has good NRestarts 2
says "two restarts" CRIT 'restarted 2 times by systemd \(CRIT 1\)' \
    'proc:unit=good?restarts=,1'
unit good.service 'ExecStart=/bin/sh -c "sleep 1000 & wait"' \
    Restart=always RestartSec=1000
on systemctl daemon-reload
on kill -KILL "$(property good MainPID)"
ok "killed: it waits to start" wait_until 20 has good SubState auto-restart
says "one that was killed" CRIT \
    '^good is activating \(auto-restart, signal KILL\)$' proc:unit=good
on systemctl restart good

## Control groups

says "its control group" OK '^good.service (exists|uses)' cgroup:good.service
says "... by its short name" OK '^good (exists|uses)' cgroup:good
says "... by its path" OK 'good.service (exists|uses)' \
    cgroup:system.slice/good.service
says "... of an instance" OK '^of@a.service (exists|uses)' cgroup:of@a.service
says "... its CPU" OK '[0-9]+% CPU' -i 100ms 'cgroup:good.service?cpu=10000'
has_file()
{
	on test -e "$GROUP/good.service/$1"
}
# Who has the controllers, this hierarchy or the first version's, differs.
if has_file memory.current; then
	says "... its memory" WARN '^good uses [0-9.]+ [KM]iB.*\(WARN 1\)' \
	    'cgroup:good?mem=1'
else
	says "... its memory" UNKNOWN "mem can't be known: no memory.current" \
	    'cgroup:good?mem=1'
	says "... unasked" OK 'nothing counts its memory and tasks' cgroup:good
fi
if has_file pids.current; then
	says "... its tasks" CRIT '2 tasks \(CRIT 1\)' 'cgroup:good?pids=,1'
else
	says "... its tasks" UNKNOWN "pids can't be known: no pids.current" \
	    'cgroup:good?pids=,1'
fi
if on grep -q nr_periods "$GROUP/good.service/cpu.stat"; then
	says "... its throttling" OK . -i 100ms 'cgroup:good?throttled=50'
else
	says "... its throttling" UNKNOWN 'its CPU controller is off' \
	    -i 100ms 'cgroup:good?throttled=50'
fi
if has_file memory.pressure && on cat "$GROUP/good.service/memory.pressure" \
    >"$T/pressure" 2>&1; then
	says "... its pressure" OK 'memory pressure \(full\) [0-9.]+%' \
	    'cgroup:good?mem_full=99'
else
	says "... its pressure" UNKNOWN 'tells no pressure' \
	    'cgroup:good?mem_full=99'
fi
on systemctl stop good
says "a unit that is stopped has none" CRIT 'no such control group' cgroup:good
says "nor has what is no unit" CRIT 'no such' cgroup:nowhere.service

## systemd does not answer

# From inside it can't be stopped.
host=$(cat "$HA_PAIR_DIR/web1.pid")
read -r init _ <"/proc/$host/task/$host/children"
# The ids of those that run under that name in web1; zombies do not.
running()
{
	on sh -c 'cat /proc/[0-9]*/stat' 2>/dev/null |
	    awk -v name="($1)" '$2 == name && $3 != "Z" { print $1 }'
}
runs()
{
	[ -n "$(running "$1")" ]
}
gone()
{
	! runs "$1"
}
kill -STOP "$init"
says "systemd hangs: units" CRIT '^no answer within 300 ms$' \
    -t 300ms units
says "... a unit" CRIT '^of@a: no answer within 300 ms$' \
    -t 300ms proc:unit=of@a
says "... the run's end" CRIT 'deadline' -T 300ms units
says "... a control group answers" OK '^of@a.service ' \
    -t 300ms cgroup:of@a.service
run on ha-stat -t 300ms -i 50ms
like "... the page, too" "$out" \
    'units +CRIT +no answer within 300 ms'
like "... the rest of it stands" "$out" 'mem +OK'
is "... nobody is left" "$(running systemctl)$(running ha-stat)" ''
spawn "$TESTS/pair" on web1 ha-stat -t 50s units
ok "systemctl waits" wait_until 10 runs systemctl
on kill -TERM "$(running ha-stat)"
ok "... and goes with ha-stat" wait_until 10 gone systemctl
reap "$pid"
kill -CONT "$init"
ok "systemd answers again" wait_until 20 has of@a SubState running
says "... and so does the unit" OK '^of@a is active' proc:unit=of@a
mv "$W1/run/systemd/private" "$W1/run/systemd/hidden"
says "no way to systemd: units" UNKNOWN \
    'systemctl ended with 1: Failed to connect to bus' units
says "... a unit" UNKNOWN 'systemctl ended with 1: Failed to connect to bus' \
    proc:unit=of@a
mv "$W1/run/systemd/hidden" "$W1/run/systemd/private"

## The clock, beside a chronyd that leaves it alone

if [ "${CI-}" = true ] ||
    { [ -x /usr/sbin/chronyd ] && [ -n "${HA_TOOLS-}" ]; }; then
	install -D "$HA_TOOLS/preload/timex.so" "$W1/usr/local/lib/timex.so"
	printf '%s\n' 'port 0' 'cmdport 0' 'pidfile /run/chronyd.pid' \
	    >"$W1/etc/chrony.conf"
	exits "chronyd starts" 0 on chronyd -x -U -u root -f /etc/chrony.conf
	# The kernel's word is this machine's own.
	clock()
	{
		run on LD_PRELOAD=/usr/local/lib/timex.so HA_TEST_TIMEX="$1" \
		    ha-stat -F tsv clock
		is "the clock: $2" "$(field 5)" "$2"
		like "... in words" "$(field 8)" "$3"
	}
	clock '5 64 0 16000000 16000000' WARN \
	    "^not synchronized as far as the kernel knows, though chronyd runs:"
	clock '0 8193 1500000 200 3000' OK '^synchronized, offset 1.5 ms$'
	on kill "$(running chronyd)"
	ok "chronyd ends" wait_until 10 gone chronyd
	clock '5 64 0 16000000 16000000' WARN \
	    '^not synchronized: no NTP daemon runs$'
else
	skip "the clock" "there is no chronyd (make deps), or no HA_TOOLS"
fi
done_testing
