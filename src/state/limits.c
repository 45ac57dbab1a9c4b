/*
 * limits: rows of the table `learnt`.
 */
#include "state/limits.h"

#include "state/sql.h"

enum nm_code
nm_limits_set(struct nm_journal *journal, const char *account,
              const char *model, const char *kind, int64_t value,
              int64_t now_ms, struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_LIMIT_SET, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, account);
	nm_sql_bind_text(s, 2, model);
	nm_sql_bind_text(s, 3, kind);
	sqlite3_bind_int64(s, 4, value);
	sqlite3_bind_int64(s, 5, now_ms);
	return nm_sql_run(journal, s, "keeping a learnt limit", err);
}

enum nm_code
nm_limits_get(struct nm_journal *journal, const char *account,
              const char *model, const char *kind, int64_t now_ms,
              int64_t *value, struct nm_err *err)
{
	static const char doing[] = "reading a learnt limit";
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, SQL_LIMIT_GET, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, account);
	nm_sql_bind_text(s, 2, model);
	nm_sql_bind_text(s, 3, kind);
	sqlite3_bind_int64(s, 4, now_ms - NM_LIMITS_LAST_MS);
	rc = nm_sql_step(journal, s, &some, doing, err);
	if (rc)
		return rc;
	if (!some)
		return nm_fail(err, NM_ABSENT, 0, "no %s is known for %s",
		               kind, model);
	if (sqlite3_column_int(s, 1))
		*value = sqlite3_column_int64(s, 0);
	else
		rc = nm_sql_damaged(journal, doing, err, "the %s of %s are not"
		                    " as they were written", kind, model);
	nm_sql_done(s);
	return rc;
}
