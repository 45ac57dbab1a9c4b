#!/usr/bin/env bats
# Bad input: datasets, options, folders, keys, ids. One clear line each, the exit
# status of its kind, and nothing sent.
load lib
load client

# Nothing was uploaded, created or asked.
nothing_sent() {
	[ "$(calls POST '.*')" = 0 ]
}

# The whole of a mistake: status, one line, nothing on stdout, nothing sent.
refuses() { # status text argument...
	local status=$1 text=$2
	shift 2
	variant0 "$@"
	[ "$STATUS" = "$status" ] && [ -z "$OUT" ] && says "$text" &&
		nothing_sent
}

# A run of a dataset with bad lines: what the good ones were.
takes() { # good-ids argument...
	local ids=$1
	shift
	RESULTS=$(echo results/variant0_llm_baseline_*_batch.json)
	rm -f results/*.json
	variant0 --mode batch --poll-interval 0.2 "$@"
	RESULTS=$(echo results/variant0_llm_baseline_*_batch.json)
	[ "$STATUS" = 0 ] &&
		[ "$(result '[.results[].question_id] | join(" ")')" = "$ids" ]
}

@test "a dataset that is missing, empty, a folder or a device" {
	a_desk
	: >empty.txt
	printf '\n\n  \n' >blank.txt
	mkdir folder
	refuses 3 'nope.txt' --mode batch --datasets nope.txt
	refuses 3 'empty.txt is empty' --mode batch --datasets empty.txt
	refuses 3 'no question' --mode batch --datasets blank.txt
	refuses 3 'folder' --mode batch --datasets folder
	refuses 3 '/dev/null' --mode batch --datasets /dev/null
	refuses 3 '4-hop' --mode batch --datasets 4-hop
	refuses 3 'nope.txt' --datasets nope.txt
	# One wrong name among good ones: none of them is sent.
	refuses 3 'nope.txt' --mode batch --datasets 1-hop nope.txt 2-hop
}

@test "two datasets of one name: their results would be one file" {
	a_desk
	mkdir a b
	head -3 "$SAMPLE" >a/x.txt
	tail -3 "$SAMPLE" >b/x.txt
	refuses 2 'a/x.txt and b/x.txt' --mode batch --datasets a/x.txt b/x.txt
	refuses 2 '1-hop and 1-hop' --mode batch --datasets 1-hop 2-hop 1-hop
	refuses 2 'one name' --datasets 1-hop 1-hop-test
}

# Root reads and writes everything, unless it is kept from it.
humbly() { # argument...
	local humble=()
	if [ "$(id -u)" = 0 ]; then
		humble=(setpriv --bounding-set '-dac_override,-dac_read_search')
		"${humble[@]}" true 2>/dev/null || skip "no setpriv(1) for root"
	fi
	bounded "${humble[@]}" variant0_llm_baseline "$@"
}

@test "what may not be read, and where nothing may be written" {
	a_desk
	printf 'who [A]\tB\n' >secret.txt
	chmod 000 secret.txt
	humbly --mode batch --datasets secret.txt
	[ "$STATUS" = 3 ]
	says 'secret.txt'
	mkdir closed
	chmod 555 closed
	humbly --mode batch --limit 1 --results-dir closed
	[ "$STATUS" = 5 ]
	says 'closed'
	# By the folder, and not by a file that nobody asked for.
	chmod 755 closed
	mkdir -p open/runs closed/runs
	chmod 555 closed open/runs
	humbly --mode batch --limit 1 --results-dir closed
	[ "$STATUS" = 5 ]
	says 'cannot write in closed: '
	humbly --mode batch --limit 1 --results-dir open
	[ "$STATUS" = 5 ]
	says 'cannot write in open/runs: '
	XDG_STATE_HOME=$PWD/closed humbly --mode batch --limit 1
	[ "$STATUS" = 5 ]
	says 'closed'
	nothing_sent
	chmod 755 closed
}

@test "a data folder that is not there" {
	start_server
	export OPENAI_API_KEY=sk-test OPENAI_BASE_URL=$BASE_URL
	refuses 3 'nowhere/1-hop/vanilla/qa_test.txt' --mode batch \
		--data-dir nowhere
}

@test "a binary dataset" {
	a_desk
	head -c 5000 "$NM_BUILD/src/prog/batch_server" >binary.txt
	variant0 --mode batch --datasets binary.txt
	[ "$STATUS" = 3 ]
	[ -z "$OUT" ]
	# However many its lines are, only the first few are shown.
	[ "$(wc -l <err.txt)" -le 20 ]
	lacks err.txt $'\e'
	nothing_sent
}

@test "lines without a tab, with two, blank, are passed over and counted" {
	a_desk
	printf '%s\n' 'who made [A]	B' 'no tab here' 'two	tabs	here' '' \
		'   ' 'nothing after	' '	nothing before' \
		'who made [C]	D|E' >mixed.txt
	takes '0 7' --datasets mixed.txt
	[[ $ERR == *'mixed.txt:2:'*'tab'* ]]
	[[ $ERR == *'mixed.txt:3:'* ]]
	[[ $ERR == *'mixed.txt:6:'* ]]
	[[ $ERR == *'lines are no questions and were passed over'* ]]
	[ "$(result '.run.questions.bad_lines')" -ge 3 ]
	[ "$(result '.run.questions.blank_lines')" = 2 ]
	[ "$(result '.results[1].ground_truth_answers | join("|")')" = 'D|E' ]
	[ "$(result .dataset_name)" = mixed ]
}

@test "the limit is of lines, as it always was" {
	a_desk
	printf '%s\n' 'who made [A]	B' 'no tab here' 'who made [C]	D' \
		'who made [E]	F' >mixed.txt
	takes '0 2' --datasets mixed.txt --limit 3
}

@test "CRLF, no newline at the end, a byte order mark" {
	a_desk
	printf 'who made [A]\tB|C\r\nwho made [D]\tE' >crlf.txt
	takes '0 1' --datasets crlf.txt
	[ "$(result '[.results[].ground_truth_answers] | @json')" = \
		'[["B","C"],["E"]]' ]
	[ "$(result '.results[0].question_text')" = 'who made [A]' ]
	printf '\xef\xbb\xbfwho made [A]\tB\n' >bom.txt
	takes '0' --datasets bom.txt
}

@test "invalid UTF-8 is named by file and line" {
	a_desk
	printf 'who made [A]\tB\nwho made [\xff\xfe]\tC\nwho [D]\tE\n' >bytes.txt
	takes '0 2' --datasets bytes.txt
	[[ $ERR == *'bytes.txt:2:'*'UTF-8'* ]]
	lacks err.txt $'\xff'
}

@test "a question of 10 MB" {
	a_desk
	{
		printf 'who made [A]\tB\nwho made ['
		head -c 10000000 /dev/zero | tr '\0' x
		printf ']\tC\nwho made [D]\tE\n'
	} >long.txt
	variant0 --mode batch --datasets long.txt --poll-interval 0.2
	RESULTS=results/variant0_llm_baseline_long_batch.json
	# Too long or not, the others are asked, and the line is named.
	if [ "$STATUS" = 0 ] && [ "$(result .ledger.asked)" = 3 ]; then
		[ "$(result .ledger.answered)" = 3 ]
	else
		[ "$STATUS" = 0 ]
		[[ $ERR == *'long.txt:2:'* ]]
		[ "$(result '[.results[].question_id] | join(" ")')" = '0 2' ]
	fi
	# Nobody's terminal is filled with it.
	[ "$(wc -c <err.txt)" -lt 4000 ]
}

@test "JSON Lines: question and answers; bad lines by file and line" {
	a_desk
	printf '%s\n' '{"question":"who made [A]","answers":["B","C"]}' \
		'{"question":"no answers"}' 'not json' \
		'{"question":"who made [D]","answers":["E"]}' >set.jsonl
	takes '0 3' --datasets set.jsonl
	[[ $ERR == *'set.jsonl:2:'* ]]
	[[ $ERR == *'set.jsonl:3:'* ]]
	[ "$(result '.results[0].ground_truth_answers | @json')" = '["B","C"]' ]
	[ "$(result .dataset_name)" = set ]
}

@test "numbers that are none, or too small" {
	a_desk
	local value option
	for value in 0 -1 x '' 1.5 99999999999999999999; do
		for option in --limit --sample --max-attempts \
			--shard-requests; do
			refuses 2 "$option" --mode batch "$option" "$value"
		done
		refuses 2 --concurrency --concurrency "$value"
	done
	for value in 0 -1 x '' 1e9; do
		refuses 2 --poll-interval --mode batch --poll-interval "$value"
	done
	refuses 2 --shard-requests --mode batch --shard-requests 50001
	refuses 2 --reask --reask -1
	refuses 2 --seed --sample 2 --seed -1
}

@test "options that clash, or say nothing in this mode" {
	a_desk
	refuses 2 '--dry-run goes with --mode batch' --dry-run
	refuses 2 '--dry-run goes with --mode batch' --mode direct --dry-run
	refuses 2 '--batch-id goes with --mode batch' --batch-id batch_1
	refuses 2 '--poll-interval' --poll-interval 3
	refuses 2 '--concurrency' --mode batch --concurrency 3
	refuses 2 '--dry-run' --mode batch --dry-run --batch-id batch_1
	refuses 2 '--new' --mode batch --new --batch-id batch_1
	refuses 2 '--sample' --limit 3 --sample 3
	refuses 2 '--seed' --seed 3
	refuses 2 '--local' --local --base-url http://127.0.0.1:1/v1
	refuses 2 '--prompt' --mode batch --prompt p --batch-id batch_1
	refuses 2 '--sample' --mode batch --sample 3 --batch-id batch_1
	refuses 2 '--model' --mode batch --model m --batch-id batch_1
}

@test "words that are not options, values that are missing" {
	a_desk
	refuses 2 "'banana'" --mode banana
	refuses 2 "'--bogus'" --bogus
	refuses 2 "'stray'" stray
	refuses 2 '--batch-id' --mode batch --batch-id
	refuses 2 '--datasets' --datasets
	refuses 2 '--limit' --limit
}

@test "prompt and price table" {
	a_desk
	printf 'no place for it\n' >none.txt
	printf '{question} {question}\n' >two.txt
	printf '{"models": [' >prices.json
	refuses 3 'nope.txt' --prompt nope.txt
	refuses 3 'none.txt' --prompt none.txt
	refuses 3 'two.txt' --prompt two.txt
	refuses 3 'nope.json' --prices nope.json
	refuses 3 'prices.json' --prices prices.json
}

@test "a results folder that cannot be written: told before anything is sent" {
	a_desk
	: >a-file
	refuses 5 'a-file' --results-dir a-file --mode batch --limit 1
	refuses 5 '/proc/' --results-dir /proc/nope --limit 1
	refuses 5 '/dev/full' --results-dir /dev/full --limit 1
}

@test "a disk that is full when results are saved: nothing is lost" {
	mkdir small
	mount -t tmpfs -o size=64k none small 2>/dev/null ||
		skip "no tmpfs without root"
	a_desk
	local full=0
	head -c 1000000 /dev/zero >small/filler 2>/dev/null || full=1
	variant0 --mode batch --limit 20 --results-dir small/results \
		--poll-interval 0.2
	local first=$STATUS said=$ERR
	rm small/filler
	umount small
	[ $full = 1 ]
	[ "$first" = 5 ]
	[[ $said == *small* ]]
	# Whatever was sent is taken up again and not sent anew.
	local sent
	sent=$(calls POST /v1/batches)
	[ "$sent" -le 1 ]
	run_batch 20
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 1 ]
	[ "$(ledger)" = 'asked=20 answered=20 attempts=1' ]
}

@test "a state folder that cannot be written" {
	a_desk
	: >a-file
	XDG_STATE_HOME=$PWD/a-file refuses 5 'a-file' --mode batch --limit 1
	XDG_STATE_HOME=/proc/nope refuses 5 '/proc/nope' --mode batch --limit 1
}

@test "state folders of odd names" {
	a_desk
	local name
	for name in 'file:x' 'a?b#c%20' ':memory:' $'two\nlines' 'a b/'; do
		NIGHTMAIL_STATE=$name variant0 --mode batch --limit 1 --dry-run
		[ "$STATUS" = 0 ]
		[ -s "$name/journal.db" ]
	done
	: >"$SERVER_LOG"
	name=$PWD/$(printf 'd%.0s' {1..200})
	NIGHTMAIL_STATE=$name/${name##*/}/${name##*/} refuses 5 \
		'unable to open database file' --mode batch --limit 1
}

@test "a journal that is none of ours is left alone" {
	a_desk
	mkdir -p xdg/nightmail
	head -c 4096 "$NM_BUILD/src/prog/batch_server" >xdg/nightmail/journal.db
	cp xdg/nightmail/journal.db before
	refuses 5 'journal.db' --mode batch --limit 1
	cmp before xdg/nightmail/journal.db
}

@test "stdout that is full: exit 5" {
	a_desk
	STATUS=0
	variant0_llm_baseline --mode batch --limit 1 --dry-run >/dev/full \
		2>err.txt || STATUS=$?
	cat err.txt
	[ "$STATUS" = 5 ]
	# The batch is not lost for that.
	variant0 --mode batch --limit 1 --dry-run
	[ "$STATUS" = 0 ]
	[ "$(calls POST /v1/batches)" = 1 ]
}

@test "an unknown batch id: exit 4" {
	a_desk
	refuses 4 "batch_nope" --mode batch --batch-id batch_nope
	refuses 4 "0123456789ab is a run's id, if any: --batch-id wants that of" \
		--mode batch --batch-id 0123456789ab
	refuses 2 'is no batch id' --mode batch --batch-id 'batch/../x'
	refuses 2 'is empty' --mode batch --batch-id ''
}

@test "a limit that is not the batch's" {
	a_desk
	variant0 --mode batch --limit 3 --dry-run
	local id
	id=$(ids_of "$OUT")
	variant0 --mode batch --batch-id "$id" --limit 5
	[ "$STATUS" = 2 ]
	says '3 questions'
	variant0 --mode batch --batch-id "$id" --limit 3 --poll-interval 0.2
	[ "$STATUS" = 0 ]
}

@test "a key that is refused: exit 4, and the key is not told" {
	echo 'somebody sk-right-key-0123456789' >keys.txt
	chmod 600 keys.txt
	a_desk --api-key-file keys.txt
	variant0 --mode batch --limit 1 --dry-run
	[ "$STATUS" = 4 ]
	says '401'
	lacks err.txt sk-test-0123456789
	variant0 --mode batch --batch-id batch_1
	[ "$STATUS" = 4 ]
	says '401'
	OPENAI_API_KEY=sk-right-key-0123456789 variant0 --mode batch \
		--limit 1 --dry-run
	[ "$STATUS" = 0 ]
}

@test "a key that cannot be one" {
	a_desk
	OPENAI_API_KEY=$'sk-a\nHost: evil' refuses 2 'OPENAI_API_KEY' --limit 1
	lacks err.txt evil
	OPENAI_API_KEY='' OPENAI_BASE_URL='' refuses 2 'OPENAI_API_KEY' --limit 1
}

@test "a key is not sent over plain http beyond this machine" {
	ln -s "$NM_SOURCE/data" data
	export OPENAI_API_KEY=sk-test-0123456789
	variant0 --limit 1 --base-url http://192.0.2.1/v1 --quiet
	[ "$STATUS" = 2 ]
	says 'http'
	variant0 --limit 1 --base-url 'not a url'
	[ "$STATUS" = 2 ]
}

@test "a server that is not there: exit 4, in time" {
	a_desk
	stop_server
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --limit 1 --dry-run \
		--quiet --patience 3
	[ "$STATUS" = 4 ]
	[[ $(tail -1 err.txt) == *127.0.0.1* ]]
	NIGHTMAIL_CLOCK=fast=20 variant0 --limit 1 --quiet --patience 3
	[ "$STATUS" = 4 ]
	[[ $(tail -1 err.txt) == *127.0.0.1* ]]
	[ ! -e results/variant0_llm_baseline_1-hop-test.json ]
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --batch-id batch_1
	[ "$STATUS" = 4 ]
	says 127.0.0.1
}

@test "a proxy's certificate is verified" {
	command -v openssl >/dev/null || skip "no openssl(1)"
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
		-out cert.pem -days 2 -subj /CN=localhost \
		-addext subjectAltName=IP:127.0.0.1 2>/dev/null
	chmod 600 key.pem
	a_desk --tls-cert cert.pem --tls-key key.pem
	NIGHTMAIL_CLOCK=fast=20 variant0 --mode batch --batch-id batch_1
	[ "$STATUS" = 4 ]
	says certificate
	CURL_CA_BUNDLE=$PWD/cert.pem variant0 --mode batch --limit 1 --dry-run
	[ "$STATUS" = 0 ]
}
