/*
 * answer: see answer.h.
 */
#include "eval/answer.h"

#include "eval/fold.h"

/* What the lenient search may read in all: prose with thousands of braces must
 * not cost a square of its length. */
#define SEARCH_MAX_BYTES ((size_t)16 << 20)

/* The object's list of answers; NULL when it has none, or is no object. */
static const struct nm_value *
list_of(const struct nm_value *object)
{
	const struct nm_value *list = nm_json_get(object, "answers");

	return nm_json_kind(list) == NM_JSON_ARRAY ? list : NULL;
}

/* The text that an entry counts as; false for one that is left out. */
static bool
name_of(const struct nm_value *entry, struct nm_text *name)
{
	switch (nm_json_kind(entry)) {
	case NM_JSON_STRING:
		*name = nm_json_text(entry);
		return true;
	case NM_JSON_NUMBER:
		*name = nm_json_number_text(entry);
		return true;
	case NM_JSON_BOOLEAN:
		*name = nm_json_true(entry) ? NM_TEXT("true")
		                            : NM_TEXT("false");
		return true;
	default:
		return false;
	}
}

static void
take_names(struct nm_answer_reader *reader, const struct nm_value *list,
           struct nm_answer *answer)
{
	struct nm_text *names = nm_arena_array(
		&reader->arena, nm_json_count(list), sizeof(*names));
	struct nm_json_walk walk;
	const struct nm_value *entry;

	*answer = (struct nm_answer){ .names = names };
	nm_json_walk_init(&walk, list);
	while ((entry = nm_json_walk_next(&walk, NULL))) {
		if (name_of(entry, &names[answer->n_names]))
			answer->n_names++;
		else
			answer->n_dropped++;
	}
}

/* Whether a JSON object with a member may begin here, cheaply. */
static bool
may_begin(struct nm_text text)
{
	size_t i = 1;

	while (i < text.len && strchr(" \t\r\n", text.at[i]) && text.at[i])
		i++;
	return i < text.len && text.at[i] == '"';
}

static const struct nm_value *
search(struct nm_answer_reader *reader, struct nm_text content)
{
	size_t may_read = SEARCH_MAX_BYTES;
	const char *end = content.at + content.len;
	const char *at = content.at;

	while (content.len && (at = memchr(at, '{', (size_t)(end - at)))) {
		struct nm_text rest = { at++, 0 };
		const struct nm_value *root, *list;
		size_t used;

		rest.len = (size_t)(end - rest.at);
		if (!may_begin(rest))
			continue;
		if (rest.len > may_read)
			return NULL;
		may_read -= rest.len;
		if (nm_json_read_first(&reader->json, rest.at, rest.len, &used,
		                       &root, NULL))
			continue;
		list = list_of(root);
		if (list)
			return list;
	}
	return NULL;
}

enum nm_answer_kind
nm_answer_read(struct nm_answer_reader *reader, struct nm_text content,
               enum nm_reading reading, struct nm_answer *answer)
{
	struct nm_text inner = nm_fold_strip(content);
	const struct nm_value *root = NULL, *list = NULL;

	nm_arena_clear(&reader->arena);
	*answer = (struct nm_answer){ 0 };
	if (inner.len > NM_ANSWER_MAX_BYTES)
		return NM_ANSWER_UNREADABLE;
	/* What is no object by its first byte need not be read to know it. */
	if (inner.len && inner.at[0] == '{'
	    && nm_json_read(&reader->json, inner.at, inner.len, &root, NULL)
	       == NM_OK)
		list = list_of(root);
	if (!list && reading == NM_READING_LENIENT)
		list = search(reader, inner);
	if (!list)
		return NM_ANSWER_UNREADABLE;
	take_names(reader, list, answer);
	return NM_ANSWER_READ;
}

void
nm_answer_reader_release(struct nm_answer_reader *reader)
{
	if (!reader)
		return;
	nm_json_release(&reader->json);
	nm_arena_release(&reader->arena);
}
