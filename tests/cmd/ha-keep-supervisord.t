#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-keep-supervisord.t - the same programs below a real supervisord and below
# ha-keep: what the one does, the other does, and where they differ.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../keep.sh"
needs supervisord supervisorctl

# Each gets the word that tells whose it is, and appends it when it starts.
program()
{
	cat >"$T/$1"
	chmod 755 "$T/$1"
}
program crashes <<END
#!/bin/sh
echo x >>$T/crashes.\$1
exit 3
END
program finishes <<END
#!/bin/sh
echo x >>$T/finishes.\$1
[ "\$(wc -l <$T/finishes.\$1)" -lt 3 ]
END
program stays <<END
#!/bin/sh
echo x >>$T/stays.\$1
exec sleep 4040\$1
END
# A group, a stubborn one, and a daemon that has left the group.
program family <<END
#!/bin/sh
trap '' TERM
sh -c 'sleep 4041\$0; sleep 4041\$0' \$1 &
setsid sleep 4042\$1 &
echo x >>$T/family.\$1
while :; do sleep 4043\$1; done
END

cat >"$T/conf" <<END
[supervisord]
nodaemon=true
user=$(id -un)
logfile=$T/log
pidfile=$T/pid
childlogdir=$T
directory=$T
[unix_http_server]
file=$T/sock
[supervisorctl]
serverurl=unix://$T/sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[program:crashes]
command=$T/crashes 1
startsecs=1
startretries=2
[program:finishes]
command=$T/finishes 1
startsecs=0
autorestart=unexpected
exitcodes=1
[program:stays]
command=$T/stays 1
autorestart=true
startsecs=0
[program:family]
command=$T/family 1
startsecs=0
stopasgroup=true
killasgroup=true
stopwaitsecs=1
END
spawn -o "$T/supervisord.out" -e "$T/supervisord.err" \
    supervisord -n -c "$T/conf"
supervisord=$pid

ctl()
{
	supervisorctl -c "$T/conf" "$@"
}
in_state()
{
	ctl status "$1" 2>/dev/null | grep -Eq "^$1 +$2( |\$)"
}

keep crashes --backoff 200ms --healthy 1s -l 2/1m -- "$T/crashes" 2
crashes=$pid
keep finishes --backoff 1ms --done 1 -- "$T/finishes" 2
finishes=$pid
keep stays -- "$T/stays" 2
stays=$pid
keep family --grace 1s -- "$T/family" 2
family=$pid

## A crash loop

reap "$crashes"
is "a crash loop: ha-keep gives up" "$status" 75
ok "... so does supervisord" wait_until 30 in_state crashes FATAL
is "... after as many starts" "$(starts "$T/crashes.2")" \
    "$(starts "$T/crashes.1")"
is "... which are three" "$(starts "$T/crashes.2")" 3

## An end that is one

reap "$finishes"
is "the last exit status: ha-keep has it" "$status" 1
ok "... supervisord: EXITED" wait_until 30 in_state finishes EXITED
is "... after as many starts" "$(starts "$T/finishes.2")" \
    "$(starts "$T/finishes.1")"

## One that is killed

for i in 1 2; do
	ok "$i: one that stays" wait_until 20 runs 4040$i
	kill -KILL "$(marked 4040$i)"
	ok "... and is killed is started again" \
	    wait_until 20 started "$T/stays.$i" 2
done
ctl stop stays >"$T/ctl" 2>&1
ok "supervisorctl stop" wait_until 10 gone 40401
ok "... it is stopped" in_state stays STOPPED
exits "ha-keep --stop" 0 ha-keep --stop stays
ok "... the same" gone 40402
reap "$stays"

## A family

for i in 1 2; do
	for number in 4041 4042 4043; do
		ok "$i: a family: $number" wait_until 20 runs $number$i
	done
done
ctl stop family >"$T/ctl" 2>&1
ok "supervisorctl stop: who ignores SIGTERM is killed" \
    wait_until 20 gone 40431
ok "... and who is in its group" gone 40411
exits "ha-keep --stop" 0 ha-keep --stop family
ok "... who ignores SIGTERM is killed" gone 40432
ok "... and who is in its group" gone 40412
ok "... and its daemon, too" gone 40422
reap "$family"
ok "of supervisord's the daemon lives on" runs 40421
for process in $(marked 40421); do
	kill -KILL "$process"
done
is "... as often as it was started" "$(starts "$T/family.1")" 1

reap "$supervisord" TERM
ok "nothing is left" gone 40401
done_testing
