# sequence: steps drawn by a seed, done to a server and the two client programs, and
# what must hold whatever they were. Loaded after ../flow/lib.
#
#   run_sequence SEED   in the current folder; 0 if nothing was wrong, else the file
#                       `wrong` has a line for each thing
#
# What happened is told in the file `story`.

# shellcheck source=tests/soak/sequence_plan.bash
. "${BASH_SOURCE[0]%/*}/sequence_plan.bash"
# shellcheck source=tests/soak/sequence_checks.bash
. "${BASH_SOURCE[0]%/*}/sequence_checks.bash"

SPEED=200
# A step that takes longer is interrupted, as by a person.
BOUND=10

wrong() { # text
	echo "step $STEP (${PLAN[STEP - 1]:-the end}): $*" | tee -a wrong >>story
}

# Question i of a dataset asks for what no other one asks for.
make_inputs() {
	local name i
	for name in a b; do
		for i in 1 2 3 4 5 6; do
			printf 'who directed [%s%d]\tMaker %s%d|Other %d\n' \
				"$name" "$i" "$name" "$i" "$i"
		done >"$name.txt"
	done
	for i in 1 2 3 4 5; do
		printf '{"question":"who wrote [c%d]","answers":["c%d"]}\n' "$i" "$i"
	done >c.jsonl
	for name in r s; do
		for i in 1 2 3 4 5; do
			printf '{"custom_id":"%s %d","method":"POST","url":' "$name" "$i"
			printf '"/v1/chat/completions","body":{"model":"gpt-5-mini",'
			printf '"max_completion_tokens":500,"messages":[{"role":'
			printf '"user","content":"%s %d"}]}}\n' "$name" "$i"
		done >"$name.jsonl"
	done
	cp r.jsonl same.jsonl
}

# A model whose replies cost something, each third one more than others.
serve_model() {
	{
		echo "on POST /v1/chat/completions every 3: status 200 body" \
			"$(reply 3000 40)"
		echo "on POST /v1/chat/completions: status 200 body $(reply 700 9)"
	} >model.faults
	batch_server --port 0 --state-dir model --quiet --faults model.faults \
		>model.out 2>>server.err 3>&- &
	MODEL_PID=$!
	wait_for 20 grep -q 'listening on' model.out
	MODEL=(--upstream "$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' model.out)")
}

reply() { # input-tokens output-tokens
	jq -n --argjson in "$1" --argjson out "$2" '{id: "c", object:
		"chat.completion", model: "gpt-5-mini", choices: [{index: 0,
		finish_reason: "stop", message: {role: "assistant",
		content: "{\"answers\":[\"Heat\"]}"}}], usage: {prompt_tokens: $in,
		completion_tokens: $out, total_tokens: ($in + $out)}} | @json'
}

serve() { # option...
	local port=${BASE_URL:-:0/v1}
	port=${port##*:}
	start_server --port "${port%/v1}" --clock fast=$SPEED --faults faults \
		"${MODEL[@]}" --delay-validating "$DELAY" \
		--delay-in-progress "$DELAY" --delay-finalizing 0 \
		--delay-cancelling "$DELAY" || wrong "the server does not start"
}

begin() { # seed
	: >faults
	: >wrong
	: >known
	: >told
	: >story
	BASE_URL=
	make_inputs
	MODEL=(--answer-key a.txt b.txt)
	MODEL_PID=
	[ $(($1 % 3)) != 0 ] || serve_model
	serve
	export OPENAI_BASE_URL=$BASE_URL OPENAI_API_KEY=k
	export NIGHTMAIL_STATE=$PWD/client NIGHTMAIL_CLOCK=fast=$SPEED
}

# The ids that there are, oldest first; one of a number beyond them is taken anew from
# the first. Sets NAMED.
resolve() { # words
	local -a batches runs
	local i
	mapfile -t batches < <(created_batches)
	mapfile -t runs < <(jq -r '.[].id' runs.json)
	NAMED=$1
	for i in 0 1 2 3 4 5 6 7; do
		NAMED=${NAMED//@B$i.out/out.$i}
		NAMED=${NAMED//@B$i/${batches[i % (${#batches[@]} + !${#batches[@]})]:-batch_none}}
		NAMED=${NAMED//@R$i/${runs[i % (${#runs[@]} + !${#runs[@]})]:-0123456789ab}}
	done
}

created_batches() {
	jq -r 'select(.method == "POST" and .path == "/v1/batches" and .batch_id)
		.batch_id' "$SERVER_LOG"
}

# A command of ours, ended by SIGNAL after so many seconds. Sets STATUS; OUTPUT names its
# files.
execute() { # signal seconds kind words
	local program=variant0_llm_baseline
	[ "$3" = ask ] || program=batch_manager
	STATUS=0
	case $4 in
	*--mode\ batch* | *--submit* | *--cancel*) set -- "$@" '--patience 60' ;;
	*) set -- "$@" '' ;;
	esac
	# shellcheck disable=SC2086 # words
	{
		timeout --foreground --preserve-status -s "$1" -k 15 "$2" \
			$program $4 $5 \
			>"$OUTPUT.out" 2>"$OUTPUT.err" </dev/null 3>&- || STATUS=$?
	} 2>/dev/null
	printf '%s\n' "$STATUS $program $4" >>story
	sed 's/^/    /' "$OUTPUT.err" >>story
	echo "$1 $STATUS" >"$OUTPUT.status"
	printf '%s\n' "$program $4" >"$OUTPUT.command"
}

seconds_of() { # ms
	SECONDS_OF=$(($1 / 1000)).$(printf %03d $(($1 % 1000)))
}

# Begins at once with the step after it.
execute_beside() { # ms kind words
	seconds_of "$1"
	OUTPUT=beside execute INT $BOUND "$2" "$3" &
	BESIDE=$!
	sleep "$SECONDS_OF"
}

# The server dies meanwhile, and comes back.
execute_over_death() { # ms kind words
	local pid
	seconds_of "$1"
	OUTPUT=command execute INT $BOUND "$2" "$3" &
	pid=$!
	sleep "$SECONDS_OF"
	{ kill_server; } 2>/dev/null
	serve
	wait $pid
}

take_command() { # moment kind words
	local -a moment
	read -ra moment <<<"$1"
	resolve "$3"
	OUTPUT=command
	rm -f command.*
	[ -n "$BESIDE" ] || rm -f beside.*
	case ${moment[0]} in
	kill) seconds_of "${moment[1]}" && execute KILL "$SECONDS_OF" "$2" "$NAMED" ;;
	signal)
		seconds_of "${moment[2]}"
		execute "${moment[1]}" "$SECONDS_OF" "$2" "$NAMED"
		;;
	beside)
		[ -z "$BESIDE" ] || wait "$BESIDE"
		rm -f beside.*
		execute_beside "${moment[1]}" "$2" "$NAMED"
		return
		;;
	server) execute_over_death "${moment[1]}" "$2" "$NAMED" ;;
	*) execute INT $BOUND "$2" "$NAMED" ;;
	esac
	[ -z "$BESIDE" ] || wait "$BESIDE"
	BESIDE=
}

set_faults() { # rules
	tr ';' '\n' <<<"$1" >faults
	[ -z "$SERVER_PID" ] || {
		call POST /_control/faults
		[ "$STATUS" = 200 ] || wrong "faults: $(cat "$BODY")"
	}
}

# As a backup does that is taken while nothing is at work.
copy_away() {
	rm -rf copy
	[ ! -d client ] || cp -a client copy
}

copy_back() {
	[ -d copy ] || return 0
	rm -rf client
	cp -a copy client
}

remove() { # what
	case $1 in
	results) rm -rf results ;;
	newest) rm -f results/*.json ;;
	downloads) rm -rf client/runs/*/ ;;
	esac
}

restart() {
	[ -z "$SERVER_PID" ] || stop_server || wrong "the server ended with $?"
	serve
}

take_turn() { # kind words
	case $1 in
	faults) set_faults "$2" ;;
	advance) [ -z "$SERVER_PID" ] || advance "$2" || wrong "no advance" ;;
	kill_server) { kill_server; } 2>/dev/null && serve ;;
	restart | copy_away | copy_back) "$1" ;;
	remove) remove "$2" ;;
	esac
}

take_step() { # step
	local moment kind words
	IFS='|' read -r moment kind words <<<"$1"
	echo "== $STEP: $1" >>story
	LOGGED=$(wc -l <"$SERVER_LOG")
	case $kind in
	ask | manage)
		take_command "$moment" "$kind" "$words"
		[ -n "$BESIDE" ] || check_step
		;;
	*)
		[ -z "$BESIDE" ] || wait "$BESIDE"
		BESIDE=
		take_turn "$kind" "$words"
		[ ! -d client ] || list_runs
		;;
	esac
}

run_sequence() { # seed
	local step
	STEP=0
	BESIDE=
	draw_plan "$1"
	begin "$1"
	echo '[]' >runs.json
	for step in "${PLAN[@]}"; do
		STEP=$((STEP + 1))
		take_step "$step"
	done
	[ -z "$BESIDE" ] || wait "$BESIDE"
	BESIDE=
	STEP=$((STEP + 1))
	end_all
	check_all
	stop_server || wrong "the server ended with $?"
	[ -z "$MODEL_PID" ] || {
		kill -TERM "$MODEL_PID"
		wait "$MODEL_PID" || wrong "the model ended with $?"
	}
	[ ! -s wrong ]
}
