/*
 * model: the simulated model: deterministic answers from a hash of the prompt and
 * a seed, and from answer keys where there are any.
 * Knows prompts and keys; must not know batches or HTTP.
 */
#ifndef NM_SERVER_MODEL_H
#define NM_SERVER_MODEL_H

#include "base/buf.h"

struct nm_model;

/* keys_dir: the folder of answer-key files, each in a dataset's own form. A key
 * that is added while the model is open is found by nm_model_refresh. */
enum nm_code nm_model_open(const char *keys_dir, uint64_t seed,
                           struct nm_model **model, struct nm_err *err)
	NM_MUST_USE;
enum nm_code nm_model_refresh(struct nm_model *model, struct nm_err *err)
	NM_MUST_USE;
void nm_model_close(struct nm_model *model);

#endif
