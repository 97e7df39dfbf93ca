#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-point-mariadb.t - the four topologies, built by point alone,
# and what it refuses.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-point-topologies.sh"

nodes
points gtid pos
done_testing
