/* parcel: a request file's run is found again by file or batch, and never mistaken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "own_scene.h"
#include "task/parcel.h"
#include "task/service.h"
#include "wire/json.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))
#define LINE(id) "{\"custom_id\":\"" id "\",\"method\":\"POST\"," \
	"\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"m\"," \
	"\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}}\n"
#define LINES LINE("a") LINE("b") LINE("c")

/* A folder with a file of three requests, and a service that nobody asks. */
struct scene {
	char                   folder[64];
	char                   path[80];
	struct nm_service      service;
	struct nm_journal     *journal;
	struct nm_run_settings settings;
	struct nm_run_tools    tools;
};

static int
enter(void **state)
{
	struct scene *s = calloc(1, sizeof(*s));

	if (!s)
		abort();
	*state = s;
	if (own_scene_open(s->folder, &s->service, &s->journal))
		return -1;
	snprintf(s->path, sizeof(s->path), "%s/in.jsonl", s->folder);
	own_write(s->path, LINES);
	s->tools = (struct nm_run_tools){
		.journal = s->journal, .api = &s->service.api,
		.clock = &s->service.clock, .settings = &s->settings,
	};
	return 0;
}

static int
leave(void **state)
{
	struct scene *s = *state;
	int rc;

	rc = own_scene_close(s->folder, &s->service, s->journal);
	free(s);
	return rc;
}

static void
open_parcel(struct scene *s, enum nm_run_take take, struct nm_parcel *parcel)
{
	struct nm_parcel_wish wish = { .path = s->path, .take = take };
	struct nm_err err = { 0 };

	if (nm_parcel_open(parcel, &s->tools, &wish, &err))
		fail_msg("%s", err.text);
}

/* As if its first shard had become this batch. */
static void
make_batch(struct nm_parcel *parcel, const char *id)
{
	struct nm_shard_record *shard = &parcel->run.shards[0];
	struct nm_err err;

	shard->state = NM_SHARD_CREATED;
	shard->batch_id = id;
	assert_int_equal(nm_run_save(&parcel->run, shard, &err), NM_OK);
}

static void
expect_member(const struct nm_parcel *parcel, const char *name,
              const char *value)
{
	struct nm_json json = { 0 };
	const struct nm_value *root;
	const char *spec = parcel->run.record.spec;
	struct nm_err err;

	assert_int_equal(nm_json_read(&json, spec, strlen(spec), &root, &err),
	                 NM_OK);
	assert_string_equal(nm_json_string(nm_json_path(root, name)), value);
	nm_json_release(&json);
}

static void
opening(void **state)
{
	struct scene *s = *state;
	struct nm_parcel parcel;

	s->settings.shard_requests = 2;
	open_parcel(s, NM_RUN_TAKE_UP, &parcel);
	assert_int_equal(parcel.run.origin, NM_RUN_NEW);
	assert_string_equal(parcel.run.record.mode, "file");
	assert_string_equal(parcel.run.record.name, "in.jsonl");
	assert_string_equal(parcel.run.record.model, "m");
	assert_string_equal(parcel.run.record.endpoint,
	                    "/v1/chat/completions");
	assert_int_equal(parcel.run.record.requests, 3);
	assert_int_equal(parcel.run.n_shards, 2);
	assert_int_equal(parcel.run.shards[1].first, 2);
	assert_int_equal(parcel.run.n_metadata, 1);
	assert_string_equal(parcel.run.metadata[0].value, "in.jsonl");
	expect_member(&parcel, "path", s->path);
	expect_member(&parcel, "digest",
	              nm_request_file_source(parcel.file)->digest);
	expect_member(&parcel, "metadata.description", "in.jsonl");
	nm_parcel_release(&parcel);
	nm_parcel_release(&parcel); /* an empty one, too */
}

/* The run of an id that was kept is there, as this. */
static void
expect_state(struct scene *s, const char *id, enum nm_run_state state)
{
	struct nm_arena arena = { 0 };
	struct nm_run_record record;
	struct nm_err err;

	assert_int_equal(nm_runs_get(s->journal, id, &arena, &record, &err),
	                 NM_OK);
	assert_int_equal(record.state, state);
	nm_arena_release(&arena);
}

static void
opening_again(void **state)
{
	static const struct {
		const char      *lines; /* NULL = the same */
		int64_t          shard_requests;
		enum nm_run_take take;
		int              resumed, left; /* what was first; 1 = it is */
		const char      *why;
	} rows[] = {
		{ NULL, 2, NM_RUN_TAKE_UP, 1, 0, "the same is taken up" },
		{ NULL, 2, NM_RUN_AFRESH, 0, 1, "unless afresh" },
		{ NULL, 1, NM_RUN_TAKE_UP, 1, 0, "in other shards: the same" },
		{ LINES LINE("d"), 2, NM_RUN_TAKE_UP, 0, 0,
		  "one request more: another" },
		{ LINES "\n", 2, NM_RUN_TAKE_UP, 0, 0,
		  "another file is another run, whatever it asks" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_parcel parcel;
		void *entered = NULL;
		struct scene *s;
		char first[NM_RUN_ID_DIGITS + 1];
		int same;

		assert_int_equal(enter(&entered), 0);
		s = entered;
		s->settings.shard_requests = 2;
		open_parcel(s, NM_RUN_TAKE_UP, &parcel);
		snprintf(first, sizeof(first), "%s", parcel.run.record.id);
		nm_parcel_release(&parcel);
		if (rows[i].lines)
			own_write(s->path, rows[i].lines);
		s->settings.shard_requests = rows[i].shard_requests;
		open_parcel(s, rows[i].take, &parcel);
		same = strcmp(first, parcel.run.record.id) == 0;
		if (same != rows[i].resumed ||
		    (parcel.run.origin == NM_RUN_RESUMED) != rows[i].resumed)
			fail_msg("%s", rows[i].why);
		expect_state(s, first, rows[i].left ? NM_RUN_LEFT
		                                    : NM_RUN_OPEN);
		nm_parcel_release(&parcel);
		leave(&entered);
	}
}

/* What is no request file records nothing. */
static void
opening_in_vain(void **state)
{
	static const struct {
		const char  *lines; /* NULL = there is no file */
		enum nm_code code;
		const char  *error;
	} rows[] = {
		{ NULL, NM_INPUT, "cannot read" },
		{ "", NM_INPUT, "holds no request" },
		{ LINE("a") "{\n", NM_INPUT, ":2: " },
		{ LINE("a") LINE("a"), NM_INPUT, "duplicate_custom_id" },
		{ LINE("a") "{\"custom_id\":\"b\"}\n", NM_INPUT,
		  ":2: the service would refuse it" },
	};
	struct scene *s = *state;
	struct nm_arena arena = { 0 };
	struct nm_parcel_wish wish = { .path = s->path };
	struct nm_run_record *runs;
	struct nm_parcel parcel;
	struct nm_err err;
	size_t n;

	for (size_t i = 0; i < COUNT(rows); i++) {
		enum nm_code rc;

		if (rows[i].lines)
			own_write(s->path, rows[i].lines);
		else
			unlink(s->path);
		rc = nm_parcel_open(&parcel, &s->tools, &wish, &err);
		if (rc != rows[i].code || !strstr(err.text, rows[i].error))
			fail_msg("%d: %s", (int)rc, err.text);
		nm_parcel_release(&parcel);
	}
	own_write(s->path, LINES);
	wish.digest = "of what it was when it was looked at";
	assert_int_equal(nm_parcel_open(&parcel, &s->tools, &wish, &err),
	                 NM_INPUT);
	assert_non_null(strstr(err.text, "has changed since"));
	nm_parcel_release(&parcel);
	assert_int_equal(nm_runs_list(s->journal, &arena, &runs, &n, &err),
	                 NM_OK);
	assert_int_equal(n, 0);
	nm_arena_release(&arena);
}

static void
add_run_of_questions(struct scene *s)
{
	struct nm_run_record run = {
		.id = "q", .key = "k", .mode = "batch", .name = "n",
		.model = "m", .endpoint = "e", .account = "a",
		.spec = "{\"name\":\"1-hop-test\"}", .results_path = "",
	};
	struct nm_shard_record shard = {
		.run = "q", .attempt = 1, .number = 1, .count = 1, .tag = "t",
		.state = NM_SHARD_CREATED, .input_file_id = "",
		.batch_id = "batch_q", .status = "", .output_file_id = "",
		.error_file_id = "", .output_path = "", .error_path = "",
		.note = "",
	};
	struct nm_err err;

	assert_int_equal(nm_runs_add(s->journal, &run, &err), NM_OK);
	assert_int_equal(nm_shards_add(s->journal, &shard, 1, &err), NM_OK);
}

static void
taking_up(void **state)
{
	static const struct {
		const char  *lines; /* NULL = there is no file */
		const char  *batch_id;
		enum nm_code code;
		const char  *error, *why;
	} rows[] = {
		{ LINES, "batch_1", NM_OK, "", "as it was sent" },
		{ LINES, "batch_2", NM_ABSENT, "", "nobody knows it" },
		{ LINES, "batch_q", NM_ABSENT, "not from a request file",
		  "made from questions" },
		{ LINES "\n", "batch_1", NM_INPUT,
		  "is no longer the file that was sent", "changed" },
		{ NULL, "batch_1", NM_INPUT,
		  "while reading again what was submitted", "gone" },
	};
	struct scene *s = *state;
	struct nm_parcel parcel;

	add_run_of_questions(s);
	open_parcel(s, NM_RUN_TAKE_UP, &parcel);
	make_batch(&parcel, "batch_1");
	nm_parcel_release(&parcel);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_err err = { 0 };
		enum nm_code rc;

		if (rows[i].lines)
			own_write(s->path, rows[i].lines);
		else
			unlink(s->path);
		rc = nm_parcel_take_up(&parcel, &s->tools, rows[i].batch_id,
		                       &err);
		if (rc != rows[i].code || !strstr(err.text, rows[i].error))
			fail_msg("%s: %d, \"%s\"", rows[i].why, (int)rc,
			         err.text);
		if (!rc) {
			assert_int_equal(parcel.run.origin, NM_RUN_RESUMED);
			assert_string_equal(parcel.run.shards[0].batch_id,
			                    "batch_1");
			assert_string_equal(parcel.run.metadata[0].value,
			                    "in.jsonl");
		}
		nm_parcel_release(&parcel);
	}
}

/* The same requests under another name, sent by a program that wrote the address of
 * their service down as it was typed. */
static void
checking_others(void **state)
{
	static const struct { const char *url; enum nm_code code; } rows[] = {
		{ "http://127.0.0.1:9/v1", NM_USAGE },
		{ "HTTP://127.0.0.1:09/v1", NM_USAGE },
		{ "http://127.0.0.1:90/v1", NM_OK },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char account[160], spec[NM_DIGEST_HEX_MAX + 80];
		struct nm_run_record run = {
			.id = "f", .key = "k", .mode = "file", .model = "m",
			.name = "other.jsonl", .endpoint = "e",
			.account = account, .spec = spec, .results_path = "",
		};
		void *entered = NULL;
		struct scene *s;
		struct nm_request_file *file;
		struct nm_err err;
		enum nm_code rc;

		assert_int_equal(enter(&entered), 0);
		s = entered;
		rc = nm_request_file_open(&file, s->path, &err);
		assert_int_equal(rc, NM_OK);
		snprintf(account, sizeof(account), "%s%s", rows[i].url,
		         strchr(nm_buf_string(&s->service.account.identity),
		                ' '));
		snprintf(spec, sizeof(spec), "{\"source\":\"file\","
		         "\"path\":\"other.jsonl\",\"digest\":\"%s\"}",
		         nm_request_file_source(file)->digest);
		assert_int_equal(nm_runs_add(s->journal, &run, &err), NM_OK);
		rc = nm_parcel_check(&s->tools, file, s->path, &err);
		if (rc != rows[i].code)
			fail_msg("%s: %d", rows[i].url, (int)rc);
		nm_request_file_close(file);
		leave(&entered);
	}
}

static void
resuming(void **state)
{
	struct scene *s = *state;
	char id[NM_RUN_ID_DIGITS + 1];
	struct nm_err err = { 0 };
	struct nm_parcel parcel;
	int64_t began_ms = 0;
	enum nm_code rc;

	open_parcel(s, NM_RUN_TAKE_UP, &parcel);
	snprintf(id, sizeof(id), "%s", parcel.run.record.id);
	rc = nm_parcel_find_begun(&s->tools, parcel.file, s->path, &began_ms,
	                          &err);
	assert_int_equal(rc, NM_OK);
	assert_int_equal(began_ms, parcel.run.record.created_ms);
	rc = nm_parcel_find_begun(&s->tools, parcel.file, "other.jsonl",
	                          &began_ms, &err);
	assert_int_equal(rc, NM_ABSENT);
	nm_parcel_release(&parcel);
	rc = nm_parcel_resume(&parcel, &s->tools, id, &err);
	assert_int_equal(rc, NM_OK);
	assert_string_equal(parcel.run.record.id, id);
	assert_int_equal(parcel.run.n_shards, 1);
	nm_parcel_release(&parcel);
	/* Read again, it is to be what was recorded. */
	own_write(s->path, LINES LINE("d"));
	rc = nm_parcel_resume(&parcel, &s->tools, id, &err);
	assert_int_equal(rc, NM_INPUT);
	nm_parcel_release(&parcel);
	rc = nm_parcel_resume(&parcel, &s->tools, "0123456789ab", &err);
	assert_int_equal(rc, NM_ABSENT);
	nm_parcel_release(&parcel);
}

static void
finding(void **state)
{
	struct scene *s = *state;
	struct nm_arena arena = { 0 };
	struct nm_run_record record = { .spec = "{\"name\":\"1-hop-test\"}" };
	struct nm_parcel parcel;

	assert_null(nm_parcel_find_file(&record, &arena));
	record.spec = "no JSON";
	assert_null(nm_parcel_find_file(&record, &arena));
	open_parcel(s, NM_RUN_TAKE_UP, &parcel);
	record = parcel.run.record;
	assert_string_equal(nm_parcel_find_file(&record, &arena), s->path);
	own_write(s->path, LINES LINE("d"));
	assert_null(nm_parcel_find_file(&record, &arena));
	unlink(s->path);
	assert_null(nm_parcel_find_file(&record, &arena));
	nm_parcel_release(&parcel);
	nm_arena_release(&arena);
}

#define ENTERED(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ENTERED(opening),
		cmocka_unit_test(checking_others),
		cmocka_unit_test(opening_again),
		ENTERED(opening_in_vain),
		ENTERED(taking_up),
		ENTERED(resuming),
		ENTERED(finding),
	};

	/* No .env of a person's is read. */
	if (chdir("/") || setenv("OPENAI_API_KEY", "sk-test", 1) ||
	    unsetenv("NIGHTMAIL_CLOCK"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
