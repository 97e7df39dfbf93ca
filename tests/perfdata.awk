# SPDX-License-Identifier: ISC
#
# perfdata.awk - print what is wrong with the performance data of a plugin's
# line: 'label'=value[UOM];[warn];[crit];[min];[max], as the Monitoring Plugins
# Development Guidelines have it.

function take(ere)
{
	if (!match(rest, "^(" ere ")"))
		return 0
	rest = substr(rest, RLENGTH + 1)
	return 1
}

function item()
{
	# A single quote in a label is doubled.
	if (!take("'([^'=]|'')+'=|[^ '=]+="))
		return "label"
	if (!take("U|" number "(us|ms|s|%|B|KB|MB|TB|c)?"))
		return "value"
	if (take(";") && !take(range))
		return "warn"
	if (take(";") && !take(range))
		return "crit"
	if (take(";") && !take("(" number ")?"))
		return "min"
	if (take(";") && !take("(" number ")?"))
		return "max"
	return ""
}

BEGIN {
	number = "-?[0-9]+(\\.[0-9]+)?"
	range = "@?((" number "|~):(" number ")?|:?" number ")?"
}

NR > 1 { print "more than one line" }

{
	bar = index($0, "|")
	rest = bar ? substr($0, bar + 1) : ""
	if (bar && rest == "")
		print "a bar, and nothing behind it"
	while (rest != "") {
		at = rest
		wrong = item()
		if (wrong == "" && rest != "" && !take(" +"))
			wrong = "end"
		if (wrong != "") {
			print wrong ": " at
			next
		}
	}
}
