/* service: how it is reached, and what a printed command needs to come there too. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "task/service.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
opening(void **state)
{
	static const struct {
		const char  *key, *base_url;
		enum nm_code code;
		const char  *flags; /* or, of a refusal, words of it */
		const char  *why;
	} rows[] = {
		{ "sk-test", NULL, NM_OK, "", "as the environment says" },
		{ "sk-test", "http://127.0.0.1:9/v1", NM_OK,
		  " --base-url http://127.0.0.1:9/v1", "an option's address" },
		{ "sk-test", "http://127.0.0.1:9/it's;x/v1", NM_OK,
		  " --base-url 'http://127.0.0.1:9/it'\\''s;x/v1'",
		  "an address that a shell would read otherwise" },
		{ NULL, NULL, NM_USAGE, "--local", "no key: one way out" },
		{ NULL, NULL, NM_USAGE, "OPENAI_API_KEY", "and the other" },
		{ "", NULL, NM_USAGE, "no API key", "an empty one is none" },
		{ "sk-test", "ftp://127.0.0.1/v1", NM_USAGE, "http",
		  "no address of a service" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_service_wish wish = { .base_url = rows[i].base_url };
		struct nm_service service;
		struct nm_err err = { 0 };
		enum nm_code rc;
		const char *got;

		if (rows[i].key)
			setenv("OPENAI_API_KEY", rows[i].key, 1);
		else
			unsetenv("OPENAI_API_KEY");
		rc = nm_service_open(&service, &wish, &err);
		got = rc ? err.text : nm_buf_string(&service.flags);
		if (rc != rows[i].code ||
		    (rc ? !strstr(got, rows[i].flags)
		        : strcmp(got, rows[i].flags) != 0))
			fail_msg("%s: %d, \"%s\"", rows[i].why, (int)rc, got);
		if (!rc)
			nm_service_close(&service);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(opening) };
	char folder[] = "/tmp/nm_service.XXXXXX";
	int failed;

	/* No .env of a person's is read. */
	if (!mkdtemp(folder) || chdir(folder) ||
	    unsetenv("OPENAI_BASE_URL") || unsetenv("NIGHTMAIL_CLOCK"))
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	return rmdir(folder) || failed;
}
