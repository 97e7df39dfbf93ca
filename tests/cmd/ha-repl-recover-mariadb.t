#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-recover-mariadb.t - point, killed at each place.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-recover.sh"

nodes
for how in gtid pos; do
	recoveries
done
restarted
done_testing
