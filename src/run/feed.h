/*
 * feed: a shard's lines as a transfer wants them, so many bytes at a time, composed
 * as they are read (run/source.h). Holds them to the length that the plan counted.
 * Knows nothing of the transfer.
 *
 * Calling sequence: init, read until 0; rewind and again. The two fit into a
 * struct nm_http_source, whose user is the feed.
 */
#ifndef NM_RUN_FEED_H
#define NM_RUN_FEED_H

#include <sys/types.h>

#include "run/members.h"
#include "run/source.h"
#include "state/shards.h"

struct nm_feed {
	struct nm_source             *source;
	const struct nm_shard_record *shard;
	struct nm_members_walk        walk;
	struct nm_text                left;  /* of the line begun last */
	int64_t                       given; /* bytes so far */
};

/* Both are borrowed. */
void nm_feed_init(struct nm_feed *feed, struct nm_source *source,
                  const struct nm_shard_record *shard);

/*
 * Writes up to `room` of the next bytes to out; returns how many, 0 at the end.
 * -1 and err: errors of the source, and NM_INPUT when the lines do not end at the
 * shard's bytes, neither before nor behind.
 */
ssize_t nm_feed_read(void *feed, char *out, size_t room, struct nm_err *err);

/* Back to the first byte. Never fails. */
enum nm_code nm_feed_rewind(void *feed, struct nm_err *err);

#endif
