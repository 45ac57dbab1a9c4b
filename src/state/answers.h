/*
 * answers: replies of direct mode, kept as they come.
 */
#ifndef NM_STATE_ANSWERS_H
#define NM_STATE_ANSWERS_H

#include "state/journal.h"

struct nm_answer_record {
	int64_t        ordinal; /* of the run's source */
	int64_t        attempt; /* 1, 2, … */
	struct nm_text row;     /* one line as a result file has it, without '\n' */
};

/*
 * Adds one; durable only with the commit of the caller's transaction, so that many
 * share one sync. A second one for the same ordinal and attempt replaces it.
 */
enum nm_code nm_answers_keep(struct nm_journal *journal, const char *run,
                            const struct nm_answer_record *answer,
                            struct nm_err *err) NM_MUST_USE;

/* Removes one, if it is there: its request is asked again. Durable as above. */
enum nm_code nm_answers_forget(struct nm_journal *journal, const char *run,
                              int64_t attempt, int64_t ordinal,
                              struct nm_err *err) NM_MUST_USE;

/*
 * Calls visit for each answer in order of attempt, then ordinal; the record is lent
 * for the call. Another return of visit than NM_OK ends the walk with it. What was
 * visited is all there is, and as it was written, if the walk ends with NM_OK; it ends
 * with NM_STATE where something is damaged, or away.
 */
enum nm_code nm_answers_walk(
	struct nm_journal *journal, const char *run,
	enum nm_code (*visit)(void *context,
                              const struct nm_answer_record *answer,
                              struct nm_err *err),
	void *context, struct nm_err *err) NM_MUST_USE;

#endif
