#!/usr/bin/env bats
# Runs of hundreds of shards, on a machine with few descriptors; and of full ones.
load lib
load client

# n questions, and where their results will be.
write_questions() { # n
	local i
	for ((i = 1; i <= $1; i++)); do
		printf 'what is [%d] called\tnumber %d\n' "$i" "$i"
	done >many.txt
	RESULTS=results/variant0_llm_baseline_many_batch.json
}

@test "hundreds of shards, few files open at once" {
	write_questions 200
	a_desk --answer-key many.txt --mix 100/0/0/0/0
	# A file a shard, and half as many descriptors.
	ulimit -n 100
	run_batch 200 --datasets many.txt --shard-requests 1 --quiet
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=200 answered=200 attempts=1' ]
	[ "$(result '[.results[].predicted_answers[0]] ==
		[range(1; 201) | "number \(.)"]')" = true ]
	[ "$(result '.run.raw | length')" = 200 ]
	[ "$(calls POST /v1/batches)" = 200 ]
	call GET '/v1/batches?limit=1'
	# All of them are one file again, an input and an output each.
	manager --download "$(member '.data[0].id')" -o all.jsonl --quiet
	[ "$STATUS" = 0 ]
	[ "$(jq -r .custom_id all.jsonl | paste -sd' ')" = \
		"$(seq -f 'request-%g' 0 199 | paste -sd' ')" ]
}

# The results without what tells of their own time.
timeless() {
	sed -E '/"(total_eval_time_sec|queries_per_second|ended_at)"/d' "$RESULTS"
}

@test "more questions than one batch may have: rows before their head, and no other file" {
	awk 'BEGIN { for (i = 0; i < 50003; i++)
		printf "what is [%d] called\tnumber %d|%d\n", i, i, i }' >many.txt
	RESULTS=results/variant0_llm_baseline_many_batch.json
	BOUND=600
	a_desk --answer-key many.txt
	run_batch 50003 --datasets many.txt --canary 0 --quiet
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 2 ]
	[[ $(head -n 1 "$RESULTS") =~ ^\{\ +$ ]]
	[ "$(ledger)" = 'asked=50003 answered=50003 attempts=1' ]
	[ "$(jq '[.results[].question_id] == [range(50003)]' "$RESULTS")" = true ]
	cmp "$RESULTS" results/runs/many_batch_*.json
	timeless | sha256sum >first
	call GET '/v1/batches?limit=1'
	rm -r results
	variant0 --mode batch --batch-id "$(member '.data[0].id')" --quiet
	[ "$STATUS" = 0 ]
	timeless | sha256sum >second
	cmp first second
}
