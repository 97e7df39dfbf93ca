# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables are for the scripts
#
# keep.sh - what the tests of ha-keep share.  After tap.sh.
#
#	keep NAME [OPTION...] -- CMD...	in the background: $pid, $T/NAME.err
#	stopped NAME PID	stop it, and wait: $status
#	look NAME...		run --status: $status, $state, $msg, $perf
#	finds DESC STATE ERE NAME	the state, and words in the message
#	number LABEL		of the performance data
#	starts FILE		how often a command that appends to FILE began
#	marked WORD		this test's processes that have the argument WORD
#	runs WORD, gone WORD	is there one, is there none?
#	slow, slow_s		a factor for times, as a sanitizer needs

slow=1
case $HA_BIN in
*san*) slow=5 ;;
esac

keep()
{
	keep_name=$1
	shift
	spawn -o "$T/$keep_name.out" -e "$T/$keep_name.err" \
	    ha-keep --name "$keep_name" "$@"
}

stopped()
{
	ha-keep --stop "$1" 2>"$T/stop.err" || diag "$(cat "$T/stop.err")"
	reap "$2"
}

look()
{
	run ha-keep --status -F tsv "$@"
	state=$(grep -v '^#' "$T/out" | cut -f 5)
	msg=$(grep -v '^#' "$T/out" | cut -f 8)
	perf=$(grep -v '^#' "$T/out" | cut -f 9)
}

finds()
{
	look "$4"
	is "$1: $2" "$state" "$2"
	like "... in words" "$msg" "$3"
}

number()
{
	printf '%s\n' "$perf" | tr ' ' '\n' | sed -n "s/^$1=\([0-9]*\).*/\1/p"
}

starts()
{
	if [ -e "$1" ]; then
		wc -l <"$1"
	else
		echo 0
	fi
}

started()
{
	[ "$(starts "$1")" -ge "$2" ]
}

state_is()
{
	[ "$(ha-keep --status -F tsv "$1" 2>/dev/null | grep -v '^#' |
	    cut -f 5)" = "$2" ]
}

says()
{
	ha-keep --status -F tsv "$1" 2>/dev/null | grep -v '^#' | cut -f 8 |
	    grep -Eq -e "$2"
}

told()
{
	grep -Eq -e "$2" "$T/$1.err"
}

# Of this test, which may run twice at a time, by $T in the environment.
# Zombies have no arguments; grep(1)'s own must not have the word.
marked()
{
	printf '%s\n' "$1" >"$T/word"
	grep -lsxzF -f "$T/word" /proc/[0-9]*/cmdline |
	    while IFS=/ read -r _ _ keep_id _; do
		read -r keep_comm <"/proc/$keep_id/comm" || continue
		[ "$keep_comm" != ha-keep ] || continue
		grep -qxzF "T=$T" "/proc/$keep_id/environ" && echo "$keep_id"
	done 2>/dev/null
}

runs()
{
	[ -n "$(marked "$1")" ]
}

gone()
{
	[ -z "$(marked "$1")" ]
}

# The keeper below the process that was called.
below()
{
	read -r keep_child _ <"/proc/$1/task/$1/children"
	echo "$keep_child"
}

# A zombie counts: somebody may not wait for it.
ended()
{
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'' | *') Z '*) ;;
	*) return 1 ;;
	esac
}
