#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-point-mariadb.t - the four topologies built by point alone, and what it refuses.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3
. "$(dirname "$0")/../tap.sh"
. "$TESTS/repl-point-topologies.sh"

nodes
for how in gtid pos; do
	topologies
	refusals
done
done_testing
