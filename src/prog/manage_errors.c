/*
 * manage_errors: --errors: why requests of a batch failed, grouped by reason.
 */
#include <inttypes.h>
#include <unistd.h>

#include "cli/terminal.h"
#include "prog/batch_sight.h"
#include "run/batch_files.h"
#include "run/batch_run.h"
#include "run/failure.h"

enum { IDS_SHOWN = 3 };

struct search {
	struct nm_failures   failures;
	struct nm_row_reader reader;
	uint64_t             malformed;
};

static void
take(void *user, const struct nm_line *line)
{
	struct search *search = user;
	struct nm_row row;

	nm_row_read(&search->reader, line->at, line->len, &row);
	search->malformed += row.kind == NM_ROW_MALFORMED;
	nm_failures_add(&search->failures, &row);
}

/* What is on this machine need not be fetched, and may be gone at the service. */
static enum nm_code
read_file(struct nm_batch_files *files, const char *path, const char *file_id,
          struct search *search, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (access(path, R_OK) != 0 && !file_id[0])
		return NM_OK;
	if (access(path, R_OK) != 0)
		rc = nm_batch_files_bring(files, file_id, &path, err);
	return rc ? rc : nm_batch_file_walk(path, take, search, err);
}

/* The batch as the journal knows it; without paths where it does not. */
static struct nm_shard_record
shard_of(struct nm_manager *manager, const char *id, struct nm_arena *arena)
{
	struct nm_batch_run run;
	struct nm_err ignored;

	if (!nm_manager_find_journal(manager, &ignored) &&
	    !nm_batch_run_find(manager->journal, id, arena, &run, &ignored) &&
	    nm_account_owns(&manager->service.account, run.record.account))
		return run.shards[run.place];
	return (struct nm_shard_record){ .output_path = "", .error_path = "" };
}

/* Failed rows stand in the error file, with some services in the output file; what the
 * batch counts of them is no row. */
static enum nm_code
read_both(struct nm_manager *manager, struct nm_batch_files *files,
          const struct nm_batch *batch, struct search *search,
          struct nm_err *err)
{
	struct nm_arena arena = {0};
	struct nm_shard_record shard = shard_of(manager, batch->id, &arena);
	const char *paths[] = { shard.error_path, shard.output_path };
	const char *ids[] = { batch->error_file_id, batch->output_file_id };
	struct nm_err gone = {0};
	enum nm_code rc = NM_OK;

	for (size_t i = 0; !rc && i < 2; i++) {
		rc = read_file(files, paths[i], ids[i], search, err);
		if (rc != NM_ABSENT)
			continue;
		gone = *err;
		rc = NM_OK;
	}
	nm_arena_release(&arena);
	if (rc || !gone.code)
		return rc;
	/* Reasons that were found are worth more than none. */
	if (search->failures.rows) {
		nm_message_warn(&manager->message, "%s: failures in it, if any, "
		                "are not told", gone.text);
		return NM_OK;
	}
	*err = gone;
	return gone.code;
}

static enum nm_code
find(struct nm_manager *manager, const struct nm_batch *batch,
     struct search *search, struct nm_err *err)
{
	struct nm_batch_files files = {0};
	enum nm_code rc;

	rc = nm_batch_files_open(&files, &manager->service.api, err);
	if (!rc)
		rc = read_both(manager, &files, batch, search, err);
	nm_batch_files_close(&files);
	nm_failures_sort(&search->failures);
	return rc;
}

static void
add_safe(struct nm_buf *out, struct nm_text text)
{
	nm_terminal_add(out, text, 0);
}

/* "37 × 400 invalid_value: Invalid 'temperature': …" */
static void
add_reason(const struct nm_failure *failure, struct nm_buf *out)
{
	struct nm_text id;
	size_t at = 0;
	int i;

	nm_buf_addf(out, "%" PRIu64 " × ", failure->count);
	if (failure->status)
		nm_buf_addf(out, "%d ", failure->status);
	add_safe(out, failure->code.len
	         ? failure->code : nm_text_of(nm_class_name(failure->class)));
	if (failure->message.len) {
		nm_buf_add_string(out, ": ");
		add_safe(out, failure->message);
	}
	nm_buf_add_string(out, "\n    ");
	for (i = 0; i < IDS_SHOWN && nm_failure_next_id(failure, &at, &id); i++) {
		nm_buf_add_string(out, i ? ", " : "");
		add_safe(out, id);
	}
	nm_buf_add_string(out, failure->count > IDS_SHOWN ? ", …\n" : "\n");
}

static void
write_text(const struct nm_batch *batch, const struct search *search,
           struct nm_buf *out)
{
	const struct nm_failures *failures = &search->failures;
	size_t i;

	if (!failures->rows && !nm_batch_is_final(batch->status))
		nm_buf_addf(out, "%s is %s: what fails is told when it has "
		            "ended.\n", batch->id, batch->status_text);
	else if (!failures->rows)
		nm_buf_addf(out, "No request of %s failed.\n", batch->id);
	else
		nm_buf_addf(out, "%" PRIu64 " request%s of %s failed:\n\n",
		            failures->rows, failures->rows == 1 ? "" : "s",
		            batch->id);
	for (i = 0; i < failures->n; i++)
		add_reason(&failures->list[i], out);
	if (search->malformed)
		nm_buf_addf(out, "\n%" PRIu64 " line%s of its files cannot be "
		            "read\n", search->malformed,
		            search->malformed == 1 ? "" : "s");
}

static void
put_reason(const struct nm_failure *failure, struct nm_json_writer *w)
{
	struct nm_text id;
	size_t at = 0;

	nm_json_open_object(w, NULL);
	nm_json_put_int(w, "count", (int64_t)failure->count);
	nm_json_put_string(w, "class", nm_class_name(failure->class));
	nm_json_put_nonzero(w, "status", failure->status);
	if (failure->code.len)
		nm_json_put_text(w, "code", failure->code);
	else
		nm_json_put_null(w, "code");
	nm_json_put_text(w, "message", failure->message);
	nm_json_open_array(w, "custom_ids");
	while (nm_failure_next_id(failure, &at, &id))
		nm_json_put_text(w, NULL, id);
	nm_json_close_array(w);
	nm_json_close_object(w);
}

/* Of a batch that failed as a whole: an error of its own. */
static void
put_error(const struct nm_batch_error *error, struct nm_json_writer *w)
{
	nm_json_open_object(w, NULL);
	nm_json_put_int(w, "count", 1);
	nm_json_put_string(w, "class", "failed");
	nm_json_put_null(w, "status");
	nm_json_put_string(w, "code", error->code[0] ? error->code : NULL);
	nm_json_put_string(w, "message", error->message);
	if (error->line)
		nm_json_put_int(w, "line", error->line);
	nm_json_open_array(w, "custom_ids");
	nm_json_close_array(w);
	nm_json_close_object(w);
}

static void
write_json(const struct nm_batch *batch, const struct search *search,
           struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out, .indent = 2 };
	size_t i;

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "id", batch->id);
	nm_json_put_string(&w, "status", batch->status_text);
	nm_json_put_int(&w, "failed", (int64_t)search->failures.rows);
	nm_json_put_int(&w, "malformed", (int64_t)search->malformed);
	nm_json_open_array(&w, "reasons");
	for (i = 0; i < search->failures.n; i++)
		put_reason(&search->failures.list[i], &w);
	for (i = 0; i < batch->n_errors; i++)
		put_error(&batch->errors[i], &w);
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_buf_add_byte(out, '\n');
}

/* One that failed as a whole has no rows: its own errors are the reasons. */
static bool
failed_as_a_whole(const struct nm_batch *batch)
{
	return batch->n_errors && !batch->error_file_id[0];
}

static enum nm_code
tell(struct nm_manager *manager, const struct nm_batch *batch,
     struct nm_err *err)
{
	struct search search = {0};
	struct nm_buf text = {0};
	enum nm_code rc = find(manager, batch, &search, err);

	if (rc)
		goto done;
	if (nm_manager_wants_json(manager))
		write_json(batch, &search, &text);
	else
		write_text(batch, &search, &text);
	nm_manager_print(&text);
done:
	nm_failures_release(&search.failures);
	nm_row_reader_release(&search.reader);
	nm_buf_release(&text);
	return rc;
}

enum nm_code
nm_manage_errors(struct nm_manager *manager, struct nm_err *err)
{
	struct nm_arena arena = {0};
	struct nm_batch batch;
	const char *id;
	enum nm_code rc = nm_manager_id(manager, &id, err);

	if (!rc)
		rc = nm_batch_sight(manager, id, &arena, &batch, err);
	if (!rc && failed_as_a_whole(&batch) &&
	    !nm_manager_wants_json(manager))
		nm_manager_print_batch(manager, &batch, NULL);
	else if (!rc)
		rc = tell(manager, &batch, err);
	nm_arena_release(&arena);
	return rc;
}
