#!/usr/bin/env bats
# A submission is refused, and will be sent again, though a gateway may have passed it on:
# it is looked for first, once, when all that was done is to be seen.
load lib
load client

files() {
	call GET '/v1/files?purpose=batch'
	member '.data | length'
}

batches() {
	call GET '/v1/batches?limit=100'
	member '.data | length'
}

# Milliseconds of the server's time between a refusal and the same again.
gap() { # path
	jq -s --arg path "$1" '[.[] | select(.method == "POST" and
		.path == $path).at_ms] | .[1] - .[0]' "$SERVER_LOG"
}

# Rows: the call | what is said, though it was done.
@test "done, and refused all the same: looked for once, and not done again" {
	local which act bad=0
	export NIGHTMAIL_CLOCK=fast=20
	while IFS='|' read -r which act; do
		faults "on POST $which nth 1: act then $act" \
			"stale ${which#/v1/} 14s"
		rm -rf state xdg
		: >"$SERVER_LOG"
		a_desk --faults "$FAULTS" --clock fast=20
		run_batch 3
		if [ "$STATUS" != 0 ] || [ "$(calls POST "$which")" != 1 ] ||
			[ "$(calls GET "$which")" != 1 ] ||
			[[ $ERR != *'was submitted, though it was refused'* ]] ||
			[ "$(ledger)" != 'asked=3 answered=3 attempts=1' ]; then
			echo "$which $act: status $STATUS, $(calls POST "$which") sent, $(calls GET "$which") looks"
			bad=1
		fi
		stop_server
	done <<-'ROWS'
	/v1/batches|status 429
	/v1/batches|status 409
	/v1/batches|status 429 header "Retry-After: 1"
	/v1/files|status 429
	/v1/files|status 409
	ROWS
	[ $bad = 0 ]
}

# Rows: the call | what is said, and true.
@test "refused and not done: sent again after one look, when the patience is over" {
	local which act bad=0
	export NIGHTMAIL_CLOCK=fast=20
	while IFS='|' read -r which act; do
		faults "on POST $which nth 1: $act"
		rm -rf state xdg
		: >"$SERVER_LOG"
		a_desk --faults "$FAULTS" --clock fast=20
		run_batch 3
		if [ "$STATUS" != 0 ] || [ "$(calls POST "$which")" != 2 ] ||
			[ "$(calls GET "$which")" != 1 ] ||
			[ "$(gap "$which")" -lt 15000 ] ||
			[ "$(ledger)" != 'asked=3 answered=3 attempts=1' ]; then
			echo "$which $act: status $STATUS, $(calls POST "$which") sent, $(calls GET "$which") looks, $(gap "$which") ms"
			bad=1
		fi
		stop_server
	done <<-'ROWS'
	/v1/batches|status 429
	/v1/batches|status 409
	/v1/files|status 429
	/v1/files|status 409
	ROWS
	[ $bad = 0 ]
}

@test "a conflict that does not pass: tried for the outage, and not in a hurry" {
	faults 'on POST /v1/batches: status 409'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=400 run_batch 2 --outage 10m
	[ "$STATUS" = 4 ]
	[[ $ERR == *'409'*'trying again, for up to 10m'* ]]
	[[ $(tail -3 err.txt) == *'while trying for 1'* ]]
	[ "$(calls POST /v1/batches)" -le 20 ]
	[ "$(batches)" = 0 ]
}

@test "done and refused for want of room: found, and neither sent again nor split" {
	local room='{\"error\":{\"message\":\"Enqueued token limit reached for m in organization o. Limit: 20 enqueued tokens.\",\"type\":\"invalid_request_error\",\"param\":null,\"code\":\"token_limit_exceeded\"}}'
	local status
	for status in 429 400; do
		faults "on POST /v1/batches nth 1: act then status $status body \"$room\""
		rm -rf state xdg
		a_desk --faults "$FAULTS" --clock fast=20
		: >"$SERVER_LOG"
		NIGHTMAIL_CLOCK=fast=20 run_batch 3
		[ "$STATUS" = 0 ]
		[ "$(calls POST /v1/batches)" = 1 ]
		[ "$(calls POST /v1/files)" = 1 ]
		lacks err.txt 'split into'
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		stop_server
	done
}

# Its look would fail for ever, and the refusal said that nothing was done.
@test "a service without lists: its refusals are taken at their word" {
	local status
	for status in 404 405 501; do
		faults 'on POST /v1/batches nth 1..2: status 429' \
			"on GET /v1/batches: status $status" \
			'on POST /v1/files nth 1: status 409' \
			"on GET /v1/files: status $status"
		rm -rf state xdg
		a_desk --faults "$FAULTS" --clock fast=50
		: >"$SERVER_LOG"
		NIGHTMAIL_CLOCK=fast=50 run_batch 3
		[ "$STATUS" = 0 ]
		[ "$(calls POST /v1/batches)" = 3 ]
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		stop_server
	done
}

# A process that ends while it waits after a refusal.
end_refused() { # signal rule...
	faults "${@:2}"
	rm -rf state xdg
	: >"$SERVER_LOG"
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 3 >out.txt 2>err.txt 3>&- &
	local pid=$!
	wait_for 10 grep -q 'trying again' err.txt
	kill -"$1" $pid
	wait $pid || true
}

@test "ended while it waited after a refusal: the next process looks, whatever ended it" {
	local signal
	for signal in INT KILL; do
		end_refused $signal \
			'on POST /v1/batches nth 1: act then status 429 body "{\"error\":{\"message\":\"Slow down.\"}}"'
		manager --runs
		[[ $OUT == *'creation not confirmed; resuming looks for it'* ]]
		[[ $OUT == *'429: Slow down'* ]]
		restart
		run_batch 3
		[ "$STATUS" = 0 ]
		[ "$(calls POST /v1/batches)" = 1 ]
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		stop_server
	done
}

@test "ended while it waited after a refusal, and there are no lists: it goes on" {
	end_refused INT 'on POST /v1/batches nth 1: status 429' \
		'on GET /v1/batches: status 404'
	NIGHTMAIL_CLOCK=fast=50 run_batch 3
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 2 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "refused until a deadline is near: looked for, and then asked directly" {
	faults 'on POST /v1/batches: status 429'
	a_desk --faults "$FAULTS" --clock fast=300
	NIGHTMAIL_CLOCK=fast=300 run_batch 3 --finish-direct --deadline 20m
	[ "$STATUS" = 0 ]
	[ "$(batches)" = 0 ]
	[ "$(calls POST /v1/chat/completions)" = 3 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=2' ]
}

# Rows: the call | what comes of it, each time.
@test "no reply until a deadline is near: looked for, and then asked directly" {
	local which act bad=0
	while IFS='|' read -r which act; do
		faults "on POST $which: $act"
		rm -rf state xdg
		: >"$SERVER_LOG"
		a_desk --faults "$FAULTS" --clock fast=300
		NIGHTMAIL_CLOCK=fast=300 run_batch 3 --finish-direct \
			--deadline 20m --outage 2h
		if [ "$STATUS" != 0 ] || [ "$(batches)" != 0 ] ||
			[ "$(calls POST /v1/chat/completions)" != 3 ] ||
			[ "$(ledger)" != 'asked=3 answered=3 attempts=2' ]; then
			echo "$which $act: status $STATUS, $(calls POST "$which") sent"
			bad=1
		fi
		stop_server
	done <<-'ROWS'
	/v1/batches|lose call
	/v1/batches|status 500
	/v1/files|lose call
	/v1/files|status 500
	ROWS
	[ $bad = 0 ]
}
