#!/usr/bin/env bats
# The stop test of direct mode: of what was answered nothing is asked again but what
# was in flight or waited for the commit that many share.
load lib

# The fourth question fails three times, which is an attempt.
FAULTS='on POST /v1/chat/completions nth 4..6: status 500
on POST /v1/chat/completions: delay 3ms'
DOUBLED_MAX=2

learn() {
	learn_run --mode direct --limit 8 --concurrency 1
	[ "$QUESTIONS" = 8 ]
	[ "$(acted question)" = 8 ]
}

@test "killed before each durable step" {
	learn
	sweep before 1 "$STEPS"
}

@test "killed when a reply is there but not read" {
	learn
	sweep reply 1 "$REPLIES"
}
