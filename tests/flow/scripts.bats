#!/usr/bin/env bats
# Every script of tests/faults, against our own client: each ends in complete
# results, or in a clear refusal; nothing is lost, nothing hangs.
load lib
load client

SERVER_OPTIONS=()
MODE=(--mode batch --poll-interval 0.2)

# "exit asked answered attempts", or the exit alone where there are no results.
outcome() {
	[ -e "$RESULTS" ] || {
		echo "$STATUS"
		return
	}
	echo "$STATUS $(jq -r '.ledger | "\(.asked) \(.answered) \(.attempts)"' \
		"$RESULTS")"
}

# One script against a server and a desk of its own, beside others.
try() { # name option...
	local name=$1
	shift
	BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/$name
	mkdir "$BATS_TEST_TMPDIR"
	setup
	cp "$NM_SOURCE/tests/faults/$name.faults" script
	a_desk --faults script "${SERVER_OPTIONS[@]}"
	variant0 "${MODE[@]}" --limit 40 "$@"
	outcome >outcome
	: >script
	call POST /_control/faults
	call GET /v1/batches
	member '.data | length' >made
	stop_server
}

# Tries each script of the table on stdin: name, outcome wanted, and what stands
# on stderr. They mostly wait: eight at once.
survive() { # option...
	local table name wanted words got bad=0 n=0
	table=$(cat)
	while IFS='|' read -r name wanted words; do
		(try "$name" "$@") >"$name.told" 2>&1 3>&- &
		[ $((++n % 8)) != 0 ] || wait
	done <<<"$table"
	wait
	while IFS='|' read -r name wanted words; do
		got=$(cat "$name/outcome")
		[ "$got" = "$wanted" ] && grep -qF "$words" "$name/err.txt" &&
			continue
		printf '%s: wanted %s, got %s\n' "$name" "$wanted" "$got"
		cat "$name.told"
		bad=1
	done <<<"$table"
	return $bad
}

@test "what may pass is survived with complete results" {
	survive <<-'EOF'
	chat-rate-limited|0 40 40 1|
	counts-null|0 40 40 1|
	create-acts-and-says-500-ogx-3144|0 40 40 1|
	create-acts-list-lags|0 40 40 1|looking for its tag
	create-call-lost|0 40 40 1|
	create-reply-lost-qwen-code-11874|0 40 40 1|may have been submitted already
	download-404-at-first|0 40 40 1|looking again
	download-always-cut|0 40 40 1|
	download-cut-no-ranges|0 40 40 1|
	download-cut-openai-java-649|0 40 40 1|
	download-too-long|0 40 40 1|
	download-trickles|0 40 40 1|
	empty-file-id-kaibo-93|0 40 40 1|
	enqueued-requests-community-1002388|0 40 40 1|
	every-call-429-once|0 40 40 1|
	every-call-5xx-without-retry-after|0 40 40 1|
	file-not-found-at-once-curator-116|0 40 40 1|
	file-not-found-yet-curator-116|0 40 40 1|
	list-without-has-more|0 40 40 1|
	one-call-in-ten-lost|0 40 40 1|
	polls-502-openclaw-88238|0 40 40 1|
	upload-reply-lost|0 40 40 1|
	EOF
	# Whatever was lost, nothing was made twice.
	local name
	for name in create-*/ one-call*/ upload-*/; do
		[ "$(cat "$name/made")" = 1 ] || {
			echo "$name: $(cat "$name/made") batches made"
			return 1
		}
	done
}

@test "rows that go wrong are asked again, or told for what they are" {
	survive <<-'EOF'
	all-rows-failed-kaapi-723|1 40 0 1|the service failed them
	cancelled-rows-llm-d-121|1 40 33 1|
	counts-wrong-curator-585|1 40 19 3|
	expired-rows-curator-226|0 40 40 2|
	failures-in-the-output-file-morph|1 40 35 3|
	model-not-in-batch-raif-525|1 40 0 1|the service failed them
	rows-broken-chatlas-246|0 40 40 2|
	rows-doubled-and-unknown-accrue-47|0 40 40 1|
	rows-in-prose|0 40 24 1|
	rows-missing-instructor-2657|0 40 40 2|
	rows-shuffled-tidyllm-37|0 40 40 1|
	rows-truncated-inspect-evals-2473|0 40 34 1|
	rows-with-line-separators-modaic-188|0 40 40 1|
	rows-with-several-outputs-mira-70|0 40 40 1|
	some-rows-failed-openai-openapi-302|1 40 35 3|
	status-zero-rows-ellmer-830|0 40 40 2|
	EOF
}

@test "what cannot pass is one clear refusal" {
	SERVER_OPTIONS=(--delay-in-progress 3)
	survive <<-'EOF'
	answers-html|4|is not JSON
	batch-vanishes-tensorzero-1198|4|No batch found with id
	fails-after-creation-openai-python-1643|1|failed at line 1 of its input
	key-refused|4|401 invalid_api_key
	no-money-left|4|429 insufficient_quota
	storage-full-curator-189|4|file storage quota
	upload-413-by-a-proxy-curator-610|4|413
	upload-too-large-curator-113|4|File is too large
	EOF
}

@test "direct mode survives them too" {
	MODE=(--mode direct)
	RESULTS=${RESULTS/_batch/}
	survive <<-'EOF'
	every-call-429-once|0 40 40 1|
	key-refused|4|401 invalid_api_key
	no-money-left|4|429 insufficient_quota
	one-call-in-ten-lost|0 40 40 1|
	ten-percent-of-everything|0 40 40 1|
	EOF
}

@test "hours of bad luck, in seconds" {
	SERVER_OPTIONS=(--clock fast=20000)
	survive <<-'EOF'
	batch-hangs-sglang-1415|0 40 40 1|
	finalizing-hangs-curator-287|0 40 40 1|
	finalizing-long-litellm-37205|0 40 40 1|
	polls-502-for-an-hour|0 40 40 1|
	window-ends-half-done-warmbly-333|0 40 40 2|
	EOF
}

@test "two creations an hour, for four shards" {
	SERVER_OPTIONS=(--clock fast=3600)
	survive --shard-requests 10 <<-'EOF'
	create-429-by-the-hour-litellm-23901|0 40 40 1|
	EOF
}

@test "a token limit: refused, learnt, and kept to" {
	: >faults.txt
	a_desk --faults faults.txt
	cp "$NM_SOURCE/tests/faults/enqueued-tokens-openai-python-2084.faults" \
		faults.txt
	sed -i 's/20000/1500/' faults.txt
	call POST /_control/faults
	run_batch 40 --shard-requests 20
	[ "$(outcome)" = "0 40 40 1" ]
}

@test "a call that hangs can be left, and is taken up again" {
	cp "$NM_SOURCE/tests/faults/upload-hangs-curator-120.faults" faults.txt
	a_desk --faults faults.txt
	timeout -s INT 1 variant0_llm_baseline --mode batch --limit 5 \
		--poll-interval 0.2 2>err.txt && STATUS=0 || STATUS=$?
	grep -q 'run the same command again' err.txt
	run_batch 5
	[ "$(outcome)" = "0 5 5 1" ]
}
