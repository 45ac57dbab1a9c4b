#include "server/shuffle.h"

#include <errno.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/file.h"

enum { WINDOW_BYTES = 1 << 16 };

/* Where each line begins, and the end of the last: *count + 1 places. */
static enum nm_code
find_lines(int fd, struct nm_arena *arena, uint64_t **places, size_t *count,
           struct nm_err *err)
{
	struct nm_buf window = {0}, found = {0};
	uint64_t place = 0;
	ssize_t got;

	nm_buf_add(&found, &place, sizeof(place));
	while ((got = pread(fd, nm_buf_room(&window, WINDOW_BYTES), WINDOW_BYTES,
	                    (off_t)place)) > 0) {
		for (ssize_t i = 0; i < got; i++) {
			uint64_t next = place + (uint64_t)i + 1;

			if (window.at[i] == '\n')
				nm_buf_add(&found, &next, sizeof(next));
		}
		place += (uint64_t)got;
	}
	nm_buf_release(&window);
	*count = found.len / sizeof(place) - 1;
	*places = nm_arena_array(arena, *count + 1, sizeof(place));
	memcpy(*places, found.at, (*count + 1) * sizeof(place));
	nm_buf_release(&found);
	return got < 0 ? nm_fail(err, NM_IO, errno, "cannot read results: %s",
	                         strerror(errno)) : NM_OK;
}

static void
draw_order(size_t *order, size_t count, uint64_t seed)
{
	for (size_t i = 0; i < count; i++)
		order[i] = i;
	for (size_t i = count; i > 1; i--) {
		size_t j, kept = order[i - 1];

		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		j = (size_t)((seed >> 33) % i);
		order[i - 1] = order[j];
		order[j] = kept;
	}
}

enum nm_code
nm_shuffle_lines(int fd, const char *path, uint64_t seed, struct nm_err *err)
{
	struct nm_arena arena = {0};
	struct nm_draft draft = {0};
	uint64_t *places;
	size_t *order;
	size_t count;
	enum nm_code rc;

	rc = find_lines(fd, &arena, &places, &count, err);
	if (!rc)
		rc = nm_draft_open(&draft, path, 0600, err);
	if (rc)
		goto done;
	order = nm_arena_array(&arena, count + 1, sizeof(*order));
	draw_order(order, count, seed);
	for (size_t i = 0; i < count; i++)
		nm_draft_add_file(&draft, fd, places[order[i]],
		                  places[order[i] + 1] - places[order[i]]);
	rc = nm_draft_commit(&draft, err);
done:
	nm_draft_abandon(&draft);
	nm_arena_release(&arena);
	return rc;
}
