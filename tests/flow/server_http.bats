#!/usr/bin/env bats
# What surrounds the API: envelopes, keys, limits, signals, the log.
load lib

# A request's head line and body as they are, and the answer until the end.
raw() { # header body
	exec 7<>"/dev/tcp/127.0.0.1/${SERVER_URL##*:}"
	trap '' PIPE
	{ printf 'POST /v1/batches HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n'"$2" "$1" \
		>&7; } 2>/dev/null || true
	timeout 30 cat <&7
	exec 7>&-
}

@test "whatever is not served gets the envelope" {
	start_server
	call GET /v1/x
	refused 404 null null 'Invalid URL (GET /v1/x)'
	call GET /v1
	refused 404 null null 'Invalid URL (GET /v1)'
	call PUT /v1/files -d x
	refused 405 method_not_supported null 'Not allowed to PUT on /v1/files.'
	grep -qi $'^allow: GET, HEAD, POST\r$' "$HEADERS"
	call POST /v1/files/file-x/content
	refused 405 method_not_supported null 'Not allowed to POST'
	grep -qi $'^allow: GET, HEAD\r$' "$HEADERS"
	call GET /v1/batches/batch_x/cancel
	grep -qi $'^allow: POST\r$' "$HEADERS"
	call PATCH /v1/files/file-x
	grep -qi $'^allow: GET, HEAD, DELETE\r$' "$HEADERS"
	call GET /v1/files/a%00b
	refused 404 null null 'Invalid URL'
	call POST /v1/batches -d '{'
	refused 400 null null 'could not parse the JSON body'
	call POST /v1/batches -d '[]'
	refused 400 null null 'could not parse the JSON body'
	call POST /v1/batches
	refused 400 null null 'could not parse the JSON body'
	head -c 1100000 /dev/zero | tr '\0' ' ' >large
	call POST /v1/batches --data-binary @large
	refused 413 null null 'too large'
	printf '{"a":%0600d%0600d}' 0 0 | sed 's/0/[/g' >deep
	call POST /v1/batches --data-binary @deep
	refused 400 null null 'could not parse the JSON body'
}

@test "a target that names the host, as for a proxy, is served" {
	local target want
	start_server
	while read -r target want; do
		call GET / --request-target "$target"
		[ "$STATUS" = "$want" ] || {
			echo "$target: $STATUS"
			return 1
		}
	done <<-'END'
	http://127.0.0.1:1/v1/models 200
	HTTP://elsewhere.test/v1/files?limit=3 200
	https://h/v1/files?limit=x 400
	http://h/v1/files/file-x 404
	http://h 200
	http://h?a=/b 200
	http:/v1/models 404
	/http://h/v1/models 404
	END
	[ "$(logged '.path == "/v1/files" and .query == "limit=3"')" = 1 ]
}

@test "a head that can be read in two ways is refused, and the line cut" {
	start_server
	call POST /v1/batches -H 'Transfer-Encoding: chunked' \
		-H 'Content-Length: 3' -d '{}'
	# libmicrohttpd 1.0 refuses it before we do, in words of its own.
	[ "$STATUS" = 400 ]
	grep -q Transfer-Encoding "$BODY"
	grep -qi '^connection: close' "$HEADERS"
	local port=${SERVER_URL##*:}
	exec 7<>"/dev/tcp/127.0.0.1/$port"
	printf '%s\r\n' 'POST /v1/batches HTTP/1.1' 'Host: x' \
		'Content-Length: 2' 'Content-Length: 3' '' '{}' >&7
	timeout 30 cat <&7 >answer || true
	exec 7>&-
	grep -q '^HTTP/1.1 400' answer
	local coding
	for coding in gzip 'gzip, chunked' 'chunked, chunked' identity; do
		raw "Transfer-Encoding: $coding" '2\r\n{}\r\n0\r\n\r\n' >answer
		head -1 answer | grep '^HTTP/1.1 400'
		grep -qi '^connection: close' answer
	done
	# A name with a blank behind it is another one to the next reader.
	for coding in 'Transfer-Encoding : chunked' $'Content-Length\t: 2' 'X-Any : y'; do
		raw "$coding"$'\r\nContent-Length: 2' '{}' >answer
		head -1 answer | grep '^HTTP/1.1 400'
		grep -qi '^connection: close' answer
	done
	for coding in chunked gzip; do
		raw "Transfer-Encoding: chunked"$'\r\n'"Transfer-Encoding: $coding" \
			'2\r\n{}\r\n0\r\n\r\n' >answer
		head -1 answer | grep '^HTTP/1.1 400'
		grep -qi '^connection: close' answer
	done
	# Two hosts, be they the same.
	raw $'Host: x\r\nContent-Length: 2' '{}' >answer
	head -1 answer | grep '^HTTP/1.1 400'
	grep -qi '^connection: close' answer
	# Digits beyond all lengths, which nobody waits for.
	for coding in 1000000000 9999999999999999999 99999999999999999999999; do
		raw "Content-Length: $coding" '{}' >answer
		head -1 answer | grep '^HTTP/1.1 413'
	done
}

@test "11 KiB of cookies are answered, and a head of almost 16 KiB" {
	local cookies
	start_server
	cookies=$(for ((i = 0; i < 75; i++)); do
		printf 'c%03d=%0144d; ' "$i" 0
	done)
	call GET /v1/models -H "Cookie: $cookies"
	[ "$STATUS" = 200 ]
	call GET /v1/models -H "X: $(printf %015500d 0)"
	[ "$STATUS" = 200 ]
}

@test "what libmicrohttpd refuses is what the manual lists, and serving goes on" {
	start_server
	local long status head
	long=$(head -c 40000 /dev/zero | tr '\0' a)
	while read -r status head; do
		exec 7<>"/dev/tcp/127.0.0.1/${SERVER_URL##*:}"
		trap '' PIPE
		{ printf "${head//LONG/$long}"'\r\n\r\n' >&7; } 2>/dev/null || true
		timeout 30 cat <&7 >answer || true
		exec 7>&-
		head -1 answer | grep "^HTTP/1.1 $status" || {
			echo "not $status: $head"
			return 1
		}
		call GET /healthz
		[ "$STATUS" = 200 ]
	done <<-'EOF'
	400 GET /v1/models HTTP/1.1
	400 GET /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: two
	400 GET /v1/models HTTP/1.1\r\nHost: x\r\nContent-Length: -2
	413 POST /v1/batches HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999999
	414 GET /LONG HTTP/1.1\r\nHost: x
	431 GET /v1/models HTTP/1.1\r\nHost: x\r\nX: LONG
	505 GET /v1/models HTTP/2.0\r\nHost: x
	EOF
	for status in 400 413 414 431 505; do
		grep -q "\b$status\b" "$NM_SOURCE/doc/man/batch_server.1"
		grep -q "\b$status\b" "$NM_SOURCE/doc/server.md"
	done
}

@test "so many connections and no more; the next one waits for its turn" {
	start_server --max-connections 8
	local port=${SERVER_URL##*:} fd
	for fd in {20..27}; do
		eval "exec $fd<>/dev/tcp/127.0.0.1/$port"
		printf 'GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n' >&$fd
		read -r -t 30 -u $fd STATUS
		[[ $STATUS == 'HTTP/1.1 200 OK'* ]]
	done
	call GET /healthz --max-time 1
	[ "$STATUS" = 000 ]
	for fd in {20..27}; do
		eval "exec $fd>&-"
	done
	call GET /healthz --max-time 60
	[ "$STATUS" = 200 ]
}

@test "the systemd unit is one" {
	command -v systemd-analyze >/dev/null || skip "no systemd-analyze here"
	sed "s#/usr/local/bin/batch_server#$NM_BUILD/src/prog/batch_server#" \
		"$NM_SOURCE/doc/batch_server.service" >batch_server.service
	run systemd-analyze verify --man=no ./batch_server.service
	[ "$status" = 0 ]
	[ -z "$output" ]
}

@test "options that cannot be are one line and exit 2, 3 or 5" {
	run batch_server --state-dir "$STATE" --clock slow
	[ "$status" = 2 ]
	[ "${#lines[@]}" = 1 ]
	run batch_server --state-dir "$STATE" --faults nowhere
	[ "$status" = 3 ]
	run batch_server --state-dir "$STATE" --answer-key nowhere
	[ "$status" = 3 ]
	run batch_server --state-dir /proc/none
	[ "$status" = 5 ]
	start_server
	run batch_server --state-dir "$STATE" --port "${SERVER_URL##*:}"
	[ "$status" = 5 ]
	[[ $output == *"in use"* ]]
}

# Opens fd 7 with a call whose body is still to come; the server has its head.
half_a_call() {
	local line
	exec 7<>"/dev/tcp/127.0.0.1/${SERVER_URL##*:}"
	printf '%s\r\n' 'POST /v1/batches HTTP/1.1' 'Host: x' \
		'Content-Length: 9' 'Expect: 100-continue' '' >&7
	read -r -t 30 -u 7 line
	[[ $line == 'HTTP/1.1 100'* ]]
	read -r -t 30 -u 7 line
}

@test "SIGTERM lets calls under way finish and exits 0" {
	echo 'on POST /v1/batches: delay 1s' >faults
	start_server --faults faults
	half_a_call
	kill -TERM "$SERVER_PID"
	printf '{"a":"b"}' >&7
	wait "$SERVER_PID"
	SERVER_PID=
	cat <&7 >answer
	exec 7>&-
	[[ $(head -1 answer) == 'HTTP/1.1 400'* ]]
	[[ $(tail -1 answer) == *'"param":'*'}' ]]
}

@test "SIGTERM waits for a call ten seconds at most, said twice not at all" {
	local begun status=0
	start_server
	half_a_call
	begun=$SECONDS
	kill -TERM "$SERVER_PID"
	sleep 0.6
	kill -0 "$SERVER_PID"
	stop_server || status=$?
	[ $status = 130 ]
	[ $((SECONDS - begun)) -lt 9 ]
	exec 7>&-
	start_server
	half_a_call
	begun=$SECONDS
	# In one breath it is one, as when it goes to the group too.
	kill -TERM "$SERVER_PID"
	stop_server
	[ $((SECONDS - begun)) -ge 9 ]
	[ $((SECONDS - begun)) -lt 30 ]
	exec 7>&-
}

@test "the log has a line a request, complete enough to assert on" {
	start_server
	write_input 1 in.jsonl
	upload in.jsonl -H 'X-Client-Request-Id: mine'
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h",
		"metadata":{"token":"n-1"}}'
	BATCH_ID=$(member .id)
	call GET "/v1/batches?limit=3"
	call GET /nowhere
	[ "$(logged '.path == "/v1/files" and .method == "POST" and
		.status == 200 and .filename == "in.jsonl" and .purpose == "batch"
		and .file_id == "'"$FILE_ID"'" and .client_request_id == "mine" and
		.bytes_in > 100')" = 1 ]
	[ "$(logged '.path == "/v1/batches" and .method == "POST" and
		.metadata.token == "n-1" and .batch_id == "'"$BATCH_ID"'" and
		.input_file_id == "'"$FILE_ID"'"')" = 1 ]
	[ "$(logged '.query == "limit=3"')" = 1 ]
	[ "$(logged '.status == 404')" = 1 ]
	[ "$(jq -r .request_id "$SERVER_LOG" | sort -u | wc -l)" = 4 ]
}

@test "models, health and metrics" {
	start_server --models a,b
	call GET /v1/models
	[ "$(member '[.data[].id] | join(",")')" = a,b ]
	local all
	all=$(member '.data[1] | @json')
	call GET /v1/models/b
	[ "$STATUS" = 200 ]
	[ "$(member '. | @json')" = "$all" ]
	call GET /v1/models/a,b
	refused 404 model_not_found model "The model 'a,b' does not exist"
	call GET /healthz
	[ "$(member .status)" = ok ]
	call GET /metrics
	grep -qi '^content-type: text/plain; version=0.0.4' "$HEADERS"
	grep -q '^nightmail_requests_total{status="2xx"} 3$' "$BODY"
}

@test "one model: any where none is named, with what stands in its name" {
	start_server
	local name
	for name in gpt-4o ann%2Fmodel:7b ann/model:7b %66; do
		call GET "/v1/models/$name"
		[ "$STATUS" = 200 ]
		[ "$(member '[.object, .owned_by, (.created | type)] | @json')" = \
			'["model","nightmail","number"]' ]
	done
	[ "$(member .id)" = f ]
	call GET /v1/models/ann%2Fmodel:7b
	[ "$(member .id)" = ann/model:7b ]
	for name in '' / //a a/ a%2f; do
		call GET "/v1/models/$name" --path-as-is
		refused 404 null null 'Invalid URL (GET /v1/models/'
	done
	call DELETE /v1/models/gpt-4o
	refused 405 method_not_supported null 'Not allowed to DELETE'
}

# What Prometheus would not take of a text.
check_metrics() { # file
	awk '
	/^# HELP / { name = $3; if (seen[name]++ || NF < 4) print "help: " $0
		next }
	/^# TYPE / { if ($3 != name || $4 !~ /^(counter|gauge)$/)
			print "type: " $0
		if (($4 == "counter") != ($3 ~ /_total$/)) print "kind: " $0
		typed[$3] = 1; next }
	/^[a-z_]+([{][a-z]+="[a-z0-9_]+"[}])? -?[0-9]+$/ {
		bare = $1; sub(/[{].*/, "", bare)
		if (bare != name || !typed[bare] || sample[$1]++)
			print "sample: " $0
		next }
	{ print "neither: " $0 }' "$1"
}

@test "metrics are what Prometheus reads, and counters only grow" {
	start_server
	call GET /metrics
	cp "$BODY" earlier
	write_input 3 in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 20 batch_is completed
	call GET /metrics
	cp "$BODY" later
	[ -z "$(tail -c 1 later)" ] # a line's end
	run check_metrics later
	[ -z "$output" ]
	# The check is one.
	cat earlier later >both
	run check_metrics both
	[[ $output == *help:*sample:* ]]
	run check_metrics <(grep -v '^# TYPE' later)
	[[ $output == *sample:* ]]
	[ "$(grep -c '^nightmail_' later)" -ge 20 ]
	# Both have the same names; those of counters are no less.
	paste -d' ' <(grep '^nightmail_.*total' earlier) \
		<(grep '^nightmail_.*total' later) |
		awk '$1 != $3 || $2 > $4 { print; bad = 1 } END { exit bad }'
	grep -q '^nightmail_batches_created_total 1$' later
	grep -q '^nightmail_batches_ended_total 1$' later
	grep -q '^nightmail_rows_completed_total 3$' later
	grep -q '^nightmail_batches_open 0$' later
}

@test "a full disk answers 507, loses nothing, and room made is used" {
	# A disk of our own, where the system lets us have one.
	mkdir disk
	unshare -rm mount -t tmpfs -o size=4m none disk 2>/dev/null ||
		skip "no name space of one's own here"
	cat >full.sh <<-'EOF'
	mount -t tmpfs -o size=4m none disk
	exec batch_server "$@"
	EOF
	STATE=$PWD/disk/state
	: >server.out
	unshare -rm sh full.sh --port 0 --quiet --state-dir "$STATE" \
		>server.out 2>server.err 3>&- &
	SERVER_PID=$!
	wait_for 20 server_speaks
	SERVER_URL=$(sed -n 's|.*listening on \([^ ]*\)/v1 .*|\1|p' server.out)
	head -c 2000000 /dev/zero >fits
	head -c 3000000 /dev/zero >large
	call POST /v1/files -F purpose=vision -F file=@fits
	[ "$STATUS" = 200 ]
	FILE_ID=$(member .id)
	call POST /v1/files -F purpose=vision -F file=@large
	refused 507 insufficient_storage null 'disk is full'
	[ "$(member .error.type)" = server_error ]
	call GET "/v1/files/$FILE_ID/content"
	cmp "$BODY" fits
	call GET /v1/files
	[ "$(member '.data | length')" = 1 ]
	call DELETE "/v1/files/$FILE_ID"
	call POST /v1/files -F purpose=vision -F file=@fits
	[ "$STATUS" = 200 ]
}

@test "the page is served whole, and lets in nothing from elsewhere" {
	start_server
	local path
	for path in / /page.css /page.js /page/api.js /page/parts.js \
		/page/rows.js; do
		call GET "$path"
		[ "$STATUS" = 200 ]
		[ -s "$BODY" ]
		grep -qi "^content-security-policy: default-src 'none'" "$HEADERS"
		! grep -q 'https\?://' "$BODY"
	done
	call POST /
	[ "$STATUS" = 405 ]
}

@test "creations an hour are counted, in virtual time" {
	echo 'quota creations 2/h' >faults
	start_server --clock step --faults faults
	create_batch file-a
	create_batch file-b
	call POST /v1/batches -d '{"input_file_id":"f","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	refused 429 rate_limit_exceeded null '2 batches an hour'
	call POST /_control/clock -d '{"advance":"1h"}'
	call POST /_control/clock -d '{"advance":"1s"}'
	create_batch file-c
}

@test "while the state folder is away nothing is taken for done, and then all goes on" {
	start_server --delay-in-progress 1.5 --delay-finalizing 1.5
	write_input 2 in.jsonl
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 20 batch_is in_progress
	mv "$STATE" away
	call GET "/v1/batches/$BATCH_ID"
	local state
	state=$(member .status)
	[ "$state" != completed ]
	call GET /healthz
	refused 500 null null "had an error"
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	refused 500 null null "had an error"
	call DELETE "/v1/files/$FILE_ID"
	refused 500 null null "had an error"
	call POST /v1/uploads -d '{"filename":"x","purpose":"vision","bytes":3,
		"mime_type":"t"}'
	refused 500 null null "had an error"
	[ "$(logged '.status == 500 and (.error == "server.db has been moved away or removed")')" \
		= 4 ]
	# Its results are not gone, and nobody is to take them for that.
	call GET "/v1/files/$FILE_ID/content"
	refused 500 null null "had an error"
	told() {
		grep -q '; batches wait for it$' "$BATS_TEST_TMPDIR/server.err"
	}
	wait_for 20 told
	call GET "/v1/batches/$BATCH_ID"
	[ "$(member .status)" = "$state" ]
	mv away "$STATE"
	call GET /healthz
	[ "$STATUS" = 200 ]
	wait_for 20 batch_is completed
	call GET /v1/batches
	[ "$(member '.data | length')" = 1 ]
	call GET "/v1/files/$FILE_ID/content"
	cmp "$BODY" in.jsonl
}

@test "a ruined server.db answers 500 with the envelope, and the log says why" {
	local i pages
	start_server
	write_input 2 in.jsonl
	upload in.jsonl
	for ((i = 0; i < 40; i++)); do
		create_batch "$FILE_ID"
	done
	wait_for 20 batch_is completed
	stop_server
	pages=$(($(wc -c <"$STATE/server.db") / 4096))
	# All but the first two, which name the tables.
	head -c $(((pages - 1) * 4096)) /dev/zero | tr '\0' '\377' |
		dd of="$STATE/server.db" bs=4096 seek=2 count=$((pages - 2)) \
			conv=notrunc iflag=fullblock status=none
	start_server
	for i in /v1/batches /v1/files "/v1/batches/$BATCH_ID" \
		"/v1/files/$FILE_ID/content" /healthz /metrics; do
		call GET "$i"
		refused 500 null null "had an error"
	done
	call POST /v1/batches -d '{"input_file_id":"'"$FILE_ID"'","endpoint":
		"/v1/chat/completions","completion_window":"24h"}'
	refused 500 null null "had an error"
	call POST /v1/files -F purpose=batch -F file=@in.jsonl
	refused 500 null null "had an error"
	[ "$(logged '.status == 500 and (.error | test("malformed"))')" = 8 ]
	# Nor can batches be worked on: said once, however often it is tried.
	sleep 2.5
	[ "$(grep -c 'malformed.*; batches wait for it$' \
		"$BATS_TEST_TMPDIR/server.err")" = 1 ]
}

@test "a client that ends its side has the answers to all that it asked" {
	local i
	start_server
	for i in {1..8}; do
		timeout 30 perl -MIO::Socket::INET -e '
			my $s = IO::Socket::INET->new("127.0.0.1:$ARGV[0]") or die;
			my $call = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
			syswrite $s, "$call\r\n${call}Connection: close\r\n\r\n";
			shutdown $s, 1;
			print while <$s>' "${SERVER_URL##*:}" >answers
		[ "$(grep -o 'HTTP/1.1 200' answers | wc -l)" = 2 ]
	done
}
