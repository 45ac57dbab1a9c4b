#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "recorded.h"
#include "remote/files.h"
#include "scene.h"

#define OK "HTTP/1.1 200 OK\r\n"

struct text_source {
	const char *at;
	size_t      len, read;
};

static ssize_t
read_text(void *user, char *out, size_t room, struct nm_err *err)
{
	struct text_source *text = user;
	size_t part = text->len - text->read;

	(void)err;
	if (part > room)
		part = room;
	memcpy(out, text->at + text->read, part);
	text->read += part;
	return (ssize_t)part;
}

static enum nm_code
rewind_text(void *user, struct nm_err *err)
{
	(void)err;
	((struct text_source *)user)->read = 0;
	return NM_OK;
}

static const struct {
	struct canned_step step;
	const char        *file;
	enum nm_code       code;
	const char        *why;
} uploads[] = {
	{ {0}, "file_2026_processed.json", NM_OK, "as recorded" },
	{ {0}, "file_2024_uploaded.json", NM_OK, "an older answer" },
	{ { .reply = OK "Content-Length: 2\r\n\r\n{}" }, NULL, NM_AMBIGUOUS,
	  "taken in, under no name" },
	{ { .reply = OK "Content-Length: 1\r\n\r\n<" }, NULL, NM_AMBIGUOUS,
	  "an answer that cannot be read" },
	{ { .end = CANNED_CLOSE }, NULL, NM_AMBIGUOUS, "cut" },
	{ { .reply = "HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n" }, NULL,
	  NM_AMBIGUOUS, "a proxy's fault" },
	{ { .reply = "HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n" }, NULL,
	  NM_REFUSED, "too large" },
	{ { .reply = "HTTP/1.1 429 No\r\nContent-Length: 0\r\n\r\n" }, NULL,
	  NM_UNREACHABLE, "later" },
};

static void
uploads_are_sent_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(uploads) / sizeof(uploads[0]); i++) {
		struct text_source text = { "{}\n", 3, 0 };
		struct nm_http_source source = {
			read_text, rewind_text, &text, 3
		};
		struct nm_upload upload = {
			.filename = "nm-1.jsonl", .source = &source,
			.expires_after_s = 86400
		};
		struct canned_step steps[2];
		struct nm_buf reply = {0}, body = {0};
		struct nm_remote_file file = {0};
		struct nm_err err = {0};
		struct scene scene;

		steps[0] = uploads[i].step;
		if (uploads[i].file) {
			recorded(&body, uploads[i].file);
			nm_buf_addf(&reply, OK "Content-Length: %zu\r\n\r\n%s",
			            body.len, nm_buf_string(&body));
			steps[0].reply = nm_buf_string(&reply);
		}
		steps[1] = steps[0];
		scene_begin(&scene, steps, 2);
		if (nm_files_upload_once(&scene.api, &upload, &scene.arena,
		                         &file, &err) != uploads[i].code)
			fail_msg("%s: %s", uploads[i].why, err.text);
		scene_stop(&scene);
		assert_int_equal(scene.canned.n_seen, 1);
		scene_expect(&scene, 0, "POST /v1/files HTTP/1.1\r\n");
		scene_expect(&scene, 0, "name=\"purpose\"\r\n\r\nbatch\r\n");
		scene_expect(&scene, 0, "name=\"expires_after[anchor]\"\r\n\r\n"
		             "created_at\r\n");
		scene_expect(&scene, 0, "name=\"expires_after[seconds]\"\r\n\r\n"
		             "86400\r\n");
		scene_expect(&scene, 0, "filename=\"nm-1.jsonl\"");
		if (uploads[i].code == NM_OK)
			assert_true(strncmp(file.id, "file-", 5) == 0 &&
			            file.bytes > 0 && file.created_s > 0);
		scene_release(&scene);
		nm_buf_release(&reply);
		nm_buf_release(&body);
	}
}

/* On a kept connection that is closed libcurl would send again by itself. */
static void
uploads_are_sent_once_after_other_calls_too(void **state)
{
	static const struct canned_step steps[] = {
		{ .reply = OK "Content-Length: 2\r\n\r\n{}" },
		{ .end = CANNED_CLOSE }, { .end = CANNED_CLOSE },
	};
	struct text_source text = { "{}\n", 3, 0 };
	struct nm_http_source source = { read_text, rewind_text, &text, 3 };
	struct nm_upload upload = {
		.filename = "nm-1.jsonl", .source = &source
	};
	struct nm_files_query query = {0};
	struct nm_files_page page;
	struct nm_remote_file file;
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, steps, 3);
	assert_int_equal(nm_files_list(&scene.api, &query, &scene.arena, &page,
	                               &err), NM_OK);
	assert_int_equal(nm_files_upload_once(&scene.api, &upload, &scene.arena,
	                                      &file, &err), NM_AMBIGUOUS);
	scene_stop(&scene);
	assert_int_equal(scene.canned.n_seen, 2);
	scene_release(&scene);
}

static void
files_are_listed_looked_up_and_deleted(void **state)
{
	struct canned_step steps[3] = {0};
	static const char *const names[] = {
		"list_files.json", "file_batch_output.json", "file_deleted.json"
	};
	struct nm_files_query query = {
		.purpose = "batch", .limit = 20, .order = "desc", .after = "f/1"
	};
	struct nm_buf replies[3] = {0};
	struct nm_files_page page;
	struct nm_remote_file file;
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct nm_buf body = {0};

		recorded(&body, names[i]);
		nm_buf_addf(&replies[i], OK "Content-Length: %zu\r\n\r\n%s",
		            body.len, nm_buf_string(&body));
		steps[i].reply = nm_buf_string(&replies[i]);
		nm_buf_release(&body);
	}
	scene_begin(&scene, steps, 3);
	assert_int_equal(nm_files_list(&scene.api, &query, &scene.arena, &page,
	                               &err), NM_OK);
	assert_int_equal(page.count, 1);
	assert_false(page.more);
	assert_string_equal(page.files[0].filename,
	                    "batch_6b00000000000004_output.jsonl");
	assert_string_equal(page.after, "file-6bOutput04");
	assert_int_equal(nm_files_get(&scene.api, "file-1", &scene.arena, &file,
	                              &err), NM_OK);
	assert_string_equal(file.purpose, "batch_output");
	assert_int_equal(nm_files_delete(&scene.api, "file-1", &err), NM_OK);
	scene_stop(&scene);
	scene_expect(&scene, 0, "GET /v1/files?purpose=batch&limit=20&order=desc"
	             "&after=f%2F1 HTTP/1.1");
	scene_expect(&scene, 2, "DELETE /v1/files/file-1 HTTP/1.1");
	scene_release(&scene);
	for (size_t i = 0; i < 3; i++)
		nm_buf_release(&replies[i]);
}

/* Services that do not know `after` give the first page for ever. */
static void
a_page_over_again_is_none(void **state)
{
	struct canned_step step = { .reply = OK "Content-Length: 38\r\n\r\n"
		"{\"has_more\":true,\"data\":[{\"id\":\"f9\"}]}" };
	struct nm_files_query query = { .after = "f8" };
	struct canned_step steps[2] = { step, step };
	struct nm_files_page page;
	struct nm_err err = {0};
	struct scene scene;

	(void)state;
	scene_begin(&scene, steps, 2);
	assert_int_equal(nm_files_list(&scene.api, &query, &scene.arena, &page,
	                               &err), NM_OK);
	assert_int_equal(page.count, 1);
	query.after = page.after;
	assert_int_equal(nm_files_list(&scene.api, &query, &scene.arena, &page,
	                               &err), NM_OK);
	assert_int_equal(page.count, 0);
	assert_true(page.more);
	scene_stop(&scene);
	scene_release(&scene);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uploads_are_sent_once),
		cmocka_unit_test(uploads_are_sent_once_after_other_calls_too),
		cmocka_unit_test(files_are_listed_looked_up_and_deleted),
		cmocka_unit_test(a_page_over_again_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
