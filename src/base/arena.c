/*
 * arena: see arena.h.
 */
#include "base/arena.h"

#include <stdlib.h>

enum {
	ALIGN = _Alignof(max_align_t),
	BLOCK_MIN_BYTES = 4096,
	BLOCK_MAX_BYTES = 1 << 20,
	LIST_FIRST = 16
};

/* Invariant: used <= size; used is a multiple of ALIGN. */
struct nm_arena_block {
	struct nm_arena_block *older;
	size_t                 size;
	size_t                 used;
	_Alignas(max_align_t) char bytes[];
};

static struct nm_arena_block *
block_new(struct nm_arena *arena, size_t need)
{
	size_t size = arena->newest ? arena->newest->size * 2 : BLOCK_MIN_BYTES;
	struct nm_arena_block *block;

	if (size > BLOCK_MAX_BYTES)
		size = BLOCK_MAX_BYTES;
	if (size < need)
		size = need;
	block = malloc(sizeof(*block) + size);
	if (!block)
		nm_die("out of memory");
	block->older = arena->newest;
	block->size = size;
	block->used = 0;
	arena->newest = block;
	arena->bytes += sizeof(*block) + size;
	return block;
}

void *
nm_arena_room(struct nm_arena *arena, size_t bytes)
{
	struct nm_arena_block *block = arena->newest;
	void *at;

	if (bytes > SIZE_MAX / 2)
		nm_die("out of memory");
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!block || block->size - block->used < bytes)
		block = block_new(arena, bytes);
	at = block->bytes + block->used;
	block->used += bytes;
	return at;
}

void *
nm_arena_new(struct nm_arena *arena, size_t bytes)
{
	return memset(nm_arena_room(arena, bytes), 0, bytes);
}

void *
nm_arena_array(struct nm_arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		nm_die("out of memory");
	return nm_arena_new(arena, count * size);
}

void *
nm_arena_grow(struct nm_arena *arena, const void *list, size_t *room,
              size_t size)
{
	size_t count = *room ? 2 * *room : LIST_FIRST;
	void *moved;

	if (*room > SIZE_MAX / 2)
		nm_die("out of memory");
	moved = nm_arena_array(arena, count, size);
	if (*room)
		memcpy(moved, list, *room * size);
	*room = count;
	return moved;
}

struct nm_text
nm_arena_text(struct nm_arena *arena, struct nm_text text)
{
	char *copy;

	if (text.len == SIZE_MAX)
		nm_die("out of memory");
	copy = nm_arena_room(arena, text.len + 1);
	if (text.len)
		memcpy(copy, text.at, text.len);
	copy[text.len] = 0;
	return (struct nm_text){ copy, text.len };
}

char *
nm_arena_string(struct nm_arena *arena, const char *string)
{
	size_t size = string ? strlen(string) + 1 : 1;

	return memcpy(nm_arena_room(arena, size), string ? string : "", size);
}

char *
nm_arena_printf(struct nm_arena *arena, const char *format, ...)
{
	struct nm_buf text = { 0 };
	va_list args;
	char *at;

	va_start(args, format);
	nm_buf_addv(&text, format, args);
	va_end(args);
	if (text.over)
		nm_die("a text cannot be formatted");
	at = nm_arena_string(arena, nm_buf_string(&text));
	nm_buf_release(&text);
	return at;
}

static void
free_all(struct nm_arena_block *block)
{
	while (block) {
		struct nm_arena_block *older = block->older;

		free(block);
		block = older;
	}
}

void
nm_arena_clear(struct nm_arena *arena)
{
	struct nm_arena_block *kept = arena->newest;

	if (!kept)
		return;
	free_all(kept->older);
	kept->older = NULL;
	kept->used = 0;
	arena->bytes = sizeof(*kept) + kept->size;
}

void
nm_arena_release(struct nm_arena *arena)
{
	if (!arena)
		return;
	free_all(arena->newest);
	*arena = (struct nm_arena){ 0 };
}
