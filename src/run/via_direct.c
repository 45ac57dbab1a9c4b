/*
 * via_direct: see the header. What a reply means is in direct_reply.c, how answers
 * become files in direct_files.c.
 */
#include "run/direct_inner.h"

#include "state/answers.h"

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

static int
is_done(const struct nm_direct *d, int64_t ordinal)
{
	return d->done[ordinal >> 3] >> (ordinal & 7) & 1;
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

static enum nm_code
send(struct nm_direct *d, struct nm_slot *slot, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	struct nm_chat_wish wish = {
		.path = d->path,
		.body = nm_buf_text(&slot->body),
		.tries = slot->tries,
		.waited_ms = slot->tries ? now_ms - slot->began_ms : 0,
		.done = nm_direct_take,
		.user = slot,
	};
	enum nm_code rc;

	if (!slot->tries)
		slot->began_ms = now_ms;
	slot->sent_ms = now_ms;
	rc = nm_chat_start(d->run->api, &wish, &slot->chat, err);
	if (rc)
		return rc;
	slot->state = SLOT_FLYING;
	d->flying++;
	return NM_OK;
}

/* Is one more request paid for, beside what flies and so many that wait? Where it is
 * not, these may leave more than was feared; when there are none, that is the end. */
static int
is_payable(struct nm_direct *d, int64_t waiting)
{
	struct nm_err why;
	enum nm_code rc;

	if (!d->purse)
		return 1;
	rc = d->purse->may_send(d->purse->user, d->flying, waiting, &why);
	if (rc && !d->flying && !waiting) {
		d->stop = rc;
		d->why = why;
	}
	return !rc;
}

static int64_t
next_ordinal(struct nm_direct *d)
{
	while (d->next < 0 && !d->asked_all) {
		d->next = nm_members_walk_next(&d->walk);
		d->asked_all = d->next < 0;
		if (d->next >= 0 && is_done(d, d->next))
			d->next = -1;
	}
	return d->next;
}

/* The next request without an answer into a free slot, which stays free where there is
 * none or nobody pays for it. */
static enum nm_code
load(struct nm_direct *d, struct nm_slot *slot, struct nm_err *err)
{
	struct nm_source_item item;
	enum nm_code rc;

	if (next_ordinal(d) < 0 || !is_payable(d, d->waiting))
		return NM_OK;
	rc = nm_source_seek(d->run->source, d->next, &item, err);
	if (rc)
		return rc;
	slot->ordinal = d->next;
	d->next = -1;
	slot->tries = slot->spared = 0;
	nm_buf_clear(&slot->body);
	nm_buf_add_text(&slot->body, item.body);
	nm_buf_clear(&slot->custom_id);
	nm_buf_add_text(&slot->custom_id, item.custom_id);
	return send(d, slot, err);
}

static enum nm_code
send_what_may_go(struct nm_direct *d, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	int64_t room = nm_pace_room(d->pace, now_ms) - d->flying;
	enum nm_code rc = NM_OK;
	size_t i;

	/* What would come could not be kept. */
	if (d->full_since_ms)
		return NM_OK;

	for (i = 0; !rc && room > 0 && d->waiting && i < d->n_slots; i++) {
		struct nm_slot *slot = &d->slots[i];

		if (slot->state != SLOT_WAITING || slot->due_ms > now_ms)
			continue;
		/* What was lost may be paid for twice. */
		if (!is_payable(d, 0))
			break;
		d->waiting--;
		room--;
		rc = send(d, slot, err);
	}
	for (i = 0; !rc && room > 0 && !d->asked_all && i < d->n_slots; i++) {
		if (d->slots[i].state != SLOT_FREE)
			continue;
		rc = load(d, &d->slots[i], err);
		if (d->slots[i].state == SLOT_FREE)
			break;
		room--;
	}
	return rc;
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
	enum nm_code rc = send_what_may_go(d, err);

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
	while (!rc && !(is_over(&d) && !d.pouch.count))
		rc = turn(&d, err);
	if (rc == NM_REFUSED)
		drain(&d);
	/* What came is kept, however it ended. */
	if (nm_pouch_commit(&d.pouch, run, &late))
		nm_run_warn(run, "%s: %zu answers that came are lost", late.text,
		            d.pouch.count);
	release(&d);
	return rc;
}

int
nm_via_direct_has_answers(const struct nm_run *run)
{
	return run->direct && run->direct->done > 0;
}
