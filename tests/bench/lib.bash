# lib: what the benches share. Sets build, programs, work (removed at the end), runs
# (of what is measured several times), and url and server of start_server.
# shellcheck shell=bash disable=SC2034

build=$(realpath "${1:-build}")
programs=$build/src/prog
source=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/nightmail-bench.XXXXXX")
runs=${NM_BENCH_RUNS:-5}
server=
others=()

clean_up() {
	local pid
	for pid in $server "${others[@]}"; do
		kill "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	rm -rf "$work"
}
trap clean_up EXIT

is_quick() {
	[ -n "${NM_BENCH_QUICK-}" ]
}

has() { # command what
	command -v "$1" >/dev/null ||
		! printf '%-42s passed over: no %s here\n' "$2" "$1"
}

# What was measured, the figure, its aim if it has one, and whether that was met.
row() { # what figure [aim value relation limit]
	local word=
	[ -z "${4-}" ] || word=$(awk "BEGIN { print ($4 $5 $6) ? \"\" : \"MISSED\" }")
	printf '%-42s %-38s %-22s %s\n' "$1" "$2" "${3:+aim $3}" "$word" |
		sed 's/ *$//'
}

quotient() { # expression [format]
	awk "BEGIN { printf \"${2:-%.2f}\", $1 }"
}

median() { # the line in the middle of the input, by its first number
	sort -n | awk '{ n[NR] = $0 } END { print n[int((NR + 1) / 2)] }'
}

now_ms() {
	local now=${EPOCHREALTIME/[.,]/}
	echo $((now / 1000))
}

start_server() { # option...
	"$programs/batch_server" --port 0 --quiet --state-dir "$work/server" \
		--delay-validating 0 --delay-in-progress 0 --delay-finalizing 0 \
		"$@" >"$work/server.out" &
	server=$!
	until [ -s "$work/server.out" ]; do
		kill -0 "$server" # ends all when it did not start
		sleep 0.01
	done
	url=$(sed -n 's/.*listening on \([^ ]*\) .*/\1/p' "$work/server.out")
}

server_peak() { # when
	local kb
	kb=$(awk '/VmHWM/ { print $2 }' "/proc/$server/status")
	row "peak memory of batch_server $1" "$((kb / 1024)) MB" \
		"under 128 MB" "$kb" "<" 131072
}
