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
	faults 'row 2: http_error 500 server_error of batch 1' \
		'row 3: missing of batch 1' 'row 4: malformed of batch 1' \
		'row 5: expired of batch 1' 'row 6: status 0 of batch 1' \
		'row 7: prose of batch 1' \
		'row 8: http_error 400 bad of batch 1'
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
	[ "$(result '.metrics.accuracy')" = 0 ]
}

@test "reask: what could not be read is asked again, within its number" {
	faults 'row 1: prose of batch 1' 'row 2: truncated of batch 1' \
		'row 3: refusal of batch 1'
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

@test "failed: one of two datasets does not keep the other back" {
	faults 'fail bad_file "No." of batch 1'
	a_desk --faults "$FAULTS"
	run_batch 3 --datasets 1-hop 2-hop
	[ "$STATUS" = 1 ]
	[ ! -e "$RESULTS" ]
	RESULTS=results/variant0_llm_baseline_2-hop-test_batch.json
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "expired: what was finished is scored, the rest is asked again" {
	faults 'pace 1/s of batch 1' 'in_progress 1s of batch 1'
	# A day in less than a second.
	a_desk --clock fast=100000 --faults "$FAULTS"
	run_batch 3 --max-attempts 1
	local status=$STATUS
	[ "$status" = 0 ] || [ "$status" = 1 ]
	stop_server
	faults 'in_progress 25h of batch 1'
	a_desk --clock fast=100000 --faults "$FAULTS"
	run_batch 4 --new --max-attempts 1
	[ "$STATUS" = 1 ]
	[[ $ERR == *'expired: what it had finished is kept'* ]]
	[ "$(result .status)" = partial ]
	[ "$(result .ledger.expired)" = 4 ]
	[ "$(result '.run.batches[0].status')" = expired ]
	run_batch 4 --new
	[ "$STATUS" = 0 ]
	[ "$(result .ledger.answered)" = 4 ]
}

@test "cancelled by another: scored as it is, not asked again" {
	a_desk --delay-in-progress 1000
	variant0 --mode batch --limit 4 --dry-run
	local id
	id=$(ids_of "$OUT")
	BATCH_ID=$id
	wait_for 5 batch_is in_progress
	call POST "/v1/batches/$id/cancel"
	variant0 --mode batch --batch-id "$id" --poll-interval 0.2
	[ "$STATUS" = 1 ]
	[[ $ERR == *'was cancelled'* ]]
	[ "$(calls POST /v1/batches)" = 1 ]
	if [ -e "$RESULTS" ]; then
		[ "$(result '.ledger.cancelled + .ledger.answered')" = 4 ]
		[ "$(result .status)" = partial ]
	fi
}

# ---- calls: submission ----

@test "a creation whose reply is lost is looked for: one batch" {
	faults 'on POST /v1/batches nth 1: act then lose reply'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 2
	[ "$STATUS" = 0 ]
	[[ $ERR == *'looked for before it is sent again'* ]]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(calls POST /v1/files)" = 1 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "a creation that was lost on the way is sent again: one batch" {
	faults 'on POST /v1/batches nth 1: lose call'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 0.5
	[ "$STATUS" = 0 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "an upload whose reply is lost is looked for: one file" {
	faults 'on POST /v1/files nth 1: act then lose reply'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 2
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/files)" = 1 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	call GET '/v1/files?purpose=batch'
	[ "$(member '.data | length')" = 1 ]
}

@test "a creation answered by 500 may have acted: looked for" {
	faults 'on POST /v1/batches nth 1: status 500'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 0.5
	[ "$STATUS" = 0 ]
	[ "$(calls GET /v1/batches)" -ge 1 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "a creation answered by half a page of HTML: looked for" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1: status 200 body "<html><body>Hello"'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 5
	[ "$STATUS" = 0 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "the list that is looked through may lack has_more" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1: status 200 body "{\"data\":[]}"'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 3
	[ "$STATUS" = 0 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "the lost creation, and the process dies: the next one finds it" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1..5: delay 30s'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 3 --dry-run \
		>first.txt 2>&1 3>&- &
	local pid=$!
	looking() { [ "$(calls POST /v1/batches)" = 1 ] &&
		grep -q 'looking' first.txt; }
	wait_for 10 looking
	kill -9 $pid
	wait $pid || true
	stop_server
	a_desk
	variant0 --mode batch --limit 3 --dry-run --patience 2
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	call GET '/v1/batches'
	[ "$(ids_of "$OUT")" = "$(member '.data[0].id')" ]
}

@test "a file unseen for some seconds after its upload" {
	faults 'stale files 2s'
	a_desk --unknown-file sync --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=4 run_batch 3
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/files)" = 1 ]
	call GET '/v1/batches'
	[ "$(member '[.data[] | select(.status == "completed")] | length')" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

# ---- calls: waiting and fetching ----

@test "429 and 5xx once on every kind of call" {
	local status
	for status in 429 500 502 503; do
		faults "on POST /v1/files nth 1: status $status" \
			"on POST /v1/batches nth 1: status $status" \
			"on GET /v1/batches/* nth 1..2: status $status" \
			"on GET /v1/files/* nth 1: status $status" \
			"on GET /v1/files/*/content nth 1: status $status"
		a_desk --faults "$FAULTS"
		NIGHTMAIL_CLOCK=fast=20 run_batch 3 --new --patience 2
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		call GET '/v1/batches'
		[ "$(member '[.data[].input_file_id] | unique | length')" = \
			"$(member '.data | length')" ]
		stop_server
	done
	a_desk
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 4 ]
}

@test "Retry-After is obeyed, in seconds and in milliseconds" {
	faults 'on POST /v1/batches nth 1: status 429 header "Retry-After: 2"' \
		'on GET /v1/batches/* nth 1: status 503 header "retry-after-ms: 400"'
	a_desk --faults "$FAULTS"
	run_batch 2
	[ "$STATUS" = 0 ]
	[ "$(jq -s '[.[] | select(.method == "POST" and
		.path == "/v1/batches").at_ms] | .[1] - .[0] |
		. >= 2000 and . < 6000' "$SERVER_LOG")" = true ]
	[ "$(jq -s '[.[] | select(.method == "GET" and
		(.path | test("^/v1/batches/"))).at_ms] | .[1] - .[0] |
		. >= 400 and . < 3000' "$SERVER_LOG")" = true ]
}

@test "a page of HTML instead of the batch: looked at again" {
	faults 'on GET /v1/batches/* nth 1..3: status 200 body "<html>Sign in</html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=4 run_batch 2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=2 answered=2 attempts=1' ]
}

@test "a server that only ever answers HTML: one line, in time" {
	faults 'on * /v1/**: status 200 body "<html>Welcome to the hotel</html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --limit 2 --dry-run \
		--patience 5
	[ "$STATUS" = 4 ]
	[ -z "$OUT" ]
	[[ $(tail -1 err.txt) == variant0_llm_baseline:* ]]
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --batch-id batch_1
	[ "$STATUS" = 4 ]
	says 'batch'
}

@test "bodies cut at every place: looked at again, resumed by Range" {
	faults 'on GET /v1/batches/* nth 1: cut after 40' \
		'on GET /v1/files/* nth 1: cut after 10' \
		'on GET /v1/files/*/content nth 1: cut after 1000' \
		'on GET /v1/files/*/content nth 2: cut after 500'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=4 run_batch 10
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=10 answered=10 attempts=1' ]
	[ "$(logged '.path | test("/content$")')" = 3 ]
	# The later ones are asked for from where the one before ended.
	[ "$(jq -s '[.[] | select(.path | test("/content$")).status] | @json' \
		"$SERVER_LOG")" = '"[200,206,206]"' ]
}

@test "the results cannot be downloaded for now: exit 4, then they can" {
	faults 'on GET /v1/files/*/content: status 500'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=50 run_batch 3
	[ "$STATUS" = 4 ]
	[ ! -e "$RESULTS" ]
	local id
	id=$(jq -r 'select(.batch_id).batch_id' "$SERVER_LOG" | head -1)
	stop_server
	a_desk
	variant0 --mode batch --batch-id "$id"
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "a result file that is gone: its rows are missing and asked again" {
	faults 'on GET /v1/files/* nth 1: status 404' \
		'on GET /v1/files/*/content nth 1: status 404'
	a_desk --faults "$FAULTS"
	run_batch 3
	[ "$STATUS" = 0 ]
	[[ $ERR == *'is gone: its rows are missing'* ]]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=2' ]
}

@test "a server that never answers: bounded" {
	faults 'on * /v1/**: hang'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=2000 variant0 --mode batch --limit 2 --dry-run \
		--patience 5
	[ "$STATUS" = 4 ]
	NIGHTMAIL_CLOCK=fast=2000 variant0 --mode batch --batch-id batch_1
	[ "$STATUS" = 4 ]
	says 'batch'
	NIGHTMAIL_CLOCK=fast=2000 variant0 --limit 2
	[ "$STATUS" = 4 ] || [ "$STATUS" = 1 ]
	kill_server
}

@test "the server goes away while waited for, and comes back" {
	a_desk --delay-in-progress 2
	local port=${BASE_URL##*:}
	port=${port%/v1}
	variant0_llm_baseline --mode batch --limit 3 --poll-interval 0.2 \
		>out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	polled() { [ "$(calls GET '/v1/batches/.*')" -ge 2 ]; }
	wait_for 10 polled
	stop_server
	sleep 0.5
	start_server --port "$port"
	wait $pid || status=$?
	cat err.txt
	[ $status = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

# ---- direct mode ----

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
	a_desk --api-key-file keys.txt
	variant0 --limit 50 --concurrency 4
	[ "$STATUS" = 4 ]
	says '401'
	lacks err.txt sk-test-0123456789
	[ "$(calls POST /v1/chat/completions)" -le 4 ]
	[ ! -e results/variant0_llm_baseline_1-hop-test.json ]
}

@test "direct: no money is told at once and not tried again" {
	faults 'on POST /v1/chat/completions: status 429 body "{\"error\":{\"message\":\"You exceeded your current quota\",\"type\":\"insufficient_quota\",\"param\":null,\"code\":\"insufficient_quota\"}}"'
	a_desk --faults "$FAULTS"
	variant0 --limit 50 --concurrency 4
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

@test "direct: cut and lost replies are asked again" {
	faults 'on POST /v1/chat/completions nth 1: cut after 50' \
		'on POST /v1/chat/completions nth 2: lose reply' \
		'on POST /v1/chat/completions nth 3: status 200 body "<html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=10 variant0 --limit 6
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	# A 200 that is no completion is a reply nobody can read: unparseable.
	[ "$(result '.ledger.answered + .ledger.unparseable')" = 6 ]
	[ "$(result '.ledger.answered >= 5')" = true ]
	[ "$STATUS" = 0 ]
}
