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
#				background, each below the words of $watch_as,
#				$push_as: $watcher, $pusher
#	end_pipe		end ha-watch and wait for both: $watch_status,
#				$status
#	equal			as same, without a word: to be waited for
#	words ERE		has ha-push said that, in words or as a record?
#	arrived NAME...		are these files on the peer as they are here?
#	gone NAME		is there no such file on the peer?
#	sending			is a part of a file "big" on the peer?
#	serve LINE...		restart sshd with these lines in its configuration

# The most that a command may have used, in MiB; a sanitizer uses more.
MEMORY=32
! grep -q __asan_init "$HA_BIN/ha-push" || MEMORY=1024
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
	# Now: the children would do it later.
	: >"$T/acks"
	: >"$T/records"
	: >"$T/words"
	# shellcheck disable=SC2086 # words
	spawn -o "$T/pipe" -e "$T/watch.err" \
	    ${watch_as-} ha-watch --quiet-time 200ms "$S"
	watcher=$pid
	# shellcheck disable=SC2086 # words
	spawn -i "$T/pipe" -o "$T/records" -e "$T/words" \
	    ${push_as-} ha-push --ssh-config "$HA_SSH_CONFIG" --acks "$T/acks" \
	    ${HA_TRANSPORT:+"--transport=$HA_TRANSPORT"} \
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

words()
{
	grep -Eq "$1" "$T/words" "$T/records"
}

arrived()
{
	for name; do
		cmp -s "$S/$name" "$D/$name" || return 1
	done
}

gone()
{
	! [ -e "$D/$1" ]
}

sending()
{
	[ -n "$(find "$D" -name '.big*' -size +0)" ]
}
