/*
 * visit: one request on its way through libmicrohttpd's callbacks, from its first
 * line to its answer. For listen only.
 */
#ifndef NM_SERVER_VISIT_H
#define NM_SERVER_VISIT_H

#include "server/hall.h"

/* The callbacks. ctx is the hall. */
void *nm_visit_uri(void *ctx, const char *uri, struct MHD_Connection *c);
enum MHD_Result nm_visit_go_on(void *ctx, struct MHD_Connection *c,
                               const char *url, const char *method,
                               const char *version, const char *bytes,
                               size_t *n_bytes, void **visit);
void nm_visit_end(void *ctx, struct MHD_Connection *c, void **visit,
                  enum MHD_RequestTerminationCode why);

#endif
