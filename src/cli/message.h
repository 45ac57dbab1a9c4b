/*
 * message: what a program says to the person, on stderr; stdout is for results.
 * Each line begins with the program's name. Knows no room but base.
 *
 * Calling sequence: init, first thing in main; the others in any order;
 * close_stdout, last. One thread.
 */
#ifndef NM_CLI_MESSAGE_H
#define NM_CLI_MESSAGE_H

#include <stdio.h>

#include "base/buf.h"

struct nm_progress;

enum nm_message_level {
	NM_MESSAGE_NOTES, /* everything */
	NM_MESSAGE_QUIET  /* --quiet: warnings and errors only */
};

/* A zeroed one speaks to stderr without a name. */
struct nm_message {
	const char           *program;
	enum nm_message_level level;
	FILE                 *to;       /* NULL = stderr */
	int                   stdout_failed; /* errno of a write before the last one */
	bool                  colours;
	/* The live line that is open (NULL = none), and what takes it off the
	 * screen before each line of ours. The progress sets both. */
	struct nm_progress   *live;
	void                (*clear)(struct nm_progress *live);
};

/* Takes the live line off the screen, where one is open: for whoever writes to the
 * terminal beside these calls. */
void nm_message_clear(struct nm_message *message);

/* Also makes the process speak UTF-8. `program` is lent for as long as it runs. */
void nm_message_init(struct nm_message *message, const char *program);

/* "program: text"; not with --quiet. */
void nm_message_note(struct nm_message *message, const char *format, ...)
	NM_PRINTF(2, 3);

/* Text as it stands with a newline, no name before it; not with --quiet. */
void nm_message_plain(struct nm_message *message, const char *format, ...)
	NM_PRINTF(2, 3);

/* "program: warning: text". */
void nm_message_warn(struct nm_message *message, const char *format, ...)
	NM_PRINTF(2, 3);

/* "program: text" of err, and the exit status for its code. */
int nm_message_error(struct nm_message *message, const struct nm_err *err);

/* A byte of a line of input. */
struct nm_spot {
	const char    *file;    /* NULL = no file named */
	uint64_t       line;    /* counts from 1; 0 = no line */
	struct nm_text text;    /* the line, without its end; may be long */
	size_t         byte;    /* 0-based, up to text.len */
	const char    *problem; /* "no tab between question and answers" */
};

/*
 * "program: file:line: problem", then the part of the line around the byte, cut to
 * the terminal's width (80 elsewhere), and a caret under it.
 */
void nm_message_spot(struct nm_message *message, const struct nm_spot *spot);

/* The two lines of excerpt and caret alone, at most `width` columns wide. */
void nm_spot_draw(const struct nm_spot *spot, int width, struct nm_buf *out);

/*
 * Flushes and closes stdout at the program's end: `status` when all was written;
 * else (a full disk) says so and returns exit status 5, for a reader that has gone
 * without a word.
 */
int nm_message_close_stdout(struct nm_message *message, int status);

#endif
