# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034 # $made is for the scripts
#
# cache.sh - what tests download or make once, in $HA_CACHE, for all of them.
#
#	cached NAME CMD...	$made is the directory $HA_CACHE/NAME; when it
#			is not there, CMD DIR fills it (its status is returned
#			when it fails).  One that is not as it was made is made
#			again.  Any number may ask at once, and be killed.
#
# What nobody has asked for in 7 days is removed.

# Of each file its name and size: what a full disk or a hand does shows.
listing()
{
	(cd "$1" && find . -type f ! -name .files -printf '%s %p\n' |
	    LC_ALL=C sort)
}

intact()
{
	[ -f "$1/.files" ] &&
	    listing "$1" | cmp -s - "$1/.files"
}

# In a subshell, which holds the lock while it lives.
make_cached()
{
	made=$1
	shift
	exec 9>"$made.lock"
	flock 9
	! intact "$made" || return 0
	rm -rf "$made.part" "$made"
	mkdir "$made.part" || return
	("$@" "$made.part") || {
		failed=$?
		rm -rf "$made.part"
		return "$failed"
	}
	listing "$made.part" >"$made.part/.files" &&
	    mv -T "$made.part" "$made"
}

cached()
{
	made=$HA_CACHE/$1
	shift
	mkdir -p "$HA_CACHE" || return
	intact "$made" || {
		find "$HA_CACHE" -mindepth 1 -maxdepth 1 -mtime +7 \
		    -exec rm -rf {} +
		(make_cached "$made" "$@") || return
	}
	touch "$made"
}

# Those that a starter of servers gives another $HOME share it, too.
if [ -z "${HA_CACHE-}" ]; then
	HA_CACHE=${HOME:-$(getent passwd "$(id -u)" | cut -d : -f 6)}/.cache
	HA_CACHE=${XDG_CACHE_HOME:-$HA_CACHE}/ha-utils
fi
export HA_CACHE
