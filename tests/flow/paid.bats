#!/usr/bin/env bats
# What was paid for is scored, and nothing is paid for that nobody asked.
load lib
load client

@test "a canary that is all of the run: its answers are the results" {
	a_desk --answer-key "$SAMPLE"
	run_batch 3 --canary 5
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 0 ]
}

@test "a batch that failed does not take the canary's answers with it" {
	faults 'fail empty_file "no"'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	run_batch 5 --canary 2
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=5 answered=2 missing=3 attempts=1' ]
}

@test "a canary read leniently is not judged again when the run goes on" {
	faults 'row all: fenced' 'on POST /v1/chat/completions: body "{\"id\":\"c\",\"object\":\"chat.completion\",\"model\":\"simulated-x\",\"choices\":[{\"index\":0,\"finish_reason\":\"stop\",\"message\":{\"role\":\"assistant\",\"content\":\"Sure: {\\\"answers\\\": [\\\"Heat\\\"]}\"}}]}" status 200'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	variant0 --mode batch --limit 3 --canary 1 --dry-run --lenient
	[ "$STATUS" = 0 ]
	adopted=$(ids_of "$OUT")
	variant0 --mode batch --batch-id "$adopted" --poll-interval 0.2
	[ -e "$RESULTS" ]
}

@test "a deadline before anything ended: all of it goes directly" {
	faults 'validating forever'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	run_batch 3 --finish-direct --deadline 1s
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=2' ]
}

@test "a deadline's cancel that did not get through is sent when the run goes on" {
	faults 'validating forever' 'on POST /v1/batches/*/cancel nth 1: hang'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	timeout -s KILL 4 variant0_llm_baseline --mode batch --limit 3 \
		--poll-interval 0.2 --finish-direct --deadline 1s \
		>/dev/null 2>&1 3>&- || true
	run_batch 3 --finish-direct --deadline 1s
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=2' ]
}
