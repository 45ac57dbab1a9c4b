#!/usr/bin/env bats
# The server, killed at each durable step of its life: while it makes its folder,
# takes a file and a batch, keeps answers of a model behind, and publishes them.
# Whatever the step: it opens again, what a client was told is so, each row has one
# line, and nothing that was answered and kept is asked again.
load ../flow/lib

STOP_AT_LIB=$NM_BUILD/tests/stop/libstop_at.so
ROWS=8
AT_ONCE=2
# So many lives at once: most of each is waiting.
LANES=2
# What stands on the shelf is synced each fifth of a second: with the power goes
# what came since.
: "${POWER:=}"
WATCH=()

# In place of the program, with stop_at before it where one is watched.
batch_server() {
	exec env "${WATCH[@]}" batch_server "$@"
}

watched() { # variable=value...
	WATCH=("LD_PRELOAD=$STOP_AT_LIB" "STOP_LOG=$PWD/steps"
		${POWER:+STOP_POWER=1}
		"ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0" "$@")
}

teardown() {
	[ -z "${SERVER_PID:-}" ] || kill_server
	[ -z "${BEHIND:-}" ] || kill "$BEHIND"
	wait || true
}

start_behind() { # option...
	batch_server --port 0 --quiet --state-dir behind --log behind.jsonl "$@" \
		>behind.out 2>behind.err 3>&- &
	BEHIND=$!
	behind_speaks() { grep -q listening behind.out; }
	wait_for 20 behind_speaks
	BEHIND_URL=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' behind.out)
}

start() {
	start_server --upstream "$BEHIND_URL" --concurrency $AT_ONCE \
		--delay-validating 0 --delay-in-progress 0 --delay-finalizing 0
}

is_dead() {
	! kill -0 "$SERVER_PID"
}

# It died of the moment, or there is something wrong with it.
start_again() {
	local status=0
	wait_for 2 is_dead || return 1
	wait "$SERVER_PID" || status=$?
	SERVER_PID=
	[ $status = 137 ] || {
		echo "it ended with $status"
		return 1
	}
	WATCH=()
	start
}

# A call that is made once more when its server died of it.
insist() { # command...
	"$@" && return
	start_again && "$@"
}

upload_once() {
	call POST /v1/files -F purpose=batch -F file=@in.jsonl
	[ "$STATUS" = 200 ] && FILE_ID=$(member .id)
}

# One that came into being without a word is found.
create_once() {
	call GET /v1/batches
	[ "$STATUS" = 200 ] || return 1
	BATCH_ID=$(member '.data[0].id // empty')
	[ -z "$BATCH_ID" ] || return 0
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	[ "$STATUS" = 200 ] && BATCH_ID=$(member .id)
}

# By the bytes, since it is looked at often.
ended_or_died() {
	call GET "/v1/batches/$BATCH_ID"
	[[ $(<"$BODY") == *'"status":"completed"'* ]] || [ "$STATUS" = 000 ]
}

see_to_end() {
	wait_for 20 ended_or_died && [ "$STATUS" = 200 ]
}

# Each file that is told of is there, whole.
files_are_whole() {
	local id bytes
	call GET /v1/files
	for id in $(member '.data[] | "\(.id):\(.bytes)"'); do
		bytes=${id#*:}
		call GET "/v1/files/${id%:*}/content"
		[ "$(wc -c <"$BODY")" = "$bytes" ] || return 1
	done
}

check_end() {
	[ "$(member '.request_counts | @json')" = \
		'{"total":'$ROWS',"completed":'$ROWS',"failed":0}' ] || return 1
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -r .custom_id "$BODY" | sort)" = "$(jq -r .custom_id in.jsonl |
		sort)" ] || return 1
	call GET "/v1/files/$FILE_ID/content"
	cmp "$BODY" in.jsonl || return 1
	files_are_whole || return 1
	# Once more is asked what was under way, or not yet kept.
	[ "$(wc -l <behind.jsonl)" -le $((ROWS + ${POWER:+ROWS} + 2 * AT_ONCE)) ]
}

live() {
	rm -rf "$STATE" steps
	: >behind.jsonl
	{ start || start_again; } && insist upload_once && insist create_once &&
		insist see_to_end && check_end
}

# Sets STEPS, and FIRST_ROWS, the step that makes the first answers last.
learn() { # option of the model behind...
	write_input $ROWS in.jsonl
	start_behind "$@"
	watched
	live
	stop_server
	STEPS=$(wc -l <steps)
	FIRST_ROWS=$(grep -n -m 1 '/work/.*output' steps | cut -d: -f1)
	echo "# $STEPS steps" >&3
	[ "$STEPS" -gt 10 ]
}

# Who works has then looked at all that are older, too.
another_batch_passes() {
	local before=$BATCH_ID
	create_batch "$FILE_ID" && see_to_end || return 1
	BATCH_ID=$before
}

# As live, but that a server without the model behind comes first after the death:
# what was answered so far stays as it is, and nothing is simulated beside it.
live_between() {
	rm -rf "$STATE" steps
	: >behind.jsonl
	start && upload_once && create_once || return 0
	wait_for 20 ended_or_died || return 1
	[ "$STATUS" = 000 ] || return 0
	wait "$SERVER_PID"
	SERVER_PID=
	WATCH=()
	cat "$STATE/work/$BATCH_ID.output" >kept
	[ -s kept ] && [ "$(wc -l <kept)" -lt $ROWS ] || return 0
	between=$((between + 1))
	start_server --delay-validating 0 --delay-in-progress 0 \
		--delay-finalizing 0
	another_batch_passes || return 1
	batch_is in_progress && cmp "$STATE/work/$BATCH_ID.output" kept ||
		return 1
	stop_server
	start && see_to_end && check_end &&
		[ "$(jq -r 'select(.status == 200).prompt' behind.jsonl | sort -u |
			wc -l)" = $ROWS ]
}

@test "killed with some answers, started without the model behind" {
	local wrong=0 between=0 n
	echo 'on POST /v1/chat/completions: delay 250ms' >slow
	learn --faults slow
	# Between the first answers and the end.
	for ((n = FIRST_ROWS; n < FIRST_ROWS + 4; n++)); do
		watched "STOP_AT=within $n"
		{ live_between; } 2>/dev/null || {
			echo "within $n: $STATUS $(cat "$BODY") $(cat server.err)"
			wrong=$((wrong + 1))
		}
		[ -z "$SERVER_PID" ] || { kill_server; } 2>/dev/null
	done
	[ $wrong = 0 ]
	[ $between -gt 0 ]
}

# A life for each moment of every other step, in a folder of its own.
sweep_lane() { # first what...
	local wrong=0 n what
	BATS_TEST_TMPDIR=$BATS_TEST_TMPDIR/lane.$1
	mkdir "$BATS_TEST_TMPDIR"
	cd "$BATS_TEST_TMPDIR" || return 1
	STATE=$PWD/state SERVER_LOG=$PWD/requests.jsonl SERVER_PID=''
	write_input $ROWS in.jsonl
	start_behind
	for ((n = $1; n <= STEPS; n += LANES)); do
		for what in "${@:2}"; do
			watched "STOP_AT=$what $n"
			{ live; } 2>/dev/null || {
				echo "$what $n: $STATUS $(cat "$BODY") $(cat server.err)"
				wrong=$((wrong + 1))
			}
			[ -z "$SERVER_PID" ] || { kill_server; } 2>/dev/null
		done
	done
	kill "$BEHIND"
	return $wrong
}

sweep() { # from what...
	local lane lanes=() wrong=0
	for ((lane = 0; lane < LANES; lane++)); do
		(sweep_lane $(($1 + lane)) "${@:2}") 3>&- &
		lanes+=($!)
	done
	for lane in "${lanes[@]}"; do
		wait "$lane" || wrong=$((wrong + 1))
	done
	[ $wrong = 0 ]
}

@test "the server, killed at each durable step" {
	learn
	sweep 1 before within
}

@test "the power goes after the first answers were synced: they are not asked for again" {
	echo 'on POST /v1/chat/completions: delay 250ms' >slow
	learn --faults slow
	rm -rf "$STATE" steps
	: >behind.jsonl
	POWER=1
	watched "STOP_AT=after $FIRST_ROWS"
	start && upload_once && create_once
	wait_for 20 ended_or_died
	[ "$STATUS" = 000 ]
	jq -R 'fromjson? | .custom_id | sub("r-"; "Say ")' \
		"$STATE/work/$BATCH_ID.output" >kept
	[ -s kept ]
	: >behind.jsonl
	start_again
	see_to_end
	check_end
	[ "$(jq .prompt behind.jsonl | grep -cFxf kept)" = 0 ]
}

# From its first answers on; a soak does it from the first step.
@test "the power goes, and with it what was not synced" {
	POWER=''
	learn
	POWER=1
	sweep "$FIRST_ROWS" within
}
