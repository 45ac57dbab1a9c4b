#!/usr/bin/env bats
# A disk that fills up in the middle of a batch: nothing is lost, and it goes on
# once there is room. Wants the right to mount; skipped without.
load lib

teardown() {
	[ -z "$SERVER_PID" ] || stop_server || true
	[ ! -d disk ] || umount disk || true
}

small_disk() {
	mkdir disk
	mount -t tmpfs -o size=6m tmpfs disk 2>mount.err || {
		rmdir disk
		skip "cannot mount: $(cat mount.err)"
	}
	STATE=$PWD/disk/state
}

@test "a full disk: 507, the batch waits, also through a kill -9, and ends whole" {
	small_disk
	echo 'pace 1000/s' >faults
	start_server --faults faults
	write_input 3000 in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	some() {
		batch_is in_progress &&
			[ "$(member '.request_counts.completed > 0')" = true ]
	}
	wait_for 5 some
	dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	refused 507 insufficient_storage null "disk is full"
	call GET "/v1/batches/$BATCH_ID"
	[ "$(member .status)" = in_progress ]
	sleep 1
	kill_server
	rm disk/fill
	start_server --faults faults
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 3000 ]
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -r .custom_id "$BODY" | sort -u | wc -l)" = 3000 ]
	[ "$(wc -l <"$BODY")" = 3000 ]
}
