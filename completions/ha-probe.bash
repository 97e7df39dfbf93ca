# shellcheck shell=bash
# ha-probe in bash; written by completions/generate
_ha_probe()
{
	local cur=${COMP_WORDS[COMP_CWORD]}
	local prev=${COMP_WORDS[COMP_CWORD - 1]}

	# --option=value comes as three words
	[ "$cur" != = ] || cur=
	[ "$prev" != = ] || prev=${COMP_WORDS[COMP_CWORD - 2]}
	COMPREPLY=()
	case $prev in
	-f | --targets)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	-T | --total)
		return
		;;
	-P | --parallel)
		return
		;;
	-t | --timeout)
		return
		;;
	-r | --retries)
		return
		;;
	-e | --expect)
		return
		;;
	-w | --warning)
		return
		;;
	-c | --critical)
		return
		;;
	--host)
		return
		;;
	-B | --source)
		return
		;;
	--resolve)
		return
		;;
	--haproxy)
		mapfile -t COMPREPLY < <(compgen -W '1 2' -- "$cur")
		return
		;;
	--send)
		return
		;;
	--defaults-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--cacert)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--cert)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--key)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--key-password-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--sni)
		return
		;;
	--tls-min)
		mapfile -t COMPREPLY < <(compgen -W '1.0 1.1 1.2 1.3' -- "$cur")
		return
		;;
	--method)
		return
		;;
	--header)
		return
		;;
	--header-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--body-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--user-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--http-host)
		return
		;;
	--proxy)
		return
		;;
	--proxy-user-file)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--http-version)
		mapfile -t COMPREPLY < <(compgen -W '1.0 1.1 2 2-prior' -- "$cur")
		return
		;;
	--redirect)
		mapfile -t COMPREPLY < <(compgen -W 'no follow same-host warn crit' -- "$cur")
		return
		;;
	--max-redirects)
		return
		;;
	--max-body)
		return
		;;
	--wait)
		return
		;;
	--wait-down)
		return
		;;
	--while)
		return
		;;
	--times)
		return
		;;
	--interval)
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
			-f --targets
			-T --total
			-P --parallel
			-n --dry-run
			-t --timeout
			-r --retries
			-e --expect
			-w --warning
			-c --critical
			--host
			-4 --ipv4
			-6 --ipv6
			-B --source
			--resolve
			--each-address
			--haproxy
			--send
			--defaults-file
			--cacert
			--cert
			--key
			--key-password-file
			--sni
			--tls-min
			--insecure
			--method
			--header
			--header-file
			--body-file
			--user-file
			--http-host
			--proxy
			--proxy-user-file
			--http-version
			--redirect
			--max-redirects
			--max-body
			--wait
			--wait-down
			--while
			--times
			--interval
			-F --format
			-o --output
			-q --quiet
			--diagnose
			-v --verbose
			-h --help
			-V --version
		'
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W 'tcp:// udp:// unix:/// icmp:// tls:// http:// https:// smtp:// smtps:// imap:// imaps:// pop3:// pop3s:// ftp:// ftps:// ssh:// mysql:// redis:// memcached:// dns:// ntp://' -- "$cur")
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
complete -o filenames -F _ha_probe ha-probe
