/*
 * command: see the header.
 */
#include "task/command.h"

static const char plain[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	"-_./:=@%+,";

void
nm_command_add_program(struct nm_buf *out, const char *typed,
                       const char *program)
{
	const char *slash = typed ? strrchr(typed, '/') : NULL;

	if (slash)
		nm_buf_add(out, typed, (size_t)(slash - typed) + 1);
	nm_buf_add_string(out, program);
}

void
nm_command_add_word(struct nm_buf *out, const char *word)
{
	nm_buf_add_byte(out, ' ');
	if (*word && !word[strspn(word, plain)]) {
		nm_buf_add_string(out, word);
		return;
	}
	nm_buf_add_byte(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			nm_buf_add_string(out, "'\\'");
		nm_buf_add_byte(out, *word);
	}
	nm_buf_add_byte(out, '\'');
}
