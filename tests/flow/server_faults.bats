#!/usr/bin/env bats
# Misbehaviour on script: each verb of doc/faults.md does what it says.
load lib

start_with() { # script lines on stdin; option...
	cat >faults
	start_server --faults faults "$@"
}

run_batch() { # n-lines
	new_batch "$1"
	wait_for 20 batch_is completed
	OUTPUT=$(member '.output_file_id // ""')
	ERRORS=$(member '.error_file_id // ""')
	: >output
	: >errors
	[ -z "$OUTPUT" ] || { call GET "/v1/files/$OUTPUT/content" &&
		cp "$BODY" output; }
	[ -z "$ERRORS" ] || { call GET "/v1/files/$ERRORS/content" &&
		cp "$BODY" errors; }
	call GET "/v1/batches/$BATCH_ID"
}

@test "a script that cannot be read is told by its line; exit 3" {
	printf '# fine\n\non GET /v1/files: explode\n' >faults
	run batch_server --state-dir "$STATE" --faults faults
	[ "$status" = 3 ]
	[ "$output" = "batch_server: faults:3: no action of a call: 'explode'
  on GET /v1/files: explode
                    ^" ]
	run batch_server --state-dir "$STATE" --faults none
	[ "$status" = 3 ]
	[ "$output" = 'batch_server: cannot read none: no such file' ]
}

@test "a status with headers and a body, the nth time" {
	start_with <<-'EOF'
	on GET /v1/files nth 2: status 502 body "<html>gone</html>" header "Retry-After: 2" header "X-A: b"
	on GET /v1/files nth 2: header "content-type: text/html"
	on GET /v1/batches every 2: status 429
	EOF
	call GET /v1/files
	[ "$STATUS" = 200 ]
	call GET /v1/files
	[ "$STATUS" = 502 ]
	[ "$(cat "$BODY")" = '<html>gone</html>' ]
	grep -qi '^retry-after: 2' "$HEADERS"
	grep -qi '^x-a: b' "$HEADERS"
	# The script's header in place of the server's own; both rules are told.
	[ "$(grep -i '^content-type:' "$HEADERS" | tr -d '\r')" = \
		'content-type: text/html' ]
	[ "$(logged '.fault // "" | test("^on GET .*X-A.*; on GET .*text/html")')" \
		= 1 ]
	call GET /v1/files
	[ "$STATUS" = 200 ]
	call GET /v1/batches
	[ "$STATUS" = 200 ]
	call GET /v1/batches
	refused 429 rate_limit_exceeded null "Rate limit"
	[ "$(logged '.fault != null')" = 2 ]
}

@test "a reply lost after the act, and a call lost before it" {
	start_with <<-'EOF'
	on POST /v1/batches nth 1: lose call
	on POST /v1/batches nth 2: act then lose reply
	on POST /v1/batches nth 3: act then status 500
	EOF
	write_input 1 in.jsonl
	upload in.jsonl
	local body='{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h"}' n
	for n in 0 1 2; do
		call GET /v1/batches
		[ "$(member '.data | length')" = "$((n > 1 ? n - 1 : 0))" ]
		call POST /v1/batches -d "$body"
		[ "$STATUS" = "$([ $n = 2 ] && echo 500 || echo 000)" ]
	done
	call GET /v1/batches
	[ "$(member '.data | length')" = 2 ]
}

# The best of many tries, since a busy machine makes any one of them long.
@test "delay, hang and trickle" {
	start_with <<-'EOF'
	on GET /v1/models: delay 300ms
	on GET /v1/batches: hang
	on GET /v1/files nth 2..: trickle 20/s
	EOF
	call GET /v1/files
	local size tries
	size=$(wc -c <"$BODY")
	for tries in {1..20}; do
		call GET /v1/models -w '%{time_total}'
		[[ $STATUS =~ ^([1-9]|0\.[3-9]) ]]
		[[ $STATUS != 0.* ]] || break
	done
	[[ $STATUS == 0.* ]]
	call GET /v1/batches --max-time 1
	[ "$STATUS" = 000 ]
	for tries in {1..20}; do
		call GET /v1/files --max-time 0.5
		[ "$(wc -c <"$BODY")" -lt "$size" ]
		[ "$(wc -c <"$BODY")" -le 2 ] || break
	done
	[ "$(wc -c <"$BODY")" -gt 2 ]
}

@test "downloads cut, too long, or without Range" {
	start_with <<-'EOF'
	on GET /v1/files/*/content nth 1: cut after 100
	on GET /v1/files/*/content nth 2: cut after 10..90
	on GET /v1/files/*/content nth 3: pad 7
	on GET /v1/files/*/content nth 4: ranges ignored
	EOF
	write_input 5 in.jsonl
	upload in.jsonl
	local size
	size=$(wc -c <in.jsonl)
	call GET "/v1/files/$FILE_ID/content"
	[ "$(wc -c <"$BODY")" = 100 ]
	grep -qi "^content-length: $size" "$HEADERS"
	call GET "/v1/files/$FILE_ID/content"
	[ "$(wc -c <"$BODY")" -ge 10 ]
	[ "$(wc -c <"$BODY")" -le 90 ]
	call GET "/v1/files/$FILE_ID/content"
	[ "$(wc -c <"$BODY")" = $((size + 7)) ]
	# The log tells what went out, not what was meant to.
	[ "$(logged '.fault // "" | test("after 100$")')" = 1 ]
	[ "$(logged '(.fault // "" | test("after 100$")) and .status == 200 and
		.bytes_out == 100')" = 1 ]
	[ "$(logged '(.fault // "" | test("10..90")) and .bytes_out <= 90')" = 1 ]
	[ "$(logged '(.fault // "" | test("pad")) and
		.bytes_out == '$((size + 7)))" = 1 ]
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=10-19'
	[ "$STATUS" = 200 ]
	[ "$(wc -c <"$BODY")" = "$size" ]
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=10-19'
	[ "$STATUS" = 206 ]
	[ "$(wc -c <"$BODY")" = 10 ]
}

@test "stale reads: a file and a batch unseen for a while" {
	start_with --clock step <<-'EOF'
	stale files 5s
	on GET /v1/batches: stale 9s
	EOF
	write_input 1 in.jsonl
	upload in.jsonl
	local file=$FILE_ID
	call GET "/v1/files/$file"
	[ "$STATUS" = 404 ]
	call GET "/v1/files/$file/content"
	[ "$STATUS" = 404 ]
	call DELETE "/v1/files/$file"
	[ "$STATUS" = 404 ]
	call GET /v1/files
	[ "$(member '.data | length')" = 0 ]
	create_batch "$file"
	local early=$BATCH_ID
	call POST /_control/clock -d '{"advance":"6s"}'
	call GET "/v1/files/$file"
	[ "$STATUS" = 200 ]
	call GET /v1/batches
	[ "$(member '.data | length')" = 0 ]
	create_batch "$file"
	call POST /_control/clock -d '{"advance":"1s"}'
	call POST /_control/clock -d '{"advance":"1s"}'
	BATCH_ID=$early
	wait_for 20 batch_is failed
	[ "$(member '.errors.data[0] | [.code, .param, .line] | @json')" = \
		'["invalid_request","file_id",null]' ]
	call POST /_control/clock -d '{"advance":"2s"}'
	call GET /v1/batches
	[ "$(member '.data | length')" = 1 ]
}

@test "rows of every class" {
	start_with <<-'EOF'
	row 1: http_error 400 invalid_value "Invalid 'temperature'."
	row 2: http_error 500
	row 3: expired
	row 4: cancelled
	row 5: status 0
	row 6: refusal
	row 7: truncated
	row 8: malformed
	row 9: missing
	row 10: doubled
	row 11: unknown id
	row 12: renamed
	row 13: prose
	row 14: null
	row 15: filtered
	row 16: fenced
	row 17: http_error 429 in output
	row id "r-18": separators
	EOF
	run_batch 20
	[ "$(member '.request_counts | @json')" = \
		'{"total":20,"completed":15,"failed":5}' ]
	local row
	row() { jq -R 'fromjson? | select(.custom_id == "r-'"$1"'")' "$2"; }
	[ "$(row 1 errors | jq -c '[.response.status_code, .error,
		.response.body.error.code, .response.body.error.message]')" = \
		"[400,null,\"invalid_value\",\"Invalid 'temperature'.\"]" ]
	[ "$(row 2 errors | jq -r .response.body.error.type)" = server_error ]
	[ "$(row 3 errors | jq -c '[.response, .error.code]')" = \
		'[null,"batch_expired"]' ]
	[ "$(row 4 errors | jq -r .error.code)" = batch_cancelled ]
	[ "$(row 5 output | jq -c '[.response.status_code, .error]')" = \
		'[0,null]' ]
	[ "$(row 6 output | jq '.response.body.choices[0].message |
		.content == null and .refusal != null')" = true ]
	[ "$(row 7 output | jq -r '.response.body.choices[0].finish_reason')" = \
		length ]
	[ -z "$(row 8 output)" ]
	[ "$(jq -R 'fromjson? // "broken"' output | grep -c broken)" = 1 ]
	[ -z "$(row 9 output)$(row 9 errors)" ]
	[ "$(row 10 output | jq -s length)" = 2 ]
	[ -n "$(row 11 output)" ]
	[ -z "$(row 12 output)" ]
	[ "$(grep -c '"unknown-' output)" = 1 ]
	[ "$(grep -c '"renamed-' output)" = 1 ]
	[[ $(row 13 output | jq -r '.response.body.choices[0].message.content') \
		!= '{'* ]]
	[ "$(row 14 output | jq '.response.body.choices[0].message.content')" = \
		null ]
	[ "$(row 15 output | jq -r '.response.body.choices[0].finish_reason')" = \
		content_filter ]
	[[ $(row 16 output | jq -r '.response.body.choices[0].message.content') \
		== '```json'* ]]
	[ "$(row 17 output | jq .response.status_code)" = 429 ]
	grep -q $'\u2028' output
	[ "$(row 18 output | jq -s length)" = 1 ]
	[ "$(row 20 output | jq .response.status_code)" = 200 ]
}

@test "rows by chance are the same each time; by batch, only there" {
	start_with <<-'EOF'
	rows 10% seed 4 of batch 1: missing
	rows 3..5 of batch 2..: http_error 503
	EOF
	run_batch 200
	local first
	first=$(jq -r .custom_id output | sort)
	[ "$(wc -l <<<"$first")" -lt 198 ]
	[ "$(wc -l <<<"$first")" -gt 160 ]
	call POST /_control/faults
	[ "$STATUS" = 200 ]
	run_batch 200
	[ "$(jq -r .custom_id output | sort)" = "$first" ]
	run_batch 10
	[ "$(jq -r .custom_id errors | paste -sd' ')" = 'r-3 r-4 r-5' ]
}

@test "order shuffled, counts wrong, ids empty" {
	start_with <<-'EOF'
	order shuffled seed 1
	counts wrong
	ids empty
	EOF
	run_batch 50
	[ "$(member '.request_counts | @json')" = \
		'{"total":1000,"completed":1000,"failed":0}' ]
	[ "$(member .error_file_id)" = "" ]
	[ "$(jq -r .custom_id output | sort | uniq | wc -l)" = 50 ]
	[ "$(jq -r .custom_id output | paste -sd' ')" != \
		"$(seq -f 'r-%g' 50 | paste -sd' ')" ]
}

@test "states that take their time; a pace; a batch that fails" {
	start_with --clock step <<-'EOF'
	finalizing 25m of batch 1
	pace 10/s of batch 1
	in_progress forever of batch 2
	fail empty_file "The file is empty." param file_id line 2 of batch 3
	EOF
	new_batch 20
	local one=$BATCH_ID two three
	new_batch 2
	two=$BATCH_ID
	new_batch 2
	three=$BATCH_ID
	advance() {
		call POST /_control/clock -d '{"advance":"'"$1"'"}'
		[ "$STATUS" = 200 ]
	}
	advance 1s
	BATCH_ID=$three
	wait_for 20 batch_is failed
	[ "$(member '.errors.data[0] | [.code, .message, .param, .line] |
		@json')" = '["empty_file","The file is empty.","file_id",2]' ]
	BATCH_ID=$one
	wait_for 20 batch_is in_progress
	advance 1s
	half() {
		# Times are told in whole seconds: nearly one more may have passed.
		batch_is in_progress && [ "$(member '.request_counts.completed |
			. >= 10 and . < 20')" = true ]
	}
	wait_for 20 half
	advance 2s
	wait_for 20 batch_is finalizing
	advance 24m
	batch_is finalizing
	advance 2m
	wait_for 20 batch_is completed
	BATCH_ID=$two
	batch_is in_progress
	[ "$(member .request_counts.completed)" = 2 ]
	advance 24h
	wait_for 20 batch_is expired
	[ -n "$(member '.output_file_id // ""')" ]
}

@test "quotas refuse with the service's words" {
	start_with <<-'EOF'
	quota requests 100
	quota creations 3/h
	in_progress forever of batch 1
	EOF
	new_batch 60
	wait_for 20 batch_is in_progress
	new_batch 60
	wait_for 20 batch_is failed
	[[ $(member '.errors.data[0].message') == "Enqueued request limit \
reached for m in organization org-nightmail. Limit: 100 enqueued requests. \
Please try again once some in_progress batches have been completed." ]]
	new_batch 30
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	[ "$STATUS" = 429 ]
	echo 'quota enqueued tokens 2000' >faults
	call POST /_control/faults
	[ "$STATUS" = 200 ]
	new_batch 400
	wait_for 20 batch_is failed
	[ "$(member '.errors.data[0] | [.code, .param, .line] | @json')" = \
		'["token_limit_exceeded",null,null]' ]
	[[ $(member '.errors.data[0].message') == *"Limit: 2,000 enqueued \
tokens."* ]]
}

@test "of batches that are validated at once, those beyond the quota fail" {
	start_with --clock step <<-'EOF'
	quota enqueued requests 100
	validating 1m
	in_progress forever
	EOF
	is_validated() { ! batch_is validating; }
	local ids=()
	for _ in 1 2 3; do
		new_batch 60
		ids+=("$BATCH_ID")
	done
	call POST /_control/clock -d '{"advance":"2m"}'
	for BATCH_ID in "${ids[@]}"; do
		wait_for 20 is_validated
	done
	call GET /v1/batches
	[ "$(jq -r '[.data[].status] | sort | join(" ")' "$BODY")" = \
		'failed failed in_progress' ]
}

@test "creations an hour: it is the server's hour" {
	start_with --clock step <<<'quota creations 2/h'
	local create=(POST /v1/batches -d '{"input_file_id":"file-x","endpoint":
		"/v1/chat/completions","completion_window":"24h"}')
	call "${create[@]}"
	call POST /_control/clock -d '{"advance":"30m"}'
	call "${create[@]}"
	[ "$STATUS" = 200 ]
	call POST /_control/clock -d '{"advance":"29m"}'
	call "${create[@]}"
	refused 429 rate_limit_exceeded null '2 batches an hour'
	call POST /_control/clock -d '{"advance":"2m"}'
	call "${create[@]}"
	[ "$STATUS" = 200 ]
	call "${create[@]}"
	[ "$STATUS" = 429 ]
}

@test "creations an hour: made at once, they are counted one by one" {
	start_with --clock step --threads 8 <<<'quota creations 2/h'
	local body='{"input_file_id":"file-x","completion_window":"24h",
		"endpoint":"/v1/chat/completions"}' i
	local urls=()
	for i in {1..24}; do
		urls+=("$BASE_URL/batches" -o "said$i")
	done
	for i in 1 2 3 4 5; do
		curl -s --parallel --parallel-immediate --parallel-max 24 \
			-d "$body" "${urls[@]}"
		[ "$(cat said* | jq -r '.id | strings' | wc -l)" = 2 ]
		[ "$(cat said* | jq -r '.error.message | strings' | sort -u)" = \
			'Rate limit reached for batch creation: 2 batches an hour. Please try again later.' ]
		call POST /_control/clock -d '{"advance":"61m"}'
	done
}

@test "a new script replaces the old one, a bad one does not" {
	start_with <<<'on GET /v1/files: status 500'
	call GET /v1/files
	[ "$STATUS" = 500 ]
	echo 'nonsense' >faults
	call POST /_control/faults
	[ "$STATUS" = 400 ]
	[ "$(member .error.message)" = \
		"faults:1:1: no rule begins with: 'nonsense'." ]
	call GET /v1/files
	[ "$STATUS" = 500 ]
	: >faults
	call POST /_control/faults
	call GET /v1/files
	[ "$STATUS" = 200 ]
}

@test "a new script numbers what comes after it; what goes on is none of its batches" {
	start_with --clock step <<<'pace 1/s'
	advance() { call POST /_control/clock -d '{"advance":"'"$1"'"}'; }
	new_batch 3
	local old=$BATCH_ID
	advance 1s
	wait_for 20 batch_is in_progress
	echo 'rows all of batch 1: http_error 500' >faults
	call POST /_control/faults
	new_batch 3
	ended() { advance 1s; batch_is completed; }
	wait_for 20 ended
	[ "$(member '.request_counts.failed')" = 3 ]
	BATCH_ID=$old
	wait_for 20 ended
	[ "$(member '.request_counts | @json')" = \
		'{"total":3,"completed":3,"failed":0}' ]
}

@test "cancelling forever ends with the window" {
	start_with --clock step <<-'EOF'
	cancelling forever
	in_progress forever
	EOF
	advance() { call POST /_control/clock -d '{"advance":"'"$1"'"}'; }
	new_batch 2
	advance 1s
	wait_for 20 batch_is in_progress
	call POST "/v1/batches/$BATCH_ID/cancel"
	advance 23h
	sleep 0.3
	batch_is cancelling
	advance 1h
	wait_for 20 batch_is cancelled
	[ "$(member '.request_counts.total')" = 2 ]
}

@test "the scripts of tests/faults can all be read" {
	start_with <<<''
	local script
	for script in "$NM_SOURCE"/tests/faults/*.faults; do
		cp "$script" faults
		call POST /_control/faults
		[ "$STATUS" = 200 ] || {
			echo "$script: $(cat "$BODY")"
			return 1
		}
	done
}

@test "any method, any path, by chance, and for a while" {
	start_with --clock step <<-'END'
	on * /v1/uploads/**: status 503
	on GET /v1/files for 1h: status 502
	on GET /v1/models 50% seed 3: status 500
	END
	call POST /v1/uploads/upload_x/parts/of/it
	[ "$STATUS" = 503 ]
	call DELETE /v1/uploads/x
	[ "$STATUS" = 503 ]
	advance() { call POST /_control/clock -d '{"advance":"'"$1"'"}'; }
	advance 2h # an hour from the first call on
	call GET /v1/files
	[ "$STATUS" = 502 ]
	advance 59m
	call GET /v1/files
	[ "$STATUS" = 502 ]
	advance 2m
	call GET /v1/files
	[ "$STATUS" = 200 ]
	local i first='' second=''
	for i in {1..20}; do
		call GET /v1/models
		first+="$STATUS "
	done
	[[ $first == *200* && $first == *500* ]]
	call POST /_control/faults
	for i in {1..20}; do
		call GET /v1/models
		second+="$STATUS "
	done
	[ "$first" = "$second" ]
}

@test "counts null or as told, states that last, responses with several messages" {
	start_with --clock step <<-'END'
	on GET /v1/batches/* nth 1: counts null
	on GET /v1/batches/* nth 2: counts total=9 completed=8 failed=1
	validating 1h of batch 1
	cancelling 10m of batch 1
	row 1 of batch 2: several
	row 2 of batch 2: refusal
	END
	advance() { call POST /_control/clock -d '{"advance":"'"$1"'"}'; }
	new_batch 2
	call GET "/v1/batches/$BATCH_ID"
	[ "$(member .request_counts)" = null ]
	call GET "/v1/batches/$BATCH_ID"
	[ "$(member '.request_counts | @json')" = \
		'{"total":9,"completed":8,"failed":1}' ]
	advance 59m
	sleep 0.3
	batch_is validating
	advance 1m
	wait_for 20 batch_is in_progress
	call POST "/v1/batches/$BATCH_ID/cancel"
	advance 9m
	sleep 0.3
	batch_is cancelling
	advance 2m
	wait_for 20 batch_is cancelled
	sed 's/chat.completions/responses/; s/"messages":[^]]*]/"input":"x"/' \
		in.jsonl >responses.jsonl
	upload responses.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'",
		"endpoint":"/v1/responses","completion_window":"24h"}'
	BATCH_ID=$(member .id)
	done_with() { advance 1s; batch_is completed; }
	wait_for 20 done_with
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -r 'select(.custom_id == "r-1") | [.response.body.output[] |
		select(.type == "message")] | length > 1' "$BODY")" = true ]
	[ "$(jq -r 'select(.custom_id == "r-2") | .response.body.output[] |
		.content // [] | .[] | .type' "$BODY")" = refusal ]
}
