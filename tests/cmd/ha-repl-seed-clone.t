#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-seed-clone.t - an empty replica that MySQL's CLONE fills.
. "$(dirname "$0")/../repl.sh"
in_db mysql 2 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-seed.sh"

nodes
clones gtid pos
clone_alone gtid
clone_breaks gtid
clone_kills gtid 59
with_tls gtid
done_testing
