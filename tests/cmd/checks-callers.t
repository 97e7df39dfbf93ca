#!/bin/sh
# SPDX-License-Identifier: ISC
#
# checks-callers.t - ha-probe and ha-stat as Nagios, cron and a pipe call them:
# one clean line, no mail while all is well, gone when nobody reads.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"

## Nagios: one line, which it can read

for command in ha-probe ha-stat; do
	ln -s "$HA_BIN/$command" "$T/check_$(echo $command | tr - _)"
done

# DESC STATUS ERE CMD...
plugin()
{
	plugin_desc=$1 plugin_status=$2 plugin_words=$3
	shift 3
	exits "$plugin_desc: $plugin_status" "$plugin_status" "$@"
	is "... one line" "$(wc -l <"$T/out")" 1
	like "... of words" "$out" "$plugin_words"
	is "... stderr is empty" "$err" ''
	ok "... at most 400 bytes" test "$(wc -c <"$T/out")" -le 400
	is "... no control byte" \
	    "$(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$T/out" | cat -v)" ''
	ok "... valid UTF-8" iconv -f UTF-8 -t UTF-8 -o /dev/null "$T/out"
	is "... numbers that can be read" \
	    "$(awk -f "$TESTS/perfdata.awk" "$T/out")" ''
}

ask()
{
	desc=$1 want=$2 words=$3
	shift 3
	plugin "$desc" "$want" "$words" "$T/check_ha_probe" "$@"
}

look()
{
	desc=$1 want=$2 words=$3
	shift 3
	plugin "$desc" "$want" "$words" "$T/check_ha_stat" "$@"
}

# A label, a value, and what is none: what the checker is good for.
printf 'A OK|a=1;2:;@~:3;0;9 %s %s=5us\n' "'b c'=U" "'d''e'" >"$T/good"
is "the checker takes what is right" \
    "$(awk -f "$TESTS/perfdata.awk" "$T/good")" ''
for wrong in a a= =1 a=x a=1e5 a=1q 'a b=1' 'a=1;x' 'a=1;1;1;~' 'a=1;;;;;;' \
    'a=1,b=2' "'a=1" ''; do
	echo "A OK|$wrong" >"$T/wrong"
	ok "... and not '$wrong'" test -n \
	    "$(awk -f "$TESTS/perfdata.awk" "$T/wrong")"
done

serve talk 'hello\r\n'
GOOD=tcp://127.0.0.1:$port
CLOSED=tcp://127.0.0.1:1
ask "one that serves" 0 "^$GOOD OK - .*\|time=" "$GOOD"
ask "slow" 1 "WARN" -w 0 -c 9 "$GOOD"
ask "ranges" 1 "WARN" -w @0:5 -c ~:9 "$GOOD"
ask "one that does not" 2 "CRIT - connection refused" "$CLOSED"
ask "several" 2 "^HA-PROBE CRIT - 1 of 2 not OK: $CLOSED CRIT" \
    "$GOOD" "$CLOSED"
for i in 1 2 3 4 5 6 7 8 9; do
	echo "it's check $i" | sed "s/.*/\"&\" tcp:\/\/127.0.0.1:$i/"
done >"$T/many"
ask "many, with blanks and quotes in their names" 2 \
    "^HA-PROBE CRIT - 9 of 9 not OK: it's check 1 CRIT" -f "$T/many"
ask "nobody to ask" 3 '^HA-PROBE UNKNOWN - no target is given'
ask "an unknown option" 3 "^HA-PROBE UNKNOWN - .*--nonesuch" --nonesuch
ask "an option without its argument" 3 "^HA-PROBE UNKNOWN - .*'-w'" -w
ask "no file" 3 "^HA-PROBE UNKNOWN - .*$T/none" -f "$T/none"

look "several of ha-stat's" 0 '^HA-STAT OK - 3 checks OK\|load::load1=' \
    'load?load5=99999' 'mem?used=101%' 'swap?used=101%'
look "thresholds in percent" 1 'WARN - / [0-9]+% used' 'disk:/?used=0%,101%'
look "in bytes" 2 'CRIT - / ' 'disk:/?free=9999T:,9999T:'
echo $$ >"$T/pid"
look "a process" 0 'OK - ' "proc:pidfile=$T/pid"
look "a rate" 0 '^cpu OK - ' -i 50ms 'cpu?busy=101&iowait=101&steal=101'
look "no such process" 2 'CRIT - ' proc:exe=/nonexistent/program
look "no such kind" 3 "^HA-STAT UNKNOWN - 'nonesuch'" nonesuch
look "an unknown option" 3 "^HA-STAT UNKNOWN - .*--nonesuch" --nonesuch
look "a bad threshold" 3 "^HA-STAT UNKNOWN - .*" 'disk:/?used=x'
look "no file" 3 "^HA-STAT UNKNOWN - .*$T/none" -f "$T/none"
: >"$T/is-a-file"
run env HA_STATE_DIR="$T/is-a-file" "$T/check_ha_stat" -F tsv \
    'cpu?busy=101&iowait=101&steal=101'
like "a sample can't be kept: on stderr" "$err" '^ha-stat: warning: .*is-a-file'
plugin "... as a plugin in the line" 0 '^cpu OK - .*\(warning: .*is-a-file' \
    env HA_STATE_DIR="$T/is-a-file" "$T/check_ha_stat" \
    'cpu?busy=101&iowait=101&steal=101'
for command in ha-probe ha-stat; do
	plugin "$command -F nagios" 3 \
	    "^$(echo $command | tr '[:lower:]' '[:upper:]') UNKNOWN - .*--none" \
	    "$command" --nonesuch -qF nagios
	link=$T/check_$(echo $command | tr - _)
	for option in --help --version; do
		exits "${link##*/} $option: 3" 3 "$link" $option
		exits "$command $option: 0" 0 "$command" $option
	done
	run "$link" --nonesuch -F tsv
	is "${link##*/} -F tsv: a mistake goes to stderr" "$status $out" '3 '
	like "... of the command's name" "$err" "^$command: unknown option"
	"$link" -F nagios "$CLOSED" load >/dev/full 2>"$T/err"
	is "${link##*/} to a full disk: 3" $? 3
	like "... told on stderr" "$(cat "$T/err")" "^$command: .*|^$"
done

# Foreign bytes.
serve banner '220 x|y=1 '
ask "a banner" 2 'CRIT' -t 500ms "tcp://127.0.0.1:$port" -e 'reply~^OK'
ask "... of a mail server" 2 'CRIT' -t 500ms "smtp://127.0.0.1:$port"
ask "... of ssh" 2 'CRIT' -t 500ms "ssh://127.0.0.1:$port"
serve bye "$(printf 'x%01000d' 0)"
ask "a long one" 2 'CRIT' "tcp://127.0.0.1:$port" -e 'reply~^OK'
serve flood
ask "one without end" 2 'CRIT' -t 500ms "ssh://127.0.0.1:$port"
printf '#!/bin/sh\n%s\n%s\nexit 1\n' \
    'printf "a\033[2J\r\007\377é|x=1;2;3 y=5\033[m z=2\nsecond|u=1\n"' \
    'printf "\033[31mto stderr\n" >&2' >"$T/program"
chmod 755 "$T/program"
look "another plugin" 1 'WARN - a.*\|x=1;2;3' "exit:$T/program"
# shellcheck disable=SC2016 # of that program
printf '#!/bin/sh\n%s\n' \
    'printf "b|%s w=1e5 n=nan a=1;;;;;;; ok=2\n" "q=1;\$(id)"' \
    >"$T/program"
look "... its numbers are none" 0 'OK - b' "exit:$T/program"
like "... those that are one go on" "$out" '\|(.* )?ok=2$'

## Cron: a mail for each line that prints something

# Where nobody may read the commands.
chmod 755 "$T"
mkdir "$T/bin"
cp "$HA_BIN/ha-probe" "$HA_BIN/ha-stat" "$T/bin"

# The lines of a shipped crontab, those that are comments too.
jobs()
{
	sed -n 's/^#\{0,1\}\(\* \)/\1/p' "$TOP/cmd/$1/$1.cron"
}

# cron_job COMMAND N: as cron runs the Nth line; $mail is what it prints.
cron_job()
{
	jobs "$1" | sed -n "$2p" | sed "s|/etc/ha/|$T/|
		s|/var/lib/prometheus/node-exporter|$T/prom|" >"$T/line"
	read -r _ _ _ _ _ user job <"$T/line"
	as=
	[ "$(id -u)" -ne 0 ] || as="setpriv --reuid=$user --clear-groups"
	# shellcheck disable=SC2046,SC2086 # words
	run env -i HOME=/ LOGNAME="$user" SHELL=/bin/sh \
	    $(sed -n "s|^PATH=/usr/local|PATH=$T/bin:&|p" \
		"$TOP/cmd/$1/$1.cron" | sed 's/:PATH=/:/') \
	    HA_STATE_DIR="$HA_STATE_DIR" HA_RUN_DIR="$HA_RUN_DIR" \
	    $as /bin/sh -c "cd /; $job" </dev/null
	as=''
	mail=$(cat "$T/out" "$T/err")
}

mkdir "$T/prom"
for command in ha-probe ha-stat; do
	is "$command.cron: two lines" "$(jobs $command | wc -l)" 2
	unlike "... without %, which would be a line's input" \
	    "$(jobs $command)" '%'
	like "... $command.1 has the first one" "$(cat "$TOP/man/$command.1")" \
	    "^\.Dl $(jobs $command | sed -n '1s/[*]/\\*/gp')\$"
done

echo "good $GOOD" >"$T/targets"
cron_job ha-probe 1
is "ha-probe, all is well: 0" "$status" 0
is "... no mail" "$mail" ''
echo "bad $CLOSED" >>"$T/targets"
cron_job ha-probe 1
is "one that does not serve: 2" "$status" 2
like "... a mail that names it" "$mail" '^CRIT +bad .*connection refused'
unlike "... and not the other one" "$mail" '^OK'
like "... counts" "$mail" '^2 checks: 1 OK, 1 CRIT'
is "... no escape sequence" "$(grep -c "$(printf '\033')" "$T/out")" 0
cron_job ha-probe 2
is "... and a file for node_exporter: 2" "$status" 2
is "... no mail" "$mail" ''
ok "... the file" test -s "$T/prom/ha-probe.prom"
rm "$T/targets"
cron_job ha-probe 1
is "no targets file: 3" "$status" 3
like "... a mail" "$mail" '^ha-probe: .*targets'

printf '%s\n' 'load load5=99999' 'root disk:/ used=101%' \
    'cpu busy=101 iowait=101 steal=101' >"$T/stat"
for i in 1 2; do
	cron_job ha-stat 1
	is "ha-stat, all is well, run $i: 0" "$status" 0
	is "... no mail" "$mail" ''
done
echo 'gone proc:exe=/nonexistent/program' >>"$T/stat"
cron_job ha-stat 1
is "a process is not there: 2" "$status" 2
like "... a mail that names it" "$mail" '^CRIT +gone .*nonexistent'
unlike "... and no others" "$mail" '^OK'
cron_job ha-stat 2
is "... and a file for node_exporter: no mail" "$status $mail" '2 '
ok "... the file" test -s "$T/prom/ha-stat.prom"

## A reader that reads no more, a writer that never comes

# A zombie is: nobody may be there to wait for it.
gone()
{
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'' | *') Z '*) ;;
	*) return 1 ;;
	esac
}

# A program for exit: that starts one more, and where its pid stands.
# shellcheck disable=SC2016 # of that program
printf '#!/bin/sh\nsleep 3007 &\necho $! >"$1"\ntrap "" TERM\nwait\n' \
    >"$T/sleeper"
chmod 755 "$T/sleeper"
i=0
while [ $((i += 1)) -le 2000 ]; do
	echo "$i $CLOSED"
done >"$T/targets"
i=0
while [ $((i += 1)) -le 1000 ]; do
	echo "a-long-name-for-a-check-$i uptime"
done >"$T/stat"
echo "exit:$T/sleeper\\ $T/first" >>"$T/stat"
mkfifo "$T/pipe" "$T/other" "$T/never"
exec 7<>"$T/pipe" 8<>"$T/other" 9<>"$T/never"

# Seconds since $began.
took()
{
	tap_clock
	echo $(((tap_now - began) / 100))
}

tap_clock
began=$tap_now
spawn -o "$T/pipe" -e "$T/1" ha-probe -T 1s -F tsv -f "$T/targets"
one=$pid
spawn -o "$T/other" -e "$T/2" ha-stat -t 40s -T 1s -F tsv -f "$T/stat"
two=$pid
spawn -o "$T/3.out" -e "$T/3" ha-probe -F nagios -T 1s -f "$T/never"
three=$pid
spawn -o "$T/4.out" -e "$T/4" ha-stat -T 1s -f "$T/never"
four=$pid
reap $one
is "ha-probe, not read: 3" "$status" 3
like "... says so" "$(cat "$T/1")" \
    '^ha-probe: stdout was not read within 3 s, given up$'
reap $two
is "ha-stat, not read: 3" "$status" 3
like "... says so" "$(cat "$T/2")" '^ha-stat: stdout was not read within 3 s'
reap $three
is "ha-probe -f FIFO: 3" "$status" 3
is "... as a plugin on stdout" "$(cat "$T/3.out" "$T/3")" \
    'HA-PROBE UNKNOWN - not done within 3 s, given up'
reap $four
is "ha-stat -f FIFO: 3" "$status" 3
is "... on stderr" "$(cat "$T/4.out" "$T/4")" \
    'ha-stat: not done within 3 s, given up'
ok "all soon after -T: $(took) s" test "$(took)" -le 10
ok "ha-stat had started a program" test -s "$T/first"
ok "... whose child is gone, too" wait_until 5 gone "$(cat "$T/first")"
for command in ha-probe ha-stat; do
	like "$command: -T is 50 s" "$("$command" --help | grep -A2 -e ' -T,')" \
	    '\(50s\)'
done

started()
{
	[ -s "$1" ]
}

spawn ha-stat -t 40s "exit:$T/sleeper $T/second"
ok "a program runs" wait_until 10 started "$T/second"
reap "$pid" TERM
is "ha-stat is killed: by that" "$status" 143
ok "... the program's child is gone" wait_until 5 gone "$(cat "$T/second")"
mkfifo "$T/closing"
exec 6<>"$T/closing"
# shellcheck disable=SC2016 # of that sh
spawn -o "$T/closing" -e "$T/5" sh -c 'exec "$@" 6<&-' sh \
    ha-stat -t 40s -F tsv "exit:$T/sleeper $T/third" 'exit:sleep 1'
ok "a program runs" wait_until 10 started "$T/third"
exec 6<&-
reap "$pid"
is "the reader goes away: as SIGPIPE has it" "$status" 141
is "... without a word" "$(cat "$T/5")" ''
ok "... the program's child is gone" wait_until 5 gone "$(cat "$T/third")"

# In the kernel, where nothing but SIGKILL is heard.
mute_mounted()
{
	grep -q " $T/mute " /proc/self/mountinfo
}
mkdir "$T/mute"
if [ "$(id -u)" -eq 0 ] && [ -c /dev/fuse ]; then
	spawn "$HA_TOOLS/mute-fuse" -k "$T/mute"
	mute=$pid
	wait_until 5 mute_mounted
	spawn ha-probe -T 100ms -f "$T/mute/file"
	one=$pid
	spawn ha-stat -T 100ms -f "$T/mute/file"
	reap "$pid"
	is "ha-stat -f on a dead file server: killed" "$status" 137
	reap "$one"
	is "ha-probe, too" "$status" 137
	reap "$mute" TERM
	umount -l "$T/mute"
else
	skip "a mute file system" "needs root and fuse"
fi
done_testing
