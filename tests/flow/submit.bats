#!/usr/bin/env bats
# Any request file, sent in shards, followed to its last reply, saved in order.

load lib

write_requests() { # number
	local i
	for ((i = 0; i < $1; i++)); do
		printf '{"custom_id":"job %d é","method":"POST",' "$i"
		printf '"url":"/v1/responses","body":{"model":"m","input":"%d"}}\n' "$i"
	done >work.jsonl
}

manage() {
	OPENAI_API_KEY=sk-test batch_manager --base-url "$BASE_URL" "$@"
}

submit() {
	manage --submit work.jsonl --json "$@" >submitted.json
	ID=$(jq -r '.batches[0]' submitted.json)
}

posted() { # path
	logged ".method == \"POST\" and .path == \"$1\""
}

@test "a file goes out in shards and comes back a row a request, in order" {
	printf 'order shuffled\n' >f.faults
	start_server --faults f.faults
	write_requests 25
	submit --shard-requests 10
	[ "$(jq '.batches | length' submitted.json)" = 3 ]
	manage --wait "$ID" --quiet
	manage --download "$ID" -o out.jsonl --quiet
	jq -r .custom_id work.jsonl >wanted
	jq -r .custom_id out.jsonl >got
	cmp wanted got
	[ "$(jq -s 'map(select(.response.status_code == 200)) | length' \
		out.jsonl)" = 25 ]
}

@test "the same file again takes its unfinished run up, --new does not" {
	start_server --delay-in-progress 30
	write_requests 3
	submit
	first=$ID
	submit
	[ "$ID" = "$first" ]
	[ "$(jq .taken_up submitted.json)" = true ]
	[ "$(posted /v1/batches)" = 1 ]
	submit --new
	[ "$ID" != "$first" ]
	[ "$(posted /v1/batches)" = 2 ]
}

@test "what the service failed is sent again, what it refused is not" {
	printf '%s\n' 'row 1..2 of batch 1: http_error 503' \
		'row 3 of batch 1: http_error 400 bad_value "no"' >f.faults
	start_server --faults f.faults
	write_requests 6
	submit
	manage --wait "$ID" --quiet
	[ "$(posted /v1/batches)" = 2 ]
	run manage --download "$ID" -o out.jsonl --json
	[ "$status" -eq 1 ]
	[ "$(wc -l <out.jsonl)" = 6 ]
	[ "$(jq -r 'select(.response.status_code == 400) | .custom_id' \
		out.jsonl)" = "job 2 é" ]
}

@test "a faulty file is named by its line and nothing is sent" {
	start_server
	write_requests 2
	printf '{"custom_id":"x","method":"POST"}\n' >>work.jsonl
	run manage --submit work.jsonl
	[ "$status" -eq 3 ]
	[[ $output == *work.jsonl:3:*missing_required_parameter* ]]
	[ "$(posted /v1/files)" = 0 ]
}

@test "a file that changed since it was sent is not followed" {
	start_server
	write_requests 4
	submit
	write_requests 5
	run manage --wait "$ID"
	[ "$status" -eq 3 ]
	[[ $output == *"no longer the file that was sent"* ]]
}
