/*
 * limit: see limit.h.
 */
#include "remote/limit.h"

#include <ctype.h>
#include <stdio.h>

/* The words, lower-case and NUL-ended; a text longer than this is no refusal. */
struct words {
	char   at[1024];
	size_t len;
};

static void
lower(struct words *words, struct nm_text text)
{
	size_t len = text.len < sizeof(words->at) - 1
		? text.len : sizeof(words->at) - 1;

	for (size_t i = 0; i < len; i++)
		words->at[i] = (char)tolower((unsigned char)text.at[i]);
	words->at[len] = 0;
	words->len = len;
}

static const char DIGITS[] = "0123456789";

/* The bytes of the mark or blank that parts thousands here, after so many digits and
 * before three; 0 = there is none. */
static size_t
parting(const char *at, size_t digits_before)
{
	static const char *const marks[] = {
		",", ".", "_", "'", " ",
		"\xe2\x80\x99", "\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89",
	};

	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		size_t len = strlen(marks[i]);

		if (digits_before > 0 && digits_before < 4 &&
		    strncmp(at, marks[i], len) == 0)
			return strspn(at + len, DIGITS) == 3 ? len : 0;
	}
	return 0;
}

static bool
begins_word(const char *at, const char *word)
{
	size_t len = strlen(word);

	return strncmp(at, word, len) == 0 && !isalpha((unsigned char)at[len]);
}

/* By the unit that stands at or behind a blank; -1 beyond all numbers. */
static int64_t
scale(int64_t value, const char *at)
{
	int64_t unit = 1;

	at += *at == ' ';
	if (begins_word(at, "k") || begins_word(at, "thousand"))
		unit = 1000;
	if (begins_word(at, "m") || begins_word(at, "million"))
		unit = 1000000;
	return value < INT64_MAX / unit ? value * unit : -1;
}

/* "2,000,000", "2 000 000", "2'000'000", "90000", "2M", "2 million"; -1 if no whole
 * number begins at. */
static int64_t
read_number(const char *at)
{
	int64_t value = 0;
	size_t digits, mark;

	if (!isdigit((unsigned char)*at))
		return -1;
	do {
		digits = strspn(at, DIGITS);
		for (size_t i = 0; i < digits; i++) {
			if (value > INT64_MAX / 10 - 1)
				return -1;
			value = value * 10 + (*at++ - '0');
		}
		mark = parting(at, digits);
		at += mark;
	} while (mark);
	/* A fraction, or a power of ten, is not taken for what stands before it. */
	if (*at && strchr(".,_'e", *at) && isdigit((unsigned char)at[1]))
		return -1;
	return scale(value, at);
}

/* The first number after the given word; -1 if there is none close behind it. */
static int64_t
number_after(const struct words *words, const char *word)
{
	const char *at = strstr(words->at, word);

	if (!at)
		return -1;
	at += strlen(word);
	for (int i = 0; i < 12 && *at && !isdigit((unsigned char)*at); i++)
		at++;
	return read_number(at);
}

/* Does a number that is read from behind reach further to the left than `at`? */
static bool
reaches(const char *begin, const char *at)
{
	const char *left = at - 1;

	if (at[-1] != ' ' || !isdigit((unsigned char)*at))
		return (unsigned char)at[-1] >= 0x80 ||
		       strchr("0123456789,._km' ", at[-1]);
	while (left > begin && isdigit((unsigned char)left[-1]))
		left--;
	return parting(at - 1, (size_t)(at - 1 - left)) > 0;
}

/* The number that stands right before the given word. */
static int64_t
number_before(const struct words *words, const char *word)
{
	const char *end = strstr(words->at, word), *at;

	if (!end)
		return -1;
	at = end;
	while (at > words->at && reaches(words->at, at))
		at--;
	at += strcspn(at, DIGITS);
	/* One that is glued to a letter is a part of a name, or of "2e6". */
	if (at >= end || (at > words->at && isalpha((unsigned char)at[-1])))
		return -1;
	return read_number(at);
}

/* The word between two others, as it stood in the text. */
static void
take_model(struct nm_limit *limit, const struct words *words,
           struct nm_text text, const char *before, const char *after)
{
	const char *from = strstr(words->at, before), *to;

	if (!from)
		return;
	from += strlen(before);
	to = strstr(from, after);
	if (!to || to == from ||
	    (size_t)(to - from) >= sizeof(limit->model) ||
	    memchr(from, ' ', (size_t)(to - from)))
		return;
	snprintf(limit->model, sizeof(limit->model), "%.*s",
	         (int)(to - from), text.at + (from - words->at));
}

/* The number of "limit: N", "limit is N", "limit of N", "limit (N)"; else -1. */
static int64_t
stated_limit(const struct words *words)
{
	const char *at = words->at;
	int64_t value = -1;

	while (value < 0 && (at = strstr(at, "limit"))) {
		at += strlen("limit");
		at += strspn(at, " :=(");
		if (strncmp(at, "is ", 3) == 0 || strncmp(at, "of ", 3) == 0)
			at += 3;
		value = read_number(at);
	}
	return value;
}

static int64_t
best_number(const struct words *words, const char *noun)
{
	int64_t value = stated_limit(words);

	if (value < 0)
		value = number_before(words, noun);
	if (value < 0)
		value = number_after(words, "maximum");
	return value;
}

static bool
has(const struct words *words, const char *word)
{
	return strstr(words->at, word) != NULL;
}

static bool
is_enqueued(struct nm_limit *limit, const struct words *words,
            struct nm_text code)
{
	if (nm_text_is(code, "token_limit_exceeded") ||
	    (has(words, "enqueued") && has(words, "token"))) {
		limit->kind = NM_LIMIT_TOKENS;
		limit->value = best_number(words, "enqueued token");
		return true;
	}
	if (nm_text_is(code, "batch_request_limit_exceeded") ||
	    nm_text_is(code, "request_limit_exceeded") ||
	    (has(words, "enqueued") && has(words, "request"))) {
		limit->kind = NM_LIMIT_REQUESTS;
		limit->value = best_number(words, "enqueued request");
		return true;
	}
	return false;
}

static bool
is_of_file(struct nm_limit *limit, int status, const struct words *words,
           struct nm_text code)
{
	if (nm_text_is(code, "too_many_tasks") ||
	    has(words, "requests per batch") || has(words, "requests in a batch")
	    || has(words, "lines per file")) {
		limit->kind = NM_LIMIT_LINES;
		limit->value = best_number(words, "requests");
		if (limit->value < 0)
			limit->value = number_before(words, "lines");
		return true;
	}
	if (status == 413 || has(words, "file is too large") ||
	    (has(words, "file is larger than") && has(words, "maximum"))) {
		limit->kind = NM_LIMIT_FILE_BYTES;
		limit->value = number_before(words, "maximum");
		if (limit->value < 0)
			limit->value = number_before(words, "bytes");
		return true;
	}
	return false;
}

struct nm_limit
nm_limit_read(int status, struct nm_text code, struct nm_text message)
{
	struct nm_limit limit = { .value = -1 };
	struct words words;

	lower(&words, message);
	if (is_enqueued(&limit, &words, code) ||
	    is_of_file(&limit, status, &words, code)) {
		take_model(&limit, &words, message, "reached for ", " in ");
		if (!limit.model[0])
			take_model(&limit, &words, message, "for the ",
			           " model");
	} else if (has(&words, "batch") &&
	           (has(&words, "per hour") || has(&words, "hourly"))) {
		limit.kind = NM_LIMIT_CREATIONS;
		limit.value = best_number(&words, "batches");
		if (limit.value < 0)
			limit.value = number_before(&words, "per hour");
	}
	return limit;
}
