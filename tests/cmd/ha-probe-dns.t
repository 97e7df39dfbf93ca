#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe's dns:// and ntp:// against the real servers, and against datagrams
# that nobody asked for.
if [ "${1-}" = --ntp ]; then
	. "$(dirname "$0")/../tap.sh"
	. "$(dirname "$0")/../probe.sh"
	NTP=ntp://127.0.0.1:$HA_NTP_PORT
	found "chronyd" OK '^stratum 3, offset -?[0-9.e-]+ ms$' "$NTP"
	like "... with its offset" "$perf" ' offset=-?[0-9.e-]+s'
	"$TESTS/server" ntp freeze
	found "... is frozen" CRIT '^no answer within 300 ms$' -t 300ms "$NTP"
	"$TESTS/server" ntp thaw
	"$TESTS/server" ntp stop
	found "... is not there" CRIT '^connection refused by' "$NTP"
	done_testing
elif [ "${1-}" = --unsynchronised ]; then
	. "$(dirname "$0")/../tap.sh"
	. "$(dirname "$0")/../probe.sh"
	found "a clock without a source" CRIT \
	    '^its clock is not synchronised|^it does not know the time' \
	    "ntp://127.0.0.1:$HA_NTP_PORT"
	done_testing
fi
[ -n "${HA_DNS_DIR-}" ] || exec "$(dirname "$0")/../with-dns" -- "$0"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"

DNS=dns://127.0.0.1:$HA_DNS_PORT
found "an address" OK '^192\.0\.2\.1, ttl [0-9]+$' "$DNS/web.test"
found "... of IPv6" OK '^2001:db8::1, ttl' "$DNS/web.test?type=AAAA"
found "two addresses" OK '^192\.0\.2\.[12]; 192\.0\.2\.[12], ttl' \
    "$DNS/two.test"
found "an alias" OK '^192\.0\.2\.1, ttl' "$DNS/www.test"
found "... itself" OK '^web\.test, ttl' "$DNS/www.test?type=CNAME"
found "MX" OK '^10 mail\.test, ttl' "$DNS/test?type=MX"
found "TXT" OK '^v=spf1 -all, ttl' "$DNS/mail.test?type=TXT"
found "SRV" OK '^[0-9]+ [0-9]+ 80 web\.test, ttl' "$DNS/_http._tcp.test?type=SRV"
found "PTR of an address" OK '^web\.test, ttl' "$DNS/192.0.2.1?type=PTR"
found "an answer that is expected" OK '192\.0\.2\.2' \
    -e 'reply~"^192\.0\.2\.2$"' "$DNS/two.test"
found "... and not there" CRIT 'reply' -e 'reply~"203"' "$DNS/two.test"
found "no such name" CRIT '^NXDOMAIN for none\.test A$' "$DNS/none.test"
found "no such record" CRIT '^no AAAA record for two\.test$' \
    "$DNS/two.test?type=AAAA"
found "a server that can't" CRIT '^SERVFAIL for fail\.test A$' "$DNS/fail.test"
found "... that won't" CRIT '^REFUSED for example\.org A$' "$DNS/example.org"
found "an answer too long for UDP" OK 'truncated' "$DNS/big.test?type=TXT"
found "no answer" CRIT '^no answer within 300 ms$' -t 300ms "$DNS/mute.test"
exits "a type that there is not: 3" 3 ha-probe "$DNS/web.test?type=BANANA"
like "... said" "$err" "'BANANA' is no type: A, AAAA"

serve udp-say '\x00\x00\x81\x80\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01'
found "an answer with another number" CRIT \
    '^no answer to this question, but to another within 300 ms$' \
    -t 300ms "dns://127.0.0.1:$port/a"
serve udp-echo
found "the question for an answer" CRIT \
    '^no answer to this question, but to another within 300 ms$' \
    -t 300ms "dns://127.0.0.1:$port/a"
found "... of ntp" CRIT \
    '^no answer to this request, but another one within 300 ms$' \
    -t 300ms "ntp://127.0.0.1:$port"

"$TESTS/server" dns freeze
found "the name server is frozen" CRIT '^no answer within 300 ms$' -t 300ms \
    "$DNS/web.test"
within "... said in time" 300 1300
# The first datagram is lost: nobody listens yet at the server's socket.
"$TESTS/server" dns thaw
"$TESTS/server" dns stop
found "it is not there" CRIT '^connection refused by' "$DNS/web.test"

## ntp

run "$TESTS/with-ntp" -- "$0" --ntp
is "chronyd passes its own tests" "$status" 0
run "$TESTS/with-ntp" --unsynchronised -- "$0" --unsynchronised
is "... without a source, too" "$status" 0

run env LD_DEBUG=libs LD_DEBUG_OUTPUT="$T/libs" ha-probe -t 100ms \
    "$DNS/web.test" mysql://127.0.0.1:1 ssh://127.0.0.1:1 \
    redis://127.0.0.1:1 memcached://127.0.0.1:1 ntp://127.0.0.1:1
is "all these say what they found" "$status" 2
unlike "... and load no library for it" "$(cat "$T"/libs.*)" \
    'libmariadb|libssl|libcurl|libresolv'

done_testing
