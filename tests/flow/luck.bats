#!/usr/bin/env bats
# What may go wrong on the other side, by the server's fault scripts: nothing is
# lost, nothing is paid twice, and what is missing is told by class.
load lib
load client

# ---- rows ----

@test "every kind of row ends in its class, and the eight sum to asked" {
	faults 'row 1: http_error 500 server_error "boom"' 'row 2: expired' \
		'row 3: cancelled' 'row 4: status 0' 'row 5: refusal' \
		'row 6: truncated' 'row 7: filtered' 'row 8: prose' \
		'row 9: null' 'row 10: malformed' 'row 11: missing' \
		'row 12: doubled' 'row 13: unknown' 'row 14: renamed' \
		'row 15: fenced' 'row 16: http_error 400 bad_thing "no" in output'
	a_desk --faults "$FAULTS"
	run_batch 18 --max-attempts 1
	[ "$STATUS" = 1 ]
	[[ $ERR == *'8 of 18 questions of 1-hop-test have no answer'* ]]
	[ "$(result '[.status, .mode] | join(" ")')" = 'partial batch' ]
	[ "$(ledger)" = "asked=18 answered=4 refused=2 truncated=1 \
unparseable=3 http_error=3 expired=1 cancelled=1 missing=3 unknown=2 \
duplicate=1 malformed=1 attempts=1" ]
	[ "$(result '.ledger | .answered + .refused + .truncated +
		.unparseable + .http_error + .expired + .cancelled + .missing ==
		.asked')" = true ]
	[ "$(result '[.results[].class] | join(" ")')" = "http_error expired \
cancelled http_error refused truncated refused unparseable unparseable missing \
missing answered answered missing unparseable http_error answered answered" ]
	# The terminal agrees.
	[[ $OUT == *"Ledger: 18 asked: 4 answered, 2 refused, 1 truncated, \
3 unparseable, 3 http_error, 1 expired, 1 cancelled, 3 missing"* ]]
	[[ $OUT == *'2 unknown, 1 duplicate, 1 malformed'* ]]
	[[ $OUT == *'3 × unparseable'* ]]
	[[ $OUT == *'1 × 500 server_error: boom'* ]]
	[[ $OUT == *'could be read by --lenient'* ]]
	# Reasons, by class, status and code.
	[ "$(result '[.ledger.reasons[] | select(.status == 500 or
		.status == 400) | "\(.class) \(.status) \(.code) \(.count)"] |
		sort | join(",")')" = \
		'http_error 400 bad_thing 1,http_error 500 server_error 1' ]
	[ "$(result '[.ledger.reasons[].count] | add')" = 14 ]
	# Headline over all, the other over those answered, and the bounds.
	[ "$(result '.metrics | .total_questions == 18 and .accuracy_low ==
		.accuracy and .accuracy_high == .accuracy + 8 / 18')" = true ]
	[ "$(result '[.results[] | select(.class != "answered") |
		.predicted_answers | length] | add')" = 0 ]
	[ "$(result '.results[0].error | "\(.status) \(.code) \(.message)"')" = \
		'500 server_error boom' ]
}

@test "what the service failed is asked again, and that alone" {
	faults 'row 2 of batch 1: http_error 500 server_error' \
		'row 3 of batch 1: missing' 'row 4 of batch 1: malformed' \
		'row 5 of batch 1: expired' 'row 6 of batch 1: status 0' \
		'row 7 of batch 1: prose' \
		'row 8 of batch 1: http_error 400 bad'
	a_desk --faults "$FAULTS"
	run_batch 9
	# A 400 is for good: it stays, and the run is partial.
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = "asked=9 answered=7 unparseable=1 http_error=1 \
malformed=1 attempts=2" ]
	[ "$(calls POST /v1/batches)" = 2 ]
	[ "$(result '[.run.batches[] | "\(.attempt):\(.requests)"] |
		join(" ")')" = '1:9 2:5' ]
	[[ $ERR == *'5 of 9 are asked again (attempt 2)'* ]]
	[ "$(result '[.results[].class] | join(" ")')" = "answered answered \
answered answered answered answered unparseable http_error answered" ]
}

@test "max-attempts is the end of it" {
	faults 'row all: http_error 503 overloaded "busy"'
	a_desk --faults "$FAULTS"
	run_batch 3 --max-attempts 2
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=3 http_error=3 attempts=2' ]
	[ "$(calls POST /v1/batches)" = 2 ]
	[ "$(result '.metrics.accuracy == 0')" = true ]
}

@test "reask: what could not be read is asked again, within its number" {
	faults 'row 1 of batch 1: prose' 'row 2 of batch 1: truncated' \
		'row 3 of batch 1: refusal'
	a_desk --faults "$FAULTS"
	run_batch 4 --reask 1
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=3 refused=1 attempts=2' ]
	[ "$(result '[.run.batches[].requests] | join(" ")')" = '4 2' ]
}

@test "lenient reads fenced answers" {
	faults 'row all: fenced'
	a_desk --faults "$FAULTS"
	run_batch 3 --lenient
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(result .run.request.reading)" = lenient ]
}

@test "refusals and unreadable answers alone are a complete run" {
	faults 'row 1: refusal' 'row 2: truncated' 'row 3: prose'
	a_desk --faults "$FAULTS"
	run_batch 4
	[ "$STATUS" = 0 ]
	[ "$(result .status)" = completed ]
	[ "$(ledger)" = \
		'asked=4 answered=1 refused=1 truncated=1 unparseable=1 attempts=1' ]
}

@test "rows in any order are joined by their id" {
	a_desk --answer-key "$SAMPLE"
	run_batch 20
	local straight
	straight=$(result '[.metrics.accuracy, .results]')
	stop_server
	faults 'order shuffled seed 3'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	run_batch 20
	[ "$STATUS" = 0 ]
	[ "$(jq -r .custom_id "$(result '.run.raw[0]')" | head -3 |
		paste -sd' ')" != 'request-0 request-1 request-2' ]
	[ "$(result '[.metrics.accuracy, .results]')" = "$straight" ]
}

# ---- batches ----

@test "counts that are wrong, and ids that are empty, mislead nobody" {
	local rule
	for rule in 'counts wrong' 'counts null' 'counts total=0 completed=0' \
		'ids empty'; do
		faults "$rule"
		a_desk --faults "$FAULTS"
		run_batch 3
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		stop_server
	done
}

@test "failed: the errors, their line, and the question on it" {
	faults 'fail invalid_json_line "This line is not JSON." line 3'
	a_desk --faults "$FAULTS"
	run_batch 5
	[ "$STATUS" = 1 ]
	[[ $ERR == *'failed at line 3 of its input: invalid_json_line'* ]]
	[[ $ERR == *"line 3 asks: $(sed -n 3p "$SAMPLE" | cut -f1)"* ]]
	[[ $ERR == *'no batch of 1-hop-test brought a result'* ]]
	[ ! -e "$RESULTS" ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "failed at each line: the first ten are shown" {
	a_desk --models gpt-5-mini
	run_batch 30 --model nosuch
	[ "$STATUS" = 1 ]
	[ "$(grep -c ' failed at line ' err.txt)" = 10 ]
	[[ $ERR == *' has 20 more errors ('* ]]
}

@test "failed: one of two datasets does not keep the other back" {
	faults 'fail bad_file "No." of batch 1'
	a_desk --faults "$FAULTS"
	run_batch 3 --datasets 1-hop 2-hop
	[ "$STATUS" = 1 ]
	[ ! -e "$RESULTS" ]
	RESULTS=results/variant0_llm_baseline_2-hop-test_batch.json
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "one dataset of three is refused: the batch that was made is told" {
	faults 'on POST /v1/batches nth 2: status 400 body "{\"error\":{\"message\":\"No such luck.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":null}}"'
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 2 --datasets 1-hop 2-hop 3-hop --dry-run
	[ "$STATUS" = 4 ]
	says 'No such luck'
	says '2-hop-test'
	[ "$(ids_of "$OUT" | wc -l)" = 1 ]
	[[ $OUT == *'Dataset: 1-hop-test'* ]]
	local first=$OUT
	# The same command goes on with what is left.
	variant0 --mode batch --limit 2 --datasets 1-hop 2-hop 3-hop --dry-run
	[ "$STATUS" = 0 ]
	[ "$(ids_of "$OUT" | head -1)" = "$(ids_of "$first")" ]
	[ "$(ids_of "$OUT" | wc -l)" = 3 ]
	call GET /v1/batches
	[ "$(member '.data | length')" = 3 ]
	# Where it would have waited, the command that resumes is told.
	restart --faults "$FAULTS"
	run_batch 3 --datasets 1-hop 2-hop
	[ "$STATUS" = 4 ]
	[[ $ERR == *'--mode batch --batch-id batch_'* ]]
	[[ $ERR == *'No such luck'* ]]
}

@test "expired: what was finished is scored, the rest is asked again" {
	faults 'in_progress 25h of batch 1' 'row 3..4 of batch 1: expired'
	# A day in less than a second.
	a_desk --clock fast=100000 --faults "$FAULTS"
	run_batch 4 --max-attempts 1
	[ "$STATUS" = 1 ]
	[[ $ERR == *'expired: what it had finished is kept'* ]]
	[ "$(result .status)" = partial ]
	[ "$(ledger)" = 'asked=4 answered=2 expired=2 attempts=1' ]
	[ "$(result '.run.batches[0].status')" = expired ]
	restart
	run_batch 4
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
	[ "$(result '[.run.batches[] | "\(.status) \(.requests)"] |
		join(",")')" = 'expired 4,completed 2' ]
	# Once, and not again after each attempt.
	[ "$(grep -c 'expired: what it had finished is kept' err.txt)" = 1 ]
}

@test "cancelled by another: scored as it is, not asked again by itself" {
	faults 'pace 2/s of batch 1'
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 40 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	begun() {
		call GET "/v1/batches/$BATCH_ID"
		[ "$(member .request_counts.completed)" -ge 1 ]
	}
	wait_for 10 begun
	call POST "/v1/batches/$BATCH_ID/cancel"
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 1 ]
	[[ $ERR == *'was cancelled'* ]]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(result '.ledger | .answered >= 1 and .cancelled >= 20 and
		.answered + .cancelled == 40')" = true ]
	[ "$(result .status)" = partial ]
	# Told again, it stays so; at somebody's word the rest is asked, and only that.
	local answered command
	answered=$(result .ledger.answered)
	command=$(sed -n 's/^  variant0_llm_baseline //p' err.txt | tail -1)
	[[ $command == *"--batch-id $BATCH_ID"*' --max-attempts '* ]]
	variant0 --mode batch --batch-id "$BATCH_ID"
	[ "$STATUS" = 1 ]
	variant0 --mode batch --limit 40 --max-attempts 9
	[ "$STATUS" = 1 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	# shellcheck disable=SC2086 # as printed, word by word
	variant0 $command --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=40 answered=40 attempts=2' ]
	[ "$(result '[.run.batches[].requests] | @json')" = \
		"[40,$((40 - answered))]" ]
}

# It brought rows of what it did not do, or no file at all.
finish_cancelled() { # rule [command-before-the-cancel]
	faults "$1"
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 10 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	${2-:}
	call POST "/v1/batches/$BATCH_ID/cancel"
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2 \
		--finish-direct --max-attempts 5
	[ "$STATUS" = 1 ]
	[ "$(calls POST /v1/chat/completions)" = 0 ]
	variant0 --mode batch --batch-id "$BATCH_ID" --finish-direct
	[ "$STATUS" = 0 ]
	[ "$(result .ledger.answered)" = 10 ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "cancelled by another: --finish-direct is a word too, but not while it is waited for" {
	begun() { wait_for 20 batch_is in_progress; }
	finish_cancelled 'pace 2/s of batch 1' begun
}

@test "cancelled by another before it began: its rest is all of it" {
	finish_cancelled 'validating 1h of batch 1'
}

@test "cancelled by another before it began: the end names the command that asks it" {
	faults 'validating 1h of batch 1'
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 4 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	call POST "/v1/batches/$BATCH_ID/cancel"
	local command
	for _ in 1 2; do
		variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
		[ "$STATUS" = 1 ]
		# Nothing of it is done, however often it is looked at.
		[[ $ERR == *'cancelled: 0 of 4'* ]]
		[[ $ERR == *'To ask what was cancelled (4 of 4), and nothing else'* ]]
		command=$(sed -n 's/^  variant0_llm_baseline //p' err.txt)
	done
	[ "$(calls POST /v1/batches)" = 1 ]
	# shellcheck disable=SC2086 # as printed, word by word
	variant0 $command --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
	[ "$(calls POST /v1/batches)" = 2 ]
}
