#!/bin/sh
# SPDX-License-Identifier: ISC
#
# readme-checks.t - check two hosts as README tells to, with its own words.
if [ -z "${HA_PAIR_DIR-}" ] && "$(dirname "$0")/../with-pair" --can; then
	exec "$(dirname "$0")/../with-pair" -- "$0" "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../readme.sh"
if [ -z "${HA_PAIR_DIR-}" ]; then
	[ "${CI-}" != true ] || exit 1
	skip_all "two hosts can't be made here"
fi
needs make monit nginx

section='Checks in five minutes'

nginx()
{
	on web2 nginx -c /etc/nginx.conf -e /var/log/nginx.log "$@"
}

no_mail()
{
	cron_job 1 ha-checks
	is "$1: no mail of the targets" "$mail" ''
	cron_job 2 ha-checks
	is "$1: no mail of this machine" "$mail" ''
}

## The two hosts, as they are before

install_on_both
cat >"$W2/etc/nginx.conf" <<'END'
pid /run/nginx.pid;
error_log /var/log/nginx.log;
events {}
http {
	access_log off;
	client_body_temp_path /var/tmp/body;
	proxy_temp_path /var/tmp/proxy;
	fastcgi_temp_path /var/tmp/fastcgi;
	uwsgi_temp_path /var/tmp/uwsgi;
	scgi_temp_path /var/tmp/scgi;
	server {
		listen 80;
		location / { return 200 "<h1>Welcome</h1>"; }
	}
}
END
nginx || exit
mkdir "$W1/etc/ha"

step 1 1
like "1: ssh serves" "$out" '	OK	[0-9.]*	ssh://web2	SSH-2.0-OpenSSH'
like "1: the page is served" "$out" '	OK	[0-9.]*	http://web2/	200 OK'
like "1: a page of this machine" "$out" '^  load  '

step 2 1
is "2: all is well" "$status" 0
like "2: the file is accepted" "$err" '^ha-stat: config: accepted as it is$'
is "2: all targets, all checks" "$(printf '%s\n' "$out" |
    awk -F '\t' '$5 == "OK" { print $4 }' | sort | tr '\n' ' ')" \
    'config mem root ssh sshd web2 www '

block 3 1 >"$W1/etc/cron.d/ha-checks"
no_mail "3: all is well"

start_monit
step 4 1
is "4: the snippets are right" "$status" 0
like "4: monit says so" "$out" 'Control file syntax OK'
for name in ha-probe ha-stat; do
	ok "4: $name: OK" wait_until 60 monit_says $name 'status +OK$'
done

step 5 1
is "5: nothing is wrong" "$status" 0
like "5: where the time goes" "$out" '^  first byte '

## Something breaks

nginx -s stop
echo '# changed' >>"$W1/etc/ssh/sshd_config"
cron_job 1 ha-checks
like "nginx is dead: cron mails" "$mail" \
    '^CRIT +www .* connection refused by 192.0.2.2:80'
like "... what is not OK only" "$mail" '^3 checks: 2 OK, 1 CRIT$'
unlike "... only" "$mail" '^OK'
cron_job 2 ha-checks
like "a file is changed: cron mails" "$mail" '^CRIT +config .*changed'
for name in ha-probe ha-stat; do
	ok "monit: $name has failed" \
	    wait_until 60 monit_says $name 'status +Status failed$'
done
step 5 1
like "5: what is wrong" "$out" '^CRIT +connection refused by 192.0.2.2:80$'

nginx || exit
on web1 ha-stat --accept -f /etc/ha/stat 2>"$T/accepted"
no_mail "mended"
for name in ha-probe ha-stat; do
	ok "monit: $name is well again" \
	    wait_until 60 monit_says $name 'status +OK$'
done
done_testing
