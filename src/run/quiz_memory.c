/*
 * quiz_memory: what was asked, written for later processes and read back: in a
 * run's spec, and in the metadata of its batches.
 */
#include "run/quiz.h"

#include "remote/input.h"
#include "run/run.h"
#include "wire/json.h"

/* A template's reader takes one line's end from each of the two parts: "\r\n" is the one
 * that costs the part nothing, whatever it ends with. */
static void
write_template(const struct nm_quiz *quiz, struct nm_json_writer *w)
{
	const struct nm_prompt *prompt = nm_quiz_prompt(quiz);
	struct nm_buf text = { 0 };

	nm_buf_add_text(&text, nm_buf_text(&prompt->system));
	nm_buf_add_string(&text, text.len ? "\r\n---\n" : "---\n");
	nm_buf_add_text(&text, nm_buf_text(&prompt->before));
	nm_buf_add_string(&text, "{question}");
	nm_buf_add_text(&text, nm_buf_text(&prompt->after));
	nm_buf_add_string(&text, "\r\n");
	nm_json_put_text(w, "prompt", nm_buf_text(&text));
	nm_buf_release(&text);
}

static void
write_metadata(const struct nm_quiz *quiz, const char *description,
               struct nm_json_writer *w)
{
	struct nm_batch_pair pairs[NM_RUN_METADATA_MAX];
	struct nm_arena arena = { 0 };
	size_t i, n = nm_quiz_metadata(quiz, description, &arena, pairs);

	nm_json_open_object(w, "metadata");
	for (i = 0; i < n; i++)
		nm_json_put_string(w, pairs[i].name, pairs[i].value);
	nm_json_close_object(w);
	nm_arena_release(&arena);
}

void
nm_quiz_spec(const struct nm_quiz *quiz, const char *description,
             struct nm_buf *out)
{
	const struct nm_selection_facts *facts = nm_quiz_facts(quiz);
	const struct nm_quiz_wish *wish = nm_quiz_wish(quiz);
	struct nm_json_writer w = { .out = out };

	nm_json_open_object(&w, NULL);
	nm_json_put_string(&w, "source", "quiz");
	nm_source_put_path(&w, "path", nm_quiz_path(quiz));
	nm_source_put_path(&w, "name", nm_quiz_name(quiz));
	nm_json_put_int(&w, "limit", wish->limit);
	nm_json_put_int(&w, "sample", wish->sample);
	nm_json_put_int(&w, "seed", wish->seed);
	nm_json_put_int(&w, "questions", (int64_t)facts->taken);
	nm_json_put_string(&w, "digest", facts->digest);
	nm_json_put_string(&w, "model", wish->model);
	nm_json_put_int(&w, "max_output_tokens",
	                wish->max_output_tokens);
	nm_json_put_string(&w, "prompt_digest", nm_quiz_prompt_digest(quiz));
	write_template(quiz, &w);
	write_metadata(quiz, description, &w);
	nm_json_close_object(&w);
}

/* Metadata values end at 512 characters: a name longer than that is cut. */
static const char *
short_text(struct nm_arena *arena, const char *text)
{
	size_t len = strlen(text);

	if (len <= NM_INPUT_METADATA_VALUE_MAX)
		return nm_arena_string(arena, text);
	len = nm_json_utf8_valid(text, NM_INPUT_METADATA_VALUE_MAX);
	return nm_arena_text(arena, (struct nm_text){ text, len }).at;
}

static const char *
number(struct nm_arena *arena, int64_t value)
{
	return nm_arena_printf(arena, "%lld", (long long)value);
}

size_t
nm_quiz_metadata(const struct nm_quiz *quiz, const char *description,
                 struct nm_arena *arena, struct nm_batch_pair *pairs)
{
	const struct nm_selection_facts *facts = nm_quiz_facts(quiz);
	const struct nm_quiz_wish *wish = nm_quiz_wish(quiz);
	size_t n = 0;

#define PAIR(k, v) pairs[n++] = (struct nm_batch_pair){ k, v }
	PAIR("description", short_text(arena, description));
	PAIR("num_questions", number(arena, (int64_t)facts->taken));
	PAIR("dataset", short_text(arena, nm_quiz_name(quiz)));
	if (wish->limit)
		PAIR("limit", number(arena, wish->limit));
	if (wish->sample) {
		PAIR("sample", number(arena, wish->sample));
		PAIR("seed", number(arena, wish->seed));
	}
	PAIR("dataset_digest", nm_arena_string(arena, facts->digest));
	PAIR("prompt_digest", nm_arena_string(arena, nm_quiz_prompt_digest(quiz)));
	if (wish->model && strlen(wish->model) <= NM_INPUT_METADATA_VALUE_MAX)
		PAIR("model", nm_arena_string(arena, wish->model));
	if (wish->max_output_tokens)
		PAIR("max_output_tokens",
		     number(arena, wish->max_output_tokens));
#undef PAIR
	return n;
}

static const char *
recall_text(const struct nm_value *spec, const char *member,
            struct nm_arena *arena)
{
	const char *text = nm_json_string(nm_json_get(spec, member));

	return text ? nm_arena_string(arena, text) : NULL;
}

static void
recall_members(const struct nm_value *spec, struct nm_arena *arena,
               struct nm_quiz_memory *memory)
{
	struct nm_quiz_wish *wish = &memory->wish;

	memset(memory, 0, sizeof(*memory));
	wish->path = nm_source_recall_path(spec, "path", arena);
	wish->name = nm_source_recall_path(spec, "name", arena);
	wish->limit = nm_json_int(nm_json_get(spec, "limit"), 0);
	wish->sample = nm_json_int(nm_json_get(spec, "sample"), 0);
	wish->seed = nm_json_int(nm_json_get(spec, "seed"), 0);
	wish->model = recall_text(spec, "model", arena);
	wish->max_output_tokens =
		nm_json_int(nm_json_get(spec, "max_output_tokens"), 0);
	wish->prompt_template = recall_text(spec, "prompt", arena);
	memory->digest = recall_text(spec, "digest", arena);
	memory->prompt_digest = recall_text(spec, "prompt_digest", arena);
	memory->questions = nm_json_int(nm_json_get(spec, "questions"), -1);
	memory->model = wish->model;
	memory->max_output_tokens = wish->max_output_tokens;
}

enum nm_code
nm_quiz_recall(const char *spec, struct nm_arena *arena,
               struct nm_quiz_memory *memory, struct nm_err *err)
{
	const struct nm_value *root;
	struct nm_json json = { 0 };
	enum nm_code rc;

	rc = nm_source_read_spec(spec, &json, &root, err);
	if (!rc && !nm_text_is(nm_json_text(nm_json_get(root, "source")),
	                       "quiz"))
		rc = nm_fail(err, NM_STATE, 0,
		             "the journal's run was not made from a dataset");
	if (!rc)
		recall_members(root, arena, memory);
	nm_json_release(&json);
	return rc;
}

static int64_t
pair_int(const struct nm_batch *batch, const char *pair_name,
         int64_t otherwise)
{
	const char *text = nm_batch_metadata(batch, pair_name);
	char *end;
	long long value;

	if (!text[0])
		return otherwise;
	value = strtoll(text, &end, 10);
	return *end || value < 0 ? otherwise : value;
}

/* "Variant0 - 1-hop-test" -> "1-hop-test"; NULL for other texts. */
static const char *
described(const char *description, struct nm_arena *arena)
{
	const char *dash = strstr(description, " - ");

	if (!dash || !dash[3] || strchr(dash + 3, ' '))
		return NULL;
	return nm_arena_string(arena, dash + 3);
}

void
nm_quiz_guess(const struct nm_batch *batch, struct nm_arena *arena,
              struct nm_quiz_memory *memory)
{
	const char *set = nm_batch_metadata(batch, "dataset");
	const char *model = nm_batch_metadata(batch, "model");
	struct nm_quiz_wish *wish = &memory->wish;

	memset(memory, 0, sizeof(*memory));
	wish->name = set[0] ? nm_arena_string(arena, set)
	                    : described(nm_batch_metadata(batch,
	                                "description"), arena);
	memory->digest = nm_arena_string(arena,
		nm_batch_metadata(batch, "dataset_digest"));
	memory->prompt_digest = nm_arena_string(arena,
		nm_batch_metadata(batch, "prompt_digest"));
	memory->questions = pair_int(batch, "num_questions", -1);
	memory->model = model[0] ? nm_arena_string(arena, model) : NULL;
	memory->max_output_tokens = pair_int(batch, "max_output_tokens", 0);
	wish->limit = pair_int(batch, "limit", 0);
	wish->sample = pair_int(batch, "sample", 0);
	wish->seed = pair_int(batch, "seed", 0);
	/* Older scripts told how many questions they took, not the limit. */
	if (!memory->digest[0] && !wish->limit && memory->questions > 0)
		wish->limit = memory->questions;
}
