#!/usr/bin/env bats
# Each fault script of tests/faults, named for what users of other tools met, and
# what becomes of forty questions under it: exit status, ledger, and how often
# money was put at risk.
load lib
load client

# Rows on stdin: script | status | ledger ("" = no results) | batches made |
# a part of stderr, or of stdout.
play() { # speed option...
	local speed=$1 name status ledger made text
	shift
	export NIGHTMAIL_CLOCK=fast=$speed
	while IFS='|' read -r name status ledger made text; do
		rm -rf state xdg results
		: >"$SERVER_LOG"
		a_desk --clock "fast=$speed" \
			--faults "$NM_SOURCE/tests/faults/$name.faults" || return 1
		variant0 --limit 40 "$@" || return 1
		[ ! -e "$RESULTS" ] || fits "$(ledger)" "$ledger" || {
			echo "$name: $(ledger)"
			return 1
		}
		[ "$STATUS" = "$status" ] &&
			{ [ -e "$RESULTS" ] || [ -z "$ledger" ]; } &&
			fits "$(made)" "$made" &&
			[[ $ERR$OUT == *"$text"* ]] || {
			echo "$name: $STATUS, $(made) made"
			return 1
		}
		stop_server
	done
}

fits() { # text pattern
	# shellcheck disable=SC2254 # it is a pattern
	case $1 in
	$2) ;;
	*) return 1 ;;
	esac
}

# Batches that are there, whoever lost the reply.
made() {
	logged '.method == "POST" and .path == "/v1/batches" and
		.batch_id != null'
}

@test "rows: all of them are accounted for" {
	play 20 --mode batch <<-'EOF'
	all-rows-failed-kaapi-723|1|asked=40 http_error=40 attempts=1|1|40 × 400 invalid_value
	cancelled-rows-llm-d-121|1|asked=40 answered=33 cancelled=7 attempts=1|1|
	counts-null|0|asked=40 answered=40 attempts=1|1|
	counts-wrong-curator-585|1|asked=40 answered=19 http_error=21 attempts=3|3|
	empty-file-id-kaibo-93|0|asked=40 answered=40 attempts=1|1|
	expired-rows-curator-226|0|asked=40 answered=40 attempts=2|2|7 of 40 are asked again
	failures-in-the-output-file-morph|1|asked=40 answered=35 http_error=5 attempts=3|3|
	model-not-in-batch-raif-525|1|asked=40 http_error=40 attempts=1|1|model_not_found
	rows-broken-chatlas-246|0|asked=40 answered=40 malformed=5 attempts=2|2|
	rows-doubled-and-unknown-accrue-47|0|asked=40 answered=40 unknown=2 duplicate=8 attempts=1|1|
	rows-in-prose|0|asked=40 answered=24 unparseable=16 attempts=1|1|--lenient
	rows-missing-instructor-2657|0|asked=40 answered=40 attempts=2|2|
	rows-refused-and-filtered|0|asked=40 answered=30 refused=9 unparseable=1 attempts=1|1|
	rows-shuffled-tidyllm-37|0|asked=40 answered=40 attempts=1|1|
	rows-truncated-inspect-evals-2473|0|asked=40 answered=34 truncated=6 attempts=1|1|
	rows-with-line-separators-modaic-188|0|asked=40 answered=40 attempts=1|1|
	some-rows-failed-openai-openapi-302|1|asked=40 answered=35 http_error=5 attempts=3|3|
	status-zero-rows-ellmer-830|0|asked=40 answered=40 attempts=2|2|
	EOF
}

@test "submission: once, whatever becomes of the replies" {
	play 20 --mode batch <<-'EOF'
	create-acts-and-says-500-ogx-3144|0|asked=40 answered=40 attempts=1|1|before it is sent again
	create-acts-list-lags|0|asked=40 answered=40 attempts=1|1|before it is sent again
	create-call-lost|0|asked=40 answered=40 attempts=1|1|before it is sent again
	create-reply-lost-qwen-code-11874|0|asked=40 answered=40 attempts=1|1|before it is sent again
	fails-after-creation-openai-python-1643|1||1|Model parameter is required.
	file-not-found-at-once-curator-116|0|asked=40 answered=40 attempts=1|1|
	key-refused|4||0|401
	list-without-has-more|0|asked=40 answered=40 attempts=1|1|
	no-money-left|4||0|exceeded your current quota
	storage-full-curator-189|4||0|file storage quota
	tokens-refused-with-nothing-enqueued-community-1027303|0|asked=40 answered=40 attempts=1|3|submitted again
	upload-413-by-a-proxy-curator-610|4||0|413
	upload-reply-lost|0|asked=40 answered=40 attempts=1|1|
	upload-too-large-curator-113|4||0|File is too large
	EOF
	[ "$(calls POST /v1/files)" = 1 ]
}

@test "waiting and fetching" {
	play 20 --mode batch <<-'EOF'
	batch-vanishes-tensorzero-1198|4||1|404
	download-404-at-first|0|asked=40 answered=40 attempts=1|1|not there yet
	download-always-cut|0|asked=40 answered=40 attempts=1|1|
	download-cut-no-ranges|0|asked=40 answered=40 attempts=1|1|
	download-cut-openai-java-649|0|asked=40 answered=40 attempts=1|1|
	download-too-long|0|asked=40 answered=40 attempts=1|1|
	every-call-429-once|0|asked=40 answered=40 attempts=1|1|
	every-call-5xx-without-retry-after|0|asked=40 answered=40 attempts=1|1|
	one-call-in-ten-lost|0|asked=40 answered=40 attempts=1|1|
	polls-502-openclaw-88238|0|asked=40 answered=40 attempts=1|1|
	EOF
}

@test "a service that is none: one line at the end" {
	play 2000 --mode batch --quiet <<-'EOF'
	answers-html|4||0|is not JSON
	never-answers|4||0|no whole reply
	EOF
}

@test "hours and days" {
	play 2000 --mode batch <<-'EOF'
	finalizing-long-litellm-37205|0|asked=40 answered=40 attempts=1|1|
	polls-502-for-an-hour|0|asked=40 answered=40 attempts=1|1|
	upload-hangs-curator-120|0|asked=40 answered=40 attempts=1|1|
	EOF
}

@test "a rate by the hour: the rest waits for it" {
	play 20000 --mode batch --shard-requests 10 <<-'EOF'
	create-429-by-the-hour-litellm-23901|0|asked=40 answered=40 attempts=1|4|
	EOF
}

@test "stuck for ever: the window ends it, and what was done is kept" {
	play 100000 --mode batch --max-attempts 1 <<-'EOF'
	batch-hangs-sglang-1415|0|asked=40 answered=40 attempts=1|1|expired
	finalizing-hangs-curator-287|0|asked=40 answered=40 attempts=1|1|
	EOF
}

@test "direct mode" {
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	play 20 --max-attempts 9 <<-'EOF'
	chat-rate-limited|0|asked=40 answered=40 attempts=*|0|
	every-call-429-once|0|asked=40 answered=40 attempts=*|0|
	key-refused|4||0|401
	no-money-left|4||0|exceeded your current quota
	retry-after-long-inspect-ai-5137|0|asked=40 answered=40 attempts=1|0|
	EOF
}

@test "ten per cent of everything" {
	play 20 --mode batch --max-attempts 9 <<-'EOF'
	ten-percent-of-everything|0|asked=40 answered=40*|*|
	EOF
}
