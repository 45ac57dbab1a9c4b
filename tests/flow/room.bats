#!/usr/bin/env bats
# The service has no room for what is sent, now or ever: a shard waits, or goes in
# smaller parts; refused creations stay few, and no attempt is used up.
load lib
load client

made() { # path member
	logged ".method == \"POST\" and .path == \"$1\" and .$2 != null"
}

ROOM='Enqueued token limit reached for m in organization o. Limit: 2,000,000 enqueued tokens. Please try again once some in_progress batches have been completed.'

@test "a shard above the limit of requests is split by it" {
	faults 'quota requests 2'
	a_desk --faults "$FAULTS" --clock fast=50
	NIGHTMAIL_CLOCK=fast=50 run_batch 5
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[[ $ERR == *'split into 3'* ]]
	# What is sent again has not failed.
	lacks err.txt 'failed: 0 of 5'
	[ "$(calls POST /v1/files)" = 4 ]
	[ "$(calls POST /v1/batches)" = 4 ]
	# It is kept: the next run is cut to fit from the start.
	: >"$SERVER_LOG"
	NIGHTMAIL_CLOCK=fast=50 run_batch 5
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 3 ]
}

@test "a lone shard that is refused though it should fit is split in the end" {
	faults "fail token_limit_exceeded \"$ROOM\" of batch 1..3"
	a_desk --faults "$FAULTS" --clock fast=50
	NIGHTMAIL_CLOCK=fast=50 run_batch 6
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
	[[ $ERR == *'split into 2'* ]]
	[ "$(calls POST /v1/files)" = 3 ]
	[ "$(calls POST /v1/batches)" = 5 ]
	[ "$(result '[.run.batches[].requests] | @json')" = '[3,3]' ]
}

@test "a shard waits as long as others are at work in the account" {
	faults 'in_progress forever of batch 1' \
		"fail token_limit_exceeded \"$ROOM\" of batch 2..5"
	a_desk --faults "$FAULTS" --clock fast=50
	variant0 --mode batch --limit 2 --datasets 2-hop --dry-run
	: >"$SERVER_LOG"
	NIGHTMAIL_CLOCK=fast=50 run_batch 6
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
	[ "$(calls POST /v1/files)" = 1 ]
	[ "$(calls POST /v1/batches)" = 5 ]
	lacks err.txt 'split into'
}

@test "a single request above the limit is told, whoever else is at work" {
	faults 'in_progress forever' 'quota tokens 2'
	a_desk --clock fast=50
	variant0 --mode batch --limit 1 --datasets 2-hop --dry-run
	restart --clock fast=50 --faults "$FAULTS"
	: >"$SERVER_LOG"
	NIGHTMAIL_CLOCK=fast=50 run_batch 1
	[ "$STATUS" = 1 ]
	[[ $ERR == *'Limit: 2 enqueued tokens'* ]]
	[ "$(calls POST /v1/batches)" = 3 ]
}

@test "a service without a list of batches: split all the same" {
	faults "fail token_limit_exceeded \"$ROOM\" of batch 1..3" \
		'on GET /v1/batches: status 404'
	a_desk --faults "$FAULTS" --clock fast=50
	NIGHTMAIL_CLOCK=fast=50 run_batch 6
	[ "$STATUS" = 0 ]
	[ "$(result '[.run.batches[].requests] | @json')" = '[3,3]' ]
}

@test "after a refusal one goes ahead, and the others stay" {
	faults 'validating 1s' \
		"fail token_limit_exceeded \"$ROOM\" of batch 1..6"
	a_desk --faults "$FAULTS" --clock fast=50
	NIGHTMAIL_CLOCK=fast=50 run_batch 4 --shard-requests 1
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	# All four at first; then one at a time, each after a longer pause.
	[ "$(calls POST /v1/files)" = 4 ]
	[ "$(calls POST /v1/batches)" = 10 ]
	[ "$(jq -s '[.[] | select(.method == "POST" and
		.path == "/v1/batches").at_ms] | [.[5] - .[4], .[6] - .[5]] |
		all(. > 300)' "$SERVER_LOG")" = true ]
}

@test "a file that is too large for a proxy is sent in halves" {
	faults 'on POST /v1/files nth 1..2: status 413 body "<html>Too large</html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 run_batch 6
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
	[[ $ERR == *'413: Too large'*'sent in smaller parts'* ]]
	[ "$(made /v1/files file_id)" = 3 ]
	[ "$(made /v1/batches batch_id)" = 3 ]
}

@test "a single request that is too large is told, and nothing is tried again" {
	faults 'on POST /v1/files: status 413 body "<html>Too large</html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 run_batch 2
	[ "$STATUS" = 4 ]
	[ "$(calls POST /v1/files)" = 2 ]
	[ "$(calls POST /v1/batches)" = 0 ]
	[[ $ERR == *'413: Too large'*'while uploading shard 2'* ]]
}
