/*
 * members: a set of ordinals in rising order, as few bytes: each gap to the one
 * before as a varint (7 bits a byte, low bits first, high bit = more follow).
 * A million neighbours take one byte each. Pure.
 */
#ifndef NM_RUN_MEMBERS_H
#define NM_RUN_MEMBERS_H

#include "base/buf.h"

/* Zeroed is an empty set. Ordinals must be added in rising order. */
struct nm_members {
	struct nm_buf bytes;
	int64_t       next;  /* the smallest ordinal that may be added */
	int64_t       count;
};

void nm_members_add(struct nm_members *members, int64_t ordinal);
void nm_members_clear(struct nm_members *members);
void nm_members_release(struct nm_members *members);

/*
 * Walks a set: `count` ordinals from `first` when bytes is empty, else those that
 * bytes names. Bytes are borrowed.
 */
struct nm_members_walk {
	struct nm_text bytes;
	size_t         at;
	int64_t        next;
	int64_t        left;
};

void nm_members_walk_init(struct nm_members_walk *walk, int64_t first,
                          int64_t count, struct nm_text bytes);

/* The next ordinal, or -1 at the end (also of bytes that are cut short). */
int64_t nm_members_walk_next(struct nm_members_walk *walk);

#endif
