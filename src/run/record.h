/*
 * record: what the journal will say of a new run, and by which key it is found again.
 */
#ifndef NM_RUN_RECORD_H
#define NM_RUN_RECORD_H

#include "run/run.h"

/* By which a run that is the same is found, in the run's arena: an older program's, where
 * the journal has the run by an address of another form, or by the size of its shards. */
const char *nm_record_key(struct nm_run *run, const struct nm_run_wish *wish);

/* Fills run->record, in the run's arena, from the wish, the source and the account; its
 * id is drawn. Writes nothing. */
void nm_record_make(struct nm_run *run, const struct nm_run_wish *wish);

#endif
