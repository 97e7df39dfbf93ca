#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-user.t - ha-push where one of both ends is not root.
if [ -z "${HA_SSH_CONFIG-}" ] && unshare --mount true 2>/dev/null; then
	exec "$(dirname "$0")/../with-sshd" --user tester -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
[ -n "${HA_SSH_CONFIG-}" ] ||
    skip_all "another account needs root, and namespaces (no plain chroot)"
. "$(dirname "$0")/../push.sh"
needs setpriv rsync

user=$(id -u tester)
chmod 755 "$T" "$T/bin"

# Trees that both ends may write.
fresh_user()
{
	fresh
	chown "$user" "$S" "$D"
}

## The login is not root's

fresh_user
echo x >"$S/x"
mkdir "$S/d"
echo y >"$S/d/y"
chown 12345:54321 "$S/x"
run push --all -C "$S" "peer:$D"
is "owners can't be set: exit 0" "$status" 0
ok "... the content is there" cmp "$S/d/y" "$D/d/y"
is "... owned by the login" "$(stat -c %u "$D/x")" "$user"
is "... which is said once" "$(grep -ci 'owner' "$T/err")" 1

fresh_user
echo x >"$S/x"
run push --all --chown tester:tester -C "$S" "peer:$D"
is "--chown: exit 0" "$status" 0
is "--chown: the owner" "$(stat -c %U:%G "$D/x")" tester:tester
run push --all --chown ":no'body" -C "$S" "peer:$D"
is "--chown to a group that is not there: exit 78" "$status" 78
like "... the message" "$err" "there is no group no'body there"

fresh
chmod 755 "$D"
echo x >"$S/x"
run push -T 3s --all -C "$S" "peer:$D"
is "peer directory not writable: exit 73" "$status" 73
like "... the message" "$err" "$D"

fresh_user
mkdir -p "$S/locked" "$S/open" "$D/locked"
chmod 555 "$D/locked"
echo 1 >"$S/locked/file"
echo 2 >"$S/open/file"
begin
send R d .
arrived()
{
	cmp -s "$S/open/file" "$D/open/file"
}
ok "a directory of the peer is locked: the others arrive" \
    wait_until 20 arrived
echo 3 >"$S/open/later"
send W f open/later
arrived()
{
	cmp -s "$S/open/later" "$D/open/later"
}
ok "... and later ones" wait_until 20 arrived
ok "... WARN" wait_until 20 said WARN
named()
{
	grep -q "$1" "$T/status"
}
ok "... --status names the path" wait_until 10 named locked/file
chown "$user" "$D/locked"
chmod 755 "$D/locked"
BARRIER_SECONDS=90 ok "... unlocked, it heals" barrier
ok "... the file is there" cmp "$S/locked/file" "$D/locked/file"
ok "... OK" wait_until 10 in_state OK
finish
is "... exit 0" "$status" 0

# The role file of the peer, which the login can't read or write.
THERE=$T/there
role_there()
{
	ha-role set "$@" --file "$THERE" --reason test >"$T/set" 2>&1
}
fresh_user
echo x >"$S/x"
role_there standby
chmod 600 "$THERE"
run push --all --peer-role-file "$THERE" -C "$S" "peer:$D"
is "a role file that the login can't read: exit 77" "$status" 77
like "... the message" "$err" \
    "role file $THERE of peer can't be read there \(permission denied.*--force"
not_ok "... nothing is written" test -e "$D/x"
chmod 644 "$THERE"
HA_STATE_DIR=$T role_here=$T/role
ha-role set active --epoch 6 --reason test >"$T/set" 2>&1
run push --all --peer-role-file "$THERE" -C "$S" "peer:$D"
is "... or can't write: exit 0" "$status" 0
like "... it was not told the epoch" "$err" \
    'warning: .*not told the epoch of this node, 6'
ok "... sent" cmp "$S/x" "$D/x"
rm "$role_here" "$THERE"
HA_STATE_DIR=$T/ha-state

## ha-push itself is not root's

cp "$HA_SSH_DIR/id" "$T/id"
sed "s|$HA_SSH_DIR/id|$T/id|" "$HA_SSH_CONFIG" >"$T/ssh_config"
chown -R "$user" "$T/id" "$HA_RUN_DIR" "$HA_STATE_DIR"
as_user()
{
	run setpriv --reuid "$user" --regid "$user" --clear-groups \
	    ha-push --ssh-config "$T/ssh_config" \
	    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} -T 5s "$@"
}

fresh_user
echo x >"$S/readable"
echo secret >"$S/unreadable"
chmod 600 "$S/unreadable"
as_user --status "$T/ha-state/status" --all -C "$S" "peer:$D"
not_ok "an unreadable file is no success" test "$status" -eq 0
is "... exit 66" "$status" 66
like "... it is named" "$(cat "$T/ha-state/status")" unreadable
ok "... the others arrive" cmp "$S/readable" "$D/readable"
not_ok "... it does not" test -e "$D/unreadable"

fresh_user
echo x >"$S/x"
chmod 700 "$S"
chown 0:0 "$S"
as_user --all -C "$S" "peer:$D"
is "an unreadable source: exit 66" "$status" 66
like "... the message" "$err" "$S.*Permission denied"

# One that can't be read any more, while the pipe runs, is not an empty one.
fresh_user
echo x >"$S/x"
rm -f "$T/in"
mkfifo "$T/in"
: >"$T/acks"
chown "$user" "$T/acks"
spawn -i "$T/in" -o "$T/records" -e "$T/words" setpriv --reuid "$user" \
    --regid "$user" --clear-groups ha-push --ssh-config "$T/ssh_config" \
    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} --acks "$T/acks" "peer:$D"
pusher=$pid
exec 7>"$T/in"
line "$(header)"
send R d .
ok "a source" barrier
chmod 700 "$S"
chown 0:0 "$S"
send R d .
reap "$pusher"
exec 7>&-
is "... that can't be read any more: exit 66" "$status" 66
like "... the message" "$(cat "$T/words")" "$S can't be read: Permission denied"
ok "... nothing is deleted" test -e "$D/x"

HA_RUN_DIR=/proc/none as_user --all -C / "peer:$D"
like "a lock directory that can't be made is named" "$err" '/proc/none'
done_testing
