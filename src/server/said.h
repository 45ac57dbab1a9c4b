/*
 * said: what a model said in one choice, before it has a shape.
 */
#ifndef NM_SERVER_SAID_H
#define NM_SERVER_SAID_H

#include "base/buf.h"

/* Texts are lent by the buffer that nm_model_say wrote to. */
struct nm_said {
	struct nm_text content;     /* at NULL = null */
	struct nm_text refusal;     /* at NULL = null */
	bool           preamble;    /* a message of its own comes first */
	const char    *finish;      /* "stop", "length", "content_filter" */
	int64_t        output_tokens, reasoning_tokens;
};

#endif
