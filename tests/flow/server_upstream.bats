#!/usr/bin/env bats
# A model behind the server: here another server of ours, with a log of its own.
load lib
load upstream

@test "rows go to the upstream, and its answers come back as they are" {
	start_upstream
	start_server --upstream "$UPSTREAM_URL/" --concurrency 4
	new_batch 40
	wait_for 20 batch_is completed
	[ "$(member .model)" = m ]
	[ "$(member '.request_counts | @json')" = \
		'{"total":40,"completed":40,"failed":0}' ]
	[ "$(member '.usage.total_tokens > 0')" = true ]
	fetch_results completed
	each_row_once 40
	[ "$(jq -r .response.body.model results | uniq)" = simulated-m ]
	[ "$(jq -r .prompt "$UPSTREAM_LOG" | sort -u | wc -l)" = 40 ]
}

# Pauses of the length after which a worker looks by itself, of a batch's rows.
pauses() {
	jq -s '[.[] | select(.prompt != null).at_ms] |
		[.[1:], .[:-1]] | transpose | map(.[0] - .[1]) |
		map(select(. >= 150)) | length' "$UPSTREAM_LOG"
}

# The best of five, since a busy machine makes pauses of its own.
@test "an upstream that answers at once is not let wait for its next row" {
	local tries
	start_upstream
	start_server --upstream "$UPSTREAM_URL" --concurrency 1
	for tries in 1 2 3 4 5; do
		: >"$UPSTREAM_LOG"
		new_batch 1000
		wait_for 60 batch_is completed
		echo "$(pauses) pauses in try $tries"
		[ "$(pauses)" -gt 6 ] || break
	done
	[ "$(pauses)" -le 6 ]
}

@test "chat passes through, refusals and all" {
	echo 'on POST /v1/chat/completions nth 2: status 429' \
		'header "Retry-After: 7" header "retry-after-ms: 6900"' \
		'header "x-should-retry: false"' >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL"
	local body='{"model":"m","messages":[{"role":"user","content":"hi"}]}'
	call POST /v1/chat/completions -d "$body"
	[ "$STATUS" = 200 ]
	[ "$(member .model)" = simulated-m ]
	call POST /v1/chat/completions -d "$body"
	[ "$STATUS" = 429 ]
	grep -qi '^retry-after: 7' "$HEADERS"
	grep -qi '^retry-after-ms: 6900' "$HEADERS"
	grep -qi '^x-should-retry: false' "$HEADERS"
	call POST /v1/chat/completions -d '{"model":"m","messages":[]}'
	refused 400 empty_array messages "empty array"
	call POST /v1/chat/completions -d '{"model":"m","stream":true}'
	refused 400 unsupported_value stream "'stream'"
	stop_upstream
	call POST /v1/chat/completions -d "$body"
	refused 502 upstream_error null "did not answer"
	stop_server
	start_server --upstream "$UPSTREAM_URL" --models a,b
	call POST /v1/chat/completions -d "$body"
	refused 404 model_not_found null 'The model `m` does not exist'
}

@test "scripted trouble holds for what passes through as well" {
	cat >faults <<-'END'
	on POST /v1/chat/completions nth 1: act then status 500
	on POST /v1/chat/completions nth 2: act then lose reply
	on POST /v1/chat/completions nth 3: lose call
	on POST /v1/chat/completions nth 4: status 503
	END
	start_upstream
	start_server --upstream "$UPSTREAM_URL" --faults faults
	local body='{"model":"m","messages":[{"role":"user","content":"hi"}]}'
	local statuses='' i
	for i in 1 2 3 4 5; do
		call POST /v1/chat/completions -d "$body"
		statuses+="$STATUS "
	done
	[ "$statuses" = '500 000 000 503 200 ' ]
	[ "$(wc -l <"$UPSTREAM_LOG")" = 3 ]
}

@test "the key goes to the upstream, and nowhere else" {
	(umask 077 && echo 'k sk-behind-1234' >keys)
	start_upstream --api-key-file keys
	NIGHTMAIL_UPSTREAM_KEY=sk-behind-1234 start_server \
		--upstream "$UPSTREAM_URL"
	new_batch 3
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 3 ]
	stop_server
	run grep -r sk-behind "$STATE" "$SERVER_LOG" \
		"$BATS_TEST_TMPDIR/server.err"
	[ "$status" = 1 ]
	NIGHTMAIL_UPSTREAM_KEY=sk-x run batch_server --state-dir "$STATE" \
		--upstream http://192.0.2.1/v1
	[ "$status" = 2 ]
	[[ $output == *"plain http"* ]]
}

@test "a reply is an object, without our key, and its tokens can be summed" {
	local chat='on POST /v1/chat/completions nth'
	cat >faults <<-EOF
	$chat 1: status 200 body "[1]"
	$chat 2: status 200 body "null"
	$chat 3: status 200 body "{\"choices\":[NaN"
	$chat 4: status 400 body "{\"error\":{\"message\":\"Wrong key sk-behind-1234\"}}"
	$chat 5: status 200 body "{\"echo\":\"sk-behind-1234\",\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":9223372036854775807}}"
	$chat 6: status 200 body "{\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":9223372036854775807}}"
	$chat 7: status 401 body "{\"error\":{\"message\":\"Wrong key sk-behind-1234\"}}"
	EOF
	start_upstream --faults faults
	NIGHTMAIL_UPSTREAM_KEY=sk-behind-1234 start_server \
		--upstream "$UPSTREAM_URL" --concurrency 1
	new_batch 6
	wait_for 20 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":6,"completed":2,"failed":4}' ]
	[ "$(member '.usage.input_tokens')" = 7 ]
	[ "$(member '.usage | .output_tokens > 0 and
		.total_tokens == .input_tokens + .output_tokens')" = true ]
	fetch_results completed
	each_row_once 6
	[ "$(jq -r '.response | select(.status_code == 502) | .body.error.message' \
		results | sort | uniq -c | sed 's/^ *//')" = \
		"3 The upstream's reply is not a JSON object." ]
	[ "$(jq -r '.response.body | .echo, .error.message | strings' results |
		grep -c '\*\*\*\*')" = 2 ]
	call POST /v1/chat/completions \
		-d '{"model":"m","messages":[{"role":"user","content":"hi"}]}'
	[ "$STATUS" = 401 ]
	[ "$(member .error.message)" = 'Wrong key **************' ]
	stop_server
	run grep -r sk-behind "$STATE" "$SERVER_LOG" results
	[ "$status" = 1 ]
}

@test "the list of models is the upstream's, or one's own where there is none" {
	local models='on GET /v1/models nth'
	cat >faults <<-EOF
	$models 2: status 500
	$models 5: status 404 body "<html>none</html>"
	$models 6: status 200 body "{\"data\":7}"
	$models 7: status 401
	$models 8: delay 60s
	$models 9: lose reply
	EOF
	start_upstream --faults faults --models ann,bob
	start_server --upstream "$UPSTREAM_URL" --upstream-timeout 60
	call GET /v1/models
	[ "$STATUS" = 200 ]
	[ "$(member '[.object, .data[].id] | @json')" = '["list","ann","bob"]' ]
	local i
	call GET /v1/models/ann
	refused 404 model_not_found model "The model 'ann' does not exist"
	call GET /v1/models/ann
	[ "$STATUS" = 200 ]
	[ "$(member '[.id, .object] | @json')" = '["ann","model"]' ]
	call GET /v1/models/eve
	refused 404 model_not_found model "The model 'eve' does not exist"
	for i in 2 3 4 5 6; do
		call GET /v1/models --max-time 15
		[ "$STATUS" = 200 ]
		[ "$(member '[.object, .data] | @json')" = '["list",[]]' ]
	done
	call GET /v1/models
	[ "$(member '.data | length')" = 2 ]
	# Of rows it tells nothing.
	[ "$(troubles upstream_key)" = 0 ]
	stop_upstream
	call GET /v1/models
	[ "$(member '[.object, .data] | @json')" = '["list",[]]' ]
	stop_server
	start_server --upstream "$UPSTREAM_URL" --models ann,eve
	call GET /v1/models
	[ "$(member '[.data[].id] | @json')" = '["ann","eve"]' ]
}

@test "a base that is none is told at once, and not shown" {
	local url
	for url in http:// ftp://127.0.0.1/v1 127.0.0.1:8000/v1 \
		http://127.0.0.1:99999/v1 'http://a b/v1' 'http://[::1/v1' \
		http://ann:hush@127.0.0.1/v1 'http://127.0.0.1/v1?key=hush' \
		'http://127.0.0.1/v1#hush'; do
		run timeout 60 batch_server --state-dir "$STATE" --upstream "$url"
		[ "$status" = 2 ]
		[ "${#lines[@]}" = 1 ]
		[[ $output == *'while reading --upstream, a base URL'* ]]
		[[ $output != *hush* ]]
	done
	NIGHTMAIL_UPSTREAM_KEY=sk-x run timeout 60 batch_server \
		--state-dir "$STATE" --upstream HTTP://192.0.2.1/v1
	[ "$status" = 2 ]
	[[ $output == *"plain http"* ]]
}

@test "what may pass is tried again, what may not is a row" {
	cat >faults <<-'EOF'
	on POST /v1/chat/completions nth 1: status 429 header "retry-after-ms: 20"
	on POST /v1/chat/completions nth 3: status 500 header "retry-after-ms: 20"
	on POST /v1/chat/completions nth 5: lose reply
	on POST /v1/chat/completions nth 8: status 400 body "{\"error\":{\"message\":\"no\",\"type\":\"t\",\"param\":null,\"code\":\"c\"}}"
	on POST /v1/chat/completions nth 10: status 409 body "<html>gone</html>" header "x-should-retry: false"
	EOF
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 1
	new_batch 12
	wait_for 20 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":12,"completed":10,"failed":2}' ]
	fetch_results completed
	each_row_once 12
	call GET /metrics
	grep -q '^nightmail_rows_completed_total 10$' "$BODY"
	grep -q '^nightmail_rows_failed_total 2$' "$BODY"
	# The lost reply may be curl's own affair.
	[ "$(awk '/^nightmail_upstream_requests_total/ { n = $2 }
		/^nightmail_upstream_retries_total/ { print n - $2, ($2 >= 2) }' \
		"$BODY")" = '12 1' ]
	[ "$(jq -r 'select(.response.status_code == 400)
		.response.body.error.message' results)" = no ]
	[[ $(jq -r 'select(.response.status_code == 409)
		.response.body.error.message' results) == *"not a JSON object"* ]]
}

@test "an upstream that is not there is waited for" {
	start_upstream
	stop_upstream
	UPSTREAM_PORT=${UPSTREAM_URL##*:}
	UPSTREAM_PORT=${UPSTREAM_PORT%/v1}
	start_server --upstream "$UPSTREAM_URL"
	new_batch 5
	wait_for 20 troubled upstream_unreachable 5
	batch_is in_progress
	start_upstream
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 5 ]
}

@test "a reply that does not come is waited for so long and no longer" {
	cat >faults <<-'EOF'
	on POST /v1/chat/completions nth 1: delay 60s
	on POST /v1/chat/completions nth 3: delay 60s
	on POST /v1/chat/completions nth 4: delay 1s
	EOF
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --upstream-timeout 3 \
		--concurrency 1
	call POST /v1/chat/completions --max-time 30 \
		-d '{"model":"m","messages":[{"role":"user","content":"hi"}]}'
	refused 502 upstream_error null "did not answer"
	new_batch 3
	wait_for 30 batch_is completed
	[ "$(member .request_counts.completed)" = 3 ]
	# The one of the chat, three rows, and one of them again.
	[ "$(wc -l <"$UPSTREAM_LOG")" -le 5 ]
	run batch_server --state-dir "$STATE" --upstream-timeout 0
	[ "$status" = 2 ]
}

@test "cancel stops the calls; what was answered stays" {
	echo 'on POST /v1/chat/completions nth 6..: delay 60s' >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 2
	new_batch 30
	wait_for 20 batch_is in_progress
	answered() {
		batch_is in_progress && [ "$(member .request_counts.completed)" = 5 ]
	}
	wait_for 20 answered
	call POST "/v1/batches/$BATCH_ID/cancel"
	[ "$(member .status)" = cancelling ]
	wait_for 20 batch_is cancelled
	[ "$(member '.request_counts | @json')" = \
		'{"total":30,"completed":5,"failed":0}' ]
	fetch_results cancelled
	each_row_once 30
	[ "$(jq -r 'select(.error.code == "batch_cancelled") .custom_id' results |
		wc -l)" = 25 ]
	# Not one more than were under way.
	[ "$(jq -r .prompt "$UPSTREAM_LOG" | wc -l)" -le 7 ]
}

@test "a large batch goes through in little memory" {
	start_upstream
	# What a sanitizer keeps of what was freed, and newer ones of frames that
	# were left, would count as well.
	ASAN_OPTIONS=$ASAN_OPTIONS:quarantine_size_mb=1:detect_stack_use_after_return=0 \
		start_server --upstream "$UPSTREAM_URL"
	peak() { awk '/VmHWM/ { print $2 }' "/proc/$SERVER_PID/status"; }
	write_input 10 in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 20 batch_is completed
	local before
	before=$(peak)
	jq -nc '("x" * 16000) as $long | range(4000) | {custom_id:"r\(.)",
		method:"POST",url:"/v1/chat/completions",body:{model:"m",messages:
		[{role:"user",content:"\(.) \($long)"}]}}' >large.jsonl
	upload large.jsonl
	create_batch "$FILE_ID"
	wait_for 120 batch_is completed
	[ "$(member .request_counts.completed)" = 4000 ]
	echo "$(wc -c <large.jsonl) bytes, $(($(peak) - before)) kB more"
	[ $(($(peak) - before)) -lt 24000 ]
}

@test "the window's end holds for an upstream too" {
	echo 'on POST /v1/chat/completions nth 4..: delay 60s' >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 2 --clock step
	new_batch 10
	call POST /_control/clock -d '{"advance":"1s"}'
	answered() {
		batch_is in_progress && [ "$(member .request_counts.completed)" = 3 ]
	}
	wait_for 20 answered
	call POST /_control/clock -d '{"advance":"24h"}'
	wait_for 20 batch_is expired
	[ "$(member '.request_counts | @json')" = \
		'{"total":10,"completed":3,"failed":0}' ]
	fetch_results expired
	each_row_once 10
	[ "$(jq -r 'select(.error.code == "batch_expired") .custom_id' results |
		wc -l)" = 7 ]
}
