#!/bin/bash
# load: threads, watched by a thread sanitizer: the server's while everything is asked
# at once (a short form of script/soak load), and the crew's that read replies, score
# and write. Prints TAP.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
seconds=5
build=build/tsan
log=$(mktemp)
trap 'rm -f "$log"' EXIT

skip() { # why
	echo "1..0 # SKIP $1"
	exit 0
}

say() { # number what
	echo "ok $1 - $2"
}

fail() { # number what
	sed 's/^/# /' "$log"
	echo "not ok $1 - $2"
	exit 1
}

# Not every compiler has it, and not on every kernel can it run.
echo 'int main(void){return 0;}' |
	${CC:-cc} -x c -fsanitize=thread -o "$log.probe" - 2>"$log" &&
	"$log.probe" 2>>"$log"
status=$?
rm -f "$log.probe"
[ $status = 0 ] || skip "no thread sanitizer runs here"

echo 1..3
[ -e $build/build.ninja ] ||
	meson setup $build --buildtype=debugoptimized -Db_sanitize=thread \
		-Db_lundef=false >"$log" 2>&1 || fail 1 "it is built to be watched"
ninja -C $build src/prog/batch_server \
	tests/unit/test_{crew,digest,collect,grading,pair,outcome_many} \
	>"$log" 2>&1 ||
	fail 1 "it is built to be watched"
say 1 "it is built to be watched"
timeout -k 5 400 tests/soak/load.sh $build $seconds >"$log" 2>&1 ||
	fail 2 "no race in $seconds s of everything at once"
say 2 "no race in $seconds s of everything at once"
for noun in crew digest collect grading pair outcome_many; do
	"$build/tests/unit/test_$noun" >"$log" 2>&1 ||
		fail 3 "no race where replies are read, scored and written ($noun)"
done
say 3 "no race where replies are read, scored and written"
