/*
 * answers: rows of the table `answer`.
 */
#include "state/answers.h"

#include "state/sql.h"

enum nm_code
nm_answers_keep(struct nm_journal *journal, const char *run,
               const struct nm_answer_record *answer, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_ANSWER_ADD, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run);
	sqlite3_bind_int64(s, 2, answer->attempt);
	sqlite3_bind_int64(s, 3, answer->ordinal);
	nm_sql_bind_blob(s, 4, answer->row);
	return nm_sql_run(journal, s, "keeping an answer", err);
}

enum nm_code
nm_answers_forget(struct nm_journal *journal, const char *run, int64_t attempt,
                  int64_t ordinal, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_ANSWER_REMOVE, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run);
	sqlite3_bind_int64(s, 2, attempt);
	sqlite3_bind_int64(s, 3, ordinal);
	return nm_sql_run(journal, s, "forgetting an answer", err);
}

enum nm_code
nm_answers_walk(struct nm_journal *journal, const char *run,
                enum nm_code (*visit)(void *context,
                                      const struct nm_answer_record *answer,
                                      struct nm_err *err),
                void *context, struct nm_err *err)
{
	struct nm_answer_record answer;
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, SQL_ANSWER_LIST, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run);
	for (;;) {
		rc = nm_sql_step(journal, s, &some, "reading answers", err);
		if (rc || !some)
			return rc;
		answer.ordinal = sqlite3_column_int64(s, 0);
		answer.attempt = sqlite3_column_int64(s, 1);
		answer.row.at = sqlite3_column_blob(s, 2);
		answer.row.len = (size_t)sqlite3_column_bytes(s, 2);
		rc = visit(context, &answer, err);
		if (rc) {
			nm_sql_done(s);
			return rc;
		}
	}
}
