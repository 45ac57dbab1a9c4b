#!/usr/bin/env bats
# batch_manager --cancel: what became of the wish, and what is kept.
load lib
load client

a_batch() { # n
	write_input "$1" in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
}

@test "one in progress is cancelled; what is finished is kept" {
	a_desk --delay-in-progress 1000 --delay-cancelling 1000
	a_batch 3
	wait_for 10 batch_is in_progress
	manager --cancel "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ -z "$ERR" ]
	[[ $(head -1 out.txt) == "$BATCH_ID is being cancelled"*"finished is kept." ]]
	[ "$(tail -1 out.txt)" = "  batch_manager --status $BATCH_ID" ]
	batch_is cancelling
}

@test "twice is once" {
	a_desk --delay-in-progress 1000 --delay-cancelling 1000
	a_batch 1
	manager --cancel "$BATCH_ID"
	[ "$STATUS" = 0 ]
	manager --cancel "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[[ $OUT == *'is being cancelled'* ]]
}

@test "a cancelled one stays so" {
	a_desk --delay-in-progress 1000
	a_batch 1
	manager --cancel "$BATCH_ID"
	wait_for 10 batch_is cancelled
	manager --cancel "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[[ $OUT == *'is cancelled; what it had finished is kept'* ]]
}

@test "a completed one is said to be already completed: exit 1" {
	a_desk
	a_batch 1
	wait_for 10 batch_is completed
	manager --cancel "$BATCH_ID"
	[ "$STATUS" = 1 ]
	[ -z "$OUT" ]
	says "$BATCH_ID is already completed"
	# The 409 is an answer and is not asked for again.
	[ "$(calls POST '/v1/batches/.*/cancel')" = 1 ]
}

@test "a failed one is said to be already failed: exit 1" {
	a_desk
	printf '{"custom_id":"a"}\nnonsense\n' >in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 10 batch_is failed
	manager --cancel "$BATCH_ID"
	[ "$STATUS" = 1 ]
	says "$BATCH_ID is already failed"
}

@test "an expired one is said to be already expired: exit 1" {
	a_desk --clock step --delay-in-progress 100000
	a_batch 1
	call POST /_control/clock -d '{"advance":"25h"}'
	wait_for 10 batch_is expired
	manager --cancel "$BATCH_ID"
	[ "$STATUS" = 1 ]
	says "$BATCH_ID is already expired"
}

@test "--json tells the batch and the outcome, in each case" {
	a_desk --delay-in-progress 1000 --delay-cancelling 1000
	a_batch 1
	manager --cancel "$BATCH_ID" --json
	[ "$STATUS" = 0 ]
	[ "$(jq -r '[.id, .status, .outcome] | join(" ")' out.txt)" = \
		"$BATCH_ID cancelling cancelling" ]
	stop_server
	start_server --delay-in-progress 0
	export OPENAI_BASE_URL=$BASE_URL
	a_batch 1
	wait_for 10 batch_is completed
	manager --cancel "$BATCH_ID" --json
	[ "$STATUS" = 1 ]
	[ "$(jq -r '[.status, .outcome] | join(" ")' out.txt)" = \
		'completed completed' ]
	says 'is already completed'
}

@test "an unknown id is exit 4" {
	a_desk
	manager --cancel batch_nope
	[ "$STATUS" = 4 ]
	says "No batch found with id 'batch_nope'"
}

@test "--local: dry run, then cancel, then status" {
	ln -s "$NM_SOURCE/data" data
	variant0 --mode batch --limit 5 --dry-run --local
	local id
	id=$(ids_of "$OUT")
	manager --cancel "$id" --local
	[ "$STATUS" = 0 ]
	[ "$(tail -1 out.txt)" = "  batch_manager --status $id --local" ]
	sleep 2.5
	manager --status "$id" --local
	grep -q '^Status  *cancelled$' out.txt
}
