#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe.t - the command line: targets, files, mistakes and their places,
# formats, exit status, waiting.  What each kind of target proves is the matter
# of ha-probe-*.t.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
needs script perl

ESC=$(printf '\033')
CLOSED=tcp://127.0.0.1:1
serve silent
GOOD=tcp://127.0.0.1:$port good_pid=$pid
serve talk 'hello\r\nworld\r\n'
HELLO=tcp://127.0.0.1:$port hello_port=$port

# CHECK STATE of each record, by name.
states()
{
	grep -v '^#' "$T/out" | cut -f 4,5 | sort | tr '\t' ' '
}

## Exit status: the worst of all

exits "one that serves: 0" 0 ha-probe -F tsv "$GOOD"
is "... nothing on stderr" "$err" ''
is "... three lines" "$(wc -l <"$T/out")" 3
like "... framed" "$out" '^#begin	name=ha-probe	id='
like "... and its end" "$out" '^#end	id=.*	n=1	worst=OK$'
is "... nine fields" "$(sed -n 2p "$T/out" | awk -F '\t' '{ print NF }')" 9
is "... the URL is its name, and the target" "$(field 4) $(field 7)" \
    "$GOOD $GOOD"
is "... HOST is none" "$(field 3)" -
exits "one that does not: 2" 2 ha-probe -F tsv "$CLOSED"
like "... in words" "$(field 8)" '^connection refused by 127\.0\.0\.1:1$'
exits "slow: 1" 1 ha-probe -F tsv -w 0 "$GOOD"
like "... in words" "$(field 8)" 'took 0\.0'
like "... with its threshold" "$(field 9)" '^time=[0-9.e-]+s;0;;0;5$'
exits "both: the worst, 2" 2 ha-probe -F tsv -w 0 "$GOOD" "$CLOSED"
is "... each has its record" "$(states)" "$CLOSED CRIT
$GOOD WARN"
exits "this machine is at fault: 3" 3 ha-probe -F tsv \
    -B 192.0.2.77 "$GOOD"
like "... in words" "$(field 8)" '-B address'
exits "... and it is less than CRIT" 2 ha-probe -F tsv \
    unix:///nonexistent -B 192.0.2.77 "$GOOD"

## Mistakes: 3, one line, nothing runs

mistake()
{
	mistake_desc=$1 mistake_words=$2
	shift 2
	exits "$mistake_desc: 3" 3 ha-probe "$@"
	is "... nothing on stdout" "$out" ''
	is "... one line" "$(wc -l <"$T/err")" 1
	like "... said" "$err" "^ha-probe: $mistake_words"
}
mistake "nothing to do" 'no target is given; try'
mistake "no scheme" "'web1:80': column 1: .*tcp://web1:80\?" web1:80
mistake "an unknown scheme" "'gopher://a': column 1: 'gopher' is none of tcp" \
    gopher://a
mistake "no port" "'tcp://web1': column 11: .*tcp://web1:PORT" tcp://web1
mistake "a password" "'http://\*\*\*@web1/': column 8: .*user-file" \
    http://whoami:secret@web1/
unlike "... is not repeated" "$err" 'whoami|secret'
mistake "the second one" "'tcp://b': column 8" "$GOOD" tcp://b
mistake "an expectation" '--expect: column 17: regular expression: ' \
    -e 'status=200 body~(' http://127.0.0.1
mistake "... that can't be met" "'tcp://.*tcp has no HTTP response" \
    -e body~x "$GOOD"
mistake "a setting of nobody" '--method is for http and https' \
    --method PUT "$GOOD"
mistake "a duration" "--timeout: 'soon' is no duration" -t soon "$GOOD"
mistake "twice the same" "operand 2: the check '$GOOD' is there already" \
    "$GOOD" "$GOOD"
mistake "-o without prom" 'a file is written in the format prom only' \
    -F tsv -o "$T/x" "$GOOD"
mistake "-q with prom" 'in the format prom' -F prom -q "$GOOD"
mistake "--wait-down alone" '--wait-down needs --while' --wait-down 1s "$GOOD"
mistake "--while alone" '--while goes with' --while "$GOOD" "$CLOSED"
mistake "--while of the same" "--while: the check '$GOOD' is there.*operand 1" \
    --wait-down 1s --while "$GOOD" "$GOOD"
mistake "--wait and --wait-down" 'one of --wait, --wait-down' \
    --wait 1s --wait-down 1s --while "$GOOD" "$CLOSED"
mistake "--wait and -n" 'one of --wait' --wait 1s -n "$GOOD"
mistake "--diagnose -F json" '--diagnose is for people' \
    --diagnose -F json "$GOOD"
mistake "--diagnose of two" '--diagnose takes one target' \
    --diagnose "$GOOD" "$CLOSED"
mistake "--times 0" '--times: at least 1' \
    --wait-down 1s --while "$GOOD" --times 0 "$CLOSED"
mistake "--interval 0" '--interval: more than 0' --wait 1s --interval 0 "$GOOD"
mistake "--times without --wait-down" '--times goes with --wait-down' \
    --wait 1s --times 2 "$GOOD"
mistake "--interval of one sweep" '--interval goes with --wait' \
    --interval 2s "$GOOD"
mistake "-P 0" '--parallel: at least 1' -P 0 "$GOOD"
mistake "-T 0" '--total: more than 0' -T 0 "$GOOD"
mistake "an escape sequence" "'.0033\[31m': column 1: that is no URL" \
    "${ESC}[31m"
not_ok "... is escaped" grep -q "$ESC" "$T/err"

exits "-v -r 1: CRIT" 2 ha-probe -v -r 1 -F nagios "$CLOSED"
like "... each attempt that fails before the last" "$err" \
    "^ha-probe: $CLOSED: attempt 1 of 2: connection refused by [^ ]+\$"

## Targets files

cat >"$T/targets" <<END
# two of them
good  $GOOD   host=web1
hello $HELLO  expect='reply~"^world\$"' timeout=2s
include more.*
END
echo "bad   $CLOSED retries=0" >"$T/more.1"
exits "-f FILE, with an include" 2 ha-probe -F tsv -f "$T/targets"
is "... by their names" "$(states)" 'bad CRIT
good OK
hello OK'
like "... with their HOST" "$out" '	web1	good	OK	'
exits "-f and operands" 2 ha-probe -F tsv -f "$T/targets" "$HELLO"
is "... all of them" "$(states | wc -l)" 4
echo "also $GOOD" >"$T/also"
exits "-f twice" 2 ha-probe -F tsv -f "$T/also" -f "$T/targets"
is "... both" "$(states | wc -l)" 4
mistake "the same name twice: both places" \
    "$T/more\.1:1:1: the check 'bad' is there already, at $T/more\.1:1:1" \
    -f "$T/more.1" -f "$T/targets"
echo "good $GOOD" >"$T/one"
run sh -c 'ha-probe -F tsv -f - <"$1"' sh "$T/one"
is "-f -: stdin" "$status $(states)" '0 good OK'
: >"$T/empty"
mistake "an empty file" "$T/empty names no target" -f "$T/empty"
mistake "no file" ".*$T/none" -f "$T/none"
while IFS='|' read -r line place words; do
	printf 'good %s\n%s\n' "$GOOD" "$line" >"$T/bad"
	exits "a mistake in a file: 3" 3 ha-probe -F tsv -f "$T/bad"
	is "... nothing is probed" "$out" ''
	like "... and its place" "$err" "^ha-probe: $T/bad:$place: $words"
done <<'END'
web|2:1|a line reads
web 10.0.0.1:80|2:5|a URL
web tcp://a:1 tiemout=2s|2:15|there is no setting 'tiemout'
web tcp://a:1 timeout=soon|2:23|timeout: 
web http://a expect='status=20'|2:29|expect: three digits
web http://a/b#c|2:15|.*never sent
web tcp://a:1 user-file=/none|2:25|user-file: can't read '/none'
good tcp://a:1|2:1|the check 'good' is there already, at
web tcp://a:1 'x|2:15|
END
printf 'a %s\nb %s host=x\nb %s host=y\n' "$GOOD" "$GOOD" "$GOOD" >"$T/hosts"
exits "one name of two hosts is two checks" 0 ha-probe -F tsv -f "$T/hosts"
echo 'user:secret' >"$T/user"
chmod 640 "$T/user"
mistake "a secret that a group may read" \
    "--user-file: '$T/user' holds a secret.*chmod 600 '$T/user'" \
    --user-file "$T/user" http://127.0.0.1:1/
mistake "a secret as a header" '--header: .*header-file' \
    --header 'Authorization: Basic x' http://127.0.0.1:1/

## -n: what was understood, and nothing else

exits "-n: 0" 0 ha-probe -n -f "$T/targets" -t 3s "$CLOSED"
is "... a line a target" "$out" "good $GOOD timeout=3000ms host=web1
hello $HELLO timeout=2000ms expect='reply~\"^world\$\"'
bad $CLOSED timeout=3000ms retries=0
$CLOSED timeout=3000ms"
cp "$T/out" "$T/again"
run ha-probe -n -f "$T/again"
is "... which mean the same" "$out" "$(cat "$T/again")"
exits "-n of a mistake: 3" 3 ha-probe -n tcp://a

## Formats

exits "-q: what is not OK" 2 ha-probe -q -F tsv "$GOOD" "$CLOSED"
is "... one record" "$(states)" "$CLOSED CRIT"
like "... told in the trailer" "$out" '^#end	.*	n=2	worst=CRIT	quiet=1$'
exits "-q of what is OK, as a table: nothing" 0 ha-probe -q -F table "$GOOD"
is "... at all" "$out$err" ''
exits "-F json" 2 ha-probe -F json "$GOOD" "$CLOSED"
# shellcheck disable=SC2016 # the dollar is perl's
ok "... is JSON" perl -MJSON::PP -ne 'decode_json($_)' "$T/out"
exits "-F nagios: one line" 2 ha-probe -F nagios "$CLOSED"
is "... only" "$(wc -l <"$T/out")" 1
like "... with words and numbers" "$out" \
    "^$CLOSED CRIT - connection refused by 127\.0\.0\.1:1\|time=[0-9.e-]+s;;;0;5$"
exits "-F prom -o" 2 ha-probe -F prom -o "$T/x.prom" "$GOOD" "$CLOSED"
is "... nothing on stdout" "$out$err" ''
like "... a file" "$(cat "$T/x.prom")" \
    "^ha_check_state\{.*check=\"$GOOD\".*\} 0$"
exits "-o where none can be written: 3" 3 \
    ha-probe -F prom -o /nonexistent/x.prom "$GOOD"
like "... said" "$err" '/nonexistent'
run script -qec "ha-probe $GOOD $CLOSED" /dev/null
like "a table on a terminal" "$out" '^.*STATE.* CHECK '
serve banner 'SSH-2.0-x '
run script -qec "ha-probe ssh://127.0.0.1:$port" /dev/null
like "what a server says is on it" "$out" 'SSH-2\.0-x'
unlike "... but drives it not" "$out" "$ESC\[[^0-9m]|$ESC\]|$ESC\[2J"

## As a plugin

ln -s "$HA_BIN/ha-probe" "$T/check_ha_probe"
plugin()
{
	plugin_desc=$1 plugin_status=$2 plugin_words=$3
	shift 3
	exits "$plugin_desc: $plugin_status" "$plugin_status" "$@"
	is "... one line" "$(wc -l <"$T/out")" 1
	like "... the words" "$out" "$plugin_words"
	is "... stderr is empty" "$err" ''
}
plugin "check_ha_probe" 0 "^$GOOD OK - .*\|time=.*;0;10$" \
    "$T/check_ha_probe" "$GOOD"
plugin "... CRIT" 2 "^$CLOSED CRIT - " "$T/check_ha_probe" "$CLOSED"
plugin "... an unknown option" 3 \
    "^HA-PROBE UNKNOWN - unknown option '--nonesuch'" \
    "$T/check_ha_probe" --nonesuch "$GOOD"
plugin "... a bad URL" 3 "^HA-PROBE UNKNOWN - 'tcp://a': column 8" \
    "$T/check_ha_probe" tcp://a
plugin "... with a bar" 3 '^HA-PROBE UNKNOWN - [^|]*$' \
    "$T/check_ha_probe" 'a|b'
plugin "... a file with a mistake" 3 \
    "^HA-PROBE UNKNOWN - $T/bad:2:15: " "$T/check_ha_probe" -f "$T/bad"
plugin "-F nagios: a bad URL" 3 "^HA-PROBE UNKNOWN - 'tcp://a'" \
    ha-probe -F nagios tcp://a
plugin "--format=nagios: an unknown option" 3 '^HA-PROBE UNKNOWN - ' \
    ha-probe --format=nagios --nonesuch
plugin "of many" 2 '^HA-PROBE CRIT - 1 of 3 not OK: bad CRIT' \
    "$T/check_ha_probe" -f "$T/targets"
long=$(printf '%0500d' 0)
plugin "a long mistake" 3 '^HA-PROBE UNKNOWN - ' \
    "$T/check_ha_probe" "http://a/ $long"
ok "... is cut at 400 bytes" test "$(wc -c <"$T/out")" -le 400
exits "check_ha_probe --help: 3" 3 "$T/check_ha_probe" --help
exits "check_ha_probe -F tsv" 0 "$T/check_ha_probe" -F tsv "$GOOD"
like "... is as asked" "$out" '^#begin'

## Expectations of bytes

found "a reply" OK 'hello' -e 'reply~"^hello$" reply~"^world$"' "$HELLO"
found "... that begins so" OK '' -e 'reply=hello\r\n' "$HELLO"
found "... that does not" CRIT \
    '^reply begins "hello( world)?", wanted "bye"' -e 'reply=bye' "$HELLO"
found "... that never comes" CRIT 'within 300 ms; reply lacks "more"' \
    -t 300ms -e 'reply~more' "$HELLO"
found "two -e both hold" CRIT 'reply has "hello"' \
    -e 'reply~world' -e 'reply!~hello' "$HELLO"

## --each-address

found "--each-address: a check of its own" OK '' --each-address \
    --resolve "both:127.0.0.1" "tcp://both:$hello_port"
is "... by its name" "$(field 4)" "tcp://both:$hello_port@127.0.0.1"
exits "... each" 2 ha-probe -F tsv --each-address \
    --resolve "both:127.0.0.1,127.0.0.9" "tcp://both:$hello_port"
is "... with its state" "$(states)" \
    "tcp://both:$hello_port@127.0.0.1 OK
tcp://both:$hello_port@127.0.0.9 CRIT"

## --diagnose

exits "--diagnose: the state" 0 ha-probe --diagnose "$HELLO" -e reply~world
like "... in words" "$out" '^OK  *hello'
like "... the address" "$out" "^address  *127\.0\.0\.1:$hello_port$"
like "... a phase" "$out" '^  connect  *[0-9]+\.[0-9][0-9] ms$'
like "... all of it" "$out" '^  total  *[0-9]+\.[0-9][0-9] ms$'
exits "--diagnose of what is down" 2 ha-probe --diagnose "$CLOSED"
like "... in words" "$out" '^CRIT  *connection refused'
serve banner 'SSH-2.0-x '
exits "--diagnose of a hostile banner" 2 \
    ha-probe --diagnose "ssh://127.0.0.1:$port"
like "... quotes it" "$out" 'malformed: SSH-2\.0-x'
not_ok "... cleaned" grep -q "$ESC" "$T/out"

## --wait

free_port()
{
	perl -MIO::Socket::INET -e '
		print IO::Socket::INET->new(Listen => 1,
		    LocalAddr => "127.0.0.1:0")->sockport'
}
# Each sweep of a witness leaves a line there.
connected()
{
	[ "$(($(wc -l <"$1") - 1))" -ge "$2" ]
}
serve silent
witness=tcp://127.0.0.1:$port witness_log=$served
late=$(free_port)
spawn -o "$T/waited" -e "$T/waited.err" \
    ha-probe -F tsv --wait 30s --interval 50ms "$witness" "tcp://127.0.0.1:$late"
waiter=$pid
ok "--wait sweeps again" wait_until 10 connected "$witness_log" 3
is "... writes nothing yet" "$(cat "$T/waited")" ''
spawn -o "$T/late" "$HA_TOOLS/rude" --port "$late" silent
late_pid=$pid
reap "$waiter"
is "... ends when all are OK: 0" "$status" 0
is "... with one sweep" "$(grep -c '^#begin' "$T/waited")" 1
is "... of which all are OK" "$(grep -c '	OK	' "$T/waited")" 2
is "... nothing on stderr" "$(cat "$T/waited.err")" ''
exits "--wait in vain: the worst" 2 \
    ha-probe -F tsv --wait 300ms --interval 50ms "$GOOD" "$CLOSED"
is "... the last sweep" "$(states)" "$CLOSED CRIT
$GOOD OK"
exits "--wait of a bad source: UNKNOWN" 3 ha-probe -F tsv --wait 200ms \
    --interval 50ms -B 192.0.2.77 "$GOOD"
serve talk ''
exits "--wait: the sweep that is cut off does not count" 2 \
    ha-probe -F tsv --wait 500ms --interval 10ms -t 300ms \
    -e reply~x "tcp://127.0.0.1:$port"
like "... the one before does" "$(field 8)" 'within 300 ms'
run script -qec "ha-probe -F tsv --wait 200ms --interval 50ms $CLOSED" /dev/null
like "--wait on a terminal tells what it waits for" "$out" \
    '1 of 1 not OK: .*CRIT'

## --wait-down

down()
{
	down_desc=$1 down_status=$2 down_words=$3
	shift 3
	exits "$down_desc: $down_status" "$down_status" \
	    ha-probe -F tsv --interval 20ms "$@"
	like "... told" "$err" "^ha-probe: $down_words"
	is "... one sweep" "$(grep -c '^#begin' "$T/out")" 1
}
down "--wait-down of what is down" 0 \
    "down: 3 times in a row, the last time: $CLOSED is CRIT \(connection refused" \
    --wait-down 10s --while "$witness" "$CLOSED"
is "... with the witness" "$(states)" "$CLOSED CRIT
$witness OK"
before=$(wc -l <"$witness_log")
down "... five times" 0 'down: 5 times in a row' \
    --wait-down 10s --times 5 --while "$witness" "$CLOSED"
connected_since()
{
	[ "$(($(wc -l <"$witness_log") - before))" -eq "$1" ]
}
ok "... are five sweeps" wait_until 5 connected_since 5
down "... of what is up" 1 "still up: $GOOD is OK" \
    --wait-down 200ms --while "$witness" "$GOOD"
down "... of one that is up, and one that is not" 1 "still up: $GOOD is OK" \
    --wait-down 200ms --while "$witness" "$CLOSED" "$GOOD"
down "... what is expected is not asked of the witness" 0 'down: 3 times' \
    --wait-down 10s --while "$witness" -e 'reply~never' -w 0 "$CLOSED"
down "... WARN serves" 1 "still up: $GOOD is WARN" \
    --wait-down 200ms --while "$witness" -w 0 "$GOOD"
down "... while the witness is down, too" 3 \
    "not known: tcp://127\.0\.0\.1:2 is CRIT" \
    --wait-down 200ms --while tcp://127.0.0.1:2 "$CLOSED"
down "... while one of two witnesses is" 3 \
    "not known: tcp://127\.0\.0\.1:2 is CRIT" \
    --wait-down 200ms --while "$witness" --while tcp://127.0.0.1:2 "$CLOSED"
down "... this machine's fault is nobody's death" 3 \
    'not known: .* is UNKNOWN' \
    --wait-down 200ms --while unix:///nonexistent -B 192.0.2.77 "$GOOD"
down "... not often enough" 3 'not known: CRIT only [0-9]+ times? in a row' \
    --wait-down 300ms --times 100 --while "$witness" "$CLOSED"
serve talk ''
down "... no sweep in time" 3 'not known: no sweep was done in time' \
    --wait-down 300ms --while "$witness" -e reply~x "tcp://127.0.0.1:$port"
spawn -o "$T/waited" -e "$T/waited.err" ha-probe -F tsv --wait-down 30s \
    --interval 50ms --while "$witness" "tcp://127.0.0.1:$late"
waiter=$pid
before=$(wc -l <"$witness_log")
more_sweeps()
{
	[ "$(wc -l <"$witness_log")" -gt "$((before + 2))" ]
}
ok "--wait-down waits" wait_until 10 more_sweeps
reap "$late_pid" TERM
reap "$waiter"
is "... until it dies: 0" "$status" 0
like "... told" "$(cat "$T/waited.err")" '^ha-probe: down: 3 times'

## The end of it

exits "-T: the sweep's deadline" 2 ha-probe -F tsv -T 300ms -t 5s \
    -e reply~x "tcp://127.0.0.1:$port"
like "... in words" "$(field 8)" '^deadline of the sweep \(300 ms\)'
reap "$good_pid" TERM
exits "what was good is down" 2 ha-probe -F tsv "$GOOD"

# The lines that are shipped say what they should.
exits "targets.example is understood" 0 \
    ha-probe -n -f "$TOP/cmd/ha-probe/targets.example"
ha-probe --dump-options | awk -F '\t' '{ print "-" $1; print "--" $2 }' \
    >"$T/options"
for ext in cron monit; do
	used=$(grep -v '^#' "$TOP/cmd/ha-probe/ha-probe.$ext" |
	    grep -oE '(^| )--?[a-zA-Z][a-z-]*' | tr -d ' ' | sort -u)
	for option in $used; do
		ok "ha-probe.$ext: there is $option" \
		    grep -qxF -e "$option" "$T/options"
	done
done
done_testing
