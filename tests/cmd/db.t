#!/bin/sh
# SPDX-License-Identifier: ISC
#
# lib/db against the real MariaDB, here and as another machine's: who is given
# a password, and by what way; what an option file says.
if [ -z "${HA_MARIADB_DIR-}" ]; then
	tests=$(cd "$(dirname "$0")/.." && pwd)
	if [ "$(id -u)" -ne 0 ] || ! unshare --net true 2>/dev/null; then
		echo "1..0 # SKIP needs root and namespaces"
		exit 0
	fi
	# shellcheck disable=SC2016 # for the inner shell
	exec unshare --net sh -c '
		ip link set lo up && ip addr add 192.0.2.1/32 dev lo &&
		    exec "$@"
		' sh "$tests/with-mariadb" --config 'bind-address = *' \
	    --config 'log-warnings = 4' -- "$tests/cmd/$(basename "$0")"
fi
. "$(dirname "$0")/../tap.sh"

HERE=127.0.0.1 AWAY=192.0.2.1
export HOME="$T"

sql()
{
	mariadb --no-defaults -S "$HA_MARIADB_SOCKET" -N -e "$1"
}
# LINE...: an option file with them.
cnf()
{
	(umask 077 && printf '%s\n' '[client]' 'user = ha' \
	    'password = secret' "port = $HA_MARIADB_PORT" "$@" >"$T/cnf")
}
# DESC STATUS ERE [KEY=VALUE]... [STATEMENT]...: a connection, and what it says.
db()
{
	desc=$1 status=$2 ere=$3
	shift 3
	exits "$desc: $status" "$status" "$HA_TOOLS/drive-db" file="$T/cnf" "$@"
	# shellcheck disable=SC2154 # tap.sh's
	like "... which says it" "$out$err" "$ere"
	unlike "... and no secret" "$out$err" secret
}

sql "CREATE USER ha@'%' IDENTIFIED BY 'secret'"

## Here

cnf
db "loopback needs no TLS" 0 '^tls $' host=$HERE
from='SELECT HOST FROM information_schema.PROCESSLIST WHERE ID=CONNECTION_ID()'
db "nor does a socket" 0 '^localhost$' socket="$HA_MARIADB_SOCKET" "$from"
cnf "socket = $HA_MARIADB_SOCKET"
db "the file's socket" 0 '^localhost$' "$from"
cnf protocol=tcp host=$HERE
db "the file's host" 0 '^[^:]+:[0-9]+$' "$from"
cnf "ssl-ca = $HA_MARIADB_CA"
db "TLS that the file asks for" 0 '^tls TLSv1' host=$HERE
db "... by the name" 0 '^tls TLSv1' host=$HERE name=db.test
db "... by another name" 77 '^drive-db: no TLS with other\.test: .*cert' \
    host=$HERE name=other.test
cnf
db "a wrong password" 77 '^drive-db: Access denied .*using password: YES' \
    host=$HERE password=wrong
db "another user" 77 '^drive-db: Access denied' host=$HERE user=nobody
chmod 640 "$T/cnf"
db "a file that others may read" 78 \
    'holds a password, and others may read it' host=$HERE
rm "$T/cnf"
db "a file that is missing" 66 "can't read" host=$HERE

## Another machine

# A password that had been sent would be in the log.
refused()
{
	sed "1,${lines}d" "$HA_MARIADB_DIR/log" | grep -c 'Access denied'
}
# ... and a login cut short is, once it was seen.
cut_short()
{
	sed "1,${lines}d" "$HA_MARIADB_DIR/log" |
	    grep -q 'without authentication\|unauthenticated'
}
lines=$(wc -l <"$HA_MARIADB_DIR/log")
cnf
db "a certificate by an authority that nobody knows" 77 \
    '^drive-db: no TLS with 192\.0\.2\.1: .*cert' host=$AWAY
ok "... it saw nobody log in" wait_until 5 cut_short
cnf "ssl-ca = $HA_MARIADB_CA"
db "one for another name" 77 '^drive-db: no TLS with 192\.0\.2\.1: .*cert' \
    host=$AWAY
is "... nor try to" "$(refused)" 0
db "one for the name" 0 '^tls TLSv1' host=$AWAY name=db.test
cnf
SSL_CERT_FILE=$HA_MARIADB_CA
export SSL_CERT_FILE
db "the system knows its authority" 0 '^tls TLSv1' host=$AWAY name=db.test
db "... but the certificate is another's" 77 'no TLS with' host=$AWAY
unset SSL_CERT_FILE
cnf skip-ssl
db "skip-ssl" 0 '^tls $' host=$AWAY
cnf ssl=0
db "ssl=0" 0 '^tls $' host=$AWAY
cnf
db "a reason to go on" 0 '^tls TLSv1' host=$AWAY insecure='a test'
cnf "ssl-ca = $T/none"
db "an authority whose file is missing" 66 "can't read '.*/none'" host=$AWAY

## Statements

cnf
db "one of several is refused" 0 "^error 1064 .* near 'SELEC'\$" host=$HERE \
    'SELECT 1' SELEC 'SELECT 2;' 'SELECT * FROM no.such' 'SELECT 3 -- a' \
    'SELECT 4'
is "... the others are answered" "$(echo "$out" |
    grep '^[1-4]$' | tr '\n' ' ')" '1 2 3 4 '
db "a secret in a mistake" 0 '^error 1064 .* to use$' host=$HERE \
    "CHANGE MASTER TO MASTER_PASSWORD='secret', X=1"
db "a statement that takes too long" 69 \
    'drive-db: no answer to a statement in time$' host=$HERE ms=300 \
    'SELECT SLEEP(30)'

## Frozen

"$TESTS/server" mariadb freeze
db "it is frozen" 69 '^drive-db: no greeting in time$' host=$HERE ms=300
"$TESTS/server" mariadb thaw

done_testing
