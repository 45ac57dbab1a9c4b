/*
 * heading: see the header.
 */
#include "task/heading.h"

static const char *
or_none(const char *text)
{
	return text[0] ? text : NULL;
}

static void
tell_ledger(const struct nm_heading *from, struct nm_head_ledger *out)
{
	struct nm_ledger *ledger = from->ledger;
	struct nm_head_reason *reasons;
	size_t i;

	nm_ledger_sort(ledger);
	reasons = nm_arena_array(from->arena, ledger->n_reasons + 1,
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
		.unknown = from->collect->unknown,
		.duplicate = from->collect->duplicate,
		.malformed = from->collect->malformed,
		.attempts = (uint64_t)from->attempts,
		.reasons = reasons,
		.n_reasons = ledger->n_reasons,
	};
}

static void
tell_batches(const struct nm_heading *from, struct nm_head_run *out)
{
	const struct nm_run *run = from->run;
	struct nm_head_batch *list = nm_arena_array(from->arena,
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
tell_request(const struct nm_heading *from, struct nm_head_request *out)
{
	const struct nm_run *run = from->run;
	const struct nm_quiz_wish *wish = nm_quiz_wish(from->quiz);

	*out = (struct nm_head_request){
		.endpoint = run->api->account->kind == NM_ACCOUNT_LOCAL
			? "local"
			: nm_buf_string(&run->api->account->base_url),
		.url = run->record.endpoint,
		.prompt_path = wish->prompt_path,
		.prompt_sha256 = or_none(nm_quiz_prompt_digest(from->quiz)),
		.digest = or_none(nm_quiz_request_digest(from->quiz)),
		.max_output_tokens = wish->max_output_tokens,
		.reading = from->reading == NM_READING_LENIENT
			? "lenient" : "strict",
		.max_attempts = (uint64_t)run->settings.max_attempts,
		.reask = (uint64_t)run->settings.reask,
	};
}

static enum nm_code
tell_notes(const struct nm_heading *from, struct nm_head_run *out,
           struct nm_err *err)
{
	const char **notes = nm_arena_array(from->arena, 1, sizeof(*notes));
	enum nm_place_origin origin;
	enum nm_code rc;

	rc = nm_place_origin(nm_quiz_facts(from->quiz)->file_sha256,
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

static void
tell_replies(const struct nm_heading *from, struct nm_head_run *out)
{
	const struct nm_collect *collect = from->collect;

	out->model_replied = collect->model_replied[0]
		? nm_arena_string(from->arena, collect->model_replied) : NULL;
	out->truth = collect->model == NM_COLLECT_SIMULATED
		? NM_HEAD_SIMULATED : NM_HEAD_REAL;
	out->raw = from->raw;
	out->n_raw = from->n_raw;
	tell_spent(from->spending, &out->spent);
}

static enum nm_code
tell_run(const struct nm_heading *from, struct nm_head_run *out,
         struct nm_err *err)
{
	const struct nm_run_record *record = &from->run->record;

	out->id = record->id;
	out->began_ms = record->created_ms;
	out->ended_ms = nm_clock_wall_ms(from->run->clock);
	out->prices = from->prices;
	out->price = nm_prices_find(from->prices, nm_text_of(record->model));
	tell_replies(from, out);
	tell_questions(from->quiz, &out->questions);
	tell_request(from, &out->request);
	tell_batches(from, out);
	return tell_notes(from, out, err);
}

enum nm_code
nm_heading_make(const struct nm_heading *from, struct nm_head *head,
                struct nm_err *err)
{
	const struct nm_run *run = from->run;

	*head = (struct nm_head){
		.dataset = run->record.name,
		.model = run->record.model,
		.mode = strcmp(run->record.mode, "batch") == 0
			? NM_HEAD_BATCH : NM_HEAD_DIRECT,
		.tally = from->tally,
		.metrics = from->metrics,
		.elapsed_ms = nm_clock_mono_ms(run->clock) -
		              from->began_mono_ms,
	};
	nm_tally_metrics(from->tally, from->metrics);
	tell_ledger(from, &head->ledger);
	return tell_run(from, &head->run, err);
}
