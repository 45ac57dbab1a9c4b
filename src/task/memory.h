/*
 * memory: what journal or batch remember of a run's questions, beside what a person
 * says of them now. Must not know where it was remembered.
 */
#ifndef NM_TASK_MEMORY_H
#define NM_TASK_MEMORY_H

#include "cli/message.h"
#include "run/quiz.h"

/* Options that name a file go before what was remembered. */
void nm_memory_let_choose(struct nm_quiz_memory *memory,
                          const struct nm_quiz_wish *person);

/* NM_USAGE where a person's --limit is another than that of then; where it is not
 * remembered, it becomes it. */
enum nm_code nm_memory_check_limit(struct nm_quiz_memory *memory,
                                   const struct nm_quiz_wish *person,
                                   struct nm_err *err) NM_MUST_USE;

/* NM_USAGE where a prompt is named that is not the remembered one. */
enum nm_code nm_memory_check_prompt(const struct nm_quiz_memory *memory,
                                    const struct nm_quiz_wish *person,
                                    struct nm_err *err) NM_MUST_USE;

/*
 * Of a batch made elsewhere: what its requests were, so that what is missing can be
 * asked for. Where that cannot be known it is warned of, and memory->wish.model stays
 * NULL: NM_USAGE where a person named another prompt, errors of nm_prompt_load.
 */
enum nm_code nm_memory_learn(struct nm_quiz_memory *memory,
                             const struct nm_quiz_wish *person,
                             const char *batch_id, struct nm_message *message,
                             struct nm_err *err) NM_MUST_USE;

/* NM_INPUT where a quiz that was read is not what was sent. */
enum nm_code nm_memory_check_digest(const struct nm_quiz_memory *memory,
                                    struct nm_quiz *quiz, struct nm_err *err)
	NM_MUST_USE;

#endif
