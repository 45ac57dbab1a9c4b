/*
 * census: what a batch's shelf holds: whose lines, and what they come to.
 * Knows lines and books; must not know jobs, or who wrote the lines.
 */
#ifndef NM_SERVER_CENSUS_H
#define NM_SERVER_CENSUS_H

#include "server/store.h"

struct nm_map;

/*
 * Reads both sides. Adds the custom_id of each line to answered, and to the zeroed
 * counts and tokens of books what its row came to: a second line of a row, and what
 * is no row's, for nothing. The bytes of books are those of whole lines: what an
 * unended last one has is behind them. by_id is set where there are any. A side that is
 * not there is empty; NM_IO for one that cannot be read.
 */
enum nm_code nm_census_take(struct nm_store *store, const char *id,
                            struct nm_map *answered,
                            struct nm_batch_books *books,
                            struct nm_err *err) NM_MUST_USE;

#endif
