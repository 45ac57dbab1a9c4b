/* A question of an answer key, found again in a prompt. */
#include "server/answers_parts.h"

#include <unistd.h>

enum { LINE_GUESS = 1024 }; /* most lines are shorter */

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
	uint64_t mixed = nm_answers_mix(hash);
	size_t at = (size_t)mixed & (answers->n_slots - 1);
	const struct nm_answers_slot *slot;
	bool found = false;

	for (; (slot = &answers->slots[at])->tag;
	     at = (at + 1) & (answers->n_slots - 1)) {
		if (slot->tag != nm_answers_tag(mixed) ||
		    !read_line(search, slot->place) ||
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
	uint64_t hash = nm_answers_hash((struct nm_text){0});
	size_t most = search->answers->longest, found = 0;

	if (most > len)
		most = len;
	for (size_t n = 1; n <= most; n++) {
		hash = nm_answers_hash_on(hash, at[n - 1]);
		if (n < NM_ANSWERS_START_BYTES ||
		    !nm_answers_has(search->answers->lengths, n) ||
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
		if (line.len && line.len < NM_ANSWERS_START_BYTES &&
		    nm_answers_has(search->answers->lengths, line.len) &&
		    look_up(search, line, nm_answers_hash(line), search->gold))
			search->found = true;
	}
}

static void
find_all(struct search *search, struct nm_text prompt)
{
	size_t len;

	for (size_t i = 0; i + NM_ANSWERS_START_BYTES <= prompt.len; i++) {
		if (!nm_answers_has(search->answers->starts,
		                    nm_answers_start(prompt.at + i)) ||
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
