#!/usr/bin/env bats
# Direct mode while the network or the service is away: nothing that was answered is
# asked again, nothing is used up, and the run can be taken up.
load lib
load client

# shellcheck disable=SC2034 # client.bash reads it
RESULTS=results/variant0_llm_baseline_1-hop-test.json

begin() { # argument...
	variant0_llm_baseline "$@" >out.txt 2>err.txt 3>&- &
	PID=$!
}

end() {
	STATUS=0
	wait "$PID" || STATUS=$?
	OUT=$(cat out.txt)
	ERR=$(cat err.txt)
	echo "-> $STATUS"
	cat err.txt
}

asked() { # at least
	[ "$(calls POST /v1/chat/completions)" -ge "$1" ]
}

answered() {
	logged '.path == "/v1/chat/completions" and .status == 200'
}

# Questions that the service answered more than once.
doubled() {
	jq -r 'select(.path == "/v1/chat/completions" and .status == 200)
		.body_sha256' "$SERVER_LOG" | sort | uniq -d | wc -l
}

# It answers twelve questions, and dies over the next four.
TWELVE=('on POST /v1/chat/completions nth 1..12: delay 20ms'
	'on POST /v1/chat/completions: delay 60s')
die_over_four() {
	wait_for 10 asked 12
	# The log tells an answer before it is sent.
	wait_for 10 journalled 12
	kill_server
}

@test "silence: the service dies and does not come back; the same command asks the rest" {
	faults "${TWELVE[@]}"
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	NIGHTMAIL_CLOCK=fast=100 begin --limit 40 --concurrency 4 --outage 11m
	die_over_four
	end
	[ "$STATUS" = 4 ]
	[[ $ERR == *'cannot reach 127.0.0.1'*'waiting for the service, 11m 00s at most'* ]]
	[[ $ERR == *'the same command goes on'* ]]
	[ "$(answered)" = 12 ]
	# What came is saved; a run without any answer would leave it be.
	[ "$(jq -c '[.ledger.answered, .ledger.missing]' $RESULTS)" = '[12,28]' ]
	cp $RESULTS twelve.json
	variant0 --limit 39 --patience 1
	[ "$STATUS" = 4 ]
	cmp twelve.json $RESULTS
	restart --answer-key "$SAMPLE"
	variant0 --limit 40 --concurrency 4
	[ "$STATUS" = 0 ]
	[[ $ERR == *'taking it up'* ]]
	[ "$(ledger)" = 'asked=40 answered=40 attempts=1' ]
	[ "$(answered)" = 40 ]
	[ "$(doubled)" = 0 ]
}

@test "silence: the service dies and comes back; no attempt was used up" {
	faults "${TWELVE[@]}"
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	NIGHTMAIL_CLOCK=fast=10 begin --limit 40 --concurrency 4
	die_over_four
	# Long enough for all tries of all attempts, were they made without a rest.
	sleep 2
	kill -0 "$PID"
	restart --answer-key "$SAMPLE"
	end
	[ "$STATUS" = 0 ]
	[[ $ERR == *'waiting for the service, 10m 00s at most'* ]]
	[[ $ERR == *'the service answers again'* ]]
	[ "$(ledger)" = 'asked=40 answered=40 attempts=1' ]
	[ "$(answered)" = 40 ]
	[ "$(doubled)" = 0 ]
}

@test "silence: a service that fails everything is asked ever more slowly, then left" {
	faults 'on POST /v1/chat/completions nth 21..: status 503'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	NIGHTMAIL_CLOCK=fast=200 variant0 --limit 86 --concurrency 8
	[ "$STATUS" = 4 ]
	[[ $ERR == *'503'*'waiting for the service, 10m 00s at most'* ]]
	[[ $ERR == *'the same command goes on'* ]]
	# Twenty answers, and four a step of half a minute in ten.
	[ "$(calls POST /v1/chat/completions)" -lt 180 ]
	restart --answer-key "$SAMPLE"
	variant0 --limit 86
	[ "$STATUS" = 0 ]
	[ "$(result .ledger.answered)" = 86 ]
	[ "$(answered)" = 86 ]
	[ "$(doubled)" = 0 ]
}

@test "silence: what is waited for has a reason, also when an attempt begins with it" {
	faults 'on POST /v1/chat/completions nth 1..18: status 500'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	NIGHTMAIL_CLOCK=fast=20 variant0 --limit 4
	[ "$STATUS" = 0 ]
	[[ $ERR == *'waiting for the service, 10m 00s at most'*'attempt 2'* ]]
	lacks err.txt 'warning: :'
	[ "$(ledger)" = 'asked=4 answered=4 attempts=2' ]
}

@test "silence: a service that fails for a while loses no question" {
	faults 'on POST /v1/chat/completions nth 21..50: status 500'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	NIGHTMAIL_CLOCK=fast=100 variant0 --limit 86 --concurrency 8 --outage 1h
	[ "$STATUS" = 0 ]
	[ "$(result .ledger.answered)" = 86 ]
	[ "$(answered)" = 86 ]
}

@test "silence: the last questions are not used up in seconds" {
	faults 'on POST /v1/chat/completions nth 6..: status 500'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	local began=${EPOCHREALTIME/./}
	NIGHTMAIL_CLOCK=fast=30 variant0 --limit 8 --concurrency 4
	# Three questions are left: each has its three attempts of three tries.
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=8 answered=5 http_error=3 attempts=3' ]
	[ "$(calls POST /v1/chat/completions)" = 32 ]
	# A minute at least, of time that runs thirty times as fast.
	[ $((${EPOCHREALTIME/./} - began)) -gt 2000000 ]
}

@test "silence: a proxy's page instead of answers is the service's failure" {
	faults 'on POST /v1/chat/completions nth 21..: status 200 body "<!doctype html><title>Log in</title>"'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	NIGHTMAIL_CLOCK=fast=200 variant0 --limit 86 --concurrency 8
	[ "$STATUS" = 4 ]
	[[ $ERR == *'no completion'* ]]
	restart --answer-key "$SAMPLE"
	variant0 --limit 86
	[ "$STATUS" = 0 ]
	[ "$(result .ledger.answered)" = 86 ]
}

@test "silence: a page that stays is a row of the service's failure" {
	faults 'on POST /v1/chat/completions nth 2..: status 200 body "{\"status\":\"ok\"}"'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	NIGHTMAIL_CLOCK=fast=200 variant0 --limit 2 --concurrency 1 --outage 2h
	[ "$STATUS" = 1 ]
	[ "$(ledger)" = 'asked=2 answered=1 http_error=1 attempts=3' ]
	[ "$(result '.ledger.reasons[0] | "\(.class) \(.status) \(.code)"')" = \
		'http_error 200 no_completion' ]
	[[ $OUT == *'1 × 200 no_completion'* ]]
}

@test "silence: a redirect is no answer to a question" {
	faults 'on POST /v1/chat/completions nth 6..: status 302 header "Location: http://portal.example/" body ""'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	variant0 --limit 60 --concurrency 4
	[ "$STATUS" = 4 ]
	[[ $ERR == *'302'* ]]
	restart --answer-key "$SAMPLE"
	variant0 --limit 60
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=60 answered=60 attempts=1' ]
	[ "$(answered)" = 60 ]
}
