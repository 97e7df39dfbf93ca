#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-alert-kill.t - SIGKILL after each system call that writes, of whoever takes
# alerts and whoever delivers them: what was taken is told, whole.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../alert.sh"

TRIALS=${HA_TRIALS:-300}
preload last
conf "channel a file path=$T/a" \
    "channel b file group=20ms path=$T/b" \
    "channel bad exec command=/bin/sh arg=-c arg='exit 65' fallback=c" \
    "channel c file path=$T/c"
seed=${HA_SEED:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
echo "# HA_SEED=$seed"

# "TRIAL ALERTS TAKE FLUSH": how many alerts, and which call is the last one of
# each; 0: all of them.
draw()
{
	awk -v seed="$seed" -v n="$TRIALS" 'BEGIN {
		srand(seed)
		for (i = 1; i <= n; i++)
			print i, 1 + int(rand() * 4), int(rand() * 12),
			    int(rand() * rand() * 120)
	}'
}

alerts()
{
	for n in 1 2 3 4; do
		[ "$n" -le "$2" ] || break
		transition problem "t$1-$n" "check-$1-$n" CRIT "told-$1-$n"
	done
}

# As the shell starts it: who is killed is not told.
doomed()
{
	last=$1
	shift
	if [ "$last" -eq 0 ]; then
		"$@"
	else
		# shellcheck disable=SC2154 # of what is read in, or of eval
		HA_TEST_LAST=$last LD_PRELOAD=$preload "$@"
	fi
} 2>>"$T/log"

trial()
{
	alerts "$1" "$2" >"$T/alerts"
	doomed "$3" ha-alert a b bad <"$T/alerts" && cut -f 12 "$T/alerts"
	case $1 in
	*7) ha-alert --flush -q -T 1s 2>>"$T/log" & ;;
	*) ;;
	esac
	doomed "$4" ha-alert --flush -q -T 1s
	wait
}

is_empty()
{
	ha-alert --flush -q -T 5s 2>>"$T/log"
	[ -z "$(ha-alert --list -F tsv | awk -F '\t' '$3 != "failed"')" ]
}

missing()
{
	cut -f 12 "$1" | sort -u | comm -23 "$T/taken" -
}

draw >"$T/trials"
while read -r number count take flush; do
	trial "$number" "$count" "$take" "$flush"
done <"$T/trials" 2>/dev/null >"$T/taken.all"
sort "$T/taken.all" >"$T/taken"
ok "$TRIALS trials: the queue is empty in the end" wait_until 60 is_empty
ok "... many were taken" \
    test "$(wc -l <"$T/taken")" -gt $((TRIALS / 3))
killed=$(grep -c 'ended by signal 9' "$T/log")
ok "... many were killed" test "$killed" -gt $((TRIALS / 20))
for channel in a b c; do
	is "$channel: all that was taken is told" "$(missing "$T/$channel")" ''
	is "... and whole" "$(awk -F '\t' 'NF != 13' "$T/$channel")" ''
	echo "# $channel: $(wc -l <"$T/$channel") told," \
	    "$(sort -u "$T/$channel" | wc -l) different," \
	    "$(wc -l <"$T/taken") taken"
done
is "no entry was garbage" "$(find "$SPOOL/failed/+new" "$SPOOL/failed/a" \
    "$SPOOL/failed/b" -type f 2>/dev/null)" ''
done_testing
