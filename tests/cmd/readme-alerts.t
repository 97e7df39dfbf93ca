#!/bin/sh
# SPDX-License-Identifier: ISC
#
# readme-alerts.t - from a failed check to a phone, with README's own words: the
# phone's service is an nginx on web2 that writes down what it gets.
if [ -z "${HA_PAIR_DIR-}" ] && "$(dirname "$0")/../with-pair" --can; then
	exec "$(dirname "$0")/../with-pair" -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../readme.sh"
if [ -z "${HA_PAIR_DIR-}" ]; then
	[ "${CI-}" != true ] || exit 1
	skip_all "two hosts can't be made here"
fi
needs make nginx openssl perl

section='From a failed check to your phone'
phone=$W2/var/log/phone

nginx()
{
	on web2 nginx -c /etc/nginx.conf -e /var/log/nginx.log "$@"
}

# What the phone showed: the titles, one a line.
titles()
{
	sed -n 's/.*"title":"\([^"]*\)".*/\1/p' "$phone"
}

told()
{
	titles | grep -Eq "$1"
}

## The two hosts, as they are after the chapter before

install_on_both
die()
{
	diag "$*"
	exit 1
}
# shellcheck disable=SC2034 # certs.sh uses them
dir=$T/ca log=$T/ca.log
mkdir -p "$dir/tmp"
. "$(dirname "$0")/../certs.sh"
make_ca
certify ntfy.crt DNS:ntfy.sh tomorrow
mkdir -p "$W1/etc/ssl/certs" "$W2/etc/ssl"
cp "$dir/ca.crt" "$W1/etc/ssl/certs/ca-certificates.crt"
cp "$dir/ntfy.crt" "$dir/key" "$W2/etc/ssl/"
echo '192.0.2.2 ntfy.sh' >>"$W1/etc/hosts"
cat >"$W2/etc/nginx.conf" <<'END'
pid /run/nginx.pid;
events {}
http {
	access_log off;
	client_body_temp_path /var/tmp/body;
	proxy_temp_path /var/tmp/proxy;
	fastcgi_temp_path /var/tmp/fastcgi;
	uwsgi_temp_path /var/tmp/uwsgi;
	scgi_temp_path /var/tmp/scgi;
	client_body_buffer_size 1m;
	log_format body escape=none $request_body;
	server {
		listen 443 ssl;
		ssl_certificate /etc/ssl/ntfy.crt;
		ssl_certificate_key /etc/ssl/key;
		location / {
			access_log /var/log/phone body;
			proxy_pass http://127.0.0.1:81;
		}
	}
	server {
		listen 127.0.0.1:81;
		location / { return 200 "{}"; }
	}
	include /etc/nginx.www;
}
END
echo 'server { listen 80; location / { return 200 "Welcome"; } }' \
    >"$W2/etc/www"
www()
{
	if [ "$1" = up ]; then
		cp "$W2/etc/www" "$W2/etc/nginx.www"
	else
		: >"$W2/etc/nginx.www"
	fi
	nginx -s reload
	wait_until 10 www_is "$1"
}

www_is()
{
	if on web1 ha-probe -q tcp://web2:80 >/dev/null; then
		[ "$1" = up ]
	else
		[ "$1" = down ]
	fi
}

cp "$W2/etc/www" "$W2/etc/nginx.www"
nginx || exit
mkdir "$W1/etc/ha"
section='Checks in five minutes' step 2 1
is "the chapter before" "$status" 0

## Where to

step 1 1
is "1: a test was sent" "$status" 0
topic=$(cat "$W1/etc/ha/ntfy-topic")
like "1: the topic is shown" "$out" "^$topic\$"
like "1: ... and nobody can guess it" "$topic" '^[a-z0-9]{24}$'
ok "1: the phone shows the test" told 'test of the channel phone'
like "1: for that topic" "$(cat "$phone")" "\"topic\":\"$topic\""

## The chain

# Minutes are moments here: nothing waits for what may come next.
sed -i '1i default group=0' "$W1/etc/ha/alert.conf"
block 2 1 >"$W1/etc/cron.d/ha-alerts"

# As cron does it each minute: silent.
minute()
{
	for job in 1 2 3 4; do
		cron_job $job ha-alerts
		is "$1: job $job mails nothing" "$mail" ''
	done
}

: >"$phone"
minute "all is well"
minute "all is well"
is "2: the phone is silent" "$(cat "$phone")" ''

www down
minute "once is no news"
is "2: ... and not told" "$(cat "$phone")" ''
minute "down"
is "2: it is told, once" "$(titles)" \
    'CRIT www: connection refused by 192.0.2.2:80'
block 2 2 >"$T/shown"
# What the phone shows, without the times and the name of the incident.
plain()
{
	sed 's/^\(since\|seen\|incident\): .*/\1/'
}
perl -pe 's/.*"title":"(.*?)".*"message":"(.*?)".*/$1\n\n$2/; s/\\n/\n/g' \
    "$phone" | sed '/^measured: /d' | plain >"$T/got"
is "2: as it stands here" "$(cat "$T/got")" "$(plain <"$T/shown")"
minute "still down"
is "2: and not again" "$(titles | grep -c .)" 1

www up
minute "up"
ok "2: its recovery is told" told '^OK www: was down [0-9]'

www down
minute "down again"
nginx -s stop
cron_job 1 ha-alerts
is "2: nobody is there, and cron mails nothing of it" "$mail" ''
run "$TESTS/pair" on web1 ha-alert --list
like "2: what can't be delivered waits" "$out" 'problem www CRIT'
cp "$W2/etc/www" "$W2/etc/nginx.www"
nginx || exit
: >"$phone"
cron_job 1 ha-alerts
run "$TESTS/pair" on web1 ha-alert --retry all
cron_job 3 ha-alerts
ok "2: both are one message" told '^OK www: was down [0-9]'
unlike "2: ... one" "$(titles)" CRIT

## Somebody sees to it

www down
minute "down"
minute "down"
step 3 1
is "3: acknowledged, and maintained" "$status" 0
like "3: --show" "$out" 'www'
like "3: --history" "$out" 'recovery'
www up
minute "up"

## Mend it first

cat >"$W1/usr/local/bin/systemctl" <<'END'
#!/bin/sh
[ "$*" = "restart ssh" ] && exec /usr/sbin/sshd
END
chmod +x "$W1/usr/local/bin/systemctl"
{
	grep -v ha-stat "$W1/etc/cron.d/ha-alerts"
	block 4 1
} >"$T/cron"
cp "$T/cron" "$W1/etc/cron.d/ha-alerts"

sshd_runs()
{
	on web1 ha-stat -q proc:exe=sshd >/dev/null
}

: >"$phone"
minute "sshd runs"
# shellcheck disable=SC2016 # web1's shell expands it
on web1 sh -c 'kill $(cat /run/sshd.pid)'
wait_until 10 eval '! sshd_runs'
cron_job 4 ha-alerts
ok "4: it is mended" wait_until 10 sshd_runs
ok "4: ... and told" told '^CRIT sshd on web1'
ok "4: ... and what was done" \
    told '^OK act:sshd on web1: systemctl restart ssh: ended with 0'
cron_job 4 ha-alerts
ok "4: it is well" told '^OK sshd on web1'

## Whatever else

step 5 1
is "5: taken" "$status" 0
like "5: it waits" "$out" 'recovery backup on web1 OK'
cron_job 2 ha-alerts
is "5: the flusher mails nothing" "$mail" ''
ok "5: told" told '^OK backup on web1: was (down|CRIT)'

## More channels

step 6 1
is "6: all right" "$status" 0
like "6: --check-config" "$err" 'all right$'
like "6: a mail" "$out" '^Subject: CRIT '
like "6: a chat" "$out" '^POST https://hooks.slack.com/\*\*\*$'
unlike "6: no secret" "$out" 'swordfish|T0/B0'
done_testing
