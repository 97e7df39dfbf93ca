#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-point-mysql56.t - the four topologies, built by point alone,
# and what it refuses.
. "$(dirname "$0")/../repl.sh"
in_db mysql56 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-point-topologies.sh"

nodes
points pos
done_testing
