#!/usr/bin/env bats
# The service is away, for longer than patience lasts: what has answered once is
# waited for, whatever was being done; what never answered is not.
load lib
load client

begin() { # argument...
	variant0_llm_baseline --mode batch --poll-interval 0.2 "$@" \
		>out.txt 2>err.txt 3>&- &
	PID=$!
}

# Sets STATUS and ERR of what `begin` began.
end() {
	STATUS=0
	wait "$PID" || STATUS=$?
	ERR=$(cat err.txt)
	echo "-> $STATUS"
	cat err.txt
}

called() { # times method path
	[ "$(calls "$2" "$3")" -ge "$1" ]
}

# Dies in the midst of the n-th call of this kind, and is away for some seconds, real
# ones: twenty times as long by the client's clock.
outage() { # seconds times method path
	wait_for 10 called "$2" "$3" "$4"
	kill_server
	sleep "$1"
	restart
}

files() {
	call GET '/v1/files?purpose=batch'
	member '.data | length'
}

batches() {
	call GET '/v1/batches?limit=100'
	member '.data | length'
}

@test "the network goes away between two shards: they are sent when it is back" {
	faults 'on POST /v1/files nth 3: delay 30s'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 begin --limit 5 --shard-requests 1 --patience 2
	outage 1.5 2 POST /v1/batches
	end
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[ "$(files)" = 5 ]
	[ "$(batches)" = 5 ]
	[ "$(grep -c 'again' err.txt)" = 2 ]
	[[ $ERR == *'it went well again after'* ]]
}

@test "away during the look for a lost creation: looked for once it is back" {
	faults 'on POST /v1/batches nth 2: act then lose reply' \
		'on GET /v1/batches nth 1..: delay 30s'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 begin --limit 3 --shard-requests 1 --patience 2
	outage 1.5 2 POST /v1/batches
	end
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 3 ]
	[ "$(batches)" = 3 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "away during a download: it goes on when it is back" {
	faults 'on GET /v1/files/*/content nth 1: trickle 4000/s'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 begin --limit 20
	# Five tries within ten seconds by the client's clock.
	some_came() { [ "$(find xdg -name '*.part' -size +9 | wc -l)" != 0 ]; }
	wait_for 10 some_came
	kill_server
	sleep 2.5
	restart
	end
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=20 answered=20 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(logged '(.path | test("/content$")) and .status == 206')" = 1 ]
}

@test "another's page instead of the results: no row is taken for missing" {
	faults 'on GET /v1/files/** nth 1..12: status 200 body "<html>Sign in</html>" header "Content-Type: text/html"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=100 run_batch 5
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "another's page, where no file object tells what length the results have" {
	faults 'on GET /v1/files/*: status 404' \
		'on GET /v1/files/*/content nth 1..3: status 200 body "<html>Sign in</html>"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 run_batch 5
	[ "$STATUS" = 0 ]
	[[ $ERR == *'is no file of requests or results'* ]]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "another's page of a few bytes is no beginning of the results" {
	faults 'on GET /v1/files/*/content nth 1..3: status 200 body "null"'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=20 run_batch 5
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=5 answered=5 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "an outage has its end, and the printed command goes on from there" {
	a_desk --clock step
	NIGHTMAIL_CLOCK=fast=20 begin --limit 2 --outage 10s
	wait_for 10 called 2 GET '/v1/batches/.*'
	kill_server
	end
	[ "$STATUS" = 4 ]
	[[ $ERR == *'trying again, for up to 10s'* ]]
	[[ $ERR == *', while trying for 1'* ]]
	local command
	command=$(sed -n 's/^  variant0_llm_baseline //p' err.txt)
	restart
	# As printed, word by word.
	# shellcheck disable=SC2086
	variant0 $command --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(batches)" = 1 ]
}

@test "what never answered is told soon, and its address with it" {
	a_desk
	kill_server
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --limit 2 --quiet
	[ "$STATUS" = 4 ]
	says "nothing at $BASE_URL has answered as the service does"
	restart
	variant0 --mode batch --limit 2 --dry-run
	[ "$STATUS" = 0 ]
	kill_server
	# Neither is it waited for by a run that only has to look.
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --quiet \
		--batch-id "$(ids_of "$OUT")"
	[ "$STATUS" = 4 ]
	[[ $(head -1 err.txt) == *"is that its address?"* ]]
}

@test "uploads that are always cut: a stated time, and not in a hurry" {
	faults 'on POST /v1/files: lose call'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=400 run_batch 2 --patience 5 --outage 15m
	[ "$STATUS" = 4 ]
	[ "$(files)" = 0 ]
	[ "$(calls POST /v1/files)" -le 25 ]
	[ "$(grep -c 'before it is sent again' err.txt)" = 1 ]
}

@test "one batch that cannot be looked at keeps no sister from being fetched" {
	a_desk --delay-in-progress 0.2
	variant0 --mode batch --limit 2 --shard-requests 1 --dry-run
	[ "$STATUS" = 0 ]
	local broken
	broken=$(ids_of "$OUT" | head -1)
	faults "on GET /v1/batches/$broken nth 1..30: status 502" \
		'on GET /v1/files/*/content nth 1..6: status 503'
	restart --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=200 variant0 --mode batch --batch-id "$broken"
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=2 answered=2 attempts=1' ]
	# A line for the looks, one for the download.
	[ "$(grep -c 'trying again' err.txt)" = 2 ]
}

@test "manager: a request file's shards and results are borne with alike" {
	faults 'on POST /v1/files nth 3: delay 30s'
	a_desk --faults "$FAULTS"
	write_input 5 work.jsonl
	NIGHTMAIL_CLOCK=fast=20 batch_manager --submit work.jsonl \
		--shard-requests 1 --patience 2 --json >out.txt 2>err.txt 3>&- &
	PID=$!
	outage 1.5 2 POST /v1/batches
	end
	[ "$STATUS" = 0 ]
	[ "$(files)" = 5 ]
	local first
	first=$(jq -r '.batches[0]' out.txt)
	faults 'on GET /v1/files/*/content nth 1..20: status 502' \
		'on GET /v1/batches/* nth 1..20: status 500'
	restart --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=200 manager --wait "$first" --patience 2
	[ "$STATUS" = 0 ]
	[ "$(batches)" = 5 ]
}
