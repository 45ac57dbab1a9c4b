#!/usr/bin/env bats
# Direct mode in bad luck: it slows down, goes on, or stops with one line.
load lib
load client

@test "direct: many 429s; it slows down and finishes" {
	faults 'on POST /v1/chat/completions 60% seed 5: status 429'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 variant0 --limit 60 --max-attempts 20
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$STATUS" = 0 ]
	[ "$(result .ledger.answered)" = 60 ]
	[ "$(logged '.status == 200')" = 60 ]
}

@test "direct: 429s for a while hold all back" {
	faults 'on POST /v1/chat/completions nth 1..40: status 429 header "Retry-After: 1"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=4 variant0 --limit 50 --concurrency 16
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$STATUS" = 0 ]
	[ "$(result .ledger.answered)" = 50 ]
}

@test "direct: a key that is refused stops it at once" {
	echo 'somebody sk-right-key-0123456789' >keys.txt
	chmod 600 keys.txt
	a_desk --api-key-file keys.txt
	variant0 --limit 50 --concurrency 4 --quiet
	[ "$STATUS" = 4 ]
	says '401'
	lacks err.txt sk-test-0123456789
	[ "$(calls POST /v1/chat/completions)" -le 4 ]
	[ ! -e results/variant0_llm_baseline_1-hop-test.json ]
}

@test "direct: no money is told at once and not tried again" {
	faults 'on POST /v1/chat/completions: status 429 body "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}"'
	a_desk --faults "$FAULTS"
	variant0 --limit 50 --concurrency 4 --quiet
	[ "$STATUS" = 4 ]
	says 'quota'
	[ "$(calls POST /v1/chat/completions)" -le 4 ]
}

@test "direct: one request that is refused is a row, the others go on" {
	faults 'on POST /v1/chat/completions nth 2: status 400'
	a_desk --faults "$FAULTS"
	variant0 --limit 6 --concurrency 1
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=6 answered=5 http_error=1 attempts=1' ]
	[ "$(result '.results[1].error.status')" = 400 ]
	[ "$(calls POST /v1/chat/completions)" = 6 ]
}

@test "direct: cut and lost replies, and a page instead of one, are asked again" {
	faults 'on POST /v1/chat/completions nth 1: cut after 50' \
		'on POST /v1/chat/completions nth 2: lose reply' \
		'on POST /v1/chat/completions nth 3: status 200 body "<html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=10 variant0 --limit 6
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
	[ "$(calls POST /v1/chat/completions)" = 9 ]
}

# When the n-th last answer was given, in seconds of the day's.
answered_at() { # n-th last
	jq -r 'select(.status == 200).time | fromdateiso8601' "$SERVER_LOG" |
		sort -n | tail -"$1" | head -1
}

@test "direct: a long Retry-After holds the others half a minute, not longer" {
	faults 'on POST /v1/chat/completions nth 2: status 429 header "Retry-After: 89"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=10 variant0 --limit 40 --concurrency 4
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=40 answered=40 attempts=1' ]
	# The one that was told to wait waits alone, for most of the 8.9 s.
	[ $(($(answered_at 1) - $(answered_at 2))) -ge 4 ]
}

@test "direct: no progress is told before a key that may not be sent" {
	a_desk
	OPENAI_BASE_URL=http://198.51.100.7/v1 variant0 --limit 3
	[ "$STATUS" = 2 ]
	says 'plain http'
}

@test "direct: its turn has not come is no attempt" {
	# The third question's, one after the other: twice as many as it has tries.
	faults 'on POST /v1/chat/completions nth 3..8: status 429 header "Retry-After: 1"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 variant0 --limit 6 --concurrency 1 --max-attempts 1
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
	[ "$(calls POST /v1/chat/completions)" = 12 ]
}

@test "direct: no more fly than the service says it has room for" {
	faults 'on POST /v1/chat/completions: delay 100ms header "x-ratelimit-remaining-requests: 1"'
	a_desk --faults "$FAULTS"
	local began=${EPOCHREALTIME/./}
	variant0 --limit 24 --concurrency 16
	[ "$STATUS" = 0 ]
	# Eight at the start, before the service told; the others one by one.
	[ $((${EPOCHREALTIME/./} - began)) -ge 1600000 ]
}

@test "direct: the file of kept answers is left alone, or mended from the journal" {
	a_desk
	run_batch 20 --canary 3
	[ "$STATUS" = 0 ]
	local id kept scores
	id=$(result ".run.batches[0].id")
	kept=$(find . "${XDG_STATE_HOME:-.}" -name direct_1.jsonl ! -path '*_replies*' | head -1)
	cp "$kept" kept.jsonl
	scores=$(result .results)
	touch -d '2001-01-01' "$kept"
	variant0 --mode batch --batch-id "$id"
	[ "$STATUS" = 0 ]
	[ "$(date -r "$kept" +%Y)" = 2001 ]
	local spoil
	for spoil in 'truncate -s 40' 'truncate -s 99999' 'sed -i 2s/stop/stopped/' rm; do
		$spoil "$kept"
		variant0 --mode batch --batch-id "$id"
		[ "$STATUS" = 0 ]
		cmp "$kept" kept.jsonl
		[ "$(result .results)" = "$scores" ]
	done
}
