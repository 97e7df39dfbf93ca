#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-gate-sequences.t - the table of sequences in, transitions out, through the
# command and its state's file: tests/gate/sequences says how to read it.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../gate.sh"

number=0 name='' options='' producer='' in=''

begin()
{
	number=$((number + 1)) name=$1 options=''
	: >"$T/rules"
	base=$(date +%s)
	pass 0
}

seconds()
{
	case $1 in
	*s) echo "${1%s}" ;;
	*m) echo $((${1%m} * 60)) ;;
	*h) echo $((${1%h} * 3600)) ;;
	esac
}

operate()
{
	verb=${1%%:*} pattern=${1#*:}
	set -- "g$number" "--$verb"
	[ "$verb" = ack ] || set -- "$@" "${pattern#*:}"
	# shellcheck disable=SC2086 # words
	$later ha-gate "$@" "${pattern%%:*}" --reason why >"$T/op" ||
	    diag "$verb failed"
}

# CHECK=STATE@TIME
take()
{
	state=${1#*=}
	case $state in
	*@*)
		at=$(seconds "${state#*@}")
		rec "${1%%=*}" "${state%@*}" words \
		    "$(date -u -d "@$((base + at))" +%FT%T.000Z)"
		;;
	*) rec "${1%%=*}" "$state" ;;
	esac
}

end_sweep()
{
	printf '#begin\tname=%s\tid=%d-%d\n' "$producer" $$ "$sweeps"
	# shellcheck disable=SC2086 # words
	for record in $in; do
		take "$record"
	done
	[ "$1" = ']' ] ||
	    printf '#end\tid=%d-%d\tn=%d\tworst=OK\n' $$ "$sweeps" "$2"
}

feed()
{
	producer=''
	for word; do
		case $word in
		*'{' | *'[') producer=${word%?} in='' count=0 ;;
		'}' | ']')
			sweeps=$((sweeps + 1))
			end_sweep "$word" "$count"
			producer=''
			;;
		*:*) operate "$word" ;;
		*)
			if [ "$producer" ]; then
				in="$in $word" count=$((count + 1))
			else
				take "$word"
			fi
			;;
		esac
	done
}

batch()
{
	time=${1%% *}
	pass "$(seconds "$time")"
	inputs=${1%%|*}
	expected=${1#*|}
	set -f
	# shellcheck disable=SC2086 # words
	feed ${inputs#* } >"$T/in"
	# What an operator does alone is no batch.
	case $inputs in
	*=* | *'{'* | *'['*)
		# shellcheck disable=SC2086 # words
		gate "g$number" $options -f "$T/rules" <"$T/in"
		is "$name: $1" "$(told)" "${expected# }"
		;;
	esac
	set +f
}

while IFS= read -r line; do
	case $line in
	'== '*) begin "${line#== }" ;;
	'-- '*) options=$(echo "${line#-- }" | sed 's/\(^\| \)/\1--/g') ;;
	'!! '*) echo "${line#!! }" >>"$T/rules" ;;
	'~ ;'*)
		ok "... ${line#\~ }" grep -Fq -e "${line#\~ }" "$T/out"
		;;
	[0-9]*) batch "$line" ;;
	esac
done <"$TESTS/gate/sequences"
done_testing
