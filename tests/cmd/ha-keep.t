#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-keep.t - a command that is kept, and the commands to its keeper.
# shellcheck disable=SC2016 # of other shells
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../keep.sh"

## It starts, is asked, is stopped

keep www -v -- sleep 40011
k=$pid
ok "the command runs" wait_until 10 runs 40011
finds "--status" OK '^process [0-9]+ has run for [0-9]+ (ms|s)$' www
is "... its process" "$(number pid)" "$(marked 40011)"
is "... no restart" "$(number restarts)" 0
is "... exit 0" "$status" 0
like "... the key" "$out" "	$(hostname)	keep:www	OK	"
like "... the command" "$out" '	sleep 40011	'
run ha-keep --status
like "--status of all" "$out" '	keep:www	OK	'
run ha-keep --status -q www
unlike "-q: nothing of what is OK" "$out" keep:www
like "... the trailer says so" "$out" 'quiet=1'
run ha-keep --status -F nagios www
like "-F nagios" "$out" \
    '^keep:www OK - process .*\|restarts=0c uptime=[0-9]+s pid=[0-9]+$'
run ha-keep --status -F json
like "-F json" "$out" '"check":"keep:www","state":"OK"'
run ha-keep --status -F table
like "-F table" "$out" '^OK +keep:www +sleep 40011'
ln -s "$HA_BIN/ha-keep" "$T/check_ha_keep"
exits "check_ha_keep" 0 "$T/check_ha_keep" www
like "... is a plugin" "$out" '^keep:www OK - '
exits "check_ha_keep, wrong usage" 3 "$T/check_ha_keep" --nonesuch
like "... in its line" "$out" '^HA-KEEP UNKNOWN - .*--nonesuch'
exits "a second keeper of that name: 75" 75 ha-keep --name www -- true
like "... the first one is named" "$err" "held by process $k "
exits "another name is free" 3 ha-keep --name other --done 3 -- sh -c 'exit 3'
is "the command's files: three" \
    "$(cd "/proc/$(marked 40011)/fd" && echo *)" '0 1 2'
is "... a group of its own" \
    "$(awk '{ print $5 }' "/proc/$(marked 40011)/stat")" "$(marked 40011)"
first=$(marked 40011)
exits "--restart" 0 ha-keep --restart www
like "... says what happened" "$err" \
    '^ha-keep: www: restarted; the command started as process [0-9]+$'
not_ok "... another process" test "$(marked 40011)" = "$first"
finds "... all is well" OK '; 1 restart, the last time it was ended by SIGTERM' \
    www
exits "--stop" 0 ha-keep --stop www
like "... says what happened" "$err" \
    '^ha-keep: www: stopped; the command was ended by SIGTERM after '
reap "$k"
is "... exit 0" "$status" 0
ok "... nothing runs" gone 40011
is "... nothing but the lock is left" "$(ls "$HA_RUN_DIR/keep")" 'other.lock
www.lock'
like "the words" "$(cat "$T/www.err")" '^ha-keep: www: started as process'
like "... why" "$(cat "$T/www.err")" '^ha-keep: www: asked to restart'
exits "--stop once more: 1" 1 ha-keep --stop www
like "... in words" "$err" '^ha-keep: no keeper of www runs$'
exits "--restart: 1" 1 ha-keep --restart www
exits "--status: CRIT" 2 ha-keep --status -F nagios www
like "... in words" "$out" 'CRIT - no keeper of this name runs'
exits "--status of all, of which there is none: UNKNOWN" 3 ha-keep --status
like "... told" "$err" 'no keeper runs here'

## What ends it

# A shell has what is in the background ignore SIGINT.
for signal in TERM INT; do
	spawn -e "$T/sig.err" perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV' \
	    ha-keep --name sig -- sleep 40012
	ok "SIG$signal" wait_until 10 state_is sig OK
	reap "$pid" $signal
	is "... 0" "$status" 0
	ok "... nothing is left" gone 40012
	like "... told" "$(cat "$T/sig.err")" "stopping: SIG$signal"
done
exits "--done: the command's status" 7 \
    ha-keep --name d --done 0,7 -- sh -c 'exit 7'
like "... told" "$err" '^ha-keep: d: ended with status 7 after .*: done$'
exits "--done: an end by a signal" 143 \
    ha-keep --name d --done 143 -- sh -c 'kill -TERM $$'
cat >"$T/third" <<END
#!/bin/sh
echo x >>$T/third.starts
[ "\$(wc -l <$T/third.starts)" -lt 3 ]
END
chmod 755 "$T/third"
exits "--done: other ends are none" 1 \
    ha-keep --backoff 1ms --done 1 -- "$T/third"
is "... started three times" "$(starts "$T/third.starts")" 3
exits "a command that is not there: 127" 127 ha-keep -- /nonexistent/program
like "... named" "$err" '^ha-keep: .*program: No such file or directory$'
exits "... nor in PATH" 127 ha-keep -- nonexistent-program
finds "... --status tells of it" CRIT 'gave up: .*nonexistent-program' \
    nonexistent-program
: >"$T/plain"
exits "one that can't be executed: 126" 126 ha-keep -- "$T/plain"
exits "--stop forgets it" 1 ha-keep --stop plain
exits "... --status" 2 ha-keep --status plain -F nagios
like "... knows nothing" "$out" 'no keeper of this name runs'
ha-keep --stop nonexistent-program program 2>/dev/null

## It ends again and again

crash='echo x >>$0; exit 9'
exits "--limit: 75" 75 ha-keep --name crash --backoff 1ms -l 4/1m \
    -o "$T/records" -- sh -c "$crash" "$T/crashes"
is "... after one end more" "$(starts "$T/crashes")" 5
like "... told" "$err" \
    '^ha-keep: crash: gave up: 5 ends in 1 m.*; it ended with status 9 after '
finds "... --status" CRIT '^gave up: 5 ends in 1 m' crash
is "... 2" "$status" 2
run ha-keep --status
like "... of all, too" "$out" '	keep:crash	CRIT	'
is "... its last record" "$(grep -v '^#' "$T/records" | tail -n 1 |
	cut -f 5)" CRIT
like "... in words" "$(grep -v '^#' "$T/records" | tail -n 1 |
	cut -f 8)" '^gave up: 5 ends'
is "the records before it" "$(grep -v '^#' "$T/records" | cut -f 5 | uniq)" \
    'OK
WARN
CRIT'
is "... each in its frame" "$(sed 's/[	 ].*//; s/^2.*/record/' "$T/records" |
	paste -s -d ' ' | sed 's/#begin record #end */./g' | tr -d .)" ''
is "... trailers agree" "$(awk -F '\t' '
	/^#begin/ { id = $3 }
	/^2/ { state = $5 }
	/^#end/ && ($2 != id || $4 != "worst=" state)' "$T/records")" ''
keep crash -- sleep 40013
ok "a new start clears it" wait_until 10 state_is crash OK
stopped crash "$pid"

keep slow --backoff 30s -- sh -c "$crash" "$T/slow"
k=$pid
ok "backoff: at once the first time" wait_until 10 started "$T/slow" 2
finds "... and then it waits" WARN \
    '^starts again in [23][0-9] s after 2 ends in a row: it ended with' slow
exits "--restart doesn't wait" 0 ha-keep --restart slow
ok "... and once at once again" wait_until 10 started "$T/slow" 4
is "... no more" "$(starts "$T/slow")" 4
exits "--stop while it waits" 0 ha-keep --stop slow
reap "$k"
is "... 0" "$status" 0
keep slow --backoff 30s -- sh -c "$crash" "$T/slow2"
ok "SIGTERM while it waits" wait_until 10 says slow 'starts again'
reap "$pid" TERM
is "... 0" "$status" 0

# It lives when the file is there, else it ends.
cat >"$T/moody" <<END
#!/bin/sh
echo x >>$T/moody.starts
[ ! -e $T/good ] || exec sleep 40014
exit 1
END
chmod 755 "$T/moody"
keep moody --backoff 50ms --backoff-max 50ms --healthy $((slow * 2000))ms -- "$T/moody"
k=$pid
ok "three ends in a row" wait_until 20 says moody '[3-9] ends in a row'
ok "... CRIT" state_is moody CRIT
: >"$T/good"
ok "it runs, and is CRIT until it is healthy" wait_until 10 says moody \
    'has run for .* after [0-9]+ ends in a row'
ok "... then OK" wait_until 20 state_is moody OK
before=$(starts "$T/moody.starts")
kill -KILL "$(marked 40014)"
ok "it ends: started again" wait_until 10 started "$T/moody.starts" \
    $((before + 1))
finds "... WARN, a moment later" WARN 'SIGKILL|status 1' moody
ok "... and OK" wait_until 20 state_is moody OK
rm "$T/moody"
kill -KILL "$(marked 40014)"
ok "the program is gone: it is tried again" wait_until 10 says moody \
    "could not be started: can't start .*moody: No such file"
printf '#!/bin/sh\nexec sleep 40014\n' >"$T/moody.new"
chmod 755 "$T/moody.new"
mv "$T/moody.new" "$T/moody"
ok "... and is there again" wait_until 20 state_is moody OK
stopped moody "$k"

## Its files, its signals

echo hello >"$T/in"
spawn -i "$T/in" -o "$T/cat.out" -e "$T/cat.err" \
    ha-keep --done 0 -- sh -c 'cat; echo error >&2'
reap "$pid"
is "stdin and stdout are the caller's" "$(cat "$T/cat.out")" hello
like "... stderr, too" "$(cat "$T/cat.err")" '^error$'
ha-keep --name o -o - --done 0 -- sh -c 'echo of the command' \
    >"$T/o.out" 2>"$T/o.err"
like "-o -: records on stdout" "$(cat "$T/o.out")" '	keep:o	OK	'
unlike "... and nothing else" "$(cat "$T/o.out")" 'of the command$'
like "... which went to stderr" "$(cat "$T/o.err")" '^of the command$'
if command -v script >/dev/null; then
	script -qec "ha-keep --name tty --done 0 -- sh -c '
		readlink /proc/self/fd/0; tty </dev/tty; exit 0'" /dev/null \
	    </dev/null >"$T/tty" 2>&1
	like "a terminal: stdin is none" "$(cat "$T/tty")" '^/dev/null'
	like "... and none controls it" "$(cat "$T/tty")" '/dev/tty'
	unlike "... not at all" "$(cat "$T/tty")" '^/dev/pts'
else
	skip "a terminal" "script is not installed"
fi
ha-keep --name closed --done 0 -- sh -c 'readlink /proc/self/fd/1' \
    >&- 2>"$T/closed" <&-
is "stdin and stdout are closed: 0" $? 0
unlike "... no file of ha-keep's is in their place" "$(cat "$T/closed")" keep/
cat >"$T/traps" <<END
#!/bin/sh
trap 'echo HUP >>$T/traps.out' HUP
trap 'echo USR1 >>$T/traps.out' USR1
trap 'echo USR2 >>$T/traps.out' USR2
echo ready >>$T/traps.out
while :; do sleep 0.01; done
END
chmod 755 "$T/traps"
keep traps -- "$T/traps"
k=$pid
ok "a command with traps" wait_until 10 grep -qs ready "$T/traps.out"
for signal in HUP USR1 USR2; do
	kill -$signal "$k"
	ok "SIG$signal is passed on" \
	    wait_until 10 grep -q $signal "$T/traps.out"
done
is "... and ends nothing" "$(grep -c ready "$T/traps.out")" 1
stopped traps "$k"
(
	trap '' HUP
	exec ha-keep --name nohup -- sleep 40015
) 2>"$T/nohup.err" &
k=$!
ok "nohup" wait_until 10 runs 40015
first=$(marked 40015)
kill -HUP $k
look nohup
is "... SIGHUP does nothing" "$(number pid)" "$first"
like "... yet the command has its default" \
    "$(cat "/proc/$first/status")" '^SigIgn:	[0-9a-f]{8}[08]0{7}$'
stopped nohup $k
cat >"$T/quits" <<END
#!/bin/sh
trap 'echo quit >>$T/quits.out; exit 0' QUIT
echo ready >>$T/quits.out
while :; do sleep 0.01; done
END
chmod 755 "$T/quits"
for signal in QUIT SIGQUIT 3; do
	rm -f "$T/quits.out"
	keep quits --stop-signal $signal -- "$T/quits"
	wait_until 10 grep -qs ready "$T/quits.out"
	stopped quits "$pid"
	is "--stop-signal $signal" "$(tail -n 1 "$T/quits.out")" quit
done

## Records for a reader who is slow, comes late, or goes

mkfifo "$T/fifo"
keep fifo -o "$T/fifo" --backoff 1ms --backoff-max 1ms -- \
    sh -c "$crash" "$T/fifo.starts"
k=$pid
ok "a FIFO without a reader holds nothing up" \
    wait_until 30 started "$T/fifo.starts" 400
exec 7<"$T/fifo"
head -c 300 <&7 >"$T/fifo.out"
like "... a reader that comes late has records" "$(cat "$T/fifo.out")" \
    '	keep:fifo	'
exec 7<&-
before=$(starts "$T/fifo.starts")
ok "... and may go" wait_until 30 started "$T/fifo.starts" $((before + 50))
stopped fifo "$k"
sh -c 'ha-keep --name gone -o - -- sleep 40016 2>"$0.err" &
	echo $! >"$0.pid"; wait' "$T/gone" | head -n 1 >"$T/gone.out" &
ok "a pipe whose reader goes" wait_until 10 runs 40016
like "... has had records" "$(cat "$T/gone.out")" '^#begin'
kill -KILL "$(marked 40016)"
ok "... is told" wait_until 10 told gone "can't write records: Broken pipe"
ok "... and the command is kept" wait_until 10 runs 40016
exits "... it can be stopped" 0 ha-keep --stop gone
wait
exits "a file that can't be made: 125" 125 \
    ha-keep -o "$T/none/file" -- sleep 40017
like "... named" "$err" "can't write records to '$T/none/file'"

## Usage

usage()
{
	usage_want=$1
	shift
	exits "usage: ha-keep $*" "$usage_want" ha-keep "$@"
	like "... said" "$out$err" '^(ha-keep: |HA-KEEP UNKNOWN)'
}
usage 125
usage 125 --
usage 125 sleep
usage 125 sleep -- 1
usage 125 -l 3 -- sleep 1
usage 125 -l 0/1m -- sleep 1
usage 125 -l 3/0 -- sleep 1
usage 125 -l x/1m -- sleep 1
usage 125 -l 99999999999999999999/1m -- sleep 1
usage 125 --done 256 -- sleep 1
usage 125 --done 1, -- sleep 1
usage 125 --done '' -- sleep 1
usage 125 --stop-signal NONE -- sleep 1
usage 125 --stop-signal 0 -- sleep 1
usage 125 --stop-signal 65 -- sleep 1
usage 125 --backoff x -- sleep 1
usage 125 -o '' -- sleep 1
usage 125 -F tsv -- sleep 1
for name in '' . .. .a -a a/b 'a b' "$(printf 'a\nb')" é \
    "$(head -c 65 /dev/zero | tr '\0' a)"; do
	usage 125 --name="$name" -- sleep 1
	like "... says what a name is" "$err" 'letters, digits'
done
usage 125 -- "$T/a b"
usage 64 --stop
usage 64 --restart
usage 64 --stop ../x
usage 64 --stop --restart a
usage 64 --stop a -F tsv
usage 64 --stop a -q
usage 64 --restart -- a
usage 3 --status ../x
usage 3 --status -F xml
usage 3 --status -- sleep 1
usage 3 --status --nonesuch
usage 3 --status -F nagios --nonesuch
usage 3 --status --name a
usage 3 --status -T 0
is "nothing runs by any" "$(echo "$HA_RUN_DIR"/keep/*.sock)" \
    "$HA_RUN_DIR/keep/*.sock"
done_testing
