#!/bin/bash
# options: --help, the manual and the completions of each program agree, as TAP.
#
#   tests/rules/options.sh            wants NM_BUILD, a build folder (build/)
#   tests/rules/options.sh --update   writes the manuals' lists of options anew
#
# The lists come from one table; this reads them as a person does, apart.
set -uo pipefail
shopt -s lastpipe # check counts, at the end of a pipe
cd "$(dirname "$0")/../.." || exit
build=${NM_BUILD:-build}
export LC_ALL=C.UTF-8

n=0
failed=0
check() { # name; what is wrong on stdin, nothing when all is well
	local wrong
	wrong=$(cat)
	n=$((n + 1))
	if [ -z "$wrong" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$wrong" | head -40 | sed 's/^/# /'
		failed=1
	fi
}

skip() { # name why
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# The part of a manual under a heading.
section() { # manual heading
	awk -v heading=".Sh $2" '
		/^\.Sh / { inside = $0 == heading; next }
		inside' "$1"
}

# "name argument" a line, out of mdoc: .It Fl p , Fl \-port Ar N
man_options() { # manual
	section "$1" OPTIONS | sed -nE '/^\.It Fl /{
		s/.*Fl \\-//
		s/\\-/-/g
		s/ Op Ar ([^ ]+) …/ [\1…]/
		s/ Op Ar ([^ ]+)/ [\1]/
		s/ Ar ([^ ]+) …/ \1…/
		s/ Ar / /
		s/ \| Cm /|/g
		s/ Cm / /
		p
	}' | sort
}

# The same out of --help: "  -p, --port N    text". A program's --help is at the
# width of 80 when it is piped.
help_options() { # program
	"$build/src/prog/$1" --help | sed -nE '
		s/^  (-., )?--([a-z-]+ ?(\[?[^ ]+\]?)?)(  .*)?$/\2/p' |
		sed 's/ *$//' | sort
}

# Defaults, "name default", of the manual and of --help.
man_defaults() { # manual
	section "$1" OPTIONS | sed 's/\\-/-/g; s/\\&//g; s/\\e/\\/g' | awk '
		/^\.It Fl / { sub(/.*Fl -/, ""); name = $1; next }
		match($0, /default [^)]*\)\.$/) {
			print name, substr($0, RSTART, RLENGTH - 2)
		}' | sort
}

help_defaults() { # program
	"$build/src/prog/$1" --help | awk '
		function tell() {
			if (match(text, /default [^)]*\)$/))
				print name, substr(text, RSTART, RLENGTH - 1)
			text = ""
		}
		/^[A-Z].*:$/ || /^$/ { tell(); next }
		/^  (-., )?--/ {
			tell()
			name = $1 ~ /,$/ ? $2 : $1
			sub(/^--/, "", name)
		}
		{ sub(/^ +/, ""); text = text " " $0 }
		END { tell() }' | sort
}

# The options that a completion script offers.
bash_names() { # program
	# shellcheck disable=SC2016 # for the inner shell
	"$build/src/prog/$1" --print-completion bash | bash -c '
		source /dev/stdin
		COMP_WORDS=("$1" --) COMP_CWORD=1
		"_$1"
		printf "%s\n" "${COMPREPLY[@]}"' - "$1" | sed 's/^--//' | sort
}

zsh_names() { # program
	"$build/src/prog/$1" --print-completion zsh |
		sed -nE "s/^\t'\*?--([a-z-]+)=?\[.*/\1/p" | sort
}

fish_names() { # program
	"$build/src/prog/$1" --print-completion fish |
		sed -nE 's/.* -l ([a-z-]+).*/\1/p' | sort
}

# Terms of a list in --help ("Exit status") and in the manual (".It 0").
help_terms() { # program heading
	"$build/src/prog/$1" --help | awk -v heading="$2:" '
		/^[A-Z].*:$/ { inside = $0 == heading; next }
		inside && match($0, /^  [^ ]/) {
			line = substr($0, 3)
			sub(/  .*/, "", line)
			print line
		}' | sort
}

man_terms() { # manual heading
	section "$1" "$2" | sed -nE 's/\\-/-/g
		s/^\.It (Ev |Pa )?(.*)/\2/p' | sed 's/ , Ev /, /g; s/\\&//g' | sort
}

# Lines that only one of two lists has.
differences() { # a b names
	diff <(printf '%s\n' "$1") <(printf '%s\n' "$2") | sed -n 's/^< /only '"$3"': /p
		s/^> /only '"$4"': /p'
}

update() { # manual program
	local list
	list=$(mktemp)
	"$build/src/prog/$2" --print-man >"$list" || return
	awk -v list="$list" '
		/^\.Sh / { inside = 0 }
		!inside
		/^\.Sh OPTIONS$/ {
			inside = 1
			while ((getline line <list) > 0)
				print line
		}' "$1" >"$list.new" && cat "$list.new" >"$1"
	rm -f "$list" "$list.new"
}

check_program() { # program
	local program=$1 manual=doc/man/$1.1 names heading
	if [ ! -e "$manual" ]; then
		echo "no $manual" | check "$program has a manual"
		return
	fi
	for heading in NAME SYNOPSIS DESCRIPTION OPTIONS ENVIRONMENT \
		FILES 'EXIT STATUS' EXAMPLES LIMITS; do
		grep -qx "\.Sh $heading" "$manual" || echo "no $heading"
	done | check "$program: the manual has its sections"
	diff <("$build/src/prog/$program" --print-man) \
		<(section "$manual" OPTIONS) |
		sed '$a tests/rules/options.sh --update mends it' |
		check "$program: the manual's list is the table's"
	names=$(man_options "$manual")
	differences "$names" "$(help_options "$program")" 'in the manual' \
		'in --help' | check "$program: names and arguments"
	differences "$(man_defaults "$manual")" \
		"$(help_defaults "$program")" 'in the manual' 'in --help' |
		check "$program: defaults"
	names=$(cut -d' ' -f1 <<<"$names")
	differences "$names" "$(bash_names "$program")" 'in the manual' \
		'in bash' | check "$program: completed by bash"
	differences "$names" "$(zsh_names "$program")" 'in the manual' \
		'in zsh' | check "$program: completed by zsh"
	differences "$names" "$(fish_names "$program")" 'in the manual' \
		'in fish' | check "$program: completed by fish"
	differences "$(man_terms "$manual" 'EXIT STATUS')" \
		"$(help_terms "$program" 'Exit status')" 'in the manual' \
		'in --help' | check "$program: exit statuses"
	differences "$(man_terms "$manual" ENVIRONMENT)" \
		"$(help_terms "$program" Environment)" 'in the manual' \
		'in --help' | check "$program: environment"
	if command -v mandoc >/dev/null; then
		mandoc -T lint -W warning "$manual" |
			check "$program: the manual is sound"
	else
		skip "$program: the manual is sound" "no mandoc"
	fi
}

programs=
for file in "$build"/src/prog/*; do
	[ ! -f "$file" ] || [ ! -x "$file" ] || programs+=" ${file##*/}"
done
if [ "${1:-}" = --update ]; then
	for program in $programs; do
		[ ! -e "doc/man/$program.1" ] ||
			update "doc/man/$program.1" "$program"
	done
	exit
fi
[ -n "$programs" ] || echo "no programs in $build/src/prog" |
	check "there are programs"
for program in $programs; do
	check_program "$program"
done
echo "1..$n"
exit $failed
