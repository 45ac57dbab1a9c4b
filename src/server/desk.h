/*
 * desk: what one worker works with, lent to each job in turn.
 * Holds things; does nothing.
 */
#ifndef NM_SERVER_DESK_H
#define NM_SERVER_DESK_H

#include "server/ask.h"
#include "server/call.h"
#include "server/rows.h"
#include "server/shelf.h"
#include "server/verdict.h"

/* Zeroed but for parts. */
struct nm_desk {
	const struct nm_parts *parts;
	struct nm_rows         rows;
	struct nm_shelf        shelf;
	struct nm_ask          ask;
	struct nm_verdict      verdict;
	struct nm_buf          scratch, line;
	unsigned               n_reading; /* jobs that read their input to check it */
};

void nm_desk_release(struct nm_desk *desk);

#endif
