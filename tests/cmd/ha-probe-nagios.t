#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe-nagios.t - healthy and sick servers and hosts, asked by ha-probe or
# ha-stat and by the Monitoring Plugins: the states agree, or README says why
# they don't.
if [ -z "${HA_WEB_DIR-}" ]; then
	tests=$(cd "$(dirname "$0")/.." && pwd)
	# Each in the other's folder, the paths of sockets would be too long.
	outside="env TMPDIR=${TMPDIR:-/tmp}"
	# shellcheck disable=SC2086 # two words
	exec "$tests/with-sshd" -- $outside "$tests/with-smtp" -- \
	    $outside "$tests/with-web" -- "$tests/cmd/$(basename "$0")"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
PATH=$PATH:/usr/lib/nagios/plugins
needs check_http check_tcp check_udp check_smtp check_ssh check_disk \
    check_load check_procs check_file_age perl

# Each row is ours COMMAND, theirs COMMAND, and what both find.
name_of()
{
	case $1 in
	0) echo OK ;;
	1) echo WARN ;;
	2) echo CRIT ;;
	3) echo UNKNOWN ;;
	*) echo "status $1" ;;
	esac
}

ours()
{
	run "$@" -F nagios
	mine=$(name_of "$status") said=$out
}

theirs()
{
	run "$@"
}

# DESC STATE STATE
found_both()
{
	is "$1" "$mine and $(name_of "$status")" "$2 and $3" ||
	    diag "ours: $said"
}

# DESC STATE
agree()
{
	found_both "$1" "$2" "$2"
}

# DESC OURS THEIRS, and DESC is what README tells it by.
sed -n "/^## Where our states differ/,/^## [^W]/p" "$TOP/README.md" \
    >"$T/differences"
told=0
differ()
{
	found_both "$1" "$2" "$3"
	told=$((told + 1))
	ok "... README tells" grep -qF "| $1 | $2 | $3 |" "$T/differences"
}

## http

HTTP=http://127.0.0.1:$HA_WEB_HTTP
nobody=127.0.0.1:$HA_WEB_CLOSED

http()
{
	check_http -H 127.0.0.1 -p "$HA_WEB_HTTP" -u "$@"
}

ours ha-probe "$HTTP/health"
theirs http /health
agree "a page" OK

for code in 204 400 401 403 404 429 500 502 503 504; do
	case $code in
	2*) state=OK ;;
	4*) state=WARN ;;
	*) state=CRIT ;;
	esac
	ours ha-probe "$HTTP/status/$code"
	theirs http "/status/$code"
	agree "status $code" "$state"
done

ours ha-probe -e status=404 "$HTTP/missing"
theirs http /missing -e 404
agree "a status that is expected" OK

ours ha-probe -e status=404 "$HTTP/health"
theirs http /health -e 404
agree "... and another comes" CRIT

ours ha-probe "$HTTP/redirect"
theirs http /redirect
agree "a redirect" OK

ours ha-probe --redirect=follow "$HTTP/redirect"
theirs http /redirect -f follow
agree "... followed" OK

ours ha-probe --redirect=follow "$HTTP/redirect/missing"
theirs http /redirect/missing -f follow
agree "... followed to nothing" WARN

ours ha-probe --redirect=warn "$HTTP/redirect"
theirs http /redirect -f warning
agree "... that is to be a warning" WARN

ours ha-probe --redirect=crit "$HTTP/redirect"
theirs http /redirect -f critical
agree "... that is to be none" CRIT

ours ha-probe --redirect=follow "$HTTP/loop"
theirs http /loop -f follow
agree "... to itself" CRIT

ours ha-probe --redirect=follow "$HTTP/loop/a"
theirs http /loop/a -f follow
differ "redirects in a circle" CRIT WARN

ours ha-probe -e 'body~"^ok$"' "$HTTP/health"
theirs http /health -r '^ok$'
agree "a body that is expected" OK

ours ha-probe -e 'body~"nope"' "$HTTP/health"
theirs http /health -s nope
agree "... and another comes" CRIT

ours ha-probe -e 'body!~"ok"' "$HTTP/health"
theirs http /health -r ok --invert-regex
agree "... and may not come" CRIT

ours ha-probe -e 'header:Server~"^nginx"' "$HTTP/health"
theirs http /health -d 'Server: nginx'
agree "a header that is expected" OK

ours ha-probe -e 'header:Server~"^apache"' "$HTTP/health"
theirs http /health -d 'Server: apache'
agree "... and another comes" CRIT

ours ha-probe "$HTTP/empty"
theirs http /empty
agree "an empty body" OK

ours ha-probe -e size=1000: "$HTTP/health"
theirs http /health -m 1000
differ "a body smaller than expected" CRIT WARN

ours ha-probe -w 0.000001 "$HTTP/health"
theirs http /health -w 0.000001
agree "a time above the first threshold" WARN

ours ha-probe -w 0.000001 -c 0.000002 "$HTTP/health"
theirs http /health -w 0.000001 -c 0.000002
agree "... above the second" CRIT

ours ha-probe -w 30 -c 60 "$HTTP/health"
theirs http /health -w 30 -c 60
agree "... below both" OK

ours ha-probe -t 1s "$HTTP/slow/5"
theirs http /slow/5 -t 1
agree "no answer in time" CRIT

(umask 077 && echo probe:secret >"$T/user")

ours ha-probe --user-file="$T/user" "$HTTP/auth/health"
theirs http /auth/health -a probe:secret
agree "a login" OK

ours ha-probe "$HTTP/auth/health"
theirs http /auth/health
agree "... without" WARN

ours ha-probe "http://$nobody"
theirs check_http -H 127.0.0.1 -p "$HA_WEB_CLOSED"
agree "nobody listens" CRIT

for mode in silent reset close headerbomb flood; do
	serve "$mode"
	ours ha-probe -t 1s "http://127.0.0.1:$port"
	theirs check_http -H 127.0.0.1 -p "$port" -t 1
	agree "rude: $mode" CRIT
done
rude()
{
	serve "$@"
	ours ha-probe -t 1s "http://127.0.0.1:$port"
	theirs check_http -H 127.0.0.1 -p "$port" -t 1
}
rude bye 'SSH-2.0-x\r\n'
agree "no web server" CRIT
rude endless
differ "a body without end" OK CRIT
rude half
differ "a body that breaks off" CRIT OK
rude chunkgarbage
differ "a body of broken chunks" CRIT UNKNOWN
rude talk 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
differ "a whole body, and the connection stays open" OK CRIT

## https

# PORT [OPTION of ours]...
https()
{
	tls_port=$1
	shift
	ours ha-probe --cacert="$HA_WEB_CA" "$@" \
	    "https://127.0.0.1:$tls_port/health"
}
# PORT [OPTION of theirs]...
check_https()
{
	tls_port=$1
	shift
	theirs check_http -S -H 127.0.0.1 -p "$tls_port" "$@"
}
# DESC OURS THEIRS PORT
trust()
{
	https "$4"
	check_https "$4" -u /health
	differ "$1" "$2" "$3"
}
# DESC STATE PORT DAYS
days()
{
	https "$3" -e "cert=$4"
	check_https "$3" -C "$4"
	agree "$1" "$2"
}

https "$HA_WEB_HTTPS"
check_https "$HA_WEB_HTTPS" -u /health
agree "a certificate of an authority that we trust" OK
ours ha-probe "https://127.0.0.1:$HA_WEB_HTTPS/health"
check_https "$HA_WEB_HTTPS" -u /health
differ "a certificate of an unknown authority" CRIT OK
trust "a certificate signed by itself" CRIT OK "$HA_WEB_SELFSIGNED"
trust "a certificate for another name" CRIT OK "$HA_WEB_WRONGNAME"
trust "a certificate that has expired" CRIT OK "$HA_WEB_EXPIRED"
trust "a certificate that is not valid yet" CRIT OK "$HA_WEB_FUTURE"
https "$HA_WEB_CLIENT"
check_https "$HA_WEB_CLIENT" -u /health
agree "a client's certificate is asked for" WARN
days "a certificate for a year" OK "$HA_WEB_HTTPS" 30,14
days "... for 10 days of 14" WARN "$HA_WEB_SHORT" 14,5
days "... of 30 and 14" CRIT "$HA_WEB_SHORT" 30,14
days "... that has expired, and its days count" CRIT "$HA_WEB_EXPIRED" 30,14

## tcp, udp, unix

tcp()
{
	check_tcp -H 127.0.0.1 -p "$port" -t 1 "$@"
}
probe_tcp()
{
	ha-probe -t 1s "tcp://127.0.0.1:$port" "$@"
}

port=$HA_WEB_CLOSED

ours probe_tcp
theirs tcp
agree "tcp: nobody listens" CRIT

serve silent

ours probe_tcp
theirs tcp
agree "somebody listens" OK

ours probe_tcp -e 'reply~"220"'
theirs tcp -e 220
agree "a banner that does not come" CRIT

serve backlog

ours probe_tcp
theirs tcp
agree "no answer to SYN" CRIT

serve reset

ours probe_tcp -e 'reply~"220"'
theirs tcp -e 220
agree "a reset instead of a banner" CRIT

serve bye '220 hello\r\n'

ours probe_tcp -e 'reply~"220"'
theirs tcp -e 220
agree "a banner" OK

ours probe_tcp -e 'reply~"330"'
theirs tcp -e 330
differ "an unexpected answer" CRIT WARN

ours probe_tcp -e 'reply~"330"'
theirs tcp -e 330 -M crit
agree "... with -M crit" CRIT

serve echo

ours probe_tcp --send 'hi\n' -e 'reply~"hi"'
theirs tcp -E -s 'hi\n' -e hi
agree "what is sent comes back" OK

ours probe_tcp -w 0.0000001
theirs tcp -w 0.0000001
agree "tcp: a time above the first threshold" WARN

ours probe_tcp -c 0.0000001
theirs tcp -c 0.0000001
agree "tcp: a time above the second" CRIT

serve --unix "$T/socket" silent

ours ha-probe "unix://$T/socket"
theirs check_tcp -H "$T/socket"
agree "a socket of the file system" OK

ours ha-probe "unix://$T/none"
theirs check_tcp -H "$T/none"
agree "... that is not there" CRIT

udp()
{
	ours ha-probe -t 1s --send hi -e 'reply~"hi"' "udp://127.0.0.1:$port"
	theirs check_udp -H 127.0.0.1 -p "$port" -t 1 -s hi -e hi
}
serve udp-echo
udp
agree "udp: an answer" OK
serve udp-mute
udp
agree "udp: none" CRIT
port=$HA_WEB_CLOSED
udp
agree "udp: nobody is there" CRIT

## This machine's own faults

ours ha-probe tcp://127.0.0.1:99999
theirs check_tcp -H 127.0.0.1 -p x
agree "a mistake of the caller" UNKNOWN
if unshare --net --mount true 2>/dev/null; then
	ours unshare --net ha-probe tcp://192.0.2.1:80
	theirs unshare --net check_tcp -H 192.0.2.1 -p 80
	differ "this machine has no route" UNKNOWN CRIT
	# A resolver that reads files alone, and one that asks nobody.
	echo 'hosts: files' >"$T/nsswitch.conf"
	cat >"$T/files" <<-END
		mount --bind "$T/nsswitch.conf" /etc/nsswitch.conf && exec "\$@"
	END
	ours unshare --mount sh "$T/files" ha-probe tcp://none.invalid:80
	theirs unshare --mount sh "$T/files" check_tcp -H none.invalid -p 80
	agree "a name that there is not" CRIT
	echo 'nameserver 127.0.0.1' >"$T/resolv.conf"
	echo 'hosts: dns' >"$T/dns.conf"
	cat >"$T/dns" <<-END
		mount --bind "$T/dns.conf" /etc/nsswitch.conf &&
		    mount --bind "$T/resolv.conf" /etc/resolv.conf && exec "\$@"
	END
	ours unshare --net --mount sh "$T/dns" ha-probe tcp://web.test:80
	theirs unshare --net --mount sh "$T/dns" check_tcp -H web.test -p 80
	differ "this machine's resolver does not answer" UNKNOWN CRIT
else
	skip "no route, no resolver" "needs root and namespaces"
fi

## smtp

# DESC STATE PORT
smtp()
{
	ours ha-probe -t 1s "smtp://127.0.0.1:$3"
	theirs check_smtp -H 127.0.0.1 -p "$3" -t 1
	agree "$1" "$2"
}
# PORT [OPTION of ours]...
starttls()
{
	tls_port=$1
	shift
	ours ha-probe --cacert="$HA_SMTP_CA" "$@" \
	    "smtp+starttls://127.0.0.1:$tls_port"
}
# PORT [OPTION]...
check_starttls()
{
	tls_port=$1
	shift
	theirs check_smtp -S -H 127.0.0.1 -p "$tls_port" "$@"
}

smtp "exim" OK "$HA_SMTP_PORT"
smtp "smtp: nobody listens" CRIT "$HA_WEB_CLOSED"
serve silent
smtp "smtp: a silent server" CRIT "$port"

ours ha-probe "smtp://127.0.0.1:$HA_SMTP_REFUSING"
theirs check_smtp -H 127.0.0.1 -p "$HA_SMTP_REFUSING"
differ "a mail server that refuses in its greeting" CRIT WARN
starttls "$HA_SMTP_PORT"
check_starttls "$HA_SMTP_PORT"
agree "STARTTLS" OK
starttls "$HA_SMTP_PLAIN"
check_starttls "$HA_SMTP_PLAIN"
differ "STARTTLS that is not offered" CRIT WARN
starttls "$HA_SMTP_EXPIRED"
check_starttls "$HA_SMTP_EXPIRED"
differ "STARTTLS with a certificate that has expired" CRIT OK
starttls "$HA_SMTP_EXPIRED" -e cert=14,5
check_starttls "$HA_SMTP_EXPIRED" -D 14,5
agree "... and its days count" CRIT
starttls "$HA_SMTP_SHORT" -e cert=14,5
check_starttls "$HA_SMTP_SHORT" -D 14,5
agree "... for 10 days of 14" WARN
starttls "$HA_SMTP_SHORT" -e cert=30,14
check_starttls "$HA_SMTP_SHORT" -D 30,14
agree "... of 30 and 14" CRIT

## ssh

# PORT
ssh_both()
{
	ours ha-probe -t 1s "ssh://127.0.0.1:$1"
	theirs check_ssh -t 1 -p "$1" 127.0.0.1
}
ssh_both "$HA_SSH_PORT"
agree "sshd" OK
ours ha-probe -e 'reply~"Dropbear"' "ssh://127.0.0.1:$HA_SSH_PORT"
theirs check_ssh -r Dropbear -p "$HA_SSH_PORT" 127.0.0.1
agree "... of another version than expected" CRIT
ssh_both "$HA_WEB_CLOSED"
agree "ssh: nobody listens" CRIT
serve silent
ssh_both "$port"
agree "ssh: a silent server" CRIT
serve bye '220 mail\r\n'
ssh_both "$port"
agree "no sshd" CRIT
serve talk 'SSH-1.5-old\r\n'
ssh_both "$port"
differ "a server that speaks SSH 1 only" CRIT OK
serve bye 'Exceeded MaxStartups\r\n'
ssh_both "$port"
differ "sshd that has MaxStartups clients at the door" WARN CRIT
serve bye 'keep out\r\nSSH-2.0-x\r\n'
ssh_both "$port"
differ "lines before the SSH identification" OK CRIT

## ha-stat: disks

# DESC STATE OURS-QUERY PLUGIN-OPTION...
disk()
{
	disk_desc=$1 disk_state=$2 query=$3
	shift 3
	ours ha-stat "disk:$T?$query"
	theirs check_disk "$@" -p "$T"
	agree "$disk_desc" "$disk_state"
}
disk "a disk with room" OK 'free=0:,0:' -w 0 -c 0
disk "... with less than the first threshold" WARN 'free=100%:,0:' \
    -w 100% -c 0
disk "... than the second" CRIT 'free=100%:,100%:' -w 100% -c 100%
ours ha-stat "disk:$T/none"
theirs check_disk -w 1% -c 1% -p "$T/none"
agree "a path that is not there" CRIT
# Of a file system of few inodes.
mkdir "$T/small"
if mount -t tmpfs -o size=1m,nr_inodes=10 none "$T/small" 2>/dev/null; then
	touch "$T/small/1" "$T/small/2" "$T/small/3" "$T/small/4"
	for range in 60,40 40,20 90,60; do
		case $range in
		60,40) state=WARN ;;
		40,20) state=OK ;;
		*) state=CRIT ;;
		esac
		w=${range%,*}% c=${range#*,}%
		ours ha-stat "inode:$T/small?free=$w:,$c:"
		theirs check_disk -W "$w" -K "$c" -p "$T/small"
		agree "inodes left, $w and $c" "$state"
	done
else
	skip "inodes" "needs root"
fi

## ha-stat: load

# DESC STATE 1 5 15 minutes' WARN,CRIT
load()
{
	ours ha-stat "load?load1=$3&load5=$4&load15=$5"
	theirs check_load -w "${3%,*},${4%,*},${5%,*}" \
	    -c "${3#*,},${4#*,},${5#*,}"
	agree "$1" "$2"
}
echo '3.00 2.00 1.00 1/100 12345' >"$T/loadavg"
if mount --bind "$T/loadavg" /proc/loadavg 2>/dev/null; then
	load "load below both thresholds" OK 4,5 4,5 4,5
	load "... at the first" OK 3,5 2,5 1,5
	load "... of 1 minute above it" WARN 2,5 4,5 4,5
	load "... of 5 minutes" WARN 4,5 1.5,5 4,5
	load "... of 15 minutes above the second" CRIT 4,5 4,5 0.5,0.9
	umount /proc/loadavg
else
	skip "load" "needs root"
fi

## ha-stat: processes

# DESC STATE COUNT-WARN COUNT-CRIT
procs()
{
	ours ha-stat "proc:exe=ha-sleeper?count=$3,$4"
	theirs check_procs -C ha-sleeper ${3:+-w "$3"} -c "$4"
	agree "$1" "$2"
}
procs "no process of that name" CRIT '' 1:
cp "$(command -v sleep)" "$T/ha-sleeper"
spawn "$T/ha-sleeper" 600
spawn "$T/ha-sleeper" 600
two()
{
	[ "$(cat /proc/[0-9]*/comm 2>/dev/null | grep -cx ha-sleeper)" -eq 2 ]
}
wait_until 5 two
procs "two of them, and one is needed" OK '' 1:
procs "... and one is to run" WARN 1:1 1:
procs "... and three are needed" CRIT 1:1 3:
procs "... and none may run" CRIT '' 0:0
# shellcheck disable=SC2016 # perl's
spawn perl -e '
	$0 = "ha-parent";
	exit 0 unless fork;
	sleep 600;'
zombie()
{
	grep -q '^State:.Z' /proc/[0-9]*/status 2>/dev/null
}
wait_until 5 zombie
ours ha-stat 'proc:exe=ha-parent?zombies=0&count=,0:'
theirs check_procs -s Z -w 0 -c 50
agree "a zombie" WARN

## ha-stat: files

# DESC STATE [SIZE-WARN SIZE-CRIT]
file()
{
	ours ha-stat "file:$T/file?mtime=60,600${3:+&size=$3:,$4:}"
	theirs check_file_age -w 60 -c 600 ${3:+-W "$3" -C "$4"} -f "$T/file"
	agree "$1" "$2"
}
file "a file that is not there" CRIT
date >"$T/file"
file "a new file" OK
file "... smaller than the first threshold" WARN 1000 1
file "... than the second" CRIT 1000 500
touch -d '5 minutes ago' "$T/file"
file "a file of 5 minutes" WARN
touch -d '5 hours ago' "$T/file"
file "... of 5 hours" CRIT
touch -d tomorrow "$T/file"
file "... of tomorrow" OK
ours ha-stat "file:$T?mtime=60,600"
theirs check_file_age -w 60 -c 600 -f "$T"
differ "a directory in a file's place" CRIT OK

is "README tells of no other difference" \
    "$(grep -c '^| .* | [A-Z]* | [A-Z]* | ' "$T/differences")" "$told"

done_testing

