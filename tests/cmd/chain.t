#!/bin/sh
# SPDX-License-Identifier: ISC
#
# chain.t - from a check to a person, as cron calls it: real servers stop and
# start, mails and webhooks arrive, and what dies in between loses nothing.
if [ -z "${HA_SMTP_DIR-}" ]; then
	exec "$(dirname "$0")/../with-smtp" -- "$0" "$@"
fi
if [ -z "${HA_WEB_DIR-}" ]; then
	exec "$(dirname "$0")/../with-web" -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../alert.sh"
needs monit script unshare

URL=http://127.0.0.1:$HA_WEB_HTTP/health
INBOX=$T/inbox

# A state of its own; the rest of the arguments are lines of alert.conf.
fresh()
{
	HA_STATE_DIR=$T/state.$1
	SPOOL=$HA_STATE_DIR/alert
	mkdir "$HA_STATE_DIR"
	rm -f "$INBOX"
	shift
	conf "$@" "channel book file path=$INBOX" 'alias ops book'
}

# As cron runs a line; $mail is what it would mail.  Nothing is on stdin.
cron()
{
	run env -i HOME=/ LOGNAME=root SHELL=/bin/sh \
	    PATH="$HA_BIN:/usr/bin:/bin" HA_STATE_DIR="$HA_STATE_DIR" \
	    HA_RUN_DIR="$HA_RUN_DIR" HA_CONFIG_DIR="$HA_CONFIG_DIR" \
	    setsid /bin/sh -c "$1" <&-
	mail=$(cat "$T/out" "$T/err")
}

# A minute of a crontab.
minute()
{
	cron "$1"
	line_status=$status line_mail=$mail
	cron 'ha-alert --flush -q'
	flush_status=$status
	mail=$line_mail$mail
}

web()
{
	"$TESTS/server" web "$1"
}

# What the inbox has got: EVENT CHECK STATE, one a line.
got()
{
	[ ! -e "$INBOX" ] || awk -F '\t' '{ print $1, $8, $9 }' "$INBOX"
}

words()
{
	tail -n 1 "$INBOX" | cut -f 12
}

silent()
{
	minute "$2"
	is "$1: statuses" "$line_status $flush_status" "0 0"
	is "... nothing that cron would mail" "$mail" ''
}

web_up()
{
	ha-probe -q "$URL" >/dev/null
}

## A service stops and starts

fresh service
echo "web $URL" >"$T/targets"
chain="ha-probe -f $T/targets | ha-gate web --down 2 -R 1s -- ha-alert ops"
silent "all is well" "$chain"
is "... nobody is told" "$(got)" ''
web stop
silent "down once" "$chain"
is "... nobody is told" "$(got)" ''
silent "down twice" "$chain"
is "... one message" "$(got)" 'problem web CRIT'
like "... of why" "$(words)" '^connection refused by 127\.0\.0\.1:'
silent "still down" "$chain"
is "... not told again" "$(got)" 'problem web CRIT'
reminded()
{
	minute "$chain"
	got | grep -qx 'reminder web CRIT'
}
ok "a reminder after a second" wait_until 10 reminded
web start
silent "up again" "$chain"
is "... told" "$(got | uniq)" 'problem web CRIT
reminder web CRIT
recovery web OK'
silent "still up" "$chain"
is "... once" "$(got | grep -c recovery)" 1
is "all of one incident" "$(cut -f 2 "$INBOX" | sort -u | grep -c .)" 1

# A message that nobody got yet and its end are one.
rm "$INBOX"
conf "channel book exec command=$T/pager" 'alias ops book'
printf '#!/bin/sh\nexit 1\n' >"$T/pager"
chmod +x "$T/pager"
chain="ha-probe -f $T/targets | ha-gate web -- ha-alert ops"
web stop
cron "$chain"
cron 'ha-alert --flush -q -T 1s'
is "down, and no message gets through" "$status $mail" '0 '
like "... it waits" "$(ha-alert --list)" 'problem web CRIT'
web start
cron "$chain"
printf '#!/bin/sh\n%s\n' "cat >>$INBOX" "echo . >>$T/pages" >"$T/pager"
exits "--retry all, as the page has it" 0 \
    sh -c 'ha-alert --retry all && ha-alert --flush'
is "one message" "$(cat "$T/pages")" .
is "... of both" "$(got)" 'problem web CRIT
recovery web OK'

## ha-alert is not there, or fails

fresh fails
web stop
broken()
{
	minute "ha-probe -f $T/targets | ha-gate web -- $2"
	is "$1: 75" "$line_status" 75
	like "... said" "$line_mail" '^ha-gate: '
	is "... nobody is told" "$(got)" ''
}
broken "ha-alert is missing" '/nonexistent/ha-alert ops'
broken "it is killed" "sh -c 'kill -9 \$\$' ops"
: >"$SPOOL"
broken "it can't write its spool" 'ha-alert ops'
like "... which it says" "$line_mail" "^ha-alert: .*$SPOOL"
rm "$SPOOL"
chain="ha-probe -f $T/targets | ha-gate web -- ha-alert ops"
silent "it works again" "$chain"
is "... and is told the same" "$(got)" 'problem web CRIT'
silent "and once more" "$chain"
is "... no second time" "$(got)" 'problem web CRIT'

## ha-act starts it again

fresh act
cat >"$T/start-web" <<END
#!/bin/sh
export HA_WEB_DIR='$HA_WEB_DIR' PATH=/usr/sbin:/usr/bin:/bin
exec '$TESTS/server' web start
END
chmod +x "$T/start-web"
chain="ha-probe -f $T/targets | ha-gate web --flap 0 -t 1m -- \
    sh -c 'ha-act -m web --backoff 0 -l 2/10m -- $T/start-web | ha-alert ops'"
minute "$chain"
is "down: the line is done" "$line_status" 0
ok "... it was started" web_up
is "... both are told" "$(got)" 'problem web CRIT
recovery act:web OK'
like "... and what came of it" "$(words)" 'start-web: ended with 0 in'
silent "it is well" "$chain"
is "... told" "$(got | tail -n 1)" 'recovery web OK'
web stop
minute "$chain"
ok "down again: started" web_up
minute "$chain"
rm "$INBOX"
web stop
minute "$chain"
not_ok "the third time it is not" web_up
is "... which is told" "$(got)" 'problem web CRIT
problem act:web CRIT'
like "... the limit" "$(words)" '2 .*10m'
minute "$chain"
not_ok "nor later" web_up
rm "$INBOX"
web start
silent "started by hand" "$chain"
is "... both have recovered" "$(got)" 'recovery web OK
recovery act:web OK'

rm "$T/pages"
fresh together 'default group=30s' "channel pager exec command=$T/pager"
web stop
minute "ha-probe -f $T/targets | ha-gate web -t 1m -- \
    sh -c 'ha-act -m web -- $T/start-web | ha-alert pager'"
is "what was down, and what was done, is one message" "$(cat "$T/pages")" .
is "... of both" "$(got)" 'problem web CRIT
recovery act:web OK'

## Two nodes

spawn -o "$T/port" "$HA_TOOLS/alert-sink" "$T/log"
sink=$pid
ok "a receiver listens" wait_until 10 test -s "$T/port"
hook="channel ops webhook url=http://127.0.0.1:$(cat "$T/port")/"

# What machine NAME does in a minute.
node()
{
	HA_STATE_DIR=$T/state.$1
	[ -d "$HA_STATE_DIR" ] || mkdir "$HA_STATE_DIR"
	run unshare --uts env -i PATH="$HA_BIN:/usr/bin:/bin" \
	    HA_STATE_DIR="$HA_STATE_DIR" HA_CONFIG_DIR="$HA_CONFIG_DIR" \
	    sh -c "hostname $1; $2; ha-alert --flush -q"
}

# The keys that the receiver saw from its line N on, without repetitions.
keys()
{
	tail -n "+$1" "$T/log" | cut -f 4 | sort -u | grep -c .
}

# An incident's name has the minute: both nodes look in the same one.
early()
{
	[ "$(date +%S | sed 's/^0//')" -lt 50 ]
}

if unshare --uts hostname other 2>/dev/null; then
	conf "$hook"
	web stop
	wait_until 15 early
	for name in left right; do
		node $name "ha-probe -f $T/targets | ha-gate web -- ha-alert ops"
		is "$name tells of the service" "$status" 0
	done
	is "two messages" "$(grep -c . "$T/log")" 2
	is "... of one key" "$(keys 1)" 1
	web start
	for name in left right; do
		node $name "ha-probe -f $T/targets | ha-gate web -- ha-alert ops"
	done
	is "its end is two messages" "$(grep -c . "$T/log")" 4
	is "... of one key" "$(keys 3)" 1
	wait_until 15 early
	for name in left right; do
		node $name \
		    "ha-stat 'disk:/?used=0%,0%' | ha-gate disk -- ha-alert ops"
		is "$name tells of its disk" "$status" 0
	done
	is "two messages" "$(grep -c . "$T/log")" 6
	is "... of two keys" "$(keys 5)" 2
else
	skip "two nodes" "needs a host name of its own"
fi
reap "$sink" TERM

## The prober dies

fresh dies
printf 'web %s\nslow %s timeout=40s\n' "$URL" \
    "http://127.0.0.1:$HA_WEB_HTTP/slow/30" >"$T/targets"
seen()
{
	grep -q "$(printf '\tweb\t')" "$T/seen"
}
prober="sh -c 'echo \$\$ >$T/pid; exec ha-probe -f $T/targets'"
chain="tee $T/seen | ha-gate web -- ha-alert ops"
kill_prober()
{
	wait_until 10 seen
	kill -KILL "$(cat "$T/pid")"
}
: >"$T/seen"
kill_prober &
killer=$!
minute "$prober | $chain"
wait "$killer"
is "it was killed in mid sweep" "$line_status" 0
is "... told, and nothing else" "$(got)" 'aborted sweep:web/ha-probe CRIT'
echo "web $URL" >"$T/targets"
minute "ha-probe -f $T/targets | $chain"
is "the next sweep is its recovery" "$(got | tail -n 1)" \
    'recovery sweep:web/ha-probe OK'

## ha-stat, and what ha-keep keeps

fresh stat
echo "page file:$T/page" >"$T/stat"
chain="ha-stat -f $T/stat | ha-gate stat -- ha-alert ops"
: >"$T/page"
silent "a file is there" "$chain"
rm "$T/page"
minute "$chain"
is "it is gone: told" "$(got)" 'problem page CRIT'
is "... of this machine" "$(cut -f 7 "$INBOX")" "$(uname -n)"
: >"$T/page"
minute "$chain"
is "it is there again: told" "$(got | tail -n 1)" 'recovery page OK'

fresh keep
printf '#!/bin/sh\n[ -e "%s" ] || exit 7\nexec sleep 600\n' "$T/go" \
    >"$T/serve"
chmod +x "$T/serve"
# What ha-alert has taken is told; as a crontab would.
told()
{
	ha-alert --flush -q
	got | grep -q "$1"
}
# shellcheck disable=SC2016 # of that sh
spawn -e "$T/keep.err" sh -c 'ha-keep --name api --backoff 50ms \
    --backoff-max 50ms --healthy 200ms -o - -- "$1" | ha-gate keep --flap 0 -- ha-alert ops' \
    sh "$T/serve"
line=$pid
ok "ha-keep: it ends at once, again and again" \
    wait_until 20 told 'keep:api CRIT'
: >"$T/go"
ok "... it runs" wait_until 20 told 'recovery keep:api OK'
exits "... and is stopped" 0 ha-keep --stop api
reap "$line"
is "... with the whole pipe" "$status" 0

## monit, as the manual page has it

fresh monit
bin=$T/bin
mkdir "$bin"
ln -s "$HA_BIN/ha-probe" "$bin"
cat >"$bin/ha-alert" <<END
#!/bin/sh
export HA_STATE_DIR='$HA_STATE_DIR' HA_CONFIG_DIR='$HA_CONFIG_DIR'
exec '$HA_BIN/ha-alert' "\$@"
END
chmod +x "$bin/ha-alert"
cat >"$T/monitrc" <<END
set daemon 1
set log $T/monit.log
set idfile $T/monit.id
set statefile $T/monit.state
set pidfile $T/monit.pid
set httpd unixsocket $T/monit.socket
    allow localhost
END
sed -n '/^check program web /,/^\.Ed/{ /^\.Ed/d; s/\\(dq/"/g; p; }' \
    "$TOP/man/ha-alert.1" |
    sed "s|/usr/local/bin/|$bin/|g; s|https://web1/|$URL|" >>"$T/monitrc"
chmod 600 "$T/monitrc"
exits "its control file is one" 0 monit -t -c "$T/monitrc"
web_is()
{
	monit -B -c "$T/monitrc" status web | grep -Eq "^  status +$1\$"
} 2>/dev/null
spawn monit -I -c "$T/monitrc"
monit=$pid
ok "monit: the service is well" wait_until 20 web_is OK
web stop
ok "it is down: told" wait_until 20 told 'problem web CRIT'
like "... in the check's words" "$(words)" 'CRIT - connection refused by'
web start
ok "it is up: told" wait_until 20 told 'recovery web OK'
reap "$monit" TERM
is "once each" "$(got)" 'problem web CRIT
recovery web OK'
is "... of one incident" "$(cut -f 2 "$INBOX" | sort -u | grep -c .)" 1

## Chinese, by mail

fresh chinese
conf "channel mail smtp server=localhost:$HA_SMTP_PORT ca=$HA_SMTP_CA \
    from='值班 <ha@mail.test>' to=probe@mail.test" \
    "channel book file path=$INBOX" 'alias on-call mail' 'alias ops mail book'
echo "网站-首页 $URL" >"$T/targets"
echo "'网站-*' down=2" >"$T/rules"
chain="ha-probe -f $T/targets | ha-gate web -f $T/rules -- sh -c \
    'ha-act -m 网站-首页 -- printf 重启失败%s 了 | ha-alert ops'"
web stop
silent "down once" "$chain"
is "... nobody is told" "$(got)" ''
minute "$chain"
is "down twice: statuses" "$line_status $flush_status" '0 0'
is "... both are told" "$(got)" 'problem 网站-首页 CRIT
recovery act:网站-首页 OK'
like "... and what was run" "$(words)" "^printf '重启失败%s' .*: ended with 0"
exits "--ack" 0 ha-gate --ack '网站-*' --reason '换硬盘，周五到'
like "... --show" "$(ha-gate --show -F table)" '换硬盘，周五到'
web start
silent "up" "$chain"
like "... --history" "$(ha-gate --history '网站-首页' -F table)" 'recovery'
exits "by hand" 0 \
    sh -c 'echo 磁盘满了 | ha-alert -s 备份失败 --check 备份 ops'
ha-alert --flush -q
mails()
{
	[ "$(grep -c '^From ' "$HA_SMTP_INBOX")" -eq 4 ]
} 2>/dev/null
ok "four mails" wait_until 20 mails
# shellcheck disable=SC2016 # of perl
exits "they can be read" 0 perl -MMIME::QuotedPrint -MMIME::Base64 \
    -MEncode -e 'local $/; for (split /^From /m, <>) {
	my ($head, $body) = split /\n\n/, $_, 2 or next;
	$head =~ s/\n[ \t]+/ /g;
	my ($how) = $head =~ /^Content-Transfer-Encoding: (\S+)/mi;
	$body = decode_base64($body) if ($how // "") =~ /base64/i;
	$body = decode_qp($body) if ($how // "") =~ /quoted/i;
	print "$1: ", encode("UTF-8", decode("MIME-Header", $2)), "\n"
	    while $head =~ /^(From|Subject): (.*)/mg;
	print "$body\n" }' "$HA_SMTP_INBOX"
like "... who it is from" "$out" '^From: 值班 <ha@mail.test>'
like "... the problem" "$out" '^Subject: CRIT 网站-首页: connection refused'
like "... its end" "$out" '^Subject: OK 网站-首页: was '
like "... that something was run" "$out" "^Subject: OK act:.*: printf '重启"
like "... what was run" "$out" "^printf '重启失败%s' .*: ended with 0"
like "... words by hand" "$out" '备份失败'
like "... and their body" "$out" '磁盘满了'
unlike "... which no gate knows more of" "$out" 'ha-gate --history .*备份'

## Many behind one

fresh many
{
	echo "router tcp://127.0.0.1:$HA_WEB_HTTP"
	i=0
	while [ $((i += 1)) -le 50 ]; do
		echo "web-$i $URL?$i"
	done
} >"$T/targets"
echo 'web-* dep=router' >"$T/rules"
chain="ha-probe -f $T/targets | ha-gate web -f $T/rules -- ha-alert ops"
silent "all is well" "$chain"
web stop
silent "51 are down" "$chain"
is "... one message" "$(got)" 'problem router CRIT'
like "... with their number" "$(words)" '50 checks'
web start
silent "all is well again" "$chain"
is "... one message" "$(got)" 'problem router CRIT
recovery router OK'
done_testing
