#include "server/timetable.h"

#include "server/options.h"

enum { HOUR_MS = 3600000 };

int64_t
nm_timetable_leave_ms(const struct nm_parts *parts,
                      const struct nm_batch_fault *fault,
                      enum nm_batch_state state, int64_t entered_s)
{
	const struct nm_server_options *options = parts->options;
	int64_t now = nm_vclock_now_ms(parts->clock);
	int64_t dwell = fault->dwell_ms[state];

	if (dwell < 0 && state == NM_BATCH_VALIDATING)
		dwell = options->validating_ms;
	else if (dwell < 0 && state == NM_BATCH_IN_PROGRESS)
		dwell = options->in_progress_ms;
	else if (dwell < 0 && state == NM_BATCH_FINALIZING)
		dwell = options->finalizing_ms;
	else if (dwell < 0 && state == NM_BATCH_CANCELLING)
		dwell = options->cancelling_ms;
	if (dwell < 0)
		dwell = 0;
	if ((entered_s + 1) * 1000 < now)
		now = (entered_s + 1) * 1000;
	return dwell > INT64_MAX - now ? INT64_MAX : now + dwell;
}

bool
nm_timetable_is_over(const struct nm_parts *parts,
                     const struct nm_stored_batch *batch)
{
	return nm_vclock_now_s(parts->clock) >= batch->expires_s;
}

bool
nm_timetable_waits(const struct nm_parts *parts,
                   const struct nm_stored_batch *batch, int64_t *due_ms)
{
	int64_t end_ms = batch->expires_s * 1000;

	if (nm_vclock_now_ms(parts->clock) >= batch->books.due_ms ||
	    nm_timetable_is_over(parts, batch))
		return false;
	*due_ms = batch->books.due_ms;
	if (end_ms < *due_ms)
		*due_ms = end_ms;
	return true;
}

uint64_t
nm_timetable_rows(const struct nm_parts *parts,
                  const struct nm_stored_batch *batch,
                  const struct nm_batch_fault *fault, int64_t *due_ms)
{
	int64_t began_ms = batch->at_s[NM_BATCH_IN_PROGRESS] * 1000;
	int64_t now_ms = nm_vclock_now_ms(parts->clock);
	int64_t allowed, taken = batch->books.input_lines;

	if (fault->rows_an_hour == 0)
		return UINT64_MAX;
	allowed = (now_ms - began_ms) * fault->rows_an_hour / HOUR_MS;
	if (allowed > taken)
		return (uint64_t)(allowed - taken);
	*due_ms = began_ms + (taken + 1) * HOUR_MS / fault->rows_an_hour + 1;
	if (batch->expires_s * 1000 < *due_ms)
		*due_ms = batch->expires_s * 1000;
	return 0;
}
