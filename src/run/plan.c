/*
 * plan: see the header.
 */
#include "run/plan.h"

#include "remote/input.h"
#include "run/members.h"
#include "state/limits.h"

/* Cuts a stream of requests into shards. */
struct cutter {
	struct nm_plan        *plan;
	struct nm_input        input;
	struct nm_shard_record shard;   /* the one being filled */
	struct nm_members      members; /* of it, unless it is a plain range */
	int                    range;   /* 1 = ordinals follow each other */
	/* Of the line checked last, its question left out: what those passed over
	 * have in common with it. */
	int                    proven;
	uint64_t               frame_bytes, frame_messages;
	int64_t                attempt;
	int64_t                requests_max, bytes_max, tokens_max;
	int64_t                line;
	/* Inputs of embeddings: of the line checked last, and of the shard. */
	int64_t                inputs, shard_inputs;
};

static void
close_shard(struct cutter *cut)
{
	struct nm_plan *plan = cut->plan;

	if (!cut->shard.count)
		return;
	if (plan->n_shards == plan->room) {
		plan->room = plan->room ? 2 * plan->room : 8;
		plan->shards = realloc(plan->shards,
		                       plan->room * sizeof(*plan->shards));
		if (!plan->shards)
			abort();
	}
	cut->shard.attempt = cut->attempt;
	if (!cut->range) {
		/* An offset until all are known: the bytes may still move. */
		cut->shard.members.len = cut->members.bytes.len;
		nm_buf_add_text(&plan->members,
		                nm_buf_text(&cut->members.bytes));
	}
	plan->shards[plan->n_shards++] = cut->shard;
	memset(&cut->shard, 0, sizeof(cut->shard));
	cut->shard_inputs = 0;
	nm_members_clear(&cut->members);
	/* Ids are unique by the source; of the lines read, within a shard, it is
	 * proven once more. */
	nm_map_clear(&cut->input.ids);
}

static int
is_full(const struct cutter *cut, int64_t bytes, int64_t tokens)
{
	const struct nm_shard_record *shard = &cut->shard;

	return shard->count &&
	       (shard->count >= cut->requests_max ||
	        shard->bytes + bytes > cut->bytes_max ||
	        cut->shard_inputs + cut->inputs > NM_INPUT_EMBEDDINGS_MAX ||
	        shard->tokens + tokens > cut->tokens_max);
}

static enum nm_code
refuse_line(const struct nm_run *run, int64_t ordinal,
            const struct nm_finding *finding, struct nm_err *err)
{
	struct nm_buf id = { 0 };
	enum nm_code rc;

	run->source->name(run->source, ordinal, &id);
	rc = nm_fail(err, NM_INPUT, 0, "%s: the service would refuse it: %s: %s",
	             nm_buf_string(&id), finding->code, finding->message);
	nm_buf_release(&id);
	return rc;
}

/* Reads the line as the service would, and notes what it is a proof of. */
static enum nm_code
check_line(struct cutter *cut, const struct nm_run *run,
           const struct nm_source_item *item, struct nm_err *err)
{
	struct nm_text line = { item->line.at, item->line.len - 1 };
	struct nm_input_line read;
	struct nm_finding finding;

	if (!nm_input_check_line(&cut->input, line, (uint64_t)++cut->line,
	                         &read, &finding))
		return refuse_line(run, item->ordinal, &finding, err);
	cut->proven = 1;
	cut->inputs = (int64_t)read.embeddings;
	cut->frame_bytes = read.prompt_bytes - item->text.len;
	cut->frame_messages = read.messages;
	return NM_OK;
}

/* No batch, however few others it has, may hold it. */
static enum nm_code
check_alone(const struct cutter *cut, const struct nm_source_item *item,
            struct nm_err *err)
{
	if (item->line_bytes > cut->bytes_max)
		return nm_fail(err, NM_INPUT, 0,
			"request %lld alone has %lld bytes, above a batch's"
			" %lld", (long long)item->ordinal,
			(long long)item->line_bytes, (long long)cut->bytes_max);
	if (cut->inputs > NM_INPUT_EMBEDDINGS_MAX)
		return nm_fail(err, NM_INPUT, 0,
			"request %lld alone has %lld embedding inputs, above a"
			" batch's %d", (long long)item->ordinal,
			(long long)cut->inputs, NM_INPUT_EMBEDDINGS_MAX);
	return NM_OK;
}

static void
put_in_shard(struct cutter *cut, const struct nm_source_item *item,
             int64_t tokens)
{
	int64_t bytes = item->line_bytes;

	if (is_full(cut, bytes, tokens))
		close_shard(cut);
	if (!cut->shard.count)
		cut->shard.first = item->ordinal;
	if (!cut->range)
		nm_members_add(&cut->members, item->ordinal);
	cut->shard.count++;
	cut->shard.bytes += bytes;
	cut->shard.tokens += tokens;
	cut->shard_inputs += cut->inputs;
	cut->plan->requests++;
	cut->plan->bytes += bytes;
	cut->plan->tokens += tokens;
}

static enum nm_code
add_request(struct cutter *cut, const struct nm_run *run,
            const struct nm_source_item *item, struct nm_err *err)
{
	enum nm_code rc = item->line.len ? check_line(cut, run, item, err)
	                                 : NM_OK;

	if (!rc)
		rc = check_alone(cut, item, err);
	if (rc)
		return rc;
	put_in_shard(cut, item, (int64_t)nm_input_guess_tokens(
		cut->frame_bytes + item->text.len,
		cut->frame_messages));
	return NM_OK;
}

static int64_t
learnt(const struct nm_run *run, const char *model, const char *kind)
{
	struct nm_err ignored;
	int64_t value;

	if (nm_limits_get(run->journal,
	                  nm_buf_string(&run->api->account->identity), model,
	                  kind, nm_clock_wall_ms(run->clock), &value,
	                  &ignored))
		return INT64_MAX;
	return value;
}

static void
bound(struct cutter *cut, const struct nm_plan_bounds *bounds)
{
	cut->tokens_max = bounds->tokens;
	if (bounds->requests < cut->requests_max)
		cut->requests_max = bounds->requests;
}

/* What the account was found to have room for. */
static void
heed_learnt(struct cutter *cut, const struct nm_run *run, const char *model)
{
	struct nm_plan_bounds bounds;

	if (!run->journal)
		return;
	bounds.tokens = learnt(run, model, "enqueued_tokens");
	bounds.requests = learnt(run, model, "enqueued_requests");
	bound(cut, &bounds);
}

static void
cutter_init(struct cutter *cut, struct nm_plan *plan,
            const struct nm_run *run)
{
	struct nm_input_options options = {
		.lines_max = NM_INPUT_UNBOUNDED,
		.bytes_max = NM_INPUT_UNBOUNDED,
	};

	memset(cut, 0, sizeof(*cut));
	cut->plan = plan;
	cut->attempt = 1;
	cut->requests_max = run->settings.shard_requests;
	cut->bytes_max = run->settings.shard_bytes;
	cut->tokens_max = INT64_MAX;
	nm_input_init(&cut->input, &options);
}

/* The last shard, and the members' bytes in their final place. */
static void
cutter_finish(struct cutter *cut)
{
	struct nm_plan *plan = cut->plan;
	const char *at;
	size_t i;

	close_shard(cut);
	at = nm_buf_string(&plan->members);
	for (i = 0; i < plan->n_shards; i++) {
		struct nm_text *members = &plan->shards[i].members;

		members->at = members->len ? at : NULL;
		at += members->len;
	}
	nm_input_release(&cut->input);
	nm_members_release(&cut->members);
}

/* From the first request that the canary leaves. */
static enum nm_code
walk_all(struct cutter *cut, const struct nm_run *run, struct nm_err *err)
{
	struct nm_source_item item;
	enum nm_code rc = nm_source_rewind(run->source, err);

	while (!rc) {
		rc = cut->proven ? nm_source_pass(run->source, &item, err)
		                 : nm_source_next(run->source, &item, err);
		if (rc || item.ordinal < 0)
			break;
		if (item.ordinal >= run->settings.canary)
			rc = add_request(cut, run, &item, err);
	}
	return rc;
}

enum nm_code
nm_plan_make(struct nm_plan *plan, const struct nm_run *run,
             const struct nm_run_wish *wish, struct nm_err *err)
{
	struct cutter cut;
	enum nm_code rc;

	cutter_init(&cut, plan, run);
	cut.range = 1;
	heed_learnt(&cut, run, wish->model);
	rc = walk_all(&cut, run, err);
	cutter_finish(&cut);
	if (!rc && !plan->requests && !run->settings.canary)
		rc = nm_fail(err, NM_INPUT, 0, "%s has no question to ask",
		             wish->name);
	if (strcmp(wish->mode, "direct") == 0)
		plan->n_shards = 0;
	return rc;
}

enum nm_code
nm_plan_measure(struct nm_plan *plan, struct nm_source *source,
                const struct nm_run_settings *settings, struct nm_err *err)
{
	struct nm_run run = { .source = source };
	struct nm_run_wish wish = { .mode = "batch", .name = "the dataset" };

	nm_run_fill_settings(&run.settings, settings);
	return nm_plan_make(plan, &run, &wish, err);
}

static enum nm_code
walk_members(struct cutter *cut, const struct nm_run *run,
             struct nm_members_walk *walk, struct nm_err *err)
{
	struct nm_source_item item;
	enum nm_code rc = NM_OK;
	int64_t ordinal;

	while (!rc && (ordinal = nm_members_walk_next(walk)) >= 0) {
		rc = nm_source_seek(run->source, ordinal, &item, err);
		if (!rc)
			rc = add_request(cut, run, &item, err);
	}
	return rc;
}

enum nm_code
nm_plan_again(struct nm_plan *plan, const struct nm_run *run,
              struct nm_text members, int64_t count, int64_t attempt,
              struct nm_err *err)
{
	struct nm_members_walk walk;
	struct cutter cut;
	enum nm_code rc;

	cutter_init(&cut, plan, run);
	cut.attempt = attempt;
	heed_learnt(&cut, run, run->record.model);
	nm_members_walk_init(&walk, 0, count, members);
	rc = walk_members(&cut, run, &walk, err);
	cutter_finish(&cut);
	return rc;
}

enum nm_code
nm_plan_split(struct nm_plan *plan, const struct nm_run *run,
              const struct nm_shard_record *shard,
              const struct nm_plan_bounds *bounds, struct nm_err *err)
{
	struct nm_members_walk walk;
	struct cutter cut;
	enum nm_code rc;

	cutter_init(&cut, plan, run);
	cut.attempt = shard->attempt;
	cut.range = shard->members.len == 0;
	bound(&cut, bounds);
	nm_members_walk_init(&walk, shard->first, shard->count,
	                     shard->members);
	rc = walk_members(&cut, run, &walk, err);
	cutter_finish(&cut);
	return rc;
}

void
nm_plan_release(struct nm_plan *plan)
{
	/* An adopting caller's list lives in its arena: room is 0 then. */
	if (plan->room)
		free(plan->shards);
	nm_buf_release(&plan->members);
	memset(plan, 0, sizeof(*plan));
}
