#!/bin/sh
# SPDX-License-Identifier: ISC
#
# servers.t - what tests/with-* start serves as their comments say, and ends.
. "$(dirname "$0")/../tap.sh"
HA_TOOLS=${HA_TOOLS:-$TOP/build/tests}
PATH=$PATH:/usr/sbin
export HA_TOOLS PATH
needs curl openssl perl
# Servers that give up root must get to their files.
chmod 755 "$T"
mkdir "$T/dirs"

# Nothing listens at a port of the machine, in 4 hexadecimal digits.
silent()
{
	! grep -Eq "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$1") [0-9A-F]+:0000 0A" \
	    /proc/net/tcp
}

empty()
{
	[ -z "$(ls "$1")" ]
}

ended()
{
	grep -qx end "$T/seen" || ! kill -0 "$pid" 2>/dev/null
}

# serves NAME WANT: with-NAME runs $T/checks, whose output is WANT; then it is
# killed, and nothing may be left.
serves()
{
	: >"$T/seen"
	cat >"$T/all" - "$T/checks" <<-'END'
		get()
		{
			curl -sS -m 5 "$@" 2>/dev/null
		}
		code()
		{
			key=$1
			shift
			"$@" >/dev/null 2>&1
			echo "$key $?"
		}
		trap : EXIT
	END
	printf '%s\n' 'echo end' 'exec sleep 1000' >>"$T/all"
	spawn -o "$T/seen" -e "$T/err" env TMPDIR="$T/dirs" \
	    "$TESTS/with-$1" -- sh "$T/all"
	wait_until 30 ended
	is "$1: serves" "$(sed '/^end$/d; /^port /d' "$T/seen")" "$2" ||
	    tap_file stderr "$T/err"
	reap "$pid" TERM
	is "$1: killed" "$status" 143
	ok "$1: does not listen any more" silent \
	    "$(sed -n 's/^port //p' "$T/seen")"
	ok "$1: leaves nothing" empty "$T/dirs"
}

# has PROGRAM [root]: what is not installed, or takes root, is skipped.
has()
{
	if [ "${2-}" = root ] && [ "$(id -u)" -ne 0 ]; then
		skip "$1" "it takes root"
		return 1
	fi
	command -v "$1" >/dev/null && return
	if [ "${CI-}" = true ]; then
		echo "Bail out! $1 is not installed"
		exit 1
	fi
	skip "$1" "it is not installed (make deps)"
	return 1
}

cat >"$T/checks" <<'END'
h=http://127.0.0.1:$HA_WEB_HTTP
echo port "$HA_WEB_HTTP"
secure()
{
	code "$1" curl -sS -m 5 --cacert "$HA_WEB_CA" \
	    "https://127.0.0.1:$2/health" ${3+"$3"} ${4+"$4"}
}
get $h/health
get -o /dev/null -w '%{http_code}\n' $h/status/503
get -o /dev/null -w '%{http_code}\n' $h/missing
get -o /dev/null -w '%{size_download}\n' $h/big
get -L -o /dev/null -w '%{num_redirects} %{http_code}\n' $h/hops/3
get -o /dev/null -w '%{redirect_url}\n' $h/redirect/file
get -L --cacert "$HA_WEB_CA" $h/redirect/short
get -L $h/redirect/relative
code loop curl -sSL $h/loop
code slow curl -sS -m 0.1 $h/slow/5
get $h/slow/0.05
get -i $h/escape | grep -c "$(printf '\033')"
get -u probe:secret $h/auth/health
get -H 'X-Test: 1' -d abc $h/echo | grep -E '^(method|x-test|size|body)'
get --cacert "$HA_WEB_CA" -o /dev/null -w '%{http_version}\n' \
    "https://localhost:$HA_WEB_HTTPS/health"
get --cacert "$HA_WEB_CA" --resolve "other.test:$HA_WEB_HTTPS:127.0.0.1" \
    "https://other.test:$HA_WEB_HTTPS/echo" | grep ^sni
secure chain "$HA_WEB_CHAIN"
secure incomplete "$HA_WEB_INCOMPLETE"
secure expired "$HA_WEB_EXPIRED"
secure future "$HA_WEB_FUTURE"
secure self "$HA_WEB_SELFSIGNED"
secure wrong "$HA_WEB_WRONGNAME"
secure tls12 "$HA_WEB_TLS12" --tls-max 1.2
secure tls13 "$HA_WEB_TLS13" --tls-max 1.2
for days in 10 11; do
	code "$days days" openssl x509 -checkend $((days * 86400)) \
	    -in "$HA_WEB_DIR/short.crt"
done
openssl s_client -connect "127.0.0.1:$HA_WEB_TLS11" -tls1_1 \
    -cipher DEFAULT@SECLEVEL=0 </dev/null 2>/dev/null |
    grep -o 'Protocol *: .*'
get -o /dev/null -w '%{http_code}\n' -k "https://127.0.0.1:$HA_WEB_CLIENT/"
get -k --cert "$HA_WEB_DIR/client.crt" --key "$HA_WEB_DIR/key" \
    "https://127.0.0.1:$HA_WEB_CLIENT/echo" | grep ^client-cert
get --haproxy-protocol "http://127.0.0.1:$HA_WEB_PROXYPROTO/echo" |
    grep -o '^named: 127.0.0.1'
code proxytls curl -ksS --haproxy-protocol \
    "https://127.0.0.1:$HA_WEB_PROXYTLS/health"
get -x "127.0.0.1:$HA_WEB_PROXY" $h/health
get -kx "127.0.0.1:$HA_WEB_PROXY" "https://web.test:$HA_WEB_HTTPS/health"
sed 's/:[0-9][0-9]*/:PORT/' "$HA_WEB_DIR/proxy.log"
get -x "127.0.0.1:$HA_WEB_PROXYAUTH" -o /dev/null -w '%{http_code}\n' $h/health
get -x "probe:secret@127.0.0.1:$HA_WEB_PROXYAUTH" $h/health
code closed curl -sS "http://127.0.0.1:$HA_WEB_CLOSED/"
"$TESTS/server" web stop
code stopped curl -sS $h/health
"$TESTS/server" web start
code started curl -sS $h/health
"$TESTS/server" web freeze
code frozen curl -sS -m 0.1 $h/health
"$TESTS/server" web thaw
code thawed curl -sS $h/health
END
has nginx && serves web 'ok
503
404
10485760
3 200
file:///etc/passwd
ok
ok
loop 47
slow 28
slow
1
ok
method: POST
x-test: 1
size: 3
body: abc
2
sni: other.test
chain 0
incomplete 60
expired 60
future 60
self 60
wrong 60
tls12 0
tls13 35
10 days 0
11 days 1
Protocol  : TLSv1.1
400
client-certificate: CN=client.test
named: 127.0.0.1
proxytls 0
ok
ok
GET http://127.0.0.1:PORT/health HTTP/1.1
CONNECT web.test:PORT HTTP/1.1
407
ok
closed 7
stopped 7
started 0
frozen 28
thawed 0'

cat >"$T/checks" <<'END'
echo port "$HA_REDIS_PORT"
redis-cli -p "$HA_REDIS_PORT" ping
redis-cli -s "$HA_REDIS_SOCKET" ping
redis-cli -h localhost -p "$HA_REDIS_TLS" --tls --cacert "$HA_REDIS_CA" ping
redis-cli -p "$HA_REDIS_AUTH" ping | grep -o '^[A-Z]*'
REDISCLI_AUTH=secret redis-cli -p "$HA_REDIS_AUTH" ping
REDISCLI_AUTH=secret redis-cli -p "$HA_REDIS_AUTH" --user probe get x |
    grep -o '^[A-Z]*'
END
has redis-check-rdb && serves redis 'PONG
PONG
PONG
NOAUTH
PONG
NOPERM'

cat >"$T/checks" <<'END'
echo port "$HA_MEMCACHED_PORT"
printf 'version\r\nquit\r\n' |
    get "telnet://127.0.0.1:$HA_MEMCACHED_PORT" | grep -o '^VERSION'
END
has memcached && serves memcached VERSION

cat >"$T/checks" <<'END'
echo port "$HA_MARIADB_PORT"
my()
{
	mariadb --defaults-file="$HA_MARIADB_CNF" -N "$@" 2>&1
}
my -e 'SELECT CURRENT_USER()'
my --ssl-ca="$HA_MARIADB_CA" --ssl-verify-server-cert \
    -e "SHOW STATUS LIKE 'Ssl_version'"
HA_MARIADB_CNF=$HA_MARIADB_WRONG_CNF my -e 'SELECT 1' | cut -d : -f 1
mariadb --no-defaults -S "$HA_MARIADB_SOCKET" -N -e 'SELECT CURRENT_USER()'
"$TESTS/fill-mariadb" >"$HA_MARIADB_DIR/full" &
until [ -s "$HA_MARIADB_DIR/full" ]; do
	sleep 0.02
done
my -e 'SELECT 1' | grep -o 'Too many connections'
kill $!
wait $!
until my -e 'SELECT 1'; do
	sleep 0.02
done | tail -n 1
END
has mariadbd && serves mariadb "probe@localhost
Ssl_version	TLSv1.3
ERROR 1045 (28000)
$(id -un)@localhost
Too many connections
1"

cat >"$T/checks" <<'END'
echo port "$HA_DNS_PORT"
perl -MIO::Socket::INET -MIO::Select -e '
	$wait = 5;
	sub ask {
		($name, $type) = @_;
		$labels = join("", map { pack("C/a*", $_) } split(/\./, $name));
		$socket = IO::Socket::INET->new(Proto => "udp",
		    PeerAddr => "127.0.0.1:$ENV{HA_DNS_PORT}") or die;
		send $socket, pack("n6a*xn2", 7, 256, 1, 0, 0, 0, $labels,
		    $type, 1), 0;
		$answer = "";
		IO::Select->new($socket)->can_read($wait) and
		    recv $socket, $answer, 4096, 0;
		(undef, $flags, undef, $count) = unpack("n4", $answer);
		print "$name $type: ", length $answer ?
		    ($flags & 15) . ($flags & 512 ? " cut" : "") .
		    " $count" : "nothing", "\n";
	}
	ask "web.test", 1;
	print join(".", unpack("C4", substr $answer, -4)), "\n";
	ask "web.test", 28;
	ask "two.test", 1;
	ask "test", 15;
	ask "mail.test", 16;
	ask "big.test", 16;
	ask "none.test", 1;
	ask "fail.test", 1;
	ask "example.org", 1;
	$wait = 0.2;
	ask "mute.test", 1;'
END
has dnsmasq && serves dns 'web.test 1: 0 1
192.0.2.1
web.test 28: 0 1
two.test 1: 0 2
test 15: 0 1
mail.test 16: 0 1
big.test 16: 0 cut 0
none.test 1: 3 0
fail.test 1: 2 0
example.org 1: 5 0
mute.test 1: nothing'

cat >"$T/checks" <<'END'
echo port "$HA_NTP_PORT"
perl -MIO::Socket::INET -e '
	$socket = IO::Socket::INET->new(Proto => "udp",
	    PeerAddr => "127.0.0.1:$ENV{HA_NTP_PORT}") or die;
	send $socket, "\x23" . "\0" x 47, 0;
	alarm 5;
	recv $socket, $answer, 99, 0;
	($first, $stratum, $seconds) = unpack("CCx38N", $answer);
	printf "leap %d mode %d stratum %d %s\n", $first >> 6, $first & 7,
	    $stratum, abs($seconds - 2208988800 - time) < 3 ? "right" :
	    "wrong";'
END
has chronyd && serves ntp 'leap 0 mode 4 stratum 3 right'

cat >"$T/checks" <<'END'
echo port "$HA_SMTP_PORT"
printf 'Subject: test\n\nhello\n' >"$TMPDIR/mail"
mail()
{
	code "$@" --cacert "$HA_SMTP_CA" -T "$TMPDIR/mail" --mail-from \
	    root@web.test --mail-rcpt "${to:-probe@mail.test}"
}
mail starttls curl --ssl-reqd -u probe:secret "smtp://localhost:$HA_SMTP_PORT"
mail tls curl "smtps://localhost:$HA_SMTP_TLS"
mail plain curl "smtp://localhost:$HA_SMTP_PLAIN"
to=nobody@mail.test mail nobody curl "smtp://localhost:$HA_SMTP_PLAIN"
mail none curl --ssl-reqd "smtp://localhost:$HA_SMTP_PLAIN"
mail expired curl --ssl-reqd "smtp://localhost:$HA_SMTP_EXPIRED"
mail refusing curl "smtp://localhost:$HA_SMTP_REFUSING"
openssl s_client -starttls smtp -connect "127.0.0.1:$HA_SMTP_SHORT" \
    </dev/null 2>/dev/null >"$TMPDIR/short"
code days openssl x509 -checkend 950000 -in "$TMPDIR/short"
until [ "$(grep -c ^hello "$HA_SMTP_INBOX")" -eq 3 ]; do
	sleep 0.02
done
END
has exim4 root && serves smtp 'starttls 0
tls 0
plain 0
nobody 55
none 64
expired 60
refusing 8
days 1'

cat >"$T/checks" <<'END'
echo port "$HA_IMAP_PORT"
user()
{
	get --cacert "$HA_IMAP_CA" -u probe:secret "$@" | tr -d '\r'
}
user --ssl-reqd "imap://localhost:$HA_IMAP_PORT/"
user "imaps://localhost:$HA_IMAP_TLS/"
user --ssl-reqd "pop3://localhost:$HA_IMAP_POP3/"
user "pop3s://localhost:$HA_IMAP_POP3S/1" | head -n 1
END
has dovecot root && serves imap '* LIST (\HasNoChildren) "." INBOX
* LIST (\HasNoChildren) "." INBOX
1 46
From: root@mail.test'

cat >"$T/checks" <<'END'
echo port "$HA_FTP_PORT"
get "ftp://127.0.0.1:$HA_FTP_PORT/health"
get --ssl-reqd --cacert "$HA_FTP_CA" "ftp://localhost:$HA_FTP_PORT/health"
get --cacert "$HA_FTP_CA" "ftps://localhost:$HA_FTP_TLS/health"
END
has vsftpd root && serves ftp 'ok
ok
ok'

## Of any of them: memcached starts fastest

if has memcached; then
	exits "the command's exit status" 7 "$TESTS/with-memcached" -- \
	    sh -c 'exit 7'
	is "the command's input" \
	    "$(echo text | "$TESTS/with-memcached" -- cat)" text
	exits "no command" 125 "$TESTS/with-memcached"
	exits "an unknown option" 125 "$TESTS/with-memcached" --fast -- true
	like "... its name" "$err" '^with-memcached: .*--fast'

	if unshare --mount --pid --fork true 2>/dev/null; then
		: >"$T/seen"
		# shellcheck disable=SC2016 # for that shell
		spawn -o "$T/seen" env TMPDIR="$T/dirs" \
		    "$TESTS/with-memcached" -- \
		    sh -c 'echo "$HA_MEMCACHED_PORT"; exec sleep 1000'
		wait_until 30 test -s "$T/seen"
		reap "$pid" KILL
		ok "killed by KILL: does not listen any more" \
		    wait_until 5 silent "$(cat "$T/seen")"
	else
		skip "killed by KILL" "no namespaces (a plain chroot?)"
	fi
fi

## rude

rude()
{
	: >"$T/seen"
	spawn -o "$T/seen" "$HA_TOOLS/rude" "$@"
	wait_until 5 test -s "$T/seen"
	read -r port <"$T/seen"
}

# The exit status of curl, whose meaning is in its manual.
rude_http()
{
	want=$1
	shift
	rude "$@"
	run curl -sS -m "${limit:-5}" -o "$T/body" "http://127.0.0.1:$port/"
	like "rude $1" "$status" "^($want)\$"
	reap "$pid" TERM
}

limit=0.2 rude_http 28 silent
limit=0.2 rude_http 28 backlog
limit=0.2 rude_http 28 drip
limit=0.2 rude_http 28 endless
rude_http "55|56" reset
rude_http 52 close
rude_http 18 half
rude_http 56 chunkgarbage
rude_http 56 headerbomb
rude_http 0 bye '' 'HTTP/1.0 200 OK\r\n\r\n\x41\\.'
is "... its texts" "$(cat "$T/body")" 'A\.'
rude --unix "$T/socket" half
exits "rude at a socket" 18 curl -sS -m 5 --unix-socket "$T/socket" http://x/
reap "$pid" TERM
rude banner SSH-2.0-
run timeout 0.2 curl -sSN "telnet://127.0.0.1:$port"
reap "$pid" TERM
like "rude banner" "$(cat -v "$T/out")" '^SSH-2.0-a\^\[\[31mb.*M-'
done_testing
