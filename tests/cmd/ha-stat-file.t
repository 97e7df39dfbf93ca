#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-stat-file.t - files, directories, mounts, programs, and what never
# answers.
# shellcheck disable=SC2016,SC1003 # scripts and commands for others
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../stat.sh"
needs perl unshare mount truncate

# Mounts belong to this test alone.
if [ -z "${HA_TEST_MOUNTS-}" ] && [ "$(id -u)" -eq 0 ]; then
	unshare -m --propagation private true 2>/dev/null ||
	    lacks "mounts can't be private here (a plain chroot)"
	HA_TEST_MOUNTS=1 exec unshare -m --propagation private "$0" "$@"
fi

mute=${HA_TOOLS:-$HA_BIN/../tests}/mute-fuse
f=$T/f
echo hello >"$f"
sha=$(sha256sum "$f" | cut -c 1-64)
md5=$(md5sum "$f" | cut -c 1-32)
zeros=$(printf %064d 0)

## What a file is

finds "a file" OK "^$f has 6 B, was modified " "file:$f"
like "... performance data" "$perf" '^size=6B;;;0 age=[0-9.]+s;;;0$'
finds "none" CRIT "^$f.none does not exist\$" "file:$f.none"
finds "... below a file" CRIT 'does not exist' "file:$f/x"
mkfifo "$T/fifo"
ln -s f "$T/link"
ln -s "$(printf 'no\033where')" "$T/dangling"
ln -s loop "$T/loop"
finds "a symbolic link" OK 'has 6 B' "file:$T/link"
finds "... to nothing" CRIT 'symbolic link to .* does not exist' \
    "file:$T/dangling"
not_ok "... its raw bytes don't come out" grep -q "$(printf '\033')" "$T/out"
finds "... to itself" CRIT "can't be found: Too many levels" "file:$T/loop"
finds "a directory" CRIT 'is a directory, not a regular file' "file:$T"
finds "a named pipe" CRIT 'is a named pipe' "file:$T/fifo?sha256=$sha"
finds "... with lines" CRIT 'is a named pipe' "file:$T/fifo?match=x"
finds "... behind a link" CRIT 'is a device' 'file:/dev/zero?md5='"$md5"
cd "$T" || exit 1
finds "a relative path" OK "^$f has" file:./f
cd /

## What it ought to be

finds "digests" OK 'sha256 as expected, md5 as expected' \
    "file:$f?sha256=$sha&md5=$md5"
finds "... upper case" OK 'sha256 as expected' \
    "file:$f?sha256=$(echo "$sha" | tr a-f A-F)"
finds "another digest" CRIT "^$f has the sha256 $sha, not the expected one" \
    "file:$f?sha256=$zeros&md5=$md5"
chmod 640 "$f"
finds "the mode" OK 'has 6 B' "file:$f?mode=0640&owner=$(id -u)&group=$(id -g)"
finds "... another" CRIT 'has the mode 0640, not 0600' "file:$f?mode=600"
finds "the owner" CRIT "has the owner $(id -u), not daemon \(1\)" \
    "file:$f?owner=daemon"
finds "the group" CRIT "has the group $(id -g), not daemon \(1\)" \
    "file:$f?group=daemon"
finds "the size" WARN '6 B \(WARN 5\)' "file:$f?size=5,10"
finds "... at least" CRIT '6 B \(CRIT 1K:\)' "file:$f?size=,1K:"
touch -d '3 hours ago' "$f"
finds "the age" WARN 'modified (3 h|2 h 59 m).* ago \(WARN 2h\)' \
    "file:$f?mtime=2h,4h"
finds "... by -w and -c" CRIT '\(CRIT 1h\)' -w 10m -c 1h "file:$f"
touch -d '1 day' "$f"
finds "... from the future" OK 'modified 0 ms ago' "file:$f?mtime=2h,4h"
printf 'one\ntwo\r\nERROR three\nlast' >"$f"
finds "a line" OK "a line matches '\^two\\$'" "file:$f?match=^two\$"
finds "... the last one, without an end" OK 'a line matches' \
    "file:$f?match=last\$"
finds "... none" CRIT "no line matches 'four'" "file:$f?match=four"
finds "no line of that kind" OK "no line matches 'PANIC'" \
    "file:$f?nomatch=PANIC"
finds "... but one" CRIT "a line matches 'ERROR'" "file:$f?nomatch=ERROR"
finds "a file of the kernel's" OK 'a line matches' \
    'file:/proc/version?match=Linux'
for bad in mode=9 mode=77777 mode= owner=ha-none owner=-1 group=ha-none \
    sha256=abc sha256="${zeros}0" md5="$sha" 'match=(' size=x mtime=x nope=1 \
    changed=maybe; do
	look "file:$f?$bad"
	is "$bad: a usage error, 3" "$status" 3
	is "... nothing on stdout" "$out" ''
done

## What changed

echo hello >"$f"
chmod 644 "$f"
finds "a file that was never accepted" UNKNOWN \
    "was never accepted: ha-stat --accept file:$f" "file:$f?changed"
exits "--accept" 0 ha-stat --accept "file:$f"
like "... said" "$err" "$f: accepted"
finds "... then it is" OK 'as accepted' "file:$f?changed"
exits "--accept of one in a file of checks" 0 ha-stat --accept -f - <<END
link file:$T/link changed=yes
load
END
chmod 600 "$f"
finds "its mode" CRIT 'changed since .*: mode 0600 \(accepted: 0644\)' \
    "file:$f?changed"
finds "... again: it stays so" CRIT 'mode 0600' "file:$f?changed"
chmod 644 "$f"
finds "... and back" OK 'as accepted' "file:$f?changed"
echo hallo >"$f"
finds "its content" CRIT ': content$|: content,' "file:$f?changed"
echo hello, hello >"$f"
finds "its size" CRIT 'content, size 13 \(accepted: 6\)' "file:$f?changed"
rm "$f"
finds "it is gone" CRIT 'does not exist' "file:$f?changed"
mkdir "$f"
finds "it is something else" CRIT 'is a directory' "file:$f?changed"
exits "... that can't be accepted" 3 ha-stat --accept "file:$f"
like "... said" "$err" 'it is a directory'
rmdir "$f"
exits "nothing can't be accepted" 3 ha-stat --accept "file:$f"
like "... said" "$err" 'No such file'
echo hello >"$f"
rm "$T/link"
echo hello >"$T/g"
ln -s g "$T/link"
finds "a link to another file of that content" CRIT 'the symbolic link' \
    "file:$T/link?changed"
exits "accepted anew" 0 ha-stat --accept "file:$T/link"
finds "... then it is" OK 'as accepted' "file:$T/link?changed"
finds "... and the other as before" OK 'as accepted' "file:$f?changed"
exits "--accept of what has nothing to accept" 3 ha-stat --accept load
exits "... of nothing" 3 ha-stat --accept
echo garbage >"$HA_STATE_DIR/ha-stat.accepted"
finds "a damaged record" UNKNOWN 'ha-stat.accepted:1: ' "file:$f?changed"
exits "... nothing is accepted on top" 3 ha-stat --accept "file:$f"
is "... it stays" "$(cat "$HA_STATE_DIR/ha-stat.accepted")" garbage
rm "$HA_STATE_DIR/ha-stat.accepted"
HA_STATE_DIR=/proc/none
exits "no state directory" 3 ha-stat --accept "file:$f"
like "... it is named" "$err" '/proc/none.*HA_STATE_DIR'
HA_STATE_DIR=$T/ha-state

## A file that does not keep still, or does not end

spawn perl -e 'open F, "+>", $ARGV[0]; $| = 1; for (;;) {
	seek F, 0, 0; syswrite F, $i++ x 100000 }' "$T/busy"
wait_until 10 test -s "$T/busy"
state='' tries=0
until [ "$state" = UNKNOWN ] || [ $((tries += 1)) -gt 100 ]; do
	look "file:$T/busy?sha256=$zeros"
done
like "a file that is written to" "$msg" \
    'changes while it is read: no digest can be had'
reap "$pid" KILL
truncate -s 4G "$T/sparse"
finds "a file that takes too long" CRIT 'no answer within 200 ms' -t 200ms \
    "file:$T/sparse?sha256=$zeros"
finds "... whose size is enough" WARN '4.0 GiB \(WARN 1G\)' -t 200ms \
    "file:$T/sparse?size=1G"
head -c 300000 /dev/zero | tr '\0' a >"$T/slow"
finds "a regular expression without end" CRIT 'no answer within 500 ms' \
    -t 500ms "file:$T/slow?match=(a*)*\\1\\1b"

## Without privilege

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	as_nobody()
	{
		run setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	}
	chmod 755 "$T"
	chmod 600 "$f"
	as_nobody ha-stat -F tsv "file:$f" "file:$T/./f?size=100"
	is "a file that can't be read, but looked at: 0" "$status" 0
	as_nobody ha-stat -F tsv "file:$f?sha256=$sha"
	is "... its content: 3" "$status" 3
	like "... said" "$out" "UNKNOWN	.*can't be read: Permission denied"
	mkdir -m 700 "$T/private"
	as_nobody ha-stat -F tsv "file:$T/private/x" "dir:$T/private"
	is "what is in a private directory: 3" "$status" 3
	unlike "... it is not said that it is gone" "$out" 'not exist|CRIT'
else
	skip "without privilege" "needs root and setpriv"
fi

## Directories

d=$T/d
mkdir "$d"
finds "an empty directory" OK "^$d has 0 entries\$" "dir:$d"
is "... performance data" "$perf" 'count=0;;;0'
finds "... has no newest" CRIT 'has no newest entry' "dir:$d?newest=1h"
finds "... no oldest: fine" OK 'has 0 entries' "dir:$d?oldest=1h"
touch -d '3 hours ago' "$d/old.gz"
touch "$d/.new" "$d/$(printf 'a\nb')"
mkdir "$d/sub"
touch -d '2 days ago' "$d/sub/older.gz" "$d/sub/x"
ln -s / "$d/sub/root"
finds "entries" OK 'has 4 entries' "dir:$d"
finds "... too many" WARN 'has 4 entries \(WARN 3\)' "dir:$d?count=3,10"
finds "... by -c" CRIT '\(CRIT 10:\)' -c 10: "dir:$d"
finds "the newest" OK 'its newest \(.*\) is .* old' "dir:$d?newest=1h,2h"
finds "... of some names" WARN \
    'its newest \(old.gz\) is (3 h|2 h 59 m).* old \(WARN 1h\), has 1 entry like \*.gz' \
    "dir:$d?newest=1h,4h&name=*.gz"
finds "the oldest" CRIT 'its oldest \(old.gz\) is .* old \(CRIT 2h\)' \
    "dir:$d?oldest=1h,2h"
finds "what is below" CRIT \
    'its oldest \(older.gz\) is .* \(CRIT 1d\), has 2 files like \*.gz' \
    "dir:$d?oldest=1h,1d&name=*.gz&recursive"
finds "... links are not followed" OK 'has 6 files' "dir:$d?recursive"
ln -s d "$T/dlink"
finds "a link to a directory" OK 'has 4 entries' "dir:$T/dlink"
finds "... what is below it" OK 'has 6 files' "dir:$T/dlink?recursive"
finds "no directory" CRIT "can't be read: Not a directory" "dir:$f"
finds "... what is below it" CRIT "can't be read: Not a directory" \
    "dir:$f?recursive"
finds "none" CRIT "can't be read: No such file" "dir:$d/none"
(
	cd "$d/sub" || exit
	i=0
	while [ $((i += 1)) -le 1500 ]; do
		echo "$i"
	done | xargs touch
)
finds "many" OK 'has 1503 entries' "dir:$d/sub"

## Mounts

root_type=$(awk '$5 == "/" { sub(/.* - /, ""); print $1 }' \
    /proc/self/mountinfo | tail -n 1)
finds "a mount point" OK "^/ is mounted, $root_type from " mount:/
finds "... of that type" OK 'is mounted' "mount:/?type=$root_type"
finds "... of another" CRIT "has the type $root_type, not nfs4" \
    "mount:/?type=nfs4"
finds "... from elsewhere" CRIT 'has the source .*, not nas:/x' \
    "mount:/?source=nas:/x"
finds "a directory" CRIT "^$d is not mounted\$" "mount:$d/"
if mount -t tmpfs -o ro,noexec,size=4k ha-test "$d" 2>/dev/null; then
	finds "a read-only mount" OK "^$d is mounted, tmpfs from ha-test, ro" \
	    "mount:$d?options=ro,noexec&source=ha-test"
	finds "... that is to be rw" CRIT 'is not mounted rw' \
	    "mount:$d/?options=rw"
	finds "... and nosuid" CRIT 'is not mounted nosuid' \
	    "mount:$T/./d?options=ro,nosuid"
	umount "$d"
	mkdir "$T/a b"
	mount -t tmpfs ha-test "$T/a b"
	finds "a name with a blank" OK 'is mounted' "mount:$T/a%20b"
	umount "$T/a b"
else
	skip "mounts" "nothing can be mounted here"
fi

# An automounter that mounts a tmpfs when it is asked: auto DIR.
auto()
{
	mkdir "$1"
	spawn perl -e '
	my ($dir) = @ARGV;
	setpgrp;
	$^F = 100;
	pipe(my $asked, my $ask) or die;
	my $options = "pgrp=$$,minproto=5,maxproto=5,direct,fd=" . fileno $ask;
	system(qw(mount -t autofs -o), $options, "ha-auto", $dir) and exit 1;
	sysopen(my $top, $dir, 0) or die;
	open(my $ready, ">", "$dir.ready");
	sysread($asked, my $packet, 4096) or die;
	my (undef, undef, $token) = unpack("iiI", $packet);
	system(qw(mount -t tmpfs ha-real), $dir);
	ioctl($top, 0x9360, $token); # AUTOFS_IOC_READY
	sleep;
	' "$1"
	wait_until 5 test -e "$1.ready"
}

if auto "$T/auto" 2>/dev/null; then
	finds "what is mounted when it is asked" OK \
	    'is mounted, tmpfs from ha-real' "mount:$T/auto?type=tmpfs"
	umount "$T/auto"
	umount -l "$T/auto"
	reap "$pid" KILL
else
	skip "an automounter" "no autofs here"
fi

## Programs

cat >"$T/plugin" <<'END'
#!/bin/sh
printf 'DISK %s - %s |used=5%%;80;90 '"'a b'"'=3c bad =x y=\033[31m z=1.5s\nmore\n' "$2" "$1"
exit "$3"
END
chmod 755 "$T/plugin"
for case in 0:OK 1:WARN 2:CRIT 3:UNKNOWN; do
	finds "exit ${case%:*}" "${case#*:}" '^DISK two - one 1$' \
	    "exit:$T/plugin 'one 1' \"two\" ${case%:*}"
	is "... performance data" "$perf" \
	    "used=5%;80;90 'a b'=3c z=1.5s"
done
finds "exit 4" UNKNOWN '^DISK b - a, .*/plugin ended with 4' \
    "exit:$T/plugin a b 4"
finds "exit 255" UNKNOWN '^sh ended with 255$' 'exit:sh -c "exit 255"'
finds "exit 137" UNKNOWN '^sh ended with 137$' 'exit:sh -c "exit 137"'
finds "... plainly" CRIT 'ended with 4' "exit:$T/plugin a b 4?plain"
finds "... exit 0 plainly" OK 'DISK' "exit:$T/plugin a b 0?plain"
finds "a plain failure" CRIT '^false ended with 1$' 'exit:false?plain'
finds "words on stderr only" WARN '^to stderr$' \
    "exit:sh -c 'echo to stderr >&2; exit 1'"
finds "no words" OK '^true ended with 0$' exit:true
finds "a signal" CRIT 'sh was killed by SIGSEGV' 'exit:sh -c "kill -SEGV $$"'
finds "no such program" UNKNOWN "can't start ha-none: No such file" \
    exit:ha-none
finds "blanks, quotes, a backslash" OK '^a b\^c  d\^e f\^\$HOME\^\^$' \
    'exit:printf  "%25s^" a\ b '"'c  d'"' "e f" $HOME ""'
finds "much output" OK '^y$' -t 20s 'exit:sh -c "yes | head -n 1000000"'
finds "raw bytes" OK 'a' "exit:printf 'a\\\\033[31m\\\\ab'"
not_ok "... don't come out" grep -q "$(printf '\033')" "$T/out"
finds "a question mark" OK '^why\?$' 'exit:echo why%3F'
cat >"$T/hang" <<'END'
#!/bin/sh
trap '' TERM
sleep 1000 &
echo "$!" >"$1"
wait
END
chmod 755 "$T/hang"
finds "one that hangs" CRIT "^$T/hang: no answer within 500 ms\$" -t 500ms \
    "exit:$T/hang $T/child"
gone()
{
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'' | *') Z '*) ;;
	*) return 1 ;;
	esac
}
ok "... its child is gone, too" wait_until 10 gone "$(cat "$T/child")"
finds "one that leaves a child behind" OK '^sh ended with 0$' \
    "exit:sh -c 'sleep 1000 >/dev/null 2>&1 & echo \"\$!\" >$T/child'"
ok "... which is gone" wait_until 10 gone "$(cat "$T/child")"
for bad in exit: 'exit: ' 'exit:"a' "exit:'a" 'exit:a\'; do
	look "$bad"
	is "$bad: a usage error, 3" "$status" 3
done

## What never answers

# A file system that takes every question and answers none; $pid.
mount_mute()
{
	mkdir -p "$T/mute"
	spawn "$mute" "$@" "$T/mute"
	wait_until 10 grep -q " $T/mute " /proc/self/mountinfo
}

# And in a directory of others.
mount_hidden()
{
	mkdir -p "$T/mute/sub" "$T/in/mute"
	mount -t tmpfs ha-test "$T/mute/sub" && mount_mute &&
	    mount --bind "$T/mute" "$T/in/mute"
}

# Its end answers everybody who waits.
unmount_mute()
{
	reap "$pid" KILL
	umount "$T/mute"
	for bound in "$T/in/mute" "$T"/many*; do
		umount "$bound" 2>/dev/null
	done
}

# What the kernel holds: the helper that asked.
stuck_helper()
{
	stuck=$(cat "$HA_RUN_DIR"/ha-stat.*mute)
	stuck=${stuck%% *}
	grep -q '^State:.*D' "/proc/$stuck/status"
}

if [ "$(id -u)" -ne 0 ] || [ ! -c /dev/fuse ] || ! mount_hidden; then
	skip "what never answers" "no FUSE here"
	done_testing
fi
tap_clock
start=$tap_now
# More than one question, one reader at the other end of the pipe.
timeout 20 ha-stat -F tsv -t 500ms "mount:$T/mute" "file:$T/mute/x" \
    "dir:$T/mute" "proc:pidfile=$T/mute/pid" "disk:$T/mute" uptime |
    cat >"$T/out"
tap_clock
ok "it ends soon" test $((tap_now - start)) -lt 500
is "each of these is CRIT" "$(grep -c 'CRIT.*no answer within 500 ms' "$T/out")" 5
like "... the others are not" "$(cat "$T/out")" '	uptime	OK	'
ok "... the frame is whole" grep -q '^#end' "$T/out"
ok "one helper hangs where it can't be killed" stuck_helper
is "... its lock is nobody else's" \
    "$(stat -c %a "$HA_RUN_DIR"/ha-stat.*mute)" 600
first=$stuck
tap_clock
start=$tap_now
look -t 20s "mount:$T/mute" "file:$T/mute/x" "dir:$T/mute" "disk:$T/mute"
tap_clock
is "the next run knows" "$(printf '%s\n' "$out" |
    grep -c 'CRIT.*process [0-9]*, an earlier look, has been stuck for')" 4
ok "... at once" test $((tap_now - start)) -lt 500
ok "... and starts no other" stuck_helper
is "... it is still the first" "$stuck" "$first"
finds "a path that leads there" CRIT "process $first, an earlier look, has been stuck for" "file:$T/mute/../mute/x"
finds "what is mounted below it" CRIT "process $first, an earlier look, has been stuck for" "mount:$T/mute/sub"
finds "a directory in which it is" CRIT 'no answer within 200 ms' -t 200ms \
    "dir:$T/in?newest=1h"
finds "... the next run knows" CRIT 'an earlier look, has been stuck' \
    -t 200ms "dir:$T/in?newest=1h"
finds "a program that can't be killed" CRIT 'no answer within 300 ms' \
    -t 300ms "exit:stat -f $T/mute"
finds "... the next run knows" CRIT \
    '^stat: no answer: process [0-9]+, an earlier look, has been stuck' \
    "exit:stat -f $T/mute"
finds "what is elsewhere" OK 'has 6 B' "file:$f"
many=
for i in $(seq 25); do
	mkdir "$T/many$i"
	mount --bind "$T/mute" "$T/many$i"
	many="$many disk:$T/many$i"
done
# shellcheck disable=SC2086 # no blank in their names
run ha-stat -F nagios -t 20s -T 500ms $many uptime
is "many at the run's deadline: 2" "$status" 2
like "... said of each" "$out" '25 of 26 not OK'
kill -USR1 "$pid"
ok "it answers again: the helper is gone" wait_until 10 gone "$first"
finds "... and all is well" OK 'is mounted' "mount:$T/mute"
finds "... for a directory" OK 'has 0 entries' "dir:$T/mute"
finds "... a file" CRIT 'does not exist' "file:$T/mute/x"
unmount_mute
# As NFS of today: a signal ends the wait.
mount_mute -k
finds "one that a signal ends" CRIT "^$T/mute: no answer within 200 ms" -t 200ms \
    "mount:$T/mute"
finds "... leaves nobody behind" CRIT 'no answer within 200 ms' -t 200ms \
    "mount:$T/mute"
kill -USR1 "$pid"
finds "... and all is well at once" OK 'is mounted' "mount:$T/mute"
unmount_mute
umount "$T/mute/sub"
done_testing
