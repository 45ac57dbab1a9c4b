/*
 * worker: takes batches through their states: checks, asks the model (or the
 * upstream) row by row, keeps answers as they come, ends with result files.
 * One a process; of several processes over one folder the one that holds
 * worker.lock works, the others try for it every 200 ms. Must not know HTTP.
 *
 * Calling sequence: open; wake, as often as anything changed; stop; close.
 */
#ifndef NM_SERVER_WORKER_H
#define NM_SERVER_WORKER_H

#include "server/call.h"

/* Starts the worker's threads. parts must outlive it. */
enum nm_code nm_worker_open(const struct nm_parts *parts,
                            struct nm_worker **worker, struct nm_err *err)
	NM_MUST_USE;

/* Something changed: a batch was made or cancelled, time moved. Any thread, until
 * close; it is heard until stop. */
void nm_worker_wake(struct nm_worker *worker);

/* Stops taking rows, keeps what was answered, frees the lock, ends the threads.
 * NULL is fine. */
void nm_worker_stop(struct nm_worker *worker);

/* After stop. NULL is fine. */
void nm_worker_close(struct nm_worker *worker);

#endif
