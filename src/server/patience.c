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

/* Of what is held against the server and not the row: a reply may have come, and named
 * a pause. */
static int64_t
pause_of_held(const struct nm_retry_event *event, int64_t pause_ms)
{
	int64_t asked_ms = nm_retry_after(event->retry_after_ms,
	                                  event->retry_after, event->wall_ms);

	if (asked_ms > 0)
		return asked_ms < NM_RETRY_BOUND_MS ? asked_ms
		                                    : NM_RETRY_BOUND_MS;
	return pause_ms < REFUSED_PAUSE_MS ? pause_ms : REFUSED_PAUSE_MS;
}

bool
nm_patience_lasts(struct nm_patience *patience,
                  const struct nm_retry_event *event, int tries,
                  int64_t elapsed_ms, int64_t *pause_ms)
{
	bool held = event->kind == NM_RETRY_UNREACHABLE;
	struct nm_retry_policy policy = {
		.retries_max = held ? tries + 1 : RETRIES };
	struct nm_retry_verdict verdict;

	verdict = nm_retry_decide(&policy, event, tries, elapsed_ms,
	                          chance(patience));
	if (verdict.when == NM_RETRY_NEVER)
		return false;
	*pause_ms = verdict.when == NM_RETRY_AFTER ? verdict.pause_ms : 0;
	if (held)
		*pause_ms = pause_of_held(event, *pause_ms);
	return true;
}
