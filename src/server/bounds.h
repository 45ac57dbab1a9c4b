/*
 * bounds: what single members of a request body may hold: numbers within their bounds,
 * flags, one of several words. Of members that hang together params knows.
 */
#ifndef NM_SERVER_BOUNDS_H
#define NM_SERVER_BOUNDS_H

#include "server/ask.h"
#include "server/verdict.h"

/* The first that is out of them. */
void nm_bounds_judge(const struct nm_ask *ask, struct nm_verdict *verdict);

#endif
