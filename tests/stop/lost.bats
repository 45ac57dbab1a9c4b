#!/usr/bin/env bats
# The stop test where replies are lost, or say no, though the service acted, and where
# lists show late what was done.
load lib

FAULTS='on POST /v1/files nth 1: act then status 429
on POST /v1/files nth 2: act then lose reply
on POST /v1/batches nth 1: act then lose reply
on POST /v1/batches nth 4: act then status 502
stale batches 5s
row 1 of batch 2: http_error 429 rate_limit_exceeded'
PATIENCE=15

@test "killed before each durable step, replies lost and untrue" {
	learn_run --mode batch --limit 4 --shard-requests 2
	[ "$UPLOADS" = 3 ]
	[ "$CREATIONS" = 3 ]
	sweep before 1 "$STEPS"
}

# What the look saw was of its beginning: the one that decides begins when the
# patience is over.
@test "a look that takes longer than the patience is not the last" {
	FAULTS='on POST /v1/batches nth 1: act then lose reply
on GET /v1/batches nth 1: trickle 300/s
stale batches 5s'
	learn_run --mode batch --limit 2
	[ "$UPLOADS" = 1 ]
	[ "$CREATIONS" = 1 ]
}
