/*
 * err: see err.h.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of the UTF-8 sequence at `at`; 0 when there is no whole one. */
static size_t
sequence_len(const unsigned char *at, size_t left)
{
	size_t len = at[0] < 0x80 ? 1
	           : at[0] < 0xc2 ? 0
	           : at[0] < 0xe0 ? 2
	           : at[0] < 0xf0 ? 3
	           : at[0] < 0xf5 ? 4 : 0;

	if (len > left)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f)
	    || (at[0] == 0xf0 && at[1] < 0x90)
	    || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0;
	return len;
}

/* Texts quote what strangers sent: nothing in them may move a cursor. */
static bool
is_control(const unsigned char *at, size_t len)
{
	return at[0] < 0x20 || at[0] == 0x7f
	    || (len == 2 && at[0] == 0xc2 && at[1] < 0xa0)
	    || (len == 3 && at[0] == 0xe2 && at[1] == 0x80
	        && (at[2] == 0xa8 || at[2] == 0xa9));
}

/*
 * Makes text[from..] one line of UTF-8. `cut`: the formatter ran out of room, so
 * that the last character may be a part of one and is dropped.
 */
static void
tidy(char *text, size_t from, bool cut)
{
	unsigned char *at = (unsigned char *)text;
	size_t end = strlen(text);

	while (from < end) {
		size_t len = sequence_len(at + from, end - from);

		if (len == 0 && cut && end - from < 4) {
			at[from] = 0;
			return;
		}
		if (len == 0)
			at[from] = '?';
		else if (is_control(at + from, len))
			memset(at + from, ' ', len);
		from += len ? len : 1;
	}
}

enum nm_code
nm_fail(struct nm_err *err, enum nm_code code, long detail,
        const char *format, ...)
{
	char text[NM_ERR_TEXT_MAX]; /* the arguments may lie in err itself */
	va_list args;
	int len;

	if (!err)
		return code;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		text[0] = 0;
	tidy(text, 0, len >= (int)sizeof(text));
	err->code = code;
	err->detail = detail;
	memcpy(err->text, text, sizeof(text));
	return code;
}

enum nm_code
nm_while(struct nm_err *err, const char *format, ...)
{
	char text[NM_ERR_TEXT_MAX];
	size_t have;
	va_list args;
	int len;

	if (!err)
		return NM_IO;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0)
		return err->code;
	have = strlen(err->text);
	len = snprintf(err->text + have, sizeof(err->text) - have,
	               ", while %s", text);
	tidy(err->text, have, len >= (int)(sizeof(err->text) - have));
	return err->code;
}

int
nm_code_exit_status(enum nm_code code)
{
	switch (code) {
	case NM_OK:
		return 0;
	case NM_UNFINISHED:
		return 1;
	case NM_USAGE:
		return 2;
	case NM_INPUT:
	case NM_LIMIT:
		return 3;
	case NM_UNREACHABLE:
	case NM_AMBIGUOUS:
	case NM_REFUSED:
	case NM_ABSENT:
	case NM_PROTOCOL:
		return 4;
	case NM_IO:
	case NM_STATE:
	case NM_HELD:
		return 5;
	case NM_INTERRUPTED:
		return 130;
	}
	return 5;
}

void
nm_die(const char *reason)
{
	/* No stdio: there may be no memory for its buffer. */
	if (write(STDERR_FILENO, "nightmail: ", 11) < 0
	    || write(STDERR_FILENO, reason, strlen(reason)) < 0
	    || write(STDERR_FILENO, "\n", 1) < 0)
		abort();
	abort();
}
