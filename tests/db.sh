# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of with-db
#
# db.sh - the flavours of with-db: their programs, first data, settings.
#
#	obtain_FLAVOUR		sets $server (words of the shell that run it,
#				but for a defaults-file), $data (a directory
#				with its first data, to be copied for each
#				server) and $home, whose bin has its clients
#	settings_FLAVOUR	lines of my.cnf
#	last_words LOG		why it did not start

# MySQL 5.6 goes on about what it shuts down.
last_words()
{
	grep -v '\[Note\]' "$1" | tail -n 20
}

# Who may do what, as the manual tells who monitors to grant.
users()
{
	case $1 in
	mariadb) echo 'FLUSH PRIVILEGES;' ;;
	mysql56) cat <<-'END' ;;
		FLUSH PRIVILEGES;
		DELETE FROM mysql.user WHERE User = '' OR Host <> 'localhost';
		FLUSH PRIVILEGES;
	END
	esac
	cat <<-'END'
		CREATE USER ha@'%' IDENTIFIED BY 'admin-secret';
		GRANT ALL ON *.* TO ha@'%' WITH GRANT OPTION;
		CREATE USER repl@'%' IDENTIFIED BY 'repl-secret';
		GRANT REPLICATION SLAVE ON *.* TO repl@'%';
		CREATE USER monitor@'%' IDENTIFIED BY 'monitor-secret';
	END
	case $1 in
	mariadb) cat <<-'END' ;;
		GRANT SLAVE MONITOR, BINLOG MONITOR, REPLICATION MASTER ADMIN
		    ON *.* TO monitor@'%';
	END
	mysql) cat <<-'END' ;;
		GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.*
		    TO monitor@'%';
		GRANT SELECT ON performance_schema.* TO monitor@'%';
	END
	*) cat <<-'END' ;;
		GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.*
		    TO monitor@'%';
	END
	esac
}

# What the data depend on is in the template's name.
template()
{
	cached "data-$1-$({ cat "$here/db.sh" && echo "$2"; } | sha256sum |
	    cut -c 1-16)" \
	    "first_$1" || return
	data=$made
}

first()
{
	"$@" >"$dir/first.log" 2>&1 && return
	cat "$dir/first.log" >&2
	die "there are no first data"
}

first_mariadb()
{
	users mariadb >"$dir/users.sql"
	first mariadb-install-db --no-defaults --user="$me" --datadir="$1" \
	    --auth-root-authentication-method=normal --skip-test-db \
	    --skip-name-resolve --force \
	    --extra-file="$dir/users.sql" --innodb-flush-method=nosync \
	    --innodb-log-file-size=4M
}

obtain_mariadb()
{
	require mariadbd mariadb-install-db
	home=/usr
	server="mariadbd --defaults-file"
	template mariadb "$(mariadbd --version)"
}

settings_mariadb()
{
	cat <<-END
		innodb-log-file-size = 4M
		innodb-temp-data-file-path = ibtmp1:4M:autoextend
		performance-schema = off
		binlog-format = ROW
		log-slave-updates = on
		slave-net-timeout = 5
		ssl-ca = $dir/ca.crt
		ssl-cert = $dir/good.crt
		ssl-key = $dir/key
	END
	[ -z "$gtid" ] || echo 'gtid-strict-mode = on'
}

# fetched FLAVOUR: $home is where it was unpacked.
fetched()
{
	home=$("$here/fetch-db" "$1" 2>"$dir/fetch.log") ||
	    unavailable "$(tail -n 1 "$dir/fetch.log")"
	cat "$dir/fetch.log" >&2
	server="$home/bin/mysqld --defaults-file"
}

first_mysql()
{
	users mysql >"$dir/users.sql"
	first "$home/bin/mysqld" --no-defaults --initialize-insecure \
	    --user="$me" --datadir="$1" --init-file="$dir/users.sql" \
	    --secure-file-priv=NULL --mysqlx=OFF --disable-log-bin \
	    --innodb-flush-method=nosync --innodb-redo-log-capacity=8M
	rm -f "$1/auto.cnf"
}

obtain_mysql()
{
	fetched mysql
	template mysql "$home"
}

# The performance schema is where a replica's workers are; for nothing else.
settings_mysql()
{
	cat <<-END
		mysqlx = off
		secure-file-priv = NULL
		innodb-redo-log-capacity = 8M
		innodb-log-buffer-size = 1M
		key-buffer-size = 64K
		table-open-cache = 100
		table-definition-cache = 400
		performance-schema-instrument = '%=OFF'
		performance-schema-digests-size = 0
		performance-schema-error-size = 0
		performance-schema-events-statements-history-long-size = 0
		performance-schema-events-waits-history-long-size = 0
		performance-schema-events-stages-history-long-size = 0
		performance-schema-events-transactions-history-long-size = 0
		performance-schema-max-memory-classes = 0
		performance-schema-max-stage-classes = 0
		performance-schema-max-statement-classes = 0
		performance-schema-max-thread-instances = 200
		log-replica-updates = on
		replica-net-timeout = 5
		ssl-ca = $dir/ca.crt
		ssl-cert = $dir/good.crt
		ssl-key = $dir/key
	END
	[ -z "$gtid" ] || printf '%s\n' 'gtid-mode = on' \
	    'enforce-gtid-consistency = on'
}

first_mysql56()
{
	users mysql56 >"$dir/users.sql"
	cp -a "$home/data56/." "$1"
	first "$home/bin/mysqld" --no-defaults --bootstrap --user="$me" \
	    --datadir="$1" --innodb-flush-method=nosync \
	    --innodb-log-file-size=4M --performance-schema=off \
	    <"$dir/users.sql"
	rm -f "$1/auto.cnf"
}

obtain_mysql56()
{
	fetched mysql56
	template mysql56 "$home"
}

# Its TLS is too old for the clients of today.
settings_mysql56()
{
	cat <<-END
		skip-ssl
		explicit-defaults-for-timestamp = on
		innodb-log-file-size = 4M
		performance-schema = off
		table-open-cache = 100
		binlog-format = ROW
		log-slave-updates = on
		slave-net-timeout = 5
		master-info-repository = TABLE
		relay-log-info-repository = TABLE
		relay-log-recovery = on
	END
	[ -z "$gtid" ] || printf '%s\n' 'gtid-mode = on' \
	    'enforce-gtid-consistency = on'
}

me=$(id -un)
