#!/usr/bin/env bats
# The Batch API, by hand: contract sections 4 and 7; restarts; virtual time.
load lib

@test "a batch is born with every member, and goes its way" {
	start_server --clock step
	write_input 5 in.jsonl
	upload in.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h",
		"metadata":{"job":"n1"}}'
	BATCH_ID=$(member .id)
	[[ $BATCH_ID == batch_* ]]
	[ "$(member 'keys_unsorted | join(" ")')" = "id object endpoint model \
errors input_file_id completion_window status output_file_id error_file_id \
created_at in_progress_at expires_at finalizing_at completed_at failed_at \
expired_at cancelling_at cancelled_at request_counts usage metadata" ]
	[ "$(member '[.status, .model, .errors, .output_file_id,
		.error_file_id, .in_progress_at, .failed_at, .metadata.job,
		.request_counts.total, .usage.total_tokens] | @json')" = \
		'["validating",null,null,null,null,null,null,"n1",0,0]' ]
	[ "$(member '.expires_at - .created_at')" = 86400 ]
	for state in in_progress finalizing completed; do
		advance 1s
		wait_for 20 batch_is $state
	done
	[ "$(member '.request_counts | @json')" = \
		'{"total":5,"completed":5,"failed":0}' ]
	[ "$(member '.created_at <= .in_progress_at and
		.in_progress_at <= .finalizing_at and
		.finalizing_at <= .completed_at')" = true ]
	[ "$(member .error_file_id)" = null ]
	[[ $(member .model) == simulated-* ]]
	[ "$(member '.usage.input_tokens + .usage.output_tokens ==
		.usage.total_tokens and .usage.total_tokens > 0')" = true ]
	local out
	out=$(member .output_file_id)
	call GET "/v1/files/$out"
	[ "$(member .purpose)" = batch_output ]
	[ "$(member '.expires_at - .created_at')" = 2592000 ]
	call GET "/v1/files/$out/content"
	[ "$(jq -r .custom_id "$BODY" | sort | paste -sd' ')" = \
		'r-1 r-2 r-3 r-4 r-5' ]
	grep -qi "filename=\"${BATCH_ID}_output.jsonl\"" "$HEADERS"
}

@test "refusals at once, with their param and code" {
	start_server
	write_input 1 in.jsonl
	upload in.jsonl
	local rest='"endpoint":"/v1/chat/completions","completion_window":"24h"'
	local body code param text
	while IFS='|' read -r body code param text; do
		call POST /v1/batches -d "${body//REST/$rest}"
		refused 400 "$code" "$param" "$text"
	done <<-'EOF'
	{REST}|missing_required_parameter|input_file_id|'input_file_id'
	{"input_file_id":7,REST}|invalid_type|input_file_id|got an integer
	{"input_file_id":"f"}|missing_required_parameter|endpoint|'endpoint'
	{"input_file_id":"f","endpoint":"/v1/x","completion_window":"24h"}|invalid_value|endpoint|Invalid value: '/v1/x'. Supported values are: '
	{"input_file_id":"f","endpoint":"/v1/responses"}|missing_required_parameter|completion_window|
	{"input_file_id":"f","endpoint":"/v1/responses","completion_window":""}|invalid_value|completion_window|completion_window
	{"input_file_id":"f","endpoint":"/v1/responses","completion_window":"48h"}|invalid_value|completion_window|'48h'
	{"input_file_id":"f","metadata":{"tags":["a"]},REST}|invalid_type|metadata.tags|Invalid type for 'metadata.tags': expected a string, but got an array instead.
	{"input_file_id":"f","metadata":{"n":1},REST}|invalid_type|metadata.n|got an integer
	{"input_file_id":"f","metadata":"x",REST}|invalid_type|metadata|expected an object, but got a string
	{"input_file_id":"f","output_expires_after":{"anchor":"created_at"},REST}|missing_required_parameter|output_expires_after.seconds|'output_expires_after.seconds'
	{"input_file_id":"f","output_expires_after":{"anchor":"created_at","seconds":60},REST}|integer_below_min_value|output_expires_after.seconds|60
	{"input_file_id":"f","output_expires_after":{"seconds":3600},REST}|missing_required_parameter|output_expires_after.anchor|anchor
	EOF
	local big
	big=$(jq -nc '[range(17)|{key:"k\(.)",value:"v"}]|from_entries')
	call POST /v1/batches -d "{\"input_file_id\":\"f\",$rest,\"metadata\":$big}"
	refused 400 object_above_max_properties metadata 17
	big=$(jq -nc '{("k"*65):"v"}')
	call POST /v1/batches -d "{\"input_file_id\":\"f\",$rest,\"metadata\":$big}"
	refused 400 property_name_above_max_length "metadata.$(printf 'k%.0s' {1..65})" 65
	big=$(jq -nc '{k:("é"*513)}')
	call POST /v1/batches -d "{\"input_file_id\":\"f\",$rest,\"metadata\":$big}"
	refused 400 string_above_max_length metadata.k 513
	big=$(jq -nc '[range(16)|{key:("k\(.)"+"x"*61)[0:64],value:("é"*512)}]
		|from_entries')
	call POST /v1/batches \
		-d "{\"input_file_id\":\"$FILE_ID\",$rest,\"metadata\":$big}"
	[ "$STATUS" = 200 ]
	# A name is told whole, in characters.
	big=$(jq -nc '{("€"*64):1}')
	call POST /v1/batches -d "{\"input_file_id\":\"f\",$rest,\"metadata\":$big}"
	refused 400 invalid_type "metadata.$(jq -nr '"€"*64')" 'got an integer'
	call GET /v1/batches
	[ "$(member '.data | length')" = 1 ]
	# Of a name that comes again the last value counts, as with all members.
	big=$(jq -nr '[range(14)|"\"k\(.)\":\"v\""]|join(",")')
	call POST /v1/batches -d "{\"input_file_id\":\"$FILE_ID\",$rest,
		\"metadata\":{\"k3\":7,$big,\"k3\":\"w\"}}"
	[ "$STATUS" = 200 ]
	[ "$(grep -o '"k3":' "$BODY" | wc -l)" = 1 ]
	[ "$(member '.metadata | length, .k3' | paste -sd' ')" = '14 w' ]
}

@test "an unknown file: the batch fails, or is refused at once" {
	start_server
	create_batch file-none
	wait_for 20 batch_is failed
	[ "$(member '.errors.data[0] | [.code, .param, .line] | @json')" = \
		'["invalid_request","file_id",null]' ]
	[[ $(member '.errors.data[0].message') == \
		'Cannot find file file-none, or organization '* ]]
	[ "$(member '.failed_at != null and .request_counts.total == 0')" = true ]
	stop_server
	start_server --unknown-file sync
	call POST /v1/batches -d '{"input_file_id":"file-none","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	refused 400 invalid_request file_id 'Cannot find file file-none'
}

@test "a file of another purpose, deleted or expired is no input, in either style" {
	start_server --clock step
	write_input 1 in.jsonl
	local other gone old file
	call POST /v1/files -F purpose=user_data -F file=@in.jsonl
	other=$(member .id)
	upload in.jsonl
	gone=$FILE_ID
	call DELETE "/v1/files/$gone"
	upload in.jsonl -F 'expires_after[anchor]=created_at' \
		-F 'expires_after[seconds]=3600'
	old=$FILE_ID
	advance 1h
	for file in "$other" "$gone" "$old" ''; do
		create_batch "$file"
		advance 1s
		wait_for 20 batch_is failed
		[ "$(member '.errors.data | map([.code, .param, .line, .message]) |
			@json')" = '[["invalid_request","file_id",null,"Cannot find '\
'file '"$file"', or organization org-nightmail does not have access to it."]]' ]
	done
	stop_server
	start_server --clock step --unknown-file sync
	for file in "$other" "$gone" "$old" ''; do
		call POST /v1/batches -d '{"input_file_id":"'"$file"'","endpoint":
			"/v1/chat/completions","completion_window":"24h"}'
		refused 400 invalid_request file_id "Cannot find file $file, or \
organization org-nightmail does not have access to it."
	done
}

@test "a batch that ends half done keeps what it has, and says of each other why" {
	echo 'pace 3/h' >faults
	start_server --clock step --faults faults
	local end i code message
	for ((i = 1; i <= 100; i++)); do
		echo '{"custom_id":"r-'$i'","method":"POST","url":"/v1/chat/completions",
			"body":{"model":"m","temperature":'$((i % 4 ? 1 : 3))',
			"messages":[{"role":"user","content":"Say '$i'"}]}}' | tr -d '\n\t'
		echo
	done >in.jsonl
	upload in.jsonl
	for end in cancelled expired; do
		create_batch "$FILE_ID"
		advance 1s
		wait_for 20 batch_is in_progress
		advance 4h
		some() {
			call GET "/v1/batches/$BATCH_ID"
			[ "$(member '[.request_counts[]] | @json')" = '[100,9,3]' ]
		}
		wait_for 20 some
		[ "$(member '[.output_file_id, .error_file_id] | @json')" = \
			'[null,null]' ]
		if [ $end = cancelled ]; then
			call POST "/v1/batches/$BATCH_ID/cancel"
			advance 1s
			message='not executed because the batch was cancelled.'
		else
			advance 20h
			message='could not be executed before the completion window expired.'
		fi
		wait_for 20 batch_is $end
		cp "$BODY" batch
		call GET "/v1/files/$(jq -r .output_file_id batch)/content"
		cp "$BODY" output
		call GET "/v1/files/$(jq -r .error_file_id batch)/content"
		[ "$(jq -r .custom_id output "$BODY" | sort -u | wc -l)" = 100 ]
		[ "$(cat output "$BODY" | wc -l)" = 100 ]
		[ "$(jq '[.request_counts.total, .request_counts.completed,
			.usage.total_tokens]' batch)" = "$(jq -s '[100, length,
			(map(.response.body.usage.total_tokens) | add)]' output)" ]
		[ "$(jq .request_counts.failed batch)" = \
			"$(jq -c 'select(.response.status_code == 400)' "$BODY" | wc -l)" ]
		[ "$(jq -c 'select(.response == null) | .error' "$BODY" | sort -u)" = \
			'{"code":"batch_'$end'","message":"This request '\
"$([ $end = expired ] || echo 'was ')$message"'"}' ]
	done
}

@test "an unknown batch is a 404" {
	start_server
	call GET /v1/batches/batch_x
	refused 404 null null "No batch found with id 'batch_x'."
	call POST /v1/batches/batch_x/cancel
	refused 404 null null "No batch found with id 'batch_x'."
	call GET '/v1/batches?after=batch_x'
	refused 400 invalid_value after "No batch found with id 'batch_x'."
}

@test "the list pages, newest first, and its limits are 1 to 100" {
	start_server --delay-validating 1000
	write_input 1 in.jsonl
	upload in.jsonl
	local ids=() i seen='' after=''
	for i in {1..5}; do
		create_batch "$FILE_ID"
		ids=("$BATCH_ID" "${ids[@]}")
	done
	while :; do
		call GET "/v1/batches?limit=2$after"
		seen+="$(member '.data[].id') "
		[ "$(member .has_more)" = true ] || break
		after="&after=$(member .last_id)"
	done
	seen=${seen//$'\n'/ }
	[ "${seen% }" = "${ids[*]}" ]
	call GET '/v1/batches?limit=0'
	refused 400 integer_below_min_value limit '>= 1'
	call GET '/v1/batches?limit=101'
	refused 400 integer_above_max_value limit '<= 100'
}

@test "cancel: twice is fine, a finished batch is a conflict" {
	start_server --delay-in-progress 100
	new_batch 3
	wait_for 20 batch_is in_progress
	call POST "/v1/batches/$BATCH_ID/cancel"
	[ "$STATUS" = 200 ]
	[ "$(member .status)" = cancelling ]
	[ "$(member '.cancelling_at != null')" = true ]
	call POST "/v1/batches/$BATCH_ID/cancel"
	[ "$STATUS" = 200 ]
	wait_for 20 batch_is cancelled
	call POST "/v1/batches/$BATCH_ID/cancel"
	[ "$STATUS" = 200 ]
	[ "$(member .status)" = cancelled ]
	stop_server
	start_server
	new_batch 3
	wait_for 20 batch_is completed
	call POST "/v1/batches/$BATCH_ID/cancel"
	refused 409 null null "Cannot cancel a batch with status 'completed'."
	create_batch file-none
	wait_for 20 batch_is failed
	call POST "/v1/batches/$BATCH_ID/cancel"
	refused 409 null null "Cannot cancel a batch with status 'failed'."
}

@test "a deleted input file fails a batch not yet begun" {
	start_server --delay-validating 1
	new_batch 1
	call DELETE "/v1/files/$FILE_ID"
	wait_for 20 batch_is failed
	[ "$(member '.errors.data[0] | [.code, .param, .line, .message] | @json')" = \
		'["invalid_request","file_id",null,"Cannot find file '"$FILE_ID"', or '\
'organization org-nightmail does not have access to it."]' ]
}

@test "batches of all four endpoints, each row in its endpoint's form" {
	start_server
	local endpoint object body
	while read -r endpoint object body; do
		for i in 1 2; do
			echo '{"custom_id":"'$i'","method":"POST","url":"'"$endpoint"'",
				"body":'"$body"'}' | tr -d '\n\t'
			echo
		done >in.jsonl
		upload in.jsonl
		call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
			"'"$endpoint"'","completion_window":"24h"}'
		BATCH_ID=$(member .id)
		wait_for 20 batch_is completed
		[ "$(member '.request_counts | @json')" = \
			'{"total":2,"completed":2,"failed":0}' ]
		[ "$(member '.usage.input_tokens > 0')" = true ]
		call GET "/v1/files/$(member .output_file_id)/content"
		[ "$(jq -r '[.custom_id, .error, .response.status_code,
			.response.body.object, (.id | startswith("batch_req_")),
			(.response.request_id | length > 0)] | @json' "$BODY" |
			sort)" = '["1",null,200,"'"$object"'",true,true]
["2",null,200,"'"$object"'",true,true]' ]
	done <<-'END'
	/v1/chat/completions chat.completion {"model":"m","messages":[{"role":"user","content":"x"}]}
	/v1/responses response {"model":"m","input":"x"}
	/v1/embeddings list {"model":"m","input":["x","y"]}
	/v1/completions text_completion {"model":"m","prompt":"x"}
	END
}

@test "a small batch is done within two seconds" {
	start_server
	new_batch 20
	wait_for 20 batch_is completed
	[ "$(member '.completed_at - .created_at <= 2')" = true ]
}

@test "state outlives SIGTERM and SIGKILL, and work goes on" {
	start_server --delay-in-progress 1
	new_batch 10
	wait_for 20 batch_is in_progress
	kill_server
	start_server --delay-in-progress 1
	call GET "/v1/files/$FILE_ID/content"
	cmp "$BODY" in.jsonl
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 10 ]
	local out
	out=$(member .output_file_id)
	call GET "/v1/files/$out/content"
	[ "$(jq -r .custom_id "$BODY" | sort -u | wc -l)" = 10 ]
	[ "$(wc -l <"$BODY")" = 10 ]
	stop_server
	start_server
	batch_is completed
}

@test "what a killed upload left is swept" {
	start_server
	head -c 30000000 /dev/zero >zeros.bin
	curl -s -F purpose=vision -F file=@zeros.bin --limit-rate 1M \
		"$BASE_URL/files" >/dev/null 3>&- &
	local curl=$!
	some_tmp() { [ -n "$(ls "$STATE/tmp")" ]; }
	wait_for 20 some_tmp
	kill_server
	wait $curl || true
	some_tmp
	start_server
	[ -z "$(ls "$STATE/tmp")" ]
	[ -z "$(ls "$STATE/files")" ]
	# So is, in time, what no batch speaks for.
	touch -d '2 hours ago' "$STATE/work/batch_x.output" \
		"$STATE/work/batch_x.input" "$STATE/files/file-x"
	stop_server
	start_server
	[ -z "$(find "$STATE/work" "$STATE/files" -name "*-x" -o -name "*_x.*")" ]
}

works() { # 0 or 1
	call GET /metrics
	grep -q "^nightmail_working $1\$" "$BODY"
}

@test "two servers share a folder; one works, the other takes over" {
	start_server --delay-in-progress 1000
	local first=$SERVER_PID first_url=$SERVER_URL
	SERVER_PID=
	# Its hours are seconds: only here the batch can come to its end.
	start_server --clock fast=200
	new_batch 5
	local second_url=$SERVER_URL
	SERVER_URL=$first_url
	batch_is validating || batch_is in_progress
	works 1
	SERVER_URL=$second_url
	works 0
	kill -9 "$first"
	wait "$first" 2>/dev/null || true
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 5 ]
	works 1
}

@test "the tier that was asked for is the one that is told" {
	start_server
	local asked told path rest
	for path in chat/completions responses; do
		rest='"messages":[{"role":"user","content":"hi"}]'
		[ $path != responses ] || rest='"input":"hi"'
		while read -r asked told; do
			call POST /v1/$path -d '{"model":"m","service_tier":'"$asked,$rest}"
			[ "$STATUS" = 200 ]
			[ "$(member .service_tier)" = "$told" ]
		done <<-'END'
		null default
		"auto" default
		"default" default
		"flex" flex
		"priority" priority
		END
		call POST /v1/$path -d '{"model":"m","service_tier":"bogus",'"$rest}"
		refused 400 invalid_value service_tier "Invalid value: 'bogus'. Supported values are: 'auto', 'default', 'fast', 'flex', and 'priority'."
		call POST /v1/$path -d '{"model":"m","service_tier":7,'"$rest}"
		refused 400 invalid_type service_tier "Invalid type for 'service_tier': expected one of 'auto', 'default', 'fast', 'flex', or 'priority', but got an integer instead."
	done
}

@test "a response says how it was asked, and what it took where nothing was said" {
	start_server
	call POST /v1/responses -d '{"model":"m","input":"x"}'
	[ "$(jq -c '[.instructions, .max_output_tokens, .metadata,
		.parallel_tool_calls, .store, .temperature == 1,
		.text.format.type, .tool_choice, .tools, .top_p == 1,
		.truncation]' "$BODY")" = \
		'[null,null,{},true,true,true,"text","auto",[],true,"disabled"]' ]
	[ "$(member '.completed_at | type')" = number ]
	call POST /v1/responses -d '{"model":"m","input":"x","instructions":"Be brief.",
		"metadata":{"run":"a\u0001"},"temperature":0.25,"top_p":0.5,
		"store":false,"tool_choice":"none","max_output_tokens":64,
		"tools":[{"type":"function","name":"f","parameters":{}}]}'
	[ "$STATUS" = 200 ]
	[ "$(jq -c '[.instructions, .max_output_tokens, .metadata.run, .store,
		.temperature, .tool_choice, .tools[0].name, .top_p]' "$BODY")" = \
		'["Be brief.",64,"a\u0001",false,0.25,"none","f",0.5]' ]
	call POST /v1/responses -d '{"model":"m","input":"x","max_output_tokens":16,
		"reasoning":{"effort":"high"}}'
	[ "$(jq -c '[.status, .completed_at]' "$BODY")" = '["incomplete",null]' ]
}
