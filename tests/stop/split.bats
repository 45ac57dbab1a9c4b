#!/usr/bin/env bats
# The stop test of a run whose one shard is above the account's limit: refused, it
# learns the limit, and smaller ones take its place.
load lib

FAULTS='quota tokens 250'

@test "killed before each durable step" {
	learn_run --mode batch --limit 4 --shard-requests 4
	[ "$CREATIONS" = 5 ]
	sweep before 1 "$STEPS"
}
