/*
 * pile: pieces added one after the other and read again, in any order, best in that
 * in which they were added. A file without a name holds them, so that nothing is
 * left lying about and little is held in memory. Knows bytes alone.
 *
 * Calling sequence: name a folder; add each piece; read, as soon as all were added;
 * release. A zeroed pile is empty.
 */
#ifndef NM_RUN_PILE_H
#define NM_RUN_PILE_H

#include "base/buf.h"

struct nm_pile {
	struct nm_buf folder;  /* where the file is made; "" = here */
	int           fd_plus_one;
	uint64_t      written; /* bytes in the file */
	struct nm_buf pending; /* those behind them */
	struct nm_buf window;  /* of the file, read ahead */
	uint64_t      window_from;
	uint64_t      read_to; /* where the last piece read ended */
};

/* Where the next piece will stand. */
uint64_t nm_pile_end(const struct nm_pile *pile);

/* Adds a piece, or several at once; writes when much is pending. NM_IO when it
 * cannot. */
enum nm_code nm_pile_add(struct nm_pile *pile, struct nm_text piece,
                         struct nm_err *err) NM_MUST_USE;

/* The piece, lent until the next call. NM_IO when it cannot be read. */
enum nm_code nm_pile_read(struct nm_pile *pile, uint64_t from, size_t len,
                          const char **bytes, struct nm_err *err)
	NM_MUST_USE;

void nm_pile_release(struct nm_pile *pile);

#endif
