/*
 * direct_send: which requests go now, and what the journal is told before they do.
 */
#include "run/direct_inner.h"

#include "state/flights.h"

static int
is_done(const struct nm_direct *d, int64_t ordinal)
{
	return d->done[ordinal >> 3] >> (ordinal & 7) & 1;
}

/* Makes durable that so many may be paid for, with the answers that wait. */
static enum nm_code
tell(struct nm_direct *d, int64_t requests, struct nm_err *err)
{
	enum nm_code rc = nm_flights_set(d->run->journal, d->run->record.id,
	                                 requests, err);

	if (rc) {
		/* It may have been within the transaction of these. */
		nm_journal_rollback(d->run->journal);
		d->pouch.begun = 0;
		return rc;
	}
	rc = nm_pouch_commit(&d->pouch, d->run, err);
	if (!rc)
		d->intended = requests;
	return rc;
}

/*
 * One more is about to be sent: is it among those of which the journal knows? It is
 * told before of what flies, and of what came and is not durable yet: of twice as many
 * each time, so that it is seldom told.
 */
static enum nm_code
intend(struct nm_direct *d, struct nm_err *err)
{
	int64_t most = 1, need = d->flying + (int64_t)d->pouch.count + 1;

	if (d->lost + need <= d->intended)
		return NM_OK;
	while (most < need)
		most *= 2;
	return tell(d, d->lost + most, err);
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

/* May one more go, beside what flies and so many that wait? */
static enum nm_code
ask_leave(struct nm_direct *d, int64_t waiting, int *may, struct nm_err *err)
{
	enum nm_code rc;

	*may = is_payable(d, waiting);
	if (!*may)
		return NM_OK;
	rc = intend(d, err);
	*may = !rc;
	/* A disk that is full for the moment: what came and what flies goes first. */
	return rc == NM_IO && (d->flying || d->pouch.count) ? NM_OK : rc;
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
	int may;

	if (next_ordinal(d) < 0)
		return NM_OK;
	rc = ask_leave(d, d->waiting, &may, err);
	if (rc || !may)
		return rc;
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

enum nm_code
nm_direct_send(struct nm_direct *d, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	int64_t room = nm_pace_room(d->pace, now_ms) - d->flying;
	enum nm_code rc = NM_OK;
	size_t i;
	int may;

	/* What would come could not be kept. */
	if (d->full_since_ms)
		return NM_OK;

	for (i = 0; !rc && room > 0 && d->waiting && i < d->n_slots; i++) {
		struct nm_slot *slot = &d->slots[i];

		if (slot->state != SLOT_WAITING || slot->due_ms > now_ms)
			continue;
		/* What was lost may be paid for twice. */
		rc = ask_leave(d, 0, &may, err);
		if (rc || !may)
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

void
nm_direct_leave(struct nm_direct *d)
{
	int64_t left = d->lost + d->flying + (int64_t)d->pouch.count;
	struct nm_err none;

	/* Where this cannot be written, more is told than is so. */
	if (left != d->intended)
		(void)!nm_flights_set(d->run->journal, d->run->record.id, left,
		                      &none);
}
