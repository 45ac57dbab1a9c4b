/*
 * parcel: see the header.
 */
#include "task/parcel.h"

#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "run/via_batch.h"
#include "wire/json.h"

enum { NAME_MAX_BYTES = 200 };

static void
write_spec(const struct nm_parcel *parcel, const char *description,
           struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out };

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "source", "file");
	nm_source_put_path(&w, "path", nm_request_file_path(parcel->file));
	nm_json_put_string(&w, "digest",
	                   nm_request_file_source(parcel->file)->digest);
	nm_json_open_object(&w, "metadata");
	nm_json_put_string(&w, "description", description);
	nm_json_close_object(&w);
	nm_json_close_object(&w);
}

/* The path and digest of the spec, in the arena. */
static enum nm_code
read_spec(struct nm_arena *arena, const char *spec, const char **path,
          const char **digest, struct nm_err *err)
{
	struct nm_json json = { 0 };
	const struct nm_value *root;
	enum nm_code rc;

	rc = nm_source_read_spec(spec, &json, &root, err);
	if (!rc && !nm_text_is(nm_json_text(nm_json_get(root, "source")),
	                       "file"))
		rc = nm_fail(err, NM_ABSENT, 0,
		             "the run was made from questions, not from a"
		             " request file");
	if (!rc) {
		*path = nm_source_recall_path(root, "path", arena);
		if (!*path)
			*path = "";
		*digest = nm_arena_text(arena, nm_json_text(
			nm_json_get(root, "digest"))).at;
	}
	nm_json_release(&json);
	return rc;
}

/* The file's, cut at a character: metadata hold no more than 512. */
static const char *
name_of(struct nm_parcel *parcel, const char *path)
{
	const char *base = nm_path_base(path);
	size_t len = strnlen(base, NAME_MAX_BYTES + 1);

	if (len > NAME_MAX_BYTES)
		for (len--; len && ((unsigned char)base[len] & 0xc0) == 0x80;)
			len--;
	return nm_arena_text(&parcel->arena, (struct nm_text){ base, len }).at;
}

/* Is it of the same requests, and is any of it still to come? */
static bool
is_same(struct nm_parcel *parcel, const struct nm_run_record *run,
        const struct nm_account *account)
{
	const char *path, *digest;
	struct nm_err ignored;

	return (run->state == NM_RUN_OPEN || run->state == NM_RUN_PARTIAL) &&
		strcmp(run->mode, "file") == 0 &&
		nm_account_owns(account, run->account) &&
		!read_spec(&parcel->arena, run->spec, &path, &digest,
		           &ignored) &&
		strcmp(digest, nm_request_file_source(parcel->file)->digest) ==
		0;
}

/* A file that was moved is another to the key of its run: what is under way would be
 * sent, and paid, once more. One that has a run by its own name goes on with that. */
static enum nm_code
check_others(struct nm_parcel *parcel, const struct nm_run_tools *tools,
             const char *name, struct nm_err *err)
{
	const struct nm_run_record *other = NULL;
	struct nm_run_record *runs;
	size_t n, i;
	enum nm_code rc = nm_runs_list(tools->journal, &parcel->arena, &runs,
	                               &n, err);

	for (i = 0; !rc && i < n; i++) {
		if (!is_same(parcel, &runs[i], tools->api->account))
			continue;
		if (strcmp(runs[i].name, name) == 0)
			return NM_OK;
		other = &runs[i];
	}
	if (rc || !other)
		return rc;
	return nm_fail(err, NM_USAGE, 0, "%s holds the same requests as %s, "
	               "whose run %s is unfinished: submit it by that name, or "
	               "send them once more by --new", name, other->name,
	               other->id);
}

enum nm_code
nm_parcel_check(const struct nm_run_tools *tools, struct nm_request_file *file,
                const char *path, struct nm_err *err)
{
	struct nm_parcel parcel = { .file = file };
	enum nm_code rc = check_others(&parcel, tools, name_of(&parcel, path),
	                               err);

	nm_arena_release(&parcel.arena);
	return rc;
}

static const char *
identity_of(struct nm_parcel *parcel, int64_t shard_requests)
{
	return nm_arena_printf(&parcel->arena, "%lld",
	                       (long long)shard_requests);
}

/* All that makes a file's run the same as another, but the file's digest. */
static struct nm_run_wish
wish_of(struct nm_parcel *parcel, const struct nm_run_tools *tools,
        const char *name)
{
	const struct nm_request_file_facts *facts =
		nm_request_file_facts(parcel->file);
	int64_t size = tools->settings ? tools->settings->shard_requests : 0;

	return (struct nm_run_wish){
		.mode = "file",
		.name = name,
		.model = facts->model,
		.endpoint = facts->endpoint,
		.identity = identity_of(parcel, NM_RUN_KEY_SIZE),
		.older_identity = size ? identity_of(parcel, size) : NULL,
	};
}

enum nm_code
nm_parcel_find_begun(const struct nm_run_tools *tools,
                     struct nm_request_file *file, const char *path,
                     int64_t *began_ms, struct nm_err *err)
{
	struct nm_parcel parcel = { .file = file };
	struct nm_run_wish wish = wish_of(&parcel, tools,
	                                  name_of(&parcel, path));
	enum nm_code rc = nm_run_find_begun(tools, nm_request_file_source(file),
	                                    &wish, began_ms, err);

	nm_arena_release(&parcel.arena);
	return rc;
}

enum nm_code
nm_parcel_open(struct nm_parcel *parcel, const struct nm_run_tools *tools,
               const struct nm_parcel_wish *wanted, struct nm_err *err)
{
	struct nm_batch_pair pair = { "description", NULL };
	struct nm_run_wish wish;
	struct nm_buf spec = { 0 };
	enum nm_code rc;

	memset(parcel, 0, sizeof(*parcel));
	rc = nm_request_file_open(&parcel->file, wanted->path, err);
	if (rc)
		return rc;
	if (wanted->digest &&
	    strcmp(wanted->digest,
	           nm_request_file_source(parcel->file)->digest) != 0)
		return nm_fail(err, NM_INPUT, 0, "%s has changed since it was"
		               " first read: run this again", wanted->path);
	pair.value = name_of(parcel, wanted->path);
	if (wanted->take == NM_RUN_TAKE_UP)
		rc = check_others(parcel, tools, pair.value, err);
	if (rc)
		return rc;
	write_spec(parcel, pair.value, &spec);
	wish = wish_of(parcel, tools, pair.value);
	wish.spec = nm_buf_string(&spec);
	wish.metadata = &pair;
	wish.n_metadata = 1;
	wish.done_since_ms = wanted->done_since_ms;
	rc = nm_run_open(&parcel->run, tools,
	                 nm_request_file_source(parcel->file), &wish,
	                 wanted->take, err);
	nm_buf_release(&spec);
	return rc;
}

static int
has_digest(const char *path, const char *digest)
{
	enum { CHUNK_BYTES = 256 << 10 };
	char hex[NM_DIGEST_HEX_MAX];
	struct nm_digest sum;
	struct nm_buf chunk = { 0 };
	struct nm_err ignored;
	ssize_t len;
	int fd;

	if (nm_file_open(path, &fd, &ignored))
		return 0;
	nm_digest_init(&sum, NM_SHA256);
	while ((len = read(fd, nm_buf_room(&chunk, CHUNK_BYTES),
	                   CHUNK_BYTES)) > 0)
		nm_digest_add(&sum, chunk.at, (size_t)len);
	nm_digest_finish(&sum, hex);
	nm_buf_release(&chunk);
	(void)close(fd);
	return !len && strcmp(hex, digest) == 0;
}

const char *
nm_parcel_find_file(const struct nm_run_record *record,
                    struct nm_arena *arena)
{
	const char *path, *digest;
	struct nm_err ignored;

	if (read_spec(arena, record->spec, &path, &digest, &ignored) ||
	    !has_digest(path, digest))
		return NULL;
	return path;
}

static enum nm_code
resume(struct nm_parcel *parcel, const struct nm_run_tools *tools,
       const struct nm_run_record *record, struct nm_err *err)
{
	const char *path, *digest;
	enum nm_code rc = read_spec(&parcel->arena, record->spec, &path,
	                            &digest, err);

	if (rc)
		return rc;
	rc = nm_request_file_open(&parcel->file, path, err);
	if (rc)
		return nm_while(err, "reading again what was submitted"
		                " (--download wants it not)");
	if (strcmp(digest, nm_request_file_source(parcel->file)->digest) != 0)
		return nm_fail(err, NM_INPUT, 0,
			"%s is no longer the file that was sent: bring the"
			" old one back", path);
	return nm_run_resume(&parcel->run, tools, record->id,
	                     nm_request_file_source(parcel->file), err);
}

enum nm_code
nm_parcel_resume(struct nm_parcel *parcel, const struct nm_run_tools *tools,
                 const char *run, struct nm_err *err)
{
	struct nm_run_record record;
	enum nm_code rc;

	memset(parcel, 0, sizeof(*parcel));
	rc = nm_runs_get(tools->journal, run, &parcel->arena, &record, err);
	return rc ? rc : resume(parcel, tools, &record, err);
}

enum nm_code
nm_parcel_take_up(struct nm_parcel *parcel, const struct nm_run_tools *tools,
                  const char *batch_id, struct nm_err *err)
{
	struct nm_run_record record;
	enum nm_code rc;

	memset(parcel, 0, sizeof(*parcel));
	rc = nm_runs_of_batch(tools->journal, batch_id, &parcel->arena,
	                      &record, err);
	return rc ? rc : resume(parcel, tools, &record, err);
}

static enum nm_code
collect(struct nm_parcel *parcel, struct nm_collect *rows, int64_t *attempts,
        struct nm_err *err)
{
	const char *const *paths;
	size_t n_paths;

	nm_collect_init(rows, parcel->run.source, NM_READING_STRICT);
	return nm_attempts_collect(&parcel->run, rows, &paths, &n_paths,
	                           attempts, err);
}

/* *again = requests worth another attempt; their shards are planned. */
static enum nm_code
plan_next(struct nm_parcel *parcel, int64_t *again, struct nm_err *err)
{
	struct nm_members members = { 0 };
	struct nm_collect rows;
	int64_t attempts;
	enum nm_code rc = collect(parcel, &rows, &attempts, err);

	*again = 0;
	if (!rc) {
		nm_attempts_next(&parcel->run, &rows, attempts, &members);
		*again = members.count;
		parcel->left = nm_attempts_left(&parcel->run, &rows);
		parcel->attempts = attempts;
	}
	nm_collect_release(&rows);
	if (!rc && *again) {
		nm_run_note(&parcel->run, "%lld of %lld %s sent again"
		            " (attempt %lld)", (long long)*again,
		            (long long)parcel->run.source->count,
		            *again == 1 ? "is" : "are",
		            (long long)attempts + 1);
		rc = nm_run_reopen(&parcel->run, err);
	}
	if (!rc && *again)
		rc = nm_attempts_plan(&parcel->run, &members, attempts + 1,
		                      err);
	nm_members_release(&members);
	return rc;
}

enum nm_code
nm_parcel_finish(struct nm_parcel *parcel, struct nm_err *err)
{
	int64_t again = 1;
	enum nm_code rc = NM_OK;

	while (!rc && again) {
		rc = nm_via_batch_finish(&parcel->run, err);
		/* Not the caller's code: the run is known, a batch is not. */
		if (rc == NM_ABSENT)
			rc = err->code = NM_UNREACHABLE;
		if (!rc)
			rc = plan_next(parcel, &again, err);
	}
	if (rc)
		return rc;
	/* What was saved when it had ended before is still all of it, unless more
	 * was asked. */
	return nm_run_saved(&parcel->run,
	                    nm_runs_has_ended(parcel->run.record.state)
	                    ? parcel->run.record.results_path : "",
	                    parcel->left ? NM_RUN_PARTIAL : NM_RUN_DONE, err);
}

void
nm_parcel_release(struct nm_parcel *parcel)
{
	nm_run_release(&parcel->run);
	nm_request_file_close(parcel->file);
	nm_arena_release(&parcel->arena);
	memset(parcel, 0, sizeof(*parcel));
}
