#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-faults.t - what goes wrong beside and below ha-push: servers that go
# while the link stays, links on the peer, crowds, readers, signals.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
needs rsync perl

kill_servers()
{
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe") in
		*/sftp-server) kill -KILL "$(basename "${exe%/exe}")" ;;
		esac
	done 2>/dev/null
}

links_of()
{
	stat -c %h "$1" 2>/dev/null
}

# Is a part of this file there?
on_its_way()
{
	find "${1%/*}" -name ".${1##*/}.*" 2>/dev/null | grep -q .
}

in_words()
{
	grep -Eq -e "$1" "$T/words"
}

descriptors()
{
	set -- "/proc/$pusher/fd"/*
	echo $#
}

## Directories removed by the dozen

fresh
for d in $(seq 70); do
	mkdir "$S/d$d"
	for f in $(seq 5); do
		: >"$S/d$d/f$f"
	done
done
mkdir "$S/wide"
(cd "$S/wide" && seq 200 | xargs touch)
begin --max-delete 1000
send R d .
ok "seventy directories are there" barrier
rm -r "$S"/d* "$S/wide"
for d in $(seq 70); do
	send D d "d$d"
done
send D d wide
ok "seventy directories go at once" barrier
ok "... all of them" same

## The SFTP server dies, the link stays

kill_servers
echo x >"$S/new"
mkdir "$S/gone" && send C d gone && rmdir "$S/gone"
send D d gone
send W f new
ok "an SFTP server that died is started again" barrier
ok "... and all is there" same

## A rename out of a tree that is still unknown

"$TESTS/link" down
mkdir -p "$S/x/a" "$D/x/a"
echo 1 >"$S/x/a/f"
echo stale >"$D/x/a/g"
send R d x
mv "$S/x/a" "$S/y"
send M d x/a y
"$TESTS/link" up
ok "a rename out of an unknown tree" barrier
ok "... is compared at its new place" same

## A chain of renames over a directory that the peer still has

mkdir "$S/a" "$S/b"
echo a >"$S/a/a"
echo b >"$S/b/b"
send R d .
ok "two directories" barrier
"$TESTS/link" down
rm -r "$S/b"
mv "$S/a" "$S/b"
mkdir "$S/a"
mv "$S/b" "$S/c"
send D f b/b
send D d b
send M d a b
send C d a
send R d a
send M d b c
"$TESTS/link" up
ok "a chain of renames" barrier
ok "... leaves nothing stale" same

## A name used again before its rename is read

mkdir "$S/n"
echo old >"$S/n/f"
send R d n
ok "a directory" barrier
mv "$S/n" "$S/m"
mkdir "$S/n"
echo new >"$S/n/f"
send W f n/f
ok "... whose name is another's when it is looked at" barrier
rm -r "$S/n"
send M d n m
send D d n
ok "... and then renamed" barrier
ok "... is compared at its new place" same

## Missing, and no record says why

mkdir -p "$S/u/v"
echo x >"$S/u/v/f"
send R d u
ok "a tree" barrier
rm -r "$S/u"
send W f u/v/f
ok "... that is gone, which nothing told" barrier
ok "... goes on the peer" same

## Records that no watcher writes

echo keep >"$S/precious"
send W f precious
ok "a file" barrier
mkdir "$S/self"
send C d self
send M d not/there .
send M d self self
send M d self self/below
ok "renames that can't be" barrier
ok "... delete nothing" same
ok "... on the peer" test -e "$D/precious"
finish
is "... and are bad input" "$status" 65

## Links on the peer

fresh
mkdir "$T/outside"
echo mine >"$T/outside/f"
echo mine >"$T/outside/g"
mkdir "$S/d"
echo f >"$S/d/f"
ln -s "$T/outside" "$D/d"
begin
send W f d/f
send D f d/g
ok "a parent that is a link on the peer" barrier
is "... is not followed by rsync" "$(cat "$T/outside/f")" mine
ok "... nor by a removal" test -e "$T/outside/g"
ok "... and is replaced" cmp "$S/d/f" "$D/d/f"
rm -r "$D/d" "$S/d"
ln -s "$T/outside" "$D/d"
send D d d
ok "a directory that is a link on the peer" barrier
not_ok "... is removed" test -L "$D/d"
ok "... what it leads to stays" test -e "$T/outside/f"
finish

## A name for the target that looks like a pattern

fresh
D=$T/$trees/'d[1]*'
mkdir "$D" "$T/$trees/d1" "$T/$trees/d1x"
echo x >"$S/x"
echo other >"$T/$trees/d1/other"
exits "a target of pattern characters" 0 push --all -C "$S" "peer:$D"
ok "... is meant literally" same
ok "... no other directory is touched" test -e "$T/$trees/d1/other"
not_ok "... or written to" test -e "$T/$trees/d1/x" -o -e "$T/$trees/d1x/x"

## -0 with directories

fresh
mkdir "$S/d" "$D/d"
echo 1 >"$S/d/unlisted"
echo 2 >"$D/d/extra"
printf '.\0d\0' >"$T/list"
exits "-0 with bare directories" 0 push -0 -C "$S" "peer:$D" <"$T/list"
ok "... deletes nothing below them" test -e "$D/d/extra"
not_ok "... sends nothing below them" test -e "$D/d/unlisted"
printf 'd/unlisted\0cut-of' >"$T/list"
exits "-0 that ends in the middle of a path" 65 push -0 -C "$S" "peer:$D" \
    <"$T/list"
ok "... sends what is whole" test -e "$D/d/unlisted"
exits "a daemon's module as target" 64 push --all -C "$S" "peer::$D"

## Excludes of directories only

fresh
excludes='	exclude=build/'
mkdir "$S/sub" "$D/build"
echo x >"$S/sub/build"
echo kept >"$D/build/x"
begin
send R d .
ok "a file named as an excluded directory" barrier
ok "... is sent" test -f "$D/sub/build"
rm "$S/sub/build"
send D f sub/build
send D d build
ok "... and removed" barrier
not_ok "... on the peer" test -e "$D/sub/build"
ok "... the excluded directory stays" test -e "$D/build/x"
finish
excludes=

## Many names of one file

fresh
mkdir "$S/l"
: >"$S/l/1"
begin --quiet
send R d .
ok "one name" barrier
for i in $(seq 2 600); do
	ln "$S/l/1" "$S/l/$i"
	send C f "l/$i"
done
ok "six hundred names" barrier
# Each name that came during a send changed the file's ctime: it is sent once
# more, and its links are made anew meanwhile.  A second barrier waits for that.
ok "... and what is sent once more" barrier
ok "... are one file, and the rest is right" wait_until 30 same
is "... with all its names" "$(links_of "$D/l/1")" 600
finish

## A peer that allows two channels

fresh
mkdir "$S/d"
sed 's/^MaxSessions.*//' "$HA_SSH_DIR/sshd_config" >"$T/sshd_config"
echo 'MaxSessions 2' >>"$HA_SSH_DIR/sshd_config"
"$TESTS/link" down
"$TESTS/link" up
before=$(logins)
begin
send R d .
ok "MaxSessions 2: a tree" barrier
for i in 1 2 3; do
	echo $i >"$S/d/$i"
	send W f "d/$i"
	ok "MaxSessions 2: a file" barrier
done
send R d .
ok "MaxSessions 2: a tree beside a run that waits" barrier
ok "MaxSessions 2: all is there" same
is "MaxSessions 2: one login" "$(($(logins) - before))" 1
finish
cp "$T/sshd_config" "$HA_SSH_DIR/sshd_config"
"$TESTS/link" down
"$TESTS/link" up

## Who reads the status

fresh
mkfifo "$T/pipe"
rm -f "$T/in"
mkfifo "$T/in"
spawn -i "$T/in" -o "$T/pipe" -e "$T/words" \
    ha-push --ssh-config "$HA_SSH_CONFIG" \
    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} --acks "$T/acks" "peer:$D"
pusher=$pid
exec 7>"$T/in" 8<"$T/pipe"
: >"$T/acks"
line "$(header)"
send R d .
ok "nobody reads the status: it goes on" barrier
seq 3000 | while read -r _; do
	kill -USR1 "$pusher" || break
done
echo x >"$S/x"
send W f x
ok "a full pipe of status records holds nothing up" barrier
cat <&8 >/dev/null &
reader=$!
ticks()
{
	awk '{ print $14 + $15 }' "/proc/$pusher/stat"
}
send W f x
ok "the reader goes on" barrier
before=$(ticks)
send W f x
barrier
sleep 1
ok "... and no time is burnt" test $(($(ticks) - before)) -lt 40
kill "$reader"
exec 8<&-
reap "$pusher"
is "a reader that went away ends it" "$status" 141
exec 7>&-

## SIGTERM in its phases

fresh
for phase in connecting idle sending; do
	[ "$phase" != connecting ] || "$TESTS/link" freeze
	begin
	case $phase in
	connecting) sleep 0.3 ;;
	idle)
		send R d .
		barrier
		;;
	sending)
		head -c 200000000 /dev/zero >"$S/big"
		send W f big
		wait_until 10 sh -c "ls -A '$D' | grep -q '^[.]big'"
		;;
	esac
	kill "$pusher"
	reap "$pusher"
	case $phase in
	connecting)
		"$TESTS/link" thaw
		ok "SIGTERM while $phase" [ "$status" -eq 0 -o "$status" -eq 75 ]
		;;
	idle) is "SIGTERM while $phase" "$status" 0 ;;
	sending)
		is "SIGTERM while $phase" "$status" 0
		ok "... finishes the batch" cmp "$S/big" "$D/big"
		;;
	esac
	exec 7>&-
	not_ok "... no child stays" pgrep -P "$pusher"
done

## A watcher that is silent

fresh
begin --silence 2s
send R d .
ok "a watcher that speaks is OK" wait_until 10 in_state OK
ok "no S for a while is a WARN" wait_until 10 in_state WARN
ok "... and then a CRIT" wait_until 10 in_state CRIT
like "... which says so" "$(cat "$T/records")" 'no heartbeat from ha-watch'
ok "... over with the next S" barrier
ok "... which is OK" wait_until 10 in_state OK
finish
is "... exit 0" "$status" 0

## A promise that can't be kept

fresh
cat >"$T/old-rsync" <<'END'
#!/bin/sh
[ "$1" != --version ] || { echo "rsync  version 3.1.3  protocol version 31"; exit; }
exec rsync "$@"
END
chmod +x "$T/old-rsync"
echo x >"$S/x"
run push --all -C "$S" --rsync-path "$T/old-rsync" "peer:$D"
is "an old rsync on the peer will do" "$status" 0
run push --all --fsync -C "$S" --rsync-path "$T/old-rsync" "peer:$D"
is "... but not for --fsync" "$status" 78
like "... which says why" "$err" 'fsync needs rsync 3.2.4'

## rsync waits for itself

# Of a file with two names one vanishes, and the other, told to the rsync there
# while the first waited for its turn, is to become a link to it.
fresh
mkdir "$S/a" "$S/b" "$S/c" "$S/d"
: >"$S/a/a"
(cd "$S/b" && seq 600 | sed 's/^/f/' | xargs touch)
(cd "$S/c" && seq 600 | sed 's/^/f/' | xargs touch)
head -c 8000000 /dev/urandom >"$S/b/g"
echo hello >"$S/b/z"
ln "$S/b/z" "$S/d/z"
begin --bwlimit 4m
send R d .
ok "a large file is on its way" wait_until 20 on_its_way "$D/b/g"
rm "$S/b/z"
send D f b/z
ok "a hard link vanishes meanwhile: it goes on" barrier
ok "... equal" same
not_ok "... at once" in_words 'no progress'
finish
is "... exit 0" "$status" 0

# The first tree that is sent (l, not nl, and r) is swallowed on its way.
fresh
cat >"$T/deaf-rsync" <<END
#!/bin/sh
case \$* in
'--server -sl'*r*e.*)
	! mkdir "$T/deaf" 2>/dev/null || {
		perl -e '\$left = 100000;
			while ((\$n = sysread STDIN, \$b, 4096) > 0) {
				syswrite STDOUT, \$b if (\$left -= \$n) > 0;
			}' | rsync "\$@"
		exit
	}
	;;
esac
exec rsync "\$@"
END
chmod +x "$T/deaf-rsync"
mkdir "$S/d" "$D/d"
head -c 200000 /dev/urandom >"$S/d/f"
echo y >"$D/d/y"
begin --rsync-path "$T/deaf-rsync"
send R d .
ok "a file is on its way, and all is silent" wait_until 20 \
    on_its_way "$D/d/f"
ok "... the run is ended" wait_until 50 \
    in_words 'warning: .*rsync made no progress for 2[0-9] s'
BARRIER_SECONDS=10
ok "... what it left is sent" barrier
BARRIER_SECONDS=
ok "... equal" same
finish
is "... exit 0" "$status" 0

## Thousands of rounds

fresh
begin
send R d .
barrier
echo x >"$S/x"
send W f x
barrier
before=$(descriptors)
rounds=${FAULT_ROUNDS-300}
for i in $(seq "$rounds"); do
	echo "$i" >"$S/x"
	send W f x
	barrier || break
done
ok "$rounds rounds: all is there" same
ok "... no descriptor is lost" test "$(descriptors)" -le $((before + 2))
not_ok "... no child is a zombie" sh -c \
    "cat /proc/[0-9]*/stat 2>/dev/null | grep -q ') Z $pusher '"
finish
is "... exit 0" "$status" 0

done_testing
