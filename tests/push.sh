# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of tap.sh, the scripts
#
# push.sh - what the tests of ha-push share; read in after tap.sh.
#
#	fresh			new empty trees $S (source) and $D (peer)
#	push ARG...		ha-push with the test's ssh configuration (a program,
#				as run() limits the time of programs only); with
#				HA_TRANSPORT in the environment, --transport too
#	header [EXTRA], rec OP KIND PATH [NEWPATH]	print a stream's lines
#	feed ARG...		run push ARG... peer:$D with a whole stream: header,
#				the lines of $T/list, #end
#	begin ARG...		start push ARG... peer:$D in the background
#	send OP KIND PATH [NEWPATH], line TEXT	give it a record, a line
#	barrier			wait until all that was sent is on the peer
#	finish			#end, wait: $status
#	same			do $S and $D agree in everything?

trees=0 seq=0

fresh()
{
	trees=$((trees + 1)) seq=0
	S=$T/$trees/src D=$T/$trees/dst
	mkdir -p "$S" "$D"
}

mkdir "$T/bin"
cat >"$T/bin/push" <<'END'
#!/bin/sh
exec ha-push --ssh-config "$HA_SSH_CONFIG" \
    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} "$@"
END
chmod +x "$T/bin/push"
PATH=$T/bin:$PATH

header()
{
	printf '#ha-watch\tv=1\troot=%s\tdev=%s\tino=%s\tboot=%s%s\n' "$S" \
	    "$(stat -c %d "$S")" "$(stat -c %i "$S")" \
	    "$(cat /proc/sys/kernel/random/boot_id)" "${1-}"
}

record()
{
	printf '%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$1" "$4" "${5:--}"
}

rec()
{
	seq=$((seq + 1))
	record "$seq" "$@"
}

feed()
{
	{
		header "${excludes-}"
		cat "$T/list"
		echo '#end'
	} >"$T/stream"
	run push "$@" "peer:$D" <"$T/stream"
}

begin()
{
	rm -f "$T/in"
	mkfifo "$T/in"
	: >"$T/acks"
	spawn -i "$T/in" -o "$T/records" -e "$T/words" \
	    ha-push --ssh-config "$HA_SSH_CONFIG" --acks "$T/acks" \
	    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} \
	    --status "$T/status" "$@" "peer:$D"
	pusher=$pid
	exec 7>"$T/in"
	line "$(header "${excludes-}")"
}

# In a subshell: SIGPIPE must not end the test.
line()
{
	(printf '%s\n' "$1" >&7)
}

send()
{
	seq=$((seq + 1))
	line "$(record "$seq" "$@")"
}

acked()
{
	awk -F '\t' -v op="$1" -v path="$2" '
		$1 == op && $4 == path { found = 1 }
		END { exit !found }' "$T/acks"
}

barrier()
{
	token=token$seq
	send S - "$token"
	wait_until "${BARRIER_SECONDS:-30}" acked S "$token" || {
		tap_file records "$T/records"
		tap_file words "$T/words"
		tap_file status "$T/status"
		return 1
	}
}

finish()
{
	line '#end'
	exec 7>&-
	reap "$pusher"
}

# Has a record with this state been written?
said()
{
	grep -Eq "^[^#	]+	[^	]*	[^	]*	[^	]*	$1	" "$T/records"
}

# The state of the last record.
state()
{
	awk -F '\t' '!/^#/ { state = $5 } END { print state }' "$T/records"
}

in_state()
{
	[ "$(state)" = "$1" ]
}

differences()
{
	rsync -aniHAXc --numeric-ids --delete "$@" "$S/" "$D/"
}

same()
{
	[ -z "$(differences "$@" 2>&1 | tee "$T/differences")" ] || {
		diag "$(head -20 "$T/differences")"
		return 1
	}
}

logins()
{
	"$TESTS/link" logins
}
