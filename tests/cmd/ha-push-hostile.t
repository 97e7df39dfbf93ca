#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-hostile.t - a peer and a network that fail in every way but to end:
# each time ha-push says so, goes on, and the trees become equal.
PATH=$PATH:/usr/sbin:/sbin
if [ -z "${HA_SSH_CONFIG-}" ]; then
	set -- "$(dirname "$0")/../with-sshd" -- "$0" "$@"
	# A loopback of the test's own, that it may disturb.
	if unshare --net ip link set lo up 2>/dev/null; then
		# shellcheck disable=SC2016 # the inner shell's
		exec unshare --net sh -c 'ip link set lo up && exec "$@"' sh \
		    env HA_TEST_NET=own "$@"
	fi
	exec "$@"
fi
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../push.sh"
. "$(dirname "$0")/../hostile.sh"
needs rsync perl

# The run that waits for names was started when all was well, so the second
# change, or the third, meets what is wrong now.
change_until_crit()
{
	for change in 1 2 3; do
		echo "change $change" >"$S/change$change"
		send W f "change$change"
		wait_until 20 arrived_or_crit "change$change"
	done
	in_state CRIT
}

arrived_or_crit()
{
	arrived "$1" || in_state CRIT
}

## The peer's disk fills, and is freed

if [ "$(id -u)" -eq 0 ]; then
	arena
	mount -t tmpfs -o size=8m none "$D"
	mkdir "$S/large" "$S/small"
	for i in 1 2 3; do
		head -c 3000000 /dev/urandom >"$S/large/$i"
	done
	for i in $(seq 30); do
		echo "$i" >"$S/small/$i"
	done
	begin
	send R d .
	ok "a full disk: CRIT" wait_until 20 in_state CRIT
	ok "... that says so" wait_until 5 words 'No space left'
	# shellcheck disable=SC2046 # numbers
	ok "... what fits arrives" wait_until 20 arrived \
	    $(printf 'small/%s ' $(seq 30))
	echo new >"$S/new"
	send W f new
	ok "... and what comes later" wait_until 20 arrived new
	rm "$S/large/2"
	send D f large/2
	ok "a deletion makes room" barrier
	ok "... OK" wait_until 10 in_state OK
	sound "room by a deletion" 1
	head -c 3000000 /dev/urandom >"$S/large/4"
	send W f large/4
	ok "full again: CRIT" wait_until 20 in_state CRIT
	mount -o remount,size=32m "$D"
	ok "... a larger disk" barrier
	ok "... OK" wait_until 10 in_state OK
	sound "a larger disk" 1

	## The target turns read-only, and back

	mount -o remount,ro "$D"
	echo changed >"$S/small/1"
	rm "$S/small/2"
	mkdir "$S/dir"
	echo in >"$S/dir/in"
	mv "$S/small/3" "$S/moved"
	send W f small/1
	send D f small/2
	send C d dir
	send R d dir
	send M f small/3 moved
	ok "read-only: CRIT" wait_until 20 in_state CRIT
	ok "... that says so" wait_until 5 words 'Read-only file system'
	mount -o remount,rw "$D"
	ok "writable again: all arrives" barrier
	ok "... OK" wait_until 10 in_state OK
	sound "read-only and back" 1
	finish
	is "... exit 0" "$status" 0
else
	skip "the peer's disk" "mounting needs root"
fi

## sshd is restarted, with another key, and with its own again

arena
seq 50 | while read -r i; do
	echo "$i" >"$S/$i"
done
pipe
ok "a pipe" wait_until 20 equal
"$TESTS/link" down
echo new >"$S/new"
rm "$S/1"
mv "$S/2" "$S/two"
ok "no sshd: CRIT" wait_until 20 in_state CRIT
"$TESTS/link" up
ok "sshd is back" wait_until 20 equal
ok "... OK" wait_until 10 in_state OK
sound "sshd restarted" 2
"$TESTS/link" down
cp "$HA_SSH_DIR/host_key" "$HA_SSH_DIR/host_key.pub" "$T"
rm "$HA_SSH_DIR/host_key" "$HA_SSH_DIR/host_key.pub"
ssh-keygen -q -t ed25519 -N '' -f "$HA_SSH_DIR/host_key"
"$TESTS/link" up
echo other >"$S/other"
rm "$S/3"
ok "another host key: CRIT" wait_until 20 words 'HAS CHANGED'
like "... with the cure" "$(cat "$T/words" "$T/records")" 'ssh-keygen.* -R'
is "... no login" "$(($(logins) - before))" 2
not_ok "... nothing is sent" test -e "$D/other" -o ! -e "$D/3"
cat "$T/host_key" >"$HA_SSH_DIR/host_key"
"$TESTS/link" down
"$TESTS/link" up
ok "its own key again" wait_until 40 equal
ok "... OK" wait_until 10 in_state OK
sound "a host key that changed" 3
end_pipe
is "... ha-push ends with 0" "$status" 0

## The network swallows packets

# Nobody is told: no reset, no unreachable.
swallow()
{
	nft -f - <<-END
		table inet test {
			chain input {
				type filter hook input priority 0
				tcp dport $HA_SSH_PORT drop
				tcp sport $HA_SSH_PORT drop
			}
		}
	END
}

heal()
{
	nft delete table inet test
}

if [ "${HA_TEST_NET-}" = own ]; then
	needs nft
	arena
	seq 20 | while read -r i; do
		echo "$i" >"$S/$i"
	done
	pipe --keepalive 300ms
	ok "a pipe" wait_until 20 equal
	swallow
	ok "silence while idle: CRIT" wait_until 20 in_state CRIT
	ok "... which says so" words 'no answer from peer for'
	echo new >"$S/new"
	rm "$S/1"
	mv "$S/2" "$S/two"
	heal
	ok "packets pass again" wait_until 40 equal
	ok "... OK" wait_until 10 in_state OK
	sound "silence while idle" 2
	end_pipe

	arena
	head -c 30000000 /dev/urandom >"$S/big"
	pipe --keepalive 300ms --bwlimit 20m
	wait_until 20 sending
	swallow
	ok "silence within a file: CRIT" wait_until 20 in_state CRIT
	heal
	ok "packets pass again" wait_until 40 equal
	ok "... OK" wait_until 10 in_state OK
	sound "silence within a file" 2
	end_pipe
else
	skip "the network swallows packets" "no network namespace"
fi

## MaxSessions 1

arena
mkdir "$S/d"
echo x >"$S/d/x"
echo y >"$S/y"
serve 'MaxSessions 1'
begin -v
send R d .
ok "MaxSessions 1: a tree" barrier
for i in 1 2 3; do
	echo $i >"$S/d/$i"
	send W f "d/$i"
	ok "MaxSessions 1: a file" barrier
done
rm "$S/d/1" "$S/y"
mv "$S/d/x" "$S/x"
echo z >"$S/z"
send D f d/1
send D f y
send M f d/x x
send W f z
ok "MaxSessions 1: removals, a rename and a file in one batch" barrier
ok "MaxSessions 1: OK" wait_until 10 in_state OK
sound "MaxSessions 1" 1
is "MaxSessions 1: said once" "$(grep -c 'one channel' "$T/words")" 1
finish
is "MaxSessions 1: exit 0" "$status" 0
echo more >"$S/more"
run push -n --all -C "$S" "peer:$D"
is "MaxSessions 1: -n --all" "$status" 0
like "... names the file" "$out" more
exits "MaxSessions 1: --all --fsync" 0 push --all --fsync -C "$S" "peer:$D"
ok "... brings it" same
serve

## MaxStartups drops logins

arena
serve 'MaxStartups 1:100:1'
before=$(logins)
begin
send R d .
ok "MaxStartups 1: a login" barrier
# The session goes, and somebody who does not log in is first to come.
"$TESTS/link" freeze
"$TESTS/link" cut
# shellcheck disable=SC2016 # the variables are perl's
spawn -o "$T/held" perl -MIO::Socket::INET -e '
	$| = 1;
	my $c = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die;
	print "connected\n";
	print scalar <$c>;
	sleep;' "$HA_SSH_PORT"
holder=$pid
wait_until 10 grep -q connected "$T/held"
kill -CONT "$(cat "$HA_SSH_DIR/sshd.pid")"
wait_until 10 grep -q SSH-2.0 "$T/held"
echo x >"$S/x"
send W f x
ok "logins are dropped: CRIT" wait_until 20 words MaxStartups
reap "$holder" TERM
ok "the next one is let in" barrier
ok "... OK" wait_until 10 in_state OK
sound "MaxStartups" 2
finish
serve

## The login shell prints something

# What the peer's accounts are is ours only below with-sshd's namespaces.
if cmp -s "$HA_SSH_DIR/passwd" /etc/passwd; then
	sed 's|:/bin/sh$|:/bin/bash|' /etc/passwd >"$T/passwd"
	cat "$T/passwd" >/etc/passwd
	arena
	mkdir "$S/d"
	for i in $(seq 10); do
		echo "$i" >"$S/d/$i"
	done
	begin
	send R d .
	ok "a silent .bashrc" barrier
	echo 'echo Welcome to the peer' >"$HA_SSH_DIR/home/.bashrc"
	ok "a .bashrc that talks: CRIT" change_until_crit
	rm "$S/d/3"
	send D f d/3
	ok "... it is named" wait_until 10 words 'Welcome to.*\.bashrc'
	not_ok "... no path is blamed" grep -q '^failing' "$T/status"
	: >"$HA_SSH_DIR/home/.bashrc"
	ok "silent again: it goes on" barrier
	ok "... OK" wait_until 10 in_state OK
	sound "a .bashrc that talks" 1
	finish
else
	skip "the login shell" "no accounts of the test's own"
fi

## No rsync there

arena
mkdir "$T/there"
echo 1 >"$S/1"
begin -v --rsync-path "$T/there/rsync"
send R d .
ok "rsync is missing: CRIT" wait_until 20 in_state CRIT
ok "... it is named" wait_until 10 words 'no usable rsync there.*there/rsync'
ln -s "$(command -v rsync)" "$T/there/rsync"
ok "installed: it goes on" barrier
rm "$T/there/rsync"
ok "removed: CRIT" change_until_crit
rm "$S/1"
send D f 1
ln -s "$(command -v rsync)" "$T/there/rsync"
ok "installed again: it goes on" barrier
ok "... OK" wait_until 10 in_state OK
sound "no rsync" 1
finish

## An old rsync there

# What a server of 3.0.9 is sent must be options that it knows: with -s they
# come on stdin.
cat >"$T/rsync-3.0.9" <<'END'
#!/usr/bin/perl
if ("@ARGV" =~ /--version/) {
	print "rsync  version 3.0.9  protocol version 30\n",
	    "    64-bit files, 64-bit inums, ACLs, xattrs, iconv\n";
	exit;
}
my ($word, @words) = ('');
while (sysread STDIN, my $c, 1) {
	last if $c eq "\0" && $word eq '';
	if ($c eq "\0") { push @words, $word; $word = '' } else { $word .= $c }
}
shift @words;
for (grep { /^-/ } @ARGV, @words) {
	next if /^--(server|log-format=.*|delete|numeric-ids|bwlimit=\d+|specials
	    |modify-window=\d+)$/x or /^-s[nvlHogDtpAXrRzcIxd]*(e\.\w+)?$/;
	print STDERR "rsync: $_: unknown option\n",
	    "rsync error: syntax or usage error (code 1) [server=3.0.9]\n";
	exit 1;
}
my @flags = map { s/^-s/-/r } @ARGV;
exec 'rsync', @flags, @words;
END
chmod +x "$T/rsync-3.0.9"
for options in "" "--compress --bwlimit 100m"; do
	arena
	mkdir -p "$S/d/e" "$D/extra"
	echo 1 >"$S/d/1"
	echo 2 >"$S/d/e/2"
	mkfifo "$S/fifo"
	# shellcheck disable=SC2086 # words
	begin --rsync-path "$T/rsync-3.0.9" $options
	send R d .
	ok "an old rsync${options:+, $options}: a tree" barrier
	echo more >>"$S/d/1"
	chmod 600 "$S/d/e/2"
	rm "$S/fifo"
	send W f d/1
	send A f d/e/2
	send D p fifo
	send A d .
	ok "... changes" barrier
	sound "... an old rsync" 1
	finish
	is "... exit 0" "$status" 0
done
exits "an old rsync, -n" 0 push --rsync-path "$T/rsync-3.0.9" -n --all \
    -C "$S" "peer:$D"
run push --rsync-path "$T/rsync-3.0.9" --all --chown 1:1 -C "$S" "peer:$D"
is "an old rsync, --chown: refused" "$status" 78
like "... which says why" "$err" 'chown needs rsync 3.1.0'
run push --rsync-path "$T/rsync-3.0.9" --all --fsync -C "$S" "peer:$D"
is "an old rsync, --fsync: refused" "$status" 78

## An rsync that is killed

arena
head -c 30000000 /dev/urandom >"$S/big"
echo small >"$S/small"
begin -v --bwlimit 20m
send R d .
servers()
{
	for line in /proc/[0-9]*/cmdline; do
		tr '\0' ' ' <"$line" 2>/dev/null | grep -q '^rsync --server' &&
		    echo "${line%/cmdline}"
	done | sed 's|/proc/||'
}
wait_until 20 sending
# shellcheck disable=SC2046 # numbers
kill -KILL $(servers)
ok "rsync is killed in a file: the rest arrives" barrier
not_ok "... the one here ends by itself" words 'rsync ended with status 20'
ok "... OK" wait_until 10 in_state OK
sound "rsync killed" 1
not_ok "... no temporary file stays" sending
echo idle >"$S/idle"
# shellcheck disable=SC2046 # numbers
kill -KILL $(servers)
send W f idle
ok "killed while it waits: the next file arrives" barrier
sound "rsync killed while it waits" 1
finish
is "... exit 0" "$status" 0

done_testing
