#!/usr/bin/env bats
# The Uploads API, by hand: contract section 3; and quotas of one's own.
load lib

@test "limits of one's own: batches at once, disk" {
	start_server --max-batches 2 --disk-quota 1 --delay-validating 1000
	write_input 1 in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	create_batch "$FILE_ID"
	call POST /v1/batches -d '{"input_file_id":"f","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	refused 429 rate_limit_exceeded null 'Too many batches'
	head -c 1200000 /dev/zero >zeros.bin
	call POST /v1/files -F purpose=vision -F file=@zeros.bin
	refused 400 storage_quota_exceeded null quota
	call POST /v1/files -F purpose=vision -F file=@zeros.bin \
		-H 'Transfer-Encoding: chunked'
	refused 400 storage_quota_exceeded null quota
	head -c 600000 /dev/zero >zeros.bin
	call POST /v1/files -F purpose=vision -F file=@zeros.bin
	[ "$STATUS" = 200 ]
}

@test "creations at once have one limit, not one each" {
	start_server --max-batches 2 --delay-validating 1000 --threads 8
	write_input 1 in.jsonl
	upload in.jsonl
	local body='{"input_file_id":"'$FILE_ID'","completion_window":"24h",
		"endpoint":"/v1/chat/completions"}' round i
	local urls=()
	for i in {1..24}; do
		urls+=("$BASE_URL/batches" -o "said$i")
	done
	for round in 1 2 3 4 5; do
		curl -s --parallel --parallel-immediate --parallel-max 24 \
			-d "$body" "${urls[@]}"
		[ "$(cat said* | jq -r '.status | strings' | wc -l)" = 2 ]
		for i in $(cat said* | jq -r '.id | strings'); do
			call POST "/v1/batches/$i/cancel"
			BATCH_ID=$i
			wait_for 20 batch_is cancelled
		done
	done
}

# Each of them is within the quota when it begins.
@test "calls at once have one quota, not one each" {
	echo 'on POST /v1/*: delay 1s' >faults
	echo 'on POST /v1/uploads/*/parts: delay 1s' >>faults
	start_server --disk-quota 1 --faults faults
	head -c 600000 /dev/zero >zeros.bin
	local i path upload
	for path in /v1/files parts; do
		if [ $path = parts ]; then
			call POST /v1/uploads -d '{"filename":"x","purpose":"vision",
				"bytes":600000,"mime_type":"t"}'
			upload=$(member .id)
			path=/v1/uploads/$upload/parts
			for i in "$STATE"/files/*; do
				call DELETE "/v1/files/${i##*/}"
				[ "$STATUS" = 200 ]
			done
		fi
		: >statuses
		for i in 1 2 3 4; do
			curl -s -o "said$i" -w '%{http_code}\n' -F purpose=vision \
				-F "$([[ $path == *parts ]] && echo data || echo file
				)=@zeros.bin" "$SERVER_URL$path" >>statuses 3>&- &
		done
		all_said() {
			[ "$(wc -l <statuses)" = 4 ]
		}
		wait_for 20 all_said
		sort statuses | uniq -c
		[ "$(grep -c 200 statuses)" = 1 ]
		[ "$(cat said? | jq -r '.error.code | strings' | sort | uniq -c |
			sed 's/^ *//')" = '3 storage_quota_exceeded' ]
		[ "$(find "$STATE/files" -type f | wc -l)" = 1 ]
	done
}

@test "an upload in parts becomes a file" {
	start_server
	write_input 40 in.jsonl
	local size part1 part2 upload
	size=$(wc -c <in.jsonl)
	head -c 1000 in.jsonl >one
	tail -c +1001 in.jsonl >two
	call POST /v1/uploads -d '{"filename":"in.jsonl","purpose":"batch",
		"bytes":'"$size"',"mime_type":"text/jsonl"}'
	[ "$(member '"\(.object) \(.status) \(.file)"')" = 'upload pending null' ]
	[ "$(member '.expires_at - .created_at')" = 3600 ]
	upload=$(member .id)
	call POST "/v1/uploads/$upload/parts" -F data=@two
	[ "$(member '"\(.object) \(.upload_id)"')" = "upload.part $upload" ]
	part2=$(member .id)
	call POST "/v1/uploads/$upload/parts" -F data=@one
	part1=$(member .id)
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part1"'"]}'
	refused 400 invalid_value part_ids 1000
	call POST "/v1/uploads/$upload/complete" \
		-d '{"part_ids":["'"$part1"'","part_x"]}'
	refused 400 invalid_value part_ids part_x
	call POST "/v1/uploads/$upload/complete" \
		-d '{"part_ids":["'"$part1"'","'"$part2"'"],"md5":"00"}'
	refused 400 invalid_value md5 md5
	call POST "/v1/uploads/$upload/complete" \
		-d '{"part_ids":["'"$part1"'","'"$part2"'"],"md5":"'"$(
			md5sum in.jsonl | cut -d' ' -f1)"'"}'
	[ "$(member '"\(.status) \(.file.filename) \(.file.bytes)"')" = \
		"completed in.jsonl $size" ]
	FILE_ID=$(member .file.id)
	call GET "/v1/files/$FILE_ID/content"
	cmp "$BODY" in.jsonl
	call POST "/v1/uploads/$upload/parts" -F data=@one
	refused 400 null null 'not pending'
	[ "$(ls "$STATE/files")" = "$FILE_ID" ]
	call POST /v1/uploads/upload_x/cancel
	refused 404 null upload_id 'No such Upload'
	call POST /v1/uploads -d '{"filename":"x","purpose":"batch","bytes":1,
		"mime_type":"t"}'
	refused 400 null null 'Must be .jsonl'
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":1,
		"mime_type":"t"}'
	upload=$(member .id)
	call POST "/v1/uploads/$upload/cancel"
	[ "$(member .status)" = cancelled ]
	call POST "/v1/uploads/$upload/cancel"
	refused 400 null null 'not pending'
}

@test "of calls that end an upload at once one does, and nothing is left over" {
	start_server
	local upload part i n pids
	truncate -s 50000000 data
	for i in 1 2 3; do
		call POST /v1/uploads -d '{"filename":"../x/y","purpose":"vision",
			"bytes":50000000,"mime_type":"t"}'
		[ "$(member .filename)" = y ]
		upload=$(member .id)
		call POST "/v1/uploads/$upload/parts" -F data=@data
		part=$(member .id)
		pids=()
		for n in 1 2 3 4; do
			curl -s -d '{"part_ids":["'"$part"'"]}' -o "answer$n" \
				"$BASE_URL/uploads/$upload/complete" 3>&- &
			pids+=($!)
		done
		wait "${pids[@]}"
		[ "$(jq -s 'map(select(.status == "completed")) | length' \
			answer?)" = 1 ]
		[ "$(jq -s 'map(select(.error.type == "invalid_request_error"))
			| length' answer?)" = 3 ]
		[ "$(find "$STATE/files" "$STATE/tmp" -type f | wc -l)" = $i ]
	done
}

# A part that cannot be opened yet stands for one that takes long to copy.
@test "while uploads are joined, others are answered" {
	local n upload part parts=()
	start_server
	for n in 1 2 3; do
		call POST /v1/uploads -d '{"filename":"a.bin","purpose":"vision",
			"bytes":3,"mime_type":"text/plain"}'
		upload=$(member .id)
		call POST "/v1/uploads/$upload/parts" -F 'data=abc;filename=a'
		part=$(member .id)
		parts+=("$STATE/files/$part")
		rm "${parts[-1]}"
		mkfifo "${parts[-1]}"
		curl -s -o "later.$n" -w '%{http_code}' --max-time 60 \
			"$SERVER_URL/v1/uploads/$upload/complete" \
			-d '{"part_ids":["'"$part"'"]}' >"status.$n" 3>&- &
	done
	all_ask() {
		call GET /metrics --max-time 30
		grep -qx 'nightmail_connections 4' "$BODY"
	}
	wait_for 20 all_ask
	local statuses=''
	for n in 1 2 3; do
		call GET /healthz --max-time 30
		statuses+="$STATUS "
	done
	for n in 0 1 2; do
		: >"${parts[n]}"
	done
	[ "$statuses" = '200 200 200 ' ]
	for n in 1 2 3; do
		answered() { [ -s "status.$n" ]; }
		wait_for 20 answered
		[ "$(cat "status.$n")" = 500 ]
		[ "$(jq -r .error.type "later.$n")" = server_error ]
	done
}

@test "an upload expires after an hour, with its parts" {
	start_server --clock step
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":3,
		"mime_type":"t"}'
	local upload
	upload=$(member .id)
	echo hi >part
	call POST "/v1/uploads/$upload/parts" -F data=@part
	[ "$STATUS" = 200 ]
	advance 1h
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["x"]}'
	refused 400 null null expired
	no_parts() { [ -z "$(ls "$STATE/files")" ]; }
	wait_for 20 no_parts
}
