#!/bin/sh
# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of tap.sh, the scripts
#
# readme.sh - what the tests share that type README's words on the two hosts of
# with-pair; after tap.sh.
#
#	install_on_both	the commands, as "make install" does
#	section=WORDS	a heading of README; below it:
#	block STEP N	the Nth block of code of a step
#	type_block STEP N [HOST]	... into a root shell; stdin comes after it
#	step STEP N [HOST]	... without
#	cron_job N FILE	run the Nth job of a file of web1's /etc/cron.d as cron
#			does; what it prints is what cron mails: $mail
#	start_monit	on web1, with /etc/monit/conf.d
#	monit_says NAME ERE	does its status of a service match?

W1=${HA_PAIR_DIR-}/web1 W2=${HA_PAIR_DIR-}/web2

# On a host; on is for conditions, too.
on()
{
	timeout -k 5 120 "$TESTS/pair" on "$@"
}

# What stands in $section for a step: its number, or the bold words it begins
# with.
step_lines()
{
	awk -v step="$1" -v section="$section" '
		/^## / { here = $0 == "## " section }
		here && blank && /^\*\*/ {
			name = substr($0, 3)
			sub(/[.*,].*/, "", name)
		}
		here && name == step { print }
		{ blank = /^$/ }' "$TOP/README.md"
}

# block STEP N: the Nth block of code in it.
block()
{
	step_lines "$1" | awk -v n="$2" '
		/^```/ { open = !open; count += open; next }
		open && count == n { print }'
}

# The host that a step's first words name; web1 when they name none.
host_of()
{
	case $(step_lines "$1" | head -n 1) in
	*" web2: "*) echo web2 ;;
	*) echo web1 ;;
	esac
}

# Type a block into a root shell, and then what is on stdin here.
type_block()
{
	block "$1" "$2" >"$T/block"
	[ -s "$T/block" ] || {
		diag "README has no block $2 in step $1"
		exit 1
	}
	cat "$T/block" - >"$T/typed"
	run "$TESTS/pair" on "${3:-$(host_of "$1")}" bash -e <"$T/typed"
}

step()
{
	type_block "$@" </dev/null
}

## Installed

install_on_both()
{
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL make -s -C "$TOP" \
	    B="$(echo "${HA_BIN%/bin}" | sed "s|^$TOP/||")" \
	    DESTDIR="$T/dest" PREFIX=/usr/local install || exit
	for host in "$W1" "$W2"; do
		cp -a "$T/dest/usr/local/." "$host/usr/local/"
	done
}

## cron

cron_job()
{
	file=$W1/etc/cron.d/$2
	grep -v '^#\|^$\|^[A-Za-z_]* *=' "$file" | sed -n "$1p" >"$T/job"
	read -r _ _ _ _ _ user job <"$T/job"
	# shellcheck disable=SC2046 # words, without blanks
	set -- $(sed -n 's/^\([A-Za-z_]*\) *= */\1=/p' "$file")
	is "cron: a job for root" "$user" root
	unlike "cron: no %, which would be the job's input" "$job" '%'
	run "$TESTS/pair" on web1 env -i HOME=/root LOGNAME=root \
	    SHELL=/bin/sh PATH=/usr/bin:/bin "$@" /bin/sh -c "$job"
	mail=$(cat "$T/out" "$T/err")
}

## monit

start_monit()
{
	cat >"$T/monitrc" <<-END
		set daemon 1
		set log /var/log/monit.log
		set idfile /run/monit.id
		set statefile /run/monit.state
		set pidfile /run/monit.pid
		set httpd unixsocket /run/monit.sock
		    allow localhost
		include /etc/monit/conf.d/*
	END
	mkdir -p "$W1/etc/monit/conf.d"
	install -m 600 "$T/monitrc" "$W1/etc/monit/monitrc"
	: >"$W1/etc/monit/conf.d/none"
	spawn -e "$T/monit.err" "$TESTS/pair" on web1 monit -I \
	    -c /etc/monit/monitrc
	ok "monit: it runs" wait_until 30 test -S "$W1/run/monit.sock"
}

monit_says()
{
	on web1 monit -B status "$1" | grep -Eq "$2"
} 2>/dev/null
