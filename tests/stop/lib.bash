# lib: a run, killed at a chosen moment and taken up again, beside one that was
# left alone. Loaded by the stories of this folder and by script/soak.
#
#   learn_run ARGUMENT...     runs the program undisturbed; sets REFERENCE,
#                             STEPS, REPLIES
#   stop_and_go_on MOMENT     the same, killed at the moment ("before 3"), then
#                             taken up; 0 if all is as if it had not been killed
#   sweep KIND FROM TO        each of them; tells those that went wrong
#
# A moment is what stop_at.c says, and these say more:
#
#   FAULTS       the server's script
#   TAKE_UP      "id" takes up by the id of a batch, else by the same command
#   SIGNAL       its number: sent instead of SIGKILL, which leaves the program its say
#   QUIET        "" has the program tell what it does
#   POWER        "1" takes what was not synced with it
#   PATIENCE     virtual seconds of the look for what may have been sent
#   DOUBLED_MAX  direct questions that a death may have answered twice: what
#                was in flight, or answered and in no commit yet

load ../flow/lib

STOP_AT_LIB=$NM_BUILD/tests/stop/libstop_at.so
: "${FAULTS:=}" "${TAKE_UP:=command}" "${PATIENCE:=2}" "${DOUBLED_MAX:=0}"
PROGRAM=variant0_llm_baseline
SPEED=200
WATCH=()
: "${POWER:=}" "${SIGNAL:=}" "${QUIET=--quiet}"

# Time passes fast, so that the pauses between two looks are short.
set_command() {
	COMMAND=(env "OPENAI_BASE_URL=$BASE_URL" OPENAI_API_KEY=k
		"NIGHTMAIL_STATE=$PWD/client" "NIGHTMAIL_CLOCK=fast=$SPEED"
		"$PROGRAM" ${QUIET:+"$QUIET"} --patience "$PATIENCE"
		--data-dir "$NM_SOURCE/data/metaqa" --results-dir results)
}

# Under WATCH, if anything.
run_with() { # argument...
	env "${WATCH[@]}" "${COMMAND[@]}" "$@" >>program.out 2>>program.err
}

run_program() {
	run_with "${ARGUMENTS[@]}"
}

# With stop_at before it, which logs to the file steps unless told otherwise; a
# sanitizer's runtime wants to be first, but need not.
run_watched() { # variable=value command...
	local WATCH=("LD_PRELOAD=$STOP_AT_LIB" "STOP_LOG=$PWD/steps" "$1"
		${POWER:+STOP_POWER=1} ${SIGNAL:+"STOP_SIGNAL=$SIGNAL"}
		"ASAN_OPTIONS=${ASAN_OPTIONS:-}:verify_asan_link_order=0")
	shift
	"$@"
}

# A server that has seen nothing, and nothing known of earlier runs.
begin_afresh() {
	[ -z "${SERVER_PID:-}" ] || { kill_server; } 2>/dev/null
	rm -rf "$STATE" "$SERVER_LOG" client results program.out program.err steps
	printf '%s\n' "$FAULTS" >faults
	start_server --faults faults --answer-key "$SAMPLE" \
		--delay-validating 0 --delay-in-progress 0 --delay-finalizing 0 \
		--clock "fast=$SPEED"
	set_command
}

# The results without what differs from run to run: ids, times and places. In
# direct mode a death moves the service's bad luck to another question.
plain_results() {
	jq -S --arg mode "${ARGUMENTS[*]}" '
		del(.metrics.total_eval_time_sec, .metrics.queries_per_second,
			.run.id, .run.began_at, .run.ended_at,
			.run.request.endpoint) |
		.run.raw |= (map(sub(".*_replies/"; "") |
			sub("batch_[0-9a-f]{8,}"; "batch")) | sort) |
		.run.batches |= map({ status, attempt, requests,
			output: (.output_file_id != null),
			error: (.error_file_id != null) }) |
		if ($mode | test("direct")) then
			del(.results[].attempts, .ledger.attempts, .run.raw)
		else . end' results/variant0_*.json
}

# What the service did, into the file acts, whether it told or not: uploads and
# creations, and each direct question that it answered, by its digest.
list_acts() {
	jq -r 'select(.method == "POST") |
		if .path == "/v1/files" and .file_id then
			"upload \(.filename)"
		elif .path == "/v1/batches" and .batch_id then
			"creation \(.metadata.tag) of \(.input_file_id)"
		elif .path | endswith("/cancel") then "cancel \(.path)"
		elif .status == 200 then "question \(.body_sha256)"
		else empty end' "$SERVER_LOG" >acts
}

acted() { # word
	grep -c "^$1 " acts || true
}

asked() { # of different questions
	grep '^question ' acts | sort -u | wc -l
}

learn_run() { # argument...
	local status=0
	[ -e "$STOP_AT_LIB" ] || {
		echo "$STOP_AT_LIB is missing"
		return 1
	}
	ARGUMENTS=("$@")
	begin_afresh
	run_watched STOP_LOG="$PWD/steps" run_program || status=$?
	[ $status = 0 ] || {
		cat program.err
		return 1
	}
	REFERENCE=$(plain_results)
	list_acts
	UPLOADS=$(acted upload)
	CREATIONS=$(acted creation)
	QUESTIONS=$(asked)
	STEPS=$(grep -c '^step ' steps)
	REPLIES=$(grep -c '^reply' steps)
	is_over
}

# Was the run over when it was killed? Then the same command would rightly begin
# another, and its results have to be there.
is_over() {
	env "NIGHTMAIL_STATE=$PWD/client" batch_manager --runs --json |
		jq -e 'any(.state == "done")' >/dev/null
}

go_on() {
	local id=''
	[ "$TAKE_UP" = command ] ||
		id=$(jq -r 'select(.method == "POST" and .batch_id).batch_id' "$SERVER_LOG" | head -1)
	if [ -n "$id" ]; then
		run_with --mode batch --batch-id "$id"
	else
		run_program
	fi
}

complain() { # text
	echo "$MOMENT: $1"
	return 1
}

# Nothing doubled, nothing lost, nothing else than without the death.
check_end() {
	local doubled results
	list_acts
	[ "$(acted upload)" = "$UPLOADS" ] ||
		complain "$(acted upload) uploads of $UPLOADS" || return
	[ "$(acted creation)" = "$CREATIONS" ] ||
		complain "$(acted creation) creations of $CREATIONS" || return
	doubled=$(($(acted question) - $(asked)))
	[ "$doubled" -le "$DOUBLED_MAX" ] ||
		complain "$doubled questions answered twice" || return
	results=$(plain_results)
	[ "$results" = "$REFERENCE" ] || {
		diff <(echo "$REFERENCE") <(echo "$results") | head -20
		complain "other results"
	}
}

stop_and_go_on() { # moment
	local MOMENT=$1 status=0
	begin_afresh
	{ run_watched STOP_AT="$MOMENT" run_program; } 2>>program.err || status=$?
	# A look more or less is the service's affair: the last may not come.
	[ $status = 137 ] || [ $status = 0 ] || {
		complain "exit status $status: $(cat program.err)"
		return 1
	}
	if [ $status = 137 ] && ! is_over; then
		go_on || complain "exit status $? when taken up:
$(cat program.err)" || return
	fi
	check_end
}

sweep() { # kind from to
	local number wrong=0
	for ((number = $2; number <= $3; number++)); do
		stop_and_go_on "$1 $number" || wrong=$((wrong + 1))
	done
	[ $wrong = 0 ]
}
