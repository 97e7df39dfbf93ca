#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-answers.t - questions to a running pipe: --sync, --check, --explain,
# --release, and the socket that they go to.
# shellcheck disable=SC2016 # perl's variables
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
needs rsync perl

F=$T/status
TAB=$(printf '\t')

# start_pipe [WATCH-OPTION...]: a real pipe from $S to $D that keeps $F.
start_pipe()
{
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	spawn -o "$T/pipe" -e "$T/watch.err" ha-watch "$@" "$S"
	watcher=$pid
	spawn -i "$T/pipe" -o "$T/records" -e "$T/push.err" \
	    ha-push --ssh-config "$HA_SSH_CONFIG" --status "$F" "peer:$D"
	pusher=$pid
	wait_until 20 test -S "$F.sock"
}

stop_pipe()
{
	kill -TERM "$watcher"
	reap "$watcher"
	reap "$pusher"
}

# Ask the socket raw: each argument a line; the answers on stdout.
raw()
{
	perl -MSocket -e '
		my $path = shift;
		socket my $s, AF_UNIX, SOCK_STREAM, 0 or die;
		connect $s, pack_sockaddr_un($path) or die "connect: $!\n";
		$s->autoflush(1);
		print $s "$_\n" for @ARGV;
		for (@ARGV) { my $line = <$s>; last unless defined $line;
			print $line }' -MIO::Handle "$F.sock" "$@"
}

gone()
{
	! kill -0 "$1" 2>/dev/null ||
	    grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

synced()
{
	ha-push --sync "$F" 2>/dev/null
}

same_roots()
{
	[ "$(stat -c %y "$S")" = "$(stat -c %y "$D")" ]
}

## Usage

exits 'two questions at once' 64 ha-push --sync a --explain b
exits '--sync with a target' 64 ha-push --sync a peer:/x
exits '-w without --check' 64 ha-push -w 1s peer:/x
exits '--reason without --release' 64 ha-push --reason x peer:/x
exits '--release without --reason' 64 ha-push --release "$F"
exits '-F nagios without --check' 64 ha-push -F nagios peer:/x
exits '-F prom with a question' 64 ha-push -F prom --explain x
exits 'no PATH' 64 ha-push --explain '' "$F"
exits '--check: bad usage is UNKNOWN' 3 ha-push --check "$F" -w soon
exits '--check: two files' 3 ha-push --check "$F" "$F"
exits '--check: -w beyond -c' 3 ha-push --check "$F" -w 1m -c 1s
exits '--check: an unknown option' 3 ha-push --nonsense --check "$F"

## Nobody there

for question in "--sync $F" "--explain x $F" "--release $F --reason why"; do
	# shellcheck disable=SC2086
	exits "${question%% *} without a pipe" 75 ha-push $question
	like '... says so' "$err" "no running ha-push keeps $F"
done
exits '--explain without anything' 75 ha-push --explain "$T/x"
like '... says what to do' "$err" 'name the STATUSFILE'

## --sync

fresh
start_pipe
exits 'in sync' 0 ha-push --sync "$F"
is '... without a word' "$out$err" ''
ok '... the trees agree' same
ok '... and the times of their roots' same_roots
is 'no cookie stays' "$(find "$S" "$D" -name '.ha-sync*')" ''
is 'the socket is for its owner only' "$(stat -c '%a %F' "$F.sock")" \
    '600 socket'

# Whatever was written just before is there, at once.
all_there=yes
for round in $(seq 25); do
	size=$(od -An -N3 -tu4 /dev/urandom)
	mkdir -p "$S/$round/deep"
	head -c "$((size % 300000))" /dev/urandom >"$S/$round/deep/file"
	echo "$round" >>"$S/appended"
	echo "$round" >"$S/.new" && mv "$S/.new" "$S/saved"
	rm -rf "${S:?}/$((round - 3))"
	[ "$round" -le 3 ] || mv "$S/$((round - 2))" "$S/moved$round"
	ha-push --sync "$F" -T 60s || all_there="no: status $? in round $round"
	same || all_there="no: differences in round $round"
	[ "$all_there" = yes ] || break
done
is 'what was written before --sync is there after it' "$all_there" yes

# Under load that does not stop.
spawn perl -e 'chdir shift or die; for (my $i = 0; ; $i++) {
    my $d = "load" . $i % 7; mkdir $d; open F, ">", "$d/" . $i % 50; print F "x" x rand 9000;
    close F; select undef, undef, undef, 0.002 }' "$S"
loader=$pid
all_there=yes
for round in $(seq 15); do
	head -c 1000 /dev/urandom >"$S/marked"
	ha-push --sync "$F" -T 60s || all_there="no: status $? in round $round"
	cmp -s "$S/marked" "$D/marked" ||
	    all_there="no: another file in round $round"
done
is '... while others write' "$all_there" yes
reap "$loader" TERM

# A log that is written, never closed, and never at rest.
spawn perl -MIO::Handle -e 'open F, ">>", shift; F->autoflush;
    for (;;) { print F "line\n"; select undef, undef, undef, 0.01 }' "$S/log"
grower=$pid
wait_until 10 test -s "$S/log"
all_there=yes
for round in $(seq 5); do
	size=$(stat -c %s "$S/log")
	ha-push --sync "$F" -T 20s || all_there="no: status $? in round $round"
	[ "$(stat -c %s "$D/log")" -ge "$size" ] ||
	    all_there="no: $size bytes are more than are there"
done
is 'a log that grows and grows does not hold it up' "$all_there" yes
reap "$grower" TERM

# Several at once.
for n in 1 2 3 4 5; do
	(
		ha-push --sync "$F" -T 30s
		echo $? >"$T/sync$n"
	) &
done
several()
{
	[ "$(cat "$T"/sync[1-5] 2>/dev/null | tr -d '\n')" = 00000 ]
}
ok 'five ask at once' wait_until 40 several
exits 'and one more' 0 ha-push --sync "$F"
ok 'everything agrees' same
ok 'the roots too' same_roots

# Killed where nothing can clean up: the cookie is nobody's file.
: >"$S/.ha-sync-stale"
: >"$D/.ha-sync-theirs"
exits 'with a stale cookie' 0 ha-push --sync "$F"
not_ok 'it is not sent' test -e "$D/.ha-sync-stale"
stop_pipe
is 'the pipe ends well' "$status" 0
not_ok 'its socket goes with it' test -e "$F.sock"
start_pipe -x '!' -x '*.no' -x '/no/'
exits 'a new pipe compares everything' 0 ha-push --sync "$F"
not_ok 'a stale cookie is not sent' test -e "$D/.ha-sync-stale"
ok 'nor one on the peer deleted' test -e "$D/.ha-sync-theirs"
rm "$S/.ha-sync-stale" "$D/.ha-sync-theirs"
exits 'its removal is nothing either' 0 ha-push --sync "$F"
ok '... but for the times of the root' same

# What is held back is told for it.
stop_pipe
start_pipe --settle 1h --quiet-time 1h
exec 6>"$S/open"
echo 1 >&6
echo 1 >"$S/closed"
exits 'with what is held back' 0 ha-push --sync "$F" -T 20s
ok '... a closed file' cmp "$S/closed" "$D/closed"
ok '... one that is open' cmp "$S/open" "$D/open"
exec 6>&-
stop_pipe
start_pipe

# A client that dies, and one that is too late.
kill -STOP "$watcher"
spawn ha-push --sync "$F" -T 60s
asking=$pid
reap "$asking" KILL
exits 'a watcher that stands still' 75 ha-push --sync "$F" -T 1s
like '... the peer and its state' "$err" \
    "^ha-push: peer:$D: not in sync after 1 s: OK: ha-watch has not told "
kill -CONT "$watcher"
exits 'and goes on' 0 ha-push --sync "$F"
kill -STOP "$pusher"
spawn -e "$T/late" ha-push --sync "$F" -T 1s
asking=$pid
ok 'no answer is awaited for ever' wait_until 40 gone "$asking"
kill -CONT "$pusher"
reap "$asking"
is '... exit 75' "$status" 75

# The link is cut and healed.
"$TESTS/link" down
echo cut >"$S/cut"
exits 'the link is cut' 75 ha-push --sync "$F" -T 2s
like '... the peer and why' "$err" "^ha-push: peer:$D: not in sync .* CRIT: "
exits '--explain: waiting' 0 ha-push --explain "$S/cut" "$F"
like '... why' "$out" "^cut -> peer:$D: waits for .* everything waits: "
"$TESTS/link" up
exits 'the link is healed' 0 ha-push --sync "$F" -T 90s
ok '... and it is there' cmp "$S/cut" "$D/cut"
ok 'everything agrees' same
ok 'the roots too' same_roots

# A source that nobody may write to.
read_only()
{
	unshare --mount sh -c 'mount --bind "$1" "$1" &&
	    mount -o remount,bind,ro "$1" && exec ha-push --sync "$2"' \
	    sh "$S" "$F"
}
if unshare --mount true 2>/dev/null; then
	run read_only
	is 'no cookie can be made' "$status" 73
	like '... and where' "$err" "$S: Read-only"
else
	skip 'no cookie can be made' 'needs a mount namespace'
fi

## Who asks, and what

is 'hello' "$(raw hello)" "hello${TAB}$S${TAB}$(stat -c "%d${TAB}%i" "$S")${TAB}peer:$D"
like 'nonsense is refused' "$(raw nonsense)" "^fail${TAB}64"
like 'no argument' "$(raw explain)" "^fail${TAB}64"
like 'a bad escape' "$(raw "explain${TAB}a\\q")" "^fail${TAB}64"
like 'no cookie' "$(raw "sync${TAB}../../etc")" "^fail${TAB}64"
like 'a path that leads out' "$(raw "explain${TAB}../x")" "^explain${TAB}outside"
like 'several questions' "$(raw hello state hello | tr '\n' ' ')" \
    '^hello.* state.* hello'

# Clients that say nothing, talk without end, or never read.
for how in silent long deaf odd; do
	: >"$T/ready"
	# shellcheck disable=SC2016
	spawn -o "$T/ready" perl -MSocket -e '
		my ($path, $how) = @ARGV;
		my @all;
		$SIG{PIPE} = "IGNORE";
		for (1 .. 12) {
			socket my $s, AF_UNIX, SOCK_STREAM, 0 or die;
			connect $s, pack_sockaddr_un($path) or last;
			push @all, $s;
			send $s, "x" x 100000, MSG_DONTWAIT if $how eq "long";
			send $s, "state\n" x 9000, MSG_DONTWAIT if $how eq "deaf";
			send $s, "hel\0lo\n\n\t\t\n", 0 if $how eq "odd";
		}
		$| = 1;
		print "ready\n";
		sleep 60' "$F.sock" "$how"
	hostile=$pid
	wait_until 10 test -s "$T/ready"
	echo "$how" >"$S/hostile"
	ok "$how clients don't hold up the mirror" \
	    wait_until 20 cmp -s "$S/hostile" "$D/hostile"
	exits "... nor others who ask" 0 ha-push --sync "$F"
	reap "$hostile" KILL
done
many()
{
	[ "$(find "/proc/$pusher/fd" -lname 'socket:*' | wc -l)" -gt 24 ]
}
# shellcheck disable=SC2016
spawn -o "$T/ready" perl -MSocket -e '
	my @all;
	for (1 .. 200) {
		socket my $s, AF_UNIX, SOCK_STREAM, 0 or die;
		connect $s, pack_sockaddr_un($ARGV[0]) or last;
		push @all, $s;
	}
	$| = 1;
	print "ready\n";
	sleep 60' "$F.sock"
hostile=$pid
wait_until 10 grep -q ready "$T/ready"
echo crowd >"$S/hostile"
ok "a crowd doesn't hold up the mirror" \
    wait_until 20 cmp -s "$S/hostile" "$D/hostile"
not_ok '... and is not let in' many
reap "$hostile" KILL
ok '... and once it is gone others are' wait_until 20 synced

if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$T"
	chmod 666 "$F.sock"
	exits 'another user' 75 setpriv --reuid=64000 --clear-groups \
	    ha-push --explain x "$F"
	chmod 600 "$F.sock"
	exits 'another user, as it is' 77 setpriv --reuid=64000 \
	    --clear-groups ha-push --explain x "$F"
else
	skip 'another user' 'needs root'
fi

## --explain

exits '--explain: mirrored' 0 ha-push --explain "$S/closed" "$F"
is '... says so' "$out" \
    "closed -> peer:$D: is on the peer: nothing told of it waits"
exits '--explain: tsv' 0 ha-push --explain closed -F tsv "$F"
is '... fields' "$(printf '%s\n' "$out" | cut -f 1-6)" \
    "closed${TAB}peer:$D${TAB}mirrored${TAB}-${TAB}-${TAB}-"
exits '--explain: json' 0 ha-push --explain closed -F json "$F"
like '... an object' "$out" '^\{"path":"closed",.*"state":"mirrored"'
mkdir "$S/sub" "$T/elsewhere"
ln -s "$S/sub" "$T/elsewhere/link"
: >"$S/sub/in"
exits 'there' 0 ha-push --sync "$F"
explain_in()
{
	(cd "$1" && exec ha-push --explain "$2" "$F")
}
run explain_in "$S/sub" in
like '--explain: relative to where we are' "$out" '^sub/in -> '
run explain_in "$T/elsewhere" link/in
like '--explain: through a link' "$out" '^sub/in -> '
run explain_in "$T/elsewhere" sub/in
like '--explain: relative to the source' "$out" '^sub/in -> '
exits '--explain: the root' 0 ha-push --explain "$S" "$F"
like '... is .' "$out" '^\. -> '
exits '--explain: outside' 1 ha-push --explain /etc/passwd "$F"
like '... says so' "$out" "is not below $S"
exits '--explain: missing' 1 ha-push --explain nothing "$F"
like '... says so' "$out" 'does not exist here'
exits '--explain: a cookie' 1 ha-push --explain .ha-sync-1 "$F"
like '... by what' "$out" "excluded by '/\\.ha-sync-\\*' \\(built in\\)"
esc=$(printf '\033')
exits '--explain: a hostile name' 1 ha-push --explain "a${esc}[31m
b${TAB}c" "$F"
is '... does not reach the terminal' "$out" \
    "a\\0033[31m\\nb\\tc -> peer:$D: does not exist here, and nothing told of it waits"
exits '--explain: a name that is no UTF-8' 1 \
    ha-push --explain "$(printf 'a\377b')" -F json "$F"
like '... in JSON' "$out" '"path":\{"b64":"Yf9i"\}'
long=$(printf '%04000d' 1 | sed 's,.\{100\},&/,g')
exits '--explain: a long one' 1 ha-push --explain "$long" "$F"
cp "$F" "$HA_RUN_DIR/other.status"
exits '--explain: a file that nobody keeps' 75 ha-push --explain "$S/closed"
rm "$HA_RUN_DIR/other.status"
ln -s "$F" "$HA_RUN_DIR/one.status"
ln -s "$F.sock" "$HA_RUN_DIR/one.status.sock"
stop_pipe
rm -f "$HA_RUN_DIR"/one.status*
F=$HA_RUN_DIR/one.status
start_pipe -x '*.no' -x '/no/'
mkdir "$S/no"
: >"$S/x.no"
exits 'another status file' 0 ha-push --sync "$F"
exits '--explain: found in the run directory' 0 ha-push --explain "$S/closed"
like '... the same answer' "$out" "^closed -> peer:$D: is on the peer"
exits '--explain: in none' 75 ha-push --explain /etc/passwd
exits '--explain: excluded' 1 ha-push --explain "$S/x.no"
like '... by what, from where' "$out" \
    "is excluded by '\\*\\.no' \\(from ha-watch\\)"
exits '--explain: below what is excluded' 1 ha-push --explain "$S/no/x/y"
like '... by what' "$out" "its parent no is excluded by '/no/'"
exits '--explain: without a pipe' 1 ha-push --explain a.o -C "$S" -x '*.o'
like '... by what' "$out" "^a\\.o: is excluded by '\\*\\.o' \\(-x or -X\\)"
exits '--explain: without a pipe, in' 0 ha-push --explain a.c -C "$S" -x '*.o'
is '... says so' "$out" 'a.c: is not excluded'
exits '--explain: without a pipe, outside' 1 \
    ha-push --explain /etc/passwd -C "$S"
exits '--explain: without a pipe, no directory' 66 \
    ha-push --explain x -C "$T/none"

# A path that fails, by itself.
stuck=
if [ "$(id -u)" -ne 0 ]; then
	: >"$S/stuck"
	chmod 0 "$S/stuck"
	stuck=yes
elif mkdir "$D/stuck" && mount -t tmpfs none "$D/stuck" 2>/dev/null; then
	: >"$S/stuck"
	stuck=yes
fi
fails()
{
	ha-push --explain "$S/stuck" -F tsv "$F" | grep -q "${TAB}failing${TAB}"
}
if [ -n "$stuck" ]; then
	ok '--explain: failing' wait_until 30 fails
	exits '... is to be mirrored' 0 ha-push --explain "$S/stuck" "$F"
	like '... why, how often, and when again' "$out" \
	    "can't be sent.*tried [0-9]+ time.* in .*; tried again in "
	exits '--sync names it' 75 ha-push --sync "$F" -T 2s
	like '... as failing' "$err" "WARN: 1 path can't be sent, first stuck"
	exits '--check: failing is a WARN' 1 ha-push --check "$F" -F nagios
	like '... and says so' "$out" "^HA-PUSH WARN - .*failing=1"
	umount "$D/stuck" 2>/dev/null && rmdir "$D/stuck"
	chmod 644 "$S/stuck"
	exits '--sync tries it again at once' 0 ha-push --sync "$F" -T 30s
	ok '... and it is there' cmp "$S/stuck" "$D/stuck"
else
	skip '--explain: failing' 'needs root and mounts, or no root'
fi

# Below a directory that is compared; a rename that waits.
"$TESTS/link" down
mkdir "$S/tree"
: >"$S/tree/file"
mv "$S/closed" "$S/moved"
explains()
{
	ha-push --explain "$S/$1" "$F" | grep -q "$2"
}
ok '--explain: a rename' wait_until 20 explains moved \
    'the rename of closed to moved waits'
reap "$watcher" KILL
ok '--explain: what is compared' wait_until 20 explains sub/in \
    'is to be compared with all below it'
exits '--sync with a dead watcher' 75 ha-push --sync "$F"
like '... says so at once' "$err" 'ha-watch died'
"$TESTS/link" up
reap "$pusher"
is 'the pipe ends with 75' "$status" 75

# Asked before its watcher dies.
start_pipe
exits 'a new pipe' 0 ha-push --sync "$F" -T 60s
kill -STOP "$watcher"
"$TESTS/link" down
spawn -e "$T/asked" ha-push --sync "$F" -T 60s
asking=$pid
registered()
{
	[ "$(find "/proc/$pusher/fd" -lname 'socket:*' | wc -l)" -ge 2 ]
}
wait_until 10 registered
reap "$watcher" KILL
reap "$asking"
is 'the watcher dies meanwhile: exit 75' "$status" 75
like '... and why' "$(cat "$T/asked")" 'ha-watch died|has ended'
"$TESTS/link" up
reap "$pusher"

## The socket

fresh
F=$T/$(printf '%0200d' 7)
start_pipe
exits 'a status file with a long name' 0 ha-push --sync "$F"
run sh -c 'ha-push --status "$1" -C "$2" peer:/elsewhere </dev/null' sh "$F" "$S"
is 'another ha-push with that file: exit 75' "$status" 75
like '... says so' "$err" 'another ha-push keeps'
exits '... and the first one is still asked' 0 ha-push --sync "$F"
reap "$pusher" KILL
reap "$watcher"
ok 'a killed one leaves its socket' test -S "$F.sock"
exits '... nobody is there' 75 ha-push --sync "$F"
start_pipe
ok 'a stale socket is replaced' wait_until 20 synced
exits '--release: nothing is held' 1 ha-push --release "$F" --reason 'a test'
is '... says so' "$out" "peer:$D: no deletion is held"

# The files of several peers.
{
	printf '#ha-push\tv=1\tpeers=2\n'
	printf '#peer\ttarget=peer:%s\tfile=%s\n' "$D" "$F"
	printf '#peer\ttarget=gone:/x\tfile=%s\n' gone.status
} >"$T/index"
exits 'one of two peers is not there: --sync' 75 ha-push --sync "$T/index"
like '... says which' "$err" '^ha-push: gone:/x: no running ha-push keeps'
exits '--explain' 75 ha-push --explain . "$T/index"
like '... has the answer of the other' "$out" "^\\. -> peer:$D: is on"
exits '--check' 2 ha-push --check "$T/index"
like '... the one' "$out" "	push:$D	OK	"
like '... the other' "$out" '	gone	push:/x	CRIT	'
exits '--check -F nagios' 2 ha-push --check "$T/index" -F nagios
like '... in one line' "$out" '^HA-PUSH CRIT - 1 of 2 peers are well; gone:/x: '
grep -v gone: "$T/index" >"$T/index1"
exits 'all of them' 0 ha-push --sync "$T/index1"
stop_pipe

mkdir "$T/locked"
: >"$T/locked/status.sock"
F=$T/locked/status
start_pipe_without_socket()
{
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	spawn -o "$T/pipe" ha-watch "$S"
	watcher=$pid
	spawn -i "$T/pipe" -o "$T/records" -e "$T/push.err" \
	    ha-push --ssh-config "$HA_SSH_CONFIG" --status "$F" "peer:$D"
	pusher=$pid
}
start_pipe_without_socket
echo mirrored >"$S/mirrored"
ok 'without a socket it mirrors all the same' \
    wait_until 30 cmp -s "$S/mirrored" "$D/mirrored"
like '... and says so' "$(cat "$T/push.err")" 'is no socket: it can.t be asked'
stop_pipe
ok '... and leaves what stood there' test -f "$T/locked/status.sock"

# What can't be watched is compared for the answer; a client of our own.
fresh
F=$T/status
mkdir "$S/polled"
begin
send E d polled ENOSPC
ok 'a directory that is not watched' barrier
echo untold >"$S/polled/file"
# shellcheck disable=SC2016
spawn -o "$T/answers" perl -MSocket -MIO::Handle -e '
	socket my $s, AF_UNIX, SOCK_STREAM, 0 or die;
	connect $s, pack_sockaddr_un($ARGV[0]) or die;
	$s->autoflush(1);
	STDOUT->autoflush(1);
	print $s "sync\t.ha-sync-ours\n";
	print while <$s>' "$F.sock"
asking=$pid
ok 'is registered' wait_until 10 grep -q '^ok' "$T/answers"
like 'it is told as unwatched' "$(raw "explain${TAB}polled/x/y")" \
    "^explain${TAB}missing"
like '... what is there' "$(raw "explain${TAB}polled/file")" \
    "^explain${TAB}unwatched"
send S - .ha-sync-other
send S - .ha-sync-ours
ok 'is answered' wait_until 30 grep -q '^done' "$T/answers"
ok '... after all of it is there' same
send S - .ha-sync-ours
ok 'is answered once' barrier
is '...' "$(grep -c . "$T/answers")" 2
reap "$asking" TERM
finish
rm -f "$T/in"
mkfifo "$T/in"
spawn -i "$T/in" -e "$T/words" push -0 -C "$S" --status "$F" "peer:$D"
pusher=$pid
exec 7>"$T/in"
ok 'without records' wait_until 20 test -S "$F.sock"
exits '... --sync has no meaning' 75 ha-push --sync "$F"
like '... and says so' "$err" 'it reads no records of ha-watch'
exec 7>&-
reap "$pusher"
is '... and the run is well' "$status" 0
exits 'a dry run' 0 push -n --all -C "$S" --status "$F" "peer:$D"
not_ok '... is not asked' test -e "$F.sock"

## --check

F=$T/crafted
# state_file STATE CAUSE PERF MESSAGE
state_file()
{
	printf '#ha-push\tv=1\ntime\t-\npid\t1\nsource\t/s\n' >"$F"
	printf 'target\tu@h:/d\nstate\t%s\ncause\t%s\nmessage\t%s\nperf\t%s\n' \
	    "$1" "$2" "$4" "$3" >>"$F"
}
quiet='waiting=0 lag=0.000s failing=0 held=0'

# verdict DESCRIPTION STATUS ERE [OPTION...]
verdict()
{
	tap_said=$1 tap_code=$2 tap_ere=$3
	shift 3
	exits "--check: $tap_said" "$tap_code" ha-push --check "$F" "$@"
	like "... $tap_ere" "$out" "$tap_ere"
}

state_file OK ok "$quiet" 'all changes are on the peer'
verdict 'OK' 0 "	h	push:/d	OK	0\\.0	u@h:/d	all changes are on the peer	lag="
is '... in a frame' "$(printf '%s\n' "$out" | cut -f 1 | tr '\n' ' ' |
    sed 's/ 2[^ ]*Z / T /')" '#begin T #end '
verdict 'JSON' 0 '"check":"push:/d","state":"OK"' -F json
verdict 'Nagios' 0 '^HA-PUSH OK - u@h:/d: all changes are on the peer \| lag=0\.000s;30;300 waiting=0 failing=0 held=0$' -F nagios
verdict 'quiet' 0 "^#end.*n=1	worst=OK	quiet=1" -q
unlike '... no record' "$out" '	push:/d	'
state_file WARN lagging 'waiting=2 lag=40.000s failing=0' '2 paths wait'
verdict 'lag' 1 '	WARN	.*a change has waited for 40 s; 2 paths wait'
verdict 'lag, with another threshold' 0 '	OK	' -w 2m
verdict 'lag, CRIT' 2 '	CRIT	' -w 1s -c 35s
state_file OK ok 'waiting=1 lag=20.000s failing=0' '1 path waits'
verdict 'a lag that is OK by default' 0 '	OK	'
verdict '... by a shorter threshold' 1 'lag=[0-9.]+s;10;300' -w 10s
state_file WARN failing 'waiting=1 lag=1.000s failing=1' "1 path can't be sent"
verdict 'failing' 1 "	WARN	.*1 path can't be sent"
state_file OK ok 'waiting=1 lag=1.000s failing=1' 'an older one'
verdict 'failing, whatever the state' 1 '	WARN	'
state_file WARN lagging 'waiting=9 lag=40s failing=0 held=9' 'waiting'
verdict 'held' 2 '	CRIT	.*9 deletions are held; .*held=9' -w 1h -c 2h
for cause in silent unwatched; do
	state_file WARN $cause "$quiet" 'a warning'
	verdict "$cause" 1 '	WARN	.*a warning'
done
for cause in fault died silent; do
	state_file CRIT $cause "$quiet" 'the link is lost'
	verdict "$cause" 2 '	CRIT	.*the link is lost'
done
state_file OK ok "$quiet" 'all was well'
touch -d '2 minutes ago' "$F"
verdict 'old' 2 '	CRIT	.*the status file is 2 m[^;]* old: does ha-push run\?  It said: all was well'
touch -d '1 hour' "$F"
verdict 'from the future' 2 'old: does ha-push run'
boot=$(cat /proc/sys/kernel/random/boot_id)
read -r up _ </proc/uptime
touch -d '1 hour ago' "$F"
printf 'boot\t%s\nuptime_ms\t%s0\n' "$boot" "$(echo "$up" | tr -d .)" >>"$F"
verdict 'the clock was set' 0 '	OK	'
printf 'uptime_ms\t%s0\n' "$(((${up%.*} - 100) * 100))" >>"$F"
touch "$F"
verdict 'old, though the clock was set' 2 'old: does ha-push run'
state_file OK ok 'waiting=1 lag=20.000s failing=0' '1 path waits'
touch -d '1 minute ago' "$F"
verdict 'the age of the file counts' 1 'a change has waited for 1 m'
rm "$F"
verdict 'missing' 2 "	CRIT	.*there is no status file $F"
verdict 'missing, for Nagios' 2 '^HA-PUSH CRIT - ' -F nagios

# Malformed and hostile.
n=0
for text in '' 'x' '#ha-push\tv=2\n' '#ha-push\tv=1\nstate\tOK' \
    '#ha-push\tv=1\nstate\tFINE\n' '#ha-push\tv=1\nkey\n' \
    '#ha-push\tv=1\ntarget\ta:/b\nstate\tOK\n' \
    '#ha-push\tv=1\ntarget\ta:/b\nstate\tOK\nperf\tlag=x\n' \
    '#ha-push\tv=1\ntarget\ta\\q\nstate\tOK\nperf\tlag=1\n' \
    '#ha-push\tv=1\tpeers=0\n' '#ha-push\tv=1\tpeers=1\n#peer\tx=y\n'; do
	printf %b "$text" >"$F"
	n=$((n + 1))
	verdict "malformed $n" 3 '	UNKNOWN	.*line [0-9]+: '
done
printf '# HELP ha_push_state 0 OK\n' >"$F"
verdict 'node_exporter' 3 'UNKNOWN.*-F prom.*checked'
printf '#ha-push\tv=1\tpeers=1\n#peer\ttarget=a:/b\tfile=%s\n' "$F" >"$F"
verdict 'an index of itself' 3 'UNKNOWN.*an index where'
state_file OK ok "$quiet" "$(printf 'a|b\033[31m\\\\n\377c %0900d' 1)"
verdict 'foreign bytes, for Nagios' 0 '^HA-PUSH OK - u@h:/d: a/b' -F nagios
ok '... none of them gets through' test -z \
    "$(LC_ALL=C tr -d '\012\040-\176' <"$T/out")"
is '... one bar' "$(tr -cd '|' <"$T/out" | wc -c)" 1
ok '... 400 bytes' test "$(wc -c <"$T/out")" -le 400
like '... with all figures' "$out" 'held=0$'
verdict 'foreign bytes' 0 '	a\|b\\0033'
rm "$F"
mkdir "$F"
verdict 'a directory' 3 'UNKNOWN.*no regular file'
done_testing
