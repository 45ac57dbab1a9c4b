/*
 * flights: rows of the table `flight`.
 */
#include "state/flights.h"

#include "state/sql.h"

enum nm_code
nm_flights_set(struct nm_journal *journal, const char *run, int64_t requests,
               struct nm_err *err)
{
	sqlite3_stmt *s;
	enum nm_code rc = nm_sql_ready(journal, SQL_FLIGHT_SET, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run);
	sqlite3_bind_int64(s, 2, requests);
	return nm_sql_run(journal, s, "keeping what is in flight", err);
}

enum nm_code
nm_flights_get(struct nm_journal *journal, const char *run, int64_t *requests,
               struct nm_err *err)
{
	static const char doing[] = "reading what is in flight";
	sqlite3_stmt *s;
	int some = 0;
	enum nm_code rc = nm_sql_ready(journal, SQL_FLIGHT_GET, &s, err);

	if (rc)
		return rc;
	nm_sql_bind_text(s, 1, run);
	rc = nm_sql_step(journal, s, &some, doing, err);
	if (rc)
		return rc;
	if (some && !sqlite3_column_int(s, 1))
		rc = nm_sql_damaged(journal, doing, err, "the requests in"
		                    " flight of run %s are not as they were"
		                    " written", run);
	else
		*requests = some ? sqlite3_column_int64(s, 0) : 0;
	nm_sql_done(s);
	return rc;
}
