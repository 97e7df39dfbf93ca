#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl check names what is wrong with a pair of MySQL 9.7.
. "$(dirname "$0")/../repl.sh"
. "$(dirname "$0")/../repl-check.sh"
in_own_net
in_db mysql 3 --gtid
. "$(dirname "$0")/../tap.sh"
check_all
