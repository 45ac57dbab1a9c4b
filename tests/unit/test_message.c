/* message: lines, carets, the question, and a stdout that cannot be written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/consent.h"
#include "cli/message.h"
#include "cli/terminal.h"
#include "screen.h"

static void
test_spot(void **state)
{
	static const struct {
		const char *text;
		size_t      byte;
		int         width;
		const char *drawn, *why;
	} rows[] = {
		{ "abc", 1, 80, "  abc\n   ^\n", "whole" },
		{ "abc", 3, 80, "  abc\n     ^\n", "at the end" },
		{ "abc", 9, 80, "  abc\n     ^\n", "past the end" },
		{ "a\tb\tc", 3, 80, "  a→b→c\n     ^\n", "tabs are one arrow" },
		{ "Grégoire", 5, 80, "  Grégoire\n      ^\n",
		  "columns, not bytes" },
		{ "Grégoire", 3, 80, "  Grégoire\n    ^\n",
		  "inside a character: its beginning" },
		{ "日本語", 3, 80, "  日本語\n    ^\n", "two columns each" },
		{ "a\033[31mb", 6, 80, "  a?[31mb\n        ^\n", "no escapes pass" },
		{ "0123456789abcdefghijklmnopqrstuvwxyz", 0, 20,
		  "  0123456789abcdef…\n  ^\n", "the end is cut" },
		{ "0123456789abcdefghijklmnopqrstuvwxyz", 36, 20,
		  "  …klmnopqrstuvwxyz\n                   ^\n", "the front is cut" },
		{ "0123456789abcdefghijklmnopqrstuvwxyz", 18, 20,
		  "  …789abcdefghijkl…\n              ^\n", "both are cut" },
		{ "ab\xFF" "cd", 3, 80, "  ab\xEF\xBF\xBD" "cd\n     ^\n",
		  "not UTF-8" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_spot spot = { .text = nm_text_of(rows[i].text),
		                        .byte = rows[i].byte };
		struct nm_buf out = {0};

		nm_spot_draw(&spot, rows[i].width, &out);
		if (strcmp(nm_buf_string(&out), rows[i].drawn) != 0)
			fail_msg("%s: got\n%s", rows[i].why,
			         nm_buf_string(&out));
		nm_buf_release(&out);
	}
}

/* A line of 10 MB costs a look at its width, not at all of it. */
static void
test_spot_in_a_long_line(void **state)
{
	struct nm_buf line = {0}, out = {0};
	struct nm_spot spot = { .byte = 5000000 };
	size_t i;

	(void)state;
	for (i = 0; i < 1000000; i++)
		nm_buf_add_string(&line, "abcdefghij");
	spot.text = nm_buf_text(&line);
	nm_spot_draw(&spot, 40, &out);
	assert_in_range(nm_terminal_columns(nm_text_of(nm_buf_string(&out))),
	                40, 80);
	nm_buf_release(&line);
	nm_buf_release(&out);
}

static void
test_cut(void **state)
{
	static const struct {
		const char *text;
		int         width;
		const char *shown, *why;
	} rows[] = {
		{ "abcdef", 6, "abcdef", "fits" },
		{ "abcdef", 5, "abcd…", "one over" },
		{ "日本語", 5, "日本…", "two columns each, and one for the sign" },
		{ "日本語", 4, "日…", "half a character is none" },
		{ "é\xCC\x81t", 2, "é\xCC\x81t", "a mark takes no column" },
		{ "a\nb\tc\x7F", 0, "a?b c?", "controls" },
		{ "\xE2\x80\xAE" "x", 0, "?x", "a direction override" },
		{ "\xC2\x9B" "1m", 0, "?1m", "a control sequence of one character" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_buf out = {0};

		nm_terminal_add(&out, nm_text_of(rows[i].text), rows[i].width);
		if (strcmp(nm_buf_string(&out), rows[i].shown) != 0)
			fail_msg("%s: got %s", rows[i].why, nm_buf_string(&out));
		nm_buf_release(&out);
	}
}

static void
test_lines(void **state)
{
	struct nm_message message;
	struct nm_err err;
	char text[500] = "";

	(void)state;
	nm_message_init(&message, "prog");
	message.to = fmemopen(text, sizeof(text), "w");
	nm_fail(&err, NM_INPUT, 0, "data.txt:17: no tab");
	assert_int_equal(nm_message_error(&message, &err), 3);
	nm_message_note(&message, "sending %d", 3);
	nm_message_plain(&message, "a\nb\033[2J");
	message.level = NM_MESSAGE_QUIET;
	nm_message_note(&message, "not said");
	nm_message_plain(&message, "not said");
	nm_message_warn(&message, "slow");
	nm_message_spot(&message, &(struct nm_spot){ "f.txt", 2,
		NM_TEXT("a b"), 1, "no tab" });
	fclose(message.to);
	assert_string_equal(text,
		"prog: data.txt:17: no tab\n"
		"prog: sending 3\n"
		"a\nb?[2J\n"
		"prog: warning: slow\n"
		"prog: f.txt:2: no tab\n"
		"  a b\n"
		"   ^\n");
}

/* For a path of NULL with a pipe whose reader has gone. */
static void
replace_stdout(const char *path)
{
	int pipes[2];

	if (path) {
		if (!freopen(path, "w", stdout))
			_exit(99);
		return;
	}
	signal(SIGPIPE, SIG_IGN);
	if (pipe(pipes) || close(pipes[0]) || dup2(pipes[1], STDOUT_FILENO) < 0)
		_exit(99);
}

/* In a child, whose stdout is the file: what it says, and its exit status. */
static int
close_stdout_on(const char *path, const char *bytes, char *said, size_t size)
{
	int pipes[2], status;
	ssize_t got;
	pid_t child;

	if (pipe(pipes))
		abort();
	fflush(NULL);
	child = fork();
	if (child == 0) {
		struct nm_message message;

		nm_message_init(&message, "prog");
		message.to = fdopen(pipes[1], "w");
		replace_stdout(path);
		fputs(bytes, stdout);
		_exit(nm_message_close_stdout(&message, 1));
	}
	close(pipes[1]);
	got = read(pipes[0], said, size - 1);
	said[got > 0 ? got : 0] = '\0';
	close(pipes[0]);
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

static void
test_close_stdout(void **state)
{
	char said[200];

	(void)state;
	assert_int_equal(close_stdout_on("/dev/null", "x", said, 200), 1);
	assert_string_equal(said, "");
	assert_int_equal(close_stdout_on("/dev/full", "x", said, 200), 5);
	assert_string_equal(said,
		"prog: standard output: No space left on device\n");
	assert_int_equal(close_stdout_on("/dev/full", "", said, 200), 1);
	assert_int_equal(close_stdout_on(NULL, "x", said, 200), 5);
	assert_string_equal(said, "");
	assert_int_equal(close_stdout_on(NULL, "", said, 200), 1);
}

static enum nm_consent
ask_with(const char *typed, struct screen *screen)
{
	int saved = dup(STDIN_FILENO);
	struct nm_message message = { .program = "prog",
	                              .to = screen->slave };
	enum nm_consent consent;

	assert_int_equal(write(screen->master, typed, strlen(typed)),
	                 strlen(typed));
	dup2(fileno(screen->slave), STDIN_FILENO);
	consent = nm_consent_ask(&message, "about $%d; send it?", 3);
	dup2(saved, STDIN_FILENO);
	close(saved);
	return consent;
}

static void
test_consent(void **state)
{
	static const struct {
		const char     *typed;
		enum nm_consent consent;
	} rows[] = {
		{ "y\n", NM_CONSENT_YES },  { "Yes\n", NM_CONSENT_YES },
		{ "  y\n", NM_CONSENT_YES }, { "n\n", NM_CONSENT_NO },
		{ "\n", NM_CONSENT_NO },    { "ny\n", NM_CONSENT_NO },
		{ "\004", NM_CONSENT_NO }, /* end of input */
	};
	struct screen screen;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		screen_open(&screen, 80);
		assert_int_equal(ask_with(rows[i].typed, &screen),
		                 rows[i].consent);
		assert_non_null(strstr(screen_text(&screen),
		                       "prog: about $3; send it? [y/N] "));
		screen_close(&screen);
	}
}

/* What is said next begins a line. */
static void
test_no_end_of_an_answer(void **state)
{
	struct screen screen;

	(void)state;
	screen_open(&screen, 80);
	assert_int_equal(ask_with("\004", &screen), NM_CONSENT_NO);
	fputs("next", screen.slave);
	fflush(screen.slave);
	assert_non_null(strstr(screen_text(&screen), "[y/N] \nnext"));
	screen_close(&screen);
}

static void
test_nobody_is_asked(void **state)
{
	struct nm_message message = { .to = fopen("/dev/null", "w") };

	(void)state;
	assert_int_equal(nm_consent_ask(&message, "send it?"),
	                 NM_CONSENT_UNASKED);
	fclose(message.to);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spot),
		cmocka_unit_test(test_spot_in_a_long_line),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_close_stdout),
		cmocka_unit_test(test_consent),
		cmocka_unit_test(test_no_end_of_an_answer),
		cmocka_unit_test(test_nobody_is_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
