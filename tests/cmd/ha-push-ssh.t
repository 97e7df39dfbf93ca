#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-ssh.t - ha-push's transport against real sshds, and what is none; with
# HA_TRANSPORT=ssh over ssh.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
needs perl ssh-agent ssh-add sha1sum

mkdir "$T/bin"
cat >"$T/bin/drive" <<END
#!/bin/sh
exec "${HA_TOOLS:-$HA_BIN/../tests}/drive-transport" ${HA_TRANSPORT:+-T $HA_TRANSPORT} "\$@"
END
chmod +x "$T/bin/drive"
drive=$T/bin/drive
sshd=$(PATH=$PATH:/usr/sbin command -v sshd)
known=$(cat "$HA_SSH_DIR/known_hosts")
key=${known#* }

# config NAME PORT [LINE...]: an ssh_config with that one host, in $T/NAME.
config()
{
	name=$1 port=$2
	shift 2
	{
		echo "Host $name"
		[ $# -eq 0 ] || printf '%s\n' "$@"
		cat <<-END
			HostName 127.0.0.1
			Port $port
			User $(id -un)
			IdentityFile "$HA_SSH_DIR/id"
			IdentitiesOnly yes
			IdentityAgent none
			UserKnownHostsFile "$HA_SSH_DIR/known_hosts"
			GlobalKnownHostsFile /dev/null
		END
	} >"$T/$name"
}

to()
{
	name=$1
	shift
	run "$drive" -t 3000 -F "$T/$name" "$name" "$@"
}

peer()
{
	run "$drive" -t 5000 -F "$HA_SSH_CONFIG" peer "$@"
}

# fails DESC STATUS ERE: of the last command.
fails()
{
	is "$1: exit status" "$status" "$2"
	like "$1: message" "$err" "$3"
}

# Another sshd, with options of its own, on $port; its key is known.
second_sshd()
{
	number=$((${number-0} + 1))
	port=$((HA_SSH_PORT + number))
	# shellcheck disable=SC2086 # one option a word
	spawn "$sshd" -D -f "$HA_SSH_DIR/sshd_config" -p $port \
	    -o PidFile=none -E "$T/sshd.$number" "$@"
	wait_until 10 grep -qs 'Server listening' "$T/sshd.$number"
	echo "[127.0.0.1]:$port $key" >>"$HA_SSH_DIR/known_hosts"
}

# Something on $port that says TEXT to each client, then closes, or waits.
listener()
{
	number=$((${number-0} + 1))
	rm -f "$T/port"
	# shellcheck disable=SC2016 # the variables are perl's
	spawn -o "$T/port" perl -MIO::Socket::INET -e '
		$| = 1;
		my $s = IO::Socket::INET->new(Listen => 5,
		    LocalAddr => "127.0.0.1") or die;
		print $s->sockport, "\n";
		while (my $c = $s->accept) {
			syswrite $c, $ARGV[0];
			push @open, $c if $ARGV[1] eq "stay";
		}' "$1" "$2"
	wait_until 10 test -s "$T/port"
	port=$(cat "$T/port")
}

## Commands

peer exec 'echo out; echo err >&2; exit 3'
is "exit status" "$status" 3
is "stdout" "$out" out
is "stderr" "$err" err
peer exec 'kill -TERM $$'
is "a signal is 128 + n" "$status" 143
head -c 40000000 /dev/urandom >"$T/data"
sum=$(sha1sum <"$T/data")
is "40 MB there" "$("$drive" -F "$HA_SSH_CONFIG" peer exec sha1sum \
    <"$T/data")" "$sum"
is "40 MB there and back" "$("$drive" -F "$HA_SSH_CONFIG" peer exec cat \
    <"$T/data" | sha1sum)" "$sum"
peer echo 8 5000000 cat
is "eight channels at once" "$out" "8 channels ok"
peer echo 9 1 cat
fails "a ninth channel" 69 'all channels are in use'
peer exec 'head -c 3000000 /dev/zero >&2; echo done'
is "stderr is always drained" "$out" "done"
peer exec 'exec 0<&- ; sleep 0.1; echo over' <"$T/data"
is "a command that reads nothing" "$out" over
"$drive" -F "$HA_SSH_CONFIG" peer exec 'head -c 50000000 /dev/zero' |
    head -c 1000000 | cmp -n 1000000 - /dev/zero
is "a reader that goes away" $? 0
peer subsystem sftp
is "the SFTP subsystem answers" "$out" "type 2 version 3"
peer subsystem nonsense
fails "an unknown subsystem" 69 'refuses the subsystem: nonsense'
peer drop 8 'cat /dev/zero' 'echo fine'
is "closing amidst the peer's words disturbs no later channel" "$out" fine
is "a login needs no more than one" "$("$TESTS/link" logins)" \
    "$(grep -c 'Accepted publickey' "$HA_SSH_DIR/sshd.log")"

## Exchange of keys

# libssh2 1.10 loses 51 bytes of memory at each exchange.
LSAN_OPTIONS=detect_leaks=0
export LSAN_OPTIONS
second_sshd -o 'RekeyLimit=1M'
config rekey $port 'KexAlgorithms curve25519-sha256'
is "keys change amidst a download that waits" \
    "$("$drive" -k 3000 -F "$T/rekey" rekey exec \
	'head -c 100000000 /dev/zero' | perl -e '
	while (my $n = sysread STDIN, my $b, 100000) {
		$sum += $n;
		select undef, undef, undef, 0.001 if ++$i % 50 == 0;
	}
	print $sum')" 100000000
to rekey echo 3 30000000 cat
is "keys change amidst three channels" "$out" "3 channels ok"
unset LSAN_OPTIONS

## The host's key

bad()
{
	cp "$HA_SSH_DIR/known_hosts" "$T/known"
	config "$1" "$HA_SSH_PORT" "UserKnownHostsFile $T/known" \
	    'StrictHostKeyChecking no'
}

bad unknown
: >"$T/known"
to unknown exec true
fails "unknown host key" 77 'host key of \[127.0.0.1\]:.* unknown: .*SHA256:'
like "unknown host key: names the cure" "$err" "accept it with: ssh -F .*true"
is "StrictHostKeyChecking=no adds nothing" "$(cat "$T/known")" ''
print=$(ssh-keygen -lf "$HA_SSH_DIR/host_key.pub" | cut -d ' ' -f 2)
ok "unknown host key: the fingerprint is right" \
    grep -qF "$print" "$T/err"
other=$(cut -d ' ' -f 1,2 "$HA_SSH_DIR/id.pub")
echo "[127.0.0.1]:$HA_SSH_PORT $other" >"$T/known"
to unknown exec true
fails "changed host key" 77 'HAS CHANGED.*/known, line 1,.*ssh-keygen -R'
printf '[127.0.0.1]:%s %s\n' "$HA_SSH_PORT" "$other" \
    "$HA_SSH_PORT" "$key" >"$T/known"
exits "one of two known keys" 0 "$drive" -F "$T/unknown" unknown
printf '[127.0.0.1]:%s %s\n@revoked * %s\n' "$HA_SSH_PORT" "$key" "$key" \
    >"$T/known"
to unknown exec true
fails "revoked host key" 77 'REVOKED in .*/known, line 2'
echo "@cert-authority * $key" >"$T/known"
run "$drive" -T libssh2 -F "$T/unknown" unknown
fails "a certificate authority only" 77 'certificates are not supported'
echo "[127.0.0.1]:$HA_SSH_PORT $key" >"$T/known"
ssh-keygen -qH -f "$T/known" >"$T/out" 2>&1
printf 'nonsense\n\001\n' >>"$T/known"
not_ok "hashed: the name is hidden" grep -q '^.127' "$T/known"
to unknown exec true
is "a hashed name is found" "$status" 0
echo "127.0.0.1 $key" >"$T/known"
to unknown exec true
is "a name without a port is good for any" "$status" 0
bad alias
sed 's/^Host alias$/&\nHostKeyAlias Other.Name/' "$T/alias" >"$T/alias2"
mv "$T/alias2" "$T/alias"
echo "other.name $key" >"$T/known"
to alias exec true
is "HostKeyAlias" "$status" 0

## Login

ssh-keygen -q -t ed25519 -N '' -f "$T/wrong"
config login "$HA_SSH_PORT" "IdentityFile $T/wrong"
sed "/IdentityFile.*id/d" "$T/login" >"$T/strange"
run "$drive" -F "$T/login" login exec 'echo in'
is "the second key is tried" "$out" in
run "$drive" -F "$T/strange" login
fails "wrong key" 77 'refuses the login .*tried: .*/wrong.*offers: publickey'
run ssh-keygen -q -p -N secret -f "$T/wrong"
run "$drive" -F "$T/strange" login
fails "a key with a passphrase" 77 'wrong \(has a passphrase: ssh-add it'
sed "s|$T/wrong|$T/nothere|" "$T/strange" >"$T/nokey"
run "$drive" -F "$T/nokey" login
fails "no key at all" 77 'tried: nothing \(no IdentityFile'
spawn -o "$T/agent" ssh-agent -D -a "$T/sock"
agent=$pid
wait_until 10 test -S "$T/sock"
SSH_AUTH_SOCK=$T/sock ssh-add -q "$HA_SSH_DIR/id"
sed "s|IdentityAgent none|IdentityAgent $T/sock|;/IdentitiesOnly/d" \
    "$T/nokey" >"$T/withagent"
run "$drive" -F "$T/withagent" login exec 'echo by agent'
is "a key of the agent" "$out" "by agent"
sed "s|$T/nothere|$HA_SSH_DIR/id|;s|IdentitiesOnly.*||" "$T/withagent" |
    sed "s|^Host login|&\nIdentitiesOnly yes|" >"$T/only"
run "$drive" -F "$T/only" login exec 'echo by agent'
is "IdentitiesOnly: a configured key of the agent" "$out" "by agent"
SSH_AUTH_SOCK=$T/sock
export SSH_AUTH_SOCK
sed '/IdentityAgent/d' "$T/withagent" >"$T/variable"
run "$drive" -F "$T/variable" login exec 'echo by variable'
is "SSH_AUTH_SOCK" "$out" "by variable"
unset SSH_AUTH_SOCK
kill -STOP "$agent"
run "$drive" -t 700 -F "$T/withagent" login
# ssh itself waits for it, and is given up.
[ "${HA_TRANSPORT-}" = ssh ] && refused=69 || refused=77
fails "an agent that does not answer" "$refused" 'ssh-agent does not answer'
kill -CONT "$agent"
reap "$agent" TERM
run "$drive" -F "$T/withagent" login
fails "an agent that is gone" 77 'ssh-agent at .*/sock'

## Ways to the host

go()
{
	name=$1
	shift
	sed "s/^Host login$/Host $name/" "$T/login" >"$T/$name"
	[ $# -eq 0 ] || sed "$@" "$T/login" >"$T/$name"
	run "$drive" -t 3000 -F "$T/$name" login exec 'echo there'
}

go name 's/HostName.*/HostName nosuchhost.invalid/'
fails "unknown host" 69 "(unknown host|can't look up host) nosuchhost.invalid"
go refused 's/Port .*/Port 1/'
fails "refused port" 69 "can't connect to 127.0.0.1 port 1: Connection refused"
go command "s|HostName|ProxyCommand ssh -F $HA_SSH_CONFIG -W %h:%p peer\\n&|"
is "ProxyCommand" "$out" there
go failing 's|HostName|ProxyCommand false\n&|'
fails "ProxyCommand fails" 69 'the proxy to login ended'
{
	cat "$HA_SSH_CONFIG"
	sed 's/^Host login$/Host login\nProxyJump peer/' "$T/login"
} >"$T/jump"
run "$drive" -F "$T/jump" login exec 'echo there'
is "ProxyJump" "$out" there
{
	sed 's/^Host peer/Host peer second/' "$HA_SSH_CONFIG"
	sed 's/^Host login$/Host login\nProxyJump peer,second/' "$T/login"
} >"$T/jumps"
run "$drive" -F "$T/jumps" login exec 'echo there'
is "a chain of ProxyJump" "$out" there
ok "no proxy outlives its session" wait_until 5 \
    sh -c "! grep -qsaE '[s]sh.-o.BatchMode' /proc/[0-9]*/cmdline"
go broken 's/HostName.*/NonsenseOption yes/'
fails "ssh refuses its configuration" 78 'ssh -G login fails: .*onsense'
run "$drive" -- -oProxyCommand=true
fails "a host that begins with -" 64 "can't be a host"
listener 'HTTP/1.1 400 Bad Request
' close
go http "s/Port .*/Port $port/"
fails "no ssh server" 69 'does not speak SSH; it says: HTTP/1.1 400'
listener 'SSH-2.0-OpenSSH_9.2
' close
go half "s/Port .*/Port $port/"
fails "closed in the handshake" 69 '(closed|lost).*during the key exchange'
listener '' stay
go silent "s/Port .*/Port $port/"
fails "no banner" 69 'no answer from login for .*key exchange'
listener "SSH-2.0-x
$(head -c 3000 "$HA_SSH_DIR/sshd.log" | tr -c '[:lower:]' x)" stay
go garbage "s/Port .*/Port $port/"
fails "garbage" 69 '(during|to) the SSH key exchange|during the key exchange'

## Links that fail

spawn -o "$T/out" -e "$T/err" "$drive" -F "$HA_SSH_CONFIG" peer exec \
    'echo on; exec sleep 100'
wait_until 10 grep -q on "$T/out"
"$TESTS/link" cut
reap "$pid"
err=$(cat "$T/err")
fails "the session is killed" 69 '(closed the connection|connection to peer is lost)'
spawn -o "$T/out" -e "$T/err" "$drive" -k 300 -F "$HA_SSH_CONFIG" peer exec \
    'echo on; exec sleep 100'
wait_until 10 grep -q on "$T/out"
"$TESTS/link" freeze
reap "$pid"
"$TESTS/link" thaw
err=$(cat "$T/err")
fails "a half-open link, idle" 69 'no answer from peer for '
spawn -i /dev/zero -o "$T/out" -e "$T/err" "$drive" -k 300 \
    -F "$HA_SSH_CONFIG" peer exec 'echo on; cat >/dev/null'
wait_until 10 grep -q on "$T/out"
"$TESTS/link" freeze
reap "$pid"
"$TESTS/link" thaw
err=$(cat "$T/err")
fails "a half-open link, writing" 69 'no answer from peer for '
run "$drive" -k 100 -F "$HA_SSH_CONFIG" peer idle 1500 exec 'echo still on'
is "answered keep-alives keep the link" "$out" "still on"
second_sshd -o ClientAliveInterval=1 -o ClientAliveCountMax=2
config alive $port
run "$drive" -k 60000 -F "$T/alive" alive idle 4000 \
    exec 'echo still on'
is "the server's own keep-alives are answered" "$out" "still on"
run "$drive" -k 60000 -F "$T/alive" alive exec 'sleep 4; echo still on'
is "also those that come to a channel" "$out" "still on"
spawn -e "$T/err" "$drive" -F "$HA_SSH_CONFIG" peer exec 'exec sleep 100'
wait_until 10 grep -qs sleep "/proc/$pid/cmdline"
reap "$pid" TERM
ok "interrupted" test "$status" -eq 75 -o "$status" -eq 143

done_testing
