#!/usr/bin/env bats
# Each fault script of tests/faults, named for what users of other tools met, and
# what becomes of forty questions under it: exit status, ledger, and how often
# money was put at risk. None is lost, nothing is made twice, nothing hangs.
load lib
load client

SERVER_OPTIONS=()

# One script against a server and a desk of its own, beside others.
play_one() { # name option...
	local name=$1
	shift
	BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/$name
	mkdir "$BATS_TEST_TMPDIR"
	setup
	a_desk "${SERVER_OPTIONS[@]}" \
		--faults "$NM_SOURCE/tests/faults/$name.faults"
	variant0 --limit 40 "$@"
	{
		echo "$STATUS"
		[ ! -e "$RESULTS" ] || ledger
	} >outcome
	made >made
	stop_server
}

# A rule for calls was applied to some of them; else the row proves nothing. What is
# of rows and batches is seen in the results.
was_applied() { # name
	! grep -qE '^(on|stale|counts|ids) ' \
		"$NM_SOURCE/tests/faults/$1.faults" ||
		grep -q '"fault":' "$1/requests.jsonl"
}

# Batches that are there, whoever lost the reply.
made() {
	logged '.method == "POST" and .path == "/v1/batches" and
		.batch_id != null'
}

fits() { # text pattern
	# shellcheck disable=SC2254 # it is a pattern
	case $1 in
	$2) ;;
	*) return 1 ;;
	esac
}

is_as_wanted() { # name status ledger made text
	[ -e "$1/made" ] && was_applied "$1" &&
		[ "$(head -1 "$1/outcome")" = "$2" ] &&
		fits "$(sed 1d "$1/outcome")" "$3" &&
		fits "$(cat "$1/made")" "$4" &&
		cat "$1/err.txt" "$1/out.txt" | grep -qF -- "$5"
}

# Rows on stdin: script | status | ledger ("" = no results) | batches made |
# a part of stderr, or of stdout. They mostly wait: four at once.
play() { # speed option...
	local table speed=$1 name status ledger made text bad=0 n=0
	shift
	export NIGHTMAIL_CLOCK=fast=$speed
	SERVER_OPTIONS+=(--clock "fast=$speed")
	table=$(cat)
	while IFS='|' read -r name _; do
		play_one "$name" "$@" >"$name.told" 2>&1 3>&- &
		[ $((++n % 4)) != 0 ] || wait
	done <<<"$table"
	wait
	while IFS='|' read -r name status ledger made text; do
		is_as_wanted "$name" "$status" "$ledger" "$made" "$text" &&
			continue
		echo "$name: wanted $status, $ledger, $made made, \"$text\"; got"
		cat "$name/outcome" "$name/made" "$name.told"
		bad=1
	done <<<"$table"
	return $bad
}

@test "rows: all of them are accounted for" {
	play 20 --mode batch <<-'EOF'
	all-rows-failed-kaapi-723|1|asked=40 http_error=40 attempts=1|1|40 × 400 invalid_value
	cancelled-rows-llm-d-121|0|asked=40 answered=40 attempts=2|2|7 of 40 are asked again
	counts-null|0|asked=40 answered=40 attempts=1|1|
	counts-wrong-curator-585|1|asked=40 answered=19 http_error=21 attempts=3|3|
	empty-file-id-kaibo-93|0|asked=40 answered=40 attempts=1|1|
	expired-rows-curator-226|0|asked=40 answered=40 attempts=2|2|7 of 40 are asked again
	failures-in-the-output-file-morph|1|asked=40 answered=35 http_error=5 attempts=3|3|
	model-not-in-batch-raif-525|1|asked=40 http_error=40 attempts=1|1|model_not_found
	rows-broken-chatlas-246|0|asked=40 answered=40 malformed=5 attempts=2|2|
	rows-doubled-and-unknown-accrue-47|0|asked=40 answered=40 unknown=2 duplicate=8 attempts=1|1|
	rows-in-prose|0|asked=40 answered=24 unparseable=16 attempts=1|1|--lenient
	rows-missing-instructor-2657|0|asked=40 answered=40 attempts=2|2|
	rows-refused-and-filtered|0|asked=40 answered=30 refused=9 unparseable=1 attempts=1|1|
	rows-truncated-inspect-evals-2473|0|asked=40 answered=34 truncated=6 attempts=1|1|
	some-rows-failed-openai-openapi-302|1|asked=40 answered=35 http_error=5 attempts=3|3|
	status-zero-rows-ellmer-830|0|asked=40 answered=40 attempts=2|2|
	EOF
}

@test "submission: once, whatever becomes of the replies" {
	play 20 --mode batch <<-'EOF'
	create-acts-and-says-429|0|asked=40 answered=40 attempts=1|1|was submitted, though it was refused
	create-acts-and-says-500-ogx-3144|0|asked=40 answered=40 attempts=1|1|before it is sent again
	create-acts-list-lags|0|asked=40 answered=40 attempts=1|1|before it is sent again
	create-call-lost|0|asked=40 answered=40 attempts=1|1|before it is sent again
	create-reply-lost-qwen-code-11874|0|asked=40 answered=40 attempts=1|1|before it is sent again
	fails-after-creation-openai-python-1643|1||1|failed at line 1 of its input
	file-not-found-at-once-curator-116|0|asked=40 answered=40 attempts=1|1|
	file-not-found-yet-curator-116|0|asked=40 answered=40 attempts=1|*|
	key-refused|4||0|401 invalid_api_key
	list-not-served-litellm-4966|4||1|looking whether shard 1 was submitted
	list-without-has-more|0|asked=40 answered=40 attempts=1|1|before it is sent again
	no-money-left|4||0|exceeded your current quota
	storage-full-curator-189|4||0|file storage quota
	tokens-refused-with-nothing-enqueued-community-1027303|0|asked=40 answered=40 attempts=1|3|submitted again
	upload-acts-and-says-429|0|asked=40 answered=40 attempts=1|1|was submitted, though it was refused
	upload-413-by-a-proxy-curator-610|0|asked=40 answered=40 attempts=1|2|sent in smaller parts
	upload-reply-lost|0|asked=40 answered=40 attempts=1|1|
	upload-too-large-curator-113|0|asked=40 answered=40 attempts=1|2|File is too large
	EOF
	# Whatever was lost, the file was not sent twice.
	local name
	for name in create-*/ upload-reply-lost/ upload-acts-*/; do
		[ "$(jq -c 'select(.method == "POST" and
			.path == "/v1/files" and .file_id)' \
			"$name/requests.jsonl" | wc -l)" -le 1 ] || {
			echo "$name: uploaded twice"
			return 1
		}
	done
}

@test "waiting and fetching" {
	play 20 --mode batch <<-'EOF'
	batch-vanishes-tensorzero-1198|4||1|No batch found with id
	download-404-at-first|0|asked=40 answered=40 attempts=1|1|not there yet
	download-always-cut|0|asked=40 answered=40 attempts=1|1|
	download-cut-no-ranges|0|asked=40 answered=40 attempts=1|1|
	download-cut-openai-java-649|0|asked=40 answered=40 attempts=1|1|
	download-too-long|0|asked=40 answered=40 attempts=1|1|
	download-trickles|0|asked=40 answered=40 attempts=1|1|
	every-call-429-once|0|asked=40 answered=40 attempts=1|1|
	every-call-5xx-without-retry-after|0|asked=40 answered=40 attempts=1|1|
	one-call-in-ten-lost|0|asked=40 answered=40 attempts=1|1|
	polls-502-openclaw-88238|0|asked=40 answered=40 attempts=1|1|
	EOF
}

@test "a service that is none: one line at the end" {
	play 2000 --mode batch --quiet <<-'EOF'
	answers-html|4||0|is not JSON
	never-answers|4||0|no whole reply
	EOF
}

@test "hours and days" {
	play 2000 --mode batch <<-'EOF'
	finalizing-long-litellm-37205|0|asked=40 answered=40 attempts=1|1|
	polls-502-for-an-hour|0|asked=40 answered=40 attempts=1|1|
	upload-hangs-curator-120|0|asked=40 answered=40 attempts=1|1|
	EOF
}

@test "a rate by the hour: the rest waits for it" {
	play 20000 --mode batch --shard-requests 10 <<-'EOF'
	create-429-by-the-hour-litellm-23901|0|asked=40 answered=40 attempts=1|4|
	EOF
}

@test "stuck for ever: the window ends it, and what was done is kept" {
	play 100000 --mode batch --max-attempts 1 <<-'EOF'
	batch-hangs-sglang-1415|0|asked=40 answered=40 attempts=1|1|expired
	finalizing-hangs-curator-287|0|asked=40 answered=40 attempts=1|1|
	EOF
}

@test "the window ends half done: the rest is asked again" {
	play 20000 --mode batch <<-'EOF'
	window-ends-half-done-warmbly-333|0|asked=40 answered=40 attempts=2|2|
	EOF
}

@test "direct mode" {
	RESULTS=${RESULTS/_batch/}
	play 20 --max-attempts 9 <<-'EOF'
	chat-rate-limited|0|asked=40 answered=40 attempts=*|0|
	every-call-429-once|0|asked=40 answered=40 attempts=*|0|
	key-refused|4||0|401 invalid_api_key
	no-money-left|4||0|429 insufficient_quota
	one-call-in-ten-lost|0|asked=40 answered=40 attempts=1|0|
	retry-after-long-inspect-ai-5137|0|asked=40 answered=40 attempts=1|0|
	ten-percent-of-everything|0|asked=40 answered=40 attempts=1|0|
	EOF
}

@test "ten per cent of everything" {
	play 20 --mode batch --max-attempts 9 <<-'EOF'
	ten-percent-of-everything|0|asked=40 answered=40*|*|
	EOF
}

@test "limits on what is enqueued: refused, learnt, and kept to" {
	play 200 --mode batch --shard-requests 20 <<-'EOF'
	enqueued-requests-community-1002388|0|asked=40 answered=40 attempts=1|3|Limit: 25 enqueued requests
	enqueued-tokens-openai-python-2084|0|asked=40 answered=40 attempts=1|[3-9]|Limit: 1,500 enqueued tokens
	EOF
	# The second shard's file is not sent twice for the refusal of its batch.
	[ "$(jq -c 'select(.method == "POST" and .file_id)' \
		enqueued-requests-*/requests.jsonl | wc -l)" = 2 ]
}

@test "one id for every batch, and none of them ends: told, not mixed up" {
	export NIGHTMAIL_CLOCK=fast=200
	a_desk --clock fast=200 \
		--faults "$NM_SOURCE/tests/faults/same-batch-id-curator-238.faults"
	variant0 --mode batch --limit 40 --shard-requests 20
	[ "$STATUS" = 4 ]
	[[ $ERR == *"gave the id of shard 1's batch again, batch_abc123"* ]]
	[ ! -e "$RESULTS" ]
	[ "$(calls POST /v1/batches)" = 2 ]
	# Alone it is waited for, cut off, and asked again: with the same end.
	stop_server
	rm "$SERVER_LOG"
	export NIGHTMAIL_CLOCK=fast=20000
	a_desk --clock fast=20000 \
		--faults "$NM_SOURCE/tests/faults/same-batch-id-curator-238.faults"
	variant0 --mode batch --limit 40 --new
	[ "$STATUS" = 4 ]
	[ "$(grep -c 'batch_abc123 is not cancelled' err.txt)" = 1 ]
	[ "$(calls POST '/v1/batches/.*/cancel')" = 1 ]
	[[ $ERR == *"gave the id of shard 1's batch again, batch_abc123"* ]]
	[ "$(ledger)" = 'asked=40 missing=40 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 2 ]
}

# What a script did to the lines themselves is seen in the replies as they came.
@test "shuffled, or with odd line ends: so it was, and each has its own" {
	play 20 --mode batch <<-'EOF'
	rows-shuffled-tidyllm-37|0|asked=40 answered=40 attempts=1|1|
	rows-with-line-separators-modaic-188|0|asked=40 answered=40 attempts=1|1|
	EOF
	cat rows-shuffled-tidyllm-37/xdg/nightmail/runs/*/*output*.jsonl |
		jq -r .custom_id >order
	[ "$(wc -l <order)" = 40 ]
	[ "$(paste -sd' ' order)" != \
		"$(seq -f 'request-%g' 0 39 | paste -sd' ')" ]
	grep -q $'\u2028' rows-with-line-separators-*/xdg/nightmail/runs/*/*.jsonl
	# Without a script: the same answers to the same questions.
	jq '[.results[] | [.question_text, .predicted_answers]]' \
		"rows-shuffled-tidyllm-37/$RESULTS" >shuffled
	a_desk
	variant0 --mode batch --limit 40
	jq '[.results[] | [.question_text, .predicted_answers]]' \
		"$RESULTS" >straight
	cmp shuffled straight
}

@test "several messages, and the answer is the last: each endpoint's own reader" {
	a_desk --answer-key "$SAMPLE" --faults "$NM_SOURCE/tests/faults/\
rows-with-several-outputs-mira-70.faults"
	head -20 "$SAMPLE" | cut -f1 | jq -Rc --slurp 'split("\n") | .[:-1] |
		to_entries[] | {custom_id: "request-\(.key)", method: "POST",
		url: "/v1/responses", body: {model: "gpt-5-mini",
		input: .value}}' >in.jsonl
	upload in.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'",
		"endpoint":"/v1/responses","completion_window":"24h",
		"metadata":{"description":"Variant0 - 1-hop-test",
		"num_questions":"20"}}'
	variant0 --mode batch --batch-id "$(member .id)" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=20 answered=20 attempts=1' ]
	[ "$(result '.metrics.total_correct_answers > 0')" = true ]
	# So they came: a message before the answer's.
	call GET "/v1/batches/$(member .id)"
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -c '[.response.body.output[] | select(.type == "message")] |
		length' "$BODY" | sort -u)" = 2 ]
}

@test "cancelled half done, and 25 minutes about it: what was done is kept" {
	export NIGHTMAIL_CLOCK=fast=1000
	cat "$NM_SOURCE/tests/faults/finalizing-long-litellm-37205.faults" \
		<(echo 'pace 20/h') >faults.txt
	a_desk --clock fast=1000 --faults faults.txt
	variant0_llm_baseline --mode batch --limit 40 2>err.txt >out.txt &
	local run=$!
	some_done() {
		call GET /v1/batches
		BATCH_ID=$(member '.data[0].id // ""')
		[ "$(member '.data[0].request_counts.completed // 0')" -gt 5 ]
	}
	wait_for 20 some_done
	manager --cancel "$BATCH_ID"
	wait $run && STATUS=0 || STATUS=$?
	[ "$STATUS" = 1 ]
	grep -q 'was cancelled: what it had finished is kept' err.txt
	[ "$(result '.ledger | .answered > 5 and .cancelled > 0 and
		.answered + .cancelled == 40')" = true ]
	call GET "/v1/batches/$BATCH_ID"
	[ "$(member '.cancelled_at - .cancelling_at >= 1500')" = true ]
	[ "$(logged '.method == "POST" and .path == "/v1/batches"')" = 1 ]
}

@test "a call that hangs can be left, and is taken up again" {
	a_desk --faults "$NM_SOURCE/tests/faults/upload-hangs-curator-120.faults"
	variant0_llm_baseline --mode batch --limit 5 --poll-interval 0.2 \
		>out.txt 2>err.txt 3>&- &
	local pid=$!
	uploading() {
		call GET /metrics
		grep -qx 'nightmail_connections 2' "$BODY"
	}
	wait_for 10 uploading
	kill -INT $pid
	wait $pid && STATUS=0 || STATUS=$?
	[ "$STATUS" = 130 ]
	grep -q 'run the same command again' err.txt
	NIGHTMAIL_CLOCK=fast=20 run_batch 5
	[ "$STATUS" = 0 ]
	[[ $ERR == *'may have been submitted already: looking for its tag'* ]]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
}
