/* collect: rows are joined by id, once each, whatever the files' order and state. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/file.h"
#include "result_rows.h"
#include "run/collect.h"

enum { COUNT = 4 };

/* One row: up to three files, and what has to come of them. */
static const struct {
	const char *why;
	struct {
		const char *content;
		int64_t     attempt;
	} files[3];
	const char *answers[COUNT]; /* NULL = no answer */
	enum nm_class classes[COUNT];
	uint64_t    unknown, duplicate, malformed;
	const char *again; /* ordinals worth another attempt */
	int64_t     reask;
} rows[] = {
	{ "shuffled rows stand at their questions",
	  { { OK("2", "c") OK("0", "a") OK("3", "d") OK("1", "b"), 1 } },
	  { "a", "b", "c", "d" }, { 0 }, 0, 0, 0, "", 0 },
	{ "a question without a row is missing, and asked again",
	  { { OK("0", "a") OK("1", "b") OK("3", "d"), 1 } },
	  { "a", "b", NULL, "d" },
	  { 0, 0, NM_CLASS_MISSING, 0 }, 0, 0, 0, "2", 0 },
	{ "of two successes the first counts",
	  { { OK("0", "a") OK("0", "z") OK("1", "b") OK("2", "c")
	      OK("3", "d"), 1 } },
	  { "a", "b", "c", "d" }, { 0 }, 0, 1, 0, "", 0 },
	{ "a success after a failure counts",
	  { { STATUS("0", "500") OK("1", "b") OK("2", "c") OK("3", "d"), 1 },
	    { OK("0", "a"), 1 } },
	  { "a", "b", "c", "d" }, { 0 }, 0, 1, 0, "", 0 },
	{ "a later attempt replaces a failure and nothing else",
	  { { EXPIRED("0") OK("1", "b") OK("2", "c") OK("3", "d"), 1 },
	    { OK("0", "a") OK("1", "z"), 2 } },
	  { "a", "b", "c", "d" }, { 0 }, 0, 0, 0, "", 0 },
	{ "ids never asked are counted and harm nobody",
	  { { OK("9", "x") OK("0", "a") OK("1", "b") OK("2", "c")
	      OK("3", "d"), 1 } },
	  { "a", "b", "c", "d" }, { 0 }, 1, 0, 0, "", 0 },
	{ "a broken line, and a last one without its end",
	  { { OK("0", "a") "{\"custom_id\":\n" OK("1", "b") OK("2", "c")
	      "{\"custom_id\":\"request-3\",\"resp", 1 } },
	  { "a", "b", "c", NULL },
	  { 0, 0, 0, NM_CLASS_MISSING }, 0, 0, 2, "3", 0 },
	{ "a 400 is for good, 429, 503 and status 0 are not",
	  { { STATUS("0", "400") STATUS("1", "429") STATUS("2", "503")
	      STATUS("3", "0"), 1 } },
	  { NULL, NULL, NULL, NULL },
	  { NM_CLASS_HTTP_ERROR, NM_CLASS_HTTP_ERROR, NM_CLASS_HTTP_ERROR,
	    NM_CLASS_HTTP_ERROR }, 0, 0, 0, "1 2 3", 0 },
	{ "what the model did is asked again only when one wants it",
	  { { UNREADABLE("0") OK("1", "b") OK("2", "c") OK("3", "d"), 1 } },
	  { NULL, "b", "c", "d" },
	  { NM_CLASS_UNPARSEABLE, 0, 0, 0 }, 0, 0, 0, "", 0 },
	{ "and then as often as one wants",
	  { { UNREADABLE("0") UNREADABLE("1") OK("2", "c") OK("3", "d"), 1 },
	    { UNREADABLE("0") OK("1", "b"), 2 } },
	  { NULL, "b", "c", "d" },
	  { NM_CLASS_UNPARSEABLE, 0, 0, 0 }, 0, 0, 0, "0", 2 },
	{ "a failure's row before the reply's makes it no less a reply",
	  { { STATUS("0", "500") OK("1", "b") OK("2", "c") OK("3", "d"), 1 },
	    { UNREADABLE("0"), 1 } },
	  { NULL, "b", "c", "d" },
	  { NM_CLASS_UNPARSEABLE, 0, 0, 0 }, 0, 1, 0, "", 0 },
	{ "nor in the attempt that asked again",
	  { { UNREADABLE("0") OK("1", "b") OK("2", "c") OK("3", "d"), 1 },
	    { STATUS("0", "500") UNREADABLE("0"), 2 } },
	  { NULL, "b", "c", "d" },
	  { NM_CLASS_UNPARSEABLE, 0, 0, 0 }, 0, 1, 0, "", 1 },
	{ "of two replies to what was asked again the first counts, too",
	  { { UNREADABLE("0") OK("1", "b") OK("2", "c") OK("3", "d"), 1 },
	    { UNREADABLE("0") OK("0", "z"), 2 } },
	  { NULL, "b", "c", "d" },
	  { NM_CLASS_UNPARSEABLE, 0, 0, 0 }, 0, 1, 0, "0", 2 },
	{ "two replies of one attempt are one",
	  { { UNREADABLE("0") UNREADABLE("0") OK("1", "b") OK("2", "c")
	      OK("3", "d"), 1 } },
	  { NULL, "b", "c", "d" },
	  { NM_CLASS_UNPARSEABLE, 0, 0, 0 }, 0, 1, 0, "0", 1 },
};

static void
add_files(struct nm_collect *collect, size_t row)
{
	struct nm_err err;
	size_t k;

	for (k = 0; k < 3 && rows[row].files[k].content; k++) {
		char path[] = "/tmp/nm_collect.XXXXXX";
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(nm_file_write_all(fd,
			rows[row].files[k].content,
			strlen(rows[row].files[k].content), &err), NM_OK);
		close(fd);
		assert_int_equal(nm_collect_add_file(collect, path,
			rows[row].files[k].attempt, NM_WAY_BATCH, &err),
			NM_OK);
		unlink(path);
	}
}

static void
check_rows(struct nm_collect *collect, size_t which)
{
	struct nm_row row;
	struct nm_err err;
	struct nm_origin origin;
	int64_t i;

	for (i = 0; i < COUNT; i++) {
		const char *wanted = rows[which].answers[i];

		assert_int_equal(nm_collect_row(collect, i, (uint64_t)i, &row,
		                                &origin, &err), NM_OK);
		if (row.class != rows[which].classes[i])
			fail_msg("%s: question %d is %s", rows[which].why,
			         (int)i, nm_class_name(row.class));
		if (wanted && !nm_text_is(row.answers[0], wanted))
			fail_msg("%s: question %d has another answer",
			         rows[which].why, (int)i);
		if (!wanted && row.n_answers)
			fail_msg("%s: question %d has an answer",
			         rows[which].why, (int)i);
	}
}

static void
check_again(const struct nm_collect *collect, size_t which)
{
	struct nm_collect_want want = { 1, rows[which].reask };
	struct nm_members members = { 0 };
	struct nm_members_walk walk;
	struct nm_buf text = { 0 };
	int64_t ordinal;

	nm_collect_again(collect, &want, NULL, &members);
	nm_members_walk_init(&walk, 0, members.count,
	                     nm_buf_text(&members.bytes));
	while ((ordinal = nm_members_walk_next(&walk)) >= 0)
		nm_buf_addf(&text, "%s%d", text.len ? " " : "", (int)ordinal);
	if (strcmp(nm_buf_string(&text), rows[which].again) != 0)
		fail_msg("%s: again %s", rows[which].why,
		         nm_buf_string(&text));
	nm_members_release(&members);
	nm_buf_release(&text);
}

static void
test_rows(void **state)
{
	struct nm_source source = { .find = find, .count = COUNT };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct nm_collect collect;

		nm_collect_init(&collect, &source, NM_READING_STRICT);
		add_files(&collect, i);
		check_rows(&collect, i);
		check_again(&collect, i);
		if (collect.unknown != rows[i].unknown ||
		    collect.duplicate != rows[i].duplicate ||
		    collect.malformed != rows[i].malformed)
			fail_msg("%s: unknown %d duplicate %d malformed %d",
			         rows[i].why, (int)collect.unknown,
			         (int)collect.duplicate,
			         (int)collect.malformed);
		nm_collect_release(&collect);
	}
}

static void
test_what_is_closed_is_not_asked_again(void **state)
{
	struct nm_source source = { .find = find, .count = COUNT };
	const struct nm_collect_want want = { 1, 0 };
	const unsigned char closed[1] = { 0x0b }; /* 0, 1 and 3 */
	struct nm_members members = { 0 };
	struct nm_collect collect;

	(void)state;
	nm_collect_init(&collect, &source, NM_READING_STRICT);
	nm_collect_again(&collect, &want, closed, &members);
	assert_int_equal(members.count, 1);
	assert_int_equal(members.bytes.at[0], 2);
	nm_members_release(&members);
	nm_collect_release(&collect);
}

/* Each shard brings a file or two: a large run has thousands. */
static void
test_the_last_of_many_files(void **state)
{
	static const char row[] = OK("1", "b");
	struct nm_source source = { .find = find, .count = COUNT };
	char none[] = "/tmp/nm_none.XXXXXX", last[] = "/tmp/nm_last.XXXXXX";
	struct nm_collect collect;
	struct nm_origin origin;
	struct nm_err err;
	struct nm_row answer;
	int fds[2] = { mkstemp(none), mkstemp(last) };
	int i;

	(void)state;
	assert_int_equal(nm_file_write_all(fds[1], row, strlen(row), &err),
	                 NM_OK);
	nm_collect_init(&collect, &source, NM_READING_STRICT);
	for (i = 0; i < 5000; i++)
		assert_int_equal(nm_collect_add_file(&collect, none, 1,
		                                     NM_WAY_BATCH, &err), NM_OK);
	assert_int_equal(nm_collect_add_file(&collect, last, 1, NM_WAY_DIRECT,
	                                     &err), NM_OK);
	assert_int_equal(nm_collect_row(&collect, 1, 1, &answer, &origin, &err),
	                 NM_OK);
	assert_true(nm_text_is(answer.answers[0], "b"));
	assert_int_equal(origin.way, NM_WAY_DIRECT);
	nm_collect_release(&collect);
	for (i = 0; i < 2; i++)
		close(fds[i]);
	unlink(none);
	unlink(last);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_what_is_closed_is_not_asked_again),
		cmocka_unit_test(test_the_last_of_many_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
