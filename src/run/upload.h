/*
 * upload: a shard's lines on their way to the service, exactly once.
 * Must not know what the lines ask.
 */
#ifndef NM_RUN_UPLOAD_H
#define NM_RUN_UPLOAD_H

#include "run/run.h"

/*
 * Brings a shard from PLANNED to UPLOADED: the intent first, then the lines, streamed
 * from the source. One that is UPLOADING may have its file already: its tag is looked
 * for, and it is UPLOADED, or PLANNED where there is none (which the journal need not
 * know).
 * NM_OK       UPLOADED, or PLANNED after a look
 * NM_AMBIGUOUS  the reply was lost: the next call looks
 * NM_UNREACHABLE  not sent, or refused for the moment or by a conflict: the next call
 *             looks, when nm_look_wait_ms is over
 * else        as remote/api.h has it; the shard stays where it can be taken up
 */
enum nm_code nm_upload_step(struct nm_run *run, struct nm_shard_record *shard,
                            struct nm_err *err) NM_MUST_USE;

/* Creations refused since a file is not seen (yet) before it is taken for gone. */
enum { NM_UPLOAD_UNSEEN_MAX = 4 };

/* As if it had never been sent: PLANNED under a new tag, as one durable step. */
enum nm_code nm_upload_anew(struct nm_run *run, struct nm_shard_record *shard,
                            struct nm_err *err) NM_MUST_USE;

/*
 * The service has the file no more: brings a shard without a batch from UPLOADED or
 * CREATED back to PLANNED, under a new tag, as one durable step. Once for a shard:
 * NM_REFUSED, err as it was, where that was done before.
 */
enum nm_code nm_upload_again(struct nm_run *run, struct nm_shard_record *shard,
                             struct nm_err *err) NM_MUST_USE;

#endif
