/*
 * shards: rows of the table `shard`.
 */
#include "state/shards.h"

#include "base/path.h"
#include "state/sql.h"

static void
bind_new(sqlite3_stmt *s, const struct nm_shard_record *shard)
{
	nm_sql_bind_text(s, 2, shard->run);
	sqlite3_bind_int64(s, 3, shard->attempt);
	sqlite3_bind_int64(s, 4, shard->number);
	sqlite3_bind_int64(s, 5, shard->first);
	sqlite3_bind_int64(s, 6, shard->count);
	nm_sql_bind_blob(s, 7, shard->members);
	sqlite3_bind_int64(s, 8, shard->bytes);
	sqlite3_bind_int64(s, 9, shard->tokens);
	nm_sql_bind_text(s, 10, shard->tag);
	sqlite3_bind_int(s, 11, (int)shard->state);
	sqlite3_bind_int64(s, 12, shard->intent_ms);
	nm_sql_bind_text(s, 13, shard->input_file_id);
	sqlite3_bind_int64(s, 14, shard->input_created);
	nm_sql_bind_text(s, 15, shard->batch_id);
	nm_sql_bind_text(s, 16, shard->status);
	sqlite3_bind_int64(s, 17, shard->created);
	sqlite3_bind_int64(s, 18, shard->ended);
	nm_sql_bind_text(s, 19, shard->output_file_id);
	nm_sql_bind_text(s, 20, shard->error_file_id);
	nm_sql_bind_text(s, 21, shard->output_path);
	nm_sql_bind_text(s, 22, shard->error_path);
	sqlite3_bind_int64(s, 23, shard->refusals);
	sqlite3_bind_int64(s, 24, shard->input_tokens);
	sqlite3_bind_int64(s, 25, shard->output_tokens);
	nm_sql_bind_text(s, 26, shard->note);
	sqlite3_bind_int64(s, 27, shard->cached_tokens);
	sqlite3_bind_int64(s, 28, shard->reasoning_tokens);
}

static enum nm_code
add_all(struct nm_journal *journal, struct nm_shard_record *shards,
        size_t n_shards, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	sqlite3_stmt *s;
	size_t i;

	for (i = 0; !rc && i < n_shards; i++) {
		rc = nm_sql_ready(journal, SQL_SHARD_ADD, &s, err);
		if (rc)
			break;
		bind_new(s, &shards[i]);
		rc = nm_sql_run(journal, s, "recording a shard", err);
		if (!rc)
			shards[i].id = sqlite3_last_insert_rowid(journal->db);
	}
	return rc;
}

enum nm_code
nm_shards_add(struct nm_journal *journal, struct nm_shard_record *shards,
              size_t n_shards, struct nm_err *err)
{
	int own;
	enum nm_code rc = nm_sql_enter(journal, &own, err);

	if (rc)
		return rc;
	rc = add_all(journal, shards, n_shards, err);
	return nm_sql_leave(journal, own, rc, err);
}

static enum nm_code
refuse(struct nm_journal *journal, int64_t number, const char *run,
       const char *doing, struct nm_err *err)
{
	return nm_sql_damaged(journal, doing, err, "shard %lld of run %s is not"
	                      " as it was written", (long long)number, run);
}

enum nm_code
nm_shards_save(struct nm_journal *journal,
               const struct nm_shard_record *shard, struct nm_err *err)
{
	static const char doing[] = "recording a shard's step";
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_SHARD_SAVE, &s, err);

	if (rc)
		return rc;
	sqlite3_bind_int64(s, 1, shard->id);
	sqlite3_bind_int(s, 2, (int)shard->state);
	sqlite3_bind_int64(s, 3, shard->intent_ms);
	nm_sql_bind_text(s, 4, shard->input_file_id);
	sqlite3_bind_int64(s, 5, shard->input_created);
	nm_sql_bind_text(s, 6, shard->batch_id);
	nm_sql_bind_text(s, 7, shard->status);
	sqlite3_bind_int64(s, 8, shard->created);
	sqlite3_bind_int64(s, 9, shard->ended);
	nm_sql_bind_text(s, 10, shard->output_file_id);
	nm_sql_bind_text(s, 11, shard->error_file_id);
	nm_sql_bind_text(s, 12, shard->output_path);
	nm_sql_bind_text(s, 13, shard->error_path);
	sqlite3_bind_int64(s, 14, shard->refusals);
	sqlite3_bind_int64(s, 15, shard->input_tokens);
	sqlite3_bind_int64(s, 16, shard->output_tokens);
	nm_sql_bind_text(s, 17, shard->note);
	nm_sql_bind_text(s, 18, shard->tag);
	sqlite3_bind_int64(s, 19, shard->cached_tokens);
	sqlite3_bind_int64(s, 20, shard->reasoning_tokens);
	rc = nm_sql_run(journal, s, doing, err);
	if (!rc && sqlite3_changes(journal->db) != 1)
		rc = refuse(journal, shard->number, shard->run, doing, err);
	return rc;
}

/* The state folder may have been moved since, or be named from another place. */
static const char *
read_path(const struct nm_journal *journal, sqlite3_stmt *s, int column,
          const char *run, struct nm_arena *arena)
{
	const char *kept = nm_sql_string(s, column, arena);
	struct nm_buf path = { 0 };

	if (!kept[0])
		return kept;
	nm_journal_add_run_folder(journal, run, &path);
	nm_buf_addf(&path, "/%s", nm_path_base(kept));
	kept = nm_arena_string(arena, nm_buf_string(&path));
	nm_buf_release(&path);
	return kept;
}

static void
read_columns(const struct nm_journal *journal, sqlite3_stmt *s,
             struct nm_arena *arena, struct nm_shard_record *shard)
{
	shard->id = sqlite3_column_int64(s, 0);
	shard->run = nm_sql_string(s, 1, arena);
	shard->attempt = sqlite3_column_int64(s, 2);
	shard->number = sqlite3_column_int64(s, 3);
	shard->first = sqlite3_column_int64(s, 4);
	shard->count = sqlite3_column_int64(s, 5);
	shard->members = nm_sql_bytes(s, 6, arena);
	shard->bytes = sqlite3_column_int64(s, 7);
	shard->tokens = sqlite3_column_int64(s, 8);
	shard->tag = nm_sql_string(s, 9, arena);
	shard->state = (enum nm_shard_state)sqlite3_column_int(s, 10);
	shard->intent_ms = sqlite3_column_int64(s, 11);
	shard->input_file_id = nm_sql_string(s, 12, arena);
	shard->input_created = sqlite3_column_int64(s, 13);
	shard->batch_id = nm_sql_string(s, 14, arena);
	shard->status = nm_sql_string(s, 15, arena);
	shard->created = sqlite3_column_int64(s, 16);
	shard->ended = sqlite3_column_int64(s, 17);
	shard->output_file_id = nm_sql_string(s, 18, arena);
	shard->error_file_id = nm_sql_string(s, 19, arena);
	shard->output_path = read_path(journal, s, 20, shard->run, arena);
	shard->error_path = read_path(journal, s, 21, shard->run, arena);
	shard->refusals = sqlite3_column_int64(s, 22);
	shard->input_tokens = sqlite3_column_int64(s, 23);
	shard->output_tokens = sqlite3_column_int64(s, 24);
	shard->note = nm_sql_string(s, 25, arena);
	shard->cached_tokens = sqlite3_column_int64(s, 26);
	shard->reasoning_tokens = sqlite3_column_int64(s, 27);
}

enum nm_code
nm_shards_list(struct nm_journal *journal, const char *run,
               struct nm_arena *arena, struct nm_shard_record **shards,
               size_t *n_shards, struct nm_err *err)
{
	static const char doing[] = "listing shards";
	struct nm_shard_record *list = NULL;
	size_t n = 0, room = 0;
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, SQL_SHARD_LIST, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run);
	for (;;) {
		rc = nm_sql_step(journal, s, &some, doing, err);
		if (rc || !some)
			break;
		if (!sqlite3_column_int(s, 28)) {
			rc = refuse(journal, sqlite3_column_int64(s, 3), run,
			            doing, err);
			nm_sql_done(s);
			break;
		}
		if (n == room)
			list = nm_arena_grow(arena, list, &room, sizeof(*list));
		read_columns(journal, s, arena, &list[n++]);
	}
	if (!rc) {
		*shards = list;
		*n_shards = n;
	}
	return rc;
}
