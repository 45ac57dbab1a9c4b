/*
 * seal: by which a row of the journal proves itself. Included by this room's sources
 * only. A disk that gives other bytes back than it was given leaves a database that
 * SQLite reads without a word: its own checks hold trees and indexes to each other, and
 * no value to anything.
 *
 * In statements, on the journal's connection alone (any other reads the tables all the
 * same):
 *
 *   seal(table, value, …)  64 bits of SipHash-2-4 over the values, their types and
 *                          lengths; no two rows of values are written down alike
 *   seals(seal)            an aggregate: those of many rows as one, in whatever order;
 *                          0 of none. One more or less makes it another
 *
 * They are written down: neither may ever come out otherwise than it does.
 */
#ifndef NM_STATE_SEAL_H
#define NM_STATE_SEAL_H

#include <sqlite3.h>

#include "base/err.h"

/* Makes both known to the connection; an SQLite code. */
int nm_seal_register(sqlite3 *db) NM_MUST_USE;

#endif
