#!/bin/sh
# SPDX-License-Identifier: ISC
#
# common.t - hold every command to the rules that all of them share.
. "$(dirname "$0")/../tap.sh"

ESC=$(printf '\033')
HEAVY='libssh2|libcrypto|libssl|libcurl|libmysql|libmariadb'

# The libraries that a command may load and others must not.
may_load()
{
	case $1 in
	ha-push) echo 'libssh2|libcrypto' ;;
	*) echo '^$' ;;
	esac
}

# What bad usage ends with: of a check it is UNKNOWN (ha(7), EXIT STATUS).
usage_status()
{
	case $1 in
	ha-probe | ha-stat) echo 3 ;;
	ha-keep) echo 125 ;;
	*) echo 64 ;;
	esac
}

# Is there something that it does when it is called without operands?
works_alone()
{
	[ "$1" = ha-stat ]
}

# Something that makes the command write to stdout by itself.
job()
{
	case $1 in
	ha-watch)
		mkdir -p "$T/tree"
		set -- ha-watch "$T/tree"
		;;
	ha-push)
		printf 'Host *\nHostName 127.0.0.1\nPort 1\n' >"$T/ssh_config"
		mkdir -p "$T/tree"
		set -- ha-push -T 1s -C "$T/tree" --all \
		    --ssh-config "$T/ssh_config" peer:/nonexistent
		;;
	ha-role)
		ha-role set standby --reason test >"$T/role"
		set -- ha-role show
		;;
	ha-probe)
		set -- ha-probe -F tsv tcp://127.0.0.1:1
		;;
	ha-stat)
		set -- ha-stat load
		;;
	ha-repl)
		set -- ha-repl check -t 1s -F tsv 127.0.0.1:1
		;;
	ha-keep)
		set -- ha-keep --status -F tsv none
		;;
	ha-act)
		printf '#begin\n' | ha-act -- true
		return
		;;
	ha-gate)
		printf '2026-11-23T00:55:00Z\tweb1\t-\tx\tCRIT\t1\t-\tdown\t-\n' |
		    ha-gate common
		return
		;;
	ha-alert)
		set -- ha-alert --queue -F tsv
		;;
	*)
		set -- "$1" --help
		;;
	esac
	"$@"
}

wide_lines()
{
	awk 'length($0) > 80' "$1"
}

# A descriptor 9 that nobody reads.
broken_pipe()
{
	rm -f "$T/fifo"
	mkfifo "$T/fifo"
	# shellcheck disable=SC2094 # so that the second one does not block
	exec 8<>"$T/fifo" 9>"$T/fifo" 8<&-
}

in_table()
{
	"$1" --dump-options | awk -F '\t' '
		/^#/ { next }
		$1 != "-" { print "-" $1 }
		$2 != "-" { print "--" $2 }' | sort -u
}

in_man()
{
	awk '$1 == ".It" && $2 == "Fl" {
		for (i = 2; i < NF; i++)
			if ($i == "Fl")
				print "-" $(i + 1)
	}' "$TOP/man/$1.1" | sort -u
}

no_control_bytes()
{
	! LC_ALL=C tr -d '\011\012\015\040-\176\200-\377' <"$1" | grep -q .
}

help()
{
	for option in -h --help; do
		exits "$1 $option" 0 "$1" $option
		like "$1 $option goes to stdout" "$out" "^Usage: $1 "
		is "$1 $option: nothing on stderr" "$err" ''
	done
	is "$1 --help keeps to 80 columns" "$(wide_lines "$T/out")" ''
	for option in -V --version; do
		exits "$1 $option" 0 "$1" $option
		like "$1 $option names a version" "$out" "^$1 [0-9]+\.[0-9]"
	done
}

bad_usage()
{
	want=$(usage_status "$1")
	exits "$1 with an unknown option" "$want" "$1" --no-such-option
	like "$1 names the unknown option" "$err" "^$1: .*--no-such-option"
	is "$1: nothing on stdout" "$out" ''
	exits "$1 with an unknown letter" "$want" "$1" -@
	like "$1 names the unknown letter" "$err" "^$1: .*-@"
	if works_alone "$1"; then
		run "$1"
		like "$1 without operands says something" "$out" .
	else
		exits "$1 without operands" "$want" "$1"
	fi
	run "$1" "--${ESC}[31m" "${ESC}[31m"
	ok "$1 escapes what it quotes" no_control_bytes "$T/err"
}

write_fails()
{
	for option in --help --version --dump-options; do
		"$1" $option >/dev/full 2>"$T/err"
		not_ok "$1 $option to a full disk" test $? -eq 0
		ok "$1 $option says so" test -s "$T/err"
		broken_pipe
		"$1" $option >&9 2>"$T/err"
		not_ok "$1 $option to a closed pipe" test $? -eq 0
		is "$1 $option ends without a word" "$(cat "$T/err")" ''
		exec 9>&-
		"$1" $option >&- 2>"$T/err"
		not_ok "$1 $option without a stdout" test $? -eq 0
	done
}

job_full()
{
	job "$1" >/dev/full
}

job_closed()
{
	job "$1" >&9
}

# In a subshell, as run() takes a function only without a time limit.
job_fails()
{
	run timeout -k 5 20 "$0" --job "$1" full
	not_ok "$1 to a full disk" test "$status" -eq 0
	isnt_timeout "$1 to a full disk ends"
	like "$1 tells of the full disk" "$err" 'No space left|[Ww]rit'
	run timeout -k 5 20 "$0" --job "$1" closed
	not_ok "$1 to a closed pipe" test "$status" -eq 0
	isnt_timeout "$1 to a closed pipe ends"
	unlike "$1 to a closed pipe ends without a word" "$err" '[Pp]ipe|stdout'
}

isnt_timeout()
{
	not_ok "$1" test "$status" -eq 124 -o "$status" -eq 137
}

tables()
{
	is "$1: options of table and man page" "$(in_man "$1")" \
	    "$(in_table "$1")"
	ok "ha(7) names $1" grep -q "^\.It Xr $1 1\$" "$TOP/man/ha.7"
	mkdir -p "$T/completions"
	ok "$1: completions can be made" \
	    "$TOP/completions/generate" "$T/completions" "$HA_BIN/$1"
	for file in "$1.bash" "_$1" "$1.fish"; do
		run diff "$TOP/completions/$file" "$T/completions/$file"
		is "completions/$file is as generated" "$status" 0
	done
}

# "LETTER NAME..." of those with several long names.  -f and -o name what is in
# the file; ha-push has had its -T for longer.
letters()
{
	for binary in "$HA_BIN"/*; do
		"$binary" --dump-options
	done | awk -F '\t' '!/^#/ && $1 != "-" { print $1, $2 }' | sort -u |
	    awk '{ names[$1] = names[$1] " " $2; count[$1]++ }
		END { for (l in names) if (count[l] > 1) print l names[l] }' |
	    sort
}

libraries()
{
	loaded=$(ldd "$HA_BIN/$1" | grep -E "$HEAVY" |
	    grep -Ev "$(may_load "$1")")
	is "$1 loads no library that is not its own" "$loaded" ''
}

if [ "${1-}" = --job ]; then
	[ "$3" = full ] || broken_pipe
	"job_$3" "$2"
	exit
fi
for binary in "$HA_BIN"/*; do
	command=${binary##*/}
	help "$command"
	bad_usage "$command"
	write_fails "$command"
	job_fails "$command"
	tables "$command"
	libraries "$command"
done
is "a letter has one long name" "$(letters)" 'T give-up total
f checks nodes rules targets
o output records'
not_ok "there are commands" test "$HA_BIN/*" = "$binary"

# The shells themselves read what was generated.
for shell in bash zsh fish; do
	command -v $shell >/dev/null || {
		skip "completions in $shell" "$shell is not installed"
		continue
	}
	case $shell in
	bash) set -- "$TOP"/completions/*.bash ;;
	zsh) set -- "$TOP"/completions/_* ;;
	fish) set -- "$TOP"/completions/*.fish ;;
	esac
	for file; do
		exits "$shell reads ${file##*/}" 0 $shell -n "$file"
	done
done
done_testing
