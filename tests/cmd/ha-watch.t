#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-watch.t - each trap of watching a directory, sprung on ha-watch.
# shellcheck disable=SC2016,SC2317 # functions are called by name, by ok()

# shellcheck source=tests/tap.sh
. "$(dirname "$0")/../tap.sh"
needs perl rsync setpriv unshare

MODEL=$TESTS/cmd/watch-model
TAB=$(printf '\t')
D=$T/d
REC=$T/rec
QUEUE=/proc/sys/fs/inotify/max_queued_events

# Start ha-watch on $D with the given options and wait until it is armed.
start()
{
	mkdir -p "$D"
	: >"$REC"
	spawn -o "$REC" -e "$T/werr" ha-watch "$@" "$D"
	watcher=$pid
	wait_until 10 grep -Eq '^R|"op":"R"' "$REC"
}

# Of the watchers that are started from now on; root only.
kernel_queue()
{
	old=$(cat $QUEUE)
	# shellcheck disable=SC2064
	trap "echo $old >$QUEUE; tap_cleanup" EXIT
	echo "$1" >$QUEUE
}

usual_queue()
{
	echo "$old" >$QUEUE
	trap tap_cleanup EXIT
}

# Is there a record OP KIND PATH [NEWPATH]?
told()
{
	awk -F '\t' -v op="$1" -v kind="$2" -v path="$3" -v new="${4--}" '
	BEGIN { status = 1 }
	$1 == op && $2 == kind && $4 == path && $5 == new { status = 0 }
	END { exit status }' "$REC"
}

tells()
{
	ok "$1" wait_until 10 told "$2" "$3" "$4" "${5--}"
}

# Records that name a path (an ERE), without their numbers.
records()
{
	awk -F '\t' -v re="$1" '!/^#/ && ($4 ~ re || $5 ~ re) {
		print $1, $2, $4, $5 }' "$REC"
}

# End it; all that was dirty is told then.
stop()
{
	reap "$watcher" TERM
	is "$1: ended well" "$status $(tail -n 1 "$REC")" '0 #end'
	rm -rf "$D"
}

lines_at_least()
{
	[ "$(grep -c "$1" "$REC")" -ge "$2" ]
}

is_over()
{
	! kill -0 "$1" 2>/dev/null || grep -q '^State:.Z' "/proc/$1/status"
}

root_only()
{
	[ "$(id -u)" -eq 0 ]
}

# --- an ever-growing file, running beside all that follows
mkdir "$T/log"
spawn perl -e '$| = 1; open F, ">", shift; F->autoflush;
    for (1 .. 300) { print F "x"; select undef, undef, undef, 0.05 }
    sleep 60' -MIO::Handle "$T/log/grows"
grower=$pid
spawn -o "$T/log.rec" ha-watch --heartbeat 1s --quiet-time 1s "$T/log"
logger=$pid

# --- usage
exits 'no DIR' 64 ha-watch
exits 'two DIRs' 64 ha-watch a b
exits 'a bad option' 64 ha-watch --nonsense "$T"
exits 'a bad duration' 64 ha-watch --settle soon "$T"
exits 'a bad format' 64 ha-watch -F xml "$T"
exits 'an empty pattern' 64 ha-watch -x '' "$T"
exits 'a missing pattern file' 66 ha-watch -X "$T/none" "$T"
exits 'a missing DIR' 66 ha-watch "$T/none"
like 'is named' "$err" "'.*/none'"
: >"$T/file"
exits 'DIR is a file' 66 ha-watch "$T/file"
full()
{
	timeout 10 ha-watch "$T" >/dev/full
}
exits 'a full disk at stdout' 74 full

# --- the plain things
mkdir "$D"
echo old >"$D/old"
start -x '*.swp' -x '/no/'
like 'header first' "$(head -n 1 "$REC")" \
    "^#ha-watch${TAB}v=1${TAB}root=$D${TAB}dev=[0-9]+${TAB}ino=[0-9]+${TAB}boot=.*${TAB}exclude=/\.ha-sync-\*${TAB}exclude=\*\.swp${TAB}exclude=/no/"
is 'then R of the root' "$(sed -n 2p "$REC")" "R${TAB}d${TAB}1${TAB}.${TAB}-"
echo new >"$D/new"
tells 'a new file' W f new
unlike 'is one record' "$(records '^new$')" '^C'
chmod 600 "$D/old"
tells 'a mode' A f old
truncate -s 1 "$D/old"
tells 'truncate(2), which closes nothing' W f old
ln "$D/old" "$D/linked"
tells 'a hard link' C f linked
ln -s old "$D/symlink"
tells 'a symbolic link' C l symlink
mkfifo "$D/fifo"
tells 'a FIFO' C p fifo
rm "$D/linked"
tells 'a file that goes' D - linked
exec 4>"$D/held"
echo more >&4
tells 'a file that is written and not closed' W f held
exec 4>&-
mkdir "$D/no" "$D/yes"
: >"$D/no/x"
: >"$D/x.swp"
: >"$D/yes/x"
tells 'beside an excluded directory' W f yes/x
mkdir "$D/sub" && mv "$D/no" "$D/in"
tells 'an excluded directory gets a name that is not' C d in
tells 'and what it holds' W f in/x
mv "$D/in" "$D/no"
tells 'and is gone with the old name' D d in
perl -e 'use Fcntl; sysopen my $f, shift, 020000000 | O_DIRECTORY | O_RDWR
    or exit; print $f "x"; $f->flush; link "/proc/self/fd/".fileno $f, shift;
    syscall 265, -100, "/proc/self/fd/".fileno $f, -100, $ARGV[0], 0x400' \
    -MIO::Handle "$D" "$D/tmpfile" "$D/tmpfile"
if [ -e "$D/tmpfile" ]; then
	tells 'O_TMPFILE that gets a name' W f tmpfile
else
	skip 'O_TMPFILE' 'this file system has none'
fi
stop 'plain things'
is 'nothing of what is excluded' "$(records '^no|swp|#')" ''

# --- renames
mkdir -p "$D/a/b/c" "$D/z" "$T/outside"
: >"$D/f"
start
mv "$D/f" "$D/z/g"
tells 'a file is renamed into another directory' M f f z/g
mv "$D/a" "$D/z/A"
tells 'a directory is' M d a z/A
echo >"$D/z/A/b/c/x"
tells 'below it the paths are right' W f z/A/b/c/x
mv "$D/z/A/b" "$T/outside/b"
tells 'moved out is gone' D d z/A/b
echo >"$T/outside/b/c/y"
mkdir "$T/outside/b/new"
mv "$T/outside/b" "$D/back"
tells 'moved in is new' C d back
tells 'with what it holds' W f back/c/y
tells 'and its directories' C d back/new
echo >"$D/back/c/y2"
tells 'and is watched' W f back/c/y2
mv "$D/back" "$T/outside/" && : >"$T/outside/back/c/silent"
mkdir "$D/back" "$D/sync" && : >"$D/back/again"
tells 'the name is used again' W f back/again
rm -r "$D/back" && : >"$D/back"
tells 'a directory becomes a file' W f back
rm "$D/back" && mkdir "$D/back" && : >"$D/back/f"
tells 'a file becomes a directory' W f back/f
mkdir -p "$D/e1/in1" && : >"$D/e2"
tells 'e1' C d e1/in1
perl -e 'exit !!syscall 316, -100, $ARGV[0], -100, $ARGV[1], 2' \
    "$D/e1" "$D/e2"
tells 'both change places' M d e1 e2
: >"$D/e2/in1/f"
tells 'and the directory is watched there' W f e2/in1/f
mkdir "$D/over" "$D/under" && : >"$D/under/u"
tells 'under' W f under/u
mv -T "$D/under" "$D/over"
tells 'a directory replaces an empty one' R d over
: >"$D/over/v"
tells 'and is watched' W f over/v
stop 'renames'
is 'nothing of what is outside' "$(records 'silent')" ''

# --- atomic saves
start --settle 300ms
for i in 1 2 3 4 5; do
	echo $i >"$D/save.tmp" && mv "$D/save.tmp" "$D/save"
done
tells 'a file is saved five times' W f save
stop 'atomic saves'
is 'it is one W' "$(records save | grep -v '^D')" 'W f save -'

# --- names of any bytes, and deep
start
nl='
'
for name in "t${TAB}t" "n${nl}n" 'b\b' "$(printf 'e\033e')" \
    "$(printf 'x\377\376')" -rf ' ' - "$(printf '%0255d' 0)"; do
	: >"$D/./$name"
done
tells 'a tab' W f 't\\tt'
tells 'a newline' W f 'n\\nn'
tells 'a backslash' W f 'b\\\\b'
tells 'an escape' W f 'e\\0033e'
ok 'bytes that are no UTF-8' \
    wait_until 10 env LC_ALL=C grep -q "$(printf 'x\377\376')" "$REC"
tells 'a minus' W f -rf
tells 'a blank' W f ' '
tells 'a name that is -' W f '\\0055'
tells '255 bytes' W f "$(printf '%0255d' 0)"
perl -e 'chdir shift; for (1 .. 200) { mkdir "d" x 255; chdir "d" x 255 }
    open F, ">", "end"' "$D"
deep=$(perl -e 'print(("d" x 255 . "/") x 200 . "end")')
deep_told()
{
	grep -qF "${TAB}$deep${TAB}" "$REC"
}
ok '200 directories deep' wait_until 10 deep_told
stop 'names'

# --- storms, replayed by a small reader
storm()
{
	mkdir -p "$D" "$T/copy"
	mkfifo "$T/pipe"
	spawn -i "$T/pipe" "$MODEL" follow "$D" "$T/copy" ${2:+stall}
	reader=$pid
	spawn -o "$T/pipe" -e "$T/werr" ha-watch "$D"
	watcher=$pid
	run "$MODEL" stir "$D" "$1" 15000
	# What it does not take within seconds is not told to the end.
	: >"$D/last"
	ok "storm $1: the reader keeps up" wait_until 60 test -e "$T/copy/last"
	reap "$watcher" TERM
	ended=$status
	reap "$reader"
	is "storm $1 is told to the end" "$ended $status" '0 0'
	run rsync -rlpnic --specials --delete "$D/" "$T/copy/"
	is "storm $1: nothing is missing" "$out" ''
	: >"$D/mutant"
	run rsync -rlpnic --specials --delete "$D/" "$T/copy/"
	like "storm $1: a mutant would be seen" "$out" mutant
	chmod -R u+rwx "$D" "$T/copy" "$D.outside"
	rm -rf "$D" "$T/copy" "$D.outside" "$T/pipe"
}
seed=${SEED:-$$}
diag "seed $seed (SEED=$seed replays it)"
storm "$seed"
storm $((seed + 1)) stalling
mkdir -p "$T/tree" && (
	cd "$T/tree" && for i in 1 2 3 4 5 6 7 8 9; do
		mkdir -p "$i/a/b/c/d" "$i/e/f" && : >"$i/a/b/c/d/x" &&
		    : >"$i/e/f/y"
	done
)
start
cp -r "$T/tree" "$D/one" && cp -r "$D/one" "$D/two" && rm -r "$D/one"
tells 'a copied tree' W f two/9/a/b/c/d/x
stop 'a copied tree'
is 'no file of it is missing' "$(records '^two.*[xy]$' | sort -u | wc -l)" 18

# --- overflow
if root_only; then
	kernel_queue 50
	start
	usual_queue
	kill -STOP "$watcher"
	mkdir -p "$D/lost/deep"
	perl -e 'for (1 .. 300) { open F, ">", "$ARGV[0]/$_" }' "$D"
	kill -CONT "$watcher"
	ok 'an overflow is R of the root' wait_until 10 lines_at_least \
	    "^R${TAB}d${TAB}[0-9]*${TAB}\.${TAB}" 2
	: >"$D/lost/deep/f"
	tells 'and what it hid is watched' W f lost/deep/f
	stop 'overflow'
	is 'it is told once' "$(grep -c "^R" "$REC")" 2
	like 'and said' "$(cat "$T/werr")" 'overflowed'
else
	skip overflow 'needs root'
fi

# --- the root
start
rm -r "$D"
reap "$watcher"
is 'the root is deleted' "$status" 66
like 'which is said' "$(cat "$T/werr")" 'was deleted'
unlike 'without #end' "$(cat "$REC")" '^#end'
start
mv "$D" "$D.new"
reap "$watcher"
is 'the root is renamed' "$status" 66
rm -r "$D.new"
mkdir -p "$T/up/d"
: >"$REC"
spawn -o "$REC" -e "$T/werr" ha-watch --heartbeat 200ms "$T/up/d"
wait_until 10 grep -q '^R' "$REC"
mv "$T/up" "$T/up2" && mkdir -p "$T/up/d"
reap "$pid"
is 'the root is replaced' "$status" 66
like 'which is said' "$(cat "$T/werr")" 'replaced'
if root_only; then
	start
	mount -t tmpfs tmpfs "$D"
	reap "$watcher"
	is 'the root is mounted over' "$status" 66
	: >"$D/f"
	start
	umount "$D"
	reap "$watcher"
	is 'the root is unmounted' "$status" 66
	mkdir -p "$D/m/n" "$D/o"
	start
	mount -t tmpfs tmpfs "$D/m"
	tells 'a mount appears' R d m
	like 'and is said' "$(cat "$T/werr")" "mounted on 'm'"
	mkdir "$D/m/k"
	tells 'k' C d m/k
	: >"$D/m/k/f"
	tells 'it is watched' W f m/k/f
	mount --bind "$D/m" "$D/o"
	tells 'what is mounted twice' E d o EEXIST
	umount "$D/o"
	before=$(grep -c "^R" "$REC")
	umount "$D/m"
	ok 'unmounting is R' wait_until 10 lines_at_least \
	    '^R' $((before + 1))
	: >"$D/m/n/g"
	tells 'what was below is watched' W f m/n/g
	stop 'mounts'
else
	skip mounts 'needs root'
fi

# --- what can't be watched
if root_only; then
	cp "$HA_BIN/ha-watch" "$T/own" && chmod 755 "$T" "$T/own"
	mkdir -p "$D/open" "$D/shut/in" && chmod 700 "$D/shut"
	chmod 777 "$D/open"
	: >"$REC"
	spawn -o "$REC" -e "$T/werr" setpriv --reuid=65534 --regid=65534 \
	    --clear-groups "$T/own" "$D"
	watcher=$pid
	tells 'an unreadable directory' E d shut EACCES
	: >"$D/open/f"
	tells 'the rest goes on' W f open/f
	chmod 755 "$D/shut"
	tells 'it becomes readable' R d shut
	: >"$D/shut/in/f"
	tells 'and is watched' W f shut/in/f
	stop 'unreadable'
else
	skip 'unreadable' 'needs root'
fi
limited()
{
	unshare -Ur sh -c 'echo "$1" >"/proc/sys/user/$2" && shift 2 &&
	    exec "$@"' sh "$@"
}
if unshare -Ur true 2>/dev/null; then
	for i in 1 2 3 4 5 6; do
		mkdir -p "$D/$i/a/b"
	done
	: >"$REC"
	spawn -o "$REC" -e "$T/werr" unshare -Ur sh -c \
	    'echo 10 >/proc/sys/user/max_inotify_watches && exec "$@"' sh \
	    ha-watch "$D"
	watcher=$pid
	ok 'no watches left' wait_until 10 grep -q "${TAB}ENOSPC" "$REC"
	ok 'the number is said' wait_until 10 grep -q 'sysctl -w' "$T/werr"
	like 'and right' "$(cat "$T/werr")" 'max_inotify_watches=19$'
	for i in 1 2 3 4 5 6; do
		: >"$D/$i/a/b/f"
	done
	polled()
	{
		awk -F '\t' '$1 == "E" { e[$4] }
		$1 == "W" { w[$4] } $1 == "R" { r[$4]++ }
		END { for (p in e) if (r[p] < 2) exit 1
		for (i = 1; i < 7; i++) {
			ok = (i "/a/b/f") in w
			for (p in e)
				if (index(i "/a/b/f", p "/") == 1)
					ok = 1
			if (!ok) exit 1
		} }' "$REC"
	}
	ok 'what is not watched is polled' wait_until 30 polled
	stop 'no watches left'
	exits 'no inotify left' 71 limited 0 max_inotify_instances \
	    ha-watch "$T"
	like 'names the setting' "$err" 'fs.inotify.max_user_instances'
else
	skip 'limits' 'no user namespaces here'
fi

# --- readers
if root_only; then
	mkdir -p "$D" "$T/many"
	mount -t tmpfs tmpfs "$T/many"
	mkfifo "$T/pipe"
	exec 5<>"$T/pipe"
	# The reader is what is slow here, however little time the watcher gets.
	kernel_queue 1000000
	spawn -o "$T/pipe" ha-watch "$T/many"
	watcher=$pid
	# The header and the first R: from here on each change is told by itself.
	read -r _ <&5 && read -r _ <&5
	usual_queue
	mkdir "$T/many/d"
	perl -e 'for (1 .. 200000) { open F, ">", "$ARGV[0]/$_";
	    select undef, undef, undef, 0.01 if $_ % 3000 == 0 }' "$T/many/d"
	exec 6<"$T/pipe"
	exec 5>&-
	spawn -i /dev/fd/6 -o "$REC" cat
	exec 6<&-
	reader=$pid
	reap "$watcher" TERM
	reap "$reader"
	is 'a reader that stalls over 200,000 files loses none' \
	    "$(awk -F '\t' '$1 == "W" { print $4 }' "$REC" | sort -u |
		wc -l) $(grep -c '^R' "$REC") $(tail -n 1 "$REC")" \
	    '200000 0 #end'
	umount "$T/many"
	rm -f "$T/pipe"
fi
mkdir -p "$D"
mkfifo "$T/pipe"
exec 5<>"$T/pipe"
spawn -o "$T/pipe" -e "$T/werr" ha-watch --dirty-limit 50 "$D"
watcher=$pid
perl -e 'for (1 .. 5000) { open F, ">", "$ARGV[0]/" . "x" x 50 . $_ }' "$D"
ok 'too many paths are said' wait_until 10 grep -q 'wait for the reader' \
    "$T/werr"
reap "$watcher" TERM
is 'a reader that takes nothing at the end' "$status" 75
exec 5>&-
spawn -i "$T/pipe" head -n 2
spawn -o "$T/pipe" ha-watch "$D"
watcher=$pid
ok 'a reader that went, while nothing happens' wait_until 5 is_over "$watcher"
reap "$watcher"
is 'ends it as SIGPIPE would' "$status" 141
start --quiet-time 1h
exec 4>"$D/open"
echo x >&4
told_nothing=$(records open)
reap "$watcher" TERM
exec 4>&-
is 'SIGTERM: what waits is told' \
    "$status $(records open) $(tail -n 1 "$REC")" '0 W f open - #end'
is 'and not before' "$told_nothing" ''
rm -rf "$D"

# --- other forms
start -F json
: >"$D/f"
ok 'JSON' wait_until 10 grep -q '^{"op":"W","kind":"f","seq":2,"path":"f"' \
    "$REC"
reap "$watcher" TERM
is 'JSON has an end' "$(tail -n 1 "$REC")" '{"record":"end"}'
mkdir -p "$D/d"
: >"$REC"
spawn -o "$REC" ha-watch -0 "$D"
watcher=$pid
root_told()
{
	[ "$(tr '\000' '\n' <"$REC" | head -n 1)" = ./ ]
}
ok '-0: the root' wait_until 10 root_told
nul_told()
{
	[ "$(tr '\000' '\n' <"$REC" | tail -n +2 | tr '\n' ,)" = "$1" ]
}
: >"$D/d/f 1"
ok '-0: a file' wait_until 10 nul_told 'd/f 1,'
mv "$D/d" "$D/e"
ok '-0: bare paths' wait_until 10 nul_told 'd/f 1,d,e,' ||
    diag "$(tr '\000' '\n' <"$REC")"
reap "$watcher" TERM
start --rescan 300ms
ok '--rescan' wait_until 10 lines_at_least '^R' 3
stop '--rescan'

# --- cookies
cookie()
{
	: >"$D/.ha-sync-$1" && rm "$D/.ha-sync-$1"
}
start --heartbeat 0
for round in $(seq 10); do
	for n in $(seq 20); do
		mkdir -p "$D/$round/$n/deep/er"
		echo "$n" >"$D/$round/$n/deep/er/file"
		mv "$D/$round/$n/deep" "$D/$round/$n/moved"
	done
	cookie "$round"
done
for round in $(seq 10); do
	tells "cookie $round" S - ".ha-sync-$round"
done
late_after_cookie()
{
	awk -F '\t' '$1 == "S" { passed[substr($4, 10)] = 1 }
	$1 ~ /[CWAMR]/ {
		n = split($4, part, "/")
		if (n > 1 && part[1] in passed)
			print
	}' "$REC"
}
is 'nothing that came before a cookie is told after it' \
    "$(late_after_cookie)" ''
# A directory by its name, or by an R of what is above it.
missing_before_cookie()
{
	awk -F '\t' '
	$1 == "R" { unknown[$4] = 1 }
	{ told[$4] = told[$5] = 1 }
	$1 == "S" {
		round = substr($4, 10)
		for (n = 1; n <= 20; n++)
			if (!((round "/" n "/moved") in told) &&
			    !((round "/" n) in unknown) &&
			    !(round in unknown))
				print round "/" n
	}' "$REC"
}
is 'all that came before it is told before it' "$(missing_before_cookie)" ''
is 'a cookie is in no other record' \
    "$(awk -F '\t' '!/^#/ && $1 != "S"' "$REC" | grep -c ha-sync)" 0
tells 'its traces in the root are told' A d .
like 'its pattern is in the header' "$(head -n 1 "$REC")" \
    "${TAB}exclude=/\.ha-sync-\*$"
mkdir "$D/sub"
: >"$D/sub/.ha-sync-deep"
tells 'only the root has cookies' W f sub/.ha-sync-deep
: >"$D/.ha-sync-stays"
chmod 600 "$D/.ha-sync-stays"
mv "$D/sub/.ha-sync-deep" "$D/.ha-sync-moved"
tells 'a file that becomes one is gone' D - sub/.ha-sync-deep
cookie "$(printf 'a\tb')"
tells 'a hostile name' S - '.ha-sync-a\\tb'
is 'one that stays is no barrier' "$(records '-(stays|moved)$')" ''
stop 'cookies'

start --heartbeat 0 --settle 1h --quiet-time 1h -x '!'
echo closed >"$D/closed"
exec 4>"$D/open"
echo 1 >&4
cookie held
tells 'what was held back is told for a cookie' S - .ha-sync-held
ok 'a closed file' told W f closed
ok 'and one that is open' told W f open
echo 2 >&4
mkdir "$D/told"
tells 'later news' C d told
is 'is held back as before' "$(records '^open$' | wc -l)" 1
(cookie one && cookie two) & (cookie three && cookie four) &
for name in one two three four; do
	tells "cookie $name" S - ".ha-sync-$name"
done
is 'and is told for the next' "$(records '^open$' | wc -l)" 2
exec 4>&-
stop 'cookies and what is held back'

start --heartbeat 0 -F json
cookie json
ok 'JSON: a cookie' \
    wait_until 10 grep -q '"op":"S".*"path":".ha-sync-json"' "$REC"
reap "$watcher" TERM
rm -rf "$D"
mkdir "$D"
: >"$REC"
spawn -o "$REC" ha-watch -0 "$D"
watcher=$pid
ok '-0: armed' wait_until 10 grep -q . "$REC"
cookie null
: >"$D/after"
ok '-0: after a cookie' wait_until 10 grep -q after "$REC"
not_ok '-0: no cookie' grep -q ha-sync "$REC"
reap "$watcher" TERM
rm -rf "$D"

# --- explain
mkdir -p "$D/yes" "$D/no/deep"
ln -s yes "$D/link"
printf '# comment\n\n*.o\nno\n' >"$T/rules"
exits 'a watched path' 0 ha-watch --explain yes "$D"
like 'says so' "$out" 'is watched'
exits 'an excluded one' 1 ha-watch -x '*.c' -X "$T/rules" --explain no/deep "$D"
like 'says by what' "$out" "rule 3, 'no' \\($T/rules, line 4\\)"
exits 'a missing one' 1 ha-watch --explain yes/nope "$D"
like 'says so' "$out" 'does not exist'
exits 'a cookie' 1 ha-watch --explain .ha-sync-1 "$D"
like 'says by what' "$out" "built-in rule '/\.ha-sync-\*'"
exits 'one behind a link' 1 ha-watch --explain link/x "$D"
like 'says so' "$out" 'symbolic link'
exits 'one outside' 1 ha-watch --explain /etc/passwd "$D"
exits 'an absolute one' 0 ha-watch --explain "$D/yes" "$D"

# --- the ever-growing file of the beginning
barrier_after_log()
{
	awk -F '\t' '$1 == "W" && $4 == "grows" { w = 1 }
	$1 == "S" && w { s = 1 } END { exit !s }' "$T/log.rec"
}
ok 'a barrier comes though a file grows and grows' \
    wait_until 20 barrier_after_log
reap "$logger" TERM
reap "$grower" TERM
done_testing
