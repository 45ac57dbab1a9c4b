#include "server/store_parts.h"

#define BATCH_COLUMNS "id, tenant, endpoint, input_file_id, metadata," \
	" results_live_s, state, expires_s, model, errors, output_file_id," \
	" error_file_id, at0, at1, at2, at3, at4, at5, at6, at7," \
	" total, completed, failed, input_tokens, cached_tokens," \
	" output_tokens, reasoning_tokens, input_lines, input_bytes," \
	" output_bytes, error_bytes, prompt_tokens, due_ms, by_id"

enum { FIRST_AT = 12, FIRST_BOOK = FIRST_AT + NM_BATCH_STATES };

static const char *const state_names[NM_BATCH_STATES] = {
	"validating", "failed", "in_progress", "finalizing", "completed",
	"expired", "cancelling", "cancelled"
};

const char *
nm_batch_state_name(enum nm_batch_state state)
{
	return state_names[state];
}

bool
nm_batch_state_is_final(enum nm_batch_state state)
{
	return state == NM_BATCH_FAILED || state == NM_BATCH_COMPLETED ||
	       state == NM_BATCH_EXPIRED || state == NM_BATCH_CANCELLED;
}

static void
read_batch_row(sqlite3_stmt *st, struct nm_arena *arena,
               struct nm_stored_batch *batch)
{
	int64_t books[NM_STORE_BOOKS];

	batch->id = nm_db_text(st, 0, arena);
	batch->tenant = nm_db_text(st, 1, arena);
	batch->endpoint = nm_db_text(st, 2, arena);
	batch->input_file_id = nm_db_text(st, 3, arena);
	batch->metadata = nm_db_text(st, 4, arena);
	batch->results_live_s = sqlite3_column_int64(st, 5);
	batch->state = (enum nm_batch_state)(sqlite3_column_int(st, 6) &
	                                     (NM_BATCH_STATES - 1));
	batch->expires_s = sqlite3_column_int64(st, 7);
	batch->model = nm_db_text(st, 8, arena);
	batch->errors = nm_db_text(st, 9, arena);
	batch->output_file_id = nm_db_text(st, 10, arena);
	batch->error_file_id = nm_db_text(st, 11, arena);
	for (int i = 0; i < NM_BATCH_STATES; i++)
		batch->at_s[i] = sqlite3_column_int64(st, FIRST_AT + i);
	for (int i = 0; i < NM_STORE_BOOKS; i++)
		books[i] = sqlite3_column_int64(st, FIRST_BOOK + i);
	memcpy(&batch->books, books, sizeof(books));
}

/* The two numbers of a statement that is bound and has one row. */
static enum nm_code
read_pair(struct nm_db *db, sqlite3_stmt *st, int64_t *first, int64_t *second,
          struct nm_err *err)
{
	int row = 0;
	enum nm_code rc = nm_db_step(db, st, &row, err);

	if (!rc) {
		*first = sqlite3_column_int64(st, 0);
		*second = sqlite3_column_int64(st, 1);
	}
	nm_db_done(st);
	return rc;
}

static enum nm_code
count_batches(struct nm_db *db, const char *tenant, int64_t since_s,
              int64_t *created, int64_t *open, struct nm_err *err)
{
	sqlite3_stmt *st;
	enum nm_code rc;

	rc = nm_db_use(db, "SELECT (SELECT count(*) FROM batch"
	               " WHERE tenant = ?1 AND at0 >= ?2),"
	               " (SELECT count(*) FROM batch WHERE state IN "
	               NM_STORE_OPEN_STATES
	               " AND (?1 IS NULL OR tenant = ?1))", &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, tenant);
	nm_db_bind_int(st, 2, since_s);
	return read_pair(db, st, created, open, err);
}

static enum nm_code
check_batches(struct nm_store *store, const char *tenant,
              const struct nm_store_pace *pace, struct nm_err *err)
{
	int64_t most_open = store->limits.open_batches, created = 0, open = 0;
	enum nm_code rc;

	if (!most_open && !pace->most)
		return NM_OK;
	rc = count_batches(&store->writer, tenant, pace->since_s, &created,
	                   &open, err);
	if (rc)
		return rc;
	if (pace->most && created >= pace->most)
		return nm_fail(err, NM_HELD, 0, "%lld batches were added lately",
		               (long long)created);
	if (most_open && open >= most_open)
		return nm_fail(err, NM_LIMIT, 0, "%lld batches are open already",
		               (long long)open);
	return NM_OK;
}

static enum nm_code
put_batch(struct nm_db *db, const struct nm_stored_batch *batch,
          struct nm_err *err)
{
	sqlite3_stmt *st;
	enum nm_code rc;

	rc = nm_db_use(db, "INSERT INTO batch(id, tenant, endpoint,"
	               " input_file_id, metadata, results_live_s, state, at0,"
	               " expires_s) VALUES(?,?,?,?,?,?,?,?,?)", &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, batch->id);
	nm_db_bind_text(st, 2, batch->tenant);
	nm_db_bind_text(st, 3, batch->endpoint);
	nm_db_bind_text(st, 4, batch->input_file_id);
	nm_db_bind_text(st, 5, batch->metadata);
	nm_db_bind_int(st, 6, batch->results_live_s);
	nm_db_bind_int(st, 7, batch->state);
	nm_db_bind_int(st, 8, batch->at_s[NM_BATCH_VALIDATING]);
	nm_db_bind_int(st, 9, batch->expires_s);
	return nm_db_do(db, st, NULL, err);
}

enum nm_code
nm_store_batch_add(struct nm_store *store, const struct nm_stored_batch *batch,
                   const struct nm_store_pace *pace, struct nm_err *err)
{
	enum nm_code rc = nm_store_begin(store, err);

	if (rc)
		return rc;
	rc = check_batches(store, batch->tenant, pace, err);
	if (!rc)
		rc = put_batch(&store->writer, batch, err);
	return nm_store_commit_or_undo(store, rc, err);
}

enum nm_code
nm_store_batch_get(struct nm_store *store, const char *tenant, const char *id,
                   struct nm_arena *arena, struct nm_stored_batch *batch,
                   struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_use(db, "SELECT " BATCH_COLUMNS " FROM batch WHERE id = ?1"
	               " AND (?2 IS NULL OR tenant = ?2)", &st, err);
	if (rc)
		goto done;
	nm_db_bind_text(st, 1, id);
	nm_db_bind_text(st, 2, tenant);
	rc = nm_db_step(db, st, &row, err);
	if (!rc && !row)
		rc = nm_fail(err, NM_ABSENT, 404, "no such batch: %.64s", id);
	if (!rc)
		read_batch_row(st, arena, batch);
done:
	nm_db_done(st);
	pthread_mutex_unlock(&db->lock);
	return rc;
}

static enum nm_code
collect_batches(struct nm_db *db, const struct nm_store_page *page,
                struct nm_arena *arena, struct nm_stored_batch *batches,
                size_t *n, struct nm_err *err)
{
#define LIST "SELECT " BATCH_COLUMNS " FROM batch WHERE tenant = ?1" \
	" AND +at0 < ?2" /* the plus: no index for this one */
	struct nm_store_place place;
	sqlite3_stmt *st = NULL;
	int row = 0;
	enum nm_code rc;

	rc = nm_store_find_place(db, "SELECT at0, seq FROM batch"
	                         " WHERE tenant = ?1 AND id = ?2", page, &place,
	                         err);
	if (rc)
		return rc;
	if (page->order == NM_NEWEST_FIRST)
		rc = nm_db_use(db, LIST " AND (at0, seq) < (?3, ?4)"
		               " ORDER BY at0 DESC, seq DESC LIMIT ?5", &st, err);
	else
		rc = nm_db_use(db, LIST " AND (at0, seq) > (?3, ?4)"
		               " ORDER BY at0, seq LIMIT ?5", &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, page->tenant);
	nm_db_bind_int(st, 2, page->before_s ? page->before_s : INT64_MAX);
	nm_db_bind_int(st, 3, place.created_s);
	nm_db_bind_int(st, 4, place.seq);
	nm_db_bind_int(st, 5, (int64_t)page->limit + 1);
	while (!(rc = nm_db_step(db, st, &row, err)) && row)
		read_batch_row(st, arena, &batches[(*n)++]);
	nm_db_done(st);
	return rc;
}

enum nm_code
nm_store_batches(struct nm_store *store, const struct nm_store_page *page,
                 void (*each)(void *ctx, const struct nm_stored_batch *batch),
                 void *ctx, int *more, struct nm_err *err)
{
	struct nm_arena arena = {0};
	struct nm_stored_batch *batches;
	size_t n = 0;
	enum nm_code rc;

	batches = nm_arena_array(&arena, page->limit + 1, sizeof(*batches));
	pthread_mutex_lock(&store->reader.lock);
	rc = collect_batches(&store->reader, page, &arena, batches, &n, err);
	pthread_mutex_unlock(&store->reader.lock);
	for (size_t i = 0; !rc && i < n && i < page->limit; i++)
		each(ctx, &batches[i]);
	if (!rc)
		*more = n > page->limit;
	nm_arena_release(&arena);
	return rc;
}

enum nm_code
nm_store_batches_open(struct nm_store *store, struct nm_arena *arena,
                      const struct nm_open_batch **batches,
                      size_t *n_batches, struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	struct nm_open_batch *found = NULL;
	sqlite3_stmt *st = NULL;
	size_t n = 0, room = 0;
	int row = 0;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_use(db, "SELECT id, state FROM batch WHERE state IN "
	               NM_STORE_OPEN_STATES " ORDER BY seq", &st, err);
	while (!rc && !(rc = nm_db_step(db, st, &row, err)) && row) {
		if (n == room)
			found = nm_arena_grow(arena, found, &room,
			                      sizeof(*found));
		found[n].id = nm_db_text(st, 0, arena);
		found[n++].state = (enum nm_batch_state)(
			sqlite3_column_int(st, 1) & (NM_BATCH_STATES - 1));
	}
	nm_db_done(st);
	pthread_mutex_unlock(&db->lock);
	if (!rc) {
		*batches = found;
		*n_batches = n;
	}
	return rc;
}

enum nm_code
nm_store_batch_count(struct nm_store *store, const char *tenant,
                     int64_t since_s, int64_t *created, int64_t *open,
                     struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = count_batches(db, tenant, since_s, created, open, err);
	pthread_mutex_unlock(&db->lock);
	return rc;
}

enum nm_code
nm_store_enqueued(struct nm_store *store, const char *tenant,
                  const char *model, int64_t *tokens, int64_t *requests,
                  struct nm_err *err)
{
	struct nm_db *db = &store->reader;
	sqlite3_stmt *st;
	enum nm_code rc;

	pthread_mutex_lock(&db->lock);
	rc = nm_db_use(db, "SELECT coalesce(sum(prompt_tokens), 0),"
	               " coalesce(sum(total), 0) FROM batch WHERE state IN "
	               NM_STORE_OPEN_STATES " AND (?1 IS NULL OR tenant = ?1)"
	               " AND (?2 IS NULL OR model = ?2)", &st, err);
	if (!rc) {
		nm_db_bind_text(st, 1, tenant);
		nm_db_bind_text(st, 2, model);
		rc = read_pair(db, st, tokens, requests, err);
	}
	pthread_mutex_unlock(&db->lock);
	return rc;
}
