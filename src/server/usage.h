/*
 * usage: the tokens of one reply.
 * Knows a reply's body; must not know who wrote it.
 */
#ifndef NM_SERVER_USAGE_H
#define NM_SERVER_USAGE_H

#include "wire/json.h"

/* cached_tokens are some of input_tokens, reasoning_tokens of output_tokens. */
struct nm_usage {
	int64_t input_tokens, cached_tokens, output_tokens, reasoning_tokens;
};

/* From a reply's body, in input/output or prompt/completion naming. What is absent
 * or negative is 0, and none is beyond 10^9. */
void nm_usage_read(const struct nm_value *body, struct nm_usage *usage);

#endif
