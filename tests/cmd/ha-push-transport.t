#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-push-transport.t - which transport ha-push takes, and the one kept ssh.
[ -n "${HA_SSH_CONFIG-}" ] ||
    exec "$(dirname "$0")/../with-sshd" -- "$0" "$@"
. "$(dirname "$0")/../tap.sh"
unset HA_TRANSPORT
. "$(dirname "$0")/../push.sh"

drive=${HA_TOOLS:-$HA_BIN/../tests}/drive-transport
cp "$HA_SSH_DIR/sshd_config" "$T/sshd_config"
cp "$HA_SSH_DIR/known_hosts" "$T/known"
cp "$HA_SSH_CONFIG" "$T/client"
host="[127.0.0.1]:$HA_SSH_PORT"
for name in rsa ed25519; do
	ssh-keygen -q -t $name -N '' -C test -f "$T/$name"
done
ssh-keygen -q -t ed25519 -N '' -C test -f "$T/ca"

# restart: sshd with the configuration in $HA_SSH_DIR/sshd_config.
restart()
{
	"$TESTS/link" down
	"$TESTS/link" up || diag "sshd did not start"
}

# server LINE...: sshd with these lines before its others.
server()
{
	{
		echo 'LogLevel VERBOSE'
		[ $# -eq 0 ] || printf '%s\n' "$@"
		cat "$T/sshd_config"
	} >"$HA_SSH_DIR/sshd_config"
	restart
}

# client LINE...: an ssh configuration with these lines before its others.
client()
{
	cp "$T/known" "$HA_SSH_DIR/known_hosts"
	{
		echo 'Host peer'
		[ $# -eq 0 ] || printf '%s\n' "$@"
		cat "$T/client"
	} >"$T/config"
	HA_SSH_CONFIG=$T/config
}

# The same without the one key that libssh2 can log in with.
client_without_key()
{
	client "$@"
	sed '/IdentityFile.*\/id"/d' "$T/config" >"$T/config.new"
	mv "$T/config.new" "$T/config"
}

# There are more words at this level than `link logins` counts with.
logins()
{
	grep -c '^Accepted publickey' "$HA_SSH_DIR/sshd.log"
}

connections()
{
	grep -c '^Connection from ' "$HA_SSH_DIR/sshd.log"
}

# chosen DESC ERE FAILED: ssh is taken because libssh2 can't, as ERE says, after
# so many attempts with that; a new connection needs none.
chosen()
{
	before=$(logins)
	tries=$(connections)
	fresh
	echo one >"$S/one"
	begin
	send W f one
	ok "$1: ssh brings it over" barrier
	like "$1: ... and says why" "$(cat "$T/words")" \
	    "peer: libssh2 [0-9.]+ $2.*; using ssh\$"
	is "$1: one login" "$(($(logins) - before))" 1
	is "$1: attempts before that" "$(($(connections) - tries))" $((1 + $3))
	restart
	echo two >"$S/two"
	send W f two
	ok "$1: after an outage" barrier
	is "$1: ... one login more" "$(($(logins) - before))" 2
	is "$1: ... and no attempt" "$(($(connections) - tries))" $((2 + $3))
	finish
	is "$1: said once" "$(grep -c 'using ssh' "$T/words")" 1
	ok "$1: the trees are equal" same
}

# unable DESC STATUS ERE: what --transport libssh2 says to the same.
unable()
{
	run push --transport libssh2 -T 2s --all -C "$S" "peer:$D"
	is "$1: libssh2 alone: exit status" "$status" "$2"
	like "$1: libssh2 alone: message" "$err" "$3"
}

## What libssh2 can do

server
client
fresh
echo one >"$S/one"
run push -v --all -C "$S" "peer:$D"
is "libssh2 where it can" "$status" 0
like "... is used" "$err" 'logged in at peer as [a-z]+: curve25519'
unlike "... without a word" "$err" 'using ssh'
run push -v --transport ssh --all -C "$S" "peer:$D"
is "ssh where it is wanted" "$status" 0
like "... is used" "$err" 'logged in at peer as [a-z]+ with ssh: ssh-ed25519'
exits "no other transport" 64 push --transport rsh --all -C "$S" "peer:$D"

## What it can't

server 'Ciphers aes256-gcm@openssh.com'
chosen "AEAD ciphers only" 'and peer have no cipher in common' 1
unable "AEAD ciphers only" 78 'no cipher in common.*gcm.*aes128-ctr'
server 'MACs hmac-sha2-256-etm@openssh.com'
chosen "ETM MACs only" 'and peer have no MAC in common' 1
unable "ETM MACs only" 78 'no MAC in common.*-etm.*hmac-sha2-256'
server
client 'Ciphers chacha20-poly1305@openssh.com'
chosen "a cipher of ssh's configuration" 'has none of the Ciphers' 0
unable "a cipher of ssh's configuration" 78 'none of the Ciphers'

ssh-keygen -q -t rsa -b 2048 -N '' -f "$HA_SSH_DIR/rsa_host"
sed "s|^HostKey .*|HostKey $HA_SSH_DIR/rsa_host|" "$T/sshd_config" \
    >"$T/rsa_config"
mv "$T/sshd_config" "$T/plain_config"
mv "$T/rsa_config" "$T/sshd_config"
server
client
echo "$host $(cut -d ' ' -f 1,2 "$HA_SSH_DIR/rsa_host.pub")" \
    >"$HA_SSH_DIR/known_hosts"
chosen "an RSA host key" "can't verify ssh-rsa host keys" 0
unable "an RSA host key" 78 'no host key in common.*ed25519 host key'
mv "$T/plain_config" "$T/sshd_config"

ssh-keygen -q -s "$T/ca" -h -I host -n 127.0.0.1 "$HA_SSH_DIR/host_key.pub"
server "HostCertificate $HA_SSH_DIR/host_key-cert.pub"
client
echo "@cert-authority * $(cut -d ' ' -f 1,2 "$T/ca.pub")" \
    >"$HA_SSH_DIR/known_hosts"
chosen "a host certificate" "can't verify host certificates" 0
unable "a host certificate" 77 'certificates are not supported by libssh2'
server
: >"$T/revoked"
client "RevokedHostKeys $T/revoked"
chosen "RevokedHostKeys" "can't obey RevokedHostKeys" 0
unable "RevokedHostKeys" 78 "can't obey RevokedHostKeys"
cp "$HA_SSH_DIR/host_key.pub" "$T/revoked"
run push -T 2s --all -C "$S" "peer:$D"
is "a key that stands there: exit status" "$status" 77
like "... message" "$err" "REVOKED in $T/revoked"

cat "$T/rsa.pub" >>"$HA_SSH_DIR/id.pub"
client_without_key "IdentityFile $T/rsa"
chosen "an RSA key" "can't sign with RSA and SHA-2 \\($T/rsa\\)" 1
unable "an RSA key" 77 'signs with RSA and SHA-1 only.*use an ed25519 key'
ssh-keygen -q -s "$T/ca" -I user -n "$(id -un)" "$T/ed25519.pub"
server "TrustedUserCAKeys $T/ca.pub"
client_without_key "IdentityFile $T/ed25519"
chosen "a certificate beside the key" \
    "can't log in with certificates \\($T/ed25519-cert.pub\\)" 1
unable "a certificate beside the key" 77 'refuses the login'
mv "$T/ed25519-cert.pub" "$T/elsewhere.pub"
client_without_key "IdentityFile $T/ed25519" "CertificateFile $T/elsewhere.pub"
chosen "CertificateFile" "can't log in with certificates \\($T/elsewhere.pub" 1

server
client_without_key "IdentityFile $T/ed25519"
tries=$(connections)
run push -T 2s --all -C "$S" "peer:$D"
is "a wrong key: exit status" "$status" 77
is "... is tried once" "$(($(connections) - tries))" 1
unlike "... and not with ssh" "$err" 'using ssh'
server 'GSSAPIAuthentication yes'
client_without_key "IdentityFile $T/ed25519" 'GSSAPIAuthentication yes'
run push -T 2s --all -C "$S" "peer:$D"
like "GSSAPI, where both have it" "$err" "can't log in with GSSAPI; using ssh"
is "... to which ssh says no, too" "$status" 77
like "... in the same words" "$err" \
    'refuses the login of .*; tried: .*/ed25519; .*offers: .*gssapi'

## The one ssh

# The ssh that the ha-push of begin() keeps.
kept_ssh()
{
	awk -v parent="$pusher" '
		FNR == 1 { name = $2; pid = "" }
		$1 == "Pid:" { pid = $2 }
		$1 == "PPid:" && $2 == parent && name == "ssh" { print pid }
		' /proc/[0-9]*/status 2>/dev/null
}

# Is there one in $T/words that matches?
words_say()
{
	grep -Eq -e "$1" "$T/words"
}

no_process()
{
	! kill -0 "$1" 2>/dev/null
}

# with_ssh: a pipe over ssh, that has brought something over.
with_ssh()
{
	fresh
	echo one >"$S/one"
	begin --transport ssh
	send W f one
	barrier
}

server "Banner $T/banner"
client
printf 'Permission denied (nonsense).\nWelcome\033[2J\n' >"$T/banner"
before=$(logins)
long=$T/$(printf '%0120d' 0)
mkdir "$long"
TMPDIR=$long
export TMPDIR
ok "a long TMPDIR" with_ssh
is "nothing is left in it" "$(ls -A "$long")" ''
ok "one ssh, no more" test "$(kept_ssh | wc -w)" -eq 1
kill -KILL "$(kept_ssh)"
echo two >"$S/two"
send W f two
ok "ssh is killed: the next one goes on" barrier
like "... and the loss was told" "$(cat "$T/words")" \
    'session with peer is lost: ssh was killed by signal 9'
is "... one login more" "$(($(logins) - before))" 2
is "nothing is left" "$(ls -A "$long")" ''
unlike "the server's banner is not shown" "$(cat "$T/words")" 'Welcome|nonsense'
kept=$(kept_ssh)
finish
is "the end" "$status" 0
ok "ssh has ended, too" no_process "$kept"
ok "the trees are equal" same

with_ssh
kept=$(kept_ssh)
reap "$pusher" KILL
ok "ha-push is killed: ssh ends" wait_until 5 no_process "$kept"
exec 7>&-
is "nothing is left" "$(ls -A "$long")" ''
client_without_key "IdentityFile $T/ed25519"
run push --transport ssh -T 2s --all -C "$S" "peer:$D"
is "a login that fails" "$status" 77
is "... leaves nothing" "$(ls -A "$long")" ''
TMPDIR=$HA_SSH_DIR/tmp

client "ControlMaster auto" "ControlPath $T/shared" "ControlPersist yes" \
    "ForkAfterAuthentication yes" "RemoteCommand sleep 100" \
    "RequestTTY force" "LocalForward 127.0.0.1:1 127.0.0.1:1" \
    "PermitLocalCommand yes" "LocalCommand touch $T/ran" "LogLevel QUIET" \
    "SessionType none" "ForwardAgent yes" "ForwardX11 yes"
ok "a configuration that is meant for people" with_ssh
not_ok "... has made no master" test -e "$T/shared"
not_ok "... has run nothing" test -e "$T/ran"
finish

server 'MaxSessions 2'
client
for kind in ssh libssh2; do
	run "$drive" -T $kind -F "$T/config" peer refuse cat 'echo still up'
	is "MaxSessions over $kind: the link stays" "$out" 'still up'
	like "... message" "$err" \
	    'peer refuses one more channel \(MaxSessions in its sshd_config\?\)'
done
server 'ForceCommand exit 7'
run "$drive" -T ssh -F "$T/config" peer exec true
is "what the server makes of a command" "$status" 7

done_testing
