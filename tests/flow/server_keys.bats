#!/usr/bin/env bats
# Who may come, and on which way: keys, names that do not see each other, TLS.
load lib

# Who asks from here on.
as() { # key
	AS=(-H "Authorization: Bearer $1")
}

@test "keys: each sees its own, and none goes in without" {
	printf 'ann sk-ann\nbob sha256:%s\n' \
		"$(printf sk-bob | sha256sum | cut -d' ' -f1)" >keys
	chmod 600 keys
	start_server --api-key-file keys
	call GET /v1/files
	refused 401 null null "You didn't provide an API key."
	call GET /v1/x
	refused 401 null null "You didn't provide an API key."
	call GET /v1/files -H 'Authorization: Bearer sk-eve'
	refused 401 invalid_api_key null 'Incorrect API key provided'
	[ "$(grep -c sk-eve "$BODY")" = 0 ]
	call GET /metrics
	[ "$STATUS" = 401 ]
	call GET /healthz
	[ "$STATUS" = 200 ]
	write_input 1 in.jsonl
	upload in.jsonl -H 'Authorization: Bearer sk-ann'
	create_batch "$FILE_ID" -H 'Authorization: Bearer sk-ann'
	call GET "/v1/files/$FILE_ID" -H 'Authorization: Bearer sk-bob'
	refused 404 null id 'No such File object'
	call GET "/v1/batches/$BATCH_ID" -H 'Authorization: Bearer sk-bob'
	refused 404 null null 'No batch found'
	call POST "/v1/batches/$BATCH_ID/cancel" -H 'Authorization: Bearer sk-bob'
	refused 404 null null 'No batch found'
	call GET /v1/batches -H 'Authorization: Bearer sk-bob'
	[ "$(member '.data | length')" = 0 ]
	call GET /v1/batches -H 'Authorization: Bearer sk-ann'
	[ "$(member '.data | length')" = 1 ]
	[ "$(logged '.tenant == "ann"')" -ge 2 ]
	run grep -r 'sk-ann\|sk-bob' "$STATE" "$SERVER_LOG"
	[ "$status" = 1 ]
	[ -z "$(find "$STATE" "$SERVER_LOG" -perm /077)" ]
}

@test "a 401 says what is wanted, and blanks around a key are none of it" {
	printf 'ann sk-ann\n' >keys
	chmod 600 keys
	echo 'on GET /v1/batches: status 401' >faults
	start_server --api-key-file keys --faults faults
	challenged() {
		[ "$STATUS" = 401 ] && [ "$(grep -ci '^www-authenticate: Bearer ' \
			"$HEADERS")" = 1 ]
	}
	call GET /v1/files
	challenged
	call GET /v1/nothing -H 'Authorization: Bearer sk-eve'
	challenged
	as sk-ann
	call GET /v1/batches "${AS[@]}"
	challenged
	call GET /v1/files "${AS[@]}"
	[ "$STATUS" = 200 ]
	[ "$(grep -ci '^www-authenticate' "$HEADERS")" = 0 ]
	local blanks
	for blanks in 'Bearer   sk-ann' $'Bearer sk-ann \t ' $'bearer \tsk-ann'; do
		call GET /v1/files -H "Authorization: $blanks"
		[ "$STATUS" = 200 ]
	done
	for blanks in 'Bearer  ' 'Bearer' 'Bearer sk- ann' 'Bearersk-ann'; do
		call GET /v1/files -H "Authorization: $blanks"
		challenged
	done
}

@test "no name sees, changes or ends what is another's" {
	printf 'ann sk-ann\nbob sk-bob\n' >keys
	chmod 600 keys
	start_server --api-key-file keys --delay-in-progress 100
	write_input 2 in.jsonl
	as sk-ann
	upload in.jsonl "${AS[@]}"
	create_batch "$FILE_ID" "${AS[@]}"
	local upload part what path
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":3,
		"mime_type":"t"}' "${AS[@]}"
	upload=$(member .id)
	echo hi >hi
	call POST "/v1/uploads/$upload/parts" -F data=@hi "${AS[@]}"
	part=$(member .id)
	as sk-bob
	for what in GET DELETE; do
		call $what "/v1/files/$FILE_ID" "${AS[@]}"
		refused 404 null id "No such File object: $FILE_ID"
	done
	call GET "/v1/files/$FILE_ID/content" "${AS[@]}"
	refused 404 null id "No such File object: $FILE_ID"
	call GET "/v1/batches/$BATCH_ID" "${AS[@]}"
	refused 404 null null "No batch found with id '$BATCH_ID'."
	call POST "/v1/batches/$BATCH_ID/cancel" "${AS[@]}"
	refused 404 null null "No batch found with id '$BATCH_ID'."
	call POST "/v1/uploads/$upload/parts" -F data=@hi "${AS[@]}"
	refused 404 null upload_id "No such Upload object: $upload"
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part"'"]}' \
		"${AS[@]}"
	refused 404 null upload_id "No such Upload object: $upload"
	call POST "/v1/uploads/$upload/cancel" "${AS[@]}"
	refused 404 null upload_id "No such Upload object: $upload"
	for path in files batches; do
		call GET "/v1/$path" "${AS[@]}"
		[ "$(member '.data | length')" = 0 ]
	done
	call GET "/v1/files?after=$FILE_ID" "${AS[@]}"
	refused 400 invalid_value after "No such File object: $FILE_ID"
	call GET "/v1/batches?after=$BATCH_ID" "${AS[@]}"
	refused 400 invalid_value after "No batch found with id '$BATCH_ID'."
	# Part ids of one upload are nothing in another.
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":3,
		"mime_type":"t"}' "${AS[@]}"
	call POST "/v1/uploads/$(member .id)/complete" \
		-d '{"part_ids":["'"$part"'"]}' "${AS[@]}"
	refused 400 invalid_value part_ids "No part '$part' in this upload."
	# A batch of a file that is another's fails as one of no file does.
	create_batch "$FILE_ID" "${AS[@]}"
	ended() {
		call GET "/v1/batches/$BATCH_ID" "${AS[@]}"
		[ "$(member .status)" = failed ]
	}
	wait_for 20 ended
	[ "$(member '.errors.data[0] | [.code, .param] | @json')" = \
		'["invalid_request","file_id"]' ]
	# And ann has all she had.
	as sk-ann
	call GET "/v1/files/$FILE_ID/content" "${AS[@]}"
	cmp "$BODY" in.jsonl
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part"'"]}' \
		"${AS[@]}"
	[ "$(member .status)" = completed ]
	call GET /v1/batches "${AS[@]}"
	[ "$(member '[.data[].status] | join(" ")')" != cancelling ]
	[ "$(member '.data | length')" = 1 ]
}

@test "where keys are set, nothing but health and the bare page asks for none" {
	printf 'ann sk-ann\n' >keys
	chmod 600 keys
	echo >faults
	start_server --api-key-file keys --clock step --faults faults
	local method path now
	while read -r method path; do
		call "$method" "$path" -d '{"advance":"1h"}'
		refused 401 null null "You didn't provide an API key."
		call "$method" "$path" -d '{"advance":"1h"}' \
			-H 'Authorization: Bearer sk-an'
		refused 401 invalid_api_key null 'Incorrect API key provided.'
		call "$method" "$path" -d '{"advance":"1h"}' \
			-H 'Authorization: Basic c2stYW5uOg=='
		refused 401 null null "You didn't provide an API key."
	done <<-'END'
	GET /_control/clock
	POST /_control/clock
	POST /_control/faults
	GET /metrics
	GET /v1/models
	GET /v1/files
	POST /v1/files
	GET /v1/files/x
	GET /v1/files/x/content
	DELETE /v1/files/x
	POST /v1/uploads
	POST /v1/uploads/x/parts
	POST /v1/uploads/x/complete
	POST /v1/uploads/x/cancel
	GET /v1/batches
	POST /v1/batches
	GET /v1/batches/x
	POST /v1/batches/x/cancel
	POST /v1/chat/completions
	POST /v1/responses
	POST /v1/embeddings
	POST /v1/completions
	PATCH /v1/files
	GET /elsewhere
	END
	call GET /healthz
	[ "$STATUS" = 200 ]
	call GET /
	[ "$STATUS" = 200 ]
	# No call without a key has moved the clock.
	as sk-ann
	call GET /_control/clock "${AS[@]}"
	now=$(member .now)
	[ "$now" -lt $(($(date +%s) + 60)) ]
	[ -z "$(find "$STATE/tmp" "$STATE/files" -type f)" ]
}

@test "keys are read anew on SIGHUP; a file that is none changes nothing" {
	printf 'ann sk-ann\n' >keys
	chmod 600 keys
	start_server --api-key-file keys
	local bob=(-H 'Authorization: Bearer sk-bob')
	local ann=(-H 'Authorization: Bearer sk-ann')
	write_input 1 in.jsonl
	upload in.jsonl "${ann[@]}"
	call GET /v1/files "${bob[@]}"
	[ "$STATUS" = 401 ]
	printf 'bob sk-bob\nann sk-ann-2\n' >keys
	kill -HUP "$SERVER_PID"
	may() { call GET /v1/files "$@"; [ "$STATUS" = 200 ]; }
	wait_for 20 may "${bob[@]}"
	[ "$(member '.data | length')" = 0 ]
	call GET /v1/files "${ann[@]}"
	refused 401 invalid_api_key null 'Incorrect API key'
	may -H 'Authorization: Bearer sk-ann-2'
	[ "$(member '.data | length')" = 1 ]
	echo ann >keys
	kill -HUP "$SERVER_PID"
	wait_for 20 grep -q 'keys:1: not a name and a key.*keys of before stay' \
		server.err
	may "${bob[@]}"
	: >server.err
}

@test "key files that are none are told by their line" {
	local text reason
	while IFS='|' read -r text reason; do
		printf '%b' "$text" >keys
		chmod 600 keys
		run batch_server --state-dir "$STATE" --api-key-file keys
		[ "$status" = 3 ]
		[[ $output == *"keys$reason"* ]]
	done <<-'END'
	| holds no key
	# none\n\n| holds no key
	# one\nann\n|:2: not a name and a key
	ann sha256:12\n|:1: not a name and a key, or a name and sha256: with 64 hex digits
	ann a b\n|:1: not a name and a key
	END
	echo 'ann sk-ann' >keys
	chmod 644 keys
	run batch_server --state-dir "$STATE" --api-key-file keys
	[ "$status" = 3 ]
	[[ $output == *'others may read it: chmod 600, or write sha256: digests'* ]]
}

@test "a page of another site cannot make a browser act here" {
	start_server
	write_input 1 in.jsonl
	upload in.jsonl
	local site path
	for site in cross-site same-site; do
		for path in /v1/batches /v1/chat/completions /_control/faults \
			/v1/files /v1/batches/batch_x/cancel; do
			call POST "$path" -H "Sec-Fetch-Site: $site" \
				-H 'Content-Type: text/plain' -d '{}'
			refused 403 null null 'a page of another site'
		done
		call DELETE "/v1/files/$FILE_ID" -H "Sec-Fetch-Site: $site"
		refused 403 null null 'a page of another site'
		# A link from there may be followed.
		call GET / -H "Sec-Fetch-Site: $site"
		[ "$STATUS" = 200 ]
	done
	for site in same-origin none; do
		call POST /v1/chat/completions -H "Sec-Fetch-Site: $site" \
			-d '{"model":"m","messages":[{"role":"user","content":"x"}]}'
		[ "$STATUS" = 200 ]
	done
	call DELETE "/v1/files/$FILE_ID" -H 'Sec-Fetch-Site: same-origin'
	[ "$STATUS" = 200 ]
	# Nor read an answer: no origin is let in.
	call OPTIONS /v1/batches -H 'Origin: https://elsewhere' \
		-H 'Access-Control-Request-Method: POST'
	[ "$STATUS" = 405 ]
	run grep -qi '^access-control-' "$HEADERS"
	[ "$status" = 1 ]
}

@test "TLS files that are none, or alone, are told" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
		-out cert.pem -days 1 -subj /CN=localhost 2>/dev/null
	run batch_server --state-dir "$STATE" --tls-key key.pem
	[ "$status" = 2 ]
	[[ $output == *'--tls-cert and --tls-key go together'* ]]
	run batch_server --state-dir "$STATE" --tls-cert none --tls-key key.pem
	[ "$status" = 3 ]
	[[ $output == *none* ]]
	echo nonsense >broken.pem
	run timeout 60 batch_server --state-dir "$STATE" --tls-cert broken.pem \
		--tls-key key.pem
	[ "$status" = 3 ]
	[[ $output == *'broken.pem holds no PEM "CERTIFICATE"'* ]]
	run timeout 60 batch_server --state-dir "$STATE" --tls-cert cert.pem \
		--tls-key cert.pem
	[ "$status" = 3 ]
	[[ $output == *'cert.pem holds no PEM "PRIVATE KEY"'* ]]
	openssl genrsa -out other.pem 2048 2>/dev/null
	run timeout 60 batch_server --state-dir "$STATE" --tls-cert cert.pem \
		--tls-key other.pem
	[ "$status" = 3 ]
	[[ $output == *'do they belong together?'* ]]
	# Plain words on the port are no request.
	start_server --tls-cert cert.pem --tls-key key.pem
	run curl -s --max-time 30 "http://${SERVER_URL#https://}/healthz"
	[ "$status" != 0 ]
	call GET /healthz
	[ "$STATUS" = 000 ]
	call GET /healthz -k --tlsv1.2
	[ "$STATUS" = 200 ]
	# By a client that would take it.
	call GET /healthz -k --tlsv1.0 --tls-max 1.1 \
		--ciphers DEFAULT@SECLEVEL=0
	[ "$STATUS" = 000 ]
	call GET /healthz -k --tlsv1.0 --tls-max 1.2 \
		--ciphers DEFAULT@SECLEVEL=0
	[ "$STATUS" = 200 ]
}

@test "beyond this machine it listens with key and TLS, or --insecure" {
	printf 'ann sk-ann\n' >keys
	chmod 600 keys
	local address
	for address in 0.0.0.0 :: 192.0.2.1; do
		run batch_server --listen $address --state-dir "$STATE"
		[ "$status" = 2 ]
		[[ $output == *"will not listen on $address without --api-key-file"* ]]
	done
	run batch_server --listen nowhere.invalid --state-dir "$STATE"
	[ "$status" = 2 ]
	[[ $output == *'cannot listen on nowhere.invalid'* ]]
	# Names, of ::1 too, where the machine knows them and has that address.
	local here=(127.0.0.9 localhost)
	! grep -q ' lo$' /proc/net/if_inet6 || here+=(::1 ip6-localhost)
	for address in "${here[@]}"; do
		getent ahosts $address >/dev/null || continue
		start_server --listen $address
		call GET /healthz
		[ "$STATUS" = 200 ]
		stop_server
	done
	run batch_server --listen 0.0.0.0 --state-dir "$STATE" \
		--api-key-file keys
	[ "$status" = 2 ]
	[[ $output == *--tls-cert* ]]
	start_server --listen 0.0.0.0 --insecure
	grep -q INSECURE server.err
	: >server.err
}

@test "TLS by certificate files" {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
		-out cert.pem -days 1 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	start_server --tls-cert cert.pem --tls-key key.pem
	[[ $BASE_URL == https://* ]]
	call GET /healthz --cacert cert.pem
	[ "$STATUS" = 200 ]
	write_input 20 in.jsonl
	upload in.jsonl --cacert cert.pem
	call GET "/v1/files/$FILE_ID/content" --cacert cert.pem
	cmp in.jsonl "$BODY"
	stop_server
	run batch_server --state-dir "$STATE" --tls-cert cert.pem
	[ "$status" = 2 ]
}
