#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe over HTTP and TLS: a real nginx with good and bad certificates, and
# servers that misbehave.
if [ "${1-}" != --inside ]; then
	tests=$(cd "$(dirname "$0")/.." && pwd)
	exec "$tests/with-web" --config \
	    'location = /to-echo { absolute_redirect off; return 302 echo; }' \
	    -- "$tests/cmd/$(basename "$0")" --inside
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
needs openssl

plain=http://127.0.0.1:$HA_WEB_HTTP
ESC=$(printf '\033')

# A file FILE with TEXT, as printf %b has it, that is its owner's only.
secret()
{
	(umask 077 && printf %b "$2" >"$T/$1")
}

# found, with the CA of the certificates, at https://127.0.0.1:PORT/health.
tls()
{
	tls_desc=$1 tls_state=$2 tls_words=$3 tls_port=$4
	shift 4
	found "$tls_desc" "$tls_state" "$tls_words" --cacert "$HA_WEB_CA" "$@" \
	    "https://127.0.0.1:$tls_port/health"
}

# found, what /echo was asked; the words match a line of it.
echoed()
{
	echoed_desc=$1 echoed_term=$2
	shift 2
	found "$echoed_desc" OK '^200 OK' -e "body~\"$echoed_term\"" "$@"
}

last_requests()
{
	tail -n "$1" "$HA_WEB_DIR/access.log" | cut -d ' ' -f "$2" | tr '\n' ' '
}

## The status of the answer

found "200" OK '^200 OK$' "$plain/health"
like "... the time comes first" "$perf" '^time=0\.[0-9]+s;;;0;5$'
found "204" OK '^204 No Content$' "$plain/status/204"
for code in 400 401 403 404 429; do
	found "$code is WARN" WARN "^$code [A-Z]" "$plain/status/$code"
done
for code in 500 502 503 504; do
	found "$code is CRIT" CRIT "^$code [A-Z]" "$plain/status/$code"
done
found "a status that is wanted" OK '^503 ' -e status=503 "$plain/status/503"
found "a status that is not" CRIT '^status 200, wanted 503-504; 200 OK$' \
    -e status=503-504 "$plain/health"
serve bye '' 'HTTP/1.1 999 Odd\r\n\r\n'
found "a status that is none" CRIT '^999 Odd$' "http://127.0.0.1:$port"

## What is asked

echoed "GET" '^method: GET$' "$plain/echo"
echoed "HTTP/1.1 is the default" '^version: HTTP/1\.1$' "$plain/echo"
echoed "who asks" '^user-agent: ha-probe/[0-9]' "$plain/echo"
echoed "the host" "^host: 127\.0\.0\.1:$HA_WEB_HTTP\$" "$plain/echo"
echoed "the path, as it is" '^uri: /a/\.\./echo\?b=%20c$' \
    "$plain/a/../echo?b=%20c"
echoed "a method" '^method: OPTIONS$' --method OPTIONS "$plain/echo"
found "HEAD" OK '^200 OK$' --method HEAD -e size=0:0 "$plain/big"
is "... is what was asked for" "$(last_requests 1 2)" 'HEAD '
echoed "headers" '^x-test: a  b$' --header 'X-Test: a  b' \
    --header 'Accept: text/x' "$plain/echo"
echoed "... another one" '^accept: text/x$' --header 'X-Test: a  b' \
    --header 'Accept: text/x' "$plain/echo"
echoed "the Host header" '^host: virtual\.test$' --http-host virtual.test \
    "$plain/echo"
echoed "an empty cookie: no state is kept" '^cookie: $' "$plain/echo"
printf 'a=1&b=\001' >"$T/body"
echoed "a body is POSTed" '^method: POST$' --body-file "$T/body" "$plain/echo"
echoed "... whole" '^body: a=1&b=.$' --body-file "$T/body" "$plain/echo"
echoed "... with its size" '^size: 7$' --body-file "$T/body" "$plain/echo"
echoed "... of another method" '^method: PUT$' --method PUT \
    --body-file "$T/body" "$plain/echo"
HTTP_PROXY=http://127.0.0.1:1 http_proxy=http://127.0.0.1:1 \
    ALL_PROXY=http://127.0.0.1:1 all_proxy=http://127.0.0.1:1 \
    found "the environment's proxy is none of ours" OK '^200 OK$' "$plain/health"
printf 'machine 127.0.0.1 login probe password secret\n' >"$HOME/.netrc"
echoed ".netrc neither" '^authorization: $' "$plain/echo"
echoed "a source address" '^client: 127\.0\.0\.66 ' -B 127.0.0.66 "$plain/echo"
echoed "a source interface" '^client: 127\.0\.0\.1 ' -B lo "$plain/echo"
found "a source address that is not ours" UNKNOWN 'does not have|can.t send' \
    -B 192.0.2.77 "$plain/echo"

## Secrets

secret user 'probe:secret\n'
found "a login" OK '^200 OK$' --user-file "$T/user" "$plain/auth/health"
secret other 'probe:wrong\n'
found "a wrong one" WARN '^401 Unauthorized$' --user-file "$T/other" \
    "$plain/auth/health"
secret none 'probe\n'
found "a file that holds none" UNKNOWN "$T/none does not hold USER:PASSWORD" \
    --user-file "$T/none" "$plain/auth/health"
secret headers 'Authorization: Bearer token-1\r\n\nX-Test: from a file\n'
echoed "headers from a file" '^authorization: Bearer token-1$' \
    --header-file "$T/headers" "$plain/echo"
echoed "... all of them" '^x-test: from a file$' \
    --header-file "$T/headers" "$plain/echo"
secret headers 'Authorization: Bearer token-1\nsecret without a colon\n'
found "no header" UNKNOWN "$T/headers, line 2 is no 'Name: value'\$" \
    --header-file "$T/headers" "$plain/echo"
unlike "... the secret is not said" "$out$err" 'secret without'
run ha-probe -F tsv --user-file /dev/fd/5 -r 2 -e status=500 \
    "$plain/auth/health" 5<<-END
	probe:secret
END
like "a pipe is read once, for all attempts" "$out" 'status 200.*attempt 3 of 3'
secret headers 'X-Test: secret\n'
spawn ha-probe -t 20s --user-file "$T/user" --header-file "$T/headers" \
    "$plain/slow/9"
wait_until 5 grep -q slow "/proc/$pid/cmdline"
is "a secret stands in no argument" "$(grep -c secret "/proc/$pid/cmdline")" 0
reap "$pid" TERM

## HTTP's versions

echoed "1.0" '^version: HTTP/1\.0$' --http-version 1.0 "$plain/echo"
found "2, over TLS" OK '^HTTP/2 200$' --http-version 2 -e 'body~"HTTP/2.0"' \
    --cacert "$HA_WEB_CA" "https://127.0.0.1:$HA_WEB_HTTPS/echo"
found "1.1 where 2 is wanted" CRIT '^HTTP/1.1 is spoken, wanted 2$' \
    --http-version 2 "$plain/health"
found "2 where nobody asked first" CRIT 'closed by|HTTP/2' \
    --http-version 2-prior "$plain/health"

## What is expected of it

found "a header" OK '^200 OK$' -e 'header:Content-Type=text/plain' \
    "$plain/health"
found "a body" OK '^200 OK$' -e 'body~"^ok$"' "$plain/health"
found "another one" CRIT '^body lacks "no": "ok ?"; 200 OK$' -e 'body~no' \
    "$plain/health"
serve bye '' 'HTTP/1.1 200 OK\r\n\r\n{"db":{"lag":3},"nodes":["a","b"]}'
found "JSON" OK '^200 OK$' -e 'json:/db/lag=3 json:/nodes/1=b' \
    "http://127.0.0.1:$port/"
found "JSON that is cut" CRIT '^the body is no JSON' -e json:/db/lag=3 \
    "$plain/json/broken"
found "a size" OK '^200 OK$' -e size=3:3 "$plain/health"
like "... and its number" "$perf" ' size=3B;;3:3;0$'
found "10 MB are too many where the body is asked for" CRIT \
    '^the body is larger than 1 MiB \(max-body\)$' -e 'body!~x' "$plain/big"
found "... not where it is not" OK '^200 OK$' "$plain/big"
found "... nor with more room" OK '^200 OK$' -e size=10485760 --max-body 11M \
    "$plain/big"
found "escape sequences are cleaned" CRIT '^X-Escape is "a' \
    -e 'header:X-Escape=x' "$plain/escape"
found "... of a body, too" CRIT '^body lacks' -e 'body~zzz' "$plain/binary"
not_ok "... no control byte but tab and newline comes through" \
    env LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$T/out"

## Time

found "too slow" CRIT '^no answer after the request within 300 ms$' -t 300ms \
    "$plain/slow/9"
within "... the time-out is kept" 300 1300
found "slow, but in time" OK '^200 OK$' "$plain/slow/0.3"
within "... the time is said" 300 2000
found "a threshold" CRIT '^took 0\.[0-9]+ s; 200 OK$' -c 200ms \
    "$plain/slow/0.3"
found "an answer that drips" CRIT '^no end of the answer within 400 ms$' \
    -t 400ms "$plain/drip"

## Redirects

found "no is the default" OK \
    "^302 Moved Temporarily, redirects to $plain/health\$" "$plain/redirect"
found "warn" WARN '^302 Moved Temporarily, redirects to' --redirect warn \
    "$plain/redirect"
found "crit" CRIT '^302 Moved Temporarily, redirects to' --redirect crit \
    "$plain/redirect"
found "follow" OK "^200 OK \\(redirect 1, $plain/health\\)\$" \
    --redirect follow -e "redirects=1:1 url=$plain/health body~ok" \
    "$plain/redirect"
found "... a relative one" OK "^200 OK \\(redirect 1, $plain/health\\)\$" \
    --redirect follow "$plain/redirect/relative"
found "... nine of them" OK '^200 OK \(redirect 9, ' --redirect follow \
    "$plain/hops/9"
found "... but no more than allowed" CRIT "^more than 3 redirects, to $plain" \
    --redirect follow --max-redirects 3 "$plain/hops/9"
found "... to what is missing" WARN "^404 Not Found \\(redirect 1, $plain" \
    --redirect follow "$plain/redirect/missing"
found "... in a loop" CRIT "^redirects in a loop: $plain/loop\$" \
    --redirect follow "$plain/loop"
found "... in a longer one" CRIT "^redirects in a loop: $plain/loop/a " \
    --redirect follow "$plain/loop/a"
found "... to a file" CRIT \
    '^redirects to what is no http or https URL: file:///etc/passwd$' \
    --redirect follow "$plain/redirect/file"
serve talk '' "HTTP/1.1 302 Found\\r\\nContent-Length: 0\\r\\nLocation: $plain/slow/9\\r\\n\\r\\n"
found "... the time is one for all hops" CRIT \
    "^no answer after the request \\(redirect 1, $plain/slow/9\\) within 400 ms\$" \
    -t 400ms --redirect follow "http://127.0.0.1:$port/"
found "... to another host" OK "^200 OK \\(redirect 1, http://other.test:" \
    --redirect follow --resolve other.test:127.0.0.1 "$plain/redirect/other"
found "... which same-host does not follow" CRIT \
    '^redirects to another host: http://other.test:' --redirect same-host \
    "$plain/redirect/other"
found "... same-host follows the others" OK '^200 OK' --redirect same-host \
    "$plain/redirect"
found "... whose name there is not" CRIT \
    '^other\.test: no such name \(redirect 1, ' --redirect follow \
    --resolve another.test:127.0.0.1 "$plain/redirect/other"
found "... where nobody listens" CRIT \
    '^connection refused by 127\.0\.0\.9:[0-9]+ \(redirect 1, ' \
    --redirect follow --resolve other.test:127.0.0.9 "$plain/redirect/other"
found "... at the second address" OK '^200 OK.*address 2 of 2, .*refused' \
    --redirect follow --resolve other.test:127.0.0.9,127.0.0.1 \
    "$plain/redirect/other"
found "to https" OK \
    "^200 OK \\(redirect 1, https://127.0.0.1:$HA_WEB_HTTPS/health\\)\$" \
    --redirect follow --cacert "$HA_WEB_CA" -e cert=30 "$plain/redirect/https"
found "... its certificate counts" WARN \
    "^certificate of CN=web.test \\(redirect 1, https://127.0.0.1:$HA_WEB_SHORT/health\\) ends in 10 days" \
    --redirect follow --cacert "$HA_WEB_CA" -e cert=30 "$plain/redirect/short"
found "... has to be good" CRIT \
    '^certificate has expired \([0-9]+ hours ago\) \(redirect 1, ' \
    --redirect follow --cacert "$HA_WEB_CA" "$plain/redirect/expired"
found "from https to http" CRIT '^redirects from https to http: http://other' \
    --redirect follow --cacert "$HA_WEB_CA" \
    "https://127.0.0.1:$HA_WEB_HTTPS/redirect/other"
serve talk '' "HTTP/1.1 302 Found\\r\\nContent-Length: 0\\r\\nLocation: http://a:b@127.0.0.1:$HA_WEB_HTTP/\\r\\n\\r\\n"
found "to a URL with a user" CRIT '^redirects with a user in it' \
    --redirect follow "http://127.0.0.1:$port/"
serve talk '' "HTTP/1.1 302 Found\\r\\nContent-Length: 0\\r\\nLocation: $plain/echo\\r\\n\\r\\n"
secret headers 'X-Test: secret-header\n'
for term in '^authorization: $' '^x-test: $' '^method: GET$'; do
	echoed "to another server no secret is sent: $term" "$term" \
	    --redirect follow --user-file "$T/user" \
	    --header-file "$T/headers" "http://127.0.0.1:$port/"
done
found "... to its own it is" OK '^200 OK \(redirect 1, ' --redirect follow \
    --user-file "$T/user" -e 'body~"^authorization: Basic cHJvYmU6c2VjcmV0"' \
    -e 'body~"^x-test: secret-header"' --header-file "$T/headers" \
    "$plain/to-echo"
unlike "... and is not said" "$out" 'probe:secret'
found "POST becomes GET" OK '^200 OK' --redirect follow \
    --body-file "$T/body" "$plain/redirect"
is "... of 302" "$(last_requests 2 2)" 'POST GET '
found "POST stays" OK '^200 OK' --redirect follow --body-file "$T/body" \
    "$plain/redirect/307"
is "... of 307" "$(last_requests 2 2)" 'POST POST '
found "... of 303" OK '^200 OK' --redirect follow --method PUT \
    --body-file "$T/body" "$plain/redirect/303"
is "... it is GET" "$(last_requests 2 2)" 'PUT GET '
serve talk '' "HTTP/1.1 307 Found\\r\\nContent-Length: 0\\r\\nLocation: $plain/echo\\r\\n\\r\\n"
found "a body goes to no other server" CRIT \
    '^redirects a body to another server: ' --redirect follow \
    --body-file "$T/body" "http://127.0.0.1:$port/"

## Certificates

tls "a good certificate" OK '^200 OK$' "$HA_WEB_HTTPS" -e 'cert=30,7 tls=1.2'
like "... its days" "$perf" ' cert_days=36[45];30:;7:$'
tls "a chain" OK '^200 OK$' "$HA_WEB_CHAIN" -e cert=30
tls "an incomplete chain" CRIT \
    '^certificate is signed by CN=issuing.test, neither sent nor known here$' \
    "$HA_WEB_INCOMPLETE"
tls "10 days left" WARN \
    '^certificate of CN=web.test ends in 10 days \([0-9-]{10}\); 200 OK$' \
    "$HA_WEB_SHORT" -e cert=30,7
tls "... are too few" CRIT '^certificate of CN=web.test ends in 10 days' \
    "$HA_WEB_SHORT" -e cert=30,14
tls "expired" CRIT '^certificate has expired \([0-9]+ hours ago\)$' \
    "$HA_WEB_EXPIRED"
tls "not valid yet" CRIT '^certificate is not valid yet \(in [0-9]+ (hours|minutes)\)$' \
    "$HA_WEB_FUTURE"
tls "self-signed" CRIT '^certificate is self-signed$' "$HA_WEB_SELFSIGNED"
tls "another name" CRIT \
    '^certificate is not for 127\.0\.0\.1, but for wrong\.test$' \
    "$HA_WEB_WRONGNAME"
found "an authority that is not known" CRIT \
    '^certificate is signed by CN=ha-utils test CA, neither sent nor known here$' \
    "https://127.0.0.1:$HA_WEB_HTTPS/health"
for wrong in "$HA_WEB_EXPIRED" "$HA_WEB_FUTURE" "$HA_WEB_SELFSIGNED" \
    "$HA_WEB_WRONGNAME"; do
	tls "--insecure takes it" OK '^200 OK$' "$wrong" --insecure
done
tls "... yet sees what is expected" CRIT \
    '^certificate of CN=web.test has expired [0-9]+ days? ago' "$HA_WEB_EXPIRED" \
    --insecure -e cert=30
echoed "the name that is asked for" '^sni: other\.test$' --sni other.test \
    --cacert "$HA_WEB_CA" "https://127.0.0.1:$HA_WEB_HTTPS/echo"
echoed "... the Host stays" "^host: 127\.0\.0\.1:$HA_WEB_HTTPS\$" \
    --sni other.test --cacert "$HA_WEB_CA" \
    "https://127.0.0.1:$HA_WEB_HTTPS/echo"
tls "... is the one that counts" CRIT \
    '^certificate is not for www\.test, but for web\.test, localhost' \
    "$HA_WEB_HTTPS" --sni www.test
found "a name of --resolve is verified" OK '^200 OK$' \
    --resolve web.test:127.0.0.1 --cacert "$HA_WEB_CA" \
    "https://WEB.test:$HA_WEB_HTTPS/health"
tls "no client's certificate" WARN '^400 Bad Request$' "$HA_WEB_CLIENT"
cp "$HA_WEB_DIR/key" "$T/key"
chmod 600 "$T/key"
tls "a client's certificate" OK '^200 OK$' "$HA_WEB_CLIENT" \
    --cert "$HA_WEB_DIR/client.crt" --key "$T/key"
closed=$HA_WEB_CLOSED
spawn -e "$T/s_server" openssl s_server -accept "127.0.0.1:$closed" \
    -cert "$HA_WEB_DIR/good.crt" -key "$HA_WEB_DIR/key" -Verify 1 \
    -verify_return_error -www
# shellcheck disable=SC2016 # for the inner shell
wait_until 5 sh -c 'ha-probe -q "$0" >/dev/null' "tcp://127.0.0.1:$closed"
tls "... that is a must" CRIT "^127.0.0.1:$closed wants a client's certificate\$" \
    "$closed"
reap "$pid" TERM
openssl ec -aes128 -passout pass:word -in "$T/key" -out "$T/locked" 2>/dev/null
chmod 600 "$T/locked"
secret word 'word\n'
tls "... a key with a password" OK '^200 OK$' "$HA_WEB_CLIENT" \
    --cert "$HA_WEB_DIR/client.crt" --key "$T/locked" \
    --key-password-file "$T/word"
tls "... that is not given: nobody is asked at the terminal" UNKNOWN \
    'private key' "$HA_WEB_CLIENT" --cert "$HA_WEB_DIR/client.crt" \
    --key "$T/locked"
tls "TLS 1.3" OK '^200 OK$' "$HA_WEB_TLS13" -e tls=1.3
tls "TLS 1.2 is too old for a term" CRIT '^TLSv1.2, wanted 1.3 at least; 200' \
    "$HA_WEB_TLS12" -e tls=1.3
tls "... for what we offer" CRIT \
    "^127.0.0.1:$HA_WEB_TLS12 refuses the TLS handshake: protocol version\$" \
    "$HA_WEB_TLS12" --tls-min 1.3
tls "TLS 1.1 is too old for this machine" CRIT \
    '^TLS handshake failed: ' "$HA_WEB_TLS11"
found "no TLS" CRIT \
    "^127.0.0.1:$HA_WEB_HTTP does not speak TLS on this port\$" \
    "https://127.0.0.1:$HA_WEB_HTTP/"
found "tls://" OK '^TLSv1\.[23], certificate until 20[0-9-]{8}$' \
    --cacert "$HA_WEB_CA" -e cert=30 "tls://127.0.0.1:$HA_WEB_HTTPS"
found "... expired" CRIT '^certificate has expired' --cacert "$HA_WEB_CA" \
    "tls://127.0.0.1:$HA_WEB_EXPIRED"
is "... no request is made" \
    "$(grep -c -F "$HA_WEB_EXPIRED" "$HA_WEB_DIR/access.log")" 0
run ha-probe --diagnose --cacert "$HA_WEB_CA" --redirect follow \
    "$plain/redirect/https"
like "--diagnose shows the certificates" "$out" \
    "Certificates shown by https://127.0.0.1:$HA_WEB_HTTPS/health"
like "... and for whom they are" "$out" 'for web.test, localhost, 127.0.0.1, ::1'

## The PROXY protocol, proxies

echoed "PROXY protocol" '^named: 127\.0\.0\.77 [0-9]' --haproxy 1 \
    -B 127.0.0.77 "http://127.0.0.1:$HA_WEB_PROXYPROTO/echo"
echoed "... before TLS" '^named: 127\.0\.0\.1 [0-9]' --haproxy 1 \
    --cacert "$HA_WEB_CA" "https://127.0.0.1:$HA_WEB_PROXYTLS/echo"
exits "... version 2 is refused" 3 ha-probe --haproxy 2 "$plain/echo"
proxy=http://127.0.0.1:$HA_WEB_PROXY
echoed "through a proxy" '^host: any\.test:' --proxy "$proxy" \
    "http://any.test:$HA_WEB_HTTP/echo"
echoed "... that has a name" '^host: any\.test:' --resolve \
    proxy.test:127.0.0.1 --proxy "http://proxy.test:$HA_WEB_PROXY" \
    "http://any.test:$HA_WEB_HTTP/echo"
found "... to https" OK '^200 OK$' --proxy "$proxy" --cacert "$HA_WEB_CA" \
    -e cert=30 "https://web.test:$HA_WEB_HTTPS/health"
like "... by CONNECT" "$(tail -n 1 "$HA_WEB_DIR/proxy.log")" 'CONNECT'
found "... to nobody" CRIT '^the proxy 127.0.0.1:[0-9]+ answers 50[0-9]$' \
    --proxy "$proxy" "https://web.test:$HA_WEB_CLOSED/health"
found "... to nobody, without TLS" CRIT '^50[0-9] ' --proxy "$proxy" \
    "http://web.test:$HA_WEB_CLOSED/health"
found "... that is not there: our own trouble" UNKNOWN \
    "^connection refused by the proxy 127.0.0.1:$HA_WEB_CLOSED\$" \
    --proxy "http://127.0.0.1:$HA_WEB_CLOSED" "$plain/health"
found "... whose name there is not" UNKNOWN '^proxy\.test: no such name$' \
    --resolve a.test:127.0.0.1 --proxy http://proxy.test:1 "$plain/health"
secret proxy 'probe:secret\n'
found "... that wants a login" OK '^200 OK$' --proxy-user-file "$T/proxy" \
    --proxy "http://127.0.0.1:$HA_WEB_PROXYAUTH" "$plain/health"
found "... and gets none" WARN '^407 ' \
    --proxy "http://127.0.0.1:$HA_WEB_PROXYAUTH" "$plain/health"
found "... of a tunnel" UNKNOWN '^the proxy 127.0.0.1:[0-9]+ answers 407$' \
    --proxy "http://127.0.0.1:$HA_WEB_PROXYAUTH" --cacert "$HA_WEB_CA" \
    "https://web.test:$HA_WEB_HTTPS/health"
exits "... that is no HTTP proxy" 3 ha-probe --proxy socks5://127.0.0.1:1 \
    "$plain/"

## Addresses

found "nobody listens" CRIT "^connection refused by 127.0.0.1:$HA_WEB_CLOSED\$" \
    "http://127.0.0.1:$HA_WEB_CLOSED/"
found "the first address refuses" OK '^200 OK; address 2 of 2, connection refused by 127\.0\.0\.9:' \
    --resolve web.test:127.0.0.9,127.0.0.1 "http://web.test:$HA_WEB_HTTP/health"
run ha-probe -F tsv --each-address --resolve web.test:127.0.0.9,127.0.0.1 \
    "http://web.test:$HA_WEB_HTTP/health"
is "each address by itself" "$(field 5 | sort | tr '\n' ' ')" 'CRIT OK '
if [ -n "$HA_WEB_IPV6" ]; then
	found "IPv6" OK '^200 OK$' "http://[::1]:$HA_WEB_HTTP/health"
	found "... of a name" OK '^200 OK$' -6 --resolve 'web.test:127.0.0.9,[::1]' \
	    "http://web.test:$HA_WEB_HTTP/health"
	found "... https" OK '^200 OK$' --cacert "$HA_WEB_CA" \
	    "https://[::1]:$HA_WEB_HTTPS/health"
else
	skip "IPv6" "there is none"
fi
serve backlog
found "no answer to SYN" CRIT '^no answer to SYN within 300 ms$' -t 300ms \
    "http://127.0.0.1:$port/"
serve silent
found "no TLS handshake" CRIT '^no TLS handshake within 300 ms$' -t 300ms \
    "https://127.0.0.1:$port/"
found "no answer" CRIT '^no answer after the request within 300 ms$' -t 300ms \
    "http://127.0.0.1:$port/"

## Servers that misbehave

rude()
{
	rude_desc=$1 rude_words=$2
	shift 2
	serve "$@"
	found "$rude_desc" CRIT "$rude_words" -t 2s "http://127.0.0.1:$port/"
	within "... at once" 0 1500
}
rude "a reset" '^connection reset by 127\.0\.0\.1:[0-9]+' reset
rude "no answer at all" '^connection (closed|reset) by .* without an answer$' close
rude "headers without end" '^more than 256 KiB of headers$' headerbomb
rude "chunks that are none" '^broken answer: .*chunked' chunkgarbage
rude "half a body" '^connection closed by .* with [0-9]+ bytes missing$' half
rude "half a chunk" '^connection closed by .* before the end of the answer$' \
    bye '' 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab'
rude "no HTTP" '^the answer is not HTTP$' bye '' 'SSH-2.0-OpenSSH_9.2\r\n'
rude "a line without end" '^broken answer|^the answer is not HTTP' flood
rude "no header" '^the answer is not HTTP: Header without colon$' \
    bye '' 'HTTP/1.1 200 OK\r\nno header\r\n\r\n'
rude "a version from the future" '^the answer is not HTTP: Unsupported HTTP' \
    bye '' 'HTTP/7.0 200 OK\r\n\r\n'
rude "a coding that is none" '^the answer is not HTTP: .*unencoding' bye '' \
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
serve endless
found "a body without end serves, for those who don't ask" OK '^200 OK$' \
    "http://127.0.0.1:$port/"
found "... not for those who do" CRIT '^the body is larger than 100 KiB' \
    --max-body 100K -e 'body!~foo' "http://127.0.0.1:$port/"
serve bye '' "HTTP/1.1 503 a${ESC}[31mb\\r\\nContent-Length: 0\\r\\n\\r\\n"
found "an escape sequence in the words" CRIT '^503 a' "http://127.0.0.1:$port/"
not_ok "... does not come through" grep -q "$ESC" "$T/out"
serve silent
quiet=$port
serve flood
for n in 1 2 3 4 5 6 7 8; do
	echo "flood$n http://127.0.0.1:$port/"
	echo "silent$n https://127.0.0.1:$quiet/ timeout=500ms"
	echo "good$n $plain/health"
done >"$T/targets"
run ha-probe -F tsv -f "$T/targets"
is "bad ones don't harm the good ones" "$(field 5 | sort | uniq -c | tr -d '\n ')" \
    '16CRIT8OK'
# Decrypting, libcurl wants to go on at once, again and again.
for n in 1 2 3 4; do
	mkfifo "$T/chunk$n"
	spawn -i "$T/chunk$n" -o "$T/accept$n" openssl s_server \
	    -accept 127.0.0.1:0 -cert "$HA_WEB_DIR/good.crt" \
	    -key "$HA_WEB_DIR/key"
	spawn -o "$T/chunk$n" perl -e '
		print "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=";
		print "x" x 65536 while 1;'
	wait_until 5 grep -qs '^ACCEPT ' "$T/accept$n"
	sed -n 's|^ACCEPT \(.*\)|https://\1/|p' "$T/accept$n"
done >"$T/targets"
run ha-probe -F tsv --cacert "$HA_WEB_CA" -t 500ms -T 3s -f "$T/targets"
is "floods over TLS don't hold up the deadlines" \
    "$(grep -c 'CRIT.*no end of the answer within 500 ms' "$T/out")" 4

## What is loaded, and what is not

run env LD_DEBUG=libs LD_DEBUG_OUTPUT="$T/libs" ha-probe "$plain/health"
ok "HTTP takes libcurl" grep -q libcurl "$T"/libs.*
rm -f "$T"/libs.*
run env LD_DEBUG=libs LD_DEBUG_OUTPUT="$T/libs" ha-probe \
    "tcp://127.0.0.1:$HA_WEB_HTTP"
not_ok "tcp:// does not" grep -qE 'libcurl|libssl|libcrypto' "$T"/libs.*
unlike "nor is it linked" "$(ldd "$(command -v ha-probe)")" 'curl|ssl|crypto'
mkdir "$T/empty"
: >"$T/empty/libcurl.so.4"
LD_LIBRARY_PATH=$T/empty found "without libcurl" UNKNOWN \
    "^can't load libcurl.so.4 \\(package libcurl4\\): " "$plain/health"

done_testing
