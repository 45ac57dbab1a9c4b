/* test_dataset: what a line of either form is, and what a file must be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "eval/dataset.h"

#define BYTES(literal) literal, sizeof(literal) - 1
#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static char folder[] = "/tmp/nm_dataset_XXXXXX";

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int
drop_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* A path in the folder; lives until the next call. */
static const char *
path_of(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static struct nm_dataset *
open_bytes(const char *name, const char *bytes, size_t len)
{
	const char *path = path_of(name);
	struct nm_dataset *ds = NULL;
	struct nm_err err = { 0 };

	assert_int_equal(nm_file_write(path, 0600,
	                               (struct nm_text){ bytes, len }, &err),
	                 NM_OK);
	if (nm_dataset_open(&ds, path, &err))
		fail_msg("%s", err.text);
	assert_int_equal(unlink(path), 0);
	return ds;
}

/* The gold list, joined by '/'. */
static void
join(const struct nm_question *q, struct nm_buf *out)
{
	nm_buf_clear(out);
	for (size_t i = 0; i < q->n_gold; i++) {
		if (i)
			nm_buf_add_byte(out, '/');
		nm_buf_add_text(out, q->gold[i]);
	}
}

struct line_row {
	const char *line;
	size_t      len;
	const char *question; /* NULL = none: blank without a problem */
	const char *gold;
	const char *problem;
	size_t      byte;
	const char *why;
};

static void
check_line(const char *name, const struct line_row *row)
{
	struct nm_dataset *ds = open_bytes(name, row->line, row->len);
	struct nm_question q = { .id = 77 };
	struct nm_err err = { 0 };
	struct nm_buf gold = { 0 };
	enum nm_code rc = nm_dataset_next(ds, &q, &err);
	const struct nm_dataset_spot *spot = nm_dataset_spot(ds);

	if (row->problem) {
		if (rc != NM_INPUT || q.id != 77
		    || strcmp(spot->problem, row->problem) != 0
		    || spot->byte != row->byte || spot->line != 1
		    || !strstr(err.text, row->problem)
		    || !strstr(err.text, ":1: "))
			fail_msg("%s: %d \"%s\" byte %zu", row->why, (int)rc,
			         err.text, spot->byte);
		rc = nm_dataset_next(ds, &q, &err);
	} else if (row->question) {
		join(&q, &gold);
		if (rc || q.id != 0 || !q.text
		    || strcmp(q.text, row->question) != 0
		    || q.text_len != strlen(row->question)
		    || strcmp(nm_buf_string(&gold), row->gold) != 0)
			fail_msg("%s: %d %s", row->why, (int)rc, err.text);
		rc = nm_dataset_next(ds, &q, &err);
	}
	assert_int_equal(rc, NM_OK);
	assert_null(q.text);
	nm_buf_release(&gold);
	nm_dataset_close(ds);
}

static void
text_lines(void **state)
{
	static const struct line_row rows[] = {
		{ BYTES("who [A]\tB|C\n"), "who [A]", "B/C", NULL, 0, "plain" },
		{ BYTES("who\tB"), "who", "B", NULL, 0, "no newline at the end" },
		{ BYTES("who\tB\r\n"), "who", "B", NULL, 0, "CRLF" },
		{ BYTES("  who \t B | C \n"), "who ", " B / C", NULL, 0,
		  "outer white space goes, inner stays" },
		{ BYTES("\xe3\x80\x80who\tB\xc2\xa0\n"), "who", "B", NULL, 0,
		  "white space is Unicode's" },
		{ BYTES("\xef\xbb\xbfwho\tB\n"), "who", "B", NULL, 0,
		  "a byte order mark at the start" },
		{ BYTES("who\tB||C\n"), "who", "B//C", NULL, 0,
		  "an empty answer between bars, as split('|') has it" },
		{ BYTES("who\t|\n"), "who", "/", NULL, 0, "two empty answers" },
		{ BYTES("who\tB\xe2\x80\xa8" "C|D\xc2\x85" "E\n"), "who",
		  "B\xe2\x80\xa8" "C/D\xc2\x85" "E", NULL, 0,
		  "U+2028 and U+0085 end no line" },
		{ BYTES("who\t$, 1\n"), "who", "$, 1", NULL, 0, "signs" },
		{ BYTES("\n"), NULL, NULL, NULL, 0, "an empty line" },
		{ BYTES(" \t \xc2\xa0\r\n"), NULL, NULL, NULL, 0, "blank" },
		{ BYTES("\xef\xbb\xbf\n"), NULL, NULL, NULL, 0,
		  "blank but for the mark" },
		{ BYTES("who B\n"), NULL, NULL,
		  "no tab between question and answers", 5, "no tab" },
		{ BYTES("who\t\n"), NULL, NULL, "no answers after the tab", 3,
		  "stripping takes the tab" },
		{ BYTES("who \t \t\r\n"), NULL, NULL, "no answers after the tab",
		  3, "…and more of them" },
		{ BYTES("\tB\n"), NULL, NULL,
		  "no tab between question and answers", 2, "no question" },
		{ BYTES("who\tB\tC\n"), NULL, NULL, "more than one tab", 5,
		  "two tabs" },
		{ BYTES("who\tB\xff\n"), NULL, NULL, "not UTF-8", 5,
		  "invalid UTF-8" },
		{ BYTES("who\t\xed\xa0\x80\n"), NULL, NULL, "not UTF-8", 4,
		  "a surrogate in UTF-8" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_line("x.txt", &rows[i]);
}

static void
json_lines(void **state)
{
	static const struct line_row rows[] = {
		{ BYTES("{\"question\":\"who\",\"answers\":[\"B\",\"C\"]}\n"),
		  "who", "B/C", NULL, 0, "plain" },
		{ BYTES("{\"id\":7,\"answers\":[1994,1e3,-0.50],"
		        "\"question\":\"who\"}"),
		  "who", "1994/1e3/-0.50", NULL, 0, "numbers keep their text" },
		{ BYTES("\xef\xbb\xbf {\"question\":\"a\\tb\",\"answers\":[\"\"]}"
		        "\r\n"), "a\tb", "", NULL, 0, "mark, escapes, CRLF" },
		{ BYTES("{\"question\":\" who \",\"answers\":[\" B|C \"]}"),
		  " who ", " B|C ", NULL, 0, "texts stay as they are" },
		{ BYTES("\r\n"), NULL, NULL, NULL, 0, "blank" },
		{ BYTES("[1]"), NULL, NULL, "not a JSON object", 0, "a list" },
		{ BYTES("{\"answers\":[\"B\"]}"), NULL, NULL,
		  "no member \"question\" that is a string", 0, "no question" },
		{ BYTES("{\"question\":5,\"answers\":[\"B\"]}"), NULL, NULL,
		  "no member \"question\" that is a string", 0, "a number" },
		{ BYTES("{\"question\":\" \",\"answers\":[\"B\"]}"), NULL, NULL,
		  "\"question\" is empty", 0, "blank question" },
		{ BYTES("{\"question\":\"a\\u0000\",\"answers\":[\"B\"]}"), NULL,
		  NULL, "\"question\" holds a NUL character", 0, "NUL" },
		{ BYTES("{\"question\":\"who\"}"), NULL, NULL,
		  "no member \"answers\" that is a list", 0, "no answers" },
		{ BYTES("{\"question\":\"who\",\"answers\":\"B\"}"), NULL, NULL,
		  "no member \"answers\" that is a list", 0, "a string" },
		{ BYTES("{\"question\":\"who\",\"answers\":[]}"), NULL, NULL,
		  "\"answers\" is an empty list", 0, "empty" },
		{ BYTES("{\"question\":\"who\",\"answers\":[\"B\",null]}"), NULL,
		  NULL, "\"answers\" holds something that is neither a string "
		  "nor a number", 0, "null" },
		{ BYTES("{\"question\":\"who\",\"answers\":[true]}"), NULL, NULL,
		  "\"answers\" holds something that is neither a string nor a "
		  "number", 0, "boolean" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		check_line("x.jsonl", &rows[i]);
}

static void
form_is_told(void **state)
{
	static const struct {
		const char          *name, *content;
		enum nm_dataset_form form;
		const char          *why;
	} rows[] = {
		{ "a.txt", "q\ta\n", NM_DATASET_TEXT, "text" },
		{ "a.txt", "\n \t{\"question\"", NM_DATASET_JSONL, "first byte" },
		{ "a.txt", "\xef\xbb\xbf{", NM_DATASET_JSONL, "behind a mark" },
		{ "a.jsonl", "q\ta\n", NM_DATASET_JSONL, "ending" },
		{ "a.json-lines", "q\ta\n", NM_DATASET_JSONL, "other ending" },
		{ "jsonl", "q\ta\n", NM_DATASET_TEXT, "no ending at all" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_dataset *ds = open_bytes(rows[i].name, rows[i].content,
		                                   strlen(rows[i].content));

		if (nm_dataset_form(ds) != rows[i].form)
			fail_msg("%s", rows[i].why);
		nm_dataset_close(ds);
	}
}

static void
files_that_are_none(void **state)
{
	static const struct {
		const char *content;
		size_t      len;
		const char *text, *why;
	} rows[] = {
		{ BYTES(""), "is empty", "no byte" },
		{ BYTES("q\ta\n\0"), "is not text", "a NUL" },
		{ BYTES("\xff\xfe" "q\0\t\0a\0"), "is not text", "UTF-16" },
	};
	struct nm_dataset *ds = (struct nm_dataset *)&rows;
	struct nm_dataset *before = ds;
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *path = path_of("x");

		assert_int_equal(nm_file_write(path, 0600, (struct nm_text){
			rows[i].content, rows[i].len }, NULL), NM_OK);
		if (nm_dataset_open(&ds, path, &err) != NM_INPUT
		    || !strstr(err.text, rows[i].text) || ds != before)
			fail_msg("%s: %s", rows[i].why, err.text);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(nm_dataset_open(&ds, path_of("absent"), &err),
	                 NM_INPUT);
	assert_int_equal(nm_dataset_open(&ds, folder, &err), NM_INPUT);
	assert_int_equal(nm_dataset_open(&ds, "/dev/null", &err), NM_INPUT);
	assert_non_null(strstr(err.text, "no regular file"));
	assert_ptr_equal(ds, before);
	nm_dataset_close(NULL);
}

/* A 10 MB line between two good ones; later blocks with a NUL. */
static void
long_lines_pass_by(void **state)
{
	struct nm_buf bytes = { 0 };
	struct nm_dataset *ds;
	struct nm_question q;
	struct nm_err err;

	(void)state;
	nm_buf_add_string(&bytes, "first\ta\n");
	memset(nm_buf_room(&bytes, 10000000), 'x', 10000000);
	nm_buf_took(&bytes, 10000000);
	nm_buf_add(&bytes, "\ta\nq\tb\0c\nlast\tz\n", 16);
	ds = open_bytes("long.txt", bytes.at, bytes.len);
	assert_int_equal(nm_dataset_next(ds, &q, &err), NM_OK);
	assert_string_equal(q.text, "first");
	assert_int_equal(nm_dataset_next(ds, &q, &err), NM_INPUT);
	assert_non_null(strstr(err.text, ":2: a line longer than 1 MiB"));
	assert_int_equal(nm_dataset_spot(ds)->text.len,
	                 NM_DATASET_LINE_MAX_BYTES);
	assert_int_equal(nm_dataset_next(ds, &q, &err), NM_INPUT);
	assert_non_null(strstr(err.text, ":3: a NUL byte"));
	assert_int_equal(nm_dataset_spot(ds)->byte, 3);
	assert_int_equal(nm_dataset_next(ds, &q, &err), NM_OK);
	assert_string_equal(q.text, "last");
	assert_int_equal(q.id, 3);
	assert_int_equal(nm_dataset_next(ds, &q, &err), NM_OK);
	assert_null(q.text);
	nm_dataset_close(ds);
	nm_buf_release(&bytes);
}

static void
ids_counts_digest_and_rewind(void **state)
{
	static const char content[] = "\na\t1\n  \nb 2\nc\t3|4\n\n";
	char hex[NM_DIGEST_HEX_MAX], wanted[NM_DIGEST_HEX_MAX];
	struct nm_dataset *ds = open_bytes("x.txt", BYTES(content));
	const struct nm_dataset_counts *counts = nm_dataset_counts(ds);

	(void)state;
	nm_digest_hex(NM_SHA256, BYTES(content), wanted);
	for (int walk = 0; walk < 4; walk++) {
		bool whole = walk % 2 == 0;
		enum nm_code (*next)(struct nm_dataset *, struct nm_question *,
		                     struct nm_err *) =
			whole ? nm_dataset_next : nm_dataset_next_text;
		struct nm_question q;

		assert_int_equal(next(ds, &q, NULL), NM_OK);
		assert_int_equal(q.id, 1);
		nm_dataset_file_digest(ds, hex);
		assert_string_equal(hex, walk ? wanted : "");
		assert_int_equal(next(ds, &q, NULL), NM_INPUT);
		assert_int_equal(next(ds, &q, NULL), NM_OK);
		assert_int_equal(q.id, 4);
		assert_string_equal(q.text, "c");
		assert_int_equal(q.text_len, 1);
		assert_int_equal(q.n_gold, whole ? 2 : 0);
		for (int twice = 0; twice < 2; twice++) {
			assert_int_equal(next(ds, &q, NULL), NM_OK);
			assert_null(q.text);
		}
		assert_int_equal(counts->lines, 6);
		assert_int_equal(counts->questions, 2);
		assert_int_equal(counts->bad, 1);
		assert_int_equal(counts->blank, 3);
		nm_dataset_file_digest(ds, hex);
		assert_string_equal(hex, wanted);
		assert_int_equal(nm_dataset_rewind(ds, NULL), NM_OK);
	}
	assert_int_equal(nm_dataset_check(ds, NULL), NM_OK);
	nm_dataset_close(ds);
}

static void
a_file_written_to_is_noticed(void **state)
{
	const char *path = path_of("x.txt");
	struct nm_dataset *ds;
	struct nm_err err;
	FILE *file;

	(void)state;
	assert_int_equal(nm_file_write(path, 0600, NM_TEXT("a\tb\n"), NULL),
	                 NM_OK);
	assert_int_equal(nm_dataset_open(&ds, path, NULL), NM_OK);
	assert_int_equal(nm_dataset_check(ds, NULL), NM_OK);
	file = fopen(path, "a");
	assert_non_null(file);
	(void)fputs("c\td\n", file);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(nm_dataset_check(ds, &err), NM_INPUT);
	assert_non_null(strstr(err.text, "changed"));
	nm_dataset_close(ds);
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_lines),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(form_is_told),
		cmocka_unit_test(files_that_are_none),
		cmocka_unit_test(long_lines_pass_by),
		cmocka_unit_test(ids_counts_digest_and_rewind),
		cmocka_unit_test(a_file_written_to_is_noticed),
	};

	return cmocka_run_group_tests_name("dataset", tests, make_folder,
	                                   drop_folder);
}
