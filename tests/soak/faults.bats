#!/usr/bin/env bats
# Many questions through a server that fails a tenth of everything, calls and rows:
# the ledger sums, every question has one row, and nothing is doubled. QUESTIONS
# says how many.
load ../stop/lib

: "${QUESTIONS:=20000}"
PATIENCE=60

CALLS='on POST /v1/files 3% seed 1: act then lose reply
on POST /v1/files 3% seed 2: lose call
on POST /v1/files 4% seed 3: status 503
on POST /v1/batches 4% seed 4: act then lose reply
on POST /v1/batches 3% seed 5: act then status 502
on POST /v1/batches 3% seed 6: status 429
on GET /v1/files/*/content 10% seed 7: cut after 1000..900000
on GET /v1/** 5% seed 8: status 500
on GET /v1/** 3% seed 9: lose reply
on GET /v1/** 2% seed 10: status 429'
ROWS='row 4% seed 11: http_error 500
row 2% seed 12: expired
row 2% seed 13: missing
row 1% seed 14: malformed
row 0.5% seed 15: doubled
row 0.5% seed 16: status 0'

# Question i asks for what has the answer i.
make_questions() { # n
	awk -v n="$1" 'BEGIN {
		for (i = 1; i <= n; i++)
			printf "who made the film [Film %d]\tMaker %d\n", i, i
	}' >questions.txt
}

begin_with() { # faults
	FAULTS=$1
	SAMPLE=questions.txt
	begin_afresh
}

tell() { # results
	jq -r '"# \(.results | length) rows, \(.ledger.answered) answered,"
		+ " \(.ledger.attempts) attempts, \(.run.batches | length)"
		+ " batches, \(.ledger.duplicate) lines doubled,"
		+ " \(.ledger.malformed) broken"' "$1" >&3
}

# One row a question, and each of a class that the ledger counts.
check_ledger() { # results n
	jq -e --argjson n "$2" '
		(.results | length == $n) and
		(.results | map(.question_id) | unique | length == $n) and
		.ledger.asked == $n and
		(.ledger | .answered + .refused + .truncated + .unparseable +
			.http_error + .expired + .cancelled + .missing == $n) and
		(.results | map(select(.class == "answered")) | length) ==
			.ledger.answered' "$1"
}

@test "batch mode: a tenth of all calls and rows fails" {
	local status=0 results=results/variant0_llm_baseline_questions_batch.json
	make_questions "$QUESTIONS"
	begin_with "$CALLS
$ROWS"
	run_with --mode batch --datasets questions.txt --canary 0 --yes \
		--shard-requests $((QUESTIONS / 20)) --max-attempts 12 ||
		status=$?
	tail -3 program.err
	[ $status = 0 ]
	list_acts
	tell $results
	echo "# $(acted upload) uploads, $(acted creation) creations," \
		"$(logged .fault) calls failed of $(logged true)" >&3
	check_ledger $results "$QUESTIONS"
	jq -e '.ledger.answered == .ledger.asked' $results
	[ "$(acted upload)" = "$(jq '.run.batches | length' $results)" ]
	[ "$(acted creation)" = "$(acted upload)" ]
	# One batch an input file, one input file a shard.
	[ "$(cut -d' ' -f1,2 acts | sort | uniq -d)" = "" ]
	[ "$(sed -n 's/^creation .* of //p' acts | sort | uniq -d)" = "" ]
}

@test "direct mode: a tenth of all calls fails" {
	local n=$((QUESTIONS / 10)) status=0
	local results=results/variant0_llm_baseline_questions.json
	make_questions $n
	begin_with 'on POST ** 5% seed 1: status 500
on POST ** 3% seed 2: status 429 header "retry-after-ms: 20"
on POST ** 2% seed 3: lose call'
	run_with --mode direct --datasets questions.txt --yes \
		--max-attempts 12 || status=$?
	tail -3 program.err
	[ $status = 0 ]
	list_acts
	tell $results
	check_ledger $results $n
	[ "$(acted question)" = $n ]
	[ "$(asked)" = $n ]
}
