#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-insecure.t - caching_sha2_password at an address that is not loopback.
. "$(dirname "$0")/../repl.sh"
in_db mysql 1 --config 'bind-address = *'
. "$(dirname "$0")/../tap.sh"

elsewhere=$(hostname -I | tr ' ' '\n' | grep -m 1 -v :)
[ -n "$elsewhere" ] || skip_all 'no other address'
of 1 PORT
port=$of_db
of 1 CNF
sed 's/^host *=.*//; s/^protocol *=.*//' "$of_db" >"$T/my.cnf"
chmod 600 "$T/my.cnf"

# As a new connection, for which no server remembers the password.
show()
{
	sql 1 'FLUSH PRIVILEGES'
	run ha-repl show "$elsewhere:$port" --defaults-file "$T/my.cnf" "$@"
}

show
is 'a certificate that nobody knows: 77' "$status" 77
show --insecure='a test'
is '--insecure: exit 0' "$status" 0
[ "$status" -eq 0 ] || diag "$err"
like '... it answers' "$out" '9\.'
echo skip-ssl >>"$T/my.cnf"
show --insecure='a test'
is '--insecure, in clear: 77' "$status" 77
like '... said' "$out" 'shows the password'
done_testing
