#include "server/script.h"

#include "base/map.h"

/* Behind a star: where to go on when it takes one byte more. */
struct star {
	const char    *pattern; /* NULL = there is none */
	struct nm_text path;
};

static bool
stretch(struct star *star, bool deep)
{
	if (!star->pattern || star->path.len == 0 ||
	    (!deep && *star->path.at == '/'))
		return false;
	star->path.at++;
	star->path.len--;
	return true;
}

/* Only the last star of each kind is ever gone back to: whatever an earlier one
 * could take instead, the later one can take as well. */
bool
nm_path_fits(const char *pattern, struct nm_text path)
{
	struct star part = { 0 }, deep = { 0 }, *again;

	while (*pattern || path.len) {
		if (pattern[0] == '*' && pattern[1] == '*') {
			pattern += 2;
			deep = (struct star){ pattern, path };
			part.pattern = NULL;
		} else if (*pattern == '*') {
			part = (struct star){ ++pattern, path };
		} else if (*pattern && path.len && *pattern == *path.at) {
			pattern++;
			path.at++;
			path.len--;
		} else {
			again = stretch(&part, false) ? &part : &deep;
			if (again == &deep && !stretch(&deep, true))
				return false;
			if (again == &deep)
				part.pattern = NULL;
			pattern = again->pattern;
			path = again->path;
		}
	}
	return true;
}

bool
nm_which_is(const struct nm_which *which, uint64_t nth, uint64_t salt,
            int64_t since_ms, struct nm_text id)
{
	uint64_t mixed[2] = { nth, salt };

	switch (which->kind) {
	case NM_WHICH_ALL:
		return true;
	case NM_WHICH_RANGE:
		return nth >= which->from && nth <= which->to;
	case NM_WHICH_EVERY:
		return nth % which->from == 0;
	case NM_WHICH_CHANCE:
		return (nm_hash(which->seed + 1, mixed, sizeof(mixed)) >> 32) <
		       which->chance;
	case NM_WHICH_FOR:
		return since_ms < which->span_ms;
	case NM_WHICH_ID:
		return nm_text_is(id, which->id);
	}
	return false;
}

bool
nm_script_row(const struct nm_script *script, uint64_t batch, uint64_t row,
              struct nm_text custom_id, struct nm_row_fault *fault)
{
	const struct nm_row_rule *rule = script->rows;

	for (size_t i = 0; i < script->n_rows; i++, rule++) {
		if (!nm_which_is(&rule->batches, batch, 0, 0, (struct nm_text){0}) ||
		    !nm_which_is(&rule->which, row, (batch << 16) + i, 0,
		                 custom_id))
			continue;
		*fault = rule->fault;
		return true;
	}
	return false;
}

static void
lay_over(struct nm_batch_fault *under, const struct nm_batch_fault *over)
{
	if (over->shuffled) {
		under->shuffled = true;
		under->order_seed = over->order_seed;
	}
	for (int i = 0; i < NM_BATCH_STATES; i++)
		if (over->dwell_ms[i] >= 0)
			under->dwell_ms[i] = over->dwell_ms[i];
	if (over->rows_an_hour)
		under->rows_an_hour = over->rows_an_hour;
	if (over->quota_tokens)
		under->quota_tokens = over->quota_tokens;
	if (over->quota_requests)
		under->quota_requests = over->quota_requests;
	if (over->stale_files_s)
		under->stale_files_s = over->stale_files_s;
	if (over->fail_code) {
		under->fail_code = over->fail_code;
		under->fail_message = over->fail_message;
		under->fail_param = over->fail_param;
		under->fail_line = over->fail_line;
	}
}

void
nm_script_batch(const struct nm_script *script, uint64_t batch,
                struct nm_batch_fault *fault)
{
	const struct nm_batch_rule *rule = script->batches;

	*fault = (struct nm_batch_fault){0};
	for (int i = 0; i < NM_BATCH_STATES; i++)
		fault->dwell_ms[i] = -1;
	for (size_t i = 0; i < script->n_batches; i++, rule++)
		if (nm_which_is(&rule->batches, batch, 0, 0, (struct nm_text){0}))
			lay_over(fault, &rule->fault);
}

void
nm_script_release(struct nm_script *script)
{
	free(script->calls);
	free(script->rows);
	free(script->batches);
	nm_arena_release(&script->arena);
	*script = (struct nm_script){0};
}
