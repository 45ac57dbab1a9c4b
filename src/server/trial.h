/*
 * trial: the validation of one batch: its input file, found and checked in
 * slices, then what a script has in store for it, and at last the quotas.
 * Knows the check and the store; must not know a batch's states.
 */
#ifndef NM_SERVER_TRIAL_H
#define NM_SERVER_TRIAL_H

#include "server/check.h"

struct nm_batch_fault;
struct nm_desk;
struct nm_stored_batch;

enum nm_trial_stage {
	NM_TRIAL_NEW, NM_TRIAL_READING, NM_TRIAL_DONE
};

/* Zeroed is new. After NM_TRIAL_DONE check holds only the verdict's numbers. */
struct nm_trial {
	enum nm_trial_stage stage;
	int                 fd_plus_one;
	struct nm_check     check;
	struct nm_buf       errors;  /* as JSON; empty = it may go on */
	struct nm_buf       model;   /* the batch's model, as replies will name it */
	char                asked_model[NM_CHECK_MODEL_MAX]; /* as requests do */
	int64_t             requests, tokens;
};

/* Reads on for a while; done when stage says so. NM_IO when reading fails. */
enum nm_code nm_trial_step(struct nm_trial *trial,
                           const struct nm_stored_batch *batch,
                           struct nm_desk *desk,
                           const struct nm_batch_fault *fault,
                           struct nm_err *err) NM_MUST_USE;

/*
 * Weighs a batch that is done with its check against the quotas, as of now: to be
 * followed by its first row, or other batches would be weighed without it. There are
 * errors then where it has no room.
 */
enum nm_code nm_trial_weigh(struct nm_trial *trial, const char *tenant,
                            struct nm_desk *desk,
                            const struct nm_batch_fault *fault,
                            struct nm_err *err) NM_MUST_USE;

/* The input went after all: its errors become the one that says so. */
void nm_trial_lose_input(struct nm_trial *trial, const char *file_id);

void nm_trial_release(struct nm_trial *trial);

#endif
