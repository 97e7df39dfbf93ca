#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-alert-render.t - what would be sent: to each kind of channel, by each
# template, in the words of a person; secrets are not shown.
. "$(dirname "$0")/../tap.sh"

TZ=Asia/Shanghai
export TZ

record()
{
	printf '%s\t%s\t2026-11-23T08:50:01.250Z\t%s\t%s\tweb1\t-\tweb-a\t%s\t1\thttp://web2/\t%s\t-\n' \
	    "$1" 20261123T0850Z-0123456789abcdef "$2" "$3" "$4" "$5"
}

problem()
{
	record problem OK 2026-11-23T08:52:01.250Z CRIT "${1-连接被拒绝}"
}

recovery()
{
	record recovery CRIT 2026-11-23T09:02:01.250Z OK '200 OK'
}

render()
{
	run ha-alert --render "$@" <"$T/in"
}

## alert.conf with everything

for secret in topic bot key; do
	echo "s3cret-$secret" >"$HA_CONFIG_DIR/$secret"
done
echo 'https://hooks.example.org/T0/s3cret' >"$HA_CONFIG_DIR/url"
cat >"$HA_CONFIG_DIR/alert.conf" <<'END'
channel mail smtp server=mx1 from="Wächter <ops@example.org>" to=you@example.org
channel slack webhook url-file=url template=slack
channel teams webhook url-file=url template=teams
channel discord webhook url-file=url template=discord
channel telegram webhook url=https://api.telegram.org template=telegram bot-token-file=bot chat-id=-1001
channel pagerduty webhook url=https://events.example.org/v2/enqueue template=pagerduty routing-key-file=key
channel opsgenie webhook url=https://api.example.org/v2/alerts template=opsgenie
channel ntfy webhook url=https://ntfy.example.org/ template=ntfy topic-file=topic
channel dingtalk webhook url-file=url template=dingtalk
channel feishu webhook url-file=url template=feishu
channel wecom webhook url-file=url template=wecom
channel alertmanager webhook url=http://127.0.0.1:9093/api/v2/alerts template=alertmanager
channel own webhook url=https://example.org/ template=./own.json look='ssh %h less /var/log/%c'
channel log syslog
channel book file path=/dev/null
END
cat >"$HA_CONFIG_DIR/own.json" <<'END'
{ "body": { "look": "{look}", "was": "{old_state}" } }
END
chmod 600 "$HA_CONFIG_DIR"/*
channels=$(awk '{ print $2 }' "$HA_CONFIG_DIR/alert.conf")

exits "it is all right" 0 ha-alert --check-config

## Words

problem >"$T/in"
render
is "without a channel: words" "$status" 0
is "... the subject" "$(printf '%s\n' "$out" | head -n 1)" \
    'CRIT web-a: 连接被拒绝'
like "... local time and UTC" "$out" \
    '^since: Mon 2026-11-23 16:50:01 CST \(\+08:00; 08:50:01 UTC\)$'
like "... the command" "$out" \
    '^look closer: ha-probe --diagnose http://web2/$'

render mail
is "mail" "$status" 0
like "... from whom" "$out" '^From: Wächter <ops@example.org>$'
like "... the subject is readable" "$out" '^Subject: CRIT web-a: 连接被拒绝$'
like "... and so is the text" "$out" '^web-a is CRIT, it was OK.$'

(problem && recovery) >"$T/in"
render mail
like "a problem and its recovery are one" "$out" \
    '^Subject: OK web-a: was down 12 m$'
is "... one" "$(printf '%s\n' "$out" | grep -c ^Subject:)" 1
like "... that says how it began" "$out" '^It began as CRIT: 连接被拒绝$'

## Templates

problem '{secret:key} <!channel> @everyone "\\0033' >"$T/in"
for channel in $channels; do
	render "$channel"
	is "$channel: rendered" "$status" 0
	unlike "$channel: no secret" "$out" s3cret
	like "$channel: the words as they are" "$out" '\{secret:key\}'
done
render slack
like "slack: nobody is called" "$out" '&lt;!channel&gt;'
unlike "slack: ... nowhere" "$out" '"text": .*<!'
like "the host of a URL in a file" "$out" \
    '^POST https://hooks.example.org/\*\*\*$'
render telegram
like "telegram: a token in the path is not shown" "$out" \
    '^POST https://api.telegram.org/bot\*\*\*/sendMessage$'
render own
like "a template of one's own, beside alert.conf" "$out" \
    '"look": "ssh - less /var/log/web-a"'

for name in $channels; do
	case $name in mail | own | log | book) continue ;; esac
	run ha-alert --template "$name"
	is "--template $name" "$out" "$(cat "$TOP/cmd/ha-alert/$name.json")"
done
exits "--template of none" 64 ha-alert --template none
like "... names them" "$err" 'generic, slack, teams'

## Mistakes

not_right()
{
	printf '%s\n' "$2" >"$HA_CONFIG_DIR/own.json"
	exits "$1" 78 ha-alert --check-config
	like "$1: where" "$err" "own.json:$3"
	render own
	is "$1: --render" "$status" 78
}

not_right "no JSON" '{
"body": }' 2:9
not_right "an unknown placeholder" '{ "body": [
	"{stat}" ] }' "2:3: '\{stat\}': there is no such placeholder"
not_right "a setting that is missing" '{ "body": "{setting:room}" }' \
    '1:12:.* has no room='
rm "$HA_CONFIG_DIR/own.json"
exits "no file" 78 ha-alert --check-config
echo 'no record' >"$T/in"
render mail
is "what is no record" "$status" 65
done_testing
