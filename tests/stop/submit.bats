#!/usr/bin/env bats
# The stop test of a request file: --submit, --wait and --download, each killed at
# each of its durable steps and called again.
load lib

FAULTS='row 2 of batch 1: http_error 500
on POST /v1/batches nth 2: act then lose reply'
LEGS=(submit wait download)

manage() { # leg
	local id
	id=$(jq -r 'select(.method == "POST" and .batch_id).batch_id' \
		"$SERVER_LOG" | head -1)
	case $1 in
	submit) set -- --submit in.jsonl --shard-requests 2 ;;
	wait) set -- --wait "$id" ;;
	download) set -- --download "$id" -o out.jsonl ;;
	esac
	env "${WATCH[@]}" "OPENAI_BASE_URL=$BASE_URL" OPENAI_API_KEY=k \
		"NIGHTMAIL_STATE=$PWD/client" "NIGHTMAIL_CLOCK=fast=$SPEED" \
		batch_manager "$@" >>program.out 2>>program.err
}

begin() {
	begin_afresh
	rm -f out.jsonl
	write_input 5 in.jsonl
}

plain_rows() {
	jq -c '[.custom_id, .response.status_code, .error,
		.response.body.choices]' out.jsonl
}

# Each leg undisturbed; its steps into the file steps.LEG.
learn_legs() {
	local leg
	begin
	rm -f steps.*
	for leg in "${LEGS[@]}"; do
		run_watched STOP_LOG="$PWD/steps.$leg" manage "$leg"
	done
	REFERENCE=$(plain_rows)
	[ "$(wc -l <<<"$REFERENCE")" = 5 ]
}

# All legs, one of them killed at the moment and called again.
stop_leg() { # leg moment
	local leg status MOMENT="$1 $2"
	begin
	for leg in "${LEGS[@]}"; do
		status=0
		if [ "$leg" = "$1" ]; then
			{ run_watched STOP_AT="$2" manage "$leg"; } \
				2>>program.err || status=$?
			[ $status = 137 ] || [ $status = 0 ] ||
				complain "exit status $status" || return
		fi
		manage "$leg" || complain "exit status $? when called again:
$(cat program.err)" || return
	done
	list_acts
	[ "$(acted upload)" = 4 ] ||
		complain "$(acted upload) uploads of 4" || return
	[ "$(acted creation)" = 4 ] ||
		complain "$(acted creation) creations of 4" || return
	[ "$(plain_rows)" = "$REFERENCE" ] || complain "other rows"
}

sweep_leg() { # leg
	local number wrong=0 steps
	learn_legs
	steps=$(grep -c '^step ' "steps.$1")
	[ "$steps" -gt 4 ]
	for ((number = 1; number <= steps; number++)); do
		stop_leg "$1" "before $number" || wrong=$((wrong + 1))
	done
	[ $wrong = 0 ]
}

@test "--submit killed before each durable step" {
	sweep_leg submit
}

@test "--wait killed before each durable step" {
	sweep_leg wait
}

@test "--download killed before each durable step" {
	sweep_leg download
}
