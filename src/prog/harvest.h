/*
 * harvest: what --download gathers: the results of a batch, and of its run's other ones.
 * Must not know how the lines are put in order.
 *
 * Calling sequence: find_parts; gather and save them; tell.
 */
#ifndef NM_PROG_HARVEST_H
#define NM_PROG_HARVEST_H

#include "prog/manager.h"
#include "prog/outlet.h"
#include "run/batch_files.h"
#include "run/gathering.h"

/* One batch whose files are taken. Texts are in the arena. */
struct nm_harvest_part {
	const char *id;
	int64_t     attempt;
	const char *output_path; /* where it is on this machine; "" = it is not */
	const char *error_path;
};

struct nm_harvest {
	struct nm_manager    *manager;
	const char           *id;
	struct nm_outlet      outlet;
	struct nm_harvest_part          *parts;
	size_t                n_parts;
	struct nm_run_record  run;     /* id NULL = the journal knows none */
	const char           *run_id;  /* by the journal, else by the batch */
	const char           *requests; /* the run's own file; NULL = it has none,
	                                   or not as it was sent */
	size_t                brought; /* files of results */
	size_t                lost;    /* such as the service has no more */
	struct nm_batch_files files;
	struct nm_gathering   gathering;
	struct nm_arena       arena;
};

/* By the journal, else by what the service tells. Codes as nm_batch_sight and
 * nm_sisters_find. */
enum nm_code nm_harvest_find_parts(struct nm_harvest *harvest,
                                   struct nm_err *err) NM_MUST_USE;

/* Prints the ledger, as text or JSON; as talk where the lines are on standard
 * output. */
void nm_harvest_tell(const struct nm_harvest *harvest);

#endif
