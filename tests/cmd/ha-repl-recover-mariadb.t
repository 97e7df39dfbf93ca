#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-recover-mariadb.t - point, killed at each place.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-recover.sh"

nodes
recoveries gtid pos
restarted
done_testing
