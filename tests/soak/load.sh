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

cat >behind.faults <<-'EOF'
on POST /v1/chat/completions 5%: delay 50ms
on POST /v1/chat/completions 1%: lose reply
on POST /v1/chat/completions 1%: status 500
on POST /v1/chat/completions 1%: status 429 header "retry-after-ms: 20"
EOF
cat >front.faults <<-'EOF'
on GET /v1/files/*/content 20%: cut after 500
on GET /v1/files/*/content 20%: trickle 100000/s
on GET /v1/models 20%: delay 50ms
EOF
cat >chat.lua <<-'EOF'
wrk.method = "POST"
wrk.body = '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
EOF
for i in {1..200}; do
	echo '{"custom_id":"r-'"$i"'","method":"POST","url":"/v1/chat/completions"' \
		',"body":{"model":"m","messages":[{"role":"user","content":"Say' \
		"$i"'"}]}}'
done >in.jsonl

start behind --faults behind.faults
behind=$pid
start front --faults front.faults --upstream "$url" --log front.jsonl
front=$pid

batches() {
	local file id
	while :; do
		file=$(curl -s -F purpose=batch -F file=@in.jsonl "$url/files" |
			jq -r .id)
		id=$(curl -s "$url/batches" -d '{"input_file_id":"'"$file"'",
			"endpoint":"/v1/chat/completions","completion_window":"24h"}' |
			jq -r .id)
		[ $((RANDOM % 4)) != 0 ] ||
			curl -s -X POST "$url/batches/$id/cancel" >/dev/null
		curl -s "$url/files/$file/content" >/dev/null || true
		curl -s "$url/batches?limit=5" >/dev/null
		curl -s "$url/models" >/dev/null
		[ $((RANDOM % 3)) != 0 ] ||
			curl -s -X DELETE "$url/files/$file" >/dev/null
	done
}

batches &
batches &
wrk -t1 -c32 -d"$seconds" -s chat.lua "$url/chat/completions" |
	grep -E 'Requests/sec'
curl -s "$url/batches?limit=100" | jq -r '.data[].status' | sort | uniq -c
kill -TERM $front
wait $front
kill -TERM $behind
wait $behind
for report in report*; do
	[ ! -e "$report" ] || {
		head -100 "$report"
		exit 1
	}
done
echo "no report, both servers ended with 0"
