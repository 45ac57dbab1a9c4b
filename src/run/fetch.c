/*
 * fetch: see the header.
 */
#include "run/fetch.h"

#include <errno.h>
#include <unistd.h>

#include "base/path.h"
#include "run/delivery.h"

enum { PAUSE_FIRST_MS = 500 };

/* A file may be named before it is seen; taking it for gone costs its rows. */
static enum nm_code
download(struct nm_run *run, const char *id, const char *path,
         struct nm_err *err)
{
	int64_t end_ms = nm_clock_mono_ms(run->clock) +
	                 run->settings.patience_ms;
	int64_t pause_ms = PAUSE_FIRST_MS;
	struct nm_err stopped;
	enum nm_code rc;

	for (;;) {
		rc = nm_delivery_take(run->api, id, path, err);
		if (rc != NM_ABSENT || nm_clock_mono_ms(run->clock) >= end_ms)
			return rc;
		if (pause_ms == PAUSE_FIRST_MS)
			nm_run_note(run, "%s is not there yet: looking again",
			            id);
		rc = nm_run_pause(run, pause_ms, &stopped);
		if (rc) {
			*err = stopped;
			return rc;
		}
		pause_ms *= 2;
	}
}

/* What was here before is no row that the service lost: asking again would pay twice. */
static enum nm_code
miss(const struct nm_run *run, const struct nm_shard_record *shard,
     const char *id, const char *kind, const char *had, struct nm_err *err)
{
	if (had[0])
		return nm_fail(err, NM_INPUT, 0, "%s was here and is gone, and"
		               " the service has %s no more: bring it back, or"
		               " ask afresh, by --new", had, id);
	nm_run_warn(run, "the %s file %s of %s is gone: its rows are missing",
	            kind, id, shard->batch_id);
	return NM_OK;
}

/* *path is where it was, if ever; it becomes "" when there is nothing to bring. */
static enum nm_code
bring(struct nm_run *run, const struct nm_shard_record *shard, const char *id,
      const char *kind, const char **path, struct nm_err *err)
{
	const char *had = *path;
	struct nm_buf name = { 0 };
	enum nm_code rc = NM_OK;

	*path = "";
	if (!id[0])
		return NM_OK;
	nm_buf_addf(&name, "%s/", nm_buf_string(&run->folder));
	nm_path_add_safe(&name, nm_text_of(shard->batch_id));
	nm_buf_addf(&name, "_%s.jsonl", kind);
	rc = download(run, id, nm_buf_string(&name), err);
	if (!rc)
		*path = nm_arena_string(&run->arena, nm_buf_string(&name));
	if (rc == NM_ABSENT)
		rc = miss(run, shard, id, kind, had, err);
	nm_buf_release(&name);
	return rc ? nm_while(err, "fetching the %s file of %s", kind,
	                     shard->batch_id) : NM_OK;
}

/* Parts are kept: the next try goes on where this one ended. */
static enum nm_code
bear(struct nm_run *run, const struct nm_shard_record *shard, enum nm_code rc,
     struct nm_err *err)
{
	struct nm_setback_terms terms = { .silence = NM_SETBACK_OWN };

	/* A file whose length is not what is announced will hardly change. */
	if (rc == NM_PROTOCOL)
		terms.limit_ms = run->settings.patience_ms;
	return nm_setback_bear(run, nm_setback_of(run, shard), rc, &terms,
	                       err);
}

enum nm_code
nm_fetch_step(struct nm_run *run, struct nm_shard_record *shard,
              struct nm_err *err)
{
	const char *output = shard->output_path, *errors = shard->error_path;
	enum nm_code rc;

	rc = bring(run, shard, shard->output_file_id, "output", &output, err);
	if (!rc)
		rc = bring(run, shard, shard->error_file_id, "error", &errors,
		           err);
	if (rc)
		return bear(run, shard, rc, err);
	nm_setback_over(run, nm_setback_of(run, shard));
	shard->output_path = output;
	shard->error_path = errors;
	shard->state = NM_SHARD_COLLECTED;
	return nm_run_save(run, shard, err);
}

static int
is_gone(const char *path)
{
	return path[0] && access(path, F_OK) && errno == ENOENT;
}

void
nm_fetch_miss(struct nm_run *run)
{
	size_t i;

	for (i = 0; i < run->n_shards; i++) {
		struct nm_shard_record *shard = &run->shards[i];

		if (shard->state == NM_SHARD_COLLECTED &&
		    (is_gone(shard->output_path) || is_gone(shard->error_path)))
			shard->state = NM_SHARD_ENDED;
	}
}
