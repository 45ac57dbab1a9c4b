/* test_answer: which content can be read, and which names it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eval/answer.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

struct row {
	const char *content;
	const char *names; /* joined by '/'; NULL = unreadable */
	size_t      dropped;
	const char *lenient; /* the same, read leniently */
	const char *why;
};

static const struct row rows[] = {
	{ "{\"answers\": [\"Heat\", \"Ali\"]}", "Heat/Ali", 0, "Heat/Ali",
	  "as asked" },
	{ " \n{\"answers\":[]}\r\n\t", "", 0, "", "white space, no answer" },
	{ "\xc2\xa0{\"answers\":[\"a\"]}", "a", 0, "a", "white space is Unicode's" },
	{ "{\"answers\":[1994, 2.50, 1e3, -0, true, false]}",
	  "1994/2.50/1e3/-0/true/false", 0, "1994/2.50/1e3/-0/true/false",
	  "numbers and booleans as they stand" },
	{ "{\"answers\":[null, \"a\", [\"b\"], {\"c\":1}]}", "a", 3, "a",
	  "nulls and nested values are dropped and counted" },
	{ "{\"answers\":[\"\"]}", "", 0, "", "an empty string is a name" },
	{ "{\"answers\":[\"a\"],\"answers\":[\"b\"]}", "b", 0, "b",
	  "the last of a key given twice" },
	{ "{\"answers\":[\"a\"],\"answers\":7}", NULL, 0, NULL,
	  "…also when it is no list" },
	{ "{\"note\":{\"answers\":[\"x\"]},\"answers\":[\"a\"]}", "a", 0, "a",
	  "only at the top" },
	{ "{\"answers\":[\"\\ud83d\"]}", "\xef\xbf\xbd", 0, "\xef\xbf\xbd",
	  "a lone surrogate" },
	{ "{\"\\u0061nswers\":[\"a\"]}", "a", 0, "a", "an escaped key" },
	{ "{\"answers\":[NaN]}", NULL, 0, NULL, "NaN is not JSON" },
	{ "{\"answers\":[Infinity]}", NULL, 0, NULL, "nor is Infinity" },
	{ "{\"answers\":[\"a\",]}", NULL, 0, NULL, "a trailing comma" },
	{ "{'answers':['a']}", NULL, 0, NULL, "single quotes" },
	{ "{\"answers\":\"a\"}", NULL, 0, NULL, "a string" },
	{ "{\"answers\":{\"a\":1}}", NULL, 0, NULL, "an object" },
	{ "{\"answers\":null}", NULL, 0, NULL, "null" },
	{ "{\"Answers\":[\"a\"]}", NULL, 0, NULL, "another key" },
	{ "{}", NULL, 0, NULL, "an empty object" },
	{ "[\"a\"]", NULL, 0, NULL, "a list" },
	{ "\"a\"", NULL, 0, NULL, "a string alone" },
	{ "", NULL, 0, NULL, "nothing" },
	{ "   ", NULL, 0, NULL, "white space alone" },
	{ "{\"answers\":[\"a\"]} {\"answers\":[\"b\"]}", NULL, 0, "a",
	  "two objects are not one" },
	{ "{\"answers\":[\"a\"]}.", NULL, 0, "a", "something behind" },
	{ "{\"answers\":[\"a\"", NULL, 0, NULL, "cut" },
	{ "```json\n{\"answers\": [\"a\"]}\n```", NULL, 0, "a", "a code fence" },
	{ "Here {you} are: {\"n\":1} {\"answers\":[\"a\",null]}!", NULL, 0,
	  "a", "prose with other braces" },
	{ "x {\"answers\":\"no\"} {\"answers\":[\"a\"]}", NULL, 0, "a",
	  "the first with a *list*" },
	{ "{\"result\":{\"answers\":[\"a\"]}}", NULL, 0, "a",
	  "one that stands inside another" },
	{ "{ \"a\": {{{ { \n\t\"answers\":[\"a\"]}", NULL, 0, "a",
	  "broken ones before it" },
	{ "\xef\xbb\xbf{\"answers\":[\"a\"]}", NULL, 0, "a",
	  "a byte order mark is no white space" },
};

static void
check(const struct row *row, const char *wanted, enum nm_reading reading,
      struct nm_answer_reader *reader)
{
	struct nm_answer answer = { .n_names = 99 };
	enum nm_answer_kind kind = nm_answer_read(
		reader, nm_text_of(row->content), reading, &answer);
	struct nm_buf joined = { 0 };

	for (size_t i = 0; i < answer.n_names; i++) {
		if (i)
			nm_buf_add_byte(&joined, '/');
		nm_buf_add_text(&joined, answer.names[i]);
	}
	if ((kind == NM_ANSWER_READ) != (wanted != NULL)
	    || strcmp(nm_buf_string(&joined), wanted ? wanted : "") != 0
	    || (reading == NM_READING_STRICT
	        && answer.n_dropped != row->dropped))
		fail_msg("%s: %s, \"%s\"", row->why,
		         kind == NM_ANSWER_READ ? "read" : "unreadable",
		         nm_buf_string(&joined));
	nm_buf_release(&joined);
}

static void
strictly_and_leniently(void **state)
{
	struct nm_answer_reader reader = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		check(&rows[i], rows[i].names, NM_READING_STRICT, &reader);
		check(&rows[i], rows[i].lenient, NM_READING_LENIENT, &reader);
	}
	nm_answer_reader_release(&reader);
	nm_answer_reader_release(NULL);
}

static void
all_of_a_long_list(void **state)
{
	enum { N = 5000 };
	struct nm_answer_reader reader = { 0 };
	struct nm_buf content = { 0 };
	struct nm_answer answer;

	(void)state;
	nm_buf_add_string(&content, "{\"answers\":[0");
	for (int i = 1; i < N; i++)
		nm_buf_addf(&content, ",%d", i);
	nm_buf_add_string(&content, "]}");
	assert_int_equal(nm_answer_read(&reader, nm_buf_text(&content),
	                                NM_READING_STRICT, &answer),
	                 NM_ANSWER_READ);
	assert_int_equal(answer.n_names, N);
	assert_true(nm_text_is(answer.names[N - 1], "4999"));
	nm_buf_release(&content);
	nm_answer_reader_release(&reader);
}

/* Each brace opens an object that is never closed: a square, if unbounded. */
static void
hostile_prose_is_bounded(void **state)
{
	struct nm_answer_reader reader = { 0 };
	struct nm_buf content = { 0 };
	struct nm_answer answer;

	(void)state;
	for (int i = 0; i < 60000; i++)
		nm_buf_add_string(&content, "{\"a\":[0,");
	assert_int_equal(nm_answer_read(&reader, nm_buf_text(&content),
	                                NM_READING_LENIENT, &answer),
	                 NM_ANSWER_UNREADABLE);
	nm_buf_release(&content);
	nm_answer_reader_release(&reader);
}

static void
too_long_an_answer_is_not_read(void **state)
{
	struct nm_answer_reader reader = { 0 };
	struct nm_answer answer;
	struct nm_buf content = { 0 };

	(void)state;
	nm_buf_add_string(&content, "{\"answers\":[\"a\"]}");
	while (content.len < NM_ANSWER_MAX_BYTES)
		nm_buf_add_byte(&content, ' ');
	content.at[content.len - 1] = '}'; /* white space around it would go */
	content.at[16] = ' ';
	assert_int_equal(nm_answer_read(&reader, nm_buf_text(&content),
	                                NM_READING_STRICT, &answer),
	                 NM_ANSWER_READ);
	nm_buf_add_byte(&content, '}');
	content.at[content.len - 2] = ' ';
	for (int i = 0; i < 2; i++)
		assert_int_equal(nm_answer_read(&reader, nm_buf_text(&content),
			i ? NM_READING_LENIENT : NM_READING_STRICT, &answer),
			NM_ANSWER_UNREADABLE);
	nm_buf_release(&content);
	nm_answer_reader_release(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strictly_and_leniently),
		cmocka_unit_test(all_of_a_long_list),
		cmocka_unit_test(hostile_prose_is_bounded),
		cmocka_unit_test(too_long_an_answer_is_not_read),
	};

	return cmocka_run_group_tests_name("answer", tests, NULL, NULL);
}
