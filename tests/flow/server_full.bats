#!/usr/bin/env bats
# A disk that fills up in the middle of a batch: nothing is lost, and it goes on
# once there is room. Wants the right to mount; skipped without.
load lib

teardown() {
	[ -z "$SERVER_PID" ] || stop_server || true
	[ -z "${BEHIND:-}" ] || kill "$BEHIND" || true
	[ ! -d disk ] || umount disk || true
}

small_disk() {
	mkdir disk
	mount -t tmpfs -o size=6m tmpfs disk 2>/dev/null || {
		rmdir disk
		skip "no tmpfs without root"
	}
	STATE=$PWD/disk/state
}

# Fills the disk to the last byte, the room that files have left at their end too.
fill() {
	dd if=/dev/zero of=disk/fill bs=4k 2>/dev/null || true
	dd if=/dev/zero of=disk/fill2 bs=1 2>/dev/null || true
}

full() { # method path curl-option...
	call "$@"
	refused 507 insufficient_storage null 'The server'"'"'s disk is full. Nothing was changed.'
	[ "$(member .error.type)" = server_error ]
}

# The state as a client sees it.
seen() {
	local path
	for path in "/v1/files" "/v1/batches" "/v1/files/$FILE_ID/content"; do
		call GET "$path"
		cat "$BODY"
	done
}

@test "each write on a full disk is answered 507, and changes nothing" {
	small_disk
	start_server --clock step --delay-validating 10
	write_input 200 in.jsonl
	head -c 200000 /dev/zero >zeros
	upload in.jsonl
	create_batch "$FILE_ID"
	local upload part other others before cancelled
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":200000,
		"mime_type":"t"}'
	upload=$(member .id)
	call POST "/v1/uploads/$upload/parts" -F data=@zeros
	part=$(member .id)
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":200000,
		"mime_type":"t"}'
	cancelled=$(member .id)
	call POST "/v1/uploads/$cancelled/parts" -F data=@zeros
	for other in 1 2 3; do
		call POST /v1/files -F purpose=vision -F file=@zeros
		others+=" $(member .id)"
	done
	before=$(seen)
	fill
	full POST /v1/files -F purpose=batch -F file=@in.jsonl
	full POST /v1/files -F purpose=vision -F file=@zeros
	full POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":3,
		"mime_type":"t"}'
	full POST "/v1/uploads/$upload/parts" -F data=@zeros
	full POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part"'"]}'
	full POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	[ "$(seen)" = "$before" ]
	[ -z "$(find "$STATE/tmp" -type f)" ]
	# What gives room back works all the same, and as often as one likes.
	for other in $others; do
		fill
		call DELETE "/v1/files/$other"
		[ "$STATUS" = 200 ]
		call GET "/v1/files/$other"
		[ "$STATUS" = 404 ]
		fill
	done
	call POST "/v1/uploads/$cancelled/cancel"
	[ "$(member .status)" = cancelled ]
	rm disk/fill disk/fill2
	kill_server
	start_server --clock step --delay-validating 10
	call POST "/v1/uploads/$upload/complete" -d '{"part_ids":["'"$part"'"]}'
	[ "$(member .status)" = completed ]
	call GET "/v1/files/$(member .file.id)/content"
	cmp "$BODY" zeros
	# Time is kept in a file that has its size from the beginning.
	fill
	call POST /_control/clock -d '{"advance":"11s"}'
	[ "$STATUS" = 200 ]
	sleep 0.5
	rm disk/fill disk/fill2
	wait_for 20 batch_is in_progress
	call POST /_control/clock -d '{"advance":"2s"}'
	wait_for 20 batch_is finalizing
	fill
	call POST /_control/clock -d '{"advance":"2s"}'
	sleep 1.5
	batch_is finalizing
	rm disk/fill disk/fill2
	wait_for 20 batch_is completed
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -r .custom_id "$BODY" | sort -u | wc -l)" = 200 ]
	# A cancel that cannot be kept is none.
	create_batch "$FILE_ID"
	fill
	full POST "/v1/batches/$BATCH_ID/cancel"
	batch_is validating
	rm disk/fill disk/fill2
	call POST "/v1/batches/$BATCH_ID/cancel"
	[ "$(member .status)" = cancelling ]
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
	# Whoever watches is told.
	told() {
		call GET /metrics
		grep -q '^nightmail_setbacks_total [1-9]' "$BODY"
	}
	wait_for 20 told
	[ "$(sed -n 's/^nightmail_troubles_total{kind="disk_full"} //p' \
		"$BODY")" -ge 1 ]
	call GET /healthz
	[ "$STATUS" = 200 ]
	kill_server
	[ "$(grep -c 'batches wait for it$' \
		"$BATS_TEST_TMPDIR/server.err")" = 1 ]
	rm disk/fill
	start_server --faults faults
	wait_for 20 batch_is completed
	[ "$(member .request_counts.completed)" = 3000 ]
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -r .custom_id "$BODY" | sort -u | wc -l)" = 3000 ]
	[ "$(wc -l <"$BODY")" = 3000 ]
}

@test "answers of a model behind outlast a full disk, and are asked for once" {
	small_disk
	echo 'on POST /v1/chat/completions: delay 10ms' >faults
	: >behind.out
	batch_server --port 0 --quiet --state-dir behind --faults faults \
		--log behind.jsonl >behind.out 2>behind.err 3>&- &
	BEHIND=$!
	behind_speaks() { grep -q listening behind.out; }
	wait_for 20 behind_speaks
	start_server --concurrency 8 --upstream \
		"$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' behind.out)"
	write_input 600 in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	some() {
		batch_is in_progress &&
			[ "$(member '.request_counts.completed > 20')" = true ]
	}
	wait_for 20 some
	fill
	held_up() {
		call GET /metrics
		grep -q '^nightmail_setbacks_total [1-9]' "$BODY"
	}
	wait_for 20 held_up
	sleep 1.5
	# No more is asked than there is room for beside the disk.
	local asked
	asked=$(wc -l <behind.jsonl)
	sleep 1.5
	[ "$(wc -l <behind.jsonl)" = "$asked" ]
	[ "$asked" -lt 600 ]
	batch_is in_progress
	[ "$(grep -c 'batches wait for it$' "$BATS_TEST_TMPDIR/server.err")" = 1 ]
	rm disk/fill disk/fill2
	wait_for 60 batch_is completed
	wait_for 10 grep -qx 'batch_server: batches go on' \
		"$BATS_TEST_TMPDIR/server.err"
	[ "$(wc -l <"$BATS_TEST_TMPDIR/server.err")" = 2 ]
	[ "$(member .request_counts.completed)" = 600 ]
	call GET "/v1/files/$(member .output_file_id)/content"
	[ "$(jq -r .custom_id "$BODY" | sort -u | wc -l)" = 600 ]
	[ "$(wc -l <"$BODY")" = 600 ]
	[ "$(wc -l <behind.jsonl)" = 600 ]
}

@test "virtual time wants room of its own, and says so" {
	small_disk
	start_server
	fill
	stop_server
	run batch_server --port 0 --state-dir "$STATE" --clock fast=2
	[ "$status" = 5 ]
	[[ $output == *"/clock: No space left on device"* ]]
	[ "${#lines[@]}" = 1 ]
	rm disk/fill
	start_server --clock fast=2
}

@test "bytes whose row found no room are given back at once" {
	small_disk
	start_server
	head -c 262144 /dev/zero | tr '\\0' x >large
	call POST /v1/files -F purpose=vision -F file=@large
	call DELETE "/v1/files/$(member .id)"
	stop_server
	# What is known is in the one file now: the next row wants a new one.
	start_server
	head -c 262144 /dev/zero >disk/room
	fill
	rm disk/room
	full POST /v1/files -F purpose=vision -F file=@large
	[ -z "$(find "$STATE/files" "$STATE/tmp" -type f)" ]
	[ "$(df --output=avail -B1 disk | tail -1)" -ge 262144 ]
}

@test "a line of the log that found half its room spoils no other" {
	small_disk
	SERVER_LOG=$PWD/disk/log
	start_server
	call GET /healthz
	fill
	# Until a page of the log is full in the middle of a line.
	local i
	for ((i = 0; i < 60; i++)); do
		call GET /healthz
		[ "$STATUS" = 200 ]
	done
	[ -n "$(tail -c 1 "$SERVER_LOG" | tr -d '\n')" ]
	rm disk/fill disk/fill2
	for i in 1 2 3; do
		call GET "/healthz?after=$i"
	done
	[ "$(jq -R 'fromjson? | select(.query | startswith("after="))' \
		"$SERVER_LOG" | jq -s length)" = 3 ]
}
