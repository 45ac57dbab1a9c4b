#!/usr/bin/env bats
# What may go wrong on this machine: a disk that is full at any write, a journal that
# cannot be used, a clock that jumps. Nothing is sent twice, nothing paid is lost.
load lib
load client

# A small file system at ./small, for the state and the results. Needs root.
mount_small() { # size
	mkdir -p small
	mount -t tmpfs -o "size=$1" none small 2>/dev/null ||
		skip "no tmpfs without root"
	export NIGHTMAIL_STATE=$PWD/small/state
	RESULTS=small/results/${RESULTS##*/}
}

leave_small() {
	umount "$BATS_TEST_TMPDIR/small"
	unset NIGHTMAIL_STATE
}

teardown() {
	[ -z "$SERVER_PID" ] || stop_server || true
	! mountpoint -q "$BATS_TEST_TMPDIR/small" || leave_small
}

files() {
	call GET '/v1/files?purpose=batch'
	member '.data | length'
}

batches() {
	call GET '/v1/batches?limit=100'
	member '.data | length'
}

small_batch() { # option...
	NIGHTMAIL_CLOCK=fast=50 variant0 --mode batch --quiet --patience 2 \
		--limit 5 --shard-requests 2 --results-dir small/results "$@"
}

# Each time a little more room, until all of it fits: so it is full at one write of
# the journal after the other, at the downloads, and at the results.
@test "a disk that is full at any write: told, and the run goes on from there" {
	mount_small 2m
	faults 'row 2 of batch 2: http_error 400 bad "no"'
	a_desk --faults "$FAULTS" --clock fast=50
	local room first refused=0 said=
	for ((room = 0; room <= 2048; room += 20)); do
		call POST /_control/faults
		rm -rf small/*
		: >"$SERVER_LOG"
		head -c $(((2048 - room) * 1024)) /dev/zero >small/filler
		small_batch
		first=$STATUS
		rm small/filler
		[ "$first" != 1 ] || break
		[ "$first" = 5 ] || [ "$first" = 130 ]
		[[ $(tail -3 err.txt) == *[Nn]o\ space* ||
			$(tail -3 err.txt) == *'disk is full'* ]]
		said+=$(tail -3 err.txt)
		refused=$((refused + 1))
		small_batch
		[ "$STATUS" = 1 ]
		[ "$(ledger)" = 'asked=5 answered=4 http_error=1 attempts=1' ]
		[ "$(logged '.method == "POST" and .path == "/v1/files" and
			.file_id != null')" = 3 ]
		[ "$(logged '.method == "POST" and .path == "/v1/batches" and
			.batch_id != null')" = 3 ]
	done
	leave_small
	echo "$refused refusals"
	[ "$refused" -ge 8 ]
	# At the journal, and at the results.
	[[ $said == *journal.db* ]]
	[[ $said == *results* ]]
}
