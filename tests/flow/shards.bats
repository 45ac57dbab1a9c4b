#!/usr/bin/env bats
# Runs of hundreds of shards, on a machine with few descriptors.
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
