#!/usr/bin/env bats
# Any request file, sent in shards, followed to its last reply, saved in order.

load lib

write_requests() { # number
	local i
	for ((i = 0; i < $1; i++)); do
		printf '{"custom_id":"job %d é","method":"POST",' "$i"
		printf '"url":"/v1/responses","body":{"model":"m","input":"%d"}}\n' "$i"
	done >work.jsonl
}

manage() {
	OPENAI_API_KEY=sk-test batch_manager --base-url "$BASE_URL" "$@"
}

submit() {
	manage --submit work.jsonl --json "$@" >submitted.json
	ID=$(jq -r '.batches[0]' submitted.json)
}

posted() { # path
	logged ".method == \"POST\" and .path == \"$1\""
}

@test "a file goes out in shards and comes back a row a request, in order" {
	printf 'order shuffled\n' >f.faults
	start_server --faults f.faults
	write_requests 25
	submit --shard-requests 10
	[ "$(jq '.batches | length' submitted.json)" = 3 ]
	manage --wait "$ID" --quiet
	manage --download "$ID" -o out.jsonl --quiet
	jq -r .custom_id work.jsonl >wanted
	jq -r .custom_id out.jsonl >got
	cmp wanted got
	[ "$(jq -s 'map(select(.response.status_code == 200)) | length' \
		out.jsonl)" = 25 ]
}

@test "a file whose path is no UTF-8 is read again by its batch" {
	start_server
	write_requests 2
	mv work.jsonl $'work\xff.jsonl'
	manage --submit $'work\xff.jsonl' --json >submitted.json
	manage --wait "$(jq -r '.batches[0]' submitted.json)" >waited.txt 2>&1
	[ "$(LC_ALL=C grep -c $'\xff' waited.txt)" = 0 ]
}

@test "the same file again takes its unfinished run up, --new does not" {
	start_server --delay-in-progress 1000
	write_requests 3
	submit
	first=$ID
	submit
	[ "$ID" = "$first" ]
	[ "$(jq .taken_up submitted.json)" = true ]
	submit --shard-requests 1
	[ "$ID" = "$first" ]
	[ "$(posted /v1/batches)" = 1 ]
	submit --new
	[ "$ID" != "$first" ]
	[ "$(posted /v1/batches)" = 2 ]
}

is_creating() {
	manage --runs >runs.txt
	grep -q '^    batch_' runs.txt && grep -q 'creation not confirmed' runs.txt
}

@test "Ctrl-C tells how to send the rest, which is sent once" {
	printf 'on POST /v1/batches nth 2: hang\n' >f.faults
	start_server --faults f.faults
	a_priced_file work.jsonl 3
	OPENAI_API_KEY=sk-test batch_manager --base-url "$BASE_URL" --new \
		--submit work.jsonl --shard-requests 2 --max-cost 5 \
		2>err.txt 3>&- &
	local pid=$! status=0
	wait_for 10 is_creating
	kill -INT "$pid"
	wait "$pid" || status=$?
	[ $status = 130 ]
	[ "$(grep -A1 'To send the rest, run:' err.txt | tail -1)" = \
		"  batch_manager --submit work.jsonl --max-cost 5 --shard-requests 2 \
--base-url $BASE_URL" ]
	: >f.faults
	curl -s -X POST "$SERVER_URL/_control/faults" >/dev/null
	manage --submit work.jsonl --patience 0.2 --json >submitted.json
	[ "$(jq '.batches | length' submitted.json)" = 2 ]
	[ "$(curl -s -H 'Authorization: Bearer sk-test' "$BASE_URL/batches" |
		jq '.data | length')" = 2 ]
}

# Begun in the background; broken off when a batch of its run is there, or on its way, so.
break_off_when() { # filter option...
	local filter=$1
	shift
	OPENAI_API_KEY=sk-test batch_manager --base-url "$BASE_URL" "$@" \
		>out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	wait_for 10 has_batch "$filter"
	kill -INT "$pid"
	wait "$pid" || status=$?
	cat err.txt
	[ $status = 130 ]
}

has_batch() { # filter
	manage --runs --json | jq -e "any(.[0].batches[]; $1)" >/dev/null
}

@test "Ctrl-C in --submit says what goes on: no more than is known" {
	start_server
	write_requests 1
	nothing_goes_on() { # fault state line
		printf '%s\n' "$1" >f.faults
		stop_server
		start_server --port "${SERVER_URL##*:}" --faults f.faults
		break_off_when ".state | test(\"^$2 not confirmed\")" \
			--submit work.jsonl --patience 0.2
		grep -qx "$3" err.txt
		if grep -q 'goes on' err.txt; then return 1; fi
	}
	nothing_goes_on 'on POST /v1/files: hang' upload \
		'No batch was created yet. To go on, run:'
	nothing_goes_on 'on POST /v1/batches: hang' creation \
		'Whether a batch was created is not known yet. To look for it, and send the rest, run:'
}

@test "Ctrl-C in --wait says what goes on: nothing where all have ended" {
	printf 'on GET /v1/files/*/content: hang\n' >f.faults
	start_server --faults f.faults
	write_requests 1
	submit
	break_off_when '.status == "completed" and (.collected | not)' \
		--wait "$ID" --poll-interval 0.2
	grep -qx 'No batch of its run is at work any more. To wait for it again, run:' \
		err.txt
	# One of several.
	printf 'in_progress 25h of batch 3\n' >>f.faults
	stop_server
	start_server --port "${SERVER_URL##*:}" --faults f.faults
	write_requests 2
	submit --shard-requests 1
	break_off_when '.status == "completed" and (.collected | not)' \
		--wait "$ID" --poll-interval 0.2
	grep -qx 'The batch has ended; others of its run go on. To wait for it again, run:' \
		err.txt
}

# Begun in the background, broken off while the second batch's creation hangs.
break_off() { # option...
	OPENAI_API_KEY=sk-test batch_manager --base-url "$BASE_URL" "$@" \
		>out.txt 2>err.txt 3>&- &
	local pid=$! status=0
	wait_for 10 is_creating
	kill -INT "$pid"
	wait "$pid" || status=$?
	[ $status = 130 ]
	: >f.faults
	curl -s -X POST "$SERVER_URL/_control/faults" >/dev/null
}

# The command that stands after a line that ends so, run as it is pasted.
paste_after() { # text
	grep -A1 -- "$1\$" err.txt | tail -1 >command.txt
	OPENAI_API_KEY=sk-test bash -c "$(cat command.txt)"
}

@test "Ctrl-C in --new of several files: the rest is of the runs that it began" {
	printf 'on POST /v1/batches nth 4: hang\n' >f.faults
	start_server --faults f.faults --delay-in-progress 1000
	write_requests 3
	cp work.jsonl one.jsonl
	write_requests 2
	cp work.jsonl two.jsonl
	manage --submit one.jsonl two.jsonl --quiet >/dev/null
	break_off --new --submit one.jsonl two.jsonl --shard-requests 2 \
		--patience 0.2 --json
	paste_after 'To send the rest, run:' >rest.json
	[ "$(jq -s -c 'map([.file[-9:], (.batches | length)])' rest.json)" = \
		'[["one.jsonl",2],["two.jsonl",1]]' ]
	# Once each: as many batches as the four runs want.
	[ "$(curl -s -H 'Authorization: Bearer sk-test' "$BASE_URL/batches" |
		jq '.data | length')" = 5 ]
	[ "$(manage --runs --json | jq -c 'map(.state)')" = \
		'["open","open","left","left"]' ]
}

@test "where --new was refused half way, what goes on begins nothing once more" {
	printf '%s\n' 'on POST /v1/files nth 2: status 401' >f.faults
	start_server --faults f.faults --delay-in-progress 1000
	write_requests 3
	cp work.jsonl one.jsonl
	write_requests 2
	local status=0
	manage --new --submit one.jsonl work.jsonl >out.txt 2>err.txt || status=$?
	[ $status = 4 ]
	paste_after 'run without --new:' >out.txt
	[ "$(posted /v1/batches)" = 2 ]
	[ "$(manage --runs --json | jq length)" = 2 ]
}

@test "of several files those that are done are not sent again with the others" {
	printf '%s\n' 'on POST /v1/files nth 2: status 401' >f.faults
	start_server --faults f.faults
	write_requests 3
	cp work.jsonl one.jsonl
	write_requests 2
	run manage --submit one.jsonl work.jsonl --quiet
	[ "$status" = 4 ]
	ID=$(sed -n 's/^Batch ID: //p' <<<"$output")
	manage --wait "$ID" --quiet >/dev/null
	manage --submit one.jsonl work.jsonl --json >submitted.json 2>err.txt
	grep -q 'the run of one.jsonl is done, and others of this command are not' \
		err.txt
	[ "$(jq -s -c "map([.taken_up, .batches[0] == \"$ID\"])" \
		submitted.json)" = '[[true,true],[true,false]]' ]
	[ "$(posted /v1/batches)" = 2 ]
	# All of them done: all is sent anew.
	manage --wait "$(jq -s -r '.[1].batches[0]' submitted.json)" >/dev/null
	manage --submit one.jsonl work.jsonl --json >submitted.json 2>err.txt
	[ "$(grep -c 'the same was asked before' err.txt)" = 2 ]
	[ "$(posted /v1/batches)" = 4 ]
}

@test "one that is done, with another that was never sent: it is sent anew" {
	start_server
	write_requests 3
	cp work.jsonl one.jsonl
	manage --submit one.jsonl --json >submitted.json
	manage --wait "$(jq -r '.batches[0]' submitted.json)" --quiet >/dev/null
	write_requests 2
	manage --submit one.jsonl work.jsonl --json >submitted.json 2>err.txt
	grep -q 'the same was asked before, by run' err.txt
	[ "$(jq -s -c 'map(.taken_up)' submitted.json)" = '[false,false]' ]
	[ "$(posted /v1/batches)" = 3 ]
}

@test "the same requests by another name are not sent while the first are under way" {
	start_server --delay-in-progress 1000
	write_requests 3
	submit
	mv work.jsonl moved.jsonl
	run manage --submit moved.jsonl
	[ "$status" -eq 2 ]
	[[ $output == *'moved.jsonl holds the same requests as work.jsonl, whose run '* ]]
	[ "$(posted /v1/batches)" = 1 ]
	manage --submit moved.jsonl --new
	[ "$(posted /v1/batches)" = 2 ]
	# By its own name either is taken up.
	manage --submit moved.jsonl
	cp moved.jsonl work.jsonl
	submit
	[ "$(jq .taken_up submitted.json)" = true ]
	[ "$(posted /v1/batches)" = 2 ]
}

@test "of several files one that is under way by another name keeps the others back" {
	start_server --delay-in-progress 30
	write_requests 3
	cp work.jsonl copy.jsonl
	write_requests 2
	mv work.jsonl other.jsonl
	mv copy.jsonl work.jsonl
	cp work.jsonl copy.jsonl
	run manage --submit work.jsonl other.jsonl copy.jsonl
	[ "$status" -eq 2 ]
	[[ $output == *'copy.jsonl holds the same requests as work.jsonl: leave one of'* ]]
	[ "$(posted /v1/batches)" = 0 ]
	submit
	run manage --submit other.jsonl copy.jsonl
	[ "$status" -eq 2 ]
	[[ $output == *'copy.jsonl holds the same requests as work.jsonl, whose run '* ]]
	[ "$(posted /v1/batches)" = 1 ]
	manage --submit work.jsonl other.jsonl copy.jsonl --new
	[ "$(posted /v1/batches)" = 4 ]
	# One that a pattern and a name both gave is not begun twice.
	run manage --submit copy.jsonl work.jsonl ./work.jsonl --new
	[ "$status" -eq 2 ]
	[[ $output == *'./work.jsonl holds the same requests as work.jsonl, and has its name'* ]]
	[ "$(posted /v1/batches)" = 4 ]
}

@test "a file's name is shown without what moves the cursor, and cut at a character" {
	start_server
	write_requests 1
	local odd=$'o\e[31md\n.jsonl' long
	long=x$(printf 'é%.0s' {1..110}).jsonl
	mv work.jsonl "$odd"
	manage --submit "$odd" >out.txt
	[[ $(head -1 out.txt) == 'o?[31md?.jsonl: 1 request in '* ]]
	mv "$odd" "$long"
	manage --submit "$long" --new
	[ "$(manage --list --limit 1 --json | jq -r '.[0].description')" = \
		"x$(printf 'é%.0s' {1..99})" ]
}

@test "a single request is told as one" {
	start_server
	write_requests 1
	manage --submit work.jsonl >out.txt
	[[ $(head -1 out.txt) == 'work.jsonl: 1 request in 1 batch (run '* ]]
}

@test "what the service failed is sent again, what it refused is not" {
	printf '%s\n' 'row 1..2 of batch 1: http_error 503' \
		'row 3 of batch 1: http_error 400 bad_value "no"' >f.faults
	start_server --faults f.faults
	write_requests 6
	submit
	manage --wait "$ID" --quiet
	[ "$(posted /v1/batches)" = 2 ]
	run manage --download "$ID" -o out.jsonl --json
	[ "$status" -eq 1 ]
	[ "$(wc -l <out.jsonl)" = 6 ]
	[ "$(jq -r 'select(.response.status_code == 400) | .custom_id' \
		out.jsonl)" = "job 2 é" ]
}

@test "rows of many megabytes are read, and not paid again" {
	start_server
	# Of 200 embeddings 7 MB, of 1,000 some 36 MB.
	jq -nc '[1, 200, 1000] | to_entries[] | {custom_id: "e-\(.key)",
		method: "POST", url: "/v1/embeddings", body: {model: "m",
		dimensions: 3072, input: [range(.value) | "\(.)"]}}' >work.jsonl
	submit
	run manage --wait "$ID" --quiet
	[ "$status" -eq 0 ]
	[ "$(posted /v1/batches)" = 1 ]
	manage --download "$ID" -o out.jsonl --quiet
	[ "$(jq -r '[.custom_id, (.response.body.data | length)] | join(" ")' \
		out.jsonl | paste -sd,)" = 'e-0 1,e-1 200,e-2 1000' ]
}

@test "a faulty file is named by its line and nothing is sent" {
	start_server
	write_requests 2
	printf '{"custom_id":"x","method":"POST"}\n' >>work.jsonl
	run manage --submit work.jsonl
	[ "$status" -eq 3 ]
	[[ $output == *work.jsonl:3:*missing_required_parameter* ]]
	[ "$(posted /v1/files)" = 0 ]
}

@test "of several files a faulty one keeps the others back" {
	start_server
	write_requests 2
	printf '{"custom_id":"x","method":"POST"}\n' >faulty.jsonl
	run manage --submit work.jsonl faulty.jsonl
	[ "$status" -eq 3 ]
	[[ $output == *faulty.jsonl:1:*missing_required_parameter* ]]
	[ "$(posted /v1/files)" = 0 ]
	manage --runs | grep -q 'No run is recorded'
	sed 's/job/task/' work.jsonl >more.jsonl
	run manage --submit work.jsonl more.jsonl --shard-requests 1
	[ "$status" -eq 0 ]
	[ "$(posted /v1/batches)" = 4 ]
}

@test "a file that changed since it was sent is not followed" {
	start_server
	write_requests 4
	submit
	write_requests 5
	run manage --wait "$ID"
	[ "$status" -eq 3 ]
	[[ $output == *"no longer the file that was sent"* ]]
}

@test "a file that changes while it is sent is refused: no row is of another text" {
	printf 'on POST /v1/batches: status 429 header "Retry-After: 1"\n' >f.faults
	start_server --faults f.faults
	local pad status=0
	pad=$(printf 'x%.0s' {1..200000})
	for i in 1 2 3; do
		printf '{"custom_id":"%s","method":"POST","url":"/v1/responses",' $i
		printf '"body":{"model":"m","input":"old %s"}}\n' "$pad"
	done >work.jsonl
	cp work.jsonl kept.jsonl
	OPENAI_API_KEY=sk-test batch_manager --base-url "$BASE_URL" \
		--submit work.jsonl --shard-requests 1 2>err.txt 3>&- &
	local pid=$!
	# The first batch is refused for now.
	wait_for 10 grep -q '"/v1/batches"' "$SERVER_LOG"
	# As long as it was, and in the same file.
	sed 's/"old /"new /' kept.jsonl >changed.jsonl
	cat changed.jsonl >work.jsonl
	: >f.faults
	curl -s -X POST "$SERVER_URL/_control/faults" >/dev/null
	wait "$pid" || status=$?
	[ $status = 3 ]
	grep -q 'work.jsonl:3: the file has changed since it was first read' err.txt
	[ "$(cat "$STATE"/files/* | grep -c '"input":"new')" = 0 ]
	cp kept.jsonl work.jsonl
	manage --submit work.jsonl --patience 0.2 --json >submitted.json
	[ "$(jq '.taken_up, (.batches | length)' submitted.json | xargs)" = 'true 3' ]
	[ "$(logged '.method == "POST" and .path == "/v1/batches" and
		.status == 200')" = 3 ]
}

# All of a run's files at the service.
clean() {
	manage --clean --older-than 0 --yes >/dev/null
	[ "$(curl -s -H 'Authorization: Bearer sk-test' \
		"$BASE_URL/files" | jq '.data | length')" = 0 ]
}

@test "after --clean the file that was sent tells the order and what is missing" {
	printf '%s\n' 'order shuffled' 'row 4 of batch 1: http_error 400 bad "no"' \
		'row 2 of batch 1..9: missing' >f.faults
	start_server --faults f.faults
	write_requests 6
	submit
	manage --wait "$ID" --quiet >/dev/null
	clean
	run manage --download "$ID" -o out.jsonl --json
	[ "$status" -eq 1 ]
	cmp <(jq -r .custom_id work.jsonl) <(jq -r .custom_id out.jsonl)
	run manage --errors "$ID"
	[ "$status" -eq 0 ]
	[[ $output == *'1 × 400 bad: no'* ]]
	# Changed, it tells nothing: the rows are saved as they came.
	echo >>work.jsonl
	run manage --download "$ID" -o again.jsonl
	[[ $output == *'a request file is gone'* ]]
}

@test "results of an attempt that are gone are not missed where another brought all" {
	start_server
	write_requests 3
	submit
	is_completed() {
		manage --status "$ID" --json >status.json
		[ "$(jq -r .status status.json)" = completed ]
	}
	wait_for 10 is_completed
	curl -s -X DELETE -H 'Authorization: Bearer sk-test' \
		"$BASE_URL/files/$(jq -r .output_file_id status.json)" >/dev/null
	NIGHTMAIL_CLOCK=fast=100 manage --wait "$ID" --quiet >/dev/null
	run manage --download "$ID" -o out.jsonl
	[ "$status" -eq 0 ]
	[[ $output == *'its rows are missing'* ]]
	cmp <(jq -r .custom_id work.jsonl) <(jq -r .custom_id out.jsonl)
	[ "$(jq -s 'map(select(.response.status_code == 200)) | length' \
		out.jsonl)" = 3 ]
	# Where nothing tells what was asked, rows may be missing.
	echo >>work.jsonl
	curl -s -X DELETE -H 'Authorization: Bearer sk-test' \
		"$BASE_URL/files/$(jq -r .input_file_id status.json)" >/dev/null
	run manage --download "$ID" -o out.jsonl
	[ "$status" -eq 1 ]
	[[ $output == *'1 file of results could not be had: rows may be missing'* ]]
}

@test "--prune keeps results that were never saved" {
	start_server
	write_requests 3
	submit
	manage --wait "$ID" --quiet >/dev/null
	clean
	run manage --prune --older-than 0 --yes
	[ "$status" -eq 0 ]
	[[ $output == *'1 finished run is kept'*'There is nothing to forget.' ]]
	manage --download "$ID" -o out.jsonl --quiet
	[ "$(wc -l <out.jsonl)" = 3 ]
	# Waited for once more it is as it was.
	manage --wait "$ID" --quiet >/dev/null
	run manage --prune --older-than 0 --yes
	[[ $output == 'Forgot 1 of 1 run'* ]]
	cp out.jsonl before.jsonl
	run manage --download "$ID" -o out.jsonl
	[ "$status" -eq 4 ]
	cmp out.jsonl before.jsonl
}

@test "without a journal the sisters of a batch are found at the service" {
	printf '%s\n' 'row 2 of batch 1: http_error 503' >f.faults
	start_server --faults f.faults
	write_requests 5
	submit --shard-requests 2
	manage --wait "$ID" --quiet >/dev/null
	rm -r "$XDG_STATE_HOME"
	# The second attempt's batch, of one request, is newer than the others.
	last=$(manage --list --limit 1 --json | jq -r '.[0].id')
	run manage --download "$last" -o out.jsonl
	[ "$status" -eq 0 ]
	[[ $output == *'the results of its 4 batches are saved together'* ]]
	[ "$(jq -r '[.custom_id, .response.status_code] | join(" ")' out.jsonl |
		paste -sd,)" = "$(printf 'job %d é 200,' 0 1 2 3 4 | sed 's/,$//')" ]
	# The list may be refused: what is known is saved, and that is told.
	printf 'on GET /v1/batches: status 403\n' >f.faults
	curl -s -X POST "$SERVER_URL/_control/faults" >/dev/null
	run manage --download "$ID" -o out.jsonl
	[ "$status" -eq 1 ]
	[[ $output == *'whether '*' has sisters cannot be seen'* ]]
	[ "$(wc -l <out.jsonl)" = 2 ]
}

@test "results do not replace the requests that they are of" {
	start_server
	write_requests 3
	cp work.jsonl before.jsonl
	submit
	manage --wait "$ID" --quiet >/dev/null
	ln -s work.jsonl link.jsonl
	for path in work.jsonl ./work.jsonl link.jsonl; do
		run manage --download "$ID" -o "$path"
		[ "$status" -eq 2 ]
		[[ $output == *"$path holds the requests of $ID"* ]]
	done
	# Nor after the key was replaced.
	OPENAI_API_KEY=sk-other run batch_manager --base-url "$BASE_URL" \
		--download "$ID" -o work.jsonl
	[ "$status" -eq 2 ]
	cmp work.jsonl before.jsonl
	# Piped, they may have gone anywhere: they are not taken as saved.
	manage --download "$ID" -o - --quiet | cat >/dev/null
	run manage --prune --older-than 0 --yes
	[[ $output == *'1 finished run is kept'* ]]
}

@test "what no batch was made for yet is missing, not forgotten" {
	printf '%s\n' 'on POST /v1/batches nth 2..: status 401' >f.faults
	start_server --faults f.faults
	write_requests 6
	manage --submit work.jsonl --shard-requests 2 || true
	ID=$(manage --runs --json | jq -r '.[0].batches[0].id')
	wait_for 10 has_ended
	run manage --download "$ID" -o out.jsonl --json --quiet
	[ "$status" -eq 1 ]
	[ "$(jq -r .error.code out.jsonl | xargs)" = \
		'null null missing missing missing missing' ]
}

has_ended() {
	[ "$(manage --status "$ID" --json | jq -r .status)" = completed ]
}

# Twelve letters of texts in a message: at most 6 + 8 tokens, at $0.125 a million.
a_priced_file() { # file requests
	local i
	for ((i = 0; i < $2; i++)); do
		printf '{"custom_id":"%d","method":"POST",' "$i"
		printf '"url":"/v1/chat/completions","body":{"model":'
		printf '"gpt-5-mini","max_completion_tokens":100,'
		printf '"messages":[{"role":"user","content":"abcdefgh"}]}}\n'
	done >"$1"
}

@test "--max-cost: nothing is sent that could pass it, to the last digit" {
	start_server
	# Each: $0.00000175, and 100 tokens out at $1 a million.
	a_priced_file work.jsonl 2
	a_priced_file more.jsonl 1
	run manage --submit work.jsonl --max-cost 0.0002034
	[ "$status" -eq 2 ]
	[[ $output == *'it could cost '?'0.0002035, above'*'max-cost '?'0.0002034, '* ]]
	[[ $output == *'while a reply counts as the bound that its request states, else as 2000 tokens' ]]
	run manage --submit work.jsonl more.jsonl --max-cost 0.0002035
	[ "$status" -eq 2 ]
	[[ $output == *'adding more.jsonl'* ]]
	[ "$(posted /v1/files)" = 0 ]
	manage --runs | grep -q 'No run is recorded'
	manage --submit work.jsonl --max-cost 0.0002035
	[ "$(posted /v1/batches)" = 1 ]
	# Prompts alone tell nothing of a reply without a bound: 2,000 tokens.
	sed 's/"max_completion_tokens":100,//' more.jsonl >loose.jsonl
	run manage --submit loose.jsonl --max-cost 0.002
	[ "$status" -eq 2 ]
	manage --submit loose.jsonl --max-cost 0.00200175
}

@test "--max-cost: a model without a price, and what is no amount" {
	start_server
	write_requests 2
	run manage --submit work.jsonl --max-cost 100
	[ "$status" -eq 2 ]
	[[ $output == *'the price of m is unknown'* ]]
	for amount in 0 -1 1e-13 0x10 ' 1' 1,5 .0000000000001 nan; do
		run manage --submit work.jsonl --max-cost "$amount"
		[ "$status" -eq 2 ]
		[[ $output == *'is not an amount in USD'* ]]
	done
	run manage --wait batch_x --max-cost 1
	[[ $output == *'--max-cost goes with --submit'* ]]
	[ "$(posted /v1/files)" = 0 ]
}

@test "several files as JSON: an object each, a line each, of those that were sent" {
	printf 'on POST /v1/files nth 2: status 400\n' >f.faults
	start_server --faults f.faults
	write_input 2 a.jsonl
	write_input 3 b.jsonl
	local status=0
	manage --submit a.jsonl b.jsonl --json >sent.json || status=$?
	[ "$status" = 4 ]
	[ "$(jq -r '"\(.file) \(.requests)"' sent.json)" = "$PWD/a.jsonl 2" ]
	manage --submit a.jsonl b.jsonl --json --quiet >sent.json
	[ "$(wc -l <sent.json)" = 2 ]
	[ "$(jq -rs 'map("\(.file) \(.taken_up)") | join(", ")' sent.json)" = \
		"$PWD/a.jsonl true, $PWD/b.jsonl true" ]
}
