#!/usr/bin/env bats
# All attempts were made, and some rows failed still: the results say so, and only
# these are asked again, when somebody says so. What was answered is not paid twice.
load lib
load client

# The command that was printed at the end, as it is typed.
printed() { # program
	sed -n "s/^  $1 //p" err.txt | tail -1
}

asked_by_batch() {
	jq -s '[.[] | select(.method == "POST" and .path == "/v1/batches" and
		.batch_id != null)] | length' "$SERVER_LOG"
}

state() {
	batch_manager --runs --json | jq -r '[.[].state] | join(" ")'
}

# Of four rows one fails in the only attempt.
a_run_with_a_rest() {
	faults 'row 2 of batch 1: http_error 500'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	run_batch 4 --max-attempts 1
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=4 answered=3 http_error=1 attempts=1' ]
}

@test "rest: the end names the command that asks it, and nothing else" {
	a_run_with_a_rest
	[[ $ERR == *'To ask what failed (1 of 4) once more'* ]]
	[ "$(state)" = partial ]
	local command
	command=$(printed variant0_llm_baseline)
	[[ $command == *'--batch-id batch_'*' --max-attempts 2' ]]
	# shellcheck disable=SC2086 # as printed, word by word
	variant0 $command --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
	[ "$(result '[.run.batches[].requests] | @json')" = '[4,1]' ]
	[ "$(state)" = 'done' ]
	lacks err.txt 'To ask'
}

@test "rest: the same command sends nothing, and says how to" {
	a_run_with_a_rest
	run_batch 4 --max-attempts 1
	[ "$STATUS" = 1 ]
	[[ $ERR == *'taking it up (--new asks all of it afresh)'* ]]
	[[ $ERR == *'To ask what failed (1 of 4) once more'* ]]
	[ "$(ledger)" = 'asked=4 answered=3 http_error=1 attempts=1' ]
	[ "$(asked_by_batch)" = 1 ]
	# With more attempts it asks the rest.
	run_batch 4 --max-attempts 2
	[ "$STATUS" = 0 ]
	[ "$(result '[.run.batches[].requests] | @json')" = '[4,1]' ]
}

@test "rest: the same service by an address of another form" {
	a_run_with_a_rest
	OPENAI_BASE_URL="HTTP://127.0.0.1:0${BASE_URL##*:}/"
	OPENAI_BASE_URL=${OPENAI_BASE_URL/v1/%76./../v1}
	run_batch 4 --max-attempts 2
	[ "$STATUS" = 0 ]
	[ "$(asked_by_batch)" = 2 ]
	[ "$(result '[.run.batches[].requests] | @json')" = '[4,1]' ]
}

@test "rest: directly, by the command and --finish-direct" {
	a_run_with_a_rest
	# shellcheck disable=SC2046 # as printed, word by word
	variant0 $(printed variant0_llm_baseline) --finish-direct
	[ "$STATUS" = 0 ]
	[ "$(asked_by_batch)" = 1 ]
	[ "$(calls POST /v1/chat/completions)" = 1 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
}

@test "rest: --new asks all of it, and leaves the other with its results" {
	a_run_with_a_rest
	run_batch 4 --new
	[ "$STATUS" = 0 ]
	[ "$(asked_by_batch)" = 2 ]
	[ "$(state)" = 'done done' ]
	lacks err.txt 'asked before'
}

@test "rest: a run whose rest is being asked is open, and the same command goes on" {
	a_run_with_a_rest
	faults 'on GET /v1/batches/*: status 503'
	restart --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 4 --max-attempts 2 --quiet \
		>out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	created() { [ "$(asked_by_batch)" = 2 ]; }
	wait_for 10 created
	kill -INT $pid
	wait $pid || status=$?
	[ $status = 130 ]
	[ "$(state)" = open ]
	# No look at its batch is answered there; another server lets it come.
	faults ''
	restart --faults "$FAULTS"
	run_batch 4 --max-attempts 1
	[ "$STATUS" = 0 ]
	[[ $ERR == *'is unfinished: taking it up'* ]]
	[ "$(asked_by_batch)" = 2 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
}

@test "rest: in direct mode the same command asks it, with one attempt more" {
	faults 'on POST /v1/chat/completions nth 2..4: status 500'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	# shellcheck disable=SC2034 # client.bash reads it
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	export NIGHTMAIL_CLOCK=fast=20
	variant0 --limit 5 --concurrency 1 --max-attempts 1
	[ "$STATUS" = 1 ]
	[[ $(tail -1 err.txt) == *'the same command again with --max-attempts 2.' ]]
	variant0 --limit 5 --concurrency 1 --max-attempts 1
	[ "$STATUS" = 1 ]
	[ "$(calls POST /v1/chat/completions)" = 7 ]
	variant0 --limit 5 --concurrency 1 --max-attempts 2
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 8 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=2' ]
}

@test "rest: what no attempt would bring is done, and asking all anew is told" {
	faults 'row 2 of batch 1: http_error 400 invalid_value "No"'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	run_batch 4
	[ "$STATUS" = 1 ]
	lacks err.txt 'once more'
	[ "$(state)" = 'done' ]
	run_batch 4
	[ "$STATUS" = 0 ]
	[[ $ERR == *'the same was asked before, by run '*'all of 1-hop-test is asked anew'* ]]
	[ "$(asked_by_batch)" = 2 ]
}

@test "rest: of a request file, by --wait or by the same --submit" {
	faults 'row 2 of batch 1..2: http_error 500' \
		'row 1 of batch 2: http_error 500'
	a_desk --faults "$FAULTS"
	write_input 4 work.jsonl
	manager --submit work.jsonl --json
	[ "$STATUS" = 0 ]
	local id command
	id=$(jq -r '.batches[0]' <<<"$OUT")
	manager --wait "$id" --max-attempts 1 --poll-interval 0.2
	[ "$STATUS" = 1 ]
	[[ $ERR == *'1 request of its run failed and may be sent again' ]]
	[[ $ERR == *'1 of 4 failed. To have these sent once more'* ]]
	command=$(printed batch_manager)
	[ "$command" = "--wait $id --max-attempts 2" ]
	[ "$(state)" = partial ]
	manager --download "$id" -o out.jsonl
	manager --submit work.jsonl --json
	[ "$STATUS" = 0 ]
	[[ $ERR == *'has ended but for requests that failed'* ]]
	[ "$(jq -c .batches <<<"$OUT")" = "[\"$id\"]" ]
	# shellcheck disable=SC2086 # as printed, word by word
	manager $command --poll-interval 0.2
	[[ $(printed batch_manager) == *'--max-attempts 3' ]]
	# shellcheck disable=SC2046
	manager $(printed batch_manager) --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(state)" = 'done' ]
	[ "$(asked_by_batch)" = 3 ]
	manager --download "$id" -o out.jsonl
	[ "$(jq -r 'select(.response.status_code == 200).custom_id' out.jsonl |
		paste -sd' ')" = 'r-1 r-2 r-3 r-4' ]
	manager --submit work.jsonl
	[[ $ERR == *'the same was asked before'* ]]
}
