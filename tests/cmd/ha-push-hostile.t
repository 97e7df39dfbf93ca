#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-hostile.t - a peer and a network that fail in every way but to end:
# each time ha-push says so, goes on, and the trees become equal.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
. "$(dirname "$0")/../hostile.sh"
needs rsync perl

words()
{
	grep -Eq "$1" "$T/words" "$T/records"
}

## MaxSessions 1

arena
mkdir "$S/d"
echo x >"$S/d/x"
echo y >"$S/y"
serve 'MaxSessions 1'
begin -v
send R d .
ok "MaxSessions 1: a tree" barrier
for i in 1 2 3; do
	echo $i >"$S/d/$i"
	send W f "d/$i"
	ok "MaxSessions 1: a file" barrier
done
rm "$S/d/1" "$S/y"
mv "$S/d/x" "$S/x"
echo z >"$S/z"
send D f d/1
send D f y
send M f d/x x
send W f z
ok "MaxSessions 1: removals, a rename and a file in one batch" barrier
ok "MaxSessions 1: OK" wait_until 10 in_state OK
sound "MaxSessions 1" 1
is "MaxSessions 1: said once" "$(grep -c 'one channel' "$T/words")" 1
finish
is "MaxSessions 1: exit 0" "$status" 0
echo more >"$S/more"
run push -n --all -C "$S" "peer:$D"
is "MaxSessions 1: -n --all" "$status" 0
like "... names the file" "$out" more
exits "MaxSessions 1: --all --fsync" 0 push --all --fsync -C "$S" "peer:$D"
ok "... brings it" same
serve

done_testing
