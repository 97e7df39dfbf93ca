#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl check on a ring of MySQL 9.7 in which all write.
. "$(dirname "$0")/../repl.sh"
. "$(dirname "$0")/../repl-rings.sh"
in_db mysql 3 --gtid
. "$(dirname "$0")/../tap.sh"
check_rings
