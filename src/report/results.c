/*
 * results: see the header; rows are put by results_row.c. The run's file and the one at
 * the known path are written side by side: what was written but now need not be read
 * again to be copied. Where the file system can clone a file, the second is a clone of
 * the first.
 */
#include "report/results.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"

enum {
	LOOK_BYTES = 64 << 10,
	FILE_MODE = 0644,
	FOLDER_MODE = 0755
};

static void
add_known_name(const struct nm_results_options *options, struct nm_buf *out)
{
	nm_path_add_safe(out, nm_text_of(options->variant
		? options->variant : "variant0_llm_baseline"));
	nm_buf_add_byte(out, '_');
	nm_path_add_safe(out, nm_text_of(options->dataset));
	nm_buf_add_string(out, options->mode == NM_HEAD_BATCH
		? "_batch.json" : ".json");
}

static void
add_run_name(const struct nm_results_options *options, struct nm_buf *out)
{
	char began[NM_CLOCK_TEXT_MAX];

	nm_clock_compact(options->began_ms, began);
	nm_buf_add_string(out, "runs/");
	nm_path_add_safe(out, nm_text_of(options->dataset));
	nm_buf_addf(out, "_%s_%s_", nm_head_mode_name(options->mode), began);
	nm_path_add_safe(out, nm_text_of(options->run_id));
	nm_buf_add_string(out, ".json");
}

static void
name_files(struct nm_results *results,
           const struct nm_results_options *options)
{
	const char *folder = options->folder ? options->folder : "results";
	struct nm_buf name = {0};

	add_known_name(options, &name);
	nm_path_join(&results->known_path, folder, nm_buf_string(&name));
	nm_buf_clear(&name);
	add_run_name(options, &name);
	nm_path_join(&results->run_path, folder, nm_buf_string(&name));
	nm_buf_release(&name);
}

enum nm_code
nm_results_open(struct nm_results *results,
                const struct nm_results_options *options, struct nm_err *err)
{
	struct nm_results new = {0};
	struct nm_buf folder = {0};
	enum nm_code rc;

	nm_path_join(&folder, options->folder ? options->folder : "results",
	             "runs");
	rc = nm_folder_make(nm_buf_string(&folder), FOLDER_MODE, err);
	if (rc)
		goto done;
	name_files(&new, options);
	rc = nm_draft_open(&new.run, nm_buf_string(&new.run_path), FILE_MODE,
	                   err);
	if (!rc && nm_draft_open(&new.known, nm_buf_string(&new.known_path),
	                         FILE_MODE, &new.known_failed) == NM_OK)
		new.clones = nm_draft_clone(&new.known, &new.run);
	if (rc)
		nm_results_release(&new);
	else
		*results = new;
done:
	nm_buf_release(&folder);
	return rc;
}

/* Frees its room at once: the run's file may want it. */
static void
leave_known(struct nm_results *results, int why)
{
	(void)nm_fail(&results->known_failed, NM_IO, why, "cannot write %s: %s",
	              nm_buf_string(&results->known_path), strerror(why));
	nm_draft_abandon(&results->known);
}

static void
put_known(struct nm_results *results, struct nm_text text)
{
	struct nm_draft *known = &results->known;

	nm_draft_add(known, text.at, text.len);
	if (!nm_draft_flush(known))
		leave_known(results, (int)known->failed.detail);
}

/* To both files. Where the disk has room for one alone, it is the run's, whichever of
 * them is the first to find it full. */
static void
put_both(struct nm_results *results, struct nm_text text)
{
	struct nm_draft *run = &results->run;

	if (!results->clones && !results->known_failed.code)
		put_known(results, text);
	nm_draft_add(run, text.at, text.len);
	if (nm_draft_flush(run) || results->clones || results->known_failed.code)
		return;
	leave_known(results, (int)run->failed.detail);
	(void)nm_draft_retry(run);
}

void
nm_results_add_head(struct nm_results *results, const struct nm_head *head)
{
	struct nm_buf text = {0};
	struct nm_json_writer w = { .out = &text, .indent = 2 };

	nm_json_open_object(&w, NULL);
	nm_head_put(&w, head);
	nm_json_open_array(&w, "results");
	put_both(results, nm_buf_text(&text));
	nm_buf_release(&text);
}

void
nm_results_add(struct nm_results *results, struct nm_text rows)
{
	results->any |= rows.len > 0;
	put_both(results, rows);
}

static void
add_end(struct nm_results *results)
{
	struct nm_buf text = {0};
	struct nm_json_writer w = { .out = &text, .indent = 2,
	                            .depth = NM_RESULTS_ROW_DEPTH };

	w.some[NM_RESULTS_ROW_DEPTH] = results->any;
	w.some[NM_RESULTS_ROW_DEPTH - 1] = true;
	nm_json_close_array(&w);
	nm_json_close_object(&w);
	nm_buf_add_byte(&text, '\n');
	put_both(results, nm_buf_text(&text));
	nm_buf_release(&text);
}

/* What we write has its ledger well within the first bytes. */
static bool
is_ours(int fd, uint64_t size)
{
	size_t len = size < LOOK_BYTES ? (size_t)size : LOOK_BYTES;
	struct nm_buf text = {0};
	struct nm_err err;
	bool ours = false;
	char *room = nm_buf_room(&text, len);

	if (nm_file_read_at(fd, 0, len, room, &err) == NM_OK)
		ours = memmem(room, len, "\n  \"ledger\": {", 14) != NULL;
	nm_buf_release(&text);
	return ours;
}

/* Whether another tool wrote what stands at the known path, and when. */
static enum nm_code
look_at_known(const char *known, bool *foreign, int64_t *when_ms,
              struct nm_err *err)
{
	struct stat info = {0};
	int fd = open(known, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int why = fd < 0 ? errno : 0;

	*foreign = false;
	if (why == ENOENT)
		return NM_OK;
	if (!why && fstat(fd, &info))
		why = errno;
	if (!why && S_ISREG(info.st_mode) && info.st_size > 0)
		*foreign = !is_ours(fd, (uint64_t)info.st_size);
	if (fd >= 0)
		close(fd);
	*when_ms = (int64_t)info.st_mtim.tv_sec * 1000;
	return why ? nm_fail(err, NM_IO, why, "cannot read %s, to keep what may "
	                     "be an older tool's: %s", known, strerror(why))
	           : NM_OK;
}

/* A name of which there is no file: two may be of the same second. */
static void
name_kept(struct nm_results *results, int64_t when_ms)
{
	const char *run = nm_buf_string(&results->run_path);
	struct nm_text folder = { run, (size_t)(nm_path_base(run) - run) };
	struct nm_text stem = nm_path_stem(nm_buf_string(&results->known_path));
	struct nm_buf *kept = &results->kept_path;
	char when[NM_CLOCK_TEXT_MAX];
	unsigned n = 1;

	nm_clock_compact(when_ms, when);
	do {
		nm_buf_clear(kept);
		nm_buf_addf(kept, "%.*s%.*s_kept_%s", NM_TEXT_ARGS(folder),
		            NM_TEXT_ARGS(stem), when);
		if (n > 1)
			nm_buf_addf(kept, "_%u", n);
		nm_buf_add_string(kept, ".json");
		n++;
	} while (access(nm_buf_string(kept), F_OK) == 0);
}

/* An older tool's results may have cost money: they are moved aside, not lost. */
static enum nm_code
keep_foreign(struct nm_results *results, struct nm_err *err)
{
	const char *known = nm_buf_string(&results->known_path);
	int64_t when_ms = 0;
	bool foreign;
	enum nm_code rc = look_at_known(known, &foreign, &when_ms, err);

	if (rc || !foreign)
		return rc;
	name_kept(results, when_ms);
	return nm_file_copy(known, nm_buf_string(&results->kept_path),
	                    FILE_MODE, err);
}

/* A file system that clones what is empty need not clone the rest. */
static void
clone_known(struct nm_results *results)
{
	struct nm_draft *run = &results->run, *known = &results->known;

	if (run->failed.code || nm_draft_clone(known, run))
		return;
	nm_draft_add_file(known, run->fd_plus_one - 1, 0, run->bytes);
	if (known->failed.code)
		leave_known(results, (int)known->failed.detail);
}

enum nm_code
nm_results_finish(struct nm_results *results, struct nm_err *err)
{
	enum nm_code rc;

	add_end(results);
	if (results->clones)
		clone_known(results);
	rc = nm_draft_commit(&results->run, err);
	if (rc)
		return rc;
	if (results->known_failed.code) {
		*err = results->known_failed;
		return err->code;
	}
	rc = keep_foreign(results, err);
	return rc ? rc : nm_draft_commit(&results->known, err);
}

void
nm_results_release(struct nm_results *results)
{
	nm_draft_abandon(&results->run);
	nm_draft_abandon(&results->known);
	nm_buf_release(&results->run_path);
	nm_buf_release(&results->known_path);
	nm_buf_release(&results->kept_path);
	memset(results, 0, sizeof(*results));
}
