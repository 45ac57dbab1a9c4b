/*
 * ledger: every request ends in exactly one class; what did not is counted beside.
 * Computed from rows alone, never from a batch's request_counts.
 *
 * Calling sequence: zero; add each request's row, or join ledgers of several threads in
 * order; sort; read its members; release. A ledger serves one thread.
 */
#ifndef NM_RUN_LEDGER_H
#define NM_RUN_LEDGER_H

#include "eval/row.h"

/* Rows that failed alike. Texts are in the ledger's arena. */
struct nm_reason {
	enum nm_class  class;
	int            status; /* 0 = none was told */
	struct nm_text code;   /* empty = none was told; may hold NULs */
	const char    *example; /* the first one's message, cut to a line */
	uint64_t       count;
};

enum { NM_LEDGER_REASONS_MAX = 256 }; /* that are told apart */

/* Zeroed is empty and ready. Invariant: the classes sum to the rows added. */
struct nm_ledger {
	uint64_t          asked;
	uint64_t          by_class[NM_N_CLASSES];
	uint64_t          unknown;   /* rows of ids never asked */
	uint64_t          duplicate; /* further rows of an id */
	uint64_t          malformed; /* lines that are no rows */
	struct nm_reason *reasons;   /* of rows that are not answered */
	size_t            n_reasons;
	struct nm_arena   arena;
};

/* One request's final row. */
void nm_ledger_add(struct nm_ledger *ledger, const struct nm_row *row);

/* Adds the other's requests and reasons, as if its rows had come after. */
void nm_ledger_join(struct nm_ledger *ledger, const struct nm_ledger *other);

/* Most frequent first. Reasons beyond the ceiling are one a class, without status and
 * code. */
void nm_ledger_sort(struct nm_ledger *ledger);

uint64_t nm_ledger_instrument_failures(const struct nm_ledger *ledger);
void nm_ledger_release(struct nm_ledger *ledger);

#endif
