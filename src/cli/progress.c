/*
 * progress: draws, erases, and reckons the time left.
 */
#include "cli/progress.h"

#include <inttypes.h>

#include "base/map.h"
#include "cli/terminal.h"

enum {
	REDRAW_MS = 100,
	PLAIN_MS = 10000,
	STILL_MAX_MS = 600000,
	SAMPLE_MS = 1000,
	STATUSES_MAX = 8
};

struct sums {
	uint64_t finished, failed, total;
};

static FILE *
stream_of(const struct nm_progress *progress)
{
	FILE *to = progress->message->to;

	return to ? to : stderr;
}

static struct sums
sums_of(const struct nm_progress_part *parts, size_t n_parts)
{
	struct sums sums = {0};
	size_t i;

	for (i = 0; i < n_parts; i++) {
		sums.finished += parts[i].done + parts[i].failed;
		sums.failed += parts[i].failed;
		sums.total += parts[i].total;
	}
	return sums;
}

void
nm_progress_open(struct nm_progress *progress, struct nm_message *message,
                 const struct nm_clock *clock, int64_t began_ms)
{
	memset(progress, 0, sizeof(*progress));
	progress->message = message;
	progress->clock = clock;
	progress->began_ms = began_ms ? began_ms : nm_clock_mono_ms(clock);
	progress->gap_ms = SAMPLE_MS;
	progress->live = nm_terminal_moves(fileno(stream_of(progress)));
	message->live = progress;
	message->clear = nm_progress_clear;
}

/* Samples lie evenly over the whole time: a full list is thinned by half. */
static void
take_sample(struct nm_progress *progress, int64_t now_ms, uint64_t finished)
{
	size_t i, n = progress->n_samples;

	if (n && now_ms - progress->samples[n - 1].at_ms < progress->gap_ms)
		return;
	if (n == NM_PROGRESS_SAMPLES) {
		n /= 2;
		for (i = 0; i < n; i++)
			progress->samples[i] = progress->samples[2 * i + 1];
		progress->gap_ms *= 2;
	}
	progress->samples[n].at_ms = now_ms;
	progress->samples[n].finished = finished;
	progress->n_samples = n + 1;
}

int64_t
nm_progress_left_ms(const struct nm_progress *progress, uint64_t finished,
                    uint64_t total)
{
	int64_t now_ms = nm_clock_mono_ms(progress->clock);
	size_t middle = progress->n_samples / 2;
	double gained, took_ms, left_ms;

	if (!progress->n_samples || finished >= total)
		return finished >= total && total ? 0 : -1;
	/* The later half of the time is the pace of late. */
	if (finished <= progress->samples[middle].finished)
		middle = 0;
	if (finished <= progress->samples[middle].finished)
		return -1;
	gained = (double)(finished - progress->samples[middle].finished);
	took_ms = (double)(now_ms - progress->samples[middle].at_ms);
	/* The first rows come in bursts; they say little. */
	if (took_ms < SAMPLE_MS)
		return -1;
	left_ms = took_ms / gained * (double)(total - finished);
	return left_ms < 1e15 ? (int64_t)left_ms : -1;
}

static void
add_counts(struct nm_buf *out, uint64_t finished, uint64_t failed,
           uint64_t total)
{
	if (total)
		nm_buf_addf(out, "%" PRIu64 " of %" PRIu64 " (%.1f %%)", finished,
		            total, 100.0 * (double)finished / (double)total);
	else if (finished)
		nm_buf_addf(out, "%" PRIu64, finished);
	if (failed)
		nm_buf_addf(out, ", %" PRIu64 " failed", failed);
}

/* "3 completed, 8 in_progress", in the order of their first part. */
static void
add_statuses(struct nm_buf *out, const struct nm_progress_part *parts,
             size_t n_parts)
{
	struct { const char *status; size_t count; } seen[STATUSES_MAX];
	size_t i, k, n = 0;

	for (i = 0; i < n_parts; i++) {
		for (k = 0; k < n; k++)
			if (strcmp(seen[k].status, parts[i].status) == 0)
				break;
		if (k == STATUSES_MAX)
			continue;
		if (k == n) {
			seen[n].status = parts[i].status;
			seen[n++].count = 0;
		}
		seen[k].count++;
	}
	for (i = 0; i < n; i++) {
		nm_buf_add_string(out, i ? ", " : "");
		if (n_parts > 1)
			nm_buf_addf(out, "%zu ", seen[i].count);
		nm_buf_add_string(out, seen[i].status);
	}
}

/* The line over all parts: statuses, counts, times, note. */
static void
add_summary(const struct nm_progress *progress,
            const struct nm_progress_part *parts, size_t n_parts,
            const char *note, struct nm_buf *out)
{
	struct sums sums = sums_of(parts, n_parts);
	int64_t now_ms = nm_clock_mono_ms(progress->clock);
	int64_t left_ms = nm_progress_left_ms(progress, sums.finished,
	                                      sums.total);
	char span[NM_CLOCK_TEXT_MAX];

	add_statuses(out, parts, n_parts);
	nm_buf_add_string(out, ": ");
	add_counts(out, sums.finished, sums.failed, sums.total);
	nm_clock_span(now_ms - progress->began_ms, span);
	nm_buf_addf(out, "%s%s elapsed", sums.total || sums.finished ? ", " : "",
	            span);
	if (left_ms >= 1000) {
		nm_clock_span(left_ms, span);
		nm_buf_addf(out, ", about %s left", span);
	}
	if (note)
		nm_buf_addf(out, ", %s", note);
}

/* Rows now taken: a terminal made narrower has broken the lines anew. */
static int
rows_on_screen(const struct nm_progress *progress)
{
	int width = nm_terminal_width(fileno(stream_of(progress)));
	int i, rows = 0;

	for (i = 0; i < progress->n_lines; i++)
		rows += width > 0 && progress->columns[i] > width
		        ? (progress->columns[i] + width - 1) / width : 1;
	return rows;
}

static void
add_erasure(struct nm_progress *progress, struct nm_buf *out)
{
	int rows = rows_on_screen(progress);

	if (!rows)
		return;
	nm_buf_add_byte(out, '\r');
	if (rows > 1)
		nm_buf_addf(out, "\033[%dA", rows - 1);
	nm_buf_add_string(out, "\033[J");
	progress->n_lines = 0;
}

static void
add_line(struct nm_progress *progress, struct nm_text line, int width,
         struct nm_buf *out)
{
	struct nm_buf cut = {0};

	/* The last column stays free: some terminals break the line there. */
	nm_terminal_add(&cut, line, width - 1);
	nm_buf_addf(out, "%s%s", progress->n_lines ? "\n" : "",
	            nm_buf_string(&cut));
	progress->columns[progress->n_lines++] =
		nm_terminal_columns(nm_buf_text(&cut));
	nm_buf_release(&cut);
}

static void
add_part(const struct nm_progress_part *part, struct nm_buf *out)
{
	nm_buf_addf(out, "%s  %-12s", part->name ? part->name : "",
	            part->status);
	if (part->total || part->done || part->failed)
		nm_buf_add_string(out, "  ");
	add_counts(out, part->done + part->failed, part->failed, part->total);
}

static void
write_out(struct nm_progress *progress)
{
	fwrite(nm_buf_string(&progress->text), 1, progress->text.len,
	       stream_of(progress));
	fflush(stream_of(progress));
}

static void
draw(struct nm_progress *progress, const struct nm_progress_part *parts,
     size_t n_parts, const char *note)
{
	int width = nm_terminal_width(fileno(stream_of(progress)));
	struct nm_buf line = {0};
	size_t i;

	nm_buf_clear(&progress->text);
	add_erasure(progress, &progress->text);
	for (i = 0; n_parts > 1 && n_parts < NM_PROGRESS_LINES &&
	     i < n_parts; i++) {
		nm_buf_clear(&line);
		add_part(&parts[i], &line);
		add_line(progress, nm_buf_text(&line), width, &progress->text);
	}
	nm_buf_clear(&line);
	add_summary(progress, parts, n_parts, note, &line);
	add_line(progress, nm_buf_text(&line), width, &progress->text);
	write_out(progress);
	nm_buf_release(&line);
}

static void
tell(struct nm_progress *progress, const struct nm_progress_part *parts,
     size_t n_parts, const char *note)
{
	struct nm_buf line = {0};

	add_summary(progress, parts, n_parts, note, &line);
	nm_buf_clear(&progress->text);
	if (progress->message->program)
		nm_buf_addf(&progress->text, "%s: ",
		            progress->message->program);
	nm_terminal_add(&progress->text, nm_buf_text(&line), 0);
	nm_buf_add_byte(&progress->text, '\n');
	write_out(progress);
	nm_buf_release(&line);
}

static uint64_t
hash_of(const struct nm_progress_part *parts, size_t n_parts)
{
	uint64_t hash = 1;
	size_t i;

	for (i = 0; i < n_parts; i++)
		hash = nm_hash(hash, parts[i].status, strlen(parts[i].status));
	return hash | 1;
}

static bool
is_due(const struct nm_progress *progress, uint64_t hash, uint64_t finished,
       int64_t now_ms)
{
	int64_t since_ms = nm_clock_real_ms(progress->clock,
	                                    now_ms - progress->drawn_ms);

	if (!progress->told)
		return true;
	if (progress->live)
		return since_ms >= REDRAW_MS;
	if (hash != progress->told)
		return true;
	return since_ms >= (finished != progress->told_finished
	                    ? PLAIN_MS : progress->still_ms);
}

/* Logs of a night are not filled with what did not change. */
static void
note_told(struct nm_progress *progress, uint64_t hash, uint64_t finished,
          int64_t now_ms)
{
	bool still = hash == progress->told &&
	             finished == progress->told_finished;

	progress->still_ms = still ? 2 * progress->still_ms : PLAIN_MS;
	if (progress->still_ms > STILL_MAX_MS)
		progress->still_ms = STILL_MAX_MS;
	progress->told = hash;
	progress->told_finished = finished;
	progress->drawn_ms = now_ms;
}

void
nm_progress_show(struct nm_progress *progress,
                 const struct nm_progress_part *parts, size_t n_parts,
                 const char *note)
{
	uint64_t hash, finished;
	int64_t now_ms;

	if (!progress->message ||
	    progress->message->level == NM_MESSAGE_QUIET)
		return;
	now_ms = nm_clock_mono_ms(progress->clock);
	finished = sums_of(parts, n_parts).finished;
	take_sample(progress, now_ms, finished);
	hash = hash_of(parts, n_parts);
	if (!is_due(progress, hash, finished, now_ms))
		return;
	note_told(progress, hash, finished, now_ms);
	if (progress->live)
		draw(progress, parts, n_parts, note);
	else
		tell(progress, parts, n_parts, note);
}

void
nm_progress_clear(struct nm_progress *progress)
{
	if (!progress->n_lines)
		return;
	nm_buf_clear(&progress->text);
	add_erasure(progress, &progress->text);
	write_out(progress);
}

void
nm_progress_close(struct nm_progress *progress)
{
	if (!progress->message)
		return;
	nm_progress_clear(progress);
	if (progress->message->live == progress)
		progress->message->live = NULL;
	nm_buf_release(&progress->text);
	memset(progress, 0, sizeof(*progress));
}
