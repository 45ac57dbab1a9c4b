/* pile: pieces are read back whole, wherever they stand by then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>

#include "run/pile.h"

enum { PIECES = 20000, STEP = 7919 }; /* a prime, so that it visits all */

struct place {
	uint64_t from;
	size_t   len;
};

/* Piece i: its number, and after it so many more bytes as tell of it. */
static void
compose(struct nm_buf *out, size_t i)
{
	nm_buf_addf(out, "%zu:", i);
	for (size_t left = i % 97; left; left--)
		nm_buf_add_byte(out, (char)('a' + i % 26));
	if (i == PIECES / 2) /* larger than what is read ahead */
		for (size_t left = 600000; left; left--)
			nm_buf_add_byte(out, 'x');
}

static void
check(struct nm_pile *pile, const struct place *places, size_t i)
{
	struct nm_buf wanted = { 0 };
	const char *bytes;
	struct nm_err err;

	compose(&wanted, i);
	assert_int_equal(nm_pile_read(pile, places[i].from, places[i].len,
	                              &bytes, &err), NM_OK);
	assert_int_equal(places[i].len, wanted.len);
	if (memcmp(bytes, wanted.at, wanted.len) != 0)
		fail_msg("piece %zu is another", i);
	nm_buf_release(&wanted);
}

static void
pieces(void **state)
{
	struct place *places = calloc(PIECES, sizeof(*places));
	struct nm_pile pile = { 0 };
	struct nm_buf piece = { 0 };
	struct nm_err err;
	size_t i, k;

	(void)state;
	assert_non_null(places);
	nm_buf_add_string(&pile.folder, "/tmp");
	for (i = 0; i < PIECES; i++) {
		places[i].from = nm_pile_end(&pile);
		nm_buf_clear(&piece);
		compose(&piece, i);
		places[i].len = piece.len;
		assert_int_equal(nm_pile_add(&pile, nm_buf_text(&piece), &err),
		                 NM_OK);
	}
	assert_true(pile.written > 0 && pile.pending.len > 0);
	for (i = 0; i < PIECES; i++)
		check(&pile, places, i);
	for (i = 0, k = 0; i < PIECES; i++, k = (k + STEP) % PIECES)
		check(&pile, places, k);
	for (i = PIECES; i-- > 0;)
		check(&pile, places, i);
	nm_pile_release(&pile);
	nm_pile_release(&pile);
	nm_buf_release(&piece);
	free(places);
}

static void
no_folder(void **state)
{
	struct nm_pile pile = { 0 };
	struct nm_buf piece = { 0 };
	struct nm_err err;

	(void)state;
	nm_buf_add_string(&pile.folder, "/tmp/there/is/none");
	compose(&piece, 1);
	assert_int_equal(nm_pile_add(&pile, nm_buf_text(&piece), &err), NM_OK);
	compose(&piece, PIECES / 2);
	assert_int_equal(nm_pile_add(&pile, nm_buf_text(&piece), &err), NM_IO);
	nm_buf_release(&piece);
	nm_pile_release(&pile);
}

/* Whose disk it is that is full is told by the folder. */
static void
full_disk(void **state)
{
	struct rlimit before, small;
	struct nm_pile pile = { 0 };
	struct nm_buf piece = { 0 };
	struct nm_err err;
	enum nm_code rc;

	(void)state;
	nm_buf_add_string(&pile.folder, "/tmp/");
	compose(&piece, PIECES / 2);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 1000;
	setrlimit(RLIMIT_FSIZE, &small);
	rc = nm_pile_add(&pile, nm_buf_text(&piece), &err);
	setrlimit(RLIMIT_FSIZE, &before);
	assert_int_equal(rc, NM_IO);
	assert_string_equal(err.text, "cannot write in /tmp/: File too large");
	nm_buf_release(&piece);
	nm_pile_release(&pile);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces),
		cmocka_unit_test(no_folder),
		cmocka_unit_test(full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
