#!/usr/bin/env bats
# Virtual time: windows, expiries and retention in no time.
load lib

@test "an input that is deleted, or expires, is kept for its batch in progress" {
	echo 'pace 10/s' >faults
	start_server --clock step --faults faults
	write_input 60 in.jsonl
	call POST /v1/files -F purpose=batch -F file=@in.jsonl \
		-F 'expires_after[anchor]=created_at' -F 'expires_after[seconds]=3600'
	FILE_ID=$(member .id)
	create_batch "$FILE_ID"
	local deleted=$BATCH_ID input=$FILE_ID
	advance 1s
	wait_for 20 batch_is in_progress
	call DELETE "/v1/files/$input"
	[ "$STATUS" = 200 ]
	call GET "/v1/files/$input/content"
	[ "$STATUS" = 404 ]
	[ ! -e "$STATE/files/$input" ]
	advance 3s
	kill_server
	start_server --clock step --faults faults
	BATCH_ID=$deleted
	advance 10s
	wait_for 20 batch_is finalizing
	advance 1s
	wait_for 20 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":60,"completed":60,"failed":0}' ]
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -r .custom_id "$BODY" | sort -u | wc -l)" = 60 ]
	[ -z "$(ls "$STATE/work")" ]
	# The same where its hour is over.
	echo 'pace 20/h' >faults
	call POST /_control/faults
	call POST /v1/files -F purpose=batch -F file=@in.jsonl \
		-F 'expires_after[anchor]=created_at' -F 'expires_after[seconds]=3600'
	FILE_ID=$(member .id)
	create_batch "$FILE_ID"
	advance 1s
	wait_for 20 batch_is in_progress
	advance 1h
	gone() { [ ! -e "$STATE/files/$FILE_ID" ]; }
	wait_for 20 gone
	advance 3h
	wait_for 20 batch_is finalizing
	advance 1s
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 60 ]
	[ -z "$(ls "$STATE/work")" ]
}

@test "24 hours, and 30 days, in no time" {
	start_server --clock step --delay-validating 10 --delay-in-progress 90000
	new_batch 2
	local input=$FILE_ID
	sleep 0.3
	batch_is validating
	advance 11s
	wait_for 20 batch_is in_progress
	advance 23h
	sleep 0.3
	batch_is in_progress
	advance 1h
	wait_for 20 batch_is expired
	[ "$(member '.expired_at >= .expires_at')" = true ]
	call GET "/v1/files/$input"
	[ "$STATUS" = 200 ]
	advance 30d
	call GET "/v1/files/$input"
	refused 404 null id "No such File object: $input"
	call GET /v1/files
	[ "$(member "[.data[].id] | index(\"$input\")")" = null ]
	gone() { [ ! -e "$STATE/files/$input" ]; }
	wait_for 20 gone
	call GET "/v1/batches/$BATCH_ID"
	[ "$STATUS" = 200 ]
}

@test "time that is real cannot be moved, and time goes forward alone" {
	start_server
	call POST /_control/clock -d '{"advance":"1h"}'
	refused 400 null null 'real time cannot be moved'
	stop_server
	start_server --clock step
	call GET /_control/clock
	local now
	now=$(member .now_ms)
	call POST /_control/clock -d '{"advance_ms":1500}'
	[ "$(member '.now_ms - '"$now")" = 1500 ]
	call POST /_control/clock -d '{"to":'$((now / 1000 + 60))'}'
	[ "$(member .now)" = $((now / 1000 + 60)) ]
	call POST /_control/clock -d '{"to":'$((now / 1000))'}'
	refused 400 null null 'time goes forward'
	# One of the three, as it is meant; nothing moves by half.
	local body
	for body in '{}' '{"advance":5}' '{"advance":null}' '{"Advance":"1h"}' \
		'{"advance":"367d"}' '{"advance_ms":-1}' '{"advance_ms":1.5}' \
		'{"advance_ms":1e30}' '{"to":1e30}' '{"to":9223372036854775807}' \
		'{"advance":"1h","to":1}' '{"advance":"1h","more":1}'; do
		call POST /_control/clock -d "$body"
		refused 400 null null 'time goes forward'
	done
	for body in '{"advance":"-5s"}' '{"advance":""}' \
		'{"advance":"99999999999999999999h"}'; do
		call POST /_control/clock -d "$body"
		[ "$STATUS" = 400 ]
	done
	# The answer's own date is that of the server's time.
	call POST /_control/clock -d '{"advance":"365d"}'
	[ "$(date -d "$(sed -n 's/^Date: //p' "$HEADERS" | tr -d '\r')" +%s)" = \
		$((now / 1000 + 60 + 365 * 86400)) ]
	[ "$(grep -ci '^date:' "$HEADERS")" = 1 ]
	kill_server
	start_server --clock step
	call GET /_control/clock
	[ "$(member .now)" = $((now / 1000 + 60 + 365 * 86400)) ]
}

@test "fast=N: all timestamps run N times as fast, and on from where they were" {
	start_server --clock fast=3600
	call GET /_control/clock
	[ "$(member '"\(.mode) \(.speed + 0)"')" = 'fast 3600' ]
	local first
	first=$(member .now)
	sleep 1
	call GET /_control/clock
	[ "$(member ".now - $first >= 3600")" = true ]
	# An upload of an hour is over in a second.
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":3,
		"mime_type":"t"}'
	local upload
	upload=$(member .id)
	sleep 1.1
	call POST "/v1/uploads/$upload/cancel"
	refused 400 null null expired
	call GET /_control/clock
	first=$(member .now)
	call POST /_control/clock -d '{"advance":"24h"}'
	[ "$(member ".now - $first >= 86400")" = true ]
	first=$(member .now)
	stop_server
	start_server
	call GET /_control/clock
	[ "$(member .mode)" = real ]
	[ "$(member ".now >= $first")" = true ]
	local spec
	for spec in fast=0 fast= fast=1e9 fast=x slow Real; do
		run batch_server --state-dir "$STATE" --clock "$spec"
		[ "$status" = 2 ]
		[[ $output == *"\"$spec\" is none of real, step and fast=N"* ]]
	done
}

@test "a cancel before anything ran, and one of what has expired" {
	start_server --clock step --delay-validating 10
	new_batch 3
	call POST "/v1/batches/$BATCH_ID/cancel"
	[ "$(member .status)" = cancelling ]
	[ "$(member .in_progress_at)" = null ]
	advance 1s
	wait_for 20 batch_is cancelled
	[ "$(member '[.output_file_id, .error_file_id, .cancelled_at != null,
		.request_counts.total] | @json')" = '[null,null,true,0]' ]
	new_batch 3
	advance 24h
	wait_for 20 batch_is expired
	call POST "/v1/batches/$BATCH_ID/cancel"
	refused 409 null null "Cannot cancel a batch with status 'expired'."
}

@test "results are hidden until the end, and go when their time is over" {
	start_server --clock step
	write_input 3 in.jsonl
	upload in.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h",
		"output_expires_after":{"anchor":"created_at","seconds":3600}}'
	BATCH_ID=$(member .id)
	advance 1s
	wait_for 20 batch_is in_progress
	[ "$(member '[.output_file_id, .error_file_id] | @json')" = '[null,null]' ]
	advance 1s
	wait_for 20 batch_is finalizing
	[ "$(member '[.output_file_id, .error_file_id] | @json')" = '[null,null]' ]
	[ "$(member '.request_counts.completed')" = 3 ]
	advance 5m
	wait_for 20 batch_is completed
	local output created
	output=$(member .output_file_id)
	created=$(member .completed_at)
	call GET "/v1/files/$output"
	# Counted from the result's creation, not the batch's.
	[ "$(member '.expires_at - .created_at')" = 3600 ]
	[ "$(member ".created_at - $created | fabs <= 1")" = true ]
	advance 59m
	call GET "/v1/files/$output/content"
	[ "$STATUS" = 200 ]
	advance 2m
	call GET "/v1/files/$output/content"
	refused 404 null id "No such File object: $output"
	batch_is completed
	[ "$(member .output_file_id)" = "$output" ]
	gone() { [ ! -e "$STATE/files/$output" ]; }
	wait_for 20 gone
}
