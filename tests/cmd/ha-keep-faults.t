#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-keep-faults.t - no directory, a full disk, readers that don't read, clocks
# that jump, garbage, other users: the command is kept, or it is said why not.
# shellcheck disable=SC2016 # of other shells
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../keep.sh"

HA_TOOLS=${HA_TOOLS:-$TOP/build/tests}
[ -e "$HA_TOOLS/preload/jump.so" ] || lacks "no $HA_TOOLS (make check)"
preload()
{
	export LD_PRELOAD="$HA_TOOLS/preload/$1.so"
}

## The directory

exits "no HA_RUN_DIR can be made: 125" 125 \
    env HA_RUN_DIR=/proc/none ha-keep -- sleep 40201
like "... it is named" "$err" '/proc/none.*HA_RUN_DIR'
: >"$T/file"
exits "... it is a file" 125 env HA_RUN_DIR="$T/file" ha-keep -- sleep 40201
like "... named" "$err" "$T/file.*HA_RUN_DIR"
mkdir "$T/run2"
: >"$T/run2/keep"
exits "... keep is a file" 125 env HA_RUN_DIR="$T/run2" ha-keep -- sleep 40201
like "... named" "$err" "$T/run2/keep"
exits "--status, no directory: 3" 3 env HA_RUN_DIR=/proc/none ha-keep --status
exits "... one keeper: 2" 2 env HA_RUN_DIR=/proc/none ha-keep --status a
exits "--stop, no directory: 1" 1 env HA_RUN_DIR=/proc/none ha-keep --stop a
deep=$T/$(head -c 100 /dev/zero | tr '\0' d)
mkdir "$deep"
HA_RUN_DIR=$deep keep "$(head -c 64 /dev/zero | tr '\0' n)" -- sleep 40202
k=$pid
ok "a path that is too long for a socket's address" wait_until 10 runs 40202
exits "... works" 0 env HA_RUN_DIR="$deep" ha-keep --status
exits "... --stop" 0 env HA_RUN_DIR="$deep" ha-keep --stop \
    "$(head -c 64 /dev/zero | tr '\0' n)"
reap "$k"

## Other users

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	as_nobody()
	{
		run setpriv --reuid 65534 --regid 65534 --clear-groups \
		    ha-keep "$@"
	}
	keep root -- sleep 40203
	k=$pid
	wait_until 10 state_is root OK
	as_nobody --status -F tsv root
	is "another user asks: 0" "$status" 0
	like "... and is told" "$out" '	keep:root	OK	.*process [0-9]+ has run'
	as_nobody --stop root
	is "... can't stop it: 77" "$status" 77
	like "... in words" "$err" "the keeper of root is another user's"
	as_nobody --restart root
	is "... nor start it again: 77" "$status" 77
	ok "... it runs" runs 40203
	as_nobody --name root -- sleep 40204
	is "... nor keep anything there: 125" "$status" 125
	like "... in words" "$err" 'Permission denied; HA_RUN_DIR is to be'
	stopped root "$k"
	(
		umask 077
		mkdir "$T/secret"
		chmod 711 "$T/secret"
		HA_RUN_DIR=$T/secret exec ha-keep --name secret -- sleep 40220
	) 2>"$T/secret.err" &
	k=$!
	ok "one with umask 077" wait_until 10 runs 40220
	for mode in 700 711; do
		chmod $mode "$T/secret/keep"
		HA_RUN_DIR=$T/secret as_nobody --status -F nagios secret
		is "... mode $mode: UNKNOWN, not dead" "$status" 3
		HA_RUN_DIR=$T/secret as_nobody --stop secret
		is "... 77" "$status" 77
	done
	kill $k
	wait $k
	install -d -o 65534 -g 65534 "$T/theirs"
	# The shell's job is setpriv's, which becomes ha-keep.
	spawn -e "$T/theirs.err" env HA_RUN_DIR="$T/theirs" setpriv \
	    --reuid 65534 --regid 65534 --clear-groups \
	    ha-keep --name theirs -- sleep 40205
	k=$pid
	ok "in a directory of its own" wait_until 10 runs 40205
	exits "... root asks it" 0 env HA_RUN_DIR="$T/theirs" ha-keep --status
exits "... and may stop it" 0 env HA_RUN_DIR="$T/theirs" \
	    ha-keep --stop theirs
	reap "$k"
	is "... 0" "$status" 0
else
	skip "other users" "needs root and setpriv"
fi

## A full disk

if [ "$(id -u)" -eq 0 ] && mkdir "$T/small" &&
    mount -t tmpfs -o size=64k none "$T/small" 2>/dev/null; then
	export HA_RUN_DIR="$T/small"
	keep full --backoff 20ms --backoff-max 20ms -o "$T/small/records" -- \
	    sh -c 'echo x >>"$0"; exec sleep 40206' "$T/full.starts"
	k=$pid
	ok "before the disk is full" wait_until 10 state_is full OK
	cat /dev/zero >"$T/small/zero" 2>/dev/null
	i=0
	while [ $((i += 1)) -le 5 ]; do
		kill -KILL "$(marked 40206)"
		ok "a full disk, end $i: it is started again" \
		    wait_until 10 started "$T/full.starts" $((i + 1))
		wait_until 10 runs 40206
	done
	look full
	is "... --status is up to date" "$(number pid)" "$(marked 40206)"
	is "... told once" "$(grep -c 'the keeping goes on' "$T/full.err")" 1
	like "... in words" "$(cat "$T/full.err")" \
	    'warning: can.t replace .*full.state.*No space left'
	is "... no record is torn" "$(grep -cv '^#\|	keep:full	' \
	    "$T/small/records")" 0
	rm "$T/small/zero"
	kill -KILL "$(marked 40206)"
	ok "... and there is room again" \
	    wait_until 10 grep -q 'restarts=6' "$T/small/keep/full.state"
	stopped full "$k"
	cat /dev/zero >"$T/small/zero" 2>/dev/null
	keep full -- sleep 40206
	k=$pid
	ok "a start on a full disk" wait_until 10 runs 40206
	exits "... is known" 0 ha-keep --status full
	run ha-keep --status
	like "... and among all" "$out" '	keep:full	OK	'
	stopped full "$k"
	HA_RUN_DIR=$T/ha-run
	umount "$T/small"
else
	skip "a full disk" "needs root and mounts"
fi

keep records -o /dev/full --backoff 0 -- sh -c 'echo x >>"$0"; exit 1' \
    "$T/records.starts"
ok "a full disk for the records" wait_until 10 started "$T/records.starts" 9
is "... told once" \
    "$(grep -c "warning: can't write records: No space" "$T/records.err")" 1
stopped records "$pid"

## Nobody reads stderr

mkfifo "$T/pipe"
exec 7<>"$T/pipe"
sh -c 'exec ha-keep --name mute --backoff 0 -- \
    sh -c "echo x >>\$0; exit 1" "$0" 2>"$1" >/dev/null 7<&-' \
    "$T/mute.starts" "$T/pipe" &
k=$!
ok "stderr is full: it is started again and again" \
    wait_until 30 started "$T/mute.starts" 1500
exits "... and answers" 2 ha-keep --status -F nagios mute
dd <&7 bs=65536 count=1 of="$T/mute.out" 2>/dev/null
before=$(starts "$T/mute.starts")
wait_until 10 started "$T/mute.starts" $((before + 10))
dd <&7 bs=65536 count=1 of="$T/mute.more" 2>/dev/null
like "... what is missing is counted" "$(cat "$T/mute.more")" \
    '[0-9]+ lines before this one are missing'
ha-keep --stop mute 2>/dev/null
wait $k
is "... and ends: 0" $? 0
# Something that doesn't hear the signal that it gets from the kernel.
sh -c 'exec ha-keep --name mute --grace 50ms -- \
    sh -c "trap \"\" TERM; exec sleep 40221" 2>"$0" >/dev/null 7<&-' "$T/pipe" &
k=$!
ok "one that is kept" wait_until 20 runs 40221
perl -MFcntl -e 'fcntl(STDOUT, F_SETFL, O_NONBLOCK | O_WRONLY);
	1 while syswrite(STDOUT, "x" x 4096)' 1<>"$T/pipe"
kill -KILL "$(below $k)"
ok "... its keeper is killed: nothing is left" wait_until 20 gone 40221
wait $k
is "... 125" $? 125
exec 7<&-

## Few descriptors

sh -c 'ulimit -n 12 && exec ha-keep --name few --grace 50ms -- \
    sh -c "setsid sleep 40222 & exec sleep 40223" 2>"$0"' "$T/few.err" &
k=$!
ok "a limit of 12 descriptors" wait_until 10 runs 40223
ok "... it answers" state_is few OK
exits "... --stop: 0" 0 ha-keep --stop -T 10s few
wait $k
is "... 0" $? 0
ok "... nothing is left" gone 40222

## The wall clock jumps

(
	preload jump
	echo 0 >"$T/clock"
	export HA_TEST_CLOCK="$T/clock"
	exec ha-keep --name clock --backoff $((slow * 400))ms --healthy 1h \
	    -o "$T/clock.records" -- \
	    sh -c 'echo x >>"$0"; read -r line <"$1"' \
	    "$T/clock.starts" "$T/pipe"
) 2>"$T/clock.err" &
k=$!
ok "a clock" wait_until 20 started "$T/clock.starts" 1
echo >"$T/pipe"
ok "... at once" wait_until 20 started "$T/clock.starts" 2
echo 99999999 >"$T/clock"
echo >"$T/pipe"
ok "... jumps on: it waits" wait_until 20 says clock 'starts again in .* ms'
ok "... and no longer" wait_until 20 started "$T/clock.starts" 3
echo -99999999 >"$T/clock"
echo >"$T/pipe"
ok "... jumps back: it waits" wait_until 20 says clock 'starts again in .* ms'
ok "... and no longer" wait_until 20 started "$T/clock.starts" 4
finds "... a jump is no healthy time" CRIT 'after 3 ends in a row' clock
like "... the records are of that clock" "$(cat "$T/clock.records")" '^20[23]'
ha-keep --stop clock 2>/dev/null
wait $k
is "... 0" $? 0

## A keeper that hangs

keep hangs -- sleep 40207
k=$pid
wait_until 10 runs 40207
inner=$(below "$k")
kill -STOP "$inner"
exits "one that does not answer: CRIT" 2 ha-keep --status -T 200ms hangs
like "... in words" "$out" 'did not answer in time'
exits "--stop: 75" 75 ha-keep --stop -T 200ms hangs
exits "--restart: 75" 75 ha-keep --restart -T 200ms hangs
exits "... and a second one: 75" 75 ha-keep --name hangs -- true
kill -CONT "$inner"
reap "$k"
is "... it goes on, and does what it was told" "$status" 0
ok "... nothing is left" gone 40207

## Somebody who can't be ended

(
	preload nokill
	exec ha-keep --name stuck --grace 50ms -- \
	    sh -c 'trap "" TERM; sleep 40208 & exec sleep 40209'
) 2>"$T/stuck.err" &
k=$!
ok "one that can't be killed" wait_until 20 runs 40209
kill -KILL "$(marked 40209)"
ok "... is CRIT" wait_until 20 state_is stuck CRIT
finds "... named" CRIT \
    "process $(marked 40208) \(state S\) can't be ended" stuck
is "... nothing is started beside it" "$(marked 40209)" ''
exits "... --restart: 70" 70 ha-keep --restart -T 20s stuck
like "... in words" "$err" "stuck: process [0-9]+ .state S. can't be ended"
kill -KILL "$(marked 40208)"
ok "... it ends, and the command is started again" wait_until 20 runs 40209
kill -KILL "$(marked 40209)"
ok "... and ends" wait_until 20 gone 40209
ok "... CRIT again" wait_until 20 says stuck "can't be ended"
run ha-keep --stop stuck
is "--stop of such a one: 70" "$status" 70
like "... in words" "$err" "stuck: process [0-9]+ .state S. can't be ended"
wait $k
is "... 125" $? 125
finds "... --status tells of it" CRIT 'the keeper is gone' stuck
exits "... --stop ends it" 0 ha-keep --stop stuck
ok "... nothing is left" gone 40208

## Garbage

keep garbage -- sleep 40210
k=$pid
wait_until 10 state_is garbage OK
perl -MIO::Socket::UNIX -e '
	my $seed = $ENV{HA_SEED} // $$;
	srand($seed);
	print STDERR "# HA_SEED=$seed\n";
	my @held;
	for my $round (1 .. 300) {
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or next;
		my $n = int(rand(3));
		my $text = $n == 0 ? join("", map { chr(int(rand(256))) }
			1 .. rand(200)) : $n == 1 ? "status\nstop" : "stop";
		$SIG{PIPE} = "IGNORE";
		syswrite($s, $text) unless $round % 7 == 0;
		push(@held, $s) if $round % 5 == 0;
		shift(@held) if @held > 12;
	}' "$HA_RUN_DIR/keep/garbage.sock" 2>"$T/seed"
cat "$T/seed"
exits "garbage at its socket: it answers" 0 ha-keep --status garbage
ok "... and keeps" runs 40210
kill -KILL "$k" "$(below "$k")"
reap "$k"
wait_until 10 ended "$k"
for text in '' garbage '#keep' '#keep	v=1	phase=running	id=x' \
    '#keep	v=1	phase=running	id=	keeper=99999999999999999999'; do
	ha-keep --stop garbage 2>/dev/null
	printf '%s' "$text" >"$HA_RUN_DIR/keep/garbage.state"
	: >"$HA_RUN_DIR/keep/garbage.sock"
	exits "a state file of '$text': CRIT" 2 ha-keep --status garbage
	keep garbage -- sleep 40211
	ok "... a keeper starts" wait_until 10 runs 40211
	wait_until 10 state_is garbage OK
	stopped garbage "$pid"
done
kill -KILL "$(marked 40210)" 2>/dev/null
ok "nothing is left" gone 40211

## As cron starts it

run env -i HOME=/ LOGNAME=root SHELL=/bin/sh PATH="$PATH" \
    HA_RUN_DIR="$HA_RUN_DIR" /bin/sh -c 'cd /;
    ha-keep --name cron --done 0 -- sh -c "pwd; echo \${TERM-none}"' </dev/null
is "an environment of cron: 0" "$status" 0
is "... the command has it" "$out" '/
none'
done_testing
