/*
 * patience: whether a row's request that failed is sent again, and when.
 * Knows outcomes; must not know requests or transfers.
 */
#ifndef NM_SERVER_PATIENCE_H
#define NM_SERVER_PATIENCE_H

#include "net/retry.h"

/* Of one upstream, and its thread's. Zeroed at first. */
struct nm_patience {
	uint64_t chance; /* spreads the pauses */
};

/*
 * After so many tries, the one that ended so included, and so long. Eight retries; but
 * a server that is not there, or refuses whoever asks (NM_RETRY_UNREACHABLE with the
 * reply's headers), has taken nothing and may come back: that has no end. *pause_ms is
 * what a reply named, within bounds; untouched where it does not last.
 */
bool nm_patience_lasts(struct nm_patience *patience,
                       const struct nm_retry_event *event, int tries,
                       int64_t elapsed_ms, int64_t *pause_ms);

#endif
