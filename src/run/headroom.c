/*
 * headroom: see the header.
 */
#include "run/headroom.h"

#include "remote/limit.h"
#include "state/limits.h"

enum {
	HOLD_FIRST_MS = 5000,
	HOLD_MAX_MS = 900000,
	LONE_REFUSALS_MAX = 3,
	REFUSALS_MAX = 150 /* at the longest pause, a day and a half */
};

static int64_t
limit_of(const struct nm_run *run, const char *kind)
{
	struct nm_err ignored;
	int64_t value;

	if (nm_limits_get(run->journal, run->record.account,
	                  run->record.model, kind, &value, &ignored))
		return INT64_MAX;
	return value;
}

static int
is_in_flight(const struct nm_shard_record *shard)
{
	return shard->state == NM_SHARD_CREATED ||
	       shard->state == NM_SHARD_CREATING;
}

enum nm_headroom
nm_headroom_for(const struct nm_run *run, const struct nm_shard_record *shard,
                int64_t *tokens_limit)
{
	int64_t requests_max = limit_of(run, "enqueued_requests");
	int64_t tokens = 0, requests = 0;
	size_t i, others = 0;

	*tokens_limit = limit_of(run, "enqueued_tokens");
	for (i = 0; i < run->n_shards; i++) {
		const struct nm_shard_record *other = &run->shards[i];

		if (other == shard || !is_in_flight(other))
			continue;
		others++;
		tokens += other->tokens;
		requests += other->count;
	}
	if ((shard->tokens > *tokens_limit || shard->count > requests_max) &&
	    shard->count > 1)
		return NM_HEADROOM_NEVER;
	if (others && (tokens > *tokens_limit - shard->tokens ||
	               requests > requests_max - shard->count))
		return NM_HEADROOM_LATER;
	if (run->hold_until_ms > nm_clock_mono_ms(run->clock))
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

enum nm_code
nm_headroom_learn(struct nm_run *run, int status, const char *code,
                  const char *message, int64_t asked_ms, int *learnt,
                  struct nm_err *err)
{
	struct nm_limit limit = nm_limit_read(status, nm_text_of(code),
	                                      nm_text_of(message));
	const char *kind = kind_name(limit.kind);

	*learnt = kind != NULL;
	if (!kind)
		return NM_OK;
	hold(run, asked_ms);
	if (limit.value <= 0)
		return NM_OK;
	return nm_limits_set(run->journal, run->record.account,
	                     run->record.model, kind, limit.value,
	                     nm_clock_wall_ms(run->clock), err);
}

void
nm_headroom_hold(struct nm_run *run)
{
	hold(run, 0);
}

enum nm_code
nm_headroom_refused(struct nm_run *run, struct nm_shard_record *shard,
                    const char *why, struct nm_err *err)
{
	int lone = shard->count == 1 &&
	           shard->tokens > limit_of(run, "enqueued_tokens");

	shard->refusals++;
	if (shard->refusals >= (lone ? LONE_REFUSALS_MAX : REFUSALS_MAX)) {
		shard->state = NM_SHARD_REFUSED;
		shard->note = why;
	}
	return nm_run_save(run, shard, err);
}

void
nm_headroom_taken(struct nm_run *run)
{
	run->hold_ms = 0;
	run->hold_until_ms = 0;
}
