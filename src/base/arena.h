/*
 * arena: many small things with one lifetime.
 * A zeroed nm_arena is empty and ready. Exhausted memory aborts.
 * Knows nothing of the things.
 */
#ifndef NM_BASE_ARENA_H
#define NM_BASE_ARENA_H

#include "base/buf.h"

struct nm_arena_block;

struct nm_arena {
	struct nm_arena_block *newest;
	size_t                 bytes; /* held from the system, all blocks */
};

/* Zeroed memory, aligned for any type; lives until clear or release. */
void *nm_arena_new(struct nm_arena *arena, size_t bytes);

/* As nm_arena_new, but holding whatever was there. */
void *nm_arena_room(struct nm_arena *arena, size_t bytes);

/* As nm_arena_new for `count` things of `size` bytes; overflow aborts. */
void *nm_arena_array(struct nm_arena *arena, size_t count, size_t size);

/*
 * A list of *room things of `size` bytes, moved to where there is room for twice as
 * many, the new ones zeroed; *room says how many then: 16 of an empty list (NULL, 0).
 * The memory of the old one is the arena's until its end.
 */
void *nm_arena_grow(struct nm_arena *arena, const void *list, size_t *room,
                    size_t size);

/* A copy with a NUL after it. */
struct nm_text nm_arena_text(struct nm_arena *arena, struct nm_text text);
char *nm_arena_string(struct nm_arena *arena, const char *string);
char *nm_arena_printf(struct nm_arena *arena, const char *format, ...)
	NM_PRINTF(2, 3);

/* Ends all lifetimes, keeps one block for reuse. */
void nm_arena_clear(struct nm_arena *arena);
void nm_arena_release(struct nm_arena *arena);

#endif
