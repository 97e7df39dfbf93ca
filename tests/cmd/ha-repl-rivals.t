#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-repl-rivals.t - a cascade as pt-slave-find finds it and as topology does:
# the same where that runs, and more where it is broken.
. "$(dirname "$0")/../repl.sh"
in_db mariadb 3 mysql56 3 mysql 3
. "$(dirname "$0")/../tap.sh"
needs pt-slave-find jq

# "PORT<PORT" of each replica and its source, as they find it.
their_edges()
{
	timeout 60 pt-slave-find --recursion-method=hosts --host 127.0.0.1 \
	    --port "$port" --defaults-file "$cnf" 2>"$T/pt.err" | awk '
		/^[ |]*(\+- )?127\.0\.0\.1:/ {
			deep = index($0, "127") / 3
			sub(/.*:/, "")
			at[int(deep)] = $0
			if (int(deep) > 0)
				print $0 "<" at[int(deep) - 1]
		}' | sort
}

our_edges()
{
	ha-repl topology -F json --defaults-file "$cnf" "127.0.0.1:$port" |
	    jq -r '.edges[] | "\(.replica)<\(.source)"' |
	    sed 's/127.0.0.1://g' | sort
}

# cascade N: of three servers from the N'th on.
cascade()
{
	of "$1" FLAVOUR
	flavour=$of_db
	of "$1" PORT
	port=$of_db
	of "$1" CNF
	cnf=$of_db
	replicate $(($1 + 1)) "$1" pos
	replicate $(($1 + 2)) $(($1 + 1)) pos
	wait_until 10 replicates $(($1 + 1))
	wait_until 10 replicates $(($1 + 2))
	of $(($1 + 1)) PORT
	middle=$of_db
	of $(($1 + 2)) PORT
	edges="$middle<$port
$of_db<$middle"
}

finds_all()
{
	theirs=$(their_edges)
	[ "$theirs" = "$edges" ]
}

found()
{
	ours=$(our_edges)
	[ "$ours" = "$edges" ]
}

for first in 1 4 7; do
	cascade "$first"
	ok "$flavour: topology finds the cascade" wait_until 10 found
	if [ "$flavour" = mysql ]; then
		their_edges >/dev/null
		like "$flavour: pt-slave-find does not know its words" \
		    "$(cat "$T/pt.err")" 'error in your SQL syntax'
	else
		ok "$flavour: so does pt-slave-find" wait_until 10 finds_all
	fi
	# The middle one is gone: what is behind it still says so itself.
	db $((first + 1)) kill
	their_edges >"$T/theirs"
	is "$flavour: a dead one is nowhere in theirs" "$(cat "$T/theirs")" ''
	of $((first + 2)) PORT
	run ha-repl topology --defaults-file "$cnf" "127.0.0.1:$port" \
	    "127.0.0.1:$of_db"
	like "... in ours it is" "$out" "127.0.0.1:$middle +NO ANSWER"
	like "... and who waits for it" "$out" "127.0.0.1:$of_db .*BROKEN"
done
done_testing
