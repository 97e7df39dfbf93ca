#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-keep-end.t - whatever the command starts and however it is ended, nothing
# of it is left: no process, no zombie, no descriptor; and ha-keep killed.
# shellcheck disable=SC2016 # of other shells
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../keep.sh"

# What a command may start, each with its own number to sleep for.
cat >"$T/daemons" <<'END'
#!/bin/sh
sleep 40101 &
setsid sleep 40102 &
setsid sh -c 'sleep 40103 & exec sleep 40104' &
(setsid sh -c 'trap "" TERM HUP; sleep 40105; sleep 40105' &)
(setsid sh -c '(setsid sleep 40106 &)' &)
trap '' TERM
while :; do
	sleep 40107
done
END
chmod 755 "$T/daemons"
DAEMONS='40101 40102 40103 40104 40105 40106 40107'

all_run()
{
	for number in $DAEMONS; do
		runs "$number" || return
	done
}

none_runs()
{
	for number in $DAEMONS; do
		gone "$number" || return
	done
}

held()
{
	! flock -n "$1" true
}

## Told to stop

grace=$((slow * 200))ms
for how in --stop TERM; do
	keep all --grace $grace -- "$T/daemons"
	k=$pid
	ok "a family with daemons" wait_until 20 all_run
	if [ $how = TERM ]; then
		reap "$k" TERM
	else
		stopped all "$k"
	fi
	is "$how: 0" "$status" 0
	ok "... nothing is left" none_runs
done
keep gentle -- sh -c 'trap "exit 5" TERM; sleep 40108 & wait'
ok "one that hears SIGTERM" wait_until 10 runs 40108
tap_clock
began=$tap_now
stopped gentle "$pid"
tap_clock
ok "... takes no grace" test $((tap_now - began)) -lt $((slow * 300))
ok "... nothing is left" gone 40108
like "... its status is told" "$(cat "$T/stop.err")" 'ended with status 5 after'
keep frozen -- sh -c 'sleep 40109 & exec sleep 40110'
ok "one that is stopped" wait_until 10 runs 40110
kill -STOP "$(marked 40109)" "$(marked 40110)"
tap_clock
began=$tap_now
stopped frozen "$pid"
tap_clock
ok "... hears it, too" test $((tap_now - began)) -lt $((slow * 300))
ok "... nothing is left" gone 40109
keep late --grace 30s -- sh -c 'trap "" TERM
	sleep 40111
	sleep 40111'
k=$pid
ok "one that does not end" wait_until 10 runs 40111
exits "--stop -T: 75" 75 ha-keep --stop -T 100ms late
like "... in words" "$err" 'did not answer in time'
finds "... it is being ended" WARN 'are being ended: asked by ha-keep --stop' \
    late
exits "--restart of it: 70" 70 ha-keep --restart late
like "... in words" "$err" 'late: it is being stopped'
kill -KILL "$(marked 40111)"
# The shell goes on to its second sleep.
ok "... a second child" wait_until 10 runs 40111
for process in $(marked 40111); do
	kill -KILL "$process"
done
reap "$k"
is "... ends after all" "$status" 0
ok "... nothing is left" gone 40111

# A process that lives for one fork, so that no id is the right one; and one
# that changes its session each time.  They end by themselves, at last.
for setsid in 0 1; do
	keep forks --grace 50ms -- perl -e '
		use POSIX;
		$SIG{TERM} = "IGNORE";
		for (1 .. 100000) {
			POSIX::setsid() if '$setsid';
			exit if fork;
			select(undef, undef, undef, 0.0005) if $_ < 400;
		}' 40112
	k=$pid
	ok "forks all the time, setsid $setsid" wait_until 10 says forks .
	wait_until 10 runs 40112
	stopped forks "$k"
	is "... is ended: 0" "$status" 0
	ok "... nothing is left" gone 40112
done
keep bomb --grace 50ms -- sh -c 'trap "" TERM
	while :; do sleep 40113 & sleep 0.01; done'
ok "one that starts more and more" wait_until 10 runs 40113
stopped bomb "$pid"
ok "... nothing is left" gone 40113

## It ends by itself and leaves some

cat >"$T/leaves" <<END
#!/bin/sh
echo x >>$T/leaves.starts
setsid sh -c 'trap "" TERM; sleep 40114; sleep 40114' &
setsid sleep 40115 &
sleep 0.1
exit 0
END
chmod 755 "$T/leaves"
keep leaves --backoff 10ms --backoff-max 10ms --grace 100ms -- "$T/leaves"
k=$pid
most=0
while [ "$(starts "$T/leaves.starts")" -lt 5 ]; do
	count=$(marked 40115 | wc -l)
	[ "$count" -le "$most" ] || most=$count
done
ok "what it leaves is ended before the next start" test "$most" -le 1
like "... told, with a hint" "$(cat "$T/leaves.err")" \
    'leaves: ended with status 0 after .* left behind \(a command that goes to the background'
stopped leaves "$k"
ok "... nothing is left" gone 40114
ok "... nor of the others" gone 40115

## A thousand restarts

# Descriptors of both processes, and their resident kB.
descriptors()
{
	set -- "/proc/$1/fd"/* "/proc/$2/fd"/*
	echo $#
}
resident()
{
	awk '/^VmRSS/ { kb += $2 } END { print kb }' \
	    "/proc/$1/status" "/proc/$2/status"
}
children()
{
	cat "/proc/$1/task/$1/children" "/proc/$2/task/$2/children" | wc -w
}
cat >"$T/short" <<END
#!/bin/sh
echo x >>$T/short.starts
[ "\$(wc -l <$T/short.starts)" -lt 1100 ] || exec sleep 40116
exit 1
END
chmod 755 "$T/short"
mkfifo "$T/records"
keep short --backoff 0 -o "$T/records" -- "$T/short"
k=$pid
ok "restarts" wait_until 30 started "$T/short.starts" 50
inner=$(below "$k")
fds=$(descriptors "$k" "$inner")
kb=$(resident "$k" "$inner")
ok "... a thousand more" wait_until $((slow * 60)) runs 40116
is "... no descriptor leaked" "$(descriptors "$k" "$inner")" "$fds"
is "... two children: the keeper and the command, no zombie" \
    "$(children "$k" "$inner")" 2
look short
is "... all counted" "$(number restarts)" 1099
case $slow in
1)
	ok "... resident: at most 2.5 MB" \
	    test "$(resident "$k" "$inner")" -le 2500
	ok "... no memory leaked ($kb kB, $(resident "$k" "$inner") kB)" \
	    test "$(resident "$k" "$inner")" -lt $((kb + 300))
	;;
*) skip "resident" "a sanitizer takes more" ;;
esac
i=0
while [ $((i += 1)) -le 50 ]; do
	ha-keep --restart short 2>/dev/null
	ha-keep --status short >/dev/null
done
is "... nor by questions" "$(descriptors "$k" "$inner")" "$fds"
stopped short "$k"

## SIGKILL for ha-keep

grace=$((slow * 200))ms
keep dies --grace $grace -- "$T/daemons"
k=$pid
wait_until 20 all_run
inner=$(below "$k")
reap "$k" KILL
is "SIGKILL for the process that was called" "$status" 137
ok "... nothing is left" wait_until 20 none_runs
ok "... nor the keeper" wait_until 10 ended "$inner"
finds "... --status tells of it" CRIT \
    '^the keeper was killed: what it kept was ended' dies

keep dies --grace $grace -- "$T/daemons"
k=$pid
ok "a new one starts" wait_until 20 all_run
ok "... and all is well" state_is dies OK
kill -KILL "$(below "$k")"
reap "$k"
is "SIGKILL for the keeper below: 125" "$status" 125
like "... told" "$(cat "$T/dies.err")" 'keeper below was killed by signal 9'
ok "... nothing is left" none_runs
finds "... --status tells of it" CRIT "^the keeper is gone: process $k was" dies

# The name is taken until the last one has gone.
keep dies --grace 500ms -- "$T/daemons"
k=$pid
wait_until 20 all_run
kill -KILL "$k"
reap "$k"
keep dies -- sleep 40117
k=$pid
ok "SIGKILL, and at once a new start, which waits" wait_until 20 runs 40117
ok "... until nothing is left" none_runs
stopped dies "$k"

keep dies --grace $grace -- "$T/daemons"
k=$pid
wait_until 20 all_run
kill -STOP "$k"
kill -KILL "$(below "$k")" "$k"
reap "$k"
ok "SIGKILL for both: daemons live on" runs 40106
finds "... --status" CRIT '^the keeper is gone' dies
keep dies --grace $grace -- sleep 40117
k=$pid
ok "... a new start" wait_until 20 runs 40117
ok "... ends them first" none_runs
like "... told" "$(cat "$T/dies.err")" \
    '^ha-keep: dies: ending what the last keeper left: [0-9]+ processes'
stopped dies "$k"
keep dies --grace $grace -- "$T/daemons"
k=$pid
wait_until 20 all_run
kill -STOP "$k"
kill -KILL "$(below "$k")" "$k"
reap "$k"
exits "... or --stop does" 0 ha-keep --stop dies
like "... told" "$err" \
    'no keeper of dies runs; the last one left [0-9]+ processes, ended now'
ok "... nothing is left" none_runs
is "... and nothing is known any more" "$(cd "$HA_RUN_DIR/keep" &&
    echo dies.*)" dies.lock

# Asked, or told, while it still ends what the last one left.
killed_both()
{
	keep early --grace 60s -- sh -c 'trap "" TERM; exec sleep 40123'
	wait_until 20 runs 40123
	kill -STOP "$pid"
	kill -KILL "$(below "$pid")" "$pid"
	reap "$pid"
	keep early --grace 60s -- sh -c 'echo x >>"$0"; sleep 40124' \
	    "$T/early.starts"
	wait_until 20 told early 'ending what the last keeper left'
}
for verb in stop restart; do
	rm -f "$T/early.starts"
	killed_both
	k=$pid
	ha-keep --$verb -T 30s early 2>/dev/null &
	asked=$!
	ok "--$verb while that is ended" runs 40123
	kill -KILL "$(marked 40123)"
	reap "$asked"
	is "... 0" "$status" 0
	case $verb in
	restart)
		ok "... it is kept" wait_until 20 runs 40124
		stopped early "$k"
		;;
	*) reap "$k" ;;
	esac
	is "... 0, too" "$status" 0
	ok "... nothing is left" gone 40124
done
rm -f "$T/early.starts"
killed_both
reap "$pid" TERM
is "SIGTERM while that is ended: 0" "$status" 0
ok "... nothing is left" gone 40123
is "... nothing was started" "$(starts "$T/early.starts")" 0

# Stopped as by Ctrl-Z, which the keeper below it is not.
keep shell -- sleep 40125
k=$pid
wait_until 10 runs 40125
kill -STOP "$k"
ok "the process that was called is stopped: the command is not" runs 40125
exits "... --stop: 0" 0 ha-keep --stop -T 20s shell
reap "$k"
is "... 0" "$status" 0

# Who looks at the lock has it for a moment.
keep seen -- sleep 40126
k=$pid
wait_until 10 runs 40126
kill -STOP "$k"
kill -KILL "$(below "$k")" "$k"
reap "$k"
flock -s "$HA_RUN_DIR/keep/seen.lock" sleep 0.3 &
looks=$!
wait_until 10 held "$HA_RUN_DIR/keep/seen.lock"
run ha-keep --stop seen
ok "--stop of a dead one that somebody looks at: done" test "$status" -lt 2
wait $looks

# Killed at any time.
seed=${HA_SEED:-$$}
echo "# HA_SEED=$seed"
i=0
while [ $((i += 1)) -le 12 ]; do
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	keep random --grace 100ms --backoff 1ms -- \
	    sh -c 'setsid sleep 40118 & sleep 40119 & sleep 0.03'
	k=$pid
	sleep "0.0$((seed / 65536 % 100))"
	case $((seed / 8192 % 3)) in
	0) kill -KILL "$k" ;;
	1) kill -KILL "$(below "$k" 2>/dev/null)" "$k" ;;
	2) kill -KILL "$(below "$k" 2>/dev/null)" ;;
	esac 2>/dev/null
	kill -KILL "$k" 2>/dev/null
	reap "$k"
done
keep random -- sleep 40120
k=$pid
ok "killed at any time: the last one starts" wait_until 20 runs 40120
ok "... nothing of the others is left" gone 40118
ok "... nor here" gone 40119
stopped random "$k"

# Children from before are not its own: a shell's that exec'ed it.
sh -c 'sleep 40121 & echo $! >"$0.pid"
	exec ha-keep --name exec --grace 100ms -- sleep 40122' "$T/exec" \
    2>"$T/exec.err" &
k=$!
ok "exec by a shell that has a child" wait_until 10 runs 40122
tr ' ' '\n' <"/proc/$k/task/$k/children" | grep -vxF "$(cat "$T/exec.pid")" |
    xargs kill -KILL
reap "$k"
is "... its keeper is killed: 125" "$status" 125
ok "... the command is gone" gone 40122
ok "... the shell's child lives" runs 40121
kill "$(cat "$T/exec.pid")"
done_testing
