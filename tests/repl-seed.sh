# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # variables of repl.sh, tap.sh
#
# repl-seed.sh - what the tests of ha-repl seed share: n2 is filled from n1.
#
#	seeds		in $how ("gtid" or "pos"), while n1 is written to
#	refusals	what is not filled
#	breaks		what ends in the middle, and how it goes on
. "$TESTS/repl-point.sh"

seed()
{
	case $how in
	pos) set -- --gtid no "$@" ;;
	esac
	run ha-repl seed n2 --from n1 -T "$waiting" \
	    --credentials "$HA_DB_REPL_CNF" "$@"
}

# Of every kind, with words that are not easy.
make_data()
{
	make_table 1
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

seeds()
{
	fresh_two
	make_data
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
	insert 1 3
	ok "$how: what comes later arrives" in_step 1 2
}
