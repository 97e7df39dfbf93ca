# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of tap.sh
#
# lint.sh - what the tests of ha-repl lint share, beside repl.sh.
#
#	nodes N		writes repl.conf: db1 to dbN
#	lint TOPOLOGY [OPTION...]	runs it as a person sees it: $status, $out
#	found		what was found, "db1:log-bin" each, sorted, in one line
#	mend N		does to db1 to dbN what lint's output says, word by word:
#			statements are executed, lines of my.cnf put there and
#			the server started again; fails when there are words
#			that are neither.  Its ha-repl point gets a login, and
#			$point_options
#	mend_this TOPOLOGY N	lint, then mend
#	words WORD...	with a blank between each
#	finds_and_mends WHAT TOPOLOGY N FOUND STATUS
#			lint finds this; what it prints is done; it finds nothing
#	breaks TOPOLOGY I STATEMENT RULE STATUS
#			... after this statement on the I-th
#	finds TOPOLOGY FOUND STATUS WHAT
#			what it can only say, not mend

nodes()
{
	nodes_left=$1 nodes_used=$1
	while [ "$nodes_left" -gt 0 ]; do
		eval "echo db$nodes_left 127.0.0.1:\$HA_DB_${nodes_left}_PORT \
		    defaults-file=\$HA_DB_${nodes_left}_CNF"
		nodes_left=$((nodes_left - 1))
	done | sort >"$HA_CONFIG_DIR/repl.conf"
}

lint()
{
	lint_topology=$1
	shift
	run ha-repl lint --topology="$lint_topology" -F table "$@"
}

found()
{
	printf '%s\n' "$out" | sed -n \
	    's/^\(db[0-9]*\)  [A-Z]*  \([a-z-]*\): .*/\1:\2/p' |
	    LC_ALL=C sort -u | tr '\n' ' ' | sed 's/ $//'
}

# The mends of one node, a line each.
mends()
{
	printf '%s\n' "$out" | awk -v node="$1" '
		/^[^ ]/ { is_it = $1 == node; is_mend = 0 }
		/^  why/ { is_mend = 0 }
		/^  mend  / { is_mend = 1 }
		is_it && is_mend { print substr($0, 9) }'
}

# Its statements, and then its lines of my.cnf behind a restart.
mend_node()
{
	mends "db$1" >"$T/mends"
	sed -n 's/^\[mysqld\] //p' "$T/mends" >"$T/lines"
	grep -v '^\[mysqld\] ' "$T/mends" | while read -r mend_line; do
		case $mend_line in
		'SET '* | 'STOP '* | 'START '* | 'CHANGE '* | 'ALTER '*)
			sql "$1" "$mend_line" </dev/null || return
			;;
		'ha-repl '*) printf '%s\n' "$mend_line" >>"$T/commands" ;;
		*)
			diag "no statement: $mend_line"
			return 1
			;;
		esac
	done || return
	[ -s "$T/lines" ] || return 0
	db "$1" stop || return
	mend_node=$1
	set --
	while read -r mend_line; do
		set -- "$@" "$mend_line"
	done <"$T/lines"
	db "$mend_node" start "$@"
}

# What is done to replicate comes last: it needs settled servers.
mend()
{
	mend_of=0
	: >"$T/commands"
	while [ $((mend_of += 1)) -le "$1" ]; do
		mend_node "$mend_of" || return
	done
	while read -r mend_line; do
		# shellcheck disable=SC2086 # words
		$mend_line --credentials "$HA_DB_REPL_CNF" --no-tls \
		    ${point_options-} 2>"$T/said" </dev/null || {
			diag "$mend_line: $(cat "$T/said")"
			return 1
		}
	done <"$T/commands"
}

words()
{
	echo "$*"
}

mend_this()
{
	lint "$1"
	mend "$2"
}

finds_and_mends()
{
	lint "$2"
	is "$1: what is found" "$(found)" "$4"
	is "$1: exit status" "$status" "$5"
	ok "$1: what it says is done" mend "$3"
	lint "$2"
	is "$1: and then nothing is found" "$(found)" ''
	is "$1: and it is OK" "$status" 0
}

breaks()
{
	sql "$2" "$3" || diag "refused: $3"
	finds_and_mends "$3" "$1" "$nodes_used" "db$2:$4" "$5"
}

finds()
{
	lint "$1"
	is "$4: what is found" "$(found)" "$2"
	is "$4: exit status" "$status" "$3"
}
