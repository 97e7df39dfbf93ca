#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-alert.t - what is taken: records, words, what monit and Nagios say; and
# what a person asks of it.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../alert.sh"
needs perl

TIME='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z'
INCIDENT='[0-9]{8}T[0-9]{4}Z-[0-9a-f]{16}'

# From stdin, with these options.
give()
{
	run "$@" <"$T/in"
}

# All lines that are in new/.
taken()
{
	for file in "$SPOOL"/new/*; do
		[ ! -e "$file" ] || grep -v '^#' "$file"
	done
}

files()
{
	find "$SPOOL/new" -type f | wc -l
}

empty()
{
	rm -rf "$SPOOL"
}

conf "channel a file path=$T/a" "channel b exec command=/bin/false"

## Records

{
	transition problem 1 nginx
	transition recovery 1 nginx OK
} >"$T/in"
give ha-alert a b a
is "two records: exit 0" "$status" 0
is "... without a word" "$out$err" ''
is "... one file" "$(files)" 1
is "... which nobody else can read" "$(stat -c %a "$SPOOL"/new/* "$SPOOL")" \
    '600
700'
is "... as they came" "$(taken)" "$(cat "$T/in")"
is "... for each channel once" \
    "$(sed -n 's/.*	channels=\([^	]*\).*/\1/p' "$SPOOL"/new/*)" a,b
empty
: >"$T/in"
give ha-alert a
is "no record: exit 0" "$status" 0
is "... no file" "$(files)" 0
{
	echo '#begin	name=x	id=1'
	transition problem 1 nginx
	echo
	echo 'rubbish'
	printf 'more\001rubbish\0033\n'
	transition problem 2 mysql
	printf 'it breaks'
} >"$T/in"
give ha-alert a
is "lines that are none: exit 65" "$status" 65
like "... with their number" "$err" '^ha-alert: warning: line 4: 1 field '
like "... the last one" "$err" '^ha-alert: warning: line 7: it breaks off'
is "... the others are taken" "$(taken | grep -c ^problem)" 2
is "... they too, as they are" "$(taken | grep ^message | cut -f 6)" \
    'rubbish
more?rubbish?3
it breaks'
is "... one file" "$(files)" 1
empty
{
	transition problem 1 nginx
	transition problem 2 mysql | cut -f 5-
	transition problem 3 redis | cut -f 5-
} >"$T/in"
give ha-alert a
is "status records: exit 65" "$status" 65
like "... said" "$err" 'line 2: a status record; ha-gate makes transitions'
like "... how many" "$err" '^ha-alert: 2 status records were not taken'
is "... the transition is taken" "$(taken | cut -f 8)" nginx
empty
head -c 1100000 /dev/zero | tr '\0' x >"$T/in"
echo >>"$T/in"
transition problem 1 nginx >>"$T/in"
give ha-alert a
is "a line of a megabyte: exit 65" "$status" 65
is "... the next one is taken" "$(taken | grep -c ^problem)" 1
empty
transition problem 1 nginx >"$T/in"
give ha-alert -n a
is "-n: exit 0" "$status" 0
is "... what would be taken" "$out" "$(cat "$T/in")"
not_ok "... nothing is" test -e "$SPOOL"

# Who feeds it does not end for hours.
mkfifo "$T/fifo"
spawn -i "$T/fifo" -e "$T/log" ha-alert a
stalled=$pid
exec 9>"$T/fifo"
transition problem 1 nginx >&9
printf 'problem\tand' >&9
ok "input that stays open: taken at a pause" \
    wait_until 10 sh -c "ha-alert --list -F tsv | grep -q nginx"
transition problem 2 mysql >&9
ok "... and the next" \
    wait_until 10 sh -c "ha-alert --list -F tsv | grep -q 'more)\|line 2'"
exec 9>&-
reap "$stalled"
is "... its end: 65, for what is torn" "$status" 65
empty

## Words

printf 'first line\nsecond\tline \001\n\n' >"$T/in"
give ha-alert -s 'Grüße 你好' a
is "-s: exit 0" "$status" 0
like "... the message" "$(taken)" \
    "^message	$INCIDENT	$TIME	[^	]+	Grüße 你好	first line\\\\nsecond\\\\tline \\\\0001\$"
give ha-alert -s 'Grüße 你好' a
is "... again: another incident" "$(taken | cut -f 2 | sort -u | wc -l)" 2
empty
run ha-alert -s words --host db7 a </dev/null
like "--host" "$(taken)" '	db7	words	-$'
empty
head -c 100000 /dev/zero | tr '\0' y >"$T/in"
give ha-alert -s long a
like "a long body is cut" "$(taken | tail -c 60)" 'y\\n\.\.\. \(34464 bytes more\)$'
empty

report()
{
	printf '%s\n' "$3" | run_report "$1" "$2"
	status=$(cat "$T/status")
}
run_report()
{
	run ha-alert -s "$1" --check backup --state "$2" a
	echo "$status" >"$T/status"
}
report 'backup made' OK fine
is "--check, OK and no problem known: exit 0" "$status" 0
is "... nothing to tell" "$(taken)" ''
report 'backup failed' WARN 'no space
on tape'
is "... a problem" "$(taken | cut -f 1,4,8,9,12 | tr '\t' '|')" \
    'problem|OK|backup|WARN|backup failed; no space; on tape'
is "... of this host" "$(taken | cut -f 7)" "$(taken | cut -f 6)"
incident=$(taken | cut -f 2,3)
empty_new()
{
	rm -f "$SPOOL"/new/*
}
for pair in WARN:reminder:WARN CRIT:worse:WARN UNKNOWN:better:CRIT \
    OK:recovery:UNKNOWN; do
	empty_new
	report 'backup' "${pair%%:*}" x
	is "... then $pair" "$(taken | cut -f 1,4 | tr '\t' :)" "${pair#*:}"
	is "... of the same incident" "$(taken | cut -f 2,3)" "$incident"
done
empty_new
report 'backup made' OK fine
is "... and OK again: nothing" "$(taken)" ''
report 'backup failed' CRIT x
is "... a problem in the same minute: another incident" \
    "$(taken | cut -f 1) $(taken | cut -f 2,3 | grep -cF "$incident")" \
    'problem 0'
not_ok "... by its name, too" test "$(taken | cut -f 2)" = \
    "$(echo "$incident" | cut -f 1)"
run ha-alert -s x --check c --host db1 a </dev/null
run ha-alert -s x --check c --host db2 a </dev/null
is "each host has its own" "$(taken | cut -f 1 | sort -u)" problem
empty

## monit

monit()
{
	run env MONIT_SERVICE=web MONIT_HOST=web1 MONIT_EVENT='Status failed' \
	    MONIT_DESCRIPTION="$2" MONIT_PROGRAM_STATUS="${3-2}" \
	    MONIT_DATE='Mon, 23 Nov 2026 08:50:01 +0000' \
	    ha-alert --monit "$1" a
}
monit problem "status failed (2) -- HTTP CRIT - 503
\$(reboot) \`x\`"
is "monit, a problem: exit 0" "$status" 0
is "... told" "$(taken | cut -f 1,4,7-9,11,12 | tr '\t' '|')" \
    "problem|OK|web1|web|CRIT|monit|Status failed: status failed (2) -- HTTP CRIT - 503; \$(reboot) \`x\`"
incident=$(taken | cut -f 2,3)
empty_new
monit problem 'HTTP WARN - slow' 1
is "... now WARN" "$(taken | cut -f 1,9 | tr '\t' '|')" 'better|WARN'
empty_new
monit problem 'some program ended with 1' 1
is "... 1 of any program is CRIT" "$(taken | cut -f 1,9 | tr '\t' '|')" \
    'worse|CRIT'
empty_new
monit recover 'status succeeded (0)' 0
is "... the recovery" "$(taken | cut -f 1,4,9 | tr '\t' '|')" \
    'recovery|CRIT|OK'
is "... of the same incident" "$(taken | cut -f 2,3)" "$incident"
empty_new
monit recover 'status succeeded (0)' 0
is "a recovery from what is not known is told, too" \
    "$(taken | cut -f 1,4 | tr '\t' '|')" 'recovery|UNKNOWN'
empty
exits "without monit's environment: 64" 64 ha-alert --monit problem a
like "... said" "$err" MONIT_SERVICE

## Nagios

nagios()
{
	type=$1 state=$2
	shift 2
	run env NAGIOS_NOTIFICATIONTYPE="$type" NAGIOS_HOSTNAME=web1 \
	    NAGIOS_SERVICEDESC=HTTP NAGIOS_SERVICESTATE="$state" \
	    NAGIOS_SERVICEOUTPUT="HTTP $state: 503" "$@" \
	    ha-alert --nagios a
}
nagios PROBLEM CRITICAL NAGIOS_SERVICEPROBLEMID=17 \
    NAGIOS_SERVICENOTIFICATIONNUMBER=1
is "Nagios, a problem: exit 0" "$status" 0
is "... told" "$(taken | cut -f 1,4,7-9,12 | tr '\t' '|')" \
    'problem|OK|web1|HTTP|CRIT|HTTP CRITICAL: 503'
like "... its number is in the incident" "$(taken | cut -f 2)" \
    '^nagios-17-[0-9a-f]{16}$'
incident=$(taken | cut -f 2,3)
empty_new
nagios PROBLEM CRITICAL NAGIOS_SERVICEPROBLEMID=17 \
    NAGIOS_SERVICENOTIFICATIONNUMBER=1
is "... of another contact: the same" "$(taken | cut -f 1-3)" \
    "problem	$incident"
empty_new
nagios PROBLEM CRITICAL NAGIOS_SERVICEPROBLEMID=17 \
    NAGIOS_SERVICENOTIFICATIONNUMBER=2 NAGIOS_LASTSERVICESTATE=CRITICAL
is "... a reminder" "$(taken | cut -f 1-3)" "reminder	$incident"
empty_new
nagios PROBLEM WARNING NAGIOS_SERVICEPROBLEMID=17 \
    NAGIOS_SERVICENOTIFICATIONNUMBER=3 NAGIOS_LASTSERVICESTATE=CRITICAL
is "... better" "$(taken | cut -f 1,9)" "better	WARN"
empty_new
nagios RECOVERY OK NAGIOS_SERVICEPROBLEMID=0 NAGIOS_LASTSERVICEPROBLEMID=17
is "... the recovery" "$(taken | cut -f 1-4)" "recovery	$incident	WARN"
empty_new
nagios ACKNOWLEDGEMENT CRITICAL NAGIOS_NOTIFICATIONAUTHOR=anna \
    NAGIOS_NOTIFICATIONCOMMENT='on it'
is "... an acknowledgement is a message" \
    "$(taken | cut -f 1,4,5,6 | tr '\t' '|')" \
    'message|web1|ACKNOWLEDGEMENT: HTTP on web1 is CRITICAL|anna: on it\nHTTP CRITICAL: 503'
empty_new
nagios FLAPPINGSTART OK NAGIOS_SERVICEPROBLEMID=0
is "... so is flapping without a problem" "$(taken | cut -f 1)" message
empty_new
nagios FLAPPINGSTART CRITICAL NAGIOS_SERVICEPROBLEMID=18
is "... with one it is flapping" "$(taken | cut -f 1)" flapping
empty
run env NAGIOS_NOTIFICATIONTYPE=PROBLEM NAGIOS_HOSTNAME=web1 \
    NAGIOS_HOSTSTATE=DOWN NAGIOS_HOSTOUTPUT='PING CRITICAL' ha-alert --nagios a
is "a host, without a number" "$(taken | cut -f 1,7-9,12 | tr '\t' '|')" \
    'problem|web1|host|CRIT|PING CRITICAL'
run env NAGIOS_NOTIFICATIONTYPE=RECOVERY NAGIOS_HOSTNAME=web1 \
    NAGIOS_HOSTSTATE=UP NAGIOS_HOSTOUTPUT='PING OK' ha-alert --nagios a
is "... recovers" "$(taken | cut -f 2 | sort -u | wc -l)" 1
empty
exits "without Nagios' environment: 64" 64 ha-alert --nagios a
like "... said" "$err" enable_environment_macros

## At once

transition problem 1 nginx >"$T/in"
rm -f "$T/a"
give ha-alert --inline a b
is "--inline: exit 0, though one fails" "$status" 0
is "... the other one is told" "$(cut -f 8 "$T/a")" nginx
is "... it waits" "$(places)" '1 b queue'
empty

## What would be, and what works

give ha-alert --render a
is "--render of a file: exit 0" "$status" 0
like "... the record" "$out" '^problem	.*nginx'
give ha-alert --render
like "--render: words" "$out" 'nginx on web1 is CRIT'
not_ok "... nothing is taken" test -e "$SPOOL"
echo rubbish >"$T/in"
give ha-alert --render a
is "--render of rubbish: 65" "$status" 65
rm -f "$T/a"
exits "--test" 0 ha-alert --test a
like "... says so" "$err" '^ha-alert: a: delivered'
like "... it has arrived" "$(cat "$T/a")" 'test of the channel a, from'
exits "--test of one that fails: 75" 75 ha-alert --test b
like "... says why" "$err" 'b: not delivered.*status 1'
exits "--test of both: 75" 75 ha-alert --test a b
exits "--test of what is not there: 78" 78 ha-alert --test c
exits "--ping" 0 ha-alert --ping a
is "... without a word" "$out$err" ''
like "... it has arrived" "$(tail -n 1 "$T/a")" ' is alive'
exits "--ping of one that fails: 75" 75 ha-alert --ping b
not_ok "... nothing is taken" test -e "$SPOOL"
exits "--check-config" 0 ha-alert --check-config
like "... says so" "$err" '2 channels, all right'
exits "... -q" 0 ha-alert --check-config -q
is "... does not" "$err" ''
conf "channel a file path=$T/a" 'channel b webhook url=https://x/ template=none'
exits "... a template that is not there: 78" 78 ha-alert --check-config
like "... said" "$err" '^ha-alert: b: .*none'
conf 'channel a fiel path=/x'
exits "... a mistake: 78" 78 ha-alert --check-config
like "... its place" "$err" 'alert\.conf:2:11: '
conf "channel a file path=$T/a"
chmod 644 "$HA_CONFIG_DIR/alert.conf"
exits "... readable by others: 77" 77 ha-alert --check-config
conf "channel z file path=$T/a"
mv "$HA_CONFIG_DIR/alert.conf" "$T/other.conf"
exits "--config" 0 ha-alert --check-config --config "$T/other.conf"
like "... the other file" "$err" "$T/other.conf: 1 channel"
for mode in --list --flush --queue; do
	conf "channel a file path=$T/a"
	exits "$mode without a spool: 0" 0 ha-alert $mode
	not_ok "... it makes none" test -e "$SPOOL"
done

## Usage

usage()
{
	exits "usage: ha-alert $*" 64 ha-alert "$@"
	is "... nothing on stdout" "$out" ''
	like "... said" "$err" '^ha-alert: '
}
usage
usage .hidden
usage a/b
usage 'a b'
usage -s x --monit problem a
usage --flush --list
usage --list a
usage --list -F nagios
usage --retry
usage --drop x
usage --reason x a
usage --check x a
usage -s x --state OK a
usage -s x --check '' a
usage -s x --check c --state BAD a
usage --monit maybe a
usage --test
usage --flush --inline
usage -F json a
not_ok "nothing is taken by any" test -e "$SPOOL"
done_testing
