#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-peers.t - several targets in one command: a process each, and none
# that is slow, dead, frozen or refusing holds up another.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
needs rsync perl

# The same server under several names, and one that nobody listens for.
sed 's/^Host peer$/Host peer web2 web3/' "$HA_SSH_CONFIG" >"$T/ssh_config"
printf 'Host dead\n\tHostName 127.0.0.1\n\tPort 1\n' >>"$T/ssh_config"
HA_SSH_CONFIG=$T/ssh_config

# $A, $B and $C on the peer.
fresh_peers()
{
	fresh
	A=$T/$trees/a B=$T/$trees/b C=$T/$trees/c
	mkdir -p "$A" "$B" "$C"
	rm -rf "$T"/state* "$T"/done*
}

# Is the source the same as each of these?
all_same()
{
	for D; do
		same || return 1
	done
}

begin_to()
{
	rm -f "$T/in"
	mkfifo "$T/in"
	spawn -i "$T/in" -o "$T/records" -e "$T/words" \
	    push --acks "$T/done" \
	    --status "$T/state" "$@"
	pusher=$pid
	exec 7>"$T/in"
	line "$(header)"
}

acked_in()
{
	grep -Eqs "^S	.	[0-9]+	$2	" "$T/done.$1"
}

# Wait until all that was sent is on these.
barrier_on()
{
	token=token$seq
	send S - "$token"
	for tag; do
		wait_until 30 acked_in "$tag" "$token" || {
			tap_file words "$T/words"
			tap_file records "$T/records"
			return 1
		}
	done
}

state_of()
{
	awk -F '\t' '$1 == "state" { print $2 }' "$T/state.$1" 2>/dev/null
}

is_state()
{
	[ "$(state_of "$1")" = "$2" ]
}

children_of()
{
	tr ' ' '\n' <"/proc/$1/task/$1/children"
}

# The process of the target with this number.
child()
{
	children_of "$pusher" | while read -r child_pid; do
		case $(cat "/proc/$child_pid/comm") in
		"ha-push-$1:"*) echo "$child_pid" ;;
		esac
	done 2>/dev/null
}

names()
{
	children_of "$pusher" | while read -r child_pid; do
		cat "/proc/$child_pid/comm"
	done | sort | tr '\n' ' '
}

has_child()
{
	[ -n "$(child "$1")" ]
}

has_new_child()
{
	has_child "$1" && [ "$(child "$1")" != "$2" ]
}

is_gone()
{
	! kill -0 "$1" 2>/dev/null
}

is_stopped()
{
	grep -q '^State:.T' "/proc/$1/status"
}

stop_child()
{
	stopped=$(child "$1")
	kill -STOP "$stopped"
	wait_until 5 is_stopped "$stopped"
}

in_words()
{
	grep -Eq -e "$1" "$T/words"
}

## Once

fresh_peers
mkdir "$S/d"
echo one >"$S/d/one"
exits "--all to two" 0 push --all -C "$S" --status "$T/state" "web2:$A" \
    "web3:$B"
ok "... both get all" all_same "$A" "$B"
is "... a round each" "$(grep -c '^#end.*worst=OK' "$T/out")" \
    "$(grep -c '^#begin' "$T/out")"
for host in web2 web3; do
	ok "... and a status file each: $host" is_state $host OK
done
is "FILE itself names them" "$(cat "$T/state")" "#ha-push	v=1	peers=2
#peer	target=web2:$A	file=$T/state.web2
#peer	target=web3:$B	file=$T/state.web3"
echo two >"$S/two"
exits "the first status that is not 0, in their order" 73 push --all -T 1s \
    -F prom --status "$T/state.prom" -C "$S" "peer:$A" "peer:$T/none" \
    "dead:$T/none" "peer:$B"
ok "... and the others get all" all_same "$A" "$B"
ok "the same host again has a number" test -s "$T/state.peer.prom" -a \
    -s "$T/state.peer-2.prom" -a -s "$T/state.peer-3.prom"
like "... after which one is known" "$(cat "$T/state.prom")" \
    "^#peer	target=peer:$B	file=$T/state\.peer-3\.prom\$"
like "the one that failed is named" "$err" "peer:$T/none: .*status 73"
exits "... in another order" 69 push --all -T 1s -C "$S" "dead:$T/none" \
    "peer:$T/none"
echo three >"$S/three"
printf './three\0' >"$T/list"
exits "-0 to two" 0 push -0 -C "$S" "web2:$A" "web3:$B" <"$T/list"
ok "... both get it" test -e "$A/three" -a -e "$B/three"
printf '../x\0three\0' >"$T/list"
exits "-0 with a path that is refused" 65 push -0 -C "$S" "web2:$A" \
    "web3:$B" <"$T/list"
rm "$A/three"
printf 'three\0two\0' >"$T/list"
for how in --all -0; do
	exits "-n $how" 0 push -n $how -C "$S" "web2:$A" "web3:$B" <"$T/list"
	is "... says of each, one after the other, what would be done" \
	    "$(awk '$1 != "#target" { $0 = $4 } { print }' FS='\t' OFS='\t' \
		"$T/out" | grep -v '^\.$')" \
	    "#target	web2:$A
three
#target	web3:$B"
done

## Targets from a file

fresh_peers
echo x >"$S/x"
printf '# a comment\n\n  web2:%s\t\n' "$A" >"$T/targets"
exits "-f and an operand" 0 push --all -f "$T/targets" -C "$S" "web3:$B"
ok "... add up" all_same "$A" "$B"
echo y >"$S/y"
exits "-f -" 0 push --all -f - -C "$S" "web3:$B" <"$T/targets"
ok "... reads stdin" all_same "$A" "$B"
echo z >"$S/z"
# What is in the file, the status, and what is said of it.
while IFS='|' read -r mistake lines want words; do
	# shellcheck disable=SC2059 # it is a format
	printf "$lines" >"$T/mistake"
	exits "-f with $mistake" "$want" push --all -f "$T/mistake" -C "$S" \
	    "web2:$A"
	like "... is told" "$err" "$words"
	not_ok "... and nothing is done" test -e "$A/z"
done <<END
no target|web3:$B\n\nnonsense\n|78|$T/mistake: line 3: .nonsense. is not
one in two spellings|web3:$B\nweb3:$B/\n|78|$T/mistake: line 2: .*twice
an operand again|web2:$A\n|64|twice
END
exits "an empty one" 78 push --all -f /dev/null -C "$S"
exits "a missing one" 66 push --all -f "$T/none" -C "$S" "web2:$A"
exits "-f - where stdin is the records" 64 push -f - "web2:$A" </dev/null
exits "a target given twice" 64 push --all -C "$S" "web2:$A" "web3:$B" \
    "web2:$A"
like "... is named" "$err" "web2:$A is given twice"

## A stream: one dead, one missing, two well

fresh_peers
rmdir "$C"
begin_to "web2:$A" "dead:$C" "web3:$B" "peer:$C"
send R d .
echo 1 >"$S/one"
send W f one
send E d unseen ENOSPC
ok "stream: the healthy ones get it" barrier_on web2 web3
ok "... both" all_same "$A" "$B"
ok "... the dead one is CRIT" wait_until 20 is_state dead CRIT
ok "... and the one without its directory" wait_until 20 is_state peer CRIT
is "... a process each, told apart" "$(names)" \
    "ha-push-1:web2 ha-push-2:dead ha-push-3:web3 ha-push-4:peer "
is "what is said names its target" \
    "$(grep -cv -e "$A" -e "$B" -e "$C" "$T/words")" 0
mkdir "$C"
kill -USR1 "$pusher"
ok "... which it gets later" wait_until 60 acked_in peer "$token"
ok "... and then all" all_same "$C"

## Frozen

stop_child 1
echo 2 >"$S/two"
send W f two
ok "a frozen one holds up nobody" barrier_on web3 peer
ok "... they have it" all_same "$B" "$C"
kill -CONT "$stopped"
ok "... and goes on when it is let" wait_until 30 acked_in web2 "$token"
ok "... with all" all_same "$A"

# More than is kept for it.  The record of "told" is dropped with the others.
stop_child 1
long=$(printf '%0200d' 0)
echo x >"$S/$long"
flood()
{
	perl -e 'printf "W\tf\t%d\t%s\t-\n", $ARGV[0] + $_, $ARGV[1]
	    for 1 .. $ARGV[2]' "$seq" "$long" "$1" >&7
	seq=$((seq + $1))
}
flood 2000
echo 3 >"$S/told"
send W f told
flood 300000
ok "records for a frozen one are dropped" wait_until 60 in_words \
    "web2:$A: .* takes no records"
ok "... the others get theirs" barrier_on web3 peer
case $(ldd "$HA_BIN/ha-push") in
*libasan*) skip "... within bounds" "ASan keeps what is freed" ;;
*)
	ok "... within bounds" test "$(awk '$1 == "VmHWM:" { print $2 }' \
	    "/proc/$pusher/status")" -lt 100000
	;;
esac
kill -CONT "$stopped"
ok "... and then it compares everything" wait_until 60 test -e "$A/told"
ok "... and is like the others" barrier_on web2 web3 peer
ok "... in all" all_same "$A" "$B" "$C"
is "... by no new process" "$(child 1)" "$stopped"

## Killed

killed=$(child 3)
kill -KILL "$killed"
ok "one that is killed is told of" wait_until 10 in_words \
    "web3:$B: its process was killed by signal 9"
echo 4 >"$S/four"
send W f four
ok "... meanwhile the others go on" barrier_on web2 peer
ok "... it is started again" wait_until 20 has_new_child 3 "$killed"
ok "... and answers the barrier of meanwhile" wait_until 30 acked_in web3 \
    "$token"
ok "... and goes on" barrier_on web2 web3 peer
ok "... with what came in between" all_same "$A" "$B" "$C"
ok "... and knows what can't be watched" grep -q '^unwatched	unseen$' \
    "$T/state.web3"

## Signals

before=$(grep -c '^#end' "$T/records")
kill -USR1 "$pusher"
has_more_rounds()
{
	[ "$(grep -c '^#end' "$T/records")" -ge $((before + 4)) ]
}
ok "SIGUSR1: a record of each" wait_until 20 has_more_rounds
children=$(children_of "$pusher")
stop_child 1
reap "$pusher" TERM
is "SIGTERM: 75, as nothing is on the dead one" "$status" 75
for child_pid in $children; do
	ok "... and its process is gone" is_gone "$child_pid"
done
exec 7>&-

# From systemd or a terminal each process gets it, and the parent's besides.
fresh_peers
head -c 3000000 /dev/urandom >"$S/big"
begin_to --bwlimit 1m "web2:$A" "web3:$B"
is_under_way()
{
	[ -n "$(find "$1" -name '.big.*')" ]
}
send W f big
ok "a batch is under way" wait_until 20 is_under_way "$A"
ok "... on both" wait_until 20 is_under_way "$B"
# Taken one by one: two of a kind that wait are one.
has_taken_all()
{
	grep -q '^ShdPnd:.0*$' "/proc/$1/status"
}
for child_pid in $(children_of "$pusher"); do
	kill -TERM "$child_pid"
	wait_until 10 has_taken_all "$child_pid"
done
reap "$pusher" TERM
is "SIGTERM to all: 0" "$status" 0
ok "... and the batch is finished" all_same "$A" "$B"
exec 7>&-

fresh_peers
echo x >"$S/x"
begin_to "web2:$A" "web3:$B"
send R d .
ok "two that are well" barrier_on web2 web3
children=$(children_of "$pusher")
reap "$pusher" KILL
for child_pid in $children; do
	ok "SIGKILL of the parent ends its child" wait_until 30 is_gone \
	    "$child_pid"
done
exec 7>&-

## The end of one is not the others'

begin_to "web2:$A"
send R d .
wait_until 10 test -s "$T/done"
holder=$pusher
exec 8>&7 7>&-
begin_to "web2:$A" "web3:$B"
ok "one that is refused is told of" wait_until 20 in_words \
    "web2:$A: its process ended with status 75: nothing more"
echo 5 >"$S/five"
send W f five
ok "... the other goes on" barrier_on web3
ok "... and gets all" cmp "$S/five" "$B/five"
finish
is "... and its status is that of the first" "$status" 75
begin_to "web2:$A" "web2:$A/"
reap "$pusher"
is "a target twice in two spellings: 64" "$status" 64
exec 7>&-
mkdir "$S/sub"
rm -f "$T/in"
mkfifo "$T/in"
spawn -i "$T/in" -e "$T/words" push -C "$S" "web2:$A" "web2:$T/$trees/./a"
pusher=$pid
exec 7>"$T/in"
line "nonsense without a header"
ok "each tells of a malformed record" wait_until 10 in_words \
    "warning: web2:$T/$trees/./a: line 1: "
exec 7>&-
reap "$pusher"
is "... and ended without #end: the first's status" "$status" 75
printf '#end\n' >&8
exec 8>&-
reap "$holder"
{
	rec R d .
	echo '#end'
} >"$T/stream"
exits "records without a header: all end" 65 push "web2:$A" "web3:$B" \
    <"$T/stream"
{
	header
	perl -e 'print "x" x 1100000, "\n"'
	echo '#end'
} >"$T/stream"
exits "a record that is too long" 65 push "web2:$A" "web3:$B" <"$T/stream"
ok "... has everything compared" all_same "$A" "$B"
is "... and is told once" "$(grep -c 'longer than' "$T/err")" 1

## A run that is to end does

"$TESTS/link" freeze
printf 'x\0' >"$T/list"
for how in --all -0; do
	spawn -i "$T/list" -e "$T/words" push -T 500ms $how -C "$S" "web2:$A" \
	    "dead:$B"
	pusher=$pid
	ok "$how: two processes" wait_until 10 has_child 1
	kill -KILL "$(child 1)"
	reap "$pusher"
	is "$how: one that is killed is not started for ever" "$status" 71
done
"$TESTS/link" thaw

## Frames: many long ones, and a reader that is slow

fresh_peers
deep=$(perl -e 'print join("/", ("a" x 200) x 16)')
seq 12 | sed "s|.*|peer:/&/$deep|" >"$T/targets"
rm -f "$T/in" "$T/slow"
mkfifo "$T/in" "$T/slow"
# shellcheck disable=SC2016 # the dollars are perl's
spawn -i "$T/slow" -o "$T/records" perl -e '
	while (sysread(STDIN, $data, 1 + rand(6000))) {
		syswrite(STDOUT, $data);
		select(undef, undef, undef, 0.002);
	}'
reader=$pid
spawn -i "$T/in" -o "$T/slow" -e "$T/words" push -f "$T/targets"
pusher=$pid
exec 7>"$T/in"
line "$(header)"
send R d .
has_frames()
{
	kill -USR1 "$pusher"
	[ "$(grep -c '^#end' "$T/records")" -gt "$1" ]
}
ok "twelve processes" wait_until 20 has_child 12
ok "frames come" wait_until 120 has_frames 300
reap "$pusher" TERM
exec 7>&-
reap "$reader"
is "... each whole, of one process, and its lines at most 4096 bytes" "$(perl \
    -ne '
	$bad++ if length > 4096;
	if (/^#begin.*\tid=(\d+)$/) {
		$bad++ if $id;
		($id, $n) = ($1, 0);
	} elsif (/^#end\tid=(\d+)/) {
		$bad++ if $id != $1 || $n != 1;
		$id = 0;
	} else {
		$n++;
		$bad++ if !$id || split(/\t/) != 9;
	}
	$long++ if length > 3800;
	END { print $bad + 0, " ", $long > 100 ? "long" : "short" }' \
    "$T/records")" "0 long"

## The whole pipe

fresh_peers
mkfifo "$T/pipe"
spawn -o "$T/pipe" ha-watch "$S"
watcher=$pid
spawn -i "$T/pipe" -o "$T/records" -e "$T/words" push \
    --status "$T/state" "web2:$A" "web3:$B"
pusher=$pid
echo 1 >"$S/one"
has_both()
{
	cmp -s "$S/$1" "$A/$1" && cmp -s "$S/$1" "$B/$1"
}
ok "ha-watch | ha-push A B: both get a file" wait_until 20 has_both one
mv "$S/one" "$S/two"
ok "... and a rename" wait_until 20 has_both two
reap "$watcher" TERM
reap "$pusher"
is "... and end with the watcher: 0" "$status" 0
ok "... the trees are equal" all_same "$A" "$B"
spawn -o "$T/pipe" ha-watch "$S"
watcher=$pid
spawn -i "$T/pipe" -o "$T/records" -e "$T/words" push "web2:$A" "web3:$B"
pusher=$pid
echo 3 >"$S/three"
wait_until 20 has_both three
reap "$watcher" KILL
reap "$pusher"
is "the watcher is killed: 75" "$status" 75

# A reader that goes away ends all of them, without a word.
mkfifo "$T/gone"
spawn -i "$T/gone" -o "$T/records" head -n 1
reader=$pid
rm -f "$T/in"
mkfifo "$T/in"
spawn -i "$T/in" -o "$T/gone" -e "$T/words" push "web2:$A" "web3:$B"
pusher=$pid
exec 7>"$T/in"
line "$(header)"
ok "two without a reader" wait_until 10 has_child 2
children=$(children_of "$pusher")
send R d .
reap "$reader"
reap "$pusher"
is "... end as SIGPIPE does" "$status" 141
for child_pid in $children; do
	ok "... each of them" wait_until 10 is_gone "$child_pid"
done
is "... without a word" "$(grep -v 'is not root' "$T/words")" ""
exec 7>&-
nothing_left()
{
	! grep -Els '^(ha-push(-[0-9].*)?|ssh|rsync)$' /proc/[0-9]*/comm |
	    while read -r comm; do
		tr '\0' '\n' <"${comm%comm}environ"
	done 2>/dev/null | grep -Fqx "T=$T"
}
ok "no process is left" wait_until 10 nothing_left
done_testing
