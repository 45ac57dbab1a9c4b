/* opening: by which key a run is found again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "run/run.h"

#include "own_folder.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const struct nm_run_wish asked = {
	.mode = "batch", .name = "n", .model = "m",
	.endpoint = "/v1/chat/completions", .identity = "i 50000",
	.older_identity = "i 7",
};

/* As journals have it, since the first: of all these, each with its NUL. */
static void
key_of(const char *identity, const char *account, char *hex)
{
	const char *const texts[] = {
		asked.mode, asked.name, asked.model, asked.endpoint,
		identity, "digest", account,
	};
	struct nm_digest digest;

	nm_digest_init(&digest, NM_SHA256);
	for (size_t i = 0; i < COUNT(texts); i++)
		nm_digest_add(&digest, texts[i], strlen(texts[i]) + 1);
	nm_digest_finish(&digest, hex);
}

/* Rows: what the journal has runs of | what is typed now. */
static const struct {
	const char *known[2]; /* by its URL; a size of its shards may stand first */
	const char *typed;
	int64_t     began_ms; /* of the run that is found: 1 or 2; 0 = none */
	const char *why;
} rows[] = {
	{ { "7 http://x.example/v1" }, "http://x.example/v1", 1,
	  "an older program's, by the size of shards that is asked for now" },
	{ { "8 http://x.example/v1" }, "http://x.example/v1", 0,
	  "an older program's, of another size" },
	{ { "7 HTTP://X.example/v1" }, "HTTP://X.example/v1", 1,
	  "an older program's in both" },
	{ { "7 http://x.example/v1", "http://x.example/v1" },
	  "http://x.example/v1", 2, "both: the one without a size" },
	{ { "http://x.example/v1" }, "http://x.example/v1", 1, "the same" },
	{ { "http://x.example/v1" }, "HTTP://X.example:80/v1/", 1,
	  "the same place" },
	{ { "HTTP://X.example/v1" }, "HTTP://X.example/v1", 1,
	  "as an older journal has it" },
	{ { "HTTP://X.example/v1" }, "http://x.example/v1", 0,
	  "an older journal's, and not as it was typed" },
	{ { "HTTP://X.example/v1", "http://x.example/v1" },
	  "HTTP://X.example/v1", 2, "both: the one of the normal form" },
	{ { "http://x.example/v1" }, "http://y.example/v1", 0, "another" },
};

static void
record(struct nm_journal *journal, const char *known,
       const struct nm_account *like, int64_t began_ms)
{
	const char *url = strchr(known, ' ') ? strchr(known, ' ') + 1 : known;
	char account[160], identity[16], key[NM_DIGEST_HEX_MAX], id[8];
	struct nm_run_record run = {
		.id = id, .key = key, .mode = "batch", .name = "n",
		.model = "m", .endpoint = "e", .account = account,
		.spec = "{}", .results_path = "", .created_ms = began_ms,
		.updated_ms = began_ms,
	};
	struct nm_err err;

	snprintf(id, sizeof(id), "r%d", (int)began_ms);
	snprintf(account, sizeof(account), "%s%s", url,
	         strchr(nm_buf_string(&like->identity), ' '));
	snprintf(identity, sizeof(identity), "i %.*s",
	         url == known ? 5 : (int)(url - known) - 1,
	         url == known ? "50000" : known);
	key_of(identity, account, key);
	assert_int_equal(nm_runs_add(journal, &run, &err), NM_OK);
}

static void
runs_are_found_by_the_place_of_their_service(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_account_wish wish = {
			.base_url = rows[i].typed, .dotenv_path = "",
		};
		struct nm_account account;
		struct nm_api api = { .account = &account };
		struct nm_source source = { .digest = "digest" };
		struct nm_run_tools tools = { .api = &api };
		struct nm_journal *journal;
		struct nm_err err;
		int64_t began_ms = 0;
		enum nm_code rc;

		assert_int_equal(nm_account_open(&account, &wish, &err), NM_OK);
		assert_int_equal(nm_journal_open(folder, &journal, &err), NM_OK);
		for (int k = 0; k < 2 && rows[i].known[k]; k++)
			record(journal, rows[i].known[k], &account, k + 1);
		tools.journal = journal;
		rc = nm_run_find_begun(&tools, &source, &asked, &began_ms,
		                       &err);
		if (rc != (rows[i].began_ms ? NM_OK : NM_ABSENT) ||
		    began_ms != rows[i].began_ms)
			fail_msg("%s: run %d", rows[i].why, (int)began_ms);
		nm_journal_close(journal);
		unlink(in_folder("journal.db"));
		nm_account_close(&account);
	}
}

static int
begin(void **state)
{
	unsetenv("OPENAI_API_KEY");
	unsetenv("OPENAI_ORG_ID");
	unsetenv("OPENAI_PROJECT_ID");
	return make_folder(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_are_found_by_the_place_of_their_service),
	};

	return cmocka_run_group_tests(tests, begin, remove_folder);
}
