/* test_place: names of datasets, their paths, and the sample's sums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/digest.h"
#include "base/file.h"
#include "eval/place.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
names_and_paths(void **state)
{
	static const struct {
		const char *typed, *path, *name, *why;
	} rows[] = {
		{ "1-hop", "d/1-hop/vanilla/qa_test.txt", "1-hop-test", "short" },
		{ "3-hop-test", "d/3-hop/vanilla/qa_test.txt", "3-hop-test",
		  "as results name it" },
		{ "4-hop", "4-hop", "4-hop", "there is no fourth: a path" },
		{ "2-hops", "2-hops", "2-hops", "another name: a path" },
		{ "my/films.v2.txt", "my/films.v2.txt", "films.v2",
		  "the base name without its ending" },
		{ "./1-hop", "./1-hop", "1-hop", "a path if it is written so" },
	};
	struct nm_place place = { 0 };
	struct nm_err err;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(nm_place_find(&place, rows[i].typed, "d", &err),
		                 NM_OK);
		if (strcmp(nm_buf_string(&place.path), rows[i].path) != 0
		    || strcmp(nm_buf_string(&place.name), rows[i].name) != 0)
			fail_msg("%s: %s, %s", rows[i].why,
			         nm_buf_string(&place.path),
			         nm_buf_string(&place.name));
	}
	assert_int_equal(nm_place_find(&place, "", "d", &err), NM_USAGE);
	assert_int_equal(nm_place_named(&place, NM_TEXT("2-hop-test"), "e",
	                                &err), NM_OK);
	assert_string_equal(nm_buf_string(&place.path),
	                    "e/2-hop/vanilla/qa_test.txt");
	assert_int_equal(nm_place_named(&place, NM_TEXT("films"), "e", &err),
	                 NM_ABSENT);
	nm_place_release(&place);
}

/* The sums of data/metaqa/sample.sha256 are those of the files beside it. */
static void
sums_are_current(void **state)
{
	static const char *const paths[] = {
		"data/metaqa/1-hop/vanilla/qa_test.txt",
		"data/metaqa/2-hop/vanilla/qa_test.txt",
		"data/metaqa/3-hop/vanilla/qa_test.txt",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct nm_buf bytes = { 0 };
		char hex[NM_DIGEST_HEX_MAX];
		enum nm_place_origin origin = NM_PLACE_OTHER;

		assert_int_equal(nm_file_read(paths[i], &bytes, NULL), NM_OK);
		nm_digest_hex(NM_SHA256, bytes.at, bytes.len, hex);
		assert_int_equal(nm_place_origin(hex, &origin, NULL), NM_OK);
		if (origin != NM_PLACE_SAMPLE)
			fail_msg("%s is not in data/metaqa/sample.sha256: run "
			         "sha256sum */vanilla/qa_test.txt there",
			         paths[i]);
		hex[0] = hex[0] == '0' ? '1' : '0';
		assert_int_equal(nm_place_origin(hex, &origin, NULL), NM_OK);
		assert_int_equal(origin, NM_PLACE_OTHER);
		nm_buf_release(&bytes);
	}
}

static void
no_digest_is_no_sample(void **state)
{
	enum nm_place_origin origin = NM_PLACE_SAMPLE;

	(void)state;
	assert_int_equal(nm_place_origin("", &origin, NULL), NM_OK);
	assert_int_equal(origin, NM_PLACE_OTHER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_paths),
		cmocka_unit_test(sums_are_current),
		cmocka_unit_test(no_digest_is_no_sample),
	};

	return cmocka_run_group_tests_name("place", tests, NULL, NULL);
}
