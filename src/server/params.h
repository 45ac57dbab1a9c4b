/*
 * params: a request body judged as the endpoint itself would, for what the batch's
 * validation leaves to each row and for synchronous calls alike.
 * Knows the service's refusals and their texts; answers nothing.
 */
#ifndef NM_SERVER_PARAMS_H
#define NM_SERVER_PARAMS_H

#include "server/ask.h"

/*
 * What is wrong with a body, as it stands in {"error":{message,type,param,code}}.
 * Invariant: status 0 means that nothing is. Zeroed is ready, and may be used
 * again and again.
 */
struct nm_verdict {
	unsigned      status;
	const char   *code;      /* may be NULL */
	char          param[64]; /* empty means null */
	struct nm_buf message;
};

/* Judges what `ask` read. models: the models there are ("a,b,c"), NULL = any. */
void nm_params_judge(const struct nm_ask *ask, const char *models,
                     struct nm_verdict *verdict);

/* The model alone: that one is named, and that it is there. */
bool nm_params_judge_model(const struct nm_ask *ask, const char *models,
                           struct nm_verdict *verdict);

/* Whether a model thinks before it answers: its name begins with o1, o3, o4 or
 * gpt-5 and later. */
bool nm_params_reasons(struct nm_text model);

/* param and code may be NULL. */
void nm_verdict_set(struct nm_verdict *verdict, unsigned status,
                    const char *param, const char *code,
                    const char *format, ...) NM_PRINTF(5, 6);

/* Appends the envelope. */
void nm_verdict_write(const struct nm_verdict *verdict, struct nm_buf *out);

void nm_verdict_release(struct nm_verdict *verdict);

#endif
