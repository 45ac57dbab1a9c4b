#include "server/address.h"

static bool
begins_with(struct nm_text text, const char *words)
{
	size_t len = strlen(words);

	return text.len >= len && memcmp(text.at, words, len) == 0;
}

/* As OpenAI, and servers that were made after it, say it of a path. */
static bool
says_no_such_path(const struct nm_value *root)
{
	static const char *const words[] = { "Invalid URL",
		"Unknown request URL", "Unexpected endpoint", "File Not Found" };
	const struct nm_value *error = nm_json_get(root, "error");
	struct nm_text said = nm_json_text(error);

	if (nm_json_kind(error) == NM_JSON_ABSENT)
		said = nm_json_text(nm_json_get(root, "detail"));
	else if (nm_json_kind(error) == NM_JSON_OBJECT)
		said = nm_json_text(nm_json_get(error, "message"));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (begins_with(said, words[i]))
			return true;
	return nm_text_is(said, "Not Found") ||
		nm_text_is(said, "Method Not Allowed") ||
		nm_text_is(nm_json_text(nm_json_path(root, "error.code")),
		           "unknown_url");
}

/* Its envelope, or one of those that lack it: text, the members alone, or a detail, as
 * frames have it. */
static bool
is_error_of_an_api(const struct nm_value *root)
{
	enum nm_kind detail = nm_json_kind(nm_json_get(root, "detail"));

	return nm_json_kind(root) == NM_JSON_OBJECT &&
		(nm_json_kind(nm_json_get(root, "error")) != NM_JSON_ABSENT ||
		 nm_json_kind(nm_json_get(root, "message")) == NM_JSON_STRING ||
		 detail == NM_JSON_STRING || detail == NM_JSON_OBJECT);
}

/* JSON that is broken is still an API's. */
static bool
is_page(struct nm_text body, const struct nm_value *root)
{
	while (body.len && strchr(" \t\r\n", *body.at)) {
		body.at++;
		body.len--;
	}
	return !root && !begins_with(body, "{");
}

bool
nm_address_is_wrong(int status, struct nm_text body,
                    const struct nm_value *root)
{
	if (status >= 300 && status <= 399)
		return true;
	if (status >= 200 && status <= 299)
		return is_page(body, root) || says_no_such_path(root);
	/* Plain HTTP to a port of TLS is answered so. */
	if (status == 400)
		return is_page(body, root);
	if (status == 404 || status == 405)
		return !is_error_of_an_api(root) || says_no_such_path(root);
	return false;
}
