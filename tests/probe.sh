# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of tap.sh, the scripts
#
# probe.sh - what the tests of ha-probe over plain sockets share; after tap.sh.
#
#	serve MODE...	start rude: $port, $pid, and its words in $served
#	found DESC STATE ERE ARG...	ha-probe ARG... (one target) finds STATE,
#			says what ERE matches, exits as it must; $ms, $msg, $perf
#			(by $program, with $as before it)
#	within DESC MIN MAX	$ms lies there

served_count=0 as='' program=ha-probe

serve()
{
	served_count=$((served_count + 1))
	served=$T/served.$served_count
	spawn -o "$served" "$HA_TOOLS/rude" "$@"
	wait_until 5 test -s "$served"
	port=$(head -n 1 "$served")
}

# Field N of the only record in the file $T/out.
field()
{
	grep -av '^#' "$T/out" | cut -f "$1"
}

found()
{
	found_desc=$1 found_state=$2 found_words=$3
	shift 3
	# shellcheck disable=SC2086 # $as is a command and its options
	run $as "$program" -F tsv "$@"
	case $found_state in
	OK) found_status=0 ;;
	WARN) found_status=1 ;;
	CRIT) found_status=2 ;;
	*) found_status=3 ;;
	esac
	ms=$(field 6) msg=$(field 8) perf=$(field 9)
	if [ "$(field 5)" != "$found_state" ]; then
		is "$found_desc: state" "$(field 5)" "$found_state"
	elif [ "$status" -ne "$found_status" ]; then
		is "$found_desc: exit status" "$status" "$found_status"
	else
		like "$found_desc" "$msg" "$found_words"
	fi
}

within()
{
	ok "$1" test "${ms%.*}" -ge "$2" -a "${ms%.*}" -le "$3" ||
	    diag "     got: $ms ms"
}
