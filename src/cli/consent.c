/*
 * consent: asks yes or no; whoever says nothing has said no.
 */
#include "cli/consent.h"

#include <unistd.h>

#include "cli/terminal.h"

/*
 * Reads the answer byte by byte: stdin's buffer would swallow what follows. Where it ends
 * without a newline, by a signal say, the terminal is still on the question's line.
 */
static enum nm_consent
read_answer(FILE *to)
{
	enum nm_consent consent = NM_CONSENT_NO;
	bool first = true;
	char byte = 0;

	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n') {
		if (first && byte == ' ')
			continue;
		if (first && (byte == 'y' || byte == 'Y'))
			consent = NM_CONSENT_YES;
		first = false;
	}
	if (byte != '\n')
		fputc('\n', to);
	return consent;
}

enum nm_consent
nm_consent_ask(struct nm_message *message, const char *format, ...)
{
	FILE *to = message->to ? message->to : stderr;
	struct nm_buf text = {0}, out = {0};
	va_list args;

	if (!nm_terminal_is(STDIN_FILENO) || !nm_terminal_is(fileno(to)))
		return NM_CONSENT_UNASKED;
	nm_message_clear(message);
	va_start(args, format);
	nm_buf_addv(&text, format, args);
	va_end(args);
	if (message->program)
		nm_buf_addf(&out, "%s: ", message->program);
	nm_terminal_add(&out, nm_buf_text(&text), 0);
	nm_buf_add_string(&out, " [y/N] ");
	fwrite(nm_buf_string(&out), 1, out.len, to);
	fflush(to);
	nm_buf_release(&text);
	nm_buf_release(&out);
	return read_answer(to);
}
