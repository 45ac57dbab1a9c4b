#!/bin/bash
# tour: the documents name what there is; as TAP. A file or function that the source
# lacks sends a reader astray, and a diagram is believed.
#
#   tests/rules/tour.sh        checks the documents, and shows each rule what breaks it
set -uo pipefail
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 2

documents='doc/tour.md doc/journal.md doc/README.md CONTRIBUTING.md'

# The pieces between backticks, one a line, also those that a line's end parts.
# Indented and fenced blocks are no prose.
pieces() { # file...
	awk 'FNR == 1 { fenced = 0 }
		/^```/ { fenced = !fenced; next }
		!fenced && !/^    / { text = text " " $0 }
		END { n = split(text, piece, "`")
			for (i = 2; i <= n; i += 2) print piece[i] }' "$@"
}

# The files that "name.c" or "room/name.c" may mean.
files_of() { # root name
	case $2 in
	*/*) [ ! -f "$1/src/$2" ] || echo "$1/src/$2" ;;
	*) compgen -G "$1/src/*/$2" || find "$1/tests" -name "$2" ;;
	esac
}

# What the pieces on stdin name and the tree lacks.
astray() { # root
	local piece file function found
	while IFS= read -r piece; do
		if [[ $piece =~ ^([a-z0-9_/]+\.c):\ ([a-z0-9_]+)$ ]]; then
			file=${BASH_REMATCH[1]} function=${BASH_REMATCH[2]}
			found=$(files_of "$1" "$file")
			# shellcheck disable=SC2086 # names without blanks
			[ -n "$found" ] && grep -q "^$function(" $found ||
				echo "$file has no function $function"
		elif [[ $piece =~ ^[a-z0-9_/]+\.[ch]$ ]]; then
			[ -e "$1/$piece" ] || [ -n "$(files_of "$1" "$piece")" ] ||
				echo "there is no $piece"
		elif [[ $piece == *nm_noun* ]]; then
			: # stands for any
		elif [[ $piece =~ ^(struct )?[a-z0-9]+_[a-z0-9_]+$ ]]; then
			grep -rqw "$piece" "$1/src" || echo "there is no $piece"
		elif [[ $piece =~ ^(src|tests|doc|script|data|\.ci)/[a-z0-9_./-]*$ ]]; then
			[ -e "$1/$piece" ] || echo "there is no $piece"
		fi
	done
}

# The arrows of a diagram, "from to" a line: "a ──▶ b, c ──▶ d" has a to b and c, and
# each of these to d.
drawn() { # file
	awk '/──▶/ {
		n = split($0, part, "──▶")
		for (i = 1; i < n; i++) {
			n_left = split(part[i], left, /[ ,]+/)
			n_right = split(part[i + 1], right, /[ ,]+/)
			for (l = 1; l <= n_left; l++)
				for (r = 1; r <= n_right; r++)
					if (left[l] != "" && right[r] != "")
						print left[l], right[r]
		}
	}' "$1" | sort -u
}

held() { # file
	sed -n 's/^	arrow("\([a-z]*\)", "\([a-z ]*\)")$/\1 \2/p' "$1" |
		awk '{ for (i = 2; i <= NF; i++) print $1, $i }' | sort -u
}

number=0
expect() { # name got [wanted]
	number=$((number + 1))
	if [ "$2" = "${3-}" ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		printf '# %s\n' "${2//$'\n'/$'\n# '}"
	fi
}

# shellcheck disable=SC2086 # names without blanks
expect "what the documents name is there" "$(pieces $documents | astray .)"
expect "the tour's diagram is what house.sh holds rooms to" \
	"$(diff <(drawn doc/tour.md) <(held tests/rules/house.sh))"
expect "links of the documents lead to files" "$(
	for document in $documents; do
		grep -o '](\([^)#:]*\))' "$document" | tr -d ']()' |
			while read -r link; do
				[ -e "$(dirname "$document")/$link" ] ||
					echo "$document: there is no $link"
			done
	done)"
# shellcheck disable=SC2086
expect "there is enough to look at" "$(
	[ "$(pieces $documents | grep -c '\.c: ')" -gt 60 ] ||
		echo "too few functions are found"
	[ "$(held tests/rules/house.sh | wc -l)" -gt 15 ] ||
		echo "too few arrows are found")"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/src/run" "$tree/tests" "$tree/doc"
printf 'struct nm_run {\n};\nvoid\nnm_run_open(void)\n{\n}\n' >"$tree/src/run/run.c"

shows() { # what prose expected
	expect "$1" "$(pieces - <<<"$2" | astray "$tree")" "$3"
}

# shellcheck disable=SC2016 # the backticks are prose's
{
	shows "good prose is accepted" 'as `run/run.c:
nm_run_open`, `run.c: nm_run_open` in `run/run.c` and `struct nm_run`, `src/run/`' ''
	shows "a function that is gone" '`run/run.c: nm_run_shut`' \
		'run/run.c has no function nm_run_shut'
	shows "a call is no function" '`run.c: nm_run`' 'run.c has no function nm_run'
	shows "a file that is gone" '`run/plan.c` or `plan.h`' \
		$'there is no run/plan.c\nthere is no plan.h'
	shows "a room of another name" '`task/run.c: nm_run_open`' \
		'task/run.c has no function nm_run_open'
	shows "a name alone" '`nm_run_shut`' 'there is no nm_run_shut'
	shows "a function of a file alone" '`look_at_head`' 'there is no look_at_head'
	shows "a struct alone" '`struct nm_walk`' 'there is no struct nm_walk'
	shows "a folder that is gone" '`tests/lib/`' 'there is no tests/lib/'
}
printf '%s\n' 'a ──▶ b, c ──▶ d' '      b    ──▶ e' >"$tree/drawing"
expect "a diagram is read as it is drawn" "$(drawn "$tree/drawing")" \
	$'a b\na c\nb d\nb e\nc d'
echo "1..$number"
