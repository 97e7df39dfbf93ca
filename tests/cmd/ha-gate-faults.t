#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-gate-faults.t - what is told when something breaks: again, or by the way,
# but never not at all.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../gate.sh"

# A COMMAND that keeps what it was told.
cat >"$T/take" <<END
#!/bin/sh
cat >>"$T/taken"
END
chmod +x "$T/take"

minute=0

# A new gate that knows of a check that is OK.
begin()
{
	rm -rf "$HA_STATE_DIR/gate" "$T/taken"
	next web=OK
	gate g -- "$T/take" <"$T/in"
}

# A minute later, a sweep of these.
next()
{
	minute=$((minute + 1))
	pass $((minute * 60))
	sweep prober "$@" >"$T/in"
}

# How often something was told: EVENT CHECK.
count()
{
	[ ! -e "$T/taken" ] ||
	    awk -F '\t' -v event="$1" -v check="$2" '
		$1 == event && $8 == check { n++ }
		END { print n + 0 }' "$T/taken"
}

taken()
{
	: >>"$T/taken"
	cp "$T/taken" "$T/out"
	told
}

gone()
{
	! kill -0 "$1" 2>/dev/null
}

## SIGKILL before each call that writes, locks, starts or renames

# PLACE ARG...: a gate that dies there.
dies()
{
	place=$1
	shift
	run env LD_PRELOAD="$HA_TOOLS/preload/jump.so $HA_TOOLS/preload/die.so" \
	    HA_TEST_CLOCK="$T/wall" HA_TEST_BOOT="$T/boot" \
	    HA_TEST_DIE="$place" \
	    ha-gate "$@" <"$T/in"
}

place=0 status=137 lost='' often='' silent='' other=''
while [ "$status" -eq 137 ] && [ "$place" -lt 100 ]; do
	begin
	next web=CRIT
	dies $((place + 1)) g -- "$T/take"
	[ "$status" -eq 137 ] || break
	next web=CRIT
	gate g -- "$T/take" <"$T/in"
	case $(count problem web) in
	0) lost="$lost $place" ;;
	1 | 2) ;;
	*) often="$often $place" ;;
	esac
	[ "$(awk -F '\t' '$1 == "problem" { print $2 }' "$T/taken" |
	    sort -u | wc -l)" -eq 1 ] || other="$other $place"
	rm "$T/taken"
	next web=CRIT
	gate g -- "$T/take" <"$T/in"
	[ ! -e "$T/taken" ] || often="$often $place"
	status=137
done
ok "it died at some places ($place), then at none" test "$place" -ge 5
is "... and ended well in the end" "$status" 0
is "... what was bad was told, wherever it died" "$lost" ''
is "... and not for ever" "$often" ''
is "... nor as another incident" "$other" ''

place=0 status=137
while [ "$status" -eq 137 ] && [ "$place" -lt 100 ]; do
	begin
	next web=CRIT
	dies $((place + 1)) g -- "$T/take"
	[ "$status" -eq 137 ] || break
	next web=OK
	gate g -- "$T/take" <"$T/in"
	[ "$(count problem web)" = 0 ] || [ "$(count recovery web)" = 1 ] ||
	    [ ! -e "$T/taken" ] || silent="$silent $place"
	status=137
done
is "... and what was told as bad was told as over" "$silent" ''

## The state can't be kept

begin
next web=CRIT db=OK slow=WARN
HA_STATE_DIR=/proc/none gate g <"$T/in"
is "no state: what is not OK is passed on" "$(told)" \
    'problem web UNKNOWN>CRIT; problem slow UNKNOWN>WARN'
is "... 73" "$status" 73
like "... said, with what to do" "$err" \
    "^ha-gate: .*'/proc/none' \\(HA_STATE_DIR\\).*HA_STATE_DIR.* 2 results"
incident=$(cut -f 2 "$T/out" | sort)
pass $(((minute + 1) * 60))
like "... its incident is of the hour" "$incident" '^[0-9]{8}T[0-9]{2}00Z-'
HA_STATE_DIR=/proc/none gate g </dev/null
is "... nothing came: aborted" "$(told)" 'aborted sweep:- UNKNOWN>CRIT'
HA_STATE_DIR=/proc/none gate g -- "$T/take" <"$T/in"
is "... COMMAND is told too" "$(count problem web)" 1
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	begin
	next web=CRIT
	chmod 755 "$T" "$HA_STATE_DIR"
	as_nobody()
	{
		# shellcheck disable=SC2086 # words
		run setpriv --reuid 65534 --regid 65534 --clear-groups \
		    $later ha-gate "$@" <"$T/in"
	}
	as_nobody g
	is "without the privilege: passed on" "$(told)" \
	    'problem web UNKNOWN>CRIT'
	is "... 73" "$status" 73
	like "... said" "$err" 'Permission denied.*HA_STATE_DIR'
	as_nobody g -n
	is "... -n needs none" "$status $(told)" '0 problem web OK>CRIT'
	chmod 777 "$HA_STATE_DIR/gate"
	chmod 600 "$(state g)"
	rm "$(state g).lock"
	as_nobody g
	is "a state that can't be read: passed on" "$(told)" \
	    'problem web UNKNOWN>CRIT'
	is "... 77" "$status" 77
	mkdir "$T/small"
	mount -t tmpfs -o size=64k none "$T/small"
	kept=$HA_STATE_DIR
	HA_STATE_DIR=$T/small
	next web=OK db=OK
	gate g -- "$T/take" <"$T/in"
	is "a small disk" "$status" 0
	dd if=/dev/zero of="$T/small/full" bs=4k 2>&-
	rm -f "$T/taken"
	next web=CRIT db=OK
	gate g -- "$T/take" <"$T/in"
	is "a full one: passed on" "$(taken)" 'problem web UNKNOWN>CRIT'
	like "... 73 or 74" "$status" '^7[34]$'
	like "... said" "$err" 'No space left'
	rm "$T/small/full" "$T/taken"
	next web=CRIT db=OK
	gate g -- "$T/take" <"$T/in"
	is "... there is room: weighed" "$status $(taken)" \
	    '0 problem web OK>CRIT'
	umount "$T/small"
	HA_STATE_DIR=$kept
else
	skip "without the privilege" "needs root and setpriv"
fi

## Damage

damage()
{
	begin
	next web=CRIT db=WARN
	gate g -- "$T/take" <"$T/in"
	"$@"
	next web=CRIT db=OK
	gate g --down 3 <"$T/in"
	is "damaged ($*): set aside, exit 0" "$status" 0
	is "... said" "$(echo "$err" | grep -c 'warning: the state is damaged')" 1
	is "... what is not OK is told anew, by its first result" "$(told)" \
	    'problem web UNKNOWN>CRIT'
	is "... it is kept" \
	    "$(find "$HA_STATE_DIR/gate" -name 'g.damaged-*' | wc -l)" 1
	next web=OK db=OK
	gate g <"$T/in"
	is "... and goes on" "$status $(told)" '0 recovery web CRIT>OK'
}
cut_off()
{
	size=$(stat -c %s "$(state g)")
	truncate -s $((size / 2)) "$(state g)"
}
no_trailer()
{
	sed -i '$d' "$(state g)"
}
empty()
{
	: >"$(state g)"
}
garbage()
{
	head -c 5000 /dev/urandom >"$(state g)"
}
a_letter()
{
	sed -i 's/\tCRIT\t/\tCRAT\t/' "$(state g)"
}
damage cut_off
damage no_trailer
damage empty
damage garbage
damage a_letter

## Two at once

begin
next web=CRIT db=CRIT
i=0 pids=''
while [ $((i += 1)) -le 12 ]; do
	# shellcheck disable=SC2086 # words
	spawn -i "$T/in" $later ha-gate g -- "$T/take"
	pids="$pids $pid"
done
bad=0
for pid in $pids; do
	reap "$pid"
	bad=$((bad + status))
done
is "twelve at once: all end well" "$bad" 0
is "... and tell it once" "$(taken)" \
    'problem web OK>CRIT; problem db UNKNOWN>CRIT'
begin
next web=CRIT
exec 7>"$(state g).lock"
flock 7
gate g -t 100ms <"$T/in"
exec 7>&-
is "a lock that is held: passed on" "$(told)" 'problem web UNKNOWN>CRIT'
is "... 75" "$status" 75
like "... said" "$err" "g.lock' is held by "

## COMMAND

# DESC STATUS ERE ARG...: told again by the next run.
fails()
{
	desc=$1 want=$2 words=$3
	shift 3
	begin
	next web=CRIT
	gate g "$@" <"$T/in"
	is "$desc: $want" "$status" "$want"
	like "... said in a line" "$err" "^ha-gate: $words; the same 1 transition is told again by the next run\$"
	is "... one" "$(echo "$err" | wc -l)" 1
	rm -f "$T/taken"
	next web=CRIT
	gate g -- "$T/take" <"$T/in"
	is "... and so it is" "$(taken)" 'problem web OK>CRIT'
}
cat >"$T/stay" <<END
#!/bin/sh
trap '' TERM
sleep 4321 &
echo \$! >"$T/child"
touch "$T/started"
wait
END
chmod +x "$T/stay"
fails "COMMAND fails" 75 'false ended with status 1' -- false
fails "... is missing" 75 "can't start $T/none: No such file.*" -- "$T/none"
fails "... is killed" 75 'sh was ended by signal 9' -- sh -c "kill -9 \$\$"
fails "... stays too long" 75 "$T/stay had not ended in time.*" -t 300ms -- \
    "$T/stay"
ok "... its whole group is ended" wait_until 10 gone "$(cat "$T/child")"
begin
next web=CRIT
rm -f "$T/started"
# shellcheck disable=SC2086 # words
spawn -i "$T/in" -e "$T/err" $later ha-gate g -- "$T/stay"
wait_until 10 test -e "$T/started"
reap "$pid" TERM
is "SIGTERM while it works: by the signal" "$status" 143
ok "... the group is ended" wait_until 10 gone "$(cat "$T/child")"
next web=CRIT
gate g -- "$T/take" <"$T/in"
is "... it is told again" "$(taken)" 'problem web OK>CRIT'
begin
mkfifo "$T/fifo"
# shellcheck disable=SC2086 # words
spawn -i "$T/fifo" $later ha-gate g -- "$T/take"
exec 9>"$T/fifo"
{
	sweep prober web=CRIT
	printf '#begin\tname=prober\tid=x\n'
	rec db OK
} >&9
ok "a sweep is told while the next one is open" \
    wait_until 10 test -s "$T/taken"
reap "$pid" TERM
exec 9>&-
is "... SIGTERM ends it" "$status" 143
is "... and is no abortion" "$(taken)" 'problem web OK>CRIT'

## stdout

begin
next web=CRIT
# shellcheck disable=SC2086 # words
$later ha-gate g <"$T/in" >/dev/full 2>"$T/err"
status=$? err=$(cat "$T/err")
is "stdout can't be written: 74" "$status" 74
like "... said" "$err" 'No space left.*told again'
next web=CRIT
gate g <"$T/in"
is "... and so it is" "$(told)" 'problem web OK>CRIT'
begin
next web=CRIT
rm -f "$T/fifo"
mkfifo "$T/fifo"
# shellcheck disable=SC2094 # so that the second one does not block
exec 8<>"$T/fifo" 9>"$T/fifo" 8<&-
# shellcheck disable=SC2086 # words
$later ha-gate g <"$T/in" >&9 2>"$T/err"
is "stdout's reader is dead: as SIGPIPE" "$?" 141
exec 9>&-
is "... without a word" "$(cat "$T/err")" ''
next web=CRIT
gate g <"$T/in"
is "... told again" "$(told)" 'problem web OK>CRIT'
begin
minute=$((minute + 1))
pass $((minute * 60))
awk -v time="$rec_time" 'BEGIN {
	print "#begin\tname=many\tid=1"
	for (i = 0; i < 2000; i++)
		printf "%s\tb\th\tc%d\tCRIT\t1\tt\tm\t-\n", time, i
	print "#end\tid=1\tn=2000"
}' >"$T/in"
# shellcheck disable=SC2094 # so that neither blocks
exec 8<>"$T/fifo" 9>"$T/fifo"
# shellcheck disable=SC2086 # words
$later ha-gate g -t 200ms <"$T/in" >&9 2>"$T/err"
is "stdout's reader takes nothing: 75" "$?" 75
like "... said" "$(cat "$T/err")" 'takes nothing.* 2000 transitions are told again'
exec 8<&- 9>&-
gate g <"$T/in"
is "... and so they are" "$(wc -l <"$T/out")" 2000
# shellcheck disable=SC2086 # words
$later ha-gate g <"$T/in" >&- 2>"$T/err"
is "stdout is closed: 74" "$?" 74
like "... said" "$(cat "$T/err")" 'stdout is closed'

## The clock

begin
next web=CRIT
gate g -R 1h -- "$T/take" <"$T/in"
step 7200
next web=CRIT
gate g -R 1h <"$T/in"
is "the clock is stepped by two hours: no reminder" "$(told)" ''
like "... said" "$err" \
    'the clock was stepped forward by 2 h; what waits for a time is moved'
is "... one line" "$(echo "$err" | wc -l)" 1
minute=$((minute + 58))
next web=CRIT
gate g -R 1h <"$T/in"
is "... it comes in its time" "$(told)$err" 'reminder web CRIT>CRIT'
step -7200
next web=OK
gate g -R 1h <"$T/in"
is "and back: results are taken" "$(told)" 'recovery web CRIT>OK'
like "... said" "$err" 'the clock was stepped back by 2 h'
is "... one line" "$(echo "$err" | wc -l)" 1
next web=CRIT
rec web CRIT words "$(date -u -d "@$((base + passed + 86400))" +%FT%T.000Z)" \
    >"$T/in"
gate g <"$T/in"
is "a result from tomorrow is taken" "$(told)" 'problem web OK>CRIT'
next web=OK
gate g <"$T/in"
is "... and today's after it" "$(told)" 'recovery web CRIT>OK'
like "... said" "$err" 'from the future: a clock was wrong'
rec web CRIT words "$(date -u -d "@$((base + passed - 30))" +%FT%T.000Z)" \
    >"$T/in"
gate g -v <"$T/in"
is "one that is older than the last is not" "$(told)" ''
like "... which -v says" "$err" '1 result is older than the last one'
done_testing
