#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-seed-mysql56.t - what can't be dumped is said before anything is done.
. "$(dirname "$0")/../repl.sh"
in_db mysql56 2
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-seed.sh"

nodes
make_table 1
insert 1 3
seed
is 'mariadb-dump does not understand it' "$status" 78
like 'says so' "$err" 'MySQL.s own mysqldump'
is 'nothing is done' "$(sql 2 "SHOW DATABASES LIKE 't'")" ''
ok 'no journal is left' no_journal
ok 'the source is not locked' insert 1 1

# A newer one can't log in there.
PATH=$("$TESTS/fetch-db" mysql)/bin:$PATH
seed
is "MySQL's own mysqldump fails" "$status" 69
like 'says why' "$err" 'mysql_native_password'
is 'nothing is done then' "$(sql 2 "SHOW DATABASES LIKE 't'")" ''
ok 'no journal is left by that' no_journal
ok 'the source is not locked any more' insert 1 1
done_testing
