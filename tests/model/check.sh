#!/bin/sh
# Checks the submission model with spin and prints TAP. Skips with a word where spin
# or a C compiler is missing.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
command -v spin >/dev/null || { echo "1..0 # SKIP spin is not installed"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
n=0
bad=0

# holds NAME CLAIM yes|no FLAGS...: does the claim hold with these flags?
holds() {
	name=$1 claim=$2 want=$3
	shift 3
	n=$((n + 1))
	spin -a "$@" "$here/submit.pml" >spin.out 2>&1
	cc -O2 -w -DMEMLIM=1024 -DVECTORSZ=4096 -o pan pan.c
	./pan -a -f -m200000 -N "$claim" >pan.out 2>&1 || true
	got=unknown
	grep -q 'errors: 0' pan.out && got=yes
	grep -Eq 'errors: [1-9]' pan.out && got=no
	grep -q 'max search depth too small' pan.out && got=unknown
	if [ "$got" = "$want" ]; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name (holds: $got, should be: $want)"
		sed 's/^/# /' pan.out
		bad=1
	fi
	rm -f pan pan.* ./*.trail
}

holds "no shard is created twice" once yes
holds "a created shard is really there" told yes
holds "no shard is lost" "done" yes
holds "without the look-up the double submission is found" once no -DNO_LOOK
holds "without the one after a refusal it is found as well" once no -DNO_LOOK_REFUSED
holds "without the lock it is found as well" once no -DNO_LOCK -DDEATHS=0 -DFAULTS=0
holds "with too little patience it is found too" once no -DPATIENCE=1
echo "1..$n"
exit $bad
