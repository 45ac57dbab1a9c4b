#!/usr/bin/env bats
# The Files API, by hand: contract sections 2.1 to 2.4.
load lib

@test "a file goes in and comes back as it was" {
	start_server
	write_input 3 in.jsonl
	upload in.jsonl
	[[ $FILE_ID == file-* ]]
	[ "$(member .object)" = file ]
	[ "$(member .bytes)" = "$(wc -c <in.jsonl)" ]
	[ "$(member .filename)" = in.jsonl ]
	[ "$(member .purpose)" = batch ]
	[ "$(member .status)" = processed ]
	[ "$(member .status_details)" = null ]
	[ "$(member '.expires_at - .created_at')" = 2592000 ]
	call GET "/v1/files/$FILE_ID"
	[ "$(member .id)" = "$FILE_ID" ]
	call GET "/v1/files/$FILE_ID/content"
	cmp "$BODY" in.jsonl
	grep -qi '^content-type: application/octet-stream' "$HEADERS"
	grep -qi '^content-disposition: attachment; filename="in.jsonl"' \
		"$HEADERS"
	stop_server
}

@test "fields come in any order, with brackets or dots" {
	start_server
	write_input 1 in.jsonl
	call POST /v1/files -F 'expires_after[seconds]=3600' \
		-F file=@in.jsonl -F purpose=batch \
		-F 'expires_after[anchor]=created_at'
	[ "$(member '.expires_at - .created_at')" = 3600 ]
	call POST /v1/files -F expires_after.anchor=created_at \
		-F purpose=batch -F expires_after.seconds=2592000 -F file=@in.jsonl
	[ "$(member '.expires_at - .created_at')" = 2592000 ]
	call POST /v1/files -F purpose=user_data -F file=@in.jsonl
	[ "$(member .expires_at)" = null ]
}

@test "what the service refuses is refused, with its words" {
	start_server
	write_input 1 in.jsonl
	: >empty.jsonl
	echo 'no json' >bad.jsonl
	cp in.jsonl in.txt

	call POST /v1/files -F purpose=batch -F file=@in.txt
	refused 400 null null \
		'Invalid file format for Batch API. Must be .jsonl'
	[ "$(member .detail)" != null ]
	call POST /v1/files -F purpose=batch -F file=@empty.jsonl
	refused 400 null null 'Invalid file format'
	call POST /v1/files -F purpose=batch -F file=@bad.jsonl
	refused 400 null null 'jsonl'
	call POST /v1/files -F purpose=batch
	refused 400 null file "'file'"
	call POST /v1/files -F file=@in.jsonl
	refused 400 null purpose "'purpose'"
	call POST /v1/files -F purpose=fun -F file=@in.jsonl
	refused 400 null purpose "'fun' is not one of"
	call POST /v1/files -F purpose=batch -F file=@in.jsonl \
		-F 'expires_after[seconds]=3600'
	refused 400 missing_required_parameter expires_after.anchor \
		expires_after
	call POST /v1/files -F purpose=batch -F file=@in.jsonl \
		-F 'expires_after[anchor]=now' -F 'expires_after[seconds]=3600'
	refused 400 invalid_value expires_after.anchor "'now'"
	call POST /v1/files -F purpose=batch -F file=@in.jsonl \
		-F 'expires_after[anchor]=created_at' \
		-F 'expires_after[seconds]=3599'
	refused 400 integer_below_min_value expires_after.seconds 3599
	call POST /v1/files -F purpose=batch -F file=@in.jsonl \
		-F 'expires_after[anchor]=created_at' \
		-F 'expires_after[seconds]=2592001'
	refused 400 integer_above_max_value expires_after.seconds 2592001
	call POST /v1/files -F purpose=batch -F file=@in.jsonl \
		-F 'expires_after[anchor]=created_at' \
		-F 'expires_after[seconds]=soon'
	refused 400 invalid_type expires_after.seconds integer
	call POST /v1/files -d '{}' -H 'Content-Type: application/json'
	refused 400 null null 'multipart'
	call POST /v1/files -H 'Content-Type: multipart/form-data; boundary=x' \
		--data-binary $'--x\r\nContent-Disposition: form-data; name=a\r\n'
	refused 400 null null 'multipart'
	call POST /v1/files -F purpose=batch -F file=@in.jsonl -F file=@in.jsonl
	refused 400 null null 'Only one file'
	call GET /v1/files
	[ "$(member '.data | length')" = 0 ]
	[ -z "$(find "$STATE/files" "$STATE/tmp" -type f)" ]
}

@test "the first line is JSON, however long, and none but it is looked at" {
	start_server
	local pad
	pad=$(head -c 5000 /dev/zero | tr '\0' x)
	try() { # text
		printf %b "${1/PAD/$pad}" >in.jsonl
		call POST /v1/files -F purpose=batch -F file=@in.jsonl
	}
	for text in '{"a":1}' ' {"a":1}\r\nno json' '{"a":"PAD"}' ' \t{"a":"PAD"}\n' \
		'{}\nPAD\n\xff'; do
		try "$text"
		[ "$STATUS" = 200 ]
	done
	for text in '\n{}' 'xPAD' ' PAD{' '\xef\xbb\xbf{}' '{"a":"\xff"}'; do
		try "$text"
		refused 400 null null 'Invalid file format. Expected jsonl'
	done
}

@test "what was given for models to read is not given back" {
	start_server
	write_input 1 in.jsonl
	local purpose
	for purpose in assistants user_data; do
		call POST /v1/files -F purpose=$purpose -F file=@in.jsonl
		FILE_ID=$(member .id)
		call GET "/v1/files/$FILE_ID"
		[ "$(member .purpose)" = $purpose ]
		call GET "/v1/files/$FILE_ID/content"
		refused 400 null null "Not allowed to download files of purpose: $purpose"
		call HEAD "/v1/files/$FILE_ID/content"
		[ "$STATUS" = 400 ]
		call DELETE "/v1/files/$FILE_ID"
		[ "$STATUS" = 200 ]
		call GET "/v1/files/$FILE_ID/content"
		refused 404 null id 'No such File object'
	done
	for purpose in batch vision fine-tune evals; do
		call POST /v1/files -F purpose=$purpose -F file=@in.jsonl
		call GET "/v1/files/$(member .id)/content"
		cmp "$BODY" in.jsonl
	done
}

@test "200 MB is the end for a batch, 512 MB for any file" {
	start_server
	{
		head -1 <(write_input 1 /dev/stdout)
		head -c 209715200 /dev/zero
	} >big.jsonl
	call POST /v1/files -F purpose=batch -F file=@big.jsonl
	refused 400 null null 'File is too large.'
	call POST /v1/files -H 'Content-Length: 600000000' \
		-H 'Content-Type: multipart/form-data; boundary=x' -d x --max-time 60
	refused 413 null null 'File is too large.'
}

@test "a download goes on where it was cut" {
	start_server
	write_input 50 in.jsonl
	upload in.jsonl
	local size
	size=$(wc -c <in.jsonl)
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=100-'
	[ "$STATUS" = 206 ]
	grep -qi "^content-range: bytes 100-$((size - 1))/$size" "$HEADERS"
	cmp "$BODY" <(tail -c +101 in.jsonl)
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=-7'
	cmp "$BODY" <(tail -c 7 in.jsonl)
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=0-0'
	[ "$(cat "$BODY")" = '{' ]
	call GET "/v1/files/$FILE_ID/content" -H "Range: bytes=$size-"
	[ "$STATUS" = 416 ]
	grep -qi "^content-range: bytes \*/$size" "$HEADERS"
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=0-9' \
		-H 'If-Range: "else"'
	[ "$STATUS" = 200 ]
	# Not understood, and so passed over: several, another unit, back to front.
	for range in bytes=0-1,3-4 lines=0-1 bytes=5-3 bytes= bytes=- 0-1; do
		call GET "/v1/files/$FILE_ID/content" -H "Range: $range"
		[ "$STATUS" = 200 ]
		cmp "$BODY" in.jsonl
	done
	call GET "/v1/files/$FILE_ID/content" -H "Range: bytes=0-$((size + 9))"
	[ "$STATUS" = 206 ]
	cmp "$BODY" in.jsonl
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=-0'
	[ "$STATUS" = 416 ]
	call HEAD "/v1/files/$FILE_ID/content"
	grep -qi "^content-length: $size" "$HEADERS"
	# Only to GET a range means something.
	call HEAD "/v1/files/$FILE_ID/content" -H 'Range: bytes=0-1'
	[ "$STATUS" = 200 ]
	grep -qi "^content-length: $size" "$HEADERS"
	: >empty
	call POST /v1/files -F purpose=vision -F file=@empty
	FILE_ID=$(member .id)
	call GET "/v1/files/$FILE_ID/content"
	[ "$STATUS" = 200 ]
	[ ! -s "$BODY" ]
	call GET "/v1/files/$FILE_ID/content" -H 'Range: bytes=0-'
	refused 416 null null 'not satisfiable'
	grep -qi "^content-range: bytes \*/0" "$HEADERS"
}

@test "a deleted file, and one that never was, are not there" {
	start_server
	write_input 1 in.jsonl
	upload in.jsonl
	call DELETE "/v1/files/$FILE_ID"
	[ "$(member '[.id, .object, .deleted] | @csv')" = \
		"\"$FILE_ID\",\"file\",true" ]
	call DELETE "/v1/files/$FILE_ID"
	refused 404 null id "No such File object: $FILE_ID"
	call GET "/v1/files/$FILE_ID"
	refused 404 null id "No such File object: $FILE_ID"
	call GET "/v1/files/$FILE_ID/content"
	refused 404 null id "No such File object: $FILE_ID"
	call GET /v1/files/file-x%2F..%2Fserver.db/content
	refused 404 null null 'Invalid URL'
	call GET /v1/files/..%5C..%5Cserver.db/content
	refused 404 null id 'No such File object: '
	[ -z "$(ls "$STATE/files")" ]
}

@test "a list pages, both ways, by purpose, and says when there is more" {
	start_server
	write_input 1 in.jsonl
	local ids=()
	for purpose in batch vision batch batch; do
		call POST /v1/files -F "purpose=$purpose" -F file=@in.jsonl
		ids+=("$(member .id)")
	done
	call GET /v1/files
	[ "$(member '[.data[].id] | join(" ")')" = \
		"${ids[3]} ${ids[2]} ${ids[1]} ${ids[0]}" ]
	[ "$(member '"\(.object) \(.has_more) \(.first_id) \(.last_id)"')" = \
		"list false ${ids[3]} ${ids[0]}" ]
	call GET '/v1/files?order=asc&limit=2'
	[ "$(member '[.data[].id] | join(" ")')" = "${ids[0]} ${ids[1]}" ]
	[ "$(member .has_more)" = true ]
	call GET "/v1/files?order=asc&limit=2&after=${ids[1]}"
	[ "$(member '[.data[].id] | join(" ")')" = "${ids[2]} ${ids[3]}" ]
	[ "$(member .has_more)" = false ]
	call GET "/v1/files?purpose=vision"
	[ "$(member '[.data[].id] | join(" ")')" = "${ids[1]}" ]
	call GET "/v1/files?after=${ids[0]}"
	[ "$(member '"\(.data | length) \(.first_id) \(.last_id)"')" = \
		'0 null null' ]
	call GET '/v1/files?limit=0'
	refused 400 integer_below_min_value limit '>= 1'
	call GET '/v1/files?limit=10001'
	refused 400 integer_above_max_value limit '<= 10000'
	call GET '/v1/files?limit=many'
	refused 400 invalid_type limit integer
	call GET '/v1/files?order=up'
	refused 400 invalid_value order "'up'"
	call GET '/v1/files?after=file-0'
	refused 400 invalid_value after 'No such File object: file-0'
}
