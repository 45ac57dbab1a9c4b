#!/usr/bin/env bats
# The stop test of a run that does all in turn: first questions asked directly, then
# batches, then what they left undone directly again.
load lib

FAULTS='row 2 of batch 1: http_error 500
row 1 of batch 2: expired
on POST /v1/chat/completions: delay 3ms'
DOUBLED_MAX=2

@test "killed before each durable step" {
	learn_run --mode batch --limit 6 --canary 2 --shard-requests 2 \
		--finish-direct --concurrency 1
	[ "$CREATIONS" = 2 ]
	[ "$QUESTIONS" = 4 ]
	sweep before 1 "$STEPS"
}
