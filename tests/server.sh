# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables are for the starters
#
# server.sh - what the starters of real servers (with-sshd, ...) share.
#
# A starter sets $name, reads this file in, defines what is below, and calls
# main "$@".  For root all happens, if it can, in mount and PID namespaces of
# their own, and nothing that was started or mounted stays.
#
#	option ARG...	take the first one; taken=2 when it has a value; 1 when
#			it is not known (the default: there are none)
#	prepare		what is made once, in $dir: keys, data
#	configure	for the $ports free ones from $port on: configuration,
#			$dir/start, which becomes the server, and $dir/ready,
#			which succeeds when it serves; exports what CMD finds
#	up, down	start and stop; the default ones run these, so that
#			tests/server can do it too; $dir/listening is removed
#			before a start.  launch and halt are what they do, for
#			a starter of many.
#	clash		the last start failed as a port was taken
#
# CMD finds HA_NAME_DIR and HA_NAME_PID, too: $dir, and the server's process
# id.  $dir is private, its tmp is CMD's TMPDIR and its home CMD's HOME; $log is
# what is shown when the server does not start, $pidfile has the process id.

die()
{
	echo "with-$name: $*" >&2
	exit 125
}

# In a plain chroot there are none: its root is no mount point.
have_namespaces()
{
	[ "$(id -u)" -eq 0 ] && unshare --mount true 2>/dev/null
}

require()
{
	for program; do
		command -v "$program" >/dev/null ||
		    die "$program is not installed (make deps)"
	done
}

option()
{
	return 1
}

prepare()
{
	:
}

# A zombie has not been waited for, and that is all it still wants, unless its
# other threads are still on their way out, with its files.
alive()
{
	case $(cat "/proc/$1/stat" 2>/dev/null) in
	'') return 1 ;;
	*') Z '*) [ -e "/proc/$1/task" ] &&
	    [ "$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null |
	        wc -l)" -gt 1 ] ;;
	esac
}

# A group of its own, so that what it starts can be stopped with it.
launch()
{
	left=${patience:-500}
	rm -f "$dir/listening"
	setsid sh "$dir/start" </dev/null 3<&- >>"$log" 2>&1 &
	echo $! >"$pidfile"
	until sh "$dir/ready" </dev/null 3<&- >/dev/null 2>&1; do
		alive $! && [ $((left -= 1)) -gt 0 ] || return 1
		sleep 0.02
	done
	alive $!
}

halt()
{
	pid=$(cat "$pidfile" 2>/dev/null)
	[ -n "$pid" ] || return 0
	kill -KILL "-$pid" 2>/dev/null
	while alive "$pid"; do
		sleep 0.02
	done
	rm -f "$pidfile"
}

up()
{
	launch
}

down()
{
	halt
}

clash()
{
	grep -qi 'address already in use\|cannot bind\|could not bind' "$log"
}

# Nothing of this machine has one of the $ports from $port on.
free()
{
	some='' number=$port
	while [ "$number" -lt $((port + ports)) ]; do
		some="$some|$(printf %04X "$number")"
		number=$((number + 1))
	done
	! cat /proc/net/tcp /proc/net/tcp6 /proc/net/udp /proc/net/udp6 \
	    2>/dev/null |
	    grep -Eq "^ *[0-9]+: [0-9A-F]+:(${some#|}) "
}

# Below the ports that the kernel gives to clients, others at a clash.
listen()
{
	tries=20
	while [ $((tries -= 1)) -gt 0 ]; do
		port=$((20000 + $(od -An -N2 -tu2 /dev/urandom) % 12000))
		free || continue
		: >"$log"
		configure
		up && return
		down
		clash || break
	done
	cat "$log" >&2
	die "the server did not start"
}

stop()
{
	trap '' INT TERM
	[ -z "$command" ] || kill "$command" 2>/dev/null
	down
}

serve()
{
	command=
	trap '' HUP
	trap 'exit 143' INT TERM
	trap stop EXIT
	prepare
	listen
	server=$(cat "$pidfile")
	eval "HA_${upper}_DIR=\$dir HA_${upper}_PID=\$server"
	export "HA_${upper}_DIR" "HA_${upper}_PID"
	HOME=$dir/home
	# What CMD leaves behind, as when it is killed, goes with the rest.
	TMPDIR=$dir/tmp
	export HOME TMPDIR
	unset SSH_AUTH_SOCK
	"$@" <&3 3<&- &
	command=$!
	result=0
	wait "$command" || result=$?
	command=
	return "$result"
}

leave()
{
	trap '' INT TERM
	# KILL for the init of a namespace is the end of everything in it.
	[ -z "$server" ] || kill -"$last" "$server" 2>/dev/null
	wait
	rm -rf "$dir"
}

# The part that stays outside of the namespaces, and the directory.
supervise()
{
	server='' last=TERM
	dir=$(mktemp -d "${TMPDIR:-/tmp}/ha-$name.XXXXXX") || exit 125
	chmod 755 "$dir"
	mkdir "$dir/home" "$dir/tmp"
	chmod 1777 "$dir/tmp"
	trap leave EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	if have_namespaces; then
		last=KILL
		setpriv --pdeathsig KILL unshare --mount --pid --fork \
		    --kill-child --mount-proc "$0" --inside "$dir" "$@" &
	else
		"$0" --inside "$dir" "$@" &
	fi
	server=$!
	result=0
	wait "$server" || result=$?
	server=
	exit "$result"
}

main()
{
	if [ "${1-}" != --inside ]; then
		# The shell would give a background command /dev/null for its
		# stdin.
		exec 3<&0
		supervise "$@"
	fi
	dir=$2 log=$2/log pidfile=$2/pid
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		taken=1
		option "$@" || die "unknown option $1"
		shift "$taken"
	done
	[ $# -gt 1 ] || die "no command"
	shift
	serve "$@"
}

PATH=$PATH:/usr/sbin
upper=$(echo "$name" | tr '[:lower:]' '[:upper:]')
ports=1
here=$(cd "$(dirname "$0")" && pwd)
HA_TOOLS=${HA_TOOLS:-${here%/*}/build/tests}
