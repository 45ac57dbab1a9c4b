#!/usr/bin/env bats
# What was paid for is scored, and nothing is paid for that nobody asked.
load lib
load client
load paying

# For DETAILS and UNREADABLE: a reply of $0.001125 by batch.
SHORT='{"prompt_tokens": 1000, "completion_tokens": 1000}'

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
	[ "$(result '.ledger.reasons | @json')" = \
		'[{"class":"missing","status":null,"code":null,"count":3}]' ]
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

@test "a deadline in the midst: what is done is kept, the rest goes directly" {
	# A row in three minutes: by the deadline a third of them is done.
	faults 'pace 20/h'
	a_desk --faults "$FAULTS" --clock fast=200
	NIGHTMAIL_CLOCK=fast=200 run_batch 20 --finish-direct --deadline 20m
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=20 answered=20 attempts=2' ]
	[ "$(calls POST '/v1/batches/.*/cancel')" = 1 ]
	local kept
	kept=$(result '[.results[] | select(.attempts == 1)] | length')
	[ "$kept" -ge 1 ] && [ "$kept" -lt 20 ]
	[ "$(calls POST /v1/chat/completions)" = $((20 - kept)) ]
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

# ---- a model that costs: $1.125 a reply by batch, $2.25 directly ----

@test "the cost of all attempts stands beside that of the rows kept" {
	a_paying_desk gpt-5-mini 'nth 1'
	run_batch 2 --reask 1
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=2 answered=2 attempts=2' ]
	[ "$(result .metrics.total_cost_usd)" = 2.25 ]
	[ "$(result .run.spent.cost_usd)" = 3.375 ]
	[ "$(result .run.spent.replies)" = 3 ]
	[ "$(result .run.spent.batches_own_usage.output_tokens)" = 3000000 ]
	grep -q 'of all attempts together *\$3.3750 ' out.txt
	lacks err.txt "own usage"
	# Where they are the same it is told once.
	run_batch 1
	lacks out.txt 'all attempts'
	[ "$(result .run.spent.cost_usd)" = 1.125 ]
}

@test "--max-cost counts what the attempts before cost, displaced or not" {
	a_paying_desk gpt-5-mini 'nth 1..'
	# One that cost $1.125 may cost five times as much again.
	run_batch 1 --reask 20 --max-cost 7.5
	[ "$STATUS" = 1 ]
	tells 'not sent: it could cost '
	tells 'max-cost $7.5'
	[ "$(calls POST /v1/batches)" = 3 ]
	[ "$(result .run.spent.cost_usd)" = 3.375 ]
	# The run is not over: with more money it goes on where it was.
	run_batch 1 --reask 20 --max-cost 8.5
	[ "$STATUS" = 1 ]
	[ "$(calls POST /v1/batches)" = 4 ]
	[ "$(result .run.spent.cost_usd)" = 4.5 ]
}

@test "--max-cost: what is asked again may be as long as the longest was, not the mean" {
	UNREADABLE={} DETAILS=$SHORT a_paying_desk gpt-5-mini 'nth 1'
	# The first was $1.125, the nine others $0.01; it may be a dollar again, and more.
	run_batch 10 --reask 1 --max-cost 2.4
	[ "$STATUS" = 1 ]
	tells 'not sent: it could cost $1.3'
	tells 'while asking 1 of 10 again'
	[ "$(calls POST /v1/batches)" = 1 ]
	run_batch 10 --reask 1 --max-cost 2.45
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 2 ]
}

@test "--max-cost: a tail that fits by batch does not fit directly" {
	faults 'row 2 of batch 1: http_error 500'
	a_paying_desk gpt-5-mini '' --faults "$FAULTS"
	# One has cost $1.125; by its length the other is $5 at most, or $10.
	run_batch 2 --finish-direct --max-cost 7
	[ "$STATUS" = 1 ]
	tells 'not sent: it could cost $10.0'
	tells 'beside the $1.1250 spent'
	[ "$(calls POST /v1/chat/completions)" = 0 ]
	[ "$(ledger)" = 'asked=2 answered=1 http_error=1 attempts=1' ]
	run_batch 2 --max-cost 7
	[ "$STATUS" = 0 ]
	[ "$(result .run.spent.cost_usd)" = 2.25 ]
}

@test "--max-cost counts what the canary cost" {
	a_paying_desk gpt-5-mini ''
	# One reply says little: the two others may be five times as long.
	run_batch 3 --canary 1 --max-cost 12
	[ "$STATUS" = 2 ]
	tells 'beside the $2.2500 spent'
	[ "$(calls POST /v1/batches)" = 0 ]
	run_batch 3 --canary 1 --max-cost 13
	[ "$STATUS" = 0 ]
	[ "$(result .run.spent.cost_usd)" = 4.5 ]
}

@test "--max-cost: replies of a model without a price stop what comes after" {
	a_paying_desk mystery-1 'nth 1..'
	run_batch 1 --reask 3 --max-cost 100
	[ "$STATUS" = 1 ]
	tells 'the model that replied to gpt-5-mini has no price'
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(result .run.spent.cost_usd)" = null ]
}

@test "--max-cost holds for what --batch-id still has to send" {
	faults 'on POST /v1/batches nth 2: status 400'
	a_paying_desk gpt-5-mini '' --faults "$FAULTS"
	variant0 --mode batch --limit 4 --shard-requests 2 --dry-run
	[ "$STATUS" = 4 ]
	local id
	id=$(ids_of "$OUT")
	variant0 --mode batch --batch-id "$id" --max-cost 0.005
	[ "$STATUS" = 2 ]
	tells 'not sent: it could cost '
	[ "$(calls POST /v1/batches)" = 2 ]
	variant0 --mode batch --batch-id "$id" --max-cost 1 --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 3 ]
}

@test "--max-cost does not keep from its results what was sent already" {
	a_paying_desk gpt-5-mini ''
	variant0 --mode batch --limit 4 --dry-run
	variant0 --mode batch --batch-id "$(ids_of "$OUT")" --max-cost 0.0001 \
		--poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	tells 'this cost $4.5000, more than --max-cost $0.0001: it was sent before'
}

@test "--max-cost: the first dataset is not sent when the second would pass it" {
	a_desk
	variant0 --mode batch --datasets 1-hop 2-hop --limit 10 --dry-run \
		--max-cost 0.03
	[ "$STATUS" = 2 ]
	[ "$(calls POST '.*')" = 0 ]
	variant0 --mode batch --datasets 1-hop 2-hop --limit 10 --dry-run \
		--max-cost 0.05
	[ "$STATUS" = 0 ]
	lacks err.txt 'taking it up'
}

@test "--max-cost with a model that has no price sends nothing" {
	a_desk
	local mode
	for mode in batch direct; do
		variant0 --mode $mode --limit 2 --model mystery-1 --max-cost 100
		[ "$STATUS" = 2 ]
		says 'the price of mystery-1 is unknown'
	done
	[ "$(calls POST '.*')" = 0 ]
}

# ---- attempts that were broken off ----

# A batch that failed 4 of 5; of these one was asked directly when death came.
broken_off() {
	faults 'rows 2..5 of batch 1: http_error 500' \
		'on POST /v1/chat/completions nth 2..: hang'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 5 --poll-interval 0.2 \
		--finish-direct --concurrency 1 --quiet >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_for 20 journalled 1
	kill -9 $pid
	wait $pid || true
	restart --answer-key "$SAMPLE"
}

@test "a direct attempt that was broken off, finished by batch: a number of its own" {
	broken_off
	run_batch 5
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=3' ]
	[ "$(result '[.run.batches[] | "\(.attempt):\(.requests)"] | join(" ")')" = '1:5 3:3' ]
}

@test "a direct attempt that was broken off goes on where it was" {
	broken_off
	local before
	before=$(calls POST /v1/chat/completions)
	run_batch 5 --finish-direct --max-attempts 2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=2' ]
	[ "$(calls POST /v1/chat/completions)" = $((before + 3)) ]
}

# ---- what the canary shows ----

@test "a canary that shows more than a dollar: a terminal asks then" {
	command -v script >/dev/null || skip "no script(1)"
	a_paying_desk gpt-5-mini ''
	local command='variant0_llm_baseline --mode batch --limit 3 --canary 1'
	command+=' --dry-run'
	: >screen.txt
	{
		wait_for 20 grep -q 'estimated to cost' screen.txt
		echo n
	} | script -qec "$command" /dev/null >screen.txt || true
	grep -q 'the canary took 1000000 tokens a reply' screen.txt
	[ "$(calls POST /v1/chat/completions)" = 1 ]
	[ "$(calls POST /v1/batches)" = 0 ]
	# Agreed to: the canary is not asked again.
	$command --yes >out.txt
	grep -q 'Batch ID' out.txt
	[ "$(calls POST /v1/chat/completions)" = 1 ]
}

@test "a canary that fails says how, and that nothing else was sent" {
	a_desk
	local fault text
	while IFS='|' read -r fault text; do
		faults "on POST /v1/chat/completions: $fault"
		restart --faults "$FAULTS"
		NIGHTMAIL_CLOCK=fast=50 run_batch 3 --canary 1
		[ "$STATUS" -gt 0 ]
		grep -qE "$text" err.txt
		grep -q 'nothing else was sent' err.txt
		[ "$(calls POST /v1/batches)" = 0 ]
		[ "$(calls POST /v1/files)" = 0 ]
	done <<-'EOF'
		status 404 body "{\"error\":{\"message\":\"No such model\",\"code\":\"model_not_found\"}}"|404 model_not_found: No such model
		status 400 body "{\"error\":{\"message\":\"Bad parameter\",\"code\":\"unsupported\"}}"|the canary was refused: 400 unsupported: Bad parameter
		status 503|the canary got no answer: 503: The server
		lose call|no whole reply .*--canary 0 goes without one
	EOF
}

@test "a canary that is cut keeps what it was answered, and --canary 0 goes on from it" {
	faults 'on POST /v1/chat/completions nth 2: status 200 body "{\"id\":\"c\",\"object\":\"chat.completion\",\"model\":\"simulated-x\",\"choices\":[{\"index\":0,\"finish_reason\":\"length\",\"message\":{\"role\":\"assistant\",\"content\":\"\"}}]}"'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	local i
	for i in first again; do
		run_batch 5 --canary 3
		[ "$STATUS" = 1 ]
		tells "the canary's answer was cut"
		[ "$(calls POST /v1/chat/completions)" = 3 ]
		[ "$(calls POST /v1/files)" = 0 ]
	done
	run_batch 5 --canary 0
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=4 truncated=1 attempts=1' ]
	[ "$(calls POST /v1/chat/completions)" = 3 ]
	[ "$(result '.run.batches[].requests')" = 2 ]
	# Anew is anew.
	run_batch 5 --canary 3 --new
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 6 ]
}

@test "a canary of which one is refused: the same command asks that one again" {
	faults 'on POST /v1/chat/completions nth 2: status 400'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	run_batch 5 --canary 3
	[ "$STATUS" = 4 ]
	tells 'the canary was refused: 400'
	[ "$(calls POST /v1/files)" = 0 ]
	run_batch 5 --canary 3
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[ "$(calls POST /v1/chat/completions)" = 4 ]
}

@test "--canary 0 is heeded after a canary that nothing answered" {
	faults 'on POST /v1/chat/completions: lose call'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	run_batch 3 --canary 1 --patience 0.2
	[ "$STATUS" = 4 ]
	run_batch 3 --canary 0
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "--max-cost of direct mode counts what a broken-off process was answered, and had in flight" {
	faults 'on POST /v1/chat/completions nth 3: hang'
	a_paying_desk gpt-5-mini '' --faults "$FAULTS"
	variant0_llm_baseline --limit 4 --concurrency 1 --quiet \
		>/dev/null 2>&1 3>&- &
	local pid=$!
	wait_for 20 journalled 2
	kill -9 $pid
	wait $pid || true
	restart --upstream "$UPSTREAM_URL"
	# Two came, at $2.25; the third may be paid for, and another may have been in
	# flight, at $10 at most; two are to come.
	variant0 --limit 4 --max-cost 19
	[ "$STATUS" = 2 ]
	tells 'could cost $15.3'
	grep -Eq 'beside the \$(14\.50|19\.81)' err.txt
	variant0 --limit 4 --max-cost 45
	[ "$STATUS" = 0 ]
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$(result .run.spent.cost_usd)" = 9 ]
}

# An answered row without its usage, as some services write them.
bare_row() { # question
	jq -nc --arg id "request-$1" '{id: "b", custom_id: $id, response: {
		status_code: 200, request_id: "r", body: {model: "gpt-5-mini",
		choices: [{index: 0, finish_reason: "stop", message: {
		role: "assistant", content: "{\"answers\": [\"Heat\"]}"}}]}},
		error: null}'
}

@test "rows that tell no usage: the batch's own is the cost" {
	a_paying_desk gpt-5-mini ''
	variant0 --mode batch --limit 2 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	wait_for 20 batch_is completed
	# As many bytes as the true ones: blank lines are no rows.
	call GET "/v1/files/$(member .output_file_id)"
	{ bare_row 0 && bare_row 1; } >rows.jsonl
	head -c $(($(member .bytes) - $(wc -c <rows.jsonl))) /dev/zero |
		tr '\0' '\n' >>rows.jsonl
	faults "on GET /v1/files/*/content: status 200 body $(
		jq -Rs . rows.jsonl)"
	restart --upstream "$UPSTREAM_URL" --faults "$FAULTS"
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(result .metrics.total_cost_usd)" = null ]
	[ "$(result .run.spent.cost_usd)" = 2.25 ]
	grep -q 'of all attempts together *\$2.2500 ' out.txt
	tells "that came: 2000000 tokens in against 0, 2000000 tokens out against 0"
}

SOME_DETAILS='{"prompt_tokens_details": {"cached_tokens": 800000},
	"completion_tokens_details": {"reasoning_tokens": 300000}}'

@test "a row that is lost was paid, its cached tokens at their own price" {
	faults 'row 2 of batch 1: missing'
	DETAILS=$SOME_DETAILS a_paying_desk gpt-5-mini '' --faults "$FAULTS"
	run_batch 2 --max-attempts 1
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=2 answered=1 missing=1 attempts=1' ]
	[ "$(result .metrics.total_cost_usd)" = 1.035 ]
	[ "$(result .run.spent.cost_usd)" = 2.07 ]
	[ "$(result '.run.spent.batches_own_usage | @json')" = \
		'{"input_tokens":2000000,"cached_tokens":1600000,"output_tokens":2000000,"reasoning_tokens":600000}' ]
	tells 'that came: 2000000 tokens in against 1000000, 1600000 cached tokens against 800000, 2000000 tokens out against 1000000, 600000 reasoning tokens against 300000'
}

# Takes the batch up from a service that tells it so.
take_up_as() { # jq-filter
	faults "on GET /v1/batches/*: status 200 body $(
		jq "$1 | @json" batch.json)"
	restart --upstream "$UPSTREAM_URL" --faults "$FAULTS"
	rm -rf "$XDG_STATE_HOME/nightmail"
	variant0 --mode batch --batch-id "$BATCH_ID" --datasets 1-hop --limit 2 \
		--poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(result .run.spent.cost_usd)" = 2.07 ]
}

@test "details that a batch does not tell are not held against its rows" {
	DETAILS=$SOME_DETAILS a_paying_desk gpt-5-mini ''
	variant0 --mode batch --limit 2 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	wait_for 20 batch_is completed
	cp "$BODY" batch.json
	take_up_as .
	lacks err.txt 'own usage'
	take_up_as 'del(.usage[]["cached_tokens", "reasoning_tokens"]?)'
	lacks err.txt 'own usage'
	[ "$(result '.run.spent.batches_own_usage | @json')" = \
		'{"input_tokens":2000000,"cached_tokens":null,"output_tokens":2000000,"reasoning_tokens":null}' ]
	take_up_as '.usage[]["cached_tokens", "reasoning_tokens"]? = 0'
	lacks err.txt 'own usage'
	result '.run.notes | @json' >notes
	lacks notes 'own usage'
	# A 0 beside what is counted is another thing.
	take_up_as '.usage.input_tokens_details.cached_tokens = 0'
	tells 'that came: 0 cached tokens against 1600000'
}

@test "one question goes ahead of more than 1,000 by batch, and of no fewer" {
	a_desk
	yes 'who directed [Some Film]	Somebody' | head -1001 >many.txt
	variant0 --mode batch --datasets many.txt --limit 1000 --dry-run
	[ "$STATUS" = 0 ]
	variant0 --mode batch --datasets many.txt --dry-run --canary 0
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 0 ]
	variant0 --mode batch --datasets many.txt --dry-run --new
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 1 ]
	tells 'by that the other 1000 cost '
	call GET "/v1/batches/$(ids_of "$OUT")"
	[ "$(member .metadata.canary)" = 1 ]
	wait_for 20 batch_of_1000
}

batch_of_1000() {
	BATCH_ID=$(ids_of "$OUT")
	batch_is completed && [ "$(member .request_counts.total)" = 1000 ]
}

# ---- what is on this machine already ----

# A run of two batches, one of them here, by a process that died fetching the other.
half_collected() {
	faults 'on GET /v1/files/*/content nth 2: hang'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 4 --shard-requests 2 \
		--poll-interval 0.2 >/dev/null 2>&1 3>&- &
	local pid=$! journal=${NIGHTMAIL_STATE:-$XDG_STATE_HOME/nightmail}
	wait_for 10 collected "$journal"
	kill -9 $pid
	wait $pid || true
	# The one that is here, which may be either.
	BATCH_ID=$(NIGHTMAIL_STATE=$journal batch_manager --runs --json |
		jq -r 'first(.[].batches[] | select(.collected)).id')
	restart --answer-key "$SAMPLE" --faults /dev/null
	: >"$SERVER_LOG"
}

collected() { # state-folder
	NIGHTMAIL_STATE=$1 batch_manager --runs --json |
		jq -e 'any(.[].batches[]; .collected)' >/dev/null
}

@test "downloads are found where the state folder is now" {
	export NIGHTMAIL_STATE=state-here
	half_collected
	mkdir elsewhere
	ln -s ../data elsewhere/data
	cd elsewhere
	mv ../state-here moved
	export NIGHTMAIL_STATE=moved
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	# The other batch's output alone.
	[ "$(calls GET '/v1/files/.*/content')" = 1 ]
}

@test "downloads that are gone are fetched again, and not paid for again" {
	half_collected
	rm -r "$XDG_STATE_HOME"/nightmail/runs
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[ "$(calls GET '/v1/files/.*/content')" = 2 ]
	[ "$(calls POST '.*')" = 0 ]
}

@test "--max-cost: downloads that are gone are fetched again, and counted until then" {
	half_collected
	rm -r "$XDG_STATE_HOME"/nightmail/runs
	run_batch 4 --shard-requests 2 --max-cost 1
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[ "$(calls GET '/v1/files/.*/content')" = 2 ]
	[ "$(calls POST '.*')" = 0 ]
}

@test "downloads that are gone, and their file too: said, and not paid for again" {
	half_collected
	rm -r "$XDG_STATE_HOME"/nightmail/runs
	file=$(curl -s "$SERVER_URL/v1/batches/$BATCH_ID" | jq -r .output_file_id)
	call DELETE "/v1/files/$file"
	run_batch 4 --shard-requests 2 --patience 0.5
	[ "$STATUS" = 3 ]
	[[ $ERR == *"$BATCH_ID"*'gone'* ]]
	[ "$(calls POST '.*')" = 0 ]
}
