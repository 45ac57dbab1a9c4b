/* store: files, batches, uploads; pages; what outlives a death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "server/store_parts.h"

static char folder[] = "/tmp/nm-store-XXXXXX";
static struct nm_store *store;
static struct nm_arena arena;
static struct nm_err err;

static int
set_up(void **state)
{
	(void)state;
	return !mkdtemp(folder) || nm_store_open(folder, &store, &err);
}

static int
tear_down(void **state)
{
	char command[100];

	(void)state;
	nm_store_close(store);
	nm_arena_release(&arena);
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

static void
add_file(const char *id, const char *tenant, const char *purpose,
         int64_t created_s, int64_t expires_s)
{
	struct nm_stored_file file = {
		.id = id, .tenant = tenant, .filename = "in.jsonl",
		.purpose = purpose, .bytes = 2, .created_s = created_s,
		.expires_s = expires_s
	};
	struct nm_buf path = {0};
	int fd;

	nm_store_file_path(store, id, &path);
	fd = open(nm_buf_string(&path), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0 && write(fd, "{}", 2) == 2);
	close(fd);
	nm_buf_release(&path);
	assert_int_equal(nm_store_file_add(store, &file, &err), NM_OK);
}

static int
bytes_stand(const char *id)
{
	struct nm_buf path = {0};
	int stand;

	nm_store_file_path(store, id, &path);
	stand = access(nm_buf_string(&path), F_OK) == 0;
	nm_buf_release(&path);
	return stand;
}

static enum nm_code
get_file(const char *tenant, const char *id, int64_t now_s)
{
	struct nm_stored_file file;

	return nm_store_file_get(store, tenant, id, now_s, &arena, &file, &err);
}

static void
test_file(void **state)
{
	struct nm_stored_file file;

	(void)state;
	add_file("file-1", "ann", "batch", 100, 200);
	assert_int_equal(nm_store_file_get(store, "ann", "file-1", 150, &arena,
	                                   &file, &err), NM_OK);
	assert_string_equal(file.filename, "in.jsonl");
	assert_int_equal(file.expires_s, 200);
	assert_int_equal(get_file(NULL, "file-1", 150), NM_OK);
	assert_int_equal(get_file("bob", "file-1", 150), NM_ABSENT);
	assert_int_equal(get_file("ann", "file-2", 150), NM_ABSENT);
	assert_int_equal(get_file("ann", "file-1", 200), NM_ABSENT);
	assert_int_equal(nm_store_file_remove(store, "bob", "file-1", 150,
	                                      &err), NM_ABSENT);
	assert_true(bytes_stand("file-1"));
	assert_int_equal(nm_store_file_remove(store, "ann", "file-1", 150,
	                                      &err), NM_OK);
	assert_false(bytes_stand("file-1"));
	assert_int_equal(get_file("ann", "file-1", 150), NM_ABSENT);
}

static void
test_sweep(void **state)
{
	(void)state;
	add_file("file-a", "s", "batch", 1, 10);
	add_file("file-b", "s", "batch", 1, 11);
	add_file("file-c", "s", "vision", 1, 0);
	assert_int_equal(nm_store_sweep(store, 10, &err), NM_OK);
	assert_false(bytes_stand("file-a"));
	assert_true(bytes_stand("file-b"));
	assert_true(bytes_stand("file-c"));
}

static void
join_file_id(void *ctx, const struct nm_stored_file *file)
{
	nm_buf_addf(ctx, "%s ", file->id);
}

static void
test_pages(void **state)
{
	static const struct {
		const char         *after, *purpose, *ids;
		enum nm_store_order order;
		size_t              limit;
		int                 more;
		const char         *why;
	} rows[] = {
		{ NULL, NULL, "p4 p3 p2 p1 ", NM_NEWEST_FIRST, 10, 0,
		  "newest first; of one second the last made first" },
		{ NULL, NULL, "p1 p2 p3 p4 ", NM_OLDEST_FIRST, 10, 0, "turned" },
		{ NULL, NULL, "p4 p3 ", NM_NEWEST_FIRST, 2, 1, "a first page" },
		{ "p3", NULL, "p2 p1 ", NM_NEWEST_FIRST, 2, 0, "its next" },
		{ "p1", NULL, "", NM_NEWEST_FIRST, 2, 0, "nothing after" },
		{ "p3", NULL, "p4 ", NM_OLDEST_FIRST, 2, 0, "after, turned" },
		{ NULL, "vision", "p3 ", NM_NEWEST_FIRST, 2, 0, "by purpose" },
		{ "p4", "batch", "p2 ", NM_NEWEST_FIRST, 1, 1,
		  "by purpose, after, more" },
	};
	struct nm_buf ids = {0};
	int more;

	(void)state;
	add_file("p1", "pat", "batch", 5, 0);
	add_file("p2", "pat", "batch", 6, 0);
	add_file("p3", "pat", "vision", 6, 0);
	add_file("p4", "pat", "batch", 6, 0);
	add_file("q1", "quin", "batch", 7, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_store_page page = {
			.tenant = "pat", .after = rows[i].after,
			.purpose = rows[i].purpose, .order = rows[i].order,
			.limit = rows[i].limit, .now_s = 50
		};

		nm_buf_clear(&ids);
		if (nm_store_files(store, &page, join_file_id, &ids, &more,
		                   &err) ||
		    strcmp(nm_buf_string(&ids), rows[i].ids) != 0 ||
		    more != rows[i].more)
			fail_msg("%s: %s", rows[i].why, nm_buf_string(&ids));
	}
	nm_buf_release(&ids);
}

static void
test_unknown_after(void **state)
{
	struct nm_store_page page = { .tenant = "pat", .after = "q1",
	                              .limit = 3, .now_s = 50 };
	struct nm_buf ids = {0};
	int more;

	(void)state;
	assert_int_equal(nm_store_files(store, &page, join_file_id, &ids, &more,
	                                &err), NM_ABSENT);
	nm_buf_release(&ids);
}

static void
add_batch(const char *id, int64_t created_s)
{
	struct nm_stored_batch batch = {
		.id = id, .tenant = "", .endpoint = "/v1/chat/completions",
		.input_file_id = "file-in", .metadata = "{\"a\":\"b\"}",
		.expires_s = created_s + 86400
	};

	batch.at_s[NM_BATCH_VALIDATING] = created_s;
	assert_int_equal(nm_store_batch_add(store, &batch,
	                                    &(struct nm_store_pace){0}, &err),
	                 NM_OK);
}

static void
test_batch_moves(void **state)
{
	struct nm_batch_books books = { .total = 3, .completed = 2, .failed = 1,
	                                .due_ms = 77 };
	struct nm_batch_move move = { .from = NM_BATCH_VALIDATING,
	                              .to = NM_BATCH_IN_PROGRESS, .now_s = 20,
	                              .books = &books, .model = "m" };
	struct nm_stored_batch batch;
	enum nm_batch_state now = NM_BATCH_FAILED;

	(void)state;
	add_batch("batch_1", 10);
	assert_int_equal(nm_store_batch_move(store, "batch_1", &move, &now,
	                                     &err), NM_OK);
	assert_int_equal(now, NM_BATCH_IN_PROGRESS);
	/* Once more from where it no longer is. */
	assert_int_equal(nm_store_batch_move(store, "batch_1", &move, &now,
	                                     &err), NM_HELD);
	assert_int_equal(now, NM_BATCH_IN_PROGRESS);
	assert_int_equal(nm_store_batch_move(store, "batch_x", &move, &now,
	                                     &err), NM_ABSENT);
	assert_int_equal(nm_store_batch_get(store, "", "batch_1", &arena,
	                                    &batch, &err), NM_OK);
	assert_int_equal(batch.at_s[NM_BATCH_VALIDATING], 10);
	assert_int_equal(batch.at_s[NM_BATCH_IN_PROGRESS], 20);
	assert_int_equal(batch.at_s[NM_BATCH_COMPLETED], 0);
	assert_memory_equal(&batch.books, &books, sizeof(books));
	assert_string_equal(batch.model, "m");
	assert_string_equal(batch.metadata, "{\"a\":\"b\"}");
	assert_null(batch.errors);
	/* A move without books leaves them. */
	move = (struct nm_batch_move){ .from = NM_BATCH_IN_PROGRESS,
	                               .to = NM_BATCH_CANCELLING, .now_s = 30 };
	assert_int_equal(nm_store_batch_move(store, "batch_1", &move, NULL,
	                                     &err), NM_OK);
	books.completed = 3;
	assert_int_equal(nm_store_batch_keep(store, "batch_1", &books, &now,
	                                     &err), NM_OK);
	assert_int_equal(now, NM_BATCH_CANCELLING);
	assert_int_equal(nm_store_batch_get(store, "", "batch_1", &arena,
	                                    &batch, &err), NM_OK);
	assert_int_equal(batch.books.completed, 3);
	assert_int_equal(batch.books.due_ms, 77);
}

/* All or nothing: a cancelled batch takes no result files. */
static void
test_batch_finish(void **state)
{
	struct nm_stored_file out = { .id = "file-out", .tenant = "",
	                              .filename = "o", .purpose = "batch_output" };
	struct nm_batch_move move = { .from = NM_BATCH_FINALIZING,
	                              .to = NM_BATCH_COMPLETED, .now_s = 40 };
	struct nm_stored_batch batch;

	(void)state;
	add_batch("batch_2", 10);
	assert_int_equal(nm_store_batch_finish(store, "batch_2", &move, &out,
	                                       NULL, &err), NM_HELD);
	assert_int_equal(get_file("", "file-out", 50), NM_ABSENT);
	move.from = NM_BATCH_VALIDATING;
	assert_int_equal(nm_store_batch_finish(store, "batch_2", &move, &out,
	                                       NULL, &err), NM_OK);
	assert_int_equal(get_file("", "file-out", 50), NM_OK);
	assert_int_equal(nm_store_batch_get(store, "", "batch_2", &arena,
	                                    &batch, &err), NM_OK);
	assert_string_equal(batch.output_file_id, "file-out");
	assert_null(batch.error_file_id);
}

static void
test_open_batches(void **state)
{
	const struct nm_open_batch *batches;
	int64_t created, open;
	size_t n;

	(void)state;
	add_batch("batch_3", 11);
	assert_int_equal(nm_store_batches_open(store, &arena, &batches, &n,
	                                       &err), NM_OK);
	assert_int_equal(n, 2); /* batch_1 is cancelling, batch_2 done */
	assert_string_equal(batches[0].id, "batch_1");
	assert_int_equal(batches[0].state, NM_BATCH_CANCELLING);
	assert_string_equal(batches[1].id, "batch_3");
	assert_int_equal(nm_store_batch_count(store, "", 11, &created, &open,
	                                      &err), NM_OK);
	assert_int_equal(created, 1);
	assert_int_equal(open, 2);
}

static void
test_upload(void **state)
{
	struct nm_stored_upload upload = {
		.id = "upload_1", .tenant = "", .filename = "x", .purpose = "batch",
		.mime_type = "t", .bytes = 4, .created_s = 1, .expires_s = 100
	};
	struct nm_stored_part part = { .id = "part_1", .upload_id = "upload_1",
	                               .bytes = 4, .created_s = 2 };

	(void)state;
	assert_int_equal(nm_store_upload_add(store, &upload, &err), NM_OK);
	assert_int_equal(nm_store_part_add(store, &part, &err), NM_OK);
	assert_int_equal(nm_store_part_get(store, "upload_2", "part_1", &arena,
	                                   &part, &err), NM_ABSENT);
	assert_int_equal(nm_store_upload_get(store, "", "upload_1", 100, &arena,
	                                     &upload, &err), NM_OK);
	assert_int_equal(upload.state, NM_UPLOAD_EXPIRED);
	assert_int_equal(nm_store_upload_end(store, "upload_1",
	                                     NM_UPLOAD_CANCELLED, NULL, &err),
	                 NM_OK);
	assert_int_equal(nm_store_upload_end(store, "upload_1",
	                                     NM_UPLOAD_COMPLETED, NULL, &err),
	                 NM_HELD);
	part.id = "part_2";
	assert_int_equal(nm_store_part_add(store, &part, &err), NM_HELD);
	assert_int_equal(nm_store_part_get(store, "upload_1", "part_1", &arena,
	                                   &part, &err), NM_ABSENT);
}

/* However many parts there are, their bytes go with the upload. */
static void
test_many_parts(void **state)
{
	enum { MANY = 17000 };
	struct nm_stored_upload upload = {
		.id = "upload_m", .tenant = "", .filename = "x", .purpose = "vision",
		.mime_type = "t", .bytes = 4, .created_s = 1, .expires_s = 100
	};
	struct nm_buf path = {0};
	sqlite3_stmt *add;
	char id[32];
	int left = 0;

	(void)state;
	assert_int_equal(nm_store_upload_add(store, &upload, &err), NM_OK);
	/* At once: nm_store_part_add waits for the disk each time. */
	assert_int_equal(nm_db_use(&store->writer, "WITH RECURSIVE n(i) AS"
	                           " (SELECT 0 UNION ALL SELECT i + 1 FROM n"
	                           " WHERE i + 1 < ?1) INSERT INTO part(id,"
	                           " upload_id, bytes, created_s) SELECT"
	                           " 'part_m' || i, 'upload_m', 1, 1 FROM n",
	                           &add, &err), NM_OK);
	nm_db_bind_int(add, 1, MANY);
	assert_int_equal(nm_db_do(&store->writer, add, NULL, &err), NM_OK);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(id, sizeof(id), "part_m%d", i);
		nm_buf_clear(&path);
		nm_store_file_path(store, id, &path);
		close(open(nm_buf_string(&path), O_WRONLY | O_CREAT, 0600));
	}
	assert_int_equal(nm_store_upload_end(store, "upload_m",
	                                     NM_UPLOAD_CANCELLED, NULL, &err),
	                 NM_OK);
	for (int i = 0; i < MANY; i++) {
		(void)snprintf(id, sizeof(id), "part_m%d", i);
		left += bytes_stand(id);
	}
	assert_int_equal(left, 0);
	nm_buf_release(&path);
}

/* A second process sees all, and sweeps what a dead writer left, but not what a
 * living one (by its flock) still writes. */
static void
test_second_process(void **state)
{
	struct nm_store *second;
	struct nm_buf dead = {0}, living = {0};
	int fd;

	(void)state;
	nm_store_path(store, "tmp", "dead", &dead);
	nm_store_path(store, "tmp", "living", &living);
	fd = open(nm_buf_string(&dead), O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	fd = open(nm_buf_string(&living), O_WRONLY | O_CREAT, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(nm_store_open(folder, &second, &err), NM_OK);
	assert_int_not_equal(access(nm_buf_string(&dead), F_OK), 0);
	assert_int_equal(access(nm_buf_string(&living), F_OK), 0);
	close(fd);
	{
		struct nm_store *first = store;

		store = second;
		assert_int_equal(get_file("", "file-out", 50), NM_OK);
		store = first;
	}
	nm_store_close(second);
	nm_buf_release(&dead);
	nm_buf_release(&living);
}

/* A folder of the first version: whose rows are known by their ids is told by
 * the books, once. */
static void
test_first_version(void **state)
{
	char old[] = "/tmp/nm-store-XXXXXX", path[64];
	struct nm_stored_batch batch;
	struct nm_store *opened = NULL;
	struct nm_db db;

	(void)state;
	assert_non_null(mkdtemp(old));
	assert_int_equal(nm_store_open(old, &opened, &err), NM_OK);
	nm_store_close(opened);
	(void)snprintf(path, sizeof(path), "%s/server.db", old);
	assert_int_equal(nm_db_open(&db, path, &err), NM_OK);
	assert_int_equal(nm_db_run(&db, "ALTER TABLE batch DROP COLUMN by_id;"
		"UPDATE setting SET value = 1 WHERE name = 'schema';"
		"INSERT INTO batch(id, tenant, endpoint, input_file_id,"
		" results_live_s, state, at0, expires_s, input_lines, output_bytes)"
		" VALUES ('batch_new', '', '', '', 0, 2, 1, 9, 0, 0),"
		" ('batch_pass', '', '', '', 0, 2, 1, 9, 7, 70),"
		" ('batch_relay', '', '', '', 0, 2, 1, 9, 0, 70)", &err), NM_OK);
	nm_db_close(&db);
	for (int times = 0; times < 2; times++) {
		static const char *const ids[] = { "batch_new", "batch_pass",
		                                   "batch_relay" };

		assert_int_equal(nm_store_open(old, &opened, &err), NM_OK);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(nm_store_batch_get(opened, NULL, ids[i],
				&arena, &batch, &err), NM_OK);
			assert_int_equal(batch.books.by_id, i == 2);
		}
		nm_store_close(opened);
	}
	(void)snprintf(path, sizeof(path), "rm -r %s", old);
	assert_int_equal(system(path), 0);
}

/* What is no state of ours is left as it is. */
static void
test_strange_state(void **state)
{
	char strange[] = "/tmp/nm-store-XXXXXX", command[200];
	struct nm_store *opened = NULL;

	(void)state;
	assert_non_null(mkdtemp(strange));
	assert_int_equal(nm_store_open(strange, &opened, &err), NM_OK);
	nm_store_close(opened);
	(void)snprintf(command, sizeof(command), "sqlite3 %s/server.db \"UPDATE "
	               "setting SET value = 99 WHERE name = 'schema'\"", strange);
	if (system(command) == 0)
		assert_int_equal(nm_store_open(strange, &opened, &err), NM_STATE);
	(void)snprintf(command, sizeof(command),
	               "rm %s/server.db*; echo strange > %s/server.db", strange,
	               strange);
	assert_int_equal(system(command), 0);
	assert_int_equal(nm_store_open(strange, &opened, &err), NM_STATE);
	(void)snprintf(command, sizeof(command), "grep -q strange %s/server.db "
	               "&& rm -r %s", strange, strange);
	assert_int_equal(system(command), 0);
}

/* Somebody else writes, and does not end: that is trouble of this machine. That a
 * batch or an upload has moved on is another thing, and called NM_HELD. */
static void
test_locked(void **state)
{
	struct nm_stored_upload upload = {
		.id = "upload_l", .tenant = "", .filename = "x", .purpose = "vision",
		.mime_type = "t", .bytes = 4, .created_s = 1, .expires_s = 100
	};
	struct nm_stored_part part = { .id = "part_l", .upload_id = "upload_l" };
	struct nm_batch_move move = { .from = NM_BATCH_VALIDATING,
		.to = NM_BATCH_IN_PROGRESS, .now_s = 20 };
	enum nm_batch_state now = NM_BATCH_FAILED;
	struct nm_db other;
	struct nm_buf path = {0};

	(void)state;
	add_batch("batch_l", 10);
	assert_int_equal(nm_store_upload_add(store, &upload, &err), NM_OK);
	nm_buf_addf(&path, "%s/server.db", folder);
	assert_int_equal(nm_db_open(&other, nm_buf_string(&path), &err), NM_OK);
	assert_int_equal(nm_db_run(&other, "BEGIN IMMEDIATE", &err), NM_OK);
	sqlite3_busy_timeout(store->writer.at, 1);
	assert_int_equal(nm_store_batch_move(store, "batch_l", &move, &now, &err),
	                 NM_IO);
	assert_int_equal(now, NM_BATCH_FAILED);
	assert_int_equal(nm_store_part_add(store, &part, &err), NM_IO);
	assert_int_equal(nm_store_upload_end(store, "upload_l",
	                                     NM_UPLOAD_CANCELLED, NULL, &err),
	                 NM_IO);
	assert_non_null(strstr(err.text, "held by another process"));
	assert_int_equal(nm_db_run(&other, "ROLLBACK", &err), NM_OK);
	assert_int_equal(nm_store_batch_move(store, "batch_l", &move, &now, &err),
	                 NM_OK);
	nm_db_close(&other);
	nm_buf_release(&path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_sweep),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_unknown_after),
		cmocka_unit_test(test_batch_moves),
		cmocka_unit_test(test_batch_finish),
		cmocka_unit_test(test_open_batches),
		cmocka_unit_test(test_upload),
		cmocka_unit_test(test_many_parts),
		cmocka_unit_test(test_second_process),
		cmocka_unit_test(test_locked),
		cmocka_unit_test(test_first_version),
		cmocka_unit_test(test_strange_state),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
