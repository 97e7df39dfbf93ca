# shellcheck shell=bash
# ha-repl in bash; written by completions/generate
_ha_repl_nodes()
{
	sed -n 's/^[ \t]*\([A-Za-z0-9_.-]*\)[ \t].*/\1/p' \
	    "${HA_CONFIG_DIR:-/etc/ha}/repl.conf" 2>/dev/null | grep -vx topology
}
_ha_repl()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	-f | --nodes)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--defaults-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--insecure)
		return
		;;
	--heartbeat-table)
		return
		;;
	-t | --timeout)
		return
		;;
	-T | --total)
		return
		;;
	-w | --warning)
		return
		;;
	-c | --critical)
		return
		;;
	--topology)
		mapfile -t COMPREPLY < <(compgen -W 'oneway dual cascade ring' -- "$cur")
		return
		;;
	-F | --format)
		mapfile -t COMPREPLY < <(compgen -W 'tsv json nagios prom table dot' -- "$cur")
		return
		;;
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-i | --interval)
		return
		;;
	--source)
		mapfile -t COMPREPLY < <(compgen -W "$(_ha_repl_nodes)" -- "$cur")
		return
		;;
	--from)
		mapfile -t COMPREPLY < <(compgen -W "$(_ha_repl_nodes)" -- "$cur")
		return
		;;
	--channel)
		return
		;;
	--gtid)
		mapfile -t COMPREPLY < <(compgen -W 'auto slave_pos current_pos no' -- "$cur")
		return
		;;
	--pos)
		return
		;;
	--assume-equal)
		return
		;;
	--lock-wait)
		return
		;;
	--credentials)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--old-credentials)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--ssl-ca)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--ssl-cert)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--ssl-key)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--ignore-server-ids)
		return
		;;
	--method)
		mapfile -t COMPREPLY < <(compgen -W 'auto clone backup dump' -- "$cur")
		return
		;;
	--force)
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			-f --nodes
			--defaults-file
			--insecure
			--heartbeat-table
			-t --timeout
			-T --total
			-w --warning
			-c --critical
			--topology
			-F --format
			-o --output
			-q --quiet
			--once
			-i --interval
			--create
			--source
			--from
			--channel
			--gtid
			--pos
			--assume-equal
			--lock-wait
			--credentials
			--old-credentials
			--ssl-ca
			--ssl-cert
			--ssl-key
			--no-tls
			--ignore-server-ids
			--empty
			--back
			--forward
			--method
			--force
			-n --dry-run
			-v --verbose
			-h --help
			-V --version
		'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		;;
	*)
		local words='check lint show topology heartbeat point recover seed'
		[ "$COMP_CWORD" -eq 1 ] || words="$words $(_ha_repl_nodes)"
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
		;;
	esac
}
complete -o filenames -F _ha_repl ha-repl
