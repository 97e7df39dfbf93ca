#!/bin/sh
# SPDX-License-Identifier: ISC
#
# readme.t - do on two hosts what README tells to do, with its own words.
if [ -z "${HA_PAIR_DIR-}" ] && "$(dirname "$0")/../with-pair" --can; then
	exec "$(dirname "$0")/../with-pair" -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../readme.sh"
if [ -z "${HA_PAIR_DIR-}" ]; then
	[ "${CI-}" != true ] || exit 1
	skip_all "two hosts can't be made here"
fi
needs rsync perl make monit

section='A real pair in five minutes'

## Conditions

differ()
{
	rsync -aniHAXc --numeric-ids --delete "$W1/srv/www/" "$W2/srv/www/"
}

mirrored()
{
	[ -z "$(differ 2>&1)" ]
}

state_is()
{
	[ "$(sed -n 's/^state	//p' "$W1/run/ha/push-www.status")" = "$1" ]
} 2>/dev/null

unit_is()
{
	[ "$(on "${2:-web1}" systemctl is-active ha-push@www)" = "$1" ]
}

journal()
{
	on web1 journalctl -u ha-push@www
}

logged()
{
	journal | grep -q "$1"
}

another_pusher()
{
	now=$(on web1 pidof ha-push) && [ "$now" != "$pusher" ]
}

epoch_is()
{
	[ "$(cut -f 2 "$W2/var/lib/ha/role")" = "$1" ]
} 2>/dev/null

## cron

has_check()
{
	ha-push --dump-options | cut -f 2 | grep -qx check
}

# cron_check DESC ERE: what the line with --check mails
cron_check()
{
	has_check || {
		skip "$1" "ha-push has no --check yet"
		return
	}
	cron_job 1 ha-push
	like "$1" "$mail" "$2"
}

## The two hosts, as they are before

install_on_both
for host in "$W1" "$W2"; do
	cp "$TESTS/systemctl" "$host/usr/local/bin/systemctl"
	cp "$TESTS/systemctl" "$host/usr/local/bin/journalctl"
done
mkdir -p "$W1/srv/www/img" "$W2/srv/www"
echo hello >"$W1/srv/www/index.html"
echo picture >"$W1/srv/www/img/a.jpg"
ln "$W1/srv/www/img/a.jpg" "$W1/srv/www/img/b.jpg"
echo stale >"$W2/srv/www/stale.html"

## A real pair in five minutes

step 1 1
is "1: a key" "$status" 0
line=$(tail -n 1 "$T/out")
like "1: the line to paste" "$line" '^restrict ssh-ed25519 [^ ]+ ha-push$'

echo "$line" >"$T/paste"
type_block 2 1 <"$T/paste"
is "2: let it in" "$status" 0
is "2: only that line was added" "$(cat "$W2/root/.ssh/authorized_keys")" \
    "$line"
theirs=$(awk '{ print $2 }' "$T/out")
like "2: a fingerprint" "$theirs" '^SHA256:'

step 3 1
is "3: know the host" "$status" 0
is "3: the fingerprints are equal" \
    "$(awk '/SHA256/ { print $2 }' "$T/out")" "$theirs"
like "3: the login works" "$out" '^good$'

block 4 1 >"$T/commands"
is "4: two commands" "$(grep -c . "$T/commands")" 2
run "$TESTS/pair" on web1 sh -c "$(sed -n 1p "$T/commands")"
is "4: look first" "$status" 0
like "4: it names what would appear" "$out" '^C.*index\.html'
like "4: it names what would be deleted" "$out" '^D.*stale\.html'
is "4: it did nothing" "$(ls "$W2/srv/www")" stale.html
run "$TESTS/pair" on web1 sh -c "$(sed -n 2p "$T/commands")"
is "4: then send" "$status" 0
is "4: without a word" "$out$err" ''
ok "4: web2 has it" mirrored

step 5 1
is "5: keep it so" "$status" 0
is "5: without a word" "$err" ''
ok "5: it runs" unit_is active
ok "5: the state becomes OK" wait_until 30 state_is OK
ok "5: the state directory" test -d "$W1/var/lib/ha"
echo more >"$W1/srv/www/new.html"
echo changed >"$W1/srv/www/index.html"
mv "$W1/srv/www/img" "$W1/srv/www/pictures"
rm "$W1/srv/www/pictures/b.jpg"
ok "5: what changes arrives" wait_until 30 mirrored
on web1 rm -r /srv/www/pictures
on web1 touch /srv/www/later
ok "5: and what is deleted goes" wait_until 30 mirrored

ok "6: all is well" wait_until 30 state_is OK
step 6 1
is "6: look at it" "$status" 0
like "6: OK or not" "$out" '^state	OK$'
like "6: what waits" "$out" '^perf	.*waiting='
unlike "6: no path fails" "$out" '^failing'

## Cron and monit tell

block 7 1 >"$W1/etc/cron.d/ha-push"
cron_check "7: cron, all is well: no mail" '^$'
cron_job 2 ha-push
is "7: cron, every byte is the same: no mail" "$mail" ''
echo CHANGED >"$T/same-length"
touch -r "$W2/srv/www/index.html" "$T/same-length"
cat "$T/same-length" >"$W2/srv/www/index.html"
touch -r "$T/same-length" "$W2/srv/www/index.html"
cron_job 2 ha-push
like "7: cron, a byte differs: it is named" "$mail" 'index\.html'
touch "$W1/srv/www/index.html"
ok "7: sent again, it is the same" wait_until 30 mirrored

# It stands below the PATH of the file that it goes to.
{
	grep '^PATH=' "$W1/etc/cron.d/ha-push"
	block 7 2
} >"$W1/etc/cron.d/ha-push-daily"
cron_job 1 ha-push-daily
is "7: a daily run beside the service: 75" "$status" 75
like "... says what holds the lock" "$mail" 'another ha-push'
on web1 systemctl stop ha-push@www
echo today >"$W1/srv/www/today"
cron_job 1 ha-push-daily
is "7: a daily run without the service" "$status" 0
is "... no mail" "$mail" ''
ok "... it mirrors" mirrored

## The service, as systemd runs it

on web1 systemctl start ha-push@www
ok "it starts again" wait_until 30 state_is OK
watcher=$(on web1 pidof ha-watch)
on web1 sh -c "kill -KILL $watcher"
another_watcher()
{
	now=$(on web1 pidof ha-watch) && [ "$now" != "$watcher" ]
}
ok "ha-watch is killed: the service starts again" \
    wait_until 30 another_watcher
ok "... as the pipe ended with 75" logged 'exited, status=75'
echo again >"$W1/srv/www/again"
ok "... it mirrors" wait_until 30 mirrored

## The link is cut: packets vanish

"$TESTS/pair" cut
echo cut >"$W1/srv/www/cut"
ok "cut: CRIT" wait_until 120 state_is CRIT
cron_check "cut: cron mails" CRIT
cron_job 2 ha-push
not_ok "cut: the nightly comparison fails" test "$status" -eq 0
like "... cron mails" "$mail" 'web2'
not_ok "cut: nothing arrived" test -e "$W2/srv/www/cut"
"$TESTS/pair" heal
ok "healed: it arrives" wait_until 120 mirrored
ok "healed: OK" wait_until 60 state_is OK
cron_check "healed: no mail" '^$'

## monit

if has_check; then
	# The snippet has the full path of systemd's.
	on web1 mount --bind /usr/local/bin/systemctl /bin/systemctl
	start_monit
	step 7 3
	is "monit: the snippet is right" "$status" 0
	like "monit: it says so" "$out" 'Control file syntax OK'
	ok "monit: OK" wait_until 60 monit_says ha-push-www 'status +OK$'
	pusher=$(on web1 pidof ha-push)
	on web2 sh -c "kill -KILL $(on web2 pidof sshd)"
	ok "sshd of web2 is dead, monit: failed" \
	    wait_until 60 monit_says ha-push-www 'status +Status failed$'
	like "monit: its log has the reason" "$(cat "$W1/var/log/monit.log")" \
	    "'ha-push-www' status failed .2. -- HA-PUSH CRIT.*web2"
	ok "monit: it restarts the unit" wait_until 90 another_pusher
	on web2 /usr/sbin/sshd
	ok "sshd of web2 is back, monit: OK" \
	    wait_until 120 monit_says ha-push-www 'status +OK$'
else
	skip "monit" "ha-push has no --check yet"
fi

## Who writes, and when web1 is dead

if command -v ha-role >/dev/null; then
	step 8 1 web1
	is "8: web1 is active" "$(cut -f 1,2 "$W1/var/lib/ha/role")" "active	1"
	step 8 2 web2
	like "8: web2 is standby" "$(cat "$W2/var/lib/ha/role")" '^standby	'
	echo both >"$W1/srv/www/both"
	ok "8: it mirrors" wait_until 30 mirrored
	ok "8: web2 knows the epoch" wait_until 30 epoch_is 1
	on web1 systemctl stop ha-push@www
	echo old >"$W1/srv/www/index.html"
	step "When web1 is dead" 1 web2
	is "web1 is dead: web2 is active" "$status" 0
	ok "... with a higher epoch" epoch_is 2
	echo new >"$W2/srv/www/index.html"
	ls -lR --time-style=full-iso "$W2/srv/www" >"$T/before"
	on web1 systemctl start ha-push@www
	ok "web1 is back: its service ends" wait_until 60 unit_is failed
	ok "... the pipe ended with 77" logged 'exited, status=77'
	ls -lR --time-style=full-iso "$W2/srv/www" >"$T/after"
	is "... on web2 nothing was changed" \
	    "$(diff "$T/before" "$T/after")" ''
	is "... it keeps its file" "$(cat "$W2/srv/www/index.html")" new
	make_standby='ha-role set standby .* --reason '
	command=$(journal | sed -n "s/.*\($make_standby\)WORDS.*/\1web2/p" |
	    tail -n 1)
	like "... the journal has the command" "$command" "^$make_standby"
	run "$TESTS/pair" on web1 sh -c "$command"
	is "it makes web1 the standby" "$status" 0
	like "... it says so" "$out" '^standby	2	'
	run "$TESTS/pair" on web1 systemctl start ha-push@www
	is "on a standby the service is no failure" "$status" 0
	ok "... and does not start" unit_is inactive
	on web2 rm /var/lib/ha/role
	on web1 rm /var/lib/ha/role
else
	skip "roles" "there is no ha-role yet"
	on web1 systemctl stop ha-push@www
fi

## What each command does

# The account's own configuration stands for --ssh-config.
section='What each command does'
block "\`ha-push HOST:DIR\`" 1 >"$T/lines"
mkdir -p "$W1/root/.ssh"
echo 'Include /etc/ha/ssh_config' >"$W1/root/.ssh/config"
echo new >"$W1/srv/www/new.jpg"
echo new >"$W1/srv/www/new.txt"
run "$TESTS/pair" on web1 sh -c "cd /srv/www; $(sed -n 1p "$T/lines")"
is "find | ha-push -0" "$status" 0
ok "... these" test -e "$W2/srv/www/new.jpg"
not_ok "... only" test -e "$W2/srv/www/new.txt"
spawn -o "$T/look" "$TESTS/pair" on web1 sh -c "$(sed -n 2p "$T/lines")"
looked()
{
	grep -q "$1" "$T/look"
} 2>/dev/null
ok "ha-watch: it begins with all" wait_until 30 looked '^R	d	[0-9]*	\.	'
echo look >"$W1/srv/www/look"
ok "ha-watch: it tells" wait_until 30 looked '^W	f	[0-9]*	look	'
done_testing
