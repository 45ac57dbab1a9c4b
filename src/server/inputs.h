/*
 * inputs: what is to be embedded, and in which form its vectors are wanted, judged as
 * the service does. Makes no vectors (see shape).
 */
#ifndef NM_SERVER_INPUTS_H
#define NM_SERVER_INPUTS_H

#include "server/ask.h"
#include "server/verdict.h"

enum { NM_INPUTS_MAX_DIMENSIONS = 3072 };

/* Of a body for embeddings, whose input is a text or an array; of any other nothing. */
void nm_inputs_judge(const struct nm_ask *ask, struct nm_verdict *verdict);

#endif
