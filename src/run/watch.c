/*
 * watch: a run's words to whoever watches it, while it works and while it waits.
 */
#include "run/run.h"

static void
say(void (*to)(void *user, const char *text), void *user, const char *format,
    va_list args)
{
	char text[NM_ERR_TEXT_MAX];

	vsnprintf(text, sizeof(text), format, args);
	to(user, text);
}

void
nm_run_note(const struct nm_run *run, const char *format, ...)
{
	va_list args;

	if (!run->watch || !run->watch->note)
		return;
	va_start(args, format);
	say(run->watch->note, run->watch->user, format, args);
	va_end(args);
}

void
nm_run_warn(const struct nm_run *run, const char *format, ...)
{
	va_list args;

	if (!run->watch || !run->watch->warn)
		return;
	va_start(args, format);
	say(run->watch->warn, run->watch->user, format, args);
	va_end(args);
}

void
nm_run_progress(const struct nm_run *run)
{
	size_t i, n = 0;

	if (!run->watch || !run->watch->progress)
		return;
	if (run->direct) {
		run->watch->progress(run->watch->user, run->direct, 1);
		return;
	}
	/* Smaller ones stand for a shard that was split. */
	for (i = 0; i < run->n_shards; i++)
		if (run->shards[i].state != NM_SHARD_SPLIT)
			run->shown[n++] = run->parts[i];
	/* A canary may be all of a run. */
	if (n)
		run->watch->progress(run->watch->user, run->shown, n);
}

enum nm_code
nm_run_pause(const struct nm_run *run, int64_t pause_ms, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	while (!rc && pause_ms > 0) {
		int64_t slice = pause_ms < 1000 ? pause_ms : 1000;

		nm_run_progress(run);
		rc = nm_clock_sleep(run->clock, slice, err);
		pause_ms -= slice;
	}
	return rc;
}
