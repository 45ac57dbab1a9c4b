/*
 * headroom: see the header.
 */
#include "run/headroom.h"

#include "run/look.h"
#include "state/limits.h"

enum {
	HOLD_FIRST_MS = 5000,
	HOLD_MAX_MS = 900000,
	LONE_REFUSALS_MAX = 3,
	REFUSALS_MAX = 150, /* at the longest pause, a day and a half */
	PAGE = 100
};

/* The note of a shard that has to be split though no limit is known to say so. */
static const char SPLIT_NOTE[] = "refused as it is: to be split";

static int64_t
limit_of(const struct nm_run *run, const char *kind)
{
	struct nm_err ignored;
	int64_t value;

	if (nm_limits_get(run->journal, run->record.account,
	                  run->record.model, kind,
	                  nm_clock_wall_ms(run->clock), &value, &ignored))
		return INT64_MAX;
	return value;
}

static int
is_in_flight(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return (shard->state == NM_SHARD_CREATED &&
	        !nm_run_has_lost(run, shard)) ||
	       (shard->state == NM_SHARD_CREATING &&
	        !nm_look_is_refused(shard));
}

/* Was it created, and may yet be refused? */
static int
is_probing(const struct nm_run *run, size_t which)
{
	const char *status = run->parts[which].status;

	return is_in_flight(run, &run->shards[which]) &&
	       (!status || !status[0] || !strcmp(status, "validating"));
}

/* In halves, where it is not known how small is small enough. */
static int
is_too_large(const struct nm_shard_record *shard,
             struct nm_plan_bounds *bounds)
{
	if (shard->count <= 1)
		return 0;
	if (strcmp(shard->note, SPLIT_NOTE) == 0 &&
	    bounds->requests > (shard->count + 1) / 2)
		bounds->requests = (shard->count + 1) / 2;
	return shard->tokens > bounds->tokens ||
	       shard->count > bounds->requests;
}

enum nm_headroom
nm_headroom_for(const struct nm_run *run, const struct nm_shard_record *shard,
                struct nm_plan_bounds *bounds)
{
	int64_t requests_max = limit_of(run, "enqueued_requests");
	int64_t tokens_max = limit_of(run, "enqueued_tokens");
	int64_t tokens = 0, requests = 0;
	size_t i, others = 0, probing = 0;

	bounds->requests = requests_max;
	bounds->tokens = tokens_max;
	if (is_too_large(shard, bounds))
		return NM_HEADROOM_NEVER;
	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *other = &run->shards[i];

		if (other == shard || !is_in_flight(run, other))
			continue;
		others++;
		probing += (size_t)is_probing(run, i);
		tokens += other->tokens;
		requests += other->count;
	}
	if (others && (tokens > tokens_max - shard->tokens ||
	               requests > requests_max - shard->count))
		return NM_HEADROOM_LATER;
	/* After a refusal one goes ahead, and the rest when it was accepted. */
	if (run->hold_until_ms > nm_clock_mono_ms(run->clock) ||
	    (run->hold_ms && probing))
		return NM_HEADROOM_LATER;
	return NM_HEADROOM_YES;
}

static const char *
kind_name(enum nm_limit_kind kind)
{
	switch (kind) {
	case NM_LIMIT_TOKENS:
		return "enqueued_tokens";
	case NM_LIMIT_REQUESTS:
		return "enqueued_requests";
	case NM_LIMIT_CREATIONS:
		return "creations_per_hour";
	default:
		return NULL;
	}
}

static void
hold(struct nm_run *run, int64_t asked_ms)
{
	int64_t pause_ms = run->hold_ms ? 2 * run->hold_ms : HOLD_FIRST_MS;

	if (pause_ms > HOLD_MAX_MS)
		pause_ms = HOLD_MAX_MS;
	run->hold_ms = pause_ms;
	if (asked_ms > pause_ms)
		pause_ms = asked_ms < HOLD_MAX_MS ? asked_ms : HOLD_MAX_MS;
	run->hold_until_ms = nm_clock_mono_ms(run->clock) + pause_ms;
}

int
nm_headroom_is_meant(const struct nm_refusal *refusal)
{
	return kind_name(nm_limit_read(refusal->status,
	                               nm_text_of(refusal->code),
	                               nm_text_of(refusal->message)).kind) !=
	       NULL;
}

enum nm_code
nm_headroom_learn(struct nm_run *run, int status, const char *code,
                  const char *message, int64_t asked_ms,
                  enum nm_limit_kind *kind, struct nm_err *err)
{
	struct nm_limit limit = nm_limit_read(status, nm_text_of(code),
	                                      nm_text_of(message));
	const char *name = kind_name(limit.kind);

	*kind = name ? limit.kind : NM_LIMIT_NONE;
	if (!name)
		return NM_OK;
	/* Before the patience is over it could not be looked for. */
	if (status && asked_ms < run->settings.patience_ms)
		asked_ms = run->settings.patience_ms;
	hold(run, asked_ms);
	if (limit.value <= 0)
		return NM_OK;
	return nm_limits_set(run->journal, run->record.account,
	                     run->record.model, name, limit.value,
	                     nm_clock_wall_ms(run->clock), err);
}

void
nm_headroom_hold(struct nm_run *run)
{
	hold(run, 0);
}

/* A snapshot's name holds its model's; unknown is taken for ours. */
static int
takes_room(const struct nm_run *run, const struct nm_batch *batch)
{
	return !nm_batch_is_final(batch->status) &&
	       (!batch->model[0] || strstr(batch->model, run->record.model));
}

/* Is no other batch at work, neither of this run nor in the account? Where that
 * cannot be told for now, there may be; where there are no lists, there is none. */
static int
is_alone(const struct nm_run *run, const struct nm_shard_record *shard)
{
	struct nm_arena arena = { 0 };
	struct nm_batches_page page;
	struct nm_err ignored;
	enum nm_code rc;
	int alone = 1;
	size_t i;

	for (i = 0; alone && i < run->n_shards; i++)
		alone = &run->shards[i] == shard ||
		        !is_in_flight(run, &run->shards[i]);
	if (!alone)
		return 0;
	rc = nm_batches_list(run->api, NULL, PAGE, &arena, &page, &ignored);
	alone = !rc || rc == NM_ABSENT || rc == NM_REFUSED;
	for (i = 0; !rc && alone && i < page.count; i++)
		alone = !takes_room(run, &page.batches[i]);
	nm_arena_release(&arena);
	return alone;
}

/* Nothing that ends makes room for this one. */
static int
is_above(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return shard->count == 1 &&
	       shard->tokens > limit_of(run, "enqueued_tokens");
}

static int
is_hopeless(const struct nm_run *run, const struct nm_shard_record *shard)
{
	return shard->count == 1 &&
	       shard->refusals >= (is_above(run, shard) ? LONE_REFUSALS_MAX
	                                                : REFUSALS_MAX);
}

enum nm_code
nm_headroom_refused(struct nm_run *run, struct nm_shard_record *shard,
                    enum nm_limit_kind kind, const char *why,
                    struct nm_err *err)
{
	/* The look below makes the api forget its refusal. */
	const char *note = nm_arena_string(&run->arena, why);

	if (kind == NM_LIMIT_CREATIONS ||
	    (!is_above(run, shard) && !is_alone(run, shard)))
		return nm_run_save(run, shard, err);
	shard->refusals++;
	if (is_hopeless(run, shard)) {
		shard->state = NM_SHARD_REFUSED;
		shard->note = note;
	} else if (shard->count > 1 && shard->refusals >= LONE_REFUSALS_MAX) {
		shard->note = SPLIT_NOTE;
	}
	return nm_run_save(run, shard, err);
}

enum nm_code
nm_headroom_too_large(struct nm_run *run, struct nm_shard_record *shard,
                      int *will, struct nm_err *err)
{
	const struct nm_refusal *said = &run->api->refusal;
	struct nm_limit limit = nm_limit_read(said->status,
	                                      nm_text_of(said->code),
	                                      nm_text_of(said->message));

	*will = limit.kind == NM_LIMIT_FILE_BYTES && shard->count > 1;
	if (!*will)
		return NM_OK;
	shard->note = SPLIT_NOTE;
	return nm_run_save(run, shard, err);
}

void
nm_headroom_taken(struct nm_run *run)
{
	run->hold_ms = 0;
	run->hold_until_ms = 0;
}
