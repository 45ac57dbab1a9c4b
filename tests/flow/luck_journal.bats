#!/usr/bin/env bats
# What else may go wrong on this machine: a journal that cannot be used, a clock that
# jumps. Nothing is sent twice, nothing paid is lost.
load lib
load client
load disk

files() {
	call GET '/v1/files?purpose=batch'
	member '.data | length'
}

batches() {
	call GET '/v1/batches?limit=100'
	member '.data | length'
}

# ---- the journal ----

# A run whose batch is at work, and the journal as its process left it.
an_unfinished_run() {
	a_desk --delay-in-progress 1
	variant0 --mode batch --limit 3 --dry-run
	[ "$STATUS" = 0 ]
	BATCH_ID=$(ids_of "$OUT")
	JOURNAL=$XDG_STATE_HOME/nightmail/journal.db
}

# Each way of using the run is refused in one line, and nothing is sent or changed.
refused_by_the_journal() { # text
	local before
	before=$(cksum <"$JOURNAL")
	: >"$SERVER_LOG"
	variant0 --mode batch --limit 3 --quiet
	[ "$STATUS" = 5 ]
	says "$1"
	says journal.db
	variant0 --mode batch --batch-id "$BATCH_ID" --quiet
	[ "$STATUS" = 5 ]
	says "$1"
	[ "$(logged '.method == "POST"')" = 0 ]
	[ "$(cksum <"$JOURNAL")" = "$before" ]
}

@test "a journal of a newer version is left alone" {
	an_unfinished_run
	# Its user_version, in the file's head.
	printf '\0\0\0\143' |
		dd of="$JOURNAL" bs=1 seek=60 conv=notrunc status=none
	refused_by_the_journal 'newer nightmail (journal version 99'
}

@test "a journal with a damaged page: told, and the batch is found without it" {
	an_unfinished_run
	local size
	size=$(stat -c %s "$JOURNAL")
	head -c $((size - 4096)) /dev/zero | tr '\0' '\252' |
		dd of="$JOURNAL" bs=4096 seek=1 conv=notrunc status=none
	refused_by_the_journal 'the file is damaged: move it away'
	# As it says.
	manager --list
	[[ $OUT == *"$BATCH_ID"* ]]
	mv "$JOURNAL" damaged
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(batches)" = 1 ]
}

@test "a journal with a damaged record of a run: told, and the batch is found without it" {
	an_unfinished_run
	LC_ALL=C sed -i 's/{"source"/{source""/' "$JOURNAL"
	: >"$SERVER_LOG"
	variant0 --mode batch --batch-id "$BATCH_ID" --quiet
	[ "$STATUS" = 5 ]
	says 'the file is damaged: move it away'
	says 'is not as it was written'
	says journal.db
	[ "$(logged '.method == "POST"')" = 0 ]
	mv "$JOURNAL" damaged
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(batches)" = 1 ]
}

put_byte() { # octal offset file
	printf "\\$1" | dd of="$3" bs=1 seek="$2" conv=notrunc status=none
}

# From CREATED to UPLOADED, in its one byte behind the shard's tag.
@test "a journal with a damaged state of a shard: no second batch" {
	an_unfinished_run
	local at
	at=$(LC_ALL=C grep -aobP '[0-9a-f]{24}\x04' "$JOURNAL")
	[ "$(wc -l <<<"$at")" = 1 ]
	put_byte 002 $((${at%%:*} + 24)) "$JOURNAL"
	refused_by_the_journal 'the file is damaged: move it away'
	says 'shard 1 of run '
	[ "$(batches)" = 1 ]
}

# Its process was killed when its batch was made, and SQLite would forget it all.
@test "a journal whose log is damaged: told, and the batch is found without it" {
	local pid log=$XDG_STATE_HOME/nightmail/journal.db-wal
	JOURNAL=${log%-wal}
	a_desk --delay-in-progress 1
	variant0_llm_baseline --mode batch --limit 3 --quiet >first.txt 2>&1 3>&- &
	pid=$!
	wait_for 20 grep -aq 'batch_[0-9a-f]\{32\}' "$log"
	kill -9 $pid
	wait $pid 2>/dev/null || true
	call GET '/v1/batches'
	BATCH_ID=$(member '.data[0].id')
	put_byte 252 100 "$log"
	cp "$log" before
	refused_by_the_journal 'journal.db-wal: the file is damaged'
	says 'move it and journal.db away'
	cmp before "$log"
	# As it says.
	manager --list
	[[ $OUT == *"$BATCH_ID"* ]]
	mkdir away
	mv "$JOURNAL" "$log" away
	variant0 --mode batch --batch-id "$BATCH_ID" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(batches)" = 1 ]
}

@test "a journal that was cut off" {
	an_unfinished_run
	truncate -s 5000 "$JOURNAL"
	refused_by_the_journal 'damaged'
}

@test "a journal that may not be written" {
	mount_small 4m
	export XDG_STATE_HOME=$PWD/small
	unset NIGHTMAIL_STATE
	RESULTS=results/${RESULTS##*/}
	an_unfinished_run
	mount -o remount,ro small
	refused_by_the_journal 'it may not be written'
	mount -o remount,rw small
	run_batch 3
	[ "$STATUS" = 0 ]
	[ "$(batches)" = 1 ]
}

# A process that is stopped between two writes of one step keeps the journal.
@test "a journal that another process keeps locked: told in time, and no other harm" {
	[ -r /proc/locks ] || skip 'no /proc/locks'
	faults 'on POST /v1/chat/completions: delay 300ms'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --limit 60 --concurrency 4 --quiet \
		>first.txt 2>&1 3>&- &
	local pid=$!
	# Where it keeps nothing, it goes on a little.
	keeps_it() {
		kill -STOP $pid
		! grep -q "POSIX .* WRITE $pid " /proc/locks || return 0
		kill -CONT $pid
		return 1
	}
	wait_for 10 keeps_it
	variant0 --mode batch --limit 3 --quiet
	kill -CONT $pid
	wait $pid
	[ "$STATUS" = 5 ]
	says 'another process keeps it locked'
	[ "$(calls POST /v1/files)" = 0 ]
	run_batch 3
	[ "$STATUS" = 0 ]
	[ "$(batches)" = 1 ]
	[ "$(calls POST /v1/chat/completions)" = 60 ]
}

# ---- the clock ----

# Days ahead within seconds, or back: by the clocks of two processes on one run.
@test "a clock that was days ahead when a submission's reply was lost" {
	faults 'on POST /v1/files nth 1: act then lose reply' \
		'on GET /v1/files nth 1..: delay 30s'
	a_desk --faults "$FAULTS"
	NIGHTMAIL_CLOCK=fast=400000 variant0_llm_baseline --mode batch \
		--limit 3 --quiet 3>&- &
	local pid=$!
	looking() { [ "$(calls POST /v1/files)" = 1 ]; }
	wait_for 10 looking
	sleep 0.3
	kill -9 $pid
	wait $pid || true
	kill_server
	restart
	run_batch 3 --patience 1
	[ "$STATUS" = 0 ]
	[ "$(files)" = 1 ]
	[ "$(batches)" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "a clock that is days ahead when what was sent is looked for" {
	faults 'on POST /v1/batches nth 1: act then lose reply' \
		'on GET /v1/batches nth 1..: delay 30s'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 3 --quiet 3>&- &
	local pid=$!
	looking() { [ "$(calls POST /v1/batches)" = 1 ]; }
	wait_for 10 looking
	kill -9 $pid
	wait $pid || true
	kill_server
	restart
	NIGHTMAIL_CLOCK=fast=400000 run_batch 3 --patience 60m
	[ "$STATUS" = 0 ]
	[ "$(batches)" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}
