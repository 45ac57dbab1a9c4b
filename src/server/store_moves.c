/* A batch from state to state, with its books. */
#include "server/store_parts.h"

static void
bind_books(sqlite3_stmt *st, int first, const struct nm_batch_books *books)
{
	int64_t numbers[NM_STORE_BOOKS];

	if (!books)
		return;
	memcpy(numbers, books, sizeof(numbers));
	for (int i = 0; i < NM_STORE_BOOKS; i++)
		nm_db_bind_int(st, first + i, numbers[i]);
}

/* ?1 id, ?2… books (all NULL: as they are). */
#define SET_BOOKS "total = coalesce(?2, total)," \
	" completed = coalesce(?3, completed), failed = coalesce(?4, failed)," \
	" input_tokens = coalesce(?5, input_tokens)," \
	" cached_tokens = coalesce(?6, cached_tokens)," \
	" output_tokens = coalesce(?7, output_tokens)," \
	" reasoning_tokens = coalesce(?8, reasoning_tokens)," \
	" input_lines = coalesce(?9, input_lines)," \
	" input_bytes = coalesce(?10, input_bytes)," \
	" output_bytes = coalesce(?11, output_bytes)," \
	" error_bytes = coalesce(?12, error_bytes)," \
	" prompt_tokens = coalesce(?13, prompt_tokens)," \
	" due_ms = coalesce(?14, due_ms), by_id = coalesce(?15, by_id)"

#define MOVE_TO(n) "UPDATE batch SET state = " #n ", at" #n " = ?16," \
	" model = coalesce(?17, model), errors = coalesce(?18, errors)," \
	" output_file_id = coalesce(?20, output_file_id)," \
	" error_file_id = coalesce(?21, error_file_id), " SET_BOOKS \
	" WHERE id = ?1 AND state = ?19"

static enum nm_code
read_state(struct nm_db *db, const char *id, enum nm_batch_state *state,
           struct nm_err *err)
{
	sqlite3_stmt *st;
	int row = 0;
	enum nm_code rc;

	rc = nm_db_use(db, "SELECT state FROM batch WHERE id = ?1", &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, id);
	rc = nm_db_step(db, st, &row, err);
	if (!rc && !row)
		rc = nm_fail(err, NM_ABSENT, 404, "no such batch: %.64s", id);
	if (!rc)
		*state = (enum nm_batch_state)sqlite3_column_int(st, 0);
	nm_db_done(st);
	return rc;
}

/* Within a transaction of the writer. */
static enum nm_code
move_batch(struct nm_db *db, const char *id, const struct nm_batch_move *move,
           const char *output_id, const char *error_id,
           enum nm_batch_state *now, struct nm_err *err)
{
	static const char *const sql[NM_BATCH_STATES] = {
		MOVE_TO(0), MOVE_TO(1), MOVE_TO(2), MOVE_TO(3),
		MOVE_TO(4), MOVE_TO(5), MOVE_TO(6), MOVE_TO(7)
	};
	enum nm_batch_state state = move->to;
	sqlite3_stmt *st;
	int changed = 0;
	enum nm_code rc;

	rc = nm_db_use(db, sql[move->to], &st, err);
	if (rc)
		return rc;
	nm_db_bind_text(st, 1, id);
	bind_books(st, 2, move->books);
	nm_db_bind_int(st, 16, move->now_s);
	nm_db_bind_text(st, 17, move->model);
	nm_db_bind_text(st, 18, move->errors);
	nm_db_bind_int(st, 19, move->from);
	nm_db_bind_text(st, 20, output_id);
	nm_db_bind_text(st, 21, error_id);
	rc = nm_db_do(db, st, &changed, err);
	if (!rc && !changed) {
		rc = read_state(db, id, &state, err);
		if (!rc)
			rc = nm_fail(err, NM_HELD, 0, "batch %.64s is %s, not %s",
			             id, nm_batch_state_name(state),
			             nm_batch_state_name(move->from));
	}
	if (now && (!rc || rc == NM_HELD))
		*now = state;
	return rc;
}

enum nm_code
nm_store_batch_move(struct nm_store *store, const char *id,
                    const struct nm_batch_move *move, enum nm_batch_state *now,
                    struct nm_err *err)
{
	enum nm_code rc;

	rc = nm_store_begin(store, err);
	if (rc)
		return rc;
	rc = move_batch(&store->writer, id, move, NULL, NULL, now, err);
	return nm_store_commit_or_undo(store, rc, err);
}

enum nm_code
nm_store_batch_keep(struct nm_store *store, const char *id,
                    const struct nm_batch_books *books,
                    enum nm_batch_state *now, struct nm_err *err)
{
	struct nm_db *db = &store->writer;
	sqlite3_stmt *st;
	enum nm_code rc;

	rc = nm_store_begin(store, err);
	if (rc)
		return rc;
	rc = nm_db_use(db, "UPDATE batch SET " SET_BOOKS " WHERE id = ?1", &st,
	               err);
	if (!rc) {
		nm_db_bind_text(st, 1, id);
		bind_books(st, 2, books);
		rc = nm_db_do(db, st, NULL, err);
	}
	if (!rc)
		rc = read_state(db, id, now, err);
	return nm_store_commit_or_undo(store, rc, err);
}

enum nm_code
nm_store_batch_finish(struct nm_store *store, const char *id,
                      const struct nm_batch_move *move,
                      const struct nm_stored_file *output,
                      const struct nm_stored_file *errors,
                      struct nm_err *err)
{
	enum nm_code rc;

	rc = nm_store_begin(store, err);
	if (rc)
		return rc;
	if (output)
		rc = nm_store_put_file(&store->writer, output, err);
	if (!rc && errors)
		rc = nm_store_put_file(&store->writer, errors, err);
	if (!rc)
		rc = move_batch(&store->writer, id, move,
		                output ? output->id : NULL,
		                errors ? errors->id : NULL, NULL, err);
	return nm_store_commit_or_undo(store, rc, err);
}
