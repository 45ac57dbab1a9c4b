#!/usr/bin/env bats
# batch_manager --check: request files as the service would read them.
load lib
load client

line() { # custom_id model url
	printf '{"custom_id":"%s","method":"POST","url":"%s","body":{"model":"%s","messages":[{"role":"user","content":"x"}]}}\n' \
		"$1" "${3:-/v1/chat/completions}" "${2:-gpt-5-mini}"
}

@test "a good file: what it holds and what it would cost" {
	write_input 3 in.jsonl
	sed -i 's/"model":"m"/"model":"gpt-5-mini","max_completion_tokens":100/' \
		in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 0 ]
	[ -z "$ERR" ]
	grep -q '^Requests  *3$' out.txt
	grep -q '^Model  *gpt-5-mini$' out.txt
	grep -q '^Cost  *\$0.0000 to \$0.0003 (estimate' out.txt
}

@test "a model without a price: the cost is unknown, not nothing" {
	write_input 1 in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 0 ]
	grep -q '^Cost  *unknown: no batch price of m$' out.txt
}

@test "each bad line with its place, code and text; exit 3" {
	{
		line a
		echo nonsense
		line a
		echo
		line b gpt-5-mini /v1/embeddings
		line c gpt-4o
		echo '{"custom_id":"d"}'
		printf '%s' "$(line e)"
	} >in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 3 ]
	[ "$(sed -n 's/^in.jsonl:\([0-9]*: [a-z_]*\).*/\1/p' out.txt |
		paste -sd,)" = '2: invalid_json_line,3: duplicate_custom_id,5: invalid_url,6: mismatched_model,7: missing_required_parameter' ]
	grep -q '(first on line 1)$' out.txt
	grep -q '^Requests  *2 without fault, 5 with one$' out.txt
	grep -q '^Blank lines  *1$' out.txt
	says '1 of 1 file would be refused'
}

@test "what is said comes after what was found, where both go to one file" {
	yes nonsense | head -200 >in.jsonl
	batch_manager --check in.jsonl >both.txt 2>&1 || true
	[ "$(grep -c '^in.jsonl:[0-9]*: ' both.txt)" = 200 ]
	[[ $(tail -1 both.txt) == 'batch_manager: 1 of 1 file would be refused' ]]
}

@test "a quoted value is told past a NUL" {
	{
		line 'a\u0000b'
		line 'a\u0000b'
	} >in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 3 ]
	grep -qF "The custom_id 'a\u0000b' for this request is a duplicate" out.txt
	manager --submit in.jsonl --local
	[ "$STATUS" = 3 ]
	says "in.jsonl:2: the custom_id 'a\u0000b' is that of an earlier line"
	says '; batch_manager --check tells of every line'
	line a 'm\u0000x' >in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 0 ]
	grep -qE '^Model +m\\u0000x$' out.txt
	grep -qE '^Cost +unknown: no batch price of m\\u0000x$' out.txt
	manager --check in.jsonl --json
	[ "$(jq -c '.[0].model' out.txt)" = '"m\u0000x"' ]
}

@test "the server refuses what the check refuses, in the same words" {
	a_desk
	{
		line a
		line b gpt-4o
		line a
		echo '{"custom_id":"d","url":"/v1/chat/completions","body":{}}'
		line e gpt-5-mini /v1/moderations
		echo '{'
	} >in.jsonl
	manager --check in.jsonl --json
	[ "$STATUS" = 3 ]
	upload in.jsonl
	create_batch "$FILE_ID"
	wait_for 10 batch_is failed
	[ "$(jq -c '[.[0].findings[] | [.line, .code, .param, .message]]' \
		out.txt)" = "$(member '[.errors.data[] |
		[.line, .code, .param, .message]] | @json')" ]
}

@test "several files, each on its own" {
	line a >one.jsonl
	line a gpt-4o >two.jsonl
	: >three.jsonl
	manager --check one.jsonl two.jsonl three.jsonl
	[ "$STATUS" = 3 ]
	says '1 of 3 files would be refused'
	grep -q '^three.jsonl: empty_file: ' out.txt
	manager --check one.jsonl two.jsonl --json
	[ "$STATUS" = 0 ]
	[ "$(jq -c '[.[] | [.path, .ok, .requests]]' out.txt)" = \
		'[["one.jsonl",true,1],["two.jsonl",true,1]]' ]
}

@test "more lines than a batch may have" {
	awk 'BEGIN { for (i = 0; i < 50001; i++) printf "{\"custom_id\":\"r%d\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\",\"messages\":[]}}\n", i }' >in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 3 ]
	grep -q '^in.jsonl: too_many_tasks: .*50001 requests.*--submit' out.txt
}

@test "no file, a folder, binary bytes" {
	manager --check nowhere.jsonl
	[ "$STATUS" = 3 ]
	says nowhere.jsonl
	manager --check .
	[ "$STATUS" = 3 ]
	head -c 100000 /dev/urandom >in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 3 ]
	[ "$(tr -cd '\000-\010\013-\037' <out.txt | wc -c)" = 0 ]
	manager --check
	[ "$STATUS" = 2 ]
}

@test "JSON that is not a request a line: said once, how it is to be" {
	line a | jq . >pretty.jsonl
	line a | jq -s . >list.json
	line a | jq -sc . >row.json
	manager --check pretty.jsonl
	[ "$(grep -c 'a request stands whole on one line\]$' out.txt)" = 1 ]
	local file
	for file in list.json row.json; do
		manager --check $file
		grep -q '^[a-z]*.json:1: .* \[a request is an object on a line of its own' \
			out.txt
	done
}

@test "a file's name does not reach the terminal as it is" {
	local odd=$'x\e[31m.jsonl'
	echo nonsense >"$odd"
	manager --check "$odd"
	[ "$(tr -cd '\033' <out.txt | wc -c)" = 0 ]
	grep -qF 'x?[31m.jsonl:1: ' out.txt
}

@test "compressed, or UTF-16: said once, not of each line" {
	line a >in.jsonl
	gzip -k in.jsonl
	iconv -f UTF-8 -t UTF-16 in.jsonl >wide.jsonl
	export OPENAI_API_KEY=k OPENAI_BASE_URL=http://127.0.0.1:9/v1
	for action in --check --submit; do
		manager $action in.jsonl.gz
		[ "$STATUS" = 3 ]
		[ -z "$OUT" ]
		says 'in.jsonl.gz is compressed by gzip: unpack it first'
		manager $action wide.jsonl
		[ "$STATUS" = 3 ]
		says 'wide.jsonl is UTF-16'
	done
	manager --check in.jsonl.gz in.jsonl --json
	[ "$STATUS" = 3 ]
	[ "$(jq -c 'map(.ok)' out.txt)" = '[false,true]' ]
}

@test "a bound that is no number fails the row, not the file: warned of" {
	line a >in.jsonl
	line b | sed 's/"model"/"max_tokens":"9","model"/' >>in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 0 ]
	grep -qE '^Warning +line 2: body.max_tokens is no number: .* \(1 in all\)$' out.txt
	line c | sed 's/"model"/"max_completion_tokens":[],"model"/' >>in.jsonl
	line d | sed 's/"model"/"max_tokens":null,"model"/' >>in.jsonl
	manager --check in.jsonl
	grep -qE '^Warning +line 2: body.max_tokens is no number: .* \(2 in all\)$' out.txt
	manager --check in.jsonl --json
	[ "$STATUS" = 0 ]
	[ "$(jq -c '.[0] | [.ok, .requests, .refused_in_rows]' out.txt)" = '[true,4,2]' ]
}

@test "a line longer than any request, and the size as it is on the disk" {
	{
		line a | sed 's/$/\r/'
		head -c 40000000 /dev/zero | tr '\0' x
		printf '\n'
		line b | tr -d '\n'
	} >in.jsonl
	manager --check in.jsonl --json
	[ "$STATUS" = 3 ]
	[ "$(jq -c '.[0] | [.requests, .faulty, .bytes]' out.txt)" = \
		"[2,1,$(wc -c <in.jsonl)]" ]
	[ "$(jq -c '.[0].findings | map([.line, .code, .message])' out.txt)" = \
		'[[2,"invalid_request","This line is longer than any request may be."]]' ]
}

@test "one of several cannot be read: the others are checked, the JSON is whole" {
	line a >one.jsonl
	manager --check nowhere.jsonl one.jsonl
	[ "$STATUS" = 3 ]
	[[ $ERR == *'cannot read nowhere.jsonl'* ]]
	[[ $OUT == 'File '* ]]
	grep -q '^Requests  *1$' out.txt
	manager --check nowhere.jsonl one.jsonl --json
	[ "$STATUS" = 3 ]
	[ "$(jq -c '[.[] | [.path, .ok, has("error")]]' out.txt)" = \
		'[["nowhere.jsonl",false,true],["one.jsonl",true,false]]' ]
	manager --check nowhere.jsonl --json
	[ "$STATUS" = 3 ]
	says nowhere.jsonl
	[ "$(jq -c '[.[] | .ok]' out.txt)" = '[false]' ]
}

@test "standard input is -" {
	{
		line a
		line a
	} >in.jsonl
	manager --check - --json <in.jsonl
	[ "$STATUS" = 3 ]
	[ "$(jq -c '[.[0].path, .[0].requests, .[0].findings[0].line]' \
		out.txt)" = '["-",1,2]' ]
}

@test "standard input cannot be submitted: it is wanted again later" {
	export OPENAI_API_KEY=k OPENAI_BASE_URL=http://127.0.0.1:9/v1
	line a >in.jsonl
	manager --submit - <in.jsonl
	[ "$STATUS" = 2 ]
	says 'standard input is none'
}
