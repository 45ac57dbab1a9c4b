#!/usr/bin/env bats
# batch_manager --status: what a batch is, where it stands, what to do next.
load lib
load client

# A batch of n requests by hand, in BATCH_ID.
a_batch() { # n [description]
	write_input "$1" in.jsonl
	upload in.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'",
		"endpoint":"/v1/chat/completions","completion_window":"24h",
		"metadata":{"description":"'"${2-Variant0 - 1-hop-test}"'"}}'
	[ "$STATUS" = 200 ]
	BATCH_ID=$(member .id)
}

shown() { # key
	sed -n "s/^$1  *//p" out.txt
}

# The command that the last line holds.
next_command() {
	tail -1 out.txt | sed 's/^  //'
}

@test "a completed batch: counts, times, tokens, files and the next command" {
	a_desk
	a_batch 3
	wait_for 10 batch_is completed
	manager --status "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ -z "$ERR" ]
	[ "$(shown Batch)" = "$BATCH_ID" ]
	[ "$(shown Status)" = completed ]
	[ "$(shown Requests)" = '3 of 3 done (100 %)' ]
	[ "$(shown Model)" = simulated-m ]
	[ "$(shown Endpoint)" = /v1/chat/completions ]
	[ "$(shown 'Input file')" = "$FILE_ID" ]
	[ "$(shown 'Output file')" = "$(member .output_file_id)" ]
	[[ $(shown Created) =~ ^20..-..-..\ ..:..:..\ \([0-9]+s\ ago\)$ ]]
	[[ $(shown Ended) =~ ago(, after [0-9]+s)?\)$ ]]
	[[ $(shown Tokens) =~ ^[0-9]+\ in,\ [0-9]+\ out ]]
	[ -z "$(shown Expires)" ]
	[ "$(next_command)" = \
		"variant0_llm_baseline --mode batch --batch-id $BATCH_ID" ]
}

@test "times are local, whatever the zone" {
	a_desk
	a_batch 1
	call GET "/v1/batches/$BATCH_ID"
	TZ=Asia/Tokyo manager --status "$BATCH_ID"
	[[ $(shown Created) == "$(TZ=Asia/Tokyo date -d "@$(member .created_at)" \
		'+%F %T') "* ]]
}

@test "one in progress: how far, when it expires, how to wait" {
	a_desk --delay-in-progress 1000
	a_batch 3
	wait_for 10 batch_is in_progress
	manager --status "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ "$(shown Status)" = in_progress ]
	[[ $(shown Expires) == *'(in 23h 59m)' ]]
	[ -z "$(shown Ended)" ]
	grep -q '^To wait for it and retrieve the results, run:' out.txt
}

@test "the JSON has the names of the API, and what follows from them" {
	a_desk
	a_batch 3
	wait_for 10 batch_is completed
	manager --status "$BATCH_ID" --json
	[ "$STATUS" = 0 ]
	# All that the API told is there, and the same.
	[ "$(jq -S . "$BODY")" = "$(jq -S --slurpfile api "$BODY" \
		'with_entries(select(.key as $k | $api[0] | has($k)))' out.txt)" ]
	[ "$(jq -c '[.final, .percent == 100, .run, .expires_in_seconds, .next]' \
		out.txt)" = "[true,true,null,null,\"variant0_llm_baseline --mode \
batch --batch-id $BATCH_ID\"]" ]
	[ "$(jq '.age_seconds >= 0 and .elapsed_seconds >= 0' out.txt)" = true ]
}

@test "a failed batch: each bad line, and what stands on it" {
	a_desk
	{
		write_input 3 good.jsonl
		cat good.jsonl
		echo '{"custom_id":"no-body","method":"POST",' \
			'"url":"/v1/chat/completions"}'
		echo 'nonsense ☃'
	} >in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 10 batch_is failed
	manager --status "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ "$(shown Status)" = failed ]
	grep -q "line 4: missing_required_parameter (body): Missing" out.txt
	grep -q '^ *no-body: ' out.txt
	grep -q 'line 5: invalid_json_line: This line is not' out.txt
	grep -q '^ *nonsense ☃' out.txt
	tail -1 out.txt | grep -q '^Nothing was run or charged. Mend'
	manager --status "$BATCH_ID" --json
	[ "$(jq -c '[.errors.data[] | [.line, .code, .custom_id]]' out.txt)" = \
		'[[4,"missing_required_parameter","no-body"],[5,"invalid_json_line",null]]' ]
	[ "$(jq .next out.txt)" = null ]
}

@test "a failed batch: what stands on a line is told past a NUL" {
	a_desk
	write_input 2 in.jsonl
	sed -i 's/"r-1"/"r\\u0000-1"/; s/Say 1/Say\\u0000 1/; 1s/"model":"m",//' in.jsonl
	printf 'non\0sense\n' >>in.jsonl
	sed -n 1p in.jsonl >>in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 10 batch_is failed
	manager --status "$BATCH_ID"
	grep -qE '^ +r\\u0000-1: Say\\u0000 1$' out.txt
	grep -qE '^ +non\\u0000sense$' out.txt
	grep -qF "The custom_id 'r\u0000-1' for this request is a duplicate" out.txt
	manager --status "$BATCH_ID" --json
	[ "$(jq -c '[.errors.data[].custom_id]' out.txt)" = \
		'["r\u0000-1",null,"r\u0000-1"]' ]
}

@test "a failed batch whose input file is gone is told all the same" {
	a_desk
	echo nonsense >in.jsonl
	echo '{"custom_id":"a"}' | cat - in.jsonl >two.jsonl
	upload two.jsonl
	create_batch "$FILE_ID"
	wait_for 10 batch_is failed
	call DELETE "/v1/files/$FILE_ID"
	manager --status "$BATCH_ID"
	[ "$STATUS" = 0 ]
	grep -q 'line 2: invalid_json_line' out.txt
}

@test "many errors: the first ten, and how to see the others" {
	a_desk
	write_input 1 in.jsonl
	for i in {1..15}; do echo "bad $i"; done >>in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 10 batch_is failed
	manager --status "$BATCH_ID"
	[ "$(grep -c invalid_json_line out.txt)" = 10 ]
	grep -q 'and 5 more (--json shows all)' out.txt
	manager --status "$BATCH_ID" --json
	[ "$(jq '.errors.data | length' out.txt)" = 15 ]
}

@test "want of room is no fault of the file" {
	faults 'fail token_limit_exceeded "Enqueued token limit reached. Limit: 9"'
	a_desk --faults "$FAULTS"
	a_batch 1
	wait_for 10 batch_is failed
	manager --status "$BATCH_ID"
	grep -q 'Send it again when other batches have ended' out.txt
}

@test "failed rows are pointed at" {
	faults 'row 2: http_error 400 invalid_value "No"'
	a_desk --faults "$FAULTS"
	a_batch 3
	wait_for 10 batch_is completed
	manager --status "$BATCH_ID"
	[ "$(shown Requests)" = '2 of 3 done (100 %), 1 failed' ]
	[ "$(next_command)" = "batch_manager --errors $BATCH_ID" ]
}

@test "counts that the service does not tell are not made up" {
	faults 'on GET /v1/batches/*: counts null'
	a_desk --faults "$FAULTS"
	a_batch 1
	manager --status "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ -z "$(shown Requests)" ]
	manager --status "$BATCH_ID" --json
	[ "$(jq -c '[.request_counts.total, .percent]' out.txt)" = '[null,null]' ]
}

@test "another vendor's batch: few members, a status of its own" {
	faults 'on GET /v1/batches/b-1: status 200 body "{\"id\":\"b-1\",\"status\":\"Queued\",\"created_at\":1795000000}"'
	a_desk --faults "$FAULTS"
	manager --status b-1
	[ "$STATUS" = 0 ]
	[ "$(shown Status)" = queued ]
	manager --status b-1 --json
	[ "$(jq -c '[.status, .final, .model]' out.txt)" = '["queued",false,null]' ]
}

@test "a batch for another endpoint is downloaded, not scored" {
	faults 'on GET /v1/batches/b-1: status 200 body "{\"id\":\"b-1\",\"status\":\"completed\",\"created_at\":1795000000,\"endpoint\":\"/v1/embeddings\",\"output_file_id\":\"f\"}"'
	a_desk --faults "$FAULTS"
	manager --status b-1
	[ "$(next_command)" = 'batch_manager --download b-1' ]
}

@test "a chat's batch of unknown questions is downloaded, not scored" {
	a_desk --clock step
	a_batch 1 'nightly job'
	manager --status "$BATCH_ID"
	[ "$(next_command)" = "batch_manager --wait $BATCH_ID" ]
	restart
	wait_for 10 batch_is completed
	manager --status "$BATCH_ID"
	[ "$(next_command)" = "batch_manager --download $BATCH_ID" ]
	manager --submit in.jsonl --json
	BATCH_ID=$(jq -r '.batches[0]' out.txt)
	manager --list --json
	[[ $(jq -r ".[] | select(.id == \"$BATCH_ID\").next" out.txt) == \
		'batch_manager --'* ]]
	# Whoever asks for scores all the same is told where the results are.
	variant0 --mode batch --batch-id "$BATCH_ID"
	[ "$STATUS" = 2 ]
	says "is of the request file in.jsonl, which has no answers to score by"
}

@test "the run of a batch, and the run's other batches" {
	a_desk
	variant0 --mode batch --limit 5 --shard-requests 2 --dry-run
	local ids
	mapfile -t ids < <(ids_of "$OUT")
	[ ${#ids[@]} = 3 ]
	manager --status "${ids[1]}"
	[[ $(shown Run) == *'(1-hop-test), batch 2 of 3; the others:' ]]
	grep -q "^ *${ids[0]} " out.txt
	grep -q "^ *${ids[2]} " out.txt
	manager --status "${ids[1]}" --json
	[ "$(jq -c .run.batches out.txt)" = \
		"[\"${ids[0]}\",\"${ids[1]}\",\"${ids[2]}\"]" ]
}

@test "a journal that cannot be read takes nothing away" {
	a_desk
	a_batch 1
	mkdir -p "$XDG_STATE_HOME/nightmail"
	echo 'no database' >"$XDG_STATE_HOME/nightmail/journal.db"
	manager --status "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ "$(shown Batch)" = "$BATCH_ID" ]
}

@test "no journal is made by looking" {
	a_desk
	a_batch 1
	manager --status "$BATCH_ID"
	[ "$STATUS" = 0 ]
	[ ! -e "$XDG_STATE_HOME/nightmail" ]
}

@test "an unknown id is exit 4" {
	a_desk
	manager --status batch_nope
	[ "$STATUS" = 4 ]
	[ -z "$OUT" ]
	says "No batch found with id 'batch_nope'"
	local action
	for action in --status --wait --errors --download; do
		manager $action 0123456789ab
		[ "$STATUS" = 4 ]
		says "0123456789ab is a run's id, if any: $action wants that of a batch"
	done
}

@test "a batch of --local, asked for elsewhere, says where it is" {
	a_desk
	variant0 --mode batch --limit 1 --dry-run --local
	manager --status "$(ids_of "$OUT")"
	[ "$STATUS" = 4 ]
	says 'was made with --local: it is found there alone'
}

@test "what is no id is exit 2 in both programs alike, and nothing is sent" {
	a_desk
	local id words action
	for id in 'a/b' 'a b' $'a\nb' 'ü' .. 'a?b' "$(printf 'x%.0s' {1..300})"; do
		manager --status "$id"
		[ "$STATUS" = 2 ]
		says '--status: '
		words=${ERR#*: --status: }
		variant0 --mode batch --batch-id "$id"
		[ "$STATUS" = 2 ]
		says "--batch-id: $words"
	done
	for action in cancel wait errors download; do
		manager --$action ..
		[ "$STATUS" = 2 ]
		says "--$action: '..' is no batch id: "
	done
	[ "$(logged true)" = 0 ]
}

@test "--local: a status seen from time to time goes on to completed" {
	ln -s "$NM_SOURCE/data" data
	variant0 --mode batch --limit 5 --dry-run --local
	local id
	id=$(ids_of "$OUT")
	manager --status "$id" --local
	[ "$STATUS" = 0 ]
	[[ $(next_command) == *" --batch-id $id --local" ]]
	# A service would be done by now; each look is a process of its own.
	sleep 2.5
	manager --status "$id" --local
	[ "$(shown Status)" = completed ]
	manager --list --local --json
	[ "$(jq -c '[.[].status]' out.txt)" = '["completed"]' ]
}

@test "the printed command reaches the same service" {
	a_desk
	a_batch 1
	unset OPENAI_BASE_URL
	manager --status "$BATCH_ID" --base-url "$BASE_URL"
	[ "$STATUS" = 0 ]
	[[ $(next_command) == *" --batch-id $BATCH_ID --base-url $BASE_URL" ]]
	bounded "$NM_BUILD/src/prog/batch_manager" --status "$BATCH_ID" \
		--base-url "$BASE_URL"
	[[ $(next_command) == "$NM_BUILD/src/prog/variant0_llm_baseline "* ]]
}
