/*
 * pouch: answers that came and are not durable yet: in a transaction that many share,
 * and in memory until it is committed, so that a full disk loses none.
 * Must not know requests, or when to commit.
 */
#ifndef NM_RUN_POUCH_H
#define NM_RUN_POUCH_H

#include "run/run.h"

struct nm_pouch_entry;

/* Zeroed is empty. */
struct nm_pouch {
	struct nm_buf          rows;    /* one after another */
	struct nm_pouch_entry *entries;
	size_t                 count;
	size_t                 room;
	int                    begun;   /* a transaction has all of them */
};

/* The row is copied. What the journal does not take now it is offered again by
 * nm_pouch_commit. */
void nm_pouch_add(struct nm_pouch *pouch, struct nm_run *run, int64_t attempt,
                  int64_t ordinal, struct nm_text row);

/* Makes them durable and empties the pouch; on failure it keeps them all. */
enum nm_code nm_pouch_commit(struct nm_pouch *pouch, struct nm_run *run,
                             struct nm_err *err) NM_MUST_USE;

void nm_pouch_release(struct nm_pouch *pouch);

#endif
