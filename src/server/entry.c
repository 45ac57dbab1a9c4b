#include "server/entry.h"

/* Parts answers from each other; no text that people write holds it. */
#define PART '\x1f'

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct nm_text
nm_entry_strip(struct nm_text text)
{
	while (text.len && is_space(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len && is_space(text.at[text.len - 1]))
		text.len--;
	return text;
}

static bool
read_tabbed(struct nm_entry *entry, struct nm_text line)
{
	const char *tab = memchr(line.at, '\t', line.len);
	const char *end = line.at + line.len;

	if (!tab || memchr(tab + 1, '\t', (size_t)(end - tab - 1)))
		return false;
	entry->question = nm_entry_strip((struct nm_text){ line.at,
		(size_t)(tab - line.at) });
	nm_buf_add(&entry->gold, tab + 1, (size_t)(end - tab - 1));
	for (size_t i = 0; i < entry->gold.len; i++)
		if (entry->gold.at[i] == '|')
			entry->gold.at[i] = PART;
	return entry->question.len > 0;
}

static bool
read_object(struct nm_entry *entry, struct nm_text line)
{
	const struct nm_value *root, *list, *answer;
	struct nm_json_walk walk;
	struct nm_text name;

	if (nm_json_read(&entry->json, line.at, line.len, &root, NULL))
		return false;
	entry->question = nm_entry_strip(nm_json_text(nm_json_get(root,
		"question")));
	list = nm_json_get(root, "answers");
	if (entry->question.len == 0 || nm_json_kind(list) != NM_JSON_ARRAY)
		return false;
	nm_json_walk_init(&walk, list);
	while ((answer = nm_json_walk_next(&walk, &name))) {
		if (entry->gold.len)
			nm_buf_add_byte(&entry->gold, PART);
		if (nm_json_kind(answer) == NM_JSON_NUMBER)
			nm_buf_add_text(&entry->gold, nm_json_number_text(answer));
		else
			nm_buf_add_text(&entry->gold, nm_json_text(answer));
	}
	return true;
}

bool
nm_entry_read(struct nm_entry *entry, struct nm_text line)
{
	line = nm_entry_strip(line);
	nm_buf_clear(&entry->gold);
	entry->question = (struct nm_text){0};
	entry->blank = line.len == 0;
	if (entry->blank)
		return false;
	if (line.at[0] == '{' && read_object(entry, line))
		return true;
	nm_buf_clear(&entry->gold);
	return read_tabbed(entry, line);
}

void
nm_entry_release(struct nm_entry *entry)
{
	nm_buf_release(&entry->gold);
	nm_json_release(&entry->json);
	*entry = (struct nm_entry){0};
}

/* ---- answers ---- */

size_t
nm_entry_count(struct nm_text gold)
{
	size_t count = 1;

	for (size_t i = 0; i < gold.len; i++)
		count += gold.at[i] == PART;
	return count;
}

static bool
has(struct nm_text gold, struct nm_text answer)
{
	struct nm_gold walk = { gold, 1 };
	struct nm_text one;

	while (nm_gold_next(&walk, &one))
		if (nm_text_equal(one, answer))
			return true;
	return false;
}

void
nm_entry_add_gold(struct nm_buf *out, struct nm_text gold,
                  enum nm_entry_gold which)
{
	struct nm_gold walk = { gold, 1 };
	struct nm_text answer;

	if (which == NM_ENTRY_ALL) {
		nm_buf_add_text(out, gold);
		return;
	}
	while (nm_gold_next(&walk, &answer)) {
		if (has(nm_buf_text(out), answer))
			continue;
		nm_buf_add_byte(out, PART);
		nm_buf_add_text(out, answer);
	}
}

/* Invariant: count > 0 while an answer is left, an empty one too. */
bool
nm_gold_next(struct nm_gold *gold, struct nm_text *answer)
{
	const char *part;

	if (gold->count == 0)
		return false;
	part = gold->left.len ? memchr(gold->left.at, PART, gold->left.len) : NULL;
	if (!part) {
		*answer = gold->left;
		*gold = (struct nm_gold){0};
		return true;
	}
	*answer = (struct nm_text){ gold->left.at,
		(size_t)(part - gold->left.at) };
	gold->left.len -= answer->len + 1;
	gold->left.at = part + 1;
	return true;
}
