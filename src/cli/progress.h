/*
 * progress: how far the work is. A live line on a terminal (stderr), redrawn at
 * most ten times a second; elsewhere plain lines, one at each change of status and
 * else at most one every ten seconds; while nothing moves, each after twice the time of
 * the one before, up to ten minutes. Knows counts and names, not what is counted.
 *
 * Calling sequence: open, show…, close. Whoever writes to the terminal between
 * calls clear first (nm_message_* does by itself).
 */
#ifndef NM_CLI_PROGRESS_H
#define NM_CLI_PROGRESS_H

#include "base/clock.h"
#include "cli/message.h"

/* One part of the work: a batch, or all of direct mode. */
struct nm_progress_part {
	const char *name;   /* batch id; NULL when there is only one */
	const char *status; /* "in_progress" */
	uint64_t    done;   /* of total, failed ones not among them */
	uint64_t    failed; /* of total */
	uint64_t    total;  /* 0 = not known yet */
};

enum { NM_PROGRESS_SAMPLES = 32, NM_PROGRESS_LINES = 8 };

/* Zeroed is ready for open. */
struct nm_progress {
	struct nm_message     *message;
	const struct nm_clock *clock;
	bool                   live;      /* on a terminal */
	int                    n_lines;   /* on the screen now */
	int                    columns[NM_PROGRESS_LINES]; /* of each of them */
	int64_t                began_ms;
	int64_t                drawn_ms;
	uint64_t               told;      /* hash of the statuses last told; 0 = none */
	uint64_t               told_finished;
	int64_t                still_ms;  /* to the next plain line, if nothing moves */
	struct nm_buf          text;
	size_t                 n_samples; /* of all parts' done + failed, in time */
	int64_t                gap_ms;    /* least time between two samples */
	struct {
		int64_t  at_ms;
		uint64_t finished;
	} samples[NM_PROGRESS_SAMPLES];
};

/*
 * Joins the message: its lines take this one off the screen first. With --quiet
 * nothing is ever shown. `began_ms` is on the clock's mono time; 0 = now.
 */
void nm_progress_open(struct nm_progress *progress, struct nm_message *message,
                      const struct nm_clock *clock, int64_t began_ms);

/*
 * Shows the parts; cheap, and may be called as often as one likes. note is added
 * at the end ("12 in flight"); NULL = none.
 */
void nm_progress_show(struct nm_progress *progress,
                      const struct nm_progress_part *parts, size_t n_parts,
                      const char *note);

/* Milliseconds left at the pace of late; -1 when it cannot be told. */
int64_t nm_progress_left_ms(const struct nm_progress *progress,
                            uint64_t finished, uint64_t total);

/* Takes the live lines off the screen. */
void nm_progress_clear(struct nm_progress *progress);

/* Clears, and leaves the message. A zeroed progress may be closed. */
void nm_progress_close(struct nm_progress *progress);

#endif
