#!/usr/bin/env bats
# Ctrl-C, and worse: what was begun goes on, what was paid is kept.
load lib
load client

begin() { # argument...
	variant0_llm_baseline "$@" >begun.txt 2>begun.err 3>&- &
	PID=$!
}

# Sets STATUS, OUT and ERR of what `begin` began.
end() { # signal
	kill -"$1" "$PID"
	STATUS=0
	wait "$PID" || STATUS=$?
	OUT=$(cat begun.txt)
	ERR=$(cat begun.err)
	echo "-> $STATUS"
	cat begun.err
}

waiting() {
	[ "$(calls GET '/v1/batches/.*')" -ge 1 ]
}

@test "Ctrl-C while waiting: 130, and the command it prints works" {
	local signal
	for signal in INT TERM; do
		a_desk --clock step
		: >"$SERVER_LOG"
		begin --mode batch --limit 3 --new
		wait_for 10 waiting
		end $signal
		[ "$STATUS" = 130 ]
		[ -z "$OUT" ]
		[ ! -e "$RESULTS" ]
		[[ $ERR == *'The batch goes on. To resume and wait for it, run:'* ]]
		local command
		command=$(sed -n 's/^  variant0_llm_baseline //p' begun.err)
		[[ $command == '--mode batch --batch-id batch_'* ]]
		restart
		# As printed, word by word.
		# shellcheck disable=SC2086
		variant0 $command --poll-interval 0.2
		[ "$STATUS" = 0 ]
		[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
		[ "$(calls POST /v1/batches)" = 1 ]
		rm "$RESULTS"
		stop_server
	done
}

@test "Ctrl-C: the command that goes on has the places, the reading and the ceiling" {
	a_desk --clock step
	begin --mode batch --limit 3 --json --results-dir "its own place" \
		--lenient --max-cost 0.5 --reask 1 --poll-interval 7
	wait_for 10 waiting
	end INT
	[ "$STATUS" = 130 ]
	# Nothing of it is complete.
	[ "$(jq -c '[.status, .datasets]' begun.txt)" = '["partial",[]]' ]
	local command
	command=$(sed -n 's/^  variant0_llm_baseline //p' begun.err)
	[[ $command == *" --results-dir 'its own place' --lenient --reask 1 --max-cost 0.5" ]]
	restart
	eval "variant0 $command --poll-interval 0.2"
	[ "$STATUS" = 0 ]
	RESULTS="its own place/${RESULTS#results/}"
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
	[ "$(result .run.request.reading)" = lenient ]
	[ ! -e results ]
}

@test "a dataset whose path is no UTF-8 is found again by its batch, and shown safely" {
	a_desk
	local file=$'w\xffo\xfe.txt'
	printf 'who made [A]\tB\nwho made [C]\tD\n' >"$file"
	variant0 --mode batch --datasets "$file" --dry-run
	[ "$STATUS" = 0 ]
	local id
	id=$(ids_of "$OUT")
	variant0 --mode batch --batch-id "$id" --poll-interval 0.2
	[ "$STATUS" = 0 ]
	RESULTS=results/variant0_llm_baseline_w_o__batch.json
	[ "$(ledger)" = 'asked=2 answered=2 attempts=1' ]
	[ "$(result .run.questions.path)" = "$PWD/"$'w\ufffdo\ufffd.txt' ]
	rm "$file"
	variant0 --mode batch --batch-id "$id" --poll-interval 0.2
	[ "$STATUS" = 3 ]
	[[ $ERR == *'/w?o?.txt: no such file' ]]
	lacks err.txt $'\xff'
}

@test "Ctrl-C while waiting: the same command goes on as well" {
	a_desk --clock step
	begin --mode batch --limit 3
	wait_for 10 waiting
	end INT
	[ "$STATUS" = 130 ]
	restart
	run_batch 3
	[ "$STATUS" = 0 ]
	[[ $ERR == *'taking it up'* ]]
	[ "$(calls POST /v1/batches)" = 1 ]
}

all_waiting() {
	[ "$(calls POST /v1/batches)" = 2 ] && waiting
}

@test "Ctrl-C with two datasets: a command for each" {
	a_desk --delay-in-progress 1000
	begin --mode batch --datasets 1-hop 2-hop --limit 2
	wait_for 10 waiting
	end INT
	[ "$STATUS" = 130 ]
	[ "$(grep -c '^  variant0_llm_baseline --mode batch --batch-id' begun.err)" = 2 ]
	[ "$(grep -c '^The batch of [12]-hop-test goes on\. To resume and wait for it' \
		begun.err)" = 2 ]
}

@test "Ctrl-C with two batches of one dataset: one command for them" {
	a_desk --delay-in-progress 1000
	begin --mode batch --limit 4 --shard-requests 2
	wait_for 10 all_waiting
	end INT
	[ "$STATUS" = 130 ]
	[[ $ERR == *'The batches go on. To resume and wait for them, run:'* ]]
	[ "$(grep -c '^  variant0_llm_baseline --mode batch --batch-id' begun.err)" = 1 ]
}

# The file has arrived, and is not answered yet.
uploading() {
	[ -n "$(find "$STATE"/tmp "$STATE"/files -type f)" ]
}

@test "Ctrl-C during the upload: nothing is lost, nothing is twice" {
	faults 'on POST /v1/files nth 1: delay 30s'
	a_desk --faults "$FAULTS"
	begin --mode batch --limit 3 --dry-run
	wait_for 10 uploading
	end INT
	[ "$STATUS" = 130 ]
	[[ $ERR == *'run the same command again'* ]]
	kill_server
	start_server --port "$(sed 's/.*:\([0-9]*\).*/\1/' <<<"$BASE_URL")"
	variant0 --mode batch --limit 3 --dry-run --patience 1
	[ "$STATUS" = 0 ]
	call GET /v1/batches
	[ "$(member '.data | length')" = 1 ]
}

@test "Ctrl-C during the download: what is here is kept" {
	faults 'on GET /v1/files/*/content: trickle 2000/s'
	a_desk --faults "$FAULTS"
	begin --mode batch --limit 30
	downloading() { [ "$(find xdg -name '*part*' -size +0 | wc -l)" != 0 ] ||
		[ "$(logged '.path | test("/content$")')" -ge 1 ]; }
	wait_for 10 downloading
	sleep 0.5
	end INT
	[ "$STATUS" = 130 ]
	restart
	run_batch 30
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=30 answered=30 attempts=1' ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "killed while waiting: the next one takes it up" {
	a_desk --clock step
	begin --mode batch --limit 3
	wait_for 10 waiting
	end KILL
	restart
	run_batch 3
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/files)" = 1 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}

@test "the same run by two processes at once: the second is told" {
	a_desk --delay-in-progress 1000
	begin --mode batch --limit 3
	wait_for 10 waiting
	variant0 --mode batch --limit 3 --dry-run
	[ "$STATUS" = 5 ]
	says "driven by process $PID"
	[ "$(calls POST /v1/batches)" = 1 ]
	kill -INT "$PID"
	wait "$PID" || true
}

# Both datasets, killed when the first of them is scored.
killed_after_the_first() { # results-file option...
	local file=$1
	shift
	variant0_llm_baseline --datasets 1-hop 2-hop --limit 2 "$@" \
		>/dev/null 2>&1 3>&- &
	wait_for 10 test -e "$file"
	wait_for 10 first_is_done
	kill -9 $!
	wait $! || true
	restart --faults /dev/null
}

first_is_done() {
	batch_manager --runs --json | jq -e 'any(.[]; .state == "done")' \
		>/dev/null
}

@test "killed between two datasets: the same command does not ask the first again" {
	faults 'on GET /v1/files/*/content nth 2: hang'
	a_desk --faults "$FAULTS"
	killed_after_the_first "$RESULTS" --mode batch --poll-interval 0.2
	run_batch 2 --datasets 1-hop 2-hop
	[ "$STATUS" = 0 ]
	[ "$(grep -c 'Ledger: 2 asked: 2 answered' out.txt)" = 2 ]
	[[ $ERR == *'the run of 1-hop-test is done, and others of this command are not'* ]]
	[ "$(calls POST /v1/batches)" = 2 ]
	# Now all are done: the same command begins anew.
	run_batch 2 --datasets 1-hop 2-hop
	[ "$(calls POST /v1/batches)" = 4 ]
}

@test "direct: killed between two datasets, likewise; --new asks all of it" {
	faults 'on POST /v1/chat/completions nth 3..: hang'
	a_desk --faults "$FAULTS"
	killed_after_the_first results/variant0_llm_baseline_1-hop-test.json
	: >"$SERVER_LOG"
	variant0 --datasets 1-hop 2-hop --limit 2
	[ "$STATUS" = 0 ]
	[ "$(grep -c 'Ledger: 2 asked: 2 answered' out.txt)" = 2 ]
	[ "$(calls POST /v1/chat/completions)" = 2 ]
	variant0 --datasets 1-hop 2-hop --limit 2 --new
	[ "$(calls POST /v1/chat/completions)" = 6 ]
}

@test "a holder that has not said who it is, or a dead one before it: no number is made up" {
	a_desk --delay-in-progress 1000
	variant0 --mode batch --limit 3 --dry-run
	local lock text
	lock=$(echo "$XDG_STATE_HOME"/nightmail/runs/*.lock)
	sh -c 'exit 0' &
	wait $!
	for text in '' "$!"; do
		printf '%s' "$text" >"$lock"
		exec 9<>"$lock"
		flock -n 9
		variant0 --mode batch --limit 3 --dry-run 9>&-
		[ "$STATUS" = 5 ]
		says 'driven by another process: wait for it'
		exec 9>&-
	done
}

@test "of four that begin at once none leaves anything but the one run" {
	a_desk
	local round runs=$XDG_STATE_HOME/nightmail/runs pids
	for round in 1 2 3 4; do
		rm -rf "$XDG_STATE_HOME"
		pids=()
		for _ in 1 2 3 4; do
			variant0_llm_baseline --mode batch --limit "$round" \
				--dry-run >/dev/null 2>&1 3>&- &
			pids+=($!)
		done
		wait "${pids[@]}" || true
		[ "$(find "$runs" -mindepth 1 -type d | wc -l)" = 1 ]
		[ "$(find "$runs" -name '*.lock' | wc -l)" = 1 ]
		[ "$(calls POST /v1/batches)" = "$round" ]
	done
}

@test "direct: Ctrl-C saves what came; the same command asks the rest alone" {
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	faults 'on POST /v1/chat/completions nth 11..: delay 30s'
	a_desk --faults "$FAULTS" --answer-key "$SAMPLE"
	begin --limit 30 --concurrency 4
	wait_for 10 journalled 10
	end INT
	[ "$STATUS" = 130 ]
	[[ $ERR == *'run the same command again'* ]]
	[ "$(result .status)" = partial ]
	[ "$(result '.ledger | .asked == 30 and .answered == 10 and
		.missing == 20')" = true ]
	[[ $OUT == *'Ledger: 30 asked: 10 answered, 20 missing'* ]]
	kill_server
	: >"$SERVER_LOG"
	start_server --port "$(sed 's/.*:\([0-9]*\).*/\1/' <<<"$BASE_URL")" \
		--answer-key "$SAMPLE"
	variant0 --limit 30 --concurrency 4
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=30 answered=30 attempts=1' ]
	[ "$(calls POST /v1/chat/completions)" = 20 ]
}

@test "direct: a terminal that is closed is as Ctrl-C, but for one under nohup" {
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	faults 'on POST /v1/chat/completions: delay 60ms'
	a_desk --faults "$FAULTS"
	some() { [ "$(calls POST /v1/chat/completions)" -ge 10 ]; }
	begin --limit 60 --concurrency 4
	wait_for 10 some
	end HUP
	[ "$STATUS" = 130 ]
	[ "$(result .status)" = partial ]
	: >"$SERVER_LOG"
	nohup variant0_llm_baseline --limit 60 --concurrency 4 \
		>begun.txt 2>begun.err 3>&- &
	PID=$!
	wait_for 10 some
	end HUP
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=60 answered=60 attempts=1' ]
}

@test "direct: killed; what was kept is not asked again" {
	RESULTS=results/variant0_llm_baseline_1-hop-test.json
	faults 'on POST /v1/chat/completions nth 11..: delay 30s'
	a_desk --faults "$FAULTS"
	begin --limit 30 --concurrency 4
	wait_for 10 journalled 10
	end KILL
	kill_server
	: >"$SERVER_LOG"
	start_server --port "$(sed 's/.*:\([0-9]*\).*/\1/' <<<"$BASE_URL")"
	variant0 --limit 30 --concurrency 4
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=30 answered=30 attempts=1' ]
	[ "$(calls POST /v1/chat/completions)" = 20 ]
}

@test "local: Ctrl-C while waiting, and the printed command" {
	ln -s "$NM_SOURCE/data" data
	begin --local --mode batch --limit 3 --poll-interval 5
	told() { grep -q 'validating\|in_progress' begun.err; }
	wait_for 10 told
	end INT
	[ "$STATUS" = 130 ]
	local command
	command=$(sed -n 's/^  variant0_llm_baseline //p' begun.err)
	[[ $command == *' --local' ]]
	# As printed, word by word.
	# shellcheck disable=SC2086
	variant0 $command --poll-interval 0.2
	[ "$STATUS" = 0 ]
	[ "$(ledger)" = 'asked=3 answered=3 attempts=1' ]
}
