/*
 * neighbours: runs of this machine that were made by other accounts than the one at
 * hand, told so that a person finds the way to them. Must not know what they are
 * wanted for.
 */
#ifndef NM_PROG_NEIGHBOURS_H
#define NM_PROG_NEIGHBOURS_H

#include "cli/message.h"
#include "remote/account.h"

/* Zeroed: none. */
struct nm_neighbours {
	size_t        runs;
	size_t        n_places;
	struct nm_buf places; /* each once, with what reaches it; a line each */
};

/* identity: the run's, as the journal has it; not the account's own. */
void nm_neighbours_add(struct nm_neighbours *neighbours,
                       const struct nm_account *account,
                       const char *identity);

/* One line that says how many there are, of which service and, never by a key, how it
 * is reached; nothing where there are none. */
void nm_neighbours_tell(const struct nm_neighbours *neighbours,
                        struct nm_message *message);

void nm_neighbours_release(struct nm_neighbours *neighbours);

#endif
