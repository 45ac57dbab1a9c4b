#include "server/stop.h"

enum { MOST = 4 };

/* Of a body that is judged well already, or is still to be. */
static const struct nm_value *
stop_of(const struct nm_ask *ask)
{
	if (ask->endpoint != NM_ENDPOINT_CHAT &&
	    ask->endpoint != NM_ENDPOINT_COMPLETIONS)
		return NULL;
	return nm_json_get(ask->body, "stop");
}

void
nm_stop_judge(const struct nm_ask *ask, struct nm_verdict *verdict)
{
	const struct nm_value *stop = stop_of(ask);
	size_t count = nm_json_count(stop);

	if (nm_ask_lacks(stop) || nm_json_kind(stop) == NM_JSON_STRING)
		return;
	if (nm_json_kind(stop) != NM_JSON_ARRAY)
		nm_verdict_set(verdict, 400, "stop", "invalid_type", "Invalid type "
			"for 'stop': expected one of a string or array of strings, "
			"but got %s instead.", nm_ask_kind(stop));
	else if (count > MOST)
		nm_verdict_set(verdict, 400, "stop", "array_above_max_length",
			"Invalid 'stop': array too long. Expected an array with "
			"maximum length %d, but got an array with length %zu "
			"instead.", MOST, count);
}

static size_t
find(struct nm_text text, struct nm_text sequence)
{
	const char *at = sequence.len ? memmem(text.at, text.len, sequence.at,
	                                       sequence.len) : NULL;

	return at ? (size_t)(at - text.at) : text.len;
}

size_t
nm_stop_find(const struct nm_ask *ask, struct nm_text text)
{
	const struct nm_value *stop = stop_of(ask), *one;
	struct nm_json_walk walk;
	struct nm_text name;

	if (nm_json_kind(stop) == NM_JSON_STRING)
		return find(text, nm_json_text(stop));
	if (nm_json_kind(stop) != NM_JSON_ARRAY)
		return text.len;
	nm_json_walk_init(&walk, stop);
	while ((one = nm_json_walk_next(&walk, &name)))
		text.len = find(text, nm_json_text(one));
	return text.len;
}
