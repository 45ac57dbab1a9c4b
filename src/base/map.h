/*
 * map: id -> number, by a keyed hash. A zeroed nm_map is empty and ready. Exhausted
 * memory aborts. Must not know what the ids are of.
 *
 * Keys are not kept: 96 bits of a hash whose key is drawn for each map tell them
 * apart. Among a million keys two are taken for one with a chance of 2^-57, chosen by
 * whomever. So a key takes 23 to 46 bytes, however long it is.
 */
#ifndef NM_BASE_MAP_H
#define NM_BASE_MAP_H

#include "base/buf.h"

struct nm_map_slot;

struct nm_map {
	struct nm_map_slot *slots;
	size_t              n_slots; /* a power of two, or 0 */
	size_t              count;   /* keys held */
	uint64_t            key[2];  /* of the hash; 0 until the first key came */
};

enum { NM_MAP_NEW = 0, NM_MAP_KNOWN = 1 };

/*
 * Adds key -> value, unless the key is known: then *value becomes the value it
 * has. Returns NM_MAP_NEW or NM_MAP_KNOWN. value is at most UINT32_MAX.
 */
int nm_map_add(struct nm_map *map, struct nm_text key, uint32_t *value);

/* Looks a key up; NM_MAP_KNOWN sets *value. */
int nm_map_find(const struct nm_map *map, struct nm_text key,
                uint32_t *value);

/* Sets the value of a key, new or known. */
void nm_map_set(struct nm_map *map, struct nm_text key, uint32_t value);

void nm_map_clear(struct nm_map *map);
void nm_map_release(struct nm_map *map);

/*
 * SipHash-2-4 with 128 bits, by which a map tells its keys apart: whoever does not know
 * the key cannot make two texts that share them.
 * Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012), and their
 * reference code for the longer output.
 */
void nm_hash_keyed(const uint64_t key[2], struct nm_text text, uint64_t out[2]);

/* A quick hash for tables of another shape, and for drawing: 64 bits, seeded. */
uint64_t nm_hash(uint64_t seed, const void *bytes, size_t len);

#endif
