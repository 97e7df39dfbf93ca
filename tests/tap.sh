# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034 # variables are for the scripts
#
# tap.sh - what a test script in shell needs; read it in with
#	. "$(dirname "$0")/../tap.sh"
# It speaks TAP on stdout, so prove(1) runs the scripts.  Descriptions come
# first everywhere; each test has a directory of its own, $T, removed at exit.
#
#	run CMD...		run it: $status, and $out and $err as text (the
#				files $T/out, $T/err); at most RUN_TIMEOUT s
#	ok DESC CMD...		passes when CMD succeeds
#	not_ok DESC CMD...	passes when CMD fails
#	is DESC GOT WANT	equal strings
#	like DESC GOT ERE	some line matches; unlike: none does
#	exits DESC STATUS CMD...	run, and compare the status
#	wait_until SECONDS CMD...	poll each 20 ms; 1 and a diagnosis at the end
#	spawn [-i FILE] [-o FILE] [-e FILE] CMD...	in the background: $pid;
#				the files are opened there (so they may be FIFOs)
#	reap PID [SIGNAL]	send SIGNAL if given, wait: $status
#	skip DESC REASON	counts as passed
#	skip_all REASON		and end
#	lacks REASON		that, and a failure where CI=true; needs CMD... is
#				it for what is not installed
#	plan N, done_testing, diag TEXT

TOP=$(cd "$(dirname "$0")" && while [ ! -f Makefile ] && [ "$PWD" != / ]; do
	cd ..
done && pwd)
TESTS=$TOP/tests
HA_BIN=$(cd "$TOP" && cd "${HA_BIN:-build/bin}" && pwd) || exit 1
case $PATH in
"$HA_BIN":*) ;;
*) PATH=$HA_BIN:$PATH ;;
esac
T=$(mktemp -d "${TMPDIR:-/tmp}/ha-test.XXXXXX") || exit 1
HA_RUN_DIR=$T/ha-run HA_STATE_DIR=$T/ha-state HA_CONFIG_DIR=$T/ha-config
mkdir "$HA_RUN_DIR" "$HA_STATE_DIR" "$HA_CONFIG_DIR"
export PATH TOP TESTS HA_BIN T HA_RUN_DIR HA_STATE_DIR HA_CONFIG_DIR
unset SSH_AUTH_SOCK
LC_ALL=C.UTF-8
# With LD_PRELOAD a sanitizer is no longer the first library.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}verify_asan_link_order=0
export LC_ALL ASAN_OPTIONS

status=0 out='' err='' pid=0
tap_count=0 tap_failed=0 tap_ran='' tap_spawned='' tap_planned=''

tap_cleanup()
{
	tap_status=$?
	trap - EXIT INT TERM HUP
	for tap_pid in $tap_spawned; do
		kill -CONT "$tap_pid" && kill -TERM "$tap_pid"
	done 2>/dev/null
	for tap_pid in $tap_spawned; do
		tap_end "$tap_pid"
	done 2>/dev/null
	tap_unmount
	rm -rf "$T"
	[ "$tap_failed" -eq 0 ] || [ "$tap_status" -ne 0 ] || tap_status=1
	exit "$tap_status"
}

# Two seconds for a child to leave by itself.
tap_end()
{
	tap_left=100
	while kill -0 "$1" && [ $((tap_left -= 1)) -gt 0 ]; do
		case $(cat "/proc/$1/stat") in
		*') Z '*) break ;;
		esac
		sleep 0.02
	done
	kill -KILL "$1"
	wait "$1"
}

tap_unmount()
{
	awk -v t="$T/" 'index($5, t) == 1 { print $5 }' /proc/self/mountinfo |
	    sort -r | while read -r tap_point; do
		umount "$(printf %b "$tap_point")"
	done
}

tap_traps()
{
	trap 'exit 130' INT
	trap 'exit 143' TERM
	trap 'exit 129' HUP
}

trap tap_cleanup EXIT
tap_traps

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /' >&2
}

plan()
{
	tap_planned=$1
	echo "1..$1"
}

done_testing()
{
	[ -n "$tap_planned" ] || echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
	exit
}

tap_file()
{
	[ -s "$2" ] || return 0
	diag "$1:"
	head -c 8000 "$2" | sed 's/^/#     /' | cat -v >&2
}

# 0 or 1, then the description.
tap_result()
{
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $2"
	diag "failed: $2"
	if [ -n "$tap_ran" ]; then
		diag "last command: $tap_ran"
		diag "exit status: $status"
		tap_file stdout "$T/out"
		tap_file stderr "$T/err"
	fi
	return 1
}

ok()
{
	tap_desc=$1
	shift
	"$@"
	tap_result $? "$tap_desc"
}

not_ok()
{
	tap_desc=$1
	shift
	! "$@"
	tap_result $? "$tap_desc"
}

is()
{
	[ "$2" = "$3" ]
	tap_result $? "$1" || {
		diag "     got: '$2'"
		diag "expected: '$3'"
		return 1
	}
}

like()
{
	printf '%s\n' "$2" | grep -Eq -e "$3"
	tap_result $? "$1" || {
		diag "            got: '$2'"
		diag "does not match: '$3'"
		return 1
	}
}

unlike()
{
	! printf '%s\n' "$2" | grep -Eq -e "$3"
	tap_result $? "$1" || {
		diag "       got: '$2'"
		diag "yet matches: '$3'"
		return 1
	}
}

run()
{
	tap_ran="$*"
	status=0
	case $(command -v -- "$1") in
	*/*)
		timeout -k 5 "${RUN_TIMEOUT:-60}" "$@" >"$T/out" 2>"$T/err" ||
		    status=$?
		;;
	*)
		"$@" >"$T/out" 2>"$T/err" || status=$?
		;;
	esac
	# A NUL byte can't stand in a shell's variable.
	out=$(tr -d '\000' <"$T/out")
	err=$(tr -d '\000' <"$T/err")
	return 0
}

exits()
{
	tap_desc=$1 tap_want=$2
	shift 2
	run "$@"
	is "$tap_desc" "$status" "$tap_want"
}

# Hundredths of a second since the machine started, in $tap_now.
tap_clock()
{
	read -r tap_now _ </proc/uptime
	tap_now=$((${tap_now%.*} * 100 + 1${tap_now#*.} - 100))
}

wait_until()
{
	tap_limit=$1
	shift
	tap_clock
	tap_deadline=$((tap_now + tap_limit * 100))
	until "$@"; do
		tap_clock
		if [ "$tap_now" -ge "$tap_deadline" ]; then
			diag "waited $tap_limit s in vain for: $*"
			return 1
		fi
		sleep 0.02
	done
}

spawn()
{
	tap_in=/dev/null tap_out=/dev/null tap_err=
	while [ "${1#-}" != "$1" ]; do
		case $1 in
		-i) tap_in=$2 ;;
		-o) tap_out=$2 ;;
		-e) tap_err=$2 ;;
		esac
		shift 2
	done
	# Reset before the fork: a signal that meets the child before its
	# exec must not be lost in the shell's handler.
	trap - INT TERM HUP
	(
		trap - EXIT
		[ -z "$tap_err" ] || exec 2>"$tap_err"
		exec "$@" <"$tap_in" >"$tap_out"
	) &
	pid=$!
	tap_traps
	tap_spawned="$tap_spawned $pid"
}

reap()
{
	[ -z "${2-}" ] || kill -"$2" "$1"
	status=0
	wait "$1" 2>/dev/null || status=$?
	tap_left=
	for tap_pid in $tap_spawned; do
		[ "$tap_pid" = "$1" ] || tap_left="$tap_left $tap_pid"
	done
	tap_spawned=$tap_left
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	exit 0
}

lacks()
{
	[ "${CI-}" != true ] || {
		echo "Bail out! $*"
		exit 1
	}
	skip_all "$@"
}

needs()
{
	for tap_program; do
		command -v "$tap_program" >/dev/null ||
		    lacks "$tap_program is not installed (make deps)"
	done
}
