/*
 * chat: the endpoints that answer at once: chat completions, responses,
 * embeddings, legacy completions. The same judge and model as for a batch's rows.
 * Routes: nm_chat_routes of call.h.
 */
#ifndef NM_SERVER_CHAT_H
#define NM_SERVER_CHAT_H

#include "server/call.h"

enum { NM_CHAT_BODY_MAX_BYTES = 32 << 20 };

#endif
