/*
 * map: see map.h. Open addressing, linear probing; a slot keeps 32 bits of its
 * key's hash, which also place it, so that growing never reads the keys again.
 */
#include "base/map.h"

#include <stdlib.h>

#include "base/digest.h"

enum { FIRST_SLOTS = 64 };

struct nm_map_slot {
	uint32_t tag; /* of the hash; 0 = free */
	uint32_t key_at;
	uint32_t key_len;
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

static uint32_t
tag_of(const struct nm_map *map, struct nm_text key)
{
	uint64_t hash = nm_hash(map->seed, key.at, key.len);
	uint32_t tag = (uint32_t)(hash >> 32);

	return tag ? tag : 1;
}

/* The slot that holds the key, or the free one where it belongs. */
static struct nm_map_slot *
slot_of(const struct nm_map *map, struct nm_text key, uint32_t tag)
{
	size_t mask = map->n_slots - 1;

	for (size_t i = tag & mask;; i = (i + 1) & mask) {
		struct nm_map_slot *slot = &map->slots[i];

		if (slot->tag == 0)
			return slot;
		if (slot->tag == tag && slot->key_len == key.len
		    && (key.len == 0 || !memcmp(map->keys.at + slot->key_at,
		                                key.at, key.len)))
			return slot;
	}
}

static void
grow(struct nm_map *map)
{
	size_t n_slots = map->n_slots ? map->n_slots * 2 : FIRST_SLOTS;
	struct nm_map_slot *slots = calloc(n_slots, sizeof(*slots));

	/* Tags place slots, and have 32 bits. */
	if (!slots || n_slots > (size_t)UINT32_MAX + 1)
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
fill(struct nm_map *map, struct nm_map_slot *slot, struct nm_text key,
     uint32_t tag, uint32_t value)
{
	*slot = (struct nm_map_slot){
		.tag = tag,
		.key_at = (uint32_t)map->keys.len,
		.key_len = (uint32_t)key.len,
		.value = value,
	};
	nm_buf_add_text(&map->keys, key);
	if (map->keys.over)
		nm_die("out of memory: a map's keys pass 4 GiB");
	map->count++;
}

/* Room for one key more: at most 7 of 10 slots are taken. */
static void
prepare(struct nm_map *map)
{
	while (map->seed == 0)
		nm_digest_random(&map->seed, sizeof(map->seed));
	map->keys.max = UINT32_MAX;
	if ((map->count + 1) * 10 > map->n_slots * 7)
		grow(map);
}

int
nm_map_add(struct nm_map *map, struct nm_text key, uint32_t *value)
{
	struct nm_map_slot *slot;
	uint32_t tag;

	prepare(map);
	tag = tag_of(map, key);
	slot = slot_of(map, key, tag);
	if (slot->tag) {
		*value = slot->value;
		return NM_MAP_KNOWN;
	}
	fill(map, slot, key, tag, *value);
	return NM_MAP_NEW;
}

int
nm_map_find(const struct nm_map *map, struct nm_text key, uint32_t *value)
{
	const struct nm_map_slot *slot;

	if (map->count == 0)
		return NM_MAP_NEW;
	slot = slot_of(map, key, tag_of(map, key));
	if (slot->tag == 0)
		return NM_MAP_NEW;
	*value = slot->value;
	return NM_MAP_KNOWN;
}

void
nm_map_set(struct nm_map *map, struct nm_text key, uint32_t value)
{
	struct nm_map_slot *slot;
	uint32_t tag;

	prepare(map);
	tag = tag_of(map, key);
	slot = slot_of(map, key, tag);
	if (slot->tag)
		slot->value = value;
	else
		fill(map, slot, key, tag, value);
}

void
nm_map_clear(struct nm_map *map)
{
	if (map->slots)
		memset(map->slots, 0, map->n_slots * sizeof(*map->slots));
	map->count = 0;
	nm_buf_clear(&map->keys);
}

void
nm_map_release(struct nm_map *map)
{
	if (!map)
		return;
	free(map->slots);
	nm_buf_release(&map->keys);
	*map = (struct nm_map){ 0 };
}
