# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # $dir is the starter's
#
# certs.sh - a private CA and certificates for the starters, in $dir.
#
#	make_ca				ca.crt, and key, which all have
#	certify FILE NAMES [FROM] TO	$dir/FILE from the CA for NAMES, as
#					DNS:web.test,IP:127.0.0.1; the times are
#					what date -d takes (FROM: yesterday)
#	issuer=FILE certify ...		from another CA
#	usage=EXTENSIONS certify ...	and more lines of extensions

make_ca()
{
	cat >"$dir/ca.conf" <<-END
		[ca]
		default_ca = private
		[private]
		database = $dir/ca.index
		new_certs_dir = $dir/tmp
		rand_serial = yes
		default_md = sha256
		policy = any
		unique_subject = no
		email_in_dn = no
		[any]
		commonName = supplied
		[req]
		distinguished_name = name
		[name]
		[root]
		subjectKeyIdentifier = hash
		basicConstraints = critical,CA:TRUE
		keyUsage = critical,keyCertSign,cRLSign
	END
	: >"$dir/ca.index"
	{
		openssl ecparam -name prime256v1 -genkey -noout \
		    -out "$dir/key" &&
		    openssl req -new -x509 -days 3650 -key "$dir/key" \
		        -config "$dir/ca.conf" -extensions root \
		        -subj '/CN=ha-utils test CA' -out "$dir/ca.crt" &&
		    openssl req -new -key "$dir/key" -config "$dir/ca.conf" \
		        -subj '/CN=any' -out "$dir/any.csr"
	} 2>>"$log" || die "openssl: $(tail -n 3 "$log")"
}

certify()
{
	first=${2%%,*}
	[ $# -eq 4 ] || set -- "$1" "$2" yesterday "$3"
	printf '%s\n' "subjectAltName = $2" \
	    "${usage-basicConstraints = CA:FALSE}" >"$dir/tmp/extensions"
	openssl ca -batch -notext -config "$dir/ca.conf" \
	    -cert "$dir/${issuer-ca.crt}" -keyfile "$dir/key" \
	    -in "$dir/any.csr" -subj "/CN=${first#*:}" \
	    -extfile "$dir/tmp/extensions" \
	    -startdate "$(date -u -d "$3" +%Y%m%d%H%M%SZ)" \
	    -enddate "$(date -u -d "$4" +%Y%m%d%H%M%SZ)" \
	    -out "$dir/$1" 2>>"$log" || die "openssl: $(tail -n 3 "$log")"
}
