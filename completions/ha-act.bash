# shellcheck shell=bash
# ha-act in bash; written by completions/generate
_ha_act()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	-m | --match)
		return
		;;
	--on)
		return
		;;
	--state)
		return
		;;
	-l | --limit)
		return
		;;
	--backoff)
		return
		;;
	-t | --timeout)
		return
		;;
	--grace)
		return
		;;
	--parallel)
		return
		;;
	--name)
		return
		;;
	--force)
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			-m --match
			--on
			--state
			-l --limit
			--backoff
			-t --timeout
			--grace
			--together
			--parallel
			--name
			-n --dry-run
			--force
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
complete -o filenames -F _ha_act ha-act
