#!/usr/bin/env bats
# How much there may be of everything, at the limit and one beyond; and what the
# parameters of a request may be.
load lib
load envelope

@test "an upload's members, its bytes up to 8 GiB, and its parts" {
	start_server
	local body code param message upload part
	while IFS='|' read -r body code param message; do
		call POST /v1/uploads -d "$body"
		invalid "$code" "$param" "$message"
	done <<-'EOT'
	{}|missing_required_parameter|filename|Missing required parameter: 'filename'.
	{"filename":7}|invalid_type|filename|Invalid type for 'filename': expected a string, but got an integer instead.
	{"filename":"","purpose":"vision","mime_type":"t","bytes":1}|missing_required_parameter|filename|Missing required parameter: 'filename'.
	{"filename":"x/y/","purpose":"vision","mime_type":"t","bytes":1}|missing_required_parameter|filename|Missing required parameter: 'filename'.
	{"filename":"x","purpose":null}|invalid_type|purpose|Invalid type for 'purpose': expected a string, but got null instead.
	{"filename":"x"}|missing_required_parameter|purpose|Missing required parameter: 'purpose'.
	{"filename":"x","purpose":"vision","bytes":1}|missing_required_parameter|mime_type|Missing required parameter: 'mime_type'.
	{"filename":"x","purpose":"vision","mime_type":"t"}|missing_required_parameter|bytes|Missing required parameter: 'bytes'.
	{"filename":"x","purpose":"vision","mime_type":"t","bytes":0}|invalid_value|bytes|Invalid 'bytes': expected an integer from 1 to 8589934592.
	{"filename":"x","purpose":"vision","mime_type":"t","bytes":"1"}|invalid_value|bytes|Invalid 'bytes': expected an integer from 1 to 8589934592.
	{"filename":"x","purpose":"vision","mime_type":"t","bytes":8589934593}|invalid_value|bytes|Invalid 'bytes': expected an integer from 1 to 8589934592.
	{"filename":"x.txt","purpose":"batch","mime_type":"t","bytes":9}|null|null|Invalid file format for Batch API. Must be .jsonl
	{"filename":"x.jsonl","purpose":"batch","mime_type":"t","bytes":209715201}|null|null|File is too large.
	EOT
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","mime_type":"t","bytes":8589934592}'
	ok
	call POST /v1/uploads -d '{"filename":"x.jsonl","purpose":"batch","mime_type":"t","bytes":209715200}'
	ok
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","mime_type":"t","bytes":67108864}'
	upload=$(member .id)
	call POST "/v1/uploads/$upload/parts" -F x=y
	invalid missing_required_parameter data "Missing required parameter: 'data'."
	truncate -s 67108864 part
	call POST "/v1/uploads/$upload/parts" -F data=@part
	ok
	part=$(member .id)
	truncate -s 67108865 part
	call POST "/v1/uploads/$upload/parts" -F data=@part
	invalid null data "A part is 64 MB at most."
	truncate -s 70000000 part
	call POST "/v1/uploads/$upload/parts" -F data=@part
	envelope 413 invalid_request_error null null "File is too large."
	[ "$(find "$STATE/files" "$STATE/tmp" -type f | wc -l)" = 1 ]
	complete() { # json
		call POST "/v1/uploads/$upload/complete" -d "$1"
	}
	complete '{}'
	invalid missing_required_parameter part_ids "Missing required parameter: 'part_ids'."
	complete '{"part_ids":"'"$part"'"}'
	invalid invalid_type part_ids "Invalid type for 'part_ids': expected an array of strings, but got a string instead."
	complete '{"part_ids":[]}'
	invalid missing_required_parameter part_ids "Missing required parameter: 'part_ids'."
	complete '{"part_ids":[7]}'
	invalid invalid_value part_ids "No part '' in this upload."
	complete "$(jq -nc '{part_ids:[range(10000)|"p"]}')"
	invalid invalid_value part_ids "No part 'p' in this upload."
	complete "$(jq -nc '{part_ids:[range(10001)|"p"]}')"
	invalid array_above_max_length part_ids "Invalid 'part_ids': array too long."
	complete '{"part_ids":["'"$part"'"],"md5":7}'
	invalid invalid_type md5 "Invalid type for 'md5': expected a string, but got an integer instead."
	complete '{"part_ids":["'"$part"'","'"$part"'"]}'
	invalid invalid_value part_ids "The part '$part' is named twice."
	complete '{"part_ids":["'"$part"'"],"md5":"'"$(head -c 67108864 /dev/zero |
		md5sum | cut -d' ' -f1 | tr a-f A-F)"'"}'
	ok
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["x"]}'
	invalid null null "Upload $upload is completed, not pending."
	call POST "/v1/uploads/$upload/cancel"
	invalid null null "Upload $upload is completed, not pending."
	for what in parts complete cancel; do
		call POST "/v1/uploads/upload_x/$what" -d '{}' \
			-H 'Content-Type: multipart/form-data; boundary=x'
		[ $what != parts ] || call POST "/v1/uploads/upload_x/parts" -F data=@in.jsonl -F x=y
		[ $what = parts ] || envelope 404 invalid_request_error null upload_id "No such Upload object: upload_x"
	done
}

@test "a batch's file has 209,715,200 bytes at most, any other 512 MiB" {
	start_server
	local i head tail='"}]}}'
	for i in {10..29}; do
		head='{"custom_id":"'$i'","method":"POST","url":"/v1/chat/completions",'
		head+='"body":{"model":"m","messages":[{"role":"user","content":"'
		echo "$head$(many $((10485760 - ${#head} - ${#tail} - 1)) x)$tail"
	done >full.jsonl
	call POST /v1/files -F purpose=batch -F file=@full.jsonl
	ok
	[ "$(member .bytes)" = 209715200 ]
	create_batch "$(member .id)"
	wait_for 60 batch_is completed
	[ "$(member .request_counts.total)" = 20 ]
	echo >>full.jsonl
	call POST /v1/files -F purpose=batch -F file=@full.jsonl
	invalid null null "File is too large."
	rm full.jsonl
	truncate -s 536870913 any
	call POST /v1/files -F purpose=vision -F file=@any
	envelope 413 invalid_request_error null null "File is too large."
	[ -z "$(find "$STATE/tmp" -type f)" ]
}

@test "a file's form: what is missing, doubled, too many or too long" {
	start_server
	write_input 1 in.jsonl
	call POST /v1/files -F purpose=batch -F "file=<in.jsonl"
	invalid null file "Missing required parameter: 'file'."
	call POST /v1/files -F purpose=batch -F "data=@in.jsonl"
	invalid null file "Missing required parameter: 'file'."
	call POST /v1/files -F purpose=batch -F "file=@in.jsonl;filename=../../x.jsonl"
	ok
	[ "$(member .filename)" = x.jsonl ]
	local fields=() i
	for ((i = 0; i < 63; i++)); do
		fields+=(-F "f$i=v")
	done
	call POST /v1/files "${fields[@]}" -F purpose=batch -F file=@in.jsonl
	ok
	call POST /v1/files "${fields[@]}" -F f=v -F purpose=batch -F file=@in.jsonl
	invalid null null "Too many fields in the form."
	many 65536 a >long
	call POST /v1/files -F "x=<long" -F purpose=batch -F file=@in.jsonl
	ok
	many 65537 a >long
	call POST /v1/files -F "x=<long" -F purpose=batch -F file=@in.jsonl
	invalid null null "A field of the form is too long."
	# A purpose that is long is shown by its beginning.
	many 60000 p >long
	call POST /v1/files -F "purpose=<long" -F file=@in.jsonl
	invalid null purpose "'pppppp"
	[ "$(member '.error.message | length')" -lt 1100 ]
	call POST /v1/files -H 'Content-Type: multipart/form-data' -d x
	invalid null null "Could not parse multipart form: the Content-Type must be multipart/form-data with a boundary."
	call POST /v1/files -H "Content-Type: multipart/form-data; boundary=$(many 201 b)" -d x
	invalid null null "Could not parse multipart form: the Content-Type"
	call POST /v1/files -H 'Content-Type: multipart/form-data; boundary=b' \
		--data-binary $'--b\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
	invalid null null "Could not parse multipart form: it ends before its last boundary."
	call POST /v1/files -H 'Content-Type: multipart/form-data; boundary=b' \
		--data-binary $'--bxyz\r\n'
	invalid null null "Could not parse multipart form."
	call POST /v1/files -H 'Content-Type: multipart/form-data; boundary=b' \
		--data-binary "$(printf -- '--b\r\nX: '; many 9000 h)"
	invalid null null "Could not parse multipart form."
}

@test "names and ids have 1,024 characters at most, and a name as long goes in a header" {
	start_server
	local name upload
	for name in "$(many 1024 n)" "$(printf 'é%.0s' {1..1024})"; do
		call POST /v1/files -F purpose=vision -F "file=@$SAMPLE;filename=$name"
		ok
		call GET "/v1/files/$(member .id)/content"
		ok
		cmp "$BODY" "$SAMPLE"
		call POST /v1/batches -d '{"input_file_id":"'"$name"'","endpoint":
			"/v1/responses","completion_window":"24h"}'
		ok
		call POST /v1/uploads -d '{"filename":"'"$name"'","purpose":"vision",
			"bytes":1,"mime_type":"t"}'
		ok
	done
	local end='string too long. Expected a string with maximum length 1024, but got a string with length 1025 instead.'
	for name in "$(many 1025 n)" "$(printf 'é%.0s' {1..1025})"; do
		call POST /v1/files -F purpose=vision -F "file=@$SAMPLE;filename=$name"
		invalid string_above_max_length filename "Invalid 'filename': $end"
		call POST /v1/batches -d '{"input_file_id":"'"$name"'","endpoint":
			"/v1/responses","completion_window":"24h"}'
		invalid string_above_max_length input_file_id "Invalid 'input_file_id': $end"
		for upload in filename purpose mime_type; do
			call POST /v1/uploads -d "$(jq -nc --arg text "$name" --arg name \
				$upload '{filename:"x",purpose:"vision",bytes:1,
				mime_type:"t"} | .[$name] = $text')"
			invalid string_above_max_length $upload "Invalid '$upload': $end"
		done
	done
}

@test "bodies of JSON: no object, too deep, too long" {
	start_server
	local parse='We could not parse the JSON body of your request.' body
	for body in '' '{' '[]' '"x"' null 7 '{"a":1}x' "{'a':1}" '{"a":1,}' $'{"a":"\xff"}' \
		$'\xef\xbb\xbf{}'; do
		call POST /v1/batches --data-binary "$body"
		invalid null null "$parse"
	done
	# Depth 512 is read, and what is asked for found missing; 513 is not.
	nested() { # depth
		printf '{"a":%s%s}' "$(many $(($1 - 1)) '[')" "$(many $(($1 - 1)) ']')"
	}
	call POST /v1/batches --data-binary "$(nested 512)"
	invalid missing_required_parameter input_file_id "Missing"
	call POST /v1/batches --data-binary "$(nested 513)"
	invalid null null "$parse"
	sized() { # bytes
		printf '{"a":"%s"}' "$(many $(($1 - 8)) x)" >body.json
	}
	sized 1048576
	call POST /v1/batches --data-binary @body.json
	invalid missing_required_parameter input_file_id "Missing"
	sized 1048577
	call POST /v1/batches --data-binary @body.json
	envelope 413 invalid_request_error null null "The request body is too large."
	call POST /v1/batches --data-binary @body.json -H 'Transfer-Encoding: chunked'
	envelope 413 invalid_request_error null null "The request body is too large."
	sized 33554432
	call POST /v1/chat/completions --data-binary @body.json
	invalid null null "you must provide a model parameter"
	sized 33554433
	call POST /v1/chat/completions --data-binary @body.json
	envelope 413 invalid_request_error null null "The request body is too large."
}

@test "a body where none is wanted is bounded too" {
	start_server
	truncate -s 1048576 zeros
	call GET /v1/files --data-binary @zeros
	ok
	truncate -s 1048577 zeros
	call GET /v1/files --data-binary @zeros
	envelope 413 invalid_request_error null null "The request body is too large."
	call POST /v1/batches/batch_x/cancel --data-binary @zeros -H 'Transfer-Encoding: chunked'
	envelope 413 invalid_request_error null null "The request body is too large."
	# One without end is not read without end.
	call POST /v1/batches/batch_x/cancel -T /dev/zero --max-time 20
	[ "$(member '.error.message // "gone"' 2>/dev/null)" != null ]
	[ "$(logged '.bytes_in > 100000000')" = 0 ]
}

@test "a batch has 50,000 requests, or inputs to embed, at most" {
	start_server
	rows() { # n
		jq -nc --argjson n "$1" 'range($n) | {custom_id:"r\(.)",
			method:"POST",url:"/v1/chat/completions",body:{model:"m",
			messages:[{role:"user",content:"x"}]}}' >rows.jsonl
	}
	inputs() { # n in lines of 10,000
		jq -nc --argjson n "$1" 'range(0; $n; 10000) as $at | {custom_id:
			"r\($at)",method:"POST",url:"/v1/embeddings",body:{model:"m",
			input:[range([10000, $n - $at] | min) | "x"]}}' >rows.jsonl
	}
	rows 50000
	upload rows.jsonl
	create_batch "$FILE_ID"
	wait_for 100 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":50000,"completed":50000,"failed":0}' ]
	rows 50001
	upload rows.jsonl
	create_batch "$FILE_ID"
	wait_for 60 batch_is failed
	[ "$(member '.errors.data | @json')" = '[{"code":"too_many_tasks",'\
'"message":"The batch input file holds 50001 requests. The maximum is 50000 '\
'requests per batch.","param":null,"line":null}]' ]
	[ "$(member '[.request_counts[]] | @json')" = '[0,0,0]' ]
	embed() {
		upload rows.jsonl
		call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'",
			"endpoint":"/v1/embeddings","completion_window":"24h"}'
		BATCH_ID=$(member .id)
	}
	inputs 50001
	embed
	wait_for 60 batch_is failed
	[ "$(member '.errors.data | @json')" = '[{"code":"invalid_request",'\
'"message":"The batch holds 50001 embedding inputs. The maximum is 50000 inputs '\
'across all requests of a batch.","param":"body.input","line":null}]' ]
	inputs 50000
	embed
	begun() { batch_is in_progress || batch_is finalizing || batch_is completed; }
	wait_for 60 begun
	call POST "/v1/batches/$BATCH_ID/cancel"
}

@test "parameters of a request: at both ends, and beyond them" {
	start_server
	local name least most end beyond code path rest
	ask() { # value
		call POST "/v1/$path" -d "{\"model\":\"gpt-4o\",$rest,\"$name\":$1}"
	}
	while read -r path name least most beyond; do
		rest='"messages":[{"role":"user","content":"hi"}],"logprobs":true'
		[ $path != responses ] || rest='"input":"hi"'
		[ $path != completions ] || rest='"prompt":"hi"'
		code=decimal
		[[ $name != n && $name != *max_* && $name != *logprobs &&
			$name != best_of ]] ||
			code=integer
		for end in $least $most; do
			ask "$end"
			ok
		done
		if [ "$least" != - ]; then
			ask "${beyond%/*}"
			invalid ${code}_below_min_value "$name" "Invalid '$name': $code below minimum value. Expected a value >= $least, but got ${beyond%/*} instead."
		fi
		[ "${beyond#*/}" = - ] && continue
		ask "${beyond#*/}"
		invalid ${code}_above_max_value "$name" "Invalid '$name': $code above maximum value. Expected a value <= $most, but got ${beyond#*/} instead."
	done <<-'EOT'
	chat/completions temperature 0 2 -0.01/2.01
	chat/completions top_p 0 1 -0.01/1.01
	chat/completions presence_penalty -2 2 -2.01/2.01
	chat/completions frequency_penalty -2 2 -2.01/2.01
	chat/completions n 1 128 0/129
	chat/completions top_logprobs 0 20 -1/21
	chat/completions max_completion_tokens 1 100 0/-
	responses temperature 0 2 -0.01/2.01
	responses top_p 0 1 -0.01/1.01
	responses max_output_tokens 16 100 15/-
	completions n 1 128 0/129
	completions presence_penalty -2 2 -2.01/2.01
	completions frequency_penalty -2 2 -2.01/2.01
	completions logprobs 0 5 -1/6
	completions best_of 0 20 -1/21
	EOT
	# Neither is what no double can hold.
	path=chat/completions rest='"messages":[{"role":"user","content":"hi"}]'
	name=temperature
	ask 1e400
	invalid decimal_above_max_value temperature "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 1e400 instead."
	ask -1e400
	invalid decimal_below_min_value temperature "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1e400 instead."
	name=n
	ask 1e400
	invalid invalid_type n "Invalid type for 'n': expected an integer, but got a decimal number instead."
	path=responses rest='"input":"hi"' name=reasoning
	for end in none minimal low medium high xhigh max; do
		ask '{"effort":"'$end'"}'
		ok
	done
	ask '{"effort":"most"}'
	invalid invalid_value reasoning.effort "Invalid value: 'most'. Supported values are: 'none', 'minimal'"
	name=text
	ask '{"format":{"type":"json_schema","name":"row","schema":{}}}'
	ok
	ask '{"format":{"type":"json_schema","schema":{}}}'
	invalid missing_required_parameter text.format.name "Missing required parameter: 'text.format.name'."
	ask '{"format":{"type":"json_object"}}'
	invalid null input "'input' must contain the word 'json' in some form"
}

@test "an answer ends before what was to stop it, and costs no more than it has" {
	start_server
	local stop
	chat() { # stop
		call POST /v1/chat/completions -d '{"model":"m","n":2,"stop":'"$1"',
			"messages":[{"role":"user","content":"hi"}]}'
		ok
	}
	chat null
	[[ $(member '.choices[0].message.content') == '{"answers":["'*'"]}' ]]
	for stop in '"swers"' '["zzz","]","swers"]'; do
		chat "$stop"
		[ "$(member '[.choices[] | .message.content, .finish_reason] |
			join(" ")')" = '{"an stop {"an stop' ]
	done
	[ "$(member .usage.completion_tokens)" = 2 ]
	call POST /v1/completions -d '{"model":"m","prompt":"hi","stop":"answers"}'
	[ "$(member '.choices[0] | .text + .finish_reason')" = '{"stop' ]
	# Whichever comes first, the sequence or the bound.
	call POST /v1/chat/completions -d '{"model":"m","stop":"rs","max_tokens":1,
		"messages":[{"role":"user","content":"hi"}]}'
	[ "$(member '.choices[0] | .message.content + .finish_reason')" = \
		'{"anlength' ]
}

@test "each of several prompts has its choices, one after the other" {
	start_server
	local prompts one all=
	for one in '"a"' '"b"' '"c"'; do
		call POST /v1/completions -d '{"model":"m","n":2,"prompt":'"$one"'}'
		all+=$(member '[.choices[].text] | @json')
	done
	call POST /v1/completions -d '{"model":"m","n":2,"prompt":["a","b","c"]}'
	[ "$(member '[.choices[].index] | @json')" = '[0,1,2,3,4,5]' ]
	[ "$(member '[.choices[].text] | @json')" = \
		"$(jq -sc add <<<"$all")" ]
	for prompts in 'null 400' '[] 200' '["a"] 200' '[1,2] 200'; do
		call POST /v1/completions -d '{"model":"m","prompt":'"${prompts% *}"'}'
		[ "$STATUS" = "${prompts#* }" ]
		[ "$STATUS" = 400 ] || [ "$(member '.choices | length')" = 1 ]
	done
	call POST /v1/completions -d '{"model":"m","prompt":[[1,2],[3]]}'
	[ "$(member '.choices | length')" = 2 ]
	# Rows of a batch have them too.
	echo '{"custom_id":"a","method":"POST","url":"/v1/completions","body":
		{"model":"m","n":2,"prompt":["a","b","c"]}}' | tr -d '\n' >in.jsonl
	upload in.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'",
		"endpoint":"/v1/completions","completion_window":"24h"}'
	BATCH_ID=$(member .id)
	wait_for 20 batch_is completed
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -c '[.response.body.choices[].text]' "$BODY")" = \
		"$(jq -sc add <<<"$all")" ]
}

@test "no answer has more tokens than were allowed" {
	start_server
	local prompt most
	for prompt in a b c d; do
		for most in {1..16}; do
			call POST /v1/chat/completions -d '{"model":"m","max_tokens":'$most',
				"messages":[{"role":"user","content":"'$prompt'"}]}'
			[ "$(member .usage.completion_tokens)" -le $most ]
			[ "$(member .usage.completion_tokens)" = $most ] ||
				[ "$(member '.choices[0].finish_reason')" = stop ]
		done
	done
}

@test "what a call would be refused is a row of the error file, in the same words" {
	start_server --models m,n
	local body
	while read -r body; do
		call POST /v1/chat/completions -d "$body"
		[ "$STATUS" = 400 ]
		jq -c . "$BODY" >>calls
		echo '{"custom_id":"'$((++n))'","method":"POST","url":"/v1/chat/completions","body":'"$body"'}'
	done >in.jsonl <<-'EOT'
	{"model":"m","messages":[{"role":"user","content":"hi"}],"temperature":3}
	{"model":"m","messages":[{"role":"user","content":"hi"}],"n":0}
	{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"xml"}}
	{"model":"m","messages":[{"role":"user","content":"hi"}],"response_format":{"type":"json_object"}}
	{"model":"m","messages":[]}
	{"model":"m","messages":[{"role":"root","content":"hi"}]}
	{"model":"m","messages":"hi"}
	{"model":"m","messages":[{"role":"user","content":"hi"}],"reasoning_effort":"some"}
	{"model":"m","messages":[{"role":"user","content":"hi"}],"tool_choice":"auto"}
	{"model":"m","messages":[{"role":"user","content":"hi"}],"stop":["a","b","c","d","e"]}
	EOT
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 20 batch_is completed
	[ "$(member '[.request_counts[], .output_file_id, .usage.total_tokens] |
		@json')" = '[10,0,10,null,0]' ]
	call GET "/v1/files/$(member .error_file_id)/content"
	[ "$(jq -c '[.error, .response.status_code] | select(. != [null,400])' \
		"$BODY")" = '' ]
	diff <(jq -c .response.body "$BODY") calls
	# A model that is not there is no row: nothing of that batch is run.
	call POST /v1/chat/completions -d '{"model":"o","messages":[{"role":"user","content":"hi"}]}'
	envelope 404 invalid_request_error model_not_found null 'The model `o` does not exist or you do not have access to it.'
	call POST /v1/responses -d '{"model":"o","input":"hi"}'
	invalid model_not_found model "The requested model 'o' does not exist."
}
