#!/usr/bin/env bats
# What may go wrong with calls, by the server's fault scripts: nothing is sent
# twice, nothing is waited for without end.
load lib
load client

# ---- submission ----

@test "a creation whose reply is lost is looked for: one batch" {
	faults 'on POST /v1/batches nth 1: act then lose reply'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 2
	[ "$STATUS" = 0 ]
	[[ $ERR == *'before it is sent again'* ]]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(calls POST /v1/files)" = 1 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "a creation that was lost on the way is sent again: one batch" {
	faults 'on POST /v1/batches nth 1: lose call'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 0.5
	[ "$STATUS" = 0 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "an upload whose reply is lost is looked for: one file" {
	faults 'on POST /v1/files nth 1: act then lose reply'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 2
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/files)" = 1 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	call GET '/v1/files?purpose=batch'
	[ "$(member '.data | length')" = 1 ]
}

@test "a creation answered by 500 may have acted: looked for" {
	faults 'on POST /v1/batches nth 1: status 500'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 0.5
	[ "$STATUS" = 0 ]
	[ "$(calls GET /v1/batches)" -ge 1 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "a creation answered by half a page of HTML: looked for" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1: status 200 body "<html><body>Hello"'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 5
	[ "$STATUS" = 0 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "the list that is looked through may lack has_more" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1: status 200 body "{\"data\":[]}"'
	a_desk --faults "$FAULTS"
	run_batch 3 --patience 3
	[ "$STATUS" = 0 ]
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 1 ]
}

@test "the lost creation, and the process ends: the next one finds it" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1..5: delay 30s'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 3 --dry-run \
		>first.txt 2>&1 3>&- &
	local pid=$!
	looking() { [ "$(calls POST /v1/batches)" = 1 ] &&
		grep -q 'looking' first.txt; }
	wait_for 10 looking
	kill -INT $pid
	wait $pid || true
	grep -q 'Whether a batch of 1-hop-test was created is not known yet' \
		first.txt
	lacks first.txt 'No batch'
	restart
	variant0 --mode batch --limit 3 --dry-run --patience 2
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	call GET '/v1/batches'
	[ "$(ids_of "$OUT")" = "$(member '.data[0].id')" ]
}

# A creation that acted, of a process that was killed before it knew; sets TAG.
a_lost_creation() {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1..5: delay 30s'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 3 --quiet 3>&- &
	local pid=$!
	created() { [ "$(calls POST /v1/batches)" = 1 ]; }
	wait_for 10 created
	kill -9 $pid
	wait $pid || true
	kill_server
	TAG=$(jq -r 'select(.batch_id).metadata.tag' "$SERVER_LOG")
}

# A curl config of n creations over one file.
many_creations() { # n file-id
	local i
	for ((i = 0; i < $1; i++)); do
		[ "$i" = 0 ] || echo next
		cat <<-EOF
			url = $BASE_URL/batches
			data = "{\"input_file_id\":\"$2\",\"endpoint\":\"/v1/chat/completions\",\"completion_window\":\"24h\"}"
			output = made.json
			silent
		EOF
	done
}

@test "a lost creation is found behind a page of newer ones" {
	a_lost_creation
	restart
	write_input 1 other.jsonl
	upload other.jsonl
	curl -K <(many_creations 120 "$FILE_ID")
	call GET '/v1/batches?limit=100'
	[ "$(member '[.data[].metadata.tag] | index("'"$TAG"'")')" = null ]
	: >"$SERVER_LOG"
	run_batch 3 --patience 1
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 0 ]
	[ "$(calls POST /v1/files)" = 0 ]
	[ "$(calls GET /v1/batches)" = 2 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

# A curl config of n uploads of one file.
many_uploads() { # n path
	local i
	for ((i = 0; i < $1; i++)); do
		[ "$i" = 0 ] || echo next
		cat <<-EOF
			url = $BASE_URL/files
			form = purpose=batch
			form = "file=@$2"
			output = made.json
			silent
		EOF
	done
}

@test "a lost upload is found behind a page of a thousand newer ones" {
	faults 'on POST /v1/files nth 1: act then lose reply' \
		'on GET /v1/files nth 1..5: delay 30s'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 3 --quiet 3>&- &
	local pid=$!
	uploaded() { [ "$(calls POST /v1/files)" = 1 ]; }
	wait_for 10 uploaded
	kill -9 $pid
	wait $pid || true
	kill_server
	restart
	write_input 1 other.jsonl
	curl -K <(many_uploads 1020 other.jsonl)
	call GET '/v1/files?purpose=batch&limit=1000&order=desc'
	[ "$(member '[.data[].filename] | unique | @json')" = '["other.jsonl"]' ]
	: >"$SERVER_LOG"
	run_batch 3 --patience 1
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/files)" = 0 ]
	[ "$(calls GET /v1/files)" = 2 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

# The upload is as if it had been cut on the way, and stored all the same.
@test "a file of the run that is not as long as what was sent is not used" {
	faults 'on POST /v1/files nth 1: act then lose reply' \
		'on GET /v1/files nth 1..5: delay 30s'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 3 --quiet 3>&- &
	local pid=$! name id
	uploaded() { [ "$(calls POST /v1/files)" = 1 ]; }
	wait_for 10 uploaded
	kill -9 $pid
	wait $pid || true
	kill_server
	restart
	call GET '/v1/files?purpose=batch'
	id=$(member '.data[0].id')
	name=$(member '.data[0].filename')
	call GET "/v1/files/$id/content"
	head -n 2 "$BODY" >cut.jsonl
	call DELETE "/v1/files/$id"
	call POST /v1/files -F purpose=batch \
		-F "file=@cut.jsonl;filename=$name"
	[ "$STATUS" = 200 ]
	id=$(member .id)
	run_batch 3
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[[ $ERR == *"$id has $(wc -c <cut.jsonl) bytes instead of"*' is uploaded again'* ]]
	[ "$(grep -c 'bytes instead of' err.txt)" = 1 ]
	# The next one has another name, since this one's is taken.
	call GET '/v1/files?purpose=batch'
	[ "$(member '[.data[].filename] | unique | length')" = 2 ]
	call GET /v1/batches
	[ "$(member '.data | length')" = 1 ]
	[ "$(member '.data[0].input_file_id')" != "$id" ]
}

@test "a lost creation is found in a list that begins with the oldest" {
	a_lost_creation
	restart
	call GET /v1/batches
	local mine old
	mine=$(jq -c . "$BODY" | sed 's/"/\\"/g')
	old=$(jq -c '.data |= [range(2) as $i | .[0] | .id = "batch_old\($i)" |
		.created_at = 1500000000 + $i | .metadata = null] |
		.has_more = true' "$BODY" | sed 's/"/\\"/g')
	faults "on GET /v1/batches nth 1: status 200 body \"$old\"" \
		"on GET /v1/batches nth 2: status 200 body \"$mine\""
	restart --faults "$FAULTS"
	: >"$SERVER_LOG"
	run_batch 3 --patience 1
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 0 ]
	[ "$(logged '.query == "limit=100&after=batch_old1"')" = 1 ]
}

@test "a file unseen for some seconds after its upload" {
	local when
	for when in sync async; do
		faults 'stale files 8s'
		rm -rf state
		a_desk --unknown-file $when --faults "$FAULTS" --clock fast=50
		: >"$SERVER_LOG"
		NIGHTMAIL_CLOCK=fast=50 run_batch 3
		[ "$STATUS" = 0 ]
		[ "$(calls POST /v1/files)" = 1 ]
		call GET '/v1/batches'
		[ "$(member '[.data[] | select(.status == "completed")] |
			length')" = 1 ]
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		stop_server
	done
}

@test "a file that is never seen: sent once more, and told after some tries" {
	faults 'stale files 1h'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=200 run_batch 3
	[ "$STATUS" = 1 ]
	[[ $ERR == *'Cannot find file'* ]]
	[ "$(calls POST /v1/files)" = 2 ]
	[ "$(calls POST /v1/batches)" = 10 ]
}

@test "a file that is gone before its batch was made: sent again, and all answered" {
	local when
	for when in sync async; do
		faults 'on POST /v1/batches nth 2: lose call' \
			'on GET /v1/batches: hang'
		rm -rf state xdg
		a_desk --unknown-file $when --faults "$FAULTS"
		: >"$SERVER_LOG"
		: >looking.txt
		variant0_llm_baseline --mode batch --limit 4 --dry-run \
			--shard-requests 2 >/dev/null 2>looking.txt 3>&- &
		wait_for 10 grep -q 'looking for its tag' looking.txt
		kill -9 $!
		wait $! || true
		call GET /v1/files
		call DELETE "/v1/files/$(member '[.data[] |
			select(.filename | test("-2-[0-9a-f]*.jsonl"))][0].id')"
		[ "$(member .deleted)" = true ]
		restart --unknown-file $when --faults /dev/null
		NIGHTMAIL_CLOCK=fast=50 run_batch 4 --shard-requests 2
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
		[[ $ERR == *'it is uploaded again'* ]]
		[ "$(calls POST /v1/files)" = 3 ]
		call GET /v1/batches
		[ "$(member '[.data[] | select(.status == "completed")] |
			length')" = 2 ]
		stop_server
	done
}

@test "a lone request above the account's limit: told after three refusals" {
	faults 'quota tokens 2'
	a_desk --faults "$FAULTS" --clock fast=50
	NIGHTMAIL_CLOCK=fast=50 run_batch 1
	[ "$STATUS" = 1 ]
	[[ $ERR == *'Limit: 2 enqueued tokens'* ]]
	[[ $ERR == *'no batch of 1-hop-test brought a result'* ]]
	[ "$(calls POST /v1/files)" = 1 ]
	[ "$(calls POST /v1/batches)" = 3 ]
	# It is over: the same command begins anew.
	NIGHTMAIL_CLOCK=fast=50 run_batch 1
	[ "$(calls POST /v1/files)" = 2 ]
}

@test "creations refused by the hour hold the others back, not what is there" {
	faults 'quota creations 2/h'
	a_desk --faults "$FAULTS" --clock fast=3600
	NIGHTMAIL_CLOCK=fast=3600 run_batch 4 --shard-requests 1
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[ "$(logged '.method == "POST" and .path == "/v1/batches" and
		.status == 429')" -le 12 ]
	call GET /v1/batches
	[ "$(member '.data | length')" = 4 ]
}

# ---- waiting and fetching ----

@test "429 and 5xx once on every kind of call" {
	local status
	for status in 429 500 502 503; do
		faults "on POST /v1/files nth 1: status $status" \
			"on POST /v1/batches nth 1: status $status" \
			"on GET /v1/batches/* nth 1..2: status $status" \
			"on GET /v1/files/* nth 1: status $status" \
			"on GET /v1/files/*/content nth 1: status $status"
		a_desk --faults "$FAULTS"
		NIGHTMAIL_CLOCK=fast=20 run_batch 3 --new --patience 2
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		call GET '/v1/batches'
		[ "$(member '[.data[].input_file_id] | unique | length')" = \
			"$(member '.data | length')" ]
		stop_server
	done
	a_desk
	call GET '/v1/batches'
	[ "$(member '.data | length')" = 4 ]
}

@test "Retry-After is obeyed, in seconds and in milliseconds" {
	# Each longer than the pause that is made unasked (5 s, and 4 s); were the
	# milliseconds taken for seconds, the test would be out of time.
	faults 'on POST /v1/batches nth 1: status 429 header "Retry-After: 20"' \
		'on GET /v1/batches/* nth 1: status 503 header "retry-after-ms: 9000"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=10 run_batch 2
	[ "$STATUS" = 0 ]
	[ "$(jq -s '[.[] | select(.method == "POST" and
		.path == "/v1/batches").at_ms] | .[1] - .[0] >= 2000' \
		"$SERVER_LOG")" = true ]
	[ "$(jq -s '[.[] | select(.method == "GET" and
		(.path | test("^/v1/batches/"))).at_ms] | .[1] - .[0] >= 900' \
		"$SERVER_LOG")" = true ]
}

@test "a page of HTML instead of the batch: looked at again" {
	faults 'on GET /v1/batches/* nth 1..3: status 200 body "<html>Sign in</html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=4 run_batch 2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=2 answered=2 attempts=1' ]
}

@test "a server that only ever answers HTML: one line, in time" {
	faults 'on * /v1/**: status 200 body "<html>Welcome to the hotel</html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --limit 2 --dry-run \
		--patience 5
	[ "$STATUS" = 4 ]
	[ -z "$OUT" ]
	[[ $(tail -1 err.txt) == variant0_llm_baseline:* ]]
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --batch-id batch_1
	[ "$STATUS" = 4 ]
	says 'is not JSON'
}

@test "bodies cut at every place: looked at again, resumed by Range" {
	faults 'on GET /v1/batches/* nth 1: cut after 40' \
		'on GET /v1/files/* nth 1: cut after 10' \
		'on GET /v1/files/*/content nth 1: cut after 9000' \
		'on GET /v1/files/*/content nth 2: cut after 6000'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=4 run_batch 40
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=40 answered=40 attempts=1' ]
	[ "$(logged '.path | test("/content$")')" = 3 ]
	# The later ones are asked for from where the one before ended, less what shows
	# that they fit.
	[ "$(jq -s '[.[] | select(.path | test("/content$")).status] | @json' \
		"$SERVER_LOG")" = '"[200,206,206]"' ]
	call GET /v1/batches
	call GET "/v1/files/$(member '.data[0].output_file_id')"
	[ "$(jq -s 'map(select(.path | test("/content$")))[2].bytes_out' \
		"$SERVER_LOG")" = $(($(member .bytes) - 9000 + 4096 - 6000 + 4096)) ]
}

@test "the results cannot be downloaded for now: exit 4, then they can" {
	faults 'on GET /v1/files/*/content: status 500'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=50 run_batch 3 --outage 1m
	[ "$STATUS" = 4 ]
	[ ! -e "$RESULTS" ]
	local id
	id=$(jq -r 'select(.batch_id).batch_id' "$SERVER_LOG" | head -1)
	[[ $ERR == *'No batch of 1-hop-test is at work any more'* ]]
	lacks err.txt 'goes on'
	[ "$(tail -1 err.txt)" = \
		"  variant0_llm_baseline --mode batch --batch-id $id" ]
	restart
	variant0 --mode batch --batch-id "$id"
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "a result file unseen at first is waited for, not paid for again" {
	faults 'on GET /v1/files/* nth 1..2: status 404' \
		'on GET /v1/files/*/content nth 1..2: status 404'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=4 run_batch 3 --patience 60
	[ "$STATUS" = 0 ]
	[[ $ERR == *'is not there yet: looking again'* ]]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "a result file whose object is not listed is downloaded all the same" {
	faults 'on GET /v1/files/*: status 404'
	a_desk --faults "$FAULTS"
	run_batch 3
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "a result file that is gone: its rows are missing" {
	faults 'on GET /v1/files/*/content: status 404'
	a_desk --faults "$FAULTS"
	run_batch 3 --max-attempts 1 --patience 1
	[ "$STATUS" = 1 ]
	[[ $ERR == *'is gone: its rows are missing'* ]]
	[ "$(ledger)" = 'asked=3 missing=3 attempts=1' ]
	[ "$(result .status)" = partial ]
}

# Lost before anything was done, lost afterwards, and lost within the reply, each at
# each call of a run; the looks happen since the creation's first reply is lost too.
@test "every call cut before, after and within: one of each, all answered" {
	local call act
	for call in 'POST /v1/files' 'GET /v1/files' 'POST /v1/batches' \
		'GET /v1/batches' 'GET /v1/batches/*' 'GET /v1/files/*' \
		'GET /v1/files/*/content'; do
		for act in 'lose call' 'act then lose reply' 'cut after 9'; do
			faults "on $call nth 1: $act" \
				'on POST /v1/files nth 1: act then lose reply' \
				'on POST /v1/batches nth 1: act then lose reply'
			rm -rf state xdg
			: >"$SERVER_LOG"
			a_desk --faults "$FAULTS" --clock fast=50
			NIGHTMAIL_CLOCK=fast=50 run_batch 3 --patience 2
			[ "$STATUS" = 0 ]
			[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
			call GET '/v1/batches'
			[ "$(member '.data | length')" = 1 ]
			call GET '/v1/files?purpose=batch'
			[ "$(member '.data | length')" = 1 ]
			stop_server
		done
	done
}

@test "a server that never answers: bounded" {
	faults 'on * /v1/**: hang'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=2000 variant0 --mode batch --limit 2 --dry-run \
		--patience 5 --quiet
	[ "$STATUS" = 4 ]
	NIGHTMAIL_CLOCK=fast=2000 variant0 --mode batch --batch-id batch_1
	[ "$STATUS" = 4 ]
	says 'no whole reply'
	NIGHTMAIL_CLOCK=fast=2000 variant0 --limit 2 --quiet
	[ "$STATUS" = 4 ]
	kill_server
}

@test "the server goes away while waited for, and comes back" {
	a_desk --clock step
	variant0_llm_baseline --mode batch --limit 3 --poll-interval 0.2 \
		>out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	polled() { [ "$(calls GET '/v1/batches/.*')" -ge 2 ]; }
	wait_for 10 polled
	stop_server
	sleep 0.5
	restart
	wait $pid || status=$?
	cat err.txt
	[ $status = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}
