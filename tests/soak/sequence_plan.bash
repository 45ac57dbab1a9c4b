# sequence_plan: what a sequence is, drawn before its first step, so that a seed gives the
# same steps again, whatever comes of them (with the same version of bash). Loaded by
# sequence.bash.
#
#   draw_plan SEED   sets PLAN, a step each: "MOMENT|KIND|WORD WORD…"
#
# A moment is "whole", "kill MS", "signal NAME MS", "beside MS" (the next command step begins
# so much later, while this one is at work) or "server MS" (which is killed then and comes
# back). Batches and runs are named by numbers (@B3, @R0), of which a step that is
# taken makes ids.

draw() { # n; sets DRAWN
	DRAWN=$((RANDOM % $1))
}

choose() { # text...; sets CHOSEN
	draw $#
	shift "$DRAWN"
	CHOSEN=$1
}

chance() { # per cent
	draw 100
	[ "$DRAWN" -lt "$1" ]
}

# Sets WORDS.
draw_question_option() {
	case $1 in
	batch)
		choose '--shard-requests 1' '--shard-requests 2' \
			'--shard-requests 4' '--canary 1' '--canary 2' \
			'--max-cost 0.0001' '--max-cost 100' '--max-attempts 1' \
			'--max-attempts 5' '--finish-direct' '--dry-run' \
			'--json' '--lenient' '--reask 1' '--limit 3' \
			'--finish-direct --deadline 2h' '--outage 5m'
		;;
	direct)
		choose '--concurrency 1' '--concurrency 2' \
			'--max-attempts 1' '--max-attempts 5' '--json' \
			'--max-cost 0.0001' '--max-cost 100' '--limit 3' \
			'--outage 5m'
		;;
	submit)
		choose '--shard-requests 1' '--shard-requests 2' --json \
			'--max-cost 0.0001' '--max-cost 100' '--outage 5m'
		;;
	esac
	WORDS="${WORDS:+$WORDS }$CHOSEN"
}

draw_questions() {
	local mode
	choose batch batch batch direct
	mode=$CHOSEN
	choose a.txt a.txt b.txt b.txt c.jsonl 'a.txt b.txt' 'b.txt c.jsonl' \
		'a.txt b.txt c.jsonl'
	WORDS="--mode $mode --datasets $CHOSEN"
	! chance 50 || draw_question_option "$mode"
	! chance 30 || draw_question_option "$mode"
	COMMAND="ask|$WORDS"
}

draw_submission() {
	choose r.jsonl r.jsonl s.jsonl 'r.jsonl s.jsonl' same.jsonl
	WORDS="--submit $CHOSEN"
	! chance 40 || draw_question_option submit
	COMMAND="manage|$WORDS"
}

# One that the plan has already, as it is, or with another option.
draw_repetition() {
	local program kind=direct
	[ ${#GIVEN[@]} != 0 ] || {
		draw_questions
		return
	}
	choose "${GIVEN[@]}"
	program=${CHOSEN%%|*}
	WORDS=${CHOSEN#*|}
	case $WORDS in
	*--submit*) kind=submit ;;
	*'--mode batch'*) kind=batch ;;
	esac
	if chance 25; then
		WORDS="$WORDS --new"
	elif chance 30; then
		draw_question_option $kind
	fi
	COMMAND="$program|$WORDS"
}

draw_look() {
	local batch
	draw 8
	batch=@B$DRAWN
	choose "--wait $batch" "--wait $batch" "--wait $batch --max-attempts 5" \
		"--download $batch -o $batch.out" "--download $batch -o -" \
		"--errors $batch" "--cancel $batch" "--cancel $batch" \
		'--cancel @R0' '--cancel @R1' "--status $batch" --runs --list \
		'--list --json' '--clean --older-than 0s --yes' \
		'--prune --older-than 0s --yes' '--clean --older-than 1h --yes'
	COMMAND="manage|$CHOSEN"
}

draw_adoption() {
	draw 8
	COMMAND="ask|--mode batch --batch-id @B$DRAWN"
	! chance 30 || {
		choose '--max-attempts 5' '--finish-direct' '--canary 0' \
			'--max-cost 100' '--lenient' '--json'
		COMMAND="$COMMAND $CHOSEN"
	}
}

draw_moment() {
	local time
	MOMENT=whole
	draw 400
	time=$((30 + DRAWN))
	! chance 55 || {
		choose "kill $time" "kill $time" "signal INT $time" \
			"signal TERM $time" "beside $((time / 8))" "server $time"
		MOMENT=$CHOSEN
	}
}

draw_command() {
	choose questions questions questions repetition repetition repetition \
		submission look look look adoption
	draw_"$CHOSEN"
	add_command
}

add_command() {
	case $COMMAND in
	*--datasets* | *--submit*) GIVEN+=("${COMMAND/ --new/}") ;;
	esac
	draw_moment
	PLAN+=("$MOMENT|$COMMAND")
}

draw_rule() {
	local nth seed
	draw 3
	nth=$((1 + DRAWN))
	draw 1000
	seed=$DRAWN
	choose \
		"on POST /v1/files nth $nth: act then lose reply" \
		"on POST /v1/files nth $nth: lose call" \
		"on POST /v1/files nth $nth: status 503" \
		"on POST /v1/files nth $nth: act then status 429" \
		"on POST /v1/files nth $nth: status 413" \
		"on POST /v1/batches nth $nth: act then lose reply" \
		"on POST /v1/batches nth $nth: lose call" \
		"on POST /v1/batches nth $nth: status 429" \
		"on POST /v1/batches nth $nth: act then status 429" \
		"on POST /v1/batches nth $nth: act then status 502" \
		"on POST /v1/batches nth $nth: status 400" \
		"on POST ** 20% seed $seed: act then lose reply" \
		"on POST ** 20% seed $seed: status 500" \
		"on POST /v1/chat/completions 30% seed $seed: status 429 header \"retry-after-ms: 20\"" \
		"on POST /v1/chat/completions 30% seed $seed: status 500" \
		"on POST /v1/chat/completions nth $nth: act then lose reply" \
		"on POST /v1/chat/completions: delay 30ms" \
		"on POST /v1/chat/completions nth $nth: status 400" \
		"on GET /v1/files/*/content nth 1..$nth: cut after 100..900" \
		"on GET /v1/files/*/content: trickle 20000/s" \
		"on GET /v1/files/*/content nth $nth: status 404" \
		"on GET /v1/batches/* nth 1..$nth: status 502 body \"<html>\"" \
		"on GET /v1/batches/* every 3: status 404" \
		"on GET /v1/** 20% seed $seed: status 500" \
		"on GET /v1/** 15% seed $seed: lose reply" \
		"on GET /v1/batches: status 404" \
		"on * /v1/** nth 1..2: status 401" \
		"row $nth of batch 1: http_error 500" \
		"rows 30% seed $seed: http_error 429" \
		"rows 20% seed $seed: expired" \
		"rows 20% seed $seed: missing" \
		"rows 20% seed $seed: malformed" \
		"rows 20% seed $seed: doubled" \
		"rows 20% seed $seed: status 0" \
		"rows 20% seed $seed: renamed" \
		"rows 20% seed $seed: truncated" \
		"rows 20% seed $seed: prose" \
		"row $nth: http_error 400 invalid_value \"No.\"" \
		"order shuffled seed $seed" \
		"fail invalid_request \"No.\" line 1 of batch $nth" \
		"fail token_limit_exceeded \"Enqueued token limit reached\" of batch 1..$nth" \
		"stale files 30s" "stale batches 30s" \
		"finalizing 20s" "in_progress 60s of batch 1" \
		"in_progress forever of batch 1" "cancelling 30s" \
		"counts wrong" "ids empty" "quota requests 4" \
		"quota creations 3/h"
	RULES="${RULES:+$RULES;}$CHOSEN"
}

draw_faults() {
	RULES=
	draw_rule
	! chance 60 || draw_rule
	! chance 30 || draw_rule
	PLAN+=("whole|faults|$RULES")
}

draw_turn() {
	choose 'faults|' 'faults|' restart restart kill_server \
		'advance|25h' 'advance|25h' 'advance|2h' 'advance|31d' \
		'remove|results' 'remove|newest' 'remove|downloads'
	PLAN+=("whole|$CHOSEN")
}

# A copy of the state folder is of use when something follows it.
draw_copy() {
	local at
	draw $((${#PLAN[@]} - 1))
	at=$((1 + DRAWN))
	PLAN=("${PLAN[@]:0:at}" 'whole|copy_away|' "${PLAN[@]:at}")
	draw 3
	at=$((at + 2 + DRAWN))
	PLAN=("${PLAN[@]:0:at}" 'whole|copy_back|' "${PLAN[@]:at}")
}

draw_plan() { # seed
	local steps
	RANDOM=$1
	PLAN=()
	GIVEN=()
	choose 0 20 60
	DELAY=$CHOSEN
	! chance 75 || draw_faults
	draw_questions
	add_command
	draw 10
	for ((steps = 4 + DRAWN; steps > 0; steps--)); do
		if chance 74; then
			draw_command
		elif chance 40; then
			draw_faults
		else
			draw_turn
		fi
	done
	! chance 20 || draw_copy
}
