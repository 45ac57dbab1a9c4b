#!/usr/bin/env bats
# The wall clock jumps by days, again and again, while a run is on its way. What is
# waited for is waited for by the clock that only runs on.
load ../flow/lib
load ../flow/client

jumping() { # program argument...
	local lib=$NM_BUILD/tests/stop/libclock_jump.so
	[ -e "$lib" ] || {
		echo "$lib is missing"
		return 1
	}
	rm -f jumps
	BEGAN=$SECONDS
	bounded env "LD_PRELOAD=$lib" "CLOCK_JUMPS=$PWD/jumps" \
		"ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0" "$@"
	echo "$(wc -c <jumps) jumps"
	[ "$(wc -c <jumps)" -ge 1 ]
}

# It took the seconds that it took, whatever the wall clock said.
took_seconds() {
	[ "$(result ".metrics.total_eval_time_sec |
		. >= 0 and . <= $((SECONDS - BEGAN + 1))")" = true ]
}

@test "the clock jumps: a batch run sends nothing twice and ends" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches/* nth 1: status 503' \
		'row 2 of batch 1: http_error 500'
	a_desk --faults "$FAULTS"
	jumping variant0_llm_baseline --mode batch --limit 5 --patience 1 \
		--poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=2' ]
	took_seconds
	# One that asks again is its own.
	[ "$(logged '.method == "POST" and .file_id != null')" = 2 ]
	[ "$(logged '.method == "POST" and .batch_id != null')" = 2 ]
	jumping batch_manager --runs
	[ "$STATUS" = 0 ]
	jumping batch_manager --list
	[ "$STATUS" = 0 ]
}

@test "the clock jumps: direct mode pauses as long as it is told to" {
	# shellcheck disable=SC2034 # client.bash reads it
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	faults 'on POST /v1/chat/completions nth 3: status 429 header "Retry-After: 1"' \
		'on POST /v1/chat/completions nth 5: status 500'
	a_desk --faults "$FAULTS"
	jumping variant0_llm_baseline --limit 12 --concurrency 2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=12 answered=12 attempts=1' ]
	took_seconds
	[ "$(calls POST /v1/chat/completions)" = 14 ]
}

now_ms() {
	call GET /_control/clock
	member .now_ms
}

# Twenty looks, none before the last, and all of them within so many real seconds.
runs_on() { # from-ms speed
	local from=$1 last=$1 now began=$SECONDS i
	for ((i = 0; i < 20; i++)); do
		now=$(now_ms)
		[ "$now" -ge "$last" ] || {
			echo "back by $((last - now)) ms"
			return 1
		}
		last=$now
	done
	[ $((last - from)) -le $(((SECONDS - began + 3) * 1000 * $2)) ] || {
		echo "ahead by $((last - from)) ms in $((SECONDS - began)) s"
		return 1
	}
}

@test "the clock jumps: time that runs fast runs on, also through a death" {
	local lib=$NM_BUILD/tests/stop/libclock_jump.so first
	jumping_server() {
		LD_PRELOAD=$lib CLOCK_JUMPS=$PWD/jumps \
			ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0 \
			start_server --clock fast=100
	}
	jumping_server
	first=$(now_ms)
	runs_on "$first" 100
	call POST /_control/clock -d '{"advance":"1h"}'
	[ "$(member ".now_ms - $first >= 3600000")" = true ]
	first=$(member .now_ms)
	runs_on "$first" 100
	first=$(now_ms)
	kill_server
	jumping_server
	runs_on "$first" 100
	[ "$(wc -c <jumps)" -ge 3 ]
}
