# upstream: a model behind the server: another server of ours, with a log of its own.
# Loaded after lib: `load lib`, `load upstream`.
#
#   start_upstream [OPTION...]  sets UPSTREAM_URL; UPSTREAM_LOG is what it was asked;
#                               on UPSTREAM_PORT, if that is set
#   stop_upstream               SIGTERM
#   fetch_results STATUS        of $BATCH_ID: both files in one, results
#   each_row_once N             they are
#   troubles KIND               how often it was met, by /metrics
#   troubled KIND TIMES         so often at least
#   another_batch_passes        the worker has looked at all that are older

start_upstream() { # option...
	local out=$BATS_TEST_TMPDIR/upstream.out
	UPSTREAM_LOG=$BATS_TEST_TMPDIR/upstream.jsonl
	: >"$out"
	batch_server --port "${UPSTREAM_PORT:-0}" \
		--state-dir "$BATS_TEST_TMPDIR/upstream" --log "$UPSTREAM_LOG" \
		--quiet "$@" >"$out" 2>>"$BATS_TEST_TMPDIR/server.err" 3>&- &
	UPSTREAM_PID=$!
	wait_for 20 grep -q 'listening on' "$out"
	UPSTREAM_URL=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' "$out")
}

stop_upstream() {
	kill -TERM "$UPSTREAM_PID"
	wait "$UPSTREAM_PID" || true
	UPSTREAM_PID=
}

teardown() {
	[ -z "$SERVER_PID" ] || stop_server || true
	[ -z "${UPSTREAM_PID:-}" ] || stop_upstream
	[ ! -s "$BATS_TEST_TMPDIR/server.err" ] ||
		sed 's/^/# /' "$BATS_TEST_TMPDIR/server.err"
}

# Both result files in one, sorted by id.
fetch_results() {
	local id
	batch_is "$1" || return 1
	: >results
	for id in $(member '.output_file_id, .error_file_id | strings'); do
		call GET "/v1/files/$id/content"
		cat "$BODY" >>results
	done
	call GET "/v1/batches/$BATCH_ID"
}

each_row_once() { # n
	[ "$(jq -r .custom_id results | sort | uniq | wc -l)" = "$1" ] &&
		[ "$(wc -l <results)" = "$1" ]
}

troubles() { # kind
	call GET /metrics
	sed -n 's/^nightmail_troubles_total{kind="'"$1"'"} //p' "$BODY"
}

troubled() { # kind times
	[ "$(troubles "$1")" -ge "$2" ]
}

# A worker goes from batch to batch, the oldest first.
another_batch_passes() {
	local before=$BATCH_ID
	write_input 1 another.jsonl
	upload another.jsonl && create_batch "$FILE_ID" || return 1
	wait_for 20 batch_is completed || return 1
	BATCH_ID=$before
}
