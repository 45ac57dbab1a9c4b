#!/usr/bin/env bats
# The stop test: a run of three shards and a second attempt, killed at each of its
# durable steps and taken up by the same command, ends as if it had not been.
load lib

FAULTS='row 2 of batch 1: http_error 500'

learn() {
	learn_run --mode batch --limit 5 --shard-requests 2
	[ "$UPLOADS" = 4 ]
	[ "$CREATIONS" = 4 ]
	[ "$STEPS" -gt 40 ]
}

@test "killed before each durable step" {
	learn
	sweep before 1 "$STEPS"
}

@test "killed after each durable step" {
	learn
	sweep after 1 "$STEPS"
}
