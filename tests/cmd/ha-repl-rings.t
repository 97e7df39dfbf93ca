#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl check on a ring of MariaDB in which all write.
. "$(dirname "$0")/../repl.sh"
. "$(dirname "$0")/../repl-rings.sh"
in_db mariadb 3 --gtid --config-of 1 'gtid-domain-id = 1' \
    --config-of 2 'gtid-domain-id = 2' --config-of 3 'gtid-domain-id = 3'
. "$(dirname "$0")/../tap.sh"
check_rings
