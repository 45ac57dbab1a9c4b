/* map: keyed, cheap, whatever the keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <malloc.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/map.h"

static void
add_find_set(void **state)
{
	static const struct {
		char        verb; /* add, find, set */
		const char *key;
		size_t      len;
		uint32_t    value;
		int         known;
		uint32_t    after;
		const char *why;
	} rows[] = {
		{ 'f', "a", 1, 9, NM_MAP_NEW, 9, "an empty map knows nothing" },
		{ 'a', "a", 1, 1, NM_MAP_NEW, 1, "first" },
		{ 'a', "a", 1, 2, NM_MAP_KNOWN, 1, "the first value stays" },
		{ 'a', "", 0, 3, NM_MAP_NEW, 3, "the empty key is a key" },
		{ 'a', "\0", 1, 4, NM_MAP_NEW, 4, "and NUL is another" },
		{ 'a', "\0\0", 2, 5, NM_MAP_NEW, 5, "and two of them" },
		{ 'f', "", 0, 0, NM_MAP_KNOWN, 3, "empty key found" },
		{ 'f', "\0", 1, 0, NM_MAP_KNOWN, 4, "NUL found" },
		{ 's', "a", 1, UINT32_MAX, NM_MAP_KNOWN, 0, "set known" },
		{ 'f', "a", 1, 0, NM_MAP_KNOWN, UINT32_MAX, "largest value" },
		{ 's', "b", 1, 0, NM_MAP_NEW, 0, "set new" },
		{ 'f', "b", 1, 7, NM_MAP_KNOWN, 0, "zero is a value" },
		{ 'f', "A", 1, 7, NM_MAP_NEW, 7, "keys are bytes" },
	};
	struct nm_map map = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct nm_text key = { rows[i].key, rows[i].len };
		uint32_t value = rows[i].value;
		int known = rows[i].known;

		if (rows[i].verb == 'a')
			known = nm_map_add(&map, key, &value);
		else if (rows[i].verb == 'f')
			known = nm_map_find(&map, key, &value);
		else
			nm_map_set(&map, key, value);
		if (known != rows[i].known
		    || (rows[i].verb != 's' && value != rows[i].after))
			fail_msg("%s: value %u", rows[i].why, value);
	}
	assert_int_equal(map.count, 5);
	nm_map_release(&map);
}

static struct nm_text
key_of(char *text, size_t size, uint32_t i)
{
	int len = snprintf(text, size, "batch-%u-%0*u", i, (int)(i % 40), i);

	return (struct nm_text){ text, (size_t)len };
}

static void
many(void **state)
{
	enum { COUNT = 50000 };
	struct nm_map map = { 0 };
	char text[80];
	uint32_t value;

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 0; i < COUNT; i++) {
			value = i;
			assert_int_equal(
				nm_map_add(&map, key_of(text, sizeof(text), i),
			                   &value),
				NM_MAP_NEW);
		}
		assert_int_equal(map.count, COUNT);
		assert_true(map.count * 10 <= map.n_slots * 7);
		for (uint32_t i = 0; i < 2 * COUNT; i++) {
			int known = nm_map_find(
				&map, key_of(text, sizeof(text), i), &value);

			assert_int_equal(known, i < COUNT);
			if (known)
				assert_int_equal(value, i);
		}
		nm_map_clear(&map);
		assert_int_equal(nm_map_find(&map,
		                             key_of(text, sizeof(text), 1),
		                             &value),
		                 NM_MAP_NEW);
	}
	nm_map_release(&map);
	nm_map_release(NULL);
}

/* What libcrypto makes of it. */
static void
siphash(EVP_MAC *mac, const uint64_t key[2], struct nm_text text,
        uint64_t out[2])
{
	size_t want = 16, len;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_size_t(OSSL_MAC_PARAM_SIZE, &want),
		OSSL_PARAM_construct_end(),
	};
	EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);

	assert_true(EVP_MAC_init(context, (const unsigned char *)key, 16,
	                         params));
	assert_true(EVP_MAC_update(context, (const unsigned char *)text.at,
	                           text.len));
	assert_true(EVP_MAC_final(context, (unsigned char *)out, &len, 16));
	assert_int_equal(len, 16);
	EVP_MAC_CTX_free(context);
}

static void
keyed_hash_is_siphash(void **state)
{
	static const uint64_t key[2] = { 0x0706050403020100u,
	                                 0x0f0e0d0c0b0a0908u };
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	uint64_t ours[2], theirs[2];
	char bytes[300];

	(void)state;
	assert_non_null(mac);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 37);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		nm_hash_keyed(key, (struct nm_text){ bytes, len }, ours);
		siphash(mac, key, (struct nm_text){ bytes, len }, theirs);
		assert_memory_equal(ours, theirs, sizeof(ours));
	}
	nm_hash_keyed(key, (struct nm_text){ NULL, 0 }, theirs);
	nm_hash_keyed(key, (struct nm_text){ bytes, 0 }, ours);
	assert_memory_equal(ours, theirs, sizeof(ours));
	EVP_MAC_free(mac);
}

/* A key is as long as it likes, and takes no more memory for that. */
static void
long_keys(void **state)
{
	enum { COUNT = 1000, LEN = 100000 };
	char *text = calloc(1, LEN);
	struct nm_map map = { 0 };
	size_t before;

	(void)state;
	assert_non_null(text);
	before = mallinfo2().uordblks;
	for (uint32_t i = 0; i < COUNT; i++) {
		uint32_t value = i;

		(void)snprintf(text + LEN - 8, 8, "%u", i);
		assert_int_equal(nm_map_add(&map, (struct nm_text){ text, LEN },
		                            &value), NM_MAP_NEW);
	}
	assert_true(mallinfo2().uordblks - before < COUNT * 50);
	nm_map_release(&map);
	free(text);
}

static void
two_maps_two_keys(void **state)
{
	struct nm_map a = { 0 }, b = { 0 };

	(void)state;
	nm_map_set(&a, NM_TEXT("x"), 1);
	nm_map_set(&b, NM_TEXT("x"), 1);
	assert_true(a.key[0] && b.key[0] && a.key[0] != b.key[0]);
	assert_true(a.key[1] && b.key[1] && a.key[1] != b.key[1]);
	nm_map_release(&a);
	nm_map_release(&b);
}

static int
n_bits(uint64_t word)
{
	return __builtin_popcountll(word);
}

/* Each input bit, at each length, turns about half of the output's bits. */
static void
hash_spreads(void **state)
{
	unsigned char bytes[40] = { 0 };

	(void)state;
	for (size_t len = 1; len <= sizeof(bytes); len++) {
		long turned = 0, tried = 0;

		for (uint64_t seed = 1; seed < 9; seed++) {
			uint64_t plain = nm_hash(seed, bytes, len);

			for (size_t bit = 0; bit < len * 8; bit++) {
				unsigned char mask =
					(unsigned char)(1u << bit % 8);

				bytes[bit / 8] ^= mask;
				turned += n_bits(plain ^
				                 nm_hash(seed, bytes, len));
				bytes[bit / 8] ^= mask;
				tried++;
			}
		}
		assert_in_range(turned * 10 / tried, 295, 345);
	}
}

static void
hash_tells_apart(void **state)
{
	static const unsigned char zeros[64];

	(void)state;
	for (size_t a = 0; a <= sizeof(zeros); a++) {
		for (size_t b = 0; b < a; b++)
			assert_true(nm_hash(5, zeros, a)
			            != nm_hash(5, zeros, b));
		assert_true(nm_hash(5, zeros, a) != nm_hash(6, zeros, a));
	}
}

static void
hash_fills_evenly(void **state)
{
	enum { SLOTS = 256, EACH = 64 };
	int filled[SLOTS] = { 0 };
	char text[80];

	(void)state;
	for (uint32_t i = 0; i < SLOTS * EACH; i++) {
		struct nm_text key = key_of(text, sizeof(text), i);

		filled[nm_hash(77, key.at, key.len) >> 32 & (SLOTS - 1)]++;
	}
	for (int i = 0; i < SLOTS; i++)
		assert_in_range(filled[i], EACH / 3, EACH * 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(add_find_set),
		cmocka_unit_test(many),
		cmocka_unit_test(keyed_hash_is_siphash),
		cmocka_unit_test(long_keys),
		cmocka_unit_test(two_maps_two_keys),
		cmocka_unit_test(hash_spreads),
		cmocka_unit_test(hash_tells_apart),
		cmocka_unit_test(hash_fills_evenly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
