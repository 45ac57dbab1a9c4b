/*
 * stranger: a result line under an id that nobody asked, as a script may want it:
 * its ids, made of those of the row whose answer it bears, and known again by them.
 * Knows ids; must not know books or files.
 */
#ifndef NM_SERVER_STRANGER_H
#define NM_SERVER_STRANGER_H

#include "server/result.h"
#include "server/script.h"
#include "wire/json.h"

/* The head of such a line: NM_ROW_RENAMED's, in the place of the row's own, or
 * NM_ROW_UNKNOWN's, beside it. *id is written anew, and lent to the head. */
struct nm_result_head nm_stranger_head(const struct nm_result_head *row,
                                       enum nm_row_class class,
                                       struct nm_buf *id);

/* Does a line stand beside a row's own? It is no row then. */
bool nm_stranger_is_extra(const struct nm_value *line);

#endif
