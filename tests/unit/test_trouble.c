#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "server/trouble.h"

enum {
	WELL = NM_TROUBLE_NONE,
	GONE = NM_TROUBLE_UNREACHABLE,
	KEY = NM_TROUBLE_KEY,
	CALM = NM_TROUBLE_CALM_MS
};

/* One after another; each is also a look. */
static const struct {
	int         kind;
	int64_t     now_ms;
	const char *told; /* "" = nothing */
	const char *why;
} events[] = {
	{ WELL, 1, "", "well from the beginning" },
	{ GONE, 10, "gone", "it begins" },
	{ GONE, 20, "", "the same again" },
	{ GONE, 20 + 9 * CALM, "", "the same, much later" },
	{ WELL, 21 + 9 * CALM, "", "not yet: it may be one of many" },
	{ GONE, 22 + 9 * CALM, "", "it was one of many" },
	{ WELL, 21 + 10 * CALM, "", "a moment too soon" },
	{ WELL, 22 + 10 * CALM, "over", "it is over" },
	{ WELL, 23 + 10 * CALM, "", "and is told once" },
	{ KEY, 30 + 10 * CALM, "key", "another begins" },
	{ GONE, 31 + 10 * CALM, "gone", "the kind changes" },
	{ KEY, 32 + 10 * CALM, "", "they take turns" },
	{ GONE, 33 + 10 * CALM, "", "and go on taking turns" },
	{ KEY, 33 + 11 * CALM, "key", "it has changed for good" },
	{ WELL, 33 + 13 * CALM, "over", "all of them are over" },
	{ GONE, 34 + 13 * CALM, "gone", "anew" },
};

static void
hear(void *user, const char *words)
{
	nm_buf_add_string(user, words);
}

static void
test_trouble_is_told_once(void **state)
{
	static const char *const words[] = { [GONE] = "gone", [KEY] = "key" };
	struct nm_buf told = {0};
	struct nm_server_options options = { .tell = hear, .tell_user = &told };
	struct nm_metrics metrics = {0};
	struct nm_trouble trouble = { .options = &options,
		.metrics = &metrics };

	(void)state;
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		nm_buf_clear(&told);
		if (events[i].kind == WELL)
			nm_trouble_well(&trouble, events[i].now_ms);
		else
			nm_trouble_note(&trouble, events[i].kind,
			                events[i].now_ms,
			                words[events[i].kind]);
		nm_trouble_look(&trouble, events[i].now_ms, "over");
		if (strcmp(nm_buf_string(&told), events[i].told) != 0)
			fail_msg("%s: told '%s'", events[i].why,
			         nm_buf_string(&told));
		for (int kind = 0; kind < NM_TROUBLE_KINDS; kind++)
			if ((metrics.trouble_since_s[kind] != 0) !=
			    (kind && kind == (int)trouble.told))
				fail_msg("%s: %d is shown amiss", events[i].why, kind);
	}
	nm_buf_release(&told);
}

/* What failed and was not tried again since is not over. */
static void
test_silence_is_no_end(void **state)
{
	struct nm_buf told = {0};
	struct nm_server_options options = { .tell = hear, .tell_user = &told };
	struct nm_metrics metrics = {0};
	struct nm_trouble trouble = { .options = &options,
		.metrics = &metrics };

	(void)state;
	nm_trouble_well(&trouble, 1);
	nm_trouble_note(&trouble, NM_TROUBLE_DISK, 2, "full");
	nm_trouble_look(&trouble, 2 + 100 * CALM, "over");
	assert_string_equal(nm_buf_string(&told), "full");
	nm_buf_release(&told);
}

static void
test_nobody_listens(void **state)
{
	struct nm_server_options options = { 0 };
	struct nm_metrics metrics = {0};
	struct nm_trouble trouble = { .options = &options,
		.metrics = &metrics };

	(void)state;
	nm_trouble_note(&trouble, NM_TROUBLE_DISK, 2, "full");
	nm_trouble_well(&trouble, 3);
	nm_trouble_look(&trouble, 2 + CALM, "over");
	assert_int_equal(trouble.told, NM_TROUBLE_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_trouble_is_told_once),
		cmocka_unit_test(test_silence_is_no_end),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
