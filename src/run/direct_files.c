/*
 * direct_files: the kept answers of direct mode, as files that collect reads. A
 * file that holds them already is left alone: to write it costs two syncs.
 */
#include "run/via_direct.h"

#include <sys/stat.h>
#include <unistd.h>

#include "state/answers.h"

/* Invariant: while `same`, the first `at` bytes of the file that is there are what
 * it must hold; else they are in the draft, with all behind them. */
struct writer {
	struct nm_run         *run;
	struct nm_draft        draft;
	int                    old_fd_plus_one; /* 0 = there is none */
	uint64_t               old_bytes;
	uint64_t               at;
	bool                   same;
	struct nm_buf          line;
	struct nm_buf          old;     /* as many bytes of the old file */
	int64_t                attempt; /* whose file is open; 0 = none */
	struct nm_direct_file *files;
	size_t                 n_files, room;
};

static void
close_old(struct writer *w)
{
	if (w->old_fd_plus_one)
		(void)close(w->old_fd_plus_one - 1);
	w->old_fd_plus_one = 0;
	w->same = false;
}

/* The file differs from here on: a draft takes over. */
static enum nm_code
begin_draft(struct writer *w, struct nm_err *err)
{
	enum nm_code rc = nm_draft_open(&w->draft,
	                                w->files[w->n_files - 1].path, 0600,
	                                err);

	if (!rc && w->at)
		nm_draft_add_file(&w->draft, w->old_fd_plus_one - 1, 0, w->at);
	close_old(w);
	return rc;
}

static enum nm_code
close_file(struct writer *w, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	if (!w->attempt)
		return NM_OK;
	w->attempt = 0;
	if (w->same && w->at == w->old_bytes) {
		close_old(w);
		return NM_OK;
	}
	if (w->same)
		rc = begin_draft(w, err);
	return rc ? rc : nm_draft_commit(&w->draft, err);
}

static enum nm_code
open_file(struct writer *w, int64_t attempt, struct nm_err *err)
{
	const char *path = nm_arena_printf(&w->run->arena,
		"%s/direct_%lld.jsonl", nm_buf_string(&w->run->folder),
		(long long)attempt);
	struct stat info;
	int fd;

	if (w->n_files == w->room)
		w->files = nm_arena_grow(&w->run->arena, w->files, &w->room,
		                         sizeof(*w->files));
	w->files[w->n_files++] = (struct nm_direct_file){ path, attempt };
	w->attempt = attempt;
	w->at = 0;
	if (nm_file_open(path, &fd, NULL))
		return begin_draft(w, err);
	w->old_fd_plus_one = fd + 1;
	w->same = fstat(fd, &info) == 0;
	w->old_bytes = w->same ? (uint64_t)info.st_size : 0;
	return w->same ? NM_OK : begin_draft(w, err);
}

/* The line is what the old file has next. */
static bool
is_next(struct writer *w)
{
	char *room;

	if (w->line.len > w->old_bytes - w->at)
		return false;
	nm_buf_clear(&w->old);
	room = nm_buf_room(&w->old, w->line.len);
	return room && nm_file_read_at(w->old_fd_plus_one - 1, w->at,
	                               w->line.len, room, NULL) == NM_OK
	       && !memcmp(room, w->line.at, w->line.len);
}

static enum nm_code
write_answer(void *context, const struct nm_answer_record *answer,
             struct nm_err *err)
{
	struct writer *w = context;
	enum nm_code rc = NM_OK;

	if (answer->attempt != w->attempt) {
		rc = close_file(w, err);
		if (!rc)
			rc = open_file(w, answer->attempt, err);
	}
	if (rc)
		return rc;
	nm_buf_clear(&w->line);
	nm_buf_add_text(&w->line, answer->row);
	nm_buf_add_byte(&w->line, '\n');
	if (w->same && !is_next(w))
		rc = begin_draft(w, err);
	if (rc)
		return rc;
	if (w->same)
		w->at += w->line.len;
	else
		nm_draft_add(&w->draft, w->line.at, w->line.len);
	return NM_OK;
}

enum nm_code
nm_via_direct_files(struct nm_run *run, struct nm_direct_file **files,
                    size_t *n_files, struct nm_err *err)
{
	struct writer w = { .run = run };
	enum nm_code rc;

	rc = nm_answers_walk(run->journal, run->record.id, write_answer, &w,
	                     err);
	if (!rc)
		rc = close_file(&w, err);
	nm_draft_abandon(&w.draft);
	close_old(&w);
	nm_buf_release(&w.line);
	nm_buf_release(&w.old);
	if (rc)
		return rc;
	*files = w.files;
	*n_files = w.n_files;
	return NM_OK;
}
