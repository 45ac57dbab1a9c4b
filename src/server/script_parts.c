#include "server/script_parts.h"

#include <inttypes.h>

/* By a number, a range or chance. */
static enum nm_code
take_numbers(const struct nm_script *script, struct nm_words *r,
             struct nm_which *which)
{
	const char *text = "";
	enum nm_code rc;

	rc = nm_words_text(r, "a number, a range or a per cent", &text);
	if (rc)
		return rc;
	if (nm_words_range(text, &which->from, &which->to)) {
		which->kind = NM_WHICH_RANGE;
		if (which->from == 0)
			return nm_words_bad(r, "these are counted from 1", text);
		return NM_OK;
	}
	if (!nm_words_chance(text, &which->chance))
		return nm_words_bad(r, "not a number, a range or a per cent", text);
	which->kind = NM_WHICH_CHANCE;
	which->seed = script->seed;
	if (!nm_words_after_colon(r) && nm_words_take(r, "seed"))
		return nm_words_number(r, "a seed", &which->seed);
	return NM_OK;
}

enum nm_code
nm_script_take_which(const struct nm_script *script, struct nm_words *r,
                     enum nm_which_of of, struct nm_which *which)
{
	*which = (struct nm_which){ .seed = script->seed };
	if (nm_words_take(r, "all"))
		return NM_OK;
	if (nm_words_take(r, "for")) {
		if (of != NM_OF_CALLS)
			return nm_words_bad(r, "only calls are chosen by 'for'", NULL);
		which->kind = NM_WHICH_FOR;
		return nm_words_span(r, "a span", &which->span_ms);
	}
	if (nm_words_take(r, "every")) {
		which->kind = NM_WHICH_EVERY;
		return nm_words_count(r, "a number", &which->from);
	}
	if (nm_words_take(r, "id")) {
		if (of != NM_OF_ROWS)
			return nm_words_bad(r, "only rows are chosen by 'id'", NULL);
		which->kind = NM_WHICH_ID;
		return nm_words_text(r, "an id", &which->id);
	}
	(void)nm_words_take(r, "nth");
	return take_numbers(script, r, which);
}

/* One in three the API's own counts of a job with error rows that it denies. */
static const char wrong_counts[] =
	"{\"total\":1000,\"completed\":1000,\"failed\":0}";

/* total=N, completed=N or failed=N, into its place. */
static bool
read_count(const char *text, uint64_t numbers[3])
{
	static const char *const names[] = { "total=", "completed=", "failed=" };
	char *end;

	for (size_t i = 0; i < 3; i++) {
		if (strncmp(text, names[i], strlen(names[i])) != 0)
			continue;
		text += strlen(names[i]);
		numbers[i] = strtoull(text, &end, 10);
		return *text >= '0' && *text <= '9' && !*end;
	}
	return false;
}

enum nm_code
nm_script_take_counts(struct nm_script *script, struct nm_words *r,
                      const char **counts)
{
	uint64_t numbers[3] = {0};
	const char *text = "";

	if (nm_words_take(r, "wrong")) {
		*counts = wrong_counts;
		return NM_OK;
	}
	if (nm_words_take(r, "null")) {
		*counts = "null";
		return NM_OK;
	}
	while ((text = nm_words_peek(r)->text) && strchr(text, '=')) {
		if (!read_count(text, numbers))
			return nm_words_bad_next(r, "not one of total=N completed=N "
			                         "failed=N");
		r->next++;
		*counts = "";
	}
	if (!*counts)
		return nm_words_lack(r, "counts are wrong, null, or total=N "
		                     "completed=N failed=N");
	*counts = nm_arena_printf(&script->arena,
		"{\"total\":%" PRIu64 ",\"completed\":%" PRIu64
		",\"failed\":%" PRIu64 "}",
		numbers[0], numbers[1], numbers[2]);
	return NM_OK;
}

struct nm_call_rule *
nm_script_add_call(struct nm_script *script, struct nm_words *r,
                   const char *method, const char *path)
{
	script->calls = reallocarray(script->calls, script->n_calls + 1,
	                             sizeof(*script->calls));
	if (!script->calls)
		abort();
	script->calls[script->n_calls] = (struct nm_call_rule){
		.method = method, .path = path,
		.fault.rule = nm_arena_string(&script->arena, r->whole) };
	return &script->calls[script->n_calls++];
}
