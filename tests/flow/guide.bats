#!/usr/bin/env bats
# The guide that users have in hand, command by command: a server in a process
# of its own, and --local, where three processes share a state folder.
load lib
load client

# The block as the guide shows it; flags: what the run's own commands carry.
block() { # id flags
	cat <<-EOF
	$RULE
	DRY-RUN MODE: Batch created successfully!
	Batch ID: $1
	$RULE

	To resume and wait for this batch, run:
	  variant0_llm_baseline --mode batch --batch-id $1$2

	To check batch status manually, use:
	  batch_manager --status $1$2
	$RULE
	EOF
}

@test "dry run: the guide's block, at once, and one batch" {
	# In this state for long, so that nothing can have waited for its end.
	a_desk --delay-validating 1000
	variant0 --mode batch --limit 5 --dry-run
	[ "$STATUS" = 0 ]
	local id
	id=$(ids_of "$OUT")
	[[ $id == batch_* ]]
	[ "$OUT" = "$(block "$id" '')" ]
	[ -z "$ERR" ]
	[ "$(calls POST /v1/files)" = 1 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(calls GET '.*')" = 0 ]
	[ ! -e "$RESULTS" ]
	call GET "/v1/batches/$id"
	[ "$(member '.metadata | [.description, .num_questions, .dataset,
		.limit, .shard, .attempt] | join(",")')" = \
		'Variant0 - 1-hop-test,5,1-hop-test,5,1,1' ]
	[ "$(member '.metadata | length <= 16 and (map(length) | max) <= 512
		and (keys | map(length) | max) <= 64')" = true ]
	[ "$(member '.metadata | (.run | length > 0) and
		(.dataset_digest | test("^[0-9a-f]{64}$")) and
		(.prompt_digest | test("^[0-9a-f]{64}$")) and
		(.program | test("^nightmail [0-9.]+$"))')" = true ]
}

@test "dry run: what is uploaded is five requests of the contract" {
	a_desk
	variant0 --mode batch --limit 5 --dry-run --model gpt-x \
		--max-output-tokens 77
	[ "$STATUS" = 0 ]
	call GET "/v1/files/$(jq -r 'select(.path == "/v1/files").file_id' \
		"$SERVER_LOG")/content"
	[ "$(jq -r .custom_id "$BODY" | paste -sd' ')" = \
		'request-0 request-1 request-2 request-3 request-4' ]
	[ "$(jq -r '[.method, .url, .body.model, .body.max_completion_tokens,
		.body.response_format.type] | join(" ")' "$BODY" | sort -u)" = \
		'POST /v1/chat/completions gpt-x 77 json_object' ]
	# Each asks its own question, as it stands in the file.
	local question
	while IFS=$'\t' read -r question _; do
		jq -r '.body.messages[].content' "$BODY" |
			grep -qF "$question" || return 1
	done < <(head -5 "$SAMPLE")
}

@test "retrieve: named by its id alone, waited for, scored, saved" {
	a_desk --answer-key "$SAMPLE"
	variant0 --mode batch --limit 5 --dry-run
	local id
	id=$(ids_of "$OUT")
	variant0 --mode batch --batch-id "$id" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[[ $OUT == *"Results saved to: $RESULTS"* ]]
	[[ $OUT == *'SIMULATED MODEL'* ]]
	[[ $OUT == *'sample questions, not MetaQA'* ]]
	[[ $OUT == *'Ledger: 5 asked: 5 answered'* ]]
	[ "$(result 'keys_unsorted | join(" ")')" = "variant_name \
dataset_name model mode status metrics ledger run results" ]
	[ "$(result '[.variant_name, .dataset_name, .mode, .status] |
		join(" ")')" = \
		'variant0_llm_baseline 1-hop-test batch completed' ]
	[ "$(result '[.results[].question_id] | join(" ")')" = '0 1 2 3 4' ]
	[ "$(result '.results[0].question_text')" = \
		"$(head -1 "$SAMPLE" | cut -f1)" ]
	[ "$(result '.results[0].ground_truth_answers | join("|")')" = \
		"$(head -1 "$SAMPLE" | cut -f2)" ]
	[ "$(result '.metrics | .total_questions == 5 and .accuracy ==
		.correct_answers / 5 and .total_correct_answers > 0 and
		(.count_perfect + .count_complete_with_hallucinations +
		.count_partial + .count_hallucination_only + .count_failed) ==
		5')" = true ]
	[ "$(result '.run.batches[0].id')" = "$id" ]
	[ "$(result .run.simulated)" = true ]
	# Sent once, by the first process.
	[ "$(calls POST /v1/files)" = 1 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	# The run's own file and the raw replies are beside it.
	cmp "$RESULTS" results/runs/1-hop-test_batch_*.json
	[ "$(result '.run.raw | length')" = 1 ]
	[ "$(jq -r .custom_id "$(result '.run.raw[0]')" | wc -l)" = 5 ]
}

@test "retrieve again: a scored batch is scored anew, nothing is sent" {
	a_desk
	run_batch 3
	[ "$STATUS" = 0 ]
	local id first
	id=$(result '.run.batches[0].id')
	first=$(result '[.metrics.accuracy, .results]')
	variant0 --mode batch --batch-id "$id"
	[ "$STATUS" = 0 ]
	[ "$(result '[.metrics.accuracy, .results]')" = "$first" ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "waiting: in one go, its states told on plain lines" {
	a_desk
	run_batch 5
	[ "$STATUS" = 0 ]
	[[ $ERR == *'validating: 0 of 5'* ]]
	[[ $ERR == *'completed: 5 of 5 (100.0 %)'* ]]
	[[ $OUT != *$'\r'* && $ERR != *$'\r'* && $ERR != *$'\e'* ]]
	[ "$(result .ledger.answered)" = 5 ]
}

@test "waiting: polls begin at once and their pause grows" {
	a_desk --delay-in-progress 2
	variant0 --mode batch --limit 2
	[ "$STATUS" = 0 ]
	local polls
	polls=$(jq -s '[.[] | select(.method == "GET" and
		(.path | test("^/v1/batches/")))] | [.[].at_ms] |
		[.[1:], .[:-1]] | transpose | map(.[0] - .[1])' "$SERVER_LOG")
	# A batch of two seconds does not wait out thirty.
	[ "$(jq 'length >= 3 and length <= 12 and .[0] < 1000 and
		.[-1] > .[0]' <<<"$polls")" = true ]
}

@test "quiet: results on stdout, nothing on stderr" {
	a_desk
	run_batch 2 --quiet
	[ "$STATUS" = 0 ]
	[ -z "$ERR" ]
	[[ $OUT == *'Results saved to:'* ]]
}

@test "several datasets: one batch and one block each, in their order" {
	a_desk
	variant0 --mode batch --datasets 1-hop 2-hop --limit 10 --dry-run
	[ "$STATUS" = 0 ]
	[ "$(ids_of "$OUT" | wc -l)" = 2 ]
	[ "$(grep -c '^DRY-RUN MODE: Batch created successfully!$' out.txt)" = 2 ]
	[ "$(sed -n 's/^Dataset: //p' out.txt | paste -sd' ')" = \
		'1-hop-test 2-hop-test' ]
	[ "$(calls POST /v1/batches)" = 2 ]
	# All blocks' ids at once, and one summary over both.
	local ids
	mapfile -t ids < <(ids_of "$OUT")
	variant0 --mode batch --batch-id "${ids[@]}" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(jq .metrics.total_questions \
		results/variant0_llm_baseline_{1,2}-hop-test_batch.json |
		paste -sd' ')" = '10 10' ]
	[ "$(grep -c '^Results saved to' out.txt)" = 2 ]
	[ "$(calls POST /v1/batches)" = 2 ]
}

@test "all three datasets, waited for in one go" {
	a_desk
	run_batch 4 --datasets 1-hop 2-hop 3-hop --quiet
	[ "$STATUS" = 0 ]
	local hop
	for hop in 1 2 3; do
		RESULTS=results/variant0_llm_baseline_$hop-hop-test_batch.json
		[ "$(result '[.results[].question_id] | join(" ")')" = '0 1 2 3' ]
	done
	[ "$(calls POST /v1/batches)" = 3 ]
}

@test "the same command again: the same block, and a word; --new: another" {
	a_desk
	variant0 --mode batch --limit 3 --dry-run
	local first=$OUT id
	id=$(ids_of "$OUT")
	variant0 --mode batch --limit 3 --dry-run
	[ "$STATUS" = 0 ]
	[ "$OUT" = "$first" ]
	says 'unfinished: taking it up (--new submits afresh)'
	[ "$(calls POST /v1/batches)" = 1 ]
	# The size of the shards is not what is asked: nothing is paid twice for it.
	variant0 --mode batch --limit 3 --dry-run --shard-requests 2
	[ "$OUT" = "$first" ]
	[[ $ERR == *'--shard-requests 2 comes too late'* ]]
	[ "$(calls POST /v1/batches)" = 1 ]
	# Another limit, model or prompt is another run.
	variant0 --mode batch --limit 4 --dry-run
	[ "$(ids_of "$OUT")" != "$id" ]
	variant0 --mode batch --limit 3 --model other --dry-run
	[ "$(ids_of "$OUT")" != "$id" ]
	variant0 --mode batch --limit 3 --dry-run --new
	[ "$STATUS" = 0 ]
	[ -z "$ERR" ]
	[ "$(ids_of "$OUT")" != "$id" ]
	[ "$(calls POST /v1/batches)" = 4 ]
}

@test "the finished run is not taken up: the same command sends anew" {
	a_desk
	run_batch 2
	run_batch 2
	[ "$STATUS" = 0 ]
	[[ $ERR != *'taking it up'* ]]
	[ "$(calls POST /v1/batches)" = 2 ]
	[ "$(ls results/runs/*.json | wc -l)" = 2 ]
}

@test "a small run does not destroy the file of a larger one" {
	a_desk
	run_batch 6
	cp "$RESULTS" larger.json
	run_batch 2
	[ "$(result .metrics.total_questions)" = 2 ]
	local file kept=
	for file in results/runs/*.json; do
		! cmp -s "$file" larger.json || kept=1
	done
	[ -n "$kept" ]
}

@test "json: of a dry run, and of results" {
	a_desk
	variant0 --mode batch --datasets 1-hop 3-hop --limit 2 --dry-run --json
	[ "$STATUS" = 0 ]
	[ "$(jq -r '[.dry_run, (.runs | length)] | @json' out.txt)" = '[true,2]' ]
	[ "$(jq -r '.runs[] | "\(.dataset) \(.taken_up) \(.waiting)"' \
		out.txt | paste -sd,)" = \
		'1-hop-test false 0,3-hop-test false 0' ]
	[ "$(jq -r '.runs[0] | .resume == "variant0_llm_baseline --mode batch" +
		" --batch-id " + .batches[0] and .status ==
		"batch_manager --status " + .batches[0]' out.txt)" = true ]
	variant0 --mode batch --batch-id "$(jq -r '.runs[1].batches[0]' \
		out.txt)" --json --quiet --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(jq -r '[.status, .datasets[0].dataset_name,
		.datasets[0].metrics.total_questions] | join(" ")' out.txt)" = \
		'completed 3-hop-test 2' ]
	[ -e "$(jq -r '.datasets[0].path' out.txt)" ]
	[ -e "$(jq -r '.datasets[0].run_path' out.txt)" ]
}

@test "direct: at once, at the path without _batch" {
	a_desk --answer-key "$SAMPLE"
	variant0 --mode direct --limit 5
	[ "$STATUS" = 0 ]
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$(result '[.mode, .status, .ledger.answered] | join(" ")')" = \
		'direct completed 5' ]
	[ "$(result '[.results[].question_id] | join(" ")')" = '0 1 2 3 4' ]
	[ "$(calls POST /v1/chat/completions)" = 5 ]
	[ "$(calls POST /v1/batches)" = 0 ]
	# It is the default mode.
	variant0 --limit 1 --quiet
	[ "$STATUS" = 0 ]
	[ "$(result .mode)" = direct ]
}

@test "both modes ask the same and score the same" {
	a_desk --answer-key "$SAMPLE"
	run_batch 20
	local batch
	batch=$(result '.results[] |
		[.question_id, .predicted_answers, .metadata.answer_category]')
	variant0 --limit 20
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$(result '.results[] | [.question_id, .predicted_answers,
		.metadata.answer_category]')" = "$batch" ]
}

@test "shards: one run over several batches, one id finds its sisters" {
	a_desk
	variant0 --mode batch --limit 7 --shard-requests 3 --dry-run
	[ "$STATUS" = 0 ]
	[ "$(ids_of "$OUT" | wc -l)" = 3 ]
	variant0 --mode batch --batch-id "$(ids_of "$OUT" | tail -1)" \
		--poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=7 answered=7 attempts=1' ]
	[ "$(result '[.results[].question_id] | join(" ")')" = '0 1 2 3 4 5 6' ]
	[ "$(result '[.run.batches[].requests] | join(" ")')" = '3 3 1' ]
}

@test "sample and seed: a choice, the same in both modes and when resumed" {
	a_desk
	variant0 --mode batch --sample 5 --seed 7 --dry-run
	variant0 --mode batch --batch-id "$(ids_of "$OUT")" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	local chosen
	chosen=$(result '[.results[].question_id] | join(" ")')
	[ "$(wc -w <<<"$chosen")" = 5 ]
	[ "$chosen" != '0 1 2 3 4' ]
	variant0 --sample 5 --seed 7
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$(result '[.results[].question_id] | join(" ")')" = "$chosen" ]
	variant0 --sample 5 --seed 8
	[ "$(result '[.results[].question_id] | join(" ")')" != "$chosen" ]
}

@test "a prompt of one's own goes with the batch" {
	a_desk
	printf 'Tell me, please: {question}\nIn JSON.\n' >prompt.txt
	variant0 --mode batch --limit 2 --prompt prompt.txt --dry-run
	[ "$STATUS" = 0 ]
	rm prompt.txt
	variant0 --mode batch --batch-id "$(ids_of "$OUT")" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	call GET "/v1/files/$(jq -r 'select(.path == "/v1/files").file_id' \
		"$SERVER_LOG")/content"
	[[ $(jq -rs '.[0].body.messages[-1].content' "$BODY") == \
		'Tell me, please: '* ]]
}

@test "local: dry run and retrieval are two processes over one folder" {
	ln -s "$NM_SOURCE/data" data
	variant0 --local --mode batch --limit 5 --dry-run
	[ "$STATUS" = 0 ]
	local id
	id=$(ids_of "$OUT")
	[ "$OUT" = "$(block "$id" ' --local')" ]
	variant0 --mode batch --batch-id "$id" --local --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[[ $OUT == *'SIMULATED MODEL'* ]]
	# The dataset served as answer key: some are right.
	[ "$(result '.metrics.total_correct_answers > 0')" = true ]
}

@test "local: needs no key, direct mode too" {
	ln -s "$NM_SOURCE/data" data
	unset OPENAI_API_KEY OPENAI_BASE_URL
	variant0 --local --limit 4 --quiet
	[ "$STATUS" = 0 ]
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
}

@test "an endpoint option is carried in the printed commands" {
	a_desk
	unset OPENAI_BASE_URL
	variant0 --mode batch --limit 1 --dry-run --base-url "$BASE_URL"
	[ "$STATUS" = 0 ]
	[ "$OUT" = "$(block "$(ids_of "$OUT")" " --base-url $BASE_URL")" ]
	local command
	command=$(grep '^  variant0' out.txt)
	# As printed, word by word.
	# shellcheck disable=SC2086
	variant0 ${command#  variant0_llm_baseline} --poll-interval 0.2
	[ "$STATUS" = 0 ]
}

@test "called by a path, the commands carry it" {
	a_desk
	bounded "$NM_BUILD/src/prog/variant0_llm_baseline" --mode batch \
		--limit 1 --dry-run
	[ "$STATUS" = 0 ]
	local id
	id=$(ids_of "$OUT")
	grep -qxF "  $NM_BUILD/src/prog/batch_manager --status $id" out.txt
	grep -qxF "  $NM_BUILD/src/prog/variant0_llm_baseline --mode batch\
 --batch-id $id" out.txt
}

@test "no key: one line that names both ways out" {
	ln -s "$NM_SOURCE/data" data
	unset OPENAI_API_KEY OPENAI_BASE_URL
	variant0 --mode batch --limit 1 --dry-run
	[ "$STATUS" = 2 ]
	says 'OPENAI_API_KEY'
	says '--local'
}

@test "a key from .env; it reaches no file and no message" {
	a_desk
	unset OPENAI_API_KEY
	echo 'OPENAI_API_KEY=sk-secret-in-dotenv' >.env
	run_batch 2
	[ "$STATUS" = 0 ]
	rm .env
	[ -z "$(grep -rl sk-secret-in-dotenv .)" ]
}

@test "a model from .env, unless the environment or an option names one" {
	a_desk
	echo 'OPENAI_MODEL=gpt-4.1-mini' >.env
	local named model
	while read -r named model; do
		# shellcheck disable=SC2086 # an option and its value
		OPENAI_MODEL=${named%-} variant0 --estimate --limit 1 --json $model
		[ "$STATUS" = 0 ]
		jq -r '.datasets[].model' out.txt
	done >models.txt <<-'END'
		-
		gpt-4.1-nano
		gpt-4.1-nano --model gpt-5
	END
	[ "$(grep '^gpt' models.txt | paste -sd' ')" = \
		'gpt-4.1-mini gpt-4.1-nano gpt-5' ]
	run_batch 1
	[ "$(result .model)" = simulated-gpt-4.1-mini ]
	echo 'gpt-4.1-mini' >.env
	variant0 --estimate --limit 1
	[ "$STATUS" = 3 ]
	says '.env:1: not a setting'
}

@test "a terminal asks before more than a dollar; --yes answers" {
	command -v script >/dev/null || skip "no script(1)"
	a_desk
	yes 'who directed [Some Film]	Somebody' | head -9000 >many.txt
	local command='variant0_llm_baseline --mode batch --datasets many.txt'
	command+=' --dry-run --model gpt-5-pro'
	: >screen.txt
	# The answer comes when the question stands there: script(1) leaves early
	# when its own input ends early.
	{
		wait_for 20 grep -q 'estimated to cost' screen.txt
		echo n
	} | script -qec "$command" /dev/null >screen.txt || true
	grep -q 'estimated to cost' screen.txt
	grep -q 'nothing of it was sent' screen.txt
	[ "$(calls POST '.*')" = 0 ]
	: >screen.txt
	wait_for 20 grep -q 'Batch ID' screen.txt |
		script -qec "$command --yes" /dev/null >screen.txt
	lacks screen.txt "estimated to cost"
	[ "$(calls POST /v1/batches)" = 1 ]
}

# ---- batch_manager, as the guide has it ----

status_is() { # id status option...
	manager --status "$1" "${@:3}" && [ "$STATUS" = 0 ] &&
		grep -qw "$2" out.txt
}

# Dry run, status, list, retrieve: each in a process of its own.
walk_the_guide() { # option...
	variant0 --mode batch --limit 5 --dry-run "$@"
	[ "$STATUS" = 0 ]
	local id
	id=$(ids_of "$OUT")
	manager --status "$id" "$@"
	[ "$STATUS" = 0 ]
	[[ $OUT == *"$id"* ]]
	wait_for 10 status_is "$id" completed "$@"
	# What to do next is told, as it has to be typed.
	grep -qF -- "variant0_llm_baseline --mode batch --batch-id $id$*" out.txt ||
		grep -qF -- "variant0_llm_baseline --mode batch --batch-id $id $*" \
			out.txt
	manager --list "$@"
	[ "$STATUS" = 0 ]
	[[ $OUT == *"$id"*'Variant0 - 1-hop-test'* ]]
	manager --list --limit 20 "$@"
	[ "$STATUS" = 0 ]
	variant0 --mode batch --batch-id "$id" "$@"
	[ "$STATUS" = 0 ]
	[[ $OUT == *"Results saved to: $RESULTS"* ]]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	manager --cancel "$id" "$@"
	[ "$STATUS" = 1 ]
	[[ $OUT$ERR == *'already completed'* ]]
	manager --status batch_nope "$@"
	[ "$STATUS" = 4 ]
}

@test "the guide from end to end, against a server" {
	a_desk
	walk_the_guide
}

@test "the guide from end to end, with --local" {
	ln -s "$NM_SOURCE/data" data
	unset OPENAI_API_KEY OPENAI_BASE_URL
	walk_the_guide --local
}

@test "cancel, then retrieve: what was finished is kept" {
	a_desk --delay-in-progress 1000
	variant0 --mode batch --limit 3 --dry-run
	local id
	id=$(ids_of "$OUT")
	wait_for 10 status_is "$id" in_progress
	manager --cancel "$id"
	[ "$STATUS" = 0 ]
	[[ $OUT$ERR == *kept* ]]
	wait_for 10 status_is "$id" cancelled
	variant0 --mode batch --batch-id "$id" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[[ $ERR == *'was cancelled'* ]]
	[ "$(result .ledger.answered)" = 3 ]
}

@test "status of a failed batch: its errors, by line" {
	faults 'fail invalid_json_line "This line is not JSON." line 3'
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 5 --dry-run
	local id
	id=$(ids_of "$OUT")
	wait_for 10 status_is "$id" failed
	[[ $OUT == *invalid_json_line* ]]
	[[ $OUT == *'line 3'* ]]
}
