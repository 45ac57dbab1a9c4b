/* POST and GET /v1/batches, cancel. Contract: sections 4.1 to 4.4. */
#include "server/batch_object.h"
#include "server/expires.h"
#include "server/list.h"
#include "server/member.h"
#include "server/metadata.h"
#include "server/options.h"
#include "server/worker.h"

enum { LIST_DEFAULT = 20, LIST_MAX = 100 };

static const char *const endpoints[] = {
	"/v1/responses", "/v1/chat/completions", "/v1/embeddings",
	"/v1/completions"
};

static void
answer_batch(struct nm_call *call, const struct nm_stored_batch *batch)
{
	struct nm_buf body = {0};
	struct nm_json_writer w = { .out = &body };

	nm_batch_object(&w, batch, &call->fault);
	nm_call_json(call, 200, &body);
}

/* ---- create ---- */

static bool
check_endpoint(struct nm_call *call, const char *endpoint)
{
	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++)
		if (strcmp(endpoint, endpoints[i]) == 0)
			return true;
	return nm_call_reject(call, "endpoint", "invalid_value", "Invalid "
	                      "value: '%.200s'. Supported values are: "
	                      "'/v1/responses', '/v1/chat/completions', "
	                      "'/v1/embeddings', and '/v1/completions'.",
	                      endpoint);
}

static bool
check_window(struct nm_call *call, const char *window)
{
	if (strcmp(window, "24h") == 0)
		return true;
	return nm_call_reject(call, "completion_window", "invalid_value",
	                      "Invalid value for 'completion_window': "
	                      "'%.200s'. Supported values are: '24h'.", window);
}

/* The service's older manner: 400 at once; else the batch fails later. */
static enum nm_code
check_file(struct nm_call *call, const char *file_id, bool *good,
           struct nm_err *err)
{
	struct nm_stored_file file;
	enum nm_code rc;

	*good = true;
	if (call->parts->options->unknown_file != NM_UNKNOWN_FILE_SYNC)
		return NM_OK;
	rc = nm_store_file_get(call->parts->store, call->tenant, file_id,
	                       nm_vclock_now_s(call->parts->clock), &call->arena,
	                       &file, err);
	if (rc && rc != NM_ABSENT)
		return rc;
	if (!rc && call->fault.stale_s &&
	    file.created_s > nm_vclock_now_s(call->parts->clock) -
	                     call->fault.stale_s)
		rc = NM_ABSENT;
	if (rc == NM_ABSENT || strcmp(file.purpose, "batch") != 0)
		*good = nm_call_reject(call, "file_id", "invalid_request",
		                       "Cannot find file %.100s, or "
		                       "organization org-nightmail does not "
		                       "have access to it.", file_id);
	return NM_OK;
}

static const struct nm_refusal too_many = { .status = 429, .type = "requests",
	.code = "rate_limit_exceeded" };

static void
refuse_pace(struct nm_call *call, int64_t hourly)
{
	nm_call_refuse(call, &too_many, "Rate limit reached for batch creation: "
	               "%lld batches an hour. Please try again later.",
	               (long long)hourly);
}

static void
refuse_open(struct nm_call *call)
{
	nm_call_refuse(call, &too_many, "Too many batches are in progress (limit: "
	               "%lld). Please try again once some of them have been "
	               "completed.",
	               (long long)call->parts->options->max_batches);
}

static void
note_batch(struct nm_call *call, const struct nm_stored_batch *batch)
{
	nm_call_note(call, "batch_id", nm_text_of(batch->id));
	nm_call_note(call, "input_file_id", nm_text_of(batch->input_file_id));
	nm_call_note(call, "endpoint", nm_text_of(batch->endpoint));
	if (batch->metadata)
		nm_buf_addf(&call->noted, ",\"metadata\":%s", batch->metadata);
}

static void
tell_created(struct nm_call *call, const struct nm_stored_batch *batch)
{
	atomic_fetch_add(&call->parts->metrics->batches_created, 1);
	note_batch(call, batch);
	answer_batch(call, batch);
	nm_worker_wake(call->parts->worker);
}

/* What the body asks for; false when it was refused. */
static bool
read_wish(struct nm_call *call, struct nm_stored_batch *batch)
{
	const char *window = "";

	return nm_member_text(call, "input_file_id", &batch->input_file_id) &&
	       nm_member_text(call, "endpoint", &batch->endpoint) &&
	       nm_member_text(call, "completion_window", &window) &&
	       check_endpoint(call, batch->endpoint) &&
	       check_window(call, window) &&
	       nm_metadata_read(call, &batch->metadata) &&
	       nm_expires_read(call, "output_expires_after",
	                       nm_json_get(call->root, "output_expires_after"),
	                       &batch->results_live_s);
}

static enum nm_code
create(struct nm_call *call, struct nm_err *err)
{
	const struct nm_parts *parts = call->parts;
	struct nm_stored_batch batch = { .tenant = call->tenant, .endpoint = "" };
	struct nm_store_pace pace = {0};
	char id[NM_ID_MAX];
	int64_t now_ms;
	bool good;
	enum nm_code rc;

	if (!read_wish(call, &batch))
		return NM_OK;
	rc = check_file(call, batch.input_file_id, &good, err);
	if (rc || !good)
		return rc;
	nm_store_new_id("batch_", id);
	now_ms = nm_vclock_now_ms(parts->clock);
	batch.id = id;
	batch.at_s[NM_BATCH_VALIDATING] = now_ms / 1000;
	batch.expires_s = (now_ms + parts->options->window_ms) / 1000;
	pace.most = nm_faults_creations_an_hour(parts->faults);
	pace.since_s = now_ms / 1000 - 3600;
	rc = nm_store_batch_add(parts->store, &batch, &pace, err);
	if (rc == NM_HELD)
		refuse_pace(call, pace.most);
	else if (rc == NM_LIMIT)
		refuse_open(call);
	else if (!rc)
		tell_created(call, &batch);
	return rc == NM_HELD || rc == NM_LIMIT ? NM_OK : rc;
}

/* ---- get, list, cancel ---- */

/* NM_ABSENT has been answered. */
static enum nm_code
find(struct nm_call *call, struct nm_stored_batch *batch, struct nm_err *err)
{
	const struct nm_parts *parts = call->parts;
	enum nm_code rc;

	rc = nm_store_batch_get(parts->store, call->tenant, call->id,
	                        &call->arena, batch, err);
	if (!rc && call->fault.stale_s &&
	    batch->at_s[NM_BATCH_VALIDATING] >
	    nm_vclock_now_s(parts->clock) - call->fault.stale_s)
		rc = NM_ABSENT;
	if (rc == NM_ABSENT)
		nm_call_refuse(call, &(struct nm_refusal){ .status = 404 },
		               "No batch found with id '%s'.", call->id);
	return rc;
}

static enum nm_code
get(struct nm_call *call, struct nm_err *err)
{
	struct nm_stored_batch batch;
	enum nm_code rc = find(call, &batch, err);

	if (!rc)
		answer_batch(call, &batch);
	return rc == NM_ABSENT ? NM_OK : rc;
}

struct listing {
	struct nm_list        list;
	const struct nm_fault *fault;
};

static void
list_one(void *ctx, const struct nm_stored_batch *batch)
{
	struct listing *listing = ctx;

	nm_list_add_id(&listing->list, batch->id);
	nm_batch_object(&listing->list.w, batch, listing->fault);
}

static enum nm_code
list_batches(struct nm_call *call, struct nm_err *err)
{
	struct nm_store_page page = { .limit = LIST_DEFAULT };
	struct listing listing = { .fault = &call->fault };
	enum nm_code rc;

	if (!nm_list_read(call, LIST_MAX, &page))
		return NM_OK;
	nm_list_open(&listing.list);
	rc = nm_store_batches(call->parts->store, &page, list_one, &listing,
	                      &listing.list.more, err);
	nm_list_close(&listing.list);
	if (!rc)
		nm_call_json(call, 200, &listing.list.body);
	nm_buf_release(&listing.list.body);
	if (rc != NM_ABSENT)
		return rc;
	nm_call_refuse(call, &(struct nm_refusal){ .status = 400,
	               .param = "after", .code = "invalid_value" },
	               "No batch found with id '%s'.", page.after);
	return NM_OK;
}

/* Cancels from the state it is seen in; one that moves on meanwhile is looked at
 * again. Each turn of the loop needs such a move, and there are few. */
static enum nm_code
cancel(struct nm_call *call, struct nm_err *err)
{
	const struct nm_parts *parts = call->parts;
	struct nm_batch_move move = { .to = NM_BATCH_CANCELLING };
	struct nm_stored_batch batch = {0};
	enum nm_code rc;

	do {
		rc = find(call, &batch, err);
		if (rc)
			return rc == NM_ABSENT ? NM_OK : rc;
		if (batch.state == NM_BATCH_CANCELLING ||
		    batch.state == NM_BATCH_CANCELLED)
			break;
		if (nm_batch_state_is_final(batch.state)) {
			nm_call_refuse(call, &(struct nm_refusal){ .status = 409 },
			               "Cannot cancel a batch with status '%s'.",
			               nm_batch_state_name(batch.state));
			return NM_OK;
		}
		move.from = batch.state;
		move.now_s = nm_vclock_now_s(parts->clock);
		rc = nm_store_batch_move(parts->store, call->id, &move, NULL, err);
		if (rc && rc != NM_HELD)
			return rc;
		if (!rc) {
			batch.state = NM_BATCH_CANCELLING;
			batch.at_s[NM_BATCH_CANCELLING] = move.now_s;
		}
	} while (rc == NM_HELD);
	nm_call_note(call, "batch_id", nm_text_of(batch.id));
	answer_batch(call, &batch);
	nm_worker_wake(parts->worker);
	return NM_OK;
}

const struct nm_route nm_batch_routes[] = {
	{ NM_GET, "/v1/batches/{id}", NM_TAKE_NONE, 0, get, NM_DOOR_KEY },
	{ NM_POST, "/v1/batches", NM_TAKE_JSON, 0, create, NM_DOOR_KEY },
	{ NM_GET, "/v1/batches", NM_TAKE_NONE, 0, list_batches, NM_DOOR_KEY },
	{ NM_POST, "/v1/batches/{id}/cancel", NM_TAKE_NONE, 0, cancel,
	  NM_DOOR_KEY },
	{ .path = NULL }
};
