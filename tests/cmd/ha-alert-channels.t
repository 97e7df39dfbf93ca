#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-alert-channels.t - alert.conf, --check-config, --test and --ping; delivery
# to commands, files, syslog and the local sendmail.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../alert.sh"
needs perl

# The signal to a process is sent when it has gone, too.
gone()
{
	! kill -0 "$1" 2>/dev/null
}

quietly()
{
	"$@" 2>"$T/err"
}

## alert.conf

conf 'channel a file path=/x' 'channel b fax'
exits "a mistake: 78" 78 ha-alert --check-config
like "... with its place" "$err" \
    "^ha-alert: $HA_CONFIG_DIR/alert\.conf:3:11: 'fax' is no kind of channel"
conf "channel a file path=$T/told"
chmod 640 "$HA_CONFIG_DIR/alert.conf"
exits "open to others: 77" 77 ha-alert --check-config
like "... said" "$err" 'alert\.conf is open to others \(mode 0640\)'
exits "... --test: 77" 77 ha-alert --test a
exits "... --flush: 77" 77 ha-alert --flush
conf "channel a file path=$T/told" "channel b exec command=/none/at/all" \
    'channel c webhook url-file=url' 'channel d webhook url=https://x.test/ template=./t.json'
run ha-alert --check-config
is "files that are not there: 78" "$status" 78
like "... a command" "$err" 'b: command=/none/at/all is no program'
like "... a secret" "$err" "c: can't read $HA_CONFIG_DIR/url"
like "... a template" "$err" "d: .*$HA_CONFIG_DIR/t\.json"
unlike "... the others are right" "$err" 'channel a'
sends "one that is broken stops no other" 0 '^ha-alert: a: delivered' a
ok "... it is there" grep -q '^message	.*test of the channel a' "$T/told"
(umask 022 && echo https://hooks.test/s3cr3t >"$HA_CONFIG_DIR/url")
sends "a secret that others may read" 77 'url is open to others' c
unlike "... is not shown" "$err" s3cr3t
exits "a channel that is not there: 78" 78 ha-alert --test none
like "... said" "$err" "no channel 'none'"
rm "$HA_CONFIG_DIR/alert.conf"
exits "no alert.conf: 66" 66 ha-alert --test a

cp "$TOP/cmd/ha-alert/alert.conf.example" "$HA_CONFIG_DIR/alert.conf"
chmod 600 "$HA_CONFIG_DIR/alert.conf"
run ha-alert --check-config
unlike "the example has no mistake" "$err" 'alert\.conf'
like "... but names what is not there" "$err" "mail: can't read .*/mail-password"

## A file

conf "channel a file path=$T/log" "channel gone file path=$T/dir/log" \
    "channel dir file path=$T" "channel fifo file path=$T/fifo" \
    "channel full file path=/dev/full" \
    "channel json file path=$T/json template=generic"
rm -f "$T/log"
ha-alert --test a 2>"$T/err"
ha-alert --test a 2>"$T/err"
is "a file: a line each" "$(wc -l <"$T/log")" 2
is "... nobody else's" "$(stat -c %a "$T/log")" 640
sends "a directory that is not there" 75 'not delivered .*No such file' gone
mkdir "$T/dir"
sends "... that is" 0 delivered gone
sends "a directory in its place" 75 'Is a directory' dir
sends "no room" 75 'No space left' full
mkfifo "$T/fifo"
sends "a FIFO that nobody reads" 75 "nobody reads $T/fifo" fifo
spawn -o "$T/read" cat "$T/fifo"
ok "... that somebody reads" wait_until 5 quietly ha-alert --test fifo
reap "$pid"
like "... gets it" "$(cat "$T/read")" '^message	.*channel fifo'
ha-alert --test json 2>"$T/err"
ok "JSON by a template: one line" perl -MJSON::PP -e '
    decode_json(scalar <>); exit !eof()' "$T/json"
cat >"$T/limited" <<'END'
ulimit -f 1
trap '' XFSZ
exec ha-alert --test a
END
head -c 1000 /dev/zero | tr '\0' x >"$T/log"
echo >>"$T/log"
cp "$T/log" "$T/before"
run sh "$T/limited"
is "half a record: 75" "$status" 75
ok "... none of it stays" cmp "$T/log" "$T/before"

## A command

cat >"$T/command" <<'END'
#!/bin/sh
cat >"$T/stdin"
env >"$T/env"
printf '%s\n' "$@" >"$T/argv"
echo "from stdout"
[ -z "$WORDS" ] || printf '%b\n' "$WORDS" >&2
exit "${STATUS:-0}"
END
chmod 755 "$T/command"
conf "channel x exec command=$T/command arg=a arg='b  *' arg=" \
    "channel slow exec timeout=300ms command=$T/slow" \
    "channel gone exec command=$T/gone"
sends "a command" 0 'delivered in .*: exit status 0: from stdout' x
like "... its stdin" "$(cat "$T/stdin")" '^message	.*test of the channel x'
is "... its arguments" "$(tr '\n' '|' <"$T/argv")" 'a|b  *||'
transition problem 1 nginx CRIT 'no\tmore' | ha-alert x
ha-alert --flush -T 5s
like "... the environment" "$(cat "$T/env")" '^HA_EVENT=problem$'
like "... what" "$(cat "$T/env")" '^HA_CHECK=nginx$'
like "... its state" "$(cat "$T/env")" '^HA_STATE=CRIT$'
like "... its words" "$(cat "$T/env")" '^HA_MSG=no	more$'
like "... the key" "$(cat "$T/env")" '^HA_KEY=20261123T0850Z-1-problem$'
like "... the subject" "$(cat "$T/env")" '^HA_SUBJECT=CRIT nginx'
like "... the record" "$(cat "$T/stdin")" '^problem	20261123T0850Z-1	'
for code in 1 69 74 75 126; do
	STATUS=$code WORDS='too\nbusy'
	export STATUS WORDS
	sends "status $code is for later" 75 "not delivered .*: exit status $code: busy" x
done
for code in 64 65 67 77 78; do
	STATUS=$code WORDS='\033[31mno'
	sends "status $code is for good" 69 "refused: exit status $code: .0033\[31mno" x
done
unset STATUS WORDS
sends "one that can't be started" 78 'no program' gone
cat >"$T/slow" <<'END'
#!/bin/sh
trap '' TERM
sleep 60 & echo $! >"$T/sleeper"
trap 'echo ended >"$T/ended"; exit 3' TERM
wait
END
chmod 755 "$T/slow"
sends "one that takes too long" 75 'took too long' slow
ok "... it was asked to end" test -s "$T/ended"
ok "... with all that it started" wait_until 5 gone "$(cat "$T/sleeper")"
conf "channel slow exec timeout=20s command=$T/slow"
transition problem 2 nginx | ha-alert slow
for signal in TERM KILL; do
	rm -f "$T/sleeper"
	ha-alert --retry all
	spawn ha-alert --flush -T 30s
	wait_until 5 test -s "$T/sleeper"
	reap "$pid" $signal
	ok "SIG$signal to --flush ends the command, too" \
	    wait_until 5 gone "$(cat "$T/sleeper")"
done
rm -rf "$SPOOL"

## syslog

cat >"$T/syslogd" <<'END'
use Socket;
my ($path, $type) = @ARGV;
socket(my $s, AF_UNIX, $type eq "stream" ? SOCK_STREAM : SOCK_DGRAM, 0) or die;
bind($s, pack_sockaddr_un($path)) or die "$path: $!";
if ($type eq "stream") { listen($s, 5); }
$| = 1;
while (1) {
	my $text;
	if ($type eq "stream") {
		accept(my $c, $s) or next;
		local $/;
		$text = <$c>;
	} else {
		recv($s, $text, 65536, 0);
	}
	$text =~ s/\0/\\0/g;
	print "$text\n";
}
END
conf "channel d syslog socket=$T/dgram" \
    "channel s syslog socket=$T/stream facility=local3 tag=ops"
sends "no syslog" 75 "$T/dgram: No such file" d
spawn -o "$T/d" perl "$T/syslogd" "$T/dgram" dgram
wait_until 5 test -S "$T/dgram"
spawn -o "$T/s" perl "$T/syslogd" "$T/stream" stream
wait_until 5 test -S "$T/stream"
transition problem 1 nginx CRIT 'läuft nicht' | ha-alert d s
transition worse 2 disk WARN | ha-alert d
ha-alert --flush -T 5s
transition recovery 1 nginx OK | ha-alert d
ha-alert --flush -T 5s
ha-alert --test d 2>"$T/err"
wait_until 5 grep -q 'test of' "$T/d"
like "syslog" "$(cat "$T/d")" \
    '^<26>[A-Z][a-z]{2} [ 0-9]{2} [0-9:]{8} ha-alert\[[0-9]+\]: CRIT nginx.*läuft nicht$'
like "... a warning" "$(cat "$T/d")" '^<28>.*WARN disk'
like "... a recovery" "$(cat "$T/d")" '^<29>.*OK nginx'
like "... a message" "$(cat "$T/d")" '^<29>.*test of the channel d'
like "... a stream's record ends with NUL" "$(cat "$T/s")" '^<154>.* ops\[.*läuft nicht\\0$'

## sendmail

cat >"$T/sendmail" <<'END'
#!/bin/sh
cat >"$T/mail"
printf '%s\n' "$@" >"$T/argv"
echo 'postdrop: no room' >&2
exit "${STATUS:-0}"
END
chmod 755 "$T/sendmail"
conf 'default from="Wächter <ha@web1.test>"' \
    "channel m sendmail path=$T/sendmail to='Ops <ops@x.test>, root' cc=b@y.test" \
    "channel e sendmail path=$T/sendmail to=root envelope-from=bounces@web1.test" \
    "channel g sendmail path=/none/sendmail to=root"
sends "sendmail" 0 'm: delivered .*: taken' m
is "... its arguments" "$(tr '\n' ' ' <"$T/argv")" \
    '-i -f ha@web1.test -- ops@x.test root b@y.test '
like "... the mail" "$(cat "$T/mail")" '^Subject: test of the channel m'
not_ok "... its lines end with LF" grep -q "$(printf '\r')" "$T/mail"
sends "... who hears of failures" 0 delivered e
is "... its arguments" "$(tr '\n' ' ' <"$T/argv")" \
    '-i -f bounces@web1.test -- root '
export STATUS
STATUS=75
sends "EX_TEMPFAIL" 75 'not delivered .*exit status 75: postdrop: no room' m
STATUS=69
sends "EX_UNAVAILABLE" 75 'not delivered' m
STATUS=67
sends "EX_NOUSER" 69 'refused: sendmail: exit status 67' m
unset STATUS
sends "no sendmail" 78 'no program' g

## --ping

conf "channel a file path=$T/alive"
run ha-alert --ping a
is "--ping: exit 0" "$status" 0
is "... without a word" "$err$out" ''
like "... told" "$(cat "$T/alive")" '	[^	]* is alive	'
is "... past the spool" "$(places)" ''

done_testing
