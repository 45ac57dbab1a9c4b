/*
 * map_hash: SipHash-2-4; see map.h.
 */
#include "base/map.h"

#include <endian.h>

static uint64_t
turn(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void
mix(uint64_t v[4], int rounds)
{
	while (rounds--) {
		v[0] += v[1];
		v[2] += v[3];
		v[1] = turn(v[1], 13) ^ v[0];
		v[3] = turn(v[3], 16) ^ v[2];
		v[0] = turn(v[0], 32) + v[3];
		v[2] += v[1];
		v[3] = turn(v[3], 21) ^ v[0];
		v[1] = turn(v[1], 17) ^ v[2];
		v[2] = turn(v[2], 32);
	}
}

/* Up to 8 bytes as a number, the first one lowest on any machine. */
static uint64_t
word_of(const char *at, size_t len)
{
	uint64_t word = 0;

	if (len)
		memcpy(&word, at, len);
	return le64toh(word);
}

static inline void
take(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	mix(v, 2);
	v[0] ^= word;
}

void
nm_hash_keyed(const uint64_t key[2], struct nm_text text, uint64_t out[2])
{
	uint64_t v[4] = { key[0] ^ 0x736f6d6570736575u,
	                  key[1] ^ 0x646f72616e646f6du ^ 0xee,
	                  key[0] ^ 0x6c7967656e657261u,
	                  key[1] ^ 0x7465646279746573u };
	const char *at = text.len ? text.at : "";
	size_t whole = text.len & ~(size_t)7, i;

	for (i = 0; i < whole; i += 8)
		take(v, word_of(at + i, 8));
	take(v, (uint64_t)text.len << 56 |
	        word_of(at + whole, text.len - whole));
	v[2] ^= 0xee;
	mix(v, 4);
	out[0] = v[0] ^ v[1] ^ v[2] ^ v[3];
	v[1] ^= 0xdd;
	mix(v, 4);
	out[1] = v[0] ^ v[1] ^ v[2] ^ v[3];
}
