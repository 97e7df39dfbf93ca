#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-restored-mysql56.t - what was set is set again when a change fails.
. "$(dirname "$0")/../repl.sh"
in_db mysql56 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-proof.sh"

nodes
restored
done_testing
