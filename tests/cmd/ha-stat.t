#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-stat.t - this machine's state, as a person and a script ask for it.
. "$(dirname "$0")/../tap.sh"
needs script unshare mount

# Mounts belong to this test alone.
if [ -z "${HA_TEST_MOUNTS-}" ] && [ "$(id -u)" -eq 0 ]; then
	unshare -m --propagation private true 2>/dev/null ||
	    lacks "mounts can't be private here (a plain chroot)"
	HA_TEST_MOUNTS=1 exec unshare -m --propagation private "$0" "$@"
fi

SAMPLES=$HA_STATE_DIR/ha-stat.samples
TAB=$(printf '\t')
# A clock that is right, and no NTP daemon needed for it: see the preload.
TIMEX=$HA_TOOLS/preload/timex.so

# Fields of the only record: check's name, then the field's number.
field()
{
	printf '%s\n' "$out" | awk -F '\t' -v check="$1" -v n="$2" \
	    '!/^#/ && $4 == check { print $n }'
}

state()
{
	field "$1" 5
}

msg()
{
	field "$1" 8
}

perf()
{
	field "$1" 9
}

## Records

run ha-stat uptime
is "uptime: exit 0" "$status" 0
like "... the frame" "$out" "^#begin${TAB}name=ha-stat${TAB}id="
like "... its end" "$out" "^#end${TAB}id=.*${TAB}n=1${TAB}worst=OK\$"
is "... one record of nine fields" \
    "$(printf '%s\n' "$out" | awk -F '\t' '!/^#/ { print NF }')" 9
is "... about this host" "$(field uptime 3)" "$(uname -n)"
is "... by this host" "$(field uptime 2)" "$(uname -n)"
is "... target" "$(field uptime 7)" uptime
like "... words" "$(msg uptime)" '^up .*, since 20..-..-.. ..:.. UTC$'
like "... performance data" "$(perf uptime)" '^uptime=[0-9.]+s;;;0$'
run ha-stat 'uptime?warn=1s:'
is "a threshold that is kept: 0" "$status" 0
is "... CHECK is without options, TARGET with them" \
    "$(field uptime 7)" 'uptime?warn=1s:'
run ha-stat 'uptime?warn=99999d:'
is "WARN: 1" "$status" 1
like "... says which threshold" "$(msg uptime)" '\(WARN 99999d:\)$'
run ha-stat -c 99999d: uptime
is "CRIT by -c: 2" "$status" 2
like "... in the trailer" "$out" 'worst=CRIT$'
run ha-stat -c 99999d: 'uptime?warn=1s:'
is "-c is for checks without thresholds of their own" "$status" 0
run ha-stat uptime load mem 'disk:/?crit=0'
is "the worst of several: 2" "$status" 2
is "... all are told" "$(printf '%s\n' "$out" | grep -c "^20")" 4
run ha-stat -q uptime 'disk:/?warn=0'
is "-q: only what is not OK" "$(printf '%s\n' "$out" | grep -c '^20')" 1
like "... and says so" "$out" 'quiet=1$'
like "load" "$(run ha-stat load && msg load)" \
    '^load [0-9.]+ [0-9.]+ [0-9.]+ on [0-9]+ CPUs?'
run ha-stat mem swap
like "mem" "$(msg mem)" '^[0-9]+% used, .*iB available of .*iB$'
like "swap" "$(msg swap)" '^no swap$|^[0-9]+% used, .* free of'

## Formats

run ha-stat -F json uptime
like "json" "$out" '"check":"uptime","state":"OK"'
run ha-stat -F nagios uptime 'disk:/?warn=0'
is "nagios: one line" "$(printf '%s\n' "$out" | wc -l)" 1
is "... status" "$status" 1
run ha-stat -F prom -o "$T/x.prom" uptime
is "prom: 0" "$status" 0
is "... nothing on stdout" "$out" ''
like "... in the file" "$(cat "$T/x.prom")" '^ha_'
run ha-stat -F table uptime
like "table" "$out" '^OK +uptime'
ln -s "$(command -v ha-stat)" "$T/check_ha_stat"
run "$T/check_ha_stat" uptime
like "called as a plugin it speaks like one" "$out" '^uptime OK - up .*\|uptime='
exits "... --help: 3" 3 "$T/check_ha_stat" --help
exits "... usage: 3" 3 "$T/check_ha_stat" --nonsense

## Mistakes: 3, and nothing runs

usage()
{
	want=$1
	shift
	exits "usage: ha-stat $*" 3 ha-stat "$@"
	is "... nothing on stdout" "$out" ''
	like "... said" "$err" "^ha-stat: .*$want"
	is "... in one line" "$(printf '%s\n' "$err" | wc -l)" 1
}
usage "'nonsense' is no kind" nonsense
usage "'nonsense' is no kind" uptime nonsense
usage 'it is written disk:PATH' disk
usage 'it is written proc:pidfile=PATH . exe=NAME . unit=NAME' proc
usage 'load takes no argument' load:x
usage "the check 'load' is there already" load 'load?warn=1'
usage "no option 'foo'" 'load?foo=1'
usage "threshold 'x'" 'load?warn=x'
usage "threshold 'x'" -w x load
usage 'none of' -F xml load
usage 'none' -f "$T/none"
usage 'need checks' -w 1
usage 'accept needs checks' --accept
usage 'none of these checks records' --accept load
usage "can't be 0" -i 0 cpu
usage "can't be 0" -t 0 cpu
usage '-i must be shorter' -i 10s -T 5s cpu
usage 'prom only' -o "$T/x" uptime
usage 'no kind' --list nonsense

## Files of checks

cat >"$T/checks" <<'END'
# what is looked at
since  uptime warn=1s:
uptime
'two words' uptime?crit=99999d:
load load "warn=10000"
include more
END
echo 'mem warn=99.9% used' >"$T/more"
exits "a mistake in an included file: 3" 3 ha-stat -f "$T/checks"
is "... nothing runs" "$out" ''
is "... file, line and column" "$err" \
    "ha-stat: $T/more:1:16: 'used' is no KEY=VALUE"
echo 'mem warn=99.9%' >"$T/more"
run ha-stat -f "$T/checks"
is "a file of checks: the worst" "$status" 2
is "... names" "$(printf '%s\n' "$out" | awk -F '\t' '!/^#/ { print $4 }')" \
    "$(printf 'since\nuptime\ntwo words\nload\nmem')"
is "... TARGET is what was written" "$(field since 7)" 'uptime warn=1s:'
for line in 'foo' 'a foo' 'load x' 'load warn=' 'load warn=x' 'load:x' \
    'a load foo=1' 'disk:' 'a disk'; do
	echo "$line" >"$T/bad"
	exits "'$line' is refused" 3 ha-stat -f "$T/bad"
	like "... with its place" "$err" "^ha-stat: $T/bad:1:[0-9]+: "
	is "... nothing on stdout" "$out" ''
done
printf '%s\n' 'a load' 'b uptime' '  a mem' >"$T/bad"
exits "a name that stands twice is refused" 3 ha-stat -f "$T/bad"
is "... with its place" "$err" \
    "ha-stat: $T/bad:3:3: the check 'a' is there already; in a file of checks each can have a name"
: >"$T/empty"
exits "a file without checks: 3" 3 ha-stat -f "$T/empty"
like "... said" "$err" 'holds no check'
echo 'up uptime' >"$T/in"
run sh -c 'ha-stat -f - <"$1"' sh "$T/in"
is "from stdin" "$(state up)" OK
run ha-stat -f "$T/in" load
is "and operands behind it" "$(printf '%s\n' "$out" | grep -c '^20')" 2
echo 'mem' >"$T/more"
run ha-stat -f "$T/in" -f "$T/more"
is "and other files" "$(printf '%s\n' "$out" | grep -c '^20')" 2
run ha-stat -q -F table -f "$T/in"
is "-q -F table: nothing when all is OK" "$out" ''
run ha-stat -w 99999d: -f "$T/in"
is "-w reaches into a file" "$(state up)" WARN

## Disks

usable()
{
	df -B1 --output=used,avail "$1" | awk 'NR == 2 { print $1 + $2 }'
}

# Until that part of it is used.
fill()
{
	have=$(df -B1 --output=used "$T/disk" | tail -n 1)
	bytes=$(($(usable "$T/disk") * $1 / 100 - have))
	head -c "$bytes" /dev/zero >>"$T/disk/x"
}

if [ "$(id -u)" -eq 0 ] && mkdir "$T/disk" "$T/inodes" &&
    mount -t tmpfs -o size=10m tmpfs "$T/disk" 2>/dev/null; then
	check=disk:$T/disk
	fill 50
	run ha-stat "$check"
	is "half full: OK" "$(state "$check")" OK
	like "... words" "$(msg "$check")" \
	    "^$T/disk (49|50)% used, 5.0 MiB free of 10.0 MiB\$"
	like "... performance data" "$(perf "$check")" \
	    '^used=[0-9]+B;8912896;9961472;0;10485760 free=5[0-9]{6}B;;;0$'
	run ha-stat "$check?warn=4M"
	is "... bytes" "$(state "$check")" WARN
	run ha-stat "$check?warn=6M"
	is "... more bytes" "$(state "$check")" OK
	run ha-stat "$check?free=6M:,4M:"
	is "... bytes that are free" "$(state "$check")" WARN
	like "... said first" "$(msg "$check")" \
	    'only 5.0 MiB free \(WARN 6M:\), (49|50)% used'
	run ha-stat "$check?free=60pct:"
	is "... a part that is free" "$(state "$check")" WARN
	fill 91
	run ha-stat "$check"
	is "91 %: WARN" "$(state "$check")" WARN
	like "... said" "$(msg "$check")" '9[01]% used.* \(WARN 85%\)$'
	is "... exit status" "$status" 1
	run ha-stat -w 92% -c 95% "$check"
	is "... -w 92%: OK" "$(state "$check")" OK
	run ha-stat -w 80pct -c 90pct "$check"
	is "... -c 90pct: CRIT" "$(state "$check")" CRIT
	fill 99
	run ha-stat "$check"
	is "99 %: CRIT" "$(state "$check")" CRIT
	is "... exit status" "$status" 2
	mkdir "$T/disk/below"
	run ha-stat "$check/below"
	like "a directory on it" "$(msg "$check/below")" \
	    "^$T/disk/below \\(on $T/disk\\) 9[89]% used"
	run ha-stat "$check?mounted&warn=100%"
	is "mounted: it is" "$(state "$check")" OK
	run ha-stat "$check/below?mounted"
	is "mounted: it is not" "$(state "$check/below")" CRIT
	like "... said" "$(msg "$check/below")" 'nothing is mounted there'
	mount -o remount,ro "$T/disk"
	run ha-stat "$check?warn=100%"
	like "read-only is said" "$(msg "$check")" 'mounted read-only$'

	mount -t tmpfs -o size=10m,nr_inodes=100 tmpfs "$T/inodes"
	check=inode:$T/inodes
	run ha-stat "$check"
	is "inodes: OK" "$(state "$check")" OK
	(cd "$T/inodes" && seq 95 | xargs touch)
	run ha-stat "$check"
	is "inodes: 96 of 100: CRIT" "$(state "$check")" CRIT
	like "... said" "$(msg "$check")" \
	    '96% of the inodes used, 4 free of 100 \(CRIT 95%\)$'
	run ha-stat "disk:$T/inodes"
	is "... but it is not full" "$(state "disk:$T/inodes")" OK
	(cd "$T/inodes" && seq 200 | xargs touch 2>/dev/null)
	run ha-stat "$check?free=1:"
	is "... and none left" "$(state "$check")" CRIT
	mkdir "$T/a b?%41"
	mount -t tmpfs -o size=10m tmpfs "$T/a b?%41"
	run ha-stat "disk:$T/a%20b%3F%2541?mounted"
	like "any path can be written" "$out" "a b\\?%41 0% used"
	printf 'odd "disk:%s/a b%%3F%%2541" mounted\n' "$T" >"$T/odd"
	run ha-stat -f "$T/odd"
	is "... in a file, too" "$(state odd)" OK
else
	skip "disks" "nothing can be mounted here"
fi
run ha-stat "disk:$T/nowhere"
is "a path that is not there: CRIT" "$(state "disk:$T/nowhere")" CRIT
like "... said" "$(msg "disk:$T/nowhere")" 'No such file'
run ha-stat inode:/proc
is "no inodes are counted: OK" "$(state inode:/proc)" OK

## A file system that does not answer

mute_mounted()
{
	grep -q " $T/mute " /proc/self/mountinfo
}

mkdir "$T/mute"
if [ "$(id -u)" -eq 0 ] && [ -c /dev/fuse ]; then
	spawn "$HA_TOOLS/mute-fuse" -k "$T/mute"
	wait_until 5 mute_mounted
	tap_clock
	began=$tap_now
	run ha-stat -t 500ms "disk:$T/mute" "inode:$T/mute/x" disk:/ uptime
	tap_clock
	is "it is CRIT" "$(state "disk:$T/mute")" CRIT
	like "... said" "$(msg "disk:$T/mute")" 'no answer within 500 ms'
	is "... below it, too" "$(state "inode:$T/mute/x")" CRIT
	is "... others are not held up" "$(state uptime)" OK
	ok "... in time" test $((tap_now - began)) -lt 300
	run ha-stat -t 20s -T 500ms "disk:$T/mute" disk:/
	is "-T: CRIT" "$(state "disk:$T/mute")" CRIT
	like "... said" "$(msg "disk:$T/mute")" ': deadline: '
	run ha-stat -t 300ms -i 200ms
	like "the page shows it, and ends" "$out" \
	    "(disk .*)?CRIT +no answer within 300 ms|^  load"
	reap "$pid" TERM
	umount -l "$T/mute"
else
	skip "a mute file system" "needs root and fuse"
fi

## Rates

# Seconds that a command takes, cut.
seconds()
{
	tap_clock
	begin=$tap_now
	"$@"
	tap_clock
	took=$(((tap_now - begin) / 100))
}

# Have the samples been taken so many seconds earlier.
age_samples()
{
	awk -F '\t' -v OFS='\t' -v ms="$(($1 * 1000))" \
	    '!/^#/ { $2 -= ms } { print }' "$SAMPLES" >"$T/aged"
	cp "$T/aged" "$SAMPLES"
}

rm -f "$SAMPLES"
seconds run ha-stat cpu
ok "the first rate takes two looks: $took s" test "$took" -ge 1
ok "... a sample is kept" test -s "$SAMPLES"
like "... words" "$(msg cpu)" '[0-9]+% busy'
like "... performance data" "$(perf cpu)" \
    '^busy=[0-9.]+%;90;98;0;100 iowait=.* steal=.* user=.* system='
age_samples 60
seconds run ha-stat cpu
ok "the second run needs none: $took s" test "$took" -lt 1
is "... nothing on stderr" "$err" ''
seconds run ha-stat -v -i 300ms cpu
is "-i: fresh ones" "$(state cpu | grep -c UNKNOWN)" 0
is "... -v tells of it" "$err" "ha-stat: rates take a second look, in 300 ms"
age_samples 4000
seconds run ha-stat cpu
ok "samples of more than an hour ago are none: $took s" test "$took" -ge 1
age_samples 60
sed -i 's/boot=./boot=z/' "$SAMPLES"
seconds run ha-stat cpu
ok "nor are those of before a restart: $took s" test "$took" -ge 1
like "... the file is of this boot again" "$(head -n 1 "$SAMPLES")" \
    "boot=$(cat /proc/sys/kernel/random/boot_id)\$"
age_samples 60
sed -i "s/^cpu\\(${TAB}[0-9]*\\)${TAB}/cpu\\1${TAB}9/" "$SAMPLES"
seconds run ha-stat cpu
ok "counters that went backwards are looked at anew: $took s" \
    test "$took" -ge 1
unlike "... nothing wild comes of it" "$(state cpu)" UNKNOWN
for junk in '' 'junk' "$(printf '#ha-stat-samples\tv=1\n\t\t\t')"; do
	printf '%s' "$junk" >"$SAMPLES"
	run ha-stat cpu
	unlike "a spoilt file is none" "$(state cpu)" UNKNOWN
done
HA_STATE_DIR=/proc/none run ha-stat cpu
unlike "without a state directory two looks are taken" "$(state cpu)" UNKNOWN
is "... which is said once" "$(printf '%s\n' "$err" | wc -l)" 1
like "... with its name" "$err" 'warning: .*/proc/none.*HA_STATE_DIR'
HA_STATE_DIR=/proc/none run ha-stat -i 200ms cpu
is "... and with -i none is missed" "$err" ''
run ha-stat -i 2s -T 2100ms -t 1s cpu uptime
is "-t is not about the interval" "$(state uptime)" OK
run ha-stat uptime
rm -f "$SAMPLES"
run ha-stat uptime mem
not_ok "without a rate nothing is kept" test -e "$SAMPLES"

# Bytes through an interface, between two runs.
rm -f "$SAMPLES"
net=
if [ "$(id -u)" -eq 0 ]; then
	for type in dummy 'veth peer name hatest1'; do
		# shellcheck disable=SC2086 # a list of words
		ip link add hatest0 type $type 2>/dev/null && net=hatest0 &&
		    break
	done
fi
if [ -n "$net" ]; then
	run ha-stat -i 50ms "net:$net"
	is "an interface that is not set up: CRIT" "$(state "net:$net")" CRIT
	like "... said" "$(msg "net:$net")" '^hatest0 is not set up'
	ip link set "$net" up
	ip link set hatest1 up 2>/dev/null
	link_is_up()
	{
		run ha-stat -i 50ms "net:$net"
		[ "$(state "net:$net")" = OK ]
	}
	ok "set up: OK" wait_until 10 link_is_up
	if ip link set hatest1 down 2>/dev/null; then
		run ha-stat -i 50ms "net:$net"
		is "without a link: CRIT" "$(state "net:$net")" CRIT
		like "... said" "$(msg "net:$net")" '^hatest0 has no link \('
	else
		skip "without a link" "a dummy always has one"
	fi
	ip link del "$net"
	run ha-stat -i 50ms "net:$net"
	is "gone: CRIT" "$(state "net:$net")" CRIT
	like "... said" "$(msg "net:$net")" "there is no interface 'hatest0'"
else
	skip "interfaces of our own" "none can be made here"
fi
run ha-stat -i 200ms net:lo
is "net:lo" "$(state net:lo)" OK
like "... performance data" "$(perf net:lo)" \
    '^use=.*B;.* in=.*B;.* out=.*B;.* errors=.*;1;10;0 drops=.* packets='
# The counters of lo, made small: as if a GB had passed in ten seconds.
run ha-stat net:lo
sed -i "s/^net lo${TAB}\\([0-9]*\\).*/net lo${TAB}\\1${TAB}0${TAB}0${TAB}0${TAB}0${TAB}0${TAB}0${TAB}0${TAB}0/" \
    "$SAMPLES"
age_samples 10
run ha-stat 'net:lo?in=0,'
is "a rate out of the file: WARN" "$(state net:lo)" WARN

# Bytes on a disk.
disk=$(awk '$3 ~ /^loop/ { print $3; exit }' /proc/diskstats)
loop=
if [ "$(id -u)" -eq 0 ] && head -c 8388608 /dev/zero >"$T/image"; then
	loop=$(losetup --show -f "$T/image" 2>/dev/null)
fi
if [ -n "$loop" ]; then
	run ha-stat "io:$loop" "io:${loop#/dev/}"
	is "io of a device by its path" "$(state "io:$loop")" OK
	is "... by its name" "$(state "io:${loop#/dev/}")" OK
	like "... words" "$(msg "io:$loop")" \
	    "^${loop#/dev/} 0% busy, reads 0 B/s \\(0/s\\), writes"
	dd if="$loop" of=/dev/null bs=1M iflag=direct status=none 2>/dev/null ||
	    dd if="$loop" of=/dev/null bs=1M status=none
	age_samples 1
	run ha-stat "io:$loop?read=1K"
	is "... that was read: WARN" "$(state "io:$loop")" WARN
	like "... said" "$(msg "io:$loop")" 'reads .*iB/s \(WARN 1K\)'
	losetup -d "$loop"
else
	skip "io of a loop device" "there is none (${disk:-no loop})"
fi
run ha-stat -i 50ms io
like "io without a device: the busiest one" "$(msg io)" \
    ' busy, reads |no disk$'
run ha-stat io:nonsense
is "a disk that is not there: CRIT" "$(state io:nonsense)" CRIT

## The clock

clock()
{
	want=$1
	words=$2
	shift 2
	run env LD_PRELOAD="$TIMEX" ha-stat "$@"
	is "clock: $want" "$(state clock)" "$want"
	like "... $words" "$(msg clock)" "$words"
}
export HA_TEST_TIMEX
HA_TEST_TIMEX='0 8193 1500000 200 3000'
clock OK '^synchronized, offset 1.5 ms$' clock
like "... performance data" "$(perf clock)" \
    '^offset=0.0015s;0.1;1;0 error=0.0002s;0.1;1;0 maxerror=0.003s;;;0$'
HA_TEST_TIMEX='0 1 -250000 200 3000'
clock WARN '^offset 250 ms \(WARN 100ms\), synchronized$' clock
clock CRIT '^offset 250 ms \(CRIT 200ms\)' 'clock?offset=100ms,200ms'
HA_TEST_TIMEX='0 1 0 2000000 9000000'
clock CRIT '^estimated error 2e\+03 ms|^estimated error 2000 ms' clock
clock WARN 'error of at most' 'clock?error=,9&maxerror=5s'
HA_TEST_TIMEX='5 64 0 16000000 16000000'
clock WARN '^not synchronized' clock
clock OK '^not synchronized' 'clock?unsync=OK'
clock CRIT '^not synchronized' 'clock?unsync=CRIT'
HA_TEST_TIMEX='1 1 0 1 1'
clock OK 'leap second' clock
HA_TEST_TIMEX='-1 0 0 0 0 1'
clock UNKNOWN "can't be asked" clock
cp "$(command -v sleep)" "$T/chronyd"
spawn "$T/chronyd" 600
HA_TEST_TIMEX='5 64 0 16000000 16000000'
clock WARN 'though chronyd runs: .*no rtcsync' clock
reap "$pid" TERM
cp "$(command -v sleep)" "$T/systemd-timesyncd"
spawn "$T/systemd-timesyncd" 600
clock WARN 'though systemd-timesyncd runs: do its servers answer[?]$' clock
reap "$pid" TERM
usage 'none of OK, WARN, CRIT' 'clock?unsync=MAYBE'
run ha-stat clock
like "the real one says something" "$(msg clock)" 'synchronized'

## --list

run ha-stat --list
is "--list: 0" "$status" 0
cp "$T/out" "$T/list"
is "... keeps to 80 columns" \
    "$(awk 'length($0) > 80' "$T/out")" ''
for kind in load cpu mem swap disk inode io net uptime clock units proc \
    cgroup file dir mount exit; do
	like "... $kind" "$(cat "$T/list")" "^$kind([: ]|\[|\$)"
	run ha-stat --list "$kind"
	like "... $kind alone" "$out" "^$kind([: ]|\[|\$)"
done
# Every kind and every option has to stand in the manual, too.
missing=$(awk '
	FNR == NR {
		for (i = 2; $1 == ".It" && i <= NF; i++)
			known[$i] = 1
		next
	}
	/^$/ { begun = 1 }
	begun && (/^[a-z]/ || /^    [a-z0-9_]+(=[A-Z]|  +|$)/) {
		split($1, part, /[:=[]/)
		if (!(part[1] in known))
			print part[1]
	}' "$TOP/man/ha-stat.1" "$T/list")
is "... and all of it stands in the manual" "$missing" ''
run ha-stat --list disk io
is "... only those that are named" "$(printf '%s\n' "$out" |
    grep -c '^[a-z]')" 2

## The page

rm -f "$SAMPLES"
run ha-stat
like "without operands: a page" "$out" "^$(uname -n): .*Linux "
for row in load cpu mem swap 'disk /' io net clock units uptime \
    'most cpu' 'most memory'; do
	like "... $row" "$out" "^  $row"
done
ok "... its status is a check's" test "$status" -le 3
unlike "... no colour, no bar in a pipe" "$out" '\[|█|##'
is "... nothing on stderr" "$err" ''
not_ok "... nothing is kept" test -e "$SAMPLES"
on_terminal()
{
	run script -qec "stty cols $1; exec ha-stat -i 100ms" /dev/null
}
on_terminal 100
like "on a terminal: bars" "$out" '█|░'
like "... colour" "$out" "$(printf '\033\\[3[0-9]m')"
NO_COLOR=1 on_terminal 100
unlike "... not with NO_COLOR" "$out" "$(printf '\033\\[3[0-9]m')"
LC_ALL=C NO_COLOR=1 on_terminal 100
like "... of ASCII in another locale" "$out" '[#.]{20}'
is "... and nothing else" "$(LC_ALL=C tr -d '\000-\177' <"$T/out")" ''
for columns in 40 60 80 120; do
	LC_ALL=C NO_COLOR=1 on_terminal $columns
	is "... as wide as the terminal: $columns" "$(tr -d '\r' <"$T/out" |
	    awk -v max="$columns" 'max > 45 && length($0) > max')" ''
done
run ha-stat -F tsv -i 100ms
like "in another format it is a sweep" "$out" "^#end.*${TAB}worst="
like "... of the same checks" "$(field uptime 8)" '^up '
done_testing
