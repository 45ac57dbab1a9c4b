/*
 * watcher: see the header.
 */
#include "task/watcher.h"

#include <stdlib.h>

#include "cli/progress.h"

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

static struct nm_progress_part
shown_as(const struct nm_part *part)
{
	return (struct nm_progress_part){
		.name = part->name,
		.status = part->status && part->status[0]
		          ? part->status : "waiting to be sent",
		.done = (uint64_t)part->done,
		.failed = (uint64_t)part->failed,
		.total = (uint64_t)part->total,
	};
}

static void
show_progress(void *user, const struct nm_part *parts, size_t n_parts)
{
	struct nm_message *message = user;
	struct nm_progress_part *shown;
	size_t i;

	if (!message->live)
		return;
	shown = calloc(n_parts + 1, sizeof(*shown));
	if (!shown)
		abort();
	for (i = 0; i < n_parts; i++)
		shown[i] = shown_as(&parts[i]);
	if (n_parts == 1)
		shown->name = NULL;
	nm_progress_show(message->live, shown, n_parts, NULL);
	free(shown);
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
