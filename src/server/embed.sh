#!/bin/sh
# embed: files as C arrays, for the page: embed.sh OUT NAME=FILE...
# Writes `static const char page_NAME[]` with a length by sizeof, without a NUL.
set -eu
out=$1
shift
for pair; do
	printf 'static const char page_%s[] = {\n' "${pair%%=*}"
	od -An -v -tu1 "${pair#*=}" |
		awk '{ for (i = 1; i <= NF; i++)
			printf "%d,", ($i > 127 ? $i - 256 : $i)
			print "" }'
	printf '};\n'
done >"$out"
