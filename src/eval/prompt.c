/*
 * prompt: see prompt.h.
 */
#include "eval/prompt.h"

#include <strings.h>

#include "base/file.h"
#include "eval/bound.h"
#include "wire/json.h"

static const char MARK[] = "{question}";

enum { MARK_BYTES = sizeof(MARK) - 1 };

static const char SYSTEM[] =
	"You answer questions about films from your own knowledge. "
	"You reply with one JSON object and nothing else.";

static const char USER[] =
	"Question: {question}\n"
	"\n"
	"The name in square brackets is what the question is about: a film, a "
	"person, or a keyword. The brackets are no part of the name.\n"
	"\n"
	"Reply with one JSON object of this form and with no words outside it:\n"
	"{\"answers\": [\"first answer\", \"second answer\"]}\n"
	"\n"
	"- Give every answer you know, the surest first, 20 at most.\n"
	"- Give film titles without their year, and people by their full names.\n"
	"- Give a year, a genre or a language as a short string.\n"
	"- If you know no answer, give an empty list.";

void
nm_prompt_release(struct nm_prompt *prompt)
{
	if (!prompt)
		return;
	nm_buf_release(&prompt->system);
	nm_buf_release(&prompt->before);
	nm_buf_release(&prompt->after);
	nm_buf_release(&prompt->source);
	*prompt = (struct nm_prompt){ 0 };
}

size_t
nm_prompt_bytes(const struct nm_prompt *prompt)
{
	return prompt->system.len + prompt->before.len + prompt->after.len;
}

uint64_t
nm_prompt_weight(const struct nm_prompt *prompt)
{
	return nm_bound_weigh(prompt->system.at, prompt->system.len) +
	       nm_bound_weigh(prompt->before.at, prompt->before.len) +
	       nm_bound_weigh(prompt->after.at, prompt->after.len);
}

/* ---- reading a template ---- */

static size_t
line_of(struct nm_text text, size_t at)
{
	size_t number = 1;

	for (size_t i = 0; i < at; i++)
		number += text.at[i] == '\n';
	return number;
}

static enum nm_code
refuse(struct nm_text text, size_t at, const char *source, const char *problem,
       struct nm_err *err)
{
	return nm_fail(err, NM_INPUT, 0, "%s:%zu: %s", source,
	               line_of(text, at), problem);
}

/* A line that holds "---" alone: where it begins and where the next one
 * does. */
static bool
find_rule(struct nm_text text, size_t *from, size_t *behind)
{
	for (size_t at = 0; at < text.len;) {
		const char *end = memchr(text.at + at, '\n', text.len - at);
		size_t stop = end ? (size_t)(end - text.at) : text.len;
		struct nm_text line = { text.at + at, stop - at };

		if (line.len && line.at[line.len - 1] == '\r')
			line.len--;
		if (nm_text_is(line, "---")) {
			*from = at;
			*behind = end ? stop + 1 : stop;
			return true;
		}
		at = stop + 1;
	}
	return false;
}

static struct nm_text
without_last_newline(struct nm_text text)
{
	if (text.len && text.at[text.len - 1] == '\n')
		text.len--;
	if (text.len && text.at[text.len - 1] == '\r')
		text.len--;
	return text;
}

static bool
mentions_json(struct nm_text text)
{
	for (size_t i = 0; i + 4 <= text.len; i++)
		if (strncasecmp(text.at + i, "json", 4) == 0)
			return true;
	return false;
}

/* The {question} at or after `from`; text.len when there is none. */
static size_t
find_mark(struct nm_text text, size_t from)
{
	const char *at = memmem(text.at + from, text.len - from, MARK,
	                        MARK_BYTES);

	return at ? (size_t)(at - text.at) : text.len;
}

static void
add_to_digest(struct nm_digest *digest, const struct nm_buf *part)
{
	unsigned char len[8];

	for (int i = 0; i < 8; i++)
		len[i] = (unsigned char)((uint64_t)part->len >> 8 * i);
	nm_digest_add(digest, len, sizeof(len));
	nm_digest_add(digest, nm_buf_string(part), part->len);
}

static void
take(struct nm_prompt *prompt, struct nm_text system, struct nm_text user,
     size_t mark, const char *source)
{
	struct nm_prompt new = { 0 };
	struct nm_digest digest;

	nm_buf_add_text(&new.system, system);
	nm_buf_add(&new.before, user.at, mark);
	nm_buf_add(&new.after, user.at + mark + MARK_BYTES,
	           user.len - mark - MARK_BYTES);
	nm_buf_add_string(&new.source, source);
	nm_digest_init(&digest, NM_SHA256);
	add_to_digest(&digest, &new.system);
	add_to_digest(&digest, &new.before);
	add_to_digest(&digest, &new.after);
	nm_digest_finish(&digest, new.digest);
	nm_prompt_release(prompt);
	*prompt = new;
}

static enum nm_code
check_bytes(struct nm_text text, const char *source, struct nm_err *err)
{
	size_t valid = nm_json_utf8_valid(text.at, text.len);
	const char *nul = text.len ? memchr(text.at, 0, text.len) : NULL;

	if (valid < text.len)
		return refuse(text, valid, source, "not UTF-8", err);
	/* A later process has it as a string. */
	if (nul)
		return refuse(text, (size_t)(nul - text.at), source,
		              "a NUL byte", err);
	return NM_OK;
}

enum nm_code
nm_prompt_read(struct nm_prompt *prompt, struct nm_text template,
               const char *source, struct nm_err *err)
{
	struct nm_text system = NM_TEXT(SYSTEM);
	struct nm_text text = without_last_newline(template);
	struct nm_text user = text;
	size_t from, behind = 0, mark, second;
	enum nm_code rc = check_bytes(text, source, err);

	if (rc)
		return rc;
	if (find_rule(text, &from, &behind)) {
		system = without_last_newline(
			(struct nm_text){ text.at, from });
		user = (struct nm_text){ text.at + behind, text.len - behind };
		mark = find_mark(system, 0);
		if (mark < system.len)
			return refuse(text, mark, source, "{question} stands "
			              "above the line ---; it belongs below", err);
	}
	mark = find_mark(user, 0);
	if (mark == user.len)
		return refuse(text, behind, source, "no {question} from here "
		              "on; the template needs one", err);
	second = find_mark(user, mark + MARK_BYTES);
	if (second < user.len)
		return refuse(text, behind + second, source, "a second "
		              "{question}; the template may have one", err);
	if (!mentions_json(system) && !mentions_json(user))
		return refuse(text, 0, source, "the word JSON is nowhere in the "
		              "template; the service then refuses JSON replies",
		              err);
	take(prompt, system, user, mark, source);
	return NM_OK;
}

enum nm_code
nm_prompt_load(struct nm_prompt *prompt, const char *path, struct nm_err *err)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct nm_buf bytes = { .max = NM_PROMPT_MAX_BYTES };
	struct nm_text text;
	enum nm_code rc;

	if (!path)
		return nm_prompt_read(prompt, NM_TEXT(USER), "built-in", err);
	rc = nm_file_read(path, &bytes, err);
	if (rc)
		goto done;
	text = nm_buf_text(&bytes);
	if (text.len >= 3 && memcmp(text.at, mark, 3) == 0) {
		text.at += 3;
		text.len -= 3;
	}
	rc = nm_prompt_read(prompt, text, path, err);
done:
	nm_buf_release(&bytes);
	return rc;
}
