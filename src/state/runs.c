/*
 * runs: rows of the table `run`.
 */
#include "state/runs.h"

#include "state/sql.h"

enum nm_code
nm_runs_add(struct nm_journal *journal, const struct nm_run_record *run,
            struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_RUN_ADD, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run->id);
	nm_sql_bind_text(s, 2, run->key);
	nm_sql_bind_text(s, 3, run->mode);
	sqlite3_bind_int(s, 4, (int)run->state);
	sqlite3_bind_int64(s, 5, run->created_ms);
	sqlite3_bind_int64(s, 6, run->updated_ms);
	nm_sql_bind_text(s, 7, run->name);
	nm_sql_bind_text(s, 8, run->model);
	nm_sql_bind_text(s, 9, run->endpoint);
	nm_sql_bind_text(s, 10, run->account);
	sqlite3_bind_int64(s, 11, run->requests);
	nm_sql_bind_text(s, 12, run->spec);
	nm_sql_bind_text(s, 13, run->results_path);
	return nm_sql_run(journal, s, "recording a run", err);
}

static void
read_columns(sqlite3_stmt *s, struct nm_arena *arena, struct nm_run_record *run)
{
	run->id = nm_sql_string(s, 0, arena);
	run->key = nm_sql_string(s, 1, arena);
	run->mode = nm_sql_string(s, 2, arena);
	run->state = (enum nm_run_state)sqlite3_column_int(s, 3);
	run->created_ms = sqlite3_column_int64(s, 4);
	run->updated_ms = sqlite3_column_int64(s, 5);
	run->name = nm_sql_string(s, 6, arena);
	run->model = nm_sql_string(s, 7, arena);
	run->endpoint = nm_sql_string(s, 8, arena);
	run->account = nm_sql_string(s, 9, arena);
	run->requests = sqlite3_column_int64(s, 10);
	run->spec = nm_sql_string(s, 11, arena);
	run->results_path = nm_sql_string(s, 12, arena);
}

/* Where the row is damaged, it is told under the name by which it was found. */
static enum nm_code
read_run(struct nm_journal *journal, sqlite3_stmt *s, const char *by,
         struct nm_arena *arena, struct nm_run_record *run,
         const char *doing, struct nm_err *err)
{
	if (!sqlite3_column_int(s, 13))
		return nm_sql_damaged(journal, doing, err, "the run%s%s is not"
		                      " as it was written", by ? " for " : "",
		                      by ? by : "");
	read_columns(s, arena, run);
	return NM_OK;
}

static enum nm_code
find(struct nm_journal *journal, enum nm_sql which, const char *by,
     struct nm_arena *arena, struct nm_run_record *run, struct nm_err *err)
{
	static const char doing[] = "looking a run up";
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, which, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, by);
	rc = nm_sql_step(journal, s, &some, doing, err);
	if (rc)
		return rc;
	if (!some)
		return nm_fail(err, NM_ABSENT, 0,
		               "this machine's journal knows no run for %s",
		               by);
	rc = read_run(journal, s, by, arena, run, doing, err);
	nm_sql_done(s);
	return rc;
}

enum nm_code
nm_runs_get(struct nm_journal *journal, const char *id,
            struct nm_arena *arena, struct nm_run_record *run,
            struct nm_err *err)
{
	return find(journal, SQL_RUN_GET, id, arena, run, err);
}

enum nm_code
nm_runs_find_open(struct nm_journal *journal, const char *key,
                  struct nm_arena *arena, struct nm_run_record *run,
                  struct nm_err *err)
{
	return find(journal, SQL_RUN_OPEN, key, arena, run, err);
}

enum nm_code
nm_runs_find_done(struct nm_journal *journal, const char *key,
                  struct nm_arena *arena, struct nm_run_record *run,
                  struct nm_err *err)
{
	return find(journal, SQL_RUN_DONE, key, arena, run, err);
}

int
nm_runs_has_ended(enum nm_run_state state)
{
	return state == NM_RUN_DONE || state == NM_RUN_PARTIAL;
}

enum nm_code
nm_runs_of_batch(struct nm_journal *journal, const char *batch_id,
                 struct nm_arena *arena, struct nm_run_record *run,
                 struct nm_err *err)
{
	return find(journal, SQL_RUN_OF_BATCH, batch_id, arena, run, err);
}

enum nm_code
nm_runs_list(struct nm_journal *journal, struct nm_arena *arena,
             struct nm_run_record **runs, size_t *n_runs, struct nm_err *err)
{
	static const char doing[] = "listing runs";
	struct nm_run_record *list = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, SQL_RUN_LIST, &s, err);

	while (!rc) {
		rc = nm_sql_step(journal, s, &some, doing, err);
		if (rc || !some)
			break;
		if (n == room)
			list = nm_arena_grow(arena, list, &room, sizeof(*list));
		rc = read_run(journal, s, NULL, arena, &list[n++], doing, err);
		if (rc)
			nm_sql_done(s);
	}
	if (!rc) {
		*runs = list;
		*n_runs = n;
	}
	return rc;
}

enum nm_code
nm_runs_set_state(struct nm_journal *journal, const char *id,
                  enum nm_run_state state, const char *results_path,
                  int64_t now_ms, struct nm_err *err)
{
	static const char doing[] = "recording a run's state";
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_RUN_STATE, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, id);
	sqlite3_bind_int(s, 2, (int)state);
	nm_sql_bind_text(s, 3, results_path);
	sqlite3_bind_int64(s, 4, now_ms);
	rc = nm_sql_run(journal, s, doing, err);
	if (!rc && sqlite3_changes(journal->db) != 1)
		rc = nm_sql_damaged(journal, doing, err, "the run %s is not as"
		                    " it was written", id);
	return rc;
}

enum nm_code
nm_runs_remove(struct nm_journal *journal, const char *id, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_RUN_REMOVE, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, id);
	return nm_sql_run(journal, s, "removing a run", err);
}
