/*
 * account: what is kept of a visit when it is over: its line in the log, and its share
 * of the counters.
 * Knows visits; must not know what any handler does.
 */
#ifndef NM_SERVER_ACCOUNT_H
#define NM_SERVER_ACCOUNT_H

#include "server/hall.h"

/* From here its time runs. */
void nm_visit_account_open(struct nm_visit *visit);

/* Once for a visit, before its answer is sent. status 0: it gets none. */
void nm_visit_account_close(struct nm_visit *visit, unsigned status,
                            uint64_t bytes_out);

#endif
