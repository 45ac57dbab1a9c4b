/*
 * option_value: one text -> one option's value, by its kind and range.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "cli/option_inner.h"

enum { RANGE_MAX = 1000000 };

struct nm_text
nm_option_next_word(const char **words)
{
	struct nm_text word = { *words, 0 };

	if (!word.at)
		return word;
	word.len = strcspn(word.at, "|");
	*words = word.at + word.len + (word.at[word.len] == '|');
	return word;
}

/* "0.1s", "90s", "15m", "24h", "7d": the largest unit that is whole. */
static void
add_span(int64_t span_ms, struct nm_buf *out)
{
	static const struct { int64_t ms; char unit; } units[] = {
		{ 86400000, 'd' }, { 3600000, 'h' }, { 60000, 'm' },
	};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (span_ms > units[i].ms && span_ms % units[i].ms == 0)
			break;
	if (i < sizeof(units) / sizeof(*units))
		nm_buf_addf(out, "%" PRId64 "%c", span_ms / units[i].ms,
		            units[i].unit);
	else
		nm_buf_addf(out, "%gs", (double)span_ms / 1000);
}

static void
add_bound(const struct nm_option *option, double bound, struct nm_buf *out)
{
	if (option->kind == NM_OPTION_SPAN)
		add_span((int64_t)bound, out);
	else
		nm_buf_addf(out, "%.15g", bound);
}

void
nm_option_add_range(const struct nm_option *option, struct nm_buf *out)
{
	if (option->kind != NM_OPTION_WHOLE && option->kind != NM_OPTION_NUMBER &&
	    option->kind != NM_OPTION_SPAN)
		return;
	nm_buf_add_string(out, "from ");
	add_bound(option, option->min, out);
	if (option->max > 0) {
		nm_buf_add_string(out, " to ");
		add_bound(option, option->max, out);
	} else {
		nm_buf_add_string(out, " up");
	}
}

struct nm_option
nm_option_shown(const struct nm_option *option)
{
	struct nm_option shown = *option;

	if (shown.kind != NM_OPTION_SPAN && shown.max >= RANGE_MAX)
		shown.max = 0;
	return shown;
}

static bool
in_range(const struct nm_option *option, double value)
{
	return value >= option->min &&
	       (option->max <= 0 || value <= option->max);
}

static bool
read_whole(const char *text, int64_t *whole)
{
	intmax_t value;
	char *end;

	if (!isdigit((unsigned char)text[text[0] == '-']))
		return false;
	errno = 0;
	value = strtoimax(text, &end, 10);
	if (errno || *end)
		return false;
	*whole = value;
	return true;
}

static bool
read_number(const char *text, double *number)
{
	double value;
	char *end;

	if (!text[0] || text[strspn(text, "+-.0123456789eE")])
		return false;
	value = strtod(text, &end);
	if (*end || !isfinite(value))
		return false;
	*number = value;
	return true;
}

/* NM_USAGE for a text that is none of the kind's values. */
static enum nm_code
refuse(const struct nm_option_value *value, const char *text,
       const char *noun, struct nm_err *err)
{
	struct nm_option shown = nm_option_shown(value->option);
	struct nm_buf range = {0};
	enum nm_code rc;
	double number;

	if (read_number(text, &number) && number > value->option->max)
		shown = *value->option;
	nm_option_add_range(&shown, &range);
	rc = nm_fail(err, NM_USAGE, 0, "%s: '%s' is not %s %s", value->dashed,
	             text, noun, nm_buf_string(&range));
	nm_buf_release(&range);
	return rc;
}

/* Who means days is not to get seconds. */
static bool
lacks_unit(const struct nm_option_value *value, const char *text)
{
	return value->option->traits & NM_OPTION_UNIT && value->whole > 0 &&
	       isdigit((unsigned char)text[strlen(text) - 1]);
}

static enum nm_code
take_span(struct nm_option_value *value, const char *text, struct nm_err *err)
{
	bool read = !nm_clock_read_span(text, &value->whole, NULL);

	if (read && lacks_unit(value, text))
		return nm_fail(err, NM_USAGE, 0, "%s: '%s' of what? Say %ss, "
		               "%sm, %sh or %sd", value->dashed, text, text,
		               text, text, text);
	if (!read || !in_range(value->option, (double)value->whole))
		return refuse(value, text,
		              "a time such as 90s, 15m, 24h or 7d,", err);
	return NM_OK;
}

static enum nm_code
refuse_choice(const struct nm_option_value *value, const char *text,
              struct nm_err *err)
{
	struct nm_buf words = {0};
	const char *rest = value->option->words;
	struct nm_text word;
	enum nm_code rc;

	for (word = nm_option_next_word(&rest); word.len;) {
		nm_buf_add_text(&words, word);
		word = nm_option_next_word(&rest);
		if (word.len)
			nm_buf_add_string(&words, *rest ? ", " : " or ");
	}
	rc = nm_fail(err, NM_USAGE, 0, "%s: '%s' is not %s", value->dashed,
	             text, nm_buf_string(&words));
	nm_buf_release(&words);
	return rc;
}

static bool
is_choice(const struct nm_option *option, const char *text)
{
	const char *rest = option->words;
	struct nm_text word;

	for (word = nm_option_next_word(&rest); word.len;
	     word = nm_option_next_word(&rest))
		if (nm_text_is(word, text))
			return true;
	return false;
}

static void
add_word(struct nm_option_value *value, const char *word,
         struct nm_arena *arena)
{
	if (value->count == value->cap)
		value->words = nm_arena_grow(arena, value->words, &value->cap,
		                             sizeof(*value->words));
	value->words[value->count++] = word;
	value->text = word;
}

enum nm_code
nm_option_value_take(struct nm_option_value *value, const char *text,
                     struct nm_arena *arena, struct nm_err *err)
{
	const struct nm_option *option = value->option;

	if (!text[0])
		return nm_fail(err, NM_USAGE, 0, "%s: its %s is empty",
		               value->dashed,
		               option->argument ? option->argument : "value");
	switch (option->kind) {
	case NM_OPTION_FLAG:
		break;
	case NM_OPTION_CHOICE:
		if (!is_choice(option, text))
			return refuse_choice(value, text, err);
		value->text = text;
		break;
	case NM_OPTION_TEXT:
		value->text = text;
		break;
	case NM_OPTION_LIST:
		add_word(value, text, arena);
		break;
	case NM_OPTION_WHOLE:
		if (!read_whole(text, &value->whole) ||
		    !in_range(option, (double)value->whole))
			return refuse(value, text, "a whole number", err);
		break;
	case NM_OPTION_NUMBER:
		if (!read_number(text, &value->number) ||
		    !in_range(option, value->number))
			return refuse(value, text, "a number", err);
		break;
	case NM_OPTION_SPAN:
		return take_span(value, text, err);
	}
	return NM_OK;
}
