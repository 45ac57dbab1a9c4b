/*
 * place: see place.h.
 */
#include "eval/place.h"

#include "base/file.h"
#include "base/path.h"

static const char SUMS_FILE[] = "metaqa/sample.sha256";

enum { SUMS_MAX_BYTES = 64 << 10, HEX_DIGITS = 64 };

/* The hops of "2-hop" or "2-hop-test" ('2'); 0 for any other name. */
static char
hops_of(struct nm_text name)
{
	static const char hop[] = "-hop", test[] = "-hop-test";
	struct nm_text rest;

	if (name.len == 0 || name.at[0] < '1' || name.at[0] > '3')
		return 0;
	rest = (struct nm_text){ name.at + 1, name.len - 1 };
	return nm_text_is(rest, hop) || nm_text_is(rest, test) ? name.at[0] : 0;
}

static void
set(struct nm_place *place, char hops, const char *data_dir)
{
	char inner[] = "0-hop/vanilla/qa_test.txt";

	inner[0] = hops;
	nm_buf_clear(&place->path);
	nm_buf_clear(&place->name);
	nm_path_join(&place->path, data_dir, inner);
	nm_buf_addf(&place->name, "%c-hop-test", hops);
}

enum nm_code
nm_place_find(struct nm_place *place, const char *typed, const char *data_dir,
              struct nm_err *err)
{
	char hops = hops_of(nm_text_of(typed));

	if (typed[0] == 0)
		return nm_fail(err, NM_USAGE, 0, "a dataset has an empty name: "
		               "give 1-hop, 2-hop, 3-hop or a path");
	if (hops) {
		set(place, hops, data_dir);
		return NM_OK;
	}
	nm_buf_clear(&place->path);
	nm_buf_clear(&place->name);
	nm_buf_add_string(&place->path, typed);
	nm_buf_add_text(&place->name, nm_path_stem(typed));
	return NM_OK;
}

enum nm_code
nm_place_named(struct nm_place *place, struct nm_text name,
               const char *data_dir, struct nm_err *err)
{
	char hops = hops_of(name);

	if (!hops)
		return nm_fail(err, NM_ABSENT, 0, "no dataset is known by the "
		               "name \"%.*s\"",
		               name.len > 100 ? 100 : (int)name.len, name.at);
	set(place, hops, data_dir);
	return NM_OK;
}

void
nm_place_release(struct nm_place *place)
{
	if (!place)
		return;
	nm_buf_release(&place->path);
	nm_buf_release(&place->name);
}

/* The line's digest, HEX_DIGITS long; NULL when it does not begin with one. */
static const char *
digest_of(const char *line, size_t len)
{
	size_t digits = 0;

	while (digits < len && strchr("0123456789abcdef", line[digits])
	       && line[digits])
		digits++;
	return digits == HEX_DIGITS && len > digits && line[digits] == ' '
	     ? line : NULL;
}

/* Looks for the digest in the lines of a sum file. */
static enum nm_code
search(struct nm_text sums, const char *path, const char *wanted,
       enum nm_place_origin *origin, struct nm_err *err)
{
	enum nm_place_origin found = NM_PLACE_OTHER;
	const char *at = sums.at, *end = sums.at + sums.len;

	for (int number = 1; at < end; number++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		const char *digest;

		if (!stop)
			stop = end;
		digest = digest_of(at, (size_t)(stop - at));
		if (!digest)
			return nm_fail(err, NM_INPUT, 0, "%s:%d: no SHA-256 "
			               "and path", path, number);
		if (memcmp(digest, wanted, HEX_DIGITS) == 0)
			found = NM_PLACE_SAMPLE;
		at = stop + 1;
	}
	*origin = found;
	return NM_OK;
}

enum nm_code
nm_place_origin(const char *file_sha256, enum nm_place_origin *origin,
                struct nm_err *err)
{
	struct nm_buf path = { 0 };
	struct nm_buf sums = { .max = SUMS_MAX_BYTES };
	enum nm_code rc;

	if (nm_path_data(&path, SUMS_FILE, NULL)
	    || strlen(file_sha256) != HEX_DIGITS) {
		*origin = NM_PLACE_OTHER;
		rc = NM_OK;
		goto done;
	}
	rc = nm_file_read(nm_buf_string(&path), &sums, err);
	if (rc == NM_OK)
		rc = search(nm_buf_text(&sums), nm_buf_string(&path),
		            file_sha256, origin, err);
done:
	nm_buf_release(&sums);
	nm_buf_release(&path);
	return rc;
}
