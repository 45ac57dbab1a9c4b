#!/usr/bin/env bats
# The stop test of runs that are rarer: killed before each durable step, and taken up.
# And signals at each step of an ordinary run, with the command that is printed then.
load ../stop/lib

kill_at_each_step() { # argument...
	learn_run "$@"
	echo "# $STEPS steps, $UPLOADS uploads, $CREATIONS creations," \
		"$QUESTIONS questions" >&3
	sweep before 1 "$STEPS"
}

@test "--reask, killed before each step" {
	FAULTS='rows 2..3 of batch 1: truncated'
	kill_at_each_step --mode batch --limit 5 --shard-requests 3 --reask 1
	[ "$CREATIONS" = 3 ]
}

@test "a shard that is refused though nothing else is there, killed before each step" {
	FAULTS='fail token_limit_exceeded "Enqueued token limit reached" of batch 1..3'
	kill_at_each_step --mode batch --limit 4
	[ "$UPLOADS" = 3 ]
	[ "$CREATIONS" = 5 ]
}

@test "a file that is too large for a proxy, killed before each step" {
	FAULTS='on POST /v1/files nth 1..2: status 413 body "<html>Too large</html>"'
	# What is refused after a death is another file than without it: the parts are
	# other ones, and yet each question is in one of them.
	check_end() {
		list_acts
		[ "$(acted upload)" -le "$UPLOADS" ] &&
			[ "$(acted upload)" = "$(acted creation)" ] &&
			[ "$(cut -d' ' -f4 acts | grep . | sort | uniq -d)" = '' ] &&
			[ "$(jq '[.run.batches[].requests] | add' \
				results/variant0_*.json)" = 6 ] &&
			[ "$(plain_results | jq -c .results)" = \
				"$(jq -c .results <<<"$REFERENCE")" ] ||
			complain "$(cat acts) $(plain_results | jq -c .run.batches)"
	}
	kill_at_each_step --mode batch --limit 6
	[ "$UPLOADS" = 3 ]
	[ "$CREATIONS" = 3 ]
}

@test "--deadline with --finish-direct, killed before each step" {
	FAULTS='validating forever
on POST /v1/chat/completions: delay 3ms'
	DOUBLED_MAX=2
	kill_at_each_step --mode batch --limit 4 --shard-requests 2 \
		--finish-direct --deadline 2m --concurrency 1
	[ "$CREATIONS" = 2 ]
	[ "$QUESTIONS" = 4 ]
}

# For an hour and a half it is seen as one whose window is long over and that never
# moves; then as it is.
@test "a stuck batch that is cancelled, killed before each step" {
	local seen='{"id":"x","object":"batch","status":"finalizing","created_at":1000,
		"expires_at":87400,"input_file_id":"f","request_counts":{"total":3,
		"completed":3,"failed":0}}'
	SPEED=2000
	FAULTS="on GET /v1/batches/* for 90m: status 200 body \
\"$(jq -c . <<<"$seen" | sed 's/"/\\"/g')\""
	learn_run --mode batch --limit 3 --outage 1h --poll-interval 5m
	[ "$(logged '.path | endswith("/cancel")')" -ge 1 ]
	sweep before 1 "$STEPS"
}

# The command that was printed, else the same again.
go_on_as_told() {
	local printed
	printed=$(sed -n "s/^  $PROGRAM //p" program.err | tail -1)
	if [ -n "$printed" ]; then
		# shellcheck disable=SC2086 # as printed, word by word
		run_with $printed
	else
		grep -q 'run the same command again' program.err ||
			complain 'no word of how to go on' || return
		run_program
	fi
}

signal_and_go_on() { # moment
	local MOMENT="signal $SIGNAL $1" status=0
	begin_afresh
	run_watched STOP_AT="$1" run_program || status=$?
	# Where nothing was left to do it came too late.
	[ $status = 130 ] || [ $status = 0 ] || {
		complain "exit status $status: $(cat program.err)"
		return 1
	}
	if [ $status = 130 ]; then
		INTERRUPTED=$((INTERRUPTED + 1))
		go_on_as_told || complain "when taken up: $?
$(cat program.err)" || return
	fi
	check_end
}

signal_at_each_step() { # argument...
	local number wrong=0
	learn_run "$@"
	QUIET=
	for SIGNAL in 2 15 1; do
		INTERRUPTED=0
		for ((number = 1; number <= STEPS; number++)); do
			signal_and_go_on "before $number" || wrong=$((wrong + 1))
		done
		echo "# signal $SIGNAL: $INTERRUPTED of $STEPS interrupted it" >&3
		[ "$INTERRUPTED" -ge $((STEPS / 2)) ]
	done
	[ $wrong = 0 ]
}

@test "batch mode, a signal before each step" {
	FAULTS='row 2 of batch 1: http_error 500'
	signal_at_each_step --mode batch --limit 5 --shard-requests 2
}

@test "direct mode, a signal before each step" {
	FAULTS='on POST /v1/chat/completions: delay 3ms'
	DOUBLED_MAX=2
	signal_at_each_step --mode direct --limit 8 --concurrency 1
}
