#!/bin/sh
# SPDX-License-Identifier: ISC
#
# ha-probe's redis:// and memcached:// against the real servers, in all the
# states that they answer PING by.
if [ "${1-}" = --memcached ]; then
	. "$(dirname "$0")/../tap.sh"
	. "$(dirname "$0")/../probe.sh"
	MEMCACHED=memcached://127.0.0.1:$HA_MEMCACHED_PORT
	found "memcached" OK '^[0-9]+\.[0-9]+\.[0-9]+' "$MEMCACHED"
	found "... by an expectation" CRIT 'reply' -e 'reply~"^0"' "$MEMCACHED"
	"$TESTS/server" memcached freeze
	found "... is frozen" CRIT '^no answer to "version" within 300 ms$' \
	    -t 300ms "$MEMCACHED"
	"$TESTS/server" memcached thaw
	"$TESTS/server" memcached stop
	found "... is not there" CRIT '^connection refused' "$MEMCACHED"
	done_testing
fi
[ -n "${HA_REDIS_DIR-}" ] || exec "$(dirname "$0")/../with-redis" -- "$0"
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/../probe.sh"

REDIS=redis://127.0.0.1:$HA_REDIS_PORT
AUTH=redis://127.0.0.1:$HA_REDIS_AUTH

redis()
{
	redis-cli -h 127.0.0.1 -p "$HA_REDIS_PORT" "$@" >"$T/redis.out" 2>&1
}

user_file()
{
	rm -f "$T/user"
	(umask 077 && echo "$1" >"$T/user")
}

# What PING is answered by takes a moment to become so: STATE.
is_now()
{
	run ha-probe -F tsv "$REDIS"
	msg=$(field 8)
	[ "$(field 5)" = "$1" ]
}

found "redis" OK '^PONG$' "$REDIS"
found "... by an expectation" OK '^PONG$' -e 'reply="PONG"' "$REDIS"
exits "a path is refused: 3" 3 ha-probe "$REDIS/0"

## Logging in

found "a password is asked for" OK '^asks for a password$' "$AUTH"
user_file probe:secret
found "... given, with its user" OK '^PONG$' --user-file="$T/user" "$AUTH"
user_file :secret
found "... without" OK '^PONG$' --user-file="$T/user" "$AUTH"
found "... where none is wanted" OK '^PONG$' --user-file="$T/user" "$REDIS"
user_file probe:hush-hush
found "... wrong" CRIT '^wrong user or password \(WRONGPASS\)$' \
    --user-file="$T/user" "$AUTH"
unlike "... is not shown" "$out$err" 'hush'
user_file probe:secret
chmod 644 "$T/user"
exits "a password that others can read: 3" 3 \
    ha-probe --user-file="$T/user" "$AUTH"
user_file ':hush-hush'
serve talk '-NOAUTH Authentication required.\r\n' \
    "-ERR unknown command 'AUTH', with args: 'hush-hush'\\r\\n"
found "a server that repeats the password" CRIT '^no login, but -ERR$' \
    --user-file="$T/user" "redis://127.0.0.1:$port"
serve talk '-NOAUTH Authentication required.\r\n'
found "a server that does not answer it" CRIT \
    '^no answer to AUTH within 300 ms$' -t 300ms --user-file="$T/user" \
    "redis://127.0.0.1:$port"

## Its states

redis CONFIG SET replica-serve-stale-data no
redis REPLICAOF 127.0.0.1 1
found "a replica without its master" CRIT \
    '^a replica whose master is down \(MASTERDOWN ' "$REDIS"
redis REPLICAOF NO ONE

redis CONFIG SET busy-reply-threshold 10
spawn redis-cli -h 127.0.0.1 -p "$HA_REDIS_PORT" EVAL 'while true do end' 0
ok "a script that does not end is CRIT" wait_until 5 is_now CRIT
like "... in words" "$msg" '^busy with a script \(BUSY '
redis SCRIPT KILL
reap "$pid"

mkdir "$HA_REDIS_DIR/first/dump.rdb"
redis CONFIG SET save '1 1'
redis BGSAVE
ok "data that can't be saved is WARN" wait_until 5 is_now WARN
like "... in words" "$msg" \
    "^it can't save its data: no writes \\(MISCONF "
redis CONFIG SET save ''
rmdir "$HA_REDIS_DIR/first/dump.rdb"

redis CONFIG SET maxclients 1
spawn -o "$T/held" redis-cli -h 127.0.0.1 -p "$HA_REDIS_PORT" SUBSCRIBE x
wait_until 5 grep -q subscribe "$T/held"
found "redis is full" WARN '^too many connections \(ERR max number of' \
    "$REDIS"
reap "$pid" TERM

"$TESTS/server" redis freeze
found "redis is frozen" CRIT '^no answer to PING within 300 ms$' \
    -t 300ms "$REDIS"
within "... said in time" 300 1300
"$TESTS/server" redis thaw

redis CONFIG SET maxclients 100
redis EVAL 'for i = 1, 2000 do redis.call("set", i, i) end' 0
redis SAVE
"$TESTS/server" redis stop
found "redis is not there" CRIT '^connection refused by 127\.0\.0\.1' "$REDIS"
cat >>"$HA_REDIS_DIR/redis.conf" <<-END
	key-load-delay 10000
	loading-process-events-interval-bytes 1024
END
spawn "$TESTS/server" redis start
ok "redis that loads its data is WARN" wait_until 10 is_now WARN
like "... in words" "$msg" '^it is loading its data \(LOADING '
"$TESTS/server" redis stop
reap "$pid"

## memcached

run "$TESTS/with-memcached" -- "$0" --memcached
is "memcached passes its own tests" "$status" 0

done_testing
