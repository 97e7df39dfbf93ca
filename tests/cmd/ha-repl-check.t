#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl check names what is wrong with a pair of MariaDB.
. "$(dirname "$0")/../repl.sh"
. "$(dirname "$0")/../repl-check.sh"
in_own_net
in_db mariadb 3 --gtid
. "$(dirname "$0")/../tap.sh"
check_all
