/*
 * manage_clean: --clean: deletes the service's files of runs whose results are on
 * this machine. What is deleted there cannot be had again; so it asks.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/map.h"
#include "cli/byte_count.h"
#include "cli/consent.h"
#include "prog/manager.h"
#include "prog/neighbours.h"
#include "remote/files.h"
#include "state/runs.h"
#include "state/shards.h"

enum { PAGE_FILES = 10000 };

/* A file that a finished run owns and the service still has. */
struct litter {
	const char *id;
	int64_t     bytes; /* 0 where they are not told */
	size_t      run;
};

struct sum {
	size_t  files;
	int64_t bytes;
	size_t  runs;     /* that have some of these files */
	bool   *touched;  /* by run: it is one of them */
};

struct clearing {
	struct nm_manager *manager;
	struct nm_map      owned;   /* id of a finished run's file -> run */
	struct nm_map      due;     /* id of a finished run -> run */
	struct nm_map      seen;    /* ids of pages, so that they end */
	struct litter     *litter;
	size_t             room;
	struct sum         found;   /* all of the litter */
	struct sum         deleted;
	struct nm_neighbours others; /* what they own is theirs */
	struct nm_arena    arena;
};

static void
own(struct nm_map *map, const char *id, size_t run)
{
	uint32_t value = (uint32_t)run;

	if (id[0])
		nm_map_add(map, nm_text_of(id), &value);
}

/* The journal says that it came; somebody may have removed it since. */
static bool
is_here(const char *path)
{
	return !path[0] || access(path, R_OK) == 0;
}

/* Nothing of a run is touched unless all of it is here. */
static bool
is_collected(const struct nm_shard_record *shards, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (shards[i].state < NM_SHARD_COLLECTED ||
		    !is_here(shards[i].output_path) ||
		    !is_here(shards[i].error_path))
			return false;
	return n > 0;
}

/* Of a batch that was made elsewhere and only scored here nothing is owned: whoever made
 * it may not have its results yet, or has made other batches of its input. */
static bool
was_made_here(const struct nm_shard_record *shards, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (shards[i].bytes)
			return true;
	return false;
}

static bool
is_due(const struct clearing *clearing, const struct nm_run_record *run)
{
	const struct nm_manager *manager = clearing->manager;
	int64_t older_ms = nm_manager_older_than_ms(&manager->options,
	                                            manager->action);

	return nm_runs_has_ended(run->state) &&
	       nm_clock_wall_ms(&manager->clock) - run->updated_ms >= older_ms;
}

static enum nm_code
own_run(struct clearing *clearing, const struct nm_run_record *runs, size_t run,
        struct nm_err *err)
{
	const struct nm_account *account = &clearing->manager->service.account;
	struct nm_shard_record *shards;
	enum nm_code rc;
	size_t n, i;

	rc = nm_shards_list(clearing->manager->journal, runs[run].id,
	                    &clearing->arena, &shards, &n, err);
	if (rc || !is_collected(shards, n))
		return rc;
	if (!nm_account_owns(account, runs[run].account)) {
		if (was_made_here(shards, n))
			nm_neighbours_add(&clearing->others, account,
			                  runs[run].account);
		return NM_OK;
	}
	own(&clearing->due, runs[run].id, run);
	for (i = 0; i < n; i++) {
		if (!was_made_here(&shards[i], 1))
			continue;
		own(&clearing->owned, shards[i].input_file_id, run);
		own(&clearing->owned, shards[i].output_file_id, run);
		own(&clearing->owned, shards[i].error_file_id, run);
	}
	return NM_OK;
}

static enum nm_code
find_owned(struct clearing *clearing, struct nm_err *err)
{
	struct nm_run_record *runs;
	enum nm_code rc;
	size_t n, i;

	rc = nm_manager_find_journal(clearing->manager, err);
	if (rc)
		return rc == NM_ABSENT ? NM_OK : rc;
	rc = nm_runs_list(clearing->manager->journal, &clearing->arena, &runs,
	                  &n, err);
	if (rc)
		return rc;
	clearing->found.touched = nm_arena_array(&clearing->arena, n + 1,
	                                         sizeof(bool));
	clearing->deleted.touched = nm_arena_array(&clearing->arena, n + 1,
	                                           sizeof(bool));
	for (i = 0; !rc && i < n; i++)
		if (is_due(clearing, &runs[i]))
			rc = own_run(clearing, runs, i, err);
	return rc;
}

static void
add_up(struct sum *sum, const struct litter *file)
{
	sum->files++;
	sum->bytes += file->bytes;
	sum->runs += !sum->touched[file->run];
	sum->touched[file->run] = true;
}

/* The word of a name before `end`, which moves in front of it and its dash. */
static struct nm_text
last_word(const char *name, const char **end)
{
	const char *at = *end;
	struct nm_text word;

	while (at > name && at[-1] != '-')
		at--;
	word = (struct nm_text){ at, (size_t)(*end - at) };
	*end = at > name ? at - 1 : at;
	return word;
}

/* One that was taken for gone, and came back after another had been uploaded in its
 * place, is in no shard: the name of an upload ends in its run's id, its shard's number
 * and a tag. */
static int
is_named_for(const struct clearing *clearing, const char *name, uint32_t *run)
{
	static const char head[] = "nightmail-";
	const char *end = strrchr(name, '.');
	struct nm_text id;

	if (!end || strncmp(name, head, strlen(head)) != 0)
		return 0;
	(void)last_word(name, &end);
	(void)last_word(name, &end);
	id = last_word(name, &end);
	return id.len == NM_RUN_ID_DIGITS &&
	       nm_map_find(&clearing->due, id, run);
}

static void
choose(struct clearing *clearing, const struct nm_remote_file *file)
{
	struct litter litter = { .id = file->id };
	uint32_t run;

	if (!nm_map_find(&clearing->owned, nm_text_of(file->id), &run) &&
	    !is_named_for(clearing, file->filename, &run))
		return;
	litter.run = run;
	litter.bytes = file->bytes > 0 ? file->bytes : 0;
	if (clearing->found.files == clearing->room) {
		clearing->room = clearing->room ? 2 * clearing->room : 64;
		clearing->litter = realloc(clearing->litter, clearing->room *
		                           sizeof(*clearing->litter));
		if (!clearing->litter)
			nm_die("out of memory");
	}
	clearing->litter[clearing->found.files] = litter;
	add_up(&clearing->found, &litter);
}

/* Only what the service still has is asked about and deleted. */
static enum nm_code
find_there(struct clearing *clearing, struct nm_err *err)
{
	struct nm_files_query query = { .limit = PAGE_FILES };
	struct nm_files_page page;
	uint32_t value = 1;
	bool fresh = true;
	enum nm_code rc;
	size_t i;

	do {
		rc = nm_files_list(&clearing->manager->service.api, &query,
		                   &clearing->arena, &page, err);
		if (rc)
			return rc;
		fresh = false;
		for (i = 0; i < page.count; i++) {
			if (nm_map_add(&clearing->seen,
			               nm_text_of(page.files[i].id), &value))
				continue;
			fresh = true;
			choose(clearing, &page.files[i]);
		}
		query.after = page.after;
	} while (page.more && fresh);
	return NM_OK;
}

static const char *
plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static enum nm_code
ask(struct clearing *clearing, struct nm_err *err)
{
	struct nm_manager *manager = clearing->manager;
	const struct sum *found = &clearing->found;
	char size[NM_BYTE_COUNT_MAX];

	if (nm_options_given(&manager->options, MANAGER_YES))
		return NM_OK;
	nm_byte_count((uint64_t)found->bytes, size);
	switch (nm_consent_ask(&manager->message, "delete %zu file%s (%s) of "
	                       "%zu finished run%s at the service?",
	                       found->files, plural(found->files), size,
	                       found->runs, plural(found->runs))) {
	case NM_CONSENT_YES:
		return NM_OK;
	case NM_CONSENT_NO:
		return nm_fail(err, NM_UNFINISHED, 0, "nothing was deleted");
	case NM_CONSENT_UNASKED:
		break;
	}
	return nm_fail(err, NM_USAGE, 0, "%zu file%s (%s) would be deleted: "
	               "--yes does it, where nobody can be asked", found->files,
	               plural(found->files), size);
}

static enum nm_code
delete_all(struct clearing *clearing, struct nm_err *err)
{
	enum nm_code rc = NM_OK;
	size_t i;

	for (i = 0; !rc && i < clearing->found.files; i++) {
		rc = nm_files_delete(&clearing->manager->service.api,
		                     clearing->litter[i].id, err);
		if (!rc)
			add_up(&clearing->deleted, &clearing->litter[i]);
		if (rc == NM_ABSENT)
			rc = NM_OK;
		if (rc)
			rc = nm_while(err, "deleting %s",
			              clearing->litter[i].id);
	}
	return rc;
}

static void
tell(const struct clearing *clearing)
{
	const struct sum *found = &clearing->found;
	const struct sum *deleted = &clearing->deleted;
	struct nm_buf text = {0};
	struct nm_json_writer w = { .out = &text, .indent = 2 };
	char size[NM_BYTE_COUNT_MAX], whole[NM_BYTE_COUNT_MAX];

	nm_byte_count((uint64_t)deleted->bytes, size);
	nm_byte_count((uint64_t)found->bytes, whole);
	if (nm_manager_wants_json(clearing->manager)) {
		nm_json_open_object(&w, NULL);
		nm_json_put_int(&w, "runs", (int64_t)deleted->runs);
		nm_json_put_int(&w, "files", (int64_t)found->files);
		nm_json_put_int(&w, "deleted", (int64_t)deleted->files);
		nm_json_put_int(&w, "bytes", deleted->bytes);
		nm_json_close_object(&w);
		nm_buf_add_byte(&text, '\n');
	} else if (!found->files) {
		nm_buf_add_string(&text, "There is nothing to delete.\n");
	} else if (deleted->files == found->files) {
		nm_buf_addf(&text, "Deleted %zu file%s (%s) of %zu run%s.\n",
		            found->files, plural(found->files), size,
		            found->runs, plural(found->runs));
	} else {
		nm_buf_addf(&text, "Deleted %zu file%s (%s) of %zu (%s).\n",
		            deleted->files, plural(deleted->files), size,
		            found->files, whole);
	}
	nm_manager_print(&text);
	nm_buf_release(&text);
}

enum nm_code
nm_manage_clean(struct nm_manager *manager, struct nm_err *err)
{
	struct clearing clearing = { .manager = manager };
	enum nm_code rc = find_owned(&clearing, err);

	if (!rc && clearing.due.count)
		rc = find_there(&clearing, err);
	if (!rc && clearing.found.files)
		rc = ask(&clearing, err);
	if (!rc) {
		rc = delete_all(&clearing, err);
		tell(&clearing);
	}
	if (!rc && !clearing.found.files)
		nm_neighbours_tell(&clearing.others, &manager->message);
	nm_map_release(&clearing.owned);
	nm_map_release(&clearing.due);
	nm_map_release(&clearing.seen);
	nm_neighbours_release(&clearing.others);
	nm_arena_release(&clearing.arena);
	free(clearing.litter);
	return rc;
}
