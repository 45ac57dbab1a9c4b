#!/usr/bin/env bats
# kill -9 at random moments of a batch with a real model behind: every row comes
# back once, and what was answered is not asked again. KILLS says how often; a
# soak sets it higher than the default.
load lib

: "${KILLS:=6}"
ROWS=240
AT_ONCE=4

setup_behind() {
	echo 'on POST /v1/chat/completions: delay 15ms' >slow.faults
	batch_server --port 0 --quiet --state-dir behind --faults slow.faults \
		--log behind.jsonl >behind.out 2>behind.err 3>&- &
	BEHIND=$!
	behind_speaks() { grep -q listening behind.out; }
	wait_for 20 behind_speaks
	BEHIND_URL=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' behind.out)
}

teardown() {
	[ -z "${SERVER_PID:-}" ] || stop_server || true
	[ -z "${BEHIND:-}" ] || kill "$BEHIND" || true
	wait || true
}

# Kills the server until the batch is final; the kills that this took.
kill_through() {
	local left=$1 status=''
	while :; do
		start_server --upstream "$BEHIND_URL" --concurrency $AT_ONCE
		[ "$left" -gt 0 ] || break
		sleep "0.$((RANDOM % 30 + 5))"
		kill_server
		left=$((left - 1))
		killed=$((killed + 1))
	done
	wait_for 60 batch_is completed
}

@test "every row once, and nothing answered is asked again" {
	setup_behind
	killed=0
	local round=0 asked again out
	while [ $killed -lt "$KILLS" ]; do
		round=$((round + 1))
		: >behind.jsonl
		rm -rf "$STATE"
		write_input $ROWS in.jsonl
		start_server --upstream "$BEHIND_URL" --concurrency $AT_ONCE
		upload in.jsonl
		create_batch "$FILE_ID"
		kill_server
		local before=$killed
		kill_through 6
		out=$(member .output_file_id)
		[ "$(member .request_counts.completed)" = $ROWS ]
		[ "$(member .error_file_id)" = null ]
		call GET "/v1/files/$out/content"
		[ "$(jq -r .custom_id "$BODY" | wc -l)" = $ROWS ]
		[ "$(jq -r .custom_id "$BODY" | sort -u | wc -l)" = $ROWS ]
		stop_server
		# Asked again is at most what was in flight when it was killed.
		asked=$(jq -r 'select(.status == 200).body_sha256' behind.jsonl |
			wc -l)
		again=$((asked - ROWS))
		echo "round $round: $((killed - before)) kills, $again asked again"
		[ $again -le $(((killed - before) * AT_ONCE)) ]
		[ "$(jq -r 'select(.body_sha256).body_sha256' behind.jsonl |
			sort -u | wc -l)" = $ROWS ]
	done
}
