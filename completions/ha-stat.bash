# shellcheck shell=bash
# ha-stat in bash; written by completions/generate
_ha_stat()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	-f | --checks)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-w | --warning)
		return
		;;
	-c | --critical)
		return
		;;
	-i | --interval)
		return
		;;
	-t | --timeout)
		return
		;;
	-T | --total)
		return
		;;
	-F | --format)
		mapfile -t COMPREPLY < <(compgen -W 'tsv json nagios prom table' -- "$cur")
		return
		;;
	-o | --output)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			-f --checks
			-w --warning
			-c --critical
			-i --interval
			-t --timeout
			-T --total
			-F --format
			-o --output
			-q --quiet
			--accept
			--list
			-v --verbose
			-h --help
			-V --version
		'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W 'load cpu mem swap disk: inode: io net uptime clock units proc: cgroup: file: dir: mount: exit:' -- "$cur")
		case ${COMPREPLY[0]-} in
		*[:/]) compopt +o filenames -o nospace ;;
		esac
		;;
	esac
	case $cur in
	/ | /[!/]*)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	esac
}
complete -o filenames -F _ha_stat ha-stat
