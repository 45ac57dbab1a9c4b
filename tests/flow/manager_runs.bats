#!/usr/bin/env bats
# batch_manager --runs, --clean, --prune: what this machine remembers and owns.
load lib
load client

a_finished_run() {
	run_batch 3 --shard-requests 2
	[ "$STATUS" = 0 ]
}

files_there() {
	call GET /v1/files
	member '.data | length'
}

@test "--runs: none, and no journal is made" {
	manager --runs
	[ "$STATUS" = 0 ]
	[ "$OUT" = 'No run is recorded on this machine.' ]
	manager --runs --json
	[ "$(jq -c . out.txt)" = '[]' ]
	[ ! -e "$XDG_STATE_HOME/nightmail" ]
}

@test "--runs: each with its batches, newest first" {
	a_desk
	a_finished_run
	sleep 0.01
	variant0 --mode batch --limit 2 --dry-run
	local id
	id=$(ids_of "$OUT")
	manager --runs
	[ "$STATUS" = 0 ]
	[ "$(awk 'NR > 1 && /^[0-9a-f]/ { print $5, $6 }' out.txt |
		paste -sd,)" = 'open 2,done 3' ]
	[ "$(grep -c ', completed, on this machine$' out.txt)" = 2 ]
	grep -q "^    $id  2 requests, last seen " out.txt
	manager --runs --json
	[ "$(jq -c '[.[] | [.state, .requests, .mode, .name,
		(.batches | length)]]' out.txt)" = \
		'[["open",2,"batch","1-hop-test",1],["done",3,"batch","1-hop-test",2]]' ]
	[ "$(jq -r '.[0].batches[0].id' out.txt)" = "$id" ]
	[[ $(jq -r '.[0].service' out.txt) == "$BASE_URL" ]]
	[[ $(<out.txt) != *sk-test-0123456789* ]]
}

last_seen() {
	batch_manager --runs | sed -n 's/.*, last seen //p'
}

@test "--runs: a batch as --status, --cancel and --wait saw it last" {
	faults 'pace 1/h'
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 2 --dry-run
	BATCH_ID=$(ids_of "$OUT")
	wait_for 10 batch_is in_progress
	[ "$(last_seen)" = validating ]
	manager --status "$BATCH_ID"
	[ "$(last_seen)" = in_progress ]
	# The account that made it, and no other.
	OPENAI_API_KEY=sk-test-other manager --cancel "$BATCH_ID"
	[ "$(last_seen)" = in_progress ]
	manager --cancel "$BATCH_ID"
	[[ $(last_seen) == cancell* ]]
	manager --wait "$BATCH_ID"
	[ "$(last_seen)" = cancelled ]
	# What it says is what is gone on with.
	variant0 --mode batch --batch-id "$BATCH_ID"
	[ "$(ledger)" = 'asked=2 cancelled=2 attempts=1' ]
	manager --runs
	grep -q '2 requests, cancelled, on this machine$' out.txt
}

@test "--runs: what another process looks at does not disturb the one that waits" {
	faults 'pace 1/h'
	a_desk --faults "$FAULTS"
	variant0_llm_baseline --mode batch --limit 2 --poll-interval 0.2 \
		>waits.txt 2>&1 3>&- &
	local pid=$!
	wait_for 10 grep -q 'in_progress: ' waits.txt
	BATCH_ID=$(batch_manager --runs --json | jq -r '.[0].batches[0].id')
	manager --status "$BATCH_ID"
	[ "$(last_seen)" = in_progress ]
	manager --cancel "$BATCH_ID"
	[[ $(last_seen) == cancell* ]] || [ -z "$(last_seen)" ]
	wait "$pid" || true
	[ "$(ledger)" = 'asked=2 cancelled=2 attempts=1' ]
}

@test "--runs: what only the simulated model was asked is told as such" {
	variant0 --mode batch --limit 2 --dry-run --local
	manager --runs
	grep -qx '    service: local' out.txt
}

@test "--runs: the names are whole on 80 columns, services told where they differ" {
	a_desk
	a_finished_run
	command -v script || skip 'no script(1)'
	TERM=dumb COLUMNS=80 script -qec 'stty cols 80; batch_manager --runs' \
		/dev/null </dev/null | tr -d '\r' >out.txt
	[ "$(wc -L <out.txt)" -le 80 ]
	grep -q '  gpt-5-mini  1-hop-test$' out.txt
	lacks out.txt service:
	OPENAI_BASE_URL=http://127.0.0.1:9/v1 variant0 --mode batch --limit 1 \
		--patience 0.1 --dry-run
	manager --runs
	[ "$(grep -c '^    service: http' out.txt)" = 2 ]
}

@test "--runs: a run whose batch's id was lost" {
	# The creation is refused for a while, and the program gives up.
	faults 'on POST /v1/batches: status 401'
	a_desk --faults "$FAULTS"
	variant0 --mode batch --limit 2 --dry-run
	[ "$STATUS" != 0 ]
	manager --runs
	[ "$STATUS" = 0 ]
	grep -q '^    (no batch)  2 requests, ' out.txt
}

is_sending() {
	batch_manager --runs | grep -q 'creation not confirmed'
}

@test "--runs: on 80 columns it is whole what becomes of a batch, and why it failed" {
	faults 'on POST /v1/batches nth 2: hang' 'fail some_code "Because of it"'
	a_desk --faults "$FAULTS"
	command -v script || skip 'no script(1)'
	variant0 --mode batch --limit 3 --poll-interval 0.2
	variant0_llm_baseline --mode batch --limit 2 --dry-run >/dev/null 2>&1 3>&- &
	local pid=$!
	wait_for 10 is_sending
	kill -9 "$pid"
	TERM=dumb COLUMNS=80 script -qec 'stty cols 80; batch_manager --runs' \
		/dev/null </dev/null | tr -d '\r' >out.txt
	cat out.txt
	grep -qx '    (no batch)  2 requests, creation not confirmed; resuming looks for it' \
		out.txt
	grep -qx '    batch_.*  3 requests, failed, on this machine' out.txt
	grep -qx '        some_code: Because of it' out.txt
}

@test "--runs: no id and no outcome of a batch is cut on a terminal" {
	a_desk
	command -v script || skip 'no script(1)'
	variant0 --mode batch --limit 12 --poll-interval 0.2
	local id columns
	manager --runs --json
	id=$(jq -r '.[0].batches[0].id' out.txt)
	for columns in 40 80; do
		TERM=dumb COLUMNS=$columns script -qec 'batch_manager --runs' \
			/dev/null </dev/null | tr -d '\r' >out.txt
		cat out.txt
		grep -qx "    $id" out.txt
	done
	grep -qx '        12 requests, completed, on this machine' out.txt
}

@test "--clean: asks, and where nobody can be asked deletes nothing" {
	a_desk
	a_finished_run
	[ "$(files_there)" = 4 ]
	manager --clean --older-than 0
	[ "$STATUS" = 2 ]
	says '4 files'
	says '--yes'
	[ "$(files_there)" = 4 ]
}

@test "--clean --yes: the files of finished runs, and those alone" {
	a_desk
	a_finished_run
	variant0 --mode batch --limit 2 --dry-run
	write_input 1 in.jsonl
	upload in.jsonl
	BATCH_ID=$(ids_of "$OUT")
	wait_for 10 batch_is completed
	[ "$(files_there)" = 7 ]
	manager --clean --yes
	[ "$OUT" = 'There is nothing to delete.' ]
	manager --clean --yes --older-than 0
	[ "$STATUS" = 0 ]
	[[ $OUT == 'Deleted 4 files ('*') of 1 run.' ]]
	[ "$(files_there)" = 3 ]
	manager --clean --yes --older-than 0 --json
	[ "$(jq -c '[.runs, .deleted]' out.txt)" = '[0,0]' ]
	# A run whose files are gone is none of those that are told.
	a_finished_run
	local id
	for id in $(batch_manager --runs --json | jq -r '.[0].batches |
		.[0].input_file_id, .[1].input_file_id, .[1].output_file_id'); do
		call DELETE "/v1/files/$id"
	done
	manager --clean --yes --older-than 0
	[[ $OUT == 'Deleted 1 file ('*') of 1 run.' ]]
	# What was collected is scored again without them.
	[ -s "$RESULTS" ]
}

@test "--clean: stopped half way it tells what it deleted, and of how much" {
	faults 'on DELETE /v1/files/* nth 3..: status 403'
	a_desk --faults "$FAULTS"
	a_finished_run
	call GET /v1/files
	local sizes
	sizes=$(member '[.data[].bytes]')
	manager --clean --yes --older-than 0 --json
	[ "$STATUS" = 4 ]
	[ "$(jq -c '[.runs, .files, .deleted]' out.txt)" = '[1,4,2]' ]
	# Newest first, as they are listed.
	[ "$(jq .bytes out.txt)" = "$(jq '.[0] + .[1]' <<<"$sizes")" ]
	manager --clean --yes --older-than 0
	[ "$STATUS" = 4 ]
	[[ $OUT == 'Deleted 0 files (0 bytes) of 2 ('*').' ]]
	[[ $ERR == *'while deleting file-'* ]]
}

@test "--clean: a file that was thought gone, uploaded once more and came back goes too" {
	a_desk
	a_finished_run
	local run
	run=$(batch_manager --runs --json | jq -r '.[0].id')
	# As nightmail names it, in a shard no more.
	write_input 1 "nightmail-1-hop-test-$run-2-0123456789abcdef01234567.jsonl"
	upload nightmail-*.jsonl
	rm nightmail-*.jsonl
	# Those of runs that are not known here are another's.
	write_input 1 nightmail-1-hop-test-0123456789ab-1-0123456789abcdef01234567.jsonl
	upload nightmail-*.jsonl
	manager --clean --yes --older-than 0
	[[ $OUT == 'Deleted 5 files ('*') of 1 run.' ]]
	[ "$(files_there)" = 1 ]
	# Nor does one of an unfinished run go.
	variant0 --mode batch --limit 2 --dry-run
	run=$(batch_manager --runs --json | jq -r '.[0].id')
	write_input 1 "nightmail-1-hop-test-$run-1-0123456789abcdef01234567.jsonl"
	upload "nightmail-1-hop-test-$run"-*.jsonl
	manager --clean --yes --older-than 0
	[ "$OUT" = 'There is nothing to delete.' ]
}

@test "--clean: another account's runs are left alone" {
	a_desk
	a_finished_run
	OPENAI_API_KEY=sk-other-0123456789 manager --clean --yes --older-than 0
	[ "$OUT" = 'There is nothing to delete.' ]
	[ "$(files_there)" = 4 ]
	says "1 finished run of this machine belongs to another account:"
	says ": $BASE_URL (by another key, organization or project)"
}

@test "--clean: runs at another address are told, and how to reach it" {
	a_desk
	a_finished_run
	a_finished_run --new
	variant0 --mode batch --limit 1 --local --poll-interval 0.2
	export OPENAI_BASE_URL=http://127.0.0.1:9/v1
	manager --clean --yes --older-than 0
	[ "$STATUS" = 0 ]
	[ "$OUT" = 'There is nothing to delete.' ]
	says '3 finished runs of this machine belong to other accounts: '
	says ', the built-in server (by --local)' ||
		says ': the built-in server (by --local), '
	says "$BASE_URL (by OPENAI_BASE_URL)"
	lacks err.txt ' key '
	# Those alone that are old enough, and had files at the service.
	manager --clean --yes
	[ -z "$ERR" ]
	manager --clean --yes --older-than 0 --quiet
	[ -z "$ERR" ]
	# Where something was deleted there is no need of the others.
	OPENAI_BASE_URL=$BASE_URL manager --clean --yes --older-than 0 --json
	[ "$(jq -c '[.runs, .deleted]' out.txt)" = '[2,8]' ]
	[ -z "$ERR" ]
}

@test "--clean: what is not on this machine any more is not deleted there" {
	a_desk
	a_finished_run
	find "$XDG_STATE_HOME/nightmail/runs" -name '*.jsonl' -delete
	manager --clean --yes --older-than 0
	[ "$OUT" = 'There is nothing to delete.' ]
	[ "$(files_there)" = 4 ]
}

@test "--prune: finished runs and their downloads; results stay" {
	a_desk
	a_finished_run
	variant0 --mode batch --limit 2 --dry-run
	manager --prune --yes
	[ "$OUT" = 'There is nothing to forget.' ]
	manager --prune --older-than 0
	[ "$STATUS" = 2 ]
	says '--yes'
	find results -type f | sort | xargs cksum >before
	manager --prune --older-than 0 --yes
	[ "$STATUS" = 0 ]
	[[ $OUT == 'Forgot 1 of 1 run; '* ]]
	find results -type f | sort | xargs cksum | cmp - before
	manager --runs --json
	[ "$(jq -c '[.[].state]' out.txt)" = '["open"]' ]
	[ "$(find "$XDG_STATE_HOME/nightmail/runs" -name '*.jsonl' |
		wc -l)" = 0 ]
}

@test "--prune: what interrupted work left goes, what is at work stays" {
	a_desk
	a_finished_run
	local home=$XDG_STATE_HOME/nightmail holder
	mkdir -p "$home/passing" "$home/runs/0123456789ab" \
		"$home/runs/ba9876543210"
	printf 'half' >"$home/passing/old.file-1.part"
	cp "$home/passing/old.file-1.part" "$home/passing/held.file-2.part"
	# One died before it wrote its run down, one is about to.
	echo 1 >"$home/runs/0123456789ab.lock"
	echo 1 >"$home/runs/ba9876543210.lock"
	touch -d '2 hours ago' "$home"/passing/* "$home"/runs/*
	echo young >"$home/passing/young.file-3.part"
	(
		flock 8
		flock 9
		exec sleep 30
	) 8<"$home/passing/held.file-2.part" \
		9<"$home/runs/ba9876543210.lock" 3>&- &
	holder=$!
	held() { ! flock -n "$home/runs/ba9876543210.lock" true; }
	wait_for 5 held
	manager --prune --older-than 1h --json
	[ "$STATUS" = 0 ]
	[ "$(jq -c . out.txt)" = '{"runs":0,"leftovers":2,"bytes":4}' ]
	[ "$(find "$home/passing" -type f -printf '%f\n' | sort |
		paste -sd' ')" = 'held.file-2.part young.file-3.part' ]
	[ ! -e "$home/runs/0123456789ab" ]
	[ ! -e "$home/runs/0123456789ab.lock" ]
	[ -e "$home/runs/ba9876543210" ]
	# Of the run that is known nothing is gone.
	[ "$(find "$home/runs" -name '*_output.jsonl' | wc -l)" = 2 ]
	kill "$holder"
	wait "$holder" || true
	touch -d '2 hours ago' "$home"/passing/*
	manager --prune --older-than 1h
	[[ $OUT == 'There is nothing to forget; removed 3 things that'* ]]
	[ ! -e "$home/passing" ]
}

@test "--prune: a journal that is damaged is exit 5 and stays" {
	mkdir -p "$XDG_STATE_HOME/nightmail"
	echo 'no database' >"$XDG_STATE_HOME/nightmail/journal.db"
	manager --prune --yes --older-than 0
	[ "$STATUS" = 5 ]
	says journal.db
	[ "$(<"$XDG_STATE_HOME/nightmail/journal.db")" = 'no database' ]
}
