#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-cut-mariadb.t - point, cut off from the replica at one statement after the
# other.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-cut.sh"

nodes
cuts
done_testing
