#!/usr/bin/env bats
# batch_manager: what is typed wrongly, and a service that is not to be had.
load lib
load client

@test "exactly one action" {
	manager
	[ "$STATUS" = 2 ]
	says 'nothing to do: give --status ID, --list or --cancel ID'
	manager --list --status x
	[ "$STATUS" = 2 ]
	says '--status and --list do not go together'
	manager --json
	[ "$STATUS" = 2 ]
}

@test "options that say nothing to the action" {
	local wrong
	for wrong in '--status x --limit 3' '--list -o f' '--list --yes' \
		'--cancel x --older-than 3d' '--list --poll-interval 3' \
		'--list --prices f'; do
		# shellcheck disable=SC2086 # words
		manager $wrong
		[ "$STATUS" = 2 ]
		says 'goes with --'
	done
}

@test "values out of range" {
	local wrong
	for wrong in 0 -1 x 1.5 99999999999999999999; do
		manager --list --limit "$wrong"
		[ "$STATUS" = 2 ]
		says '--limit'
	done
	manager --list --local --base-url http://127.0.0.1:1/v1
	[ "$STATUS" = 2 ]
	says 'each names a service'
}

@test "no key and no --local: both ways out, exit 2" {
	unset OPENAI_API_KEY
	manager --list
	[ "$STATUS" = 2 ]
	says OPENAI_API_KEY
	says .env
	says --local
}

@test "what needs no service needs no key" {
	unset OPENAI_API_KEY
	manager --runs
	[ "$STATUS" = 0 ]
	write_input 2 in.jsonl
	manager --check in.jsonl
	[ "$STATUS" = 0 ]
}

@test "a key from .env reaches the service" {
	echo 'me sk-right-0123456789' >keys
	chmod 600 keys
	start_server --api-key-file keys
	printf 'OPENAI_API_KEY=sk-right-0123456789\nOPENAI_BASE_URL=%s\n' \
		"$BASE_URL" >.env
	manager --list
	[ "$STATUS" = 0 ]
}

@test "a key that is refused: exit 4, and no trace of it" {
	echo 'me sk-right-0123456789' >keys
	chmod 600 keys
	a_desk --api-key-file keys
	export OPENAI_API_KEY=sk-wrong-9876543210
	local action
	for action in '--list' '--status b' '--cancel b' '--wait b'; do
		# shellcheck disable=SC2086 # words
		manager $action
		[ "$STATUS" = 4 ]
		says 401
		[[ $ERR$OUT != *9876543210* ]]
	done
}

@test "a server that is not there: exit 4, soon" {
	export OPENAI_API_KEY=sk-test-0123456789 NIGHTMAIL_CLOCK=fast=100
	local action
	for action in '--list' '--status b' '--cancel b' '--errors b'; do
		# shellcheck disable=SC2086 # words
		manager $action --base-url http://127.0.0.1:9/v1
		[ "$STATUS" = 4 ]
		says 'cannot reach 127.0.0.1'
	done
}

@test "a server that answers HTML: exit 4, one line, for every action" {
	faults 'on * /v1/**: status 200 body "<html><body>\nIt works!\n</body></html>"'
	a_desk --faults "$FAULTS"
	export NIGHTMAIL_CLOCK=fast=1000
	local action
	for action in '--list' '--status b' '--cancel b' '--wait b' \
		'--errors b' '--download b'; do
		# shellcheck disable=SC2086 # words
		manager $action
		[ "$STATUS" = 4 ]
		[ "$(wc -l <err.txt)" = 1 ]
		[ -z "$OUT" ]
	done
}

@test "a full disk under stdout is exit 5" {
	a_desk
	local status=0
	batch_manager --list >/dev/full 2>err.txt || status=$?
	[ $status = 5 ]
	grep -q '^batch_manager: ' err.txt
}

@test "--quiet leaves the results" {
	a_desk
	manager --list --quiet
	[ "$STATUS" = 0 ]
	[ "$OUT" = 'There are no batches.' ]
}
