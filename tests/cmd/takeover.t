#!/bin/sh
# SPDX-License-Identifier: ISC
#
# takeover.t - the link is cut, the standby takes over, the link is back: what
# the old node had not sent by then, or had just sent, changes nothing there.
if [ -z "${HA_PAIR_DIR-}" ] && "$(dirname "$0")/../with-pair" --can; then
	exec "$(dirname "$0")/../with-pair" -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
needs rsync
[ -n "${HA_PAIR_DIR-}" ] || skip_all "two hosts can't be made here"

W1=$HA_PAIR_DIR/web1 W2=$HA_PAIR_DIR/web2

on()
{
	timeout -k 5 60 "$TESTS/pair" on "$@"
}

equal()
{
	[ -z "$(rsync -aniHAXc --delete "$W1/srv/www/" "$W2/srv/www/" 2>&1)" ]
}

state_is()
{
	[ "$(sed -n 's/^state	//p' "$W1/run/ha/status")" = "$1" ]
} 2>/dev/null

# All of a tree, its times too.
picture()
{
	(cd "$1" && find . -printf '%p %T@ %s %i\n' | sort && md5sum -- *)
}

set_up()
{
	make -s -C "$TOP" B="$(dirname "$HA_BIN")" DESTDIR="$T/root" install
	for host in web1 web2; do
		cp -a "$T/root/usr/local/." "$HA_PAIR_DIR/$host/usr/local"
		on $host mkdir -p /run/ha /var/lib/ha /root/.ssh /srv/www
	done
	on web1 ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
	sed 's/^/restrict /' "$W1/root/.ssh/id_ed25519.pub" \
	    >"$W2/root/.ssh/authorized_keys"
	sed 's/^/web2 /' "$W2/etc/ssh/ssh_host_ed25519_key.pub" \
	    >"$W1/root/.ssh/known_hosts"
	on web1 ha-role set active --reason 'first set-up' >"$T/role1"
	on web2 ha-role set standby --reason 'first set-up' >"$T/role2"
}

# A mirror of a tree that is equal: OK.
begin()
{
	rm -rf "$W1/srv/www" "$W2/srv/www" "$W1/run/ha/status"
	mkdir -p "$W1/srv/www" "$W2/srv/www"
	echo one >"$W1/srv/www/index"
	echo gone >"$W1/srv/www/gone"
	spawn -o "$T/records" -e "$T/words" "$TESTS/pair" on web1 sh -c "
		ha-watch /srv/www | ha-push --transport $1 \
		    --status /run/ha/status web2:/srv/www"
	pipe=$pid
	ok "$1: a mirror" wait_until 30 equal
	ok "$1: ... OK" wait_until 10 state_is OK
}

# The old node goes on writing; the new one is another node's by now.
take_over()
{
	"$TESTS/pair" cut
	echo old >"$W1/srv/www/index"
	rm "$W1/srv/www/gone"
	echo old >"$W1/srv/www/more"
	head -c 300000 /dev/zero >"$W1/srv/www/large"
	on web2 ha-role set active --reason 'web1 is dead' >"$T/role2"
	echo new >"$W2/srv/www/index"
	picture "$W2/srv/www" >"$T/before"
}

judge()
{
	reap "$pipe"
	is "$1: the pipe ends by itself" "$status" 77
	like "$1: ... and says why" "$(cat "$T/words")" \
	    'web2 is active with epoch .*web1 is dead.*ha-role set standby'
	picture "$W2/srv/www" >"$T/after"
	is "$1: nothing on the new node is changed" \
	    "$(diff "$T/before" "$T/after")" ''
	on web2 ha-role set standby --reason 'the next round' >"$T/role2"
	on web1 ha-role set active \
	    --epoch $(($(cut -f 2 "$T/role2") + 1)) --reason 'the next round' \
	    >"$T/role1"
}

set_up
for transport in libssh2 ssh; do
	begin $transport
	take_over
	"$TESTS/pair" heal
	judge "$transport, the link is back at once"
	begin $transport
	take_over
	ok "$transport: the lost link is a CRIT" wait_until 90 state_is CRIT
	"$TESTS/pair" heal
	judge "$transport, the link is back later"
done
done_testing
