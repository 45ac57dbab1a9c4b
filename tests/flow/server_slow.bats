#!/usr/bin/env bats
# Clients that dawdle: cut by the deadline, which is real time. Patient ones are not.
load lib

@test "a slow head is cut by its deadline, an idle connection is not" {
	start_server
	local port=${SERVER_URL##*:} i
	exec 7<>"/dev/tcp/127.0.0.1/$port" 8<>"/dev/tcp/127.0.0.1/$port"
	trap '' PIPE
	printf 'GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ' >&7
	for i in {1..40}; do
		{ printf a >&7; } 2>/dev/null || break
		sleep 0.5
	done
	[ "$i" -lt 40 ]
	printf 'GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' >&8
	timeout 30 cat <&8 >answer
	exec 7>&- 8>&-
	grep -q '^HTTP/1.1 200' answer
	call GET /metrics
	grep -q '^nightmail_deadlines_total 1$' "$BODY"
}

@test "a slow body and a slow reader are cut, patient ones are not" {
	start_server
	head -c 3000000 /dev/zero >zeros
	call POST /v1/files -F purpose=vision -F file=@zeros
	FILE_ID=$(member .id)
	local port=${SERVER_URL##*:} i
	trap '' PIPE
	exec 7<>"/dev/tcp/127.0.0.1/$port" 8<>"/dev/tcp/127.0.0.1/$port"
	printf 'POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n' >&7
	# It asks for the file, and never reads a byte of it.
	printf 'GET /v1/files/%s/content HTTP/1.1\r\nHost: x\r\n\r\n' \
		"$FILE_ID" >&8
	for i in {1..40}; do
		{ printf ' ' >&7; } 2>/dev/null || break
		sleep 0.5
	done
	[ "$i" -lt 40 ]
	# 20 KiB/s are more than the one that is asked for.
	call GET "/v1/files/$FILE_ID/content" --limit-rate 600k -r 0-1500000
	[ "$STATUS" = 206 ]
	exec 7>&- 8>&-
	call GET /metrics
	grep -q '^nightmail_deadlines_total [12]$' "$BODY"
}
