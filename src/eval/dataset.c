/*
 * dataset: see dataset.h. What a line means is in dataset_line.c.
 */
#include "eval/dataset.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/path.h"
#include "eval/dataset_line.h"
#include "eval/fold.h"
#include "wire/jsonl.h"

enum { READ_BYTES = 256 << 10 };

/* Invariant: the digest counts what was read of the file until its first
 * end. */
struct nm_dataset {
	char                    *path;
	int                      fd;
	struct stat              opened_as;
	char                    *bytes; /* READ_BYTES of them */
	struct nm_jsonl          lines;
	struct nm_dataset_line   line;
	enum nm_dataset_form     form;
	struct nm_dataset_counts counts;
	struct nm_dataset_spot   spot;
	struct nm_digest         digest;
	char                     hex[NM_DIGEST_HEX_MAX]; /* "" until the end */
	bool                     ended;
};

void
nm_dataset_close(struct nm_dataset *ds)
{
	if (!ds)
		return;
	if (ds->fd >= 0)
		(void)close(ds->fd);
	nm_dataset_line_release(&ds->line);
	nm_jsonl_release(&ds->lines);
	nm_digest_release(&ds->digest);
	free(ds->bytes);
	free(ds->path);
	free(ds);
}

/* The next bytes of the file, into ds->bytes; *got is 0 at its end. */
static enum nm_code
read_block(struct nm_dataset *ds, size_t *got, struct nm_err *err)
{
	ssize_t n;

	do
		n = read(ds->fd, ds->bytes, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return nm_fail(err, NM_IO, errno, "cannot read %s: %s",
		               ds->path, strerror(errno));
	*got = (size_t)n;
	if (ds->hex[0])
		return NM_OK;
	if (n > 0)
		nm_digest_add(&ds->digest, ds->bytes, *got);
	else
		nm_digest_finish(&ds->digest, ds->hex);
	return NM_OK;
}

static size_t
mark_len(const char *bytes, size_t len)
{
	return len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool
ends_with(const char *path, const char *ending)
{
	size_t len = strlen(path), n = strlen(ending);

	return len >= n && memcmp(path + len - n, ending, n) == 0;
}

static enum nm_dataset_form
form_of(const char *path, const char *bytes, size_t len)
{
	size_t i = mark_len(bytes, len);

	if (ends_with(path, ".jsonl") || ends_with(path, ".json-lines"))
		return NM_DATASET_JSONL;
	while (i < len && nm_fold_is_space((unsigned char)bytes[i]))
		i++;
	return i < len && bytes[i] == '{' ? NM_DATASET_JSONL : NM_DATASET_TEXT;
}

/* Reads the first block and judges the file by it. */
static enum nm_code
begin(struct nm_dataset *ds, struct nm_err *err)
{
	size_t got;
	enum nm_code rc = read_block(ds, &got, err);

	if (rc)
		return rc;
	if (got == 0)
		return nm_fail(err, NM_INPUT, 0, "%s is empty", ds->path);
	if (memchr(ds->bytes, 0, got))
		return nm_fail(err, NM_INPUT, 0, "%s is not text: it holds "
		               "NUL bytes", ds->path);
	ds->form = form_of(ds->path, ds->bytes, got);
	nm_jsonl_feed(&ds->lines, ds->bytes, got);
	return NM_OK;
}

static enum nm_code
open_file(struct nm_dataset *ds, struct nm_err *err)
{
	enum nm_code rc = nm_file_open(ds->path, &ds->fd, err);

	if (rc)
		return rc;
	if (fstat(ds->fd, &ds->opened_as))
		return nm_fail(err, NM_IO, errno, "cannot read %s: %s",
		               ds->path, strerror(errno));
	if (!S_ISREG(ds->opened_as.st_mode))
		return nm_fail(err, NM_INPUT, 0, "%s is no regular file: "
		               "questions are read twice", ds->path);
	return NM_OK;
}

enum nm_code
nm_dataset_open(struct nm_dataset **out, const char *path, struct nm_err *err)
{
	struct nm_dataset *ds = calloc(1, sizeof(*ds));
	enum nm_code rc;

	if (!ds)
		nm_die("out of memory");
	ds->fd = -1;
	ds->path = strdup(path);
	ds->bytes = malloc(READ_BYTES);
	if (!ds->path || !ds->bytes)
		nm_die("out of memory");
	ds->lines.line_max_bytes = NM_DATASET_LINE_MAX_BYTES;
	nm_digest_init(&ds->digest, NM_SHA256);
	nm_digest_apart(&ds->digest);
	rc = open_file(ds, err);
	if (!rc)
		rc = begin(ds, err);
	if (rc)
		nm_dataset_close(ds);
	else
		*out = ds;
	return rc;
}

/* The next line of the file; ended is set where there is none. */
static enum nm_code
next_line(struct nm_dataset *ds, struct nm_line *line, struct nm_err *err)
{
	while (!nm_jsonl_next(&ds->lines, line)) {
		size_t got = 0;
		enum nm_code rc = NM_OK;

		if (ds->lines.finished) {
			ds->ended = true;
			return NM_OK;
		}
		rc = read_block(ds, &got, err);
		if (rc)
			return rc;
		if (got)
			nm_jsonl_feed(&ds->lines, ds->bytes, got);
		else
			nm_jsonl_finish(&ds->lines);
	}
	ds->counts.lines++;
	return NM_OK;
}

/* Tells of the line that the spot shows. */
static enum nm_code
refuse(struct nm_dataset *ds, struct nm_err *err)
{
	ds->counts.bad++;
	return nm_fail(err, NM_INPUT, 0, "%s:%llu: %s", ds->path,
	               (unsigned long long)ds->spot.line, ds->spot.problem);
}

static struct nm_dataset_spot
spot_of(const struct nm_line *line)
{
	size_t mark = line->number == 1 ? mark_len(line->at, line->len) : 0;

	return (struct nm_dataset_spot){
		.line = line->number,
		.text = { line->at + mark, line->len - mark },
	};
}

static enum nm_code
next_question(struct nm_dataset *ds, enum nm_dataset_want want,
              struct nm_question *q, struct nm_err *err)
{
	for (;;) {
		struct nm_dataset_spot spot;
		struct nm_line line;
		enum nm_code rc = NM_OK;

		if (!ds->ended)
			rc = next_line(ds, &line, err);
		if (rc)
			return rc;
		if (ds->ended) {
			*q = (struct nm_question){ 0 };
			return NM_OK;
		}
		spot = spot_of(&line);
		switch (nm_dataset_line_read(&ds->line, ds->form, want,
		                             line.over, &spot, q)) {
		case NM_DATASET_LINE_BLANK:
			ds->counts.blank++;
			continue;
		case NM_DATASET_LINE_BAD:
			ds->spot = spot;
			return refuse(ds, err);
		case NM_DATASET_LINE_QUESTION:
			ds->counts.questions++;
			return NM_OK;
		}
	}
}

enum nm_code
nm_dataset_next(struct nm_dataset *ds, struct nm_question *q,
                struct nm_err *err)
{
	return next_question(ds, NM_DATASET_WHOLE, q, err);
}

enum nm_code
nm_dataset_next_text(struct nm_dataset *ds, struct nm_question *q,
                     struct nm_err *err)
{
	return next_question(ds, NM_DATASET_WITHOUT_GOLD, q, err);
}

enum nm_code
nm_dataset_rewind(struct nm_dataset *ds, struct nm_err *err)
{
	/* A first walk that did not end leaves no digest to be had. */
	if (!ds->hex[0]) {
		nm_digest_release(&ds->digest);
		nm_digest_init(&ds->digest, NM_SHA256);
	}
	if (lseek(ds->fd, 0, SEEK_SET) < 0)
		return nm_fail(err, NM_IO, errno, "cannot read %s again: %s",
		               ds->path, strerror(errno));
	nm_jsonl_release(&ds->lines);
	ds->counts = (struct nm_dataset_counts){ 0 };
	ds->spot = (struct nm_dataset_spot){ 0 };
	ds->ended = false;
	return NM_OK;
}

enum nm_code
nm_dataset_drain(struct nm_dataset *ds, struct nm_err *err)
{
	size_t got = 1;

	while (!ds->ended && got) {
		enum nm_code rc = read_block(ds, &got, err);

		if (rc)
			return rc;
	}
	ds->ended = true;
	return NM_OK;
}

enum nm_code
nm_dataset_check(const struct nm_dataset *ds, struct nm_err *err)
{
	const struct stat *was = &ds->opened_as;
	struct stat is;

	if (fstat(ds->fd, &is))
		return nm_fail(err, NM_IO, errno, "cannot read %s: %s",
		               ds->path, strerror(errno));
	if (is.st_size != was->st_size
	    || is.st_mtim.tv_sec != was->st_mtim.tv_sec
	    || is.st_mtim.tv_nsec != was->st_mtim.tv_nsec)
		return nm_fail(err, NM_INPUT, 0, "%s was changed while it was "
		               "being read: run again", ds->path);
	return NM_OK;
}

const struct nm_dataset_spot *
nm_dataset_spot(const struct nm_dataset *ds)
{
	return &ds->spot;
}

const struct nm_dataset_counts *
nm_dataset_counts(const struct nm_dataset *ds)
{
	return &ds->counts;
}

enum nm_dataset_form
nm_dataset_form(const struct nm_dataset *ds)
{
	return ds->form;
}

const char *
nm_dataset_path(const struct nm_dataset *ds)
{
	return ds->path;
}

void
nm_dataset_file_digest(const struct nm_dataset *ds, char *hex)
{
	memcpy(hex, ds->hex, NM_DIGEST_HEX_MAX);
}
