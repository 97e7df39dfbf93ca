#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-budget.t - what ha-push deletes on the peer, and how much in an hour.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
needs rsync perl

# DIR COUNT: so many empty files.
files()
{
	mkdir -p "$1"
	(cd "$1" && seq "$2" | xargs -r touch)
}

# How many names there are below it?
names()
{
	find "$1" -mindepth 1 | wc -l
}

mirror()
{
	push --all -C "$S" "$@" "peer:$D"
}

# SUFFIX FIRST LAST: tell that these are gone from f.
gone()
{
	for i in $(seq "$1" "$2"); do
		rm -f "$S/f/$i"
		send D f "f/$i"
	done
}

held()
{
	[ "$(grep -c '^held	' "$T/status")" -eq "$1" ]
}

# The status file follows the records.
listed()
{
	wait_until 20 grep -Eq "$1" "$T/status"
}

# The budget's file of the trees of this test.
kept()
{
	grep -l "^source	$S\$" "$HA_STATE_DIR"/* 2>/dev/null
}

## The default, and the ways to delete

for how in all records one directory; do
	fresh
	echo x >"$S/x"
	case $how in
	all) files "$D" 100 ;;
	*) files "$S/f" 101 ;;
	esac
	case $how in
	all)
		exits "--all deletes 100" 0 mirror
		ok "... the trees are equal" same
		files "$D" 1
		exits "... and then no more" 77 mirror
		is "... in the same hour" "$(names "$D")" 2
		;;
	records)
		begin
		send R d .
		barrier
		gone 1 100
		ok "100 D go" barrier
		gone 101 101
		ok "the next one is held" wait_until 20 in_state CRIT
		is "... and there" "$(ls "$D/f")" 101
		;;
	one)
		begin
		send R d .
		barrier
		rm -r "$S/f"
		send D d f
		ok "a directory with more in it than may go is held" \
		    wait_until 20 in_state CRIT
		is "... as a whole" "$(names "$D/f")" 101
		ok "... and counted" listed '^held	f	[0-9]+	102$'
		;;
	directory)
		rm "$S/f/1" "$S/f/101"
		begin
		send R d .
		barrier
		rm -r "$S/f"
		send D d f
		ok "a directory and 99 files in it go" barrier
		not_ok "... all of them" test -e "$D/f"
		;;
	esac
	[ "$how" = all ] || reap "$pusher" TERM
	exec 7>&-
done

fresh
files "$D" 101
echo x >"$S/x"
exits "--all, 101 to delete" 77 mirror --status "$T/status"
is "... deletes none" "$(names "$D")" 102
ok "... sends the rest" cmp "$S/x" "$D/x"
like "... and says how many are held, and what lets them go" "$err" \
    '101 deletions are held: more than 100 in an hour;.*--max-delete 101$'
is "... once" "$(grep -c held "$T/err")" 1
run mirror -n
is "-n shows them" "$(grep -c '^D' "$T/out")" 101
like "... and says that they would be held" "$err" '101 deletions would be held'
is "... with exit 0" "$status" 0
exits "--max-delete lets them go" 0 mirror --max-delete 101
ok "... the trees are equal" same

fresh
echo x >"$S/x"
files "$D/d" 60
rm -rf "${HA_STATE_DIR:?}"
printf 'd\0' >"$T/list"
exits "-n -0" 0 push -n -0 -C "$S" --max-delete 60 "peer:$D" <"$T/list"
like "... counts what is below a directory" "$err" '61 deletions would be held'
is "... and writes nothing" "$(ls "$HA_STATE_DIR" 2>/dev/null)" ''
mkdir -p "$HA_STATE_DIR"
exits "-0, over the budget" 77 push -0 -C "$S" --max-delete 60 "peer:$D" \
    <"$T/list"
exits "-0, within it" 0 push -0 -C "$S" --max-delete 61 "peer:$D" <"$T/list"

# Paths that are missing with their directory are counted with it, once.
fresh
echo x >"$S/x"
files "$D/d" 150
seq 150 | sed 's,^,d/,' | tr '\n' '\0' >"$T/list"
run push -n -0 -C "$S" "peer:$D" <"$T/list"
like "-n -0, files and their directory are gone" "$err" \
    ': 151 deletions would be held'
is "... which is what would go" "$(cut -f 1,4 "$T/out")" "D	d"
exits "-0, the same" 77 push -0 -C "$S" "peer:$D" <"$T/list"
like "... is counted once" "$err" \
    '151 deletions are held: .* --max-delete 151$'
exits "... and goes" 0 push -0 -C "$S" --max-delete 151 "peer:$D" <"$T/list"
not_ok "... as a whole" test -e "$D/d"

## Limits

fresh
files "$S/f" 2000
mirror >/dev/null 2>&1
(cd "$S/f" && seq 200 | xargs rm)
exits "10 % of 2000 files" 0 mirror
ok "... go" same
rm "$S/f/2000"
exits "... and not one more" 77 mirror
like "... of the files when they were counted last" "$err" \
    '180 in an hour \(10 % of 1800 files\)'

# The old count stands although the source has shrunk.
fresh
files "$S/f" 2000
mirror >/dev/null 2>&1
(cd "$S/f" && seq 201 | xargs rm)
exits "201 of 2000 files" 77 mirror
like "... are held" "$err" '201 deletions are held: .* 200 in an hour .10 % of 2000'
(cd "$S/f" && touch 1)
exits "200 of 2000 files" 0 mirror
ok "... go" same

for limit in 5 1% 1pct; do
	fresh
	files "$S/f" 509
	mirror >/dev/null 2>&1
	(cd "$S/f" && seq 6 | xargs rm)
	exits "--max-delete $limit: 6" 77 mirror --max-delete $limit
	touch "$S/f/6"
	exits "--max-delete $limit: 5" 0 mirror --max-delete $limit
	ok "... go" same
done
fresh
files "$D/f" 1
exits "--max-delete 0" 77 mirror --force test --max-delete 0
is "... deletes nothing" "$(names "$D")" 2
echo x >"$S/x"
files "$D/f" 500
exits "--max-delete 100%" 0 mirror --max-delete 100%
ok "... deletes anything" same
for limit in '' x -1 101% 5%% 1.5; do
	exits "--max-delete '$limit'" 64 mirror --max-delete "$limit"
done
HA_STATE_DIR=$T/none/such exits "no place for the counts" 73 mirror
like "... is named" "$err" 'HA_STATE_DIR'

## What counts

fresh
excludes='	exclude=*.keep'
echo x >"$S/x"
files "$S/d" 90
files "$D/e" 20
(cd "$D/e" && for i in $(seq 150); do echo >"$i.keep"; done)
begin
send R d .
ok "excluded names are not counted by R" barrier
is "... and kept" "$(names "$D/e")" 150
(cd "$D/d" && for i in $(seq 150); do echo >"$i.keep"; done)
rm -r "$S/d"
send D d d
ok "... nor by D of their directory" wait_until 20 in_state CRIT
ok "... which counts the rest" listed '^held	d	[0-9]+	91$'
reap "$pusher" TERM
exec 7>&-
excludes=

fresh
files "$S/d" 101
mkdir -p "$S/o"
begin
send R d .
barrier
rm -r "$S/d"
echo file >"$S/d"
send D d d
send C f d
send W f d
ok "a directory in a file's way is held" wait_until 20 in_state CRIT
is "... whole" "$(names "$D/d")" 101
echo more >"$S/more"
send W f more
ok "... the rest goes on" wait_until 20 test -e "$D/more"
rm "$S/d"
files "$S/d" 101
send D f d
send C d d
send R d d
ok "... until it is back" barrier
ok "... and all is well" wait_until 20 in_state OK
mkdir "$S/e"
send C d e
barrier
rmdir "$S/e"
mv "$S/d" "$S/e"
files "$D/e" 101
send M d d e
ok "a directory in a rename's way is held" wait_until 20 in_state CRIT
ok "... whole" test "$(names "$D/e")" -ge 101
reap "$pusher" TERM
exec 7>&-

## A slow rm -rf, over small batches, restarts and SIGKILL

fresh
files "$S/f" 400
begin
send R d .
barrier
for last in 10 20 30 40; do
	gone $((last - 9)) $last
	barrier
done
finish
begin
for last in 50 60 70; do
	gone $((last - 9)) $last
	barrier
done
before=$(names "$D/f")
reap "$pusher" KILL
exec 7>&-
begin
gone 71 200
ok "a slow rm -rf over restarts: CRIT" wait_until 20 in_state CRIT
ok "... at most 100 go" test "$(names "$D/f")" -ge 300
ok "... SIGKILL costs a few at most" test "$(names "$D/f")" -le 310
is "... after the same number before it" "$before" 330
line '#end'
exec 7>&-
reap "$pusher"
is "... exit 77 at the end of input" "$status" 77
kept=$(kept)
printf 'junk' >"$kept"
begin
send R d .
ok "a damaged file is no reason to stop" wait_until 20 said '(OK|CRIT)'
like "... but said" "$(cat "$T/words")" 'is damaged, and set aside'
ok "... and kept" test -s "$kept.damaged"
reap "$pusher" TERM
exec 7>&-

## Held, while the rest goes on

fresh
files "$S/f" 300
mkdir "$S/keep"
begin
send R d .
barrier
mv "$S/f" "$T/away"
mkdir "$S/f"
touch "$S/f/1"
send R d .
ok "R after the content was moved away: CRIT" wait_until 20 in_state CRIT
is "... nothing is deleted" "$(names "$D/f")" 300
ok "... each path is listed" wait_until 20 held 299
ok "... the words say what to do" listed \
    '^message	299 deletions are held: .* --release .*/status --reason'
ok "... the performance data" listed '^perf	.* held=299 '
for i in 1 2 3; do
	echo $i >"$S/keep/$i"
	send W f keep/$i
done
ok "... the rest goes on" wait_until 20 test -e "$D/keep/3"
touch "$S/keep/4"
send W f keep/4
wait_until 20 test -e "$D/keep/4"
rm "$S/keep/4"
send D f keep/4
ok "... but no deletion" wait_until 20 held 300
ok "... not a single one" test -e "$D/keep/4"
send S - waits
not_ok "... a barrier waits" acked S waits
is "... it is said once" "$(grep -c 'deletions are held' "$T/words")" 1
touch "$S/keep/4"
send C f keep/4
rmdir "$S/f" 2>/dev/null || rm -r "$S/f"
mv "$T/away" "$S/f"
send R d .
ok "... until all is back" wait_until 20 acked S waits
ok "... OK" wait_until 20 in_state OK
like "... which is said" "$(cat "$T/words")" 'no deletion is held any more'
ok "... the trees are equal" same
rm "$S/f/1"
send D f f/1
ok "... and deletions go again" barrier
not_ok "... " test -e "$D/f/1"
finish
is "... exit 0" "$status" 0

# What is held and gone there is no longer held.
fresh
files "$S/f" 10
begin --max-delete 5
send R d .
barrier
gone 1 6
ok "one deletion is held" wait_until 20 held 1
rm -f "$D"/f/[1-6]
send R d .
ok "... until it is gone there" barrier
ok "... OK" wait_until 20 in_state OK
finish

# What no record tells of a directory is seen all the same.
fresh
files "$S/f" 300
begin
send R d .
barrier
mv "$S/f" "$T/away"
mkdir "$S/f"
send R d .
ok "a directory's content is held" wait_until 20 held 300
mv "$T/away"/* "$S/f"
rmdir "$T/away"
for i in $(seq 300); do
	send C f "f/$i"
done
ok "... until all is back, each by a record of its own" \
    wait_until 30 in_state OK
ok "... and nothing is held" wait_until 20 held 0
finish

# What was counted when the link was lost is not counted again.
counted()
{
	grep -q '^deleted' "$(kept)"
}

fresh
files "$S" 65
begin --max-delete 64
send R d .
barrier
"$TESTS/link" freeze
for i in $(seq 64); do
	rm "$S/$i"
	send D f "$i"
done
ok "deletions on their way when the link is lost" wait_until 20 counted
"$TESTS/link" down
"$TESTS/link" up
BARRIER_SECONDS=90 ok "... count once" barrier
is "... all of them" "$(names "$D")" 1
finish

# What was deleted when the link was lost stays counted, whatever is next.
fresh
files "$S/a" 1
files "$S/b" 1
begin --max-delete 100 --bwlimit 200
send R d .
barrier
files "$D/a" 91
head -c 1000000 /dev/urandom >"$S/a/large"
send R d a
few()
{
	[ "$(names "$D/a")" -le 3 ]
}
ok "deletions, and then the link is lost" wait_until 20 few
"$TESTS/link" down
files "$D/b" 91
send R d b
"$TESTS/link" up
ok "... count although others follow" wait_until 60 held 90
is "... which stay" "$(names "$D/b")" 91
reap "$pusher" TERM
exec 7>&-

## rsync's ceiling

fresh
files "$S/f" 200
files "$D" 50
mkdir "$T/shim"
cat >"$T/shim/rsync" <<'END'
#!/bin/sh
# Between the count and the run more of the source goes.
case " $* " in
*" --max-delete="*)
	[ ! -e "$SHIM" ] || {
		echo "$*" >>"$SHIM.runs"
		rm "$SHIM" "$SHIM_SOURCE"/f/1??
	}
	;;
esac
exec "$SHIM_RSYNC" "$@"
END
chmod +x "$T/shim/rsync"
mirror --max-delete 100% >/dev/null 2>&1
files "$D" 50
SHIM=$T/shim.now SHIM_SOURCE=$S SHIM_RSYNC=$(command -v rsync)
export SHIM SHIM_SOURCE SHIM_RSYNC
: >"$SHIM"
PATH=$T/shim:$PATH exits "the source shrinks after the count" 77 mirror
like "... the run had a ceiling" "$(cat "$SHIM.runs")" 'max-delete=50 '
is "... and deleted no more" "$(names "$D/f")" 200
is "... than was counted" "$(find "$D" -maxdepth 1 -type f | wc -l)" 0

## --release

# Is this one of the names that --status lists as held?
listed()
{
	grep -q "^held	$1	" "$T/status"
}

fresh
files "$S/f" 300
echo x >"$S/kept"
begin
send R d .
barrier
rm -r "$S/f"
send D d f
wait_until 20 in_state CRIT
exits "held: --check" 2 ha-push --check "$T/status" -F nagios
like "... says how many" "$out" 'HA-PUSH CRIT - .*301 deletions are held'
exits "held: --sync" 75 ha-push --sync "$T/status" -T 1s
exits "held: --explain" 0 ha-push --explain f/1 "$T/status"
like "... says so" "$out" "f/1.* is held, one of 301"
exits "held: --explain of another" 0 ha-push --explain kept "$T/status"
like "... which is sent" "$out" 'is on the peer'
send R d .
wait_until 20 listed f/1
exits "a tree is held: --explain" 0 ha-push --explain f/1 "$T/status"
like "... says so" "$out" "f/1.* is held, one of 301"
exits "--release" 0 ha-push --release "$T/status" --reason 'test says so'
like "... says how many" "$out$err" '301 deletions released'
ok "... lets them go" barrier
not_ok "... all" test -e "$D/f"
ok "... OK" wait_until 20 in_state OK
like "... and logs the reason" "$(cat "$T/words")" 'test says so'
finish

## The trash

# The one file of the trash that had this path; 1 if there is none.
in_trash()
{
	find "$K" -mindepth 2 -path "$K/*/$1" | grep .
}

trashed()
{
	cat "$(in_trash "$1")"
}

bad_names()
{
	find "$K" -mindepth 1 -maxdepth 1 -printf "%f\\n" | grep -Ev \
	    '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}Z(\.[0-9]+)?$'
}

fresh
K=$T/$trees/trash
mkdir -p "$S/d/sub" "$S/e"
for f in d/sub/a d/b e/c over gone by; do
	echo "old $f" >"$S/$f"
done
chmod 640 "$S/gone"
ln -s nowhere "$S/d/link"
mkfifo "$S/d/fifo"
ln "$S/d/b" "$S/d/b2"
excludes='	exclude=*.keep'
begin --trash "$K"
send R d .
ok "--trash" barrier
is "... is made, for its owner" "$(stat -c %a "$K")" 700
is "... and empty at first" "$(ls "$K")" ''
inode=$(stat -c %i "$D/gone")
echo mine >"$D/d/sub/x.keep"
echo new >"$S/over"
send W f over
barrier
is "what is overwritten is kept" "$(trashed over)" 'old over'
is "... and is new there" "$(cat "$D/over")" new
rm "$S/gone"
send D f gone
barrier
is "what is removed is kept" "$(trashed gone)" 'old gone'
is "... as it was" "$(stat -c '%a %i' "$(in_trash gone)")" "640 $inode"
rm -r "$S/d"
send D d d
barrier
is "a directory that is removed is kept" "$(trashed d/sub/a)" 'old d/sub/a'
ok "... links in it" test -h "$(in_trash d/link)"
ok "... special files" test -p "$(in_trash d/fifo)"
ok "... hard links" test "$(in_trash d/b)" -ef "$(in_trash d/b2)"
is "... but what is excluded stays" "$(cat "$D/d/sub/x.keep")" mine
not_ok "... the rest is gone" test -e "$D/d/b"
mv "$S/by" "$S/over"
send M f by over
ok "a rename over a file" barrier
ok "... keeps that file" grep -qx new "$K"/*/over
ok "... and the one before" grep -qx 'old over' "$K"/*/over
ok "... and is played" same --exclude='*.keep' --exclude=/d
echo extra >"$D/extra"
echo 'on the peer' >"$D/e/c"
send R d .
ok "R" barrier
is "... keeps what it deletes" "$(trashed extra)" extra
is "... and what it overwrites" "$(trashed e/c)" 'on the peer'
rm -r "$S/e"
echo file >"$S/e"
send D d e
send C f e
send W f e
ok "a directory that makes way" barrier
ok "... is kept" grep -qx 'old e/c' "$K"/*/e/c
is "... only dated names are made" "$(bad_names)" ''
for i in 1 2 3 4 5 6; do
	echo "version $i" >"$S/fast"
	send W f fast
	barrier
done
is "each version is kept" "$(cat "$K"/*/fast | sort | tr '\n' ' ')" \
    'version 1 version 2 version 3 version 4 version 5 '
finish
is "--trash: exit 0" "$status" 0
excludes=

# Somebody's links at the dates to come lead nowhere.
fresh
K=$T/$trees/trash
mkdir -p "$K" "$T/$trees/outside"
now=$(date +%s)
for i in $(seq -2 120); do
	ln -s "$T/$trees/outside" \
	    "$K/$(date -u -d "@$((now + i))" +%Y-%m-%dT%H%M%SZ)"
done
echo x >"$S/x"
echo old >"$D/x"
echo old >"$D/y"
exits "links in the trash" 0 mirror --trash "$K"
is "... are not followed" "$(ls "$T/$trees/outside")" ''
is "... what goes is kept beside them" \
    "$(find "$K" -mindepth 2 -type f | wc -l)" 2
printf 'y\0x\0' >"$T/list"
echo old >"$D/y"
exits "... by SFTP too" 0 push -0 -C "$S" --trash "$K" "peer:$D" <"$T/list"
is "... are not followed" "$(ls "$T/$trees/outside")" ''
is "... but links, which are not dated directories, stay" \
    "$(find "$K" -type l | wc -l)" 123

# Pruned by age, by size, and nothing else.
stale()
{
	mkdir -p "$K/$1/d"
	head -c "$2" /dev/zero >"$K/$1/d/f"
}

fresh
K=$T/$trees/trash
echo x >"$S/x"
new=$(date -u -d '6 days ago' +%Y-%m-%dT%H%M%SZ)
for name in 2020-01-01T000000Z 2020-01-01T000000Z.2 "$new" \
    2020-01-01T000000Z.x 2020-01-01T000000Z- 2020-01-01 other \
    '2020-01-01T000000Z x' 'a;touch b'; do
	stale "$name" 10
done
: >"$K/2020-01-02T000000Z"
exits "--trash prunes" 0 mirror --trash "$K"
is "... what is older than 7 days, and nothing else" "$(ls "$K")" \
    "$(printf '%s\n' 2020-01-01 2020-01-01T000000Z- \
	'2020-01-01T000000Z x' 2020-01-01T000000Z.x 2020-01-02T000000Z \
	"$new" 'a;touch b' other | sort)"
exits "--trash-keep 5d" 0 mirror --trash "$K" --trash-keep 5d
not_ok "... prunes more" test -e "$K/$new"
for i in 1 2 3 9 10 11; do
	stale "2020-01-01T000000Z.$i" 1000000
done
exits "--trash-keep 3500K" 0 mirror --trash "$K" --trash-keep 3500K
is "... keeps the youngest that fit" "$(cd "$K" && echo 2020-*Z.[0-9]*)" \
    '2020-01-01T000000Z.10 2020-01-01T000000Z.11 2020-01-01T000000Z.9'
for limit in x 5x 0K -1K '' 1.5G; do
	exits "--trash-keep '$limit'" 64 mirror --trash "$K" --trash-keep "$limit"
done
exits "--trash-keep without --trash" 64 mirror --trash-keep 5d

# Where it can't be.
for dir in "$D" "$D/trash" "$D/"; do
	exits "--trash $dir, in the target" 64 mirror --trash "$dir"
done
ln -s "$D" "$T/$trees/link"
mkdir "$D/in"
exits "--trash in the target by a link" 78 mirror --trash "$T/$trees/link/in"
like "... is said" "$err" 'inside the target'
exits "--trash that can't be made" 73 mirror --trash "$T/none/of/this"
exits "--trash that is a file" 73 mirror --trash "$S/x"
if [ "$(id -u)" -eq 0 ] && mkdir "$T/$trees/mount" &&
    mount -t tmpfs none "$T/$trees/mount" 2>/dev/null; then
	exits "--trash on another file system" 73 mirror \
	    --trash "$T/$trees/mount"
	like "... says why" "$err" 'another file system'
	umount "$T/$trees/mount"
else
	skip "--trash on another file system" "nothing can be mounted here"
fi
rm -r "$D/in"

fresh
K=$T/$trees/trash
echo x >"$S/x"
files "$D" 101
exits "the budget counts with a trash too" 77 mirror --trash "$K"
is "... nothing went there" "$(ls "$K")" ''
exits "-n --trash" 0 mirror -n --trash "$T/$trees/none"
not_ok "... makes nothing" test -e "$T/$trees/none"
cd "$HOME" || exit
exits "--trash below the home" 0 mirror --trash trash-here --max-delete 101
is "... is used" "$(find ~/trash-here -type f | wc -l)" 101
cd "$T" || exit
done_testing
