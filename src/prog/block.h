/*
 * block: what a dry run prints: the batches' ids and the commands that go on.
 */
#ifndef NM_PROG_BLOCK_H
#define NM_PROG_BLOCK_H

#include "prog/job.h"

/* One block a job, in the guide's words and order. */
void nm_block_write(struct nm_job *jobs, size_t n_jobs, struct nm_buf *out);

/* {"dry_run": true, "runs": [{dataset, run, batches, resume, status}]} and '\n'. */
void nm_block_write_json(struct nm_job *jobs, size_t n_jobs,
                         struct nm_buf *out);

#endif
