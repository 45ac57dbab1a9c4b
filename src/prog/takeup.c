/*
 * takeup: a batch's run, found again by the batch's id: in this machine's journal,
 * else from what the batch itself tells.
 */
#include "prog/job.h"

#include "cli/option.h"

/* Later attempts follow the first within days. */
enum { SISTERS_WITHIN_S = 7 * 86400, BATCH_ID_MAX_BYTES = 256 };

/* What was asked, and whether more can be sent for it. */
static enum nm_code
check_digest(const struct nm_job *job, const struct nm_quiz_memory *memory,
             struct nm_err *err)
{
	const struct nm_source *source = nm_quiz_source(job->quiz);

	if (memory->digest && memory->digest[0] &&
	    strcmp(memory->digest, source->digest) != 0)
		return nm_fail(err, NM_INPUT, 0,
			"%s no longer holds the questions that were sent"
			" (digest %.12s then, %.12s now): bring the old file"
			" back, or name it by --data-dir or --datasets",
			nm_quiz_path(job->quiz), memory->digest,
			source->digest);
	if (memory->questions >= 0 && memory->questions != source->count)
		return nm_fail(err, NM_INPUT, 0,
			"%s gives %lld questions, but %lld were sent: it is"
			" not the file that the batch was made from",
			nm_quiz_path(job->quiz), (long long)source->count,
			(long long)memory->questions);
	return NM_OK;
}

/* Options that name a file go before what was remembered. */
static void
let_person_choose(const struct nm_quiz_wish *person,
                  struct nm_quiz_memory *memory)
{
	memory->wish.data_dir = person->data_dir;
	if (!person->typed)
		return;
	memory->wish.typed = person->typed;
	memory->wish.path = NULL;
}

/* Repeating what was asked then is fine; asking for something else is not. */
static enum nm_code
check_limit(const struct nm_quiz_wish *person, struct nm_quiz_memory *memory,
            struct nm_err *err)
{
	if (!person->limit || person->limit == memory->wish.limit ||
	    person->limit == memory->questions)
		return NM_OK;
	if (!memory->wish.limit && memory->questions < 0) {
		memory->wish.limit = person->limit;
		return NM_OK;
	}
	return nm_fail(err, NM_USAGE, 0,
		"--limit %lld is not what the batch was made with (%lld"
		" questions): leave it out", (long long)person->limit,
		(long long)memory->questions);
}

static enum nm_code
take_from_journal(struct nm_job *job, const struct nm_job_tools *tools,
                  const struct nm_run_record *record,
                  const struct nm_quiz_wish *person, struct nm_err *err)
{
	struct nm_run_tools run_tools;
	struct nm_quiz_memory memory;
	struct nm_arena arena = { 0 };
	enum nm_code rc;

	rc = nm_quiz_recall(record->spec, &arena, &memory, err);
	if (rc)
		goto done;
	let_person_choose(person, &memory);
	rc = check_limit(person, &memory, err);
	if (!rc)
		rc = nm_job_read(job, tools, &memory.wish, err);
	if (!rc)
		rc = check_digest(job, &memory, err);
	if (rc)
		goto done;
	job->scoring_only = !memory.wish.model;
	run_tools = nm_job_run_tools(job);
	rc = nm_run_resume(&job->run, &run_tools, record->id,
	                   nm_quiz_source(job->quiz), err);
done:
	nm_arena_release(&arena);
	return rc;
}

static enum nm_code
ask_for_dataset(const struct nm_batch *batch, struct nm_err *err)
{
	const char *description = nm_batch_metadata(batch, "description");

	return nm_fail(err, NM_USAGE, 0,
		"which dataset %s was made from cannot be told (its"
		" description is '%.80s'): name it by --datasets", batch->id,
		description);
}

static enum nm_code
locate(struct nm_quiz_memory *memory, const struct nm_quiz_wish *person,
       const struct nm_batch *batch, struct nm_place *place,
       struct nm_err *err)
{
	enum nm_code rc;

	let_person_choose(person, memory);
	if (memory->wish.typed)
		return NM_OK;
	if (!memory->wish.name)
		return ask_for_dataset(batch, err);
	rc = nm_place_named(place, nm_text_of(memory->wish.name),
	                    person->data_dir, err);
	if (rc)
		return ask_for_dataset(batch, err);
	memory->wish.path = nm_buf_string(&place->path);
	memory->wish.name = nm_buf_string(&place->name);
	return NM_OK;
}

/* All batches of the same run, wherever it was made. */
static enum nm_code
find_sisters(struct nm_job *job, const struct nm_batch *batch,
             struct nm_batch **sisters, size_t *n_sisters, struct nm_err *err)
{
	const char *run = nm_batch_metadata(batch, "run");
	struct nm_batches_page page = { .after = NULL };
	int64_t oldest_s = batch->created_s - SISTERS_WITHIN_S;
	size_t n = 0, room = 64, i;
	enum nm_code rc;
	int past = 0;

	*sisters = nm_arena_array(&job->arena, room, sizeof(**sisters));
	(*sisters)[n++] = *batch;
	*n_sisters = n;
	if (!run[0])
		return NM_OK;
	do {
		rc = nm_batches_list(&job->tools->service->api, page.after,
		                     100, &job->arena, &page, err);
		for (i = 0; !rc && i < page.count; i++) {
			const struct nm_batch *other = &page.batches[i];

			past |= other->created_s < oldest_s;
			if (strcmp(nm_batch_metadata(other, "run"), run) ||
			    !strcmp(other->id, batch->id))
				continue;
			if (n == room) {
				struct nm_batch *more = nm_arena_array(
					&job->arena, 2 * room, sizeof(*more));

				memcpy(more, *sisters, n * sizeof(*more));
				*sisters = more;
				room *= 2;
			}
			(*sisters)[n++] = *other;
		}
	} while (!rc && !past && page.more && page.count);
	*n_sisters = n;
	return rc;
}

static enum nm_code
adopt(struct nm_job *job, const struct nm_batch *batch, struct nm_err *err)
{
	struct nm_run_tools tools = nm_job_run_tools(job);
	struct nm_buf spec = { 0 };
	struct nm_run_wish wish = {
		.mode = "batch",
		.name = nm_quiz_name(job->quiz),
		.model = batch->model,
		.endpoint = batch->endpoint,
		.identity = batch->id,
	};
	struct nm_batch *sisters;
	size_t n_sisters;
	enum nm_code rc;

	rc = find_sisters(job, batch, &sisters, &n_sisters, err);
	if (rc)
		return rc;
	nm_quiz_spec(job->quiz, nm_job_description(job), &spec);
	wish.spec = nm_buf_string(&spec);
	rc = nm_run_adopt(&job->run, &tools, nm_quiz_source(job->quiz), &wish,
	                  sisters, n_sisters, err);
	nm_buf_release(&spec);
	return rc;
}

static enum nm_code
take_from_batch(struct nm_job *job, const struct nm_job_tools *tools,
                const struct nm_batch *batch,
                const struct nm_quiz_wish *person, struct nm_err *err)
{
	struct nm_quiz_memory memory;
	struct nm_place place = { 0 };
	struct nm_arena arena = { 0 };
	enum nm_code rc;

	nm_quiz_guess(batch, &arena, &memory);
	rc = locate(&memory, person, batch, &place, err);
	if (!rc)
		rc = check_limit(person, &memory, err);
	if (!rc)
		rc = nm_job_read(job, tools, &memory.wish, err);
	if (!rc)
		rc = check_digest(job, &memory, err);
	if (!rc)
		rc = adopt(job, batch, err);
	job->scoring_only = 1;
	nm_place_release(&place);
	nm_arena_release(&arena);
	return rc;
}

/* One made elsewhere, or one whose creation this journal never heard of. */
static enum nm_code
take_unknown(struct nm_job *job, const struct nm_job_tools *tools,
             const char *batch_id, const struct nm_quiz_wish *person,
             struct nm_err *err)
{
	struct nm_run_record record;
	struct nm_arena arena = { 0 };
	struct nm_batch batch;
	const char *run;
	enum nm_code rc;

	rc = nm_batches_get(&tools->service->api, batch_id, &arena, &batch,
	                    err);
	if (rc)
		goto done;
	run = nm_batch_metadata(&batch, "run");
	rc = run[0] ? nm_runs_get(tools->journal, run, &arena, &record, err)
	            : NM_ABSENT;
	if (!rc)
		rc = take_from_journal(job, tools, &record, person, err);
	else if (rc == NM_ABSENT)
		rc = take_from_batch(job, tools, &batch, person, err);
done:
	nm_arena_release(&arena);
	return rc;
}

static enum nm_code
check_account(const struct nm_job_tools *tools, const char *batch_id,
              const struct nm_run_record *record, struct nm_err *err)
{
	const char *here =
		nm_buf_string(&tools->service->account.identity);

	if (strcmp(record->account, here) == 0)
		return NM_OK;
	return nm_fail(err, NM_USAGE, 0,
		"%s was made with another service or key (%s): use the same"
		" one%s", batch_id, record->account,
		strcmp(record->account, "local") == 0 ? ", by --local" : "");
}

/* An id is one part of a path. */
static enum nm_code
check_id(const char *batch_id, struct nm_err *err)
{
	size_t i;

	for (i = 0; batch_id[i]; i++)
		if (batch_id[i] <= ' ' || batch_id[i] > '~' ||
		    strchr("/?#%", batch_id[i]))
			break;
	if (i && !batch_id[i] && i <= BATCH_ID_MAX_BYTES)
		return NM_OK;
	return nm_fail(err, NM_USAGE, 0,
		"--batch-id: '%.80s' is no batch id: ids such as batch_abc123"
		" are shown by batch_manager --list", batch_id);
}

enum nm_code
nm_job_take_up(struct nm_job *job, const struct nm_job_tools *tools,
               const char *batch_id, const struct nm_quiz_wish *wish,
               struct nm_err *err)
{
	struct nm_run_record record;
	struct nm_arena arena = { 0 };
	enum nm_code rc;

	memset(job, 0, sizeof(*job));
	job->tools = tools;
	rc = check_id(batch_id, err);
	if (rc)
		return rc;
	rc = nm_runs_of_batch(tools->journal, batch_id, &arena, &record, err);
	if (!rc)
		rc = check_account(tools, batch_id, &record, err);
	if (!rc)
		rc = take_from_journal(job, tools, &record, wish, err);
	else if (rc == NM_ABSENT)
		rc = take_unknown(job, tools, batch_id, wish, err);
	nm_arena_release(&arena);
	return rc;
}
