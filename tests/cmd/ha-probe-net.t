#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe over tcp, udp and unix: servers that misbehave on loopback.
if [ -z "${HA_NAMESPACE-}" ] && unshare --net ip link set lo up 2>/dev/null; then
	HA_NAMESPACE=1
	export HA_NAMESPACE
	exec unshare --net sh -c 'ip link set lo up && exec "$@"' sh "$0"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
needs prlimit setpriv

# A port that nobody listens at.
serve silent
reap "$pid" TERM
closed=$port

found "nobody listens" CRIT "^connection refused by 127.0.0.1:$closed\$" \
    "tcp://127.0.0.1:$closed"
found "localhost is asked for" CRIT "refused by 127.0.0.1:$closed" \
    -4 "tcp://localhost:$closed"
found "a name of --resolve" CRIT "^connection refused by 127.0.0.3:$closed\$" \
    --resolve "B.invalid:127.0.0.3" "tcp://b.invalid:$closed"
found "an address of the other family" UNKNOWN 'not an IPv6 address' \
    -6 tcp://127.0.0.1:1

serve silent
silent=$port
found "connected is enough" OK "^connected to 127.0.0.1:$port\$" \
    "tcp://127.0.0.1:$port"
like "time comes first in the performance data" "$perf" \
    '^time=0\.[0-9]+s;;;0;5$'
found "a threshold of the time" CRIT '^took [0-9.]+ s$' -c 0.0000001 \
    "tcp://127.0.0.1:$port"
like "the time's thresholds are in the performance data" "$perf" \
    '^time=0\.[0-9]+s;;0\.0000001;0;5$'
found "no banner" CRIT '^no SSH identification within 300 ms$' -t 300ms \
    "ssh://127.0.0.1:$port"
within "the time-out is kept" 300 1300
found "no reply" CRIT '^no reply within 250 ms$' -t 250ms \
    -e 'reply~hello' "tcp://127.0.0.1:$port"

serve reset
found "a reset before the banner" CRIT \
    '^connection reset before the SSH identification$' "ssh://127.0.0.1:$port"
found "a reset is no refusal: tcp:// has connected" OK '^connected to' \
    "tcp://127.0.0.1:$port"
serve close
found "the end before the reply" CRIT '^connection closed without a reply$' \
    -e 'reply~.' "tcp://127.0.0.1:$port"

serve talk '220 hello there\r\nmore'
found "a reply" OK '^220 hello there$' -e 'reply~hello' "tcp://127.0.0.1:$port"
found "another reply" CRIT '^no whole reply \(21 bytes came\) within 250 ms; reply lacks "bye"' \
    -t 250ms -e 'reply~bye' "tcp://127.0.0.1:$port"
serve bye 'hello\n'
found "another reply, and the end" CRIT '^reply lacks "bye": "hello' \
    -e 'reply~bye' "tcp://127.0.0.1:$port"
serve talk '' 'pong\n'
found "send and reply" OK '^pong$' --send 'ping\n' -e 'reply=pong\n' \
    "tcp://127.0.0.1:$port"
serve banner hello
found "escape sequences are cleaned" OK '^hello' -e 'reply~hello' \
    "tcp://127.0.0.1:$port"
not_ok "no control byte but tab and newline comes through" \
    env LC_ALL=C grep -q "$(printf '[\001-\010\013-\037\177]')" "$T/out"
serve flood
found "a line without end" CRIT \
    '^the SSH identification is longer than [0-9]+ bytes$' \
    "ssh://127.0.0.1:$port"
found "a reply without end" CRIT '^reply lacks "y"' -e 'reply~y' \
    "tcp://127.0.0.1:$port"
serve echo
found "PROXY protocol 1" OK "^PROXY TCP4 127.0.0.1 127.0.0.1 [0-9]+ $port\$" \
    --haproxy 1 -e "reply~^PROXY.*$port" "tcp://127.0.0.1:$port"
found "a source address" OK "^PROXY TCP4 127.0.0.66 " --haproxy 1 \
    -B 127.0.0.66 -e "reply~^PROXY.*$port" "tcp://127.0.0.1:$port"
found "a source interface" OK '^connected' -B lo "tcp://127.0.0.1:$port"
found "a source address that is not ours" UNKNOWN \
    '^this machine does not have the -B address, for' -B 192.0.2.1 \
    "tcp://127.0.0.1:$port"
found "a source interface that is not there" UNKNOWN \
    '^this machine does not have the -B interface, for' -B nosuch0 \
    "tcp://127.0.0.1:$port"
serve backlog
found "a full backlog" CRIT '^no answer to SYN within 300 ms$' -t 300ms \
    "tcp://127.0.0.1:$port"

serve --unix "$T/talk" talk 'hello\n'
found "a unix socket" OK "^connected to $T/talk\$" "unix://$T/talk"
found "a reply of a unix socket" OK '^hello$' -e 'reply~hello' \
    "unix://$T/talk"
if [ "$(id -u)" -eq 0 ]; then
	chmod 711 "$T"
	chmod 600 "$T/talk"
	install -m 755 "$HA_BIN/ha-probe" "$T"
	as='setpriv --reuid 65534 --clear-groups' program=$T/ha-probe
	found "a unix socket of somebody else" UNKNOWN \
	    "^no permission for $T/talk\$" -t 1s "unix://$T/talk"
	as='' program=ha-probe
else
	skip "a unix socket of somebody else" "not root"
fi
reap "$pid" KILL
found "a unix socket that nobody holds" CRIT "^nobody listens at $T/talk\$" \
    "unix://$T/talk"
found "no unix socket" CRIT "^$T/none does not exist\$" "unix://$T/none"
: >"$T/file"
found "a file" CRIT "^nobody listens at $T/file\$" "unix://$T/file"
serve --unix "$T/full" backlog
found "a unix socket whose backlog is full" CRIT \
    '^no room in its backlog within 200 ms$' -t 200ms "unix://$T/full"

serve udp-echo
found "udp" OK '^hello$' --send hello -e 'reply~hello' "udp://127.0.0.1:$port"
found "another answer over udp" CRIT '^no fitting reply within 200 ms' \
    -t 200ms --send hello -e 'reply~x' "udp://127.0.0.1:$port"
serve udp-mute
found "no answer over udp" CRIT '^no reply within 200 ms$' -t 200ms \
    --send hello -e 'reply~x' "udp://127.0.0.1:$port"
is "it was not sent twice" "$(grep -c bytes "$served")" 1
found "no answer to dns" CRIT '^no answer within 1\.5 s$' -t 1500ms \
    "dns://127.0.0.1:$port/"
is "a question is asked again" "$(grep -c bytes "$served")" 3
found "a closed udp port" CRIT '^connection refused by 127.0.0.1:1$' \
    --send hello -e 'reply~x' "udp://127.0.0.1:1"
run ha-probe --send hello udp://127.0.0.1:1
is "udp without an answer to wait for: exit status" "$status" 3
like "udp without an answer to wait for" "$err" 'needs send= and a reply term'

found "each attempt is counted" CRIT '^connection refused .*\(attempt 3 of 3\)$' \
    -r 2 "tcp://127.0.0.1:$closed"
found "the deadline of the sweep" CRIT \
    '^deadline of the sweep \(300 ms\): no SSH identification$' \
    -T 300ms -t 30s "ssh://127.0.0.1:$silent"
within "it ends in time" 300 1300
run ha-probe -T 300ms -t 30s -P 1 -F tsv "ssh://127.0.0.1:$silent" \
    "tcp://127.0.0.1:$silent" "tcp://127.0.0.2:$silent"
is "whose turn did not come is told, too" \
    "$(grep -c 'CRIT.*deadline of the sweep (300 ms): its turn did not come' "$T/out")" 2

run prlimit --nofile=4 ha-probe -F tsv "tcp://127.0.0.1:$silent"
like "no descriptor: nothing of the target's" "$out" \
    "UNKNOWN.*no file descriptor is left for 127.0.0.1:$silent"
is "no descriptor: exit status" "$status" 3

serve close
for i in $(seq 2000); do
	echo "t$i tcp://127.0.0.1:$port"
done >"$T/many"
run prlimit --nofile=40 ha-probe -F tsv -f "$T/many"
is "2,000 targets, 40 descriptors: all are OK" \
    "$(grep -c '	OK	' "$T/out")" 2000
is "2,000 targets, 40 descriptors: exit status" "$status" 0
run prlimit --nofile=256:4096 ha-probe -F tsv -f "$T/many" -t 300ms
is "2,000 targets, the limit raised" "$(grep -c '	OK	' "$T/out")" 2000

# The first thousand are answered, the others wait.
sed "s/t\(1...\) .*/s\1 ssh:\/\/127.0.0.1:$silent/" "$T/many" >"$T/half"
half_is_out()
{
	[ "$(grep -c '	OK	' "$T/records")" -ge 999 ]
}
spawn -o "$T/records" ha-probe -F tsv -t 30s -f "$T/half"
wait_until 10 half_is_out
reap "$pid" TERM
is "SIGTERM ends it" "$status" 143
is "no record is cut" "$(tail -c 1 "$T/records" | od -An -c | tr -d ' ')" '\n'
is "all of them are whole" \
    "$(grep -v '^#' "$T/records" | awk -F '\t' 'NF != 9' | wc -l)" 0
not_ok "and no end is claimed" grep -q '^#end' "$T/records"

done_testing
