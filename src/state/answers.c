/*
 * answers: rows of the table `answer`, and the seal of them all that their run has: a
 * row that is lost would be asked, and paid, again.
 */
#include "state/answers.h"

#include "state/sql.h"

static void
bind_place(sqlite3_stmt *s, const char *run, int64_t attempt, int64_t ordinal)
{
	nm_sql_bind_text(s, 1, run);
	sqlite3_bind_int64(s, 2, attempt);
	sqlite3_bind_int64(s, 3, ordinal);
}

enum nm_code
nm_answers_settle(struct nm_journal *journal, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc;

	if (!journal->answers)
		return NM_OK;
	rc = nm_sql_ready(journal, SQL_RUN_ANSWERS, &s, err);
	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, nm_buf_string(&journal->answers_run));
	sqlite3_bind_int64(s, 2, (int64_t)journal->answers);
	rc = nm_sql_run(journal, s, "sealing answers", err);
	journal->answers = 0;
	return rc;
}

/* One more, or one less. */
static enum nm_code
count_seal(struct nm_journal *journal, const char *run, uint64_t seal,
           struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (strcmp(nm_buf_string(&journal->answers_run), run) != 0) {
		rc = nm_answers_settle(journal, err);
		nm_buf_clear(&journal->answers_run);
		nm_buf_add_string(&journal->answers_run, run);
	}
	journal->answers ^= seal;
	return rc;
}

static enum nm_code
put_row(struct nm_journal *journal, const char *run,
        const struct nm_answer_record *answer, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_ANSWER_ADD, &s, err);

	if (rc)
		return rc;
	bind_place(s, run, answer->attempt, answer->ordinal);
	nm_sql_bind_blob(s, 4, answer->row);
	return nm_sql_run(journal, s, "keeping an answer", err);
}

/* The seal of the one row that the statement has, if any. */
static enum nm_code
read_seal(struct nm_journal *journal, sqlite3_stmt *s, int *some,
          uint64_t *seal, struct nm_err *err)
{
	enum nm_code rc = nm_sql_step(journal, s, some, "sealing an answer",
	                              err);

	if (rc || !*some)
		return rc;
	*seal = (uint64_t)sqlite3_column_int64(s, 0);
	nm_sql_done(s);
	return NM_OK;
}

static enum nm_code
make_seal(struct nm_journal *journal, const char *run,
          const struct nm_answer_record *answer, uint64_t *seal,
          struct nm_err *err)
{
	int some;
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_ANSWER_NEW_SEAL, &s, err);

	if (rc)
		return rc;
	bind_place(s, run, answer->attempt, answer->ordinal);
	nm_sql_bind_blob(s, 4, answer->row);
	return read_seal(journal, s, &some, seal, err);
}

static enum nm_code
remove_row(struct nm_journal *journal, const char *run, int64_t attempt,
           int64_t ordinal, struct nm_err *err)
{
	uint64_t seal = 0;
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, SQL_ANSWER_SEAL, &s, err);

	if (rc)
		return rc;
	bind_place(s, run, attempt, ordinal);
	rc = read_seal(journal, s, &some, &seal, err);
	if (rc || !some)
		return rc;
	rc = nm_sql_ready(journal, SQL_ANSWER_REMOVE, &s, err);
	if (rc)
		return rc;
	bind_place(s, run, attempt, ordinal);
	rc = nm_sql_run(journal, s, "forgetting an answer", err);
	return rc ? rc : count_seal(journal, run, seal, err);
}

static enum nm_code
keep(struct nm_journal *journal, const char *run,
     const struct nm_answer_record *answer, struct nm_err *err)
{
	uint64_t seal = 0;
	enum nm_code rc = make_seal(journal, run, answer, &seal, err);

	if (!rc)
		rc = put_row(journal, run, answer, err);
	if (!rc && sqlite3_changes(journal->db) == 0) {
		rc = remove_row(journal, run, answer->attempt, answer->ordinal,
		                err);
		if (!rc)
			rc = put_row(journal, run, answer, err);
	}
	return rc ? rc : count_seal(journal, run, seal, err);
}

enum nm_code
nm_answers_keep(struct nm_journal *journal, const char *run,
               const struct nm_answer_record *answer, struct nm_err *err)
{
	int own;
	enum nm_code rc = nm_sql_enter(journal, &own, err);

	if (rc)
		return rc;
	rc = keep(journal, run, answer, err);
	return nm_sql_leave(journal, own, rc, err);
}

enum nm_code
nm_answers_forget(struct nm_journal *journal, const char *run, int64_t attempt,
                  int64_t ordinal, struct nm_err *err)
{
	int own;
	enum nm_code rc = nm_sql_enter(journal, &own, err);

	if (rc)
		return rc;
	rc = remove_row(journal, run, attempt, ordinal, err);
	return nm_sql_leave(journal, own, rc, err);
}

/* Visits what the statement stands on; there may be no answer at all. */
static enum nm_code
visit_row(sqlite3_stmt *s, uint64_t *seals,
          enum nm_code (*visit)(void *context,
                                const struct nm_answer_record *answer,
                                struct nm_err *err),
          void *context, struct nm_err *err)
{
	struct nm_answer_record answer;

	if (sqlite3_column_type(s, 1) == SQLITE_NULL)
		return NM_OK;
	*seals ^= (uint64_t)sqlite3_column_int64(s, 3);
	answer.ordinal = sqlite3_column_int64(s, 0);
	answer.attempt = sqlite3_column_int64(s, 1);
	answer.row.at = sqlite3_column_blob(s, 2);
	answer.row.len = (size_t)sqlite3_column_bytes(s, 2);
	return visit(context, &answer, err);
}

enum nm_code
nm_answers_walk(struct nm_journal *journal, const char *run,
                enum nm_code (*visit)(void *context,
                                      const struct nm_answer_record *answer,
                                      struct nm_err *err),
                void *context, struct nm_err *err)
{
	static const char doing[] = "reading answers";
	uint64_t seals = 0, sum = 0;
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_answers_settle(journal, err);

	if (!rc)
		rc = nm_sql_ready(journal, SQL_ANSWER_LIST, &s, err);
	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run);
	for (;;) {
		rc = nm_sql_step(journal, s, &some, doing, err);
		if (rc || !some)
			break;
		sum = (uint64_t)sqlite3_column_int64(s, 4);
		rc = visit_row(s, &seals, visit, context, err);
		if (rc) {
			nm_sql_done(s);
			break;
		}
	}
	if (!rc && seals != sum)
		rc = nm_sql_damaged(journal, doing, err, "the answers of run %s"
		                    " are not as they were written", run);
	return rc;
}
