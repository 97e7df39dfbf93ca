#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-proof-mysql56.t - what point takes for a proof that it replicates.
. "$(dirname "$0")/../repl.sh"
in_db mysql56 3
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-proof.sh"

nodes
proofs
done_testing
