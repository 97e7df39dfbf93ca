#!/bin/sh
# SPDX-License-Identifier: ISC
#
# checks-monit.t - a real monit runs ha-probe and ha-stat as their manual pages
# have it: a server is broken and mended, and monit's own status shows both.
if [ -z "${HA_WEB_DIR-}" ]; then
	exec "$(dirname "$0")/../with-web" -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
needs monit

# monit splits at blanks, whatever the quotes: none in the path.
bin=$T/bin
mkdir "$bin"
ln -s "$HA_BIN/ha-probe" "$HA_BIN/ha-stat" "$bin"
printf '%s\n' "nginx  proc:pidfile=$HA_WEB_DIR/pid" \
    'root   disk:/ used=100%,100%' >"$T/stat"
echo "web  http://127.0.0.1:$HA_WEB_HTTP/health" >"$T/targets"

# Of a text with the paths of an installation: those of this test.
adjust()
{
	sed "s|/usr/local/bin/|$bin/|
		s|https://[a-z0-9.]*/|http://127.0.0.1:$HA_WEB_HTTP/health|
		s|/etc/ha/|$T/|"
}

# The block of a manual page that begins with a word, as a reader sees it.
block()
{
	awk -v word="$2" '
		/^\.Bd / { open = 1; text = ""; next }
		/^\.Ed/ && open {
			if (index(text, word) == 1)
				printf "%s", text
			open = 0
		}
		open {
			gsub(/\\e/, "\\")
			gsub(/\\\(dq/, "\"")
			gsub(/\\&/, "")
			text = text $0 "\n"
		}' "$TOP/man/$1.1"
}

monit_of()
{
	monit -B -c "$T/monitrc" "$@"
}

begin_control()
{
	cat >"$T/monitrc" <<-END
		set daemon 1
		set log $T/log
		set idfile $T/id
		set statefile $T/state
		set pidfile $T/pid
		set httpd unixsocket $T/socket
		    allow localhost
	END
	chmod 600 "$T/monitrc"
}

state_is()
{
	monit_of status "$1" 2>/dev/null | grep -Eq "^  status +$2\$"
}

last_output()
{
	monit_of status "$1" | sed -n 's/^  last output  *//p'
}

in_summary()
{
	monit_of summary | sed -n "s/^ $1  *\\(.*[^ ]\\)  *Program *\$/\\1/p"
}

logged()
{
	grep -q "$1" "$T/log"
} 2>/dev/null

## The snippets that are shipped

for command in ha-probe ha-stat; do
	begin_control
	adjust <"$TOP/cmd/$command/$command.monit" >>"$T/monitrc"
	exits "$command.monit passes monit -t" 0 monit_of -t
	like "... it says so" "$out" '^Control file syntax OK$'
	is "... every program is there" "$err" ''
done

## Those of the manual pages, and a server that breaks

begin_control
for command in ha-probe ha-stat; do
	block $command 'check program' | adjust >"$T/block"
	is "$command.1 has one block for monit" \
	    "$(grep -c '^check program' "$T/block")" 1
	cat "$T/block" >>"$T/monitrc"
done
exits "both pass monit -t" 0 monit_of -t || done_testing
probe=$(sed -n 's/^check program //p' "$T/monitrc" | head -n 1)
spawn -e "$T/monit.err" monit -I -c "$T/monitrc"
monit=$pid
ok "monit runs" wait_until 10 test -S "$T/socket"
for name in "$probe" ha-stat; do
	ok "$name: OK" wait_until 20 state_is "$name" OK
done
like "... in our words" "$(last_output "$probe")" ' OK - 200 OK\|time='
like "... and ha-stat's" "$(last_output ha-stat)" '^HA-STAT OK - 2 checks OK'

"$TESTS/server" web stop
for name in "$probe" ha-stat; do
	ok "nginx is dead, $name: failed" \
	    wait_until 20 state_is "$name" 'Status failed'
	is "... in the summary" "$(in_summary "$name")" 'Status failed'
done
like "... in our words" "$(last_output "$probe")" \
    " CRIT - connection refused by 127\.0\.0\.1:$HA_WEB_HTTP"
like "... and ha-stat's" "$(last_output ha-stat)" \
    '^HA-STAT CRIT - 1 of 2 not OK: nginx CRIT '
like "... the mail would have them" "$(cat "$T/log")" \
    "'$probe' status failed .2. -- http.* CRIT - connection refused"

"$TESTS/server" web start
for name in "$probe" ha-stat; do
	ok "nginx is back, $name: OK" wait_until 20 state_is "$name" OK
	is "... in the summary" "$(in_summary "$name")" OK
done
reap "$monit" TERM
is "monit ends" "$status" 0

## The snippet of ha-gate: a state that nobody writes any more

printf '2026-11-23T00:55:00Z\tweb1\t-\tx\tOK\t1\t-\tup\t-\n' | ha-gate web
gate=$HA_STATE_DIR/gate/web
begin_control
# Not by touch -d: monit takes the later of mtime and ctime.
sed "s|/var/lib/ha/gate/web|$gate|; s|5 minutes|5 seconds|" \
    "$TOP/cmd/ha-gate/ha-gate.monit" >>"$T/monitrc"
exits "ha-gate.monit passes monit -t" 0 monit_of -t
spawn -e "$T/monit.err" monit -I -c "$T/monitrc"
ok "a state that is new: OK" wait_until 20 state_is ha-gate-web OK
ok "an old one: failed" \
    wait_until 20 state_is ha-gate-web 'Timestamp failed'
touch "$gate"
ok "it is written again: OK" wait_until 20 state_is ha-gate-web OK
rm "$gate"
ok "it is gone: failed" wait_until 20 state_is ha-gate-web 'Does not exist'
reap "$pid" TERM

## Foreign bytes: monit writes what it gets into its log and its mails

printf 'line of %02000d\n' 0 >"$T/long"
printf '#!/bin/sh\n%s\n%s\n%s\n' \
    'printf "a\033[31mb\033]0;t\007\r\t\377\n\033[2Jsecond\n"' \
    'printf "\033[31mto stderr\n" >&2' 'exit 2' >"$T/plugin"
chmod 755 "$T/plugin"
rm -f "$T/log" "$T/state"
begin_control
serve banner '220 x'
banner=$port
serve bye "$(cat "$T/long")"
# name, program, arguments
hostile()
{
	printf 'check program %s with path "%s"\n    if %s\n' "$1" "$bin/$2" \
	    'status != 0 then alert' >>"$T/monitrc"
}
hostile banner "ha-probe -F nagios -t 1 tcp://127.0.0.1:$banner -e reply~^OK"
hostile mail "ha-probe -F nagios -t 1 smtp://127.0.0.1:$banner"
hostile ssh "ha-probe -F nagios -t 1 ssh://127.0.0.1:$banner"
hostile redis "ha-probe -F nagios -t 1 redis://127.0.0.1:$banner"
hostile long "ha-probe -F nagios tcp://127.0.0.1:$port -e reply~^OK"
hostile plugin "ha-stat -F nagios exit:$T/plugin"
hostile usage "ha-probe -F nagios --nonesuch tcp://127.0.0.1:$port"
hostile stat-usage "ha-stat -F nagios nonesuch"
spawn -e "$T/monit.err" monit -I -c "$T/monitrc"
names=$(sed -n 's/^check program \([^ ]*\) .*/\1/p' "$T/monitrc")
for name in $names; do
	ok "hostile: $name: failed" \
	    wait_until 20 state_is "$name" 'Status failed'
	ok "... logged" wait_until 10 logged "'$name' status failed"
done
reap "$pid" TERM
unlike "one line each, and no word of stderr" "$(cat "$T/log")" \
    '^HA-|^[a-z]*://|second|to stderr'
is "no control byte in it" \
    "$(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$T/log" | cat -v)" ''
ok "no invalid UTF-8 in it" iconv -f UTF-8 -t UTF-8 -o /dev/null "$T/log"
is "nothing was cut: 400 bytes of ours, monit takes 512" \
    "$(sed -n 's/.* status failed ([0-9]) -- //p' "$T/log" |
	LC_ALL=C awk 'length($0) > 399')" ''
like "... of a long one" \
    "$(sed -n "s/.*'long' status failed (2) -- //p" "$T/log" |
	LC_ALL=C awk 'length($0) > 150')" 'line of 000'
like "mistakes are told, too" "$(cat "$T/log")" \
    "'usage' status failed .3. -- HA-PROBE UNKNOWN - .*--nonesuch"
like "... ha-stat's" "$(cat "$T/log")" \
    "'stat-usage' status failed .3. -- HA-STAT UNKNOWN - 'nonesuch'"
done_testing
