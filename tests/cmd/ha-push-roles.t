#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-roles.t - who may push: the roles of two nodes, of which one is
# HA_STATE_DIR here and the other one a role file at the peer's end.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
needs rsync

HERE=$HA_STATE_DIR/role
THERE=$T/there/role
ESC=$(printf '\033')
mkdir "$T/there" "$T/there/bin"
# What the login shell of the peer finds; at first no ha-role.
{
	printf 'SetEnv PATH=%s:/usr/bin:/bin\n' "$T/there/bin"
	cat "$HA_SSH_DIR/sshd_config"
} >"$T/sshd_config"

# Start sshd anew, with one more line for its configuration.
serve()
{
	{
		echo "$1"
		cat "$T/sshd_config"
	} >"$HA_SSH_DIR/sshd_config"
	"$TESTS/link" down
	"$TESTS/link" up
}

serve ''

install_there()
{
	ln -s "$HA_BIN/ha-role" "$T/there/bin/ha-role"
}

remove_there()
{
	rm -f "$T/there/bin/ha-role"
}

set_role()
{
	ha-role set "$@" >"$T/set" 2>&1 || tap_file "ha-role set" "$T/set"
}

here()
{
	set_role "$@" --reason 'words of here'
}

there()
{
	set_role --file "$THERE" "$@" --reason 'words of there'
}

epoch_there()
{
	cut -f 2 "$THERE"
}

no_roles()
{
	rm -f "$HERE" "$THERE"
	remove_there
}

# New trees that differ.
pair()
{
	fresh
	no_roles
	echo new >"$S/file"
	echo old >"$D/old"
	chmod 700 "$D"
	everything >"$T/before"
}

# All of the peer's tree, with what any write would change.
everything()
{
	find "$D" -printf '%p %y %m %U %G %i %n %s %T@ %C@ %l\n' | sort
	find "$D" -type f -exec sha256sum {} + | sort
}

untouched()
{
	everything >"$T/after"
	cmp "$T/before" "$T/after"
}

once()
{
	run push --peer-role-file "$THERE" -T 20s --all -C "$S" "$@" "peer:$D"
}

# DESC STATUS ERE: nothing is written, and why.
refused()
{
	is "$1: exit $2" "$status" "$2"
	like "... why" "$err" "$3"
	is "... in one line" "$(printf '%s\n' "$err" | wc -l)" 1
	like "... and in a record" "$out" "	CRIT	.*$3"
	ok "... nothing is written" untouched
}

start()
{
	begin --peer-role-file "$THERE" "$@"
	send R d .
}

gone()
{
	! kill -0 "$1" 2>/dev/null && return
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	*') Z '* | '') return ;;
	esac
	return 1
}

# DESC ERE: the pipe has ended by itself.
stopped()
{
	wait_until 60 gone "$pusher" || kill "$pusher"
	reap "$pusher"
	exec 7>&-
	is "$1: exit 77" "$status" 77
	is "... the last record is CRIT" "$(state)" CRIT
	like "... it says why" "$(grep -v '^#' "$T/records" | tail -n 1)" "$2"
	is "... so does stderr, once" "$(grep -Ec "$2" "$T/words")" 1
}

# DESC ERE: a state that doesn't stop it, but is told.
warned()
{
	is "$1: exit 0" "$status" 0
	is "... told once" "$(grep -Ec "warning: .*$2" "$T/err")" 1
	like "... a WARN" "$out" "	WARN	.*$2"
	ok "... sent" same
}

## Roles are not in use, or as they should be

pair
once
is "no roles: exit 0" "$status" 0
is "... no word of them" "$err" ''
ok "... sent" same

pair
there standby
once
is "only the standby has one: exit 0" "$status" 0
is "... no word" "$err" ''
ok "... sent" same

pair
here active
once
is "only the active has one: exit 0" "$status" 0
ok "... sent" same
is "... a single run says nothing" "$err" ''

## This node is standby

pair
here standby --epoch 3
before=$(logins)
once
refused "standby" 77 \
    'this node is standby with epoch 3 since .* \(words of here\).*ha-role set active'
is "... before any login" "$(logins)" "$before"

pair
here standby
once --force 'trees are the same'
is "standby, forced: exit 0" "$status" 0
is "... said once" \
    "$(grep -c 'warning: .*forced (trees are the same).*standby' "$T/err")" 1
ok "... sent" same

pair
here standby
once -n
is "standby, dry run: exit 0" "$status" 0
like "... only said" "$err" 'without -n.*standby'
like "... what would be done" "$out" '^C	f	[0-9]*	file	'
ok "... nothing is written" untouched

pair
here standby
find "$S" -name file -print0 >"$T/names"
run push --peer-role-file "$THERE" -0 -C "$S" "peer:$D" <"$T/names"
refused "standby with -0" 77 'this node is standby'

pair
here standby
begin --peer-role-file "$THERE"
stopped "a standby's pipe" 'this node is standby'
ok "... nothing is written" untouched

## This node's file is no role

for text in 'activ 3 2026-01-31T23:59:59Z why' ''; do
	pair
	printf '%s\n' "$text" >"$HERE"
	before=$(logins)
	once
	refused "malformed ('$text')" 78 "role file '$HERE' is malformed"
	is "... before any login" "$(logins)" "$before"
done
pair
ln -s "$T/nothing" "$HERE"
once
refused "a link to nothing" 78 "role file.*'$HERE'.*No such file"
once --force 'I know'
is "... forced: exit 0" "$status" 0
is "... said once" "$(grep -c 'warning: .*forced (I know)' "$T/err")" 1

## The peer is active

pair
there active
once
refused "active there, no role here" 77 \
    'peer is active with epoch 1 since 2.*Z \(words of there\), and this node has no role.*ha-role set standby --epoch 1 --reason.*--force=REASON'

for epochs in '5 5' '5 9'; do
	pair
	here active --epoch "${epochs% *}"
	there active --epoch "${epochs#* }"
	once
	refused "both active, $epochs" 77 \
	    "peer is active with epoch ${epochs#* } since.*this node is active with epoch ${epochs% *} since.*set standby --epoch ${epochs#* }"
done

once --force 'here is right'
is "... forced: exit 0" "$status" 0
is "... said once" \
    "$(grep -c 'warning: .*forced (here is right).*is active' "$T/err")" 1
ok "... sent" same

pair
there active
once -n
is "... dry run: exit 0" "$status" 0
like "... only said" "$err" 'without -n.*peer is active'
ok "... nothing is written" untouched

pair
here active --epoch 9
there active --epoch 5
once
warned "both active, the higher one here" \
    'peer is active with epoch 5.*overwrites.*set standby --epoch 9'

pair
here standby
there active
once --force 'both'
is "standby here and active there, forced: exit 0" "$status" 0
is "... both are said, once" "$(grep -c 'warning: .*forced (both)' "$T/err")" 2

## The peer's file is no role

pair
echo 'activ 3' >"$THERE"
once
refused "malformed there" 77 "role file $THERE of peer is malformed.*mend it"
once --force 'never mind'
is "... forced: exit 0" "$status" 0
is "... said once" "$(grep -c 'warning: .*forced (never mind)' "$T/err")" 1
pair
head -c 100000 /dev/zero >"$THERE"
once
refused "a large file there" 77 'malformed \(it is larger than 4096 bytes'
pair
ln -sf "$T/nothing" "$THERE"
once
refused "a link to nothing there" 77 "can't be read there \\(no such file"
no_roles
mkdir "$THERE"
once
refused "a directory there" 77 'malformed \(it is no regular file'
rmdir "$THERE"
mkfifo "$THERE"
once
refused "a pipe there" 77 'malformed \(it is no regular file'
rm "$THERE"

pair
printf 'active\t3\t2026-01-31T23:59:59Z\t%s[31m\\0033]0;x %s\n' "$ESC" \
    "$(head -c 3000 /dev/zero | tr '\0' x)" >"$THERE"
once
refused "odd words there" 77 'epoch 3.*\\0033\[31m\\0033\]0;x xx*\.\.\.\)'
not_ok "... none is raw" grep -q "$ESC" "$T/err" "$T/out"
like "... what to do is still there" "$err" 'set standby.*--force=REASON'

## The standby learns the epoch

pair
install_there
here active --epoch 7
there standby
once
is "a standby there: exit 0" "$status" 0
is "... no word" "$err" ''
is "... it was told" "$(epoch_there)" 7
like "... its own words stay" "$(cat "$THERE")" '^standby.*words of there$'
there active
is "... it becomes active above that" "$(epoch_there)" 8
everything >"$T/before"
once
refused "... and is not written to" 77 'active with epoch 8.*active with epoch 7'

pair
install_there
here active --epoch 7
there standby --epoch 9
once
is "a standby with a higher epoch: exit 0" "$status" 0
is "... keeps it" "$(epoch_there)" 9

pair
here active --epoch 7
there standby
once
warned "a standby without ha-role" \
    "not told the epoch of this node, 7.*type there: ha-role set --file '$THERE' --epoch 7"

# As a person would: the command of the message, there.
sed -n 's/.*type there: \(.*\) ([^(]*)$/\1/p' "$T/err" >"$T/command"
run sh "$T/command"
is "the command of the message works" "$(epoch_there)" 7
once
is "... then there is no word" "$err" ''

# The server allows one channel: SFTP and the command take turns.
serve 'MaxSessions 1'
pair
install_there
here active --epoch 7
there standby
once
is "one channel: exit 0" "$status" 0
is "... it was told" "$(epoch_there)" 7
is "... no word" "$err" ''
ok "... sent" same
serve ''

pair
install_there
here active --epoch 7
there standby
once -n
is "a dry run tells nobody" "$(epoch_there)" 0

# Two counters far apart: here it was toggled, there it only listened.
pair
install_there
there standby
for _ in 1 2 3 4 5; do
	here active
	here standby
done
here active
start
ok "the pipe runs" barrier
is "... told at the start" "$(epoch_there)" 6
here standby
there active
is "... it takes over above that" "$(epoch_there)" 7
send S - wake
stopped "... the old one" 'this node is standby'

# The epoch rises, and ha-role comes and goes, while it runs.
pair
here active
there standby
start
ok "without ha-role there: the pipe runs" barrier
ok "... WARN" wait_until 20 in_state WARN
install_there
here active --epoch 40
told()
{
	send S - wake
	[ "$(epoch_there)" = "$1" ]
}
ok "... a higher epoch is told, as ha-role is there now" \
    wait_until 20 told 40
ok "... OK" wait_until 20 in_state OK
remove_there
here active --epoch 41
send S - wake
ok "... not told: WARN" wait_until 20 in_state WARN
is "... told on stderr for each" "$(grep -c 'warning: .*not told' "$T/words")" 2
there standby --epoch 41
ok "... mended by hand: OK" wait_until 30 eval 'send S - wake; in_state OK'
finish
is "... exit 0" "$status" 0

# The peer has none at all: the pipe says what it needs.
pair
here active --epoch 5
start
ok "no role file there: the pipe runs" barrier
is "... said once" \
    "$(grep -c 'there is no role file.*set standby --epoch 5' "$T/words")" 1
"$TESTS/link" cut
echo more >"$S/more"
send W f more
ok "... cut, and on" barrier
is "... not said again" "$(grep -c 'there is no role file' "$T/words")" 1
finish

## Roles change while the pipe runs

pair
here active
there standby --epoch 1
start
ok "the pipe runs" barrier
here standby
echo later >"$S/later"
everything >"$T/before"
send W f later
stopped "standby while connected" 'this node is standby with epoch 1'
ok "... nothing more is written" untouched

pair
here active
there standby --epoch 1
start
ok "the pipe runs" barrier
there active
everything >"$T/before"
send S - heartbeat
stopped "the peer becomes active, idle" 'peer is active with epoch 2'
ok "... nothing is written" untouched

pair
here active
there standby --epoch 1
head -c 30000000 /dev/urandom >"$S/large"
start --bwlimit 300
large_comes()
{
	ls "$D"/.large.* >/dev/null 2>&1
}
ok "a large file is on its way" wait_until 30 large_comes
there active
stopped "the peer becomes active meanwhile" 'peer is active with epoch 2'
not_ok "... the file is not put there" test -e "$D/large"
large_left()
{
	! large_comes
}
ok "... nor is a part of it" wait_until 20 large_left

pair
here active
there standby --epoch 1
head -c 30000000 /dev/urandom >"$S/large"
start --bwlimit 300
ok "a large file is on its way" wait_until 30 large_comes
here standby
stopped "standby meanwhile" 'this node is standby'
not_ok "... the file is not put there" test -e "$D/large"

pair
here active
there standby --epoch 1
start
ok "the pipe runs" barrier
"$TESTS/link" down
ok "... cut off: CRIT" wait_until 20 in_state CRIT
here standby
stopped "standby while cut off" 'this node is standby'
"$TESTS/link" up

pair
here active
there standby --epoch 1
start
ok "the pipe runs" barrier
"$TESTS/link" down
ok "... cut off: CRIT" wait_until 20 in_state CRIT
there active
echo later >"$S/later"
everything >"$T/before"
send W f later
"$TESTS/link" up
stopped "the peer becomes active while cut off" 'peer is active with epoch 2'
ok "... nothing more is written" untouched

pair
here active
there standby --epoch 1
start --force 'a test'
ok "the pipe runs, forced" barrier
there active
echo later >"$S/later"
send W f later
ok "... the peer becomes active: it goes on" barrier
forced()
{
	send S - wake
	[ "$(grep -c 'warning: .*forced (a test)' "$T/words")" -eq "$1" ]
}
ok "... which is said" wait_until 20 forced 1
"$TESTS/link" cut
echo more >"$S/more"
send W f more
ok "... cut, and on" barrier
ok "... said once a connection" forced 2
finish
ok "... the same" same

pair
here active
there standby --epoch 1
start
ok "the pipe runs" barrier
echo nonsense >"$HERE"
send S - wake
wait_until 60 gone "$pusher" || kill "$pusher"
reap "$pusher"
exec 7>&-
is "malformed here while connected: exit 78" "$status" 78

# In the middle of a removal that takes long.
pair
mkdir "$S/many"
(cd "$S/many" && seq 30000 | xargs touch)
here active
there standby
start --max-delete 100%
ok "a large directory" barrier
rm -r "$S/many"
send D d many
fewer()
{
	[ "$(find "$D/many" -type f | wc -l)" -lt 30000 ]
}
wait_until 20 fewer
"$TESTS/link" freeze
there active --epoch 9
sleep 1.1
"$TESTS/link" thaw
stopped "the peer takes over while it is removed there" \
    'peer is active with epoch 9'
ok "... the rest stays" test -e "$D/many"

## What it is all for

# A, active, and B, its standby, are the same.
pair
install_there
seq 1000 >"$S/log"
mkdir "$S/dir"
echo 1 >"$S/dir/one"
ln "$S/dir/one" "$S/dir/two"
ln -s dir "$S/link"
here active
there standby
watch_here()
{
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	spawn -o "$T/pipe" -e "$T/watch.err" ha-watch "$S"
	watcher=$pid
	spawn -i "$T/pipe" -o "$T/records" -e "$T/words" \
	    ha-push --ssh-config "$HA_SSH_CONFIG" --status "$T/status" \
	    --peer-role-file "$THERE" "peer:$D"
	pusher=$pid
}
equal()
{
	[ -z "$(differences 2>&1)" ]
}
watch_here
ok "A, active, and B, standby, are mirrored" wait_until 30 equal

# A is cut off, and dies with changes that B has never seen.
"$TESTS/link" down
echo unseen >"$S/unseen"
rm "$S/log"
ok "A is cut off" wait_until 20 in_state CRIT
reap "$watcher" TERM
reap "$pusher" KILL

# B takes over.
there active
echo changed >"$D/dir/one"
echo new >"$D/new"
rm "$D/link"
seq 2000 >"$D/log"
everything >"$T/before"

# A comes back with its old files, its old role, and its pipe.
"$TESTS/link" up
for attempt in first second; do
	watch_here
	stopped "A's $attempt start" \
	    'peer is active with epoch 2 since .*this node is active with epoch 1 since .*nothing is written there.*set standby --epoch 2'
	reap "$watcher"
	ok "... nothing on B has changed" untouched
done

# A's operator does as he is told; B is mirrored to A then, and A can be next.
set_role standby --epoch 2 --reason 'B took over'
watch_here
stopped "A as standby" 'this node is standby with epoch 2'
reap "$watcher"
ok "... nothing on B has changed" untouched
here active
is "A's next epoch is above B's" "$(cut -f 1,2 "$HERE" | tr '\t' ' ')" \
    'active 3'
done_testing
