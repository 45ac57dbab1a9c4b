#!/usr/bin/env bats
# Every limit of the contract, at it and one beyond, and every malformed request:
# status, type, code, param and words of the envelope.
load lib
load envelope

@test "a batch's members: missing, of another type, of another value" {
	start_server
	local body code param message
	while IFS='|' read -r body code param message; do
		call POST /v1/batches -d "$body"
		invalid "$code" "$param" "$message"
	done <<-'EOT'
	{}|missing_required_parameter|input_file_id|Missing required parameter: 'input_file_id'.
	{"input_file_id":null}|invalid_type|input_file_id|Invalid type for 'input_file_id': expected a string, but got null instead.
	{"input_file_id":["f"]}|invalid_type|input_file_id|Invalid type for 'input_file_id': expected a string, but got an array instead.
	{"input_file_id":"f","endpoint":true}|invalid_type|endpoint|Invalid type for 'endpoint': expected a string, but got a boolean instead.
	{"input_file_id":"f","endpoint":"/v1/chat/completions"}|missing_required_parameter|completion_window|Missing required parameter: 'completion_window'.
	{"input_file_id":"f","endpoint":"/v1/chat/completions","completion_window":24}|invalid_type|completion_window|Invalid type for 'completion_window': expected a string, but got an integer instead.
	{"input_file_id":"f","endpoint":"","completion_window":"24h"}|invalid_value|endpoint|Invalid value: ''. Supported values are: '/v1/responses', '/v1/chat/completions', '/v1/embeddings', and '/v1/completions'.
	{"input_file_id":"f","endpoint":"/v1/moderations","completion_window":"24h"}|invalid_value|endpoint|Invalid value: '/v1/moderations'. Supported
	{"input_file_id":"f","endpoint":"/v1/images/generations","completion_window":"24h"}|invalid_value|endpoint|Invalid value: '/v1/images/generations'. Supported
	{"input_file_id":"f","endpoint":"/v1/images/edits","completion_window":"24h"}|invalid_value|endpoint|Invalid value: '/v1/images/edits'. Supported
	{"input_file_id":"f","endpoint":"/v1/videos","completion_window":"24h"}|invalid_value|endpoint|Invalid value: '/v1/videos'. Supported
	{"input_file_id":"f","endpoint":"/v1/responses","completion_window":"1h"}|invalid_value|completion_window|Invalid value for 'completion_window': '1h'. Supported values are: '24h'.
	EOT
}

@test "all four endpoints are taken, and null for what may be left out" {
	start_server
	local endpoint
	for endpoint in responses chat/completions embeddings completions; do
		call POST /v1/batches -d '{"input_file_id":"f","endpoint":"/v1/'$endpoint'",
			"completion_window":"24h","metadata":null,
			"output_expires_after":null,"of_later":{"a":1}}'
		ok
		[ "$(member .endpoint)" = "/v1/$endpoint" ]
		[ "$(member .metadata)" = null ]
	done
}

@test "metadata: 16 pairs, 64 and 512 characters, and one beyond each" {
	start_server
	local rest='"input_file_id":"f","endpoint":"/v1/responses","completion_window":"24h"'
	local metadata
	meta() { # jq-expression
		metadata=$(jq -nc "$1")
		call POST /v1/batches -d "{$rest,\"metadata\":$metadata}"
	}
	meta '[range(16)|{key:"k\(.)",value:""}]|from_entries'
	ok
	[ "$(member '.metadata | length')" = 16 ]
	meta '[range(17)|{key:"k\(.)",value:""}]|from_entries'
	invalid object_above_max_properties metadata "Invalid 'metadata': too many \
properties. Expected an object with at most 16 properties, but got an object with 17"
	meta '{("é"*64):"v"}'
	ok
	[ "$(member .metadata)" = "$(jq . <<<"$metadata")" ]
	meta '{("é"*65):"v"}'
	invalid property_name_above_max_length "metadata.$(printf 'é%.0s' {1..65})" \
"Invalid property name in 'metadata': 'ééé...ééé' is too long. Expected a string \
with maximum length 64, but got a string with length 65 instead."
	meta '{("ab" + "c"*62 + "de"):"v"}'
	envelope 400 invalid_request_error property_name_above_max_length \
		"$(jq -r '"metadata." + keys[0]' <<<"$metadata")" "Invalid property name in \
'metadata': 'abc...cde' is too long."
	meta '{k:("é"*512)}'
	ok
	meta '{k:("é"*513)}'
	invalid string_above_max_length metadata.k "Invalid 'metadata.k': string too \
long. Expected a string with maximum length 512, but got a string with length 513"
	meta '{}'
	ok
	meta '{k:null}'
	invalid invalid_type metadata.k "Invalid type for 'metadata.k': expected a string, but got null"
	meta '{k:{}}'
	invalid invalid_type metadata.k "Invalid type for 'metadata.k': expected a string, but got an object"
	meta '{k:1.5}'
	invalid invalid_type metadata.k "Invalid type for 'metadata.k': expected a string, but got a decimal number"
	meta '[]'
	invalid invalid_type metadata "Invalid type for 'metadata': expected an object, but got an array"
}

@test "expiries: 3600 to 2592000 seconds after created_at, in all three places" {
	start_server
	write_input 1 in.jsonl
	local name seconds code message
	ask() { # anchor seconds: as JSON
		local after='{"anchor":'$1',"seconds":'$2'}'
		case $name in
		output_expires_after)
			call POST /v1/batches -d '{"input_file_id":"f","endpoint":
				"/v1/responses","completion_window":"24h","'$name'":'"$after}" ;;
		upload)
			call POST /v1/uploads -d '{"filename":"x","purpose":"vision",
				"bytes":1,"mime_type":"t","expires_after":'"$after}" ;;
		file)
			call POST /v1/files -F purpose=batch -F file=@in.jsonl \
				-F "expires_after[anchor]=$(jq -r . <<<"$1")" \
				-F "expires_after[seconds]=$(jq -r . <<<"$2")" ;;
		esac
	}
	for name in output_expires_after upload file; do
		local param=expires_after
		[ $name != output_expires_after ] || param=$name
		for seconds in 3600 2592000; do
			ask '"created_at"' $seconds
			ok
		done
		ask '"created_at"' 3599
		invalid integer_below_min_value $param.seconds "Invalid '$param.seconds': \
integer below minimum value. Expected a value >= 3600, but got 3599 instead."
		ask '"created_at"' 2592001
		invalid integer_above_max_value $param.seconds "Invalid '$param.seconds': \
integer above maximum value. Expected a value <= 2592000, but got 2592001 instead."
		ask '"created_at"' '"soon"'
		invalid invalid_type $param.seconds "Invalid type for '$param.seconds': expected an integer, but got a string instead."
		ask '"created_at"' 3600.5
		invalid invalid_type $param.seconds "Invalid type for '$param.seconds': expected an integer, but got a "
		ask '"completed_at"' 3600
		invalid invalid_value $param.anchor "Invalid value: 'completed_at'. \
Supported values are: 'created_at'."
		ask '""' 3600
		invalid missing_required_parameter $param.anchor "Missing required \
parameter: '$param.anchor'."
	done
	call POST /v1/batches -d '{"input_file_id":"f","endpoint":"/v1/responses",
		"completion_window":"24h","output_expires_after":3600}'
	invalid invalid_type output_expires_after "Invalid type for 'output_expires_after': expected an object, but got an integer instead."
	call POST /v1/batches -d '{"input_file_id":"f","endpoint":"/v1/responses",
		"completion_window":"24h","output_expires_after":{"anchor":7,"seconds":3600}}'
	invalid invalid_type output_expires_after.anchor "Invalid type for 'output_expires_after.anchor': expected a string, but got an integer instead."
	call POST /v1/batches -d '{"input_file_id":"f","endpoint":"/v1/responses",
		"completion_window":"24h","output_expires_after":{"anchor":"created_at"}}'
	invalid missing_required_parameter output_expires_after.seconds "Missing required parameter: 'output_expires_after.seconds'."
	call POST /v1/files -F purpose=batch -F file=@in.jsonl -F 'expires_after[anchor]=created_at'
	invalid missing_required_parameter expires_after.seconds "Missing required parameter: 'expires_after.seconds'."
	call POST /v1/files -F purpose=batch -F file=@in.jsonl -F 'expires_after[seconds]=3600'
	invalid missing_required_parameter expires_after.anchor "Missing required parameter: 'expires_after.anchor'."
}

@test "a text with a NUL in it is not taken for what stands before" {
	start_server
	write_input 1 in.jsonl
	upload in.jsonl
	local body param part
	while IFS='|' read -r param body; do
		call POST /v1/batches -d "${body//FILE/$FILE_ID}"
		invalid invalid_value "$param" "Invalid '$param': a NUL character is not allowed."
	done <<-'EOT'
	input_file_id|{"input_file_id":"FILE\u0000x","endpoint":"/v1/responses","completion_window":"24h"}
	endpoint|{"input_file_id":"FILE","endpoint":"/v1/responses\u0000x","completion_window":"24h"}
	completion_window|{"input_file_id":"FILE","endpoint":"/v1/responses","completion_window":"24h\u0000"}
	EOT
	while IFS='|' read -r param body; do
		call POST /v1/uploads -d "$body"
		invalid invalid_value "$param" "Invalid '$param': a NUL character is not allowed."
	done <<-'EOT'
	filename|{"filename":"x.jsonl\u0000.exe","purpose":"batch","bytes":1,"mime_type":"t"}
	purpose|{"filename":"x.jsonl","purpose":"batch\u0000x","bytes":1,"mime_type":"t"}
	mime_type|{"filename":"x.jsonl","purpose":"batch","bytes":1,"mime_type":"\u0000"}
	EOT
	for param in after purpose; do
		call GET "/v1/files?$param=$FILE_ID%00x"
		invalid invalid_value $param "Invalid '$param': a NUL character is not allowed."
		call GET "/v1/batches?$param=%00"
		invalid invalid_value $param "Invalid '$param': a NUL character is not allowed."
	done
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":1,"mime_type":"t"}'
	local upload
	upload=$(member .id)
	call POST "/v1/uploads/$upload/parts" -F 'data=@-;filename=x' <<<''
	part=$(member .id)
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part"'\u0000"]}'
	invalid invalid_value part_ids "No part '$part"
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part"'"],
		"md5":"68b329da9893e34099c7d8ad5cb9c940\u0000"}'
	invalid invalid_value md5 "The md5 of the parts is not the one given."
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part"'"],
		"md5":"68b329da9893e34099c7d8ad5cb9c940"}'
	ok
	# Metadata is whatever its owner wants.
	call POST /v1/batches -d '{"input_file_id":"f","endpoint":"/v1/responses",
		"completion_window":"24h","metadata":{"a\u0000b":"\u0000"}}'
	ok
	[ "$(member '.metadata | @json')" = '{"a\u0000b":"\u0000"}' ]
}

@test "purposes: six of files, four of uploads, and no other" {
	start_server
	write_input 1 in.jsonl
	local purpose
	for purpose in assistants batch fine-tune vision user_data evals; do
		call POST /v1/files -F "purpose=$purpose" -F file=@in.jsonl
		ok
		[ "$(member .purpose)" = "$purpose" ]
		# Only batch inputs go by themselves.
		[ "$(member '.expires_at != null')" = \
			"$([ $purpose = batch ] && echo true || echo false)" ]
	done
	for purpose in batch_output assistants_output fine-tune-results Batch; do
		call POST /v1/files -F "purpose=$purpose" -F file=@in.jsonl
		invalid null purpose "'$purpose' is not one of ['assistants', 'batch', \
'fine-tune', 'vision', 'user_data', 'evals'] - 'purpose'"
	done
	call POST /v1/files -F purpose= -F file=@in.jsonl
	invalid null purpose "Missing required parameter: 'purpose'."
	for purpose in assistants batch fine-tune vision; do
		call POST /v1/uploads -d '{"filename":"x.jsonl","purpose":"'$purpose'",
			"bytes":1,"mime_type":"t"}'
		ok
	done
	for purpose in user_data evals batch_output; do
		call POST /v1/uploads -d '{"filename":"x.jsonl","purpose":"'$purpose'",
			"bytes":1,"mime_type":"t"}'
		invalid invalid_value purpose "Invalid value: '$purpose'. Supported \
values are: 'assistants', 'batch', 'fine-tune', and 'vision'."
	done
}

@test "lists: limits from 1 to 100 and to 10,000" {
	start_server
	local path most limit
	while read -r path most; do
		for limit in 1 "$most"; do
			call GET "$path?limit=$limit"
			ok
		done
		call GET "$path?limit=0"
		invalid integer_below_min_value limit "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got 0 instead."
		call GET "$path?limit=-1"
		invalid integer_below_min_value limit "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got -1 instead."
		call GET "$path?limit=$((most + 1))"
		invalid integer_above_max_value limit "Invalid 'limit': integer above maximum value. Expected a value <= $most, but got $((most + 1)) instead."
		for limit in '' ten 1.5 9999999999999999999999; do
			call GET "$path?limit=$limit"
			invalid invalid_type limit "Invalid type for 'limit': expected an integer, but got a string instead."
		done
	done <<-'EOT'
	/v1/batches 100
	/v1/files 10000
	EOT
	call GET '/v1/files?order=ASC'
	invalid invalid_value order "Invalid value: 'ASC'. Supported values are: 'asc' and 'desc'."
	call GET '/v1/files?after=file-x'
	invalid invalid_value after "No such File object: file-x"
}

@test "a line that is long is shown by its beginning" {
	start_server
	call GET "/v1/$(many 7000 a)"
	envelope 404 invalid_request_error null null "Invalid URL (GET /v1/aaaa"
	[ "$(member '.error.message | length')" -lt 1100 ]
	call GET "/v1/files/file-$(many 7000 a)"
	envelope 404 invalid_request_error null id "No such File object: file-aaaa"
	call GET "/v1/batches/batch_$(printf 'é%.0s' {1..2000} | jq -sRr @uri)"
	envelope 404 invalid_request_error null null "No batch found with id 'batch_éé"
}

@test "what is not served, and how it may be asked" {
	start_server
	local method path
	for method in GET POST PUT DELETE PATCH OPTIONS TRACE BREW; do
		call $method /v1/nothing
		envelope 404 invalid_request_error null null "Invalid URL ($method /v1/nothing)"
		call $method /nothing
		envelope 404 invalid_request_error null null "Invalid URL ($method /nothing)"
	done
	while read -r method path; do
		call "$method" "$path"
		envelope 405 invalid_request_error method_not_supported null "Not allowed to $method on $path."
	done <<-'EOT'
	PUT /v1/files
	DELETE /v1/files
	OPTIONS /v1/files
	POST /v1/files/file-x
	POST /v1/files/file-x/content
	PATCH /v1/batches
	DELETE /v1/batches/batch_x
	GET /v1/batches/batch_x/cancel
	GET /v1/uploads
	GET /v1/uploads/upload_x/complete
	GET /v1/chat/completions
	POST /v1/models
	POST /metrics
	POST /healthz
	DELETE /_control/clock
	GET /_control/faults
	TRACE /
	EOT
	# A path is what it says, byte by byte.
	for path in /v1/files/ //v1/files /v1//files /v1/files/../files /V1/files \
		/v1/files%2f '/v1/files;a' '/v1/files%20' /v1/files%00 /v1/./files \
		/v1/files/%2e%2e/files /v1/files/file-x/content/ /v1/batches/; do
		call GET "$path" --path-as-is
		envelope 404 invalid_request_error null null "Invalid URL (GET /"
	done
	call GET /v1/%66iles
	ok
	call GET /v1/%ff%c3
	envelope 404 invalid_request_error null null "Invalid URL (GET /v1/$(printf '\xef\xbf\xbd\xef\xbf\xbd'))"
	call OPTIONS / --request-target '*'
	envelope 404 invalid_request_error null null "Invalid URL (OPTIONS *)"
	for path in /nothing /v1/files/file-x /v1/uploads; do
		call HEAD "$path"
		[[ $STATUS == 40[45] ]]
		grep -qi '^x-request-id: req_' "$HEADERS"
		grep -qi '^content-type: application/json' "$HEADERS"
	done
}

@test "x-request-id stands on every answer" {
	start_server
	write_input 2 in.jsonl
	upload in.jsonl
	local path
	for path in / /page.css /healthz /metrics /v1/models /v1/files \
		"/v1/files/$FILE_ID" "/v1/files/$FILE_ID/content" /v1/batches \
		/_control/clock /v1/files/file-x /v1/files/file-x/content /x; do
		call GET "$path"
		grep -qi '^x-request-id: req_[0-9a-f]\{32\}' "$HEADERS"
		grep -qi '^openai-version: 2020-10-01' "$HEADERS"
		grep -qi '^openai-processing-ms: [0-9]' "$HEADERS"
		grep -qi '^openai-organization: org-nightmail' "$HEADERS"
		call HEAD "$path"
		grep -qi '^x-request-id: req_[0-9a-f]\{32\}' "$HEADERS"
	done
	for path in bytes=0-3 bytes=999999-; do
		call GET "/v1/files/$FILE_ID/content" -H "Range: $path"
		[[ $STATUS == 206 || $STATUS == 416 ]]
		grep -qi '^x-request-id: req_' "$HEADERS"
	done
	[ "$(jq -r .request_id "$SERVER_LOG" | sort | uniq -d | wc -l)" = 0 ]
	call GET "/v1/files/$FILE_ID/content"
	[ "$(logged ".request_id == \"$(sed -n \
		's/^x-request-id: \(.*\)\r$/\1/Ip' "$HEADERS")\"")" = 1 ]
}

@test "each line that is wrong is told, a hundred of them at most" {
	start_server
	local good='"method":"POST","url":"/v1/chat/completions","body":{"model":"m",
		"messages":[{"role":"user","content":"x"}]}'
	good=${good//[$'\n\t']/}
	{
		echo "{\"custom_id\":\"a\",$good}"
		printf '\xef\xbb\xbf{"custom_id":"b",%s}\n' "$good"
		echo
		echo "{\"custom_id\":\"a\",$good}"
		echo "{$good}"
		echo "{\"custom_id\":\"\",$good}"
		echo "{\"custom_id\":\"c\",${good/POST/GET}}"
		echo "{\"custom_id\":\"d\",${good/chat\/completions/responses}}"
		echo "{\"custom_id\":\"e\",${good/\"m\"/\"n\"}}"
		echo "{\"custom_id\":\"f\",${good/\"model\":\"m\",/}}"
		echo "{\"custom_id\":\"g\",${good/\"messages\"/\"stream\":true,\"messages\"}}"
		echo "{\"custom_id\":\"h\",${good/messages/message}}"
		echo '{"custom_id":"i"'
		printf '{"custom_id":"j","method":"POST","url":"/v1/chat/completions"}'
	} >in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 20 batch_is failed
	[ "$(member '.errors.object')" = list ]
	diff <(member '.errors.data[] | [.line, .code, .param] | @json') - <<-'END'
	[2,"invalid_json_line",null]
	[4,"duplicate_custom_id","custom_id"]
	[5,"missing_required_parameter","custom_id"]
	[7,"invalid_value","method"]
	[8,"invalid_url","url"]
	[9,"mismatched_model","body.model"]
	[10,"invalid_request","body.model"]
	[11,"streaming_unsupported","body.stream"]
	[12,"invalid_request","body.messages"]
	[13,"invalid_json_line",null]
	[14,"missing_required_parameter","body"]
	END
	[ "$(member '[.failed_at != null, .output_file_id, .error_file_id,
		.in_progress_at, .request_counts.total] | @json')" = \
		'[true,null,null,null,0]' ]
	{
		echo "{\"custom_id\":\"a\",$good}"
		yes '{}' | head -150
	} >in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 20 batch_is failed
	[ "$(member '.errors.data | length')" = 100 ]
	[ "$(member '.errors.data[99].line')" = 101 ]
}
