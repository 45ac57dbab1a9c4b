/*
 * feed: see the header.
 */
#include "run/feed.h"

void
nm_feed_init(struct nm_feed *feed, struct nm_source *source,
             const struct nm_shard_record *shard)
{
	*feed = (struct nm_feed){ .source = source, .shard = shard };
	nm_members_walk_init(&feed->walk, shard->first, shard->count,
	                     shard->members);
}

enum nm_code
nm_feed_rewind(void *user, struct nm_err *err)
{
	struct nm_feed *feed = user;

	(void)err;
	nm_feed_init(feed, feed->source, feed->shard);
	return NM_OK;
}

/* 1 = there is a line, 0 = there are no more, -1 = err. */
static int
next_line(struct nm_feed *feed, struct nm_err *err)
{
	struct nm_source_item item;
	int64_t ordinal = nm_members_walk_next(&feed->walk);

	if (ordinal < 0)
		return 0;
	if (nm_source_seek(feed->source, ordinal, &item, err))
		return -1;
	feed->left = item.line;
	return 1;
}

/*
 * The service is told the length before the first byte, from the plan: a shard that
 * ended elsewhere would be cut within a line, or waited for in vain.
 */
static int
ends_as_planned(const struct nm_feed *feed, struct nm_err *err)
{
	const struct nm_shard_record *shard = feed->shard;
	int at_end = !feed->left.len && !feed->walk.left;

	if (at_end ? feed->given == shard->bytes : feed->given < shard->bytes)
		return 1;
	nm_fail(err, NM_INPUT, 0, "the requests of shard %lld are not the %lld"
	        " bytes that were planned: the questions have changed",
	        (long long)shard->number, (long long)shard->bytes);
	return 0;
}

ssize_t
nm_feed_read(void *user, char *out, size_t room, struct nm_err *err)
{
	struct nm_feed *feed = user;
	size_t given = 0;

	while (given < room) {
		size_t part;

		if (!feed->left.len) {
			int some = next_line(feed, err);

			if (some < 0)
				return -1;
			if (!some)
				break;
		}
		part = room - given < feed->left.len ? room - given
		                                     : feed->left.len;
		memcpy(out + given, feed->left.at, part);
		feed->left.at += part;
		feed->left.len -= part;
		given += part;
	}
	feed->given += (int64_t)given;
	return ends_as_planned(feed, err) ? (ssize_t)given : -1;
}
