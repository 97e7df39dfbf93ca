# shellcheck shell=bash
# ha-push in bash; written by completions/generate
_ha_push()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	-C | --source)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	-f | --targets)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-x | --exclude)
		return
		;;
	-X | --exclude-from)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--max-delete)
		return
		;;
	--trash)
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--trash-keep)
		return
		;;
	--peer-role-file)
		return
		;;
	--force)
		return
		;;
	--status)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--acks)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-F | --format)
		mapfile -t COMPREPLY < <(compgen -W 'tsv json prom nagios' -- "$cur")
		return
		;;
	--ssh-config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--transport)
		mapfile -t COMPREPLY < <(compgen -W 'libssh2 ssh' -- "$cur")
		return
		;;
	--rsync-path)
		return
		;;
	--chown)
		return
		;;
	--bwlimit)
		return
		;;
	-T | --give-up)
		return
		;;
	--sync)
		return
		;;
	--check)
		return
		;;
	-w | --warning)
		return
		;;
	-c | --critical)
		return
		;;
	--explain)
		return
		;;
	--release)
		return
		;;
	--reason)
		return
		;;
	esac
	case $cur in
	-*)
		local options='
			-C --source
			--all
			-0 --null
			-n --dry-run
			-f --targets
			-x --exclude
			-X --exclude-from
			--max-delete
			--trash
			--trash-keep
			--fsync
			--peer-role-file
			--force
			--status
			--acks
			-F --format
			-q --quiet
			--ssh-config
			--transport
			--rsync-path
			--chown
			--bwlimit
			--compress
			-T --give-up
			--sync
			--check
			-w --warning
			-c --critical
			--explain
			--release
			--reason
			-v --verbose
			-h --help
			-V --version
		'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -A hostname -S : -- "$cur")
		;;
	esac
}
complete -o filenames -o nospace -F _ha_push ha-push
