/*
 * trouble: what holds rows or batches up and is mended by nobody but whoever runs
 * the server: told when it begins, when its kind changes and when it is over.
 * Knows kinds and words; must not know rows, jobs or calls.
 */
#ifndef NM_SERVER_TROUBLE_H
#define NM_SERVER_TROUBLE_H

#include "server/metrics.h"
#include "server/options.h"

/* How long none was seen before it is over: what comes and goes is not told at
 * every turn. */
enum { NM_TROUBLE_CALM_MS = 3000 };

/* Of one source, and its one thread's; sources have no kind in common. Zeroed but
 * for options and metrics: all is well. */
struct nm_trouble {
	const struct nm_server_options *options; /* who is told */
	struct nm_metrics   *metrics; /* shows what there is now */
	enum nm_trouble_kind told;  /* the last one; NONE = well */
	unsigned             known; /* bit 1 << kind: told since it was well */
	int64_t              told_ms; /* when `told` was seen last */
	int64_t              bad_ms;  /* when any was */
	int64_t              well_ms; /* when there was none */
};

/* Now there is some; words end without a full stop. now_ms is real, monotonic. */
void nm_trouble_note(struct nm_trouble *trouble, enum nm_trouble_kind kind,
                     int64_t now_ms, const char *words);

/* Now there is none. */
void nm_trouble_well(struct nm_trouble *trouble, int64_t now_ms);

/* To be called every now and then: tells that it is over, in those words. */
void nm_trouble_look(struct nm_trouble *trouble, int64_t now_ms,
                     const char *words);

#endif
