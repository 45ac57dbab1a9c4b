#include "server/answers.h"

#include <errno.h>
#include <unistd.h>

#include "base/file.h"
#include "wire/json.h"
#include "wire/jsonl.h"

/* Parts answers from each other; no text that people write holds it. */
#define PART '\x1f'

/* The question's bytes, and right behind them its answers, parted by PART. */
struct nm_answers_entry {
	const char *at;
	uint32_t    len;
	uint32_t    gold_len;
};

enum {
	START_BYTES = 8,  /* of a question, looked up at each place of a prompt */
	START_BITS = 20,
	TEXT_MAX = 1 << 24,
	CHUNK_BYTES = 1 << 18
};

static uint64_t
start_bit(const char *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return (word * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - START_BITS);
}

static void
keep(struct nm_answers *answers, struct nm_text question, struct nm_text gold)
{
	struct nm_answers_entry *entries;
	size_t room;
	char *at;

	if (answers->count == answers->room) {
		room = answers->room ? answers->room * 2 : 1024;
		entries = realloc(answers->entries, room * sizeof(*entries));
		if (!entries)
			abort();
		answers->entries = entries;
		answers->room = room;
	}
	at = nm_arena_new(&answers->arena, question.len + gold.len + 1);
	memcpy(at, question.at, question.len);
	if (gold.len)
		memcpy(at + question.len, gold.at, gold.len);
	answers->entries[answers->count++] = (struct nm_answers_entry){
		at, (uint32_t)question.len, (uint32_t)gold.len };
}

static struct nm_text
strip(struct nm_text text)
{
	while (text.len && strchr(" \t\r\n", text.at[0]) && text.at[0]) {
		text.at++;
		text.len--;
	}
	while (text.len && strchr(" \t\r\n", text.at[text.len - 1]) &&
	       text.at[text.len - 1])
		text.len--;
	return text;
}

static bool
read_tabbed(struct nm_answers *answers, struct nm_text line,
            struct nm_buf *gold)
{
	const char *tab = memchr(line.at, '\t', line.len);
	size_t len;

	if (!tab || memchr(tab + 1, '\t', line.len - (size_t)(tab + 1 - line.at)))
		return false;
	len = (size_t)(tab - line.at);
	nm_buf_clear(gold);
	for (const char *p = tab + 1; p < line.at + line.len; p++)
		nm_buf_add_byte(gold, *p == '|' ? PART : *p);
	keep(answers, strip((struct nm_text){ line.at, len }),
	     nm_buf_text(gold));
	return true;
}

static bool
read_object(struct nm_answers *answers, struct nm_text line,
            struct nm_json *json, struct nm_buf *gold)
{
	const struct nm_value *root, *list, *answer;
	struct nm_json_walk walk;
	struct nm_text name, question;

	if (nm_json_read(json, line.at, line.len, &root, NULL))
		return false;
	question = strip(nm_json_text(nm_json_get(root, "question")));
	list = nm_json_get(root, "answers");
	if (question.len == 0 || nm_json_kind(list) != NM_JSON_ARRAY)
		return false;
	nm_buf_clear(gold);
	nm_json_walk_init(&walk, list);
	while ((answer = nm_json_walk_next(&walk, &name))) {
		if (gold->len)
			nm_buf_add_byte(gold, PART);
		if (nm_json_kind(answer) == NM_JSON_NUMBER)
			nm_buf_add_text(gold, nm_json_number_text(answer));
		else
			nm_buf_add_text(gold, nm_json_text(answer));
	}
	keep(answers, question, nm_buf_text(gold));
	return true;
}

static void
read_due(struct nm_answers *answers, struct nm_jsonl *jsonl,
         struct nm_json *json, struct nm_buf *gold)
{
	struct nm_line line;
	struct nm_text text;
	bool read;

	while (nm_jsonl_next(jsonl, &line)) {
		text = strip((struct nm_text){ line.at, line.len });
		if (text.len == 0)
			continue;
		read = !line.over && text.at[0] == '{' ?
			read_object(answers, text, json, gold) : false;
		if (!read && !line.over)
			read = read_tabbed(answers, text, gold);
		answers->n_skipped += !read;
	}
}

enum nm_code
nm_answers_add(struct nm_answers *answers, const char *path,
               struct nm_err *err)
{
	struct nm_jsonl jsonl = { .line_max_bytes = TEXT_MAX };
	struct nm_buf gold = {0}, chunk = {0};
	struct nm_json json = {0};
	enum nm_code rc;
	ssize_t got;
	int fd = -1;

	rc = nm_file_open(path, &fd, err);
	if (rc)
		goto done;
	do {
		nm_buf_clear(&chunk);
		got = read(fd, nm_buf_room(&chunk, CHUNK_BYTES), CHUNK_BYTES);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			rc = nm_fail(err, NM_IO, errno, "%s: cannot read: %s", path,
			             strerror(errno));
			goto done;
		}
		if (got > 0)
			nm_jsonl_feed(&jsonl, chunk.at, (size_t)got);
		else
			nm_jsonl_finish(&jsonl);
		read_due(answers, &jsonl, &json, &gold);
	} while (got != 0);
done:
	if (fd >= 0)
		close(fd);
	nm_json_release(&json);
	nm_buf_release(&chunk);
	nm_buf_release(&gold);
	nm_jsonl_release(&jsonl);
	return rc;
}

static int
compare_texts(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order ? order : (a_len > b_len) - (a_len < b_len);
}

static int
compare_entries(const void *left, const void *right)
{
	const struct nm_answers_entry *a = left, *b = right;
	int order = compare_texts(a->at, a->len, b->at, b->len);

	/* Of one text, the order does not depend on how sorting went about it. */
	return order ? order :
		compare_texts(a->at + a->len, a->gold_len,
		              b->at + b->len, b->gold_len);
}

static bool
gold_has(struct nm_text gold, struct nm_text answer)
{
	struct nm_gold walk = { .left = gold, .count = 1 };
	struct nm_text one;

	while (nm_gold_next(&walk, &one))
		if (nm_text_equal(one, answer))
			return true;
	return false;
}

/* One entry of two with the same question. */
static struct nm_answers_entry
merge(struct nm_answers *answers, const struct nm_answers_entry *a,
      const struct nm_answers_entry *b)
{
	struct nm_text had = { a->at + a->len, a->gold_len };
	struct nm_gold more = { { b->at + b->len, b->gold_len }, 1 };
	struct nm_answers_entry merged = *a;
	struct nm_buf text = {0};
	struct nm_text answer;

	nm_buf_add(&text, a->at, a->len + a->gold_len);
	while (nm_gold_next(&more, &answer)) {
		if (gold_has(had, answer))
			continue;
		nm_buf_add_byte(&text, PART);
		nm_buf_add_text(&text, answer);
	}
	if (text.len > a->len + a->gold_len) {
		merged.at = nm_arena_text(&answers->arena, nm_buf_text(&text)).at;
		merged.gold_len = (uint32_t)(text.len - a->len);
	}
	nm_buf_release(&text);
	return merged;
}

void
nm_answers_index(struct nm_answers *answers)
{
	struct nm_answers_entry *entry = answers->entries;
	size_t kept = 0;

	if (answers->count == 0)
		return;
	qsort(entry, answers->count, sizeof(*entry), compare_entries);
	for (size_t i = 1; i < answers->count; i++) {
		if (entry[i].len == entry[kept].len &&
		    memcmp(entry[i].at, entry[kept].at, entry[i].len) == 0)
			entry[kept] = merge(answers, &entry[kept], &entry[i]);
		else
			entry[++kept] = entry[i];
	}
	answers->count = kept + 1;
	free(answers->starts);
	answers->starts = calloc((size_t)1 << (START_BITS - 6), 8);
	if (!answers->starts)
		abort();
	for (size_t i = 0; i < answers->count; i++) {
		if (entry[i].len > answers->longest)
			answers->longest = entry[i].len;
		if (entry[i].len >= START_BYTES)
			answers->starts[start_bit(entry[i].at) >> 6] |=
				UINT64_C(1) << (start_bit(entry[i].at) & 63);
	}
}

static size_t
common(const char *a, const char *b, size_t len)
{
	size_t n = 0;

	while (n < len && a[n] == b[n])
		n++;
	return n;
}

/* The last entry that is not greater than the text; NULL when all are. */
static const struct nm_answers_entry *
last_up_to(const struct nm_answers *answers, const char *at, size_t len)
{
	const struct nm_answers_entry *entry = answers->entries;
	size_t low = 0, high = answers->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare_texts(entry[middle].at, entry[middle].len, at, len) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &entry[low - 1] : NULL;
}

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

/*
 * The longest entry that the text begins with. The greatest entry not greater
 * than the text is it, or shares a beginning with it; then no longer one than
 * that beginning can be it, and the search goes on for the beginning alone.
 */
static const struct nm_answers_entry *
longest_at(const struct nm_answers *answers, const char *at, size_t len)
{
	const struct nm_answers_entry *entry;
	size_t all = len, same;

	if (len > answers->longest)
		len = answers->longest;
	while (len >= START_BYTES) {
		entry = last_up_to(answers, at, len);
		if (!entry)
			return NULL;
		same = common(entry->at, at, entry->len < len ? entry->len : len);
		if (same < entry->len)
			len = same;
		else if (same < all && in_word(at + same - 1, at + same))
			len = same - 1;
		else
			return entry;
	}
	return NULL;
}

/* A question too short to be looked for everywhere is found as a whole line. */
static const struct nm_answers_entry *
whole_line(const struct nm_answers *answers, struct nm_text prompt)
{
	const struct nm_answers_entry *entry, *found = NULL;
	struct nm_text line;
	const char *end;

	while (prompt.len) {
		end = memchr(prompt.at, '\n', prompt.len);
		line = (struct nm_text){ prompt.at,
			end ? (size_t)(end - prompt.at) : prompt.len };
		prompt.at += line.len + (end != NULL);
		prompt.len -= line.len + (end != NULL);
		line = strip(line);
		if (line.len == 0 || line.len >= START_BYTES)
			continue;
		entry = last_up_to(answers, line.at, line.len);
		if (entry && entry->len == line.len &&
		    memcmp(entry->at, line.at, line.len) == 0)
			found = entry;
	}
	return found;
}

bool
nm_answers_find(const struct nm_answers *answers, struct nm_text prompt,
                struct nm_gold *gold)
{
	const struct nm_answers_entry *entry, *found = NULL;
	uint64_t bit;

	if (answers->count == 0 || prompt.len == 0)
		return false;
	for (size_t i = 0; i + START_BYTES <= prompt.len; i++) {
		bit = start_bit(prompt.at + i);
		if (!(answers->starts[bit >> 6] >> (bit & 63) & 1) ||
		    (i && in_word(prompt.at + i - 1, prompt.at + i)))
			continue;
		entry = longest_at(answers, prompt.at + i, prompt.len - i);
		if (entry) {
			found = entry;
			i += entry->len - 1;
		}
	}
	if (!found)
		found = whole_line(answers, prompt);
	if (!found)
		return false;
	*gold = (struct nm_gold){
		.left = { found->at + found->len, found->gold_len }, .count = 1 };
	for (size_t i = 0; i < gold->left.len; i++)
		gold->count += gold->left.at[i] == PART;
	return true;
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

void
nm_answers_release(struct nm_answers *answers)
{
	free(answers->entries);
	free(answers->starts);
	nm_arena_release(&answers->arena);
	*answers = (struct nm_answers){0};
}
