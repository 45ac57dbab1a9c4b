/*
 * suggestion: why a word was refused as an option, and which one may be meant.
 */
#include "cli/option_inner.h"

enum { NAME_MAX_BYTES = 40 };

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Insertions, deletions, changes and swaps of neighbours between two names. */
static size_t
distance(struct nm_text a, struct nm_text b)
{
	size_t d[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1];
	size_t i, k, change;

	if (a.len > NAME_MAX_BYTES || b.len > NAME_MAX_BYTES)
		return NAME_MAX_BYTES;
	for (i = 0; i <= a.len; i++)
		d[i][0] = i;
	for (k = 0; k <= b.len; k++)
		d[0][k] = k;
	for (i = 1; i <= a.len; i++) {
		for (k = 1; k <= b.len; k++) {
			change = a.at[i - 1] != b.at[k - 1];
			d[i][k] = least(d[i - 1][k - 1] + change,
			                least(d[i - 1][k], d[i][k - 1]) + 1);
			if (i > 1 && k > 1 && a.at[i - 1] == b.at[k - 2] &&
			    a.at[i - 2] == b.at[k - 1])
				d[i][k] = least(d[i][k], d[i - 2][k - 2] + 1);
		}
	}
	return d[a.len][b.len];
}

static const struct nm_option *
nearest(const struct nm_option_table *table, struct nm_text name)
{
	const struct nm_option *option, *best = NULL;
	size_t i, far, least_far = name.len / 3 + 2;

	for (i = 0; (option = nm_option_table_at(table, i)); i++) {
		if (option->traits & NM_OPTION_HIDDEN)
			continue;
		far = distance(name, nm_text_of(option->name));
		if (far < least_far) {
			least_far = far;
			best = option;
		}
	}
	return best;
}

/* The option of this name, or the only one that begins so; `alike` gets those. */
static const struct nm_option *
find(const struct nm_option_table *table, struct nm_text name,
     struct nm_buf *alike)
{
	const struct nm_option *option, *only = NULL;
	size_t i;

	for (i = 0; (option = nm_option_table_at(table, i)); i++) {
		if (nm_text_is(name, option->name))
			return option;
		if (strncmp(option->name, name.at, name.len) != 0)
			continue;
		only = alike->len ? NULL : option;
		nm_buf_addf(alike, "%s--%s", alike->len ? ", " : "",
		            option->name);
	}
	return only;
}

static const struct nm_option *
find_letter(const struct nm_option_table *table, char letter)
{
	const struct nm_option *option;
	size_t i;

	for (i = 0; (option = nm_option_table_at(table, i)); i++)
		if (letter && option->letter == letter)
			return option;
	return NULL;
}

/* NM_OK when nothing is wrong with the word, were it not the last one. */
static enum nm_code
check_long(const struct nm_option_table *table, const char *word,
           bool last, struct nm_err *err)
{
	struct nm_text name = { word + 2, strcspn(word + 2, "=") };
	const struct nm_option *option;
	struct nm_buf alike = {0};
	enum nm_code rc = NM_OK;

	option = find(table, name, &alike);
	if (option && option->kind == NM_OPTION_FLAG && name.at[name.len])
		rc = nm_fail(err, NM_USAGE, 0, "--%s takes no value",
		             option->name);
	else if (option && option->kind != NM_OPTION_FLAG && last &&
	         !name.at[name.len])
		rc = nm_fail(err, NM_USAGE, 0, "--%s: its %s is missing",
		             option->name, option->argument);
	else if (!option && alike.len)
		rc = nm_fail(err, NM_USAGE, 0, "'--%.*s' may be %s",
		             NM_TEXT_ARGS(name), alike.at);
	else if (!option && (option = nearest(table, name)))
		rc = nm_fail(err, NM_USAGE, 0, "there is no option '--%.*s'; "
		             "is --%s meant? See --help", NM_TEXT_ARGS(name),
		             option->name);
	else if (!option)
		rc = nm_fail(err, NM_USAGE, 0,
		             "there is no option '--%.*s'; see --help",
		             NM_TEXT_ARGS(name));
	nm_buf_release(&alike);
	return rc;
}

static enum nm_code
refuse_letters(const struct nm_option_table *table, const char *word,
               struct nm_err *err)
{
	const struct nm_option *option = find_letter(table, word[1]);

	if (option && option->kind != NM_OPTION_FLAG)
		return nm_fail(err, NM_USAGE, 0, "%.2s: its %s is missing", word,
		               option->argument);
	option = nearest(table, nm_text_of(word + 1));
	if (option && word[1] && word[2])
		return nm_fail(err, NM_USAGE, 0, "there is no option '%s'; "
		               "is --%s meant? See --help", word, option->name);
	return nm_fail(err, NM_USAGE, 0, "there is no option '%s'; see --help",
	               word);
}

enum nm_code
nm_option_suggest(const struct nm_option_table *table, char **words,
                  int next, int count, struct nm_err *err)
{
	const char *before = words[next - 1];

	/* getopt stays on a word of several letters, and goes past any other. */
	if (before[0] == '-' && before[1] == '-' &&
	    check_long(table, before, next == count, err))
		return NM_USAGE;
	if (before[0] == '-' && before[1] && before[1] != '-' &&
	    (!before[2] || next == count))
		return refuse_letters(table, before, err);
	return refuse_letters(table, next < count ? words[next] : before, err);
}
