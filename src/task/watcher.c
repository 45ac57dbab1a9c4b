/*
 * watcher: see the header.
 */
#include "task/watcher.h"

#include "cli/progress.h"

enum { PARTS_MAX = 64 }; /* a terminal has no room for more */

static void
show_note(void *user, const char *text)
{
	nm_message_note(user, "%s", text);
}

static void
show_warning(void *user, const char *text)
{
	nm_message_warn(user, "%s", text);
}

static void
add_rest(struct nm_progress_part *last, const struct nm_part *part)
{
	last->name = "others";
	last->done += (uint64_t)part->done;
	last->failed += (uint64_t)part->failed;
	last->total += (uint64_t)part->total;
}

static void
show_progress(void *user, const struct nm_part *parts, size_t n_parts)
{
	struct nm_message *message = user;
	struct nm_progress_part shown[PARTS_MAX];
	size_t i, n = 0;

	if (!message->live)
		return;
	for (i = 0; i < n_parts; i++) {
		const struct nm_part *part = &parts[i];

		if (n == PARTS_MAX) {
			add_rest(&shown[PARTS_MAX - 1], part);
			continue;
		}
		shown[n++] = (struct nm_progress_part){
			.name = n_parts > 1 ? part->name : NULL,
			.status = part->status && part->status[0]
			          ? part->status : "waiting to be sent",
			.done = (uint64_t)part->done,
			.failed = (uint64_t)part->failed,
			.total = (uint64_t)part->total,
		};
	}
	nm_progress_show(message->live, shown, n, NULL);
}

void
nm_watcher_init(struct nm_watch *watch, struct nm_message *message)
{
	*watch = (struct nm_watch){
		.note = show_note,
		.warn = show_warning,
		.progress = show_progress,
		.user = message,
	};
}
