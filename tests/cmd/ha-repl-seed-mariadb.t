#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-seed-mariadb.t - an empty replica filled by a dump.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 2
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-seed.sh"

nodes
in_ways gtid pos
breaks gtid
full_disk
with_tls gtid
done_testing
