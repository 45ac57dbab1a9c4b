#!/usr/bin/env bats
# batch_manager --wait, --errors, --download: a batch to its end, and its files.
load lib
load client

a_batch() { # n
	write_input "$1" in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
}

a_faulty_desk() { # rule...
	faults "$@"
	a_desk --faults "$FAULTS"
}

@test "--wait: until it has completed" {
	a_desk --delay-in-progress 0.5
	a_batch 3
	manager --wait "$BATCH_ID"
	[ "$STATUS" = 0 ]
	grep -q '^Status  *completed$' out.txt
	[[ $ERR == *" elapsed"* ]]
	a_batch 3
	manager --wait "$BATCH_ID" --quiet --json
	[ -z "$ERR" ]
	[ "$(jq -r .status out.txt)" = completed ]
}

@test "--wait: one that fails, expires or is cancelled is exit 1" {
	a_faulty_desk 'fail some_code "Because"'
	a_batch 1
	manager --wait "$BATCH_ID"
	[ "$STATUS" = 1 ]
	grep -q 'some_code: Because' out.txt
	[[ $ERR == *"$BATCH_ID failed" ]]
}

@test "--wait: a service that is away for a while is waited for" {
	# The service's look is repeated by itself a few times; longer than that.
	a_faulty_desk 'on GET /v1/batches/* nth 2..20: status 502' \
		'validating 500ms'
	a_batch 1
	export NIGHTMAIL_CLOCK=fast=100
	manager --wait "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[[ $ERR == *'warning: '*'looking on'* ]]
	grep -q '^Status  *completed$' out.txt
}

@test "--wait: Ctrl-C leaves the batch running, and says how to wait again" {
	a_desk --delay-in-progress 1000
	a_batch 1
	batch_manager --wait "$BATCH_ID" --poll-interval 1.5 --max-attempts 5 \
		--json >out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	wait_for 10 grep -q in_progress err.txt
	kill -INT $pid
	wait $pid || status=$?
	[ $status = 130 ]
	# As it was begun.
	grep -qx "  batch_manager --wait $BATCH_ID --max-attempts 5 \
--poll-interval 1.5s --json" err.txt
	[[ $(<err.txt) == *'The batch goes on. To wait for it again, run:'* ]]
	manager --wait "$BATCH_ID" --poll-interval 0.0005s
	[ "$STATUS" = 2 ]
	batch_is in_progress
}

@test "--wait: Ctrl-C before the first look does not say that the batch goes on" {
	a_faulty_desk 'on GET /v1/batches/*: trickle 1/s'
	a_batch 1
	batch_manager --wait "$BATCH_ID" 2>err.txt 3>&- &
	local pid=$! status=0
	looked() { [ "$(calls GET '/v1/batches/.*')" -ge 1 ]; }
	wait_for 10 looked
	kill -INT $pid
	wait $pid || status=$?
	[ $status = 130 ]
	[ "$(grep -c 'goes on' err.txt)" = 0 ]
	grep -qx 'To wait for it again, run:' err.txt
}

# The batch goes on by the steps of a clock that stands.
has_completed() {
	advance 1s
	batch_is completed
}

@test "--wait: on a terminal lines are written over, if it can do that" {
	a_desk --clock step
	command -v script || skip 'no script(1)'
	local escape=$'\e['
	for TERM in xterm dumb; do
		export TERM
		a_batch 1
		: >out.txt
		script -qec "batch_manager --wait $BATCH_ID --poll-interval 0.1" \
			/dev/null </dev/null >out.txt 3>&- &
		wait_for 10 grep -qE 'validating|in_progress' out.txt
		wait_for 10 has_completed
		wait $!
		if [ $TERM = dumb ]; then
			lacks out.txt "$escape"
		else
			grep -qF "$escape" out.txt
		fi
	done
}

@test "--errors: reasons, the most frequent first, with ids" {
	a_faulty_desk 'row 2: http_error 500 server_error "Oh dear"' \
		'row 3..7: http_error 400 invalid_value "No such thing"'
	a_batch 8
	wait_for 10 batch_is completed
	manager --errors "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ "$(sed -n 3,6p out.txt)" = '5 × 400 invalid_value: No such thing
    r-3, r-4, r-5, …
1 × 500 server_error: Oh dear
    r-2' ]
	manager --errors "$BATCH_ID" --json
	[ "$(jq -c '[.failed, (.reasons[] | [.count, .status, .code,
		(.custom_ids | length)])]' out.txt)" = \
		'[6,[5,400,"invalid_value",5],[1,500,"server_error",1]]' ]
}

@test "--errors: an id is whole, also with a NUL in it" {
	a_faulty_desk 'row 1..2: http_error 400 bad "no"'
	write_input 2 in.jsonl
	sed -i 's/r-1"/r\\u0000-1"/' in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 10 batch_is completed
	manager --errors "$BATCH_ID" --json
	[ "$(jq -c '.reasons[0] | [.count, .custom_ids]' out.txt)" = \
		'[2,["r\u0000-1","r-2"]]' ]
	manager --errors "$BATCH_ID"
	grep -qx '    r?-1, r-2' out.txt
}

@test "--errors: what is on this machine is not fetched again" {
	a_faulty_desk 'row 2: http_error 400 bad "no"'
	write_input 3 in.jsonl
	manager --submit in.jsonl --json
	BATCH_ID=$(jq -r '.batches[0]' out.txt)
	manager --errors "$BATCH_ID"
	manager --wait "$BATCH_ID"
	: >"$SERVER_LOG"
	manager --errors "$BATCH_ID"
	grep -qx '1 × 400 bad: no' out.txt
	[ "$(calls GET '/v1/files/.*')" = 0 ]
}

@test "--errors: failed rows in the output file are found too" {
	a_faulty_desk 'row 2: http_error 400 odd "In the wrong file" in output'
	a_batch 3
	wait_for 10 batch_is completed
	manager --errors "$BATCH_ID"
	[ "$STATUS" = 0 ]
	grep -q '1 × 400 odd: In the wrong file' out.txt
}

@test "--errors: in both files, and the service's own counts are not asked" {
	a_faulty_desk 'row 1: http_error 400 bad "In the error file"' \
		'row 2: http_error 500 odd "In the wrong file" in output' \
		'row 3: status 0' 'counts wrong'
	a_batch 4
	wait_for 10 batch_is completed
	manager --errors "$BATCH_ID"
	[ "$STATUS" = 0 ]
	grep -q "^3 requests of $BATCH_ID failed:" out.txt
	grep -q '1 × 400 bad: In the error file' out.txt
	grep -q '1 × 500 odd: In the wrong file' out.txt
	grep -q 'r-3' out.txt
	stop_server
	faults 'row 2: http_error 400 odd "In the wrong file" in output' \
		'counts total=3 completed=3 failed=0'
	start_server --faults "$FAULTS"
	export OPENAI_BASE_URL=$BASE_URL
	a_batch 3
	wait_for 10 batch_is completed
	manager --errors "$BATCH_ID"
	grep -q '1 × 400 odd: In the wrong file' out.txt
}

@test "--errors: where one of the files is gone, what the other one tells" {
	a_faulty_desk 'row 1: http_error 400 bad "In the error file"' \
		'row 2: http_error 400 odd "In the wrong file" in output'
	local gone told
	for gone in output error; do
		a_batch 3
		wait_for 10 batch_is completed
		call DELETE "/v1/files/$(member ".${gone}_file_id")"
		manager --errors "$BATCH_ID"
		[ "$STATUS" = 0 ]
		[[ $ERR == *'failures in it, if any, are not told'* ]]
		told='bad: In the error file'
		[ $gone = output ] || told='odd: In the wrong file'
		grep -q "^1 request of .* failed:" out.txt
		grep -q "1 × 400 $told" out.txt
	done
	wait_for 10 batch_is completed
	call DELETE "/v1/files/$(member .output_file_id)"
	manager --errors "$BATCH_ID"
	[ "$STATUS" = 4 ]
	says 'No such File object'
}

@test "--errors: a line that cannot be read is told" {
	a_faulty_desk 'row 1: malformed'
	a_batch 2
	wait_for 10 batch_is completed
	manager --errors "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[[ $OUT == 'No request of '*'1 line of its files cannot be read' ]]
}

@test "--errors: none, and none yet" {
	a_desk --delay-in-progress 1000
	a_batch 1
	manager --errors "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[[ $OUT == *'what fails is told when it has ended.' ]]
	stop_server
	start_server --delay-in-progress 0
	export OPENAI_BASE_URL=$BASE_URL
	a_batch 1
	wait_for 10 batch_is completed
	manager --errors "$BATCH_ID"
	[ "$OUT" = "No request of $BATCH_ID failed." ]
}

@test "--errors: of a batch that failed as a whole, its own" {
	a_faulty_desk 'fail some_code "Because" line 1'
	a_batch 1
	wait_for 10 batch_is failed
	manager --errors "$BATCH_ID"
	grep -q 'line 1: some_code: Because' out.txt
	manager --errors "$BATCH_ID" --json
	[ "$(jq -c '[.reasons[] | [.class, .code, .line]]' out.txt)" = \
		'[["failed","some_code",1]]' ]
}

@test "--download: one line a request, in the order of the requests" {
	a_faulty_desk 'order shuffled' 'row 2: http_error 400 x "y"'
	a_batch 5
	wait_for 10 batch_is completed
	manager --download "$BATCH_ID"
	[ "$STATUS" = 1 ]
	[ "$(jq -r '[.custom_id, .response.status_code] | join(" ")' \
		"$BATCH_ID.jsonl" | paste -sd,)" = \
		'r-1 200,r-2 400,r-3 200,r-4 200,r-5 200' ]
	grep -q '^Succeeded  *4$' out.txt
	grep -q '^Failed  *1$' out.txt
	says '1 of 5 requests have no result'
	[ -z "$(find "$XDG_STATE_HOME" -name 'file-*')" ]
}

@test "--download: each request once, whatever the rows are like" {
	a_faulty_desk 'row 1: doubled' 'row 2: missing' 'row 3: unknown' \
		'row 4: malformed' 'row 5: expired' 'row 6: cancelled' \
		'row 7: status 0'
	a_batch 8
	wait_for 10 batch_is completed
	manager --download "$BATCH_ID" -o out.jsonl --json
	[ "$STATUS" = 1 ]
	[ "$(jq -r .custom_id out.jsonl | xargs)" = \
		'r-1 r-2 r-3 r-4 r-5 r-6 r-7 r-8' ]
	[ "$(jq -r 'select(.error.code == "missing").custom_id' out.jsonl |
		head -1)" = r-2 ]
	[ "$(jq '.requests == 8 and .requests == .succeeded + .failed +
		.expired + .cancelled + .missing and .duplicate_rows == 1 and
		.unknown_rows == 1 and .malformed_rows == 1 and .expired == 1
		and .cancelled == 1' out.txt)" = true ]
}

@test "--download: cut again and again, it goes on where it was" {
	a_faulty_desk 'on GET /v1/files/*/content nth 1..3: cut after 500..900'
	a_batch 20
	wait_for 10 batch_is completed
	export NIGHTMAIL_CLOCK=fast=100
	manager --download "$BATCH_ID" -o out.jsonl
	[ "$STATUS" = 0 ]
	[ "$(jq -r .custom_id out.jsonl | wc -l)" = 20 ]
}

@test "--download: another's page is no results" {
	a_faulty_desk 'on GET /v1/files/*/content nth 2: status 200 body "<html>Sign in</html>"'
	a_batch 3
	wait_for 10 batch_is completed
	manager --download "$BATCH_ID" -o out.jsonl
	[ "$STATUS" = 0 ]
	[ "$(jq -r .response.status_code out.jsonl | paste -sd' ')" = '200 200 200' ]
}

@test "--download: without the request file all rows are saved, and it is said" {
	a_desk
	a_batch 3
	wait_for 10 batch_is completed
	call DELETE "/v1/files/$FILE_ID"
	manager --download "$BATCH_ID" -o out.jsonl
	[ "$STATUS" = 0 ]
	[[ $ERR == *'a request file is gone'* ]]
	[ "$(wc -l <out.jsonl)" = 3 ]
}

@test "--download: the batches of a run together" {
	a_desk
	variant0 --mode batch --limit 5 --shard-requests 2 --dry-run
	local ids
	mapfile -t ids < <(ids_of "$OUT")
	for BATCH_ID in "${ids[@]}"; do
		wait_for 10 batch_is completed
	done
	manager --download "${ids[2]}" -o out.jsonl
	[ "$STATUS" = 0 ]
	[ "$(jq -r .custom_id out.jsonl | xargs)" = \
		'request-0 request-1 request-2 request-3 request-4' ]
}

@test "--download: answers that came directly are told to be elsewhere" {
	a_desk
	run_batch 3 --canary 1
	[ "$STATUS" = 0 ]
	local id
	id=$(batch_manager --runs --json | jq -r '.[0].batches[0].id')
	manager --download "$id" -o out.jsonl
	[ "$STATUS" = 0 ]
	[[ $ERR == *'1 answer of run '*' came directly and is in no batch: results/runs/'* ]]
	[ "$(wc -l <out.jsonl)" = 2 ]
	# Where that is stays known.
	[[ $(batch_manager --runs --json | jq -r '.[0].results_path') == \
		results/runs/* ]]
}

@test "--download: - is standard output, and the ledger is on stderr" {
	a_faulty_desk 'row 2: http_error 400 x "y"'
	a_batch 3
	wait_for 10 batch_is completed
	manager --download "$BATCH_ID" -o -
	[ "$STATUS" = 1 ]
	[ "$(jq -r .custom_id out.txt | xargs)" = 'r-1 r-2 r-3' ]
	[[ $ERR == *'Requests   3'*'Failed     1'* ]]
	[ ! -e ./- ]
	# So is the file that the shell has opened for it, which is not replaced.
	manager --download "$BATCH_ID" -o out.txt
	[ "$(jq -r .custom_id out.txt | xargs)" = 'r-1 r-2 r-3' ]
	manager --download "$BATCH_ID" -o - --quiet
	[ "$(wc -l <out.txt)" = 3 ]
	says '1 of 3 requests have no result'
	manager --download "$BATCH_ID" -o - --json
	[ "$STATUS" = 2 ]
	says '-o is to name a file'
}

@test "--download: a link is followed, and a file stays private" {
	a_desk
	a_batch 2
	wait_for 10 batch_is completed
	mkdir elsewhere
	ln -s elsewhere/rows.jsonl out.jsonl
	for mode in 644 600; do
		manager --download "$BATCH_ID" -o out.jsonl
		[ "$STATUS" = 0 ]
		[ -L out.jsonl ]
		[ "$(wc -l <elsewhere/rows.jsonl)" = 2 ]
		[ "$(stat -c %a elsewhere/rows.jsonl)" = "$mode" ]
		chmod 600 elsewhere/rows.jsonl
	done
}

@test "--download: one that has not ended is exit 1, and nothing is saved" {
	a_desk --delay-in-progress 1000
	a_batch 1
	manager --download "$BATCH_ID" -o out.jsonl
	[ "$STATUS" = 1 ]
	says "its results can be had when it has ended"
	[ ! -e out.jsonl ]
}

@test "--download: a folder that is not there is exit 5, what was there stays" {
	a_desk
	a_batch 1
	wait_for 10 batch_is completed
	manager --download "$BATCH_ID" -o nowhere/out.jsonl
	[ "$STATUS" = 5 ]
	says nowhere/out.jsonl
}

@test "--download: results that are gone: exit 4, and what was saved stays" {
	a_desk
	a_batch 2
	wait_for 10 batch_is completed
	manager --download "$BATCH_ID" -o out.jsonl
	[ "$STATUS" = 0 ]
	call DELETE "/v1/files/$(jq -r .output_file_id "$BODY")"
	cp out.jsonl before.jsonl
	manager --download "$BATCH_ID" -o out.jsonl
	[ "$STATUS" = 4 ]
	[[ $ERR == *'nothing was saved' ]]
	cmp out.jsonl before.jsonl
}
