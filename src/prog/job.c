/*
 * job: see the header. Taking up batches by their ids is in takeup.c.
 */
#include "prog/job.h"

#include "prog/command.h"
#include "prog/complaint.h"
#include "prog/money.h"
#include "prog/stake.h"
#include "run/canary.h"
#include "run/deadline.h"
#include "run/via_batch.h"
#include "run/via_direct.h"

int
nm_job_is_batch(const struct nm_job *job)
{
	return strcmp(job->run.record.mode, "batch") == 0;
}

enum nm_code
nm_job_read(struct nm_job *job, const struct nm_job_tools *tools,
            const struct nm_quiz_wish *wish, struct nm_err *err)
{
	struct nm_bad_lines bad = { .message = tools->message };
	struct nm_quiz_wish full = *wish;
	enum nm_code rc;

	memset(job, 0, sizeof(*job));
	job->tools = tools;
	full.bad_line = nm_complain_of_line;
	full.bad_line_context = &bad;
	rc = nm_quiz_open(&job->quiz, &full, err);
	nm_complain_of_more(&bad);
	if (rc == NM_INPUT && !wish->path && !strpbrk(wish->typed, "./") &&
	    strncmp(err->text, "cannot read ", 12) == 0)
		nm_while(err, "looking for a dataset: 1-hop, 2-hop, 3-hop, or"
		         " the path of a file");
	if (!rc && tools->service->server)
		rc = nm_server_add_key(tools->service->server,
		                       nm_quiz_path(job->quiz), err);
	return rc;
}

struct nm_run_tools
nm_job_run_tools(const struct nm_job *job)
{
	return (struct nm_run_tools){
		.journal = job->tools->journal,
		.api = &job->tools->service->api,
		.clock = &job->tools->service->clock,
		.watch = job->tools->watch,
		.settings = &job->tools->settings,
	};
}

/* "Variant0 - 1-hop-test", as people know it from lists of batches. */
const char *
nm_job_description(struct nm_job *job)
{
	return nm_arena_printf(&job->arena, "Variant0 - %s",
	                       nm_quiz_name(job->quiz));
}

/* All that makes two runs the same, beside the questions, model and account. */
static void
write_identity(struct nm_job *job, struct nm_buf *out)
{
	const struct nm_quiz_wish *wish = nm_quiz_wish(job->quiz);
	const struct nm_run_settings *settings = &job->tools->settings;

	nm_buf_addf(out, "%s %lld %lld", nm_quiz_prompt_digest(job->quiz),
	            (long long)wish->max_output_tokens,
	            (long long)settings->shard_requests);
}

enum nm_code
nm_job_record(struct nm_job *job, struct nm_err *err)
{
	struct nm_run_tools tools = nm_job_run_tools(job);
	struct nm_batch_pair pairs[NM_RUN_METADATA_MAX];
	struct nm_buf spec = { 0 }, identity = { 0 };
	const char *description = nm_job_description(job);
	struct nm_run_wish wish = {
		.mode = job->tools->mode,
		.name = nm_quiz_name(job->quiz),
		.model = nm_quiz_wish(job->quiz)->model,
		.endpoint = nm_endpoint_path(NM_ENDPOINT_CHAT),
		.metadata = pairs,
	};
	enum nm_code rc;

	nm_quiz_spec(job->quiz, description, &spec);
	write_identity(job, &identity);
	wish.spec = nm_buf_string(&spec);
	wish.identity = nm_buf_string(&identity);
	wish.n_metadata = nm_quiz_metadata(job->quiz, description,
	                                   &job->arena, pairs);
	rc = nm_run_open(&job->run, &tools, nm_quiz_source(job->quiz), &wish,
	                 job->tools->take, err);
	nm_buf_release(&spec);
	nm_buf_release(&identity);
	return rc;
}

void
nm_job_leave(struct nm_job *job)
{
	struct nm_err err;

	if (job->run.origin == NM_RUN_NEW && !nm_via_batch_sent(&job->run) &&
	    nm_run_saved(&job->run, "", NM_RUN_LEFT, &err))
		nm_message_error(job->tools->message, &err);
}

/* What went wrong with it would go wrong with all: the run ends here. Of one that was
 * never answered nothing is lost by that, and --canary 0 may begin another. */
static int
ends_run(const struct nm_job *job, enum nm_code rc)
{
	if (nm_via_batch_sent(&job->run))
		return 0;
	return rc == NM_REFUSED || rc == NM_UNFINISHED ||
	       (rc == NM_UNREACHABLE && !nm_via_direct_has_answers(&job->run));
}

static enum nm_code
ask_canary(struct nm_job *job, struct nm_canary *canary, struct nm_err *err)
{
	enum nm_code rc = nm_canary_ask(&job->run, job->tools->reading,
	                                canary, err);
	struct nm_err late;

	if (ends_run(job, rc) &&
	    nm_run_saved(&job->run, "", NM_RUN_LEFT, &late))
		nm_message_error(job->tools->message, &late);
	return rc;
}

/* Now the length of a reply is known, not guessed. */
static enum nm_code
heed_estimate(const struct nm_job *job, const struct nm_canary *canary,
              struct nm_err *err)
{
	struct nm_job learnt = *job;
	struct nm_stake rest = {
		.unsent = job->run.source->count - canary->asked,
	};
	char low[NM_PRICE_TEXT_MAX], high[NM_PRICE_TEXT_MAX];
	struct nm_estimate_cost cost;

	learnt.seen_tokens = canary->output_tokens;
	cost = nm_stake_cost(&learnt, &rest);
	if (cost.kind != NM_COST_KNOWN || job->tools->service->server)
		return NM_OK;
	nm_price_print(cost.low_pusd, 4, low);
	nm_price_print(cost.high_pusd, 4, high);
	nm_message_note(job->tools->message,
		"the canary took %lld tokens a reply: by that the other %lld"
		" cost $%s to $%s (an estimate)",
		(long long)canary->output_tokens, (long long)rest.unsent,
		low, high);
	return nm_money_ask(job->tools, &cost, err);
}

/* Before anything of the first attempt is sent by batch. */
static enum nm_code
pass_canary(struct nm_job *job, struct nm_err *err)
{
	struct nm_canary canary;
	enum nm_code rc = ask_canary(job, &canary, err);

	if (rc || !canary.output_tokens ||
	    !nm_via_batch_waiting(&job->run))
		return rc;
	if (!nm_via_batch_sent(&job->run))
		rc = heed_estimate(job, &canary, err);
	return rc ? rc : nm_stake_take_all(job, err);
}

enum nm_code
nm_job_submit(struct nm_job *job, struct nm_err *err)
{
	enum nm_code rc;

	if (!nm_job_is_batch(job))
		return NM_OK;
	rc = pass_canary(job, err);
	return rc ? rc : nm_via_batch_submit(&job->run, err);
}

static enum nm_code
ask_directly(struct nm_job *job, int64_t attempt, struct nm_err *err)
{
	struct nm_direct_wish wish = {
		.attempt = attempt,
		.members = nm_buf_text(&job->outcome.again.bytes),
		.count = job->outcome.again.count,
	};

	if (attempt == 1 && !nm_job_is_batch(job)) {
		wish.members = (struct nm_text){ 0 };
		wish.count = job->run.source->count;
	}
	return nm_via_direct(&job->run, &wish, err);
}

static enum nm_code
make_outcome(struct nm_job *job, int64_t attempts, struct nm_err *err)
{
	struct nm_outcome_wish wish = {
		.run = &job->run,
		.quiz = job->quiz,
		.prices = job->tools->prices,
		.results_dir = job->tools->results_dir,
		.reading = job->tools->reading,
		.began_mono_ms = job->tools->began_mono_ms,
		.attempts = attempts,
	};
	enum nm_code rc = nm_outcome_make(&job->outcome, &wish, err);

	job->scored = !rc;
	if (!rc)
		nm_stake_settle(job, &job->outcome.spending);
	if (!rc && job->outcome.usage_note[0])
		nm_message_warn(job->tools->message, "%s",
		                job->outcome.usage_note);
	return rc;
}

static int
is_tail_direct(const struct nm_job *job)
{
	return !job->scoring_only && job->tools->tail == NM_TAIL_DIRECT;
}

/*
 * Is there something to score, or to ask again? Also where a batch ended well and
 * its files are gone (all are missing then), where it was ended here or is gone
 * itself, and where the canary answered.
 */
static int
came_back(const struct nm_job *job)
{
	size_t i;

	if (!nm_job_is_batch(job) ||
	    (!job->scoring_only && nm_canary_size(&job->run)))
		return 1;
	if (is_tail_direct(job) && job->run.gone.code)
		return 1;
	for (i = 0; i < job->run.n_shards; i++) {
		const struct nm_shard_record *shard = &job->run.shards[i];

		if (shard->output_path[0] || shard->error_path[0] ||
		    !strcmp(shard->status, "completed") ||
		    !strcmp(shard->status, "expired") ||
		    nm_deadline_ended(shard))
			return 1;
	}
	return 0;
}

/* Nothing more will be done, and the same command begins a new run; with more money
 * there would be more to do. */
static enum nm_code
close_run(struct nm_job *job, struct nm_err *err)
{
	const char *path = job->scored ? job->outcome.summary.run_path : NULL;

	return nm_run_saved(&job->run, path ? path : "", job->short_of_money
	                    ? NM_RUN_OPEN : NM_RUN_DONE, err);
}

static void
say_again(const struct nm_job *job, int64_t number)
{
	nm_message_note(job->tools->message,
		"%lld of %lld are asked again (attempt %lld)",
		(long long)job->outcome.again.count,
		(long long)job->run.source->count,
		(long long)number);
}

/* The first attempt: all of it, or what an earlier process left of it. */
static enum nm_code
first_round(struct nm_job *job, struct nm_err *err)
{
	enum nm_code rc;

	if (!nm_job_is_batch(job))
		return ask_directly(job, 1, err);
	rc = job->scoring_only ? NM_OK : pass_canary(job, err);
	if (!rc)
		rc = nm_via_batch_finish(&job->run, err);
	/* The person's word: what is missing is asked directly, whatever it cost. */
	if (rc == NM_ABSENT && job->run.gone.code && is_tail_direct(job)) {
		nm_message_warn(job->tools->message, "%s", err->text);
		rc = NM_OK;
	}
	return rc;
}

/*
 * Another attempt at the members of the outcome; *number is the newest that ended.
 * One that was asked directly and broken off goes on directly, under its number; by
 * batch it is one more.
 */
static enum nm_code
next_round(struct nm_job *job, int64_t *number, struct nm_err *err)
{
	int direct = !nm_job_is_batch(job) ||
	             job->tools->tail == NM_TAIL_DIRECT;
	const struct nm_members *again = &job->outcome.again;
	enum nm_code rc;

	if (!direct && *number < job->outcome.attempts)
		*number = job->outcome.attempts;
	++*number;
	rc = nm_stake_take(job, again->count,
	                   direct ? NM_PRICE_STANDARD : NM_PRICE_BATCH, err);
	if (rc) {
		job->short_of_money = 1;
		nm_while(err, "asking %lld of %lld again",
		         (long long)again->count,
		         (long long)job->run.source->count);
		return err->code = NM_UNFINISHED;
	}
	say_again(job, *number);
	if (direct)
		return ask_directly(job, *number, err);
	rc = nm_attempts_plan(&job->run, again, *number, err);
	return rc ? rc : nm_via_batch_finish(&job->run, err);
}

static enum nm_code
judge(struct nm_job *job, struct nm_err *err)
{
	uint64_t failures =
		nm_ledger_instrument_failures(&job->outcome.ledger);

	if (!failures)
		return NM_OK;
	return nm_fail(err, NM_UNFINISHED, 0,
		"%llu of %lld questions of %s have no answer of the model's:"
		" the service failed them",
		(unsigned long long)failures,
		(long long)job->run.source->count, job->run.record.name);
}

/* What came of direct mode is worth a look, however it ended, and what came beside
 * batches that are gone; where nothing came, earlier results stay as they are. */
static enum nm_code
stop_early(struct nm_job *job, enum nm_code rc, struct nm_err *err)
{
	int worth = nm_job_is_batch(job)
		? job->run.gone.code && came_back(job)
		: nm_via_direct_has_answers(&job->run);
	struct nm_err late;

	if (worth && make_outcome(job, 1, &late))
		nm_message_error(job->tools->message, &late);
	if (worth && job->run.gone.code)
		nm_message_note(job->tools->message, "what came of %s is"
			" scored and kept; --finish-direct asks what is"
			" missing directly", job->run.record.name);
	err->code = rc;
	return rc;
}

/* The batches' attempts that an earlier process made are there already; one that
 * was asked directly may have been broken off. */
static int64_t
first_attempt(const struct nm_job *job)
{
	int64_t newest = 1;
	size_t i;

	for (i = 0; i < job->run.n_shards; i++)
		if (job->run.shards[i].attempt > newest)
			newest = job->run.shards[i].attempt;
	return newest;
}

/* Attempt after attempt, until nothing is left that is worth another. */
static enum nm_code
go_round(struct nm_job *job, struct nm_err *err)
{
	int64_t number = first_attempt(job);
	enum nm_code rc = first_round(job, err);

	while (!rc) {
		nm_complain_of_batches(job->tools->message, &job->run,
		                       job->quiz);
		if (!came_back(job))
			return NM_OK;
		rc = make_outcome(job, number, err);
		if (rc)
			return rc;
		if (!job->outcome.again.count || job->scoring_only)
			return NM_OK;
		rc = next_round(job, &number, err);
		if (job->short_of_money)
			return NM_OK;
	}
	return stop_early(job, rc, err);
}

enum nm_code
nm_job_finish(struct nm_job *job, struct nm_err *err)
{
	enum nm_code rc = go_round(job, err);
	struct nm_err late;

	if (rc)
		return rc;
	if (close_run(job, &late)) {
		*err = late;
		return late.code;
	}
	if (job->short_of_money)
		return NM_UNFINISHED;
	if (!job->scored)
		return nm_fail(err, NM_UNFINISHED, 0,
			"no batch of %s brought a result", job->run.record.name);
	return judge(job, err);
}

const char *
nm_job_batch_id(const struct nm_job *job)
{
	size_t i;

	for (i = 0; i < job->run.n_shards; i++)
		if (job->run.shards[i].batch_id[0])
			return job->run.shards[i].batch_id;
	return "";
}

static const char *
command(struct nm_job *job, const char *program, const char *options)
{
	struct nm_buf out = { 0 };
	const char *kept;

	nm_command_add_program(&out, job->tools->typed, program);
	nm_buf_add_string(&out, options);
	nm_command_add_word(&out, nm_job_batch_id(job));
	nm_buf_add_text(&out, nm_buf_text(&job->tools->service->flags));
	kept = nm_arena_string(&job->arena, nm_buf_string(&out));
	nm_buf_release(&out);
	return kept;
}

const char *
nm_job_resume_command(struct nm_job *job)
{
	return command(job, "variant0_llm_baseline",
	               " --mode batch --batch-id");
}

const char *
nm_job_status_command(struct nm_job *job)
{
	return command(job, "batch_manager", " --status");
}

void
nm_job_release(struct nm_job *job)
{
	nm_outcome_release(&job->outcome);
	nm_run_release(&job->run);
	nm_quiz_close(job->quiz);
	nm_arena_release(&job->arena);
	memset(job, 0, sizeof(*job));
}
