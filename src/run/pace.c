/*
 * pace: see the header. Additive increase, multiplicative decrease, with a quick
 * start.
 */
#include "run/pace.h"

enum {
	FIRST = 8, PROBES = 4,
	CUT_PAUSE_MS = 1000, REST_MS = 1000,
	ASKED_TIMES = 4
};

void
nm_pace_init(struct nm_pace *pace, int64_t ceiling)
{
	*pace = (struct nm_pace){ .ceiling = ceiling < 1 ? 1 : ceiling };
	pace->window = pace->ceiling < FIRST ? (double)pace->ceiling : FIRST;
	pace->slow_above = (double)pace->ceiling;
	pace->cut_ms = INT64_MIN / 2;
	pace->held_until_ms = pace->rest_until_ms = INT64_MIN / 2;
}

int64_t
nm_pace_room(const struct nm_pace *pace, int64_t now_ms)
{
	int64_t room = (int64_t)pace->window;

	if (now_ms < pace->held_until_ms || now_ms < pace->rest_until_ms)
		return 0;
	/* One that always fails must not be the only one that is tried. */
	if (nm_pace_is_outage(pace) && room < PROBES)
		room = PROBES < pace->ceiling ? PROBES : pace->ceiling;
	return room;
}

void
nm_pace_went_well(struct nm_pace *pace)
{
	pace->failing = 0;
	pace->cuts = 0;
	pace->rest_until_ms = INT64_MIN / 2;
	pace->window += pace->window < pace->slow_above ? 1
	                                                : 1 / pace->window;
	if (pace->window > (double)pace->ceiling)
		pace->window = (double)pace->ceiling;
}

/* Who names short pauses is believed, but not for ever. */
static int64_t
rest_of(int64_t cuts, int64_t asked_ms)
{
	int64_t rest_ms = REST_MS, most_ms = NM_PACE_REST_MS;

	if (asked_ms >= 0 && asked_ms < most_ms / ASKED_TIMES)
		most_ms = asked_ms * ASKED_TIMES;
	if (most_ms < REST_MS)
		most_ms = REST_MS;
	for (; cuts > 2 && rest_ms < most_ms; cuts--)
		rest_ms *= 2;
	return rest_ms < most_ms ? rest_ms : most_ms;
}

void
nm_pace_trouble(struct nm_pace *pace, int64_t sent_ms, int64_t now_ms,
                int64_t asked_ms)
{
	if (!pace->failing)
		pace->failing_since_ms = now_ms;
	pace->failing = 1;
	/* What was in flight at the last cut says nothing new. */
	if (sent_ms < pace->cut_ms || now_ms - pace->cut_ms < CUT_PAUSE_MS)
		return;
	pace->cut_ms = now_ms;
	pace->window = pace->window > 2 ? pace->window / 2 : 1;
	/* How many the service bears is not learnt while it bears none. */
	if (!pace->cuts++)
		pace->slow_above = pace->window;
	if (nm_pace_is_outage(pace))
		pace->rest_until_ms = now_ms + rest_of(pace->cuts, asked_ms);
}

void
nm_pace_hold(struct nm_pace *pace, int64_t now_ms, int64_t pause_ms)
{
	int64_t until_ms = now_ms + (pause_ms < NM_PACE_HOLD_MS
	                             ? pause_ms : NM_PACE_HOLD_MS);

	if (until_ms > pace->held_until_ms)
		pace->held_until_ms = until_ms;
}

void
nm_pace_left(struct nm_pace *pace, int64_t left)
{
	if (left < 1)
		left = 1;
	if (pace->window > (double)left)
		pace->window = (double)left;
}

int
nm_pace_is_outage(const struct nm_pace *pace)
{
	return pace->cuts >= 2;
}

int64_t
nm_pace_failing_ms(const struct nm_pace *pace, int64_t now_ms)
{
	return pace->failing ? now_ms - pace->failing_since_ms : 0;
}
