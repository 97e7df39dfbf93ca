#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-alert-webhook.t - webhooks: what is sent, what each answer means, TLS.
if [ -z "${HA_WEB_DIR-}" ]; then
	tests=$(cd "$(dirname "$0")/.." && pwd)
	exec "$tests/with-web" -- "$tests/cmd/$(basename "$0")"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../alert.sh"
needs openssl perl
umask 077

# The value of a header of request N.
header()
{
	sed -n "s/^$2: \(.*\)\r$/\1/Ip" "$T/saved/$1.head"
}

# Of the JSON in request N.
member()
{
	perl -MJSON::PP -e '
	    my $j = decode_json(do { local $/; <STDIN> });
	    $j = $j->{$_} for @ARGV; print $j' "$2" <"$T/saved/$1.body"
}

flushed()
{
	ha-alert --retry all
	ha-alert --flush -q -T 1s && [ -z "$(places)" ]
}

hides()
{
	! cat /proc/[0-9]*/cmdline "/proc/$1/environ" 2>/dev/null |
	    tr '\0' '\n' | grep "$2"
}

## What is sent

sink '200|fine'
printf 'Authorization: GenieKey k3y\r\nX-More: yes\n' >"$HA_CONFIG_DIR/headers"
# shellcheck disable=SC2154 # of what is read in, or of eval
conf "channel a webhook url=http://127.0.0.1:$port/hook?x=1 header='X-Test: a  b' header-file=headers" \
    "channel put webhook url=http://127.0.0.1:$port/ method=PUT user=me password=pass" \
    "channel get webhook url=http://127.0.0.1:$port/ping method=GET token=t0ken"
transition problem 1 nginx CRIT 'läuft nicht: 故障' | ha-alert a
run ha-alert --flush -T 5s
is "a webhook" "$status" 0
is "... the request" "$(cut -f 2-5 "$T/sink")" \
    'POST	/hook?x=1	20261123T0850Z-1-problem	-'
is "... type" "$(header 1 Content-Type)" application/json
is "... who sends it" "$(header 1 User-Agent)" "ha-alert/$(ha-alert -V | cut -d ' ' -f 2)"
is "... a header" "$(header 1 X-Test)" 'a  b'
is "... those of a file" "$(header 1 Authorization) $(header 1 X-More)" 'GenieKey k3y yes'
like "... UTF-8" "$(cat "$T/saved/1.body")" 'läuft nicht: 故障'
sends "PUT" 0 'delivered in .*: it answers 200: fine' put
is "... the request" "$(sed -n 2p "$T/sink" | cut -f 2)" PUT
is "... a login" "$(header 2 Authorization)" "Basic $(printf me:pass | base64)"
run ha-alert --ping get
is "--ping by GET" "$status" 0
is "... without a word" "$err" ''
is "... no body" "$(sed -n 3p "$T/sink" | cut -f 2,3,7)" 'GET	/ping	0'
is "... its token" "$(header 3 Authorization)" 'Bearer t0ken'

## Signatures

sink
key=$(printf 'a key of 24 bytes, or so' | base64)
echo "whsec_$key" >"$HA_CONFIG_DIR/secret"
conf "channel std webhook url=http://127.0.0.1:$port/ secret-file=secret" \
    "channel ding webhook url=http://127.0.0.1:$port/r?access_token=x template=dingtalk secret=SEC expect=none busy=1" \
    "channel fei webhook url=http://127.0.0.1:$port/f template=feishu secret=SEC expect=none" \
    "channel none webhook url=http://127.0.0.1:$port/ secret=SEC sign=none"
run ha-alert --check-config
like "busy= without a pointer" "$err" "'*ding: busy= needs a pointer"
conf "channel std webhook url=http://127.0.0.1:$port/ secret-file=secret" \
    "channel ding webhook url=http://127.0.0.1:$port/r?access_token=x template=dingtalk secret=SEC expect=''" \
    "channel fei webhook url=http://127.0.0.1:$port/f template=feishu secret=SEC" \
    "channel none webhook url=http://127.0.0.1:$port/ secret=SEC sign=none"
run ha-alert --check-config
like "an empty expectation" "$err" 'expect= is empty'
sink 200 '200|{"errcode":0}' '200|{"code":0}' 200
conf "channel std webhook url=http://127.0.0.1:$port/ secret-file=secret" \
    "channel ding webhook url=http://127.0.0.1:$port/r?access_token=x template=dingtalk secret=SEC" \
    "channel fei webhook url=http://127.0.0.1:$port/f template=feishu secret=SEC" \
    "channel none webhook url=http://127.0.0.1:$port/ secret=SEC sign=none"
sends "Standard Webhooks" 0 delivered std
is "... the id is the key" "$(header 1 webhook-id)" "$(header 1 Idempotency-Key)"
{
	printf '%s.%s.' "$(header 1 webhook-id)" "$(header 1 webhook-timestamp)"
	cat "$T/saved/1.body"
} >"$T/content"
is "... the signature" "$(header 1 webhook-signature)" \
    "v1,$(openssl dgst -sha256 -mac HMAC -macopt "key:a key of 24 bytes, or so" -binary "$T/content" | base64)"
sends "DingTalk" 0 delivered ding
target=$(sed -n 2p "$T/sink" | cut -f 3)
like "... in the URL" "$target" '^/r\?access_token=x&timestamp=[0-9]{13}&sign='
stamp=${target#*timestamp=} stamp=${stamp%%&*}
is "... the signature" "$(echo "${target##*sign=}" | sed 's/%2B/+/g; s/%2F/\//g; s/%3D/=/g')" \
    "$(printf '%s\nSEC' "$stamp" | openssl dgst -sha256 -mac HMAC -macopt key:SEC -binary | base64)"
sends "Feishu" 0 delivered fei
stamp=$(member 3 timestamp)
is "... the signature in the JSON" "$(member 3 sign)" \
    "$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$(printf '%s\nSEC' "$stamp" | od -An -tx1 | tr -d ' \n')" -binary </dev/null | base64)"
sends "unsigned" 0 delivered none
is "... no header" "$(header 4 webhook-signature)" ''
echo whsec_% >"$HA_CONFIG_DIR/secret"
sends "a secret that is no base64" 75 'no base64' std

## What answers mean

# ANSWER STATUS WORDS
answered()
{
	sink "$1"
	conf "channel a webhook url=http://127.0.0.1:$port/T0123/a-long-secret-here${4:+ template=$4} timeout=2s"
	sends "${4:-generic}: $1" "$2" "$3" a
}
answered '204' 0 'it answers 204$'
answered '302,Location: http://127.0.0.1:1/secret' 69 'points to http://127\.0\.0\.1:1/\.\.\.: no redirect'
answered '400|bad_payload' 69 'refused: it answers 400: bad_payload'
answered '404|no /T0123/a-long-secret-here' 69 'it answers 404: no /T0123/\*\*\*$'
answered '401|no key k3y-of-a-service' 69 'it answers 401: no key \*\*\*$' \
    'pagerduty routing-key=k3y-of-a-service'
answered '410' 69 refused
answered '408' 75 'which may pass: it answers 408'
answered '429,Retry-After: 2|slow down' 75 'it answers 429: slow down'
answered '500|oops' 75 'it answers 500: oops'
answered '200|a\0b' 0 'it answers 200'
answered 'close' 75 'connection closed by 127\.0\.0\.1:[0-9]+ without an answer'
answered 'half' 75 'with 996 bytes missing'
answered 'garbage' 75 'the answer is not HTTP|HTTP/0\.9'
answered '200|{"errcode":310000,"errmsg":"sign not match"}' 69 \
    'it answers 200, but /errcode is 310000: .*sign not match' dingtalk
answered '200|{"errcode":130101}' 75 'but /errcode is 130101' dingtalk
answered '200|{"code":19021,"msg":"sign match fail"}' 69 'but /code is 19021' feishu
printf '\033[31m\377' >"$T/escape"
answered "400|$(cat "$T/escape")" 69 'it answers 400: \[31m.0377$'
unlike "... its bytes are harmless" "$err" "$(printf '\033')"
sink hang
conf "channel a webhook url=http://127.0.0.1:$port/ timeout=300ms"
sends "silence" 75 'no answer from 127\.0\.0\.1:' a
conf "channel a webhook url=http://127.0.0.1:$HA_WEB_CLOSED/" \
    "channel b webhook url=https://nowhere.invalid/"
sends "nobody there" 75 'connection refused by 127\.0\.0\.1:' a
sends "no such name" 75 'the name nowhere\.invalid can.t be resolved' b

## In a run of --flush

sink 500 '429,Retry-After: 1' close 200
conf "channel a webhook url=http://127.0.0.1:$port/"
transition problem 7 nginx | ha-alert a
ok "tried until it is taken" wait_until 40 flushed
is "... under one key" "$(cut -f 4 "$T/sink" | sort -u)" 20261123T0850Z-7-problem
is "... four times" "$(cut -f 6 "$T/sink" | tr '\n' ' ')" '500 429 close 200 '
sink '429,Retry-After: 120' '429|{"retry_after": 65.5}'
conf "channel a webhook url=http://127.0.0.1:$port/"
transition problem 9 nginx | ha-alert a
run ha-alert --flush -T 1s
like "Retry-After" "$err" 'tried again in 2 m$'
ha-alert --retry all
run ha-alert --flush -T 1s
like "... in the JSON" "$err" 'tried again in 1 m 5 s$'
rm -rf "$SPOOL"
sink '429|{"retry_after": 0.0}'
conf "channel a webhook url=http://127.0.0.1:$port/"
transition problem 9 nginx | ha-alert a
run ha-alert --flush -q -T 3s
ok "... of 0 is no flood of requests" test "$(wc -l <"$T/sink")" -lt 5
rm -rf "$SPOOL"
sink 404
conf "channel a webhook url=http://127.0.0.1:$port/ fallback=f" "channel f file path=$T/told"
transition problem 8 nginx | ha-alert a
run ha-alert --flush -T 5s
like "refused: the fallback is told" "$(cat "$T/told")" '^problem	.*-8	'
like "... said" "$err" 'is given up: it answers 404'

## One connection

sink
conf "channel a webhook url=http://127.0.0.1:$port/"
n=0
while [ $((n += 1)) -le 1000 ]; do
	echo "check$n"
done >"$T/checks"
transition problem XX CHECK >"$T/one"
while read -r check; do
	sed "s/-XX/-$check/; s/CHECK/$check/" "$T/one"
done <"$T/checks" >"$T/records"
ha-alert a <"$T/records"
run ha-alert --flush -T 50s
is "1000 webhooks: told" "$(wc -l <"$T/sink") $(places)" '1000 1 a failed'
is "... each once" "$(cut -f 4 "$T/sink" | sort -u | wc -l)" 1000
is "... over one connection" "$(cut -f 1 "$T/sink" | sort -u)" 1

## TLS

https=https://127.0.0.1
conf "default ca=$HA_WEB_CA" \
    "channel good webhook url=https://localhost:$HA_WEB_HTTPS/status/200" \
    "channel name webhook url=$https:$HA_WEB_WRONGNAME/status/200" \
    "channel old webhook url=$https:$HA_WEB_EXPIRED/status/200" \
    "channel future webhook url=$https:$HA_WEB_FUTURE/status/200" \
    "channel self webhook url=$https:$HA_WEB_SELFSIGNED/status/200" \
    "channel chain webhook url=$https:$HA_WEB_INCOMPLETE/status/200" \
    "channel ca webhook url=$https:$HA_WEB_HTTPS/status/200 ca=/etc/ssl/certs/ca-certificates.crt" \
    "channel plain webhook url=$https:$HA_WEB_HTTP/status/200" \
    "channel client webhook url=$https:$HA_WEB_CLIENT/echo cert=$HA_WEB_DIR/client.crt key=$HA_CONFIG_DIR/key expect='client-certificate: CN=client.test'" \
    "channel no-client webhook url=$https:$HA_WEB_CLIENT/status/200" \
    "channel proxy webhook url=$https:$HA_WEB_HTTPS/status/200 proxy=http://probe:secret@127.0.0.1:$HA_WEB_PROXYAUTH" \
    "channel no-proxy webhook url=$https:$HA_WEB_HTTPS/status/200 proxy=http://127.0.0.1:$HA_WEB_PROXYAUTH"
cp "$HA_WEB_DIR/key" "$HA_CONFIG_DIR/key"
sends "https" 0 'delivered in .*: it answers 200' good
like "... the way" "$err" '^ha-alert: good: POST to https://localhost:[0-9]+$'
like "... the connection" "$err" 'good: connected to .*:[0-9]+ within [0-9]+ ms'
like "... TLS" "$err" 'good: TLSv1\.3, .*certificate of CN=web\.test, by CN=ha-utils test CA, for 36[45] more days'
sends "another name" 75 'certificate is not for 127\.0\.0\.1, but for wrong\.test|for target host' name
sends "expired" 75 'certificate has expired' old
sends "not valid yet" 75 'certificate is not valid yet' future
sends "self-signed" 75 'certificate is self-signed' self
sends "an issuer that is not sent" 75 'neither sent nor known here' chain
sends "an authority that is not known" 75 'neither sent nor known|no authority' ca
sends "no TLS" 75 'does not speak TLS' plain
sends "our certificate" 0 'delivered in' client
sends "... that is wanted" 69 '400 No required SSL certificate was sent' no-client
sends "a proxy" 0 'it answers 200' proxy
sends "... that wants a login" 75 'the proxy .* answers 407' no-proxy
chmod 644 "$HA_CONFIG_DIR/key"
sends "a key that others may read" 77 'key is open to others' client

## Secrets

sink hang
echo "http://127.0.0.1:$port/T0123/s3cr3t-of-the-url" >"$HA_CONFIG_DIR/url"
echo s3cr3t-t0ken >"$HA_CONFIG_DIR/token"
conf "channel a webhook url-file=url token-file=token secret=s3cr3t-key timeout=20s"
spawn -e "$T/err" ha-alert --test a
tested=$pid
wait_until 5 test -s "$T/sink"
ok "no secret in an argv or environment" hides "$tested" s3cr3[t]
reap "$tested" TERM
transition problem 1 nginx >"$T/record"
ha-alert a <"$T/record"
run ha-alert --flush -T 1s
run ha-alert --list
unlike "... nor in what is said" "$(cat "$T/err" "$T/out")" s3cr3t
not_ok "... nor in the spool" grep -rq s3cr3t "$SPOOL"

done_testing
