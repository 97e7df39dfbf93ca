#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-alert-smtp.t - mail: a real server with STARTTLS and logins, and scripted
# ones that end in the wrong places.
if [ -z "${HA_SMTP_DIR-}" ]; then
	tests=$(cd "$(dirname "$0")/.." && pwd)
	exec "$tests/with-smtp" --config 'log_selector = +smtp_connection' \
	    --config 'smtp_accept_queue_per_connection = 0' -- \
	    "$tests/cmd/$(basename "$0")"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../alert.sh"
needs perl
umask 077

echo secret >"$HA_CONFIG_DIR/password"
real="server=127.0.0.1:$HA_SMTP_PORT ca=$HA_SMTP_CA"
login='user=probe password-file=password'

# Of the last mail.
mail()
{
	awk '/^From / { text = "" } { text = text $0 "\n" } END { printf "%s", text }' \
	    "$HA_SMTP_INBOX"
}

# The server takes its time to put it there.
mailed()
{
	mail >"$T/mail"
	grep -Eq "$1" "$T/mail"
}

flushed()
{
	[ -z "$(places)" ] || ha-alert --retry all
	ha-alert --flush -q -T 3s && [ -z "$(places)" ]
}

quits()
{
	[ "$(grep -c 'closed by QUIT' "$HA_SMTP_DIR/spool/mainlog")" -gt "$1" ]
}

told()
{
	[ "$(grep -c "Message-ID: <20261123T0850Z-$1-problem@" "$HA_SMTP_INBOX")" -eq "$2" ]
}

script()
{
	smtp_script "$@"
	# shellcheck disable=SC2154 # of what is read in, or of eval
	scripted="tls=none server=127.0.0.1:$port"
}

hides()
{
	! cat /proc/[0-9]*/cmdline "/proc/$1/environ" 2>/dev/null |
	    tr '\0' '\n' | grep "$2"
}

## A real server

conf 'default from="Wächter <ha@mail.test>"' \
    "channel plain smtp $real $login auth=plain to='运维 <ops@mail.test>' reply-to=probe@mail.test" \
    "channel login smtp $real $login auth=login to=ops@mail.test envelope-from=probe@mail.test" \
    "channel tls smtp tls=tls server=127.0.0.1:$HA_SMTP_TLS ca=$HA_SMTP_CA $login to=ops@mail.test" \
    "channel open smtp tls=none server=127.0.0.1:$HA_SMTP_PLAIN to=ops@mail.test ehlo=web1.test" \
    "channel wrong smtp $real user=probe password=no to=ops@mail.test" \
    "channel nobody smtp $real $login to=nobody@mail.test" \
    "channel some smtp $real $login to=nobody@mail.test,ops@mail.test"
sends "STARTTLS, AUTH PLAIN" 0 'plain: delivered in .*: 127\.0\.0\.1:[0-9]+: 250 OK id=' plain
like "... the server" "$err" "plain: trying 127\\.0\\.0\\.1:$HA_SMTP_PORT\$"
like "... TLS" "$err" 'plain: TLSv1\.3, .*certificate of CN=mail\.test, by CN=ha-utils test CA'
like "... the login" "$err" 'plain: logged in: 235 '
ok "... the envelope" wait_until 5 mailed '\(envelope-from <ha@mail\.test>\)'
ok "... over TLS, with a login" mailed 'with esmtpsa'
sends "AUTH LOGIN" 0 delivered login
ok "... who hears of failures" wait_until 5 mailed '\(envelope-from <probe@mail\.test>\)'
sends "TLS from the start" 0 delivered tls
sends "in clear, to this machine" 0 delivered open
ok "... the name that it greets with" wait_until 5 mailed 'helo=web1\.test'
sends "a wrong password" 69 'refused: .*the login is refused: 535 ' wrong
sends "a recipient who is refused" 69 'refused: .*it says: 550 No such user' nobody
sends "one of two" 69 'delivered, but not to all, .*: taken, but not for nobody@mail\.test: 550 No such user' some
transition problem 1 nginx CRIT 'läuft nicht: 故障' | ha-alert plain some
run ha-alert --flush -T 9s
is "--flush: told" "$status $(places)" '0 '
like "... to whom not" "$err" 'warning: some: .*-1-problem is not told to all: .*not for nobody@mail\.test'
wait_until 5 mailed '20261123T0850Z-1-problem'
like "the subject" "$(perl -MEncode -e '
    local $/; my $m = <>; $m =~ s/\n[ \t]+/ /g; $m =~ /^(Subject: .*)$/m;
    print encode("UTF-8", decode("MIME-Header", $1))' "$T/mail")" \
    '^Subject: CRIT nginx.*läuft nicht: 故障'
printf '. a dot\n..two\nFrom here\nÜmläut\n' | ha-alert -s dots open
ok "lines that begin with a dot" flushed
wait_until 5 mailed '^Subject: dots'
perl -MMIME::QuotedPrint -e 'local $/; print decode_qp(<>)' "$T/mail" >"$T/text"
like "... as they were" "$(cat "$T/text")" '^\. a dot$'
like "... two of them" "$(cat "$T/text")" '^\.\.two$'

conf "channel a smtp $real $login to=ops@mail.test"
sends "from nobody in particular" 0 delivered a
ok "... it is this machine's" wait_until 5 mailed '\(envelope-from <ha-alert@'

## 451, then 250

echo ops >"$HA_SMTP_DIR/defer"
conf "default from=ha@mail.test" "channel a smtp $real $login to=ops@mail.test"
transition problem 2 disk | ha-alert a
run ha-alert --flush -T 2s
like "451 for the recipient: later" "$err" 'not told yet: .*451 Come back later'
is "... it waits" "$(places)" '1 a queue'
echo data >"$HA_SMTP_DIR/defer"
run ha-alert --retry all
run ha-alert --flush -T 2s
like "451 for the message: later" "$err" 'not told yet: .*451 No room now'
: >"$HA_SMTP_DIR/defer"
ok "250: told" wait_until 40 flushed
ok "... once" wait_until 5 told 2 1

## Servers in their order

conf "default from=ha@mail.test to=ops@mail.test ca=$HA_SMTP_CA" \
    "channel a smtp server=127.0.0.1:1 server=127.0.0.1:$HA_SMTP_EXPIRED server=127.0.0.1:$HA_SMTP_PLAIN server=127.0.0.1:$HA_SMTP_PORT server=127.0.0.1:1 $login" \
    "channel name smtp server=mail.localhost:$HA_SMTP_PORT $login" \
    "channel ca smtp server=127.0.0.1:$HA_SMTP_PORT $login ca=/etc/ssl/certs/ca-certificates.crt" \
    "channel refusing smtp tls=none server=127.0.0.1:$HA_SMTP_REFUSING" \
    "channel dns smtp server=nowhere.invalid"
sends "the fourth server" 0 "delivered in .*: 127\\.0\\.0\\.1:$HA_SMTP_PORT: 250" a
like "... nobody there" "$err" 'a: 127\.0\.0\.1:1: connection refused'
like "... an expired certificate" "$err" 'certificate has expired'
like "... no STARTTLS" "$err" 'STARTTLS is not offered'
is "... and not the fifth" "$(echo "$err" | grep -c 'trying 127.0.0.1:1$')" 1
sends "another name" 75 'certificate is not for mail\.localhost, but for mail\.test, localhost' name
sends "an authority that is not known" 75 'neither sent nor known|no authority' ca
sends "a greeting of 554" 75 'it says: 55[04] ' refusing
sends "no such name" 75 'the name nowhere\.invalid can.t be resolved' dns

## One connection

grep -c 'connection count' "$HA_SMTP_DIR/spool/mainlog" >"$T/before"
conf "default from=ha@mail.test" "channel a smtp $real $login to=ops@mail.test"
grep -c 'closed by QUIT' "$HA_SMTP_DIR/spool/mainlog" >"$T/quits"
n=0
while [ $((n += 1)) -le 30 ]; do
	transition problem "n$n" "check$n"
done | ha-alert a
ok "30 mails" flushed
ok "... are there" wait_until 20 told 'n[0-9]*' 30
is "... over one connection" \
    "$(grep -c 'connection count' "$HA_SMTP_DIR/spool/mainlog")" \
    $(($(cat "$T/before") + 1))
ok "... that we end with QUIT" wait_until 5 quits "$(cat "$T/quits")"

## Servers that end in the wrong places

# MODES STATUS WORDS
scripted()
{
	# shellcheck disable=SC2086 # several words
	script $1
	conf "channel a smtp $scripted from=ha@mail.test to=${4:-ops@mail.test} timeout=2s ${5:-}"
	sends "$1" "$2" "$3" a
}
scripted busy 75 'it says: 421 busy'
scripted 'die' 75 'connection (closed|reset) by 127\.0\.0\.1:[0-9]+ after 354'
scripted mute-end 75 'connection closed by 127\.0\.0\.1:[0-9]+ after 354'
scripted later 75 'it says: 451 later'
scripted never 69 'refused: .*it says: 554 no'
scripted good 0 '250 taken'
scripted no-login 69 'no login is offered' ops@x.test 'user=a password=b'
not_ok "... nothing is sent" grep -q '^1 C: \.$' "$T/talk"
script busy good
first=$scripted
conf "channel a smtp $first server=127.0.0.1:$port from=ha@mail.test to=ops@mail.test"
sends "busy: the next server" 0 '250 taken' a
tap_clock
start=$tap_now
scripted silent-quit 0 '250 taken'
scripted stubborn 69 '550 never'
tap_clock
ok "nobody waits for the reply to QUIT for long" [ $((tap_now - start)) -lt 1000 ]
script die mute-end good
conf "channel a smtp $scripted from=ha@mail.test to=ops@mail.test"
transition problem 3 dying | ha-alert a
ok "dying servers: tried until one takes it" wait_until 40 flushed
is "... the same message" "$(grep -c 'Message-ID: <20261123T0850Z-3-problem@mail.test>' "$T/talk")" 2

# The server has gone meanwhile: once more, at once.
for mode in leave leave-421; do
	script $mode
	conf "channel a smtp $scripted from=ha@mail.test to=ops@mail.test"
	{
		transition problem 4 one
		transition problem 5 two
		transition problem 6 three
	} | ha-alert a
	run ha-alert --flush -T 9s
	is "$mode: told, without a word" "$status $err $(places)" '0  '
	is "... each once" "$(grep -c 'S: 250 taken' "$T/talk")" 3
done

# Some later, some never.
script pick
conf "channel a smtp $scripted from=ha@mail.test to=later@x.test,a@x.test,never@x.test,b@x.test"
transition problem 7 some | ha-alert a
run ha-alert --flush -T 8s
like "some later: not told yet" "$err" \
    'not told yet: .*taken, but not for later@x\.test: 450 later; never@x\.test: 550 never'
is "... the others get it once" "$(grep -c 'C: RCPT TO:<a@x.test>' "$T/talk")" 1
is "... who is refused is asked once" "$(grep -c 'C: RCPT TO:<never@x.test>' "$T/talk")" 1
ok "... who may be later is asked again" \
    [ "$(grep -c 'C: RCPT TO:<later@x.test>' "$T/talk")" -gt 1 ]
is "... it waits" "$(places)" '1 a queue'
rm -rf "$SPOOL"

## XOAUTH2

cat >"$T/token" <<'END'
#!/bin/sh
echo >>"$T/fetched"
[ -z "$1" ] || echo "t0ken-s3cr3t-$(wc -l <"$T/fetched")"
echo 'no network' >&2
exit "$2"
END
chmod 755 "$T/token"
xoauth2="user=probe auth=xoauth2 token-command=$T/token"
scripted token=t0ken-s3cr3t-1 0 '250 taken' ops@x.test "$xoauth2 token-arg=x token-arg=0"
like "... the login" "$err" 'logged in: 235 come in'
unlike "... no token is said" "$err" s3cr3t
is "... fetched once" "$(wc -l <"$T/fetched")" 1
rm "$T/fetched"
scripted token=other 69 'the login is refused: \{"status":"401"\}$' \
    ops@x.test "$xoauth2 token-arg=x token-arg=0"
scripted good 75 'token-command: exit status 3: no network' \
    ops@x.test "$xoauth2 token-arg=x token-arg=3"
scripted good 75 'token-command gives no token' \
    ops@x.test "$xoauth2 token-arg= token-arg=0"
rm "$T/fetched"
script token=other token=t0ken-s3cr3t-2
conf "channel a smtp $scripted server=127.0.0.1:$port from=ha@mail.test to=ops@mail.test $xoauth2 token-arg=x token-arg=0"
sends "... the next server takes it" 0 '250 taken' a
rm "$T/fetched"
script token=t0ken-s3cr3t-1 token=t0ken-s3cr3t-2
conf "channel a smtp $scripted from=ha@mail.test to=ops@mail.test $xoauth2 token-arg=x token-arg=0"
{
	transition problem 8 one
	transition problem 9 two
} | ha-alert a
run ha-alert --flush -T 9s
is "a token for several mails" "$status $(places) $(wc -l <"$T/fetched")" '0  1'

## Secrets

script good
cat >"$T/slow-token" <<'END'
#!/bin/sh
echo >"$T/running"
exec sleep 20
END
chmod 755 "$T/slow-token"
echo s3cr3t-password >"$HA_CONFIG_DIR/password"
conf "channel a smtp $scripted from=ha@mail.test to=ops@mail.test user=probe auth=xoauth2 token-command=$T/slow-token key-password=s3cr3t-key" \
    "channel b smtp $real $login to=ops@mail.test"
spawn -e "$T/log" ha-alert --test a
tested=$pid
wait_until 5 test -e "$T/running"
ok "no secret in an argv or environment" hides "$tested" 's3cr3[t]'
reap "$tested" TERM
run ha-alert --test b
unlike "... nor in what is said" "$err$(cat "$T/log")" s3cr3t

done_testing
