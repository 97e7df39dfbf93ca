#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-act.t - records pass, commands run or don't, and what came of it is told.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../act.sh"

ESC=$(printf '\033')

## What is passed on

{
	echo '#begin	name=x	id=1'
	record problem nginx
	record better db WARN
	echo '#end	id=1'
} >"$R"
act -- "$T/make"
is "exit 0" "$status" 0
is "all is passed on, unchanged, first" "$(head -4 "$T/out")" "$(cat "$R")"
is "then the outcome" "$(outcomes)" "recovery OK OK $HERE act:nginx"
is "... and nothing else" "$(grep -c . "$T/out")" 5
is "it was run once" "$(cat "$MADE")" nginx
like "... and told" "$(message)" \
    "^$T/make: ended with 0 in 0\\.[0-9] s \\(1 of 3 in 10m\\)\$"
like "... with its time, target and incident" "$(tail -1 "$T/out")" \
    "^recovery	20[0-9T]*Z-[0-9a-f]{16}	20[-0-9T:.]*Z	OK	20.*	$HERE	$HERE	.*	$T/make	.*	time=0\\.[0-9]*s\$"
is "... nothing on stderr" "$err" ''
cp "$T/out" "$T/told"
run ha-act -n -- true <"$T/told"
is "... for an ha-act too" "$status" 0

forget
problem
ha-act -- sh -c "cp '$T/first' '$MADE'" <"$R" >"$T/first"
is "the record is on stdout before the command is run" \
    "$(cat "$MADE")" "$(cat "$R")"

forget
: >"$R"
act -- "$T/make"
is "no record: exit 0" "$status" 0
is "... nothing passed on" "$out" ''
not_ok "... and nothing is made" test -e "$HA_STATE_DIR/act"

## What is no transition record

forget
{
	echo '2026-11-23T00:55:00.000Z	web1	-	nginx	CRIT	1.0	-	down	-'
	echo 'problem	x'
	printf 'a\000b\n'
	printf '%s\n' "problem	${ESC}[31m	x	y	z"
	record problem nginx | sed 's/down/\\q/'
	record problem nginx | sed "s/down/$(printf '%5000s' x)/"
	echo
	record problem nginx
} >"$R"
act -- "$T/make"
is "lines that are none: exit 65" "$status" 65
ok "... are passed on unchanged" cmp -n "$(wc -c <"$R")" "$R" "$T/out"
is "... the others are seen to" "$(made)" 1
is "... each is told with its number" \
    "$(printf '%s\n' "$err" | sed -n 's/^ha-act: line \([0-9]*\): ..*/\1/p' |
	tr '\n' ' ')" '1 2 3 4 5 6 7 '
like "... a status record with what is missing" "$err" \
    '^ha-act: line 1: .*ha-gate'
is "... in no other words" "$(printf '%s\n' "$err" | grep -c .)" 7
unlike "... and no raw byte" "$err" "$ESC"
forget
{
	record problem db
	record problem nginx | tr -d '\n'
} >"$R"
act -- "$T/make"
is "a line that is cut off: exit 65" "$status" 65
like "... said" "$err" '^ha-act: line 2: it is cut off'
is "... not passed on" "$(printf '%s\n' "$out" | grep -c nginx)" 0
is "... not acted on" "$(cat "$MADE")" db

## Which records are acted on

# DESC WANT RECORD... -- OPTION...
acts()
{
	forget
	acts_desc=$1 acts_want=$2
	shift 2
	: >"$R"
	while [ "$1" != -- ]; do
		# shellcheck disable=SC2086 # EVENT CHECK STATE HOST
		record $1 >>"$R"
		shift
	done
	shift
	act "$@" -- "$T/make"
	is "$acts_desc" "$([ ! -e "$MADE" ] || tr '\n' ' ' <"$MADE")" \
	    "$acts_want"
}

acts "problem, worse, reminder" 'a b c ' \
    'problem a' 'worse b' 'reminder c' 'better d' 'flapping e' 'stale f' \
    'aborted g' 'recovery h' 'removed i' --
acts "CRIT only" 'a ' 'problem a' 'problem b WARN' 'problem c UNKNOWN' \
    'problem d OK' --
acts "--on" 'd e ' 'problem a' 'stale d' 'flapping e' -- --on stale,flapping
acts "--state" 'b c ' 'problem a' 'problem b WARN' 'problem c UNKNOWN' -- \
    --state WARN,UNKNOWN
acts "-m" 'nginx-a ' 'problem nginx-a' 'problem db' -- -m 'nginx*'
acts "-m, again" 'nginx-a db ' 'problem nginx-a' 'problem db' 'problem x' -- \
    -m 'nginx*' -m db
acts "-m CHECK@HOST" 'db ' 'problem db CRIT web2' 'problem db CRIT web3' -- \
    -m '*@web2'
is "... the outcome names the host" "$(outcomes)" \
    "recovery OK OK $HERE act:db@web2"
acts "... of this machine it needs none" 'db ' "problem db CRIT $HERE" --
is "... here" "$(outcomes)" "recovery OK OK $HERE act:db"
acts "what an ha-act tells is no service" '' 'problem act:nginx' --
acts "... unless it is asked for" 'act:nginx ' 'problem act:nginx' -- \
    -m 'act:*'
acts "several words on a check are one run" 'a ' 'problem a WARN' 'worse a' \
    'reminder a' --
acts "a check that has recovered meanwhile needs none" '' 'problem a' \
    'recovery a OK' --

## What the command gets

forget
record problem disk:/ CRIT web2 |
    sed "s|	down	|	\\\\0033[31m a\\\\tb\\\\n\$(touch $T/pwned) \`x\` %s é	|" \
    >"$R"
# shellcheck disable=SC2016 # nobody is to expand it
act -- sh -c "env >'$T/env'; cat >'$T/stdin'; printf '%s|' \"\$@\" >'$T/args'" \
    sh '%s' '$(x)' "a  b'" '' '*'
is "exit 0" "$status" 0
is "the record is on its stdin" "$(cat "$T/stdin")" "$(cat "$R")"
is "its arguments are as they were" "$(cat "$T/args")" "%s|\$(x)|a  b'||*|"
env_of()
{
	tr '\n' ' ' <"$T/env" | grep -c " $1=$2 " >/dev/null
}
for pair in EVENT=problem INCIDENT=20261123T0050Z-0123456789abcdef \
    SINCE=2026-11-23T00:50:01.250Z OLDSTATE=OK STATE=CRIT HOST=web2 \
    CHECK=disk:/ TARGET=http://x BY=web1 TIME=2026-11-23T00:55:00.000Z; do
	like "HA_${pair%%=*}" "$(cat "$T/env")" "^HA_$pair\$"
done
like "HA_MSG as it was" "$(grep -A1 HA_MSG "$T/env" | tr '\n\t\033' '|>^')" \
    "^HA_MSG=\\^\\[31m a>b\\|\\\$\\(touch $T/pwned\\) \`x\` %s é\\|\$"
not_ok "... nothing of it was run" test -e "$T/pwned"

forget
problem
act --name a -- sh -c 'printf "one\n\033[31mtwo\033[m\n  \n"; echo three >&2; exit 4'
is "its output is on stderr, escaped" "$(head -3 "$T/err" | sed 's/.*: //')" \
    'one
\0033[31mtwo\0033[m
three'
like "... the last line in the outcome" "$(message)" \
    'ended with 4 in .*\(1 of 3 in 10m\): three$'
is "... a problem" "$(outcomes)" "problem CRIT OK $HERE act:nginx"
forget
act --name a -- sh -c 'seq 1000; yes | head -c 3000000; printf last'
is "a lot of output is cut" "$(printf '%s\n' "$err" | grep -c .)" 101
like "... said" "$(tail -1 "$T/err")" 'further output is not shown'
like "... but the last line is kept" "$(message)" ': last$'
forget
act -- "$T/none"
is "a command that is not there: exit 0" "$status" 0
is "... told" "$(outcomes)" "problem CRIT OK $HERE act:nginx"
like "... why" "$(message)" "can't start .*/none: No such file.*1 of 3"
forget
act -- sh -c 'kill -SEGV $$'
like "killed by a signal: told" "$(message)" 'ended with 139 \(SIGSEGV\)'

## Limit, backoff, recovery

forget
for i in 1 2 3; do
	problem
	act --backoff 0 --name x -- false
	like "run $i" "$(message)" "^false: ended with 1 .*\\($i of 3 in 10m\\)\$"
	[ "$i" != 1 ] || first=$(tail -1 "$T/out" | cut -f 2,3)
done
is "later failures are reminders" "$(outcomes)" \
    "reminder CRIT CRIT $HERE act:nginx"
is "... of the same incident" "$(tail -1 "$T/out" | cut -f 2,3)" "$first"
act --backoff 0 --name x -- false
is "the limit: exit 0" "$status" 0
is "... told" "$(outcomes)" "reminder CRIT CRIT $HERE act:nginx"
like "... in words" "$(message)" \
    "^gave up: 3 runs in 10m: false is not run again before nginx has recovered, or '$HA_STATE_DIR/act/x/nginx@-' is removed\$"
act --backoff 0 --name x -- "$T/make"
is "... once" "$(outcomes)" ''
is "... nothing is run" "$(made)" 0
is "... nor said" "$err" ''
record problem nginx CRIT web2 >"$R"
act --backoff 0 --name x -- "$T/make"
is "another host's is another one" "$(made)" 1
problem
act --backoff 0 --name y -- "$T/make"
is "another name is another count" "$(made)" 2
record recovery nginx OK >"$R"
act --name x -- "$T/make"
is "the check recovers: told" "$(outcomes)" "recovery OK CRIT $HERE act:nginx"
is "... the same incident" "$(tail -1 "$T/out" | cut -f 2,3)" "$first"
problem
act --backoff 0 --name x -- "$T/make"
is "... but its runs are in the window still" "$(outcomes)" \
    "problem CRIT OK $HERE act:nginx"
record recovery nginx OK >"$R"
act --name x -- "$T/make"
sed -i 's/^run	20../run	2020/' "$HA_STATE_DIR/act/x/nginx@-"
problem
act --backoff 0 --name x -- "$T/make"
is "... out of the window it is run" "$(made)" 3
sed -i 's/^run	20../run	2020/; $a gave-up' "$HA_STATE_DIR/act/x/nginx@-"
problem
act --backoff 0 --name x -- "$T/make"
is "... having given up it is not run" "$(made)" 3
record problem nginx | sed 's/	20261123T0050Z/	20261124T0050Z/' >"$R"
act -n --backoff 0 --name x -- "$T/make"
like "... but in another incident: -n" "$err" 'would run: .* \(1 of 3/10m\)'
act --backoff 0 --name x -- "$T/make"
is "... it is, though its recovery was lost" "$(made)" 4
record removed nginx OK >"$R"
act --name x -- "$T/make"
is "removed ends it too" "$(grep -c failing "$HA_STATE_DIR/act/x/nginx@-")" 0
forget
for i in 1 2; do
	problem
	act -l 1/1h --name x -- true
done
like "-l, and no wait that is longer than its time" "$err" 'too early'
rm "$HA_STATE_DIR/act/x/nginx@-"
act -l 1/1h --name x -- "$T/make"
is "the file is removed: it begins anew" "$(made)" 1

forget
problem
act --name x -- "$T/make"
act --name x -- "$T/make"
is "too early: exit 0" "$status" 0
is "... not run" "$(made)" 1
like "... said" "$err" \
    "^ha-act: nginx: $T/make is not run: too early .*(9|10) s more"
is "... no outcome" "$(outcomes)" ''
record recovery nginx OK >"$R"
problem >>"$R"
{
	record recovery nginx OK
	record problem nginx
} >"$R"
act --name x -- "$T/make"
is "a recovery ends the wait" "$(made)" 2

forget
problem
act --backoff 0 --name x -- false
act --backoff 0 --name x -- true
is "it ends well after a failure: told" "$(outcomes)" \
    "recovery OK CRIT $HERE act:nginx"
record recovery nginx OK >"$R"
act --name x -- false
is "... its recovery needs no more words" "$(outcomes)" ''

## One at a time

forget
problem
spawn -i "$R" -o "$T/one" ha-act --name x -- "$T/wait"
one=$pid
ok "one runs" wait_until 10 test -e "$MADE"
act --name x -- "$T/make"
is "a second one: exit 0" "$status" 0
is "... does not run it" "$(made)" 1
like "... says who does" "$err" \
    "^ha-act: nginx: .* is not run: .*held by process $one \\(ha-act\\)"
is "... passes on" "$out" "$(cat "$R")"
problem db
act --name x -- "$T/make"
is "... runs it for another check" "$(tail -1 "$MADE")" db
record recovery nginx OK >"$R"
act --name x -- "$T/make"
is "a recovery waits for nobody" "$(grep -c tries \
    "$HA_STATE_DIR/act/x/nginx@-")" 0
: >"$T/go"
reap "$one"
is "... the first one ends" "$status" 0
like "... well" "$(tail -1 "$T/one")" 'ended with 0'

forget
rm -f "$T/go"
cat >"$T/fails" <<END
#!/bin/sh
"$T/wait"
exit 1
END
chmod +x "$T/fails"
problem
spawn -i "$R" -o "$T/one" ha-act --name x -- "$T/fails"
one=$pid
ok "one runs" wait_until 10 test -e "$MADE"
record recovery nginx OK >"$R"
act --name x -- "$T/make"
: >"$T/go"
reap "$one"
out=$(cat "$T/one")
is "its check recovers, then it fails: the failure does not stay" \
    "$(outcomes)" "problem CRIT OK $HERE act:nginx
recovery OK CRIT $HERE act:nginx"
like "... in words" "$(message)" '^nginx has recovered: .* may be run for it'

## A gate that tells the same again

forget
for sweep in 1 2 3 4; do
	printf '#begin\tname=g\tid=%s\n' "$sweep"
	printf '%s\tweb1\t-\tnginx\tCRIT\t1\thttp://x\tdown\t-\n' \
	    "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)"
	printf '#end\tid=%s\tn=1\tworst=CRIT\n' "$sweep"
done >"$T/sweeps"
for sweep in 1 2 3 4; do
	sed -n "$((sweep * 3 - 2)),$((sweep * 3))p" "$T/sweeps" >"$T/sweep"
	ha-gate again --down 1 -- sh -c "ha-act --backoff 0 -l 2/10m \
	    --name again -- '$T/make' >>'$T/again'; exit 75" \
	    <"$T/sweep" 2>/dev/null
	is "what follows ha-act fails: told again" \
	    "$(grep -c '^problem.*	nginx	' "$T/again")" $sweep
done
is "... run again, within the limit" "$(made)" 2
is "... gave up, once" "$(grep -c 'act:nginx.*gave up' "$T/again")" 1

## The deadline

# A number of a process each in $MADE.
cat >"$T/stubborn" <<END
#!/bin/sh
trap '' TERM
sh -c 'trap "" TERM; echo \$\$ >>"$MADE"; while :; do sleep 60; done' &
echo \$\$ >>"$MADE"
while :; do sleep 60; done
END
chmod +x "$T/stubborn"
forget
problem
act -t 300ms --grace 300ms -- "$T/stubborn"
is "the deadline: exit 0" "$status" 0
is "... told" "$(outcomes)" "problem CRIT OK $HERE act:nginx"
like "... in words" "$(message)" 'was ended at its deadline of 300 ms, by SIGKILL'
is "... two of them" "$(made)" 2
while read -r child; do
	ok "... none is left" wait_until 5 gone "$child"
done <"$MADE"
forget
act -t 300ms --grace 30s -- sh -c \
    "sh -c 'trap \"sleep 0.3; echo late >>$MADE; exit\" TERM
	while :; do sleep 0.1; done' & sleep 60"
is "what it started has the grace too" "$(cat "$MADE")" late
like "... SIGTERM was enough" "$(message)" 'its deadline of 300 ms \('
forget
act -t 300ms -- sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
is "0 after the deadline is a failure" "$(outcomes)" \
    "problem CRIT OK $HERE act:nginx"
forget
act -- sh -c "sleep 60 & echo \$! >$MADE"
read -r child <"$MADE"
not_ok "what it leaves in the background lives on" gone "$child"
kill "$child"

## Passing on goes on

forget
problem
rm "$T/go"
mkfifo "$T/in"
spawn -i "$T/in" -o "$T/passed" ha-act -- "$T/wait"
one=$pid
exec 8>"$T/in"
cat "$R" >&8
ok "a command runs" wait_until 10 test -e "$MADE"
ok "... its record has gone on" lines "$T/passed" 1
record problem db >&8
record better x WARN >&8
ok "... those behind it too" wait_until 10 lines "$T/passed" 3
is "... one command at a time" "$(made)" 1
exec 8>&-
: >"$T/go"
reap "$one"
is "... then the next one: exit 0" "$status" 0
is "... run too" "$(made)" 2
is "... all is told" "$(grep -c 'ended with 0' "$T/passed")" 2
forget
: >"$T/passed"
rm "$T/go"
spawn -i "$T/in" -o "$T/passed" ha-act --parallel 2 -- "$T/wait"
one=$pid
exec 8>"$T/in"
for check in a b c; do
	record problem $check
done >&8
ok "--parallel 2" wait_until 10 lines "$MADE" 2
record better x WARN >&8
ok "... passing on goes on" wait_until 10 lines "$T/passed" 4
is "... no third one" "$(made)" 2
exec 8>&-
: >"$T/go"
reap "$one"
is "... but later: exit 0" "$status" 0
is "... all three were run" "$(sort "$MADE" | tr '\n' ' ')" 'a b c '

# Nobody reads: the service is started again all the same.
forget
mkfifo "$T/stalled"
exec 7<>"$T/stalled"
{
	for i in $(seq 500); do
		record better "x$i-$(printf '%300s' x)" WARN
	done
	record problem nginx
} >"$R"
spawn -i "$R" -o "$T/stalled" ha-act -- "$T/make"
one=$pid
ok "a reader that stalls: the command is run" wait_until 10 test -e "$MADE"
not_ok "... what is left waits" gone "$one"
# shellcheck disable=SC2094 # one end is opened while the other one is
spawn -i "$T/stalled" -o "$T/passed" sh -c 'exec 7>&-; exec cat'
exec 7>&-
reap "$one"
is "... until it is read: exit 0" "$status" 0
reap "$pid"
ok "... nothing is lost" cmp -n "$(wc -c <"$R")" "$R" "$T/passed"
is "... with the outcome" "$(tail -1 "$T/passed" | cut -f 8)" act:nginx

## Stdout that fails

forget
problem
mkfifo "$T/fifo"
# shellcheck disable=SC2094 # so that the second one does not block
exec 8<>"$T/fifo" 9>"$T/fifo" 8<&-
ha-act -- "$T/make" <"$R" >&9 2>"$T/err"
is "nobody reads stdout: as SIGPIPE" $? 141
is "... the command is run" "$(made)" 1
like "... and its outcome is on stderr" "$(cat "$T/err")" \
    '^ha-act: act:nginx OK: .*ended with 0'
unlike "... that and nothing else" "$(cat "$T/err")" '[Pp]ipe|stdout'
exec 9>&-
forget
ha-act -- "$T/make" <"$R" >/dev/full 2>"$T/err"
is "a full disk: 74" $? 74
is "... the command is run" "$(made)" 1
like "... said" "$(cat "$T/err")" "^ha-act: can't write to stdout: No space"
like "... and the outcome" "$(cat "$T/err")" 'act:nginx OK: .*ended with 0'
forget
ha-act -- "$T/make" <"$R" >&- 2>"$T/err"
is "no stdout: 74" $? 74
ha-act -- "$T/make" <&- >"$T/out" 2>"$T/err"
is "no stdin: 74" $? 74
like "... said" "$(cat "$T/err")" 'stdin is closed'
# Its reader goes while it waits for input.
spawn -o "$T/fifo" -i "$T/in" ha-act -- true
one=$pid
exec 8>"$T/in" 9<"$T/fifo"
exec 9<&-
ok "it ends with its reader" wait_until 10 gone "$one"
exec 8>&-
reap "$one"
is "... as SIGPIPE" "$status" 141
done_testing
