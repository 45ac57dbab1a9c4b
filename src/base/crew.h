/*
 * crew: pieces of work that are done side by side and come back in the order in
 * which they were given. Knows nothing of the work.
 *
 * The pieces stand in a ring. The caller's thread is a hand too: what it has to wait
 * for and nobody has begun, it does itself. So a crew of one hand is no thread at
 * all, and whatever the number of hands, the same comes of the same pieces.
 *
 * Calling sequence: open; then, as long as there is work, turn (take from the piece
 * what came of it, put new work in) and give; then rest until it says NULL, after which
 * there may be more to give; close.
 */
#ifndef NM_BASE_CREW_H
#define NM_BASE_CREW_H

#include <stddef.h>

struct nm_crew;

struct nm_crew_options {
	size_t piece_bytes; /* pieces are zeroed when the crew is opened */
	/* Does a piece that was given. It is one thread's at a time, and touches
	 * nothing else that changes. */
	void (*work)(void *piece);
	/* Frees what a piece holds, at the end. */
	void (*release)(void *piece);
	int hands; /* threads, the caller's included; 0 = one a processor, up to
	            * NM_CREW_HANDS_MAX */
	int in_turn; /* 1 = one after the other, as they are given: each works on
	              * with what the one before it left, beside the caller */
};

enum { NM_CREW_HANDS_MAX = 8 };

/* Never fails: where no thread is to be had there are fewer hands. */
struct nm_crew *nm_crew_open(const struct nm_crew_options *options);

/* The next piece of the ring, lent until it is given (and lent again if it is not);
 * waits for it where it is at work. It is zeroed, or as its last work left it. */
void *nm_crew_turn(struct nm_crew *crew);

/* What turn lent last is to be worked on. */
void nm_crew_give(struct nm_crew *crew);

/* While there is nothing to give: the next piece that turn has not handed back, when
 * it is done; NULL when there is none. */
void *nm_crew_rest(struct nm_crew *crew);

/* Ends what is at work and drops what is not begun. NULL is fine. */
void nm_crew_close(struct nm_crew *crew);

#endif
