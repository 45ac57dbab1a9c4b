#!/bin/bash
# server: what batch_server does in a second and with how much memory, beside
# nginx on the same bytes in the same run. Not a test: prints figures and aims.
#
#   tests/bench/server.sh [BUILD]     BUILD: a release build (default build)
#
# Wants curl, jq; nginx, wrk and sqlite3 for what they measure.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
work=$(mktemp -d)
server=
nginx=
clean_up() {
	[ -z "$server" ] || kill "$server" 2>/dev/null || true
	[ -z "$nginx" ] || kill "$nginx" 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap clean_up EXIT

rows=50000
input=$work/input.jsonl

now_ms() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $((now / 1000))
}

# Whole and fractional quotient of two numbers of milliseconds.
ratio() { # a b
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b ? a / b : 0 }'
}

make_input() {
	awk -v rows=$rows 'BEGIN {
		for (pad = "words "; length(pad) < 3800; ) pad = pad pad
		pad = substr(pad, 1, 3800)
		for (i = 1; i <= rows; i++)
			printf "{\"custom_id\":\"r-%d\",\"method\":\"POST\"," \
				"\"url\":\"/v1/chat/completions\",\"body\":{" \
				"\"model\":\"m\",\"messages\":[{\"role\":\"user\"," \
				"\"content\":\"%d %s\"}]}}\n", i, i, pad
	}' >"$input"
}

start_server() {
	"$build/src/prog/batch_server" --port 0 --quiet --state-dir "$work/state" \
		--delay-validating 0 --delay-in-progress 0 --delay-finalizing 0 \
		>"$work/out" &
	server=$!
	until [ -s "$work/out" ]; do sleep 0.01; done
	url=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' "$work/out")
}

start_nginx() {
	mkdir -p "$work/www" "$work/tmp"
	cat >"$work/nginx.conf" <<-EOF
	daemon off;
	$([ "$(id -u)" != 0 ] || echo 'user root;')
	worker_processes 2;
	pid $work/nginx.pid;
	error_log $work/nginx.err;
	events { worker_connections 1024; }
	http {
		access_log off;
		sendfile on;
		client_max_body_size 0;
		client_body_temp_path $work/tmp;
		server {
			listen unix:$work/nginx.sock;
			listen 127.0.0.1:18923;
			root $work/www;
			dav_methods PUT;
		}
	}
	EOF
	nginx -c "$work/nginx.conf" -p "$work" 2>/dev/null &
	nginx=$!
	until [ -e "$work/nginx.sock" ]; do sleep 0.01; done
}

# The best of five of a curl transfer, in ms.
best() { # curl-option...
	local best=999999 ms
	for _ in 1 2 3 4 5; do
		ms=$(curl -s -o "$work/reply" -w '%{time_total}' "$@" |
			awk '{ print int($1 * 1000 + 0.5) }')
		[ "$ms" -ge "$best" ] || best=$ms
	done
	echo "$best"
}

compare_transfers() {
	local ours theirs size
	size=$(wc -c <"$input")
	ours=$(best -F purpose=batch -F "file=@$input" "$url/files")
	file=$(jq -r .id "$work/reply")
	theirs=$(best -T "$input" http://127.0.0.1:18923/input.jsonl)
	printf '%-34s %6s ms   nginx %6s ms   %s of its speed (aim 0.50)\n' \
		"upload of $((size / 1000000)) MB" "$ours" "$theirs" \
		"$(ratio "$theirs" "$ours")"
	ours=$(best "$url/files/$file/content")
	theirs=$(best http://127.0.0.1:18923/input.jsonl)
	printf '%-34s %6s ms   nginx %6s ms   %s of its speed (aim 0.50)\n' \
		"download of $((size / 1000000)) MB" "$ours" "$theirs" \
		"$(ratio "$theirs" "$ours")"
}

# Milliseconds from creation until the state.
batch_ms() { # file state
	local begin id
	begin=$(now_ms)
	id=$(curl -s "$url/batches" -d '{"input_file_id":"'"$1"'",
		"endpoint":"/v1/chat/completions","completion_window":"24h"}' |
		jq -r .id)
	until curl -s "$url/batches/$id" | grep -q "\"status\":\"$2\""; do
		sleep 0.005
	done
	echo $(($(now_ms) - begin))
}

# A file whose last line is bad fails when all of it has been checked.
measure_batch() {
	local check run size bad
	size=$(wc -c <"$input")
	cp "$input" "$work/bad.jsonl"
	echo '{' >>"$work/bad.jsonl"
	bad=$(curl -s -F purpose=batch -F "file=@$work/bad.jsonl" \
		"$url/files" | jq -r .id)
	check=$(batch_ms "$bad" failed)
	printf '%-34s %6s ms   %s MB/s (aim 300)\n' \
		"validation of $((size / 1000000)) MB" "$check" \
		$((size / 1000 / check))
	run=$(batch_ms "$file" completed)
	run=$((run - check))
	printf '%-34s %6s ms   %s rows/s (aim 100000)\n' \
		"running $rows rows, simulated" "$run" $((rows * 1000 / run))
}

peak_memory() {
	awk '/VmHWM/ { printf "%-34s %6d kB   (aim under 128000)\n",
		"peak memory until here", $2 }' "/proc/$server/status"
}

measure_chat() {
	cat >"$work/chat.lua" <<-'EOF'
	wrk.method = "POST"
	wrk.body = '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
	EOF
	wrk -t1 -c64 -d4 -s "$work/chat.lua" "$url/chat/completions" |
		awk '/Requests\/sec/ { printf "%-34s %6d /s   (aim 20000)\n",
			"chat completions, 64 connections", $2 }'
}

resident() {
	awk '/VmRSS/ { print $2 }' "/proc/$server/status"
}

measure_idle() {
	local before fd fds=() port=${url##*:}
	port=${port%/v1}
	before=$(resident)
	while [ ${#fds[@]} -lt 1000 ]; do
		exec {fd}<>"/dev/tcp/127.0.0.1/$port"
		printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' >&"$fd"
		fds+=("$fd")
	done
	sleep 0.5
	printf '%-34s %6d kB\n' '1,000 idle connections' \
		$(($(resident) - before))
	for fd in "${fds[@]}"; do exec {fd}>&-; done
}

measure_list() {
	local begin
	sqlite3 "$work/state/server.db" '.timeout 5000' "
		INSERT INTO batch(id, tenant, endpoint, input_file_id,
			results_live_s, state, at0, expires_s)
		WITH RECURSIVE n(i) AS
			(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
		SELECT 'batch_' || printf('%06d', i), '', '/v1/chat/completions',
			'file-x', 0, 4, 1700000000 + i / 3, 1 FROM n"
	for begin in 100000 050000 000200; do
		printf '%-34s %6s ms\n' "page of 100 after batch $begin of 100,000" \
			"$(best "$url/batches?limit=100&after=batch_$begin")"
	done
}

make_input
start_server
if command -v nginx >/dev/null; then
	start_nginx
	compare_transfers
else
	file=$(curl -s -F purpose=batch -F "file=@$input" "$url/files" |
		jq -r .id)
fi
measure_batch
peak_memory
! command -v wrk >/dev/null || measure_chat
measure_idle
! command -v sqlite3 >/dev/null || measure_list
