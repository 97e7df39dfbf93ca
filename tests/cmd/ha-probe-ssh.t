#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe's ssh:// against the real sshd, in its states, and against what is
# none; and servers that misbehave to all dialogs over TCP.
[ -n "${HA_SSH_DIR-}" ] ||
    exec "$(dirname "$0")/../with-sshd" --config 'LogLevel VERBOSE' -- "$0"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"
needs perl

ESC=$(printf '\033')
SSH=ssh://127.0.0.1:$HA_SSH_PORT
LOG=$HA_SSH_DIR/sshd.log

found "sshd" OK '^SSH-2\.0-OpenSSH_' "$SSH"
found "... by an expectation" OK '^SSH-2\.0-OpenSSH_' \
    -e 'reply~"^SSH-2.0-OpenSSH"' "$SSH"
found "... by one that fails" CRIT 'Dropbear' -e 'reply~"Dropbear"' "$SSH"
left()
{
	[ "$(grep -c 'Connection \(closed\|reset\) by' "$LOG")" -ge 3 ]
}
ok "sshd takes it for a client that left" wait_until 5 left
unlike "... and logs no error" "$(cat "$LOG")" \
    'error|[Bb]ad|[Bb]anner|Did not receive'

"$TESTS/link" freeze
found "sshd is frozen" CRIT '^no SSH identification within 300 ms$' \
    -t 300ms "$SSH"
within "... said in time" 300 1300
"$TESTS/link" thaw

sed -i 's/^MaxStartups .*/MaxStartups 1/' "$HA_SSH_DIR/sshd_config"
"$TESTS/link" down
"$TESTS/link" up
# Somebody who does not log in.
# shellcheck disable=SC2016 # perl's
spawn -o "$T/held" perl -MIO::Socket::INET -e '
	$| = 1;
	my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$ARGV[0]") or die;
	print scalar <$s>;
	sleep 600' "$HA_SSH_PORT"
wait_until 5 grep -q SSH "$T/held"
found "sshd has no room" WARN \
    '^it refuses connections now: Exceeded MaxStartups$' "$SSH"
reap "$pid" TERM
"$TESTS/link" down
found "sshd is not there" CRIT '^connection refused by 127\.0\.0\.1' "$SSH"

serve talk 'SSH-1.5-old\n'
found "SSH 1 alone" CRIT '^it does not speak SSH 2, but SSH-1\.5-old$' \
    "ssh://127.0.0.1:$port"
serve talk 'keep out\r\n\r\nSSH-2.0-x y\r\n'
found "lines before it" OK '^SSH-2\.0-x y$' "ssh://127.0.0.1:$port"
serve talk 'SSH-2.0-a\x1b[31mb\x1b]0;title\x07\r\n'
found "escape sequences in it" OK '^SSH-2\.0-a\\0033' "ssh://127.0.0.1:$port"
unlike "... are none in the record" "$out" "$ESC"
serve banner 'SSH-2.0-'
found "... and NUL bytes" CRIT '^its SSH identification is malformed: SSH' \
    "ssh://127.0.0.1:$port"
unlike "... which are none in the record" "$out" "$ESC"
serve bye '220 mail.example ESMTP\r\n'
found "no sshd" CRIT '^closed without an SSH identification$' \
    "ssh://127.0.0.1:$port"

for mode in flood reset close; do
	serve "$mode"
	for scheme in ssh mysql redis memcached; do
		found "$scheme: $mode" CRIT . -t 2s "$scheme://127.0.0.1:$port"
	done
	reap "$pid" TERM
done
serve silent
found "mysql: a silent server" CRIT '^no greeting within 200 ms$' -t 200ms \
    "mysql://127.0.0.1:$port"
found "redis" CRIT '^no answer to PING within 200 ms$' -t 200ms \
    "redis://127.0.0.1:$port"
found "memcached" CRIT '^no answer to "version" within 200 ms$' -t 200ms \
    "memcached://127.0.0.1:$port"

done_testing
