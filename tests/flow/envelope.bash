# envelope: what a refusal must look like, whole. Loaded after lib.

# The last call's envelope, whole; the message's beginning.
envelope() { # status type code param message
	[ "$STATUS" = "$1" ] &&
		[ "$(member '.error | keys_unsorted | join(" ")')" = \
			'message type param code' ] &&
		[ "$(member .error.type)" = "$2" ] &&
		[ "$(member .error.code)" = "$3" ] &&
		[ "$(member .error.param)" = "$4" ] &&
		[[ $(member .error.message) == "$5"* ]] &&
		grep -qi '^content-type: application/json' "$HEADERS" &&
		grep -qi '^x-request-id: req_[0-9a-f]\{32\}' "$HEADERS" || {
		echo "not as '$*': $STATUS $(head -c 1000 "$BODY")"
		return 1
	}
}

invalid() { # code param message
	envelope 400 invalid_request_error "$@"
}

ok() {
	[ "$STATUS" = 200 ] || {
		echo "$STATUS $(head -c 1000 "$BODY")"
		return 1
	}
}

# n times a byte
many() { # n byte
	head -c "$1" /dev/zero | tr '\0' "$2"
}
