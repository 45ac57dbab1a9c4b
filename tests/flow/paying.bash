# paying: a service whose model costs $1.125 a reply by batch, $2.25 directly. Loaded
# after lib and client.
#
#   a_paying_desk MODEL UNREADABLE [OPTION...]  a_desk with such a model behind it
#   tells TEXT                                  some line of the program's says it

# Some line of the program's says it.
tells() { # text
	grep -qF -- "$1" err.txt
}

# A chat reply of a model, which used a million tokens each way. What DETAILS adds
# makes it $1.035 by batch: four fifths of what went in were cached then.
reply() { # model content
	jq -Rn --arg model "$1" --arg content "$2" \
		--argjson details "${DETAILS:-null}" '{id: "c", object:
		"chat.completion", model: $model, choices: [{index: 0,
		finish_reason: "stop", message: {role: "assistant",
		content: $content}}], usage: ({prompt_tokens: 1000000,
		completion_tokens: 1000000, total_tokens: 2000000}
		+ $details)} |
		@json'
}

# Every question has an answer, but for the calls that `unreadable` names.
a_paying_desk() { # model unreadable server-option...
	local model=$1 unreadable=$2
	shift 2
	{
		[ -z "$unreadable" ] ||
			echo "on POST /v1/chat/completions $unreadable:" \
				"status 200 body $(DETAILS=${UNREADABLE:-${DETAILS:-}} \
				reply "$model" 'I do not know')"
		echo "on POST /v1/chat/completions: status 200 body" \
			"$(reply "$model" '{"answers": ["Heat"]}')"
	} >upstream_faults.txt
	: >upstream.out
	batch_server --port 0 --state-dir "$BATS_TEST_TMPDIR/upstream" \
		--quiet --faults upstream_faults.txt >upstream.out \
		2>>server.err 3>&- &
	UPSTREAM_PID=$!
	wait_for 20 grep -q 'listening on' upstream.out
	UPSTREAM_URL=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' \
		upstream.out)
	a_desk --upstream "$UPSTREAM_URL" --concurrency 1 "$@"
}

teardown() {
	[ -z "$SERVER_PID" ] || stop_server || true
	[ -z "${UPSTREAM_PID:-}" ] || {
		kill -TERM "$UPSTREAM_PID"
		wait "$UPSTREAM_PID" || true
	}
	[ ! -s server.err ] || sed 's/^/# /' server.err
}
