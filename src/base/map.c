/*
 * map: see map.h. Open addressing, linear probing; a slot keeps 96 bits of its key's
 * hash, some of which also place it.
 */
#include "base/map.h"

#include <stdlib.h>

#include "base/digest.h"

enum { FIRST_SLOTS = 64 };

struct nm_map_slot {
	uint64_t tag; /* of the hash; 0 = free */
	uint32_t more; /* of it */
	uint32_t value;
};

static uint64_t
fold(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
read_word(const unsigned char *at, size_t len)
{
	uint64_t word = 0;

	memcpy(&word, at, len);
	return word;
}

/*
 * Multiply-and-fold over 16 bytes a step. Both factors are mixed with what only
 * the seed tells, so that no chosen bytes make one of them zero.
 */
uint64_t
nm_hash(uint64_t seed, const void *bytes, size_t len)
{
	const unsigned char *at = bytes;
	uint64_t secret = fold(seed ^ 0x9e3779b97f4a7c15u, 0xd6e8feb86659fd93u);
	uint64_t state = seed ^ (secret << 32 | secret >> 32);
	uint64_t a = 0, b = 0;
	size_t left = len;

	for (; left > 16; left -= 16, at += 16)
		state = fold(read_word(at, 8) ^ secret,
		             read_word(at + 8, 8) ^ state);
	if (left >= 8) {
		a = read_word(at, 8);
		b = read_word(at + left - 8, 8);
	} else if (left) {
		a = read_word(at, left);
	}
	state = fold(a ^ secret, b ^ state ^ len);
	return fold(state ^ secret, 0xa0761d6478bd642fu);
}

/* A slot for the key as yet without a value. */
static struct nm_map_slot
mark_of(const struct nm_map *map, struct nm_text key)
{
	uint64_t hash[2];

	nm_hash_keyed(map->key, key, hash);
	return (struct nm_map_slot){ .tag = hash[0] ? hash[0] : 1,
	                             .more = (uint32_t)hash[1] };
}

/* The slot that holds the key, or the free one where it belongs. */
static struct nm_map_slot *
slot_of(const struct nm_map *map, struct nm_map_slot mark)
{
	size_t mask = map->n_slots - 1;

	for (size_t i = mark.tag & mask;; i = (i + 1) & mask) {
		struct nm_map_slot *slot = &map->slots[i];

		if (slot->tag == 0
		    || (slot->tag == mark.tag && slot->more == mark.more))
			return slot;
	}
}

static void
grow(struct nm_map *map)
{
	size_t n_slots = map->n_slots ? map->n_slots * 2 : FIRST_SLOTS;
	struct nm_map_slot *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		nm_die("out of memory");
	for (size_t i = 0; i < map->n_slots; i++) {
		const struct nm_map_slot *old = &map->slots[i];
		size_t to = old->tag & (n_slots - 1);

		if (old->tag == 0)
			continue;
		while (slots[to].tag)
			to = (to + 1) & (n_slots - 1);
		slots[to] = *old;
	}
	free(map->slots);
	map->slots = slots;
	map->n_slots = n_slots;
}

static void
fill(struct nm_map *map, struct nm_map_slot *slot, struct nm_map_slot mark,
     uint32_t value)
{
	*slot = mark;
	slot->value = value;
	map->count++;
}

/* Room for one key more: at most 7 of 10 slots are taken. */
static void
prepare(struct nm_map *map)
{
	while (!map->key[0] && !map->key[1])
		nm_digest_random(map->key, sizeof(map->key));
	if ((map->count + 1) * 10 > map->n_slots * 7)
		grow(map);
}

int
nm_map_add(struct nm_map *map, struct nm_text key, uint32_t *value)
{
	struct nm_map_slot mark, *slot;

	prepare(map);
	mark = mark_of(map, key);
	slot = slot_of(map, mark);
	if (slot->tag) {
		*value = slot->value;
		return NM_MAP_KNOWN;
	}
	fill(map, slot, mark, *value);
	return NM_MAP_NEW;
}

int
nm_map_find(const struct nm_map *map, struct nm_text key, uint32_t *value)
{
	const struct nm_map_slot *slot;

	if (map->count == 0)
		return NM_MAP_NEW;
	slot = slot_of(map, mark_of(map, key));
	if (slot->tag == 0)
		return NM_MAP_NEW;
	*value = slot->value;
	return NM_MAP_KNOWN;
}

void
nm_map_set(struct nm_map *map, struct nm_text key, uint32_t value)
{
	struct nm_map_slot mark, *slot;

	prepare(map);
	mark = mark_of(map, key);
	slot = slot_of(map, mark);
	if (slot->tag)
		slot->value = value;
	else
		fill(map, slot, mark, value);
}

void
nm_map_clear(struct nm_map *map)
{
	if (map->slots)
		memset(map->slots, 0, map->n_slots * sizeof(*map->slots));
	map->count = 0;
}

void
nm_map_release(struct nm_map *map)
{
	if (!map)
		return;
	free(map->slots);
	*map = (struct nm_map){ 0 };
}
