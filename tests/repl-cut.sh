# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-cut.sh - ha-repl point, whose connection to the replica breaks off at
# one of its statements.
#
#	cuts		n2 between n1 and n3
. "$TESTS/repl-point.sh"

# One that has a journal has to be recovered, and any has to be whole.
is_whole()
{
	case $status in
	0 | 69 | 75) [ ! -e "$HA_STATE_DIR/repl/relayed.journal" ] ;;
	70)
		run ha-repl recover relayed
		[ "$status" -eq 0 ]
		;;
	*) false ;;
	esac || return
	wait_until 10 replicates 2 && insert 1 1 && in_step 1 2
}

one_cut()
{
	relayed 2 cut "$1"
	sed -i "s/^relayed .* defaults/relayed 127.0.0.1:$relay_port defaults/
	    " "$HA_CONFIG_DIR/repl.conf"
	case $1 in
	*[13579]) to=n3 ;;
	*) to=n1 ;;
	esac
	set -- --gtid "$gtid" --credentials "$HA_DB_REPL_CNF"
	[ "$gtid" != no ] || set -- "$@" --assume-equal='nobody writes'
	insert 1 1
	in_step 1 2 && in_step 1 3
	run ha-repl point relayed --source "$to" -T 20 "$@"
	first="$status $err"
	is_whole && [ "${first%% *}" != 0 ]
	set -- $?
	unrelayed
	return "$1"
}

cuts()
{
	gtid=slave_pos
	case $HA_DB_FLAVOUR in
	mysql) gtid=auto ;;
	mysql56) gtid=no how=pos ;;
	esac
	how=${how-gtid}
	point 2 1 --empty
	point 3 1 --empty
	make_table 1
	seed=${HA_SEED:-$$}
	diag "HA_SEED=$seed"
	at=$((1 + seed % 4)) broken='' count=0
	while [ "$at" -le 45 ] && [ -z "$broken" ]; do
		one_cut "$at" || broken="$at: $first; $status $err"
		count=$((count + 1))
		at=$((at + 4))
	done
	is "whole after each of $count cuts" "$broken" ''
}
