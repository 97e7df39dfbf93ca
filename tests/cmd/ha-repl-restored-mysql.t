#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-restored-mysql.t - what was set is set again when a change fails.
. "$(dirname "$0")/../repl.sh"
in_db mysql 3 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-proof.sh"

nodes
restored
done_testing
