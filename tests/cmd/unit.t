#!/bin/sh
# SPDX-License-Identifier: ISC
#
# unit.t - the unit under a real systemd, with all that it is forbidden there.
if [ -z "${HA_PAIR_DIR-}" ] &&
    "$(dirname "$0")/../with-pair" --systemd --can; then
	exec "$(dirname "$0")/../with-pair" --systemd -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
needs rsync make systemctl
[ -n "${HA_PAIR_DIR-}" ] || skip_all "hosts with systemd can't be made here"

W1=$HA_PAIR_DIR/web1 W2=$HA_PAIR_DIR/web2

on()
{
	timeout -k 5 120 "$TESTS/pair" on "$@"
}

# The state of systemd itself, of a unit, of a pipe.
booted()
{
	[ "$(on web1 systemctl is-system-running 2>/dev/null)" = running ]
}

property()
{
	on web1 systemctl show --value -p "$2" "ha-push@$1"
}

has()
{
	[ "$(property "$1" "$2")" = "$3" ]
}

logged()
{
	on web1 journalctl -u ha-push@www | grep -q "$1"
}

state_is()
{
	[ "$(sed -n 's/^state	//p' "$W1/run/ha/push-$1.status")" = "$2" ]
} 2>/dev/null

mirrored()
{
	[ -z "$(rsync -aniHAXc --numeric-ids --delete "$W1/$1/" \
	    "$W2/srv/$2/" 2>&1)" ]
}

# configure NAME SOURCE HOST; LeakSanitizer would need ptrace(2).
configure()
{
	mkdir -p "$W1/$2" "$W2/srv/$1"
	printf '%s\n' "SOURCE=/$2" "TARGET=$3:/srv/$1" 'WATCH_OPTIONS=' \
	    'PUSH_OPTIONS="--ssh-config /etc/ha/ssh_config"' \
	    "ASAN_OPTIONS=${ASAN_OPTIONS-}:detect_leaks=0" \
	    >"$W1/etc/ha/push-$1.conf"
}

wait_until 30 booted || skip_all "systemd does not run in a namespace here"

env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$TOP" \
    B="$(echo "${HA_BIN%/bin}" | sed "s|^$TOP/||")" \
    DESTDIR="$T/dest" PREFIX=/usr/local install || exit
cp -a "$T/dest/usr/local/." "$W1/usr/local/"
mkdir -p "$W1/etc/ha"
ssh-keygen -q -t ed25519 -N '' -f "$W1/etc/ha/id"
install -d -m 700 "$W2/root/.ssh"
cp "$W1/etc/ha/id.pub" "$W2/root/.ssh/authorized_keys"
sed 's/^/web2 /' "$W2/etc/ssh/ssh_host_ed25519_key.pub" \
    >"$W1/etc/ha/known_hosts"
cat >"$W1/etc/ha/ssh_config" <<'END'
Host jump
	ProxyCommand ssh -F /etc/ha/ssh_config -W %h:%p web2
Host *
	HostName web2
	User root
	IdentityFile /etc/ha/id
	IdentitiesOnly yes
	UserKnownHostsFile /etc/ha/known_hosts
	StrictHostKeyChecking yes
	BatchMode yes
END

configure www srv/www web2
echo secret >"$W1/srv/www/secret"
chown 1234:1234 "$W1/srv/www/secret"
chmod 600 "$W1/srv/www/secret"
configure home home/alice jump
mkdir "$W1/home/alice/mail"
echo mail >"$W1/home/alice/mail/1"
chown -R 4321:4321 "$W1/home/alice"
chmod -R go-rwx "$W1/home/alice"

on web1 systemctl daemon-reload
for name in www home; do
	exits "$name: systemctl start" 0 on web1 systemctl start "ha-push@$name"
	ok "$name: OK" wait_until 30 state_is $name OK
	unlike "$name: everything is watched" \
	    "$(cat "$W1/run/ha/push-$name.status")" '^unwatched'
done
ok "www: others' files arrive" wait_until 30 mirrored srv/www www
ok "home: through a jump host, too" wait_until 30 mirrored home/alice home
mkdir "$W1/srv/www/d"
echo x >"$W1/srv/www/d/x"
ln "$W1/srv/www/d/x" "$W1/srv/www/d/y"
echo y >"$W1/home/alice/mail/2"
rm "$W1/home/alice/mail/1"
ok "www: what changes arrives" wait_until 30 mirrored srv/www www
ok "home: what changes arrives" wait_until 30 mirrored home/alice home
is "anybody may read the state" \
    "$(stat -c %a "$W1/run/ha/push-www.status")" 644
ok "the state directory" test -d "$W1/var/lib/ha"

on web1 sh -c "kill -KILL $(on web1 systemctl show --value -p MainPID \
    ha-push@home)"
ok "killed: it starts again" wait_until 30 has home NRestarts 1
on web1 systemctl kill --signal=KILL --kill-whom=all ha-push@www
ok "all of it killed: it starts again" wait_until 30 has www NRestarts 1
echo z >"$W1/srv/www/z"
ok "... and mirrors" wait_until 30 mirrored srv/www www

exits "systemctl stop" 0 on web1 systemctl stop ha-push@www
is "... is no failure" "$(property www Result)" success

if command -v ha-role >/dev/null; then
	on web1 ha-role set active --reason test >"$T/role"
	on web1 systemctl start ha-push@www
	ok "active: it runs" wait_until 30 has www ActiveState active
	on web1 ha-role set standby --reason test >"$T/role"
	echo late >"$W1/srv/www/late"
	ok "standby: it ends" wait_until 60 has www ActiveState failed
	is "... with 77" "$(property www ExecMainStatus)" 77
	exits "standby: systemctl start" 0 on web1 systemctl start ha-push@www
	ok "... skips it" wait_until 30 logged exec-condition
	is "... is no failure" "$(property www ActiveState)" inactive
else
	skip "roles" "there is no ha-role yet"
fi
done_testing
