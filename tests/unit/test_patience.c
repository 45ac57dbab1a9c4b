#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/patience.h"

enum { GONE = NM_RETRY_UNREACHABLE, SAID = NM_RETRY_REPLIED };

/* GONE with headers is a reply that is held against the server, not the row. */
static const struct {
	int         kind, status;
	const char *after_ms, *after;
	int         tries;
	int64_t     least_ms, most_ms; /* least_ms < 0: it is given up */
	const char *why;
} tries[] = {
	{ SAID, 500, "", "", 1, 375, 500, "the policy's first pause" },
	{ SAID, 500, "", "", 8, 6000, 8000, "its last" },
	{ SAID, 500, "", "", 9, -1, 0, "tried often enough" },
	{ SAID, 429, "30", "", 2, 30, 30, "asked for" },
	{ SAID, 400, "", "", 1, -1, 0, "the row's own fault" },
	{ GONE, 0, "", "", 1, 375, 500, "as soon as any" },
	{ GONE, 0, "", "", 100, 6000, 8000, "it may come back at any time" },
	{ GONE, 401, "20", "", 3, 20, 20, "held, and told when to ask again" },
	{ GONE, 429, "", "60", 1, 60000, 60000, "longer than any of ours" },
	{ GONE, 302, "", "9999", 50, 120000, 120000, "but within bounds" },
	{ GONE, 403, "0", "", 3, 1500, 2000, "at once is no pause" },
	{ GONE, 401, "", "soon", 1, 375, 500, "no number" },
};

static void
test_pauses(void **state)
{
	struct nm_patience patience = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct nm_retry_event event = {
			.kind = (enum nm_retry_kind)tries[i].kind,
			.status = tries[i].status,
			.retry_after_ms = nm_text_of(tries[i].after_ms),
			.retry_after = nm_text_of(tries[i].after),
		};
		int64_t pause_ms = -1;
		bool lasts = nm_patience_lasts(&patience, &event, tries[i].tries,
		                               1000, &pause_ms);

		print_message("# %s: %d, %lld\n", tries[i].why, (int)lasts,
		              (long long)pause_ms);
		assert_int_equal(lasts, tries[i].least_ms >= 0);
		if (!lasts)
			continue;
		assert_true(pause_ms >= tries[i].least_ms);
		assert_true(pause_ms <= tries[i].most_ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pauses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
