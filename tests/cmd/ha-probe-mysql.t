#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe's mysql:// against the real MariaDB: its greeting, which must not
# block this host, and a login with a defaults-file.
if [ -z "${HA_MARIADB_DIR-}" ]; then
	tests=$(cd "$(dirname "$0")/.." && pwd)
	set -- "$tests/with-mariadb" --config 'max-connect-errors = 5' \
	    --config 'performance-schema = on' -- \
	    "$tests/cmd/$(basename "$0")"
	if [ "$(id -u)" -ne 0 ] || ! unshare --mount true 2>/dev/null; then
		exec "$@"
	fi
	HA_OWN_HOSTS=1
	export HA_OWN_HOSTS
	# These have names, so that MariaDB counts what they do; 127.0.0.1 it
	# never blocks.
	# shellcheck disable=SC2016 # for the inner shell
	exec unshare --mount sh -c '
		hosts=$(mktemp) || exit 1
		{
			cat /etc/hosts
			for i in 2 3 4; do
				echo "127.0.0.$i client$i.test"
			done
		} >"$hosts"
		chmod 644 "$hosts"
		mount --bind "$hosts" /etc/hosts && rm "$hosts" && exec "$@"
		' sh "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"

TAB=$(printf '\t')
MYSQL=mysql://127.0.0.1:$HA_MARIADB_PORT
LOG=$HA_MARIADB_DIR/log

sql()
{
	mariadb --no-defaults -S "$HA_MARIADB_SOCKET" -N -e "$1"
}

## The greeting

found "MariaDB" OK '^[0-9]+\.[0-9]+\.[0-9]+-MariaDB' "$MYSQL"
serve talk '\x17\x00\x00\x00\xff\x10\x04Too many connections'
found "an error for a greeting" WARN '^Too many connections$' \
    "mysql://127.0.0.1:$port"
serve talk 'SSH-2.0-OpenSSH\r\n'
found "no MySQL" CRIT \
    "^it does not speak MySQL's protocol, but says SSH-2\\.0-OpenSSH\$" \
    "mysql://127.0.0.1:$port"

# What closing after the greeting does to this host, and what we do.
host_cache()
{
	sql "SELECT SUM_CONNECT_ERRORS, COUNT_AUTHENTICATION_ERRORS +
	    COUNT_AUTH_PLUGIN_ERRORS FROM performance_schema.host_cache
	    WHERE IP = '$1'"
}
test_blocking()
{
	sql "CREATE USER probe@'%' IDENTIFIED BY 'secret'"
	for i in 1 2 3 4 5 6 7 8 9 10; do
		ha-probe -q -B 127.0.0.2 "$MYSQL" >/dev/null ||
		    diag "probe $i failed"
	done
	is "ten probes are no connect error (max_connect_errors is 5)" \
	    "$(host_cache 127.0.0.2)" "0${TAB}10"
	found "... and this host can log in" OK writable -B 127.0.0.2 \
	    --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
	for i in 1 2 3 4 5 6; do
		ha-probe -q -B 127.0.0.3 -e 'reply~"."' \
		    "tcp://127.0.0.1:$HA_MARIADB_PORT" >/dev/null
	done
	found "six of tcp:// are: blocked" WARN \
	    "^Host '.*' is blocked because of many connection errors; unblock" \
	    -B 127.0.0.3 "$MYSQL"
	found "... which a login says, too" WARN \
	    "^Host '.*' is blocked because of many connection errors; unblock" \
	    -B 127.0.0.3 --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
	sql 'FLUSH HOSTS'
	found "... until it is unblocked" OK MariaDB -B 127.0.0.3 "$MYSQL"
	sql "DROP USER probe@'%'"
	sql 'FLUSH PRIVILEGES'
	found "a host that nobody may come from" WARN \
	    "^Host '.*' is not allowed to connect to this MariaDB server$" \
	    -B 127.0.0.4 "$MYSQL"
}
if [ -n "${HA_OWN_HOSTS-}" ]; then
	test_blocking
else
	skip "probes are no connect errors" "needs root and namespaces"
fi

sql "CREATE USER 'ha-probe'@localhost"
lines=$(wc -l <"$LOG")
found "with an account for it" OK MariaDB "$MYSQL"
sql "DROP USER 'ha-probe'@localhost"
is "... nothing is logged" "$(sed "1,${lines}d" "$LOG")" ''

## A login

found "a login" OK '^[0-9.]+-MariaDB.*, writable$' \
    --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
sql 'SET GLOBAL read_only = 1'
found "... to a replica" OK ', read only$' \
    --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
found "... that is expected to be none" CRIT 'reply' \
    -e 'reply~"writable"' --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
sql 'SET GLOBAL read_only = 0'
found "a wrong password" CRIT \
    "^Access denied for user 'probe'@'[^']*' \\(using password: YES\\)\$" \
    --defaults-file="$HA_MARIADB_WRONG_CNF" "$MYSQL"
unlike "... is not shown" "$out$err" 'wrong|secret'
cp "$HA_MARIADB_CNF" "$T/open.cnf"
chmod 644 "$T/open.cnf"
exits "a file that others can read: 3" 3 \
    ha-probe --defaults-file="$T/open.cnf" "$MYSQL"
like "... said" "$err" 'others may read'
found "two addresses, the first refuses" OK 'writable.*refused by 127\.0\.0\.9' \
    --resolve=db.test:127.0.0.9,127.0.0.1 \
    --defaults-file="$HA_MARIADB_CNF" "mysql://db.test:$HA_MARIADB_PORT"

## TLS

# LINE of [client].
cnf()
{
	(umask 077 && {
		cat "$HA_MARIADB_CNF"
		echo "$1"
	} >"$T/probe.cnf")
}
# DESC STATE ERE NAME: log in to what --resolve gives 127.0.0.1 for.
tls()
{
	found "$1" "$2" "$3" --defaults-file="$T/probe.cnf" \
	    --resolve="$4:127.0.0.1" "mysql://$4:$HA_MARIADB_PORT"
}
require()
{
	sql "ALTER USER probe@localhost REQUIRE $1"
	sql "ALTER USER probe@127.0.0.1 REQUIRE $1"
}
require SSL
found "the account needs TLS, and there is none" CRIT '^Access denied' \
    --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
cnf "ssl-ca = $HA_MARIADB_CA"
tls "... there is" OK writable db.test
require NONE
tls "the certificate bears another name" CRIT '(TLS|SSL).*(verif|cert)' \
    other.test
found "... but the address" OK writable --defaults-file="$T/probe.cnf" "$MYSQL"
openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -days 2 \
    -keyout "$T/key" -out "$T/other.crt" 2>/dev/null
cnf "ssl_ca=\"$T/other.crt\""
tls "another authority" CRIT '(TLS|SSL).*cert' db.test
cnf "ssl-ca = $T/none.crt"
tls "the authority's file is missing: our fault" UNKNOWN \
    "^can't read '$T/none.crt'" db.test

# A greeting that offers no TLS, with the name of a plugin; its length first.
GREETING='\x00\x00\x00\x0a8.0.36\x00\x01\x00\x00\x00abcdefgh\x00'\
'\xff\xf7\x21\x02\x00\x08\x00\x15\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'\
'ijklmnopqrst\x00'
native='\x4a'$GREETING'mysql_native_password\x00'
cnf "ssl-ca = $HA_MARIADB_CA"
serve talk "$native"
found "who offers no TLS gets no login that wants it" CRIT \
    'SSL is required' --defaults-file="$T/probe.cnf" "mysql://127.0.0.1:$port"
shown='^its plugin shows the password to whoever answers; .* needs ssl-ca$'
serve talk "$native" '\x16\x00\x00\x02\xfemysql_clear_password\x00'
found "nobody gets the password in clear" CRIT "$shown" \
    --defaults-file="$HA_MARIADB_CNF" "mysql://127.0.0.1:$port"
sha2='caching_sha2_password\x00'
serve talk "$native" '\x2c\x00\x00\x02\xfe'$sha2'abcdefghijklmnopqrst\x00'
found "... nor by a key that he gives" CRIT "$shown" \
    --defaults-file="$HA_MARIADB_CNF" "mysql://127.0.0.1:$port"
serve talk '\x4a'"$GREETING$sha2" '\x02\x00\x00\x02\x01\x04' \
    '\x05\x00\x00\x04\x01-key'
found "... whatever he begins with" CRIT '^Error in server handshake$' \
    --defaults-file="$HA_MARIADB_CNF" "mysql://127.0.0.1:$port"

## Full, frozen, gone

spawn -o "$T/full" "$TESTS/fill-mariadb"
filler=$pid
wait_until 20 grep -q full "$T/full"
found "MariaDB is full" WARN '^Too many connections$' "$MYSQL"
found "... for a login, too" WARN '^Too many connections$' \
    --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
cnf "ssl-ca = $HA_MARIADB_CA"
tls "... and over TLS" WARN '^Too many connections$' db.test
reap "$filler" TERM

"$TESTS/server" mariadb freeze
found "MariaDB is frozen" CRIT '^no greeting within 300 ms$' \
    -t 300ms "$MYSQL"
within "... said in time" 300 1300
found "... for a login, too" CRIT '^no greeting within 300 ms$' \
    -t 300ms --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
within "... said in time" 300 1300
"$TESTS/server" mariadb thaw
serve talk "$native"
found "a server that does not answer a login" CRIT \
    '^no answer to a login within 300 ms$' -t 300ms "mysql://127.0.0.1:$port"
found "... which logs in" CRIT '^no answer to the login within 300 ms$' \
    -t 300ms --defaults-file="$HA_MARIADB_CNF" "mysql://127.0.0.1:$port"
"$TESTS/server" mariadb stop
# Its threads may take a moment more.
gone()
{
	run ha-probe -F tsv "$MYSQL"
	field 8 | grep -q refused
}
wait_until 5 gone
found "MariaDB is not there" CRIT '^connection refused by 127\.0\.0\.1' "$MYSQL"
found "... for a login, too" CRIT '^connection refused by 127\.0\.0\.1' \
    --defaults-file="$HA_MARIADB_CNF" "$MYSQL"

if [ -n "${HA_OWN_HOSTS-}" ]; then
	library=$(ldconfig -p | sed -n 's/.*libmariadb\.so\.3 .* => //p' | head -n 1)
	cat >"$T/hide" <<-END
		mount --bind /dev/null "$library" && exec "\$@"
	END
	as="unshare --mount sh $T/hide"
	found "without libmariadb there is no login: our fault" UNKNOWN \
	    "^can't load libmariadb\.so\.3 \(package libmariadb3\)" \
	    --defaults-file="$HA_MARIADB_CNF" "$MYSQL"
	as=
else
	skip "without libmariadb" "needs root and namespaces"
fi

# One login that hangs holds up nobody, and nothing of it is left.
serve silent
run ha-probe -F tsv -t 2s "tcp://127.0.0.1:$port" "$MYSQL" \
    --defaults-file="$HA_MARIADB_CNF" "mysql://127.0.0.1:$port"
is "a login that hangs and two that don't" \
    "$(grep -v '^#' "$T/out" | cut -f 5 | sort | tr '\n' ' ')" 'CRIT CRIT OK '

done_testing
