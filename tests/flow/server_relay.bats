#!/usr/bin/env bats
# A batch at work at a model behind the server, and the server ends, dies, or cannot
# read what it had: every row once, and nothing asked again that was answered.
load lib
load upstream

ten() {
	batch_is in_progress && [ "$(member .request_counts.completed)" = 10 ]
}

# Of 30 rows; those of this span are at the model behind, and stay there for long.
batch_with_ten_answers() { # span
	echo "on POST /v1/chat/completions nth $1: delay 60s" >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 2
	new_batch 30
	wait_for 20 ten
}

@test "what a model behind began, no simulated one ends" {
	batch_with_ten_answers 11..
	local first=$BATCH_ID
	create_batch "$FILE_ID"
	local second=$BATCH_ID
	stop_server
	start_server
	# None of the other was answered: who is there may do it, and looks at all
	# that are older first.
	wait_for 20 batch_is completed
	BATCH_ID=$first
	ten
	kill_server
	start_server
	another_batch_passes
	ten
	# Without it there is an end too, and each row has its line.
	call POST "/v1/batches/$BATCH_ID/cancel"
	wait_for 20 batch_is cancelled
	[ "$(member '.request_counts | @json')" = \
		'{"total":30,"completed":10,"failed":0}' ]
	fetch_results cancelled
	each_row_once 30
	BATCH_ID=$second
	fetch_results completed
	each_row_once 30
}

@test "begun with a model behind, a batch goes on when it is there again" {
	batch_with_ten_answers 11..12
	stop_server
	start_server
	another_batch_passes
	ten
	stop_server
	start_server --upstream "$UPSTREAM_URL" --concurrency 2
	wait_for 20 batch_is completed
	fetch_results completed
	each_row_once 30
	# Each was asked there, but two that were under way once only.
	[ "$(jq -r 'select(.status == 200).prompt' "$UPSTREAM_LOG" | sort |
		uniq | wc -l)" = 30 ]
	[ "$(wc -l <"$UPSTREAM_LOG")" -le 32 ]
}

@test "answers that cannot be read for a while are not asked for again" {
	batch_with_ten_answers 11..12
	stop_server
	local shelf=$STATE/work/$BATCH_ID.output
	mv "$shelf" kept
	ln -s "$shelf" "$shelf" # it leads round in a circle
	start_server --upstream "$UPSTREAM_URL" --concurrency 2
	wait_for 20 grep -q 'batches wait for it' "$BATS_TEST_TMPDIR/server.err"
	rm "$shelf"
	mv kept "$shelf"
	wait_for 20 batch_is completed
	fetch_results completed
	each_row_once 30
	[ "$(wc -l <"$UPSTREAM_LOG")" -le 32 ]
}

@test "an input that cannot be read for a while fails no batch" {
	batch_with_ten_answers 11..12
	call DELETE "/v1/files/$FILE_ID"
	stop_server
	local input=$STATE/work/$BATCH_ID.input
	mv "$input" kept
	ln -s "$input" "$input" # it leads round in a circle
	start_server --upstream "$UPSTREAM_URL" --concurrency 2
	wait_for 20 grep -q 'batches wait for it' "$BATS_TEST_TMPDIR/server.err"
	batch_is in_progress
	rm "$input"
	mv kept "$input"
	wait_for 20 batch_is completed
	fetch_results completed
	each_row_once 30
	[ "$(wc -l <"$UPSTREAM_LOG")" -le 32 ]
}

@test "who still waits for the upstream when the server ends is told so" {
	local i body='{"model":"m","messages":[{"role":"user","content":"hi"}]}'
	echo 'on POST /v1/chat/completions: delay 60s' >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --threads 8
	for ((i = 0; i < 40; i++)); do
		curl -s -o /dev/null -w '%{http_code}\n' -d "$body" \
			"$BASE_URL/chat/completions" >>statuses 3>&- &
	done
	upstream_asked() {
		call GET /metrics
		grep -q '^nightmail_upstream_requests_total 40$' "$BODY"
	}
	wait_for 20 upstream_asked
	# It waits for ten seconds, also where it did not run in most of them.
	local begun=$SECONDS
	kill -TERM "$SERVER_PID"
	sleep 1
	kill -STOP "$SERVER_PID"
	sleep 10
	kill -CONT "$SERVER_PID"
	wait "$SERVER_PID"
	SERVER_PID=
	[ $((SECONDS - begun)) -lt 18 ]
	all_told() {
		[ "$(wc -l <statuses)" = 40 ]
	}
	wait_for 20 all_told
	[ "$(sort statuses | uniq -c | sed 's/^ *//')" = '40 503' ]
}

# NM_ENDS: how often; a few here, more where one looks for it.
@test "whoever calls while the server ends is answered or cut off, and no more" {
	local ends=${NM_ENDS:-12} i fd fds hello port
	trap '' PIPE
	hello='POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 57'
	hello+='\r\n\r\n{"model":"m","messages":[{"role":"user","content":"hi"}]}'
	start_upstream
	for ((i = 0; i < ends; i++)); do
		start_server --upstream "$UPSTREAM_URL"
		port=${SERVER_URL##*:}
		fds=()
		while [ ${#fds[@]} -lt 200 ]; do
			exec {fd}<>"/dev/tcp/127.0.0.1/$port"
			fds+=("$fd")
		done
		kill -TERM "$SERVER_PID"
		for fd in "${fds[@]}"; do
			# shellcheck disable=SC2059 # it has its line ends
			printf "$hello" 1>&"$fd" 2>/dev/null || true
		done
		# Not stop_server: told twice, it would hurry.
		wait "$SERVER_PID"
		SERVER_PID=
		for fd in "${fds[@]}"; do
			exec {fd}>&-
		done
	done
	[ ! -s "$BATS_TEST_TMPDIR/server.err" ]
}

# Nobody is connected to the upstream but who asks here: what it was asked is logged.
upstream_is_left() {
	curl -s "${UPSTREAM_URL%/v1}/metrics" | grep -q '^nightmail_connections 1$'
}

# NM_KILLS: how often the server dies; a few here, hundreds in a soak.
@test "kill -9: every row once, and nothing asked again that was answered" {
	local kills=${NM_KILLS:-6} rows=400 again i
	echo 'on POST /v1/chat/completions: delay 20ms' >faults
	start_upstream --faults faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 8
	new_batch $rows
	for ((i = 0; i < kills; i++)); do
		sleep "0.$((RANDOM % 3))$((RANDOM % 10))" # until it dies
		kill_server
		# What is on the shelf now must never be asked again.
		cat "$STATE"/work/*.output 2>/dev/null | jq -R 'fromjson? |
			.custom_id' 2>/dev/null | sort >"kept.$i"
		wait_for 20 upstream_is_left
		wc -l <"$UPSTREAM_LOG" >"asked.$i"
		start_server --upstream "$UPSTREAM_URL" --concurrency 8
		batch_is completed && break
	done
	wait_for 30 batch_is completed
	[ "$(member '.request_counts | @json')" = \
		"{\"total\":$rows,\"completed\":$rows,\"failed\":0}" ]
	fetch_results completed
	each_row_once $rows
	for ((i = 0; i < kills; i++)); do
		[ -e "asked.$i" ] || break
		again=$(tail -n "+$(($(cat "asked.$i") + 1))" "$UPSTREAM_LOG" |
			jq '.prompt | strings | sub("Say ";"r-")' | sort |
			comm -12 - "kept.$i")
		[ -z "$again" ] || {
			echo "asked again after death $i: $again"
			return 1
		}
	done
	# Only what was under way at a death was asked twice.
	[ "$(jq -r '.prompt | strings' "$UPSTREAM_LOG" | wc -l)" -le \
		$((rows + kills * 8)) ]
}

# The four figures of the rows that were answered, each row once, and of the batch.
usage_of_rows() {
	jq -sc '[.[] | select(.response.status_code == 200 and
		(.custom_id | startswith("unknown") | not))] | unique_by(.custom_id) |
		map(.response.body.usage) | [(map(.prompt_tokens) | add),
		(map(.prompt_tokens_details.cached_tokens) | add),
		(map(.completion_tokens) | add),
		(map(.completion_tokens_details.reasoning_tokens) | add)]' results
}

usage_of_batch() {
	member '.usage | [.input_tokens, .input_tokens_details.cached_tokens,
		.output_tokens, .output_tokens_details.reasoning_tokens] | @json'
}

answered() { # n
	batch_is in_progress && [ "$(member .request_counts.completed)" = "$1" ]
}

@test "a batch's usage is that of its rows, with the details, after a death too" {
	local chat='on POST /v1/chat/completions nth' i
	for i in 1 2 3 4 5 6 7 8 10 11 12 13; do
		echo "$chat $i: status 200 body $(jq -n --argjson i $i '{model:
			"m", usage: {prompt_tokens: (100 * $i),
			prompt_tokens_details: {cached_tokens: (10 * $i)},
			completion_tokens: (7 * $i), completion_tokens_details:
			{reasoning_tokens: $i}}} | tojson')"
	done >upstream_faults
	echo "$chat 9: hang" >>upstream_faults
	printf '%s\n' 'row 2: http_error 429 in output' 'row 3: doubled' \
		'row 4: unknown id' 'row 5: http_error 500' 'row 6: renamed' >faults
	start_upstream --faults upstream_faults
	start_server --upstream "$UPSTREAM_URL" --concurrency 1 --faults faults
	new_batch 12
	wait_for 20 answered 8
	kill_server
	start_server --upstream "$UPSTREAM_URL" --concurrency 1 --faults faults
	wait_for 20 batch_is completed
	fetch_results completed
	[ "$(member '.request_counts | @json')" = \
		'{"total":12,"completed":10,"failed":2}' ]
	[ "$(jq -r .custom_id results | sort -u | wc -l)" = 13 ]
	[ "$(usage_of_batch)" = "$(usage_of_rows)" ]
	# 1 to 8, and the two after the one that hung.
	[ "$(usage_of_batch)" = '[5700,570,399,57]' ]
}
