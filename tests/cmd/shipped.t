#!/bin/sh
# SPDX-License-Identifier: ISC
#
# shipped.t - what is installed beside the commands, and that it goes again.
. "$(dirname "$0")/../tap.sh"

# As a user types it: nothing of the make that may run this test.
install_into()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES \
	    make -s -C "$TOP" B="$build" DESTDIR="$T/dest" "$@"
}

installed()
{
	(cd "$T/dest" && find . -type f -perm "$1" | sort)
}

build=${HA_BIN%/bin}
build=${build#"$TOP"/}

exits "make install" 0 install_into install
units=$T/dest/usr/local/lib/systemd/system
unit=$units/ha-push@.service
doc=$T/dest/usr/local/share/doc/ha-utils
is "only the commands can be executed" "$(installed -100)" \
    "$(cd "$HA_BIN" && printf './usr/local/bin/%s\n' *)"
ok "a unit" test -s "$unit"
ok "... of the heartbeat" test -s "$units/ha-repl-heartbeat.service"
for command in ha-push ha-probe ha-stat ha-keep ha-alert ha-repl; do
	ok "a crontab of $command" test -s "$doc/examples/$command.cron"
	ok "a snippet for monit" test -s "$doc/examples/$command.monit"
	is "... to be read by all" \
	    "$(stat -c %a "$doc/examples/$command".*)" '644
644'
done
ok "a crontab of ha-gate" test -s "$doc/examples/ha-gate.cron"
ok "... a snippet for monit" test -s "$doc/examples/ha-gate.monit"
ok "... rules" test -s "$doc/examples/rules.example"
ok "a crontab of ha-act" test -s "$doc/examples/ha-act.cron"
ok "an alert.conf" test -s "$doc/examples/alert.conf.example"
ok "a targets file" test -s "$doc/examples/targets.example"
ok "a repl.conf" test -s "$doc/examples/repl.conf.example"
for command in "$HA_BIN"/*; do
	ok "a page for ${command##*/}" \
	    test -s "$T/dest/usr/local/share/man/man1/${command##*/}.1"
done
exits "make install PREFIX=/usr" 0 install_into install PREFIX=/usr
exits "make uninstall PREFIX=/usr" 0 install_into uninstall PREFIX=/usr
is "... takes away its files" "$(installed -000 | grep -v /usr/local/)" ''
ok "... and no others" test -s "$unit"

if command -v systemd-analyze >/dev/null; then
	for each in "$units"/*.service; do
		exits "systemd-analyze verify: ${each##*/}" 0 \
		    systemd-analyze verify --man=no "$each"
		is "... without a word" "$err" ''
		run systemd-analyze security --offline=true --no-pager \
		    --threshold=21 "$each"
		is "systemd-analyze security: 2.1 or better" "$status" 0
	done
else
	[ "${CI-}" != true ] || exit 1
	skip "systemd-analyze" "systemd is not installed (make deps)"
fi

# Monit takes what was installed, where it was.
if command -v monit >/dev/null; then
	for file in "$doc/examples"/*.monit; do
		sed "s|/usr/local/|$T/dest&|; s|/bin/systemctl|/bin/true|" \
		    "$file" >"$T/monitrc"
		chmod 600 "$T/monitrc"
		exits "monit -t: ${file##*/}" 0 env HOME="$T" \
		    monit -t -c "$T/monitrc"
		is "... without a word" "$err" ''
	done
else
	[ "${CI-}" != true ] || exit 1
	skip "monit" "monit is not installed (make deps)"
fi

# What cron knows: five fields, a user, a command that is installed.
for file in "$doc/examples"/*.cron; do
	grep '^#\{0,1\}[0-9*][0-9*/,-]* ' "$file" | sed 's/^#//' >"$T/jobs"
	ok "${file##*/} has jobs" test -s "$T/jobs"
	is "... for a user, with a program" "$(grep -cEv \
	    '^([0-9*/,-]+ ){5}(root|nobody) (out=\$\()?(ha-[a-z]+|rsync) ' \
	    "$T/jobs")" 0
	unlike "... without %" "$(cat "$T/jobs")" '%'
	like "... for a PATH with /usr/local/bin" "$(cat "$file")" \
	    '^PATH=(/usr/local/sbin:)?/usr/local/bin:/usr/s?bin:'
done

# README shows the lines of the crontab; they must not part.
grep -v '^#\|^$\|^MAILTO' "$doc/examples/ha-push.cron" >"$T/cron"
is "README has the same lines for cron" \
    "$(grep -cxFf "$T/cron" "$TOP/README.md")" "$(grep -c . "$T/cron")"

echo mine >"$doc/examples/mine"
exits "make uninstall" 0 install_into uninstall
is "... leaves nothing but what others put there" "$(installed -000)" \
    ./usr/local/share/doc/ha-utils/examples/mine
rm "$doc/examples/mine"
exits "make uninstall, again" 0 install_into uninstall
is "... and no directory of its own" "$(find "$T/dest" -name 'ha-*')" ''
done_testing
