#!/bin/bash
# faults: the scripts of tests/faults and the words they are written in; as TAP.
# A script that no test plays proves nothing, and a word that doc/faults.md lacks
# is nobody's.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 2

# Names of scripts without a row ("NAME|…"), and without a file ("NAME.faults", which
# may be broken after a "\") in a test.
unplayed() {
	local script name
	for script in tests/faults/*.faults; do
		name=${script##*/}
		grep -qE "^[[:blank:]]*${name%.faults}\|" tests/flow/*.bats ||
			grep -qF "$name" tests/flow/*.bats || echo "$name"
	done
}

# Words of the grammar as its readers take them.
words() {
	sed -n 's/.*nm_words_take(r, "\([^"]*\)").*/\1/p' \
		src/server/script_*.c
	sed -n 's/^	*{ "\([a-z_]*\)", \(NULL\|"[a-z0-9]*"\), NM_ROW_.*/\1/p
		s/^	*{ "\([a-z_]*\)", NM_BATCH_.*/\1/p' src/server/script_read.c
}

unsaid() {
	local word
	for word in $(words | sort -u); do
		# In a piece of code, or in an indented block of it.
		# shellcheck disable=SC2016 # back quotes are Markdown's
		grep -qE '(`[^`]*\b'"$word"'\b[^`]*`|^    .*\b'"$word"'\b)' \
			doc/faults.md || echo "$word"
	done
}

check() { # number name breaches
	if [ -z "$3" ]; then
		echo "ok $1 - $2"
	else
		echo "not ok $1 - $2"
		printf '# %s\n' "${3//$'\n'/$'\n# '}"
	fi
}

echo 1..3
check 1 "every script is played" "$(unplayed)"
check 2 "every word is in doc/faults.md" "$(unsaid)"
check 3 "there are words and scripts to look at" "$(
	[ "$(words | wc -l)" -gt 60 ] || echo "too few words are found"
	[ "$(find tests/faults -name '*.faults' | wc -l)" -gt 50 ] || echo "too few scripts"
)"
