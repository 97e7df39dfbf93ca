#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push.t - ha-push against a real sshd and rsync.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
needs rsync setfacl setfattr perl

root()
{
	[ "$(id -u)" -eq 0 ]
}

## One-shot forms

fresh
mkdir -p "$S/a/b"
echo one >"$S/a/one"
echo two >"$S/a/b/two"
ln -s one "$S/a/link"
mkfifo "$S/fifo"
exits "--all copies a tree" 0 push --all -C "$S" "peer:$D"
ok "--all: the trees are equal" same
rm "$S/a/one"
echo more >"$S/a/three"
exits "-n --all" 0 push -n --all -C "$S" "peer:$D"
like "-n --all names the new file" "$out" 'a/three'
like "-n --all names what it would delete" "$out" 'a/one'
not_ok "-n --all creates nothing" test -e "$D/a/three"
ok "-n --all deletes nothing" test -e "$D/a/one"
exits "--all again" 0 push --all -C "$S" "peer:$D"
ok "--all: files that are gone are deleted" same
exits "--all --compress --bwlimit --fsync" 0 push --all --compress \
    --bwlimit 10m --fsync -C "$S" "peer:$D"

fresh
hostile=$(printf 'new\nline \\ tab\t "quote" *?[x] \001\377 -x')
mkdir -p "$S/$hostile"
echo x >"$S/$hostile/$hostile"
echo x >"$S/- leading"
echo x >"$S/#hash"
echo x >"$S/ blanks "
find "$S" -mindepth 1 -printf '%P\0' >"$T/list"
exits "-0 with names of any bytes" 0 push -0 -C "$S" "peer:$D" <"$T/list"
ok "-0: the trees are equal" same
rm "$S/#hash"
echo y >"$S/unlisted"
printf '#hash\0' >"$T/list"
exits "-0 with a path that is gone" 0 push -0 -C "$S" "peer:$D" <"$T/list"
not_ok "-0 deletes it" test -e "$D/#hash"
not_ok "-0 leaves alone what is not named" test -e "$D/unlisted"
mkdir "$S/sub"
echo z >"$S/sub/z"
printf 'sub/\0' >"$T/list"
exits "-0 with a subtree" 0 push -0 -C "$S" "peer:$D" <"$T/list"
ok "-0 compares below a name that ends with /" cmp "$S/sub/z" "$D/sub/z"
printf 'unlisted\0' >"$T/list"
exits "-n -0" 0 push -n -0 -C "$S" "peer:$D" <"$T/list"
like "-n -0 names the file" "$out" unlisted
not_ok "-n -0 changes nothing" test -e "$D/unlisted"
for path in ../x /etc/passwd a/../../x; do
	printf '%s\0' "$path" >"$T/list"
	exits "-0 refuses $path" 65 push -0 -C "$S" "peer:$D" <"$T/list"
done

perl -e 'print "x" x 1100000, "\0"' >"$T/list"
echo peer >"$D/not-named"
exits "-0 with a path that is too long" 65 push -0 -C "$S" "peer:$D" \
    <"$T/list"
ok "... compares nothing else" test -e "$D/not-named"

## Records

fresh
mkdir -p "$S/dir"
echo one >"$S/dir/one"
echo two >"$S/two"
{
	rec C d dir
	rec W f dir/one
	rec W f two
} >"$T/list"
feed
is "records: exit 0 at #end" "$status" 0
ok "records: the trees are equal" same
like "records: a framed round begins" "$out" '^#begin'
like "records: a framed round ends" "$out" '^#end.*worst=OK'
like "records: nine fields, the peer and push:DIR" "$out" \
    "^[^	]+	[^	]+	peer	push:$D	OK	[0-9.]+	([^	]+	){2}[^	]+\$"

fresh
begin
send R d .
ok "stream: the first comparison" barrier
echo 1 >"$S/f"
send C f f
send W f f
ok "stream: a new file" barrier
ok "stream: ... is on the peer" cmp "$S/f" "$D/f"
ok "acks echo W" acked W f
mkdir -p "$S/d/e"
echo 2 >"$S/d/e/f"
send C d d
send R d d
ok "stream: a new tree by R" barrier
ok "stream: ... is on the peer" same
rm -r "$S/d"
send D d d/e
send D d d
rm "$S/f"
send D f f
ok "stream: deletions" barrier
ok "stream: ... reach the peer" same
finish
is "stream: exit 0" "$status" 0
is "stream: the last state" "$(state)" OK

## Deletions and excludes

fresh
excludes='	exclude=*.keep	exclude=/private/'
mkdir -p "$S/d/e" "$S/private" "$D/private"
echo x >"$S/d/e/x"
echo x >"$S/other"
echo mine >"$S/private/s"
begin
send R d .
barrier
not_ok "excludes: not sent" test -e "$D/private/s"
echo kept >"$D/d/e/y.keep"
echo kept >"$D/private/t"
rm -r "$S/d"
send D d d
ok "an excluded file in a deleted directory" barrier
ok "... stays" test -e "$D/d/e/y.keep"
not_ok "... what is not excluded goes" test -e "$D/d/e/x"
like "... and is reported" "$(cat "$T/words" "$T/records" "$T/status")" 'd/e|y\.keep'
send R d .
ok "R with --delete" barrier
ok "... honours the excludes" test -e "$D/d/e/y.keep" -a -e "$D/private/t"
finish
excludes=
fresh
echo x >"$S/x.o"
echo x >"$S/x.c"
echo '*.tmp' >"$T/patterns"
echo x >"$S/x.tmp"
echo peer >"$D/y.o"
exits "--all -x -X" 0 push --all -x '*.o' -X "$T/patterns" -C "$S" "peer:$D"
ok "-x, -X: only the rest is sent, nothing excluded deleted" test \
    -e "$D/x.c" -a ! -e "$D/x.o" -a ! -e "$D/x.tmp" -a -e "$D/y.o"

## Renames

fresh
mkdir -p "$S/d/sub"
head -c 300000 /dev/urandom >"$S/d/sub/big"
echo a >"$S/a"
begin
send R d .
barrier
inode=$(stat -c %i "$D/d/sub/big")
mv "$S/d" "$S/renamed"
send M d d renamed
ok "M of a directory" barrier
ok "... makes the trees equal" same
is "... and keeps the files" "$(stat -c %i "$D/renamed/sub/big")" "$inode"
mv "$S/renamed/sub/big" "$S/moved"
send M f renamed/sub/big moved
ok "M of a file to another directory" barrier
is "... keeps the file" "$(stat -c %i "$D/moved")" "$inode"
mv "$S/moved" "$S/a"
send M f moved a
ok "M over a file" barrier
is "... replaces it" "$(stat -c %i "$D/a")" "$inode"
mv "$S/a" "$S/b"
echo again >"$S/a"
send M f a b
ok "M whose PATH exists again" barrier
ok "... makes the trees equal" same
mv "$S/b" "$S/c"
mv "$S/c" "$S/e"
send M f b c
send M f c e
ok "M of a chain" barrier
ok "... makes the trees equal" same
rm "$D/e"
mv "$S/e" "$S/g"
send M f e g
ok "M that the peer can't do" barrier
ok "... is sent as content" same
finish
is "renames: exit 0" "$status" 0

## Hard links

fresh
begin
send R d .
barrier
echo link >"$S/l1"
send W f l1
barrier
ln "$S/l1" "$S/l2"
send C f l2
ok "a hard link in a later batch" barrier
is "... is one on the peer" "$(stat -c %h "$D/l1")" 2
mkdir "$S/d"
ln "$S/l1" "$S/d/l3"
send C d d
send C f d/l3
barrier
is "a third name" "$(stat -c %h "$D/l1")" 3
echo longer >>"$S/l2"
send W f l2
ok "a change by one name" barrier
ok "... reaches them all, still linked" same
# Only the name that was used is told, and it is gone when ha-push looks.
echo "by a name that goes" >>"$S/d/l3"
rm "$S/d/l3"
send W f d/l3
send D f d/l3
ok "a change by a name that is removed at once" barrier
ok "... reaches the others" same
echo other >"$S/other"
echo "by a name that is replaced" >>"$S/l2"
mv "$S/other" "$S/l2"
send W f l2
send M f other l2
ok "a change by a name that is replaced at once" barrier
ok "... reaches the others" same
ln -f "$S/l1" "$S/l2"
send C f l2
barrier
rm "$S/l1"
send D f l1
ok "one name goes" barrier
ok "... the others stay linked" same
finish

## Symbolic links and swaps

fresh
mkdir -p "$S/d" "$T/outside"
echo precious >"$T/outside/file"
echo x >"$S/d/file"
begin
send R d .
barrier
rm -r "$D/d"
ln -s "$T/outside" "$D/d"
rm "$S/d/file"
send D f d/file
send D f d/none
barrier
ok "a deletion never follows a symlink on the peer" test -e "$T/outside/file"
mv "$S/d" "$S/d2"
ln -s /nowhere "$S/dangling"
ln -s "$T/outside" "$S/d"
send M d d d2
send C l dangling
send C l d
ok "a directory becomes a symlink" barrier
ok "... on the peer too" same
ok "... and what it points to is untouched" test -e "$T/outside/file"
rm "$S/d"
mkdir "$S/d"
echo new >"$S/d/file"
send D l d
send C d d
send W f d/file
ok "a symlink becomes a directory" barrier
ok "... on the peer too" same
is "... and not through the old link" "$(cat "$T/outside/file")" precious
rm -r "$S/d"
echo file >"$S/d"
send D d d
send W f d
ok "a directory becomes a file" barrier
ok "... on the peer too" same
rm "$S/d"
mkdir -p "$S/d/e"
echo x >"$S/d/e/f"
send D f d
send C d d
send R d d
ok "a file becomes a directory" barrier
ok "... on the peer too" same
finish

## Attributes

fresh
begin
send R d .
barrier
echo x >"$S/f"
mkdir "$S/d"
send W f f
send C d d
barrier
chmod 4751 "$S/f"
chmod 2750 "$S/d"
touch -d '2001-02-03 04:05:06.123456789' "$S/f"
root && chown 12345:54321 "$S/f" "$S/d"
setfacl -m u:1234:rw "$S/f"
setfacl -d -m g:77:rx "$S/d"
send A f f
send A d d
ok "mode, owner, times and ACL" barrier
ok "... are equal" same
is "... mtime to the nanosecond" "$(stat -c %y "$D/f")" "$(stat -c %y "$S/f")"
if setfattr -n user.colour -v blue "$S/f" 2>/dev/null; then
	send A f f
	barrier
	is "an extended attribute" "$(getfattr --only-values -n user.colour \
	    "$D/f" 2>/dev/null)" blue
	setfattr -x user.colour "$S/f"
	send A f f
	barrier
	ok "... and its removal" same
else
	skip "extended attributes" "the file system has none"
fi
printf 'abc' >"$S/f"
send W f f
barrier
stamp=$(stat -c %y "$S/f")
printf 'xyz' >"$S/f"
touch -d "$stamp" "$S/f"
send W f f
barrier
is "same size and time, other content" "$(cat "$D/f")" xyz
finish

fresh
head -c 20000000 /dev/urandom >"$S/big"
begin --bwlimit 8m
sending()
{
	[ -n "$(find "$D" -name '.big*' -size +0)" ]
}
send W f big
ok "a large file is on its way" wait_until 10 sending
printf 'changed' | dd of="$S/big" conv=notrunc status=none
ok "a file that changes while it is sent" barrier
ok "... is sent again without a record" wait_until 20 \
    cmp -s "$S/big" "$D/big"
finish
is "... exit 0" "$status" 0

## Bad records

fresh
echo x >"$S/unrecorded"
printf 'W\tf\tno-number\tunrecorded\t-\n' >"$T/list"
feed
is "malformed record: exit 65" "$status" 65
like "malformed record: its line number" "$err" 'line 2'
ok "malformed record: the tree is compared" same
for path in ../escape /tmp/escape d/../../escape; do
	fresh
	echo x >"$S/unrecorded"
	printf 'W\tf\t1\t%s\t-\n' "$path" >"$T/list"
	feed
	is "record with $path: exit 65" "$status" 65
	like "record with $path: line number" "$err" 'line 2'
	ok "record with $path: the tree is compared" same
done
printf 'X\tf\t1\ta\t-\n' >"$T/list"
feed
is "unknown OP: exit 65" "$status" 65
printf 'W\tf\t1\ta\\q\t-\n' >"$T/list"
feed
is "bad escape: exit 65" "$status" 65
{
	header
	sed 's/root=[^	]*/root=\/elsewhere/' <<-END
		$(header)
	END
} >"$T/list"
exits "two headers with different roots" 65 push "peer:$D" <"$T/list"
printf 'W\tf\t1\ta\t-\n' >"$T/list"
exits "records without a header" 65 push "peer:$D" <"$T/list"

fresh
echo x >"$S/unrecorded"
{
	header
	rec S - 1
} >"$T/list"
run push "peer:$D" <"$T/list"
is "no #end: exit 75" "$status" 75
like "no #end: CRIT" "$out" '	CRIT	'
ok "no #end: the tree is compared" same

## Source and identity

fresh
exits "source missing" 66 push --all -C "$S/none" "peer:$D"
header >"$T/list"
mv "$S" "$S.old"
mkdir "$S"
echo x >"$D/x"
echo '#end' >>"$T/list"
exits "source replaced" 66 push "peer:$D" <"$T/list"
ok "source replaced: nothing was deleted" test -e "$D/x"
fresh
echo x >"$D/x"
exits "empty source against files" 77 push --all -C "$S" "peer:$D"
like "... names the override" "$err" '--force'
ok "... deletes nothing" test -e "$D/x"
exits "... forced" 0 push --all --force='it is meant' -C "$S" "peer:$D"
ok "... deletes" same
fresh
exits "empty source against an empty peer" 0 push --all -C "$S" "peer:$D"

fresh
begin
send S - one
wait_until 10 acked S one
exits "a second ha-push of the pair" 75 push --all -C "$S" "peer:$D"
like "... says who holds the lock" "$err" "$pusher"
finish

## Usage

for arguments in '' peer ':/x' '--all peer:/x' '-0 peer:/x' \
    '--all -0 -C / peer:/x' '-n peer:/x' '-F xml peer:/x' '-T x peer:/x' \
    'peer:/x more'; do
	# shellcheck disable=SC2086 # words
	exits "usage: ha-push $arguments" 64 push $arguments
done

## The peer's faults, one-shot

fresh
echo x >"$S/x"
cat >"$T/config" <<END
Host nowhere
HostName does-not-exist.invalid
Host refused
HostName 127.0.0.1
Port 1
Host badkey
IdentityFile $T/other
IdentitiesOnly yes
HostName 127.0.0.1
Port $HA_SSH_PORT
UserKnownHostsFile $HA_SSH_DIR/known_hosts
Host unknown
IdentityFile $HA_SSH_DIR/id
IdentitiesOnly yes
HostName 127.0.0.1
Port $HA_SSH_PORT
UserKnownHostsFile $T/none
Host changed
IdentityFile $HA_SSH_DIR/id
IdentitiesOnly yes
HostName 127.0.0.1
Port $HA_SSH_PORT
UserKnownHostsFile $T/changed
END
ssh-keygen -q -t ed25519 -N '' -f "$T/other"
printf '[127.0.0.1]:%s %s\n' "$HA_SSH_PORT" \
    "$(cut -d ' ' -f 1,2 "$T/other.pub")" >"$T/changed"
fault()
{
	run ha-push --ssh-config "$T/config" \
	    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} -T 3s --all -C "$S" "$2:$D"
	is "$2: exit $1" "$status" "$1"
	like "$2: the message" "$err" "$3"
}
fault 69 nowhere 'does-not-exist\.invalid|nowhere'
fault 69 refused '[Rr]efused'
fault 77 badkey '[Kk]ey|[Ll]ogin|auth'
fault 77 unknown 'ssh-keyscan|ssh '
fault 77 changed 'ssh-keygen.*-R'
exits "no ssh configuration" 78 ha-push --ssh-config "$T/missing" -T 3s \
    --all -C "$S" "peer:$D"
run push -T 3s --rsync-path /nonexistent/rsync --all -C "$S" "peer:$D"
is "no rsync at the peer: exit 69" "$status" 69
like "no rsync at the peer: the message" "$err" '/nonexistent/rsync'
run push -T 3s --all -C "$S" "peer:$D/missing"
is "peer directory missing: exit 73" "$status" 73
like "peer directory missing: the message" "$err" "$D/missing"
not_ok "peer directory missing: not made" test -e "$D/missing"

if root; then
	fresh
	mount -t tmpfs -o size=8m none "$D"
	head -c 10000000 /dev/urandom >"$S/big"
	echo small >"$S/small"
	run push -T 3s --status "$T/status" --all -C "$S" "peer:$D"
	is "peer disk full, --all: exit 74" "$status" 74
	like "... the message" "$err" 'No space left'
	like "... the status file names the path" "$(cat "$T/status")" big
	ok "... the other file is there" cmp "$S/small" "$D/small"
	rm -r "${D:?}"/*
	head -c 6000000 /dev/zero >"$D/hog.keep"
	head -c 4000000 /dev/urandom >"$S/big"
	excludes='	exclude=*.keep'
	begin
	send R d .
	ok "peer disk full, stream: CRIT" wait_until 20 said CRIT
	ok "... goes on" kill -0 "$pusher"
	rm "$D/hog.keep"
	ok "... and heals" barrier
	ok "... OK" wait_until 10 in_state OK
	ok "... the trees are equal" same
	finish
	is "... exit 0" "$status" 0
	excludes=
else
	skip "peer disk full" "mounting needs root"
fi

## The link

fresh
begin
send R d .
barrier
before=$(logins)
for i in 1 2 3 4 5 6 7 8 9; do
	echo $i >"$S/$i"
	send W f $i
	barrier
done
is "one session for many batches" "$(logins)" "$before"
"$TESTS/link" cut
echo after >"$S/after"
send W f after
ok "the link is cut and heals" barrier
ok "... the trees are equal" same
is "... with one login" "$(logins)" $((before + 1))
"$TESTS/link" down
echo down >"$S/down"
send W f down
ok "the peer is down: CRIT" wait_until 20 said CRIT
ok "... ha-push goes on" kill -0 "$pusher"
"$TESTS/link" up
BARRIER_SECONDS=90 ok "the peer is up again" barrier
ok "... OK" wait_until 10 in_state OK
ok "... the trees are equal" same
is "... with one login" "$(logins)" $((before + 2))
finish
is "... exit 0" "$status" 0

# Host keys that change while it runs are no reason to end either.
fresh
begin
send R d .
barrier
mv "$HA_SSH_DIR/known_hosts" "$T/known_hosts"
cp "$T/changed" "$HA_SSH_DIR/known_hosts"
"$TESTS/link" cut
echo x >"$S/x"
send W f x
ok "a changed host key in a stream: CRIT" wait_until 20 said CRIT
ok "... ha-push goes on" kill -0 "$pusher"
cp "$T/known_hosts" "$HA_SSH_DIR/known_hosts"
BARRIER_SECONDS=90 ok "... until it is mended" barrier
finish

fresh
head -c 20000000 /dev/urandom >"$S/big"
begin --bwlimit 8m
send W f big
wait_until 10 sending
"$TESTS/link" cut
ok "the link is cut within a file" barrier
ok "... the trees are equal" same
is "... no temporary file stays" "$(find "$D" -name '.big*')" ''
finish

## Signals

fresh
begin
send R d .
barrier
reap "$pusher" TERM
is "SIGTERM with nothing left: exit 0" "$status" 0
exec 7>&-
fresh
begin
send R d .
barrier
"$TESTS/link" down
echo x >"$S/x"
send W f x
wait_until 20 said CRIT
reap "$pusher" TERM
is "SIGTERM with something left: exit 75" "$status" 75
exec 7>&-
"$TESTS/link" up

fresh
head -c 20000000 /dev/urandom >"$S/big"
mkdir "$S/d"
echo x >"$S/d/x"
begin --bwlimit 8m
send R d .
wait_until 10 sending
reap "$pusher" KILL
exec 7>&-
rm -r "$S/d"
begin
send R d .
ok "SIGKILL and restart" barrier
ok "... the trees are equal" same
is "... no temporary file stays" "$(find "$D" -name '.big*')" ''
finish

## Formats

fresh
echo x >"$S/x"
rec W f x >"$T/list"
feed -F json
is "-F json: exit 0" "$status" 0
json_lines()
{
	perl -MJSON::PP -ne 'decode_json($_); $n++; END { exit !$n }' "$1"
}
ok "-F json: every line is JSON" json_lines "$T/out"
like "-F json: the state" "$out" '"OK"'
rec W f x >"$T/list"
feed -F prom --status "$T/prom"
is "-F prom: exit 0" "$status" 0
like "-F prom: samples" "$(cat "$T/prom")" '^ha_push_[a-z_]+(\{.*\})? [0-9.e+-]+$'
unlike "-F prom: nothing but comments and samples" \
    "$(grep -Ev '^# (HELP|TYPE) |^ha_push_[a-z_]+(\{.*\})? [0-9.e+-]+$' \
    "$T/prom")" .
rec W f x >"$T/list"
feed -q
unlike "-q: nothing that is OK" "$out" '	OK	'
done_testing
