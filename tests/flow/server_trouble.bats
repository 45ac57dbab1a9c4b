#!/usr/bin/env bats
# A model behind that fails, refuses or is none: whose affair it is, and who is told.
load lib
load upstream

@test "whoever runs it is told of each kind of trouble once, and rows wait" {
	local told=$BATS_TEST_TMPDIR/server.err
	(umask 077 && echo 'k sk-right' >keys)
	echo 'on POST /v1/chat/completions: header "retry-after-ms: 50"' >faults
	start_upstream --api-key-file keys
	stop_upstream
	UPSTREAM_PORT=${UPSTREAM_URL##*:}
	UPSTREAM_PORT=${UPSTREAM_PORT%/v1}
	NIGHTMAIL_UPSTREAM_KEY=sk-wrong start_server --upstream "$UPSTREAM_URL"
	new_batch 5
	wait_for 20 troubled upstream_unreachable 10
	start_upstream --api-key-file keys --faults faults
	wait_for 20 troubled upstream_key 10
	batch_is in_progress
	[ "$(member '.request_counts | @json')" = \
		'{"total":5,"completed":0,"failed":0}' ]
	echo 'k sk-wrong' >keys
	kill -HUP "$UPSTREAM_PID"
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 5 ]
	wait_for 10 grep -q again "$told"
	[ "$(wc -l <"$told")" = 3 ]
	[[ $(sed -n 1p "$told") == \
		'batch_server: upstream: cannot reach 127.0.0.1:'*'; rows wait for it' ]]
	[ "$(sed -n 2,3p "$told")" = "batch_server: the upstream refuses the key \
of NIGHTMAIL_UPSTREAM_KEY (HTTP 401); rows wait for it
batch_server: the upstream answers again" ]
}

# The kinds of trouble that there are now, as the gauge and the list have them.
trouble_now() {
	call GET /metrics
	sed -n 's/^nightmail_trouble{kind="\(.*\)"} 1$/\1/p' "$BODY"
	call GET /_control/trouble
	member '.data[] | "\(.kind) \(.status) \(.since > 1700000000)"'
}

@test "an upstream that fails for good is told of, until it answers, were it to refuse" {
	local told=$BATS_TEST_TMPDIR/server.err
	local chat='on POST /v1/chat/completions nth'
	cat >faults <<-EOF
	$chat 1..18: status 503 header "retry-after-ms: 5"
	$chat 19..: status 400
	EOF
	start_upstream --faults faults
	NIGHTMAIL_UPSTREAM_KEY=sk-hush start_server --upstream "$UPSTREAM_URL"
	call GET /_control/trouble
	[ "$(cat "$BODY")" = '{"object":"list","data":[]}' ]
	new_batch 2
	wait_for 20 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":2,"completed":0,"failed":2}' ]
	[ "$(wc -l <"$UPSTREAM_LOG")" = 18 ]
	[ "$(cat "$told")" = "batch_server: the upstream at ${UPSTREAM_URL%/v1} \
fails (HTTP 503), and rows are given up after 9 tries; mend it, or stop this \
server until it is well: rows without an answer are kept" ]
	[ "$(trouble_now)" = "upstream_failing
upstream_failing 503 true" ]
	[ "$(troubles upstream_failing)" = 2 ]
	new_batch 1
	wait_for 20 batch_is completed
	[ "$(member .request_counts.failed)" = 1 ]
	wait_for 10 grep -q again "$told"
	[ "$(sed 1d "$told")" = 'batch_server: the upstream answers again' ]
	[ "$(trouble_now)" = "" ]
}

@test "an upstream that does not reply is told of with what to do" {
	local told=$BATS_TEST_TMPDIR/server.err
	cat >faults <<-'EOF'
	on POST /v1/chat/completions nth 1..8: status 500 header "retry-after-ms: 5"
	on POST /v1/chat/completions nth 9: delay 60s
	on POST /v1/chat/completions nth 10..18: status 429 header "retry-after-ms: 5"
	EOF
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --upstream-timeout 2
	new_batch 1
	wait_for 20 batch_is completed
	[ "$(member .request_counts.failed)" = 1 ]
	[ "$(wc -l <"$told")" = 1 ]
	grep -q "^batch_server: the upstream at ${UPSTREAM_URL%/v1} fails \
(no whole reply from 127.0.0.1: .*), and rows are given up after 9 tries; \
mend it, ask less at once (--concurrency) or wait longer \
(--upstream-timeout)\$" "$told"
	[ "$(trouble_now)" = "upstream_failing
upstream_failing null true" ]
	stop_server
	: >"$told"
	start_server --upstream "$UPSTREAM_URL"
	new_batch 1
	wait_for 20 batch_is completed
	grep -q 'fails (HTTP 429), .* 9 tries; ask less at once (--concurrency)$' \
		"$told"
}

@test "a key that is not given, and a certificate that is not to be trusted, are told" {
	local told=$BATS_TEST_TMPDIR/server.err
	(umask 077 && echo 'k sk-right' >keys)
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
		-out cert.pem -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	start_upstream --api-key-file keys --tls-cert cert.pem --tls-key key.pem
	start_server --upstream "$UPSTREAM_URL" --upstream-key-env MY_KEY
	new_batch 3
	wait_for 20 troubled upstream_tls 6
	batch_is in_progress
	[ "$(troubles upstream_unreachable)" = 0 ]
	[ "$(wc -l <"$told")" = 1 ]
	grep -q 'upstream: cannot reach .*certificate.*; rows wait for it' "$told"
	stop_server
	: >"$told"
	CURL_CA_BUNDLE=cert.pem start_server --upstream "$UPSTREAM_URL" \
		--upstream-key-env MY_KEY
	wait_for 20 troubled upstream_key 6
	[ "$(cat "$told")" = 'batch_server: the upstream asks for a key (HTTP '\
'401), and MY_KEY is not set; rows wait for it' ]
	stop_server
	CURL_CA_BUNDLE=cert.pem MY_KEY=sk-right start_server \
		--upstream "$UPSTREAM_URL" --upstream-key-env MY_KEY
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 3 ]
}

# After the word how, as it was at the upstream's address.
is_told_no_api() { # how
	[ "$(cat "$BATS_TEST_TMPDIR/server.err")" = "batch_server: what answers at \
${UPSTREAM_URL%/v1} is no API such as OpenAI's ($1): mend --upstream, whose path \
mostly ends in /v1; rows wait for it" ]
}

@test "at an address that has no such path, rows wait, and it is told once" {
	local told=$BATS_TEST_TMPDIR/server.err
	start_upstream
	NIGHTMAIL_UPSTREAM_KEY=sk-hush start_server \
		--upstream "${UPSTREAM_URL%/v1}/sk-path"
	new_batch 5
	wait_for 20 troubled upstream_no_api 10
	batch_is in_progress
	[ "$(member '.request_counts | @json')" = \
		'{"total":5,"completed":0,"failed":0}' ]
	is_told_no_api 'HTTP 404'
	[ "$(trouble_now)" = "upstream_no_api
upstream_no_api 404 true" ]
	# Who asks directly is told at once.
	call POST /v1/chat/completions \
		-d '{"model":"m","messages":[{"role":"user","content":"hi"}]}'
	[ "$STATUS" = 404 ]
	stop_server
	start_server --upstream "$UPSTREAM_URL"
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 5 ]
}

@test "pages and redirections are no answers, and what was right is found again" {
	local told=$BATS_TEST_TMPDIR/server.err
	local chat='on POST /v1/chat/completions nth' page='"<html>Welcome</html>"'
	local soon='header "retry-after-ms: 50"'
	cat >faults <<-EOF
	$chat 1..2: status 200 body $page $soon
	$chat 3: status 302 body "" header "Location: http://127.0.0.1:1/" $soon
	$chat 4: status 404 body "{\"detail\":\"Not Found\"}" $soon
	$chat 5: status 400 body $page $soon
	EOF
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 1
	new_batch 3
	wait_for 20 troubled upstream_no_api 1
	is_told_no_api 'HTTP 200'
	wait_for 20 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":3,"completed":3,"failed":0}' ]
	[ "$(troubles upstream_no_api)" = 5 ]
	wait_for 10 grep -q again "$told"
	[ "$(sed 1d "$told")" = 'batch_server: the upstream answers again' ]
	[ "$(trouble_now)" = "" ]
}

@test "an endpoint that the upstream has not is the row's fault where it has others" {
	echo 'on POST /v1/embeddings: status 404 body "<html>no</html>"' >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL"
	new_batch 2
	wait_for 20 batch_is completed
	sed 's/"messages":[^]]*]/"input":"x"/; s,chat/completions,embeddings,' \
		in.jsonl >embed.jsonl
	upload embed.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/embeddings","completion_window":"24h"}'
	BATCH_ID=$(member .id)
	wait_for 20 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":2,"completed":0,"failed":2}' ]
	[ "$(trouble_now)" = "" ]
	[ ! -s "$BATS_TEST_TMPDIR/server.err" ]
}

@test "a want of money waits; what is refused while others pass is a row" {
	local chat='on POST /v1/chat/completions nth'
	local soon='header "retry-after-ms: 50"'
	cat >faults <<-EOF
	$chat 1: status 429 body "{\"error\":{\"code\":\"insufficient_quota\"}}" $soon
	EOF
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 1
	new_batch 3
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 3 ]
	[ "$(troubles upstream_money)" = 1 ]
	stop_server
	stop_upstream
	printf "%s: status 403 $soon\\n" "$chat 1" "$chat 4.." >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 1
	new_batch 3
	wait_for 20 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":3,"completed":2,"failed":1}' ]
	fetch_results completed
	each_row_once 3
	[ "$(troubles upstream_key)" = 4 ]
}

# The pause between the two refusals of the key is longer than the calm after which
# all is taken to be well.
@test "who refuses a request has not taken the key" {
	local told=$BATS_TEST_TMPDIR/server.err chat='on POST /v1/chat/completions nth'
	cat >faults <<-EOF
	$chat 1: status 401 header "retry-after-ms: 3500"
	$chat 2: status 401 header "retry-after-ms: 50"
	on POST /v1/completions: status 400
	EOF
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL"
	new_batch 1
	wait_for 20 troubled upstream_key 1
	call POST /v1/completions -d '{"model":"m","prompt":"hi"}'
	[ "$STATUS" = 400 ]
	[ "$(troubles upstream_key)" = 1 ]
	wait_for 20 troubled upstream_key 2
	[ "$(wc -l <"$told")" = 1 ]
	wait_for 20 batch_is completed
	wait_for 10 grep -q again "$told"
	[ "$(wc -l <"$told")" = 2 ]
}
