#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-act-faults.t - roles, dry runs, services of several checks; then signals,
# crashes, disks that can't be written, damage, clocks, bad usage, cron.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../act.sh"
needs perl unshare setpriv pgrep
[ "$(id -u)" -eq 0 ] || lacks "not root, and it mounts"

S=$HA_STATE_DIR/act/x

# An ha-act that waits in its command: $one.
begin()
{
	forget
	rm -f "$T/go"
	problem
	spawn -i "$R" -o "$T/passed" -e "$T/said" ha-act --name x -- \
	    "$T/wait"
	one=$pid
	wait_until 10 test -e "$MADE"
}

## Roles

problem
ha-role set active --reason test >"$T/role" 2>&1
act -- "$T/make"
is "active: it is run" "$(made)" 1
forget
ha-role set standby --reason test >"$T/role"
problem
record problem db >>"$R"
act -- "$T/make"
is "standby: exit 0" "$status" 0
is "... nothing is run" "$(made)" 0
is "... all is passed on" "$out" "$(cat "$R")"
is "... without a word" "$err" ''
not_ok "... or a trace" test -e "$HA_STATE_DIR/act"
act -v -- "$T/make"
like "... -v tells it, once" "$err" \
    "^ha-act: nothing is run: this node is standby \\('.*/role'\\); --force"
is "... and nothing else" "$(printf '%s\n' "$err" | grep -c .)" 1
echo rubbish >"$HA_STATE_DIR/role"
problem
act -- "$T/make"
is "a role that can't be read: 78" "$status" 78
is "... nothing is run" "$(made)" 0
is "... passed on, and told" "$(cut -f 1,8,9 "$T/out")" \
    'problem	nginx	CRIT
problem	act:nginx	CRIT'
like "... in words" "$(message)" "make: not run for nginx: the role file .*/role"
before=$(tail -1 "$T/out" | cut -f 2,3)
act -- "$T/make"
is "... each time as the same incident" "$(tail -1 "$T/out" | cut -f 2,3)" \
    "$before"
act -n -- "$T/make"
is "... -n: 78" "$status" 78
is "... nothing of its own on stdout" "$out" "$(cat "$R")"
like "... said" "$err" '^ha-act: nginx: would not be run: the role file'

# syslog(3) has a socket that is a file of ours in a /dev of its own.
mkdir "$T/dev"
cp -a /dev/null /dev/urandom "$T/dev"
# shellcheck disable=SC2016 # perl expands it
spawn -o "$T/log" perl -MIO::Socket::UNIX -e '
	$| = 1;
	$log = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0])
	    or die $!;
	print "$_\n" while defined $log->recv($_, 9999);' "$T/dev/log"
ok "a log" wait_until 10 test -S "$T/dev/log"
ha-role set standby --reason test --file "$T/role2" >"$T/role"
for role in "$T/role2" "$HA_STATE_DIR/role"; do
	forget
	[ "$role" = "$HA_STATE_DIR/role" ] || cp "$role" "$HA_STATE_DIR/role"
	: >"$T/log"
	# shellcheck disable=SC2016 # the inner shell expands it
	run unshare -m sh -c 'mount --bind "$T/dev" /dev && exec "$@"' sh \
	    ha-act --force='the disk is ours' -- "$T/make" <"$R"
	is "--force: exit 0" "$status" 0
	is "... it is run" "$(made)" 1
	like "... said" "$err" \
	    '^ha-act: warning: forced \(the disk is ours\) though '
	ok "... logged" wait_until 10 grep -q \
	    'ha-act\[[0-9]*\]: .*/make: forced (the disk is ours) though' \
	    "$T/log"
	echo rubbish >"$HA_STATE_DIR/role"
done
rm "$HA_STATE_DIR/role"

## A dry run

forget
problem
act -n -- "$T/make" 'a b'
is "-n: exit 0" "$status" 0
is "... passes on" "$out" "$(cat "$R")"
is "... says" "$err" "ha-act: nginx: would run: $T/make 'a b' (1 of 3/10m)"
is "... runs nothing" "$(made)" 0
not_ok "... writes nothing" test -e "$HA_STATE_DIR/act"
act --name x -- "$T/make"
act -n --name x -- "$T/make"
like "-n, too early: said" "$err" 'would not be run: too early'
act -n --name x -l 1/1h --backoff 0 -- "$T/make"
like "-n at the limit: said" "$err" 'would not be run: the limit of 1/1h'
before=$(cat "$S/nginx@-")
record recovery nginx OK >"$R"
act -n --name x -- "$T/make"
is "-n forgets nothing" "$(cat "$S/nginx@-")" "$before"
ha-role set standby --reason test >"$T/role"
problem
act -n -- "$T/make"
like "-n on a standby: said" "$err" 'would not be run: this node is standby'
rm "$HA_STATE_DIR/role"

## Several checks of one service

forget
problem http
record problem https >>"$R"
act --together --name x --backoff 0 -- "$T/make"
is "--together: one run" "$(made)" 1
is "... of the service" "$(outcomes)" "recovery OK OK $HERE act:x"
problem dns
for i in 2 3; do
	act --together --name x --backoff 0 -- "$T/make"
done
is "... one count" "$(made)" 3
act --together --name x --backoff 0 -- "$T/make"
like "... one limit" "$(message)" \
    "gave up: 3 runs in 10m: .* before all of its checks have recovered"
record recovery http OK >"$R"
record recovery dns OK >>"$R"
act --together --name x -- "$T/make"
is "... not all have recovered" "$(outcomes)" ''
record recovery https OK >"$R"
act --together --name x -- "$T/make"
is "... all have" "$(outcomes)" "recovery OK CRIT $HERE act:x"

## Two in a pipe

forget
problem
cat >"$T/two" <<'END'
#!/bin/sh
ha-act -m nginx --name a -- sh -c 'exit 3' |
    ha-act -m act:nginx --name b -- "$T/make" |
    ha-act --name c -- "$T/make"
END
chmod +x "$T/two"
run "$T/two" <"$R"
is "a second one takes up what the first one failed at" \
    "$(sort "$MADE" | tr '\n' ' ')" 'act:nginx nginx '
is "... all is told" "$(cut -f 1,8,9 "$T/out" | sort)" \
    'problem	act:nginx	CRIT
problem	nginx	CRIT
recovery	act:act:nginx	OK
recovery	act:nginx	OK'

## Signals

# Under nohup(1) SIGHUP stays ignored, as it should.
signals='TERM HUP'
case $(awk '/^SigIgn/ { print $2 }' /proc/self/status) in
*[13579bdf]) signals=TERM ;;
esac
for signal in $signals; do
	begin
	reap "$one" "$signal"
	is "SIG$signal: 75" "$status" 75
	is "... what ran is ended, and told" \
	    "$(tail -1 "$T/passed" | cut -f 1,8,9)" 'problem	act:nginx	CRIT'
	like "... in words" "$(cat "$T/passed")" \
	    'ended early, as ha-act got a signal \(1 of 3'
done
forget
rm -f "$T/go"
mkfifo "$T/in"
spawn -i "$T/in" -o "$T/passed" -e "$T/said" ha-act --name x -- "$T/wait"
one=$pid
exec 8>"$T/in"
record problem nginx >&8
ok "one runs" wait_until 10 test -e "$MADE"
record problem db >&8
ok "one waits" wait_until 10 lines "$T/passed" 2
reap "$one" TERM
is "SIGTERM: 75" "$status" 75
is "... nothing more is run" "$(made)" 1
like "... said" "$(cat "$T/said")" '^ha-act: db: .* is not run: ended by a signal'
exec 8>&-
spawn -i "$T/in" -o "$T/passed" ha-act --name x -- true
one=$pid
exec 8>"$T/in"
record better nginx WARN >&8
ok "nothing runs" wait_until 10 lines "$T/passed" 1
reap "$one" TERM
is "... SIGTERM: 0" "$status" 0
exec 8>&-
# Its reader never comes back.
mkfifo "$T/stalled"
exec 7<>"$T/stalled"
for i in $(seq 300); do
	record better "x$i-$(printf '%300s' x)" WARN
done >"$R"
spawn -i "$R" -o "$T/stalled" -e "$T/said" ha-act -- true
one=$pid
sleep_until_read()
{
	[ "$(awk '/^pos/ { print $2 }' "/proc/$one/fdinfo/0")" = \
	    "$(wc -c <"$R")" ]
}
ok "all is read" wait_until 10 sleep_until_read
reap "$one" TERM
is "a reader that stalls, and SIGTERM: 75" "$status" 75
like "... said" "$(cat "$T/said")" '^ha-act: [0-9]+ bytes are not passed on'
exec 7>&-

## SIGKILL

begin
child=$(pgrep -P "$one")
reap "$one" KILL
is "SIGKILL while a command runs" "$status" 137
ok "... the command is ended too" wait_until 10 gone "$child"
problem
act --name x -- "$T/make"
like "... its run counts: too early" "$err" 'too early'
act --name x -l 1/10m --backoff 0 -- "$T/make"
like "... and for the limit" "$(message)" 'gave up: 1 run in 10m'
forget
# PLACE: where it dies (tests/preload/die.c).
dies()
{
	run env LD_PRELOAD="$HA_TOOLS/preload/die.so" HA_TEST_DIE="$1" \
	    ha-act --name x -l 2/10m --backoff 0 -- "$T/make" <"$R"
}
dies vfork
is "SIGKILL before it is started" "$status" 137
is "... nothing was run" "$(made)" 0
is "... its record has gone on" "$out" "$(cat "$R")"
act --name x -- "$T/make"
like "... its run counts" "$err" 'too early'
: >"$S/.ha-leftover"
act --name x -- "$T/make"
not_ok "what a crash leaves is cleared away" test -e "$S/.ha-leftover"

# At each of its calls that write or lock: never a run too many, and the next
# ones find a state that they can read.
places=0
while forget && dies $((places + 1)) && [ "$status" -eq 137 ]; do
	places=$((places + 1))
	! grep -q '^run' "$S/nginx@-" 2>/dev/null || grep -qxf "$R" "$T/out" ||
	    diag "place $places: counted, and not passed on"
	for i in 1 2 3; do
		act --name x -l 2/10m --backoff 0 -- "$T/make"
		[ "$status" -eq 0 ] || diag "place $places: exit $status"
	done
	case $(made) in
	[12]) ;;
	*) diag "place $places: $(made) runs" ;;
	esac
	[ -z "$err" ] || [ "${err#ha-act: act:nginx CRIT: gave up}" != "$err" ] ||
	    diag "place $places: $err"
	[ -z "$(find "$S" -name '.ha-*')" ] || diag "place $places: a leftover"
done 2>"$T/wrong"
cat "$T/wrong" >&2
is "SIGKILL at $places places" "$(grep -c 'place' "$T/wrong")" 0
ok "... which are many" test "$places" -ge 15
is "... and then none" "$status" 0

## What can't be written

forget
act --name x -- true
before=$(cat "$S/nginx@-")
# WANT ERE: told as CRIT, and nothing is run
cannot()
{
	rm -f "$MADE"
	act --backoff 0 --name x -- "$T/make"
	is "$3: $1" "$status" "$1"
	is "... nothing is run" "$(made)" 0
	is "... passed on, and told" "$(cut -f 1,8,9 "$T/out")" \
	    'problem	nginx	CRIT
problem	act:nginx	CRIT'
	like "... in words" "$(message)" "not run for nginx: .*$2"
}
mkdir "$T/small"
mount -t tmpfs -o size=64k none "$T/small"
mkdir "$T/small/act"
cp -r "$S" "$T/small/act/x"
dd if=/dev/zero of="$T/small/fill" bs=4k 2>/dev/null
kept=$HA_STATE_DIR
HA_STATE_DIR=$T/small
cannot 74 'No space left' "a full disk"
is "... what was known is" "$(cat "$T/small/act/x/nginx@-")" "$before"
is "... no temporary file is left" "$(find "$T/small" -name '.ha-*')" ''
rm "$T/small/fill"
mount -o remount,ro "$T/small"
cannot 73 'Read-only file system' "a read-only directory"
umount "$T/small"
HA_STATE_DIR=/proc/none
cannot 73 "'/proc/none' \\(HA_STATE_DIR\\)" "no directory"
HA_STATE_DIR=$kept
chmod 755 "$T" "$HA_STATE_DIR/act" "$S"
run setpriv --reuid 65534 --regid 65534 --clear-groups \
    ha-act --name x -- "$T/make" <"$R"
is "without the privilege: 73" "$status" 73
like "... told" "$(message)" 'not run for nginx: .*Permission denied'
mkdir "$S/db@-"
problem db
act --name x -- "$T/make"
is "what is no file: 74" "$status" 74
is "... nothing is run" "$(made)" 0
# The disk fills while the command runs.
forget
problem
act --name x -- sh -c "rm -rf '$HA_STATE_DIR/act'; exit 3"
is "the state is lost while it runs" "$status" 73
is "... told all the same" "$(outcomes)" "problem CRIT OK $HERE act:nginx"
like "... said" "$err" "^ha-act: warning: nginx: .*$S"

## Damage, and clocks

forget
problem
act --name x -- true
head -c 100 /dev/urandom >"$S/nginx@-"
act --name x -- "$T/make"
is "a damaged state: exit 0" "$status" 0
is "... it is run" "$(made)" 1
like "... said" "$err" "^ha-act: warning: '$S/nginx@-': line 1 is damaged; it is '.*~damaged' now"
ok "... set aside" test -s "$S/nginx@-~damaged"
act --name x -- "$T/make"
like "... and counted anew" "$err" 'too early'
sed -i 's/	20[0-9][0-9]-/	2199-/' "$S/nginx@-"
act --name x -- "$T/make"
like "times to come: no longer than their own time" "$err" \
    'too early after the last run, (9|10) s more'
not_ok "... they are mended" grep 2199 "$S/nginx@-"
echo 86400 >"$T/clock"
late()
{
	run env LD_PRELOAD="$HA_TOOLS/preload/jump.so" \
	    HA_TEST_CLOCK="$T/clock" \
	    ha-act --name x --backoff 200ms "$@" -- "$T/make" <"$R"
}
is_run()
{
	late "$@"
	[ "$(made)" -gt "$before" ]
}
forget
late
is "a clock that is a day ahead" "$(made)" 1
echo 0 >"$T/clock"
before=1
ok "... is set back: it is run again soon" wait_until 10 is_run

## Hostile records

forget
{
	record problem ../../../etc/passwd
	record problem .
	record problem "a/b\\n\\0033[31mc" CRIT /x
	record problem "$(printf '%3000s' x)"
	record problem "é$(printf '\377\376')"
	record problem 'a|b;c"d' |
	    sed 's/2026-11-23T00:50:01.250Z/9999-12-31T23:59:59-23:59/'
} >"$R"
act --name x --parallel 3 -- "$T/make"
is "odd names: exit 0" "$status" 0
is "... all are run" "$(outcomes | wc -l)" 6
ok "... passed on as they were" cmp -n "$(wc -c <"$R")" "$R" "$T/out"
is "... no file but in its place" "$(find "$HA_STATE_DIR" "$T" -newer "$R" \
    -type f ! -path "$S/*" ! -path "$T/out" ! -path "$T/err" ! -path "$MADE")" ''
is "... a state and a lock each" "$(find "$S" -type f | wc -l)" 13
is "... no record longer than a pipe takes" \
    "$(LC_ALL=C awk 'length($0) > 4095' "$T/out" | wc -l)" 0
cp "$T/out" "$R"
act -n -- true
is "... all that is told can be read" "$status" 0
echo rubbish >"$HA_STATE_DIR/role"
record problem x | sed 's/2026-11-23T00:50:01.250Z/9999-12-31T23:59:59-23:59/' \
    >"$R"
act -- true
cp "$T/out" "$R"
act -n -m x -- true
is "... whatever begins when" "$err" \
    "ha-act: x: would not be run: $(tail -1 "$R" | cut -f 12 |
	sed 's/.*not run for x: //')"
rm "$HA_STATE_DIR/role"

## Usage

usage()
{
	exits "usage: ha-act $*" 64 ha-act "$@"
	is "... nothing on stdout" "$out" ''
	like "... said" "$err" '^ha-act: '
}
usage
usage --
usage true
usage -- ''
usage -l 3 -- true
usage -l 0/10m -- true
usage -l x/10m -- true
usage -l 3/0 -- true
usage -l 3/x -- true
usage -l 99999999999999999999/1m -- true
usage -t 0 -- true
usage --on nonsense -- true
usage --on recovery -- true
usage --on '' -- true
usage --state crit -- true
usage --name ../x -- true
usage --name '' -- true
usage --parallel 0 -- true
usage --force '' -- true
usage -m '' -- true

## As cron runs it

forget
mkdir "$T/bin"
for command in ha-probe ha-alert; do
	# shellcheck disable=SC2016 # the script expands it
	printf '#!/bin/sh\necho "${0##*/} $*" >>"%s/called"\nexec cat\n' "$T" \
	    >"$T/bin/$command"
done
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "${0##*/} $*" >>"%s/called"\nexec cat "%s"\n' "$T" "$R" \
    >"$T/bin/ha-gate"
# shellcheck disable=SC2016
printf '#!/bin/sh\necho "${0##*/} $*" >>"%s"\n' "$MADE" >"$T/bin/systemctl"
chmod +x "$T"/bin/*
problem nginx-a
record problem db >>"$R"
job=$(grep '^\* ' "$TOP/cmd/ha-act/ha-act.cron" | cut -d ' ' -f 7-)
run env PATH="$T/bin:$PATH" sh -c "$job" </dev/null
is "the crontab's line: exit 0" "$status" 0
is "... restarts what is named" "$(cat "$MADE")" 'systemctl restart nginx'
is "... and tells it" "$(cut -f 1,8,9 "$T/out")" 'problem	nginx-a	CRIT
problem	db	CRIT
recovery	act:systemctl-restart-nginx	OK'
is "... by those it names" "$(cut -d ' ' -f 1 "$T/called" | sort | tr '\n' ' ')" \
    'ha-alert ha-gate ha-probe '
done_testing
