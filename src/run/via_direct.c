/*
 * via_direct: see the header. What is sent when is in direct_send.c, what a reply means
 * in direct_reply.c, how answers become files in direct_files.c.
 */
#include "run/direct_inner.h"

#include "state/answers.h"
#include "state/flights.h"

enum {
	COMMIT_MS = 200, COMMIT_ROWS = 1024, POLL_MS = 50,
	DRAIN_MS = 5000, OFFER_MS = 1000,
	TOLD_AFTER_MS = 2000 /* of an outage, or of a hold */
};

static void
set_done(struct nm_direct *d, int64_t ordinal)
{
	d->done[ordinal >> 3] |= (unsigned char)(1 << (ordinal & 7));
}

static enum nm_code
mark_answered(void *context, const struct nm_answer_record *answer,
              struct nm_err *err)
{
	struct nm_direct *d = context;

	(void)err;
	if (answer->attempt == d->attempt && answer->ordinal >= 0 &&
	    answer->ordinal < d->run->source->count) {
		set_done(d, answer->ordinal);
		d->part->done++;
	}
	return NM_OK;
}

/* Who never replied is given less time than who will surely come back. */
static int64_t
patience_of(const struct nm_direct *d)
{
	return d->run->replies ? d->run->settings.outage_ms
	                       : d->run->settings.patience_ms;
}

/* Says that an outage began, or ended. */
static void
tell_outage(struct nm_direct *d, int64_t failing_ms)
{
	char span[NM_CLOCK_TEXT_MAX];

	if (d->told && !failing_ms) {
		d->told = 0;
		nm_run_note(d->run, "the service answers again: going on");
	}
	if (d->told || !d->trouble.code || !nm_pace_is_outage(d->pace) ||
	    failing_ms < TOLD_AFTER_MS)
		return;
	d->told = 1;
	nm_clock_span(patience_of(d), span);
	nm_run_warn(d->run, "%s: waiting for the service, %s at most",
	            d->trouble.text, span);
}

static const char *
status_of(const struct nm_direct *d, int64_t now_ms)
{
	if (d->told)
		return "waiting for the service";
	if (d->pace->held_until_ms - TOLD_AFTER_MS > now_ms)
		return "held back by the service";
	if (d->attempt > 1)
		return "asking again";
	/* A batch run's first attempt asks nothing directly but its canary. */
	return strcmp(d->run->record.mode, "batch") == 0 ? "asking the canary"
	                                                 : "asking";
}

/* A service that has failed everything for so long is left: the run stays open. */
static enum nm_code
check_outage(struct nm_direct *d, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	int64_t failing_ms = nm_pace_failing_ms(d->pace, now_ms);
	char span[NM_CLOCK_TEXT_MAX];

	tell_outage(d, failing_ms);
	d->part->status = status_of(d, now_ms);
	nm_run_progress(d->run);
	/* The attempt before may have ended in it: this one has yet to see. */
	if (failing_ms < patience_of(d) || !d->trouble.code)
		return NM_OK;
	*err = d->trouble;
	nm_clock_span(failing_ms, span);
	nm_while(err, "waiting for the service for %s; what came is kept, the"
	         " same command goes on", span);
	return err->code = NM_UNREACHABLE;
}

static int
is_over(const struct nm_direct *d)
{
	return d->asked_all && !d->flying && !d->waiting;
}

/* A disk that is full for the moment: what came waits in memory, and nothing more is
 * asked, until there is room or the service's own time to be away is over. */
static enum nm_code
bear_full_disk(struct nm_direct *d, int64_t now_ms, struct nm_err *err)
{
	char span[NM_CLOCK_TEXT_MAX];

	d->offer_ms = now_ms + OFFER_MS;
	if (!d->full_since_ms) {
		d->full_since_ms = now_ms;
		nm_clock_span(d->run->settings.outage_ms, span);
		nm_run_warn(d->run, "the journal cannot be written, the disk may"
		            " be full: %zu answers wait in memory for room, %s"
		            " at most, and nothing more is asked",
		            d->pouch.count, span);
	}
	return now_ms - d->full_since_ms < d->run->settings.outage_ms
	       ? NM_OK : err->code;
}

static int
is_commit_due(const struct nm_direct *d, int64_t now_ms)
{
	if (!d->pouch.count || now_ms < d->offer_ms)
		return 0;
	return d->full_since_ms || is_over(d) || d->pouch.count >= COMMIT_ROWS ||
	       now_ms - d->pending_since_ms >= COMMIT_MS;
}

static enum nm_code
commit_in_time(struct nm_direct *d, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	enum nm_code rc;

	if (!is_commit_due(d, now_ms))
		return NM_OK;
	rc = nm_pouch_commit(&d->pouch, d->run, err);
	if (rc == NM_IO)
		return bear_full_disk(d, now_ms, err);
	if (!rc && d->full_since_ms) {
		d->full_since_ms = d->offer_ms = 0;
		nm_run_note(d->run, "the answers are kept: going on");
	}
	return rc;
}

static enum nm_code
turn(struct nm_direct *d, struct nm_err *err)
{
	enum nm_code rc = nm_direct_send(d, err);

	if (!rc && (!is_over(d) || d->full_since_ms))
		rc = nm_http_poll(d->run->api->http, POLL_MS, err);
	if (!rc && d->stop) {
		*err = d->why;
		rc = err->code = d->stop;
	}
	if (!rc)
		rc = commit_in_time(d, err);
	if (!rc)
		rc = check_outage(d, err);
	return rc ? rc : nm_clock_check(d->run->clock, err);
}

static void
init(struct nm_direct *d, struct nm_run *run, const struct nm_direct_wish *wish)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	d->run = run;
	d->attempt = wish->attempt;
	d->purse = wish->purse;
	d->next = -1;
	d->n_slots = (size_t)run->settings.concurrency;
	d->slots = calloc(d->n_slots, sizeof(*d->slots));
	d->done = calloc((size_t)run->source->count / 8 + 1, 1);
	if (!d->slots || !d->done)
		abort();
	for (i = 0; i < d->n_slots; i++)
		d->slots[i].direct = d;
	nm_members_walk_init(&d->walk, 0, wish->count, wish->members);
	if (!run->pace) {
		run->pace = nm_arena_array(&run->arena, 1, sizeof(*run->pace));
		nm_pace_init(run->pace, run->settings.concurrency);
	}
	d->pace = run->pace;
	run->direct = nm_arena_array(&run->arena, 1, sizeof(*run->direct));
	d->part = run->direct;
	if (strncmp(run->record.endpoint, "/v1/", 4) == 0)
		d->path = run->record.endpoint + 3;
	d->part->total = wish->count;
}

static void
release(struct nm_direct *d)
{
	size_t i;

	for (i = 0; i < d->n_slots; i++) {
		if (d->slots[i].state == SLOT_FLYING)
			nm_chat_cancel(d->slots[i].chat);
		nm_buf_release(&d->slots[i].body);
		nm_buf_release(&d->slots[i].custom_id);
	}
	free(d->slots);
	free(d->done);
	nm_row_reader_release(&d->reader);
	nm_buf_release(&d->row);
	nm_pouch_release(&d->pouch);
}

/* What still flies when the service refuses us may be an answer that is paid for. */
static void
drain(struct nm_direct *d)
{
	int64_t end_ms = nm_clock_mono_ms(d->run->clock) + DRAIN_MS;
	struct nm_err none;

	while (d->flying && nm_clock_mono_ms(d->run->clock) < end_ms &&
	       !nm_clock_check(d->run->clock, &none) &&
	       !nm_http_poll(d->run->api->http, POLL_MS, &none))
		continue;
}

enum nm_code
nm_via_direct(struct nm_run *run, const struct nm_direct_wish *wish,
              struct nm_err *err)
{
	struct nm_direct d;
	struct nm_err late;
	enum nm_code rc;

	init(&d, run, wish);
	rc = nm_answers_walk(run->journal, run->record.id, mark_answered, &d,
	                     err);
	if (!rc)
		rc = nm_flights_get(run->journal, run->record.id, &d.lost, err);
	d.intended = d.lost;
	while (!rc && !(is_over(&d) && !d.pouch.count))
		rc = turn(&d, err);
	if (rc == NM_REFUSED)
		drain(&d);
	/* What came is kept, however it ended. */
	if (nm_pouch_commit(&d.pouch, run, &late))
		nm_run_warn(run, "%s: %zu answers that came are lost", late.text,
		            d.pouch.count);
	nm_direct_leave(&d);
	release(&d);
	return rc;
}

int
nm_via_direct_has_answers(const struct nm_run *run)
{
	return run->direct && run->direct->done > 0;
}
