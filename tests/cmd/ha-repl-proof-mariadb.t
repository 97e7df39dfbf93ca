#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-proof-mariadb.t - what point takes for a proof that it replicates.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-proof.sh"

nodes
proofs
demoted
done_testing
