#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-alert-spool.t - what is taken is kept, and goes where it is to go.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../alert.sh"
needs pgrep

preload jump
echo 0 >"$T/offset"

# With a clock that is off by so many seconds.
at()
{
	echo "$1" >"$T/offset"
	shift
	# shellcheck disable=SC2154 # of what is read in, or of eval
	HA_TEST_CLOCK=$T/offset LD_PRELOAD=$preload "$@"
}

# Who waits is told by nobody else meanwhile.
flush()
{
	run ha-alert --flush -q -T "$@"
}

# A record, and then ha-alert's options and channels.
give()
{
	transition "$1" "$2" "$3" "$4" >"$T/record"
	shift 4
	run "$@" <"$T/record"
}

told()
{
	[ ! -e "$T/$1" ] || cut -f 1,8,9 "$T/$1" | tr '\t' ' '
}

# A command that fails as the file says and appends to another one.
switch()
{
	cat >"$T/switch" <<-END
		#!/bin/sh
		status=\$(cat "$T/status")
		[ "\$status" -eq 0 ] || exit "\$status"
		cat >>"$T/got"
		echo . >>"$T/times"
	END
	chmod 755 "$T/switch"
	echo "${1:-0}" >"$T/status"
	rm -f "$T/got" "$T/times"
}

# Without a try to take it, which would be in the way.
is_held()
{
	kill -0 "$(sed 's/process \([0-9]*\) .*/\1/' "$SPOOL/queue/a/.lock")"
} 2>/dev/null

empty()
{
	rm -rf "$SPOOL" "$T/a" "$T/b" "$T/c" "$T/got"
}

## To several channels; an alias; one that is not there yet

conf "channel a file path=$T/a" "channel b file path=$T/b" 'alias both a b'
give problem 1 nginx CRIT ha-alert both a
is "taken: exit 0" "$status" 0
is "... without a word" "$err$out" ''
is "... not told yet" "$(places)" '1 both,a new'
flush 5s
is "--flush: exit 0" "$status" 0
is "... told" "$(told a)" 'problem nginx CRIT'
is "... on the alias' other channel" "$(told b)" 'problem nginx CRIT'
is "... nothing is left" "$(places)" ''
give problem 2 mysql CRIT ha-alert a later
is "a channel that is not there: exit 0" "$status" 0
like "... said" "$err" "warning: .*alert\.conf has no channel 'later'"
run ha-alert --flush -T 5s
is "... --flush: exit 0" "$status" 0
like "... said" "$err" "later: .* is not told yet: .*no channel 'later'"
is "... it waits" "$(places)" '1 later queue'
like "... the other one is told" "$(told a)" 'problem mysql CRIT'
conf "channel a file path=$T/a" "channel later file path=$T/c"
ok "... it is there: told" at 60 ha-alert --flush -q -T 5s
is "... it was" "$(told c)" 'problem mysql CRIT'
give problem 3 redis CRIT ha-alert soon
flush 1s
is "one that is not there waits" "$(places)" '1 soon queue'
exits "... --flush of it: 0" 0 ha-alert --flush -q -T 1s soon
exits "--flush of what neither alert.conf nor the spool knows: 78" 78 \
    ha-alert --flush -T 1s nonesuch
like "... said" "$err" "alert\.conf has no channel 'nonesuch'"
conf "channel a file path=$T/a" "channel b file path=$T/b" 'alias soon a b'
flush 5s
is "... it becomes an alias: told at once" "$(told a | tail -n 1)" \
    'problem redis CRIT'
is "... to all of it" "$(told b | tail -n 1)" 'problem redis CRIT'
is "... nothing is left" "$(places)" ''
rm "$T/a" "$T/b"
exits "--test of an alias" 0 ha-alert --test soon
is "... sends to all of it" "$(cat "$T/a" "$T/b" | grep -c 'test of the')" 2
exits "--render of an alias" 0 ha-alert --render soon <"$T/record"
is "... shows all of it" "$(grep '^channel: ' "$T/out")" 'channel: a
channel: b'
exits "--retry all of nothing: 0" 0 ha-alert --retry all
exits "--retry of no entry: 1" 1 ha-alert --retry nonesuch
like "... said" "$err" "no entry 'nonesuch'"
empty
rm "$HA_CONFIG_DIR/alert.conf"
give problem 1 nginx CRIT ha-alert a
is "without alert.conf: exit 0" "$status" 0
like "... said" "$err" 'warning: .*alert\.conf.*waits in the spool'
exits "... --flush: 66" 66 ha-alert --flush
is "... it waits" "$(places)" '1 a new'
run ha-alert --queue -F tsv
is "... --queue: CRIT" "$status" 2
like "... says why" "$out" 'alert-conf	CRIT	.*alert\.conf'
conf "channel a file path=$T/a"
flush 5s
is "... and it is told" "$(told a)" 'problem nginx CRIT'
empty

## min=, match= and events=

conf "channel a file path=$T/a" "channel b file path=$T/b min=CRIT" \
    "channel c file path=$T/c match=nginx events=problem,recovery"
{
	transition problem 1 nginx
	transition problem 2 disk WARN
	transition recovery 3 act:nginx OK | sed 's/\tCRIT\t/\tOK\t/'
} >"$T/record"
ha-alert a b c <"$T/record"
flush 5s
is "without them all is told, what is well from the start, too" "$(told a)" \
    'problem nginx CRIT
problem disk WARN
recovery act:nginx OK'
is "... with min= what is as bad" "$(told b)" 'problem nginx CRIT'
is "... with match= these checks" "$(told c)" 'problem nginx CRIT'
{
	transition better 1 nginx WARN
	transition recovery 2 disk OK | sed 's/\tCRIT\t/\tWARN\t/'
} >"$T/record"
ha-alert a b c <"$T/record"
flush 5s
transition recovery 1 nginx OK | sed 's/\tCRIT\t/\tWARN\t/' >"$T/record"
ha-alert a b c <"$T/record"
flush 5s
is "... with min= the end of what was told" "$(told b)" 'problem nginx CRIT
better nginx WARN
recovery nginx OK'
is "... with events= these events" "$(told c)" 'problem nginx CRIT
recovery nginx OK'
is "... no note of an incident is left" \
    "$(find "$SPOOL/open" -name 'i-*')" ''
empty

## One that fails: later, never, for too long

switch 75
conf "channel a exec command=$T/switch" "channel b file path=$T/b"
transition problem 1 nginx | ha-alert a b
run ha-alert --flush -T 1s
is "one that fails: exit 0" "$status" 0
like "... said" "$err" \
    '^ha-alert: warning: a: 2026.*-1-problem is not told yet: .*; tried again in'
is "... the other one is told" "$(told b)" 'problem nginx CRIT'
is "... it waits" "$(places)" '1 a queue'
run ha-alert --list -F tsv
is "... after one attempt" "$(cut -f 5 "$T/out")" 1
like "... the words" "$(cut -f 7 "$T/out")" 'status 75'
flush 1s
run ha-alert --list -F tsv
is "... which is not repeated at once" "$(cut -f 5 "$T/out")" 1
at 8 ha-alert --flush -q -T 1s
run ha-alert --list -F tsv
is "... but later" "$(cut -f 5 "$T/out")" 2
is "... and then after twice the time" \
    "$(ha-alert --list -F table | grep -Eo 'next in ([89]|1[0-9]|2[0-9]) s')" \
    "$(ha-alert --list -F table | grep -Eo 'next in [0-9]+ s')"
at 10 ha-alert --flush -q -T 1s
transition recovery 1 nginx OK | ha-alert a
echo 0 >"$T/status"
at 100 ha-alert --flush -q -T 5s
is "... with its recovery it is one message" "$(wc -l <"$T/times")" 1
is "... of both" "$(told got)" 'problem nginx CRIT
recovery nginx OK'
is "... nothing is left" "$(places)" ''
empty

switch 65
conf "channel a exec command=$T/switch fallback=b" "channel b file path=$T/b"
transition problem 1 nginx | ha-alert a
flush 5s
is "one that refuses: exit 0" "$status" 0
like "... said in spite of -q" "$err" 'a: 2026.*-1-problem is given up: .*65'
is "... it is in failed/" "$(places)" '1 a failed'
is "... told on the fallback" "$(told b)" 'problem nginx CRIT'
run ha-alert --list -F tsv
like "... the words" "$(cut -f 7 "$T/out")" 'status 65'
run ha-alert --queue -F nagios
is "... --queue: WARN" "$status" 1
like "... says so" "$out" 'alert:a WARN nothing waits; 1 given up: .*65'
id=$(ha-alert --list -F tsv | cut -f 1)
exits "... --retry -n" 0 ha-alert --retry -n "$id"
is "... does nothing" "$(places)" '1 a failed'
exits "... --retry" 0 ha-alert --retry "$id"
is "... it is in the queue" "$(places)" '1 a queue'
echo 0 >"$T/status"
flush 5s
is "... and told" "$(told got)" 'problem nginx CRIT'

# The same while somebody waits to try it again.
empty
echo 75 >"$T/status"
conf "channel a exec command=$T/switch"
transition problem 1 nginx | ha-alert a
ha-alert --flush -q -T 1s
at 8 ha-alert --flush -q -T 1s
spawn ha-alert --flush -q -T 50s
ok "a flusher that waits" wait_until 5 is_held
echo 0 >"$T/status"
exits "... --retry all" 0 ha-alert --retry all
ok "... it is told at once" wait_until 4 test -s "$T/got"
reap "$pid"
exits "--retry of what is not there: 1" 1 ha-alert --retry "$id"
empty

# What takes a message of one, and none of several.
cat >"$T/one" <<END
#!/bin/sh
cat >"$T/in"
[ "\$(wc -l <"$T/in")" -le 1 ] || exit 65
cat "$T/in" >>"$T/got"
END
chmod 755 "$T/one"
conf "channel a exec command=$T/one group=50ms"
for n in 1 2 3 4; do
	transition problem $n "check$n"
done >"$T/records"
ha-alert a <"$T/records"
flush 5s
is "a message of several that is refused: each by itself" \
    "$(told got | sort)" "$(printf 'problem check%s CRIT\n' 1 2 3 4)"
is "... nothing is left" "$(places)" ''
empty

switch 75
conf "channel a exec command=$T/switch fallback=b give-up=1h" \
    "channel b file path=$T/b"
transition problem 1 nginx | ha-alert a
for minute in 0 20 40 59; do
	at $((minute * 60)) ha-alert --flush -q -T 1s
done
is "for 59 minutes: it waits" "$(places)" '1 a queue'
run at 3720 ha-alert --flush -q -T 5s
is "for longer than give-up=: in failed/" "$(places)" '1 a failed'
is "... and told on the fallback" "$(told b)" 'problem nginx CRIT'
empty

## Clocks that jump

conf "channel a exec command=$T/switch give-up=1h"
transition problem 1 nginx | ha-alert a
flush 1s
at 864000 ha-alert --flush -q -T 1s
is "ten days forward: it is not given up" "$(places)" '1 a queue'
at -864000 ha-alert --flush -q -T 1s
is "... and back" "$(places)" '1 a queue'
echo 0 >"$T/status"
at -863900 ha-alert --flush -q -T 1s
is "... no attempt is put off for days" "$(told got)" 'problem nginx CRIT'
empty
conf "channel a file path=$T/a"
transition problem 1 nginx CRIT | ha-alert a
transition recovery 1 nginx OK >"$T/recovery"
at -7200 ha-alert a <"$T/recovery"
flush 5s
is "the clock is set back: a problem still comes before its recovery" \
    "$(told a)" 'problem nginx CRIT
recovery nginx OK'
empty

## What a channel wants to hear of

conf "channel a file min=CRIT path=$T/a" \
    "channel b file match=my* path=$T/b" \
    "channel c file events=problem,recovery path=$T/c"
say()
{
	transition "$@" | ha-alert a b c
	ha-alert --flush -q -T 5s
}
say problem 1 nginx WARN
say worse 1 nginx CRIT
say better 1 nginx WARN
transition recovery 1 nginx OK | sed 's/	CRIT	/	WARN	/' |
    ha-alert a b c
say problem 2 mysql WARN
transition recovery 2 mysql OK | sed 's/	CRIT	/	WARN	/' |
    ha-alert a b c
flush 5s
is "min=: from then on when it was so bad" "$(told a)" 'worse nginx CRIT
better nginx WARN
recovery nginx OK'
is "match=" "$(told b)" 'problem mysql WARN
recovery mysql OK'
is "events=" "$(told c)" 'problem nginx WARN
recovery nginx OK
problem mysql WARN
recovery mysql OK'
is "who heard of it is forgotten at its end" \
    "$(find "$SPOOL/open/a" -type f | wc -l)" 0
say problem 3 redis CRIT
is "... and known until then" "$(find "$SPOOL/open/a" -type f | wc -l)" 1
: >"$SPOOL/tmp/left"
flush 1s
ok "what is being written stays" test -e "$SPOOL/tmp/left"
at 200000 ha-alert --flush -q -T 1s
not_ok "... for a day" test -e "$SPOOL/tmp/left"
at 8000000 ha-alert --flush -q -T 1s
is "notes go after months" "$(find "$SPOOL/open/a" -type f | wc -l)" 0
empty

## Groups

conf "channel a file group=300ms path=$T/a" "channel b exec group=300ms \
    command=/bin/sh arg=-c arg='echo >>$T/b; cat >>$T/c'"
for n in 1 2 3 4 5; do
	transition problem $n "check$n"
done | ha-alert a b
flush 5s
is "group=: what comes at once is one message" "$(wc -l <"$T/b")" 1
is "... all are told" "$(told a)" "$(printf 'problem check%s CRIT\n' 1 2 3 4 5)"
empty

## Two at once, one that stands still, one that is killed

switch
conf "channel a exec command=$T/slow" "channel b file path=$T/b"
printf '#!/bin/sh\necho >>"%s"\nuntil [ -e "%s" ]; do sleep 0.02; done\ncat >>"%s"\n' \
    "$T/begun" "$T/go" "$T/a" >"$T/slow"
chmod 755 "$T/slow"
transition problem 1 nginx | ha-alert a
spawn ha-alert --flush -T 20s
first=$pid
ok "a flusher is at it" wait_until 10 test -e "$T/begun"
transition problem 2 mysql | ha-alert a b
run ha-alert --flush -T 5s
is "a second one: exit 0" "$status" 0
is "... without a word" "$err" ''
is "... tells the other channel" "$(told b)" 'problem mysql CRIT'
: >"$T/go"
reap "$first"
is "the first one tells what came meanwhile" "$(told a)" \
    'problem nginx CRIT
problem mysql CRIT'
is "... each once" "$(wc -l <"$T/begun")" 2
empty
rm -f "$T/go" "$T/begun"
transition problem 1 nginx | ha-alert a
spawn ha-alert --flush -T 20s
first=$pid
ok "another one is at it" wait_until 10 test -e "$T/begun"
kill -STOP "$first"
children=$(pgrep -P "$first")
# shellcheck disable=SC2086 # a list
kill -STOP $children
transition problem 2 mysql | ha-alert b
run ha-alert --flush -T 5s
is "it is stopped: a second one: exit 0" "$status" 0
is "... tells the other channel" "$(told b)" 'problem mysql CRIT'
run at 600 ha-alert --flush -T 5s
is "... for long: 75" "$status" 75
like "... said" "$err" 'a: .*is held by process [0-9]+ .*for'
# shellcheck disable=SC2086
kill -CONT "$first" $children
: >"$T/go"
reap "$first"
is "... it goes on" "$(told a)" 'problem nginx CRIT'
empty
rm -f "$T/go" "$T/begun"
transition problem 1 nginx | ha-alert a b
run ha-alert --flush -T 1s
is "one that hangs: exit 0 after the deadline" "$status" 0
like "... said" "$err" 'a: .*is not told yet'
is "... the other one is told" "$(told b)" 'problem nginx CRIT'
is "... no process is left" "$(pgrep -f "$T/slow")" ''
empty

## What is no file of ours

conf "channel a file path=$T/a"
transition problem 1 nginx | ha-alert a
ha-alert --flush -q -T 1s
rm "$T/a"
echo rubbish >"$SPOOL/new/1"
transition problem 2 mysql | ha-alert a
for file in "$SPOOL"/new/[0-9]*.*; do
	head -c 120 "$file" >"$SPOOL/new/2"
done
head -c 300 /dev/urandom >"$SPOOL/queue/a/$(printf '3\nx')"
mkdir "$SPOOL/queue/a/4"
ln -s /etc/passwd "$SPOOL/new/5"
: >"$SPOOL/queue/a/6"
flush 5s
is "garbage: exit 0" "$status" 0
mkdir "$SPOOL/new/1"
flush 5s
flush 5s
ok "another of the same name: kept, too" \
    sh -c "find '$SPOOL/failed/+new' -name '*.1' -type d | grep -q . &&
	grep -q rubbish '$SPOOL/failed/+new/1' && [ ! -e '$SPOOL/new/1' ]"
rm -rf "$SPOOL/failed/+new/"*.*.*.1*
sed -i '$d' "$T/a"
is "... it is in failed/" "$(places)" '3 +new failed
3 a failed'
is "... and each is told of once" "$(grep -c '^message' "$T/a")" 6
like "... what is none is told" "$(told a)" 'problem mysql CRIT'
flush 5s
is "... not again" "$(grep -c '^message' "$T/a")" 6
run ha-alert --queue -F tsv
is "... --queue: WARN" "$status" 1
exits "--drop without a reason: 64" 64 ha-alert --drop 1
exits "--drop -n" 0 ha-alert --drop 1 --reason why -n
ok "... leaves it" test -e "$SPOOL/failed/+new/1"
exits "--drop" 0 ha-alert --drop 1 --reason why
not_ok "... it is gone" test -e "$SPOOL/failed/+new/1"
exits "--drop again: 1" 1 ha-alert --drop 1 --reason why
for id in 2 '3\nx' 4 5 6; do
	exits "--drop another" 0 ha-alert --drop "$id" --reason why
done
is "... all is gone" "$(places)" ''
exits "... --queue: OK" 0 ha-alert --queue -F tsv
empty

# The state is worth nothing but a few attempts.
transition problem 1 nginx | ha-alert a
ha-alert --flush -q -T 1s
for text in '' rubbish '#ha-alert-state' \
    "$(printf '#ha-alert-state\nentry\t\nsent\t\nchannel\t-\t-\t\\q\n#end')"; do
	rm "$T/a"
	printf '%s\n' "$text" >"$SPOOL/queue/a/.state"
	transition problem 2 mysql | ha-alert a
	flush 5s
	is "a damaged state: told" "$status $(told a)" '0 problem mysql CRIT'
done
empty

## The age as a check

conf "channel a exec command=/bin/false" "channel b file path=$T/b"
exits "--queue of nothing: OK" 0 ha-alert --queue -F tsv
like "... each channel" "$out" '	alert:b	OK	'
transition problem 1 nginx | ha-alert a
exits "... of what is fresh: OK" 0 ha-alert --queue -F tsv
exits "... older than -w: WARN" 1 at 400 ha-alert --queue -F tsv
like "... nobody flushes" "$out" '	alert	WARN	.*1 waits.*ha-alert --flush\?'
exits "... older than -c: CRIT" 2 at 1000 ha-alert --queue -F tsv
ha-alert --flush -q -T 1s
exits "... in the queue: CRIT" 2 ha-alert --queue -w 1ms -c 2ms -F nagios
like "... the channel and the words" "$out" \
    '^HA-ALERT CRIT - .*alert:a CRIT 1 waits, the oldest for .*status 1'
exits "-q prints what is not OK" 2 ha-alert --queue -w 1ms -c 2ms -q -F tsv
unlike "... only" "$out" '	OK	'
exits "--queue with a bad option: UNKNOWN" 3 ha-alert --queue --rubbish
exits "--queue with an operand: UNKNOWN" 3 ha-alert --queue a
is "--list -F json is JSON" "$(ha-alert --list -F json |
    perl -MJSON::PP -e 'print join ",", sort keys %{decode_json(<STDIN>)}')" \
    attempts,channel,id,next,place,subject,taken,words
like "--list -F table" "$(ha-alert --list -F table)" \
    'problem nginx on web1 CRIT: connection refused'
empty

## A disk that is full, or read-only; whose spool it is

if [ "$(id -u)" -eq 0 ] && mkdir -p "$T/disk" &&
    mount -t tmpfs -o size=6m,mode=755 none "$T/disk" 2>"$T/log"; then
	conf "channel a file path=$T/a"
	fill()
	{
		cat /dev/zero >"$T/disk/fill" 2>/dev/null
	}
	on_disk()
	{
		HA_STATE_DIR=$T/disk ha-alert "$@"
	}
	give problem 1 nginx CRIT on_disk a
	ok "a reserve is there" \
	    test "$(stat -c %s "$T/disk/alert/reserve")" -eq 1048576
	fill
	give problem 2 mysql CRIT on_disk a
	is "a full disk: exit 0" "$status" 0
	like "... said" "$err" 'the disk is full: the reserve'
	not_ok "... the reserve is used" test -e "$T/disk/alert/reserve"
	fill
	give problem 3 redis CRIT on_disk a
	is "without a reserve: 74" "$status" 74
	like "... said" "$err" '^ha-alert: .*No space left'
	like "... the alert is not lost without a word" "$err" \
	    'warning: lost: problem	?.*redis'
	run on_disk --flush -T 5s
	is "... --flush: exit 0" "$status" 0
	is "... what was taken is told" "$(told a)" 'problem nginx CRIT
problem mysql CRIT'
	rm "$T/disk/fill"
	run on_disk --flush -T 5s
	ok "... the reserve is made anew" test -e "$T/disk/alert/reserve"
	mount -o remount,ro "$T/disk"
	give problem 4 disk CRIT on_disk a
	is "a read-only spool: 73" "$status" 73
	like "... said" "$err" '^ha-alert: .*Read-only file system'
	like "... with the alert" "$err" 'lost: .*disk'
	umount "$T/disk"
	rm -f "$T/a"
else
	skip "full and read-only disks" "can't mount a tmpfs"
fi
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	transition problem 1 nginx | ha-alert a
	as_nobody()
	{
		setpriv --reuid 65534 --regid 65534 --clear-groups \
		    ha-alert "$@"
	}
	give problem 2 mysql CRIT as_nobody a
	is "somebody else's spool: 73" "$status" 73
	chmod 755 "$SPOOL"
	give problem 2 mysql CRIT as_nobody a
	is "... that can be read: 77" "$status" 77
	chmod 777 "$SPOOL"
	give problem 2 mysql CRIT ha-alert a
	is "a spool that others may write to: 77" "$status" 77
	like "... said" "$err" 'others may write'
	chmod 700 "$SPOOL"
fi
exits "a state directory that can't be made: 73" 73 \
    env HA_STATE_DIR=/proc/none ha-alert -s x a
like "... the words are not lost" "$err" 'lost: message.*x'
empty

## Many

conf "channel a file path=$T/a" "channel b file group=1s path=$T/b"
ha-alert --flush
n=0
while [ $((n += 1)) -le 1000 ]; do
	printf 'problem\t20261123T0850Z-%s\t%s\tOK\t%s\tweb2\tweb1\tc%s\tCRIT\t1.0\t-\tno\t-\n' \
	    $n 2026-11-23T08:50:01Z 2026-11-23T08:50:01Z $n
done >"$T/many"
run ha-alert a b <"$T/many"
is "1,000 at once: taken" "$status" 0
is "... in four files" "$(places)" '4 a,b new'
tap_clock
begun=$tap_now
flush 30s
tap_clock
diag "1,000 to a file, and in groups: $((tap_now - begun)) hundredths"
is "... told in their order" "$(cut -f 8 "$T/a")" "$(cut -f 8 "$T/many")"
is "... each" "$(sort "$T/b" | cut -f 8)" "$(sort "$T/many" | cut -f 8)"
is "... nothing is left" "$(places)" ''
done_testing
