#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-stat-proc.t - processes by pidfile, name and unit; control groups.
# shellcheck disable=SC2016 # scripts and commands for others
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../stat.sh"
needs perl unshare mount

# Mounts belong to this test alone.
if [ -z "${HA_TEST_MOUNTS-}" ] && [ "$(id -u)" -eq 0 ]; then
	unshare -m --propagation private true 2>/dev/null ||
	    lacks "mounts can't be private here (a plain chroot)"
	HA_TEST_MOUNTS=1 exec unshare -m --propagation private "$0" "$@"
fi

sleep=$(command -v sleep)
pidfile=$T/x.pid

# A process with a name of its own: start NAME [ARGUMENT...]; $pid.
start()
{
	cp "$sleep" "$T/$1"
	start_path=$T/$1
	shift
	spawn "$start_path" "$@"
	# The shell that starts it has another name.
	wait_until 10 is_exe "$pid" "$start_path"
}

is_exe()
{
	[ "$(readlink "/proc/$1/exe")" = "$2" ]
}

in_state()
{
	grep -Eq "^State:[[:space:]]$2" "/proc/$1/status"
}

## By name

name=ha-t$$
start "$name" 1000
one=$pid
finds "a program that runs" OK "^$name runs as process $one for " \
    "proc:exe=$name"
like "... memory" "$msg" ', [0-9.]+ .?i?B'
like "... performance data" "$perf" '^count=1;;1:;0 mem=[0-9]+B;;;0 threads=1;'
fds=$(find "/proc/$one/fd" -type l | wc -l)
like "... descriptors" "$perf" " fds=$fds;"
finds "by its path" OK "runs as process $one" "proc:exe=$T/$name"
finds "by another path" CRIT 'does not run' "proc:exe=/bin/$name"
finds "one that does not run" CRIT '^ha-none does not run$' proc:exe=ha-none
finds "... none is to run" OK 'does not run' 'proc:exe=ha-none?count=0:0'
finds "... though one runs" CRIT '\(CRIT 0:0\)' "proc:exe=$name?count=,0:0"
spawn "$T/$name" 2000
two=$pid
wait_until 10 is_exe "$two" "$T/$name"
finds "two of them" OK "runs as 2 processes, the first \($one\)" \
    "proc:exe=$name"
finds "... too many" WARN 'runs as 2 processes.*\(WARN 1\)' \
    "proc:exe=$name?warn=1"
finds "... by -w" WARN '\(WARN 1\)' -w 1 "proc:exe=$name"
finds "one by its command line" OK "runs as process $two " \
    "proc:exe=$name?match= 2000\$"
finds "... none" CRIT 'does not run' "proc:exe=$name?match=3000"
reap "$two" KILL
finds "a bad regular expression" '' '' "proc:exe=$name?match=("
is "... is a usage error: 3" "$status" 3
like "... said" "$err" "\('?|[Uu]nmatched"

# What a process calls itself, when neither file nor comm has the name.
spawn perl -e '$0 = "/opt/x/ha-called"; open F, ">", "/proc/self/comm";
	print F "other"; close F; open F, ">", $ARGV[0]; close F; sleep 1000' \
    "$T/called"
wait_until 10 test -e "$T/called"
finds "by its argv[0]" OK "^ha-called runs as process $pid " proc:exe=ha-called
finds "... with its path" OK "runs as process $pid " proc:exe=/opt/x/ha-called
reap "$pid" KILL

## Odd names

for odd in 'a) R 1 (b' '(' ')' 'a b' "$(printf 'two\nlines')" \
    "$(printf '\033[31m')" 'a-name-of-more-than-15-bytes'; do
	start "$odd" 1000
	escaped=$(printf %s "$odd" | od -An -v -tx1 | tr -d '\n' |
	    tr ' ' %)
	finds "the name $(printf %s "$odd" | tr -c ' -~' .)" OK \
	    "runs as process $pid " "proc:exe=$escaped"
	is "... one record" "$(grep -vc '^#' "$T/out")" 1
	echo "$pid" >"$pidfile"
	finds "... by pidfile" OK "runs as process $pid " \
	    "proc:pidfile=$pidfile?exe=$escaped"
	reap "$pid" KILL
done
not_ok "no escape reaches the output" grep -q "$(printf '\033')" "$T/out"

## By pidfile

echo "$one" >"$pidfile"
finds "a pidfile" OK "^$name runs as process $one " "proc:pidfile=$pidfile"
printf '  %s \r\nmore\n' "$one" >"$pidfile"
finds "... with blanks and more lines" OK "runs as process $one " \
    "proc:pidfile=$pidfile"
finds "... of that program" OK "runs as process $one " \
    "proc:pidfile=$pidfile?exe=$name"
finds "... of another one" CRIT \
    "^nginx does not run: the pidfile $pidfile is stale: process $one is $name, not nginx" \
    "proc:pidfile=$pidfile?exe=nginx"
touch -d '2 hours ago' "$pidfile"
finds "... older than its process" CRIT \
    "^the pidfile $pidfile is stale: it was written (2 h|1 h 59 m) before process $one \($name\) was started" \
    "proc:pidfile=$pidfile"
spawn "$sleep" 1000
gone=$pid
reap "$gone" KILL
echo "$gone" >"$pidfile"
finds "... of a process that is gone" CRIT \
    "^the pidfile $pidfile is stale: process $gone is not running\$" \
    "proc:pidfile=$pidfile"
finds "... and none is to run" OK 'is stale' "proc:pidfile=$pidfile?count=0:0"
for text in abc -1 0 12x 1.5 99999999999 99999999999999999999999 \
    "$(printf '\033[31m')" ", $one"; do
	echo "$text" >"$pidfile"
	finds "a pidfile that holds $(printf %s "$text" | tr -c ' -~' .)" \
	    CRIT 'holds no process id' "proc:pidfile=$pidfile"
done
: >"$pidfile"
finds "an empty one" CRIT 'is empty' "proc:pidfile=$pidfile"
head -c 1000000 /dev/zero >"$pidfile"
finds "a long one of zeros" CRIT 'holds no process id' "proc:pidfile=$pidfile"
rm "$pidfile"
finds "none" CRIT "^the pidfile $pidfile does not exist\$" \
    "proc:pidfile=$pidfile"
mkfifo "$pidfile"
finds "a named pipe" CRIT 'is no regular file' "proc:pidfile=$pidfile"
rm "$pidfile"
mkdir "$pidfile"
finds "a directory" CRIT 'is no regular file' "proc:pidfile=$pidfile"
rmdir "$pidfile"

## States

echo "$one" >"$pidfile"
kill -STOP "$one"
wait_until 10 in_state "$one" T
finds "a stopped process" CRIT "process $one is stopped" \
    "proc:pidfile=$pidfile"
kill -CONT "$one"
# Its child has ended, and this program never waits.
cp "$sleep" "$T/z$name"
spawn sh -c 'echo "$$" >"$1"; "$2" 0 & echo "$!" >"$3"; exec "$2" 1000' \
    x "$T/parent" "$T/z$name" "$T/zombie"
parent=$pid
wait_until 10 test -s "$T/zombie"
wait_until 10 in_state "$(cat "$T/zombie")" Z
finds "a zombie" CRIT \
    "does not run: process $(cat "$T/zombie") is a zombie" \
    "proc:pidfile=$T/zombie"
finds "... among children" WARN '1 of them is a zombie' \
    "proc:pidfile=$T/parent?children"
like "... not counted as one that runs" "$perf" 'count=1;'
finds "... that is expected" OK 'runs as process' \
    "proc:pidfile=$T/parent?children&zombies=1"
finds "... by its name" WARN "zombie.*runs as process $parent " \
    "proc:exe=z$name"
reap "$parent" KILL

## Values

finds "too many descriptors" CRIT '[0-9]+ of [0-9]+ descriptors \(CRIT 1\)' \
    "proc:exe=$name?fds=,1"
spawn sh -c 'ulimit -S -n 100; exec "$0" 1000' "$T/$name"
few=$pid
wait_until 10 is_exe "$few" "$T/$name"
echo "$few" >"$pidfile"
finds "... of the soft limit" WARN '[0-9]+ of 100 descriptors \(WARN 1%\)' \
    "proc:pidfile=$pidfile?fds=1%,90%"
reap "$few" KILL
echo "$one" >"$pidfile"
finds "much memory" CRIT '\(CRIT 1K\)' "proc:pidfile=$pidfile?mem=,1K"
finds "its share of memory" OK 'as its share' "proc:pidfile=$pidfile?pss=1G"
like "... in performance data" "$perf" ' pss=[1-9][0-9]*B;'
finds "threads" WARN '1 threads \(WARN 0\)' "proc:pidfile=$pidfile?threads=0"
finds "a short time up" WARN 'started .* ago \(WARN 1h:\)' \
    "proc:pidfile=$pidfile?uptime=1h:"
finds "... long enough" OK 'runs as' "proc:pidfile=$pidfile?uptime=0:"
if [ "$(cut -d . -f 1 /proc/uptime)" -gt 600 ]; then
	finds "started anew" WARN 'was started anew .* ago' \
	    "proc:pidfile=$pidfile?restarted=1h"
	finds "... some time ago" OK 'runs as' \
	    "proc:pidfile=$pidfile?restarted=1ms"
else
	skip "started anew" "this machine has just been started"
fi

## CPU

spawn sh -c 'exec "$0" -e "1 while 1"' perl
busy=$pid
wait_until 5 grep -qx perl "/proc/$busy/comm"
echo "$busy" >"$pidfile"
finds "a busy process" WARN '^perl [0-9]+% CPU \(WARN 10%\)' -i 200ms \
    "proc:pidfile=$pidfile?cpu=10%"
not_ok "... with -i nothing is kept" test -e "$HA_STATE_DIR/ha-stat.samples"
finds "... without -i" WARN 'CPU \(WARN 10\)' \
    "proc:pidfile=$pidfile?cpu=10"
ok "... a sample is kept" grep -q '^proc cpu' "$HA_STATE_DIR/ha-stat.samples"
# That sample is now at least a second old, or the run takes a second.
finds "... by the last run's sample" WARN 'CPU \(WARN 10\)' \
    "proc:pidfile=$pidfile?cpu=10"
finds "... found by its command line" WARN 'CPU \(WARN 10\)' -i 200ms \
    "proc:exe=perl?match=1 while 1&cpu=10"
ok "... between its two looks nothing is done" \
    perl -e '
	open(STDOUT, ">", "/dev/null");
	system(@ARGV);
	my (undef, undef, $user, $system) = times;
	exit($user + $system > 0.2);
    ' ha-stat -i 1s "proc:exe=perl?match=1 while 1&cpu=10"
spawn sh -c '"$0" -e "1 while 1" & echo $! >"$1"; wait' perl "$T/child"
parent=$pid
wait_until 10 test -s "$T/child"
echo "$parent" >"$pidfile"
finds "its child is busy" OK '0% CPU' -i 200ms \
    "proc:pidfile=$pidfile?cpu=10"
finds "... with children" WARN 'CPU \(WARN 10\).*runs as 2 processes' \
    -i 200ms "proc:pidfile=$pidfile?cpu=10&children"
kill -KILL "$(cat "$T/child")"
reap "$parent"
reap "$busy" KILL
run sh -c 'echo "$$" >"$1"; ha-stat "proc:pidfile=$1?children&count=1:1"; :' \
    x "$pidfile"
like "ha-stat is nobody's child" "$out" 'OK.*	sh runs as process '

## Without privilege

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	echo "$one" >"$pidfile"
	HA_STATE_DIR=$T/none HA_RUN_DIR=$T/none
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
	    ha-stat -F tsv "proc:pidfile=$pidfile" "proc:exe=$name"
	is "another user's process: 0" "$status" 0
	is "... nothing on stderr" "$err" ''
	cp "$sleep" "$T/ha-unseen"
	exe=$T/ha-unseen
	spawn perl -e 'exec { $ARGV[0] } @ARGV[1, 2]' "$exe" other 1000
	unseen=$pid
	wait_until 10 is_exe "$unseen" "$exe"
	echo "$unseen" >"$pidfile"
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
	    ha-stat -F tsv "proc:exe=$exe" "proc:pidfile=$pidfile?exe=$exe"
	is "... by a path that it can't see" "$status" 3
	is "... said of both" "$(grep -c "UNKNOWN	.*which program process $unseen " \
	    "$T/out")" 2
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
	    ha-stat -F tsv "proc:exe=/none/ha-none"
	is "... by one that nobody has" "$status" 2
	reap "$unseen" KILL
	echo "$one" >"$pidfile"
	run setpriv --reuid 65534 --regid 65534 --clear-groups \
	    ha-stat -F tsv "proc:pidfile=$pidfile?pss=1G"
	is "... its share of memory: 3" "$status" 3
	like "... said" "$out" "share of memory of process $one can't be read"
	mkdir "$T/hidden"
	if mount -t proc -o hidepid=2 proc "$T/hidden" 2>/dev/null &&
	    unshare -m true 2>/dev/null; then
		cat >"$T/hide" <<-END
		mount --bind "$T/hidden" /proc
		exec setpriv --reuid 65534 --regid 65534 --clear-groups "\$@"
		END
		run unshare -m sh "$T/hide" ha-stat -F tsv \
		    "proc:pidfile=$pidfile" "proc:exe=$name"
		is "where /proc hides it (hidepid): 3" "$status" 3
		like "... the pidfile's" "$out" \
		    "UNKNOWN	.*process $one of another user can't be seen"
		like "... by name" "$out" \
		    "UNKNOWN	.*other users' processes can't be seen"
	else
		skip "hidepid" "no mount namespace here"
	fi
	HA_STATE_DIR=$T/ha-state HA_RUN_DIR=$T/ha-run
else
	skip "without privilege" "needs root and setpriv"
fi

## By unit

mkdir "$T/bin"
cat >"$T/bin/systemctl" <<'END'
#!/bin/sh
[ "$1 $2 $4" = "show --no-pager --" ] || exit 2
printf '%s\n' "$*" >"$FAKE.args"
. "$FAKE"
END
chmod 755 "$T/bin/systemctl"
FAKE=$T/fake
export FAKE
PATH=$T/bin:$PATH
# What systemctl show is to say.
unit()
{
	printf "cat <<'END'\n" >"$FAKE"
	printf '%s\n' "$@" END >>"$FAKE"
}

unit LoadState=loaded ActiveState=active SubState=running Result=success \
    "MainPID=$one" NRestarts=3
finds "a unit that runs" OK "^x.service is active \(running\), runs as process $one " \
    proc:unit=x.service
like "... systemctl is asked for it" "$(cat "$FAKE.args")" \
    '^show --no-pager --property=[^ ]* -- x.service$'
finds "... with another version's groups: what descends" OK \
    "runs as process $one " 'proc:unit=x.service?children'
finds "... as systemctl takes it" OK '^x is active' proc:unit=x
like "... it completes the name" "$(cat "$FAKE.args")" ' -- x$'
finds "... that was restarted" WARN 'restarted 3 times by systemd \(WARN 2\)' \
    'proc:unit=x.service?restarts=2'
unit LoadState=loaded ActiveState=active SubState=exited Result=success \
    MainPID=0 NRestarts=0
finds "one that has done its work" OK '^x.service is active \(exited\)$' \
    proc:unit=x.service
unit LoadState=loaded ActiveState=failed SubState=failed Result=oom-kill \
    MainPID=0 NRestarts=0
finds "one that failed" CRIT 'is failed \(oom-kill\)' \
    proc:unit=x.service
unit LoadState=loaded ActiveState=inactive SubState=dead Result=success \
    MainPID=0 NRestarts=0
finds "one that was stopped" CRIT 'is inactive \(dead\)' proc:unit=x.service
finds "... as it is to be" OK 'is inactive \(dead\)' \
    'proc:unit=x.service?count=0:0'
unit LoadState=loaded ActiveState=activating SubState=start Result=success
finds "one that starts" WARN 'is activating \(start\)' proc:unit=x.service
unit LoadState=loaded ActiveState=activating SubState=auto-restart \
    Result=exit-code
finds "one that starts again and again" CRIT \
    'is activating \(auto-restart, exit-code\)' proc:unit=x.service
unit LoadState=not-found ActiveState=inactive SubState=dead
finds "one that is not installed" CRIT 'is not installed' proc:unit=x.service
unit LoadState=masked ActiveState=inactive SubState=dead
finds "one that is masked" CRIT 'its unit file is masked' proc:unit=x.service
echo 'echo "Failed to connect to bus" >&2; exit 1' >"$FAKE"
finds "no systemd" UNKNOWN \
    'systemctl ended with 1: Failed to connect to bus' proc:unit=x.service
echo 'echo nothing' >"$FAKE"
finds "an answer of nothing" UNKNOWN 'systemctl ended with 0' \
    proc:unit=x.service
echo 'sleep 1000' >"$FAKE"
finds "systemctl hangs" CRIT '^x.service: no answer within 200 ms' \
    -t 200ms proc:unit=x.service
for bad in -x.service '*.service' 'a b.service' '$(x).service' ''; do
	look "proc:unit=$bad"
	is "the unit '$bad' is a usage error" "$status" 3
	is "... nothing on stdout" "$out" ''
done

## Usage

for bad in proc: proc:x proc:exe= proc:pidfile= "proc:exe=x?exe=y" \
    'proc:pidfile=/x?match=y' 'proc:exe=x?restarts=1' \
    'proc:unit=x.service?pss=1' 'proc:exe=x?fds=y' \
    'proc:exe=x?restarted=often'; do
	look "$bad"
	is "$bad: 3" "$status" 3
	is "... nothing on stdout" "$out" ''
	ok "... said" test -n "$err"
done

## Control groups, the real ones

top=$(awk '{
	for (i = 7; $i != "-"; i++)
		;
	if ($(i + 1) == "cgroup2")
		print $5
}' /proc/self/mountinfo | head -n 1)
if [ -n "$top" ]; then
	finds "no such group" CRIT 'does not exist: no such control group' \
	    cgroup:ha-none.service
	finds "... by its path" CRIT 'does not exist' cgroup:/ha/none
	finds "the root" OK '^/ ' cgroup:/
	finds "its pressure" OK 'cpu pressure \(some\) [0-9.]+%' \
	    'cgroup:/?cpu_some=100'
	finds "its CPU" OK '^/ .*[0-9]+% CPU' -i 200ms 'cgroup:/?cpu=10000'
else
	finds "no groups" UNKNOWN 'no control groups of version 2' cgroup:/
fi
group=$top/ha-test-$$.slice
# It goes with its keeper, whatever becomes of the test.
spawn sh -c 'trap "kill \$!; rmdir \"\$1/ha-test.service\" \"\$1\"; exit" TERM
	mkdir "$1" "$1/ha-test.service" && echo made >"$2"
	sleep 1000 & wait' x "$group" "$T/group"
keeper=$pid
if [ -n "$top" ] && [ -w "$top" ] && wait_until 10 test -s "$T/group"; then
	finds "a unit's group, wherever it is" OK '^ha-test.service ' \
	    cgroup:ha-test.service
	finds "... by its path" OK '^ha-test-.*ha-test.service ' \
	    "cgroup:ha-test-$$.slice/ha-test.service"
	finds "... as it is in the file system" OK 'ha-test.service ' \
	    "cgroup:$group/ha-test.service"
	finds "... its pressure" OK 'io pressure \(full\) 0.0%' \
	    'cgroup:ha-test.service?io_full=1'
else
	skip "a group of its own" "none can be made here"
fi
reap "$keeper" TERM
look 'cgroup:../x'
is "a group outside: 3" "$status" 3
done_testing
