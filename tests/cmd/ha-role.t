#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-role.t - the role file, as a person and a script use it.
. "$(dirname "$0")/../tap.sh"
needs script flock

FILE=$HA_STATE_DIR/role
ESC=$(printf '\033')
NOW='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z'

# ROLE EPOCH of the file.
now()
{
	cut -f 1,2 "$FILE" | tr '\t' ' '
}

set_role()
{
	run ha-role set "$@" --reason 'some words'
}

## No file

exits "show without a file: 1" 1 ha-role show
is "... nothing on stdout" "$out" ''
like "... said" "$err" "^ha-role: roles are not in use.*$FILE"
exits "is without a file: 66" 66 ha-role is active
like "... said" "$err" 'roles are not in use'
exits "... standby: 66, too" 66 ha-role is standby
set_role --epoch 3
is "nothing is learnt without a file: 66" "$status" 66
not_ok "... nothing is made" test -e "$FILE"

## Becoming active and standby

set_role active -n
is "-n: exit 0" "$status" 0
like "... the line" "$out" "^active	1	$NOW	some words\$"
not_ok "... nothing is made" test -e "$FILE"
set_role active
is "set active: exit 0" "$status" 0
is "... epoch 1" "$(now)" 'active 1'
is "... the line is printed" "$out" "$(cat "$FILE")"
like "... all of it" "$out" "^active	1	$NOW	some words\$"
like "... the first epoch is told" "$err" 'first epoch.*--epoch'
is "... readable by all" "$(stat -c %a "$FILE")" 644
exits "is active: 0" 0 ha-role is active
is "... nothing on stdout" "$out" ''
is "... nothing on stderr" "$err" ''
exits "is standby: 1" 1 ha-role is standby
is "... nothing on stdout" "$out" ''
is "... nothing on stderr" "$err" ''
before=$(cat "$FILE")
run ha-role set active --reason 'other words'
is "set active again: exit 0" "$status" 0
like "... said" "$err" '^ha-role: already active with epoch 1$'
is "... nothing changed" "$(cat "$FILE")" "$before"
is "... the line is printed" "$out" "$before"
set_role standby
is "set standby: the epoch stays" "$(now)" 'standby 1'
exits "is standby: 0" 0 ha-role is standby
exits "is active: 1" 1 ha-role is active
before=$(cat "$FILE")
set_role standby
is "... again: nothing changed" "$(cat "$FILE")" "$before"
set_role active
is "active again: the epoch grows" "$(now)" 'active 2'
set_role standby --epoch 7
is "standby --epoch: at least that" "$(now)" 'standby 7'
set_role standby --epoch 5
is "... never lower" "$(now)" 'standby 7'
rm "$FILE"
set_role standby
is "standby first: epoch 0" "$(now)" 'standby 0'

## Epochs given

before=$(cut -f 3,4 "$FILE")
run ha-role set --epoch 9 --reason told
is "a standby learns: exit 0" "$status" 0
is "... the epoch" "$(now)" 'standby 9'
is "... time and reason stay" "$(cut -f 3,4 "$FILE")" "$before"
run ha-role set --epoch 4 --reason told
is "... a lower one: exit 0" "$status" 0
is "... nothing changed" "$(now)" 'standby 9'
set_role active --epoch 9
is "active with an epoch that is not higher: 77" "$status" 77
like "... said" "$err" 'standby with epoch 9.*higher'
is "... nothing changed" "$(now)" 'standby 9'
set_role active --epoch 12
is "active with a higher one" "$(now)" 'active 12'
run ha-role set active --epoch 14 --reason anew
is "... and higher again" "$(now)" 'active 14'
is "... with the new reason" "$(cut -f 4 "$FILE")" anew
set_role active --epoch 14
is "... repeated: exit 0" "$status" 0
set_role active --epoch 13
is "... lower: 77" "$status" 77
before=$(cat "$FILE")
run ha-role set --epoch 99 --reason told
is "an active node learns nothing: 77" "$status" 77
like "... said" "$err" 'active with epoch 14'
is "... nothing changed" "$(cat "$FILE")" "$before"

## Formats, odd bytes

odd="$(printf 'a\tb\nc \\ ')${ESC}[31m \"d\" é"
run ha-role set standby --reason "$odd"
is "odd words: exit 0" "$status" 0
is "... one line" "$(wc -l <"$FILE")" 1
is "... come back" "$(printf %b "$(cut -f 4 "$FILE")")" "$odd"
is "... escaped" "$(cut -f 4 "$FILE")" 'a\tb\nc \\ \0033[31m "d" é'
run ha-role show
is "show: the line" "$out" "$(cat "$FILE")"
run ha-role show -F json
is "-F json" "$(printf '%s' "$out" | sed 's/"2[^"]*Z"/TIME/; s/1B/1b/')" \
    '{"role":"standby","epoch":14,"since":TIME,"reason":"a\tb\nc \\ \u001b[31m \"d\" é"}'
LC_ALL=C run script -qec 'ha-role show' /dev/null
like "on a terminal other bytes are escaped, too" "$out" '"d" \\0303\\0251'
printf 'standby 3  2026-01-31T23:59:59Z typed by hand\n' >"$FILE"
run ha-role show
is "blanks of a person" "$out" \
    "$(printf 'standby\t3\t2026-01-31T23:59:59Z\ttyped by hand')"
set_role active
is "... and on" "$(now)" 'active 4'

## What is there, but is no role

for text in 'active' 'active 3' 'activ 3 2026-01-31T23:59:59Z why' \
    'active x 2026-01-31T23:59:59Z why' 'active 3 today why'; do
	echo "$text" >"$FILE"
	exits "'$text': show 78" 78 ha-role show
	like "... the file is named" "$err" "$FILE"
	exits "... is active 78" 78 ha-role is active
	exits "... is standby 78" 78 ha-role is standby
	set_role active
	is "... set 78" "$status" 78
	is "... it stays" "$(cat "$FILE")" "$text"
done
printf 'active\t3\t2026-01-31T23:59:59Z\t%s\n' "$ESC" >"$FILE"
run ha-role show
is "a raw byte in the file" "$(cut -f 4 "$T/out")" '\0033'
: >"$FILE"
exits "an empty file: 78" 78 ha-role show
ln -sf "$T/nowhere" "$FILE"
exits "a link to nothing: 78" 78 ha-role is standby
rm "$FILE"
mkdir "$FILE"
exits "a directory: 78" 78 ha-role show
rmdir "$FILE"

## Another file

set_role standby --file "$T/other"
is "--file: exit 0" "$status" 0
ok "... it is made" test -s "$T/other"
not_ok "... the usual one is not" test -e "$FILE"
exits "... is" 0 ha-role is standby --file "$T/other"
set_role standby --file "$T/none/role"
is "... in no directory: 73" "$status" 73
like "... named" "$err" "$T/none/role"

## What can't be written or read

HA_STATE_DIR=/proc/none set_role standby
is "no directory can be made: 73" "$status" 73
like "... it is named" "$err" '/proc/none.*HA_STATE_DIR'
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
	as_nobody()
	{
		run setpriv --reuid 65534 --regid 65534 --clear-groups \
		    ha-role "$@"
	}
	chmod 755 "$T"
	set_role standby
	as_nobody set active --reason x
	is "without the privilege: 73" "$status" 73
	like "... the directory is named" "$err" "$HA_STATE_DIR.*HA_STATE_DIR"
	as_nobody is standby
	is "... it can be asked" "$status" 0
	as_nobody set active --reason x -n
	is "... -n needs none" "$status" 0
	chmod 600 "$FILE"
	as_nobody is standby
	is "not readable: 78" "$status" 78
	like "... named" "$err" "$FILE.*Permission denied"
	as_nobody show
	is "... show: 78" "$status" 78
else
	skip "without the privilege" "needs root and setpriv"
fi
rm -f "$FILE"
exec 9>"$FILE.lock"
flock 9
RUN_TIMEOUT=30 set_role standby
is "somebody else is at it: 75" "$status" 75
exec 9>&-

## Usage

usage()
{
	exits "usage: ha-role $*" 64 ha-role "$@"
	is "... nothing on stdout" "$out" ''
	like "... said" "$err" '^ha-role: .*--help'
}
usage
usage frobnicate
usage show active
usage show --reason x
usage show -n
usage is
usage is master
usage is active standby
usage is active -F json
usage is active --epoch 3
usage set --reason x
usage set active
usage set active --reason ''
usage set primary --reason x
usage set active --reason x --epoch -1
usage set active --reason x --epoch y
usage set active --reason x -F json
usage set active --reason x --file ''
run ha-role set active --reason "$(head -c 5000 /dev/zero | tr '\0' x)"
is "a reason that is too long: 64" "$status" 64
not_ok "nothing is made by any" test -e "$FILE"
done_testing
