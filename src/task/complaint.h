/*
 * complaint: what is wrong with questions and batches, told so that a person finds
 * the place.
 */
#ifndef NM_TASK_COMPLAINT_H
#define NM_TASK_COMPLAINT_H

#include "cli/message.h"
#include "run/quiz.h"
#include "run/run.h"

enum { NM_BAD_LINES_SHOWN = 10 };

/* Counts lines that are no questions; the first ones are shown. */
struct nm_bad_lines {
	struct nm_message *message;
	uint64_t           count;
};

/* For nm_quiz_wish.bad_line; context is a struct nm_bad_lines. err's text begins with
 * "path:line: ". */
void nm_complain_of_line(void *context, const struct nm_err *err,
                         const struct nm_dataset_spot *spot);

/* How many there were in all; nothing of none. */
void nm_complain_of_more(const struct nm_bad_lines *bad);

/* Where a run that was taken up has larger shards than settings ask for: they stay. */
void nm_complain_of_size(struct nm_message *message,
                         const struct nm_run *run);

/*
 * Of every batch from the run's shard `first` on (0, 1, …) that failed, expired or was
 * cancelled a line; of a failed one the first errors, each with its line and the
 * question on that line. Asks the service for them again, and makes do with the
 * journal's note when it does not answer.
 */
void nm_complain_of_batches(struct nm_message *message, struct nm_run *run,
                            struct nm_quiz *quiz, size_t first);

#endif
