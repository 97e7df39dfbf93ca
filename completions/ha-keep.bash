# shellcheck shell=bash
# ha-keep in bash; written by completions/generate
_ha_keep()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	--name)
		return
		;;
	-l | --limit)
		return
		;;
	--backoff)
		return
		;;
	--backoff-max)
		return
		;;
	--healthy)
		return
		;;
	--stop-signal)
		return
		;;
	--grace)
		return
		;;
	--done)
		return
		;;
	-o | --records)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-T | --total)
		return
		;;
	-F | --format)
		mapfile -t COMPREPLY < <(compgen -W 'tsv json nagios prom table' -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			--name
			-l --limit
			--backoff
			--backoff-max
			--healthy
			--stop-signal
			--grace
			--done
			-o --records
			--status
			--stop
			--restart
			-T --total
			-F --format
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
complete -o filenames -F _ha_keep ha-keep
