#include "server/words.h"

#include <errno.h>

#include "base/clock.h"

enum { RATE_MAX = 1000000 }; /* a second, minute or hour */

static enum nm_code
bad_at(struct nm_words *r, size_t place, const char *problem, const char *what)
{
	const char *at = r->words[place].at;

	return nm_fail(r->err, NM_INPUT, 0, "%s:%zu:%zu: %s%s%s%s", r->name,
		r->line, at ? (size_t)(at - r->whole) + 1 : 1, problem,
		what ? ": '" : "", what ? what : "", what ? "'" : "");
}

enum nm_code
nm_words_bad(struct nm_words *r, const char *problem, const char *what)
{
	return bad_at(r, r->next ? r->next - 1 : 0, problem, what);
}

enum nm_code
nm_words_bad_next(struct nm_words *r, const char *problem)
{
	return bad_at(r, r->next, problem, nm_words_peek(r)->text);
}

enum nm_code
nm_words_lack(struct nm_words *r, const char *problem)
{
	return bad_at(r, r->next, problem, NULL);
}

static enum nm_code
split_quoted(struct nm_words *r, const char **at, struct nm_word *word)
{
	struct nm_buf text = {0};
	const char *p = *at + 1;

	for (; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1]) {
			p++;
			nm_buf_add_byte(&text, *p == 'n' ? '\n' : *p == 'r' ? '\r' :
			                *p == 't' ? '\t' : *p);
		} else {
			nm_buf_add_byte(&text, *p);
		}
	}
	word->text = nm_arena_string(r->arena, nm_buf_string(&text));
	word->quoted = true;
	nm_buf_release(&text);
	if (*p != '"')
		return bad_at(r, r->n - 1, "a quote is not closed", NULL);
	*at = p + 1;
	return NM_OK;
}

enum nm_code
nm_words_split(struct nm_words *r)
{
	const char *p = r->whole, *end;
	struct nm_word *word;
	enum nm_code rc;
	size_t len;

	r->n = r->next = 0;
	memset(r->words, 0, sizeof(r->words));
	for (;;) {
		p += strspn(p, " \t\r,");
		r->words[r->n].at = p;
		if (!*p || *p == '#')
			return NM_OK;
		if (r->n == NM_WORDS_MAX)
			return bad_at(r, r->n, "too many words", NULL);
		word = &r->words[r->n++];
		if (*p == '"') {
			rc = split_quoted(r, &p, word);
			if (rc)
				return rc;
			word->colon = *p == ':';
			p += word->colon;
			continue;
		}
		end = p + strcspn(p, " \t\r,#\"");
		len = (size_t)(end - p);
		word->colon = len > 1 && p[len - 1] == ':';
		word->text = nm_arena_text(r->arena,
			(struct nm_text){ p, len - word->colon }).at;
		p = end;
	}
}

const struct nm_word *
nm_words_peek(const struct nm_words *r)
{
	return &r->words[r->next];
}

/* Whether the last word taken ended the selector. */
bool
nm_words_after_colon(const struct nm_words *r)
{
	return r->next > 0 && r->words[r->next - 1].colon;
}

bool
nm_words_take(struct nm_words *r, const char *keyword)
{
	const struct nm_word *word = nm_words_peek(r);

	if (!word->text || word->quoted || strcmp(word->text, keyword) != 0)
		return false;
	r->next++;
	return true;
}

enum nm_code
nm_words_text(struct nm_words *r, const char *what, const char **text)
{
	if (!nm_words_peek(r)->text)
		return bad_at(r, r->next, "something is missing at the end", what);
	*text = r->words[r->next++].text;
	return NM_OK;
}

enum nm_code
nm_words_number(struct nm_words *r, const char *what, uint64_t *number)
{
	const char *text = "";
	char *end;
	enum nm_code rc = nm_words_text(r, what, &text);

	if (rc)
		return rc;
	errno = 0;
	*number = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end)
		return nm_words_bad(r, "not a whole number", text);
	if (errno || *number > INT64_MAX)
		return nm_words_bad(r, "too large a number", text);
	return NM_OK;
}

enum nm_code
nm_words_status(struct nm_words *r, unsigned *status)
{
	uint64_t number;
	enum nm_code rc = nm_words_number(r, "a status", &number);

	if (rc)
		return rc;
	if (number < 200 || number > 599)
		return nm_words_bad(r, "a status is from 200 to 599",
		                    r->words[r->next - 1].text);
	*status = (unsigned)number;
	return NM_OK;
}

enum nm_code
nm_words_count(struct nm_words *r, const char *what, uint64_t *number)
{
	enum nm_code rc = nm_words_number(r, what, number);

	if (!rc && *number == 0)
		return nm_words_bad(r, "a number of at least 1 is meant", "0");
	return rc;
}

enum nm_code
nm_words_span(struct nm_words *r, const char *what, int64_t *span_ms)
{
	const char *text = "";
	uint64_t ms;
	char *end;
	enum nm_code rc = nm_words_text(r, what, &text);

	if (rc)
		return rc;
	if (strcmp(text, "forever") == 0) {
		*span_ms = INT64_MAX;
		return NM_OK;
	}
	errno = 0;
	ms = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && strcmp(end, "ms") == 0 &&
	    !errno && ms < INT64_MAX) {
		*span_ms = (int64_t)ms;
		return NM_OK;
	}
	if (nm_clock_read_span(text, span_ms, NULL))
		return nm_words_bad(r, "not a span of time such as 500ms, 5s or "
		                    "1h", text);
	return NM_OK;
}

static bool
read_digits(const char *text, uint64_t *number, char **end)
{
	errno = 0;
	*number = strtoull(text, end, 10);
	return text[0] >= '0' && text[0] <= '9' && !errno;
}

/* "12" or "3..5" or "3.." */
bool
nm_words_range(const char *text, uint64_t *from, uint64_t *to)
{
	char *end;

	if (!read_digits(text, from, &end))
		return false;
	*to = *from;
	if (strncmp(end, "..", 2) == 0) {
		text = end + 2;
		*to = UINT64_MAX;
		if (!*text)
			return true;
		if (!read_digits(text, to, &end))
			return false;
	}
	return !*end && *from <= *to;
}

/* "10%" or "0.5%" as a share of 2^32. */
bool
nm_words_chance(const char *text, uint64_t *chance)
{
	char *end;
	double share = strtod(text, &end);

	if (text[0] < '0' || text[0] > '9' || strcmp(end, "%") != 0 ||
	    text[strspn(text, "0123456789.")] != '%' || share > 100)
		return false;
	*chance = (uint64_t)(share / 100 * 4294967296.0);
	return true;
}

enum nm_code
nm_words_rate(struct nm_words *r, uint64_t *an_hour)
{
	static const char units[] = "hms";
	static const uint64_t hours[] = { 1, 60, 3600 };
	const char *text = "", *unit;
	uint64_t number;
	char *end;
	enum nm_code rc = nm_words_text(r, "a rate", &text);

	if (rc)
		return rc;
	number = strtoull(text, &end, 10);
	unit = *end == '/' && end[1] ? strchr(units, end[1]) : NULL;
	if (text[0] < '0' || text[0] > '9' || number == 0 ||
	    number > RATE_MAX || !unit || end[2])
		return nm_words_bad(r, "not a rate such as 5/s, 5/m or 5/h", text);
	*an_hour = number * hours[unit - units];
	return NM_OK;
}
