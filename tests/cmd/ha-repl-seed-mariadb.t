#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-seed-mariadb.t - an empty replica filled by a dump.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 2
. "$(dirname "$0")/../tap.sh"
. "$TESTS/repl-seed.sh"

nodes
for how in gtid pos; do
	seeds
	refusals
	breaks
	kills 7
done
done_testing
