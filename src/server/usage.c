#include "server/usage.h"

enum { TOKENS_MAX = 1000000000 }; /* more than any one reply has */

/* Whatever a reply claims, 50,000 of them can be summed. */
static int64_t
number_of(const struct nm_value *body, const char *a, const char *b)
{
	int64_t tokens = nm_json_int(nm_json_path(body, a),
	                             nm_json_int(nm_json_path(body, b), 0));

	return tokens < 0 ? 0 : tokens > TOKENS_MAX ? TOKENS_MAX : tokens;
}

void
nm_usage_read(const struct nm_value *body, struct nm_usage *usage)
{
	usage->input_tokens = number_of(body, "usage.input_tokens",
	                                "usage.prompt_tokens");
	usage->output_tokens = number_of(body, "usage.output_tokens",
	                                 "usage.completion_tokens");
	usage->cached_tokens = number_of(body,
		"usage.input_tokens_details.cached_tokens",
		"usage.prompt_tokens_details.cached_tokens");
	usage->reasoning_tokens = number_of(body,
		"usage.output_tokens_details.reasoning_tokens",
		"usage.completion_tokens_details.reasoning_tokens");
}
