/* relic: what another tool wrote is kept, each of it. */
#include "own_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "report/relic.h"

/* Rows: what stands at the known path, and whether it is kept. */
static const struct {
	const char *content; /* NULL = nothing stands there */
	bool        kept;
	const char *why;
} rows[] = {
	{ NULL, false, "nothing" },
	{ "", false, "an empty file holds no results" },
	{ "{\"metrics\": {}, \"results\": []}", true, "an older tool's" },
	{ "{\n  \"ledger\": {\n  }\n}\n", false, "ours: it stands in runs/" },
	{ "{   \n  \"ledger\": {  \n  }\n}\n", false,
	  "ours, with the blanks of a head that came last" },
	{ "{\"ledger\": {}}", true, "one that is like ours" },
};

static void
put(const char *content)
{
	struct nm_err err;

	(void)unlink(in_folder("known.json"));
	if (content)
		assert_int_equal(nm_file_write(in_folder("known.json"), 0644,
			nm_text_of(content), &err), NM_OK);
}

static void
what_is_kept(void **state)
{
	char known[256], run[256];

	(void)state;
	snprintf(known, sizeof(known), "%s", in_folder("known.json"));
	snprintf(run, sizeof(run), "%s", in_folder("run.json"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_buf kept = { 0 };
		struct nm_err err;

		put(rows[i].content);
		assert_int_equal(nm_relic_keep(known, run, &kept, &err), NM_OK);
		if ((kept.len > 0) != rows[i].kept)
			fail_msg("%s: kept at \"%s\"", rows[i].why,
			         nm_buf_string(&kept));
		if (kept.len)
			expect_content(nm_buf_string(&kept), rows[i].content,
			               strlen(rows[i].content));
		(void)unlink(nm_buf_string(&kept));
		nm_buf_release(&kept);
	}
}

/* Of the same second, as what comes out of an archive may be: neither is lost. */
static void
two_of_one_second(void **state)
{
	static const struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	static const char *const contents[2] = { "one", "two" };
	struct nm_buf kept[2] = { { 0 }, { 0 } };
	char known[256], run[256];
	struct nm_err err;

	(void)state;
	snprintf(known, sizeof(known), "%s", in_folder("known.json"));
	snprintf(run, sizeof(run), "%s", in_folder("run.json"));
	for (int i = 0; i < 2; i++) {
		put(contents[i]);
		assert_int_equal(utimensat(AT_FDCWD, known, times, 0), 0);
		assert_int_equal(nm_relic_keep(known, run, &kept[i], &err), 0);
	}
	for (int i = 0; i < 2; i++) {
		expect_content(nm_buf_string(&kept[i]), contents[i], 3);
		nm_buf_release(&kept[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		IN_FOLDER(what_is_kept),
		IN_FOLDER(two_of_one_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
