/*
 * message: lines on stderr, and the check of stdout at the end.
 */
#include "cli/message.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "cli/terminal.h"

#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

static FILE *
stream_of(const struct nm_message *message)
{
	return message->to ? message->to : stderr;
}

void
nm_message_init(struct nm_message *message, const char *program)
{
	memset(message, 0, sizeof(*message));
	message->program = program;
	message->colours = nm_terminal_colours(STDERR_FILENO);
	nm_terminal_locale();
}

void
nm_message_clear(struct nm_message *message)
{
	if (message->live)
		message->clear(message->live);
}

/* For the last word. That nobody opened it is no failure; see there. */
static void
note_stdout(struct nm_message *message)
{
	if (errno == EBADF)
		clearerr(stdout);
	else if (!message->stdout_failed)
		message->stdout_failed = errno;
}

/* One write a message, so that lines of several processes do not mix. What stdout holds
 * comes first: both may lead to one file. */
static void
say(struct nm_message *message, const struct nm_buf *out)
{
	nm_message_clear(message);
	if (fflush(stdout))
		note_stdout(message);
	fwrite(nm_buf_string(out), 1, out->len, stream_of(message));
	fflush(stream_of(message));
}

static void
add_name(const struct nm_message *message, struct nm_buf *out)
{
	if (message->program)
		nm_buf_addf(out, "%s: ", message->program);
}

/* What comes from outside may hold escapes; lines are kept, nothing else. */
static void
add_lines(struct nm_buf *out, struct nm_text text)
{
	struct nm_text line;
	const char *end;

	while (text.len) {
		end = memchr(text.at, '\n', text.len);
		line = (struct nm_text){
			text.at, end ? (size_t)(end - text.at) : text.len };
		nm_terminal_add(out, line, 0);
		if (end)
			nm_buf_add_byte(out, '\n');
		text.at += line.len + (end != NULL);
		text.len -= line.len + (end != NULL);
	}
	nm_buf_add_byte(out, '\n');
}

static void
say_text(struct nm_message *message, struct nm_buf *lead,
         const char *format, va_list args)
{
	struct nm_buf text = {0};

	nm_buf_addv(&text, format, args);
	add_lines(lead, nm_buf_text(&text));
	say(message, lead);
	nm_buf_release(&text);
	nm_buf_release(lead);
}

void
nm_message_note(struct nm_message *message, const char *format, ...)
{
	struct nm_buf out = {0};
	va_list args;

	if (message->level == NM_MESSAGE_QUIET)
		return;
	add_name(message, &out);
	va_start(args, format);
	say_text(message, &out, format, args);
	va_end(args);
}

void
nm_message_plain(struct nm_message *message, const char *format, ...)
{
	struct nm_buf out = {0};
	va_list args;

	if (message->level == NM_MESSAGE_QUIET)
		return;
	va_start(args, format);
	say_text(message, &out, format, args);
	va_end(args);
}

void
nm_message_warn(struct nm_message *message, const char *format, ...)
{
	struct nm_buf out = {0};
	va_list args;

	add_name(message, &out);
	nm_buf_addf(&out, "%swarning:%s ", message->colours ? YELLOW : "",
	            message->colours ? PLAIN : "");
	va_start(args, format);
	say_text(message, &out, format, args);
	va_end(args);
}

int
nm_message_error(struct nm_message *message, const struct nm_err *err)
{
	struct nm_buf out = {0};

	add_name(message, &out);
	add_lines(&out, nm_text_of(err->text));
	say(message, &out);
	nm_buf_release(&out);
	return nm_code_exit_status(err->code);
}

void
nm_message_spot(struct nm_message *message, const struct nm_spot *spot)
{
	int width = nm_terminal_width(fileno(stream_of(message)));
	struct nm_buf out = {0};

	add_name(message, &out);
	if (spot->file)
		nm_terminal_add(&out, nm_text_of(spot->file), 0);
	if (spot->file && spot->line)
		nm_buf_addf(&out, ":%llu", (unsigned long long)spot->line);
	if (spot->file)
		nm_buf_add_string(&out, ": ");
	add_lines(&out, nm_text_of(spot->problem));
	if (spot->text.len)
		nm_spot_draw(spot, width ? width : 80, &out);
	say(message, &out);
	nm_buf_release(&out);
}

/* Such as head, which has seen enough. */
static int
has_reader_gone(int fd)
{
	struct pollfd look = { .fd = fd };

	return poll(&look, 1, 0) == 1 && (look.revents & POLLERR);
}

int
nm_message_close_stdout(struct nm_message *message, int status)
{
	int failed = ferror(stdout), gone = has_reader_gone(STDOUT_FILENO);
	struct nm_err err;

	errno = 0;
	if (fclose(stdout) == 0 && !failed)
		return status;
	/* Nobody opened it: a closed stdout was the caller's wish. */
	if (errno == EBADF && !failed)
		return status;
	if (!errno)
		errno = message->stdout_failed;
	if (gone || errno == EPIPE)
		return nm_code_exit_status(NM_IO);
	nm_fail(&err, NM_IO, errno, "standard output: %s",
	        errno ? strerror(errno) : "not all could be written");
	return nm_message_error(message, &err);
}
