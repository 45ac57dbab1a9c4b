/*
 * outcome: see the header.
 */
#include "task/outcome.h"

#include <unistd.h>

#include "base/path.h"
#include "task/grading.h"
#include "task/heading.h"

enum { FEW_QUESTIONS = 50000 }; /* a batch of them: that may be gone through twice */

/* What one pass over the questions needs. */
struct pass {
	const struct nm_outcome_wish *wish;
	struct nm_outcome            *outcome;
	struct nm_collect             collect;
	const char *const            *paths; /* of the raw replies, */
	const char *const            *raw;   /* and where these are kept */
	size_t                        n_paths;
};

static int
is_batch(const struct nm_run *run)
{
	return strcmp(run->record.mode, "batch") == 0;
}

/* The raw replies are kept beside the results: linked where that can be. */
static enum nm_code
keep_raw(struct pass *pass, const char *const **kept, struct nm_err *err)
{
	struct nm_outcome *outcome = pass->outcome;
	const char *path = nm_buf_string(&outcome->results.run_path);
	size_t stem = strlen(path) - strlen(".json"), i;
	const char *folder = nm_arena_printf(&outcome->arena, "%.*s_replies",
	                                     (int)stem, path);
	const char **list = nm_arena_array(&outcome->arena, pass->n_paths + 1,
	                                   sizeof(*list));
	enum nm_code rc = nm_folder_make(folder, 0755, err);

	for (i = 0; !rc && i < pass->n_paths; i++) {
		list[i] = nm_arena_printf(&outcome->arena, "%s/%s", folder,
			nm_path_base(pass->paths[i]));
		unlink(list[i]);
		if (link(pass->paths[i], list[i]) != 0)
			rc = nm_file_copy(pass->paths[i], list[i], 0644, err);
	}
	*kept = list;
	return rc;
}

static struct nm_heading
heading_of(struct pass *pass)
{
	const struct nm_outcome_wish *wish = pass->wish;
	struct nm_outcome *outcome = pass->outcome;

	return (struct nm_heading){
		.run = wish->run,
		.quiz = wish->quiz,
		.collect = &pass->collect,
		.spending = &outcome->spending,
		.prices = wish->prices,
		.reading = wish->reading,
		.began_mono_ms = wish->began_mono_ms,
		.attempts = outcome->attempts,
		.raw = pass->raw,
		.n_raw = pass->n_paths,
		.tally = &outcome->tally,
		.ledger = &outcome->ledger,
		.metrics = &outcome->metrics,
		.arena = &outcome->arena,
	};
}

static enum nm_code
count(struct pass *pass, struct nm_results *results, struct nm_err *err)
{
	const struct nm_grading grading = {
		pass->wish->quiz, &pass->collect, &pass->outcome->spending,
		&pass->outcome->tally, &pass->outcome->ledger, results,
	};

	return nm_grading_make(&grading, err);
}

static enum nm_code
write_rows(struct pass *pass, struct nm_err *err)
{
	const struct nm_grading grading = {
		pass->wish->quiz, &pass->collect, &pass->outcome->spending,
		NULL, NULL, &pass->outcome->results,
	};

	return nm_grading_make(&grading, err);
}

/* Many are gone through but once: room is left for the head, which is known last. */
static enum nm_code
grade(struct pass *pass, struct nm_err *err)
{
	struct nm_outcome *outcome = pass->outcome;
	bool many = pass->collect.count > FEW_QUESTIONS;
	struct nm_heading heading = heading_of(pass);
	struct nm_head *head = &outcome->summary.head;
	enum nm_code rc = NM_OK;

	if (many) {
		rc = nm_heading_make(&heading, head, err);
		if (!rc)
			nm_results_leave_room(&outcome->results, head);
	}
	if (!rc)
		rc = count(pass, many ? &outcome->results : NULL, err);
	if (!rc)
		rc = nm_heading_make(&heading, head, err);
	if (!rc && (!nm_results_add_head(&outcome->results, head) || !many))
		rc = write_rows(pass, err);
	return rc;
}

static enum nm_code
save(struct pass *pass, struct nm_err *err)
{
	struct nm_outcome *outcome = pass->outcome;
	enum nm_code rc = keep_raw(pass, &pass->raw, err);

	if (!rc)
		rc = grade(pass, err);
	if (!rc)
		rc = nm_results_finish(&outcome->results, err);
	outcome->summary.known_path =
		nm_buf_string(&outcome->results.known_path);
	outcome->summary.run_path = nm_buf_string(&outcome->results.run_path);
	return rc;
}

static enum nm_code
open_results(struct pass *pass, struct nm_err *err)
{
	const struct nm_run *run = pass->wish->run;
	struct nm_results_options options = {
		.folder = pass->wish->results_dir,
		.dataset = run->record.name,
		.mode = is_batch(run) ? NM_HEAD_BATCH : NM_HEAD_DIRECT,
		.run_id = run->record.id,
		.began_ms = run->record.created_ms,
	};

	return nm_results_open(&pass->outcome->results, &options, err);
}

/* Paid is what the batches say; rows that say less were lost somewhere. */
static void
compare_usage(struct nm_outcome *outcome)
{
	const struct nm_spending *spending = &outcome->spending;
	const struct nm_usage *rows = &spending->batch_rows;
	const struct {
		int64_t     told, heard;
		const char *name;
		bool        part;
	} figures[] = {
		{ spending->told_input_tokens, rows->input_tokens,
		  "tokens in", false },
		{ spending->told_cached_tokens, rows->cached_tokens,
		  "cached tokens", true },
		{ spending->told_output_tokens, rows->output_tokens,
		  "tokens out", false },
		{ spending->told_reasoning_tokens, rows->reasoning_tokens,
		  "reasoning tokens", true },
	};
	/* The members are required: who does not count them says 0 of each. */
	bool counts_parts = spending->told_cached_tokens > 0 ||
		spending->told_reasoning_tokens > 0;
	struct nm_buf *note = &outcome->usage_note;
	size_t i;

	if (spending->told_input_tokens <= 0)
		return;
	for (i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
		if (figures[i].told < 0 || figures[i].told == figures[i].heard ||
		    (figures[i].part && !counts_parts))
			continue;
		nm_buf_addf(note, "%s %lld %s against %lld", note->len ? ","
			: "the batches' own usage is not that of the replies"
			  " that came:", (long long)figures[i].told,
			figures[i].name, (long long)figures[i].heard);
	}
}

enum nm_code
nm_outcome_make(struct nm_outcome *outcome,
                const struct nm_outcome_wish *wish, struct nm_err *err)
{
	struct pass pass = { .wish = wish, .outcome = outcome };
	enum nm_code rc;

	nm_outcome_release(outcome);
	nm_collect_init(&pass.collect, wish->run->source, wish->reading);
	nm_spending_attach(&outcome->spending, wish->prices, wish->run,
	                   &pass.collect);
	rc = open_results(&pass, err);
	if (!rc)
		rc = nm_attempts_collect(wish->run, &pass.collect, &pass.paths,
		                         &pass.n_paths, &outcome->attempts,
		                         err);
	nm_spending_close(&outcome->spending, wish->run);
	if (!rc)
		rc = save(&pass, err);
	if (!rc) {
		nm_attempts_next(wish->run, &pass.collect, wish->attempts,
		                 &outcome->again);
		outcome->left = nm_attempts_left(wish->run, &pass.collect);
		compare_usage(outcome);
	}
	nm_collect_release(&pass.collect);
	outcome->spending.collect = NULL;
	return rc;
}

void
nm_outcome_release(struct nm_outcome *outcome)
{
	nm_tally_release(&outcome->tally);
	nm_ledger_release(&outcome->ledger);
	nm_results_release(&outcome->results);
	nm_members_release(&outcome->again);
	nm_arena_release(&outcome->arena);
	nm_buf_release(&outcome->usage_note);
	memset(outcome, 0, sizeof(*outcome));
}
