#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-recover-mysql-pos.t - point, killed at each place.
. "$(dirname "$0")/../repl.sh"
in_db mysql 3 --config 'gtid-mode = OFF' \
    --config 'enforce-gtid-consistency = OFF'
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-recover.sh"

nodes
recoveries pos
restarted
done_testing
