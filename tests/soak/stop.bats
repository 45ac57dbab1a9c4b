#!/usr/bin/env bats
# The client, killed at random moments, wherever it is; each run then ends as if it
# had been left alone. KILLS says how often in all.
load ../stop/lib

: "${KILLS:=60}"
# In real time a third of a second: an upload may still be under way.
PATIENCE=60
MOMENT_MS=350

# Starts the program, and kills it within MOMENT_MS unless it has ended. Sets STATUS.
run_until_killed() {
	local pid
	(exec "${COMMAND[@]}" "${ARGUMENTS[@]}" >>program.out 2>>program.err \
		3>&-) &
	pid=$!
	sleep "0.$(printf %03d $((RANDOM % MOMENT_MS)))"
	kill -9 $pid 2>/dev/null || true
	STATUS=0
	wait $pid 2>/dev/null || STATUS=$?
}

# Complete results: if it died after that, the same command may begin another run.
is_complete() {
	[ -e "$(echo results/variant0_*.json)" ] &&
		[ "$(plain_results)" = "$REFERENCE" ]
}

# Runs until one comes through; adds to DEATHS.
run_through() {
	local before=$DEATHS
	begin_afresh
	while :; do
		run_until_killed
		[ $STATUS = 137 ] || break
		DEATHS=$((DEATHS + 1))
		! is_complete || break
		# Some moments are too short for any run to end in.
		[ $((DEATHS - before)) -lt 25 ] || {
			run_program || STATUS=$?
			break
		}
	done
	MOMENT="$((DEATHS - before)) deaths"
	[ $STATUS = 0 ] || [ $STATUS = 137 ] || {
		complain "exit status $STATUS: $(cat program.err)"
		return 1
	}
	DOUBLED_MAX=$(((DEATHS - before) * IN_FLIGHT))
	check_end
}

soak() { # argument...
	local rounds=0 wrong=0
	learn_run "$@"
	DEATHS=0
	while [ $DEATHS -lt $((KILLS / 2)) ]; do
		{ run_through; } 2>/dev/null || wrong=$((wrong + 1))
		rounds=$((rounds + 1))
	done
	echo "# $DEATHS deaths in $rounds runs, $wrong of them wrong" >&3
	[ $wrong = 0 ]
}

@test "batch mode, killed at random" {
	FAULTS='row 2 of batch 1..3: http_error 500
row 4 of batch 2: missing
row 1 of batch 7: expired
on POST /v1/files nth 3: act then lose reply
on POST /v1/batches nth 4: act then status 502
on GET /v1/files/*/content nth 2: cut after 700'
	IN_FLIGHT=0
	soak --mode batch --limit 30 --shard-requests 5
}

# A reply that waits for its commit, or that is on its way, is asked again: with
# four in flight no more than eight.
@test "direct mode, killed at random" {
	FAULTS='on POST /v1/chat/completions: delay 15ms'
	IN_FLIGHT=8
	soak --mode direct --limit 80 --concurrency 4
}
