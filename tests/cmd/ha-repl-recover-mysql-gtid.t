#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-recover-mysql-gtid.t - point, killed at each place.
. "$(dirname "$0")/../repl.sh"
in_db mysql 3 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-recover.sh"

nodes
recoveries gtid
done_testing
