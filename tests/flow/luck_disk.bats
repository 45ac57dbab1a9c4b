#!/usr/bin/env bats
# A disk that is full at any write. Nothing is sent twice, nothing paid is lost.
load lib
load client
load disk

# A run's pauses, of a minute and more, are what these tests would wait for.
SPEED=500

small_batch() { # option...
	NIGHTMAIL_CLOCK=fast=$SPEED variant0 --mode batch --patience 20 \
		--limit 5 --shard-requests 2 --results-dir small/results "$@"
}

# Each time a little more room, until all of it fits: so it is full at one write of
# the journal after the other, at the downloads, and at the results.
@test "a disk that is full at any write: told, and the run goes on from there" {
	mount_small 2m
	faults 'row 2 of batch 2: http_error 400 bad "no"'
	a_desk --faults "$FAULTS" --clock "fast=$SPEED"
	local room first refused=0 said=
	for ((room = 0; room <= 2048; room += 20)); do
		call POST /_control/faults
		rm -rf small/*
		: >"$SERVER_LOG"
		head -c $(((2048 - room) * 1024)) /dev/zero >small/filler
		small_batch
		first=$STATUS
		rm small/filler
		[ "$first" != 1 ] || break
		[ "$first" = 5 ] || [ "$first" = 130 ]
		[[ $(tail -3 err.txt) == *[Nn]o\ space* ||
			$(tail -3 err.txt) == *'disk is full'* ]]
		said+=$(tail -3 err.txt)
		refused=$((refused + 1))
		small_batch
		[ "$STATUS" = 1 ]
		[ "$(ledger)" = 'asked=5 answered=4 http_error=1 attempts=1' ]
		[ "$(logged '.method == "POST" and .path == "/v1/files" and
			.file_id != null')" = 3 ]
		[ "$(logged '.method == "POST" and .path == "/v1/batches" and
			.batch_id != null')" = 3 ]
	done
	leave_small
	echo "$refused refusals"
	[ "$refused" -ge 8 ]
	# At the journal, and at the results.
	[[ $said == *journal.db* ]]
	[[ $said == *results* ]]
}

answered() {
	jq -r 'select(.method == "POST" and .status == 200).body_sha256' \
		"$SERVER_LOG"
}

# What is in no commit yet when the disk fills is all that is asked twice.
@test "direct: a disk that is full at any write: told, and the run goes on from there" {
	mount_small 2m
	RESULTS=small/results/variant0_llm_baseline_1-hop-test.json
	faults 'on POST /v1/chat/completions: delay 20ms'
	a_desk --faults "$FAULTS"
	local room refused=0 said=
	for ((room = 60; room <= 2048; room += 60)); do
		rm -rf small/*
		: >"$SERVER_LOG"
		head -c $(((2048 - room) * 1024)) /dev/zero >small/filler
		variant0 --limit 60 --concurrency 2 --results-dir small/results \
			--outage 1s
		rm small/filler
		[ "$STATUS" != 0 ] || break
		[ "$STATUS" = 5 ]
		said+=$(tail -3 err.txt)
		refused=$((refused + 1))
		variant0 --limit 60 --concurrency 2 --results-dir small/results
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=60 answered=60 attempts=1' ]
		[ "$(answered | sort -u | wc -l)" = 60 ]
		[ "$(answered | wc -l)" -le 85 ]
	done
	leave_small
	[ "$refused" -ge 4 ]
	[[ $said == *journal.db* ]]
	[[ $said == *results* ]]
}

@test "direct: a disk that is full for a while: what came waits, and nothing is asked twice" {
	mount_small 2m
	RESULTS=small/results/variant0_llm_baseline_1-hop-test.json
	# It fills while the others are on their way.
	faults 'on POST /v1/chat/completions nth 1..20: delay 20ms' \
		'on POST /v1/chat/completions: delay 150ms'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --limit 80 --concurrency 4 \
		--results-dir small/results >out.txt 2>err.txt 3>&- &
	local pid=$! status=0 before counts
	asked() { [ "$(calls POST /v1/chat/completions)" -ge 20 ]; }
	wait_for 10 asked
	head -c 4m /dev/zero >small/filler 2>/dev/null || true
	wait_for 10 grep -q 'answers wait in memory for room' err.txt
	# What was in flight comes; nothing else is asked.
	before=$(calls POST /v1/chat/completions)
	sleep 1.2
	[ "$(calls POST /v1/chat/completions)" -le $((before + 4)) ]
	rm small/filler
	wait $pid || status=$?
	cat err.txt
	counts=$(jq -r '.ledger | "\(.asked) \(.answered)"' "$RESULTS")
	leave_small
	[ $status = 0 ]
	[ "$counts" = '80 80' ]
	grep -q 'the answers are kept: going on' err.txt
	[ "$(answered | wc -l)" = 80 ]
}

# None comes before it is full: all stay with the program until they can be kept.
@test "direct: a disk that is full before a fast service's answers are kept" {
	mount_small 2m
	RESULTS=small/results/variant0_llm_baseline_1-hop-test.json
	faults 'on POST /v1/chat/completions nth 1..8: delay 2s' \
		'on POST /v1/chat/completions: delay 200ms'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --limit 80 --concurrency 80 \
		--results-dir small/results >out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	wait_for 10 grep -q asking err.txt
	head -c 4m /dev/zero >small/filler 2>/dev/null || true
	wait_for 10 grep -q 'answers wait in memory for room' err.txt
	rm small/filler
	wait $pid || status=$?
	cat err.txt
	leave_small
	[ $status = 0 ]
	[ "$(answered | wc -l)" = 80 ]
}

# A shard above the account's limit is split, and what failed is asked in shards of
# another attempt: steps of many writes, that are done whole or not at all.
@test "a disk that fills while a shard is split, or another attempt planned" {
	mount_small 2m
	faults 'quota tokens 250' 'row 1 of batch 3: http_error 500'
	a_desk --faults "$FAULTS" --clock "fast=$SPEED"
	local room first refused=0 split=0 said=
	for ((room = 100; room <= 2048; room += 12)); do
		call POST /_control/faults
		rm -rf small/*
		: >"$SERVER_LOG"
		head -c $(((2048 - room) * 1024)) /dev/zero >small/filler
		small_batch --limit 4 --shard-requests 4
		first=$STATUS
		rm small/filler
		[ "$first" != 0 ] || break
		[ "$first" = 5 ]
		said+=$(tail -1 err.txt)$'\n'
		[[ $ERR != *'submitted again'*'while committing a step'* ||
			$ERR == *'split into'* ]] || split=$((split + 1))
		refused=$((refused + 1))
		small_batch --limit 4 --shard-requests 4
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
		# The first is refused; its four parts, and one that asks again.
		[ "$(logged '.method == "POST" and .path == "/v1/files" and
			.file_id != null')" = 6 ]
		[ "$(logged '.method == "POST" and .path == "/v1/batches" and
			.batch_id != null')" = 6 ]
	done
	leave_small
	echo "$refused refusals, $split in the split: $said"
	[ "$refused" -ge 8 ]
	[ "$split" -ge 1 ]
}
