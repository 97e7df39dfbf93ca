#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-point-mysql-pos.t - the four topologies, built by point alone,
# and what it refuses.
. "$(dirname "$0")/../repl.sh"
in_db mysql 3 --config 'gtid-mode = OFF' \
    --config 'enforce-gtid-consistency = OFF'
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-point-topologies.sh"

nodes
points pos
done_testing
