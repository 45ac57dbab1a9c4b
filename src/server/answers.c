#include "server/answers.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "base/map.h"

/* A file of the key; its bytes stand behind those of the files before it. */
struct nm_answers_file {
	int      fd;
	uint64_t base;
};

/*
 * One question. Invariant: tag 0 means that the slot is free. `same` is of its
 * answers: what stands twice in every word is kept once.
 */
struct nm_answers_slot {
	uint64_t tag   : 24; /* of the question's hash */
	uint64_t place : 40; /* where its line begins */
	uint32_t same;
} __attribute__((packed, aligned(4)));

enum {
	START_BYTES = 8,   /* of a question, looked up at each place of a prompt */
	START_BITS = 20,
	QUESTION_MAX = 65535,
	LINE_GUESS = 1024, /* most lines are shorter */
	CHUNK_BYTES = 1 << 18
};

static uint64_t
start_bit(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return (word * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - START_BITS);
}

static bool
bit(const uint64_t *set, uint64_t at)
{
	return set[at >> 6] >> (at & 63) & 1;
}

static void
set_bit(uint64_t *set, uint64_t at)
{
	set[at >> 6] |= UINT64_C(1) << (at & 63);
}

/* Grows byte by byte, so that each beginning of a text has its hash at once. */
static uint64_t
add_to_hash(uint64_t hash, char byte)
{
	return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

static uint64_t
hash_of(struct nm_text text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < text.len; i++)
		hash = add_to_hash(hash, text.at[i]);
	return hash;
}

static uint64_t
mix(uint64_t hash)
{
	hash ^= hash >> 32;
	hash *= UINT64_C(0xd6e8feb86659fd93);
	return hash ^ hash >> 32;
}

static uint32_t
tag_of(uint64_t mixed)
{
	uint32_t tag = (uint32_t)(mixed >> 40);

	return tag ? tag : 1;
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
	uint64_t mixed = mix(hash_of(entry->question));
	struct nm_answers_slot new = {
		.tag = tag_of(mixed) & 0xffffff,
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
	if (entry->question.len >= START_BYTES)
		set_bit(answers->starts, start_bit(entry->question.at));
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
	answers->starts = zeroed((size_t)1 << (START_BITS - 6), 8);
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

/* ---- finding ---- */

/* What a search found so far. */
struct search {
	const struct nm_answers *answers;
	struct nm_entry          entry;
	struct nm_buf            line;
	struct nm_buf           *gold;  /* of the question found last */
	struct nm_buf            more;
	bool                     found;
};

static bool
is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	       (c >= 'a' && c <= 'z');
}

/* Whether two neighbouring bytes belong to one word. Only ASCII counts: quotes
 * may be curly. */
static bool
in_word(const char *left, const char *right)
{
	return is_word(*left) && is_word(*right);
}

/* Reads the line at a place of the key, whatever its length. */
static bool
read_line(struct search *search, uint64_t place)
{
	const struct nm_answers_file *file = search->answers->files;
	size_t room = LINE_GUESS;
	const char *end;
	ssize_t got;

	while (place >= file[1].base)
		file++;
	for (;; room *= 8) {
		nm_buf_clear(&search->line);
		got = pread(file->fd, nm_buf_room(&search->line, room), room,
		            (off_t)(place - file->base));
		if (got <= 0)
			return false;
		nm_buf_took(&search->line, (size_t)got);
		end = memchr(search->line.at, '\n', search->line.len);
		if (end || (size_t)got < room || room > NM_ENTRY_MAX_BYTES)
			break;
	}
	if (end)
		search->line.len = (size_t)(end - search->line.at);
	return nm_entry_read(&search->entry, nm_buf_text(&search->line));
}

/* Whether the text is a question of the key; its answers go to `gold`. */
static bool
look_up(struct search *search, struct nm_text text, uint64_t hash,
        struct nm_buf *gold)
{
	const struct nm_answers *answers = search->answers;
	uint64_t mixed = mix(hash);
	size_t at = (size_t)mixed & (answers->n_slots - 1);
	const struct nm_answers_slot *slot;
	bool found = false;

	for (; (slot = &answers->slots[at])->tag;
	     at = (at + 1) & (answers->n_slots - 1)) {
		if (slot->tag != tag_of(mixed) || !read_line(search, slot->place) ||
		    !nm_text_equal(search->entry.question, text))
			continue;
		if (!found)
			nm_buf_clear(gold);
		nm_entry_add_gold(gold, nm_buf_text(&search->entry.gold),
		                  found ? NM_ENTRY_NEW : NM_ENTRY_ALL);
		found = true;
	}
	return found;
}

/* The longest question that begins at a place; its length, 0 for none. */
static size_t
longest_at(struct search *search, const char *at, size_t len)
{
	uint64_t hash = hash_of((struct nm_text){0});
	size_t most = search->answers->longest, found = 0;

	if (most > len)
		most = len;
	for (size_t n = 1; n <= most; n++) {
		hash = add_to_hash(hash, at[n - 1]);
		if (n < START_BYTES || !bit(search->answers->lengths, n) ||
		    (n < len && in_word(at + n - 1, at + n)))
			continue;
		if (look_up(search, (struct nm_text){ at, n }, hash,
		            &search->more))
			found = n;
		else
			continue;
		nm_buf_clear(search->gold);
		nm_buf_add_text(search->gold, nm_buf_text(&search->more));
	}
	return found;
}

/* A question too short to be looked for everywhere is found as a whole line. */
static void
find_short(struct search *search, struct nm_text prompt)
{
	struct nm_text line;
	const char *end;

	while (prompt.len) {
		end = memchr(prompt.at, '\n', prompt.len);
		line = (struct nm_text){ prompt.at,
			end ? (size_t)(end - prompt.at) : prompt.len };
		prompt.at += line.len + (end != NULL);
		prompt.len -= line.len + (end != NULL);
		line = nm_entry_strip(line);
		if (line.len && line.len < START_BYTES &&
		    bit(search->answers->lengths, line.len) &&
		    look_up(search, line, hash_of(line), search->gold))
			search->found = true;
	}
}

static void
find_all(struct search *search, struct nm_text prompt)
{
	size_t len;

	for (size_t i = 0; i + START_BYTES <= prompt.len; i++) {
		if (!bit(search->answers->starts, start_bit(prompt.at + i)) ||
		    (i && in_word(prompt.at + i - 1, prompt.at + i)))
			continue;
		len = longest_at(search, prompt.at + i, prompt.len - i);
		if (len) {
			search->found = true;
			i += len - 1;
		}
	}
	if (!search->found)
		find_short(search, prompt);
}

bool
nm_answers_find(const struct nm_answers *answers, struct nm_text prompt,
                struct nm_buf *text, struct nm_gold *gold)
{
	struct search search = { .answers = answers, .gold = text };

	if (answers->count == 0 || prompt.len == 0)
		return false;
	find_all(&search, prompt);
	if (search.found)
		*gold = (struct nm_gold){ nm_buf_text(text),
		                          nm_entry_count(nm_buf_text(text)) };
	nm_entry_release(&search.entry);
	nm_buf_release(&search.line);
	nm_buf_release(&search.more);
	return search.found;
}
