/* download: whole or not at all, and continued after a cut only where the rest fits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "remote/files.h"
#include "scene.h"

#define OK "HTTP/1.1 200 OK\r\n"
#define PARTIAL "HTTP/1.1 206 Partial\r\n"
#define WHOLE OK "Content-Length: 10\r\nETag: \"e1\"\r\n\r\n0123456789"
#define CUT OK "Content-Length: 10\r\nETag: \"e1\"\r\n\r\n0123"
#define CHUNKED OK "Transfer-Encoding: chunked\r\nETag: \"e1\"\r\n\r\n"
#define REST PARTIAL "Content-Range: bytes 4-9/10\r\nContent-Length: 6\r\n" \
	"\r\n456789"
#define SHA256_OF_DIGITS \
	"84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"

static char folder[] = "/tmp/nightmail_download_XXXXXX";

static const struct {
	const char        *left;     /* a part of an earlier process; NULL = none */
	struct canned_step steps[8];
	size_t             n_steps;
	int64_t            expected;
	enum nm_code       code;
	const char        *asked[4]; /* words in the requests; "" = no Range */
	const char        *why;
} rows[] = {
	{ NULL, { { .reply = WHOLE } }, 1, 10, NM_OK, { "" }, "in one piece" },
	{ NULL, { { .reply = WHOLE } }, 1, 0, NM_OK, { "" },
	  "without a length to expect" },
	{ NULL, { { .reply = WHOLE, .piece_bytes = 3 } }, 1, 10, NM_OK, { "" },
	  "in a trickle" },
	{ NULL, { { .reply = CUT, .end = CANNED_CLOSE }, { .reply = REST } }, 2,
	  10, NM_OK, { "", "Range: bytes=4-\r\nIf-Range: \"e1\"\r\n" },
	  "cut, and continued" },
	{ NULL, { { .reply = CUT, .end = CANNED_RESET },
	          { .reply = PARTIAL "Content-Range: bytes 4-9/10\r\n"
	            "Content-Length: 6\r\n\r\n45", .end = CANNED_CLOSE },
	          { .reply = PARTIAL "Content-Range: bytes 6-9/10\r\n"
	            "Content-Length: 4\r\n\r\n6789" } }, 3, 10, NM_OK,
	  { "", "bytes=4-", "bytes=6-" }, "cut twice" },
	{ NULL, { { .reply = CUT, .end = CANNED_CLOSE }, { .reply = WHOLE } }, 2,
	  10, NM_OK, { "", "bytes=4-" }, "Range is not known there" },
	{ NULL, { { .reply = CUT, .end = CANNED_CLOSE },
	          { .reply = "HTTP/1.1 502 No\r\nConnection: close\r\n"
	            "Content-Length: 0\r\n\r\n", .end = CANNED_CLOSE },
	          { .end = CANNED_CLOSE }, { .reply = REST } }, 4, 10, NM_OK,
	  { "", "bytes=4-", "bytes=4-", "bytes=4-" }, "failures in between" },
	{ NULL, { { .reply = CUT, .end = CANNED_CLOSE },
	          { .reply = PARTIAL "Content-Range: bytes 3-9/10\r\n"
	            "Content-Length: 7\r\n\r\n3456789" },
	          { .reply = WHOLE } }, 3, 10, NM_OK, { "", "bytes=4-", "" },
	  "another range than asked for" },
	{ NULL, { { .reply = CUT, .end = CANNED_CLOSE },
	          { .reply = PARTIAL "Content-Range: bytes 0-5/10\r\n"
	            "Content-Length: 6\r\n\r\n012345" },
	          { .reply = WHOLE } }, 3, 10, NM_OK, { "", "bytes=4-", "" },
	  "another range, of the right length" },
	{ NULL, { { .reply = CUT, .end = CANNED_CLOSE },
	          { .reply = PARTIAL "Content-Length: 6\r\n\r\n456789" },
	          { .reply = WHOLE } }, 3, 10, NM_OK, { "", "bytes=4-", "" },
	  "a range that does not say which" },
	{ NULL, { { .reply = CUT, .end = CANNED_CLOSE },
	          { .reply = PARTIAL "Content-Range: bytes 4-10/11\r\n"
	            "Content-Length: 7\r\n\r\n456789x" },
	          { .reply = WHOLE } }, 3, 10, NM_OK, { "", "bytes=4-", "" },
	  "the length changed" },
	{ "0123", { { .reply = WHOLE } }, 1, 10, NM_OK, { "" },
	  "a few bytes of another process: not worth a look" },
	{ NULL, { { .reply = CHUNKED "a\r\n0123456789\r\n", .end = CANNED_CLOSE },
	          { .reply = "HTTP/1.1 416 No\r\nContent-Range: bytes "
	    "*/10\r\nContent-Length: 0\r\n\r\n" } }, 2, 0, NM_OK,
	  { "", "bytes=10-\r\nIf-Range: \"e1\"" }, "cut at its end: all is there" },
	{ NULL, { { .reply = CHUNKED "b\r\n0123456789x\r\n",
	            .end = CANNED_CLOSE },
	          { .reply = "HTTP/1.1 416 No\r\nContent-Range: bytes "
	    "*/10\r\nContent-Length: 0\r\n\r\n" }, { .reply = WHOLE } }, 3, 0,
	  NM_OK, { "", "bytes=11-", "" }, "more was there than is" },
	{ NULL, { { .reply = OK "\r\n0123456789", .end = CANNED_CLOSE } }, 1, 10,
	  NM_OK, { "" }, "no length announced" },
	{ NULL, { { .reply = OK "\r\n0123", .end = CANNED_CLOSE },
	          { .reply = WHOLE } }, 2, 10, NM_OK, { "", "" },
	  "no length announced, and cut: begun anew" },
	{ NULL, { { .reply = OK "\r\n0123", .end = CANNED_CLOSE },
	          { .reply = OK "\r\n0123", .end = CANNED_CLOSE },
	          { .reply = OK "\r\n0123", .end = CANNED_CLOSE } }, 3, 10,
	  NM_PROTOCOL, { "", "", "" }, "never as long as it should be" },
	{ NULL, { { .reply = OK "Content-Length: 11\r\n\r\n0123456789x" },
	          { .reply = OK "Content-Length: 11\r\n\r\n0123456789x" },
	          { .reply = OK "Content-Length: 11\r\n\r\n0123456789x" } }, 3,
	  10, NM_PROTOCOL, { "", "", "" }, "longer than it should be" },
	{ NULL, { { .reply = OK "Content-Length: 20\r\n\r\n<html>",
	            .end = CANNED_CLOSE },
	          { .reply = WHOLE } }, 2, 10, NM_OK, { "", "" },
	  "another's page, cut: nothing of it is kept" },
	{ "0123", { { .reply = OK "Content-Length: 20\r\n\r\n<html>",
	              .end = CANNED_CLOSE },
	            { .reply = WHOLE } }, 2, 10, NM_OK, { "", "" },
	  "another's page instead of the whole" },
	{ NULL, { { .reply = "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n" } },
	  1, 10, NM_ABSENT, { "" }, "gone" },
	{ "0123", { { .reply = "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n" } },
	  1, 10, NM_REFUSED, { "" }, "a wrong key" },
	{ NULL, { { .end = CANNED_CLOSE }, { .end = CANNED_CLOSE },
	          { .end = CANNED_CLOSE } }, 3, 10, NM_UNREACHABLE, { "" },
	  "nothing comes of it" },
	{ NULL, { { .reply = OK "Content-Encoding: gzip\r\nContent-Length: 2\r\n"
	    "\r\nxx" } }, 1, 10, NM_PROTOCOL, { "" },
	  "compressed though not asked for" },
	{ NULL, { { .reply = OK "Content-Length: 10\r\n\r\n0",
	            .end = CANNED_CLOSE },
	          { .reply = OK "Content-Length: 10\r\n\r\n01",
	            .end = CANNED_CLOSE },
	          { .reply = OK "Content-Length: 10\r\n\r\n012",
	            .end = CANNED_CLOSE },
	          { .reply = OK "Content-Length: 10\r\n\r\n0123",
	            .end = CANNED_CLOSE },
	          { .reply = WHOLE } }, 5, 10, NM_OK, { "" },
	  "as long as it gets further, no try is lost" },
};

static void
put_part(const char *path, const char *bytes)
{
	struct nm_buf part = {0};
	struct nm_err err;

	nm_buf_addf(&part, "%s.file-1.part", path);
	unlink(nm_buf_string(&part));
	if (bytes)
		assert_int_equal(nm_file_write(nm_buf_string(&part), 0600,
		                               nm_text_of(bytes), &err), NM_OK);
	nm_buf_release(&part);
}

static void
expect_file(const char *path, bool there, const char *why)
{
	struct nm_buf content = {0};
	struct nm_err err;

	if (!there) {
		if (access(path, F_OK) == 0)
			fail_msg("%s: a file that is not whole", why);
		return;
	}
	assert_int_equal(nm_file_read(path, &content, &err), NM_OK);
	if (strcmp(nm_buf_string(&content), "0123456789") != 0)
		fail_msg("%s: %s", why, nm_buf_string(&content));
	nm_buf_release(&content);
}

static void
expect_asked(const struct scene *scene, size_t row)
{
	for (size_t i = 0; i < 4 && i < rows[row].n_steps; i++) {
		const char *words = rows[row].asked[i];
		const char *seen = nm_buf_string(&scene->canned.seen[i]);

		if (!words || i >= scene->canned.n_seen)
			return;
		if (*words ? !strstr(seen, words)
		           : strstr(seen, "\r\nRange:") != NULL)
			fail_msg("%s: request %zu is\n%s", rows[row].why, i,
			         seen);
	}
}

static void
downloads_are_whole_or_not_at_all(void **state)
{
	struct nm_buf path = {0};

	(void)state;
	nm_buf_addf(&path, "%s/out.jsonl", folder);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_download wish = {
			.id = "file-1", .path = nm_buf_string(&path),
			.expected_bytes = rows[i].expected, .tries_max = 3
		};
		struct nm_downloaded got = {0};
		struct nm_err err = {0};
		struct scene scene;
		enum nm_code rc;

		unlink(wish.path);
		put_part(wish.path, rows[i].left);
		scene_begin(&scene, rows[i].steps, rows[i].n_steps);
		rc = nm_files_download(&scene.api, &wish, &got, &err);
		scene_stop(&scene);
		if (rc != rows[i].code ||
		    scene.canned.n_seen != rows[i].n_steps)
			fail_msg("%s: code %d after %zu requests (%s)",
			         rows[i].why, (int)rc, scene.canned.n_seen,
			         err.text);
		expect_file(wish.path, rc == NM_OK, rows[i].why);
		expect_asked(&scene, i);
		if (rc == NM_OK) {
			assert_int_equal(got.bytes, 10);
			assert_string_equal(got.sha256, SHA256_OF_DIGITS);
			assert_int_equal(got.tries, rows[i].n_steps);
		}
		scene_release(&scene);
		put_part(wish.path, NULL);
	}
	unlink(nm_buf_string(&path));
	nm_buf_release(&path);
}

enum { LONG = 10000, AGAIN = 4096 };

/* No byte of it is where another is: each line says where it begins. */
static void
fill_long(char *out, size_t len)
{
	for (size_t at = 0; at < len; at += 10)
		snprintf(out + at, 11, "line %04zu\n", at / 10);
}

/* A reply to a request that asks from `first` on: bytes [from, to) of the file. */
struct rest {
	int         status;
	size_t      from, to;
	long        total; /* -1 = "*" */
	bool        announced; /* by a Content-Length, else cut or ended by a close */
	bool        cut;
	const char *asked; /* words of the request; "" = no Range */
};

static const struct {
	size_t      left;
	const char *left_end; /* these bytes at its end instead; "" = as it is */
	struct rest steps[4];
	size_t      n_steps;
	int64_t     expected;
	const char *why;
} longs[] = {
	{ 6000, "", { { 206, 1904, LONG, LONG, true, false, "bytes=1904-\r\n" } },
	  1, LONG, "what another process left fits: continued" },
	{ 6000, "<html>", { { 206, 1904, LONG, LONG, true, false, "bytes=1904-" },
	                    { 200, 0, LONG, 0, true, false, "" } },
	  2, LONG, "it does not fit: begun anew" },
	{ 6000, "<html>", { { 206, 1904, LONG, LONG, true, false, "bytes=1904-" },
	                    { 200, 0, LONG, 0, true, false, "" } },
	  2, 0, "it does not fit, and no length is known" },
	{ LONG, "", { { 206, LONG - AGAIN, LONG, LONG, true, false,
	                "bytes=5904-" } }, 1, 0, "all of it is there" },
	{ LONG, "x", { { 206, LONG - AGAIN, LONG, LONG, true, false,
	                 "bytes=5904-" },
	               { 200, 0, LONG, 0, true, false, "" } },
	  2, LONG, "all of it but the last byte" },
	{ AGAIN, "", { { 200, 0, LONG, 0, true, false, "" } }, 1, LONG,
	  "as much as would be asked for again" },
	{ AGAIN + 1, "", { { 206, 1, LONG, LONG, true, false, "bytes=1-" } }, 1,
	  LONG, "one byte more" },
	{ 6000, "", { { 200, 0, LONG, 0, true, false, "bytes=1904-" } }, 1, LONG,
	  "Range is not known there" },
	{ 6000, "", { { 206, 1904, LONG, -1, false, false, "bytes=1904-" } }, 1,
	  0, "of no length that is told" },
	{ 0, "", { { 200, 0, 6000, 0, false, true, "" },
	           { 206, 1904, LONG, LONG, true, false, "bytes=1904-" } },
	  2, 0, "no length, no tag, and cut: continued" },
	{ 6000, "", { { 206, 1904, 3000, LONG, true, true, "bytes=1904-" },
	              { 206, 3952, 6100, LONG, true, true, "bytes=3952-" },
	              { 206, 4052, LONG, LONG, true, false, "bytes=4052-" } },
	  3, LONG, "cut within what comes again: less is asked for again" },
};

static const struct {
	size_t      left;
	struct rest first;
	const char *why;
} shorter[] = {
	{ LONG + 500, { 206, 6404, LONG, LONG, true, false, "bytes=6404-" },
	  "the whole is shorter than what is here" },
	{ LONG + 500, { 206, 6404, LONG, -1, false, false, "bytes=6404-" },
	  "and its length is not told" },
	{ LONG + AGAIN, { 416, 0, 0, LONG, true, false, "bytes=10000-" },
	  "by so much that nothing of it comes again" },
	{ LONG + 9000, { 416, 0, 0, LONG, true, false, "bytes=14904-" },
	  "by more" },
	{ 6000, { 206, 1904, LONG, 5000, true, false, "bytes=1904-" },
	  "it says so itself" },
};

static void
write_reply(const struct rest *rest, const char *whole, struct nm_buf *out)
{
	size_t announced = rest->cut ? LONG - rest->from : rest->to - rest->from;

	nm_buf_addf(out, "HTTP/1.1 %d X\r\n", rest->status);
	if (rest->status == 206 && rest->total >= 0)
		nm_buf_addf(out, "Content-Range: bytes %zu-%d/%ld\r\n",
		            rest->from, LONG - 1, rest->total);
	else if (rest->status == 206)
		nm_buf_addf(out, "Content-Range: bytes %zu-%d/*\r\n",
		            rest->from, LONG - 1);
	else if (rest->status == 416)
		nm_buf_addf(out, "Content-Range: bytes */%ld\r\n", rest->total);
	if (rest->announced)
		nm_buf_addf(out, "Content-Length: %zu\r\n", announced);
	else if (rest->cut)
		nm_buf_addf(out, "Transfer-Encoding: chunked\r\n\r\n%zx",
		            announced);
	nm_buf_add_string(out, "\r\n");
	nm_buf_add(out, whole + rest->from, rest->to - rest->from);
}

/* Downloads over what is left; it has to be the whole in the end. */
static void
download_long(size_t left, const char *left_end, const struct rest *rests,
              size_t n_rests, int64_t expected, const char *why)
{
	static char whole[LONG * 2 + 11], part[LONG * 2 + 11];
	struct nm_buf replies[4] = { { 0 } };
	struct canned_step steps[4] = { { 0 } };
	struct nm_buf path = {0}, content = {0};
	struct nm_download wish = {
		.id = "file-1", .expected_bytes = expected, .tries_max = 3
	};
	struct nm_downloaded got = {0};
	struct nm_err err = {0};
	struct scene scene;
	enum nm_code rc;

	fill_long(whole, sizeof(whole) - 11);
	memcpy(part, whole, left);
	memcpy(part + left - strlen(left_end), left_end, strlen(left_end));
	part[left] = 0;
	nm_buf_addf(&path, "%s/long.jsonl", folder);
	wish.path = nm_buf_string(&path);
	put_part(wish.path, left ? part : NULL);
	for (size_t i = 0; i < n_rests; i++) {
		write_reply(&rests[i], whole, &replies[i]);
		steps[i] = (struct canned_step){
			.reply = replies[i].at, .len = replies[i].len,
			.end = rests[i].cut || !rests[i].announced
				? CANNED_CLOSE : CANNED_KEEP,
		};
	}
	scene_begin(&scene, steps, n_rests);
	rc = nm_files_download(&scene.api, &wish, &got, &err);
	scene_stop(&scene);
	if (rc || scene.canned.n_seen != n_rests)
		fail_msg("%s: code %d after %zu requests (%s)", why, (int)rc,
		         scene.canned.n_seen, err.text);
	for (size_t i = 0; i < n_rests; i++) {
		const char *seen = nm_buf_string(&scene.canned.seen[i]);

		if (rests[i].asked[0] ? !strstr(seen, rests[i].asked)
		                      : strstr(seen, "\r\nRange:") != NULL)
			fail_msg("%s: request %zu is\n%s", why, i, seen);
		nm_buf_release(&replies[i]);
	}
	assert_int_equal(nm_file_read(wish.path, &content, &err), NM_OK);
	if (content.len != LONG || memcmp(content.at, whole, LONG) != 0)
		fail_msg("%s: other bytes", why);
	assert_int_equal(got.bytes, LONG);
	unlink(wish.path);
	put_part(wish.path, NULL);
	scene_release(&scene);
	nm_buf_release(&content);
	nm_buf_release(&path);
}

static void
what_was_cut_is_continued_where_it_fits(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(longs) / sizeof(longs[0]); i++)
		download_long(longs[i].left, longs[i].left_end, longs[i].steps,
		              longs[i].n_steps, longs[i].expected,
		              longs[i].why);
	for (size_t i = 0; i < sizeof(shorter) / sizeof(shorter[0]); i++) {
		struct rest steps[2] = {
			shorter[i].first, { 200, 0, LONG, 0, true, false, "" }
		};

		download_long(shorter[i].left, "", steps, 2, 0, shorter[i].why);
	}
}

static void
an_empty_file_is_a_file(void **state)
{
	static const struct canned_step step = {
		.reply = OK "Content-Length: 0\r\n\r\n"
	};
	struct nm_buf path = {0};
	struct nm_download wish = { .id = "file-1" };
	struct nm_downloaded got;
	struct nm_err err = {0};
	struct scene scene;
	struct stat stat_of;

	(void)state;
	nm_buf_addf(&path, "%s/empty.jsonl", folder);
	wish.path = nm_buf_string(&path);
	scene_begin(&scene, &step, 1);
	assert_int_equal(nm_files_download(&scene.api, &wish, &got, &err),
	                 NM_OK);
	scene_stop(&scene);
	assert_int_equal(got.bytes, 0);
	assert_int_equal(stat(wish.path, &stat_of), 0);
	assert_int_equal(stat_of.st_size, 0);
	unlink(wish.path);
	scene_release(&scene);
	nm_buf_release(&path);
}

static void
a_folder_that_is_not_there_sends_nothing(void **state)
{
	struct nm_download wish = {
		.id = "file-1", .path = "/nonexistent/out.jsonl"
	};
	struct nm_downloaded got;
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, NULL, 0);
	assert_int_equal(nm_files_download(&scene.api, &wish, &got, &err),
	                 NM_IO);
	assert_int_equal(scene.api.tries, 0);
	scene_stop(&scene);
	scene_release(&scene);
}

struct notes {
	uint64_t bytes, total;
	int      count;
};

static void
note(void *user, uint64_t bytes, uint64_t total)
{
	struct notes *notes = user;

	assert_true(bytes >= notes->bytes);
	notes->bytes = bytes;
	notes->total = total;
	notes->count++;
}

static void
progress_is_told(void **state)
{
	static const struct canned_step step = { .reply = WHOLE };
	struct notes notes = {0};
	struct nm_download wish = {
		.id = "file-1", .progress = note, .progress_user = &notes
	};
	struct nm_buf path = {0};
	struct nm_downloaded got;
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	nm_buf_addf(&path, "%s/told.jsonl", folder);
	wish.path = nm_buf_string(&path);
	scene_begin(&scene, &step, 1);
	assert_int_equal(nm_files_download(&scene.api, &wish, &got, &err),
	                 NM_OK);
	scene_stop(&scene);
	assert_int_equal(notes.bytes, 10);
	assert_int_equal(notes.total, 10);
	assert_true(notes.count > 0);
	unlink(wish.path);
	scene_release(&scene);
	nm_buf_release(&path);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(downloads_are_whole_or_not_at_all),
		cmocka_unit_test(what_was_cut_is_continued_where_it_fits),
		cmocka_unit_test(an_empty_file_is_a_file),
		cmocka_unit_test(a_folder_that_is_not_there_sends_nothing),
		cmocka_unit_test(progress_is_told),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
