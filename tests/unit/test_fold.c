/* test_fold: what str.lower() and str.strip() make of texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "eval/fold.h"

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void
lower_and_strip(void **state)
{
	static const struct {
		const char *given, *folded;
		size_t      points;
		const char *why;
	} rows[] = {
		{ "", "", 0, "nothing" },
		{ " \t\r\n\v\f", "", 0, "white space alone" },
		{ "The MATRIX ", "the matrix", 10, "ASCII" },
		{ "@[`{AZ", "@[`{az", 6, "letters' neighbours stay" },
		{ "\x1c\x1d" "a\x1e\x1f", "a", 1, "U+001C to U+001F" },
		{ "\xc2\x85\xc2\xa0" "a\xe3\x80\x80", "a", 1,
		  "U+0085, U+00A0, U+3000" },
		{ "\xe2\x80\x8b" "a", "\xe2\x80\x8b" "a", 2,
		  "U+200B is no white space" },
		{ "\xef\xbb\xbf" "a", "\xef\xbb\xbf" "a", 2, "nor is U+FEFF" },
		{ "\xe1\x9a\x80" "a\xe2\x80\x8a\xe2\x81\x9f", "a", 1,
		  "U+1680, U+200A, U+205F" },
		{ "a\xc2\xa0z", "a\xc2\xa0z", 3, "inner white space stays" },
		{ "ÉLAN", "élan", 4, "beyond ASCII" },
		{ "İ", "i\xcc\x87", 2, "one point becomes two" },
		{ "ẞ", "ß", 1, "capital sharp s" },
		{ "ǅ", "ǆ", 1, "title case" },
		{ "Σ", "σ", 1, "sigma alone: nothing before it" },
		{ "ΑΣ", "ας", 2, "final" },
		{ "ΑΣΑ", "ασα", 3, "within a word" },
		{ "ΑΣ Α", "ας α", 4, "a space ends the word" },
		{ "ΑΣ.Α", "ασ.α", 4, "a full stop is case-ignorable" },
		{ "Α.Σ", "α.ς", 3, "…both ways" },
		{ ".Σ", ".σ", 2, "ignorable alone is not enough" },
		{ "Α\xcd\x85Σ", "α\xcd\x85ς", 3,
		  "U+0345 is cased and ignorable: passed over" },
		{ "\xcd\x85Σ", "\xcd\x85σ", 2, "…and does not count as cased" },
		{ "ΑΣ\xca\xb0", "ας\xca\xb0", 3, "U+02B0 behind it likewise" },
		{ "ΣΣΣ", "σσς", 3, "sigmas are letters to each other" },
		{ "ΑΣ\xc2\xadΣ.", "ασ\xc2\xadς.", 5, "a soft hyphen between" },
		{ "1Σ", "1σ", 2, "a digit is not cased" },
		{ "a\xff" "B", "a\xef\xbf\xbd" "b", 3, "no UTF-8 becomes U+FFFD" },
		{ "𐐀", "𐐨", 1, "beyond the basic plane" },
	};
	struct nm_arena arena = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct nm_folded folded;

		nm_fold(&arena, nm_text_of(rows[i].given), &folded);
		if (!nm_text_is(folded.text, rows[i].folded)
		    || folded.n != rows[i].points)
			fail_msg("row %zu: %s: \"%.*s\", %zu points", i,
			         rows[i].why, NM_TEXT_ARGS(folded.text),
			         folded.n);
	}
	nm_arena_release(&arena);
}

static void
strip_lends_from_its_text(void **state)
{
	struct nm_text text = NM_TEXT("\xe3\x80\x80 a b \xc2\x85");
	struct nm_text cut = NM_TEXT("a\xe3\x80");
	struct nm_text stripped = nm_fold_strip(text);

	(void)state;
	assert_ptr_equal(stripped.at, text.at + 4);
	assert_int_equal(stripped.len, 3);
	assert_int_equal(nm_fold_strip(cut).len, 3);
	assert_int_equal(nm_fold_strip((struct nm_text){ 0 }).len, 0);
}

static void
sigmas_cost_no_square(void **state)
{
	enum { N = 200000 };
	struct nm_buf text = { 0 };
	struct nm_arena arena = { 0 };
	struct nm_folded folded;

	(void)state;
	nm_buf_add_string(&text, "a");
	for (int i = 0; i < N; i++)
		nm_buf_add_string(&text, i % 2 ? "." : "Σ");
	nm_fold(&arena, nm_buf_text(&text), &folded);
	assert_int_equal(folded.n, N + 1);
	assert_int_equal(folded.points[1], 0x3c3);
	assert_int_equal(folded.points[N - 1], 0x3c2);
	nm_arena_release(&arena);
	nm_buf_release(&text);
}

/* Any length, any byte of ASCII at any place; and one byte more that is not ASCII. */
static void
words_and_rests(void **state)
{
	struct nm_arena arena = { 0 };
	char text[48], lower[48];
	struct nm_folded folded;

	(void)state;
	for (size_t len = 1; len < 40; len++)
		for (unsigned first = 33; first < 127; first++) {
			for (size_t i = 0; i < len; i++) {
				text[i] = (char)('!' + (first + i * 31) % 94);
				lower[i] = text[i] >= 'A' && text[i] <= 'Z'
				         ? (char)(text[i] + 32) : text[i];
			}
			nm_fold(&arena, (struct nm_text){ text, len }, &folded);
			assert_int_equal(folded.n, len);
			assert_int_equal(folded.text.len, len);
			assert_memory_equal(folded.text.at, lower, len);
			assert_int_equal(folded.text.at[len], 0);
			assert_null(folded.points);
			memmove(text + len / 2 + 2, text + len / 2,
			        len - len / 2);
			text[len / 2] = '\xc3'; /* É */
			text[len / 2 + 1] = '\x89';
			nm_fold(&arena, (struct nm_text){ text, len + 2 },
			        &folded);
			assert_int_equal(folded.n, len + 1);
			assert_int_equal(folded.points[len / 2], 0xe9);
			assert_memory_equal(folded.text.at, lower, len / 2);
			nm_arena_clear(&arena);
		}
	nm_arena_release(&arena);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lower_and_strip),
		cmocka_unit_test(strip_lends_from_its_text),
		cmocka_unit_test(words_and_rests),
		cmocka_unit_test(sigmas_cost_no_square),
	};

	return cmocka_run_group_tests_name("fold", tests, NULL, NULL);
}
