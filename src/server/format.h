/*
 * format: the form that a request wants its answer in: response_format of chat,
 * text.format of responses. For params only.
 * Knows the service's refusals; must not know answers. Schemas are not judged.
 */
#ifndef NM_SERVER_FORMAT_H
#define NM_SERVER_FORMAT_H

#include "server/ask.h"
#include "server/verdict.h"

/* Sets the verdict where the format is none. */
void nm_format_judge(const struct nm_ask *ask, struct nm_verdict *verdict);

#endif
