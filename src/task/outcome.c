/*
 * outcome: see the header.
 */
#include "task/outcome.h"

#include <unistd.h>

#include "base/path.h"
#include "task/grading.h"
#include "task/heading.h"

enum { FEW_QUESTIONS = 50000 }; /* a batch of them: that may be gone through twice */

/* What it takes to make one. */
struct pass {
	const struct nm_outcome_wish *wish;
	struct nm_outcome            *outcome;
	struct nm_collect             collect;
	struct nm_attempts            attempts; /* the files of replies, */
	const char *const            *raw;      /* and where they are kept */
	struct nm_grading             grading;
};

static int
is_batch(const struct nm_run *run)
{
	return strcmp(run->record.mode, "batch") == 0;
}

/* The raw replies are kept beside the results: linked where that can be. */
static enum nm_code
keep_raw(struct pass *pass, struct nm_err *err)
{
	struct nm_outcome *outcome = pass->outcome;
	const char *path = nm_buf_string(&outcome->results.run_path);
	size_t stem = strlen(path) - strlen(".json"), i;
	const char *folder = nm_arena_printf(&outcome->arena, "%.*s_replies",
	                                     (int)stem, path);
	const char **list = nm_arena_array(&outcome->arena,
	                                   pass->attempts.n + 1, sizeof(*list));
	enum nm_code rc = nm_folder_make(folder, 0755, err);

	for (i = 0; !rc && i < pass->attempts.n; i++) {
		const char *from = pass->attempts.files[i].path;

		list[i] = nm_arena_printf(&outcome->arena, "%s/%s", folder,
		                          nm_path_base(from));
		unlink(list[i]);
		if (link(from, list[i]) != 0)
			rc = nm_file_copy(from, list[i], 0644, err);
	}
	pass->raw = list;
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
		.attempts = pass->attempts.newest,
		.raw = pass->raw,
		.n_raw = pass->attempts.n,
		.tally = &outcome->tally,
		.ledger = &outcome->ledger,
		.metrics = &outcome->metrics,
		.arena = &outcome->arena,
	};
}

/* The head as of now. */
static enum nm_code
make_head(struct pass *pass, struct nm_err *err)
{
	struct nm_heading heading = heading_of(pass);

	return nm_heading_make(&heading, &pass->outcome->summary.head, err);
}

static struct nm_grading
grading_of(struct pass *pass)
{
	return (struct nm_grading){
		.quiz = pass->wish->quiz,
		.collect = &pass->collect,
		.spending = &pass->outcome->spending,
	};
}

static enum nm_code
count_all(struct pass *pass, struct nm_err *err)
{
	struct nm_grading grading = grading_of(pass);

	grading.tally = &pass->outcome->tally;
	grading.ledger = &pass->outcome->ledger;
	return nm_grading_go(&grading, pass->collect.count, err);
}

static enum nm_code
write_all(struct pass *pass, struct nm_err *err)
{
	struct nm_grading grading = grading_of(pass);

	grading.results = &pass->outcome->results;
	return nm_grading_go(&grading, pass->collect.count, err);
}

static enum nm_code
read_all(struct pass *pass, const struct nm_attempts_ear *ear,
         struct nm_err *err)
{
	enum nm_code rc = nm_attempts_collect(&pass->attempts, &pass->collect,
	                                      ear, err);

	nm_spending_close(&pass->outcome->spending, pass->wish->run);
	return rc;
}

/* All is counted; `written` or not. */
static enum nm_code
put_head(struct pass *pass, bool written, struct nm_err *err)
{
	enum nm_code rc = make_head(pass, err);

	if (rc)
		return rc;
	written &= nm_results_add_head(&pass->outcome->results,
	                               &pass->outcome->summary.head);
	return written ? NM_OK : write_all(pass, err);
}

static enum nm_code
grade_few(struct pass *pass, struct nm_err *err)
{
	enum nm_code rc = read_all(pass, NULL, err);

	if (!rc)
		rc = count_all(pass, err);
	return rc ? rc : put_head(pass, false, err);
}

static enum nm_code
grade_settled(void *user, int64_t until, struct nm_err *err)
{
	struct pass *pass = user;

	pass->collect.looked_to = until;
	return nm_grading_go(&pass->grading, until, err);
}

/* Rows that nobody expected there any more: all is graded anew. */
static enum nm_code
grade_again(struct pass *pass, struct nm_err *err)
{
	nm_results_restart(&pass->outcome->results);
	nm_tally_release(&pass->outcome->tally);
	nm_ledger_release(&pass->outcome->ledger);
	return count_all(pass, err);
}

/* Each is gone through once, as soon as its row is settled: room is left for the head,
 * which is known last. */
static enum nm_code
grade_many(struct pass *pass, struct nm_err *err)
{
	const struct nm_attempts_ear ear = { grade_settled, pass };
	struct nm_outcome *outcome = pass->outcome;
	enum nm_code rc = make_head(pass, err);

	if (rc)
		return rc;
	/* The same each time, however long the run took. */
	outcome->summary.head.elapsed_ms = 0;
	nm_results_leave_room(&outcome->results, &outcome->summary.head);
	pass->grading = grading_of(pass);
	pass->grading.tally = &outcome->tally;
	pass->grading.ledger = &outcome->ledger;
	pass->grading.results = &outcome->results;
	rc = read_all(pass, &ear, err);
	if (!rc)
		rc = pass->collect.late
			? grade_again(pass, err)
			: grade_settled(pass, pass->collect.count, err);
	return rc ? rc : put_head(pass, !pass->collect.late, err);
}

static enum nm_code
save(struct pass *pass, struct nm_err *err)
{
	struct nm_outcome *outcome = pass->outcome;
	enum nm_code rc = keep_raw(pass, err);

	if (!rc)
		rc = pass->collect.count > FEW_QUESTIONS
			? grade_many(pass, err) : grade_few(pass, err);
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
		rc = nm_attempts_list(wish->run, &pass.attempts, err);
	outcome->attempts = pass.attempts.newest;
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
