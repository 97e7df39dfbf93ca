# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables of tap.sh, the scripts
#
# grants.sh - the accounts of ha-repl(1), GRANTS, as they stand there; after
# tap.sh and repl.sh.
#
#	manual_grants USER FLAVOUR	the statements for that account, its
#			password being manual-secret, from any host
#	manual_login I USER	makes it on I, and not on its replicas: its
#			my.cnf is $manual_cnf

# The manual has each account for MariaDB first, then for MySQL, and one for old
# ones too; a block or a paragraph each.
manual_grants()
{
	case $2.$1 in
	mariadb.*) manual_nth=1 ;;
	mysql56.ha_admin) manual_nth=3 ;;
	*) manual_nth=2 ;;
	esac
	awk -v user="'$1'" -v nth="$manual_nth" '
		/^\.Sh/ { in_section = /GRANTS/ }
		!in_section { next }
		/^\.Bd/ { in_block = 1; text = ""; next }
		/^\.Ed/ || !NF { finish(); in_block = !/^\.Ed/; next }
		in_block { text = text $0 "\n" }
		function finish()
		{
			if (index(text, user) && ++count == nth)
				printf "%s", text
			text = ""
		}' "$TOP/man/ha-repl.1" |
	    sed "s/'\.\.\.'/'manual-secret'/; s/'localhost'/'%'/"
}

manual_login()
{
	of "$1" FLAVOUR
	sql "$1" "SET SESSION sql_log_bin = 0;
	    $(manual_grants "$2" "$of_db")" || return 1
	manual_cnf=$T/$2.$1.cnf
	printf '[client]\nuser=%s\npassword=manual-secret\n' "$2" \
	    >"$manual_cnf"
	chmod 600 "$manual_cnf"
}
