/*
 * map: id -> number, exact (keys are kept and compared), seeded hash.
 * A zeroed nm_map is empty and ready. Exhausted memory aborts.
 * 23 to 46 bytes a key besides the key's own bytes.
 */
#ifndef NM_BASE_MAP_H
#define NM_BASE_MAP_H

#include "base/buf.h"

struct nm_map_slot;

struct nm_map {
	struct nm_map_slot *slots;
	size_t              n_slots; /* a power of two, or 0 */
	size_t              count;   /* keys held */
	struct nm_buf       keys;    /* their bytes, one after the other */
	uint64_t            seed;    /* 0 until the first key */
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

/* The hash itself, for tables of another shape: 64 bits, seeded. */
uint64_t nm_hash(uint64_t seed, const void *bytes, size_t len);

#endif
