/*
 * tools: what a chat may call, judged as the service does. The simulated model calls
 * none of them.
 */
#ifndef NM_SERVER_TOOLS_H
#define NM_SERVER_TOOLS_H

#include "server/ask.h"
#include "server/verdict.h"

/* `tools` and `tool_choice` of a chat; of the other endpoints nothing. */
void nm_tools_judge(const struct nm_ask *ask, struct nm_verdict *verdict);

#endif
