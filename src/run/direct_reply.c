/*
 * direct_reply: what a reply means for its request, for the pace and for the run.
 */
#include "run/direct_inner.h"

enum {
	REACH_PAUSE_MS = 1000,
	TOKEN_BYTES = 4, /* about */
	SPARED_MAX = 6
};

static void
give_up(struct nm_direct *d, enum nm_code code, const struct nm_err *why)
{
	if (d->stop)
		return;
	d->stop = code;
	d->why = *why;
}

static void
keep_row(struct nm_direct *d, int64_t ordinal)
{
	/* Without its '\n'. */
	struct nm_text row = { d->row.at, d->row.len - 1 };

	if (!d->pouch.count)
		d->pending_since_ms = nm_clock_mono_ms(d->run->clock);
	nm_pouch_add(&d->pouch, d->run, d->attempt, ordinal, row);
	if (d->purse)
		d->purse->heard(d->purse->user, row);
}

/* It may have been answered, and paid for. */
static void
lose(struct nm_direct *d)
{
	d->lost++;
	if (d->purse)
		d->purse->lost(d->purse->user);
}

/* The reply as a row, in d->row. */
static enum nm_row_wrapped
wrap(struct nm_direct *d, const struct nm_slot *slot,
     const struct nm_chat_reply *reply)
{
	struct nm_row_reply wish = {
		.custom_id = nm_buf_text(&slot->custom_id),
		.status_code = reply->status,
		.request_id = reply->request_id,
		.body = reply->body,
	};

	if (!reply->status) {
		wish.error_code = nm_text_of(reply->code == NM_UNREACHABLE
		                             ? "unreachable" : "cut");
		wish.error_message = nm_text_of(reply->err
		                                ? reply->err->text : "");
	}
	nm_buf_clear(&d->row);
	return nm_row_wrap(&d->reader, &wish, &d->row);
}

/* d->row is what became of it. */
static void
finish_slot(struct nm_slot *slot, int failed)
{
	struct nm_direct *d = slot->direct;

	keep_row(d, slot->ordinal);
	if (failed)
		d->part->failed++;
	else
		d->part->done++;
	slot->state = SLOT_FREE;
}

/* Does the service, or what stands before it, refuse us and not this request? */
static int
refuses_us(const struct nm_direct *d, const struct nm_chat_reply *reply)
{
	const struct nm_refusal *refusal = reply->refusal;

	if (reply->status == 401 || reply->status == 403 ||
	    (reply->status >= 300 && reply->status < 400))
		return 1;
	if (reply->status == 404 && d->run->replies == 1)
		return 1;
	return refusal && refusal->billing;
}

/* Fewer fly when the service has room for fewer; none while it has none. */
static void
heed_limits(struct nm_slot *slot, const struct nm_chat_limits *limits,
            int64_t now_ms)
{
	struct nm_pace *pace = slot->direct->pace;
	int64_t tokens = (int64_t)slot->body.len / TOKEN_BYTES + 1;

	if (limits->requests_left >= 0)
		nm_pace_left(pace, limits->requests_left);
	if (limits->tokens_left >= 0)
		nm_pace_left(pace, limits->tokens_left / tokens);
	if (limits->requests_left == 0)
		nm_pace_hold(pace, now_ms, limits->requests_reset_ms);
	if (limits->tokens_left == 0)
		nm_pace_hold(pace, now_ms, limits->tokens_reset_ms);
}

static int
is_trouble(const struct nm_chat_reply *reply)
{
	return !reply->status || reply->status == 408 ||
	       reply->status == 429 || reply->status >= 500;
}

static void
adapt(struct nm_slot *slot, const struct nm_chat_reply *reply,
      enum nm_row_wrapped kind)
{
	struct nm_direct *d = slot->direct;
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	int64_t asked_ms = reply->code && reply->verdict.asked
	                   ? reply->verdict.pause_ms : -1;

	if (reply->status)
		d->run->replies++;
	if (kind == NM_ROW_NO_COMPLETION)
		nm_fail(&d->trouble, NM_PROTOCOL, reply->status,
		        "the reply to a question (status %d) is no completion:"
		        " %.*s", reply->status,
		        reply->body.len < 60 ? (int)reply->body.len : 60,
		        reply->body.at ? reply->body.at : "");
	else if (is_trouble(reply) && reply->err)
		d->trouble = *reply->err;
	if (kind == NM_ROW_NO_COMPLETION || is_trouble(reply))
		nm_pace_trouble(d->pace, slot->sent_ms, now_ms, asked_ms);
	else
		nm_pace_went_well(d->pace);
	heed_limits(slot, &reply->limits, now_ms);
	if (asked_ms >= 0)
		nm_pace_hold(d->pace, now_ms, asked_ms);
}

/* Its turn has not come, which costs nothing: the service said when it will. */
static int
is_spared(struct nm_slot *slot, const struct nm_chat_reply *reply)
{
	return reply->status == 429 && reply->verdict.asked &&
	       slot->spared++ < SPARED_MAX;
}

/*
 * A request that never left has not been tried. Neither has any as long as nobody
 * ever replied: the settings' patience ends that.
 */
static int
was_no_try(const struct nm_direct *d, const struct nm_chat_reply *reply)
{
	return !reply->status && reply->verdict.transient &&
	       (reply->code == NM_UNREACHABLE || !d->run->replies);
}

/* Whether and when the same request goes again. */
static struct nm_retry_verdict
judge(struct nm_slot *slot, const struct nm_chat_reply *reply,
      enum nm_row_wrapped kind)
{
	struct nm_direct *d = slot->direct;
	struct nm_retry_event page = { .kind = NM_RETRY_CUT };

	if (was_no_try(d, reply))
		return (struct nm_retry_verdict){ .when = NM_RETRY_AFTER,
		                                  .pause_ms = REACH_PAUSE_MS };
	if (is_spared(slot, reply))
		return reply->verdict;
	slot->tries++;
	if (kind == NM_ROW_NO_COMPLETION)
		return nm_retry_decide(&d->run->api->retry, &page, slot->tries,
		                       0, 0);
	return reply->verdict;
}

void
nm_direct_take(void *user, const struct nm_chat_reply *reply)
{
	struct nm_slot *slot = user;
	struct nm_direct *d = slot->direct;
	enum nm_row_wrapped kind = wrap(d, slot, reply);
	struct nm_retry_verdict verdict;

	d->flying--;
	slot->chat = NULL;
	if (!reply->status && reply->code != NM_UNREACHABLE)
		lose(d);
	adapt(slot, reply, kind);
	if (reply->code && refuses_us(d, reply)) {
		give_up(d, NM_REFUSED, reply->err);
		slot->state = SLOT_FREE;
		return;
	}
	verdict = judge(slot, reply, kind);
	if (verdict.when == NM_RETRY_NEVER) {
		finish_slot(slot, reply->code || kind == NM_ROW_NO_COMPLETION);
		return;
	}
	slot->state = SLOT_WAITING;
	slot->due_ms = nm_clock_mono_ms(d->run->clock) + verdict.pause_ms;
	d->waiting++;
}
