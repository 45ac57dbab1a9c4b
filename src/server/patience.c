#include "server/patience.h"

enum {
	RETRIES = 8,
	REFUSED_PAUSE_MS = 8000 /* at most, between two tries to connect */
};

/* From 0 to 1. */
static double
chance(struct nm_patience *patience)
{
	patience->chance = patience->chance * UINT64_C(6364136223846793005) +
		1442695040888963407u;
	return (double)(patience->chance >> 40) / (1 << 24);
}

bool
nm_patience_lasts(struct nm_patience *patience,
                  const struct nm_retry_event *event, int tries,
                  int64_t elapsed_ms, int64_t *pause_ms)
{
	struct nm_retry_policy policy = { .retries_max = RETRIES };
	struct nm_retry_verdict verdict;

	if (event->kind == NM_RETRY_UNREACHABLE)
		policy.retries_max = tries + 1;
	verdict = nm_retry_decide(&policy, event, tries, elapsed_ms,
	                          chance(patience));
	if (verdict.when == NM_RETRY_NEVER)
		return false;
	if (event->kind == NM_RETRY_UNREACHABLE &&
	    verdict.pause_ms > REFUSED_PAUSE_MS)
		verdict.pause_ms = REFUSED_PAUSE_MS;
	*pause_ms = verdict.when == NM_RETRY_AFTER ? verdict.pause_ms : 0;
	return true;
}
