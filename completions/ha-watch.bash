# shellcheck shell=bash
# ha-watch in bash; written by completions/generate
_ha_watch()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	-x | --exclude)
		return
		;;
	-X | --exclude-from)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--settle)
		return
		;;
	--quiet-time)
		return
		;;
	--rescan)
		return
		;;
	--heartbeat)
		return
		;;
	--explain)
		return
		;;
	-F | --format)
		mapfile -t COMPREPLY < <(compgen -W 'tsv json' -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			-x --exclude
			-X --exclude-from
			--settle
			--quiet-time
			--rescan
			--heartbeat
			--explain
			-0 --null
			-F --format
			-v --verbose
			-h --help
			-V --version
		'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		;;
	esac
}
complete -o filenames -F _ha_watch ha-watch
