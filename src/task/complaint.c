/*
 * complaint: see the header.
 */
#include "task/complaint.h"

#include "run/deadline.h"
#include "run/members.h"

/* err's text is "path:line: reason"; a path may hold colons itself. */
static const char *
path_of(const struct nm_err *err, uint64_t line, struct nm_buf *path)
{
	char mark[32];
	const char *at;

	snprintf(mark, sizeof(mark), ":%llu: ", (unsigned long long)line);
	at = strstr(err->text, mark);
	if (!at)
		return NULL;
	nm_buf_add(path, err->text, (size_t)(at - err->text));
	return nm_buf_string(path);
}

void
nm_complain_of_line(void *context, const struct nm_err *err,
                    const struct nm_dataset_spot *spot)
{
	struct nm_bad_lines *bad = context;
	struct nm_buf path = { 0 };
	struct nm_spot shown = {
		.line = spot->line, .text = spot->text, .byte = spot->byte,
		.problem = spot->problem,
	};

	if (++bad->count > NM_BAD_LINES_SHOWN)
		return;
	shown.file = path_of(err, spot->line, &path);
	nm_message_spot(bad->message, &shown);
	nm_buf_release(&path);
}

void
nm_complain_of_more(const struct nm_bad_lines *bad)
{
	if (!bad->count)
		return;
	if (bad->count > NM_BAD_LINES_SHOWN)
		nm_message_warn(bad->message,
			"%llu lines in all are no questions and were passed"
			" over (the first %d are shown)",
			(unsigned long long)bad->count, NM_BAD_LINES_SHOWN);
	else
		nm_message_warn(bad->message,
			"%llu line%s no question%s and %s passed over",
			(unsigned long long)bad->count,
			bad->count == 1 ? " is" : "s are",
			bad->count == 1 ? "" : "s",
			bad->count == 1 ? "was" : "were");
}

static int64_t
ordinal_of_line(const struct nm_shard_record *shard, int64_t line)
{
	struct nm_members_walk walk;
	int64_t ordinal = -1;

	nm_members_walk_init(&walk, shard->first, shard->count,
	                     shard->members);
	while (line-- > 0 && (ordinal = nm_members_walk_next(&walk)) >= 0)
		;
	return ordinal;
}

static void
complain_of_error(struct nm_message *message,
                  const struct nm_shard_record *shard,
                  const struct nm_batch_error *e, struct nm_quiz *quiz)
{
	struct nm_question question;
	struct nm_err ignored;
	int64_t ordinal;

	if (!e->line) {
		nm_message_warn(message, "batch %s failed: %s%s%s",
		                shard->batch_id, e->code,
		                e->message[0] ? ": " : "", e->message);
		return;
	}
	nm_message_warn(message, "batch %s failed at line %lld of its input:"
	                " %s%s%s%s: %s", shard->batch_id, (long long)e->line,
	                e->code, e->param[0] ? " (" : "", e->param,
	                e->param[0] ? ")" : "", e->message);
	ordinal = ordinal_of_line(shard, e->line);
	if (ordinal >= 0 &&
	    !nm_quiz_question(quiz, ordinal, &question, &ignored))
		nm_message_plain(message, "    line %lld asks: %s",
		                 (long long)e->line, question.text);
}

static void
complain_of_failed(struct nm_message *message, struct nm_run *run,
                   const struct nm_shard_record *shard, struct nm_quiz *quiz)
{
	struct nm_arena arena = { 0 };
	struct nm_batch batch = { 0 };
	struct nm_err ignored;
	size_t i = 0;

	if (nm_batches_get(run->api, shard->batch_id, &arena, &batch,
	                   &ignored) || !batch.n_errors)
		nm_message_warn(message, "batch %s failed%s%s",
		                shard->batch_id, shard->note[0] ? ": " : "",
		                shard->note);
	else
		for (i = 0; i < batch.n_errors && i < NM_BAD_LINES_SHOWN; i++)
			complain_of_error(message, shard, &batch.errors[i],
			                  quiz);
	if (i < batch.n_errors)
		nm_message_warn(message, "batch %s has %zu more errors"
		                " (batch_manager --status with --json shows"
		                " all)", shard->batch_id, batch.n_errors - i);
	nm_arena_release(&arena);
}

void
nm_complain_of_batches(struct nm_message *message, struct nm_run *run,
                       struct nm_quiz *quiz, size_t first)
{
	size_t i;

	for (i = first; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		if (strcmp(shard->status, "failed") == 0)
			complain_of_failed(message, run, shard, quiz);
		else if (strcmp(shard->status, "expired") == 0)
			nm_message_warn(message, "batch %s expired: what it"
			                " had finished is kept",
			                shard->batch_id);
		else if (strcmp(shard->status, "cancelled") == 0 &&
		         !nm_deadline_ended(shard))
			nm_message_warn(message, "batch %s was cancelled: what"
			                " it had finished is kept, the rest"
			                " is not asked again by itself",
			                shard->batch_id);
		else if (shard->state == NM_SHARD_REFUSED)
			nm_message_warn(message, "shard %lld was refused: %s",
			                (long long)shard->number, shard->note);
	}
}

void
nm_complain_of_size(struct nm_message *message, const struct nm_run *run)
{
	long long size = (long long)run->settings.shard_requests;
	size_t i;

	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].count > size)
			break;
	if (run->origin == NM_RUN_RESUMED && i < run->n_shards)
		nm_message_note(message, "--shard-requests %lld comes too late:"
			" the batches of this run are planned", size);
}
