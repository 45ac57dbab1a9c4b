# lib: a server of one's own for each test, and calls to it.
# Loaded by every file of this folder: `load lib`.
#
#   start_server [OPTION...]  on a free port over $STATE, which outlives it;
#                             sets SERVER_URL, BASE_URL (…/v1), SERVER_PID
#   stop_server               SIGTERM; its exit status
#   kill_server               SIGKILL
#   call METHOD PATH [CURL…]  sets STATUS, BODY, HEADERS (file names)
#   member FILTER             jq over $BODY
#   wait_for SECONDS CMD…     until it succeeds, for so long on an idle machine
#   logged FILTER             lines of the request log that jq selects, counted

: "${NM_SOURCE:=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)}"
: "${NM_BUILD:=$NM_SOURCE/build}"
# bats before 1.4 (Ubuntu 22.04) names no folder of a test's own.
: "${BATS_TEST_TMPDIR:=$(mktemp -d)}"
PATH=$NM_BUILD/src/prog:$PATH
# No program here wants a locale that is not the system's; the C library leaks where
# others are, and to forgive that costs a sanitizer more than most programs run.
unset LOCPATH
SAMPLE=$NM_SOURCE/data/metaqa/1-hop/vanilla/qa_test.txt

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	STATE=$BATS_TEST_TMPDIR/state
	SERVER_LOG=$BATS_TEST_TMPDIR/requests.jsonl
	SERVER_PID=
	export XDG_STATE_HOME=$BATS_TEST_TMPDIR/xdg
}

teardown() {
	# By SIGTERM, so that a sanitizer has its say about leaks.
	[ -z "$SERVER_PID" ] || stop_server || true
	# What a sanitizer had to say is the reason, if a test fails.
	[ ! -s "$BATS_TEST_TMPDIR/server.err" ] ||
		sed 's/^/# /' "$BATS_TEST_TMPDIR/server.err"
}

# A machine that is busy with other things may take three times as long.
wait_for() { # seconds command...
	local end=$((SECONDS + 3 * $1 + 1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.02
	done
}

server_speaks() {
	grep -q 'listening on' "$BATS_TEST_TMPDIR/server.out" ||
		! kill -0 "$SERVER_PID" 2>/dev/null
}

start_server() { # option...
	: >"$BATS_TEST_TMPDIR/server.out"
	batch_server --port 0 --state-dir "$STATE" --log "$SERVER_LOG" \
		--quiet "$@" >"$BATS_TEST_TMPDIR/server.out" \
		2>>"$BATS_TEST_TMPDIR/server.err" 3>&- &
	SERVER_PID=$!
	wait_for 20 server_speaks
	BASE_URL=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' \
		"$BATS_TEST_TMPDIR/server.out")
	[ -n "$BASE_URL" ] || return 1
	SERVER_URL=${BASE_URL%/v1}
}

stop_server() {
	local status=0
	kill -TERM "$SERVER_PID" 2>/dev/null || true
	wait "$SERVER_PID" || status=$?
	SERVER_PID=
	return $status
}

kill_server() {
	kill -9 "$SERVER_PID"
	wait "$SERVER_PID" 2>/dev/null || true
	SERVER_PID=
}

call() { # method path curl-option...
	local method=$1 path=$2
	shift 2
	BODY=$BATS_TEST_TMPDIR/body
	HEADERS=$BATS_TEST_TMPDIR/headers
	: >"$BODY"
	[ "$method" != HEAD ] || set -- --head "$@"
	STATUS=$(curl -s -X "$method" -o "$BODY" -D "$HEADERS" \
		-w '%{http_code}' "$@" "$SERVER_URL$path") || true
}

member() { # filter
	jq -r "$1" "$BODY"
}

# The envelope of the last call: status, type, code, param and a message's part.
refused() { # status code param text
	[ "$STATUS" = "$1" ] &&
		[ "$(member .error.type)" != null ] &&
		[ "$(member .error.code)" = "$2" ] &&
		[ "$(member .error.param)" = "$3" ] &&
		[[ $(member .error.message) == *"$4"* ]] &&
		grep -qi '^x-request-id: req_[0-9a-f]\{32\}' "$HEADERS" || {
		echo "$STATUS $(cat "$BODY")"
		return 1
	}
}

logged() { # filter
	jq -c "select($1)" "$SERVER_LOG" | wc -l
}

# A request file of n lines; each asks for something of its own.
write_input() { # n file
	local i
	for ((i = 1; i <= $1; i++)); do
		echo '{"custom_id":"r-'$i'","method":"POST",' \
			'"url":"/v1/chat/completions","body":{"model":"m",' \
			'"messages":[{"role":"user","content":"Say '$i'"}]}}'
	done >"$2"
}

# Sets FILE_ID.
upload() { # file curl-option...
	local file=$1
	shift
	call POST /v1/files -F purpose=batch -F "file=@$file" "$@"
	[ "$STATUS" = 200 ] || {
		cat "$BODY"
		return 1
	}
	FILE_ID=$(member .id)
}

# Sets BATCH_ID.
create_batch() { # file-id curl-option...
	local file=$1
	shift
	call POST /v1/batches -d '{"input_file_id":"'"$file"'",
		"endpoint":"/v1/chat/completions","completion_window":"24h"}' "$@"
	[ "$STATUS" = 200 ] || {
		cat "$BODY"
		return 1
	}
	BATCH_ID=$(member .id)
}

# Of a file made for it.
new_batch() { # n-lines
	write_input "$1" in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
}

# By the server's clock, which --clock step lets stand.
advance() { # span
	call POST /_control/clock -d '{"advance":"'"$1"'"}'
	[ "$STATUS" = 200 ]
}

batch_is() { # status
	call GET "/v1/batches/$BATCH_ID"
	[ "$(member .status)" = "$1" ]
}
