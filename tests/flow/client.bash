# client: what the stories of the client programs share.
# Loaded after lib: `load lib`, `load client`.
#
#   a_desk [OPTION...]     a server, a key and the sample: all that a run wants
#   restart [OPTION...]    that server again, with other options
#   faults LINE...         writes a fault script; its name is in $FAULTS
#   variant0 ARGUMENT...   the program; sets STATUS, and OUT and ERR (texts)
#   manager ARGUMENT...    the same of batch_manager
#   ids_of TEXT            the batch ids of the blocks, one a line
#   calls METHOD PATH      of the request log; PATH is a regular expression
#   result FILTER          jq over the newest results, $RESULTS
#   lacks FILE TEXT        the text is nowhere in it
#   journalled N           so many direct replies are in the journal, for good
#   ledger                 "asked answered …" of $RESULTS, zeroes left out

RESULTS=results/variant0_llm_baseline_1-hop-test_batch.json
RULE='================================================================================'

a_desk() { # server-option...
	[ -e data ] || ln -s "$NM_SOURCE/data" data
	start_server "$@" || return 1
	export OPENAI_API_KEY=sk-test-0123456789 OPENAI_BASE_URL=$BASE_URL
}

# The same service, come back: same port, same files.
restart() { # server-option...
	local port=${BASE_URL##*:}
	[ -z "$SERVER_PID" ] || stop_server
	start_server --port "${port%/v1}" "$@"
}

faults() { # line...
	FAULTS=$BATS_TEST_TMPDIR/faults.txt
	printf '%s\n' "$@" >"$FAULTS"
}

# A bound on all of them, such that a busy machine keeps it: a hang is a failure and
# not a wait. BOUND is another one, in seconds, for what is more work.
bounded() { # program argument...
	STATUS=0
	timeout -k 2 "${BOUND:-60}" "$@" >out.txt 2>err.txt 3>&- || STATUS=$?
	OUT=$(cat out.txt)
	ERR=$(cat err.txt)
	# Shown where the test fails.
	echo "$* -> $STATUS"
	cat err.txt
	[ "$STATUS" -lt 99 ] || [ "$STATUS" = 130 ]
}

variant0() {
	bounded variant0_llm_baseline "$@"
}

manager() {
	bounded batch_manager "$@"
}

# A whole batch run of the first n questions, looked at five times a second.
run_batch() { # n option...
	local n=$1
	shift
	variant0 --mode batch --limit "$n" --poll-interval 0.2 "$@"
}

ids_of() { # text
	sed -n 's/^Batch ID: //p' <<<"$1"
}

calls() { # method path
	logged ".method == \"$1\" and (.path | test(\"^$2\$\"))"
}

# What is not committed yet stands in no file.
journalled() { # n
	[ "$(grep -aohE '"request_id":"req_[0-9a-f]+' \
		"$XDG_STATE_HOME"/nightmail/journal.db* | sort -u | wc -l)" -ge "$1" ]
}

# A number as it counts, 9 also where the file has 9.0, which newer jqs repeat.
result() { # filter
	jq -r "$1 | if type == \"number\" then . + 0 else . end" "$RESULTS"
}

ledger() {
	result '[.ledger | to_entries[] | select((.value | type) == "number"
		and .value > 0) | "\(.key)=\(.value)"] | join(" ")'
}

# One line, from this program, with the text in it.
says() { # text
	[ "$(wc -l <err.txt)" = 1 ] &&
		[[ $ERR == *_*:\ *"$1"* ]]
}

lacks() { # file text
	if grep -qF -- "$2" "$1"; then
		return 1
	fi
}
