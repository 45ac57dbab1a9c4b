/*
 * result_rows: lines of a result file, as the tests of their readers want them, and the
 * numbers that they stand for. Each ends in '\n'; ids and statuses are literals.
 */
#ifndef NM_TESTS_RESULT_ROWS_H
#define NM_TESTS_RESULT_ROWS_H

#include "eval/request.h"
#include "run/source.h"

#define OK(id, text) \
	"{\"custom_id\":\"request-" id "\",\"response\":{\"status_code\":200," \
	"\"body\":{\"model\":\"m\",\"choices\":[{\"finish_reason\":\"stop\"," \
	"\"message\":{\"content\":\"{\\\"answers\\\":[\\\"" text "\\\"]}\"}}]" \
	"}},\"error\":null}\n"
#define UNREADABLE(id) \
	"{\"custom_id\":\"request-" id "\",\"response\":{\"status_code\":200," \
	"\"body\":{\"choices\":[{\"finish_reason\":\"stop\"," \
	"\"message\":{\"content\":\"hm\"}}]}},\"error\":null}\n"
#define STATUS(id, status) \
	"{\"custom_id\":\"request-" id "\",\"response\":{\"status_code\":" \
	status ",\"body\":{\"error\":{\"message\":\"no\",\"code\":null}}}," \
	"\"error\":null}\n"
#define EXPIRED(id) \
	"{\"custom_id\":\"request-" id "\",\"response\":null," \
	"\"error\":{\"code\":\"batch_expired\",\"message\":\"late\"}}\n"

/* For nm_source.find: the number of "request-N", where the source has so many. */
static inline int64_t
find(const struct nm_source *source, struct nm_text custom_id)
{
	uint64_t id;

	if (nm_custom_id_read(custom_id, &id) != NM_CUSTOM_ID_OURS ||
	    (int64_t)id >= source->count)
		return -1;
	return (int64_t)id;
}

#endif
