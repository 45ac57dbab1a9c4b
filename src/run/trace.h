/*
 * trace: what shards left at the service, found in its lists by their tags: input files
 * by name, batches by metadata. Must not know how often, or why, it is looked for.
 */
#ifndef NM_RUN_TRACE_H
#define NM_RUN_TRACE_H

#include "remote/files.h"
#include "run/run.h"

/* What a walk met. */
struct nm_trace {
	size_t      found;    /* shards */
	/* Of other shards a file has the name and another length, by an upload that was
	 * cut: these are PLANNED under another tag, which is saved and told. */
	size_t      misfits;
	/* A batch of the run that is no shard's, though it brought something or may: the
	 * journal has lost it. In the run's arena; NULL = none was met. */
	const char *stranger;
};

/*
 * One walk over the newest files (batches), as far back as one of the `n` shards may
 * have left something, until all is found. Shards without a file (a batch) that have one
 * there are UPLOADED (CREATED), which is saved. A long walk tells, from page to page, how
 * much it has seen. Codes as in remote/api.h, or of the journal; out is filled in every
 * case.
 */
enum nm_code nm_trace_files(struct nm_run *run, struct nm_shard_record *shards,
                            size_t n, struct nm_trace *out, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_trace_batches(struct nm_run *run,
                              struct nm_shard_record *shards, size_t n,
                              struct nm_trace *out, struct nm_err *err)
	NM_MUST_USE;

/* The same of one batch, without a walk. */
enum nm_code nm_trace_batch(struct nm_run *run, const struct nm_batch *batch,
                            struct nm_trace *out, struct nm_err *err)
	NM_MUST_USE;

/* The name a shard's input file has at the service; holds its tag. */
void nm_trace_name(const struct nm_run *run,
                   const struct nm_shard_record *shard, struct nm_buf *out);

/* The file (the batch) is the shard's: UPLOADED (CREATED), not saved yet. */
void nm_trace_take_file(struct nm_shard_record *shard,
                        const struct nm_remote_file *file);
void nm_trace_take_batch(struct nm_shard_record *shard,
                         const struct nm_batch *batch);

#endif
