#!/bin/bash
# load: a server with another behind it under everything at once, built with a
# thread or address sanitizer. Ends non-zero when it reports, or a server fails.
#
#   tests/soak/load.sh BUILD SECONDS
set -euo pipefail
cd "$(dirname "$0")/../.."
program=$(realpath "$1")/src/prog/batch_server
seconds=$2
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
export TSAN_OPTIONS=log_path=$work/report ASAN_OPTIONS=log_path=$work/report
export UBSAN_OPTIONS=log_path=$work/report:halt_on_error=1:print_stacktrace=1

start() { # name option...; sets url, pid
	local name=$1
	shift
	"$program" --port 0 --quiet --state-dir "$name" "$@" >"$name.out" &
	pid=$!
	until [ -s "$name.out" ]; do
		kill -0 "$pid" # ends all when it did not start
		sleep 0.02
	done
	url=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' "$name.out")
}

cat >behind.faults <<-'END'
on POST /v1/chat/completions 5%: delay 50ms
on POST /v1/chat/completions 1%: lose reply
on POST /v1/chat/completions 1%: status 500
on POST /v1/chat/completions 1%: status 429 header "retry-after-ms: 20"
rows 5%: expired
pace 1000/s of batch 2
END
cat >front.faults <<-'END'
on GET /v1/files/*/content 20%: cut after 500
on GET /v1/files/*/content 20%: trickle 100000/s
on GET /v1/models 20%: delay 50ms
END
cat >chat.json <<-'END'
{"model":"m","messages":[{"role":"user","content":"Hi"}]}
END
for i in {1..200}; do
	echo '{"custom_id":"r-'"$i"'","method":"POST","url":"/v1/chat/completions"' \
		',"body":{"model":"m","messages":[{"role":"user","content":"Say' \
		"$i"'"}]}}'
done >in.jsonl
printf 'ann sk-ann\nbob sk-bob\n' >keys
chmod 600 keys

start behind --faults behind.faults --clock fast=50 --api-key-file keys
behind=$pid
behind_url=$url
export NIGHTMAIL_UPSTREAM_KEY=sk-ann
start front --faults front.faults --upstream "$url" --log front.jsonl
front=$pid
front_url=$url

ask() { # url curl-option...
	curl -s --max-time 20 -H 'Authorization: Bearer sk-bob' "$@" || true
}

# The life of one batch after the other.
batches() { # url
	local url=$1 file id
	while :; do
		file=$(ask -F purpose=batch -F file=@in.jsonl "$url/files" |
			jq -r .id)
		id=$(ask "$url/batches" -d '{"input_file_id":"'"$file"'",
			"endpoint":"/v1/chat/completions","completion_window":"24h"}' |
			jq -r .id)
		[ $((RANDOM % 4)) != 0 ] ||
			ask -X POST "$url/batches/$id/cancel" >/dev/null
		ask "$url/files/$file/content" -r 10-5000 >/dev/null
		ask "$url/batches?limit=5" >/dev/null
		ask "$url/models" >/dev/null
		ask "$url/batches/$id" | jq -r '.output_file_id // empty' |
			while read -r file; do
				ask "$url/files/$file/content" >/dev/null
			done
		[ $((RANDOM % 3)) != 0 ] ||
			ask -X DELETE "$url/files/$file" >/dev/null
	done
}

# What is asked beside that: uploads, controls, figures, and those who hang up.
others() { # url
	local url=$1 root=${1%/v1} upload part
	while :; do
		upload=$(ask "$url/uploads" -d '{"filename":"in.jsonl","purpose":
			"batch","mime_type":"t","bytes":'"$(wc -c <in.jsonl)"'}' |
			jq -r .id)
		part=$(ask -F data=@in.jsonl "$url/uploads/$upload/parts" |
			jq -r .id)
		ask "$url/uploads/$upload/complete" \
			-d '{"part_ids":["'"$part"'"]}' >/dev/null
		ask -X POST "$root/_control/faults" >/dev/null
		ask "$root/_control/clock" -d '{"advance":"10m"}' >/dev/null
		ask "$root/metrics" "$root/healthz" "$root/" >/dev/null
		ask "$url/files?limit=2" "$url/files?order=asc" >/dev/null
		ask --max-time 0.05 -F purpose=batch -F file=@in.jsonl \
			--limit-rate 50k "$url/files" >/dev/null
		ask --max-time 0.02 "$url/chat/completions" -d @chat.json >/dev/null
		kill -HUP $behind
	done
}

# Over connections that are kept.
chat() { # url
	local -a urls=()
	local i
	for i in {1..50}; do
		urls+=("$1/chat/completions")
	done
	while :; do
		ask -Z --parallel-max 16 -d @chat.json "${urls[@]}" >/dev/null 2>&1
	done
}

for url in "$front_url" "$behind_url"; do
	batches "$url" &
	others "$url" &
	chat "$url" &
done
sleep "$seconds"
ask "$front_url/batches?limit=100" | jq -r '.data[].status' | sort | uniq -c
ask "${front_url%/v1}/metrics" | grep "requests_total.*2xx"
# They end while they are asked.
failed=0
for pid in $front $behind; do
	kill -TERM "$pid"
	wait "$pid" || failed=$?
done
for report in report*; do
	[ ! -e "$report" ] || head -100 "$report"
done
[ $failed = 0 ] || {
	echo "a server ended with $failed"
	exit 1
}
echo "no report, both servers ended with 0"
