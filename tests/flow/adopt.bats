#!/usr/bin/env bats
# Batches that this machine's journal does not know: made by older scripts, by
# another machine, or before the journal was lost.
load lib
load client

# As the older scripts did: the first n questions, request-0 and on.
old_batch() { # n metadata [dataset]
	local file=${3:-$SAMPLE}
	head -"$1" "$file" | cut -f1 | jq -Rc --slurp 'split("\n") | .[:-1] |
		to_entries[] | {custom_id: "request-\(.key)", method: "POST",
		url: "/v1/chat/completions", body: {model: "gpt-4o-mini",
		messages: [{role: "user", content: .value}]}}' >old.jsonl
	upload old.jsonl
	create_batch "$FILE_ID" -d '{"input_file_id":"'"$FILE_ID"'",
		"endpoint":"/v1/chat/completions","completion_window":"24h",
		"metadata":'"$2"'}'
	MADE=$(calls POST '.*')
}

create_batch() { # file-id -d body
	call POST /v1/batches "${@:2}"
	[ "$STATUS" = 200 ]
	BATCH_ID=$(member .id)
}

nothing_made() {
	[ "$(calls POST '.*')" = "$MADE" ]
}

adopt() { # option...
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2 "$@"
}

@test "an older script's batch: told by its description" {
	a_desk --answer-key "$SAMPLE"
	old_batch 7 '{"description":"Variant0 - 1-hop-test","num_questions":"7"}'
	adopt
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=7 answered=7 attempts=1' ]
	[ "$(result .dataset_name)" = 1-hop-test ]
	[ "$(result '.results[6].question_text')" = \
		"$(sed -n 7p "$SAMPLE" | cut -f1)" ]
	[ "$(result '.metrics.total_correct_answers > 0')" = true ]
	nothing_made
	# And again: the same.
	adopt
	[ "$STATUS" = 0 ]
	nothing_made
}

@test "adopt: --clean leaves the files of a batch that was made elsewhere" {
	a_desk
	old_batch 3 '{"description":"Variant0 - 1-hop-test","num_questions":"3"}'
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	manager --clean --older-than 0 --yes
	[ "$OUT" = 'There is nothing to delete.' ]
	[ "$(calls DELETE '/v1/files/.*')" = 0 ]
}

@test "the other datasets too" {
	a_desk
	old_batch 4 '{"description":"Variant0 - 3-hop-test","num_questions":"4"}' \
		"$NM_SOURCE/data/metaqa/3-hop/vanilla/qa_test.txt"
	adopt
	[ "$STATUS" = 0 ]
	RESULTS=results/variant0_llm_baseline_3-hop-test_batch.json
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
}

@test "its failures are not asked again: nobody knows with what prompt" {
	faults 'row 2: http_error 500' 'row 3: missing'
	a_desk --faults "$FAULTS"
	old_batch 4 '{"description":"Variant0 - 1-hop-test","num_questions":"4"}'
	adopt
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=4 answered=2 http_error=1 missing=1 attempts=1' ]
	nothing_made
}

@test "one that failed for want of room is not submitted again" {
	faults 'quota tokens 2'
	a_desk --faults "$FAULTS"
	old_batch 4 '{"description":"Variant0 - 1-hop-test","num_questions":"4"}'
	adopt
	[ "$STATUS" = 1 ]
	nothing_made
}

@test "free text: asks for --datasets in one line, and scores with it" {
	a_desk --answer-key "$SAMPLE"
	local text
	for text in 'my nightly run' 'Variant0' '' 'x - y z'; do
		old_batch 3 "$(jq -nc --arg t "$text" \
			'{description: $t, num_questions: "3"}')"
		adopt
		[ "$STATUS" = 2 ]
		says '--datasets'
		says "$BATCH_ID"
		nothing_made
	done
	adopt --datasets 1-hop
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	nothing_made
}

@test "a description that names no dataset here" {
	a_desk
	old_batch 3 '{"description":"Variant0 - films-2019","num_questions":"3"}'
	adopt
	[ "$STATUS" = 2 ]
	says '--datasets'
	cp "$SAMPLE" films-2019.txt
	adopt --datasets films-2019.txt
	[ "$STATUS" = 0 ]
	RESULTS=results/variant0_llm_baseline_films-2019_batch.json
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "no metadata at all: --datasets and --limit tell" {
	a_desk
	old_batch 5 null
	adopt
	[ "$STATUS" = 2 ]
	says '--datasets'
	adopt --datasets 1-hop --limit 5
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
}

@test "more questions than the file has: not the file it was made from" {
	a_desk
	old_batch 9 '{"description":"Variant0 - 1-hop-test","num_questions":"9"}'
	mkdir -p other/1-hop/vanilla
	head -4 "$SAMPLE" >other/1-hop/vanilla/qa_test.txt
	adopt --data-dir other
	[ "$STATUS" = 3 ]
	says 'but 9 were sent'
	nothing_made
}

@test "questions changed on disk: says so and stops; brought back: goes on" {
	a_desk
	cp "$SAMPLE" mine.txt
	variant0 --mode batch --limit 4 --datasets mine.txt --dry-run
	BATCH_ID=$(ids_of "$OUT")
	sed -i '2s/^/so, /' mine.txt
	adopt
	[ "$STATUS" = 3 ]
	says 'does not hold the questions that were sent'
	[ ! -e results/variant0_llm_baseline_mine_batch.json ]
	# A gold answer counts as well: it would change the score.
	cp "$SAMPLE" mine.txt
	sed -i '2s/$/|Nobody At All/' mine.txt
	adopt
	[ "$STATUS" = 3 ]
	rm mine.txt
	adopt
	[ "$STATUS" = 3 ]
	says 'mine.txt'
	cp "$SAMPLE" mine.txt
	adopt
	[ "$STATUS" = 0 ]
}

@test "lines after those that were sent may change" {
	a_desk
	cp "$SAMPLE" mine.txt
	variant0 --mode batch --limit 4 --datasets mine.txt --dry-run
	BATCH_ID=$(ids_of "$OUT")
	echo 'who made [More]	Somebody' >>mine.txt
	adopt
	[ "$STATUS" = 0 ]
}

@test "the journal is lost: digest and run in the metadata tell the rest" {
	a_desk --answer-key "$SAMPLE"
	variant0 --mode batch --limit 7 --shard-requests 3 --dry-run
	local ids
	mapfile -t ids < <(ids_of "$OUT")
	[ ${#ids[@]} = 3 ]
	# Batches of others between them are no sisters.
	variant0 --mode batch --limit 2 --model other --dry-run
	MADE=$(calls POST '.*')
	export XDG_STATE_HOME=$PWD/elsewhere
	BATCH_ID=${ids[1]}
	adopt
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=7 answered=7 attempts=1' ]
	[ "$(result '[.run.batches[].id] | sort | join(" ")')" = \
		"$(printf '%s\n' "${ids[@]}" | sort | paste -sd' ')" ]
	nothing_made
	# Another of the three leads to the same run; a machine that first sees it when
	# all have ended says so at once.
	[[ $ERR == *'7 of 7 (100.0 %)'* ]]
	export XDG_STATE_HOME=$PWD/later
	adopt
	[ "$STATUS" = 0 ]
	[[ $ERR == *'3 completed: 7 of 7 (100.0 %)'* ]]
	BATCH_ID=${ids[2]}
	adopt
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=7 answered=7 attempts=1' ]
}

@test "the journal is lost: later attempts are found with the first" {
	faults 'row 2..3 of batch 1: http_error 500'
	a_desk --faults "$FAULTS"
	run_batch 5
	[ "$(ledger)" = 'asked=5 answered=5 attempts=2' ]
	MADE=$(calls POST '.*')
	BATCH_ID=$(result '.run.batches[0].id')
	export XDG_STATE_HOME=$PWD/elsewhere
	adopt
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=2' ]
	nothing_made
}

@test "the journal is lost: what was refused for want of room first is no shard" {
	faults 'row 2 of batch 1: http_error 500' \
		'fail token_limit_exceeded "Enqueued token limit reached for m in organization o. Limit: 2,000,000 enqueued tokens." of batch 2'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS" --clock fast=50
	NIGHTMAIL_CLOCK=fast=50 variant0 --mode batch --limit 6 \
		--shard-requests 2 --poll-interval 5 --max-attempts 1
	[ "$STATUS" = 1 ]
	[ "$(calls POST /v1/batches)" = 4 ]
	BATCH_ID=$(result '.run.batches[2].id')
	export XDG_STATE_HOME=$PWD/elsewhere
	adopt --finish-direct
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=6 answered=6 attempts=2' ]
	[ "$(result '[.run.batches[].requests] | @json')" = '[2,2,2]' ]
	lacks err.txt 'failed: token_limit_exceeded'
	[ "$(calls POST /v1/chat/completions)" = 1 ]
}

@test "the journal is lost, and no list is served: what is named is scored" {
	faults 'on GET /v1/batches: status 404'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	variant0 --mode batch --limit 3 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	export XDG_STATE_HOME=$PWD/elsewhere
	adopt
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[[ $ERR == *'has sisters cannot be seen'* ]]
}

@test "a batch whose creation got no reply, where no lists are served: known by its id" {
	faults 'on GET /v1/batches: status 404' \
		'on POST /v1/batches nth 1: act then lose reply'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 run_batch 3
	[ "$STATUS" = 4 ]
	run_batch 3 --batch-id \
		"$(jq -r '.batch_id // empty' "$SERVER_LOG" | head -1)"
	[ "$STATUS" = 0 ]
	[[ $ERR == *"1 of this run's batches that were not known here"* ]]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "the journal is lost, no list is served, a later attempt is named: no canary of all" {
	faults 'row 2 of batch 1: http_error 500'
	a_desk --faults "$FAULTS"
	run_batch 4
	[ "$STATUS" = 0 ]
	BATCH_ID=$(jq -r 'select(.method == "POST" and .batch_id).batch_id' \
		"$SERVER_LOG" | tail -1)
	rm -rf "$XDG_STATE_HOME"
	faults 'on GET /v1/batches: status 403'
	restart --faults "$FAULTS"
	adopt
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=4 answered=1 missing=3 attempts=2' ]
	lacks err.txt canary
	adopt --finish-direct
	[ "$STATUS" = 0 ]
	lacks err.txt canary
	# The one that has its answer is not paid for again.
	[ "$(calls POST /v1/chat/completions)" = 3 ]
}

@test "the journal is lost, and the questions changed: stops" {
	a_desk
	cp -rL data copy
	variant0 --mode batch --limit 3 --data-dir copy/metaqa --dry-run
	BATCH_ID=$(ids_of "$OUT")
	export XDG_STATE_HOME=$PWD/elsewhere
	sed -i '1s/^/so, /' copy/metaqa/1-hop/vanilla/qa_test.txt
	adopt --data-dir copy/metaqa
	[ "$STATUS" = 3 ]
	says 'does not hold the questions that were sent'
	adopt
	[ "$STATUS" = 0 ]
}

@test "a sample is found again without the journal" {
	a_desk
	variant0 --mode batch --sample 5 --seed 9 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	adopt
	local chosen
	chosen=$(result '[.results[].question_id] | join(" ")')
	export XDG_STATE_HOME=$PWD/elsewhere
	adopt
	[ "$STATUS" = 0 ]
	[ "$(result '[.results[].question_id] | join(" ")')" = "$chosen" ]
}

@test "another key or service: says which, and stops" {
	printf 'one sk-test-0123456789\nother sk-another-key\n' >keys
	chmod 600 keys
	a_desk --api-key-file keys
	variant0 --mode batch --limit 2 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	OPENAI_API_KEY=sk-another-key adopt
	[ "$STATUS" = 2 ]
	says 'another service or key'
	lacks err.txt sk-another-key
	lacks err.txt sk-test
	adopt --local
	[ "$STATUS" = 2 ]
}

@test "another key of the same account: it knows the batch, and goes on with it" {
	a_desk --answer-key "$SAMPLE"
	variant0 --mode batch --limit 4 --shard-requests 2 --dry-run
	BATCH_ID=$(ids_of "$OUT" | head -1)
	export OPENAI_API_KEY=sk-a-newer-key
	adopt
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[[ $ERR == *'made with another key or address'* ]]
	lacks err.txt sk-a-newer-key
	[ "$(calls POST /v1/batches)" = 2 ]
}

@test "two ids of one run, and of two runs" {
	a_desk
	variant0 --mode batch --limit 4 --shard-requests 2 --dry-run
	local ids
	mapfile -t ids < <(ids_of "$OUT")
	variant0 --mode batch --datasets 2-hop --limit 2 --dry-run
	variant0 --mode batch --batch-id "${ids[@]}" "$(ids_of "$OUT")" \
		--poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(grep -c '^Results saved to' out.txt)" = 2 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
}

# ---- batches of ours, taken up on another machine ----

elsewhere() {
	export XDG_STATE_HOME=$PWD/elsewhere
	MADE=$(calls POST '.*')
}

@test "a canary's answers stay with the machine that asked it: said, and missing" {
	a_desk --answer-key "$SAMPLE"
	variant0 --mode batch --limit 7 --canary 2 --shard-requests 3 --dry-run
	BATCH_ID=$(ids_of "$OUT" | head -1)
	call GET "/v1/batches/$BATCH_ID"
	[ "$(member .metadata.canary)" = 2 ]
	[ "$(member '.metadata | length <= 16')" = true ]
	elsewhere
	local again
	for again in first second; do
		adopt
		[ "$STATUS" = 1 ]
		grep -q 'what the canary asked (the first 2 of 1-hop-test) was answered on the' err.txt
		[ "$(ledger)" = 'asked=7 answered=5 missing=2 attempts=1' ]
		[ "$(result '[.results[].class] | .[:3] | join(" ")')" = \
			'missing missing answered' ]
		nothing_made
	done
}

@test "--finish-direct asks the canary's questions again, and what failed" {
	faults 'row 2 of batch 1: http_error 500'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS"
	variant0 --mode batch --limit 7 --canary 2 --max-output-tokens 300 \
		--model some-model --dry-run
	BATCH_ID=$(ids_of "$OUT")
	elsewhere
	# Also where it was scored here before.
	adopt
	[ "$(ledger)" = 'asked=7 answered=4 http_error=1 missing=2 attempts=1' ]
	nothing_made
	adopt --finish-direct
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=7 answered=7 attempts=2' ]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(calls POST /v1/chat/completions)" = 5 ]
	[ "$(result '[.run.request.model, .run.request.max_output_tokens] |
		join(" ")')" = 'some-model 300' ]
	# Without the word nothing more is sent.
	MADE=$(calls POST '.*')
	adopt
	[ "$STATUS" = 0 ]
	nothing_made
}

@test "--deadline counts from where the batch was made, not from where it is taken up" {
	faults 'validating forever'
	a_desk --answer-key "$SAMPLE" --faults "$FAULTS" --clock step
	variant0 --mode batch --limit 3 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	advance 2h
	restart --answer-key "$SAMPLE" --faults "$FAULTS"
	elsewhere
	adopt --finish-direct --deadline 90m
	[ "$STATUS" = 0 ]
	[ "$(calls POST '/v1/batches/.*/cancel')" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=2' ]
}

@test "--finish-direct at once, on a machine that never saw the batch" {
	a_desk --answer-key "$SAMPLE"
	variant0 --mode batch --limit 5 --canary 1 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	elsewhere
	adopt --finish-direct
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[ "$(calls POST /v1/chat/completions)" = 2 ]
}

@test "--finish-direct of a batch with a prompt of its own wants that prompt" {
	a_desk --answer-key "$SAMPLE"
	echo 'Films as JSON, please: {question}' >mine.txt
	echo 'Films as JSON, quick: {question}' >other.txt
	variant0 --mode batch --limit 3 --canary 1 --prompt mine.txt --dry-run
	BATCH_ID=$(ids_of "$OUT")
	elsewhere
	adopt --finish-direct
	[ "$STATUS" = 1 ]
	grep -q 'was made with another prompt' err.txt
	nothing_made
	adopt --finish-direct --prompt other.txt
	[ "$STATUS" = 2 ]
	says 'other.txt is not what'
	adopt --finish-direct --prompt mine.txt
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "--finish-direct asks nothing of an older script's batch" {
	faults 'row 2: missing'
	a_desk --faults "$FAULTS"
	old_batch 4 '{"description":"Variant0 - 1-hop-test","num_questions":"4"}'
	adopt --finish-direct
	[ "$STATUS" = 1 ]
	grep -q 'is not told' err.txt
	nothing_made
}

@test "metadata that name an attempt beyond all reason" {
	a_desk
	old_batch 4 '{"description":"Variant0 - 1-hop-test","num_questions":"4",
		"attempt":"2000000000"}'
	adopt
	[ "$STATUS" = 0 ]
	grep -q 'name attempt 2000000000, and no run has more than 255' err.txt
	[ "$(ledger)" = 'asked=4 answered=4 attempts=255' ]
}
