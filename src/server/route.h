/*
 * route: from method and path to the handler's row. Must not know what a handler does.
 */
#ifndef NM_SERVER_ROUTE_H
#define NM_SERVER_ROUTE_H

#include "server/call.h"

enum nm_match { NM_MATCH_NONE, NM_MATCH_METHOD, NM_MATCH_PATH };

/*
 * Looks through all tables. NM_MATCH_METHOD: *route is set, and *id (what stands
 * for {id} or {all}, lent from path; empty when the route has none). NM_MATCH_PATH: the
 * path is served, by another method.
 */
enum nm_match nm_route_find(const char *method, struct nm_text path,
                            const struct nm_route **route,
                            struct nm_text *id);

/* Appends the methods by which the path is served, as Allow has them. */
void nm_route_methods(struct nm_text path, struct nm_buf *out);

#endif
