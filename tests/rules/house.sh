#!/bin/bash
# house: the rules of the house that a machine can check, as TAP.
#
#   tests/rules/house.sh [ROOT]        checks a source tree; one case a rule
#   tests/rules/house.sh --self-test   shows each rule a tree that breaks it
#
# A breach is told as "file:line: reason". Bash and any awk; no network, no git.
# Rules of another kind are other scripts in this folder that print TAP.
set -euo pipefail
export LC_ALL=C

rules='
arrows     a room includes only rooms to its right
libraries  a library is included by its own room alone
names      a file names a noun and a room
nouns      base has nine nouns
files      a file ends at 600 lines
functions  a function ends at 60 lines
twice      no two rooms have a function of one name
typedefs   structs have no second name
booleans   headers take enums, not bools
banned     no function that loses a length or a reason
printing   the library never prints
unfinished nothing is left for later
heads      every header says what it is, and is guarded
tabs       code is indented by tabs and 90 columns wide at most
locks      lock files name no host
'

# One pass over all files. Prints "rule file:line: reason".
breaches() { # root
	(cd "$1" && find . -type d \
		\( -name .git -o -path './build*' -o -name .deps -o -name results \
		-o -name node_modules -o -path './subprojects/yyjson-*' \
		-o -path ./data -o -path ./tests/data -o -path '*/corpus' \) \
		-prune -o -type f ! -path './tests/rules/house.sh' \
		\( -name '*.[ch]' -o -name '*.md' -o -name '*.sh' \
		-o -name '*.bats' -o -name '*.bash' -o -name '*.build' \
		-o -name '*.mjs' -o -name '*.json' -o -name '*.[1-8]' \
		-o -name '*.pml' -o -path './script/*' -o -path './.ci/*' \) \
		-print | sed 's|^\./||' | sort |
		xargs awk "$(house_awk)")
}

house_awk() {
	cat <<'AWK'
BEGIN {
	# Who may include whom; whoever is further right too, through it.
	arrow("prog", "task cli server")
	arrow("task", "cli report run server")
	arrow("cli", "base")
	arrow("report", "eval")
	arrow("run", "eval remote state")
	arrow("eval", "wire")
	arrow("remote", "net wire")
	arrow("state", "base")
	arrow("server", "wire net")
	arrow("wire", "base")
	arrow("net", "base")
	arrow("base", "")

	# Libraries, by the beginning of the header's name: a room, or a file.
	library("curl/", "src/net/")
	library("sqlite3", "src/state/ src/server/")
	library("yyjson", "src/wire/")
	library("microhttpd", "src/server/")
	library("argp", "src/cli/")
	library("libsmartcols", "src/cli/")
	library("uni", "src/eval/ src/cli/")
	library("openssl/", "src/base/digest.c")

	word = "(^|[^A-Za-z0-9_])"
	banned = word "(strcpy|strcat|strncpy|strncat|sprintf|vsprintf|strtok|" \
		"gets|atoi|atol|atoll|atof|alloca|mktemp|tmpnam)[ \t]*\\("
	prints = word "(printf|vprintf|puts|putchar|perror)[ \t]*\\(|" \
		word "(fprintf|fputs|fputc|putc|fwrite|vfprintf)[ \t]*" \
		"\\(.*(stdout|stderr)"
	unfinished = word "(T[O]DO|F[I]XME|X[X]X|H[A]CK)($|[^A-Za-z0-9_])|" \
		"not[ ]implemented|place[h]older($|[^=])"
}

function arrow(from, to,    list, i, n) {
	known[from] = 1
	n = split(to, list, " ")
	for (i = 1; i <= n; i++)
		direct[from, list[i]] = 1
}

function reaches(from, to,    middle) {
	if (from == to || (from, to) in direct)
		return 1
	for (middle in known)
		if ((from, middle) in direct && reaches(middle, to))
			return 1
	return 0
}

function library(header, homes) {
	home_of[header] = homes
}

function breach(rule, line, reason) {
	print rule " " FILENAME ":" line ": " reason
}

FNR == 1 {
	end_file()
	begin_file()
}

{
	last_line = FNR
	if ($0 ~ unfinished)
		breach("unfinished", FNR, "a word for work left undone")
}

is_lock && /"resolved"/ {
	breach("locks", FNR, "a package's address; leave it to the registry set")
}

is_c {
	code = stripped($0)
	check_head()
	if ($0 ~ /^[ \t]*#[ \t]*include/)
		check_include()
	else if (code ~ /[^ \t]/)
		check_code()
	if (in_src && !is_header && match($0, /^nm_[a-z0-9_]+\(/))
		check_definition(substr($0, 1, RLENGTH - 1))
	check_blanks()
	track_function()
}

END {
	end_file()
	check_nouns()
	if (long_files != "")
		print "# beyond the aim of 300 lines:" long_files
}

function begin_file(    parts, n) {
	file = FILENAME
	is_c = file ~ /\.[ch]$/
	is_header = file ~ /\.h$/
	is_lock = file ~ /package-lock\.json$/
	in_src = file ~ /^src\//
	n = split(file, parts, "/")
	room = in_src && n > 2 ? parts[2] : ""
	name = parts[n]
	in_comment = depth = parens = inside = 0
	guard = ""
	if (is_c)
		check_name()
	if (is_header && room == "base" && name != "ban.h")
		noun[++n_nouns] = file
}

# Ends the file before this one: mawk and others lack ENDFILE.
function end_file() {
	if (is_c && last_line > 600)
		print "files " file ":" last_line ": " last_line \
			" lines; 600 is the end, 300 the aim"
	else if (is_c && in_src && last_line > 300)
		long_files = long_files " " name ":" last_line
	if (is_header && guard == "")
		print "heads " file ":1: no guard (#ifndef NM_…_H)"
}

function check_name() {
	if (tolower(name) ~ /(^|_)(util|utils|common|misc|helper|helpers)[_.]/)
		breach("names", 1, "such a name says nothing; name the noun")
	if (in_src && !(room in known))
		breach("names", 1, "not in a room of the house")
}

function check_nouns(    i) {
	for (i = 10; i <= n_nouns; i++)
		print "nouns " noun[i] ":1: noun " i \
			" of base; a tenth needs a decision record"
}

# The line without comments and without what is inside quotes.
function stripped(line,    out, start, mark) {
	out = ""
	while (line != "") {
		if (in_comment) {
			start = index(line, "*/")
			if (!start)
				return out
			line = substr(line, start + 2)
			in_comment = 0
			continue
		}
		if (!match(line, /"|'|\/\*|\/\//))
			return out line
		mark = substr(line, RSTART, RLENGTH)
		out = out substr(line, 1, RSTART - 1)
		line = substr(line, RSTART)
		if (mark == "//")
			return out
		if (mark == "/*") {
			in_comment = 1
			line = substr(line, 3)
		} else {
			out = out mark mark
			if (!(mark == "\"" ? match(line, /^"([^"\\]|\\.)*"/) : \
			      match(line, /^'([^'\\]|\\.)*'/)))
				return out
			line = substr(line, RLENGTH + 1)
		}
	}
	return out
}

function check_head() {
	if (FNR == 1 && is_header && $0 !~ /^\/\*/)
		breach("heads", 1, "no comment at its head")
	if (is_header && $0 ~ /^#ifndef NM_[A-Z0-9_]*_H$/)
		guard = $2
}

function check_include(    target, other, header) {
	target = $0
	sub(/^[ \t]*#[ \t]*include[ \t]*[<"]/, "", target)
	sub(/[>"].*/, "", target)
	if ($0 ~ /"/) {
		if (!in_src)
			return
		other = target
		if (!sub(/\/.*/, "", other) || !(other in known))
			breach("arrows", FNR, "\"" target \
				"\" is not of the form \"room/noun.h\"")
		else if ((room in known) && !reaches(room, other))
			breach("arrows", FNR, room " must not know " other)
		return
	}
	for (header in home_of)
		if (index(target, header) == 1 && target !~ /^unistd/ &&
		    in_src && !at_home(home_of[header]))
			breach("libraries", FNR, "<" target "> belongs to " \
				home_of[header])
}

function at_home(homes,    list, i, n) {
	n = split(homes, list, " ")
	for (i = 1; i <= n; i++)
		if (index(file, list[i]) == 1)
			return 1
	return 0
}

function check_code() {
	if (code ~ banned && name != "ban.h")
		breach("banned", FNR, "loses a length or a reason; see base/ban.h")
	if (room != "" && room != "prog" && room != "cli" && code ~ prints)
		breach("printing", FNR, "only prog and cli print")
	if (in_src && code ~ /(^|[^A-Za-z0-9_])typedef[ \t]/)
		breach("typedefs", FNR, "write struct, enum or union in full")
	if (is_header && in_src)
		check_booleans()
}

# Static libraries are linked into one program, and the linker takes the first: it says
# nothing of a second one, and whoever meant that calls another's function.
function check_definition(function_name) {
	if (function_name in defined_in && defined_in[function_name] != file)
		breach("twice", FNR, function_name " is also in " \
			defined_in[function_name])
	defined_in[function_name] = file
}

# A bool inside the parentheses of a declaration, over as many lines as it has.
function check_booleans(    text, open) {
	text = code
	while (match(text, /[()]|bool/)) {
		open = substr(text, RSTART, RLENGTH)
		if (open == "(")
			parens++
		else if (open == ")")
			parens--
		else if (parens > 0 && (" " text " ") ~ \
		    /[^A-Za-z0-9_]bool[^A-Za-z0-9_]/)
			breach("booleans", FNR, "a bool parameter; " \
				"an enum says at the call what is meant")
		text = substr(text, RSTART + RLENGTH)
	}
}

function check_blanks(    wide, text) {
	if ($0 ~ /[ \t\r]$/)
		breach("tabs", FNR, "blanks at the end")
	if ($0 ~ /^\t* +\t/ || (depth > 0 && code ~ /[^ \t]/ && $0 ~ /^ /))
		breach("tabs", FNR, "indented by spaces")
	if (length($0) <= 64 || $0 ~ /"|https?:/)
		return
	text = $0
	gsub(/[\200-\277]/, "", text)
	wide = length(text)
	if (match(text, /^\t+/))
		wide += RLENGTH * 7
	if (wide > 90)
		breach("tabs", FNR, wide " columns; 90 is the end, 80 the aim")
}

# Functions begin by a brace in the first column, and end so. The rows of a
# table within one do not count.
function track_function(    text) {
	text = code
	depth += gsub(/\{/, "", text)
	depth -= gsub(/\}/, "", text)
	if ($0 ~ /^\{/) {
		inside = FNR
		length_now = in_table = 0
	}
	if ($0 ~ /^\t};/)
		in_table = 0
	if (!in_table)
		length_now++
	if (inside && $0 ~ /^\t[^\t].*\] = \{$/)
		in_table = 1
	if ($0 ~ /^\}/) {
		if (inside && length_now > 60)
			breach("functions", inside, length_now \
				" lines; 60 is the end, 20 the aim")
		inside = depth = 0
	}
}
AWK
}

commented() { # text
	printf '# %s\n' "${1//$'\n'/$'\n# '}"
}

check() { # root
	local found rule meaning number=0 mine failed=0
	found=$(breaches "$1") || { echo "Bail out! the check broke"; exit 2; }
	echo "1..$(grep -c . <<<"$rules")"
	while read -r rule meaning; do
		[ -n "$rule" ] || continue
		number=$((number + 1))
		mine=$(sed -n "s|^$rule ||p" <<<"$found")
		if [ -z "$mine" ]; then
			echo "ok $number - $meaning"
		else
			echo "not ok $number - $meaning"
			commented "$mine"
			failed=1
		fi
	done <<<"$rules"
	grep '^#' <<<"$found" || true
	return $failed
}

# A tree that keeps every rule, to be broken in one place by each case below.
make_good_tree() { # folder
	mkdir -p "$1"/src/{base,wire,net,eval,cli,run,server,prog} "$1/tests/npm"
	printf '/*\n * buf: bytes; for a while.\n */\n%s\n%s\n\n%s\n\n#endif\n' \
		'#ifndef NM_BASE_BUF_H' '#define NM_BASE_BUF_H' \
		'int nm_buf_add(const char *bytes, long len);' \
		>"$1/src/base/buf.h"
	sed 's/^\t\t//' >"$1/src/run/plan.c" <<'C'
		/* plan: it's said "strcpy(a)" here, and typedef. */
		#include <unistd.h>

		#include "base/buf.h"
		#include "eval/row.h"

		static int
		add(const char *bytes,
		    long len)
		{
			/* printf("%s") is named only */
			return nm_buf_add("sprintf(\"x\", atoi(", len) +
			       (bytes[0] == '"');
		}
C
}

lines() { # count text
	awk -v n="$1" -v text="$2" 'BEGIN { while (n--) print text }'
}

number=0
status=0
# The rule must refuse the tree, at that place, and no other rule may.
refuses() { # rule place what
	local got
	number=$((number + 1))
	got=$(breaches "$tree" | grep -v '^#' || true)
	if [ "${got%% *}" = "$1" ] && [[ $got == "$1 $2: "* ]] &&
		[ "$(wc -l <<<"$got")" = 1 ]; then
		echo "ok $number - $1: $3"
	else
		echo "not ok $number - $1: $3"
		printf '# expected %s, got: %s\n' "$1 $2" "${got:-nothing}"
		status=1
	fi
	rm -r "$tree"
	make_good_tree "$tree"
}

add() { # file line...
	local file=$tree/$1
	shift
	printf '%s\n' "$@" >>"$file"
}

self_test() {
	local got
	tree=$(mktemp -d)
	# shellcheck disable=SC2064 # this folder, now
	trap "rm -rf '$tree'" EXIT
	make_good_tree "$tree"
	number=1
	got=$(breaches "$tree")
	if [ -z "$got" ]; then
		echo "ok 1 - a good tree is accepted"
	else
		echo "not ok 1 - a good tree is accepted"
		commented "$got"
		status=1
	fi

	add src/wire/a.c '#include "net/http.h"'
	refuses arrows src/wire/a.c:1 "a room to the side"
	add src/server/a.c '#include "remote/api.h"'
	refuses arrows src/server/a.c:1 "the server and the client"
	add src/eval/a.c '' '#include "run/plan.h"'
	refuses arrows src/eval/a.c:2 "a room to the left"
	add src/eval/a.c '#include "row.h"'
	refuses arrows src/eval/a.c:1 "a header without its room"
	add src/run/a.c '#include <curl/curl.h>'
	refuses libraries src/run/a.c:1 "curl outside net"
	add src/base/path.c '#include <openssl/evp.h>'
	refuses libraries src/base/path.c:1 "libcrypto outside digest"
	add src/wire/a.c '# include <unicase.h>'
	refuses libraries src/wire/a.c:1 "libunistring outside eval"
	add src/net/http_util.c 'int x;'
	refuses names src/net/http_util.c:1 "a name that says nothing"
	mkdir "$tree/src/lib"
	add src/lib/a.c 'int x;'
	refuses names src/lib/a.c:1 "no such room"
	for noun in {1..9}; do
		sed "s/BUF/B$noun/" "$tree/src/base/buf.h" \
			>"$tree/src/base/b$noun.h"
	done
	refuses nouns src/base/buf.h:1 "a tenth noun"
	lines 601 'int x;' >"$tree/src/eval/a.c"
	refuses files src/eval/a.c:601 "601 lines"
	{
		echo 'int'
		echo 'main(void)'
		echo '{'
		lines 59 '	x();'
		echo '}'
	} >"$tree/src/eval/a.c"
	refuses functions src/eval/a.c:3 "61 lines"
	{
		echo '{'
		echo '	int rows[] = {'
		lines 100 '		1,'
		echo '	};'
		lines 57 '	x();'
		echo '}'
	} >"$tree/src/eval/a.c"
	refuses functions src/eval/a.c:1 "61 lines beside a table of 100"
	add src/run/b.c 'int' 'nm_plan(void)' '{' '}'
	add src/eval/a.c 'int' 'nm_plan(int a)' '{' '}'
	refuses twice src/run/b.c:2 "a name of two rooms"
	add src/eval/a.c 'typedef struct nm_x nm_x;'
	refuses typedefs src/eval/a.c:1 "a typedef"
	add src/base/buf.h 'int nm_buf_do(int a,' '              bool now);'
	refuses booleans src/base/buf.h:11 "a bool on the second line"
	add src/eval/a.c 'int x = atoi(y); /* no */'
	refuses banned src/eval/a.c:1 "a banned call"
	add src/run/a.c 'int x = fprintf(stderr, "");'
	refuses printing src/run/a.c:1 "a library that prints"
	add src/eval/a.c '/* T''ODO */'
	refuses unfinished src/eval/a.c:1 "a mark in a comment"
	add tour.md 'This is not'' implemented.'
	refuses unfinished tour.md:1 "a mark in prose"
	sed -i '1,3d' "$tree/src/base/buf.h"
	refuses heads src/base/buf.h:1 "no head"
	sed -i '/ifndef/d' "$tree/src/base/buf.h"
	refuses heads src/base/buf.h:1 "no guard"
	add src/eval/a.c 'struct nm_a {' '        int x;' '};'
	refuses tabs src/eval/a.c:2 "spaces"
	add src/eval/a.c 'int x; '
	refuses tabs src/eval/a.c:1 "a blank at the end"
	add src/eval/a.c "$(printf '\t%083d;' 0)"
	refuses tabs src/eval/a.c:1 "92 columns"
	add tests/npm/package-lock.json '{' '  "resolved": "x" }'
	refuses locks tests/npm/package-lock.json:2 "an address"
	echo "1..$number"
	return $status
}

if [ "${1-}" = --self-test ]; then
	self_test
else
	check "${1:-$(dirname "$0")/../..}"
fi
