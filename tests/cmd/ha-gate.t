#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-gate.t - options, exit statuses, COMMAND, the operator's side.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../gate.sh"

# A COMMAND that keeps what it was told, and one that does not take it.
cat >"$T/take" <<END
#!/bin/sh
cat >>"$T/taken"
echo run >>"$T/runs"
END
cat >"$T/refuse" <<END
#!/bin/sh
cat >>"$T/refused"
exit 7
END
chmod +x "$T/take" "$T/refuse"

# A complete sweep, into the gate "g".
feed()
{
	sweep prober "$@" >"$T/in"
}

# of FILE FIELD: of its last record.
of()
{
	tail -n 1 "$1" | cut -f "$2"
}

taken()
{
	cp "$T/taken" "$T/out"
	told
}

forget()
{
	rm -rf "$HA_STATE_DIR/gate" "$T/taken" "$T/refused" "$T/runs"
}

## From a result to what is told

feed web@-=OK db=OK
gate g <"$T/in"
is "all is OK: exit 0" "$status" 0
is "... nothing is told" "$out$err" ''
ok "... there is a state" test -s "$(state g)"
pass 60
{
	printf '#begin\tname=prober\tid=1\n'
	rec web@- CRIT 'no answer'
	rec db OK
	printf '#end\tid=1\tn=2\n'
} >"$T/in"
gate g <"$T/in"
is "CRIT: exit 0" "$status" 0
is "... is told" "$(told)" 'problem web OK>CRIT'
is "... all 13 fields" "$(cut -f 1,3-12 "$T/out")" \
    "$(printf 'problem\t%s\tOK\t%s\tprobe1\t-\tweb\tCRIT\t1.5\ttcp://10.0.0.1\tno answer' \
	"$rec_time" "$rec_time")"
is "... its incident is of that minute" "$(of "$T/out" 2 | cut -d- -f1)" \
    "$(echo "$rec_time" | tr -d :- | cut -c 1-13)Z"
problem=$(of "$T/out" 2)
pass 120
sed "s/20[-0-9T:.]*Z/$rec_time/" "$T/in" >"$T/in2"
gate g <"$T/in2"
is "the same again: nothing" "$out$err" ''
pass 180
feed web@-=OK db=OK
gate g <"$T/in"
is "OK: the recovery" "$(told)" 'recovery web CRIT>OK'
is "... of the same incident" "$(of "$T/out" 2)" "$problem"
is "... for how long it was" "$(of "$T/out" 12)" 'words (was CRIT for 2 m)'
pass 240
feed web@-=WARN db=OK
gate g -F json <"$T/in"
like "-F json" "$out" "^\\{\"event\":\"problem\",\"incident\":\"20[0-9T]*Z-[0-9a-f]{16}\",\"since\":\"$rec_time\",\"old_state\":\"OK\",.*\"check\":\"web\",\"state\":\"WARN\",.*\\}\$"

## The names of incidents

forget
{
	for result in OK CRIT OK CRIT OK CRIT; do
		rec web $result
	done
} >"$T/in"
gate g --flap 0 <"$T/in"
cut -f 2 "$T/out" | sort -u >"$T/names"
is "three problems within a minute: three incidents" \
    "$(grep -c . "$T/names") $(grep -c ^problem "$T/out")" '3 3'
step -7200
{
	for result in OK CRIT OK CRIT; do
		rec web $result
	done
} >"$T/in"
gate g --flap 0 <"$T/in"
cut -f 2 "$T/out" >>"$T/names"
is "... and two more after the clock was set back by 2 h" \
    "$(sort -u "$T/names" | grep -c .)" 5
step 7200
gate g <"$T/in"
forget
pass 270
feed web=CRIT
gate g <"$T/in"
one=$(of "$T/out" 2)
sed 's/	probe1	/	probe2	/' "$T/in" >"$T/in2"
HA_STATE_DIR=$T/other gate g <"$T/in2"
is "another observer has the same" "$(of "$T/out" 2)" "$one"
rm -r "$T/other"

## COMMAND

forget
pass 300
feed web=OK
gate g -- "$T/take" <"$T/in"
is "nothing to tell: COMMAND is not started" \
    "$status $(ls "$T/runs" 2>&-)" '0 '
pass 360
feed web=CRIT
gate g -- "$T/take" <"$T/in"
is "something: it is" "$status" 0
is "... with the records on its stdin" "$(taken)" 'problem web OK>CRIT'
is "... and nothing is on stdout" "$out$err" ''
pass 420
feed web=CRIT
gate g -- "$T/take" <"$T/in"
is "... once" "$(cat "$T/runs")" run

## What COMMAND has not taken is owed

forget
pass 600
feed web=OK db=OK
gate g <"$T/in"
pass 660
feed web=CRIT db=OK
gate g -- "$T/refuse" <"$T/in"
is "COMMAND fails: exit 75" "$status" 75
like "... said" "$err" 'refuse ended with status 7; the same 1 transition is told again by the next run$'
run ha-gate g --show -F tsv
like "--show says so" "$out" '	still to be told, as COMMAND failed	'
pass 720
feed web=OK db=CRIT
gate g -n -- "$T/take" <"$T/in"
is "-n shows what is owed, and what is new" "$(told)" \
    'problem web OK>CRIT; recovery web CRIT>OK; problem db OK>CRIT'
not_ok "... starts nothing" test -e "$T/taken"
gate g -- "$T/refuse" <"$T/in"
like "... it fails again" "$err" 'the same 3 transitions are told again'
pass 780
feed web=OK db=CRIT
gate g -- "$T/take" <"$T/in"
is "what came and went while it failed is told" "$status $(taken)" \
    '0 problem web OK>CRIT; recovery web CRIT>OK; problem db OK>CRIT'
is "... to the letter" "$(sed -n 1p "$T/taken")" "$(sed -n 1p "$T/refused")"
is "... of one incident" "$(sed -n '1,2p' "$T/taken" | cut -f 2 | sort -u |
    wc -l)" 1
pass 840
feed web=OK db=CRIT
gate g -- "$T/take" <"$T/in"
is "... and then no more" "$(cat "$T/runs")" run
feed web=CRIT db=CRIT
gate g -- "$T/refuse" <"$T/in"
gate g -F json </dev/null
like "what is owed as JSON" "$out" '^\{"event":"problem",.*"check":"web"'
is "... a line each" "$(grep -c '^{.*}$' "$T/out")" "$(grep -c . "$T/out")"
run ha-gate g --ack web --reason mine
is "--ack while it is owed" "$status" 0

## A COMMAND that fails at random, beside one that never does

forget
seed=${HA_SEED:-$$}
echo "# HA_SEED=$seed"
awk -v seed="$seed" 'BEGIN {
	srand(seed)
	split("OK OK WARN CRIT UNKNOWN", states, " ")
	for (run = 1; run <= 40; run++) {
		printf "%d", rand() < 0.5
		for (i = 1; i <= 5; i++)
			if (rand() < 0.9)
				printf " c%d=%s", i, states[int(rand() * 5) + 1]
		print ""
	}
	print "0 c1=OK"
}' >"$T/plan"
seconds=5000
: >"$T/reference"
while read -r fails items; do
	seconds=$((seconds + 60))
	pass $seconds
	# shellcheck disable=SC2086 # words
	feed $items
	HA_STATE_DIR=$T/other gate g -R 5m --down 2/3 <"$T/in"
	cat "$T/out" >>"$T/reference"
	command=$T/take
	[ "$fails" = 0 ] || command=$T/refuse
	gate g -R 5m --down 2/3 -- "$command" <"$T/in"
done <"$T/plan"
rm -r "$T/other"
ok "it is told of $(grep -c . "$T/reference") transitions" \
    test -s "$T/reference"
run diff "$T/reference" "$T/taken"
is "... the same, each once, and in order" "$out" ''

## What comes in, and what does not

forget
pass 900
{
	feed web=OK
	cat "$T/in"
	feed web=CRIT
	cat "$T/in"
	feed web=CRIT
	cat "$T/in"
	feed web=OK
	cat "$T/in"
} >"$T/all"
gate g --down 2/3 <"$T/all"
is "four sweeps in one read: as if one by one" "$(told)" \
    'problem web OK>CRIT; recovery web CRIT>OK'
forget
{
	rec web OK
	rec web CRIT
	rec web OK
} >"$T/in"
gate g <"$T/in"
is "three results without a frame" "$(told)" \
    'problem web OK>CRIT; recovery web CRIT>OK'

forget
gate g </dev/null
is "nothing came, and nothing is known: 65" "$status $out" '65 '
like "... said" "$err" \
    "^ha-gate: nothing came on stdin, and no sweep of 'g' is known yet\$"
feed web=OK
gate g <"$T/in"
pass 960
gate g --down 2/3 </dev/null
is "nothing came: aborted, whatever --down is" "$status $(told)" \
    '0 aborted sweep:prober OK>CRIT'
is "... of this gate and machine" "$(of "$T/out" 7,8)" \
    "$(hostname)	sweep:g/prober"
one=$(of "$T/out" 2)
feed web=OK
gate h <"$T/in"
gate h </dev/null
not_ok "... another gate's is another incident" test "$(of "$T/out" 2)" = "$one"
pass 1020
gate g </dev/null
is "... it is told once" "$out" ''
feed web=OK
gate g <"$T/in"
is "... and is over with the next one" "$(told)" 'recovery sweep:prober CRIT>OK'
forget
rec push OK >"$T/in"
gate g <"$T/in"
pass 1080
rec push OK >"$T/in"
gate g <"$T/in"
for seconds in 1380 1680; do
	pass $seconds
	gate g </dev/null
done
is "what comes without a frame is missed, too" "$(told)" 'stale push OK>UNKNOWN'
is "... 65, as no sweep is known" "$status" 65

forget
feed web=OK
gate g <"$T/in"
# DESC BYTES ERE: a line in a good sweep.
bad_line()
{
	{
		sed -n 1p "$T/in"
		printf %b "$2"
		sed -n '2,$p' "$T/in"
	} >"$T/bad"
	gate g <"$T/bad"
	is "$1: 65" "$status" 65
	like "... said" "$err" "$3"
	is "... the rest is taken" "$out" ''
}
bad_line "a line that is none" 'hello\n' \
    '^ha-gate: stdin:2: 1 field where a status record has 9'
bad_line "a NUL byte" 'a\0000b\n' '^ha-gate: stdin:2: a NUL byte'
bad_line "a long line" "$(printf '%05000d' 0)\\n" \
    '^ha-gate: record 2 is longer|stdin:2: .*longer than 4096'
bad_line "another #end" '#end\tid=none\tn=0\n' "#end without its #begin"
bad_line "an escape of a terminal" '\0033[31m\tx\n' 'stdin:2'
ok "... which does not reach it" test -z "$(tr -d '\n\040-\176' <"$T/err")"
i=0
while [ $((i += 1)) -le 9 ]; do
	echo "$i"
done | cat - "$T/in" >"$T/bad"
gate g <"$T/bad"
is "many: the first ones are said" "$(echo "$err" | grep -c 'stdin:')" 5
like "... the others counted" "$err" '^ha-gate: 9 lines are no status record'
printf '{"record":"begin","name":"prober"}\n' >"$T/bad"
gate g <"$T/bad"
is "JSON: 65, and the sweep is aborted" "$status $(told)" \
    '65 aborted sweep:prober OK>CRIT'
like "... said" "$err" 'this is JSON; .*-F tsv'
forget
feed web=OK
gate g <"$T/in"
{
	printf '#begin\tname=prober\tid=q\n'
	rec web CRIT
	printf '#end\tid=q\tn=5\tworst=CRIT\tquiet=1\n'
} >"$T/in"
gate g <"$T/in"
is "-q is refused: what is not OK is passed on" "$status $(told)" \
    '65 problem web UNKNOWN>CRIT'
like "... said" "$err" 'use the prober without -q'
gate g <"$T"
is "stdin can't be read: 74, and aborted" "$status $(told)" \
    '74 aborted sweep:prober OK>CRIT'

## A producer that runs for long

forget
pass 3000
mkfifo "$T/fifo"
# shellcheck disable=SC2086 # words
spawn -i "$T/fifo" -o "$T/out" $later ha-gate g
exec 9>"$T/fifo"
out_has()
{
	[ "$(told)" = "$1" ]
}
sweep prober web=CRIT >&9
ok "a sweep is told when it is over" \
    wait_until 10 out_has 'problem web UNKNOWN>CRIT'
{
	printf '#begin\tname=prober\tid=dead\n'
	rec web CRIT
} >&9
sweep prober web=OK >&9
ok "... and one behind one that died is, too" \
    wait_until 10 out_has 'problem web UNKNOWN>CRIT; recovery web CRIT>OK'
exec 9>&-
reap "$pid"
is "at its end the one that died is aborted" "$(told | sed 's/.*; //')" \
    'aborted sweep:prober OK>CRIT'

## The operator's side

forget
pass 4000
feed db-a=CRIT db-b=OK web=OK
gate g <"$T/in"
feed db-a=OK
gate h <"$T/in"
run ha-gate --maint 30m 'nonesuch*' --reason x
is "--maint of no check: 1" "$status" 1
like "... said, with where it was looked for" "$err" \
    "^ha-gate: 'nonesuch\\*': no such check in '$HA_STATE_DIR/gate/'"
# shellcheck disable=SC2086 # words
run $later ha-gate g --maint 30m 'db-*' --reason 'new disks'
is "--maint: 0" "$status" 0
like "... prints the state's file and until when" "$out" \
    "^$HA_STATE_DIR/gate/g: 2 checks in maintenance until 20.*Z\$"
pass 4060
feed db-a=OK db-b=CRIT web=CRIT
gate g <"$T/in"
is "... holds, but for the recovery" "$(told)" \
    'recovery db-a CRIT>OK; problem web OK>CRIT'
# shellcheck disable=SC2086 # words
run $later ha-gate g --show -F table
like "... --show says who and why" "$out" 'maintenance for 29 m more \(.*: new disks\)'
run ha-gate --maint 0 'db-*'
like "... 0 ends it" "$out" "^$HA_STATE_DIR/gate/g: 1 maintenance ended\$"
pass 4120
feed db-a=OK db-b=CRIT web=CRIT
gate g <"$T/in"
is "... and what is not OK is told" "$(told)" 'problem db-b OK>CRIT'
run ha-gate --maint 0 'db-*'
is "... again: there is none, 1" "$status" 1
run ha-gate --ack "$(of "$T/out" 2)" --reason x
run ha-gate --ack 'db-a' --reason x
is "--ack of what is OK: 1" "$status" 1
like "... said" "$err" 'no such check that is not OK'
run ha-gate --ack 'web@*' --reason 'ordered'
like "--ack: with the state's file" "$out" \
    "^$HA_STATE_DIR/gate/g: 1 check acknowledged\$"
pass 12000
feed db-a=OK db-b=CRIT web=CRIT
gate g <"$T/in"
is "... no reminder of it" "$(told)" 'reminder db-b CRIT>CRIT'
run ha-gate --history 'db-a'
like "--history: its changes" "$(echo "$out" | cut -f 2-4 | tr '\t' ' ')" \
    '^recovery CRIT OK$'
is "... of all gates" "$status" 0
run ha-gate --history none
is "... of no check: 1" "$status" 1
run ha-gate nonesuch --show
is "--show of no gate: 1" "$status" 1
echo damaged >"$(state g)"
run ha-gate g --show
is "--show of a damaged state: 65" "$status" 65
run ha-gate g --maint 1h web --reason x
is "--maint of one: 1" "$status" 1
like "... it is set aside" "$err" 'warning: the state is damaged'

## Usage

usage()
{
	run ha-gate "$@" </dev/null
	is "$*: 64" "$status" 64
	is "... one line" "$(echo "$err" | wc -l)" 1
}
usage
usage ../x
usage .x
usage x.lock
usage x --down 0
usage x --down 3/2
usage x --down 2/65
usage x --up 1/2
usage x --flap 5
usage x --flap 1/5m
usage x --flap 21/5m
usage x --remind soon
usage x --maint 1h
usage x --maint 1h a
usage x --ack a b c --reason r
usage --ack a
usage x --reason r
usage --show --history x
usage x -F table
usage x -t 0
usage x -T 0
usage x ls
usage x --
echo 'web dep=' >"$T/rules"
run ha-gate x -f "$T/rules" </dev/null
is "a mistake in the rules: 78" "$status" 78
like "... its place" "$err" "^ha-gate: $T/rules:1:[0-9]+: "
run ha-gate x -f "$T/nonesuch" </dev/null
is "no rules: 66" "$status" 66
done_testing
