# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables are for the scripts
#
# alert.sh - what the tests of ha-alert share; read in after tap.sh.
#
#	conf LINE...		alert.conf of these lines, each sent at once
#	transition EVENT INCIDENT CHECK [STATE [MSG]]	a record of now; the
#				incident began at 08:50
#	places			"N CHANNEL PLACE" of the entries, counted
#	preload NAME		$preload: LD_PRELOAD's value with it
#	sink [ANSWER]...	start tests/alert-sink: $port; what it got is in
#				$T/sink (lines) and $T/saved (N.head, N.body)
#	smtp_script MODE...	start tests/smtp-script: $port; $T/talk
#	sends DESC STATUS WORDS CHANNEL...	what --test says

HA_TOOLS=$(cd "$TOP" && cd "${HA_TOOLS:-${HA_BIN%/bin}/tests}" && pwd)
SPOOL=$HA_STATE_DIR/alert

conf()
{
	# shellcheck disable=SC2094 # it is written once
	{
		echo 'default group=0'
		printf '%s\n' "$@"
	} >"$HA_CONFIG_DIR/alert.conf"
	chmod 600 "$HA_CONFIG_DIR/alert.conf"
}

transition()
{
	case $1 in
	problem) tr_old=OK ;;
	*) tr_old=CRIT ;;
	esac
	printf '%s\t20261123T0850Z-%s\t%s\t%s\t%s\tweb2\tweb1\t%s\t%s\t1.0\t%s\t%s\t-\n' \
	    "$1" "$2" 2026-11-23T08:50:01.250Z "$tr_old" \
	    "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)" "$3" "${4:-CRIT}" \
	    tcp://web1:80 "${5:-connection refused}"
}

places()
{
	ha-alert --list -F tsv | cut -f 2,3 | sort | uniq -c |
	    sed 's/^ *//; s/\t/ /'
}

preload()
{
	preload=$HA_TOOLS/preload/$1.so
	[ -r "$preload" ] || lacks "$1.so is not built"
	preload=${LD_PRELOAD:+$LD_PRELOAD:}$preload
}

sink()
{
	rm -rf "$T/sink" "$T/saved" "$T/port"
	mkdir "$T/saved"
	[ -z "$sink_pid" ] || reap "$sink_pid" TERM
	spawn -o "$T/port" "$HA_TOOLS/alert-sink" --save "$T/saved" "$T/sink" "$@"
	sink_pid=$pid
	wait_until 5 test -s "$T/port"
	port=$(cat "$T/port")
}
sink_pid=''

sends()
{
	sends_desc=$1 sends_status=$2 sends_words=$3
	shift 3
	run ha-alert --test "$@"
	is "$sends_desc: exit $sends_status" "$status" "$sends_status"
	like "... its words" "$err" "$sends_words"
}

smtp_script()
{
	rm -f "$T/talk" "$T/port"
	[ -z "$script_pid" ] || reap "$script_pid" TERM
	spawn -o "$T/port" "$TESTS/smtp-script" "$T/talk" "$@"
	script_pid=$pid
	wait_until 5 test -s "$T/port"
	port=$(cat "$T/port")
}
script_pid=''
