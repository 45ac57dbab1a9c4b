/*
 * query: the part of a URL after '?', and percent signs anywhere in one.
 * Knows bytes only; what a name means is the handler's.
 */
#ifndef NM_SERVER_QUERY_H
#define NM_SERVER_QUERY_H

#include "base/arena.h"
#include "base/buf.h"

/*
 * The value of the first such name, decoded ('+' is a space) into arena; false
 * when there is none. Names are compared decoded.
 */
bool nm_query_find(struct nm_text query, const char *name,
                   struct nm_arena *arena, struct nm_text *value);

/*
 * A whole number of the query into *number. NM_ABSENT when there is none of that
 * name, NM_INPUT when it is no whole number.
 */
enum nm_code nm_query_int(struct nm_text query, const char *name,
                          int64_t *number, struct nm_err *err) NM_MUST_USE;

/* Percent signs undone, into arena; a '%' without two hex digits stays. */
struct nm_text nm_query_decode(struct nm_text text, struct nm_arena *arena);

/* Reads a whole decimal number, '-' allowed; false for anything else. */
bool nm_query_number(struct nm_text text, int64_t *number);

#endif
