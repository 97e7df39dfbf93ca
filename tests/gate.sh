# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of tap.sh, the scripts
#
# gate.sh - what the tests of ha-gate share; after tap.sh.
#
#	pass SECONDS	so much time has passed in all: for what $later starts
#	step SECONDS	the wall clock is off by so much more
#	rec CHECK[@HOST] STATE [MSG [TIME]]	a status record on stdout
#	sweep PRODUCER REC...	"CHECK=STATE" records in their frame
#	gate ARG...	run ha-gate by the clock of pass
#	told		what $T/out tells: "EVENT CHECK OLD>NEW; ...", where a
#			sweep's check is sweep:PRODUCER, without its gate
#	state NAME	the file of its state
#
# $later is what to start a command with so that it sees these clocks, which
# stand still.

: >"$T/boot"
: >"$T/wall"
HA_TOOLS=${HA_TOOLS:-${HA_BIN%/bin}/tests}
later="env LD_PRELOAD=$HA_TOOLS/preload/jump.so HA_TEST_CLOCK=$T/wall
    HA_TEST_BOOT=$T/boot"
passed=0 stepped=0 sweeps=0 base=$(date +%s) rec_time=''

pass()
{
	passed=$1
	echo "=$((100000 + passed))" >"$T/boot"
	step 0
}

step()
{
	stepped=$((stepped + $1))
	echo "=$((base + passed + stepped))" >"$T/wall"
	rec_time=$(date -u -d "@$((base + passed + stepped))" +%FT%T.000Z)
}
pass 0

rec()
{
	case $1 in
	*@*) printf '%s\tprobe1\t%s\t%s' "${4:-$rec_time}" "${1#*@}" "${1%@*}" ;;
	*) printf '%s\tprobe1\th1\t%s' "${4:-$rec_time}" "$1" ;;
	esac
	printf '\t%s\t1.5\ttcp://10.0.0.1\t%s\ttime=1.5ms\n' "$2" "${3-words}"
}

sweep()
{
	sweeps=$((sweeps + 1))
	sweep_id=$$-$sweeps
	printf '#begin\tname=%s\tid=%s\n' "$1" $sweep_id
	shift
	for sweep_rec; do
		rec "${sweep_rec%=*}" "${sweep_rec##*=}"
	done
	printf '#end\tid=%s\tn=%d\tworst=OK\n' $sweep_id $#
}

gate()
{
	# shellcheck disable=SC2086 # words
	run $later ha-gate "$@"
}

told()
{
	awk -F '\t' '{
		sub(/^sweep:[^\/]*\//, "sweep:", $8)
		printf "%s%s %s %s>%s", sep, $1, $8, $4, $9
		sep = "; "
	}' "$T/out"
}

state()
{
	echo "$HA_STATE_DIR/gate/$1"
}
