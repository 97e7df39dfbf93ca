#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-seed-backup.t - an empty replica that mariadb-backup fills, over ssh.
[ -n "${HA_SSH_DIR-}" ] || exec "$(dirname "$0")/../with-sshd" -- "$0"
. "$(dirname "$0")/../repl.sh"
in_db mariadb 2 --gtid
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../repl-seed.sh"

nodes
machines
backups gtid pos
backup_refusals gtid
backup_breaks gtid
backup_kills gtid 41
done_testing
