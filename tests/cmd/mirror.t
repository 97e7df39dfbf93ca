#!/bin/sh
# SPDX-License-Identifier: ISC
#
# mirror.t - the proof: a tree changes at random while links are cut, commands
# killed, the watcher overflows and the reader stalls; then the trees are equal.
#
# HA_SEED replays a run's operations (their times differ), HA_OPERATIONS and
# HA_SECONDS say how many and how long; SOAK_MINUTES repeats it with new seeds.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
needs rsync setfattr

operations=${HA_OPERATIONS:-6000}
seconds=${HA_SECONDS:-25}
queue=/proc/sys/fs/inotify/max_queued_events
queue_before=$(cat $queue)
outages=0 watcher=0 pusher=0 mutator=0 pusher_status=0

random()
{
	od -An -N4 -tu4 /dev/urandom | tr -d ' '
}

# A queue of its own length for each watcher: the kernel reads the limit once.
start_pipe()
{
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	[ ! -w $queue ] || echo 256 >$queue
	spawn -o "$T/pipe" -e "$T/watch.err" ha-watch --quiet-time 200ms "$S"
	watcher=$pid
	spawn -i "$T/pipe" -o "$T/records" -e "$T/push.err" \
	    ha-push --ssh-config "$HA_SSH_CONFIG" --max-delete 1000000 \
	    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} --status "$T/status" "peer:$D"
	pusher=$pid
	outages=$((outages + 1))
	wait_until 10 has_inotify "$watcher"
	[ ! -w $queue ] || echo "$queue_before" >$queue
}

has_inotify()
{
	! kill -0 "$1" 2>/dev/null ||
	    find "/proc/$1/fd" -lname '*inotify' 2>/dev/null | grep -q .
}

gone()
{
	! kill -0 "$1" 2>/dev/null && return
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	*') Z '* | '') return ;;
	esac
	return 1
}

# One of both is dead: the other must end by itself, and the pipe starts anew.
restart_pipe()
{
	ok "$1: the watcher ends" wait_until 20 gone "$watcher"
	ok "$1: ha-push ends" wait_until 70 gone "$pusher"
	reap "$watcher"
	reap "$pusher"
	pusher_status=$status
	start_pipe
}

# One disturbance: each has its turn, at a moment of chance.
disturb()
{
	case $1 in
	cut)
		"$TESTS/link" cut
		outages=$((outages + 1))
		;;
	down)
		"$TESTS/link" down
		sleep 1
		"$TESTS/link" up
		outages=$((outages + 1))
		;;
	freeze)
		"$TESTS/link" freeze
		sleep 1
		"$TESTS/link" thaw
		;;
	overflow)
		kill -STOP "$watcher"
		sleep 1.5
		kill -CONT "$watcher"
		;;
	stall)
		kill -STOP "$pusher"
		sleep 2
		kill -CONT "$pusher"
		;;
	kill-push)
		kill -KILL "$pusher"
		restart_pipe "SIGKILL of ha-push"
		;;
	kill-watch)
		kill -KILL "$watcher"
		restart_pipe "SIGKILL of ha-watch"
		is "SIGKILL of ha-watch: ha-push exits 75" "$pusher_status" 75
		;;
	esac
}

disturb_all()
{
	for disturbance in cut overflow kill-push stall cut down freeze \
	    overflow kill-watch cut; do
		! gone "$mutator" || break
		diag "$disturbance"
		disturb $disturbance
		sleep "0.$(($(random) % 9 + 1))"
	done
}

# Compared not too often: the comparison itself is work.
equal()
{
	sleep 0.3
	[ -z "$(differences 2>&1)" ]
}

differ()
{
	[ -n "$(differences 2>/dev/null)" ]
}

# The checker must see a single difference; cp -a keeps what it is put back to.
mutant()
{
	ok "checker: $1 is seen" differ
}

check_the_checker()
{
	echo content >"$S/mutant"
	ln "$S/mutant" "$S/mutant-link"
	cp -a "$S/mutant" "$D/mutant"
	ln "$D/mutant" "$D/mutant-link"
	touch -r "$S" "$D"
	ok "checker: equal before" same

	printf C | dd of="$D/mutant" conv=notrunc status=none
	touch -r "$S/mutant" "$D/mutant"
	mutant "one byte"
	printf c | dd of="$D/mutant" conv=notrunc status=none
	touch -r "$S/mutant" "$D/mutant"

	chmod 600 "$D/mutant"
	mutant "one mode"
	chmod --reference="$S/mutant" "$D/mutant"

	rm "$D/mutant-link"
	cp -a "$D/mutant" "$D/mutant-link"
	touch -r "$S" "$D"
	mutant "one link"
	ln -f "$D/mutant" "$D/mutant-link"

	echo extra >"$D/extra"
	touch -r "$S" "$D"
	mutant "one extra file"
	rm "$D/extra"
	touch -r "$S" "$D"
	ok "checker: equal after" same
}

show_failure()
{
	diag "seed $seed: HA_SEED=$seed replays it"
	diag "$(differences 2>&1 | head -20 | cat -v)"
	for file in watch.err push.err status; do
		tap_file $file "$T/$file"
	done
	diag "last records:"
	diag "$(tail -5 "$T/records")"
}

one_run()
{
	fresh
	seed=${HA_SEED:-$(random)}
	diag "seed $seed"
	before=$(logins) outages=0
	start_pipe
	spawn -o "$T/mutate.out" -e "$T/mutate.err" "$HA_TOOLS/mutate" \
	    "$seed" "$operations" $((seconds * 1000)) "$S"
	mutator=$pid
	disturb_all
	reap "$mutator"
	is "seed $seed: $(cat "$T/mutate.out")" "$status" 0
	ok "the trees become equal" wait_until 60 equal || show_failure
	ok "at most one login an outage" \
	    test $(($(logins) - before)) -le "$outages"
	reap "$watcher" TERM
	is "the watcher ends with 0" "$status" 0
	reap "$pusher"
	is "ha-push ends with 0" "$status" 0
	ok "the trees are equal" same
	check_the_checker
	rm -rf "${T:?}/$trees"
}

end=$(($(date +%s) + ${SOAK_MINUTES:-0} * 60))
one_run
while [ "$(date +%s)" -lt "$end" ] && [ "$tap_failed" -eq 0 ]; do
	one_run
done
done_testing
