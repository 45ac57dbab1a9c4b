#!/bin/bash
# shell: the scripts are clean by shellcheck, where it is installed; as TAP.
# In bats each test is a subshell of its own, and names come from a loaded file.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

scripts=$(find script .ci tests -type d -name node_modules -prune -o -type f \
	\( -path 'script/*' -o -path '.ci/*' -o -name '*.sh' \) -print)
stories=$(find tests -name '*.bats')

check() { # number name option...
	local number=$1 name=$2 said
	shift 2
	if ! command -v shellcheck >/dev/null; then
		echo "ok $number - $name # SKIP no shellcheck"
	elif said=$(shellcheck -f gcc -S warning "$@"); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		printf '# %s\n' "${said//$'\n'/$'\n# '}"
	fi
}

echo 1..2
# shellcheck disable=SC2086 # names without blanks
{
	check 1 "scripts" $scripts
	check 2 "stories in bats" -e SC2030,SC2031,SC2034,SC2153,SC2154,SC2155 $stories
}
