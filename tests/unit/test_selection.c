/* test_selection: which questions are taken, and what tells that they
 * changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "eval/selection.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static char path[] = "/tmp/nm_selection_XXXXXX";

static void
write_dataset(const char *content)
{
	assert_int_equal(nm_file_write(path, 0600, nm_text_of(content), NULL),
	                 NM_OK);
}

static int
make_path(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
drop_path(void **state)
{
	(void)state;
	return unlink(path);
}

/* Lines 0 to 6: question, blank, question, bad, question, question, blank. */
static const char CONTENT[] = "a\t1\n\nb\t2\nbad\nc\t3\nd\t4\n\n";

static struct nm_selection *
open_with(const struct nm_selection_options *options)
{
	struct nm_selection *s = NULL;
	struct nm_err err = { 0 };

	if (nm_selection_open(&s, path, options, &err))
		fail_msg("%s", err.text);
	return s;
}

/* The ids taken, as "0 2 4". */
static void
ids_of(struct nm_selection *s, char *out, size_t size)
{
	struct nm_question q;
	size_t used = 0;

	out[0] = 0;
	for (;;) {
		assert_int_equal(nm_selection_next(s, &q, NULL), NM_OK);
		if (!q.text)
			return;
		used += (size_t)snprintf(out + used, size - used, "%s%zu",
		                         used ? " " : "", q.id);
		assert_true(used < size);
	}
}

static void
limit_counts_lines(void **state)
{
	static const struct {
		uint64_t    limit;
		const char *ids;
		uint64_t    lines, bad, blank, last_id;
		const char *why;
	} rows[] = {
		{ 0, "0 2 4 5", 7, 1, 2, 5, "all" },
		{ 1, "0", 1, 0, 0, 0, "the first line" },
		{ 2, "0", 2, 0, 1, 0, "a blank line counts" },
		{ 3, "0 2", 3, 0, 1, 2, "…and keeps its number" },
		{ 4, "0 2", 4, 1, 1, 2, "a bad line counts" },
		{ 5, "0 2 4", 5, 1, 1, 4, "one more" },
		{ 7, "0 2 4 5", 7, 1, 2, 5, "just all" },
		{ 99, "0 2 4 5", 7, 1, 2, 5, "more than there are" },
	};

	(void)state;
	write_dataset(CONTENT);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_selection_options options = { .limit = rows[i].limit };
		struct nm_selection *s = open_with(&options);
		const struct nm_selection_facts *facts = nm_selection_facts(s);
		char ids[64];

		for (int walk = 0; walk < 2; walk++) {
			ids_of(s, ids, sizeof(ids));
			if (strcmp(ids, rows[i].ids) != 0)
				fail_msg("%s: %s", rows[i].why, ids);
			assert_int_equal(nm_selection_rewind(s, NULL), NM_OK);
		}
		if (facts->lines != rows[i].lines
		    || facts->bad_lines != rows[i].bad
		    || facts->blank_lines != rows[i].blank
		    || facts->last_id != rows[i].last_id
		    || facts->taken != facts->questions
		    || facts->generator[0])
			fail_msg("%s: facts", rows[i].why);
		nm_selection_close(s);
	}
}

static void
count_bad(void *context, const struct nm_err *err,
          const struct nm_dataset_spot *spot)
{
	assert_non_null(strstr(err->text, ":4: no tab"));
	assert_int_equal(spot->line, 4);
	++*(int *)context;
}

static void
bad_lines_are_told_once(void **state)
{
	int told = 0;
	struct nm_selection_options options = {
		.bad_line = count_bad, .bad_line_context = &told,
	};
	struct nm_selection *s;
	char ids[64];

	(void)state;
	write_dataset(CONTENT);
	s = open_with(&options);
	ids_of(s, ids, sizeof(ids));
	assert_int_equal(told, 1);
	nm_selection_close(s);
	options.limit = 3;
	nm_selection_close(open_with(&options));
	assert_int_equal(told, 1);
}

static void
write_numbers(int n)
{
	struct nm_buf bytes = { 0 };

	for (int i = 0; i < n; i++)
		nm_buf_addf(&bytes, "q%d\ta\n", i);
	write_dataset(nm_buf_string(&bytes));
	nm_buf_release(&bytes);
}

static void
samples_are_sized_ordered_and_even(void **state)
{
	enum { N = 10, TAKE = 3, SEEDS = 3000 };
	int taken[N] = { 0 };

	(void)state;
	write_numbers(N);
	for (uint64_t seed = 0; seed < SEEDS; seed++) {
		struct nm_selection_options options = { .sample = TAKE,
		                                        .seed = seed };
		struct nm_selection *s = open_with(&options);
		struct nm_question q;
		size_t last = 0;
		int n = 0;

		for (;;) {
			assert_int_equal(nm_selection_next(s, &q, NULL), NM_OK);
			if (!q.text)
				break;
			assert_true(n++ == 0 || q.id > last);
			last = q.id;
			taken[q.id]++;
		}
		assert_int_equal(n, TAKE);
		assert_int_equal(nm_selection_facts(s)->taken, TAKE);
		assert_int_equal(nm_selection_facts(s)->last_id, last);
		nm_selection_close(s);
	}
	/* 900 expected, standard deviation 25: five of them. */
	for (int i = 0; i < N; i++)
		assert_in_range(taken[i], 900 - 125, 900 + 125);
}

static void
a_seed_is_one_choice(void **state)
{
	struct nm_selection_options options = { .sample = 5, .seed = 42 };
	struct nm_selection *s;
	char first[128], second[128];
	char digest[NM_DIGEST_HEX_MAX];

	(void)state;
	write_numbers(40);
	s = open_with(&options);
	ids_of(s, first, sizeof(first));
	assert_int_equal(nm_selection_rewind(s, NULL), NM_OK);
	ids_of(s, second, sizeof(second));
	assert_string_equal(first, second);
	/* Kept for ever: recorded runs must find their questions again. */
	assert_string_equal(first, "0 20 29 37 38");
	assert_non_null(strstr(nm_selection_facts(s)->generator, "xoshiro"));
	memcpy(digest, nm_selection_facts(s)->digest, sizeof(digest));
	nm_selection_close(s);
	options.seed = 43;
	s = open_with(&options);
	assert_string_not_equal(digest, nm_selection_facts(s)->digest);
	nm_selection_close(s);
	options.sample = 40;
	s = open_with(&options);
	assert_int_equal(nm_selection_facts(s)->taken, 40);
	assert_string_equal(nm_selection_facts(s)->generator, "");
	nm_selection_close(s);
}

/* The digest of what a content gives, within a limit. */
static void
digest_of(const char *content, uint64_t limit, char *hex)
{
	struct nm_selection_options options = { .limit = limit };
	struct nm_selection *s;

	write_dataset(content);
	s = open_with(&options);
	memcpy(hex, nm_selection_facts(s)->digest, NM_DIGEST_HEX_MAX);
	nm_selection_close(s);
}

static void
digests_tell_changes(void **state)
{
	static const struct {
		const char *content;
		uint64_t    limit;
		int         same;
		const char *why;
	} rows[] = {
		{ "a\tb|c\nd\te\n", 0, 1, "itself" },
		{ "a\tb|c\r\nd\te", 0, 1, "line ends are no change" },
		{ "a\tb|c\nd\te\nf\tg\n", 2, 1, "nor is what the limit leaves" },
		{ "\na\tb|c\nd\te\n", 0, 0, "ids moved" },
		{ "a\tbc\nd\te\n", 0, 0, "two answers became one" },
		{ "a\tb|cd\nd\te\n", 0, 0, "an answer" },
		{ "A\tb|c\nd\te\n", 0, 0, "a text" },
		{ "a\tb|c\nd\te\nf\tg\n", 0, 0, "one more" },
	};
	char wanted[NM_DIGEST_HEX_MAX], hex[NM_DIGEST_HEX_MAX];

	(void)state;
	digest_of("a\tb|c\nd\te\n", 0, wanted);
	for (size_t i = 0; i < COUNT(rows); i++) {
		digest_of(rows[i].content, rows[i].limit, hex);
		if ((strcmp(hex, wanted) == 0) != rows[i].same)
			fail_msg("%s", rows[i].why);
	}
	/* By hand: id, text, count, answers, each number in 8 bytes. */
	nm_digest_hex(NM_SHA256, "\0\0\0\0\0\0\0\0" "\1\0\0\0\0\0\0\0" "a"
	              "\1\0\0\0\0\0\0\0" "\2\0\0\0\0\0\0\0" "bc", 35, wanted);
	digest_of("a\tbc\n", 0, hex);
	assert_string_equal(hex, wanted);
}

/* As the header says it, a number at a time. */
static void
add_number(struct nm_buf *out, uint64_t number)
{
	for (int i = 0; i < 8; i++)
		nm_buf_add_byte(out, (char)(number >> 8 * i));
}

static void
many_questions_are_digested(void **state)
{
	struct nm_buf dataset = { 0 }, digested = { 0 };
	char hex[NM_DIGEST_HEX_MAX], wanted[NM_DIGEST_HEX_MAX];

	(void)state;
	for (uint64_t id = 0; id < 5000; id++) {
		nm_buf_addf(&dataset, "q%llu\tone|%llu|\n",
		            (unsigned long long)id % 10,
		            (unsigned long long)id % 7);
		add_number(&digested, id);
		add_number(&digested, 2);
		nm_buf_addf(&digested, "q%llu", (unsigned long long)id % 10);
		add_number(&digested, 3);
		add_number(&digested, 3);
		nm_buf_add_string(&digested, "one");
		add_number(&digested, 1);
		nm_buf_addf(&digested, "%llu", (unsigned long long)id % 7);
		add_number(&digested, 0);
	}
	nm_digest_hex(NM_SHA256, digested.at, digested.len, wanted);
	digest_of(nm_buf_string(&dataset), 0, hex);
	assert_string_equal(hex, wanted);
	nm_buf_release(&dataset);
	nm_buf_release(&digested);
}

static void
whole_file_is_digested(void **state)
{
	struct nm_selection_options options = { .limit = 1 };
	struct nm_selection *s;
	char hex[NM_DIGEST_HEX_MAX];

	(void)state;
	write_dataset(CONTENT);
	nm_digest_hex(NM_SHA256, CONTENT, sizeof(CONTENT) - 1, hex);
	s = open_with(&options);
	assert_string_equal(nm_selection_facts(s)->file_sha256, hex);
	nm_selection_close(s);
}

static void
no_question_is_an_error(void **state)
{
	static const char *const contents[] = { "\n", "bad\n", " \n\nx\n" };
	struct nm_selection_options options = { 0 };
	struct nm_selection *s = NULL;
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(contents); i++) {
		write_dataset(contents[i]);
		assert_int_equal(nm_selection_open(&s, path, &options, &err),
		                 NM_INPUT);
		assert_non_null(strstr(err.text, "no question"));
	}
	write_dataset("\na\tb\n");
	options.limit = 1;
	assert_int_equal(nm_selection_open(&s, path, &options, &err), NM_INPUT);
	assert_non_null(strstr(err.text, "within the limit"));
	assert_null(s);
}

static void
a_change_between_walks_is_told(void **state)
{
	static const struct {
		const char *content, *why;
	} rows[] = {
		{ "a\tb\n", "fewer questions" },
		{ "a\tb\nc\tdd\n", "as many, with another answer" },
		{ "a\tb\nc\td\ne\tf\n", "one more behind them" },
	};
	struct nm_selection_options options = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_selection *s;
		struct nm_question q;
		struct nm_err err = { 0 };
		enum nm_code rc;
		FILE *file;

		write_dataset("a\tb\nc\td\n");
		s = open_with(&options);
		/* In place: a new file of that name would not be seen. */
		file = fopen(path, "w");
		assert_non_null(file);
		(void)fputs(rows[i].content, file);
		assert_int_equal(fclose(file), 0);
		do
			rc = nm_selection_next(s, &q, &err);
		while (rc == NM_OK && q.text);
		if (rc != NM_INPUT || !strstr(err.text, "changed"))
			fail_msg("%s: %d %s", rows[i].why, (int)rc, err.text);
		nm_selection_close(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_counts_lines),
		cmocka_unit_test(bad_lines_are_told_once),
		cmocka_unit_test(samples_are_sized_ordered_and_even),
		cmocka_unit_test(a_seed_is_one_choice),
		cmocka_unit_test(digests_tell_changes),
		cmocka_unit_test(many_questions_are_digested),
		cmocka_unit_test(whole_file_is_digested),
		cmocka_unit_test(no_question_is_an_error),
		cmocka_unit_test(a_change_between_walks_is_told),
	};

	return cmocka_run_group_tests_name("selection", tests, make_path,
	                                   drop_path);
}
