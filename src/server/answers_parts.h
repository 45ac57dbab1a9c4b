/*
 * answers_parts: what an answer key's own files share: how a question is kept, and
 * known again. For them only.
 */
#ifndef NM_SERVER_ANSWERS_PARTS_H
#define NM_SERVER_ANSWERS_PARTS_H

#include <string.h>

#include "server/answers.h"

/* A file of the key; its bytes stand behind those of the files before it. */
struct nm_answers_file {
	int      fd;
	uint64_t base;
};

/*
 * One question. Invariant: tag 0 means that the slot is free. `same` is of its
 * answers: what stands twice in every word is kept once.
 */
struct nm_answers_slot {
	uint64_t tag   : 24; /* of the question's hash */
	uint64_t place : 40; /* where its line begins */
	uint32_t same;
} __attribute__((packed, aligned(4)));

enum {
	NM_ANSWERS_START_BYTES = 8, /* of a question, looked up at each place of a
	                               prompt */
	NM_ANSWERS_START_BITS = 20
};

static inline uint64_t
nm_answers_start(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return (word * UINT64_C(0x9e3779b97f4a7c15)) >>
	       (64 - NM_ANSWERS_START_BITS);
}

static inline bool
nm_answers_has(const uint64_t *set, uint64_t at)
{
	return set[at >> 6] >> (at & 63) & 1;
}

/* Grows byte by byte, so that each beginning of a text has its hash at once. */
static inline uint64_t
nm_answers_hash_on(uint64_t hash, char byte)
{
	return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

static inline uint64_t
nm_answers_hash(struct nm_text text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.len; i++)
		hash = nm_answers_hash_on(hash, text.at[i]);
	return hash;
}

static inline uint64_t
nm_answers_mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

static inline uint32_t
nm_answers_tag(uint64_t mixed)
{
	uint32_t tag = (uint32_t)(mixed >> 40);

	return tag ? tag : 1;
}

#endif
