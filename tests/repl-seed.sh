# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-seed.sh - what the tests of ha-repl seed share: n2 is filled from n1.
#
#	in_ways HOW...	by "gtid" and "pos": while n1 is written to; what is
#			refused; killed at many places
#	breaks HOW	an end fails in the middle, and how it goes on
#	with_tls HOW	the logins are for that alone; the last test
#	full_disk	the replica's, for MariaDB
#	clones HOW...	by MySQL's CLONE; n2 is started again by itself
#	clone_alone HOW		it isn't; and what is refused
#	clone_breaks HOW	an end, or ha-repl, is killed in the middle
#	clone_kills HOW STEP	... at many places
#	machines	both are reached by ssh, below with-sshd, n2 a service
#	backups HOW...	by mariadb-backup; backup_refusals HOW,
#			backup_breaks HOW, backup_kills HOW STEP
#
# $method is --method.
. "$TESTS/repl-point.sh"

HA_TOOLS=${HA_TOOLS:-${HA_BIN%/bin}/tests}
how=pos method=auto

seed()
{
	case $how in
	pos) set -- --gtid no "$@" ;;
	esac
	run ha-repl seed n2 --from n1 -T "$waiting" --lock-wait 9s \
	    --credentials "$HA_DB_REPL_CNF" --method "$method" "$@"
}

# Of every kind, with words that are not easy, and a table for the row that point
# waits for.
make_data()
{
	make_table 1
	ha-repl heartbeat --create n1
	of 1 LOCAL_CNF
	mariadb --defaults-file="$of_db" --default-character-set=utf8mb4 t <<-'END'
		CREATE TABLE odd (
			id INT PRIMARY KEY AUTO_INCREMENT,
			words VARCHAR(100) CHARACTER SET utf8mb4,
			bytes BLOB
		) ENGINE = InnoDB;
		INSERT INTO odd (words, bytes) VALUES
			('näïve; -- \'quoted\' 😀', X'00ff0d0a27225c1a'),
			('DELIMITER ;;', NULL), ('', '');
		CREATE VIEW some AS SELECT id, words FROM odd;
		CREATE EVENT busy ON SCHEDULE EVERY 1 SECOND
			STARTS '2037-01-01' DO DELETE FROM t.odd;
		CREATE DATABASE `odd;name``d`;
		CREATE TABLE `odd;name``d`.`a table` (id INT PRIMARY KEY)
			ENGINE = InnoDB;
		INSERT INTO `odd;name``d`.`a table` VALUES (1), (2);
		DELIMITER ;;
		CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END;;
		CREATE TRIGGER keep BEFORE DELETE ON odd FOR EACH ROW
			BEGIN SET @kept = OLD.id; END;;
	END
	insert 1 200
}

fresh_two()
{
	for i in 1 2; do
		fresh_one "$i" || return
		# shellcheck disable=SC2016 # SQL's quotes
		sql "$i" 'DROP DATABASE IF EXISTS `odd;name``d`'
	done
	fresh_one 1 && fresh_one 2
}

dumped()
{
	sql "$1" "SELECT id, words, HEX(bytes) FROM t.odd ORDER BY id;
	    SELECT * FROM t.some ORDER BY id;
	    SELECT * FROM \`odd;name\`\`d\`.\`a table\`;
	    SELECT routine_name FROM information_schema.routines
		WHERE routine_schema = 't';
	    SELECT trigger_name FROM information_schema.triggers
		WHERE trigger_schema = 't';
	    SELECT event_name, definer FROM information_schema.events"
}

same_data()
{
	[ "$(dumped 1)" = "$(dumped 2)" ] && in_step 1 2
}

write_on()
{
	while [ ! -e "$T/enough" ]; do
		insert 1 5
	done
}

with_writes()
{
	rm -f "$T/enough"
	write_on &
	writer=$!
	"$@"
	: >"$T/enough"
	wait "$writer"
}

own_events()
{
	of 2 FLAVOUR
	case $of_db in
	mariadb) sql 2 'SELECT @@gtid_binlog_pos' | tr ',' '\n' | grep -- '-2-' ;;
	*) sql 2 'SELECT @@gtid_executed' | grep -F "$(sql 2 'SELECT @@server_uuid')" ;;
	esac
}

no_own_events()
{
	! own_events >"$T/own"
}

no_journal()
{
	! ls "$HA_STATE_DIR"/repl/*.journal >/dev/null 2>&1
}

# One with a role, and one that both have, which stays as it is.
make_accounts()
{
	sql 1 "CREATE ROLE readers; GRANT SELECT ON t.* TO readers;
	    CREATE USER 'it''s'@'%' IDENTIFIED BY 'app-secret';
	    GRANT INSERT, UPDATE ON t.* TO 'it''s'@'%';
	    GRANT readers TO 'it''s'@'%';
	    CREATE USER shared@'%' IDENTIFIED BY 'there-secret'"
	sql 2 "SET sql_log_bin = 0;
	    CREATE USER shared@'%' IDENTIFIED BY 'here-secret'"
}

accounts()
{
	grants="SHOW GRANTS FOR 'it''s'@'%'; SHOW GRANTS FOR readers"
	is "$how: n1's account has the same grants at n2" \
	    "$(sql 2 "$grants")" "$(sql 1 "$grants")"
	of 2 CNF
	(umask 077 && sed "s/^user.*/user = \"it's\"/
	    s/^password.*/password = app-secret/" "$of_db" >"$T/app.cnf")
	is "$how: and its password" "$(mariadb --defaults-file="$T/app.cnf" \
	    -N -B -e "SELECT USER() LIKE 'it\'s@%'")" 1
	sed "s/^user.*/user = shared/; s/^password.*/password = here-secret/" \
	    "$T/app.cnf" >"$T/shared.cnf"
	chmod 600 "$T/shared.cnf"
	is "$how: one that was there is as it was" \
	    "$(mariadb --defaults-file="$T/shared.cnf" -N -B -e 'SELECT 1')" 1
	unlike "$how: no hash is told" "$err" '\*[0-9A-F]{40}'
	sql 1 "DROP USER 'it''s'@'%', shared@'%'; DROP ROLE readers"
}

seeds()
{
	fresh_two
	make_data
	make_accounts
	seed -n
	is "$how: -n: what would be run" "$status" 0
	like "$how: in words" "$out" '--single-transaction'
	is "$how: and is not done" "$(sql 2 "SHOW DATABASES LIKE 't'")" ''
	with_writes seed
	is "$how: n2 is filled while n1 is written to" "$status" 0
	ok "$how: what n1 has n2 has, nothing lost and nothing doubled" same_data
	ok "$how: it replicates" replicates 2
	ok "$how: nothing was written there by itself" no_own_events
	is "$how: events are left to n1" \
	    "$(sql 2 "SELECT COUNT(*) FROM information_schema.events
		WHERE status = 'ENABLED'")" 0
	ok "$how: no journal is left" no_journal
	accounts
	insert 1 3
	ok "$how: what comes later arrives" in_step 1 2
}

refusals()
{
	fresh_two
	make_data
	run ha-repl seed n2 --from n1
	is "$how: without credentials" "$status" 78
	run ha-repl seed n2 --from n2
	is "$how: from itself" "$status" 64
	run ha-repl seed n2
	is "$how: from where?" "$status" 64
	run ha-repl seed n2 --from gone --credentials "$HA_DB_REPL_CNF"
	is "$how: a source that is not there" "$status" 69
	sql 2 'SET sql_log_bin = 0; CREATE DATABASE t; CREATE TABLE t.mine (i INT)'
	seed
	is "$how: a replica with data" "$status" 77
	like "$how: says so" "$err" 'has data'
	seed --force='I said so'
	is "$how: even when forced" "$status" 77
	is "$how: what it has it keeps" "$(sql 2 'SHOW TABLES FROM t')" mine
	sql 2 'SET sql_log_bin = 0; DROP DATABASE t; SET sql_log_bin = 1;
	    CREATE DATABASE t; DROP DATABASE t'
	# Without GTIDs MySQL can't tell.
	is_told=1
	[ -n "$(sql 2 "SELECT CONCAT(@@gtid_executed)" 2>/dev/null)" ] ||
	    [ -n "$(sql 2 'SELECT @@gtid_binlog_pos' 2>/dev/null)" ] ||
	    is_told=0
	if [ "$is_told" = 1 ]; then
		seed
		is "$how: a replica with transactions of its own" "$status" 77
		like "$how: says so" "$err" 'transactions of its own'
	fi
	sql 1 'CREATE TABLE t.plain (i INT) ENGINE = MyISAM'
	seed --force='a test'
	is "$how: forced" "$status" 0 || diag "$err"
	like "$how: a table without transactions is told" "$err" \
	    'without transactions'
	ok "$how: n2 has what n1 has" same_data
	seed
	is "$how: one that replicates" "$status" 77
	ok "$how: no journal is left" no_journal
}

# 24 MiB, more than is under way at any time.
make_much()
{
	sql 1 "CREATE TABLE t.much (id INT PRIMARY KEY AUTO_INCREMENT,
	    words LONGTEXT) ENGINE = InnoDB;
	    INSERT INTO t.much (words) VALUES (REPEAT('a word ', 400000));
	    INSERT INTO t.much (words) SELECT words FROM t.much;
	    INSERT INTO t.much (words) SELECT words FROM t.much;
	    INSERT INTO t.much (words) SELECT words FROM t.much"
}

begun()
{
	grep -q '^step	fill' "$HA_STATE_DIR/repl/n2:seed.journal" 2>/dev/null
}

# A first table is there, and the second one has to wait.
is_loading()
{
	begun && [ -n "$(sql 2 "SELECT id FROM information_schema.processlist
	    WHERE state LIKE 'Waiting for %lock%'")" ]
}

# It stands in the middle of the loading.
start_half()
{
	sql 2 'FLUSH TABLES WITH READ LOCK; SELECT SLEEP(60)' \
	    >/dev/null 2>&1 &
	holder=$!
	wait_sql 10 1 2 "SELECT COUNT(*) FROM information_schema.processlist
	    WHERE info = 'SELECT SLEEP(60)'"
	rm -f "$T/half.status"
	set -- seed n2 --from n1 -T 20 --credentials "$HA_DB_REPL_CNF" \
	    --method "$method"
	case $how in
	pos) set -- "$@" --gtid no ;;
	esac
	"$HA_BIN/ha-repl" "$@" >"$T/half" 2>&1 &
	half=$!
	wait_until 20 is_loading || diag "$(cat "$T/half")"
}

release_half()
{
	sql 2 "SELECT CONCAT('KILL ', id) FROM information_schema.processlist
	    WHERE info LIKE 'SELECT SLEEP%'" 2>/dev/null |
	    while read -r kill; do
		sql 2 "$kill"
	done
	wait "$holder" 2>/dev/null
}

again()
{
	seed
	is "$how: $1: begun again it refuses" "$status" 70
	like "$how: $1: says what to do" "$err" 'half filled.*--force'
	run ha-repl recover n2
	is "$how: $1: recover can't" "$status" 70
	seed --force='a test'
	is "$how: $1: forced it begins anew" "$status" 0 || diag "$err"
	ok "$how: $1: n2 has what n1 has" same_data
	ok "$how: $1: and replicates" replicates 2
	ok "$how: $1: no journal is left" no_journal
}

begin_break()
{
	fresh_two
	make_data
	make_much
	start_half
}

no_children()
{
	for child in $children; do
		! kill -0 "$child" 2>/dev/null || return
	done
}

breaks()
{
	how=$1
	begin_break
	db 1 kill
	release_half
	wait "$half"
	is "$how: the source is killed" $? 70
	like "$how: and named" "$(cat "$T/half")" 'n1: '
	db 1 start
	again 'source killed'

	begin_break
	db 2 kill
	wait "$holder" 2>/dev/null
	wait "$half"
	is "$how: the replica is killed" $? 70
	like "$how: and named" "$(cat "$T/half")" 'n2: '
	db 2 start
	again 'replica killed'

	begin_break
	children=$(pgrep -P "$half")
	is "$how: one dumps and one loads" "$(echo "$children" | wc -l)" 2
	kill -KILL "$half"
	wait "$half" 2>/dev/null
	ok "$how: killed, it leaves no program behind" wait_until 10 no_children
	release_half
	again 'itself killed'
}

# What it has is larger than the disk, which is MariaDB's database here.
full_disk()
{
	fresh_two
	make_data
	make_much
	of 2 DIR
	mkdir "$of_db/data/t"
	small=$of_db/data/t
	mount -t tmpfs -o size=2M,mode=777 tmpfs "$small" || {
		skip "$how: a disk is full" "can't mount"
		return
	}
	seed
	is "$how: a disk is full" "$status" 70
	unlike "$how: no row is in what it says" "$err" 'a word'
	like "$how: and named" "$err" '^ha-repl: n2: ERROR'
	sql 2 'DROP DATABASE t' >/dev/null 2>&1
	umount "$small"
	rmdir "$small" 2>/dev/null
	db 2 stop
	db 2 start
	again 'full disk'
}

# Ended at each place from its first trace on disk to its end.
killed()
{
	set -- seed n2 --from n1 -T 20 --credentials "$HA_DB_REPL_CNF" \
	    --method "$method"
	case $how in
	pos) set -- "$@" --gtid no ;;
	esac
	(
		HA_TEST_STATEMENT=$at LD_PRELOAD=$HA_TOOLS/preload/statement.so
		export HA_TEST_STATEMENT LD_PRELOAD
		exec "$HA_BIN/ha-repl" "$@"
	) >"$T/killed" 2>&1
	[ $? -eq 137 ]
}

mend()
{
	mended=
	run ha-repl recover n2
	[ "$status" -eq 0 ] || mended="$status $err"
	[ "$status" -ne 0 ] || replicates 2 || {
		# Undone, or nothing was begun.
		run ha-repl recover n2
	}
	[ "$status" -eq 0 ] && wait_until 5 replicates 2 && return
	seed --force='a test'
	[ "$status" -eq 0 ]
}

kills()
{
	fresh_two
	make_data
	kills=0 failures=''
	stride "$1"
	while killed && [ -z "$failures" ]; do
		kills=$((kills + 1))
		if ! mend || ! same_data || ! no_journal; then
			failures=$at
			diag "at $at: $(cat "$T/killed"); $mended; $status $err"
		fi
		at=$((at + step))
		drop_all
	done
	diag "$how: $kills kills"
	ok "$how: it was killed" test "$kills" -gt 1
	is "$how: filled after each" "$failures" ''
}

drop_all()
{
	fresh_one 2
	# shellcheck disable=SC2016 # SQL's quotes
	sql 2 'DROP DATABASE IF EXISTS `odd;name``d`'
	fresh_one 2
}

# Both logins only within verified TLS.
with_tls()
{
	how=$1
	fresh_two
	make_data
	while read -r node address rest; do
		i=${node#n}
		if [ "$node" = gone ]; then
			continue
		fi
		sql "$i" "SET sql_log_bin = 0;
		    CREATE USER careful@'%' IDENTIFIED BY 'careful\\\\\"#secret'
			REQUIRE SSL;
		    GRANT ALL ON *.* TO careful@'%' WITH GRANT OPTION"
		(umask 077 && cat >"$T/$node.cnf" <<-END)
			[client]
			user = careful
			password = 'careful\\\\"#secret'
			ssl-ca = $HA_DB_CA
		END
		echo "$node $address defaults-file=$T/$node.cnf"
	done <"$HA_CONFIG_DIR/repl.conf" >"$T/tls.conf"
	mv "$T/tls.conf" "$HA_CONFIG_DIR/repl.conf"
	seed
	is "$how: within TLS" "$status" 0 || diag "$err"
	ok "$how: n2 has what n1 has then" same_data
}

in_ways()
{
	for how in "$@"; do
		seeds
		refusals
		kills 13
	done
}

# n2 is started again whenever it asks for that, as systemd(1) would do it.
supervise()
{
	of 2 DIR
	grep -q MYSQLD_PARENT_PID "$of_db/start" || {
		sed -i 's/^exec //' "$of_db/start"
		server=$(cat "$of_db/start")
		cat >"$of_db/start" <<-END
			export MYSQLD_PARENT_PID=\$\$
			trap 'kill \$child' TERM
			while :; do
				$server &
				child=\$!
				wait \$child
				[ \$? -eq 16 ] || exit
			done
		END
	}
	db 2 kill
	db 2 start
}

plugins()
{
	sql 2 "SELECT plugin_name FROM information_schema.plugins
	    WHERE plugin_name = 'clone'"
}

# A clone, with an account and a channel that come with it.
clones()
{
	supervise
	for how in "$@"; do
		fresh_two
		make_data
		sql 1 "CREATE USER app@'%' IDENTIFIED BY 'app-secret';
		    SET GLOBAL event_scheduler = ON;
		    CHANGE REPLICATION SOURCE TO SOURCE_HOST = '127.0.0.1',
			SOURCE_PORT = 1, SOURCE_USER = 'none'"
		seed -n
		is "$how: clone -n: what would be run" "$status" 0
		like "$how: clone -n: in words" "$out" \
		    "CLONE INSTANCE FROM 'ha'@.*IDENTIFIED BY '\*\*\*'"
		is "$how: clone -n: and is not done" \
		    "$(sql 2 "SHOW DATABASES LIKE 't'")" ''
		uuid=$(sql 2 'SELECT @@server_uuid')
		like "$how: clone -n: with the plugin that is missing" \
		    "$out$(plugins)" 'INSTALL PLUGIN clone.*n2|clone'
		case $how in
		gtid) with_writes seed --ssl-ca "$HA_DB_CA" ;;
		*) with_writes seed ;;
		esac
		is "$how: n2 is cloned while n1 is written to" "$status" 0 ||
		    diag "$err"
		like "$how: clone: so it says" "$err" 'from n1 by clone'
		ok "$how: clone: what n1 has n2 has" same_data
		ok "$how: clone: it replicates" replicates 2
		ok "$how: clone: nothing was written by itself" no_own_events
		is "$how: clone: it is another server" \
		    "$(sql 2 'SELECT @@server_uuid')" "$uuid"
		is "$how: clone: n1's account came with it" \
		    "$(sql 2 "SELECT COUNT(*) FROM mysql.user
			WHERE user = 'app'")" 1
		is "$how: clone: n1's events are left to n1" \
		    "$(sql 2 "SELECT COUNT(*) FROM information_schema.events
			WHERE status = 'ENABLED'")" 0
		is "$how: clone: their scheduler is as it was" \
		    "$(sql 2 'SELECT @@event_scheduler')" ON
		is "$how: clone: nothing stays persisted" "$(sql 2 "SELECT *
		    FROM performance_schema.persisted_variables")" ''
		ok "$how: clone: no journal is left" no_journal
		insert 1 3
		ok "$how: clone: what comes later arrives" in_step 1 2
		sql 1 'DROP USER app; RESET REPLICA ALL'
	done
}

# Nobody starts n2 again but the operator; ha-repl waits, or recover goes on.
clone_alone()
{
	how=$1
	of 2 DIR
	echo "exec $server" >"$of_db/start"
	db 2 kill
	db 2 start
	fresh_two
	make_data
	waiting=2
	seed
	waiting=20
	is "$how: clone: the server does not come back" "$status" 70
	like "$how: clone: it is asked for" "$err" 'start it now'
	like "$how: clone: and told what then" "$err" 'recover n2'
	run ha-repl recover n2 -T 1
	is "$how: clone: recover before that" "$status" 70
	seed --force='a test'
	is "$how: clone: nor is it begun anew" "$status" 70
	# It has ended already; with it goes what is known of it.
	db 2 stop 2>/dev/null
	db 2 start
	run ha-repl recover n2 -T "$waiting"
	is "$how: clone: recover behind that" "$status" 0 || diag "$err"
	ok "$how: clone: n2 has what n1 has then" same_data
	ok "$how: clone: and replicates" replicates 2
	ok "$how: clone: no journal is left then" no_journal
	clone_refusals
}

clone_refusals()
{
	drop_all
	db 2 stop
	db 2 start 'persisted-globals-load = OFF'
	seed --method clone
	is "$how: clone: what is persisted is not read" "$status" 78
	like "$how: clone: says what of" "$err" 'persisted_globals_load'
	db 2 stop
	db 2 start 'persisted-globals-load = ON'
	sql 1 'CREATE TABLE t.plain (i INT) ENGINE = MyISAM'
	seed --method clone
	is "$how: clone: a table that has no InnoDB" "$status" 78
	like "$how: clone: says why" "$err" 'without their rows'
	sql 1 'DROP TABLE t.plain'
	sql 2 "SET sql_log_bin = 0; CREATE USER other@'%' IDENTIFIED BY 'secret';
	    GRANT ALL ON *.* TO other@'%' WITH GRANT OPTION"
	cp "$HA_CONFIG_DIR/repl.conf" "$T/repl.conf"
	of 2 CNF
	(umask 077 && sed 's/^user.*/user = other/; s/^password.*/password = secret/' \
	    "$of_db" >"$T/other.cnf")
	sed "s|^\(n2.*defaults-file=\).*|\1$T/other.cnf|" "$T/repl.conf" \
	    >"$HA_CONFIG_DIR/repl.conf"
	seed --method clone
	is "$how: clone: its login would be gone" "$status" 77
	like "$how: clone: says so" "$err" 'would get the accounts of n1'
	cp "$T/repl.conf" "$HA_CONFIG_DIR/repl.conf"
	sql 2 'SET sql_log_bin = 0; DROP USER other'
	# The source's account may come from here only.
	of 1 CNF
	sql 1 "SET sql_log_bin = 0; CREATE USER donor@'::1' IDENTIFIED BY 'x'"
	sql 1 'UNINSTALL PLUGIN clone; SET GLOBAL super_read_only = ON'
	seed -v
	is "$how: clone: can't be installed" "$status" 0 || diag "$err"
	like "$how: clone: so it is dumped" "$err" 'by dump'
	like "$how: clone: and said why" "$err" \
	    'not by clone: n1: the clone plugin'
	sql 1 "SET GLOBAL read_only = 0; SET sql_log_bin = 0;
	    DROP USER donor@'::1'"
}

is_cloning()
{
	sql_is 1 2 "SELECT COUNT(*) FROM performance_schema.clone_progress
	    WHERE STAGE = 'FILE COPY' AND STATE = 'In Progress'"
}

# A clone of some seconds stands in the middle.
start_clone()
{
	fresh_two
	make_data
	make_much
	for i in 1 2; do
		sql "$i" "SET sql_log_bin = 0;
		    INSTALL PLUGIN clone SONAME 'mysql_clone.so'" 2>/dev/null
	done
	sql 2 'SET GLOBAL clone_max_data_bandwidth = 1;
	    SET GLOBAL clone_autotune_concurrency = OFF;
	    SET GLOBAL clone_max_concurrency = 1'
	"$HA_BIN/ha-repl" seed n2 --from n1 -T "$1" \
	    --credentials "$HA_DB_REPL_CNF" >"$T/half" 2>&1 &
	half=$!
	wait_until 20 is_cloning || diag "$(cat "$T/half")"
}

as_before()
{
	ok "$how: $1: nothing is half done" no_journal
	is "$how: $1: nothing stays persisted" "$(sql 2 "SELECT *
	    FROM performance_schema.persisted_variables")" ''
	is "$how: $1: nor a donor" \
	    "$(sql 2 'SELECT @@clone_valid_donor_list')" NULL
	seed
	is "$how: $1: then it is cloned" "$status" 0 || diag "$err"
	ok "$how: $1: whole" same_data
}

clone_breaks()
{
	how=$1
	supervise
	start_clone 2
	unlike "$how: clone: no password is in the process list" \
	    "$(sql 2 'SELECT info FROM information_schema.processlist')" secret
	db 1 kill
	wait "$half"
	is "$how: clone: the source is killed" $? 75
	like "$how: clone: said" "$(cat "$T/half")" 'nothing has moved'
	db 1 start
	as_before 'clone, source killed'

	start_clone 2
	db 2 kill
	wait "$half"
	is "$how: clone: the replica is killed" $? 70
	db 2 start
	run ha-repl recover n2
	is "$how: clone: recover finds no clone" "$status" 69
	as_before 'clone, replica killed'

	start_clone 20
	kill -KILL "$half"
	wait "$half" 2>/dev/null
	seed
	is "$how: clone: itself killed: not begun anew" "$status" 70
	run ha-repl recover n2
	is "$how: clone: the server went on, and recover waits" "$status" 0 ||
	    diag "$err"
	ok "$how: clone: it is whole then" same_data
}

# Ended at each place, n2 being supervised.
clone_kills()
{
	supervise
	kills "$2"
}

# Both nodes have a machine that is reached by ssh, and n2 a service.  Who is
# there sees none of the processes here, so that this shell does what is asked
# of the service.
machines()
{
	mkdir "$T/there" "$T/service"
	cat >"$T/there/systemctl" <<-END
		#!/bin/sh
		[ "\$2" = n2db ] || {
			echo "Unit \$2.service not found." >&2
			exit 4
		}
		rm -f '$T/service/answer'
		echo "\$1" >'$T/service/asking'
		mv '$T/service/asking' '$T/service/asked'
		until [ -s '$T/service/answer' ]; do
			sleep 0.05
		done
		exit "\$(cat '$T/service/answer')"
	END
	mkdir "$T/here"
	cat >"$T/here/ssh" <<-END
		#!/bin/sh
		exec /usr/bin/ssh -F '$HA_SSH_CONFIG' "\$1" "\$2" -- "\$4" \
		    "PATH='$T/there':\\\$PATH \$5"
	END
	chmod 755 "$T/there/systemctl" "$T/here/ssh"
	PATH=$T/here:$PATH
	sed 's/^n1 .*/& ssh=peer/; s/^n2 .*/& ssh=peer service=n2db/' \
	    "$HA_CONFIG_DIR/repl.conf" >"$T/machines.conf"
	cp "$T/machines.conf" "$HA_CONFIG_DIR/repl.conf"
	serve_n2 &
}

answer()
{
	"$@" >/dev/null 2>&1
	echo $? >"$T/service/answering"
	mv "$T/service/answering" "$T/service/answer"
}

start_n2()
{
	[ ! -e "$T/service/broken" ] || return 1
	sql 2 'SELECT 1' || db 2 start
}

serve_n2()
{
	while kill -0 "$$" 2>/dev/null && [ -d "$T/service" ]; do
		[ -e "$T/service/asked" ] || {
			sleep 0.05
			continue
		}
		asked=$(cat "$T/service/asked")
		rm "$T/service/asked"
		case $asked in
		is-active) answer sql 2 'SELECT 1' ;;
		stop) answer db 2 stop ;;
		start) answer start_n2 ;;
		esac
	done
}

copies()
{
	of 2 DIR
	ls -d "$of_db"/data."$1"-* 2>/dev/null
}

no_copies()
{
	[ -z "$(copies seed)" ]
}

backups()
{
	for how in "$@"; do
		fresh_two
		make_data
		sql 1 "CREATE USER app@'%' IDENTIFIED BY 'app-secret'"
		seed -n
		is "$how: backup -n: what would be run" "$status" 0
		like "$how: backup -n: in words" "$out" \
		    'ssh peer mariadb-backup .*--backup'
		is "$how: backup -n: and is not done" \
		    "$(sql 2 "SHOW DATABASES LIKE 't'")" ''
		with_writes seed
		is "$how: n2 gets a backup while n1 is written to" \
		    "$status" 0 || diag "$err"
		like "$how: backup: so it says" "$err" 'from n1 by backup'
		ok "$how: backup: what n1 has n2 has" same_data
		ok "$how: backup: it replicates" replicates 2
		ok "$how: backup: nothing was written by itself" no_own_events
		is "$how: backup: n1's account came with it" \
		    "$(sql 2 "SELECT COUNT(*) FROM mysql.user
			WHERE user = 'app'")" 1
		is "$how: backup: n1's events are left to n1" \
		    "$(sql 2 "SELECT COUNT(*) FROM information_schema.events
			WHERE status = 'ENABLED'")" 0
		is "$how: backup: what n2 had is kept" \
		    "$(copies before | wc -l)" 1
		of 2 DIR
		like "$how: backup: and named" "$err" "$of_db/data.before-"
		rm -rf "$of_db"/data.before-*
		ok "$how: backup: nothing else is beside it" no_copies
		ok "$how: backup: no journal is left" no_journal
		insert 1 3
		ok "$how: backup: what comes later arrives" in_step 1 2
		sql 1 'DROP USER app'
	done
}

with_nodes()
{
	sed "$1" "$T/machines.conf" >"$HA_CONFIG_DIR/repl.conf"
}

backup_refusals()
{
	how=$1
	fresh_two
	make_data
	with_nodes 's/service=n2db/service=other/'
	seed --method backup
	is "$how: backup: another service" "$status" 69
	like "$how: backup: says so" "$err" 'other.* not active'
	with_nodes 's/ service=n2db//'
	seed --method backup
	is "$how: backup: no service" "$status" 78
	like "$how: backup: says so" "$err" 'no service='
	with_nodes '/^n1/s/ssh=peer/ssh=-oProxyCommand=x/'
	seed --method backup
	is "$how: backup: no host, but an option" "$status" 78
	with_nodes '/^n1/s/ssh=peer/ssh=nobody.invalid/'
	seed --method backup
	is "$how: backup: a machine that is not there" "$status" 69
	like "$how: backup: named" "$err" 'n1: .*nobody.invalid'
	seed -v
	is "$how: backup: so it is dumped" "$status" 0
	like "$how: backup: and said why" "$err" 'not by backup: n1: '
	with_nodes ''
	drop_all
	sql 2 'SET GLOBAL event_scheduler = ON'
	seed --method backup
	is "$how: backup: events that would run at once" "$status" 78
	like "$how: backup: says so" "$err" 'event_scheduler'
	sql 2 'SET GLOBAL event_scheduler = OFF'
}

# n2 is empty, serves, and nothing is left.
untouched()
{
	no_journal && no_copies && sql_is '' 2 "SHOW DATABASES LIKE 't'"
}

backup_breaks()
{
	how=$1
	fresh_two
	make_data
	for end in 'exit 3' 'exit 0'; do
		cat >"$T/there/mariadb-backup" <<-END
			#!/bin/sh
			echo "\$@" >'$T/argv'
			/usr/bin/mariadb-backup "\$@" | head -c 1000000
			echo 'it broke' >&2
			$end
		END
		chmod 755 "$T/there/mariadb-backup"
		seed
		is "$how: backup: cut off, $end" "$status" 69
		like "$how: backup: $end: in words" "$err" 'n1: .*(broke|has not)'
		ok "$how: backup: $end: n2 is untouched" untouched
	done
	rm "$T/there/mariadb-backup"
	unlike "$how: backup: no password is in a command line" \
	    "$(cat "$T/argv")" secret

	printf '%s\n' '#!/bin/sh' 'head -c 100000 >/dev/null' \
	    'echo "mbstream: no space" >&2' 'exit 1' >"$T/there/mbstream"
	chmod 755 "$T/there/mbstream"
	seed
	is "$how: backup: the copy fails" "$status" 69
	like "$how: backup: named" "$err" 'n2: mbstream: no space'
	ok "$how: backup: n2 is untouched then" untouched
	rm "$T/there/mbstream"

	: >"$T/service/broken"
	seed
	is "$how: backup: the service does not start" "$status" 70
	like "$how: backup: says what to do" "$err" 'recover n2.*--back'
	rm "$T/service/broken"
	run ha-repl recover --back n2
	is "$how: backup: going back" "$status" 69
	like "$how: backup: and so it says" "$err" 'n2 has its old data'
	ok "$how: backup: n2 is as it was" untouched

	: >"$T/service/broken"
	seed
	rm "$T/service/broken"
	run ha-repl recover n2 -T "$waiting"
	is "$how: backup: going on" "$status" 0 || diag "$err"
	ok "$how: backup: it is whole then" same_data
}

backup_kills()
{
	how=$1
	kills "$2"
}
