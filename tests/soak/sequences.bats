#!/usr/bin/env bats
# The two client programs and a server, in sequences of commands, deaths and faults that
# a seed draws: SEQUENCES of them from SEED on, two at a time. One that went wrong is
# told by its seed; SEQUENCES=1 SEED=n does that one again.
load ../flow/lib

: "${SEQUENCES:=30}" "${SEED:=1}"

# Each in a folder of its own.
run_lane() { # first
	local seed
	for ((seed = SEED + $1; seed < SEED + SEQUENCES; seed += 2)); do
		run_one "$seed" 3>&-
	done
}

run_one() { # seed
	(
		BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/$1
		mkdir -p "$BATS_TEST_TMPDIR"
		setup
		export ASAN_OPTIONS=exitcode=99:log_path=$PWD/sanitizer
		export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:$ASAN_OPTIONS
		# shellcheck source=tests/soak/sequence.bash
		. "$BATS_TEST_DIRNAME/sequence.bash"
		run_sequence "$1" && echo "$1 right ${#PLAN[@]}" >outcome ||
			echo "$1 wrong" >outcome
		[ -z "$SERVER_PID" ] || kill_server
	) >"$BATS_TEST_TMPDIR/$1.log" 2>&1
}

@test "sequences of commands, drawn by seeds" {
	local file
	run_lane 0 &
	run_lane 1
	wait $!
	cat ./*/outcome >outcomes
	awk '{ steps += $3 } END { print "# " NR " sequences, " steps " steps" }' \
		outcomes >&3
	for file in ./*/wrong; do
		[ ! -s "$file" ] || {
			echo "SEED $(basename "$(dirname "$file")"):"
			cat "$file" "${file%wrong}story"
		}
	done
	[ "$(grep -c ' right ' outcomes)" = "$SEQUENCES" ]
}
