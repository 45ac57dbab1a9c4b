/* command: what is printed to be pasted, the shell reads back as it was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "task/command.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
programs(void **state)
{
	static const struct {
		const char *typed, *text, *why;
	} rows[] = {
		{ "variant0", "batch_manager", "found on PATH: so is its sister" },
		{ "./variant0", "./batch_manager", "of this folder" },
		{ "/opt/x/variant0", "/opt/x/batch_manager", "a whole path" },
		{ "a/b/variant0", "a/b/batch_manager", "the last slash parts" },
		{ "", "batch_manager", "called without a name" },
		{ NULL, "batch_manager", "called without any words" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_buf out = { 0 };

		nm_command_add_program(&out, rows[i].typed, "batch_manager");
		if (strcmp(nm_buf_string(&out), rows[i].text) != 0)
			fail_msg("%s: %s", rows[i].why, nm_buf_string(&out));
		nm_buf_release(&out);
	}
}

static const struct {
	const char *word, *text, *why;
} words[] = {
	{ "batch_abc123", " batch_abc123", "an id" },
	{ "--limit=5", " --limit=5", "an option with its value" },
	{ "http://127.0.0.1:8080/v1", " http://127.0.0.1:8080/v1", "an address" },
	{ "a@b%c,d+e", " a@b%c,d+e", "what no shell reads" },
	{ "", " ''", "an empty word is one" },
	{ "my questions.txt", " 'my questions.txt'", "a blank" },
	{ "it's", " 'it'\\''s'", "a quote" },
	{ "'", " ''\\'''", "a quote alone" },
	{ "$HOME", " '$HOME'", "a variable" },
	{ "a;b", " 'a;b'", "the end of a command" },
	{ "`id`", " '`id`'", "a command inside" },
	{ "*.txt", " '*.txt'", "names of files" },
	{ "~", " '~'", "a home folder" },
	{ "a\nb", " 'a\nb'", "a newline" },
	{ "a\\b", " 'a\\b'", "a backslash stands for itself" },
	{ "#1", " '#1'", "a comment" },
	{ "café", " 'café'", "other than ASCII" },
};

static void
quoting(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct nm_buf out = { 0 };

		nm_command_add_word(&out, words[i].word);
		if (strcmp(nm_buf_string(&out), words[i].text) != 0)
			fail_msg("%s:%s", words[i].why, nm_buf_string(&out));
		nm_buf_release(&out);
	}
}

/* The shell itself is asked. */
static void
read_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		struct nm_buf command = { 0 };
		char got[64] = "";
		size_t len;
		FILE *pipe;

		nm_buf_add_string(&command, "printf %s");
		nm_command_add_word(&command, words[i].word);
		pipe = popen(nm_buf_string(&command), "r");
		assert_non_null(pipe);
		len = fread(got, 1, sizeof(got) - 1, pipe);
		assert_int_equal(pclose(pipe), 0);
		if (len != strlen(words[i].word) ||
		    strcmp(got, words[i].word) != 0)
			fail_msg("%s: \"%s\"", words[i].why, got);
		nm_buf_release(&command);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs),
		cmocka_unit_test(quoting),
		cmocka_unit_test(read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
