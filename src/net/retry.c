/*
 * retry: see retry.h.
 */
#include "net/retry.h"

#include <strings.h>
#include <time.h>

enum {
	PACE_FIRST_MS = 500, PACE_MOST_MS = 8000,
	SLOW_FIRST_MS = 4000, SLOW_MOST_MS = 60000
};

/* Decimal digits and a fraction, to milliseconds; -1 for anything else. */
static int64_t
read_decimal(struct nm_text text, int64_t unit_ms)
{
	double value = 0, place = 1;
	bool fraction = false;
	size_t digits = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];

		if (c == '.' && !fraction) {
			fraction = true;
		} else if (c >= '0' && c <= '9') {
			digits++;
			if (fraction)
				value += (c - '0') * (place /= 10);
			else
				value = value * 10 + (c - '0');
		} else {
			return -1;
		}
	}
	if (digits == 0)
		return -1;
	/* A century; what is longer is told apart from nothing sensible. */
	if (value > 3.2e9)
		value = 3.2e9;
	return (int64_t)(value * (double)unit_ms + 0.999);
}

static int
read_digits(const char *at, size_t count)
{
	int value = 0;

	for (size_t i = 0; i < count; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -1;
		value = value * 10 + (at[i] - '0');
	}
	return value;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", not by strptime, which heeds the locale. */
static int64_t
read_date(struct nm_text text)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct tm tm = {0};
	const char *at = text.at;
	time_t seconds;
	int year;

	if (text.len != 29 || at[3] != ',' || at[4] != ' ' || at[7] != ' ' ||
	    at[11] != ' ' || at[16] != ' ' || at[19] != ':' || at[22] != ':' ||
	    strncmp(at + 25, " GMT", 4) != 0)
		return -1;
	tm.tm_mon = -1;
	for (int month = 0; month < 12; month++)
		if (strncasecmp(at + 8, months + 3 * month, 3) == 0)
			tm.tm_mon = month;
	tm.tm_mday = read_digits(at + 5, 2);
	year = read_digits(at + 12, 4);
	tm.tm_hour = read_digits(at + 17, 2);
	tm.tm_min = read_digits(at + 20, 2);
	tm.tm_sec = read_digits(at + 23, 2);
	if (tm.tm_mon < 0 || tm.tm_mday < 1 || year < 1970 || tm.tm_hour < 0 ||
	    tm.tm_min < 0 || tm.tm_sec < 0)
		return -1;
	tm.tm_year = year - 1900;
	seconds = timegm(&tm);
	return seconds < 0 ? -1 : (int64_t)seconds * 1000;
}

int64_t
nm_retry_after(struct nm_text retry_after_ms, struct nm_text retry_after,
               int64_t wall_ms)
{
	int64_t pause_ms = read_decimal(retry_after_ms, 1);

	if (pause_ms < 0)
		pause_ms = read_decimal(retry_after, 1000);
	if (pause_ms < 0) {
		int64_t date_ms = read_date(retry_after);

		if (date_ms >= 0)
			pause_ms = date_ms > wall_ms ? date_ms - wall_ms : 0;
	}
	return pause_ms;
}

static bool
is_one_of(struct nm_text text, const char *const *words)
{
	for (; *words; words++)
		if (nm_text_is(text, *words))
			return true;
	return false;
}

bool
nm_retry_is_billing(struct nm_text type, struct nm_text code)
{
	static const char *const words[] = {
		"insufficient_quota", "credit_balance_exhausted",
		"organization_spend_limit_exceeded",
		"project_spend_limit_exceeded",
		"organization_usage_limit_exceeded",
		"billing_hard_limit_reached", "billing_not_active", NULL
	};

	return is_one_of(type, words) || is_one_of(code, words);
}

/* The words of why it may be repeated, or of why not; *may says which. */
static const char *
reason_of_status(const struct nm_retry_event *event, bool *may)
{
	int status = event->status;

	*may = false;
	if (status < 400)
		return status >= 300 ? "redirects are not followed"
		                     : "it succeeded";
	if (nm_text_is(event->should_retry, "false"))
		return "the service says not to repeat it";
	if (status == 409 && event->conflict == NM_RETRY_409_NEVER)
		return "a conflict is the answer to this call";
	*may = true;
	if (nm_text_is(event->should_retry, "true"))
		return "the service says to repeat it";
	if (status == 429 && nm_retry_is_billing(event->type, event->code)) {
		*may = false;
		return "no waiting mends a want of money";
	}
	if (status == 429)
		return "too many requests at the moment";
	if (status == 408)
		return "the service waited too long for it";
	if (status == 409)
		return "a conflict that may pass";
	if (status >= 500)
		return "the service failed";
	*may = false;
	return "the request itself is refused";
}

static const char *
reason_of(const struct nm_retry_event *event, bool *may)
{
	*may = true;
	switch (event->kind) {
	case NM_RETRY_REPLIED:
		return reason_of_status(event, may);
	case NM_RETRY_UNREACHABLE:
		return "the service could not be reached";
	case NM_RETRY_CUT:
		return "the reply was cut or did not come";
	case NM_RETRY_LOCAL:
		break;
	}
	*may = false;
	return "it failed on this side";
}

static int64_t
backoff(const struct nm_retry_event *event, int tries, double chance)
{
	bool slow = event->kind == NM_RETRY_REPLIED &&
		(event->status == 503 || nm_text_is(event->code, "slow_down") ||
		 nm_text_is(event->type, "slow_down"));
	int64_t most = slow ? SLOW_MOST_MS : PACE_MOST_MS;
	int64_t pause_ms = slow ? SLOW_FIRST_MS : PACE_FIRST_MS;

	/* Doubles until the cap is reached, so that no number of tries overflows. */
	for (int n = 1; n < tries && pause_ms < most; n++)
		pause_ms *= 2;
	if (pause_ms > most)
		pause_ms = most;
	if (!(chance >= 0 && chance < 1))
		chance = 0;
	return (int64_t)((double)pause_ms * (1 - 0.25 * chance));
}

static struct nm_retry_verdict
never(const char *reason, bool transient)
{
	return (struct nm_retry_verdict){
		.when = NM_RETRY_NEVER, .reason = reason, .transient = transient
	};
}

/* Is elapsed + pause past the budget? Says it without an overflow. */
static bool
is_past(int64_t budget_ms, int64_t elapsed_ms, int64_t pause_ms)
{
	return budget_ms > 0 && (elapsed_ms >= budget_ms ||
	                         pause_ms > budget_ms - elapsed_ms);
}

struct nm_retry_verdict
nm_retry_decide(const struct nm_retry_policy *policy,
                const struct nm_retry_event *event, int tries,
                int64_t elapsed_ms, double chance)
{
	int64_t bound_ms = policy->bound_ms > 0 ? policy->bound_ms
	                                        : NM_RETRY_BOUND_MS;
	int retries_max = policy->retries_max ? policy->retries_max
	                                      : NM_RETRY_RETRIES;
	struct nm_retry_verdict verdict = { .transient = true };
	bool may;

	verdict.reason = reason_of(event, &may);
	if (!may)
		return never(verdict.reason, false);
	if (tries > retries_max)
		return never("it was tried often enough", true);
	verdict.pause_ms = -1;
	if (event->kind == NM_RETRY_REPLIED)
		verdict.pause_ms = nm_retry_after(event->retry_after_ms,
		                                  event->retry_after,
		                                  event->wall_ms);
	/* "At once" is taken at its word one time, so that nothing is hammered. */
	if (verdict.pause_ms == 0 && tries > 1)
		verdict.pause_ms = -1;
	verdict.asked = verdict.pause_ms >= 0;
	if (verdict.pause_ms < 0)
		verdict.pause_ms = backoff(event, tries, chance);
	else if (verdict.pause_ms > bound_ms)
		verdict.pause_ms = bound_ms;
	if (is_past(policy->budget_ms, elapsed_ms, verdict.pause_ms))
		return never("no time is left for another try", true);
	verdict.when = verdict.pause_ms > 0 ? NM_RETRY_AFTER : NM_RETRY_NOW;
	return verdict;
}
