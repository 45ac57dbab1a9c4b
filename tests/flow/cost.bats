#!/usr/bin/env bats
# What a run may cost is told and bounded before it is sent, each request at its price.
load lib
load client
load paying

# For DETAILS and UNREADABLE: a reply of $0.001125 by batch.
SHORT='{"prompt_tokens": 1000, "completion_tokens": 1000}'

# One question of 900,000 bytes, which is a long context for gpt-5.4 at $5 a million
# tokens in and $22.50 out; short ones cost $2.50 and $15, all half by batch.
a_long_question() { # short-ones-beside
	local i
	{
		printf 'who was in [%s]\tSomebody\n' \
			"$(head -c 899985 /dev/zero | tr '\0' x)"
		for ((i = 0; i < $1; i++)); do
			echo "who directed [Film $i]	Somebody"
		done
	} >long.txt
}

# The text alone has 300,000 tokens at the high guess, the prompt 212 more; at most it
# has 450,000, of lower-case letters, and the prompt 470.
@test "a long context is estimated, and held to --max-cost, at its own price" {
	a_desk
	a_long_question 0
	variant0 --datasets long.txt --model gpt-5.4 --estimate --json
	[ "$STATUS" = 0 ]
	jq -e '.total.batch_cost_usd_estimate.high > 0.7727 and
		.total.batch_cost_usd_estimate.high < 0.7731' out.txt
	variant0 --mode batch --datasets long.txt --model gpt-5.4 \
		--dry-run --max-cost 1.1483674
	[ "$STATUS" = 2 ]
	[ "$(calls POST '.*')" = 0 ]
	variant0 --mode batch --datasets long.txt --model gpt-5.4 \
		--dry-run --max-cost 1.1483675
	[ "$STATUS" = 0 ]
}

@test "a long context in a prompt file is told by the threshold of the price table" {
	a_desk
	{
		echo 'Reply with JSON.'
		head -c 250000 /dev/zero | tr '\0' x
		echo ' {question}'
	} >prompt.txt
	jq '.rules.long_context.over_input_tokens = 80000' \
		"$NM_SOURCE/data/prices.json" >prices.json
	local base=(--limit 2 --model gpt-5.4 --prompt prompt.txt --estimate
		--json)
	variant0 "${base[@]}"
	local plain
	plain=$(jq .total.direct_cost_usd_estimate.high out.txt)
	variant0 "${base[@]}" --prices prices.json
	jq -e --argjson plain "$plain" '.total.direct_cost_usd_estimate |
		.high > 1.9 * $plain and .low < $plain' out.txt
}

@test "--max-cost: one of them asked again counts as the longest, not as the mean" {
	faults 'row 1 of batch 1: http_error 500'
	a_desk --faults "$FAULTS"
	a_long_question 99
	# All of it is $1.2 at most by batch.
	variant0 --mode batch --datasets long.txt --model gpt-5.4 \
		--max-output-tokens 100 --poll-interval 0.2 --max-cost 1.4 \
		--finish-direct
	[ "$STATUS" = 1 ]
	tells 'not sent: it could cost $2.2'
	[ "$(calls POST /v1/chat/completions)" = 0 ]
}

@test "--estimate tells a canary at its direct price, and --max-cost counts it so" {
	a_desk
	variant0 --mode batch --limit 5 --canary 2 --estimate --json
	jq -e '.datasets[0] | .canary == 2 and .batches == 1' out.txt
	# Replies alone: three of $0.002, two of $0.004. The bound at the prompts is above
	# the guess.
	jq -e '.total.batch_cost_usd_estimate.high |
		. > 0.014 and . < 0.0143' out.txt
	variant0 --mode batch --limit 5 --canary 2 --dry-run --max-cost 0.0121
	[ "$STATUS" = 2 ]
	tells 'could cost $0.0143325, above'
	[ "$(calls POST '.*')" = 0 ]
	variant0 --mode batch --limit 5 --canary 2 --dry-run \
		--max-cost 0.0143325
	[ "$STATUS" = 0 ]
}

# ---- batches of which no end was seen ----

# Ten questions are $0.02 at most by batch, and $0.04 directly.
@test "--max-cost: a batch that is gone may have been paid for" {
	a_desk
	variant0 --mode batch --limit 10 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	faults "on GET /v1/batches/$BATCH_ID: status 404"
	restart --faults "$FAULTS"
	local again=(--mode batch --batch-id "$BATCH_ID" --finish-direct)
	export NIGHTMAIL_CLOCK=fast=50
	variant0 "${again[@]}" --max-cost 0.055
	[ "$STATUS" = 1 ]
	tells 'not sent: it could cost $0.04'
	tells 'beside the $0.02'
	[ "$(calls POST /v1/chat/completions)" = 0 ]
	variant0 "${again[@]}" --max-cost 0.065
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=10 answered=10 attempts=2' ]
}

@test "--max-cost: a batch that was given up may have been paid for" {
	faults 'in_progress forever' 'cancelling forever'
	a_desk --faults "$FAULTS"
	local again=(--mode batch --limit 10 --finish-direct --deadline 1m)
	export NIGHTMAIL_CLOCK=fast=2000
	variant0 "${again[@]}" --max-cost 0.055
	[ "$STATUS" = 1 ]
	tells 'does not end: what it has is taken for missing'
	tells 'not sent: it could cost $0.04'
	tells 'beside the $0.02'
	[ "$(calls POST /v1/chat/completions)" = 0 ]
	# A later process knows it as well.
	variant0 "${again[@]}" --max-cost 0.055
	[ "$STATUS" = 1 ]
	[ "$(calls POST /v1/chat/completions)" = 0 ]
	variant0 "${again[@]}" --max-cost 0.065
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=10 answered=10 attempts=2' ]
}

# ---- direct mode: paid for reply by reply ----

@test "--max-cost of direct mode: replies longer than was guessed end it in time" {
	a_paying_desk gpt-5-mini ''
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	# By the guess four cost $0.02 at most. Each costs $2.25.
	variant0 --limit 4 --concurrency 1 --max-cost 7
	[ "$STATUS" = 1 ]
	tells 'not sent: it could cost $4.0'
	tells 'beside the $4.5000 spent'
	tells 'again with a higher --max-cost'
	[ "$(calls POST /v1/chat/completions)" = 2 ]
	[ "$(ledger)" = 'asked=4 answered=2 missing=2 attempts=1' ]
	[ "$(result .run.spent.cost_usd)" = 4.5 ]
	variant0 --limit 4 --max-cost 20
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 4 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	# What one dataset shows is known for the next.
	variant0 --datasets 2-hop 3-hop --limit 4 --concurrency 1 --max-cost 7
	[ "$STATUS" = 1 ]
	[ "$(calls POST /v1/chat/completions)" = 6 ]
}

@test "--max-cost: a canary of many is ended in time, and kept" {
	a_paying_desk gpt-5-mini ''
	local all=(--canary 4 --finish-direct --concurrency 1)
	run_batch 4 "${all[@]}" --max-cost 7
	[ "$STATUS" = 2 ]
	tells 'not sent: it could cost $4.0'
	[ "$(calls POST /v1/chat/completions)" = 2 ]
	run_batch 4 "${all[@]}" --max-cost 20
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 4 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	# No batch, no line of its progress.
	lacks err.txt 'variant0_llm_baseline: : '
}

@test "--max-cost: a tail asked directly is ended in time, and kept" {
	faults 'rows 2..3 of batch 1: http_error 500'
	UNREADABLE=$SHORT a_paying_desk gpt-5-mini 'nth 1' --faults "$FAULTS"
	run_batch 3 --finish-direct --concurrency 1 --max-cost 3
	[ "$STATUS" = 1 ]
	tells 'not sent: it could cost $4.0'
	[ "$(calls POST /v1/chat/completions)" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=1 unparseable=1 http_error=1 attempts=2' ]
	run_batch 3 --finish-direct --max-cost 20
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 2 ]
	[ "$(ledger)" = 'asked=3 answered=2 unparseable=1 attempts=2' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}
