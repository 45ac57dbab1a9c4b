/*
 * via_direct: see the header. How answers become files is in direct_files.c.
 */
#include "run/via_direct.h"

#include "eval/row.h"
#include "remote/chat.h"
#include "run/members.h"
#include "run/pace.h"
#include "state/answers.h"

enum {
	COMMIT_MS = 200, COMMIT_ROWS = 1024, POLL_MS = 50,
	REACH_PAUSE_MS = 1000, DRAIN_MS = 5000,
	TOLD_AFTER_MS = 2000, /* of an outage, or of a hold */
	TOKEN_BYTES = 4,      /* about */
	SPARED_MAX = 6
};

enum slot_state { SLOT_FREE, SLOT_FLYING, SLOT_WAITING };

struct slot {
	struct direct   *direct;
	enum slot_state  state;
	int64_t          ordinal;
	struct nm_buf    body;
	struct nm_buf    custom_id;
	int              tries;
	int              spared;   /* 429s that were not counted as one */
	int64_t          began_ms; /* mono, of its first try */
	int64_t          sent_ms;  /* of its last */
	int64_t          due_ms;   /* while it waits */
	struct nm_chat  *chat;
};

struct direct {
	struct nm_run         *run;
	int64_t                attempt;
	struct nm_members_walk walk;
	unsigned char         *done;     /* a bit an ordinal: answered already */
	struct slot           *slots;
	size_t                 n_slots;
	int64_t                flying;
	int64_t                waiting;
	int                    asked_all; /* the walk is at its end */
	struct nm_pace        *pace;     /* the run's */
	struct nm_row_reader   reader;   /* for wrapping replies */
	struct nm_buf          row;
	int64_t                pending;  /* answers of the open transaction */
	int64_t                pending_since_ms;
	struct nm_err          trouble;  /* the last one's words */
	int                    told;     /* that an outage is borne */
	struct nm_part        *part;
	const char            *path;     /* of the endpoint, without its version */
	enum nm_code           stop;     /* why it has to end early */
	struct nm_err          why;
};

static void
set_done(struct direct *d, int64_t ordinal)
{
	d->done[ordinal >> 3] |= (unsigned char)(1 << (ordinal & 7));
}

static int
is_done(const struct direct *d, int64_t ordinal)
{
	return d->done[ordinal >> 3] >> (ordinal & 7) & 1;
}

static enum nm_code
mark_answered(void *context, const struct nm_answer_record *answer,
              struct nm_err *err)
{
	struct direct *d = context;

	(void)err;
	if (answer->attempt == d->attempt && answer->ordinal >= 0 &&
	    answer->ordinal < d->run->source->count) {
		set_done(d, answer->ordinal);
		d->part->done++;
	}
	return NM_OK;
}

static void
give_up(struct direct *d, enum nm_code code, const struct nm_err *why)
{
	if (d->stop)
		return;
	d->stop = code;
	d->why = *why;
}

static enum nm_code
commit(struct direct *d, struct nm_err *err)
{
	enum nm_code rc;

	if (!d->pending)
		return NM_OK;
	rc = nm_journal_commit(d->run->journal, err);
	d->pending = 0;
	return rc;
}

static enum nm_code
keep_row(struct direct *d, int64_t ordinal, struct nm_err *err)
{
	struct nm_answer_record answer = {
		.ordinal = ordinal, .attempt = d->attempt,
		.row = { d->row.at, d->row.len - 1 }, /* without '\n' */
	};
	enum nm_code rc = NM_OK;

	if (!d->pending) {
		rc = nm_journal_begin(d->run->journal, err);
		d->pending_since_ms = nm_clock_mono_ms(d->run->clock);
	}
	if (rc)
		return rc;
	d->pending++;
	return nm_answers_keep(d->run->journal, d->run->record.id, &answer,
	                      err);
}

/* The reply as a row, in d->row. */
static enum nm_row_wrapped
wrap(struct direct *d, const struct slot *slot,
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
finish_slot(struct slot *slot, int failed)
{
	struct direct *d = slot->direct;
	struct nm_err err;

	if (keep_row(d, slot->ordinal, &err))
		give_up(d, err.code, &err);
	if (failed)
		d->part->failed++;
	else
		d->part->done++;
	slot->state = SLOT_FREE;
}

/* Does the service, or what stands before it, refuse us and not this request? */
static int
refuses_us(const struct direct *d, const struct nm_chat_reply *reply)
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
heed_limits(struct slot *slot, const struct nm_chat_limits *limits,
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
adapt(struct slot *slot, const struct nm_chat_reply *reply,
      enum nm_row_wrapped kind)
{
	struct direct *d = slot->direct;
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
is_spared(struct slot *slot, const struct nm_chat_reply *reply)
{
	return reply->status == 429 && reply->verdict.asked &&
	       slot->spared++ < SPARED_MAX;
}

/*
 * A request that never left has not been tried. Neither has any as long as nobody
 * ever replied: check_outage ends that.
 */
static int
was_no_try(const struct direct *d, const struct nm_chat_reply *reply)
{
	return !reply->status && reply->verdict.transient &&
	       (reply->code == NM_UNREACHABLE || !d->run->replies);
}

/* Whether and when the same request goes again. */
static struct nm_retry_verdict
judge(struct slot *slot, const struct nm_chat_reply *reply,
      enum nm_row_wrapped kind)
{
	struct direct *d = slot->direct;
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

static void
on_done(void *user, const struct nm_chat_reply *reply)
{
	struct slot *slot = user;
	struct direct *d = slot->direct;
	enum nm_row_wrapped kind = wrap(d, slot, reply);
	struct nm_retry_verdict verdict;

	d->flying--;
	slot->chat = NULL;
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

static enum nm_code
send(struct direct *d, struct slot *slot, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	struct nm_chat_wish wish = {
		.path = d->path,
		.body = nm_buf_text(&slot->body),
		.tries = slot->tries,
		.waited_ms = slot->tries ? now_ms - slot->began_ms : 0,
		.done = on_done,
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

/* The next request without an answer into a free slot; else asked_all. */
static enum nm_code
load(struct direct *d, struct slot *slot, struct nm_err *err)
{
	struct nm_source_item item;
	int64_t ordinal;
	enum nm_code rc;

	do {
		ordinal = nm_members_walk_next(&d->walk);
	} while (ordinal >= 0 && is_done(d, ordinal));
	if (ordinal < 0) {
		d->asked_all = 1;
		return NM_OK;
	}
	rc = nm_source_seek(d->run->source, ordinal, &item, err);
	if (rc)
		return rc;
	slot->ordinal = ordinal;
	slot->tries = slot->spared = 0;
	nm_buf_clear(&slot->body);
	nm_buf_add_text(&slot->body, item.body);
	nm_buf_clear(&slot->custom_id);
	nm_buf_add_text(&slot->custom_id, item.custom_id);
	return send(d, slot, err);
}

static enum nm_code
send_what_may_go(struct direct *d, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	int64_t room = nm_pace_room(d->pace, now_ms) - d->flying;
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && room > 0 && d->waiting && i < d->n_slots; i++) {
		struct slot *slot = &d->slots[i];

		if (slot->state != SLOT_WAITING || slot->due_ms > now_ms)
			continue;
		d->waiting--;
		room--;
		rc = send(d, slot, err);
	}
	for (i = 0; !rc && room > 0 && !d->asked_all && i < d->n_slots; i++) {
		if (d->slots[i].state != SLOT_FREE)
			continue;
		rc = load(d, &d->slots[i], err);
		room--;
	}
	return rc;
}

/* Who never replied is given less time than who will surely come back. */
static int64_t
patience_of(const struct direct *d)
{
	return d->run->replies ? d->run->settings.outage_ms
	                       : d->run->settings.patience_ms;
}

/* Says that an outage began, or ended. */
static void
tell_outage(struct direct *d, int64_t failing_ms)
{
	char span[NM_CLOCK_TEXT_MAX];

	if (d->told && !failing_ms) {
		d->told = 0;
		nm_run_note(d->run, "the service answers again: going on");
	}
	if (d->told || !nm_pace_is_outage(d->pace) ||
	    failing_ms < TOLD_AFTER_MS)
		return;
	d->told = 1;
	nm_clock_span(patience_of(d), span);
	nm_run_warn(d->run, "%s: waiting for the service, %s at most",
	            d->trouble.text, span);
}

static const char *
status_of(const struct direct *d, int64_t now_ms)
{
	if (d->told)
		return "waiting for the service";
	if (d->pace->held_until_ms - TOLD_AFTER_MS > now_ms)
		return "held back by the service";
	return d->attempt > 1 ? "asking again" : "asking";
}

/* A service that has failed everything for so long is left: the run stays open. */
static enum nm_code
check_outage(struct direct *d, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);
	int64_t failing_ms = nm_pace_failing_ms(d->pace, now_ms);
	char span[NM_CLOCK_TEXT_MAX];

	tell_outage(d, failing_ms);
	d->part->status = status_of(d, now_ms);
	nm_run_progress(d->run);
	if (failing_ms < patience_of(d))
		return NM_OK;
	*err = d->trouble;
	nm_clock_span(failing_ms, span);
	nm_while(err, "waiting for the service for %s; what came is kept, the"
	         " same command goes on", span);
	return err->code = NM_UNREACHABLE;
}

static int
is_over(const struct direct *d)
{
	return d->asked_all && !d->flying && !d->waiting;
}

static enum nm_code
turn(struct direct *d, struct nm_err *err)
{
	int64_t now_ms;
	enum nm_code rc = send_what_may_go(d, err);

	if (!rc && !is_over(d))
		rc = nm_http_poll(d->run->api->http, POLL_MS, err);
	if (!rc && d->stop) {
		*err = d->why;
		rc = err->code = d->stop;
	}
	now_ms = nm_clock_mono_ms(d->run->clock);
	if (!rc && d->pending &&
	    (d->pending >= COMMIT_ROWS ||
	     now_ms - d->pending_since_ms >= COMMIT_MS))
		rc = commit(d, err);
	if (!rc)
		rc = check_outage(d, err);
	return rc ? rc : nm_clock_check(d->run->clock, err);
}

static void
init(struct direct *d, struct nm_run *run, const struct nm_direct_wish *wish)
{
	size_t i;

	memset(d, 0, sizeof(*d));
	d->run = run;
	d->attempt = wish->attempt;
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
release(struct direct *d)
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
}

/* What still flies when the service refuses us may be an answer that is paid for. */
static void
drain(struct direct *d)
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
	struct direct d;
	struct nm_err late;
	enum nm_code rc;

	init(&d, run, wish);
	rc = nm_answers_walk(run->journal, run->record.id, mark_answered, &d,
	                     err);
	while (!rc && !is_over(&d))
		rc = turn(&d, err);
	if (rc == NM_REFUSED)
		drain(&d);
	/* What came is kept, however it ended. */
	if (commit(&d, rc ? &late : err) && !rc)
		rc = err->code;
	release(&d);
	return rc;
}
