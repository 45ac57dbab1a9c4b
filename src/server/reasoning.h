/*
 * reasoning: models that think before they answer, and what they refuse for it.
 * Knows their names and the service's words; answers nothing.
 */
#ifndef NM_SERVER_REASONING_H
#define NM_SERVER_REASONING_H

#include "server/ask.h"
#include "server/verdict.h"

/* Whether a model thinks before it answers: its name begins with o1, o3, o4 or
 * gpt-5 and later. */
bool nm_reasoning_is_of(struct nm_text model);

/* The effort asked for, and what is not to be asked of such a model. */
void nm_reasoning_judge(const struct nm_ask *ask, struct nm_verdict *verdict);

#endif
