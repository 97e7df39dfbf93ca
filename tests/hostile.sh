# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of the scripts
#
# hostile.sh - what the tests under hostile conditions share; read in after
# push.sh.
#
#	arena			fresh(), something beside the target, and a new
#				count of logins
#	sound DESC LOGINS	all is as it should be after an outage
#	pipe ARG...		start ha-watch "$S" | push ARG... peer:$D in the
#				background: $watcher, $pusher
#	end_pipe		end ha-watch and wait for both: $watch_status,
#				$status
#	equal			as same, without a word: to be waited for
#	serve LINE...		restart sshd with these lines in its configuration

# What a run may take; the tables of paths come on top (MEMORY).
MEMORY=48
watcher=''
cp "$HA_SSH_DIR/sshd_config" "$T/sshd_config"

beside()
{
	(
		cd "$T/$trees" || exit
		find . \( -path ./src -o -path ./dst \) -prune -o \
		    -printf '%p %y %m %U %s %T@ %l\n' | sort
		cat beside/*/file
	)
}

arena()
{
	fresh
	mkdir -p "$T/$trees/beside/dst" "$T/$trees/dst.old"
	echo mine >"$T/$trees/beside/dst/file"
	ln -s ../dst "$T/$trees/beside/link"
	beside >"$T/beside"
	before=$(logins)
}

# The most memory that a process has had, in MiB.
peak()
{
	awk '$1 == "VmHWM:" { print int($2 / 1024) }' "/proc/$1/status"
}

lean()
{
	used=$(peak "$1")
	[ "$used" -le "$MEMORY" ] || {
		diag "$used MiB, more than $MEMORY"
		return 1
	}
}

equal()
{
	[ -z "$(differences 2>&1)" ]
}

sound()
{
	wait_until 30 equal
	ok "$1: the trees are equal" same
	is "$1: logins" "$(($(logins) - before))" "$2"
	is "$1: nothing is written beside the target" "$(beside)" \
	    "$(cat "$T/beside")"
	ok "$1: ha-push's memory is bounded" lean "$pusher"
	[ -z "$watcher" ] ||
	    ok "$1: ha-watch's memory is bounded" lean "$watcher"
}

pipe()
{
	rm -f "$T/pipe"
	mkfifo "$T/pipe"
	: >"$T/acks"
	spawn -o "$T/pipe" -e "$T/watch.err" ha-watch --quiet-time 200ms "$S"
	watcher=$pid
	spawn -i "$T/pipe" -o "$T/records" -e "$T/words" \
	    ha-push --ssh-config "$HA_SSH_CONFIG" --acks "$T/acks" \
	    --status "$T/status" "$@" "peer:$D"
	pusher=$pid
}

end_pipe()
{
	reap "$watcher" TERM
	watch_status=$status watcher=
	reap "$pusher"
}

# Not all keywords go by their first mention.
serve()
{
	cp "$T/sshd_config" "$HA_SSH_DIR/sshd_config"
	for setting; do
		sed -i "/^${setting%% *} /d" "$HA_SSH_DIR/sshd_config"
		echo "$setting" >>"$HA_SSH_DIR/sshd_config"
	done
	"$TESTS/link" down
	"$TESTS/link" up
}
