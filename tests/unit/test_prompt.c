/* test_prompt: templates, and the lines on which they are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "base/file.h"
#include "eval/prompt.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
templates(void **state)
{
	static const struct {
		const char *given, *system, *before, *after, *why;
	} rows[] = {
		{ "JSON? {question}", NULL, "JSON? ", "", "the question last" },
		{ "{question} as json\n", NULL, "", " as json",
		  "the last newline goes; any case of the word" },
		{ "{question} JSON\r\n", NULL, "", " JSON", "CRLF" },
		{ "{question} JSON\n\n", NULL, "", " JSON\n", "one newline only" },
		{ "be\nbrief\n---\n{question} JSON", "be\nbrief", "", " JSON",
		  "a system part" },
		{ "JSON\r\n---\r\n{question}", "JSON", "", "",
		  "…with CRLF, and the word in it" },
		{ "---\n{question} JSON", "", "", " JSON", "no system message" },
		{ "s\n---\n{question}\n---\nJSON", "s", "", "\n---\nJSON",
		  "only the first such line parts" },
		{ "{question}\n --- \nJSON", NULL, "", "\n --- \nJSON",
		  "blanks around make it another line" },
		{ "{a} {question } {question} JSON", NULL, "{a} {question } ",
		  " JSON", "other braces are text" },
	};
	struct nm_prompt prompt = { 0 };
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *system;

		if (nm_prompt_read(&prompt, nm_text_of(rows[i].given), "t",
		                   &err))
			fail_msg("%s: %s", rows[i].why, err.text);
		system = nm_buf_string(&prompt.system);
		if ((rows[i].system ? strcmp(system, rows[i].system) != 0
		                    : prompt.system.len < 20)
		    || strcmp(nm_buf_string(&prompt.before), rows[i].before) != 0
		    || strcmp(nm_buf_string(&prompt.after), rows[i].after) != 0)
			fail_msg("%s", rows[i].why);
	}
	nm_prompt_release(&prompt);
}

static void
refused(void **state)
{
	static const struct {
		const char *given, *text, *why;
	} rows[] = {
		{ "JSON\nplease", "t:1: no {question}", "none" },
		{ "s\n---\nJSON", "t:3: no {question}", "none below" },
		{ "", "t:1: no {question}", "empty" },
		{ "{question}\nJSON\n{question}", "t:3: a second", "two" },
		{ "\n{question}\n---\n{question} JSON", "t:2: {question} stands "
		  "above", "one above, one below" },
		{ "hi\n{question}\n---\nJSON", "t:2: {question} stands above",
		  "only above" },
		{ "---\n{question}", "t:1: the word JSON", "no JSON" },
		{ "a\nb\xff {question}", "t:2: not UTF-8", "bytes" },
	};
	struct nm_prompt prompt = { 0 };
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (nm_prompt_read(&prompt, nm_text_of(rows[i].given), "t",
		                   &err) != NM_INPUT
		    || !strstr(err.text, rows[i].text) || prompt.source.at)
			fail_msg("%s: %s", rows[i].why, err.text);
	/* What is kept of it for later processes is a string. */
	assert_int_equal(nm_prompt_read(&prompt, NM_TEXT("JSON\na\0 {question}"),
	                                "t", &err), NM_INPUT);
	assert_string_equal(err.text, "t:2: a NUL byte");
}

static void
the_built_in_one(void **state)
{
	struct nm_prompt prompt = { 0 };

	(void)state;
	assert_int_equal(nm_prompt_load(&prompt, NULL, NULL), NM_OK);
	assert_string_equal(nm_buf_string(&prompt.source), "built-in");
	assert_non_null(strstr(nm_buf_string(&prompt.after),
	                       "{\"answers\": ["));
	assert_non_null(strstr(nm_buf_string(&prompt.after), "20"));
	assert_non_null(strstr(nm_buf_string(&prompt.after), "brackets"));
	assert_true(nm_prompt_bytes(&prompt) > 300);
	assert_int_equal(strlen(prompt.digest), 64);
	nm_prompt_release(&prompt);
	nm_prompt_release(&prompt);
	nm_prompt_release(NULL);
}

static void
digests_tell_the_parts(void **state)
{
	static const char *const different[] = {
		"a\n---\nb{question}c JSON", "a\n---\nbc{question} JSON",
		"ab\n---\n{question}c JSON", "---\nab{question}c JSON",
	};
	char seen[COUNT(different)][NM_DIGEST_HEX_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(different); i++) {
		struct nm_prompt prompt = { 0 };

		assert_int_equal(nm_prompt_read(&prompt,
			nm_text_of(different[i]), "t", NULL), NM_OK);
		memcpy(seen[i], prompt.digest, NM_DIGEST_HEX_MAX);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
		nm_prompt_release(&prompt);
	}
}

static void
from_a_file(void **state)
{
	static const char path[] = "/tmp/nm_prompt_test.txt";
	struct nm_buf big = { 0 };
	struct nm_prompt prompt = { 0 };
	struct nm_err err;

	(void)state;
	assert_int_equal(nm_file_write(path, 0600, NM_TEXT(
		"\xef\xbb\xbf{question} JSON\n"), NULL), NM_OK);
	assert_int_equal(nm_prompt_load(&prompt, path, &err), NM_OK);
	assert_string_equal(nm_buf_string(&prompt.before), "");
	assert_string_equal(nm_buf_string(&prompt.source), path);
	memset(nm_buf_room(&big, NM_PROMPT_MAX_BYTES + 1), 'x',
	       NM_PROMPT_MAX_BYTES + 1);
	nm_buf_took(&big, NM_PROMPT_MAX_BYTES + 1);
	assert_int_equal(nm_file_write(path, 0600, nm_buf_text(&big), NULL),
	                 NM_OK);
	assert_int_equal(nm_prompt_load(&prompt, path, &err), NM_LIMIT);
	assert_string_equal(nm_buf_string(&prompt.source), path);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(nm_prompt_load(&prompt, path, &err), NM_INPUT);
	nm_buf_release(&big);
	nm_prompt_release(&prompt);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates),
		cmocka_unit_test(refused),
		cmocka_unit_test(the_built_in_one),
		cmocka_unit_test(digests_tell_the_parts),
		cmocka_unit_test(from_a_file),
	};

	return cmocka_run_group_tests_name("prompt", tests, NULL, NULL);
}
