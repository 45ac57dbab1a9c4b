/*
 * batch_object: a batch as the API shows it.
 * Knows the store's batches and what a script does to their object; must not know
 * calls.
 */
#ifndef NM_SERVER_BATCH_OBJECT_H
#define NM_SERVER_BATCH_OBJECT_H

#include "server/fault.h"
#include "server/store.h"
#include "wire/json.h"

/* Writes the Batch object as one value, as the service was seen to write it in 2026:
 * every member is there. */
void nm_batch_object(struct nm_json_writer *w,
                     const struct nm_stored_batch *batch,
                     const struct nm_fault *fault);

#endif
