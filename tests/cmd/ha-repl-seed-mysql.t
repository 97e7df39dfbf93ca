#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-seed-mysql.t - an empty replica filled by a dump.
. "$(dirname "$0")/../repl.sh"
in_db mysql 2 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-seed.sh"

# MySQL's own mysqldump, which is not in Debian.
PATH=$("$TESTS/fetch-db" mysql)/bin:$PATH

method=dump
nodes
in_ways gtid pos
breaks gtid
with_tls gtid
done_testing
