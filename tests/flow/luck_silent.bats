#!/usr/bin/env bats
# Single calls of a batch run to which no reply ever comes, and a cancel that fails in
# each way: it is left after its time, and made again only where that doubles nothing.
load lib
load client

files() {
	call GET '/v1/files?purpose=batch&limit=10000'
	member '.data | length'
}

batches() {
	call GET '/v1/batches?limit=100'
	member '.data | length'
}

# Afresh, with ten minutes in two seconds.
begin() { # rule...
	faults "$@"
	rm -rf state xdg results
	: >"$SERVER_LOG"
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE" --clock fast=300
	export NIGHTMAIL_CLOCK=fast=300
}

# Rows: the call that hangs | what else is amiss, so that it is made | the seconds that
# it is waited for. The server's log has no call that hangs, but the one after it.
@test "a reply that never comes, to each call of a batch run: left, and made again" {
	local which rule span bad=0
	while IFS='|' read -r which rule span; do
		begin "on $which nth 1: hang" "${rule:-# nothing}"
		run_batch 3 --patience 60
		if [ "$STATUS" != 0 ] || [ "$(files)" != 1 ] ||
			[ "$(batches)" != 1 ] ||
			[ "$(ledger)" != 'asked=3 answered=3 attempts=1' ] ||
			[ "$(result ".metrics.total_eval_time_sec >= $span")" \
				!= true ] ||
			[ "$(calls "${which% *}" "$(path_of "${which#* }")")" \
				-lt 1 ]; then
			echo "$which: status $STATUS, $(files) files," \
				"$(batches) batches, $(ledger)"
			jq -c '[.method, .path, .status, .fault]' "$SERVER_LOG"
			bad=1
		fi
		# The call that hangs keeps the server from its end.
		{ kill_server; } 2>/dev/null
	done <<-'EOF'
	POST /v1/files||300
	GET /v1/files|on POST /v1/files nth 1: act then lose reply|600
	POST /v1/batches||600
	GET /v1/batches|on POST /v1/batches nth 1: act then lose reply|600
	GET /v1/batches/*||600
	GET /v1/files/*||60
	GET /v1/files/*/content||60
	EOF
	[ $bad = 0 ]
}

# As a regular expression.
path_of() { # pattern
	echo "${1//\*/[^/]*}"
}

# Rows: what happens to the first cancel | how often it is sent in all.
@test "a cancel that fails once, in each way: sent again until it got through" {
	local act times bad=0
	while IFS='|' read -r act times; do
		begin 'validating forever' \
			"on POST /v1/batches/*/cancel nth 1: $act"
		run_batch 3 --finish-direct --deadline 5m
		if [ "$STATUS" != 0 ] || [ "$(batches)" != 1 ] ||
			[ "$(ledger)" != 'asked=3 answered=3 attempts=2' ] ||
			[ "$(result '.run.batches[0].status')" != cancelled ] ||
			[ "$(calls POST '/v1/batches/[^/]*/cancel')" != "$times" ] ||
			[ "$(calls POST /v1/chat/completions)" != 3 ]; then
			echo "$act: status $STATUS, $(ledger)"
			jq -c '[.method, .path, .status, .fault]' "$SERVER_LOG"
			bad=1
		fi
		{ kill_server; } 2>/dev/null
	done <<-'EOF'
	status 429|2
	status 500|2
	status 502 body "<html>"|2
	status 503|2
	act then status 500|2
	lose call|2
	act then lose reply|2
	cut after 9|2
	hang|1
	EOF
	[ $bad = 0 ]
}

@test "a cancel that never gets through: not hammered, told once, given up" {
	begin 'validating forever' 'on POST /v1/batches/*/cancel: status 500'
	NIGHTMAIL_CLOCK=fast=1000 run_batch 3 --finish-direct --deadline 5m
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=2' ]
	[ "$(calls POST /v1/chat/completions)" = 3 ]
	# For an hour, with pauses that grow to a minute; each is tried thrice.
	[ "$(calls POST '/v1/batches/[^/]*/cancel')" -gt 9 ]
	[ "$(calls POST '/v1/batches/[^/]*/cancel')" -le 225 ]
	[ "$(grep -c 'trying again' err.txt)" = 1 ]
	[ "$(grep -c 'is not cancelled' err.txt)" = 1 ]
}
