#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-hostile-source.t - a source that makes it hard: unmounted, rewritten
# faster than it is sent, unreadable, huge, deep; and a clock that jumps.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
. "$(dirname "$0")/../hostile.sh"
needs rsync perl setpriv

is_root()
{
	[ "$(id -u)" -eq 0 ]
}

# A figure of the last record: waiting, lag, sent ...
figure()
{
	lines=$(wc -l <"$T/records")
	kill -USR1 "$pusher"
	wait_until 10 grew "$lines"
	sed -n "s/.*[	 ]$1=\\([0-9]*\\).*/\\1/p" "$T/records" | tail -1
}

grew()
{
	[ "$(wc -l <"$T/records")" -gt "$1" ]
}

## The clock jumps an hour

# How far the time stamp of the last record is from now, in minutes.
shift_of()
{
	figure sent >/dev/null
	stamp=$(sed -n 's/^\(20[^	]*\)	.*/\1/p' "$T/records" | tail -1)
	echo $((($(date -d "$stamp" +%s) - $(date +%s) + 3630) / 60 - 60))
}

arena
seq 20 | while read -r i; do
	echo "$i" >"$S/$i"
done
echo 0 >"$T/clock"
watch_as="env LD_PRELOAD=$HA_TOOLS/preload/jump.so HA_TEST_CLOCK=$T/clock"
push_as=$watch_as
pipe --keepalive 500ms
ok "a pipe" wait_until 20 equal
wait_until 10 in_state OK
jumps=0
for jump in 3600 -3600 0; do
	jumps=$((jumps + 1))
	echo $jump >"$T/clock"
	is "the clock jumps to $jump s: a record's time" "$(shift_of)" \
	    $((jump / 60))
	is "... OK" "$(state)" OK
	is "... nothing waits" "$(figure waiting)" 0
	is "... for no time" "$(figure lag)" 0
	sent=$(figure sent)
	echo "$jump" >"$S/new$jumps"
	mv "$S/$jumps" "$S/moved$jumps"
	rm "$S/$((jumps + 10))"
	ok "... changes arrive" wait_until 20 equal
	ok "... and nothing else is sent" \
	    test "$(($(figure sent) - sent))" -le 10
done
sound "the clock jumps" 1
"$TESTS/link" freeze
echo 3600 >"$T/clock"
echo frozen >"$S/frozen"
ok "a jump while the peer is silent: it is noticed" \
    wait_until 20 in_state CRIT
echo -3600 >"$T/clock"
"$TESTS/link" thaw
ok "... and a jump back: it is reached" wait_until 20 equal
ok "... OK" wait_until 10 in_state OK
sound "the clock jumps in an outage" 2
end_pipe
is "... ha-push ends with 0" "$status" 0
watch_as='' push_as=''

## The source is unmounted, and mounted again

if is_root; then
	arena
	mkdir "$T/real"
	for i in $(seq 20); do
		echo "$i" >"$T/real/$i"
	done
	mount --bind "$T/real" "$S"
	pipe
	ok "a mounted source" wait_until 20 equal
	cp -a "$D" "$T/copy"
	unchanged()
	{
		[ -z "$(rsync -aniHAXc --delete "$T/copy/" "$D/")" ]
	}
	# It is in use; so this is how it goes.
	umount -l "$S"
	reap "$watcher"
	is "unmounted: ha-watch ends" "$status" 66
	watcher=
	reap "$pusher"
	is "... ha-push too" "$status" 66
	like "... ha-watch says so" "$(cat "$T/watch.err")" "$S.*unmounted"
	like "... ha-push says so" "$(cat "$T/words")" "$S.*unmounted"
	ok "... nothing is deleted" unchanged
	pipe
	ok "a pipe on what is below: CRIT" wait_until 20 in_state CRIT
	ok "... as it is empty" words "$S is empty, but"
	ok "... nothing is deleted" unchanged
	mount --bind "$T/real" "$S"
	reap "$watcher"
	watcher=
	reap "$pusher"
	is "... it ends with the mount" "$status" 66
	echo new >"$S/new"
	rm "$S/1"
	pipe
	ok "a new start mirrors" wait_until 20 equal
	sound "unmounted and mounted again" 3
	end_pipe
	umount -l "$S"
else
	skip "the source is unmounted" "mounting needs root"
fi

## A file that is rewritten faster than it can be sent

arena
head -c 2000000 /dev/urandom >"$S/hot"
echo x >"$S/cold"
begin --bwlimit 4m
send R d .
ok "a tree" barrier
# shellcheck disable=SC2016 # the variables are perl's
spawn perl -e '
	for ($i = 0; ; $i++) {
		open F, "+<", $ARGV[0] or die;
		print F $i x 100;
		close F;
		select undef, undef, undef, 0.01;
	}' "$S/hot"
writer=$pid
for i in $(seq 10); do
	send W f hot
	echo "$i" >"$S/cold$i"
	send W f "cold$i"
	wait_until 20 arrived "cold$i" || break
done
ok "rewritten without end: others arrive" arrived cold10
ok "... a barrier passes" barrier
reap "$writer" TERM
send W f hot
ok "... a barrier" barrier
sound "rewritten without end" 1
finish
is "... exit 0" "$status" 0

## A file that can't be read

if is_root && setpriv --bounding-set -dac_override,-dac_read_search \
    true 2>/dev/null; then
	arena
	mkdir "$S/d"
	echo secret >"$S/d/locked"
	echo 1 >"$S/d/1"
	chmod 0 "$S/d/locked"
	push_as='setpriv --bounding-set -dac_override,-dac_read_search'
	pipe
	push_as=
	ok "unreadable: the others arrive" wait_until 20 arrived d/1
	ok "... WARN" wait_until 20 in_state WARN
	ok "... it is named" wait_until 10 \
	    grep -q '^failing.*d/locked.*Permission denied' "$T/status"
	rm "$S/d/1"
	echo 2 >"$S/d/2"
	ok "... later ones arrive" wait_until 20 arrived d/2
	ok "... deletions too" wait_until 20 gone d/1
	not_ok "... it does not" test -s "$D/d/locked"
	chmod 600 "$S/d/locked"
	ok "readable: it arrives" wait_until 20 equal
	ok "... OK" wait_until 10 in_state OK
	sound "unreadable" 1
	end_pipe
else
	skip "a file that can't be read" "root reads them all"
fi

## Many long names

arena
count=20000
[ -z "${HA_SOAK-}${SOAK_MINUTES-}" ] || count=100000
perl -e '
	my ($top, $count) = @ARGV;
	mkdir "$top/$_" for 0 .. 3;
	mkdir sprintf "$top/%d/%d", $_ % 4, $_ for 0 .. 19;
	for (0 .. $count - 1) {
		my $name = sprintf "%d/%d/%07d%s", $_ % 4, $_ % 20, $_,
		    "\xc3\xa4" x 124;
		open F, ">", "$top/$name" or die "$name: $!";
	}' "$S" $count
is "$count names of 255 bytes" \
    "$(find "$S" -type f -printf '%f\n' | LC_ALL=C grep -c '^.\{255\}$')" $count
pipe --max-delete 1000000
ok "... arrive" wait_until 300 equal
mv "$S/1" "$S/moved"
rm -r "$S/2/2" "$S/3"
mkdir "$S/4"
mv "$S"/0/0/000* "$S/4"
ok "... renamed and removed by the thousand" wait_until 300 equal
diag "$count names: ha-watch had $(peak "$watcher") MiB," \
    "ha-push $(peak "$pusher") MiB"
sound "... many long names" 1
end_pipe
is "... exit 0" "$status" 0
rm -rf "$S" "$D"

## Deep trees

# deep DIR NAME COUNT: NAME/NAME/..., with a file in each.
deep()
{
	perl -e '
		my ($dir, $name, $count) = @ARGV;
		chdir $dir or die;
		for (1 .. $count) {
			mkdir $name and chdir $name or die $!;
			open F, ">", "file" or die;
			print F "$_\n";
		}' "$@"
}

arena
deep "$S" d 200
echo x >"$S/x"
pipe -T 1s
ok "200 directories deep" wait_until 60 equal
long=$(perl -e 'print "l" x 255')
deep "$S" "$long" 20
echo y >"$S/y"
ok "paths beyond PATH_MAX: the others arrive" wait_until 60 arrived y
ok "... WARN" wait_until 20 in_state WARN
ok "... they are named" wait_until 10 \
    grep -q "^failing.*l/file.*rsync can't name" "$T/status"
rm "$S/x"
echo z >"$S/y"
ok "... and what is changed" wait_until 60 arrived y
ok "... or removed" wait_until 60 gone x
end_pipe
is "... at the end something is left" "$status" 66
echo 1 >"$S/z"
rm "$S/y"
pipe
ok "... a new start: the others arrive" wait_until 60 arrived z
ok "... WARN" wait_until 20 in_state WARN
ok "... it is named" wait_until 10 \
    grep -q '^failing.*l".*File name too long' "$T/status"
rm -r "${S:?}/$long"
ok "... removed: all is as here" wait_until 60 equal
ok "... OK" wait_until 20 in_state OK
sound "deep" 2
end_pipe
rm -rf "$S" "$D"

done_testing
