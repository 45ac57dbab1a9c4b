/*
 * screen: a terminal for tests: a pty, and what stands on it after all that was
 * written. Understands what progress writes (CR, LF, ESC[nA, ESC[J, colours), and
 * breaks lines at its width.
 */
#ifndef NM_TESTS_SCREEN_H
#define NM_TESTS_SCREEN_H

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	SCREEN_ROWS = 24,
	SCREEN_BYTES = 400,
	SCREEN_TAKEN = 1 << 16, /* bytes written between two looks, at most */
	SCREEN_PATIENCE_MS = 30000
};

struct screen {
	int   master;
	FILE *slave;
	int   width;
	int   row, column;
	char  rows[SCREEN_ROWS][SCREEN_BYTES];
	char  text[SCREEN_ROWS * SCREEN_BYTES]; /* of screen_text */
	int   redraws; /* lines begun with CR */
	int   up;      /* rows that the cursor last went up */
};

static inline void
screen_resize(struct screen *screen, int width)
{
	struct winsize size = { .ws_row = SCREEN_ROWS,
	                        .ws_col = (unsigned short)width };

	screen->width = width;
	ioctl(screen->master, TIOCSWINSZ, &size);
}

/* Skips the test where the machine has no pseudo-terminals (a bare chroot). */
static inline void
screen_open(struct screen *screen, int width)
{
	int slave;

	memset(screen, 0, sizeof(*screen));
	screen->master = posix_openpt(O_RDWR | O_NOCTTY);
	if (screen->master < 0)
		skip();
	if (grantpt(screen->master) || unlockpt(screen->master))
		abort();
	/* Not the test's own terminal, or closing it would hang the test up. */
	slave = open(ptsname(screen->master), O_RDWR | O_NOCTTY);
	screen->slave = slave < 0 ? NULL : fdopen(slave, "r+");
	if (!screen->slave)
		abort();
	screen_resize(screen, width);
}

static inline void
screen_close(struct screen *screen)
{
	fclose(screen->slave);
	close(screen->master);
}

/* One column a character; its further bytes go beside it. */
static inline void
screen_put(struct screen *screen, const char *bytes, size_t len)
{
	char *row;
	int i, at = 0;

	if (screen->column == screen->width) {
		screen->row++;
		screen->column = 0;
	}
	row = screen->rows[screen->row];
	for (i = 0; i < screen->column; i++) {
		if (!row[at])
			row[at] = ' ';
		for (at++; ((unsigned char)row[at] & 0xC0) == 0x80; at++)
			;
	}
	memcpy(row + at, bytes, len);
	screen->column++;
}

static inline size_t
screen_escape(struct screen *screen, const char *at)
{
	size_t len = 2 + strspn(at + 2, "0123456789;");
	int i;

	if (at[len] == 'A') {
		screen->up = (int)strtol(at + 2, NULL, 10);
		screen->row = screen->row > screen->up
		              ? screen->row - screen->up : 0;
	}
	for (i = screen->row; at[len] == 'J' && i < SCREEN_ROWS; i++)
		memset(screen->rows[i], 0, SCREEN_BYTES);
	return len + 1;
}

static inline void
screen_feed(struct screen *screen, const char *at)
{
	size_t len;

	for (; *at; at += len) {
		len = 1;
		if (*at == '\033') {
			len = screen_escape(screen, at);
		} else if (*at == '\r') {
			screen->column = 0;
			screen->redraws++;
		} else if (*at == '\n') {
			screen->row++;
		} else {
			while (((unsigned char)at[len] & 0xC0) == 0x80)
				len++;
			screen_put(screen, at, len);
		}
	}
}

/* A terminal hands on what is written to it when it comes to it: all that stands
 * before a mark is here once the mark is. */
static inline void
screen_take(struct screen *screen)
{
	static char bytes[SCREEN_TAKEN];
	const char mark = '\036';
	struct pollfd ready = { .fd = screen->master, .events = POLLIN };
	size_t used = 0;
	ssize_t got;
	char *end;

	fflush(screen->slave);
	if (write(fileno(screen->slave), &mark, 1) != 1)
		abort();
	while (!(end = memchr(bytes, mark, used))) {
		if (poll(&ready, 1, SCREEN_PATIENCE_MS) != 1)
			abort();
		got = read(screen->master, bytes + used, sizeof(bytes) - 1 - used);
		if (got <= 0)
			abort();
		used += (size_t)got;
	}
	*end = '\0';
	screen_feed(screen, bytes);
	bytes[used] = '\0';
	screen_feed(screen, end + 1); /* echoes of what is read meanwhile */
}

/* Takes in what was written, and gives the rows up to the last that is not empty. */
static inline const char *
screen_text(struct screen *screen)
{
	size_t used = 0;
	int i, last = -1;

	screen_take(screen);
	for (i = 0; i < SCREEN_ROWS; i++)
		if (screen->rows[i][0])
			last = i;
	screen->text[0] = '\0';
	for (i = 0; i <= last; i++)
		used += (size_t)snprintf(screen->text + used,
		                         sizeof(screen->text) - used, "%s%s",
		                         i ? "\n" : "", screen->rows[i]);
	return screen->text;
}

#endif
