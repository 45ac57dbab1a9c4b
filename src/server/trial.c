#include "server/trial.h"

#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include "base/file.h"
#include "server/desk.h"
#include "server/options.h"
#include "server/script.h"
#include "server/shape.h"

enum { CHUNK_BYTES = 1 << 18, CHUNKS_A_STEP = 16 };

/* The one organisation there is; named in refusals as the service does. */
static const char organisation[] = "org-nightmail";

void
nm_trial_release(struct nm_trial *trial)
{
	if (trial->fd_plus_one)
		close(trial->fd_plus_one - 1);
	nm_check_release(&trial->check);
	nm_buf_release(&trial->errors);
	nm_buf_release(&trial->model);
	*trial = (struct nm_trial){0};
}

static void
add_not_found(struct nm_trial *trial, const char *file_id)
{
	nm_check_add(&trial->check, "invalid_request", "file_id",
		"Cannot find file %s, or organization %s does not have access to "
		"it.", file_id, organisation);
}

/* What comes to light after all was checked is the one error. */
static void
begin_verdict(struct nm_trial *trial)
{
	nm_check_release(&trial->check);
	nm_check_init(&trial->check, &(struct nm_check_options){0});
}

static void
end_verdict(struct nm_trial *trial)
{
	nm_buf_clear(&trial->errors);
	nm_check_write(&trial->check, &trial->errors);
	nm_check_release(&trial->check);
}

void
nm_trial_lose_input(struct nm_trial *trial, const char *file_id)
{
	begin_verdict(trial);
	add_not_found(trial, file_id);
	end_verdict(trial);
}

/* Opens the input, or adds why it cannot be one. */
static enum nm_code
find_input(struct nm_trial *trial, const struct nm_stored_batch *batch,
           struct nm_desk *desk, const struct nm_batch_fault *fault,
           struct nm_err *err)
{
	struct nm_stored_file file = {0};
	struct nm_arena arena = {0};
	struct nm_buf path = {0};
	enum nm_code rc;
	int fd;

	rc = nm_store_file_get(desk->parts->store, batch->tenant,
	                       batch->input_file_id,
	                       nm_vclock_now_s(desk->parts->clock), &arena,
	                       &file, err);
	if (rc && rc != NM_ABSENT)
		goto done;
	if (rc == NM_ABSENT || strcmp(file.purpose, "batch") != 0 ||
	    batch->at_s[NM_BATCH_VALIDATING] - file.created_s <
	    fault->stale_files_s) {
		add_not_found(trial, batch->input_file_id);
		rc = NM_OK;
		goto done;
	}
	nm_store_file_path(desk->parts->store, file.id, &path);
	rc = nm_file_open(nm_buf_string(&path), &fd, err);
	if (rc == NM_INPUT) {
		add_not_found(trial, batch->input_file_id);
		rc = NM_OK;
	} else if (!rc) {
		trial->fd_plus_one = fd + 1;
	}
done:
	nm_buf_release(&path);
	nm_arena_release(&arena);
	return rc;
}

static void
apply_script(struct nm_trial *trial, const struct nm_batch_fault *fault)
{
	struct nm_check_entry *entry;

	if (!fault->fail_code)
		return;
	nm_check_add(&trial->check,
		nm_arena_string(&trial->check.arena, fault->fail_code),
		fault->fail_param ?
		nm_arena_string(&trial->check.arena, fault->fail_param) : NULL,
		"%s", fault->fail_message ? fault->fail_message :
		"The batch failed.");
	entry = &trial->check.entries[trial->check.n_entries - 1];
	entry->line = fault->fail_line;
}

static void
conclude(struct nm_trial *trial, const struct nm_desk *desk,
         const struct nm_batch_fault *fault)
{
	struct nm_check *check = &trial->check;

	nm_buf_clear(&trial->model);
	if (desk->parts->upstream)
		nm_buf_add_string(&trial->model, check->model);
	else if (check->model[0])
		nm_shape_add_name(&trial->model, nm_text_of(check->model));
	snprintf(trial->asked_model, sizeof(trial->asked_model), "%s",
	         check->model);
	trial->requests = (int64_t)check->requests;
	trial->tokens = check->tokens;
	if (check->n_entries < check->options.max_entries)
		apply_script(trial, fault);
	nm_buf_clear(&trial->errors);
	if (check->n_bad)
		nm_check_write(check, &trial->errors);
	nm_check_release(check);
	trial->stage = NM_TRIAL_DONE;
}

/* Feeds a slice; *end when the file has no more. */
static enum nm_code
read_on(struct nm_trial *trial, struct nm_buf *chunk, bool *end,
        struct nm_err *err)
{
	ssize_t got;

	for (int i = 0; i < CHUNKS_A_STEP; i++) {
		nm_buf_clear(chunk);
		got = read(trial->fd_plus_one - 1, nm_buf_room(chunk, CHUNK_BYTES),
		           CHUNK_BYTES);
		if (got < 0 && errno != EINTR)
			return nm_fail(err, NM_IO, errno,
				"cannot read an input file: %s", strerror(errno));
		if (got == 0) {
			nm_check_finish(&trial->check);
			*end = true;
			return NM_OK;
		}
		if (got > 0)
			nm_check_feed(&trial->check, chunk->at, (size_t)got);
	}
	return NM_OK;
}

enum nm_code
nm_trial_step(struct nm_trial *trial, const struct nm_stored_batch *batch,
              struct nm_desk *desk, const struct nm_batch_fault *fault,
              struct nm_err *err)
{
	struct nm_check_options options = {
		.endpoint = nm_ask_endpoint(nm_text_of(batch->endpoint)),
		.models = desk->parts->options->models,
	};
	bool end = false;
	enum nm_code rc;

	if (trial->stage == NM_TRIAL_DONE)
		return NM_OK;
	if (trial->stage == NM_TRIAL_NEW) {
		nm_check_init(&trial->check, &options);
		rc = find_input(trial, batch, desk, fault, err);
		if (rc) {
			nm_check_release(&trial->check);
			return rc;
		}
		trial->stage = NM_TRIAL_READING;
	}
	if (trial->fd_plus_one) {
		rc = read_on(trial, &desk->scratch, &end, err);
		if (rc || !end)
			return rc;
		close(trial->fd_plus_one - 1);
		trial->fd_plus_one = 0;
	}
	conclude(trial, desk, fault);
	return NM_OK;
}

/* ---- room ---- */

/* 2000000 as "2,000,000". */
static void
add_grouped(struct nm_buf *out, int64_t number)
{
	char digits[24];
	int n = snprintf(digits, sizeof(digits), "%" PRId64, number);

	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0)
			nm_buf_add_byte(out, ',');
		nm_buf_add_byte(out, digits[i]);
	}
}

static void
refuse_room(struct nm_trial *trial, const char *code, const char *what,
            int64_t limit)
{
	struct nm_buf number = {0};

	add_grouped(&number, limit);
	begin_verdict(trial);
	nm_check_add(&trial->check, code, NULL,
		"Enqueued %s limit reached for %s in organization %s. Limit: %s "
		"enqueued %ss. Please try again once some in_progress batches have "
		"been completed.", what, trial->asked_model, organisation,
		nm_buf_string(&number), what);
	end_verdict(trial);
	nm_buf_release(&number);
}

enum nm_code
nm_trial_weigh(struct nm_trial *trial, const char *tenant,
               struct nm_desk *desk, const struct nm_batch_fault *fault,
               struct nm_err *err)
{
	int64_t tokens = 0, requests = 0;
	enum nm_code rc;

	if (trial->errors.len ||
	    (!fault->quota_tokens && !fault->quota_requests))
		return NM_OK;
	rc = nm_store_enqueued(desk->parts->store, tenant,
	                       nm_buf_string(&trial->model), &tokens, &requests,
	                       err);
	if (rc)
		return rc;
	if (fault->quota_tokens &&
	    tokens + trial->tokens > fault->quota_tokens)
		refuse_room(trial, "token_limit_exceeded", "token",
		            fault->quota_tokens);
	else if (fault->quota_requests &&
	         requests + trial->requests > fault->quota_requests)
		refuse_room(trial, "request_limit_exceeded", "request",
		            fault->quota_requests);
	return NM_OK;
}
