#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl.t - what all of its subcommands share: usage, nodes, logins, servers
# that don't answer; and show.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 2 mysql 2 mysql56 1 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
. "$(dirname "$0")/../grants.sh"

# at I: $node and $cnf of the I-th.
at()
{
	of "$1" PORT
	node=127.0.0.1:$of_db
	of "$1" CNF
	cnf=$of_db
}

conf()
{
	printf '%b\n' "$@" >"$HA_CONFIG_DIR/repl.conf"
}

no_secret()
{
	unlike "$1: no secret" "$(cat "$T/out" "$T/err")" secret
}

# The field of the first record.
cell()
{
	sed -n 1p "$T/out" | cut -f "$1"
}

took_less()
{
	tap_clock
	ok "$1" test $((tap_now - begun)) -lt "$2"
}

## usage: of a check it is UNKNOWN

exits "nothing" 64 ha-repl
like "... names the subcommands" "$err" 'check, lint, show, topology'
exits "a subcommand that there isn't" 64 ha-repl chekc
like "... is named" "$err" "'chekc' is none of check"
for sub in check lint; do
	exits "$sub: an unknown option" 3 ha-repl $sub --none
	exits "$sub: before it, too" 3 ha-repl --none $sub
	exits "$sub: a format it hasn't" 3 ha-repl $sub -F dot
	exits "$sub: what is no node" 3 ha-repl $sub 'a b'
done
for sub in show topology heartbeat point recover; do
	exits "$sub: an unknown option" 64 ha-repl $sub --none
done
for format in nagios prom dot; do
	exits "show -F $format" 64 ha-repl show -F $format
	like "... names those it has" "$err" 'tsv.json.table'
done
exits "topology -F tsv" 64 ha-repl topology -F tsv
exits "an option of another" 64 ha-repl show --once
like "... is named" "$err" "^ha-repl: --once doesn't go with show"
exits "... of a check" 3 ha-repl check --source a
exits "-w of no range" 3 ha-repl check -w x
exits "-t 0" 64 ha-repl show -t 0
exits "a reason of blanks" 64 ha-repl show --insecure ' '
exits "what is no node" 64 ha-repl show 'a b'
exits "what is no port" 64 ha-repl show db-a:65536

# What point is asked for and can't be is told before anybody is asked.
usage()
{
	run ha-repl point 127.0.0.1:1 --source 127.0.0.1:2 "$@"
	is "point $*: 64" "$status" 64
	is "... in a line" "$(printf '%s\n' "$err" | wc -l)" 1
}

usage --pos nothing
usage --pos log.1:3
usage --pos log.1:4 --empty
usage --pos log.1:4 --assume-equal=idle
usage --pos log.1:4 --gtid auto
usage --lock-wait 2s
usage --no-tls --ssl-ca ca.pem
usage --ssl-cert cert.pem
usage --old-credentials "$T/none"
usage --ignore-server-ids '1;3'
usage --ignore-server-ids 1,
usage --ignore-server-ids 0
usage --force ' '

ln -s "$HA_BIN/ha-repl" "$T/check_ha_repl"
exits "as a plugin: usage" 3 "$T/check_ha_repl" --none
like "... on stdout" "$out" '^HA-REPL UNKNOWN - .*--none'
is "... and nowhere else" "$err" ''
exits "as a plugin: help" 3 "$T/check_ha_repl" --help
exits "as a plugin: no server" 2 "$T/check_ha_repl" 127.0.0.1:1
like "... one line" "$out" '^repl CRIT - '
is "... no more" "$(wc -l <"$T/out")" 1
exits "the same of the subcommand" 2 ha-repl check -F nagios 127.0.0.1:1

## repl.conf

mistake()
{
	conf "$2"
	exits "$1: check" 3 ha-repl check
	like "... is placed" "$err" "repl.conf:$3: "
	exits "$1: show" 78 ha-repl show
	like "... too" "$err" "repl.conf:$3: "
}
mistake "an unknown key" 'topology dual\ndb-a 10.0.0.1 pasword=x' 2:15
mistake "a topology that there isn't" 'topology star' 1:10
mistake "a name twice" 'a 10.0.0.1\na 10.0.0.2' 2:1
mistake "an address twice" 'a 10.0.0.1\nb 10.0.0.1:3306' 2:3
mistake "no address" 'a' 1:2
mistake "an open quote" "a 'b" 1:3
rm "$HA_CONFIG_DIR/repl.conf"
exits "-f of no file: check" 3 ha-repl check -f "$T/none"
exits "-f of no file: show" 66 ha-repl show -f "$T/none"

## nodes

at 1
of 1 SOCKET
socket=$of_db
exits "HOST:PORT" 0 ha-repl show -F tsv --defaults-file "$cnf" "$node"
is "... is named so" "$(cell 1) $(cell 2)" "$node $node"
is "... twenty fields" "$(awk -F '\t' '{ print NF }' "$T/out")" 20
of 1 LOCAL_CNF
exits "a socket" 0 ha-repl show -F tsv --defaults-file "$of_db" "$socket"
is "... is named so" "$(cell 1) $(cell 2)" "$socket $socket"
exits "no node: the usual server of the file" 0 \
    ha-repl show -F tsv --defaults-file "$of_db"
is "... is named as this machine" "$(cell 1)" "$(uname -n)"
exits "the same server twice" 0 \
    ha-repl show -F tsv --defaults-file "$cnf" "$node" "$node"
is "... is one" "$(wc -l <"$T/out")" 1
first=$node first_cnf=$cnf
at 3
conf "# nodes" "db-a $first defaults-file=$first_cnf alias=db.internal:3307" \
    "db-c $node defaults-file=$cnf"
exits "all of repl.conf" 0 ha-repl show -F tsv
is "... in its order" "$(cut -f 1 "$T/out" | paste -s -d ' ')" 'db-a db-c'
# shellcheck disable=SC2016 # for bash
exits "bash completes their names" 0 bash -c '. "$0" &&
    COMP_WORDS=(ha-repl point db-a --source "") COMP_CWORD=4 &&
    _ha_repl && echo "${COMPREPLY[*]}" &&
    COMP_WORDS=(ha-repl check d) COMP_CWORD=2 &&
    _ha_repl && echo "${COMPREPLY[*]}"' "$TOP/completions/ha-repl.bash"
is "... as an argument and as an operand" "$out" 'db-a db-c
db-a db-c'
exits "one by its name" 0 ha-repl show -F tsv db-c
is "... with its own login" "$(cell 1) $(cell 2)" "db-c $node"
exits "one by its alias" 0 ha-repl show -F tsv db.internal:3307
is "... is the same" "$(cell 1)" db-a
exits "another file" 0 ha-repl show -F tsv -f "$HA_CONFIG_DIR/repl.conf" db-a
exits "a name that is none is a host" 69 ha-repl show -F tsv none.invalid
like "... that can't be found" "$out" "	can't look up none.invalid: "
no_secret "all of it"

## logins

mv "$HA_CONFIG_DIR/repl.conf" "$T/repl.conf"
at 1
printf '[client]\nuser=nobody\npassword=some-secret\n' >"$T/nobody.cnf"
chmod 600 "$T/nobody.cnf"
exits "an unknown user" 77 \
    ha-repl show -F tsv --defaults-file "$T/nobody.cnf" "$node"
sed 's/^password.*/password = wrong-secret/' "$cnf" >"$T/wrong.cnf"
chmod 600 "$T/wrong.cnf"
exits "a wrong password" 77 \
    ha-repl show -F tsv --defaults-file "$T/wrong.cnf" "$node"
like "... is in words" "$(cell 20)" '[Dd]enied'
no_secret "a wrong password"
exits "... and CRIT for a check" 2 \
    ha-repl check -F tsv --defaults-file "$T/wrong.cnf" "$node"
no_secret "... there"
exits "a defaults file that is not there" 66 \
    ha-repl show --defaults-file "$T/none" "$node"
exits "... is UNKNOWN for a check" 3 \
    ha-repl check -F tsv --defaults-file "$T/none" "$node"
chmod 644 "$T/wrong.cnf"
exits "a password that others can read" 78 \
    ha-repl show --defaults-file "$T/wrong.cnf" "$node"
like "... is refused in words" "$(cat "$T/out" "$T/err")" 'wrong.cnf'
no_secret "... there"
of 1 MONITOR_CNF
exits "who may only look" 0 ha-repl show -F tsv --defaults-file "$of_db" "$node"
isnt_dash()
{
	[ "$(cell "$1")" != - ]
}
ok "... sees positions" isnt_dash 8
mv "$T/repl.conf" "$HA_CONFIG_DIR/repl.conf"

# The manual's grants, and what is seen with them.
for i in 1 3 5; do
	at $i
	of $i FLAVOUR
	f=$of_db
	exits "$f: the heartbeat's table" 0 \
	    ha-repl heartbeat --create --defaults-file "$cnf" "$node"
	ok "$f: the account of the manual" manual_login $i ha_monitor
	for sub in show check lint; do
		run ha-repl $sub -F tsv --defaults-file "$manual_cnf" "$node"
		like "$f: $sub, with its grants" "$out" "	$node	"
		unlike "... sees all" "$out$err" 'denied|GRANT|privilege'
	done
	run ha-repl topology -F json --defaults-file "$manual_cnf" "$node"
	is "$f: topology, with its grants" "$status" 0
	unlike "... sees all" "$out$err" 'denied|GRANT|privilege'
done

## servers that don't answer

exits "no server" 69 ha-repl show -F tsv 127.0.0.1:1
like "... says why" "$(cell 20)" '[Rr]efused'
is "... all else is not known" "$(cell 3)$(cell 4)$(cell 8)" '---'
exits "... is CRIT for a check" 2 ha-repl check -F tsv 127.0.0.1:1
for mode in silent backlog drip; do
	serve $mode
	tap_clock
	begun=$tap_now
	exits "a server that hangs ($mode): check" 2 \
	    ha-repl check -F tsv -t 500ms "127.0.0.1:$port"
	took_less "... in time" 100
	like "... CRIT" "$(cut -f 5 "$T/out")" '^CRIT$'
	begun=$tap_now
	exits "a server that hangs ($mode): show" 69 \
	    ha-repl show -F tsv -t 500ms "127.0.0.1:$port"
	reap "$pid" TERM
done
serve banner
exits "a server of something else" 69 \
    ha-repl show -F tsv -t 2s "127.0.0.1:$port"
not_ok "... raw bytes of which come nowhere" \
    grep -q "$(printf '\033')" "$T/out" "$T/err"
reap "$pid" TERM
at 1
db 1 freeze
tap_clock
begun=$tap_now
exits "one of two is frozen" 2 ha-repl check -F tsv -t 700ms db-a db-c
took_less "... in time" 120
like "... the other is judged" "$(cat "$T/out")" '	db-c	repl	(OK|WARN)	'
db 1 thaw
ok "and goes on" wait_sql 10 1 1 'SELECT 1'

# A resolver that says nothing, in namespaces of its own.
in_silence()
{
	ip link set lo up
	echo 'nameserver 127.0.0.1' >"$T/resolv.conf"
	mount --bind "$T/resolv.conf" /etc/resolv.conf
	"$HA_TOOLS/rude" --port 53 udp-mute >"$T/mute" &
	mute=$!
	until [ -s "$T/mute" ]; do
		sleep 0.02
	done
	date +%s%N >"$T/begun"
	ha-repl check -F tsv -t 500ms slow.example.org
	code=$?
	date +%s%N >"$T/ended"
	kill "$mute"
	exit "$code"
}
if unshare -mn true 2>/dev/null; then
	exits "a name that is looked up for ever" 3 \
	    unshare -mn sh -c "$(sed -n '/^in_silence()/,/^}/p' "$0")
		in_silence"
	ms=$((($(cat "$T/ended") - $(cat "$T/begun")) / 1000000))
	within "... is given up in time" 490 800
	like "... in words" "$out" "look-up of 'slow.example.org' has not ended"
	unlike "... and no others" "$out" 'nothing answers'
else
	skip "a name that is looked up for ever" "no namespaces"
fi

## show

# pointed I J: at J, by the account of the manual.
pointed()
{
	manual_login "$1" ha_admin && manual_login "$2" ha_admin || return 1
	at "$1"
	pointed=$node
	at "$2"
	run ha-repl point --defaults-file "$manual_cnf" "$pointed" \
	    --source "$node" --empty --no-tls --credentials "$HA_DB_REPL_CNF"
	[ "$status" -eq 0 ]
}
mv "$HA_CONFIG_DIR/repl.conf" "$T/repl.conf"
ok "a replica, with the manual's grants" pointed 2 1
ok "... replicates" wait_until 10 replicates 2
ok "a replica of MySQL, likewise" pointed 4 3
ok "... replicates" wait_until 10 replicates 4
second=127.0.0.1:$HA_DB_2_PORT
conf "db-a $first defaults-file=$first_cnf" \
    "db-b $second defaults-file=$HA_DB_2_CNF"
exits "a heartbeat" 0 ha-repl heartbeat --create --once db-a
sql 2 'SET GLOBAL read_only = 1'
wait_sql 10 1 2 'SELECT COUNT(*) FROM ha.heartbeat'
exits "a pair" 0 ha-repl show -F tsv
is "... the source" "$(sed -n 1p "$T/out" | cut -f 1,3,4,6)" \
    "db-a	source	yes	1"
is "... with its position" "$(cell 8)" "$(position 1 | tr ' ' :)"
is "... the replica" "$(sed -n 2p "$T/out" | cut -f 1,3,4,6)" \
    "db-b	replica	no	2"
is "... of whom, and its threads" "$(sed -n 2p "$T/out" | cut -f 11-13)" \
    "$first	yes	yes"
is "... by which GTIDs" "$(sed -n 2p "$T/out" | cut -f 16)" slave_pos
like "... with the heartbeat's lag" "$(sed -n 2p "$T/out" | cut -f 18)" \
    '^[0-9]+\.[0-9]{6}$'
is "... and no words" "$(sed -n 2p "$T/out" | cut -f 20)" -
exits "as JSON" 0 ha-repl show -F json
like "... numbers are numbers" "$out" '"server_id":2,.*"lag":[0-9.]+,'
like "... what is none is null" "$out" '"node":"db-a".*"channel":null,'
exits "as a table" 0 ha-repl show -F table
like "... with a head" "$out" '^NODE +ROLE +WRITES +SOURCE +THREADS +LAG'
like "... and lines" "$out" "^db-b +replica +no +$first +yes/yes +[0-9.]+ s "
sql 2 'STOP SLAVE SQL_THREAD'
run ha-repl show -F tsv db-b
is "a stopped thread" "$(cut -f 12,13 "$T/out")" "yes	no"
for i in 3 5; do
	at $i
	of $i FLAVOUR
	exits "$of_db: alone" 0 ha-repl show -F tsv --defaults-file "$cnf" "$node"
	like "... its role" "$(cell 3)" '^(source|alone)$'
	is "... its position" "$(cell 8)" "$(position $i | tr ' ' :)"
	like "... its uuid" "$(cell 7)" '^[0-9a-f-]{36}$'
done
exits "stdout that is full" 74 sh -c 'ha-repl show -F tsv db-a >/dev/full'
done_testing
