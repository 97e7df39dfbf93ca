# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables are for the scripts
#
# stat.sh - what the tests of ha-stat's checks share.  After tap.sh.
#
#	look [OPTION...] CHECK	run ha-stat for one check: $state, $msg, $perf
#	finds DESC STATE ERE CHECK	the state, and words in the message

look()
{
	run ha-stat -F tsv "$@"
	state=$(grep -v '^#' "$T/out" | cut -f 5)
	msg=$(grep -v '^#' "$T/out" | cut -f 8)
	perf=$(grep -v '^#' "$T/out" | cut -f 9)
}

finds()
{
	stat_desc=$1 stat_state=$2 stat_words=$3
	shift 3
	look "$@"
	is "$stat_desc: $stat_state" "$state" "$stat_state"
	like "... in words" "$msg" "$stat_words"
}
