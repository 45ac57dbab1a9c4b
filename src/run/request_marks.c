/*
 * request_marks: see the header.
 */
#include "run/request_marks.h"

#include <stdlib.h>

#include "base/digest.h"
#include "base/map.h"

enum { ROOM = 16 };

static bool
is_full(uint64_t n)
{
	return n >= ROOM && (n & (n - 1)) == 0;
}

/* Room for twice as many, when n fill what there is. */
static void *
grow(void *list, uint64_t n, size_t size)
{
	uint64_t room = n < ROOM ? ROOM : 2 * n;

	list = realloc(list, room * size);
	if (!list)
		nm_die("out of memory");
	return list;
}

/* Only where blank lines stand between do numbers differ from ordinals. */
static void
add_number(struct nm_request_marks *marks, uint64_t number)
{
	uint64_t n = marks->n, i;

	if (!marks->numbers && number == n + 1)
		return;
	if (!marks->numbers) {
		uint64_t room = ROOM;

		while (room <= n)
			room *= 2;
		marks->numbers = grow(NULL, room / 2, sizeof(*marks->numbers));
		for (i = 0; i < n; i++)
			marks->numbers[i] = (uint32_t)i + 1;
	} else if (is_full(n)) {
		marks->numbers = grow(marks->numbers, n,
		                      sizeof(*marks->numbers));
	}
	marks->numbers[n] = (uint32_t)number;
}

static uint64_t
hash_of(const struct nm_request_marks *marks, const struct nm_line *line)
{
	return nm_hash(marks->seed, line->at, line->len);
}

void
nm_request_marks_add(struct nm_request_marks *marks, const struct nm_line *line)
{
	uint64_t n = marks->n;

	if (!n)
		nm_digest_random(&marks->seed, sizeof(marks->seed));
	if (!n || is_full(n))
		marks->hashes = grow(marks->hashes, n, sizeof(*marks->hashes));
	marks->hashes[n] = hash_of(marks, line);
	add_number(marks, line->number);
	marks->n++;
}

bool
nm_request_marks_know(const struct nm_request_marks *marks, uint64_t ordinal,
                      const struct nm_line *line)
{
	return ordinal < marks->n &&
	       marks->hashes[ordinal] == hash_of(marks, line);
}

uint64_t
nm_request_marks_number(const struct nm_request_marks *marks, uint64_t ordinal)
{
	return marks->numbers ? marks->numbers[ordinal] : ordinal + 1;
}

void
nm_request_marks_release(struct nm_request_marks *marks)
{
	free(marks->numbers);
	free(marks->hashes);
	memset(marks, 0, sizeof(*marks));
}
