/*
 * direct_files: the kept answers of direct mode, as files that collect reads.
 */
#include "run/via_direct.h"

#include "state/answers.h"

struct writer {
	struct nm_run         *run;
	struct nm_draft        draft;
	int64_t                attempt; /* whose file is open; 0 = none */
	struct nm_direct_file *files;
	size_t                 n_files, room;
};

static enum nm_code
close_file(struct writer *w, struct nm_err *err)
{
	if (!w->attempt)
		return NM_OK;
	w->attempt = 0;
	return nm_draft_commit(&w->draft, err);
}

static enum nm_code
open_file(struct writer *w, int64_t attempt, struct nm_err *err)
{
	const char *path = nm_arena_printf(&w->run->arena,
		"%s/direct_%lld.jsonl", nm_buf_string(&w->run->folder),
		(long long)attempt);

	if (w->n_files == w->room) {
		struct nm_direct_file *more;

		w->room = w->room ? 2 * w->room : 4;
		more = nm_arena_array(&w->run->arena, w->room,
		                      sizeof(*more));
		if (w->n_files)
			memcpy(more, w->files, w->n_files * sizeof(*more));
		w->files = more;
	}
	w->files[w->n_files++] = (struct nm_direct_file){ path, attempt };
	w->attempt = attempt;
	return nm_draft_open(&w->draft, path, 0600, err);
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
	nm_draft_add(&w->draft, answer->row.at, answer->row.len);
	nm_draft_add(&w->draft, "\n", 1);
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
	if (rc)
		return rc;
	*files = w.files;
	*n_files = w.n_files;
	return NM_OK;
}
