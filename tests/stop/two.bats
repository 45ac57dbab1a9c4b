#!/usr/bin/env bats
# Two processes on one run, and one run through many deaths.
load lib

# Starts the program beside the test; sets BESIDE.
run_beside() {
	(exec "${COMMAND[@]}" "${ARGUMENTS[@]}" >>program.out 2>>program.err \
		3>&-) &
	BESIDE=$!
}

is_created() {
	list_acts
	[ "$(acted creation)" -ge 1 ]
}

some_batch_id() {
	jq -r 'select(.batch_id).batch_id' "$SERVER_LOG" | head -1
}

@test "the second process says who drives the run, and leaves" {
	local status=0
	FAULTS='in_progress forever'
	ARGUMENTS=(--mode batch --limit 3)
	begin_afresh
	run_beside
	wait_for 20 is_created
	run_program || status=$?
	[ $status = 5 ]
	grep -q "is being driven by process $BESIDE" program.err
	status=0
	run_with --mode batch --batch-id "$(some_batch_id)" || status=$?
	[ $status = 5 ]
	kill -9 "$BESIDE"
	wait "$BESIDE" || true
	# What it held is free: the lock goes with its holder.
	run_with "${ARGUMENTS[@]}" --dry-run
	grep -q "$(some_batch_id)" program.out
	list_acts
	[ "$(acted upload)" = 1 ]
	[ "$(acted creation)" = 1 ]
}

@test "of processes that begin at once, one asks" {
	local round pids
	FAULTS='in_progress forever'
	ARGUMENTS=(--mode batch --limit 3)
	for ((round = 0; round < 5; round++)); do
		begin_afresh
		pids=()
		for _ in 1 2 3 4; do
			run_beside
			pids+=("$BESIDE")
		done
		wait_for 20 is_created
		sleep 0.3
		kill -9 "${pids[@]}" 2>/dev/null || true
		wait "${pids[@]}" || true
		list_acts
		[ "$(acted upload)" = 1 ]
		[ "$(acted creation)" = 1 ]
	done
}

# By the id, since the last may die when the run is over and all is saved.
@test "each process dies after a few steps, until one comes through" {
	local status deaths few
	FAULTS='row 2 of batch 1: http_error 500'
	TAKE_UP=id
	learn_run --mode batch --limit 5 --shard-requests 2
	for few in 9 11 14; do
		begin_afresh
		status=137 deaths=-1
		while [ $status = 137 ] && [ $deaths -lt 40 ]; do
			status=0 deaths=$((deaths + 1))
			{ run_watched STOP_AT="after $few" go_on; } \
				2>>program.err || status=$?
		done
		[ $status = 0 ]
		[ $deaths -gt 1 ]
		MOMENT="$deaths deaths after $few steps each"
		check_end
	done
}
