#!/usr/bin/env bats
# --max-cost holds whatever replies turn out to be: exactly where requests state a
# maximum, and as nearly as can be where they do not.
load lib
load client
load paying

RESULTS=results/variant0_llm_baseline_q.json

# By lot, and the same by the same seed: a script of so many replies of gpt-5-mini, each
# of LOW to HIGH tokens out, any factor between them as likely as any other; longer ones
# take longer to come. Of those one in TOP is as long as may be, and one in five is no
# answer.
lots() { # seed replies low high top
	awk -v seed="$1" -v n="$2" -v low="$3" -v high="$4" -v top="$5" '
		BEGIN {
			srand(seed)
			for (i = 0; i < n; i++) {
				l = int(exp(log(low) + rand() * log(high / low)))
				print (top && rand() < 1 / top ? high : l), \
					(top && i > 1 && rand() < .2), int(l * 60 / high)
			}
		}' | jq -Rr 'split(" ") | map(tonumber) as [$tokens, $mute, $ms] |
		{id: "c", object: "chat.completion", model: "gpt-5-mini", choices: [
			{index: 0, finish_reason: "stop", message: {role: "assistant",
			content: (if $mute == 1 then "I do not know"
				else "{\"answers\": [\"Heat\"]}" end)}}],
		usage: {prompt_tokens: 100, completion_tokens: $tokens,
			total_tokens: ($tokens + 100)}} |
		"on POST /v1/chat/completions nth \(input_line_number): delay " +
		"\($ms)ms status 200 body \(@json | @json)"'
}

questions() { # n
	local i
	for ((i = 0; i < $1; i++)); do
		echo "who directed [Film $i]	Somebody"
	done >q.txt
}

# What the replies told that they took is no more than that, in picodollars.
spent_at_most() { # usd
	jq -e --argjson most "$1" '.run.spent.cost_usd <= $most' "$RESULTS"
}

@test "direct: replies of which some are ten times as long end it under the ceiling" {
	local seed
	questions 60
	for seed in 3 4 5; do
		lots "$seed" 180 1000 10000 0 >lots.txt
		restart_fresh lots.txt
		# Sixty of 2,000 tokens are $0.24.
		variant0 --datasets q.txt --max-cost 0.28
		[ "$STATUS" = 1 ]
		tells 'not sent: it could cost '
		spent_at_most 0.28
		# And not for want of trying.
		jq -e '.run.spent.cost_usd > 0.14' "$RESULTS"
	done
}

restart_fresh() { # faults server-option...
	local script=$1
	shift
	rm -rf "$XDG_STATE_HOME" results
	[ -z "$SERVER_PID" ] || stop_server
	SERVER_PID=
	rm -rf "$STATE"
	: >"$SERVER_LOG"
	a_desk --faults "$script" "$@"
}

# The most that so many replies of 5,000 tokens may cost, as the refusal tells it.
most_of() { # option...
	variant0 "$@" --max-cost 0.000001
	[ "$STATUS" = 2 ]
	MOST=$(sed -n 's/.*it could cost \$\([0-9.]*\), above.*/\1/p' err.txt)
	[ -n "$MOST" ]
}

@test "a stated maximum is reserved as it stands, to the last digit: direct and by batch" {
	local mode
	questions 12
	lots 1 99 5000 5000 0 | sed 's/I do not know/{\\\\\\"answers\\\\\\": []}/' \
		>lots.txt
	for mode in direct batch; do
		restart_fresh lots.txt
		[ $mode = direct ] || through_upstream
		local all=(--mode "$mode" --datasets q.txt --max-output-tokens 5000)
		most_of "${all[@]}"
		variant0 "${all[@]}" --max-cost "$(jq -n "$MOST - 1e-10")"
		[ "$STATUS" = 2 ]
		[ "$(calls POST '.*')" = 0 ]
		variant0 "${all[@]}" --max-cost "$MOST"
		[ "$STATUS" = 0 ]
		[ $mode = direct ] || RESULTS=${RESULTS%.json}_batch.json
		spent_at_most "$MOST"
		jq -e '.run.spent.replies == 12 and
			.run.spent.output_tokens == 60000' "$RESULTS"
	done
}

# The server of lots.txt behind another that has the batches.
through_upstream() { # server-option...
	UPSTREAM_PID=$SERVER_PID
	local upstream=$BASE_URL
	STATE=$BATS_TEST_TMPDIR/desk
	rm -rf "$STATE"
	a_desk --upstream "$upstream" --concurrency 8 "$@"
}

upstream_down() {
	kill -TERM "$UPSTREAM_PID"
	wait "$UPSTREAM_PID" || true
	UPSTREAM_PID=
	STATE=$BATS_TEST_TMPDIR/state
}

@test "a stated maximum: no length of replies passes the ceiling, by any way" {
	local seed
	RESULTS=results/variant0_llm_baseline_q_batch.json
	questions 12
	faults 'rows 20% seed 3: http_error 500'
	for seed in 1 2 3 4; do
		lots "$seed" 99 50 5000 3 >lots.txt
		restart_fresh lots.txt
		through_upstream --faults "$FAULTS"
		local all=(--mode batch --datasets q.txt --max-output-tokens
			5000 --poll-interval 0.2 --reask 2 --max-attempts 4
			--shard-requests 5 --canary $((seed % 3)))
		[ $((seed % 2)) = 0 ] || all+=(--finish-direct)
		most_of "${all[@]}"
		local usd=$(jq -n "$MOST * (100 + 5 * $seed) / 100 |
			. * 1e9 | floor | . / 1e9")
		variant0 "${all[@]}" --lenient --max-cost "$usd"
		spent_at_most "$usd"
		lacks err.txt 'more than --max-cost'
		upstream_down
	done
}

@test "a refusal tells what a reply counts as, and what would do" {
	questions 20
	lots 1 99 300 300 0 >lots.txt
	restart_fresh lots.txt
	variant0 --datasets q.txt --max-cost 0.001
	[ "$STATUS" = 2 ]
	tells 'while a reply counts as 2000 tokens until some came; --max-output-tokens bounds it'
	variant0 --datasets q.txt --max-output-tokens 900 --max-cost 0.001
	[ "$STATUS" = 2 ]
	tells 'while a reply counts as the 900 tokens of --max-output-tokens'
	through_upstream
	variant0 --mode batch --datasets q.txt --canary 1 --max-cost 0.045
	[ "$STATUS" = 0 ]
	# One long reply alone: five times that may come.
	echo "on POST /v1/chat/completions: status 200 body $(reply gpt-5-mini \
		'{"answers": ["Heat"]}' | sed 's/1000000/1500/g')" >lots.txt
	upstream_down
	stop_server
	restart_fresh lots.txt
	through_upstream
	variant0 --mode batch --datasets q.txt --canary 1 --max-cost 0.1
	[ "$STATUS" = 2 ]
	tells 'while a reply counts as 7500 tokens by the 1 that came; --max-output-tokens, or a larger --canary with --new, tells more'
	[ "$(calls POST /v1/batches)" = 0 ]
}

# ---- batches that wait for others ----

@test "batches that wait are not sent when the first show that they cost too much" {
	RESULTS=results/variant0_llm_baseline_q_batch.json
	questions 6
	lots 1 99 5000 5000 0 | sed 's/I do not know/{\\\\\\"answers\\\\\\": []}/' \
		>lots.txt
	restart_fresh lots.txt
	faults 'quota requests 2'
	through_upstream --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=50
	local all=(--mode batch --datasets q.txt --shard-requests 2
		--poll-interval 0.2)
	# By the guess of 2,000 tokens a reply all six are $0.012 and the prompts.
	variant0 "${all[@]}" --max-cost 0.0135
	[ "$STATUS" = 1 ]
	tells '2 of 3 batches are not sent; those that were are waited for'
	tells 'while sending the other 2 of 3 batches'
	tells 'again with a higher --max-cost'
	[ "$(ledger)" = 'asked=6 answered=2 missing=4 attempts=1' ]
	[ "$(jq .run.spent.output_tokens "$RESULTS")" = 10000 ]
	variant0 "${all[@]}" --max-cost 0.0135
	[ "$STATUS" = 2 ]
	variant0 "${all[@]}" --max-cost 0.1
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
	[ "$(jq .run.spent.output_tokens "$RESULTS")" = 30000 ]
}

@test "batches that wait are sent where no reply was longer than was guessed" {
	RESULTS=results/variant0_llm_baseline_q_batch.json
	questions 6
	lots 1 99 1900 1900 0 >lots.txt
	restart_fresh lots.txt
	faults 'quota requests 2'
	through_upstream --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=50
	variant0 --mode batch --datasets q.txt --shard-requests 2 \
		--poll-interval 0.2 --max-cost 0.0125
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
}

# ---- what was killed ----

die_when() { # command... ; ALL
	variant0_llm_baseline "${ALL[@]}" >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_for 20 "$@"
	kill -9 $pid
	wait $pid || true
}

@test "what was begun under a ceiling and died goes on under it: direct" {
	questions 60
	lots 1 99 1500 1500 0 >fine.txt
	{
		echo 'on POST /v1/chat/completions nth 8..: hang'
		cat fine.txt
	} >lots.txt
	restart_fresh lots.txt
	# Sixty of 2,000 tokens are $0.24, and what flew at the death may be paid for twice.
	ALL=(--datasets q.txt --max-cost 0.4)
	die_when journalled 7
	cp fine.txt lots.txt
	call POST /_control/faults
	variant0 "${ALL[@]}"
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=60 answered=60 attempts=1' ]
}

@test "what was begun under a ceiling and died goes on under it: by batch" {
	RESULTS=results/variant0_llm_baseline_q_batch.json
	questions 6
	lots 1 99 1900 1900 0 | sed 's/I do not know/{\\\\\\"answers\\\\\\": []}/' \
		>lots.txt
	restart_fresh lots.txt
	faults 'quota requests 2' 'in_progress 1s'
	through_upstream --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=50
	ALL=(--mode batch --datasets q.txt --shard-requests 2 --poll-interval 0.2
		--max-cost 0.0125)
	one_is_here() { batch_manager --runs --json | grep -q '"collected": true'; }
	die_when one_is_here
	variant0 "${ALL[@]}"
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=1' ]
}

# ---- what was passed, and what may have been paid for ----

@test "a ceiling that was passed is told in a line, and why" {
	RESULTS=results/variant0_llm_baseline_1-hop-test_batch.json
	a_paying_desk gpt-5-mini ''
	# By the guess two replies are $0.004; each took $1.125.
	run_batch 2 --max-cost 1
	[ "$STATUS" = 0 ]
	tells 'this cost $2.2500, more than --max-cost $1.0000: replies were longer than those before them let expect'
	run_batch 2 --max-output-tokens 900 --max-cost 1
	[ "$STATUS" = 0 ]
	tells 'replies were longer than --max-output-tokens: the service does not heed it'
	run_batch 2 --max-cost 3 --new
	lacks err.txt 'this cost'
}

@test "direct: a reply that was lost may be paid for, and another beside it" {
	questions 1
	{
		echo 'on POST /v1/chat/completions nth 1: act then lose reply'
		lots 1 9 100 100 0
	} >lots.txt
	restart_fresh lots.txt
	local all=(--datasets q.txt --max-output-tokens 1000)
	most_of "${all[@]}"
	variant0 "${all[@]}" --max-cost "$MOST"
	[ "$STATUS" = 1 ]
	tells "not sent: it could cost \$$MOST beside the \$$MOST spent or in flight"
	[ "$(calls POST /v1/chat/completions)" = 1 ]
	# Another process knows of it too.
	variant0 "${all[@]}" --max-cost "$MOST"
	[ "$STATUS" = 2 ]
	tells "not sent: it could cost \$$MOST beside the \$$MOST spent or in flight"
	variant0 "${all[@]}" --max-cost "$(jq -n "$MOST * 2")"
	[ "$STATUS" = 0 ]
}

# Replies that say so, and tell this of what they took.
replies_that_tell() { # content usage
	echo "on POST /v1/chat/completions: status 200 body $(jq -n --arg content \
		"$1" --argjson usage "$2" '{id: "c", object: "chat.completion",
		model: "gpt-5-mini", choices: [{index: 0, finish_reason: "stop",
		message: {role: "assistant", content: $content}}], usage: $usage} |
		@json | @json' -r)" >lots.txt
}

@test "replies that do not tell what they took count as what they may have taken" {
	local mode usage
	questions 5
	for usage in 'direct null' 'batch null' 'direct {"prompt_tokens":9}' \
		'direct {"completion_tokens":9}'; do
		mode=${usage%% *}
		replies_that_tell 'I do not know' "${usage#* }"
		restart_fresh lots.txt
		[ $mode = direct ] || through_upstream
		local all=(--mode "$mode" --datasets q.txt --reask 3
			--max-output-tokens 1000)
		most_of "${all[@]}"
		local usd=$(jq -n "$MOST * 3 / 2")
		variant0 "${all[@]}" --max-cost "$usd"
		[ "$STATUS" = 1 ]
		tells "beside the \$$MOST spent or in flight"
		# Nor does the next process take them for nothing.
		: >"$SERVER_LOG"
		variant0 "${all[@]}" --max-cost "$usd"
		[ "$STATUS" = 1 ]
		tells "beside the \$$MOST spent or in flight"
		[ "$(calls POST '.*')" = 0 ]
	done
}

@test "of a reply that tells half of what it took no half is told, nor made up" {
	questions 2
	local reply half class
	for reply in '{"answers": ["Heat"]}' 'I do not know'; do for half in \
		'{"prompt_tokens":9}' '{"completion_tokens":9}'; do
		class=answered
		[ "$reply" != 'I do not know' ] || class=unparseable
		replies_that_tell "$reply" "$half"
		restart_fresh lots.txt
		variant0 --datasets q.txt
		[ "$STATUS" = 0 ]
		RESULTS=$(echo results/runs/*.json)
		[ "$(result '[.results[] | [.class, .usage, .cost_usd]] |
			unique | @json')" = "[[\"$class\",null,null]]" ]
		[ "$(result '[.run.usage, .metrics.total_cost_usd] | @json')" = \
			'[null,null]' ]
		grep -q 'unknown: no reply tells a whole usage$' out.txt
	done; done
}

@test "direct: one question that is refused for the moment, again and again, holds no other back" {
	questions 20
	{
		echo 'on POST /v1/chat/completions nth 1..6: status 429' \
			'header "Retry-After: 3600"'
		lots 1 99 100 100 0
	} >lots.txt
	restart_fresh lots.txt
	NIGHTMAIL_CLOCK=fast=200 variant0 --datasets q.txt --max-cost 1
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=20 answered=20 attempts=1' ]
}

@test "a reply without a price is the last of all that the command asks" {
	echo "on POST /v1/chat/completions: status 200 body $(reply who \
		'{"answers": ["Heat"]}')" >lots.txt
	restart_fresh lots.txt
	questions 5
	sed 's/Film/Book/' q.txt >b.txt
	variant0 --datasets q.txt b.txt --max-cost 100
	[ "$STATUS" = 1 ]
	tells 'the model that replied to gpt-5-mini has no price'
	tells 'To have the rest asked, run the same command again with --prices that name what the model costs.'
	[ "$(calls POST /v1/chat/completions)" = 1 ]
}
