# shellcheck shell=bash
# ha-gate in bash; written by completions/generate
_ha_gate()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	--down)
		return
		;;
	--down-warn)
		return
		;;
	--down-crit)
		return
		;;
	--up)
		return
		;;
	-R | --remind)
		return
		;;
	--flap)
		return
		;;
	--stale)
		return
		;;
	-f | --rules)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-t | --timeout)
		return
		;;
	-T | --total)
		return
		;;
	-F | --format)
		mapfile -t COMPREPLY < <(compgen -W 'tsv json table' -- "$cur")
		return
		;;
	--maint)
		return
		;;
	--reason)
		return
		;;
	--history)
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			--down
			--down-warn
			--down-crit
			--up
			-R --remind
			--flap
			--stale
			-f --rules
			-t --timeout
			-T --total
			-F --format
			-n --dry-run
			--maint
			--ack
			--reason
			--show
			--history
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
complete -o filenames -F _ha_gate ha-gate
