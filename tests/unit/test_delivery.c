/* delivery: what a file of requests or results may begin with, and what is another's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "run/delivery.h"

static const struct {
	const char           *text;
	enum nm_delivery_part part;
	bool                  likely;
	const char           *why;
} rows[] = {
	{ "", NM_DELIVERY_WHOLE, true, "a file of no bytes is one" },
	{ " \r\n", NM_DELIVERY_WHOLE, true, "and so is one of blank lines" },
	{ "{\"custom_id\":\"a\"}", NM_DELIVERY_WHOLE, true, "a lone row" },
	{ "\xef\xbb\xbf\n{\"custom_id\":\"a\"}\n{\"custom_id\":\"b\"}\n",
	  NM_DELIVERY_WHOLE, true, "a mark and a blank line before rows" },
	{ "{\"custom_id\":\"a\",\"resp", NM_DELIVERY_WHOLE, true,
	  "a row that breaks off" },
	{ "broken\n{\"custom_id\":\"a\"}\n", NM_DELIVERY_WHOLE, true,
	  "a line that is none, before rows" },
	{ "{\"id\":1,\"x\":[", NM_DELIVERY_BEGINNING, true,
	  "a long row's beginning" },
	{ "<html>Sign in</html>", NM_DELIVERY_WHOLE, false, "a page" },
	{ "\n<!DOCTYPE html>\n<script>\n{\n}\n", NM_DELIVERY_BEGINNING, false,
	  "a page's beginning, with braces in it" },
	{ "Sign in first.\n", NM_DELIVERY_WHOLE, false, "words" },
	{ "{\n  \"error\": {\"message\": \"no\"}\n}\n", NM_DELIVERY_WHOLE, false,
	  "an error" },
	{ "{}", NM_DELIVERY_WHOLE, false, "an object without an id" },
};

static void
test_likely(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if (nm_delivery_is_likely(nm_text_of(rows[i].text),
		                          rows[i].part) != rows[i].likely)
			fail_msg("%s", rows[i].why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_likely),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
