#!/usr/bin/env bats
# The stop test where the power goes: what was written and not synced is gone too.
load lib

FAULTS='row 2 of batch 1: http_error 500
on POST /v1/chat/completions: delay 3ms'
POWER=1
DOUBLED_MAX=2

learn() {
	POWER='' learn_run --mode batch --limit 6 --canary 1 \
		--shard-requests 3
	[ "$CREATIONS" = 3 ]
}

@test "gone when a reply is there but not read" {
	learn
	sweep reply 1 "$REPLIES"
}

@test "gone before each sync" {
	learn
	sweep within 1 "$STEPS"
}
