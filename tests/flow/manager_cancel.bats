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

@test "two at once: neither is cancelled, and the first not passed over" {
	a_desk --delay-in-progress 1000
	local action
	for action in --cancel --status --wait --errors --download; do
		manager $action batch_a $action batch_b
		[ "$STATUS" = 2 ]
		says "$action is given twice: one at a time"
	done
	[ ! -s "$SERVER_LOG" ]
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
	is_cancelled() {
		manager --status "$id" --local
		grep -q '^Status  *cancelled$' out.txt
	}
	wait_for 10 is_cancelled
}

# The newest run of this machine.
the_run() {
	manager --runs --json
	RUN=$(jq -r '.[0].id' out.txt)
}

run_is() { # state
	manager --runs --json
	[ "$(jq -r --arg run "$RUN" '.[] | select(.id == $run).state' \
		out.txt)" = "$1" ]
}

@test "a run is given up with all its batches: the same command begins another" {
	a_desk --delay-in-progress 1000
	variant0 --mode batch --limit 3 --shard-requests 2 --dry-run
	the_run
	manager --cancel "$RUN"
	[ "$STATUS" = 0 ]
	[ "$OUT" = "run $RUN is given up: the same command begins another one. Of its \
2 batches 2 are being cancelled, which may take 10 minutes; what they had finished \
is kept." ]
	run_is left
	[ "$(calls POST '/v1/batches/.*/cancel')" = 2 ]
	manager --cancel "$RUN"
	[ "$STATUS" = 1 ]
	says "run $RUN is already left"
	variant0 --mode batch --limit 3 --shard-requests 2 --dry-run
	[ "$STATUS" = 0 ]
	lacks err.txt unfinished
	[ "$(calls POST /v1/batches)" = 4 ]
}

@test "a run of which a part is not sent yet is given up too, and tells JSON" {
	faults 'quota creations 1/h' 'in_progress forever'
	a_desk --faults "$FAULTS"
	local id
	(exec variant0_llm_baseline --mode batch --limit 3 --shard-requests 2 \
		>/dev/null 2>&1 3>&-) &
	local pid=$!
	one_made() { [ "$(calls POST /v1/batches)" -ge 2 ]; }
	wait_for 10 one_made
	the_run
	manager --cancel "$RUN"
	[ "$STATUS" = 5 ]
	says "run $RUN is being driven by process $pid"
	kill -9 $pid
	wait $pid || true
	manager --cancel "$RUN" --json --patience 1
	[ "$STATUS" = 0 ]
	[ "$(jq -r '[.id, .state, (.batches | length), .batches[0].outcome] |
		join(" ")' out.txt)" = "$RUN left 1 cancelling" ]
	echo 'in_progress forever' >"$FAULTS"
	call POST /_control/faults
	variant0 --mode batch --limit 3 --shard-requests 2 --dry-run
	lacks err.txt unfinished
	[ "$(ids_of "$OUT" | wc -l)" = 2 ]
}

@test "a batch that was made though its creation was refused is cancelled with its run" {
	# Which the lists show late.
	faults 'on POST /v1/batches nth 2: act then status 429' \
		'on POST /v1/batches nth 3..: status 429' 'in_progress forever' \
		'on GET /v1/batches nth 1..2: status 200 body "{\"data\":[]}"'
	a_desk --faults "$FAULTS"
	(exec variant0_llm_baseline --mode batch --limit 3 --shard-requests 2 \
		>/dev/null 2>waits.txt 3>&-) &
	local pid=$!
	is_refused() { batch_manager --runs | grep -q '429'; }
	wait_for 10 is_refused
	the_run
	kill -9 $pid
	wait $pid || true
	manager --cancel "$RUN" --json
	[ "$STATUS" = 0 ]
	[ "$(jq -r '[.state, (.batches | length)] | join(" ")' out.txt)" = 'left 2' ]
	[[ $ERR == *'shard 2 was submitted, though it was refused'* ]]
	call GET /v1/batches
	[ "$(member '[.data[] | select(.status | startswith("cancel"))] | length')" = 2 ]
}

@test "what was refused of a run is looked for once as long as all of it, and Ctrl-C ends that" {
	faults 'on POST /v1/batches nth 2..: status 429' 'in_progress forever'
	a_desk --faults "$FAULTS"
	(exec variant0_llm_baseline --mode batch --limit 3 --shard-requests 1 \
		>/dev/null 2>waits.txt 3>&-) &
	local pid=$!
	is_refused() { batch_manager --runs | grep -q '429'; }
	wait_for 10 is_refused
	the_run
	kill -9 $pid
	wait $pid || true
	: >"$SERVER_LOG"
	batch_manager --cancel "$RUN" --patience 1h >/dev/null 2>err.txt 3>&- &
	pid=$!
	looked() { [ "$(calls GET /v1/batches)" -ge 2 ]; }
	wait_for 10 looked
	kill -INT $pid
	STATUS=0
	wait $pid || STATUS=$?
	[ "$STATUS" = 130 ]
	run_is open
	[ "$(calls POST '.*')" = 0 ]
	NIGHTMAIL_CLOCK=fast=100 manager --cancel "$RUN"
	[ "$STATUS" = 0 ]
	says 'looking for its tag'
	run_is left
	[ "$(calls POST '/v1/batches/.*/cancel')" = 1 ]
	[ "$(calls POST '/v1/batches')" = 0 ]
	manager --status batch_1 --patience 1
	[ "$STATUS" = 2 ]
	says '--patience goes with --submit, --wait or --cancel, not with --status'
}

@test "a run of which a creation was refused is given up where there are no lists, too" {
	local status pid
	for status in 404 405 501; do
		faults 'on POST /v1/batches: status 429' \
			"on GET /v1/batches: status $status"
		rm -rf xdg state waits.txt
		a_desk --faults "$FAULTS"
		variant0_llm_baseline --mode batch --limit 3 >/dev/null \
			2>waits.txt 3>&- &
		pid=$!
		wait_for 10 grep -qs 'trying again' waits.txt
		kill -9 $pid
		wait $pid || true
		the_run
		manager --cancel "$RUN" --json
		[ "$STATUS" = 0 ]
		[ "$(jq -r .state out.txt)" = left ]
		stop_server
	done
}

@test "a run whose downloads' folder is gone is given up, and a holder is named if known" {
	faults 'in_progress forever'
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 2 --dry-run
	the_run
	local runs=$XDG_STATE_HOME/nightmail/runs
	: >"$runs/$RUN.lock"
	exec 9<>"$runs/$RUN.lock"
	flock -n 9
	manager --cancel "$RUN" 9>&-
	[ "$STATUS" = 5 ]
	says 'driven by another process: wait for it'
	exec 9>&-
	rm -r "$runs"
	manager --cancel "$RUN"
	[ "$STATUS" = 0 ]
	run_is left
}

@test "a run that is done, of another service or unknown is not given up" {
	a_desk
	run_batch 2
	the_run
	manager --cancel "$RUN"
	[ "$STATUS" = 1 ]
	says "run $RUN is already done; there is nothing left to cancel"
	manager --cancel 0123456789ab
	[ "$STATUS" = 4 ]
	says "no run 0123456789ab"
	variant0 --mode batch --limit 1 --dry-run
	the_run
	OPENAI_API_KEY=sk-another manager --cancel "$RUN"
	[ "$STATUS" = 2 ]
	says "run $RUN was sent with another key, or to another service"
	run_is open
	# A service that cannot be asked leaves it as it was.
	stop_server
	manager --cancel "$RUN"
	[ "$STATUS" = 4 ]
	run_is open
}

@test "nothing of a run is cancelled while one of its batches may be there unseen" {
	faults 'on POST /v1/batches nth 2: act then lose reply' \
		'on GET /v1/batches: status 502' 'in_progress forever'
	a_desk --faults "$FAULTS"
	(exec variant0_llm_baseline --mode batch --limit 3 --shard-requests 2 \
		>/dev/null 2>&1 3>&-) &
	local pid=$!
	looked() { [ "$(calls GET /v1/batches)" -ge 1 ]; }
	wait_for 10 looked
	kill -9 $pid
	wait $pid || true
	the_run
	manager --cancel "$RUN"
	[ "$STATUS" = 1 ]
	says "a batch of run $RUN may have been made"
	[ "$(calls POST '/v1/batches/.*/cancel')" = 0 ]
	run_is open
	echo 'in_progress forever' >"$FAULTS"
	call POST /_control/faults
	variant0 --mode batch --limit 3 --shard-requests 2 --dry-run
	[ "$STATUS" = 0 ]
	manager --cancel "$RUN"
	[ "$STATUS" = 0 ]
	run_is left
	[ "$(calls POST '/v1/batches/.*/cancel')" = 2 ]
	[ "$(calls POST /v1/batches)" = 2 ]
}

@test "the batches of a run that --new left are cancelled, too, and then nothing is left" {
	a_desk --delay-in-progress 1000
	variant0 --mode batch --limit 3 --shard-requests 2 --dry-run
	the_run
	variant0 --mode batch --limit 3 --new --dry-run
	run_is left
	manager --cancel "$RUN"
	[ "$STATUS" = 0 ]
	[ "$OUT" = "run $RUN was given up before. Of its 2 batches 2 are being \
cancelled, which may take 10 minutes; what they had finished is kept." ]
	[ "$(calls POST '/v1/batches/.*/cancel')" = 2 ]
	manager --cancel "$RUN"
	[ "$STATUS" = 1 ]
	says "run $RUN is already left; there is nothing left to cancel"
	[ "$(calls POST '/v1/batches/.*/cancel')" = 2 ]
	manager --runs --json
	[ "$(jq -r 'map(.state) | sort | join(" ")' out.txt)" = 'left open' ]
}

@test "a batch of a run that --new left is looked for where no reply told of it" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches: status 502' 'in_progress forever'
	a_desk --faults "$FAULTS"
	(exec variant0_llm_baseline --mode batch --limit 3 >/dev/null 2>&1 3>&-) &
	local pid=$!
	looked() { [ "$(calls GET /v1/batches)" -ge 1 ]; }
	wait_for 10 looked
	kill -9 $pid
	wait $pid || true
	the_run
	echo 'in_progress forever' >"$FAULTS"
	call POST /_control/faults
	variant0 --mode batch --limit 3 --new --dry-run
	[ "$STATUS" = 0 ]
	manager --cancel "$RUN" --json
	[ "$STATUS" = 0 ]
	[ "$(jq -r '[.state, .batches[].outcome] | join(" ")' out.txt)" = \
		'left cancelling' ]
	call GET /v1/batches
	[ "$(member '.data | length')" = 2 ]
	[ "$(member '[.data[] | select(.status | startswith("cancel"))] | length')" = 1 ]
	# Looked for, and not sent again.
	[ "$(calls POST /v1/batches)" = 2 ]
}
