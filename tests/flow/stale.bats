#!/usr/bin/env bats
# A journal that is older than what was sent: its last steps are lost, or the state
# folder was restored. What the service has already is found by its tag, and not paid
# again.
load lib
load client

RULES=()

# Leaves a run where a key that is refused for this call leaves it, keeps the journal as
# it is then, goes on to the end, and brings the old journal back.
an_older_journal() { # path option... ; RULES
	faults "on POST $1 nth 1: status 401" "${RULES[@]}"
	a_desk --faults "$FAULTS" --clock fast=50
	export NIGHTMAIL_CLOCK=fast=50
	run_batch 4 "${@:2}"
	[ "$STATUS" = 4 ]
	cp -r xdg older
	run_batch 4 "${@:2}"
	[ "$STATUS" = 0 ]
	rm -rf xdg results
	mv older xdg
	: >"$SERVER_LOG"
}

sent() {
	echo "$(calls POST /v1/files) files, $(calls POST /v1/batches) batches"
}

looks() {
	echo "$(calls GET /v1/files) of files, $(calls GET /v1/batches) of batches"
}

@test "planned here, and done there: taken as it is, by one list" {
	an_older_journal /v1/files --shard-requests 2
	run_batch 4 --shard-requests 2
	[ "$STATUS" = 0 ]
	[ "$(sent)" = '0 files, 0 batches' ]
	[ "$(looks)" = '0 of files, 1 of batches' ]
	[[ $ERR == *"has 2 of this run's batches that were not known here"* ]]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
}

@test "uploaded here, and created there: taken as it is" {
	an_older_journal /v1/batches
	run_batch 4
	[ "$STATUS" = 0 ]
	[ "$(sent)" = '0 files, 0 batches' ]
	[ "$(looks)" = '0 of files, 1 of batches' ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
}

@test "planned here, and uploaded there: the file serves, and its batch is made" {
	faults 'on POST /v1/files nth 1: status 401' \
		'on POST /v1/batches nth 1: status 401'
	a_desk --faults "$FAULTS"
	run_batch 4
	cp -r xdg older
	run_batch 4
	[ "$STATUS" = 4 ]
	rm -rf xdg
	mv older xdg
	: >"$SERVER_LOG"
	run_batch 4
	[ "$STATUS" = 0 ]
	[ "$(sent)" = '0 files, 1 batches' ]
	[ "$(looks)" = '1 of files, 1 of batches' ]
	[[ $ERR == *"has 1 of this run's input files that were not known here"* ]]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
}

@test "a run that is new, or whose batches are all known, looks for nothing" {
	a_desk
	variant0 --mode batch --limit 2 --dry-run
	variant0 --mode batch --limit 2 --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(looks)" = '0 of files, 0 of batches' ]
}

@test "the lists fail, or there are none: the run goes on" {
	local act
	for act in 'status 404' 'status 405' 'status 501' 'status 403' \
		'status 200 body "<html>"' 'lose call'; do
		faults 'on POST /v1/files nth 1: status 401' \
			"on GET /v1/files: $act" "on GET /v1/batches: $act"
		rm -rf xdg state
		: >"$SERVER_LOG"
		a_desk --faults "$FAULTS" --clock fast=50
		NIGHTMAIL_CLOCK=fast=50 run_batch 4
		[ "$STATUS" = 4 ]
		NIGHTMAIL_CLOCK=fast=50 run_batch 4
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
		[ "$(sent)" = '2 files, 1 batches' ]
		stop_server
	done
}

# The shard was split since: its parts are not in the old journal, nor are their tags.
@test "a batch of the run that the journal has lost: told, and nothing is sent" {
	RULES=('quota requests 2')
	an_older_journal /v1/files
	run_batch 4
	[ "$STATUS" = 5 ]
	[[ $ERR == *'which the journal has lost'*'--batch-id batch_'* ]]
	[ "$(sent)" = '0 files, 0 batches' ]
	local id
	id=$(sed -n 's/.*--batch-id \(batch_[^ ]*\) .*/\1/p' err.txt)
	run_batch 4
	[ "$STATUS" = 5 ]
	variant0 --mode batch --batch-id "$id"
	[ "$STATUS" = 5 ]
	[ "$(sent)" = '0 files, 0 batches' ]
	# As it says.
	NIGHTMAIL_STATE=$PWD/empty variant0 --mode batch --batch-id "$id"
	[ "$STATUS" = 0 ]
	[ "$(sent)" = '0 files, 0 batches' ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	run_batch 4 --new
	[ "$STATUS" = 0 ]
}

@test "another attempt that the journal has lost: told, and nothing is sent" {
	RULES=('row 2 of batch 1: http_error 500')
	faults "${RULES[@]}"
	a_desk --faults "$FAULTS" --clock fast=50
	export NIGHTMAIL_CLOCK=fast=50
	variant0 --mode batch --limit 4 --dry-run
	cp -r xdg older
	run_batch 4
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
	rm -rf xdg
	mv older xdg
	: >"$SERVER_LOG"
	run_batch 4
	[ "$STATUS" = 5 ]
	[[ $ERR == *'which the journal has lost'* ]]
	[ "$(sent)" = '0 files, 0 batches' ]
}

@test "of a request file: told with what saves it" {
	faults 'on POST /v1/files nth 1: status 401' 'quota requests 2'
	a_desk --faults "$FAULTS" --clock fast=50
	export NIGHTMAIL_CLOCK=fast=50
	write_input 4 work.jsonl
	manager --submit work.jsonl
	cp -r xdg older
	manager --submit work.jsonl --json
	[ "$STATUS" = 0 ]
	manager --wait "$(jq -r '.batches[0]' <<<"$OUT")" --poll-interval 0.2
	[[ $ERR == *'2 completed: 4 of 4'* ]]
	rm -rf xdg
	mv older xdg
	: >"$SERVER_LOG"
	manager --submit work.jsonl
	[ "$STATUS" = 5 ]
	[[ $ERR == *'--download batch_'* ]]
	[ "$(sent)" = '0 files, 0 batches' ]
}

# What the journal itself replaced, by a new tag, is no reason to stop.
@test "batches that failed and were made again are not taken for lost ones" {
	faults 'on POST /v1/files nth 2: status 401' \
		'fail token_limit_exceeded "Enqueued token limit reached for m in organization o. Limit: 2,000,000 enqueued tokens." of batch 1..2' \
		'validating 1s'
	a_desk --faults "$FAULTS" --clock fast=50
	export NIGHTMAIL_CLOCK=fast=50
	variant0_llm_baseline --mode batch --limit 4 --poll-interval 0.2 \
		>out.txt 2>err.txt 3>&- &
	local pid=$!
	wait_for 10 grep -q 'submitted again' err.txt
	kill -9 $pid
	wait $pid || true
	run_batch 4
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 3 ]
}

# It knows no `after`, and says that there is more.
@test "a service that gives one page over and over: it is looked at, and that is all" {
	local page
	page='{\"data\":[{\"id\":\"batch_1\",\"status\":\"completed\",\"created_at\":'$(date +%s)'}],\"has_more\":true}'
	faults 'on POST /v1/files nth 1: status 401' \
		"on GET /v1/batches: status 200 body \"$page\"" \
		"on GET /v1/files: status 200 body \"$page\""
	a_desk --faults "$FAULTS"
	run_batch 4
	[ "$STATUS" = 4 ]
	run_batch 4
	[ "$STATUS" = 0 ]
	[ "$(looks)" = '2 of files, 2 of batches' ]
	[ "$(ledger)" = 'asked=4 answered=4 attempts=1' ]
	NIGHTMAIL_STATE=$PWD/empty variant0 --mode batch \
		--batch-id "$(result '.run.batches[0].id')"
	[ "$STATUS" = 0 ]
}

# Pages that take a while, and then one that never comes.
long_lists() { # path
	local i
	for i in 1 2 3 4; do
		echo "on GET $1 nth $i: delay 100ms status 200 body \"{\\\"data\\\":[$(
			)$(filler "$i-1"),$(filler "$i-2")],\\\"has_more\\\":true}\""
	done
	echo "on GET $1 nth 5: hang"
}

filler() { # id
	printf '{\\"id\\":\\"x-%s\\",\\"status\\":\\"completed\\",\\"created_at\\":%s}' \
		"$1" "$(date +%s)"
}

@test "a look through long lists is told of, and Ctrl-C ends it" {
	local what path
	for what in batches files; do
		path=/v1/$what
		{
			echo 'on POST /v1/files nth 1: status 401'
			long_lists "$path"
		} >"$what.txt"
		a_desk --faults "$what.txt" --clock fast=50
		export NIGHTMAIL_CLOCK=fast=50
		run_batch 4
		[ "$STATUS" = 4 ]
		: >"$SERVER_LOG"
		variant0_llm_baseline --mode batch --limit 4 >out.txt 2>err.txt 3>&- &
		local pid=$!
		fifth() { [ "$(calls GET "$path")" = 4 ]; }
		wait_for 10 fifth
		wait_for 10 grep -q "for those of this run: [248] so far" err.txt
		kill -INT $pid
		STATUS=0
		wait $pid || STATUS=$?
		[ "$STATUS" = 130 ]
		grep -q "looking through the account's $what for those of this run" err.txt
		[ "$(sent)" = '0 files, 0 batches' ]
		stop_server
		rm -rf xdg state
	done
}
