/*
 * outcome: see the header.
 */
#include "task/outcome.h"

#include <unistd.h>

#include "base/path.h"
#include "task/grading.h"

/* What one pass over the questions needs. */
struct pass {
	const struct nm_outcome_wish *wish;
	struct nm_outcome            *outcome;
	struct nm_collect             collect;
	struct nm_grading             grading;
	const char *const            *paths; /* of the raw replies */
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

static const char *
or_none(const char *text)
{
	return text[0] ? text : NULL;
}

static void
tell_ledger(struct pass *pass, struct nm_head_ledger *out)
{
	struct nm_outcome *outcome = pass->outcome;
	struct nm_ledger *ledger = &outcome->ledger;
	struct nm_head_reason *reasons;
	size_t i;

	nm_ledger_sort(ledger);
	reasons = nm_arena_array(&outcome->arena, ledger->n_reasons + 1,
	                         sizeof(*reasons));
	for (i = 0; i < ledger->n_reasons; i++)
		reasons[i] = (struct nm_head_reason){
			.class = ledger->reasons[i].class,
			.status = ledger->reasons[i].status,
			.code = ledger->reasons[i].code,
			.count = ledger->reasons[i].count,
			.example = ledger->reasons[i].example,
		};
	*out = (struct nm_head_ledger){
		.unknown = pass->collect.unknown,
		.duplicate = pass->collect.duplicate,
		.malformed = pass->collect.malformed,
		.attempts = (uint64_t)outcome->attempts,
		.reasons = reasons,
		.n_reasons = ledger->n_reasons,
	};
}

static void
tell_batches(struct pass *pass, struct nm_head_run *out)
{
	const struct nm_run *run = pass->wish->run;
	struct nm_head_batch *list = nm_arena_array(&pass->outcome->arena,
		run->n_shards + 1, sizeof(*list));
	size_t i, n = 0;

	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *shard = &run->shards[i];

		if (!shard->batch_id[0])
			continue;
		list[n++] = (struct nm_head_batch){
			.id = shard->batch_id,
			.status = shard->status,
			.attempt = (uint64_t)shard->attempt,
			.requests = (uint64_t)shard->count,
			.input_file_id = shard->input_file_id,
			.output_file_id = or_none(shard->output_file_id),
			.error_file_id = or_none(shard->error_file_id),
			.created_ms = shard->created * 1000,
			.ended_ms = shard->ended * 1000,
		};
	}
	out->batches = list;
	out->n_batches = n;
}

static void
tell_questions(const struct nm_quiz *quiz, struct nm_head_questions *out)
{
	const struct nm_selection_facts *facts = nm_quiz_facts(quiz);
	const struct nm_quiz_wish *wish = nm_quiz_wish(quiz);

	*out = (struct nm_head_questions){
		.path = nm_quiz_path(quiz),
		.file_sha256 = facts->file_sha256,
		.digest = facts->digest,
		.limit = (uint64_t)wish->limit,
		.sample = (uint64_t)wish->sample,
		.seed = (uint64_t)wish->seed,
		.generator = facts->generator,
		.bad_lines = facts->bad_lines,
		.blank_lines = facts->blank_lines,
	};
}

static void
tell_request(struct pass *pass, struct nm_head_request *out)
{
	const struct nm_run *run = pass->wish->run;
	const struct nm_quiz_wish *wish = nm_quiz_wish(pass->wish->quiz);

	*out = (struct nm_head_request){
		.endpoint = run->api->account->kind == NM_ACCOUNT_LOCAL
			? "local"
			: nm_buf_string(&run->api->account->base_url),
		.url = run->record.endpoint,
		.prompt_path = wish->prompt_path,
		.prompt_sha256 = or_none(
			nm_quiz_prompt_digest(pass->wish->quiz)),
		.digest = or_none(nm_quiz_request_digest(pass->wish->quiz)),
		.max_output_tokens = wish->max_output_tokens,
		.reading = pass->wish->reading == NM_READING_LENIENT
			? "lenient" : "strict",
		.max_attempts = (uint64_t)run->settings.max_attempts,
		.reask = (uint64_t)run->settings.reask,
	};
}

static enum nm_code
tell_notes(struct pass *pass, struct nm_head_run *out, struct nm_err *err)
{
	const char **notes = nm_arena_array(&pass->outcome->arena, 4,
	                                    sizeof(*notes));
	enum nm_place_origin origin;
	enum nm_code rc;

	rc = nm_place_origin(nm_quiz_facts(pass->wish->quiz)->file_sha256,
	                     &origin, err);
	if (rc)
		return rc;
	if (origin == NM_PLACE_SAMPLE)
		notes[out->n_notes++] = "sample questions, not MetaQA";
	out->notes = notes;
	return NM_OK;
}

static void
tell_spent(const struct nm_spending *spending, struct nm_head_spent *out)
{
	*out = (struct nm_head_spent){
		.replies = spending->replies,
		.usage = spending->usage,
		.cost = nm_spending_cost(spending),
		.told_input_tokens = spending->told_input_tokens,
		.told_cached_tokens = spending->told_cached_tokens,
		.told_output_tokens = spending->told_output_tokens,
		.told_reasoning_tokens = spending->told_reasoning_tokens,
	};
}

static enum nm_code
tell_run(struct pass *pass, struct nm_head_run *out, struct nm_err *err)
{
	const struct nm_outcome_wish *wish = pass->wish;
	const struct nm_run_record *record = &wish->run->record;
	enum nm_code rc;

	out->id = record->id;
	out->model_replied = pass->collect.model_replied[0]
		? nm_arena_string(&pass->outcome->arena,
		                  pass->collect.model_replied) : NULL;
	out->truth = pass->collect.model == NM_COLLECT_SIMULATED
		? NM_HEAD_SIMULATED : NM_HEAD_REAL;
	out->began_ms = record->created_ms;
	out->ended_ms = nm_clock_wall_ms(wish->run->clock);
	out->prices = wish->prices;
	out->price = nm_prices_find(wish->prices, nm_text_of(record->model));
	out->n_raw = pass->n_paths;
	tell_spent(&pass->outcome->spending, &out->spent);
	tell_questions(wish->quiz, &out->questions);
	tell_request(pass, &out->request);
	tell_batches(pass, out);
	rc = tell_notes(pass, out, err);
	return rc ? rc : keep_raw(pass, &out->raw, err);
}

static enum nm_code
save(struct pass *pass, struct nm_err *err)
{
	struct nm_outcome *outcome = pass->outcome;
	const struct nm_run *run = pass->wish->run;
	struct nm_head *head = &outcome->summary.head;
	enum nm_code rc;

	nm_tally_metrics(&outcome->tally, &outcome->metrics);
	head->dataset = run->record.name;
	head->model = run->record.model;
	head->mode = is_batch(run) ? NM_HEAD_BATCH : NM_HEAD_DIRECT;
	head->tally = &outcome->tally;
	head->metrics = &outcome->metrics;
	tell_ledger(pass, &head->ledger);
	rc = tell_run(pass, &head->run, err);
	if (rc)
		return rc;
	head->elapsed_ms = nm_clock_mono_ms(run->clock) -
	                   pass->wish->began_mono_ms;
	nm_results_add_head(&outcome->results, head);
	rc = nm_grading_write(&pass->grading, &outcome->results, err);
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
	pass.grading = (struct nm_grading){ wish->quiz, &pass.collect,
	                                    &outcome->spending };
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
		rc = nm_grading_count(&pass.grading, &outcome->tally,
		                      &outcome->ledger, err);
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
