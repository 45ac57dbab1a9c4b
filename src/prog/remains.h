/*
 * remains: what a process that ends leaves at the service of its runs, by what it knows:
 * a person is told no more than that. Must not know what it says.
 */
#ifndef NM_PROG_REMAINS_H
#define NM_PROG_REMAINS_H

#include "run/run.h"

/* Batches. Zeroed: of no run yet. */
struct nm_remains {
	size_t created;  /* also those that have ended */
	size_t at_work;
	size_t doubtful; /* that may have been created */
	size_t waiting;  /* to be created, these among them */
};

void nm_remains_add(struct nm_remains *remains, const struct nm_run *run);

/* Is that batch of the run's at work? */
int nm_remains_at_work(const struct nm_run *run, const char *batch_id);

#endif
