/*
 * results: see the header; rows are put by results_row.c. The run's file and the one at
 * the known path are written side by side: what was written but now need not be read
 * again to be copied. Where the file system can clone a file, the second is a clone of
 * the first.
 */
#include "report/results.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/path.h"
#include "report/relic.h"

enum {
	FOLDER_MODE = 0755,
	NUMBERS_BYTES = 2 << 10, /* by which those of a head may be longer than zeros, */
	REASONS_BYTES = 4 << 10, /* and by which reasons may lengthen it */
	TIME_COLUMNS = 64
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

static enum nm_code
probe(const char *folder, struct nm_err *err)
{
	enum nm_code rc;
	int fd;

	rc = nm_file_open_unnamed(folder, &fd, err);
	if (!rc)
		(void)close(fd);
	return rc;
}

enum nm_code
nm_results_probe(const char *folder, struct nm_err *err)
{
	struct nm_buf runs = {0};
	enum nm_code rc;

	nm_path_join(&runs, folder ? folder : "results", "runs");
	rc = nm_folder_make(nm_buf_string(&runs), FOLDER_MODE, err);
	if (!rc)
		rc = probe(nm_buf_string(&runs), err);
	if (!rc)
		rc = probe(folder ? folder : "results", err);
	nm_buf_release(&runs);
	return rc;
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
	rc = nm_pair_open(&new.files, nm_buf_string(&new.run_path),
	                  nm_buf_string(&new.known_path), err);
	if (rc)
		nm_results_release(&new);
	else
		*results = new;
done:
	nm_buf_release(&folder);
	return rc;
}

/* What stands before the first row. */
static void
write_head(const struct nm_head *head, struct nm_buf *out)
{
	struct nm_json_writer w = { .out = out, .indent = 2 };

	nm_json_open_object(&w, NULL);
	nm_head_put(&w, head);
	nm_json_open_array(&w, "results");
}

static void
add_blanks(struct nm_buf *out, size_t n)
{
	memset(nm_buf_room(out, n), ' ', n);
	nm_buf_took(out, n);
}

static bool
tells_time(struct nm_text line)
{
	return memmem(line.at, line.len, "\"total_eval_time_sec\": ", 23) ||
	       memmem(line.at, line.len, "\"queries_per_second\": ", 22);
}

/* The head for a room: lines that tell how long the run took are all as long, so that no
 * other line depends on that. */
static void
write_level_head(const struct nm_head *head, struct nm_buf *out)
{
	struct nm_buf text = {0};
	struct nm_text left, line;
	const char *end;

	write_head(head, &text);
	left = nm_buf_text(&text);
	do {
		end = memchr(left.at, '\n', left.len);
		line = (struct nm_text){ left.at, end ? (size_t)(end - left.at)
		                                      : left.len };
		nm_buf_add_text(out, line);
		if (tells_time(line) && line.len < TIME_COLUMNS)
			add_blanks(out, TIME_COLUMNS - line.len);
		if (end)
			nm_buf_add_byte(out, '\n');
		left.at += line.len + 1;
		left.len -= end ? line.len + 1 : line.len;
	} while (end);
	nm_buf_release(&text);
}

/* Fills the room: with blanks at the ends of all lines, where they disturb nobody. */
static void
spread(struct nm_text head, size_t room, struct nm_buf *out)
{
	size_t left = room - head.len, lines = 1, blanks, i;

	for (i = 0; i < head.len; i++)
		lines += head.at[i] == '\n';
	for (i = 0; i < head.len; i++) {
		if (head.at[i] == '\n') {
			blanks = left / lines--;
			add_blanks(out, blanks);
			left -= blanks;
		}
		nm_buf_add_byte(out, head.at[i]);
	}
	add_blanks(out, left);
}

void
nm_results_leave_room(struct nm_results *results, const struct nm_head *head)
{
	struct nm_buf text = {0};

	write_level_head(head, &text);
	results->room_bytes = text.len + NUMBERS_BYTES + REASONS_BYTES;
	nm_buf_clear(&text);
	add_blanks(&text, results->room_bytes);
	nm_pair_add(&results->files, nm_buf_text(&text));
	nm_buf_release(&text);
}

static void
restart(struct nm_results *results)
{
	nm_pair_restart(&results->files);
	results->room_bytes = 0;
	results->any = false;
}

bool
nm_results_add_head(struct nm_results *results, const struct nm_head *head)
{
	struct nm_buf text = {0}, level = {0};
	size_t room = results->room_bytes;
	bool fits;

	write_level_head(head, &level);
	fits = !room || level.len <= room;
	if (!fits)
		restart(results);
	if (fits && room) {
		spread(nm_buf_text(&level), room, &text);
		nm_pair_put_at_front(&results->files, nm_buf_text(&text));
	} else {
		write_head(head, &text);
		nm_pair_add(&results->files, nm_buf_text(&text));
	}
	results->room_bytes = 0;
	nm_buf_release(&level);
	nm_buf_release(&text);
	return fits;
}

void
nm_results_take(struct nm_results *results, struct nm_buf *rows)
{
	results->any |= rows->len > 0;
	nm_pair_take(&results->files, rows);
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
	nm_pair_add(&results->files, nm_buf_text(&text));
	nm_buf_release(&text);
}

enum nm_code
nm_results_finish(struct nm_results *results, struct nm_err *err)
{
	enum nm_code rc;

	add_end(results);
	rc = nm_pair_commit_run(&results->files, err);
	if (rc)
		return rc;
	if (results->files.known_failed.code) {
		*err = results->files.known_failed;
		return err->code;
	}
	rc = nm_relic_keep(nm_buf_string(&results->known_path),
	                   nm_buf_string(&results->run_path),
	                   &results->kept_path, err);
	return rc ? rc : nm_pair_commit_known(&results->files, err);
}

void
nm_results_release(struct nm_results *results)
{
	nm_pair_release(&results->files);
	nm_buf_release(&results->run_path);
	nm_buf_release(&results->known_path);
	nm_buf_release(&results->kept_path);
	memset(results, 0, sizeof(*results));
}
