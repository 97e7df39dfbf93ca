# shellcheck shell=bash
# ha-alert in bash; written by completions/generate
_ha_alert()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	-s | --subject)
		return
		;;
	--check)
		return
		;;
	--state)
		mapfile -t COMPREPLY < <(compgen -W 'OK WARN CRIT UNKNOWN' -- "$cur")
		return
		;;
	--host)
		return
		;;
	--monit)
		mapfile -t COMPREPLY < <(compgen -W 'problem recover' -- "$cur")
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
	-F | --format)
		mapfile -t COMPREPLY < <(compgen -W 'tsv json nagios prom table' -- "$cur")
		return
		;;
	--drop)
		return
		;;
	--reason)
		return
		;;
	--template)
		return
		;;
	--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			-s --subject
			--check
			--state
			--host
			--monit
			--nagios
			--inline
			--flush
			-T --total
			--queue
			-w --warning
			-c --critical
			--list
			-F --format
			--retry
			--drop
			--reason
			--test
			--ping
			--render
			--template
			--check-config
			--config
			-n --dry-run
			-q --quiet
			-v --verbose
			-h --help
			-V --version
		'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		;;
	*)
		:
		;;
	esac
}
complete -o filenames -F _ha_alert ha-alert
