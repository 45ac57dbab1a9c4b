/*
 * stop: the sequences at which a request wants its answer to end.
 * Knows a body's `stop` and the service's words; answers nothing.
 */
#ifndef NM_SERVER_STOP_H
#define NM_SERVER_STOP_H

#include "server/ask.h"
#include "server/verdict.h"

/* A text, or up to four. Of a response there is none. */
void nm_stop_judge(const struct nm_ask *ask, struct nm_verdict *verdict);

/* How much of a text stands before the first of them; all, where none is in it. */
size_t nm_stop_find(const struct nm_ask *ask, struct nm_text text);

#endif
