/*
 * members: see the header.
 */
#include "run/members.h"

void
nm_members_add(struct nm_members *members, int64_t ordinal)
{
	uint64_t gap = (uint64_t)(ordinal - members->next);

	while (gap >= 0x80) {
		nm_buf_add_byte(&members->bytes, (char)(gap | 0x80));
		gap >>= 7;
	}
	nm_buf_add_byte(&members->bytes, (char)gap);
	members->next = ordinal + 1;
	members->count++;
}

void
nm_members_clear(struct nm_members *members)
{
	nm_buf_clear(&members->bytes);
	members->next = 0;
	members->count = 0;
}

void
nm_members_release(struct nm_members *members)
{
	nm_buf_release(&members->bytes);
	memset(members, 0, sizeof(*members));
}

void
nm_members_walk_init(struct nm_members_walk *walk, int64_t first,
                     int64_t count, struct nm_text bytes)
{
	walk->bytes = bytes;
	walk->at = 0;
	walk->next = bytes.len ? 0 : first;
	walk->left = count;
}

static bool
read_gap(struct nm_members_walk *walk, uint64_t *gap)
{
	unsigned shift;

	*gap = 0;
	for (shift = 0; walk->at < walk->bytes.len && shift < 63; shift += 7) {
		unsigned char byte = (unsigned char)walk->bytes.at[walk->at++];

		*gap |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

int64_t
nm_members_walk_next(struct nm_members_walk *walk)
{
	uint64_t gap = 0;
	int64_t ordinal;

	if (walk->left <= 0)
		return -1;
	if (walk->bytes.len && !read_gap(walk, &gap))
		return -1;
	walk->left--;
	ordinal = walk->next + (int64_t)gap;
	walk->next = ordinal + 1;
	return ordinal;
}
