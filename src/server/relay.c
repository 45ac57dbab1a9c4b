#include "server/relay.h"

#include "base/clock.h"
#include "base/map.h"
#include "server/census.h"
#include "server/errand.h"
#include "server/pass.h"
#include "server/stranger.h"
#include "server/upstream.h"

enum {
	SYNC_MS = 200,      /* at most so long is an answer not yet durable */
	ROWS_A_STEP = 256,  /* looked at, to find some to send */
	AHEAD = 2           /* times the concurrency are handed to the upstream */
};

struct nm_relay {
	struct nm_upstream *upstream;
	struct nm_errands  errands;  /* not yet written */
	struct nm_map      answered; /* or under way */
	uint64_t           place, number; /* of the last row sent */
	bool               all_sent;
	bool               stopped;
	bool               unsynced;
	int64_t            synced_ms; /* real */
};

enum nm_code
nm_relay_open(struct nm_job *job, struct nm_desk *desk, struct nm_err *err)
{
	struct nm_batch_books books = { .total = job->batch.books.total,
		.prompt_tokens = job->batch.books.prompt_tokens,
		.due_ms = job->batch.books.due_ms,
		.by_id = job->batch.books.by_id };
	struct nm_relay *relay = calloc(1, sizeof(*relay));
	enum nm_code rc;

	if (!relay)
		abort();
	nm_errands_init(&relay->errands, desk->parts->clock);
	relay->upstream = desk->parts->upstream;
	job->relay = relay;
	job->answered = &relay->answered;
	rc = nm_census_take(desk->parts->store, job->id, &relay->answered,
	                    &books, err);
	if (rc)
		nm_relay_close(job);
	else
		job->batch.books = books;
	return rc;
}

/* ---- answers ---- */

/* The store learns whose answers these are before the first of them is written:
 * a death in between leaves a batch that waits, never one that is taken for
 * untouched. */
static enum nm_code
mark(struct nm_job *job, struct nm_desk *desk, struct nm_err *err)
{
	struct nm_batch_books books = job->batch.books;
	enum nm_batch_state now; /* a cancel is noticed with the next books */
	enum nm_code rc;

	books.by_id = 1;
	rc = nm_store_batch_keep(desk->parts->store, job->id, &books, &now, err);
	if (!rc)
		job->batch.books = job->kept = books;
	return rc;
}

/* Writes what came to the open shelf, and books it. On error it is still to be
 * written. */
static enum nm_code
take_in(struct nm_relay *relay, struct nm_job *job, struct nm_desk *desk,
        struct nm_err *err)
{
	struct nm_batch_books books;
	struct nm_errand *came = nm_errands_take(&relay->errands), *next;
	struct nm_result_head head;
	struct nm_row_reply reply;
	enum nm_code rc = NM_OK;

	if (came && !job->kept.by_id)
		rc = mark(job, desk, err);
	books = job->batch.books;
	for (struct nm_errand *e = came; e; e = e->next) {
		head = (struct nm_result_head){ nm_buf_text(&e->custom_id),
		                                e->salt };
		reply = (struct nm_row_reply){ e->status, nm_buf_text(&e->body),
		                               e->usage };
		if (!nm_pass_add_unasked(desk, &books, &head, &e->fault))
			nm_pass_add_reply(desk, &books, &head, &reply, &e->fault);
	}
	if (!rc)
		rc = nm_shelf_flush(&desk->shelf, err);
	if (rc) {
		nm_errands_put_back(&relay->errands, came);
		return rc;
	}
	relay->unsynced = relay->unsynced || came;
	for (; came; came = next) {
		next = came->next;
		nm_errand_free(came);
	}
	nm_pass_book(job, desk, &books);
	return NM_OK;
}

static enum nm_code
sync_sometimes(struct nm_relay *relay, struct nm_desk *desk,
               struct nm_err *err)
{
	enum nm_code rc;

	if (!relay->unsynced ||
	    nm_clock_machine_ms() - relay->synced_ms < SYNC_MS)
		return NM_OK;
	rc = nm_shelf_sync(&desk->shelf, err);
	if (rc)
		return rc;
	relay->unsynced = false;
	relay->synced_ms = nm_clock_machine_ms();
	return NM_OK;
}

/* ---- questions ---- */

/* Its answer may be on the shelf under another id. */
static bool
is_renamed(const struct nm_relay *relay, const struct nm_result_head *head,
           const struct nm_row_fault *fault)
{
	struct nm_buf id = {0};
	uint32_t value;
	bool known;

	if (fault->class != NM_ROW_RENAMED)
		return false;
	known = nm_map_find(&relay->answered,
		nm_stranger_head(head, fault->class, &id).custom_id, &value) ==
		NM_MAP_KNOWN;
	nm_buf_release(&id);
	return known;
}

/* Rows that the script does not let run come back without having been away. */
static bool
stays(enum nm_row_class class)
{
	return class == NM_ROW_HTTP_ERROR || class == NM_ROW_STATUS_ZERO ||
	       class == NM_ROW_EXPIRED || class == NM_ROW_CANCELLED;
}

static void
ask_row(struct nm_relay *relay, struct nm_job *job, struct nm_desk *desk,
        const struct nm_script *script, const struct nm_row_asked *row)
{
	struct nm_upstream_request request = { .manner = NM_UPSTREAM_PATIENT,
		.group = relay, .done = nm_errand_reply };
	struct nm_result_head head = nm_pass_head(job, row);
	struct nm_row_fault fault = {0};
	struct nm_errand *errand;
	uint32_t value = 0;

	if (nm_map_add(&relay->answered, row->custom_id, &value) == NM_MAP_KNOWN)
		return;
	(void)nm_script_row(script, job->number, row->number, row->custom_id,
	                    &fault);
	if (is_renamed(relay, &head, &fault))
		return;
	errand = nm_errand_new(&relay->errands, &head, &fault);
	if (stays(fault.class)) {
		nm_errand_arrive(errand);
		return;
	}
	nm_buf_clear(&desk->scratch);
	nm_json_write(&desk->scratch, row->body);
	request.endpoint = nm_ask_endpoint(nm_text_of(job->batch.endpoint));
	request.body = nm_buf_text(&desk->scratch);
	request.user = errand;
	nm_upstream_ask(relay->upstream, &request);
}

static enum nm_code
ask_more(struct nm_relay *relay, struct nm_job *job, struct nm_desk *desk,
         const struct nm_script *script, struct nm_err *err)
{
	size_t most = AHEAD * (size_t)nm_upstream_concurrency(relay->upstream);
	struct nm_row_asked row;
	struct nm_buf path = {0};
	enum nm_code rc;

	if (relay->all_sent || relay->errands.under_way >= most)
		return NM_OK;
	nm_shelf_input_path(desk->parts->store, job->id,
	                    job->batch.input_file_id, &path);
	rc = nm_rows_open(&desk->rows, nm_buf_string(&path), relay->place,
	                  relay->number, err);
	for (int n = 0; !rc && n < ROWS_A_STEP; n++) {
		if (relay->errands.under_way >= most)
			break;
		rc = nm_rows_next(&desk->rows, &row, err);
		if (rc)
			break;
		if (!row.line) {
			relay->all_sent = true;
			break;
		}
		ask_row(relay, job, desk, script, &row);
		relay->place = desk->rows.place;
		relay->number = row.number;
	}
	nm_rows_close(&desk->rows);
	nm_buf_release(&path);
	return rc;
}

enum nm_code
nm_relay_step(struct nm_job *job, struct nm_desk *desk,
              const struct nm_script *script, enum nm_step_did *did,
              struct nm_err *err)
{
	struct nm_relay *relay = job->relay;
	uint64_t number = relay->number;
	size_t under_way;
	enum nm_code rc;

	rc = nm_pass_open_shelf(job, desk, &job->batch.books, err);
	if (rc)
		return rc;
	rc = ask_more(relay, job, desk, script, err);
	under_way = relay->errands.under_way;
	if (!rc)
		rc = take_in(relay, job, desk, err);
	if (!rc)
		rc = sync_sometimes(relay, desk, err);
	nm_shelf_close(&desk->shelf);
	if (rc)
		return rc;
	if (relay->all_sent && relay->errands.under_way == 0)
		job->rows_done = true;
	else if (relay->number == number && relay->errands.under_way == under_way)
		*did = NM_STEP_WAITS;
	return NM_OK;
}

enum nm_code
nm_relay_stop(struct nm_job *job, struct nm_desk *desk, struct nm_err *err)
{
	struct nm_relay *relay = job->relay;
	enum nm_code rc;

	if (relay->stopped)
		return NM_OK;
	nm_upstream_cancel(relay->upstream, relay);
	rc = nm_pass_open_shelf(job, desk, &job->batch.books, err);
	if (!rc)
		rc = take_in(relay, job, desk, err);
	if (!rc)
		rc = nm_shelf_sync(&desk->shelf, err);
	nm_shelf_close(&desk->shelf);
	if (rc)
		return rc;
	nm_relay_close(job);
	rc = nm_relay_open(job, desk, err);
	if (!rc)
		job->relay->stopped = true;
	return rc;
}

void
nm_relay_close(struct nm_job *job)
{
	struct nm_relay *relay = job->relay;

	if (!relay)
		return;
	nm_upstream_cancel(relay->upstream, relay);
	nm_errands_release(&relay->errands);
	nm_map_release(&relay->answered);
	free(relay);
	job->relay = NULL;
	job->answered = NULL;
}
