/*
 * params: a request body judged as the endpoint itself would, for what the batch's
 * validation leaves to each row and for synchronous calls alike.
 * Knows the service's refusals and their texts; answers nothing.
 */
#ifndef NM_SERVER_PARAMS_H
#define NM_SERVER_PARAMS_H

#include "server/ask.h"
#include "server/verdict.h"

/* Judges what `ask` read. models: the models there are ("a,b,c"), NULL = any. */
void nm_params_judge(const struct nm_ask *ask, const char *models,
                     struct nm_verdict *verdict);

/* The model alone: that one is named, and that it is there. */
bool nm_params_judge_model(const struct nm_ask *ask, const char *models,
                           struct nm_verdict *verdict);

#endif
