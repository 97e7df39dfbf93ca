#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-recover-mysql56.t - point, killed at each place.
. "$(dirname "$0")/../repl.sh"
in_db mysql56 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-recover.sh"

nodes
recoveries pos
restarted
done_testing
