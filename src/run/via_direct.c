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
	REACH_PAUSE_MS = 1000
};

enum slot_state { SLOT_FREE, SLOT_FLYING, SLOT_WAITING };

struct slot {
	struct direct   *direct;
	enum slot_state  state;
	int64_t          ordinal;
	struct nm_buf    body;
	struct nm_buf    custom_id;
	int              tries;
	int64_t          began_ms; /* mono, of its first try */
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
	struct nm_pace         pace;
	struct nm_row_reader   reader;   /* for wrapping replies */
	struct nm_buf          row;
	int64_t                pending;  /* answers of the open transaction */
	int64_t                pending_since_ms;
	uint64_t               replies;  /* of any status, so far */
	int64_t                silent_since_ms; /* nothing was reached since */
	struct nm_err          silence;         /* why not */
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

static void
finish_slot(struct slot *slot, const struct nm_chat_reply *reply)
{
	struct direct *d = slot->direct;
	struct nm_row_reply wish = {
		.custom_id = nm_buf_text(&slot->custom_id),
		.status_code = reply->status,
		.request_id = reply->request_id,
		.body = reply->body,
	};
	struct nm_err err;

	if (!reply->status) {
		wish.error_code = nm_text_of(reply->code == NM_UNREACHABLE
		                             ? "unreachable" : "cut");
		wish.error_message = nm_text_of(reply->err
		                                ? reply->err->text : "");
	}
	nm_buf_clear(&d->row);
	nm_row_wrap(&d->reader, &wish, &d->row);
	if (keep_row(d, slot->ordinal, &err))
		give_up(d, err.code, &err);
	if (reply->code)
		d->part->failed++;
	else
		d->part->done++;
	slot->state = SLOT_FREE;
}

/* Does the service refuse us rather than this request? */
static int
refuses_us(const struct direct *d, const struct nm_chat_reply *reply)
{
	const struct nm_refusal *refusal = reply->refusal;

	if (reply->status == 401 || reply->status == 403)
		return 1;
	if (reply->status == 404 && d->replies == 1)
		return 1;
	return refusal && refusal->billing;
}

static void
heed_limits(struct direct *d, const struct nm_chat_limits *limits,
            int64_t now_ms)
{
	int64_t reset_ms = -1;

	if (limits->requests_left == 0)
		reset_ms = limits->requests_reset_ms;
	if (limits->tokens_left == 0 && limits->tokens_reset_ms > reset_ms)
		reset_ms = limits->tokens_reset_ms;
	if (reset_ms > NM_RETRY_BOUND_MS)
		reset_ms = NM_RETRY_BOUND_MS;
	if (reset_ms > 0)
		nm_pace_hold(&d->pace, now_ms + reset_ms);
}

static int
is_trouble(const struct nm_chat_reply *reply)
{
	return !reply->status || reply->status == 408 ||
	       reply->status == 429 || reply->status >= 500;
}

static void
adapt(struct direct *d, const struct nm_chat_reply *reply)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);

	if (reply->status) {
		d->replies++;
		d->silent_since_ms = 0;
	} else if (!d->silent_since_ms) {
		d->silent_since_ms = now_ms;
		d->silence = *reply->err;
	}
	heed_limits(d, &reply->limits, now_ms);
	if (!is_trouble(reply)) {
		nm_pace_went_well(&d->pace);
		return;
	}
	nm_pace_trouble(&d->pace, now_ms);
	if (reply->verdict.asked)
		nm_pace_hold(&d->pace, now_ms + reply->verdict.pause_ms);
}

/* As long as nobody ever replied, no request has failed: check_silence ends it. */
static int
is_out_of_reach(const struct direct *d, const struct nm_chat_reply *reply)
{
	return !reply->status && !d->replies && reply->verdict.transient;
}

static void
on_done(void *user, const struct nm_chat_reply *reply)
{
	struct slot *slot = user;
	struct direct *d = slot->direct;
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);

	d->flying--;
	slot->chat = NULL;
	slot->tries++;
	adapt(d, reply);
	if (reply->code && refuses_us(d, reply)) {
		give_up(d, NM_REFUSED, reply->err);
		slot->state = SLOT_FREE;
		return;
	}
	if (reply->code && (reply->verdict.when != NM_RETRY_NEVER ||
	                    is_out_of_reach(d, reply))) {
		slot->state = SLOT_WAITING;
		slot->due_ms = now_ms + (reply->verdict.when != NM_RETRY_NEVER
		               ? reply->verdict.pause_ms : REACH_PAUSE_MS);
		d->waiting++;
		return;
	}
	finish_slot(slot, reply);
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
	slot->tries = 0;
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
	int64_t room = nm_pace_room(&d->pace, now_ms) - d->flying;
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

static enum nm_code
check_silence(struct direct *d, struct nm_err *err)
{
	int64_t now_ms = nm_clock_mono_ms(d->run->clock);

	if (!d->silent_since_ms || d->replies ||
	    now_ms - d->silent_since_ms < d->run->settings.patience_ms)
		return NM_OK;
	*err = d->silence;
	err->code = NM_UNREACHABLE;
	return nm_while(err, "trying for %lld s",
	                (long long)(now_ms - d->silent_since_ms) / 1000);
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
	nm_run_progress(d->run);
	if (!rc)
		rc = check_silence(d, err);
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
	nm_pace_init(&d->pace, run->settings.concurrency);
	run->direct = nm_arena_array(&run->arena, 1, sizeof(*run->direct));
	d->part = run->direct;
	if (strncmp(run->record.endpoint, "/v1/", 4) == 0)
		d->path = run->record.endpoint + 3;
	d->part->status = wish->attempt > 1 ? "asking again" : "asking";
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
	/* What came is kept, however it ended. */
	if (commit(&d, rc ? &late : err) && !rc)
		rc = err->code;
	release(&d);
	return rc;
}
