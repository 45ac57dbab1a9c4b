#!/usr/bin/env bats
# Batches that do not come to their end: gone, stuck beyond their window, or ended
# without a word of their files. What the others brought is kept, and nothing is paid
# twice before its time.
load lib
load client

# A run of two batches, of which nothing was fetched yet; sets IDS.
two_batches() {
	faults ''
	a_desk --clock fast=2000 --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=2000
	variant0 --mode batch --limit 4 --shard-requests 2 --dry-run
	[ "$STATUS" = 0 ]
	mapfile -t IDS < <(ids_of "$OUT")
}

# Writes the script by which the first batch is seen as the jq filter has it.
seen_as() { # filter which more-rules...
	local body
	call GET "/v1/batches/${IDS[0]}"
	body=$(jq -c "$1" "$BODY" | sed 's/"/\\"/g')
	faults "on GET /v1/batches/${IDS[0]} $2: status 200 body \"$body\"" \
		"${@:3}"
	call POST /_control/faults
	[ "$STATUS" = 200 ]
}

STUCK='.status = "finalizing" | .expires_at = .created_at - 86400 |
	.output_file_id = null | .error_file_id = null'

@test "gone: what the others brought is scored and kept, and the run goes on" {
	two_batches
	faults "on GET /v1/batches/${IDS[0]}: status 404"
	call POST /_control/faults
	run_batch 4 --shard-requests 2
	[ "$STATUS" = 4 ]
	[[ $ERR == *"looking at ${IDS[0]} (if it is gone for good"* ]]
	[[ $ERR == *'--finish-direct'* ]]
	[ "$(ledger)" = 'asked=4 answered=2 missing=2 attempts=1' ]
	[ "$(result .status)" = partial ]
	# It was there after all: nothing was asked again.
	faults ''
	call POST /_control/faults
	run_batch 4 --shard-requests 2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 2 ]
}

@test "gone: --finish-direct asks what it had, and that alone" {
	two_batches
	faults "on GET /v1/batches/${IDS[0]}: status 404"
	call POST /_control/faults
	variant0 --mode batch --batch-id "${IDS[1]}" --finish-direct
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
	[ "$(calls POST /v1/chat/completions)" = 2 ]
	[ "$(calls POST /v1/batches)" = 2 ]
}

@test "gone: the only one there is brings no results, but it can be asked directly" {
	faults ''
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 3 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	faults "on GET /v1/batches/$BATCH_ID: status 404"
	call POST /_control/faults
	NIGHTMAIL_CLOCK=fast=20 run_batch 3
	[ "$STATUS" = 4 ]
	[ ! -e "$RESULTS" ]
	NIGHTMAIL_CLOCK=fast=20 run_batch 3 --finish-direct
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=2' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "gone: a file's other batches are followed to their end all the same" {
	faults ''
	a_desk --clock fast=2000 --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=2000
	write_input 4 work.jsonl
	manager --submit work.jsonl --shard-requests 2 --json
	mapfile -t IDS < <(jq -r '.batches[]' <<<"$OUT")
	faults "on GET /v1/batches/${IDS[0]}: status 404"
	call POST /_control/faults
	manager --wait "${IDS[1]}"
	[ "$STATUS" = 4 ]
	[[ $ERR == *"looking at ${IDS[0]} (if it is gone for good"* ]]
	[ "$(calls GET '/v1/files/.*/content')" = 1 ]
}

# From then on the batch is seen as it is.
unstick_when_cancelled() { # rule...
	cancelled() { [ "$(calls POST "/v1/batches/.*/cancel")" = 1 ]; }
	wait_for 20 cancelled
	faults "$@"
	call POST /_control/faults
}

@test "stuck: cancelled, what it had finished is kept, and the rest is asked again" {
	faults 'pace 2/h'
	a_desk --clock fast=2000 --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=2000
	variant0 --mode batch --limit 8 --dry-run
	mapfile -t IDS < <(ids_of "$OUT")
	seen_as "$STUCK" 'every 1' 'pace 2/h'
	unstick_when_cancelled 'pace 2/h' 3>&- &
	local unsticking=$!
	run_batch 8 --outage 1h --poll-interval 10m
	wait $unsticking
	[ "$STATUS" = 0 ]
	[[ $ERR == *"nothing moves: cancelling ${IDS[0]}"* ]]
	[ "$(calls POST "/v1/batches/${IDS[0]}/cancel")" = 1 ]
	[ "$(calls POST /v1/batches)" = 2 ]
	[ "$(ledger)" = 'asked=8 answered=8 attempts=2' ]
	[ "$(result '.run.batches[0].status')" = cancelled ]
	[ "$(result '.run.batches[1].requests | . > 0 and . < 8')" = true ]
}

@test "stuck: one that does not even let itself be cancelled is given up" {
	two_batches
	seen_as "$STUCK" 'every 1'
	run_batch 4 --shard-requests 2 --outage 2h --poll-interval 10m
	[ "$STATUS" = 0 ]
	[[ $ERR == *"${IDS[0]} was cancelled and does not end"* ]]
	[ "$(calls POST "/v1/batches/${IDS[0]}/cancel")" = 1 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
	[ "$(result '[.run.batches[].requests] | @json')" = '[2,2,2]' ]
}

@test "late, but it moves: let be" {
	two_batches
	local looks=() i
	for i in 1 2 3 4 5 6 7 8; do
		seen_as "$STUCK | .request_counts.completed = $((i % 2))" "nth $i"
		looks+=("$(head -1 "$FAULTS")")
	done
	faults "${looks[@]}"
	call POST /_control/faults
	run_batch 4 --shard-requests 2 --outage 2h --poll-interval 1h
	[ "$STATUS" = 0 ]
	[ "$(calls POST '/v1/batches/.*/cancel')" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
}

@test "completed, and the files are named later: nothing is asked again" {
	two_batches
	wait_for 10 batch_is_over "${IDS[0]}"
	seen_as '.output_file_id = null' 'nth 1..3'
	# Half a minute of a person's: the three looks come within it.
	NIGHTMAIL_CLOCK=fast=100 run_batch 4 --shard-requests 2 --patience 60m
	[ "$STATUS" = 0 ]
	[[ $ERR == *'names no file of them'* ]]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 2 ]
}

@test "completed, and the files are never named: bounded, and asked again" {
	two_batches
	wait_for 10 batch_is_over "${IDS[0]}"
	seen_as '.output_file_id = ""' 'every 1'
	run_batch 4 --shard-requests 2
	[ "$STATUS" = 0 ]
	[[ $ERR == *'rows and names no file of them, while trying for '*': counted as missing'* ]]
	[[ $ERR != *'it went well again'* ]]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
	[ "$(calls POST /v1/batches)" = 3 ]
}

batch_is_over() { # id
	call GET "/v1/batches/$1"
	[ "$(member .status)" = completed ]
}
