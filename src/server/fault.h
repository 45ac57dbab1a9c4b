/*
 * fault: what a script does to one call.
 * Knows what can be spoilt; must not know rules, or when they fit.
 */
#ifndef NM_SERVER_FAULT_H
#define NM_SERVER_FAULT_H

#include "base/buf.h"

enum nm_fault_loss {
	NM_LOSE_NOTHING,
	NM_LOSE_CALL,   /* the connection ends, nothing was done */
	NM_LOSE_REPLY   /* it was done, and the connection ends without a reply */
};

/* All zero: nothing. Texts live in the arena given. */
struct nm_fault {
	const char  *rule;           /* for the log: the rules' own texts, parted
	                                by "; " */
	int64_t      delay_ms;       /* real time, before anything is done */
	unsigned     status;         /* not 0: this instead of the handler's */
	bool         acts;           /* the handler acts first all the same */
	const char  *const *headers; /* name, value, …, NULL; may be NULL; also on
	                                the handler's own answer */
	const char  *body;           /* NULL = an envelope fit for the status */
	enum nm_fault_loss loss;
	bool         cut;            /* the connection ends after cut_bytes */
	uint64_t     cut_bytes;      /* of the answer's body */
	int64_t      trickle_bytes_per_s; /* 0 = as fast as it goes; real time */
	int64_t      stale_s;        /* files and batches younger are unseen */
	uint64_t     pad_bytes;      /* of a file's content: so much too long */
	bool         no_ranges;      /* Range is not heeded, nor offered */
	bool         empty_ids;      /* "" instead of null file ids */
	const char  *counts;         /* request_counts as JSON, instead of the true */
};

#endif
