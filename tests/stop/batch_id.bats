#!/usr/bin/env bats
# The stop test, taken up by the id of any one of the run's batches, where there is
# one: also of one whose creation the journal has not heard of.
load lib

FAULTS='row 2 of batch 1: http_error 500'
TAKE_UP=id

@test "killed when a reply is there but not read" {
	learn_run --mode batch --limit 5 --shard-requests 2
	[ "$REPLIES" -ge 20 ]
	sweep reply 1 "$REPLIES"
}

@test "killed when a step is written but not synced" {
	learn_run --mode batch --limit 5 --shard-requests 2
	sweep within 1 "$STEPS"
}
