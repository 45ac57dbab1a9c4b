/*
 * prospect: what --submit is about to send, looked at as a whole before any of it is
 * recorded. Must not send.
 */
#ifndef NM_PROG_PROSPECT_H
#define NM_PROG_PROSPECT_H

#include "base/digest.h"
#include "prog/manager.h"

/* A file of the call. */
struct nm_prospect_file {
	const char *path;
	char        digest[NM_DIGEST_HEX_MAX]; /* when it was looked at; "" = it
	                                          was not */
};

/*
 * Digests what it looks at, since that is read again later; a single file without a
 * ceiling is looked at soon enough when it is recorded. NM_INPUT where one of several
 * files has a fault, NM_USAGE where they may cost more than --max-cost, or one of several
 * is under way by another name. *since_ms = when the first of those of their runs began
 * that are unfinished: those that are done and ended no earlier belong to the same call;
 * 0 = there is none, or all begin afresh.
 */
enum nm_code nm_prospect_look(struct nm_manager *manager,
                              struct nm_prospect_file *files, size_t n,
                              int64_t *since_ms, struct nm_err *err)
	NM_MUST_USE;

#endif
