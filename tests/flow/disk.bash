# disk: a small file system of a test's own. Loaded after lib: `load lib`, `load disk`.
#
#   mount_small SIZE   at ./small, for the state and the results; skips the test where
#                      it may not be had, which needs root
#   leave_small        gives it up, as teardown does

mount_small() { # size
	mkdir -p small
	mount -t tmpfs -o "size=$1" none small 2>/dev/null ||
		skip "no tmpfs without root"
	export NIGHTMAIL_STATE=$PWD/small/state
	RESULTS=small/results/${RESULTS##*/}
}

leave_small() {
	umount "$BATS_TEST_TMPDIR/small"
	unset NIGHTMAIL_STATE
}

teardown() {
	[ -z "$SERVER_PID" ] || stop_server || true
	! mountpoint -q "$BATS_TEST_TMPDIR/small" || leave_small
}
