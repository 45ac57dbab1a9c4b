/* crew: whatever the number of hands, what was given comes back once, done, in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "base/crew.h"

enum { PIECES = 3000 };

struct piece {
	uint64_t  number; /* counts from 1; 0 = nothing was given */
	uint64_t  made;   /* of it */
	pthread_t by;
	int       times;
};

static atomic_int released;

/* Takes longer for some than for others. */
static uint64_t
make(uint64_t number)
{
	uint64_t made = number;

	for (uint64_t i = number % 7 * 300; i; i--)
		made = made * 6364136223846793005u + 1442695040888963407u;
	return made;
}

static void
work(void *user)
{
	struct piece *piece = user;

	piece->made = make(piece->number);
	piece->by = pthread_self();
	piece->times++;
}

static void
release(void *user)
{
	(void)user;
	released++;
}

static struct nm_crew *
open_crew(int hands)
{
	return nm_crew_open(&(struct nm_crew_options){
		.piece_bytes = sizeof(struct piece), .work = work,
		.release = release, .hands = hands });
}

/* Takes what came back, if it is any; *last is the number before. */
static void
take(struct piece *piece, uint64_t *last)
{
	if (!piece->number)
		return;
	assert_int_equal(piece->number, *last + 1);
	assert_true(piece->made == make(piece->number));
	assert_int_equal(piece->times, 1);
	*last = piece->number;
	*piece = (struct piece){ 0 };
}

static void
give_all(struct nm_crew *crew, uint64_t n, uint64_t *last)
{
	struct piece *piece;

	for (uint64_t i = 1; i <= n; i++) {
		piece = nm_crew_turn(crew);
		take(piece, last);
		piece->number = i;
		nm_crew_give(crew);
	}
}

static void
in_order(void **state)
{
	static const uint64_t counts[] = { 0, 1, 2, 3, 4, 15, 16, 17, PIECES };

	(void)state;
	for (int hands = 0; hands <= NM_CREW_HANDS_MAX + 1; hands++)
		for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
			struct nm_crew *crew = open_crew(hands);
			struct piece *piece;
			uint64_t last = 0;

			give_all(crew, counts[i], &last);
			while ((piece = nm_crew_rest(crew)))
				take(piece, &last);
			assert_int_equal(last, counts[i]);
			assert_null(nm_crew_rest(crew));
			nm_crew_close(crew);
		}
}

/* One that was used up may be given work again. */
static void
again_after_rest(void **state)
{
	struct nm_crew *crew = open_crew(3);

	(void)state;
	for (uint64_t n = 1; n < 20; n++) {
		struct piece *piece;
		uint64_t last = 0;

		give_all(crew, n, &last);
		while ((piece = nm_crew_rest(crew)))
			take(piece, &last);
		assert_int_equal(last, n);
	}
	nm_crew_close(crew);
}

static void
one_hand_is_the_callers(void **state)
{
	struct nm_crew *crew = open_crew(1);
	struct piece *piece;
	int seen = 0;

	(void)state;
	for (uint64_t i = 1; i <= 50; i++) {
		piece = nm_crew_turn(crew);
		if (piece->number) {
			assert_true(pthread_equal(piece->by, pthread_self()));
			seen++;
			piece->times = 0;
		}
		piece->number = i;
		nm_crew_give(crew);
	}
	assert_true(seen > 0);
	nm_crew_close(crew);
}

/* What the pieces before have made together; no lock guards it. */
static uint64_t chain;
static atomic_int at_work;

static void
add_to_chain(void *user)
{
	struct piece *piece = user;

	piece->times = ++at_work; /* 1, or another was at work too */
	chain = chain * 31 + make(piece->number);
	at_work--;
}

static void
in_turn(void **state)
{
	uint64_t wanted = 0;

	(void)state;
	for (uint64_t i = 1; i <= PIECES; i++)
		wanted = wanted * 31 + make(i);
	for (int hands = 0; hands <= 4; hands++) {
		struct nm_crew *crew = nm_crew_open(&(struct nm_crew_options){
			.piece_bytes = sizeof(struct piece), .hands = hands,
			.work = add_to_chain, .in_turn = 1 });
		struct piece *piece;

		chain = 0;
		for (uint64_t i = 1; i <= PIECES; i++) {
			piece = nm_crew_turn(crew);
			assert_true(piece->times <= 1);
			piece->number = i;
			nm_crew_give(crew);
		}
		while ((piece = nm_crew_rest(crew)))
			assert_int_equal(piece->times, 1);
		assert_true(chain == wanted);
		nm_crew_close(crew);
	}
}

/* Closed in the middle: each piece is released, and work is waited for. */
static void
closed_in_the_middle(void **state)
{
	(void)state;
	for (int hands = 1; hands <= 4; hands++)
		for (uint64_t n = 0; n < 40; n++) {
			struct nm_crew *crew = open_crew(hands);
			uint64_t last = 0;

			released = 0;
			give_all(crew, n, &last);
			nm_crew_close(crew);
			assert_int_equal(released, 2 * hands);
		}
	nm_crew_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(again_after_rest),
		cmocka_unit_test(one_hand_is_the_callers),
		cmocka_unit_test(in_turn),
		cmocka_unit_test(closed_in_the_middle),
	};

	return cmocka_run_group_tests_name("crew", tests, NULL, NULL);
}
