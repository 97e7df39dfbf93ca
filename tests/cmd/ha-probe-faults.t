#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe where the network, the resolver or this machine is at fault: in
# network and mount namespaces, with its own /etc/hosts and resolver.
if [ -z "${HA_NAMESPACE-}" ] && unshare --net --mount true 2>/dev/null; then
	HA_NAMESPACE=1
	export HA_NAMESPACE
	exec unshare --net --mount "$0"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
[ -n "${HA_NAMESPACE-}" ] || lacks "no namespaces without root"
needs nft ip setpriv
for file in hosts resolv.conf nsswitch.conf; do
	[ -e "/etc/$file" ] || lacks "there is no /etc/$file to mount over"
done

rule()
{
	nft add rule inet ha "$@"
}

sysctl_of()
{
	echo "$2" >"/proc/sys/net/$1"
}

set_up()
{
	ip link set lo up
	sysctl_of ipv6/conf/default/accept_dad 0
	ip link add v0 type veth peer name v1
	ip link set v0 up
	ip link set v1 up
	ip addr add 10.0.0.1/8 dev v0
	sysctl_of ipv4/neigh/v0/retrans_time_ms 50
	ip link add n0 type veth peer name n1
	ip link set n0 up
	ip addr add 172.16.0.1/16 dev n0
	ip addr add fd00::1/64 dev n0
	ip route add unreachable 198.51.100.1
	ip route add prohibit 198.51.100.2
	ip route add blackhole 198.51.100.3
	nft add table inet ha
	nft add chain inet ha in '{ type filter hook input priority 0; }'
	nft add chain inet ha out '{ type filter hook output priority 0; }'
	for file in hosts resolv.conf nsswitch.conf; do
		: >"$T/$file"
		mount --bind "$T/$file" "/etc/$file"
	done
	printf '127.0.0.1 localhost dual\n::1 dual\n' >"$T/hosts"
	echo 'hosts: files' >"$T/nsswitch.conf"
}

set_up
# Of the rules: what each port meets.
rule in tcp dport 701 drop
rule in tcp dport 702 reject with icmpx type host-unreachable
rule in tcp dport 703 reject with icmp type admin-prohibited
rule in tcp dport 704 reject with icmpx type port-unreachable
rule in ip daddr 127.1.0.0/16 drop
rule in udp dport 702 reject with icmpx type host-unreachable
rule out udp dport 709 drop

found "SYN is dropped" CRIT '^no answer to SYN within 300 ms$' -t 300ms \
    tcp://127.0.0.1:701
found "a router says host unreachable" CRIT \
    '^127.0.0.1:702 is unreachable$' tcp://127.0.0.1:702
found "... of a datagram" CRIT '^127.0.0.1:702 is unreachable$' \
    dns://127.0.0.1:702/
found "a router says prohibited" CRIT '^127.0.0.1:703 is unreachable$' \
    tcp://127.0.0.1:703
found "a router says port unreachable" CRIT \
    '^connection refused by 127.0.0.1:704$' tcp://127.0.0.1:704
found "nobody has the address" CRIT '^10.2.3.4:80 is unreachable$' \
    tcp://10.2.3.4:80
found "no route" UNKNOWN '^no route to 192.0.2.1:80$' tcp://192.0.2.1:80
found "no route over IPv6" UNKNOWN '^no route to \[2001:db8::1\]:80$' \
    'tcp://[2001:db8::1]:80'
found "no route for a datagram" UNKNOWN '^no route to 192.0.2.1:53$' \
    dns://192.0.2.1/
found "an unreachable route" UNKNOWN '^no route to 198.51.100.1:1$' \
    tcp://198.51.100.1:1
found "a prohibiting route" UNKNOWN \
    "^this machine's own rules forbid 198.51.100.2:1\$" tcp://198.51.100.2:1
found "a blackhole route" UNKNOWN \
    '^this machine has a blackhole route to 198.51.100.3:1$' \
    tcp://198.51.100.3:1
found "this machine's own filter" UNKNOWN \
    "^this machine's own rules forbid 127.0.0.1:709\$" dns://127.0.0.1:709/
found "our link has no carrier" UNKNOWN '^our link is down: n0$' -t 300ms \
    tcp://172.16.3.4:80
found "... and is told as soon as the neighbour is not found" UNKNOWN \
    '^our link is down: n0' -t 300ms icmp://172.16.3.4
found "our link has no carrier, IPv6" UNKNOWN '^our link is down: n0$' \
    -t 300ms 'tcp://[fd00::2]:80'
found "... at the sweep's deadline" UNKNOWN \
    '^deadline of the sweep \(300 ms\): our link is down: n0$' -T 300ms \
    tcp://172.16.3.4:80
found "a link-local address without its interface" UNKNOWN \
    '^%INTERFACE has to follow \[fe80::1\]:80$' 'tcp://[fe80::1]:80'
local_address=$(ip -6 -o addr show dev v0 scope link |
    sed 's/.*inet6 \([^/]*\).*/\1/')
found "a link-local address with it" CRIT \
    "^connection refused by \\[$local_address%v0\\]:80\$" \
    "tcp://[$local_address%v0]:80"

found "a local fault of all addresses" UNKNOWN \
    '^no route to 192.0.2.1:80; no route to 192.0.2.2:80$' \
    --resolve web:192.0.2.1,192.0.2.2 tcp://web:80
found "a local fault of one of them" CRIT \
    '^no route to 192.0.2.1:80; connection refused by 127.0.0.1:80$' \
    --resolve web:192.0.2.1,127.0.0.1 tcp://web:80
serve silent
found "the first address is refused" OK \
    "^connected to 127.0.0.1:$port; address 2 of 2, connection refused by \\[::1\\]:$port\$" \
    "tcp://dual:$port"
rule in ip6 daddr ::1 tcp dport "$port" drop
found "the first address is silent" OK \
    "^connected to 127.0.0.1:$port; address 2 of 2, no answer to SYN from \\[::1\\]:$port\$" \
    -t 600ms "tcp://dual:$port"
within "it had half of the time" 300 590
found "an address that is silent for its share, and no more" OK \
    'address 3 of 3' -t 900ms --resolve web:127.1.0.1,127.1.0.2,127.0.0.1 \
    "tcp://web:$port"
found "a service that is silent is not another address's" CRIT \
    '^no SSH identification from 127.0.0.1:[0-9]+ within 400 ms; connection refused by 127.0.0.9' \
    -t 400ms --resolve web:127.0.0.9,127.0.0.1 "ssh://web:$port"
run ha-probe -F tsv --each-address -t 300ms "tcp://dual:$port"
is "--each-address: each is a check" \
    "$(grep -v '^#' "$T/out" | cut -f 4,5 | sort | tr '\n\t' '; ')" \
    "tcp://dual:$port@127.0.0.1 OK;tcp://dual:$port@::1 CRIT;"

# Each second attempt picks the very port, which is then connected to itself.
sysctl_of ipv4/ip_local_port_range '40000 40001'
for i in $(seq 30); do
	echo "self$i tcp://127.0.0.1:40000"
done >"$T/self"
run ha-probe -F tsv -f "$T/self"
sysctl_of ipv4/ip_local_port_range '32768 60999'
is "a closed port that connects to itself is refused" \
    "$(grep -c 'CRIT.*connection refused by 127.0.0.1:40000' "$T/out")" 30

found "no such name" CRIT '^nowhere\.example: no such name$' \
    tcp://nowhere.example:1
found "no such name, with --each-address" CRIT \
    '^nowhere\.example: no such name$' --each-address tcp://nowhere.example:1
echo 'hosts: files dns' >"$T/nsswitch.conf"
echo 'nameserver 127.0.0.1' >"$T/resolv.conf"
found "no resolver" UNKNOWN '^a\.example: the resolver has no answer$' \
    tcp://a.example:1
serve --port 53 udp-mute
serve silent
for i in 1 2 3 4 5 6 7 8 9; do
	echo "tcp://dead$i.example:1"
done >"$T/dead"
tap_clock
began=$tap_now
run ha-probe -F tsv -t 900ms -f "$T/dead" "tcp://127.0.0.1:$port" \
    "tcp://localhost:$port"
tap_clock
ok "a silent resolver does not hold the process" \
    test $((tap_now - began)) -lt 300
is "a silent resolver: UNKNOWN" "$(grep -c \
    'UNKNOWN.*dead.\.example: the resolver has no answer within 900 ms' \
    "$T/out")" 9
is "a silent resolver does not hold up the others" \
    "$(grep '	OK	' "$T/out" | cut -f 6 | awk '$1 < 500' | wc -l)" 2
found "a silent resolver at the sweep's deadline" UNKNOWN \
    '^deadline of the sweep \(300 ms\): the resolver has no answer$' \
    -T 300ms tcp://a.example:1

found "icmp" OK '^answer from 127.0.0.1 in [0-9.]+ ms$' icmp://127.0.0.1
like "icmp has its performance data" "$perf" \
    '^time=[0-9.]+s;;;0;5 rta=[0-9.]+ms;;;0 pl=0%;;;0;100$'
found "icmp over IPv6" OK '^answer from ::1 in ' 'icmp://[::1]'
found "icmp by name" OK '^answer from 127.0.0.1' -4 icmp://localhost
found "icmp from an address" OK '^answer from 127.0.0.1' -B 127.0.0.9 \
    icmp://127.0.0.1
found "icmp from an address that is not ours" UNKNOWN \
    '^this machine does not have the -B address, for 127.0.0.1$' \
    -B 192.0.2.1 icmp://127.0.0.1
found "icmp: nobody has the address" CRIT \
    '^10.2.3.5: host unreachable, says 10.0.0.1$' icmp://10.2.3.5
found "icmp: no route" UNKNOWN '^no route to 192.0.2.1$' icmp://192.0.2.1
found "icmp: no answer" CRIT '^no answer to ICMP echo within 300 ms$' \
    -t 300ms icmp://127.1.0.1
rule in ip daddr 127.0.0.8 reject with icmpx type admin-prohibited
found "icmp: prohibited" CRIT '^127.0.0.8: prohibited, says 127.0.0.8$' \
    icmp://127.0.0.8
rule in ip6 daddr fd00::1 icmpv6 type echo-request \
    reject with icmpx type admin-prohibited
found "icmp over IPv6: prohibited" CRIT \
    '^fd00::1: prohibited, says fd00::1$' 'icmp://[fd00::1]'
# An echo request has 84 bytes: one is over before 100 are.
rule in ip daddr 127.0.0.7 icmp type echo-request quota until 100 bytes drop
found "icmp: a lost request is sent again" OK ', 1 of 2 requests lost$' \
    -t 900ms icmp://127.0.0.7
like "icmp: and counted" "$perf" ' pl=50%;;;0;100$'
chmod 711 "$T"
install -m 755 "$HA_BIN/ha-probe" "$T"
as='setpriv --reuid 65534 --regid 65534 --clear-groups' program=$T/ha-probe
sysctl_of ipv4/ping_group_range '1 0'
found "icmp without the privilege" UNKNOWN \
    "^no privilege for ICMP: sysctl net\.ipv4\.ping_group_range=" \
    icmp://127.0.0.1
sysctl_of ipv4/ping_group_range '0 65534'
found "icmp by a ping socket" OK '^answer from 127.0.0.1' icmp://127.0.0.1
found "icmp by a ping socket, IPv6" OK '^answer from ::1' 'icmp://[::1]'
found "icmp by a ping socket: prohibited" CRIT \
    '^127.0.0.8: prohibited, says 127.0.0.8$' icmp://127.0.0.8
found "icmp over IPv6 by a ping socket: prohibited" CRIT \
    '^fd00::1: prohibited, says fd00::1$' 'icmp://[fd00::1]'
as='' program=ha-probe
for i in $(seq 2 250); do
	echo "icmp://127.0.2.$i"
done >"$T/pings"
run ha-probe -F tsv -f "$T/pings"
is "icmp: each one gets its own answer" \
    "$(grep -c '	OK	.*answer from 127\.0\.2\.' "$T/out")" 249

serve silent
# A SYN has 60 bytes.
rule in ip daddr 127.0.0.1 tcp dport "$port" quota until 100 bytes \
    reject with tcp reset
found "a retry after a refusal" OK \
    "^connected to 127.0.0.1:$port \\(attempt 2 of 4\\)\$" -r 3 \
    "tcp://127.0.0.1:$port"

for i in 1 2 3 4; do
	seq -f "tcp://127.1.$i.%.0f:1" 250
done >"$T/dropped"
tap_clock
began=$tap_now
run ha-probe -F tsv -t 1s -f "$T/dropped"
tap_clock
is "1,000 that are silent" \
    "$(grep -c 'CRIT.*no answer to SYN within 1 s' "$T/out")" 1000
ok "... all at once" test $((tap_now - began)) -lt 250

done_testing
