/*
 * pace: see the header. Additive increase, multiplicative decrease, with a quick
 * start.
 */
#include "run/pace.h"

enum { FIRST = 8, CUT_PAUSE_MS = 1000 };

void
nm_pace_init(struct nm_pace *pace, int64_t ceiling)
{
	pace->ceiling = ceiling < 1 ? 1 : ceiling;
	pace->window = pace->ceiling < FIRST ? (double)pace->ceiling : FIRST;
	pace->slow_above = (double)pace->ceiling;
	pace->cut_ms = INT64_MIN / 2;
	pace->held_until_ms = INT64_MIN;
}

int64_t
nm_pace_room(const struct nm_pace *pace, int64_t now_ms)
{
	return now_ms < pace->held_until_ms ? 0 : (int64_t)pace->window;
}

void
nm_pace_went_well(struct nm_pace *pace)
{
	pace->window += pace->window < pace->slow_above ? 1
	                                                : 1 / pace->window;
	if (pace->window > (double)pace->ceiling)
		pace->window = (double)pace->ceiling;
}

void
nm_pace_trouble(struct nm_pace *pace, int64_t now_ms)
{
	if (now_ms - pace->cut_ms < CUT_PAUSE_MS)
		return;
	pace->cut_ms = now_ms;
	pace->window /= 2;
	if (pace->window < 1)
		pace->window = 1;
	pace->slow_above = pace->window;
}

void
nm_pace_hold(struct nm_pace *pace, int64_t until_ms)
{
	if (until_ms > pace->held_until_ms)
		pace->held_until_ms = until_ms;
}
