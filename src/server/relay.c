#include "server/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/map.h"
#include "server/pass.h"
#include "server/stranger.h"
#include "server/upstream.h"

enum {
	SYNC_MS = 200,      /* at most so long is an answer not yet durable */
	ROWS_A_STEP = 256,  /* looked at, to find some to send */
	AHEAD = 2,          /* times the concurrency are handed to the upstream */
	CHUNK_BYTES = 1 << 16
};

/* One row from being sent to being written. Its texts are its own, the fault's
 * too. On the relay's ring from sending to the end. */
struct errand {
	struct errand      *next;         /* of those that came */
	struct errand      *before, *after;
	struct nm_relay    *relay;
	struct nm_buf       custom_id, body, code, message;
	uint64_t            salt;
	struct nm_row_fault fault;
	unsigned            status;
	struct nm_usage     usage;
};

struct nm_relay {
	struct nm_vclock  *clock;
	struct nm_upstream *upstream;
	pthread_mutex_t    lock;
	struct errand     *came;     /* guarded by lock; newest first */
	struct errand    **last;
	struct errand      ring;     /* its fixed member */
	size_t             under_way;
	struct nm_map      answered; /* or under way */
	uint64_t           place, number; /* of the last row sent */
	bool               all_sent;
	bool               stopped;
	bool               unsynced;
	int64_t            synced_ms; /* real */
};

static void
free_errand(struct errand *errand)
{
	errand->before->after = errand->after;
	errand->after->before = errand->before;
	errand->relay->under_way--;
	nm_buf_release(&errand->code);
	nm_buf_release(&errand->message);
	nm_buf_release(&errand->custom_id);
	nm_buf_release(&errand->body);
	free(errand);
}

/* ---- what the shelf holds ---- */

/* Did its row run well? A script may put others into the output file too. */
static bool
is_well(const struct nm_value *line)
{
	int64_t status = nm_json_int(nm_json_path(line, "response.status_code"),
	                             0);

	return status == 0 || (status >= 200 && status <= 299);
}

static void
read_line(struct nm_relay *relay, struct nm_json *json,
          const struct nm_line *line, enum nm_shelf_side side,
          struct nm_batch_books *books)
{
	const struct nm_value *root;
	struct nm_usage usage;
	uint32_t value = 0;

	if (nm_json_read(json, line->at, line->len, &root, NULL) ||
	    nm_stranger_is_extra(root) ||
	    nm_map_add(&relay->answered,
	               nm_json_text(nm_json_get(root, "custom_id")), &value) ==
	    NM_MAP_KNOWN)
		return;
	if (side == NM_SHELF_ERROR || !is_well(root)) {
		/* Rows that ran and failed, not those that never ran. */
		books->failed += nm_json_kind(nm_json_get(root, "response")) ==
			NM_JSON_OBJECT;
		return;
	}
	nm_usage_read(nm_json_path(root, "response.body"), &usage);
	books->completed++;
	books->input_tokens += usage.input_tokens;
	books->cached_tokens += usage.cached_tokens;
	books->output_tokens += usage.output_tokens;
	books->reasoning_tokens += usage.reasoning_tokens;
}

/* Reads one side; *bytes is the length of its whole lines. */
static enum nm_code
read_side(struct nm_relay *relay, int fd, enum nm_shelf_side side,
          struct nm_batch_books *books, int64_t *bytes, struct nm_err *err)
{
	struct nm_jsonl jsonl = {0};
	struct nm_json json = {0};
	struct nm_buf chunk = {0};
	struct nm_line line;
	ssize_t got;
	enum nm_code rc = NM_OK;

	*bytes = 0;
	do {
		nm_buf_clear(&chunk);
		got = read(fd, nm_buf_room(&chunk, CHUNK_BYTES), CHUNK_BYTES);
		if (got < 0 && errno != EINTR)
			rc = nm_fail(err, NM_IO, errno, "cannot read results: %s",
			             strerror(errno));
		if (got > 0)
			nm_jsonl_feed(&jsonl, chunk.at, (size_t)got);
		while (got > 0 && nm_jsonl_next(&jsonl, &line)) {
			read_line(relay, &json, &line, side, books);
			*bytes = (int64_t)jsonl.offset;
		}
	} while (!rc && got);
	nm_json_release(&json);
	nm_jsonl_release(&jsonl);
	nm_buf_release(&chunk);
	return rc;
}

static enum nm_code
read_shelf(struct nm_relay *relay, struct nm_store *store, const char *id,
           struct nm_batch_books *books, struct nm_err *err)
{
	int64_t bytes[NM_SHELF_SIDES] = {0};
	struct nm_buf path = {0};
	enum nm_code rc = NM_OK;
	int fd;

	for (int side = 0; side < NM_SHELF_SIDES && !rc; side++) {
		nm_buf_clear(&path);
		nm_shelf_path(store, id, (enum nm_shelf_side)side, &path);
		fd = open(nm_buf_string(&path), O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			continue;
		rc = read_side(relay, fd, (enum nm_shelf_side)side, books,
		               &bytes[side], err);
		close(fd);
	}
	books->output_bytes = bytes[NM_SHELF_OUTPUT];
	books->error_bytes = bytes[NM_SHELF_ERROR];
	if (books->output_bytes + books->error_bytes > 0)
		books->by_id = 1;
	nm_buf_release(&path);
	return rc;
}

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
	pthread_mutex_init(&relay->lock, NULL);
	relay->last = &relay->came;
	relay->ring.before = relay->ring.after = &relay->ring;
	relay->upstream = desk->parts->upstream;
	relay->clock = desk->parts->clock;
	job->relay = relay;
	job->answered = &relay->answered;
	rc = read_shelf(relay, desk->parts->store, job->id, &books, err);
	if (rc)
		nm_relay_close(job);
	else
		job->batch.books = books;
	return rc;
}

/* ---- answers ---- */

static void
arrive(struct errand *errand)
{
	struct nm_relay *relay = errand->relay;

	pthread_mutex_lock(&relay->lock);
	errand->next = NULL;
	*relay->last = errand;
	relay->last = &errand->next;
	pthread_mutex_unlock(&relay->lock);
}

/* On the upstream's thread. */
static void
on_reply(void *user, const struct nm_upstream_reply *reply)
{
	struct errand *errand = user;
	struct nm_vclock *clock = errand->relay->clock;

	errand->status = reply->status;
	errand->usage = reply->usage;
	nm_buf_add_text(&errand->body, reply->body);
	arrive(errand);
	nm_vclock_wake(clock);
}

static struct errand *
take_came(struct nm_relay *relay)
{
	struct errand *came;

	pthread_mutex_lock(&relay->lock);
	came = relay->came;
	relay->came = NULL;
	relay->last = &relay->came;
	pthread_mutex_unlock(&relay->lock);
	return came;
}

/* Puts what could not be written back, before what came since. */
static void
put_back(struct nm_relay *relay, struct errand *came)
{
	struct errand **end = &came;

	pthread_mutex_lock(&relay->lock);
	while (*end)
		end = &(*end)->next;
	*end = relay->came;
	if (!relay->came)
		relay->last = end;
	relay->came = came;
	if (relay->last == &came)
		relay->last = &relay->came;
	pthread_mutex_unlock(&relay->lock);
}

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
	struct errand *came = take_came(relay), *next;
	struct nm_result_head head;
	struct nm_row_reply reply;
	enum nm_code rc = NM_OK;

	if (came && !job->kept.by_id)
		rc = mark(job, desk, err);
	books = job->batch.books;
	for (struct errand *e = came; e; e = e->next) {
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
		put_back(relay, came);
		return rc;
	}
	relay->unsynced = relay->unsynced || came;
	for (; came; came = next) {
		next = came->next;
		free_errand(came);
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

static struct errand *
new_errand(struct nm_relay *relay, const struct nm_result_head *head,
           const struct nm_row_fault *fault)
{
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!errand)
		abort();
	errand->relay = relay;
	errand->salt = head->salt;
	nm_buf_add_text(&errand->custom_id, head->custom_id);
	errand->fault = *fault;
	if (fault->code) {
		nm_buf_add_string(&errand->code, fault->code);
		errand->fault.code = nm_buf_string(&errand->code);
	}
	if (fault->message) {
		nm_buf_add_string(&errand->message, fault->message);
		errand->fault.message = nm_buf_string(&errand->message);
	}
	errand->after = &relay->ring;
	errand->before = relay->ring.before;
	errand->before->after = errand->after->before = errand;
	relay->under_way++;
	return errand;
}

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
		.group = relay, .done = on_reply };
	struct nm_result_head head = nm_pass_head(job, row);
	struct nm_row_fault fault = {0};
	struct errand *errand;
	uint32_t value = 0;

	if (nm_map_add(&relay->answered, row->custom_id, &value) == NM_MAP_KNOWN)
		return;
	(void)nm_script_row(script, job->number, row->number, row->custom_id,
	                    &fault);
	if (is_renamed(relay, &head, &fault))
		return;
	errand = new_errand(relay, &head, &fault);
	if (stays(fault.class)) {
		arrive(errand);
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

	if (relay->all_sent || relay->under_way >= most)
		return NM_OK;
	nm_shelf_input_path(desk->parts->store, job->id,
	                    job->batch.input_file_id, &path);
	rc = nm_rows_open(&desk->rows, nm_buf_string(&path), relay->place,
	                  relay->number, err);
	for (int n = 0; !rc && n < ROWS_A_STEP && relay->under_way < most; n++) {
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
              const struct nm_script *script, enum nm_job_did *did,
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
	under_way = relay->under_way;
	if (!rc)
		rc = take_in(relay, job, desk, err);
	if (!rc)
		rc = sync_sometimes(relay, desk, err);
	nm_shelf_close(&desk->shelf);
	if (rc)
		return rc;
	if (relay->all_sent && relay->under_way == 0)
		job->rows_done = true;
	else if (relay->number == number && relay->under_way == under_way)
		*did = NM_JOB_WAITS;
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
	while (relay->ring.after != &relay->ring) /* shrinks the ring by one */
		free_errand(relay->ring.after); /* NOLINT(clang-analyzer-*) */
	nm_map_release(&relay->answered);
	pthread_mutex_destroy(&relay->lock);
	free(relay);
	job->relay = NULL;
	job->answered = NULL;
}
