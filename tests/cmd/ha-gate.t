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

done_testing
