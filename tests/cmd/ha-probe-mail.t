#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe over SMTP, IMAP, POP3 and FTP: real servers, with STARTTLS and
# without, and greetings of others.
if [ "${1-}" != --inside ]; then
	tests=$(cd "$(dirname "$0")/.." && pwd)
	# Each in the other's folder, the paths of sockets would be too long.
	here="env TMPDIR=${TMPDIR:-/tmp}"
	# shellcheck disable=SC2086 # two words
	exec "$tests/with-smtp" --config 'log_selector = +smtp_connection' -- \
	    $here "$tests/with-imap" -- $here "$tests/with-ftp" -- "$tests/cmd/$(basename "$0")" --inside
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"

ESC=$(printf '\033')
smtp=127.0.0.1:$HA_SMTP_PORT
imap=127.0.0.1:$HA_IMAP_PORT
pop3=127.0.0.1:$HA_IMAP_POP3
ftp=127.0.0.1:$HA_FTP_PORT
(umask 077 && echo probe:secret >"$T/user" && echo probe:wrong >"$T/other")

# DESC STATE WORDS URL CA OPTION...
mail()
{
	mail_desc=$1 mail_state=$2 mail_words=$3 mail_url=$4 mail_ca=$5
	shift 5
	found "$mail_desc" "$mail_state" "$mail_words" --cacert "$mail_ca" "$@" \
	    "$mail_url"
}

## SMTP

found "smtp" OK '^220 .*ESMTP' "smtp://$smtp"
found "... a status" OK '^220 ' -e status=220 "smtp://$smtp"
found "... another one" CRIT '^status 220, wanted 421; 220 ' -e status=421 \
    "smtp://$smtp"
ok "... we don't leave without a word" wait_until 5 \
    grep -q 'closed by QUIT' "$HA_SMTP_DIR/spool/mainlog"
mail "... STARTTLS" OK '^220 ' "smtp+starttls://$smtp" "$HA_SMTP_CA" \
    -e 'cert=30 tls=1.2'
like "... its certificate" "$perf" ' cert_days=36[45];30:$'
mail "... another name" CRIT '^certificate is not for www\.test, but for mail\.test' \
    "smtp+starttls://$smtp" "$HA_SMTP_CA" --sni www.test
mail "... 10 days left" WARN '^certificate of CN=.* ends in 10 days' \
    "smtp+starttls://127.0.0.1:$HA_SMTP_SHORT" "$HA_SMTP_CA" -e cert=14
mail "... expired" CRIT '^certificate has expired' \
    "smtp+starttls://127.0.0.1:$HA_SMTP_EXPIRED" "$HA_SMTP_CA"
mail "... an authority that is not known" CRIT 'neither sent nor known here$' \
    "smtp+starttls://$smtp" /etc/ssl/certs/ca-certificates.crt
found "... that is not offered" CRIT '^STARTTLS is not offered$' \
    "smtp+starttls://127.0.0.1:$HA_SMTP_PLAIN"
mail "smtps" OK '^220 ' "smtps://127.0.0.1:$HA_SMTP_TLS" "$HA_SMTP_CA" \
    -e cert=30
mail "smtps where no TLS is spoken" CRIT 'does not speak TLS on this port$' \
    "smtps://$smtp" "$HA_SMTP_CA"
mail "a login" OK '^220 ' "smtp+starttls://$smtp" "$HA_SMTP_CA" \
    --user-file "$T/user"
mail "... a wrong one" CRIT '^the login is refused: 535 ' \
    "smtp+starttls://$smtp" "$HA_SMTP_CA" --user-file "$T/other"
found "... that is not offered" CRIT '^no login is offered$' \
    --user-file "$T/user" "smtp://127.0.0.1:$HA_SMTP_PLAIN"
found "a greeting of 554" CRIT '^it says: 55[04] ' \
    "smtp://127.0.0.1:$HA_SMTP_REFUSING"
serve talk '421 too busy\r\n'
found "... of 421, and no end of it" CRIT '^it says: 421 too busy$' \
    "smtp://127.0.0.1:$port"
within "... nobody waits for a reply to QUIT" 0 1000
serve talk '220 hello\r\n' '250 me\r\n'
found "nor where it serves" OK '^220 hello$' "smtp://127.0.0.1:$port"
within "... at once" 0 1000
serve talk '220 hello\r\n' '502 what?\r\n' '250 me\r\n'
found "HELO will do" OK '^220 hello$' "smtp://127.0.0.1:$port"
serve talk '220 hello\r\n' '502 what?\r\n' '502 what?\r\n'
found "... but has to be understood" CRIT '^it says: 502 what\?$' \
    "smtp://127.0.0.1:$port"

## IMAP

found "imap" OK '^\* OK .*Dovecot' "imap://$imap"
mail "... STARTTLS" OK '^\* OK ' "imap+starttls://$imap" "$HA_IMAP_CA" \
    -e 'cert=30 tls=1.2'
mail "imaps" OK '^\* OK ' "imaps://127.0.0.1:$HA_IMAP_TLS" "$HA_IMAP_CA"
mail "a login" OK '^\* OK ' "imap+starttls://$imap" "$HA_IMAP_CA" \
    --user-file "$T/user"
serve talk '* OK hello\r\n' '* CAPABILITY IMAP4rev1\r\nA001 OK\r\n' \
    'A002 NO wrong\r\n'
found "... a wrong one" CRIT '^the login is refused: A002 NO wrong$' \
    --user-file "$T/other" "imap://127.0.0.1:$port"
found "another name" CRIT '^certificate is not for' --cacert "$HA_IMAP_CA" \
    --sni www.test "imaps://127.0.0.1:$HA_IMAP_TLS"
serve talk '* BYE not now\r\n'
found "BYE" CRIT '^it says: \* BYE not now$' "imap://127.0.0.1:$port"
serve bye '* OK hello\r\n'
found "the end behind the greeting" CRIT \
    '^connection closed by 127\.0\.0\.1:[0-9]+ after \* OK hello$' \
    "imap://127.0.0.1:$port"

## POP3

found "pop3" OK '^\+OK .*Dovecot' "pop3://$pop3"
mail "... STLS" OK '^\+OK ' "pop3+starttls://$pop3" "$HA_IMAP_CA" -e cert=30
mail "pop3s" OK '^\+OK ' "pop3s://127.0.0.1:$HA_IMAP_POP3S" "$HA_IMAP_CA"
mail "a login" OK '^\+OK ' "pop3+starttls://$pop3" "$HA_IMAP_CA" \
    --user-file "$T/user"
serve talk '+OK hello\r\n' '-ERR what?\r\n' '+OK\r\n' '-ERR wrong\r\n'
found "... a wrong one" CRIT '^the login is refused: -ERR wrong$' \
    --user-file "$T/other" "pop3://127.0.0.1:$port"
serve talk '+OK hello\r\n' '-ERR what?\r\n'
found "no CAPA" OK '^\+OK hello$' "pop3://127.0.0.1:$port"
serve talk '-ERR no\r\n'
found "-ERR" CRIT '^it says: -ERR no$' "pop3://127.0.0.1:$port"

## FTP

found "ftp" OK '^220 ' "ftp://$ftp"
mail "... AUTH TLS" OK '^220 ' "ftp+starttls://$ftp" "$HA_FTP_CA" \
    -e 'cert=30 status=220'
mail "ftps" OK '^220 ' "ftps://127.0.0.1:$HA_FTP_TLS" "$HA_FTP_CA" -e cert=30
serve talk '220 ftp\r\n' '331 and?\r\n' '530 wrong\r\n'
found "a login" CRIT '^the login is refused: 530 wrong$' \
    --user-file "$T/other" "ftp://127.0.0.1:$port"
serve talk '220 ftp\r\n' '331 and?\r\n' '230 in\r\n' '257 "/"\r\n'
found "... that is taken" OK '^220 ftp$' --user-file "$T/user" \
    "ftp://127.0.0.1:$port"
serve talk '220 hello\r\n' '530 nobody is anonymous here\r\n'
found "nobody logs in unasked" OK '^220 hello$' "ftp://127.0.0.1:$port"
serve talk '421 full\r\n'
found "421" CRIT '^it says: 421 full$' "ftp://127.0.0.1:$port"

## Of all four

for scheme in smtp imap pop3 ftp; do
	serve silent
	found "$scheme: silence" CRIT '^no greeting within 300 ms$' -t 300ms \
	    "$scheme://127.0.0.1:$port"
	serve close
	found "... the end" CRIT \
	    '^connection (closed|reset) by 127\.0\.0\.1:[0-9]+ without an answer$' \
	    "$scheme://127.0.0.1:$port"
	serve talk 'SSH-2.0-OpenSSH_9.2\r\n'
	found "... another protocol" CRIT 'SSH-2.0-OpenSSH' -t 300ms \
	    "$scheme://127.0.0.1:$port"
	serve flood
	found "... a line without end" CRIT '^more than 256 KiB of greeting$' \
	    "$scheme://127.0.0.1:$port"
	within "... harms nobody for long" 0 1500
	serve banner 220
	run ha-probe -F tsv -t 300ms "$scheme://127.0.0.1:$port"
	not_ok "... escape sequences are cleaned" grep -q "$ESC" "$T/out"
done
serve flood
flood=$port
serve talk '421 busy\r\n'
for n in 1 2 3 4 5 6; do
	echo "flood$n smtp://127.0.0.1:$flood"
	echo "busy$n smtp://127.0.0.1:$port"
	echo "good$n smtp://$smtp"
done >"$T/targets"
run ha-probe -F tsv -f "$T/targets"
is "bad ones don't harm the good ones" \
    "$(field 5 | sort | uniq -c | tr -d '\n ')" 12CRIT6OK

done_testing
