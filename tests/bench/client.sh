#!/bin/bash
# client: what the programs take for 14,872 questions and for a million. Not a test:
# prints figures and aims.
#
#   tests/bench/client.sh [BUILD]     BUILD: a release build with -Dbench=true
#
# NM_BENCH_DATA is a folder of MetaQA; without it the sample is repeated to the same
# size. Wants jq, /usr/bin/time. The million takes 8 GB in TMPDIR for a while.
#
# CPU is the processor's time in the program itself: where other work shares the
# machine, it tells more than the clock.
# shellcheck disable=SC1091,SC2154 # what lib.bash sets
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.bash

questions=14872
million=1000000
million_mb=8000
! is_quick || questions=2000 million=120000 million_mb=1000
export OPENAI_API_KEY=none NIGHTMAIL_STATE=$work/state
unset OPENAI_BASE_URL OPENAI_MODEL
cd "$work"

repeat() { # lines file
	awk -v lines="$1" '{ line[NR] = $0 }
		END { for (i = 0; i < lines; i++) print line[i % NR + 1] }' "$2"
}

make_questions() {
	local given=${NM_BENCH_DATA:-$source/data/metaqa}/2-hop/vanilla/qa_test.txt
	repeat $questions "$given" >some.txt
	repeat $million "$given" >million.txt
}

# Runs a program that ends as is due, without error unless told; sets wall_ms, cpu_ms
# and peak_kb.
timed() { # program argument...
	local wall user system status=0
	command time -o timed -f '%e %U %S %M' "$@" >output 2>errors || status=$?
	if [ $status != "${due:-0}" ]; then
		cat errors
		return 1
	fi
	read -r wall user system peak_kb < <(tail -1 timed)
	wall_ms=$(quotient "$wall * 1000" %d)
	cpu_ms=$(quotient "($user + $system) * 1000" %d)
}

ask() { # option...
	timed "$programs/variant0_llm_baseline" --quiet --yes "$@"
}

first_id() {
	sed -n 's/^Batch ID: //p' output | head -1
}

wait_for_batches() {
	local list
	for (( ; ; )); do
		list=$("$programs/batch_manager" --list --limit 100 --json)
		[[ $list =~ \"(validating|in_progress|finalizing)\" ]] ||
			return 0
		sleep 0.2
	done
}

peak() { # what kb
	row "  peak memory of $1" "$(($2 / 1024)) MB" \
		"under $3 MB" "$2" "<" $(($3 * 1024))
}

# Medians of bench_requests' phases; sets what each took in ms.
measure_requests() { # file times where
	local i phase wall cpu bytes
	for ((i = 0; i < $2; i++)); do
		"$build/tests/bench/bench_requests" "$1" "$3"
	done >phases
	bytes=$(awk '$1 == "write" { print $5; exit }' phases)
	for phase in read plan write; do
		wall=$(awk -v p=$phase '$1 == p { print $2 }' phases | median)
		cpu=$(awk -v p=$phase '$1 == p { print $3 }' phases | median)
		case $phase in
		read) row "  reading and digesting the questions" \
			"$wall ms (CPU $cpu)" ;;
		plan) row "  planning: checking, counting, cutting" \
			"$wall ms (CPU $cpu)" ;;
		write) row "  writing the JSONL, $((bytes / 1000000)) MB" \
			"$wall ms (CPU $cpu)" ;;
		esac
		eval "${phase}_ms=$wall ${phase}_cpu=$cpu"
	done
}

rate() { # requests ms
	quotient "$1 * 1000 / $2" %d
}

measure_some() {
	local id i walls=() cpus=() most=0
	echo "-- $questions questions of two hops, one batch"
	measure_requests some.txt "$runs" requests.jsonl
	# shellcheck disable=SC2154 # set by measure_requests
	row "  reading, planning and writing" \
		"$(quotient "$read_ms + $plan_ms + $write_ms" %d) ms" "500 ms" \
		"$read_ms + $plan_ms + $write_ms" "<" 500
	ask --mode batch --datasets some.txt --dry-run
	row "  --dry-run as a whole" "$wall_ms ms (CPU $cpu_ms)"
	peak "variant0_llm_baseline, --dry-run" "$peak_kb" 64
	id=$(first_id)
	wait_for_batches
	ask --mode batch --batch-id "$id" # brings the files
	for ((i = 0; i < runs; i++)); do
		ask --mode batch --batch-id "$id"
		walls+=("$wall_ms")
		cpus+=("$cpu_ms")
		[ "$peak_kb" -le "$most" ] || most=$peak_kb
	done
	wall_ms=$(printf '%s\n' "${walls[@]}" | median)
	row "  reading, scoring and saving the replies" \
		"$wall_ms ms (CPU $(printf '%s\n' "${cpus[@]}" | median))" \
		"500 ms" "$wall_ms" "<" 500
	peak "variant0_llm_baseline, --batch-id" "$most" 64
	timed "$programs/batch_manager" --download "$id" -o rows.jsonl
	peak "batch_manager, --download" "$peak_kb" 64
	timed "$programs/batch_manager" --check \
		requests.jsonl
	row "  batch_manager --check" "$wall_ms ms (CPU $cpu_ms)"
	peak "batch_manager, --check" "$peak_kb" 64
}

# The journal's share of one program run, as its calls to SQLite took it.
watched() { # what aim option...
	local what=$1 aim=$2 in all in_cpu all_cpu
	shift 2
	rm -f watched
	NM_JOURNAL_WATCH=watched \
		LD_PRELOAD=$build/tests/bench/libjournal_watch.so \
		"$programs/variant0_llm_baseline" --quiet --yes "$@" >output
	read -r in all in_cpu all_cpu <watched
	row "  journal, $what" "$(quotient "100 * $in / $all" %.1f) % of $(
		quotient "$all / 1000" %.1f) s (CPU $(
		quotient "100 * $in_cpu / $all_cpu" %.1f) %)" \
		"${aim:+under $aim %}" ${aim:+"100 * $in / $all" "<" "$aim"}
}

measure_direct() {
	echo "-- $questions questions directly, 64 at once"
	ask --datasets some.txt
	row "  as a whole, from a model without delay" \
		"$wall_ms ms (CPU $cpu_ms)"
	peak "variant0_llm_baseline, direct" "$peak_kb" 64
	[ -e "$build/tests/bench/libjournal_watch.so" ] || return 0
	watched "model without delay" "" --datasets some.txt
	echo 'on POST /v1/chat/completions: delay 50ms' >"$work/faults"
	curl -s -X POST "${url%/v1}/_control/faults" >/dev/null
	watched "model that takes 50 ms" 5 --datasets some.txt
	: >"$work/faults"
	curl -s -X POST "${url%/v1}/_control/faults" >/dev/null
}

# Milliseconds of cat over the downloaded replies, from memory.
read_files_ms() {
	local begin
	begin=$(now_ms)
	cat "$NIGHTMAIL_STATE"/runs/*/*_output.jsonl | wc -l >/dev/null
	echo $(($(now_ms) - begin))
}

# Milliseconds to read the downloaded replies and each line's JSON: wall, CPU.
parse_files_ms() {
	"$build/tests/bench/bench_replies" \
		"$NIGHTMAIL_STATE"/runs/*/*_output.jsonl |
		awk '{ print int($2), int($3) }'
}

# Milliseconds that the results' bytes alone take: written twice and synced, as a run
# and the known path want them.
write_bytes_ms() {
	local begin
	begin=$(now_ms)
	cp results/variant0_llm_baseline_million_batch.json written_1
	sync written_1
	cp written_1 written_2
	sync written_2
	echo $(($(now_ms) - begin))
	rm written_1 written_2
}

# Milliseconds that another reader of JSON takes for the downloaded replies' lines, each
# a value and nothing made of it; no output where that reader is not here.
reader_ms() { # python3|node
	local begin
	command -v "$1" >/dev/null || return 0
	begin=$(now_ms)
	case $1 in
	python3) python3 -c 'import json, sys
for path in sys.argv[1:]:
    for line in open(path, encoding="utf-8"): json.loads(line)' \
		"$NIGHTMAIL_STATE"/runs/*/*_output.jsonl ;;
	node) node -e 'const { createInterface } = require("readline");
const { createReadStream } = require("fs");
(async () => {
	for (const path of process.argv.slice(1))
		for await (const line of createInterface({
			input: createReadStream(path) }))
			JSON.parse(line);
})();' "$NIGHTMAIL_STATE"/runs/*/*_output.jsonl ;;
	esac
	echo $(($(now_ms) - begin))
}

# Takes up a finished run of which the replies are there, and no results: the median of
# three in wall_ms, and its cpu_ms.
take_up_ms() { # id
	local i
	for ((i = 0; i < 3; i++)); do
		rm -rf results
		sync .
		ask --mode batch --batch-id "$1"
		echo "$wall_ms $cpu_ms"
	done >taken
	wall_ms=$(awk '{ print $1 }' taken | median)
	cpu_ms=$(awk '{ print $2 }' taken | median)
}

has_room() {
	local free_mb
	free_mb=$(($(df -Pk "$work" | awk 'NR == 2 { print $4 }') / 1024))
	[ "$free_mb" -ge $million_mb ] ||
		! echo "   passed over: $free_mb MB free in $work, $million_mb wanted"
}

measure_million() {
	local id read_it parse_it parse_cpu write_it reader other_ms begin
	echo "-- $million questions, $((million / 50000)) batches and more"
	has_room || return 0
	rm -rf "$NIGHTMAIL_STATE"
	# An upload is composed as it is sent; a file is what it could at best be sent to.
	measure_requests million.txt 3 million.jsonl
	rm million.jsonl
	# shellcheck disable=SC2154 # set by measure_requests
	row "  planning and writing" "$(rate $million \
		"($plan_ms + $write_ms)") /s (CPU $(rate $million \
		"($plan_cpu + $write_cpu)") /s)" "500000 /s" \
		"$million * 1000 / ($plan_ms + $write_ms)" ">=" 500000
	ask --mode batch --datasets million.txt --canary 0 --dry-run
	row "  --dry-run as a whole" "$wall_ms ms (CPU $cpu_ms)"
	peak "variant0_llm_baseline, --dry-run" "$peak_kb" 96
	id=$(first_id)
	begin=$(now_ms)
	wait_for_batches
	row "  batch_server's own work on them" "$(($(now_ms) - begin)) ms"
	ask --mode batch --batch-id "$id"
	row "  --batch-id: download, score, save" "$wall_ms ms (CPU $cpu_ms)"
	peak "variant0_llm_baseline, --batch-id" "$peak_kb" 96
	read_it=$(read_files_ms)
	read -r parse_it parse_cpu < <(parse_files_ms)
	write_it=$(write_bytes_ms)
	take_up_ms "$id"
	row "  --batch-id again, unscored: read, score, save" \
		"$wall_ms ms (CPU $cpu_ms)"
	row "  cat of the same replies, from memory" "$read_it ms, $(
		quotient "$read_it / $wall_ms") of that" "1.00" \
		"$read_it / $wall_ms" ">=" 1
	row "  reading their JSON once, by our reader" \
		"$parse_it ms (CPU $parse_cpu)"
	for reader in python3 node; do
		other_ms=$(reader_ms $reader)
		[ -z "$other_ms" ] ||
			row "  reading their JSON once, by $reader" "$other_ms ms, $(
				quotient "$other_ms / $wall_ms") of that" "1.00" \
				"$other_ms / $wall_ms" ">=" 1
	done
	row "  writing the results' bytes, twice, synced" "$write_it ms"
	row "  our reader, then those bytes, of taking it up" "$(
		quotient "($parse_it + $write_it) / $wall_ms")" "1.00" \
		"($parse_it + $write_it) / $wall_ms" ">=" 1
	[ ! -e "$build/tests/bench/libjournal_watch.so" ] ||
		watched "whole run with --new" 2 --mode batch --new \
			--datasets million.txt --canary 0 --poll-interval 1
	server_peak "throughout"
}

# A file of others' requests, whose custom_ids are as long as a UUID.
make_request_file() { # lines file
	awk -v lines="$1" 'BEGIN { for (i = 0; i < lines; i++)
		printf "{\"custom_id\":\"%08x-%04x-4%03x-a%03x-%012x\"," \
			"\"method\":\"POST\",\"url\":\"/v1/chat/completions\"," \
			"\"body\":{\"model\":\"gpt-5-mini\",\"messages\":[{" \
			"\"role\":\"user\",\"content\":\"question %d\"}]}}\n",
			i * 2654435761 % 4294967296, i % 65536, i % 4096,
			i * 7 % 4096, i, i }' >"$2"
}

measure_request_file() {
	local id mb
	echo "-- $million requests of a file, custom_ids of 36 bytes"
	has_room || return 0
	rm -rf "$NIGHTMAIL_STATE"
	make_request_file $million requests.jsonl
	mb=$(($(stat -c %s requests.jsonl) / 1000000))
	# More than a batch may have, as it says.
	due=3 timed "$programs/batch_manager" --check requests.jsonl
	row "  batch_manager --check, $mb MB" "$(quotient "$mb * 1000 / $wall_ms" \
		%d) MB/s" "100 MB/s" "$mb * 1000 / $wall_ms" ">=" 100
	peak "batch_manager, --check" "$peak_kb" 96
	timed "$programs/batch_manager" --submit requests.jsonl
	row "  --submit as a whole" "$wall_ms ms (CPU $cpu_ms)"
	peak "batch_manager, --submit" "$peak_kb" 96
	id=$(first_id)
	wait_for_batches
	timed "$programs/batch_manager" --download "$id" -o rows.jsonl
	row "  --download: fetch, join, save" "$wall_ms ms (CPU $cpu_ms)"
	peak "batch_manager, --download" "$peak_kb" 96
	rm rows.jsonl requests.jsonl
}

make_questions
: >faults
start_server --answer-key some.txt --faults "$work/faults"
export OPENAI_BASE_URL=$url
if has jq "client" && [ -x /usr/bin/time ]; then
	measure_some
	measure_direct
	measure_million
	measure_request_file
fi
