#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-keep-callers.t - ha-keep below a service manager, cron and monit.
# shellcheck disable=SC2016 # of other shells
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../keep.sh"

## What a service manager is told, by sd_notify(3)'s protocol

# listen NAME ADDRESS: each datagram's lines in $T/NAME.told, by $listener.
listen()
{
	perl -MSocket -MIO::Handle -e '
		my ($address, $ready) = @ARGV;
		$address =~ s/^\@/\0/;
		socket(my $s, AF_UNIX, SOCK_DGRAM, 0) or die $!;
		bind($s, pack_sockaddr_un($address)) or die $!;
		open(my $f, ">", $ready) or die $!;
		close($f);
		STDOUT->autoflush(1);
		while (defined(recv($s, my $text, 4096, 0))) {
			print "$text\n";
		}' "$2" "$T/$1.ready" >"$T/$1.told" 2>"$T/$1.died" &
	listener=$!
	tap_spawned="$tap_spawned $listener"
	wait_until 10 test -e "$T/$1.ready"
}

heard()
{
	grep -Eq -e "$2" "$T/$1.told"
}

for address in "$T/notify" "@ha-keep-test-$$"; do
	listen manager "$address"
	spawn -e "$T/n.err" env NOTIFY_SOCKET="$address" \
	    WATCHDOG_USEC=$((slow * 100000)) ha-keep --name n --backoff 0 -- \
	    sh -c 'env >"$0"; exec sleep 40301' "$T/n.env"
	k=$pid
	ok "a manager at ${address%%[!@/]*}...: READY" \
	    wait_until 10 heard manager '^READY=1$'
	ok "... STATUS" wait_until 10 heard manager \
	    '^STATUS=process [0-9]+ has run'
	ok "... WATCHDOG" wait_until 10 heard manager '^WATCHDOG=1$'
	unlike "... nothing of it is the command's" "$(cat "$T/n.env")" \
	    '^(NOTIFY_SOCKET|WATCHDOG_)'
	like "... whose environment has a mark" "$(cat "$T/n.env")" \
	    '^HA_KEEP_ID=[0-9a-f]{32}$'
	kill -KILL "$(marked 40301)"
	ok "... of an end, too" wait_until 10 heard manager \
	    '^STATUS=.* has run for .*: it was ended by SIGKILL after'
	is "... READY once" "$(grep -c READY=1 "$T/manager.told")" 1
	reap "$k" TERM
	is "... 0" "$status" 0
	ok "... STOPPING" wait_until 10 heard manager '^STOPPING=1$'
	reap "$listener" KILL
	rm "$T"/manager.*
done
exits "a manager that is gone: no harm" 3 env NOTIFY_SOCKET="$T/notify" \
    ha-keep --name n --done 3 -- sh -c 'exit 3'
exits "no address: 125" 125 env NOTIFY_SOCKET=nowhere ha-keep --name n -- true
like "... in words" "$err" 'NOTIFY_SOCKET is no address'
listen other "$T/other"
spawn -e "$T/n.err" env NOTIFY_SOCKET="$T/other" WATCHDOG_USEC=100000 \
    WATCHDOG_PID=1 ha-keep --name n -- sleep 40301
k=$pid
ok "a watchdog of another process" wait_until 10 heard other READY
stopped n "$k"
ok "... ended" wait_until 10 heard other STOPPING
unlike "... is not fed" "$(cat "$T/other.told")" WATCHDOG
listen failed "$T/failed"
exits "what can't be started: 127" 127 env NOTIFY_SOCKET="$T/failed" \
    ha-keep --name n -- /nonexistent
is "... is never READY" "$(cat "$T/failed.told")" ''
ha-keep --stop n 2>"$T/stop.err"

## Cron: the shipped lines

mkdir "$T/bin"
ln -s "$HA_BIN/ha-keep" "$T/bin"
printf '#!/bin/sh\necho ready\nexec sleep 40302\n' >"$T/bin/api"
# What it logs, with its tag; there is no journal here.
printf '#!/bin/sh\nsed -u "s/^/$2: /" >>"%s"\n' "$T/journal" >"$T/bin/logger"
chmod 755 "$T/bin/api" "$T/bin/logger"
cron=$TOP/cmd/ha-keep/ha-keep.cron
# cron_line ERE: what cron gives to the shell.
cron_line()
{
	grep -E "$1" "$cron" | sed "s/^\(@reboot\|\([^ ]* \)\{5\}\) *root //
		s/^@reboot root //; s|/usr/local/bin/|$T/bin/|"
}
cron_env()
{
	env -i HOME=/ LOGNAME=root SHELL=/bin/sh \
	    PATH="$T/bin:/usr/bin:/bin" HA_RUN_DIR="$HA_RUN_DIR" T="$T" \
	    ${ASAN_OPTIONS+"ASAN_OPTIONS=$ASAN_OPTIONS"} \
	    /bin/sh -c "cd /; $1" </dev/null
}
is "ha-keep.cron: one @reboot" "$(cron_line '^@reboot' | wc -l)" 1
cron_env "$(cron_line '^@reboot')" >"$T/cron.out" 2>"$T/cron.err" &
job=$!
ok "@reboot: the command runs" wait_until 10 runs 40302
ok "... what it says is logged" wait_until 10 grep -qx 'api: ready' "$T/journal"
run cron_env "$(cron_line '^[*]/5')"
is "the check: 0" "$status" 0
is "... no mail" "$out$err" ''
kill -KILL "$(marked 40302)"
ok "killed: it runs again" wait_until 10 runs 40302
run cron_env "$(cron_line '^[*]/5')"
like "the check: a mail" "$out" '^WARN +keep:api .*SIGKILL'
ha-keep --stop api 2>"$T/stop.err"
wait $job
is "... its stop ends the job" "$(cat "$T/cron.out" "$T/cron.err")" ''
like "... and is logged" "$(cat "$T/journal")" '^api: ha-keep: api: stopped: it'
run cron_env "$(cron_line '^[*]/5')"
is "nothing is kept: 3" "$status" 3
like "... a mail" "$err" 'no keeper runs here'
like "ha-keep.1 has the check" "$(cat "$TOP/man/ha-keep.1")" \
    "^\\.Dl $(cron_line '^[*]/5' | sed 's/.*/[^a-z]*&$/')"

## Monit: the shipped snippet

if command -v monit >/dev/null; then
	cat >"$T/monitrc" <<-END
		set daemon 1
		set log $T/log
		set idfile $T/id
		set statefile $T/state
		set pidfile $T/pid
		set httpd unixsocket $T/socket
		    allow localhost
	END
	chmod 600 "$T/monitrc"
	sed "s|/usr/local/bin/|$T/bin/|" "$TOP/cmd/ha-keep/ha-keep.monit" \
	    >>"$T/monitrc"
	state_in_monit()
	{
		monit -B -c "$T/monitrc" status ha-keep-api 2>/dev/null |
		    grep -Eq "^  status +$1\$"
	}
	exits "monit -t" 0 monit -t -c "$T/monitrc"
	keep api -- sleep 40303
	k=$pid
	wait_until 10 state_is api OK
	spawn -e "$T/monit.err" monit -I -c "$T/monitrc"
	monit=$pid
	ok "monit: OK" wait_until 20 state_in_monit OK
	like "... in our words" "$(monit -B -c "$T/monitrc" status \
	    ha-keep-api)" 'keep:api OK - process [0-9]+ has run for'
	kill -KILL "$(below "$k")" "$k"
	reap "$k"
	ok "the keeper is killed, monit: failed" wait_until 20 \
	    state_in_monit 'Status failed'
	like "... in our words" "$(cat "$T/log")" \
	    'keep:api CRIT - the keeper is gone: process'
	keep api -- sleep 40303
	k=$pid
	ok "a new one: OK" wait_until 20 state_in_monit OK
	stopped api "$k"
	reap "$monit" TERM
else
	[ "${CI-}" != true ] || exit 1
	skip "monit" "monit is not installed (make deps)"
fi
done_testing
