#include "server/answers_parts.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"

enum { QUESTION_MAX = 65535, CHUNK_BYTES = 1 << 18 };

static void
set_bit(uint64_t *set, uint64_t at)
{
	set[at >> 6] |= UINT64_C(1) << (at & 63);
}

static void *
zeroed(size_t count, size_t size)
{
	void *new = calloc(count, size);

	if (!new)
		abort();
	return new;
}

/* ---- reading ---- */

static enum nm_code
read_chunk(const struct nm_answers_file *file, uint64_t at,
           struct nm_buf *chunk, struct nm_err *err)
{
	ssize_t got;

	nm_buf_clear(chunk);
	do {
		got = pread(file->fd, nm_buf_room(chunk, CHUNK_BYTES), CHUNK_BYTES,
		            (off_t)at);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return nm_fail(err, NM_IO, errno, "cannot read an answer key: %s",
		               strerror(errno));
	nm_buf_took(chunk, (size_t)got);
	return NM_OK;
}

enum nm_code
nm_answers_add(struct nm_answers *answers, const char *path,
               struct nm_err *err)
{
	struct nm_answers_file file = {0}, *files;
	struct nm_buf chunk = {0};
	uint64_t bytes = 0, lines = 1;
	enum nm_code rc;

	rc = nm_file_open(path, &file.fd, err);
	if (rc)
		return rc;
	while (!(rc = read_chunk(&file, bytes, &chunk, err)) && chunk.len) {
		for (size_t i = 0; i < chunk.len; i++)
			lines += chunk.at[i] == '\n';
		bytes += chunk.len;
	}
	nm_buf_release(&chunk);
	if (rc) {
		close(file.fd);
		return rc;
	}
	files = reallocarray(answers->files, answers->n_files + 2,
	                     sizeof(*files));
	if (!files)
		abort();
	if (answers->n_files == 0)
		files[0].base = 0;
	/* One more than there are: where the next would begin. */
	file.base = files[answers->n_files].base;
	files[answers->n_files++] = file;
	files[answers->n_files].base = file.base + bytes;
	answers->files = files;
	answers->n_lines += lines;
	return NM_OK;
}

static void
keep(struct nm_answers *answers, const struct nm_entry *entry, uint64_t place)
{
	uint64_t mixed = nm_answers_mix(nm_answers_hash(entry->question));
	struct nm_answers_slot new = {
		.tag = nm_answers_tag(mixed) & 0xffffff,
		.place = place & UINT64_C(0xffffffffff),
		.same = (uint32_t)nm_hash(1, entry->gold.at, entry->gold.len),
	}, *slot;
	size_t at = (size_t)mixed & (answers->n_slots - 1);

	while ((slot = &answers->slots[at])->tag) {
		if (slot->tag == new.tag && slot->same == new.same)
			return;
		at = (at + 1) & (answers->n_slots - 1);
	}
	*slot = new;
	answers->count++;
	if (entry->question.len > answers->longest)
		answers->longest = entry->question.len;
	set_bit(answers->lengths, entry->question.len);
	if (entry->question.len >= NM_ANSWERS_START_BYTES)
		set_bit(answers->starts, nm_answers_start(entry->question.at));
}

static enum nm_code
index_file(struct nm_answers *answers, const struct nm_answers_file *file,
           struct nm_err *err)
{
	struct nm_jsonl jsonl = { .line_max_bytes = NM_ENTRY_MAX_BYTES };
	struct nm_entry entry = {0};
	struct nm_buf chunk = {0};
	uint64_t at = 0;
	struct nm_line line;
	enum nm_code rc;

	while (!(rc = read_chunk(file, at, &chunk, err))) {
		nm_jsonl_feed(&jsonl, chunk.at, chunk.len);
		if (chunk.len == 0)
			nm_jsonl_finish(&jsonl);
		while (nm_jsonl_next(&jsonl, &line)) {
			if (line.over || !nm_entry_read(&entry,
			    (struct nm_text){ line.at, line.len }) ||
			    entry.question.len > QUESTION_MAX)
				answers->n_skipped += line.over || !entry.blank;
			else
				keep(answers, &entry, file->base + line.offset);
		}
		if (chunk.len == 0)
			break;
		at += chunk.len;
	}
	nm_entry_release(&entry);
	nm_jsonl_release(&jsonl);
	nm_buf_release(&chunk);
	return rc;
}

enum nm_code
nm_answers_index(struct nm_answers *answers, struct nm_err *err)
{
	enum nm_code rc = NM_OK;

	answers->n_slots = 64;
	while (answers->n_slots < answers->n_lines + answers->n_lines / 2)
		answers->n_slots *= 2;
	answers->slots = zeroed(answers->n_slots, sizeof(*answers->slots));
	answers->starts = zeroed((size_t)1 << (NM_ANSWERS_START_BITS - 6), 8);
	answers->lengths = zeroed(QUESTION_MAX / 64 + 1, 8);
	for (size_t i = 0; i < answers->n_files && !rc; i++)
		rc = index_file(answers, &answers->files[i], err);
	return rc;
}

void
nm_answers_release(struct nm_answers *answers)
{
	for (size_t i = 0; i < answers->n_files; i++)
		close(answers->files[i].fd);
	free(answers->files);
	free(answers->slots);
	free(answers->starts);
	free(answers->lengths);
	*answers = (struct nm_answers){0};
}
