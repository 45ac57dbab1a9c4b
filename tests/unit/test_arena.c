/* arena: aligned, zeroed, all at once gone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"

static bool
all_zero(const char *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i])
			return false;
	return true;
}

static void
zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = {
		0, 1, 3, 16, 17, 100, 4000, 4096, 5000, 1 << 20, (1 << 20) + 1,
		7
	};
	struct nm_arena arena = { 0 };

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			char *at = nm_arena_new(&arena, sizes[i]);

			assert_int_equal((uintptr_t)at
			                 % _Alignof(max_align_t), 0);
			assert_true(all_zero(at, sizes[i]));
			memset(at, 0xaa, sizes[i]);
		}
		nm_arena_clear(&arena);
	}
	assert_true(arena.bytes > 0 && arena.bytes < (3 << 20));
	nm_arena_release(&arena);
	assert_int_equal(arena.bytes, 0);
	nm_arena_release(&arena);
	nm_arena_release(NULL);
}

static void
things_do_not_touch(void **state)
{
	enum { COUNT = 5000 };
	struct nm_arena arena = { 0 };
	struct nm_text texts[COUNT];
	char text[32];

	(void)state;
	for (int i = 0; i < COUNT; i++) {
		int len = snprintf(text, sizeof(text), "text %d", i);

		texts[i] = nm_arena_text(&arena,
		                         (struct nm_text){ text, (size_t)len });
	}
	for (int i = 0; i < COUNT; i++) {
		(void)snprintf(text, sizeof(text), "text %d", i);
		assert_string_equal(texts[i].at, text);
	}
	nm_arena_release(&arena);
}

static void
copies(void **state)
{
	struct nm_arena arena = { 0 };
	struct nm_text text = nm_arena_text(&arena, NM_TEXT("a\0b"));
	int *numbers = nm_arena_array(&arena, 10, sizeof(int));

	(void)state;
	assert_int_equal(text.len, 3);
	assert_memory_equal(text.at, "a\0b", 4);
	assert_int_equal(nm_arena_text(&arena, (struct nm_text){ 0 }).at[0], 0);
	assert_string_equal(nm_arena_string(&arena, NULL), "");
	assert_string_equal(nm_arena_string(&arena, "xy"), "xy");
	assert_string_equal(nm_arena_printf(&arena, "%d%s", 4, "z"), "4z");
	assert_string_equal(nm_arena_printf(&arena, "%s", ""), "");
	assert_int_equal(numbers[9], 0);
	nm_arena_release(&arena);
}

/* Ends by SIGABRT, in a child that keeps quiet and leaves no core. */
static void
overflow_aborts(void **state)
{
	static const size_t counts[] = { SIZE_MAX, SIZE_MAX / 8 + 1,
		                         SIZE_MAX / 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		pid_t child = fork();
		int status;

		if (child == 0) {
			struct nm_arena arena = { 0 };

			(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
			(void)signal(SIGABRT, SIG_DFL);
			(void)close(STDERR_FILENO);
			(void)nm_arena_array(&arena, counts[i], 16);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGABRT);
	}
}

/* However far a list grows, what was in it stays and what is new is zero. */
static void
lists_grow(void **state)
{
	struct pair {
		uint64_t number;
		char     rest[16];
	} * list;
	struct nm_arena arena = { 0 };
	size_t room = 0;

	(void)state;
	list = nm_arena_grow(&arena, NULL, &room, sizeof(*list));
	assert_int_equal(room, 16);
	for (size_t i = 0; i < 5000; i++) {
		if (i == room) {
			list = nm_arena_grow(&arena, list, &room, sizeof(*list));
			assert_int_equal(room, 2 * i);
		}
		assert_true(all_zero((const char *)(list + i),
		                     (room - i) * sizeof(*list)));
		list[i].number = i + 1;
	}
	for (size_t i = 0; i < 5000; i++)
		assert_int_equal(list[i].number, i + 1);
	nm_arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zeroed_and_aligned),
		cmocka_unit_test(things_do_not_touch),
		cmocka_unit_test(copies),
		cmocka_unit_test(lists_grow),
		cmocka_unit_test(overflow_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
