# sequence_checks: what must hold after a step of a sequence, and at its end. Loaded by
# sequence.bash.

list_runs() {
	cp runs.json runs.before
	batch_manager --runs --json >runs.json 2>runs.err ||
		wrong "--runs: $? $(cat runs.err)"
	[ -s runs.json ] || echo '[]' >runs.json
	jq -r '.[].batches[].id // empty' runs.json >>known
	# What the service deletes is looked at in the end all the same.
	mkdir -p kept
	cp -ln "$STATE"/files/* kept/ 2>/dev/null || true
}

# Did this step send anything?
has_sent() {
	tail -n "+$((LOGGED + 1))" "$SERVER_LOG" | grep -qF '"method":"POST"'
}

# What a program says when it could not, or was not let.
check_word() { # output
	local signal status
	[ -e "$1.status" ] || return 0
	read -r signal status <"$1.status"
	case $status in
	0) return ;;
	1 | 2 | 3 | 4 | 5)
		grep -q '^[a-z_0-9]*: ' "$1.err" ||
			wrong "exit $status without a word: $(<"$1.command")"
		;;
	130 | 143)
		# A signal may come before the program can take it.
		[ -s "$1.err" ] || ! has_sent ||
			wrong "exit $status without a word: $(<"$1.command")"
		;;
	137) [ "$signal" = KILL ] || wrong "did not end: $(<"$1.command")" ;;
	*) wrong "exit $status: $(<"$1.command")" ;;
	esac
	grep '^  [a-z0-9]*_[a-z_0-9]* --' "$1.err" | tail -n 1 >>told
	{
		echo "$status $(<"$1.command")"
		cat "$1.err"
	} >>said
}

# Of those that ask the same one is unfinished at most, and another is begun only when
# the earlier has ended or was given up at a word.
check_runs() {
	local commands
	commands=$(cat command.command beside.command 2>/dev/null)
	jq -r 'group_by([.mode, .name, .model, .requests])[] |
		map(select(.state == "open" or .state == "partial")) |
		select(length > 1) | map(.id) | join(" ")' runs.json >doubled
	[ ! -s doubled ] || wrong "unfinished alike: $(<doubled)"
	[[ $commands != *--new* && $commands != *--cancel* &&
		$commands != *--max-cost* && $commands != *--canary* ]] || return 0
	jq -r --slurpfile before runs.before '
		($before[0] | map({(.id): .state}) | add // {}) as $was |
		.[] | select(.state == "left" and
			($was[.id] // "left") != "left") | .id' runs.json >left
	[ ! -s left ] || wrong "given up at nobody's word: $(<left)"
}

# What was paid for directly is in the journal, but for what was in flight when a
# process was ended.
check_direct() {
	local id
	! grep -q ' 1[0-9][0-9]$' command.status beside.status 2>/dev/null || return 0
	tail -n "+$((LOGGED + 1))" "$SERVER_LOG" | jq -r 'select(.status == 200 and
		.fault == null and .path == "/v1/chat/completions") | .request_id' |
		while read -r id; do
			grep -aqF "$id" client/journal.db* ||
				echo "$id"
		done >unkept
	[ ! -s unkept ] || wrong "paid for and not kept: $(<unkept)"
}

check_reports() {
	local report
	for report in sanitizer.*; do
		[ ! -e "$report" ] || wrong "a sanitizer: $(grep -m1 ERROR "$report") $report"
	done
}

check_results() {
	local file
	for file in results/runs/*.json results/*.json; do
		[ -e "$file" ] || continue
		jq -e '.ledger as $l | (.results | length) as $n |
			($l | .answered + .refused + .truncated + .unparseable +
				.http_error + .expired + .cancelled + .missing) == $n
			and $l.asked == $n and .metrics.total_questions == $n and
			([.results[].question_id] == [range($n)]) and
			all("answered", "refused", "truncated", "unparseable",
				"http_error", "expired", "cancelled", "missing";
				. as $c | $l[$c] ==
				([$r[0].results[] | select(.class == $c)] | length))
			and ([.results[].usage.input_tokens // 0] | add) ==
				(.run.usage.input_tokens // 0)
			and ([.results[].usage.output_tokens // 0] | add) ==
				(.run.usage.output_tokens // 0)' \
			--slurpfile r "$file" "$file" >/dev/null ||
			wrong "does not add up: $file"
	done
}

check_step() {
	list_runs
	check_word command
	check_word beside
	check_runs
	check_direct
	check_reports
	check_results
}

# The end: no faults any more, and each run that is open is gone on with until it is not.

is_open() {
	jq -e '.[] | select(.state == "open")' runs.json >/dev/null
}

# What goes on with the first open run.
next_command() {
	jq -r 'map(select(.state == "open"))[0] |
		([.batches[].id | select(.)][0]) as $id |
		if .mode == "direct" then
			"ask|--mode direct --datasets \(.name) --limit \(.requests)"
		elif .mode == "batch" and $id then
			"ask|--mode batch --batch-id \($id)"
		elif .mode == "batch" then
			"ask|--mode batch --datasets \(.name) --limit \(.requests)"
		elif $id then "manage|--wait \($id)"
		else "manage|--submit \(.name)" end' runs.json
}

# What a program printed to be run is nothing that it refuses.
do_as_told() {
	local program words
	while read -r program words; do
		echo "== as told: $program $words" >>story
		rm -f command.* beside.*
		LOGGED=$(wc -l <"$SERVER_LOG")
		[[ $program == variant0* ]] && program=ask || program=manage
		take_command whole $program "$words"
		# Of a run that --prune forgot the service does not tell all.
		[ "$STATUS" != 2 ] || grep -q -e 'not sent: it could cost' \
			-e 'cannot be told .*--datasets' command.err ||
			wrong "told to run, and refused: $words: $(<command.err)"
		check_step
	done < <(sort -u told | shuf -n 4 --random-source=a.txt)
}

# What --new left goes on at the service until somebody cancels it.
cancel_left() {
	local id
	while read -r id; do
		OUTPUT=command
		execute INT $BOUND manage "--cancel $id"
		[[ $STATUS = [01] ]] || wrong "--cancel $id: $STATUS $(<command.err)"
	done < <(jq -r '.[] | select(.state == "left").id' runs.json)
	list_runs
}

end_all() {
	local rounds=0 command
	set_faults ''
	restart
	list_runs
	do_as_told
	while is_open && [ $rounds -lt 25 ]; do
		rounds=$((rounds + 1))
		command=$(next_command | sed 's/ a / a.txt /; s/ b / b.txt /
			s/ c / c.jsonl /')
		echo "== end $rounds: $command" >>story
		rm -f command.* beside.*
		LOGGED=$(wc -l <"$SERVER_LOG")
		take_command whole "${command%%|*}" "${command#*|}"
		check_step
		# What was said to last for ever ends with its window.
		[ "$STATUS" != 130 ] || advance 25h
	done
	cancel_left
	! is_open || wrong "still open: $(jq -c '.[] | select(.state == "open") |
		[.id, .mode, .name]' runs.json | paste -sd' ')"
}

list_batches() {
	call GET '/v1/batches?limit=100' -H 'Authorization: Bearer k'
	jq -c '.data[]' "$BODY" >batches
}

# A line for each question of a batch: run, question, created, ended, answered, batch.
list_asked() {
	local line input output
	while read -r line; do
		read -r id run created ended input output < <(jq -r '[.id,
			.metadata.run // "none", .created_at, .completed_at //
			.failed_at // .expired_at // .cancelled_at // 0,
			.input_file_id, .output_file_id // "none"] | join(" ")' <<<"$line")
		jq -r .custom_id "kept/$input" 2>/dev/null | sort >in.ids
		jq -Rr 'fromjson? | select(.response.status_code == 200) | .custom_id' \
			"kept/$output" 2>/dev/null | sort -u >out.ids
		comm -12 in.ids out.ids | sed "s/^/$run|/; s/\$/|$created|$ended|yes|$id/"
		comm -23 in.ids out.ids | sed "s/^/$run|/; s/\$/|$created|$ended|no|$id/"
	done <batches | sort -t'|' -k1,2 -k3,3n >asked
}

# Where the service shows no lists a refusal is taken at its word.
is_blind() {
	[[ ${PLAN[*]} == *'GET /v1/batches: status 404'* ]]
}

check_batches() {
	list_batches
	! is_blind || return 0
	list_asked
	awk -F'|' '{
		if ($1 "|" $2 == last) {
			if (was == "yes")
				print "answered in " batch ", asked again in " $6
			else if (end == 0 || end > $3)
				print "under way in " batch ", asked again in " $6
		}
		last = $1 "|" $2; was = $5; end = $4; batch = $6
	}' asked | sort -u >twice
	# Results that are gone are asked for again.
	[ ! -s twice ] || [[ ${PLAN[*]} == *31d* || ${PLAN[*]} == *--reask* ]] ||
		wrong "asked twice: $(<twice)"
	sort -u known >known.ids
	jq -r 'select(.status != "failed").id' batches | sort | comm -23 - known.ids >orphans
	[ ! -s orphans ] || wrong "known to nobody: $(paste -sd' ' orphans)"
	# What was forgotten here goes on there.
	jq -r 'select(.status | IN("validating", "in_progress", "finalizing")).id' \
		batches >going
	[ ! -s going ] || [[ ${PLAN[*]} == *--prune* || ${PLAN[*]} == *copy_back* ]] ||
		wrong "at work for nobody: $(paste -sd' ' going)"
	jq -r '.metadata.tag // empty' batches | sort | uniq -d >tags
	[ ! -s tags ] || wrong "one tag, two batches: $(<tags)"
	jq -r 'select(.method == "POST" and .path == "/v1/files" and .file_id) |
		.filename' "$SERVER_LOG" | sort | uniq -d >names
	[ ! -s names ] || wrong "one name, two uploads: $(<names)"
}

# A row's usage is that of a reply of its question.
check_usage() {
	local file
	for file in results/runs/*.json; do
		[ -e "$file" ] || continue
		{
			jq -r '.run.batches[].output_file_id // empty' "$file" |
				while read -r id; do
					cat "kept/$id" 2>/dev/null
				done
			cat "${file%.json}"_replies/direct_*.jsonl 2>/dev/null
		} | jq -Rc 'fromjson? | select(.response.status_code == 200) |
			[.custom_id, .response.body.usage.prompt_tokens,
			.response.body.usage.completion_tokens]' | sort -u >replies
		jq -c '.results[] | select(.class == "answered") |
			["request-\(.question_id)", .usage.input_tokens,
			.usage.output_tokens]' "$file" | sort -u |
			comm -23 - replies >strange
		[ ! -s strange ] ||
			wrong "no reply was so: $(<strange) in $file"
	done
}

# Nor was a question answered directly and asked so again.
check_direct_once() {
	local folder
	[[ ${PLAN[*]} != *--reask* ]] || return 0
	for folder in results/runs/*_replies; do
		cat "$folder"/direct_*.jsonl 2>/dev/null |
			jq -Rr 'fromjson? | select(.response.status_code == 200 and
				.response.body.choices) | .custom_id' | sort | uniq -d >twice
		[ ! -s twice ] || wrong "asked twice directly: $(<twice) in $folder"
	done
}

# A line for each reply of a question: mode, tokens in, tokens out.
list_replies() { # results
	local raw
	jq -r '.run.raw[]' "$1" | while read -r raw; do
		jq -Rnc --arg raw "$raw" '[inputs | fromjson? |
			select(.response.status_code == 200 and
				(.custom_id | test("^request-[0-9]+$")))] |
			unique_by(.custom_id)[].response.body.usage // empty |
			[($raw | test("/direct_")), .prompt_tokens, .completion_tokens]' \
			"$raw"
	done
}

# What was spent is the sum of all replies, and of what batches used beyond these; the
# cost is that of the rows.
check_costs() {
	local file
	for file in results/runs/*.json; do
		[ -e "$file" ] && [ -n "$MODEL_PID" ] || continue
		list_replies "$file" >replies
		jq -e --slurpfile replies replies '
			def pusd: . * 1000000000000 | round;
			def spent(by): map(by) | add // 0;
			($replies | map(select(.[0] | not))) as $batch |
			(.run.spent.batches_own_usage // {}) as $own |
			([($own.input_tokens // 0) - ($batch | spent(.[1])), 0] | max) as $in |
			([($own.output_tokens // 0) - ($batch | spent(.[2])), 0] | max) as $out |
			($replies | spent((.[1] * 125000 + .[2] * 1000000) *
				(if .[0] then 2 else 1 end))) as $sum |
			(.run.spent.cost_usd | pusd) ==
				$sum + $in * 125000 + $out * 1000000 and
			.run.spent.replies == ($replies | length) and
			([.results[].cost_usd // 0 | pusd] | add) ==
				(.metrics.total_cost_usd // 0 | pusd)' "$file" >/dev/null ||
			wrong "the cost of $file is not that of its replies: $(<replies)"
	done
}

# A finished run that is taken up once more sends nothing and says the same.
check_repeated() {
	local id sent before
	while read -r id; do
		sent=$(logged '.method != "GET"')
		OUTPUT=command
		execute INT $BOUND ask "--mode batch --batch-id $id --max-attempts 1"
		[[ $STATUS = [01] ]] || grep -q 'was here and is gone' command.err ||
			wrong "again, $id: $STATUS $(tail -2 command.err)"
		before=$(logged '.method != "GET"')
		[ "$sent" = "$before" ] || wrong "$id: taken up again, it sent"
	done < <(jq -r '.[] | select(.mode == "batch" and
		(.state == "done" or .state == "partial")) |
		[.batches[].id | select(.)][0] // empty' runs.json)
	check_results
}

# A request file's results, in the order of the file.
check_downloads() {
	local id name
	while read -r id name; do
		OUTPUT=command
		execute INT $BOUND manage "--download $id -o saved"
		[[ $STATUS = [01] ]] || {
			wrong "--download $id: $STATUS $(tail -2 command.err)"
			continue
		}
		jq -r .custom_id saved | diff - <(jq -r .custom_id "$name") >/dev/null ||
			[ "$STATUS" = 1 ] || wrong "--download $id: other rows"
	done < <(jq -r '.[] | select(.mode == "file" and
		(.state == "done" or .state == "partial")) |
		"\([.batches[].id | select(.)][0] // empty) \(.name)"' runs.json)
}

check_tidy() {
	OUTPUT=command
	execute INT $BOUND manage '--clean --older-than 0s --yes'
	[ "$STATUS" = 0 ] || wrong "--clean: $STATUS $(<command.err)"
	find client -exec touch -d '3 days ago' {} +
	execute INT $BOUND manage '--prune --older-than 0s --yes'
	[ "$STATUS" = 0 ] || wrong "--prune: $STATUS $(<command.err)"
	list_runs
	find client -mindepth 1 ! -name 'journal.db*' ! -path client/runs \
		! -path client/passing | sed 's/^client.//' |
		grep -vFf <(jq -r '.[].id' runs.json; echo nothing) >litter
	[ ! -s litter ] || wrong "litter: $(paste -sd' ' litter)"
}

check_all() {
	check_batches
	check_direct_once
	check_usage
	check_costs
	check_repeated
	check_downloads
	check_tidy
	check_reports
}
