/*
 * survey: see the header.
 */
#include "run/survey.h"

#include "run/trace.h"

static size_t
count_before(const struct nm_run *run, enum nm_shard_state state)
{
	size_t i, n = 0;

	for (i = 0; i < run->n_shards; i++)
		n += run->shards[i].state < state;
	return n;
}

/* Sending what that one had would pay for it once more. */
static enum nm_code
refuse(const struct nm_run *run, const char *stranger, struct nm_err *err)
{
	if (strcmp(run->record.mode, "file") == 0)
		return nm_fail(err, NM_STATE, 0, "the service has %s of run %s,"
		               " which the journal has lost: it is older than"
		               " what was sent; --download %s saves what that"
		               " brought, and --new sends all of it afresh",
		               stranger, run->record.id, stranger);
	return nm_fail(err, NM_STATE, 0, "the service has %s of run %s, which"
	               " the journal has lost: it is older than what was sent;"
	               " --batch-id %s with an empty NIGHTMAIL_STATE scores all"
	               " that was, and --new asks it afresh", stranger,
	               run->record.id, stranger);
}

static void
tell(const struct nm_run *run, size_t n, const char *what)
{
	if (n)
		nm_run_note(run, "the service has %zu of this run's %s that were"
		            " not known here: going on with %s", n, what,
		            n == 1 ? "it" : "them");
}

static enum nm_code
look(struct nm_run *run, struct nm_err *err)
{
	struct nm_trace met;
	enum nm_code rc = nm_trace_batches(run, run->shards, run->n_shards,
	                                   &met, err);

	tell(run, met.found, "batches");
	if (!rc && met.stranger)
		return refuse(run, met.stranger, err);
	if (rc || !count_before(run, NM_SHARD_UPLOADED))
		return rc;
	rc = nm_trace_files(run, run->shards, run->n_shards, &met, err);
	tell(run, met.found, "input files");
	return rc;
}

enum nm_code
nm_survey_take(struct nm_run *run, const struct nm_batch *batch,
               struct nm_err *err)
{
	struct nm_trace met;
	enum nm_code rc = nm_trace_batch(run, batch, &met, err);

	tell(run, met.found, "batches");
	return rc;
}

/* Did the service, or nobody, say so? */
static int
is_of_lists(enum nm_code rc)
{
	return rc == NM_UNREACHABLE || rc == NM_REFUSED || rc == NM_ABSENT ||
	       rc == NM_PROTOCOL || rc == NM_LIMIT;
}

enum nm_code
nm_survey(struct nm_run *run, int *again, struct nm_err *err)
{
	enum nm_code rc;

	*again = 0;
	if (run->origin == NM_RUN_NEW || run->surveyed == run->n_shards ||
	    !count_before(run, NM_SHARD_CREATED))
		return NM_OK;
	if (nm_setback_wait_ms(run, &run->submitting)) {
		*again = 1;
		return NM_OK;
	}
	rc = look(run, err);
	/* Where nothing ever answered, nothing can be sent either. */
	if (rc == NM_UNREACHABLE && !run->api->reached &&
	    nm_setback_bear(run, &run->submitting, rc, NULL, err) == NM_OK) {
		*again = 1;
		return NM_OK;
	}
	if (rc && !is_of_lists(rc))
		return rc;
	if (rc)
		nm_run_note(run, "what of this run is at the service already"
		            " cannot be seen: %s", err->text);
	else
		nm_setback_over(run, &run->submitting);
	run->surveyed = run->n_shards;
	return NM_OK;
}
