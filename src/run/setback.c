/*
 * setback: see the header.
 */
#include "run/setback.h"

#include "run/run.h"

enum {
	PAUSE_FIRST_MS = 250, /* doubled before the first wait */
	PAUSE_MAX_MS = 60000,
	RATE_PAUSE_FIRST_MS = 2500,
	RATE_PAUSE_MAX_MS = 900000,
	ASKED_MAX_MS = 600000
};

struct nm_setback *
nm_setback_of(struct nm_run *run, const struct nm_shard_record *shard)
{
	size_t which = (size_t)(shard - run->shards);

	if (run->n_setbacks < run->n_shards) {
		struct nm_setback *more;

		more = nm_arena_array(&run->arena, run->n_shards,
		                      sizeof(*more));
		if (run->n_setbacks)
			memcpy(more, run->setbacks,
			       run->n_setbacks * sizeof(*more));
		run->setbacks = more;
		run->n_setbacks = run->n_shards;
	}
	return &run->setbacks[which];
}

int64_t
nm_setback_wait_ms(const struct nm_run *run, const struct nm_setback *own)
{
	int64_t next_ms = own->next_ms > run->quiet_until_ms
	                  ? own->next_ms : run->quiet_until_ms;
	int64_t now_ms = nm_clock_mono_ms(run->clock);

	return next_ms > now_ms ? next_ms - now_ms : 0;
}

int64_t
nm_setback_age_ms(const struct nm_run *run, const struct nm_setback *own)
{
	return own->since_ms ? nm_clock_mono_ms(run->clock) - own->since_ms
	                     : 0;
}

/* Its pause grows; what the service asks for is granted, within reason. */
static int64_t
choose_pause(const struct nm_run *run, struct nm_setback *own,
             enum nm_code rc)
{
	const struct nm_refusal *said = &run->api->refusal;
	int64_t longest_ms = PAUSE_MAX_MS;
	int64_t asked_ms = said->status ? said->retry_after_ms : -1;

	/* The look that comes first is patience enough, the first time. */
	if (rc == NM_AMBIGUOUS && !own->pause_ms) {
		own->pause_ms = PAUSE_FIRST_MS;
		return 0;
	}
	if (own->pause_ms < PAUSE_FIRST_MS)
		own->pause_ms = PAUSE_FIRST_MS;
	/* A rate that is used up comes back in minutes or an hour. */
	if (said->status == 429) {
		longest_ms = RATE_PAUSE_MAX_MS;
		if (own->pause_ms < RATE_PAUSE_FIRST_MS)
			own->pause_ms = RATE_PAUSE_FIRST_MS;
	}
	own->pause_ms = own->pause_ms * 2 < longest_ms ? own->pause_ms * 2
	                                               : longest_ms;
	return asked_ms > own->pause_ms && asked_ms < ASKED_MAX_MS
	       ? asked_ms : own->pause_ms;
}

static void
tell(struct nm_run *run, struct nm_setback *own, enum nm_code rc,
     int64_t limit_ms, const struct nm_err *err)
{
	char span[NM_CLOCK_TEXT_MAX];

	/* Where nothing ever answered the end is near, and tells it all. */
	if (!run->api->reached)
		return;
	if (!own->told && !run->outage_told) {
		nm_clock_span(limit_ms, span);
		nm_run_warn(run, rc == NM_AMBIGUOUS
		            ? "%s: looking for it before it is sent again"
		            : "%s: trying again, for up to %s",
		            err->text, span);
	}
	own->told = 1;
	run->outage_told = 1;
}

static enum nm_code
give_up(struct nm_run *run, const struct nm_setback *own, enum nm_code rc,
        struct nm_err *err)
{
	char span[NM_CLOCK_TEXT_MAX];

	nm_clock_span(nm_setback_age_ms(run, own), span);
	if (run->api->reached)
		nm_while(err, "trying for %s", span);
	else
		nm_while(err, "trying for %s: nothing at %s has answered as the"
		         " service does; is that its address?", span,
		         nm_buf_string(&run->api->account->base_url));
	return rc;
}

enum nm_code
nm_setback_bear(struct nm_run *run, struct nm_setback *own, enum nm_code rc,
                const struct nm_setback_terms *terms, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(run->clock);
	int64_t limit_ms = terms ? terms->limit_ms : 0;
	int64_t pause_ms;

	if (rc != NM_UNREACHABLE && rc != NM_AMBIGUOUS && rc != NM_PROTOCOL)
		return rc;
	if (!limit_ms)
		limit_ms = run->api->reached ? run->settings.outage_ms
		                             : run->settings.patience_ms;
	if (!own->since_ms)
		own->since_ms = now_ms;
	if (now_ms - own->since_ms >= limit_ms)
		return give_up(run, own, rc, err);
	pause_ms = choose_pause(run, own, rc);
	if (terms && terms->pause_ms > pause_ms)
		pause_ms = terms->pause_ms;
	own->next_ms = now_ms + pause_ms;
	if (!run->api->refusal.status && rc == NM_UNREACHABLE &&
	    !(terms && terms->silence == NM_SETBACK_OWN))
		run->quiet_until_ms = own->next_ms;
	tell(run, own, rc, limit_ms, err);
	return NM_OK;
}

void
nm_setback_over(struct nm_run *run, struct nm_setback *own)
{
	char span[NM_CLOCK_TEXT_MAX];

	if (own->told && run->outage_told) {
		nm_clock_span(nm_setback_age_ms(run, own), span);
		nm_run_note(run, "it went well again after %s", span);
	}
	*own = (struct nm_setback){ 0 };
	run->quiet_until_ms = 0;
	run->outage_told = 0;
}
