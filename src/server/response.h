/*
 * response: the answer on its way out: its headers, and its body, whole, cut short, or
 * drop by drop.
 * Knows answers and what a fault does to them; must not know who answered.
 */
#ifndef NM_SERVER_RESPONSE_H
#define NM_SERVER_RESPONSE_H

#include "server/hall.h"

/* The answer as libmicrohttpd wants it, with what the fault does to its body;
 * takes the answer's memory and file. */
struct MHD_Response *nm_response_make(struct nm_visit *visit);

/* The bytes of its body that are to go out, before it is made: cut or padded. */
uint64_t nm_response_bytes(const struct nm_visit *visit);

/* The headers that every answer has, the answer's own, and the script's; of the
 * same name, the script's stands. */
void nm_response_add_headers(struct nm_visit *visit,
                             struct MHD_Response *response);

#endif
