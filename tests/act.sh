# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034,SC2154 # variables are for the scripts
#
# act.sh - what the tests of ha-act share; read in after tap.sh.

HERE=$(hostname)
MADE=$T/made
R=$T/record

# EVENT CHECK [STATE [HOST]]
record()
{
	printf '%s\t20261123T0050Z-0123456789abcdef\t%s\tOK\t%s\tweb1\t%s\t%s\t%s\t1.0\thttp://x\tdown\t-\n' \
	    "$1" 2026-11-23T00:50:01.250Z 2026-11-23T00:55:00.000Z \
	    "${4--}" "$2" "${3:-CRIT}"
}

# The records on stdin, to ha-act; the command is to make a line in $MADE.
act()
{
	run ha-act "$@" <"$R"
}

problem()
{
	record problem "${1:-nginx}" >"$R"
}

# EVENT STATE OLDSTATE HOST CHECK of the outcomes.
outcomes()
{
	printf '%s\n' "$out" | awk -F '\t' '$8 ~ /^act:/ {
		print $1, $9, $4, $7, $8 }'
}

# MSG of the last one.
message()
{
	printf '%s\n' "$out" | awk -F '\t' '$8 ~ /^act:/ { msg = $12 }
		END { print msg }'
}

forget()
{
	rm -rf "$HA_STATE_DIR/act" "$MADE"
}

made()
{
	if [ -e "$MADE" ]; then
		grep -c . "$MADE"
	else
		echo 0
	fi
}

# Not one that nobody has waited for.
gone()
{
	! grep -qs '^State:	[^ZX]' "/proc/$1/status"
}

lines()
{
	[ "$(grep -cs . "$1")" -ge "$2" ] 2>/dev/null
}

# What a command does that shall be counted.
cat >"$T/make" <<END
#!/bin/sh
echo "\$HA_CHECK" >>"$MADE"
END
# The same, and it takes until there is $T/go.
cat >"$T/wait" <<END
#!/bin/sh
echo "\$HA_CHECK" >>"$MADE"
until [ -e "$T/go" ]; do sleep 0.02; done
END
chmod +x "$T/make" "$T/wait"
