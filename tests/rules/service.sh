#!/bin/bash
# service: the systemd unit doc/batch_server.service, as TAP. Its command is one that
# the program takes, and systemd, where it is at hand, has nothing to say of it.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2
unit=doc/batch_server.service
program=$(realpath "${NM_BUILD:-build}/src/prog/batch_server")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() { # number name breaches
	if [ -z "$3" ]; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		printf '# %s\n' "${3//$'\n'/$'\n# '}"
	fi
}

# The words of ExecStart=, one a line, without the program.
words() {
	sed -n '/^ExecStart=/,/[^\\]$/p' "$unit" | tr -d '\134' | xargs -n 1 |
		tail -n +2
}

# What the program says of it, where systemd's two folders are ours; it would listen,
# and is stopped by the option that comes last.
taken() {
	local at
	mapfile -t at < <(words | sed "s|\${[A-Z_]*}|$folder|")
	{ "$program" "${at[@]}" --version >/dev/null; } 2>&1
}

# The same unit, with the program where it is now.
verified() {
	sed "s|^ExecStart=[^ ]*|ExecStart=$program|" "$unit" \
		>"$folder/batch_server.service"
	systemd-analyze verify --man=no "$folder/batch_server.service" 2>&1
}

echo 1..3
check 1 "the program takes the unit's options" "$(taken)"
check 2 "there are options to look at" "$(
	[ "$(words | grep -c '^--')" -gt 5 ] || echo "too few words are found")"
if command -v systemd-analyze >/dev/null; then
	check 3 "systemd takes the unit" "$(verified)"
else
	echo "ok 3 - systemd takes the unit # SKIP systemd-analyze is missing"
fi
