#!/usr/bin/env bats
# batch_manager --list: all batches of the account, whatever the service's pages.
load lib
load client

batches() { # n
	local i
	write_input 1 in.jsonl
	upload in.jsonl
	for ((i = 0; i < $1; i++)); do
		create_batch "$FILE_ID"
	done
}

# An object as short as they come: id, and when.
brief() { # id seconds
	printf '{\\"id\\":\\"%s\\",\\"status\\":\\"completed\\",\\"created_at\\":%s}' \
		"$1" "$2"
}

page() { # more object...
	local more=$1 IFS=,
	shift
	printf '{\\"object\\":\\"list\\",\\"data\\":[%s]%s}' "$*" "$more"
}

@test "none: said so, and an empty array" {
	a_desk
	manager --list
	[ "$STATUS" = 0 ]
	[ "$OUT" = 'There are no batches.' ]
	manager --list --json
	[ "$STATUS" = 0 ]
	[ "$(jq -c . out.txt)" = '[]' ]
}

@test "ten by default, newest first, with heading and columns" {
	a_desk
	batches 12
	manager --list
	[ "$STATUS" = 0 ]
	[ -z "$ERR" ]
	[ "$(head -1 out.txt | xargs)" = \
		'Batch Status Created Done Failed Description' ]
	[ "$(wc -l <out.txt)" = 11 ]
	call GET '/v1/batches?limit=10'
	[ "$(sed 1d out.txt | awk '{ print $1 }')" = "$(member '.data[].id')" ]
}

@test "--limit: as many as asked for, in as many pages as it takes" {
	a_desk
	batches 103
	manager --list --limit 102
	[ "$(sed 1d out.txt | awk '{ print $1 }' | sort -u | wc -l)" = 102 ]
	[ "$(calls GET /v1/batches)" = 2 ]
	manager --list --limit 1000 --json
	[ "$(jq length out.txt)" = 103 ]
	manager --list --limit 100
	[ "$(wc -l <out.txt)" = 101 ]
	[ "$(calls GET /v1/batches)" = 5 ]
}

@test "whole when piped, cut to the terminal where there is one" {
	a_desk
	write_input 1 in.jsonl
	upload in.jsonl
	local long
	long=$(printf 'long %.0s' {1..60})
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'",
		"endpoint":"/v1/chat/completions","completion_window":"24h",
		"metadata":{"description":"'"${long% }"'"}}'
	manager --list
	grep -q "${long% }$" out.txt
	command -v script || skip 'no script(1)'
	TERM=dumb COLUMNS=100 script -qec 'stty cols 100; batch_manager --list' \
		/dev/null </dev/null | tr -d '\r' >out.txt
	grep -q long out.txt
	[ "$(wc -L <out.txt)" -le 100 ]
}

@test "on 80 columns the description is whole, below; what failed too" {
	faults "on GET /v1/batches: status 200 body \"$(page '' \
		"$(brief batch_0123456789abcdef0123456789abcdef 1795000000 |
			sed 's/}$//'),\\\"metadata\\\":{\\\"description\\\":\\\"Variant0 - 1-hop-test\\\"},\\\"request_counts\\\":{\\\"total\\\":50000,\\\"completed\\\":49000,\\\"failed\\\":1000}}" \
		"$(brief b-2 1795000000)")\""
	a_desk --faults "$FAULTS"
	command -v script || skip 'no script(1)'
	TZ=UTC TERM=dumb COLUMNS=80 script -qec 'batch_manager --list' \
		/dev/null </dev/null | tr -d '\r' >out.txt
	cat out.txt
	[ "$(wc -L <out.txt)" -le 80 ]
	[ "$(sed -n 3p out.txt)" = '    Variant0 - 1-hop-test, 1000 failed' ]
	[ "$(wc -l <out.txt)" = 4 ]
	[ "$(sed -n '4s/  */ /gp' out.txt)" = 'b-2 completed 2026-11-18 11:06' ]
}

@test "no has_more: one page, and that is all" {
	faults "on GET /v1/batches: status 200 body \"$(page '' \
		"$(brief b-2 20)" "$(brief b-1 10)")\""
	a_desk --faults "$FAULTS"
	manager --list --limit 50
	[ "$STATUS" = 0 ]
	[ "$(sed 1d out.txt | awk '{ print $1 }' | xargs)" = 'b-2 b-1' ]
	[ "$(calls GET /v1/batches)" = 1 ]
}

@test "a service that repeats its page is not asked for ever" {
	faults "on GET /v1/batches: status 200 body \"$(page ',\"has_more\":true' \
		"$(brief b-2 20)" "$(brief b-1 10)")\""
	a_desk --faults "$FAULTS"
	manager --list --limit 50
	[ "$STATUS" = 0 ]
	[ "$(sed 1d out.txt | awk '{ print $1 }' | xargs)" = 'b-2 b-1' ]
	says 'repeats a page'
	[ "$(calls GET /v1/batches)" = 2 ]
}

@test "a page longer than asked for, and in the wrong order" {
	faults "on GET /v1/batches: status 200 body \"$(page '' \
		"$(brief b-1 10)" "$(brief b-3 30)" "$(brief b-2 20)")\""
	a_desk --faults "$FAULTS"
	manager --list
	[ "$(sed 1d out.txt | awk '{ print $1 }' | xargs)" = 'b-3 b-2 b-1' ]
	manager --list --limit 2
	[ "$(sed 1d out.txt | wc -l)" = 2 ]
}

@test "control characters of a description do not reach the terminal" {
	a_desk
	write_input 1 in.jsonl
	upload in.jsonl
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'",
		"endpoint":"/v1/chat/completions","completion_window":"24h",
		"metadata":{"description":"a\u001b[31mb\nc"}}'
	manager --list
	[ "$(wc -l <out.txt)" = 2 ]
	[ "$(tr -cd '\033' <out.txt | wc -c)" = 0 ]
}

@test "HTML for a list is exit 4, in one line" {
	faults 'on GET /v1/batches: status 200 body "<html><body>Welcome to nginx</body></html>"'
	a_desk --faults "$FAULTS"
	manager --list
	[ "$STATUS" = 4 ]
	[ "$(wc -l <err.txt)" = 1 ]
	[ -z "$OUT" ]
}

@test "a list that is cut off is exit 4" {
	faults 'on GET /v1/batches: cut after 20'
	a_desk --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=100
	manager --list
	[ "$STATUS" = 4 ]
	[ "$(wc -l <err.txt)" = 1 ]
}

@test "a 502 now and then goes by" {
	faults 'on GET /v1/batches nth 1: status 502 body "<html>bad gateway</html>"'
	a_desk --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=100
	manager --list
	[ "$STATUS" = 0 ]
	[ "$OUT" = 'There are no batches.' ]
}
