#!/bin/bash
# server: what batch_server does in a second and with how much memory, beside
# nginx on the same bytes in the same run. Not a test: prints figures and aims.
#
#   tests/bench/server.sh [BUILD]     BUILD: a release build (default build)
#
# Wants curl, jq; nginx, wrk and sqlite3 for what they measure.
# shellcheck disable=SC1091,SC2154 # what lib.bash sets
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/bench/lib.bash

rows=50000
! is_quick || rows=5000
input=$work/input.jsonl
beside=http://127.0.0.1:18923 # nginx

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
	size=$(wc -c <"$input")
	mb=$((size / 1000000))
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
			listen ${beside#http://};
			root $work/www;
			dav_methods PUT;
		}
	}
	EOF
	nginx -c "$work/nginx.conf" -p "$work" 2>/dev/null &
	others+=($!)
	until [ -e "$work/nginx.sock" ]; do sleep 0.01; done
}

transfer_ms() { # curl-option...
	curl -s -o "$work/reply" -w '%{time_total}' "$@" |
		awk '{ printf "%.1f\n", $1 * 1000 }'
}

# Two transfers in turn, so that both see the same machine; the median of each.
compare() { # what -- our curl options -- its curl options
	local what=$1 i ours=() theirs=()
	shift 2
	while [ "$1" != -- ]; do
		ours+=("$1")
		shift
	done
	theirs=("${@:2}")
	for ((i = 0; i < runs; i++)); do
		transfer_ms "${theirs[@]}" >>"$work/theirs"
		transfer_ms "${ours[@]}" >>"$work/ours"
	done
	set -- "$(median <"$work/ours")" "$(median <"$work/theirs")"
	rm "$work/ours" "$work/theirs"
	row "$what" "$1 ms, nginx $2 ms: $(quotient "$2 / $1")" "0.50 or more" \
		"$2 / $1" ">=" 0.5
}

send() { # file; prints its id
	curl -s -F purpose=batch -F "file=@$1" "$url/files" | jq -r .id
}

compare_transfers() {
	compare "upload of $mb MB" \
		-- -F purpose=batch -F "file=@$input" "$url/files" \
		-- -T "$input" "$beside/input.jsonl"
	compare "download of $mb MB" -- "$url/files/$file/content" \
		-- "$beside/input.jsonl"
}

# The server's processor time so far, in ms.
spent_ms() {
	awk -v hertz="$(getconf CLK_TCK)" '{
		sub(/.*\) /, ""); print int(($12 + $13) * 1000 / hertz)
	}' "/proc/$server/stat"
}

# Milliseconds from creation until the state, and the server's CPU for it.
batch_ms() { # file state
	local begin spent id
	begin=$(now_ms)
	spent=$(spent_ms)
	id=$(curl -s "$url/batches" -d '{"input_file_id":"'"$1"'",
		"endpoint":"/v1/chat/completions","completion_window":"24h"}' |
		jq -r .id)
	until curl -s "$url/batches/$id" | grep -q "\"status\":\"$2\""; do
		sleep 0.005
	done
	echo $(($(now_ms) - begin)) $(($(spent_ms) - spent))
}

# A file whose last line is bad fails when all of it has been checked. Running is
# the whole of another batch without that, pair by pair.
measure_batch() {
	local bad i check check_cpu whole whole_cpu
	cp "$input" "$work/bad.jsonl"
	echo '{' >>"$work/bad.jsonl"
	bad=$(send "$work/bad.jsonl")
	for ((i = 0; i < (runs + 1) / 2; i++)); do
		read -r check check_cpu < <(batch_ms "$bad" failed)
		read -r whole whole_cpu < <(batch_ms "$file" completed)
		echo "$check $check_cpu" >>"$work/checks"
		echo $((whole > check ? whole - check : 1)) \
			$((whole_cpu - check_cpu)) >>"$work/passes"
	done
	read -r check check_cpu < <(median <"$work/checks")
	read -r whole whole_cpu < <(median <"$work/passes")
	row "validation of $mb MB" "$check ms (CPU $check_cpu), $((size / 1000 / check)) MB/s" \
		"300 MB/s or more" "$size / 1000 / $check" ">=" 300
	row "running $rows rows, simulated" \
		"$whole ms (CPU $whole_cpu), $((rows * 1000 / whole)) rows/s" \
		"100000 rows/s or more" "$rows * 1000 / $whole" ">=" 100000
}

measure_chat() {
	local rate
	cat >"$work/chat.lua" <<-'END'
	wrk.method = "POST"
	wrk.body = '{"model":"m","messages":[{"role":"user","content":"Hi"}]}'
	END
	rate=$(wrk -t1 -c64 -d4 -s "$work/chat.lua" "$url/chat/completions" |
		awk '/Requests\/sec/ { printf "%d", $2 }')
	row "chat completions, 64 connections" "$rate /s" "20000 /s or more" \
		"$rate" ">=" 20000
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
	row "1,000 idle connections" "$(($(resident) - before)) kB more"
	for fd in "${fds[@]}"; do exec {fd}>&-; done
}

measure_list() {
	local at i
	sqlite3 "$work/server/server.db" '.timeout 5000' "
		INSERT INTO batch(id, tenant, endpoint, input_file_id,
			results_live_s, state, at0, expires_s)
		WITH RECURSIVE n(i) AS
			(SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
		SELECT 'batch_' || printf('%06d', i), '', '/v1/chat/completions',
			'file-x', 0, 4, 1700000000 + i / 3, 1 FROM n"
	for at in 100000 050000 000101; do
		for ((i = 0; i < runs; i++)); do
			transfer_ms "$url/batches?limit=100&after=batch_$at"
		done | median >"$work/page"
		row "page of 100 after batch $at of 100000" \
			"$(<"$work/page") ms" "the same for all"
	done
}

make_input
start_server --threads 2
file=$(send "$input")
if has nginx "upload and download"; then
	start_nginx
	compare_transfers
fi
measure_batch
! has wrk "chat completions" || measure_chat
measure_idle
! has sqlite3 "list of 100,000 batches" || measure_list
server_peak "throughout"
